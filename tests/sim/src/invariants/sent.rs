//! At the moment when an invoice becomes more than a draft: it is the only one of its deal, it is what the deal said when
//! it was read, and it goes to the account's customer.

use domain::{AccountId, InvoiceId, OpportunityId};
use jiff::Timestamp;

use super::{deal_of, difference};
use crate::model::bill::Judgement;
use crate::model::stripe::{By, Customer, Finalized, Invoice};
use crate::model::{Models, count};

impl Models {
    pub(crate) fn finalized(&mut self, now: Timestamp, finalized: &Finalized) {
        let Some(invoice) = self.stripe.find_invoice(&finalized.invoice_id).cloned() else {
            return;
        };
        let Some(opportunity_id) = deal_of(&invoice) else {
            return;
        };
        match finalized.by {
            By::Us => {
                count(&mut self.facts, "an invoice was sent");
                self.is_the_only_one(now, &invoice, &opportunity_id);
                self.is_what_was_read(now, &invoice, &opportunity_id);
                self.goes_to_the_accounts_customer(now, &invoice, &opportunity_id);
                self.is_approved(now, &invoice, &opportunity_id);
            }
            By::Person => count(&mut self.facts, "a person finalized a draft"),
            // A process that began a subscription stayed away for an hour. What Stripe sends then is what was asked for.
            By::Stripe if invoice.is_of_subscription() => {
                count(&mut self.facts, "Stripe sent a first invoice by itself");
                self.is_the_only_one(now, &invoice, &opportunity_id);
                // What lay around for the customer comes along, unless somebody is there to see it.
                let is_added =
                    |line: &stripe::InvoiceLine| line.metadata.is_empty() && line.subscription_item.is_none();
                match invoice.lines.iter().any(is_added) {
                    false => self.is_what_was_read(now, &invoice, &opportunity_id),
                    true => count(&mut self.facts, "Stripe sent along what lay around"),
                }
                self.goes_to_the_accounts_customer(now, &invoice, &opportunity_id);
                self.is_approved(now, &invoice, &opportunity_id);
            }
            By::Stripe => {
                self.violate(now, "nobody_but_us_finalizes", format!("Stripe advanced {}", invoice.id()));
            }
        }
    }

    fn is_the_only_one(&mut self, now: Timestamp, invoice: &Invoice, opportunity_id: &OpportunityId) {
        let others = self.stripe.invoices().filter(|other| {
            other.id() != invoice.id() && other.is_live() && deal_of(other).as_ref() == Some(opportunity_id)
        });
        let others: Vec<_> = others.cloned().collect();
        if others.is_empty() {
            return;
        }
        if others.iter().any(|other| other.finalized_by == Some(By::Person)) {
            count(&mut self.facts, "a deal was billed beside a draft that a person finalized");
            return;
        }
        let ids: Vec<_> = others.iter().map(|other| other.id().to_string()).collect();
        let detail = format!("{opportunity_id} has {} and now {}", ids.join(", "), invoice.id());
        self.violate(now, "one_invoice_per_deal", detail);
    }

    fn is_what_was_read(&mut self, now: Timestamp, invoice: &Invoice, opportunity_id: &OpportunityId) {
        if invoice.touched_by_hand {
            count(&mut self.facts, "a draft that a person changed was sent");
            return;
        }
        let readings = self.salesforce.opportunity(opportunity_id).map(|opportunity| opportunity.readings.as_slice());
        let bills = readings.unwrap_or_default().iter().rev().filter_map(|(_, judgement)| judgement.bill());
        let differences: Vec<_> = bills.map(|bill| difference(invoice, bill)).collect();
        if differences.iter().all(Option::is_some) {
            let why = differences.into_iter().flatten().next();
            let why = why.unwrap_or_else(|| "the deal was never billable when it was read".to_owned());
            self.violate(now, "what_is_sent_is_what_was_read", format!("{} of {opportunity_id}: {why}", invoice.id()));
        }
    }

    /// Above the ceiling, somebody has said yes to at least this amount.
    fn is_approved(&mut self, now: Timestamp, invoice: &Invoice, opportunity_id: &OpportunityId) {
        let ceiling = self.ceilings.get(invoice.currency().as_str()).copied();
        // What a person adds between the gate and the sending is that person's.
        let is_above = |ceiling: &i64| invoice.total() > *ceiling && !invoice.touched_by_hand;
        let Some(ceiling) = ceiling.filter(is_above) else { return };
        let opportunity = self.salesforce.opportunity(opportunity_id);
        let total = domain::Money::from_minor_units(invoice.total(), invoice.currency()).to_major_units();
        if opportunity.and_then(|one| one.most_approved).is_some_and(|most| most >= total) {
            count(&mut self.facts, "an approved invoice above the ceiling was sent");
        } else {
            let detail =
                format!("{} of {opportunity_id} comes to {}, the ceiling is {ceiling}", invoice.id(), invoice.total());
            self.violate(now, "nothing_above_the_ceiling_is_sent_unapproved", detail);
        }
    }

    /// To be called with what a process reads of a deal.
    pub fn read_by(&mut self, now: Timestamp, process: u64, opportunity_id: &str) {
        let Some(opportunity) =
            OpportunityId::parse(opportunity_id).ok().and_then(|id| self.salesforce.opportunity(&id))
        else {
            return;
        };
        let judgement = self.salesforce.judge(opportunity);
        self.watch.first_read.entry(opportunity.id.clone()).or_insert(now);
        self.watch.read_by.insert((process, opportunity.id.clone()), judgement);
    }

    /// To be called when a process lets go of the request that sends an invoice. Whatever was read before, it must be what
    /// this process itself read last; and where a person has a hand in it, as it was when this process saw it last.
    pub fn sending_invoice(&mut self, now: Timestamp, process: u64, invoice_id: &str) {
        let Ok(id) = InvoiceId::parse(invoice_id) else { return };
        let Some(invoice) = self.stripe.find_invoice(&id).filter(|invoice| invoice.is_draft()) else { return };
        let invoice = match invoice.touched_by_hand {
            false => invoice,
            true => self.stripe.shown_to(process, &id).unwrap_or(invoice),
        };
        let Some(opportunity_id) = deal_of(invoice) else { return };
        let why = match self.watch.read_by.get(&(process, opportunity_id.clone())) {
            None => Some("its sender never read the deal".to_owned()),
            Some(Judgement::Billable(bill)) => difference(invoice, bill),
            // What a draft is made of is read; whom it is for was settled before.
            Some(Judgement::Unbillable { amount }) if self.bills_amount(invoice, *amount) => None,
            Some(_) => Some("the deal does not come to that any more".to_owned()),
        };
        if let Some(why) = why {
            let detail = format!("{invoice_id} of {opportunity_id}: {why}");
            self.violate(now, "what_is_sent_is_what_its_sender_read", detail);
        }
    }

    fn goes_to_the_accounts_customer(&mut self, now: Timestamp, invoice: &Invoice, opportunity_id: &OpportunityId) {
        let opportunity = self.salesforce.opportunity(opportunity_id);
        let Some(account_id) = opportunity.and_then(|opportunity| opportunity.account_id.clone()) else {
            return;
        };
        let Some(customer) = invoice.customer().and_then(|id| self.stripe.find_customer(id)).cloned() else {
            return;
        };
        let by_hand = self.salesforce.account(&account_id).is_some_and(|account| account.customer_named_by_hand);
        let belongs = customer.metadata.get("sf_account_id").is_some_and(|id| id == account_id.as_str());
        if !belongs && !by_hand {
            let detail = format!("{} bills {} for {account_id}", invoice.id(), customer.id);
            self.violate(now, "an_account_is_billed_itself", detail);
        }
        if belongs && !by_hand {
            self.goes_to_the_accounts_address(now, invoice, opportunity_id, &account_id, &customer);
            self.carries_the_accounts_tax_id(now, invoice, opportunity_id, &account_id, &customer);
        }
        let currency = customer.currency().map(str::to_owned);
        if currency.as_deref().is_some_and(|currency| {
            currency != invoice.currency().to_stripe() || invoice.shown().subscription.is_none()
        }) {
            let detail = format!("{} bills {}, who is for subscriptions in {currency:?}", invoice.id(), customer.id);
            self.violate(now, "a_customer_is_billed_what_it_is_for", detail);
        }
        if currency.is_some() {
            count(&mut self.facts, "an account was billed in two currencies");
        }
        let earlier = self.watch.billed_through.insert((account_id.clone(), currency), customer.id.clone());
        let is_other = earlier.as_ref().is_some_and(|earlier| *earlier != customer.id);
        let was_deleted = earlier
            .as_ref()
            .and_then(|earlier| self.stripe.find_customer(earlier))
            .is_some_and(|earlier| earlier.deleted.is_some());
        match is_other {
            true if was_deleted || by_hand => count(&mut self.facts, "an account changed its customer"),
            true => {
                let earlier = earlier.map(|id| id.to_string()).unwrap_or_default();
                let detail = format!("{account_id} was billed through {earlier}, and now {}", customer.id);
                self.violate(now, "one_customer_per_account", detail);
            }
            false => {}
        }
    }

    /// What the account said when the deal was first read, or has said since. A contact's address is no account's.
    fn goes_to_the_accounts_address(
        &mut self,
        now: Timestamp,
        invoice: &Invoice,
        opportunity_id: &OpportunityId,
        account_id: &AccountId,
        customer: &Customer,
    ) {
        let Some(first_read) = self.watch.first_read.get(opportunity_id).copied() else { return };
        let Some(account) = self.salesforce.account(account_id) else { return };
        let Some(said) = from(&account.emails, first_read) else { return };
        if !said.iter().any(|(_, email)| customer.email.as_ref() == Some(email)) {
            let detail = format!("{} went to {:?}, the account says {said:?}", invoice.id(), customer.email);
            self.violate(now, "an_invoice_goes_to_where_the_account_says", detail);
        } else if account.emails.len() > 1 {
            count(&mut self.facts, "an invoice went to an address that had changed");
        }
    }

    /// Those that the account has had since the deal was first read. While one takes the place of another, another deal's invoice may
    /// have both.
    fn carries_the_accounts_tax_id(
        &mut self,
        now: Timestamp,
        invoice: &Invoice,
        opportunity_id: &OpportunityId,
        account_id: &AccountId,
        customer: &Customer,
    ) {
        let Some(first_read) = self.watch.first_read.get(opportunity_id).copied() else { return };
        let Some(account) = self.salesforce.account(account_id) else { return };
        let Some(had) = from(&account.tax_ids, first_read) else { return };
        let has_changed = had.len() < account.tax_ids.len();
        let had: Vec<_> = had.iter().map(|(_, tax_id)| tax_id.as_deref()).collect();
        let carries: Vec<_> = customer.tax_ids.iter().map(|tax_id| tax_id.value.as_str()).collect();
        let is_right = match carries.is_empty() {
            true => had.contains(&None),
            false => carries.iter().all(|tax_id| had.contains(&Some(tax_id))),
        };
        if !is_right {
            let detail = format!("{} carries {carries:?}, the account had {had:?}", invoice.id());
            self.violate(now, "an_invoice_carries_the_accounts_tax_id", detail);
        } else if has_changed {
            count(&mut self.facts, "an invoice carried a tax id that had changed");
        }
    }
}

/// What was so at that time, and all that came after.
fn from<T>(timeline: &[(Timestamp, T)], at: Timestamp) -> Option<&[(Timestamp, T)]> {
    let last_before = timeline.iter().rposition(|(since, _)| *since <= at)?;
    Some(&timeline[last_before..])
}
