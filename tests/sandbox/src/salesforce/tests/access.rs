//! What the integration user may do: what the permission set of the sfdx project grants, and nothing else.

use serde_json::{Value, json};

use super::{NOW, env};

#[test]
fn hidden_fields_do_not_exist_for_the_integration_user() {
    let mut env = env();
    let integration = env.integration.clone();
    for (soql, code) in [
        (
            "SELECT Id, Name, StageName, Amount, Type, Account.Billing_Email__c, Account.BillingStreet FROM Opportunity",
            "",
        ),
        (
            "SELECT Id, Stripe_Sync_Error__c, (SELECT Product2.Stripe_Price_Id__c, Discount FROM OpportunityLineItems) FROM Opportunity",
            "",
        ),
        ("SELECT Contact.Email FROM OpportunityContactRole", ""),
        ("SELECT UnitPrice FROM PricebookEntry", ""),
        ("SELECT NextStep FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Account.Industry FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Probability > 50", "INVALID_FIELD"),
        ("SELECT Id FROM Contact ORDER BY Phone", "INVALID_FIELD"),
        ("SELECT Description, Owner.IsActive FROM Case", ""),
        ("SELECT Reason FROM Case", "INVALID_FIELD"),
        ("SELECT Id FROM Lead", "INVALID_TYPE"),
    ] {
        let (_, answer) = env.query_as(&integration, soql);
        assert_eq!(answer[0]["errorCode"].as_str().unwrap_or_default(), code, "{soql}: {answer}");
        let (status, answer) = env.query(soql);
        assert_eq!(status, 200, "{soql}: {answer}");
    }
}

#[test]
fn only_our_own_fields_are_written() {
    let mut env = env();
    let (integration, opportunity) = (env.integration.clone(), env.opportunity("Deal"));
    let path = format!("/sobjects/Opportunity/{opportunity}");
    for (body, status, code) in [
        (json!({"Stripe_Invoice_Id__c": "in_1", "Payment_Received__c": true, "Paid_Date__c": "2026-11-20"}), 204, ""),
        (json!({"Amount": 1}), 400, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        (json!({"NextStep": "call"}), 400, "INVALID_FIELD"),
        (json!({"IsWon": true}), 400, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ] {
        let (found, answer) = env.call_as(&integration, "PATCH", &path, body.clone());
        assert_eq!(found, status, "{body}");
        assert_eq!(answer[0]["errorCode"].as_str().unwrap_or_default(), code, "{body}");
    }
    let written = env.salesforce.record("Opportunity", &opportunity).unwrap();
    assert_eq!(written["LastModifiedById"], json!("005000000000001AAA"));
    assert_ne!(written["CreatedById"], json!("005000000000001AAA"));
    for (method, path) in [("POST", "/sobjects/Account".to_owned()), ("DELETE", path)] {
        let (status, error) = env.call_as(&integration, method, &path, json!({"Name": "A"}));
        assert_eq!((status, &error[0]["errorCode"]), (403, &json!("INSUFFICIENT_ACCESS_OR_READONLY")), "{method}");
    }
    let event = env.call_as(&integration, "POST", "/sobjects/Stripe_Sync__e", json!({"Record_Id__c": opportunity}));
    assert_eq!(event.0, 201);
    let (_, described) = env.call_as(&integration, "GET", "/sobjects/Opportunity/describe", Value::Null);
    assert!(!described["fields"].as_array().unwrap().iter().any(|field| field["name"] == "NextStep"));
}

/// What a user may do with products depends on the permission sets that they have, and no other is changed by one more of them.
#[test]
fn another_permission_set_grants_more_and_takes_nothing_away() {
    let mut env = env();
    let integration = env.integration.clone();
    let product = env.salesforce.insert(0, "Product2", &json!({ "Name": "Seat", "IsActive": true })).unwrap();
    let path = format!("/sobjects/Product2/{product}");
    let body = json!({ "Stripe_Price_Id__c": "price_1" });
    let soql = "SELECT StockKeepingUnit, ProductCode FROM Product2";
    assert_eq!(env.query_as(&integration, soql).1[0]["errorCode"], "INVALID_FIELD");
    assert_eq!(env.call_as(&integration, "PATCH", &path, body.clone()).0, 403);
    env.salesforce.assign("Closedwon_Catalog").unwrap();
    assert_eq!(env.query_as(&integration, soql).0, 200);
    assert_eq!(env.call_as(&integration, "PATCH", &path, body).0, 204);
    assert_eq!(env.call_as(&integration, "PATCH", &path, json!({ "ProductCode": "A" })).0, 400);
    let of_opportunity = env.query_as(&integration, "SELECT Stripe_Invoice_Id__c FROM Opportunity");
    assert_eq!(of_opportunity.0, 200);
    assert!(env.salesforce.assign("Nothing").is_err());
}

/// Nobody but Salesforce writes it, and an administrator may hide it.
#[test]
fn an_event_relay_has_its_feedback() {
    const SOQL: &str = "SELECT RemoteResource, Status, ErrorMessage FROM EventRelayFeedback WHERE Status != 'RUNNING'";
    let mut env = env();
    let integration = env.integration.clone();
    assert_eq!(env.query_as(&integration, SOQL).1["totalSize"], 0);
    let feedback = json!({ "RemoteResource": "aws.partner/salesforce.com/00D/0YL", "Status": "STOPPED" });
    env.salesforce.relay_is(NOW, &feedback).unwrap();
    assert!(env.salesforce.relay_is(NOW, &json!({ "State": "RUN" })).is_err());
    let (_, found) = env.query_as(&integration, SOQL);
    assert_eq!(
        (&found["records"][0]["Status"], &found["records"][0]["ErrorMessage"]),
        (&json!("STOPPED"), &Value::Null)
    );
    let (status, error) =
        env.call_as(&integration, "POST", "/sobjects/EventRelayFeedback", json!({ "Status": "RUNNING" }));
    assert_eq!((status, &error[0]["errorCode"]), (400, &json!("INVALID_FIELD_FOR_INSERT_UPDATE")));
    env.salesforce.hide("EventRelayFeedback");
    assert_eq!(env.query_as(&integration, SOQL).1[0]["errorCode"], "INVALID_TYPE");
}
