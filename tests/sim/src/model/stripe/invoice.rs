//! An invoice at Stripe, and what each operation does to it.

use std::collections::BTreeMap;

use domain::{Currency, CustomerId, InvoiceId};
use jiff::{SignedDuration, Timestamp};
use stripe::{InvoiceLine, InvoiceStatus};

use super::failure::Failure;
use super::{By, second};

/// How many lines an answer embeds.
const EMBEDDED: usize = 10;

const MOST_LINES: usize = 250;

#[derive(Debug, Clone)]
pub struct Invoice {
    /// As it is answered, but for the lines.
    shown: stripe::Invoice,
    pub lines: Vec<InvoiceLine>,
    pub finalized_by: Option<By>,
    pub finalized_at: Option<Timestamp>,
    /// A person changed, voided or wrote it off.
    pub touched_by_hand: bool,
    /// How often it was mailed because we asked for it.
    pub sendings: u32,
    /// Of lines that bill an item of a subscription: the deal's lines that the item is for.
    pub keys_of_items: BTreeMap<String, String>,
    /// We voided or credited it, because its deal is billed anew.
    pub given_up_by_us: bool,
    /// What the customer's balance paid of it.
    pub from_balance: i64,
    /// It is collected and not sent, so that nobody can send it.
    pub is_disarmed: bool,
    /// Of one that is sent.
    days_until_due: Option<u32>,
    due_at: Option<Timestamp>,
}

impl Invoice {
    pub(super) fn draft(id: InvoiceId, customer: CustomerId, currency: Currency, now: Timestamp) -> Self {
        let shown = stripe::Invoice {
            id,
            status: InvoiceStatus::Draft,
            customer: Some(customer),
            currency,
            subtotal: 0,
            total: 0,
            tax: stripe::Tax::default(),
            amount_due: 0,
            amount_paid: 0,
            amount_remaining: 0,
            credited_before: 0,
            credited_after: 0,
            auto_advance: false,
            is_charged: false,
            livemode: false,
            created: second(now),
            hosted_invoice_url: None,
            invoice_pdf: None,
            number: None,
            paid_at: None,
            metadata: Default::default(),
            subscription: None,
            is_first: false,
            lines: Vec::new(),
            has_more_lines: false,
        };
        Self {
            shown,
            lines: Vec::new(),
            finalized_by: None,
            finalized_at: None,
            touched_by_hand: false,
            sendings: 0,
            keys_of_items: BTreeMap::new(),
            given_up_by_us: false,
            from_balance: 0,
            is_disarmed: false,
            days_until_due: None,
            due_at: None,
        }
    }

    /// With the first ten lines, as every answer has it.
    pub fn shown(&self) -> stripe::Invoice {
        let mut shown = self.shown.clone();
        shown.lines = self.lines.iter().take(EMBEDDED).cloned().collect();
        shown.has_more_lines = self.lines.len() > EMBEDDED;
        shown
    }

    pub fn id(&self) -> &InvoiceId {
        &self.shown.id
    }

    pub fn status(&self) -> InvoiceStatus {
        self.shown.status
    }

    pub fn total(&self) -> i64 {
        self.shown.total
    }

    pub fn currency(&self) -> Currency {
        self.shown.currency
    }

    pub fn created(&self) -> Timestamp {
        self.shown.created
    }

    pub fn paid_at(&self) -> Option<Timestamp> {
        self.shown.paid_at
    }

    /// The day by which it is to be paid, once it is sent.
    pub fn due_at(&self) -> Option<Timestamp> {
        self.due_at
    }

    pub fn customer(&self) -> Option<&CustomerId> {
        self.shown.customer.as_ref()
    }

    /// What the metadata says under this key.
    pub fn says(&self, key: &str) -> Option<&str> {
        self.shown.metadata.get(key).map(String::as_str)
    }

    pub fn is_draft(&self) -> bool {
        self.shown.status == InvoiceStatus::Draft
    }

    /// The customer has it, and it counts.
    pub fn is_live(&self) -> bool {
        let is_sent =
            matches!(self.shown.status, InvoiceStatus::Open | InvoiceStatus::Paid | InvoiceStatus::Uncollectible);
        is_sent && !(self.shown.total > 0 && self.credited() == self.shown.total)
    }

    pub fn credited(&self) -> i64 {
        self.shown.credited_before + self.shown.credited_after
    }

    /// What is still asked for.
    pub fn due(&self) -> i64 {
        if self.status() == InvoiceStatus::Open { self.shown.amount_remaining } else { 0 }
    }

    pub(super) fn pay_part(&mut self, amount: i64) {
        self.shown.amount_paid += amount;
        self.shown.amount_remaining -= amount;
    }

    pub(super) fn credit(&mut self, before: i64, after: i64) {
        self.shown.credited_before += before;
        self.shown.credited_after += after;
        self.shown.amount_due -= before;
        self.shown.amount_remaining -= before;
        self.given_up_by_us = true;
    }

    /// What nobody else paid of it.
    pub fn paid_in_cash(&self) -> i64 {
        self.shown.amount_paid
    }

    pub(super) fn of_subscription(&mut self, subscription: &super::Subscription) {
        self.changes(subscription);
        self.shown.is_first = true;
        // The client reads an invoice's own metadata and that of the subscription whose first one it is as one.
        self.shown.metadata = subscription.metadata.clone();
    }

    /// It bills what a change of the subscription costs at once. It has no metadata of its own.
    pub(super) fn changes(&mut self, subscription: &super::Subscription) {
        self.shown.subscription = Some(subscription.id.clone());
        self.shown.auto_advance = true;
        self.days_until_due = subscription.days_until_due;
    }

    pub fn is_of_subscription(&self) -> bool {
        self.shown.subscription.is_some()
    }

    pub(super) fn stop_advancing(&mut self) {
        self.shown.auto_advance = false;
    }

    pub(super) fn auto_advances(&self) -> bool {
        self.shown.auto_advance
    }

    pub(super) fn describe(&mut self, metadata: std::collections::BTreeMap<String, String>, auto_advance: bool) {
        self.shown.metadata.extend(metadata);
        self.shown.auto_advance = auto_advance;
    }

    pub(super) fn is_charged(&mut self, is_charged: bool) {
        self.shown.is_charged = is_charged;
    }

    pub(super) fn is_due_within(&mut self, days: Option<u32>) {
        self.days_until_due = days;
    }

    pub(super) fn editable(&self) -> Result<(), Failure> {
        if self.is_draft() {
            return Ok(());
        }
        Err(Failure::coded("invoice_not_editable", "This invoice is no longer editable."))
    }

    pub(super) fn has_room_for(&self, lines: usize) -> Result<(), Failure> {
        if self.lines.len() + lines <= MOST_LINES {
            return Ok(());
        }
        Err(Failure::about("lines", format!("An invoice can have at most {MOST_LINES} invoice items.")))
    }

    /// Adds the lines up again.
    pub(super) fn recount(&mut self) {
        let sum = self.lines.iter().map(|line| line.amount).sum();
        self.shown.subtotal = sum;
        self.shown.total = sum;
        self.shown.amount_due = sum;
        self.shown.amount_remaining = sum;
    }

    pub(super) fn finalize(&mut self, now: Timestamp, by: By, from_balance: i64) {
        self.from_balance = from_balance;
        self.shown.amount_due -= from_balance;
        self.shown.amount_remaining -= from_balance;
        self.shown.status = InvoiceStatus::Open;
        let id = self.shown.id.as_str();
        self.shown.hosted_invoice_url = Some(format!("https://invoice.stripe.com/i/{id}?s=ap"));
        self.shown.invoice_pdf = Some(format!("https://pay.stripe.com/invoice/{id}/pdf?s=ap"));
        self.shown.number = Some(format!("SIM-{id}"));
        self.finalized_by = Some(by);
        self.finalized_at = Some(now);
        let days = self.days_until_due.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
        self.due_at = days.and_then(|days| second(now).checked_add(days).ok());
    }

    pub(super) fn pay(&mut self, now: Timestamp) {
        self.shown.status = InvoiceStatus::Paid;
        self.shown.amount_paid = self.shown.amount_due;
        self.shown.amount_remaining = 0;
        self.shown.paid_at = Some(second(now));
    }

    pub(super) fn voided_by_us(&mut self) {
        self.shown.status = InvoiceStatus::Void;
        self.given_up_by_us = true;
    }

    pub(super) fn end(&mut self, status: InvoiceStatus) {
        self.shown.status = status;
        self.touched_by_hand = true;
    }
}
