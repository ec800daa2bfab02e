//! Fields that only one org has.

use serde_json::json;

use super::{config, env, env_with};
use crate::salesforce::{Config, Kind, OrgField, Salesforce};

fn with(fields: &[(&str, &str, Kind)]) -> Config {
    let own_fields = fields.iter().map(|(object, name, kind)| OrgField::new(object, name, *kind)).collect();
    Config { own_fields, ..config() }
}

#[test]
fn an_orgs_own_fields_are_there_and_nowhere_else() {
    let fields = [
        ("Opportunity", "Do_Not_Bill__c", Kind::Checkbox),
        ("Opportunity", "RecordTypeId", Kind::Reference(&["RecordType"])),
        ("Account", "Net_Terms__c", Kind::Number),
    ];
    let mut org = env_with(with(&fields));
    let integration = org.integration.clone();
    let record_type = json!({ "Name": "New Business", "DeveloperName": "New_Business", "SobjectType": "Opportunity" });
    let record_type = org.salesforce.insert(0, "RecordType", &record_type).unwrap();
    let account = org.salesforce.insert(0, "Account", &json!({ "Name": "Acme", "Net_Terms__c": 45 })).unwrap();
    let opportunity = json!({
        "Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-11-30",
        "AccountId": account, "RecordTypeId": record_type,
    });
    let opportunity = org.salesforce.insert(0, "Opportunity", &opportunity).unwrap();
    let soql = "SELECT Do_Not_Bill__c, RecordType.DeveloperName, Account.Net_Terms__c FROM Opportunity";
    org.salesforce.take_queries();
    let (status, answer) = org.query_as(&integration, soql);
    assert_eq!(status, 200, "{answer}");
    let record = &answer["records"][0];
    assert_eq!(record["Do_Not_Bill__c"], false);
    assert_eq!(record["RecordType"]["DeveloperName"], "New_Business");
    assert_eq!(record["Account"]["Net_Terms__c"], 45.0);
    assert_eq!((org.salesforce.take_queries(), org.salesforce.take_queries()), (vec![soql.to_owned()], vec![]));
    // They are read, and no more.
    let path = format!("/sobjects/Opportunity/{opportunity}");
    let (status, answer) = org.call_as(&integration, "PATCH", &path, json!({ "Do_Not_Bill__c": true }));
    assert_eq!((status, &answer[0]["errorCode"]), (400, &json!("INVALID_FIELD_FOR_INSERT_UPDATE")));
    org.salesforce.grant("Opportunity", "Do_Not_Bill__c", None);
    let mut elsewhere = env();
    let other = elsewhere.integration.clone();
    for (status, answer) in [org.query_as(&integration, soql), elsewhere.query_as(&other, soql)] {
        assert_eq!((status, &answer[0]["errorCode"]), (400, &json!("INVALID_FIELD")));
    }
}

#[test]
fn a_field_of_no_object_or_a_second_of_its_name_is_told() {
    for (object, name, told) in [
        ("Opportunities", "Do_Not_Bill__c", "Opportunities.Do_Not_Bill__c: no such object"),
        ("Account", "phone", "Account.phone is there already"),
    ] {
        let problem = Salesforce::new(with(&[(object, name, Kind::Checkbox)])).err();
        assert_eq!(problem.as_deref(), Some(told));
    }
}
