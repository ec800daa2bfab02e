//! What objects are made with, in the vendor's words.
//!
//! These hold names and addresses of people, so `Debug` prints what they are about and nothing else.

use std::collections::BTreeMap;
use std::fmt;

use domain::{BillingEmail, CountryCode, Currency, CustomerId, PriceId, ProductId};
use rust_decimal::Decimal;
use serde_json::{Value, json};

#[derive(Clone, PartialEq, Eq)]
pub struct CreateCustomer {
    pub name: String,
    pub email: BillingEmail,
    pub phone: Option<String>,
    pub address: Option<Address>,
    pub metadata: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct Address {
    pub line1: Option<String>,
    pub line2: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub postal_code: Option<String>,
    pub country: Option<CountryCode>,
}

impl CreateCustomer {
    pub(crate) fn params(&self) -> Value {
        let address = self.address.as_ref().map(|address| {
            json!({
                "line1": address.line1,
                "line2": address.line2,
                "city": address.city,
                "state": address.state,
                "postal_code": address.postal_code,
                "country": address.country,
            })
        });
        json!({
            "name": self.name,
            "email": self.email.as_str(),
            "phone": self.phone,
            "address": address,
            "metadata": self.metadata,
        })
    }
}

impl fmt::Debug for CreateCustomer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateCustomer")
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("country", &self.country)
            .finish_non_exhaustive()
    }
}

/// A draft that stays one until it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateInvoice {
    pub customer: CustomerId,
    pub currency: Currency,
    pub days_until_due: u32,
    pub description: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

impl CreateInvoice {
    /// Three parameters are the defaults of the API, and sent all the same, because much hangs on them: a draft with
    /// `auto_advance` is finalized by Stripe an hour later, whatever it then holds, and pending items of the customer
    /// would be billed along with the deal.
    pub(crate) fn params(&self) -> Value {
        json!({
            "customer": self.customer,
            "currency": self.currency.to_stripe(),
            "collection_method": "send_invoice",
            "days_until_due": self.days_until_due,
            "auto_advance": false,
            "pending_invoice_items_behavior": "exclude",
            "description": self.description,
            "metadata": self.metadata,
        })
    }
}

/// One line of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceLineParams {
    pub description: Option<String>,
    pub metadata: BTreeMap<String, String>,
    pub quantity: Quantity,
    pub pricing: Pricing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    Whole(i64),
    /// Sent as `quantity_decimal`, of which Stripe takes twelve decimals.
    Fraction(Decimal),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pricing {
    Price(PriceId),
    Product {
        product: ProductId,
        currency: Currency,
        /// In minor units, of which Stripe takes twelve decimals.
        unit_amount_decimal: Decimal,
    },
    /// Minor units for the whole line, whatever the quantity, which is therefore not sent.
    Amount(i64),
}

impl InvoiceLineParams {
    pub(crate) fn params(&self, id: Option<&str>) -> Value {
        let (quantity, quantity_decimal) = match (&self.pricing, self.quantity) {
            (Pricing::Amount(_), _) => (None, None),
            (_, Quantity::Whole(quantity)) => (Some(quantity), None),
            (_, Quantity::Fraction(quantity)) => (None, Some(quantity.normalize().to_string())),
        };
        let (mut amount, mut pricing, mut price_data) = (None, None, None);
        match &self.pricing {
            Pricing::Price(price) => pricing = Some(json!({ "price": price })),
            Pricing::Product {
                product,
                currency,
                unit_amount_decimal,
            } => {
                price_data = Some(json!({
                    "currency": currency.to_stripe(),
                    "product": product,
                    "unit_amount_decimal": unit_amount_decimal.normalize().to_string(),
                }));
            }
            Pricing::Amount(minor_units) => amount = Some(minor_units),
        }
        json!({
            "id": id,
            "amount": amount,
            "pricing": pricing,
            "price_data": price_data,
            "quantity": quantity,
            "quantity_decimal": quantity_decimal,
            "description": self.description,
            "metadata": self.metadata,
        })
    }
}
