//! `create_preview`: what would be billed, found by doing it to a copy of everything and looking at the invoice.

mod described;

use super::super::error::Error;
use super::super::invoice_items;
use super::super::params::Params;
use super::super::state::{Call, State, text};
use super::super::subscriptions::shape::items_of;
use super::super::subscriptions::{change, create};
use super::super::timers;
use super::shape;
use serde_json::{Value, json};

/// What of `subscription_details` an update knows by the same name.
const OF_UPDATE: [&str; 8] = [
    "billing_cycle_anchor",
    "cancel_at",
    "cancel_at_period_end",
    "items",
    "metadata",
    "proration_behavior",
    "proration_date",
    "trial_end",
];
const OF_CREATE: [&str; 7] =
    ["cancel_at", "cancel_at_period_end", "items", "metadata", "proration_behavior", "trial_end", "billing_mode"];

pub fn create_preview(state: &mut State, call: &Call) -> Result<Value, Error> {
    let mut copy = state.clone();
    let details = call.params.get("subscription_details").and_then(Value::as_object).cloned().unwrap_or_default();
    if details.get("billing_mode").is_some_and(|mode| mode["type"] != "flexible") {
        return Err(Error::unmodelled("the classic billing mode"));
    }
    let is_change = call.params.contains_key("subscription") && !details.is_empty();
    let described = described::apply(&mut copy, call)?;
    let customer = described.as_deref().or(call.text("customer"));
    // Whoever has subscriptions gets the next invoice of the one that bills first.
    let first = customer.filter(|_| details.is_empty()).and_then(|customer| first_to_bill(&copy, customer));
    let asks_for_tax = call.params.contains_key("automatic_tax");
    if asks_for_tax && !is_change && (subscription_is_named(call) || !details.is_empty()) {
        return Err(Error::unmodelled("`automatic_tax` of a new subscription").param("automatic_tax"));
    }
    let subscription = call.text("subscription").map(str::to_owned).or(first);
    let shown = match (subscription.as_deref(), customer) {
        (Some(subscription), _) => of_subscription(&mut copy, call, subscription, &details)?,
        (None, Some(customer)) if !details.is_empty() => of_new(&mut copy, call, customer, &details)?,
        (None, Some(customer)) => of_items(&mut copy, call, customer)?,
        (None, None) => return Err(Error::missing("customer")),
    };
    let mut shown = shown;
    // All of them, since there is no list to read the rest from afterwards.
    shown["lines"]["data"] = super::lines::of(&copy, text(&shown, "id")).into();
    shown["lines"]["has_more"] = false.into();
    let is_update = call.text("subscription").is_some() && !details.is_empty();
    Ok(upcoming(state, shown, is_update, details.get("proration_date")))
}

fn subscription_is_named(call: &Call) -> bool {
    call.params.contains_key("subscription")
}

fn first_to_bill(state: &State, customer: &str) -> Option<String> {
    let live = state.table("subscription").oldest_first();
    let live = live.filter(|one| one["customer"] == customer && super::super::subscriptions::is_live(one));
    let ends = |one: &&Value| items_of(state, text(one, "id")).map(|item| super::int(item, "current_period_end")).min();
    live.min_by_key(ends).map(|one| text(one, "id").to_owned())
}

fn of_subscription(state: &mut State, call: &Call, id: &str, details: &Params) -> Result<Value, Error> {
    let subscription = state.referenced("subscription", id, "subscription")?.clone();
    if !super::super::subscriptions::is_live(&subscription) {
        return Err(Error::refused("You can't preview a canceled subscription.").param("subscription"));
    }
    let before = subscription["latest_invoice"].clone();
    add_items(state, call, text(&subscription, "customer"), Some(id))?;
    if details.get("cancel_now") == Some(&Value::Bool(true)) {
        if let Some(other) = details.keys().find(|name| !["cancel_now", "proration_behavior"].contains(&name.as_str()))
        {
            return Err(Error::unmodelled(&format!("`subscription_details[{other}]` with `cancel_now`")));
        }
        let prorates = details.get("proration_behavior").is_none_or(|behavior| behavior != "none");
        let params = json!({ "invoice_now": true, "prorate": prorates });
        change::cancel(state, &of(call, vec![id.to_owned()], params))?;
    } else if !details.is_empty() {
        let mut params = only(details, &OF_UPDATE)?;
        // An update has it beside the rest.
        params.extend(call.params.get("automatic_tax").map(|tax| ("automatic_tax".to_owned(), tax.clone())));
        change::update(state, &of(call, vec![id.to_owned()], Value::Object(params)))?;
    }
    // An invoice at once is the answer; else the next one, whenever that is.
    if state.named("subscription", id)?["latest_invoice"] == before
        && let Some(end) = items_of(state, id).map(|item| super::int(item, "current_period_end")).min()
    {
        timers::run_until(state, end);
    }
    let latest = state.named("subscription", id)?["latest_invoice"].clone();
    match latest.as_str().filter(|_| latest != before) {
        Some(invoice) => super::shown_by_id(state, invoice),
        None => Err(nothing_upcoming()),
    }
}

fn of_new(state: &mut State, call: &Call, customer: &str, details: &Params) -> Result<Value, Error> {
    let mut customer_value = state.referenced("customer", customer, "customer")?.clone();
    if text(&customer_value, "email").is_empty() {
        customer_value["email"] = "preview@example.com".into();
        state.put("customer", customer_value);
    }
    add_items(state, call, customer, None)?;
    let now = state.now;
    let mut params = only_but(details, &OF_CREATE, &["start_date", "billing_cycle_anchor"])?;
    match details.get("start_date").and_then(Value::as_i64) {
        Some(start) if start < now => drop(params.insert("backdate_start_date".into(), start.into())),
        Some(start) if start > now => return Err(Error::unmodelled("a preview of what begins later")),
        _ => {}
    }
    if let Some(at) = details.get("billing_cycle_anchor").and_then(|anchor| anchor["timestamp"].as_i64()) {
        params.insert("billing_cycle_anchor".into(), at.into());
    }
    params.insert("customer".into(), customer.into());
    params.insert("collection_method".into(), "send_invoice".into());
    params.insert("days_until_due".into(), 0.into());
    let made = create::create(state, &of(call, vec![], Value::Object(params)))?;
    let id = text(&made, "id").to_owned();
    if made["latest_invoice"].is_null()
        && let Some(end) = items_of(state, &id).map(|item| super::int(item, "current_period_end")).min()
    {
        timers::run_until(state, end);
    }
    let latest = state.named("subscription", &id)?["latest_invoice"].clone();
    latest.as_str().map_or_else(|| Err(nothing_upcoming()), |invoice| super::shown_by_id(state, invoice))
}

fn of_items(state: &mut State, call: &Call, customer: &str) -> Result<Value, Error> {
    let currency = state.referenced("customer", customer, "customer")?["currency"].clone();
    add_items(state, call, customer, None)?;
    let pending: Vec<Value> = invoice_items::pending(state, customer).cloned().collect();
    let Some(first) = pending.first() else { return Err(nothing_upcoming()) };
    let currency = call.text("currency").or(currency.as_str()).unwrap_or(text(first, "currency")).to_owned();
    let mut invoice = shape::blank(state, customer, &currency);
    let id = state.new_id("in");
    invoice["id"] = id.as_str().into();
    state.put("invoice", invoice);
    for item in pending.iter().rev().filter(|item| item["currency"] == currency.as_str()) {
        super::lines::attach(state, &id, text(item, "id"));
    }
    let mut invoice = state.named("invoice", &id)?.clone();
    let is_taxed = call.params.get("automatic_tax").is_some_and(|tax| tax["enabled"] == true);
    shape::set_automatic_tax(&mut invoice, is_taxed);
    shape::total(state, &mut invoice);
    state.put("invoice", invoice);
    super::shown_by_id(state, &id)
}

/// What is to be billed once, beside what is pending.
fn add_items(state: &mut State, call: &Call, customer: &str, subscription: Option<&str>) -> Result<(), Error> {
    let items = call.params.get("invoice_items").and_then(Value::as_array).cloned().unwrap_or_default();
    for mut item in items.into_iter().filter_map(|item| item.as_object().cloned()) {
        if let Some(name) = ["invoiceitem", "tax_behavior", "tax_code"].iter().find(|name| item.contains_key(**name)) {
            return Err(Error::unmodelled(&format!("`{name}` of `invoice_items`")));
        }
        // An invoice item calls its price `pricing[price]`; here it is `price`.
        if let Some(price) = item.shift_remove("price") {
            item.insert("pricing".into(), json!({ "price": price }));
        }
        item.insert("customer".into(), customer.into());
        let made = invoice_items::create(state, &of(call, vec![], Value::Object(item)))?;
        if let Some(subscription) = subscription {
            let mut made = made;
            made["parent"] = json!({
                "subscription_details": { "subscription": subscription, "subscription_item": null },
                "type": "subscription_details",
            });
            state.put("invoiceitem", made);
        }
    }
    Ok(())
}

fn of(call: &Call, ids: Vec<String>, params: Value) -> Call {
    let params = params.as_object().cloned().unwrap_or_default();
    Call { operation: call.operation, ids, params }
}

fn only(details: &Params, names: &[&str]) -> Result<Params, Error> {
    only_but(details, names, &[])
}

/// These, and complaint about any other than these and those.
fn only_but(details: &Params, names: &[&str], known: &[&str]) -> Result<Params, Error> {
    let mut params = Params::new();
    for (name, value) in details {
        match name.as_str() {
            name if names.contains(&name) => drop(params.insert(name.to_owned(), value.clone())),
            name if known.contains(&name) => {}
            "cancel_now" if *value == Value::Bool(false) => {}
            other => return Err(Error::unmodelled(&format!("`subscription_details[{other}]`"))),
        }
    }
    Ok(params)
}

fn nothing_upcoming() -> Error {
    Error::refused("No upcoming invoices for customer").code("invoice_upcoming_none")
}

/// The copy's invoice, as something that does not exist.
fn upcoming(state: &mut State, mut invoice: Value, is_update: bool, proration_date: Option<&Value>) -> Value {
    let id = state.new_id("upcoming_in");
    for name in
        ["number", "hosted_invoice_url", "invoice_pdf", "automatically_finalizes_at", "effective_at", "ending_balance"]
    {
        invoice[name] = Value::Null;
    }
    invoice["status_transitions"] =
        json!({ "finalized_at": null, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null });
    invoice["attempted"] = false.into();
    // The copy may have been paid.
    invoice["attempt_count"] = 0.into();
    invoice["amount_paid"] = 0.into();
    invoice["amount_remaining"] = invoice["amount_due"].clone();
    invoice["auto_advance"] = false.into();
    invoice["billing_reason"] = "upcoming".into();
    invoice["status"] = "draft".into();
    if is_update && !invoice["parent"].is_null() {
        invoice["parent"]["subscription_details"]["subscription_proration_date"] =
            proration_date.cloned().unwrap_or_else(|| state.now.into());
    }
    for (number, line) in invoice["lines"]["data"].as_array_mut().into_iter().flatten().enumerate() {
        line["id"] = format!("il_tmp_{}_{number}", &id[id.len() - 6..]).into();
        line["invoice"] = id.as_str().into();
    }
    invoice["lines"]["url"] = format!("/v1/invoices/{id}/lines").into();
    invoice["id"] = id.into();
    invoice
}
