//! The standard objects, as far as anything here reads or writes them, in one table per object.

mod selling;

use super::Kind::{
    Checkbox, Currency, Date, DateTime, Email, Integer, LongTextArea, Number, Percent, Phone, Picklist, Reference,
    Text, TextArea, Url,
};
use super::Rule::{CreateOnly, Governed, GovernedSystem, Open, PartOf, Required, System};
use super::{Child, Field, Kind, Object, Rule};
use crate::salesforce::json::Json;

type Row = (&'static str, Kind, Rule);

struct Standard {
    name: &'static str,
    plural: &'static str,
    prefix: &'static str,
    secured_by: Option<&'static str>,
    children: &'static [Child],
    rows: &'static [Row],
}

/// On every record. `CurrencyIsoCode` shows only in an org with several currencies.
const AUDIT: &[Row] = &[
    ("IsDeleted", Checkbox, System),
    ("CreatedDate", DateTime, System),
    ("CreatedById", Reference(&["User"]), System),
    ("LastModifiedDate", DateTime, System),
    ("LastModifiedById", Reference(&["User"]), System),
    ("SystemModstamp", DateTime, System),
];

const fn child(relationship: &'static str, object: &'static str, field: &'static str) -> Child {
    Child { relationship, object, field }
}

const STANDARD: &[Standard] = &[
    Standard {
        name: "Account",
        plural: "Accounts",
        prefix: "001",
        secured_by: Some("Account"),
        children: &[
            child("Opportunities", "Opportunity", "AccountId"),
            child("Contacts", "Contact", "AccountId"),
            child("Cases", "Case", "AccountId"),
            child("ChildAccounts", "Account", "ParentId"),
        ],
        rows: &[
            ("Name", Text(255), Required),
            ("AccountNumber", Text(40), Governed),
            ("Type", Picklist, Governed),
            ("BillingStreet", TextArea(255), PartOf("BillingAddress")),
            ("BillingCity", Text(40), PartOf("BillingAddress")),
            ("BillingState", Text(80), PartOf("BillingAddress")),
            ("BillingPostalCode", Text(20), PartOf("BillingAddress")),
            ("BillingCountry", Text(80), PartOf("BillingAddress")),
            ("ShippingStreet", TextArea(255), PartOf("ShippingAddress")),
            ("ShippingCity", Text(40), PartOf("ShippingAddress")),
            ("ShippingState", Text(80), PartOf("ShippingAddress")),
            ("ShippingPostalCode", Text(20), PartOf("ShippingAddress")),
            ("ShippingCountry", Text(80), PartOf("ShippingAddress")),
            ("Phone", Phone, Governed),
            ("Website", Url, Governed),
            ("Industry", Picklist, Governed),
            ("Description", LongTextArea(32_000), Governed),
            ("ParentId", Reference(&["Account"]), Governed),
            ("OwnerId", Reference(&["User"]), Open),
            ("CurrencyIsoCode", Picklist, Open),
        ],
    },
    Standard {
        name: "Contact",
        plural: "Contacts",
        prefix: "003",
        secured_by: Some("Contact"),
        children: &[child("OpportunityContactRoles", "OpportunityContactRole", "ContactId")],
        rows: &[
            ("LastName", Text(80), Required),
            ("FirstName", Text(40), Open),
            ("Name", Text(121), System),
            ("AccountId", Reference(&["Account"]), Governed),
            ("Email", Email, Governed),
            ("Phone", Phone, Governed),
            ("Title", Text(128), Governed),
            ("OwnerId", Reference(&["User"]), Open),
            ("CurrencyIsoCode", Picklist, Open),
        ],
    },
    Standard {
        name: "Opportunity",
        plural: "Opportunities",
        prefix: "006",
        secured_by: Some("Opportunity"),
        children: &[
            child("OpportunityLineItems", "OpportunityLineItem", "OpportunityId"),
            child("OpportunityContactRoles", "OpportunityContactRole", "OpportunityId"),
            child("Tasks", "Task", "WhatId"),
        ],
        rows: &[
            ("Name", Text(120), Required),
            ("StageName", Picklist, Required),
            ("CloseDate", Date, Required),
            ("AccountId", Reference(&["Account"]), Governed),
            ("Amount", Currency, Governed),
            ("Probability", Percent, Governed),
            ("Type", Picklist, Governed),
            ("LeadSource", Picklist, Governed),
            ("NextStep", Text(255), Governed),
            ("Description", LongTextArea(32_000), Governed),
            ("IsPrivate", Checkbox, Governed),
            // As with contracts themselves, who may see this is up to the org that has them.
            ("ContractId", Reference(&["Contract"]), Open),
            ("SBQQ__RenewedContract__c", Reference(&["Contract"]), Open),
            ("SyncedQuoteId", Text(18), Governed),
            ("IsClosed", Checkbox, System),
            ("IsWon", Checkbox, System),
            ("HasOpportunityLineItem", Checkbox, System),
            ("LastStageChangeDate", DateTime, System),
            ("Pricebook2Id", Reference(&["Pricebook2"]), Open),
            ("OwnerId", Reference(&["User"]), Open),
            ("CurrencyIsoCode", Picklist, Open),
        ],
    },
    Standard {
        name: "OpportunityLineItem",
        plural: "Opportunity Products",
        prefix: "00k",
        secured_by: Some("Opportunity"),
        children: &[],
        rows: &[
            ("OpportunityId", Reference(&["Opportunity"]), CreateOnly),
            ("PricebookEntryId", Reference(&["PricebookEntry"]), CreateOnly),
            ("Product2Id", Reference(&["Product2"]), CreateOnly),
            ("ProductCode", Text(255), System),
            ("Name", Text(376), System),
            ("Quantity", Number, Required),
            ("UnitPrice", Currency, Open),
            ("ListPrice", Currency, GovernedSystem),
            ("TotalPrice", Currency, Open),
            ("Subtotal", Currency, GovernedSystem),
            ("Discount", Percent, Governed),
            ("ServiceDate", Date, Governed),
            ("Description", Text(255), Governed),
            ("SortOrder", Integer, System),
            ("CurrencyIsoCode", Picklist, System),
        ],
    },
    Standard {
        name: "OpportunityContactRole",
        plural: "Opportunity Contact Roles",
        prefix: "00K",
        secured_by: Some("Opportunity"),
        children: &[],
        rows: &[
            ("OpportunityId", Reference(&["Opportunity"]), CreateOnly),
            ("ContactId", Reference(&["Contact"]), Required),
            ("Role", Picklist, Open),
            ("IsPrimary", Checkbox, Open),
        ],
    },
    // Chatter: object reference, FeedItem. Who may see the record may post to its feed.
    Standard {
        name: "FeedItem",
        plural: "Feed Items",
        prefix: "0D5",
        secured_by: None,
        children: &[],
        rows: &[
            ("ParentId", Reference(&["Account", "Opportunity", "Contract", "Case", "User"]), CreateOnly),
            ("Body", LongTextArea(10_000), Open),
            ("Type", Picklist, CreateOnly),
        ],
    },
    Standard {
        name: "Product2",
        plural: "Products",
        prefix: "01t",
        secured_by: Some("Product2"),
        children: &[
            child("PricebookEntries", "PricebookEntry", "Product2Id"),
            child("OpportunityLineItems", "OpportunityLineItem", "Product2Id"),
        ],
        rows: &[
            ("Name", Text(255), Required),
            ("ProductCode", Text(255), Governed),
            ("Description", LongTextArea(4_000), Governed),
            ("Family", Picklist, Governed),
            ("IsActive", Checkbox, Governed),
            ("ExternalId", Text(255), Governed),
            ("StockKeepingUnit", Text(180), Governed),
            ("CurrencyIsoCode", Picklist, Open),
        ],
    },
    Standard {
        name: "Pricebook2",
        plural: "Price Books",
        prefix: "01s",
        secured_by: Some("Pricebook2"),
        children: &[
            child("PricebookEntries", "PricebookEntry", "Pricebook2Id"),
            child("Opportunities", "Opportunity", "Pricebook2Id"),
        ],
        rows: &[
            ("Name", Text(255), Required),
            ("Description", Text(255), Open),
            ("IsActive", Checkbox, Open),
            ("IsStandard", Checkbox, System),
        ],
    },
    Standard {
        name: "PricebookEntry",
        plural: "Price Book Entries",
        prefix: "01u",
        secured_by: Some("Pricebook2"),
        children: &[child("OpportunityLineItems", "OpportunityLineItem", "PricebookEntryId")],
        rows: &[
            ("Pricebook2Id", Reference(&["Pricebook2"]), CreateOnly),
            ("Product2Id", Reference(&["Product2"]), CreateOnly),
            ("UnitPrice", Currency, Required),
            ("IsActive", Checkbox, Open),
            ("UseStandardPrice", Checkbox, Open),
            ("Name", Text(255), System),
            ("ProductCode", Text(255), System),
            ("CurrencyIsoCode", Picklist, CreateOnly),
        ],
    },
    Standard {
        name: "User",
        plural: "Users",
        prefix: "005",
        secured_by: None,
        children: &[],
        rows: &[
            ("Username", Text(80), Required),
            ("LastName", Text(80), Required),
            ("FirstName", Text(40), Open),
            ("Name", Text(121), System),
            ("Email", Email, Required),
            ("IsActive", Checkbox, Open),
        ],
    },
    // Nobody here reads one: it is hidden from the integration user.
    Standard {
        name: "Lead",
        plural: "Leads",
        prefix: "00Q",
        secured_by: Some("Lead"),
        children: &[],
        rows: &[("LastName", Text(80), Required), ("Company", Text(255), Required)],
    },
    Standard {
        name: "Group",
        plural: "Groups",
        prefix: "00G",
        secured_by: None,
        children: &[],
        rows: &[("Name", Text(40), Required), ("DeveloperName", Text(80), Open), ("Type", Picklist, Open)],
    },
    Standard {
        name: "Organization",
        plural: "Organizations",
        prefix: "00D",
        secured_by: None,
        children: &[],
        rows: &[
            ("Name", Text(80), Required),
            ("OrganizationType", Picklist, System),
            ("IsSandbox", Checkbox, System),
            ("InstanceName", Text(5), System),
            ("LanguageLocaleKey", Picklist, Open),
        ],
    },
    // What it shows is kept beside it: the API says that by `describe` alone.
    Standard {
        name: "ListView",
        plural: "List Views",
        prefix: "00B",
        secured_by: None,
        children: &[],
        rows: &[
            ("Name", Text(80), System),
            ("DeveloperName", Text(80), System),
            ("NamespacePrefix", Text(15), System),
            ("SobjectType", Picklist, System),
            ("IsSoqlCompatible", Checkbox, System),
        ],
    },
    // One of each event relay: Salesforce writes it, and nobody else.
    Standard {
        name: "EventRelayFeedback",
        plural: "Event Relay Feedbacks",
        prefix: "7k3",
        secured_by: None,
        children: &[],
        rows: &[
            ("RemoteResource", Text(255), System),
            ("Status", Picklist, System),
            ("ErrorCode", Text(255), System),
            ("ErrorMessage", LongTextArea(4_000), System),
            ("ErrorTime", DateTime, System),
            ("LastRelayedEventTime", DateTime, System),
        ],
    },
    // Which of them a record has is a field of orgs that have any.
    Standard {
        name: "RecordType",
        plural: "Record Types",
        prefix: "012",
        secured_by: None,
        children: &[],
        rows: &[("Name", Text(80), Required), ("DeveloperName", Text(80), Open), ("SobjectType", Picklist, Open)],
    },
    Standard {
        name: "Case",
        plural: "Cases",
        prefix: "500",
        secured_by: Some("Case"),
        children: &[child("Tasks", "Task", "WhatId")],
        rows: &[
            ("AccountId", Reference(&["Account"]), Governed),
            ("ContactId", Reference(&["Contact"]), Governed),
            ("ParentId", Reference(&["Case"]), Governed),
            ("Subject", Text(255), Governed),
            ("Description", LongTextArea(32_000), Governed),
            ("Status", Picklist, Open),
            ("Priority", Picklist, Governed),
            ("Origin", Picklist, Governed),
            ("Type", Picklist, Governed),
            ("Reason", Picklist, Governed),
            ("IsClosed", Checkbox, System),
            ("OwnerId", Reference(&["User", "Group"]), Open),
        ],
    },
    Standard {
        name: "Task",
        plural: "Tasks",
        prefix: "00T",
        secured_by: None,
        children: &[],
        rows: &[
            ("WhatId", Reference(&["Account", "Opportunity", "Case"]), Open),
            ("WhoId", Reference(&["Contact"]), Open),
            ("Subject", Text(255), Open),
            ("Description", LongTextArea(32_000), Open),
            ("ActivityDate", Date, Open),
            ("Status", Picklist, Open),
            ("Priority", Picklist, Open),
            ("OwnerId", Reference(&["User"]), Open),
            ("IsReminderSet", Checkbox, Open),
            ("ReminderDateTime", DateTime, Open),
            ("TaskSubtype", Picklist, Open),
            ("IsClosed", Checkbox, System),
        ],
    },
];

pub(super) fn objects() -> Vec<Object> {
    STANDARD.iter().chain(selling::OBJECTS).map(object).collect()
}

fn object(standard: &Standard) -> Object {
    let mut object = super::package::empty_object(standard.name, standard.name, standard.plural, standard.prefix);
    object.secured_by = standard.secured_by.map(str::to_owned);
    object.children = standard.children;
    object.add(field(&("Id", Kind::Id, System)));
    for row in standard.rows.iter().chain(AUDIT) {
        object.add(field(row));
    }
    object
}

fn field((name, kind, rule): &Row) -> Field {
    Field {
        name: (*name).to_owned(),
        label: (*name).to_owned(),
        kind: *kind,
        rule: rule.clone(),
        external_id: false,
        unique: false,
        case_sensitive: false,
        default: (*kind == Checkbox).then_some(Json::Bool(false)),
    }
}
