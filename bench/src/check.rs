//! Nothing is lost: what Stripe, Salesforce and the queues hold when everything has come to rest.

use std::collections::BTreeMap;

use it::Env;
use serde_json::Value;

use crate::deals::{Billed, Deals};

/// What is not as it should be. `came` says how many went first: a payment that failed, a deal that was won, and so on.
pub(crate) fn wrong(env: &Env, deals: &Deals, came: usize) -> Vec<String> {
    let (failed, won) = (&deals.failing[..came.div_ceil(2)], &deals.later[..came / 2]);
    let mut wrong = Vec::new();
    let unpaid = deals.paid.iter().filter(|deal| !is_paid(env, deal)).count();
    if unpaid > 0 {
        wrong.push(format!("{unpaid} opportunities do not say that they are paid"));
    }
    let before = deals.paid.iter().chain(&deals.failing).map(|deal| &deal.opportunity);
    let invoices = invoices(env);
    let has_its_own = |opportunity: &&String| {
        let named = &env.record("Opportunity", opportunity)["Stripe_Invoice_Id__c"];
        invoices.get(opportunity.as_str()).is_some_and(|ids| ids.len() == 1 && ids[0] == *named)
    };
    let unbilled = before.chain(won).filter(|opportunity| !has_its_own(opportunity)).count();
    if unbilled > 0 {
        wrong.push(format!("{unbilled} deals that were won have not the one invoice that they name"));
    }
    let cases = env.sandbox.salesforce.with(|org| org.records("Case"));
    let its_own =
        |deal: &&Billed| cases.iter().filter(|case| case["Stripe_Invoice_Id__c"] == deal.invoice).count() == 1;
    let looked_after = failed.iter().filter(its_own).count();
    if looked_after != failed.len() || cases.len() != failed.len() {
        wrong.push(format!("{looked_after} of {} failed payments have a case of {}", failed.len(), cases.len()));
    }
    let (left, dead) = (env.sqs.work().len(), env.sqs.dead_letters().len());
    if left + dead > 0 {
        wrong.push(format!("{left} messages are left, and {dead} are dead letters"));
    }
    wrong
}

fn is_paid(env: &Env, deal: &Billed) -> bool {
    env.record("Opportunity", &deal.opportunity)["Payment_Received__c"] == true
}

/// The ids of the invoices that count, by the opportunity that they are made for.
fn invoices(env: &Env) -> BTreeMap<String, Vec<Value>> {
    let mut invoices: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for mut invoice in env.invoices_that_count() {
        let opportunity = invoice["metadata"]["sf_opportunity_id"].as_str().unwrap_or_default().to_owned();
        invoices.entry(opportunity).or_default().push(invoice["id"].take());
    }
    invoices
}
