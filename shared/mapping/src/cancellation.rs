//! Subscriptions that end before their term does.

use domain::Record;
use jiff::civil::Date;

use crate::{Code, Plan, Settings, Stop, Subscriptions};

/// On the opportunity that a subscription was begun or renewed by: the first day that is not billed any more.
pub const CANCEL_ON: &str = "Stripe_Cancel_On__c";

/// Where nothing is a subscription the field may not exist.
pub(crate) fn opportunity_fields(settings: &Settings) -> Vec<&'static str> {
    if settings.subscriptions == Subscriptions::Off { vec![] } else { vec![CANCEL_ON] }
}

pub fn canceled_on(opportunity: &Record) -> Option<Date> {
    opportunity.text(CANCEL_ON)?.parse().ok()
}

/// What is to begin has a term that says how long it is. A renewal may have been made, which its subscription tells.
pub(crate) fn is_to_go_on(plan: &Plan) -> Result<(), Stop> {
    match plan.canceled_on.filter(|_| plan.subscription.is_some() && plan.renews.is_none()) {
        None => Ok(()),
        Some(day) => {
            let message = format!(
                "The opportunity says that its subscription is canceled on {day}, and that has not begun: empty Stripe Cancel On, and correct \
                 the term."
            );
            Err(Stop::refused(Code::TermNotBillable, message))
        }
    }
}
