//! The worker's process is killed at its worst moment: Stripe has sent the invoice, and the answer is still on its way.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{HOP_WITHIN, set_up, wait_for_opportunity_within, wait_until_quiet};
use crate::aws::text;
use crate::bootstrap::{self, Bootstrap};
use crate::failure::{Failure, Result};
use crate::progress::Progress;
use crate::stack::Stack;

/// How late Stripe answers. Time enough to find the process, and within the worker's own timeout.
const ANSWER_AFTER_MS: u64 = 8_000;

/// The message is visible again after six times the worker's timeout, which is 30 seconds here.
const BACK_WITHIN: Duration = Duration::from_secs(300);

pub fn play(stack: &Stack, progress: Progress) -> Result<()> {
    stack.set_door(super::Door::Callout)?;
    let stripe = stack.sandbox.stripe();
    let salesforce = stack.sandbox.salesforce()?;
    let deal = set_up(&stripe, &salesforce)?;
    let sent_before = sends(stack)?;
    let slow = json!({
        "method": "POST", "path": "/v1/invoices/*/send",
        "fault": { "kind": "slow", "delay_ms": ANSWER_AFTER_MS }
    });
    stack.sandbox.inject(&stack.sandbox.stripe_url, &slow)?;
    salesforce.update("Opportunity", &deal.opportunity, &json!({ "StageName": "Closed Won" }))?;
    let deadline = Instant::now() + HOP_WITHIN;
    while sends(stack)? == sent_before {
        if Instant::now() >= deadline {
            return Err(Failure::new("the worker did not come to send the invoice"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let workers = Bootstrap::of(stack, stack.outputs.get("RetryWorkerFunctionName")?)?;
    let killed = bootstrap::kill(&workers)?;
    progress.say(format_args!(
        "killed {killed} worker(s) while Stripe was answering; waiting for the message to come back"
    ));
    if killed == 0 {
        return Err(Failure::new("no process of the worker was found to kill"));
    }
    let field = "Stripe_Invoice_Id__c";
    let is_id = |value: &Value| value.as_str().is_some_and(|id| !id.is_empty());
    let won = wait_for_opportunity_within(BACK_WITHIN, stack, &salesforce, &deal.opportunity, field, is_id)?;
    wait_until_quiet(stack)?;
    let invoices = stripe.list(&format!("/v1/invoices?customer={}", text(&won, "Stripe_Customer_Id__c")?))?;
    let [invoice] = invoices.as_slice() else {
        return Err(Failure::new(format!("{} invoices for one deal", invoices.len())));
    };
    let events = stripe.list("/v1/events?type=invoice.sent")?;
    let mails = events.iter().filter(|event| event["data"]["object"]["id"] == invoice["id"]).count();
    if invoice["id"] != won[field] || invoice["status"] != "open" || mails != 1 {
        return Err(Failure::new(format!(
            "the invoice was sent {mails} times: {invoice}\nand the opportunity says {won}"
        )));
    }
    Ok(())
}

fn sends(stack: &Stack) -> Result<usize> {
    let requests = stack.sandbox.requests(&stack.sandbox.stripe_url)?;
    Ok(requests.iter().filter(|request| request["path"].as_str().is_some_and(|path| path.ends_with("/send"))).count())
}
