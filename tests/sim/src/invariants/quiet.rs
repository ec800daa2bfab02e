//! When the faults are off and everything has come to rest: every deal is billed right, refused with a reason, or before
//! a person with one; Salesforce says what Stripe says; nothing lies around.

use domain::OpportunityId;
use jiff::Timestamp;
use stripe::InvoiceStatus;
use workflow::RunId;

use super::ended::{Deal, Ended};
use super::{deal_of, difference};
use crate::model::bill::{Bill, Judgement};
use crate::model::salesforce::{Automation, Contract, Opportunity};
use crate::model::stripe::{By, Invoice, Subscription, day_after};
use crate::model::{Models, count};

impl Models {
    /// The final invariants.
    pub fn at_rest(&mut self, ended: &Ended<'_>) {
        self.stripe.catch_up(ended.now);
        let opportunities: Vec<Opportunity> = self.salesforce.opportunities().cloned().collect();
        for opportunity in &opportunities {
            self.deal_at_rest(ended, opportunity);
            self.payment_at_rest(ended, opportunity);
            self.amounts_at_rest(ended, opportunity);
            self.invoice_standing_at_rest(ended, opportunity);
        }
        self.periods_are_billed_once(ended);
        self.customers_are_told(ended);
        self.standings_are_told(ended);
        self.failures_are_looked_after(ended);
        self.disputes_are_said(ended);
        if ended.tells_people {
            self.people_have_heard(ended);
        }
        self.nothing_lies_around(ended);
        self.logs_are_whole(ended);
        self.books_are_kept(ended);
    }

    fn deal_at_rest(&mut self, ended: &Ended<'_>, opportunity: &Opportunity) {
        if self.salesforce.is_renewal(opportunity) {
            return self.renewal_at_rest(ended, opportunity);
        }
        let run_id = RunId::OpportunityWon {
            organization_id: ended.organization_id.clone(),
            opportunity_id: opportunity.id.clone(),
        };
        let live: Vec<Invoice> = self.live_invoices(&opportunity.id);
        let people_billed = live.iter().any(|invoice| invoice.finalized_by == Some(By::Person));
        if live.len() > 1 && !people_billed {
            self.violate(ended.now, "one_invoice_per_deal", format!("{} has {}", opportunity.id, live.len()));
        }
        let judgement = self.salesforce.judge(opportunity);
        let Some(run) = ended.run(&run_id) else {
            if judgement != Judgement::NotAsked && !opportunity.is_deleted {
                self.violate(ended.now, "no_deal_is_lost", format!("{} has no run", opportunity.id));
            }
            return;
        };
        let deal = Deal { ended, opportunity, run: &run, live: &live, judgement: &judgement };
        match run.status {
            "done" => self.done_at_rest(&deal),
            "rejected" => self.rejected_at_rest(&deal),
            "review" => self.review_at_rest(&deal),
            _ if ended.has_letter_about(opportunity.id.as_str()) => {
                count(&mut self.facts, "a deal was given up after too many receives");
            }
            _ => self.broken(&deal, "every_run_ends", format!("it stands open at {}", run.point)),
        }
    }

    pub(super) fn live_invoices(&self, opportunity_id: &OpportunityId) -> Vec<Invoice> {
        let of_deal = |invoice: &&Invoice| invoice.is_live() && deal_of(invoice).as_ref() == Some(opportunity_id);
        self.stripe.invoices().filter(of_deal).cloned().collect()
    }

    pub(super) fn broken(&mut self, deal: &Deal<'_>, rule: &'static str, why: String) {
        let code = deal.run.code.unwrap_or_default();
        let detail = format!("{} ({} {code}): {why}", deal.opportunity.id, deal.run.status);
        self.violate(deal.ended.now, rule, detail);
    }

    fn done_at_rest(&mut self, deal: &Deal<'_>) {
        count(&mut self.facts, "a deal ended done");
        let pointer = deal.run.invoice_id;
        let meddled = self.is_meddled_with(&deal.opportunity.id);
        let Some(invoice) = deal.live.iter().find(|invoice| Some(invoice.id().as_str()) == pointer) else {
            // A restored run may not know that its invoice was replaced, or void because its deal was reopened: then nothing is owed.
            let is_owed = !matches!(deal.judgement, Judgement::NotAsked);
            let is_stated = deal.ended.restores > 0 && (!is_owed || deal.ended.is_differing(&deal.opportunity.id));
            if !meddled && !is_stated {
                self.broken(deal, "done_means_billed", format!("Stripe has no live invoice {pointer:?}"));
            }
            return;
        };
        let is_stated = deal.ended.is_differing(&deal.opportunity.id);
        if deal.opportunity.is_deleted {
            if !is_stated {
                self.broken(deal, "an_edit_is_never_silent", "the opportunity is deleted".to_owned());
            }
            return;
        }
        let difference = match deal.judgement {
            Judgement::Billable(bill) if invoice.touched_by_hand => (bill.first_total(invoice.created())
                != Some(invoice.total()))
            .then(|| format!("{} was changed by hand, and nobody is told", invoice.id())),
            Judgement::Billable(bill) => difference(invoice, bill),
            Judgement::Unbillable { amount } => {
                (!self.bills_amount(invoice, *amount)).then(|| "the deal could not be billed any more".to_owned())
            }
            Judgement::NotAsked => Some("the deal does not ask to be billed any more".to_owned()),
        };
        match difference {
            Some(why) if !is_stated => self.broken(deal, "an_edit_is_never_silent", why),
            Some(_) => count(&mut self.facts, "a statement tells of an edit"),
            // A payment that is before a person is one.
            None if is_stated
                && !meddled
                && !deal.opportunity.invoice_named_by_hand
                && deal.opportunity.payment_received == (invoice.status() == InvoiceStatus::Paid) =>
            {
                self.broken(deal, "a_difference_is_one", "the statement names a deal that is in order".to_owned());
            }
            None => {}
        }
        if deal.opportunity.invoice_url.is_none() && !deal.opportunity.invoice_named_by_hand {
            self.broken(deal, "salesforce_has_the_invoices_link", "the opportunity has no link".to_owned());
        }
        // After a restore the run may have forgotten why it stood still; the note has not, and the statement tells of it.
        let is_forgotten = deal.ended.restores > 0 && is_stated;
        if let Some(code) = deal.opportunity.sync_code.as_deref()
            && !deal.opportunity.note_is_late
            && !is_forgotten
        {
            self.broken(deal, "the_note_gives_the_code", format!("it is billed, and the note says {code}"));
        }
        let its_own = |one: &&Subscription| one.invoice == *invoice.id();
        let its_own = self.stripe.subscriptions().find(its_own).cloned();
        let goes_on = its_own.as_ref().is_some_and(|one| one.canceled_by.is_none() || one.has_run_out);
        if invoice.is_of_subscription() && !goes_on && !meddled {
            self.broken(deal, "a_billed_term_goes_on", "its subscription was canceled".to_owned());
        }
        if let (Some(one), Judgement::Billable(bill)) = (its_own, deal.judgement)
            && !meddled
            && !is_stated
        {
            self.is_billed_as_sold(deal, bill, &one);
            if one.renewals.is_empty() {
                self.ends_when_the_deal_says(deal, bill, &one);
            }
        }
        let named = deal.opportunity.subscription_id.as_deref();
        let is_named = named == invoice.shown().subscription.as_ref().map(|id| id.as_str());
        if !is_named && !deal.opportunity.invoice_named_by_hand {
            self.broken(deal, "salesforce_names_the_subscription", format!("it names {named:?}"));
        }
        self.contract_names(deal, named);
        if self.is_named_late(deal) {
            count(&mut self.facts, "a credited invoice was marked as paid late, and nobody looked since");
        } else if deal.opportunity.invoice_id.as_deref() != pointer && !deal.opportunity.invoice_named_by_hand {
            let named = format!("the opportunity names {:?}, not {pointer:?}", deal.opportunity.invoice_id);
            self.broken(deal, "salesforce_names_the_invoice", named);
        }
    }

    /// It is written with the opportunity, or neither is.
    fn contract_names(&mut self, deal: &Deal<'_>, named: Option<&str>) {
        let names = &deal.opportunity.contract_names;
        let has_contract = deal.opportunity.contract != Contract::NotNeeded;
        if has_contract && (names.subscription_id.as_deref(), names.mrr) != (named, deal.opportunity.mrr) {
            self.broken(deal, "the_contract_names_the_subscription", format!("it names {names:?}, the deal {named:?}"));
        }
    }

    fn rejected_at_rest(&mut self, deal: &Deal<'_>) {
        count(&mut self.facts, "a deal ended rejected");
        if deal.run.code.is_none() {
            self.broken(deal, "a_refusal_has_a_code", "it has none".to_owned());
        }
        let meddled = self.is_meddled_with(&deal.opportunity.id);
        let is_stated = deal.is_stated_after_restore();
        if !deal.live.is_empty() && !meddled && !is_stated {
            self.broken(deal, "a_refused_deal_is_not_billed", format!("{} is live", deal.live[0].id()));
        }
        let is_deleted = deal.opportunity.is_deleted;
        // Without keys a repeated request adds its lines twice. The draft is taken away, and a person sends the event again.
        let was_filled_twice = self.stripe.keys_ignored && deal.run.code == Some("invoice_differs_from_deal");
        let is_right = match deal.judgement {
            Judgement::NotAsked => {
                self.void_is_told(deal);
                return;
            }
            Judgement::Unbillable { .. } => true,
            Judgement::Billable(bill) => {
                // In its currency, or in another one: it may wait for the account's second customer as well.
                let is_about_items = matches!(deal.run.code, Some("pending_items" | "currencies_combined"));
                let items_wait = is_about_items
                    && self.stripe.anything_waits_or_waited_for(&bill.account_id, deal.opportunity.note_sent);
                let ends_at =
                    bill.term.as_ref().and_then(|term| Some(day_after(term.start, term.periods? * term.every)));
                let is_over =
                    deal.run.code == Some("term_not_billable") && ends_at.is_some_and(|at| at <= deal.ended.now);
                let is_canceled = deal.run.code == Some("term_not_billable") && deal.opportunity.cancel_on.is_some();
                !self.catalogue_takes(bill) || was_filled_twice || items_wait || is_over || is_canceled
            }
        };
        if was_filled_twice {
            count(&mut self.facts, "a draft was filled twice, and refused");
        }
        if !is_right && !meddled && !is_deleted {
            self.broken(deal, "no_deal_is_lost", "it is refused, and could be billed".to_owned());
        }
        // It was won and deleted between two sweeps, and no event told of either: it was never seen to ask for anything.
        // Or it waited for its contract, which nobody has to act on.
        if is_deleted && matches!(deal.run.code, Some("not_closed_won" | "contract_not_activated")) {
            count(&mut self.facts, "a deal was deleted before anybody saw that it was won");
            return;
        }
        if deal.is_given_up_unread() {
            return count(&mut self.facts, "a deal was given up after too many receives");
        }
        // Its letter was sent again, and the queue purged. Nothing else can tell of a deal that is not there any more.
        let is_gone = is_deleted && deal.run.code == Some("opportunity_not_found") && deal.ended.redrives > 0;
        if is_gone && !deal.ended.has_reasoned_letter(&deal.run.key) {
            count(&mut self.facts, "the letter of a deleted deal was purged");
            return;
        }
        self.person_is_told(deal);
    }

    /// By a dead letter, or by the statement: the letter may have been sent again, and the queue was purged.
    pub(super) fn person_is_told(&mut self, deal: &Deal<'_>) {
        let is_told = deal.ended.has_reasoned_letter(&deal.run.key) || deal.ended.is_differing(&deal.opportunity.id);
        if deal.run.code.is_none() || !is_told {
            self.broken(deal, "a_person_is_told", "no dead letter gives the reason".to_owned());
        }
        self.note_at_rest(deal);
    }

    /// Sales reads on the opportunity why it stands still, unless it takes no note.
    fn note_at_rest(&mut self, deal: &Deal<'_>) {
        let takes_notes = !deal.opportunity.is_deleted && deal.opportunity.automation != Automation::Refuses;
        let is_forgotten = deal.is_stated_after_restore();
        // A note that arrives long after it was sent stands until the deal is read again.
        if takes_notes
            && !is_forgotten
            && !deal.opportunity.note_is_late
            && deal.opportunity.sync_code.as_deref() != deal.run.code
        {
            let noted = format!("the note says {:?}", deal.opportunity.sync_code);
            self.broken(deal, "the_note_gives_the_code", noted);
        }
    }

    fn review_at_rest(&mut self, deal: &Deal<'_>) {
        count(&mut self.facts, "a deal ended in review");
        self.person_is_told(deal);
        self.is_replaced(deal);
        // As it was read: its account may not be one that could be billed any more.
        let read = || deal.opportunity.readings.iter().rev().find_map(|(_, judgement)| judgement.bill());
        let bill = deal.judgement.bill().or_else(read);
        let is_above_ceiling = bill.is_some_and(|bill| self.needs_approval(bill, deal.ended.now));
        let waits_for_approval = is_above_ceiling && deal.run.code == Some("approval_required");
        if waits_for_approval {
            count(&mut self.facts, "a deal waits for an approval");
        }
        // It was being billed for so long that a later period was, and by then its account could not be.
        let account = deal.opportunity.account_id.as_ref().and_then(|id| self.salesforce.account(id));
        let its_own = |one: &&Subscription| one.made_for() == Some(deal.opportunity.id.as_str());
        let is_billed_on = self.stripe.subscriptions().filter(its_own).any(|one| one.latest != one.invoice);
        let is_late = is_billed_on && account.is_some_and(|account| !account.can_be_told());
        let nobody_did_anything = deal.opportunity.changes_by_people <= 1
            && !is_late
            && !waits_for_approval
            && !self.is_meddled_with(&deal.opportunity.id);
        if nobody_did_anything {
            self.broken(deal, "no_review_without_a_cause", "nobody had touched the deal".to_owned());
        }
    }

    pub(super) fn needs_approval(&self, bill: &Bill, now: Timestamp) -> bool {
        let most = bill.first_total(now).unwrap_or_default().max(bill.total);
        self.ceilings.get(bill.currency.as_str()).is_some_and(|ceiling| most > *ceiling)
    }

    /// Whether Stripe's catalogue has a price for every line.
    pub(super) fn catalogue_takes(&self, bill: &Bill) -> bool {
        let prices = &self.stripe.catalogue.prices;
        bill.lines.values().all(|line| {
            prices
                .iter()
                .find(|(id, _)| id.as_str() == line.price)
                .is_some_and(|(_, price)| price.is_active && (price.currency == bill.currency || bill.term.is_some()))
        })
    }
}
