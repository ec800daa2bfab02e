//! What a restricted key may do, found out without doing anything: each question is about an object that nobody has. A key that may not ask
//! is refused for that before it is looked for.

use reqwest::Method;
use serde::de::IgnoredAny;

use crate::Client;
use crate::error::{Error, Refusal};

/// A resource of the dashboard's list of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    Customers,
    Invoices,
    InvoiceItems,
    Products,
    Prices,
    Subscriptions,
    CreditNotes,
    PaymentIntents,
    Charges,
    Disputes,
    Events,
    Refunds,
    WebhookEndpoints,
}

/// Write includes read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    Read,
    Write,
}

impl Resource {
    /// As the dashboard calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customers => "Customers",
            Self::Invoices => "Invoices",
            Self::InvoiceItems => "Invoice Items",
            Self::Products => "Products",
            Self::Prices => "Prices",
            Self::Subscriptions => "Subscriptions",
            Self::CreditNotes => "Credit Notes",
            Self::PaymentIntents => "PaymentIntents",
            Self::Charges => "Charges",
            Self::Disputes => "Disputes",
            Self::Events => "Events",
            Self::Refunds => "Refunds",
            Self::WebhookEndpoints => "Webhook Endpoints",
        }
    }

    /// An object that nobody has.
    fn nobody(self) -> &'static str {
        match self {
            Self::Customers => "/v1/customers/cus_closedwonnobody",
            Self::Invoices => "/v1/invoices/in_closedwonnobody",
            Self::InvoiceItems => "/v1/invoiceitems/ii_closedwonnobody",
            Self::Products => "/v1/products/prod_closedwonnobody",
            Self::Prices => "/v1/prices/price_closedwonnobody",
            Self::Subscriptions => "/v1/subscriptions/sub_closedwonnobody",
            Self::CreditNotes => "/v1/credit_notes/cn_closedwonnobody",
            Self::PaymentIntents => "/v1/payment_intents/pi_closedwonnobody",
            Self::Charges => "/v1/charges/ch_closedwonnobody",
            Self::Disputes => "/v1/disputes/du_closedwonnobody",
            Self::Events => "/v1/events/evt_closedwonnobody",
            Self::Refunds => "/v1/refunds/re_closedwonnobody",
            Self::WebhookEndpoints => "/v1/webhook_endpoints/we_closedwonnobody",
        }
    }
}

impl Client {
    /// Whether the key may do this. A key that is no key is an error.
    pub async fn may(&self, resource: Resource, reach: Reach) -> Result<bool, Error> {
        let method = if reach == Reach::Write { Method::POST } else { Method::GET };
        match self.send::<IgnoredAny>(method, resource.nobody(), String::new()).await {
            Ok(_) => Ok(true),
            Err(error) => understood(&error).ok_or(error),
        }
    }
}

/// What an error says of the permission, if it says anything of that.
fn understood(error: &Error) -> Option<bool> {
    match error {
        Error::Refused(Refusal { code: Some(code), .. }) if code == "resource_missing" => Some(true),
        Error::NotAllowed { status: 403, .. } => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Headers, classify};

    #[test]
    fn only_what_says_so_is_a_permission() {
        let missing =
            br#"{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such charge"}}"#;
        let unknown = br#"{"error":{"type":"invalid_request_error","message":"Unrecognized request URL"}}"#;
        let lacking =
            br#"{"error":{"type":"invalid_request_error","message":"Having the 'rak_charge_read' permission would"}}"#;
        let answer = |status, body: &[u8]| understood(&classify(status, Headers::default(), body));
        assert_eq!((answer(404, missing), answer(403, lacking)), (Some(true), Some(false)));
        assert_eq!([answer(404, unknown), answer(401, lacking), answer(500, b"")], [None; 3]);
    }
}
