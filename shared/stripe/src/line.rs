//! Who waits before a request is sent, so that no more are than Stripe takes: 25 a second at each endpoint, unless it gave an account more
//! [docs.stripe.com/rate-limits].

use std::fmt::Debug;

use futures::future::BoxFuture;
use jiff::SignedDuration;

/// Where everybody waits together, whatever the process.
pub trait Line: Debug + Send + Sync {
    /// How long the next request to this endpoint has to wait; `None` if that would be too long.
    fn turn<'a>(&'a self, endpoint: &'a str) -> BoxFuture<'a, Option<SignedDuration>>;

    /// Stripe was asked too often there, by whoever it was.
    fn too_fast<'a>(&'a self, endpoint: &'a str) -> BoxFuture<'a, ()>;
}

/// What the limit is counted by: the method and the path, without the ids in it.
pub fn endpoint(method: &str, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    // An id has digits or capitals; the names of endpoints have neither, but for the version.
    let is_id = |segment: &str| segment.chars().any(|c| c.is_ascii_digit() || c.is_ascii_uppercase());
    let segments: Vec<_> =
        path.split('/').map(|segment| if segment != "v1" && is_id(segment) { ":id" } else { segment }).collect();
    format!("{method} {}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_path_without_its_ids() {
        for (method, path, expected) in [
            ("GET", "/v1/invoices/in_1Abc?expand[]=lines", "GET /v1/invoices/:id"),
            ("POST", "/v1/invoices/in_1Abc/add_lines", "POST /v1/invoices/:id/add_lines"),
            ("GET", "/v1/invoices?limit=100", "GET /v1/invoices"),
            ("POST", "/v1/invoices/create_preview", "POST /v1/invoices/create_preview"),
            ("DELETE", "/v1/customers/cus_A/tax_ids/txi_1", "DELETE /v1/customers/:id/tax_ids/:id"),
        ] {
            assert_eq!(endpoint(method, path), expected);
        }
    }
}
