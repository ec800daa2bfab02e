//! What must be true at every moment. Nothing here asks the product what it thinks.

use std::collections::{BTreeMap, BTreeSet};

use engine::Reconciled;
use sandbox::LoggedRequest;
use serde_json::Value;

use super::bill::Judgement;
use super::history::History;

/// Stripe forgets a key after 24 hours; one that is older than this is not to be trusted.
const KEY_TRUSTED_MS: i64 = 23 * 3_600_000;

/// What is remembered from one moment to the next.
#[derive(Default)]
pub struct Watch {
    /// The invoices that a person finalized.
    pub by_hand: BTreeSet<String>,
    /// The drafts that are nobody's, and stay until they are collected.
    pub left_behind: BTreeSet<String>,
    /// The last request to Salesforce so far.
    pub salesforce_seq: u64,
    /// Each reading of Salesforce's records, by its number.
    reads: Vec<u64>,
    /// Each key's first use: when, where, and with which body.
    keys: BTreeMap<String, (i64, String, u64)>,
    /// What the last pass of all found.
    pub last_pass: Option<Reconciled>,
    /// The invoices that customers have, and how far each has come.
    pub live: BTreeMap<String, u32>,
}

/// draft < open < {uncollectible} < {paid, void}; an invoice that was written off may still be paid.
fn rank(invoice: &Value) -> u32 {
    match invoice["status"].as_str() {
        Some("open") => 1,
        Some("uncollectible") => 2,
        Some("paid" | "void") => 3,
        _ => 0,
    }
}

pub fn is_ours(invoice: &Value) -> bool {
    invoice["metadata"]["closedwon_run"].is_string()
}

/// The customer has it, and it counts.
pub fn is_live(invoice: &Value) -> bool {
    matches!(invoice["status"].as_str(), Some("open" | "paid" | "uncollectible"))
}

pub fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}

impl History {
    pub fn look(&mut self) {
        self.drain_logs();
        let invoices: Vec<_> = self.env.invoices().into_iter().filter(is_ours).collect();
        self.each_deal_has_one_invoice(&invoices);
        for invoice in &invoices {
            let (id, rank) = (text(invoice, "id").to_owned(), rank(invoice));
            match self.watch.live.get(&id) {
                None if rank > 0 => self.became_live(invoice),
                Some(before) if rank < *before => {
                    self.notes.violation("a_status_never_regresses", format!("{id} is {}", invoice["status"]));
                }
                _ => {}
            }
            if rank > 0 {
                self.watch.live.insert(id, rank);
            }
        }
        for id in self.watch.live.keys().filter(|id| !invoices.iter().any(|invoice| text(invoice, "id") == *id)) {
            self.notes.violation("a_sent_invoice_stays", id);
        }
    }

    fn each_deal_has_one_invoice(&self, invoices: &[Value]) {
        let mut of_deal: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for invoice in invoices.iter().filter(|invoice| is_live(invoice)) {
            let deal = text(&invoice["metadata"], "sf_opportunity_id");
            of_deal.entry(deal).or_default().push(text(invoice, "id"));
        }
        for (deal, live) in of_deal.iter().filter(|(_, live)| live.len() > 1) {
            // A draft that nobody points to any more may be finalized by a person; that is then theirs to see.
            if !live.iter().any(|id| self.watch.by_hand.contains(*id)) {
                self.notes.violation("one_invoice_per_deal", format!("{deal} has {live:?}"));
            }
        }
    }

    /// It is what the deal said when it was read, and it goes to the account.
    fn became_live(&self, invoice: &Value) {
        let id = text(invoice, "id");
        self.notes.line(format!("    {id} is {}: {} {}", invoice["status"], invoice["total"], invoice["currency"]));
        if self.watch.by_hand.contains(id) {
            return;
        }
        let currency = text(invoice, "currency");
        self.notes.count(format!("billed in {currency}"));
        let lines = self.env.invoice_lines(id);
        if lines.len() > 100 {
            self.notes.count("billed more than a hundred lines");
        }
        let of = text(&invoice["metadata"], "sf_opportunity_id");
        let Some(deal) = self.deals.iter().find(|deal| deal.id == of) else {
            return self.notes.violation("an_invoice_belongs_to_a_deal", id);
        };
        let ends = deal.readings.iter().skip(1).map(|(seq, _)| *seq).chain([u64::MAX]);
        let readings = deal
            .readings
            .iter()
            .zip(ends)
            .filter(|((since, _), until)| self.watch.reads.iter().any(|read| since < read && read <= until));
        let bills = readings.filter_map(|((_, judgement), _)| match judgement {
            Judgement::Billable(bill) => Some(bill),
            Judgement::NotAsked | Judgement::Unbillable { .. } => None,
        });
        let customers = self.env.objects("customer");
        let customer = customers.iter().find(|customer| customer["id"] == invoice["customer"]);
        // Of a customer that somebody deleted, only the stub is left.
        let account = customer.and_then(|customer| customer["metadata"]["sf_account_id"].as_str());
        let differences: Vec<_> = bills
            .map(|bill| {
                let elsewhere = account.filter(|account| *account != bill.account);
                let elsewhere = elsewhere.map(|account| format!("it goes to {account}, not to {}", bill.account));
                bill.difference(invoice, &lines).or(elsewhere)
            })
            .collect();
        if differences.iter().all(Option::is_some) {
            let why = differences.into_iter().flatten().last();
            let why = why.unwrap_or_else(|| "the deal was never billable when it was read".to_owned());
            self.notes.violation("what_is_sent_is_what_was_read", format!("{id} of {of}: {why}"));
        }
        if invoice["auto_advance"] != false || invoice["collection_method"] != "send_invoice" {
            self.notes.violation("nobody_but_us_advances_an_invoice", id);
        }
    }

    /// What was asked of Stripe and Salesforce since the last time.
    pub fn drain_logs(&mut self) {
        let stripe = self.env.sandbox.stripe.requests();
        self.env.sandbox.stripe.clear_requests();
        let salesforce = self.env.sandbox.salesforce.requests();
        self.env.sandbox.salesforce.clear_requests();
        for (system, requests) in [("stripe", &stripe), ("salesforce", &salesforce)] {
            for request in requests {
                if let Some(fault) = request.fault {
                    self.notes.count(format!("{system} {fault}"));
                    self.notes.line(format!("    {system} {fault}: {} {}", request.method, request.path));
                }
            }
        }
        for request in &stripe {
            self.key_is_used_rightly(request);
            if self.is_stopped && request.method != "GET" {
                self.notes.violation("the_switch_stops_everything", format!("{} {}", request.method, request.path));
            }
        }
        for request in salesforce.iter().filter(|request| request.path.starts_with("/services/data")) {
            self.watch.reads.push(request.seq);
            if self.is_stopped {
                self.notes.violation("the_switch_stops_everything", format!("{} {}", request.method, request.path));
            }
        }
        if let Some(last) = salesforce.last() {
            self.watch.salesforce_seq = last.seq;
        }
    }

    /// A deletion needs no key, and Stripe does not look at one.
    pub fn key_is_used_rightly(&mut self, request: &LoggedRequest) {
        let Some(key) = request.idempotency_key.as_ref().filter(|_| request.method == "POST") else {
            if request.method == "POST" {
                self.notes.violation("a_write_has_a_key", &request.path);
            }
            return;
        };
        let this = (request.at_ms, request.path.clone(), request.body_digest);
        let (first_ms, path, digest) = self.watch.keys.entry(key.clone()).or_insert(this);
        if *path != request.path || *digest != request.body_digest {
            self.notes.violation("one_body_under_one_key", format!("{key}: {}", request.path));
        }
        if request.at_ms - *first_ms > KEY_TRUSTED_MS {
            self.notes.violation("no_key_grows_old", format!("{key}: {}", request.path));
        }
    }
}
