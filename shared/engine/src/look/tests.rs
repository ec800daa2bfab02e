use domain::SubscriptionId;
use stripe::InvoiceStatus;

use super::*;
use crate::samples::{self, invoice, invoice_id, money, organization_id, scope};

const RUN: &str = "opportunity_won:00D000000000001EAA:006000000000001AAA";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

/// By whom it was made: this run, another run of this deployment, the same run of another deployment, or a person.
fn made_by(whom: &str) -> BTreeMap<String, String> {
    let (environment, run) = match whom {
        "us" => ("test", RUN),
        "another run" => ("test", "opportunity_won:00D000000000001EAA:006000000000002AAA"),
        "another deployment" => ("staging", RUN),
        _ => return BTreeMap::new(),
    };
    let organization_id = organization_id();
    let entries = [
        ("closedwon_environment", environment),
        ("sf_organization_id", organization_id.as_str()),
        ("closedwon_run", run),
    ];
    entries.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn customer(id: &str, created: i64, whom: &str, deleted: bool) -> stripe::Customer {
    let id = domain::CustomerId::parse(id).expect("valid");
    stripe::Customer { id, deleted, metadata: made_by(whom), created: at(created) }
}

fn found(id: &str, created: i64, whom: &str, status: InvoiceStatus) -> stripe::Invoice {
    stripe::Invoice { metadata: made_by(whom), ..invoice(invoice_id(id), status, money(1000, "EUR"), at(created)) }
}

fn subscription(
    id: &str,
    created: i64,
    whom: &str,
    is_over: bool,
    first: Option<InvoiceStatus>,
) -> stripe::Subscription {
    stripe::Subscription {
        is_over,
        created: at(created),
        latest_invoice: first.map(|status| Box::new(found("in_first", created, whom, status))),
        ..samples::subscription(id, made_by(whom))
    }
}

/// Whatever else was made in those hours is somebody else's.
#[test]
fn only_what_this_run_of_this_deployment_made_is_its_effect() {
    let scope = scope();
    let maker = Maker { scope: &scope, run: RUN.into() };
    for whom in ["us", "another run", "another deployment", "a person"] {
        let is_ours = whom == "us";
        assert_eq!(maker.customer(vec![customer("cus_1", 5, whom, false)]).is_some(), is_ours, "customer of {whom}");
        let invoice = found("in_1", 5, whom, InvoiceStatus::Draft);
        assert_eq!(maker.invoice(vec![invoice]).is_some(), is_ours, "invoice of {whom}");
        for is_over in [false, true] {
            let one = subscription("sub_1", 5, whom, is_over, Some(InvoiceStatus::Open));
            assert_eq!(maker.subscription(vec![one]).is_some(), is_ours, "subscription of {whom}, over: {is_over}");
        }
    }
}

#[test]
fn of_several_customers_the_oldest_that_is_there_is_taken() {
    let scope = scope();
    let maker = Maker { scope: &scope, run: RUN.into() };
    let all = vec![
        customer("cus_gone", 1, "us", true),
        customer("cus_theirs", 2, "a person", false),
        customer("cus_b", 3, "us", false),
        customer("cus_a", 3, "us", false),
        customer("cus_0", 4, "us", false),
    ];
    assert_eq!(maker.customer(all).map(|customer| customer.id.to_string()).as_deref(), Some("cus_a"));
    assert_eq!(maker.customer(vec![customer("cus_gone", 1, "us", true)]), None);
}

#[test]
fn of_several_invoices_one_that_the_customer_has_is_taken_before_any_draft() {
    let scope = scope();
    let maker = Maker { scope: &scope, run: RUN.into() };
    let chosen = |all: Vec<stripe::Invoice>| maker.invoice(all).map(|invoice| invoice.id.to_string());
    let draft = |id, created| found(id, created, "us", InvoiceStatus::Draft);
    let of_subscription = |status| {
        let subscription = Some(SubscriptionId::parse("sub_1").expect("valid"));
        stripe::Invoice { subscription, ..found("in_0", 0, "us", status) }
    };
    for status in [InvoiceStatus::Open, InvoiceStatus::Paid, InvoiceStatus::Uncollectible, InvoiceStatus::Other] {
        let all = vec![draft("in_1", 1), found("in_2", 2, "us", status), found("in_3", 3, "us", status)];
        assert_eq!(chosen(all).as_deref(), Some("in_2"), "{status:?}");
        assert_eq!(chosen(vec![of_subscription(status)]), None, "a subscription made it: {status:?}");
    }
    assert_eq!(chosen(vec![draft("in_3", 2), draft("in_2", 1), draft("in_1", 1)]).as_deref(), Some("in_1"));
    let void = found("in_1", 1, "us", InvoiceStatus::Void);
    assert_eq!(chosen(vec![void.clone(), draft("in_2", 2)]).as_deref(), Some("in_2"), "what is void bills nothing");
    assert_eq!(chosen(vec![void, of_subscription(InvoiceStatus::Draft)]), None);
    // What a person credited may have another in its place, and bills its deal if it has none.
    let credited = || {
        let paid = found("in_1", 1, "us", InvoiceStatus::Paid);
        stripe::Invoice { credited_after: paid.total, ..paid }
    };
    assert_eq!(chosen(vec![credited(), found("in_2", 2, "us", InvoiceStatus::Open)]).as_deref(), Some("in_2"));
    assert_eq!(chosen(vec![credited(), draft("in_2", 2)]).as_deref(), Some("in_2"));
    assert_eq!(chosen(vec![credited()]).as_deref(), Some("in_1"));
}

#[test]
fn of_several_subscriptions_one_that_bills_is_taken_and_one_that_is_over_only_for_its_invoice() {
    let scope = scope();
    let maker = Maker { scope: &scope, run: RUN.into() };
    let chosen = |all: Vec<stripe::Subscription>| maker.subscription(all).map(|one| one.id.to_string());
    let one = |id, created, is_over, first| subscription(id, created, "us", is_over, first);
    let sent = Some(InvoiceStatus::Paid);
    let all = vec![one("sub_over", 1, true, sent), one("sub_b", 2, false, None), one("sub_a", 2, false, None)];
    assert_eq!(chosen(all).as_deref(), Some("sub_a"));
    for (first, is_taken) in [
        (None, false),
        (Some(InvoiceStatus::Draft), false),
        (Some(InvoiceStatus::Void), false),
        (Some(InvoiceStatus::Open), true),
        (sent, true),
    ] {
        assert_eq!(chosen(vec![one("sub_over", 1, true, first)]).is_some(), is_taken, "over, with {first:?}");
        assert!(chosen(vec![one("sub_1", 1, false, first)]).is_some(), "it bills, with {first:?}");
        let run_out = stripe::Subscription { has_run_out: true, ..one("sub_over", 1, true, first) };
        let is_taken = is_taken || first == Some(InvoiceStatus::Draft);
        assert_eq!(chosen(vec![run_out]).is_some(), is_taken, "ended with its term, with {first:?}");
    }
}

/// What the ledger has an intent for was made for the customer that it names.
#[test]
fn the_customer_may_be_another_one_after_a_restore() {
    let call = Call::CreateInvoice {
        opportunity_id: samples::opportunity_id(),
        customer_id: samples::customer_id(),
        currency: domain::Currency::parse("EUR").expect("valid"),
        days_until_due: 30,
        automatic_tax: false,
        is_charged: false,
    };
    let restored = at(1_000_000);
    let of_run = |is_restored: bool, has_intent: bool| {
        let mut run = samples::deal(samples::claimed());
        run.restored = is_restored.then_some(workflow::Restored { epoch: 1, since: restored });
        if has_intent {
            run.intents.insert(workflow::Operation::CreateInvoice, samples::intent(restored));
        }
        run
    };
    let [soon, last, late] = [0, 42 * 86_400 - 1, 42 * 86_400].map(|second| at(1_000_000 + second));
    for (is_restored, has_intent, now, expected) in [
        (true, false, soon, true),
        (true, false, last, true),
        (true, false, late, false),
        (true, true, soon, false),
        (false, false, soon, false),
        (false, true, soon, false),
    ] {
        let found = looks_widely(&of_run(is_restored, has_intent), &call, now);
        assert_eq!(found, expected, "restored: {is_restored}, intent: {has_intent}, at {now}");
    }
}

/// What the server of a test answers at once.
fn at_once<T>(answer: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(answer).poll(&mut context) {
        std::task::Poll::Ready(answer) => answer,
        std::task::Poll::Pending => panic!("it waits for nothing"),
    }
}

/// Every page, or nothing: what is not all of it is not compared. One of ours that cannot be read may be the one that is looked for.
#[test]
fn every_page_is_looked_through_or_none() {
    let scope = scope();
    let maker = Maker { scope: &scope, run: RUN.into() };
    let listed = |object: Option<u32>, metadata: Option<BTreeMap<String, String>>| stripe::Listed {
        id: "in_1".into(),
        created: at(1),
        metadata,
        of_subscription: None,
        object,
    };
    let looked = |pages: usize, items: Vec<stripe::Listed<u32>>| {
        let asked = std::cell::Cell::new(0);
        let found = at_once(all(&maker, async |after: Option<&Cursor>| {
            assert_eq!(after.is_some(), asked.get() > 0, "it goes on where the page before ended");
            asked.set(asked.get() + 1);
            let next = (asked.get() < pages).then(|| "in_1@1".parse().expect("a cursor"));
            Ok(Page { items: items.clone(), next })
        }));
        (found.map_err(|pause| pause.code), asked.get())
    };
    assert_eq!(looked(1, vec![]), (Ok(Some(vec![])), 1));
    let items = || vec![listed(Some(7), None), listed(Some(8), Some(made_by("a person")))];
    assert_eq!(looked(1, items()), (Ok(Some(vec![7, 8])), 1));
    assert_eq!(looked(MOST_PAGES, vec![listed(Some(7), None)]), (Ok(Some(vec![7; MOST_PAGES])), MOST_PAGES));
    assert_eq!(looked(MOST_PAGES + 1, items()), (Ok(None), MOST_PAGES));
    for (whom, expected) in
        [("a person", Ok(Some(vec![7]))), ("another run", Ok(Some(vec![7]))), ("us", Err("stripe_unreadable"))]
    {
        let unreadable = listed(None, Some(made_by(whom)));
        assert_eq!(looked(1, vec![listed(Some(7), None), unreadable]).0, expected, "{whom}");
    }
    assert_eq!(looked(1, vec![listed(None, None)]).0, Err("stripe_unreadable"), "it may be ours");
}
