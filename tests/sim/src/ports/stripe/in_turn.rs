//! Where Stripe takes only so much: what `stripe::Client` does before a request and after it. Where it takes everything, nothing.

use std::rc::Rc;

use super::StripePort;
use crate::faults::Operation;
use crate::limits;
use crate::ports::LedgerPort;
use crate::world::Sim;

impl StripePort {
    /// What the request counts as, if anything is counted.
    pub(super) fn endpoint(&self, operation: Operation, about: &str) -> Option<String> {
        self.0.sim.limits.as_ref().map(|_| limits::endpoint(operation, about))
    }

    /// Whether the request's turn has come.
    pub(super) async fn takes_turn(&self, endpoint: Option<&str>) -> bool {
        let Some(endpoint) = endpoint.filter(|_| self.waits()) else { return true };
        let turns = engine::turns(limits::STRIPE_PER_SECOND);
        match self.line().turn(endpoint, turns, self.0.now()).await {
            Ok(None) => false,
            Ok(Some(wait)) => {
                self.0.sleep(i64::try_from(wait.as_millis()).unwrap_or(0)).await;
                true
            }
            Err(_) => true,
        }
    }

    /// Stripe was asked too often there. If that cannot be said, the next one who is refused says it.
    pub(super) async fn rest(&self, endpoint: Option<&str>) {
        if let Some(endpoint) = endpoint.filter(|_| self.waits()) {
            let _ = self.line().rest(endpoint, engine::REST, self.0.now()).await;
        }
    }

    fn waits(&self) -> bool {
        self.0.in_turn.get() && self.0.sim.limits.as_ref().is_some_and(|limits| limits.borrow().are_waited_for)
    }

    fn line(&self) -> ledger::Ledger<LedgerPort> {
        ledger::Ledger::over(LedgerPort(Rc::clone(&self.0)))
    }
}

/// Whether Stripe takes one more there.
pub(super) fn takes(sim: &Sim, endpoint: Option<&str>) -> bool {
    let limits = sim.limits.as_ref().zip(endpoint);
    limits.is_none_or(|(limits, endpoint)| limits.borrow_mut().takes(endpoint, sim.now_ms()))
}
