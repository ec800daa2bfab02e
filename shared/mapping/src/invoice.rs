//! How the invoice of a deal stands, on the opportunity that names it.

use domain::{FieldValue, InvoiceId, Money, OpportunityId, Record};
use serde::{Deserialize, Serialize};

use crate::deal::Filter;
use crate::payment::PAID;
use crate::update::{INVOICE_ID, Update, text};

/// `open`, `overdue`, `paid`, `void` or `uncollectible`: Stripe's words, and for an open one whose day has gone by the word of
/// Stripe's event. Empty until something has become of the invoice.
pub const INVOICE_STATUS: &str = "Stripe_Invoice_Status__c";
/// What credit notes took off it, tax included.
pub const CREDITED: &str = "Stripe_Amount_Credited__c";
/// What was given back of its payments.
pub const REFUNDED: &str = "Stripe_Amount_Refunded__c";
/// A payment of it was disputed, whatever became of that.
pub const DISPUTED: &str = "Stripe_Payment_Disputed__c";

pub const SHOWN: [&str; 4] = [INVOICE_STATUS, CREDITED, REFUNDED, DISPUTED];

/// For good: an invoice that is paid is never anything else again, whatever becomes of its payment.
pub(crate) const PAID_STATUS: &str = "paid";

/// An invoice, as its opportunity is to say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceStanding {
    pub invoice_id: InvoiceId,
    pub opportunity_id: OpportunityId,
    pub status: String,
    pub credited: Money,
    pub refunded: Money,
    pub is_disputed: bool,
}

impl InvoiceStanding {
    /// Only where the opportunity names this invoice; and what comes late, from a process that stood still, does not say of a paid one
    /// that it is not. Where another took a paid one's place, the opportunity is not marked as paid.
    pub fn update(&self) -> Update {
        let number = |money: Money| FieldValue::Number(money.to_major_units());
        let fields = [
            (INVOICE_STATUS, text(&self.status)),
            (CREDITED, number(self.credited)),
            (REFUNDED, number(self.refunded)),
            (DISPUTED, FieldValue::Boolean(self.is_disputed)),
        ];
        let mut update = Update::new("Opportunity", &self.opportunity_id, fields);
        update.also_read = vec!["Id", INVOICE_ID];
        update.only_where = vec![(INVOICE_ID, Filter::Is(self.invoice_id.to_string()))];
        if self.status != PAID_STATUS {
            update.only_where.push((PAID, Filter::IsFalseOrNot(INVOICE_STATUS, PAID_STATUS)));
        }
        update
    }

    /// Whether the opportunity says it. Where nothing was credited, given back or disputed, it need not say so.
    pub fn differences(&self, opportunity: &Record) -> Vec<&'static str> {
        let is_blank = |field: &str| match opportunity.get(field) {
            None | Some(FieldValue::Null | FieldValue::Boolean(false)) => true,
            Some(FieldValue::Number(number)) => number.is_zero(),
            Some(_) => false,
        };
        let is_nothing = |field: &str| match field {
            CREDITED => self.credited.minor_units() == 0,
            REFUNDED => self.refunded.minor_units() == 0,
            DISPUTED => !self.is_disputed,
            _ => false,
        };
        let mut differences = self.update().differences(opportunity);
        differences.retain(|field| !(is_nothing(field) && is_blank(field)));
        differences
    }
}

#[cfg(test)]
mod tests {
    use domain::Currency;

    use super::*;

    fn standing(status: &str, credited: i64, refunded: i64, is_disputed: bool) -> InvoiceStanding {
        let money = |minor_units| Money::from_minor_units(minor_units, Currency::parse("EUR").expect("valid"));
        InvoiceStanding {
            invoice_id: InvoiceId::parse("in_1").expect("valid"),
            opportunity_id: OpportunityId::parse("006000000000001AAA").expect("valid"),
            status: status.to_owned(),
            credited: money(credited),
            refunded: money(refunded),
            is_disputed,
        }
    }

    fn number(text: &str) -> FieldValue {
        FieldValue::Number(text.parse().expect("a number"))
    }

    #[test]
    fn it_is_written_where_the_opportunity_names_it_and_never_over_a_payment() {
        let named = || (INVOICE_ID, Filter::Is("in_1".into()));
        let update = standing("overdue", 150, 0, false).update();
        assert_eq!(update.only_where, [named(), (PAID, Filter::IsFalseOrNot(INVOICE_STATUS, "paid"))]);
        let fields = [
            (INVOICE_STATUS, text("overdue")),
            (CREDITED, number("1.50")),
            (REFUNDED, number("0.00")),
            (DISPUTED, FieldValue::Boolean(false)),
        ];
        assert!(update.fields == fields.into());
        assert_eq!(standing("paid", 0, 0, false).update().only_where, [named()]);
    }

    #[test]
    fn what_is_told_is_not_told_again() {
        let record = |fields: &[(&str, FieldValue)]| {
            let mut record = Record::default();
            fields.iter().for_each(|(path, value)| record.set(*path, value.clone()));
            record
        };
        let (open, paid) = ((INVOICE_STATUS, text("open")), (INVOICE_STATUS, text("paid")));
        for (standing, fields, differences) in [
            (standing("open", 0, 0, false), vec![], vec![INVOICE_STATUS]),
            (standing("open", 0, 0, false), vec![open.clone()], vec![]),
            (standing("open", 0, 0, false), vec![open.clone(), (CREDITED, number("0"))], vec![]),
            (standing("open", 0, 0, false), vec![open.clone(), (CREDITED, number("2"))], vec![CREDITED]),
            (standing("paid", 0, 0, false), vec![open], vec![INVOICE_STATUS]),
            (standing("paid", 0, 250, false), vec![paid.clone(), (REFUNDED, number("2.5"))], vec![]),
            (standing("paid", 0, 250, true), vec![paid.clone()], vec![REFUNDED, DISPUTED]),
            (standing("paid", 0, 0, false), vec![paid, (DISPUTED, FieldValue::Boolean(true))], vec![DISPUTED]),
        ] {
            let mut found = standing.differences(&record(&fields));
            found.sort_by_key(|field| SHOWN.iter().position(|shown| shown == field));
            assert_eq!(found, differences, "{standing:?} {fields:?}");
        }
    }
}
