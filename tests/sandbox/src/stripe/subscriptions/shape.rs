//! What a subscription and its items look like.

use super::super::list;
use super::super::state::{State, text};
use super::period::{Interval, Recurrence};
use serde_json::{Value, json};

/// Fields that nothing has filled yet when a subscription begins.
const EMPTY_AT_FIRST: [&str; 24] = [
    "application",
    "application_fee_percent",
    "billing_cycle_anchor_config",
    "billing_thresholds",
    "cancel_at",
    "canceled_at",
    "customer_account",
    "days_until_due",
    "default_payment_method",
    "default_source",
    "description",
    "ended_at",
    "latest_invoice",
    "next_pending_invoice_item_invoice",
    "on_behalf_of",
    "pause_collection",
    "pending_invoice_item_interval",
    "pending_setup_intent",
    "pending_update",
    "schedule",
    "status_details",
    "test_clock",
    "trial_end",
    "trial_start",
];

pub fn blank(state: &State, customer: &str, currency: &str) -> Value {
    let mut subscription = json!({
        "id": null,
        "object": "subscription",
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null },
        "billing_cycle_anchor": state.now,
        "billing_mode": { "flexible": { "proration_discounts": "included" }, "type": "flexible", "updated_at": null },
        "billing_schedules": [],
        "cancel_at_period_end": false,
        "cancellation_details": { "comment": null, "feedback": null, "reason": null },
        "collection_method": "charge_automatically",
        "created": state.now,
        "currency": currency,
        "customer": customer,
        "default_tax_rates": [],
        "discounts": [],
        "invoice_settings": {
            "account_tax_ids": null,
            "custom_fields": null,
            "description": null,
            "footer": null,
            "issuer": { "type": "self" },
        },
        "livemode": false,
        "metadata": {},
        "payment_settings": {
            "payment_method_options": null,
            "payment_method_types": null,
            "save_default_payment_method": "off",
        },
        "start_date": state.now,
        "status": "active",
        "trial_settings": {
            "end_behavior": { "billing_cycle_anchor": null, "missing_payment_method": "create_invoice" },
        },
    });
    for name in EMPTY_AT_FIRST {
        subscription[name] = Value::Null;
    }
    subscription
}

pub fn blank_item(state: &State, subscription: &str, price: &str, quantity: i64) -> Value {
    json!({
        "id": null,
        "object": "subscription_item",
        "billed_until": null,
        "billing_thresholds": null,
        "created": state.now,
        "current_period_end": state.now,
        "current_period_start": state.now,
        "current_trial": null,
        "discounts": [],
        "metadata": {},
        "price": price,
        "quantity": quantity,
        "subscription": subscription,
        "tax_rates": [],
    })
}

impl State {
    pub fn shown_subscription(&self, subscription: &Value) -> Value {
        let mut shown = subscription.clone();
        let id = text(subscription, "id");
        let items = items_of(self, id).map(|item| self.shown_subscription_item(item)).collect();
        shown["items"] = list::embedded(items, &format!("/v1/subscription_items?subscription={id}"));
        shown
    }

    /// With its whole price, and the plan that prices were called before.
    pub fn shown_subscription_item(&self, item: &Value) -> Value {
        let mut shown = item.clone();
        let price = self.table("price").get(text(item, "price")).cloned().unwrap_or_default();
        shown["plan"] = plan(&price);
        shown["price"] = price;
        shown
    }
}

/// In the order in which they were added.
pub fn items_of<'a>(state: &'a State, subscription: &'a str) -> impl Iterator<Item = &'a Value> {
    state.table("subscription_item").oldest_first().filter(move |item| item["subscription"] == subscription)
}

fn plan(price: &Value) -> Value {
    json!({
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": price["recurring"]["interval"],
        "interval_count": price["recurring"]["interval_count"],
        "livemode": false,
        "meter": null,
        "metadata": price["metadata"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": null,
        "transform_usage": null,
        "trial_period_days": null,
        "usage_type": "licensed",
    })
}

/// How often a price bills.
pub fn recurrence(price: &Value) -> Option<Recurrence> {
    let interval = Interval::parse(text(&price["recurring"], "interval"))?;
    Some(Recurrence { interval, count: price["recurring"]["interval_count"].as_i64().unwrap_or(1).max(1) })
}
