//! Where sales enters a deal's lines: on the opportunity, on a CPQ quote, or on an order.

use mapping::LineSource;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Env;
use crate::{Deal, Line};

/// The record that the lines hang on.
pub(super) enum Place {
    Opportunity(String),
    Quote(String),
    Order(String),
}

pub(super) fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn total(line: &Line) -> Decimal {
    (decimal(&line.unit_price) * decimal(&line.quantity)).normalize()
}

impl Env {
    pub(super) fn place_of_lines(&self, opportunity: &str, account: &str, deal: &Deal) -> Place {
        let sum: Decimal = deal.lines.iter().map(total).sum();
        let amount = json!({ "Amount": number(&sum.normalize().to_string()) });
        match self.options.line_source {
            LineSource::OpportunityProducts => Place::Opportunity(opportunity.to_owned()),
            LineSource::CpqQuote => {
                self.update("Opportunity", opportunity, amount);
                Place::Quote(self.quote(opportunity, true))
            }
            LineSource::Orders => {
                self.update("Opportunity", opportunity, amount);
                let order = json!({
                    "AccountId": account,
                    "OpportunityId": opportunity,
                    "EffectiveDate": "2026-11-30",
                    "Status": "Draft",
                });
                Place::Order(self.insert("Order", order))
            }
        }
    }

    pub fn quote(&self, opportunity: &str, is_primary: bool) -> String {
        let quote =
            json!({ "SBQQ__Opportunity2__c": opportunity, "SBQQ__Primary__c": is_primary, "SBQQ__Type__c": "Quote" });
        self.insert("SBQQ__Quote__c", quote)
    }

    pub fn quote_line(&self, quote: &str, line: &Line, product: Option<&str>) -> String {
        self.insert(
            "SBQQ__QuoteLine__c",
            json!({
                "SBQQ__Quote__c": quote,
                "SBQQ__Product__c": product,
                "SBQQ__ProductName__c": line.product,
                "SBQQ__Quantity__c": number(&line.quantity),
                "SBQQ__EffectiveQuantity__c": number(&line.quantity),
                "SBQQ__ListPrice__c": number(&line.list_price),
                "SBQQ__NetPrice__c": number(&line.unit_price),
                "SBQQ__NetTotal__c": number(&total(line).to_string()),
                "SBQQ__ChargeType__c": "One-Time",
            }),
        )
    }

    pub(super) fn enter_line(&self, place: &Place, line: &Line, product: &str, entry: &str) {
        let (quantity, unit_price) = (number(&line.quantity), number(&line.unit_price));
        let priced = |parent: &str, id: &str| json!({ parent: id, "PricebookEntryId": entry, "Quantity": quantity, "UnitPrice": unit_price });
        match place {
            Place::Opportunity(id) => drop(self.insert("OpportunityLineItem", priced("OpportunityId", id))),
            Place::Quote(id) => drop(self.quote_line(id, line, Some(product))),
            Place::Order(id) => drop(self.insert("OrderItem", priced("OrderId", id))),
        }
    }
}
