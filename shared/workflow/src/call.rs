//! The calls that workflows ask for, in the words of the business.

mod made;

use domain::{
    AccountId, Currency, CustomerId, InvoiceId, Money, OpportunityId, PriceId, SubscriptionId, TaxId, TaxIdId,
};
use jiff::Timestamp;
use jiff::civil::Date;
pub use made::{AgreedPrice, Extension, ItemChange, NewItem, NewLine, NewSubscription, Pricing};
use mapping::{CustomerDetails, CustomerNews, Failure, Message, Search, Standing, Stop, Update};

use crate::{NewCredit, Operation};

/// One call to the outside. Making it twice is safe: those that create something carry an idempotency key, those that
/// read or set fields can be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Salesforce: the opportunity, its account, lines and primary contact, as they are now.
    ReadDeal { opportunity_id: OpportunityId },
    /// Salesforce: what the opportunity says about its invoice and payment.
    ReadBilling { opportunity_id: OpportunityId },
    /// Salesforce: the same of one whose invoice is paid, with what rules ask of it.
    ReadPaid { opportunity_id: OpportunityId },
    /// Salesforce: set fields, and read them back.
    UpdateRecords { updates: Vec<Update> },
    /// Stripe: the customer as it is now.
    ReadCustomer { customer_id: CustomerId },
    /// Stripe: a customer for the account.
    CreateCustomer { account_id: AccountId, details: CustomerDetails },
    /// Stripe: what Salesforce says otherwise of the customer by now.
    UpdateCustomer { customer_id: CustomerId, news: CustomerNews },
    /// Stripe: whether the customer has a payment method that can be charged.
    ReadPaymentMethod { customer_id: CustomerId },
    /// Stripe: the tax ids that the customer has.
    ReadTaxIds { customer_id: CustomerId },
    /// Stripe: the account's tax id, for the customer.
    AddTaxId { customer_id: CustomerId, tax_id: TaxId },
    /// Stripe: take the customer's tax id away that is the account's no more.
    RemoveTaxId { customer_id: CustomerId, tax_id: TaxIdId },
    /// Stripe: an empty draft that nobody but us finalizes.
    CreateInvoice {
        opportunity_id: OpportunityId,
        customer_id: CustomerId,
        currency: Currency,
        days_until_due: u32,
        /// Stripe calculates its tax.
        automatic_tax: bool,
        /// The customer's default payment method is charged for it.
        is_charged: bool,
    },
    /// Stripe: add lines to the draft.
    AddLines { invoice_id: InvoiceId, batch: u16, lines: Vec<NewLine> },
    /// Stripe: the invoice as it is now.
    ReadInvoice { invoice_id: InvoiceId },
    /// Stripe: every line of the invoice.
    ReadLines { invoice_id: InvoiceId },
    /// Stripe: finalize the invoice and send it to the customer, or charge the customer for it. After this there is no way back.
    SendInvoice { invoice_id: InvoiceId, total: Money, is_approved: bool, is_charged: bool },
    /// Stripe: void the invoice, for the deal is to be billed anew, for this much. After this there is no way back.
    VoidInvoice { invoice_id: InvoiceId, total: Money, is_approved: bool },
    /// Stripe: what became of the money that a paid invoice brought in.
    ReadSettlement { invoice_id: InvoiceId },
    /// Stripe: credit the whole of a paid invoice to the customer's balance, for the deal is to be billed anew, for this much. After this
    /// there is no way back.
    CreditInvoice(Box<NewCredit>),
    /// Stripe: take our own draft away.
    DeleteDraft { invoice_id: InvoiceId },
    /// Stripe: these prices of the catalogue.
    ReadPrices { price_ids: Vec<PriceId> },
    /// Stripe: the prices that were made before for what was agreed.
    FindPrices { wanted: Vec<AgreedPrice> },
    /// Stripe: does anything wait for the customer's next invoice?
    ReadPending { customer_id: CustomerId, currency: Currency },
    /// Stripe: a recurring price for what was agreed. `index` tells it from the run's others.
    CreatePrice { index: u16, price: AgreedPrice },
    /// Stripe: a subscription whose first invoice is a draft, for an hour.
    CreateSubscription(Box<NewSubscription>),
    /// Stripe: from now on nobody but us finalizes the subscription's first invoice.
    HoldInvoice { opportunity_id: OpportunityId, invoice_id: InvoiceId },
    /// Stripe: from now on not even we can send it. Refused if it was sent.
    DisarmInvoice { invoice_id: InvoiceId },
    /// Stripe: the subscription as it is now.
    ReadSubscription { subscription_id: SubscriptionId },
    /// Stripe: how the subscription stands.
    ReadStanding { subscription_id: SubscriptionId },
    /// Salesforce: what the records say that name the subscription.
    ReadNaming { standing: Box<Standing> },
    /// Stripe: how the collection of the invoice goes, and why it failed.
    ReadCollecting { invoice_id: InvoiceId },
    /// Stripe: how the invoice stands, with what became of what was paid.
    ReadInvoiceStanding { invoice_id: InvoiceId },
    /// Salesforce: the case and the task for an invoice that was not collected, and who answers for the account.
    ReadCase { failure: Box<Failure> },
    /// Stripe: the subscription that a deal renews: the one of this name, or those that the customer has of us.
    FindRenewed { customer_id: CustomerId, named: Option<SubscriptionId> },
    /// Stripe: what letting it go on so would be billed by at once. Nothing is changed.
    PreviewRenewal(Box<Extension>),
    /// Stripe: let the subscription go on for another term. Its invoices come by themselves: after this there is no way back.
    RenewSubscription(Box<Extension>),
    /// Stripe: it ends then, or never, and says which day of the deal's that is. Nothing is prorated, and nothing given back. Whatever is asked for
    /// after `latest` may come too late.
    EndSubscription { subscription_id: SubscriptionId, on: Option<Date>, at: Option<Timestamp>, latest: Timestamp },
    /// Stripe: end our own subscription, whose first invoice is still a draft and stays one.
    CancelSubscription { subscription_id: SubscriptionId },
    /// Salesforce: what the deal is called, and whose it is, if there is one.
    ReadNames { opportunity_id: Option<OpportunityId> },
    /// Salesforce: who names something of Stripe's that the deal which it is for does not, and whose its customer is.
    LookUp { search: Box<Search> },
    /// Slack or SNS: say this where people look.
    Tell { message: Box<Message> },
    /// Dead-letter queue: put the event where a person sees it, with the reason.
    Report { stop: Stop },
}

impl Call {
    /// The operation whose idempotency key protects this call; `None` for calls that can simply be repeated.
    pub fn operation(&self) -> Option<Operation> {
        match self {
            Self::CreateCustomer { .. } => Some(Operation::CreateCustomer),
            Self::UpdateCustomer { .. } => Some(Operation::UpdateCustomer),
            Self::AddTaxId { .. } => Some(Operation::AddTaxId),
            Self::RemoveTaxId { .. } => Some(Operation::RemoveTaxId),
            Self::CreateInvoice { .. } => Some(Operation::CreateInvoice),
            Self::AddLines { batch, .. } => Some(Operation::AddLines { batch: *batch }),
            Self::SendInvoice { .. } => Some(Operation::SendInvoice),
            Self::VoidInvoice { .. } => Some(Operation::VoidInvoice),
            Self::CreditInvoice(_) => Some(Operation::CreditInvoice),
            Self::CreatePrice { index, .. } => Some(Operation::CreatePrice { index: *index }),
            Self::CreateSubscription(_) => Some(Operation::CreateSubscription),
            Self::HoldInvoice { .. } => Some(Operation::HoldInvoice),
            Self::DisarmInvoice { .. } => Some(Operation::DisarmInvoice),
            Self::RenewSubscription(_) => Some(Operation::RenewSubscription),
            Self::EndSubscription { .. } => Some(Operation::EndSubscription),
            Self::ReadTaxIds { .. }
            | Self::ReadPaymentMethod { .. }
            | Self::ReadPrices { .. }
            | Self::FindPrices { .. }
            | Self::ReadPending { .. }
            | Self::FindRenewed { .. }
            | Self::PreviewRenewal(_)
            | Self::ReadSubscription { .. }
            | Self::ReadStanding { .. }
            | Self::ReadNaming { .. }
            | Self::ReadCollecting { .. }
            | Self::ReadInvoiceStanding { .. }
            | Self::ReadCase { .. }
            | Self::CancelSubscription { .. }
            | Self::ReadDeal { .. }
            | Self::ReadBilling { .. }
            | Self::ReadPaid { .. }
            | Self::UpdateRecords { .. }
            | Self::ReadCustomer { .. }
            | Self::ReadInvoice { .. }
            | Self::ReadLines { .. }
            | Self::ReadSettlement { .. }
            | Self::DeleteDraft { .. }
            | Self::ReadNames { .. }
            | Self::LookUp { .. }
            | Self::Tell { .. }
            | Self::Report { .. } => None,
        }
    }

    /// Changes something outside. What led to it is saved first.
    pub fn is_write(&self) -> bool {
        self.operation().is_some()
            || matches!(
                self,
                Self::UpdateRecords { .. }
                    | Self::DeleteDraft { .. }
                    | Self::CancelSubscription { .. }
                    | Self::Tell { .. }
                    | Self::Report { .. }
            )
    }

    /// The Stripe object or Salesforce record that it is about.
    pub fn target(&self) -> Option<String> {
        match self {
            Self::ReadDeal { opportunity_id }
            | Self::ReadBilling { opportunity_id }
            | Self::ReadPaid { opportunity_id } => Some(opportunity_id.to_string()),
            Self::UpdateRecords { updates } => updates.first().map(|update| update.id.clone()),
            Self::ReadCustomer { customer_id }
            | Self::UpdateCustomer { customer_id, .. }
            | Self::ReadTaxIds { customer_id }
            | Self::ReadPaymentMethod { customer_id }
            | Self::AddTaxId { customer_id, .. }
            | Self::RemoveTaxId { customer_id, .. }
            | Self::ReadPending { customer_id, .. }
            | Self::FindRenewed { customer_id, named: None }
            | Self::CreateInvoice { customer_id, .. } => Some(customer_id.to_string()),
            Self::CreateCustomer { account_id, .. } => Some(account_id.to_string()),
            Self::AddLines { invoice_id, .. }
            | Self::ReadInvoice { invoice_id }
            | Self::ReadCollecting { invoice_id }
            | Self::ReadInvoiceStanding { invoice_id }
            | Self::ReadLines { invoice_id }
            | Self::ReadSettlement { invoice_id }
            | Self::SendInvoice { invoice_id, .. }
            | Self::VoidInvoice { invoice_id, .. }
            | Self::HoldInvoice { invoice_id, .. }
            | Self::DisarmInvoice { invoice_id }
            | Self::DeleteDraft { invoice_id } => Some(invoice_id.to_string()),
            Self::CreditInvoice(credit) => Some(credit.invoice_id.to_string()),
            Self::ReadPrices { price_ids } => price_ids.first().map(ToString::to_string),
            Self::FindPrices { wanted } => wanted.first().map(|price| price.product_id.to_string()),
            Self::CreatePrice { price, .. } => Some(price.product_id.to_string()),
            Self::CreateSubscription(new) => Some(new.customer_id.to_string()),
            Self::ReadCase { failure } => Some(failure.invoice_id.to_string()),
            Self::ReadNaming { standing } => Some(standing.subscription_id.to_string()),
            Self::ReadSubscription { subscription_id }
            | Self::ReadStanding { subscription_id }
            | Self::EndSubscription { subscription_id, .. }
            | Self::CancelSubscription { subscription_id }
            | Self::FindRenewed { named: Some(subscription_id), .. } => Some(subscription_id.to_string()),
            Self::PreviewRenewal(extension) | Self::RenewSubscription(extension) => {
                Some(extension.subscription_id.to_string())
            }
            Self::ReadNames { opportunity_id } => opportunity_id.as_ref().map(ToString::to_string),
            Self::LookUp { search } => Some(search.lost.id().to_owned()),
            Self::Tell { .. } | Self::Report { .. } => None,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::ReadDeal { .. } => "read_deal",
            Self::ReadBilling { .. } => "read_billing",
            Self::ReadPaid { .. } => "read_paid",
            Self::UpdateRecords { .. } => "update_records",
            Self::ReadCustomer { .. } => "read_customer",
            Self::CreateCustomer { .. } => "create_customer",
            Self::UpdateCustomer { .. } => "update_customer",
            Self::ReadTaxIds { .. } => "read_tax_ids",
            Self::ReadPaymentMethod { .. } => "read_payment_method",
            Self::AddTaxId { .. } => "add_tax_id",
            Self::RemoveTaxId { .. } => "remove_tax_id",
            Self::CreateInvoice { .. } => "create_invoice",
            Self::AddLines { .. } => "add_lines",
            Self::ReadInvoice { .. } => "read_invoice",
            Self::ReadLines { .. } => "read_lines",
            Self::SendInvoice { .. } => "send_invoice",
            Self::VoidInvoice { .. } => "void_invoice",
            Self::ReadSettlement { .. } => "read_settlement",
            Self::CreditInvoice(_) => "credit_invoice",
            Self::DeleteDraft { .. } => "delete_draft",
            Self::ReadPrices { .. } => "read_prices",
            Self::FindPrices { .. } => "find_prices",
            Self::ReadPending { .. } => "read_pending",
            Self::CreatePrice { .. } => "create_price",
            Self::CreateSubscription(_) => "create_subscription",
            Self::HoldInvoice { .. } => "hold_invoice",
            Self::DisarmInvoice { .. } => "disarm_invoice",
            Self::ReadSubscription { .. } => "read_subscription",
            Self::ReadStanding { .. } => "read_standing",
            Self::ReadNaming { .. } => "read_naming",
            Self::ReadCollecting { .. } => "read_collecting",
            Self::ReadInvoiceStanding { .. } => "read_invoice_standing",
            Self::ReadCase { .. } => "read_case",
            Self::FindRenewed { .. } => "find_renewed",
            Self::PreviewRenewal(_) => "preview_renewal",
            Self::RenewSubscription(_) => "renew_subscription",
            Self::EndSubscription { .. } => "end_subscription",
            Self::CancelSubscription { .. } => "cancel_subscription",
            Self::ReadNames { .. } => "read_names",
            Self::LookUp { .. } => "look_up",
            Self::Tell { .. } => "tell",
            Self::Report { .. } => "report",
        }
    }

    /// Which system is called.
    pub fn system(&self) -> &'static str {
        match self {
            Self::ReadDeal { .. }
            | Self::ReadBilling { .. }
            | Self::ReadPaid { .. }
            | Self::ReadNaming { .. }
            | Self::ReadCase { .. }
            | Self::ReadNames { .. }
            | Self::LookUp { .. }
            | Self::UpdateRecords { .. } => "salesforce",
            Self::Tell { .. } => "notifier",
            Self::Report { .. } => "queue",
            _ => "stripe",
        }
    }
}

#[cfg(test)]
mod tests;
