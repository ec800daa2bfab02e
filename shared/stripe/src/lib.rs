#![doc = include_str!("../README.md")]

mod carried;
mod catalog;
mod client;
mod collecting;
mod credits;
mod endpoints;
mod error;
mod estimates;
pub mod form;
mod key;
mod line;
mod lines;
mod objects;
mod pages;
mod params;
mod permissions;
mod previews;
mod prices;
mod reads;
mod renewals;
pub mod signature;
mod standings;
mod subscriptions;
mod tax;
pub mod webhook;

pub use catalog::{CatalogPrice, CatalogPriceOf, CatalogProduct, CreateCatalogPrice};
pub use client::{Answer, Client, ConfigError, Reply};
pub use collecting::{Collecting, Declined};
pub use credits::{CreateCreditNote, CreditNote, CreditedLine, CustomerBilling, InvoicePayment, MoneyIn, Share};
pub use endpoints::{EndpointChange, Made, NewEndpoint, WebhookEndpoint};
pub use error::{Error, NoEffectReason, Refusal, UnknownReason};
pub use estimates::{Untaxed, UntaxedLine};
pub use key::{ApiKey, InvalidApiKey};
pub use line::{Line, endpoint};
pub use lines::InvoiceLine;
pub use objects::{Customer, Invoice, InvoiceStatus, TaxIdObject};
pub use outbound::Timeouts;
pub use pages::{Cursor, InvalidCursor, Listed, Page};
pub use params::{
    Collected, CreateCustomer, CreateInvoice, InvoiceLineParams, Operation, Pricing, Quantity, UpdateCustomer, Write,
};
pub use permissions::{Reach, Resource};
pub use previews::{Preview, PreviewLine};
pub use prices::{CreatePrice, Price, Recurrence, TaxBehavior};
pub use renewals::{ChangedItem, End, Prorated, RenewSubscription};
pub use standings::{Dispute, InvoiceStanding};
pub use subscriptions::{
    CancellationDetails, CreateSubscription, NewItem, PendingItem, Subscription, SubscriptionItem,
};
pub use tax::{Tax, TaxStatus};

/// Sent with every request. Without it the account's default applies, which somebody may change in the dashboard.
pub const API_VERSION: &str = "2026-10-28.endive";
