//! The main story, played through the vendors' own APIs and checked at the end: an opportunity with three lines is won,
//! a sent invoice appears and its ids come back, the customer pays, the opportunity is marked paid.

mod checks;
mod facts;
pub mod killed;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::aws::text;
use crate::failure::{Context, Failure, Result};
use crate::progress::Progress;
use crate::stack::{QUEUES, Stack};
use crate::timeline::{self, Hop};
use crate::vendors::{Salesforce, Stripe};

pub use checks::Check;
pub use facts::Facts;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A signed HTTP callout to API Gateway.
    Callout,
    /// Salesforce's Event Relay to EventBridge.
    Relay,
}

pub struct Story {
    pub facts: Facts,
    pub timeline: Vec<Hop>,
    pub checks: Vec<Check>,
}

impl Story {
    pub fn is_true(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }
}

/// Name, quantity and unit price of each line; `Salesforce` wants decimals and `Stripe` minor units.
const LINES: [(&str, &str, &str, &str); 3] = [
    ("Platform, one year", "1", "12000", "1200000"),
    ("Onboarding day", "2", "1250.5", "125050"),
    ("Seat", "25", "99.99", "9999"),
];

/// Told apart from anything else that a log may hold.
const STREET: &str = "4711 Canary Street";
const PHONE: &str = "+1 415 555 0147";

const OPPORTUNITY_FIELDS: [&str; 13] = [
    "Id",
    "Name",
    "StageName",
    "Amount",
    "AccountId",
    "Stripe_Customer_Id__c",
    "Stripe_Invoice_Id__c",
    "Stripe_Invoice_URL__c",
    "Stripe_Invoice_PDF__c",
    "Payment_Received__c",
    "Stripe_Amount_Paid__c",
    "Paid_Date__c",
    "Stripe_Invoice_Status__c",
];

/// How long a hop through the stack may take. It takes a second or two; a slow machine gets its time.
const HOP_WITHIN: Duration = Duration::from_secs(45);

pub fn play(stack: &Stack, door: Door, progress: Progress) -> Result<Story> {
    stack.set_door(door)?;
    let stripe = stack.sandbox.stripe();
    let salesforce = stack.sandbox.salesforce()?;

    progress.say("Salesforce: an account, three products with their Stripe prices, an opportunity with three lines");
    let deal = set_up(&stripe, &salesforce)?;

    progress.say("Salesforce: the opportunity is Closed Won");
    let closed_won_at_ms = now_ms()?;
    salesforce.update("Opportunity", &deal.opportunity, &json!({ "StageName": "Closed Won" }))?;
    let won = wait_for_opportunity(stack, &salesforce, &deal.opportunity, "Stripe_Invoice_Id__c", |value| {
        value.as_str().is_some_and(|id| !id.is_empty())
    })?;
    let invoice_id = text(&won, "Stripe_Invoice_Id__c")?.to_owned();
    progress.say(format_args!("Stripe: {invoice_id} is sent, and its ids are on the opportunity"));
    let sent_invoice = stripe.get(&format!("/v1/invoices/{invoice_id}"))?;

    progress.say("Stripe: the customer pays");
    let paid_at_ms = now_ms()?;
    // The customer pays on the hosted page, which has no API; paying with Stripe's test card has the same effect.
    stripe.post(&format!("/v1/invoices/{invoice_id}/pay"), &[("payment_method", "pm_card_visa")])?;
    let paid = wait_for_opportunity(stack, &salesforce, &deal.opportunity, "Payment_Received__c", |value| {
        value == &json!(true)
    })?;
    progress.say("Salesforce: the opportunity is marked paid");

    let sandbox = &stack.sandbox;
    // The request logs are read before we look around ourselves.
    let (stripe_requests, salesforce_requests) =
        (sandbox.requests(&sandbox.stripe_url)?, sandbox.requests(&sandbox.salesforce_url)?);
    wait_until_quiet(stack)?;
    let facts = Facts::collect(stack, &stripe, &salesforce, &deal, paid, sent_invoice)?;
    let timeline = timeline::build(&timeline::Sources {
        closed_won_at_ms,
        paid_at_ms,
        stripe: &stripe_requests,
        salesforce: &salesforce_requests,
        stripe_webhook: &stack.aws().logs(&log_group("stripe-webhook"))?,
        salesforce_events: &stack.aws().logs(&log_group("salesforce-events"))?,
        runs: &facts.runs,
    });
    let checks = facts.checks();
    Ok(Story { facts, timeline, checks })
}

/// The records of one deal.
pub struct Deal {
    pub account: String,
    pub opportunity: String,
    pub billing_email: String,
}

fn set_up(stripe: &Stripe, salesforce: &Salesforce) -> Result<Deal> {
    let number = now_ms()?;
    let billing_email = format!("ap+{number}@acme.example");
    let account = salesforce.create(
        "Account",
        &json!({
            "Name": "Acme Inc.", "Billing_Email__c": billing_email, "Phone": PHONE,
            "BillingStreet": STREET, "BillingCity": "San Francisco", "BillingState": "CA",
            "BillingPostalCode": "94105", "BillingCountry": "US"
        }),
    )?;
    let pricebooks = salesforce.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true")?;
    let pricebook = text(pricebooks.first().unwrap_or(&Value::Null), "Id")?;
    let opportunity = salesforce.create(
        "Opportunity",
        &json!({
            "Name": "Acme 2026", "AccountId": account, "StageName": "Negotiation/Review", "CloseDate": "2026-12-31",
            "Type": "New Customer", "Pricebook2Id": pricebook
        }),
    )?;
    for (name, quantity, unit_price, unit_amount) in LINES {
        let price = stripe
            .post("/v1/prices", &[("currency", "usd"), ("unit_amount", unit_amount), ("product_data[name]", name)])?;
        let product = salesforce.create(
            "Product2",
            &json!({ "Name": name, "IsActive": true, "Stripe_Price_Id__c": text(&price, "id")? }),
        )?;
        // Decimals go over the wire as they are written here, so they are put into the JSON as text.
        let decimal = |digits: &str| serde_json::from_str::<Value>(digits).context(format_args!("reading {digits}"));
        let entry = salesforce.create(
            "PricebookEntry",
            &json!({
                "Pricebook2Id": pricebook, "Product2Id": product, "UnitPrice": decimal(unit_price)?, "IsActive": true
            }),
        )?;
        salesforce.create(
            "OpportunityLineItem",
            &json!({
                "OpportunityId": opportunity, "PricebookEntryId": entry,
                "Quantity": decimal(quantity)?, "UnitPrice": decimal(unit_price)?
            }),
        )?;
    }
    Ok(Deal { account, opportunity, billing_email })
}

/// Asks until a field of the opportunity is as it should be, and answers the opportunity.
pub fn wait_for_opportunity(
    stack: &Stack,
    salesforce: &Salesforce,
    id: &str,
    field: &str,
    is_right: impl Fn(&Value) -> bool,
) -> Result<Value> {
    wait_for_opportunity_within(HOP_WITHIN, stack, salesforce, id, field, is_right)
}

fn wait_for_opportunity_within(
    within: Duration,
    stack: &Stack,
    salesforce: &Salesforce,
    id: &str,
    field: &str,
    is_right: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let deadline = Instant::now() + within;
    loop {
        let opportunity = salesforce.read("Opportunity", id, &OPPORTUNITY_FIELDS)?;
        if is_right(&opportunity[field]) {
            return Ok(opportunity);
        }
        if Instant::now() >= deadline {
            return Err(Failure::new(format!(
                "waited {} s for {field} of {opportunity}\n{}",
                within.as_secs(),
                state_of_play(stack)
            )));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Nothing is waiting or being worked on any more, so what is there now is how it ends.
pub fn wait_until_quiet(stack: &Stack) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !stack.work()?.is_empty() {
        if Instant::now() >= deadline {
            return Ok(()); // The checks will say that the queue is not empty.
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// For the error message of a story that stopped: what the queues and the ledger hold, and where the logs are.
fn state_of_play(stack: &Stack) -> String {
    let mut text = String::from("  where to look: target/local/logs/emulated-aws.log, target/local/logs/sandbox.log\n");
    for name in QUEUES {
        if let Ok(depth) = stack.outputs.get(name).and_then(|url| stack.aws().queue_depth(url)) {
            text.push_str(&format!("  {name}: {depth:?}\n"));
        }
    }
    let table = stack.outputs.get("LedgerTableName").and_then(|table| stack.aws().scan(table));
    for item in table.iter().flatten().filter(|item| item["sk"] == "run") {
        let (point, reason) = (&item["point"], &item["reason"]);
        text.push_str(&format!("  {}: {} at {point}, {reason}\n", item["pk"], item["status"]));
    }
    for function in crate::binaries::FUNCTIONS {
        for (_, line) in stack.aws().logs(&log_group(function)).unwrap_or_default().iter().rev().take(6).rev() {
            text.push_str(&format!("  {function}: {line}\n"));
        }
    }
    text
}

/// Which of our functions wrote a secret or something about a person into its log: there is none that may.
fn leaks(stack: &Stack, deal: &Deal) -> Result<Vec<String>> {
    let canaries = [
        ("the billing e-mail", deal.billing_email.as_str()),
        ("the street", STREET),
        ("the phone number", PHONE),
        ("the Stripe key", crate::sandbox::STRIPE_KEY),
        ("Salesforce's client secret", crate::sandbox::SALESFORCE_CLIENT_SECRET),
        ("Salesforce's signing secret", stack.salesforce_webhook_secret.as_str()),
        ("Slack's address", stack.sandbox.slack_webhook.as_str()),
        ("Stripe's signing secret", stack.stripe_webhook_secret.as_str()),
    ];
    let mut leaks = Vec::new();
    for function in crate::binaries::FUNCTIONS {
        let log = stack.aws().logs(&log_group(function))?;
        for (what, canary) in canaries {
            if log.iter().any(|(_, line)| line.contains(canary)) {
                leaks.push(format!("{function} logged {what}"));
            }
        }
    }
    Ok(leaks)
}

fn log_group(function: &str) -> String {
    format!("/closedwon/{}/{function}", crate::deploy::STACK)
}

pub fn now_ms() -> Result<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("reading the clock")?;
    i64::try_from(since.as_millis()).context("reading the clock")
}
