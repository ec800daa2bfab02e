//! What a line costs: a price of the catalogue or the data of one, times a quantity.

use domain::{Currency, PriceId, ProductId};
use rust_decimal::{Decimal, RoundingStrategy};
use stripe::InvoiceLine;

use super::failure::Failure;
use super::form::Form;
use super::{Catalogue, Price};

/// A line as the request asks for it, checked against the catalogue. Nothing is stored yet. `path` is what errors call the line:
/// `lines[0]`.
pub(super) fn read(
    form: &mut Form,
    catalogue: &Catalogue,
    currency: Currency,
    path: &str,
) -> Result<InvoiceLine, Failure> {
    let quantity = quantity(form, path)?;
    let (unit_amount, price, product) = match (form.take("pricing[price]"), form.take("price_data[product]")) {
        (Some(price), None) => catalogue_price(&price, catalogue, currency, path)?,
        (None, Some(product)) => {
            price_data(form, &product, catalogue, path).and_then(|(unit_amount, of, product)| {
                same_currency(of, currency, &format!("{path}[price_data][currency]"))?;
                Ok((unit_amount, None, product))
            })?
        }
        (Some(_), Some(_)) => return Err(Failure::malformed("parameters_exclusive", &format!("{path}[pricing]"))),
        (None, None) => return Err(Failure::malformed("parameter_missing", &format!("{path}[pricing]"))),
    };
    form.take("description");
    let line = InvoiceLine {
        id: String::new(),
        amount: line_amount(unit_amount, quantity, path)?,
        currency,
        quantity: Some(quantity),
        tax_inside: 0,
        metadata: form.take_map("metadata"),
        price,
        product: Some(product),
        subscription_item: None,
        period_start: None,
    };
    match form.leftover() {
        Some(unknown) => Err(Failure::malformed("parameter_unknown", &format!("{path}[{unknown}]"))),
        None => Ok(line),
    }
}

/// Unit amount × quantity, rounded half away from zero to the minor unit.
fn line_amount(unit_amount: Decimal, quantity: Decimal, path: &str) -> Result<i64, Failure> {
    let exact = unit_amount.checked_mul(quantity);
    let rounded = exact.map(|exact| exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero));
    let amount = rounded.and_then(|whole| i64::try_from(whole).ok());
    amount.ok_or_else(|| Failure::about(path, "The amount is too large."))
}

fn quantity(form: &mut Form, path: &str) -> Result<Decimal, Failure> {
    let malformed = |name: &str| Failure::malformed("parameter_invalid_integer", &format!("{path}[{name}]"));
    match (form.take("quantity"), form.take("quantity_decimal")) {
        (None, None) => Ok(Decimal::ONE),
        (Some(whole), None) => whole.parse::<i64>().map(Decimal::from).map_err(|_| malformed("quantity")),
        (None, Some(exact)) => decimal(&exact).ok_or_else(|| malformed("quantity_decimal")),
        (Some(_), Some(_)) => Err(Failure::malformed("parameters_exclusive", &format!("{path}[quantity]"))),
    }
}

/// At most twelve decimals.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    text.parse::<Decimal>().ok().filter(|number| number.scale() <= 12)
}

type Priced = (Decimal, Option<PriceId>, ProductId);

fn catalogue_price(id: &str, catalogue: &Catalogue, currency: Currency, path: &str) -> Result<Priced, Failure> {
    let param = format!("{path}[pricing][price]");
    let known = PriceId::parse(id).ok().and_then(|id| catalogue.prices.get(&id).map(|price| (id, price)));
    let Some((id, Price { product, currency: of, unit_amount, is_active, .. })) = known else {
        return Err(Failure::no_such("price", id, &param));
    };
    if !is_active {
        let message = "The price specified is inactive. This field only accepts active prices.";
        return Err(Failure::about(&param, message));
    }
    same_currency(*of, currency, &param)?;
    Ok((*unit_amount, Some(id), product.clone()))
}

fn price_data(
    form: &mut Form,
    product: &str,
    catalogue: &Catalogue,
    path: &str,
) -> Result<(Decimal, Currency, ProductId), Failure> {
    let name = |name: &str| format!("{path}[price_data][{name}]");
    let currency = form.take("price_data[currency]").and_then(|code| Currency::parse(&code).ok());
    let currency = currency.ok_or_else(|| Failure::malformed("parameter_missing", &name("currency")))?;
    let unit_amount = form.take("price_data[unit_amount_decimal]").and_then(|text| decimal(&text));
    let unit_amount =
        unit_amount.ok_or_else(|| Failure::malformed("parameter_missing", &name("unit_amount_decimal")))?;
    let known = ProductId::parse(product).ok().filter(|product| catalogue.has_product(product));
    let product = known.ok_or_else(|| Failure::no_such("product", product, &name("product")))?;
    Ok((unit_amount, currency, product))
}

fn same_currency(actual: Currency, expected: Currency, param: &str) -> Result<(), Failure> {
    if actual == expected {
        return Ok(());
    }
    let (actual, expected) = (actual.to_stripe(), expected.to_stripe());
    let message = format!(
        "The price specified only supports `{actual}`. This doesn't match the expected currency: `{expected}`."
    );
    Err(Failure::about(param, message))
}
