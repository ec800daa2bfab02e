//! What came back from Stripe, in a word.

use std::collections::BTreeMap;

use domain::InvoiceId;
use stripe::{Customer, Invoice, Reply};

pub(super) trait Answered {
    fn name(&self) -> &'static str;
}

impl Answered for Reply {
    fn name(&self) -> &'static str {
        if self.replayed { "replayed" } else { "ok" }
    }
}

impl Answered for Customer {
    fn name(&self) -> &'static str {
        if self.deleted { "deleted" } else { "ok" }
    }
}

impl Answered for Invoice {
    fn name(&self) -> &'static str {
        use stripe::InvoiceStatus;
        match self.status {
            InvoiceStatus::Draft => "draft",
            InvoiceStatus::Open => "open",
            InvoiceStatus::Paid => "paid",
            InvoiceStatus::Uncollectible => "uncollectible",
            InvoiceStatus::Void => "void",
            InvoiceStatus::Other => "other",
        }
    }
}

impl Answered for BTreeMap<String, String> {
    fn name(&self) -> &'static str {
        "ok"
    }
}

impl<T> Answered for Vec<T> {
    fn name(&self) -> &'static str {
        match self.len() {
            0 => "none",
            1 => "one",
            _ => "several",
        }
    }
}

impl<T> Answered for stripe::Page<T> {
    fn name(&self) -> &'static str {
        self.items.name()
    }
}

impl Answered for stripe::Subscription {
    fn name(&self) -> &'static str {
        if self.is_over { "canceled" } else { "ok" }
    }
}

impl Answered for stripe::CustomerBilling {
    fn name(&self) -> &'static str {
        if self.is_deleted { "deleted" } else { "ok" }
    }
}

macro_rules! told_plainly {
    ($($answer:ty),*) => {$(
        impl Answered for $answer {
            fn name(&self) -> &'static str {
                "ok"
            }
        }
    )*};
}

impl<T> Answered for Option<T> {
    fn name(&self) -> &'static str {
        if self.is_some() { "one" } else { "none" }
    }
}

told_plainly!(
    stripe::Price,
    stripe::Preview,
    bool,
    stripe::InvoicePayment,
    stripe::Collecting,
    stripe::InvoiceStanding,
    stripe::Dispute,
    InvoiceId
);
