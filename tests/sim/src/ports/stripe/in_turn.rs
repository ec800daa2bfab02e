//! Where Stripe takes only so much.

use std::rc::Rc;

use jiff::Timestamp;
use stripe::{Error, NoEffectReason, UnknownReason};

use super::{Outcome, Request, StripePort, arrive, no_effect, unknown};
use crate::faults::Operation;
use crate::limits;
use crate::model;
use crate::ports::LedgerPort;

impl StripePort {
    /// As `stripe::Client` does it.
    pub(super) async fn call_in_turn<T>(
        &self,
        operation: Operation,
        about: String,
        effect: impl FnOnce(&mut model::Stripe, Timestamp) -> Result<T, Error> + 'static,
    ) -> Result<T, Error>
    where
        T: 'static,
        Result<T, Error>: Outcome,
    {
        let endpoint = limits::endpoint(operation, &about);
        let is_in_line = |limits: &std::cell::RefCell<limits::Limits>| limits.borrow().are_waited_for;
        let waits = self.0.in_turn.get() && self.0.sim.limits.as_ref().is_some_and(is_in_line);
        let ledger = ledger::Ledger::over(LedgerPort(Rc::clone(&self.0)));
        if waits {
            match ledger.turn(&endpoint, engine::turns(limits::STRIPE_PER_SECOND), self.0.now()).await {
                Ok(Some(wait)) => self.0.sleep(i64::try_from(wait.as_millis()).unwrap_or(0)).await,
                Ok(None) => return no_effect(NoEffectReason::RateLimited { limit: None }),
                Err(_) => {}
            }
        }
        let (request, at) =
            (Request { operation, about, unknown: || unknown(UnknownReason::Timeout) }, endpoint.clone());
        let answered = self.0.call(request, move |sim, fault| {
            let takes = |limits: &std::cell::RefCell<limits::Limits>| limits.borrow_mut().takes(&at, sim.now_ms());
            match sim.limits.as_ref().is_none_or(takes) {
                true => arrive(sim, fault, effect),
                false => no_effect(NoEffectReason::RateLimited { limit: Some("endpoint-rate".to_owned()) }),
            }
        });
        let answered = answered.await;
        if waits && matches!(&answered, Err(Error::NoEffect { reason: NoEffectReason::RateLimited { .. }, .. })) {
            let _ = ledger.rest(&endpoint, engine::REST, self.0.now()).await;
        }
        answered
    }
}
