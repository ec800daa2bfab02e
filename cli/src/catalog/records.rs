//! Products of Salesforce's, from the records that are read of them.

use std::collections::BTreeMap;

use domain::{Currency, Product2Id, Record};
use mapping::{Interval, LineSource};
use salesforce::soql::{Literal, Op, Select};

use super::product::{Billed, Cost, Product};

/// What is asked of products and their prices, and how it is understood.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    pub org_currency: Currency,
    pub multi_currency: bool,
    pub line_source: LineSource,
}

pub const PRODUCT: &str = "Product2";
pub const PRICE_ID: &str = "Stripe_Price_Id__c";
const CURRENCY: &str = "CurrencyIsoCode";
const FREQUENCY: &str = "Stripe_Billing_Frequency__c";
const IS_STANDARD: &str = "Pricebook2.IsStandard";

/// All active products, and their prices in active price books.
pub fn queries(settings: &Settings) -> [String; 2] {
    let with_currency = |mut fields: Vec<&'static str>| {
        fields.extend(settings.multi_currency.then_some(CURRENCY));
        fields
    };
    let is_true = |select: Select, field: &str| select.filter(field, Op::Eq, Literal::Boolean(true));
    let fields = with_currency(vec!["Id", "Name", "ProductCode", "StockKeepingUnit", FREQUENCY, PRICE_ID]);
    let products = is_true(Select::from(PRODUCT).fields(&fields), "IsActive").order_by("Id");
    let fields = with_currency(vec!["Id", "Product2Id", "UnitPrice", IS_STANDARD]);
    let entries = is_true(Select::from("PricebookEntry").fields(&fields), "IsActive");
    let entries = is_true(is_true(entries, "Pricebook2.IsActive"), "Product2.IsActive").order_by("Id");
    [products.to_string(), entries.to_string()]
}

/// What `Stripe_Price_Id__c` of these products holds now.
pub fn set_query<'a>(ids: impl IntoIterator<Item = &'a Product2Id>) -> String {
    let ids: Vec<_> = ids.into_iter().map(Product2Id::to_string).collect();
    Select::from(PRODUCT).fields(&["Id", PRICE_ID]).one_of("Id", &ids).to_string()
}

/// The product, where it holds this in `Stripe_Price_Id__c`, or nothing.
pub fn where_set(id: &Product2Id, value: Option<&str>) -> String {
    let value = value.map_or(Literal::Null, |value| Literal::Text(value.to_owned()));
    let select = Select::from(PRODUCT).fields(&["Id"]).filter("Id", Op::Eq, Literal::Text(id.to_string()));
    select.filter(PRICE_ID, Op::Eq, value).to_string()
}

pub fn id_of(record: &Record) -> Option<Product2Id> {
    record.text("Id").and_then(|id| Product2Id::parse(id).ok())
}

/// The products with what they cost, in their order. A price in a currency that Stripe does not bill is left out.
pub fn products(products: &[Record], entries: &[Record], settings: &Settings) -> Vec<Product> {
    let mut costs: BTreeMap<Product2Id, Costs> = BTreeMap::new();
    for entry in entries {
        let id = entry.text("Product2Id").and_then(|id| Product2Id::parse(id).ok());
        let cost = currency_of(entry, settings)
            .zip(entry.number("UnitPrice"))
            .and_then(|(currency, amount)| Cost::from_major_units(amount, currency));
        if let Some((id, cost)) = id.zip(cost) {
            let of = costs.entry(id).or_default();
            if entry.is_true(IS_STANDARD) { of.standard.push(cost) } else { of.elsewhere.push(cost) }
        }
    }
    let read = |record: &Record| {
        let id = id_of(record)?;
        let mut costs = costs.remove(&id).unwrap_or_default();
        // What it costs at home comes first: in the product's own currency, else in the organization's.
        let own = currency_of(record, settings);
        let home = [own, Some(settings.org_currency)];
        costs.standard.sort_by_key(|cost| {
            (home.iter().position(|home| *home == Some(cost.currency)).unwrap_or(home.len()), cost.currency)
        });
        let codes = ["StockKeepingUnit", "ProductCode"].into_iter().filter_map(|field| record.text(field));
        Some(Product {
            id,
            name: record.text("Name").unwrap_or_default().to_owned(),
            codes: codes.map(str::to_owned).collect(),
            billed: billed(record, settings.line_source),
            costs: costs.standard,
            costs_elsewhere: costs.elsewhere,
            price_id: record.text(PRICE_ID).map(str::to_owned),
        })
    };
    products.iter().filter_map(read).collect()
}

#[derive(Default)]
struct Costs {
    standard: Vec<Cost>,
    elsewhere: Vec<Cost>,
}

fn currency_of(record: &Record, settings: &Settings) -> Option<Currency> {
    if !settings.multi_currency {
        return Some(settings.org_currency);
    }
    record.text(CURRENCY).and_then(|code| Currency::parse(code).ok())
}

/// As a deal's lines are read: a quote's lines have a frequency of their own, elsewhere it is the product's.
fn billed(record: &Record, line_source: LineSource) -> Billed {
    match (line_source, record.text(FREQUENCY)) {
        (LineSource::CpqQuote, _) => Billed::Unsaid,
        (_, None) => Billed::Once,
        (_, Some(frequency)) => {
            Interval::parse(frequency).map_or(Billed::Unsaid, |every| Billed::Months(every.months()))
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::FieldValue;

    use super::*;

    fn settings(multi_currency: bool, line_source: LineSource) -> Settings {
        Settings { org_currency: Currency::parse("EUR").expect("valid"), multi_currency, line_source }
    }

    fn record(fields: &[(&str, &str)]) -> Record {
        let mut record = Record::default();
        for (name, value) in fields {
            let value = match (*name, *value) {
                ("UnitPrice", amount) => FieldValue::Number(amount.parse().expect("a number")),
                (_, "true") => FieldValue::Boolean(true),
                (_, text) => FieldValue::Text(text.to_owned()),
            };
            record.set(*name, value);
        }
        record
    }

    const ID: &str = "01t000000000001AAA";

    #[test]
    fn only_where_there_are_several_currencies_they_are_asked_for() {
        let single = queries(&settings(false, LineSource::OpportunityProducts));
        assert_eq!(
            single[0],
            "SELECT Id, Name, ProductCode, StockKeepingUnit, Stripe_Billing_Frequency__c, Stripe_Price_Id__c FROM Product2 WHERE \
             IsActive = true ORDER BY Id"
        );
        assert_eq!(
            single[1],
            "SELECT Id, Product2Id, UnitPrice, Pricebook2.IsStandard FROM PricebookEntry WHERE IsActive = true AND \
             Pricebook2.IsActive = true AND Product2.IsActive = true ORDER BY Id"
        );
        let several = queries(&settings(true, LineSource::OpportunityProducts));
        assert!(several.iter().all(|query| query.contains(", CurrencyIsoCode FROM ")), "{several:?}");
    }

    #[test]
    fn what_a_product_costs_at_home_comes_first() {
        let entry = |currency: &str, amount: &str, is_standard: &str| {
            record(&[
                ("Product2Id", ID),
                ("CurrencyIsoCode", currency),
                ("UnitPrice", amount),
                (IS_STANDARD, is_standard),
            ])
        };
        let entries = [
            entry("EUR", "90", "true"),
            entry("JPY", "15000", "true"),
            entry("USD", "100.00", "true"),
            entry("USD", "80", "no"),
            entry("???", "1", "true"),
        ];
        let costs = |currency: &str| {
            let product = record(&[("Id", ID), ("Name", "Seat"), ("CurrencyIsoCode", currency)]);
            products(&[product], &entries, &settings(true, LineSource::OpportunityProducts)).remove(0)
        };
        let told = |product: &Product| product.costs.iter().map(Cost::to_string).collect::<Vec<_>>();
        assert_eq!(told(&costs("USD")), ["100.00 USD", "90.00 EUR", "15000 JPY"]);
        assert_eq!(told(&costs("GBP")), ["90.00 EUR", "15000 JPY", "100.00 USD"]);
        assert_eq!(costs("USD").costs_elsewhere.len(), 1);
        // With one currency, nothing says so.
        let product = record(&[("Id", ID), ("Name", "Seat")]);
        let found = products(&[product], &entries[..1], &settings(false, LineSource::Orders));
        assert_eq!(told(&found[0]), ["90.00 EUR"]);
    }

    #[test]
    fn how_often_a_product_is_billed_is_read_as_a_deals_lines_are() {
        for (source, frequency, expected) in [
            (LineSource::OpportunityProducts, Some("Quarterly"), Billed::Months(3)),
            (LineSource::Orders, Some("Annual"), Billed::Months(12)),
            (LineSource::OpportunityProducts, None, Billed::Once),
            (LineSource::OpportunityProducts, Some("Weekly"), Billed::Unsaid),
            (LineSource::CpqQuote, Some("Annual"), Billed::Unsaid),
            (LineSource::CpqQuote, None, Billed::Unsaid),
        ] {
            let mut fields = vec![("Id", ID), ("StockKeepingUnit", "A-1"), ("ProductCode", "A")];
            fields.extend(frequency.map(|frequency| (FREQUENCY, frequency)));
            let found = products(&[record(&fields)], &[], &settings(false, source)).remove(0);
            assert_eq!(found.billed, expected, "{source:?} {frequency:?}");
            assert_eq!(found.codes, ["A-1", "A"]);
        }
    }
}
