//! The vendors' official clients against a running stack: what they do must come out as with the real vendors, and our
//! functions must react to it.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::aws::text;
use crate::failure::{Context, Failure, Result};
use crate::repository::{local, path, tail};
use crate::sandbox::STRIPE_FULL_KEY;
use crate::stack::Stack;
use crate::story::{Door, wait_for_opportunity};

const WITHIN: Duration = Duration::from_secs(120);

/// stripe-python by itself: its script checks every answer.
pub fn stripe_python(stack: &Stack) -> Result<()> {
    python(stack, "tests/it/clients/stripe_python.py", &[]).map(drop)
}

/// An invoice that the Stripe CLI makes from nothing and pays.
pub fn stripe_cli(stack: &Stack) -> Result<()> {
    let customer = stripe(stack, &["customers", "create", "--name=Zoë GmbH", "--email=ap@zoe.example"])?;
    let customer = format!("--customer={}", text(&customer, "id")?);
    let terms = ["--collection-method=send_invoice", "--days-until-due=30", "--currency=eur"];
    let invoice = stripe(stack, &[&["invoices", "create", &customer][..], &terms[..]].concat())?;
    let invoice = text(&invoice, "id")?;
    let line = format!("--invoice={invoice}");
    stripe(stack, &["invoiceitems", "create", &customer, &line, "--amount=4200", "--currency=eur"])?;
    let open = stripe(stack, &["invoices", "finalize_invoice", invoice])?;
    same(&open["status"], &json!("open"), "the Stripe CLI finalizes an invoice")?;
    let paid = stripe(stack, &["invoices", "pay", invoice, "--paid-out-of-band=true"])?;
    same(&paid["status"], &json!("paid"), "the Stripe CLI pays an invoice")?;
    same(&paid["total"], &json!(4200), "its total is what was put on it")
}

/// A deal that simple-salesforce closes and the Stripe CLI pays; our functions do the rest.
pub fn salesforce_and_stripe_cli(stack: &Stack) -> Result<()> {
    stack.set_door(Door::Callout)?;
    let mut prices = Vec::new();
    // What the script sells the products for: 10, 20 and 30 dollars.
    for (name, unit_amount) in [("Platform", "1000"), ("Onboarding", "2000"), ("Seat", "3000")] {
        let product = stripe(stack, &["products", "create", "--name", name])?;
        let product = text(&product, "id")?;
        let amount = format!("--unit-amount={unit_amount}");
        let product = format!("--product={product}");
        let price = stripe(stack, &["prices", "create", "--currency=usd", &amount, &product])?;
        prices.push(text(&price, "id")?.to_owned());
    }

    let records =
        python(stack, "tests/it/clients/simple_salesforce_client.py", &[("STRIPE_PRICE_IDS", prices.join(","))])?;
    let opportunity = records
        .iter()
        .find_map(|line| ["opportunity_id", "Opportunity", "opportunity"].iter().find_map(|name| line[*name].as_str()))
        .ok_or_else(|| Failure::new(format!("simple-salesforce told of no opportunity: {records:?}")))?;

    let salesforce = stack.sandbox.salesforce()?;
    let won = wait_for_opportunity(stack, &salesforce, opportunity, "Stripe_Invoice_Id__c", Value::is_string)?;
    let invoice = text(&won, "Stripe_Invoice_Id__c")?;
    let seen = stripe(stack, &["invoices", "retrieve", invoice])?;
    same(&seen["status"], &json!("open"), "the Stripe CLI sees the invoice open")?;
    let paid = stripe(stack, &["invoices", "pay", invoice, "--paid-out-of-band=true"])?;
    same(&paid["status"], &json!("paid"), "the Stripe CLI pays the invoice")?;
    wait_for_opportunity(stack, &salesforce, opportunity, "Payment_Received__c", |value| value == &json!(true))?;
    Ok(())
}

fn same(seen: &Value, expected: &Value, what: &str) -> Result<()> {
    if seen == expected { Ok(()) } else { Err(Failure::new(format!("{what}: saw {seen}, expected {expected}"))) }
}

/// Runs a client's script and answers the JSON lines that it prints.
fn python(stack: &Stack, script: &str, more: &[(&str, String)]) -> Result<Vec<Value>> {
    let sandbox = &stack.sandbox;
    let mut command = Command::new(stack.tools.program("python"));
    command
        .arg(path(script))
        .env("STRIPE_API_BASE", &sandbox.stripe_url)
        .env("STRIPE_API_KEY", STRIPE_FULL_KEY)
        .env("SALESFORCE_URL", &sandbox.salesforce_url)
        .env("SALESFORCE_CLIENT_ID", &sandbox.admin_client_id)
        .env("SALESFORCE_CLIENT_SECRET", &sandbox.admin_client_secret)
        // The requests library would ask a proxy for a loopback address.
        .env("NO_PROXY", "127.0.0.1,localhost")
        .env("no_proxy", "127.0.0.1,localhost")
        .envs(more.iter().map(|(name, value)| (*name, value)));
    let output = output(stack, script, &mut command)?;
    Ok(output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// One command of the Stripe CLI, and the object it printed.
fn stripe(stack: &Stack, arguments: &[&str]) -> Result<Value> {
    let mut command = stack.tools.stripe()?;
    command
        .args(arguments)
        .args(["--api-base", &stack.sandbox.stripe_url, "--api-key", STRIPE_FULL_KEY])
        .env("NO_PROXY", "127.0.0.1,localhost")
        .env("no_proxy", "127.0.0.1,localhost");
    let doing = format!("stripe {}", arguments.join(" "));
    let output = output(stack, &doing, &mut command)?;
    // The CLI may say something before the object.
    let object = output.find('{').map_or("", |start| &output[start..]);
    let object: Value = serde_json::from_str(object).context(format_args!("reading what {doing} printed: {output}"))?;
    match object.get("error") {
        Some(error) => Err(Failure::new(format!("{doing}: {error}"))),
        None => Ok(object),
    }
}

fn output(stack: &Stack, doing: &str, command: &mut Command) -> Result<String> {
    let (said, complained) = (local("logs/client.out")?, local("logs/client.err")?);
    let create = |path| std::fs::File::create(path).context("creating a client's log");
    command.stdin(Stdio::null()).stdout(create(&said)?).stderr(create(&complained)?);
    let mut process = stack.supervisor.spawn(command)?;
    let status = process.wait_for(WITHIN)?;
    let mut text = String::new();
    let mut file = std::fs::File::open(&said).context("reading what a client said")?;
    file.read_to_string(&mut text).context("reading what a client said")?;
    match status {
        Some(status) if status.success() => Ok(text),
        Some(status) => {
            Err(Failure::new(format!("{doing} failed ({status})\n{}\n{}", tail(&said, 15), tail(&complained, 15))))
        }
        None => Err(Failure::new(format!("{doing} did not end within {} s", WITHIN.as_secs()))),
    }
}
