//! Standard Webhooks signatures, as a Flow's or Apex's callout sends them. Pure.
//!
//! Headers `webhook-id`, `webhook-timestamp` (Unix seconds) and `webhook-signature` (`v1,<base64>`, several separated by
//! blanks). Signed is `id.timestamp.body` with HMAC-SHA256; the key is what the secret holds in base64 after `whsec_`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

const TOLERANCE_S: i64 = 300;
const LONGEST_ID: usize = 256;
const MOST_SIGNATURES: usize = 16;
const LONGEST_HEADER: usize = 4096;
const SHORTEST_KEY: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("webhook-id is missing or malformed")]
    InvalidId,
    #[error("webhook-signature or webhook-timestamp is missing")]
    Missing,
    #[error("webhook-signature or webhook-timestamp is malformed")]
    Malformed,
    #[error("no signature matches")]
    NoMatch,
    #[error("the timestamp is more than {TOLERANCE_S} seconds away")]
    OutsideTolerance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    #[error("it is blank, or there is a blank or a line break around it")]
    Blank,
    #[error("it begins with whsec_ and goes on in base64, with at least 16 bytes")]
    Malformed,
}

/// Whether it can sign: `whsec_` and at least 16 bytes in base64.
pub fn check_secret(secret: &SecretString) -> Result<(), InvalidSecret> {
    let text = secret.expose_secret();
    if text.is_empty() || text.trim() != text {
        return Err(InvalidSecret::Blank);
    }
    key(secret).map(|_| ()).ok_or(InvalidSecret::Malformed)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Which of the secrets signed it.
    pub secret_index: usize,
    pub sent_at: Timestamp,
}

/// Every secret is compared with every signature, so that the time it takes tells nothing.
pub fn verify(
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    secrets: &[SecretString],
    now: Timestamp,
) -> Result<Verified, SignatureError> {
    if timestamp.is_empty() || signatures.trim().is_empty() {
        return Err(SignatureError::Missing);
    }
    let is_number = timestamp.len() <= 12 && timestamp.bytes().all(|digit| digit.is_ascii_digit());
    let sent_at = timestamp.parse().ok().filter(|_| is_number).and_then(|second| Timestamp::from_second(second).ok());
    let sent_at = sent_at.ok_or(SignatureError::Malformed)?;
    let given = parse(signatures)?;
    let id_is_valid = (1..=LONGEST_ID).contains(&id.len())
        && id.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-'));
    if !id_is_valid {
        return Err(SignatureError::InvalidId);
    }
    let mut matched = None;
    for (index, secret) in secrets.iter().enumerate().rev() {
        let Some(expected) = mac(secret, id, timestamp, body) else {
            continue;
        };
        let found = given.iter().fold(Choice::from(0), |found, given| found | given.as_slice().ct_eq(&expected));
        if bool::from(found) {
            matched = Some(index);
        }
    }
    let secret_index = matched.ok_or(SignatureError::NoMatch)?;
    if now.as_second().saturating_sub(sent_at.as_second()).abs() > TOLERANCE_S {
        return Err(SignatureError::OutsideTolerance);
    }
    Ok(Verified { secret_index, sent_at })
}

/// What the sender puts into `webhook-signature`; `None` for a secret that cannot sign.
pub fn sign(secret: &SecretString, id: &str, body: &[u8], now: Timestamp) -> Option<String> {
    let timestamp = now.as_second().to_string();
    Some(format!("v1,{}", STANDARD.encode(mac(secret, id, &timestamp, body)?)))
}

/// A secret that is blank or can be guessed verifies nothing, whatever the configuration let through.
fn key(secret: &SecretString) -> Option<Vec<u8>> {
    let encoded = secret.expose_secret().strip_prefix("whsec_")?;
    let key = STANDARD.decode(encoded).ok()?;
    (key.len() >= SHORTEST_KEY).then_some(key)
}

fn mac(secret: &SecretString, id: &str, timestamp: &str, body: &[u8]) -> Option<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)?).ok()?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Some(mac.finalize().into_bytes().into())
}

/// The `v1` signatures; other versions are ignored.
fn parse(header: &str) -> Result<Vec<Vec<u8>>, SignatureError> {
    if header.len() > LONGEST_HEADER {
        return Err(SignatureError::Malformed);
    }
    let mut digests = Vec::new();
    let mut count = 0;
    for item in header.split_ascii_whitespace() {
        if let Some(("v1", encoded)) = item.split_once(',') {
            count += 1;
            // A value that is not base64 cannot match; it is as good as absent.
            digests.extend(STANDARD.decode(encoded).ok());
        }
    }
    if count == 0 || count > MOST_SIGNATURES { Err(SignatureError::Malformed) } else { Ok(digests) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"record_id":"006"}"#;

    fn secret(text: &str) -> SecretString {
        SecretString::from(format!("whsec_{}", STANDARD.encode(text)))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("valid")
    }

    fn check(id: &str, timestamp: &str, signatures: &str, now: i64) -> Result<usize, SignatureError> {
        let secrets = [secret("the current secret"), secret("the previous secret")];
        verify(id, timestamp, signatures, BODY, &secrets, at(now)).map(|verified| verified.secret_index)
    }

    fn signed_by(text: &str) -> String {
        sign(&secret(text), "msg_1", BODY, at(1000)).expect("signed")
    }

    #[test]
    fn the_standards_example_verifies() {
        // Standard Webhooks, specification: example secret, id, timestamp and payload.
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let body = br#"{"test": 2432232314}"#;
        let verified =
            verify("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", signature, body, &[secret], at(1_614_265_330));
        assert!(verified.is_ok(), "{verified:?}");
    }

    #[test]
    fn any_secret_and_any_signature_is_enough() {
        let (current, previous) = (signed_by("the current secret"), signed_by("the previous secret"));
        assert_eq!(check("msg_1", "1000", &current, 1000), Ok(0));
        assert_eq!(check("msg_1", "1000", &previous, 1000), Ok(1));
        assert_eq!(check("msg_1", "1000", &format!("v1a,xx {previous} {current}"), 1000), Ok(0));
        assert_eq!(check("msg_1", "1000", &signed_by("another secret ..."), 1000), Err(SignatureError::NoMatch));
    }

    /// Nothing says that a signature comes once; sixteen are looked at.
    #[test]
    fn a_header_may_be_long_and_repeat_itself() {
        let good = signed_by("the current secret");
        for (times, expected) in
            [(2, Ok(0)), (MOST_SIGNATURES, Ok(0)), (MOST_SIGNATURES + 1, Err(SignatureError::Malformed))]
        {
            assert_eq!(check("msg_1", "1000", &format!("{good} ").repeat(times), 1000), expected, "{times}");
        }
        for (length, expected) in [(LONGEST_HEADER, Ok(0)), (LONGEST_HEADER + 1, Err(SignatureError::Malformed))] {
            let header = format!("{good} v2,{}", "x".repeat(length - good.len() - 4));
            assert_eq!(check("msg_1", "1000", &header, 1000), expected, "{length}");
        }
    }

    #[test]
    fn id_time_and_body_are_signed() {
        let good = signed_by("the current secret");
        assert_eq!(check("msg_2", "1000", &good, 1000), Err(SignatureError::NoMatch));
        assert_eq!(check("msg_1", "1001", &good, 1000), Err(SignatureError::NoMatch));
        assert_eq!(check("msg_1", "1000", &good, 1301), Err(SignatureError::OutsideTolerance));
        assert_eq!(check("msg_1", "1000", &good, 699), Err(SignatureError::OutsideTolerance));
        assert_eq!(check("msg_1", "1000", &good, 1300), Ok(0));
    }

    #[test]
    fn bad_headers_are_told_apart() {
        let good = signed_by("the current secret");
        for id in ["", "../etc", "a b", &"x".repeat(257)] {
            assert_eq!(check(id, "1000", &good, 1000), Err(SignatureError::InvalidId), "{id}");
        }
        assert_eq!(check("msg_1", "", &good, 1000), Err(SignatureError::Missing));
        assert_eq!(check("msg_1", "1000", " ", 1000), Err(SignatureError::Missing));
        for timestamp in ["NaN", "-1", "1e3", "99999999999999999999"] {
            assert_eq!(check("msg_1", timestamp, &good, 1000), Err(SignatureError::Malformed), "{timestamp}");
        }
        let many = format!("{good} ").repeat(17);
        for signatures in ["v2,abc", "abc", &many, &"x".repeat(5000)] {
            assert_eq!(check("msg_1", "1000", signatures, 1000), Err(SignatureError::Malformed));
        }
        assert_eq!(check("msg_1", "1000", "v1,!!!", 1000), Err(SignatureError::NoMatch));
    }

    #[test]
    fn a_secret_that_cannot_sign_verifies_nothing_even_if_it_is_configured() {
        for text in ["", " ", "whsec_", "whsec_YWJj", "whsec_!!!", "abc"] {
            let secret = SecretString::from(text);
            assert_eq!(sign(&secret, "msg_1", BODY, at(1000)), None, "{text:?}");
            // What anybody can compute who guesses that the key is empty.
            let mut mac = Hmac::<Sha256>::new_from_slice(b"").expect("any length");
            mac.update(b"msg_1.1000.");
            mac.update(BODY);
            let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
            let verdict = verify("msg_1", "1000", &signature, BODY, &[secret], at(1000));
            assert_eq!(verdict.err(), Some(SignatureError::NoMatch), "{text:?}");
        }
    }

    #[test]
    fn a_secret_that_cannot_sign_is_refused_at_start() {
        assert!(check_secret(&secret("sixteen bytes or more")).is_ok());
        for text in ["", " ", "whsec_c2l4dGVlbiBieXRlcyBvciBtb3Jl\n"] {
            assert_eq!(check_secret(&SecretString::from(text)).err(), Some(InvalidSecret::Blank), "{text}");
        }
        for text in ["whsec_", "whsec_!!!", "whsec_YWJj", "abc"] {
            assert_eq!(check_secret(&SecretString::from(text)).err(), Some(InvalidSecret::Malformed), "{text}");
        }
    }
}
