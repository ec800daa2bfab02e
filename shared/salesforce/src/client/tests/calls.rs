//! What is sent, and how its answer is read.

use super::*;

/// An organization that answers every call but the login with what `answer` makes of it.
async fn org(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> (Client, Arc<std::sync::Mutex<Vec<String>>>) {
    let (url, asked) =
        serve(move |request, base| if request.contains("/oauth2/token") { token(base) } else { answer(request) }).await;
    (client(&url), asked)
}

fn page(rest: &str) -> String {
    format!(
        r#"{{"compositeResponse":[{{"body":{{"totalSize":2,"records":[{{"Name":"1"}}],{rest}}},"httpHeaders":{{}},
            "httpStatusCode":200,"referenceId":"query0"}}]}}"#
    )
}

#[tokio::test]
async fn a_query_of_several_pages_is_read_to_its_end() {
    let (client, asked) = org(|request| {
        if request.starts_with("GET /services/data/v67.0/query/01g-2000 ") {
            let last = r#"{"totalSize":2,"done":true,"records":[{"Name":"2"}]}"#;
            http(200, "", last)
        } else {
            let next = r#""done":false,"nextRecordsUrl":"/services/data/v67.0/query/01g-2000""#;
            http(200, "", &page(next))
        }
    })
    .await;
    let records = client.read(&query()).await.expect("two pages");
    let names: Vec<_> = records[0].iter().filter_map(|record| record.text("Name")).collect();
    assert_eq!(names, ["1", "2"]);
    assert_eq!(asked.lock().expect("not poisoned").len(), 3);
}

#[tokio::test]
async fn half_a_query_is_no_answer() {
    for rest in [
        r#""done":false"#,
        r#""done":false,"nextRecordsUrl":null"#,
        r#""done":false,"nextRecordsUrl":"https://evil.example/""#,
        r#""nextRecordsUrl":"/services/data/v67.0/query/01g-2000""#,
    ] {
        let body = page(rest);
        let (client, asked) = org(move |_| http(200, "", &body)).await;
        let error = client.read(&query()).await.expect_err("half");
        assert!(matches!(error, Error::Unknown { .. }), "{rest}: {error:?}");
        assert_eq!(asked.lock().expect("not poisoned").len(), 2, "{rest}");
    }
}

#[tokio::test]
async fn a_write_is_one_call_with_what_is_there_afterwards() {
    let (client, asked) = org(|_| {
        http(
            200,
            "",
            r#"{"compositeResponse":[
                {"body":null,"httpHeaders":{},"httpStatusCode":204,"referenceId":"update0"},
                {"body":{"totalSize":1,"done":true,"records":[{"Stripe_Invoice_Id__c":"in_1"}]},"httpHeaders":{},
                 "httpStatusCode":200,"referenceId":"query0"}]}"#,
        )
    })
    .await;
    let update = Update {
        object: "Opportunity".into(),
        id: "006000000000001AAA".into(),
        fields: BTreeMap::from([("Stripe_Invoice_Id__c".to_owned(), FieldValue::Text("in_1".into()))]),
        external_id: None,
        only_where: None,
    };
    let read_back = ["SELECT Stripe_Invoice_Id__c FROM Account.Opportunities".to_owned()];
    let records = client.write(&[update], &read_back).await.expect("written");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0][0].text("Stripe_Invoice_Id__c"), Some("in_1"));
    let asked = asked.lock().expect("not poisoned");
    assert_eq!(asked.len(), 2, "a login and a call");
    assert!(asked[1].starts_with("POST /services/data/v67.0/composite "), "{}", asked[1]);
    for expected in [
        r#"{"allOrNone":true,"collateSubrequests":false,"#,
        r#"{"method":"PATCH","url":"/services/data/v67.0/sobjects/Opportunity/006000000000001AAA","referenceId":"update0","#,
        r#""body":{"Stripe_Invoice_Id__c":"in_1"}}"#,
        "/services/data/v67.0/query?q=SELECT%20Stripe_Invoice_Id__c%20FROM%20Account.Opportunities",
    ] {
        assert!(asked[1].contains(expected), "{expected} in {}", asked[1]);
    }
}

#[tokio::test]
async fn nothing_to_do_is_no_call_and_too_much_is_refused_before_one() {
    let (client, asked) = org(|_| http(200, "", ONE_RECORD)).await;
    assert_eq!(client.read(&[]).await, Ok(Vec::new()));
    assert_eq!(client.write(&[], &[]).await, Ok(Vec::new()));
    let update = |_| Update {
        object: "Opportunity".into(),
        id: "006000000000001AAA".into(),
        fields: BTreeMap::new(),
        external_id: None,
        only_where: None,
    };
    let queries = vec!["SELECT Id FROM Account".to_owned(); 6];
    let updates: Vec<_> = (0..25).map(update).collect();
    for error in [
        client.read(&queries).await.expect_err("six queries"),
        client.write(&updates, &queries[..1]).await.expect_err("26 parts"),
    ] {
        assert!(matches!(&error, Error::Refused(refusal) if refusal.status == 0), "{error:?}");
    }
    assert_eq!(asked.lock().expect("not poisoned").len(), 0);
}

#[tokio::test]
async fn a_maintenance_page_means_later() {
    let (client, _) = org(|_| http(503, "content-type: text/html\r\n", "<html>Down for maintenance</html>")).await;
    let error = client.read(&query()).await.expect_err("down");
    assert!(matches!(error, Error::Busy { .. }), "{error:?}");
}

#[tokio::test]
async fn an_object_is_described_or_there_is_none() {
    let (client, asked) = org(|request| {
        if request.starts_with("GET /services/data/v67.0/sobjects/Opportunity/describe ") {
            let fields = r#"{"name":"Opportunity","fields":[
                {"name":"Amount","type":"currency","referenceTo":[],"relationshipName":null,"updateable":true},
                {"name":"AccountId","type":"reference","referenceTo":["Account"],"relationshipName":"Account"}]}"#;
            return http(200, "", fields);
        }
        http(404, "", r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#)
    })
    .await;
    let fields = client.describe("Opportunity").await.expect("described").expect("it is there");
    let told: Vec<_> = fields.iter().map(|field| (field.name.as_str(), field.relationship_name.as_deref())).collect();
    assert_eq!(told, [("Amount", None), ("AccountId", Some("Account"))]);
    assert_eq!(
        (fields[0].field_type.as_str(), fields[1].reference_to.as_slice()),
        ("currency", &["Account".to_owned()][..])
    );
    assert_eq!(client.describe("SBQQ__QuoteLine__c").await, Ok(None));
    assert_eq!(asked.lock().expect("not poisoned").len(), 3);
}
