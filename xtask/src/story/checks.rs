//! Whether what every system holds at the end is what it has to be.

use serde_json::{Value, json};

use crate::aws::Depth;
use crate::money::minor_units;
use crate::story::Facts;

const USD_DECIMALS: usize = 2;

/// Something that has to be true at the end.
pub struct Check {
    pub what: String,
    pub holds: bool,
    /// What was seen, for one that does not hold.
    pub seen: String,
}

impl Facts {
    /// How many calls the runs of these workflows made to a system.
    fn calls_to(&self, system: &str, workflows: &[&str]) -> usize {
        let made_by = |call: &&Value| workflows.iter().any(|workflow| call["workflow"] == *workflow);
        self.calls.iter().filter(made_by).filter(|call| call["system"] == system).count()
    }

    pub fn checks(&self) -> Vec<Check> {
        let (opportunity, account, sent) = (&self.opportunity, &self.account, &self.sent_invoice);
        let mut checks = Checks(Vec::new());
        checks.equal("one customer at Stripe", self.customers.len(), 1);
        checks.equal("one invoice at Stripe", self.invoices.len(), 1);
        checks.equal("the invoice was open when it was sent", &sent["status"], &json!("open"));
        checks.equal("it was sent once", self.sent_events.len(), 1);
        checks.equal("its currency is the deal's", &sent["currency"], &json!("usd"));

        let mut expected: Vec<Option<i64>> = self.line_items.iter().map(|line| amount(&line["TotalPrice"])).collect();
        let mut billed: Vec<Option<i64>> = self.lines.iter().map(|line| line["amount"].as_i64()).collect();
        expected.sort();
        billed.sort();
        checks.equal("three lines were sold", self.line_items.len(), 3);
        checks.equal("the invoice's lines are the opportunity's, to the cent", billed, expected);
        checks.equal("its total is the opportunity's Amount", sent["total"].as_i64(), amount(&opportunity["Amount"]));

        checks.equal("Stripe_Invoice_Id__c is the invoice", &opportunity["Stripe_Invoice_Id__c"], &sent["id"]);
        checks.equal("Stripe_Customer_Id__c is the customer", &opportunity["Stripe_Customer_Id__c"], &sent["customer"]);
        checks.equal("the account has the customer too", &account["Stripe_Customer_Id__c"], &sent["customer"]);
        let url = &sent["hosted_invoice_url"];
        checks.equal("Stripe_Invoice_URL__c is the page to pay on", &opportunity["Stripe_Invoice_URL__c"], url);
        let pdf = &sent["invoice_pdf"];
        checks.equal("Stripe_Invoice_PDF__c is the invoice as a PDF", &opportunity["Stripe_Invoice_PDF__c"], pdf);
        checks.equal("Payment_Received__c is set", &opportunity["Payment_Received__c"], &json!(true));
        checks.equal(
            "Stripe_Amount_Paid__c is the deal's Amount",
            &opportunity["Stripe_Amount_Paid__c"],
            &opportunity["Amount"],
        );
        checks.equal("Stripe_Invoice_Status__c is paid", &opportunity["Stripe_Invoice_Status__c"], &json!("paid"));
        let day = opportunity["Paid_Date__c"].as_str().map(str::len);
        checks.equal("Paid_Date__c is a day", day, Some("2026-12-31".len()));
        checks.equal("the invoice is paid", &self.invoice()["status"], &json!("paid"));
        checks.equal("all of it was paid", &self.invoice()["amount_paid"], &sent["total"]);
        checks.equal("nothing is left to pay", self.invoice()["amount_remaining"].as_i64(), Some(0));

        let open: Vec<String> =
            self.runs.iter().filter(|run| run["status"] != "done").map(|run| run["pk"].to_string()).collect();
        checks.equal("every run is done", open, Vec::<String>::new());
        let of_deal: Vec<&Value> = self.runs.iter().filter(|run| run["workflow"] == "opportunity_won").collect();
        checks.equal("one run for the deal", of_deal.len(), 1);
        let winning = ["opportunity_won", "account_customer"];
        checks.equal(
            "five calls to Stripe: prices, customer, draft, lines, sending",
            self.calls_to("stripe", &winning),
            5,
        );
        checks.equal("two calls to Salesforce", self.calls_to("salesforce", &winning), 2);
        let titles: Vec<&str> = self.posted.iter().filter_map(|posted| posted["text"].as_str()).collect();
        checks.equal("people were told in Slack, once", titles, vec!["Invoice sent: Acme 2026"]);
        checks.equal("no log holds a secret or a person's details", &self.leaks, &Vec::new());
        for (name, depth) in &self.queues {
            checks.equal(&format!("{name} is empty"), *depth, Depth { visible: 0, in_flight: 0, delayed: 0 });
        }
        checks.0
    }
}

struct Checks(Vec<Check>);

impl Checks {
    fn equal<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, seen: T, expected: T) {
        let holds = seen == expected;
        self.0.push(Check { what: what.to_owned(), holds, seen: format!("{seen:?}, expected {expected:?}") });
    }
}

/// Minor units of a Salesforce number, by its digits.
fn amount(number: &Value) -> Option<i64> {
    number.as_number().and_then(|number| minor_units(&number.to_string(), USD_DECIMALS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn salesforce_numbers_become_cents_by_their_digits() {
        let number: Value = serde_json::from_str("2499.75").unwrap();
        assert_eq!(amount(&number), Some(249_975));
        assert_eq!(amount(&json!(12000)), Some(1_200_000));
        assert_eq!(amount(&json!("12000")), None);
    }
}
