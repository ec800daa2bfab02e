//! What is promised of a subscription that goes on for another deal.

use domain::SubscriptionId;
use jiff::Timestamp;
use workflow::RunId;

use super::ended::{Deal, Ended};
use crate::model::bill::{Bill, Judgement};
use crate::model::salesforce::{Automation, Contract, Opportunity};
use crate::model::stripe::{By, Invoice, Subscription, day_after};
use crate::model::{Models, count};

impl Models {
    /// At the moment when it is changed: it is what the deal said in some reading, and not for less than somebody has to approve.
    pub(crate) fn renewed(&mut self, now: Timestamp, id: &SubscriptionId) {
        let Some(subscription) = self.stripe.find_subscription(id).cloned() else { return };
        // People sold it twice, and both changes were under way: the later one counts.
        if subscription.renewals.len() > 1 {
            return count(&mut self.facts, "two deals renewed one subscription");
        }
        let opportunities = self.salesforce.opportunities();
        let renewal =
            opportunities.into_iter().find(|one| subscription.renewed_for() == Some(one.id.as_str())).cloned();
        let Some(renewal) = renewal else {
            return self.violate(now, "a_renewal_has_its_deal", format!("{id} goes on for nobody"));
        };
        // What was decided on when it was not is sent for an hour; then a person is told.
        let is_long_since = |since: Timestamp| now.duration_since(since) > jiff::SignedDuration::from_hours(2);
        match subscription.to_end_since {
            Some(since) if !is_long_since(since) => {
                return count(&mut self.facts, "what is to end was renewed in that moment");
            }
            _ => {}
        }
        if subscription.is_to_end() {
            self.violate(now, "what_is_to_end_is_not_renewed", format!("{id} goes on for {}", renewal.id));
        }
        if !self.salesforce.is_renewal(&renewal) && renewal.changes_by_people < 2 {
            self.violate(
                now,
                "a_renewal_has_its_deal",
                format!("{id} goes on for {}, which renews nothing", renewal.id),
            );
        }
        let bills = renewal.readings.iter().rev().filter_map(|(_, judgement)| judgement.bill());
        let differences: Vec<_> = bills.map(|bill| self.differs(&subscription, bill)).collect();
        if differences.iter().all(Option::is_some) {
            let why = differences.into_iter().flatten().next().unwrap_or_else(|| "it was never billable".to_owned());
            self.violate(now, "what_is_renewed_is_what_was_read", format!("{id} for {}: {why}", renewal.id));
        }
        // A key is trusted for 23 hours, and a request lies about for ten minutes at most.
        let read_at = renewal.readings.last().map_or(now, |(at, _)| *at);
        let is_long_ago = now.duration_since(read_at) > jiff::SignedDuration::from_hours(24);
        let as_it_is = self.salesforce.judge_renewal(&renewal);
        if is_long_ago && as_it_is.bill().is_none_or(|bill| self.differs(&subscription, bill).is_some()) {
            self.violate(now, "what_is_renewed_is_what_was_read", format!("{id} for {}: long ago", renewal.id));
        }
        let most =
            renewal.readings.iter().rev().find_map(|(_, judgement)| judgement.bill()).map_or(0, |bill| bill.total);
        let total = domain::Money::from_minor_units(most, subscription.currency).to_major_units();
        let ceiling = self.ceilings.get(subscription.currency.as_str()).filter(|ceiling| most > **ceiling);
        if ceiling.is_some() && renewal.most_approved.is_none_or(|approved| approved < total) {
            let detail = format!("{id} for {} comes to {most}", renewal.id);
            self.violate(now, "nothing_above_the_ceiling_is_sent_unapproved", detail);
        }
    }

    /// Why the subscription is not what the deal's bill says; `None` when it is.
    fn differs(&self, subscription: &Subscription, bill: &Bill) -> Option<String> {
        let recurring = bill.lines.values().filter(|line| line.is_recurring);
        let each: i64 = recurring.map(|line| bill.each(line)).sum();
        let billed = self.stripe.each(subscription);
        if billed != Some(each) || subscription.currency != bill.currency {
            return Some(format!(
                "a period comes to {billed:?} {}, in the deal to {each} {}",
                subscription.currency, bill.currency
            ));
        }
        let deal = subscription.renewed_for().map(str::to_owned);
        let sold = subscription.once.iter().filter(|once| once.deal == deal);
        let mut sold: Vec<_> =
            sold.map(|once| (once.line.metadata.get("sf_line_id").cloned(), once.line.amount)).collect();
        let once = bill.lines.iter().filter(|(_, line)| !line.is_recurring);
        let mut once: Vec<_> = once.map(|(key, line)| (Some(key.to_string()), line.amount)).collect();
        sold.sort();
        once.sort();
        if sold != once {
            return Some(format!("it sells {sold:?} once, the deal {once:?}"));
        }
        let Some(term) = &bill.term else { return Some("the deal has no term".to_owned()) };
        let ends_at = term.periods.map(|_| day_after(term.start, term.months()));
        (subscription.ends_at != ends_at)
            .then(|| format!("it ends at {:?}, the deal at {ends_at:?}", subscription.ends_at))
    }

    pub(super) fn renewal_at_rest(&mut self, ended: &Ended<'_>, opportunity: &Opportunity) {
        let run_id = RunId::OpportunityWon {
            organization_id: ended.organization_id.clone(),
            opportunity_id: opportunity.id.clone(),
        };
        let judgement = self.salesforce.judge_renewal(opportunity);
        let live = self.live_invoices(&opportunity.id);
        let begun = self.stripe.subscriptions().any(|one| one.made_for() == Some(opportunity.id.as_str()));
        let Some(run) = ended.run(&run_id) else {
            if judgement != Judgement::NotAsked && !opportunity.is_deleted {
                self.violate(ended.now, "no_deal_is_lost", format!("{} has no run", opportunity.id));
            }
            return;
        };
        let deal = Deal { ended, opportunity, run: &run, live: &live, judgement: &judgement };
        let is_contested =
            |one: &Subscription| one.renewals.len() > 1 && one.renewals.contains(opportunity.id.as_str());
        if self.stripe.subscriptions().any(is_contested) {
            return;
        }
        if begun || !live.is_empty() {
            self.broken(&deal, "a_renewal_begins_nothing", "it has a subscription or an invoice of its own".to_owned());
        }
        let renewed = self.stripe.subscriptions().filter(|one| one.renewed_for() == Some(opportunity.id.as_str()));
        let renewed: Vec<Subscription> = renewed.cloned().collect();
        if renewed.len() > 1 {
            self.broken(&deal, "a_deal_renews_one_subscription", format!("it renewed {}", renewed.len()));
        }
        match run.status() {
            "done" => self.renewal_is_done(&deal, renewed.first()),
            "review" => {
                count(&mut self.facts, "a renewal ended in review");
                self.person_is_told(&deal);
            }
            "rejected" => {
                count(&mut self.facts, "a renewal ended rejected");
                if opportunity.lines.iter().any(|line| line.every.is_some()) {
                    count(&mut self.facts, "a renewal of several frequencies was refused");
                }
                if let Some(one) = renewed.first().filter(|one| one.canceled_by.is_none() && ended.restores == 0) {
                    self.broken(&deal, "a_refused_renewal_changes_nothing", format!("{} was changed", one.id));
                }
                if judgement != Judgement::NotAsked && !opportunity.is_deleted {
                    self.person_is_told(&deal);
                    self.is_refused_for_a_reason(&deal);
                }
            }
            _ if ended.has_letter_about(opportunity.id.as_str()) => {
                count(&mut self.facts, "a deal was given up after too many receives");
            }
            _ => self.broken(&deal, "every_run_ends", "it stands open".to_owned()),
        }
    }

    fn renewal_is_done(&mut self, deal: &Deal<'_>, renewed: Option<&Subscription>) {
        count(&mut self.facts, "a renewal ended done");
        let opportunity = deal.opportunity;
        let Some(subscription) = renewed else {
            return self.broken(deal, "done_means_renewed", "no subscription goes on for it".to_owned());
        };
        let is_stated = deal.ended.is_differing(&opportunity.id);
        let is_over = subscription.canceled_by.is_some();
        let difference = match deal.judgement {
            _ if opportunity.is_deleted => Some("it is deleted".to_owned()),
            Judgement::Billable(bill) if !is_stated => {
                self.ends_when_the_deal_says(deal, bill, subscription);
                self.is_billed_as_sold(deal, bill, subscription);
                let of_term =
                    bill.term.as_ref().and_then(|term| term.periods.map(|_| day_after(term.start, term.months())));
                let ends_at = if opportunity.cancel_on.is_some() { of_term } else { subscription.ends_at };
                self.differs(&Subscription { ends_at, ..subscription.clone() }, bill)
            }
            Judgement::Billable(_) | Judgement::Unbillable { .. } => None,
            Judgement::NotAsked => Some("it does not ask to be billed any more".to_owned()),
        };
        if let Some(why) = difference.filter(|_| !is_stated && !is_over) {
            self.broken(deal, "done_means_renewed", why);
        }
        if opportunity.renewal_id.as_deref() != Some(subscription.id.as_str()) && !opportunity.is_deleted {
            self.broken(deal, "salesforce_names_the_subscription", format!("it names {:?}", opportunity.renewal_id));
        }
        let names = opportunity.contract_names.renewal_id.as_deref();
        let has_contract = opportunity.contract != Contract::NotNeeded && !opportunity.is_deleted;
        if has_contract && names != Some(subscription.id.as_str()) {
            self.broken(deal, "the_contract_names_the_subscription", format!("it names {names:?}"));
        }
        if let Some(code) = opportunity.sync_code.as_deref()
            && !opportunity.note_is_late
            && !opportunity.is_deleted
        {
            self.broken(deal, "the_note_gives_the_code", format!("it is renewed, and the note says {code}"));
        }
        if is_over && subscription.canceled_by == Some(By::Us) {
            self.broken(deal, "a_billed_term_goes_on", "we canceled it".to_owned());
        }
    }

    /// Its term begins inside the period that it is in now, and ends with one; and what that period was billed by still counts.
    fn can_be_changed_inside(&self, one: &Subscription, bill: &Bill, now: Timestamp) -> bool {
        let Some(term) = bill.term.as_ref().filter(|term| term.stub > 0) else { return false };
        let (start, end) = one.period(now);
        let starts_at = day_after(term.start, 0);
        let counts = |invoice: &Invoice| invoice.is_live() && !invoice.touched_by_hand;
        (start..end).contains(&starts_at)
            && now.duration_since(starts_at) > jiff::SignedDuration::from_hours(1)
            && one.months == term.every
            && one.ends_at == Some(end)
            && end == day_after(term.start, term.stub)
            && self.stripe.proration == mapping::Proration::AlwaysInvoice
            && self.stripe.find_invoice(&one.latest).is_some_and(counts)
            && one.differences.is_empty()
            && !self.stripe.stranger_waits_for(&one.customer)
    }

    /// It said why when it was refused; that it could have gone on when it was won is what must not be.
    fn is_refused_for_a_reason(&mut self, deal: &Deal<'_>) {
        let opportunity = deal.opportunity;
        let Judgement::Billable(bill) = deal.judgement else { return };
        let starts_at = bill.term.as_ref().map(|term| day_after(term.start, 0));
        let named = opportunity.renewal_id.as_deref();
        let there = self.stripe.subscriptions().find(|one| Some(one.id.as_str()) == named);
        let is_alike =
            |one: &&Subscription| one.canceled_by.is_none() && one.currency == bill.currency && one.has_one_frequency();
        let fits = there.filter(is_alike).is_some_and(|one| one.ends_at == starts_at);
        let is_late = starts_at.is_none_or(|at| at < deal.ended.now);
        // The deal that began it may never settle on it, as where it was edited and the ledger restored.
        let is_settled = deal.run.code != Some("renewal_unsettled");
        let fits_inside =
            there.filter(is_alike).is_some_and(|one| self.can_be_changed_inside(one, bill, deal.ended.now));
        // It was said to end before it was renewed.
        let is_canceled = deal.run.code == Some("term_not_billable") && opportunity.cancel_on.is_some();
        let is_to_end = there.is_some_and(Subscription::is_to_end);
        // What waited for the customer has gone along with an invoice since.
        let items_waited = deal.run.code == Some("pending_items")
            && self.stripe.anything_waits_or_waited_for(&bill.account_id, opportunity.note_sent);
        let is_fought = opportunity.automation != Automation::None || is_canceled || is_to_end || items_waited;
        if is_settled && (fits && !is_late || fits_inside) && self.catalogue_takes(bill) && !is_fought {
            self.broken(deal, "no_deal_is_lost", "it is refused, and the subscription could go on".to_owned());
        }
    }
}
