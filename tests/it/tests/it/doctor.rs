//! `closedwon doctor`: a healthy deployment is well, and each thing that is broken is told with what mends it.

mod doors;
mod stack;

use std::collections::BTreeMap;

use closedwon::Exit;
use closedwon::doctor::{Deployment, Finding, Report, Stack, Verdict, examine};
use closedwon::progress::Silent;
use configuration::Configuration;
use deployment::Config;
use it::{Deal, Env, OpenDoor, Options, PERMISSIONS, TO_FOLLOW};
use platform::Environment;
use sandbox::{Fault, FaultRule};
use secrecy::SecretString;
use serde_json::json;

const KEY: &str = "arn:aws:secretsmanager:eu-central-1:1:secret:stripe-key";
const SIGNING: &str = "arn:aws:secretsmanager:eu-central-1:1:secret:stripe-signing";
const CALLOUT: &str = "arn:aws:secretsmanager:eu-central-1:1:secret:salesforce-callout";
const CREDENTIALS: &str = "arn:aws:secretsmanager:eu-central-1:1:secret:salesforce";

/// What the functions of the stories are configured with, and what doctor is.
struct Practice {
    env: Env,
    door: OpenDoor,
    changes: Vec<(&'static str, &'static str)>,
    file: String,
    own_key: Option<&'static str>,
    timeout_s: Option<u32>,
}

impl Practice {
    async fn healthy() -> Self {
        let permissions = [&PERMISSIONS[..], &TO_FOLLOW[..]].concat();
        Self::with(Options { permissions, followed: domain::Followed::everything(), ..Options::default() }).await
    }

    async fn with(options: Options) -> Self {
        let practice = Self {
            env: Env::with(options).await,
            door: OpenDoor::bind().await,
            changes: vec![],
            file: String::new(),
            own_key: Some(OWN),
            timeout_s: Some(60),
        };
        let [key, client_secret, callout, _, _] = &practice.env.secrets()[..] else { panic!("five secrets") };
        let client_id = sandbox::SandboxConfig::for_project("").salesforce.client_id;
        let credentials = json!({ "client_id": client_id, "client_secret": client_secret }).to_string();
        practice.env.aws.secrets.put(KEY, Some(key));
        practice.env.aws.secrets.put(CREDENTIALS, Some(&credentials));
        practice.env.aws.secrets.put(SIGNING, None);
        practice.env.aws.secrets.put(CALLOUT, Some(callout));
        practice.deploy_stack();
        practice
    }

    /// Its endpoint is set up, and its functions know the secret.
    async fn set_up(mut self) -> Self {
        let followed = domain::Followed::everything();
        let request = closedwon::setup::Request {
            url: self.door.url.clone(),
            events: stripe::webhook::needed(&followed, false),
            livemode: false,
            replace: false,
            dry_run: false,
        };
        let signing = closedwon::setup::Signing::new(&self.env.aws.sdk_config(), SIGNING.to_owned());
        let key = stripe::ApiKey::parse_allowing_full_access(OWN).unwrap();
        let base_url = self.env.sandbox.stripe_url();
        closedwon::setup::stripe(&request, base_url, key, &signing, self.env.now()).await.unwrap();
        self.deploy();
        self
    }

    fn deploy(&mut self) {
        let value = SecretString::from(self.env.aws.secrets.current(SIGNING).unwrap().value);
        self.env.stripe_door.secrets = stripe_webhook::signing_secrets(&value, "STRIPE_WEBHOOK_SECRET_ARN").unwrap();
    }

    /// What the worker is configured with.
    fn variables(&self) -> BTreeMap<String, String> {
        let organization_id = self.env.worker.engine.scope.organization_id.to_string();
        let urls = [
            ("STRIPE_API_BASE", self.env.sandbox.stripe_url().to_owned()),
            ("SALESFORCE_LOGIN_URL", self.env.sandbox.salesforce_url().to_owned()),
            ("SALESFORCE_ORG_ID", organization_id),
        ];
        let fixed = VARIABLES.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let changes = self.changes.iter().map(|(name, value)| (*name, (*value).to_owned()));
        fixed.chain(urls).chain(changes).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn config(&self) -> (Config, queue::Places) {
        let configuration = Configuration::read(&self.file).unwrap();
        Config::read_with_queues(Environment::new(self.variables()), configuration).unwrap()
    }

    async fn examine(&self) -> Report {
        let (config, places) = self.config();
        let aws = self.env.aws.sdk_config();
        let deployment = Deployment {
            config,
            places,
            url: Some(self.door.url.clone()),
            signing_secret: Some(SIGNING.into()),
            callout_url: Some(self.door.callout_url.clone()),
            callout_secret: Some(CALLOUT.into()),
            own_key: self.own_key.map(SecretString::from),
            worker_timeout_s: self.timeout_s,
            integration_user_id: Some(sandbox::SandboxConfig::for_project("").salesforce.integration_user_id),
            stack: Some(Stack::read(&aws, STACK.to_owned()).await.unwrap()),
        };
        self.door.during(&self.env, examine(&deployment, &aws, self.env.now(), &Silent)).await
    }

    /// The one check says this, with this remedy.
    async fn finds(&self, check: &str, verdict: Verdict, text: &str, remedy: &str) {
        let report = self.examine().await;
        let found = of(&report, check);
        assert_eq!(found.verdict, verdict, "{report}");
        assert!(found.text.contains(text), "{report}");
        assert!(found.remedy.as_deref().unwrap_or_default().contains(remedy), "{report}");
        let fails = report.findings.iter().any(|finding| finding.verdict == Verdict::Failing);
        assert_eq!(report.exit(), if fails { Exit::NeedsPerson } else { Exit::Well }, "{report}");
    }
}

const OWN: &str = "sk_test_sandbox";
const STACK: &str = "closedwon";

const VARIABLES: &[(&str, &str)] = &[
    ("WORK_QUEUE_URL", "https://sqs.test/1/work"),
    ("BULK_QUEUE_URL", "https://sqs.test/1/bulk"),
    ("SETTLE_SECONDS", "5"),
    ("DEAD_LETTER_QUEUE_URL", "https://sqs.test/1/dead-letter"),
    ("LEDGER_TABLE", "ledger"),
    ("ENVIRONMENT", "test"),
    ("STRIPE_API_KEY_SECRET_ARN", KEY),
    ("STRIPE_ALLOW_FULL_ACCESS_KEY", "false"),
    ("STRIPE_LIVEMODE", "false"),
    ("SALESFORCE_CREDENTIALS_SECRET_ARN", CREDENTIALS),
    ("SALESFORCE_API_VERSION", "v67.0"),
    (
        "FOLLOWED_EVENTS",
        "invoice.finalized,invoice.finalization_failed,invoice.overdue,invoice.voided,invoice.marked_uncollectible,\
         credit_note.created,charge.refunded,charge.dispute.created,customer.deleted,subscription_schedule",
    ),
];

fn of<'a>(report: &'a Report, check: &str) -> &'a Finding {
    let found = report.findings.iter().find(|finding| finding.check == check);
    found.unwrap_or_else(|| panic!("{check} is no check: {report}"))
}

#[tokio::test]
async fn a_healthy_deployment_is_well_and_stays_as_it_was() {
    let practice = Practice::healthy().await.set_up().await;
    practice.env.opportunity_won(&Deal::three_lines()).await;
    practice.env.settle().await;
    let before = (practice.env.aws.items(), practice.env.objects("customer"), practice.env.objects("webhook_endpoint"));
    let written = practice.env.sandbox.salesforce.with(|org| format!("{:?}", org.writes()));
    let report = practice.examine().await;
    assert!(report.findings.iter().all(|finding| finding.verdict == Verdict::Ok), "{report}");
    assert_eq!((report.findings.len(), report.exit()), (34, Exit::Well), "{report}");
    let after = (practice.env.aws.items(), practice.env.objects("customer"), practice.env.objects("webhook_endpoint"));
    assert_eq!(before, after);
    assert_eq!(practice.env.sandbox.salesforce.with(|org| format!("{:?}", org.writes())), written);
    assert!(practice.env.sqs.work().is_empty(), "the test deliveries ask for nothing");
    assert!(practice.env.sqs.dead_letters().is_empty(), "and are no riddle");
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(
        json["findings"][0],
        json!({
            "check": "stripe.key", "verdict": "ok", "text": "a restricted key of test mode", "remedy": null,
        })
    );
}

#[tokio::test]
async fn subscriptions_and_cpq_need_more_and_have_it() {
    let more = ["rak_subscription_write", "rak_plan_write", "rak_invoiceitem_read"];
    let permissions = [&PERMISSIONS[..], &TO_FOLLOW[..], &more[..]].concat();
    let mut practice = Practice::with(Options { permissions, multi_currency: true, ..Options::default() }).await;
    practice.file =
        "[currencies]\nseveral = true\n[won]\nlines_from = \"cpq_quote\"\n[tax]\nshipping_address = \"account\"\n\
                     [subscriptions]\nbegin = \"contract_activated\"\nrenewals = \"extend\"\n"
            .to_owned();
    let report = practice.examine().await;
    for check in ["stripe.permissions", "salesforce.readable", "salesforce.writable", "salesforce.currency"] {
        assert_eq!(of(&report, check).verdict, Verdict::Ok, "{report}");
    }
    practice.file.push_str("proration = \"none\"\n");
    let report = practice.examine().await;
    assert_eq!(of(&report, "stripe.proration").verdict, Verdict::Warning);
    assert!(
        of(&report, "stripe.proration").remedy.as_deref().is_some_and(|remedy| remedy.contains("create_prorations"))
    );
}

#[tokio::test]
async fn what_the_key_lacks_and_has_too_much_is_told_by_name() {
    let permissions = vec![
        "rak_customer_write",
        "rak_invoice_read",
        "rak_product_read",
        "rak_plan_read",
        "rak_event_read",
        "rak_payment_intent_read",
        "rak_webhook_write",
    ];
    let mut practice = Practice::with(Options { permissions, ..Options::default() }).await.set_up().await;
    let lacks = "lacks write on Invoices, read on Credit Notes, read on Charges, read on Disputes";
    practice.finds("stripe.permissions", Verdict::Failing, lacks, "edit the restricted key").await;
    practice.changes = vec![("FOLLOWED_EVENTS", "none")];
    practice.finds("stripe.permissions", Verdict::Failing, "lacks write on Invoices", "").await;
    practice.finds("stripe.excess", Verdict::Warning, "write on Webhook Endpoints", "Take these off").await;
}

#[tokio::test]
async fn a_key_that_is_the_wrong_one_is_told() {
    let mut practice = Practice::healthy().await.set_up().await;
    let refused = [
        ("rk_live_closedwon", "of live mode, and the deployment is for test mode", "mend StripeLivemode"),
        (OWN, "full key", "Make a restricted key"),
        ("rk_test_closedwon\n", "blank or a line break", "without a blank"),
    ];
    for (key, text, remedy) in refused {
        practice.env.aws.secrets.put(KEY, Some(key));
        practice.finds("stripe.key", Verdict::Failing, text, remedy).await;
    }
    practice.env.aws.secrets.put(KEY, Some(OWN));
    practice.changes = vec![("STRIPE_ALLOW_FULL_ACCESS_KEY", "true")];
    practice.finds("stripe.key", Verdict::Warning, "can pay out", "").await;
    practice.finds("stripe.excess", Verdict::Warning, "write on Refunds", "").await;
    practice.env.aws.secrets.put(KEY, Some("rk_test_unknown"));
    practice.finds("stripe.permissions", Verdict::Failing, "not accepted (status 401", "was not rolled").await;
}

/// The functions' key need not see them.
#[tokio::test]
async fn an_endpoint_that_is_not_as_it_has_to_be_is_told() {
    let mut practice = Practice::healthy().await;
    practice.finds("stripe.endpoint", Verdict::Failing, "no endpoint", "closedwon setup stripe").await;
    practice.finds("stripe.signing_secret", Verdict::Failing, "no signing secret", "closedwon setup stripe").await;
    practice = practice.set_up().await;
    let endpoints = practice.env.objects("webhook_endpoint");
    let endpoint = endpoints.iter().find(|endpoint| endpoint["url"] == practice.door.url).unwrap();
    let path = format!("/v1/webhook_endpoints/{}", endpoint["id"].as_str().unwrap());
    practice.env.stripe_post(&path, "enabled_events[0]=invoice.voided").await;
    practice.finds("stripe.endpoint", Verdict::Failing, "add charge.dispute.created", "closedwon setup stripe").await;
    practice.env.stripe_post(&path, "enabled_events[0]=*").await;
    practice.finds("stripe.endpoint", Verdict::Failing, "drop *", "").await;
    practice.own_key = None;
    practice.finds("stripe.endpoint", Verdict::NotChecked, "STRIPE_API_KEY", "").await;
}

#[tokio::test]
async fn a_signature_that_is_refused_is_told() {
    let mut practice = Practice::healthy().await.set_up().await;
    practice.env.aws.secrets.put(SIGNING, Some("whsec_that_the_functions_do_not_know"));
    practice.finds("stripe.delivery", Verdict::Failing, "signature_mismatch", "start them anew").await;
    practice.env.aws.secrets.put(SIGNING, Some("whsec_a\n"));
    practice.finds("stripe.signing_secret", Verdict::Failing, "line break", "").await;
    practice.env.aws.secrets.put(SIGNING, Some("whsec_b"));
    practice.deploy();
    practice.env.stripe_door.livemode = true;
    practice.finds("stripe.delivery", Verdict::Failing, "ignored_mode", "deploy once more with the right one").await;
}

#[tokio::test]
async fn two_customers_of_one_account_and_a_limit_that_is_reached_are_told() {
    let mut practice = Practice::healthy().await.set_up().await;
    for _ in 0..2 {
        let body = "metadata[sf_account_id]=001000000000001AAA&metadata[sf_organization_id]=00D000000000001EAA";
        practice.env.stripe_post("/v1/customers", body).await;
    }
    practice
        .finds("stripe.customers", Verdict::Warning, "account 001000000000001AAA has cus_", "Stripe Customer Id")
        .await;
    practice.file = "[pacing]\nstripe_requests_per_second = 80\n".to_owned();
    practice.finds("stripe.pace", Verdict::Warning, "80", "429").await;
    let often = FaultRule::once("GET", "/v1/products/*", Fault::RateLimited);
    practice.env.sandbox.stripe.inject(often);
    practice.finds("stripe.permissions", Verdict::Warning, "rate limited", "pacing.stripe_requests_per_second").await;
}

/// The classic INVALID_FIELD, and what may be read and not written.
#[tokio::test]
async fn fields_that_are_hidden_or_read_only_are_told_by_name() {
    let practice = Practice::healthy().await.set_up().await;
    let grant = |object: &str, field: &str, is_editable| {
        practice.env.sandbox.salesforce.with(|org| org.grant(object, field, is_editable));
    };
    grant("Opportunity", "Stripe_Invoice_URL__c", Some(false));
    practice
        .finds("salesforce.writable", Verdict::Failing, "Opportunity: Stripe_Invoice_URL__c", "permission set")
        .await;
    grant("Account", "Billing_Email__c", None);
    grant("Opportunity", "Stripe_Invoice_URL__c", None);
    let text = "(INVALID_FIELD): Account: Billing_Email__c; Opportunity: Stripe_Invoice_URL__c";
    practice.finds("salesforce.readable", Verdict::Failing, text, "infra/salesforce/force-app").await;
}

#[tokio::test]
async fn settings_that_do_not_fit_the_organization_are_told() {
    let mut practice = Practice::healthy().await.set_up().await;
    for (variable, value, check, text) in [
        ("SALESFORCE_API_VERSION", "v99.0", "salesforce.version", "v99.0 is not served"),
        (
            "SALESFORCE_ORG_ID",
            "00D000000000009EAA",
            "salesforce.organization",
            "the deployment is for 00D000000000009EAA",
        ),
    ] {
        practice.changes = vec![(variable, value)];
        practice.finds(check, Verdict::Failing, text, "").await;
    }
    practice.changes = vec![];
    practice.file = "[currencies]\nseveral = true\n".to_owned();
    practice.finds("salesforce.currency", Verdict::Failing, "no CurrencyIsoCode", "").await;
    practice.env.aws.secrets.put(CREDENTIALS, Some(r#"{"client_id":"a","client_secret":"b"}"#));
    practice.finds("salesforce.login", Verdict::Failing, "invalid_client", "External Client App").await;
    let unchecked = practice.examine().await;
    assert_eq!(of(&unchecked, "salesforce.readable").verdict, Verdict::NotChecked, "{unchecked}");
}

/// Malformed e-mail addresses and countries, before and after somebody hears of them.
#[tokio::test]
async fn won_deals_that_cannot_be_billed_are_told_by_what_stands_in_their_way() {
    let mut practice = Practice::healthy().await.set_up().await;
    practice.env.expect_dead_letters();
    let deal = Deal { email: Some("ap.@acme.example".into()), country: "Atlantis".into(), ..Deal::three_lines() };
    let opportunity = practice.env.opportunity_won(&deal).await;
    practice.finds("salesforce.deals", Verdict::Warning, &opportunity, "ISO 3166").await;
    let report = practice.examine().await;
    let codes: Vec<_> = report.findings.iter().filter(|finding| finding.check == "salesforce.deals").collect();
    let said = |code: &str| codes.iter().any(|finding| finding.text.contains(code));
    assert!(said("(billing_email_invalid)") && said("(billing_country_unknown)"), "{report}");
    practice.env.settle().await;
    practice.finds("aws.dead_letters", Verdict::Warning, "there: 1", "closedwon explain").await;
}

#[tokio::test]
async fn queues_and_a_table_that_were_changed_by_hand_are_told() {
    let mut practice = Practice::healthy().await.set_up().await;
    practice.timeout_s = Some(300);
    practice.finds("aws.work_queue", Verdict::Warning, "less than 6 times", "template.yaml").await;
    practice.env.sqs.change("bulk", "VisibilityTimeout", "30");
    practice.finds("aws.bulk_queue", Verdict::Failing, "two would work on it", "template.yaml").await;
    practice.timeout_s = Some(60);
    practice.env.sqs.change("bulk", "VisibilityTimeout", "360");
    let elsewhere = r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:1:other","maxReceiveCount":16}"#;
    practice.env.sqs.change("work", "RedrivePolicy", elsewhere);
    practice.finds("aws.work_queue", Verdict::Failing, "1:other", "template.yaml").await;
    practice.env.sqs.change("work", "RedrivePolicy", &elsewhere.replace("other", "dead-letter").replace("16", "3"));
    practice.finds("aws.work_queue", Verdict::Warning, "tried 3 times", "template.yaml").await;
    practice.changes = vec![("LEDGER_TABLE", "nowhere")];
    practice.finds("aws.ledger", Verdict::Failing, "nowhere", "LEDGER_TABLE").await;
}
