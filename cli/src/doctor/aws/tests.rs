use super::*;
use crate::doctor::finding::Verdict::{self, Failing, Ok as Well, Warning};

fn check(finding: &Finding, verdict: Verdict, text: &str) {
    assert!(finding.verdict == verdict && finding.text.contains(text), "{finding:?}");
    assert_eq!(finding.remedy.is_some(), matches!(verdict, Failing | Warning), "{finding:?}");
}

fn of_template() -> QueueFacts {
    QueueFacts {
        visibility_s: 360,
        retention_s: RETENTION_S,
        arn: "arn:work".into(),
        redrive: Some(("arn:letters".into(), RECEIVES)),
        messages: 2,
    }
}

fn letter_queue(messages: u64) -> QueueFacts {
    QueueFacts { arn: "arn:letters".into(), retention_s: LETTER_RETENTION_S, redrive: None, messages, ..of_template() }
}

#[test]
fn a_queue_is_as_the_template_makes_it() {
    let redrive = |target: &str, receives| Some((target.to_owned(), receives));
    for (facts, timeout_s, verdict, text) in [
        (of_template(), Some(60), Well, "2 messages wait"),
        (of_template(), None, Well, "--function"),
        (of_template(), Some(120), Warning, "less than 6 times the worker's 120"),
        (of_template(), Some(400), Failing, "two would work on it"),
        (QueueFacts { redrive: None, ..of_template() }, Some(60), Failing, "no dead-letter queue"),
        (QueueFacts { redrive: redrive("arn:other", 16), ..of_template() }, Some(60), Failing, "arn:other"),
        (QueueFacts { redrive: redrive("arn:letters", 15), ..of_template() }, Some(60), Warning, "tried 15 times"),
        (QueueFacts { retention_s: 3600, ..of_template() }, Some(60), Warning, "kept for 1 hours"),
    ] {
        check(&queue("aws.work_queue", &Ok(facts), &Ok(letter_queue(0)), timeout_s), verdict, text);
    }
    check(&queue("aws.work_queue", &Err("not there".into()), &Ok(letter_queue(0)), None), Failing, "not there");
}

#[test]
fn letters_are_counted_and_kept_as_long_as_there_is() {
    check(&letters(&Ok(letter_queue(0))), Well, "no letter");
    check(&letters(&Ok(letter_queue(3))), Warning, "there: 3");
    check(&letters(&Ok(QueueFacts { retention_s: 345_600, ..letter_queue(0) })), Warning, "for 4 days");
}

#[test]
fn a_table_has_its_keys_its_index_and_its_expiry() {
    let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
    let index = |status: &str, projection: &str| {
        Some((pair("open", "next_check_at"), status.to_owned(), projection.to_owned()))
    };
    let whole = || TableFacts {
        status: "ACTIVE".into(),
        keys: pair("pk", "sk"),
        open_runs: index("ACTIVE", "ALL"),
        expires_by: Some(EXPIRES_BY.into()),
    };
    for (facts, verdict, text) in [
        (whole(), Well, "active"),
        (TableFacts { status: "UPDATING".into(), ..whole() }, Failing, "UPDATING"),
        (TableFacts { keys: pair("pk", ""), ..whole() }, Failing, "not pk and sk"),
        (TableFacts { open_runs: None, ..whole() }, Failing, "no index open-runs"),
        (TableFacts { open_runs: index("ACTIVE", "KEYS_ONLY"), ..whole() }, Failing, "with all attributes"),
        (TableFacts { open_runs: index("CREATING", "ALL"), ..whole() }, Failing, "open-runs is CREATING"),
        (TableFacts { expires_by: None, ..whole() }, Warning, "kept for ever"),
        (TableFacts { expires_by: Some("ttl".into()), ..whole() }, Warning, "kept for ever"),
    ] {
        check(&table(&Ok(facts)), verdict, text);
    }
}

#[test]
fn what_is_compared_with_is_what_the_template_says() {
    let template = include_str!("../../../../template.yaml");
    for said in [
        format!("maxReceiveCount: {RECEIVES} "),
        format!("MessageRetentionPeriod: {RETENTION_S} "),
        format!("MessageRetentionPeriod: {LETTER_RETENTION_S} "),
        format!("TimeToLiveSpecification: {{ AttributeName: {EXPIRES_BY}, Enabled: true }}"),
        format!("\"60\": {{ Seconds: {} }}", 60 * VISIBILITY_TIMES),
        format!("IndexName: {}", ledger::OPEN_RUNS),
    ] {
        assert!(template.contains(&said), "{said}");
    }
}
