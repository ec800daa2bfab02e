//! Keys, permissions, versions, rates and the parameter checker.

use super::Account;
use crate::stripe::form::{self, Node};
use crate::stripe::{Config, Key};
use crate::wire::{Request, Service};
use serde_json::Value;

#[test]
fn parameters_are_checked_against_the_operation() {
    let check = |target: &str, body: &str, code: &str, param: &str, message: &str| {
        let answer = Account::new().post(target, body);
        assert_eq!((answer.status, answer.code(), answer.param()), (400, code, param), "{body}: {}", answer.body);
        assert!(answer.message().contains(message), "{body}: {}", answer.body);
    };
    let unset = "You passed an empty string for";
    check("/v1/customers", "currency=usd", "parameter_unknown", "currency", "Received unknown parameter: currency");
    check("/v1/customers", "a=1&b=2", "parameter_unknown", "a", "Received unknown parameters: a, b");
    check("/v1/customers", "address[town]=x", "parameter_unknown", "address[town]", "unknown parameter: address[town]");
    check("/v1/customers", "email=", "parameter_invalid_empty", "email", unset);
    check("/v1/customers", "email=nobody", "email_invalid", "email", "Invalid email address: nobody");
    check("/v1/customers", "email=a@b@c.de", "email_invalid", "email", "Invalid email address");
    check("/v1/customers", "email=a b@c.de", "email_invalid", "email", "Invalid email address");
    check("/v1/customers", "balance=1.5", "parameter_invalid_integer", "balance", "Invalid integer: 1.5");
    check("/v1/customers", "address[country]=Narnia", "country_code_invalid", "address[country]", "Narnia");
    check("/v1/customers", "tax_exempt=some", "", "tax_exempt", "must be one of exempt, none or reverse");
    check("/v1/customers", "shipping[name]=x", "parameter_missing", "shipping[address]", "Missing required param");
    check("/v1/customers", "name[a]=x", "", "name", "Invalid string");
    check("/v1/customers", "address=x", "", "address", "Invalid object");
    check("/v1/customers", "preferred_locales=x", "", "preferred_locales", "Invalid array");
    check("/v1/products", "", "parameter_missing", "name", "Missing required param: name.");
    check("/v1/products", "name=x&active=yes", "", "active", "Invalid boolean: yes");
    check("/v1/prices", "currency=xyz&unit_amount=1&product_data[name]=x", "", "currency", "Invalid currency: xyz");
    check("/v1/prices", "currency=usd&unit_amount=1", "parameter_missing", "product", "Missing required param");
    check("/v1/prices", "currency=usd&product_data[name]=x", "parameter_missing", "unit_amount", "unit_amount");
    check(
        "/v1/prices",
        "currency=usd&unit_amount_decimal=1e3&product_data[name]=x",
        "",
        "unit_amount_decimal",
        "Invalid decimal",
    );
    check(
        "/v1/invoices/in_1/add_lines",
        "lines[0][price]=p",
        "parameter_unknown",
        "lines[0][price]",
        "lines[0][price]",
    );
    check("/v1/invoices/in_1/add_lines", "", "parameter_missing", "lines", "Missing required param: lines.");
    check(
        "/v1/webhook_endpoints",
        "url=https://a.example&enabled_events[]=nope",
        "",
        "enabled_events[0]",
        "must be one of",
    );
    check("/v1/webhook_endpoints", "url=ftp://a.example&enabled_events[]=*", "url_invalid", "url", "Invalid URL");
    let long = format!("metadata[{}]=x", "k".repeat(41));
    check("/v1/customers", &long, "", &format!("metadata[{}]", "k".repeat(41)), "40 characters");
    check("/v1/customers", &format!("metadata[k]={}", "v".repeat(501)), "", "metadata[k]", "501");
    let many: String = (0..51).map(|index| format!("metadata[k{index}]=v&")).collect();
    check("/v1/customers", &many, "", "metadata", "50 keys");
}

#[test]
fn what_the_sandbox_does_not_model_says_so() {
    let mut account = Account::new();
    assert_eq!(account.post("/v1/invoices", "default_tax_rates[]=txr_1&customer=cus_1").status, 501);
    let customer = account.customer();
    for (target, body) in [
        ("/v1/tax_rates", "display_name=VAT&inclusive=false&percentage=20".to_owned()),
        ("/v1/invoices", format!("customer={customer}&discounts[0][coupon]=half")),
        ("/v1/credit_notes", "invoice=in_1&refund_amount=1".to_owned()),
    ] {
        let answer = account.post(target, &body);
        assert_eq!(answer.status, 501, "{body}: {}", answer.body);
        assert_eq!(answer.header("stripe-should-retry"), Some("false"));
    }
}

#[test]
fn the_encoders_of_the_sdks_are_understood() {
    let text = include_str!("../../../../fixtures/stripe-form-encoding-vectors.json");
    let file: Value = serde_json::from_str(text).expect("the vectors are JSON");
    for vector in file["vectors"].as_array().expect("vectors") {
        let encoded = vector["body"].as_str().expect("a body");
        let literal = encoded.replace("%5B", "[").replace("%5D", "]");
        let decoded = form::decode(encoded.as_bytes()).expect("decodes");
        assert_eq!(decoded, form::decode(literal.as_bytes()).expect("decodes"), "{encoded}");
        let mut leaves = Vec::new();
        decoded.iter().for_each(|(name, node)| flatten(name, node, &mut leaves));
        assert_eq!(serde_json::json!(leaves), vector["pairs"], "{encoded}");
    }
}

fn flatten(name: &str, node: &Node, leaves: &mut Vec<(String, String)>) {
    match node {
        Node::Text(text) => leaves.push((name.to_owned(), text.clone())),
        Node::Map(map) => map.iter().for_each(|(key, node)| flatten(&format!("{name}[{key}]"), node, leaves)),
    }
}

#[test]
fn empty_brackets_append() {
    let flat = |encoded: &str| {
        let mut leaves = Vec::new();
        form::decode(encoded.as_bytes()).unwrap().iter().for_each(|(name, node)| flatten(name, node, &mut leaves));
        leaves.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    };
    assert_eq!(flat("a[]=1&a[]=2"), "a[0]=1&a[1]=2");
    assert_eq!(flat("l[][x]=1&l[][y]=2&l[][x]=3"), "l[0][x]=1&l[0][y]=2&l[1][x]=3");
    assert_eq!(flat("a[b=1&[c]=2"), "a[b=1&[c]=2");
    assert!(form::decode("a[b][b][b][b][b][b][b][b][b][b][b][b][b]=1".as_bytes()).is_err());
}

#[test]
fn a_restricted_key_is_told_which_permission_it_lacks() {
    let slugs = ["rak_customer_write", "rak_invoice_read", "rak_plan_read"];
    let keys = vec![Key::full("sk_test_sandbox"), Key::restricted("rk_test_0123456789abcdef", &slugs)];
    let mut account = Account::with(Config { keys, ..Config::default() });
    let check = |account: &mut Account, method: &str, target: &str, needed: Option<&str>| {
        account.key = "rk_test_0123456789abcdef".into();
        let answer = account.call(method, target, "", &[]);
        assert_eq!(answer.status == 403, needed.is_some(), "{method} {target}: {}", answer.body);
        if let Some(needed) = needed {
            assert!(answer.message().contains(&format!("'{needed}'")), "{}", answer.body);
            assert!(!answer.message().contains("0123456789abcdef"), "the key itself is not repeated");
        }
    };
    check(&mut account, "POST", "/v1/customers", None);
    check(&mut account, "GET", "/v1/customers", None);
    check(&mut account, "GET", "/v1/prices", None);
    check(&mut account, "GET", "/v1/invoices", None);
    check(&mut account, "POST", "/v1/prices", Some("rak_plan_write"));
    check(&mut account, "POST", "/v1/invoices", Some("rak_invoice_write"));
    check(&mut account, "GET", "/v1/invoices/in_1/lines", None);
    check(&mut account, "GET", "/v1/products", Some("rak_product_read"));
    check(&mut account, "GET", "/v1/events", Some("rak_event_read"));
}

#[test]
fn keys_come_as_bearer_or_as_user_name() {
    let ask = |authorization: Option<&str>| {
        let mut stripe = crate::stripe::Stripe::new(Config::default());
        let headers = authorization.map(|value| ("authorization".to_owned(), value.to_owned())).into_iter().collect();
        let path = "/v1/balance".into();
        let request = Request { method: "GET".into(), path, headers, ..Request::default() };
        stripe.handle(0, &request).status
    };
    assert_eq!(ask(None), 401);
    assert_eq!(ask(Some("Bearer sk_test_other")), 401);
    assert_eq!(ask(Some("Bearer sk_test_sandbox")), 200);
    assert_eq!(ask(Some("Basic c2tfdGVzdF9zYW5kYm94Og==")), 200);
    assert_eq!(ask(Some("Digest sk_test_sandbox")), 401);
}

#[test]
fn versions_and_urls_must_be_known() {
    let mut account = Account::new();
    let answer = account.call("GET", "/v1/account", "", &[("stripe-version", "2026-10-28.endive")]);
    assert_eq!(answer.header("stripe-version"), Some("2026-10-28.endive"));
    assert!(answer.header("request-id").is_some_and(|id| id.starts_with("req_")));
    assert_eq!(account.call("GET", "/v1/account", "", &[("stripe-version", "2031-01-01.yew")]).status, 400);
    let answer = account.get("/v1/nothing");
    assert!(answer.status == 404 && answer.message().starts_with("Unrecognized request URL (GET: /v1/nothing)"));
    assert_eq!(account.call("PUT", "/v1/customers", "", &[]).status, 404);
}

#[test]
fn the_rate_limit_is_a_bucket_of_one_second() {
    let mut account = Account::with(Config { rate_limit_per_s: Some(3), ..Config::default() });
    let mut statuses = |count: u32| (0..count).map(|_| account.get("/v1/balance").status).collect::<Vec<_>>();
    assert_eq!(statuses(4), [200, 200, 200, 429]);
    account.now_ms += 400;
    let answers: Vec<_> = (0..2).map(|_| account.get("/v1/balance")).collect();
    assert_eq!((answers[0].status, answers[1].status, answers[1].code()), (200, 429, "rate_limit"));
    assert_eq!(answers[1].header("stripe-rate-limited-reason"), Some("global-rate"));
}

#[test]
fn each_endpoint_takes_so_many_a_second_by_itself() {
    let mut account = Account::with(Config { endpoint_limit_per_s: Some(3), ..Config::default() });
    let (one, other) = (account.customer(), account.customer());
    let read = |account: &mut Account, customer: &str| account.get(&format!("/v1/customers/{customer}"));
    // Whose id it is does not matter.
    let statuses = [&one, &other, &one, &other].map(|customer| read(&mut account, customer).status);
    assert_eq!(statuses, [200, 200, 200, 429]);
    let refused = read(&mut account, &one);
    assert_eq!((refused.code(), refused.header("stripe-rate-limited-reason")), ("rate_limit", Some("endpoint-rate")));
    // Another method, and another path, are other endpoints; and a name is no id.
    assert_eq!(account.post(&format!("/v1/customers/{one}"), "name=Acme").status, 200);
    assert_eq!(account.get("/v1/customers").status, 200);
    assert_ne!(account.get("/v1/customers/search").status, 429);
    account.now_ms += 400;
    assert_eq!([&one, &other].map(|customer| read(&mut account, customer).status), [200, 429]);
    let asked = account.stripe.asked()["GET /v1/customers/{customer}"];
    assert_eq!((asked.taken, asked.refused), (4, 3));
}

/// What was refused has not begun: its key is free, and it is done when it comes again.
#[test]
fn a_limit_is_switched_at_any_time_and_counts_anew() {
    let mut account = Account::new();
    assert!((0..40).all(|_| account.get("/v1/balance").status == 200) && account.stripe.asked().is_empty());
    account.stripe.limit_endpoints(Some(1));
    let key = [("idempotency-key", "one")];
    assert_eq!(account.post("/v1/customers", "name=Acme").status, 200);
    assert_eq!(account.call("POST", "/v1/customers", "name=Beta", &key).status, 429);
    account.now_ms += 1000;
    assert_eq!(account.call("POST", "/v1/customers", "name=Beta", &key).status, 200);
    account.stripe.limit_endpoints(None);
    assert!((0..40).all(|_| account.get("/v1/balance").status == 200) && account.stripe.asked().is_empty());
    assert_eq!(account.stripe.objects("customer").len(), 2);
}
