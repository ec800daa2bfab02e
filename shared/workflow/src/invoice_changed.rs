//! What has become of a deal's invoice stands on its opportunity: that it is overdue, void or written off, what of it was credited or given
//! back, and that its payment is disputed.
//!
//! The event is only a hint: the invoice is read again, with what became of its payments, and the opportunity is told how it stands now.
//! Only the invoice that the opportunity names is told of there. A later period's, or one that another took the place of, is not.
//!
//! What is written is no register but the state of things, so a write that comes late could say what is over. After one whose answer
//! never came the run looks once more when no request is under way any more. That it is paid is said by the payment's own run too.

mod watch;

use domain::{InvoiceId, Neighbour, OpportunityId, Record};
use jiff::Timestamp;
use mapping::{Code, InvoiceStanding, Kind, Lost, Settings, Stop, currency_of};
use serde::{Deserialize, Serialize};
pub use watch::{Dispute, Watch};

use crate::doubt::Doubt;
use crate::seek::{Seek, Sought, besides, in_vain};
use crate::watched::watched;
use crate::{Call, End, Fact, InvoiceStandingSeen, InvoiceStatus, Next, OutOfOrder, QUIET, Status};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// Something has become of it.
    Claimed { watch: Watch },
    /// This is how it stands. What does the opportunity say?
    Seen { watch: Watch, standing: Box<InvoiceStanding> },
    /// It does not say it.
    Telling { watch: Watch, standing: Box<InvoiceStanding> },
    /// The opportunity names no invoice yet: the deal's own run is still under way.
    NotLinked { watch: Watch, opportunity_id: OpportunityId },
    /// That was waited for in vain. Who names it?
    Seeking { watch: Watch, seek: Seek, waited: Stop },
    /// It is looked at once more: an older write may be under way, or the opportunity may come to name it.
    Doubting { watch: Watch, until: Timestamp },
    /// Salesforce says how it stood when it was read. The end, until something becomes of it.
    Done { watch: Watch },
    /// A person must decide, or there was nothing to do. A new event begins again.
    Stopped { watch: Watch, stop: Stop, reported: bool },
}

impl Point {
    pub fn claimed(invoice_id: InvoiceId, dispute: Option<Dispute>) -> Self {
        Self::Claimed { watch: Watch { disputes: dispute.into_iter().collect(), ..Watch::new(invoice_id) } }
    }

    /// A run that is taken up for another event, which may be a dispute.
    pub(crate) fn hearing(self, brought: Self) -> Self {
        match (self, brought) {
            (Self::Claimed { mut watch }, Self::Claimed { watch: brought }) => {
                watch.hear(brought.disputes);
                Self::Claimed { watch }
            }
            (Self::Seeking { mut watch, seek, waited }, Self::Claimed { watch: brought }) => {
                watch.hear(brought.disputes);
                Self::Seeking { watch, seek, waited }
            }
            (point, _) => point,
        }
    }

    /// A person asks for it once more: what waits for an answer still is said again, if it is a dispute that they ask for.
    pub(crate) fn asked_for(self) -> Self {
        match self.resume() {
            Self::Claimed { watch } => Self::Claimed { watch: Watch { said: Vec::new(), ..watch } },
            Self::Seeking { watch, seek, waited } => {
                Self::Seeking { watch: Watch { said: Vec::new(), ..watch }, seek, waited }
            }
            point => point,
        }
    }

    /// Somebody has to answer a bank by a day.
    pub fn is_urgent(&self) -> bool {
        !matches!(self, Self::Done { .. } | Self::Stopped { .. }) && !self.watch().disputes.is_empty()
    }

    /// It knows of this dispute, and has yet to say so.
    pub fn is_to_say(&self, dispute: &Dispute) -> bool {
        self.status() == Status::Open && self.watch().is_to_say(&dispute.dispute_id)
    }

    fn watch(&self) -> &Watch {
        match self {
            Self::Claimed { watch }
            | Self::Seen { watch, .. }
            | Self::Telling { watch, .. }
            | Self::NotLinked { watch, .. }
            | Self::Seeking { watch, .. }
            | Self::Doubting { watch, .. }
            | Self::Done { watch }
            | Self::Stopped { watch, .. } => watch,
        }
    }

    pub fn next(&self) -> Next {
        match self {
            Self::Claimed { watch } => Next::Call(Call::ReadInvoiceStanding { invoice_id: watch.invoice_id.clone() }),
            Self::Seen { standing, .. } => {
                Next::Call(Call::ReadBilling { opportunity_id: standing.opportunity_id.clone() })
            }
            Self::Telling { standing, .. } => Next::Call(Call::UpdateRecords { updates: vec![standing.update()] }),
            Self::NotLinked { watch, opportunity_id } => Next::Wait(Stop::review(
                Code::InvoiceNotLinked,
                format!(
                    "Something has become of invoice {}, and opportunity {opportunity_id}, which it bills, names no invoice: see that deal \
                     through, or write the id into Stripe Invoice Id and send the event again.",
                    watch.invoice_id
                ),
            )),
            Self::Seeking { seek, .. } => Next::Call(seek.call()),
            Self::Doubting { until, .. } => Next::End(End::Resting { until: *until }),
            Self::Done { .. } => Next::End(End::Done),
            Self::Stopped { stop, reported: false, .. } => Next::Call(Call::Report { stop: stop.clone() }),
            Self::Stopped { stop, .. } => Next::End(End::Stopped(stop.clone())),
        }
    }

    pub fn record(self, fact: Fact, settings: &Settings) -> Result<Self, OutOfOrder> {
        Ok(match (self, fact) {
            (Self::Claimed { watch }, Fact::InvoiceStandingRead { seen, at }) => Self::seen(watch, &seen, at, settings),
            (Self::Claimed { watch }, Fact::InvoiceMissing) => {
                let message = format!(
                    "Stripe sent an event of invoice {} and does not know it: look whether the key belongs to the same account.",
                    watch.invoice_id
                );
                Self::stopped(watch, Stop::review(Code::InvoiceNotFound, message))
            }
            (Self::Seen { watch, standing }, Fact::BillingRead(record)) => told(watch, standing, &record, settings),
            (Self::Seen { watch, standing }, Fact::RecordMissing) => gone(watch, &standing),
            (Self::Telling { watch, standing }, Fact::RecordsUpdated(records)) => {
                match records.first().filter(|record| record.text("Id").is_some()) {
                    Some(record) => kept(watch, &standing, record),
                    None => gone(watch, &standing),
                }
            }
            // Waited a day in vain.
            (Self::NotLinked { watch, .. }, Fact::Refused(why)) => Self::sought(watch, why.stop),
            (Self::Seeking { watch, seek, waited }, fact) => {
                let name = fact.name();
                match seek.record(fact) {
                    Sought::On(seek) => Self::Seeking { watch, seek, waited },
                    Sought::Ended(search, found) => match found.owner().cloned() {
                        Some(owner) => Self::Claimed { watch: Watch { found: Some(owner), ..watch } },
                        None => Self::stopped(watch, in_vain(&waited, &search, &found)),
                    },
                    Sought::Refused(stop) => Self::stopped(watch, besides(&waited, &stop.message)),
                    Sought::OutOfOrder => return Err(OutOfOrder { point: "seeking", fact: name }),
                }
            }
            (Self::Claimed { watch } | Self::Seen { watch, .. } | Self::Telling { watch, .. }, Fact::Refused(why)) => {
                Self::stopped(watch, Stop::review(why.stop.code, why.stop.message))
            }
            (Self::Stopped { watch, stop, .. }, Fact::Reported) => Self::Stopped { watch, stop, reported: true },
            (point, fact) => return Err(OutOfOrder { point: point.name(), fact: fact.name() }),
        })
    }

    pub fn resume(self) -> Self {
        match self {
            // What was said is said.
            Self::Stopped { mut watch, stop, reported } => {
                watch.was_overtaken = false;
                watch.found = None;
                if reported && stop.code == Code::PaymentDisputed && !planted!(SaysDisputesAgain) {
                    watch.said.extend(watch.disputes.drain(..).map(|dispute| dispute.dispute_id));
                }
                Self::Claimed { watch }
            }
            // The write may have happened, and may happen yet.
            Self::Telling { watch, .. } => Self::Claimed { watch: Watch { doubt: Doubt::Since, ..watch } },
            // The deal that the invoice itself names may name it by now.
            Self::NotLinked { watch, .. } => Self::Claimed { watch: Watch { found: None, ..watch } },
            seeking @ Self::Seeking { .. } => seeking,
            Self::Doubting { watch, .. } if planted!(ForgetsDisputes) => {
                Self::Claimed { watch: Watch { disputes: Vec::new(), ..watch } }
            }
            Self::Claimed { watch }
            | Self::Seen { watch, .. }
            | Self::Doubting { watch, .. }
            | Self::Done { watch } => Self::Claimed { watch },
        }
    }

    /// Whether it was read after that moment, by more than clocks may differ.
    pub fn was_seen_since(&self, moment: Timestamp) -> bool {
        let Self::Done { watch } = self else { return false };
        watch.seen_at.is_some_and(|seen_at| seen_at.duration_since(moment) > QUIET)
    }

    fn seen(watch: Watch, seen: &InvoiceStandingSeen, at: Timestamp, settings: &Settings) -> Self {
        let is_of_later_period = seen.is_of_later_period;
        let (doubt, customer_id) = (watch.doubt.at(at, QUIET), seen.customer_id.clone());
        let watch = Watch { seen_at: Some(at), doubt, is_of_later_period, customer_id, ..watch };
        let seen =
            InvoiceStandingSeen { opportunity_id: watch.found.clone().or(seen.opportunity_id.clone()), ..seen.clone() };
        let Some(opportunity_id) = &seen.opportunity_id else {
            let stop = Stop::not_billable(Code::NotOurs, "The invoice names no opportunity of this organization.");
            return Self::stopped(watch, stop);
        };
        // A draft of a deal's own is its run's business, which may be about to change it.
        if let (InvoiceStatus::Draft, Some(why), true) = (seen.status, &seen.not_finalized, is_of_later_period)
            && settings.followed.has(Neighbour::InvoiceFinalizationFailed)
        {
            let message = format!(
                "Stripe could not finalize invoice {} over {}, which bills opportunity {opportunity_id}, so nobody was asked to pay it. Stripe \
                 says: {why}",
                watch.invoice_id, seen.total
            );
            return Self::stopped(watch, Stop::review(Code::InvoiceNotFinalized, message));
        }
        match seen.standing(at) {
            Some(standing) if settings.followed.shows_invoices() => Self::Seen { watch, standing: Box::new(standing) },
            // Nobody but us has seen a draft.
            _ => Self::ended(watch),
        }
    }

    /// The deal that the invoice names does not have it, for this reason. Another one may.
    fn sought(watch: Watch, waited: Stop) -> Self {
        let seek = Seek::new(Lost::Invoice(watch.invoice_id.clone()), watch.customer_id.clone());
        Self::Seeking { watch, seek, waited }
    }

    /// What a write that comes late has made of it may be what is wrong. A bank waits until a day, whatever else is wrong: that is said first,
    /// and the rest with it.
    fn stopped(watch: Watch, stop: Stop) -> Self {
        match (watch.doubt.until(), watch.disputed()) {
            (Some(until), _) => Self::Doubting { watch, until },
            (None, Some(disputed)) if stop.needs_person() && !planted!(SwallowsDisputes) => {
                let stop = Stop::review(Code::PaymentDisputed, format!("{disputed} Besides: {}", stop.message));
                Self::Stopped { watch, stop, reported: false }
            }
            (None, _) => {
                let reported = !stop.needs_person();
                Self::Stopped { watch, stop, reported }
            }
        }
    }

    /// Salesforce says it. That a bank wants the money back waits for a person.
    fn ended(watch: Watch) -> Self {
        match (watch.doubt.until(), watch.disputed()) {
            (Some(until), _) => Self::Doubting { watch, until },
            (None, Some(disputed)) => {
                let stop = Stop::review(Code::PaymentDisputed, disputed);
                Self::Stopped { watch, stop, reported: false }
            }
            (None, None) => Self::Done { watch },
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Claimed { .. } => "claimed",
            Self::Seen { .. } => "seen",
            Self::Telling { .. } => "telling",
            Self::NotLinked { .. } => "not_linked",
            Self::Seeking { .. } => "seeking",
            Self::Doubting { .. } => "doubting",
            Self::Done { .. } => "done",
            Self::Stopped { .. } => "stopped",
        }
    }

    watched!();
}

/// What the opportunity says before anything is written. An unchanged record is not.
fn told(watch: Watch, standing: Box<InvoiceStanding>, record: &Record, settings: &Settings) -> Point {
    match record.text("Stripe_Invoice_Id__c") {
        // It was found, and is not any more: what the invoice itself names is asked.
        id if watch.found.is_some() && id != Some(watch.invoice_id.as_str()) => {
            Point::Claimed { watch: Watch { found: None, ..watch } }
        }
        Some(_) if watch.found.is_some() && currency_of(record, settings) != Some(standing.credited.currency()) => {
            let message = format!(
                "Something has become of invoice {}, and opportunity {}, which names it, is in another currency: its amounts cannot stand there.",
                watch.invoice_id, standing.opportunity_id
            );
            Point::stopped(watch, Stop::review(Code::InvoiceInAnotherCurrency, message))
        }
        None if watch.is_of_later_period => Point::ended(watch),
        None => Point::NotLinked { watch, opportunity_id: standing.opportunity_id },
        Some(id) if id == watch.invoice_id.as_str() => {
            let watch = Watch { names_another: false, ..watch };
            if standing.differences(record).is_empty() || planted!(LeavesInvoicesUntold) {
                Point::ended(watch)
            } else {
                Point::Telling { watch, standing }
            }
        }
        // It may be about to take that one's place.
        Some(_) if settings.amendments.reissues() && !watch.names_another && !watch.is_of_later_period => {
            let watch = Watch { names_another: true, ..watch };
            match watch.seen_at.and_then(|seen_at| seen_at.saturating_add(QUIET).ok()) {
                Some(until) => Point::Doubting { watch, until },
                None => Point::ended(watch),
            }
        }
        Some(_) => Point::ended(watch),
    }
}

/// What it says after that. What it did not take may have been overtaken: it names another by now, or says that this one is paid.
fn kept(watch: Watch, standing: &InvoiceStanding, record: &Record) -> Point {
    let differences = standing.differences(record);
    if differences.is_empty() {
        return Point::ended(Watch { was_overtaken: false, ..watch });
    }
    let is_overtaken = record.text("Stripe_Invoice_Id__c") != Some(watch.invoice_id.as_str())
        || standing.status != "paid" && record.text(mapping::INVOICE_STATUS) == Some("paid");
    match is_overtaken && !watch.was_overtaken {
        true => Point::Claimed { watch: Watch { doubt: Doubt::Since, was_overtaken: true, ..watch } },
        false => {
            let message = format!(
                "Invoice {} is {}, but Salesforce does not keep {}: check field-level security for the integration user, triggers or flows \
                 that change these fields, and whether the opportunity says that it is paid though it is not.",
                watch.invoice_id,
                standing.status,
                differences.join(", ")
            );
            Point::stopped(watch, Stop::review(Code::WriteBackDiffers, message))
        }
    }
}

fn gone(watch: Watch, standing: &InvoiceStanding) -> Point {
    if watch.found.is_some() {
        return Point::Claimed { watch: Watch { found: None, ..watch } };
    }
    let message = format!(
        "Invoice {} is {}, and its opportunity {} is gone or hidden from the integration user.",
        watch.invoice_id, standing.status, standing.opportunity_id
    );
    let stop = Stop::review(Code::OpportunityNotFound, message);
    // A later period's no opportunity is to name.
    if watch.is_of_later_period { Point::stopped(watch, stop) } else { Point::sought(watch, stop) }
}

#[cfg(test)]
mod tests;
