//! `closedwon setup stripe`: one endpoint, the deployment's own, whatever moment the command was ended at.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use closedwon::Exit;
use closedwon::setup::{Report, Request, SetupError, Signing, stripe as set_up};
use domain::Followed;
use it::{Env, OpenDoor};
use jiff::SignedDuration;
use sandbox::faults::{Fault, FaultRule};
use secrecy::SecretString;
use serde_json::{Value, json};
use stripe::ApiKey;
use stripe::webhook::{TYPES, needed};

const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:closedwon/stripe-signing";
const OLD_VERSION: &str = "2025-03-31.basil";

/// A deployment whose signing secret was made and never given a value, with its door open.
struct Deployment {
    env: Env,
    door: OpenDoor,
}

impl Deployment {
    async fn start() -> Self {
        let env = Env::start().await;
        env.aws.secrets.put(SECRET, None);
        Self { env, door: OpenDoor::bind().await }
    }

    fn request(&self) -> Request {
        let events = needed(&Followed::everything(), true);
        Request { url: self.door.url.clone(), events, livemode: false, replace: false, dry_run: false }
    }

    async fn run(&self) -> Report {
        self.run_as(&self.request()).await.unwrap()
    }

    async fn replace(&self) -> Report {
        self.run_as(&Request { replace: true, ..self.request() }).await.unwrap()
    }

    async fn run_as(&self, request: &Request) -> Result<Report, SetupError> {
        let key = ApiKey::parse_allowing_full_access("sk_test_sandbox").unwrap();
        let signing = Signing::new(&self.env.aws.sdk_config(), SECRET.to_owned());
        let base_url = self.env.sandbox.stripe_url();
        self.door.during(&self.env, set_up(request, base_url, key, &signing, self.env.now())).await
    }

    /// The functions start anew, with the secret as it is by now.
    fn deploy(&mut self) {
        let value = SecretString::from(self.env.aws.secrets.current(SECRET).unwrap().value);
        self.env.stripe_door.secrets = stripe_webhook::signing_secrets(&value, "STRIPE_WEBHOOK_SECRET_ARN").unwrap();
    }

    /// Those of the deployment's address, the oldest first.
    fn endpoints(&self) -> Vec<Value> {
        let mut endpoints = self.env.objects("webhook_endpoint");
        endpoints.retain(|endpoint| endpoint["url"] == self.door.url);
        endpoints.sort_by_key(|endpoint| endpoint["id"].as_str().map(str::to_owned));
        endpoints
    }

    async fn by_hand(&self, more: &str) -> Value {
        let body = format!("url={}&enabled_events[0]=*&{more}", self.door.url);
        self.env.stripe_post("/v1/webhook_endpoints", &body).await
    }

    fn writes(&self) -> Vec<String> {
        self.env.stripe_calls().into_iter().filter(|call| !call.starts_with("GET ")).collect()
    }
}

fn steps(report: &Report) -> Vec<&'static str> {
    report.steps.iter().map(|said| said.step).collect()
}

#[tokio::test]
async fn an_endpoint_is_made_once_and_its_secret_is_the_functions() {
    let mut deployment = Deployment::start().await;
    let made = deployment.run().await;
    assert_eq!((steps(&made), made.exit()), (vec!["create"], Exit::Well), "{made}");
    assert!(made.to_string().contains("start stripe-webhook anew"), "{made}");
    let endpoint = deployment.endpoints().remove(0);
    assert_eq!((&endpoint["api_version"], &endpoint["status"]), (&json!(stripe::API_VERSION), &json!("enabled")));
    assert_eq!(endpoint["enabled_events"], json!(TYPES));
    let stored = deployment.env.aws.secrets.current(SECRET);

    deployment.env.clear_calls();
    let again = deployment.run().await;
    assert_eq!((again.steps.len(), again.exit()), (0, Exit::Well), "{again}");
    assert!(again.to_string().contains("Nothing to do"), "{again}");
    assert_eq!(deployment.writes(), Vec::<String>::new());
    assert_eq!(deployment.env.aws.secrets.current(SECRET), stored);

    // What Stripe signs with it is taken.
    deployment.deploy();
    deployment.env.sandbox.stripe.take_deliveries();
    deployment.env.stripe_post("/v1/customers", "name=Acme").await;
    deployment
        .env
        .stripe_post(&format!("/v1/customers/{}", id_of(&deployment.env, "customer")), "name=Acme%20Inc")
        .await;
    let customer = id_of(&deployment.env, "customer");
    deployment.env.stripe_delete(&format!("/v1/customers/{customer}"));
    let deliveries = deployment.env.sandbox.stripe.take_deliveries();
    let to_us: Vec<_> = deliveries.iter().filter(|delivery| delivery.url == deployment.door.url).collect();
    assert_eq!(to_us.len(), 1, "only customer.deleted is asked for");
    assert_eq!(deployment.env.post(to_us[0]).await.status, 200);
}

fn id_of(env: &Env, object: &str) -> String {
    env.objects(object)[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_does_nothing() {
    let deployment = Deployment::start().await;
    deployment.env.clear_calls();
    let dry = deployment.run_as(&Request { dry_run: true, ..deployment.request() }).await.unwrap();
    assert_eq!(steps(&dry), ["create"]);
    assert!(dry.to_string().contains("Would: make an endpoint for 24 types of events"), "{dry}");
    assert_eq!((deployment.writes(), deployment.env.aws.secrets.current(SECRET)), (Vec::new(), None));
}

#[tokio::test]
async fn events_and_a_disabled_endpoint_are_mended() {
    let deployment = Deployment::start().await;
    let endpoint = deployment.by_hand("api_version=2026-10-28.endive").await;
    deployment.env.aws.secrets.put(SECRET, endpoint["secret"].as_str());
    let path = format!("/v1/webhook_endpoints/{}", endpoint["id"].as_str().unwrap());
    deployment.env.stripe_post(&path, "disabled=true").await;
    let mended = deployment.run().await;
    assert_eq!((steps(&mended), mended.exit()), (vec!["follow", "enable"], Exit::Well), "{mended}");
    let [endpoint] = &deployment.endpoints()[..] else { panic!("there is one") };
    assert_eq!((&endpoint["enabled_events"], &endpoint["status"]), (&json!(TYPES), &json!("enabled")));
    assert!(deployment.run().await.steps.is_empty());
}

/// No endpoint is seen, and a secret is there: with another account's key, or the wrong secret's ARN, one in use would be overwritten.
#[tokio::test]
async fn a_secret_that_is_there_is_not_overwritten_unasked() {
    let deployment = Deployment::start().await;
    let there = "whsec_of_an_endpoint_of_another_account";
    deployment.env.aws.secrets.put(SECRET, Some(there));
    let asked = deployment.run().await;
    assert_eq!((asked.problem.as_ref().unwrap().code, asked.exit()), ("held_for_another", Exit::NeedsPerson));
    assert!(deployment.endpoints().is_empty());
    assert_eq!(deployment.env.aws.secrets.current(SECRET).unwrap().value, there);
    // Asked for, it is kept beside the new one.
    assert_eq!(steps(&deployment.replace().await), ["create"]);
    let value: Value = serde_json::from_str(&deployment.env.aws.secrets.current(SECRET).unwrap().value).unwrap();
    assert_eq!(value["previous"], there);
}

/// The answer to create is lost: there is an endpoint whose secret nobody has, with one that was kept before or without.
#[tokio::test]
async fn a_death_before_the_secret_is_kept_is_mended_by_the_next_run() {
    for before in [None, Some("whsec_of_an_endpoint_that_is_gone")] {
        let mut deployment = Deployment::start().await;
        if before.is_some() {
            deployment.env.aws.secrets.put(SECRET, before);
        }
        let stripe = &deployment.env.sandbox.stripe;
        stripe.inject(FaultRule::once("POST", "/v1/webhook_endpoints", Fault::AnswerLost));
        // What is there may be in use somewhere, so that one has to say that it is not.
        let request = Request { replace: before.is_some(), ..deployment.request() };
        let why = deployment.run_as(&request).await.unwrap_err();
        assert!(why.to_string().contains("run this again"), "{why}");
        let half_made = deployment.endpoints().remove(0)["id"].clone();
        let mended = deployment.run().await;
        assert_eq!((steps(&mended), mended.exit()), (vec!["take_away", "create"], Exit::Well), "{mended}");
        assert_ne!(deployment.endpoints()[0]["id"], half_made);
        assert_eq!(deployment.endpoints().len(), 1);
        deployment.deploy();
        assert!(deployment.run().await.steps.is_empty());
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_kept_leaves_nothing_behind_that_the_next_run_does_not_mend() {
    let deployment = Deployment::start().await;
    deployment.env.aws.secrets.set_read_only(true);
    let why = deployment.run_as(&deployment.request()).await.unwrap_err();
    assert!(matches!(why, SetupError::NotStored { .. }), "{why}");
    assert!(why.to_string().contains("PutSecretValue"), "{why}");
    deployment.env.aws.secrets.set_read_only(false);
    assert_eq!(steps(&deployment.run().await), ["take_away", "create"]);
    assert_eq!(deployment.endpoints().len(), 1);
}

/// The secret is kept, and the endpoint does not say so yet.
#[tokio::test]
async fn a_death_after_the_secret_is_kept_loses_nothing() {
    let deployment = Deployment::start().await;
    let stripe = &deployment.env.sandbox.stripe;
    let refused = Fault::Status { status: 503, body: String::new() };
    stripe.inject(FaultRule::once("POST", "/v1/webhook_endpoints/*", refused));
    deployment.run_as(&deployment.request()).await.unwrap_err();
    let (made, kept) = (deployment.endpoints(), deployment.env.aws.secrets.current(SECRET));
    assert_eq!(steps(&deployment.run().await), ["mark"]);
    assert_eq!(deployment.endpoints()[0]["id"], made[0]["id"]);
    assert_eq!(deployment.env.aws.secrets.current(SECRET), kept);
    assert!(deployment.run().await.steps.is_empty());
}

/// Nothing is lost on the way: the old endpoint is heard until the functions know the new one's secret.
#[tokio::test]
async fn an_endpoint_of_another_version_is_replaced_when_that_is_asked_for() {
    let mut deployment = Deployment::start().await;
    let old = deployment.by_hand(&format!("api_version={OLD_VERSION}")).await;
    deployment.env.aws.secrets.put(SECRET, old["secret"].as_str());
    deployment.deploy();
    let asked = deployment.run().await;
    assert_eq!(asked.exit(), Exit::NeedsPerson);
    let told = asked.problem.as_ref().unwrap();
    assert!(told.text.contains(OLD_VERSION) && told.remedy.contains("--replace"), "{asked}");
    assert_eq!(deployment.endpoints().len(), 1);

    let waits = deployment.replace().await;
    assert_eq!((steps(&waits), waits.exit()), (vec!["create"], Exit::NeedsPerson), "{waits}");
    assert!(waits.to_string().contains("signature_mismatch"), "{waits}");
    let value: Value = serde_json::from_str(&deployment.env.aws.secrets.current(SECRET).unwrap().value).unwrap();
    assert_eq!(value["previous"], old["secret"]);
    assert!(deployment.endpoints().iter().all(|endpoint| endpoint["status"] == "enabled"));
    let told = deployment.run().await.problem.unwrap();
    assert_eq!(told.code, "to_retire");

    // What the old one tried to deliver before is delivered for three days.
    deployment.deploy();
    let waits = deployment.replace().await;
    assert_eq!((steps(&waits), waits.exit()), (vec![], Exit::NeedsPerson), "{waits}");
    assert!(waits.to_string().contains("could not deliver yet") && !waits.to_string().contains("mismatch"), "{waits}");
    deployment.env.advance(SignedDuration::from_hours(73));
    let retired = deployment.replace().await;
    assert_eq!((steps(&retired), retired.exit()), (vec!["retire"], Exit::Well), "{retired}");
    let status = |id: &Value| {
        let endpoints = deployment.endpoints();
        endpoints.iter().find(|endpoint| endpoint["id"] == *id).map(|endpoint| endpoint["status"].clone())
    };
    assert_eq!(status(&old["id"]), Some(json!("disabled")));
    assert_eq!(status(&json!(retired.endpoint)), Some(json!("enabled")));
    assert!(deployment.run().await.steps.is_empty());
}

#[tokio::test]
async fn an_endpoint_whose_secret_nobody_has_is_replaced_when_that_is_asked_for() {
    let deployment = Deployment::start().await;
    deployment.by_hand("api_version=2026-10-28.endive").await;
    let told = deployment.run().await.problem.unwrap();
    assert!(told.text.contains("no signing secret"), "{}", told.text);
    assert_eq!(steps(&deployment.replace().await), ["create"]);
    let value = deployment.env.aws.secrets.current(SECRET).unwrap().value;
    assert!(value.starts_with("whsec_"), "there is none before it");
}

#[tokio::test]
async fn of_two_endpoints_none_is_guessed() {
    let deployment = Deployment::start().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(deployment.by_hand("api_version=2026-10-28.endive").await["id"].as_str().unwrap().to_owned());
    }
    deployment.env.clear_calls();
    for report in [deployment.run().await, deployment.replace().await] {
        let told = report.problem.as_ref().unwrap();
        assert_eq!((told.code, report.exit()), ("several", Exit::NeedsPerson));
        assert!(ids.iter().all(|id| told.text.contains(id)), "{report}");
    }
    assert_eq!(deployment.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_key_of_the_other_mode_is_refused_before_anything_is_asked() {
    let deployment = Deployment::start().await;
    deployment.env.clear_calls();
    let report = deployment.run_as(&Request { livemode: true, ..deployment.request() }).await.unwrap();
    assert_eq!((report.problem.as_ref().unwrap().code, report.exit()), ("mode", Exit::NeedsPerson));
    assert_eq!(deployment.env.stripe_calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_told_before_an_endpoint_is_made() {
    let deployment = Deployment::start().await;
    let signing = Signing::new(&deployment.env.aws.sdk_config(), "arn:aws:secretsmanager:nowhere".into());
    let key = ApiKey::parse_allowing_full_access("sk_test_sandbox").unwrap();
    let base_url = deployment.env.sandbox.stripe_url();
    let why = set_up(&deployment.request(), base_url, key, &signing, deployment.env.now()).await.unwrap_err();
    assert!(why.to_string().contains("there is no secret arn:aws:secretsmanager:nowhere"), "{why}");
    assert!(deployment.endpoints().is_empty());
}

#[tokio::test]
async fn a_key_without_the_permission_is_told_what_it_needs() {
    let deployment = Deployment::start().await;
    let key = ApiKey::parse("rk_test_closedwon").unwrap();
    let signing = Signing::new(&deployment.env.aws.sdk_config(), SECRET.to_owned());
    let base_url = deployment.env.sandbox.stripe_url();
    let why = set_up(&deployment.request(), base_url, key, &signing, deployment.env.now()).await.unwrap_err();
    assert!(why.to_string().contains("write on Webhook Endpoints"), "{why}");
}

/// Whoever reads the README or runs the local stack asks for the same events as whoever runs the command.
#[test]
fn there_is_one_list_of_events() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let stack = read("xtask/src/stack.rs");
    let registered: BTreeSet<_> = stack
        .lines()
        .filter(|line| line.trim_start().starts_with("(\"enabled_events["))
        .filter_map(|line| line.split('"').nth(3))
        .collect();
    assert_eq!(registered, BTreeSet::from(TYPES), "xtask/src/stack.rs");
    let readme = read("README.md");
    let step = readme.split("5. **Webhook**").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap();
    let named: BTreeSet<_> = step.split('`').filter(|word| TYPES.contains(word)).collect();
    assert_eq!(named, BTreeSet::from(TYPES), "README.md");
}
