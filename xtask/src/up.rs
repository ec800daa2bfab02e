//! `cargo xtask up`: the stack, every address and how to drive it; stays until ctrl-c.

use std::io::Write;
use std::time::Duration;

use crate::aws::REGION;
use crate::binaries::Beside;
use crate::binaries::FUNCTIONS;
use crate::deploy::STACK;
use crate::failure::{Context, Result};
use crate::process::Supervisor;
use crate::progress::Progress;
use crate::sandbox::{ORG_ID, STRIPE_FULL_KEY};
use crate::stack::{self, Stack};
use crate::vendors::SALESFORCE_VERSION;

pub fn run() -> Result<()> {
    let progress = Progress::start();
    let supervisor = Supervisor::start(progress)?;
    let tools = stack::prepare(&supervisor, progress, Beside::Nothing)?;
    // The people who drive the stack by hand are offered the official clients; the demo can do without them.
    tools.install_clients(&supervisor, progress)?;
    let stack = Stack::start(&supervisor, tools, progress)?;
    std::io::stdout().write_all(guide(&stack)?.as_bytes()).context("printing the addresses")?;
    progress.say("running; ctrl-c ends everything");
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

fn guide(stack: &Stack) -> Result<String> {
    let sandbox = &stack.sandbox;
    let (stripe, salesforce, aws) = (&sandbox.stripe_url, &sandbox.salesforce_url, &stack.aws().endpoint);
    let (client_id, client_secret) = (&sandbox.admin_client_id, &sandbox.admin_client_secret);
    let slack = sandbox.slack_channel();
    let table = stack.outputs.get("LedgerTableName")?;
    let queue = stack.outputs.get("WorkQueueUrl")?;
    let dead_letters = stack.outputs.get("DeadLetterQueueUrl")?;
    let logs: String = FUNCTIONS.iter().map(|function| format!("  /closedwon/{STACK}/{function}\n")).collect();
    let stripe_cli = stripe_cli(stack)?;
    Ok(format!(
        r#"
Addresses
  Stripe sandbox          {stripe}         key {STRIPE_FULL_KEY}
  Salesforce sandbox      {salesforce}         administrator's client {client_id} / {client_secret}
  Slack's channel         {slack}         what people were told
  emulated AWS            {aws}         region {REGION}, any credentials
  stripe-webhook          {webhook}
  salesforce-events       {events}

Close a deal with curl
  export SF={salesforce}/services/data/{SALESFORCE_VERSION} STRIPE={stripe}
  TOKEN=$(curl -s {salesforce}/services/oauth2/token -d grant_type=client_credentials -d client_id={client_id} -d client_secret={client_secret} | python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])')
  sf() {{ curl -s -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' "$@"; echo; }}
  id() {{ python3 -c 'import json,sys; print(json.load(sys.stdin)["id"])'; }}
  PRICE=$(curl -s -u {STRIPE_FULL_KEY}: $STRIPE/v1/prices -d currency=usd -d unit_amount=4800000 -d 'product_data[name]=Platform' | id)
  ACCOUNT=$(sf $SF/sobjects/Account -d '{{"Name":"Acme Inc.","Billing_Email__c":"ap@acme.example"}}' | id)
  PRODUCT=$(sf $SF/sobjects/Product2 -d "{{\"Name\":\"Platform\",\"IsActive\":true,\"Stripe_Price_Id__c\":\"$PRICE\"}}" | id)
  BOOK=$(sf -G $SF/query --data-urlencode 'q=SELECT Id FROM Pricebook2 WHERE IsStandard = true' | python3 -c 'import json,sys; print(json.load(sys.stdin)["records"][0]["Id"])')
  ENTRY=$(sf $SF/sobjects/PricebookEntry -d "{{\"Pricebook2Id\":\"$BOOK\",\"Product2Id\":\"$PRODUCT\",\"UnitPrice\":48000,\"IsActive\":true}}" | id)
  DEAL=$(sf $SF/sobjects/Opportunity -d "{{\"Name\":\"Acme 2026\",\"AccountId\":\"$ACCOUNT\",\"Pricebook2Id\":\"$BOOK\",\"StageName\":\"Prospecting\",\"CloseDate\":\"2026-12-31\"}}" | id)
  sf $SF/sobjects/OpportunityLineItem -d "{{\"OpportunityId\":\"$DEAL\",\"PricebookEntryId\":\"$ENTRY\",\"Quantity\":1,\"UnitPrice\":48000}}"
  sf -X PATCH $SF/sobjects/Opportunity/$DEAL -d '{{"StageName":"Closed Won"}}'
  sf $SF/sobjects/Opportunity/$DEAL?fields=StageName,Amount,Stripe_Invoice_Id__c,Stripe_Invoice_URL__c,Payment_Received__c

Pay its invoice, with the Stripe CLI or with curl
  {stripe_cli} invoices pay in_... --paid-out-of-band=true --api-base {stripe} --api-key {STRIPE_FULL_KEY}
  curl -u {STRIPE_FULL_KEY}: $STRIPE/v1/invoices/in_.../pay -d paid_out_of_band=true

The same in Python (.venv/bin/python)
  from simple_salesforce import Salesforce; import requests, stripe
  token = requests.post("{salesforce}/services/oauth2/token", data={{"grant_type": "client_credentials", "client_id": "{client_id}", "client_secret": "{client_secret}"}}).json()
  sf = Salesforce(instance_url=token["instance_url"], session_id=token["access_token"], version="67.0")
  sf.Opportunity.update("006...", {{"StageName": "Closed Won"}})
  client = stripe.StripeClient("{STRIPE_FULL_KEY}", base_addresses={{"api": "{stripe}"}})
  client.v1.invoices.pay("in_...", {{"paid_out_of_band": True}})

Look inside
  export AWS_ENDPOINT_URL={aws} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION={REGION}
  cargo run -p closedwon -- explain "$DEAL" --table {table} --organization {ORG_ID}   what became of the deal, call by call
  .venv/bin/python -c 'import boto3; [print(item) for item in boto3.resource("dynamodb").Table("{table}").scan()["Items"]]'
  .venv/bin/python -c 'import boto3; [print(e["message"]) for e in boto3.client("logs").filter_log_events(logGroupName="/closedwon/{STACK}/retry-worker")["events"]]'
  curl -s '{aws}/_ministack/sqs/messages?QueueUrl={queue}'
  curl -s '{aws}/_ministack/sqs/messages?QueueUrl={dead_letters}'
  curl -s {stripe}/_sandbox/requests        what Stripe was asked
  curl -s {salesforce}/_sandbox/deliveries  what Salesforce sent
  curl -s {stripe}/_sandbox/faults -d '{{"method":"POST","path":"/v1/invoices","fault":{{"kind":"answer_lost"}}}}'   make something go wrong

Log groups
{logs}"#,
        webhook = stack.stripe_webhook_url,
        events = stack.salesforce_events_url,
    ))
}

/// The command as a person types it.
fn stripe_cli(stack: &Stack) -> Result<String> {
    let command = stack.tools.stripe()?;
    let mut words = vec![crate::repository::shown(std::path::Path::new(command.get_program()))];
    words.extend(command.get_args().map(|word| crate::repository::shown(std::path::Path::new(word))));
    Ok(words.join(" "))
}
