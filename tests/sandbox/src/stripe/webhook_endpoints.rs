//! Webhook endpoints. The secret is in the answer to create and nowhere else; one URL may be registered twice.

use super::error::Error;
use super::list;
use super::params::merge_metadata;
use super::state::{Call, State, assign};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub fn create(state: &mut State, call: &Call) -> Result<Value, Error> {
    check_url(call)?;
    let mut endpoint = json!({
        "id": state.new_id("we"),
        "object": "webhook_endpoint",
        "api_version": null,
        "application": null,
        "created": state.now,
        "description": null,
        "enabled_events": [],
        "livemode": false,
        "metadata": {},
        "status": "enabled",
        "url": null,
    });
    assign(&mut endpoint, &call.params, &["api_version", "description", "enabled_events", "url"]);
    merge_metadata(&mut endpoint["metadata"], &call.params, "metadata")?;
    let id = super::state::text(&endpoint, "id").to_owned();
    let digest = hex::encode(Sha256::digest(format!("{}/{id}", state.account_id)));
    let secret = format!("whsec_{}", &digest[..32]);
    state.secrets.insert(id, secret.clone());
    state.put("webhook_endpoint", endpoint.clone());
    endpoint["secret"] = secret.into();
    Ok(endpoint)
}

/// Test mode takes plain HTTP too.
fn check_url(call: &Call) -> Result<(), Error> {
    let Some(url) = call.text("url") else { return Ok(()) };
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match host.filter(|rest| !rest.is_empty() && !rest.starts_with('/')) {
        Some(_) => Ok(()),
        None => Err(Error::invalid("url", "Invalid URL: URL must start with http:// or https://").code("url_invalid")),
    }
}

pub fn retrieve(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("webhook_endpoint", call.id()).cloned()
}

pub fn update(state: &mut State, call: &Call) -> Result<Value, Error> {
    check_url(call)?;
    let mut endpoint = state.named("webhook_endpoint", call.id())?.clone();
    assign(&mut endpoint, &call.params, &["description", "enabled_events", "url"]);
    if let Some(disabled) = call.flag("disabled") {
        endpoint["status"] = if disabled { "disabled" } else { "enabled" }.into();
    }
    merge_metadata(&mut endpoint["metadata"], &call.params, "metadata")?;
    state.put("webhook_endpoint", endpoint.clone());
    Ok(endpoint)
}

pub fn delete(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("webhook_endpoint", call.id())?;
    state.table_mut("webhook_endpoint").remove(call.id());
    state.secrets.remove(call.id());
    Ok(json!({ "id": call.id(), "object": "webhook_endpoint", "deleted": true }))
}

pub fn list(state: &mut State, call: &Call) -> Result<Value, Error> {
    list::page(call, state.table("webhook_endpoint").newest_first(), "webhook endpoint", "/v1/webhook_endpoints")
}
