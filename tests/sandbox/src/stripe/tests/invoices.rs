//! The life of an invoice.

use super::{Account, START_MS};
use serde_json::{Value, json};

#[test]
fn a_sent_invoice_is_opened_and_paid() {
    let mut account = Account::new();
    let id = account.draft_of(12_345);
    let draft = account.get(&format!("/v1/invoices/{id}")).ok();
    assert_eq!((&draft["status"], &draft["auto_advance"]), (&json!("draft"), &json!(false)));
    for empty in ["hosted_invoice_url", "invoice_pdf", "number"] {
        assert!(draft[empty].is_null(), "{empty}");
    }
    account.now_ms += 86_400_000;
    let types = account.events_of(|account| drop(account.post(&format!("/v1/invoices/{id}/send"), "").ok()));
    assert_eq!(
        types,
        ["customer.updated", "invoice.updated", "invoice.finalized", "payment_intent.created", "invoice.sent"]
    );

    let open = account.get(&format!("/v1/invoices/{id}?expand[]=customer&expand[]=payments")).ok();
    assert_eq!(open["status"], "open");
    assert_eq!(
        (&open["amount_due"], &open["amount_remaining"], &open["amount_paid"]),
        (&json!(12_345), &json!(12_345), &json!(0))
    );
    assert_eq!(open["due_date"], (START_MS + 31 * 86_400_000) / 1000);
    assert_eq!(open["customer"]["currency"], "usd");
    assert_eq!(open["payments"]["data"][0]["status"], "open");
    assert!(open["number"].as_str().is_some_and(|number| number.ends_with("-0001")));
    assert!(open["hosted_invoice_url"].as_str().is_some_and(|url| url.contains(&id)));
    for gone in ["paid", "charge", "payment_intent", "subscription"] {
        assert_eq!(open.get(gone), None);
    }

    let types = account.events_of(|account| drop(account.post(&format!("/v1/invoices/{id}/send"), "").ok()));
    assert_eq!(types, ["invoice.sent"]);
    let pay = format!("/v1/invoices/{id}/pay");
    let types = account.events_of(|account| drop(account.post(&pay, "payment_method=pm_card_visa").ok()));
    assert_eq!(
        types,
        [
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice_payment.paid",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded"
        ]
    );
    let paid = account.get(&format!("/v1/invoices/{id}?expand[]=payments.data.payment.payment_intent")).ok();
    assert_eq!(
        (&paid["status"], &paid["amount_paid"], &paid["amount_remaining"]),
        (&json!("paid"), &json!(12_345), &json!(0))
    );
    assert_eq!(paid["payments"]["data"][0]["payment"]["payment_intent"]["status"], "succeeded");
    assert_eq!(account.get(&format!("/v1/invoice_payments?invoice={id}")).ok()["data"][0]["amount_paid"], 12_345);
    assert_eq!(account.post(&pay, "payment_method=pm_card_visa").message(), "Invoice is already paid");
}

#[test]
fn each_call_is_allowed_in_some_statuses_only() {
    let check = |steps: &[(&str, &str)], call: (&str, &str), expected: Result<&str, u16>| {
        let mut account = Account::new();
        let id = account.draft_of(100);
        for (step, body) in steps {
            account.post(&format!("/v1/invoices/{id}/{step}"), body).ok();
        }
        let answer = account.post(&format!("/v1/invoices/{id}/{}", call.0), call.1);
        let actual = if answer.status == 200 {
            Ok(answer.body["status"].as_str().unwrap_or_default())
        } else {
            Err(answer.status)
        };
        assert_eq!(actual, expected, "{steps:?} then {call:?}: {}", answer.body);
    };
    let (finalize, send, void) = (("finalize", ""), ("send", ""), ("void", ""));
    let (paid_elsewhere, written_off) = (("pay", "paid_out_of_band=true"), ("mark_uncollectible", ""));
    check(&[], finalize, Ok("open"));
    check(&[], send, Ok("open"));
    check(&[], paid_elsewhere, Err(400));
    check(&[], void, Err(400));
    check(&[], written_off, Err(400));
    check(&[finalize], finalize, Err(400));
    check(&[finalize], send, Ok("open"));
    check(&[finalize], paid_elsewhere, Ok("paid"));
    check(&[finalize], void, Ok("void"));
    check(&[finalize], written_off, Ok("uncollectible"));
    check(&[finalize], ("pay", ""), Err(400));
    check(&[finalize], ("pay", "payment_method=pm_card_chargeDeclined"), Err(402));
    check(&[finalize], ("pay", "payment_method=pm_unknown"), Err(400));
    check(&[finalize, written_off], void, Ok("void"));
    check(&[finalize, written_off], paid_elsewhere, Ok("paid"));
    check(&[finalize, paid_elsewhere], void, Err(400));
    check(&[finalize, paid_elsewhere], send, Err(400));
    check(&[finalize, void], paid_elsewhere, Err(400));
    check(&[finalize], ("add_lines", "lines[0][amount]=1"), Err(400));
}

/// "Number of payment attempts made for this invoice, from the perspective of the payment retry schedule": one that a person asks for is not counted,
/// and why the last failed is said by the payment's intent.
#[test]
fn stripes_own_attempts_are_counted() {
    let mut account = Account::new();
    let id = account.draft_of(100);
    account.post(&format!("/v1/invoices/{id}/finalize"), "").ok();
    for (attempts, next) in [(1, Some(1_900_000_000)), (2, None)] {
        account.stripe.attempt_fails(&id, "ExpiredCard", next);
        let path = format!("/v1/invoices/{id}?expand[]=payments.data.payment.payment_intent");
        let invoice = account.get(&path).ok();
        assert_eq!((&invoice["attempt_count"], &invoice["next_payment_attempt"]), (&json!(attempts), &json!(next)));
        let intent = &invoice["payments"]["data"][0]["payment"]["payment_intent"];
        assert_eq!(intent["last_payment_error"]["decline_code"], "expired_card");
    }
    account.post(&format!("/v1/invoices/{id}/pay"), "payment_method=pm_card_visa").ok();
    account.stripe.attempt_fails(&id, "ExpiredCard", None);
    assert_eq!(account.get(&format!("/v1/invoices/{id}")).ok()["status"], "paid", "nothing is tried any more");
}

#[test]
fn the_events_of_the_other_ends() {
    let mut account = Account::new();
    let mut last = |steps: &[(&str, &str)]| {
        let id = account.draft_of(100);
        let types = account.events_of(|account| {
            for (step, body) in steps {
                account.post(&format!("/v1/invoices/{id}/{step}"), body);
            }
        });
        types.last().cloned().unwrap_or_default()
    };
    assert_eq!(last(&[("finalize", ""), ("void", "")]), "invoice.voided");
    assert_eq!(last(&[("finalize", ""), ("mark_uncollectible", "")]), "invoice.marked_uncollectible");
    // Out of band there was no payment that could succeed.
    assert_eq!(last(&[("finalize", ""), ("pay", "paid_out_of_band=true")]), "invoice.paid");
    assert_eq!(last(&[("finalize", ""), ("pay", "payment_method=pm_card_chargeDeclined")]), "invoice.payment_failed");

    let id = account.draft_of(100);
    let types = account.events_of(|account| drop(account.delete(&format!("/v1/invoices/{id}")).ok()));
    assert_eq!(types, ["invoiceitem.deleted", "invoice.deleted"]);
    assert_eq!(account.get(&format!("/v1/invoices/{id}")).status, 404);
}

#[test]
fn what_an_invoice_refuses() {
    let mut account = Account::new();
    let customer = account.customer();
    let silent = account.create("/v1/customers", "name=Nobody");
    let mut check = |body: String, param: &str, message: &str| {
        let answer = account.post("/v1/invoices", &body);
        assert_eq!((answer.status, answer.param()), (400, param), "{body}: {}", answer.body);
        assert!(answer.message().contains(message), "{body}: {}", answer.body);
    };
    check("currency=usd".into(), "customer", "Missing required param: customer.");
    check("customer=cus_0".into(), "customer", "No such customer: 'cus_0'");
    check(format!("customer={customer}&days_until_due=30"), "days_until_due", "collection_method");
    check(format!("customer={customer}&due_date=1"), "due_date", "collection_method");
    check(format!("customer={customer}&collection_method=send_invoice&due_date=1"), "due_date", "future");
    check(
        format!("customer={customer}&collection_method=send_invoice&due_date=1&days_until_due=1"),
        "",
        "only specify one",
    );
    check(format!("customer={silent}&collection_method=send_invoice"), "", "Missing email.");
    check(format!("customer={customer}&currency=zzz"), "currency", "Invalid currency");

    let empty = account.draft("usd");
    let answer = account.post(&format!("/v1/invoices/{empty}/finalize"), "");
    assert_eq!((answer.status, answer.code()), (400, "invoice_no_customer_line_items"));
    let automatic = account.create("/v1/invoices", &format!("customer={customer}"));
    assert_eq!(account.post(&format!("/v1/invoices/{automatic}/send"), "").status, 400);

    let id = account.draft_of(100);
    account.post(&format!("/v1/invoices/{id}/finalize"), "").ok();
    let target = format!("/v1/invoices/{id}");
    assert_eq!(account.post(&target, "description=late").code(), "invoice_not_editable");
    assert_eq!(account.post(&target, "metadata[run]=r").ok()["metadata"]["run"], "r");
    assert_eq!(account.delete(&target).code(), "invoice_not_editable");
}

#[test]
fn nothing_due_is_paid_at_once() {
    let mut account = Account::new();
    let id = account.draft_of(0);
    let types = account.events_of(|account| drop(account.post(&format!("/v1/invoices/{id}/finalize"), "").ok()));
    assert!(types.ends_with(&["invoice.paid".into(), "invoice.payment_succeeded".into()]), "{types:?}");
    assert_eq!(account.get(&format!("/v1/invoices/{id}")).ok()["status"], "paid");
}

#[test]
fn a_credit_becomes_balance_and_is_used_up() {
    let mut account = Account::new();
    let credit = account.draft_of(-500);
    let paid = account.post(&format!("/v1/invoices/{credit}/finalize"), "").ok();
    assert_eq!(
        (&paid["status"], &paid["total"], &paid["amount_due"], &paid["ending_balance"]),
        (&json!("paid"), &json!(-500), &json!(0), &json!(-500))
    );
    let customer = paid["customer"].as_str().expect("a customer").to_owned();
    assert_eq!(account.get(&format!("/v1/customers/{customer}")).ok()["balance"], -500);

    let id = account.create("/v1/invoices", &format!("customer={customer}"));
    account.post(&format!("/v1/invoices/{id}/add_lines"), "lines[0][amount]=800").ok();
    let open = account.post(&format!("/v1/invoices/{id}/finalize"), "").ok();
    assert_eq!(
        (&open["total"], &open["starting_balance"], &open["amount_due"]),
        (&json!(800), &json!(-500), &json!(300))
    );
    assert_eq!(account.get(&format!("/v1/customers/{customer}")).ok()["balance"], 0);
    account.post(&format!("/v1/invoices/{id}/void"), "").ok();
    assert_eq!(account.get(&format!("/v1/customers/{customer}")).ok()["balance"], -500);
}

#[test]
fn the_customer_is_frozen_by_finalizing() {
    let mut account = Account::new();
    let id = account.draft_of(100);
    let target = format!("/v1/invoices/{id}");
    let customer = account.get(&target).ok()["customer"].as_str().expect("a customer").to_owned();
    account.post(&format!("/v1/customers/{customer}"), "name=Second").ok();
    assert_eq!(account.get(&target).ok()["customer_name"], "Second");
    account.post(&format!("{target}/finalize"), "").ok();
    account.post(&format!("/v1/customers/{customer}"), "name=Third").ok();
    assert_eq!(account.get(&target).ok()["customer_name"], "Second");
}

#[test]
fn auto_advance_finalizes_after_an_hour() {
    let mut account = Account::new();
    let id = account.draft_of(100);
    let target = format!("/v1/invoices/{id}");
    assert_eq!(account.post(&target, "auto_advance=true").ok()["automatically_finalizes_at"], START_MS / 1000 + 3600);
    account.now_ms += 3_599_000;
    assert_eq!(account.get(&target).ok()["status"], "draft");
    account.now_ms += 1_000;
    assert_eq!(account.get(&target).ok()["status"], "open");
    assert_eq!(account.event_types().last().map(String::as_str), Some("invoice.sent"));
    let event = account.stripe.objects("event").pop().unwrap_or_default();
    assert_eq!(event["request"], json!({ "id": null, "idempotency_key": null }));

    let empty = account.draft("usd");
    account.post(&format!("/v1/invoices/{empty}"), "auto_advance=true").ok();
    account.now_ms += 3_600_000;
    let failed: Value = account.get(&format!("/v1/invoices/{empty}")).ok();
    assert_eq!(failed["last_finalization_error"]["code"], "invoice_no_customer_line_items");
    assert_eq!(account.event_types().last().map(String::as_str), Some("invoice.finalization_failed"));
}

#[test]
fn invoices_are_listed_and_searched() {
    let mut account = Account::new();
    let first = account.draft_of(100);
    account.post(&format!("/v1/invoices/{first}"), "metadata[sf_opportunity_id]=006A").ok();
    let second = account.draft_of(200);
    account.post(&format!("/v1/invoices/{second}/finalize"), "").ok();
    let mut ids = |target: &str| {
        let data = account.get(target).ok()["data"].as_array().cloned().unwrap_or_default();
        data.iter().map(|one| one["id"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("/v1/invoices"), [second.clone(), first.clone()]);
    assert_eq!(ids("/v1/invoices?status=open"), std::slice::from_ref(&second));
    assert_eq!(ids("/v1/invoices?status=draft&collection_method=send_invoice"), std::slice::from_ref(&first));
    assert_eq!(ids("/v1/invoices/search?query=metadata%5B%22sf_opportunity_id%22%5D:%22006A%22"), [first]);
    assert_eq!(ids("/v1/invoices/search?query=total%3E100%20AND%20status:%22open%22"), [second]);
}
