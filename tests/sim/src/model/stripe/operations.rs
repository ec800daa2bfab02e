//! The writes: what each asks of the objects, and does to them.

use domain::{Currency, CustomerId, InvoiceId};
use jiff::{SignedDuration, Timestamp};
use stripe::{Answer, InvoiceLine, InvoiceStatus, Operation, Write};

use super::failure::Failure;
use super::form::Form;
use super::invoice::Invoice;
use super::{By, Finalized, Stripe, Tells, lines};
use crate::model::count;

/// When Stripe finalizes a draft that it may advance.
pub(super) const ADVANCES_AFTER: SignedDuration = SignedDuration::from_hours(1);

impl Stripe {
    pub(super) fn perform(&mut self, now: Timestamp, write: &Write) -> Result<Answer, Failure> {
        let form = Form::parse(&write.body);
        let rest = write.path.strip_prefix("/v1/").unwrap_or_default();
        let parts: Vec<_> = rest.split('/').collect();
        match (write.operation, parts[..].as_ref()) {
            (Operation::CreateCustomer, ["customers"]) => self.create_customer(now, form),
            (Operation::UpdateCustomer, ["customers", id]) => self.update_customer(now, id, form),
            (Operation::AddTaxId, ["customers", id, "tax_ids"]) => self.add_tax_id(now, id, form),
            (Operation::RemoveTaxId, ["customers", id, "tax_ids", tax_id]) => self.remove_tax_id(now, id, tax_id),
            (Operation::CreateInvoice, ["invoices"]) => self.create_invoice(now, form),
            (Operation::AddLines, ["invoices", id, "add_lines"]) => self.add_lines(now, id, form),
            (Operation::SendInvoice, ["invoices", id, "send"]) => self.send(now, id, form),
            (Operation::SendInvoice, ["invoices", id, "finalize"]) => self.finalize_and_charge(now, id, form),
            (Operation::VoidInvoice, ["invoices", id, "void"]) => self.void_for_us(now, id, form),
            (Operation::CreateCreditNote, ["credit_notes"]) => self.create_credit_note(now, form),
            (Operation::DeleteInvoice, ["invoices", id]) => self.delete(id),
            (Operation::DeleteCustomer, ["customers", id]) => self.remove_customer(now, id),
            (Operation::CreatePrice, ["prices"]) => self.create_price(now, form),
            (Operation::CreateSubscription, ["subscriptions"]) => self.create_subscription(now, form),
            (Operation::DisarmInvoice, ["invoices", id]) => self.disarm(now, id, form),
            (Operation::HoldInvoice, ["invoices", id]) => self.hold(now, id, form),
            (Operation::RenewSubscription, ["subscriptions", id]) => self.renew(now, id, form),
            (Operation::EndSubscription, ["subscriptions", id]) => self.end_subscription(now, id, form),
            (Operation::CancelSubscription, ["subscriptions", id]) => self.cancel(now, id, By::Us),
            (operation, _) => {
                self.violate(now, "every_path_is_known", format!("{operation:?} does not go to {}", write.path));
                Err(Failure::not_found("resource", &write.path))
            }
        }
    }

    fn create_invoice(&mut self, now: Timestamp, mut form: Form) -> Result<Answer, Failure> {
        let missing = |param: &str| Failure::malformed("parameter_missing", param);
        let customer = form.take("customer").ok_or_else(|| missing("customer"))?;
        let currency = form.take("currency").and_then(|code| Currency::parse(&code).ok());
        let currency = currency.ok_or_else(|| missing("currency"))?;
        let collection_method = form.take("collection_method");
        let is_sent = collection_method.as_deref() == Some("send_invoice");
        let is_charged = self.charges && collection_method.as_deref() == Some("charge_automatically");
        let days_until_due = form.take("days_until_due").and_then(|days| days.parse().ok());
        let auto_advance = form.take("auto_advance").as_deref() == Some("true");
        let takes_pending = form.take("pending_invoice_items_behavior").as_deref() == Some("include");
        let metadata = form.take_map("metadata");
        self.understood(now, &form, None)?;
        if is_sent != days_until_due.is_some() || !is_sent && !is_charged {
            return Err(Failure::about("days_until_due", "An invoice that is sent has a due date."));
        }
        let customer = CustomerId::parse(&customer).map_err(|_| missing("customer"))?;
        let Some(known) = self.customers.get(&customer).filter(|customer| customer.deleted.is_none()) else {
            return Err(Failure::no_such("customer", customer.as_str(), "customer"));
        };
        if known.email.is_none() {
            return Err(Failure::refused("Missing email: an invoice that is sent needs somebody to be sent to."));
        }
        let id = InvoiceId::parse(&self.next_id("in")).expect("a prefix and digits");
        let mut invoice = Invoice::draft(id.clone(), customer.clone(), currency, now);
        invoice.describe(metadata, auto_advance);
        invoice.is_charged(is_charged);
        invoice.is_due_within(days_until_due);
        if takes_pending {
            let pending = self.pending.remove(&customer).unwrap_or_default();
            invoice.lines.extend(pending.into_iter().map(|line| InvoiceLine { currency, ..line }));
            invoice.recount();
        }
        if auto_advance {
            self.advancing.insert((now.saturating_add(ADVANCES_AFTER).unwrap_or(now), id.clone()));
        }
        let answer = Answer::Invoice(Box::new(invoice.shown()));
        self.invoices.insert(id, invoice);
        Ok(answer)
    }

    fn add_lines(&mut self, now: Timestamp, id: &str, mut form: Form) -> Result<Answer, Failure> {
        let asked = self.asked_lines(now, id, &mut form)?;
        let ids: Vec<_> = asked.iter().map(|_| self.next_id("il")).collect();
        let invoice = self.named(id)?;
        invoice.has_room_for(asked.len())?;
        invoice.lines.extend(ids.into_iter().zip(asked).map(|(id, asked)| InvoiceLine { id, ..asked }));
        invoice.recount();
        Ok(Answer::Invoice(Box::new(invoice.shown())))
    }

    /// The lines of a request, all of them or none. Only a draft takes any.
    fn asked_lines(&mut self, now: Timestamp, id: &str, form: &mut Form) -> Result<Vec<InvoiceLine>, Failure> {
        let invoice = self.named(id)?;
        invoice.editable()?;
        let currency = invoice.currency();
        let mut asked = Vec::new();
        for (index, mut line) in form.take_list("lines").into_iter().enumerate() {
            asked.push(lines::read(&mut line, &self.catalogue, currency, &format!("lines[{index}]"))?);
        }
        self.understood(now, form, None)?;
        Ok(asked)
    }

    /// Finalizes a draft first. An open invoice is mailed again.
    fn send(&mut self, now: Timestamp, id: &str, form: Form) -> Result<Answer, Failure> {
        self.understood(now, &form, None)?;
        if self.named(id)?.is_disarmed || self.named(id)?.shown().is_charged {
            let message = "You can only manually send an invoice if its collection method is 'send_invoice'.";
            return Err(Failure::refused(message));
        }
        match self.named(id)?.status() {
            InvoiceStatus::Draft => self.finalize(now, id, By::Us)?,
            InvoiceStatus::Open => count(&mut self.facts, "an open invoice was sent"),
            status => {
                return Err(Failure::refused(format!("You can only send draft and open invoices, not {status:?}.")));
            }
        }
        let keys_work = !self.keys_ignored;
        let invoice = self.named(id)?;
        invoice.sendings += 1;
        let (sendings, answer) = (invoice.sendings, Answer::Invoice(Box::new(invoice.shown())));
        if sendings > 1 && keys_work {
            self.violate(now, "an_invoice_is_mailed_once", format!("{id} was mailed {sendings} times"));
        }
        Ok(answer)
    }

    /// The customer's card pays, or is declined, and the invoice stays open.
    fn finalize_and_charge(&mut self, now: Timestamp, id: &str, mut form: Form) -> Result<Answer, Failure> {
        let charges = form.take("auto_advance").as_deref() == Some("true");
        self.understood(now, &form, None)?;
        if !self.named(id)?.is_draft() {
            return Err(Failure::coded("invoice_not_editable", "This invoice is already finalized."));
        }
        self.finalize(now, id, By::Us)?;
        let invoice = self.named(id)?;
        let is_to_be_charged = charges && invoice.shown().is_charged;
        let (invoice_id, customer) = (invoice.id().clone(), invoice.customer().cloned());
        if is_to_be_charged && invoice.status() == InvoiceStatus::Open && is_accepted(&invoice_id) {
            count(&mut self.facts, "a card was charged");
            self.settle(now, &invoice_id);
        }
        if !is_to_be_charged || customer.is_none_or(|customer| !has_card(&customer)) {
            self.violate(
                now,
                "only_who_has_a_card_is_charged",
                format!("{id} is finalized, and nobody is asked to pay it"),
            );
        }
        Ok(Answer::Invoice(Box::new(self.named(id)?.shown())))
    }

    /// What is paid stays; what is void is void once.
    fn void_for_us(&mut self, now: Timestamp, id: &str, form: Form) -> Result<Answer, Failure> {
        self.understood(now, &form, None)?;
        let invoice = self.named(id)?;
        if !matches!(invoice.status(), InvoiceStatus::Open | InvoiceStatus::Uncollectible) {
            let message =
                format!("You can only void an invoice that is open or uncollectible, not {:?}.", invoice.status());
            return Err(Failure::refused(message));
        }
        if invoice.paid_in_cash() > 0 {
            return Err(Failure::refused("You can't void an invoice that was paid in part."));
        }
        invoice.voided_by_us();
        let (id, answer, void) = (invoice.id().clone(), Answer::Invoice(Box::new(invoice.shown())), invoice.clone());
        self.give_back(&void);
        self.voided.push(id);
        Ok(answer)
    }

    pub(super) fn finalize(&mut self, now: Timestamp, id: &str, by: By) -> Result<(), Failure> {
        let invoice = self.named(id)?;
        invoice.editable()?;
        if invoice.lines.is_empty() {
            let message = "Nothing to invoice: you can't finalize an invoice that has no line items.";
            return Err(Failure::coded("invoice_no_customer_line_items", message));
        }
        let customer = invoice.customer().cloned();
        let can_be_mailed = customer
            .and_then(|customer| self.customers.get(&customer))
            .is_some_and(|customer| customer.deleted.is_none() && customer.email.is_some());
        if !can_be_mailed {
            return Err(Failure::refused("Missing email: the customer must have a valid email."));
        }
        let draft = self.named(id)?.clone();
        let from_balance = self.take_from_balance(&draft);
        let invoice = self.named(id)?;
        invoice.finalize(now, by, from_balance);
        let (invoice_id, due) = (invoice.id().clone(), invoice.total() - from_balance);
        self.finalized.push(Finalized { invoice_id: invoice_id.clone(), by });
        self.tell_of_standing(now, Tells::Finalized(invoice_id.clone()));
        self.falls_due(&invoice_id);
        // What is less than nothing is credited, and paid as well.
        if due <= 0 {
            self.settle(now, &invoice_id);
        }
        Ok(())
    }

    /// Open becomes paid, and Stripe says so.
    pub(super) fn settle(&mut self, now: Timestamp, invoice_id: &InvoiceId) {
        if let Some(invoice) = self.invoices.get_mut(invoice_id) {
            invoice.pay(now);
            self.tell(now, Tells::Paid(invoice_id.clone()));
        }
    }

    fn delete(&mut self, id: &str) -> Result<Answer, Failure> {
        let invoice = self.named(id)?;
        if !invoice.is_draft() || invoice.is_of_subscription() {
            return Err(Failure::coded("invoice_not_editable", "You can only delete one-off draft invoices."));
        }
        let id = invoice.id().clone();
        self.remove_draft(&id, By::Us);
        Ok(Answer::Deleted)
    }

    /// The invoice that a path names.
    pub(super) fn named(&mut self, id: &str) -> Result<&mut Invoice, Failure> {
        let found = InvoiceId::parse(id).ok().and_then(|id| self.invoices.get_mut(&id));
        found.ok_or_else(|| Failure::not_found("invoice", id))
    }

    /// What Stripe does by itself when time passes.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.turn(now);
        self.send_due(now);
        self.tell_overdue(now);
    }

    pub(super) fn send_due(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.advancing.first().filter(|(at, _)| *at <= now).cloned() {
            self.advancing.pop_first();
            let advances = self.invoices.get(&id).is_some_and(|invoice| invoice.is_draft() && invoice.auto_advances());
            if advances {
                // What cannot be finalized stays a draft.
                let _ = self.finalize(at, id.as_str(), By::Stripe);
            }
        }
    }
}

/// Every other customer has a card, and a few are declined.
pub(super) fn has_card(customer: &CustomerId) -> bool {
    customer.as_str().bytes().last().is_some_and(|digit| digit.is_multiple_of(2))
}

fn is_accepted(invoice: &InvoiceId) -> bool {
    invoice.as_str().bytes().last().is_some_and(|digit| !digit.is_multiple_of(5))
}
