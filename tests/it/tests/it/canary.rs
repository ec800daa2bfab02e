//! Nothing of what is stored, sent, answered or printed holds a secret, an e-mail address, a name, an address of a person,
//! or a body that came from outside.
//!
//! Every value that must not get out carries a bird's name, and everything that gets out is searched for it.

use engine::PassKind;
use it::{Deal, Env, Line, Options, Worked, base64_event, printed_by};
use jiff::SignedDuration;
use mapping::Channel;
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

/// Who is billed: name, e-mail address, street, phone.
const PERSON: &str = "zeisig";
/// What is sold. It is in the plan, and in no log line, call log or message.
const PRODUCT: &str = "stieglitz";
/// What was sent to a door, or was answered by Stripe or Salesforce.
const BODY: &str = "gimpel";
/// What lay on our own queue and cannot be read. It is kept there as it is.
const MESSAGE: &str = "haenfling";

/// People are told of everything, by name. Where they are told it is theirs.
fn told() -> Options {
    let followed = domain::Followed::everything();
    let permissions = [&it::PERMISSIONS[..], &it::TO_FOLLOW].concat();
    Options { tells: vec![Channel::Slack, Channel::Email], followed, permissions, ..Options::default() }
}

struct Told {
    env: Env,
    answers: Vec<Value>,
}

impl Told {
    async fn begin() -> Self {
        let mut env = Env::with(told()).await;
        env.expect_dead_letters();
        Self { env, answers: Vec::new() }
    }

    async fn post(&mut self, event: Value) {
        let answer = match event["rawPath"].as_str() {
            Some("/stripe/webhook") => self.env.call_stripe(&event).await.body,
            Some(_) => self.env.call_salesforce(&event).await.body,
            None => self.env.relay(&event).await.unwrap_or_else(Value::from),
        };
        self.answers.push(answer);
    }

    async fn settle(&mut self) {
        loop {
            let replies = self.env.deliver().await;
            self.answers.extend(replies.into_iter().map(|reply| reply.body));
            if self.env.work(10).await == Worked::Nothing {
                let Some(next) = self.env.sqs.next_visible_ms() else { return };
                self.env.clock.advance(u32::try_from((next - self.env.clock.now_ms()).max(1)).unwrap());
            }
        }
    }

    /// A deal of somebody with everything that a person has.
    async fn enter(&self, who: &str) -> String {
        let line = |number: i64| Line {
            product: format!("{PRODUCT} {number}"),
            stripe_minor_units: 1_000 * number,
            list_price: (10 * number).to_string(),
            // The second one is negotiated.
            unit_price: (10 * number - number / 2).to_string(),
            quantity: "2".into(),
        };
        let deal = Deal {
            account: format!("{PERSON} {who}"),
            email: Some(format!("{PERSON}.{who}@voliere.example")),
            lines: vec![line(1), line(2)],
            ..Deal::three_lines()
        };
        let opportunity = self.env.enter(&deal).await;
        let account = self.env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
        let address = json!({
            "Phone": format!("{PERSON} 12"), "BillingStreet": format!("{PERSON} Street 1\n{PERSON} Yard"),
            "BillingCity": format!("{PERSON} City"), "BillingState": format!("{PERSON} State"),
            "BillingPostalCode": PERSON,
        });
        self.env.update("Account", &account, address);
        self.env.update("Opportunity", &opportunity, json!({ "Name": format!("{PERSON} deal") }));
        opportunity
    }

    async fn fails_at_stripe(&self, path: &str, status: u16, error: Value) {
        let fault = Fault::Status { status, body: json!({ "error": error, "echo": BODY }).to_string() };
        self.env.sandbox.stripe.inject(FaultRule::once("POST", path, fault));
    }
}

fn header(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// Won, paid, refused, tried again, quarantined, forged.
async fn tell() -> Told {
    let mut told = Told::begin().await;
    won_after_every_kind_of_failure(&mut told).await;
    refused(&mut told).await;
    unreadable(&mut told).await;
    told
}

/// Salesforce does not let us in, and says why.
async fn tell_of_a_closed_door() -> Told {
    let mut told = Told::begin().await;
    let opportunity = told.enter("waiting").await;
    let description = format!("no user {PERSON}@voliere.example");
    let body = json!({ "error": "invalid_grant", "error_description": description, "echo": BODY }).to_string();
    let denied = Fault::Status { status: 400, body };
    told.env.sandbox.salesforce.inject(FaultRule::once("POST", "/services/oauth2/token", denied).times(1_000));
    told.env.close(&opportunity);
    told.settle().await;
    assert_eq!((told.env.invoices().len(), told.env.sqs.dead_letters().len()), (0, 1));
    told
}

async fn won_after_every_kind_of_failure(told: &mut Told) {
    let opportunity = told.enter("won").await;
    for status in [503, 404, 500] {
        let slack = Fault::Status { status, body: format!("{PERSON} {BODY}") };
        told.env.sandbox.slack.inject(FaultRule::once("POST", "**", slack));
    }
    let down = Fault::Status { status: 503, body: format!("<html>{BODY}</html>") };
    let strange = Fault::Status { status: 200, body: format!("{{\"{BODY}\":") };
    let salesforce = &told.env.sandbox.salesforce;
    salesforce.inject(FaultRule::once("POST", "/services/data/**", down.clone()));
    salesforce.inject(FaultRule::once("POST", "/services/data/**", strange.clone()).skip(1));
    salesforce.inject(FaultRule::once("POST", "/services/data/**", Fault::AnswerLost).body_contains("PATCH"));
    let stripe = &told.env.sandbox.stripe;
    stripe.inject(FaultRule::once("POST", "/v1/customers", down));
    stripe.inject(FaultRule::once("POST", "/v1/invoices", Fault::RateLimited));
    stripe.inject(FaultRule::once("POST", "/v1/invoices/*/add_lines", strange));
    stripe.inject(FaultRule::once("POST", "/v1/invoices/*/send", Fault::AnswerLost));
    let message =
        format!("The provided key 'rk_test_{BODY}' does not have 'rak_invoice_write' for {PERSON}@voliere.example");
    told.fails_at_stripe("/v1/invoices/*/send", 403, json!({ "type": "invalid_request_error", "message": message }))
        .await;
    told.env.close(&opportunity);
    told.settle().await;
    let invoice = told.env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"].as_str().unwrap().to_owned();
    told.env.sandbox.stripe.with(|stripe| stripe.attempt_fails(&invoice, "InsufficientFunds", None));
    told.settle().await;
    told.env.pay(&invoice).await;
    told.settle().await;
    // What may have been said is said again.
    told.env.advance(SignedDuration::from_mins(61));
    told.env.reconcile(PassKind::Sweep).await;
    told.settle().await;
    let posted = told.env.last_posted();
    assert!(
        posted.contains(PERSON) && told.env.aws.emails().iter().any(|email| email.text.contains(PERSON)),
        "{posted}"
    );
    assert_eq!(told.env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
    let left = [
        &told.env.sandbox.stripe.faults()[..],
        &told.env.sandbox.salesforce.faults(),
        &told.env.sandbox.slack.faults(),
    ]
    .concat();
    assert!(left.is_empty(), "these did not happen: {left:?}");
}

async fn refused(told: &mut Told) {
    // By us: there is no such country.
    let opportunity = told.enter("refused-here").await;
    let account = told.env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
    told.env.update("Account", &account, json!({ "BillingCountry": format!("{PERSON} Land") }));
    told.env.close(&opportunity);
    told.settle().await;
    // By Stripe, in words that quote what it was given.
    let opportunity = told.enter("refused-there").await;
    let message = format!("Invalid email address: {PERSON}.refused-there@voliere.example, (rk_test_{BODY})");
    let error =
        json!({ "type": "invalid_request_error", "code": "email_invalid", "param": "email", "message": message });
    told.fails_at_stripe("/v1/customers", 400, error).await;
    told.env.close(&opportunity);
    told.settle().await;
    let codes: Vec<_> = told.env.sqs.dead_letters().iter().map(|letter| letter["parked"]["code"].clone()).collect();
    assert_eq!(codes, ["billing_country_unknown", "stripe_refused"]);
}

async fn unreadable(told: &mut Told) {
    let body = format!("{{\"{BODY}\":\"{PERSON}@voliere.example\"");
    let now = told.env.now();
    let signature = stripe::signature::sign(&told.env.stripe_door.secrets.current, body.as_bytes(), now);
    let callout =
        salesforce::signature::sign(&told.env.salesforce_door.secrets.current, "msg_1", body.as_bytes(), now).unwrap();
    let signed = [
        header("webhook-id", "msg_1"),
        header("webhook-timestamp", now.as_second().to_string()),
        header("webhook-signature", callout),
    ];
    let forged = [
        header("stripe-signature", format!("t={},v1={BODY}", now.as_second())),
        header("webhook-id", "msg_2"),
        header("webhook-timestamp", now.as_second().to_string()),
        header("webhook-signature", format!("v1,{BODY}")),
        header("authorization", format!("Bearer {BODY}")),
        header("user-agent", BODY),
    ];
    for (path, headers) in [
        ("/stripe/webhook", &[header("stripe-signature", signature)][..]),
        ("/salesforce/events", &signed),
        ("/stripe/webhook", &forged),
        ("/salesforce/events", &forged),
        ("/stripe/webhook", &[]),
    ] {
        told.post(base64_event("POST", path, headers, body.as_bytes())).await;
    }
    told.post(json!({
        "id": "bridge-1", "detail-type": "Stripe_Sync__e", "time": "2026-11-23T00:00:00Z",
        "source": "aws.partner/salesforce.com/00D000000000001EAA/1", "detail": { "payload": { "Record_Id__c": BODY } },
    }))
    .await;
    told.env.sqs.put(&format!("{{\"version\":1,\"{MESSAGE}\":\"{MESSAGE}\"}}"));
    told.env.sqs.put(&format!("{{\"version\":\"{MESSAGE}\"}}"));
    told.settle().await;
}

/// What would give a secret away, whole or in its one part that matters; and what a session of Salesforce begins with.
fn secrets(env: &Env) -> Vec<String> {
    let whole = env.secrets().into_iter().map(|secret| secret.to_ascii_lowercase());
    let mut secrets: Vec<_> = whole
        .flat_map(|secret| {
            let part = secret.trim_start_matches("whsec_").trim_start_matches("rk_test_").to_owned();
            // A part that is also a word of this project gives nothing away.
            [secret.clone(), if part == "closedwon" { secret } else { part }]
        })
        .collect();
    secrets.push("00d000000000001!".to_owned());
    secrets
}

/// Fails where any of the words stands, and shows the place.
fn assert_without(what: &str, text: &str, words: &[String]) {
    let text = text.to_ascii_lowercase();
    for word in words {
        if let Some(at) = text.find(word.as_str()) {
            let place: String = text[at.saturating_sub(300)..].chars().take(500).collect();
            panic!("{what} holds {word}: …{place}…");
        }
    }
}

fn words(env: &Env, also: &[&str]) -> Vec<String> {
    secrets(env).into_iter().chain(also.iter().map(|word| (*word).to_owned())).collect()
}

/// Everything that the story left behind; how the runs ended.
fn assert_clean(told: &Told) -> Vec<String> {
    let env = &told.env;
    let strict = words(env, &[PERSON, PRODUCT, BODY]);
    for answer in &told.answers {
        assert_without("an answer", &answer.to_string(), &words(env, &[PERSON, PRODUCT, BODY, MESSAGE]));
    }
    for message in env.sqs.sent() {
        // The two that were made unreadable are put aside as they are.
        if !message.contains(MESSAGE) {
            assert_without("a message", &message, &strict);
        }
    }
    let mut ended = Vec::new();
    for item in env.aws.items() {
        let text = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
        let (kind, status) = (text("sk"), text("status"));
        if kind == "run" {
            // The plan stays, with what is sold. Who buys it does not stay when the run has ended.
            assert_without("a run", &item.to_string(), &words(env, &[PERSON, BODY, MESSAGE]));
            ended.push(format!("{} {status}", text("workflow")));
        } else {
            let is_of_passes = ["watermark#", "statement#"].iter().any(|prefix| text("pk").starts_with(prefix));
            assert!(is_of_passes || kind == "link" || kind == "control#schema" || kind.starts_with("call#"), "{kind}");
            assert_without(&kind, &item.to_string(), &strict);
        }
    }
    ended.sort();
    ended
}

#[tokio::test]
async fn what_is_stored_sent_and_answered_is_clean() {
    let told = tell().await;
    // Of the win, of the failure, and of both refusals people were told in both ways.
    let mut expected = vec!["notification done"; 8];
    expected.extend([
        "account_customer done",
        "account_customer rejected",
        "invoice_changed done",
        "invoice_paid done",
        "payment_failed done",
    ]);
    expected.extend(["opportunity_won done", "opportunity_won rejected", "opportunity_won rejected"]);
    expected.sort_unstable();
    assert_eq!(assert_clean(&told), expected);
    // It would be clean, too, if nothing had happened.
    let calls =
        told.env.aws.items().iter().filter(|item| item["sk"]["S"] != "run" && item["sk"]["S"] != "link").count();
    assert!(calls > 15 && told.answers.len() > 10 && told.env.sqs.sent().len() > 8, "{calls} calls");
    assert_eq!(assert_clean(&tell_of_a_closed_door().await), ["opportunity_won open"]);
}

/// Read by the next test, in a process of its own.
#[tokio::test]
#[ignore = "it fills the terminal with log lines"]
async fn the_story_told_aloud() {
    platform::init_logging();
    tell().await;
    tell_of_a_closed_door().await;
}

#[tokio::test]
async fn what_is_printed_is_clean() {
    let printed = printed_by("canary::the_story_told_aloud");
    let env = Env::start().await;
    assert_eq!(env.secrets(), Env::start().await.secrets(), "every story has the same secrets");
    assert_without("the output", &printed, &words(&env, &[PERSON, PRODUCT, BODY, MESSAGE]));
    // It would be clean, too, if nothing were printed.
    let lines: Vec<Value> = printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for message in [
        "queued",
        "called stripe",
        "called salesforce",
        "called notifier",
        "run ended",
        "done",
        "stopped",
        "given back for later",
        "rejected",
        "a message was put aside",
    ] {
        assert!(lines.iter().any(|line| line["message"] == message), "no line says: {message}");
    }
    for metric in ["EventsQueued", "RunsDone", "RunsParked", "Retries", "AccessDenied", "Rejected", "Quarantined"] {
        assert!(lines.iter().any(|line| line[metric] == 1), "nothing counted {metric}");
    }
}
