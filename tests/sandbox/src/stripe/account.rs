//! The account and its balance: what tools read first to see whether a key works.

use super::error::Error;
use super::state::{Call, State};
use serde_json::{Value, json};

pub fn retrieve(state: &mut State, _: &Call) -> Result<Value, Error> {
    Ok(json!({
        "id": state.account_id,
        "object": "account",
        "business_profile": { "name": state.account_name },
        "charges_enabled": true,
        "country": state.account_country,
        "default_currency": state.default_currency,
        "details_submitted": true,
        "email": null,
        "metadata": {},
        "payouts_enabled": true,
        "settings": { "dashboard": { "display_name": state.account_name, "timezone": "Etc/UTC" } },
        "type": "standard",
    }))
}

/// Payments of the sandbox are available at once; what was paid out of band never was Stripe's.
pub fn balance(state: &mut State, _: &Call) -> Result<Value, Error> {
    let mut by_currency = std::collections::BTreeMap::from([(state.default_currency.clone(), 0)]);
    for intent in state.table("payment_intent").oldest_first() {
        let currency = super::state::text(intent, "currency").to_owned();
        *by_currency.entry(currency).or_default() += super::state::int(intent, "amount_received");
    }
    let amounts = |received: bool| -> Vec<Value> {
        let amount = |amount: i64| if received { amount } else { 0 };
        by_currency.iter().map(|(currency, sum)| json!({ "amount": amount(*sum), "currency": currency })).collect()
    };
    Ok(json!({ "object": "balance", "available": amounts(true), "livemode": false, "pending": amounts(false) }))
}
