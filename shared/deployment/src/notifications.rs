//! What the environment says of what people are told, and the ways to tell them.

use std::time::Duration;

use aws_config::SdkConfig;
use configuration::Told;
use mapping::{Channel, Notifications};
use notify::{Notifier, Slack, Timeouts, Topic};
use platform::{Environment, Secrets};

const SLACK: &str = "SLACK_WEBHOOK_SECRET_ARN";
const TOPIC: &str = "NOTIFICATION_TOPIC_ARN";

/// Deals wait for a free worker, so Slack is not waited for as long as Stripe.
const PATIENCE: Timeouts = Timeouts { connect: Duration::from_secs(1), request: Duration::from_secs(3) };

/// Where people are told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ways {
    slack_secret_arn: Option<String>,
    topic_arn: Option<String>,
}

pub(crate) fn notifications(
    environment: &mut Environment,
    told: &Told,
    livemode: bool,
) -> (Option<Notifications>, Ways) {
    let slack_secret_arn = environment.optional(SLACK).map(|_| environment.secret_arn(SLACK));
    let topic_arn = environment.parsed_if_set(TOPIC, |value| match value.split(':').nth(2) {
        Some("sns") if value.starts_with("arn:") && !value.ends_with(".fifo") => Ok(value.to_owned()),
        _ => Err("it must be the ARN of a topic that is not FIFO"),
    });
    let slack = slack_secret_arn.as_ref().map(|_| Channel::Slack);
    let channels: Vec<_> = slack.into_iter().chain(topic_arn.as_ref().map(|_| Channel::Email)).collect();
    let Told { wins, refusals, failures, digests, window, ref rules } = *told;
    let is_any = wins || refusals || failures || digests;
    let policy = (is_any && !channels.is_empty()).then(|| Notifications {
        channels,
        wins,
        refusals,
        failures,
        digests,
        window,
        rules: rules.clone(),
        salesforce_url: environment.optional("SALESFORCE_LOGIN_URL").unwrap_or_default().trim_end_matches('/').into(),
        livemode,
    });
    (policy, Ways { slack_secret_arn, topic_arn })
}

impl Ways {
    /// No money waits for it: with an address that cannot be read or is none, the function starts all the same. What people are to be
    /// told then waits for a day, and is put before a person.
    pub(crate) async fn notifier(self, aws: &SdkConfig, secrets: &Secrets) -> Notifier {
        let slack = match &self.slack_secret_arn {
            Some(arn) => match secrets.read(arn, SLACK).await {
                Ok(address) => Slack::new(&address, PATIENCE).map_err(|why| why.to_string()),
                Err(error) => Err(error.to_string()),
            }
            .inspect_err(|why| tracing::error!("nobody is told anything by Slack: {SLACK}: {why}"))
            .ok(),
            None => None,
        };
        let topic = self.topic_arn.map(|arn| Topic::new(aws_sdk_sns::config::Builder::from(aws), arn));
        Notifier { slack, topic }
    }
}
