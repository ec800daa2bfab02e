//! Salesforce as far as the product uses it: opportunities with their lines, accounts, composite reads and writes. It is
//! synchronous, knows no faults, and watches what must be true at every moment.

mod cases;
mod fields;
mod people;
mod soql;
#[cfg(test)]
mod tests;
mod writes;

use std::collections::{BTreeMap, BTreeSet};

use domain::{AccountId, LineItemId, OpportunityId, Record};
use jiff::Timestamp;
use rust_decimal::Decimal;
use salesforce::{Error, Refusal};

use super::bill::{self, Judgement};
use super::{Facts, Violation};
pub use cases::{Case, Task};
use fields::Row;
use soql::Query;

#[derive(Debug, Clone)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    pub billing_email: Option<String>,
    pub country: Option<String>,
    pub stripe_customer_id: Option<String>,
    /// A person wrote the customer's id, so which one it is is the person's word.
    pub customer_named_by_hand: bool,
    pub modified: Timestamp,
    /// Since when its address of e-mail was another one than before, and which.
    pub emails: Vec<(Timestamp, String)>,
    /// Since when it has which tax id. Most accounts never have one.
    pub tax_ids: Vec<(Timestamp, Option<String>)>,
}

impl Account {
    /// What it says is nothing that Stripe would not take.
    pub fn can_be_told(&self) -> bool {
        let is_address = |email: &String| email.contains('@') && !email.contains(' ');
        let is_known = super::bill::is_country(self.country.as_deref());
        !self.name.is_empty() && is_known && self.billing_email.as_ref().is_none_or(is_address)
    }

    fn tax_id(&self) -> Option<&String> {
        self.tax_ids.last().and_then(|(_, tax_id)| tax_id.as_ref())
    }
}

#[derive(Debug, Clone)]
pub struct Line {
    pub id: LineItemId,
    pub quantity: Decimal,
    pub list_price: Option<Decimal>,
    pub total: Option<Decimal>,
    pub product: String,
    /// The product's `Stripe_Price_Id__c`.
    pub price: Option<String>,
    pub is_recurring: bool,
    /// In months, where it is billed more often than its term counts.
    pub every: Option<u32>,
}

/// What recurring lines are sold for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    pub start: jiff::civil::Date,
    /// In months.
    pub every: u32,
    pub periods: Option<u32>,
    /// The months before the first whole period.
    pub stub: u32,
}

impl Term {
    /// Of the whole of it, or of a period if it has no end.
    pub fn months(&self) -> u32 {
        self.periods.map_or(self.every, |periods| periods * self.every + self.stub)
    }
}

/// Of a deal with a term, where contracts begin subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Contract {
    #[default]
    NotNeeded,
    Draft,
    Activated(Timestamp),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContractNames {
    pub subscription_id: Option<String>,
    pub renewal_id: Option<String>,
    pub mrr: Option<Decimal>,
    pub standing: Standing,
}

/// How its subscription stands, as the record says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    pub status: Option<String>,
    pub monthly: Option<Decimal>,
    pub period_end: Option<String>,
    pub cancellation: Option<String>,
}

/// What the organization's automation does to our writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Automation {
    #[default]
    None,
    /// A validation rule refuses every write of ours.
    Refuses,
    /// A flow adds something to every note.
    ChangesNote,
    /// Field-level security keeps the invoice's link from being written, and says nothing.
    DropsLink,
}

#[derive(Debug, Clone)]
pub struct Opportunity {
    pub id: OpportunityId,
    pub account_id: Option<AccountId>,
    pub stage: String,
    pub kind: Option<String>,
    pub amount: Option<Decimal>,
    pub currency: String,
    pub lines: Vec<Line>,
    pub term: Option<Term>,
    pub contract: Contract,
    pub contact_email: Option<String>,
    pub customer_id: Option<String>,
    pub invoice_id: Option<String>,
    pub invoice_url: Option<String>,
    pub invoice_pdf: Option<String>,
    pub subscription_id: Option<String>,
    pub mrr: Option<Decimal>,
    pub renewal_id: Option<String>,
    /// From which day on its subscription is not to be billed any more.
    pub cancel_on: Option<jiff::civil::Date>,
    pub standing: Standing,
    pub invoice_standing: InvoiceStanding,
    /// What its contract names.
    pub contract_names: ContractNames,
    pub sync_code: Option<String>,
    pub sync_message: Option<String>,
    pub approved_amount: Option<Decimal>,
    /// The most that was ever approved.
    pub most_approved: Option<Decimal>,
    pub payment_received: bool,
    pub paid_date: Option<String>,
    pub amount_paid: Option<Decimal>,
    pub amount_remaining: Option<Decimal>,
    pub is_deleted: bool,
    pub automation: Automation,
    pub modified: Timestamp,
    /// When it got the stage that it is in.
    pub stage_since: Timestamp,
    pub our_writes: u32,
    /// Writes of ours that changed nothing.
    pub idle_writes: u32,
    /// When the write of the note was sent that was sent last; and whether the one that landed last was not that one, had long been
    /// given up, or came from somebody whose run another had taken over.
    pub note_sent: Option<Timestamp>,
    pub note_is_late: bool,
    pub changes_by_people: u32,
    /// A person wrote the invoice's id.
    pub invoice_named_by_hand: bool,
    /// The deal as it was each time that it was read, without repetitions.
    pub readings: Vec<(Timestamp, Judgement)>,
}

/// How its invoice stands, as the opportunity says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InvoiceStanding {
    pub status: Option<String>,
    pub credited: Option<Decimal>,
    pub refunded: Option<Decimal>,
    pub is_disputed: bool,
}

/// A change of an opportunity, as the organization's events tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalesforceEvent {
    pub id: String,
    pub opportunity_id: OpportunityId,
    pub at: Timestamp,
    /// Our own write.
    pub is_ours: bool,
}

#[derive(Debug, Default)]
pub struct Salesforce {
    /// The invoices that we voided: another may be named in their place.
    pub voided: BTreeSet<String>,
    /// Records have a currency of their own.
    pub multi_currency: bool,
    /// Opportunities of type Renewal go on with a subscription.
    pub renews: bool,
    /// What is paid may be credited, and is not paid then.
    pub credits: bool,
    pub org_currency: String,
    pub facts: Facts,
    pub violations: Vec<Violation>,
    accounts: BTreeMap<AccountId, Account>,
    opportunities: BTreeMap<OpportunityId, Opportunity>,
    /// What of Stripe's somebody was asked to look at.
    tasks: BTreeMap<String, Task>,
    /// Of invoices that were not collected.
    cases: BTreeMap<String, Case>,
    events: Vec<SalesforceEvent>,
    last_event: u64,
    /// Composite calls, each one of the daily budget.
    pub calls: u64,
}

impl Salesforce {
    pub fn new(multi_currency: bool, org_currency: &str) -> Self {
        Self { multi_currency, org_currency: org_currency.to_owned(), ..Self::default() }
    }

    pub fn add_account(&mut self, account: Account) {
        self.accounts.insert(account.id.clone(), account);
    }

    pub fn add_opportunity(&mut self, opportunity: Opportunity) {
        self.opportunities.insert(opportunity.id.clone(), opportunity);
    }

    pub fn opportunities(&self) -> impl Iterator<Item = &Opportunity> {
        self.opportunities.values()
    }

    pub fn opportunity(&self, id: &OpportunityId) -> Option<&Opportunity> {
        self.opportunities.get(id)
    }

    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// What the deal comes to as it stands now.
    pub fn judge(&self, opportunity: &Opportunity) -> Judgement {
        let account = opportunity.account_id.as_ref().and_then(|id| self.accounts.get(id));
        let currency = if self.multi_currency { &opportunity.currency } else { &self.org_currency };
        bill::judge(opportunity, account, currency)
    }

    /// What a deal that renews a subscription comes to.
    pub fn judge_renewal(&self, opportunity: &Opportunity) -> Judgement {
        let recurs = opportunity.term.is_some() && opportunity.lines.iter().any(|line| line.is_recurring);
        let kind = opportunity.kind.clone().filter(|_| !recurs);
        match self.judge(&Opportunity { kind, ..opportunity.clone() }) {
            // It has one rhythm.
            Judgement::Billable(bill) if bill.lines.values().any(|line| line.every.is_some()) => {
                Judgement::Unbillable { amount: Some(bill.total) }
            }
            judged => judged,
        }
    }

    pub fn is_renewal(&self, opportunity: &Opportunity) -> bool {
        self.renews && opportunity.kind.as_deref() == Some("Renewal")
    }

    /// Changes since the last call, oldest first.
    pub fn take_events(&mut self) -> Vec<SalesforceEvent> {
        std::mem::take(&mut self.events)
    }

    /// The records of each query, in one call.
    pub fn read(&mut self, now: Timestamp, queries: &[String]) -> Result<Vec<Vec<Record>>, Error> {
        self.calls += 1;
        let mut answers = Vec::with_capacity(queries.len());
        for text in queries {
            let query = Query::parse(text).map_err(|why| self.refuse(now, text, why))?;
            let records = query.run(&self.rows(&query.object)).map_err(|why| self.refuse(now, text, why))?;
            answers.push(records);
            if query.object == "OpportunityLineItem" {
                self.note_reading(now, &query);
            }
        }
        Ok(answers)
    }

    /// Our own code asks for nothing that this model does not know. If it does, that is to be seen.
    fn refuse(&mut self, now: Timestamp, query: &str, why: String) -> Error {
        self.violations.push(Violation::new(now, "every_query_is_known", format!("{why}: {query}")));
        refused(400, "MALFORMED_QUERY", "unexpected token")
    }

    fn rows(&self, object: &str) -> Vec<Row<'_>> {
        let there = self.opportunities.values().filter(|opportunity| !opportunity.is_deleted);
        match object {
            "Opportunity" => there.map(|opportunity| Row::Opportunity(self, opportunity)).collect(),
            "OpportunityLineItem" => {
                let lines =
                    there.flat_map(|opportunity| opportunity.lines.iter().enumerate().map(move |at| (opportunity, at)));
                lines.map(|(opportunity, (index, line))| Row::Line(opportunity, index, line)).collect()
            }
            "OpportunityContactRole" => there.filter(|one| one.contact_email.is_some()).map(Row::ContactRole).collect(),
            "Contract" => there.filter(|one| one.contract != Contract::NotNeeded).map(Row::Contract).collect(),
            "Account" => self.accounts.values().map(Row::Account).collect(),
            "Task" => self.tasks.iter().map(|(id, task)| Row::Task(id, task)).collect(),
            "Case" => self.cases.iter().map(|(id, case)| Row::Case(id, case)).collect(),
            _ => Vec::new(),
        }
    }

    /// Whoever reads the lines of a deal has read the deal, in the same call.
    fn note_reading(&mut self, now: Timestamp, query: &Query) {
        let Some(id) = query.text_equal_to("OpportunityId").and_then(|id| OpportunityId::parse(id).ok()) else {
            return;
        };
        let judge = |opportunity: &Opportunity| match self.is_renewal(opportunity) {
            true => self.judge_renewal(opportunity),
            false => self.judge(opportunity),
        };
        let Some(judgement) = self.opportunities.get(&id).map(judge) else {
            return;
        };
        if let Some(opportunity) = self.opportunities.get_mut(&id)
            && opportunity.readings.last().is_none_or(|(_, last)| *last != judgement)
        {
            opportunity.readings.push((now, judgement));
        }
    }

    fn tell(&mut self, now: Timestamp, opportunity_id: &OpportunityId, is_ours: bool) {
        self.last_event += 1;
        let id = format!("change_{:06}", self.last_event);
        self.events.push(SalesforceEvent { id, opportunity_id: opportunity_id.clone(), at: now, is_ours });
    }
}

fn refused(status: u16, error_code: &str, message: &str) -> Error {
    let refusal = Refusal { status, error_code: error_code.into(), message: message.into(), fields: Vec::new() };
    Error::Refused(refusal)
}
