//! What would happen, as it is told to people and to programs.

use domain::{Money, OpportunityId};
use engine::{Outcome, Pace, Pause, QUIESCENCE, RUN_IS_HELD, STOPPED_BY_OPERATOR};
use jiff::Timestamp;
use jiff::civil::Date;
use ledger::CallEntry;
use mapping::{Channel, Code};
use serde::Serialize;
use workflow::{Next, Run};

use super::Unforeseen;
use super::described::{Words, plan_of};
use super::journal::{self, Journal};
use super::stripe::Memory;
use crate::Exit;
use crate::explain::Stopped;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    pub opportunity: String,
    pub at: Timestamp,
    #[serde(flatten)]
    pub end: End,
    /// Every call, in order.
    pub calls: Vec<Call>,
    /// What it would come to at Stripe.
    pub invoices: Vec<Invoice>,
    pub subscriptions: Vec<Subscription>,
    /// What the deal comes to as a whole, where it would be billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deal: Option<Money>,
    /// The events that would be put on the queue.
    pub follows: Vec<&'static str>,
    pub told: Vec<Told>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum End {
    /// Something is billed that was not before, or goes on.
    Billed,
    /// Something else is written.
    Changed,
    /// It is as it should be.
    Unchanged,
    /// Its time has not come.
    Scheduled { until: Timestamp },
    /// It is refused, or was never meant to be billed.
    Stopped(Stopped),
    /// Not yet: somebody works on it, or the other side is not there.
    Waits {
        code: String,
        why: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// Whose run makes it: the deal's, or that of its account's customer.
    pub workflow: &'static str,
    pub system: String,
    /// As the call log names it.
    pub call: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `ok`, or `refused`.
    pub outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// What would change something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<Request>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub parameters: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invoice {
    pub id: String,
    pub fate: InvoiceFate,
    pub lines: Vec<Line>,
    pub total: Money,
    /// What the customer's balance would pay of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_balance: Option<Money>,
    /// Of what it comes to; none where Stripe calculates none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax: Option<Tax>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_on: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
}

/// What becomes of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceFate {
    Sent,
    Charged,
    /// Within the hour.
    SentByStripe,
    Voided,
    Credited,
}

/// What becomes of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionFate {
    Begun,
    Changed,
    Canceled,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tax {
    /// It is calculated by Stripe when the invoice is finalized, and was not asked for.
    Unknown {
        behavior: &'static str,
    },
    Known {
        added: Money,
        inside: Money,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    pub amount: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// The first day that it is not for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subscription {
    pub id: String,
    pub fate: SubscriptionFate,
    pub items: Vec<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_on: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<Date>,
    /// From which day on a change is prorated, and whether by an invoice at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prorated: Option<(Date, bool)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    pub description: String,
    pub price: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<i64>,
    /// Of a period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub months: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    pub channel: Channel,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// These are over by themselves, or when the operator says so; what else keeps a run back is not foreseen.
const WAITS: [&str; 3] = [RUN_IS_HELD, STOPPED_BY_OPERATOR, QUIESCENCE];

/// What keeps anybody from knowing is no end.
pub(super) fn end(outcome: Outcome, run: Option<&Run>) -> Result<End, Unforeseen> {
    Ok(match outcome {
        Outcome::Stopped { stop, .. } => End::Stopped(Stopped::from(&stop)),
        Outcome::Ignored { code } => {
            End::Waits { code: code.into(), why: "The event asks for nothing.".into(), until: None }
        }
        Outcome::Done { .. } => match run.map(Run::next) {
            Some(Next::End(workflow::End::Resting { until })) => End::Scheduled { until },
            _ => End::Billed,
        },
        Outcome::Retry(pause) => match run.map(Run::next) {
            Some(Next::Wait(stop)) if stop.code.as_str() == pause.code => {
                End::Waits { code: pause.code.into(), why: stop.message, until: None }
            }
            _ if WAITS.contains(&pause.code) => waits(pause),
            _ => return Err(Unforeseen(format!("it cannot be foreseen ({}): {}", pause.code, pause.detail))),
        },
    })
}

fn waits(Pause { pace, code, detail }: Pause) -> End {
    let until = match pace {
        Pace::Held { until } | Pace::NotBefore(until) => Some(until),
        Pace::Now | Pace::Backoff => None,
    };
    End::Waits { code: code.to_owned(), why: detail, until }
}

pub(super) fn preview(
    opportunity_id: &OpportunityId,
    at: Timestamp,
    end: End,
    journal: &Journal,
    calls: Vec<(journal::Noted, Vec<journal::Request>)>,
    memory: &Memory,
    run: Option<&Run>,
) -> Preview {
    let plan = run.and_then(plan_of);
    let words = Words::of(plan, memory);
    let billed: Vec<_> = memory.invoices.values().filter_map(|invoice| words.invoice(invoice, at)).collect();
    let subscriptions: Vec<_> = memory.subscriptions.values().map(|one| words.subscription(one)).collect();
    let is_billed = billed.iter().any(Invoice::is_new) || subscriptions.iter().any(|one| !one.items.is_empty());
    let is_written = calls.iter().any(|(_, requests)| !requests.is_empty());
    let told = journal.told().into_iter();
    Preview {
        opportunity: opportunity_id.to_string(),
        at,
        end: match end {
            End::Billed if !is_billed => {
                if is_written {
                    End::Changed
                } else {
                    End::Unchanged
                }
            }
            end => end,
        },
        calls: calls.into_iter().map(Call::from).collect(),
        deal: run.and_then(Run::billed).map(|(total, _)| total),
        invoices: billed,
        subscriptions,
        follows: journal.queued().iter().map(|envelope| envelope.event.name()).collect(),
        told: told.map(|(channel, message)| Told { channel, title: message.title, text: message.text }).collect(),
    }
}

impl Preview {
    pub fn exit(&self) -> Exit {
        match &self.end {
            End::Stopped(stopped) if stopped.code == Code::OpportunityNotFound.as_str() => Exit::Unknown,
            End::Stopped(stopped) if stopped.needs_person => Exit::NeedsPerson,
            _ => Exit::Well,
        }
    }

    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("texts and numbers are JSON");
        format!("{text}\n")
    }

    /// What would be asked of the customer by this event, and not later.
    pub fn billed(&self) -> Option<Money> {
        let mut new = self.invoices.iter().filter(|invoice| invoice.is_new()).map(|invoice| invoice.total);
        let first = new.next()?;
        new.try_fold(first, Money::checked_add).ok()
    }
}

impl Invoice {
    /// It is one that the customer gets by this.
    pub fn is_new(&self) -> bool {
        !matches!(self.fate, InvoiceFate::Voided | InvoiceFate::Credited)
    }
}

impl From<(journal::Noted, Vec<journal::Request>)> for Call {
    fn from(((workflow, entry), requests): (journal::Noted, Vec<journal::Request>)) -> Self {
        let CallEntry { system, call, target, outcome, detail, idempotency_key, .. } = entry;
        let requests = requests.into_iter().map(|journal::Request { method, path, parameters, .. }| Request {
            method,
            path,
            parameters,
        });
        Self { workflow, system, call, target, outcome, detail, idempotency_key, requests: requests.collect() }
    }
}
