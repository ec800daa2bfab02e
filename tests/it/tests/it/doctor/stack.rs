//! What AWS says of a stack: its functions, what feeds the worker, its alarms, and when the doors were called.

use clap::Parser;
use closedwon::args::{Args, Command};
use closedwon::doctor::RunError;
use closedwon::progress::Silent;

use super::*;

const FUNCTIONS: [&str; 4] =
    ["StripeWebhookFunction", "SalesforceEventsFunction", "RetryWorkerFunction", "ReconcilerFunction"];
const WORKER: &str = "closedwon-RetryWorkerFunction-1A2B3C4D5E6F";
const RECONCILER: &str = "closedwon-ReconcilerFunction-1A2B3C4D5E6F";
const STRIPE_DOOR: &str = "closedwon-StripeWebhookFunction-1A2B3C4D5E6F";
const SALESFORCE_DOOR: &str = "closedwon-SalesforceEventsFunction-1A2B3C4D5E6F";
const TOPIC: &str = "arn:aws:sns:eu-central-1:1:alarms";

/// As CloudFormation names what is made without a name.
fn named(stack: &str, logical_id: &str) -> String {
    format!("{stack}-{logical_id}-1A2B3C4D5E6F")
}

/// The template's alarms, with what each says.
fn alarms() -> Vec<(&'static str, &'static str)> {
    let template = include_str!("../../../../../template.yaml");
    let parts: Vec<_> = template.split("\n    Type: AWS::CloudWatch::Alarm\n").collect();
    let of = |pair: &[&'static str]| {
        let id = pair[0].lines().last().unwrap().trim().trim_end_matches(':');
        let said = pair[1].lines().find_map(|line| line.trim().strip_prefix("AlarmDescription: ")).unwrap();
        (id, said)
    };
    parts.windows(2).map(of).collect()
}

impl Practice {
    /// The stack as the template makes it, among what others have in the account.
    pub(super) fn deploy_stack(&self) {
        let (lambda, cloudwatch) = (&self.env.aws.lambda, &self.env.aws.cloudwatch);
        let worker = self.variables();
        let user = sandbox::SandboxConfig::for_project("").salesforce.integration_user_id;
        let of_door = |names: &[&str], own: &[(&str, &str)]| -> BTreeMap<String, String> {
            let shared = names.iter().map(|name| (name.to_string(), worker[*name].clone()));
            shared.chain(own.iter().map(|(name, value)| (name.to_string(), value.to_string()))).collect()
        };
        let queues = ["WORK_QUEUE_URL", "BULK_QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "SETTLE_SECONDS"];
        let of_stripe = [&queues[..], &["FOLLOWED_EVENTS", "STRIPE_LIVEMODE"]].concat();
        let of_salesforce = [&queues[..], &["SALESFORCE_ORG_ID"]].concat();
        let signed = [("SALESFORCE_WEBHOOK_SECRET_ARN", CALLOUT), ("SALESFORCE_INTEGRATION_USER_ID", &user)];
        let stripe_door = of_door(&of_stripe, &[("STRIPE_WEBHOOK_SECRET_ARN", SIGNING)]);
        let variables = [stripe_door, of_door(&of_salesforce, &signed), worker.clone(), worker.clone()];
        for (function, variables) in FUNCTIONS.iter().zip(&variables) {
            let timeout_s = if *function == "RetryWorkerFunction" { 60 } else { 10 };
            lambda.deploy(&named(STACK, function), timeout_s, variables);
        }
        for other in ["a-function", "closedwon-RetryWorkerFunction", "closedwon-helper-1A2B3C4D5E6F", "z-function"] {
            lambda.deploy(other, 3, &BTreeMap::new());
        }
        for function in FUNCTIONS {
            lambda.deploy(&named("closedwon-test", function), 3, &BTreeMap::new());
        }
        for queue in ["work", "bulk"] {
            lambda.feed(WORKER, &format!("arn:aws:sqs:eu-central-1:1:{queue}"));
        }
        lambda.feed("a-function", "arn:aws:sqs:eu-central-1:1:others");
        for (id, said) in alarms() {
            cloudwatch.put_alarm(&named(STACK, id), said, &[TOPIC]);
        }
        cloudwatch.put_alarm("closedwon-test-DeadLetterDepthAlarm-1A2B3C4D5E6F", "of another stack", &[]);
        for door in [STRIPE_DOOR, SALESFORCE_DOOR] {
            cloudwatch.count_call(door, self.env.now().as_second() - 90 * 60);
        }
    }

    /// What somebody gets who types this.
    async fn typed(&self, line: &[&str]) -> Result<Report, RunError> {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/closedwon.toml");
        let typed = [&["closedwon", "doctor", "--config", file], line].concat();
        let Command::Doctor(args) = Args::try_parse_from(typed).unwrap().command else { panic!("it is doctor") };
        let aws = self.env.aws.sdk_config();
        self.door.during(&self.env, args.run_with(&aws, self.env.now(), &Silent)).await
    }
}

/// No function has the addresses of the doors, and the functions' key does not see endpoints; all else is known by the stack's name.
#[tokio::test]
async fn all_that_an_operator_types_is_the_name_of_the_stack() {
    let practice = Practice::healthy().await.set_up().await;
    let report = practice.typed(&["--stack", STACK]).await.unwrap();
    let unchecked = |report: &Report| -> Vec<_> {
        let those = report.findings.iter().filter(|finding| finding.verdict != Verdict::Ok);
        those.map(|finding| (finding.check, finding.verdict)).collect()
    };
    let no = |check| (check, Verdict::NotChecked);
    let without = [no("stripe.endpoint"), no("stripe.delivery"), no("salesforce.callout")];
    assert_eq!((unchecked(&report), report.exit()), (without.into(), Exit::Well), "{report}");
    assert!(!of(&report, "aws.work_queue").text.contains("--function"), "the timeout is known: {report}");
    let (url, callout_url) = (&practice.door.url, &practice.door.callout_url);
    let report = practice.typed(&["--stack", STACK, "--url", url, "--salesforce-url", callout_url]).await.unwrap();
    assert_eq!(unchecked(&report), [no("stripe.endpoint")], "{report}");
    assert!(of(&report, "stripe.last_call").text.contains("2026-11-22T22:00:00Z"), "{report}");
}

#[tokio::test]
async fn a_stack_that_is_not_there_or_cannot_be_asked_is_told() {
    let practice = Practice::healthy().await.set_up().await;
    for name in ["closed", "closedwon-", "closedwon-test-2"] {
        let why = practice.typed(&["--stack", name]).await.unwrap_err();
        assert_eq!(why.exit(), Exit::Unknown, "{why}");
        assert!(why.to_string().contains(&format!("no stack {name} ")), "{why}");
    }
    practice.env.aws.lambda.set_denied(true);
    let why = practice.typed(&["--stack", STACK]).await.unwrap_err();
    assert_eq!(why.exit(), Exit::Unavailable, "{why}");
    assert!(why.to_string().contains("AccessDeniedException"), "{why}");
}

#[tokio::test]
async fn functions_that_are_not_as_they_were_deployed_are_told() {
    let practice = Practice::healthy().await.set_up().await;
    let lambda = &practice.env.aws.lambda;
    lambda.change(SALESFORCE_DOOR, "/State", "Inactive");
    practice.finds("aws.functions", Verdict::Failing, "SalesforceEventsFunction is Inactive", "deploy").await;
    lambda.change(SALESFORCE_DOOR, "/State", "Active");
    lambda.change(WORKER, "/LastUpdateStatus", "InProgress");
    practice.finds("aws.functions", Verdict::Warning, "InProgress", "under way").await;
    lambda.change(WORKER, "/LastUpdateStatus", "Successful");
    lambda.reserve(STRIPE_DOOR, Some(0));
    practice.finds("aws.concurrency", Verdict::Failing, STRIPE_DOOR, "delete-function-concurrency").await;
    lambda.reserve(STRIPE_DOOR, Some(5));
    practice.finds("aws.concurrency", Verdict::Ok, "", "").await;
    lambda.change(RECONCILER, "/Environment/Variables/LEDGER_TABLE", "another");
    practice.finds("aws.variables", Verdict::Failing, "LEDGER_TABLE of ReconcilerFunction", "template.yaml").await;
    lambda.change(RECONCILER, "/Environment/Variables/LEDGER_TABLE", "ledger");
    // Its configuration is the reconciler's, and nobody says what its timeout is.
    lambda.delete(WORKER);
    let report = practice.typed(&["--stack", STACK]).await.unwrap();
    assert_eq!(report.exit(), Exit::NeedsPerson);
    assert!(of(&report, "aws.functions").text.contains("no RetryWorkerFunction"), "{report}");
    assert_eq!(of(&report, "aws.worker_sources").verdict, Verdict::NotChecked, "{report}");
    assert_eq!(of(&report, "salesforce.login").verdict, Verdict::Ok, "{report}");
}

#[tokio::test]
async fn a_queue_that_does_not_feed_the_worker_is_told() {
    const BULK: &str = "arn:aws:sqs:eu-central-1:1:bulk";
    let practice = Practice::healthy().await.set_up().await;
    let lambda = &practice.env.aws.lambda;
    let enable = "update-event-source-mapping";
    for (field, value, verdict, text, remedy) in [
        ("State", json!("Disabled"), Verdict::Failing, "bulk queue is Disabled", enable),
        ("State", json!("Enabling"), Verdict::Warning, "bulk queue is Enabling", "run this again"),
        ("State", json!("Enabled"), Verdict::Ok, "", ""),
        ("BatchSize", json!(10), Verdict::Warning, "10 messages of the bulk queue", "template.yaml"),
        ("FunctionResponseTypes", json!([]), Verdict::Failing, "ReportBatchItemFailures", "template.yaml"),
        ("EventSourceArn", json!("arn:aws:sqs:eu-central-1:1:gone"), Verdict::Failing, BULK, "template.yaml"),
    ] {
        lambda.change_source(BULK, field, value);
        practice.finds("aws.worker_sources", verdict, text, remedy).await;
    }
}

#[tokio::test]
async fn alarms_that_ring_or_are_absent_or_heard_by_nobody_are_told() {
    let practice = Practice::healthy().await.set_up().await;
    let cloudwatch = &practice.env.aws.cloudwatch;
    cloudwatch.change_alarms("closedwon-RunsParkedAlarm", "StateValue", &json!("ALARM"));
    cloudwatch.change_alarms("closedwon-test", "StateValue", &json!("ALARM"));
    let rings = "RunsParkedAlarm is in ALARM: A run needs a person.";
    practice.finds("aws.alarms", Verdict::Warning, rings, "goes back to OK").await;
    cloudwatch.delete_alarm("closedwon-RunsParkedAlarm-1A2B3C4D5E6F");
    practice.finds("aws.alarms", Verdict::Warning, "not there: RunsParkedAlarm", "template.yaml").await;
    cloudwatch.change_alarms("closedwon-DifferencesAlarm", "ActionsEnabled", &json!(false));
    practice.finds("aws.alarm_actions", Verdict::Warning, "nobody hears DifferencesAlarm", "AlarmTopicArn").await;
    cloudwatch.change_alarms("closedwon-", "AlarmActions", &json!([]));
    practice.finds("aws.alarm_actions", Verdict::Warning, "nobody hears the alarms", "AlarmTopicArn").await;
}

#[tokio::test]
async fn a_door_that_nobody_called_for_a_week_is_told() {
    let practice = Practice::healthy().await.set_up().await;
    let cloudwatch = &practice.env.aws.cloudwatch;
    cloudwatch.forget_calls(SALESFORCE_DOOR);
    cloudwatch.count_call(SALESFORCE_DOOR, practice.env.now().as_second() - 8 * 24 * 3600);
    let nobody = "nobody called Salesforce's door";
    practice.finds("salesforce.last_call", Verdict::Warning, nobody, "SalesforceEventsUrl").await;
    practice.finds("stripe.last_call", Verdict::Ok, "2026-11-22T22:00:00Z", "").await;
    cloudwatch.set_denied(true);
    let report = practice.examine().await;
    for check in ["aws.alarms", "aws.alarm_actions", "stripe.last_call", "salesforce.last_call"] {
        let finding = of(&report, check);
        assert_eq!(finding.verdict, Verdict::NotChecked, "{report}");
        assert!(finding.text.contains("AccessDenied"), "{report}");
    }
}
