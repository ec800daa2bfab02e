//! The payment of an invoice: an invoice payment with its payment intent, as far as paying an invoice needs them.

use super::error::Error;
use super::list;
use super::refunds;
use super::state::{Call, State, int, text};
use serde_json::{Value, json};

/// Finalizing opens the payment that the whole amount due will be asked by.
pub fn open(state: &mut State, invoice: &Value) {
    let intent = json!({
        "id": state.new_id("pi"),
        "object": "payment_intent",
        "amount": invoice["amount_due"],
        "amount_capturable": 0,
        "amount_received": 0,
        "application": null,
        "canceled_at": null,
        "cancellation_reason": null,
        "capture_method": "automatic",
        "confirmation_method": "automatic",
        "created": state.now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "description": null,
        "last_payment_error": null,
        "latest_charge": null,
        "livemode": false,
        "metadata": {},
        "next_action": null,
        "payment_method": null,
        "payment_method_types": ["card"],
        "processing": null,
        "receipt_email": null,
        "setup_future_usage": null,
        "shipping": null,
        "statement_descriptor": null,
        "status": "requires_payment_method",
        "transfer_data": null,
        "transfer_group": null,
    });
    let payment = json!({
        "id": state.new_id("inpay"),
        "object": "invoice_payment",
        "amount_paid": null,
        "amount_requested": invoice["amount_due"],
        "created": state.now,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": true,
        "livemode": false,
        "payment": { "payment_intent": intent["id"], "type": "payment_intent" },
        "status": "open",
        "status_transitions": { "canceled_at": null, "paid_at": null },
    });
    let ids = state.payments.entry(text(invoice, "id").to_owned()).or_default();
    ids.push(text(&payment, "id").to_owned());
    state.put("payment_intent", intent.clone());
    state.put("invoice_payment", payment);
    state.emit("payment_intent.created", "payment_intent", &intent);
}

/// Newest first, as lists have them.
fn of<'a>(state: &'a State, invoice: &str) -> impl Iterator<Item = &'a Value> {
    let ids = state.payments.get(invoice).into_iter().flatten().rev();
    ids.filter_map(|id| state.table("invoice_payment").get(id))
}

/// The default payment of an invoice with its intent, while it is open.
fn opened(state: &State, invoice: &str) -> Option<(Value, Value)> {
    let payment = of(state, invoice).find(|payment| payment["status"] == "open")?;
    let intent = state.table("payment_intent").get(text(&payment["payment"], "payment_intent"))?;
    Some((payment.clone(), intent.clone()))
}

/// Charges one of Stripe's test payment methods: `pm_card_…` pays, one with `chargeDeclined` in its name is declined.
pub fn charge(state: &mut State, invoice: &str, method: &str) -> Result<(), Error> {
    if !method.starts_with("pm_card_") {
        return Err(Error::no_such("PaymentMethod", method, "payment_method"));
    }
    let Some((mut payment, mut intent)) = opened(state, invoice) else {
        return Err(Error::refused("This invoice has no open payment."));
    };
    if let Some((_, reason)) = method.split_once("hargeDeclined") {
        let declined = Error::card_declined(match reason {
            "InsufficientFunds" => "insufficient_funds",
            "ExpiredCard" => "expired_card",
            _ => "generic_decline",
        });
        intent["last_payment_error"] = declined.body()["error"].take();
        state.put("payment_intent", intent.clone());
        state.emit("payment_intent.payment_failed", "payment_intent", &intent);
        return Err(declined);
    }
    succeed(state, &mut payment, &mut intent, method);
    Ok(())
}

/// A payment of its own brings in a part: "Allow customers to make partial payments", docs.stripe.com/invoicing/partial-payments. What was opened
/// asks for the rest.
pub fn receive(state: &mut State, invoice: &Value, amount: i64) {
    if let Some((mut payment, mut intent)) = opened(state, text(invoice, "id")) {
        let rest = int(&intent, "amount") - amount;
        (payment["amount_requested"], intent["amount"]) = (rest.into(), rest.into());
        state.put("payment_intent", intent);
        state.put("invoice_payment", payment);
    }
    let mut asked = invoice.clone();
    asked["amount_due"] = amount.into();
    open(state, &asked);
    let Some((mut payment, mut intent)) = opened(state, text(invoice, "id")) else { return };
    payment["is_default"] = false.into();
    succeed(state, &mut payment, &mut intent, "pm_bank_transfer");
}

fn succeed(state: &mut State, payment: &mut Value, intent: &mut Value, method: &str) {
    intent["amount_received"] = intent["amount"].clone();
    intent["last_payment_error"] = Value::Null;
    intent["payment_method"] = method.into();
    intent["status"] = "succeeded".into();
    refunds::charge(state, intent);
    payment["amount_paid"] = payment["amount_requested"].clone();
    payment["status"] = "paid".into();
    payment["status_transitions"]["paid_at"] = state.now.into();
    state.put("payment_intent", intent.clone());
    state.put("invoice_payment", payment.clone());
    state.emit("payment_intent.succeeded", "payment_intent", intent);
    state.emit("invoice_payment.paid", "invoice_payment", payment);
}

/// An invoice that is void, or was paid elsewhere, is not paid here any more.
pub fn cancel(state: &mut State, invoice: &str) {
    let Some((mut payment, mut intent)) = opened(state, invoice) else {
        return;
    };
    payment["status"] = "canceled".into();
    payment["status_transitions"]["canceled_at"] = state.now.into();
    intent["status"] = "canceled".into();
    intent["canceled_at"] = state.now.into();
    intent["cancellation_reason"] = "void_invoice".into();
    state.put("payment_intent", intent.clone());
    state.put("invoice_payment", payment);
    state.emit("payment_intent.canceled", "payment_intent", &intent);
}

/// The `payments` list of an invoice, which shows only when it is expanded.
pub fn of_invoice(state: &State, invoice: &str) -> Value {
    let data: Vec<&Value> = of(state, invoice).collect();
    json!({ "object": "list", "data": data, "has_more": false, "url": "/v1/invoice_payments" })
}

pub fn retrieve(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("invoice_payment", call.id()).cloned()
}

pub fn list(state: &mut State, call: &Call) -> Result<Value, Error> {
    let intent = call.params.get("payment").and_then(|payment| payment["payment_intent"].as_str());
    let rows = state.table("invoice_payment").newest_first().filter(|row| {
        list::equal(call, "invoice", row)
            && list::equal(call, "status", row)
            && intent.is_none_or(|intent| row["payment"]["payment_intent"] == intent)
            && list::in_range(call, "created", row)
    });
    list::page(call, rows, "invoice payment", "/v1/invoice_payments")
}

pub fn retrieve_intent(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("payment_intent", call.id()).cloned()
}

pub fn list_intents(state: &mut State, call: &Call) -> Result<Value, Error> {
    let rows = state
        .table("payment_intent")
        .newest_first()
        .filter(|row| list::equal(call, "customer", row) && list::in_range(call, "created", row));
    list::page(call, rows, "payment_intent", "/v1/payment_intents")
}
