//! The client against a server that answers with given bytes, since what matters is what it makes of bad ones.

use std::time::Duration;

use domain::{Currency, CustomerId, InvoiceId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::{CreateInvoice, NoEffectReason};

mod prices;

/// Answers each connection with the next bytes, and tells what it was asked.
async fn serve(answers: Vec<String>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let task = tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let mut buffer = vec![0; 65536];
            let length = socket.read(&mut buffer).await.unwrap_or(0);
            asked.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
            if answer == "hang" {
                tokio::time::sleep(Duration::from_secs(30)).await;
            }
            let _ = socket.write_all(answer.as_bytes()).await;
            let _ = socket.shutdown().await;
        }
        asked
    });
    (url, task)
}

fn http(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}", body.len())
}

fn client(url: &str) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let timeouts = Timeouts { connect: Duration::from_secs(3), request: Duration::from_secs(3) };
    Client::new(url, ApiKey::parse("rk_test_1").expect("valid"), timeouts).expect("valid")
}

fn create_invoice() -> Write {
    Write::create_invoice(&CreateInvoice {
        customer: CustomerId::parse("cus_1").expect("valid"),
        currency: Currency::parse("EUR").expect("valid"),
        collected: crate::Collected::Sent { days_until_due: 30 },
        automatic_tax: false,
        metadata: Default::default(),
    })
}

/// What the client makes of one answer to a write.
async fn verdict(answer: String) -> Error {
    let (url, task) = serve(vec![answer]).await;
    let error = client(&url).write(&create_invoice(), "cw1_key").await.expect_err("not an invoice");
    task.abort();
    error
}

fn is_unknown(error: &Error, expected: &UnknownReason) -> bool {
    matches!(error, Error::Unknown { reason, .. } if reason == expected)
}

#[tokio::test]
async fn a_request_carries_key_version_and_idempotency_key() {
    let (url, task) = serve(vec![http(500, "", "{}")]).await;
    let _ = client(&url).write(&create_invoice(), "cw1_key").await;
    let asked = task.await.expect("served").remove(0).to_lowercase();
    for expected in [
        "post /v1/invoices http/1.1",
        "authorization: bearer rk_test_1",
        "stripe-version: 2026-10-28.endive",
        "idempotency-key: cw1_key",
        "content-type: application/x-www-form-urlencoded",
        "user-agent: closedwon/",
        "auto_advance=false",
    ] {
        assert!(asked.contains(expected), "{expected} in {asked}");
    }
}

#[tokio::test]
async fn an_answer_that_says_nothing_for_certain_is_unknown() {
    for (answer, expected) in [
        (http(200, "", "<html>ok</html>"), UnknownReason::UnreadableAnswer),
        (http(200, "", ""), UnknownReason::UnreadableAnswer),
        (http(200, "", r#"{"id":"in_1""#), UnknownReason::UnreadableAnswer),
        (http(302, "location: http://127.0.0.1:1/\r\n", ""), UnknownReason::ServerError { status: 302 }),
        (http(503, "", "<html>"), UnknownReason::ServerError { status: 503 }),
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\"".into(), UnknownReason::ConnectionLost),
        (String::new(), UnknownReason::ConnectionLost),
        ("hang".into(), UnknownReason::Timeout),
    ] {
        let error = verdict(answer.clone()).await;
        assert!(is_unknown(&error, &expected), "{answer:?} gave {error:?}");
    }
}

#[tokio::test]
async fn a_replayed_error_says_so() {
    let error = verdict(http(500, "idempotent-replayed: true\r\nrequest-id: req_1\r\n", "{}")).await;
    assert!(matches!(error, Error::Unknown { replayed: true, .. }));
    assert!(error.replayed());
    assert_eq!(error.request_id(), Some("req_1"));
    assert!(!verdict(http(500, "", "{}")).await.replayed());
}

#[tokio::test]
async fn a_limit_has_no_effect_and_names_itself() {
    let error = verdict(http(429, "stripe-rate-limited-reason: endpoint-rate\r\n", "{}")).await;
    let limit = Some("endpoint-rate".to_owned());
    assert!(
        matches!(error, Error::NoEffect { reason: NoEffectReason::RateLimited { limit: found }, .. } if found == limit)
    );
}

#[tokio::test]
async fn a_refused_connection_has_no_effect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let error = client(&url).write(&create_invoice(), "cw1_key").await.expect_err("refused");
    assert!(matches!(error, Error::NoEffect { reason: NoEffectReason::ConnectFailed, .. }), "{error:?}");
}

#[tokio::test]
async fn a_black_hole_is_left_after_the_timeout() {
    let (url, task) = serve(vec!["hang".into()]).await;
    let read = client(&url).invoice(&InvoiceId::parse("in_1").expect("valid")).await;
    assert!(is_unknown(&read.expect_err("no answer"), &UnknownReason::Timeout));
    task.abort();
}

#[tokio::test]
async fn a_key_that_cannot_be_sent_is_refused_before_anything_is() {
    let (url, task) = serve(vec![http(500, "", "{}")]).await;
    for key in ["", "a b", "a\nb", "ä", "\u{7f}", &"x".repeat(256)] {
        let error = client(&url).write(&create_invoice(), key).await.expect_err("refused");
        assert!(matches!(&error, Error::Refused(refusal) if refusal.status == 0), "{key:?} gave {error:?}");
    }
    assert!(!task.is_finished(), "nothing was asked");
    let longest = "x".repeat(255);
    let error = client(&url).write(&create_invoice(), &longest).await.expect_err("a 500");
    assert!(is_unknown(&error, &UnknownReason::ServerError { status: 500 }));
    assert!(task.await.expect("served")[0].contains(&longest));
}

#[tokio::test]
async fn only_the_deletion_of_that_invoice_counts_as_one() {
    let delete = Write::delete_invoice(&InvoiceId::parse("in_1").expect("valid"));
    for (body, expected) in [
        (r#"{"id":"in_1","object":"invoice","deleted":true}"#, true),
        (r#"{"id":"in_1","object":"invoice","deleted":false}"#, false),
        (r#"{"id":"in_1","object":"invoice"}"#, false),
        (r#"{"id":"in_2","object":"invoice","deleted":true}"#, false),
        (r#"{"id":"1","deleted":true}"#, false),
        ("<html>gone</html>", false),
        ("", false),
    ] {
        let (url, task) = serve(vec![http(200, "", body)]).await;
        match client(&url).write(&delete, "cw1_key").await {
            Ok(reply) => assert!(expected && reply.answer == Answer::Deleted, "{body}"),
            Err(error) => assert!(!expected && is_unknown(&error, &UnknownReason::UnreadableAnswer), "{body}"),
        }
        let asked = task.await.expect("served").remove(0).to_lowercase();
        assert!(!asked.contains("idempotency-key"), "Stripe ignores it: {asked}");
    }
}

#[test]
fn only_https_and_the_loopback_interface_are_spoken_to() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let made = |url: &str| Client::new(url, ApiKey::parse("rk_test_1").expect("valid"), Timeouts::default()).is_ok();
    assert!(made("https://api.stripe.com"));
    assert!(made("http://127.0.0.1:4242/"));
    for url in ["http://api.stripe.com", "ftp://127.0.0.1", "api.stripe.com", "http://127.0.0.1.evil.example"] {
        assert!(!made(url), "{url}");
    }
    let live = || ApiKey::parse("rk_live_1").expect("valid");
    let over_http = Client::new("http://127.0.0.1:4242", live(), Timeouts::default());
    assert!(matches!(over_http, Err(ConfigError::LiveKeyOverHttp)));
    assert!(Client::new("https://api.stripe.com", live(), Timeouts::default()).is_ok());
}

mod credits;
mod pages;
mod reads;
