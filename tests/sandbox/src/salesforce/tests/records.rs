//! Create, read, update, delete, upsert, and what follows from them.

use serde_json::{Value, json};

use super::env;

#[test]
fn bad_fields_are_refused_in_the_vendors_words() {
    let mut env = env();
    let contact = env.insert("Contact", json!({"LastName": "Doe"}));
    let gone = env.insert("Account", json!({"Name": "Gone"}));
    env.salesforce.delete(super::NOW, "Account", &gone).unwrap();
    let opportunity = |field: &str, value: Value| {
        let mut row = json!({"Name": "O", "StageName": "Prospecting", "CloseDate": "2026-11-20"});
        row[field] = value;
        row
    };
    for (object, row, code, field) in [
        ("Account", json!({}), "REQUIRED_FIELD_MISSING", "Name"),
        ("Account", json!({"Name": ""}), "REQUIRED_FIELD_MISSING", "Name"),
        ("Account", json!({"Name": "x".repeat(256)}), "STRING_TOO_LONG", "Name"),
        ("Account", json!({"Name": "A", "Nothing__c": 1}), "INVALID_FIELD", ""),
        ("Account", json!({"Name": "A", "Id": gone}), "INVALID_FIELD", ""),
        (
            "Account",
            json!({"Name": "A", "CreatedDate": "2026-11-20T00:00:00Z"}),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "CreatedDate",
        ),
        (
            "Account",
            json!({"Name": "A", "Billing_Email__c": "no address"}),
            "INVALID_EMAIL_ADDRESS",
            "Billing_Email__c",
        ),
        ("Account", json!({"Name": ["A"]}), "JSON_PARSER_ERROR", ""),
        ("Nothing", json!({"Name": "A"}), "INVALID_TYPE", ""),
        ("Opportunity", opportunity("AccountId", json!("x")), "MALFORMED_ID", "AccountId"),
        ("Opportunity", opportunity("AccountId", json!(contact)), "MALFORMED_ID", "AccountId"),
        (
            "Opportunity",
            opportunity("AccountId", json!("001000000000001AAA")),
            "INVALID_CROSS_REFERENCE_KEY",
            "AccountId",
        ),
        ("Opportunity", opportunity("AccountId", json!(gone)), "ENTITY_IS_DELETED", "AccountId"),
        ("Opportunity", opportunity("Amount", json!("ten")), "JSON_PARSER_ERROR", ""),
        (
            "Opportunity",
            opportunity("Amount", json!(99_999_999_999_999_999_i64)),
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Amount",
        ),
        ("Opportunity", opportunity("CloseDate", json!("20.11.2026")), "JSON_PARSER_ERROR", ""),
        ("Opportunity", opportunity("CloseDate", Value::Null), "REQUIRED_FIELD_MISSING", "CloseDate"),
        ("Opportunity", opportunity("Payment_Received__c", json!("yes")), "JSON_PARSER_ERROR", ""),
        ("Opportunity", opportunity("IsWon", json!(true)), "INVALID_FIELD_FOR_INSERT_UPDATE", "IsWon"),
        (
            "Opportunity",
            opportunity("Stripe_Sync_Error__c", json!("x".repeat(2001))),
            "STRING_TOO_LONG",
            "Stripe_Sync_Error__c",
        ),
        ("OpportunityLineItem", json!({"Quantity": 1}), "REQUIRED_FIELD_MISSING", "OpportunityId"),
    ] {
        let (status, error) = env.call("POST", &format!("/sobjects/{object}"), row.clone());
        assert_eq!((status, &error[0]["errorCode"]), (400, &json!(code)), "{object} {row}: {error}");
        let fields = error[0]["fields"].as_array().cloned().unwrap_or_default();
        assert_eq!(fields.first().and_then(Value::as_str).unwrap_or_default(), field, "{object} {row}");
    }
}

#[test]
fn records_are_found_by_either_form_of_their_id() {
    let mut env = env();
    let id = env.insert("Account", json!({"Name": "Acme"}));
    for (path, status, code) in [
        (id.clone(), 200, ""),
        (id[..15].to_owned(), 200, ""),
        (format!("{}AAA", &id[..15]), 400, "MALFORMED_ID"),
        ("006000000000001AAA".to_owned(), 400, "MALFORMED_ID"),
        ("001000000000001AAA".to_owned(), 404, "NOT_FOUND"),
        ("nothing".to_owned(), 404, "NOT_FOUND"),
        (format!("{id}?fields=Nothing"), 400, "INVALID_FIELD"),
    ] {
        let (found, answer) = env.call("GET", &format!("/sobjects/Account/{path}"), Value::Null);
        assert_eq!(found, status, "{path}: {answer}");
        assert_eq!(answer[0]["errorCode"].as_str().unwrap_or_default(), code, "{path}");
    }
    let path = format!("/sobjects/Account/{id}");
    assert_eq!(env.call("PATCH", &path, json!({"Phone": "1", "Billing_Email__c": null})), (204, Value::Null));
    let (_, read) = env.call("GET", &format!("{path}?fields=Phone,CreatedDate"), Value::Null);
    assert_eq!((&read["Phone"], &read["CreatedDate"]), (&json!("1"), &json!("2026-11-20T10:11:12.000+0000")));
    assert_eq!(env.call("DELETE", &path, Value::Null).0, 204);
    for method in ["GET", "PATCH", "DELETE"] {
        let (status, error) = env.call(method, &path, json!({}));
        assert_eq!((status, &error[0]["errorCode"]), (404, &json!("ENTITY_IS_DELETED")), "{method}");
    }
}

#[test]
fn upserts_create_update_and_refuse_to_guess() {
    let mut env = env();
    let path = "/sobjects/Product2/Stripe_Price_Id__c/price_1";
    let (status, created) = env.call("PATCH", path, json!({"Name": "P"}));
    assert_eq!((status, &created["created"]), (201, &json!(true)));
    let (status, updated) = env.call("PATCH", path, json!({"Name": "Q"}));
    assert_eq!((status, &updated["created"], &updated["id"]), (200, &json!(false), &created["id"]));
    assert_eq!(env.call("GET", path, Value::Null).1["Name"], json!("Q"));
    let in_body = env.call("PATCH", path, json!({"Name": "Q", "Stripe_Price_Id__c": "price_1"}));
    assert_eq!((in_body.0, &in_body.1[0]["errorCode"]), (400, &json!("INVALID_FIELD")));
    let no_external_id = env.call("PATCH", "/sobjects/Product2/ProductCode/x", json!({"Name": "Q"}));
    assert_eq!((no_external_id.0, &no_external_id.1[0]["errorCode"]), (404, &json!("NOT_FOUND")));
    env.insert("Product2", json!({"Name": "Twin", "Stripe_Price_Id__c": "PRICE_1"}));
    let (status, choices) = env.call("PATCH", path, json!({"Name": "Q"}));
    assert_eq!((status, choices.as_array().map(Vec::len)), (300, Some(2)));
    let only = env.call("PATCH", "/sobjects/Product2/Stripe_Price_Id__c/price_2?updateOnly=true", json!({"Name": "P"}));
    assert_eq!(only.0, 404);
}

#[test]
fn unique_fields_are_unique_by_case() {
    let mut env = env();
    let (first, second) = (env.opportunity("One"), env.opportunity("Two"));
    let write =
        |id: &str, invoice: &str| (format!("/sobjects/Opportunity/{id}"), json!({"Stripe_Invoice_Id__c": invoice}));
    for (id, invoice, status) in
        [(&first, "in_A", 204), (&first, "in_A", 204), (&second, "in_A", 400), (&second, "in_a", 204)]
    {
        let (path, body) = write(id, invoice);
        let (found, error) = env.call("PATCH", &path, body);
        assert_eq!(found, status, "{id} {invoice}");
        if status == 400 {
            assert_eq!(error[0]["errorCode"], json!("DUPLICATE_VALUE"));
            assert!(error[0]["message"].as_str().unwrap().contains(&first[..15]));
        }
    }
}

#[test]
fn collections_report_each_record() {
    let mut env = env();
    let rows = json!([
        {"attributes": {"type": "Account"}, "Name": "A"},
        {"attributes": {"type": "Account"}},
        {"attributes": {"type": "Contact"}, "LastName": "C"},
    ]);
    let (status, results) = env.call("POST", "/composite/sobjects", json!({"allOrNone": false, "records": rows}));
    assert_eq!(status, 200);
    assert_eq!((&results[0]["success"], &results[2]["success"]), (&json!(true), &json!(true)));
    assert_eq!(results[1]["errors"][0]["statusCode"], json!("REQUIRED_FIELD_MISSING"));
    let (_, results) = env.call("POST", "/composite/sobjects", json!({"allOrNone": true, "records": rows}));
    assert_eq!(results[0]["errors"][0]["statusCode"], json!("ALL_OR_NONE_OPERATION_ROLLED_BACK"));
    assert_eq!(env.salesforce.records("Account").len(), 1);
    let id = env.salesforce.records("Account")[0]["Id"].clone();
    let update = json!({"records": [{"attributes": {"type": "Account"}, "id": id, "Phone": "1"}, {"attributes": {"type": "Account"}, "id": "001000000000001AAA"}]});
    let (_, results) = env.call("PATCH", "/composite/sobjects", update);
    assert_eq!(
        (&results[0]["success"], &results[1]["errors"][0]["statusCode"]),
        (&json!(true), &json!("INVALID_CROSS_REFERENCE_KEY"))
    );
    let upsert =
        json!({"records": [{"attributes": {"type": "Product2"}, "Stripe_Price_Id__c": "price_1", "Name": "P"}]});
    let (_, results) = env.call("PATCH", "/composite/sobjects/Product2/Stripe_Price_Id__c", upsert);
    assert_eq!(results[0]["created"], json!(true));
    let (_, results) =
        env.call("DELETE", &format!("/composite/sobjects?ids={}&allOrNone=true", id.as_str().unwrap()), Value::Null);
    assert_eq!(results[0]["success"], json!(true));
    let too_many: Vec<Value> = (0..201).map(|_| json!({"attributes": {"type": "Account"}, "Name": "A"})).collect();
    assert_eq!(env.call("POST", "/composite/sobjects", json!({"records": too_many})).0, 400);
}

#[test]
fn objects_describe_themselves() {
    let mut env = env();
    let (_, described) = env.call("GET", "/sobjects/Opportunity/describe", Value::Null);
    let field = |name: &str| {
        described["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).cloned().unwrap()
    };
    let invoice = field("Stripe_Invoice_Id__c");
    assert_eq!(
        (&invoice["unique"], &invoice["externalId"], &invoice["length"]),
        (&json!(true), &json!(true), &json!(255))
    );
    assert_eq!(field("AccountId")["relationshipName"], json!("Account"));
    assert!(
        described["childRelationships"]
            .as_array()
            .unwrap()
            .iter()
            .any(|child| child["relationshipName"] == "OpportunityLineItems")
    );
    let (_, global) = env.call("GET", "/sobjects", Value::Null);
    assert!(global["sobjects"].as_array().unwrap().iter().any(|object| object["name"] == "Stripe_Sync__e"));
}
