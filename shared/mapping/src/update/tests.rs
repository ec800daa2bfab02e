use domain::{AccountId, Currency, Money};

use super::*;

fn plan() -> Plan {
    Plan {
        opportunity_id: OpportunityId::parse("006000000000001AAA").expect("valid"),
        account_id: AccountId::parse("001000000000001AAA").expect("valid"),
        total: Money::from_minor_units(1000, Currency::parse("EUR").expect("valid")),
        days_until_due: 30,
        lines: vec![],
        approved: None,
        tax: None,
        collection: Default::default(),
        subscription: None,
        renews: None,
        contract_id: None,
        contract_is_in_another: false,
        canceled_on: None,
        by_rules: Vec::new(),
        bills_once: false,
    }
}

fn written(account_is_linked: bool) -> Vec<Update> {
    let customer_id = CustomerId::parse("cus_1").expect("valid");
    let invoice_id = InvoiceId::parse("in_1").expect("valid");
    invoice_written_back(
        &plan(),
        &customer_id,
        &invoice_id,
        InvoiceLinks { page: Some("https://invoice.example/1"), pdf: Some("https://invoice.example/1.pdf") },
        None,
        account_is_linked,
    )
}

#[test]
fn a_subscription_is_named_where_there_is_one() {
    let (customer_id, invoice_id) =
        (CustomerId::parse("cus_1").expect("valid"), InvoiceId::parse("in_1").expect("valid"));
    let subscription_id = SubscriptionId::parse("sub_1").expect("valid");
    let updates =
        invoice_written_back(&plan(), &customer_id, &invoice_id, InvoiceLinks::default(), Some(&subscription_id), true);
    assert_eq!(updates[0].fields.get(SUBSCRIPTION_ID), Some(&text("sub_1")));
    assert_eq!(written(true)[0].fields.get(SUBSCRIPTION_ID), None);
}

/// By the quarter, over a year.
fn recurring() -> Plan {
    let subscription = crate::Subscription {
        start: "2027-01-01".parse().expect("a day"),
        every: crate::Interval::Quarterly,
        periods: Some(4),
        stub: 0,
    };
    let total = Money::from_minor_units(1200, Currency::parse("EUR").expect("valid"));
    Plan { total, subscription: Some(subscription), ..plan() }
}

/// Of a deal whose subscription began, and of one that renewed it, each with its contract and the first of its account.
pub(crate) fn every_update() -> Vec<Update> {
    let (customer_id, invoice_id) =
        (CustomerId::parse("cus_1").expect("valid"), InvoiceId::parse("in_1").expect("valid"));
    let subscription_id = SubscriptionId::parse("sub_1").expect("valid");
    let plan = Plan { contract_id: domain::ContractId::parse("800000000000001AAA").ok(), ..recurring() };
    let links = InvoiceLinks::default();
    let begun = invoice_written_back(&plan, &customer_id, &invoice_id, links, Some(&subscription_id), false);
    [begun, renewal_written_back(&plan, &customer_id, &subscription_id, false)].concat()
}

#[test]
fn a_renewal_is_named_on_the_opportunity_that_renews() {
    let customer_id = CustomerId::parse("cus_1").expect("valid");
    let subscription_id = SubscriptionId::parse("sub_1").expect("valid");
    let written = |plan: &Plan, linked| renewal_written_back(plan, &customer_id, &subscription_id, linked);
    let [opportunity, account] = &written(&recurring(), false)[..] else { panic!("two records") };
    assert_eq!(
        opportunity.fields,
        BTreeMap::from([
            ("Stripe_Customer_Id__c", text("cus_1")),
            (RENEWAL_ID, text("sub_1")),
            (MRR, FieldValue::Number(0.into())),
            (NOTE_CODE, FieldValue::Null),
            (NOTE_MESSAGE, FieldValue::Null),
        ])
    );
    assert_eq!((account.object, account.id.as_str()), ("Account", "001000000000001AAA"));
    assert_eq!(written(&recurring(), true).len(), 1);
    assert!(!written(&plan(), true)[0].fields.contains_key(MRR));
}

/// Whether it is there is not looked for again: it was written with the opportunity, or neither was.
#[test]
fn a_contract_names_what_it_began_or_renewed() {
    let customer_id = CustomerId::parse("cus_1").expect("valid");
    let invoice_id = InvoiceId::parse("in_1").expect("valid");
    let subscription_id = SubscriptionId::parse("sub_1").expect("valid");
    let contract_id = domain::ContractId::parse("800000000000001AAA").ok();
    let plan = Plan { contract_id, ..recurring() };
    let links = InvoiceLinks::default();
    let begun = |subscription_id| invoice_written_back(&plan, &customer_id, &invoice_id, links, subscription_id, true);
    for (field, updates) in [
        (SUBSCRIPTION_ID, begun(Some(&subscription_id))),
        (RENEWAL_ID, renewal_written_back(&plan, &customer_id, &subscription_id, true)),
    ] {
        let [opportunity, contract] = <[Update; 2]>::try_from(updates).expect("two records");
        assert_eq!((contract.object, contract.id.as_str()), ("Contract", "800000000000001AAA"));
        let fields = BTreeMap::from([(field, text("sub_1")), (MRR, FieldValue::Number(0.into()))]);
        assert_eq!(contract.fields, fields);
        assert!(contract.holds_in(&Record::default()) && !opportunity.holds_in(&Record::default()));
        assert_eq!(contract.differences(&Record::default()).len(), 2, "what was written is read back");
    }
    assert_eq!(begun(None).len(), 1);
    let elsewhere = Plan { contract_is_in_another: true, ..plan.clone() };
    let updates = renewal_written_back(&elsewhere, &customer_id, &subscription_id, true);
    assert!(!updates[1].fields.contains_key(MRR), "an amount of another currency");
}

/// Where nothing is recurring the fields may not exist.
#[test]
fn a_subscriptions_fields_are_asked_for_where_there_are_subscriptions() {
    let id = OpportunityId::parse("006000000000001AAA").expect("valid");
    let settings = Settings::new(Currency::parse("EUR").expect("valid"));
    for (subscriptions, asked) in [(Subscriptions::Off, false), (Subscriptions::ClosedWon, true)] {
        let fields = billing_query(&id, &Settings { subscriptions, ..settings.clone() }).fields;
        assert_eq!([SUBSCRIPTION_ID, MRR].map(|field| fields.contains(&field)), [asked; 2], "{subscriptions:?}");
    }
}

fn record(fields: &[(&str, FieldValue)]) -> Record {
    let mut record = Record::default();
    fields.iter().for_each(|(path, value)| record.set(*path, value.clone()));
    record
}

fn fields_of(update: &Update) -> Vec<(&'static str, FieldValue)> {
    update.fields.iter().map(|(name, value)| (*name, value.clone())).collect()
}

#[test]
fn an_account_that_names_its_customer_is_not_written() {
    let objects = |linked| written(linked).iter().map(|update| (update.object, update.id.clone())).collect::<Vec<_>>();
    let (opportunity, account) = ("006000000000001AAA".to_owned(), "001000000000001AAA".to_owned());
    assert_eq!(objects(true), [("Opportunity", opportunity.clone())]);
    assert_eq!(objects(false), [("Opportunity", opportunity), ("Account", account)]);
    assert_eq!(written(false)[1].fields, BTreeMap::from([("Stripe_Customer_Id__c", text("cus_1"))]));
}

#[test]
fn what_salesforce_holds_is_compared_field_by_field() {
    let [update] = <[Update; 1]>::try_from(written(true)).expect("one");
    let kept = record(&fields_of(&update));
    assert_eq!(update.differences(&kept), [] as [&str; 0]);
    let mut other = kept.clone();
    other.set(INVOICE_ID, text("in_2"));
    other.set(NOTE_CODE, text("no_lines"));
    assert_eq!(update.differences(&other), [INVOICE_ID, NOTE_CODE]);
    assert_eq!(update.differences(&Record::default()).len(), 4, "emptied fields that are not there are empty");
    assert_eq!(update.read_back().fields, update.fields.keys().copied().collect::<Vec<_>>());
}

#[test]
fn an_empty_text_is_null_and_a_null_is_not_a_text() {
    let empty = no_note(&plan().opportunity_id);
    for value in [FieldValue::Null, text("")] {
        assert!(empty.differences(&record(&[(NOTE_CODE, value)])).is_empty());
    }
    for value in [text("x"), FieldValue::Boolean(false)] {
        assert_eq!(empty.differences(&record(&[(NOTE_CODE, value)])), [NOTE_CODE]);
    }
}

/// A reading of the opportunity shows the account's fields under its name.
#[test]
fn a_reading_through_the_opportunity_shows_the_account() {
    let [opportunity, account] = <[Update; 2]>::try_from(written(false)).expect("two");
    let mut seen = record(&fields_of(&opportunity));
    assert!(opportunity.holds_in(&seen));
    assert_eq!(account.missing_in(&seen), ["Stripe_Customer_Id__c"]);
    assert!(!account.holds_in(&seen));
    seen.set("Account.Stripe_Customer_Id__c", text("cus_1"));
    assert!(account.holds_in(&seen));
    seen.set("Stripe_Customer_Id__c", text("cus_2"));
    assert_eq!((opportunity.missing_in(&seen), account.holds_in(&seen)), (vec!["Stripe_Customer_Id__c"], true));
}

#[test]
fn a_note_is_as_long_as_its_field() {
    let stop = Stop::refused(crate::Code::NoLines, "ü".repeat(2001));
    let note = sync_note(&plan().opportunity_id, &stop);
    assert!(note.fields[NOTE_CODE] == text("no_lines") && note.fields[NOTE_MESSAGE] == text("ü".repeat(2000)));
}
