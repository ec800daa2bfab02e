//! The way back: which fields of which Salesforce records are written, and what they must hold afterwards.

use std::collections::BTreeMap;

use domain::{CustomerId, FieldValue, InvoiceId, OpportunityId, Record, SubscriptionId};

use crate::afterwards::reading;
use crate::customer::cut;
use crate::deal::{Filter, RecordQuery};
use crate::invoice::SHOWN;
use crate::payment::{AMOUNT_PAID, AMOUNT_REMAINING, PAID, PAID_ON};
use crate::{CANCEL_ON, Plan, RENEWAL_ID, Settings, Stop, Subscriptions};

/// New values for some fields of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    pub object: &'static str,
    pub id: String,
    pub fields: BTreeMap<&'static str, FieldValue>,
    /// What is read in the same call, and not written.
    pub also_read: Vec<&'static str>,
    /// It is made if it is not there: `id` is what this field holds of it.
    pub external_id: Option<&'static str>,
    /// It is written only where all of this holds when the write arrives, however late that is.
    pub only_where: Vec<(&'static str, Filter)>,
}

impl Update {
    pub(crate) fn new<const N: usize>(
        object: &'static str,
        id: impl ToString,
        fields: [(&'static str, FieldValue); N],
    ) -> Self {
        Self {
            object,
            id: id.to_string(),
            fields: fields.into(),
            also_read: Vec::new(),
            external_id: None,
            only_where: Vec::new(),
        }
    }

    /// What there is once, whoever writes it and how often.
    pub(crate) fn once<const N: usize>(
        object: &'static str,
        external_id: &'static str,
        id: impl ToString,
        fields: [(&'static str, FieldValue); N],
    ) -> Self {
        Self { external_id: Some(external_id), also_read: vec!["Id"], ..Self::new(object, id, fields) }
    }

    /// Reads back what is written, and what is to be read besides.
    pub fn read_back(&self) -> RecordQuery {
        RecordQuery {
            object: self.object,
            fields: self.fields.keys().chain(&self.also_read).copied().collect(),
            also: vec![],
            filter: vec![(self.external_id.unwrap_or("Id"), Filter::Is(self.id.clone()))],
            order_by: vec![],
            limit: Some(1),
        }
    }

    /// What finds the record where it may be written; nothing if it may be in any case.
    pub fn condition(&self) -> Option<RecordQuery> {
        let id = ("Id", Filter::Is(self.id.clone()));
        (!self.only_where.is_empty()).then(|| RecordQuery {
            object: self.object,
            fields: vec!["Id"],
            also: vec![],
            filter: [id].into_iter().chain(self.only_where.iter().cloned()).collect(),
            order_by: vec![],
            limit: Some(1),
        })
    }

    /// Whether a reading through the opportunity already shows what this would write. Fields of the account are found
    /// under its relationship's name there.
    pub fn holds_in(&self, opportunity: &Record) -> bool {
        self.missing_in(opportunity).is_empty()
    }

    /// What such a reading does not show as it would be written. The contract is not read there: where the call was not taken with it, or it
    /// did not keep what was written, whoever wrote it remembers.
    pub fn missing_in(&self, opportunity: &Record) -> Vec<&'static str> {
        if self.object == CONTRACT {
            return Vec::new();
        }
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

pub(crate) fn text(value: impl ToString) -> FieldValue {
    FieldValue::Text(value.to_string())
}

/// Where an invoice is to be seen, as Stripe says it when it is finalized.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InvoiceLinks<'a> {
    pub page: Option<&'a str>,
    pub pdf: Option<&'a str>,
}

/// After the invoice is sent: its ids and links on the opportunity, and the customer on the account. An earlier refusal's
/// note is taken away in the same write.
pub fn invoice_written_back(
    plan: &Plan,
    customer_id: &CustomerId,
    invoice_id: &InvoiceId,
    links: InvoiceLinks<'_>,
    subscription_id: Option<&SubscriptionId>,
    account_is_linked: bool,
) -> Vec<Update> {
    let mut updates = vec![Update::new(
        "Opportunity",
        &plan.opportunity_id,
        [
            (CUSTOMER_ID, text(customer_id)),
            (INVOICE_ID, text(invoice_id)),
            (INVOICE_URL, links.page.map_or(FieldValue::Null, text)),
            (INVOICE_PDF, links.pdf.map_or(FieldValue::Null, text)),
            (NOTE_CODE, FieldValue::Null),
            (NOTE_MESSAGE, FieldValue::Null),
        ],
    )];
    if let Some(subscription_id) = subscription_id {
        updates[0].fields.insert(SUBSCRIPTION_ID, text(subscription_id));
        updates[0].fields.extend(monthly(plan));
        updates[0].also_read.push(CANCEL_ON);
        updates.extend(contract(plan, SUBSCRIPTION_ID, subscription_id));
    }
    updates.extend(account_customer(plan, customer_id, account_is_linked));
    updates
}

/// After a subscription was renewed: which, on the opportunity that renews it. It is billed by what the subscription bills from then on.
pub fn renewal_written_back(
    plan: &Plan,
    customer_id: &CustomerId,
    subscription_id: &SubscriptionId,
    account_is_linked: bool,
) -> Vec<Update> {
    let mut opportunity = Update::new(
        "Opportunity",
        &plan.opportunity_id,
        [
            (CUSTOMER_ID, text(customer_id)),
            (RENEWAL_ID, text(subscription_id)),
            (NOTE_CODE, FieldValue::Null),
            (NOTE_MESSAGE, FieldValue::Null),
        ],
    );
    opportunity.fields.extend(monthly(plan));
    opportunity.also_read.push(CANCEL_ON);
    let contract = contract(plan, RENEWAL_ID, subscription_id);
    [opportunity].into_iter().chain(contract).chain(account_customer(plan, customer_id, account_is_linked)).collect()
}

pub(crate) const CONTRACT: &str = "Contract";

/// Where customer success looks: which subscription the contract began or renewed, and what it comes to a month.
fn contract(plan: &Plan, field: &'static str, subscription_id: &SubscriptionId) -> Option<Update> {
    let mut update = Update::new(CONTRACT, plan.contract_id.as_ref()?, [(field, text(subscription_id))]);
    update.fields.extend(monthly(plan).filter(|_| !plan.contract_is_in_another));
    Some(update)
}

fn monthly(plan: &Plan) -> Option<(&'static str, FieldValue)> {
    Some((MRR, FieldValue::Number(plan.monthly()?.to_major_units())))
}

pub(crate) const CUSTOMER_ID: &str = "Stripe_Customer_Id__c";
pub(crate) const INVOICE_ID: &str = "Stripe_Invoice_Id__c";
pub(crate) const INVOICE_URL: &str = "Stripe_Invoice_URL__c";
pub(crate) const INVOICE_PDF: &str = "Stripe_Invoice_PDF__c";

/// Where there are no subscriptions the fields may not exist.
pub(crate) const SUBSCRIPTION_ID: &str = "Stripe_Subscription_Id__c";
pub const MRR: &str = "Stripe_MRR__c";

/// Every write of an account may start somebody's automation, and locks it for the deals beside this one.
fn account_customer(plan: &Plan, customer_id: &CustomerId, account_is_linked: bool) -> Option<Update> {
    let update = || Update::new("Account", &plan.account_id, [(CUSTOMER_ID, text(customer_id))]);
    (!account_is_linked).then(update)
}

/// Whether the account, read through the opportunity, names a customer that is not this one.
pub fn account_names_another(opportunity: &Record, customer_id: &CustomerId) -> bool {
    opportunity.text("Account.Stripe_Customer_Id__c").is_some_and(|named| named != customer_id.as_str())
}

/// The fields that hold a stop's note. They say nothing about whether anything else was written.
pub const NOTE_FIELDS: [&str; 2] = [NOTE_CODE, NOTE_MESSAGE];
pub const NOTE_CODE: &str = "Stripe_Sync_Status__c";
pub const NOTE_MESSAGE: &str = "Stripe_Sync_Error__c";

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

/// What an opportunity says about its invoice and payment.
pub fn billing_query(opportunity_id: &OpportunityId, settings: &Settings) -> RecordQuery {
    let of_subscription =
        [SUBSCRIPTION_ID, MRR, CANCEL_ON].into_iter().filter(|_| settings.subscriptions != Subscriptions::Off);
    RecordQuery {
        object: "Opportunity",
        fields: [
            CUSTOMER_ID,
            INVOICE_ID,
            INVOICE_URL,
            INVOICE_PDF,
            NOTE_CODE,
            NOTE_MESSAGE,
            PAID,
            PAID_ON,
            AMOUNT_PAID,
            AMOUNT_REMAINING,
            "Account.Stripe_Customer_Id__c",
        ]
        .into_iter()
        .chain(of_subscription)
        .chain(settings.multi_currency.then_some("CurrencyIsoCode"))
        .chain(settings.paid_stages().next().map(|_| "StageName"))
        .chain(SHOWN.into_iter().filter(|_| settings.followed.shows_invoices()))
        .collect(),
        also: vec![],
        filter: vec![("Id", Filter::Is(opportunity_id.to_string()))],
        order_by: vec![],
        limit: Some(1),
    }
}

/// The same with what rules about paid invoices ask of it.
pub fn paid_query(opportunity_id: &OpportunityId, settings: &Settings) -> RecordQuery {
    reading(billing_query(opportunity_id, settings), &settings.paid_rules, &settings.lens)
}

#[cfg(test)]
pub(crate) mod tests;
