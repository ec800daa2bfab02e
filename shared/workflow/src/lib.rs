#![doc = include_str!("../README.md")]

pub mod account_customer;
mod call;
mod intent;
pub mod invoice_paid;
pub mod opportunity_won;
mod run;

pub use call::{Call, Fact, InvoiceSeen, InvoiceStatus, LineSeen, NewLine, Pricing, Refusal};
pub use intent::{Intent, Operation, Restored};
pub use run::{End, Next, OutOfOrder, Run, RunId, State, Status};
