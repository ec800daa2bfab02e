//! Whether a deployment can do its work: each thing that it needs of Stripe, Salesforce and AWS, with what mends it. Changes nothing.
//!
//! `gather` asks; the checks are functions from what was answered to what is said of it.

mod alarms;
mod args;
mod aws;
mod doors;
mod finding;
mod gather;
mod salesforce;
mod schema;
mod stack;
mod stripe;

use aws_config::SdkConfig;
use deployment::Config;
use jiff::Timestamp;
use mapping::needs;
use queue::Places;
use secrecy::SecretString;

pub use args::{DoctorArgs, RunError};
pub use finding::{Finding, Known, Report, Verdict};
use gather::{OfSalesforce, OfStripe};
pub use stack::Stack;

use crate::progress::Progress;

/// What is examined.
pub struct Deployment {
    /// As the worker is configured.
    pub config: Config,
    pub places: Places,
    /// Where the deployment takes Stripe's events; none where they come by EventBridge alone.
    pub url: Option<String>,
    /// The ARN of the secret that the signing secret is in.
    pub signing_secret: Option<String>,
    /// Where the deployment takes Salesforce's callouts; none where they come by the event relay alone.
    pub callout_url: Option<String>,
    /// The ARN of the secret that callouts are signed with.
    pub callout_secret: Option<String>,
    /// A key of the operator's own, for what the functions' key may not see.
    pub own_key: Option<SecretString>,
    pub worker_timeout_s: Option<u32>,
    pub integration_user_id: Option<String>,
    /// Its functions, where Lambda was asked for them.
    pub stack: Option<Stack>,
}

pub async fn examine(deployment: &Deployment, aws: &SdkConfig, now: Timestamp, progress: &dyn Progress) -> Report {
    progress.begin("asking Stripe", None);
    let mut findings = of_stripe(deployment, aws, now).await;
    progress.begin("asking Salesforce", None);
    findings.extend(of_salesforce(deployment, aws, now).await);
    progress.begin("asking AWS", None);
    findings.extend(of_aws(deployment, aws, now).await);
    progress.end();
    Report { findings }
}

async fn of_stripe(deployment: &Deployment, aws: &SdkConfig, now: Timestamp) -> Vec<Finding> {
    let config = &deployment.config;
    let settings = &config.settings;
    let with_subscriptions = settings.subscriptions != mapping::Subscriptions::Off;
    let events = ::stripe::webhook::needed(&settings.followed, with_subscriptions);
    let OfStripe { key, answers, endpoints, held, not_a_secret, delivered, skew_s, customers } =
        gather::of_stripe(deployment, aws, now).await;
    vec![
        stripe::key(&key, config.scope.livemode, config.vendors.allow_full_access_key),
        stripe::permissions(&stripe::needed(settings), &answers),
        stripe::excess(&answers),
        stripe::endpoint(&endpoints, &held, &events),
        stripe::signing_secret(&held, not_a_secret.as_deref()),
        stripe::delivery(&delivered),
        stripe::clock(&skew_s),
        stripe::customers(&customers),
        stripe::pace(config.requests_per_second),
        stripe::proration(settings),
    ]
}

async fn of_salesforce(deployment: &Deployment, aws: &SdkConfig, now: Timestamp) -> Vec<Finding> {
    let config = &deployment.config;
    let needs = needs(&config.settings);
    let OfSalesforce { login, versions, schema, relays, waiting, callout, usage } =
        gather::of_salesforce(deployment, &needs, aws, now).await;
    let mut findings = vec![
        salesforce::login(&login),
        salesforce::scopes(&login),
        salesforce::organization(&login, &config.scope.organization_id),
        salesforce::user(&login, deployment.integration_user_id.as_deref()),
        salesforce::version(&versions, &config.vendors.salesforce.api_version),
        salesforce::readable(&needs, &schema),
        salesforce::writable(&needs, &schema),
        salesforce::currency(&schema, config.settings.multi_currency),
        salesforce::calls(usage, &config.settings),
        doors::callout(&callout),
        doors::relay(&relays),
    ];
    findings.extend(salesforce::waiting(&waiting));
    findings
}

async fn of_aws(deployment: &Deployment, aws: &SdkConfig, now: Timestamp) -> Vec<Finding> {
    let (config, timeout_s) = (&deployment.config, deployment.worker_timeout_s);
    let sqs = aws_sdk_sqs::Client::new(aws);
    let letters = gather::queue(&sqs, &deployment.places.dead_letter).await;
    let work = gather::queue(&sqs, &deployment.places.work).await;
    let bulk = gather::queue(&sqs, &deployment.places.bulk).await;
    let table = gather::table(&aws_sdk_dynamodb::Client::new(aws), &config.ledger_table).await;
    let mut findings = match &deployment.stack {
        Some(stack) => of_stack(stack, [("work queue", &work), ("bulk queue", &bulk)], aws, now).await,
        None => vec![stack::unnamed()],
    };
    findings.extend([
        aws::queue("aws.work_queue", &work, &letters, timeout_s),
        aws::queue("aws.bulk_queue", &bulk, &letters, timeout_s),
        aws::letters(&letters),
        aws::table(&table),
    ]);
    findings
}

async fn of_stack(
    stack: &Stack,
    queues: [(&'static str, &Known<aws::QueueFacts>); 2],
    aws: &SdkConfig,
    now: Timestamp,
) -> Vec<Finding> {
    let cloudwatch = aws_sdk_cloudwatch::Client::new(aws);
    let sources = match stack.function(stack::WORKER) {
        Some(worker) => gather::sources(&aws_sdk_lambda::Client::new(aws), &worker.name).await,
        None => Err("there is no worker".to_owned()),
    };
    let alarms = gather::alarms(&cloudwatch, &stack.name).await;
    let stripe = last_call(stack, stack::STRIPE_DOOR, &cloudwatch, now).await;
    let salesforce = last_call(stack, stack::SALESFORCE_DOOR, &cloudwatch, now).await;
    let mut findings = vec![
        stack::functions(stack),
        stack::concurrency(stack),
        stack::variables(stack),
        stack::sources(&sources, queues),
    ];
    findings.extend(alarms::alarms(&stack.name, &alarms));
    findings.push(alarms::heard(&stack.name, &alarms));
    findings.extend(doors::last_calls(&stripe, &salesforce));
    findings
}

async fn last_call(
    stack: &Stack,
    door: &str,
    cloudwatch: &aws_sdk_cloudwatch::Client,
    now: Timestamp,
) -> doors::LastCall {
    let function = stack.function(door).ok_or("the function is not there")?;
    gather::last_call(cloudwatch, &function.name, now).await
}
