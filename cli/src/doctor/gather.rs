//! The edge: what is asked of Stripe, Salesforce and AWS. Nothing is decided here, and nothing is written.

mod aws;
mod cloudwatch;
mod salesforce;
mod stack;
mod stripe;

pub(super) use aws::{queue, table};
pub(super) use cloudwatch::{alarms, last_call};
pub(super) use salesforce::{OfSalesforce, of_salesforce};
pub(super) use stack::{sources, stack};
pub(super) use stripe::{OfStripe, of_stripe};
