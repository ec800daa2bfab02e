//! Organizations that differ from what the package takes for granted, by their configuration files alone: `tests/fixtures/organizations`.

mod deals;
mod missed;
mod names;
mod people;
mod prices;
mod steps;
mod subscribed;
mod undecided;

use configuration::Configuration;
use engine::PassKind;
use it::{Deal, Env, Options};
use jiff::SignedDuration;
use ledger::{Books, Sums};
use sandbox::salesforce::{Kind, OrgField};
use serde_json::{Value, json};

use crate::amendments::{code, invoices};
use crate::configured::tell_of;
use crate::subscriptions::PERMISSIONS;

/// A field that an organization has: its object, its name, and its type.
type Own = (&'static str, &'static str, Kind);

const CHECKBOX: Kind = Kind::Checkbox;
const NUMBER: Kind = Kind::Number;
const TEXT: Kind = Kind::Text(255);

/// A file of `tests/fixtures`.
pub(crate) fn fixture(path: &str) -> String {
    let path = format!("{}/../fixtures/{path}.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// An organization that decided this, and sells by it.
pub(crate) fn options(file: &str, own: &[Own]) -> Options {
    let read = Configuration::read(file);
    let read = read.unwrap_or_else(|problems| panic!("{}", configuration::report("closedwon.toml", file, &problems)));
    Options {
        configuration: Some(file.to_owned()),
        org_fields: own.iter().map(|(object, name, kind)| OrgField::new(object, name, *kind)).collect(),
        multi_currency: read.settings.multi_currency,
        line_source: read.settings.line_source,
        permissions: PERMISSIONS.to_vec(),
        ..Options::default()
    }
}

/// The organization of this name, whose statements begin now.
async fn organization(name: &str, own: &[Own]) -> Env {
    started(options(&fixture(&format!("organizations/{name}")), own)).await
}

async fn started(options: Options) -> Env {
    let env = Env::with(options).await;
    env.reconcile(PassKind::Sweep).await;
    env
}

/// The next sweep, and what comes of it: how many events it put on the queue.
async fn sweep(env: &Env) -> u64 {
    env.advance(SignedDuration::from_mins(15));
    let pass = env.reconcile(PassKind::Sweep).await;
    assert!(pass.is_finished && pass.differences.is_empty(), "{pass:?}");
    env.settle().await;
    pass.requeued
}

/// Everything is compared with everything, a day later, and there is no difference.
async fn books(env: &Env) -> Books {
    env.advance(SignedDuration::from_hours(30));
    let pass = env.reconcile(PassKind::Deep).await;
    env.settle().await;
    assert!(pass.is_finished && pass.differences.is_empty(), "{pass:?}");
    let books = pass.statement.unwrap().of_month;
    assert_eq!(books.difference_count, 0, "{books:?}");
    books
}

/// How many they are and what they come to, by currency.
fn sums(sums: &Sums) -> Value {
    sums.0.iter().map(|(currency, sum)| json!([currency.as_str(), sum.count, sum.minor_units])).collect()
}

fn set(env: &Env, opportunity: &str, fields: Value) {
    env.update("Opportunity", opportunity, fields);
    tell_of(env, opportunity);
}

fn account_of(env: &Env, opportunity: &str) -> String {
    env.record("Opportunity", opportunity)["AccountId"].as_str().unwrap().to_owned()
}

/// The invoice that the opportunity names.
fn invoice_of(env: &Env, opportunity: &str) -> Value {
    let named = env.record("Opportunity", opportunity)["Stripe_Invoice_Id__c"].clone();
    env.invoices().into_iter().find(|invoice| invoice["id"] == named).unwrap()
}

/// Within how many days the invoice is to be paid.
fn days_until_due(invoice: &Value) -> i64 {
    (invoice["due_date"].as_i64().unwrap() - invoice["effective_at"].as_i64().unwrap()) / 86_400
}

/// A deal of one product at its list price, in whole units of the currency.
fn of(list_price: &str, stripe_minor_units: i64) -> Deal {
    Deal::negotiated(list_price, stripe_minor_units, list_price, "1")
}

/// Each is read by one story at least, and says first what is special.
#[test]
fn every_file_says_what_is_special() {
    for (folder, count) in [("organizations", 10), ("recipes", 8)] {
        let path = format!("{}/../fixtures/{folder}", env!("CARGO_MANIFEST_DIR"));
        let files: Vec<_> = std::fs::read_dir(path).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), count, "{files:?}");
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("# "), "{}", file.display());
            assert!(Configuration::read(&text).is_ok(), "{}", file.display());
        }
    }
}
