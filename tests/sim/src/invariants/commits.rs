//! What the ledger commits: a pointer never changes from one id to another, fences and versions only grow, a log entry
//! and a link stay what they are.

use domain::InvoiceId;
use jiff::Timestamp;
use ledger::{Item, Value};

use crate::model::stripe::By;
use crate::model::{Models, count};

pub(super) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    match item.get(name) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

pub(super) fn number(item: &Item, name: &str) -> i64 {
    match item.get(name) {
        Some(Value::Number(number)) => *number,
        _ => 0,
    }
}

/// A run is taken with time for a call left, and its lease ends half a minute after the invocation.
const SHORTEST_LEASE_MS: i64 = 30_000;

/// What an item is, for a reader of a violation.
fn key(item: &Item) -> &str {
    text(item, "pk").unwrap_or_default()
}

impl Models {
    /// To be called with every item that the table takes, and the one that it replaces.
    pub fn committed(&mut self, now: Timestamp, old: Option<&Item>, new: &Item) {
        let sk = text(new, "sk").unwrap_or_default();
        if sk == "run" {
            self.keys_committed(new);
        }
        let Some(old) = old else { return };
        if sk == "run" {
            self.run_committed(now, old, new);
        } else if sk == "link" && text(old, "run") != text(new, "run") {
            let (before, after) = (text(old, "run"), text(new, "run"));
            self.violate(now, "a_link_never_moves", format!("{} led to {before:?}, now to {after:?}", key(new)));
        } else if sk.starts_with("call#") && old != new {
            self.violate(now, "a_log_entry_never_changes", format!("{} {sk}", key(new)));
        }
    }

    fn run_committed(&mut self, now: Timestamp, old: &Item, new: &Item) {
        let (fence, next_fence) = (number(old, "fence"), number(new, "fence"));
        let (version, next_version) = (number(old, "version"), number(new, "version"));
        if next_version != version + 1 {
            let detail = format!("{}: {version} → {next_version}", key(new));
            self.violate(now, "versions_count_every_save", detail);
        }
        let is_taken_without_a_fence = next_fence == fence && text(old, "owner") != text(new, "owner");
        if next_fence < fence || is_taken_without_a_fence {
            let owners = (text(old, "owner"), text(new, "owner"));
            self.violate(now, "fences_only_grow", format!("{}: {fence} → {next_fence} of {owners:?}", key(new)));
        }
        if next_fence > fence {
            self.run_taken(now, old, new);
        }
        let (length, next_length) = (number(old, "call_count"), number(new, "call_count"));
        if next_length < length {
            self.violate(now, "a_log_only_grows", format!("{}: {length} → {next_length}", key(new)));
        }
        self.invoice_committed(now, old, new);
        self.dispute_committed(now, old, new);
        if let (Some(before), after) = (text(old, "stripe_customer_id"), text(new, "stripe_customer_id")) {
            match after {
                Some(after) if before == after => {}
                Some(after) => {
                    self.violate(now, "a_pointer_never_changes", format!("{}: {before} → {after}", key(new)));
                }
                None => count(&mut self.facts, "a customer was given up"),
            }
        }
    }

    /// By the clock of whoever takes a run, its last holder's lease is over; and the new one lasts longer than an invocation
    /// that has just begun its first call.
    fn run_taken(&mut self, now: Timestamp, old: &Item, new: &Item) {
        let (lease_until, taken_at) = (number(old, "lease_until"), number(new, "updated_at"));
        if lease_until > taken_at {
            let detail = format!("{} was taken {} ms before its lease ended", key(new), lease_until - taken_at);
            self.violate(now, "a_lease_is_respected", detail);
        }
        let lease_ms = number(new, "lease_until") - taken_at;
        if lease_ms < SHORTEST_LEASE_MS {
            self.violate(now, "a_lease_outlives_its_holder", format!("{} is leased for {lease_ms} ms", key(new)));
        }
    }

    /// A pointer may be given up when its draft is gone. An invoice that the customer has is never let go of.
    fn invoice_committed(&mut self, now: Timestamp, old: &Item, new: &Item) {
        let Some(before) = text(old, "stripe_invoice_id") else { return };
        match text(new, "stripe_invoice_id") {
            Some(after) if before == after => {}
            Some(after) => {
                self.violate(now, "a_pointer_never_changes", format!("{}: {before} → {after}", key(new)));
            }
            None => {
                let invoice = InvoiceId::parse(before).ok().and_then(|id| self.stripe.find_invoice(&id));
                if invoice.is_some_and(|invoice| invoice.is_live() && invoice.finalized_by == Some(By::Us)) {
                    self.violate(now, "a_sent_invoice_is_never_let_go", format!("{} gave up {before}", key(new)));
                }
                count(&mut self.facts, "a draft was given up");
            }
        }
    }
}
