use std::collections::BTreeSet;

use domain::{Currency, Followed};

use super::*;
use crate::{
    ACCOUNT_FIELDS, LineSource, OPPORTUNITY_FIELDS, Renewals, Settings, ShippingAddress, Standings, Subscriptions,
    deal_queries, written,
};

fn everything() -> Settings {
    Settings {
        subscriptions: Subscriptions::ContractActivated,
        line_source: LineSource::CpqQuote,
        renewals: Renewals::Extend,
        standings: Standings::Mirrored,
        shipping: ShippingAddress::Account,
        followed: Followed::everything(),
        paid_stage: Some("Paid".into()),
        multi_currency: true,
        ..Settings::new(Currency::parse("EUR").expect("valid"))
    }
}

fn row(object: &str, field: &str) -> Option<&'static Row> {
    let mut rows = OWNERSHIP.iter().filter(|row| row.object == object && row.fields.contains(&field));
    let found = rows.next();
    assert!(rows.next().is_none(), "{object}.{field} has two rows");
    found
}

#[test]
fn a_field_has_one_row() {
    let mut seen = BTreeSet::new();
    for row in OWNERSHIP {
        for field in row.fields {
            assert!(seen.insert((row.object, *field)), "{}.{field} has two rows", row.object);
        }
    }
}

/// What is written is ours to write, by the table; and what the table says is written is.
#[test]
fn what_is_written_is_in_the_table() {
    for object in written(&everything()) {
        for field in &object.fields {
            let row = row(object.object, field).unwrap_or_else(|| panic!("{}.{field} has no row", object.object));
            assert!(row.written.is_some() && row.owner != Owner::Salesforce, "{}.{field}", object.object);
        }
    }
    let asked: BTreeSet<_> = written(&everything())
        .into_iter()
        .flat_map(|one| one.fields.into_iter().map(move |field| (one.object, field)))
        .collect();
    for row in OWNERSHIP.iter().filter(|row| ["Opportunity", "Account", "Contract"].contains(&row.object)) {
        for field in row.fields.iter().filter(|field| **field != "StageName") {
            assert_eq!(asked.contains(&(row.object, *field)), row.written.is_some(), "{}.{field}", row.object);
        }
    }
}

/// What a deal is planned by is in the table, whoever owns it.
#[test]
fn what_is_read_of_a_deal_is_in_the_table() {
    let by_nature = ["Id", "SystemModstamp", "Name"];
    for field in OPPORTUNITY_FIELDS.iter().filter(|field| !by_nature.contains(field)) {
        assert!(row("Opportunity", field).is_some(), "{field}");
    }
    for field in ACCOUNT_FIELDS.iter().filter_map(|field| field.strip_prefix("Account.")) {
        assert!(by_nature.contains(&field) || row("Account", field).is_some(), "{field}");
    }
    let opportunity_id = domain::OpportunityId::parse("006000000000001AAA").expect("valid");
    let queries = deal_queries(&opportunity_id, &everything());
    for field in &queries[0].fields {
        let (object, field) = field.rsplit_once('.').unwrap_or(("Opportunity", field));
        let is_ours = object == "Opportunity" || object == "Account" || object == "Contract";
        assert!(!is_ours || by_nature.contains(&field) || row(object, field).is_some(), "{object}.{field}");
    }
}

/// Nothing of what decides what is billed is ours to write: that would be a loop.
#[test]
fn what_a_bill_is_made_of_is_never_written() {
    for field in
        ["Amount", "Type", "AccountId", "Stripe_Approved_Amount__c", "Stripe_Start_Date__c", "Stripe_Term_Months__c"]
    {
        let row = row("Opportunity", field).expect("a row");
        assert_eq!((row.owner, row.written), (Owner::Salesforce, None), "{field}");
    }
}

#[test]
fn an_echo_is_told_from_what_somebody_says_to_us() {
    for (changed, is_own) in [
        (&["Stripe_Invoice_Id__c", "Stripe_Invoice_URL__c", "LastModifiedDate"][..], true),
        (&["Payment_Received__c", "Paid_Date__c", "SystemModstamp"], true),
        (&["Stripe_Invoice_Status__c", "Stripe_Amount_Refunded__c", "LastModifiedById"], true),
        (&["Stripe_Sync_Status__c", "Amount"], false),
        (&["StageName", "LastModifiedDate"], false),
        (&["Stripe_Approved_Amount__c"], false),
        (&["Stripe_Cancel_On__c", "LastModifiedDate"], false),
        (&["Stripe_Field_Of_Somebody__c"], false),
        (&[], false),
    ] {
        assert_eq!(is_own_write(changed.iter().copied()), is_own, "{changed:?}");
    }
}

/// As `docs/OWNERSHIP.md` has it.
fn page() -> String {
    let mut page = include_str!("page.md").to_owned();
    page.push_str(
        "\n| object | fields | whose | Closedwon writes it | edited by somebody else |\n|---|---|---|---|---|\n",
    );
    for row in OWNERSHIP {
        let fields: Vec<_> = row.fields.iter().map(|field| format!("`{field}`")).collect();
        let written = row.written.unwrap_or("Never.");
        page.push_str(&format!(
            "| {} | {} | {} | {written} | {} |\n",
            row.object,
            fields.join(", "),
            row.owner,
            row.edited
        ));
    }
    page
}

/// With `WRITE_DOCS=1` it writes the page.
#[test]
fn the_page_is_what_the_table_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/OWNERSHIP.md");
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(path, page()).expect("written");
    }
    let there = std::fs::read_to_string(path).expect("docs/OWNERSHIP.md");
    assert!(there == page(), "docs/OWNERSHIP.md is out of date: WRITE_DOCS=1 cargo test -p mapping ownership");
}
