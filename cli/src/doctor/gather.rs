//! The edge: what is asked of Stripe, Salesforce and AWS. Nothing is decided here, and nothing is written.

mod aws;
mod salesforce;
mod stripe;

pub(super) use aws::{queue, table};
pub(super) use salesforce::{OfSalesforce, of_salesforce};
pub(super) use stripe::{OfStripe, of_stripe};
