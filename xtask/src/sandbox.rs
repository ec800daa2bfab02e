//! The sandbox of Stripe and Salesforce: one process, two addresses, and the switches below `/_sandbox/`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::aws::text;
use crate::binaries::released;
use crate::failure::{Context, Failure, Result};
use crate::http::Http;
use crate::process::{Process, Supervisor};
use crate::repository::{local, path, shown, tail};
use crate::vendors::{Salesforce, Stripe};

pub const ORG_ID: &str = "00D000000000001EAA";
/// The restricted key that the functions use.
pub const STRIPE_KEY: &str = "rk_test_closedwon";
/// The full key that the sandbox always knows, for the people (and clients) who set things up.
pub const STRIPE_FULL_KEY: &str = "sk_test_sandbox";
pub const SALESFORCE_CLIENT_ID: &str = "closedwon";
pub const SALESFORCE_CLIENT_SECRET: &str = "closedwon-secret";

pub struct Sandbox {
    pub stripe_url: String,
    pub salesforce_url: String,
    /// The address of an incoming webhook of Slack.
    pub slack_webhook: String,
    pub admin_client_id: String,
    pub admin_client_secret: String,
    pub integration_user_id: String,
    http: Http,
    _process: Process,
    /// The sandbox ends when this closes, whatever becomes of us.
    _stdin: Option<ChildStdin>,
}

impl Sandbox {
    pub fn start(supervisor: &Supervisor) -> Result<Self> {
        let log = local("logs/sandbox.log")?;
        let mut command = Command::new(released("sandbox"));
        command
            .args(["--stripe-port", "0", "--salesforce-port", "0", "--until-stdin-closes"])
            .arg("--salesforce-project")
            .arg(path("infra/salesforce"))
            .args(["--stripe-key", STRIPE_KEY, "--org-id", ORG_ID])
            .args(["--salesforce-client-id", SALESFORCE_CLIENT_ID])
            .args(["--salesforce-client-secret", SALESFORCE_CLIENT_SECRET])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).context("creating the sandbox's log")?);
        let mut process = supervisor.spawn(&mut command)?;
        let stdin = process.take_stdin();
        let stdout = process.take_stdout().ok_or_else(|| Failure::new("the sandbox has no standard output"))?;

        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            // The first line says where it is; the rest is read away, so that the sandbox never waits for us.
            for line in BufReader::new(stdout).lines().map_while(std::result::Result::ok) {
                let _ = sender.send(line);
            }
        });
        let Ok(line) = receiver.recv_timeout(Duration::from_secs(20)) else {
            return Err(Failure::new(format!(
                "the sandbox did not say where it listens; its log is {}\n{}",
                shown(&log),
                tail(&log, 20)
            )));
        };
        let ready: Value = serde_json::from_str(&line).context("reading the sandbox's first line")?;
        let field = |name: &str| text(&ready, name).map(str::to_owned);
        let salesforce_url = field("salesforce_url")?;
        let integration = Salesforce::login(&salesforce_url, SALESFORCE_CLIENT_ID, SALESFORCE_CLIENT_SECRET)?;
        Ok(Self {
            stripe_url: field("stripe_url")?,
            integration_user_id: integration.user_id()?,
            salesforce_url,
            slack_webhook: field("slack_webhook")?,
            admin_client_id: field("salesforce_admin_client_id")?,
            admin_client_secret: field("salesforce_admin_client_secret")?,
            http: Http::new(Duration::from_secs(10)),
            _process: process,
            _stdin: stdin,
        })
    }

    /// Stripe as a person who may do everything.
    pub fn stripe(&self) -> Stripe {
        Stripe::new(&self.stripe_url, STRIPE_FULL_KEY)
    }

    /// Salesforce as its administrator.
    pub fn salesforce(&self) -> Result<Salesforce> {
        Salesforce::login(&self.salesforce_url, &self.admin_client_id, &self.admin_client_secret)
    }

    /// What happens in Salesforce when an opportunity turns Closed Won.
    pub fn set_trigger(&self, trigger: &Value) -> Result<()> {
        let url = format!("{}/_sandbox/config", self.salesforce_url);
        let body = json!({ "trigger": trigger }).to_string();
        self.http
            .send("PUT", &url, &[("content-type", "application/json")], &body)?
            .json("setting the trigger")
            .map(drop)
    }

    /// Makes something go wrong at one of the two services, as the sandbox's README describes it.
    pub fn inject(&self, service_url: &str, faults: &Value) -> Result<()> {
        let url = format!("{service_url}/_sandbox/faults");
        let headers = [("content-type", "application/json")];
        self.http.send("POST", &url, &headers, &faults.to_string())?.json("injecting a fault").map(drop)
    }

    /// Nothing goes wrong any more that was asked for.
    pub fn forget_faults(&self) -> Result<()> {
        for service in [&self.stripe_url, &self.salesforce_url] {
            self.http.send("DELETE", &format!("{service}/_sandbox/faults"), &[], "")?.json("forgetting the faults")?;
        }
        Ok(())
    }

    /// Where what was posted to Slack can be read.
    pub fn slack_channel(&self) -> String {
        let service = self.slack_webhook.split("/services/").next().unwrap_or_default();
        format!("{service}/_sandbox/messages")
    }

    /// What stands in the channel of Slack, oldest first.
    pub fn posted(&self) -> Result<Vec<Value>> {
        let answer = self.http.get(&self.slack_channel())?.json("reading Slack's channel")?;
        answer.as_array().cloned().ok_or_else(|| Failure::new(format!("the sandbox answered no list: {answer}")))
    }

    /// The log of requests that a service answered, oldest first.
    pub fn requests(&self, service_url: &str) -> Result<Vec<Value>> {
        let url = format!("{service_url}/_sandbox/requests");
        let answer = self.http.get(&url)?.json("reading the sandbox's log")?;
        let requests = answer["requests"].as_array().cloned();
        requests.ok_or_else(|| Failure::new(format!("the sandbox answered no list of requests: {answer}")))
    }
}
