//! Credit notes over invoices that are paid, or a part of them, the balances that they go to, and money that goes back.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ChargeId, CreditNoteId, Currency, CustomerId, InvoiceId};
use jiff::Timestamp;
use stripe::{Answer, CreditNote, CustomerBilling, Error, InvoiceStatus, MoneyIn};

use super::failure::Failure;
use super::form::Form;
use super::operations::has_card;
use super::reads::no_such;
use super::{Stripe, Tells};
use crate::model::count;

#[derive(Debug, Default)]
pub(super) struct Credits {
    notes: Vec<CreditNote>,
    /// What each customer is owed, in the currency of the first invoice that it was sent.
    balances: BTreeMap<CustomerId, i64>,
    currencies: BTreeMap<CustomerId, Currency>,
    /// Whose payments went back, or a part of them.
    refunded: BTreeSet<InvoiceId>,
    /// Of which some process was told that the money is here.
    told_kept: BTreeSet<InvoiceId>,
}

impl Stripe {
    pub(super) fn create_credit_note(&mut self, now: Timestamp, mut form: Form) -> Result<Answer, Failure> {
        let missing = |param: &str| Failure::malformed("parameter_missing", param);
        let invoice = form.take("invoice").ok_or_else(|| missing("invoice"))?;
        let credit_amount = form.take("credit_amount").and_then(|amount| amount.parse::<i64>().ok());
        let credit_amount = credit_amount.ok_or_else(|| missing("credit_amount"))?;
        form.take("reason");
        let metadata = form.take_map("metadata");
        let asked = form.take_list("lines");
        self.understood(now, &form, None)?;
        let found = self.named(&invoice)?.clone();
        if !matches!(found.status(), InvoiceStatus::Paid | InvoiceStatus::Open) {
            return Err(Failure::about(
                "invoice",
                "You can only create a credit note for an invoice that is open or paid.",
            ));
        }
        let mut total = 0;
        for (index, mut line) in asked.into_iter().enumerate() {
            line.take("type");
            let id = line.take("invoice_line_item").unwrap_or_default();
            let of = found.lines.iter().find(|line| line.id == id);
            let of = of.ok_or_else(|| Failure::no_such("invoice line item", &id, &format!("lines[{index}]")))?;
            total += match (line.take("quantity"), line.take("amount")) {
                // All of it, or not what is asked for here.
                (Some(quantity), None) if of.quantity == quantity.parse().ok() => of.amount,
                (None, Some(amount)) => amount.parse().map_err(|_| missing("amount"))?,
                _ => return Err(Failure::about("lines", "The line has another number.")),
            };
        }
        // It takes what is still due first.
        let pre = found.due().min(total);
        let post = total - pre;
        if post != credit_amount || total <= 0 {
            let message = format!("The sum of credit_amount must equal what was paid of the note's total: {post}.");
            return Err(Failure::refused(message));
        }
        if found.credited() + total > found.total() {
            return Err(Failure::refused("The sum of credit notes cannot be more than the invoice's total."));
        }
        let customer = found.customer().cloned().ok_or_else(|| missing("customer"))?;
        if self.credits.currencies.get(&customer).is_some_and(|currency| *currency != found.currency()) {
            return Err(Failure::refused("The customer's balance is in another currency than the invoice."));
        }
        // Whoever was told that it is here may have been overtaken.
        if self.is_refunded(found.id()) && !self.credits.told_kept.contains(found.id()) {
            let detail = format!("{} was refunded, and nobody was told otherwise", found.id());
            self.violate(now, "nothing_is_credited_that_went_back", detail);
        }
        if pre > 0 {
            count(&mut self.facts, "what was paid in part was credited");
        }
        *self.credits.balances.entry(customer).or_default() += post;
        let note = CreditNote {
            id: self.next_id("cn"),
            invoice: found.id().clone(),
            is_issued: true,
            amount: total,
            metadata,
        };
        self.credits.notes.push(note.clone());
        let invoice = self.named(&invoice)?;
        invoice.credit(pre, post);
        let id = invoice.id().clone();
        if pre > 0 {
            self.settle(now, &id);
        }
        self.voided.push(id);
        Ok(Answer::CreditNote(Box::new(note)))
    }

    /// What the balance pays of an invoice that is finalized. The first one says in which currency the customer is billed.
    pub(super) fn take_from_balance(&mut self, invoice: &super::Invoice) -> i64 {
        let Some(customer) = invoice.customer() else { return 0 };
        let currency = *self.credits.currencies.entry(customer.clone()).or_insert(invoice.currency());
        let Some(balance) = self.credits.balances.get_mut(customer).filter(|_| currency == invoice.currency()) else {
            return 0;
        };
        let used = (*balance).min(invoice.total());
        *balance -= used;
        used
    }

    /// It is void, and what the balance had paid of it is there again.
    pub(super) fn give_back(&mut self, invoice: &super::Invoice) {
        if let Some(customer) = invoice.customer().filter(|_| invoice.from_balance != 0) {
            *self.credits.balances.entry(customer.clone()).or_default() += invoice.from_balance;
        }
    }

    /// A person gives money back, by the charge alone: the invoice knows nothing of it.
    pub fn refund(&mut self, now: Timestamp, id: &InvoiceId) -> bool {
        let has_money = self
            .invoices
            .get(id)
            .is_some_and(|invoice| invoice.status().is_sent() && invoice.credited() == 0 && invoice.paid_in_cash() > 0);
        // What is disputed is the bank's to give back.
        let can_be = has_money && !self.is_disputed(id);
        if can_be {
            self.credits.refunded.insert(id.clone());
            let charge = ChargeId::parse(&id.as_str().replacen("in_", "ch_", 1)).expect("a prefix and digits");
            self.tell_of_standing(now, Tells::Refunded(charge));
        }
        can_be
    }

    pub fn invoice_of_credit_note(&mut self, id: &CreditNoteId) -> Result<InvoiceId, Error> {
        let note = self.credits.notes.iter().find(|note| note.id == id.as_str());
        note.map(|note| note.invoice.clone()).ok_or_else(|| no_such("credit note", id.as_str()))
    }

    pub fn is_refunded(&self, id: &InvoiceId) -> bool {
        self.credits.refunded.contains(id)
    }

    /// Whether the customer's balance is in this invoice's currency, or in none yet.
    pub fn has_balance_for(&self, invoice: &super::Invoice) -> bool {
        let currency = invoice.customer().and_then(|customer| self.credits.currencies.get(customer));
        currency.is_none_or(|currency| *currency == invoice.currency())
    }

    pub fn money_of_invoice(&mut self, now: Timestamp, id: &InvoiceId) -> Result<Vec<MoneyIn>, Error> {
        self.advance(now);
        let invoice = self.invoices.get(id).ok_or_else(|| no_such("invoice", id.as_str()))?;
        if invoice.paid_in_cash() == 0 {
            return Ok(vec![]);
        }
        Ok(vec![match self.is_refunded(id) {
            true => MoneyIn::Refunded,
            false => {
                self.credits.told_kept.insert(id.clone());
                MoneyIn::Kept
            }
        }])
    }

    pub fn credit_notes_of_invoice(&mut self, now: Timestamp, id: &InvoiceId) -> Result<Vec<CreditNote>, Error> {
        self.advance(now);
        Ok(self.credits.notes.iter().filter(|note| note.invoice == *id).cloned().collect())
    }

    pub fn billing_of_customer(&mut self, now: Timestamp, id: &CustomerId) -> Result<CustomerBilling, Error> {
        self.advance(now);
        let known = self.customers.get(id).ok_or_else(|| no_such("customer", id.as_str()))?;
        if known.deleted.is_some() {
            return Ok(CustomerBilling { is_deleted: true, ..CustomerBilling::default() });
        }
        let currency = self.credits.currencies.get(id).map(|currency| currency.to_stripe());
        Ok(CustomerBilling { is_deleted: false, currency, has_payment_method: has_card(id) })
    }
}
