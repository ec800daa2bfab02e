//! What a field of a row holds, by its path in SOQL.

use domain::{ContractId, FieldValue, OpportunityId};
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Account, Case, Contract, Line, Opportunity, Salesforce, Standing, Task};

/// A row of an object.
#[derive(Clone, Copy)]
pub(super) enum Row<'a> {
    Opportunity(&'a Salesforce, &'a Opportunity),
    Line(&'a Opportunity, usize, &'a Line),
    ContactRole(&'a Opportunity),
    Account(&'a Account),
    Contract(&'a Opportunity),
    Task(&'a str, &'a Task),
    Case(&'a str, &'a Case),
}

/// Everybody's.
pub(super) const OWNER: &str = "005gK000000owner";

pub(super) fn text(value: impl ToString) -> FieldValue {
    FieldValue::Text(value.to_string())
}

pub(super) fn optional(value: Option<&String>) -> FieldValue {
    value.map_or(FieldValue::Null, text)
}

fn number(value: Option<Decimal>) -> FieldValue {
    value.map_or(FieldValue::Null, FieldValue::Number)
}

impl Row<'_> {
    /// `None` when the object has no such field.
    pub(super) fn field(&self, path: &str) -> Option<FieldValue> {
        match self {
            Self::Opportunity(org, opportunity) => match path.strip_prefix("Account.") {
                Some(field) => match opportunity.account_id.as_ref().and_then(|id| org.accounts.get(id)) {
                    Some(account) => account_field(account, field),
                    None => Some(FieldValue::Null),
                },
                None => opportunity_field(org, opportunity, path),
            },
            Self::Line(opportunity, index, line) => line_field(opportunity, *index, line, path),
            Self::ContactRole(opportunity) => Some(match path {
                "OpportunityId" => text(&opportunity.id),
                "IsPrimary" => FieldValue::Boolean(true),
                "Id" => text(opportunity.id.as_str().replacen("006", "00K", 1)),
                "Contact.Email" => optional(opportunity.contact_email.as_ref()),
                _ => return None,
            }),
            Self::Account(account) => account_field(account, path),
            Self::Task(about, task) => task.field(about, path),
            Self::Case(about, case) => case.field(about, path),
            Self::Contract(opportunity) => Some(match path {
                "Id" => text(contract_of(&opportunity.id)),
                "Stripe_Subscription_Id__c" => optional(opportunity.contract_names.subscription_id.as_ref()),
                "Renewal_Stripe_Sub_Id__c" => optional(opportunity.contract_names.renewal_id.as_ref()),
                "Stripe_MRR__c" => number(opportunity.contract_names.mrr),
                "CurrencyIsoCode" => text(&opportunity.currency),
                _ => return standing_field(&opportunity.contract_names.standing, path),
            }),
        }
    }
}

/// Each deal that has a contract has one of its own.
pub(super) fn contract_of(id: &OpportunityId) -> ContractId {
    let id = id.as_str().replacen("006", "800", 1);
    ContractId::parse(&id[..15]).expect("fifteen characters")
}

fn opportunity_field(org: &Salesforce, opportunity: &Opportunity, field: &str) -> Option<FieldValue> {
    Some(match field {
        "Id" => text(&opportunity.id),
        "StageName" => text(&opportunity.stage),
        "IsWon" => FieldValue::Boolean(opportunity.stage == "Closed Won"),
        "Name" => text(format!("Deal {}", opportunity.id)),
        "Owner.Name" => text("Olga Owner"),
        "OwnerId" => text(OWNER),
        "Owner.IsActive" => FieldValue::Boolean(true),
        "Amount" => number(opportunity.amount),
        "Type" => optional(opportunity.kind.as_ref()),
        "AccountId" => opportunity.account_id.as_ref().map_or(FieldValue::Null, text),
        "CurrencyIsoCode" if org.multi_currency => text(&opportunity.currency),
        "Stripe_Customer_Id__c" => optional(opportunity.customer_id.as_ref()),
        "Stripe_Invoice_Id__c" => optional(opportunity.invoice_id.as_ref()),
        "Stripe_Invoice_URL__c" => optional(opportunity.invoice_url.as_ref()),
        "Stripe_Invoice_PDF__c" => optional(opportunity.invoice_pdf.as_ref()),
        "Stripe_Subscription_Id__c" => optional(opportunity.subscription_id.as_ref()),
        "Stripe_MRR__c" => number(opportunity.mrr),
        "Renewal_Stripe_Sub_Id__c" => optional(opportunity.renewal_id.as_ref()),
        "Stripe_Cancel_On__c" => opportunity.cancel_on.map_or(FieldValue::Null, text),
        "Stripe_Start_Date__c" => opportunity.term.as_ref().map_or(FieldValue::Null, |term| text(term.start)),
        "Stripe_Term_Months__c" => {
            let months = opportunity.term.as_ref().and_then(|term| term.periods.map(|_| term.months()));
            number(months.map(Decimal::from))
        }
        "ContractId" => match opportunity.contract {
            Contract::NotNeeded => FieldValue::Null,
            Contract::Draft | Contract::Activated(_) => text(contract_of(&opportunity.id)),
        },
        "Contract.CurrencyIsoCode" if org.multi_currency => match opportunity.contract {
            Contract::NotNeeded => FieldValue::Null,
            Contract::Draft | Contract::Activated(_) => text(&opportunity.currency),
        },
        "Contract.StatusCode" => match opportunity.contract {
            Contract::NotNeeded => FieldValue::Null,
            Contract::Draft => text("Draft"),
            Contract::Activated(_) => text("Activated"),
        },
        "Contract.SystemModstamp" | "Contract.ActivatedDate" => match opportunity.contract {
            Contract::Activated(at) => text(time(at)),
            Contract::NotNeeded | Contract::Draft => FieldValue::Null,
        },
        "Stripe_Sync_Status__c" => optional(opportunity.sync_code.as_ref()),
        "Stripe_Sync_Error__c" => optional(opportunity.sync_message.as_ref()),
        "Stripe_Approved_Amount__c" => number(opportunity.approved_amount),
        "Payment_Received__c" => FieldValue::Boolean(opportunity.payment_received),
        "Paid_Date__c" => optional(opportunity.paid_date.as_ref()),
        "Stripe_Amount_Paid__c" => number(opportunity.amount_paid),
        "Stripe_Amount_Remaining__c" => number(opportunity.amount_remaining),
        "Stripe_Invoice_Status__c" => optional(opportunity.invoice_standing.status.as_ref()),
        "Stripe_Amount_Credited__c" => number(opportunity.invoice_standing.credited),
        "Stripe_Amount_Refunded__c" => number(opportunity.invoice_standing.refunded),
        "Stripe_Payment_Disputed__c" => FieldValue::Boolean(opportunity.invoice_standing.is_disputed),
        "LastStageChangeDate" | "CreatedDate" => text(time(opportunity.stage_since)),
        "SystemModstamp" | "LastModifiedDate" => text(time(opportunity.modified)),
        "IsDeleted" => FieldValue::Boolean(opportunity.is_deleted),
        _ => return standing_field(&opportunity.standing, field),
    })
}

fn standing_field(standing: &Standing, field: &str) -> Option<FieldValue> {
    Some(match field {
        "Stripe_Subscription_Status__c" => optional(standing.status.as_ref()),
        "Stripe_Current_MRR__c" => number(standing.monthly),
        "Stripe_Period_End__c" => optional(standing.period_end.as_ref()),
        "Stripe_Cancellation_Reason__c" => optional(standing.cancellation.as_ref()),
        _ => return None,
    })
}

fn account_field(account: &Account, field: &str) -> Option<FieldValue> {
    Some(match field {
        "OwnerId" => text(OWNER),
        "Owner.IsActive" => FieldValue::Boolean(true),
        "CSM__c" | "CSM__r.IsActive" => FieldValue::Null,
        "Id" => text(&account.id),
        "Name" => text(&account.name),
        "Billing_Email__c" => optional(account.billing_email.as_ref()),
        "Tax_Id__c" => optional(account.tax_id()),
        "Tax_Id_Type__c" | "Tax_Exempt__c" => FieldValue::Null,
        "BillingCountry" => optional(account.country.as_ref()),
        "Stripe_Customer_Id__c" => optional(account.stripe_customer_id.as_ref()),
        "SystemModstamp" => text(time(account.modified)),
        "Phone" => text("+49 30 1234567"),
        "BillingStreet" => text("Hauptstrasse 1\r\nHinterhaus"),
        "BillingCity" => text("Berlin"),
        "BillingPostalCode" => text("10115"),
        "BillingState" => FieldValue::Null,
        _ => return None,
    })
}

fn line_field(opportunity: &Opportunity, index: usize, line: &Line, field: &str) -> Option<FieldValue> {
    Some(match field {
        "Id" => text(&line.id),
        "OpportunityId" => text(&opportunity.id),
        "SortOrder" => number(Some(index.into())),
        "Quantity" => number(Some(line.quantity)),
        "ListPrice" => number(line.list_price),
        "TotalPrice" => number(line.total),
        "Description" => FieldValue::Null,
        "Product2.Name" => text(&line.product),
        "Product2.Stripe_Billing_Frequency__c" => match opportunity.term.as_ref().filter(|_| line.is_recurring) {
            None => FieldValue::Null,
            Some(term) => text(match line.every.unwrap_or(term.every) {
                1 => "Monthly",
                3 => "Quarterly",
                6 => "Semiannual",
                _ => "Annual",
            }),
        },
        "Product2.Stripe_Price_Id__c" => optional(line.price.as_ref()),
        _ => return None,
    })
}

/// As Salesforce writes it: milliseconds and a zone without a colon.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}
