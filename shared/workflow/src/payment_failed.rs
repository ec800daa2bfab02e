//! What Stripe could not collect is looked after: a case, and a task where it is unpaid still after a while.
//!
//! The event is only a hint: the invoice is read again, and Salesforce is brought to say how it stands now. While it is unpaid there is
//! one case for it, which tells of the last failure; when nothing is due any more, what is open is closed. Whoever closes a case or takes it
//! away has decided.
//!
//! A write that comes late could say what is over, or open what was to be closed. After one whose answer never came the run looks once
//! more when no request is under way any more.

use domain::{InvoiceId, Record};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mapping::{
    CaseSeen, CaseStep, Code, Dues, Dunning, Failure, Had, IS_CLOSED, Kind, Ruled, Settings, Stop, TaskStep,
};
use serde::{Deserialize, Serialize};

use crate::doubt::Doubt;
use crate::watched::watched;
use crate::{Call, End, Fact, Next, OutOfOrder, QUIET, Status};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// Something has become of its collection.
    Claimed { watch: Watch },
    /// This is how it stands. What does Salesforce say?
    Seen { watch: Watch, failure: Box<Failure> },
    /// It is told.
    Telling { watch: Watch, failure: Box<Failure>, dunning: Dunning },
    /// All is told. It is looked at again then: somebody is to follow it up, or an older write may be under way.
    Resting { watch: Watch, until: Timestamp },
    /// Salesforce says how it stood when it was read. The end, until something becomes of it.
    Done { watch: Watch },
    /// A person must decide, or there was nothing to do. A new event begins again.
    Stopped { watch: Watch, stop: Stop, reported: bool },
}

/// What is looked after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    pub invoice_id: InvoiceId,
    /// When it was last read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    /// When it was first seen to be unpaid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpaid_since: Option<Timestamp>,
    /// Nothing was due any more when it was last read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_settled: bool,
    #[serde(default, skip_serializing_if = "Doubt::is_none")]
    pub doubt: Doubt,
    #[serde(default)]
    pub had: Had,
    /// What rules said of it when it was last looked after.
    #[serde(default, skip_serializing_if = "Ruled::is_none")]
    pub ruled: Ruled,
    /// And after how many hours somebody is to follow it up, by them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_up_hours: Option<u32>,
}

/// What is said at once is looked at again then, where somebody may have stood still before writing. A case that is opened that late for what is
/// paid would be nobody's business any more, so the time is far longer than any request takes.
const LONGEST_STANDSTILL: SignedDuration = SignedDuration::from_hours(1);

impl Watch {
    pub fn new(invoice_id: InvoiceId) -> Self {
        let (seen_at, unpaid_since) = (None, None);
        Self {
            invoice_id,
            seen_at,
            unpaid_since,
            is_settled: false,
            doubt: Doubt::None,
            had: Had::default(),
            ruled: Ruled::default(),
            follow_up_hours: None,
        }
    }

    fn seen(self, failure: &Failure, at: Timestamp) -> Self {
        let unpaid_since = self.unpaid_since.or(failure.dues.is_unpaid().then_some(at));
        let is_settled = failure.dues == Dues::Settled;
        Self { seen_at: Some(at), unpaid_since, is_settled, doubt: self.doubt.at(at, LONGEST_STANDSTILL), ..self }
    }

    /// When somebody is to follow it up, if nobody was asked to.
    fn follow_up_at(&self, settings: &Settings) -> Option<Timestamp> {
        let after = settings
            .follow_up_after(&self.ruled, self.follow_up_hours)
            .filter(|_| !self.had.task && !self.is_settled)?;
        self.unpaid_since?.saturating_add(after).ok()
    }

    fn day(&self) -> jiff::civil::Date {
        TimeZone::UTC.to_datetime(self.seen_at.unwrap_or_default()).date()
    }
}

impl Point {
    pub fn claimed(invoice_id: InvoiceId) -> Self {
        Self::Claimed { watch: Watch::new(invoice_id) }
    }

    pub fn next(&self) -> Next {
        match self {
            Self::Claimed { watch } => Next::Call(Call::ReadCollecting { invoice_id: watch.invoice_id.clone() }),
            Self::Seen { failure, .. } => Next::Call(Call::ReadCase { failure: failure.clone() }),
            Self::Telling { watch, failure, dunning } => {
                Next::Call(Call::UpdateRecords { updates: failure.updates(dunning, watch.day()) })
            }
            Self::Resting { until, .. } => Next::End(End::Resting { until: *until }),
            Self::Done { .. } => Next::End(End::Done),
            Self::Stopped { stop, reported: false, .. } => Next::Call(Call::Report { stop: stop.clone() }),
            Self::Stopped { stop, .. } => Next::End(End::Stopped(stop.clone())),
        }
    }

    pub fn record(self, fact: Fact, settings: &Settings) -> Result<Self, OutOfOrder> {
        Ok(match (self, fact) {
            (Self::Claimed { watch }, Fact::CollectingRead { seen, at }) => match seen.failure(at) {
                // It was switched off since, or it is only told of.
                Some(failure) if settings.payment_cases.is_none() => Self::Done { watch: watch.seen(&failure, at) },
                Some(failure) => Self::seen(watch, failure, at),
                None => {
                    let stop =
                        Stop::not_billable(Code::NotOurs, "The invoice names no opportunity of this organization.");
                    Self::stopped(watch, stop)
                }
            },
            (Self::Claimed { watch }, Fact::InvoiceMissing) => {
                let message = format!(
                    "Stripe sent an event of invoice {} and does not know it: look whether the key belongs to the same account.",
                    watch.invoice_id
                );
                Self::stopped(watch, Stop::review(Code::InvoiceNotFound, message))
            }
            (Self::Seen { watch, failure }, Fact::CaseRead(seen)) => looked_after(watch, failure, &seen, settings),
            (Self::Telling { watch, dunning, .. }, Fact::RecordsUpdated(records)) => {
                match not_done(&watch.invoice_id, &dunning, &records) {
                    // What is not there was not taken away by a person: it is made when that is mended.
                    Some(stop) => Self::stopped(watch, stop),
                    None => Self::ended(Watch { had: dunning.done(watch.had), ..watch }, settings),
                }
            }
            (Self::Telling { watch, failure, dunning }, Fact::Refused(why)) => match dunning.given_on(settings) {
                Some(dunning) => Self::Telling { watch, failure, dunning },
                None => Self::stopped(watch, Stop::review(why.stop.code, why.stop.message)),
            },
            (Self::Claimed { watch } | Self::Seen { watch, .. }, Fact::Refused(why)) => {
                Self::stopped(watch, Stop::review(why.stop.code, why.stop.message))
            }
            (Self::Stopped { watch, stop, .. }, Fact::Reported) => Self::Stopped { watch, stop, reported: true },
            (point, fact) => return Err(OutOfOrder { point: point.name(), fact: fact.name() }),
        })
    }

    pub fn resume(self) -> Self {
        match self {
            // The write may have happened, and may happen yet.
            Self::Telling { watch, .. } if !planted!(ForgetsLateCases) => {
                Self::Claimed { watch: Watch { doubt: Doubt::Since, ..watch } }
            }
            point => Self::Claimed { watch: point.watch().clone() },
        }
    }

    /// Whether it was read after that moment, by more than clocks may differ.
    pub fn was_seen_since(&self, moment: Timestamp) -> bool {
        let (Self::Done { watch } | Self::Resting { watch, .. }) = self else { return false };
        watch.seen_at.is_some_and(|seen_at| seen_at.duration_since(moment) > QUIET)
    }

    /// It was seen to be unpaid, and not to be settled since.
    pub(crate) fn is_unpaid(&self) -> bool {
        let (Self::Done { watch } | Self::Resting { watch, .. }) = self else { return false };
        watch.unpaid_since.is_some() && !watch.is_settled
    }

    pub fn rests(&self) -> bool {
        matches!(self, Self::Resting { .. })
    }

    /// All is told, and it waits for nothing but its follow-up.
    pub(crate) fn is_told(&self) -> bool {
        matches!(self, Self::Resting { watch, .. } if watch.doubt.is_none())
    }

    /// Nothing is due for ever, and Salesforce says so.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Done { watch } if watch.is_settled)
    }

    fn seen(watch: Watch, mut failure: Failure, at: Timestamp) -> Self {
        if planted!(BelievesFailures) {
            failure.dues = Dues::Open;
        }
        Self::Seen { watch: watch.seen(&failure, at), failure: Box::new(failure) }
    }

    /// What a write that comes late has made of it may be what is wrong.
    fn stopped(watch: Watch, stop: Stop) -> Self {
        match watch.doubt.until() {
            Some(until) => Self::Resting { watch, until },
            None => {
                let reported = !stop.needs_person();
                Self::Stopped { watch, stop, reported }
            }
        }
    }

    fn ended(watch: Watch, settings: &Settings) -> Self {
        let follow_up = watch.follow_up_at(settings).filter(|at| watch.seen_at.is_none_or(|seen_at| *at > seen_at));
        match watch.doubt.until().into_iter().chain(follow_up).min() {
            Some(until) => Self::Resting { watch, until },
            None => Self::Done { watch },
        }
    }

    pub(crate) fn watch(&self) -> &Watch {
        match self {
            Self::Claimed { watch }
            | Self::Seen { watch, .. }
            | Self::Telling { watch, .. }
            | Self::Resting { watch, .. }
            | Self::Done { watch }
            | Self::Stopped { watch, .. } => watch,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Claimed { .. } => "claimed",
            Self::Seen { .. } => "seen",
            Self::Telling { .. } => "telling",
            Self::Resting { .. } => "resting",
            Self::Done { .. } => "done",
            Self::Stopped { .. } => "stopped",
        }
    }

    watched!();
}

/// An unchanged record is not written: every write may start somebody's automation.
fn looked_after(watch: Watch, mut failure: Box<Failure>, seen: &CaseSeen, settings: &Settings) -> Point {
    let Some(policy) = &settings.payment_cases else { return Point::ended(watch, settings) };
    let had =
        Had { case: watch.had.case || seen.case.is_some(), task: watch.had.task || seen.task.is_some(), ..watch.had };
    // Of what is settled there is nothing to decide any more.
    let (care, watch) = match failure.dues.is_unpaid() {
        true => {
            let care = policy.care(&failure, seen, settings);
            let (ruled, follow_up_hours) = (care.ruled.clone(), care.follow_up_hours);
            (care, Watch { had, ruled, follow_up_hours, ..watch })
        }
        false => (policy.unruled(settings), Watch { had, ..watch }),
    };
    failure.remark.clone_from(&care.remark);
    if failure.dues.is_unpaid() && seen.opportunity.is_none() {
        let message = format!(
            "Stripe could not collect invoice {}, and the opportunity that it bills, {}, is gone or hidden from the integration user.",
            watch.invoice_id, failure.opportunity_id
        );
        return Point::stopped(watch, Stop::review(Code::OpportunityNotFound, message));
    }
    let is_due = watch.follow_up_at(settings).is_some_and(|at| watch.seen_at.is_some_and(|seen_at| seen_at >= at));
    let dunning = failure.dunning(seen, &watch.had, is_due, &care);
    match dunning.is_none() {
        true => Point::ended(watch, settings),
        false => Point::Telling { watch, failure, dunning },
    }
}

/// Why a person is told of what Salesforce did not keep, if it did not. What flows and people make of a case beside that is theirs, and so is
/// one that was closed or taken away in that moment.
fn not_done(invoice_id: &InvoiceId, dunning: &Dunning, records: &[Record]) -> Option<Stop> {
    let case = dunning.case.as_ref().zip(records.first());
    let task = dunning.task.as_ref().zip(records.last());
    let is_there = |record: &Record| record.text("Id").is_some();
    let what_to_do = match (case, task) {
        (Some((CaseStep::Open { .. }, case)), _) if !is_there(case) => {
            "keeps no case for that: look at triggers and flows of cases"
        }
        (Some((CaseStep::Close { .. }, case)), _) if is_there(case) && !case.is_true(IS_CLOSED) => {
            "does not keep its case closed: look whether CaseClosedStatus names a status that is closed, and at triggers and flows of cases"
        }
        (_, Some((TaskStep::Make { .. }, task))) if !is_there(task) => {
            "keeps no task for that: look at triggers and flows of tasks"
        }
        (_, Some((TaskStep::Close { .. }, task))) if is_there(task) && !task.is_true(IS_CLOSED) => {
            "does not keep its task closed: look at triggers and flows of tasks"
        }
        _ => return None,
    };
    let message = format!("The collection of invoice {invoice_id} has changed, but Salesforce {what_to_do}.");
    Some(Stop::review(Code::WriteBackDiffers, message))
}

#[cfg(test)]
mod tests;
