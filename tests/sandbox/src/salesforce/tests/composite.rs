//! Several calls in one.

use serde_json::{Value, json};

use super::{Env, ROOT, env};

fn composite(env: &mut Env, all_or_none: bool, parts: Value) -> Vec<Value> {
    let (status, answer) = env.call("POST", "/composite", json!({"allOrNone": all_or_none, "compositeRequest": parts}));
    assert_eq!(status, 200, "{answer}");
    answer["compositeResponse"].as_array().unwrap().clone()
}

fn part(method: &str, path: &str, reference_id: &str, body: Value) -> Value {
    let mut part = json!({"method": method, "url": format!("{ROOT}{path}"), "referenceId": reference_id});
    if !body.is_null() {
        part["body"] = body;
    }
    part
}

fn statuses(entries: &[Value]) -> Vec<u64> {
    entries.iter().map(|entry| entry["httpStatusCode"].as_u64().unwrap()).collect()
}

#[test]
fn parts_refer_to_earlier_answers() {
    let mut env = env();
    let entries = composite(
        &mut env,
        true,
        json!([
            part("POST", "/sobjects/Account", "account", json!({"Name": "Acme"})),
            part("POST", "/sobjects/Contact", "contact", json!({"LastName": "D", "AccountId": "@{account.id}"})),
            part("GET", "/sobjects/Account/@{account.id}?fields=Name", "read", Value::Null),
            part(
                "GET",
                "/query?q=SELECT+Id,LastName+FROM+Contact+WHERE+AccountId='@{account.id}'",
                "found",
                Value::Null
            ),
            part(
                "PATCH",
                "/sobjects/Contact/@{found.records[0].Id}",
                "patch",
                json!({"FirstName": "for @{read.Name}!"})
            ),
        ]),
    );
    assert_eq!(statuses(&entries), [201, 201, 200, 200, 204]);
    assert_eq!(entries[4]["body"], Value::Null);
    assert_eq!(
        entries[0]["httpHeaders"]["Location"],
        json!(format!("{ROOT}/sobjects/Account/{}", entries[0]["body"]["id"].as_str().unwrap()))
    );
    assert_eq!(env.salesforce.records("Contact")[0]["FirstName"], json!("for Acme!"));
}

#[test]
fn all_or_none_rolls_back_and_names_one_cause() {
    let mut env = env();
    let opportunity = env.opportunity("Deal");
    let write = |field: &str, value: Value| {
        part("PATCH", &format!("/sobjects/Opportunity/{opportunity}"), field, json!({field: value}))
    };
    let parts = json!([
        write("Stripe_Invoice_Id__c", json!("in_1")),
        part("POST", "/sobjects/Account", "account", json!({})),
        write("Payment_Received__c", json!(true)),
    ]);
    let entries = composite(&mut env, true, parts.clone());
    let codes: Vec<&Value> = entries.iter().map(|entry| &entry["body"][0]["errorCode"]).collect();
    assert_eq!(statuses(&entries), [400, 400, 400]);
    assert_eq!(codes, ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"]);
    let untouched = env.salesforce.record("Opportunity", &opportunity).unwrap();
    assert_eq!((&untouched["Stripe_Invoice_Id__c"], &untouched["Payment_Received__c"]), (&Value::Null, &json!(false)));
    assert_eq!(statuses(&composite(&mut env, false, parts)), [204, 400, 204]);
    assert_eq!(env.salesforce.record("Opportunity", &opportunity).unwrap()["Stripe_Invoice_Id__c"], json!("in_1"));
}

#[test]
fn a_part_whose_source_failed_is_halted() {
    let mut env = env();
    let entries = composite(
        &mut env,
        false,
        json!([
            part("POST", "/sobjects/Account", "account", json!({})),
            part("POST", "/sobjects/Contact", "contact", json!({"LastName": "D", "AccountId": "@{account.id}"})),
            part("POST", "/sobjects/Contact", "free", json!({"LastName": "E"})),
        ]),
    );
    assert_eq!(statuses(&entries), [400, 400, 201]);
    assert_eq!(entries[1]["body"][0]["errorCode"], json!("PROCESSING_HALTED"));
}

#[test]
fn the_whole_is_refused_when_it_is_malformed() {
    let mut env = env();
    let many = |count: usize, path: &str| -> Value {
        (0..count).map(|i| part("GET", path, &format!("r{i}"), Value::Null)).collect()
    };
    for (body, status, code) in [
        (json!({}), 400, "JSON_PARSER_ERROR"),
        (json!({"compositeRequest": [{"method": "GET"}]}), 400, "JSON_PARSER_ERROR"),
        (json!({"allOrNone": "yes", "compositeRequest": []}), 400, "JSON_PARSER_ERROR"),
        (json!({"compositeRequest": many(26, "/limits")}), 400, "LIMIT_EXCEEDED"),
        (json!({"compositeRequest": many(6, "/query?q=SELECT+Id+FROM+User")}), 400, "LIMIT_EXCEEDED"),
        (
            json!({"compositeRequest": [part("GET", "/limits", "a", Value::Null), part("GET", "/limits", "a", Value::Null)]}),
            400,
            "INVALID_INPUT",
        ),
        (json!({"compositeRequest": [part("GET", "/limits", "1a", Value::Null)]}), 400, "INVALID_INPUT"),
    ] {
        let (found, error) = env.call("POST", "/composite", body.clone());
        assert_eq!((found, &error[0]["errorCode"]), (status, &json!(code)), "{body}");
    }
    let nested = composite(
        &mut env,
        false,
        json!([part("POST", "/composite", "a", json!({})), part("GET", "/limits", "b", Value::Null)]),
    );
    assert_eq!(statuses(&nested), [400, 200]);
    assert_eq!(statuses(&composite(&mut env, false, many(25, "/limits"))).len(), 25);
}

#[test]
fn a_composite_counts_as_one_call() {
    let mut env = env();
    composite(
        &mut env,
        false,
        json!([part("GET", "/limits", "a", Value::Null), part("GET", "/limits", "b", Value::Null)]),
    );
    assert_eq!(env.call("GET", "/limits", Value::Null).1["DailyApiRequests"]["Remaining"], json!(99_998));
}

/// Whoever does not say otherwise has a case given to the default case owner, whatever owner is written; the call's own headers are not its parts'.
#[test]
fn a_case_is_given_by_rule_unless_its_part_says_otherwise() {
    let mut env = env();
    let user = json!({ "Username": "m@acme.example", "LastName": "M", "Email": "m@acme.example", "IsActive": true });
    let manager = env.salesforce.insert(0, "User", &user).unwrap();
    let administrator = env.salesforce.api.org.admin_user_id.clone();
    for (header, owner) in [(None, &administrator), (Some("TRUE"), &administrator), (Some("false"), &manager)] {
        let mut opened = part(
            "PATCH",
            "/sobjects/Case/Stripe_Invoice_Id__c/in_1",
            "opened",
            json!({ "Subject": "S", "OwnerId": manager }),
        );
        if let Some(header) = header {
            opened["httpHeaders"] = json!({ "Sforce-Auto-Assign": header });
        }
        composite(&mut env, true, json!([opened]));
        let case = env.salesforce.records("Case").remove(0);
        assert_eq!(json!([case["OwnerId"], case["IsClosed"], case["Priority"]]), json!([owner, false, "Medium"]));
    }
    let closed = part("PATCH", "/sobjects/Case/Stripe_Invoice_Id__c/in_1", "closed", json!({ "Status": "Closed" }));
    composite(&mut env, true, json!([closed]));
    assert_eq!(env.salesforce.records("Case")[0]["IsClosed"], true);
    let query = "/query?q=SELECT+Owner.IsActive+FROM+Case+WHERE+IsClosed=true";
    let found = composite(&mut env, true, json!([part("GET", query, "found", Value::Null)]));
    assert_eq!(found[0]["body"]["records"][0]["Owner"]["IsActive"], true);
}
