//! Who goes first where Salesforce's calls of the day run short.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use salesforce::ApiUsage;
use workflow::{Run, State};

use crate::convert::LIMIT_PAUSE;
use crate::{Clock, Engine, Pace, Pause, Salesforce, World};

/// What waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Invoices, what came in for them and what did not, and what people are told of that.
    Money,
    /// What only tells how something stands.
    Mirror,
}

fn lane(run: &Run) -> Lane {
    match &run.state {
        // A bank does not wait.
        State::InvoiceChanged(point) if point.is_urgent() => Lane::Money,
        State::InvoiceChanged(_) | State::SubscriptionChanged(_) => Lane::Mirror,
        // People are to hear of what runs short, too; without the deal's name if need be.
        State::Notification(_)
        | State::OpportunityWon(_)
        | State::AccountCustomer(_)
        | State::InvoicePaid(_)
        | State::PaymentFailed(_) => Lane::Money,
    }
}

/// What was heard of the day's calls last, and since when nothing newer was.
#[derive(Debug, Default)]
pub struct Room(Mutex<Option<(ApiUsage, Timestamp)>>);

impl Room {
    /// Since when nothing else was heard.
    fn heard(&self, usage: ApiUsage, now: Timestamp) -> Timestamp {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *heard {
            Some((before, since)) if before == usage => since,
            _ => {
                *heard = Some((usage, now));
                now
            }
        }
    }

    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl<W: World> Engine<W> {
    /// A share of the organization's daily API calls is left for money: whatever else asks Salesforce waits while less than that is left, as
    /// of the last answer. A worker that has not asked yet does not know, and learns it by its first call; and so does one that has not
    /// heard anything for a while, in which calls may have come free.
    pub(crate) fn has_room(&self, run: &Run) -> Result<(), Pause> {
        let Some(usage) = self.salesforce.usage().filter(|_| lane(run) == Lane::Mirror) else { return Ok(()) };
        let open = u64::from(100_u8.saturating_sub(self.settings.salesforce_reserve));
        let now = self.clock.now();
        let since = self.room.heard(usage, now);
        if u64::from(usage.used) * 100 < u64::from(usage.max) * open {
            return Ok(());
        }
        if now.duration_since(since) >= LIMIT_PAUSE {
            // This one asks, and the others wait for what it hears.
            self.room.forget();
            return Ok(());
        }
        let until = now.saturating_add(LIMIT_PAUSE).unwrap_or(now);
        let used = format!("{} of {} API calls of the day are used", usage.used, usage.max);
        Err(Pause::new(Pace::NotBefore(until), "salesforce_reserve", used))
    }
}
