//! What a line of a request comes to.

use std::collections::BTreeMap;

use domain::{Currency, PriceId, ProductId};
use rust_decimal::{Decimal, RoundingStrategy};
use stripe::{Error, InvoiceLine, Price, TaxBehavior};

use super::Unwritten;
use super::form::Form;
use super::memory::Line;
use super::refusals::{about, no_such};

/// Unit amount times quantity, rounded half away from zero to the minor unit.
pub(crate) fn amount(unit_amount: Decimal, quantity: Decimal) -> Option<i64> {
    let exact = unit_amount.checked_mul(quantity)?;
    i64::try_from(exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)).ok()
}

impl Unwritten {
    /// The line as the request asks for it. `param` is what Stripe calls it: `lines[0]`.
    pub(super) async fn line(&self, form: &Form, currency: Currency, param: &str) -> Result<Line, Error> {
        let whole = form.parsed::<Decimal>("quantity");
        let quantity = whole.or_else(|| form.parsed("quantity_decimal")).unwrap_or(Decimal::ONE);
        let named = form.get("pricing[price]").or_else(|| form.get("price"));
        let (unit_amount, price, product, tax_behavior) = match named {
            Some(id) => {
                let price = self.price(id, currency, param).await?;
                (price.unit_amount, Some(price.id), price.product, price.tax_behavior)
            }
            None => {
                let product = form.get("price_data[product]").and_then(|id| ProductId::parse(id).ok());
                (
                    form.parsed("price_data[unit_amount_decimal]"),
                    None,
                    product,
                    behavior(form.get("price_data[tax_behavior]")),
                )
            }
        };
        let unit_amount = unit_amount.ok_or_else(|| about(param, "The price has no amount for one."))?;
        let amount = amount(unit_amount, quantity).ok_or_else(|| about(param, "The amount is too large."))?;
        let line = InvoiceLine {
            id: self.memory.borrow_mut().new_text("il"),
            amount,
            currency,
            quantity: Some(quantity),
            tax_inside: 0,
            metadata: form.map("metadata"),
            price,
            product,
            subscription_item: None,
            period_start: None,
        };
        let description = form.get("description").map(str::to_owned);
        Ok(Line { line, description, keys: String::new(), tax_behavior, ends_at: None })
    }

    /// An active price in this currency, as one that is billed has to be.
    pub(super) async fn price(&self, id: &str, currency: Currency, param: &str) -> Result<Price, Error> {
        let missing = || no_such("price", id, Some(param));
        let id = PriceId::parse(id).map_err(|_| missing())?;
        let found = engine::Stripe::prices(self, std::slice::from_ref(&id)).await?.pop().ok_or_else(missing)?;
        if !found.active {
            return Err(about(param, "The price specified is inactive. This field only accepts active prices."));
        }
        if found.currency != Some(currency) {
            let expected = currency.to_stripe();
            return Err(about(
                param,
                format!("The price specified does not match the expected currency: `{expected}`."),
            ));
        }
        Ok(found)
    }
}

pub(super) fn behavior(named: Option<&str>) -> TaxBehavior {
    match named {
        Some("exclusive") => TaxBehavior::Exclusive,
        Some("inclusive") => TaxBehavior::Inclusive,
        _ => TaxBehavior::Unspecified,
    }
}

/// By the item, the deal's lines that it is for.
pub(super) fn keys(form: &Form) -> String {
    let metadata: BTreeMap<_, _> = form.map("metadata");
    metadata.get("sf_line_id").cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_minor_unit_is_one() {
        let decimal = |text: &str| text.parse::<Decimal>().expect("a number");
        for (unit_amount, quantity, expected) in [
            ("1000", "3", Some(3000)),
            ("0.5", "1", Some(1)),
            ("-0.5", "1", Some(-1)),
            ("333.333333333333", "3", Some(1000)),
            ("12.25", "2.2", Some(27)),
            ("79228162514264337593543950335", "2", None),
            ("9223372036854775808", "1", None),
        ] {
            assert_eq!(amount(decimal(unit_amount), decimal(quantity)), expected, "{unit_amount} × {quantity}");
        }
    }
}
