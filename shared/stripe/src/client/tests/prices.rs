//! Prices, few and many.

use domain::PriceId;

use super::*;

fn price(number: usize) -> String {
    format!(
        r#"{{"id":"price_{number}","object":"price","product":"prod_1","active":true,"currency":"eur","created":1,"livemode":false,
        "unit_amount_decimal":"100","billing_scheme":"per_unit","tax_behavior":"unspecified"}}"#
    )
}

fn found(body: &str) -> String {
    http(200, "content-type: application/json\r\n", body)
}

fn page(numbers: std::ops::Range<usize>, has_more: bool) -> String {
    let data: Vec<_> = numbers.map(price).collect();
    found(&format!(r#"{{"object":"list","has_more":{has_more},"data":[{}]}}"#, data.join(",")))
}

fn gone() -> String {
    http(404, "", r#"{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such price"}}"#)
}

/// How many of the first so many prices are found, and with which requests: `page` or `one`.
async fn asked(ids: usize, answers: Vec<String>) -> (usize, Vec<&'static str>) {
    let (url, task) = serve(answers).await;
    let ids: Vec<_> = (0..ids).map(|number| PriceId::parse(&format!("price_{number}")).expect("valid")).collect();
    let prices = client(&url).prices(&ids).await.expect("answered");
    let what = |asked: String| if asked.starts_with("GET /v1/prices?") { "page" } else { "one" };
    (prices.len(), task.await.expect("served").into_iter().map(what).collect())
}

fn ones(count: usize) -> Vec<&'static str> {
    vec!["one"; count]
}

#[tokio::test]
async fn a_few_prices_are_read_by_themselves_and_one_that_is_gone_is_left_out() {
    assert_eq!(asked(0, vec![]).await, (0, vec![]));
    assert_eq!(asked(2, vec![found(&price(0)), gone()]).await, (1, ones(2)));
    assert_eq!(asked(10, (0..10).map(|number| found(&price(number))).collect()).await, (10, ones(10)));
}

#[tokio::test]
async fn many_prices_are_found_on_pages_and_the_rest_by_themselves() {
    assert_eq!(asked(11, vec![page(0..40, true)]).await, (11, vec!["page"]), "all are there");
    assert_eq!(asked(20, vec![page(0..40, true)]).await, (20, vec!["page"]), "nothing is left to look for");
    let rest = |pages: &[&'static str], left: usize| [pages.to_vec(), ones(left)].concat();
    // There are no more pages, and two are archived.
    let answers = vec![page(0..10, false), found(&price(10)), gone()];
    assert_eq!(asked(12, answers).await, (11, rest(&["page"], 2)));
    let answers = vec![page(0..20, false), gone()];
    assert_eq!(asked(21, answers).await, (20, rest(&["page"], 1)), "the first page is not asked for again");
    // A page for each ten, and no more.
    let mut answers = vec![page(100..200, true), page(200..300, true)];
    answers.extend((0..21).map(|number| found(&price(number))));
    assert_eq!(asked(21, answers).await, (21, rest(&["page", "page"], 21)));
}

/// What is not an answer about the price says nothing of it.
#[tokio::test]
async fn a_price_that_cannot_be_read_is_not_taken_for_gone() {
    let refused = http(400, "", r#"{"error":{"type":"invalid_request_error","message":"No such parameter"}}"#);
    let (url, task) = serve(vec![refused]).await;
    let id = PriceId::parse("price_1").expect("valid");
    let error = client(&url).prices(&[id]).await.expect_err("refused");
    assert!(matches!(&error, Error::Refused(refusal) if refusal.status == 400), "{error:?}");
    task.abort();
}

#[tokio::test]
async fn prices_are_found_by_their_keys_or_too_many_are_there() {
    let keys = ["cw_a".to_owned(), "cw_b".to_owned()];
    let (url, task) = serve(vec![page(0..2, false), page(0..2, true)]).await;
    let prices = client(&url).prices_by_lookup_key(&keys).await.expect("answered");
    assert_eq!(prices.len(), 2);
    assert!(client(&url).prices_by_lookup_key(&keys).await.is_err(), "some would be overlooked");
    let asked = task.await.expect("served").remove(0);
    assert!(asked.contains("lookup_keys%5B0%5D=cw_a&lookup_keys%5B1%5D=cw_b"), "{asked}");
}
