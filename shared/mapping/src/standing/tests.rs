use std::collections::BTreeSet;

use super::*;
use crate::LineSource;

const BEGAN: &str = "006000000000001AAA";
const RENEWS: &str = "006000000000002AAA";
const LATER: &str = "006000000000003AAA";
const CONTRACT: &str = "800000000000001AAA";

fn settings(line_source: LineSource, subscriptions: Subscriptions) -> Settings {
    Settings { line_source, subscriptions, ..Settings::new(Currency::parse("USD").expect("valid")) }
}

fn closed_won() -> Settings {
    settings(LineSource::CpqQuote, Subscriptions::ClosedWon)
}

pub(crate) fn standing(opportunity_id: &str) -> Standing {
    let currency = Currency::parse("USD").expect("valid");
    Standing {
        subscription_id: SubscriptionId::parse("sub_1").expect("valid"),
        opportunity_id: OpportunityId::parse(opportunity_id).expect("valid"),
        is_renewed: opportunity_id != BEGAN,
        status: "active".into(),
        is_over: false,
        currency,
        monthly: Some(Money::from_minor_units(20_050, currency)),
        period_end: Some(jiff::civil::date(2026, 12, 24)),
        cancellation: None,
    }
}

fn record(fields: &[(&str, &str)]) -> Record {
    let mut record = Record::default();
    for (field, value) in fields {
        record.set(*field, FieldValue::Text((*value).into()));
    }
    record
}

/// As the record is once it was told.
fn told(mut record: Record, update: &Update) -> Record {
    for (field, value) in &update.fields {
        record.set(*field, value.clone());
    }
    record
}

fn began() -> Record {
    record(&[("Id", BEGAN), ("Stripe_Subscription_Id__c", "sub_1")])
}

fn renews(id: &str) -> Record {
    record(&[("Id", id), ("Renewal_Stripe_Sub_Id__c", "sub_1")])
}

fn fields(update: &Update) -> Vec<(&'static str, FieldValue)> {
    update.fields.iter().map(|(field, value)| (*field, value.clone())).collect()
}

#[test]
fn a_deal_is_told_how_its_subscription_stands_once() {
    let (standing, settings) = (standing(BEGAN), closed_won());
    let naming = Naming { opportunities: vec![began()], contracts: vec![], tasks: vec![] };
    let untold = standing.untold(&naming, &settings);
    let [one] = untold.as_slice() else { panic!("{untold:?}") };
    assert_eq!((one.object, one.id.as_str(), one.is_current), (StandsOn::Opportunity, BEGAN, true));
    let update = standing.update(one);
    let expected = [
        ("Stripe_Cancellation_Reason__c", FieldValue::Null),
        ("Stripe_Current_MRR__c", FieldValue::Number("200.50".parse().expect("a decimal"))),
        ("Stripe_Period_End__c", text("2026-12-24")),
        ("Stripe_Subscription_Status__c", text("active")),
    ];
    assert_eq!((update.object, fields(&update)), ("Opportunity", expected.to_vec()));
    let naming = Naming { opportunities: vec![told(began(), &update)], contracts: vec![], tasks: vec![] };
    assert_eq!(standing.untold(&naming, &settings), []);
    assert!(standing.is_named_by(standing.deal(&naming).expect("there")));
    // One that is to renew it names it as well, and is told nothing.
    let naming = Naming { opportunities: vec![renews(RENEWS)], contracts: vec![renews(CONTRACT)], tasks: vec![] };
    assert_eq!(standing.untold(&naming, &settings), []);
}

/// Added up over all of them, it is what is billed.
#[test]
fn a_deal_that_was_renewed_has_nothing_of_it_any_more() {
    let settings = closed_won();
    let before = standing(BEGAN);
    let first =
        before.untold(&Naming { opportunities: vec![began()], contracts: vec![], tasks: vec![] }, &settings).remove(0);
    let first = told(began(), &before.update(&first));
    let after = standing(RENEWS);
    let naming = Naming { opportunities: vec![first.clone(), renews(RENEWS)], contracts: vec![], tasks: vec![] };
    let untold = after.untold(&naming, &settings);
    assert_eq!(
        untold.iter().map(|one| (one.id.as_str(), one.is_current)).collect::<Vec<_>>(),
        [(RENEWS, true), (BEGAN, false)]
    );
    let update = after.update(&untold[1]);
    assert_eq!(update.fields["Stripe_Subscription_Status__c"], text("renewed"));
    assert_eq!(update.fields["Stripe_Current_MRR__c"], FieldValue::Number(0.into()));
    assert_eq!(update.fields["Stripe_Period_End__c"], FieldValue::Null);
    // One that is to renew it some day names it already, and is told nothing.
    let naming = Naming {
        opportunities: vec![told(first, &update), told(renews(RENEWS), &after.update(&untold[0])), renews(LATER)],
        contracts: vec![],
        tasks: vec![],
    };
    assert_eq!(after.untold(&naming, &settings), []);
    // Once it does, the one before it is a thing of the past like the first.
    let untold = standing(LATER).untold(&naming, &settings);
    assert_eq!(
        untold.iter().map(|one| (one.id.as_str(), one.is_current)).collect::<Vec<_>>(),
        [(LATER, true), (RENEWS, false)]
    );
}

/// Which contract is the deal's, the opportunity or the contract says.
#[test]
fn a_contract_is_told_with_its_deal() {
    for line_source in [LineSource::OpportunityProducts, LineSource::Orders, LineSource::CpqQuote] {
        let settings = settings(line_source, Subscriptions::ContractActivated);
        let (mut deal, mut contract) = (began(), record(&[("Id", CONTRACT), ("Stripe_Subscription_Id__c", "sub_1")]));
        match line_source {
            LineSource::CpqQuote => contract.set("SBQQ__Opportunity__c", text(BEGAN)),
            _ => deal.set("ContractId", text(CONTRACT)),
        }
        let naming = Naming { opportunities: vec![deal], contracts: vec![contract.clone()], tasks: vec![] };
        let now = |standing: &Standing, naming: &Naming| {
            let untold = standing.untold(naming, &settings);
            let of = untold.iter().find(|one| one.object == StandsOn::Contract);
            of.map(|of| (of.is_current, standing.update(of).fields["Stripe_Subscription_Status__c"].clone()))
        };
        assert_eq!(now(&standing(BEGAN), &naming), Some((true, text("active"))), "{line_source:?}");
        // Its deal lost it, or is gone: nobody has renewed it.
        for opportunities in [vec![record(&[("Id", BEGAN)])], vec![]] {
            let alone = Naming { opportunities, ..naming.clone() };
            assert_eq!(now(&standing(BEGAN), &alone), Some((true, text("active"))), "{line_source:?}");
        }
        // Another deal has renewed it, and names it or does not yet.
        assert_eq!(now(&standing(RENEWS), &naming), None, "{line_source:?}");
        let renewed = Naming { opportunities: vec![naming.opportunities[0].clone(), renews(RENEWS)], ..naming.clone() };
        assert_eq!(now(&standing(RENEWS), &renewed), Some((false, text("renewed"))), "{line_source:?}");
    }
}

/// Nothing is asked for that may not be there: no contract where those begin nothing, no currency where there is one.
#[test]
fn the_records_that_name_it_are_read() {
    let standing = standing(BEGAN);
    for (line_source, subscriptions, links) in [
        (LineSource::CpqQuote, Subscriptions::ClosedWon, vec![None]),
        (LineSource::OpportunityProducts, Subscriptions::ContractActivated, vec![Some("ContractId"), None]),
        (LineSource::CpqQuote, Subscriptions::ContractActivated, vec![None, Some("SBQQ__Opportunity__c")]),
    ] {
        for multi_currency in [false, true] {
            let settings = Settings { multi_currency, ..settings(line_source, subscriptions) };
            let queries = standing.queries(&settings);
            assert_eq!(queries.len(), links.len(), "{line_source:?} {subscriptions:?}");
            for (query, link) in queries.iter().zip(&links) {
                let fields: BTreeSet<_> = query.fields.iter().copied().collect();
                assert_eq!(fields.len(), query.fields.len(), "a field that is asked for twice is a query that fails");
                assert_eq!(fields.contains("CurrencyIsoCode"), multi_currency);
                let found = ["ContractId", "SBQQ__Opportunity__c"].into_iter().find(|field| fields.contains(field));
                assert_eq!(found, *link, "{line_source:?} {}", query.object);
            }
        }
    }
    let (field, filter) = &standing.queries(&closed_won())[0].filter[0];
    let others =
        vec![("Stripe_Subscription_Id__c", "sub_1".to_owned()), ("Renewal_Stripe_Sub_Id__c", "sub_1".to_owned())];
    assert_eq!((*field, filter), ("Id", &Filter::IsOr(BEGAN.into(), others)));
}

/// The deal is read in any case, and what it does not name is not told to it.
#[test]
fn a_deal_that_does_not_name_it_is_told_nothing() {
    let naming = Naming { opportunities: vec![record(&[("Id", BEGAN)])], contracts: vec![], tasks: vec![] };
    let standing = standing(BEGAN);
    assert_eq!(standing.untold(&naming, &closed_won()), []);
    assert!(!standing.is_named_by(standing.deal(&naming).expect("it was read")));
    assert_eq!(standing.deal(&Naming::default()), None);
}

#[test]
fn an_amount_in_another_currency_is_told_nobody() {
    for (record_currency, amount) in [("USD", Some("200.50")), ("EUR", None)] {
        let settings = Settings { multi_currency: true, ..closed_won() };
        let mut deal = began();
        deal.set("CurrencyIsoCode", text(record_currency));
        let standing = standing(BEGAN);
        let untold =
            standing.untold(&Naming { opportunities: vec![deal], contracts: vec![], tasks: vec![] }, &settings);
        let update = standing.update(&untold[0]);
        let expected = amount.map_or(FieldValue::Null, |amount| FieldValue::Number(amount.parse().expect("a decimal")));
        assert_eq!(update.fields["Stripe_Current_MRR__c"], expected, "{record_currency}");
        assert_eq!(update.fields["Stripe_Subscription_Status__c"], text("active"));
    }
}

/// Salesforce keeps no blank at a text's end, so none is written: it would never be as it was written.
#[test]
fn a_reason_is_cut_where_the_field_ends() {
    let long = format!("payment_failed {}", "a ".repeat(300));
    let standing = Standing { cancellation: Some(long), status: "x".repeat(50), monthly: None, ..standing(BEGAN) };
    let untold =
        standing.untold(&Naming { opportunities: vec![began()], contracts: vec![], tasks: vec![] }, &closed_won());
    let update = standing.update(&untold[0]);
    let written = |field: &str| match &update.fields[field] {
        FieldValue::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    let reason = written("Stripe_Cancellation_Reason__c");
    assert!(reason.starts_with("payment_failed a a") && reason.len() <= 255 && !reason.ends_with(' '), "{reason}");
    assert_eq!((cut_short(&"é".repeat(300)).chars().count(), cut_short(&"😀".repeat(300)).chars().count()), (255, 127));
    assert_eq!(written("Stripe_Subscription_Status__c").len(), 40);
    assert_eq!(update.fields["Stripe_Current_MRR__c"], FieldValue::Null, "what cannot be told is not guessed");
}

#[test]
fn whether_it_is_mirrored_is_one_of_two_words() {
    for (text, expected) in [("off", Ok(Standings::Off)), ("mirrored", Ok(Standings::Mirrored)), ("on", Err(()))] {
        assert_eq!(Standings::parse(text).map_err(|_| ()), expected, "{text}");
    }
    for (standings, subscriptions, mirrors) in [
        (Standings::Mirrored, Subscriptions::ClosedWon, true),
        (Standings::Mirrored, Subscriptions::Off, false),
        (Standings::Off, Subscriptions::ContractActivated, false),
    ] {
        let settings = Settings { standings, ..settings(LineSource::CpqQuote, subscriptions) };
        assert_eq!(settings.mirrors_standings(), mirrors);
    }
}

/// Only of what has ended, where the deal names it and nobody was asked.
#[test]
fn whoever_answers_for_the_account_is_asked_when_it_has_ended() {
    let over = || Standing {
        is_over: true,
        status: "canceled".into(),
        cancellation: Some("too_expensive".into()),
        ..standing(BEGAN)
    };
    let mut owned = began();
    owned.set("Account.OwnerId", FieldValue::Text("005gK0000000001".into()));
    owned.set("Account.Owner.IsActive", FieldValue::Boolean(true));
    let naming =
        |deal: &Record, tasks: Vec<Record>| Naming { opportunities: vec![deal.clone()], contracts: vec![], tasks };
    let asked = over().asked(&naming(&owned, vec![]), &closed_won()).expect("it has ended");
    assert_eq!(asked.owner_id.as_deref(), Some("005gK0000000001"));
    assert_eq!(over().asked(&naming(&began(), vec![]), &closed_won()), Some(Asked { owner_id: None }));
    let off = Settings { cancellation_task: CancellationTask::Off, ..closed_won() };
    for (told, standing, naming, settings) in [
        ("it goes on", standing(BEGAN), naming(&owned, vec![]), closed_won()),
        ("somebody was asked", over(), naming(&owned, vec![record(&[("Id", "00T")])]), closed_won()),
        ("it is named by nobody", over(), naming(&record(&[("Id", BEGAN)]), vec![]), closed_won()),
        ("it is off", over(), naming(&owned, vec![]), off.clone()),
    ] {
        assert_eq!(standing.asked(&naming, &settings), None, "{told}");
    }
    let task = over().task(&asked, jiff::civil::date(2026, 11, 28));
    assert_eq!((task.object, task.id.as_str(), task.external_id), ("Task", "sub_1", Some("Stripe_Id__c")));
    assert_eq!(task.read_back().filter, [("Stripe_Id__c", Filter::Is("sub_1".into()))]);
    for (field, value) in [("WhatId", BEGAN), ("ActivityDate", "2026-11-28"), ("OwnerId", "005gK0000000001")] {
        assert_eq!(task.fields[field], text(value));
    }
    let FieldValue::Text(description) = &task.fields["Description"] else { panic!("a text") };
    assert!(description.contains("canceled") && description.contains("too_expensive"), "{description}");
    assert!(!over().task(&Asked { owner_id: None }, jiff::civil::date(2026, 11, 28)).fields.contains_key("OwnerId"));
    // Who answers is read where somebody may be asked.
    let reads = |standing: &Standing, settings: &Settings| {
        let queries = standing.queries(settings);
        let is_of_owner = queries[0].fields.contains(&"Account.CSM__c");
        (is_of_owner, queries.iter().any(|query| query.object == "Task"))
    };
    assert_eq!(reads(&over(), &closed_won()), (true, true));
    assert_eq!(reads(&over(), &off), (false, false));
    assert_eq!(reads(&standing(BEGAN), &closed_won()), (false, false));
}
