//! Rows that are held by somebody else's write.

use serde_json::{Value, json};

use super::{Config, Env, NOW, ROOT, body, config, env, env_with, request};
use crate::salesforce::Writes;
use crate::wire::Service;

/// As administrator, at this time; the status, and what stands in the answer.
fn call_at(env: &mut Env, now_ms: i64, method: &str, path: &str, fields: &Value) -> (u16, Value) {
    let call = request(method, &format!("{ROOT}{path}"), &env.admin, fields.to_string().as_bytes());
    let response = env.salesforce.handle(now_ms, &call);
    (response.status, body(&response))
}

fn rename(env: &mut Env, now_ms: i64, opportunity: &str) -> (u16, Value) {
    call_at(env, now_ms, "PATCH", &format!("/sobjects/Opportunity/{opportunity}"), &json!({ "Name": "Renamed" }))
}

/// Two deals of one account, and one of none.
fn deals(env: &mut Env) -> (String, [String; 3]) {
    let account = env.insert("Account", json!({ "Name": "Acme" }));
    let deals = ["One", "Other", "Alone"].map(|name| env.opportunity(name));
    for deal in &deals[..2] {
        env.salesforce.update(NOW, "Opportunity", deal, &json!({ "AccountId": account })).unwrap();
    }
    (account, deals)
}

#[test]
fn a_write_holds_its_account_for_a_while() {
    let mut env = env_with(Config { hold_rows_ms: Some(100), ..config() });
    let (account, [one, other, alone]) = deals(&mut env);
    assert_eq!(rename(&mut env, NOW, &one).0, 204);
    let (status, answer) = rename(&mut env, NOW + 99, &other);
    assert_eq!((status, &answer[0]["errorCode"]), (400, &json!("UNABLE_TO_LOCK_ROW")));
    assert!(answer[0]["message"].as_str().unwrap().contains(&account), "{answer}");
    // Whoever was refused holds nothing.
    assert_eq!(rename(&mut env, NOW + 100, &other).0, 204);
    let contact = json!({ "LastName": "Doe", "AccountId": account });
    assert_eq!(call_at(&mut env, NOW + 105, "POST", "/sobjects/Contact", &contact).0, 400);
    // One without an account is in nobody's way but its own.
    let statuses = [110, 209, 210].map(|after_ms| rename(&mut env, NOW + after_ms, &alone).0);
    assert_eq!(statuses, [204, 400, 204]);
    assert_eq!(env.salesforce.writes(), Writes { made: 7, locked: 3 });
}

/// All parts of a request are one transaction, and what is taken back holds nothing.
#[test]
fn a_transaction_is_not_in_its_own_way() {
    let mut env = env_with(Config { hold_rows_ms: Some(100), ..config() });
    let (account, [one, other, _]) = deals(&mut env);
    let part = |object: &str, id: &str, fields: Value| {
        let url = format!("{ROOT}/sobjects/{object}/{id}");
        json!({ "method": "PATCH", "url": url, "referenceId": format!("r{id}"), "body": fields })
    };
    let name = |name: &str| json!({ "Name": name });
    let together = |parts: Value| json!({ "allOrNone": true, "compositeRequest": parts });
    let refused = together(json!([part("Opportunity", &one, name("A")), part("Account", &account, name(""))]));
    let (_, answer) = call_at(&mut env, NOW, "POST", "/composite", &refused);
    assert_eq!(answer["compositeResponse"][1]["httpStatusCode"], 400);
    let taken = together(json!([
        part("Opportunity", &one, name("A")),
        part("Opportunity", &other, name("B")),
        part("Account", &account, name("C"))
    ]));
    let (_, answer) = call_at(&mut env, NOW + 1, "POST", "/composite", &taken);
    assert_eq!(answer["compositeResponse"][2]["httpStatusCode"], 204, "{answer}");
    let (_, answer) = call_at(&mut env, NOW + 2, "POST", "/composite", &taken);
    assert_eq!(answer["compositeResponse"][0]["body"][0]["errorCode"], "UNABLE_TO_LOCK_ROW");
    assert_eq!(env.salesforce.writes(), Writes { made: 3, locked: 1 });
}

/// People in their browsers wait, and a switch that is off holds nothing.
#[test]
fn rows_are_held_only_by_requests_and_only_while_that_is_wanted() {
    let mut env = env();
    let (_, [one, other, _]) = deals(&mut env);
    assert_eq!([&one, &other].map(|deal| rename(&mut env, NOW, deal).0), [204, 204]);
    env.salesforce.hold_rows(Some(100));
    let fields = json!({ "Name": "By hand" });
    env.salesforce.update(NOW, "Opportunity", &one, &fields).unwrap();
    assert_eq!(rename(&mut env, NOW, &other).0, 204);
    env.salesforce.update(NOW, "Opportunity", &one, &fields).unwrap();
    assert_eq!((rename(&mut env, NOW, &one).0, env.salesforce.writes()), (400, Writes { made: 2, locked: 1 }));
    env.salesforce.hold_rows(None);
    assert_eq!((rename(&mut env, NOW, &one).0, env.salesforce.writes()), (204, Writes::default()));
}
