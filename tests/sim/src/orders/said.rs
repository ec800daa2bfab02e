//! What Salesforce says of the deal, and what it should say by Stripe's objects.

use domain::Money;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use stripe::InvoiceStatus;

use super::Objects;
use crate::invariants::standing;
use crate::model::salesforce::{InvoiceStanding, Opportunity, Standing};
use crate::world::Sim;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    invoice: InvoiceStanding,
    is_paid: bool,
    paid_on: Option<String>,
    /// What came in, and what is due still.
    amounts: [Option<Decimal>; 2],
    subscription: Standing,
    /// Each with what it is about, and whether it is closed.
    cases: Vec<(String, bool)>,
    tasks: Vec<(String, bool)>,
    /// The codes of what lies before a person.
    letters: Vec<String>,
}

impl Said {
    /// Of the one deal that there is. What is nothing need not be said.
    pub(super) fn by_salesforce(sim: &Sim) -> Self {
        let org = &sim.models.borrow().salesforce;
        let Some(deal) = org.opportunities().next() else { return Self::default() };
        let Opportunity { invoice_standing, standing, paid_date, amount_paid, amount_remaining, .. } = deal.clone();
        Self {
            invoice: InvoiceStanding {
                credited: Some(invoice_standing.credited.unwrap_or_default()),
                refunded: Some(invoice_standing.refunded.unwrap_or_default()),
                ..invoice_standing
            },
            is_paid: deal.payment_received,
            paid_on: paid_date,
            amounts: [amount_paid, amount_remaining],
            subscription: standing,
            cases: org.cases().map(|(about, case)| (about.to_owned(), case.is_closed)).collect(),
            tasks: org.tasks().map(|(about, task)| (about.to_owned(), task.is_closed)).collect(),
            letters: sim.queue.borrow().dead.iter().map(|letter| letter.code.clone().unwrap_or_default()).collect(),
        }
    }

    /// As it is to be two days after everything was told.
    pub(super) fn by_objects(sim: &Sim, objects: &Objects) -> Self {
        let stripe = &sim.models.borrow().stripe;
        let invoice = stripe.find_invoice(&objects.invoice).expect("nobody deletes what is sent");
        let subscription = stripe.subscriptions().find(|one| one.id == objects.subscription).expect("it stays");
        let shown = invoice.shown();
        let (is_paid, is_open) = (shown.status == InvoiceStatus::Paid, shown.status == InvoiceStatus::Open);
        let status = match shown.status {
            InvoiceStatus::Paid => "paid",
            InvoiceStatus::Void => "void",
            _ => "open",
        };
        let major = |minor_units| Some(Money::from_minor_units(minor_units, shown.currency).to_major_units());
        let unpaid = is_open.then(|| (objects.invoice.to_string(), false));
        let ended = subscription.canceled_by.map(|_| (objects.subscription.to_string(), false));
        Self {
            invoice: InvoiceStanding {
                status: Some(status.to_owned()),
                credited: major(invoice.credited()),
                refunded: major(0),
                is_disputed: false,
            },
            is_paid,
            paid_on: shown.paid_at.map(|at| TimeZone::UTC.to_datetime(at).date().to_string()),
            amounts: if is_paid { [major(shown.amount_paid), major(0)] } else { [None; 2] },
            subscription: standing(subscription),
            cases: unpaid.iter().cloned().collect(),
            // Somebody is to follow up what is unpaid, and to look after a customer whose subscription has ended.
            tasks: unpaid.into_iter().chain(ended).collect(),
            // That it is paid is told of each, and what is not is said after a day.
            letters: if is_paid { vec![] } else { vec!["not_paid".to_owned()] },
        }
    }

    /// What of it is there when everything has just been told. The rest takes a day or two.
    pub(super) fn at_once(&self) -> Self {
        let ended = |(about, _): &(String, bool)| about.starts_with("sub_");
        let tasks = self.tasks.iter().filter(|task| ended(task)).cloned().collect();
        Self { tasks, letters: vec![], ..self.clone() }
    }

    pub(super) fn is_of(&self, expected: &Self, when: &str) -> Result<(), String> {
        if self == expected { Ok(()) } else { Err(format!("{when}: {self:?}, not {expected:?}")) }
    }
}
