//! Queues and the ledger's table.

use aws_sdk_dynamodb::types::{KeySchemaElement, KeyType, TimeToLiveStatus};
use aws_sdk_sqs::types::QueueAttributeName;
use serde::Deserialize;

use crate::aws::why;
use crate::doctor::aws::{QueueFacts, TableFacts};
use crate::doctor::finding::Known;

/// What is asked of a queue.
const QUEUE_FACTS: [QueueAttributeName; 5] = [
    QueueAttributeName::VisibilityTimeout,
    QueueAttributeName::MessageRetentionPeriod,
    QueueAttributeName::QueueArn,
    QueueAttributeName::RedrivePolicy,
    QueueAttributeName::ApproximateNumberOfMessages,
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Redrive {
    dead_letter_target_arn: String,
    /// A number, which older queues answer as text.
    max_receive_count: serde_json::Value,
}

pub(in crate::doctor) async fn queue(sqs: &aws_sdk_sqs::Client, url: &str) -> Known<QueueFacts> {
    let asked = sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(QUEUE_FACTS.into()));
    let answer = asked.send().await.map_err(|error| format!("the queue {url} cannot be asked: {}", why(&error)))?;
    let text = |name: &QueueAttributeName| {
        answer.attributes().and_then(|attributes| attributes.get(name)).map(String::as_str).unwrap_or_default()
    };
    let redrive = serde_json::from_str::<Redrive>(text(&QueueAttributeName::RedrivePolicy)).ok().and_then(|redrive| {
        let receives = redrive.max_receive_count.to_string();
        Some((redrive.dead_letter_target_arn, receives.trim_matches('"').parse().ok()?))
    });
    Ok(QueueFacts {
        visibility_s: text(&QueueAttributeName::VisibilityTimeout).parse().unwrap_or_default(),
        retention_s: text(&QueueAttributeName::MessageRetentionPeriod).parse().unwrap_or_default(),
        arn: text(&QueueAttributeName::QueueArn).to_owned(),
        redrive,
        messages: text(&QueueAttributeName::ApproximateNumberOfMessages).parse().unwrap_or_default(),
    })
}

pub(in crate::doctor) async fn table(dynamodb: &aws_sdk_dynamodb::Client, name: &str) -> Known<TableFacts> {
    let answer = dynamodb.describe_table().table_name(name).send().await;
    let answer = answer.map_err(|error| format!("the table {name} cannot be asked: {}", why(&error)))?;
    let expiry = dynamodb.describe_time_to_live().table_name(name).send().await;
    let expiry = expiry.map_err(|error| format!("the expiry of {name} cannot be asked: {}", why(&error)))?;
    let table = answer.table().ok_or_else(|| format!("nothing is said of the table {name}"))?;
    let open_runs = table.global_secondary_indexes().iter().find(|index| index.index_name() == Some(ledger::OPEN_RUNS));
    let expiry = expiry.time_to_live_description().filter(|expiry| {
        matches!(expiry.time_to_live_status(), Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling))
    });
    Ok(TableFacts {
        status: table.table_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
        keys: keys(table.key_schema()),
        open_runs: open_runs.map(|index| {
            let status = index.index_status().map(|status| status.as_str().to_owned());
            let projection = index.projection().and_then(|projection| projection.projection_type());
            let projection = projection.map(|projection| projection.as_str().to_owned());
            (keys(index.key_schema()), status.unwrap_or_default(), projection.unwrap_or_default())
        }),
        expires_by: expiry.and_then(|expiry| expiry.attribute_name()).map(str::to_owned),
    })
}

fn keys(schema: &[KeySchemaElement]) -> (String, String) {
    let of = |kind: &KeyType| {
        let key = schema.iter().find(|key| key.key_type() == kind);
        key.map(|key| key.attribute_name().to_owned()).unwrap_or_default()
    };
    (of(&KeyType::Hash), of(&KeyType::Range))
}
