//! What people do in Stripe's dashboard, and customers on the hosted page. Each says whether there was anything to do.

use std::collections::BTreeMap;

use domain::{AccountId, CustomerId, InvoiceId, TaxIdId};
use jiff::Timestamp;
use stripe::{InvoiceLine, InvoiceStatus, TaxIdObject};

use super::{By, Stripe};
use crate::model::count;

impl Stripe {
    /// A customer that a person makes by hand, without our metadata.
    pub fn make_customer(&mut self, now: Timestamp, email: &str) -> CustomerId {
        self.new_customer(now, By::Person, Some(email.to_owned()), BTreeMap::new())
    }

    /// One that we made for the account and do not remember.
    pub fn make_forgotten_customer(&mut self, now: Timestamp, account: &AccountId, tax_id: &str) -> CustomerId {
        let metadata = BTreeMap::from([("sf_account_id".to_owned(), account.to_string())]);
        let id = self.new_customer(now, By::Us, Some("former@acme.example".to_owned()), metadata);
        let tax_id = TaxIdObject {
            id: TaxIdId::parse(&self.next_id("txi")).expect("a prefix and digits"),
            kind: "eu_vat".to_owned(),
            value: tax_id.to_owned(),
        };
        self.customers.get_mut(&id).expect("it was made a moment ago").tax_ids.push(tax_id);
        id
    }

    pub fn pay(&mut self, now: Timestamp, id: &InvoiceId) -> bool {
        let can_be_paid = self
            .invoices
            .get(id)
            .is_some_and(|invoice| matches!(invoice.status(), InvoiceStatus::Open | InvoiceStatus::Uncollectible));
        if can_be_paid {
            self.settle(now, id);
        }
        can_be_paid
    }

    /// A third of what is due comes in, as a bank transfer brings it.
    pub fn pay_part(&mut self, now: Timestamp, id: &InvoiceId) -> bool {
        let part = self.invoices.get(id).map_or(0, |invoice| invoice.due() / 3);
        match self.invoices.get_mut(id) {
            Some(invoice) if part > 0 => {
                invoice.pay_part(part);
                count(&mut self.facts, "an invoice was paid in part");
                self.tell_of_part(now, id);
                true
            }
            _ => false,
        }
    }

    pub fn void(&mut self, now: Timestamp, id: &InvoiceId) -> bool {
        self.end(now, id, &[InvoiceStatus::Open, InvoiceStatus::Uncollectible], InvoiceStatus::Void)
    }

    pub fn mark_uncollectible(&mut self, now: Timestamp, id: &InvoiceId) -> bool {
        self.end(now, id, &[InvoiceStatus::Open], InvoiceStatus::Uncollectible)
    }

    fn end(&mut self, now: Timestamp, id: &InvoiceId, from: &[InvoiceStatus], to: InvoiceStatus) -> bool {
        match self.invoices.get_mut(id) {
            Some(invoice)
                if from.contains(&invoice.status()) && (to != InvoiceStatus::Void || invoice.paid_in_cash() == 0) =>
            {
                invoice.end(to);
                let ended = invoice.clone();
                if to == InvoiceStatus::Void {
                    self.give_back(&ended);
                }
                self.tell_of_end(now, id);
                true
            }
            _ => false,
        }
    }

    pub fn finalize_by_hand(&mut self, now: Timestamp, id: &InvoiceId) -> bool {
        self.finalize(now, id.as_str(), By::Person).is_ok()
    }

    pub fn delete_draft(&mut self, id: &InvoiceId) -> bool {
        let is_draft = self.invoices.get(id).is_some_and(|invoice| invoice.is_draft() && !invoice.is_of_subscription());
        if is_draft {
            self.remove_draft(id, By::Person);
        }
        is_draft
    }

    pub fn delete_customer(&mut self, now: Timestamp, id: &CustomerId) -> bool {
        match self.customers.get_mut(id) {
            Some(customer) if customer.deleted.is_none() => {
                customer.deleted = Some(now);
                self.cancel_all_of(now, id);
                true
            }
            _ => false,
        }
    }

    /// A line that nobody planned, on a draft.
    pub fn add_line_by_hand(&mut self, id: &InvoiceId, amount: i64) -> bool {
        let line_id = self.next_id("il");
        match self.invoices.get_mut(id) {
            Some(invoice) if invoice.is_draft() => {
                let currency = invoice.currency();
                invoice.lines.push(hand_made(line_id, amount, currency));
                invoice.recount();
                invoice.touched_by_hand = true;
                true
            }
            _ => false,
        }
    }

    /// To be called when a process is answered about an invoice.
    pub fn has_shown(&mut self, process: u64, id: &InvoiceId) {
        if let Some(invoice) = self.invoices.get(id) {
            self.shown_to.insert((process, id.clone()), invoice.clone());
        }
    }

    /// The invoice as this process saw it last.
    pub fn shown_to(&self, process: u64, id: &InvoiceId) -> Option<&super::Invoice> {
        self.shown_to.get(&(process, id.clone()))
    }

    /// An item that waits for the customer's next invoice.
    pub fn leave_pending_item(&mut self, now: Timestamp, id: &CustomerId, amount: i64, currency: domain::Currency) {
        self.advance(now);
        let line_id = self.next_id("il");
        self.waits_since.insert(line_id.clone(), now);
        self.pending.entry(id.clone()).or_default().push(hand_made(line_id, amount, currency));
    }
}

fn hand_made(id: String, amount: i64, currency: domain::Currency) -> InvoiceLine {
    InvoiceLine {
        id,
        amount,
        currency,
        quantity: None,
        tax_inside: 0,
        metadata: BTreeMap::new(),
        price: None,
        product: None,
        subscription_item: None,
        period_start: None,
    }
}
