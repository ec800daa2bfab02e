//! Where both catalogues are, and with which credentials they are read: as the functions are told it, or by flags.

use std::path::{Path, PathBuf};

use clap::Args;
use deployment::Vendors;
use mapping::TaxBehavior;
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
    /// The configuration file: in which currencies the organization sells, where deals have their lines, and how amounts are taxed.
    #[arg(long, value_name = "FILE", default_value = "infra/closedwon.toml")]
    config: PathBuf,
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
        ];
        Environment::new(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))))
    }

    /// Everything that is wrong with it is told at once.
    pub fn read(&self) -> Result<(Vendors, Decided), ConfigError> {
        let mut environment = self.environment();
        let vendors = Vendors::read(&mut environment);
        let decided = decided(&self.config).map_err(|problem| environment.problem(problem)).ok();
        environment.finish(decided).map(|decided| (vendors, decided))
    }
}

/// What the configuration file decides of catalogues.
#[derive(Debug, Clone, Copy)]
pub struct Decided {
    pub settings: Settings,
    pub tax: Option<TaxBehavior>,
}

/// Where the organization keeps a price or a frequency elsewhere than the package, what stands in the package's field says nothing, and is
/// not written.
fn decided(file: &Path) -> Result<Decided, String> {
    let name = file.display();
    let read = crate::config::read(file).map_err(|why| why.to_string())?;
    let read = read.ok_or_else(|| format!("something is wrong with {name}: closedwon config check says what"))?;
    let mapping::Settings { org_currency, multi_currency, line_source, tax, lens, .. } = read.settings;
    let elsewhere = |seen: &&mapping::Seen| ["line.price", "line.frequency"].contains(&seen.key.as_str());
    if let Some(seen) = lens.line.iter().find(elsewhere) {
        return Err(format!(
            "{name} says {}, and catalogues are matched by the package's own fields: write the prices where that reads them",
            seen.key
        ));
    }
    Ok(Decided { settings: Settings { org_currency, multi_currency, line_source }, tax })
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
    use mapping::LineSource;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        connection: Connection,
    }

    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:one-AbCdEf";

    fn read(name: &str, file: &str, flags: &[&str]) -> Result<Decided, ConfigError> {
        let path = std::env::temp_dir().join(format!("closedwon-catalog-{name}-{}.toml", std::process::id()));
        std::fs::write(&path, file).expect("writable");
        let config = ["--config", path.to_str().expect("plain")];
        let line = Line::try_parse_from(["x"].iter().chain(flags).chain(&config)).expect("understood");
        let read = line.connection.read().map(|(_, decided)| decided);
        std::fs::remove_file(path).expect("it was there");
        read
    }

    const FLAGS: [&str; 6] = [
        "--stripe-api-key-secret-arn",
        ARN,
        "--salesforce-credentials-secret-arn",
        ARN,
        "--salesforce-login-url",
        "https://acme.my.salesforce.com",
    ];

    #[test]
    fn what_is_missing_is_told_together() {
        let why = read("missing", "[won]\nstage = 1\n", &[]).expect_err("incomplete").to_string();
        for name in [
            "STRIPE_API_KEY_SECRET_ARN",
            "SALESFORCE_CREDENTIALS_SECRET_ARN",
            "SALESFORCE_LOGIN_URL",
            "config check says what",
        ] {
            assert!(why.contains(name), "{name}: {why}");
        }
    }

    #[test]
    fn the_file_decides_as_it_does_for_deals() {
        let file = "[currencies]\norganization = \"JPY\"\nseveral = true\n[won]\nlines_from = \"cpq_quote\"\n[tax]\ncalculation = \"exclusive\"\n";
        let Decided { settings, tax } = read("decided", file, &FLAGS).expect("complete");
        assert_eq!((settings.org_currency.to_string().as_str(), settings.multi_currency), ("JPY", true));
        assert_eq!((settings.line_source, tax), (LineSource::CpqQuote, Some(TaxBehavior::Exclusive)));
    }

    #[test]
    fn what_is_read_elsewhere_is_not_written_here() {
        let why = read("elsewhere", "[line]\nprice = 'product.Billing_Price__c'\n", &FLAGS)
            .expect_err("elsewhere")
            .to_string();
        assert!(why.contains("line.price"), "{why}");
    }
}
