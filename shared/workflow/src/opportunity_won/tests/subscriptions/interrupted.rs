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
    // It ended with its term while the deal was being billed, which is to be billed; one of another term did not.
    let run_out = SubscriptionSeen { is_over: true, has_run_out: true, ..begun(InvoiceStatus::Draft) };
    assert_eq!(subscription::started(start(), run_out.clone(), true).name(), "holding");
    let of_another = SubscriptionSeen { starts_at: None, ..run_out };
    assert_eq!(code(&subscription::started(start(), of_another, true)), Some(Code::InvoiceChangedInStripe));
    // Stripe has sent it by itself: it is made to say whose it is, and need not be sent.
    let point = subscription::started(start(), begun(InvoiceStatus::Open), true);
    assert_eq!(point.name(), "holding");
    let sent = record(point, Fact::InvoiceRead(first_invoice(InvoiceStatus::Open)));
    assert_eq!(sent.name(), "reviving");
    let seen = |is_over| SubscriptionSeen { is_over, ..begun(InvoiceStatus::Open) };
    assert_eq!(record(sent.clone(), Fact::SubscriptionRead(Box::new(seen(false)))).name(), "verifying");
    // It was canceled since. Its invoice is not let go of, or the deal would be billed twice.
    let over = record(sent, Fact::SubscriptionRead(Box::new(seen(true))));
    assert_eq!((code(&over), over.invoice_id().is_some()), (Some(Code::InvoiceChangedInStripe), true));
    assert_eq!(subscription::started(start(), seen(true), true).name(), "holding");
    // A draft that was begun without our knowing is held before anything else: is it still the same deal?
    let point = subscription::started(start(), begun(InvoiceStatus::Draft), true);
    assert_eq!(point.name(), "holding");
    let point = record(point, Fact::InvoiceRead(first_invoice(InvoiceStatus::Draft)));
    assert_eq!(point.name(), "comparing");
    assert_eq!(record(point.clone(), Fact::DealRead(Box::new(sold(3)))).name(), "ready");
    assert_eq!(record(point, Fact::DealRead(Box::new(sold(4)))).name(), "disarming");
}

/// Above the ceiling nothing is begun; and what is compared with it is what the first invoice comes to, if that is more.
#[test]
fn what_is_not_approved_is_not_begun() {
    let start = start(planned(3), &[catalogue(250, Every::Months(3))]).expect("priced");
    let eur = |minor_units| Money::from_minor_units(minor_units, Currency::parse("EUR").expect("valid"));
    let subscribing = Point::Subscribing { start: start.clone(), interrupted: false, is_clear: true };
    let point = record(subscribing, Fact::NotApproved { ceiling: eur(2999), total: eur(3000) });
    assert_eq!((code(&point), point.subscription_id()), (Some(Code::ApprovalRequired), None));
    assert_eq!(point.resume(), claimed());
    let Call::CreateSubscription(new) = start.call(true) else { panic!("everything is known") };
    assert_eq!(new.to_be_approved(at(NOW)), eur(3000));
    // 10.00 a quarter without an end, and five of them have begun.
    let mut open_ended = planned(3);
    open_ended.subscription = open_ended.subscription.map(|term| Subscription { periods: None, ..term });
    let start = Start::new(open_ended, start.customer_id, false, &[catalogue(1000, Every::Months(3))]).expect("priced");
    let Call::CreateSubscription(new) = start.call(true) else { panic!("everything is known") };
    let later = at("2028-01-01T00:00:00Z");
    assert_eq!((new.to_be_approved(at(NOW)), new.to_be_approved(later)), (eur(3000), eur(5 * 2000 + 1000)));
    let approved = Plan { approved: Some(eur(3000)), ..new.plan };
    assert!(approved.is_approved_for(eur(3000)) && !approved.is_approved_for(eur(3001)));
}

/// What was seen before it was to begin is old by then: the deal and what waits for the customer are read anew.
#[test]
fn what_has_not_begun_begins_anew() {
    let start = start(planned(3), &[catalogue(250, Every::Months(3))]).expect("priced");
    let subscribing = Point::Subscribing { start, interrupted: false, is_clear: true };
    let mut run = run(subscribing.clone());
    let state = |run: &Run| match run.clone().resume().state {
        State::OpportunityWon(point) => point,
        _ => unreachable!(),
    };
    assert_eq!(state(&run), claimed(), "nothing can have been sent");
    run.intents.insert(Operation::CreateSubscription, intent(Some("")));
    let resumed = state(&run);
    assert_eq!(resumed, subscribing.resume(), "it may have been");
    // Nobody had, as a look showed.
    assert_eq!(record(resumed, Fact::SubscriptionNotBegun), claimed());
}

#[test]
fn an_interrupted_subscription_is_looked_at_first() {
    let start = start(planned(3), &[catalogue(250, Every::Months(3))]).expect("priced");
    assert_eq!(
        Point::Subscribing { start: start.clone(), interrupted: false, is_clear: true }.resume(),
        Point::Subscribing { start, interrupted: true, is_clear: true },
        "its key leads to it"
    );
    for (point, stage) in [
        (Point::Holding { draft: held(), interrupted: false }, Stage::Holding),
        (Point::Ready { draft: held(), interrupted: false }, Stage::Sending),
        (Point::Abandoning { draft: held(), stop: None }, Stage::Canceling),
        (Point::Disarming { draft: held(), stop: None }, Stage::Canceling),
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
    let run_out = |status| SubscriptionSeen { has_run_out: true, ..seen(status, true) };
    for (stage, seen, expected) in [
        (Stage::Holding, seen(InvoiceStatus::Draft, false), "holding"),
        // Stripe has sent it by itself.
        (Stage::Holding, seen(InvoiceStatus::Open, false), "verifying"),
        (Stage::Holding, seen(InvoiceStatus::Paid, false), "verifying"),
        (Stage::Sending, seen(InvoiceStatus::Draft, false), "comparing"),
        (Stage::Sending, seen(InvoiceStatus::Open, false), "ready"),
        (Stage::Sending, seen(InvoiceStatus::Paid, false), "verifying"),
        (Stage::Sending, seen(InvoiceStatus::Open, true), "stopped"),
        (Stage::Sending, seen(InvoiceStatus::Paid, true), "stopped"),
        (Stage::Sending, seen(InvoiceStatus::Void, true), "stopped"),
        // Another worker may be about to send it.
        (Stage::Sending, seen(InvoiceStatus::Draft, true), "disarming"),
        (Stage::Holding, seen(InvoiceStatus::Draft, true), "disarming"),
        // It was ours to cancel, and it is asked once more so that its keys are given up.
        (Stage::Canceling, seen(InvoiceStatus::Draft, true), "disarming"),
        // Canceling it may be under way, and there is no way back.
        (Stage::Canceling, seen(InvoiceStatus::Draft, false), "disarming"),
        (Stage::Canceling, seen(InvoiceStatus::Open, false), "verifying"),
        (Stage::Sending, later, "stopped"),
        // It ended with its term, which is to be billed.
        (Stage::Holding, run_out(InvoiceStatus::Draft), "holding"),
        (Stage::Sending, run_out(InvoiceStatus::Draft), "comparing"),
        (Stage::Sending, run_out(InvoiceStatus::Open), "ready"),
    ] {
        let point = record(reviving(stage.clone()), Fact::SubscriptionRead(Box::new(seen.clone())));
        assert_eq!(point.name(), expected, "{stage:?} {} {:?}", seen.is_over, seen.invoice.map(|seen| seen.status));
    }
    assert_eq!(code(&record(reviving(Stage::Sending), refused())), Some(Code::StripeRefused));
    // A draft of a subscription cannot be deleted, so one that is not there is not made again.
    let gone = record(Point::Checking { draft: held(), stage: Stage::Holding, refused: None }, Fact::InvoiceMissing);
    assert_eq!(code(&gone), Some(Code::InvoiceChangedInStripe));
    assert_eq!(gone.resume().name(), "reviving");
    let unheld = record(Point::Holding { draft: held(), interrupted: false }, refused());
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
    let run = |point: Point, operations: &[Operation]| {
        let ambiguous = || Intent { ambiguous: true, ..intent(Some("")) };
        Run { intents: operations.iter().map(|operation| (*operation, ambiguous())).collect(), ..run(point) }
    };
    let of_invoice = [Operation::CreateSubscription, Operation::HoldInvoice];
    let abandoning = run(Point::Abandoning { draft: held(), stop: None }, &of_invoice);
    let canceled = abandoning.record(Fact::SubscriptionCanceled, &selling()).expect("in order");
    assert!(canceled.intents.is_empty(), "{:?}", canceled.intents);
    assert_eq!(canceled.generations.get(&Operation::HoldInvoice), Some(&1));
    let start = start(planned(3), &[catalogue(1, Every::Once)]).expect("priced");
    let pricing = run(Point::Pricing { start, looked: true }, &[Operation::CreatePrice { index: 0 }]);
    assert!(pricing.resume().intents.is_empty());
    let holding = run(Point::Holding { draft: held(), interrupted: false }, &of_invoice);
    assert_eq!(holding.resume().intents.len(), 2, "they are still good");
}

/// A later period was billed before the first invoice was sent. That one may still be sent; but the subscription is not canceled,
/// since another one would bill the later period again.
#[test]
fn what_has_billed_on_is_not_canceled() {
    let seen = SubscriptionSeen { has_billed_more: true, ..begun(InvoiceStatus::Draft) };
    let reviving = Point::Reviving { draft: held(), stage: Stage::Sending, refused: None };
    let comparing = record(reviving, Fact::SubscriptionRead(Box::new(seen.clone())));
    assert_eq!(record(comparing.clone(), Fact::DealRead(Box::new(sold(3)))).name(), "ready");
    for point in [
        record(comparing.clone(), Fact::DealRead(Box::new(sold(4)))),
        record(comparing, Fact::RecordMissing),
        record(
            Point::Reviving { draft: held(), stage: Stage::Canceling, refused: None },
            Fact::SubscriptionRead(Box::new(seen)),
        ),
    ] {
        assert_eq!(code(&point), Some(Code::DealChangedAfterBilling));
        assert_eq!(point.subscription_id(), Some(&subscription_id()), "it is not let go of");
        assert_eq!(point.resume().name(), "reviving");
    }
}

/// After a restore the opportunity names the invoice of a subscription: it is the deal's own only if its term is.
#[test]
fn a_forgotten_subscription_is_taken_up_for_its_own_term() {
    let mut invoice = first_invoice(InvoiceStatus::Open);
    invoice.metadata.insert("sf_opportunity_id".into(), opportunity_id().to_string());
    let stop = || Stop::review(Code::AlreadyBilled, "It names one.");
    let named = |seen: &InvoiceSeen| {
        let invoice_id = seen.invoice_id.clone();
        let point = Point::InvoiceNamed { plan: planned(3), invoice_id, stop: stop(), noted: false };
        record(point, Fact::InvoiceRead(seen.clone()))
    };
    let point = named(&invoice);
    assert_eq!((point.name(), point.clone().resume()), ("subscription_named", claimed()));
    let there = begun(InvoiceStatus::Open);
    assert_eq!(record(point.clone(), Fact::SubscriptionRead(Box::new(there.clone()))).name(), "verifying");
    let longer = SubscriptionSeen { ends_at: Some(at("2029-01-01T00:00:00Z")), ..there.clone() };
    // Another deal has renewed it since, from the day on that this one ends, from a later one, or inside of it.
    for (from, is_own) in [("2028-01-01", true), ("2029-01-01", true), ("2027-07-01", true), ("2026-12-31", false)] {
        let renewed = SubscriptionSeen { renewed_from: from.parse().ok(), ..longer.clone() };
        let point = record(point.clone(), Fact::SubscriptionRead(Box::new(renewed)));
        assert_eq!(point.name() == "verifying", is_own, "{from}");
    }
    // None shortens it.
    let (ends_at, renewed_from) = (Some(at("2027-10-01T00:00:00Z")), "2027-07-01".parse().ok());
    let shorter = SubscriptionSeen { ends_at, renewed_from, ..there.clone() };
    for fact in [Fact::SubscriptionRead(Box::new(longer)), Fact::SubscriptionRead(Box::new(shorter)), refused()] {
        assert_eq!(code(&record(point.clone(), fact)), Some(Code::AlreadyBilled));
    }
    // A one-off of the same total is not what a subscription bills.
    let one_off = InvoiceSeen { subscription_id: None, ..invoice };
    assert_eq!(code(&named(&one_off)), Some(Code::InvoiceDiffersFromDeal));
}

/// Another worker may be about to send it. Whichever of the two requests comes first, the other is refused.
#[test]
fn what_was_sent_meanwhile_is_not_canceled() {
    let disarming = || Point::Disarming { draft: held(), stop: None };
    assert_eq!(record(disarming(), Fact::InvoiceRead(first_invoice(InvoiceStatus::Draft))).name(), "abandoning");
    for fact in [Fact::InvoiceRead(first_invoice(InvoiceStatus::Open)), refused()] {
        let point = record(disarming(), fact);
        assert_eq!(point.name(), "reviving");
        let sent = record(point, Fact::SubscriptionRead(Box::new(begun(InvoiceStatus::Open))));
        assert_eq!(sent.name(), "verifying");
    }
}

/// Nothing is at Stripe but the customer, and what the deal says is asked anew.
#[test]
fn before_its_prices_are_known_an_interrupted_deal_begins_anew() {
    let customer_id = CustomerId::parse("cus_1").expect("valid");
    let basket = Basket::default();
    let plan = planned(3);
    let known = Point::CustomerKnown {
        is_apart: false,
        plan,
        customer_id,
        account_is_linked: false,
        interrupted: false,
        basket,
        is_charged: None,
    };
    assert_eq!(known.resume(), claimed());
    let start = start(planned(3), &[catalogue(250, Every::Months(3))]).expect("priced");
    let subscribing = Point::Subscribing { start, interrupted: false, is_clear: true };
    assert_eq!(subscribing.customer_id().map(CustomerId::as_str), Some("cus_1"));
}

/// That a deal was edited does not say from which day on. So a person is told what to do about the subscription, and how to sell the change.
#[test]
fn a_changed_deal_keeps_its_subscription_and_says_the_way_out() {
    let selling_only = selling();
    let renewing = || Settings { renewals: mapping::Renewals::Extend, ..selling() };
    let amending = || Settings { amendments: mapping::Amendments::CreditAndReissue, ..renewing() };
    let lost = || {
        let mut deal = sold(3);
        deal.opportunity.set("StageName", text("Closed Lost"));
        deal
    };
    let odd = || {
        let mut deal = sold(3);
        deal.opportunity.set("Amount", FieldValue::Number(31.into()));
        deal
    };
    for (what, deal, settings, sentence) in [
        ("another line", sold(4), selling_only.clone(), "Set the deal back, and change the subscription by hand."),
        ("another line", sold(4), renewing(), "sell what is to be billed instead by an opportunity of type Renewal"),
        ("another line", sold(4), amending(), "sell what is to be billed instead by an opportunity of type Renewal"),
        (
            "lost",
            lost(),
            renewing(),
            "Stripe subscription sub_1 goes on. Set the deal back, and fill in Stripe Cancel On",
        ),
        (
            "lost",
            lost(),
            amending(),
            "Stripe subscription sub_1 goes on. Set the deal back, and fill in Stripe Cancel On",
        ),
        ("an amount that is not its lines'", odd(), selling_only, "it cannot be billed as it is now."),
    ] {
        let done = Point::Done { invoice: held().into_invoice(&first_invoice(InvoiceStatus::Open)) };
        let point = done.resume().record(Fact::DealRead(Box::new(deal)), &settings).expect("in order");
        let stop = point.stop().unwrap_or_else(|| panic!("{what}: {} is no stop", point.name()));
        assert_eq!(stop.code, Code::DealChangedAfterBilling, "{what}");
        assert!(stop.message.contains(sentence), "{what}: {}", stop.message);
        assert_eq!(point.subscription_id(), Some(&subscription_id()), "{what}: it is kept");
    }
}
