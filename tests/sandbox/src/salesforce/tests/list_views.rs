//! List views, as they are described and run.

use serde_json::{Value, json};

use super::{Env, NOW, env};
use crate::salesforce::ListView;

fn view(object: &str, name: &str) -> ListView {
    let columns = ["Name", "StageName", "Account.Name", "Amount"].map(str::to_owned).into();
    ListView { label: name.into(), developer_name: name.into(), object: object.into(), columns, ..ListView::default() }
}

fn selling() -> (Env, String) {
    let mut env = env();
    let acme = env.insert("Account", json!({"Name": "Acme"}));
    for (name, stage, amount) in [("b", "Closed Won", 20), ("a", "Closed Won", 10), ("c", "Prospecting", 30)] {
        let row =
            json!({"Name": name, "StageName": stage, "Amount": amount, "CloseDate": "2026-11-20", "AccountId": acme});
        env.insert("Opportunity", row);
    }
    (env, acme)
}

fn get(env: &mut Env, token: &str, path: &str) -> (u16, Value) {
    env.call_as(token, "GET", &format!("/sobjects/{path}"), Value::Null)
}

#[test]
fn a_list_view_is_described_and_run() {
    let (mut env, _) = selling();
    let condition = "StageName = 'Closed Won' AND Amount >= 10";
    let won = ListView { condition: condition.into(), ..view("Opportunity", "Won") };
    let id = env.salesforce.list_view(NOW, won).unwrap();
    let integration = env.integration.clone();
    let (status, described) = get(&mut env, &integration, &format!("Opportunity/listviews/{}/describe", &id[..15]));
    assert_eq!(status, 200, "{described}");
    let query = "SELECT Name, toLabel(StageName), Account.Name, Amount, Id, CreatedDate, LastModifiedDate, SystemModstamp \
                 FROM Opportunity WHERE StageName = 'Closed Won' AND Amount >= 10 ORDER BY Name ASC NULLS FIRST, Id ASC NULLS FIRST";
    assert_eq!(described["query"], query);
    assert_eq!(
        (&described["id"], &described["scope"], &described["sobjectType"]),
        (&json!(id), &Value::Null, &json!("Opportunity"))
    );
    assert_eq!(described["whereCondition"]["conjunction"], "and");
    let first = json!({"field": "StageName", "operator": "equals", "values": ["'Closed Won'"]});
    assert_eq!(described["whereCondition"]["conditions"][0], first);
    assert_eq!(described["orderBy"][1]["fieldNameOrPath"], "Id");
    let hidden: Vec<_> = described["columns"].as_array().unwrap().iter().filter(|one| one["hidden"] == true).collect();
    assert_eq!(hidden.len(), 4, "{described}");
    // What it says can be run.
    let (status, rows) = env.query_as(&integration, query);
    assert_eq!((status, &rows["totalSize"]), (200, &json!(2)), "{rows}");
    assert_eq!((&rows["records"][0]["Name"], &rows["records"][0]["StageName"]), (&json!("a"), &json!("Closed Won")));
    let results = format!("Opportunity/listviews/{id}/results");
    let (_, all) = get(&mut env, &integration, &results);
    assert_eq!((&all["size"], &all["done"], &all["developerName"]), (&json!(2), &json!(true), &json!("Won")));
    assert_eq!(all["records"][0]["columns"][2], json!({"fieldNameOrPath": "Account.Name", "value": "Acme"}));
    assert_eq!(all["records"][0]["columns"][3]["value"], "10.0");
    let (_, second) = get(&mut env, &integration, &format!("{results}?limit=1&offset=2"));
    assert_eq!((&second["size"], &second["done"]), (&json!(1), &json!(true)));
    assert_eq!(second["records"][0]["columns"][0]["value"], "b");
    let (_, first) = get(&mut env, &integration, &format!("{results}?limit=1"));
    assert_eq!((&first["size"], &first["done"]), (&json!(1), &json!(false)));
}

#[test]
fn a_scope_is_of_whoever_asks() {
    let (mut env, _) = selling();
    let (integration, admin) = (env.integration.clone(), env.admin.clone());
    let own = env.opportunity("own");
    let owner = super::config().integration_user_id;
    env.salesforce.update(NOW, "Opportunity", &own, &json!({"OwnerId": owner})).unwrap();
    let id = env.salesforce.list_view(NOW, ListView { is_mine: true, ..view("Opportunity", "Mine") }).unwrap();
    let (_, described) = get(&mut env, &integration, &format!("Opportunity/listviews/{id}/describe"));
    assert_eq!(described["scope"], "mine");
    assert_eq!(described["whereCondition"], json!({"conditions": [], "conjunction": "and"}));
    let query = described["query"].as_str().unwrap().to_owned();
    assert!(query.contains(" FROM Opportunity USING SCOPE mine ORDER BY "), "{query}");
    for (token, names) in [(&integration, vec!["own"]), (&admin, vec!["a", "b", "c"])] {
        let (_, rows) = env.query_as(token, &query);
        let found: Vec<_> =
            rows["records"].as_array().unwrap().iter().map(|row| row["Name"].as_str().unwrap()).collect();
        assert_eq!(found, names);
        let (_, results) = get(&mut env, token, &format!("Opportunity/listviews/{id}/results"));
        assert_eq!(results["size"], names.len());
    }
    let (status, refused) = env.query("SELECT Id FROM Opportunity USING SCOPE yours");
    assert_eq!((status, &refused[0]["errorCode"]), (400, &json!("MALFORMED_QUERY")));
    let (status, refused) = env.query("SELECT toLabel(Name) FROM Opportunity");
    assert_eq!((status, &refused[0]["errorCode"]), (400, &json!("INVALID_FIELD")));
}

#[test]
fn what_is_not_shown_is_not_there() {
    let (mut env, _) = selling();
    let (integration, admin) = (env.integration.clone(), env.admin.clone());
    let private =
        env.salesforce.list_view(NOW, ListView { is_private: true, ..view("Opportunity", "Private") }).unwrap();
    let columns = vec!["Name".to_owned()];
    let accounts = env.salesforce.list_view(NOW, ListView { columns, ..view("Account", "All") }).unwrap();
    let open = env.salesforce.list_view(NOW, view("Opportunity", "All")).unwrap();
    for (token, path, status) in [
        (&integration, format!("Opportunity/listviews/{private}/describe"), 404),
        (&integration, format!("Opportunity/listviews/{private}/results"), 404),
        (&admin, format!("Opportunity/listviews/{private}/describe"), 200),
        (&integration, format!("Opportunity/listviews/{accounts}/describe"), 404),
        (&integration, format!("Account/listviews/{accounts}/describe"), 200),
        (&integration, "Opportunity/listviews/00B000000000001/describe".into(), 404),
        (&integration, "Opportunity/listviews/All/describe".into(), 404),
        (&integration, format!("Opportunity/listviews/{open}/describe?limit=1"), 400),
        (&integration, format!("Opportunity/listviews/{open}/results?limit=2000"), 200),
        (&integration, format!("Opportunity/listviews/{open}/results?limit=2001"), 400),
        (&integration, format!("Opportunity/listviews/{open}/results?limit=0"), 400),
        (&integration, format!("Opportunity/listviews/{open}/results?offset=0"), 400),
    ] {
        let (found, body) = get(&mut env, token, &path);
        assert_eq!(found, status, "{path}: {body}");
        assert!(status != 404 || body[0]["errorCode"] == "NOT_FOUND", "{path}: {body}");
    }
    let by_name = "SELECT Id, DeveloperName, SobjectType FROM ListView WHERE SobjectType = 'Opportunity'";
    let (_, seen) = env.query_as(&integration, by_name);
    assert_eq!((&seen["totalSize"], &seen["records"][0]["Id"]), (&json!(1), &json!(open)));
    assert_eq!(env.query(by_name).1["totalSize"], 2);
    let (status, _) =
        env.call_as(&integration, "POST", &format!("/sobjects/Opportunity/listviews/{open}/describe"), json!({}));
    assert_eq!(status, 405);
}

#[test]
fn what_cannot_be_run_is_not_set_up() {
    let (mut env, _) = selling();
    for wrong in [
        ListView { condition: "Nobody__c = 1".into(), ..view("Opportunity", "A") },
        ListView { columns: vec!["Nobody__c".into()], ..view("Opportunity", "A") },
        view("Nobody__c", "A"),
        view("Opportunity", ""),
    ] {
        env.salesforce.list_view(NOW, wrong).unwrap_err();
    }
    env.salesforce.list_view(NOW, view("Opportunity", "A")).unwrap();
    assert!(env.salesforce.list_view(NOW, view("Opportunity", "a")).unwrap_err().contains("DUPLICATE_DEVELOPER_NAME"));
}
