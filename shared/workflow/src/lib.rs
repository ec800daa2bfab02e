#![doc = include_str!("../README.md")]

/// A mistake that only the simulation can switch on, to show that it would be found.
#[cfg(feature = "planted")]
macro_rules! planted {
    ($bug:ident) => {
        planted::is(planted::Bug::$bug)
    };
}
#[cfg(not(feature = "planted"))]
macro_rules! planted {
    ($bug:ident) => {
        false
    };
}

pub mod account_customer;
mod call;
mod credit;
mod doubt;
mod fact;
mod intent;
pub mod invoice_changed;
pub mod invoice_paid;
pub mod notification;
pub mod opportunity_won;
pub mod payment_failed;
mod run;
mod seek;
pub mod subscription_changed;
mod watched;

pub use call::{AgreedPrice, Call, Extension, ItemChange, NewItem, NewLine, NewSubscription, Pricing};
pub use credit::{CreditAmount, CreditLine, Credited, MoneyIn, NewCredit, Settlement};
pub use doubt::Doubt;
pub use fact::{
    Cancellation, CollectingSeen, Every, Fact, InvoiceSeen, InvoiceStandingSeen, InvoiceStatus, ItemSeen, LineSeen,
    PreviewLineSeen, PreviewSeen, PriceSeen, Refusal, RenewableSeen, StandingSeen, SubscriptionSeen,
    SubscriptionStatus, TaxSeen, TaxStatus,
};
pub use intent::{Intent, Operation, QUIET, Restored};
pub use notification::{About, Notice, Tells};
pub use run::{End, Next, OutOfOrder, Run, RunId, State, Status, Told, WantedCustomer};
