//! What must be true when everything has come to rest, asked of each system by itself: Stripe, Salesforce, the ledger and
//! the queues. What is not is a violation, told in a sentence.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use serde_json::{Value, json};

use super::deals::{Account, Deal, Deals};
use crate::failure::Result;
use crate::money::minor_units;
use crate::stack::{QUEUES, Stack};

const DECIMALS: usize = 2;

/// What was at Stripe before; everything else there has to be of our deals.
pub struct Before {
    customers: BTreeSet<String>,
    invoices: BTreeSet<String>,
}

impl Before {
    pub fn look(stack: &Stack) -> Result<Self> {
        let stripe = stack.sandbox.stripe();
        let ids = |objects: Vec<Value>| objects.iter().map(|object| word(&object["id"])).collect();
        Ok(Self { customers: ids(stripe.list("/v1/customers")?), invoices: ids(stripe.list("/v1/invoices")?) })
    }
}

/// What the systems hold in the end.
struct Found {
    /// Made since, deleted ones not included.
    customers: Vec<Value>,
    invoices: Vec<Value>,
    sent_events: Vec<Value>,
    opportunities: BTreeMap<String, Value>,
    accounts: BTreeMap<String, Value>,
    ledger: Vec<Value>,
}

pub fn audit(stack: &Stack, before: &Before, deals: &Deals) -> Result<Vec<String>> {
    let found = Found::collect(stack, before, deals)?;
    let mut violations = Violations(Vec::new());
    let invoices = by(&found.invoices, |invoice| word(&invoice["metadata"]["sf_opportunity_id"]));
    for deal in &deals.deals {
        let of_deal = invoices.get(&deal.opportunity).map_or(&[][..], Vec::as_slice);
        violations.deal(&found, deal, &deals.accounts[deal.account], of_deal);
    }
    let customers = by(&found.customers, |customer| word(&customer["email"]));
    let with_deals: BTreeSet<usize> = deals.deals.iter().map(|deal| deal.account).collect();
    for account in with_deals.iter().map(|index| &deals.accounts[*index]) {
        let of_account = customers.get(&account.email).map_or(0, Vec::len);
        violations.equal(&account.id, "customers", of_account, 1);
    }
    violations.equal("Stripe", "invoices in all", found.invoices.len(), deals.deals.len());
    violations.equal("Stripe", "customers in all", found.customers.len(), with_deals.len());
    violations.ledger(&found, deals, with_deals.len());
    for name in QUEUES {
        let depth = stack.aws().queue_depth(stack.outputs.get(name)?)?;
        violations.holds(name, depth.is_empty(), || format!("is not empty: {depth:?}"));
    }
    Ok(violations.0)
}

impl Found {
    fn collect(stack: &Stack, before: &Before, deals: &Deals) -> Result<Self> {
        let (stripe, salesforce) = (stack.sandbox.stripe(), stack.sandbox.salesforce()?);
        let since = |objects: Vec<Value>, known: &BTreeSet<String>| {
            objects.into_iter().filter(|object| !known.contains(&word(&object["id"]))).collect()
        };
        let accounts: Vec<String> = deals.accounts.iter().map(|account| format!("'{}'", account.id)).collect();
        let accounts = accounts.join(",");
        let by_id = |records: Vec<Value>| records.into_iter().map(|record| (word(&record["Id"]), record)).collect();
        Ok(Self {
            customers: since(stripe.list("/v1/customers")?, &before.customers),
            invoices: since(stripe.list("/v1/invoices")?, &before.invoices),
            sent_events: stripe.list("/v1/events?type=invoice.sent")?,
            opportunities: by_id(salesforce.query(&format!(
                "SELECT Id, StageName, Amount, Stripe_Customer_Id__c, Stripe_Invoice_Id__c, Stripe_Invoice_URL__c, \
                 Stripe_Sync_Status__c FROM Opportunity WHERE AccountId IN ({accounts})"
            ))?),
            accounts: by_id(
                salesforce.query(&format!("SELECT Id, Stripe_Customer_Id__c FROM Account WHERE Id IN ({accounts})"))?,
            ),
            ledger: stack.aws().scan(stack.outputs.get("LedgerTableName")?)?,
        })
    }
}

struct Violations(Vec<String>);

impl Violations {
    fn holds(&mut self, whose: &str, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(format!("{whose}: {}", what()));
        }
    }

    fn equal<T: PartialEq + std::fmt::Debug>(&mut self, whose: &str, what: impl Display, seen: T, expected: T) {
        self.holds(whose, seen == expected, || format!("{what}: {seen:?}, expected {expected:?}"));
    }

    /// One sent invoice with exactly what was sold, which the opportunity names; and the account's one customer.
    fn deal(&mut self, found: &Found, deal: &Deal, account: &Account, invoices: &[&Value]) {
        let whose = deal.opportunity.as_str();
        let [invoice] = invoices else {
            self.equal(whose, "invoices", invoices.len(), 1);
            return;
        };
        self.equal(whose, "status", &invoice["status"], &json!("open"));
        self.equal(whose, "currency", &invoice["currency"], &json!("usd"));
        self.equal(whose, "total", invoice["total"].as_i64(), Some(deal.amount()));
        self.equal(whose, "amount due", invoice["amount_due"].as_i64(), Some(deal.amount()));
        let mut billed: Vec<Option<i64>> =
            invoice["lines"]["data"].as_array().into_iter().flatten().map(|line| line["amount"].as_i64()).collect();
        let mut sold: Vec<Option<i64>> = deal.lines.iter().copied().map(Some).collect();
        billed.sort_unstable();
        sold.sort_unstable();
        self.equal(whose, "lines", billed, sold);
        let sent = found.sent_events.iter().filter(|event| event["data"]["object"]["id"] == invoice["id"]);
        self.equal(whose, "times that the invoice was sent", sent.count(), 1);

        let opportunity = found.opportunities.get(whose).unwrap_or(&Value::Null);
        let amount = opportunity["Amount"].as_number().and_then(|amount| minor_units(&amount.to_string(), DECIMALS));
        self.equal(whose, "amount in Salesforce", amount, Some(deal.amount()));
        self.equal(whose, "invoice that it names", &opportunity["Stripe_Invoice_Id__c"], &invoice["id"]);
        self.equal(whose, "page that it names", &opportunity["Stripe_Invoice_URL__c"], &invoice["hosted_invoice_url"]);
        self.equal(whose, "customer that it names", &opportunity["Stripe_Customer_Id__c"], &invoice["customer"]);
        self.equal(whose, "reason that it gives", &opportunity["Stripe_Sync_Status__c"], &Value::Null);
        let named = found.accounts.get(&account.id).map(|account| &account["Stripe_Customer_Id__c"]);
        self.equal(whose, "customer that its account names", named, Some(&invoice["customer"]));
        let customer = found.customers.iter().find(|customer| customer["id"] == invoice["customer"]);
        let email = customer.map(|customer| &customer["email"]);
        self.equal(whose, "address that it is sent to", email, Some(&json!(account.email)));
    }

    /// One run for each deal and each customer, all of them done, and one link for each invoice.
    fn ledger(&mut self, found: &Found, deals: &Deals, customers: usize) {
        let runs: Vec<&Value> = found.ledger.iter().filter(|item| item["sk"] == "run").collect();
        // What people are told rests for an hour where whoever said it was killed.
        let is_notice = |run: &&&Value| run["workflow"] == "notification" && run["point"] == "resting";
        for run in runs.iter().filter(|run| run["status"] != "done" && !is_notice(run)) {
            self.0.push(format!("{}: is {} at {}", run["pk"], run["status"], run["point"]));
        }
        let run_of = by(&runs, |run| word(&run["pk"]));
        let of = |workflow: &str, ids: BTreeSet<&str>| {
            let belongs = |run: &&&Value| ids.iter().any(|id| word(&run["pk"]).contains(id));
            runs.iter().filter(|run| run["workflow"] == workflow).filter(belongs).count()
        };
        let opportunities: BTreeSet<&str> = deals.deals.iter().map(|deal| deal.opportunity.as_str()).collect();
        let accounts = deals.accounts.iter().map(|account| account.id.as_str()).collect();
        self.equal("ledger", "runs of the deals", of("opportunity_won", opportunities), deals.deals.len());
        self.equal("ledger", "runs of the customers", of("account_customer", accounts), customers);
        for invoice in &found.invoices {
            let id = word(&invoice["id"]);
            let link = found.ledger.iter().find(|item| item["pk"] == format!("link#{id}"));
            let run = link.and_then(|link| run_of.get(&word(&link["run"]))).and_then(|runs| runs.first());
            let named = run.map(|run| &run["stripe_invoice_id"]);
            self.equal(&id, "invoice of the run that its link leads to", named, Some(&invoice["id"]));
        }
    }
}

fn by<T: std::borrow::Borrow<Value>>(objects: &[T], key: impl Fn(&Value) -> String) -> BTreeMap<String, Vec<&Value>> {
    let mut groups: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for object in objects {
        groups.entry(key(object.borrow())).or_default().push(object.borrow());
    }
    groups
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> Found {
        let invoice = json!({
            "id": "in_1", "status": "open", "currency": "usd", "total": 350, "amount_due": 350, "customer": "cus_1",
            "hosted_invoice_url": "https://pay", "lines": { "data": [{ "amount": 250 }, { "amount": 100 }] }
        });
        let amount: Value = serde_json::from_str("3.5").unwrap();
        let opportunity = json!({
            "Amount": amount, "Stripe_Customer_Id__c": "cus_1", "Stripe_Invoice_Id__c": "in_1",
            "Stripe_Invoice_URL__c": "https://pay", "Stripe_Sync_Status__c": null
        });
        let run = json!({
            "pk": "run#006A", "sk": "run", "workflow": "opportunity_won", "status": "done", "stripe_invoice_id": "in_1"
        });
        let customer = json!({ "pk": "customer#001A", "sk": "run", "workflow": "account_customer", "status": "done" });
        Found {
            customers: vec![json!({ "id": "cus_1", "email": "a@b" })],
            invoices: vec![invoice],
            sent_events: vec![json!({ "data": { "object": { "id": "in_1" } } })],
            opportunities: [("006A".to_owned(), opportunity)].into(),
            accounts: [("001A".to_owned(), json!({ "Stripe_Customer_Id__c": "cus_1" }))].into(),
            ledger: vec![run, customer, json!({ "pk": "link#in_1", "sk": "link", "run": "run#006A" })],
        }
    }

    fn violations(found: &Found) -> usize {
        let account = Account { id: "001A".to_owned(), email: "a@b".to_owned() };
        let deal = Deal { opportunity: "006A".to_owned(), account: 0, lines: vec![100, 250] };
        let deals = Deals { accounts: vec![account], deals: vec![deal] };
        let mut violations = Violations(Vec::new());
        let invoices: Vec<&Value> = found.invoices.iter().collect();
        violations.deal(found, &deals.deals[0], &deals.accounts[0], &invoices);
        violations.ledger(found, &deals, 1);
        violations.0.len()
    }

    #[test]
    fn a_deal_that_came_home_has_no_violation() {
        assert_eq!(violations(&found()), 0);
    }

    #[test]
    fn whatever_is_wrong_is_seen() {
        let wrongs: [fn(&mut Found); 14] = [
            |found| found.invoices.clear(),
            |found| found.invoices.push(found.invoices[0].clone()),
            |found| found.invoices[0]["status"] = json!("draft"),
            |found| found.invoices[0]["total"] = json!(351),
            |found| found.invoices[0]["lines"]["data"][0]["amount"] = json!(251),
            |found| found.invoices[0]["customer"] = json!("cus_2"),
            |found| found.sent_events.clear(),
            |found| found.sent_events.push(found.sent_events[0].clone()),
            |found| found.opportunities.clear(),
            |found| found.accounts.clear(),
            |found| found.customers[0]["email"] = json!("c@d"),
            |found| found.ledger[0]["status"] = json!("open"),
            |found| found.ledger[0]["stripe_invoice_id"] = json!("in_2"),
            |found| found.ledger.truncate(2),
        ];
        for (index, wrong) in wrongs.into_iter().enumerate() {
            let mut found = found();
            wrong(&mut found);
            assert!(violations(&found) > 0, "wrong {index} was not seen");
        }
    }
}
