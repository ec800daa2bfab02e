//! The client against a server that answers with given bytes, since what matters is what it makes of bad ones.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Answers requests with what `answer` makes of them, until it is dropped.
async fn serve(
    answer: impl Fn(&str, &str) -> String + Send + Sync + 'static,
) -> (String, Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (log, base) = (Arc::clone(&asked), url.clone());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let mut buffer = vec![0; 65536];
            let length = socket.read(&mut buffer).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let answer = answer(&request, &base);
            log.lock().expect("not poisoned").push(request);
            let _ = socket.write_all(answer.as_bytes()).await;
            let _ = socket.shutdown().await;
        }
    });
    (url, asked)
}

fn http(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}", body.len())
}

fn token(base: &str) -> String {
    http(200, "", &format!(r#"{{"access_token":"t","instance_url":"{base}","token_type":"Bearer"}}"#))
}

const ONE_RECORD: &str = r#"{"compositeResponse":[{"body":{"totalSize":1,"done":true,"records":[{"Amount":0.10}]},
    "httpHeaders":{},"httpStatusCode":200,"referenceId":"query0"}]}"#;

fn client(url: &str) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new(Config {
        login_url: url.to_owned(),
        credentials: Credentials::from_json(r#"{"client_id":"id","client_secret":"secret"}"#).expect("valid"),
        api_version: "v67.0".into(),
        allowed_hosts: Vec::new(),
        timeouts: Timeouts { connect: Duration::from_secs(3), request: Duration::from_secs(3) },
    })
    .expect("valid")
}

fn query() -> Vec<String> {
    vec!["SELECT Amount FROM Opportunity".to_owned()]
}

#[tokio::test]
async fn ten_reads_at_once_log_in_once() {
    let (url, asked) = serve(|request, base| {
        if request.contains("/oauth2/token") {
            token(base)
        } else {
            http(200, "sforce-limit-info: api-usage=7/100\r\n", ONE_RECORD)
        }
    })
    .await;
    let client = client(&url);
    let queries = query();
    let reads: Vec<_> = (0..10)
        .map(|_| {
            let (client, queries) = (client.clone(), queries.clone());
            tokio::spawn(async move { client.read(&queries).await })
        })
        .collect();
    for read in reads {
        let records = read.await.expect("ran").expect("read");
        assert_eq!(records[0][0].number("Amount").map(|n| n.to_string()), Some("0.10".into()));
    }
    let logins = asked.lock().expect("not poisoned").iter().filter(|request| request.contains("/oauth2/token")).count();
    assert_eq!(logins, 1);
    assert_eq!(client.api_usage(), Some(ApiUsage { used: 7, max: 100 }));
}

#[tokio::test]
async fn an_ended_session_is_renewed_once_and_only_once() {
    let ended = r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;
    let (url, asked) =
        serve(move |request, base| if request.contains("/oauth2/token") { token(base) } else { http(401, "", ended) })
            .await;
    let error = client(&url).read(&query()).await.expect_err("refused");
    assert!(matches!(error, Error::NotAllowed { .. }), "{error:?}");
    let asked = asked.lock().expect("not poisoned").len();
    assert_eq!(asked, 4, "two logins and two reads");
}

#[tokio::test]
async fn a_login_that_leads_elsewhere_is_refused() {
    let (url, asked) = serve(|_, _| token("https://evil.example")).await;
    let error = client(&url).read(&query()).await.expect_err("refused");
    assert!(matches!(error, Error::NotAllowed { error_code, .. } if error_code == "INSTANCE_URL_NOT_ALLOWED"));
    assert_eq!(asked.lock().expect("not poisoned").len(), 1, "the token went nowhere");
}

#[tokio::test]
async fn login_errors_have_their_own_grammar() {
    let (url, _) = serve(|_, _| {
        http(400, "", r#"{"error":"invalid_grant","error_description":"no client credentials user enabled"}"#)
    })
    .await;
    let error = client(&url).read(&query()).await.expect_err("refused");
    assert!(matches!(error, Error::NotAllowed { error_code, .. } if error_code == "invalid_grant"));
}

#[tokio::test]
async fn what_is_not_an_answer_is_unknown_and_redirects_are_not_followed() {
    for answer in [
        http(200, "", "<html>"),
        http(200, "", ""),
        http(302, "location: https://evil.example/\r\n", ""),
        http(500, "", "<html>"),
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"compo".to_owned(),
        String::new(),
    ] {
        let given = answer.clone();
        let (url, _) =
            serve(move |request, base| if request.contains("/oauth2/token") { token(base) } else { given.clone() })
                .await;
        let error = client(&url).read(&query()).await.expect_err("no answer");
        assert!(matches!(error, Error::Unknown { .. }), "{answer:?} gave {error:?}");
    }
}

#[test]
fn what_may_be_edited_stands_in_the_description() {
    let of = |updateable: bool| {
        let fields = r#"[{"name":"A__c","updateable":true,"type":"string"},{"name":"B__c","updateable":false}]"#;
        let body = format!(r#"{{"name":"Opportunity","updateable":{updateable},"fields":{fields}}}"#);
        editable(&RawValue::from_string(body).expect("JSON")).expect("a description")
    };
    assert_eq!(of(true), BTreeSet::from(["A__c".to_owned()]));
    assert_eq!(of(false), BTreeSet::new(), "who may not edit the object may edit none of its fields");
    let page = RawValue::from_string(r#"{"done":true,"records":[]}"#.into()).expect("JSON");
    assert!(editable(&page).is_err());
}

#[test]
fn usage_is_read_in_both_forms() {
    let expected = Some(ApiUsage { used: 18, max: 5000 });
    assert_eq!(usage("api-usage=18/5000"), expected);
    assert_eq!(usage("per-app-api-usage=17/250(appName=x); api-usage=18/5000"), expected);
    assert_eq!(usage("api-usage=18/5000, per-app-api-usage=17/250(appName=x)"), expected);
    assert_eq!(usage("nothing"), None);
}

#[test]
fn only_https_and_the_loopback_interface_are_logged_in_to() {
    let made = |login_url: &str| {
        let credentials = Credentials::from_json(r#"{"client_id":"id","client_secret":"secret"}"#).expect("valid");
        let (api_version, timeouts) = ("v67.0".into(), Timeouts::default());
        let _ = rustls::crypto::ring::default_provider().install_default();
        Client::new(Config { login_url: login_url.into(), credentials, api_version, allowed_hosts: vec![], timeouts })
            .is_ok()
    };
    assert!(made("https://acme.my.salesforce.com"));
    assert!(made("http://127.0.0.1:4000"));
    for url in ["http://acme.my.salesforce.com", "https://acme.my.salesforce.com/services", "acme", ""] {
        assert!(!made(url), "{url}");
    }
}

mod calls;
mod sessions;
