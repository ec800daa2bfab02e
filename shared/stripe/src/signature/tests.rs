use serde_json::Value;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("valid")
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

#[test]
fn the_official_clients_vectors_pass() {
    let file: Value =
        serde_json::from_str(include_str!("../../../../tests/fixtures/stripe-signature-vectors.json")).expect("JSON");
    let vectors = file["vectors"].as_array().expect("a list");
    assert_eq!(vectors.len(), 13);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().expect("text");
        let now = vector["now"].as_i64().expect("a number");
        let verdict = verify(text("header"), text("payload").as_bytes(), &[secret(text("secret"))], at(now));
        let is_in_future = vector["timestamp"].as_i64().is_some_and(|signed_at| signed_at - now > 300);
        // The one difference: the official clients accept any time in the future.
        let expected = text("expect") == "ok" && !is_in_future;
        assert_eq!(verdict.is_ok(), expected, "{}: {verdict:?}", text("name"));
    }
}

#[test]
fn any_of_several_secrets_is_enough_and_is_named() {
    let (old, new) = (secret("whsec_old"), secret("whsec_new"));
    let header = sign(&old, b"{}", at(1000));
    assert_eq!(verify(&header, b"{}", &[new.clone(), old.clone()], at(1000)), Ok(1));
    let both = format!("{header},{}", sign(&new, b"{}", at(1000)).split_once(',').expect("two items").1);
    assert_eq!(verify(&both, b"{}", &[new.clone(), old], at(1000)), Ok(0));
    assert_eq!(verify(&header, b"{}", &[new], at(1000)), Err(SignatureError::NoMatch));
    assert_eq!(verify(&header, b"{}", &[], at(1000)), Err(SignatureError::NoMatch));
}

/// Nothing says that a signature comes once.
#[test]
fn a_signature_may_come_as_often_as_it_likes() {
    let secret = secret("whsec_x");
    let header = sign(&secret, b"{}", at(1000));
    let digest = header.split_once("v1=").expect("two items").1;
    for times in [1, 2, 15] {
        let header = format!("{header}{}", format!(",v1={digest}").repeat(times));
        assert_eq!(verify(&header, b"{}", std::slice::from_ref(&secret), at(1000)), Ok(0), "{times}");
    }
}

#[test]
fn a_header_of_the_greatest_length_is_read() {
    let secret = secret("whsec_x");
    let header = sign(&secret, b"{}", at(1000));
    for (length, expected) in [(LONGEST_HEADER, Ok(0)), (LONGEST_HEADER + 1, Err(SignatureError::Malformed))] {
        let header = format!("{header},v2={}", "x".repeat(length - header.len() - 4));
        assert_eq!(verify(&header, b"{}", std::slice::from_ref(&secret), at(1000)), expected, "{length}");
    }
}

#[test]
fn three_hundred_seconds_on_both_sides() {
    let secret = secret("whsec_x");
    let header = sign(&secret, b"{}", at(1000));
    for (now, expected) in [
        (700, Ok(0)),
        (699, Err(SignatureError::OutsideTolerance)),
        (1300, Ok(0)),
        (1301, Err(SignatureError::OutsideTolerance)),
    ] {
        assert_eq!(verify(&header, b"{}", std::slice::from_ref(&secret), at(now)), expected, "{now}");
    }
}

#[test]
fn malformed_headers_are_refused_without_work() {
    let secret = secret("whsec_x");
    let digest = "0".repeat(64);
    let many = format!("t=1000{}", format!(",v1={digest}").repeat(17));
    let long = format!("t=1000,v1={digest},v2={}", "x".repeat(5000));
    for header in [
        "",
        "t=",
        "t=1000",
        "v1=00",
        &format!("v1={digest}"),
        &format!("t=NaN,v1={digest}"),
        &format!("t=-1,v1={digest}"),
        &format!("t=10000000000000000000,v1={digest}"),
        &format!("t=1,t=2,v1={digest}"),
        "t=1000,v0=00",
        &many,
        &long,
    ] {
        let verdict = verify(header, b"{}", std::slice::from_ref(&secret), at(1000));
        assert_eq!(verdict, Err(SignatureError::Malformed), "{header}");
    }
    assert_eq!(verify("t=1000,v1=zz", b"{}", &[secret], at(1000)), Err(SignatureError::NoMatch));
}

#[test]
fn a_secret_that_cannot_verify_is_refused_at_start() {
    assert!(check_secret(&secret("whsec_abc")).is_ok());
    assert_eq!(check_secret(&secret(" ")).err(), Some(InvalidSecret::Blank));
    assert_eq!(check_secret(&secret("whsec_abc\n")).err(), Some(InvalidSecret::Untrimmed));
    assert_eq!(check_secret(&secret("whsec_a b")).err(), Some(InvalidSecret::Untrimmed));
    assert_eq!(check_secret(&secret("whsec_")).err(), Some(InvalidSecret::WrongPrefix));
    assert_eq!(check_secret(&secret("sk_live_1")).err(), Some(InvalidSecret::WrongPrefix));
}

#[test]
fn a_blank_secret_verifies_nothing_even_if_it_is_configured() {
    for text in ["", " ", "\n", "whsec_", "whsec_ \n"] {
        let header = sign(&secret(text), b"{}", at(1000));
        let verdict = verify(&header, b"{}", &[secret(text)], at(1000));
        assert_eq!(verdict, Err(SignatureError::NoMatch), "{text:?}");
    }
}
