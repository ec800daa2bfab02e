//! Where both catalogues are, and with which credentials they are read: as the functions are told it, or by flags.

use clap::Args;
use deployment::Vendors;
use domain::Currency;
use mapping::LineSource;
use platform::{ConfigError, Environment, Secrets};

use super::read::Clients;
use super::records::Settings;

/// Each has the name of the variable that the functions are configured with.
#[derive(Debug, Args)]
pub struct Connection {
    /// The secret with the Stripe key: its mode is that of the prices.
    #[arg(long, env = "STRIPE_API_KEY_SECRET_ARN", value_name = "ARN")]
    stripe_api_key_secret_arn: Option<String>,
    /// Lets a full key (sk_…) through.
    #[arg(long, env = "STRIPE_ALLOW_FULL_ACCESS_KEY", value_name = "true|false", default_value = "false")]
    stripe_allow_full_access_key: String,
    #[arg(long, env = "STRIPE_API_BASE", value_name = "URL", default_value = "https://api.stripe.com")]
    stripe_api_base: String,
    /// The secret with the client id and secret of the Salesforce app.
    #[arg(long, env = "SALESFORCE_CREDENTIALS_SECRET_ARN", value_name = "ARN")]
    salesforce_credentials_secret_arn: Option<String>,
    /// The organization's My Domain: https://acme.my.salesforce.com.
    #[arg(long, env = "SALESFORCE_LOGIN_URL", value_name = "URL")]
    salesforce_login_url: Option<String>,
    #[arg(long, env = "SALESFORCE_API_VERSION", value_name = "VERSION", default_value = "v67.0")]
    salesforce_api_version: String,
    #[arg(long, env = "SALESFORCE_ALLOWED_HOSTS", value_name = "HOSTS", hide = true)]
    salesforce_allowed_hosts: Option<String>,
    /// Whether the organization has several currencies.
    #[arg(long, env = "SALESFORCE_MULTI_CURRENCY", value_name = "true|false", default_value = "false")]
    salesforce_multi_currency: String,
    /// The organization's own currency.
    #[arg(long, env = "ORG_CURRENCY", value_name = "CODE")]
    org_currency: Option<String>,
    /// Where deals have their lines: with cpq_quote it is the quote that says how often something is billed.
    #[arg(long, env = "LINES_FROM", value_name = "WHERE", default_value = "opportunity_products")]
    lines_from: String,
}

impl Connection {
    fn environment(&self) -> Environment {
        let given = [
            ("STRIPE_API_KEY_SECRET_ARN", self.stripe_api_key_secret_arn.as_deref()),
            ("STRIPE_ALLOW_FULL_ACCESS_KEY", Some(self.stripe_allow_full_access_key.as_str())),
            ("STRIPE_API_BASE", Some(self.stripe_api_base.as_str())),
            ("SALESFORCE_CREDENTIALS_SECRET_ARN", self.salesforce_credentials_secret_arn.as_deref()),
            ("SALESFORCE_LOGIN_URL", self.salesforce_login_url.as_deref()),
            ("SALESFORCE_API_VERSION", Some(self.salesforce_api_version.as_str())),
            ("SALESFORCE_ALLOWED_HOSTS", self.salesforce_allowed_hosts.as_deref()),
            ("SALESFORCE_MULTI_CURRENCY", Some(self.salesforce_multi_currency.as_str())),
            ("ORG_CURRENCY", self.org_currency.as_deref()),
            ("LINES_FROM", Some(self.lines_from.as_str())),
        ];
        Environment::new(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))))
    }

    /// Everything that is wrong with it is told at once.
    pub fn read(&self) -> Result<(Vendors, Settings), ConfigError> {
        let mut environment = self.environment();
        let vendors = Vendors::read(&mut environment);
        let multi_currency = environment.flag("SALESFORCE_MULTI_CURRENCY");
        let org_currency = environment.parsed("ORG_CURRENCY", Currency::parse);
        let line_source = environment.parsed("LINES_FROM", LineSource::parse);
        let settings = org_currency.zip(line_source);
        let settings =
            settings.map(|(org_currency, line_source)| Settings { org_currency, multi_currency, line_source });
        environment.finish(settings).map(|settings| (vendors, settings))
    }
}

/// The clients of both vendors, with the secrets as AWS has them.
pub async fn connect(vendors: &Vendors) -> Result<Clients, ConfigError> {
    let aws = platform::sdk_config().await;
    let (key, credentials) = vendors.secrets(&Secrets::new(&aws)).await?;
    let (stripe, salesforce) = vendors.clients(&key, &credentials, None)?;
    Ok(Clients { stripe, salesforce })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        connection: Connection,
    }

    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:one-AbCdEf";

    fn read(flags: &[&str]) -> Result<Settings, ConfigError> {
        let line = Line::try_parse_from(["x"].iter().chain(flags)).expect("understood");
        line.connection.read().map(|(_, settings)| settings)
    }

    #[test]
    fn what_is_missing_is_told_together() {
        let why = read(&["--salesforce-multi-currency", "maybe"]).expect_err("incomplete").to_string();
        for name in [
            "STRIPE_API_KEY_SECRET_ARN",
            "SALESFORCE_CREDENTIALS_SECRET_ARN",
            "SALESFORCE_LOGIN_URL",
            "SALESFORCE_MULTI_CURRENCY",
            "ORG_CURRENCY",
        ] {
            assert!(why.contains(name), "{name}: {why}");
        }
    }

    #[test]
    fn flags_say_what_variables_say() {
        let flags = [
            "--stripe-api-key-secret-arn",
            ARN,
            "--salesforce-credentials-secret-arn",
            ARN,
            "--salesforce-login-url",
            "https://acme.my.salesforce.com",
            "--org-currency",
            "jpy",
            "--lines-from",
            "cpq_quote",
        ];
        let settings = read(&flags).expect("complete");
        assert_eq!((settings.org_currency.as_str(), settings.multi_currency), ("JPY", false));
        assert_eq!(settings.line_source, LineSource::CpqQuote);
    }
}
