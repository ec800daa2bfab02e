//! Opportunities and their lines: stages, prices, totals, and which saves are told to the outside.

use rust_decimal::Decimal;

use super::rules::{mismatch, number_out_of_range, required, value};
use crate::salesforce::currency;
use crate::salesforce::error::ApiError;
use crate::salesforce::json::Json;
use crate::salesforce::org::{Actor, Change, ChangeType, Org, text};
use crate::salesforce::schema::Rule;
use crate::salesforce::store::Record;

/// The stages of a new org with their probability in percent. An unlisted stage is open, as the picklist is not restricted.
const STAGES: &[(&str, i64)] = &[
    ("Prospecting", 10),
    ("Qualification", 10),
    ("Needs Analysis", 20),
    ("Value Proposition", 50),
    ("Id. Decision Makers", 60),
    ("Perception Analysis", 70),
    ("Proposal/Price Quote", 75),
    ("Negotiation/Review", 90),
    (WON, 100),
    (LOST, 0),
];
const WON: &str = "Closed Won";
const LOST: &str = "Closed Lost";

impl Org {
    pub(super) fn derive_opportunity(&self, record: &mut Record, old: Option<&Record>) {
        let stage = value(record, "StageName");
        record.insert("IsWon".into(), (stage == WON).into());
        record.insert("IsClosed".into(), (stage == WON || stage == LOST).into());
        let moved = old.is_none_or(|old| text(old, "StageName") != Some(stage.as_str()));
        let kept = old.and_then(|old| old.get("Probability")) == record.get("Probability");
        if let Some((_, probability)) = STAGES.iter().find(|(name, _)| *name == stage).filter(|_| moved && kept) {
            record.insert("Probability".into(), (*probability).into());
        }
        if old.is_none() {
            record.insert("HasOpportunityLineItem".into(), false.into());
        } else if moved {
            // It was stamped a moment ago. A record that never changed its stage has none.
            let now = record.get("SystemModstamp").cloned().unwrap_or_default();
            record.insert("LastStageChangeDate".into(), now);
        }
        // With lines the amount is their sum. An attempt to write it is ignored, not refused.
        if let Some(old) = old.filter(|old| old.get("HasOpportunityLineItem").is_some_and(Json::is_true)) {
            record.insert("Amount".into(), old.get("Amount").cloned().unwrap_or_default());
        }
    }

    pub(super) fn derive_line(&self, line: &mut Record, old: Option<&Record>) -> Result<(), ApiError> {
        if old.is_none() {
            required(line, "OpportunityId")?;
            self.attach_price(line)?;
        }
        let number = |field: &str| line.get(field).and_then(Json::number);
        let quantity = number("Quantity").unwrap_or_default();
        let total_given =
            number("TotalPrice").filter(|total| old.and_then(|old| old.get("TotalPrice")?.number()) != Some(*total));
        let discount = number("Discount").unwrap_or_default();
        let unit_price = match (number("UnitPrice"), total_given) {
            (Some(unit_price), _) => unit_price,
            (None, Some(total)) => total.checked_div(quantity).unwrap_or_default(),
            (None, None) => number("ListPrice").unwrap_or_default(),
        };
        let subtotal = unit_price.checked_mul(quantity).ok_or_else(|| number_out_of_range("Subtotal"))?;
        let iso = value(line, "CurrencyIsoCode");
        let total = match total_given {
            Some(total) => total,
            None => total_price(subtotal, discount, &iso).ok_or_else(|| number_out_of_range("TotalPrice"))?,
        };
        line.insert("UnitPrice".into(), unit_price.into());
        line.insert("Subtotal".into(), currency::round(subtotal, &iso).into());
        line.insert("TotalPrice".into(), total.into());
        Ok(())
    }

    /// Finds the price book entry of a new line, and takes from it what a line shows of its product.
    fn attach_price(&self, line: &mut Record) -> Result<(), ApiError> {
        let opportunity = self.live("Opportunity", &value(line, "OpportunityId")).cloned().unwrap_or_default();
        let currency = value(&opportunity, "CurrencyIsoCode");
        let pricebook = text(&opportunity, "Pricebook2Id");
        let entry = match (text(line, "PricebookEntryId"), text(line, "Product2Id")) {
            (Some(entry), _) => self.live("PricebookEntry", entry).cloned(),
            (None, Some(product)) => {
                let pricebook = pricebook.unwrap_or(&self.standard_pricebook_id);
                let fits = |entry: &Record| {
                    text(entry, "Pricebook2Id") == Some(pricebook) && value(entry, "CurrencyIsoCode") == currency
                };
                let entries = self.children("PricebookEntry", "Product2Id", product);
                entries.into_iter().map(|(_, entry)| entry).find(fits)
            }
            (None, None) => return required(line, "PricebookEntryId"),
        };
        let entry = entry.ok_or_else(|| mismatch("Product2Id", "no price of this product is in the price book"))?;
        if pricebook.is_some_and(|pricebook| text(&entry, "Pricebook2Id") != Some(pricebook)) {
            let why = "pricebook entry is in a different pricebook than the one assigned to the opportunity";
            return Err(mismatch("PricebookEntryId", why));
        }
        if value(&entry, "CurrencyIsoCode") != currency {
            let why = "the opportunity's currency is not the currency of the pricebook entry";
            return Err(mismatch("PricebookEntryId", why));
        }
        let lines = self.children("OpportunityLineItem", "OpportunityId", &value(line, "OpportunityId")).len();
        let name = format!("{} {}", value(&opportunity, "Name"), value(&entry, "Name"));
        line.insert("PricebookEntryId".into(), entry.get("Id").cloned().unwrap_or_default());
        line.insert("Product2Id".into(), entry.get("Product2Id").cloned().unwrap_or_default());
        line.insert("ProductCode".into(), entry.get("ProductCode").cloned().unwrap_or_default());
        line.insert("ListPrice".into(), entry.get("UnitPrice").cloned().unwrap_or_default());
        line.insert("Name".into(), name.into());
        line.insert("SortOrder".into(), (lines + 1).into());
        line.insert("CurrencyIsoCode".into(), currency.into());
        Ok(())
    }

    pub(super) fn line_changed(&mut self, id: &str, actor: &Actor) -> Result<(), ApiError> {
        let line = self.store.get("OpportunityLineItem", id).cloned().unwrap_or_default();
        let opportunity = value(&line, "OpportunityId");
        self.refresh_opportunity(&opportunity, actor);
        Ok(())
    }

    /// Brings an opportunity's amount to the sum of its lines. No trigger sees this: it is computed, not edited.
    pub(super) fn refresh_opportunity(&mut self, id: &str, actor: &Actor) {
        let Some(mut record) = self.live("Opportunity", id).cloned() else {
            return;
        };
        let lines = self.children("OpportunityLineItem", "OpportunityId", id);
        record.insert("HasOpportunityLineItem".into(), (!lines.is_empty()).into());
        if let Some((_, line)) = lines.first() {
            let total = |(_, line): &(String, Record)| line.get("TotalPrice").and_then(Json::number);
            let amount: Decimal =
                lines.iter().filter_map(total).fold(Decimal::ZERO, |sum, total| sum.saturating_add(total));
            record.insert("Amount".into(), amount.into());
            if text(&record, "Pricebook2Id").is_none() {
                let entry = self.store.get("PricebookEntry", &value(line, "PricebookEntryId"));
                let pricebook = entry.and_then(|entry| entry.get("Pricebook2Id").cloned());
                record.insert("Pricebook2Id".into(), pricebook.unwrap_or_default());
            }
        }
        self.stamp(&mut record, &actor.user_id, actor.now_ms, false);
        self.store.put("Opportunity", id, record);
    }

    pub(super) fn opportunity_changed(&mut self, id: &str, old: Option<&Record>, actor: &Actor) {
        let Some(record) = self.store.get("Opportunity", id) else {
            return;
        };
        let is_told = |field: &str| {
            let field = self.schema.object("Opportunity").and_then(|object| object.field(field));
            field.is_some_and(|field| {
                field.rule != Rule::System && (field.name != "CurrencyIsoCode" || self.multi_currency)
            })
        };
        let audit: &[&str] = match old {
            None => &["CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"],
            Some(_) => &["LastModifiedDate", "LastModifiedById"],
        };
        let differs = |field: &str, value: &Json| match old {
            None => !value.is_null(),
            Some(old) => old.get(field).cloned().unwrap_or_default() != *value,
        };
        let told = record
            .iter()
            .filter(|(field, value)| (is_told(field) || audit.contains(&field.as_str())) && differs(field, value));
        let is_won = |record: &Record| text(record, "StageName") == Some(WON);
        let change = Change {
            object: "Opportunity".into(),
            id: id.to_owned(),
            change_type: if old.is_none() { ChangeType::Create } else { ChangeType::Update },
            changed: told.map(|(field, value)| (field.clone(), value.clone())).collect(),
            turned_won: is_won(record) && !old.is_some_and(is_won),
            user_id: actor.user_id.clone(),
            at_ms: actor.now_ms,
        };
        self.changes.push(change);
    }

    pub(super) fn opportunity_deleted(&mut self, id: &str, actor: &Actor) {
        self.changes.push(Change {
            object: "Opportunity".into(),
            id: id.to_owned(),
            change_type: ChangeType::Delete,
            changed: Vec::new(),
            turned_won: false,
            user_id: actor.user_id.clone(),
            at_ms: actor.now_ms,
        });
    }
}

/// UnitPrice × Quantity less the discount in percent, in the currency's decimals.
fn total_price(subtotal: Decimal, discount: Decimal, currency: &str) -> Option<Decimal> {
    let percent = Decimal::ONE_HUNDRED.checked_sub(discount)?;
    let total = subtotal.checked_mul(percent)?.checked_div(Decimal::ONE_HUNDRED)?;
    Some(currency::round(total, currency))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::salesforce::json::decimal;

    #[test]
    fn totals_are_rounded_to_the_currencys_decimals() {
        for (unit_price, quantity, discount, currency, expected) in [
            ("100", "3", "0", "USD", "300"),
            ("33.333", "3", "0", "USD", "100.00"),
            ("0.005", "1", "0", "USD", "0.01"),
            ("-0.005", "1", "0", "USD", "-0.01"),
            ("19.99", "7", "12.5", "EUR", "122.44"),
            ("99", "3", "33.33", "JPY", "198"),
            ("1.2345", "10", "0", "KWD", "12.345"),
            ("1.0005", "1", "0", "KWD", "1.001"),
            ("9999999999999999", "1", "100", "USD", "0"),
        ] {
            let number = |text| decimal(text).expect("a number");
            let subtotal = number(unit_price).checked_mul(number(quantity)).expect("in range");
            let total = total_price(subtotal, number(discount), currency);
            assert_eq!(total, decimal(expected), "{unit_price} x {quantity} - {discount}% in {currency}");
        }
    }
}
