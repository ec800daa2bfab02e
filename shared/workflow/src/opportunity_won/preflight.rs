//! Before anything is written: what the deal's products cost at Stripe, so that everything that stands in its way is told at once.

use domain::{FieldValue, OpportunityId, Record};
use jiff::Timestamp;
use mapping::{Code, Deal, Findings, MOST_PERIODS, NOTE_CODE, NOTE_MESSAGE, Plan, Settings, Stop, preflight};
use serde::{Deserialize, Serialize};

use super::Point;
use super::basket::{Basket, Item, all_usable};
use super::customer::Heard;
use crate::{Call, Next, PriceSeen};

/// A deal that was read, and whose prices are still to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preflight {
    pub opportunity_id: OpportunityId,
    findings: Findings,
    read_at: Timestamp,
    note: Option<(String, String)>,
    /// What was heard of the customer when it was last to be billed.
    #[serde(flatten)]
    heard: Heard,
}

pub(super) fn begin(opportunity_id: OpportunityId, deal: &Deal, settings: &Settings) -> Result<Point, Stop> {
    let findings = preflight(deal, settings)?;
    let text = |field: &str| deal.opportunity.text(field).map(str::to_owned);
    let note = text(NOTE_CODE).zip(text(NOTE_MESSAGE));
    let preflight = Preflight { opportunity_id, findings, read_at: deal.read_at, note, heard: Heard::default() };
    Ok(match preflight.asks() {
        true => Point::Preflight(Box::new(preflight)),
        false => preflight.priced(&[]),
    })
}

impl Preflight {
    /// A renewal asks for its prices when it is made, which may be months later.
    fn asks(&self) -> bool {
        let renews = self.findings.plan().is_some_and(|plan| plan.renews.is_some());
        !renews && !self.findings.prices().is_empty()
    }

    pub(super) fn next(&self) -> Next {
        Next::Call(Call::ReadPrices { price_ids: self.findings.prices().keys().cloned().collect() })
    }

    /// It is read anew. What was heard stays so.
    pub(super) fn resume(self) -> Point {
        let opportunity_id = self.opportunity_id;
        match self.heard {
            Heard { gone: Some(customer_id), apart } => Point::CustomerGone { opportunity_id, customer_id, apart },
            Heard { gone: None, apart: Some(apart) } => Point::CurrencyTaken { opportunity_id, apart },
            _ => Point::Claimed { opportunity_id },
        }
    }

    pub(super) fn having(self, heard: Heard) -> Self {
        Self { heard, ..self }
    }

    /// Everything is known that can be before anything is written.
    pub(super) fn priced(mut self, prices: &[PriceSeen]) -> Point {
        let (basket, stops) = match self.findings.plan() {
            Some(plan) if plan.renews.is_some() => Default::default(),
            Some(plan) => {
                let (basket, mut stops) = Basket::look(plan, self.findings.prices(), prices);
                stops.extend(bills_too_much_at_once(plan, &basket, self.read_at));
                (basket, stops)
            }
            None => (Basket::default(), all_usable(self.findings.prices(), prices).err().into_iter().collect()),
        };
        stops.into_iter().for_each(|stop| self.findings.refuse(stop));
        self.finish(basket)
    }

    /// Stripe does not let us ask. Whatever else stands in the way is told with that.
    pub(super) fn unpriced(mut self, why: Stop) -> Point {
        self.findings.refuse(why);
        self.finish(Basket::default())
    }

    fn finish(self, basket: Basket) -> Point {
        let Self { opportunity_id, findings, read_at, note, heard } = self;
        let ((plan, details), named_by_salesforce) = match findings.finish() {
            Ok(planned) => planned,
            Err(stop) => return Point::Claimed { opportunity_id }.stopped_unless_noted(stop, &record(note)),
        };
        let starts_at = plan.subscription.as_ref().map(mapping::Subscription::starts_at);
        match starts_at.filter(|starts_at| plan.renews.is_none() && *starts_at > read_at) {
            // Until then it may change, so it is read again on its day.
            Some(starts_at) => Point::Scheduled { opportunity_id, starts_at },
            None => Point::Planned { plan, details, named_by_salesforce, heard, basket },
        }
    }
}

/// The first invoice has a line for every period that has begun, of each item.
fn bills_too_much_at_once(plan: &Plan, basket: &Basket, read_at: Timestamp) -> Option<Stop> {
    let term = plan.subscription.as_ref()?;
    let begun = |item: &Item| {
        let own = item.lines.first().and_then(|line| plan.term_of(&plan.lines[*line]));
        own.map_or(0, |own| own.begun(read_at) as usize)
    };
    let count = basket.items.iter().map(begun).sum::<usize>() + basket.once.len();
    (count > MOST_PERIODS as usize).then(|| {
        let message = format!(
            "The first invoice would bill every period since {}, and Stripe bills at most {MOST_PERIODS} lines at once: correct the first day, \
             or split the deal into several opportunities.",
            term.start
        );
        Stop::refused(Code::TooManyLines, message)
    })
}

/// The opportunity, as far as its note goes.
fn record(note: Option<(String, String)>) -> Record {
    let mut record = Record::default();
    if let Some((code, message)) = note {
        record.set(NOTE_CODE, FieldValue::Text(code));
        record.set(NOTE_MESSAGE, FieldValue::Text(message));
    }
    record
}
