//! What is asked of a stack's functions: that they are there, can be called, are fed, and are configured alike. Pure: facts in, findings
//! out.

use std::collections::BTreeMap;

use super::aws::{QueueFacts, TEMPLATE};
use super::finding::{Finding, Known};

pub(super) const STRIPE_DOOR: &str = "StripeWebhookFunction";
pub(super) const SALESFORCE_DOOR: &str = "SalesforceEventsFunction";
pub(super) const WORKER: &str = "RetryWorkerFunction";
pub(super) const RECONCILER: &str = "ReconcilerFunction";

/// By their logical ids in the template, which a test compares.
pub(super) const FUNCTIONS: [&str; 4] = [STRIPE_DOOR, SALESFORCE_DOOR, WORKER, RECONCILER];

/// What worker and reconciler are both told. A door that is told one of them is told the same. A test compares them with the template.
const SHARED: [&str; 19] = [
    "WORK_QUEUE_URL",
    "BULK_QUEUE_URL",
    "SETTLE_SECONDS",
    "DEAD_LETTER_QUEUE_URL",
    "LEDGER_TABLE",
    "ENVIRONMENT",
    "STRIPE_API_KEY_SECRET_ARN",
    "STRIPE_ALLOW_FULL_ACCESS_KEY",
    "STRIPE_API_BASE",
    "STRIPE_LIVEMODE",
    "STRIPE_ACCOUNT_ID",
    "SALESFORCE_CREDENTIALS_SECRET_ARN",
    "SALESFORCE_LOGIN_URL",
    "SALESFORCE_ORG_ID",
    "SALESFORCE_API_VERSION",
    "SALESFORCE_ALLOWED_HOSTS",
    "FOLLOWED_EVENTS",
    "SLACK_WEBHOOK_SECRET_ARN",
    "NOTIFICATION_TOPIC_ARN",
];

/// A function as Lambda has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Function {
    pub(super) name: String,
    /// Lambda's words: `Active`, `Successful`.
    pub(super) state: String,
    pub(super) last_update: String,
    /// What Lambda says of the two, where it says something.
    pub(super) reason: Option<String>,
    pub(super) timeout_s: u32,
    pub(super) variables: BTreeMap<String, String>,
    /// So many at once are kept for it, and no more than these are taken.
    pub(super) reserved: Option<u32>,
}

/// A stack's functions, by their logical ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    pub(super) name: String,
    pub(super) functions: BTreeMap<&'static str, Function>,
}

impl Stack {
    pub(super) fn function(&self, logical_id: &str) -> Option<&Function> {
        self.functions.get(logical_id)
    }

    /// What a function is told; nothing where that is blank.
    pub(super) fn variable(&self, logical_id: &str, name: &str) -> Option<&str> {
        let value = self.function(logical_id)?.variables.get(name)?.trim();
        Some(value).filter(|value| !value.is_empty())
    }
}

/// The logical id of a resource that CloudFormation named after it: `closedwon-RetryWorkerFunction-1A2B3C4D5E6F`.
pub(super) fn logical_id<'a>(stack: &str, name: &'a str) -> Option<&'a str> {
    let (logical_id, suffix) = name.strip_prefix(stack)?.strip_prefix('-')?.split_once('-')?;
    (!suffix.is_empty() && !suffix.contains('-')).then_some(logical_id)
}

/// One line for whoever names no stack.
pub(super) fn unnamed() -> Finding {
    let text = "no stack is named (--stack): its functions, what feeds the worker, alarms, and when the doors were called are not looked at";
    Finding::not_checked("aws.functions", text)
}

pub(super) fn functions(stack: &Stack) -> Finding {
    const CHECK: &str = "aws.functions";
    let absent: Vec<_> = FUNCTIONS.into_iter().filter(|id| !stack.functions.contains_key(id)).collect();
    if !absent.is_empty() {
        let text = format!("the stack {} has no {}", stack.name, absent.join(", no "));
        return Finding::failing(CHECK, text, "Deploy template.yaml once more.");
    }
    let (mut broken, mut changing) = (Vec::new(), Vec::new());
    for (id, Function { state, last_update, reason, .. }) in &stack.functions {
        let reason = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let said = format!("{id} is {state}, its last update {last_update}{reason}");
        match (state.as_str(), last_update.as_str()) {
            ("Active", "Successful") => {}
            ("Active" | "Pending", "Successful" | "InProgress") => changing.push(said),
            _ => broken.push(said),
        }
    }
    if !broken.is_empty() {
        return Finding::failing(CHECK, broken.join("; "), "Mend what Lambda says of it, and deploy once more.");
    }
    match changing.is_empty() {
        true => Finding::ok(CHECK, "all four are active"),
        false => Finding::warning(CHECK, changing.join("; "), "A deployment is under way: run this again after it."),
    }
}

pub(super) fn concurrency(stack: &Stack) -> Finding {
    const CHECK: &str = "aws.concurrency";
    let stopped = stack.functions.values().filter(|function| function.reserved == Some(0));
    let stopped: Vec<_> = stopped.map(|function| function.name.as_str()).collect();
    if stopped.is_empty() {
        return Finding::ok(CHECK, "no function is stopped by a reserved concurrency of 0");
    }
    let text = format!("a reserved concurrency of 0 lets nobody call {}", stopped.join(", "));
    Finding::failing(CHECK, text, "Take it off: aws lambda delete-function-concurrency --function-name …")
}

/// What one knows of the deployment the others have to know, too: a queue that only one of them uses is worked off by nobody.
pub(super) fn variables(stack: &Stack) -> Finding {
    const CHECK: &str = "aws.variables";
    let Some(worker) = stack.function(WORKER) else { return Finding::not_checked(CHECK, "there is no worker") };
    let mut differ = Vec::new();
    for (id, function) in stack.functions.iter().filter(|(id, _)| **id != WORKER) {
        // A door is told only what it has to know.
        let is_told = |name: &&str| *id == RECONCILER || function.variables.contains_key(*name);
        let names: Vec<_> =
            SHARED.into_iter().filter(is_told).filter(|name| value(function, name) != value(worker, name)).collect();
        if !names.is_empty() {
            differ.push(format!("{} of {id}", names.join(", ")));
        }
    }
    match differ.is_empty() {
        true => Finding::ok(CHECK, "the functions are configured alike"),
        false => Finding::failing(CHECK, format!("not as the worker has it: {}", differ.join("; ")), TEMPLATE),
    }
}

/// Blank is as good as not set.
fn value<'a>(function: &'a Function, name: &str) -> &'a str {
    function.variables.get(name).map(|value| value.trim()).unwrap_or_default()
}

/// A queue that feeds the worker, as Lambda has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) arn: String,
    /// Lambda's word: `Enabled`.
    pub(super) state: String,
    pub(super) batch_size: u32,
    pub(super) reports_failures: bool,
}

/// Both queues of work.
pub(super) fn sources(sources: &Known<Vec<Source>>, queues: [(&'static str, &Known<QueueFacts>); 2]) -> Finding {
    const CHECK: &str = "aws.worker_sources";
    let sources = match sources {
        Ok(sources) => sources,
        Err(why) => return Finding::not_checked(CHECK, why),
    };
    let mut found = Vec::new();
    for (queue, facts) in queues {
        let Ok(facts) = facts else { return Finding::not_checked(CHECK, format!("the {queue} cannot be asked")) };
        let Some(source) = sources.iter().find(|source| source.arn == facts.arn) else {
            let text = format!(
                "nothing brings the worker what is on the {queue}: no event source mapping is of {}",
                facts.arn
            );
            return Finding::failing(CHECK, text, TEMPLATE);
        };
        found.push((queue, source));
    }
    for (queue, source) in &found {
        match source.state.as_str() {
            "Enabled" => {}
            "Creating" | "Enabling" | "Updating" => {
                let text = format!("the event source mapping of the {queue} is {}", source.state);
                return Finding::warning(CHECK, text, "Somebody is changing it: run this again in a minute.");
            }
            state => {
                return Finding::failing(
                    CHECK,
                    format!("the event source mapping of the {queue} is {state}: nothing is worked off"),
                    "Enable it: aws lambda update-event-source-mapping --enabled --uuid …; aws lambda list-event-source-mappings has the id.",
                );
            }
        }
        if !source.reports_failures {
            let text = format!(
                "the event source mapping of the {queue} lacks ReportBatchItemFailures: a message that failed is deleted as if it were done"
            );
            return Finding::failing(CHECK, text, TEMPLATE);
        }
    }
    match found.iter().find(|(_, source)| source.batch_size != 1) {
        Some((queue, source)) => Finding::warning(
            CHECK,
            format!(
                "the worker gets {} messages of the {queue} at once: they are worked off one by one, and the last ones wait in vain",
                source.batch_size
            ),
            TEMPLATE,
        ),
        None => Finding::ok(CHECK, "both queues of work feed the worker, one message at a time"),
    }
}

#[cfg(test)]
mod tests;
