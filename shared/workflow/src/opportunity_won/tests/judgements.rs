//! The small decisions, each in a table.

use rust_decimal::Decimal;

use super::*;
use crate::Pricing;
use crate::opportunity_won::draft::{agreed, has_batch};
use crate::opportunity_won::{gate, judge};

#[test]
fn batches_end_with_the_lines() {
    for (count, batch, expected) in
        [(0, 0, false), (1, 0, true), (100, 0, true), (100, 1, false), (101, 1, true), (200, 2, false), (250, 2, true)]
    {
        assert_eq!(has_batch(count, batch), expected, "{count} {batch}");
    }
}

/// A price for one, where it is exact within twelve decimals of a minor unit; else the line as a whole.
#[test]
fn an_agreed_amount_is_a_price_for_one_where_it_divides() {
    let product_id = domain::ProductId::parse("prod_1").expect("valid");
    for (amount, quantity, unit_amount) in [
        (1000, "1", Some("1000")),
        (1000, "4", Some("250")),
        (999, "2", Some("499.5")),
        (1000, "3", None),
        (1000, "0.5", Some("2000")),
        (1000, "2.5", Some("400")),
        (1, "4096", Some("0.000244140625")),
        (1, "8192", None),
        (7, "0.3", None),
    ] {
        let whole = Money::from_minor_units(amount, Currency::parse("EUR").expect("valid"));
        let quantity: Decimal = quantity.parse().expect("valid");
        let pricing = agreed(whole, quantity, product_id.clone());
        let product_id = product_id.clone();
        assert_eq!(
            pricing,
            match unit_amount {
                Some(unit) => Pricing::Agreed { product_id, unit_amount: unit.parse().expect("valid") },
                None => Pricing::AgreedForAll { product_id, amount: whole },
            },
            "{amount} for {quantity}"
        );
    }
}

#[test]
fn only_an_empty_draft_that_nobody_else_finalizes_is_filled() {
    let draft = draft(1);
    let empty = || seen(InvoiceStatus::Draft, 0, 0);
    assert!(gate::is_our_empty_draft(&draft, &empty()));
    for other in [
        seen(InvoiceStatus::Open, 0, 0),
        seen(InvoiceStatus::Draft, 1, 1000),
        InvoiceSeen { auto_advance: true, ..empty() },
        InvoiceSeen { currency: Currency::parse("USD").expect("valid"), ..empty() },
    ] {
        assert!(!gate::is_our_empty_draft(&draft, &other), "{other:?}");
    }
}

#[test]
fn the_customer_is_the_one_that_salesforce_means() {
    let id = |id: &str| CustomerId::parse(id).expect("valid");
    for (named, gone, expected) in [
        (None, None, "customer_known unlinked"),
        (Some("cus_1"), None, "customer_known linked"),
        (Some("cus_2"), None, "named_otherwise"),
        // The named one is known to be gone: it is written over.
        (Some("cus_2"), Some("cus_2"), "customer_known unlinked"),
        (Some("cus_2"), Some("cus_3"), "named_otherwise"),
        (None, Some("cus_2"), "customer_known unlinked"),
        (None, Some("cus_1"), "stopped"),
        (Some("cus_1"), Some("cus_1"), "stopped"),
    ] {
        let point = customer::known(draft(1).plan, id("cus_1"), false, named.map(id), gone.map(id), Basket::default());
        let found = match &point {
            Point::CustomerKnown { account_is_linked: true, .. } => "customer_known linked",
            Point::CustomerKnown { .. } => "customer_known unlinked",
            point => point.name(),
        };
        assert_eq!(found, expected, "{named:?} {gone:?}");
        let settled = Some(id("cus_1")).filter(|_| found.starts_with("customer_known"));
        assert_eq!(point.customer_id(), settled.as_ref());
    }
}

#[test]
fn an_opportunity_that_names_another_invoice_is_not_billed_by_this_one() {
    for (named, expected) in [(None, true), (Some(INVOICE), true), (Some("in_other"), false)] {
        let mut opportunity = deal(1).opportunity;
        opportunity.set("Stripe_Invoice_Id__c", named.map_or(FieldValue::Null, text));
        assert_eq!(judge::names_only(&opportunity, &draft(1)), expected, "{named:?}");
    }
}

#[test]
fn what_salesforce_holds_already_is_not_written_again() {
    let invoice = || draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000));
    let held = |url: &str| {
        let mut record = Record::default();
        for (path, value) in [
            ("Stripe_Customer_Id__c", "cus_1"),
            ("Stripe_Invoice_Id__c", INVOICE),
            ("Stripe_Invoice_URL__c", url),
            ("Stripe_Invoice_PDF__c", "https://invoice.example/1.pdf"),
            ("Account.Stripe_Customer_Id__c", "cus_1"),
        ] {
            record.set(path, text(value));
        }
        record
    };
    assert_eq!(written::verified(invoice(), &held("https://invoice.example/1")).name(), "revisiting");
    assert_eq!(written::verified(invoice(), &held("")).name(), "sent");
    assert_eq!(written::verified(invoice(), &Record::default()).name(), "sent");
    let mut other = held("https://invoice.example/1");
    other.set("Stripe_Invoice_Id__c", text("in_other"));
    assert_eq!(written::verified(invoice(), &other).stop().map(|stop| stop.code), Some(Code::AlreadyBilled));
}

/// An edit that leaves the amounts as they are changes nothing about what was billed.
#[test]
fn a_billed_deal_is_another_one_when_its_amounts_are() {
    let changed = Some(Code::DealChangedAfterBilling);
    for (path, value, expected) in [
        ("StageName", text("Closed Won"), None),
        ("StageName", text("Negotiation"), changed),
        ("Type", text("Renewal"), changed),
        ("Amount", number(20), changed),
        ("Amount", FieldValue::Null, changed),
        // It could not be billed today, and comes to what was billed.
        ("Account.Billing_Email__c", FieldValue::Null, None),
    ] {
        let mut deal = deal(1);
        deal.opportunity.set(path, value);
        let invoice = draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000));
        let point = judge::revisited(invoice, &deal, &settings());
        assert_eq!(point.stop().map(|stop| stop.code), expected, "{path}");
    }
    let mut deal = deal(1);
    deal.opportunity.set("Amount", number(20));
    deal.opportunity.set("Account.Billing_Email__c", FieldValue::Null);
    let invoice = draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000));
    assert_eq!(judge::revisited(invoice, &deal, &settings()).stop().map(|stop| stop.code), changed);
}

/// A draft whose making was interrupted may be of an older deal.
#[test]
fn a_draft_that_was_found_again_is_compared_before_it_is_filled() {
    for (interrupted, expected) in [(false, "drafted"), (true, "comparing")] {
        let Draft { plan, customer_id, .. } = draft(1);
        let known = Point::CustomerKnown {
            is_apart: false,
            plan,
            customer_id,
            account_is_linked: false,
            interrupted,
            basket: Basket::default(),
            is_charged: None,
        };
        let point = known.record(Fact::InvoiceRead(seen(InvoiceStatus::Draft, 0, 0)), &settings()).expect("in order");
        assert_eq!(point.name(), expected);
    }
}

#[test]
fn a_negotiated_deal_whose_lines_are_all_seen_is_equal() {
    let mut draft = draft(3);
    draft.plan.lines[0].negotiated = true;
    assert_eq!(gate::compare(&draft, &seen(InvoiceStatus::Draft, 3, 1000)), gate::Gate::Equal);
    assert_eq!(gate::compare(&draft, &seen(InvoiceStatus::Draft, 2, 1500)), gate::Gate::Different);
    let more = InvoiceSeen { has_more_lines: true, ..seen(InvoiceStatus::Draft, 3, 1000) };
    assert_eq!(gate::compare(&draft, &more), gate::Gate::LinesHidden);
}

/// A draft that is gone takes its keys with it, and the customer stays.
#[test]
fn a_run_whose_draft_is_gone_begins_again_with_other_keys() {
    for (point, fact) in [
        (Point::Abandoning { draft: draft(1), stop: None }, Fact::DraftDeleted),
        (Point::Checking { draft: draft(1), stage: Stage::Lines { batch: 0 }, refused: None }, Fact::InvoiceMissing),
    ] {
        let mut run = run(point);
        assert_eq!(run.invoice_id().map(InvoiceId::as_str), Some(INVOICE));
        run.intents.insert(Operation::CreateCustomer, intent(None));
        run.intents.insert(Operation::CreateInvoice, intent(None));
        let run = run.record(fact, &settings()).expect("in order");
        assert_eq!((run.point(), run.invoice_id()), ("claimed", None));
        assert_eq!(run.intents.into_keys().collect::<Vec<_>>(), [Operation::CreateCustomer]);
        assert_eq!(run.generations.get(&Operation::CreateInvoice), Some(&1));
    }
}

/// Support asks a stopped run whom it bills.
#[test]
fn a_run_that_stands_still_goes_on_saying_whom_it_bills() {
    let point = Point::Ready { draft: draft(1), interrupted: false }.stopped(Stop::review(Code::NotPaid, "."));
    assert_eq!(point.customer_id().map(CustomerId::as_str), Some("cus_1"));
    let sent = Point::Sent { invoice: draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000)), interrupted: false };
    let total = draft(1).plan.total;
    assert_eq!((sent.billed(), claimed().billed()), (Some((total, total)), None));
    assert_eq!(sent.stopped(Stop::review(Code::NotPaid, ".")).billed(), Some((total, total)));
}

/// An invoice of the deal's own that was sent to another customer, after a restore, stays with whom it was sent to.
#[test]
fn what_was_sent_is_billed_to_whom_it_was_sent() {
    let id = |id: &str| CustomerId::parse(id).expect("valid");
    for (status, to, expected) in [
        (InvoiceStatus::Open, "cus_2", ("cus_2", true)),
        (InvoiceStatus::Paid, "cus_2", ("cus_2", true)),
        (InvoiceStatus::Open, "cus_1", ("cus_1", false)),
        (InvoiceStatus::Draft, "cus_2", ("cus_1", false)),
        // A subscription lives with its customer.
        (InvoiceStatus::Draft, "cus_2 by its subscription", ("cus_2", true)),
    ] {
        let (to, subscription_id) = match to.split_once(' ') {
            None => (to, None),
            Some((to, _)) => (to, SubscriptionId::parse("sub_1").ok()),
        };
        let invoice = InvoiceSeen { customer_id: Some(id(to)), subscription_id, ..seen(status, 1, 1000) };
        let (customer_id, account_is_linked) = subscription::billed_to(&invoice, id("cus_1"), false);
        assert_eq!((customer_id.as_str(), account_is_linked), expected, "{status:?} {to}");
    }
}

/// A note that Salesforce put back says nothing of the next one; what else it did not keep it will not keep again.
#[test]
fn of_what_was_not_kept_notes_are_forgotten() {
    let fields = ["Stripe_Invoice_Id__c", mapping::NOTE_CODE, mapping::NOTE_MESSAGE].map(str::to_owned);
    assert_eq!(written::but_notes(fields.to_vec()), ["Stripe_Invoice_Id__c"]);
}
