//! How it ends with an invoice and its subscription, before anybody is told.

use std::rc::Rc;

use domain::{Followed, InvoiceId, SubscriptionId};
use engine::PassKind;
use mapping::CasePolicy;

use super::{HOUR_MS, MINUTE_MS, pass_time};
use crate::crashes::Story;
use crate::executor::timestamp;
use crate::limits::Limits;
use crate::options::Mode;
use crate::random::Random;
use crate::reconciler;
use crate::run::{Plan, START_MS, begin as begin_world, plan_act};
use crate::scenario::Act;
use crate::world::Sim;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// After two payments that failed.
    Paid,
    Void,
    /// The subscription; its invoice is open still.
    Canceled,
    /// A payment failed, and nothing came after it.
    Unpaid,
}

/// What everything is about.
#[derive(Debug)]
pub(super) struct Objects {
    pub(super) invoice: InvoiceId,
    pub(super) subscription: SubscriptionId,
}

/// A deal that is sold for a year, and nobody has won yet. Nothing goes wrong; deals and failures go before what comes by the thousand.
pub(super) fn begin() -> Rc<Sim> {
    let mut scenario = Story::Told.scenario(timestamp(START_MS));
    scenario.settings.payment_cases = Some(CasePolicy::default());
    scenario.settings.followed = Followed::everything();
    scenario.models.stripe.payments_fail = true;
    scenario.acts.clear();
    begin_world(Plan::new(1, Mode::Calm), Random::new(1), scenario, None, Some(Limits::new(false)))
}

impl End {
    pub const ALL: [Self; 4] = [Self::Paid, Self::Void, Self::Canceled, Self::Unpaid];

    pub fn name(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Void => "void",
            Self::Canceled => "canceled",
            Self::Unpaid => "unpaid",
        }
    }

    /// The deal is won and billed, and that becomes of it. Stripe makes no event of it: what is told comes from whoever tells.
    pub(super) fn happens(self, sim: &Rc<Sim>) -> Result<Objects, String> {
        reconciler::start(sim, PassKind::Sweep);
        let deal = sim.models.borrow().salesforce.opportunities().next().map(|deal| deal.id.clone());
        let deal = deal.ok_or("there is no deal")?;
        plan_act(sim, timestamp(START_MS + MINUTE_MS), Act::Win(deal.clone()));
        pass_time(sim, HOUR_MS);
        let (now, models) = (sim.now(), &mut *sim.models.borrow_mut());
        let billed = models.salesforce.opportunity(&deal).ok_or("the deal is gone")?;
        let invoice = billed.invoice_id.as_deref().and_then(|id| InvoiceId::parse(id).ok());
        let subscription = billed.subscription_id.as_deref().and_then(|id| SubscriptionId::parse(id).ok());
        let (invoice, subscription) = invoice.zip(subscription).ok_or("the deal is not billed")?;
        let stripe = &mut models.stripe;
        let is_done = match self {
            Self::Paid => {
                let fails = (0..2).all(|_| stripe.fail_payment(now, &invoice));
                fails && stripe.pay(now, &invoice)
            }
            Self::Void => stripe.void(now, &invoice),
            Self::Canceled => stripe.cancel_by_hand(now, deal.as_str()),
            Self::Unpaid => stripe.fail_payment(now, &invoice),
        };
        for event in stripe.take_events() {
            stripe.forget_event(&event.id);
        }
        is_done.then_some(Objects { invoice, subscription }).ok_or_else(|| format!("it cannot be {}", self.name()))
    }
}
