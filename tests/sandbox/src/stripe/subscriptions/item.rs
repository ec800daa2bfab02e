//! Subscription items by themselves: the same changes as by their subscription, one at a time.

use super::super::error::Error;
use super::super::list;
use super::super::params::Params;
use super::super::state::{Call, State, text};
use super::{change, is_live};
use serde_json::{Value, json};

pub fn retrieve(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("subscription_item", call.id()).map(|item| state.shown("subscription_item", item))
}

pub fn list(state: &mut State, call: &Call) -> Result<Value, Error> {
    let subscription = call.text("subscription").ok_or_else(|| Error::missing("subscription"))?;
    state.referenced("subscription", subscription, "subscription")?;
    let rows = state.table("subscription_item").newest_first().filter(|row| row["subscription"] == subscription);
    let mut page = list::page(call, rows, "subscription_item", "/v1/subscription_items")?;
    for item in page["data"].as_array_mut().into_iter().flatten() {
        *item = state.shown("subscription_item", item);
    }
    Ok(page)
}

pub fn create(state: &mut State, call: &Call) -> Result<Value, Error> {
    let subscription = call.text("subscription").ok_or_else(|| Error::missing("subscription"))?.to_owned();
    let known: Vec<String> = ids(state, &subscription);
    by_subscription(state, call, &subscription, call.params.clone())?;
    let added = ids(state, &subscription).into_iter().find(|id| !known.contains(id)).unwrap_or_default();
    state.named("subscription_item", &added).map(|item| state.shown("subscription_item", item))
}

pub fn update(state: &mut State, call: &Call) -> Result<Value, Error> {
    let subscription = text(state.named("subscription_item", call.id())?, "subscription").to_owned();
    let mut element = call.params.clone();
    element.insert("id".into(), call.id().into());
    by_subscription(state, call, &subscription, element)?;
    state.named("subscription_item", call.id()).map(|item| state.shown("subscription_item", item))
}

pub fn delete(state: &mut State, call: &Call) -> Result<Value, Error> {
    let subscription = text(state.named("subscription_item", call.id())?, "subscription").to_owned();
    let mut element = call.params.clone();
    element.insert("id".into(), call.id().into());
    element.insert("deleted".into(), true.into());
    by_subscription(state, call, &subscription, element)?;
    Ok(json!({ "id": call.id(), "object": "subscription_item", "deleted": true }))
}

fn ids(state: &State, subscription: &str) -> Vec<String> {
    super::shape::items_of(state, subscription).map(|item| text(item, "id").to_owned()).collect()
}

/// What is said of the whole subscription, and not of the item.
const OF_ALL: [&str; 3] = ["payment_behavior", "proration_behavior", "proration_date"];

fn by_subscription(state: &mut State, call: &Call, subscription: &str, mut element: Params) -> Result<(), Error> {
    let found = state.referenced("subscription", subscription, "subscription")?;
    if !is_live(found) {
        return Err(Error::refused("The subscription is canceled.").param("subscription"));
    }
    let mut params = Params::new();
    for name in OF_ALL {
        if let Some(value) = element.shift_remove(name) {
            params.insert(name.into(), value);
        }
    }
    element.shift_remove("subscription");
    params.insert("items".into(), json!([element]));
    change::update(state, &Call { operation: call.operation, ids: vec![subscription.to_owned()], params }).map(drop)
}
