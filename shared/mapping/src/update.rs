//! The way back: which fields of which Salesforce records are written, and what they must hold afterwards.

use std::collections::BTreeMap;

use domain::{AccountId, CustomerId, FieldValue, InvoiceId, OpportunityId, Record};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::customer::cut;
use crate::deal::{Filter, RecordQuery};
use crate::{Plan, Stop};

/// New values for some fields of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    pub object: &'static str,
    pub id: String,
    pub fields: BTreeMap<&'static str, FieldValue>,
}

impl Update {
    fn new<const N: usize>(object: &'static str, id: impl ToString, fields: [(&'static str, FieldValue); N]) -> Self {
        Self { object, id: id.to_string(), fields: fields.into() }
    }

    /// Reads back exactly what is written.
    pub fn read_back(&self) -> RecordQuery {
        RecordQuery {
            object: self.object,
            fields: self.fields.keys().copied().collect(),
            filter: vec![("Id", Filter::Is(self.id.clone()))],
            order_by: vec![],
            limit: Some(1),
        }
    }

    /// Whether a reading through the opportunity already shows what this would write. Fields of the account are found
    /// under its relationship's name there.
    pub fn holds_in(&self, opportunity: &Record) -> bool {
        self.missing_in(opportunity).is_empty()
    }

    /// What such a reading does not show as it would be written.
    pub fn missing_in(&self, opportunity: &Record) -> Vec<&'static str> {
        let is_missing = |field: &str, value: &FieldValue| {
            let path = if self.object == "Opportunity" { field.to_owned() } else { format!("{}.{field}", self.object) };
            !same(opportunity.get(&path), value)
        };
        self.fields.iter().filter(|(field, value)| is_missing(field, value)).map(|(field, _)| *field).collect()
    }

    /// The names of the fields that a record does not hold as written.
    pub fn differences(&self, record: &Record) -> Vec<&'static str> {
        self.fields.iter().filter(|(path, value)| !same(record.get(path), value)).map(|(path, _)| *path).collect()
    }
}

/// Salesforce answers an emptied text as null, and an absent entry is a field that was null.
fn same(found: Option<&FieldValue>, wanted: &FieldValue) -> bool {
    let blank = |value: Option<&FieldValue>| match value {
        None | Some(FieldValue::Null) => true,
        Some(FieldValue::Text(text)) => text.is_empty(),
        Some(_) => false,
    };
    found == Some(wanted) || (blank(found) && blank(Some(wanted)))
}

fn text(value: impl ToString) -> FieldValue {
    FieldValue::Text(value.to_string())
}

/// After the invoice is sent: its ids and link on the opportunity, and the customer on the account. An earlier refusal's
/// note is taken away in the same write.
pub fn invoice_written_back(
    plan: &Plan,
    customer_id: &CustomerId,
    invoice_id: &InvoiceId,
    invoice_url: Option<&str>,
    account_is_linked: bool,
) -> Vec<Update> {
    let mut updates = vec![Update::new(
        "Opportunity",
        &plan.opportunity_id,
        [
            ("Stripe_Customer_Id__c", text(customer_id)),
            ("Stripe_Invoice_Id__c", text(invoice_id)),
            ("Stripe_Invoice_URL__c", invoice_url.map_or(FieldValue::Null, text)),
            (NOTE_CODE, FieldValue::Null),
            (NOTE_MESSAGE, FieldValue::Null),
        ],
    )];
    // Every write of an account may start somebody's automation, and locks it for the deals beside this one.
    if !account_is_linked {
        updates.push(account_customer(&plan.account_id, customer_id));
    }
    updates
}

fn account_customer(account_id: &AccountId, customer_id: &CustomerId) -> Update {
    Update::new("Account", account_id, [("Stripe_Customer_Id__c", text(customer_id))])
}

/// The fields that hold a stop's note. They say nothing about whether anything else was written.
pub const NOTE_FIELDS: [&str; 2] = [NOTE_CODE, NOTE_MESSAGE];
pub const NOTE_CODE: &str = "Stripe_Sync_Code__c";
const NOTE_MESSAGE: &str = "Stripe_Sync_Message__c";

/// Where sales looks: why the deal is not billed, and what to do.
pub fn sync_note(opportunity_id: &OpportunityId, stop: &Stop) -> Update {
    Update::new(
        "Opportunity",
        opportunity_id,
        [(NOTE_CODE, text(stop.code.as_str())), (NOTE_MESSAGE, text(cut(&stop.message, 2000)))],
    )
}

/// What the note was about is over.
pub fn no_note(opportunity_id: &OpportunityId) -> Update {
    Update::new("Opportunity", opportunity_id, [(NOTE_CODE, FieldValue::Null), (NOTE_MESSAGE, FieldValue::Null)])
}

/// The payment, on the opportunity. `Paid_Date__c` is a date; it is the day in UTC, whatever the user's time zone.
pub fn mark_paid(opportunity_id: &OpportunityId, paid_at: Timestamp) -> Update {
    let day = TimeZone::UTC.to_datetime(paid_at).date();
    Update::new(
        "Opportunity",
        opportunity_id,
        [("Payment_Received__c", FieldValue::Boolean(true)), ("Paid_Date__c", text(day))],
    )
}

/// What an opportunity says about its invoice and payment.
pub fn billing_query(opportunity_id: &OpportunityId) -> RecordQuery {
    RecordQuery {
        object: "Opportunity",
        fields: vec![
            "Stripe_Customer_Id__c",
            "Stripe_Invoice_Id__c",
            "Stripe_Invoice_URL__c",
            NOTE_CODE,
            NOTE_MESSAGE,
            "Payment_Received__c",
            "Paid_Date__c",
            "Account.Stripe_Customer_Id__c",
        ],
        filter: vec![("Id", Filter::Is(opportunity_id.to_string()))],
        order_by: vec![],
        limit: Some(1),
    }
}
