//! Whom a deal is billed to, where its account has more than one customer.

use super::*;
use crate::opportunity_won::basket::Start;
use crate::opportunity_won::customer::{self, Apart};
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
    let apart = Apart::of(&recurring());
    assert_eq!(taken, Point::CurrencyTaken { opportunity_id: opportunity_id(), apart });
    assert_eq!(taken.clone().resume(), taken, "it is read anew, whenever that is");
    let (_, stopped) = tell(subscribing(true), vec![refused(combined())]);
    let stop = stopped.stop().expect("it is refused");
    assert_eq!(
        (stop.code, stop.message.as_str()),
        (Code::CurrenciesCombined, "Stripe customer cus_1 has the account's subscriptions in EUR. no")
    );
    let (_, other) = tell(subscribing(false), vec![refused(Stop::refused(Code::StripeRefused, "no"))]);
    assert_eq!(other.stop().map(|stop| stop.code), Some(Code::StripeRefused));
}

/// What is heard goes on through the prices, and through a death in between.
#[test]
fn what_was_heard_is_kept_while_the_deal_is_read_anew() {
    let (opportunity_id, apart) = (opportunity_id(), Apart::of(&recurring()));
    let gone = |apart| Point::CustomerGone { opportunity_id: opportunity_id.clone(), customer_id: id("cus_2"), apart };
    for point in [
        Point::CurrencyTaken { opportunity_id: opportunity_id.clone(), apart: apart.clone() },
        gone(Some(apart.clone())),
        gone(None),
    ] {
        let (_, preflight) = tell(point.clone(), vec![read(1)]);
        assert_eq!(preflight.clone().resume(), point);
        let kept = serde_json::to_string(&preflight).expect("writable");
        assert_eq!(serde_json::from_str::<Point>(&kept).expect("readable"), preflight);
        let (_, planned) = tell(preflight, vec![priced()]);
        let kept = serde_json::to_string(&planned).expect("writable");
        assert_eq!(serde_json::from_str::<Point>(&kept).expect("readable"), planned);
        let (_, missing) = tell(point, vec![Fact::RecordMissing]);
        assert_eq!(missing.stop().map(|stop| stop.code), Some(Code::OpportunityNotFound));
    }
}

/// It is said of one account and one currency. What the deal has become since is not billed to whom it would have been.
#[test]
fn what_was_heard_counts_for_the_deal_that_it_was_heard_of() {
    let Next::EnsureCustomer(anybody) = planned_point().next() else { panic!("a plan asks for its customer") };
    let details = anybody.details;
    assert_eq!((anybody.recurs_in, anybody.is_apart), (None, false), "what is sold once");
    let asked = |plan: &Plan, heard: &Heard| match customer::ensure(plan, &details, None, heard) {
        Next::EnsureCustomer(wanted) => (wanted.gone, wanted.recurs_in, wanted.is_apart),
        next => panic!("{next:?}"),
    };
    let heard = |gone: Option<&str>, apart| Heard { gone: gone.map(id), apart };
    let plan = recurring();
    let currency = plan.total.currency();
    let apart = || Some(Apart::of(&recurring()));
    assert_eq!(asked(&plan, &heard(None, apart())), (None, Some(currency), true));
    assert_eq!(asked(&plan, &heard(Some("cus_2"), apart())), (Some(id("cus_2")), Some(currency), true));
    assert_eq!(asked(&plan, &heard(Some("cus_1"), None)), (Some(id("cus_1")), Some(currency), false));
    let dollars = Currency::parse("USD").expect("valid");
    let in_dollars = Plan { total: Money::from_minor_units(1000, dollars), ..recurring() };
    assert_eq!(asked(&in_dollars, &heard(Some("cus_2"), apart())), (None, Some(dollars), false));
    let account_id = domain::AccountId::parse("001000000000009AAA").expect("valid");
    assert_eq!(asked(&Plan { account_id, ..recurring() }, &heard(None, apart())), (None, Some(currency), false));
    assert_eq!(asked(&draft(1).plan, &heard(Some("cus_2"), apart())), (None, None, false), "it is sold once by now");
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
        let apart = Some(Apart::of(&recurring()));
        let expected = Point::CustomerGone { opportunity_id: opportunity_id(), customer_id: id("cus_2"), apart };
        assert_eq!(gone, expected);
    }
    // The same one that was gone is no other one.
    let again = customer::known(recurring(), id("cus_2"), true, None, Some(id("cus_2")), Basket::default());
    assert_eq!(again.stop().map(|stop| stop.code), Some(Code::StripeRefused));
}

/// After a restore only Stripe knows that the account has another one.
#[test]
fn a_renewal_finds_its_subscription_with_the_accounts_other_customer() {
    let renews = mapping::Renews { subscription_id: None, proration: mapping::Proration::None };
    let plan = Plan { renews: Some(renews), ..recurring() };
    let read = |account: Option<&str>, currency: Option<&str>| Fact::CustomerRead {
        customer_id: id("cus_2"),
        metadata: [("sf_account_id", account), ("sf_currency", currency)]
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())))
            .collect(),
    };
    let told = |fact, is_apart| {
        let (plan, customer_id, owner) = (plan.clone(), id("cus_1"), id("cus_2"));
        tell(Renewal::Elsewhere { plan, customer_id, owner, is_apart }.into(), vec![fact]).1
    };
    let own = Some(plan.account_id.as_str());
    // The one for its currency is found by its own run, which tells it what the account says.
    let point = told(read(own, Some("eur")), false);
    let apart = Apart::of(&plan);
    assert_eq!(point, Point::CurrencyTaken { opportunity_id: opportunity_id(), apart });
    // One that it had before has no run any more.
    let Point::CustomerKnown { customer_id, account_is_linked: true, .. } = told(read(own, None), false) else {
        panic!("it is the account's")
    };
    assert_eq!(customer_id, id("cus_2"));
    for (other, is_apart) in [
        (read(None, None), false),
        (read(Some("001000000000009AAA"), None), false),
        (read(own, Some("usd")), false),
        // It was found, and is another one: not once more.
        (read(own, Some("eur")), true),
        (Fact::CustomerMissing, false),
    ] {
        let point = told(other, is_apart);
        let stop = point.stop().expect("it is somebody else's");
        assert!(stop.code == Code::RenewalDiffers && stop.message.contains("cus_2's"), "{stop:?}");
    }
}
