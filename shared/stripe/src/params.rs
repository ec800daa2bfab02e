//! The requests that are made, with the parameters that are sent. What is not sent is Stripe's default, so where a default
//! would do harm the parameter is always there.

use std::collections::BTreeMap;

use domain::{Address, BillingEmail, Currency, CustomerId, InvoiceId, PriceId, ProductId, TaxExempt, TaxId, TaxIdId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::form;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    CreateCustomer,
    UpdateCustomer,
    AddTaxId,
    RemoveTaxId,
    CreateInvoice,
    AddLines,
    SendInvoice,
    VoidInvoice,
    CreateCreditNote,
    DeleteInvoice,
    DeleteCustomer,
    CreatePrice,
    CreateSubscription,
    HoldInvoice,
    DisarmInvoice,
    RenewSubscription,
    EndSubscription,
    CancelSubscription,
}

/// A request that changes something, to the byte.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    pub operation: Operation,
    pub path: String,
    pub body: String,
}

/// The body may hold a name and an address.
impl std::fmt::Debug for Write {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Write").field("operation", &self.operation).field("path", &self.path).finish_non_exhaustive()
    }
}

pub struct CreateCustomer {
    pub name: String,
    /// Whoever is sent an invoice has one.
    pub email: Option<BillingEmail>,
    pub phone: Option<String>,
    pub address: Option<Address>,
    /// Whom goods go to, and where. Stripe Tax taxes by it, and by no other where it does not do.
    pub shipping: Option<(String, Address)>,
    pub exempt: Option<TaxExempt>,
    pub tax_id: Option<TaxId>,
    /// It is shown in the dashboard, and to no customer.
    pub description: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

/// What is not given stays as it is.
#[derive(Default)]
pub struct UpdateCustomer {
    pub name: Option<String>,
    pub email: Option<BillingEmail>,
    pub phone: Option<String>,
    /// `Some(None)` empties it.
    pub address: Option<Option<Address>>,
    /// `Some(None)` empties it.
    pub shipping: Option<Option<(String, Address)>>,
    pub exempt: Option<TaxExempt>,
}

pub struct CreateInvoice {
    pub customer: CustomerId,
    pub currency: Currency,
    pub collected: Collected,
    /// Stripe calculates its tax.
    pub automatic_tax: bool,
    pub metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collected {
    /// Stripe takes the number of days with this one only.
    Sent {
        days_until_due: u32,
    },
    Charged,
}

#[derive(Debug, Clone)]
pub struct InvoiceLineParams {
    pub description: String,
    pub metadata: BTreeMap<String, String>,
    pub quantity: Quantity,
    pub pricing: Pricing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    Whole(i64),
    /// At most twelve decimals.
    Fraction(Decimal),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pricing {
    Price(PriceId),
    /// Minor units, at most twelve decimals.
    Product {
        product: ProductId,
        currency: Currency,
        unit_amount_decimal: Decimal,
        /// `exclusive` or `inclusive`, where tax is calculated: the account's default may be the other one.
        tax_behavior: Option<&'static str>,
    },
}

/// Country is an ISO 3166 alpha-2 code: names are not accepted.
fn fields(address: &Address, field: impl Fn(Option<&str>) -> Value) -> Value {
    address.parts().map(|(name, part)| (name, field(part))).into_iter().collect()
}

impl Write {
    pub(crate) fn new(operation: Operation, path: String, params: &Value) -> Self {
        Self { operation, path, body: form::encode(params) }
    }

    pub fn create_customer(params: &CreateCustomer) -> Self {
        let params = json!({
            "name": params.name,
            "email": params.email.as_ref().map(BillingEmail::as_str),
            "phone": params.phone,
            "address": params.address.as_ref().map(|address| fields(address, |part| json!(part))),
            "shipping": params.shipping.as_ref().map(|(name, address)| {
                json!({ "name": name, "address": fields(address, |part| json!(part)) })
            }),
            "tax_exempt": params.exempt.map(TaxExempt::as_str),
            "tax_id_data": params.tax_id.as_ref().map(|tax_id| {
                json!([{ "type": tax_id.kind.as_str(), "value": tax_id.value }])
            }),
            "description": params.description,
            "metadata": params.metadata,
        });
        Self::new(Operation::CreateCustomer, "/v1/customers".into(), &params)
    }

    /// An address can be emptied, and so can each part of it: what is left out stays from the address before. The parameter list has
    /// only the first; Stripe's gateway for WooCommerce has sent empty parts with every update for years. Of a shipping address nobody
    /// does: it is emptied first.
    pub fn update_customer(customer: &CustomerId, params: &UpdateCustomer) -> Self {
        let address = params.address.as_ref().map(|address| match address {
            None => json!(""),
            Some(address) => fields(address, |part| json!(part.unwrap_or_default())),
        });
        let shipping = params.shipping.as_ref().map(|shipping| match shipping {
            None => json!(""),
            Some((name, address)) => {
                json!({ "name": name, "address": fields(address, |part| json!(part)) })
            }
        });
        let params = json!({
            "name": params.name,
            "email": params.email.as_ref().map(BillingEmail::as_str),
            "phone": params.phone,
            "address": address,
            "shipping": shipping,
            "tax_exempt": params.exempt.map(TaxExempt::as_str),
        });
        Self::new(Operation::UpdateCustomer, format!("/v1/customers/{customer}"), &params)
    }

    pub fn add_tax_id(customer: &CustomerId, tax_id: &TaxId) -> Self {
        let params = json!({ "type": tax_id.kind.as_str(), "value": tax_id.value });
        Self::new(Operation::AddTaxId, format!("/v1/customers/{customer}/tax_ids"), &params)
    }

    pub fn remove_tax_id(customer: &CustomerId, tax_id: &TaxIdId) -> Self {
        Self::new(Operation::RemoveTaxId, format!("/v1/customers/{customer}/tax_ids/{tax_id}"), &json!({}))
    }

    /// A draft that only we finalize (`auto_advance=false`) and that takes nothing along that lies around for the customer
    /// (`pending_invoice_items_behavior=exclude`).
    pub fn create_invoice(params: &CreateInvoice) -> Self {
        let (collection_method, days_until_due) = match params.collected {
            Collected::Sent { days_until_due } => ("send_invoice", Some(days_until_due)),
            Collected::Charged => ("charge_automatically", None),
        };
        let params = json!({
            "customer": params.customer.as_str(),
            "currency": params.currency.to_stripe(),
            "collection_method": collection_method,
            "days_until_due": days_until_due,
            "auto_advance": false,
            "pending_invoice_items_behavior": "exclude",
            "automatic_tax": params.automatic_tax.then(|| json!({ "enabled": true })),
            "metadata": params.metadata,
        });
        Self::new(Operation::CreateInvoice, "/v1/invoices".into(), &params)
    }

    pub fn add_lines(invoice: &InvoiceId, lines: &[InvoiceLineParams]) -> Self {
        let lines: Vec<_> = lines.iter().map(|line| Value::Object(line.fields())).collect();
        Self::new(Operation::AddLines, format!("/v1/invoices/{invoice}/add_lines"), &json!({ "lines": lines }))
    }

    /// Finalizes a draft and e-mails it. In test mode no mail is sent.
    pub fn send_invoice(invoice: &InvoiceId) -> Self {
        Self::new(Operation::SendInvoice, format!("/v1/invoices/{invoice}/send"), &Value::Null)
    }

    /// Finalizes a draft, and lets Stripe charge the customer's payment method for it. Whether that pays it, Stripe tells later.
    pub fn charge_invoice(invoice: &InvoiceId) -> Self {
        let params = json!({ "auto_advance": true });
        Self::new(Operation::SendInvoice, format!("/v1/invoices/{invoice}/finalize"), &params)
    }

    /// For ever. Open and uncollectible ones that nothing is paid of only.
    pub fn void_invoice(invoice: &InvoiceId) -> Self {
        Self::new(Operation::VoidInvoice, format!("/v1/invoices/{invoice}/void"), &Value::Null)
    }

    /// Drafts only: Stripe refuses it for anything else.
    pub fn delete_invoice(invoice: &InvoiceId) -> Self {
        Self::new(Operation::DeleteInvoice, format!("/v1/invoices/{invoice}"), &Value::Null)
    }

    /// For ever, with everything that is still to come of it: only for one that was made by mistake and never used.
    pub fn delete_customer(customer: &CustomerId) -> Self {
        Self::new(Operation::DeleteCustomer, format!("/v1/customers/{customer}"), &Value::Null)
    }

    /// It is sent as a `DELETE`, without a key.
    pub fn is_deletion(&self) -> bool {
        self.operation.is_deletion()
    }
}

impl Operation {
    /// Stripe ignores an idempotency key on a deletion; deleting twice deletes once.
    pub(crate) fn is_deletion(self) -> bool {
        matches!(self, Self::RemoveTaxId | Self::DeleteInvoice | Self::DeleteCustomer | Self::CancelSubscription)
    }
}

impl InvoiceLineParams {
    /// An element of `add_invoice_items`, which calls its price `price` and has no description.
    pub(crate) fn of_subscription(&self) -> Map<String, Value> {
        let mut fields = self.fields();
        fields.shift_remove("description");
        if let Some(pricing) = fields.shift_remove("pricing") {
            fields.insert("price".into(), pricing["price"].clone());
        }
        fields
    }

    fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
        match &self.pricing {
            Pricing::Price(price) => set("pricing", json!({ "price": price.as_str() })),
            Pricing::Product { product, currency, unit_amount_decimal, tax_behavior } => set(
                "price_data",
                json!({
                    "currency": currency.to_stripe(),
                    "product": product.as_str(),
                    "unit_amount_decimal": unit_amount_decimal.normalize().to_string(),
                    "tax_behavior": tax_behavior,
                }),
            ),
        }
        match self.quantity {
            Quantity::Whole(quantity) => set("quantity", Value::from(quantity)),
            Quantity::Fraction(quantity) => set("quantity_decimal", Value::from(quantity.normalize().to_string())),
        }
        set("description", Value::from(self.description.as_str()));
        set("metadata", json!(self.metadata));
        fields
    }
}

#[cfg(test)]
mod tests;
