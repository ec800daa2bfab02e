//! One history: what is there, what may happen next, and what has happened.

use std::rc::Rc;

use engine::PassKind;
use it::{Env, Random};
use jiff::SignedDuration;
use sandbox::wire::Delivery;

use super::bill::{Judgement, judge};
use super::notes::Notes;
use super::watch::Watch;
use super::world::{self, World};

pub struct History {
    /// Shared with an invocation that stands still.
    pub env: Rc<Env>,
    pub random: Random,
    pub notes: Notes,
    pub org_currency: Option<&'static str>,
    pub accounts: Vec<String>,
    pub deals: Vec<Deal>,
    /// Events that have not arrived yet.
    pub late: Vec<Delivery>,
    pub watch: Watch,
    /// The operator's switch is on.
    pub is_stopped: bool,
}

pub struct Deal {
    pub id: String,
    pub is_won: bool,
    pub is_deleted: bool,
    /// People had their hands in how it is billed, so that the outcome is theirs to judge.
    pub is_meddled_with: bool,
    /// How often people changed it after it was won.
    pub changes: u32,
    /// What it asked for, each time from behind that request to Salesforce on.
    pub readings: Vec<(u64, Judgement)>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Win,
    Deliver,
    Work,
    WorkInParallel,
    WorkAndDie,
    WorkAndFreeze,
    Reconcile,
    StripeFails,
    SalesforceFails,
    AwsFails,
    People,
    Pay,
    Seconds,
    Minutes,
    Hours,
    Switch,
}

/// How often each comes.
const STEPS: [(u64, Step); 16] = [
    (24, Step::Win),
    (16, Step::Deliver),
    (24, Step::Work),
    (6, Step::WorkInParallel),
    (9, Step::WorkAndDie),
    (8, Step::WorkAndFreeze),
    (6, Step::Reconcile),
    (14, Step::StripeFails),
    (10, Step::SalesforceFails),
    (7, Step::AwsFails),
    (14, Step::People),
    (7, Step::Pay),
    (8, Step::Seconds),
    (9, Step::Minutes),
    (4, Step::Hours),
    (3, Step::Switch),
];

/// The whole history of a seed. What came of it stands in the notes, also when this panics.
pub async fn play(seed: u64, notes: Notes) {
    let mut history = Box::pin(begin(seed, notes)).await;
    for _ in 0..history.random.between(20, 45) {
        Box::pin(history.step()).await;
        history.look();
        if history.notes.is_broken() {
            break;
        }
    }
    if !history.notes.is_broken() {
        Box::pin(history.come_to_rest()).await;
    }
    if !history.notes.is_broken() {
        history.at_rest();
    }
    history.sum_up();
    // A broken history has told its story; the environment need not complain on top.
    history.env.sqs.purge();
}

/// Everything is entered, and nothing is won yet.
pub async fn begin(seed: u64, notes: Notes) -> History {
    let mut random = Random::new(seed);
    let World { env, org_currency, accounts, deals, lines } = world::generate(&mut random.fork()).await;
    for line in lines {
        if line.starts_with("door: ") {
            notes.count(&line);
        }
        notes.line(line);
    }
    let deal =
        |id| Deal { id, is_won: false, is_deleted: false, is_meddled_with: false, changes: 0, readings: Vec::new() };
    let deals = deals.into_iter().map(deal).collect();
    let (env, late, watch) = (Rc::new(env), Vec::new(), Watch::default());
    let mut history = History { env, random, notes, org_currency, accounts, deals, late, watch, is_stopped: false };
    history.env.sandbox.salesforce.take_deliveries();
    history.env.sandbox.stripe.take_deliveries();
    // The reconciler is in use before the first deal is won, as it is after a deployment. A busy machine may need a
    // second try.
    let mut passes = 0;
    while !history.env.reconcile(PassKind::Sweep).await.is_finished {
        passes += 1;
        assert!(passes < 20, "the first pass never comes to its end");
    }
    history.judge_all();
    history
}

impl History {
    pub fn line(&self, line: String) {
        let now = self.env.now().to_string();
        self.notes.line(format!("{now} {line}"));
    }

    async fn step(&mut self) {
        // Nobody lets everything stand still for long.
        if self.is_stopped && self.random.chance(20) {
            self.switch();
        }
        let mut drawn = self.random.below(STEPS.iter().map(|(weight, _)| weight).sum());
        let step = STEPS.iter().find(|(weight, _)| {
            let is_it = drawn < *weight;
            drawn = drawn.saturating_sub(*weight);
            is_it
        });
        let step = step.unwrap().1;
        match step {
            Step::Win => self.win(),
            Step::Deliver => Box::pin(self.deliver()).await,
            Step::Work => Box::pin(self.work()).await,
            Step::WorkInParallel => Box::pin(self.work_in_parallel()).await,
            Step::WorkAndDie => Box::pin(self.work_and_die()).await,
            Step::WorkAndFreeze => Box::pin(self.work_and_freeze()).await,
            Step::Reconcile => Box::pin(self.reconcile()).await,
            Step::StripeFails | Step::SalesforceFails | Step::AwsFails => {
                match step {
                    Step::StripeFails => self.stripe_fails(),
                    Step::SalesforceFails => self.salesforce_fails(),
                    _ => self.aws_fails(),
                }
                // Most faults are to hit something.
                if self.random.chance(60) {
                    Box::pin(self.deliver()).await;
                    Box::pin(self.work()).await;
                }
            }
            Step::People => self.people(),
            Step::Pay => self.pay(),
            Step::Seconds => self.pass_time(1, 90),
            Step::Minutes => self.pass_time(2 * 60, 45 * 60),
            Step::Hours if self.random.chance(35) => {
                self.notes.count("a day passed");
                self.pass_time(25 * 3600, 25 * 3600);
            }
            Step::Hours => self.pass_time(3600, 8 * 3600),
            Step::Switch => self.switch(),
        }
        if self.random.chance(12) {
            self.meddle_with_what_is_unfinished();
        }
    }

    pub fn pass_time(&mut self, least_s: i64, most_s: i64) {
        let seconds = self.random.between(least_s, most_s);
        self.env.advance(SignedDuration::from_secs(seconds));
        self.line(format!("{seconds} s have passed"));
    }

    /// Whatever has changed: what each deal asks for now.
    pub fn judge_all(&mut self) {
        self.drain_logs();
        let since = self.watch.salesforce_seq;
        for deal in &mut self.deals {
            let judgement = judge(&self.env, &deal.id, self.org_currency);
            if deal.readings.last().is_none_or(|(_, last)| *last != judgement) {
                deal.readings.push((since, judgement));
            }
        }
    }
}
