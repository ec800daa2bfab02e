//! Setting up what a deployment needs at the vendors: its webhook endpoint at Stripe.

mod args;
mod plan;
mod report;
mod signing;

use domain::WebhookEndpointId;
use jiff::Timestamp;
use secrecy::SecretString;
use stripe::{ApiKey, EndpointChange, Made, NewEndpoint, WebhookEndpoint};

use crate::delivery::{self, Delivered, DeliveryError};
pub use args::{RunError, StripeArgs, Vendor};
use plan::{MADE, Plan, REPLACES, STORED};
pub(crate) use plan::{Problem, Step, Wanted, Why, plan};
pub use report::{Report, Said, Told};
pub(crate) use report::{said, told};
use signing::BEFORE_IT_EXPIRES;
pub(crate) use signing::Held;
#[cfg(test)]
pub(crate) use signing::version_of;
pub use signing::{Signing, StoreError, Stored};

/// What `closedwon setup stripe` is asked for.
#[derive(Debug)]
pub struct Request {
    /// Where the deployment takes Stripe's events.
    pub url: String,
    pub events: Vec<&'static str>,
    pub livemode: bool,
    /// Whether an endpoint that cannot be mended may be replaced by another.
    pub replace: bool,
    pub dry_run: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("{0} cannot be the address of an endpoint: it must be https, or http on the loopback interface")]
    Url(String),
    #[error(transparent)]
    Client(#[from] stripe::ConfigError),
    #[error("{source}{}", hint(source))]
    Stripe {
        #[from]
        source: stripe::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "endpoint {endpoint} was made, and its signing secret could not be stored: {why}; mend that and run this again, which \
         takes the endpoint away and makes another"
    )]
    NotStored { endpoint: WebhookEndpointId, why: StoreError },
    #[error(
        "another run of this command stored another secret meanwhile, so that of {endpoint} is lost: let one person set up at a time, and run \
         this again"
    )]
    Overtaken { endpoint: WebhookEndpointId },
    #[error("{0}; both endpoints go on until then: run this again with --replace")]
    Delivery(#[from] DeliveryError),
}

fn hint(error: &stripe::Error) -> &'static str {
    match error {
        stripe::Error::NotAllowed { .. } => {
            ": use a key of your own with write on Webhook Endpoints (STRIPE_API_KEY, or its secret's ARN in --key-secret); the \
             functions' key does not need that"
        }
        stripe::Error::Unknown { .. } => "; run this again, which looks at what has become of it",
        _ => "",
    }
}

/// Makes the one endpoint of this deployment what it has to be, and keeps its signing secret. Whatever moment it is ended at, running it
/// again takes it to the end: an endpoint of ours whose secret nobody has is taken away, and made again.
pub async fn stripe(
    request: &Request,
    base_url: &str,
    key: ApiKey,
    signing: &Signing,
    now: Timestamp,
) -> Result<Report, SetupError> {
    if outbound::webhook_url(&request.url).is_none() {
        return Err(SetupError::Url(request.url.clone()));
    }
    let is_live_key = key.is_live();
    if is_live_key != request.livemode {
        return Ok(Report::of_problem(request, Problem::Mode { is_live_key }));
    }
    let stripe = stripe::Client::new(base_url, key, stripe::Timeouts::default())?;
    let stored = signing.read().await?;
    let mut found = stripe.webhook_endpoints().await?;
    found.retain(|endpoint| endpoint.url == request.url);
    let wanted = Wanted { events: &request.events, replace: request.replace };
    let Plan { endpoint, steps } = match plan(&wanted, &found, &stored.held()) {
        Ok(plan) => plan,
        Err(problem) => return Ok(Report::of_problem(request, problem)),
    };
    let made_at = found.iter().find(|one| Some(&one.id) == endpoint.as_ref()).map(|one| one.created);
    let report = Report::new(request, endpoint);
    let mut work = Work { request, stripe, signing, now, stored, made_at, report };
    for step in steps {
        let is_done = request.dry_run || work.take(&step).await?;
        if is_done {
            work.report.steps.push(said(&step, request.events.len()));
        }
    }
    Ok(work.report)
}

struct Work<'a> {
    request: &'a Request,
    stripe: stripe::Client,
    signing: &'a Signing,
    now: Timestamp,
    stored: Stored,
    /// When the endpoint was made that stays.
    made_at: Option<Timestamp>,
    report: Report,
}

impl Work<'_> {
    /// Whether it could be done.
    async fn take(&mut self, step: &Step) -> Result<bool, SetupError> {
        match step {
            Step::TakeAway(id) => self.stripe.delete_webhook_endpoint(id).await?,
            Step::Create { replaces } => self.create(replaces.as_ref()).await?,
            Step::Mark(id) => self.change(id, EndpointChange { metadata: &[STORED], ..Default::default() }).await?,
            Step::Follow { endpoint, .. } => {
                self.change(endpoint, EndpointChange { events: &self.request.events, ..Default::default() }).await?;
            }
            Step::Enable(id) => self.change(id, EndpointChange { disabled: Some(false), ..Default::default() }).await?,
            Step::Retire(id) => return self.retire(id).await,
        }
        Ok(true)
    }

    async fn change(&self, id: &WebhookEndpointId, change: EndpointChange<'_>) -> Result<(), SetupError> {
        self.stripe.update_webhook_endpoint(id, &change).await?;
        Ok(())
    }

    /// Makes it, keeps its secret, and writes on it that its secret is kept.
    async fn create(&mut self, replaces: Option<&WebhookEndpointId>) -> Result<(), SetupError> {
        let mut metadata = vec![MADE];
        metadata.extend(replaces.map(|old| (REPLACES, old.as_str())));
        let new = NewEndpoint { url: &self.request.url, events: &self.request.events, metadata: &metadata };
        let Made { endpoint: WebhookEndpoint { id, .. }, secret } = self.stripe.create_webhook_endpoint(&new).await?;
        // Whatever was there may be signed with still.
        let previous = self.stored.current();
        let stored = self.signing.store(&id, &secret, previous.as_ref(), self.now).await;
        self.stored = stored.map_err(|why| SetupError::NotStored { endpoint: id.clone(), why })?;
        self.change(&id, EndpointChange { metadata: &[STORED], ..Default::default() }).await?;
        let held = self.signing.read().await?.held();
        if held != self.stored.held() {
            return Err(SetupError::Overtaken { endpoint: id });
        }
        self.made_at = Some(self.now);
        self.report.endpoint = Some(id);
        self.report.next = Some(report::DEPLOY);
        Ok(())
    }

    /// The old one goes when the deployment takes what is signed with the new one's secret: until then it is the one that is heard. And not
    /// before it had the time to bring what it has tried to: Stripe tries again for three days, and of a disabled endpoint not any more
    /// (docs.stripe.com/webhooks).
    async fn retire(&mut self, id: &WebhookEndpointId) -> Result<bool, SetupError> {
        let due = self.made_at.and_then(|at| at.checked_add(BEFORE_IT_EXPIRES).ok());
        if let Some(due) = due.filter(|due| *due > self.now) {
            let secret = self.stored.current().unwrap_or_else(|| SecretString::from(""));
            let taken = delivery::send(&self.request.url, &secret, self.request.livemode, self.now).await?;
            let is_known = matches!(taken, Delivered::Taken);
            let first = if is_known {
                String::new()
            } else {
                format!("the deployment does not take what is signed with the new secret yet ({taken}); and ")
            };
            self.report.waits =
                Some(format!("{id} stays enabled: {first}what it could not deliver yet is delivered until {due}"));
            self.report.next = Some(if is_known { report::AGAIN } else { report::DEPLOY_AND_AGAIN });
            return Ok(false);
        }
        let secret = self.stored.current().unwrap_or_else(|| SecretString::from(""));
        match delivery::send(&self.request.url, &secret, self.request.livemode, self.now).await? {
            Delivered::Taken => {
                self.change(id, EndpointChange { disabled: Some(true), ..Default::default() }).await?;
                Ok(true)
            }
            refused => {
                let why = format!(
                    "{id} stays enabled, since the deployment does not take what is signed with the new secret yet ({refused})"
                );
                self.report.waits = Some(why);
                self.report.next = Some(report::DEPLOY_AND_AGAIN);
                Ok(false)
            }
        }
    }
}
