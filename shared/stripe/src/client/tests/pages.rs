//! Pages of the whole account: what is asked for, what hides nothing else, and where they go on.

use super::*;
use crate::Cursor;

fn listed(body: &str, has_more: bool) -> String {
    http(200, "", &format!(r#"{{"object":"list","data":[{body}],"has_more":{has_more}}}"#))
}

fn at(seconds: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(seconds).expect("valid")
}

const PAID: &str = r#"{"id":"evt_1","object":"event","type":"invoice.paid","livemode":false,"created":1760000000,
    "data":{"object":{"id":"in_1","object":"invoice","metadata":{"k":"v"}}}}"#;

#[tokio::test]
async fn events_are_asked_for_by_type_and_time() {
    let unreadable = r#"{"id":"evt_2","type":7,"created":1759999999}"#;
    let (url, task) = serve(vec![listed(&format!("{PAID},{unreadable}"), true)]).await;
    let page = client(&url).events_since(&["invoice.paid", "invoice.voided"], at(1_750_000_000), None).await;
    let page = page.expect("a page");
    assert_eq!(page.items[0].metadata.as_ref().and_then(|found| found.get("k")).map(String::as_str), Some("v"));
    assert_eq!(page.items[0].object.as_ref().map(|found| found.event_id.as_str()), Some("evt_1"));
    assert_eq!((page.items[1].id.as_str(), &page.items[1].object), ("evt_2", &None), "it hides nothing else");
    assert_eq!(page.next.expect("there is more").to_string(), "evt_2@1759999999");
    let asked = task.await.expect("served").remove(0).replace("%5B", "[").replace("%5D", "]");
    let expected =
        "/v1/events?types[0]=invoice.paid&types[1]=invoice.voided&created[gte]=1750000000&limit=100 HTTP/1.1";
    assert!(asked.contains(expected), "{asked}");
}

#[tokio::test]
async fn a_page_goes_on_after_an_object_that_was_deleted() {
    let missing = r#"{"error":{"type":"invalid_request_error","code":"resource_missing","param":"starting_after",
        "message":"No such invoice: 'in_9'"}}"#;
    let (url, task) = serve(vec![http(400, "", missing), listed("", false)]).await;
    let cursor: Cursor = "in_9@1760000000".parse().expect("valid");
    let page = client(&url).invoices_created_since(at(1_750_000_000), Some(&cursor)).await.expect("a page");
    assert_eq!((page.items.len(), page.next), (0, None));
    let asked = task.await.expect("served").join("\n").replace("%5B", "[").replace("%5D", "]");
    assert!(asked.contains("created[gte]=1750000000&limit=100&starting_after=in_9 HTTP"), "{asked}");
    assert!(asked.contains("created[gte]=1750000000&limit=100&created[lte]=1760000000 HTTP"), "{asked}");
}

#[tokio::test]
async fn what_cannot_be_read_says_whose_it_is_and_hides_nothing() {
    let foreign = r#"{"id":"in_7","object":"invoice","created":5,"metadata":{"k":"v"},"subtotal":"a lot"}"#;
    let bare = r#"{"id":"in_8","object":"invoice","created":4}"#;
    let (url, _task) = serve(vec![listed(&format!("{foreign},{bare}"), false)]).await;
    let page = client(&url).invoices_created_since(at(0), None).await.expect("a page");
    assert!(page.items.iter().all(|item| item.object.is_none()));
    assert_eq!(page.items[0].invoice_id().map(|id| id.to_string()).as_deref(), Some("in_7"));
    assert_eq!(page.items[0].metadata.as_ref().map(|found| found.len()), Some(1));
    assert_eq!(page.items[1].metadata, None);
}

/// Whether it is listed or an event tells of it, read whole or not: a subscription's first invoice is whose the subscription is.
#[tokio::test]
async fn the_first_invoice_of_a_subscription_is_listed_as_its_subscriptions() {
    let parent = r#""parent":{"subscription_details":{"metadata":{"k":"its"},"subscription":"sub_1"}}"#;
    let of_reason = |id: &str, reason: &str| {
        format!(
            r#"{{"id":"{id}","object":"invoice","created":5,"metadata":{{}},"billing_reason":"{reason}",{parent}}}"#
        )
    };
    let (first, later) = (of_reason("in_1", "subscription_create"), of_reason("in_2", "subscription_cycle"));
    let event = |id: &str, invoice: &str| {
        format!(
            r#"{{"id":"{id}","object":"event","type":"invoice.paid","livemode":false,"created":5,"data":{{"object":{invoice}}}}}"#
        )
    };
    let events = [event("evt_1", &first), event("evt_2", &later)].join(",");
    let (url, _task) = serve(vec![listed(&format!("{first},{later}"), false), listed(&events, false)]).await;
    let client = client(&url);
    let says = |metadata: &Option<std::collections::BTreeMap<String, String>>| {
        metadata.as_ref().and_then(|found| found.get("k").cloned())
    };
    let invoices = client.invoices_created_since(at(0), None).await.expect("a page");
    assert_eq!(invoices.items.iter().map(|item| says(&item.metadata)).collect::<Vec<_>>(), [Some("its".into()), None]);
    let events = client.events_since(&["invoice.paid"], at(0), None).await.expect("a page");
    assert_eq!(events.items.iter().map(|item| says(&item.metadata)).collect::<Vec<_>>(), [Some("its".into()), None]);
}

/// A page that is believed although it is short leaves something out for ever.
#[tokio::test]
async fn half_a_page_is_no_page() {
    for body in [
        r#"{"object":"list","data":[],"has_more":true}"#,
        r#"{"object":"list","data":[]}"#,
        r#"{"object":"list","data":[{"object":"invoice"}],"has_more":false}"#,
        r#"{"object":"list","data":[{"id":"in_1"}],"has_more":false}"#,
        r#"{"object":"search_result","data":[],"has_more":false}"#,
        "{}",
    ] {
        let (url, _task) = serve(vec![http(200, "", body)]).await;
        let error = client(&url).invoices_created_since(at(0), None).await.expect_err(body);
        assert!(is_unknown(&error, &UnknownReason::UnreadableAnswer), "{body}: {error:?}");
    }
    let (url, _task) = serve(vec![http(429, "", "{}")]).await;
    assert!(matches!(client(&url).customers_created_page(at(0), None).await, Err(Error::NoEffect { .. })));
}

#[tokio::test]
async fn one_invoice_is_enough_to_have_one() {
    let customer = CustomerId::parse("cus_1").expect("valid");
    for (body, expected) in [("", false), (r#"{"anything":"at all"}"#, true)] {
        let (url, task) = serve(vec![listed(body, false)]).await;
        assert_eq!(client(&url).customer_has_invoices(&customer).await, Ok(expected));
        let asked = task.await.expect("served").remove(0);
        assert!(asked.contains("/v1/invoices?customer=cus_1&limit=1 HTTP"), "{asked}");
    }
}

#[test]
fn a_cursor_survives_being_written_down() {
    let cursor: Cursor = "in_1@1760000000".parse().expect("valid");
    assert_eq!(cursor.to_string().parse::<Cursor>().expect("valid"), cursor);
    for text in ["", "in_1", "in_1@", "in_1@x", "in_1@99999999999999"] {
        assert!(text.parse::<Cursor>().is_err(), "{text}");
    }
}

#[tokio::test]
async fn a_customer_is_deleted_by_its_id_alone() {
    let delete = Write::delete_customer(&CustomerId::parse("cus_1").expect("valid"));
    let body = r#"{"id":"cus_1","object":"customer","deleted":true}"#;
    let (url, task) = serve(vec![http(200, "", body)]).await;
    let reply = client(&url).write(&delete, "cw1_key").await.expect("deleted");
    assert_eq!(reply.answer, Answer::Deleted);
    assert!(task.await.expect("served")[0].starts_with("DELETE /v1/customers/cus_1 HTTP/1.1"));
}
