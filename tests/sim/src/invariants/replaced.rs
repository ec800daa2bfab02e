//! What is promised of an invoice that is voided because its deal was changed.

use domain::InvoiceId;
use jiff::Timestamp;
use stripe::InvoiceStatus;

use super::ended::Deal;
use super::{deal_of, difference};
use crate::model::bill::Judgement;
use crate::model::stripe::{By, Invoice};
use crate::model::{Models, count};

impl Models {
    /// At the moment when we void an invoice: the deal was read since, and was another one than this invoice is for.
    pub(crate) fn voided(&mut self, now: Timestamp, invoice_id: &InvoiceId) {
        let Some(invoice) = self.stripe.find_invoice(invoice_id).cloned() else { return };
        let is_void = invoice.status() == InvoiceStatus::Void;
        count(&mut self.facts, if is_void { "we voided an invoice" } else { "we credited an invoice" });
        let opportunity = deal_of(&invoice).and_then(|id| self.salesforce.opportunity(&id));
        let readings = opportunity.map(|opportunity| opportunity.readings.as_slice()).unwrap_or_default();
        let since = invoice.finalized_at.unwrap_or(now);
        // A reading like the one before is not kept, so the last one before counts as well.
        let earlier = readings.iter().take_while(|(at, _)| *at < since).count().saturating_sub(1);
        let has_changed =
            |judgement: &Judgement| judgement.bill().is_some_and(|bill| difference(&invoice, bill).is_some());
        if !readings.iter().skip(earlier).any(|(_, judgement)| has_changed(judgement)) {
            self.violate(now, "only_what_changed_is_voided", format!("{invoice_id} was what its deal was"));
        }
    }

    /// The payment of the invoice before was marked by a write that was under way for long. It names what it is about, so that the reconciler
    /// sees it, where there is one.
    pub(super) fn is_named_late(&self, deal: &Deal<'_>) -> bool {
        let named = deal.opportunity.invoice_id.as_deref();
        let is_credited = |one: &Invoice| one.given_up_by_us && one.status() == InvoiceStatus::Paid;
        deal.ended.differences.is_none()
            && deal.opportunity.payment_received
            && self.stripe.invoices().any(|one| Some(one.id().as_str()) == named && is_credited(one))
    }

    /// A deal that does not ask to be billed any more, and whose invoice we have voided, is not at rest without a word.
    pub(super) fn void_is_told(&mut self, deal: &Deal<'_>) {
        let named = deal.opportunity.invoice_id.as_deref();
        // A clone may name the invoice of what it was made of.
        let is_its_own = |one: &&Invoice| deal_of(one).as_ref() == Some(&deal.opportunity.id);
        let own = self.stripe.invoices().filter(is_its_own);
        let names_void = own.filter(|one| one.given_up_by_us).any(|one| Some(one.id().as_str()) == named);
        if names_void && !deal.opportunity.is_deleted && deal.ended.restores == 0 {
            self.broken(deal, "a_void_is_never_silent", format!("{named:?} is void, and nobody is told"));
        }
    }

    /// When everything has come to rest before a person: nothing that we could have billed anew by ourselves.
    pub(super) fn is_replaced(&mut self, deal: &Deal<'_>) {
        if !self.amends || self.is_meddled_with(&deal.opportunity.id) {
            return;
        }
        let named = deal.opportunity.invoice_id.as_deref();
        let is_void_by_us = |invoice: &&Invoice| Some(invoice.id().as_str()) == named && invoice.given_up_by_us;
        let names_what_we_voided = self.stripe.invoices().any(|invoice| is_void_by_us(&invoice));
        if deal.run.code == Some("already_billed") && names_what_we_voided && deal.ended.restores == 0 {
            self.broken(deal, "a_void_invoice_is_no_bill", format!("it names {named:?}, which we voided"));
        }
        let Judgement::Billable(bill) = deal.judgement else { return };
        let [invoice] = deal.live else { return };
        // In the currency of the customer's balance, and with the money still here.
        let is_paid_in_part = invoice.status() == InvoiceStatus::Open && invoice.paid_in_cash() > 0;
        let can_be_credited = self.credits
            && (invoice.status() == InvoiceStatus::Paid || is_paid_in_part)
            && invoice.currency() == bill.currency
            && self.stripe.has_balance_for(invoice)
            && !self.stripe.is_refunded(invoice.id());
        let could_be = (invoice.status() == InvoiceStatus::Open && !is_paid_in_part || can_be_credited)
            && invoice.finalized_by == Some(By::Us)
            && self.catalogue_takes(bill)
            && !self.needs_approval(bill, deal.ended.now)
            // After so many a person is asked whether that is right.
            && self.stripe.invoices().filter(|one| one.given_up_by_us && deal_of(one).as_ref() == Some(&deal.opportunity.id)).count() < 5;
        if could_be && deal.run.code == Some("deal_changed_after_billing") {
            self.broken(deal, "an_unpaid_invoice_is_replaced", format!("{} is {:?}", invoice.id(), invoice.status()));
        }
    }
}
