//! Stripe, by the functions' own key; and by the operator's, what that one may not.

use std::collections::BTreeSet;

use jiff::Timestamp;
use outbound::Timeouts;
use platform::Secrets;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use stripe::{ApiKey, Client, Customer, InvalidApiKey, Reach, Resource, WebhookEndpoint};

use crate::delivery::{self, Delivered};
use crate::doctor::Deployment;
use crate::doctor::finding::Known;
use crate::doctor::stripe::{Answers, EXCESS, Key, needed};
use crate::setup::{Held, Signing, Stored};

/// The newest thousand. Whoever has more has had them for a while.
const MOST_PAGES: usize = 10;

pub(in crate::doctor) struct OfStripe {
    pub(in crate::doctor) key: Known<Key>,
    pub(in crate::doctor) answers: Known<Answers>,
    pub(in crate::doctor) endpoints: Known<Vec<WebhookEndpoint>>,
    pub(in crate::doctor) held: Known<Held>,
    /// What is wrong with what Secrets Manager holds.
    pub(in crate::doctor) not_a_secret: Option<String>,
    pub(in crate::doctor) delivered: Known<Delivered>,
    pub(in crate::doctor) skew_s: Known<i64>,
    pub(in crate::doctor) customers: Known<(Vec<Customer>, bool)>,
}

pub(in crate::doctor) async fn of_stripe(
    deployment: &Deployment,
    aws: &aws_config::SdkConfig,
    now: Timestamp,
) -> OfStripe {
    let config = &deployment.config;
    let secret = Secrets::new(aws).read(&config.vendors.stripe_key_arn, "STRIPE_API_KEY_SECRET_ARN").await;
    let read = secret.map_err(|error| error.problems.join("; ")).and_then(|text| read(&text));
    let (key, client) = match read {
        Err(why) => (Err(why.clone()), Err(why)),
        Ok((key, api_key)) if key.is_live == config.scope.livemode => (Ok(key), client(deployment, api_key)),
        // What a key of the other mode says is not of this deployment.
        Ok((key, _)) => (Ok(key), Err("the key is of the other mode".to_owned())),
    };
    let stored = stored(deployment, aws).await;
    let delivered = match (&deployment.url, &stored) {
        (None, _) => Err(NO_URL.to_owned()),
        (_, Err(why)) => Err(why.clone()),
        (Some(url), Ok(stored)) => match stored.current() {
            None => Err("there is no signing secret to sign with".to_owned()),
            Some(secret) => {
                delivery::send(url, &secret, config.scope.livemode, now).await.map_err(|why| why.to_string())
            }
        },
    };
    OfStripe {
        key,
        answers: match &client {
            Ok(client) => Ok(answers(client, deployment).await),
            Err(why) => Err(why.clone()),
        },
        endpoints: endpoints(deployment, client.as_ref()).await,
        not_a_secret: stored.as_ref().ok().and_then(|stored| stored.problem.clone()),
        held: stored.map(|stored| stored.held()),
        delivered,
        skew_s: skew_s(&config.vendors.stripe_api_base, now).await,
        customers: match &client {
            Ok(client) => customers(client).await,
            Err(why) => Err(why.clone()),
        },
    }
}

pub(in crate::doctor) const NO_URL: &str = "the address of the door is not given (--url)";

fn read(text: &SecretString) -> Known<(Key, ApiKey)> {
    let text = text.expose_secret();
    let is_full = matches!(ApiKey::parse(text), Err(InvalidApiKey::FullAccess));
    let key = ApiKey::parse_allowing_full_access(text).map_err(|why| format!("the key cannot be used: {why}"))?;
    Ok((Key { is_full, is_live: key.is_live() }, key))
}

fn client(deployment: &Deployment, key: ApiKey) -> Known<Client> {
    Client::new(&deployment.config.vendors.stripe_api_base, key, Timeouts::default()).map_err(|why| why.to_string())
}

async fn answers(client: &Client, deployment: &Deployment) -> Answers {
    let asked: BTreeSet<(Resource, Reach)> = needed(&deployment.config.settings).into_iter().chain(EXCESS).collect();
    let mut answers = Answers::new();
    for (resource, reach) in asked {
        let answer = client.may(resource, reach).await.map_err(|error| error.to_string());
        answers.insert((resource, reach), answer);
    }
    answers
}

async fn stored(deployment: &Deployment, aws: &aws_config::SdkConfig) -> Known<Stored> {
    let Some(arn) = &deployment.signing_secret else {
        return Err("the ARN of the webhook's secret is not given (--signing-secret)".to_owned());
    };
    Signing::new(aws, arn.clone()).read().await.map_err(|why| why.to_string())
}

/// The functions' key need not see them.
async fn endpoints(deployment: &Deployment, of_functions: Result<&Client, &String>) -> Known<Vec<WebhookEndpoint>> {
    let Some(url) = &deployment.url else { return Err(NO_URL.to_owned()) };
    let own = match &deployment.own_key {
        Some(text) => {
            let (key, api_key) = read(text)?;
            if key.is_live != deployment.config.scope.livemode {
                return Err("the key in STRIPE_API_KEY is of the other mode".to_owned());
            }
            Some(client(deployment, api_key)?)
        }
        None => None,
    };
    let client = own.as_ref().map_or(of_functions, Ok).map_err(String::clone)?;
    let mut found = client.webhook_endpoints().await.map_err(|error| match error {
        stripe::Error::NotAllowed { status: 403, .. } => {
            "the key may not see webhook endpoints: give one of your own that may, in STRIPE_API_KEY".to_owned()
        }
        error => error.to_string(),
    })?;
    found.retain(|endpoint| endpoint.url == *url);
    Ok(found)
}

/// By the `Date` of an answer, whatever it is.
async fn skew_s(base_url: &str, now: Timestamp) -> Known<i64> {
    let url = outbound::base_url(base_url).ok_or("the address of Stripe cannot be used")?;
    let http = outbound::client(&url, Timeouts::default(), HeaderMap::new())?;
    let response =
        http.get(url).send().await.map_err(|error| format!("Stripe is not reached: {}", error.without_url()))?;
    let date =
        response.headers().get("date").and_then(|date| date.to_str().ok()).ok_or("Stripe's answer has no date")?;
    let there = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date);
    Ok(now.as_second() - there.map_err(|_| "the date of Stripe's answer cannot be read")?.as_second())
}

async fn customers(client: &Client) -> Known<(Vec<Customer>, bool)> {
    let mut customers = Vec::new();
    let mut after = None;
    for _ in 0..MOST_PAGES {
        let page = client.customers_created_page(Timestamp::UNIX_EPOCH, after.as_ref()).await;
        let page = page.map_err(|error| error.to_string())?;
        customers.extend(page.items.into_iter().filter_map(|listed| listed.object));
        let Some(next) = page.next else { return Ok((customers, true)) };
        after = Some(next);
    }
    Ok((customers, false))
}
