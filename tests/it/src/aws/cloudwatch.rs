//! CloudWatch, as far as alarms and a function's calls are asked for (Smithy RPC v2, in CBOR).

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::cbor::{self, DOUBLE, TIME};

/// CloudWatch's pages have fifty alarms.
const PAGE: usize = 10;

#[derive(Debug, Default)]
struct Held {
    alarms: Vec<Value>,
    /// The function, and when it was called.
    calls: Vec<(String, i64)>,
    is_denied: bool,
}

#[derive(Debug, Clone, Default)]
pub struct CloudWatch {
    held: Arc<Mutex<Held>>,
}

impl CloudWatch {
    fn with<T>(&self, work: impl FnOnce(&mut Held) -> T) -> T {
        work(&mut self.held.lock().unwrap())
    }

    pub fn put_alarm(&self, name: &str, description: &str, actions: &[&str]) {
        self.with(|held| {
            held.alarms.push(json!({
                "AlarmName": name,
                "AlarmDescription": description,
                "ActionsEnabled": true,
                "AlarmActions": actions,
                "StateValue": "OK",
                "Namespace": "AWS/SQS",
                "Threshold": { DOUBLE: 0 },
                "StateUpdatedTimestamp": { TIME: 1_795_392_000 },
            }));
        });
    }

    pub fn delete_alarm(&self, name: &str) {
        self.with(|held| held.alarms.retain(|alarm| alarm["AlarmName"] != name));
    }

    /// What became of alarms whose names contain this.
    pub fn change_alarms(&self, name: &str, field: &str, value: &Value) {
        self.with(|held| {
            let is_one = |alarm: &&mut Value| alarm["AlarmName"].as_str().is_some_and(|is| is.contains(name));
            held.alarms.iter_mut().filter(is_one).for_each(|alarm| alarm[field] = value.clone());
        });
    }

    pub fn count_call(&self, function: &str, second: i64) {
        self.with(|held| held.calls.push((function.to_owned(), second)));
    }

    pub fn forget_calls(&self, function: &str) {
        self.with(|held| held.calls.retain(|(called, _)| called != function));
    }

    /// Whoever asks may ask nothing of this.
    pub fn set_denied(&self, is_denied: bool) {
        self.with(|held| held.is_denied = is_denied);
    }

    pub(super) fn answer(&self, operation: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let (status, answer) = self.with(|held| match (cbor::read(body), operation) {
            _ if held.is_denied => error(403, "AccessDenied", "User is not authorized to perform this"),
            (Err(_), _) => error(400, "SerializationException", "the body is no CBOR"),
            (Ok(asked), "DescribeAlarms") => held.describe_alarms(&asked),
            (Ok(asked), "GetMetricData") => held.metric_data(&asked),
            (Ok(_), other) => error(404, "UnknownOperationException", other),
        });
        (status, cbor::write(&answer))
    }
}

impl Held {
    fn describe_alarms(&self, asked: &Value) -> (u16, Value) {
        if let Err(refused) = only(asked, &["AlarmNamePrefix", "MaxRecords", "NextToken"]) {
            return refused;
        }
        let prefix = asked["AlarmNamePrefix"].as_str().unwrap_or_default();
        let from = asked["NextToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or(0_usize);
        let named = |alarm: &&Value| alarm["AlarmName"].as_str().is_some_and(|name| name.starts_with(prefix));
        let found: Vec<_> = self.alarms.iter().filter(named).skip(from).collect();
        let page: Vec<_> = found.iter().take(PAGE).collect();
        let mut answer = json!({ "MetricAlarms": page, "CompositeAlarms": [] });
        if found.len() > PAGE {
            answer["NextToken"] = (from + PAGE).to_string().into();
        }
        (200, answer)
    }

    /// Sums of calls by the period, the newest first. A period without calls has no value.
    fn metric_data(&self, asked: &Value) -> (u16, Value) {
        if let Err(refused) = only(asked, &["EndTime", "MetricDataQueries", "NextToken", "StartTime"]) {
            return refused;
        }
        let [query] = &asked["MetricDataQueries"].as_array().cloned().unwrap_or_default()[..] else {
            return error(400, "ValidationError", "one query is answered");
        };
        let (stat, metric) = (&query["MetricStat"], &query["MetricStat"]["Metric"]);
        let (Some(start), Some(end)) = (asked["StartTime"][TIME].as_i64(), asked["EndTime"][TIME].as_i64()) else {
            return error(400, "MissingParameter", "StartTime and EndTime");
        };
        let [dimension] = &metric["Dimensions"].as_array().cloned().unwrap_or_default()[..] else {
            return error(400, "ValidationError", "one dimension is answered");
        };
        let is_known = (metric["Namespace"] == "AWS/Lambda")
            && metric["MetricName"] == "Invocations"
            && dimension["Name"] == "FunctionName"
            && stat["Stat"] == "Sum";
        let period = stat["Period"].as_i64().filter(|period| *period > 0 && period % 60 == 0);
        let (true, Some(period), Some(id)) = (is_known, period, query["Id"].as_str()) else {
            return error(400, "ValidationError", "no such metric, or no period of whole minutes");
        };
        let is_within = |at: &i64| (start..end).contains(at);
        let of_function = self.calls.iter().filter(|(function, _)| dimension["Value"] == **function);
        let mut periods: Vec<_> =
            of_function.map(|(_, at)| at).filter(|at| is_within(at)).map(|at| at - at % period).collect();
        periods.sort_unstable_by(|one, other| other.cmp(one));
        let (mut timestamps, mut values) = (Vec::new(), Vec::new());
        for calls in periods.chunk_by(|one, other| one == other) {
            timestamps.push(json!({ TIME: calls[0] }));
            values.push(json!({ DOUBLE: calls.len() }));
        }
        let result = json!({ "Id": id, "Label": "Invocations", "Timestamps": timestamps, "Values": values, "StatusCode": "Complete" });
        (200, json!({ "MetricDataResults": [result], "Messages": [] }))
    }
}

fn only(asked: &Value, known: &[&str]) -> Result<(), (u16, Value)> {
    let unknown = asked.as_object().into_iter().flatten().find(|(name, _)| !known.contains(&name.as_str()));
    match unknown {
        Some((name, _)) => Err(error(400, "ValidationError", &format!("{name} is not known"))),
        None => Ok(()),
    }
}

fn error(status: u16, kind: &str, message: &str) -> (u16, Value) {
    (status, json!({ "__type": kind, "message": message }))
}
