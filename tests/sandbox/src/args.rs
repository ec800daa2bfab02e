//! The command line, by hand: a dozen options do not need a parser crate.

use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub const USAGE: &str = "\
usage: sandbox [options]
  --salesforce-project DIR      the sfdx project whose fields the org has (infra/salesforce)
  --stripe-port N               0 or left out: any free port
  --salesforce-port N           0 or left out: any free port
  --stripe-key rk_test_…        one more restricted key; may be repeated (sk_test_sandbox always works)
  --stripe-permission rak_…     a permission of the restricted keys; may be repeated (default: what the bundle needs)
  --stripe-tax DE=19            where automatic tax is collected, in percent; may be repeated (default: nowhere)
  --stripe-rate-limit N         requests per second before 429 (default: no limit)
  --stripe-endpoint-limit N     the same at each endpoint; Stripe's own is 25 (default: no limit)
  --salesforce-client-id ID     of the integration user's app
  --salesforce-client-secret S  of the integration user's app
  --salesforce-hold-rows MS     how long a write holds its account's row (default: not at all)
  --org-id 00D…                 18 characters
  --ready-file PATH             written with the same JSON line as stdout once both ports are open
  --until-stdin-closes          end together with the parent process";

/// The permissions that the README tells people to give the bundle's restricted key.
const BUNDLE_PERMISSIONS: [&str; 10] = [
    "rak_charge_read",
    "rak_credit_note_read",
    "rak_customer_write",
    "rak_dispute_read",
    "rak_event_read",
    "rak_invoice_write",
    "rak_invoiceitem_write",
    "rak_payment_intent_read",
    "rak_plan_read",
    "rak_product_read",
];

#[derive(Debug)]
pub struct Args {
    pub stripe_port: u16,
    pub salesforce_port: u16,
    pub stripe_keys: Vec<String>,
    permissions: Vec<String>,
    pub stripe_rate_limit: Option<u32>,
    pub stripe_endpoint_limit: Option<u32>,
    pub stripe_tax: BTreeMap<String, Decimal>,
    pub salesforce_project: PathBuf,
    pub salesforce_client_id: Option<String>,
    pub salesforce_client_secret: Option<String>,
    pub salesforce_hold_rows_ms: Option<u32>,
    pub org_id: Option<String>,
    pub ready_file: Option<PathBuf>,
    pub until_stdin_closes: bool,
}

impl Args {
    /// Nothing when help was asked for.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut args = Self {
            stripe_port: 0,
            salesforce_port: 0,
            stripe_keys: Vec::new(),
            permissions: Vec::new(),
            stripe_rate_limit: None,
            stripe_endpoint_limit: None,
            stripe_tax: BTreeMap::new(),
            salesforce_project: PathBuf::from("infra/salesforce"),
            salesforce_client_id: None,
            salesforce_client_secret: None,
            salesforce_hold_rows_ms: None,
            org_id: None,
            ready_file: None,
            until_stdin_closes: false,
        };
        while let Some(option) = words.next() {
            match option.as_str() {
                "--help" | "-h" => return Ok(None),
                "--until-stdin-closes" => {
                    args.until_stdin_closes = true;
                    continue;
                }
                _ => {}
            }
            let value = words.next().ok_or_else(|| format!("{option} needs a value, or is no option"))?;
            let number = |text: &str| text.parse().map_err(|_| format!("{option} takes a number"));
            match option.as_str() {
                "--stripe-port" => args.stripe_port = port(&option, &value)?,
                "--salesforce-port" => args.salesforce_port = port(&option, &value)?,
                "--stripe-key" => args.stripe_keys.push(value),
                "--stripe-permission" => args.permissions.push(value),
                "--stripe-tax" => args.stripe_tax.extend([tax(&option, &value)?]),
                "--stripe-rate-limit" => args.stripe_rate_limit = Some(number(&value)?),
                "--stripe-endpoint-limit" => args.stripe_endpoint_limit = Some(number(&value)?),
                "--salesforce-hold-rows" => args.salesforce_hold_rows_ms = Some(number(&value)?),
                "--salesforce-project" => args.salesforce_project = value.into(),
                "--salesforce-client-id" => args.salesforce_client_id = Some(value),
                "--salesforce-client-secret" => args.salesforce_client_secret = Some(value),
                "--org-id" => args.org_id = Some(value),
                "--ready-file" => args.ready_file = Some(value.into()),
                _ => return Err(format!("unknown option {option}")),
            }
        }
        Ok(Some(args))
    }

    pub fn stripe_permissions(&self) -> Vec<&str> {
        if self.permissions.is_empty() {
            return BUNDLE_PERMISSIONS.to_vec();
        }
        self.permissions.iter().map(String::as_str).collect()
    }
}

fn tax(option: &str, value: &str) -> Result<(String, Decimal), String> {
    let given = value.split_once('=').and_then(|(country, percent)| Some((country.to_owned(), percent.parse().ok()?)));
    let given = given.filter(|(country, _): &(String, Decimal)| country.len() == 2);
    given.ok_or_else(|| format!("{option} takes a country and its percent: DE=19"))
}

fn port(option: &str, value: &str) -> Result<u16, String> {
    value.parse().map_err(|_| format!("{option} takes a port number"))
}

#[cfg(test)]
mod tests {
    use super::{Args, Decimal};

    fn parse(line: &str) -> Result<Option<Args>, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read_and_nonsense_is_named() {
        let line = "--stripe-port 7001 --stripe-key rk_test_1 --stripe-key rk_test_2 --until-stdin-closes";
        let args = parse(line).expect("options").expect("no help");
        assert_eq!((args.stripe_port, args.stripe_keys.len(), args.until_stdin_closes), (7001, 2, true));
        assert!(args.stripe_permissions().contains(&"rak_invoice_write"));
        assert!(parse("--help").is_ok_and(|args| args.is_none()));
        let taxed = parse("--stripe-tax DE=19 --stripe-tax US=8.25").expect("options").expect("no help");
        assert_eq!(taxed.stripe_tax.get("US"), Some(&Decimal::new(825, 2)));
        let limited =
            parse("--stripe-endpoint-limit 25 --salesforce-hold-rows 100").expect("options").expect("no help");
        assert_eq!((limited.stripe_endpoint_limit, limited.salesforce_hold_rows_ms), (Some(25), Some(100)));
        for (line, complaint) in [
            ("--stripe-endpoint-limit x", "a number"),
            ("--stripe-port x", "port number"),
            ("--stripe-tax 19", "DE=19"),
            ("--nope 1", "--nope"),
            ("--org-id", "--org-id"),
        ] {
            assert!(parse(line).is_err_and(|error| error.contains(complaint)), "{line}");
        }
    }
}
