//! Charges that paid an invoice, and what was refunded of them. Only an invoice's payments know of a charge.

use super::error::Error;
use super::list;
use super::params::merge_metadata;
use super::state::{Call, State, assign, int, text};
use serde_json::{Value, json};

/// The charge that a payment intent succeeded by.
pub fn charge(state: &mut State, intent: &mut Value) {
    let charge = json!({
        "id": state.new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"],
        "amount_refunded": 0,
        "billing_details": { "address": null, "email": null, "name": null, "phone": null, "tax_id": null },
        "captured": true,
        "created": state.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "disputed": false,
        "livemode": false,
        "metadata": {},
        "paid": true,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "refunded": false,
        "status": "succeeded",
    });
    intent["latest_charge"] = charge["id"].clone();
    state.put("charge", charge.clone());
    state.emit("charge.succeeded", "charge", &charge);
}

/// By its charge or its payment intent; all that is left of it, or an amount. The invoice stays paid, and knows nothing of it.
pub fn create(state: &mut State, call: &Call) -> Result<Value, Error> {
    let id = match (call.text("charge"), call.text("payment_intent")) {
        (Some(id), _) => id.to_owned(),
        (None, Some(intent)) => {
            let intent = state.referenced("payment_intent", intent, "payment_intent")?;
            intent["latest_charge"].as_str().map(str::to_owned).ok_or_else(|| {
                Error::refused("This PaymentIntent does not have a successful charge to refund.")
                    .param("payment_intent")
            })?
        }
        (None, None) => return Err(Error::missing("charge")),
    };
    let before = state.referenced("charge", &id, "charge")?.clone();
    let left = int(&before, "amount") - int(&before, "amount_refunded");
    let amount = call.int("amount").unwrap_or(left);
    if left == 0 {
        return Err(Error::refused(format!("Charge {id} has already been refunded.")).code("charge_already_refunded"));
    }
    if !(1..=left).contains(&amount) {
        let message = format!("Refund amount ({amount}) is not between 1 and what is left of the charge ({left}).");
        return Err(Error::invalid("amount", message));
    }
    let mut charge = before.clone();
    charge["amount_refunded"] = (int(&before, "amount_refunded") + amount).into();
    charge["refunded"] = (amount == left).into();
    state.put("charge", charge.clone());
    let mut refund = json!({
        "id": state.new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": id,
        "created": state.now,
        "currency": charge["currency"],
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": null,
        "status": "succeeded",
    });
    assign(&mut refund, &call.params, &["reason"]);
    merge_metadata(&mut refund["metadata"], &call.params, "metadata")?;
    state.put("refund", refund.clone());
    state.emit("refund.created", "refund", &refund);
    state.emit_updated("charge.refunded", "charge", &before, &charge);
    Ok(refund)
}

pub fn retrieve(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("refund", call.id()).cloned()
}

/// Of a refund that is made only its metadata changes.
pub fn update(state: &mut State, call: &Call) -> Result<Value, Error> {
    let before = state.named("refund", call.id())?.clone();
    let mut refund = before.clone();
    merge_metadata(&mut refund["metadata"], &call.params, "metadata")?;
    state.put("refund", refund.clone());
    state.emit_updated("refund.updated", "refund", &before, &refund);
    Ok(refund)
}

pub fn list(state: &mut State, call: &Call) -> Result<Value, Error> {
    let rows = state.table("refund").newest_first().filter(|row| {
        ["charge", "payment_intent"].iter().all(|name| list::equal(call, name, row))
            && list::in_range(call, "created", row)
    });
    list::page(call, rows, "refund", "/v1/refunds")
}

pub fn retrieve_charge(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("charge", call.id()).cloned()
}

pub fn retrieve_dispute(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("dispute", call.id()).cloned()
}

/// The object as far as it says what it is about: docs.stripe.com/api/disputes/object.
pub fn dispute(state: &mut State, invoice: &str) {
    let paid = |payment: &&Value| payment["invoice"] == invoice && payment["status"] == "paid";
    let payments = state.table("invoice_payment").newest_first().filter(paid);
    let intents: Vec<_> = payments.map(|payment| text(&payment["payment"], "payment_intent").to_owned()).collect();
    for intent in intents {
        let charge = state.table("payment_intent").get(&intent).map(|intent| text(intent, "latest_charge").to_owned());
        if let Some(mut charge) = charge.and_then(|id| state.table("charge").get(&id).cloned()) {
            charge["disputed"] = true.into();
            state.put("charge", charge.clone());
            let dispute = json!({
                "id": state.new_id("du"),
                "object": "dispute",
                "amount": charge["amount"],
                "charge": charge["id"],
                "created": state.now,
                "currency": charge["currency"],
                "evidence_details": { "due_by": state.now + 7 * 86_400, "has_evidence": false, "past_due": false, "submission_count": 0 },
                "is_charge_refundable": false,
                "livemode": false,
                "metadata": {},
                "payment_intent": charge["payment_intent"],
                "reason": "general",
                "status": "needs_response",
            });
            state.put("dispute", dispute.clone());
            state.emit("charge.dispute.created", "dispute", &dispute);
        }
    }
}
