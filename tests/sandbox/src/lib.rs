#![doc = include_str!("../README.md")]

pub mod clock;
pub mod faults;
pub mod salesforce;
pub mod shell;
pub mod slack;
pub mod stripe;
pub mod wire;

pub use clock::Clock;
pub use faults::{Fault, FaultRule};
pub use shell::{DeliveryPolicy, DeliveryRecord, Handle, LoggedRequest};

use std::path::PathBuf;

#[derive(Debug, Clone)]
pub struct SandboxConfig {
    pub stripe: stripe::Config,
    pub salesforce: salesforce::Config,
    /// 0 is any free port, here and below.
    pub stripe_port: u16,
    pub salesforce_port: u16,
    pub slack_port: u16,
    pub clock: Clock,
    pub delivery: DeliveryPolicy,
}

impl SandboxConfig {
    /// The credentials and the org that the demo uses, on free ports, in the system's time.
    pub fn for_project(salesforce_project_dir: impl Into<PathBuf>) -> Self {
        Self {
            stripe: stripe::Config::default(),
            salesforce: salesforce::Config::for_project(salesforce_project_dir),
            stripe_port: 0,
            salesforce_port: 0,
            slack_port: 0,
            clock: Clock::system(),
            delivery: DeliveryPolicy::default(),
        }
    }
}

/// The services, running in the caller's tokio runtime until this is dropped.
pub struct Sandbox {
    pub stripe: Handle<stripe::Stripe>,
    pub salesforce: Handle<salesforce::Salesforce>,
    pub slack: Handle<slack::Slack>,
    pub clock: Clock,
    running: [shell::Running; 3],
}

impl Sandbox {
    /// When this returns, all ports are open. It fails when a port is taken or the Salesforce project cannot be read.
    pub async fn start(config: SandboxConfig) -> Result<Self, String> {
        let SandboxConfig { clock, delivery, .. } = config;
        let org = salesforce::Salesforce::new(config.salesforce)?;
        let account = stripe::Stripe::new(config.stripe);
        let (stripe, stripe_tasks) = shell::start(account, config.stripe_port, clock.clone(), delivery.clone()).await?;
        let (salesforce, salesforce_tasks) =
            shell::start(org, config.salesforce_port, clock.clone(), delivery.clone()).await?;
        let workspace = slack::Slack::default();
        let (slack, slack_tasks) = shell::start(workspace, config.slack_port, clock.clone(), delivery).await?;
        Ok(Self { stripe, salesforce, slack, clock, running: [stripe_tasks, salesforce_tasks, slack_tasks] })
    }

    pub fn stripe_url(&self) -> &str {
        self.stripe.url()
    }

    pub fn salesforce_url(&self) -> &str {
        self.salesforce.url()
    }

    /// The address that Slack shows whoever makes an incoming webhook.
    pub fn slack_webhook(&self) -> String {
        format!("{}{}", self.slack.url(), slack::PATH)
    }

    /// Closes the ports and gives up all deliveries. Handles that were cloned still see the state.
    pub fn stop(self) {
        drop(self.running);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_services_share_one_clock_and_end_together() {
        let project = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/salesforce");
        let config = SandboxConfig { clock: Clock::frozen(1_000), ..SandboxConfig::for_project(project) };
        let sandbox = Sandbox::start(config).await.expect("starts");
        sandbox.clock.advance(500);
        let urls = [sandbox.stripe_url(), sandbox.salesforce_url()].map(|url| format!("{url}/_sandbox/health"));
        for url in &urls {
            let body = reqwest::get(url).await.expect("answers").bytes().await.expect("a body");
            let health: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(health["now_ms"], 1_500);
        }
        sandbox.stop();
        for url in &urls {
            assert!(reqwest::get(url).await.is_err());
        }
    }
}
