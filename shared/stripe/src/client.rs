//! The calls.

use domain::{CustomerId, InvoiceId};
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Url};
use serde_json::{Value, json};

use crate::classify::classify;
use crate::error::{Error, Refusal, UnknownReason};
use crate::object::{self, Customer, Deleted, Invoice, InvoiceLine, List, Object, Unreadable};
use crate::transport::{self, Answered, ConfigError, Timeouts};
use crate::write::{Answer, Operation, Reply, Write};
use crate::{API_VERSION, ApiKey, form};

const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest that Stripe takes. Source: docs.stripe.com/api/idempotent_requests.
const LONGEST_KEY: usize = 255;

/// The largest page that Stripe gives.
const PAGE: u32 = 100;

/// Far more than two hours of customers, or all invoices of one customer, ever fill.
const MOST_PAGES: usize = 100;

/// One account of Stripe. Cheap to share, and safe to use from many tasks at once.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: Url,
}

impl Client {
    /// `base_url` is `https://api.stripe.com`, or plain http on this machine. The process must have installed a rustls
    /// provider.
    pub fn new(base_url: &str, key: ApiKey, timeouts: Timeouts) -> Result<Self, ConfigError> {
        let base_url = transport::base_url(base_url)?;
        if key.is_live() && base_url.scheme() != "https" {
            return Err(ConfigError::LiveKeyWithoutTls);
        }
        let mut headers = HeaderMap::new();
        let mut bearer = HeaderValue::from_str(&key.bearer()).expect("a key is ASCII letters and digits");
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(STRIPE_VERSION, HeaderValue::from_static(API_VERSION));
        let http = transport::http(&base_url, timeouts, headers)?;
        Ok(Self { http, base_url })
    }

    /// Sends the write once. When it returns an answer, the effect has happened, now or when the key was first used; what
    /// is known when it fails is in the error. A deletion needs no key, and sends none.
    pub async fn write(&self, write: &Write, idempotency_key: &str) -> Result<Reply, Error> {
        let request = match write.operation {
            Operation::DeleteInvoice => self.request(Method::DELETE, &write.path, ""),
            _ => self
                .request(Method::POST, &write.path, "")
                .header(IDEMPOTENCY_KEY, key_header(idempotency_key)?)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(write.body.clone()),
        };
        let Answered { headers, body, status } = self.send(request, write.operation.as_str(), &write.path).await?;
        let answer = match write.operation {
            Operation::CreateCustomer => object::read(&body).map(Answer::Customer),
            Operation::DeleteInvoice => object::read(&body).map(|Deleted| Answer::Deleted),
            Operation::CreateInvoice | Operation::AddLines | Operation::UpdateLines | Operation::SendInvoice => {
                object::read(&body).map(|invoice| Answer::Invoice(Box::new(invoice)))
            }
        };
        match answer {
            Ok(answer) => Ok(Reply {
                answer,
                request_id: headers.request_id,
                replayed: headers.replayed,
            }),
            Err(Unreadable) => {
                tracing::warn!(http.status_code = status, stripe.operation = %write.operation, "unreadable success");
                Err(headers.unknown(UnknownReason::UnreadableAnswer))
            }
        }
    }

    /// A customer that was deleted is found, with `deleted` set; one that never was is refused with status 404.
    pub async fn customer(&self, id: &CustomerId) -> Result<Customer, Error> {
        self.get(&format!("/v1/customers/{id}"), &json!({}), object::read).await
    }

    pub async fn invoice(&self, id: &InvoiceId) -> Result<Invoice, Error> {
        self.get(&format!("/v1/invoices/{id}"), &json!({}), object::read).await
    }

    /// All lines, in Stripe's order.
    pub async fn invoice_lines(&self, id: &InvoiceId) -> Result<Vec<InvoiceLine>, Error> {
        self.list(&format!("/v1/invoices/{id}/lines"), json!({}), |line: &InvoiceLine| {
            line.id.clone()
        })
        .await
    }

    /// All invoices of a customer in any status, newest first. Lists are strongly consistent: what is not in it was not
    /// created when the answer was made.
    pub async fn invoices_of_customer(&self, id: &CustomerId, created_since: Timestamp) -> Result<Vec<Invoice>, Error> {
        let params = json!({ "customer": id, "created": { "gte": created_since.as_second() } });
        self.list("/v1/invoices", params, |invoice: &Invoice| invoice.id.to_string())
            .await
    }

    /// All customers, newest first. As consistent as every list.
    pub async fn customers_created_since(&self, since: Timestamp) -> Result<Vec<Customer>, Error> {
        let params = json!({ "created": { "gte": since.as_second() } });
        self.list("/v1/customers", params, |customer: &Customer| customer.id.to_string())
            .await
    }

    /// Customers with this metadata, by search, which lags behind by a minute and at times by an hour: what it does not
    /// find may exist all the same.
    pub async fn customers_by_metadata(&self, key: &str, value: &str) -> Result<Vec<Customer>, Error> {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let query = format!("metadata[{}]:{}", quoted(key), quoted(value));
        let mut found = Vec::new();
        let mut page: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let params = json!({ "query": query, "limit": PAGE, "page": page });
            let list = self.get("/v1/customers/search", &params, List::<Customer>::read).await?;
            found.extend(list.data);
            match (list.has_more, list.next_page) {
                (false, _) => return Ok(found),
                (true, Some(next)) => page = Some(next),
                (true, None) => return Err(Error::unknown(UnknownReason::UnreadableAnswer)),
            }
        }
        Err(Error::unknown(UnknownReason::TooManyPages))
    }

    async fn list<T: Object>(&self, path: &str, params: Value, id: fn(&T) -> String) -> Result<Vec<T>, Error> {
        let mut found: Vec<T> = Vec::new();
        let mut params = params;
        params["limit"] = PAGE.into();
        for _ in 0..MOST_PAGES {
            let list = self.get(path, &params, List::<T>::read).await?;
            // A page that is empty and has more would be asked for for ever.
            let is_stuck = list.has_more && list.data.is_empty();
            found.extend(list.data);
            match found.last() {
                _ if is_stuck => return Err(Error::unknown(UnknownReason::UnreadableAnswer)),
                Some(last) if list.has_more => params["starting_after"] = id(last).into(),
                _ => return Ok(found),
            }
        }
        Err(Error::unknown(UnknownReason::TooManyPages))
    }

    async fn get<T>(&self, path: &str, params: &Value, read: fn(&[u8]) -> Result<T, Unreadable>) -> Result<T, Error> {
        let request = self.request(Method::GET, path, &form::encode(params));
        let answered = self.send(request, "read", path).await?;
        read(&answered.body).map_err(|Unreadable| answered.headers.unknown(UnknownReason::UnreadableAnswer))
    }

    fn request(&self, method: Method, path: &str, query: &str) -> RequestBuilder {
        let mut url = self.base_url.clone();
        url.set_path(path);
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        self.http.request(method, url)
    }

    async fn send(&self, request: RequestBuilder, operation: &str, path: &str) -> Result<Answered, Error> {
        let result = match transport::send(request).await {
            Ok(answered) => classify(answered),
            Err(error) => Err(error),
        };
        match &result {
            Ok(answered) => tracing::debug!(
                stripe.operation = operation,
                stripe.path = path,
                stripe.request_id = answered.headers.request_id,
                stripe.replayed = answered.headers.replayed,
                "Stripe answered"
            ),
            Err(error) => tracing::debug!(
                stripe.operation = operation,
                stripe.path = path,
                stripe.request_id = error.request_id(),
                error = %error,
                "Stripe did not give an object"
            ),
        }
        result
    }
}

/// A write without a key could happen twice, so it is not sent.
fn key_header(idempotency_key: &str) -> Result<HeaderValue, Error> {
    let is_key = (1..=LONGEST_KEY).contains(&idempotency_key.len()) && idempotency_key.bytes().all(|c| c.is_ascii_graphic());
    let header = HeaderValue::from_str(idempotency_key).ok().filter(|_| is_key);
    header.ok_or_else(|| {
        Error::from(Refusal {
            status: 400,
            error_type: None,
            code: Some("idempotency_key_invalid".to_owned()),
            decline_code: None,
            param: None,
            message: "the request was not sent, because its idempotency key is not 1 to 255 letters".to_owned(),
            request_id: None,
        })
    })
}

#[cfg(test)]
mod tests;
