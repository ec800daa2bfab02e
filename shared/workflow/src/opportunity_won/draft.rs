//! What a run holds of its invoice: a draft, or one that the customer has.

use domain::{CustomerId, InvoiceId, Money, ProductId, SubscriptionId};
use mapping::Plan;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::basket::Once;
use super::contract::ContractWrite;
use super::subscription::Started;
use crate::{Call, InvoiceSeen, NewLine, Pricing};

/// How many lines one `add_lines` call takes. Stripe states no limit; a hundred is what its lists answer at most.
const BATCH: usize = 100;

/// A draft invoice of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub plan: Plan,
    pub customer_id: CustomerId,
    pub invoice_id: InvoiceId,
    /// The account already names the customer, and need not be written.
    pub account_is_linked: bool,
    /// The customer's payment method is charged for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_charged: bool,
    /// How its lines are priced, where we write them: those of a subscription's first invoice come with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub once: Vec<Once>,
    /// The subscription whose first invoice it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Box<Started>>,
}

/// An invoice that the customer has.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    pub plan: Plan,
    pub customer_id: CustomerId,
    pub invoice_id: InvoiceId,
    pub account_is_linked: bool,
    pub hosted_invoice_url: Option<String>,
    #[serde(default)]
    pub invoice_pdf: Option<String>,
    /// The subscription whose first invoice it is, and what that came to without the tax that was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<(SubscriptionId, Money)>,
    /// It took the place of one that was paid: that the opportunity is marked as paid says nothing of this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unmarks: bool,
    /// What Salesforce said yes to and did not keep. It is written again when a person asks for it, not for every event: the
    /// write is itself an event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_kept: Vec<String>,
    #[serde(default, skip_serializing_if = "ContractWrite::is_with")]
    pub contract: ContractWrite,
}

/// The hosted page opens the invoice for anyone who has its address.
impl std::fmt::Debug for Invoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invoice").field("invoice_id", &self.invoice_id).finish_non_exhaustive()
    }
}

pub(super) fn create(plan: &Plan, customer_id: &CustomerId, is_charged: bool) -> Call {
    Call::CreateInvoice {
        opportunity_id: plan.opportunity_id.clone(),
        customer_id: customer_id.clone(),
        currency: plan.total.currency(),
        days_until_due: plan.days_until_due,
        automatic_tax: plan.tax.is_some(),
        is_charged,
    }
}

pub(super) fn has_batch(count: usize, batch: u16) -> bool {
    usize::from(batch) * BATCH < count
}

impl Draft {
    pub(super) fn has_batch(&self, batch: u16) -> bool {
        has_batch(self.plan.lines.len(), batch)
    }

    /// One that an older program made does not say what its lines cost, and is made anew where that matters. A subscription's need not.
    pub(super) fn is_priced(&self) -> bool {
        self.started.is_some() || self.once.len() == self.plan.lines.len()
    }

    pub(super) fn lines(&self, batch: u16) -> Vec<NewLine> {
        let lines = self.once.chunks(BATCH).nth(usize::from(batch)).unwrap_or_default();
        lines.iter().map(|once| once.line(&self.plan)).collect()
    }

    pub(super) fn into_invoice(self, seen: &InvoiceSeen) -> Invoice {
        let total = super::gate::without_added_tax(&self.plan, seen);
        let first_total = Money::from_minor_units(total, self.plan.total.currency());
        let subscription_id = seen.subscription_id.clone().filter(|_| self.plan.subscription.is_some());
        // Nobody has told Stripe while it was being billed. Of one that is found after a restore it was seen.
        let canceled_on = self.plan.canceled_on.filter(|_| self.started.is_none() || planted!(ThinksItIsTold));
        Invoice {
            subscription: subscription_id.map(|id| (id, first_total)),
            plan: Plan { canceled_on, ..self.plan },
            customer_id: self.customer_id,
            invoice_id: self.invoice_id,
            account_is_linked: self.account_is_linked,
            hosted_invoice_url: seen.hosted_invoice_url.clone(),
            invoice_pdf: seen.invoice_pdf.clone(),
            unmarks: false,
            not_kept: Vec::new(),
            contract: ContractWrite::With,
        }
    }
}

/// The price for one, where it divides the amount exactly within Stripe's twelve decimals; else the line as one item.
pub(super) fn agreed(amount: Money, quantity: Decimal, product_id: ProductId) -> Pricing {
    match unit_amount(amount.minor_units(), quantity) {
        Some(unit_amount) => Pricing::Agreed { product_id, unit_amount },
        None => Pricing::AgreedForAll { product_id, amount },
    }
}

/// The price for one that comes to the amount exactly, within Stripe's twelve decimals.
pub(super) fn unit_amount(amount: i64, quantity: Decimal) -> Option<Decimal> {
    let unit_amount = Decimal::from(amount).checked_div(quantity)?.normalize();
    let is_exact = unit_amount.scale() <= 12 && unit_amount * quantity == Decimal::from(amount);
    is_exact.then_some(unit_amount)
}
