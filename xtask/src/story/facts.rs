//! What every system holds when the story is over.

use serde_json::{Value, json};

use crate::aws::{Depth, text};
use crate::failure::Result;
use crate::stack::{QUEUES, Stack};
use crate::story::Deal;
use crate::vendors::{Salesforce, Stripe};

pub struct Facts {
    pub opportunity: Value,
    pub account: Value,
    pub line_items: Vec<Value>,
    pub customers: Vec<Value>,
    pub sent_invoice: Value,
    pub invoices: Vec<Value>,
    pub lines: Vec<Value>,
    pub sent_events: Vec<Value>,
    pub runs: Vec<Value>,
    pub calls: Vec<Value>,
    pub queues: Vec<(&'static str, Depth)>,
    /// What people were told of the deal in Slack.
    pub posted: Vec<Value>,
    pub leaks: Vec<String>,
}

impl Facts {
    pub fn collect(
        stack: &Stack,
        stripe: &Stripe,
        salesforce: &Salesforce,
        deal: &Deal,
        paid: Value,
        sent_invoice: Value,
    ) -> Result<Self> {
        let invoice_id = text(&sent_invoice, "id")?;
        let customer_id = text(&sent_invoice, "customer")?;
        let email = crate::http::encode(&deal.billing_email);
        let line_items = salesforce.query(&format!(
            "SELECT Id, Quantity, UnitPrice, TotalPrice FROM OpportunityLineItem WHERE OpportunityId = '{}' ORDER BY Id",
            deal.opportunity
        ))?;
        let sent_events = stripe.list("/v1/events?type=invoice.sent")?;
        let items = stack.aws().scan(stack.outputs.get("LedgerTableName")?)?;
        let subjects = [deal.opportunity.as_str(), deal.account.as_str(), invoice_id];
        let (runs, calls) = of_this_deal(&items, &subjects);
        let mut queues = Vec::new();
        for output in QUEUES {
            let name = output.trim_end_matches("Url");
            queues.push((name, stack.aws().queue_depth(stack.outputs.get(output)?)?));
        }
        Ok(Self {
            opportunity: paid,
            account: salesforce.read(
                "Account",
                &deal.account,
                &["Id", "Name", "Billing_Email__c", "Stripe_Customer_Id__c"],
            )?,
            line_items,
            customers: stripe.list(&format!("/v1/customers?email={email}"))?,
            invoices: stripe.list(&format!("/v1/invoices?customer={customer_id}"))?,
            lines: stripe.list(&format!("/v1/invoices/{invoice_id}/lines"))?,
            sent_events: sent_events.into_iter().filter(|event| event["data"]["object"]["id"] == invoice_id).collect(),
            sent_invoice,
            runs,
            calls,
            queues,
            posted: stack
                .sandbox
                .posted()?
                .into_iter()
                .filter(|posted| posted.to_string().contains(&deal.opportunity))
                .collect(),
            leaks: super::leaks(stack, deal)?,
        })
    }

    pub fn invoice(&self) -> &Value {
        self.invoices.first().unwrap_or(&Value::Null)
    }

    /// One JSON document whose last names are the vendors' own.
    pub fn json(&self) -> Value {
        let queues: Value = self.queues.iter().map(|(name, depth)| ((*name).to_owned(), json!(depth))).collect();
        json!({
            "salesforce": {
                "Opportunity": self.opportunity, "Account": self.account, "OpportunityLineItem": self.line_items
            },
            "stripe": {
                "customer": self.customers.first(), "invoice": self.invoice(), "lines": self.lines
            },
            "ledger": { "runs": self.runs, "calls": self.calls },
            "slack": self.posted,
            "queues": queues,
        })
    }
}

/// The run items and the call log of the records of one deal, as a shared table holds those of others too. What the
/// ledger keeps as one document is opened, except the run's own, which holds the plan with everything in it.
fn of_this_deal(items: &[Value], subjects: &[&str]) -> (Vec<Value>, Vec<Value>) {
    let belongs = |item: &&Value| {
        let subject = item["subject"].as_str().unwrap_or_default();
        subjects
            .iter()
            .any(|wanted| subject.contains(wanted) || item["pk"].as_str().is_some_and(|pk| pk.contains(wanted)))
    };
    let sort_key = |item: &Value| item["sk"].as_str().unwrap_or_default().to_owned();
    let mut runs: Vec<Value> = items.iter().filter(|item| sort_key(item) == "run").filter(belongs).cloned().collect();
    runs.sort_by_key(|run| run["created_at"].as_i64());
    let mut calls = Vec::new();
    for run in &runs {
        for item in items.iter().filter(|item| item["pk"] == run["pk"] && sort_key(item).starts_with("call#")) {
            let document: Value =
                item["document"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            let mut call = document["entry"].clone();
            call["workflow"] = run["workflow"].clone();
            calls.push(call);
        }
    }
    for run in &mut runs {
        if let Some(attributes) = run.as_object_mut() {
            attributes.remove("document");
        }
    }
    (runs, calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deal_has_its_own_runs_and_calls() {
        let call = r#"{"previous":"","entry":{"system":"stripe","call":"create_invoice","outcome":"ok"}}"#;
        let items = [
            json!({ "pk": "run#a", "sk": "run", "subject": "006A", "workflow": "opportunity_won", "created_at": 2, "document": "{}" }),
            json!({ "pk": "run#a", "sk": "call#00000001", "subject": "006A", "document": call }),
            json!({ "pk": "run#b", "sk": "run", "subject": "006B", "workflow": "opportunity_won", "created_at": 1 }),
            json!({ "pk": "link#in_1", "sk": "link", "subject": "006A" }),
        ];
        let (runs, calls) = of_this_deal(&items, &["006A"]);
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0]["document"], Value::Null);
        let expected =
            json!({ "system": "stripe", "call": "create_invoice", "outcome": "ok", "workflow": "opportunity_won" });
        assert_eq!(calls, [expected]);
    }
}
