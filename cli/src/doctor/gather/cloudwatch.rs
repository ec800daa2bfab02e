//! Alarms, and when functions were called.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricAlarm, MetricDataQuery, MetricStat, StateValue};
use jiff::{SignedDuration, Timestamp};

use crate::aws::why;
use crate::doctor::alarms::Alarm;
use crate::doctor::doors::LastCall;
use crate::doctor::finding::Known;

const LATELY: SignedDuration = SignedDuration::from_hours(24 * 7);
const HOUR_S: i32 = 3600;

/// Those whose names begin as CloudFormation names what is this stack's.
pub(in crate::doctor) async fn alarms(cloudwatch: &Client, stack: &str) -> Known<Vec<Alarm>> {
    let mut alarms = Vec::new();
    let mut pages = cloudwatch.describe_alarms().alarm_name_prefix(format!("{stack}-")).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| format!("the alarms cannot be asked: {}", why(&error)))?;
        alarms.extend(page.metric_alarms().iter().map(alarm));
    }
    Ok(alarms)
}

fn alarm(alarm: &MetricAlarm) -> Alarm {
    Alarm {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        description: alarm.alarm_description().unwrap_or_default().to_owned(),
        state: alarm.state_value().map(StateValue::as_str).unwrap_or_default().to_owned(),
        is_heard: alarm.actions_enabled() == Some(true) && !alarm.alarm_actions().is_empty(),
    }
}

/// The hour of the function's last call in the last week.
pub(in crate::doctor) async fn last_call(cloudwatch: &Client, function: &str, now: Timestamp) -> LastCall {
    let name = Dimension::builder().name("FunctionName").value(function).build();
    let metric = Metric::builder().namespace("AWS/Lambda").metric_name("Invocations").dimensions(name).build();
    let stat = MetricStat::builder().metric(metric).period(HOUR_S).stat("Sum").build();
    let query = MetricDataQuery::builder().id("calls").metric_stat(stat).build();
    let since = now.saturating_sub(LATELY).map_or(now, |since| since);
    let asked = cloudwatch
        .get_metric_data()
        .metric_data_queries(query)
        .start_time(DateTime::from_secs(since.as_second()))
        .end_time(DateTime::from_secs(now.as_second()));
    let mut last = None;
    let mut pages = asked.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| format!("the calls of {function} cannot be asked: {}", why(&error)))?;
        for result in page.metric_data_results() {
            // Counts are floats here. Nought is no normal one.
            let counted = result.timestamps().iter().zip(result.values()).filter(|(_, calls)| calls.is_normal());
            last = counted.map(|(at, _)| at.secs()).chain(last).max();
        }
    }
    last.map(|second| Timestamp::from_second(second).map_err(|_| "CloudWatch names a time that is none".to_owned()))
        .transpose()
}
