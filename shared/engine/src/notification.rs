//! Who is told of what: when there is something to tell, and how it is said.

use std::collections::BTreeMap;

use domain::{Event, Money, OpportunityId};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use ledger::{Books, Statement, Sums};
use mapping::{Code, Digest, Notifications, Stop, Tidings, Totals, names_asking, names_query};
use queue::{Envelope, Source};
use workflow::{About, Call, Fact, Run, RunId, State, notification};

use crate::advance::ledger_pause;
use crate::triage::Triage;
use crate::{Clock, Engine, Errand, Ledger, Notifier, Outcome, Pause, RUN_IS_HELD, World};

/// Whatever is to be saved is by then, by clocks that differ.
const SAVED_WITHIN: SignedDuration = SignedDuration::from_hours(1);

impl<W: World> Engine<W> {
    /// What follows from a run that has come to an end is put on the queue before it is saved that it has: whoever comes after a death
    /// does it again, and once is enough.
    pub(crate) async fn announce(&self, ended: &mut Run, errand: &Errand<'_>) -> Result<(), Pause> {
        self.announce_subscription(ended).await?;
        self.announce_invoice(ended).await?;
        // It is remembered whether anybody wants to hear it or not: whoever wants to from tomorrow on is not told of yesterday.
        let Some((tells, count)) = ended.news() else { return Ok(()) };
        let is_wanted = self.hears().is_some_and(|policy| tells.is_wanted(policy));
        if !is_wanted || planted!(TellsNobody) {
            return Ok(());
        }
        let now = self.clock.now();
        let event = Event::NotificationDue { run: ended.id.to_string(), count, occurred_at: now };
        let id = format!("tells:{}:{count}:{}", ended.id, errand.envelope.id);
        self.enqueue(&[Envelope::new(id, Source::Worker, event, now)]).await
    }

    /// What people are told, where there is anybody to tell.
    fn hears(&self) -> Option<&Notifications> {
        self.settings.notifications.as_ref().filter(|policy| !policy.channels.is_empty())
    }

    /// One run for each place where people look.
    pub(crate) async fn notification(&self, key: &str, count: u32, occurred_at: Timestamp) -> Result<Triage, Pause> {
        let ignored = |code| Ok(Triage::Ended(Outcome::Ignored { code }));
        let Some(policy) = self.hears() else { return ignored("notifications_off") };
        let Some(run) = self.kept_as(key).await? else { return ignored("nothing_to_tell") };
        let told_count = run.told.as_ref().map_or(0, |told| told.count);
        // Whoever announced it may have died, or lost the run, before it was saved: then the run has come to another end since.
        let is_saved = told_count >= count || self.now().duration_since(occurred_at) > SAVED_WITHIN;
        match run.tells() {
            _ if !is_saved => Err(not_certain()),
            None if run.is_at_work() => Err(not_certain()),
            None => ignored("nothing_to_tell"),
            // What came after it has a message of its own.
            Some(_) if told_count > count => ignored("told_since"),
            Some(tells) if !tells.is_wanted(policy) => ignored("notifications_off"),
            Some(tells) => {
                let tidings = run.tidings(&tells);
                Ok(self.in_every_channel(policy, &About::Run { key: key.to_owned(), tells }, &tidings, told_count))
            }
        }
    }

    fn in_every_channel(&self, policy: &Notifications, about: &About, tidings: &Tidings, count: u32) -> Triage {
        let run = |channel: &mapping::Channel| {
            let organization_id = self.scope.organization_id.clone();
            let id = RunId::Notification { organization_id, channel: *channel, about: about.clone() };
            let point = notification::Point::claimed(*channel, about.clone(), tidings.clone(), count);
            Run::new(id, State::Notification(point))
        };
        Triage::Runs(policy.channels.iter().map(run).collect())
    }

    pub(crate) async fn digest(&self, day: Date) -> Result<Triage, Pause> {
        let ignored = |code| Ok(Triage::Ended(Outcome::Ignored { code }));
        let Some(policy) = self.hears().filter(|policy| policy.digests) else { return ignored("notifications_off") };
        match self.tidings_of(day).await? {
            Tidings::Nothing => ignored("nothing_to_tell"),
            tidings => Ok(self.in_every_channel(policy, &About::Day { day }, &tidings, 0)),
        }
    }

    async fn tidings_of(&self, day: Date) -> Result<Tidings, Pause> {
        let statement = self.ledger.statement(&self.scope.organization_id, day).await;
        let statement = statement.map_err(|error| ledger_pause(&error))?;
        Ok(statement.map_or(Tidings::Nothing, |statement| Tidings::Digest(Box::new(digest(&statement)))))
    }

    /// A run that was left open, as it would be begun now: what a notification is about may be mended since.
    pub(crate) async fn as_it_stands(&self, run: Run) -> Result<Run, Pause> {
        let RunId::Notification { about, channel, .. } = &run.id else { return Ok(run) };
        let is_to_hear = |policy: &Notifications| policy.channels.contains(channel) && about.is_wanted(policy);
        let (tidings, count) = match about {
            _ if !self.hears().is_some_and(is_to_hear) => (Tidings::Nothing, 0),
            About::Day { day } => (self.tidings_of(*day).await?, 0),
            About::Run { key, tells } => match self.kept_as(key).await? {
                // It may come to the same.
                Some(told) if told.is_at_work() && told.tells().is_none() => return Err(not_certain()),
                Some(run) => (run.tidings(tells), run.told.map_or(0, |told| told.count)),
                None => (Tidings::Nothing, 0),
            },
        };
        let point = notification::Point::claimed(*channel, about.clone(), tidings, count);
        Ok(Run::new(run.id, State::Notification(point)))
    }

    /// Whatever keeps the deal from being read, people are told without its name: where Salesforce is down or at its limit, they are told of
    /// that deal all the same.
    pub(crate) async fn read_names(&self, id: Option<&OpportunityId>) -> Fact {
        let read = match id {
            Some(id) => self.ask_for_rules(vec![names_asking(id, &self.settings)], &[names_query(id)]).await,
            None => Ok((Vec::new(), None)),
        };
        let (answers, unread) = read.unwrap_or_default();
        let deal = answers.into_iter().flatten().next();
        Fact::NamesRead { deal, unread, at: self.clock.now() }
    }

    /// What came of saying it. Where that is not simply that it was said, also how it is called in the call log, and why.
    pub(crate) async fn tell(&self, call: &Call, run: &Run) -> Result<Fact, (Fact, &'static str, String)> {
        let (Call::Tell { message }, RunId::Notification { channel, .. }) = (call, &run.id) else {
            unreachable!("{} is no way to tell anything", call.name())
        };
        match self.notifier.tell(*channel, message).await {
            Ok(()) => Ok(Fact::Told { at: self.clock.now() }),
            Err(error @ notify::Error::NotSent(_)) => {
                let message = format!("What people are told by {channel} does not reach them: {error}.");
                let stop = Stop::review(Code::NotificationNotSent, message);
                Err((Fact::NotTold { stop, at: self.clock.now() }, "no_effect", error.to_string()))
            }
            Err(error @ notify::Error::Unknown(_)) => Err((Fact::ToldPerhaps, "unknown", error.to_string())),
        }
    }

    /// Somebody is to be told of the day, now that its statement is kept.
    pub(crate) async fn announce_digest(&self, statement: &Statement) -> Result<(), Pause> {
        if !self.hears().is_some_and(|policy| policy.digests) {
            return Ok(());
        }
        let (now, day) = (self.clock.now(), statement.day);
        let event = Event::DigestDue { day, occurred_at: now };
        let envelope = Envelope::new(format!("digest:{day}"), Source::Reconciler, event, now);
        self.enqueue(&[envelope]).await
    }
}

fn not_certain() -> Pause {
    Pause::backoff(RUN_IS_HELD, "what there is to tell of it is not certain yet")
}

fn digest(statement: &Statement) -> Digest {
    Digest { day: statement.day, of_day: totals(&statement.of_day), of_month: totals(&statement.of_month) }
}

fn totals(books: &Books) -> Totals {
    let sums = |sums: &Sums| {
        let of = |(currency, sum): (&domain::Currency, &ledger::Sum)| {
            (sum.count, Money::from_minor_units(sum.minor_units, *currency))
        };
        sums.0.iter().map(of).collect()
    };
    let mut causes: BTreeMap<&str, u64> = BTreeMap::new();
    for difference in &books.differences {
        *causes.entry(&difference.cause).or_default() += 1;
    }
    let mut differences: Vec<_> = causes.into_iter().map(|(cause, count)| (cause.to_owned(), count)).collect();
    differences.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let unlisted = books.difference_count.saturating_sub(books.differences.len());
    if unlisted > 0 {
        differences.push(("others".to_owned(), u64::try_from(unlisted).unwrap_or(u64::MAX)));
    }
    Totals {
        deals: sums(&books.deals),
        invoices: sums(&books.invoices),
        paid: sums(&books.paid),
        under_way: sums(&books.under_way),
        later: sums(&books.later),
        differences,
    }
}
