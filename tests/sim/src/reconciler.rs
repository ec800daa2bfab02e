//! The reconciler: what `functions/reconciler` does with a pass, and the schedule that asks for one.

use std::collections::BTreeSet;
use std::rc::Rc;

use engine::{Pass, PassKind, Reconciled};
use jiff::SignedDuration;
use ledger::Difference;

use crate::faults::Operation;
use crate::ports::Process;
use crate::worker::{end_at_deadline, engine, next_number};
use crate::world::Sim;

/// The function's timeout in `template.yaml`.
const TIMEOUT_MS: i64 = 300_000;

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// What the passes came to.
#[derive(Debug, Default)]
pub struct Passes {
    pub finished: u64,
    /// When the last deep pass came to its end, and how the two sides then differed.
    pub last_deep: Option<(i64, BTreeSet<Difference>)>,
}

/// Passes from now on, until then. They are hours apart and not a quarter of one: what they find is the same, later.
pub fn schedule(sim: &Rc<Sim>, until_ms: i64) {
    let every_ms = *sim.random().pick(&[6 * HOUR_MS, 12 * HOUR_MS, 24 * HOUR_MS]);
    let first_ms = sim.now_ms() + MINUTE_MS;
    until_it_is_in_use(sim);
    for at_ms in (first_ms..until_ms).step_by(usize::try_from(every_ms).expect("some hours")) {
        plan(sim, at_ms, PassKind::Sweep);
    }
    for at_ms in (first_ms + 2 * HOUR_MS..until_ms).step_by(24 * 60 * 60 * 1000) {
        plan(sim, at_ms, PassKind::Deep);
    }
    // Whatever went wrong before, the last word is spoken in peace: one pass asks, and the next one sees what came of it.
    for hours in [10, 7, 4, 1] {
        plan(sim, until_ms - hours * HOUR_MS, PassKind::Deep);
    }
}

/// A pass each hour from now on, so many of them, and four more at the end.
pub fn schedule_hourly(sim: &Rc<Sim>, hours: i64, until_ms: i64) {
    for hour in 0..hours {
        plan(sim, sim.now_ms() + MINUTE_MS + hour * HOUR_MS, PassKind::Sweep);
    }
    for hours in [76, 52, 28, 4, 1] {
        plan(sim, until_ms - hours * HOUR_MS, PassKind::Deep);
    }
}

/// A first pass that fails is followed by the next one in a quarter of an hour: deals are the reconciler's business from two
/// hours before the first that did not.
fn until_it_is_in_use(sim: &Rc<Sim>) {
    sim.after(15 * MINUTE_MS, |sim| {
        let watermarks = format!("watermark#{}", sim.scope.organization_id);
        if sim.table.borrow().get(&watermarks, "in_use").is_none() {
            start(sim, PassKind::Sweep);
            until_it_is_in_use(sim);
        }
    });
}

fn plan(sim: &Rc<Sim>, at_ms: i64, kind: PassKind) {
    sim.after(at_ms - sim.now_ms(), move |sim| {
        start(sim, kind);
        // EventBridge Scheduler invokes at least once.
        if sim.chance(20) {
            let delay_ms = sim.between(0, 2000);
            sim.after(delay_ms, move |sim| start(sim, kind));
        }
    });
}

pub(crate) fn start(sim: &Rc<Sim>, kind: PassKind) {
    let number = next_number(sim);
    let skew_ms = sim.faults.borrow().skews_ms[0];
    let mut process = None;
    let id = sim.spawn(|task| {
        let made = Rc::new(Process::new(sim, task, number, skew_ms, TIMEOUT_MS));
        process = Some(Rc::clone(&made));
        Box::pin(pass(made, kind))
    });
    end_at_deadline(sim, process.expect("it was made a moment ago"), TIMEOUT_MS, Operation::Pass);
    sim.resume(id);
}

async fn pass(process: Rc<Process>, kind: PassKind) {
    let sim = &process.sim;
    sim.note(process.number, "reconciles", if kind == PassKind::Deep { "deep" } else { "sweep" }, "");
    let deadline = process.now().checked_add(SignedDuration::from_millis(TIMEOUT_MS)).expect("a history lasts days");
    let reconciled = engine(&process).reconcile(&Pass { kind, deadline }).await;
    let Reconciled { is_finished, requeued, orphans_deleted, differences, pauses, .. } = reconciled;
    let why = pauses.first().map_or("", |(_, pause)| pause.code);
    let told = format!("{requeued} sent again, {orphans_deleted} deleted, {} differences", differences.len());
    sim.note(process.number, "reconciled", &told, why);
    sim.count(if is_finished { "a pass came to its end" } else { "a pass was broken off" });
    for (times, fact) in
        [(requeued, "an event was found by the reconciler"), (orphans_deleted, "an orphan was deleted")]
    {
        (0..times).for_each(|_| sim.count(fact));
    }
    for difference in &differences {
        sim.note(
            process.number,
            "differs",
            &difference.cause,
            difference.opportunity_id.as_ref().map_or("", |id| id.as_str()),
        );
    }
    let mut passes = sim.passes.borrow_mut();
    passes.finished += u64::from(is_finished);
    if is_finished && kind == PassKind::Deep {
        passes.last_deep = Some((sim.now_ms(), differences));
    }
}
