//! The org from outside: requests in, answers out.

// A test that cannot go on says so by ending.
#![allow(clippy::unwrap_used)]

mod access;
mod composite;
mod list_views;
mod locks;
mod metadata;
mod own;
mod prices;
mod records;
mod soql;
mod triggers;

use serde_json::{Value, json};

use super::{Config, Salesforce};
use crate::wire::{Request, Response, Service};

pub const NOW: i64 = 1_795_169_472_000;
pub const ROOT: &str = "/services/data/v67.0";

pub fn config() -> Config {
    Config::for_project(concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/salesforce"))
}

/// An org, and who speaks to it.
pub struct Env {
    pub salesforce: Salesforce,
    pub admin: String,
    pub integration: String,
}

pub fn env() -> Env {
    env_with(config())
}

pub fn env_with(config: Config) -> Env {
    let (admin, integration) = (
        (config.admin_client_id.clone(), config.admin_client_secret.clone()),
        (config.client_id.clone(), config.client_secret.clone()),
    );
    let mut salesforce = Salesforce::new(config).unwrap();
    let admin = token(&mut salesforce, &admin.0, &admin.1);
    let integration = token(&mut salesforce, &integration.0, &integration.1);
    Env { salesforce, admin, integration }
}

fn token(salesforce: &mut Salesforce, id: &str, secret: &str) -> String {
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let response = salesforce.handle(NOW, &request("POST", "/services/oauth2/token", "", form.as_bytes()));
    assert_eq!(response.status, 200);
    body(&response)["access_token"].as_str().unwrap().to_owned()
}

pub fn request(method: &str, path: &str, token: &str, body: &[u8]) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Request {
        method: method.into(),
        path: path.into(),
        query: query.into(),
        headers: vec![("host".into(), "127.0.0.1:4000".into()), ("authorization".into(), format!("Bearer {token}"))],
        body: body.to_vec(),
    }
}

pub fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or(Value::Null)
}

impl Env {
    /// As administrator; the status and the body.
    pub fn call(&mut self, method: &str, path: &str, json: Value) -> (u16, Value) {
        self.call_as(&self.admin.clone(), method, path, json)
    }

    pub fn call_as(&mut self, token: &str, method: &str, path: &str, json: Value) -> (u16, Value) {
        let bytes = if json.is_null() { Vec::new() } else { json.to_string().into_bytes() };
        let response = self.salesforce.handle(NOW, &request(method, &format!("{ROOT}{path}"), token, &bytes));
        (response.status, body(&response))
    }

    pub fn query_as(&mut self, token: &str, soql: &str) -> (u16, Value) {
        let q: String = form_urlencoded::byte_serialize(soql.as_bytes()).collect();
        self.call_as(token, "GET", &format!("/query?q={q}"), Value::Null)
    }

    pub fn query(&mut self, soql: &str) -> (u16, Value) {
        self.query_as(&self.admin.clone(), soql)
    }

    pub fn insert(&mut self, object: &str, fields: Value) -> String {
        self.salesforce.insert(NOW, object, &fields).unwrap()
    }

    /// A product with a standard price, and its price book entry.
    pub fn priced(&mut self, name: &str, price: Value) -> String {
        let product = self.insert("Product2", json!({"Name": name, "ProductCode": name, "IsActive": true}));
        let pricebook = self.salesforce.standard_pricebook_id().to_owned();
        let entry = json!({"Product2Id": product, "Pricebook2Id": pricebook, "UnitPrice": price, "IsActive": true});
        self.insert("PricebookEntry", entry)
    }

    pub fn opportunity(&mut self, name: &str) -> String {
        self.insert("Opportunity", json!({"Name": name, "StageName": "Prospecting", "CloseDate": "2026-11-20"}))
    }
}

#[test]
fn tokens_are_given_for_credentials_and_end() {
    let mut env = env();
    for (form, status, error) in [
        ("grant_type=password", 400, "unsupported_grant_type"),
        ("", 400, "invalid_request"),
        ("grant_type=client_credentials&client_id=nobody&client_secret=x", 400, "invalid_client_id"),
        ("grant_type=client_credentials&client_id=sandbox-integration&client_secret=x", 400, "invalid_client"),
    ] {
        let answer = env.salesforce.handle(NOW, &request("POST", "/services/oauth2/token", "", form.as_bytes()));
        assert_eq!((answer.status, &body(&answer)["error"]), (status, &json!(error)), "{form}");
    }
    let limits = request("GET", &format!("{ROOT}/limits"), &env.integration, b"");
    assert_eq!(env.salesforce.handle(NOW, &limits).status, 200);
    let two_hours = 2 * 60 * 60 * 1000;
    // Each use lets a token live on.
    assert_eq!(env.salesforce.handle(NOW + two_hours - 1, &limits).status, 200);
    assert_eq!(env.salesforce.handle(NOW + two_hours, &limits).status, 200);
    let expired = env.salesforce.handle(NOW + 2 * two_hours, &limits);
    assert_eq!((expired.status, &body(&expired)[0]["errorCode"]), (401, &json!("INVALID_SESSION_ID")));
}

#[test]
fn basic_credentials_work_and_the_instance_is_this_server() {
    let mut env = env();
    let mut basic = request("POST", "/services/oauth2/token", "", b"grant_type=client_credentials");
    basic.headers[1].1 = "Basic c2FuZGJveC1pbnRlZ3JhdGlvbjpzYW5kYm94LWludGVncmF0aW9uLXNlY3JldA==".into();
    let answer = env.salesforce.handle(NOW, &basic);
    let granted = body(&answer);
    assert_eq!((answer.status, &granted["instance_url"]), (200, &json!("http://127.0.0.1:4000")));
    assert_eq!(granted["issued_at"], json!(NOW.to_string()));
    assert!(granted.get("expires_in").is_none() && granted.get("refresh_token").is_none());
    let info = request("GET", "/services/oauth2/userinfo", granted["access_token"].as_str().unwrap(), b"");
    assert_eq!(body(&env.salesforce.handle(NOW, &info))["user_id"], json!("005000000000001AAA"));
}

#[test]
fn calls_are_a_budget() {
    let mut env = env_with(Config { daily_api_limit: 2, ..config() });
    let limits = request("GET", &format!("{ROOT}/limits"), &env.admin, b"");
    let info =
        |response: &Response| response.headers.iter().find(|(name, _)| name == "sforce-limit-info").cloned().unwrap().1;
    assert_eq!(info(&env.salesforce.handle(NOW, &limits)), "api-usage=1/2");
    assert_eq!(env.salesforce.handle(NOW, &limits).status, 200);
    let spent = env.salesforce.handle(NOW, &limits);
    assert_eq!((spent.status, &body(&spent)[0]["errorCode"]), (403, &json!("REQUEST_LIMIT_EXCEEDED")));
    assert_eq!(info(&spent), "api-usage=2/2");
    let day = 24 * 60 * 60 * 1000;
    let again = token(&mut env.salesforce, "sandbox-administrator", "sandbox-administrator-secret");
    let tomorrow = request("GET", &format!("{ROOT}/limits"), &again, b"");
    env.salesforce.handle(NOW + day / 24, &tomorrow);
    let later = token_at(&mut env.salesforce, NOW + day);
    let tomorrow = request("GET", &format!("{ROOT}/limits"), &later, b"");
    assert_eq!(env.salesforce.handle(NOW + day, &tomorrow).status, 200);
}

fn token_at(salesforce: &mut Salesforce, now_ms: i64) -> String {
    let form =
        b"grant_type=client_credentials&client_id=sandbox-administrator&client_secret=sandbox-administrator-secret";
    let response = salesforce.handle(now_ms, &request("POST", "/services/oauth2/token", "", form));
    body(&response)["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn versions_are_listed_without_a_token_and_others_do_not_exist() {
    let mut env = env();
    let listed = body(&env.salesforce.handle(NOW, &request("GET", "/services/data/", "", b"")));
    let last = listed.as_array().unwrap().last().unwrap().clone();
    assert_eq!(last, json!({"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"}));
    assert!(listed.as_array().unwrap().iter().any(|version| version["label"] == "Spring '26"));
    for (path, status) in [
        ("/services/data/v67.0", 401),
        ("/services/data/v69.0/limits", 404),
        ("/services/data/v67/limits", 404),
        ("/services/apexrest/x", 404),
    ] {
        assert_eq!(env.salesforce.handle(NOW, &request("GET", path, "", b"")).status, status, "{path}");
    }
    assert_eq!(env.call("GET", "/nothing", Value::Null).0, 404);
    assert_eq!(env.call("POST", "/query", json!({})).0, 405);
}

/// Every code that this service can answer is one of the vendor's.
#[test]
fn error_codes_are_the_vendors() {
    let fixture = include_str!("../../../fixtures/salesforce-status-codes.json");
    let sources = [
        include_str!("dml.rs"),
        include_str!("dml/opportunity.rs"),
        include_str!("dml/rules.rs"),
        include_str!("dml/value.rs"),
        include_str!("error.rs"),
        include_str!("rest/collections.rs"),
        include_str!("rest/composite.rs"),
        include_str!("rest/composite/reference.rs"),
        include_str!("rest/cursors.rs"),
        include_str!("rest/query.rs"),
        include_str!("rest/sobjects.rs"),
        include_str!("soql/bind.rs"),
        include_str!("soql/parser.rs"),
    ];
    // Answers of REST itself, which the list of the SOAP API does not have.
    let rest_only = ["NOT_FOUND", "METHOD_NOT_ALLOWED", "JSON_PARSER_ERROR"];
    // Jackson's names of JSON tokens, which stand in the parser's messages.
    let is_token = |text: &str| text.starts_with("VALUE_") || text.starts_with("START_");
    for code in sources.iter().flat_map(|source| source.split('"')) {
        let is_code = code.len() > 8 && code.contains('_') && code.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        if is_code && !is_token(code) && !rest_only.contains(&code) {
            assert!(fixture.contains(&format!("\"{code}\"")), "{code} is no code of the vendor");
        }
    }
}
