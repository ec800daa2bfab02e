//! What is to be made or changed by a call.

use domain::{
    Currency, CustomerId, LineItemId, Money, OpportunityId, PriceId, ProductId, SubscriptionId, SubscriptionItemId,
};
use jiff::Timestamp;
use jiff::civil::Date;
use mapping::{Plan, PlanLine, Proration, TaxBehavior};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Every, PriceSeen};

/// A line to be written to the draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLine {
    pub line: PlanLine,
    pub pricing: Pricing,
    pub tax: Option<TaxBehavior>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pricing {
    /// The catalogue's price: what Stripe's reports group by.
    Catalogue(PriceId),
    /// The product of the catalogue at the agreed price for one, in minor units.
    Agreed { product_id: ProductId, unit_amount: Decimal },
    /// The product of the catalogue, once, at the agreed amount of the whole line: for quantities that do not divide it.
    AgreedForAll { product_id: ProductId, amount: Money },
}

/// The terms of a recurring price that the catalogue does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedPrice {
    pub product_id: ProductId,
    pub currency: Currency,
    /// Of one, in minor units.
    #[serde(with = "rust_decimal::serde::str")]
    pub unit_amount: Decimal,
    pub months: u32,
    pub tax: Option<TaxBehavior>,
}

impl AgreedPrice {
    /// The same terms have the same key, so that one price serves every deal that was agreed alike.
    pub fn lookup_key(&self) -> String {
        let Self { product_id, currency, unit_amount, months, tax } = self;
        let tax = tax.map_or("untaxed", TaxBehavior::as_str);
        format!("closedwon:{product_id}:{}:{}:{months}m:{tax}", currency.to_stripe(), unit_amount.normalize())
    }

    pub fn is(&self, seen: &PriceSeen) -> bool {
        seen.is_active
            && seen.product_id.as_ref() == Some(&self.product_id)
            && seen.costs(self.currency, self.unit_amount, Every::Months(self.months))
            && seen.is_taxed_as(self.tax)
    }
}

/// A subscription to be made. Its items' prices are settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSubscription {
    pub plan: Plan,
    pub customer_id: CustomerId,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
    pub items: Vec<NewItem>,
    /// What is billed once, with the first invoice.
    pub once: Vec<NewLine>,
}

/// How a subscription goes on: from its next period on, or for the rest of this one as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// The deal that renews it.
    pub opportunity_id: OpportunityId,
    pub customer_id: CustomerId,
    pub subscription_id: SubscriptionId,
    /// Of the new term, or of a period if that has no end; or what is billed at once, if that is more.
    pub total: Money,
    pub is_approved: bool,
    pub days_until_due: u32,
    pub automatic_tax: bool,
    /// The first day of the new term.
    pub from: Date,
    /// Whatever is asked for after this may come too late.
    pub latest: Timestamp,
    /// How the rest of the period is settled. Where the new term begins with one, there is nothing to settle.
    pub proration: Proration,
    pub ends_at: Option<Timestamp>,
    /// It has an end now.
    pub had_end: bool,
    pub items: Vec<ItemChange>,
    /// What is billed once, with the next invoice of the subscription: at once, where one is made of what is prorated.
    pub once: Vec<NewLine>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemChange {
    /// One that is there, at this price and in this number.
    Keep {
        item_id: SubscriptionItemId,
        item: NewItem,
    },
    Add {
        item: NewItem,
    },
    Drop {
        item_id: SubscriptionItemId,
    },
}

impl NewSubscription {
    /// What has to be approved if it is made then: the deal, or its first invoice, whichever is more.
    pub fn to_be_approved(&self, at: Timestamp) -> Money {
        let total = self.plan.total;
        Money::from_minor_units(self.plan.first_total(at).max(total.minor_units()), total.currency())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    pub price_id: PriceId,
    pub quantity: i64,
    /// The lines of the deal that it is for: Stripe takes each price once.
    pub keys: Vec<LineItemId>,
}
