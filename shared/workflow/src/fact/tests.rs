use super::*;

#[test]
fn a_fact_has_a_name_and_tells_nothing_else() {
    let facts = [
        (Fact::DealRead(Box::default()), "deal_read"),
        (Fact::RecordMissing, "record_missing"),
        (Fact::RecordsUpdated(vec![]), "records_updated"),
        (Fact::CustomerMissing, "customer_missing"),
        (Fact::InvoiceMissing, "invoice_missing"),
        (Fact::LinesRead(vec![]), "lines_read"),
        (Fact::DraftDeleted, "draft_deleted"),
        (Fact::Reported, "reported"),
    ];
    facts.iter().for_each(|(fact, name)| assert_eq!(fact.name(), *name));
}
