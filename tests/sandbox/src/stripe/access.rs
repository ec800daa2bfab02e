//! Who may call what: API keys, restricted keys' permissions, and the `Stripe-Version` header.

use super::error::Error;
use super::schema::{self, Operation};
use crate::wire::Request;
use base64::Engine;
use std::collections::BTreeSet;

#[derive(Debug, Clone)]
pub struct Key {
    pub secret: String,
    pub permissions: Permissions,
}

#[derive(Debug, Clone)]
pub enum Permissions {
    All,
    /// Slugs such as `rak_invoice_write`. Write includes read.
    Only(BTreeSet<String>),
}

impl Key {
    pub fn full(secret: &str) -> Self {
        Self { secret: secret.into(), permissions: Permissions::All }
    }

    pub fn restricted(secret: &str, slugs: &[&str]) -> Self {
        let slugs = slugs.iter().map(|slug| (*slug).to_owned()).collect();
        Self { secret: secret.into(), permissions: Permissions::Only(slugs) }
    }
}

/// The key a request carries, as a bearer token or as the user name of basic authentication.
pub fn authenticate<'a>(keys: &'a [Key], request: &Request) -> Result<&'a Key, Error> {
    let Some(secret) = presented(request) else {
        return Err(Error::unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using \
             Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        ));
    };
    keys.iter()
        .find(|key| key.secret == secret)
        .ok_or_else(|| Error::unauthorized(format!("Invalid API Key provided: {}", redacted(&secret))))
}

fn presented(request: &Request) -> Option<String> {
    let (scheme, credentials) = request.header("authorization")?.split_once(' ')?;
    let credentials = credentials.trim();
    let secret = if scheme.eq_ignore_ascii_case("bearer") {
        credentials.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = base64::engine::general_purpose::STANDARD.decode(credentials).ok()?;
        String::from_utf8(decoded).ok()?.split(':').next()?.to_owned()
    } else {
        return None;
    };
    (!secret.is_empty()).then_some(secret)
}

/// `rk_test_****1234`: what Stripe shows of a key in an error.
fn redacted(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    if characters.len() < 13 {
        return "*".repeat(characters.len());
    }
    let (start, end) = (&characters[..8], &characters[characters.len() - 4..]);
    format!("{}{}{}", String::from_iter(start), "*".repeat(characters.len() - 12), String::from_iter(end))
}

pub fn authorize(key: &Key, operation: &Operation, account_id: &str) -> Result<(), Error> {
    let Permissions::Only(slugs) = &key.permissions else {
        return Ok(());
    };
    let resource = resource_slug(&operation.name);
    let (read, write) = (format!("rak_{resource}_read"), format!("rak_{resource}_write"));
    let needed = if operation.method == "GET" { &read } else { &write };
    if slugs.contains(needed) || slugs.contains(&write) {
        return Ok(());
    }
    Err(Error::forbidden(format!(
        "The provided key '{}' does not have the required permissions for this endpoint on account '{account_id}'. \
         Having the '{needed}' permission would allow this request to continue.",
        redacted(&key.secret)
    )))
}

/// Prices keep the slug of the plans they came from; lines and payments of an invoice belong to the invoice.
fn resource_slug(operation: &str) -> String {
    let resource = operation.strip_prefix("v2.").unwrap_or(operation).split('.').next().unwrap_or_default();
    match resource {
        "Price" => "plan".into(),
        "InvoiceLineItem" | "InvoicePayment" => "invoice".into(),
        "InvoiceItem" => "invoiceitem".into(),
        "WebhookEndpoint" | "EventDestination" => "webhook".into(),
        "CustomerBalanceTransaction" | "CustomerTaxId" => "customer".into(),
        "SubscriptionItem" | "SubscriptionSchedule" => "subscription".into(),
        other => snake_case(other),
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

/// The version to answer in: the pinned one, or the account's default.
pub fn version(request: &Request, default: &str) -> Result<String, Error> {
    let Some(version) = request.header("stripe-version") else {
        return Ok(default.to_owned());
    };
    if schema::api_versions().iter().any(|known| known == version) {
        return Ok(version.to_owned());
    }
    let mut error = Error::refused(format!("Invalid Stripe API version: {version}."));
    error.executed = false;
    Err(error)
}
