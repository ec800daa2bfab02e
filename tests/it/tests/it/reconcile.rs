//! What events did not tell is found.

mod books;
mod missed;
mod orphans;
mod paging;

use engine::{PassKind, Reconciled};
use it::Env;
use serde_json::Value;

/// A pass that must come to its end, and whatever it asked for, done.
async fn swept(env: &Env) -> Reconciled {
    let reconciled = env.reconcile(PassKind::Sweep).await;
    assert!(reconciled.is_finished, "{:?}", reconciled.pauses);
    env.settle().await;
    reconciled
}

fn causes(reconciled: &Reconciled) -> Vec<&str> {
    reconciled.differences.iter().map(|difference| difference.cause.as_str()).collect()
}

/// The one invoice of the account, which the opportunity names.
fn billed_once(env: &Env, opportunity: &str) -> String {
    let invoices: Vec<Value> = env.invoices();
    assert_eq!(invoices.len(), 1, "{invoices:?}");
    assert_eq!(env.record("Opportunity", opportunity)["Stripe_Invoice_Id__c"], invoices[0]["id"]);
    invoices[0]["id"].as_str().unwrap().to_owned()
}

/// What the ledger says about how far a part has come.
async fn succeeded_at(env: &Env, part: &str) -> Option<jiff::Timestamp> {
    let org = &env.worker.engine.scope.organization_id;
    env.ledger().watermark(org, part).await.unwrap().succeeded_at
}
