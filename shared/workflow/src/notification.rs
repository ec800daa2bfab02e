//! Somebody is told of something, in one place: once, and not again for a while.
//!
//! Nobody's money waits for it. What is to be told is asked of the run that it is about just before, so that what is mended meanwhile is
//! not told any more.
//!
//! Neither Slack nor SNS can be asked what was said, and neither knows of idempotency. Whoever does not hear whether a message arrived does
//! not say it again at once: it may have, and nothing is said twice within the window. After that it is, once, and says so.

use std::fmt;

use domain::{InvoiceId, Record};
use jiff::Timestamp;
use jiff::civil::Date;
use mapping::{Asking, Channel, Code, Hearing, Kind, Message, Notifications, Ruled, Settings, Stop, Tidings};
use serde::{Deserialize, Serialize};

use crate::{Call, End, Fact, Next, OutOfOrder, Status};

/// What somebody is told of: together with the place it names the run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// What became of another run; its key in the ledger.
    Run { key: String, tells: Tells },
    /// A day's statement.
    Day { day: Date },
}

/// What a run that has come to an end tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tells {
    /// A deal is billed: by this invoice, or by the subscription that it renewed.
    Won { by: String },
    /// A payment failed.
    Failed,
    /// It stands still until somebody does something.
    Stopped { code: Code },
}

impl fmt::Display for Tells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Won { by } => write!(f, "won:{by}"),
            Self::Failed => f.write_str("failed"),
            Self::Stopped { code } => write!(f, "stopped:{code}"),
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run { key, tells } => write!(f, "{tells}:{key}"),
            Self::Day { day } => write!(f, "digest:{day}"),
        }
    }
}

impl Tells {
    pub fn is_wanted(&self, policy: &Notifications) -> bool {
        match self {
            Self::Won { .. } => policy.wins,
            Self::Failed => policy.failures,
            Self::Stopped { .. } => policy.refusals,
        }
    }
}

impl About {
    pub fn is_wanted(&self, policy: &Notifications) -> bool {
        match self {
            Self::Run { tells, .. } => tells.is_wanted(policy),
            Self::Day { .. } => policy.digests,
        }
    }

    /// A reason to stop may come back. Everything else is told once.
    fn may_come_back(&self) -> bool {
        matches!(self, Self::Run { tells: Tells::Stopped { .. }, .. })
    }
}

/// What is to be told, and what is known of it having been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub about: About,
    /// Where. Older runs do not say: of those no rule is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    pub tidings: Tidings,
    /// How often there was something to tell of that run by then, and by when it was said last.
    #[serde(default)]
    pub count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_count: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// It was sent then, and nobody answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_doubt_since: Option<Timestamp>,
    /// How often that was so.
    #[serde(default)]
    pub doubts: u32,
    /// Since when nobody takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsaid_since: Option<Timestamp>,
    /// What rules said of whether it is said there.
    #[serde(default, skip_serializing_if = "Ruled::is_none")]
    pub ruled: Ruled,
}

/// Whoever does not answer that often, once in each window, does not answer.
const MOST_DOUBTS: u32 = 24;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// Somebody is to be told.
    Claimed { notice: Notice },
    /// The payment failed. Is it unpaid still, and why?
    Failed { notice: Notice, invoice_id: InvoiceId },
    /// It is said; from that moment on it may have been.
    Telling {
        notice: Notice,
        message: Box<Message>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
    },
    /// Whoever is to say it cannot.
    Unsaid { notice: Notice, stop: Stop },
    /// It may have been said, or was said a moment ago and is news again. It is said then, if it stands.
    Resting { notice: Notice, until: Timestamp },
    /// It is said, or there is nothing to say. The end, until it happens again.
    Done { notice: Notice },
    /// A person must see to it.
    Stopped { notice: Notice, stop: Stop, reported: bool },
}

impl Point {
    pub fn claimed(channel: Channel, about: About, tidings: Tidings, count: u32) -> Self {
        let (told_count, told_at, in_doubt_since, unsaid_since) = (None, None, None, None);
        let (channel, doubts, ruled) = (Some(channel), 0, Ruled::default());
        Self::of(Notice {
            about,
            channel,
            tidings,
            count,
            told_count,
            told_at,
            in_doubt_since,
            doubts,
            unsaid_since,
            ruled,
        })
    }

    fn of(notice: Notice) -> Self {
        match &notice.tidings {
            Tidings::Nothing => Self::Done { notice },
            _ if notice.is_said() => Self::Done { notice },
            Tidings::Failed { invoice_id } => Self::Failed { invoice_id: invoice_id.clone(), notice },
            _ => Self::Claimed { notice },
        }
    }

    pub fn next(&self) -> Next {
        match self {
            Self::Failed { invoice_id, .. } => Next::Call(Call::ReadCollecting { invoice_id: invoice_id.clone() }),
            Self::Claimed { notice } => {
                Next::Call(Call::ReadNames { opportunity_id: notice.tidings.opportunity_id().cloned() })
            }
            Self::Telling { message, .. } => Next::Call(Call::Tell { message: message.clone() }),
            Self::Unsaid { stop, .. } => Next::Wait(stop.clone()),
            Self::Resting { until, .. } => Next::End(End::Resting { until: *until }),
            Self::Done { .. } => Next::End(End::Done),
            Self::Stopped { stop, reported: false, .. } => Next::Call(Call::Report { stop: stop.clone() }),
            Self::Stopped { stop, .. } => Next::End(End::Stopped(stop.clone())),
        }
    }

    pub fn record(self, fact: Fact, settings: &Settings) -> Result<Self, OutOfOrder> {
        Ok(match (self, fact) {
            (Self::Failed { notice, .. }, Fact::CollectingRead { seen, at }) => {
                let tidings = match seen.failure(at).filter(|failure| failure.dues.is_unpaid()) {
                    Some(failure) => Tidings::unpaid(failure),
                    None => Tidings::Nothing,
                };
                Self::of(Notice { tidings, ..notice })
            }
            (Self::Failed { notice, .. }, Fact::InvoiceMissing) => {
                Self::Done { notice: Notice { tidings: Tidings::Nothing, ..notice } }
            }
            (Self::Claimed { notice }, Fact::NamesRead { deal, unread, at }) => {
                // It was switched off since.
                let Some(policy) = &settings.notifications else { return Ok(Self::Done { notice }) };
                match notice.silent_until(policy) {
                    Some(until) if at < until => Self::Resting { notice, until },
                    _ => said(notice, deal.as_ref(), unread.as_deref(), settings, policy),
                }
            }
            (Self::Telling { notice, .. }, Fact::Told { at }) => Self::Done { notice: notice.told(at) },
            (Self::Telling { notice, since, .. }, Fact::ToldPerhaps) => {
                let notice = notice.doubted(since);
                match settings.notifications.as_ref().and_then(|policy| notice.silent_until(policy)) {
                    _ if notice.doubts > MOST_DOUBTS => Self::stopped(notice, unanswered()),
                    Some(until) => Self::Resting { notice, until },
                    None => Self::Done { notice },
                }
            }
            (Self::Telling { notice, .. }, Fact::NotTold { stop, at }) => {
                Self::Unsaid { notice: Notice { unsaid_since: notice.unsaid_since.or(Some(at)), ..notice }, stop }
            }
            (Self::Failed { notice, .. }, Fact::Refused(why)) => Self::stopped(notice, why.stop),
            // Waited a day in vain.
            (Self::Unsaid { notice, .. }, Fact::Refused(why)) => Self::stopped(notice, why.stop),
            (Self::Stopped { notice, stop, .. }, Fact::Reported) => Self::Stopped { notice, stop, reported: true },
            (point, fact) => return Err(OutOfOrder { point: point.name(), fact: fact.name() }),
        })
    }

    /// Whoever takes it up brings along how it stands by now.
    pub fn resume(self) -> Self {
        let notice = self.notice().clone();
        Self::of(match self {
            Self::Telling { since, .. } => notice.doubted(since),
            _ => notice,
        })
    }

    /// What it is about is as the newcomer says. Whether it was said is what is remembered here. What is news is given its own time.
    pub(crate) fn hearing(&self, brought: &Self) -> Self {
        let Notice { tidings, count, channel, .. } = brought.notice().clone();
        let notice = self.notice().clone();
        let (doubts, unsaid_since) = match count > notice.count {
            true => (0, None),
            false => (notice.doubts, notice.unsaid_since),
        };
        Self::of(Notice { tidings, channel, count: count.max(notice.count), doubts, unsaid_since, ..notice })
    }

    /// From now on it may have been said.
    pub(crate) fn sending(self, now: Timestamp) -> Self {
        match self {
            Self::Telling { notice, message, .. } => Self::Telling { notice, message, since: Some(now) },
            point => point,
        }
    }

    /// Since when nobody takes it.
    pub fn unsaid_since(&self) -> Option<Timestamp> {
        self.notice().unsaid_since
    }

    pub fn notice(&self) -> &Notice {
        match self {
            Self::Claimed { notice }
            | Self::Failed { notice, .. }
            | Self::Telling { notice, .. }
            | Self::Unsaid { notice, .. }
            | Self::Resting { notice, .. }
            | Self::Done { notice }
            | Self::Stopped { notice, .. } => notice,
        }
    }

    fn stopped(notice: Notice, stop: Stop) -> Self {
        Self::Stopped { notice, stop: Stop { kind: Kind::Review, ..stop }, reported: false }
    }

    /// A stop that was reported before, for the same cause, is not reported again.
    pub(crate) fn already_said(self, parked: Option<&Stop>) -> Self {
        match self {
            Self::Stopped { notice, stop, reported } => {
                Self::Stopped { reported: reported || parked == Some(&stop), notice, stop }
            }
            point => point,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Claimed { .. } => "claimed",
            Self::Failed { .. } => "failed",
            Self::Telling { .. } => "telling",
            Self::Unsaid { .. } => "unsaid",
            Self::Resting { .. } => "resting",
            Self::Done { .. } => "done",
            Self::Stopped { .. } => "stopped",
        }
    }

    pub fn status(&self) -> Status {
        match self {
            Self::Done { .. } => Status::Done,
            Self::Stopped { reported: true, .. } => Status::Review,
            _ => Status::Open,
        }
    }

    pub fn stop(&self) -> Option<&Stop> {
        match self {
            Self::Stopped { stop, .. } => Some(stop),
            _ => None,
        }
    }
}

impl Notice {
    /// What may come back was said as often as there was something to say; everything else is said once.
    fn is_said(&self) -> bool {
        let is_told = self.told_count.is_some_and(|told_count| told_count >= self.count) && !planted!(SaysItAgain);
        self.in_doubt_since.is_none() && (is_told || self.told_at.is_some() && !self.about.may_come_back())
    }

    fn told(self, at: Timestamp) -> Self {
        let (told_at, told_count) = (Some(at), Some(self.count));
        Self { told_at, told_count, in_doubt_since: None, doubts: 0, unsaid_since: None, ..self }
    }

    /// Until when it is not said again, if it was said, or may have been.
    pub fn silent_until(&self, policy: &Notifications) -> Option<Timestamp> {
        if planted!(SaysItAgain) {
            return None;
        }
        self.told_at.max(self.in_doubt_since)?.saturating_add(policy.window).ok()
    }

    fn message(&self, deal: Option<&Record>, policy: &Notifications) -> Option<Message> {
        self.tidings.message(&self.about, deal, self.in_doubt_since.is_some(), policy)
    }

    fn doubted(self, since: Option<Timestamp>) -> Self {
        if planted!(ForgetsWhatIsSaid) || since.is_none() {
            return self;
        }
        Self { in_doubt_since: since, doubts: self.doubts.saturating_add(1), ..self }
    }
}

/// What the rules keep from people there is done with. It is asked anew when it is news again.
fn said(
    notice: Notice,
    deal: Option<&Record>,
    unread: Option<&str>,
    settings: &Settings,
    policy: &Notifications,
) -> Point {
    let read = deal.map(|deal| Asking { opportunity: deal, unread, lens: &settings.lens });
    let hearing = notice.channel.map(|channel| notice.tidings.hearing(channel, read, policy));
    let Some(Hearing { is_told, ruled, remark }) = hearing else { return telling(notice, deal, policy, None) };
    let notice = Notice { ruled, ..notice };
    if is_told { telling(notice, deal, policy, remark) } else { Point::Done { notice } }
}

fn telling(notice: Notice, deal: Option<&Record>, policy: &Notifications, remark: Option<String>) -> Point {
    match notice.message(deal, policy) {
        Some(mut message) => {
            message.remarks.extend(remark.map(|why| format!("Whether it is told was not decided by all rules: {why}")));
            Point::Telling { notice, message: Box::new(message), since: None }
        }
        None => Point::Done { notice },
    }
}

fn unanswered() -> Stop {
    let message = "Whoever passes on what people are told takes messages and never answers: look whether it arrives all the same.";
    Stop::review(Code::NotificationNotSent, message)
}

#[cfg(test)]
mod tests;
