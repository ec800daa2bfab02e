//! What each write would do. A write that Stripe would refuse for what can be read is refused here.

use domain::{Currency, CustomerId, InvoiceId, PriceId, ProductId, TaxIdId};
use engine::{Clock, Stripe};
use jiff::Timestamp;
use stripe::{Answer, CreditNote, Customer, Error, InvoiceStatus, Operation, Price, Recurrence, TaxIdObject, Write};

use super::form::Form;
use super::lines::behavior;
use super::memory::Invoice;
use super::refusals::{about, no_such, not_editable, refused};
use super::{Unwritten, is_made_here};

/// What of a customer says how it is taxed.
const DETAILS: [&str; 3] = ["address", "shipping", "tax_exempt"];

/// To the second, as Stripe says when something was created.
pub(super) fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// What is written here was put together by `stripe::Write`, so that a part is missing only where that has changed.
pub(super) fn missing(param: &str) -> Error {
    about(param, format!("Missing required param: {param}."))
}

impl Unwritten {
    pub(super) async fn perform(&self, write: &Write) -> Result<Answer, Error> {
        let form = Form::parse(&write.body);
        let rest = write.path.strip_prefix("/v1/").unwrap_or_default();
        let parts: Vec<_> = rest.split('/').collect();
        match (write.operation, parts[..].as_ref()) {
            (Operation::CreateCustomer, ["customers"]) => Ok(self.create_customer(&form)),
            (Operation::UpdateCustomer, ["customers", id]) => self.update_customer(id, &form).await,
            (Operation::AddTaxId, ["customers", id, "tax_ids"]) => self.add_tax_id(id, &form).await,
            (Operation::RemoveTaxId, ["customers", id, "tax_ids", tax_id]) => self.remove_tax_id(id, tax_id).await,
            (Operation::CreatePrice, ["prices"]) => {
                self.create_price(&form).ok_or_else(|| missing("unit_amount_decimal"))
            }
            (Operation::CreateInvoice, ["invoices"]) => self.create_invoice(&form).await,
            (Operation::AddLines, ["invoices", id, "add_lines"]) => self.add_lines(id, &form).await,
            (Operation::SendInvoice, ["invoices", id, "send" | "finalize"]) => self.send(id).await,
            (Operation::VoidInvoice, ["invoices", id, "void"]) => self.void(id).await,
            (Operation::HoldInvoice | Operation::DisarmInvoice, ["invoices", id]) => {
                self.hold(id, &form, write.operation).await
            }
            (Operation::DeleteInvoice, ["invoices", id]) => self.delete(id).await,
            (Operation::CreateCreditNote, ["credit_notes"]) => self.credit(&form).await,
            (Operation::CreateSubscription, ["subscriptions"]) => self.create_subscription(&form).await,
            (Operation::RenewSubscription | Operation::EndSubscription, ["subscriptions", id]) => {
                self.change_subscription(id, &form).await
            }
            (Operation::CancelSubscription, ["subscriptions", id]) => self.cancel_subscription(id).await,
            (operation, _) => Err(refused(format!("{operation:?} at {} cannot be previewed.", write.path))),
        }
    }

    /// One that is billed, or changed.
    pub(super) async fn of_customer(&self, id: &str) -> Result<Customer, Error> {
        let gone = || no_such("customer", id, Some("customer"));
        let id = CustomerId::parse(id).map_err(|_| gone())?;
        match self.customer(&id).await {
            Ok(customer) if customer.deleted => Err(gone()),
            Err(Error::Refused(refusal)) if refusal.status == 404 => Err(gone()),
            found => found,
        }
    }

    fn create_customer(&self, form: &Form) -> Answer {
        let created = second(self.journal.now());
        let mut memory = self.memory.borrow_mut();
        let id = memory.new_id("cus", CustomerId::parse);
        let mut tax_ids = Vec::new();
        for data in form.list("tax_id_data") {
            let id = memory.new_id("txi", TaxIdId::parse);
            let text = |name: &str| data.get(name).unwrap_or_default().to_owned();
            tax_ids.push(TaxIdObject { id, kind: text("type"), value: text("value") });
        }
        memory.tax_ids.insert(id.clone(), tax_ids);
        memory.details.insert(id.clone(), form.of(&DETAILS));
        let customer = Customer { id: id.clone(), deleted: false, metadata: form.map("metadata"), created };
        memory.customers.insert(id, customer.clone());
        Answer::Customer(customer)
    }

    async fn update_customer(&self, id: &str, form: &Form) -> Result<Answer, Error> {
        let customer = self.of_customer(id).await?;
        self.memory.borrow_mut().details.entry(customer.id.clone()).or_default().extend(form.of(&DETAILS));
        Ok(Answer::Customer(customer))
    }

    async fn add_tax_id(&self, customer: &str, form: &Form) -> Result<Answer, Error> {
        let customer = self.of_customer(customer).await?.id;
        let mut tax_ids = self.tax_ids(&customer).await?;
        let mut memory = self.memory.borrow_mut();
        let id = memory.new_id("txi", TaxIdId::parse);
        let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
        tax_ids.push(TaxIdObject { id, kind: text("type"), value: text("value") });
        memory.tax_ids.insert(customer, tax_ids);
        Ok(Answer::TaxIdAdded)
    }

    async fn remove_tax_id(&self, customer: &str, tax_id: &str) -> Result<Answer, Error> {
        let customer = self.of_customer(customer).await?.id;
        let mut tax_ids = self.tax_ids(&customer).await?;
        tax_ids.retain(|there| there.id.as_str() != tax_id);
        self.memory.borrow_mut().tax_ids.insert(customer, tax_ids);
        Ok(Answer::Deleted)
    }

    fn create_price(&self, form: &Form) -> Option<Answer> {
        let count = form.parsed::<u32>("recurring[interval_count]").unwrap_or(1);
        let months = if form.get("recurring[interval]") == Some("year") { count.saturating_mul(12) } else { count };
        let mut memory = self.memory.borrow_mut();
        let id = memory.new_id("price", PriceId::parse);
        let price = Price {
            id: id.clone(),
            product: form.get("product").and_then(|id| ProductId::parse(id).ok()),
            active: true,
            currency: Some(currency_of(form)?),
            unit_amount: Some(form.parsed("unit_amount_decimal")?),
            recurrence: Recurrence::Months(months),
            tax_behavior: behavior(form.get("tax_behavior")),
            lookup_key: form.get("lookup_key").map(str::to_owned),
        };
        memory.prices.insert(id, price.clone());
        Some(Answer::Price(Box::new(price)))
    }

    async fn create_invoice(&self, form: &Form) -> Result<Answer, Error> {
        let customer = self.of_customer(form.get("customer").unwrap_or_default()).await?.id;
        let currency = currency_of(form).ok_or_else(|| missing("currency"))?;
        let created = second(self.journal.now());
        let id = self.memory.borrow_mut().new_id("in", InvoiceId::parse);
        let mut invoice = Invoice::draft(id, customer, currency, created);
        invoice.days_until_due = form.parsed("days_until_due");
        invoice.automatic_tax = form.get("automatic_tax[enabled]") == Some("true");
        invoice.shown.is_charged = form.get("collection_method") == Some("charge_automatically");
        invoice.shown.auto_advance = form.get("auto_advance") == Some("true");
        invoice.shown.metadata = form.map("metadata");
        Ok(self.keep(invoice))
    }

    /// Remembers it as it would be, and answers with it.
    pub(super) fn keep(&self, invoice: Invoice) -> Answer {
        let shown = invoice.shown();
        self.memory.borrow_mut().invoices.insert(shown.id.clone(), invoice);
        Answer::Invoice(Box::new(shown))
    }

    async fn named(&self, id: &str) -> Result<Invoice, Error> {
        let id = InvoiceId::parse(id).map_err(|_| no_such("invoice", id, None))?;
        self.known_invoice(&id).await
    }

    async fn add_lines(&self, id: &str, form: &Form) -> Result<Answer, Error> {
        let mut invoice = self.named(id).await?;
        if invoice.shown.status != InvoiceStatus::Draft {
            return Err(not_editable());
        }
        for (index, line) in form.list("lines").iter().enumerate() {
            invoice.lines.push(self.line(line, invoice.shown.currency, &format!("lines[{index}]")).await?);
        }
        self.tax(&mut invoice).await?;
        Ok(self.keep(invoice))
    }

    async fn send(&self, id: &str) -> Result<Answer, Error> {
        let mut invoice = self.named(id).await?;
        match invoice.shown.status {
            InvoiceStatus::Draft => {
                let from_balance = self.taken_from_balance(&invoice);
                invoice.finalize(from_balance, second(self.journal.now()));
            }
            InvoiceStatus::Open => {}
            status => return Err(refused(format!("You can only send draft and open invoices, not {status:?}."))),
        }
        Ok(self.keep(invoice))
    }

    /// Of what would be credited before. What stands there already is not shown to us.
    fn taken_from_balance(&self, invoice: &Invoice) -> i64 {
        let mut memory = self.memory.borrow_mut();
        let credited = invoice.shown.customer.as_ref().and_then(|customer| memory.credited.get_mut(customer));
        credited.map_or(0, |credited| {
            let used = (*credited).min(invoice.shown.total).max(0);
            *credited -= used;
            used
        })
    }

    async fn void(&self, id: &str) -> Result<Answer, Error> {
        let mut invoice = self.named(id).await?;
        if !matches!(invoice.shown.status, InvoiceStatus::Open | InvoiceStatus::Uncollectible) {
            return Err(refused("You can only void an invoice that is open or uncollectible."));
        }
        if invoice.shown.amount_paid > 0 {
            return Err(refused("You can't void an invoice that was paid in part."));
        }
        invoice.shown.status = InvoiceStatus::Void;
        Ok(self.keep(invoice))
    }

    async fn hold(&self, id: &str, form: &Form, operation: Operation) -> Result<Answer, Error> {
        let mut invoice = self.named(id).await?;
        if operation == Operation::DisarmInvoice {
            if invoice.shown.status != InvoiceStatus::Draft {
                return Err(not_editable());
            }
            invoice.shown.is_charged = true;
        }
        invoice.shown.auto_advance = false;
        invoice.shown.metadata.extend(form.map("metadata"));
        Ok(self.keep(invoice))
    }

    async fn delete(&self, id: &str) -> Result<Answer, Error> {
        let invoice = self.named(id).await?;
        if invoice.shown.status != InvoiceStatus::Draft || invoice.shown.subscription.is_some() {
            return Err(not_editable());
        }
        let mut memory = self.memory.borrow_mut();
        memory.invoices.remove(&invoice.shown.id);
        memory.deleted.insert(invoice.shown.id);
        Ok(Answer::Deleted)
    }

    /// It takes what is still due first, and what was paid goes to the customer's balance.
    async fn credit(&self, form: &Form) -> Result<Answer, Error> {
        let mut invoice = self.named(form.get("invoice").unwrap_or_default()).await?;
        let paid = form.parsed::<i64>("credit_amount").ok_or_else(|| missing("credit_amount"))?;
        let due = if invoice.shown.status == InvoiceStatus::Open { invoice.shown.amount_remaining } else { 0 };
        invoice.shown.credited_before += due;
        invoice.shown.credited_after += paid;
        invoice.shown.amount_due -= due;
        invoice.shown.amount_remaining -= due;
        if due > 0 {
            invoice.shown.status = InvoiceStatus::Paid;
        }
        let metadata = form.map("metadata");
        let note = {
            let mut memory = self.memory.borrow_mut();
            let id = memory.new_text("cn");
            let amount = due.saturating_add(paid);
            let note = CreditNote { id, invoice: invoice.shown.id.clone(), is_issued: true, amount, metadata };
            memory.notes.push(note.clone());
            if let Some(customer) = invoice.shown.customer.clone() {
                *memory.credited.entry(customer).or_default() += paid;
            }
            note
        };
        self.keep(invoice);
        Ok(Answer::CreditNote(Box::new(note)))
    }

    /// A customer's live subscriptions and pending items are all in one currency.
    pub(super) async fn in_one_currency(&self, customer: &CustomerId, currency: Currency) -> Result<(), Error> {
        if is_made_here(customer.as_str()) {
            return Ok(());
        }
        let there = self.subscriptions_of_customer(customer, Timestamp::UNIX_EPOCH).await?;
        let of_live = there.iter().filter(|one| !one.is_over).map(|one| one.currency).find(|one| *one != currency);
        let pending = self.pending_items(customer).await?;
        let of_pending = pending.iter().filter_map(|item| item.currency).find(|one| *one != currency);
        match of_live.or(of_pending) {
            Some(other) => Err(super::refusals::currencies_combined(other)),
            None => Ok(()),
        }
    }
}

pub(super) fn currency_of(form: &Form) -> Option<Currency> {
    form.get("currency").and_then(|code| Currency::parse(code).ok())
}
