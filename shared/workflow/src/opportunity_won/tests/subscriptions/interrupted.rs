//! What has become of it while we were away.

use super::*;

#[test]
fn a_subscription_without_a_draft_is_a_persons_business() {
    let start = || start(planned(3), &[catalogue(250, Every::Months(3))]).expect("priced");
    let over = SubscriptionSeen { is_over: true, ..begun(InvoiceStatus::Draft) };
    let without = SubscriptionSeen { invoice: None, ..begun(InvoiceStatus::Draft) };
    for seen in [over, without] {
        let point = subscription::started(start(), seen, false);
        assert_eq!((code(&point), point.subscription_id()), (Some(Code::InvoiceChangedInStripe), None));
    }
    // Stripe has sent it by itself: it is made to say whose it is, and the deal is billed.
    let point = subscription::started(start(), begun(InvoiceStatus::Open), true);
    assert_eq!(point.name(), "holding");
    assert_eq!(record(point, Fact::InvoiceRead(first_invoice(InvoiceStatus::Open))).name(), "ready");
    // A draft that was begun without our knowing: is it still the same deal?
    let point = subscription::started(start(), begun(InvoiceStatus::Draft), true);
    assert_eq!(point.name(), "comparing");
    assert_eq!(record(point.clone(), Fact::DealRead(Box::new(sold(3)))).name(), "holding");
    assert_eq!(record(point, Fact::DealRead(Box::new(sold(4)))).name(), "abandoning");
}

#[test]
fn an_interrupted_subscription_is_looked_at_first() {
    let start = start(planned(3), &[catalogue(250, Every::Months(3))]).expect("priced");
    assert_eq!(
        Point::Subscribing { start: start.clone(), interrupted: false }.resume(),
        Point::Subscribing { start, interrupted: true },
        "its key leads to it"
    );
    for (point, stage) in [
        (Point::Holding { draft: held() }, Stage::Holding),
        (Point::Ready { draft: held(), interrupted: false }, Stage::Sending),
        (Point::Abandoning { draft: held(), stop: None }, Stage::Canceling),
        (Point::Checking { draft: held(), stage: Stage::Sending, refused: None }, Stage::Sending),
    ] {
        let resumed = point.resume();
        assert_eq!(resumed, Point::Reviving { draft: held(), stage, refused: None });
        assert_eq!(resumed.clone().resume(), resumed);
        let Next::Call(call) = resumed.next() else { panic!("it looks") };
        assert_eq!(call, Call::ReadSubscription { subscription_id: subscription_id() });
    }
}

/// What has become of the subscription while we were away.
#[test]
fn what_was_canceled_is_not_sent() {
    let reviving = |stage: Stage| Point::Reviving { draft: held(), stage, refused: None };
    let seen = |status, is_over| SubscriptionSeen { is_over, ..begun(status) };
    let later = SubscriptionSeen { invoice: None, ..begun(InvoiceStatus::Draft) };
    for (stage, seen, expected) in [
        (Stage::Holding, seen(InvoiceStatus::Draft, false), "comparing"),
        (Stage::Holding, seen(InvoiceStatus::Open, false), "holding"),
        (Stage::Holding, seen(InvoiceStatus::Paid, false), "holding"),
        (Stage::Sending, seen(InvoiceStatus::Draft, false), "comparing"),
        (Stage::Sending, seen(InvoiceStatus::Open, false), "ready"),
        (Stage::Sending, seen(InvoiceStatus::Paid, false), "verifying"),
        (Stage::Sending, seen(InvoiceStatus::Open, true), "ready"),
        (Stage::Sending, seen(InvoiceStatus::Draft, true), "stopped"),
        (Stage::Holding, seen(InvoiceStatus::Draft, true), "stopped"),
        // It was ours to cancel, and it is asked once more so that its keys are given up.
        (Stage::Canceling, seen(InvoiceStatus::Draft, true), "abandoning"),
        (Stage::Canceling, seen(InvoiceStatus::Draft, false), "comparing"),
        (Stage::Canceling, seen(InvoiceStatus::Open, false), "ready"),
        // It has billed another period since.
        (Stage::Sending, later, "checking"),
    ] {
        let point = record(reviving(stage.clone()), Fact::SubscriptionRead(Box::new(seen.clone())));
        assert_eq!(point.name(), expected, "{stage:?} {} {:?}", seen.is_over, seen.invoice.map(|seen| seen.status));
    }
    assert_eq!(code(&record(reviving(Stage::Sending), refused())), Some(Code::StripeRefused));
    // A draft of a subscription cannot be deleted, so one that is not there is not made again.
    let gone = record(Point::Checking { draft: held(), stage: Stage::Holding, refused: None }, Fact::InvoiceMissing);
    assert_eq!(code(&gone), Some(Code::InvoiceChangedInStripe));
    let unheld = record(Point::Holding { draft: held() }, refused());
    assert_eq!(unheld.name(), "reviving", "it may have been sent, and is looked at before it is canceled");
}

/// After a restore it is not known how many periods had begun when it was made.
#[test]
fn a_forgotten_first_invoice_comes_to_some_number_of_periods() {
    let forgotten = Draft { started: None, ..held() };
    let comes_to = |total: i64| forgotten.comes_to(&InvoiceSeen { total, ..first_invoice(InvoiceStatus::Open) });
    // 5.00 a quarter, four of them at most, and 10.00 once.
    let sums: Vec<_> = (0..=60).map(|half| half * 50).filter(|total| comes_to(*total)).collect();
    assert_eq!(sums, [1500, 2000, 2500, 3000]);
    let known = held();
    assert!(known.comes_to(&first_invoice(InvoiceStatus::Open)));
    assert!(!known.comes_to(&InvoiceSeen { total: 2000, ..first_invoice(InvoiceStatus::Open) }));
}

/// A run gives up every key with its subscription; and of prices that are numbered anew.
#[test]
fn keys_are_given_up_with_what_they_led_to() {
    use crate::{Intent, Operation, Run, RunId, State};
    let id = RunId::OpportunityWon {
        organization_id: domain::OrganizationId::parse("00D000000000001EAA").expect("valid"),
        opportunity_id: opportunity_id(),
    };
    let intent = || Intent {
        generation: 0,
        epoch: 0,
        key: "cw1_1".into(),
        path: "/v1/invoices/in_1".into(),
        body: Some(String::new()),
        first_sent: at(NOW),
        last_sent: at(NOW),
        replays_error: false,
        ambiguous: true,
    };
    let run = |point: Point, operations: &[Operation]| {
        let mut run = Run::new(id.clone(), State::OpportunityWon(point));
        run.intents = operations.iter().map(|operation| (*operation, intent())).collect();
        run
    };
    let of_invoice = [Operation::CreateSubscription, Operation::HoldInvoice];
    let reviving = Point::Reviving { draft: held(), stage: Stage::Holding, refused: None };
    for (point, fact) in [
        (Point::Abandoning { draft: held(), stop: None }, Fact::SubscriptionCanceled),
        (reviving, Fact::SubscriptionRead(Box::new(SubscriptionSeen { is_over: true, ..begun(InvoiceStatus::Draft) }))),
    ] {
        let run = run(point, &of_invoice).record(fact, &selling()).expect("in order");
        assert!(run.intents.is_empty(), "{:?}", run.intents);
        assert_eq!(run.generations.get(&Operation::HoldInvoice), Some(&1));
    }
    let start = start(planned(3), &[catalogue(1, Every::Once)]).expect("priced");
    let pricing = run(Point::Pricing { start, looked: true }, &[Operation::CreatePrice { index: 0 }]);
    assert!(pricing.resume().intents.is_empty());
    let holding = run(Point::Holding { draft: held() }, &of_invoice);
    assert_eq!(holding.resume().intents.len(), 2, "they are still good");
}
