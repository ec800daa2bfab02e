//! What goes wrong: the menu, how often each dish comes in this history, and how often it came.

mod menu;

use crate::guards::Guard;
use crate::options::Mode;
use crate::random::Random;
pub use menu::{Fault, Operation, System};

const HOUR_MS: i64 = 60 * 60 * 1000;
const MINUTE_MS: i64 = 60 * 1000;

/// How often something happened, by what it was and where it hit.
#[derive(Debug, Clone)]
pub struct Counts {
    cells: Vec<[u64; Operation::ALL.len()]>,
}

impl Default for Counts {
    fn default() -> Self {
        Self { cells: vec![[0; Operation::ALL.len()]; Fault::ALL.len()] }
    }
}

impl Counts {
    fn add(&mut self, fault: Fault, operation: Operation) {
        self.cells[fault as usize][operation as usize] += 1;
    }

    pub fn of(&self, fault: Fault, operation: Operation) -> u64 {
        self.cells[fault as usize][operation as usize]
    }

    pub fn total(&self) -> u64 {
        self.cells.iter().flatten().sum()
    }

    pub fn merge(&mut self, other: &Self) {
        let pairs = self.cells.iter_mut().flatten().zip(other.cells.iter().flatten());
        pairs.for_each(|(count, more)| *count += more);
    }

    /// Every fault with every operation that it can hit under this mode, and how often it did.
    pub fn table(&self, mode: Mode) -> impl Iterator<Item = (Fault, Operation, u64)> + '_ {
        let all = Fault::ALL.iter().flat_map(|fault| Operation::ALL.iter().map(move |operation| (*fault, *operation)));
        all.filter(move |(fault, operation)| fault.hits(*operation) && fault.comes_in(mode) && operation.comes_in(mode))
            .map(|(fault, operation)| (fault, operation, self.of(fault, operation)))
    }
}

/// A time in which a vendor does not work.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub fault: Fault,
    pub from_ms: i64,
    pub until_ms: i64,
}

/// The faults of one history.
#[derive(Debug)]
pub struct Faults {
    random: Random,
    /// Of each operation: what can hit it, and how often in ten thousand.
    rates: Vec<Vec<(Fault, u64)>>,
    windows: Vec<Window>,
    pub longest_freeze_ms: i64,
    /// How far the clock of each of the worker's processes is off.
    pub skews_ms: Vec<i64>,
    pub counts: Counts,
}

impl Faults {
    pub fn draw(mut random: Random, mode: Mode, from_ms: i64, until_ms: i64) -> Self {
        let per_ten_thousand: Vec<u64> = Fault::ALL.iter().map(|fault| rate(&mut random, *fault, mode)).collect();
        let rates_of = |operation: &Operation| {
            let rates = operation.faults().map(|fault| (*fault, per_ten_thousand[*fault as usize]));
            rates.filter(|(_, rate)| *rate > 0).collect()
        };
        let rates = Operation::ALL.iter().map(rates_of).collect();
        let windows = windows(&mut random, mode, from_ms, until_ms);
        let skew_ms = match mode {
            Mode::Calm => 0,
            // Without keys the ten minutes of quiet are all there is, and they are measured by these clocks.
            Mode::KeysIgnored | Mode::KeysIgnoredHeavily | Mode::Without(Guard::Keys) => 20 * 1000,
            Mode::All
            | Mode::NoReconciler
            | Mode::HeavyFreezes
            | Mode::Restored
            | Mode::Subscriptions
            | Mode::SubscriptionsHeavily
            | Mode::Amendments
            | Mode::Renewals
            | Mode::AmendmentsHeavily
            | Mode::Credits
            | Mode::CreditsHeavily
            | Mode::RenewalsHeavily
            | Mode::PaymentsFailed
            | Mode::PaymentsFailedHeavily
            | Mode::Without(_) => 10 * MINUTE_MS,
        };
        let is_skewed = random.chance(400);
        let mut counts = Counts::default();
        let skews_ms = (0..PROCESSES).map(|_| if is_skewed { random.between(-skew_ms, skew_ms) } else { 0 }).collect();
        if is_skewed && skew_ms > 0 {
            counts.add(Fault::ClockSkew, Operation::Invocation);
        }
        let longest_freeze_ms = match mode {
            Mode::HeavyFreezes
            | Mode::SubscriptionsHeavily
            | Mode::AmendmentsHeavily
            | Mode::CreditsHeavily
            | Mode::RenewalsHeavily
            | Mode::PaymentsFailedHeavily => 30 * MINUTE_MS,
            Mode::KeysIgnored | Mode::KeysIgnoredHeavily | Mode::Without(Guard::Keys) => 3 * MINUTE_MS,
            Mode::Calm
            | Mode::All
            | Mode::Restored
            | Mode::Subscriptions
            | Mode::Amendments
            | Mode::Credits
            | Mode::Renewals
            | Mode::PaymentsFailed
            | Mode::NoReconciler
            | Mode::Without(_) => 15 * MINUTE_MS,
        };
        Self { random, rates, windows, longest_freeze_ms, skews_ms, counts }
    }

    /// From now on nothing goes wrong any more.
    pub fn end(&mut self) {
        self.rates.iter_mut().for_each(Vec::clear);
        self.windows.clear();
        self.skews_ms.fill(0);
    }

    /// What goes wrong with one operation, if anything does.
    pub fn strike(&mut self, operation: Operation, now_ms: i64) -> Option<Fault> {
        let fault = self.window(operation, now_ms).or_else(|| self.roll(operation))?;
        self.counts.add(fault, operation);
        Some(fault)
    }

    /// Something that happens by itself, such as a deadline that is passed.
    pub fn count(&mut self, fault: Fault, operation: Operation) {
        self.counts.add(fault, operation);
    }

    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    fn window(&self, operation: Operation, now_ms: i64) -> Option<Fault> {
        let is_open = |window: &&Window| (window.from_ms..window.until_ms).contains(&now_ms);
        let mut open = self.windows.iter().filter(is_open);
        open.find(|window| window.fault.hits(operation)).map(|window| window.fault)
    }

    fn roll(&mut self, operation: Operation) -> Option<Fault> {
        let mut left = self.random.below(10_000);
        for (fault, rate) in &self.rates[operation as usize] {
            if left < *rate {
                return Some(*fault);
            }
            left -= rate;
        }
        None
    }
}

/// The worker runs in at most so many processes.
pub const PROCESSES: usize = 5;

fn rate(random: &mut Random, fault: Fault, mode: Mode) -> u64 {
    let (is_on, drawn) = (random.chance(600), *random.pick(&[20u64, 50, 100, 200, 400]));
    if !fault.comes_in(mode) || fault.is_window() || fault.is_an_act() {
        return 0;
    }
    match mode {
        _ if mode.is_heavy() && fault.is_heavy() => drawn * 2 + 100,
        // A dead worker's run is taken up before the dead one's request lands.
        Mode::KeysIgnoredHeavily if fault == Fault::VisibilityEnds => 3000,
        _ if is_on => drawn,
        _ => 0,
    }
}

/// Outages: each vendor may have one or two, mostly of minutes, now and then of a day and a half.
fn windows(random: &mut Random, mode: Mode, from_ms: i64, until_ms: i64) -> Vec<Window> {
    let mut windows = Vec::new();
    for (fault, longest_ms) in [
        (Fault::StripeOutage, 36 * HOUR_MS),
        (Fault::SalesforceOutage, 6 * HOUR_MS),
        (Fault::DailyLimit, 12 * HOUR_MS),
        (Fault::LedgerOutage, HOUR_MS),
    ] {
        for _ in 0..2 {
            let is_frequent = mode == Mode::Restored && fault == Fault::SalesforceOutage;
            let (is_on, is_long) = match is_frequent {
                true => (random.chance(1000), random.chance(900)),
                false => (random.chance(300), random.chance(250)),
            };
            let from = random.between(from_ms, until_ms);
            let longest_ms = if is_long { longest_ms } else { longest_ms.min(20 * MINUTE_MS) };
            let window = Window { fault, from_ms: from, until_ms: from + random.between(MINUTE_MS, longest_ms) };
            if is_on && fault.comes_in(mode) {
                windows.push(window);
            }
        }
    }
    windows
}
