use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

fn message() -> Message {
    Message {
        title: "Not billed: <!channel> & Söhne".into(),
        text: Some("Mend it.".into()),
        facts: vec![("Code".into(), "no_lines".into())],
        links: vec![("Opportunity".into(), "https://acme.my.salesforce.com/006000000000001AAA".into())],
        about: "stopped:no_lines:run#1".into(),
        remarks: vec!["Test mode.".into()],
    }
}

#[test]
fn a_message_is_blocks_and_calls_nobody() {
    let expected = json!({
        "text": "Not billed: &lt;!channel&gt; &amp; Söhne",
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": "Not billed: <!channel> & Söhne", "emoji": false } },
            { "type": "section", "text": { "type": "mrkdwn", "text": "Mend it.", "verbatim": true } },
            { "type": "section", "fields": [{ "type": "mrkdwn", "text": "*Code*\nno_lines", "verbatim": true }] },
            { "type": "section", "text": {
                "type": "mrkdwn", "text": "<https://acme.my.salesforce.com/006000000000001AAA|Opportunity>", "verbatim": true,
            } },
            { "type": "context", "elements": [
                { "type": "mrkdwn", "text": "Closedwon: stopped:no_lines:run#1. Test mode.", "verbatim": true },
            ] },
        ],
    });
    assert_eq!(blocks(&message()), expected);
}

/// Slack refuses a whole message for one text that is too long.
#[test]
fn whatever_is_too_long_is_cut() {
    let long = Message {
        title: "x".repeat(400),
        text: Some("<".repeat(5000)),
        facts: vec![("Name".into(), "&".repeat(5000)); 12],
        links: Vec::new(),
        ..message()
    };
    let blocks = blocks(&long);
    let blocks = blocks["blocks"].as_array().expect("blocks");
    let length = |text: &Value| text["text"].as_str().expect("a text").chars().count();
    assert_eq!(length(&blocks[0]["text"]), 150);
    assert_eq!(blocks[1]["text"]["text"], "&lt;".repeat(750));
    let fields: Vec<_> = blocks.iter().filter_map(|block| block["fields"].as_array()).map(Vec::len).collect();
    assert_eq!(fields, [10, 2]);
    let field = &blocks[2]["fields"][0];
    assert!(length(field) <= 2000 && field["text"].as_str().expect("a text").ends_with("&amp;"));
}

#[test]
fn what_slack_answers_says_what_is_known() {
    let of = |status: u16, retry: Option<&str>, body: &str| {
        refused(StatusCode::from_u16(status).expect("valid"), retry, body)
    };
    let not_sent = |why: &str| Error::NotSent(why.to_owned());
    for (answer, expected) in [
        (of(429, Some("30"), ""), not_sent("Slack takes no more messages for 30 s")),
        (of(429, None, "rate_limited"), not_sent("Slack takes no more messages")),
        (of(503, None, "<html>"), not_sent("Slack is not available")),
        (of(404, None, "no_service"), not_sent("Slack answered 404 no_service")),
        (of(410, None, "channel_is_archived\n"), not_sent("Slack answered 410 channel_is_archived")),
        (of(400, None, "invalid_payload"), not_sent("Slack answered 400 invalid_payload")),
        (of(302, None, "<a href=https://hooks.slack.com/x>"), not_sent("Slack answered 302 in words of its own")),
        (of(500, None, "rollup_error"), Error::Unknown("Slack answered 500".into())),
        (of(504, None, ""), Error::Unknown("Slack answered 504".into())),
    ] {
        assert_eq!(answer, expected);
    }
}

/// Answers every connection with these bytes, and keeps the last request.
async fn answering(answer: &'static str) -> (String, Arc<std::sync::Mutex<String>>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/services/T0/B0/zeisig", listener.local_addr().expect("bound"));
    let seen = Arc::new(std::sync::Mutex::new(String::new()));
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = vec![0; 8192];
            let read = socket.read(&mut buffer).await.unwrap_or_default();
            *kept.lock().expect("not poisoned") = String::from_utf8_lossy(&buffer[..read]).into_owned();
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    (url, seen)
}

fn slack(url: &str) -> Slack {
    let timeouts = Timeouts { request: std::time::Duration::from_millis(300), ..Timeouts::default() };
    Slack::new(&SecretString::from(url), timeouts).expect("an address")
}

#[tokio::test]
async fn a_message_is_posted_to_the_address() {
    let (url, seen) = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
    assert_eq!(slack(&url).post(&message()).await, Ok(()));
    let seen = seen.lock().expect("not poisoned").to_ascii_lowercase();
    assert!(seen.starts_with("post /services/t0/b0/zeisig http/1.1\r\n"), "{seen}");
    assert!(seen.contains("content-type: application/json\r\n"), "{seen}");
}

/// And no error quotes the address, which is the secret.
#[tokio::test]
async fn what_nobody_answers_may_have_been_said() {
    let (silent, _) = answering("").await;
    let refused = "http://127.0.0.1:1/services/T0/B0/zeisig";
    let lost = slack(&silent).post(&message()).await.expect_err("no answer");
    assert!(matches!(lost, Error::Unknown(_)), "{lost}");
    let unsent = slack(refused).post(&message()).await.expect_err("nobody is there");
    assert_eq!(unsent, Error::NotSent("Slack cannot be reached".into()));
    assert!(![lost.to_string(), format!("{:?}", slack(refused))].iter().any(|text| text.contains("zeisig")));
}

#[test]
fn only_a_webhooks_address_is_taken() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let new = |text: &str| Slack::new(&SecretString::from(text), Timeouts::default()).map(drop);
    assert_eq!(new("https://hooks.slack.com/services/T0/B0/x\n"), Ok(()));
    for bad in ["", "xoxb-1", "http://hooks.slack.com/services/T0/B0/x", "https://a@hooks.slack.com/x"] {
        assert_eq!(new(bad), Err(SlackConfigError::Address), "{bad}");
    }
}
