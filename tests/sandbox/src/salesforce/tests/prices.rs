//! Price book entries, lines, and the amount of an opportunity.

use serde_json::{Value, json};

use super::{Config, config, env, env_with};

#[test]
fn lines_price_themselves_and_sum_up() {
    let mut env = env();
    let (opportunity, entry) = (env.opportunity("Deal"), env.priced("Seat", json!(33.335)));
    let line = env.insert(
        "OpportunityLineItem",
        json!({"OpportunityId": opportunity, "PricebookEntryId": entry, "Quantity": 3, "Discount": 10}),
    );
    let read = env.salesforce.record("OpportunityLineItem", &line).unwrap();
    for (field, value) in [
        ("UnitPrice", json!(33.335)),
        ("ListPrice", json!(33.335)),
        ("TotalPrice", json!(90.00)),
        ("Subtotal", json!(100.01)),
        ("ProductCode", json!("Seat")),
        ("Name", json!("Deal Seat")),
        ("SortOrder", json!(1)),
    ] {
        assert_eq!(read[field], value, "{field}");
    }
    let path = format!("/sobjects/OpportunityLineItem/{line}");
    assert_eq!(env.call("PATCH", &path, json!({"Quantity": 4})).0, 204);
    assert_eq!(env.salesforce.record("OpportunityLineItem", &line).unwrap()["TotalPrice"], json!(120.01));
    assert_eq!(env.call("PATCH", &path, json!({"TotalPrice": 100})).0, 204);
    let deal = env.salesforce.record("Opportunity", &opportunity).unwrap();
    assert_eq!((&deal["Amount"], &deal["HasOpportunityLineItem"]), (&json!(100.0), &json!(true)));
    // The amount of an opportunity with lines cannot be written, and the attempt is not an error.
    assert_eq!(env.call("PATCH", &format!("/sobjects/Opportunity/{opportunity}"), json!({"Amount": 1})).0, 204);
    assert_eq!(env.salesforce.record("Opportunity", &opportunity).unwrap()["Amount"], json!(100.0));
    let product = env.salesforce.record("PricebookEntry", &entry).unwrap()["Product2Id"].clone();
    let by_product = env.insert(
        "OpportunityLineItem",
        json!({"OpportunityId": opportunity, "Product2Id": product, "Quantity": 1, "UnitPrice": 5}),
    );
    assert_eq!(env.salesforce.record("Opportunity", &opportunity).unwrap()["Amount"], json!(105.0));
    assert_eq!(env.call("DELETE", &format!("/sobjects/OpportunityLineItem/{by_product}"), Value::Null).0, 204);
    assert_eq!(env.salesforce.record("Opportunity", &opportunity).unwrap()["Amount"], json!(100.0));
    assert_eq!(
        env.call("DELETE", &format!("/sobjects/PricebookEntry/{entry}"), Value::Null).1[0]["errorCode"],
        json!("DELETE_FAILED")
    );
    assert_eq!(env.call("DELETE", &format!("/sobjects/Opportunity/{opportunity}"), Value::Null).0, 204);
    assert!(env.salesforce.records("OpportunityLineItem").is_empty());
}

#[test]
fn prices_need_a_standard_price_and_their_own_currency() {
    let mut env = env_with(Config { multi_currency: true, ..config() });
    let product = env.insert("Product2", json!({"Name": "P"}));
    let standard = env.salesforce.standard_pricebook_id().to_owned();
    let custom = env.insert("Pricebook2", json!({"Name": "Partners", "IsActive": true}));
    let entry = |book: &str, currency: &str| json!({"Product2Id": product, "Pricebook2Id": book, "UnitPrice": 1, "CurrencyIsoCode": currency});
    for (row, code) in [
        (entry(&custom, "JPY"), "STANDARD_PRICE_NOT_DEFINED"),
        (entry(&standard, "JPY"), ""),
        (entry(&standard, "JPY"), "DUPLICATE_VALUE"),
        (entry(&standard, "USD"), ""),
        (entry(&custom, "JPY"), ""),
    ] {
        let (_, answer) = env.call("POST", "/sobjects/PricebookEntry", row.clone());
        assert_eq!(answer[0]["errorCode"].as_str().unwrap_or_default(), code, "{row}: {answer}");
    }
    let entries = env.salesforce.records("PricebookEntry");
    let deal = env.insert("Opportunity", json!({"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-11-20", "CurrencyIsoCode": "JPY", "Pricebook2Id": standard}));
    let line = |position: usize, unit_price: Value| json!({"OpportunityId": deal, "PricebookEntryId": entries[position]["Id"], "Quantity": 3, "UnitPrice": unit_price});
    for position in [1, 2] {
        let (_, error) = env.call("POST", "/sobjects/OpportunityLineItem", line(position, json!(1)));
        assert_eq!(error[0]["errorCode"], json!("FIELD_INTEGRITY_EXCEPTION"), "{error}");
    }
    let id = env.insert("OpportunityLineItem", line(0, json!(33.5)));
    let read = env.salesforce.record("OpportunityLineItem", &id).unwrap();
    assert_eq!((&read["TotalPrice"], &read["CurrencyIsoCode"]), (&json!(101.0), &json!("JPY")));
}
