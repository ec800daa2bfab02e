//! A deal that renews a subscription: the one that is there goes on, with the deal's lines, for the deal's term.
//!
//! Where the new term begins with a period, the change is made in the last one before it, and without proration: what was billed stays
//! billed, and Stripe bills the new lines from the new term's first day on, with the next invoice that it makes by itself. So no period
//! is billed twice, and none is left out. Until that period the deal waits, and is read again then.
//!
//! Where it begins inside a period, the change is made on its first day, and Stripe prorates the rest of that period as it was decided
//! once: by an invoice at once, which is previewed before; by the next one; or not at all.
//! Nothing is sent here: the pivot is the change itself,
//! and everything that may keep it from being made is asked before.

mod delta;
mod extended;
pub(super) mod fit;
mod items;

use domain::{CustomerId, InvoiceId, Money, OpportunityId, SubscriptionId};
pub use extended::Extended;
use extended::{cleared, extended, not_taken, revisited, written_back};
use jiff::Timestamp;
use mapping::{Code, Plan, Renews, Settings, Stop, no_note};
use serde::{Deserialize, Serialize};

use super::basket::{self, Start};
use super::{Point, judge};
use crate::{Call, End, Fact, ItemSeen, Next, Status};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renewal {
    /// The deal that began the subscription has not settled on it yet, or its last invoice is still a draft.
    Unsettled { plan: Plan, customer_id: CustomerId, subscription_id: SubscriptionId },
    /// It is another customer's than the account's. Whose is that?
    Elsewhere {
        plan: Plan,
        customer_id: CustomerId,
        owner: CustomerId,
        /// And than the one that the account has for the plan's currency.
        #[serde(default)]
        is_apart: bool,
    },
    /// The subscription can go on with the deal. What do its products cost?
    Found { plan: Plan, customer_id: CustomerId, account_is_linked: bool, there: There },
    /// Some of what was agreed has no price at Stripe, as far as is known.
    Pricing { start: Start, there: There, looked: bool },
    /// What would Stripe bill at once for the rest of the period?
    Previewing { start: Start, there: There },
    /// Everything that it goes on with is known.
    Ready { start: Start, there: There, interrupted: bool },
    /// It goes on, and Salesforce is to say so.
    Extended { extended: Extended, interrupted: bool },
    /// Salesforce names it. The end.
    Done { extended: Extended },
    /// An event says that the deal was edited: is it another deal now?
    Revisiting { extended: Extended },
    /// It is the deal that it goes on with, and the opportunity carries the note of what was wrong with it once.
    Clearing { extended: Extended },
}

/// The subscription as it is before it is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct There {
    pub subscription_id: SubscriptionId,
    pub items: Vec<ItemSeen>,
    pub ends_at: Option<Timestamp>,
    /// It says of itself that this deal has renewed it: only the ledger has forgotten that.
    pub is_renewed: bool,
    /// The new term begins inside the period that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
}

/// The period inside of which a subscription is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Within {
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    /// What is billed at once for the rest of it, in minor units and with tax, as Stripe has previewed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<i64>,
    /// The invoice that it had made last before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_invoice: Option<InvoiceId>,
}

/// Which subscription it is. Without a name, whatever the customer has is looked through.
pub(super) fn seek(renews: &Renews, customer_id: &CustomerId) -> Next {
    Next::Call(Call::FindRenewed { customer_id: customer_id.clone(), named: renews.subscription_id.clone() })
}

impl Renewal {
    pub(super) fn next(&self) -> Next {
        match self {
            Self::Unsettled { subscription_id, .. } => Next::Wait(unsettled(subscription_id)),
            Self::Elsewhere { owner, .. } => Next::Call(Call::ReadCustomer { customer_id: owner.clone() }),
            Self::Found { plan, .. } => {
                Next::Call(Call::ReadPrices { price_ids: basket::named_prices(plan).into_keys().collect() })
            }
            Self::Pricing { start, looked, .. } => Next::Call(start.call(*looked)),
            Self::Previewing { start, there } => {
                Next::Call(Call::PreviewRenewal(Box::new(items::extension(start, there))))
            }
            Self::Ready { start, there, .. } if there.is_renewed => Next::Call(Call::FindRenewed {
                customer_id: start.customer_id.clone(),
                named: Some(there.subscription_id.clone()),
            }),
            Self::Ready { start, there, .. } => {
                Next::Call(Call::RenewSubscription(Box::new(items::extension(start, there))))
            }
            Self::Extended { extended, .. } => Next::Call(Call::UpdateRecords { updates: extended.write_back() }),
            Self::Done { .. } => Next::End(End::Done),
            Self::Revisiting { extended } => {
                Next::Call(Call::ReadDeal { opportunity_id: extended.plan.opportunity_id.clone() })
            }
            Self::Clearing { extended } => {
                Next::Call(Call::UpdateRecords { updates: vec![no_note(&extended.plan.opportunity_id)] })
            }
        }
    }

    pub(super) fn resume(self) -> Point {
        match self {
            // Nothing has been changed yet: begin with what the deal says now.
            Self::Unsettled { plan, .. } | Self::Elsewhere { plan, .. } | Self::Found { plan, .. } => {
                Point::claimed(plan)
            }
            Self::Pricing { start, .. } | Self::Previewing { start, .. } => Point::claimed(start.plan),
            // It may have been changed. Its key leads to that, or a look at the subscription does.
            Self::Ready { start, there, .. } => Self::Ready { start, there, interrupted: true }.into(),
            point @ Self::Revisiting { .. } => point.into(),
            // What Salesforce did not keep is not written for every event: that would be an edit itself.
            Self::Extended { extended, .. } if !extended.not_kept.is_empty() => Self::Revisiting { extended }.into(),
            Self::Extended { extended, .. } => Self::Extended { extended, interrupted: true }.into(),
            Self::Done { extended } | Self::Clearing { extended } => Self::Revisiting { extended }.into(),
        }
    }

    /// A person asks for it once more: what Salesforce did not keep may be kept now.
    pub(super) fn asked_for(self) -> Self {
        match self {
            Self::Extended { extended, interrupted } => {
                let contract = extended.contract.asked_for(&extended.not_kept);
                Self::Extended { extended: Extended { not_kept: Vec::new(), contract, ..extended }, interrupted }
            }
            renewal => renewal,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Unsettled { .. } => "renewal_unsettled",
            Self::Elsewhere { .. } => "renewal_elsewhere",
            Self::Found { .. } => "renewal_found",
            Self::Pricing { .. } => "renewal_pricing",
            Self::Previewing { .. } => "renewal_previewing",
            Self::Ready { .. } => "renewal_ready",
            Self::Extended { .. } => "renewal_extended",
            Self::Done { .. } => "renewal_done",
            Self::Revisiting { .. } => "renewal_revisiting",
            Self::Clearing { .. } => "renewal_clearing",
        }
    }

    pub(super) fn status(&self) -> Status {
        if matches!(self, Self::Done { .. }) { Status::Done } else { Status::Open }
    }

    /// Where a change is about to be sent that no request was sent for yet, the deal is read anew.
    pub(crate) fn unless_ready(self) -> Point {
        match self {
            Self::Ready { start, .. } => Point::claimed(start.plan),
            renewal => renewal.resume(),
        }
    }

    pub(super) fn plan(&self) -> &Plan {
        match self {
            Self::Unsettled { plan, .. } | Self::Elsewhere { plan, .. } | Self::Found { plan, .. } => plan,
            Self::Pricing { start, .. } | Self::Previewing { start, .. } | Self::Ready { start, .. } => &start.plan,
            Self::Extended { extended, .. }
            | Self::Done { extended }
            | Self::Revisiting { extended }
            | Self::Clearing { extended } => &extended.plan,
        }
    }

    pub(super) fn opportunity_id(&self) -> &OpportunityId {
        &self.plan().opportunity_id
    }

    pub(super) fn customer_id(&self) -> &CustomerId {
        match self {
            Self::Unsettled { customer_id, .. }
            | Self::Elsewhere { customer_id, .. }
            | Self::Found { customer_id, .. } => customer_id,
            Self::Pricing { start, .. } | Self::Previewing { start, .. } | Self::Ready { start, .. } => {
                &start.customer_id
            }
            Self::Extended { extended, .. }
            | Self::Done { extended }
            | Self::Revisiting { extended }
            | Self::Clearing { extended } => &extended.customer_id,
        }
    }

    /// The subscription that goes on for this deal.
    pub(super) fn subscription_id(&self) -> Option<&SubscriptionId> {
        self.extended().map(|extended| &extended.subscription_id)
    }

    fn extended(&self) -> Option<&Extended> {
        match self {
            Self::Extended { extended, .. }
            | Self::Done { extended }
            | Self::Revisiting { extended }
            | Self::Clearing { extended } => Some(extended),
            Self::Unsettled { .. }
            | Self::Elsewhere { .. }
            | Self::Found { .. }
            | Self::Pricing { .. }
            | Self::Previewing { .. }
            | Self::Ready { .. } => None,
        }
    }

    /// What the deal comes to, all of which is billed by invoices that Stripe makes by itself.
    pub(super) fn billed(&self) -> Option<(Money, Money)> {
        let total = self.extended()?.plan.total;
        Some((total, Money::from_minor_units(0, total.currency())))
    }
}

/// It may be being billed this very moment. After a day a person looks.
fn unsettled(subscription_id: &SubscriptionId) -> Stop {
    let message = format!(
        "Stripe subscription {subscription_id} has an invoice that is not sent: that of the deal which began it, or of a later period. See \
         that through, then send the event again."
    );
    Stop::refused(Code::RenewalUnsettled, message)
}

impl From<Renewal> for Point {
    fn from(renewal: Renewal) -> Self {
        Self::Renewal(Box::new(renewal))
    }
}

/// What a fact means at the points of a renewal; given back if it is none of them.
pub(super) fn record(point: Point, fact: Fact, settings: &Settings) -> Result<Point, Box<(Point, Fact)>> {
    match (point, fact) {
        (
            Point::CustomerKnown { plan, customer_id, account_is_linked, is_apart, .. },
            Fact::RenewableSeen { found, at },
        ) => {
            let whose = fit::Whose { customer_id, account_is_linked, is_apart };
            Ok(fit::chosen(plan, whose, found, at))
        }
        (Point::Renewal(renewal), fact) => match (*renewal, fact) {
            (Renewal::Elsewhere { plan, customer_id, owner, is_apart }, Fact::CustomerRead { metadata, .. }) => {
                Ok(fit::owned(plan, &customer_id, owner, is_apart, Some(&metadata)))
            }
            (Renewal::Elsewhere { plan, customer_id, owner, is_apart }, Fact::CustomerMissing) => {
                Ok(fit::owned(plan, &customer_id, owner, is_apart, None))
            }
            (Renewal::Found { plan, customer_id, account_is_linked, there }, Fact::PricesRead(prices)) => {
                Ok(match Start::new(plan.clone(), customer_id, account_is_linked, &prices) {
                    Ok(start) => priced(start, there, false),
                    Err(stop) => Point::claimed(plan).stopped(stop),
                })
            }
            (Renewal::Pricing { start, there, looked: false }, Fact::PricesRead(prices)) => {
                Ok(priced(start.settle(&prices), there, true))
            }
            (Renewal::Pricing { start, there, .. }, Fact::PriceCreated(price)) => Ok(match start.made(&price) {
                Ok(start) => priced(start, there, true),
                Err(other) => Point::claimed(other.0).stopped(other.1),
            }),
            (Renewal::Previewing { start, there }, Fact::RenewalPreviewed(seen)) => {
                Ok(delta::previewed(start, there, &seen))
            }
            (Renewal::Ready { start, there, interrupted }, Fact::SubscriptionRenewed(seen)) => {
                Ok(extended(start, &there, &seen, interrupted))
            }
            (Renewal::Ready { start, there, .. }, Fact::RenewableSeen { mut found, .. }) => Ok(match found.pop() {
                Some(seen) => extended(start, &there, &seen, true),
                None => Point::claimed(start.plan),
            }),
            // Since it was to be, the deal may have changed, and the subscription as well.
            (Renewal::Ready { start, .. }, Fact::SubscriptionNotRenewed) => Ok(Point::claimed(start.plan)),
            (Renewal::Ready { start, .. }, Fact::NotApproved { ceiling, total }) => {
                let stop = judge::above(&start.plan, ceiling, total);
                Ok(Point::claimed(start.plan).stopped(stop))
            }
            (
                renewal @ (Renewal::Unsettled { .. }
                | Renewal::Elsewhere { .. }
                | Renewal::Found { .. }
                | Renewal::Pricing { .. }
                | Renewal::Previewing { .. }
                | Renewal::Ready { .. }),
                Fact::Refused(why),
            ) => Ok(Point::claimed(renewal.plan().clone()).stopped(why.stop)),
            (Renewal::Extended { extended, interrupted }, Fact::RecordsUpdated(records)) => {
                Ok(written_back(extended, interrupted, &records))
            }
            (Renewal::Extended { extended, interrupted }, Fact::Refused(why)) => {
                Ok(not_taken(extended, interrupted, why.stop))
            }
            (Renewal::Revisiting { extended }, Fact::DealRead(deal)) => Ok(revisited(extended, &deal, settings)),
            (Renewal::Clearing { extended }, Fact::RecordsUpdated(records)) => Ok(cleared(extended, &records)),
            (
                renewal @ (Renewal::Extended { .. } | Renewal::Revisiting { .. } | Renewal::Clearing { .. }),
                Fact::RecordMissing,
            ) => {
                let message = "The deal renewed its subscription, and its opportunity is gone.";
                Ok(Point::from(renewal).stopped(Stop::review(Code::OpportunityNotFound, message)))
            }
            (renewal @ (Renewal::Revisiting { .. } | Renewal::Clearing { .. }), Fact::Refused(why)) => {
                Ok(Point::from(renewal).stopped(Stop::review(why.stop.code, why.stop.message)))
            }
            (renewal, fact) => Err(Box::new((renewal.into(), fact))),
        },
        unknown => Err(Box::new(unknown)),
    }
}

fn priced(start: Start, there: There, looked: bool) -> Point {
    if start.wanted().next().is_some() {
        return Renewal::Pricing { start, there, looked }.into();
    }
    match delta::is_billed_at_once(&start, &there) {
        true => Renewal::Previewing { start, there },
        false => Renewal::Ready { start, there, interrupted: false },
    }
    .into()
}
