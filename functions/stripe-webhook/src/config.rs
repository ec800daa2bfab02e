//! What the function is configured with.

use std::sync::Arc;

use domain::Followed;
use intake::Door;
use jiff::Timestamp;
use platform::{ConfigError, Environment, Rotating, Secrets};
use queue::{Places, Queue};
use stripe::signature::check_secret;

pub struct App {
    pub door: Door,
    pub secrets: Rotating,
    pub livemode: bool,
    pub followed: Followed,
}

impl App {
    pub async fn from_environment(mut environment: Environment) -> Result<Self, ConfigError> {
        const SECRET: &str = "STRIPE_WEBHOOK_SECRET_ARN";
        let settle = environment.parsed(queue::SETTLE, queue::settle);
        let places = Places::read(settle, |name| environment.required(name));
        let secret_arn = environment.secret_arn(SECRET);
        let livemode = environment.flag("STRIPE_LIVEMODE");
        let followed = environment.parsed("FOLLOWED_EVENTS", Followed::parse).unwrap_or_default();
        environment.finish(Some(()))?;
        let aws = platform::sdk_config().await;
        let secrets = signing_secrets(&Secrets::new(&aws).read(&secret_arn, SECRET).await?, SECRET)?;
        let queue = Queue::new(aws_sdk_sqs::Client::new(&aws), places);
        let door = Door { service: "stripe-webhook", queue, now: Arc::new(Timestamp::now) };
        Ok(Self { door, secrets, livemode, followed })
    }
}

/// A secret with a blank or a line break around it would refuse every delivery, so it is refused at start.
pub fn signing_secrets(value: &secrecy::SecretString, variable: &str) -> Result<Rotating, ConfigError> {
    let problem =
        |why: String| ConfigError { problems: vec![format!("the secret of {variable} is not usable: {why}")] };
    let rotating = Rotating::parse(value).map_err(|why| problem(why.into()))?;
    for secret in rotating.all() {
        check_secret(secret).map_err(|why| problem(why.to_string()))?;
    }
    Ok(rotating)
}
