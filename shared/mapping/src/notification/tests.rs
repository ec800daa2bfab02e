use domain::{Currency, FieldValue};
use jiff::Timestamp;

use super::*;
use crate::{Code, Dues};

fn policy() -> Notifications {
    Notifications::of_everything(vec![Channel::Slack], "https://acme.my.salesforce.com", true)
}

fn money(minor_units: i64) -> Money {
    Money::from_minor_units(minor_units, Currency::parse("EUR").expect("valid"))
}

fn opportunity_id() -> OpportunityId {
    OpportunityId::parse("006000000000001AAA").expect("valid")
}

fn deal() -> Record {
    let mut deal = Record::default();
    for (field, value) in [("Name", "Twelve seats"), ("Account.Name", "Acme"), ("Owner.Name", "Olga Owner")] {
        deal.set(field, FieldValue::Text(value.into()));
    }
    deal
}

fn won(invoice: bool, subscription: bool) -> Tidings {
    Tidings::Won {
        opportunity_id: opportunity_id(),
        total: Some(money(120_000)),
        billed: Some(money(10_000)),
        invoice_id: invoice.then(|| InvoiceId::parse("in_1").expect("valid")),
        subscription_id: subscription.then(|| SubscriptionId::parse("sub_1").expect("valid")),
    }
}

fn said(tidings: &Tidings, deal: Option<&Record>) -> Message {
    tidings.message("about", deal, false, &policy()).expect("there is something to say")
}

fn pairs(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn a_win_says_what_was_sent_and_where_it_is() {
    let message = said(&won(true, true), Some(&deal()));
    assert_eq!(message.title, "Subscription begun, first invoice sent: Twelve seats");
    let facts = [("Deal", "1200.00 EUR"), ("Invoice", "100.00 EUR"), ("Account", "Acme"), ("Owner", "Olga Owner")];
    assert_eq!(pairs(&message.facts), facts);
    let links = [
        ("Opportunity", "https://acme.my.salesforce.com/006000000000001AAA"),
        ("Invoice at Stripe", "https://dashboard.stripe.com/invoices/in_1"),
        ("Subscription at Stripe", "https://dashboard.stripe.com/subscriptions/sub_1"),
    ];
    assert_eq!(pairs(&message.links), links);
    assert_eq!(message.footer(), "Closedwon: about.");
    assert_eq!(said(&won(true, false), None).title, "Invoice sent: 006000000000001AAA");
    assert_eq!(said(&won(false, true), None).title, "Subscription renewed: 006000000000001AAA");
}

#[test]
fn a_stop_says_why_and_whose_turn_it_is() {
    let stopped = |subject: &str, stop: Stop| Tidings::Stopped {
        opportunity_id: subject.starts_with("006").then(opportunity_id),
        subject: subject.to_owned(),
        total: subject.starts_with("006").then(|| money(5_000)),
        invoice_id: None,
        stop: Box::new(stop),
    };
    let refused = stopped("006000000000001AAA", Stop::refused(Code::NoLines, "The deal has no products."));
    let message = said(&refused, Some(&deal()));
    assert_eq!(
        (message.title.as_str(), message.text.as_deref()),
        ("Not billed: Twelve seats", Some("The deal has no products."))
    );
    let facts = pairs(&message.facts);
    assert!(facts.contains(&("Code", "no_lines")) && facts.contains(&("What mends it", Code::NoLines.remedy())));
    assert!(facts.contains(&("Deal", "50.00 EUR")), "{facts:?}");
    assert!(facts.contains(&("Whose turn it is", "sales")), "{facts:?}");
    let account = said(&stopped("001000000000001AAA", Stop::refused(Code::TaxIdInvalid, "Mend it.")), None);
    assert_eq!(account.title, "Not told to Stripe: 001000000000001AAA");
    assert_eq!(pairs(&account.links), [("Account", "https://acme.my.salesforce.com/001000000000001AAA")]);
    let paid = stopped("in_1", Stop::review(Code::InvoiceNotLinked, "Decide."));
    let message = said(&paid, None);
    assert_eq!(message.title, "Please decide: in_1");
    assert_eq!(pairs(&message.links), [("Invoice at Stripe", "https://dashboard.stripe.com/invoices/in_1")]);
}

/// Whoever has the hosted page's address can see the invoice, and pay it.
#[test]
fn a_failure_says_everything_but_the_pages_address() {
    let failure = Failure {
        invoice_id: InvoiceId::parse("in_1").expect("valid"),
        opportunity_id: opportunity_id(),
        dues: Dues::Open,
        remaining: money(7_000),
        attempts: 1,
        next_attempt: Some(Timestamp::UNIX_EPOCH),
        number: Some("ACME-1".into()),
        page: Some("https://invoice.stripe.com/i/secret".into()),
        reason: Some("card_declined".into()),
        due_on: None,
        remark: None,
    };
    let message = said(&Tidings::unpaid(failure), Some(&deal()));
    assert_eq!(message.title, "Payment failed: Twelve seats");
    let text = message.text.as_deref().expect("a text");
    assert!(text.contains("70.00 EUR") && text.contains("card_declined") && text.contains("The next is on"), "{text}");
    assert!(!format!("{text}{:?}{:?}", message.facts, message.links).contains("secret"));
}

#[test]
fn a_digest_says_what_both_sides_come_to() {
    let totals = |count: u64, differences: &[(&str, u64)]| Totals {
        deals: vec![(count, money(12_000))],
        invoices: vec![(count, money(12_000))],
        paid: Vec::new(),
        under_way: Vec::new(),
        later: if count > 1 { vec![(1, money(900))] } else { Vec::new() },
        differences: differences.iter().map(|(cause, count)| ((*cause).to_owned(), *count)).collect(),
    };
    let digest = |differences: &[(&str, u64)]| {
        let (day, of_day) = (jiff::civil::date(2026, 11, 28), totals(1, &[]));
        Tidings::Digest(Box::new(Digest { day, of_day, of_month: totals(3, differences) }))
    };
    let message = said(&digest(&[]), None);
    assert_eq!(message.title, "Billed and paid: 2026-11-28");
    assert_eq!(message.text.as_deref(), Some("Salesforce and Stripe agree on this month to the cent."));
    let facts = [
        ("Won, day", "1 for 120.00 EUR"),
        ("Invoiced, day", "1 for 120.00 EUR"),
        ("Paid, day", "none"),
        ("Won, month so far", "3 for 120.00 EUR"),
        ("Invoiced, month so far", "3 for 120.00 EUR"),
        ("Paid, month so far", "none"),
        ("Billed later, month so far", "1 for 9.00 EUR"),
    ];
    assert_eq!(pairs(&message.facts), facts);
    let differing = said(&digest(&[("refused:no_lines", 2), ("paid_not_marked", 1)]), None);
    let expected = "Where the two sides differ this month: 2 × refused:no_lines, 1 × paid_not_marked.";
    assert_eq!(differing.text.as_deref(), Some(expected));
}

#[test]
fn what_is_not_certain_or_not_real_says_so() {
    let test = Notifications { livemode: false, ..policy() };
    let message = won(true, false).message("won:in_1:run#1", None, true, &test).expect("something to say");
    let footer = "Closedwon: won:in_1:run#1. This may have been said before: nobody answered then. Test mode.";
    assert_eq!(message.footer(), footer);
    assert!(message.links.iter().any(|(_, url)| url == "https://dashboard.stripe.com/test/invoices/in_1"));
    let long = "x".repeat(300);
    let mut deal = deal();
    deal.set("Name", FieldValue::Text(long));
    assert_eq!(said(&won(true, false), Some(&deal)).title.chars().count(), 99);
    assert!(!format!("{:?}", said(&won(true, false), Some(&deal))).contains("xxx"), "it names nobody");
    for nothing in [Tidings::Nothing, Tidings::Failed { invoice_id: InvoiceId::parse("in_1").expect("valid") }] {
        assert_eq!(nothing.message("about", None, false, &policy()), None);
    }
}
