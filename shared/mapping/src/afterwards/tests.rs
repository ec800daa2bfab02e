use domain::{Currency, FieldValue, InvoiceId, Money, OpportunityId};
use jiff::Timestamp;
use rules::{FAILED_INVOICE, PAID_INVOICE, Schema, Scope, Type};
use rust_decimal::Decimal;

use super::*;
use crate::case::tests::{flag, record};
use crate::notification::{Notifications, Tidings};
use crate::rule::Branch;
use crate::update::text;
use crate::{
    Amounts, CasePolicy, CaseSeen, CaseStep, Dues, Dunning, Failure, Had, Received, Seen, Settings, names_asking,
    paid_query,
};

fn compile(source: &str, of_invoice: &str, wanted: &Type) -> Expression {
    let schema = Schema::standard();
    let scope = Scope::new(&schema).record(OPPORTUNITY, "Opportunity").record_below(ACCOUNT, "Account", "Account.");
    let scope = scope.record(INVOICE, of_invoice).value(ABOUT, Type::Text);
    Expression::compile(source, &scope, wanted).unwrap_or_else(|problems| panic!("{source}: {problems:?}"))
}

fn rule_of<D>(of_invoice: &str, name: &str, when: &str, then: D) -> Rule<D> {
    let then = Branch { decisions: vec![then], rules: vec![] };
    Rule { name: name.into(), when: compile(when, of_invoice, &Type::Boolean), then, otherwise: Branch::default() }
}

fn of_case(name: &str, when: &str, then: CaseDecision) -> Rule<CaseDecision> {
    rule_of(FAILED_INVOICE, name, when, then)
}

/// The account's owner answers for it.
fn deal() -> Record {
    record(&[
        ("Id", text("006000000000001AAA")),
        ("AccountId", text("001000000000001AAA")),
        ("Account.OwnerId", text("005a")),
        ("Account.Owner.IsActive", flag(true)),
        ("Account.Type", text("Partner")),
        ("Amount", FieldValue::Number(Decimal::from(900))),
        ("StageName", text("Closed Won")),
        ("NextStep", FieldValue::Null),
    ])
}

fn euros(minor_units: i64) -> Money {
    Money::from_minor_units(minor_units, Currency::parse("EUR").expect("a currency"))
}

fn failure() -> Failure {
    Failure {
        invoice_id: InvoiceId::parse("in_1").expect("valid"),
        opportunity_id: OpportunityId::parse("006000000000001AAA").expect("valid"),
        dues: Dues::Open,
        remaining: euros(120_050),
        attempts: 1,
        next_attempt: None,
        number: None,
        page: None,
        reason: Some("expired_card: It has expired".into()),
        due_on: Some(jiff::civil::date(2026, 11, 1)),
        remark: None,
    }
}

fn queue(last: char) -> QueueId {
    QueueId::parse(&format!("00G00000000000{last}")).expect("valid")
}

fn care(rules: Vec<Rule<CaseDecision>>) -> crate::Care {
    let seen = CaseSeen { opportunity: Some(deal()), ..CaseSeen::default() };
    CasePolicy { rules, ..CasePolicy::default() }.care(&failure(), &seen, &Settings::new(euros(0).currency()))
}

fn dunning(rules: Vec<Rule<CaseDecision>>) -> Dunning {
    let seen = CaseSeen { opportunity: Some(deal()), ..CaseSeen::default() };
    failure().dunning(&seen, &Had::default(), true, &care(rules))
}

/// In Stripe's names, and amounts as Salesforce has them.
#[test]
fn each_field_of_a_failed_invoice_can_be_asked_of() {
    for (when, holds) in [
        ("invoice.amount_remaining == 1200.5", true),
        ("invoice.attempt_count == 1", true),
        ("invoice.status == \"open\"", true),
        ("invoice.failure_code == \"expired_card\"", true),
        ("invoice.due_date < date(\"2026-11-02\")", true),
        ("invoice.due_date < date(\"2026-11-01\")", false),
        ("account.Type == \"Partner\" && opportunity.Amount < 1000", true),
    ] {
        let found = care(vec![of_case("Some", when, CaseDecision::HighFromAttempt(1))]);
        assert_eq!((found.ruled.by.len(), found.remark), (usize::from(holds), None), "{when}");
    }
    let overdue = Failure { reason: None, attempts: 0, ..failure() };
    let seen = CaseSeen { opportunity: Some(deal()), ..CaseSeen::default() };
    let rules = vec![of_case("Some", "has(invoice.failure_code)", CaseDecision::HighFromAttempt(1))];
    let found =
        CasePolicy { rules, ..CasePolicy::default() }.care(&overdue, &seen, &Settings::new(euros(0).currency()));
    assert_eq!(found.ruled.by, Vec::<String>::new(), "nobody was charged");
}

#[test]
fn a_case_is_as_the_last_rule_says() {
    let partners = "account.Type == \"Partner\"";
    let opened = |rules| match dunning(rules).case {
        Some(CaseStep::Open { owner_id, is_high, .. }) => (owner_id, is_high),
        other => panic!("{other:?}"),
    };
    assert_eq!(opened(vec![]), (Some("005a".into()), false));
    let rules = vec![
        of_case("Partners", partners, CaseDecision::Queue(queue('1'))),
        of_case("Large", "invoice.amount_remaining > 1000", CaseDecision::Queue(queue('2'))),
        of_case("Expired", "invoice.failure_code == \"expired_card\"", CaseDecision::HighFromAttempt(1)),
        of_case("Small", "invoice.amount_remaining < 1000", CaseDecision::Queue(queue('3'))),
    ];
    assert_eq!(opened(rules.clone()), (Some(queue('2').to_string()), true));
    assert_eq!(care(rules).ruled.by, ["Partners", "Large", "Expired"]);
}

/// Neither a case nor a task, and whatever comes after it is not asked.
#[test]
fn what_is_skipped_is_nobodys_task() {
    let skip = of_case("Key", "has(account.Type)", CaseDecision::Skip("Their manager calls".into()));
    let later = of_case("Later", "has(account.Type)", CaseDecision::Queue(queue('1')));
    assert!(dunning(vec![later.clone()]).task.is_some());
    let found = care(vec![skip.clone(), later]);
    assert_eq!((found.ruled.by, found.ruled.skipped.as_deref()), (vec!["Key".into()], Some("Their manager calls")));
    assert!(dunning(vec![skip.clone()]).is_none());
    // What is open is closed when nothing is due any more.
    let case = record(&[("Id", text("500a")), (crate::IS_CLOSED, flag(false))]);
    let seen = CaseSeen { opportunity: Some(deal()), case: Some(case), ..CaseSeen::default() };
    let settled = Failure { dues: Dues::Settled, ..failure() };
    assert!(matches!(
        settled.dunning(&seen, &Had::default(), false, &care(vec![skip])).case,
        Some(CaseStep::Close { .. })
    ));
}

/// A rule that comes to hold with a later attempt moves the case, from whom it was given to and from nobody else.
#[test]
fn a_case_is_moved_to_a_rules_queue_once() {
    let rules = || vec![of_case("Large", "has(account.Type)", CaseDecision::Queue(queue('1')))];
    let moved = |owner: &str, had: Option<&str>| {
        let case = record(&[
            ("Id", text("500a")),
            (crate::IS_CLOSED, flag(false)),
            ("Description", text(failure().description())),
            ("OwnerId", text(owner)),
            ("Owner.IsActive", flag(true)),
        ]);
        let seen = CaseSeen { opportunity: Some(deal()), case: Some(case), ..CaseSeen::default() };
        let had = Had { case: true, owner_id: had.map(str::to_owned), ..Had::default() };
        failure().dunning(&seen, &had, false, &care(rules()))
    };
    let given = moved("005a", Some("005a"));
    let queue = queue('1').to_string();
    assert!(matches!(&given.case, Some(CaseStep::Change { owner_id: Some(to), .. }) if *to == queue), "{given:?}");
    assert_eq!(given.done(Had::default()).owner_id, Some(queue.clone()));
    for (owner, had) in [("005a", None), ("005b", Some("005a")), (queue.as_str(), Some(queue.as_str()))] {
        assert_eq!(moved(owner, had).case, None, "{owner} {had:?}");
    }
    // Salesforce does not take it: it stays where it is.
    let settings = Settings::new(euros(0).currency());
    let refused = given.given_on(&settings).expect("somebody has it");
    assert!(matches!(&refused.case, Some(CaseStep::Change { owner_id: Some(to), .. }) if to == "005a"), "{refused:?}");
    assert_eq!(refused.given_on(&settings), None);
}

/// Nobody is without a case for a queue that may have none.
#[test]
fn a_rules_queue_that_is_refused_leaves_the_case_to_whoever_has_it_without_the_rule() {
    let opened = |dunning: &Dunning| match &dunning.case {
        Some(CaseStep::Open { owner_id, .. }) => owner_id.clone().expect("somebody"),
        other => panic!("{other:?}"),
    };
    let first = dunning(vec![of_case("Large", "has(account.Type)", CaseDecision::Queue(queue('1')))]);
    let mut settings = Settings::new(euros(0).currency());
    let second = first.given_on(&settings).expect("the account's owner");
    assert_eq!((opened(&first), opened(&second)), (queue('1').to_string(), "005a".into()));
    assert_eq!(second.given_on(&settings), None);
    settings.payment_cases = Some(CasePolicy { queue_id: Some(queue('2')), ..CasePolicy::default() });
    let third = second.given_on(&settings).expect("the queue");
    assert_eq!((opened(&third), third.given_on(&settings)), (queue('2').to_string(), None));
    assert_eq!(dunning(vec![]).else_to, None);
}

/// Salesforce did not let it be read, and what is read without it is enough for everything else.
#[test]
fn what_cannot_be_read_is_undecided() {
    let why = "What rules ask of cannot be read: No such column (INVALID_FIELD).";
    let seen = CaseSeen { opportunity: Some(deal()), unread: Some(why.into()), ..CaseSeen::default() };
    let rules = vec![of_case("Key", "has(account.Type)", CaseDecision::Skip("No".into()))];
    let settings = Settings::new(euros(0).currency());
    let found = CasePolicy { rules, ..CasePolicy::default() }.care(&failure(), &seen, &settings);
    assert_eq!((found.ruled.skipped, found.remark.as_deref()), (None, Some(why)));
    let paid_rules = vec![rule_of(PAID_INVOICE, "Some", "has(account.Type)", PaidDecision::Stage("A".into()))];
    let settings = Settings { paid_rules, paid_stage: Some("Paid".into()), ..settings };
    let ruled = paid().ruled(&deal(), Some(why), &settings);
    assert_eq!((ruled.stage, ruled.undecided.as_deref()), (None, Some(why)));
    // Where nothing is moved, nobody has to decide.
    for elsewhere in [record(&[("StageName", text("Onboarding"))]), Record::default()] {
        assert_eq!(paid().ruled(&elsewhere, Some(why), &settings).undecided, None);
    }
    let without = Settings { paid_rules: vec![], ..settings };
    let before = Received { undecided: Some(why.into()), stage: Some("A".into()), ..paid() };
    assert_eq!(before.ruled(&deal(), None, &without), paid(), "rules that are gone decide nothing");
}

#[test]
fn follow_ups_are_as_the_rules_say_of_it() {
    let settings = Settings::new(Currency::parse("EUR").expect("a currency"));
    let follow_up = |care: crate::Care| settings.follow_up_after(&care.ruled, care.follow_up_hours);
    let hours = |rules| follow_up(care(rules)).map(|after| after.as_hours());
    let rule = |hours| vec![of_case("Some", "has(account.Type)", CaseDecision::FollowUpHours(hours))];
    assert_eq!((hours(vec![]), hours(rule(4)), hours(rule(0))), (Some(48), Some(4), None));
}

/// The case is opened all the same, and says so.
#[test]
fn what_cannot_be_decided_decides_nothing_and_is_told() {
    let rules = vec![
        of_case("Next", "opportunity.NextStep == \"Call\"", CaseDecision::Skip("Somebody calls".into())),
        of_case("Long", "size(opportunity.NextStep) > 3", CaseDecision::Skip("Somebody calls".into())),
        of_case("Partners", "account.Type == \"Partner\"", CaseDecision::Queue(queue('1'))),
    ];
    let found = care(rules.clone());
    assert_eq!(found.ruled.by, ["Partners"]);
    let remark = found.remark.expect("it is told");
    assert!(remark.contains("rule \"Long\"") && remark.contains("NextStep"), "{remark}");
    let told = Failure { remark: Some(remark.clone()), ..failure() }.description();
    assert!(told.contains(&remark), "{told}");
    assert!(matches!(dunning(rules).case, Some(CaseStep::Open { .. })));
}

/// Whichever rules are there: what they ask of is read, once, and nothing else is.
#[test]
fn what_rules_ask_of_is_read() {
    let mut settings = Settings::new(Currency::parse("EUR").expect("a currency"));
    let nothing = (failure().asking(&settings), paid_query(&failure().opportunity_id, &settings));
    assert!(nothing.0.iter().chain([&nothing.1]).all(|query| query.also.is_empty()));
    let when = "account.Type == \"Partner\" && opportunity.Owner.Email != \"a@b.c\" && account.OwnerId != \"005\"";
    let rules = vec![of_case("Some", when, CaseDecision::HighFromAttempt(1))];
    settings.payment_cases = Some(CasePolicy { rules, ..CasePolicy::default() });
    let queries = failure().asking(&settings);
    assert_eq!(queries[0].also, ["Account.Type", "Owner.Email"], "the account's owner is read anyway");
    assert!(queries[1..].iter().all(|query| query.also.is_empty()));
    settings.paid_rules = vec![rule_of(PAID_INVOICE, "Some", when, PaidDecision::Stage("Paid".into()))];
    assert_eq!(
        paid_query(&failure().opportunity_id, &settings).also,
        ["Account.OwnerId", "Account.Type", "Owner.Email"]
    );
    let mut policy = Notifications::of_everything(vec![Channel::Slack], "https://acme.my.salesforce.com", true);
    policy.rules = vec![rule_of(FAILED_INVOICE, "Some", when, TellDecision::Skip("No news".into()))];
    settings.notifications = Some(policy);
    assert_eq!(
        names_asking(&failure().opportunity_id, &settings).also,
        ["Account.OwnerId", "Account.Type", "Owner.Email"]
    );
}

/// A field that the organization keeps elsewhere is asked of there.
#[test]
fn what_is_mapped_is_asked_of_as_it_is_mapped() {
    let by = |source| compile(source, FAILED_INVOICE, &Type::Number);
    let seen = |source| Seen { field: "Amount", key: "deal.amount".into(), by: by(source) };
    let mut settings = Settings::new(Currency::parse("EUR").expect("a currency"));
    settings.lens.deal = vec![seen("opportunity.Net__c * 2")];
    settings.paid_rules =
        vec![rule_of(PAID_INVOICE, "Large", "opportunity.Amount > 1000", PaidDecision::Stage("A".into()))];
    assert_eq!(paid_query(&failure().opportunity_id, &settings).also, ["Net__c"]);
    let stage = |net| {
        paid().ruled(
            &record(&[("StageName", text("Closed Won")), ("Amount", text("no number")), ("Net__c", net)]),
            None,
            &settings,
        )
    };
    assert_eq!(stage(FieldValue::Number(Decimal::from(501))).stage.as_deref(), Some("A"));
    assert_eq!(stage(FieldValue::Number(Decimal::from(500))).stage, None);
    let undecided = stage(FieldValue::Null);
    assert!(undecided.undecided.as_deref().is_some_and(|why| why.contains("deal.amount")), "{undecided:?}");
}

fn paid() -> Received {
    Received {
        invoice_id: failure().invoice_id,
        opportunity_id: failure().opportunity_id,
        paid_at: Some(Timestamp::UNIX_EPOCH),
        amounts: Some(Amounts { paid: euros(100_000), remaining: euros(0) }),
        stage: Some("Paid".into()),
        won_stages: vec![crate::WON.to_owned()],
        shows_status: false,
        customer_id: None,
        is_found: false,
        ruled: Default::default(),
        undecided: None,
    }
}

#[test]
fn the_stage_is_the_last_rules_and_what_is_paid_in_part_moves_nothing() {
    let of = |name: &str, when: &str, then| rule_of(PAID_INVOICE, name, when, then);
    let mut settings = Settings { paid_stage: Some("Paid".into()), ..Settings::new(euros(0).currency()) };
    assert_eq!(paid().ruled(&deal(), None, &settings), paid(), "without rules nothing is asked");
    settings.paid_rules = vec![
        of("Partners", "account.Type == \"Partner\"", PaidDecision::Stage("Partner Paid".into())),
        of("Large", "invoice.amount_paid >= 1000", PaidDecision::Stage("Onboarding".into())),
        of("Small", "invoice.amount_paid < 10", PaidDecision::Skip("They stay".into())),
    ];
    let ruled = paid().ruled(&deal(), None, &settings);
    assert_eq!((ruled.stage.as_deref(), ruled.ruled.by), (Some("Onboarding"), vec!["Partners".into(), "Large".into()]));
    let stages: Vec<_> = settings.paid_stages().map(String::as_str).collect();
    assert_eq!(stages, ["Paid", "Partner Paid", "Onboarding"]);
    let part = Received { paid_at: None, stage: None, ..paid() };
    assert_eq!(part.clone().ruled(&deal(), None, &settings), part);
    let other = record(&[("StageName", text("Closed Won")), ("Account.Type", FieldValue::Null)]);
    settings.paid_rules.truncate(1);
    assert_eq!(paid().ruled(&other, None, &settings).stage.as_deref(), Some("Paid"), "the key's");
    settings.paid_rules = vec![of("Long", "size(account.Type) > 1", PaidDecision::Stage("Long".into()))];
    let undecided = paid().ruled(&other, None, &settings);
    assert!(undecided.stage.is_none() && undecided.undecided.is_some());
}

#[test]
fn people_are_told_where_the_last_rule_says() {
    let mut policy =
        Notifications::of_everything(vec![Channel::Slack, Channel::Email], "https://acme.my.salesforce.com", true);
    let of = |name: &str, when: &str, then| rule_of(FAILED_INVOICE, name, when, then);
    policy.rules = vec![
        of(
            "Small wins",
            "about == \"wins\" && opportunity.Amount < 1000",
            TellDecision::Channels(vec![Channel::Email]),
        ),
        of("Failures", "about == \"failures\"", TellDecision::Skip("The queue is told".into())),
        of("Empty", "size(opportunity.NextStep) > 1", TellDecision::Skip("Never".into())),
    ];
    let won = Tidings::Won {
        opportunity_id: failure().opportunity_id,
        total: None,
        billed: None,
        invoice_id: None,
        subscription_id: None,
    };
    let unpaid = Tidings::unpaid(failure());
    let (deal, lens) = (deal(), Lens::default());
    let of = |opportunity| Asking { opportunity, unread: None, lens: &lens };
    for (tidings, channel, deal, is_told, by) in [
        (&won, Channel::Email, Some(&deal), true, vec!["Small wins"]),
        (&won, Channel::Slack, Some(&deal), false, vec!["Small wins"]),
        (&unpaid, Channel::Slack, Some(&deal), false, vec!["Failures"]),
        // Nobody could read it, so nobody is kept from hearing of it.
        (&unpaid, Channel::Slack, None, true, vec![]),
    ] {
        let hearing = tidings.hearing(channel, deal.map(of), &policy);
        assert_eq!(
            (hearing.is_told, hearing.ruled.by),
            (is_told, by.into_iter().map(str::to_owned).collect()),
            "{tidings:?}"
        );
    }
    let remark = won.hearing(Channel::Email, Some(of(&deal)), &policy).remark;
    assert!(remark.is_some_and(|why| why.contains("rule \"Empty\"")));
}
