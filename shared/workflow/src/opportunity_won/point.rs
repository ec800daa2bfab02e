//! The points of a won opportunity. Each carries exactly what later ones need.

use domain::{CustomerId, InvoiceId, Money, OpportunityId, SubscriptionId};
use jiff::Timestamp;
use mapping::{CustomerDetails, Kind, Plan, Stop};
use serde::{Deserialize, Serialize};

use super::amendment::{Credit, Payment};
use super::basket::{Basket, Start};
use super::customer::{Apart, Heard};
use super::draft::{Draft, Invoice};
use super::ending::Ending;
use super::preflight::Preflight;
use super::renewal::Renewal;
use crate::{InvoiceSeen, Status};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// Nothing is known but the id.
    Claimed { opportunity_id: OpportunityId },
    /// The deal was read. What do its products cost at Stripe?
    Preflight(Box<Preflight>),
    /// The deal is frozen as a plan.
    Planned {
        plan: Plan,
        details: CustomerDetails,
        named_by_salesforce: Option<CustomerId>,
        #[serde(flatten)]
        heard: Heard,
        #[serde(default)]
        basket: Basket,
    },
    /// The account names another customer than the one that its deals are billed to.
    NamedOtherwise {
        plan: Plan,
        customer_id: CustomerId,
        named_by_salesforce: CustomerId,
        #[serde(default)]
        basket: Basket,
    },
    /// The opportunity names an invoice: is it the deal's own? If not, the run stops with this.
    InvoiceNamed { plan: Plan, invoice_id: InvoiceId, stop: Stop, noted: bool },
    /// The opportunity names a subscription's invoice: was it begun for this term?
    SubscriptionNamed { plan: Plan, seen: InvoiceSeen, stop: Stop, noted: bool },
    /// The account has its customer.
    CustomerKnown {
        plan: Plan,
        customer_id: CustomerId,
        account_is_linked: bool,
        /// It is the one for subscriptions in the plan's currency.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_apart: bool,
        interrupted: bool,
        #[serde(default)]
        basket: Basket,
        /// Whether it is charged, where that was asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        is_charged: Option<bool>,
    },
    /// It had: Stripe does not know it any more.
    CustomerGone {
        opportunity_id: OpportunityId,
        customer_id: CustomerId,
        /// It was not the account's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        apart: Option<Apart>,
    },
    /// It has, and Stripe takes no subscription in the deal's currency for it: another is to be found or made.
    CurrencyTaken { opportunity_id: OpportunityId, apart: Apart },
    /// The term of its recurring lines has not begun.
    Scheduled { opportunity_id: OpportunityId, starts_at: Timestamp },
    /// Some of what was agreed has no price at Stripe, as far as is known.
    Pricing { start: Start, looked: bool },
    /// Everything that the subscription is made of is known, and that nothing else would come with it is to be seen.
    Subscribing { start: Start, interrupted: bool, is_clear: bool },
    /// There is a subscription, and Stripe would send its first invoice within the hour.
    Holding { draft: Draft, interrupted: bool },
    /// There is an empty draft; the lines before this batch are on it. An older program gave lines another price afterwards.
    #[serde(alias = "correcting")]
    Drafted { draft: Draft, batch: u16 },
    /// All lines are on the draft, and some of them are still to be seen.
    Filled { draft: Draft, seen: InvoiceSeen },
    /// The draft equals the plan.
    Ready { draft: Draft, interrupted: bool },
    /// The customer has the invoice.
    Sent { invoice: Invoice, interrupted: bool },
    /// Salesforce names it. The end.
    Done { invoice: Invoice },

    /// Interrupted: what has become of the subscription?
    Reviving { draft: Draft, stage: Stage, refused: Option<Stop> },
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
    /// Billed, and the deal is another one by now: it is billed anew if nothing is paid of the invoice, and its products have prices.
    /// `refused` is why Stripe did not void it.
    Amending {
        invoice: Invoice,
        plan: Plan,
        refused: Option<Stop>,
        #[serde(default)]
        is_untouched: bool,
        #[serde(default)]
        payment: Payment,
    },
    /// Nothing is paid of it, and it goes.
    Voiding {
        invoice: Invoice,
        plan: Plan,
        #[serde(default)]
        payment: Payment,
    },
    /// It is paid. What has become of the money?
    Settling { invoice: Invoice, plan: Plan },
    /// It is paid, and is credited when the products of the deal have prices.
    Crediting { invoice: Invoice, plan: Plan, credit: Credit, is_priced: bool },
    /// After a restore: the opportunity names another invoice. Was this one replaced? `stop` is what stands in the way if not; `clears`,
    /// that an old note is to be taken away then.
    Doubting {
        invoice: Invoice,
        stop: Option<Stop>,
        #[serde(default)]
        clears: bool,
    },
    /// The first invoice of a subscription is not to be sent, and is made one that cannot be.
    Disarming { draft: Draft, stop: Option<Stop> },
    /// The draft is not to be sent, and goes.
    Abandoning { draft: Draft, stop: Option<Stop> },
    /// The deal renews a subscription that is there.
    Renewal(Box<Renewal>),
    /// The deal's subscription is to end sooner than its term, or after all not.
    Ending(Box<Ending>),
    /// Not billed, or a person must decide. A new event goes on at `back_to`.
    Stopped { opportunity_id: OpportunityId, stop: Stop, told: bool, reported: bool, back_to: Box<Point> },
}

/// How far an interrupted draft had come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It is a subscription's, and not ours alone yet.
    Holding,
    /// The lines before this batch are on it.
    #[serde(alias = "corrections")]
    Lines { batch: u16 },
    /// Everything is on it.
    Gate {},
    /// It may have been sent.
    Sending,
    /// Stripe did not let us delete it.
    Deleting,
    /// Its subscription was to be canceled.
    Canceling,
}

impl Point {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Claimed { .. } => "claimed",
            Self::Preflight(_) => "preflight",
            Self::Planned { .. } => "planned",
            Self::NamedOtherwise { .. } => "named_otherwise",
            Self::InvoiceNamed { .. } => "invoice_named",
            Self::SubscriptionNamed { .. } => "subscription_named",
            Self::CustomerKnown { .. } => "customer_known",
            Self::CustomerGone { .. } => "customer_gone",
            Self::CurrencyTaken { .. } => "currency_taken",
            Self::Scheduled { .. } => "scheduled",
            Self::Pricing { .. } => "pricing",
            Self::Subscribing { .. } => "subscribing",
            Self::Holding { .. } => "holding",
            Self::Reviving { .. } => "reviving",
            Self::Drafted { .. } => "drafted",
            Self::Filled { .. } => "filled",
            Self::Ready { .. } => "ready",
            Self::Sent { .. } => "sent",
            Self::Done { .. } => "done",
            Self::Checking { .. } => "checking",
            Self::Comparing { .. } => "comparing",
            Self::Verifying { .. } => "verifying",
            Self::Revisiting { .. } => "revisiting",
            Self::Clearing { .. } => "clearing",
            Self::Amending { .. } => "amending",
            Self::Voiding { .. } => "voiding",
            Self::Settling { .. } => "settling",
            Self::Crediting { .. } => "crediting",
            Self::Doubting { .. } => "doubting",
            Self::Disarming { .. } => "disarming",
            Self::Abandoning { .. } => "abandoning",
            Self::Renewal(renewal) => renewal.name(),
            Self::Ending(ending) => ending.name(),
            Self::Stopped { .. } => "stopped",
        }
    }

    pub fn status(&self) -> Status {
        match self {
            Self::Done { .. } => Status::Done,
            Self::Scheduled { .. } if planted!(ForgetsTheDay) => Status::Done,
            Self::Sent { .. } if planted!(SkipsTheWriteBack) => Status::Done,
            Self::Stopped { stop, told: true, reported: true, .. } if stop.kind == Kind::Review => Status::Review,
            Self::Stopped { told: true, reported: true, .. } => Status::Rejected,
            Self::Renewal(renewal) => renewal.status(),
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
            Self::Pricing { start, .. } | Self::Subscribing { start, .. } => Some(&start.customer_id),
            Self::Renewal(renewal) => Some(renewal.customer_id()),
            Self::Ending(ending) => Some(ending.customer_id()),
            Self::Stopped { back_to, .. } => back_to.customer_id(),
            _ => self.draft().map(|draft| &draft.customer_id).or(self.invoice().map(|invoice| &invoice.customer_id)),
        }
    }

    pub fn invoice_id(&self) -> Option<&InvoiceId> {
        match self {
            Self::Stopped { back_to, .. } => back_to.invoice_id(),
            Self::Ending(ending) => ending.invoice_id(),
            _ => self.draft().map(|draft| &draft.invoice_id).or(self.invoice().map(|invoice| &invoice.invoice_id)),
        }
    }

    /// The subscription that this deal settled on.
    pub fn subscription_id(&self) -> Option<&SubscriptionId> {
        match self {
            Self::Stopped { back_to, .. } => back_to.subscription_id(),
            Self::Renewal(renewal) => renewal.subscription_id(),
            Self::Ending(ending) => ending.subscription_id(),
            _ => self
                .draft()
                .and_then(Draft::subscription_id)
                .or_else(|| self.invoice()?.subscription.as_ref().map(|(id, _)| id)),
        }
    }

    /// The next reading of the deal is a plan of its own.
    pub fn plans_anew(&self) -> bool {
        match self {
            Self::Stopped { back_to, .. } => back_to.plans_anew(),
            _ => matches!(
                self,
                Self::Claimed { .. } | Self::CustomerGone { .. } | Self::CurrencyTaken { .. } | Self::Scheduled { .. }
            ),
        }
    }

    /// What the deal comes to, and what of it its one invoice bills: with a subscription, the rest is billed by later ones.
    pub fn billed(&self) -> Option<(Money, Money)> {
        match self {
            Self::Stopped { back_to, .. } => back_to.billed(),
            Self::Renewal(renewal) => renewal.billed(),
            Self::Ending(ending) => ending.billed(),
            _ => self.invoice().map(|Invoice { plan: Plan { total, .. }, subscription, .. }| {
                (*total, subscription.as_ref().map_or(*total, |(_, first)| *first))
            }),
        }
    }

    /// What it bills, where that is settled.
    pub(crate) fn plan(&self) -> Option<&Plan> {
        match self {
            Self::Stopped { back_to, .. } => back_to.plan(),
            Self::Renewal(renewal) => Some(renewal.plan()),
            _ => self.draft().map(|draft| &draft.plan).or(self.invoice().map(|invoice| &invoice.plan)),
        }
    }

    fn draft(&self) -> Option<&Draft> {
        match self {
            Self::Holding { draft, .. }
            | Self::Drafted { draft, .. }
            | Self::Filled { draft, .. }
            | Self::Ready { draft, .. }
            | Self::Reviving { draft, .. }
            | Self::Checking { draft, .. }
            | Self::Comparing { draft, .. }
            | Self::Disarming { draft, .. }
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
            | Self::Amending { invoice, .. }
            | Self::Voiding { invoice, .. }
            | Self::Settling { invoice, .. }
            | Self::Crediting { invoice, .. }
            | Self::Doubting { invoice, .. }
            | Self::Clearing { invoice } => Some(invoice),
            _ => None,
        }
    }

    pub(super) fn opportunity_id(&self) -> OpportunityId {
        match self {
            Self::Claimed { opportunity_id }
            | Self::CustomerGone { opportunity_id, .. }
            | Self::CurrencyTaken { opportunity_id, .. }
            | Self::Scheduled { opportunity_id, .. }
            | Self::Stopped { opportunity_id, .. } => opportunity_id.clone(),
            Self::Planned { plan, .. }
            | Self::NamedOtherwise { plan, .. }
            | Self::InvoiceNamed { plan, .. }
            | Self::SubscriptionNamed { plan, .. }
            | Self::CustomerKnown { plan, .. } => plan.opportunity_id.clone(),
            Self::Pricing { start, .. } | Self::Subscribing { start, .. } => start.plan.opportunity_id.clone(),
            Self::Renewal(renewal) => renewal.opportunity_id().clone(),
            Self::Ending(ending) => ending.opportunity_id().clone(),
            Self::Preflight(preflight) => preflight.opportunity_id.clone(),
            Self::Holding { draft, .. }
            | Self::Drafted { draft, .. }
            | Self::Filled { draft, .. }
            | Self::Ready { draft, .. }
            | Self::Reviving { draft, .. }
            | Self::Checking { draft, .. }
            | Self::Comparing { draft, .. }
            | Self::Disarming { draft, .. }
            | Self::Abandoning { draft, .. } => draft.plan.opportunity_id.clone(),
            Self::Sent { invoice, .. }
            | Self::Done { invoice }
            | Self::Verifying { invoice }
            | Self::Revisiting { invoice }
            | Self::Amending { invoice, .. }
            | Self::Voiding { invoice, .. }
            | Self::Settling { invoice, .. }
            | Self::Crediting { invoice, .. }
            | Self::Doubting { invoice, .. }
            | Self::Clearing { invoice } => invoice.plan.opportunity_id.clone(),
        }
    }

    pub(crate) fn claimed(plan: Plan) -> Self {
        Self::Claimed { opportunity_id: plan.opportunity_id }
    }

    /// Looks at the invoice before anything else is done with it.
    pub(super) fn checking(self, refused: Option<Stop>) -> Self {
        let (draft, stage) = match self {
            Self::Drafted { draft, batch } => (draft, Stage::Lines { batch }),
            Self::Filled { draft, .. } => (draft, Stage::Gate {}),
            Self::Holding { draft, .. } => (draft, Stage::Holding),
            Self::Disarming { draft, .. } => (draft, Stage::Canceling),
            Self::Ready { draft, .. } => (draft, Stage::Sending),
            Self::Comparing { draft, stage, .. } => (draft, stage),
            point => return point,
        };
        Self::looking(draft, stage, refused)
    }

    /// At the subscription first, if it is one's.
    pub(super) fn looking(draft: Draft, stage: Stage, refused: Option<Stop>) -> Self {
        match draft.started {
            Some(_) => Self::Reviving { draft, stage, refused },
            None => Self::Checking { draft, stage, refused },
        }
    }

    /// Whether Salesforce already names the invoice is not known.
    pub(super) fn verifying(self) -> Self {
        match self {
            Self::Sent { invoice, .. } => Self::Verifying { invoice },
            point => point,
        }
    }

    pub(super) fn having(self, heard: Heard) -> Self {
        match self {
            Self::Preflight(preflight) => Self::Preflight(Box::new(preflight.having(heard))),
            Self::Planned { plan, details, named_by_salesforce, basket, .. } => {
                Self::Planned { plan, details, named_by_salesforce, heard, basket }
            }
            point => point,
        }
    }
}
