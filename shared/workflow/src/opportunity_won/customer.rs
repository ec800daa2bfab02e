//! Whom a deal is billed to: the customer that the account names, or another one for subscriptions in the deal's currency.

use domain::{AccountId, Currency, CustomerId};
use mapping::{Code, Plan, Settings, Stop};
use serde::{Deserialize, Serialize};

use super::basket::{Basket, Start};
use super::{Point, judge, subscription};
use crate::{Fact, Next, WantedCustomer};

/// What Stripe said of the customer that the deal was to be billed to, so that it is read anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// It does not know this one any more.
    pub gone: Option<CustomerId>,
    /// Whose subscriptions in which currency are another customer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<Apart>,
}

/// An account's own customer has something active in another currency, and takes no subscription in this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apart {
    pub account_id: AccountId,
    pub currency: Currency,
}

impl Apart {
    pub(super) fn of(plan: &Plan) -> Self {
        Self { account_id: plan.account_id.clone(), currency: plan.total.currency() }
    }

    /// Until it is read anew, a deal may have become another account's, or be sold in another currency.
    fn is_of(&self, plan: &Plan) -> bool {
        plan.subscription.is_some() && *self == Self::of(plan)
    }
}

/// What a fact means at the points where that is found out; given back if it is none of them.
pub(super) fn record(point: Point, fact: Fact, settings: &Settings) -> Result<Point, Box<(Point, Fact)>> {
    Ok(match (point, fact) {
        // As the deal is now: what is heard of the customer took a call, and may have taken long.
        (Point::CustomerGone { opportunity_id, customer_id, apart }, Fact::DealRead(deal)) => {
            let heard = Heard { gone: Some(customer_id), apart };
            judge::claim(opportunity_id, &deal, settings).having(heard)
        }
        (Point::CurrencyTaken { opportunity_id, apart }, Fact::DealRead(deal)) => {
            judge::claim(opportunity_id, &deal, settings).having(Heard { gone: None, apart: Some(apart) })
        }
        (
            Point::CustomerGone { opportunity_id, .. } | Point::CurrencyTaken { opportunity_id, .. },
            Fact::RecordMissing,
        ) => judge::not_found(opportunity_id),
        (point @ (Point::CustomerGone { .. } | Point::CurrencyTaken { .. }), Fact::Refused(why)) => {
            point.stopped(why.stop)
        }
        // Salesforce names another one. If that is deleted, nobody meant it.
        (Point::NamedOtherwise { plan, customer_id, basket, .. }, Fact::CustomerMissing) => {
            billing(plan, customer_id, Linked::No, basket)
        }
        (Point::NamedOtherwise { plan, customer_id, named_by_salesforce, .. }, Fact::CustomerRead { .. }) => {
            Point::claimed(plan).stopped(differs(&customer_id, &named_by_salesforce))
        }
        (Point::NamedOtherwise { plan, .. }, Fact::Refused(why)) => Point::claimed(plan).stopped(why.stop),
        unknown => return Err(Box::new(unknown)),
    })
}

/// The account's run is brought to an end, and that of its customer for the currency if there is one or has to be.
pub(super) fn ensure(
    plan: &Plan,
    details: &mapping::CustomerDetails,
    named_by_salesforce: Option<&CustomerId>,
    heard: &Heard,
) -> Next {
    let is_apart = heard.apart.as_ref().is_some_and(|apart| apart.is_of(plan));
    Next::EnsureCustomer(WantedCustomer {
        account_id: plan.account_id.clone(),
        details: details.clone(),
        named_by_salesforce: named_by_salesforce.cloned(),
        gone: heard.gone.clone().filter(|_| is_apart || heard.apart.is_none()),
        recurs_in: plan.subscription.as_ref().map(|_| plan.total.currency()),
        is_apart,
    })
}

/// What the account says of the customer that the deal is billed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Linked {
    /// It is to name it.
    No,
    Yes,
    /// It names the one that it has for everything else, and goes on with that.
    Apart,
}

/// The account's customer, if Salesforce means the same one.
pub(super) fn known(
    plan: Plan,
    customer_id: CustomerId,
    is_apart: bool,
    named_by_salesforce: Option<CustomerId>,
    gone: Option<CustomerId>,
    basket: Basket,
) -> Point {
    if gone.as_ref() == Some(&customer_id) {
        let message = format!("Stripe takes no invoice for customer {customer_id}: look at it in Stripe's dashboard.");
        return Point::claimed(plan).stopped(Stop::refused(Code::StripeRefused, message));
    }
    if is_apart && !planted!(GivesItAway) {
        return billing(plan, customer_id, Linked::Apart, basket);
    }
    let is_linked = named_by_salesforce.as_ref() == Some(&customer_id);
    match named_by_salesforce {
        Some(named_by_salesforce) if !is_linked && gone.as_ref() != Some(&named_by_salesforce) => {
            Point::NamedOtherwise { plan, customer_id, named_by_salesforce, basket }
        }
        _ => billing(plan, customer_id, if is_linked { Linked::Yes } else { Linked::No }, basket),
    }
}

/// Everything is known that the deal is billed with.
pub(super) fn billing(plan: Plan, customer_id: CustomerId, linked: Linked, basket: Basket) -> Point {
    let (account_is_linked, is_apart) = (linked != Linked::No, linked == Linked::Apart);
    if plan.subscription.is_some() && plan.renews.is_none() {
        return subscription::priced(Start { plan, customer_id, account_is_linked, is_apart, basket }, false);
    }
    Point::CustomerKnown {
        plan,
        customer_id,
        account_is_linked,
        is_apart,
        interrupted: false,
        basket,
        is_charged: None,
    }
}

/// Stripe does not take the deal's subscription for this customer: it gets one of its own, unless this is it.
pub(super) fn currencies_combined(start: Start, why: Stop) -> Point {
    if why.code != Code::CurrenciesCombined || planted!(CombinesForNobody) {
        return Point::claimed(start.plan).stopped(why);
    }
    if !start.is_apart {
        let apart = Apart::of(&start.plan);
        return Point::CurrencyTaken { opportunity_id: start.plan.opportunity_id, apart };
    }
    let message = format!(
        "Stripe customer {} has the account's subscriptions in {}. {}",
        start.customer_id,
        start.plan.total.currency(),
        why.message
    );
    Point::claimed(start.plan).stopped(Stop { message, ..why })
}

fn differs(customer_id: &CustomerId, named_by_salesforce: &CustomerId) -> Stop {
    let message = format!(
        "The account names Stripe customer {named_by_salesforce}, and its deals were billed to {customer_id}: empty Stripe \
         Customer Id on the account to go on with {customer_id}, or write {customer_id} there."
    );
    Stop::review(Code::CustomerDiffers, message)
}
