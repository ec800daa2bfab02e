//! What has become of a subscription stands where sales and customer success look.
//!
//! The event is only a hint: the subscription is read again, and Salesforce is told how it stands now. It names the deal that it is billed
//! for in its metadata, and that deal's opportunity must name the subscription; where it does not yet, the run waits for it.
//!
//! What is written is no register but the state of things, so a write that comes late could say what is over. After one whose answer
//! never came the run looks once more when no request is under way any more.

use domain::{CustomerId, OpportunityId, Record, SubscriptionId};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mapping::{Asked, Code, Kind, Lost, Naming, Settings, Standing, StandsOn, Stop, Untold, Update};
use serde::{Deserialize, Serialize};

use crate::doubt::Doubt;
use crate::opportunity_won::not_kept;
use crate::seek::{Seek, Sought, besides, in_vain};
use crate::watched::watched;
use crate::{Call, End, Fact, Next, OutOfOrder, QUIET, StandingSeen, Status};

/// Salesforce reads five times in one call at most, and each record that is written is read back.
const MOST_AT_ONCE: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// Something has become of it.
    Claimed { watch: Watch },
    /// This is how it stands. What do the records say that name it?
    Seen { watch: Watch, standing: Box<Standing> },
    /// These do not say it.
    Telling {
        watch: Watch,
        standing: Box<Standing>,
        /// The deal that it is billed for and its contract first; they are told together, and then each of the others by itself.
        untold: Vec<Untold>,
        /// Whether that deal names it.
        is_linked: bool,
        /// Why one of those before was not told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left_out: Option<Stop>,
        /// Who is to be asked to look after the customer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<Asked>,
    },
    /// It has ended, and nobody was asked to look after the customer.
    Asking {
        watch: Watch,
        standing: Box<Standing>,
        asked: Asked,
        /// Why a record was not told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left_out: Option<Stop>,
    },
    /// The deal that it is billed for does not name it yet: the deal's own run is still under way.
    NotLinked {
        watch: Watch,
        opportunity_id: OpportunityId,
        /// The deal renewed it, so another one names it as well.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_renewed: bool,
    },
    /// That was waited for in vain. Who names it?
    Seeking { watch: Watch, seek: Seek, is_renewed: bool, waited: Stop },
    /// All is told, and an older write may be under way: it is looked at once more.
    Doubting { watch: Watch, until: Timestamp },
    /// Salesforce says how it stood when it was read. The end, until something becomes of it.
    Done { watch: Watch },
    /// A person must decide, or there was nothing to do. A new event begins again.
    Stopped { watch: Watch, stop: Stop, reported: bool },
}

/// What is looked after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    pub subscription_id: SubscriptionId,
    /// When it was last read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Doubt::is_none")]
    pub doubt: Doubt,
    /// Somebody was asked to look after the customer. What became of the task is theirs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_asked: bool,
    /// Whom it bills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// An opportunity that was found to name it, whatever the subscription itself says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<OpportunityId>,
}

impl Watch {
    pub fn new(subscription_id: SubscriptionId) -> Self {
        let (seen_at, customer_id, found) = (None, None, None);
        Self { subscription_id, seen_at, doubt: Doubt::None, has_asked: false, customer_id, found }
    }
}

impl Watch {
    /// As the subscription was seen, for the deal that is known to name it. One that has renewed it since has it.
    fn named(&self, seen: StandingSeen) -> StandingSeen {
        let found = self.found.clone().filter(|_| !seen.is_renewed);
        StandingSeen { opportunity_id: found.or(seen.opportunity_id), ..seen }
    }
}

impl Point {
    pub fn claimed(subscription_id: SubscriptionId) -> Self {
        Self::Claimed { watch: Watch::new(subscription_id) }
    }

    pub fn next(&self) -> Next {
        match self {
            Self::Claimed { watch } => {
                Next::Call(Call::ReadStanding { subscription_id: watch.subscription_id.clone() })
            }
            Self::Seen { standing, .. } => Next::Call(Call::ReadNaming { standing: standing.clone() }),
            Self::Telling { standing, untold, .. } => {
                let updates = at_once(untold).iter().map(|one| standing.update(one)).collect();
                Next::Call(Call::UpdateRecords { updates })
            }
            Self::Asking { watch, standing, asked, .. } => {
                let day = TimeZone::UTC.to_datetime(watch.seen_at.unwrap_or_default()).date();
                Next::Call(Call::UpdateRecords { updates: vec![standing.task(asked, day)] })
            }
            Self::NotLinked { watch, opportunity_id, .. } => Next::Wait(Stop::review(
                Code::SubscriptionNotLinked,
                format!(
                    "Something has become of subscription {}, and opportunity {opportunity_id}, which it is billed for, does not name it: \
                     see that deal through, or write the id there and send the event again.",
                    watch.subscription_id
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
            (Self::Claimed { watch }, Fact::StandingRead { seen, at }) => {
                let (doubt, customer_id) = (watch.doubt.at(at, QUIET), seen.customer_id.clone());
                let watch = Watch { seen_at: Some(at), doubt, customer_id, ..watch };
                match watch.named(*seen).standing() {
                    Some(standing) => Self::Seen { watch, standing: Box::new(standing) },
                    None => Self::stopped(
                        watch,
                        Stop::not_billable(
                            Code::NotOurs,
                            "The subscription names no opportunity of this organization.",
                        ),
                    ),
                }
            }
            (Self::Claimed { watch }, Fact::SubscriptionMissing) => {
                let message = format!(
                    "Stripe sent an event of subscription {} and does not know it: look whether the key belongs to the same account.",
                    watch.subscription_id
                );
                Self::stopped(watch, Stop::review(Code::SubscriptionNotFound, message))
            }
            (Self::Seen { watch, standing }, Fact::NamingRead(naming)) => told(watch, standing, &naming, settings),
            (Self::Telling { watch, standing, untold, is_linked, left_out, asked }, Fact::RecordsUpdated(records)) => {
                let told = at_once(&untold);
                let written: Vec<_> = told.iter().map(|one| standing.update(one)).collect();
                let left_out = left_out.or_else(|| differing(&written, &records));
                let rest = untold[told.len()..].to_vec();
                Self::Telling { watch, standing, untold: rest, is_linked, left_out, asked }.goes_on()
            }
            // Without its contract the deal may be written all the same; and nobody's refusal keeps another from being told.
            (Self::Telling { watch, standing, untold, is_linked, left_out, asked }, Fact::Refused(why)) => {
                let left_out = left_out.or(Some(Stop::review(why.stop.code, why.stop.message)));
                let refused = at_once(&untold);
                let has_contract = refused.iter().any(|one| one.object == StandsOn::Contract);
                let deal = refused.iter().filter(|one| has_contract && one.object == StandsOn::Opportunity).cloned();
                let rest = deal.chain(untold[refused.len()..].iter().cloned()).collect();
                Self::Telling { watch, standing, untold: rest, is_linked, left_out, asked }.goes_on()
            }
            (Self::Asking { watch, left_out, .. }, Fact::RecordsUpdated(records)) => {
                let is_there = records.first().is_some_and(|task| task.text("Id").is_some());
                let lost = || {
                    let message = "The subscription has ended, and Salesforce keeps no task for that: look at triggers and flows of tasks.";
                    Stop::review(Code::WriteBackDiffers, message)
                };
                let watch = Watch { has_asked: is_there, ..watch };
                match left_out.or_else(|| (!is_there).then(lost)) {
                    Some(stop) => Self::stopped(watch, stop),
                    None => Self::ended(watch),
                }
            }
            (Self::Asking { watch, left_out, .. }, Fact::Refused(why)) => {
                Self::stopped(watch, left_out.unwrap_or_else(|| Stop::review(why.stop.code, why.stop.message)))
            }
            // Waited a day in vain.
            (Self::NotLinked { watch, is_renewed, .. }, Fact::Refused(why)) => {
                Self::sought(watch, is_renewed, why.stop)
            }
            (Self::Seeking { watch, seek, is_renewed, waited }, fact) => {
                let name = fact.name();
                match seek.record(fact) {
                    Sought::On(seek) => Self::Seeking { watch, seek, is_renewed, waited },
                    Sought::Ended(search, found) => match found.owner().filter(|_| !is_renewed).cloned() {
                        Some(owner) => Self::Claimed { watch: Watch { found: Some(owner), ..watch } },
                        None => Self::stopped(watch, in_vain(&waited, &search, &found)),
                    },
                    Sought::Refused(stop) => Self::stopped(watch, besides(&waited, &stop.message)),
                    Sought::OutOfOrder => return Err(OutOfOrder { point: "seeking", fact: name }),
                }
            }
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
            Self::Telling { watch, .. } => Self::Claimed { watch: Watch { doubt: Doubt::Since, ..watch } },
            // The deal that the subscription itself names may name it by now.
            Self::NotLinked { watch, .. } | Self::Stopped { watch, .. } => {
                Self::Claimed { watch: Watch { found: None, ..watch } }
            }
            seeking @ Self::Seeking { .. } => seeking,
            Self::Claimed { watch }
            | Self::Seen { watch, .. }
            | Self::Asking { watch, .. }
            | Self::Doubting { watch, .. }
            | Self::Done { watch } => Self::Claimed { watch },
        }
    }

    /// Whether it was read after that moment, by more than clocks may differ.
    pub fn was_seen_since(&self, moment: Timestamp) -> bool {
        let Self::Done { watch } = self else { return false };
        watch.seen_at.is_some_and(|seen_at| seen_at.duration_since(moment) > QUIET)
    }

    /// The deal that the subscription names does not have it, for this reason. Another one may.
    fn sought(watch: Watch, is_renewed: bool, waited: Stop) -> Self {
        let seek = Seek::new(Lost::Subscription(watch.subscription_id.clone()), watch.customer_id.clone());
        Self::Seeking { watch, seek, is_renewed, waited }
    }

    /// What a write that comes late has made of it may be what is wrong, and what is right may be overwritten yet.
    fn stopped(watch: Watch, stop: Stop) -> Self {
        match watch.doubt {
            Doubt::Until(until) => Self::Doubting { watch, until },
            Doubt::None | Doubt::Since => {
                let reported = !stop.needs_person();
                Self::Stopped { watch, stop, reported }
            }
        }
    }

    /// The others are told whatever has become of these.
    fn goes_on(self) -> Self {
        match self {
            Self::Telling { watch, standing, untold, is_linked, left_out, asked } if untold.is_empty() => {
                match left_out {
                    // Whether that is so still is asked once more.
                    None if !is_linked => Self::Seen { watch, standing },
                    left_out => Self::asking(watch, standing, asked, left_out),
                }
            }
            point => point,
        }
    }

    /// Whoever answers for the account is asked, whatever else was not told.
    fn asking(watch: Watch, standing: Box<Standing>, asked: Option<Asked>, left_out: Option<Stop>) -> Self {
        match (asked, left_out) {
            (Some(asked), left_out) => Self::Asking { watch, standing, asked, left_out },
            (None, Some(stop)) => Self::stopped(watch, stop),
            (None, None) => Self::ended(watch),
        }
    }

    fn ended(watch: Watch) -> Self {
        match watch.doubt {
            Doubt::Until(until) => Self::Doubting { watch, until },
            Doubt::None | Doubt::Since => Self::Done { watch },
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Claimed { .. } => "claimed",
            Self::Seen { .. } => "seen",
            Self::Telling { .. } => "telling",
            Self::Asking { .. } => "asking",
            Self::NotLinked { .. } => "not_linked",
            Self::Seeking { .. } => "seeking",
            Self::Doubting { .. } => "doubting",
            Self::Done { .. } => "done",
            Self::Stopped { .. } => "stopped",
        }
    }

    watched!();
}

/// An unchanged record is not written: every write may start somebody's automation.
fn told(watch: Watch, standing: Box<Standing>, naming: &Naming, settings: &Settings) -> Point {
    let untold = standing.untold(naming, settings);
    let deal = standing.deal(naming);
    let is_linked = deal.is_some_and(|deal| standing.is_named_by(deal));
    // Whoever made it, its owner has it.
    let watch = Watch { has_asked: watch.has_asked || !naming.tasks.is_empty(), ..watch };
    let asked = standing.asked(naming, settings).filter(|_| !watch.has_asked && !planted!(AsksNobody));
    if !untold.is_empty() {
        return Point::Telling { watch, standing, untold, is_linked, left_out: None, asked };
    }
    match deal {
        Some(_) if is_linked => Point::asking(watch, standing, asked, None),
        // A deal that was edited before its first invoice was sent has another one instead.
        _ if standing.is_over => Point::ended(watch),
        // It was found, and is not any more: what the subscription itself names is asked.
        _ if watch.found.is_some() && !standing.is_renewed => Point::Claimed { watch: Watch { found: None, ..watch } },
        Some(_) => {
            let (opportunity_id, is_renewed) = (standing.opportunity_id, standing.is_renewed);
            Point::NotLinked { watch, opportunity_id, is_renewed }
        }
        None => {
            let message = format!(
                "Something has become of subscription {}, and the opportunity that it is billed for, {}, is gone or hidden from the \
                 integration user.",
                watch.subscription_id, standing.opportunity_id
            );
            Point::sought(watch, standing.is_renewed, Stop::review(Code::OpportunityNotFound, message))
        }
    }
}

/// The first that are told in one call: the current ones.
fn at_once(untold: &[Untold]) -> &[Untold] {
    let current = untold.iter().take_while(|one| one.is_current).count();
    &untold[..current.clamp(1, MOST_AT_ONCE).min(untold.len())]
}

/// Why a person is told of what Salesforce holds otherwise than it was written, if it does.
fn differing(written: &[Update], records: &[Record]) -> Option<Stop> {
    let fields = not_kept(written, records);
    (!fields.is_empty()).then(|| {
        let message = format!(
            "The subscription has changed, but Salesforce does not keep {}: check field-level security for the integration user, and \
             triggers or flows that change these fields.",
            fields.join(", ")
        );
        Stop::review(Code::WriteBackDiffers, message)
    })
}

#[cfg(test)]
mod tests;
