//! What is read, and what is not believed.

use super::*;

const CUSTOMER: &str = r#"{"id":"cus_1","object":"customer","created":1760000000,"metadata":{},"livemode":false}"#;

fn invoice(id: &str, customer: &str, currency: &str) -> String {
    format!(
        r#"{{"id":"{id}","object":"invoice","status":"open","customer":{customer},"currency":"{currency}","subtotal":100,
            "total":100,"amount_due":100,"amount_paid":0,"amount_remaining":100,"pre_payment_credit_notes_amount":0,"post_payment_credit_notes_amount":0,"auto_advance":null,"livemode":false,
            "created":1760000000,"hosted_invoice_url":"https://invoice.stripe.example/i/secret","number":null,
            "metadata":{{"k":"v"}},"lines":{{"object":"list","has_more":false,"data":[]}}}}"#
    )
}

fn id() -> InvoiceId {
    InvoiceId::parse("in_1").expect("valid")
}

/// A client whose next answers are these bodies, with status 200.
async fn answering(bodies: &[&str]) -> Client {
    let (url, _task) = serve(bodies.iter().map(|body| http(200, "", body)).collect()).await;
    client(&url)
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    let page = |id: &str, has_more: bool| {
        let customer = CUSTOMER.replace("cus_1", id);
        http(200, "", &format!(r#"{{"object":"list","data":[{customer}],"has_more":{has_more}}}"#))
    };
    let (url, task) = serve(vec![page("cus_1", true), page("cus_2", false)]).await;
    let found = client(&url).customers_created_since(jiff::Timestamp::UNIX_EPOCH).await.expect("two pages");
    assert_eq!(found.iter().map(|customer| customer.id.as_str()).collect::<Vec<_>>(), ["cus_1", "cus_2"]);
    let asked = task.await.expect("served");
    assert!(asked[1].contains("starting_after=cus_1"), "{}", asked[1]);
}

#[tokio::test]
async fn a_deleted_customer_says_so() {
    let (url, _task) = serve(vec![http(200, "", r#"{"id":"cus_1","object":"customer","deleted":true}"#)]).await;
    let customer = client(&url).customer(&CustomerId::parse("cus_1").expect("valid")).await.expect("answered");
    assert!(customer.deleted);
}

/// A list that is believed although it is short makes an object a second time.
#[tokio::test]
async fn half_a_list_is_no_list() {
    let epoch = jiff::Timestamp::UNIX_EPOCH;
    for body in [
        r#"{"object":"list","data":[],"has_more":true}"#,
        r#"{"object":"list","data":[]}"#,
        r#"{"data":[],"has_more":false}"#,
        r#"{"object":"search_result","data":[],"has_more":false}"#,
        r#"{"object":"list","has_more":false}"#,
        r#"{"object":"list","data":[{"object":"customer"}],"has_more":false}"#,
        r#"{"error":{}}"#,
        "{}",
        "[]",
    ] {
        let customers = answering(&[body]).await.customers_created_since(epoch).await;
        let customer = CustomerId::parse("cus_1").expect("valid");
        let invoices = answering(&[body]).await.invoices_of_customer(&customer, epoch).await;
        let lines = answering(&[body]).await.invoice_lines(&id()).await;
        for error in [customers.err(), invoices.err(), lines.err()] {
            let error = error.unwrap_or_else(|| panic!("{body} was believed"));
            assert!(is_unknown(&error, &UnknownReason::UnreadableAnswer), "{body}: {error:?}");
        }
    }
    let more = format!(r#"{{"object":"list","data":[{CUSTOMER}],"has_more":true}}"#);
    let found = answering(&[&more, r#"{"object":"list","data":[],"has_more":true}"#])
        .await
        .customers_created_since(epoch)
        .await;
    assert!(found.is_err(), "the second page counts as much as the first");
}

#[tokio::test]
async fn half_a_search_is_no_search() {
    for rest in [r#""has_more":true,"next_page":null"#, r#""has_more":true"#, r#""next_page":"p2""#] {
        let body = format!(r#"{{"object":"search_result","data":[{CUSTOMER}],{rest}}}"#);
        let found = answering(&[&body]).await.customers_by_metadata("k", "v").await;
        assert!(is_unknown(&found.expect_err("half"), &UnknownReason::UnreadableAnswer), "{rest}");
    }
    for body in [
        r#"{"object":"search_result","data":[],"has_more":true,"next_page":"p2"}"#,
        r#"{"object":"list","data":[],"has_more":false}"#,
        r#"{"data":[],"has_more":false}"#,
    ] {
        let found = answering(&[body]).await.customers_by_metadata("k", "v").await;
        assert!(found.is_err(), "{body}");
    }
}

#[tokio::test]
async fn a_search_is_read_to_its_end() {
    let page = |rest: &str| {
        let body = format!(r#"{{"object":"search_result","data":[{CUSTOMER}],{rest}}}"#);
        http(200, "", &body)
    };
    let pages = vec![page(r#""has_more":true,"next_page":"p2""#), page(r#""has_more":false,"next_page":null"#)];
    let (url, task) = serve(pages).await;
    let found = client(&url).customers_by_metadata("k", "v\"").await.expect("two pages");
    assert_eq!(found.len(), 2);
    let asked = task.await.expect("served");
    assert!(asked[1].contains("page=p2"), "{}", asked[1]);
    assert!(asked[0].contains("query=metadata%5B%22k%22%5D%3A%22v%5C%22%22"), "{}", asked[0]);
}

#[tokio::test]
async fn an_invoice_of_somebody_else_can_be_told_from_ours() {
    for (customer, currency) in [("null", "eur"), (r#""cus_1""#, "usdc"), (r#"{"id":"acct_1"}"#, "???")] {
        let body = invoice("in_1", customer, currency);
        let metadata = answering(&[&body]).await.invoice_metadata(&id()).await;
        assert_eq!(metadata.expect("read").get("k").map(String::as_str), Some("v"));
    }
    let whole = answering(&[&invoice("in_1", "null", "eur")]).await.invoice(&id()).await;
    assert_eq!(whole.expect("read").customer, None);
    let none = answering(&[r#"{"id":"in_1","metadata":null}"#]).await.invoice_metadata(&id()).await;
    assert_eq!(none.expect("read").len(), 0);
    for body in ["{}", r#"{"id":"in_2","metadata":{}}"#, "<html>"] {
        assert!(answering(&[body]).await.invoice_metadata(&id()).await.is_err(), "{body}");
    }
}

/// An invoice of a subscription: its own metadata, and what the subscription carried when the invoice was made.
fn of_subscription(reason: &str, own: &str) -> String {
    let parent = r#"{"subscription_details":{"metadata":{"k":"its","plan":"gold"},"subscription":"sub_1"}}"#;
    invoice("in_1", "\"cus_1\"", "eur")
        .replace(r#""metadata":{"k":"v"}"#, &format!(r#""metadata":{own},"billing_reason":{reason},"parent":{parent}"#))
}

/// The deal's metadata is on the subscription; its first invoice is the deal's, whoever sent it, and the later ones are not.
#[tokio::test]
async fn the_first_invoice_of_a_subscription_says_what_its_subscription_says() {
    let (first, later) = (r#""subscription_create""#, r#""subscription_cycle""#);
    for (reason, own, expected) in [
        (first, "{}", &[("k", "its"), ("plan", "gold")][..]),
        (first, "null", &[("k", "its"), ("plan", "gold")]),
        (first, r#"{"k":"own"}"#, &[("k", "own"), ("plan", "gold")]),
        (later, "{}", &[]),
        (later, r#"{"k":"own"}"#, &[("k", "own")]),
        ("null", "{}", &[]),
    ] {
        let body = of_subscription(reason, own);
        let stripe = answering(&[&body, &body]).await;
        let expected = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(stripe.invoice_metadata(&id()).await.expect("read"), expected, "{reason} {own}");
        let read = stripe.invoice(&id()).await.expect("read");
        assert_eq!((read.metadata, read.subscription.expect("sub_1").as_str()), (expected, "sub_1"), "{reason} {own}");
    }
}

#[tokio::test]
async fn what_we_never_bill_does_not_hide_what_we_did() {
    let customer = CustomerId::parse("cus_1").expect("valid");
    let (ours, foreign) = (invoice("in_1", "\"cus_1\"", "eur"), invoice("in_2", "\"cus_1\"", "usdc"));
    let body = format!(r#"{{"object":"list","data":[{ours},{foreign}],"has_more":false}}"#);
    let found =
        answering(&[&body]).await.invoices_of_customer(&customer, jiff::Timestamp::UNIX_EPOCH).await.expect("read");
    assert_eq!(found.iter().map(|invoice| invoice.id.as_str()).collect::<Vec<_>>(), ["in_1"]);
}

#[tokio::test]
async fn an_invoice_is_read_with_its_nulls_and_printed_without_its_page() {
    let invoice = answering(&[&invoice("in_1", r#"{"id":"cus_1","object":"customer"}"#, "eur")])
        .await
        .invoice(&id())
        .await
        .expect("read");
    assert!(!invoice.auto_advance);
    assert_eq!(invoice.customer.as_ref().map(CustomerId::as_str), Some("cus_1"));
    assert!(invoice.hosted_invoice_url.is_some());
    let printed = format!("{invoice:?} {:?}", Answer::Invoice(Box::new(invoice.clone())));
    assert!(printed.contains("in_1") && !printed.contains("invoice.stripe.example"), "{printed}");
}

/// It comes with that one's invoices only, where it says so.
#[tokio::test]
async fn what_waits_says_for_which_subscription() {
    let customer = CustomerId::parse("cus_1").expect("valid");
    let of =
        r#"{"type":"subscription_details","subscription_details":{"subscription":"sub_1","subscription_item":null}}"#;
    let item = |id: &str, rest: &str| format!(r#"{{"id":"{id}","object":"invoiceitem",{rest}}}"#);
    let items = [
        item("ii_1", r#""currency":"eur","parent":null,"metadata":{}"#),
        item("ii_2", &format!(r#""currency":"usd","parent":{of},"metadata":{{"sf_line_id":"00k1"}}"#)),
        item("ii_3", r#""currency":"usdc","metadata":null"#),
    ];
    let list = format!(r#"{{"object":"list","data":[{}],"has_more":false}}"#, items.join(","));
    let (url, task) = serve(vec![http(200, "", &list)]).await;
    let found = client(&url).pending_items(&customer).await.expect("answered");
    let of: Vec<_> = found.iter().map(|item| item.subscription.as_ref().map(|id| id.as_str())).collect();
    assert_eq!(of, [None, Some("sub_1"), None]);
    let currencies: Vec<_> = found.iter().map(|item| item.currency.map(|currency| currency.to_stripe())).collect();
    assert_eq!(currencies, [Some("eur".to_owned()), Some("usd".to_owned()), None]);
    assert_eq!(found[1].metadata.get("sf_line_id").map(String::as_str), Some("00k1"));
    let asked = task.await.expect("served");
    assert!(asked[0].contains("customer=cus_1&pending=true"), "{}", asked[0]);
}
