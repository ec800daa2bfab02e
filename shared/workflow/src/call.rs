//! The calls that workflows ask for, and the facts that come back, in the words of the business.

use std::collections::BTreeMap;

use domain::{AccountId, Currency, CustomerId, InvoiceId, Money, OpportunityId, PriceId, ProductId};
use jiff::Timestamp;
use mapping::{CustomerDetails, Deal, PlanLine, Stop, TaxBehavior, Update};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Operation;

/// One call to the outside. Making it twice is safe: those that create something carry an idempotency key, those that
/// read or set fields can be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Salesforce: the opportunity, its account, lines and primary contact, as they are now.
    ReadDeal { opportunity_id: OpportunityId },
    /// Salesforce: what the opportunity says about its invoice and payment.
    ReadBilling { opportunity_id: OpportunityId },
    /// Salesforce: set fields, and read them back.
    UpdateRecords { updates: Vec<Update> },
    /// Stripe: the customer as it is now.
    ReadCustomer { customer_id: CustomerId },
    /// Stripe: a customer for the account.
    CreateCustomer { account_id: AccountId, details: CustomerDetails },
    /// Stripe: an empty draft that nobody but us finalizes.
    CreateInvoice {
        opportunity_id: OpportunityId,
        customer_id: CustomerId,
        currency: Currency,
        days_until_due: u32,
        /// Stripe calculates its tax.
        automatic_tax: bool,
    },
    /// Stripe: add lines to the draft.
    AddLines { invoice_id: InvoiceId, batch: u16, lines: Vec<NewLine> },
    /// Stripe: give lines of the draft the amount that was agreed.
    CorrectLines { invoice_id: InvoiceId, batch: u16, lines: Vec<(String, NewLine)> },
    /// Stripe: the invoice as it is now.
    ReadInvoice { invoice_id: InvoiceId },
    /// Stripe: every line of the invoice.
    ReadLines { invoice_id: InvoiceId },
    /// Stripe: finalize the invoice and send it to the customer. After this there is no way back.
    SendInvoice { invoice_id: InvoiceId, total: Money, is_approved: bool },
    /// Stripe: take our own draft away.
    DeleteDraft { invoice_id: InvoiceId },
    /// Dead-letter queue: put the event where a person sees it, with the reason.
    Report { stop: Stop },
}

impl Call {
    /// The operation whose idempotency key protects this call; `None` for calls that can simply be repeated.
    pub fn operation(&self) -> Option<Operation> {
        match self {
            Self::CreateCustomer { .. } => Some(Operation::CreateCustomer),
            Self::CreateInvoice { .. } => Some(Operation::CreateInvoice),
            Self::AddLines { batch, .. } => Some(Operation::AddLines { batch: *batch }),
            Self::CorrectLines { batch, .. } => Some(Operation::CorrectLines { batch: *batch }),
            Self::SendInvoice { .. } => Some(Operation::SendInvoice),
            Self::ReadDeal { .. }
            | Self::ReadBilling { .. }
            | Self::UpdateRecords { .. }
            | Self::ReadCustomer { .. }
            | Self::ReadInvoice { .. }
            | Self::ReadLines { .. }
            | Self::DeleteDraft { .. }
            | Self::Report { .. } => None,
        }
    }

    /// Changes something outside. What led to it is saved first.
    pub fn is_write(&self) -> bool {
        self.operation().is_some()
            || matches!(self, Self::UpdateRecords { .. } | Self::DeleteDraft { .. } | Self::Report { .. })
    }

    /// The Stripe object or Salesforce record that it is about.
    pub fn target(&self) -> Option<String> {
        match self {
            Self::ReadDeal { opportunity_id } | Self::ReadBilling { opportunity_id } => {
                Some(opportunity_id.to_string())
            }
            Self::UpdateRecords { updates } => updates.first().map(|update| update.id.clone()),
            Self::ReadCustomer { customer_id } | Self::CreateInvoice { customer_id, .. } => {
                Some(customer_id.to_string())
            }
            Self::CreateCustomer { account_id, .. } => Some(account_id.to_string()),
            Self::AddLines { invoice_id, .. }
            | Self::CorrectLines { invoice_id, .. }
            | Self::ReadInvoice { invoice_id }
            | Self::ReadLines { invoice_id }
            | Self::SendInvoice { invoice_id, .. }
            | Self::DeleteDraft { invoice_id } => Some(invoice_id.to_string()),
            Self::Report { .. } => None,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::ReadDeal { .. } => "read_deal",
            Self::ReadBilling { .. } => "read_billing",
            Self::UpdateRecords { .. } => "update_records",
            Self::ReadCustomer { .. } => "read_customer",
            Self::CreateCustomer { .. } => "create_customer",
            Self::CreateInvoice { .. } => "create_invoice",
            Self::AddLines { .. } => "add_lines",
            Self::CorrectLines { .. } => "correct_lines",
            Self::ReadInvoice { .. } => "read_invoice",
            Self::ReadLines { .. } => "read_lines",
            Self::SendInvoice { .. } => "send_invoice",
            Self::DeleteDraft { .. } => "delete_draft",
            Self::Report { .. } => "report",
        }
    }

    /// Which system is called.
    pub fn system(&self) -> &'static str {
        match self {
            Self::ReadDeal { .. } | Self::ReadBilling { .. } | Self::UpdateRecords { .. } => "salesforce",
            Self::Report { .. } => "queue",
            _ => "stripe",
        }
    }
}

/// A line to be written to the draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLine {
    pub line: PlanLine,
    pub pricing: Pricing,
    pub tax: Option<TaxBehavior>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pricing {
    /// The catalogue's price: what Stripe's reports group by.
    Catalogue(PriceId),
    /// The product of the catalogue at the agreed price for one, in minor units.
    Agreed { product_id: ProductId, unit_amount: Decimal },
    /// The product of the catalogue, once, at the agreed amount of the whole line: for quantities that do not divide it.
    AgreedForAll { product_id: ProductId, amount: Money },
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    DealRead(Box<Deal>),
    /// The record is gone, or the integration user cannot see it.
    RecordMissing,
    BillingRead(domain::Record),
    /// The records as they were read back, one for each update, in the same order.
    RecordsUpdated(Vec<domain::Record>),
    /// The customer's metadata, unless the customer is deleted.
    CustomerRead {
        customer_id: CustomerId,
        metadata: BTreeMap<String, String>,
    },
    CustomerMissing,
    CustomerCreated {
        customer_id: CustomerId,
    },
    /// The account's customer, from its own run.
    CustomerKnown {
        customer_id: CustomerId,
    },
    /// The account's customer cannot be made.
    CustomerStopped(Stop),
    InvoiceRead(InvoiceSeen),
    InvoiceMissing,
    LinesRead(Vec<LineSeen>),
    DraftDeleted,
    /// A definite no: nothing happened, and asking again changes nothing until somebody mends something.
    Refused(Refusal),
    Reported,
    /// The invoice is above what is sent without an approval, and nobody has given one. Nothing was sent.
    NotApproved {
        ceiling: Money,
    },
}

impl Fact {
    /// What it is, without what it holds: that may be about people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::DealRead(_) => "deal_read",
            Self::RecordMissing => "record_missing",
            Self::BillingRead(_) => "billing_read",
            Self::RecordsUpdated(_) => "records_updated",
            Self::CustomerRead { .. } => "customer_read",
            Self::CustomerMissing => "customer_missing",
            Self::CustomerCreated { .. } => "customer_created",
            Self::CustomerKnown { .. } => "customer_known",
            Self::CustomerStopped(_) => "customer_stopped",
            Self::InvoiceRead(_) => "invoice_read",
            Self::InvoiceMissing => "invoice_missing",
            Self::LinesRead(_) => "lines_read",
            Self::DraftDeleted => "draft_deleted",
            Self::Refused(_) => "refused",
            Self::Reported => "reported",
            Self::NotApproved { .. } => "not_approved",
        }
    }
}

/// Why a vendor said no, in the vendor's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub stop: Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceStatus {
    Draft,
    Open,
    Paid,
    Uncollectible,
    Void,
    /// A status that Stripe added after this was written.
    Other,
}

/// An invoice as Stripe just answered it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceSeen {
    pub invoice_id: InvoiceId,
    /// This deployment made it.
    #[serde(default)]
    pub is_ours: bool,
    #[serde(default)]
    pub customer_id: Option<CustomerId>,
    pub status: InvoiceStatus,
    pub currency: Currency,
    pub subtotal: i64,
    pub total: i64,
    #[serde(default)]
    pub tax: TaxSeen,
    pub auto_advance: bool,
    pub hosted_invoice_url: Option<String>,
    pub paid_at: Option<Timestamp>,
    pub metadata: BTreeMap<String, String>,
    /// The first lines; Stripe embeds at most ten.
    pub first_lines: Vec<LineSeen>,
    pub has_more_lines: bool,
}

/// What of it is tax, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxSeen {
    /// Added to the subtotal.
    pub on_top: i64,
    /// Part of the subtotal.
    pub inside: i64,
    pub status: TaxStatus,
}

/// How far Stripe's automatic tax has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxStatus {
    #[default]
    Off,
    Complete,
    LocationMissing,
    Failed,
}

/// The hosted page opens the invoice for anyone who has its address.
impl std::fmt::Debug for InvoiceSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = f.debug_struct("InvoiceSeen");
        fields.field("invoice_id", &self.invoice_id).field("status", &self.status).field("total", &self.total);
        fields.finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineSeen {
    pub id: String,
    /// The plan line it was made for, from its metadata.
    pub key: Option<String>,
    pub amount: i64,
    pub product_id: Option<ProductId>,
}

#[cfg(test)]
mod tests {
    use mapping::Code;

    use super::*;

    /// What a call is called, where it goes, what it is about, and whether a key protects it.
    #[test]
    fn what_is_said_of_a_call() {
        let opportunity_id = OpportunityId::parse("006000000000001AAA").expect("valid");
        let account_id = AccountId::parse("001000000000001AAA").expect("valid");
        let customer_id = CustomerId::parse("cus_1").expect("valid");
        let invoice_id = InvoiceId::parse("in_1").expect("valid");
        let email = domain::BillingEmail::parse("ap@acme.example").expect("valid");
        let details = CustomerDetails { name: "Acme".into(), email, phone: None, address: None };
        let currency = Currency::parse("EUR").expect("valid");
        let total = Money::from_minor_units(1000, currency);
        let (on, invoice, customer) = (Some("006000000000001AAA"), Some("in_1"), Some("cus_1"));
        for (call, name, system, target, operation, is_write) in [
            (Call::ReadDeal { opportunity_id: opportunity_id.clone() }, "read_deal", "salesforce", on, None, false),
            (
                Call::ReadBilling { opportunity_id: opportunity_id.clone() },
                "read_billing",
                "salesforce",
                on,
                None,
                false,
            ),
            (
                Call::UpdateRecords { updates: vec![mapping::no_note(&opportunity_id)] },
                "update_records",
                "salesforce",
                on,
                None,
                true,
            ),
            (Call::ReadCustomer { customer_id: customer_id.clone() }, "read_customer", "stripe", customer, None, false),
            (
                Call::CreateCustomer { account_id, details },
                "create_customer",
                "stripe",
                Some("001000000000001AAA"),
                Some(Operation::CreateCustomer),
                true,
            ),
            (
                Call::CreateInvoice { opportunity_id, customer_id, currency, days_until_due: 30, automatic_tax: false },
                "create_invoice",
                "stripe",
                customer,
                Some(Operation::CreateInvoice),
                true,
            ),
            (
                Call::AddLines { invoice_id: invoice_id.clone(), batch: 1, lines: vec![] },
                "add_lines",
                "stripe",
                invoice,
                Some(Operation::AddLines { batch: 1 }),
                true,
            ),
            (
                Call::CorrectLines { invoice_id: invoice_id.clone(), batch: 2, lines: vec![] },
                "correct_lines",
                "stripe",
                invoice,
                Some(Operation::CorrectLines { batch: 2 }),
                true,
            ),
            (Call::ReadInvoice { invoice_id: invoice_id.clone() }, "read_invoice", "stripe", invoice, None, false),
            (Call::ReadLines { invoice_id: invoice_id.clone() }, "read_lines", "stripe", invoice, None, false),
            (
                Call::SendInvoice { invoice_id: invoice_id.clone(), total, is_approved: false },
                "send_invoice",
                "stripe",
                invoice,
                Some(Operation::SendInvoice),
                true,
            ),
            (Call::DeleteDraft { invoice_id }, "delete_draft", "stripe", invoice, None, true),
            (Call::Report { stop: Stop::refused(Code::NoLines, ".") }, "report", "queue", None, None, true),
        ] {
            assert_eq!((call.name(), call.system(), call.target().as_deref()), (name, system, target));
            assert_eq!((call.operation(), call.is_write()), (operation, is_write), "{name}");
        }
    }

    #[test]
    fn a_fact_has_a_name_and_tells_nothing_else() {
        let facts = [
            (Fact::DealRead(Box::default()), "deal_read"),
            (Fact::RecordMissing, "record_missing"),
            (Fact::RecordsUpdated(vec![]), "records_updated"),
            (Fact::CustomerMissing, "customer_missing"),
            (Fact::InvoiceMissing, "invoice_missing"),
            (Fact::LinesRead(vec![]), "lines_read"),
            (Fact::DraftDeleted, "draft_deleted"),
            (Fact::Reported, "reported"),
        ];
        facts.iter().for_each(|(fact, name)| assert_eq!(fact.name(), *name));
    }
}
