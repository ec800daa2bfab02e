#![doc = include_str!("../README.md")]

mod address;
mod configuration;
mod country;
mod email;
mod event;
mod followed;
mod id;
mod money;
mod record;
mod region;
mod tax_id;

pub use address::Address;
pub use configuration::{ConfigurationHash, NoHash};
pub use country::{CountryCode, UnknownCountry};
pub use email::{BillingEmail, InvalidEmail};
pub use event::{Event, Urgency};
pub use followed::{Followed, Neighbour, UnknownNeighbour};
pub use id::{
    AccountId, ChargeId, ContractId, CreditNoteId, CustomerId, DisputeId, IdError, InvoiceId, InvoicePaymentId,
    LineItemId, ListViewId, OpportunityId, OrganizationId, PriceId, Product2Id, ProductId, QueueId, ScheduleId,
    SubscriptionId, SubscriptionItemId, TaxIdId, UserId, WebhookEndpointId,
};
pub use money::{Currency, CurrencyError, Money, MoneyError};
pub use record::{FieldValue, Record};
pub use region::region;
pub use tax_id::{InvalidTaxId, TAX_ID_TYPES, TaxExempt, TaxId, TaxIdType, UnknownTaxExempt, plain_tax_id};
