//! When a session is renewed, shared and forgotten.

use std::sync::atomic::AtomicUsize;

use super::*;

const ENDED: &str = r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;

/// Logs in with `token1`, `token2` and so on; `answer` gets the request and what Salesforce's base URL is.
async fn org(
    answer: impl Fn(&str, &str) -> String + Send + Sync + 'static,
) -> (String, Arc<std::sync::Mutex<Vec<String>>>) {
    let logins = AtomicUsize::new(0);
    serve(move |request, base| {
        if request.contains("/oauth2/token") {
            let login = logins.fetch_add(1, Ordering::Relaxed) + 1;
            let body = format!(r#"{{"access_token":"token{login}","instance_url":"{base}"}}"#);
            http(200, "", &body)
        } else {
            answer(request, base)
        }
    })
    .await
}

fn logins(asked: &std::sync::Mutex<Vec<String>>) -> usize {
    let asked = asked.lock().expect("not poisoned");
    asked.iter().filter(|request| request.contains("/oauth2/token")).count()
}

fn count(asked: &std::sync::Mutex<Vec<String>>) -> usize {
    asked.lock().expect("not poisoned").len()
}

#[tokio::test]
async fn an_ended_session_is_renewed_and_nobody_notices() {
    for (status, body) in [
        (401, ENDED.to_owned()),
        (401, String::new()),
        (403, ENDED.to_owned()),
        // Inside a composite answer it is a part that says so.
        (200, format!(r#"{{"compositeResponse":[{{"body":{ENDED},"httpStatusCode":401,"referenceId":"query0"}}]}}"#)),
    ] {
        let (url, asked) =
            org(
                move |request, _| {
                    if request.contains("Bearer token1") { http(status, "", &body) } else { http(200, "", ONE_RECORD) }
                },
            )
            .await;
        let client = client(&url);
        assert_eq!(client.read(&query()).await.expect("renewed")[0].len(), 1, "{status}");
        assert_eq!((logins(&asked), count(&asked)), (2, 4), "{status}");
        client.read(&query()).await.expect("the new session is kept");
        assert_eq!((logins(&asked), count(&asked)), (2, 5), "{status}");
    }
}

#[tokio::test]
async fn a_part_that_refuses_every_session_is_renewed_once_and_only_once() {
    let (url, asked) = org(|_, _| {
        let body =
            format!(r#"{{"compositeResponse":[{{"body":{ENDED},"httpStatusCode":401,"referenceId":"query0"}}]}}"#);
        http(200, "", &body)
    })
    .await;
    let error = client(&url).read(&query()).await.expect_err("refused");
    assert!(matches!(error, Error::NotAllowed { .. }), "{error:?}");
    assert_eq!((logins(&asked), count(&asked)), (2, 4));
}

#[tokio::test]
async fn what_no_session_will_do_is_not_asked_of_a_new_one() {
    for message in ["This session is not valid for use with the REST API", "Connected app is not attached to Agent"] {
        let body = format!(r#"[{{"message":"{message}","errorCode":"INVALID_SESSION_ID"}}]"#);
        let (url, asked) = org(move |_, _| http(401, "", &body)).await;
        let error = client(&url).read(&query()).await.expect_err("refused");
        assert!(matches!(error, Error::NotAllowed { .. }), "{error:?}");
        assert_eq!((logins(&asked), count(&asked)), (1, 2), "{message}");
    }
}

#[tokio::test]
async fn many_reads_that_wait_for_a_refused_login_share_it() {
    let (url, asked) = serve(|_, _| http(400, "", r#"{"error":"invalid_client","error_description":"x"}"#)).await;
    let client = client(&url);
    let reads: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.read(&query()).await })
        })
        .collect();
    for read in reads {
        let error = read.await.expect("ran").expect_err("refused");
        assert!(matches!(error, Error::NotAllowed { error_code, .. } if error_code == "invalid_client"));
    }
    assert_eq!(count(&asked), 1);
    client.read(&query()).await.expect_err("refused again");
    assert_eq!(count(&asked), 2, "a later read tries again");
}

#[tokio::test]
async fn a_redirect_forgets_the_session() {
    let (url, asked) = org(|request, _| {
        if request.contains("Bearer token1") {
            http(302, "location: https://elsewhere.my.salesforce.com/\r\n", "")
        } else {
            http(200, "", ONE_RECORD)
        }
    })
    .await;
    let client = client(&url);
    let error = client.read(&query()).await.expect_err("a redirect is not followed");
    assert!(matches!(error, Error::Unknown { .. }), "{error:?}");
    client.read(&query()).await.expect("logged in anew");
    assert_eq!((logins(&asked), count(&asked)), (2, 4));
}
