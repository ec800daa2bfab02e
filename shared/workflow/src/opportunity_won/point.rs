//! The points of a won opportunity. Each carries exactly what later ones need.

use domain::{CustomerId, InvoiceId, OpportunityId, ProductId, Record};
use mapping::{CustomerDetails, Kind, Plan, Stop};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{InvoiceSeen, NewLine, Pricing, Status};

/// How many lines one `add_lines` call takes. Stripe states no limit; a hundred is what its lists answer at most.
const BATCH: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// Nothing is known but the id.
    Claimed { opportunity_id: OpportunityId },
    /// The deal is frozen as a plan.
    Planned { plan: Plan, details: CustomerDetails, named_by_salesforce: Option<CustomerId>, gone: Option<CustomerId> },
    /// The account names another customer than the one that its deals are billed to.
    NamedOtherwise { plan: Plan, customer_id: CustomerId, named_by_salesforce: CustomerId },
    /// The opportunity names an invoice: is it the deal's own? If not, the run stops with this.
    InvoiceNamed { plan: Plan, invoice_id: InvoiceId, stop: Stop, noted: bool },
    /// The account has its customer.
    CustomerKnown { plan: Plan, customer_id: CustomerId, account_is_linked: bool, interrupted: bool },
    /// It had: Stripe does not know it any more.
    CustomerGone { opportunity_id: OpportunityId, customer_id: CustomerId },
    /// There is an empty draft; the lines before this batch are on it.
    Drafted { draft: Draft, batch: u16 },
    /// All lines are on the draft, and some of them are still to be seen.
    Filled { draft: Draft, seen: InvoiceSeen, corrected: bool },
    /// Some lines came to the catalogue's price instead of the agreed one.
    Correcting { draft: Draft, corrections: Vec<Correction>, batch: u16 },
    /// The draft equals the plan.
    Ready { draft: Draft, interrupted: bool },
    /// The customer has the invoice.
    Sent { invoice: Invoice, interrupted: bool },
    /// Salesforce names it. The end.
    Done { invoice: Invoice },

    /// Interrupted: what has become of the invoice?
    Checking { draft: Draft, stage: Stage, refused: Option<Stop> },
    /// Interrupted: is it still the same deal?
    Comparing { draft: Draft, seen: InvoiceSeen, stage: Stage },
    /// Interrupted: does the opportunity name the invoice already?
    Verifying { invoice: Invoice },
    /// Billed, and an event says that the deal was edited: is it another deal now?
    Revisiting { invoice: Invoice },
    /// It is the deal that was billed, and the opportunity carries the note of what was wrong with it once.
    Clearing { invoice: Invoice },
    /// The draft is not to be sent, and goes.
    Abandoning { draft: Draft, stop: Option<Stop> },
    /// Not billed, or a person must decide. A new event goes on at `back_to`.
    Stopped { opportunity_id: OpportunityId, stop: Stop, told: bool, reported: bool, back_to: Box<Point> },
}

/// How far an interrupted draft had come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The lines before this batch are on it.
    Lines { batch: u16 },
    /// The corrections before this batch are made.
    Corrections { corrections: Vec<Correction>, batch: u16 },
    /// Everything is on it.
    Gate { corrected: bool },
    /// It may have been sent.
    Sending,
    /// Stripe did not let us delete it.
    Deleting,
}

/// A draft invoice of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub plan: Plan,
    pub customer_id: CustomerId,
    pub invoice_id: InvoiceId,
    /// The account already names the customer, and need not be written.
    pub account_is_linked: bool,
}

/// An invoice that the customer has.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    pub plan: Plan,
    pub customer_id: CustomerId,
    pub invoice_id: InvoiceId,
    pub account_is_linked: bool,
    pub hosted_invoice_url: Option<String>,
    /// What Salesforce said yes to and did not keep. It is written again when a person asks for it, not for every event: the
    /// write is itself an event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_kept: Vec<String>,
}

/// The hosted page opens the invoice for anyone who has its address.
impl std::fmt::Debug for Invoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invoice").field("invoice_id", &self.invoice_id).finish_non_exhaustive()
    }
}

/// A line at Stripe that must come to another amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// The line at Stripe (`il_…`).
    pub line_id: String,
    /// The line of the plan.
    pub index: usize,
    /// The product that the catalogue's price belongs to.
    pub product_id: ProductId,
}

pub(super) fn has_batch(count: usize, batch: u16) -> bool {
    usize::from(batch) * BATCH < count
}

impl Draft {
    pub(super) fn has_batch(&self, batch: u16) -> bool {
        has_batch(self.plan.lines.len(), batch)
    }

    pub(super) fn lines(&self, batch: u16) -> Vec<NewLine> {
        let lines = self.plan.lines.chunks(BATCH).nth(usize::from(batch)).unwrap_or_default();
        lines
            .iter()
            .map(|line| {
                let pricing = Pricing::Catalogue(line.price.clone());
                NewLine { line: line.clone(), pricing, tax: self.plan.tax }
            })
            .collect()
    }

    pub(super) fn corrected_lines(&self, corrections: &[Correction], batch: u16) -> Vec<(String, NewLine)> {
        let corrections = corrections.chunks(BATCH).nth(usize::from(batch)).unwrap_or_default();
        corrections
            .iter()
            .filter_map(|correction| {
                let line = self.plan.lines.get(correction.index)?.clone();
                let pricing = agreed(line.amount.minor_units(), line.quantity.as_decimal(), correction, line.amount);
                Some((correction.line_id.clone(), NewLine { line, pricing, tax: self.plan.tax }))
            })
            .collect()
    }

    pub(super) fn into_invoice(self, seen: &InvoiceSeen) -> Invoice {
        Invoice {
            plan: self.plan,
            customer_id: self.customer_id,
            invoice_id: self.invoice_id,
            account_is_linked: self.account_is_linked,
            hosted_invoice_url: seen.hosted_invoice_url.clone(),
            not_kept: Vec::new(),
        }
    }
}

/// The price for one, where it divides the amount exactly within Stripe's twelve decimals; else the line as one item.
pub(super) fn agreed(amount: i64, quantity: Decimal, correction: &Correction, whole: domain::Money) -> Pricing {
    let product_id = correction.product_id.clone();
    let unit_amount = Decimal::from(amount).checked_div(quantity).map(|unit| unit.normalize());
    match unit_amount {
        Some(unit_amount) if unit_amount.scale() <= 12 && unit_amount * quantity == Decimal::from(amount) => {
            Pricing::Agreed { product_id, unit_amount }
        }
        _ => Pricing::AgreedForAll { product_id, amount: whole },
    }
}

impl Point {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Claimed { .. } => "claimed",
            Self::Planned { .. } => "planned",
            Self::NamedOtherwise { .. } => "named_otherwise",
            Self::InvoiceNamed { .. } => "invoice_named",
            Self::CustomerKnown { .. } => "customer_known",
            Self::CustomerGone { .. } => "customer_gone",
            Self::Drafted { .. } => "drafted",
            Self::Filled { .. } => "filled",
            Self::Correcting { .. } => "correcting",
            Self::Ready { .. } => "ready",
            Self::Sent { .. } => "sent",
            Self::Done { .. } => "done",
            Self::Checking { .. } => "checking",
            Self::Comparing { .. } => "comparing",
            Self::Verifying { .. } => "verifying",
            Self::Revisiting { .. } => "revisiting",
            Self::Clearing { .. } => "clearing",
            Self::Abandoning { .. } => "abandoning",
            Self::Stopped { .. } => "stopped",
        }
    }

    pub fn status(&self) -> Status {
        match self {
            Self::Done { .. } => Status::Done,
            Self::Sent { .. } if planted!(SkipsTheWriteBack) => Status::Done,
            Self::Stopped { stop, told: true, reported: true, .. } if stop.kind == Kind::Review => Status::Review,
            Self::Stopped { told: true, reported: true, .. } => Status::Rejected,
            _ => Status::Open,
        }
    }

    pub fn stop(&self) -> Option<&Stop> {
        match self {
            Self::Stopped { stop, .. } => Some(stop),
            _ => None,
        }
    }

    pub fn customer_id(&self) -> Option<&CustomerId> {
        match self {
            Self::CustomerKnown { customer_id, .. } => Some(customer_id),
            Self::Stopped { back_to, .. } => back_to.customer_id(),
            _ => self.draft().map(|draft| &draft.customer_id).or(self.invoice().map(|invoice| &invoice.customer_id)),
        }
    }

    pub fn invoice_id(&self) -> Option<&InvoiceId> {
        match self {
            Self::Stopped { back_to, .. } => back_to.invoice_id(),
            _ => self.draft().map(|draft| &draft.invoice_id).or(self.invoice().map(|invoice| &invoice.invoice_id)),
        }
    }

    fn draft(&self) -> Option<&Draft> {
        match self {
            Self::Drafted { draft, .. }
            | Self::Filled { draft, .. }
            | Self::Correcting { draft, .. }
            | Self::Ready { draft, .. }
            | Self::Checking { draft, .. }
            | Self::Comparing { draft, .. }
            | Self::Abandoning { draft, .. } => Some(draft),
            _ => None,
        }
    }

    fn invoice(&self) -> Option<&Invoice> {
        match self {
            Self::Sent { invoice, .. }
            | Self::Done { invoice }
            | Self::Verifying { invoice }
            | Self::Revisiting { invoice }
            | Self::Clearing { invoice } => Some(invoice),
            _ => None,
        }
    }

    fn opportunity_id(&self) -> OpportunityId {
        match self {
            Self::Claimed { opportunity_id }
            | Self::CustomerGone { opportunity_id, .. }
            | Self::Stopped { opportunity_id, .. } => opportunity_id.clone(),
            Self::Planned { plan, .. }
            | Self::NamedOtherwise { plan, .. }
            | Self::InvoiceNamed { plan, .. }
            | Self::CustomerKnown { plan, .. } => plan.opportunity_id.clone(),
            Self::Drafted { draft, .. }
            | Self::Filled { draft, .. }
            | Self::Correcting { draft, .. }
            | Self::Ready { draft, .. }
            | Self::Checking { draft, .. }
            | Self::Comparing { draft, .. }
            | Self::Abandoning { draft, .. } => draft.plan.opportunity_id.clone(),
            Self::Sent { invoice, .. }
            | Self::Done { invoice }
            | Self::Verifying { invoice }
            | Self::Revisiting { invoice }
            | Self::Clearing { invoice } => invoice.plan.opportunity_id.clone(),
        }
    }

    /// A stop that was told and reported before, for the same cause, is not told and reported again: the note is itself an
    /// event.
    pub(crate) fn already_said(self, noted: Option<&Stop>, parked: Option<&Stop>) -> Self {
        match self {
            Self::Stopped { opportunity_id, stop, told, reported, back_to } => Self::Stopped {
                told: told || noted == Some(&stop),
                reported: reported || parked == Some(&stop),
                opportunity_id,
                stop,
                back_to,
            },
            point => point,
        }
    }

    /// A person asks for the event once more: what Salesforce did not keep may be kept now.
    pub(crate) fn asked_for(self) -> Self {
        match self {
            Self::Stopped { opportunity_id, stop, told, reported, back_to } => {
                let back_to = match *back_to {
                    Self::Sent { invoice, interrupted } => {
                        Self::Sent { invoice: Invoice { not_kept: Vec::new(), ..invoice }, interrupted }
                    }
                    point => point,
                };
                Self::Stopped { opportunity_id, stop, told, reported, back_to: Box::new(back_to) }
            }
            point => point,
        }
    }

    pub(super) fn claimed(plan: Plan) -> Self {
        Self::Claimed { opportunity_id: plan.opportunity_id }
    }

    /// Stands still at this point until somebody acts. What nobody has to act on is neither told nor reported.
    pub(super) fn stopped(self, stop: Stop) -> Self {
        let quiet = !stop.needs_person();
        Self::Stopped {
            opportunity_id: self.opportunity_id(),
            stop,
            told: quiet,
            reported: quiet,
            back_to: Box::new(self),
        }
    }

    /// The same, without writing a note that the opportunity already carries.
    pub(super) fn stopped_unless_noted(self, stop: Stop, opportunity: &Record) -> Self {
        let noted = mapping::sync_note(&self.opportunity_id(), &stop).differences(opportunity).is_empty();
        self.stopped_noted(stop, noted)
    }

    pub(super) fn stopped_noted(self, stop: Stop, noted: bool) -> Self {
        match self.stopped(stop) {
            Self::Stopped { opportunity_id, stop, told, reported, back_to } => {
                Self::Stopped { opportunity_id, stop, told: told || noted, reported, back_to }
            }
            point => point,
        }
    }

    /// Looks at the invoice before anything else is done with it.
    pub(super) fn checking(self, refused: Option<Stop>) -> Self {
        let (draft, stage) = match self {
            Self::Drafted { draft, batch } => (draft, Stage::Lines { batch }),
            Self::Correcting { draft, corrections, batch } => (draft, Stage::Corrections { corrections, batch }),
            Self::Filled { draft, corrected, .. } => (draft, Stage::Gate { corrected }),
            Self::Ready { draft, .. } => (draft, Stage::Sending),
            Self::Comparing { draft, stage, .. } => (draft, stage),
            point => return point,
        };
        Self::Checking { draft, stage, refused }
    }

    /// Whether Salesforce already names the invoice is not known.
    pub(super) fn verifying(self) -> Self {
        match self {
            Self::Sent { invoice, .. } => Self::Verifying { invoice },
            point => point,
        }
    }

    pub(super) fn with_customer_gone(self, customer_id: CustomerId) -> Self {
        match self {
            Self::Planned { plan, details, named_by_salesforce, .. } => {
                Self::Planned { plan, details, named_by_salesforce, gone: Some(customer_id) }
            }
            point => point,
        }
    }
}
