//! What went wrong elsewhere, and does not here.
//!
//! Each test tells one failure that somebody else has had, and carries its number in `docs/FAILURES.md`: what happened, the
//! rule that it led to, and where the test stands.

mod doors;
mod keys;
mod leases;
mod ledger;
mod outcomes;
mod queue;
mod salesforce;
mod truth;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ::ledger::StoredRun;
use ::queue::{Envelope, Source};
use domain::{Event, OpportunityId};
use it::{Deal, Env, Worked};
use serde_json::Value;
use workflow::RunId;

fn changed(env: &Env, id: &str, opportunity: &str) -> String {
    let opportunity_id = OpportunityId::parse(opportunity).unwrap();
    let event = Event::OpportunityChanged { opportunity_id, occurred_at: env.now() };
    Envelope::new(id, Source::SalesforceCallout, event, env.now()).to_json()
}

fn run_id(env: &Env, opportunity: &str) -> RunId {
    let organization_id = env.worker.engine.scope.organization_id.clone();
    RunId::OpportunityWon { organization_id, opportunity_id: OpportunityId::parse(opportunity).unwrap() }
}

async fn run(env: &Env, opportunity: &str) -> StoredRun {
    env.ledger().run(&run_id(env, opportunity).to_string()).await.unwrap().expect("the deal has a run")
}

/// The run's item as it stands in the table.
fn item(env: &Env, opportunity: &str) -> Value {
    let key = run_id(env, opportunity).to_string();
    let mut items = env.aws.items().into_iter();
    items.find(|item| item["pk"]["S"] == key.as_str() && item["sk"]["S"] == "run").expect("the deal has a run")
}

/// Path and key of every POST that Stripe got since the calls were cleared.
fn posts(env: &Env) -> Vec<(String, String)> {
    let requests = env.sandbox.stripe.requests().into_iter().filter(|request| request.method == "POST");
    requests.map(|request| (request.path, request.idempotency_key.expect("every write has a key"))).collect()
}

fn note(env: &Env, opportunity: &str) -> Value {
    env.record("Opportunity", opportunity)["Stripe_Sync_Status__c"].clone()
}

/// The customer has one invoice, over what three lines come to, by one e-mail, and the opportunity names it.
fn billed_once(env: &Env, opportunity: &str, when: &str) -> String {
    let invoices = env.invoices();
    assert_eq!(invoices.len(), 1, "{when}: {invoices:?}");
    assert_eq!(env.objects("customer").iter().filter(|found| found["deleted"] != true).count(), 1, "{when}");
    assert_ne!(invoices[0]["status"], "draft", "{when}");
    assert_eq!(invoices[0]["total"], 11_000, "{when}");
    assert_eq!(env.record("Opportunity", opportunity)["Stripe_Invoice_Id__c"], invoices[0]["id"], "{when}");
    assert_eq!(note(env, opportunity), Value::Null, "{when}");
    let sent = env.objects("event").iter().filter(|event| event["type"] == "invoice.sent").count();
    assert_eq!(sent, 1, "{when}: the customer has one e-mail");
    invoices[0]["id"].as_str().unwrap().to_owned()
}

/// The worker took up a deal, and its process died at this moment, or was done before it.
async fn died_at(moment: u64) -> (Env, String, Worked) {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.deliver().await;
    env.fuse.arm(moment);
    let worked = env.work(1).await;
    env.fuse.disarm();
    (env, opportunity, worked)
}

/// The process dies right after this call to Stripe had its effect, and before anything of it is saved.
async fn died_after(call: &str) -> (Env, String) {
    // A deal is done long before the hundredth moment. The first one at which the call was made is searched by halves.
    let (mut first, mut end) = (0, 100);
    while first < end {
        let moment = (first + end) / 2;
        let (env, ..) = died_at(moment).await;
        match env.stripe_calls().iter().any(|made| made.ends_with(call)) {
            true => end = moment,
            false => first = moment + 1,
        }
        env.sqs.purge();
    }
    let (env, opportunity, worked) = died_at(first).await;
    assert_eq!(worked, Worked::Died, "a deal takes no {call}");
    assert!(env.stripe_calls().last().is_some_and(|last| last.ends_with(call)), "{:?}", env.stripe_calls());
    env.clear_calls();
    (env, opportunity)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The lines of one resource in `template.yaml`, without comments.
fn resource(name: &str) -> String {
    let template = fs::read_to_string(root().join("template.yaml")).unwrap();
    let (_, rest) = template.split_once(&format!("\n  {name}:\n")).unwrap_or_else(|| panic!("there is no {name}"));
    let lines = rest.lines().take_while(|line| line.is_empty() || line.starts_with("   "));
    lines.map(|line| line.split(" #").next().unwrap().trim_end()).collect::<Vec<_>>().join("\n")
}

/// The value of a property that stands on a line of its own.
fn property(resource: &str, name: &str) -> String {
    let mut values = resource.lines().filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "));
    values.next().unwrap_or_else(|| panic!("there is no {name} in {resource}")).to_owned()
}

/// `F7` of `f07_…`.
fn number(test: &str) -> Option<u32> {
    let digits = test.strip_prefix('f')?.split('_').next()?;
    (digits.len() == 2).then(|| digits.parse().ok()).flatten()
}

/// Every test of a failure, as `cargo test` names it, under the failure's number.
fn tests() -> BTreeMap<u32, BTreeSet<String>> {
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/failures")).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let source = fs::read_to_string(&path).unwrap();
        let mut lines = source.lines();
        while let Some(line) = lines.next() {
            if !line.starts_with("#[tokio::test") && line != "#[test]" {
                continue;
            }
            let signature = lines.next().unwrap();
            let name =
                signature.trim_start_matches("async ").strip_prefix("fn ").expect("a test follows its attribute");
            let name = name.split('(').next().unwrap();
            let number = number(name).unwrap_or_else(|| panic!("{module}::{name} names no failure"));
            found.entry(number).or_default().insert(format!("failures::{module}::{name}"));
        }
    }
    found
}

/// Thirteen, 26 and 28 were never given to a failure.
#[test]
fn every_failure_has_its_test_and_every_test_stands_in_the_list() {
    let page = fs::read_to_string(root().join("docs/FAILURES.md")).unwrap();
    let mut listed = BTreeMap::new();
    for row in page.lines().filter_map(|line| line.strip_prefix("| F")) {
        let columns: Vec<_> = row.trim_end_matches('|').split(" | ").map(str::trim).collect();
        let [number, what_happened, rule, tests] = columns[..] else { panic!("a row has four columns: {row}") };
        assert!(!what_happened.is_empty() && !rule.is_empty(), "F{number} says nothing");
        let tests: BTreeSet<_> = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert_eq!(listed.insert(number.parse().unwrap(), tests), None, "F{number} stands there twice");
    }
    assert_eq!(listed, tests());
    let numbers: Vec<_> = (1..=30).filter(|number| ![13, 26, 28].contains(number)).collect();
    assert_eq!(listed.into_keys().collect::<Vec<_>>(), numbers);
}
