//! `/services/oauth2/*`: the client-credentials flow, and what one may ask about a token.
//!
//! Its errors have a grammar of their own, `{"error","error_description"}`, unlike those of the REST API.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::Config;
use super::json::Json;
use super::viewer::Access;
use crate::wire::{Request, Response};

#[derive(Debug, Clone)]
pub struct Session {
    pub user_id: String,
    pub access: Access,
    client_id: String,
    issued_at_ms: i64,
    last_used_ms: i64,
}

#[derive(Debug)]
struct Client {
    id: String,
    secret: String,
    user_id: String,
    access: Access,
}

#[derive(Debug)]
pub struct Sessions {
    org_id: String,
    clients: Vec<Client>,
    lifetime_ms: i64,
    issued: u64,
    scope: Option<String>,
    by_token: HashMap<String, Session>,
}

impl Sessions {
    pub fn new(config: &Config, admin_user_id: &str) -> Self {
        let client = |id: &str, secret: &str, user_id: &str, access| Client {
            id: id.to_owned(),
            secret: secret.to_owned(),
            user_id: user_id.to_owned(),
            access,
        };
        let integration =
            client(&config.client_id, &config.client_secret, &config.integration_user_id, Access::Granted);
        let admin = client(&config.admin_client_id, &config.admin_client_secret, admin_user_id, Access::All);
        Self {
            org_id: config.org_id.clone(),
            clients: vec![integration, admin],
            lifetime_ms: config.token_lifetime_ms,
            issued: 0,
            scope: Some("api".to_owned()),
            by_token: HashMap::new(),
        }
    }

    /// The session of a request, which lives on from now: an opaque token ends when it is idle for too long.
    pub fn authenticate(&mut self, now_ms: i64, request: &Request) -> Option<Session> {
        let token = bearer(request)?;
        self.drop_expired(now_ms);
        let session = self.by_token.get_mut(token)?;
        session.last_used_ms = now_ms;
        Some(session.clone())
    }

    pub fn set_scope(&mut self, scope: Option<&str>) {
        self.scope = scope.map(str::to_owned);
    }

    pub fn expire_all(&mut self) {
        self.by_token.clear();
    }

    fn drop_expired(&mut self, now_ms: i64) {
        let lifetime_ms = self.lifetime_ms;
        self.by_token.retain(|_, session| now_ms - session.last_used_ms < lifetime_ms);
    }

    pub fn handle(&mut self, now_ms: i64, request: &Request, endpoint: &str) -> Response {
        let form: HashMap<String, String> = form_urlencoded::parse(&request.body).into_owned().collect();
        match (endpoint, request.method.as_str()) {
            ("token", "POST") => self.token(now_ms, request, &form),
            ("revoke", "POST" | "GET") => {
                let query: HashMap<_, _> = form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
                let token = form.get("token").or(query.get("token")).map(String::as_str).unwrap_or_default();
                match self.by_token.remove(token) {
                    Some(_) => Response { status: 200, ..Response::default() },
                    None => refused(400, "unsupported_token_type", "this token is not known"),
                }
            }
            ("introspect", "POST") => self.introspect(now_ms, request, &form),
            ("userinfo", "GET" | "POST") => self.userinfo(now_ms, request),
            _ => refused(400, "invalid_request", "no such endpoint"),
        }
    }

    fn token(&mut self, now_ms: i64, request: &Request, form: &HashMap<String, String>) -> Response {
        match form.get("grant_type").map(String::as_str) {
            Some("client_credentials") => {}
            Some(_) => return refused(400, "unsupported_grant_type", "grant type not supported"),
            None => return refused(400, "invalid_request", "must provide grant_type"),
        }
        let (client_id, user_id, access, secret) = match self.client(request, form) {
            Ok(client) => (client.id.clone(), client.user_id.clone(), client.access, client.secret.clone()),
            Err(response) => return response,
        };
        self.issued += 1;
        let digest = Sha256::digest(format!("{}/{client_id}/{secret}/{}", self.org_id, self.issued));
        let token = format!("{}!AQ{}", &self.org_id[..15], URL_SAFE_NO_PAD.encode(digest));
        let session =
            Session { user_id: user_id.clone(), access, client_id, issued_at_ms: now_ms, last_used_ms: now_ms };
        self.drop_expired(now_ms);
        self.by_token.insert(token.clone(), session);
        let instance_url = instance_url(request);
        let id = format!("{instance_url}/id/{}/{user_id}", self.org_id);
        let issued_at = now_ms.to_string();
        let granted = [
            ("access_token", token.into()),
            ("signature", sign(&secret, &format!("{id}{issued_at}")).into()),
            ("instance_url", instance_url.into()),
            ("id", id.into()),
            ("token_type", "Bearer".into()),
            ("issued_at", issued_at.into()),
        ];
        answer(200, &self.with_scope(granted.into()))
    }

    fn with_scope(&self, mut members: Vec<(&str, Json)>) -> Json {
        members.extend(self.scope.as_deref().map(|scope| ("scope", scope.into())));
        Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Credentials come in the body or as HTTP Basic.
    fn client(&self, request: &Request, form: &HashMap<String, String>) -> Result<&Client, Response> {
        let basic = basic(request);
        let status = if basic.is_some() { 401 } else { 400 };
        let in_body = || {
            (form.get("client_id").cloned().unwrap_or_default(), form.get("client_secret").cloned().unwrap_or_default())
        };
        let (id, secret) = basic.unwrap_or_else(in_body);
        let client = self.clients.iter().find(|client| client.id == id);
        let client = client.ok_or_else(|| refused(status, "invalid_client_id", "client identifier invalid"))?;
        if client.secret == secret {
            Ok(client)
        } else {
            Err(refused(status, "invalid_client", "invalid client credentials"))
        }
    }

    fn introspect(&mut self, now_ms: i64, request: &Request, form: &HashMap<String, String>) -> Response {
        if let Err(response) = self.client(request, form) {
            return response;
        }
        self.drop_expired(now_ms);
        let Some(session) = form.get("token").and_then(|token| self.by_token.get(token)) else {
            return answer(200, &Json::object([("active", false.into())]));
        };
        let seconds = |ms: i64| Json::from(ms.div_euclid(1000));
        let known = [
            ("active", true.into()),
            ("client_id", session.client_id.as_str().into()),
            ("username", session.user_id.as_str().into()),
            ("sub", format!("{}/id/{}/{}", instance_url(request), self.org_id, session.user_id).into()),
            ("token_type", "access_token".into()),
            ("exp", seconds(session.last_used_ms + self.lifetime_ms)),
            ("iat", seconds(session.issued_at_ms)),
            ("nbf", seconds(session.issued_at_ms)),
        ];
        answer(200, &self.with_scope(known.into()))
    }

    fn userinfo(&mut self, now_ms: i64, request: &Request) -> Response {
        let Some(session) = self.authenticate(now_ms, request) else {
            // The vendor answers this one in plain text.
            let body = b"Bad_OAuth_Token".to_vec();
            return Response { status: 403, headers: vec![("content-type".into(), "text/html".into())], body };
        };
        answer(
            200,
            &Json::object([
                ("sub", format!("{}/id/{}/{}", instance_url(request), self.org_id, session.user_id).into()),
                ("user_id", session.user_id.as_str().into()),
                ("organization_id", self.org_id.as_str().into()),
                ("active", true.into()),
            ]),
        )
    }
}

/// `Bearer` is the standard's word and `OAuth` the vendor's older one.
fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth")).then_some(token.trim())
}

fn basic(request: &Request) -> Option<(String, String)> {
    let encoded = request.header("authorization")?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// This server itself, by the name under which it was reached.
fn instance_url(request: &Request) -> String {
    format!("http://{}", request.header("host").unwrap_or("127.0.0.1"))
}

fn sign(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn refused(status: u16, error: &str, description: &str) -> Response {
    answer(status, &Json::object([("error", error.into()), ("error_description", description.into())]))
}

fn answer(status: u16, body: &Json) -> Response {
    let headers = vec![
        ("content-type".to_owned(), "application/json;charset=UTF-8".to_owned()),
        ("cache-control".to_owned(), "no-store".to_owned()),
    ];
    Response { status, headers, body: body.to_string().into_bytes() }
}
