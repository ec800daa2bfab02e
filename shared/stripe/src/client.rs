//! One request for one call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use outbound::{Timeouts, Unread};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::credits::CreditNoteWire;
use crate::error::{Error, Headers, NoEffectReason, UnknownReason, classify};
use crate::line::{Line, endpoint};
use crate::objects::{CustomerWire, DeletedWire, InvoiceWire};
use crate::prices::PriceWire;
use crate::subscriptions::SubscriptionWire;
use crate::{API_VERSION, ApiKey, CreditNote, Customer, Invoice, Operation, Price, Subscription, TaxIdObject, Write};

/// How long a turn may be asked for, and how long it may take to say that Stripe was asked too often.
const ASKED_FOR: Duration = Duration::from_secs(1);

/// Far above any answer of the calls that are made here.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the base URL must be https, or http on the loopback interface, without user, path or query")]
    BaseUrl,
    #[error("a live key is only sent over https")]
    LiveKeyOverHttp,
    #[error("the HTTP client cannot be built: {0}")]
    Http(String),
}

#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
    key: ApiKey,
    timeout: Duration,
    line: Option<Arc<InLine>>,
}

#[derive(Debug)]
struct InLine {
    line: Box<dyn Line>,
    waits: AtomicBool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Customer(Customer),
    Invoice(Box<Invoice>),
    Price(Box<Price>),
    /// With the invoice that it made last.
    Subscription(Box<Subscription>),
    TaxIdAdded,
    CreditNote(Box<CreditNote>),
    Deleted,
}

/// An answer to a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub answer: Answer,
    pub request_id: Option<String>,
    /// Stripe had answered this key before, and repeats what it said then.
    pub replayed: bool,
}

impl Client {
    pub fn new(base_url: &str, key: ApiKey, timeouts: Timeouts) -> Result<Self, ConfigError> {
        let url = outbound::base_url(base_url).ok_or(ConfigError::BaseUrl)?;
        if url.scheme() == "http" && key.is_live() {
            return Err(ConfigError::LiveKeyOverHttp);
        }
        let mut headers = HeaderMap::new();
        headers.insert("stripe-version", HeaderValue::from_static(API_VERSION));
        let http = outbound::client(&url, timeouts, headers).map_err(ConfigError::Http)?;
        let base_url = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http, base_url, key, timeout: timeouts.request, line: None })
    }

    /// Whether the key is one that real money moves with.
    pub fn is_live(&self) -> bool {
        self.key.is_live()
    }

    /// Where requests wait, while they do. All clones share it.
    #[must_use]
    pub fn behind(self, line: impl Line + 'static) -> Self {
        Self { line: Some(Arc::new(InLine { line: Box::new(line), waits: AtomicBool::new(false) })), ..self }
    }

    /// Whether what is sent from now on waits for its turn. A process works on one thing at a time.
    pub fn in_turn(&self, waits: bool) {
        if let Some(line) = &self.line {
            line.waits.store(waits, Ordering::Relaxed);
        }
    }

    /// Sends a write under its key, exactly as it is. When this returns `Ok`, Stripe has done it, now or before. A key
    /// that cannot be a header is refused here, and nothing is sent.
    pub async fn write(&self, write: &Write, idempotency_key: &str) -> Result<Reply, Error> {
        let method = if write.operation.is_deletion() { Method::DELETE } else { Method::POST };
        if method == Method::POST && !is_sendable(idempotency_key) {
            return Err(Error::of_bad_key());
        }
        let sent = self.exchange(method, &write.path, |request| match write.operation.is_deletion() {
            true => request,
            false => of_form(request, write.body.clone()).header("idempotency-key", idempotency_key),
        });
        let (body, headers) = sent.await?;
        let unreadable = || Error::Unknown {
            reason: UnknownReason::UnreadableAnswer,
            replayed: headers.replayed,
            request_id: headers.request_id.clone(),
        };
        let answer = match write.operation {
            Operation::CreateCustomer | Operation::UpdateCustomer => {
                Answer::Customer(parse::<CustomerWire>(&body).ok_or_else(unreadable)?.into())
            }
            Operation::AddTaxId => parse::<TaxIdObject>(&body).map(|_| Answer::TaxIdAdded).ok_or_else(unreadable)?,
            Operation::RemoveTaxId | Operation::DeleteInvoice | Operation::DeleteCustomer => {
                let deleted = parse::<DeletedWire>(&body);
                let is_it = |wire: &DeletedWire| wire.deleted && write.path.ends_with(&format!("/{}", wire.id));
                deleted.filter(is_it).map(|_| Answer::Deleted).ok_or_else(unreadable)?
            }
            Operation::CreateCreditNote => {
                let note = parse::<CreditNoteWire>(&body).and_then(CreditNoteWire::into_note);
                Answer::CreditNote(Box::new(note.ok_or_else(unreadable)?))
            }
            Operation::CreatePrice => Answer::Price(Box::new(parse::<PriceWire>(&body).ok_or_else(unreadable)?.into())),
            Operation::CreateSubscription | Operation::RenewSubscription | Operation::EndSubscription => {
                let subscription = parse::<SubscriptionWire>(&body).and_then(|wire| Subscription::try_from(wire).ok());
                Answer::Subscription(Box::new(subscription.ok_or_else(unreadable)?))
            }
            Operation::CancelSubscription => {
                let subscription = parse::<SubscriptionWire>(&body).and_then(|wire| Subscription::try_from(wire).ok());
                subscription
                    .filter(|subscription| subscription.is_over)
                    .map(|_| Answer::Deleted)
                    .ok_or_else(unreadable)?
            }
            Operation::CreateInvoice
            | Operation::AddLines
            | Operation::HoldInvoice
            | Operation::DisarmInvoice
            | Operation::SendInvoice
            | Operation::VoidInvoice => {
                let invoice = parse::<InvoiceWire>(&body).and_then(|wire| Invoice::try_from(wire).ok());
                Answer::Invoice(Box::new(invoice.ok_or_else(unreadable)?))
            }
        };
        Ok(Reply { answer, replayed: headers.replayed, request_id: headers.request_id })
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, query: &str) -> Result<T, Error> {
        let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let (body, headers) = self.exchange(Method::GET, &path, |request| request).await?;
        parse(&body).ok_or_else(|| unreadable(headers))
    }

    /// A question that is put by a POST, and changes nothing: without a key, as it may be asked again at any time.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, path: &str, body: String) -> Result<T, Error> {
        let (body, headers) = self.exchange(Method::POST, path, |request| of_form(request, body)).await?;
        parse(&body).ok_or_else(|| unreadable(headers))
    }

    /// What an operator's command writes, without a key: it looks at what is there before it writes anything again.
    pub(crate) async fn send<T: DeserializeOwned>(&self, method: Method, path: &str, body: String) -> Result<T, Error> {
        let (body, headers) = self.exchange(method, path, |request| of_form(request, body)).await?;
        parse(&body).ok_or_else(|| unreadable(headers))
    }

    /// What Stripe answers, in turn. Asking for the turn and waiting for it are part of the time that the request has, on which the engine's
    /// deadlines count.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        with: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<(Vec<u8>, Headers), Error> {
        let endpoint = endpoint(method.as_str(), path);
        let request = self.http.request(method, format!("{}{path}", self.base_url)).bearer_auth(self.key.expose());
        let request = with(request);
        let Some(InLine { line, .. }) = self.line.as_deref().filter(|line| line.waits.load(Ordering::Relaxed)) else {
            return answer(request).await;
        };
        let began = Instant::now();
        // A table that is slow is no reason to wait; nor is one that does not answer.
        let turn = tokio::time::timeout(ASKED_FOR, line.turn(&endpoint)).await;
        let Some(wait) = turn.unwrap_or(Some(SignedDuration::ZERO)) else {
            let reason = NoEffectReason::RateLimited { limit: Some("too many wait already".into()) };
            return Err(Error::NoEffect { reason, request_id: None });
        };
        let wait = wait.unsigned_abs();
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let answered = answer(request.timeout(self.timeout.saturating_sub(began.elapsed()))).await;
        if matches!(&answered, Err(Error::NoEffect { reason: NoEffectReason::RateLimited { .. }, .. })) {
            // If that is not said in time, the next one who is refused says it.
            let _ = tokio::time::timeout(ASKED_FOR, line.too_fast(&endpoint)).await;
        }
        answered
    }
}

fn of_form(request: RequestBuilder, body: String) -> RequestBuilder {
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

/// Stripe takes keys of up to 255 characters; others than these do not survive in a header.
fn is_sendable(idempotency_key: &str) -> bool {
    (1..=255).contains(&idempotency_key.len()) && idempotency_key.bytes().all(|c| c.is_ascii_graphic())
}

fn unreadable(headers: Headers) -> Error {
    Error::Unknown { reason: UnknownReason::UnreadableAnswer, replayed: false, request_id: headers.request_id }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

/// The body of a 200 answer, or what else it means.
async fn answer(request: RequestBuilder) -> Result<(Vec<u8>, Headers), Error> {
    let response = request.send().await.map_err(|error| Error::of_transport(&error))?;
    let status = response.status();
    let headers = headers(&response);
    let body = read(response).await.map_err(|reason| Error::Unknown {
        reason,
        replayed: headers.replayed,
        request_id: headers.request_id.clone(),
    })?;
    if status == StatusCode::OK { Ok((body, headers)) } else { Err(classify(status.as_u16(), headers, &body)) }
}

async fn read(response: Response) -> Result<Vec<u8>, UnknownReason> {
    outbound::read(response, LARGEST_ANSWER).await.map_err(|why| match why {
        Unread::TooLong => UnknownReason::UnreadableAnswer,
        Unread::Timeout => UnknownReason::Timeout,
        Unread::ConnectionLost => UnknownReason::ConnectionLost,
    })
}

fn headers(response: &Response) -> Headers {
    let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Headers {
        request_id: text("request-id"),
        replayed: text("idempotent-replayed").as_deref() == Some("true"),
        rate_limited_reason: text("stripe-rate-limited-reason"),
        should_retry: text("stripe-should-retry").and_then(|value| value.parse().ok()),
    }
}

#[cfg(test)]
mod tests;
