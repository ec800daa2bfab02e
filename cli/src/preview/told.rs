//! What would happen, as it is told to people and to programs.

use std::collections::BTreeMap;

use domain::{Money, OpportunityId};
use engine::{Outcome, Pace, Pause};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ledger::CallEntry;
use mapping::{Channel, Code, Plan};
use serde::Serialize;
use stripe::{InvoiceStatus, Recurrence};
use workflow::opportunity_won::{Point, Renewal};
use workflow::{Next, Run, State};

use super::Unforeseen;
use super::journal::{self, Journal};
use super::stripe::{Memory, memory};
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
    /// `sent`, `charged`, `sent_by_stripe` within the hour, `voided` or `credited`.
    pub fate: &'static str,
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
    /// `begun`, `changed` or `canceled`.
    pub fate: &'static str,
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
            _ if ["run_is_held", "stopped_by_operator", "quiescence"].contains(&pause.code) => waits(pause),
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
        !matches!(self.fate, "voided" | "credited")
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

fn plan_of(run: &Run) -> Option<&Plan> {
    let State::OpportunityWon(point) = &run.state else { return None };
    match point {
        Point::Sent { invoice, .. } | Point::Done { invoice } => Some(&invoice.plan),
        Point::Renewal(renewal) => match renewal.as_ref() {
            Renewal::Extended { extended, .. } | Renewal::Done { extended } => Some(&extended.plan),
            _ => None,
        },
        _ => None,
    }
}

fn day(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// What the deal's lines are called.
struct Words<'a> {
    lines: BTreeMap<&'a str, &'a str>,
    /// By the price, the lines that an item is for.
    prices: BTreeMap<&'a str, &'a str>,
    behavior: Option<&'static str>,
}

impl<'a> Words<'a> {
    fn of(plan: Option<&'a Plan>, memory: &'a Memory) -> Self {
        let items = memory.subscriptions.values().flat_map(|one| one.shown.items.iter().map(|item| (&one.keys, item)));
        let keys_of = |(keys, item): (&'a BTreeMap<String, String>, &'a stripe::SubscriptionItem)| {
            Some((item.price.id.as_str(), keys.get(item.id.as_str())?.as_str()))
        };
        let lines = plan.into_iter().flat_map(|plan| &plan.lines);
        Self {
            lines: lines.map(|line| (line.key.as_str(), line.description.as_str())).collect(),
            prices: items.filter_map(keys_of).collect(),
            behavior: plan.and_then(|plan| plan.tax).map(mapping::TaxBehavior::as_str),
        }
    }

    /// One price may be that of several lines.
    fn named(&self, keys: &str) -> Option<String> {
        let named: Vec<_> = keys.split_whitespace().filter_map(|key| self.lines.get(key).copied()).collect();
        (!named.is_empty()).then(|| named.join(", "))
    }

    fn invoice(&self, invoice: &memory::Invoice, at: Timestamp) -> Option<Invoice> {
        let shown = &invoice.shown;
        let money = |minor_units| Money::from_minor_units(minor_units, shown.currency);
        let fate = match shown.status {
            InvoiceStatus::Void => "voided",
            _ if !invoice.is_new() => (shown.credited_before + shown.credited_after > 0).then_some("credited")?,
            InvoiceStatus::Draft if shown.auto_advance => "sent_by_stripe",
            InvoiceStatus::Draft => return None,
            _ if shown.is_charged => "charged",
            _ => "sent",
        };
        let days = invoice.days_until_due.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
        let due_on = days.and_then(|days| at.checked_add(days).ok()).map(day);
        let from_balance = shown.total - shown.amount_due;
        let tax = match (invoice.automatic_tax, invoice.knows_tax) {
            (false, _) => None,
            (true, true) => Some(Tax::Known { added: money(shown.tax.on_top), inside: money(shown.tax.inside) }),
            (true, false) => Some(Tax::Unknown { behavior: self.behavior.unwrap_or("as its prices say") }),
        };
        Some(Invoice {
            id: shown.id.to_string(),
            fate,
            lines: invoice.lines.iter().map(|line| self.line(line)).collect(),
            total: money(shown.total),
            from_balance: (invoice.is_new() && from_balance > 0).then(|| money(from_balance)),
            tax,
            due_on: due_on.filter(|_| invoice.is_new()),
            subscription: shown.subscription.as_ref().map(ToString::to_string),
        })
    }

    fn line(&self, memory::Line { line, description, ends_at, keys, .. }: &memory::Line) -> Line {
        let of_price = line.price.as_ref().and_then(|price| self.prices.get(price.as_str()).copied());
        let keys = line.metadata.get("sf_line_id").map(String::as_str).or(of_price).unwrap_or(keys);
        let product =
            || line.product.as_ref().map(ToString::to_string).or(line.price.as_ref().map(ToString::to_string));
        let described = description.clone().or_else(|| self.named(keys)).or_else(product);
        Line {
            description: described.unwrap_or_else(|| "a proration".to_owned()),
            quantity: line.quantity.map(|quantity| quantity.normalize().to_string()),
            amount: Money::from_minor_units(line.amount, line.currency),
            from: line.period_start.map(day),
            until: ends_at.map(day),
        }
    }

    fn subscription(&self, subscription: &memory::Subscription) -> Subscription {
        let shown = &subscription.shown;
        let items = shown.items.iter().filter(|item| subscription.keys.contains_key(item.id.as_str()));
        let item = |item: &stripe::SubscriptionItem| {
            let keys = subscription.keys.get(item.id.as_str()).map_or("", String::as_str);
            let product = || item.price.product.as_ref().map(ToString::to_string).unwrap_or_default();
            let quantity = item.quantity.map(rust_decimal::Decimal::from);
            let amount = item.price.unit_amount.zip(quantity).and_then(|(one, many)| super::stripe::amount(one, many));
            Item {
                description: self.named(keys).unwrap_or_else(product),
                price: item.price.id.to_string(),
                quantity: item.quantity,
                amount: amount.map(|amount| Money::from_minor_units(amount, shown.currency)),
                months: match item.price.recurrence {
                    Recurrence::Months(months) => Some(months),
                    Recurrence::Once | Recurrence::Other => None,
                },
            }
        };
        Subscription {
            id: shown.id.to_string(),
            fate: match (subscription.is_new, shown.is_over) {
                (_, true) => "canceled",
                (true, false) => "begun",
                (false, false) => "changed",
            },
            items: items.map(item).collect(),
            starts_on: shown.starts_at.map(day),
            ends_on: shown.ends_at.map(day),
            prorated: subscription.prorated.map(|(at, is_invoiced)| (day(at), is_invoiced)),
        }
    }
}
