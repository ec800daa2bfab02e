//! What Stripe does by itself, in the order of time: each at its own second, however far the clock was moved.

use super::invoices::transitions;
use super::schedules;
use super::state::State;
use super::subscriptions;

/// Whose time has come. Whether there is still something to do is for the object to say: it may have changed since.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    Invoice(String),
    /// Before its subscription: what a phase changes at a period's end counts for the next.
    Schedule(String),
    Subscription(String),
    Overdue(String),
}

pub fn run_until(state: &mut State, until: i64) {
    while let Some((at, due)) = state.timers.first().filter(|(at, _)| *at <= until).cloned() {
        state.timers.pop_first();
        state.now = state.now.max(at);
        let done = due.clone();
        match due {
            Due::Invoice(id) => transitions::due(state, &id),
            Due::Schedule(id) => schedules::due(state, &id),
            Due::Subscription(id) => subscriptions::time::due(state, &id),
            Due::Overdue(id) => transitions::overdue(state, &id),
        }
        // Whoever is not done with something must have a later time for it, or time would stand still.
        assert!(!state.timers.contains(&(at, done)), "a timer wakes itself");
    }
    state.now = state.now.max(until);
}
