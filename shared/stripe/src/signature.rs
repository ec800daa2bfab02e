//! The signature of Stripe's webhooks. Pure: bytes, secrets and a time in, a verdict out.
//!
//! Header: `t=<unix seconds>,v1=<64 hex>[,v1=…][,v0=…]`. Signed is `<t>.<body>` with HMAC-SHA256 under the whole secret,
//! `whsec_` included. While a secret is being rolled there is one `v1` for each active secret.
//! Source: docs.stripe.com/webhooks/signature.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// Five minutes on both sides: an old request may be a replay, one from the future a replay with a clock that is wrong.
const TOLERANCE_S: i64 = 300;

/// Stripe sends one signature for each active secret. What is longer is somebody trying how much work we do.
const MOST_SIGNATURES: usize = 16;
const LONGEST_HEADER: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the Stripe-Signature header is malformed")]
    Malformed,
    #[error("no signature matches")]
    NoMatch,
    #[error("the timestamp is more than {TOLERANCE_S} seconds away")]
    OutsideTolerance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    #[error("it is blank")]
    Blank,
    #[error("there is a blank or a line break in or around it")]
    Untrimmed,
    #[error("a webhook signing secret begins with whsec_")]
    WrongPrefix,
}

/// Whether it can be the signing secret of a webhook endpoint.
pub fn check_secret(secret: &SecretString) -> Result<(), InvalidSecret> {
    let text = secret.expose_secret();
    if text.trim().is_empty() {
        return Err(InvalidSecret::Blank);
    }
    if text.contains(char::is_whitespace) {
        return Err(InvalidSecret::Untrimmed);
    }
    match text.strip_prefix("whsec_") {
        Some(rest) if !rest.is_empty() => Ok(()),
        _ => Err(InvalidSecret::WrongPrefix),
    }
}

struct Header<'a> {
    timestamp: &'a str,
    signed_at: i64,
    signatures: Vec<[u8; 32]>,
}

/// Which of the secrets signed the body. Every secret is compared with every signature, whatever the first ones say, so
/// that the time it takes tells nothing.
pub fn verify(header: &str, body: &[u8], secrets: &[SecretString], now: Timestamp) -> Result<usize, SignatureError> {
    let header = parse(header)?;
    let mut matched = None;
    for (index, secret) in secrets.iter().enumerate().rev() {
        // Anybody can sign with a blank secret, so it verifies nothing, whatever the configuration let through.
        if is_blank(secret) {
            continue;
        }
        let expected = mac(secret, header.timestamp, body);
        let found = header.signatures.iter().fold(Choice::from(0), |found, given| found | given.ct_eq(&expected));
        if bool::from(found) {
            matched = Some(index);
        }
    }
    let matched = matched.ok_or(SignatureError::NoMatch)?;
    let age_s = now.as_second().saturating_sub(header.signed_at);
    if age_s.abs() > TOLERANCE_S { Err(SignatureError::OutsideTolerance) } else { Ok(matched) }
}

/// The header that Stripe would send.
pub fn sign(secret: &SecretString, body: &[u8], now: Timestamp) -> String {
    let timestamp = now.as_second().to_string();
    format!("t={timestamp},v1={}", hex::encode(mac(secret, &timestamp, body)))
}

fn is_blank(secret: &SecretString) -> bool {
    let text = secret.expose_secret().trim();
    text.strip_prefix("whsec_").unwrap_or(text).is_empty()
}

fn mac(secret: &SecretString, timestamp: &str, body: &[u8]) -> [u8; 32] {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("HMAC takes keys of any length");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

fn parse(header: &str) -> Result<Header<'_>, SignatureError> {
    if header.len() > LONGEST_HEADER {
        return Err(SignatureError::Malformed);
    }
    let mut timestamp = None;
    let mut signatures = Vec::new();
    for item in header.split(',') {
        match item.trim().split_once('=') {
            Some(("t", value)) if timestamp.is_none() => timestamp = Some(value),
            Some(("t", _)) => return Err(SignatureError::Malformed),
            Some(("v1", value)) => {
                if signatures.len() == MOST_SIGNATURES {
                    return Err(SignatureError::Malformed);
                }
                // A value that is no digest cannot match; it is as good as absent.
                let mut digest = [0; 32];
                signatures.push(hex::decode_to_slice(value, &mut digest).map(|()| digest).ok());
            }
            // Other schemes, v0 among them, are ignored.
            _ => {}
        }
    }
    let timestamp = timestamp.ok_or(SignatureError::Malformed)?;
    let is_number = (1..=12).contains(&timestamp.len()) && timestamp.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number || signatures.is_empty() {
        return Err(SignatureError::Malformed);
    }
    let signed_at = timestamp.parse().map_err(|_| SignatureError::Malformed)?;
    Ok(Header { timestamp, signed_at, signatures: signatures.into_iter().flatten().collect() })
}

#[cfg(test)]
mod tests;
