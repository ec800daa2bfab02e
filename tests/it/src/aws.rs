//! AWS in the test's process: the SDK's requests are answered by an embedded DynamoDB and small models of the rest.

mod cbor;
mod cloudwatch;
mod disturbance;
mod lambda;
mod secrets;
mod sns;
mod sqs;

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::{Response, StatusCode};
use aws_smithy_types::body::SdkBody;
use dynoxide::Database;
use serde_json::{Value, json};

pub use cloudwatch::CloudWatch;
pub use disturbance::Disturbance;
use disturbance::Disturbances;
pub use lambda::Lambda;
pub use secrets::SecretsManager;
use sns::Sns;
pub use sns::{Email, TOPIC};
pub use sqs::{Message, Sqs};

pub const WORK_QUEUE: &str = "https://sqs.test/1/work";
pub const BULK_QUEUE: &str = "https://sqs.test/1/bulk";
pub const DEAD_LETTER_QUEUE: &str = "https://sqs.test/1/dead-letter";
pub const TABLE: &str = "ledger";

/// Answers the SDK's requests in this process.
#[derive(Clone)]
pub struct InProcess {
    database: Arc<Database>,
    sqs: Sqs,
    sns: Sns,
    pub secrets: SecretsManager,
    pub lambda: Lambda,
    pub cloudwatch: CloudWatch,
    disturbances: Disturbances,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InProcess")
    }
}

impl InProcess {
    pub fn new(sqs: Sqs) -> Self {
        let database = Database::memory().unwrap();
        // As the template makes it.
        let table = json!({
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [
                { "AttributeName": "pk", "KeyType": "HASH" },
                { "AttributeName": "sk", "KeyType": "RANGE" },
            ],
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" },
                { "AttributeName": "sk", "AttributeType": "S" },
                { "AttributeName": "open", "AttributeType": "S" },
                { "AttributeName": "next_check_at", "AttributeType": "N" },
            ],
            "GlobalSecondaryIndexes": [{
                "IndexName": "open-runs",
                "KeySchema": [
                    { "AttributeName": "open", "KeyType": "HASH" },
                    { "AttributeName": "next_check_at", "KeyType": "RANGE" },
                ],
                "Projection": { "ProjectionType": "ALL" },
            }],
        });
        database.create_table(serde_json::from_value(table).unwrap()).unwrap();
        let expiry = json!({
            "TableName": TABLE,
            "TimeToLiveSpecification": { "AttributeName": "expires_at", "Enabled": true },
        });
        database.update_time_to_live(serde_json::from_value(expiry).unwrap()).unwrap();
        Self {
            database: Arc::new(database),
            sqs,
            sns: Sns::default(),
            secrets: SecretsManager::default(),
            lambda: Lambda::default(),
            cloudwatch: CloudWatch::default(),
            disturbances: Disturbances::default(),
        }
    }

    /// Every item, as DynamoDB's JSON.
    pub fn items(&self) -> Vec<Value> {
        let scan = serde_json::from_value(json!({ "TableName": TABLE })).unwrap();
        let answer = serde_json::to_value(self.database.scan(scan).unwrap()).unwrap();
        answer["Items"].as_array().cloned().unwrap_or_default()
    }

    /// The table as a backup held it.
    pub fn restore(&self, items: &[Value]) {
        for item in self.items() {
            let key = json!({ "pk": item["pk"], "sk": item["sk"] });
            let delete = serde_json::from_value(json!({ "TableName": TABLE, "Key": key })).unwrap();
            self.database.delete_item(delete).unwrap();
        }
        items.iter().for_each(|item| self.put(item));
    }

    /// Writes an item as it is, past the ledger.
    pub fn put(&self, item: &Value) {
        let put = serde_json::from_value(json!({ "TableName": TABLE, "Item": item })).unwrap();
        self.database.put_item(put).unwrap();
    }

    /// After so many requests to DynamoDB or SQS, one goes wrong.
    pub fn disturb(&self, skip: u32, disturbance: Disturbance) {
        self.disturbances.add(skip, disturbance);
    }

    pub fn clear_disturbances(&self) {
        self.disturbances.clear();
    }

    /// What has gone wrong so far.
    pub fn struck(&self) -> Vec<Disturbance> {
        self.disturbances.struck()
    }

    /// For whoever makes clients of their own.
    pub fn sdk_config(&self) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::from_keys("test", "test", None)))
            .http_client(self.clone())
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .build()
    }

    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .region(aws_sdk_dynamodb::config::Region::new("eu-central-1"))
            .credentials_provider(Credentials::from_keys("test", "test", None))
            .http_client(self.clone())
            .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
            .build();
        aws_sdk_dynamodb::Client::from_conf(config)
    }

    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .region(aws_sdk_sqs::config::Region::new("eu-central-1"))
            .credentials_provider(Credentials::from_keys("test", "test", None))
            .http_client(self.clone())
            .retry_config(aws_sdk_sqs::config::retry::RetryConfig::disabled())
            .build();
        aws_sdk_sqs::Client::from_conf(config)
    }

    pub fn sns(&self) -> aws_sdk_sns::config::Builder {
        aws_sdk_sns::Config::builder()
            .behavior_version(aws_sdk_sns::config::BehaviorVersion::latest())
            .region(aws_sdk_sns::config::Region::new("eu-central-1"))
            .credentials_provider(Credentials::from_keys("test", "test", None))
            .http_client(self.clone())
    }

    /// What was sent by e-mail.
    pub fn emails(&self) -> Vec<Email> {
        self.sns.published()
    }

    fn dynamodb_answer(&self, operation: &str, body: Value) -> (u16, Value) {
        fn call<Q: serde::de::DeserializeOwned, A: serde::Serialize>(
            body: Value,
            operation: impl FnOnce(Q) -> dynoxide::Result<A>,
        ) -> (u16, Value) {
            match operation(serde_json::from_value(body).unwrap()) {
                Ok(answer) => (200, serde_json::to_value(answer).unwrap()),
                Err(error) => (error.status_code(), serde_json::from_str(&error.to_json()).unwrap()),
            }
        }
        let database = &self.database;
        match operation {
            "DescribeTable" => call(body, |request| database.describe_table(request)),
            "DescribeTimeToLive" => call(body, |request| database.describe_time_to_live(request)),
            "GetItem" => call(body, |request| database.get_item(request)),
            "PutItem" => call(body, |request| database.put_item(request)),
            "Query" => call(body, |request| database.query(request)),
            "TransactWriteItems" => call(body, |request| database.transact_write_items(request)),
            _ => (400, json!({ "__type": "UnknownOperationException", "message": operation })),
        }
    }
}

impl InProcess {
    fn answer(&self, target: &str, body: &[u8]) -> (u16, String) {
        let json = || serde_json::from_slice::<Value>(body).unwrap_or_default();
        let (status, answer) = match target.split_once('.') {
            None => return self.sns.answer(&String::from_utf8_lossy(body)),
            Some(("AmazonSQS", operation)) => self.sqs.answer(operation, &json()),
            Some(("secretsmanager", operation)) => self.secrets.answer(operation, &json()),
            Some((_, operation)) => self.dynamodb_answer(operation, json()),
        };
        (status, answer.to_string())
    }

    fn disturbed(&self, target: &str, body: &[u8]) -> Result<(u16, String), ConnectorError> {
        let lost = || ConnectorError::io("the connection was lost".into());
        match self.disturbances.strike() {
            None => Ok(self.answer(target, body)),
            Some(Disturbance::Throttled) if target.is_empty() => Ok((400, sns::error("Throttling"))),
            Some(Disturbance::Throttled) => Ok((400, json!({ "__type": "ThrottlingException" }).to_string())),
            Some(Disturbance::RequestLost) => Err(lost()),
            Some(Disturbance::AnswerLost) => {
                self.answer(target, body);
                Err(lost())
            }
            Some(Disturbance::SentTwice) => {
                self.answer(target, body);
                Ok(self.answer(target, body))
            }
        }
    }
}

impl InProcess {
    /// What is not told by a header `x-amz-target` is told by the address. Nothing of the work asks for these, so they are not disturbed.
    fn by_address(&self, request: &HttpRequest) -> Option<(u16, Vec<u8>)> {
        const CLOUDWATCH: &str = "/service/GraniteServiceVersion20100801/operation/";
        let (_, rest) = request.uri().split_once("://")?;
        let (_, address) = rest.split_once('/')?;
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        if let Some(operation) = format!("/{path}").strip_prefix(CLOUDWATCH) {
            return Some(self.cloudwatch.answer(operation, request.body().bytes().unwrap_or_default()));
        }
        path.starts_with("2015-03-31/").then(|| {
            let (status, answer) = self.lambda.answer(request.method(), path, query);
            (status, answer.to_string().into_bytes())
        })
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let respond = |status: u16, body: SdkBody| Response::new(StatusCode::try_from(status).unwrap(), body);
        if let Some((status, answer)) = self.by_address(&request) {
            return HttpConnectorFuture::ready(Ok(respond(status, SdkBody::from(answer))));
        }
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default();
        let answered = self.disturbed(&target, body);
        HttpConnectorFuture::ready(answered.map(|(status, answer)| respond(status, SdkBody::from(answer))))
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
