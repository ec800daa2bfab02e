//! Whom a deal is billed to, where its account has more than one customer.

use super::*;
use crate::opportunity_won::basket::Start;
use crate::opportunity_won::customer;
use crate::opportunity_won::renewal::Renewal;

fn id(id: &str) -> CustomerId {
    CustomerId::parse(id).expect("valid")
}

fn start(is_apart: bool) -> Start {
    Start { plan: recurring(), customer_id: id("cus_1"), account_is_linked: true, is_apart, basket: Basket::default() }
}

fn recurring() -> Plan {
    let term = mapping::Subscription {
        start: "2027-01-01".parse().expect("a day"),
        every: mapping::Interval::Monthly,
        periods: Some(12),
        stub: 0,
    };
    Plan { subscription: Some(term), ..draft(1).plan }
}

fn combined() -> Stop {
    Stop::refused(Code::CurrenciesCombined, "no")
}

/// Another one is asked for once; if that does not take it either, a person is told.
#[test]
fn a_currency_that_is_taken_is_no_reason_to_stop_but_once() {
    let subscribing = |is_apart| Point::Subscribing { start: start(is_apart), interrupted: false, is_clear: true };
    let refused = |stop: Stop| Fact::Refused(Refusal { stop });
    let (_, taken) = tell(subscribing(false), vec![refused(combined())]);
    assert_eq!(taken, Point::CurrencyTaken { opportunity_id: opportunity_id() });
    assert_eq!(taken.clone().resume(), taken, "it is read anew, whenever that is");
    let (_, stopped) = tell(subscribing(true), vec![refused(combined())]);
    assert_eq!(stopped.stop().map(|stop| stop.code), Some(Code::CurrenciesCombined));
    let (_, other) = tell(subscribing(false), vec![refused(Stop::refused(Code::StripeRefused, "no"))]);
    assert_eq!(other.stop().map(|stop| stop.code), Some(Code::StripeRefused));
}

/// What is heard goes on through the prices, and through a death in between.
#[test]
fn what_was_heard_reaches_the_accounts_run() {
    for (heard, point) in [
        ((None, true), Point::CurrencyTaken { opportunity_id: opportunity_id() }),
        (
            (Some(id("cus_2")), true),
            Point::CustomerGone { opportunity_id: opportunity_id(), customer_id: id("cus_2"), is_apart: true },
        ),
        (
            (Some(id("cus_2")), false),
            Point::CustomerGone { opportunity_id: opportunity_id(), customer_id: id("cus_2"), is_apart: false },
        ),
    ] {
        let (_, preflight) = tell(point.clone(), vec![read(1)]);
        assert_eq!(preflight.clone().resume(), point);
        let kept = serde_json::to_string(&preflight).expect("writable");
        assert_eq!(serde_json::from_str::<Point>(&kept).expect("readable"), preflight);
        let (_, planned) = tell(preflight, vec![priced()]);
        let kept = serde_json::to_string(&planned).expect("writable");
        assert_eq!(serde_json::from_str::<Point>(&kept).expect("readable"), planned);
        let Next::EnsureCustomer { gone, is_apart, recurs_in, .. } = planned.next() else { panic!("{planned:?}") };
        assert_eq!(((gone, is_apart), recurs_in), (heard, None), "what is sold once is billed to anybody");
    }
    let deal = deal(1);
    let (_, gone) = tell(Point::CurrencyTaken { opportunity_id: opportunity_id() }, vec![Fact::RecordMissing]);
    assert_eq!(gone.stop().map(|stop| stop.code), Some(Code::OpportunityNotFound), "{:?}", deal.read_at);
}

/// Only what comes back asks for a customer that takes its currency.
#[test]
fn a_subscription_says_its_currency() {
    let details = match planned_point().next() {
        Next::EnsureCustomer { details, recurs_in: None, is_apart: false, .. } => details,
        next => panic!("{next:?}"),
    };
    let plan = recurring();
    let next = customer::ensure(&plan, &details, None, &Heard { gone: None, is_apart: true });
    let Next::EnsureCustomer { recurs_in, is_apart: true, .. } = next else { panic!("{next:?}") };
    assert_eq!(recurs_in, Some(plan.total.currency()));
}

fn planned_point() -> Point {
    tell(claimed(), vec![read(1), priced()]).1
}

/// The account goes on naming the one that it has for everything else, whatever Salesforce says.
#[test]
fn an_account_is_not_given_its_second_customer() {
    for named in [None, Some("cus_9")] {
        let point = customer::known(recurring(), id("cus_2"), true, named.map(id), None, Basket::default());
        let Point::Subscribing { start, .. } = point else { panic!("{point:?}") };
        assert!(start.is_apart && start.account_is_linked && start.customer_id == id("cus_2"));
        let missing = Point::Subscribing { start, interrupted: false, is_clear: true };
        let (_, gone) = tell(missing, vec![Fact::CustomerMissing]);
        let expected =
            Point::CustomerGone { opportunity_id: opportunity_id(), customer_id: id("cus_2"), is_apart: true };
        assert_eq!(gone, expected);
    }
    // The same one that was gone is no other one.
    let again = customer::known(recurring(), id("cus_2"), true, None, Some(id("cus_2")), Basket::default());
    assert_eq!(again.stop().map(|stop| stop.code), Some(Code::StripeRefused));
}

/// After a restore only Stripe knows that the account has another one.
#[test]
fn a_renewal_finds_its_subscription_with_the_accounts_other_customer() {
    let plan = recurring();
    let read = |account: Option<&str>| Fact::CustomerRead {
        customer_id: id("cus_2"),
        metadata: account.map(|id| ("sf_account_id".to_owned(), id.to_owned())).into_iter().collect(),
    };
    let told = |fact| {
        let (plan, customer_id, owner) = (plan.clone(), id("cus_1"), id("cus_2"));
        tell(Renewal::Elsewhere { plan, customer_id, owner }.into(), vec![fact]).1
    };
    let point = told(read(Some(plan.account_id.as_str())));
    let Point::CustomerKnown { customer_id, account_is_linked: true, .. } = point else { panic!("{point:?}") };
    assert_eq!(customer_id, id("cus_2"));
    for other in [read(None), read(Some("001000000000009AAA")), Fact::CustomerMissing] {
        let point = told(other);
        let stop = point.stop().expect("it is somebody else's");
        assert!(stop.code == Code::RenewalDiffers && stop.message.contains("cus_2's"), "{stop:?}");
    }
}
