//! What is promised of a subscription that the deal says the end of.

use super::ended::Deal;
use crate::model::Models;
use crate::model::bill::Bill;
use crate::model::count;
use crate::model::stripe::{Subscription, day_after};

impl Models {
    /// It ends with its term, or on the day that the opportunity says. After a restore the ledger does not know what Stripe was told since.
    pub(super) fn ends_when_the_deal_says(&mut self, deal: &Deal<'_>, bill: &Bill, subscription: &Subscription) {
        let Some(term) = &bill.term else { return };
        let of_term = term.periods.map(|_| day_after(term.start, term.months()));
        let on = deal.opportunity.cancel_on.map(|day| day_after(day, 0));
        if subscription.canceled_by.is_some() || deal.ended.restores > 0 {
            return;
        }
        let (ends_at, wanted) = (subscription.ends_at, on.or(of_term));
        if ends_at != wanted {
            self.broken(
                deal,
                "it_ends_when_the_deal_says",
                format!("it ends at {ends_at:?}, the deal says {wanted:?}"),
            );
        } else if on.is_some() && on != of_term {
            count(&mut self.facts, "a subscription ends before its term does");
        }
    }
}
