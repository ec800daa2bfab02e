//! Quiet: nothing goes wrong any more, time passes, and everything comes to rest. Then what is left is judged.

use std::collections::{BTreeMap, BTreeSet};

use domain::OpportunityId;
use engine::{PassKind, Reconciled};
use jiff::SignedDuration;
use serde_json::{Value, json};
use workflow::RunId;

use super::bill::Judgement;
use super::history::{Deal, History};
use super::watch::{is_live, is_ours, text};

/// The codes of deals that do not ask to be billed: nobody has to act, so nobody is told.
const NOT_ASKED: [&str; 5] = ["not_closed_won", "renewal", "amount_missing", "amount_not_positive", "not_ours"];

/// A lost event, then a payment, then the look at what the payment wrote; each takes a sweep. Twice that is plenty.
const MOST_ROUNDS: usize = 8;

/// A run as the ledger holds it.
struct RunAtRest {
    status: String,
    code: String,
    invoice: Option<String>,
}

/// A letter without a reason was received too often, and may simply be sent again.
fn has_no_code(body: &str) -> bool {
    serde_json::from_str::<Value>(body).is_ok_and(|letter| letter["parked"]["code"].is_null())
}

impl History {
    pub async fn come_to_rest(&mut self) {
        self.line("quiet".to_owned());
        self.env.sandbox.stripe.clear_faults();
        self.env.sandbox.salesforce.clear_faults();
        self.env.aws.clear_disturbances();
        self.env.fuse.disarm();
        self.drain_logs();
        self.is_stopped = false;
        self.env.operate(json!({}));
        if self.random.chance(50) {
            self.env.sqs.redrive();
        }
        // A port that is closed opens again in the system's time.
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        for round in 0..MOST_ROUNDS {
            self.deliver_all().await;
            self.env.settle_for_days().await;
            self.env.sqs.redrive_those(has_no_code);
            self.env.settle_for_days().await;
            self.env.advance(SignedDuration::from_mins(61));
            let kind = if round % 2 == 0 { PassKind::Sweep } else { PassKind::Deep };
            let found = self.env.reconcile(kind).await;
            self.line(format!("{kind:?}: {} put on the queue", found.requeued));
            self.notes.count_times("found by a pass", found.requeued);
            self.notes.count_times("orphan collected", found.orphans_deleted);
            self.look();
            // One that is not finished was told to wait, or its machine was busy: the next one must come to its end.
            if !found.is_finished {
                self.line(format!("    not finished: {:?}", found.pauses));
            }
            let has_nothing = found.is_finished && found.requeued == 0 && found.orphans_deleted == 0;
            let is_quiet = has_nothing && self.env.sqs.work().is_empty();
            let is_told = !self.env.sqs.dead_letters().iter().any(|letter| letter["parked"]["code"].is_null());
            if kind == PassKind::Deep && is_quiet && is_told {
                self.judge_all();
                self.watch.last_pass = Some(found);
                return;
            }
        }
        self.notes.violation("a_history_comes_to_rest", format!("{:?}", self.env.sqs.work()));
    }

    pub fn at_rest(&self) {
        let items = self.env.aws.items();
        let letters = self.env.sqs.dead_letters();
        for deal in &self.deals {
            self.deal_at_rest(deal, &items, &letters);
            self.payment_at_rest(deal, &items, &letters);
        }
        self.nothing_lies_around(&items);
    }

    fn run(&self, id: &RunId, items: &[Value]) -> Option<RunAtRest> {
        let key = id.to_string();
        let item = items.iter().find(|item| item["sk"]["S"] == "run" && item["pk"]["S"] == key.as_str())?;
        let field = |name: &str| item[name]["S"].as_str().map(str::to_owned);
        let (status, code) = (field("status").unwrap_or_default(), field("code").unwrap_or_default());
        Some(RunAtRest { status, code, invoice: field("stripe_invoice_id") })
    }

    fn deal_at_rest(&self, deal: &Deal, items: &[Value], letters: &[Value]) {
        let id = &deal.id;
        let organization_id = self.env.worker.engine.scope.organization_id.clone();
        let run_id = RunId::OpportunityWon { organization_id, opportunity_id: OpportunityId::parse(id).unwrap() };
        let record = self.env.record("Opportunity", id);
        let judgement = &deal.readings.last().unwrap().1;
        let live: Vec<Value> = self.invoices_of(deal).into_iter().filter(is_live).collect();
        let Some(run) = self.run(&run_id, items) else {
            if *judgement != Judgement::NotAsked {
                self.notes.violation("no_deal_is_lost", format!("{id} has no run"));
            }
            return;
        };
        let broken = |rule: &str, why: String| {
            self.notes.violation(rule, format!("{id} ({} {}): {why}", run.status, run.code));
        };
        let is_told = self.is_reported(&run_id, &run.code, letters)
            && (deal.is_deleted || text(&record, "Stripe_Sync_Status__c") == run.code);
        match run.status.as_str() {
            "done" => {
                self.notes.count("ended done");
                self.done_at_rest(deal, &run, &record, &live, &broken);
            }
            "rejected" => {
                self.notes.count(format!("ended refused: {}", run.code));
                if !live.is_empty() && !deal.is_meddled_with {
                    broken("a_refused_deal_is_not_billed", format!("{} is live", live[0]["id"]));
                }
                if matches!(judgement, Judgement::Billable(_)) && !deal.is_meddled_with {
                    broken("no_deal_is_lost", "it is refused, and could be billed".to_owned());
                }
                let asks = !NOT_ASKED.contains(&run.code.as_str());
                if asks && !is_told {
                    broken(
                        "a_person_is_told",
                        format!("note {}, letters {letters:?}", record["Stripe_Sync_Status__c"]),
                    );
                }
            }
            "review" => {
                self.notes.count(format!("ended in review: {}", run.code));
                if !is_told {
                    broken(
                        "a_person_is_told",
                        format!("note {}, letters {letters:?}", record["Stripe_Sync_Status__c"]),
                    );
                }
                if deal.changes == 0 && !deal.is_meddled_with {
                    broken("no_review_without_a_cause", "nobody had touched the deal".to_owned());
                }
            }
            _ => broken("every_run_ends", "it stands open".to_owned()),
        }
    }

    fn done_at_rest(
        &self,
        deal: &Deal,
        run: &RunAtRest,
        record: &Value,
        live: &[Value],
        broken: &impl Fn(&str, String),
    ) {
        let Some(invoice) = live.iter().find(|invoice| invoice["id"].as_str() == run.invoice.as_deref()) else {
            if !deal.is_meddled_with {
                broken("done_means_billed", format!("Stripe has no live invoice {:?}", run.invoice));
            }
            return;
        };
        let lines = self.env.invoice_lines(text(invoice, "id"));
        let difference = match &deal.readings.last().unwrap().1 {
            Judgement::Billable(bill) => bill.difference(invoice, &lines),
            Judgement::Unbillable { amount } => {
                (*amount != invoice["total"].as_i64()).then(|| "it could not be billed any more".to_owned())
            }
            Judgement::NotAsked => Some("it does not ask to be billed any more".to_owned()),
        };
        // A deal that is gone is nowhere to leave a note. The statement names its invoice, and so does the alarm.
        let is_stated = self.watch.last_pass.as_ref().is_some_and(|pass| is_stated(pass, &deal.id));
        if let Some(why) = difference.filter(|_| !(deal.is_deleted && is_stated)) {
            broken("an_edit_is_never_silent", why);
        }
        if deal.is_meddled_with || deal.is_deleted {
            return;
        }
        let account = self.env.record("Account", text(record, "AccountId"));
        let named = [
            record["Stripe_Invoice_Id__c"] == invoice["id"],
            record["Stripe_Invoice_URL__c"] == invoice["hosted_invoice_url"],
            record["Stripe_Customer_Id__c"] == invoice["customer"],
            account["Stripe_Customer_Id__c"] == invoice["customer"],
            record["Stripe_Sync_Status__c"].is_null(),
        ];
        if named.contains(&false) {
            broken("salesforce_says_what_stripe_says", format!("{named:?}: {record}"));
        }
        let sent = self.env.objects("event");
        let sent = sent.iter().filter(|event| event["type"] == "invoice.sent");
        if !sent.into_iter().any(|event| event["data"]["object"]["id"] == invoice["id"]) {
            broken("the_customer_has_it", format!("{} was never sent", invoice["id"]));
        }
    }

    /// The opportunity says that it is paid exactly when its invoice is, or a person is told why not.
    fn payment_at_rest(&self, deal: &Deal, items: &[Value], letters: &[Value]) {
        let id = &deal.id;
        let record = self.env.record("Opportunity", id);
        let is_marked = record["Payment_Received__c"] == true;
        let paid = self.invoices_of(deal).into_iter().filter(|invoice| invoice["status"] == "paid");
        let paid: Vec<String> = paid.map(|invoice| text(&invoice, "id").to_owned()).collect();
        if is_marked && (paid.is_empty() || record["Paid_Date__c"].is_null()) {
            self.notes.violation("paid_means_paid", format!("{id} says that it is paid: {paid:?}"));
        }
        if is_marked {
            self.notes.count("ended paid");
            return;
        }
        for invoice in paid {
            let organization_id = self.env.worker.engine.scope.organization_id.clone();
            let run_id =
                RunId::InvoicePaid { organization_id, invoice_id: domain::InvoiceId::parse(&invoice).unwrap() };
            let run = self.run(&run_id, items);
            let is_told = run.as_ref().is_some_and(|run| self.is_reported(&run_id, &run.code, letters));
            match run {
                Some(run) if is_told && run.status != "done" => {
                    self.notes.count(format!("a payment ended in review: {}", run.code));
                }
                run => {
                    let run = run.map(|run| format!("{} {}", run.status, run.code));
                    self.notes.violation("no_payment_is_lost", format!("{invoice} of {id}: {run:?}"));
                }
            }
        }
    }

    fn is_reported(&self, run_id: &RunId, code: &str, letters: &[Value]) -> bool {
        let key = run_id.to_string();
        letters.iter().any(|letter| letter["parked"]["run"] == key.as_str() && letter["parked"]["code"] == code)
    }

    fn invoices_of(&self, deal: &Deal) -> Vec<Value> {
        let of_deal = |invoice: &Value| invoice["metadata"]["sf_opportunity_id"] == deal.id.as_str();
        self.env.invoices().into_iter().filter(|invoice| is_ours(invoice) && of_deal(invoice)).collect()
    }

    fn nothing_lies_around(&self, items: &[Value]) {
        let pointers: BTreeSet<&str> =
            items.iter().filter_map(|item| item["stripe_invoice_id"]["S"].as_str()).collect();
        for invoice in self.env.invoices().iter().filter(|invoice| is_ours(invoice)) {
            if invoice["status"] == "draft" && !pointers.contains(text(invoice, "id")) {
                self.notes.violation("no_orphan_drafts", text(invoice, "id"));
            }
        }
        for account in &self.accounts {
            let customers = self.env.objects("customer").into_iter();
            let of_account = customers.filter(|customer| customer["metadata"]["sf_account_id"] == account.as_str());
            let ids: Vec<_> = of_account.map(|customer| customer["id"].to_string()).collect();
            if ids.len() > 1 {
                self.notes.violation("one_customer_per_account", format!("{account}: {ids:?}"));
            }
        }
    }

    /// The call logs, and what went wrong where no request log shows it.
    pub fn sum_up(&self) {
        for disturbance in self.env.aws.struck() {
            self.notes.count(disturbance.name());
        }
        let items = self.env.aws.items();
        let mut logs: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
        for item in &items {
            let field = |name: &str| item[name]["S"].as_str().unwrap_or_default();
            if field("sk").starts_with("call#") {
                logs.entry(field("pk")).or_default().insert(field("sk"), field("document").to_owned());
            }
        }
        for head in items.iter().filter(|item| item["sk"]["S"] == "run") {
            let key = head["pk"]["S"].as_str().unwrap();
            let documents: Vec<String> = logs.remove(key).unwrap_or_default().into_values().collect();
            match ledger::verify_chain(&documents, head["call_hash"]["S"].as_str().unwrap()) {
                Err(why) => self.notes.violation("the_log_is_whole", format!("{key}: {why}")),
                Ok(calls) => calls.iter().filter_map(|call| call.detail.as_deref()).for_each(|detail| {
                    if detail.contains("no connection") || detail.contains("CONNECT_FAILED") {
                        self.notes.count("connection refused");
                    }
                }),
            }
        }
        if let Some(key) = logs.keys().next() {
            self.notes.violation("the_log_is_whole", format!("{key} has a log and no run"));
        }
    }
}

/// Whether the last pass named a difference of this deal.
fn is_stated(pass: &Reconciled, deal: &str) -> bool {
    pass.differences.iter().any(|found| found.opportunity_id.as_ref().is_some_and(|id| id.as_str() == deal))
}
