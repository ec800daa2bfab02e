//! Idempotency keys.

use super::{Account, Answer};
use crate::wire::{Failure, Request, Service};

impl Account {
    fn keyed(&mut self, key: &str, target: &str, body: &str) -> Answer {
        self.call("POST", target, body, &[("idempotency-key", key)])
    }

    fn failing(&mut self, failure: Failure, key: &str, body: &str) -> u16 {
        let headers = vec![
            ("authorization".to_owned(), format!("Bearer {}", self.key)),
            ("idempotency-key".to_owned(), key.to_owned()),
        ];
        let (method, path, body) = ("POST".into(), "/v1/customers".into(), body.as_bytes().to_vec());
        let request = Request { method, path, headers, body, ..Request::default() };
        self.stripe.fail(self.now_ms, &request, failure).status
    }

    fn customers(&self) -> usize {
        self.stripe.objects("customer").len()
    }
}

#[test]
fn the_same_request_is_answered_from_memory() {
    let mut account = Account::new();
    let first = account.keyed("k1", "/v1/customers", "name=Acme&email=a@b.example");
    let again = account.keyed("k1", "/v1/customers", "email=a%40b.example&name=Acme");
    assert_eq!(first.body, again.body);
    assert_eq!(first.header("idempotent-replayed"), None);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("original-request"), first.header("request-id"));
    assert_ne!(again.header("request-id"), first.header("request-id"));
    assert_eq!(account.customers(), 1);
    assert_eq!(account.stripe.counters()["Customer.create"], 1);
}

#[test]
fn a_different_request_with_the_same_key_is_refused() {
    let mut account = Account::new();
    account.keyed("k1", "/v1/customers", "name=Acme").ok();
    for (target, body) in [("/v1/customers", "name=Other"), ("/v1/products", "name=Acme")] {
        let answer = account.keyed("k1", target, body);
        assert_eq!((answer.status, answer.body["error"]["type"].as_str()), (400, Some("idempotency_error")));
    }
    assert_eq!(account.keyed(&"k".repeat(256), "/v1/customers", "").status, 400);
    assert_eq!((account.customers(), account.stripe.objects("product").len()), (1, 0));
}

#[test]
fn errors_of_the_endpoint_are_kept_and_those_before_it_are_not() {
    let mut account = Account::new();
    // Not kept: parameters, permissions of the key, the rate.
    assert_eq!(account.keyed("k1", "/v1/customers", "nope=1").status, 400);
    account.key = "sk_test_wrong".into();
    assert_eq!(account.keyed("k1", "/v1/customers", "name=Acme").status, 401);
    account.key = "sk_test_sandbox".into();
    account.keyed("k1", "/v1/customers", "name=Acme").ok();

    // Kept: what the executing endpoint found.
    let missing = account.keyed("k2", "/v1/invoices/in_1/send", "");
    assert_eq!((missing.status, missing.code()), (404, "resource_missing"));
    let again = account.keyed("k2", "/v1/invoices/in_1/send", "");
    assert_eq!((again.status, again.header("idempotent-replayed")), (404, Some("true")));
}

#[test]
fn a_key_is_forgotten_after_a_day() {
    let mut account = Account::new();
    account.keyed("k1", "/v1/customers", "name=Acme").ok();
    account.now_ms += 24 * 60 * 60 * 1000 - 1;
    assert_eq!(account.keyed("k1", "/v1/customers", "name=Acme").header("idempotent-replayed"), Some("true"));
    account.now_ms += 1;
    account.keyed("k1", "/v1/customers", "name=Acme").ok();
    assert_eq!(account.customers(), 2);
}

#[test]
fn server_errors_are_kept_or_not_as_ordered() {
    let mut account = Account::new();
    assert_eq!(account.failing(Failure::ServerError, "k1", "name=Acme"), 500);
    assert_eq!((account.keyed("k1", "/v1/customers", "name=Acme").status, account.customers()), (200, 1));

    assert_eq!(account.failing(Failure::ServerErrorStored, "k2", "name=Acme"), 500);
    let replayed = account.keyed("k2", "/v1/customers", "name=Acme");
    assert_eq!((replayed.status, replayed.header("idempotent-replayed"), account.customers()), (500, Some("true"), 1));

    assert_eq!(account.failing(Failure::ServerErrorAfterCommit, "k3", "name=Acme"), 500);
    assert_eq!((account.keyed("k3", "/v1/customers", "name=Acme").status, account.customers()), (500, 2));

    assert_eq!(account.failing(Failure::RateLimited, "k4", "name=Acme"), 429);
    assert_eq!(account.failing(Failure::InUse, "k4", "name=Acme"), 409);
    assert_eq!((account.keyed("k4", "/v1/customers", "name=Acme").status, account.customers()), (200, 3));
}

#[test]
fn reads_ignore_the_key() {
    let mut account = Account::new();
    for _ in 0..2 {
        let answer = account.call("GET", "/v1/balance", "", &[("idempotency-key", "k1")]);
        assert_eq!((answer.status, answer.header("idempotent-replayed")), (200, None));
    }
}
