//! What a deal comes to, worked out from the records by another road than the product's: nothing here calls it.

use std::collections::BTreeMap;

use it::Env;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;

use super::world::COUNTRIES;

/// What an invoice of the deal must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    pub account: String,
    /// As Stripe writes it.
    pub currency: String,
    /// Minor units, here and below.
    pub total: i64,
    /// By the line's id.
    pub lines: BTreeMap<String, (i64, Decimal)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It does not ask to be billed.
    NotAsked,
    /// It asks, and a person has to mend something first. The amount is the deal's, if it has one that can be billed.
    Unbillable {
        amount: Option<i64>,
    },
    Billable(Bill),
}

/// The currencies of these histories: how many decimals, and what the last amount must be a multiple of.
const CURRENCIES: [(&str, u32, i64); 4] = [("USD", 2, 1), ("EUR", 2, 1), ("JPY", 0, 1), ("KWD", 3, 10)];

fn minor_units(value: &Value, currency: &str) -> Option<i64> {
    let (_, decimals, step) = CURRENCIES.iter().find(|(code, ..)| *code == currency)?;
    let scaled = number(value)?.checked_mul(Decimal::from(10i64.pow(*decimals)))?;
    let minor = scaled.is_integer().then(|| scaled.to_i64()).flatten()?;
    (minor % step == 0 && minor.abs() < 1_000_000_000_000).then_some(minor)
}

fn number(value: &Value) -> Option<Decimal> {
    value.is_number().then(|| value.to_string().parse().unwrap())
}

/// What the deal asks for as Salesforce has it now. `org_currency` is that of every record where records have none.
pub fn judge(env: &Env, opportunity: &str, org_currency: Option<&str>) -> Judgement {
    let record = env.record("Opportunity", opportunity);
    let is_asked = record["IsDeleted"] != true
        && record["StageName"] == "Closed Won"
        && record["Type"] != "Renewal"
        && number(&record["Amount"]).is_some_and(|amount| amount > Decimal::ZERO);
    if !is_asked {
        return Judgement::NotAsked;
    }
    let currency = org_currency.unwrap_or_else(|| record["CurrencyIsoCode"].as_str().unwrap()).to_owned();
    let amount = minor_units(&record["Amount"], &currency);
    let bill = amount.and_then(|total| bill(env, &record, &currency, total));
    bill.map_or(Judgement::Unbillable { amount }, Judgement::Billable)
}

fn bill(env: &Env, record: &Value, currency: &str, total: i64) -> Option<Bill> {
    let account = record["AccountId"].as_str()?;
    if !can_be_billed(&env.record("Account", account)) {
        return None;
    }
    let of_deal = |line: &Value| line["OpportunityId"] == record["Id"];
    let records = env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem"));
    let products = env.sandbox.salesforce.with(|org| org.records("Product2"));
    let prices = env.objects("price");
    let billed = |line: &Value| {
        let product = products.iter().find(|product| product["Id"] == line["Product2Id"])?;
        let price = prices.iter().find(|price| price["id"] == product["Stripe_Price_Id__c"])?;
        let is_sold = price["active"] == true && price["currency"] == currency.to_ascii_lowercase();
        let amount = minor_units(&line["TotalPrice"], currency).filter(|_| is_sold)?;
        let quantity = number(&line["Quantity"]).filter(|quantity| *quantity > Decimal::ZERO)?;
        Some((line["Id"].as_str()?.to_owned(), (amount, quantity)))
    };
    let lines: Option<BTreeMap<_, _>> = records.iter().filter(|line| of_deal(line)).map(billed).collect();
    let lines = lines.filter(|lines| (1..=250).contains(&lines.len()))?;
    let adds_up = lines.values().map(|(amount, _)| amount).sum::<i64>() == total;
    adds_up.then(|| Bill { account: account.to_owned(), currency: currency.to_ascii_lowercase(), total, lines })
}

fn can_be_billed(account: &Value) -> bool {
    let email = account["Billing_Email__c"].as_str().unwrap_or_default();
    let country_is_known = account["BillingCountry"].as_str().is_none_or(|country| COUNTRIES.contains(&country));
    let customer_is_one = account["Stripe_Customer_Id__c"].as_str().is_none_or(|id| id.starts_with("cus_"));
    email.contains('@') && !email.contains(' ') && country_is_known && customer_is_one
}

impl Bill {
    /// Why the invoice is not what the bill says; `None` when it is.
    pub fn difference(&self, invoice: &Value, lines: &[Value]) -> Option<String> {
        let (total, currency) = (&invoice["total"], &invoice["currency"]);
        if *total != self.total || *currency != self.currency.as_str() || invoice["subtotal"] != self.total {
            return Some(format!("it comes to {total} {currency}, the deal to {} {}", self.total, self.currency));
        }
        if lines.len() != self.lines.len() {
            return Some(format!("it has {} lines, the deal {}", lines.len(), self.lines.len()));
        }
        let mut missing = self.lines.clone();
        for line in lines {
            let key = line["metadata"]["sf_line_id"].as_str().unwrap_or_default();
            let Some((amount, quantity)) = missing.remove(key) else {
                return Some(format!("line {} is not of the deal, or there twice", line["id"]));
            };
            // What the quantity does not divide is billed as one.
            let seen = line["quantity_decimal"].as_str().and_then(|text| text.parse::<Decimal>().ok());
            let seen = seen.or_else(|| number(&line["quantity"])).unwrap_or_default();
            if line["amount"] != amount || (seen != quantity && seen != Decimal::ONE) {
                return Some(format!("line {key} comes to {} × {seen}, not {amount} × {quantity}", line["amount"]));
            }
        }
        None
    }
}
