//! What is asked of a stack's alarms: that they are there, that none rings, and that somebody hears them. Pure: facts in, findings out.

use super::aws::TEMPLATE;
use super::finding::{Finding, Known};
use super::stack::logical_id;

/// By their logical ids in the template, which a test compares.
const ALARMS: [&str; 24] = [
    "DeadLetterDepthAlarm",
    "EventDeadLetterDepthAlarm",
    "DeadLetterAgeAlarm",
    "EventDeadLetterAgeAlarm",
    "WorkQueueAgeAlarm",
    "BulkQueueAgeAlarm",
    "StripeWebhookErrorsAlarm",
    "StripeWebhookThrottlesAlarm",
    "SalesforceEventsErrorsAlarm",
    "SalesforceEventsThrottlesAlarm",
    "RetryWorkerErrorsAlarm",
    "RetryWorkerThrottlesAlarm",
    "ReconcilerErrorsAlarm",
    "ReconcilerThrottlesAlarm",
    "DifferencesAlarm",
    "ReconcilerSilentAlarm",
    "StatementMissingAlarm",
    "HttpApiServerErrorsAlarm",
    "RunsParkedAlarm",
    "StripeWebhookQuarantinedAlarm",
    "SalesforceEventsQuarantinedAlarm",
    "RetryWorkerQuarantinedAlarm",
    "StripeWebhookWrongModeAlarm",
    "RetryWorkerWrongModeAlarm",
];

/// An alarm as CloudWatch has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Alarm {
    pub(super) name: String,
    pub(super) description: String,
    /// CloudWatch's word: `OK`, `ALARM`, `INSUFFICIENT_DATA`.
    pub(super) state: String,
    /// Whether anybody is told when it rings.
    pub(super) is_heard: bool,
}

/// The alarms of the stack, by their logical ids.
fn of<'a>(stack: &str, alarms: &'a [Alarm]) -> Vec<(&'a str, &'a Alarm)> {
    let ours = alarms.iter().filter_map(|alarm| Some((logical_id(stack, &alarm.name)?, alarm)));
    ours.filter(|(id, _)| ALARMS.contains(id)).collect()
}

pub(super) fn alarms(stack: &str, alarms: &Known<Vec<Alarm>>) -> Vec<Finding> {
    const CHECK: &str = "aws.alarms";
    let alarms = match alarms {
        Ok(alarms) => of(stack, alarms),
        Err(why) => return vec![Finding::not_checked(CHECK, why)],
    };
    let mut findings = Vec::new();
    let absent: Vec<_> = ALARMS.into_iter().filter(|id| !alarms.iter().any(|(there, _)| there == id)).collect();
    if !absent.is_empty() {
        findings.push(Finding::warning(CHECK, format!("not there: {}", absent.join(", ")), TEMPLATE));
    }
    for (id, alarm) in alarms.iter().filter(|(_, alarm)| alarm.state == "ALARM") {
        let remedy = "Do what it says: it goes back to OK by itself when that is mended.";
        findings.push(Finding::warning(CHECK, format!("{id} is in ALARM: {}", alarm.description), remedy));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, format!("all {} are there, and none rings", ALARMS.len())));
    }
    findings
}

pub(super) fn heard(stack: &str, alarms: &Known<Vec<Alarm>>) -> Finding {
    const CHECK: &str = "aws.alarm_actions";
    const REMEDY: &str = "Give AlarmTopicArn the ARN of an SNS topic that somebody reads, and deploy.";
    let alarms = match alarms {
        Ok(alarms) => of(stack, alarms),
        Err(why) => return Finding::not_checked(CHECK, why),
    };
    let unheard: Vec<_> = alarms.iter().filter(|(_, alarm)| !alarm.is_heard).map(|(id, _)| *id).collect();
    match (alarms.len(), unheard.len()) {
        (0, _) => Finding::not_checked(CHECK, "there are no alarms"),
        (_, 0) => Finding::ok(CHECK, "each alarm has an action"),
        (all, silent) if all == silent => {
            Finding::warning(CHECK, "nobody hears the alarms: none has an action that is enabled", REMEDY)
        }
        _ => Finding::warning(CHECK, format!("nobody hears {}", unheard.join(", ")), REMEDY),
    }
}

#[cfg(test)]
mod tests;
