//! What saving one record does to itself and to others: names, prices, totals, and what follows a deletion.

use crate::salesforce::currency;
use crate::salesforce::error::{self, ApiError};
use crate::salesforce::json::Json;
use crate::salesforce::org::{Actor, Org, is_deleted, text};
use crate::salesforce::store::Record;

/// The status decides: of the standard ones, the last is closed.
fn derive_closed(record: &mut Record, first: &str, closed: &str) {
    record.entry("Status".into()).or_insert_with(|| first.into());
    let is_closed = text(record, "Status") == Some(closed);
    record.insert("IsClosed".into(), is_closed.into());
}

impl Org {
    pub(super) fn before_save(&self, object: &str, record: &mut Record, old: Option<&Record>) -> Result<(), ApiError> {
        match object {
            "Contact" | "User" => {
                let parts = [text(record, "FirstName"), text(record, "LastName")];
                let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
                record.insert("Name".into(), name.into());
                Ok(())
            }
            "Opportunity" => {
                self.derive_opportunity(record, old);
                Ok(())
            }
            "OpportunityLineItem" => self.derive_line(record, old),
            "Order" | "Contract" => {
                Self::derive_activation(record, old);
                Ok(())
            }
            "OrderItem" => self.derive_order_item(record, old),
            "Case" => {
                derive_closed(record, "New", "Closed");
                record.entry("Priority".into()).or_insert_with(|| "Medium".into());
                Ok(())
            }
            "Task" => {
                derive_closed(record, "Not Started", "Completed");
                record.entry("Priority".into()).or_insert_with(|| "Normal".into());
                Ok(())
            }
            "PricebookEntry" if old.is_none() => self.derive_entry(record),
            "OpportunityContactRole" => required(record, "OpportunityId"),
            "FeedItem" => {
                // "Required when Type is TextPost", which it is where nothing else is said.
                record.entry("Type".into()).or_insert_with(|| "TextPost".into());
                required(record, "ParentId").and_then(|()| required(record, "Body"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn after_save(
        &mut self,
        object: &str,
        id: &str,
        old: Option<&Record>,
        actor: &Actor,
    ) -> Result<(), ApiError> {
        match object {
            "Opportunity" => self.opportunity_changed(id, old, actor),
            "OpportunityLineItem" => self.line_changed(id, actor)?,
            "OpportunityContactRole" => self.only_one_primary(id),
            _ => {}
        }
        Ok(())
    }

    /// An opportunity has one primary contact: the last one that was made so.
    fn only_one_primary(&mut self, id: &str) {
        let Some(role) = self.store.get("OpportunityContactRole", id) else {
            return;
        };
        if !role.get("IsPrimary").is_some_and(Json::is_true) {
            return;
        }
        let opportunity = text(role, "OpportunityId").unwrap_or_default().to_owned();
        let others = self.children("OpportunityContactRole", "OpportunityId", &opportunity);
        for (other, mut record) in others.into_iter().filter(|(other, _)| other != id) {
            record.insert("IsPrimary".into(), false.into());
            self.store.put("OpportunityContactRole", &other, record);
        }
    }

    /// The label is the organization's; the code behind it is one of two.
    fn derive_activation(record: &mut Record, old: Option<&Record>) {
        // It was stamped a moment ago.
        let now = record.get("SystemModstamp").cloned().unwrap_or_default();
        let is_activated = text(record, "Status") == Some("Activated");
        record.insert("StatusCode".into(), if is_activated { "Activated" } else { "Draft" }.into());
        let was_activated = old.is_some_and(|old| text(old, "StatusCode") == Some("Activated"));
        if is_activated != was_activated {
            record.insert("ActivatedDate".into(), if is_activated { now } else { Json::Null });
        }
    }

    /// The price book's price and product, and the total.
    fn derive_order_item(&self, record: &mut Record, old: Option<&Record>) -> Result<(), ApiError> {
        required(record, "OrderId")?;
        required(record, "PricebookEntryId")?;
        if old.is_none() {
            let entry =
                self.store.get("PricebookEntry", &value(record, "PricebookEntryId")).cloned().unwrap_or_default();
            for (field, from) in [("ListPrice", "UnitPrice"), ("Product2Id", "Product2Id")] {
                record.insert(field.into(), entry.get(from).cloned().unwrap_or_default());
            }
            let number = self.children("OrderItem", "OrderId", &value(record, "OrderId")).len() + 1;
            record.insert("OrderItemNumber".into(), format!("{number:010}").into());
        }
        let number = |field: &str| record.get(field).and_then(Json::number).unwrap_or_default();
        let total = number("Quantity").checked_mul(number("UnitPrice"));
        let total = total.ok_or_else(|| number_out_of_range("TotalPrice"))?;
        record.insert("TotalPrice".into(), currency::round(total, &value(record, "CurrencyIsoCode")).into());
        Ok(())
    }

    fn derive_entry(&self, record: &mut Record) -> Result<(), ApiError> {
        required(record, "Pricebook2Id")?;
        required(record, "Product2Id")?;
        let (pricebook, product_id) = (value(record, "Pricebook2Id"), value(record, "Product2Id"));
        let currency = value(record, "CurrencyIsoCode");
        let entries = self.children("PricebookEntry", "Product2Id", &product_id);
        let exists = |pricebook: &str| {
            let same = |entry: &Record| {
                value(entry, "Pricebook2Id") == pricebook && value(entry, "CurrencyIsoCode") == currency
            };
            entries.iter().find(|(_, entry)| same(entry)).map(|(id, _)| id.as_str())
        };
        if let Some(other) = exists(&pricebook) {
            let message = format!("This price definition already exists in this price book: {}", &other[..15]);
            return Err(ApiError::new(400, "DUPLICATE_VALUE", message).on("Pricebook2Id"));
        }
        if pricebook != self.standard_pricebook_id && exists(&self.standard_pricebook_id).is_none() {
            let message = "Before creating a custom price, create a standard price.";
            return Err(ApiError::new(400, "STANDARD_PRICE_NOT_DEFINED", message));
        }
        let product = self.store.get("Product2", &product_id).cloned().unwrap_or_default();
        for field in ["Name", "ProductCode"] {
            record.insert(field.into(), product.get(field).cloned().unwrap_or_default());
        }
        Ok(())
    }

    pub(super) fn delete_dependents(&mut self, object: &str, id: &str, actor: &Actor) -> Result<(), ApiError> {
        for (child, field) in restricting(object) {
            if !self.children(child, field, id).is_empty() {
                return Err(delete_failed(&format!("it is referenced by {child}")));
            }
        }
        if object == "Account" {
            let won = |(_, record): &(String, Record)| record.get("IsWon").is_some_and(Json::is_true);
            if self.children("Opportunity", "AccountId", id).iter().any(won) {
                return Err(delete_failed("it has opportunities that are closed won"));
            }
        }
        for (child, field) in dependents(object) {
            for (child_id, _) in self.children(child, field, id) {
                self.delete_record(actor, child, &child_id)?;
            }
        }
        Ok(())
    }

    pub(super) fn after_delete(&mut self, object: &str, id: &str, record: &Record, actor: &Actor) {
        match object {
            "Opportunity" => self.opportunity_deleted(id, actor),
            "OpportunityLineItem" => {
                let opportunity = value(record, "OpportunityId");
                self.refresh_opportunity(&opportunity, actor);
            }
            _ => {}
        }
    }

    /// The records of an object that point at a parent and are not deleted.
    pub(super) fn children(&self, object: &str, field: &str, parent: &str) -> Vec<(String, Record)> {
        let found = self.store.find(object, field, parent).filter(|(_, record)| !is_deleted(record));
        found.map(|(id, record)| (id.to_owned(), record.clone())).collect()
    }
}

/// What is deleted with a record: objects and the fields by which they point at it.
fn dependents(object: &str) -> &'static [(&'static str, &'static str)] {
    match object {
        "Account" => &[("Opportunity", "AccountId"), ("Contact", "AccountId")],
        "Opportunity" => &[("OpportunityLineItem", "OpportunityId"), ("OpportunityContactRole", "OpportunityId")],
        "Contact" => &[("OpportunityContactRole", "ContactId")],
        "Product2" => &[("PricebookEntry", "Product2Id")],
        _ => &[],
    }
}

/// What forbids deleting a record.
fn restricting(object: &str) -> &'static [(&'static str, &'static str)] {
    match object {
        "Product2" => &[("OpportunityLineItem", "Product2Id")],
        "PricebookEntry" => &[("OpportunityLineItem", "PricebookEntryId")],
        _ => &[],
    }
}

pub(super) fn value(record: &Record, field: &str) -> String {
    text(record, field).unwrap_or_default().to_owned()
}

pub(super) fn required(record: &Record, field: &str) -> Result<(), ApiError> {
    if text(record, field).is_some() {
        return Ok(());
    }
    Err(ApiError::new(400, "REQUIRED_FIELD_MISSING", format!("Required fields are missing: [{field}]")).on(field))
}

fn delete_failed(why: &str) -> ApiError {
    ApiError::new(400, "DELETE_FAILED", format!("Your attempt to delete the record failed because {why}."))
}

pub(super) fn number_out_of_range(field: &str) -> ApiError {
    let message = format!("{field}: value outside of valid range on numeric field");
    ApiError::new(400, "NUMBER_OUTSIDE_VALID_RANGE", message).on(field)
}

pub(super) fn mismatch(field: &str, why: &str) -> ApiError {
    error::integrity(format!("{field} ({why})")).on(field)
}
