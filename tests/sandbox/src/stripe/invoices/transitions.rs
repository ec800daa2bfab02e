//! draft → open → paid, void or uncollectible: what each call asks of an invoice, does to it and tells about it.

use super::super::error::Error;
use super::super::payments;
use super::super::state::{Call, State, int, text};
use super::super::subscriptions::{self, bill, time};
use super::super::tax;
use super::super::timers::Due;
use super::{DAY_S, require_email, revise, shape, shown_by_id};
use serde_json::{Value, json};

pub fn finalize(state: &mut State, call: &Call) -> Result<Value, Error> {
    finalize_draft(state, call.id(), call.flag("auto_advance"))?;
    let invoice = state.named("invoice", call.id())?;
    // Whether that pays it is told by the invoice, and by events.
    if invoice["collection_method"] == "charge_automatically" && call.flag("auto_advance") == Some(true) {
        bill::charge(state, call.id());
    }
    shown_by_id(state, call.id())
}

/// A send finalizes a draft first. An open invoice is sent again.
pub fn send(state: &mut State, call: &Call) -> Result<Value, Error> {
    let invoice = state.named("invoice", call.id())?;
    if invoice["collection_method"] != "send_invoice" {
        let message = "You can only manually send an invoice if its collection method is 'send_invoice'.";
        return Err(Error::refused(message));
    }
    match text(invoice, "status") {
        "draft" => finalize_draft(state, call.id(), None)?,
        "open" => {}
        status => {
            return Err(Error::refused(format!("You can only send draft and open invoices. This one is {status}.")));
        }
    }
    let invoice = state.named("invoice", call.id())?.clone();
    state.emit("invoice.sent", "invoice", &invoice);
    shown_by_id(state, call.id())
}

pub fn finalize_draft(state: &mut State, id: &str, auto_advance: Option<bool>) -> Result<(), Error> {
    let mut invoice = state.named("invoice", id)?.clone();
    let before = state.shown("invoice", &invoice);
    if invoice["status"] != "draft" {
        let message = "This invoice is already finalized, you can't finalize a non-draft invoice.";
        return Err(Error::refused(message).code("invoice_not_editable"));
    }
    let sheet = state.sheets.get(id).cloned().unwrap_or_default();
    if sheet.lines.is_empty() {
        let message = "Nothing to invoice: you can't finalize an invoice that has no line items.";
        return Err(Error::refused(message).code("invoice_no_customer_line_items"));
    }
    require_email(state, &invoice)?;

    shape::copy_customer(state, &mut invoice);
    shape::total(state, &mut invoice);
    if invoice["automatic_tax"]["status"] == "requires_location_inputs" {
        state.put("invoice", invoice);
        return Err(tax::invalid_location());
    }
    let number = charge_customer(state, &invoice);
    if invoice["number"].is_null() {
        invoice["number"] = number.into();
    }
    if let Some(days) = sheet.days_until_due {
        invoice["due_date"] = (state.now + days * DAY_S).into();
    }
    if let Some(auto_advance) = auto_advance {
        invoice["auto_advance"] = auto_advance.into();
    }
    if invoice["effective_at"].is_null() {
        invoice["effective_at"] = state.now.into();
    }
    let account = state.account_id.clone();
    invoice["hosted_invoice_url"] = format!("https://invoice.stripe.com/i/{account}/test_{id}?s=ap").into();
    invoice["invoice_pdf"] = format!("https://pay.stripe.com/invoice/{account}/test_{id}/pdf?s=ap").into();
    invoice["automatically_finalizes_at"] = Value::Null;
    invoice["next_payment_attempt"] = Value::Null;
    invoice["last_finalization_error"] = Value::Null;
    if let Some(due) = invoice["due_date"].as_i64() {
        state.timers.insert((due, Due::Overdue(id.to_owned())));
    }
    invoice["ending_balance"] =
        (int(&invoice, "total") + int(&invoice, "starting_balance") - int(&invoice, "amount_due")).into();
    invoice["status_transitions"]["finalized_at"] = state.now.into();
    invoice["status"] = "open".into();
    store(state, &before, invoice.clone());
    state.emit("invoice.finalized", "invoice", &invoice);
    revise::replace(state, &invoice);
    if int(&invoice, "amount_due") > 0 {
        payments::open(state, &invoice);
        return Ok(());
    }
    settle(state, id, Settlement::NothingDue)
}

/// What finalizing does to the customer: its first currency, the balance used up, the next invoice number.
fn charge_customer(state: &mut State, invoice: &Value) -> String {
    let Some(before) = state.table("customer").get(text(invoice, "customer")).cloned() else {
        return String::new();
    };
    let mut customer = before.clone();
    let sequence = int(&customer, "next_invoice_sequence");
    let number = format!("{}-{sequence:04}", text(&customer, "invoice_prefix"));
    customer["next_invoice_sequence"] = (sequence + 1).into();
    if customer["currency"].is_null() {
        customer["currency"] = invoice["currency"].clone();
    }
    let used = int(invoice, "total") - int(invoice, "amount_due");
    if customer["currency"] == invoice["currency"] {
        customer["balance"] = (int(&customer, "balance") + used).into();
    }
    state.put("customer", customer.clone());
    state.emit_updated("customer.updated", "customer", &before, &customer);
    number
}

fn store(state: &mut State, before: &Value, invoice: Value) {
    state.put("invoice", invoice.clone());
    state.emit_updated("invoice.updated", "invoice", before, &invoice);
}

pub enum Settlement {
    NothingDue,
    OutOfBand,
    Payment,
}

/// Open or uncollectible becomes paid.
pub fn settle(state: &mut State, id: &str, how: Settlement) -> Result<(), Error> {
    let mut invoice = state.named("invoice", id)?.clone();
    let before = state.shown("invoice", &invoice);
    match how {
        Settlement::NothingDue => {}
        Settlement::OutOfBand => invoice["amount_paid_off_stripe"] = invoice["amount_due"].clone(),
        Settlement::Payment => invoice["amount_paid"] = invoice["amount_due"].clone(),
    }
    invoice["amount_remaining"] = 0.into();
    invoice["attempted"] = true.into();
    invoice["auto_advance"] = false.into();
    invoice["next_payment_attempt"] = Value::Null;
    invoice["status"] = "paid".into();
    invoice["status_transitions"]["paid_at"] = state.now.into();
    store(state, &before, invoice.clone());
    state.emit("invoice.paid", "invoice", &invoice);
    if !matches!(how, Settlement::OutOfBand) {
        state.emit("invoice.payment_succeeded", "invoice", &invoice);
    }
    time::invoice_changed(state, &invoice);
    Ok(())
}

pub fn pay(state: &mut State, call: &Call) -> Result<Value, Error> {
    let invoice = state.named("invoice", call.id())?.clone();
    match text(&invoice, "status") {
        "open" | "uncollectible" => {}
        "paid" => return Err(Error::refused("Invoice is already paid")),
        status => {
            return Err(Error::refused(format!("This invoice can't be paid: it is {status}, not open.")));
        }
    }
    if call.flag("paid_out_of_band") == Some(true) {
        payments::cancel(state, call.id());
        settle(state, call.id(), Settlement::OutOfBand)?;
        return shown_by_id(state, call.id());
    }
    let method = call.text("payment_method").map(str::to_owned).or_else(|| bill::payment_method(state, &invoice));
    let Some(method) = method else {
        return Err(Error::refused(
            "There is no `default_payment_method` set on this Customer or Invoice. Please specify a `payment_method`, \
             or set a default one.",
        ));
    };
    if let Err(declined) = payments::charge(state, call.id(), &method) {
        if declined.status == 402 {
            attempt_failed(state, &invoice);
        }
        return Err(declined);
    }
    settle(state, call.id(), Settlement::Payment)?;
    shown_by_id(state, call.id())
}

/// The customer pays all of it by card.
pub fn pay_on_page(state: &mut State, id: &str) {
    if in_status(state, id, &["open"], "pay").is_err() {
        return;
    }
    let charged = payments::charge(state, id, "pm_card_visa");
    charged.and_then(|()| settle(state, id, Settlement::Payment)).expect("it is open");
}

/// Something of what is due comes in, and when that was the last of it, the invoice is paid.
pub fn pay_part(state: &mut State, id: &str, amount: i64) {
    let Ok(mut invoice) = in_status(state, id, &["open", "uncollectible"], "pay") else { return };
    let rest = int(&invoice, "amount_remaining") - amount;
    if amount <= 0 || rest < 0 {
        return;
    }
    let before = state.shown("invoice", &invoice);
    payments::receive(state, &invoice, amount);
    invoice["amount_paid"] = (int(&invoice, "amount_paid") + amount).into();
    invoice["amount_remaining"] = rest.into();
    store(state, &before, invoice);
    if rest == 0 {
        payments::cancel(state, id);
        settle(state, id, Settlement::Payment).expect("it is there");
    }
}

pub fn attempt_failed(state: &mut State, invoice: &Value) {
    let before = state.shown("invoice", invoice);
    let mut invoice = invoice.clone();
    invoice["attempted"] = true.into();
    // Only the first attempt and automatic retries count; this fake has no automatic ones.
    invoice["attempt_count"] = 1.into();
    store(state, &before, invoice.clone());
    state.emit("invoice.payment_failed", "invoice", &invoice);
}

/// "attempt_count: Number of payment attempts made for this invoice, from the perspective of the payment retry schedule."
pub fn attempt_by_itself(state: &mut State, id: &str, declines: &str, next_attempt: Option<i64>) {
    let Ok(mut invoice) = in_status(state, id, &["open"], "pay") else { return };
    let declined = payments::charge(state, id, &format!("pm_card_chargeDeclined{declines}"));
    assert!(declined.is_err(), "it declines");
    let before = state.shown("invoice", &invoice);
    invoice["attempted"] = true.into();
    invoice["attempt_count"] = (int(&invoice, "attempt_count") + 1).into();
    invoice["next_payment_attempt"] = next_attempt.map_or(Value::Null, Value::from);
    store(state, &before, invoice.clone());
    state.emit("invoice.payment_failed", "invoice", &invoice);
}

pub fn void(state: &mut State, call: &Call) -> Result<Value, Error> {
    void_open(state, call.id())?;
    shown_by_id(state, call.id())
}

pub fn void_open(state: &mut State, id: &str) -> Result<(), Error> {
    let mut invoice = in_status(state, id, &["open", "uncollectible"], "void")?;
    if int(&invoice, "amount_paid") > 0 {
        return Err(Error::refused("You can't void an invoice that was paid in part: issue a credit note instead."));
    }
    let before = state.shown("invoice", &invoice);
    invoice["status"] = "void".into();
    invoice["auto_advance"] = false.into();
    invoice["status_transitions"]["voided_at"] = state.now.into();
    payments::cancel(state, id);
    give_balance_back(state, &invoice);
    store(state, &before, invoice.clone());
    state.emit("invoice.voided", "invoice", &invoice);
    time::invoice_changed(state, &invoice);
    Ok(())
}

fn give_balance_back(state: &mut State, invoice: &Value) {
    let used = int(invoice, "ending_balance") - int(invoice, "starting_balance");
    let Some(mut customer) = state.table("customer").get(text(invoice, "customer")).cloned() else {
        return;
    };
    if used != 0 && customer["deleted"] != true {
        let before = customer.clone();
        customer["balance"] = (int(&customer, "balance") - used).into();
        state.put("customer", customer.clone());
        state.emit_updated("customer.updated", "customer", &before, &customer);
    }
}

pub fn mark_uncollectible(state: &mut State, call: &Call) -> Result<Value, Error> {
    let mut invoice = in_status(state, call.id(), &["open"], "mark as uncollectible")?;
    let before = state.shown("invoice", &invoice);
    invoice["status"] = "uncollectible".into();
    invoice["auto_advance"] = false.into();
    invoice["status_details"] = json!({ "uncollectible": { "reason": "user_forgiven" } });
    invoice["status_transitions"]["marked_uncollectible_at"] = state.now.into();
    store(state, &before, invoice.clone());
    state.emit("invoice.marked_uncollectible", "invoice", &invoice);
    time::invoice_changed(state, &invoice);
    shown_by_id(state, call.id())
}

fn in_status(state: &State, id: &str, statuses: &[&str], verb: &str) -> Result<Value, Error> {
    let invoice = state.named("invoice", id)?;
    let status = text(invoice, "status");
    if statuses.contains(&status) {
        return Ok(invoice.clone());
    }
    let allowed = statuses.join(" or ");
    Err(Error::refused(format!("You can only {verb} an invoice that is {allowed}. This one is {status}.")))
}

/// It is due, and not paid.
pub fn overdue(state: &mut State, id: &str) {
    let Some(invoice) = state.table("invoice").get(id).cloned() else {
        return;
    };
    if invoice["status"] != "open" || invoice["due_date"].as_i64().is_none_or(|due| due > state.now) {
        return;
    }
    state.emit("invoice.overdue", "invoice", &invoice);
    let subscription = &invoice["parent"]["subscription_details"]["subscription"];
    if let Some(subscription) = subscription.as_str() {
        time::is_past_due(state, subscription);
    }
}

/// Finalizes an `auto_advance` draft whose time has come, and sends it if it is to be sent.
pub fn due(state: &mut State, id: &str) {
    let Some(mut invoice) = state.table("invoice").get(id).cloned() else {
        return;
    };
    let has_come = invoice["automatically_finalizes_at"].as_i64().is_some_and(|at| at <= state.now);
    if invoice["status"] != "draft" || !has_come {
        return;
    }
    let of_subscription = invoice["parent"]["type"] == "subscription_details";
    if of_subscription && invoice["automatic_tax"]["enabled"] == true {
        without_tax_unless_located(state, &mut invoice);
    }
    match finalize_draft(state, id, None) {
        Ok(()) if invoice["collection_method"] == "send_invoice" => {
            let sent = state.table("invoice").get(id).cloned().unwrap_or_default();
            state.emit("invoice.sent", "invoice", &sent);
        }
        // One of a subscription is collected as well. Others are left to the caller.
        Ok(()) => {
            let of = invoice["parent"]["subscription_details"]["subscription"].as_str();
            if let Some(subscription) = of.filter(|_| !bill::charge(state, id)) {
                time::is_past_due(state, subscription);
            }
        }
        Err(error) => {
            invoice["automatically_finalizes_at"] = Value::Null;
            invoice["last_finalization_error"] = error.body()["error"].take();
            state.put("invoice", invoice.clone());
            state.emit("invoice.finalization_failed", "invoice", &invoice);
        }
    }
}

/// An invoice of a subscription is finalized without tax where it is not known where the customer is: nobody is asked.
fn without_tax_unless_located(state: &mut State, invoice: &mut Value) {
    let customer = state.table("customer").get(text(invoice, "customer")).cloned().unwrap_or_default();
    if tax::location(&customer).is_some() {
        return;
    }
    invoice["automatic_tax"]["enabled"] = false.into();
    invoice["automatic_tax"]["disabled_reason"] = "finalization_requires_location_inputs".into();
    state.put("invoice", invoice.clone());
    let of = text(&invoice["parent"]["subscription_details"], "subscription").to_owned();
    if let Some(mut subscription) = state.table("subscription").get(&of).cloned() {
        let before = state.shown("subscription", &subscription);
        subscription["automatic_tax"] =
            json!({ "disabled_reason": "requires_location_inputs", "enabled": false, "liability": null });
        subscriptions::store(state, &before, subscription);
    }
}
