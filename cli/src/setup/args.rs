//! The command line of `setup`, and its edge to the process.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::Followed;
use mapping::Subscriptions;
use platform::{ConfigError, Secrets};
use secrecy::{ExposeSecret, SecretString};
use stripe::{ApiKey, InvalidApiKey};

use super::{Report, Request, SetupError, Signing};
use crate::config::Unchecked;

#[derive(Debug, Subcommand)]
pub enum Vendor {
    /// Makes or mends the deployment's webhook endpoint at Stripe, and stores its signing secret.
    Stripe(StripeArgs),
}

#[derive(Debug, Args)]
pub struct StripeArgs {
    /// The endpoint's address: the stack's output StripeWebhookUrl.
    #[arg(long, env = "STRIPE_WEBHOOK_URL")]
    url: String,
    /// The secret (its ARN) that the signing secret is kept in.
    #[arg(long, env = "STRIPE_WEBHOOK_SECRET_ARN")]
    signing_secret: String,
    /// The secret (its ARN) that a key with write on Webhook Endpoints is in. A key itself may be given in STRIPE_API_KEY.
    #[arg(long, env = "STRIPE_API_KEY_SECRET_ARN")]
    key_secret: Option<String>,
    /// Where Stripe is.
    #[arg(long, env = "STRIPE_API_BASE", default_value = "https://api.stripe.com")]
    api_base: String,
    /// The deployment is for live money.
    #[arg(long, env = "STRIPE_LIVEMODE")]
    live: bool,
    /// Which events are followed beside payments and subscriptions, as FollowedEvents says it.
    #[arg(long, env = "FOLLOWED_EVENTS", value_parser = followed, default_value = FOLLOWED)]
    followed_events: Followed,
    /// The configuration file, which says whether recurring lines become subscriptions.
    #[arg(long, default_value = "infra/closedwon.toml")]
    config: PathBuf,
    /// Makes another endpoint in the place of one that cannot be mended.
    #[arg(long)]
    replace: bool,
    /// Says what would be done, and does nothing.
    #[arg(long)]
    dry_run: bool,
    /// For programs.
    #[arg(long)]
    pub json: bool,
}

/// As the template has it.
const FOLLOWED: &str = "invoice.finalization_failed,invoice.overdue,invoice.voided,invoice.marked_uncollectible,\
                        credit_note.created,charge.refunded,charge.dispute.created,customer.deleted,subscription_schedule";

const KEY: &str = "STRIPE_API_KEY";
const KEY_SECRET: &str = "STRIPE_API_KEY_SECRET_ARN";

fn followed(text: &str) -> Result<Followed, String> {
    Followed::parse(text).map_err(|why| why.to_string())
}

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("there is no key: give one in {KEY}, or the ARN of its secret in --key-secret ({KEY_SECRET})")]
    NoKey,
    #[error(transparent)]
    File(#[from] Unchecked),
    #[error("something is wrong with the configuration file: closedwon config check says what")]
    Wrong,
    #[error("the key cannot be used: {0}")]
    Key(#[from] InvalidApiKey),
    #[error(transparent)]
    Secret(#[from] ConfigError),
    #[error(transparent)]
    Setup(#[from] SetupError),
}

impl StripeArgs {
    /// The key of whoever sets up is their own, and may be a full one: the functions never see it.
    pub async fn run(&self) -> Result<Report, RunError> {
        let subscriptions = crate::config::read(&self.config)?.ok_or(RunError::Wrong)?.settings.subscriptions;
        let aws = platform::sdk_config().await;
        let secrets = Secrets::new(&aws);
        let key = match (std::env::var(KEY).ok().filter(|key| !key.is_empty()), &self.key_secret) {
            (Some(key), _) => SecretString::from(key),
            (None, Some(arn)) => secrets.read(arn, KEY_SECRET).await?,
            (None, None) => return Err(RunError::NoKey),
        };
        let key = ApiKey::parse_allowing_full_access(key.expose_secret())?;
        let signing = Signing::new(&aws, self.signing_secret.clone());
        Ok(super::stripe(&self.request(subscriptions), &self.api_base, key, &signing, jiff::Timestamp::now()).await?)
    }

    fn request(&self, subscriptions: Subscriptions) -> Request {
        let with_subscriptions = subscriptions != Subscriptions::Off;
        Request {
            url: self.url.clone(),
            events: stripe::webhook::needed(&self.followed_events, with_subscriptions),
            livemode: self.live,
            replace: self.replace,
            dry_run: self.dry_run,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args as Line, Command};

    fn request(line: &str) -> Request {
        of(line, Subscriptions::Off)
    }

    fn of(line: &str, subscriptions: Subscriptions) -> Request {
        let line =
            format!("closedwon setup stripe --url https://door.example/stripe/webhook --signing-secret arn:s {line}");
        let Command::Setup { vendor: Vendor::Stripe(args) } =
            Line::try_parse_from(line.split_whitespace()).expect("valid").command
        else {
            panic!("it is a set-up")
        };
        args.request(subscriptions)
    }

    #[test]
    fn a_deployment_of_the_templates_defaults_is_set_up_as_it_is_deployed() {
        let template = include_str!("../../../template.yaml");
        let default = |parameter: &str| {
            let of = template.split(&format!("  {parameter}:\n")).nth(1).expect("it is a parameter");
            of.split("Default: ").nth(1).and_then(|rest| rest.lines().next()).expect("it has one").trim_matches('"')
        };
        assert_eq!(FOLLOWED, default("FollowedEvents"));
        assert_eq!(request("").events.len(), 19);
        assert_eq!(of("--followed-events none", Subscriptions::ClosedWon).events.len(), 9);
        assert!(request("--live").livemode && !request("").livemode);
    }
}
