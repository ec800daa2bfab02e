//! The whole local stack: tools, binaries, the emulated AWS with the deployed template, the sandbox, and the two
//! vendors set up to call us.

use std::fs::File;
use std::io::Read;

use serde_json::json;

use crate::aws::{Aws, Depth};
use crate::binaries::{self, Beside};
use crate::deploy::{self, Outputs};
use crate::emulator::Emulator;
use crate::failure::{Context, Failure, Result};
use crate::process::Supervisor;
use crate::progress::Progress;
use crate::sandbox::{ORG_ID, SALESFORCE_CLIENT_ID, SALESFORCE_CLIENT_SECRET, STRIPE_KEY, Sandbox};
use crate::story::Door;
use crate::tools::Tools;
use crate::vendors::STRIPE_VERSION;

/// The queues as the template's outputs name them.
pub const QUEUES: [&str; 4] = ["WorkQueueUrl", "BulkQueueUrl", "DeadLetterQueueUrl", "EventDeadLetterQueueUrl"];

const EVENT_BUS: &str = "salesforce-event-relay";
/// Nobody may put events with a source that begins with `aws.`, so the relay of the sandbox has a prefix of its own.
const EVENT_SOURCE_PREFIX: &str = "closedwon.sandbox/salesforce.com/";

/// The fields are dropped in this order: first the sandbox, so that nothing calls a stack that is gone.
pub struct Stack {
    pub sandbox: Sandbox,
    pub outputs: Outputs,
    pub stripe_webhook_url: String,
    pub salesforce_events_url: String,
    pub salesforce_webhook_secret: String,
    pub stripe_webhook_secret: String,
    pub emulator: Emulator,
    pub tools: Tools,
    pub supervisor: Supervisor,
}

/// Installs the tools and builds the binaries, side by side.
pub fn prepare(supervisor: &Supervisor, progress: Progress, beside: Beside) -> Result<Tools> {
    std::thread::scope(|scope| {
        let build = scope.spawn(|| binaries::build(supervisor, progress, beside));
        let tools = Tools::install(supervisor, progress);
        build.join().map_err(|_| Failure::new("the build panicked"))??;
        tools
    })
}

impl Stack {
    pub fn start(supervisor: &Supervisor, tools: Tools, progress: Progress) -> Result<Self> {
        progress.say("starting the emulated AWS and the sandbox");
        let emulator = Emulator::start(supervisor, &tools)?;
        let sandbox = Sandbox::start(supervisor)?;
        let aws = &emulator.aws;

        let salesforce_webhook_secret = signing_secret()?;
        let credentials = json!({ "client_id": SALESFORCE_CLIENT_ID, "client_secret": SALESFORCE_CLIENT_SECRET });
        let stripe_key_arn = aws.create_secret("closedwon/stripe-api-key", Some(STRIPE_KEY))?;
        let credentials_arn = aws.create_secret("closedwon/salesforce", Some(&credentials.to_string()))?;
        let salesforce_secret_arn =
            aws.create_secret("closedwon/salesforce-webhook", Some(&salesforce_webhook_secret))?;
        let slack_webhook_arn = aws.create_secret("closedwon/slack", Some(&sandbox.slack_webhook))?;
        // Stripe makes this one when the endpoint is registered, for which the stack has to be there. Functions read
        // their secrets at cold start, so it only has to have a value before the first event.
        let stripe_secret_arn = aws.create_secret("closedwon/stripe-webhook", None)?;
        aws.create_event_bus(EVENT_BUS)?;

        progress.say("deploying template.yaml with the SAM CLI");
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
        let parameters = [
            ("Environment", "local"),
            ("Architecture", architecture),
            ("WorkerTimeoutSeconds", "30"),
            ("DeletionProtection", "false"),
            ("StripeApiKeySecretArn", &stripe_key_arn),
            ("StripeWebhookSecretArn", &stripe_secret_arn),
            ("StripeApiBase", &sandbox.stripe_url),
            ("SalesforceCredentialsSecretArn", &credentials_arn),
            ("SalesforceWebhookSecretArn", &salesforce_secret_arn),
            ("SalesforceLoginUrl", &sandbox.salesforce_url),
            ("SalesforceOrgId", ORG_ID),
            ("SalesforceIntegrationUserId", &sandbox.integration_user_id),
            ("SlackWebhookSecretArn", &slack_webhook_arn),
            ("SalesforceEventBusName", EVENT_BUS),
            ("SalesforceEventSourcePrefix", EVENT_SOURCE_PREFIX),
        ];
        let outputs = deploy::deploy(supervisor, &tools, aws, &parameters)?;

        // The emulator also serves an API below this path, which needs no name to be resolved.
        let api = format!("{}/_aws/execute-api/{}", aws.endpoint, outputs.get("ApiId")?);
        let stripe_webhook_url = format!("{api}/stripe/webhook");
        let salesforce_events_url = format!("{api}/salesforce/events");

        progress.say("registering the webhook endpoint at Stripe");
        let endpoint = sandbox.stripe().post(
            "/v1/webhook_endpoints",
            &[
                ("url", &stripe_webhook_url),
                ("enabled_events[0]", "invoice.paid"),
                ("enabled_events[1]", "customer.subscription.updated"),
                ("enabled_events[2]", "customer.subscription.deleted"),
                ("enabled_events[3]", "customer.subscription.paused"),
                ("enabled_events[4]", "customer.subscription.resumed"),
                ("enabled_events[5]", "invoice_payment.paid"),
                ("enabled_events[6]", "invoice.payment_failed"),
                ("enabled_events[7]", "invoice.voided"),
                ("enabled_events[8]", "invoice.marked_uncollectible"),
                ("enabled_events[9]", "invoice.finalized"),
                ("enabled_events[10]", "invoice.finalization_failed"),
                ("enabled_events[11]", "invoice.overdue"),
                ("enabled_events[12]", "credit_note.created"),
                ("enabled_events[13]", "charge.refunded"),
                ("enabled_events[14]", "charge.dispute.created"),
                ("enabled_events[15]", "customer.deleted"),
                ("enabled_events[16]", "subscription_schedule.aborted"),
                ("enabled_events[17]", "subscription_schedule.canceled"),
                ("enabled_events[18]", "subscription_schedule.completed"),
                ("enabled_events[19]", "subscription_schedule.created"),
                ("enabled_events[20]", "subscription_schedule.expiring"),
                ("enabled_events[21]", "subscription_schedule.released"),
                ("enabled_events[22]", "subscription_schedule.updated"),
                ("enabled_events[23]", "credit_note.voided"),
                ("api_version", STRIPE_VERSION),
            ],
        )?;
        let stripe_webhook_secret = crate::aws::text(&endpoint, "secret")?.to_owned();
        aws.put_secret(&stripe_secret_arn, &stripe_webhook_secret)?;

        let stack = Self {
            sandbox,
            outputs,
            stripe_webhook_url,
            salesforce_events_url,
            salesforce_webhook_secret,
            stripe_webhook_secret,
            emulator,
            tools,
            supervisor: supervisor.clone(),
        };
        stack.set_door(Door::Callout)?;
        progress.say("the stack is up");
        Ok(stack)
    }

    /// What is to be worked on, on both queues.
    pub fn work(&self) -> Result<Depth> {
        let depth = |output| self.aws().queue_depth(self.outputs.get(output)?);
        Ok(depth("WorkQueueUrl")?.and(depth("BulkQueueUrl")?))
    }

    pub fn aws(&self) -> &Aws {
        &self.emulator.aws
    }

    /// By which door Salesforce's events come in from now on.
    pub fn set_door(&self, door: Door) -> Result<()> {
        let trigger = match door {
            Door::Callout => json!({
                "callout": { "url": self.salesforce_events_url, "secret": self.salesforce_webhook_secret }
            }),
            Door::Relay => json!({
                "relay": {
                    "endpoint": self.aws().endpoint,
                    "bus": EVENT_BUS,
                    "source": format!("{EVENT_SOURCE_PREFIX}{ORG_ID}/0YL000000000001GAA"),
                    "mode": "platform_event"
                }
            }),
        };
        self.sandbox.set_trigger(&trigger)
    }
}

/// A secret as Standard Webhooks writes it. Hexadecimal digits are base64 digits too, and 48 of them need no padding.
fn signing_secret() -> Result<String> {
    let mut bytes = [0u8; 24];
    File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes)).context("reading /dev/urandom")?;
    Ok(format!("whsec_{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}
