use domain::{Currency, FieldValue, QueueId};

use super::*;

fn failure(dues: Dues, attempts: u32) -> Failure {
    Failure {
        invoice_id: InvoiceId::parse("in_1").expect("valid"),
        opportunity_id: OpportunityId::parse("006000000000001AAA").expect("valid"),
        dues,
        remaining: Money::from_minor_units(120_000, Currency::parse("EUR").expect("valid")),
        attempts,
        next_attempt: "2026-12-03T10:00:00Z".parse().ok(),
        number: Some("F-0001".into()),
        page: Some("https://invoice.stripe.com/i/1".into()),
        reason: Some("expired_card: It has expired".into()),
        due_on: None,
        remark: None,
    }
}

pub(crate) fn record(fields: &[(&str, FieldValue)]) -> Record {
    let mut record = Record::default();
    fields.iter().for_each(|(path, value)| record.set(*path, value.clone()));
    record
}

pub(crate) fn flag(value: bool) -> FieldValue {
    FieldValue::Boolean(value)
}

/// The account's owner answers for it.
fn deal() -> Record {
    record(&[
        ("Id", text("006000000000001AAA")),
        ("AccountId", text("001000000000001AAA")),
        ("Account.OwnerId", text("005a")),
        ("Account.Owner.IsActive", flag(true)),
        ("OwnerId", text("005b")),
        ("Owner.IsActive", flag(true)),
    ])
}

fn case(description: &str, fields: &[(&str, FieldValue)]) -> Record {
    let mut case = record(&[
        ("Id", text("500a")),
        (IS_CLOSED, flag(false)),
        ("Description", text(description)),
        ("Priority", text(MEDIUM)),
        ("OwnerId", text("005a")),
        ("Owner.IsActive", flag(true)),
    ]);
    fields.iter().for_each(|(path, value)| case.set(*path, value.clone()));
    case
}

fn seen(case: Option<Record>, task: Option<Record>) -> CaseSeen {
    CaseSeen { opportunity: Some(deal()), case, task, unread: None }
}

/// Where no rule asks of anything.
fn care(policy: &CasePolicy, failure: &Failure) -> Care {
    policy.care(failure, &CaseSeen::default(), &Settings::new(failure.remaining.currency()))
}

fn dunning(failure: &Failure, seen: &CaseSeen, had: &Had) -> Dunning {
    failure.dunning(seen, had, false, &care(&CasePolicy::default(), failure))
}

#[test]
fn what_is_due_has_one_case_and_what_a_person_took_away_none() {
    let unpaid = failure(Dues::Open, 1);
    let opened =
        CaseStep::Open { account_id: Some("001000000000001AAA".into()), owner_id: Some("005a".into()), is_high: false };
    let had = Had { case: true, ..Had::default() };
    assert_eq!(dunning(&unpaid, &seen(None, None), &Had::default()).case, Some(opened));
    assert_eq!(dunning(&unpaid, &seen(None, None), &had), Dunning::default());
    assert_eq!(dunning(&unpaid, &CaseSeen::default(), &Had::default()), Dunning::default(), "nobody knows whose");
    for dues in [Dues::Settled, Dues::Unknown] {
        assert_eq!(dunning(&failure(dues, 1), &seen(None, None), &Had::default()), Dunning::default(), "{dues:?}");
    }
}

/// An unchanged case is not written, a closed one neither; its priority is raised once, and from no other than ours.
#[test]
fn a_case_is_changed_where_it_says_something_else() {
    let unpaid = failure(Dues::Open, 3);
    let told = unpaid.description();
    let raised = Had { case: true, raised: true, ..Had::default() };
    let not_yet = Had { raised: false, ..raised.clone() };
    for (description, fields, had, expected) in [
        (told.as_str(), vec![], &raised, None),
        (told.as_str(), vec![], &not_yet, Some(true)),
        (told.as_str(), vec![("Priority", text("Low"))], &not_yet, None),
        ("older", vec![], &raised, Some(false)),
        ("older", vec![("Priority", text("Critical"))], &not_yet, Some(false)),
        ("older", vec![(IS_CLOSED, flag(true))], &not_yet, None),
    ] {
        let step = dunning(&unpaid, &seen(Some(case(description, &fields)), None), had).case;
        let change = |raises| CaseStep::Change { case_id: "500a".into(), owner_id: None, raises };
        assert_eq!(step, expected.map(change), "{description} {fields:?} {had:?}");
    }
}

#[test]
fn a_case_is_given_on_only_by_who_has_left() {
    let unpaid = failure(Dues::Open, 1);
    let told = unpaid.description();
    let queue_id = QueueId::parse("00G000000000001EAA").ok();
    let policy = CasePolicy { queue_id, ..CasePolicy::default() };
    let gone = [("Account.Owner.IsActive", flag(false))];
    for (owner, is_active, deal_fields, expected) in [
        ("005c", Some(true), &[][..], None),
        ("005c", Some(false), &[][..], Some("005a")),
        ("005c", Some(false), &gone[..], Some("00G000000000001EAA")),
        // A queue is nobody who could have left, and what was not read says nothing.
        ("00G000000000001", Some(false), &[][..], None),
        ("005c", None, &[][..], None),
    ] {
        let active = is_active.map_or(FieldValue::Null, flag);
        let owned = case(&told, &[("OwnerId", text(owner)), ("Owner.IsActive", active)]);
        let mut seen = seen(Some(owned), None);
        let mut deal = deal();
        deal_fields.iter().for_each(|(path, value)| deal.set(*path, value.clone()));
        seen.opportunity = Some(deal);
        let step = unpaid.dunning(&seen, &Had::default(), false, &care(&policy, &unpaid)).case;
        let given = step.and_then(|step| match step {
            CaseStep::Change { owner_id, .. } => owner_id,
            _ => None,
        });
        let given = given.as_deref();
        assert_eq!(given, expected, "{owner} {is_active:?}");
    }
}

/// Of a queue's case it is whoever answers for the account.
#[test]
fn a_task_is_for_whoever_has_the_case() {
    let unpaid = failure(Dues::Open, 1);
    let told = unpaid.description();
    let task = record(&[("Id", text("00Ta")), (IS_CLOSED, flag(false))]);
    let asked = |case: Option<Record>, task: Option<Record>, had: &Had| {
        unpaid.dunning(&seen(case, task), had, true, &care(&CasePolicy::default(), &unpaid)).task
    };
    let made = |about: &str, owner: &str| Some(TaskStep::Make { about: about.into(), owner_id: Some(owner.into()) });
    let owned = |owner: &str, is_active| case(&told, &[("OwnerId", text(owner)), ("Owner.IsActive", flag(is_active))]);
    let had = Had { case: true, ..Had::default() };
    assert_eq!(asked(Some(owned("005c", true)), None, &had), made("500a", "005c"));
    assert_eq!(asked(Some(owned("005c", false)), None, &had), made("500a", "005a"));
    assert_eq!(asked(Some(owned("00Ga", false)), None, &had), made("500a", "005a"));
    assert_eq!(asked(None, None, &had), made("006000000000001AAA", "005a"), "the case was taken away");
    assert_eq!(asked(Some(owned("005c", true)), Some(task.clone()), &had), None);
    assert_eq!(asked(None, None, &Had { task: true, ..had.clone() }), None);
    // Closed with the case, when nothing is due.
    let closed = dunning(&failure(Dues::Settled, 1), &seen(Some(owned("005c", true)), Some(task)), &had);
    let expected = Dunning {
        case: Some(CaseStep::Close { case_id: "500a".into(), status: "Closed".into() }),
        task: Some(TaskStep::Close { task_id: "00Ta".into() }),
        else_to: None,
    };
    assert_eq!(closed, expected);
    assert_eq!(closed.done(had), Had { case: true, task: true, ..Had::default() });
}

/// What comes late, from a process that stood still, changes nothing that is closed.
#[test]
fn what_is_there_is_written_only_while_it_is_open() {
    let unpaid = failure(Dues::Open, 3);
    let day = jiff::civil::date(2026, 12, 1);
    let change = CaseStep::Change { case_id: "500a".into(), owner_id: Some("005a".into()), raises: true };
    let close = CaseStep::Close { case_id: "500a".into(), status: "Done".into() };
    for (case, task, names) in [
        (Some(change), None, vec!["Description", "OwnerId", "Priority"]),
        (Some(close), Some(TaskStep::Close { task_id: "00Ta".into() }), vec!["Status"]),
    ] {
        for update in unpaid.updates(&Dunning { case, task, else_to: None }, day) {
            assert_eq!(update.only_where, vec![(IS_CLOSED, Filter::IsFalse)]);
            assert_eq!(update.fields.keys().copied().collect::<Vec<_>>(), names);
        }
    }
    let opened = CaseStep::Open { account_id: None, owner_id: None, is_high: true };
    let made = TaskStep::Make { about: "500a".into(), owner_id: None };
    let updates = unpaid.updates(&Dunning { case: Some(opened), task: Some(made), else_to: None }, day);
    assert_eq!((updates[0].external_id, updates[0].id.as_str()), (Some(INVOICE_ID), "in_1"));
    assert!(updates[0].fields["Priority"] == text(HIGH) && updates[0].only_where.is_empty());
    assert_eq!((updates[1].external_id, updates[1].id.as_str()), (Some(STRIPE_ID), "in_1"));
    assert!(updates[1].fields["ActivityDate"] == text("2026-12-01") && updates[1].fields["WhatId"] == text("500a"));
}

#[test]
fn a_case_says_what_there_is_to_know_in_one_line() {
    let whole = failure(Dues::Open, 2).description();
    assert_eq!(
        whole,
        "Stripe could not collect 1200.00 EUR for invoice F-0001 (in_1). It bills opportunity 006000000000001AAA. Attempts of Stripe's \
         own so far: 2. The next is on 2026-12-03 (UTC). Why it failed: expired_card: It has expired. The customer can pay here: \
         https://invoice.stripe.com/i/1"
    );
    let bare =
        Failure { next_attempt: None, number: None, page: None, reason: Some("@{x}".into()), ..failure(Dues::Open, 0) };
    assert_eq!(
        bare.description(),
        "Stripe could not collect 1200.00 EUR for invoice (in_1). It bills opportunity 006000000000001AAA. Stripe does not try again by \
         itself. Why it failed: @ {x}."
    );
    let day = Some(jiff::civil::date(2026, 11, 30));
    let overdue = Failure { reason: None, next_attempt: None, page: None, due_on: day, ..failure(Dues::Open, 0) };
    assert_eq!(
        overdue.description(),
        "Invoice F-0001 (in_1) was due on 2026-11-30, and 1200.00 EUR of it is not paid. It bills opportunity 006000000000001AAA."
    );
    let subject = |failure: &Failure| failure.subject();
    assert_eq!(subject(&overdue), "Stripe invoice F-0001 is overdue");
    assert_eq!(subject(&Failure { attempts: 1, ..overdue }), "Stripe could not collect invoice F-0001");
    let given_up = failure(Dues::GivenUp, 1).description();
    assert!(
        given_up
            .starts_with("Invoice F-0001 (in_1) is marked uncollectible at Stripe: 1200.00 EUR of it was never paid.")
    );
    assert!(!given_up.contains("The next is on"), "{given_up}");
    assert!(!format!("{:?}", failure(Dues::Open, 1)).contains("invoice.stripe.com"));
}

/// Whom Salesforce does not take as the owner is passed over for the queue, once.
#[test]
fn a_case_that_its_owner_may_not_have_is_the_queues() {
    let mut settings = Settings::new(Currency::parse("EUR").expect("valid"));
    let opened = |owner_id: Option<&str>| Dunning {
        case: Some(CaseStep::Open { account_id: None, owner_id: owner_id.map(str::to_owned), is_high: false }),
        ..Dunning::default()
    };
    assert_eq!(opened(Some("005a")).given_on(&settings), None, "there is none");
    let queue_id = QueueId::parse("00G000000000001EAA").ok();
    settings.payment_cases = Some(CasePolicy { queue_id, ..CasePolicy::default() });
    let given = opened(Some("005a")).given_on(&settings).expect("there is one");
    assert_eq!(given, opened(Some("00G000000000001EAA")));
    assert_eq!(given.given_on(&settings), None, "it was tried");
    assert_eq!(opened(None).given_on(&settings), None);
    let close = Dunning {
        case: Some(CaseStep::Close { case_id: "500a".into(), status: "Closed".into() }),
        ..Dunning::default()
    };
    assert_eq!((close.given_on(&settings), Dunning::default().given_on(&settings)), (None, None));
}

/// The same page may have another address each time that it is asked for.
#[test]
fn another_address_of_the_page_is_nothing_new() {
    let unpaid = failure(Dues::Open, 1);
    let elsewhere = Failure { page: Some("https://invoice.stripe.com/i/2".into()), ..unpaid.clone() };
    let told = |failure: &Failure| seen(Some(case(&failure.description(), &[])), None);
    let had = Had { case: true, ..Had::default() };
    assert_eq!(dunning(&unpaid, &told(&elsewhere), &had), Dunning::default());
    assert_ne!(dunning(&failure(Dues::Open, 2), &told(&elsewhere), &had), Dunning::default());
}
