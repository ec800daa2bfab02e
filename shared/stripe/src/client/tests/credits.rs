//! What is read of credit notes, of payments, and of what a customer is billed with.

use super::*;
use crate::{CustomerBilling, MoneyIn};

fn page(object: &str, has_more: bool) -> String {
    http(200, "", &format!(r#"{{"object":"list","data":[{object}],"has_more":{has_more}}}"#))
}

fn payment(id: &str, status: &str, refunded: i64) -> String {
    format!(
        r#"{{"id":"{id}","object":"invoice_payment","status":"{status}","payment":{{"type":"payment_intent","payment_intent":
            {{"id":"pi_1","status":"processing","latest_charge":{{"id":"ch_1","amount_refunded":{refunded},"disputed":false}}}}}}}}"#
    )
}

fn invoice_id() -> InvoiceId {
    InvoiceId::parse("in_1").expect("valid")
}

#[tokio::test]
async fn every_payment_of_an_invoice_is_asked_with_its_charge() {
    let pages = vec![page(&payment("inpay_1", "paid", 0), true), page(&payment("inpay_2", "paid", 1), false)];
    let (url, task) = serve(pages).await;
    let money = client(&url).money_of_invoice(&invoice_id()).await.expect("two pages");
    assert_eq!(money, [MoneyIn::Kept, MoneyIn::Refunded]);
    let asked = task.await.expect("served").join("\n").replace("%5B", "[").replace("%5D", "]");
    let filter = "/v1/invoice_payments?invoice=in_1&expand[]=data.payment.payment_intent.latest_charge&limit=100";
    assert!(asked.contains(&format!("{filter} HTTP/1.1")), "{asked}");
    assert!(asked.contains(&format!("{filter}&starting_after=inpay_1 HTTP/1.1")), "{asked}");
    // Whatever else comes along has paid nothing.
    let (url, _task) = serve(vec![page(&payment("inpay_1", "canceled", 0), false)]).await;
    assert_eq!(client(&url).money_of_invoice(&invoice_id()).await.expect("a page"), []);
    // What a bank has not answered for yet may come.
    let (url, _task) = serve(vec![page(&payment("inpay_1", "open", 0), false)]).await;
    assert_eq!(client(&url).money_of_invoice(&invoice_id()).await.expect("a page"), [MoneyIn::UnderWay]);
    let waiting = payment("inpay_1", "open", 0).replace("processing", "requires_payment_method");
    let (url, _task) = serve(vec![page(&waiting, false)]).await;
    assert_eq!(client(&url).money_of_invoice(&invoice_id()).await.expect("a page"), []);
}

#[tokio::test]
async fn credit_notes_are_read_to_their_end_or_not_believed() {
    let note = |id: &str, invoice: &str| {
        format!(r#"{{"id":"{id}","invoice":"{invoice}","status":"issued","amount":5,"metadata":null}}"#)
    };
    let (url, task) = serve(vec![page(&note("cn_1", "in_1"), true), page(&note("cn_2", "in_1"), false)]).await;
    let notes = client(&url).credit_notes_of_invoice(&invoice_id()).await.expect("two pages");
    assert_eq!(notes.iter().map(|note| note.id.as_str()).collect::<Vec<_>>(), ["cn_1", "cn_2"]);
    let asked = task.await.expect("served").join("\n");
    assert!(asked.contains("/v1/credit_notes?invoice=in_1&limit=100 HTTP/1.1"), "{asked}");
    assert!(asked.contains("starting_after=cn_1"), "{asked}");
    let (url, _task) = serve(vec![page(&note("cn_1", ""), false)]).await;
    assert!(client(&url).credit_notes_of_invoice(&invoice_id()).await.is_err());
}

#[tokio::test]
async fn a_customer_says_what_it_can_be_billed_with() {
    let read = async |body: &str| {
        let (url, _task) = serve(vec![http(200, "", body)]).await;
        client(&url).billing_of_customer(&CustomerId::parse("cus_1").expect("valid")).await.expect("read")
    };
    for (fields, expected) in [
        (r#""currency":null,"default_source":null,"invoice_settings":{"default_payment_method":null}"#, false),
        (r#""currency":null,"default_source":null,"invoice_settings":{"default_payment_method":"pm_1"}"#, true),
        (r#""currency":null,"default_source":"card_1","invoice_settings":{"default_payment_method":null}"#, true),
    ] {
        let billing = read(&format!(r#"{{"id":"cus_1",{fields}}}"#)).await;
        assert_eq!(billing, CustomerBilling { has_payment_method: expected, ..CustomerBilling::default() }, "{fields}");
    }
    let billing = read(r#"{"id":"cus_1","currency":"eur"}"#).await;
    assert_eq!((billing.currency.as_deref(), billing.is_deleted), (Some("eur"), false));
    assert!(read(r#"{"id":"cus_1","object":"customer","deleted":true}"#).await.is_deleted);
}

/// All of it, by notes before or after it was paid; an invoice that came to nothing has nothing to credit.
#[tokio::test]
async fn an_invoice_says_whether_it_is_credited_and_how_it_is_collected() {
    let read = async |status: &str, total: i64, before: i64, after: i64, collected: &str| {
        let body = format!(
            r#"{{"id":"in_1","object":"invoice","status":"{status}","customer":null,"currency":"usd","subtotal":{total},"total":{total},
                "amount_due":0,"amount_paid":0,"amount_remaining":0,"pre_payment_credit_notes_amount":{before},
                "post_payment_credit_notes_amount":{after},"livemode":false,"created":1,"collection_method":{collected},
                "lines":{{"object":"list","has_more":false,"data":[]}}}}"#
        );
        let (url, _task) = serve(vec![http(200, "", &body)]).await;
        let invoice = client(&url).invoice(&invoice_id()).await.expect("read");
        (invoice.is_credited(), invoice.is_charged)
    };
    for (status, total, before, after, expected) in [
        ("paid", 100, 0, 100, true),
        ("paid", 100, 100, 0, true),
        ("paid", 100, 20, 80, true),
        ("paid", 100, 0, 99, false),
        ("paid", 100, 0, 0, false),
        ("paid", 0, 0, 0, false),
        ("open", 100, 0, 100, false),
        ("void", 100, 0, 100, false),
    ] {
        let found = read(status, total, before, after, "null").await;
        assert_eq!(found, (expected, false), "{status} {total} {before} {after}");
    }
    assert!(read("draft", 100, 0, 0, r#""charge_automatically""#).await.1);
    assert!(!read("draft", 100, 0, 0, r#""send_invoice""#).await.1);
}
