//! What is read from Salesforce about one deal.

use domain::{OpportunityId, Record};
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::activation::{self, contract_query};
use crate::source::DESCRIBED;
use crate::{PAID, Settings, Stop, Withheld, cancellation, renewal};

/// Read with every opportunity. `CurrencyIsoCode` is added in organizations that have several currencies; elsewhere the
/// field does not exist and asking for it fails the query.
pub const OPPORTUNITY_FIELDS: &[&str] = &[
    "Id",
    "StageName",
    "Amount",
    "Type",
    "AccountId",
    "Stripe_Customer_Id__c",
    "Stripe_Invoice_Id__c",
    "Stripe_Invoice_URL__c",
    "Stripe_Invoice_PDF__c",
    "Stripe_Sync_Status__c",
    "Stripe_Sync_Error__c",
    "Stripe_Approved_Amount__c",
];

/// Read through the opportunity's account.
pub const ACCOUNT_FIELDS: &[&str] = &[
    "Account.Name",
    "Account.Billing_Email__c",
    "Account.Phone",
    "Account.BillingStreet",
    "Account.BillingCity",
    "Account.BillingState",
    "Account.BillingPostalCode",
    "Account.BillingCountry",
    "Account.Tax_Id__c",
    "Account.Tax_Id_Type__c",
    "Account.Tax_Exempt__c",
    "Account.SystemModstamp",
    "Account.Stripe_Customer_Id__c",
];

pub const CONTACT_ROLE_FIELDS: &[&str] = &["Contact.Email"];

/// One query, in words that need no SOQL: which fields of which object where these fields have these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordQuery {
    pub object: &'static str,
    pub fields: Vec<&'static str>,
    /// Fields that only this organization has a use for.
    pub also: Vec<String>,
    pub filter: Vec<(&'static str, Filter)>,
    pub order_by: Vec<&'static str>,
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    Is(String),
    /// It holds anything.
    IsAny,
    IsEmpty,
    /// One of these texts; or the other field holds anything.
    OneOfOrNamed(Vec<String>, &'static str),
    /// This text; or one of the other fields is what stands with it.
    IsOr(String, Vec<(&'static str, String)>),
    IsTrue,
    IsFalse,
    /// It is not ticked; or the other field holds nothing.
    IsFalseOrEmpty(&'static str),
    /// It is not ticked; or the other field holds another text than this, or none.
    IsFalseOrNot(&'static str, &'static str),
    /// It holds nothing, or a number below this one.
    IsEmptyOrLess(Decimal),
    OneOf(Vec<String>),
    AtLeast(Timestamp),
    /// In the order of this field and then of the id, what comes after this value and this id.
    After(Timestamp, String),
}

impl Filter {
    /// One of these texts; the only one, where there is but one.
    pub fn one_of(texts: &[String]) -> Self {
        match texts {
            [text] => Self::Is(text.clone()),
            texts => Self::OneOf(texts.to_vec()),
        }
    }
}

/// Where a reading in the order of changes goes on: after this record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub modified_at: Timestamp,
    pub record_id: String,
}

impl Cursor {
    pub(crate) fn filter(after: Option<&Self>, since: Timestamp) -> Filter {
        match after {
            None => Filter::AtLeast(since),
            Some(after) => Filter::After(after.modified_at, after.record_id.clone()),
        }
    }
}

/// The queries of one composite read: the opportunity, its lines, its primary contact, and its contract where that is read by itself.
pub fn deal_queries(opportunity_id: &OpportunityId, settings: &Settings) -> Vec<RecordQuery> {
    let id = || Filter::Is(opportunity_id.to_string());
    let mut opportunity_fields = [OPPORTUNITY_FIELDS, ACCOUNT_FIELDS].concat();
    if settings.multi_currency {
        opportunity_fields.push("CurrencyIsoCode");
    }
    if settings.amendments.reissues() {
        opportunity_fields.push(PAID);
    }
    opportunity_fields.extend(settings.shipping.fields());
    opportunity_fields.extend(settings.line_source.opportunity_fields(settings.subscriptions));
    opportunity_fields.extend(activation::opportunity_fields(settings));
    opportunity_fields.extend(renewal::opportunity_fields(settings));
    opportunity_fields.extend(cancellation::opportunity_fields(settings));
    let names = settings.line_source.names();
    let mut lines = settings.line_source.query(opportunity_id, settings.subscriptions);
    // What is said elsewhere is not read here, unless it is the product's name as well.
    let is_described = settings.lens.line.iter().any(|seen| seen.field == DESCRIBED);
    lines.fields.retain(|field| !is_described || *field != names.description || *field == names.product);
    let mut queries = vec![
        settings.lens.of_opportunity(RecordQuery {
            object: "Opportunity",
            fields: opportunity_fields,
            also: vec![],
            filter: vec![("Id", id())],
            order_by: vec![],
            limit: Some(1),
        }),
        settings.lens.of_lines(lines),
        RecordQuery {
            object: "OpportunityContactRole",
            fields: CONTACT_ROLE_FIELDS.to_vec(),
            also: vec![],
            filter: vec![("OpportunityId", id()), ("IsPrimary", Filter::IsTrue)],
            order_by: vec!["Id"],
            limit: Some(1),
        },
    ];
    queries.extend(contract_query(opportunity_id, settings));
    queries
}

/// An opportunity with its account, its lines in their order, and its primary contact role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deal {
    pub opportunity: Record,
    pub lines: Vec<Record>,
    pub primary_contact: Option<Record>,
    /// Its activated contract, where that is not named by the opportunity.
    pub activated_contract: Option<Record>,
    /// Fields that are written for deals and that Salesforce does not let us edit.
    pub withheld: Vec<Withheld>,
    /// What of the opportunity itself could not be read as the configuration says: whether it is to be billed may hang on that.
    pub undecided_itself: Vec<Stop>,
    /// The same of its lines and its account.
    pub undecided: Vec<Stop>,
    /// When it was read: a term that has not begun by then is not billed yet.
    pub read_at: Timestamp,
}
