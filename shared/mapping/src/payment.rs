//! What an opportunity says of its payment.

use domain::{FieldValue, InvoiceId, OpportunityId};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::update::{INVOICE_ID, Update, text};

/// Whether it is paid. What was paid by another way a person may tick by hand.
pub const PAID: &str = "Payment_Received__c";
pub const PAID_ON: &str = "Paid_Date__c";

/// The payment, on the opportunity. `Paid_Date__c` is a date; it is the day in UTC, whatever the user's time zone.
///
/// Where another invoice may take the place of one that is paid, the write names the invoice that is meant: one that comes late, from
/// a process that stood still, must not say of the new one that it is paid.
pub fn mark_paid(opportunity_id: &OpportunityId, paid_at: Timestamp, named: Option<&InvoiceId>) -> Update {
    let day = TimeZone::UTC.to_datetime(paid_at).date();
    let fields = [(PAID, FieldValue::Boolean(true)), (PAID_ON, text(day))];
    let mut update = Update::new("Opportunity", opportunity_id, fields);
    update.fields.extend(named.map(|invoice_id| (INVOICE_ID, text(invoice_id))));
    update
}

/// What was paid by the invoice before is a credit of the customer's by now; whether the one in its place is paid, its own payment says.
/// It belongs into the write that names the new one: whoever sees the one sees the other.
pub fn unpaid(mut updates: Vec<Update>) -> Vec<Update> {
    if let Some(opportunity) = updates.iter_mut().find(|update| update.object == "Opportunity") {
        opportunity.fields.insert(PAID, FieldValue::Boolean(false));
        opportunity.fields.insert(PAID_ON, FieldValue::Null);
    }
    updates
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn opportunity_id() -> OpportunityId {
        OpportunityId::parse("006000000000001AAA").expect("valid")
    }

    #[test]
    fn a_payment_has_its_day_in_utc() {
        let paid_at = "2026-11-25T23:59:59Z".parse().expect("a time");
        let paid = mark_paid(&opportunity_id(), paid_at, None);
        let fields = [(PAID_ON, text("2026-11-25")), (PAID, FieldValue::Boolean(true))];
        assert!(paid.fields == BTreeMap::from(fields.clone()));
        let invoice_id = InvoiceId::parse("in_1").expect("valid");
        let named = mark_paid(&opportunity_id(), paid_at, Some(&invoice_id));
        let fields = fields.into_iter().chain([("Stripe_Invoice_Id__c", text("in_1"))]);
        assert!(named.fields == fields.collect::<BTreeMap<_, _>>());
    }

    #[test]
    fn what_is_not_paid_any_more_says_so_on_the_opportunity_alone() {
        let account = Update::new("Account", "001000000000001AAA", [("Stripe_Customer_Id__c", text("cus_1"))]);
        let opportunity = Update::new("Opportunity", opportunity_id(), [(INVOICE_ID, text("in_2"))]);
        let written = unpaid(vec![account.clone(), opportunity]);
        assert!(written[0] == account);
        let fields = [(INVOICE_ID, text("in_2")), (PAID, FieldValue::Boolean(false)), (PAID_ON, FieldValue::Null)];
        assert!(written[1].fields == BTreeMap::from(fields));
    }
}
