//! Which operations the sandbox models, and with which of their parameters. Anything else that Stripe knows is answered
//! with 501, so that nothing is accepted and silently ignored.

use super::error::Error;
use super::state::{Call, State};
use super::{
    account, credit_notes, customers, events, invoice_items, invoices, payments, prices, products, refunds, schedules,
    subscriptions, tax_ids, webhook_endpoints,
};
use serde_json::Value;

type Handler = fn(&mut State, &Call) -> Result<Value, Error>;

const PAGING: &[&str] = &["created", "ending_before", "limit", "starting_after"];
const SEARCH: &[&str] = &["limit", "page", "query"];
const CUSTOMER: &[&str] = &[
    "address",
    "balance",
    "business_name",
    "description",
    "email",
    "individual_name",
    "invoice_prefix",
    "invoice_settings",
    "metadata",
    "name",
    "next_invoice_sequence",
    "phone",
    "preferred_locales",
    "shipping",
    "tax",
    "tax_exempt",
];
const PRODUCT: &[&str] = &[
    "active",
    "default_price",
    "default_price_data",
    "description",
    "id",
    "images",
    "marketing_features",
    "metadata",
    "name",
    "package_dimensions",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "type",
    "unit_label",
    "url",
];
const PRICE: &[&str] = &[
    "active",
    "billing_scheme",
    "currency",
    "lookup_key",
    "metadata",
    "nickname",
    "product",
    "product_data",
    "recurring",
    "tax_behavior",
    "transfer_lookup_key",
    "unit_amount",
    "unit_amount_decimal",
];
const INVOICE: &[&str] = &[
    "auto_advance",
    "automatic_tax",
    "automatically_finalizes_at",
    "collection_method",
    "currency",
    "custom_fields",
    "customer",
    "days_until_due",
    "default_payment_method",
    "description",
    "due_date",
    "effective_at",
    "footer",
    "from_invoice",
    "metadata",
    "number",
    "pending_invoice_items_behavior",
    "statement_descriptor",
];
const LINES: &[&str] = &["invoice_metadata", "lines"];
const ITEM: &[&str] = &[
    "amount",
    "currency",
    "customer",
    "description",
    "discountable",
    "discounts",
    "invoice",
    "metadata",
    "period",
    "price_data",
    "pricing",
    "quantity",
    "quantity_decimal",
    "tax_amounts",
    "tax_rates",
    "unit_amount_decimal",
];
const SUBSCRIPTION: &[&str] = &[
    "add_invoice_items",
    "automatic_tax",
    "backdate_start_date",
    "billing_cycle_anchor",
    "billing_cycle_anchor_config",
    "billing_mode",
    "cancel_at",
    "cancel_at_period_end",
    "cancellation_details",
    "collection_method",
    "currency",
    "customer",
    "days_until_due",
    "default_payment_method",
    "description",
    "items",
    "metadata",
    "off_session",
    "payment_behavior",
    "proration_behavior",
    "proration_date",
    "trial_end",
    "trial_period_days",
];
const SUBSCRIPTION_ITEM: &[&str] = &[
    "metadata",
    "payment_behavior",
    "price",
    "price_data",
    "proration_behavior",
    "proration_date",
    "quantity",
    "subscription",
];
const CREDIT_NOTE: &[&str] = &[
    "amount",
    "credit_amount",
    "effective_at",
    "email_type",
    "invoice",
    "lines",
    "memo",
    "metadata",
    "out_of_band_amount",
    "reason",
];
const PREVIEW: &[&str] = &[
    "automatic_tax",
    "currency",
    "customer",
    "customer_details",
    "invoice_items",
    "subscription",
    "subscription_details",
];
const SCHEDULE: &[&str] =
    &["customer", "default_settings", "end_behavior", "from_subscription", "metadata", "phases", "start_date"];
const ENDPOINT: &[&str] = &["api_version", "description", "disabled", "enabled_events", "metadata", "url"];

/// The handler of an operation, its modelled parameters, and the filters a list takes besides paging.
fn route(operation: &str) -> Option<(Handler, &'static [&'static str], &'static [&'static str])> {
    let route: (Handler, &[&str], &[&str]) = match operation {
        "Account.retrieve_current" => (account::retrieve, &[], &[]),
        "Balance.retrieve" => (account::balance, &[], &[]),
        "Customer.create" => (customers::create, CUSTOMER, &["tax_id_data"]),
        "Customer.retrieve" => (customers::retrieve, &[], &[]),
        "Customer.update" => (customers::update, CUSTOMER, &[]),
        "Customer.delete" => (customers::delete, &[], &[]),
        "Customer.list" => (customers::list, PAGING, &["email"]),
        "Customer.search" => (customers::search, SEARCH, &[]),
        "CustomerTaxId.create" => (tax_ids::create, &["type", "value"], &[]),
        "CustomerTaxId.retrieve" => (tax_ids::retrieve, &[], &[]),
        "CustomerTaxId.delete" => (tax_ids::delete, &[], &[]),
        "CustomerTaxId.list" => (tax_ids::list, PAGING, &[]),
        "Product.create" => (products::create, PRODUCT, &[]),
        "Product.retrieve" => (products::retrieve, &[], &[]),
        "Product.update" => (products::update, PRODUCT, &[]),
        "Product.delete" => (products::delete, &[], &[]),
        "Product.list" => (products::list, PAGING, &["active", "ids", "shippable", "type", "url"]),
        "Product.search" => (products::search, SEARCH, &[]),
        "Price.create" => (prices::create, PRICE, &[]),
        "Price.retrieve" => (prices::retrieve, &[], &[]),
        "Price.update" => (prices::update, PRICE, &[]),
        "Price.list" => (prices::list, PAGING, &["active", "currency", "lookup_keys", "product", "recurring", "type"]),
        "Price.search" => (prices::search, SEARCH, &[]),
        "Invoice.create" => (invoices::create, INVOICE, &[]),
        "Invoice.create_preview" => (invoices::preview::create_preview, PREVIEW, &[]),
        "Invoice.retrieve" => (invoices::retrieve, &[], &[]),
        "Invoice.update" => (invoices::update, INVOICE, &[]),
        "Invoice.delete" => (invoices::delete, &[], &[]),
        "Invoice.list" => (invoices::list, PAGING, &["collection_method", "customer", "due_date", "status"]),
        "Invoice.search" => (invoices::search, SEARCH, &[]),
        "Invoice.add_lines" => (invoices::lines::add, LINES, &[]),
        "Invoice.update_lines" => (invoices::lines::update_many, LINES, &[]),
        "Invoice.remove_lines" => (invoices::lines::remove_many, LINES, &[]),
        "Invoice.finalize_invoice" => (invoices::transitions::finalize, &["auto_advance"], &[]),
        "Invoice.send_invoice" => (invoices::transitions::send, &[], &[]),
        "Invoice.pay" => (invoices::transitions::pay, &["off_session", "paid_out_of_band", "payment_method"], &[]),
        "Invoice.void_invoice" => (invoices::transitions::void, &[], &[]),
        "Invoice.mark_uncollectible" => (invoices::transitions::mark_uncollectible, &[], &[]),
        "InvoiceLineItem.list" => (invoices::lines::list, PAGING, &[]),
        "InvoiceLineItem.update" => (invoices::lines::update_one, ITEM, &[]),
        "InvoiceItem.create" => (invoice_items::create, ITEM, &[]),
        "InvoiceItem.retrieve" => (invoice_items::retrieve, &[], &[]),
        "InvoiceItem.update" => (invoice_items::update, ITEM, &[]),
        "InvoiceItem.delete" => (invoice_items::delete, &[], &[]),
        "InvoiceItem.list" => (invoice_items::list, PAGING, &["customer", "invoice", "pending"]),
        "InvoicePayment.retrieve" => (payments::retrieve, &[], &[]),
        "InvoicePayment.list" => (payments::list, PAGING, &["invoice", "payment", "status"]),
        "PaymentIntent.retrieve" => (payments::retrieve_intent, &[], &[]),
        "PaymentIntent.list" => (payments::list_intents, PAGING, &["customer"]),
        "CreditNote.create" => (credit_notes::create, CREDIT_NOTE, &[]),
        "CreditNote.preview" => (credit_notes::preview, CREDIT_NOTE, &[]),
        "CreditNote.retrieve" => (credit_notes::retrieve, &[], &[]),
        "CreditNote.update" => (credit_notes::update, &["memo", "metadata"], &[]),
        "CreditNote.void_credit_note" => (credit_notes::void, &[], &[]),
        "CreditNote.list" => (credit_notes::list, PAGING, &["customer", "invoice"]),
        "Charge.retrieve" => (refunds::retrieve_charge, &[], &[]),
        "Dispute.retrieve" => (refunds::retrieve_dispute, &[], &[]),
        "Refund.create" => (refunds::create, &["amount", "charge", "metadata", "payment_intent", "reason"], &[]),
        "Refund.update" => (refunds::update, &["metadata"], &[]),
        "Refund.retrieve" => (refunds::retrieve, &[], &[]),
        "Refund.list" => (refunds::list, PAGING, &["charge", "payment_intent"]),
        "Subscription.create" => (subscriptions::create::create, SUBSCRIPTION, &[]),
        "Subscription.retrieve" => (subscriptions::retrieve, &[], &[]),
        "Subscription.update" => (subscriptions::change::update, SUBSCRIPTION, &[]),
        "Subscription.cancel" => {
            (subscriptions::change::cancel, &["cancellation_details", "invoice_now", "prorate"], &[])
        }
        "Subscription.list" => (subscriptions::list, PAGING, &["collection_method", "customer", "price", "status"]),
        "Subscription.search" => (subscriptions::search, SEARCH, &[]),
        "SubscriptionItem.create" => (subscriptions::item::create, SUBSCRIPTION_ITEM, &[]),
        "SubscriptionItem.retrieve" => (subscriptions::item::retrieve, &[], &[]),
        "SubscriptionItem.update" => (subscriptions::item::update, SUBSCRIPTION_ITEM, &[]),
        "SubscriptionItem.delete" => (subscriptions::item::delete, &["proration_behavior", "proration_date"], &[]),
        "SubscriptionItem.list" => (subscriptions::item::list, PAGING, &["subscription"]),
        "SubscriptionSchedule.create" => (schedules::create, SCHEDULE, &[]),
        "SubscriptionSchedule.retrieve" => (schedules::retrieve, &[], &[]),
        "SubscriptionSchedule.update" => (schedules::update, SCHEDULE, &["proration_behavior"]),
        "SubscriptionSchedule.release" => (schedules::release, &["preserve_cancel_date"], &[]),
        "SubscriptionSchedule.cancel" => (schedules::cancel, &["invoice_now", "prorate"], &[]),
        "SubscriptionSchedule.list" => (schedules::list, PAGING, &["customer", "scheduled"]),
        "Event.retrieve" => (events::retrieve, &[], &[]),
        "Event.list" => (events::list, PAGING, &["delivery_success", "type", "types"]),
        "WebhookEndpoint.create" => (webhook_endpoints::create, ENDPOINT, &[]),
        "WebhookEndpoint.retrieve" => (webhook_endpoints::retrieve, &[], &[]),
        "WebhookEndpoint.update" => (webhook_endpoints::update, ENDPOINT, &[]),
        "WebhookEndpoint.delete" => (webhook_endpoints::delete, &[], &[]),
        "WebhookEndpoint.list" => (webhook_endpoints::list, PAGING, &[]),
        _ => return None,
    };
    Some(route)
}

/// Refuses what is not modelled, before anything is executed.
pub fn handler(call: &Call) -> Result<Handler, Error> {
    let name = &call.operation.name;
    let Some((handler, modelled, more)) = route(name) else {
        return Err(Error::unmodelled(name));
    };
    let unmodelled =
        call.params.keys().find(|param| !modelled.contains(&param.as_str()) && !more.contains(&param.as_str()));
    match unmodelled {
        None => Ok(handler),
        Some(param) => Err(Error::unmodelled(&format!("`{param}` of {name}")).param(param)),
    }
}
