//! Which side a field belongs to, and what becomes of an edit on the other: the one table for both directions.
//!
//! A change that both sides may make is where two systems write in turn for ever. Here each field has one owner; where two may write it,
//! the row says who goes first and that the other never answers.

use std::fmt;

/// Whose value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// People and their automation in Salesforce. Closedwon reads it, and writes it as the row says or never.
    Salesforce,
    /// Stripe, by way of Closedwon. What somebody writes there in Salesforce is not read as a wish.
    Stripe,
    /// Whoever comes first: Closedwon writes it where it says nothing else, and takes what a person wrote.
    WhoeverIsFirst,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Salesforce => "Salesforce",
            Self::Stripe => "Stripe",
            Self::WhoeverIsFirst => "whoever is first",
        })
    }
}

/// Fields of one Salesforce object that are treated alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub object: &'static str,
    pub fields: &'static [&'static str],
    pub owner: Owner,
    /// When Closedwon writes it, if it does.
    pub written: Option<&'static str>,
    /// What becomes of an edit by somebody else.
    pub edited: &'static str,
}

pub const OWNERSHIP: &[Row] = &[
    Row {
        object: "Opportunity",
        fields: &["Name", "OwnerId", "Amount", "Type", "AccountId", "CurrencyIsoCode", "ContractId"],
        owner: Owner::Salesforce,
        written: None,
        edited: "Before the invoice is sent it is billed as it is by then; afterwards changes.amendments decides.",
    },
    Row {
        object: "Opportunity",
        fields: &["StageName"],
        owner: Owner::Salesforce,
        written: Some(
            "From one of won.stages to won.paid_stage, or to a stage of payments.rules, once, when it is paid whole.",
        ),
        edited: "A person's stage stays.",
    },
    Row {
        object: "Opportunity",
        fields: &["Stripe_Approved_Amount__c", "Stripe_Start_Date__c", "Stripe_Term_Months__c", "Stripe_Cancel_On__c"],
        owner: Owner::Salesforce,
        written: None,
        edited: "It is what somebody says to Closedwon, and is acted on.",
    },
    Row {
        object: "Opportunity",
        fields: &["Stripe_Invoice_Id__c"],
        owner: Owner::WhoeverIsFirst,
        written: Some("When the invoice is sent."),
        edited: "A deal that names an invoice is not billed. Another id than the one that was written goes before a person.",
    },
    Row {
        object: "Opportunity",
        fields: &["Renewal_Stripe_Sub_Id__c"],
        owner: Owner::WhoeverIsFirst,
        written: Some("When the subscription is renewed."),
        edited: "It says which subscription a deal is to renew. Another one than was renewed goes before a person.",
    },
    Row {
        object: "Opportunity",
        fields: &["Payment_Received__c", "Paid_Date__c"],
        owner: Owner::WhoeverIsFirst,
        written: Some("When the invoice is paid whole; emptied when another invoice takes its place."),
        edited: "What a person ticked and dated stays.",
    },
    Row {
        object: "Opportunity",
        fields: &[
            "Stripe_Customer_Id__c",
            "Stripe_Invoice_URL__c",
            "Stripe_Invoice_PDF__c",
            "Stripe_Subscription_Id__c",
            "Stripe_MRR__c",
        ],
        owner: Owner::Stripe,
        written: Some("When the invoice is sent."),
        edited: "It stands until the deal is worked on again, and is written anew then.",
    },
    Row {
        object: "Opportunity",
        fields: &["Stripe_Sync_Status__c", "Stripe_Sync_Error__c"],
        owner: Owner::Stripe,
        written: Some("When the deal is refused, and emptied when it is billed."),
        edited: "It is written anew with the next refusal. What an automation puts back is not fought.",
    },
    Row {
        object: "Opportunity",
        fields: &["Stripe_Amount_Paid__c", "Stripe_Amount_Remaining__c"],
        owner: Owner::Stripe,
        written: Some("With each payment; never to less than it says."),
        edited: "It stands until the next payment.",
    },
    Row {
        object: "Opportunity",
        fields: &[
            "Stripe_Invoice_Status__c",
            "Stripe_Amount_Credited__c",
            "Stripe_Amount_Refunded__c",
            "Stripe_Payment_Disputed__c",
        ],
        owner: Owner::Stripe,
        written: Some("When something becomes of the invoice."),
        edited: "It stands until something becomes of the invoice again.",
    },
    Row {
        object: "Opportunity",
        fields: MIRRORED,
        owner: Owner::Stripe,
        written: Some("When something becomes of the subscription."),
        edited: "It stands until something becomes of the subscription again.",
    },
    Row {
        object: "Contract",
        fields: &["Stripe_Subscription_Id__c", "Renewal_Stripe_Sub_Id__c", "Stripe_MRR__c"],
        owner: Owner::Stripe,
        written: Some("When the subscription is begun or renewed."),
        edited: "It stands until the deal is worked on again.",
    },
    Row {
        object: "Contract",
        fields: MIRRORED,
        owner: Owner::Stripe,
        written: Some("When something becomes of the subscription."),
        edited: "It stands until something becomes of the subscription again.",
    },
    Row {
        object: "Contract",
        fields: &["StatusCode", "ActivatedDate", "CurrencyIsoCode"],
        owner: Owner::Salesforce,
        written: None,
        edited: "An activation begins the subscription of a deal that waited for it.",
    },
    Row {
        object: "Account",
        fields: &["Stripe_Customer_Id__c"],
        owner: Owner::WhoeverIsFirst,
        written: Some("When a deal makes the account's customer."),
        edited: "A customer that a person named is taken, unless it is another account's. Emptied, it is written anew.",
    },
    Row {
        object: "Account",
        fields: &[
            "Name",
            "Billing_Email__c",
            "Phone",
            "BillingStreet",
            "BillingCity",
            "BillingState",
            "BillingPostalCode",
            "BillingCountry",
            "ShippingStreet",
            "ShippingCity",
            "ShippingState",
            "ShippingPostalCode",
            "ShippingCountry",
            "Tax_Id__c",
            "Tax_Id_Type__c",
            "Tax_Exempt__c",
            "OwnerId",
            "CSM__c",
        ],
        owner: Owner::Salesforce,
        written: None,
        edited: "The customer that Closedwon made is told it. What somebody edits of that customer in Stripe stays until Salesforce says something new.",
    },
    Row {
        object: "Case",
        fields: &["Subject", "AccountId", "Stripe_Invoice_Id__c"],
        owner: Owner::Stripe,
        written: Some("When it is opened."),
        edited: "A person's words stay.",
    },
    Row {
        object: "Case",
        fields: &["Description"],
        owner: Owner::Stripe,
        written: Some("With each failure, while it is open."),
        edited: "It is written over with the next failure: what people have to say belongs into comments.",
    },
    Row {
        object: "Case",
        fields: &["Status", "Priority", "OwnerId"],
        owner: Owner::WhoeverIsFirst,
        written: Some("Closed when nothing is due; raised once; given to another where its owner has left."),
        edited: "What a person closed, lowered or took over stays so.",
    },
    Row {
        object: "Task",
        fields: &["Subject", "Description", "WhatId", "OwnerId", "ActivityDate", "Stripe_Id__c", "Status"],
        owner: Owner::WhoeverIsFirst,
        written: Some("When somebody is asked to do something; completed when nothing is due."),
        edited: "A task is its owner's. One that was deleted is not made again.",
    },
];

const MIRRORED: &[&str] = &crate::standing::MIRRORED;

/// What Salesforce itself changes with every write.
const OF_EVERY_WRITE: [&str; 3] = ["LastModifiedDate", "LastModifiedById", "SystemModstamp"];

/// Whether a change of these fields of an opportunity by the integration user is our own write coming back. What people and their flows say
/// to us is not, though a flow may run as that user.
pub fn is_own_write<'a>(changed: impl IntoIterator<Item = &'a str>) -> bool {
    let mut changed = changed.into_iter().peekable();
    changed.peek().is_some() && changed.all(|field| OF_EVERY_WRITE.contains(&field) || is_ours("Opportunity", field))
}

fn is_ours(object: &str, field: &str) -> bool {
    let row = OWNERSHIP.iter().find(|row| row.object == object && row.fields.contains(&field));
    row.is_some_and(|row| row.owner != Owner::Salesforce)
}

#[cfg(test)]
mod tests;
