//! A new subscription: its items, its calendar, and its first invoice.

use super::super::error::Error;
use super::super::invoice_items::{Target, make, terms as line_terms};
use super::super::invoices::transitions;
use super::super::params::{Params, merge_metadata};
use super::super::state::{Call, State, int, text};
use super::super::tax;
use super::bill::{self, Stretch};
use super::period::{Interval, Recurrence, civil, unix};
use super::shape::{self, items_of};
use super::terms::{Priced, Wanted};
use super::{check_currency, describe, shown_by_id, terms, time};
use serde_json::{Value, json};

const LONGEST_TRIAL_DAYS: i64 = 730;
const MOST_LINES: usize = 250;

/// When it begins, when it bills, when it ends.
struct Calendar {
    start: i64,
    anchor: i64,
    /// Somebody chose the anchor: until then there is a part of a period.
    is_anchored: bool,
    trial_end: Option<i64>,
    cancel_at: Option<i64>,
    prorates: bool,
}

pub fn create(state: &mut State, call: &Call) -> Result<Value, Error> {
    let customer = call.text("customer").ok_or_else(|| Error::missing("customer"))?.to_owned();
    state.referenced("customer", &customer, "customer")?;
    if call.params.get("billing_mode").is_some_and(|mode| mode["type"] != "flexible") {
        return Err(Error::unmodelled("the classic billing mode").param("billing_mode"));
    }
    let wanted = terms::items(state, &call.params, None)?;
    let (recurrences, currency) = agreed(&wanted)?;
    if call.text("currency").is_some_and(|asked| !asked.eq_ignore_ascii_case(&currency)) {
        let message = format!("The price specified only supports `{currency}`.");
        return Err(Error::refused(message).param("currency"));
    }
    check_currency(state, &customer, &currency)?;
    let extras = terms::extras(state, &call.params, &currency)?;
    let calendar = calendar(state, call, &recurrences)?;
    let mut subscription = shape::blank(state, &customer, &currency);
    describe(state, call, &mut subscription)?;
    can_be_collected(state, call, &subscription)?;
    if subscription["automatic_tax"]["enabled"] == true {
        tax::check_location(state.referenced("customer", &customer, "customer")?, "automatic_tax")?;
    }

    let id = state.new_id("sub");
    subscription["id"] = id.as_str().into();
    subscription["start_date"] = calendar.start.into();
    subscription["billing_cycle_anchor"] = calendar.anchor.into();
    subscription["billing_cycle_anchor_config"] =
        call.params.get("billing_cycle_anchor_config").cloned().unwrap_or_default();
    if let Some(trial_end) = calendar.trial_end {
        subscription["status"] = "trialing".into();
        subscription["trial_start"] = state.now.into();
        subscription["trial_end"] = trial_end.into();
    }
    if let Some(cancel_at) = calendar.cancel_at {
        subscription["cancel_at"] = cancel_at.into();
    }
    let stretches = |recurrence: &Recurrence| match calendar.trial_end {
        Some(trial_end) => vec![Stretch { start: state.now, end: trial_end, full: trial_end - state.now }],
        None => bill::stretches(*recurrence, calendar.anchor, calendar.start, state.now),
    };
    let stretches: Vec<_> = recurrences.iter().map(stretches).collect();
    if stretches.iter().map(Vec::len).sum::<usize>() > MOST_LINES {
        let message =
            format!("You cannot backdate a subscription so far that its invoice has more than {MOST_LINES} lines.");
        return Err(Error::refused(message).param("backdate_start_date"));
    }
    let current: Vec<_> = stretches.iter().flat_map(|of_item| of_item.last()).copied().collect();
    let current: Vec<_> = current.into_iter().map(|stretch| stretch.until(calendar.cancel_at)).collect();
    // docs.stripe.com, api/subscriptions/create, `add_invoice_items[period]`.
    let (latest_start, earliest_end) = (
        current.iter().map(|stretch| stretch.start).max().unwrap_or(state.now),
        current.iter().map(|stretch| stretch.end).min().unwrap_or(state.now),
    );
    if call.flag("cancel_at_period_end") == Some(true) {
        subscription["cancel_at_period_end"] = true.into();
        subscription["cancel_at"] = earliest_end.into();
        subscription["canceled_at"] = state.now.into();
    }
    for (wanted, current) in wanted.iter().zip(&current) {
        add_item(state, &id, wanted, (current.start, current.end))?;
    }
    if will_be_incomplete(state, call, &subscription, calendar.trial_end.is_some()) {
        subscription["status"] = "incomplete".into();
    }
    state.put("subscription", subscription.clone());
    state.emit("customer.subscription.created", "subscription", &subscription);
    for extra in &extras {
        add_extra(state, &subscription, extra, (latest_start, earliest_end))?;
    }
    let is_free_until_anchor = calendar.is_anchored && !calendar.prorates;
    // Period by period, and item by item in each.
    let of_items = items_of(state, &id).zip(&stretches);
    let mut periods: Vec<_> =
        of_items.flat_map(|(item, stretches)| stretches.iter().map(move |one| (*one, item))).collect();
    periods.sort_by_key(|(stretch, _)| stretch.start);
    let lines = periods.into_iter().filter(|_| !is_free_until_anchor).map(|(stretch, item)| {
        let stretch = if calendar.prorates { stretch.until(calendar.cancel_at) } else { stretch };
        match calendar.trial_end {
            Some(_) => bill::trial_line(state, item, stretch.start, stretch.end),
            None => bill::line(state, item, stretch),
        }
    });
    let lines: Vec<_> = lines.collect();
    let now = state.now;
    if let Some(invoice) = bill::draft(state, &subscription, "subscription_create", lines, (now, now)) {
        first_invoice(state, call, &invoice);
    }
    time::wake(state, &id);
    shown_by_id(state, &id)
}

/// How often each of them is billed, and the currency of all.
fn agreed(wanted: &[Wanted]) -> Result<(Vec<Recurrence>, String), Error> {
    let priced: Vec<_> = wanted.iter().filter_map(|wanted| wanted.price.as_ref()).collect();
    no_price_twice(&priced)?;
    let terms: Vec<_> = priced.iter().filter_map(|price| Some((price.recurrence()?, price.currency()))).collect();
    let currency = terms::one_currency(&terms)?;
    Ok((terms.into_iter().map(|(recurrence, _)| recurrence).collect(), currency))
}

/// Prices of the catalogue, which have an id.
pub fn no_price_twice(priced: &[&Priced]) -> Result<(), Error> {
    let ids: Vec<&str> = priced
        .iter()
        .filter_map(|priced| match priced {
            Priced::Catalogue(price) => Some(text(price, "id")),
            Priced::Inline(_) => None,
        })
        .collect();
    match ids.iter().enumerate().find(|(index, id)| ids[..*index].contains(id)) {
        None => Ok(()),
        Some((_, id)) => Err(Error::refused(format!(
            "Cannot create a Subscription with multiple Subscription Items with the same Price: {id}."
        ))
        .param("items")),
    }
}

fn calendar(state: &State, call: &Call, recurrences: &[Recurrence]) -> Result<Calendar, Error> {
    let now = state.now;
    let Some(recurrence) = recurrences.first().copied() else { return Err(Error::missing("items")) };
    let of_one = ["billing_cycle_anchor", "billing_cycle_anchor_config", "trial_end", "trial_period_days"];
    let named = of_one.into_iter().find(|name| call.params.contains_key(*name));
    if let Some(name) = named.filter(|_| recurrences.iter().any(|other| *other != recurrence)) {
        return Err(Error::unmodelled(&format!("`{name}` of a subscription with several intervals")).param(name));
    }
    let prorates = call.text("proration_behavior") != Some("none");
    let backdated = call.int("backdate_start_date");
    if backdated.is_some_and(|start| start > now) {
        let message = "`backdate_start_date` must be in the past.";
        return Err(Error::refused(message).param("backdate_start_date"));
    }
    let trial_end = trial_end(call, now)?;
    let (given, config) = (call.int("billing_cycle_anchor"), call.params.get("billing_cycle_anchor_config"));
    if given.is_some() && config.is_some() {
        return Err(Error::exclusive(&["billing_cycle_anchor", "billing_cycle_anchor_config"]));
    }
    if backdated.is_some() && (trial_end.is_some() || config.is_some() || !prorates) {
        return Err(Error::unmodelled("backdating with a trial, an anchor config, or without proration"));
    }
    let chosen = match config {
        Some(config) => Some(configured(config, recurrence, now)?),
        None => given,
    };
    let natural_next = recurrence.after(trial_end.unwrap_or(now), 1);
    if let Some(anchor) = chosen {
        if anchor <= now {
            return Err(Error::refused("`billing_cycle_anchor` must be in the future.").param("billing_cycle_anchor"));
        }
        if anchor > natural_next {
            let message = format!(
                "billing_cycle_anchor cannot be later than next natural billing date ({natural_next}) for plan"
            );
            return Err(Error::refused(message).param("billing_cycle_anchor"));
        }
    }
    let cancel_at = cancel_at(call, now)?;
    let start = backdated.unwrap_or(now);
    let anchor = chosen.or(trial_end).unwrap_or(start);
    Ok(Calendar { start, anchor, is_anchored: chosen.is_some(), trial_end, cancel_at, prorates })
}

fn trial_end(call: &Call, now: i64) -> Result<Option<i64>, Error> {
    let days = call.int("trial_period_days");
    let end = call.params.get("trial_end");
    if days.is_some() && end.is_some() {
        return Err(Error::exclusive(&["trial_end", "trial_period_days"]));
    }
    if days.is_some_and(|days| !(0..=LONGEST_TRIAL_DAYS).contains(&days)) {
        let message = format!("Invalid trial_period_days: must be between 0 and {LONGEST_TRIAL_DAYS} days.");
        return Err(Error::invalid("trial_period_days", message));
    }
    let end = end.and_then(Value::as_i64).or(days.filter(|days| *days > 0).map(|days| now + days * 86_400));
    if end.is_some_and(|end| end <= now) {
        return Err(
            Error::refused("Invalid timestamp: must be an integer Unix timestamp in the future.").param("trial_end")
        );
    }
    Ok(end)
}

fn cancel_at(call: &Call, now: i64) -> Result<Option<i64>, Error> {
    if call.flag("cancel_at_period_end") == Some(true) && call.params.contains_key("cancel_at") {
        return Err(Error::exclusive(&["cancel_at", "cancel_at_period_end"]));
    }
    match call.params.get("cancel_at") {
        None => Ok(None),
        Some(Value::String(symbol)) if !symbol.is_empty() => {
            Err(Error::unmodelled(&format!("`cancel_at={symbol}` of a new subscription")))
        }
        Some(at) => match at.as_i64() {
            Some(at) if at <= now => Err(Error::refused("`cancel_at` must be in the future.").param("cancel_at")),
            at => Ok(at),
        },
    }
}

/// The first time that the parts describe, at or after now; what is not given is as it is now. A day beyond a month's end is its last.
fn configured(config: &Value, recurrence: Recurrence, now: i64) -> Result<i64, Error> {
    if !matches!(recurrence.interval, Interval::Month | Interval::Year) {
        let message = "`billing_cycle_anchor_config` can only be used with monthly or yearly prices.";
        return Err(Error::refused(message).param("billing_cycle_anchor_config"));
    }
    let part = |name: &str| config[name].as_i64().and_then(|part| i8::try_from(part).ok());
    for (name, range) in
        [("day_of_month", 1..=31), ("month", 1..=12), ("hour", 0..=23), ("minute", 0..=59), ("second", 0..=59)]
    {
        if config[name].as_i64().is_some_and(|part| !range.contains(&part)) {
            let param = format!("billing_cycle_anchor_config[{name}]");
            return Err(Error::invalid(&param, format!("Invalid {name}: must be between {range:?}.")));
        }
    }
    let here = civil(now).ok_or_else(Error::internal)?;
    let day_of_month = part("day_of_month").unwrap_or(1);
    let time = here.time();
    let (hour, minute, second) = (
        part("hour").unwrap_or(time.hour()),
        part("minute").unwrap_or(time.minute()),
        part("second").unwrap_or(time.second()),
    );
    let bad = |_| Error::invalid("billing_cycle_anchor_config", "Invalid billing_cycle_anchor_config.");
    for months in 0..=12 {
        let month = here.date().first_of_month().checked_add(jiff::Span::new().months(months)).map_err(bad)?;
        if part("month").is_some_and(|wanted| wanted != month.month()) {
            continue;
        }
        let day = day_of_month.clamp(1, month.days_in_month());
        let date = jiff::civil::Date::new(month.year(), month.month(), day).map_err(bad)?;
        if let Some(at) = unix(date.at(hour, minute, second, 0)).filter(|at| *at > now) {
            return Ok(at);
        }
    }
    Err(Error::invalid("billing_cycle_anchor_config", "Invalid billing_cycle_anchor_config."))
}

/// It begins a schedule: its first invoice is a draft for an hour, however it is collected.
fn is_scheduled(call: &Call) -> bool {
    call.operation.name == "SubscriptionSchedule.create"
}

/// An automatic collection needs something to collect from, unless the caller means to bring it later.
fn can_be_collected(state: &State, call: &Call, subscription: &Value) -> Result<(), Error> {
    if is_scheduled(call)
        || subscription["collection_method"] == "send_invoice"
        || call.text("payment_behavior") == Some("default_incomplete")
    {
        return Ok(());
    }
    if call.text("payment_behavior") == Some("pending_if_incomplete") {
        let message = "`payment_behavior=pending_if_incomplete` cannot be used when a subscription is created.";
        return Err(Error::refused(message).param("payment_behavior"));
    }
    match bill::payment_method(state, subscription) {
        Some(method)
            if call.text("payment_behavior") == Some("error_if_incomplete") && method.contains("hargeDeclined") =>
        {
            Err(Error::card_declined("generic_decline"))
        }
        Some(_) => Ok(()),
        None if call.params.contains_key("trial_end") || call.params.contains_key("trial_period_days") => Ok(()),
        None => Err(Error::refused(
            "This customer has no attached payment source or default payment method. Please consider adding a default \
             payment method.",
        )
        .code("resource_missing")),
    }
}

/// The first payment is left to the caller, or will be declined.
fn will_be_incomplete(state: &State, call: &Call, subscription: &Value, is_trial: bool) -> bool {
    if is_trial || is_scheduled(call) || subscription["collection_method"] == "send_invoice" {
        return false;
    }
    let method = bill::payment_method(state, subscription).unwrap_or_default();
    call.text("payment_behavior") == Some("default_incomplete") || method.contains("hargeDeclined")
}

pub fn add_item(state: &mut State, subscription: &str, wanted: &Wanted, period: (i64, i64)) -> Result<String, Error> {
    let priced = wanted.price.as_ref().ok_or_else(|| Error::missing("price"))?;
    let price = priced.settle(state)?;
    let mut item = shape::blank_item(state, subscription, &price, wanted.quantity.unwrap_or(1));
    let id = state.new_id("si");
    item["id"] = id.as_str().into();
    item["current_period_start"] = period.0.into();
    item["current_period_end"] = period.1.into();
    merge_metadata(&mut item["metadata"], &wanted.params, "metadata")?;
    state.put("subscription_item", item);
    Ok(id)
}

/// Something that is billed once, with the subscription's next invoice.
pub fn add_extra(state: &mut State, subscription: &Value, extra: &Params, period: (i64, i64)) -> Result<(), Error> {
    let (customer, currency) = (text(subscription, "customer").to_owned(), text(subscription, "currency").to_owned());
    let terms = line_terms::read(state, extra, &currency, "add_invoice_items")?;
    let target = Target { customer: &customer, currency: &currency, invoice: None };
    let mut item = make(state, &target, extra, terms)?;
    item["parent"] = json!({
        "subscription_details": { "subscription": subscription["id"], "subscription_item": null },
        "type": "subscription_details",
    });
    if !extra.contains_key("period") {
        item["period"] = json!({ "start": period.0, "end": period.1 });
    }
    state.put("invoiceitem", item);
    Ok(())
}

/// What is due at once is asked for at once, unless the invoice is to be sent.
fn first_invoice(state: &mut State, call: &Call, invoice: &str) {
    let Some(value) = state.table("invoice").get(invoice).cloned() else {
        return;
    };
    let waits = value["collection_method"] == "send_invoice" || is_scheduled(call);
    if waits && int(&value, "amount_due") > 0 {
        return;
    }
    // What comes of it is told to the subscription.
    match call.text("payment_behavior") == Some("default_incomplete") {
        true => drop(transitions::finalize_draft(state, invoice, None)),
        false => drop(bill::collect(state, invoice)),
    }
}
