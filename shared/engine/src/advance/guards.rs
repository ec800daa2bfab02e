//! What is asked before anything is sent: whether there is time, whether the operator lets it, and whether what was sent before has
//! come to rest.

use domain::Money;
use jiff::Timestamp;
use ledger::Control;
use workflow::{Call, Intent, Operation};

use super::{Work, ledger_pause};
use crate::{Engine, Errand, LAST_CALL, Ledger, Pace, Pause, QUIESCENCE, STOPPED_BY_OPERATOR, World};

impl<W: World> Engine<W> {
    /// The last thing before anything is sent: the switch is off, and there is time left. A look or a slow save may have
    /// taken long.
    pub(super) async fn guard(&self, work: &mut Work, errand: &Errand<'_>) -> Result<(), Pause> {
        if let Err(pause) = self.allowed().await {
            return self.give_back(work, pause).await;
        }
        self.enough_time(work, errand).await
    }

    /// What the operator decided, unless that is to stop.
    pub(crate) async fn allowed(&self) -> Result<Control, Pause> {
        let control = self.ledger.control(self.now()).await.map_err(|error| ledger_pause(&error))?;
        match control.stopped {
            Some(reason) if !planted!(IgnoresTheSwitch) => Err(Pause::backoff(STOPPED_BY_OPERATOR, reason)),
            _ => Ok(control),
        }
    }

    /// The ceiling that keeps an invoice from being sent, if one does. What may already be sent is not held up: it has to be
    /// found out.
    pub(super) async fn ceiling_of(&self, work: &mut Work, call: &Call) -> Result<Option<(Money, Money)>, Pause> {
        // Stripe sends a subscription's first invoice by itself if nobody holds it within the hour.
        let (total, is_approved, operation) = match call {
            Call::SendInvoice { total, is_approved, .. } => (*total, *is_approved, Operation::SendInvoice),
            // What replaces it would wait for an approval while the customer has neither.
            Call::VoidInvoice { total, is_approved, .. } => (*total, *is_approved, Operation::VoidInvoice),
            Call::CreditInvoice(credit) => (credit.total, credit.is_approved, Operation::CreditInvoice),
            Call::RenewSubscription(_) if planted!(RenewsUnapproved) => return Ok(None),
            // Stripe bills it by itself from then on.
            Call::RenewSubscription(extension) => {
                (extension.total, extension.is_approved, Operation::RenewSubscription)
            }
            Call::CreateSubscription(_) if planted!(BeginsUnapproved) => return Ok(None),
            Call::CreateSubscription(new) => {
                let total = new.to_be_approved(self.now());
                (total, new.plan.is_approved_for(total), Operation::CreateSubscription)
            }
            _ => return Ok(None),
        };
        if work.run.intents.get(&operation).is_some_and(Intent::is_open) {
            return Ok(None);
        }
        match self.allowed().await {
            Ok(control) => {
                let ceiling = control.ceiling_below(total);
                Ok(ceiling.filter(|_| !is_approved && !planted!(IgnoresTheCeiling)).map(|ceiling| (ceiling, total)))
            }
            Err(pause) => self.give_back(work, pause).await,
        }
    }

    /// What must come after every older change waits until none can be under way any more. What may already be sent is not held up.
    pub(super) async fn quiet(&self, work: &mut Work, operation: Operation) -> Result<(), Pause> {
        let may_be_sent = work.run.intents.get(&operation).is_some_and(Intent::is_open);
        match waits_until(operation, may_be_sent, work.run.quiet_at, self.now()) {
            Some(quiet_at) if !planted!(SendsWithoutQuiet) => {
                let pause = Pause::new(Pace::NotBefore(quiet_at), QUIESCENCE, "an older change may be under way");
                self.give_back(work, pause).await
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn enough_time(&self, work: &mut Work, errand: &Errand<'_>) -> Result<(), Pause> {
        if errand.deadline.duration_since(self.now()) < LAST_CALL && !planted!(IgnoresTheDeadline) {
            return self.give_back(work, Pause::new(Pace::Now, "out_of_time", "the next invocation goes on")).await;
        }
        Ok(())
    }
}

/// Until when this is not sent, if it has to wait.
pub(super) fn waits_until(
    operation: Operation,
    may_be_sent: bool,
    quiet_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let comes_last = matches!(
        operation,
        Operation::SendInvoice
            | Operation::CreateSubscription
            | Operation::UpdateCustomer
            | Operation::AddTaxId
            | Operation::RemoveTaxId
            | Operation::EndSubscription
    );
    quiet_at.filter(|quiet_at| comes_last && !may_be_sent && now < *quiet_at)
}
