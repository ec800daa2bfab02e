//! The recipe that articles recommend, in place of the engine: one record for each opportunity, the account's id as
//! idempotency key of each operation, three tries with short waits, and a record that is deleted when they fail so that the
//! next delivery begins again. Everything else is as careful as the engine: drafts that only we finalize, agreed prices,
//! payments read from the invoice.

mod calls;

use std::rc::Rc;

use domain::{AccountId, CustomerId, Event, InvoiceId, OpportunityId};
use engine::{Outcome, Pause};
use ledger::{Condition, Item, Put, PutAnswer, Table, Test, Value};
use mapping::{InvoiceLinks, Plan, Received, customer_named_by, invoice_written_back, plan};
use queue::Envelope;
use stripe::{CreateInvoice, InvoiceStatus, Write};

use crate::ports::{LedgerPort, Process};
use calls::{Calls, Failed};

/// How long a record is in progress before its holder counts as dead: the function's timeout.
const IN_PROGRESS_MS: i64 = 60_000;

/// How many lines one request takes.
const BATCH: usize = 100;

/// What it is judged by: what the customer and the books see. How it keeps its own records is its own business.
pub const RULES: &[&str] = &[
    "a_named_invoice_is_never_replaced",
    "a_payment_is_never_taken_back",
    "a_won_deal_has_one_invoice",
    "an_account_is_billed_itself",
    "an_invoice_is_mailed_once",
    "no_old_key",
    "nobody_but_us_finalizes",
    "one_body_under_one_key",
    "one_customer_per_account",
    "one_invoice_per_deal",
    "what_is_sent_is_what_was_read",
];

pub async fn handle(process: &Rc<Process>, envelope: &Envelope) -> Outcome {
    let recipe = Recipe { process: Rc::clone(process), calls: Calls::new(process) };
    let handled = match &envelope.event {
        Event::OpportunityChanged { opportunity_id, .. } => recipe.once(opportunity_id).await,
        Event::InvoicePaid { invoice_id, .. } => recipe.paid(invoice_id).await,
        Event::PaymentReceived { .. } => Ok("not_whole"),
        _ => Ok("not_ours"),
    };
    match handled {
        Ok(code) => Outcome::Ignored { code },
        Err(Failed(why)) => Outcome::Retry(Pause::backoff("recipe_failed", why)),
    }
}

struct Recipe {
    process: Rc<Process>,
    calls: Calls,
}

impl Recipe {
    /// The record keeps a second delivery away while the first is at work, and for ever when it is done.
    async fn once(&self, opportunity_id: &OpportunityId) -> Result<&'static str, Failed> {
        let now_ms = self.process.now().as_millisecond();
        let free = Condition::AbsentOr(Test::Below("until", now_ms));
        match self.put(opportunity_id, now_ms + IN_PROGRESS_MS, Some(free)).await? {
            PutAnswer::Done => {}
            PutAnswer::Failed(Some(item)) if item.get("until") == Some(&Value::Number(i64::MAX)) => {
                return Ok("is_done");
            }
            PutAnswer::Failed(_) => return Err(Failed("it is in progress".to_owned())),
        }
        let billed = self.bill(opportunity_id).await;
        // Done for ever; or deleted, which is to say free at once.
        let until = if matches!(billed, Ok(true)) { i64::MAX } else { 0 };
        self.put(opportunity_id, until, None).await?;
        billed.map(|is_billed| if is_billed { "is_billed" } else { "not_billable" })
    }

    async fn put(
        &self,
        opportunity_id: &OpportunityId,
        until: i64,
        condition: Option<Condition>,
    ) -> Result<PutAnswer, Failed> {
        let item: Item = [
            ("pk".to_owned(), Value::Text(format!("record#{opportunity_id}"))),
            ("sk".to_owned(), Value::Text("record".to_owned())),
            ("until".to_owned(), Value::Number(until)),
        ]
        .into();
        let put = Put { item, condition };
        LedgerPort(Rc::clone(&self.process)).put(put).await.map_err(|why| Failed(why.to_string()))
    }

    /// Whether there was something to bill.
    async fn bill(&self, opportunity_id: &OpportunityId) -> Result<bool, Failed> {
        let settings = self.process.sim.settings.clone();
        let Some(deal) = self.calls.read_deal(opportunity_id, &settings).await? else {
            return Ok(false);
        };
        let Ok((plan, details)) = plan(&deal, &settings) else { return Ok(false) };
        let Ok(named) = customer_named_by(&deal.opportunity) else { return Ok(false) };
        if deal.opportunity.text("Stripe_Invoice_Id__c").is_some() {
            return Ok(true);
        }
        let customer_id = match &named {
            Some(customer_id) => customer_id.clone(),
            None => self.calls.create_customer(&plan.account_id, &details).await?,
        };
        let invoice = self.draft(&plan, &customer_id).await?;
        let sent = self.calls.write(Write::send_invoice(&invoice), &key(&plan.account_id, "send")).await?;
        let sent = calls::invoice(sent)?;
        let links = InvoiceLinks { page: sent.hosted_invoice_url.as_deref(), pdf: sent.invoice_pdf.as_deref() };
        let updates = invoice_written_back(&plan, &customer_id, &invoice, links, None, named.is_some());
        self.calls.update(&updates).await?;
        Ok(true)
    }

    /// A draft that comes to the agreed amounts.
    async fn draft(&self, plan: &Plan, customer_id: &CustomerId) -> Result<InvoiceId, Failed> {
        let create = Write::create_invoice(&CreateInvoice {
            customer: customer_id.clone(),
            currency: plan.total.currency(),
            collected: stripe::Collected::Sent { days_until_due: plan.days_until_due },
            automatic_tax: plan.tax.is_some(),
            metadata: calls::metadata("sf_opportunity_id", plan.opportunity_id.as_str()),
        });
        let invoice_id = calls::invoice(self.calls.write(create, &key(&plan.account_id, "invoice")).await?)?.id;
        for (number, lines) in plan.lines.chunks(BATCH).enumerate() {
            let mut agreed = Vec::new();
            for line in lines {
                agreed.push(self.calls.agreed(line).await?);
            }
            let write = Write::add_lines(&invoice_id, &agreed);
            self.calls.write(write, &key(&plan.account_id, &format!("lines{number}"))).await?;
        }
        Ok(invoice_id)
    }

    async fn paid(&self, invoice_id: &InvoiceId) -> Result<&'static str, Failed> {
        let Some(invoice) = self.calls.read_invoice(invoice_id).await? else { return Ok("not_ours") };
        let named = invoice.metadata.get("sf_opportunity_id").and_then(|id| OpportunityId::parse(id).ok());
        match (invoice.status, invoice.paid_at, named) {
            (InvoiceStatus::Paid, Some(paid_at), Some(opportunity_id)) => {
                let invoice_id = invoice_id.clone();
                let received = Received {
                    invoice_id,
                    opportunity_id,
                    paid_at: Some(paid_at),
                    amounts: None,
                    stage: None,
                    won_stages: vec![mapping::WON.to_owned()],
                    shows_status: false,
                    customer_id: None,
                    is_found: false,
                    ruled: Default::default(),
                    undecided: None,
                };
                self.calls.update(&[received.update()]).await?;
                Ok("is_paid")
            }
            _ => Ok("not_paid"),
        }
    }
}

/// The account's id, so that nothing happens twice for an account.
fn key(account_id: &AccountId, operation: &str) -> String {
    format!("{account_id}-{operation}")
}
