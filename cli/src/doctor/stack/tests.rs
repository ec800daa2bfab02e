use super::*;
use crate::doctor::finding::Verdict::{self, Failing, NotChecked, Ok as Well, Warning};

fn check(finding: &Finding, verdict: Verdict, text: &str) {
    assert!(finding.verdict == verdict && finding.text.contains(text), "{finding:?}");
    assert_eq!(finding.remedy.is_some(), matches!(verdict, Failing | Warning), "{finding:?}");
}

/// The variables that the template gives a function.
fn variables(logical_id: &str) -> Vec<&'static str> {
    let template = include_str!("../../../../template.yaml");
    let resource = template.split_once(&format!("\n  {logical_id}:\n")).expect("in the template").1;
    let variables = resource.split_once("        Variables:\n").expect("variables").1;
    let lines = variables.lines().map_while(|line| line.strip_prefix("          ")?.split_once(':'));
    lines.map(|(name, _)| name).collect()
}

fn of_template() -> Stack {
    let function = |id: &'static str| {
        let variables = variables(id).into_iter().map(|name| (name.to_owned(), format!("the {name}"))).collect();
        let (state, last_update) = ("Active".to_owned(), "Successful".to_owned());
        (
            id,
            Function {
                name: format!("acme-{id}-1A"),
                state,
                last_update,
                timeout_s: 60,
                variables,
                ..Function::default()
            },
        )
    };
    Stack { name: "acme".into(), functions: FUNCTIONS.map(function).into() }
}

fn changed(id: &str, change: impl FnOnce(&mut Function)) -> Stack {
    let mut stack = of_template();
    change(stack.functions.get_mut(id).expect("there"));
    stack
}

#[test]
fn what_is_compared_with_is_what_the_template_says() {
    let template = include_str!("../../../../template.yaml");
    let functions: Vec<_> = template.split("\n    Type: AWS::Serverless::Function\n").map(last_line).collect();
    let (_, functions) = functions.split_last().expect("the end");
    assert_eq!(functions, FUNCTIONS);
    assert_eq!(variables(WORKER), SHARED);
    assert_eq!(variables(RECONCILER), SHARED);
    for (id, name) in [
        (STRIPE_DOOR, "STRIPE_WEBHOOK_SECRET_ARN"),
        (SALESFORCE_DOOR, "SALESFORCE_WEBHOOK_SECRET_ARN"),
        (SALESFORCE_DOOR, "SALESFORCE_INTEGRATION_USER_ID"),
    ] {
        assert!(variables(id).contains(&name), "{name} of {id}");
    }
    assert_eq!(template.matches("BatchSize: 1").count(), 2);
    assert_eq!(template.matches("FunctionResponseTypes: [ReportBatchItemFailures]").count(), 2);
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default().trim().trim_end_matches(':')
}

#[test]
fn a_name_of_cloudformation_says_whose_it_is() {
    for (stack, name, expected) in [
        ("acme", "acme-RetryWorkerFunction-1A2B3C", Some("RetryWorkerFunction")),
        ("acme-test", "acme-test-RetryWorkerFunction-1A2B3C", Some("RetryWorkerFunction")),
        ("acme", "acme-test-RetryWorkerFunction-1A2B3C", None),
        ("acme", "acme-RetryWorkerFunction", None),
        ("acme", "acme-RetryWorkerFunction-", None),
        ("acme", "other-RetryWorkerFunction-1A2B3C", None),
        ("acme", "acmes-RetryWorkerFunction-1A2B3C", None),
    ] {
        assert_eq!(logical_id(stack, name), expected, "{name} of {stack}");
    }
}

#[test]
fn functions_are_all_there_and_can_be_called() {
    let is = |state: &'static str, last_update: &'static str| {
        changed(WORKER, |worker| {
            worker.state = state.into();
            worker.last_update = last_update.into();
            worker.reason = Some("no such image".into());
        })
    };
    let mut without = of_template();
    without.functions.remove(RECONCILER);
    for (stack, verdict, text) in [
        (of_template(), Well, "all four"),
        (without, Failing, "the stack acme has no ReconcilerFunction"),
        (
            is("Failed", "Successful"),
            Failing,
            "RetryWorkerFunction is Failed, its last update Successful (no such image)",
        ),
        (is("Active", "Failed"), Failing, "its last update Failed"),
        (is("Inactive", "Successful"), Failing, "Inactive"),
        (is("Active", "InProgress"), Warning, "InProgress"),
        (is("Pending", "Successful"), Warning, "Pending"),
        (is("", ""), Failing, ""),
    ] {
        check(&functions(&stack), verdict, text);
    }
}

#[test]
fn a_function_that_nobody_may_call_is_named() {
    let reserved = |reserved| changed(STRIPE_DOOR, |door| door.reserved = reserved);
    check(&concurrency(&reserved(None)), Well, "");
    check(&concurrency(&reserved(Some(10))), Well, "");
    check(&concurrency(&reserved(Some(0))), Failing, "acme-StripeWebhookFunction-1A");
}

#[test]
fn functions_are_told_the_same() {
    let tells = |id, name: &str, value: Option<&str>| {
        changed(id, |function| match value {
            Some(value) => drop(function.variables.insert(name.into(), value.into())),
            None => drop(function.variables.remove(name)),
        })
    };
    let mut both_blank = tells(WORKER, "STRIPE_ACCOUNT_ID", None);
    let reconciler = both_blank.functions.get_mut(RECONCILER).expect("there");
    reconciler.variables.insert("STRIPE_ACCOUNT_ID".into(), " ".into());
    for (stack, verdict, text) in [
        (of_template(), Well, "alike"),
        (tells(RECONCILER, "LEDGER_TABLE", Some("other")), Failing, "LEDGER_TABLE of ReconcilerFunction"),
        (tells(RECONCILER, "STRIPE_ACCOUNT_ID", None), Failing, "STRIPE_ACCOUNT_ID of ReconcilerFunction"),
        (tells(STRIPE_DOOR, "BULK_QUEUE_URL", Some("other")), Failing, "BULK_QUEUE_URL of StripeWebhookFunction"),
        (tells(SALESFORCE_DOOR, "SALESFORCE_ORG_ID", Some("other")), Failing, "SALESFORCE_ORG_ID of Sales"),
        (tells(RECONCILER, "AWS_LAMBDA_LOG_LEVEL", Some("DEBUG")), Well, ""),
        (both_blank, Well, ""),
    ] {
        let finding = super::variables(&stack);
        check(&finding, verdict, text);
        assert!(!finding.text.contains("other"), "values are not repeated: {finding:?}");
    }
    check(&super::variables(&Stack::default()), NotChecked, "no worker");
}

#[test]
fn both_queues_feed_the_worker() {
    let queue = |arn: &str| Ok(QueueFacts { arn: arn.into(), ..QueueFacts::default() });
    let source = |arn: &str| Source { arn: arn.into(), state: "Enabled".into(), batch_size: 1, reports_failures: true };
    let with = |change: fn(&mut Source)| {
        let mut bulk = source("arn:bulk");
        change(&mut bulk);
        Ok(vec![source("arn:work"), bulk])
    };
    for (found, verdict, text) in [
        (with(|_| ()), Well, "both queues"),
        (Ok(vec![source("arn:work")]), Failing, "on the bulk queue: no event source mapping is of arn:bulk"),
        (with(|bulk| bulk.state = "Disabled".into()), Failing, "of the bulk queue is Disabled"),
        (with(|bulk| bulk.state = "Updating".into()), Warning, "Updating"),
        (with(|bulk| bulk.reports_failures = false), Failing, "ReportBatchItemFailures"),
        (with(|bulk| bulk.batch_size = 10), Warning, "10 messages of the bulk queue"),
        (Err("not allowed".into()), NotChecked, "not allowed"),
    ] {
        let (work, bulk) = (queue("arn:work"), queue("arn:bulk"));
        check(&sources(&found, [("work queue", &work), ("bulk queue", &bulk)]), verdict, text);
    }
    let unknown = Err("not there".to_owned());
    check(&sources(&with(|_| ()), [("work queue", &unknown), ("bulk queue", &unknown)]), NotChecked, "work queue");
}
