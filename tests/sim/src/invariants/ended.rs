//! What there is when everything has come to rest, and what a rule asks of it.

use std::collections::BTreeSet;

use domain::{Event, OpportunityId, OrganizationId};
use jiff::Timestamp;
use ledger::{Difference, Item};
use queue::{Envelope, Parked};
use workflow::RunId;

use super::commits::text;
use crate::model::bill::Judgement;
use crate::model::salesforce::Opportunity;
use crate::model::stripe::Invoice;

/// What is left when everything has come to rest.
pub struct Ended<'a> {
    pub now: Timestamp,
    pub organization_id: &'a OrganizationId,
    pub items: &'a [&'a Item],
    pub dead_letters: &'a [Envelope],
    /// How the two sides differ, by the last pass of the reconciler. Where it ran, nothing may lie around either.
    pub differences: Option<&'a BTreeSet<Difference>>,
    /// How often the ledger was restored.
    pub restores: u32,
    /// How often dead letters were sent again.
    pub redrives: u32,
    /// Whether people are told of anything, and nothing that was to tell them was purged.
    pub tells_people: bool,
}

pub(super) struct RunAtRest<'a> {
    pub(super) key: String,
    pub(super) status: &'a str,
    pub(super) point: &'a str,
    pub(super) code: Option<&'a str>,
    pub(super) invoice_id: Option<&'a str>,
}

/// One deal, and everything that is to be compared.
pub(super) struct Deal<'a> {
    pub(super) ended: &'a Ended<'a>,
    pub(super) opportunity: &'a Opportunity,
    pub(super) run: &'a RunAtRest<'a>,
    /// The invoices that the customer has and that count.
    pub(super) live: &'a [Invoice],
    pub(super) judgement: &'a Judgement,
}

impl Deal<'_> {
    /// After a restore the run may have forgotten what it billed, or why it stood still; the statement has not.
    pub(super) fn is_stated_after_restore(&self) -> bool {
        self.ended.restores > 0 && self.ended.is_differing(&self.opportunity.id)
    }

    /// It asked for nothing when it was read, and whoever was to read it again was received too often: letter and statement tell of it.
    pub(super) fn is_given_up_unread(&self) -> bool {
        let asked_for_nothing = matches!(self.run.code, Some("not_closed_won" | "contract_not_activated"));
        let id = &self.opportunity.id;
        asked_for_nothing && self.ended.has_letter_about(id.as_str()) && self.ended.is_differing(id)
    }
}

impl RunAtRest<'_> {
    pub(super) fn status(&self) -> &str {
        self.status
    }
}

impl Ended<'_> {
    pub(super) fn run(&self, id: &RunId) -> Option<RunAtRest<'_>> {
        let key = id.to_string();
        let is_it = |item: &&&Item| text(item, "sk") == Some("run") && text(item, "pk") == Some(&key);
        self.items.iter().find(is_it).map(|item| RunAtRest {
            status: text(item, "status").unwrap_or_default(),
            point: text(item, "point").unwrap_or_default(),
            code: text(item, "code"),
            invoice_id: text(item, "stripe_invoice_id"),
            key,
        })
    }

    /// A dead letter that names the run and says why.
    pub(super) fn has_reasoned_letter(&self, key: &str) -> bool {
        self.dead_letters.iter().any(|letter| letter.parked.as_ref().is_some_and(|parked| parked.run == key))
    }

    /// One that says more than that a payment is disputed, which keeps nothing from being told.
    pub(super) fn has_letter_beside_disputes(&self, key: &str) -> bool {
        let says_more = |parked: &Parked| parked.code != "payment_disputed" || parked.reason.contains("Besides: ");
        self.dead_letters.iter().filter_map(|letter| letter.parked.as_ref()).any(|one| one.run == key && says_more(one))
    }

    /// The statement and its alarm name the deal.
    pub(super) fn is_differing(&self, opportunity_id: &OpportunityId) -> bool {
        let is_it = |difference: &Difference| difference.opportunity_id.as_ref() == Some(opportunity_id);
        self.differences.is_some_and(|differences| differences.iter().any(is_it))
    }

    /// A dead letter about the record: a message that was received too often.
    pub(super) fn has_letter_about(&self, subject: &str) -> bool {
        self.dead_letters.iter().any(|letter| match &letter.event {
            Event::OpportunityChanged { opportunity_id, .. } => opportunity_id.as_str() == subject,
            Event::InvoicePaid { invoice_id, .. } => invoice_id.as_str() == subject,
            Event::PaymentReceived { invoice_payment_id, .. } => {
                invoice_payment_id.as_str().replacen("inpay_", "in_", 1) == subject
            }
            Event::InvoiceChanged { invoice_id, .. } | Event::InvoiceClosed { invoice_id, .. } => {
                invoice_id.as_str() == subject
            }
            Event::ChargeRefunded { charge_id, .. } => charge_id.as_str().replacen("ch_", "in_", 1) == subject,
            // What was put there with a reason says that it is disputed, or that its case cannot be kept, and nothing else.
            Event::InvoiceOverdue { invoice_id, .. } => letter.parked.is_none() && invoice_id.as_str() == subject,
            Event::DisputeCreated { dispute_id, .. } => {
                letter.parked.is_none() && dispute_id.as_str().replacen("du_", "in_", 1) == subject
            }
            Event::SubscriptionChanged { subscription_id, .. } => subscription_id.as_str() == subject,
            _ => false,
        })
    }

    /// A code with which somebody has to mend something.
    pub(super) fn is_a_refusal(&self, code: &str) -> bool {
        let known = mapping::Code::ALL.iter().find(|known| known.as_str() == code);
        known.is_some_and(|code| code.owner() != mapping::Owner::Nobody)
    }

    /// What was to tell people of it lies among the dead letters: nobody took it for a day, or it was received too often.
    pub(super) fn is_notice_before_a_person(&self, about: &str) -> bool {
        self.dead_letters.iter().any(|letter| match &letter.event {
            Event::NotificationDue { run, .. } => about.ends_with(run.as_str()),
            _ => letter.parked.as_ref().is_some_and(|parked| parked.run.ends_with(about)),
        })
    }
}
