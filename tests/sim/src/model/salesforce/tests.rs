//! What the product relies on, asked of the model with the queries and updates that the product makes.

use std::collections::BTreeMap;

use domain::FieldValue;
use jiff::SignedDuration;
use salesforce::Update;
use salesforce::soql::{Literal, Op, Select};

use super::*;

mod soql;

fn at(minutes: i64) -> Timestamp {
    let start = Timestamp::from_second(1_800_000_000).expect("in range");
    start.saturating_add(SignedDuration::from_mins(minutes)).expect("in range")
}

fn id() -> OpportunityId {
    OpportunityId::parse("006gK0000000001").expect("valid")
}

fn account_id() -> AccountId {
    AccountId::parse("001gK0000000001").expect("valid")
}

/// One deal of two lines of ten euros each.
fn org() -> Salesforce {
    let mut org = Salesforce::new(true, "USD");
    org.add_account(Account {
        id: account_id(),
        name: "Acme".into(),
        billing_email: Some("ap@acme.example".into()),
        country: Some("Germany".into()),
        stripe_customer_id: None,
        customer_named_by_hand: false,
        modified: Timestamp::UNIX_EPOCH,
        emails: vec![(Timestamp::UNIX_EPOCH, "ap@acme.example".into())],
        tax_ids: vec![],
    });
    let line = |number: i64| Line {
        is_recurring: false,
        every: None,
        id: LineItemId::parse(&format!("00kgK0{number:09}")).expect("valid"),
        quantity: Decimal::ONE,
        list_price: Some(Decimal::TEN),
        total: Some(Decimal::TEN),
        product: "Support".into(),
        price: Some("price_1".into()),
    };
    org.add_opportunity(Opportunity {
        subscription_id: None,
        mrr: None,
        renewal_id: None,
        cancel_on: None,
        standing: crate::model::salesforce::Standing::default(),
        invoice_standing: crate::model::salesforce::InvoiceStanding::default(),
        contract_names: Default::default(),
        term: None,
        contract: Contract::NotNeeded,
        id: id(),
        account_id: Some(account_id()),
        stage: "Closed Won".into(),
        kind: None,
        amount: Some(Decimal::from(20)),
        currency: "EUR".into(),
        lines: vec![line(1), line(2)],
        contact_email: Some("kim@acme.example".into()),
        customer_id: None,
        invoice_id: None,
        invoice_url: None,
        invoice_pdf: None,
        sync_code: None,
        sync_message: None,
        approved_amount: None,
        most_approved: None,
        payment_received: false,
        paid_date: None,
        amount_paid: None,
        amount_remaining: None,
        is_deleted: false,
        automation: Automation::None,
        modified: at(0),
        stage_since: at(0),
        our_writes: 0,
        idle_writes: 0,
        note_sent: None,
        note_is_late: false,
        changes_by_people: 0,
        invoice_named_by_hand: false,
        readings: Vec::new(),
    });
    org
}

fn text(value: &str) -> FieldValue {
    FieldValue::Text(value.to_owned())
}

fn update(field: &str, value: FieldValue) -> Update {
    let fields = BTreeMap::from([(field.to_owned(), value)]);
    Update { object: "Opportunity".into(), id: id().to_string(), fields, external_id: None, only_where: None }
}

fn named(org: &Salesforce) -> Option<&str> {
    org.opportunity(&id()).and_then(|opportunity| opportunity.invoice_id.as_deref())
}

fn rules(org: &Salesforce) -> Vec<&'static str> {
    org.violations.iter().map(|violation| violation.rule).collect()
}

#[test]
fn the_deals_own_queries_are_understood() {
    let mut org = org();
    // The product's queries, in the words of its own SOQL builder.
    let settings = mapping::Settings {
        multi_currency: true,
        ..mapping::Settings::new(domain::Currency::parse("USD").expect("valid"))
    };
    let queries = mapping::deal_queries(&id(), &settings).into_iter();
    let queries: Vec<_> = queries
        .map(|query| {
            let mut select = Select::from(query.object).fields(&query.fields);
            for (field, filter) in &query.filter {
                let literal = match filter {
                    mapping::Filter::Is(text) => Literal::Text(text.clone()),
                    mapping::Filter::IsTrue => Literal::Boolean(true),
                    mapping::Filter::IsFalse => Literal::Boolean(false),
                    other => panic!("a deal's queries have no {other:?}"),
                };
                select = select.filter(field, Op::Eq, literal);
            }
            let select = query.order_by.iter().fold(select, |select, field| select.order_by(field));
            query.limit.map_or(select.clone(), |limit| select.limit(limit)).to_string()
        })
        .collect();
    let answers = org.read(at(1), &queries).expect("understood");
    let lengths: Vec<_> = answers.iter().map(Vec::len).collect();
    assert_eq!(lengths, [1, 2, 1]);
    assert_eq!(answers[0][0].text("Account.Name"), Some("Acme"));
    assert_eq!(answers[0][0].number("Amount"), Some(Decimal::from(20)));
    assert_eq!(answers[2][0].text("Contact.Email"), Some("kim@acme.example"));
    let reading = org.opportunity(&id()).map(|opportunity| opportunity.readings.clone()).unwrap_or_default();
    let bill = reading[0].1.bill().expect("billable");
    assert_eq!((reading.len(), bill.total, bill.lines.len()), (1, 2000, 2));
    assert!(org.edit(at(2), &id(), |deal| deal.is_deleted = true));
    assert_eq!(org.read(at(3), &queries).map(|answers| answers.iter().map(Vec::len).sum()), Ok(0usize));
    assert_eq!((rules(&org), org.calls), (vec![], 2));
}

#[test]
fn a_write_is_all_or_none_and_is_read_back() {
    let mut org = org();
    let account = Update {
        object: "Account".into(),
        id: account_id().to_string(),
        fields: BTreeMap::from([("Stripe_Customer_Id__c".to_owned(), text("cus_1"))]),
        external_id: None,
        only_where: None,
    };
    let read_back = format!("SELECT Stripe_Invoice_Id__c FROM Opportunity WHERE Id = '{}' LIMIT 1", id());
    let unknown = Update { id: "001gK0000000009".into(), ..account.clone() };
    let invoice = update("Stripe_Invoice_Id__c", text("in_1"));
    let refused = org.write(at(1), &[invoice.clone(), unknown], &[]);
    assert!(matches!(refused, Err(Error::Refused(refusal)) if refusal.status == 404));
    assert_eq!(named(&org), None, "none of it");
    let answers = org.write(at(2), &[invoice, account], std::slice::from_ref(&read_back)).expect("written");
    assert_eq!(answers[0][0].text("Stripe_Invoice_Id__c"), Some("in_1"));
    assert_eq!(org.account(&account_id()).and_then(|account| account.stripe_customer_id.as_deref()), Some("cus_1"));
    let events: Vec<_> = org.take_events().into_iter().map(|event| (event.at, event.is_ours)).collect();
    assert_eq!(events, [(at(2), true)]);
}

#[test]
fn only_fields_of_ours_are_written_and_only_what_they_take() {
    for (field, value) in [
        ("StageName", text("Closed Lost")),
        ("Amount", FieldValue::Number(Decimal::ONE)),
        ("Payment_Received__c", text("true")),
        ("Paid_Date__c", text("tomorrow")),
        ("Stripe_Invoice_Id__c", FieldValue::Number(Decimal::ONE)),
        ("Stripe_Sync_Error__c", text(&"x".repeat(2001))),
    ] {
        let mut org = org();
        assert!(org.write(at(1), &[update(field, value)], &[]).is_err(), "{field}");
        assert_eq!(rules(&org), ["only_our_fields_are_written"], "{field}");
    }
}

#[test]
fn what_must_never_be_written_is_seen() {
    type Case = (&'static str, FieldValue, FieldValue, &'static [&'static str]);
    let cases: [Case; 5] = [
        ("Stripe_Invoice_Id__c", text("in_1"), text("in_2"), &["a_named_invoice_is_never_replaced"]),
        ("Stripe_Invoice_Id__c", text("in_1"), FieldValue::Null, &["a_named_invoice_is_never_replaced"]),
        ("Stripe_Invoice_Id__c", text("in_1"), text("in_1"), &[]),
        (
            "Payment_Received__c",
            FieldValue::Boolean(true),
            FieldValue::Boolean(false),
            &["a_payment_is_never_taken_back"],
        ),
        ("Payment_Received__c", FieldValue::Boolean(false), FieldValue::Boolean(true), &[]),
    ];
    for (field, first, second, expected) in cases {
        let mut org = org();
        for value in [first, second] {
            org.write(at(1), &[update(field, value)], &[]).expect("written");
        }
        assert_eq!(rules(&org), expected, "{field}");
    }
}

#[test]
fn an_organizations_automation_has_its_say() {
    let mut org = org();
    let url = update("Stripe_Invoice_URL__c", text("https://invoice.example/1"));
    assert!(org.edit(at(1), &id(), |deal| deal.automation = Automation::DropsLink));
    assert!(org.write(at(2), std::slice::from_ref(&url), &[]).is_ok());
    assert_eq!(org.opportunity(&id()).and_then(|deal| deal.invoice_url.clone()), None);
    assert!(org.edit(at(3), &id(), |deal| deal.automation = Automation::Refuses));
    let refused = org.write(at(4), &[url], &[]);
    assert!(
        matches!(refused, Err(Error::Refused(refusal)) if refusal.error_code == "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    );
}

#[test]
fn people_change_lines_and_the_amount_follows() {
    let mut org = org();
    assert!(org.edit_lines(at(1), &id(), |deal| deal.lines[0].total = Some(Decimal::from(7))));
    let deal = org.opportunity(&id()).cloned().expect("there");
    assert_eq!((deal.amount, deal.changes_by_people, deal.modified), (Some(Decimal::from(17)), 1, at(1)));
    assert_eq!(org.judge(&deal).bill().map(|bill| bill.total), Some(1700));
    let ours: Vec<_> = org.take_events().into_iter().map(|event| event.is_ours).collect();
    assert_eq!(ours, [false]);
}

#[test]
fn a_bill_is_worked_out_to_the_minor_unit_or_not_at_all() {
    type Change = fn(&mut Opportunity);
    let cases: [(Change, Option<i64>, bool); 9] = [
        (|_| {}, Some(2000), true),
        (|deal| deal.stage = "Negotiation".into(), None, false),
        (|deal| deal.kind = Some("Renewal".into()), None, false),
        (|deal| deal.amount = Some(Decimal::ZERO), None, false),
        (|deal| deal.amount = None, None, false),
        (|deal| deal.amount = Some(Decimal::from(21)), None, true),
        (|deal| deal.lines.clear(), None, true),
        (|deal| deal.currency = "JPY".into(), Some(20), true),
        (|deal| deal.lines[0].price = Some("prod_1".into()), None, true),
    ];
    for (number, (change, total, is_asked)) in cases.into_iter().enumerate() {
        let mut org = org();
        assert!(org.edit(at(1), &id(), change));
        let deal = org.opportunity(&id()).cloned().expect("there");
        let judgement = org.judge(&deal);
        assert_eq!(judgement.bill().map(|bill| bill.total), total, "case {number}");
        assert_eq!(judgement != Judgement::NotAsked, is_asked, "case {number}");
    }
}
