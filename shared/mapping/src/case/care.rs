//! How a failed payment is looked after: as is decided for all, and by rules otherwise for some.

use domain::{FieldValue, QueueId, Record};
use jiff::SignedDuration;
use rust_decimal::Decimal;

use super::{CaseSeen, Dues, Failure};
use crate::afterwards::{Asked, Asking, Beside, CaseDecision, ask};
use crate::update::text;
use crate::{Owners, Rule, Ruled, Settings};

/// How invoices that could not be collected are looked after. Where nothing is decided, as most support teams do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CasePolicy {
    /// Who is given a case where nobody answers for the account.
    pub queue_id: Option<QueueId>,
    /// From which of Stripe's attempts on a case is of high priority.
    pub high_from_attempt: u32,
    /// The status that says that a case is closed.
    pub closed_status: String,
    /// How long after the first failure somebody is asked to follow it up, if they are.
    pub follow_up_after: Option<SignedDuration>,
    /// What is decided otherwise for some of them, in this order.
    pub rules: Vec<Rule<CaseDecision>>,
}

impl Default for CasePolicy {
    fn default() -> Self {
        Self {
            queue_id: None,
            high_from_attempt: 3,
            closed_status: "Closed".to_owned(),
            follow_up_after: Some(SignedDuration::from_hours(48)),
            rules: Vec::new(),
        }
    }
}

/// How one of them is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Care {
    /// The queue that is given its case whoever answers for the account.
    pub(super) first_queue_id: Option<QueueId>,
    pub(super) queue_id: Option<QueueId>,
    pub(super) high_from_attempt: u32,
    pub(super) closed_status: String,
    /// Who looks after its account.
    pub(super) owners: Owners,
    pub ruled: Ruled,
    /// After how many hours somebody is to follow it up, if the rules say so; with none nobody is.
    pub follow_up_hours: Option<u32>,
    /// Why rules said nothing of it that were to.
    pub remark: Option<String>,
}

impl CasePolicy {
    /// Where no rule is asked.
    pub fn unruled(&self, settings: &Settings) -> Care {
        Care {
            first_queue_id: None,
            queue_id: self.queue_id.clone(),
            high_from_attempt: self.high_from_attempt,
            closed_status: self.closed_status.clone(),
            owners: settings.owners.clone(),
            ruled: Ruled::default(),
            follow_up_hours: None,
            remark: None,
        }
    }

    /// By the opportunity as it was read just now. Where it is gone, there is nothing to ask of.
    pub fn care(&self, failure: &Failure, seen: &CaseSeen, settings: &Settings) -> Care {
        let invoice = failure.invoice();
        let asked = match &seen.opportunity {
            Some(deal) => {
                let of = Asking { opportunity: deal, unread: seen.unread.as_deref(), lens: &settings.lens };
                ask(&self.rules, of, Beside::Invoice(&invoice))
            }
            None => Asked::nothing(),
        };
        let mut care = Care { remark: asked.remark(), ruled: asked.ruled, ..self.unruled(settings) };
        for decision in asked.decided {
            match decision {
                CaseDecision::Skip(_) => {}
                CaseDecision::Queue(queue_id) => care.first_queue_id = Some(queue_id.clone()),
                CaseDecision::HighFromAttempt(attempt) => care.high_from_attempt = *attempt,
                CaseDecision::FollowUpHours(hours) => care.follow_up_hours = Some(*hours),
            }
        }
        care
    }
}

impl Failure {
    /// As rules ask of it, in Stripe's names.
    fn invoice(&self) -> Record {
        let status = match self.dues {
            Dues::Open => text("open"),
            Dues::GivenUp => text("uncollectible"),
            Dues::Settled | Dues::Unknown => FieldValue::Null,
        };
        let code = self.reason.as_deref().and_then(|reason| reason.split(':').next());
        let code = code.filter(|code| !code.contains(char::is_whitespace));
        let mut invoice = Record::default();
        invoice.set("amount_remaining", FieldValue::Number(self.remaining.to_major_units()));
        invoice.set("attempt_count", FieldValue::Number(Decimal::from(self.attempts)));
        invoice.set("status", status);
        invoice.set("failure_code", code.map_or(FieldValue::Null, text));
        invoice.set("due_date", self.due_on.map_or(FieldValue::Null, text));
        invoice
    }
}

impl Settings {
    /// How long after the first failure somebody is to follow it up, where rules said this of it.
    pub fn follow_up_after(&self, ruled: &Ruled, hours: Option<u32>) -> Option<SignedDuration> {
        match hours {
            _ if ruled.skipped.is_some() => None,
            Some(hours) => Some(SignedDuration::from_hours(hours.into())).filter(|after| !after.is_zero()),
            None => self.payment_cases.as_ref()?.follow_up_after,
        }
    }
}
