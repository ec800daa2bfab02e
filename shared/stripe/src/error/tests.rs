use super::*;

fn kind(status: u16, body: &str) -> String {
    described(classify(status, Headers::default(), body.as_bytes()))
}

fn described(error: Error) -> String {
    match error {
        Error::Refused(refusal) => format!("refused {}", refusal.code.unwrap_or_default()),
        Error::NotAllowed { permission, .. } => format!("not allowed {}", permission.unwrap_or_default()),
        Error::IdempotencyMismatch { .. } => "mismatch".into(),
        Error::NoEffect { reason, .. } => format!("no effect: {reason}"),
        Error::Unknown { reason, .. } => format!("unknown: {reason}"),
    }
}

#[test]
fn answers_are_classified_by_what_can_be_done() {
    let error = |fields: &str| format!(r#"{{"error":{{"type":"invalid_request_error",{fields}}}}}"#);
    for (status, body, expected) in [
        (
            400,
            error(r#""code":"email_invalid","param":"email","message":"Invalid email: a@b""#),
            "refused email_invalid",
        ),
        (402, error(r#""code":"card_declined","message":"Declined""#), "refused card_declined"),
        (404, error(r#""code":"resource_missing","message":"No such invoice""#), "refused resource_missing"),
        (401, error(r#""message":"Invalid API Key provided: rk_test_****""#), "not allowed "),
        (
            403,
            error(r#""message":"The provided key does not have 'rak_customer_write' on account""#),
            "not allowed rak_customer_write",
        ),
        (400, r#"{"error":{"type":"idempotency_error","message":"Keys…"}}"#.to_owned(), "mismatch"),
        (
            409,
            error(r#""code":"idempotency_key_in_use","message":"…""#),
            "no effect: a request with the same idempotency key is under way",
        ),
        (
            409,
            r#"{"error":{"type":"idempotency_error","message":"…"}}"#.to_owned(),
            "no effect: a request with the same idempotency key is under way",
        ),
        (
            409,
            error(r#""code":"code_of_tomorrow","message":"…""#),
            "no effect: the request conflicts with another one (code_of_tomorrow)",
        ),
        (409, error(r#""message":"…""#), "no effect: the request conflicts with another one (no code given)"),
        (429, error(r#""code":"lock_timeout","message":"…""#), "no effect: the object is locked by another request"),
        (429, error(r#""code":"rate_limit","message":"…""#), "no effect: rate limited (no reason given)"),
        (429, "slow down".to_owned(), "no effect: rate limited (no reason given)"),
        (500, "{}".to_owned(), "unknown: status 500"),
        (503, "<html>".to_owned(), "unknown: status 503"),
        (302, String::new(), "unknown: status 302"),
        (408, String::new(), "unknown: status 408"),
        (400, "<html>".to_owned(), "unknown: the answer cannot be read"),
    ] {
        assert_eq!(kind(status, &body), expected, "{status} {body}");
    }
}

#[test]
fn stripe_has_the_last_word_on_whether_a_conflict_is_sent_again() {
    let found = |status, code: &str, should_retry| {
        let headers = Headers { should_retry, ..Headers::default() };
        let body = format!(r#"{{"error":{{"type":"invalid_request_error","code":"{code}","message":"x"}}}}"#);
        described(classify(status, headers, body.as_bytes()))
    };
    assert_eq!(found(409, "x", Some(false)), "refused x");
    assert!(found(409, "x", Some(true)).starts_with("no effect"));
    // Whose request is under way may have had its effect a moment later: this is never a definite no.
    assert!(found(409, "idempotency_key_in_use", Some(false)).starts_with("no effect"));
    assert_eq!(found(400, "x", Some(true)), "unknown: status 400");
}

#[test]
fn nothing_that_was_typed_as_an_address_is_kept() {
    for fields in [
        r#""code":"email_invalid","message":"Invalid email address: Kim the boss""#,
        r#""param":"email","message":"Invalid email address: Kim the boss""#,
        r#""param":"shipping[email]","message":"Invalid email address: Kim the boss""#,
    ] {
        let body = format!(r#"{{"error":{{"type":"invalid_request_error",{fields}}}}}"#);
        let error = classify(400, Headers::default(), body.as_bytes());
        assert_eq!(error.to_string(), "Stripe refused the request: Invalid email address", "{fields}");
    }
}
