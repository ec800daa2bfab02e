//! What an invoice looks like, and how its amounts come about.

use super::super::error::Error;
use super::super::list;
use super::super::state::{State, int, text};
use super::super::tax;
use super::super::tax_ids;
use super::lines;
use serde_json::{Value, json};

const CUSTOMER_FIELDS: [(&str, &str); 6] = [
    ("customer_address", "address"),
    ("customer_email", "email"),
    ("customer_name", "name"),
    ("customer_phone", "phone"),
    ("customer_shipping", "shipping"),
    ("customer_tax_exempt", "tax_exempt"),
];

/// Fields that nothing has filled yet when an invoice begins.
const EMPTY_AT_FIRST: [&str; 35] = [
    "account_tax_ids",
    "amount_paid_off_stripe",
    "application",
    "automatically_finalizes_at",
    "custom_fields",
    "customer_account",
    "customer_address",
    "customer_email",
    "customer_name",
    "customer_phone",
    "customer_shipping",
    "default_payment_method",
    "default_source",
    "description",
    "due_date",
    "effective_at",
    "ending_balance",
    "footer",
    "from_invoice",
    "hosted_invoice_url",
    "invoice_pdf",
    "last_finalization_error",
    "latest_revision",
    "next_payment_attempt",
    "number",
    "on_behalf_of",
    "parent",
    "receipt_number",
    "rendering",
    "shipping_cost",
    "shipping_details",
    "statement_descriptor",
    "status_details",
    "test_clock",
    "webhooks_delivered_at",
];

/// The answer to a change that came after finalizing.
pub fn not_editable() -> Error {
    let message = "This invoice is no longer editable: finalized invoices can't be updated in this way.";
    Error::refused(message).code("invoice_not_editable")
}

pub fn blank(state: &State, customer: &str, currency: &str) -> Value {
    let mut invoice = json!({
        "id": null,
        "object": "invoice",
        "account_country": state.account_country,
        "account_name": state.account_name,
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "attempt_count": 0,
        "attempted": false,
        "auto_advance": false,
        "automatic_tax":
            { "disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null },
        "billing_reason": "manual",
        "collection_method": "charge_automatically",
        "created": state.now,
        "currency": currency,
        "customer": customer,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_tax_rates": [],
        "discounts": [],
        "issuer": { "type": "self" },
        "livemode": false,
        "metadata": {},
        "payment_settings":
            { "default_mandate": null, "payment_method_options": null, "payment_method_types": null },
        "period_end": state.now,
        "period_start": state.now,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "status": "draft",
        "status_transitions":
            { "finalized_at": null, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null },
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "total": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
    });
    for name in EMPTY_AT_FIRST {
        invoice[name] = Value::Null;
    }
    invoice
}

pub fn set_automatic_tax(invoice: &mut Value, enabled: bool) {
    let when_enabled = |value: Value| if enabled { value } else { Value::Null };
    invoice["automatic_tax"]["enabled"] = enabled.into();
    invoice["automatic_tax"]["liability"] = when_enabled(json!({ "type": "self" }));
    invoice["automatic_tax"]["provider"] = when_enabled("stripe".into());
}

impl State {
    /// A draft shows its customer as they are now; from finalizing on, as they were then.
    pub fn shown_invoice(&self, invoice: &Value) -> Value {
        let mut shown = invoice.clone();
        let id = text(invoice, "id");
        if invoice["status"] == "draft" {
            copy_customer(self, &mut shown);
        }
        shown["lines"] = list::embedded(lines::of(self, id), &format!("/v1/invoices/{id}/lines"));
        shown
    }
}

pub fn copy_customer(state: &State, invoice: &mut Value) {
    let Some(customer) = state.table("customer").get(text(invoice, "customer")) else {
        return;
    };
    for (field, source) in CUSTOMER_FIELDS {
        if let Some(value) = customer.get(source) {
            invoice[field] = value.clone();
        }
    }
    let tax_ids = tax_ids::of(state, text(invoice, "customer"));
    let shown: Vec<_> = tax_ids.iter().map(|one| json!({ "type": one["type"], "value": one["value"] })).collect();
    invoice["customer_tax_ids"] = shown.into();
}

/// The customer's balance as far as this invoice may use it: it is in the customer's currency, or nothing.
pub fn usable_balance(state: &State, invoice: &Value) -> i64 {
    let Some(customer) = state.table("customer").get(text(invoice, "customer")) else {
        return 0;
    };
    let same_currency = customer["currency"].is_null() || customer["currency"] == invoice["currency"];
    if same_currency { int(customer, "balance") } else { 0 }
}

/// Adds up a draft, with its tax if it asks for that. A negative total, or a credit balance that covers it, leaves nothing due.
pub fn total(state: &mut State, invoice: &mut Value) {
    let id = text(invoice, "id").to_owned();
    let subtotal: i64 = lines::of(state, &id).iter().map(|line| int(line, "amount")).sum();
    let taxes = (invoice["automatic_tax"]["enabled"] == true).then(|| tax::of_lines(state, invoice));
    invoice["automatic_tax"]["status"] = match &taxes {
        None => Value::Null,
        Some(None) => "requires_location_inputs".into(),
        Some(Some(_)) => "complete".into(),
    };
    let taxes = taxes.flatten().unwrap_or_default();
    let sums = tax::sums(&taxes);
    let (on_top, inside) = tax::split(&sums);
    state.sheets.entry(id).or_default().taxes = taxes;
    let total = subtotal + on_top;
    let starting_balance = usable_balance(state, invoice);
    let due = (total + starting_balance).max(0);
    for (name, amount) in [
        ("subtotal", subtotal),
        ("subtotal_excluding_tax", subtotal - inside),
        ("total", total),
        ("total_excluding_tax", subtotal - inside),
        ("starting_balance", starting_balance),
        ("amount_due", due),
        ("amount_remaining", due),
    ] {
        invoice[name] = amount.into();
    }
    invoice["total_taxes"] = sums.into();
}
