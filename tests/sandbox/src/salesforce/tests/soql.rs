//! SOQL, good and bad.

use serde_json::{Value, json};

use super::{Env, NOW, env};

/// Two accounts, four opportunities, one of which has three lines and a contact role.
fn populated() -> Env {
    let mut env = env();
    let acme =
        env.insert("Account", json!({"Name": "Acme", "BillingCountry": "US", "Billing_Email__c": "ap@acme.example"}));
    let zen = env.insert("Account", json!({"Name": "Zen & Sons' \"Best\"", "ParentId": acme}));
    let contact = env.insert(
        "Contact",
        json!({"LastName": "Doe", "FirstName": "Jo", "Email": "jo@acme.example", "AccountId": acme}),
    );
    let row = |name: &str, stage: &str, amount: Value, date: &str, account: &str| json!({"Name": name, "StageName": stage, "Amount": amount, "CloseDate": date, "AccountId": account});
    let with_lines = env.insert("Opportunity", row("Alpha", "Prospecting", Value::Null, "2026-11-01", &acme));
    env.insert("Opportunity", row("beta", "Closed Won", json!(250.5), "2026-11-02", &zen));
    env.insert("Opportunity", row("Gamma", "Closed Lost", json!(1000), "2026-11-03", &acme));
    env.insert(
        "Opportunity",
        json!({"Name": "100% delta_x", "StageName": "Prospecting", "CloseDate": "2026-11-04", "Type": "Renewal"}),
    );
    for (name, price, quantity) in [("B", json!(10), 3), ("A", json!(0.333), 3), ("C", json!(99.99), 1)] {
        let entry = env.priced(name, price);
        env.insert(
            "OpportunityLineItem",
            json!({"OpportunityId": with_lines, "PricebookEntryId": entry, "Quantity": quantity}),
        );
    }
    env.insert("OpportunityContactRole", json!({"OpportunityId": with_lines, "ContactId": contact, "IsPrimary": true}));
    env
}

fn names(result: &Value) -> Vec<&str> {
    result["records"].as_array().unwrap().iter().map(|row| row["Name"].as_str().unwrap()).collect()
}

/// How a reader goes on that follows changes: by the time of the last one, and by its id where several have that time.
#[test]
fn changes_are_read_in_their_order_and_page_by_page() {
    let mut env = populated();
    let all = "SELECT Id, Name, SystemModstamp, LastStageChangeDate FROM Opportunity";
    let order = "ORDER BY SystemModstamp, Id LIMIT 3";
    let (_, result) = env.query(&format!("{all} WHERE SystemModstamp >= 2026-11-20T08:00:00.000Z {order}"));
    assert_eq!(names(&result), ["Alpha", "beta", "Gamma"]);
    let last = result["records"][2].clone();
    assert_eq!(last["LastStageChangeDate"], Value::Null, "it never changed its stage");
    let (at, id) = ("2026-11-20T10:11:12.000Z", last["Id"].as_str().unwrap());
    let next = format!("(SystemModstamp > {at} OR (SystemModstamp = {at} AND Id > '{id}'))");
    let (_, result) = env.query(&format!("{all} WHERE StageName != 'x' AND {next} {order}"));
    assert_eq!(names(&result), ["100% delta_x"]);
    env.salesforce.update(NOW + 5_000, "Opportunity", id, &json!({"StageName": "Closed Won"})).unwrap();
    let (_, result) = env.query(&format!("{all} WHERE {next} {order}"));
    assert_eq!(names(&result), ["100% delta_x", "Gamma"]);
    assert_eq!(result["records"][1]["LastStageChangeDate"], "2026-11-20T10:11:17.000+0000");
    env.salesforce.update(NOW + 9_000, "Opportunity", id, &json!({"NextStep": "Call"})).unwrap();
    let record = env.salesforce.record("Opportunity", id).unwrap();
    assert_eq!(record["LastStageChangeDate"], "2026-11-20T10:11:17.000+0000");
}

#[test]
fn conditions_select() {
    let mut env = populated();
    for (condition, expected) in [
        ("", vec!["Alpha", "beta", "Gamma", "100% delta_x"]),
        ("WHERE StageName = 'closed won'", vec!["beta"]),
        ("WHERE IsWon = true", vec!["beta"]),
        ("WHERE IsClosed = FALSE AND Type = null", vec!["Alpha"]),
        ("WHERE Type != 'Renewal'", vec!["Alpha", "beta", "Gamma"]),
        ("WHERE Type != null", vec!["100% delta_x"]),
        ("WHERE Amount > 250", vec!["beta", "Gamma"]),
        ("WHERE Amount >= 250.50 AND Amount <= 999.99", vec!["beta"]),
        ("WHERE Amount < 1000", vec!["Alpha", "beta"]),
        ("WHERE CloseDate > 2026-11-02 ORDER BY CloseDate DESC", vec!["100% delta_x", "Gamma"]),
        ("WHERE CreatedDate >= 2026-11-20T10:11:12Z", vec!["Alpha", "beta", "Gamma", "100% delta_x"]),
        ("WHERE CreatedDate > 2026-11-20T10:11:12+00:00", vec![]),
        ("WHERE (StageName = 'Closed Won' OR StageName = 'Closed Lost') AND NOT Amount = 1000", vec!["beta"]),
        ("WHERE NOT (IsClosed = true OR Type = 'Renewal')", vec!["Alpha"]),
        ("WHERE Name LIKE '%A'", vec!["Alpha", "beta", "Gamma"]),
        ("WHERE Name LIKE '100\\% delta\\_x'", vec!["100% delta_x"]),
        ("WHERE Name LIKE '_eta'", vec!["beta"]),
        ("WHERE Name IN ('Alpha', 'Gamma', 'nobody')", vec!["Alpha", "Gamma"]),
        ("WHERE Name NOT IN ('Alpha', 'Gamma')", vec!["beta", "100% delta_x"]),
        ("WHERE Account.Name = 'Zen & Sons\\' \\\"Best\\\"'", vec!["beta"]),
        ("WHERE Account.Parent.Name = 'Acme'", vec!["beta"]),
        ("WHERE Opportunity.Account.Billing_Email__c = 'ap@acme.example'", vec!["Alpha", "Gamma"]),
        ("WHERE AccountId IN (SELECT Id FROM Account WHERE Name = 'Acme')", vec!["Alpha", "Gamma"]),
        ("WHERE Id NOT IN (SELECT OpportunityId FROM OpportunityLineItem)", vec!["beta", "Gamma", "100% delta_x"]),
        ("ORDER BY Name", vec!["100% delta_x", "Alpha", "beta", "Gamma"]),
        ("ORDER BY Amount NULLS LAST, Name", vec!["Alpha", "beta", "Gamma", "100% delta_x"]),
        ("ORDER BY Amount DESC", vec!["100% delta_x", "Gamma", "beta", "Alpha"]),
        ("ORDER BY IsClosed DESC, Name DESC LIMIT 2 OFFSET 1", vec!["beta", "Alpha"]),
        ("LIMIT 0", vec![]),
    ] {
        let (status, result) = env.query(&format!("SELECT Name FROM Opportunity {condition}"));
        assert_eq!(status, 200, "{condition}: {result}");
        assert_eq!(names(&result), expected, "{condition}");
    }
}

#[test]
fn parents_and_children_nest() {
    let mut env = populated();
    let (status, result) = env.query(
        "select name, Amount, account.Name, Account.Owner.Name, Owner.Id, Pricebook2.Name, HasOpportunityLineItem, \
         (SELECT Id, Name, Product2.ProductCode, PricebookEntry.Pricebook2.IsStandard, Quantity, UnitPrice, TotalPrice \
          FROM OpportunityLineItems ORDER BY Product2.Name), \
         (SELECT Contact.Email, IsPrimary FROM OpportunityContactRoles WHERE IsPrimary = true) \
         FROM Opportunity ORDER BY CloseDate LIMIT 2",
    );
    assert_eq!(status, 200, "{result}");
    let alpha = &result["records"][0];
    assert_eq!((&alpha["Amount"], &alpha["Account"]["Owner"]["Name"]), (&json!(130.99), &json!("Administrator")));
    assert_eq!(alpha["Pricebook2"]["Name"], json!("Standard Price Book"));
    let lines = &alpha["OpportunityLineItems"];
    assert_eq!((&lines["totalSize"], &lines["done"]), (&json!(3), &json!(true)));
    let codes: Vec<&Value> =
        lines["records"].as_array().unwrap().iter().map(|line| &line["Product2"]["ProductCode"]).collect();
    assert_eq!(codes, ["A", "B", "C"]);
    assert_eq!(lines["records"][0]["TotalPrice"], json!(1.00));
    assert_eq!(lines["records"][0]["UnitPrice"], json!(0.333));
    assert_eq!(alpha["OpportunityContactRoles"]["records"][0]["Contact"]["Email"], json!("jo@acme.example"));
    assert_eq!(alpha["attributes"]["type"], json!("Opportunity"));
    let beta = &result["records"][1];
    assert_eq!((&beta["OpportunityLineItems"], &beta["Pricebook2"]), (&Value::Null, &Value::Null));
    let (_, count) = env.query("SELECT COUNT() FROM Opportunity WHERE IsWon = false");
    assert_eq!(count, json!({"totalSize": 3, "done": true, "records": []}));
}

#[test]
fn numbers_keep_every_digit() {
    let mut env = env();
    let text = r#"{"Name":"Exact","StageName":"Prospecting","CloseDate":"2026-11-20","Amount":123456789012345.67}"#;
    let request = super::request("POST", &format!("{}/sobjects/Opportunity", super::ROOT), &env.admin, text.as_bytes());
    let created = super::body(&crate::wire::Service::handle(&mut env.salesforce, super::NOW, &request));
    let path = format!("{}/sobjects/Opportunity/{}?fields=Amount", super::ROOT, created["id"].as_str().unwrap());
    let answer =
        crate::wire::Service::handle(&mut env.salesforce, super::NOW, &super::request("GET", &path, &env.admin, b""));
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.ends_with(r#""Amount":123456789012345.67}"#), "{text}");
}

#[test]
fn long_results_come_in_pages() {
    let mut env = env();
    for i in 0..450 {
        env.insert("Account", json!({"Name": format!("Account {i:03}")}));
    }
    let path = format!("{}/query?q=SELECT+Name+FROM+Account+ORDER+BY+Name", super::ROOT);
    let mut request = super::request("GET", &path, &env.admin, b"");
    request.headers.push(("sforce-query-options".into(), "batchSize=10".into()));
    let mut seen = 0;
    loop {
        let page = super::body(&crate::wire::Service::handle(&mut env.salesforce, super::NOW, &request));
        assert_eq!(page["totalSize"], json!(450));
        assert_eq!(page["records"][0]["Name"], json!(format!("Account {seen:03}")));
        seen += page["records"].as_array().unwrap().len();
        match page.get("nextRecordsUrl") {
            Some(next) => request.path = next.as_str().unwrap().into(),
            None => break assert_eq!(page["done"], json!(true)),
        }
        request.query.clear();
    }
    assert_eq!(seen, 450);
    let (status, error) = env.call("GET", "/query/01gSBX000000001-9999", Value::Null);
    assert_eq!((status, &error[0]["errorCode"]), (400, &json!("INVALID_QUERY_LOCATOR")));
}

#[test]
fn bad_queries_are_refused_in_the_vendors_words() {
    let mut env = populated();
    for (soql, code) in [
        ("", "MALFORMED_QUERY"),
        ("SELECT", "MALFORMED_QUERY"),
        ("SELECT FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id, FROM Account", "MALFORMED_QUERY"),
        ("SELECT * FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = Acme", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'Acme", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a\\q'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'O'Neil'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE (Name = 'a'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name IN ()", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account LIMIT x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account LIMIT 1 GROUP BY Name", "MALFORMED_QUERY"),
        ("SELECT Id, COUNT() FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account; DELETE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Id, (SELECT Id FROM Nothings) FROM Account", "INVALID_TYPE"),
        ("SELECT Nothing FROM Account", "INVALID_FIELD"),
        ("SELECT Id, id FROM Account", "INVALID_FIELD"),
        ("SELECT BillingEmail FROM Account", "INVALID_FIELD"),
        ("SELECT Nothing__c FROM Account", "INVALID_FIELD"),
        ("SELECT CurrencyIsoCode FROM Account", "INVALID_FIELD"),
        ("SELECT Nothing.Name FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Nothing = 1", "INVALID_FIELD"),
        ("SELECT Id FROM Account ORDER BY Nothing", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Description = 'long'", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Amount = '1'", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE IsWon = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE CloseDate = '2026-11-20'", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE CloseDate = 2026-11-20T00:00:00Z", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Name = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Opportunity WHERE Amount LIKE '1%'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Opportunity WHERE IsWon > true", "INVALID_QUERY_FILTER_OPERATOR"),
    ] {
        let (status, error) = env.query(soql);
        assert_eq!((status, &error[0]["errorCode"]), (400, &json!(code)), "{soql}: {error}");
    }
    let nested = format!("SELECT Id FROM Account WHERE {}Name = 'a'{}", "(".repeat(200), ")".repeat(200));
    assert_eq!(env.query(&nested).1[0]["errorCode"], json!("QUERY_TOO_COMPLICATED"));
    let negated = format!("SELECT Id FROM Account WHERE {} Name = 'a'", "NOT ".repeat(2000));
    assert_eq!(env.query(&negated).1[0]["errorCode"], json!("QUERY_TOO_COMPLICATED"));
}

#[test]
fn deleted_records_show_only_to_query_all() {
    let mut env = env();
    let id = env.insert("Account", json!({"Name": "Gone"}));
    assert_eq!(env.call("DELETE", &format!("/sobjects/Account/{id}"), Value::Null).0, 204);
    assert_eq!(env.query("SELECT Name FROM Account").1["totalSize"], json!(0));
    let (_, all) = env.call("GET", "/queryAll?q=SELECT+Name,IsDeleted+FROM+Account", Value::Null);
    assert_eq!((&all["totalSize"], &all["records"][0]["IsDeleted"]), (&json!(1), &json!(true)));
}
