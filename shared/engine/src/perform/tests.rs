use domain::{CustomerId, PriceId};
use stripe::{NoEffectReason, UnknownReason};

use super::*;

fn entry() -> CallEntry {
    CallEntry {
        at: jiff::Timestamp::UNIX_EPOCH,
        system: "stripe".into(),
        call: "create_invoice".into(),
        target: None,
        idempotency_key: None,
        outcome: "ok".into(),
        detail: None,
        request_id: None,
        duration_ms: 0,
    }
}

/// Whoever reads the log of a deal sees whether anything may have happened at Stripe, in which words, and what to ask
/// Stripe's support about.
#[test]
fn the_log_tells_what_may_have_happened_at_stripe() {
    let request_id = || Some("req_1".to_owned());
    let refusal = stripe::Refusal {
        status: 400,
        error_type: None,
        code: None,
        param: None,
        decline_code: None,
        message: "No such price".into(),
        request_id: request_id(),
    };
    let unknown = |reason, replayed| stripe::Error::Unknown { reason, replayed, request_id: request_id() };
    for (error, outcome) in [
        (stripe::Error::Refused(refusal), "refused"),
        (stripe::Error::IdempotencyMismatch { request_id: request_id() }, "refused"),
        (stripe::Error::NotAllowed { status: 401, permission: None, request_id: request_id() }, "not_allowed"),
        (stripe::Error::NoEffect { reason: NoEffectReason::LockTimeout, request_id: request_id() }, "no_effect"),
        (unknown(UnknownReason::Timeout, false), "unknown"),
        (unknown(UnknownReason::ServerError { status: 500 }, true), "unknown"),
    ] {
        let mut entry = entry();
        describe_stripe(&mut entry, &error);
        assert_eq!(entry.outcome, outcome, "{error}");
        assert_eq!((entry.detail, entry.request_id), (Some(error.to_string()), request_id()));
    }
}

#[test]
fn the_log_tells_what_may_have_happened_at_salesforce() {
    let refusal = salesforce::Refusal {
        status: 400,
        error_code: "INVALID_FIELD".into(),
        message: "No such column".into(),
        fields: vec![],
    };
    let code = || "SOME_CODE".to_owned();
    for (error, outcome) in [
        (salesforce::Error::Refused(refusal), "refused"),
        (salesforce::Error::NotAllowed { error_code: code(), message: String::new() }, "not_allowed"),
        (salesforce::Error::LimitReached { error_code: code() }, "no_effect"),
        (salesforce::Error::Busy { error_code: code() }, "no_effect"),
        (salesforce::Error::Unknown { reason: "timeout".into() }, "unknown"),
    ] {
        assert_eq!(salesforce_outcome(&error), outcome, "{error}");
    }
}

#[test]
fn what_a_call_made_is_named_by_its_id() {
    let customer_id = || CustomerId::parse("cus_1").expect("valid");
    let price = workflow::PriceSeen {
        price_id: PriceId::parse("price_1").expect("valid"),
        product_id: None,
        is_active: true,
        currency: None,
        unit_amount: None,
        every: workflow::Every::Once,
        tax: None,
    };
    let scope = crate::samples::scope();
    let total = crate::samples::money(1000, "EUR");
    let invoice_id = crate::samples::invoice_id("in_1");
    let invoice = crate::samples::invoice(invoice_id, stripe::InvoiceStatus::Draft, total, jiff::Timestamp::UNIX_EPOCH);
    let renewed = workflow::RenewableSeen {
        subscription_id: domain::SubscriptionId::parse("sub_1").expect("valid"),
        is_ours: true,
        is_over: false,
        customer_id: None,
        currency: total.currency(),
        ends_at: None,
        items: vec![],
        begun_by: None,
        is_settled: true,
        begun_at: None,
        oddity: None,
        renewed_for: None,
        canceled_on: None,
        sold_once: Default::default(),
        renewed_from: None,
        last_invoice: None,
    };
    for (fact, id) in [
        (Fact::SubscriptionRenewed(Box::new(renewed)), Some("sub_1")),
        (Fact::InvoiceRead(convert::invoice(&invoice, &scope)), Some("in_1")),
        (Fact::CustomerCreated { customer_id: customer_id() }, Some("cus_1")),
        (Fact::PriceCreated(price), Some("price_1")),
        // It was known before: the entry's target names it.
        (Fact::CustomerRead { customer_id: customer_id(), metadata: Default::default() }, None),
        (Fact::DraftDeleted, None),
        (Fact::Reported, None),
    ] {
        assert_eq!(made(&fact).as_deref(), id, "{}", fact.name());
    }
}

/// A key that is given up too early makes the second invoice, one that is believed for too long hides the first.
#[test]
fn a_key_is_given_up_only_after_an_answer_that_stays() {
    let unknown = |replayed| stripe::Error::Unknown { reason: UnknownReason::Timeout, replayed, request_id: None };
    let mismatch = stripe::Error::IdempotencyMismatch { request_id: None };
    let busy = stripe::Error::NoEffect { reason: NoEffectReason::LockTimeout, request_id: None };
    let open = |is_spent, is_ambiguous| Key::Open { is_spent, is_ambiguous };
    for (error, is_answer, key) in [
        // It is told to a person at once, but something was done under the key, and may be under way.
        (&mismatch, true, open(true, true)),
        (&busy, true, Key::Retired),
        (&busy, false, open(false, false)),
        (&unknown(false), false, open(false, true)),
        (&unknown(true), false, open(true, false)),
    ] {
        assert_eq!(key_after(error, is_answer), key, "{error}, an answer: {is_answer}");
    }
}
