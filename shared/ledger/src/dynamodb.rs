//! The table in DynamoDB.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Put as PutRequest, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use jiff::Timestamp;

use crate::table::{Condition, Item, Page, Put, PutAnswer, Reason, Table, Test, TransactAnswer, Unavailable, Value};

/// The sparse index of unfinished runs, as the template makes it.
/// The index of runs that are not finished.
pub const OPEN_RUNS: &str = "open-runs";

/// How many due runs one page brings at most.
const DUE_PAGE: i32 = 100;

type Attributes = HashMap<String, AttributeValue>;

/// A table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DynamoDb {
    client: Client,
    name: String,
}

impl DynamoDb {
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }
}

impl Table for DynamoDb {
    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, Unavailable> {
        let get = self.client.get_item().table_name(&self.name);
        let get = get.key("pk", AttributeValue::S(pk.into())).key("sk", AttributeValue::S(sk.into()));
        let answer = get.consistent_read(true).send().await.map_err(|error| unavailable("reading", &error))?;
        Ok(answer.item.map(item))
    }

    async fn put(&self, put: Put) -> Result<PutAnswer, Unavailable> {
        let rendered = put.condition.as_ref().map(Rendered::new).unwrap_or_default();
        let sent = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(attributes(put.item)))
            .set_condition_expression(rendered.expression)
            .set_expression_attribute_names(rendered.names)
            .set_expression_attribute_values(rendered.values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else { return Ok(PutAnswer::Done) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                Ok(PutAnswer::Failed(failed.item().cloned().map(item)))
            }
            _ => Err(unavailable("writing", &error)),
        }
    }

    async fn transact(&self, puts: Vec<Put>) -> Result<TransactAnswer, Unavailable> {
        let items = puts.into_iter().map(|put| self.action(put)).collect::<Result<Vec<_>, _>>()?;
        let sent = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        let Err(error) = sent else { return Ok(TransactAnswer::Done) };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                Ok(TransactAnswer::Canceled(canceled.cancellation_reasons().iter().map(reason).collect()))
            }
            _ => Err(unavailable("saving", &error)),
        }
    }

    async fn query(&self, pk: &str, sk_prefix: &str, after: Option<Item>) -> Result<Page, Unavailable> {
        let query = self.client.query().table_name(&self.name).consistent_read(true);
        let answer = query
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", AttributeValue::S(pk.into()))
            .expression_attribute_values(":prefix", AttributeValue::S(sk_prefix.into()))
            .set_exclusive_start_key(after.map(attributes))
            .send()
            .await
            .map_err(|error| unavailable("listing", &error))?;
        Ok(page(answer.items, answer.last_evaluated_key))
    }

    async fn due(&self, until: Timestamp, after: Option<Item>) -> Result<Page, Unavailable> {
        let query = self.client.query().table_name(&self.name).index_name(OPEN_RUNS).limit(DUE_PAGE);
        let answer = query
            .key_condition_expression("#open = :open AND next_check_at <= :until")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":open", AttributeValue::S(crate::item::OPEN.into()))
            .expression_attribute_values(":until", AttributeValue::N(until.as_millisecond().to_string()))
            .set_exclusive_start_key(after.map(attributes))
            .send()
            .await
            .map_err(|error| unavailable("listing unfinished runs", &error))?;
        Ok(page(answer.items, answer.last_evaluated_key))
    }

    async fn pause(&self, tries: u32) {
        tokio::time::sleep(Duration::from_millis(40) * tries).await;
    }
}

impl DynamoDb {
    fn action(&self, put: Put) -> Result<TransactWriteItem, Unavailable> {
        let rendered = put.condition.as_ref().map(Rendered::new).unwrap_or_default();
        let request = PutRequest::builder()
            .table_name(&self.name)
            .set_item(Some(attributes(put.item)))
            .set_condition_expression(rendered.expression)
            .set_expression_attribute_names(rendered.names)
            .set_expression_attribute_values(rendered.values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build();
        let request = request.map_err(|error| unavailable("building the transaction", &error))?;
        Ok(TransactWriteItem::builder().put(request).build())
    }
}

/// A condition in DynamoDB's words. Every name is given by reference, since some of ours are reserved words there.
#[derive(Default)]
struct Rendered {
    expression: Option<String>,
    names: Option<HashMap<String, String>>,
    values: Option<Attributes>,
}

impl Rendered {
    fn new(condition: &Condition) -> Self {
        let mut rendered = Self::default();
        let expression = match condition {
            Condition::Absent => "attribute_not_exists(pk)".to_owned(),
            Condition::AbsentOr(test) => format!("attribute_not_exists(pk) OR {}", rendered.test(test, 0)),
            Condition::All(tests) => {
                let tests = tests.iter().enumerate().map(|(index, test)| rendered.test(test, index));
                std::iter::once("attribute_exists(pk)".to_owned()).chain(tests).collect::<Vec<_>>().join(" AND ")
            }
        };
        rendered.expression = Some(expression);
        rendered
    }

    fn test(&mut self, test: &Test, index: usize) -> String {
        let (attribute, operator, operand) = match test {
            Test::Is(name, value) => (name, "=", Some(value.clone())),
            Test::Below(name, most) => (name, "<", Some(Value::Number(*most))),
            Test::Missing(name) => (name, "", None),
        };
        let (name, value) = (format!("#n{index}"), format!(":v{index}"));
        self.names.get_or_insert_default().insert(name.clone(), (*attribute).to_owned());
        match operand {
            None => format!("attribute_not_exists({name})"),
            Some(operand) => {
                self.values.get_or_insert_default().insert(value.clone(), attribute_value(operand));
                format!("{name} {operator} {value}")
            }
        }
    }
}

fn attribute_value(value: Value) -> AttributeValue {
    match value {
        Value::Text(text) => AttributeValue::S(text),
        Value::Number(number) => AttributeValue::N(number.to_string()),
    }
}

fn attributes(item: Item) -> Attributes {
    item.into_iter().map(|(name, value)| (name, attribute_value(value))).collect()
}

/// What is neither a text nor a whole number was written by a person, and is kept as a text: who expects a number says that
/// there is none, which is better than believing that nothing was written.
fn item(attributes: Attributes) -> Item {
    let value = |value: AttributeValue| match value {
        AttributeValue::S(text) => Value::Text(text),
        AttributeValue::N(number) => number.parse().map_or(Value::Text(number), Value::Number),
        AttributeValue::Bool(flag) => Value::Text(flag.to_string()),
        _ => Value::Text(String::new()),
    };
    attributes.into_iter().map(|(name, found)| (name, value(found))).collect()
}

fn page(items: Option<Vec<Attributes>>, next: Option<Attributes>) -> Page {
    Page { items: items.unwrap_or_default().into_iter().map(item).collect(), next: next.map(item) }
}

fn reason(reason: &CancellationReason) -> Reason {
    match reason.code() {
        None | Some("None") => Reason::None,
        Some("ConditionalCheckFailed") => Reason::ConditionFailed(reason.item().cloned().map(item)),
        Some("TransactionConflict") => Reason::Conflict,
        Some(code) => Reason::Other(code.to_owned()),
    }
}

/// The SDK's own words for what went wrong, down to the cause; they name the error and the table, never an item.
fn unavailable<E: std::error::Error>(doing: &str, error: &E) -> Unavailable {
    let mut text = format!("{doing}: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    Unavailable(text.chars().take(300).collect())
}
