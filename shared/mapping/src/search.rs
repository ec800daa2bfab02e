//! Whose something of Stripe's is that no deal names, as far as is known: who names it, and whose its customer is.

use domain::{AccountId, Currency, CustomerId, InvoiceId, OpportunityId, Record, SubscriptionId};
use serde::{Deserialize, Serialize};

use crate::deal::{Filter, RecordQuery};
use crate::plan::currency;
use crate::settings::Settings;
use crate::update::{CUSTOMER_ID, INVOICE_ID, SUBSCRIPTION_ID};

/// Whether what somebody else billed is looked for in Salesforce when it is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StrayInvoices {
    #[default]
    Ignored,
    LookedUp,
}

impl StrayInvoices {
    /// As the configuration writes it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "ignore" => Ok(Self::Ignored),
            "look_up" => Ok(Self::LookedUp),
            _ => Err("it must be ignore or look_up".to_owned()),
        }
    }
}

const ACCOUNTS_CUSTOMER_ID: &str = "Account.Stripe_Customer_Id__c";

/// More than two that name the same are no more of an answer, and a person needs no longer list.
const MOST: u32 = 5;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    Invoice(InvoiceId),
    Subscription(SubscriptionId),
}

impl Lost {
    fn named_in(&self) -> &'static str {
        match self {
            Self::Invoice(_) => INVOICE_ID,
            Self::Subscription(_) => SUBSCRIPTION_ID,
        }
    }

    pub fn id(&self) -> &str {
        match self {
            Self::Invoice(id) => id.as_str(),
            Self::Subscription(id) => id.as_str(),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Invoice(_) => "invoice",
            Self::Subscription(_) => "subscription",
        }
    }
}

/// What is looked for, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    pub lost: Lost,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The account that the customer says that it is of: one that is for a second currency is named by none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
}

impl Search {
    /// Who names it; and where its customer is known, whose account that is, and which of the account's won deals name none.
    pub fn queries(&self) -> Vec<RecordQuery> {
        let named_in = self.lost.named_in();
        let query = |object, filter| RecordQuery {
            object,
            fields: vec!["Id"],
            also: vec![],
            filter,
            order_by: vec!["Id"],
            limit: Some(MOST),
        };
        let mut by_id = query("Opportunity", vec![(named_in, Filter::Is(self.lost.id().to_owned()))]);
        by_id.fields.push(named_in);
        let mut queries = vec![by_id];
        if let Some(customer_id) = &self.customer_id {
            let of_account = |named_by: &'static str, id: &'static str| {
                let by_id = self.account_id.iter().map(|account_id| (id, account_id.to_string())).collect();
                (named_by, Filter::IsOr(customer_id.to_string(), by_id))
            };
            queries.push(query("Account", vec![of_account(CUSTOMER_ID, "Id")]));
            let won = vec![
                of_account(ACCOUNTS_CUSTOMER_ID, "AccountId"),
                ("IsWon", Filter::IsTrue),
                (named_in, Filter::IsEmpty),
            ];
            queries.push(query("Opportunity", won));
        }
        queries
    }

    /// What was answered to that. Where an organization's own field ignores case, it finds what is not the same.
    pub fn found(&self, mut answers: Vec<Vec<Record>>) -> Whereabouts {
        if let Some(by_id) = answers.first_mut() {
            by_id.retain(|record| record.text(self.lost.named_in()) == Some(self.lost.id()));
        }
        Whereabouts::of(answers)
    }
}

/// In which currency a record's amounts are.
pub fn currency_of(record: &Record, settings: &Settings) -> Option<Currency> {
    currency(record, settings).ok()
}

/// What Salesforce answered to that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// The opportunities that name it.
    pub named_by: Vec<OpportunityId>,
    /// The accounts that its customer is of.
    pub accounts: Vec<AccountId>,
    /// Deals of theirs that are won and name none.
    pub perhaps: Vec<OpportunityId>,
}

impl Whereabouts {
    /// The answers in the order of the queries.
    pub fn of(answers: Vec<Vec<Record>>) -> Self {
        let mut answers = answers.into_iter();
        let mut ids = || -> Vec<String> {
            let records = answers.next().unwrap_or_default();
            records.iter().filter_map(|record| record.text("Id").map(str::to_owned)).collect()
        };
        let deals = |ids: Vec<String>| ids.iter().filter_map(|id| OpportunityId::parse(id).ok()).collect();
        let named_by = deals(ids());
        let accounts = ids().iter().filter_map(|id| AccountId::parse(id).ok()).collect();
        Self { named_by, accounts, perhaps: deals(ids()) }
    }

    /// The deal that has it, if there is one and not two.
    pub fn owner(&self) -> Option<&OpportunityId> {
        match &self.named_by[..] {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Its customer is nobody's in Salesforce, and no deal has it.
    pub fn is_nobodys(&self) -> bool {
        self.named_by.is_empty() && self.accounts.is_empty()
    }

    /// For whoever is to decide, in a sentence.
    pub fn said(&self, search: &Search) -> String {
        let kind = search.lost.kind();
        let listed = |ids: &[OpportunityId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if !self.named_by.is_empty() {
            return format!("The {kind} is named by {}.", listed(&self.named_by));
        }
        let Some(customer_id) = &search.customer_id else {
            return format!("No opportunity names the {kind}.");
        };
        match (&self.accounts[..], &self.perhaps[..]) {
            ([], _) => format!("No opportunity names the {kind}, and no account its customer {customer_id}."),
            ([account, ..], []) => format!(
                "No opportunity names the {kind}. Its customer {customer_id} is that of account {account}, none of whose won deals is without one."
            ),
            ([account, ..], perhaps) => format!(
                "No opportunity names the {kind}. Its customer {customer_id} is that of account {account}; of its won deals {} none: {}.",
                if perhaps.len() < MOST as usize { "these name" } else { "more than a few name" },
                listed(perhaps)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::FieldValue;

    use super::*;

    fn search(customer: Option<&str>, account: Option<&str>) -> Search {
        Search {
            lost: Lost::Invoice(InvoiceId::parse("in_1").expect("valid")),
            customer_id: customer.map(|id| CustomerId::parse(id).expect("valid")),
            account_id: account.map(|id| AccountId::parse(id).expect("valid")),
        }
    }

    const A: &str = "001000000000001AAA";
    const D: [&str; 2] = ["006000000000001AAA", "006000000000002AAA"];

    fn whereabouts(named_by: &[&str], accounts: &[&str], perhaps: &[&str]) -> Whereabouts {
        let records = |ids: &[&str]| {
            let with_id = |id: &&str| {
                let mut record = Record::default();
                record.set("Id", FieldValue::Text((*id).to_owned()));
                record
            };
            ids.iter().map(with_id).collect()
        };
        Whereabouts::of(vec![records(named_by), records(accounts), records(perhaps)])
    }

    #[test]
    fn what_it_is_looked_for_by() {
        let queries = search(None, None).queries();
        assert_eq!(queries.len(), 1);
        assert_eq!(queries[0].filter, [(INVOICE_ID, Filter::Is("in_1".into()))]);
        let queries = search(Some("cus_1"), Some(A)).queries();
        let objects: Vec<_> = queries.iter().map(|query| query.object).collect();
        assert_eq!(objects, ["Opportunity", "Account", "Opportunity"]);
        assert_eq!(queries[1].filter, [(CUSTOMER_ID, Filter::IsOr("cus_1".into(), vec![("Id", A.into())]))]);
        assert_eq!(queries[2].filter[2], (INVOICE_ID, Filter::IsEmpty));
        let unnamed = search(Some("cus_1"), None).queries();
        assert_eq!(unnamed[1].filter, [(CUSTOMER_ID, Filter::IsOr("cus_1".into(), vec![]))]);
        let lost = Lost::Subscription(SubscriptionId::parse("sub_1").expect("valid"));
        let queries = Search { lost, ..search(None, None) }.queries();
        assert_eq!(queries[0].filter, [(SUBSCRIPTION_ID, Filter::Is("sub_1".into()))]);
    }

    #[test]
    fn one_deal_has_it_or_a_person_is_told_what_is_known() {
        for (found, owner, is_nobodys, said) in [
            (whereabouts(&D[..1], &[A], &[]), Some(D[0]), false, "The invoice is named by 006000000000001AAA."),
            (whereabouts(&D, &[], &[]), None, false, "The invoice is named by 006000000000001AAA, 006000000000002AAA."),
            (
                whereabouts(&[], &[], &[]),
                None,
                true,
                "No opportunity names the invoice, and no account its customer cus_1.",
            ),
            (
                whereabouts(&[], &[A], &[]),
                None,
                false,
                "account 001000000000001AAA, none of whose won deals is without one.",
            ),
            (whereabouts(&[], &[A], &D), None, false, "these name none: 006000000000001AAA, 006000000000002AAA."),
        ] {
            assert_eq!((found.owner().map(ToString::to_string).as_deref(), found.is_nobodys()), (owner, is_nobodys));
            let sentence = found.said(&search(Some("cus_1"), None));
            assert!(sentence.ends_with(said), "{sentence}");
        }
        assert_eq!(Whereabouts::of(vec![]).said(&search(None, None)), "No opportunity names the invoice.");
    }

    #[test]
    fn another_id_that_differs_by_case_is_another_one() {
        let named = |id: &str| {
            let mut record = Record::default();
            record.set("Id", FieldValue::Text(D[0].to_owned()));
            record.set(INVOICE_ID, FieldValue::Text(id.to_owned()));
            search(None, None).found(vec![vec![record]])
        };
        assert!(named("in_1").owner().is_some() && named("IN_1").owner().is_none());
    }

    #[test]
    fn the_switch_is_read_as_it_is_written() {
        assert_eq!(StrayInvoices::parse("ignore"), Ok(StrayInvoices::default()));
        assert_eq!(StrayInvoices::parse("look_up"), Ok(StrayInvoices::LookedUp));
        assert!(StrayInvoices::parse("on").is_err());
    }
}
