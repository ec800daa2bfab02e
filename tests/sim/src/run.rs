//! One seed, from its first event to the verdict.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use domain::{Event, InvoiceId};
use jiff::SignedDuration;
use ledger::Item;
use planted::Bug;
use queue::Envelope;

use crate::crashes::{Rehearsal, Script};
use crate::executor::timestamp;
use crate::faults::{Counts, Faults};
use crate::guards::Guard;
use crate::invariants::Ended;
use crate::limits::Limits;
use crate::model::{Facts, Stripe, StripeEvent, Violation};
use crate::naive;
use crate::operator;
use crate::options::Mode;
use crate::random::Random;
use crate::reconciler;
use crate::rumours;
use crate::scenario::{ACTIVE, Act, People, Scenario};
use crate::trace::Trace;
use crate::world::{NOBODY, Parts, Sim};

/// 2026-11-02T00:00:00Z.
pub(crate) const START_MS: i64 = 1_793_577_600_000;
const HOUR_MS: i64 = 60 * 60 * 1000;

/// How long nothing goes wrong any more before it is judged what came of everything.
const QUIET_MS: i64 = 3 * 24 * HOUR_MS;

/// Deep passes come every three hours in the end. Two that run at once may both be broken off, and that twice.
const LONGEST_WITHOUT_DEEP_MS: i64 = 8 * HOUR_MS;

/// Which history, and how it is told.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    pub mode: Mode,
    /// A mistake that the code makes in this history.
    pub bug: Option<Bug>,
    /// Whether its lines are kept, for somebody to read.
    pub is_told: bool,
    /// A ledger whose conditions always hold: the harness has to notice.
    pub ledger_forgets_conditions: bool,
}

impl Plan {
    pub fn new(seed: u64, mode: Mode) -> Self {
        Self { seed, mode, bug: None, is_told: false, ledger_forgets_conditions: false }
    }

    fn judges(&self, rule: &str) -> bool {
        let is_asked_of_it = self.bug != Some(Bug::Naive) || naive::RULES.contains(&rule);
        is_asked_of_it && self.mode.judges(rule)
    }

    /// What is planted: the bug, and the guard that is off.
    fn bugs(&self) -> Vec<Bug> {
        self.mode.guard_off().map(Guard::bug).into_iter().chain(self.bug).collect()
    }

    pub fn told(self) -> Self {
        Self { is_told: true, ..self }
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub struct History {
    pub hash: u64,
    pub events: u64,
    pub virtual_ms: u64,
    pub counts: Counts,
    pub facts: Facts,
    pub violations: Vec<Violation>,
    pub lines: Vec<String>,
}

/// In one history of so many, accounts have tax ids.
const BUSINESSES: u64 = 4;

pub fn run(plan: Plan) -> History {
    let mut random = Random::new(plan.seed);
    let scenario = Scenario::generate(&mut random.fork(), timestamp(START_MS), People::default());
    let scenario = match plan.mode {
        mode if mode.renews() => {
            let start = timestamp(START_MS);
            scenario.with_terms(plan.seed, start).with_renewals(plan.seed, start)
        }
        mode if mode.fails() => scenario.with_terms(plan.seed, timestamp(START_MS)).with_failing_payments(plan.seed),
        mode if mode.has_terms() => scenario.with_terms(plan.seed, timestamp(START_MS)),
        mode if mode.credits() => scenario.with_amendments(plan.seed).with_credits(plan.seed),
        mode if mode.amends() => scenario.with_amendments(plan.seed),
        _ => scenario,
    };
    let scenario = if plan.seed % BUSINESSES == 3 { scenario.with_tax_ids() } else { scenario };
    // Only the reconciler notices.
    let scenario = match plan.mode.is_reconciled() {
        true => scenario.with_edited_accounts(plan.seed, timestamp(START_MS)),
        false => scenario,
    };
    let acts = scenario.acts.clone();
    let sim = begin(plan, random, scenario, None, None);
    tell(plan, &plan.bugs(), &sim, |sim| play(sim, acts))
}

/// A story by its script, with nothing left to chance but how long things take.
pub fn rehearse(script: Script, is_told: bool) -> Rehearsal {
    rehearse_with(script, is_told, &[])
}

pub fn rehearse_with(script: Script, is_told: bool, bugs: &[Bug]) -> Rehearsal {
    let plan = Plan { is_told, ..Plan::new(SCRIPTED, Mode::Calm) };
    let scenario = script.story.scenario(timestamp(START_MS));
    let acts = scenario.acts.clone();
    let sim = begin(plan, Random::new(SCRIPTED), scenario, Some(script), None);
    let history = tell(plan, bugs, &sim, |sim| play_script(sim, acts, script));
    Rehearsal { history, calls: sim.calls.take() }
}

/// The seed of what a script leaves to chance.
const SCRIPTED: u64 = 1;

/// How long a script's history is: two deaths with a day after each, days for what is paid twice a day, and rest.
const SCRIPT_MS: i64 = 9 * 24 * HOUR_MS;

fn play_script(sim: &Rc<Sim>, acts: Vec<(jiff::Timestamp, Act)>, script: Script) {
    for (at, act) in acts {
        plan_act(sim, at, act);
    }
    if !script.story.is_told() {
        reconciler::schedule_hourly(sim, 8, START_MS + SCRIPT_MS);
    }
    sim.after(5 * 24 * HOUR_MS, |sim| sim.redrive(|letter| letter.code.is_none()));
    sim.run_until(START_MS + SCRIPT_MS);
    judge(sim);
    let mut models = sim.models.borrow_mut();
    if let Err(why) = script.story.ends_well(&models, &sim.queue.borrow().dead) {
        models.violations.push(Violation::new(sim.now(), "the_story_ends_well", why));
    }
}

fn tell(plan: Plan, bugs: &[Bug], sim: &Rc<Sim>, play: impl FnOnce(&Rc<Sim>)) -> History {
    planted::plant(bugs);
    let played = catch_unwind(AssertUnwindSafe(|| play(sim)));
    planted::plant(&[]);
    let (events, now) = (sim.events(), sim.now());
    sim.end();
    let mut models = sim.models.borrow_mut();
    if let Err(panic) = played {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let why = words.or(panic.downcast_ref::<&str>().copied()).unwrap_or("without a word");
        models.violations.push(Violation::new(now, "nothing_panics", why));
    }
    models.violations.retain(|violation| plan.judges(violation.rule));
    let mut facts = models.all_facts();
    for (fact, times) in sim.facts.borrow().iter() {
        *facts.entry(fact).or_default() += times;
    }
    History {
        hash: sim.hash(),
        events,
        virtual_ms: u64::try_from(now.as_millisecond() - START_MS).unwrap_or_default(),
        counts: sim.faults.borrow().counts.clone(),
        facts,
        violations: std::mem::take(&mut models.violations),
        lines: sim.take_lines(),
    }
}

pub(crate) fn begin(
    plan: Plan,
    mut random: Random,
    scenario: Scenario,
    script: Option<Script>,
    limits: Option<Limits>,
) -> Rc<Sim> {
    let Scenario { mut models, scope, settings, .. } = scenario;
    models.stripe.keys_ignored = plan.mode.ignores_keys();
    models.stripe.search_lag = SignedDuration::from_secs(random.between(0, 3600));
    let until_ms = START_MS + ACTIVE.as_secs() * 1000;
    let faults = Faults::draw(random.fork(), plan.mode, START_MS, until_ms);
    let trace = Trace::new(plan.is_told);
    let (mode, start_ms) = (plan.mode, START_MS);
    let sim = Sim::new(Parts { mode, scope, settings, models, faults, trace, random, start_ms, script, limits });
    sim.table.borrow_mut().forgets_conditions = plan.ledger_forgets_conditions;
    for window in sim.faults.borrow().windows() {
        let about = format!("{} to {}", timestamp(window.from_ms), timestamp(window.until_ms));
        sim.note(NOBODY, "will happen", &about, window.fault.name());
    }
    sim
}

fn play(sim: &Rc<Sim>, acts: Vec<(jiff::Timestamp, Act)>) {
    for (at, act) in acts {
        plan_act(sim, at, act);
    }
    payments_of_others(sim);
    rumours::plan(sim);
    let until_ms = START_MS + ACTIVE.as_secs() * 1000;
    operator::schedule(sim, until_ms);
    if sim.mode.is_reconciled() {
        reconciler::schedule(sim, until_ms + QUIET_MS);
    }
    if sim.mode.fails() {
        time_passes(sim, until_ms + QUIET_MS);
    }
    sim.run_until(until_ms);
    sim.note(NOBODY, "the faults end", "", "");
    sim.faults.borrow_mut().end();
    for hours in [6, 30] {
        sim.after(hours * HOUR_MS, |sim| sim.redrive(|letter| letter.code.is_none()));
    }
    if !sim.run_until(until_ms + QUIET_MS) {
        let why = "it goes round in circles";
        sim.models.borrow_mut().violations.push(Violation::new(sim.now(), "a_history_comes_to_rest", why));
    }
    judge(sim);
}

/// Stripe does by the hour what it does by itself, whether anybody asks it anything or not.
fn time_passes(sim: &Rc<Sim>, until_ms: i64) {
    if sim.now_ms() + HOUR_MS >= until_ms {
        return;
    }
    sim.after(HOUR_MS, move |sim| {
        sim.models.borrow_mut().stripe.catch_up(sim.now());
        sim.settle();
        time_passes(sim, until_ms);
    });
}

/// The account also has invoices that are not ours, and Stripe tells of their payments in the same way.
fn payments_of_others(sim: &Rc<Sim>) {
    for number in 0..3 {
        let delay_ms = sim.between(0, ACTIVE.as_secs() * 1000);
        sim.after(delay_ms, move |sim| {
            let invoice_id = InvoiceId::parse(&format!("in_other{number}")).expect("letters and a digit");
            sim.tell_of_stripe(&StripeEvent::paid(format!("evt_other{number}"), invoice_id, sim.now()));
        });
    }
}

pub(crate) fn plan_act(sim: &Rc<Sim>, at: jiff::Timestamp, act: Act) {
    sim.after(at.as_millisecond() - sim.now_ms(), move |sim| {
        let performed = act.perform(sim.now(), &mut sim.models.borrow_mut());
        sim.note(NOBODY, act.name(), &act.subject(), &performed.text);
        sim.settle();
        if performed.redrive {
            sim.redrive(|_| true);
        }
        if let Some((at, act)) = performed.again {
            plan_act(sim, at, act);
        }
    });
}

/// For a day; and when that is over it comes back for the last time, some hours later.
const WAITED_FOR: SignedDuration = SignedDuration::from_hours(32);

/// What became of a subscription or an invoice on the last day, whose deal a person took it away from: that is waited for, for a day.
fn waits_for_its_deal(body: &str, sim: &Sim, stripe: &Stripe) -> bool {
    match Envelope::from_json(body).map(|envelope| envelope.event) {
        Ok(Event::SubscriptionChanged { subscription_id, .. }) => {
            let changed_at = stripe.changed_at(&subscription_id);
            changed_at.is_some_and(|at| sim.now().duration_since(at) < SignedDuration::from_hours(26))
        }
        Ok(
            event @ (Event::InvoiceChanged { .. }
            | Event::InvoiceClosed { .. }
            | Event::InvoiceOverdue { .. }
            | Event::PaymentReceived { .. }
            | Event::ChargeRefunded { .. }
            | Event::DisputeCreated { .. }),
        ) => sim.now().duration_since(event.occurred_at()) < WAITED_FOR,
        _ => false,
    }
}

fn judge(sim: &Rc<Sim>) {
    let table = sim.table.borrow();
    let queue = sim.queue.borrow();
    let mut models = sim.models.borrow_mut();
    let items: Vec<&Item> = table.items().collect();
    let letters =
        queue.dead.iter().map(|letter| Envelope::from_json(&letter.body).expect("only envelopes are sent here"));
    let dead_letters: Vec<Envelope> = letters.collect();
    let organization_id = &sim.scope.organization_id;
    let passes = sim.passes.borrow();
    let differences = passes.last_deep.as_ref().map(|(_, differences)| differences);
    let (restores, redrives) = (sim.operator.borrow().restores(), sim.operator.borrow().redrives);
    let (now, dead_letters) = (sim.now(), dead_letters.as_slice());
    let tells_people = sim.settings.notifications.is_some() && sim.operator.borrow().purges == 0 && restores == 0;
    let ended =
        Ended { now, organization_id, items: &items, dead_letters, differences, restores, redrives, tells_people };
    if planted::is(Bug::Naive) {
        return models.at_rest_from_outside(ended.now);
    }
    models.at_rest(&ended);
    let is_reconciled = sim.script.map_or(sim.mode.is_reconciled(), |script| !script.story.is_told());
    if is_reconciled
        && passes.last_deep.as_ref().is_none_or(|(at_ms, _)| sim.now_ms() - at_ms > LONGEST_WITHOUT_DEEP_MS)
    {
        let detail = format!("{} passes came to their end", passes.finished);
        models.violations.push(Violation::new(sim.now(), "the_reconciler_comes_to_its_end", detail));
    }
    let left = queue.bodies().filter(|body| !waits_for_its_deal(body, sim, &models.stripe)).count();
    let mut violate = |rule, detail: String| models.violations.push(Violation::new(sim.now(), rule, detail));
    if left > 0 {
        violate("the_queue_drains", format!("{left} messages are left"));
    }
    if queue.expired > 0 {
        violate("no_message_grows_too_old", format!("{} did", queue.expired));
    }
    if !sim.workers.borrow().is_idle() {
        violate("every_invocation_ends", "one is still at work".to_owned());
    }
}
