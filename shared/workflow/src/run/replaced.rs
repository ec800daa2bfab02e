//! A deal that is billed anew: which invoices it had before, and what that means for what is read of it.

use domain::{FieldValue, InvoiceId};
use mapping::Settings;

use super::{Run, State};
use crate::opportunity_won::{Draft, Point};
use crate::{Fact, InvoiceStatus};

/// How often a deal is billed anew before a person is asked. Whatever changes it that often is most likely no person.
const MOST_REPLACEMENTS: u32 = 5;

/// What an opportunity says of its invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// Nothing was read, or it names none, or the run's own.
    Nothing,
    Replaced,
    Another,
}

impl Run {
    /// The invoice that is to be void or credited before the deal is billed anew.
    pub(super) fn replaceable(&self) -> Option<&InvoiceId> {
        match &self.state {
            State::OpportunityWon(
                Point::Amending { invoice, .. }
                | Point::Voiding { invoice, .. }
                | Point::Settling { invoice, .. }
                | Point::Crediting { invoice, .. }
                | Point::Doubting { invoice, .. },
            ) => Some(&invoice.invoice_id),
            _ => None,
        }
    }

    /// An opportunity that names an invoice which was replaced names none.
    pub(super) fn but_for_replaced(&self, mut fact: Fact) -> (Fact, Named) {
        let record = match &mut fact {
            Fact::DealRead(deal) => &mut deal.opportunity,
            Fact::BillingRead(record) => record,
            _ => return (fact, Named::Nothing),
        };
        let Some(named) = record.text("Stripe_Invoice_Id__c").map(str::to_owned) else {
            return (fact, Named::Nothing);
        };
        if self.replaced.iter().any(|id| id.as_str() == named) && !planted!(BelievesInVoidLinks) {
            record.set("Stripe_Invoice_Id__c", FieldValue::Null);
            return (fact, Named::Replaced);
        }
        let is_own = self.invoice_id().is_none_or(|id| id.as_str() == named);
        (fact, if is_own { Named::Nothing } else { Named::Another })
    }

    /// Why a person is asked before the deal is billed anew, if one is.
    pub(super) fn keeps_its_invoice(&self, fact: &Fact) -> Option<&'static str> {
        let State::OpportunityWon(point) = &self.state else { return None };
        let seen = match (point, fact) {
            _ if self.asked => return None,
            (Point::Settling { .. }, Fact::SettlementRead(settlement)) => &settlement.invoice,
            (Point::Amending { .. } | Point::Voiding { .. } | Point::Crediting { .. }, Fact::InvoiceRead(seen)) => seen,
            _ => return None,
        };
        // Whoever did it may have billed the deal by hand.
        if seen.is_credited_by_hand() {
            return Some("it was credited by hand. If the deal is billed by no other invoice, send the event again.");
        }
        match (point, seen.status) {
            (Point::Amending { refused: None, .. }, InvoiceStatus::Void) if self.restored.is_none() => {
                Some("it was voided by hand. If the deal is billed by no other invoice, send the event again.")
            }
            (Point::Amending { refused: None, .. }, InvoiceStatus::Open | InvoiceStatus::Paid)
                if self.replacements >= MOST_REPLACEMENTS =>
            {
                Some(
                    "it took the place of others again and again. Look at what changes the deal, and send the event again.",
                )
            }
            _ => None,
        }
    }

    pub(super) fn kept(self, what_to_do: &str) -> Self {
        let state = match self.state {
            State::OpportunityWon(point) => {
                State::OpportunityWon(point.kept(what_to_do).already_said(self.noted.as_ref(), self.parked.as_ref()))
            }
            state => state,
        };
        Self { state, ..self }
    }

    /// After a restore: the draft that this run remembers was sent since, and is void or credited. The deal is read, and its invoice looked for, as if
    /// it had none.
    pub(super) fn forgotten(&self, fact: &Fact, settings: &Settings) -> Option<&Draft> {
        match (&self.state, fact) {
            (State::OpportunityWon(Point::Checking { draft, .. }), Fact::InvoiceRead(seen)) => {
                let is_ours = seen.is_given_up() && !seen.is_credited_by_hand() && draft.started.is_none();
                Some(draft).filter(|_| is_ours && self.may_be_forgotten(settings))
            }
            _ => None,
        }
    }

    pub(super) fn gives_up(&mut self, invoice_id: InvoiceId, was_paid: bool) {
        self.retire_invoice_operations();
        self.unmarks |= was_paid;
        self.replaced.push(invoice_id);
        self.replacements = self.replacements.saturating_add(1);
    }

    fn may_be_forgotten(&self, settings: &Settings) -> bool {
        self.restored.is_some() && settings.amendments.reissues()
    }

    /// What follows from what the opportunity names, and from what is void.
    pub(super) fn with_replaced(self, named: Named, was_stopped: bool, settings: &Settings) -> Self {
        let is_without = self.invoice_id().is_none() && !was_stopped;
        let may_be_forgotten = self.may_be_forgotten(settings);
        let state = match (self.state, named) {
            // The write-back of the one that was replaced came late, after that of the one in its place.
            (State::OpportunityWon(point @ (Point::Done { .. } | Point::Clearing { .. })), Named::Replaced) => {
                State::OpportunityWon(point.naming_again())
            }
            (State::OpportunityWon(point), Named::Another) if may_be_forgotten => {
                State::OpportunityWon(point.doubted())
            }
            (State::OpportunityWon(point), named) => match self.replaced.last() {
                Some(void) if is_without => {
                    State::OpportunityWon(point.without_its_invoice(void, named == Named::Replaced))
                }
                _ => State::OpportunityWon(point),
            },
            (state, _) => state,
        };
        let state = match state {
            State::OpportunityWon(point) if self.unmarks => State::OpportunityWon(point.unmarking()),
            state => state,
        };
        Self { state, ..self }
    }
}
