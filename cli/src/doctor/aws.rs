//! What is asked of the deployment's own resources. Pure: facts in, findings out.

use super::finding::{Finding, Known};

/// A queue's attributes, as far as they matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct QueueFacts {
    pub(super) visibility_s: u32,
    pub(super) retention_s: u32,
    pub(super) arn: String,
    /// The queue that spent messages go to, and after how many receives.
    pub(super) redrive: Option<(String, u32)>,
    pub(super) messages: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TableFacts {
    pub(super) status: String,
    /// Partition and sort key.
    pub(super) keys: (String, String),
    /// Keys, status and projection of the index `open-runs`, where there is one.
    pub(super) open_runs: Option<((String, String), String, String)>,
    /// The attribute that items expire by, where that is enabled.
    pub(super) expires_by: Option<String>,
}

/// As the template has them, which a test compares.
const VISIBILITY_TIMES: u32 = 6;
const RECEIVES: u32 = 16;
const RETENTION_S: u32 = 345_600;
const LETTER_RETENTION_S: u32 = 1_209_600;
const EXPIRES_BY: &str = "expires_at";

pub(super) const TEMPLATE: &str =
    "Deploy template.yaml as it is; what was changed by hand in the console goes back to it.";

pub(super) fn queue(
    check: &'static str,
    queue: &Known<QueueFacts>,
    dead_letter: &Known<QueueFacts>,
    worker_timeout_s: Option<u32>,
) -> Finding {
    let queue = match queue {
        Ok(queue) => queue,
        Err(why) => {
            return Finding::failing(
                check,
                why,
                "See that the queue's address is this deployment's, and that you may read it.",
            );
        }
    };
    let Some((target, receives)) = &queue.redrive else {
        return Finding::failing(
            check,
            "it has no dead-letter queue: what cannot be done is tried until it is lost",
            TEMPLATE,
        );
    };
    if dead_letter.as_ref().is_ok_and(|letters| letters.arn != *target) {
        return Finding::failing(
            check,
            format!("spent messages go to {target}, which is not the deployment's dead-letter queue"),
            TEMPLATE,
        );
    }
    let visibility_s = queue.visibility_s;
    if let Some(timeout_s) = worker_timeout_s {
        if visibility_s < timeout_s {
            let text = format!(
                "a message comes back after {visibility_s} seconds, and the worker may work for {timeout_s}: two would work on it"
            );
            return Finding::failing(check, text, TEMPLATE);
        }
        if visibility_s < timeout_s * VISIBILITY_TIMES {
            let text = format!(
                "a message comes back after {visibility_s} seconds, less than {VISIBILITY_TIMES} times the worker's {timeout_s}"
            );
            return Finding::warning(check, text, TEMPLATE);
        }
    }
    if *receives < RECEIVES || queue.retention_s < RETENTION_S {
        let text = format!(
            "a message is tried {receives} times and kept for {} hours, which does not outlast 36 hours of outage",
            queue.retention_s / 3600
        );
        return Finding::warning(check, text, TEMPLATE);
    }
    let timeout = match worker_timeout_s {
        Some(_) => "",
        None => "; give --stack or --function to compare it with the worker's timeout",
    };
    Finding::ok(
        check,
        format!(
            "{} messages wait; one comes back after {visibility_s} seconds{timeout}, {receives} times",
            queue.messages
        ),
    )
}

pub(super) fn letters(dead_letter: &Known<QueueFacts>) -> Finding {
    const CHECK: &str = "aws.dead_letters";
    match dead_letter {
        Err(why) => {
            Finding::failing(CHECK, why, "See that the queue's address is this deployment's, and that you may read it.")
        }
        Ok(QueueFacts { retention_s, .. }) if *retention_s < LETTER_RETENTION_S => Finding::warning(
            CHECK,
            format!("letters are kept for {} days, and could be for 14", retention_s / 86_400),
            TEMPLATE,
        ),
        Ok(QueueFacts { messages: 0, .. }) => Finding::ok(CHECK, "no letter lies there"),
        Ok(QueueFacts { messages, .. }) => Finding::warning(
            CHECK,
            format!("letters that lie there: {messages}"),
            "Read them in the console of SQS (each says its reason), ask closedwon explain what became of each record, mend it, and start a \
             redrive. Deals that are mended in Salesforce go on by themselves.",
        ),
    }
}

pub(super) fn table(table: &Known<TableFacts>) -> Finding {
    const CHECK: &str = "aws.ledger";
    let table = match table {
        Ok(table) => table,
        Err(why) => {
            return Finding::failing(
                CHECK,
                why,
                "See that LEDGER_TABLE is this deployment's, and that you may read it.",
            );
        }
    };
    let is = |keys: &(String, String), expected: (&str, &str)| (keys.0.as_str(), keys.1.as_str()) == expected;
    let index = table.open_runs.as_ref();
    let problem = if table.status != "ACTIVE" {
        Some(format!("the table is {}", table.status))
    } else if !is(&table.keys, ("pk", "sk")) {
        Some("its keys are not pk and sk".to_owned())
    } else if !index.is_some_and(|(keys, _, projection)| is(keys, ("open", "next_check_at")) && projection == "ALL") {
        Some(
            "it has no index open-runs by open and next_check_at with all attributes: unfinished runs are not found"
                .to_owned(),
        )
    } else if let Some((_, status, _)) = index.filter(|(_, status, _)| status != "ACTIVE") {
        Some(format!("its index open-runs is {status}"))
    } else {
        None
    };
    match problem {
        Some(problem) => Finding::failing(CHECK, problem, TEMPLATE),
        None if table.expires_by.as_deref() != Some(EXPIRES_BY) => {
            Finding::warning(CHECK, "items do not expire by expires_at: the call log is kept for ever", TEMPLATE)
        }
        None => Finding::ok(CHECK, "the table is active, with its index and its expiry"),
    }
}

#[cfg(test)]
mod tests;
