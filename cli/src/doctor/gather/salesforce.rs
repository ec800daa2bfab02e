//! Salesforce, as the integration user sees it.

use std::collections::BTreeSet;

use domain::OpportunityId;
use engine::soql;
use jiff::{SignedDuration, Timestamp};
use mapping::{Deal, Filter, Findings, Needs, RecordQuery, Settings, deal_queries, preflight};
use outbound::Timeouts;
use platform::{Rotating, Secrets};
use salesforce::signature::check_secret;
use salesforce::{ApiUsage, Client, Config, Credentials, Error};
use secrecy::{ExposeSecret, SecretString};

use crate::delivery;
use crate::doctor::Deployment;
use crate::doctor::doors::{Callout, Relay};
use crate::doctor::finding::Known;
use crate::doctor::salesforce::{Login, NO_LOGIN, Waiting};
use crate::doctor::schema::{Led, Schema, follow, paths};

/// Deals of the last week, and no more of them than this: each costs a call.
const LATELY: SignedDuration = SignedDuration::from_hours(24 * 7);
const MOST_DEALS: u32 = 25;

/// A path through more relationships than this is none of ours.
const DEEPEST: usize = 5;

pub(in crate::doctor) struct OfSalesforce {
    pub(in crate::doctor) login: Login,
    pub(in crate::doctor) versions: Known<Vec<String>>,
    pub(in crate::doctor) schema: Known<Schema>,
    pub(in crate::doctor) relays: Known<Vec<Relay>>,
    pub(in crate::doctor) waiting: Known<Waiting>,
    pub(in crate::doctor) callout: Known<Callout>,
    pub(in crate::doctor) usage: Option<ApiUsage>,
}

pub(in crate::doctor) async fn of_salesforce(
    deployment: &Deployment,
    needs: &Needs,
    aws: &aws_config::SdkConfig,
    now: Timestamp,
) -> OfSalesforce {
    let callout = callout(deployment, aws, now).await;
    let nothing = |login, callout| {
        let (versions, schema, waiting) = (Err(NO_LOGIN.into()), Err(NO_LOGIN.into()), Err(NO_LOGIN.into()));
        let relays = Err(NO_LOGIN.into());
        OfSalesforce { login, versions, schema, relays, waiting, callout, usage: None }
    };
    let client = match client(deployment, aws).await {
        Ok(client) => client,
        Err(why) => return nothing(Login::Untried(why), callout),
    };
    let identity = match client.identity().await {
        Ok(identity) => identity,
        Err(error) => return nothing(Login::Denied(error), callout),
    };
    OfSalesforce {
        login: Login::Granted(identity),
        versions: client.versions().await.map_err(|error| error.to_string()),
        schema: schema(&client, needs).await,
        relays: relays(&client).await,
        waiting: waiting(&client, &deployment.config.settings, now).await,
        callout,
        usage: client.api_usage(),
    }
}

async fn client(deployment: &Deployment, aws: &aws_config::SdkConfig) -> Known<Client> {
    const CREDENTIALS: &str = "SALESFORCE_CREDENTIALS_SECRET_ARN";
    let config = &deployment.config;
    let secret = Secrets::new(aws).read(&config.vendors.salesforce.credentials_arn, CREDENTIALS).await;
    let secret = secret.map_err(|error| error.problems.join("; "))?;
    let credentials = Credentials::from_json(secret.expose_secret());
    let config = Config {
        login_url: config.vendors.salesforce.login_url.clone(),
        credentials: credentials.map_err(|why| format!("the credentials cannot be used: {why}"))?,
        api_version: config.vendors.salesforce.api_version.clone(),
        allowed_hosts: config.vendors.salesforce.allowed_hosts.clone(),
        timeouts: Timeouts::default(),
    };
    Client::new(config).map_err(|why| why.to_string())
}

async fn callout(deployment: &Deployment, aws: &aws_config::SdkConfig, now: Timestamp) -> Known<Callout> {
    const SECRET: &str = "SALESFORCE_WEBHOOK_SECRET_ARN";
    let url = deployment.callout_url.as_ref().ok_or("the address of the door is not given (--salesforce-url)")?;
    let arn = deployment.callout_secret.as_ref();
    let arn = arn.ok_or("the ARN of the callouts' secret is not given (--callout-secret)")?;
    let held = Secrets::new(aws).read(arn, SECRET).await.map_err(|error| error.problems.join("; "))?;
    let secret = match current(&held) {
        Ok(secret) => secret,
        Err(why) => return Ok(Callout::Unsigned(why)),
    };
    let organization_id = &deployment.config.scope.organization_id;
    let delivered = delivery::send_callout(url, &secret, organization_id, now).await;
    delivered.map(Callout::Delivered).map_err(|why| why.to_string())
}

/// The secret that is signed with, where the function would start with what is held.
fn current(held: &SecretString) -> Known<SecretString> {
    let rotating = Rotating::parse(held)?;
    for secret in rotating.all() {
        check_secret(secret).map_err(|why| why.to_string())?;
    }
    Ok(rotating.current)
}

/// One of each event relay, with what became of it.
const RELAYS: &str =
    "SELECT RemoteResource, Status, ErrorCode, ErrorMessage, ErrorTime, LastRelayedEventTime FROM EventRelayFeedback";

async fn relays(client: &Client) -> Known<Vec<Relay>> {
    let answer = match client.read(&[RELAYS.to_owned()]).await {
        Ok(answer) => answer,
        Err(Error::Refused(refusal)) if ["INVALID_TYPE", "INVALID_FIELD"].contains(&refusal.error_code.as_str()) => {
            let why = "EventRelayFeedback is not shown to the integration user; an organization that sends callouts needs no event relay";
            return Err(why.to_owned());
        }
        Err(error) => return Err(error.to_string()),
    };
    Ok(answer.iter().flatten().map(relay).collect())
}

fn relay(record: &domain::Record) -> Relay {
    let text = |field: &str| record.text(field);
    let parts = ["ErrorCode", "ErrorMessage", "ErrorTime"].into_iter().filter_map(text).collect::<Vec<_>>();
    Relay {
        remote_resource: text("RemoteResource").unwrap_or("an unknown resource").to_owned(),
        status: text("Status").unwrap_or("of no status").to_owned(),
        error: (!parts.is_empty()).then(|| parts.join(", ")),
        last_relayed: text("LastRelayedEventTime").map(str::to_owned),
    }
}

/// The objects that the queries begin at and that are written, and then those that paths lead through.
async fn schema(client: &Client, needs: &Needs) -> Known<Schema> {
    let mut schema = Schema::new();
    let read = needs.queries.iter().map(|query| query.object);
    let written = needs.written.iter().chain(&needs.made).map(|written| written.object);
    let mut wanted: BTreeSet<String> = read.chain(written).map(str::to_owned).collect();
    for _ in 0..DEEPEST {
        for object in std::mem::take(&mut wanted) {
            let described = client.describe(&object).await.map_err(|error| error.to_string())?;
            schema.insert(object, described);
        }
        for query in &needs.queries {
            for path in paths(query) {
                if let Led::Further(objects) = follow(&schema, query.object, &needs.names.own(query.object, path)) {
                    wanted.extend(objects);
                }
            }
        }
        if wanted.is_empty() {
            break;
        }
    }
    Ok(schema)
}

/// What would be refused of what was won of late and names nothing at Stripe, read and looked through as the worker does it.
async fn waiting(client: &Client, settings: &Settings, now: Timestamp) -> Known<Waiting> {
    let since = now.saturating_sub(LATELY).unwrap_or(now);
    let names = &settings.lens.names;
    let query = RecordQuery {
        object: "Opportunity",
        fields: vec!["Id"],
        also: vec![],
        filter: vec![
            ("StageName", Filter::one_of(&settings.won_stages)),
            ("Stripe_Invoice_Id__c", Filter::IsEmpty),
            ("SystemModstamp", Filter::AtLeast(since)),
        ],
        order_by: vec!["SystemModstamp", "Id"],
        limit: Some(MOST_DEALS),
    };
    let found = client.read(&[soql(&query, names)]).await.map_err(|error| error.to_string())?;
    let ids = found.iter().flatten().filter_map(|record| OpportunityId::parse(record.text("Id")?).ok());
    let ids: Vec<_> = ids.collect();
    let mut refused = Vec::new();
    for id in &ids {
        let queries = deal_queries(id, settings);
        let asked: Vec<_> = queries.iter().map(|query| soql(query, names)).collect();
        let answers = client.read(&asked).await.map_err(|error| error.to_string())?;
        let read = |(query, records): (&RecordQuery, Vec<domain::Record>)| {
            records.into_iter().map(|record| names.read(query.object, record)).collect::<Vec<_>>()
        };
        let mut answers = queries.iter().zip(answers).map(read);
        let mut next = || answers.next().unwrap_or_default();
        let Some(opportunity) = next().into_iter().next() else { continue };
        let deal = Deal {
            opportunity,
            lines: next(),
            primary_contact: next().into_iter().next(),
            activated_contract: next().into_iter().next(),
            // What may not be written is told by a check of its own.
            withheld: Vec::new(),
            undecided: Vec::new(),
            undecided_itself: Vec::new(),
            read_at: now,
        };
        let deal = settings.lens.through(deal);
        if let Err(stop) = preflight(&deal, settings).and_then(Findings::finish)
            && stop.kind != mapping::Kind::NotBillable
        {
            refused.push((id.clone(), stop));
        }
    }
    Ok(Waiting { looked_at: ids.len(), refused })
}
