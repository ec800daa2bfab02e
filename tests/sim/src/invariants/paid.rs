//! When everything has come to rest: Salesforce says of payments what Stripe says.

use domain::{InvoiceId, Money, OpportunityId};
use jiff::Timestamp;
use rust_decimal::Decimal;
use stripe::InvoiceStatus;
use workflow::RunId;

use super::deal_of;
use super::ended::Ended;
use crate::model::salesforce::Opportunity;
use crate::model::stripe::Invoice;
use crate::model::{Models, count};

impl Models {
    /// What came in for the invoice that the opportunity names stands on it, in the invoice's currency, a part as a part.
    pub(super) fn amounts_at_rest(&mut self, ended: &Ended<'_>, opportunity: &Opportunity) {
        let named = opportunity.invoice_id.as_deref().and_then(|id| InvoiceId::parse(id).ok());
        let invoice = named.as_ref().and_then(|id| self.stripe.find_invoice(id));
        let is_its = |invoice: &&Invoice| deal_of(invoice).as_ref() == Some(&opportunity.id) && invoice.is_live();
        let Some(shown) = invoice.filter(is_its).map(Invoice::shown) else { return };
        let is_paid = shown.status == InvoiceStatus::Paid;
        // Whether the whole is told, other rules say; and of what a person ticked nobody asks for the parts.
        if is_paid != opportunity.payment_received {
            return;
        }
        let major = |minor_units| Money::from_minor_units(minor_units, shown.currency).to_major_units();
        let (received, remaining) = (shown.amount_due - shown.amount_remaining, shown.amount_remaining);
        let told: [Option<Decimal>; 2] = [opportunity.amount_paid, opportunity.amount_remaining];
        let expected = match is_paid || received > 0 {
            true => [Some(major(received)), Some(major(remaining))],
            false => [None; 2],
        };
        if told == expected {
            if received > 0 && !is_paid {
                count(&mut self.facts, "a part was told as a part");
            }
            return;
        }
        // Of the whole the invoice itself tells; of a part nothing does but its event.
        if !is_paid && self.stripe.was_invoice_never_told(&shown.id) {
            return count(&mut self.facts, "a part came in of which there is no event");
        }
        let run_id =
            RunId::InvoicePaid { organization_id: ended.organization_id.clone(), invoice_id: shown.id.clone() };
        let is_in_review = ended.run(&run_id).is_some_and(|run| run.status == "review");
        if is_in_review && ended.has_reasoned_letter(&run_id.to_string()) || ended.has_letter_about(shown.id.as_str()) {
            return count(&mut self.facts, "what came in lies before a person");
        }
        let detail = format!("{} says {told:?}, and of {} {expected:?} is so", opportunity.id, shown.id);
        self.violate(ended.now, "what_came_in_is_told", detail);
    }

    /// The opportunity says that it is paid exactly when its invoice is.
    pub(super) fn payment_at_rest(&mut self, ended: &Ended<'_>, opportunity: &Opportunity) {
        let paid: Vec<InvoiceId> = self.paid_invoices(&opportunity.id);
        let has_anothers = opportunity.payment_received && self.has_anothers(opportunity);
        if has_anothers {
            count(&mut self.facts, "a payment was told on the deal that has its invoice");
        }
        if opportunity.payment_received && paid.is_empty() && !has_anothers {
            let detail = format!("{} says that it is paid, and no invoice is", opportunity.id);
            self.violate(ended.now, "paid_means_paid", detail);
        }
        let named = opportunity.invoice_id.as_deref();
        let is_named = paid.iter().any(|invoice_id| Some(invoice_id.as_str()) == named);
        if opportunity.payment_received && !paid.is_empty() && !is_named && !opportunity.invoice_named_by_hand {
            let detail = format!("{} says that it is paid, and the invoice that it names is not", opportunity.id);
            self.violate(ended.now, "paid_means_paid", detail);
        }
        if opportunity.payment_received && opportunity.paid_date.is_none() {
            self.violate(ended.now, "paid_means_paid", format!("{} does not say when", opportunity.id));
        }
        if paid.is_empty() || opportunity.payment_received {
            return;
        }
        // What was credited is paid, and says nothing of the one in its place. Of those that are billed anew late, some are paid in this
        // very moment, and nobody has heard of that.
        let is_heard_of = |paid_at: Timestamp| !self.amends || paid_at < ended.now;
        let counts = |id: &InvoiceId| {
            let invoice = self.stripe.find_invoice(id).filter(|invoice| invoice.is_live());
            invoice.and_then(Invoice::paid_at).is_some_and(is_heard_of)
        };
        for invoice_id in paid.into_iter().filter(counts).collect::<Vec<_>>() {
            let organization_id = ended.organization_id.clone();
            let run_id = RunId::InvoicePaid { organization_id, invoice_id: invoice_id.clone() };
            let run = ended.run(&run_id);
            let key = run_id.to_string();
            let is_in_review = run.as_ref().is_some_and(|run| run.status == "review");
            let is_before_a_person = is_in_review && ended.has_reasoned_letter(&key);
            if is_before_a_person {
                count(&mut self.facts, "a payment ended in review");
            } else if ended.is_differing(&opportunity.id) {
                count(&mut self.facts, "a statement tells of a payment");
            } else if ended.has_letter_about(invoice_id.as_str()) {
                count(&mut self.facts, "a payment was given up after too many receives");
            } else if self.is_told_elsewhere(&invoice_id) {
                count(&mut self.facts, "a payment is on another deal");
            } else {
                let status = run.map(|run| format!("{} at {}", run.status, run.point));
                let detail = format!("{invoice_id} of {} is paid; its run: {status:?}", opportunity.id);
                self.violate(ended.now, "no_payment_is_lost", detail);
            }
        }
    }

    /// It names a paid invoice of another deal, which is gone or names it no more: it was merged, or the id was moved.
    fn has_anothers(&self, opportunity: &Opportunity) -> bool {
        let named = opportunity.invoice_id.as_deref().and_then(|id| InvoiceId::parse(id).ok());
        let invoice = named.as_ref().and_then(|id| self.stripe.find_invoice(id));
        let is_paid = |invoice: &&Invoice| invoice.status() == InvoiceStatus::Paid && invoice.is_live();
        let Some(invoice) = invoice.filter(is_paid) else { return false };
        let own = deal_of(invoice).filter(|own| *own != opportunity.id);
        own.is_some_and(|own| {
            let own = self.salesforce.opportunity(&own).filter(|own| !own.is_deleted);
            own.is_none_or(|own| own.invoice_id != opportunity.invoice_id)
        })
    }

    fn is_told_elsewhere(&self, invoice_id: &InvoiceId) -> bool {
        let names = |one: &&Opportunity| !one.is_deleted && one.invoice_id.as_deref() == Some(invoice_id.as_str());
        self.salesforce.opportunities().filter(names).any(|one| one.payment_received && self.has_anothers(one))
    }

    fn paid_invoices(&self, opportunity_id: &OpportunityId) -> Vec<InvoiceId> {
        let of_deal = |invoice: &&Invoice| {
            invoice.status() == InvoiceStatus::Paid && deal_of(invoice).as_ref() == Some(opportunity_id)
        };
        self.stripe.invoices().filter(of_deal).map(|invoice| invoice.id().clone()).collect()
    }
}
