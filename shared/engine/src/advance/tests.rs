use domain::BillingEmail;
use jiff::Timestamp;
use mapping::{Code, CustomerDetails};
use workflow::Intent;
use workflow::opportunity_won::Point;

use super::customers::customer_fact;
use super::*;
use crate::samples::{
    account_id, billed, claimed, customer_id, deal, intent, invoice_id, money, opportunity_id, organization_id,
};

fn gone() -> Point {
    Point::CustomerGone { opportunity_id: opportunity_id(), customer_id: customer_id(), apart: None }
}

fn done() -> Point {
    Point::Done { invoice: billed(opportunity_id(), invoice_id("in_1"), money(1000, "EUR")) }
}

fn account(point: account_customer::Point) -> Run {
    let id = RunId::AccountCustomer {
        organization_id: organization_id(),
        account_id: account_id(),
        livemode: false,
        currency: None,
    };
    Run::new(id, State::AccountCustomer(point))
}

/// A register never goes from one id to another in one save: what is given up is given up first.
#[test]
fn what_is_given_up_is_saved_before_another_takes_its_place() {
    let known = || account(account_customer::Point::Known { customer_id: customer_id(), told: None });
    let email = BillingEmail::parse("ap@acme.example").expect("valid");
    let details = CustomerDetails::new("Acme".into(), email);
    let unknown = || account(account_customer::Point::Unknown { account_id: account_id(), details: details.clone() });
    let doubted = account(account_customer::Point::new(account_id(), details.clone(), None, Some(customer_id())));
    for (stored, run, is_saved, why) in [
        (known(), unknown(), true, "the account has no customer any more"),
        (unknown(), unknown(), false, "it never had one"),
        (known(), doubted, false, "one that is only doubted is still its own"),
        (deal(done()), deal(claimed()), true, "the deal has no invoice any more"),
        (deal(done()), deal(done()), false, "it still has it"),
        (deal(claimed()), deal(done()), false, "it has its first"),
        (deal(claimed()), deal(claimed()), false, "nothing is given up"),
        (deal(claimed()), deal(gone()), true, "that its customer is gone was just heard"),
        (deal(gone()), deal(gone()), false, "and is known by now"),
    ] {
        assert_eq!(is_written_down_first(&stored, &run), is_saved, "{why}");
    }
}

/// Only of lines nobody would see afterwards that they came late: a second invoice, customer or sending has its own looks.
#[test]
fn what_may_still_arrive_on_the_lines_is_waited_for() {
    let sent = Timestamp::from_second(1_000).expect("in range");
    let intent = |ambiguous| Intent { ambiguous, body: Some("name=Acme".into()), ..intent(sent) };
    for (operation, ambiguous, is_waited_for) in [
        (Operation::AddLines { batch: 0 }, true, true),
        (Operation::AddLines { batch: 0 }, false, false),
        (Operation::UpdateCustomer, true, true),
        (Operation::UpdateCustomer, false, false),
        (Operation::CreateInvoice, true, false),
        (Operation::SendInvoice, true, false),
    ] {
        let mut run = deal(claimed());
        run.intents.insert(operation, intent(ambiguous));
        settle(&mut run, operation);
        let expected = is_waited_for.then(|| quiet_at(&intent(ambiguous)));
        assert_eq!(run.quiet_at, expected, "{operation}, ambiguous: {ambiguous}");
        // It may hold a name and an address.
        assert_eq!(run.intents[&operation].body, None, "{operation}");
    }
}

/// Of two that may still arrive, the later one counts, whichever was answered last.
#[test]
fn the_quiet_time_only_grows() {
    let until = Timestamp::from_second(1_000_000).expect("in range");
    let operation = Operation::AddLines { batch: 0 };
    let sent = Timestamp::from_second(1_000).expect("in range");
    let mut run = Run { quiet_at: Some(until), ..deal(claimed()) };
    run.intents.insert(operation, Intent { ambiguous: true, ..intent(sent) });
    settle(&mut run, operation);
    assert_eq!(run.quiet_at, Some(until));
    // Nothing is known of one that was never sent.
    settle(&mut run, Operation::SendInvoice);
    assert_eq!(run.quiet_at, Some(until));
}

#[test]
fn an_account_ends_with_its_customer_or_with_a_reason() {
    let known = account(account_customer::Point::Known { customer_id: customer_id(), told: None });
    assert_eq!(customer_fact(&known, false), Fact::CustomerKnown { customer_id: customer_id(), is_apart: false });
    let stop = mapping::Stop::refused(Code::StripeRefused, "no");
    let stopped = account(account_customer::Point::Stopped { account_id: account_id(), stop: stop.clone() });
    assert_eq!(customer_fact(&stopped, true), Fact::CustomerStopped(stop));
}

/// What must come last waits until nothing older can be under way; what may be under way itself does not.
#[test]
fn what_comes_last_waits_for_what_may_be_under_way() {
    let at = |second| Timestamp::from_second(second).expect("in range");
    let quiet_at = Some(at(100));
    for (operation, may_be_sent, quiet_at, now, waits) in [
        (Operation::SendInvoice, false, quiet_at, 99, true),
        (Operation::CreateSubscription, false, quiet_at, 99, true),
        (Operation::UpdateCustomer, false, quiet_at, 99, true),
        (Operation::SendInvoice, false, quiet_at, 100, false),
        (Operation::SendInvoice, true, quiet_at, 99, false),
        (Operation::SendInvoice, false, None, 99, false),
        (Operation::AddLines { batch: 0 }, false, quiet_at, 99, false),
        (Operation::CreateInvoice, false, quiet_at, 99, false),
        (Operation::VoidInvoice, false, quiet_at, 99, false),
    ] {
        let until = guards::waits_until(operation, may_be_sent, quiet_at, at(now));
        assert_eq!(until, quiet_at.filter(|_| waits), "{operation} at {now}, may be sent: {may_be_sent}");
    }
}

/// Its key may lead to a renewal that would be sent anew: too late, it is only looked for, when nothing can be under way any more.
#[test]
fn a_renewal_that_comes_too_late_is_not_sent_again() {
    let at = |second| Timestamp::from_second(second).expect("in range");
    let (sent, latest) = (at(0), at(100));
    let quiet_at = quiet_at(&intent(sent));
    assert!(quiet_at > latest);
    let renew = Call::RenewSubscription(Box::new(workflow::Extension {
        opportunity_id: opportunity_id(),
        customer_id: domain::CustomerId::parse("cus_1").expect("valid"),
        proration: mapping::Proration::None,
        subscription_id: domain::SubscriptionId::parse("sub_1").expect("valid"),
        total: money(1000, "EUR"),
        is_approved: false,
        days_until_due: 30,
        automatic_tax: false,
        from: jiff::civil::date(2027, 3, 1),
        latest,
        ends_at: None,
        had_end: false,
        items: vec![],
        once: vec![],
    }));
    // What is billed at once is decided for an hour.
    let Call::RenewSubscription(extension) = &renew else { unreachable!("it is a renewal") };
    let extension = workflow::Extension {
        proration: mapping::Proration::AlwaysInvoice,
        latest: at(1_000_000),
        ..(**extension).clone()
    };
    let at_once = Call::RenewSubscription(Box::new(extension));
    // So is when a subscription ends, and nothing is told when that is too late.
    let end = |latest: Timestamp| Call::EndSubscription {
        subscription_id: domain::SubscriptionId::parse("sub_1").expect("valid"),
        on: None,
        at: None,
        latest,
    };
    let (ends, ends_soon) = (end(at(1_000_000)), end(latest));
    let other = Call::ReadDeal { opportunity_id: opportunity_id() };
    let before = |time: Timestamp| time.saturating_sub(jiff::SignedDuration::from_millis(1)).expect("in range");
    for (call, now, trust, expected) in [
        (&renew, before(latest), Trust::SameKey, Trust::SameKey),
        (&renew, latest, Trust::SameKey, Trust::Wait { until: quiet_at }),
        (&renew, before(quiet_at), Trust::SameKey, Trust::Wait { until: quiet_at }),
        (&renew, quiet_at, Trust::SameKey, Trust::Look),
        (&renew, latest, Trust::Look, Trust::Look),
        (&at_once, at(3599), Trust::SameKey, Trust::SameKey),
        (&at_once, at(3600), Trust::SameKey, Trust::Look),
        (&ends, at(3599), Trust::SameKey, Trust::SameKey),
        (&ends, at(3600), Trust::SameKey, Trust::Look),
        (&ends_soon, before(latest), Trust::SameKey, Trust::SameKey),
        (&ends_soon, latest, Trust::SameKey, Trust::Wait { until: quiet_at }),
        (&ends_soon, quiet_at, Trust::SameKey, Trust::Look),
        (&other, quiet_at, Trust::SameKey, Trust::SameKey),
    ] {
        assert_eq!(in_time(call, trust, &intent(sent), now), expected, "{} at {now}", call.name());
    }
}
