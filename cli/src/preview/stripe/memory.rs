//! What there would be at Stripe: objects that are made here, and others as they would be changed.

use std::collections::{BTreeMap, BTreeSet};

use domain::{CustomerId, IdError, InvoiceId, PriceId, SubscriptionId};
use jiff::Timestamp;
use stripe::{
    CreditNote, Customer, InvoiceLine, InvoiceStatus, Price, SubscriptionItem, Tax, TaxBehavior, TaxIdObject,
};

/// What an id has of whatever exists only here: `in_preview_1`.
pub(crate) const MARK: &str = "_preview_";

/// How many lines an answer shows.
const SHOWN: usize = 10;

#[derive(Debug, Clone)]
pub(crate) struct Invoice {
    /// As it is answered, but for the lines.
    pub(crate) shown: stripe::Invoice,
    pub(crate) lines: Vec<Line>,
    pub(crate) days_until_due: Option<u32>,
    /// Stripe calculates its tax.
    pub(crate) automatic_tax: bool,
    /// What Stripe says of that, where it was asked.
    pub(crate) knows_tax: bool,
    /// A customer has it already, or had it.
    pub(crate) was_sent: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) line: InvoiceLine,
    /// Stripe words that of a subscription's item itself.
    pub(crate) description: Option<String>,
    /// The deal's lines that its item is for.
    pub(crate) keys: String,
    pub(crate) tax_behavior: TaxBehavior,
    pub(crate) ends_at: Option<Timestamp>,
}

impl From<InvoiceLine> for Line {
    fn from(line: InvoiceLine) -> Self {
        Self { line, description: None, keys: String::new(), tax_behavior: TaxBehavior::Unspecified, ends_at: None }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    /// Without its invoice.
    pub(crate) shown: stripe::Subscription,
    /// By the item: the deal's lines that it is for.
    pub(crate) keys: BTreeMap<String, String>,
    pub(crate) latest: Option<InvoiceId>,
    pub(crate) days_until_due: Option<u32>,
    pub(crate) is_new: bool,
    /// The moment that a change is prorated from, and whether by an invoice at once.
    pub(crate) prorated: Option<(Timestamp, bool)>,
}

#[derive(Debug, Default)]
pub(crate) struct Memory {
    made: u32,
    pub(crate) customers: BTreeMap<CustomerId, Customer>,
    /// What would be otherwise of each, or what is known of one that is only here.
    pub(crate) details: BTreeMap<CustomerId, BTreeMap<String, String>>,
    pub(crate) tax_ids: BTreeMap<CustomerId, Vec<TaxIdObject>>,
    pub(crate) invoices: BTreeMap<InvoiceId, Invoice>,
    /// Drafts that would be deleted.
    pub(crate) deleted: BTreeSet<InvoiceId>,
    pub(crate) prices: BTreeMap<PriceId, Price>,
    pub(crate) subscriptions: BTreeMap<SubscriptionId, Subscription>,
    pub(crate) notes: Vec<CreditNote>,
    /// What a change was said to be billed by at once.
    pub(crate) previews: BTreeMap<SubscriptionId, stripe::Preview>,
    /// What would be credited to each customer, in minor units.
    pub(crate) credited: BTreeMap<CustomerId, i64>,
}

impl Memory {
    pub(crate) fn new_text(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}{MARK}{}", self.made)
    }

    pub(crate) fn new_id<T>(&mut self, prefix: &str, parse: impl Fn(&str) -> Result<T, IdError>) -> T {
        parse(&self.new_text(prefix)).expect("an id is its prefix with letters, digits and underscores")
    }

    /// With the invoice that it made last.
    pub(crate) fn subscription(&self, id: &SubscriptionId) -> Option<stripe::Subscription> {
        let Subscription { shown, latest, .. } = self.subscriptions.get(id)?;
        let latest = latest.as_ref().and_then(|id| self.invoices.get(id)).map(|invoice| Box::new(invoice.shown()));
        Some(stripe::Subscription { latest_invoice: latest.or(shown.latest_invoice.clone()), ..shown.clone() })
    }

    pub(crate) fn items(&self, id: &SubscriptionId) -> Option<Vec<SubscriptionItem>> {
        self.subscriptions.get(id).map(|subscription| subscription.shown.items.clone())
    }
}

impl Invoice {
    pub(crate) fn draft(id: InvoiceId, customer: CustomerId, currency: domain::Currency, created: Timestamp) -> Self {
        let shown = stripe::Invoice {
            id,
            status: InvoiceStatus::Draft,
            customer: Some(customer),
            currency,
            subtotal: 0,
            total: 0,
            tax: Tax::default(),
            amount_due: 0,
            amount_paid: 0,
            amount_remaining: 0,
            credited_before: 0,
            credited_after: 0,
            auto_advance: false,
            is_charged: false,
            livemode: false,
            created,
            hosted_invoice_url: None,
            invoice_pdf: None,
            number: None,
            paid_at: None,
            metadata: BTreeMap::new(),
            subscription: None,
            is_first: false,
            lines: Vec::new(),
            has_more_lines: false,
        };
        let (automatic_tax, knows_tax, was_sent) = (false, false, false);
        Self { shown, lines: Vec::new(), days_until_due: None, automatic_tax, knows_tax, was_sent }
    }

    /// One that is there.
    pub(crate) fn known(shown: stripe::Invoice, lines: Vec<InvoiceLine>) -> Self {
        let lines = lines.into_iter().map(Line::from).collect();
        let (automatic_tax, was_sent) = (shown.tax.status.is_some(), shown.status != InvoiceStatus::Draft);
        Self { automatic_tax, was_sent, shown, lines, days_until_due: None, knows_tax: true }
    }

    pub(crate) fn shown(&self) -> stripe::Invoice {
        let lines = self.lines.iter().take(SHOWN).map(|line| line.line.clone()).collect();
        stripe::Invoice { lines, has_more_lines: self.lines.len() > SHOWN, ..self.shown.clone() }
    }

    /// It is one that the customer gets by this, if they get it.
    pub(crate) fn is_new(&self) -> bool {
        !self.was_sent
    }

    /// Less than nothing is not asked for: it goes to the customer's balance.
    pub(crate) fn ask_for(&mut self, total: i64) {
        self.shown.total = total;
        self.shown.amount_due = total.max(0);
        self.shown.amount_remaining = total.max(0);
    }

    /// Adds the lines up again, and the tax that comes on top.
    pub(crate) fn recount(&mut self) {
        let sum = self.lines.iter().map(|line| line.line.amount).fold(0, i64::saturating_add);
        self.shown.subtotal = sum;
        self.shown.total = sum.saturating_add(self.shown.tax.on_top);
        self.ask_for(self.shown.total);
    }

    pub(crate) fn finalize(&mut self, from_balance: i64, at: Timestamp) {
        let id = self.shown.id.clone();
        self.shown.status = InvoiceStatus::Open;
        self.shown.amount_due -= from_balance;
        self.shown.amount_remaining = self.shown.amount_due;
        // What Stripe will say is not known, and is written where it would stand.
        self.shown.hosted_invoice_url = Some(format!("hosted_invoice_url of {id}"));
        self.shown.invoice_pdf = Some(format!("invoice_pdf of {id}"));
        self.shown.number = Some(format!("number of {id}"));
        if self.shown.amount_due <= 0 {
            self.pay(at);
        }
    }

    pub(crate) fn pay(&mut self, at: Timestamp) {
        self.shown.status = InvoiceStatus::Paid;
        self.shown.amount_paid = self.shown.amount_due;
        self.shown.amount_remaining = 0;
        self.shown.paid_at = Some(at);
    }
}
