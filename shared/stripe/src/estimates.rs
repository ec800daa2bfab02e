//! What an invoice would be taxed with that is not there yet. Nothing is changed by asking.

use std::collections::BTreeMap;

use domain::{Currency, CustomerId, ProductId};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::objects::List;
use crate::prices::TaxBehavior;
use crate::tax::{AutomaticTax, Tax, TotalTax};
use crate::{Client, form};

/// What would be billed, and to whom.
#[derive(Debug, Clone)]
pub struct Untaxed {
    /// One that is there.
    pub customer: Option<CustomerId>,
    /// What is otherwise of it by then, or of one that is not there yet; as the writes of a customer name it: `address[country]`.
    pub details: BTreeMap<String, String>,
    /// Type and value, where they are otherwise by then.
    pub tax_ids: Option<Vec<(String, String)>>,
    pub currency: Currency,
    pub lines: Vec<UntaxedLine>,
}

#[derive(Debug, Clone)]
pub struct UntaxedLine {
    pub product: ProductId,
    /// Minor units.
    pub amount: i64,
    pub tax_behavior: TaxBehavior,
}

impl Untaxed {
    /// docs.stripe.com, api/invoices/create_preview: `customer_details` are "details about the customer you want to invoice or overrides for
    /// an existing customer".
    fn body(&self) -> String {
        let line = |line: &UntaxedLine| {
            json!({
                "price_data": {
                    "currency": self.currency.to_stripe(),
                    "product": line.product.as_str(),
                    "unit_amount_decimal": line.amount.to_string(),
                    "tax_behavior": line.tax_behavior.as_str(),
                },
                "quantity": 1,
            })
        };
        let tax_id = |(kind, value): &(String, String)| json!({ "type": kind, "value": value });
        let tax_ids = self.tax_ids.as_ref().map(|tax_ids| tax_ids.iter().map(tax_id).collect::<Vec<_>>());
        let mut params = Map::new();
        params.insert("automatic_tax".into(), json!({ "enabled": true }));
        params.insert("customer".into(), json!(self.customer.as_ref().map(CustomerId::as_str)));
        params.insert("currency".into(), self.currency.to_stripe().into());
        for (name, value) in &self.details {
            let (head, rest) =
                name.split_once('[').map_or((name.as_str(), String::new()), |(head, rest)| (head, format!("[{rest}")));
            params.insert(format!("customer_details[{head}]{rest}"), value.as_str().into());
        }
        params.insert("customer_details".into(), json!({ "tax_ids": tax_ids }));
        params.insert("invoice_items".into(), self.lines.iter().map(line).collect());
        form::encode(&Value::Object(params))
    }
}

impl Client {
    /// `None` where something else would be billed with it, so that its tax cannot be told from what comes along: a customer who has a
    /// subscription is previewed the next invoice of that.
    pub async fn estimate_tax(&self, untaxed: &Untaxed) -> Result<Option<Tax>, Error> {
        let wire: EstimateWire = self.ask("/v1/invoices/create_preview", untaxed.body()).await?;
        let mut wanted: Vec<_> = untaxed.lines.iter().map(|line| line.amount).collect();
        let mut found: Vec<_> = wire.lines.data.iter().map(|line| line.amount).collect();
        wanted.sort_unstable();
        found.sort_unstable();
        // There is no list to read the rest of the lines from.
        let is_it = wanted == found && !wire.lines.has_more;
        Ok(is_it.then(|| Tax::of(wire.automatic_tax.as_ref(), wire.total_taxes.as_deref().unwrap_or_default())))
    }
}

#[derive(Deserialize)]
struct EstimateWire {
    automatic_tax: Option<AutomaticTax>,
    total_taxes: Option<Vec<TotalTax>>,
    lines: List<AmountWire>,
}

#[derive(Deserialize)]
struct AmountWire {
    amount: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_billed_is_told_with_whom_it_is_for() {
        let untaxed = Untaxed {
            customer: None,
            details: [("address[country]", "DE"), ("shipping[address][city]", "Bonn"), ("tax_exempt", "none")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            tax_ids: Some(vec![("eu_vat".to_owned(), "DE123456789".to_owned())]),
            currency: Currency::parse("EUR").expect("valid"),
            lines: vec![UntaxedLine {
                product: ProductId::parse("prod_1").expect("valid"),
                amount: 11_000,
                tax_behavior: TaxBehavior::Exclusive,
            }],
        };
        let body = untaxed.body();
        let pairs: Vec<_> =
            form_urlencoded::parse(body.as_bytes()).map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            pairs,
            [
                "automatic_tax[enabled]=true",
                "currency=eur",
                "customer_details[address][country]=DE",
                "customer_details[shipping][address][city]=Bonn",
                "customer_details[tax_exempt]=none",
                "customer_details[tax_ids][0][type]=eu_vat",
                "customer_details[tax_ids][0][value]=DE123456789",
                "invoice_items[0][price_data][currency]=eur",
                "invoice_items[0][price_data][product]=prod_1",
                "invoice_items[0][price_data][unit_amount_decimal]=11000",
                "invoice_items[0][price_data][tax_behavior]=exclusive",
                "invoice_items[0][quantity]=1",
            ]
        );
    }
}
