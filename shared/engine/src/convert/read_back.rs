//! Reading back what was written.

use mapping::{RecordQuery, Update};

/// One query for each record, however many updates are about it, since Salesforce takes five queries in a call and each condition is one; and
/// for each update which of them shows its record.
pub(crate) fn read_back(updates: &[Update]) -> (Vec<RecordQuery>, Vec<usize>) {
    let mut queries: Vec<RecordQuery> = Vec::new();
    let mut records = Vec::new();
    let mut places = Vec::new();
    for update in updates {
        let record = (update.object, update.external_id, &update.id);
        let query = update.read_back();
        match records.iter().position(|other| *other == record) {
            Some(place) => {
                let shown: &mut RecordQuery = &mut queries[place];
                let more: Vec<_> = query.fields.into_iter().filter(|field| !shown.fields.contains(field)).collect();
                shown.fields.extend(more);
                places.push(place);
            }
            None => {
                places.push(queries.len());
                records.push(record);
                queries.push(query);
            }
        }
    }
    (queries, places)
}

#[cfg(test)]
mod tests {
    use domain::{Currency, InvoiceId, Money, OpportunityId};
    use jiff::Timestamp;
    use mapping::{Amounts, Received};

    use super::*;

    /// Salesforce takes five queries in one composite call, and a condition is one: api-facts of composite.
    #[test]
    fn whatever_a_payment_writes_is_one_call() {
        let money = Money::from_minor_units(1, Currency::parse("EUR").expect("valid"));
        let received = Received {
            invoice_id: InvoiceId::parse("in_1").expect("valid"),
            opportunity_id: OpportunityId::parse("006000000000001AAA").expect("valid"),
            paid_at: Some(Timestamp::UNIX_EPOCH),
            amounts: Some(Amounts { paid: money, remaining: money }),
            stage: Some("Paid".into()),
            won_stages: vec![mapping::WON.to_owned()],
            shows_status: true,
            customer_id: None,
            is_found: false,
            ruled: Default::default(),
            undecided: None,
        };
        let updates = received.updates();
        let (queries, places) = read_back(&updates);
        let conditions = updates.iter().filter(|update| update.condition().is_some()).count();
        assert_eq!((updates.len(), conditions, queries.len(), places), (3, 3, 1, vec![0, 0, 0]));
        for field in ["Payment_Received__c", "Stripe_Invoice_Status__c", "StageName", "Id"] {
            assert_eq!(queries[0].fields.iter().filter(|shown| **shown == field).count(), 1, "{field}");
        }
    }
}
