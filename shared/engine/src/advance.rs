//! The loop: ask the run what to do, do it, record what came of it, save, repeat.

use jiff::SignedDuration;
use ledger::{Begun, CallEntry, Claim, Held, LedgerError, Release, Reopen};
use mapping::Stop;
use workflow::{
    Call, End, Fact, Intent, Next, Operation, Refusal, Run, RunId, State, account_customer, opportunity_won,
};

use crate::intent::{Trust, decided, doubted_since, quiet_at, trust};
use crate::look::Look;
use crate::perform::{Key, Performed};
use crate::{
    Clock, Engine, Errand, LAST_CALL, LEASE_MARGIN, Ledger, Pace, Pause, QUIESCENCE, RUN_IS_HELD, World, write,
};

/// How long a run waits for the other side before it becomes a person's business.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// A run of 250 lines takes a dozen calls. One that takes hundreds is going in circles, and is given back to be seen.
const MOST_STEPS: u32 = 200;

const LEDGER_IS_NEWER: &str = "ledger_is_newer";

/// A run that is ours, with what has happened since it was last saved.
struct Work {
    held: Held,
    run: Run,
    calls: Vec<CallEntry>,
    is_saved: bool,
}

impl<W: World> Engine<W> {
    /// Brings a run to its end and returns it, or says why it pauses. Whoever calls it, and however often: there is no
    /// other way to work on a run.
    pub(crate) async fn advance(&self, seed: Run, errand: &Errand<'_>) -> Result<Run, Pause> {
        let control = self.allowed().await?;
        let now = self.now();
        // One that was frozen until its time was over must not take a run only to put it down: its message may be gone.
        if errand.deadline.duration_since(now) < LAST_CALL && !planted!(IgnoresTheDeadline) {
            return Err(Pause::new(Pace::Now, "out_of_time", "the next invocation takes the run"));
        }
        self.has_room(&seed)?;
        let is_child = matches!(seed.id, RunId::AccountCustomer { .. });
        let is_doubted =
            matches!(seed.state, State::AccountCustomer(account_customer::Point::Named { doubted: true, .. }));
        let claim = Claim {
            owner: errand.owner.clone(),
            reopen: match (&errand.envelope.parked, is_child) {
                _ if is_doubted => Reopen::Always,
                (_, true) if planted!(NewcomersBeginAnew) => Reopen::Always,
                (_, true) => Reopen::UnlessDone,
                (Some(_), false) => Reopen::Always,
                (None, false) => Reopen::ForNewEvent(errand.envelope.id.clone()),
            },
            now,
            lease_until: match errand.deadline.saturating_add(LEASE_MARGIN) {
                _ if planted!(LeaseOfAMoment) => now,
                Ok(lease_until) => lease_until,
                Err(_) => errand.deadline,
            },
            restored: control.restored,
        };
        let mut begun = self.ledger.begin(seed.clone(), &claim).await;
        // One that has ended is taken up again for what Salesforce says otherwise of it by now.
        if matches!(&begun, Ok(Begun::Answered(run)) if has_news(run, &seed)) {
            begun = self.ledger.begin(seed.clone(), &Claim { reopen: Reopen::Always, ..claim }).await;
        }
        let held = match begun.map_err(|error| ledger_pause(&error))? {
            Begun::Held(held) => *held,
            Begun::Busy { until } => {
                return Err(Pause::new(Pace::Held { until }, RUN_IS_HELD, format!("{} is being worked on", seed.id)));
            }
            Begun::Answered(run) => return Ok(*run),
        };
        let mut work = Work { run: held.stored.run.clone(), held, calls: Vec::new(), is_saved: true };
        // Nor must one that was frozen while it took it: an ended run is given back as an ended one. Unless it has to be looked at
        // because of a restore: that it was taken is written down, and a run that is left open is taken again.
        if work.run.restored.is_none() {
            self.enough_time(&mut work, errand).await?;
        }
        work.run = if errand.envelope.parked.is_some() { work.run.asked_for() } else { work.run };
        work.run = if work.held.is_new { work.run } else { work.run.take_up(seed) };
        work.run = work.run.taken(errand.queued.map(|queued| queued.taken_at));
        if let Err(pause) = self.open_rulebook(&work.run).await {
            return self.give_back(&mut work, pause).await;
        }
        for _ in 0..MOST_STEPS {
            if let Some(end) = self.step(&mut work, errand).await? {
                tracing::info!(
                    run.id = %work.run.id,
                    run.point = work.run.point(),
                    run.code = match &end { End::Done => "done", End::Resting { .. } => "resting", End::Stopped(stop) => stop.code.as_str() },
                    "run ended"
                );
                return Ok(work.run);
            }
        }
        self.give_back(&mut work, Pause::backoff("going_in_circles", "the run takes more steps than any should")).await
    }

    /// One step. `Some` when the run has ended and is saved.
    async fn step(&self, work: &mut Work, errand: &Errand<'_>) -> Result<Option<End>, Pause> {
        if is_written_down_first(&work.held.stored.run, &work.run) {
            self.save(work, Release::Keep).await?;
        }
        match work.run.next() {
            Next::End(end) => {
                // As if it had died here: what is saved as ended is nobody's business any more, and what follows from it would be lost.
                self.announce(&mut work.run, errand).await?;
                work.run.answer(&errand.envelope.id);
                let release = match &end {
                    // Whoever finds it due then brings it back.
                    End::Resting { until } => Release::Until(*until),
                    End::Done | End::Stopped(_) => Release::Now,
                };
                self.save(work, release).await?;
                return Ok(Some(end));
            }
            Next::Wait(stop) => self.wait(work, stop).await?,
            Next::EnsureCustomer(wanted) => match self.ensure_customer(wanted, errand).await {
                Ok(fact) => self.record(work, fact)?,
                Err(pause) => return self.give_back(work, pause).await,
            },
            Next::Call(call) => self.call(work, &call, errand).await?,
        }
        Ok(None)
    }

    async fn call(&self, work: &mut Work, call: &Call, errand: &Errand<'_>) -> Result<(), Pause> {
        self.enough_time(work, errand).await?;
        if let Some(operation) = call.operation() {
            self.quiet(work, operation).await?;
        }
        if let Some((ceiling, total)) = self.ceiling_of(work, call).await? {
            return self.record(work, Fact::NotApproved { ceiling, total });
        }
        let performed = match call.operation() {
            Some(operation) => match self.ready(work, call, operation).await? {
                Ready::Send => {
                    match call {
                        // What keeps an invoice from being sent is done in spite of the switch.
                        Call::HoldInvoice { .. } => self.enough_time(work, errand).await?,
                        _ => self.guard(work, errand).await?,
                    }
                    let intent = work.run.intents.get(&operation).expect("it was saved a moment ago");
                    self.send(call, operation, intent).await
                }
                Ready::Answered(fact) => {
                    work.calls.push(self.adopted(call, &fact));
                    settle(&mut work.run, operation);
                    return self.record(work, *fact);
                }
            },
            None => {
                if matches!(call, Call::Tell { .. }) {
                    // From what is saved now on it may have been said, so whatever keeps it from being said is asked first.
                    self.guard(work, errand).await?;
                    work.run = work.run.clone().sending(self.now());
                    work.is_saved = false;
                }
                if call.is_write() {
                    self.save(work, Release::Keep).await?;
                    self.guard(work, errand).await?;
                }
                self.perform(call, &work.run, errand).await
            }
        };
        self.take_in(work, call, performed).await
    }

    /// Makes sure that the intent of a write is saved, and that sending it cannot do it twice.
    async fn ready(&self, work: &mut Work, call: &Call, operation: Operation) -> Result<Ready, Pause> {
        let open = work.run.intents.get(&operation).filter(|intent| intent.is_open()).cloned();
        let look_since = match &open {
            None => doubted_since(&work.run, operation),
            Some(intent) => match in_time(call, trust(intent, &work.run, self.now()), intent, self.now()) {
                Trust::SameKey => {
                    self.save(work, Release::Keep).await?;
                    return Ok(Ready::Send);
                }
                Trust::Wait { until } => {
                    let pause = Pause::new(Pace::NotBefore(until), QUIESCENCE, "a request may still be under way");
                    return self.give_back(work, pause).await;
                }
                Trust::Look => Some(intent.first_sent),
            },
        };
        let call = match look_since {
            None => call.clone(),
            Some(since) => match self.look(&work.run, call, since).await {
                Ok(Look::Found(fact)) => return Ok(Ready::Answered(Box::new(fact))),
                // What was seen before it was to begin is as old as its intent.
                Ok(Look::NotFound(Call::CreateSubscription(_))) if open.is_some() && !planted!(BeginsAfterAll) => {
                    work.run.retire(operation);
                    return Ok(Ready::Answered(Box::new(Fact::SubscriptionNotBegun)));
                }
                // So are the deal and the subscription as they were when it was to be renewed.
                Ok(Look::NotFound(Call::RenewSubscription(_) | Call::EndSubscription { .. })) if open.is_some() => {
                    work.run.retire(operation);
                    return Ok(Ready::Answered(Box::new(Fact::SubscriptionNotRenewed)));
                }
                // So is what the deal was when its invoice was to be voided or credited.
                Ok(Look::NotFound(Call::VoidInvoice { .. } | Call::CreditInvoice(_))) if open.is_some() => {
                    work.run.retire(operation);
                    return Ok(Ready::Answered(Box::new(Fact::InvoiceNotVoided)));
                }
                Ok(Look::NotFound(call)) => call,
                Err(pause) => return self.give_back(work, pause).await,
            },
        };
        // What was answered once is not asked under the same key again: the answer was for another time.
        work.run.retire(operation);
        let write = write::write(&call, &work.run.id, &self.scope).expect("a call with an operation is a write");
        let intent = self.scope.intent(&work.run, operation, write, self.now());
        work.run.intents.insert(operation, intent);
        work.is_saved = false;
        if !planted!(SendsBeforeSaving) {
            self.save(work, Release::Keep).await?;
        }
        Ok(Ready::Send)
    }

    async fn take_in(&self, work: &mut Work, call: &Call, performed: Performed) -> Result<(), Pause> {
        let Performed { result, entry, key } = performed;
        tracing::info!(
            run.id = %work.run.id,
            run.point = work.run.point(),
            call.name = %entry.call,
            call.target = entry.target.as_deref(),
            call.outcome = %entry.outcome,
            call.request_id = entry.request_id.as_deref(),
            call.duration_ms = entry.duration_ms,
            "called {}", entry.system
        );
        work.calls.push(entry);
        work.is_saved = false;
        if let Some(operation) = call.operation() {
            match key {
                Key::Settled => settle(&mut work.run, operation),
                Key::Retired => work.run.retire(operation),
                Key::Open { is_spent, is_ambiguous } => {
                    if let Some(intent) = work.run.intents.get_mut(&operation) {
                        intent.last_sent = self.now();
                        if planted!(CountsFromTheLastSend) {
                            intent.first_sent = intent.last_sent;
                        }
                        intent.replays_error |= is_spent;
                        intent.ambiguous |= is_ambiguous;
                    }
                }
            }
        }
        match result {
            Ok(fact) => self.record(work, fact),
            Err(pause) => self.give_back(work, pause).await,
        }
    }

    fn record(&self, work: &mut Work, fact: Fact) -> Result<(), Pause> {
        let run = self.going_by(&work.run, |settings| work.run.clone().record(fact, settings));
        work.run = run.map_err(|error| Pause::backoff("out_of_order", error))?;
        work.is_saved = false;
        Ok(())
    }

    async fn wait(&self, work: &mut Work, stop: Stop) -> Result<(), Pause> {
        let since = match &work.run.state {
            // Each time that there is something to tell has a day of its own.
            State::Notification(point) => point.unsaid_since(),
            _ => work.held.stored.waiting_since,
        };
        let since = since.unwrap_or(self.now());
        if self.now().duration_since(since) >= PATIENCE {
            return self.record(work, Fact::Refused(Refusal { stop }));
        }
        work.is_saved = false;
        self.save(work, Release::Waiting).await?;
        Err(Pause::backoff(stop.code.as_str(), "the other side is not there yet"))
    }

    async fn save(&self, work: &mut Work, release: Release) -> Result<(), Pause> {
        if work.is_saved && release == Release::Keep {
            return Ok(());
        }
        let now = self.clock.now();
        let saved = self.ledger.save(&mut work.held, work.run.clone(), &work.calls, release, now).await;
        saved.map_err(|error| ledger_pause(&error))?;
        work.calls.clear();
        work.is_saved = true;
        Ok(())
    }

    /// Saves what is known and frees the run. If even that fails, the lease's end frees it; so it does in a table that a newer
    /// version has written to, and that is not written to any more.
    async fn give_back<T>(&self, work: &mut Work, pause: Pause) -> Result<T, Pause> {
        if pause.code == LEDGER_IS_NEWER {
            return Err(pause);
        }
        work.is_saved = false;
        let release = match pause.pace {
            Pace::Held { until } => Release::Until(until),
            Pace::Now | Pace::Backoff | Pace::NotBefore(_) => Release::Now,
        };
        self.save(work, release).await?;
        Err(pause)
    }
}

/// What comes too late is not sent again, whatever its key says: it is looked for, when no request is under way any more.
fn in_time(call: &Call, trust: Trust, intent: &Intent, now: jiff::Timestamp) -> Trust {
    let latest = match call {
        Call::RenewSubscription(extension) => Some(extension.latest),
        Call::EndSubscription { latest, .. } => Some(*latest),
        _ => None,
    };
    match (call, trust) {
        (_, Trust::SameKey) if latest.is_some_and(|latest| now >= latest) => {
            let quiet_at = quiet_at(intent);
            if now < quiet_at { Trust::Wait { until: quiet_at } } else { Trust::Look }
        }
        // The deal, the money and the subscription are as they were when it was decided, and not for long.
        (Call::RenewSubscription(_) | Call::EndSubscription { .. } | Call::CreditInvoice(_), Trust::SameKey) => {
            decided(intent, now)
        }
        (_, trust) => trust,
    }
}

enum Ready {
    Send,
    /// A look has answered it: it had happened before, or it is not to happen.
    Answered(Box<Fact>),
}

/// An attempt whose answer never came may still arrive, even where a later one was answered: on the lines of a draft and in what a
/// customer is told that would show, and is waited for before the draft is sent, or anything newer is told.
fn settle(run: &mut Run, operation: Operation) {
    let Some(intent) = run.intents.get_mut(&operation) else { return };
    intent.settle();
    let changes_values = matches!(
        operation,
        Operation::AddLines { .. }
            | Operation::CorrectLines { .. }
            | Operation::UpdateCustomer
            | Operation::AddTaxId
            | Operation::EndSubscription
    );
    if intent.ambiguous && changes_values {
        run.quiet_at = run.quiet_at.max(Some(quiet_at(intent)));
    }
}

/// Whether what was found out is saved before anything else is done. An invoice or a customer that is gone is given up in the ledger
/// before another one takes its place, wherever that comes from: a register never changes from one id to another. And that the
/// customer is gone is not asked again when what comes next takes long: finding another one is another run's business.
fn is_written_down_first(stored: &Run, run: &Run) -> bool {
    match &run.state {
        // One that is only doubted is still the account's own.
        State::AccountCustomer(account_customer::Point::Unknown { .. }) => stored.customer_id().is_some(),
        State::OpportunityWon(
            opportunity_won::Point::CustomerGone { .. } | opportunity_won::Point::CurrencyTaken { .. },
        ) if stored.state != run.state => true,
        _ => stored.invoice_id().is_some() && run.invoice_id().is_none() && !planted!(ChangesRegisters),
    }
}

/// Whether a deal that comes along says something of its customer that Stripe has not been told, or asks for another one beside it.
pub(crate) fn has_news(there: &Run, newcomer: &Run) -> bool {
    match (&there.state, &newcomer.state) {
        (State::AccountCustomer(of_there), State::AccountCustomer(of_newcomer)) => {
            of_there.has_news_from(of_newcomer) || !newcomer.apart.is_subset(&there.apart)
        }
        _ => false,
    }
}

pub(crate) fn ledger_pause(error: &LedgerError) -> Pause {
    match error {
        // The newcomer is at work, and is done in a moment.
        LedgerError::Lost => Pause::backoff(RUN_IS_HELD, error),
        LedgerError::Unavailable(_) => Pause::backoff("ledger_unavailable", error),
        LedgerError::LinkTaken(_) => Pause::backoff("link_taken", error),
        LedgerError::RegisterChanged { .. } => Pause::backoff("register_changed", error),
        LedgerError::Newer(_) => Pause::backoff(LEDGER_IS_NEWER, error),
        LedgerError::Unreadable { .. } => Pause::backoff("ledger_unreadable", error),
    }
}

mod customers;
mod guards;
#[cfg(test)]
mod tests;
