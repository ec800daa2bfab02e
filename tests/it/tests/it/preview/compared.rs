//! What was foreseen, and what then really happens: the same calls to the parameter, the same end, the same money.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use closedwon::preview::{End, Preview, preview};
use deployment::Sight;
use domain::OpportunityId;
use it::{Env, TABLE, Worked, Written};
use ledger::{CallEntry, DynamoDb};
use serde_json::{Value, json};
use workflow::{Next, RunId};

use crate::operator::changed;

pub(crate) fn sight(env: &Env) -> Sight {
    sight_with(env, None)
}

/// With what this file decides, whichever is deployed.
pub(crate) fn sight_with(env: &Env, file: Option<&str>) -> Sight {
    let engine = &env.worker.engine;
    let decided = file.map(|text| configuration::Configuration::read(text).unwrap().settings);
    Sight {
        table: DynamoDb::new(env.aws.dynamodb(), TABLE),
        stripe: engine.stripe.inner.clone(),
        salesforce: engine.salesforce.inner.clone(),
        scope: engine.scope.clone(),
        settings: decided.unwrap_or_else(|| engine.settings.clone()),
        file: file.map(str::to_owned),
    }
}

/// Asks, and sees that nothing was written by that: not at Stripe, not in Salesforce, not in the ledger, not on a queue.
pub(crate) async fn asked(env: &Env, opportunity: &str) -> Preview {
    let at = env.now();
    nothing_written_by(env, async || {
        preview(&sight(env), &OpportunityId::parse(opportunity).unwrap(), at).await.unwrap()
    })
    .await
}

pub(crate) async fn nothing_written_by<T>(env: &Env, ask: impl AsyncFn() -> T) -> T {
    let everything = || {
        let records = ["Opportunity", "Account", "Contract", "Task", "Case"]
            .map(|object| env.sandbox.salesforce.with(|org| org.records(object)));
        let objects = ["customer", "price", "invoice", "subscription", "credit_note"].map(|object| env.objects(object));
        (records, objects, env.aws.items(), format!("{:?}", env.sqs.work()), env.sqs.dead_letters())
    };
    let before = everything();
    env.clear_calls();
    let answer = ask().await;
    assert!(before == everything(), "something was written");
    let asks = |call: &String| call.starts_with("GET ") || call == "POST /v1/invoices/create_preview";
    assert!(env.stripe_calls().iter().all(asks), "{:?}", env.stripe_calls());
    // Its client reads by composite requests too.
    let reads = |call: &String| call.starts_with("GET ") || call == "POST /services/data/v67.0/composite";
    assert!(env.salesforce_calls().iter().all(reads), "{:?}", env.salesforce_calls());
    answer
}

/// Asks, lets it happen, and compares.
pub(crate) async fn foreseen(env: &Env, opportunity: &str) -> Preview {
    compared(env, opportunity, true).await
}

/// The same; that nothing is written by asking is looked at or not, which takes the longer the more there is.
pub(crate) async fn compared(env: &Env, opportunity: &str, is_looked_at: bool) -> Preview {
    // What followed from the deal before.
    while env.work(10).await == Worked::Something {}
    let preview = match is_looked_at {
        true => asked(env, opportunity).await,
        false => preview(&sight(env), &OpportunityId::parse(opportunity).unwrap(), env.now()).await.unwrap(),
    };
    let known = known_ids(env);
    let sent = sent(env);
    let before = logs(env, opportunity).await;
    env.fuse.take_written();
    static EVENTS: AtomicU64 = AtomicU64::new(0);
    env.sqs.put(&changed(env, &format!("foreseen_{}", EVENTS.fetch_add(1, Ordering::Relaxed)), opportunity));
    env.work(1).await;
    let mut really = Really { known, names: BTreeMap::new() };
    let mut foreseen = Really { known: BTreeSet::new(), names: BTreeMap::new() };
    let written = env.fuse.take_written();
    let requests = preview.calls.iter().flat_map(|call| {
        call.requests.iter().map(|request| {
            let key = if request.method == "POST" { call.idempotency_key.clone() } else { None };
            (request.path.clone(), request.parameters.clone(), key)
        })
    });
    let expected: Vec<_> = requests.map(|request| foreseen.write(request)).collect();
    let found: Vec<_> = written.into_iter().map(|request| really.write(request)).collect();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "{opportunity}\n{preview}");
    }
    let paths = |writes: &[Written]| writes.iter().map(|(path, ..)| path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(&found), paths(&expected), "{opportunity}\n{preview}");
    let after = logs(env, opportunity).await;
    for (workflow, calls) in &after {
        let new = &calls[before.get(workflow).map_or(0, Vec::len)..];
        let of = preview.calls.iter().filter(|call| call.workflow == *workflow);
        let expected: Vec<_> =
            of.map(|call| (call.call.as_str(), call.outcome.as_str(), &call.idempotency_key)).collect();
        let found: Vec<_> =
            new.iter().map(|call| (call.call.as_str(), call.outcome.as_str(), &call.idempotency_key)).collect();
        assert_eq!(found, expected, "{opportunity} {workflow}\n{preview}");
    }
    assert_eq!(end(env, opportunity).await, end_of(&preview), "{opportunity}\n{preview}");
    assert_eq!(billed(env, &sent), billed_of(&preview), "{opportunity}\n{preview}");
    preview
}

/// How an id is called that was not there before.
struct Really {
    known: BTreeSet<String>,
    names: BTreeMap<String, String>,
}

impl Really {
    fn name(&mut self, text: &str) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut named = String::new();
        for word in text.split_inclusive(|c: char| !is_part(c)) {
            let id = word.trim_end_matches(|c: char| !is_part(c));
            let prefix = ["cus_", "in_", "si_", "sub_", "price_", "il_", "cn_"]
                .into_iter()
                .find(|prefix| id.starts_with(prefix));
            match prefix.filter(|_| id.contains("_preview_") || !self.known.is_empty() && !self.known.contains(id)) {
                Some(prefix) => {
                    let next = format!("{prefix}{}", self.names.len() + 1);
                    named += self.names.entry(id.to_owned()).or_insert(next);
                    named += &word[id.len()..];
                }
                None => named += word,
            }
        }
        named
    }

    fn write(&mut self, (path, parameters, key): Written) -> Written {
        let path = self.name(&path);
        // Stripe says them when it is sent.
        let is_known = |name: &str| !["Stripe_Invoice_URL__c", "Stripe_Invoice_PDF__c"].contains(&name);
        let parameters = parameters.into_iter().map(|(name, value)| match is_known(&name) {
            true => (name, self.name(&value)),
            false => (name, if value.is_empty() { value } else { "an address".into() }),
        });
        (path, parameters.collect(), key)
    }
}

fn known_ids(env: &Env) -> BTreeSet<String> {
    let kinds = ["customer", "price", "product", "invoice", "subscription", "subscription_item", "credit_note"];
    let objects = kinds.into_iter().flat_map(|kind| env.objects(kind));
    let mut ids: BTreeSet<String> = objects.filter_map(|object| object["id"].as_str().map(str::to_owned)).collect();
    for invoice in env.invoices() {
        let lines = env.invoice_lines(invoice["id"].as_str().unwrap());
        ids.extend(lines.iter().filter_map(|line| line["id"].as_str().map(str::to_owned)));
    }
    ids.insert("nothing".into());
    ids
}

/// Of the deal's run, and of its account's customers.
async fn logs(env: &Env, opportunity: &str) -> BTreeMap<&'static str, Vec<CallEntry>> {
    let organization_id = env.worker.engine.scope.organization_id.clone();
    let account = env.record("Opportunity", opportunity)["AccountId"].as_str().unwrap_or_default().to_owned();
    let currency = env.record("Opportunity", opportunity)["CurrencyIsoCode"]
        .as_str()
        .and_then(|code| domain::Currency::parse(code).ok());
    let mut ids = vec![run_of(env, opportunity)];
    if let Ok(account_id) = domain::AccountId::parse(&account) {
        ids.extend([None].into_iter().chain(currency.map(Some)).map(|currency| RunId::AccountCustomer {
            organization_id: organization_id.clone(),
            account_id: account_id.clone(),
            livemode: false,
            currency,
        }));
    }
    let mut logs: BTreeMap<_, Vec<CallEntry>> = BTreeMap::new();
    for id in ids {
        logs.entry(id.workflow()).or_default().extend(env.ledger().call_log(&id).await.unwrap());
    }
    logs
}

fn run_of(env: &Env, opportunity: &str) -> RunId {
    let organization_id = env.worker.engine.scope.organization_id.clone();
    RunId::OpportunityWon { organization_id, opportunity_id: OpportunityId::parse(opportunity).unwrap() }
}

/// How it ended: a code, or a word.
async fn end(env: &Env, opportunity: &str) -> String {
    let run = env.ledger().run(&run_of(env, opportunity).to_string()).await.unwrap().unwrap().run;
    match (run.stop(), run.next()) {
        (Some(stop), _) => stop.code.as_str().to_owned(),
        (None, Next::End(workflow::End::Resting { until })) => format!("rests until {until}"),
        (None, Next::End(_)) => "done".to_owned(),
        (None, Next::Wait(stop)) => format!("waits: {}", stop.code.as_str()),
        (None, next) => format!("{next:?}"),
    }
}

fn end_of(preview: &Preview) -> String {
    match &preview.end {
        End::Billed | End::Changed | End::Unchanged => "done".to_owned(),
        End::Scheduled { until } => format!("rests until {until}"),
        End::Stopped(stopped) => stopped.code.to_owned(),
        End::Waits { code, .. } => format!("waits: {code}"),
    }
}

fn sent(env: &Env) -> BTreeSet<String> {
    // Stripe sends such a draft by itself.
    let is_sent = |invoice: &Value| invoice["status"] != "draft" || invoice["auto_advance"] == true;
    let sent = env.invoices().into_iter().filter(is_sent);
    sent.map(|invoice| invoice["id"].as_str().unwrap().to_owned()).collect()
}

/// Invoices that a customer gets and had not before, with what each line comes to.
fn billed(env: &Env, sent: &BTreeSet<String>) -> Vec<Value> {
    let is_new = |invoice: &Value| !sent.contains(invoice["id"].as_str().unwrap());
    let counts = |invoice: &Value| {
        invoice["status"] != "void" && (invoice["status"] != "draft" || invoice["auto_advance"] == true)
    };
    let new = env.invoices().into_iter().filter(|invoice| is_new(invoice) && counts(invoice));
    let mut billed: Vec<_> = new
        .map(|invoice| {
            let lines = env.invoice_lines(invoice["id"].as_str().unwrap());
            let mut amounts: Vec<_> = lines.iter().filter_map(|line| line["amount"].as_i64()).collect();
            amounts.sort();
            json!([invoice["currency"], invoice["total"], invoice["amount_due"], amounts])
        })
        .collect();
    billed.sort_by_key(Value::to_string);
    billed
}

fn billed_of(preview: &Preview) -> Vec<Value> {
    let new = preview.invoices.iter().filter(|invoice| invoice.is_new());
    let mut billed: Vec<_> = new
        .map(|invoice| {
            let mut amounts: Vec<_> = invoice.lines.iter().map(|line| line.amount.minor_units()).collect();
            amounts.sort();
            let total = invoice.total.minor_units();
            let due = (total - invoice.from_balance.map_or(0, |paid| paid.minor_units())).max(0);
            json!([invoice.total.currency().to_stripe(), total, due, amounts])
        })
        .collect();
    billed.sort_by_key(Value::to_string);
    billed
}
