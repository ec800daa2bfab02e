//! The few AWS calls that the local stack needs, in AWS's own JSON protocol. The emulator reads the service's name from
//! the credential scope of the `Authorization` header and checks no signature.

use std::time::Duration;

use serde_json::{Value, json};

use crate::failure::{Context, Failure, Result};
use crate::http::{Http, encode, form};

pub const REGION: &str = "us-east-1";

#[derive(Clone)]
pub struct Aws {
    http: Http,
    pub endpoint: String,
}

/// What a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Depth {
    #[serde(rename = "ApproximateNumberOfMessages")]
    pub visible: u64,
    #[serde(rename = "ApproximateNumberOfMessagesNotVisible")]
    pub in_flight: u64,
    #[serde(rename = "ApproximateNumberOfMessagesDelayed")]
    pub delayed: u64,
}

impl Depth {
    /// Of two queues together.
    pub fn and(self, other: Self) -> Self {
        Self {
            visible: self.visible + other.visible,
            in_flight: self.in_flight + other.in_flight,
            delayed: self.delayed + other.delayed,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.visible + self.in_flight + self.delayed == 0
    }
}

impl Aws {
    pub fn new(endpoint: String) -> Self {
        Self { http: Http::new(Duration::from_secs(120)), endpoint }
    }

    fn call(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let authorization = authorization(service);
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target),
            ("authorization", authorization.as_str()),
        ];
        self.http.send("POST", &format!("{}/", self.endpoint), &headers, &body.to_string())?.json(target)
    }

    /// Creates a secret and answers its ARN. A secret without a value is how AWS lets one be announced before it exists.
    pub fn create_secret(&self, name: &str, value: Option<&str>) -> Result<String> {
        let mut body = json!({ "Name": name });
        if let Some(value) = value {
            body["SecretString"] = json!(value);
        }
        let created = self.call("secretsmanager", "secretsmanager.CreateSecret", &body)?;
        text(&created, "ARN").map(str::to_owned)
    }

    pub fn put_secret(&self, arn: &str, value: &str) -> Result<()> {
        let body = json!({ "SecretId": arn, "SecretString": value });
        self.call("secretsmanager", "secretsmanager.PutSecretValue", &body).map(drop)
    }

    pub fn create_event_bus(&self, name: &str) -> Result<()> {
        self.call("events", "AWSEvents.CreateEventBus", &json!({ "Name": name })).map(drop)
    }

    pub fn queue_depth(&self, queue_url: &str) -> Result<Depth> {
        let body = json!({ "QueueUrl": queue_url, "AttributeNames": ["All"] });
        let answer = self.call("sqs", "AmazonSQS.GetQueueAttributes", &body)?;
        let count = |name: &str| -> Result<u64> { text(&answer["Attributes"], name)?.parse().context(name) };
        Ok(Depth {
            visible: count("ApproximateNumberOfMessages")?,
            in_flight: count("ApproximateNumberOfMessagesNotVisible")?,
            delayed: count("ApproximateNumberOfMessagesDelayed")?,
        })
    }

    /// Takes away everything that a queue holds, received or not.
    pub fn purge(&self, queue_url: &str) -> Result<()> {
        self.call("sqs", "AmazonSQS.PurgeQueue", &json!({ "QueueUrl": queue_url })).map(drop)
    }

    /// Up to ten messages, which nobody else sees for half a minute.
    pub fn receive(&self, queue_url: &str) -> Result<Vec<Value>> {
        let body = json!({
            "QueueUrl": queue_url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 30, "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"]
        });
        let answer = self.call("sqs", "AmazonSQS.ReceiveMessage", &body)?;
        Ok(answer["Messages"].as_array().cloned().unwrap_or_default())
    }

    pub fn send_message(&self, queue_url: &str, message: &str) -> Result<()> {
        let body = json!({ "QueueUrl": queue_url, "MessageBody": message });
        self.call("sqs", "AmazonSQS.SendMessage", &body).map(drop)
    }

    pub fn delete_message(&self, queue_url: &str, receipt_handle: &str) -> Result<()> {
        let body = json!({ "QueueUrl": queue_url, "ReceiptHandle": receipt_handle });
        self.call("sqs", "AmazonSQS.DeleteMessage", &body).map(drop)
    }

    /// Invokes a function, waits for it, and answers what it answered. A function that failed is an error.
    pub fn invoke(&self, function: &str, payload: &Value) -> Result<Value> {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.endpoint);
        let authorization = authorization("lambda");
        let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
        let answer = self.http.send("POST", &url, &headers, &payload.to_string())?.json(function)?;
        match answer["errorMessage"].as_str() {
            Some(why) => Err(Failure::new(format!("{function} failed: {why}"))),
            None => Ok(answer),
        }
    }

    /// The runs of the ledger that are not finished, as plain JSON. What people are told rests for an hour where whoever said it was killed.
    pub fn open_runs(&self, table: &str) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut body = json!({
            "TableName": table, "IndexName": "open-runs", "KeyConditionExpression": "#open = :run",
            "ExpressionAttributeNames": { "#open": "open" }, "ExpressionAttributeValues": { ":run": { "S": "run" } }
        });
        loop {
            let page = self.call("dynamodb", "DynamoDB_20120810.Query", &body)?;
            items.extend(page["Items"].as_array().into_iter().flatten().map(plain_map));
            match page.get("LastEvaluatedKey") {
                Some(key) if !key.is_null() => body["ExclusiveStartKey"] = key.clone(),
                _ => {
                    items.retain(|item| item["workflow"] != "notification");
                    return Ok(items);
                }
            }
        }
    }

    /// Every item of a table as plain JSON, in the order of its keys.
    pub fn scan(&self, table: &str) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut body = json!({ "TableName": table, "ConsistentRead": true });
        loop {
            let page = self.call("dynamodb", "DynamoDB_20120810.Scan", &body)?;
            items.extend(page["Items"].as_array().into_iter().flatten().map(plain_map));
            match page.get("LastEvaluatedKey") {
                Some(key) if !key.is_null() => body["ExclusiveStartKey"] = key.clone(),
                _ => break,
            }
        }
        items.sort_by_key(|item| (item["pk"].to_string(), item["sk"].to_string()));
        Ok(items)
    }

    /// Everything a log group holds: when it was said (milliseconds since 1970), and what.
    pub fn logs(&self, group: &str) -> Result<Vec<(i64, String)>> {
        let mut messages = Vec::new();
        let mut body = json!({ "logGroupName": group });
        loop {
            let page = self.call("logs", "Logs_20140328.FilterLogEvents", &body)?;
            for event in page["events"].as_array().into_iter().flatten() {
                messages.push((event["timestamp"].as_i64().unwrap_or(0), text(event, "message")?.to_owned()));
            }
            match page["nextToken"].as_str() {
                Some(token) => body["nextToken"] = json!(token),
                None => return Ok(messages),
            }
        }
    }

    /// The outputs of a stack.
    pub fn stack_outputs(&self, stack: &str) -> Result<Vec<(String, String)>> {
        let body = form(&[("Action", "DescribeStacks"), ("Version", "2010-05-15"), ("StackName", stack)]);
        let authorization = authorization("cloudformation");
        let headers =
            [("content-type", "application/x-www-form-urlencoded"), ("authorization", authorization.as_str())];
        let answer = self.http.send("POST", &format!("{}/", self.endpoint), &headers, &body)?;
        let outputs = outputs_in(&answer.body);
        if outputs.is_empty() {
            return Err(Failure::new(format!("the stack {} has no outputs: {}", encode(stack), answer.body)));
        }
        Ok(outputs)
    }
}

/// Names the service; nobody checks the signature.
fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

pub fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    value[field].as_str().ok_or_else(|| Failure::new(format!("there is no text {field} in {value}")))
}

/// The pairs of `OutputKey` and `OutputValue` in a `DescribeStacks` answer.
fn outputs_in(xml: &str) -> Vec<(String, String)> {
    let mut outputs = Vec::new();
    for member in xml.split("<OutputKey>").skip(1) {
        let key = member.split("</OutputKey>").next().unwrap_or_default();
        let value = member.split_once("<OutputValue>").and_then(|(_, rest)| rest.split_once("</OutputValue>"));
        if let Some((value, _)) = value {
            outputs.push((unescaped(key), unescaped(value)));
        }
    }
    outputs
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

fn plain_map(item: &Value) -> Value {
    item.as_object().map_or(Value::Null, |map| map.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
}

/// A DynamoDB attribute value as plain JSON. A number that is no 64-bit integer stays text.
fn plain(attribute: &Value) -> Value {
    let Some((kind, value)) = attribute.as_object().and_then(|map| map.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "N" => value.as_str().and_then(|digits| digits.parse::<i64>().ok()).map_or(value.clone(), Value::from),
        "M" => plain_map(value),
        "L" => value.as_array().into_iter().flatten().map(plain).collect(),
        "NULL" => Value::Null,
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_from_describe_stacks() {
        let xml = "<Outputs><member><OutputKey>ApiUrl</OutputKey><OutputValue>http://a?b&amp;c</OutputValue></member>\
                   <member><OutputKey>Table</OutputKey><Description>d</Description><OutputValue>t-1</OutputValue>\
                   </member></Outputs>";
        let expected = [("ApiUrl", "http://a?b&c"), ("Table", "t-1")];
        assert_eq!(outputs_in(xml), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn items_become_plain_json() {
        let item = json!({
            "pk": { "S": "run#1" }, "version": { "N": "3" }, "done": { "BOOL": true }, "gone": { "NULL": true },
            "plan": { "M": { "lines": { "L": [{ "N": "1" }, { "S": "x" }] } } }
        });
        let expected =
            json!({ "pk": "run#1", "version": 3, "done": true, "gone": null, "plan": { "lines": [1, "x"] } });
        assert_eq!(plain_map(&item), expected);
    }
}
