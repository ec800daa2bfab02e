//! The harness itself: every mode holds, it repeats itself, and it notices when something is broken.

use crate::many::many;
use crate::options::Mode;
use crate::run::{Plan, run};

/// A dozen of them, from this one on.
const FIRST: u64 = 1;

/// So many take a few seconds without optimisation.
const SEEDS: u64 = 12;

/// Seeds of a mode that no violation may come from. The command plays many more of them.
fn holds(mode: Mode) {
    let total = many(Plan::new(FIRST, mode), SEEDS);
    let line = total.line(mode);
    assert!(total.violations() == 0, "{line} {:?} seeds {:?}", total.rules, total.failed);
    assert!(total.events > SEEDS * 500, "{line}");
    assert!(mode == Mode::Calm || total.counts.total() > SEEDS * 30, "{line}");
}

#[test]
fn a_world_without_faults_holds() {
    holds(Mode::Calm);
}

#[test]
fn all_faults_hold() {
    holds(Mode::All);
}

#[test]
fn without_the_reconciler_it_holds() {
    holds(Mode::NoReconciler);
}

#[test]
fn without_idempotency_keys_it_holds() {
    holds(Mode::KeysIgnored);
}

#[test]
fn processes_that_stand_still_for_long_do_no_harm() {
    holds(Mode::HeavyFreezes);
}

#[test]
fn a_ledger_that_is_restored_bills_nothing_twice() {
    holds(Mode::Restored);
}

#[test]
fn deals_that_are_sold_for_a_term_are_billed_once() {
    holds(Mode::Subscriptions);
}

#[test]
fn processes_that_stand_still_cancel_nothing_that_is_sent() {
    holds(Mode::SubscriptionsHeavily);
}

#[test]
fn payments_that_fail_are_looked_after_until_they_come_in() {
    holds(Mode::PaymentsFailed);
}

#[test]
fn processes_that_stand_still_leave_no_case_open() {
    holds(Mode::PaymentsFailedHeavily);
}

#[test]
fn deals_that_are_changed_after_billing_are_billed_anew_and_once() {
    holds(Mode::Amendments);
}

#[test]
fn processes_that_stand_still_void_nothing_that_counts() {
    holds(Mode::AmendmentsHeavily);
}

#[test]
fn what_is_paid_is_credited_once_and_billed_anew() {
    holds(Mode::Credits);
}

#[test]
fn processes_that_stand_still_credit_nothing_that_counts() {
    holds(Mode::CreditsHeavily);
}

#[test]
fn with_any_one_guard_off_it_holds() {
    for mode in Mode::ALL.iter().filter(|mode| mode.guard_off().is_some()) {
        let total = many(Plan::new(FIRST, *mode), 3);
        assert!(total.violations() == 0, "{} {:?} seeds {:?}", mode.name(), total.rules, total.failed);
    }
}

#[test]
fn one_seed_is_one_history() {
    for seed in 1..4 {
        let (first, second) = (run(Plan::new(seed, Mode::All).told()), run(Plan::new(seed, Mode::All).told()));
        assert_eq!((first.hash, &first.lines), (second.hash, &second.lines), "seed {seed}");
        assert_eq!(first.hash, run(Plan::new(seed, Mode::All)).hash, "telling it changes nothing");
        assert_ne!(first.hash, run(Plan::new(seed, Mode::Calm)).hash);
    }
}

/// Histories that broke a rule once. What is played may have become another story since; it costs nothing to hold these as well.
#[test]
fn what_broke_once_holds() {
    for (mode, seed) in [
        // A flow added to each note, and each look wrote it anew.
        (Mode::All, 400_267),
        // A note that was not true any more, and one that a late write had taken away.
        (Mode::HeavyFreezes, 40),
        (Mode::Restored, 838),
        (Mode::All, 1_000_909),
        // A first request that lay about for a quarter of an hour, and a refusal that was heard twelve times.
        (Mode::HeavyFreezes, 12_147_223),
        (Mode::HeavyFreezes, 12_151_974),
        // A draft whose run was left at once: no call named it.
        (Mode::NoReconciler, 12_179_762),
        // After a restore, a customer that another had replaced.
        (Mode::All, 11_051_620),
        // A write-back took the fourth note away.
        (Mode::All, 11_096_928),
        // Two notes of one deal, of two workers whose clocks differ.
        (Mode::All, 10_019_153),
        // After a restore, a draft that was replaced, and the opportunity names the one in its place.
        (Mode::Restored, 5_004_420),
        // A worker sent the first invoice while another canceled its subscription.
        (Mode::Subscriptions, 1753),
        // Stripe sent the first invoice, and it was paid before anybody knew whose it was.
        (Mode::Subscriptions, 70_491),
        // A worker sent the first invoice of a subscription that a person had canceled.
        (Mode::Subscriptions, 61_481),
        // Stripe sent the first invoice, and its customer was deleted before anybody knew.
        (Mode::Subscriptions, 51_195),
        // What a person left for the next invoice, after nothing had been seen to wait, came with it: the rules were too strict.
        (Mode::SubscriptionsHeavily, 90),
        (Mode::SubscriptionsHeavily, 1070),
        // Stripe sent what a person had voided before anybody held it.
        (Mode::Subscriptions, 20_378),
        // The write-back of an invoice that was replaced came after that of the one in its place.
        (Mode::Amendments, 1220),
        // A run that was taken when time was over was left open, and its message was gone.
        (Mode::NoReconciler, 2_009_215),
        // Two deep passes at once left one open with nothing to look at, and the next found no differences.
        (Mode::Restored, 4113),
        // After a restore nobody remembered the tax id that was told, and it stayed beside the next.
        (Mode::Restored, 1895),
        // After a restore, an invoice that had been sent to a customer who was deleted since.
        (Mode::Restored, 40_521),
        // A note that had been put back once hid the next.
        (Mode::Amendments, 42_301),
        (Mode::Restored, 42_161),
        // A subscription that had ended with its term before its first invoice could be sent counted as canceled.
        (Mode::Renewals, 50_361),
        // Somebody named another subscription on a renewal that was made.
        (Mode::Renewals, 21_010_210),
        // Whoever took up a run after a restore died before it had looked, and the event counted as answered.
        (Mode::All, 23_003_053),
        // The ledger was restored to just before a deal's event was answered, which a walk had found and would not come to again.
        (Mode::Restored, 23_042_990),
        // A note was written by somebody who died before it could say so, and the one after it counted as written already.
        (Mode::Renewals, 23_076_481),
        (Mode::RenewalsHeavily, 23_101_775),
        // Two workers made the agreed price at once; the ledger was restored, and the subscription's was not the one that was found.
        (Mode::Renewals, 23_079_705),
        // A deal was won again, and the clock of the worker that had refused it before was ahead.
        (Mode::Renewals, 24_074_202),
        // After a restore, a run whose invoice had been voided, and whose deal was reopened then.
        (Mode::Amendments, 25_063_537),
        // After a restore, a deal whose subscription another deal had renewed since did not know it any more.
        (Mode::Renewals, 26_075_192),
        // After a restore, a credited invoice counted as a second one of its deal.
        (Mode::Credits, 30_003_693),
        // The payment of an invoice that was credited was marked late, and a clock ahead hid it from the walk for changed deals.
        (Mode::Credits, 30_010_764),
        // A credit was thought over after ten minutes, by a clock that was ahead, and its request came after that.
        (Mode::Credits, 30_304_154),
        // After a restore, a subscription that no deal knew was canceled in the moment in which its own sent its invoice.
        (Mode::RenewalsHeavily, 73_000_935),
        // What was to go of a customer's tax ids was forgotten where there was other news as well.
        (Mode::All, 21_020_959),
        // A dispute was not said, since its opportunity was gone.
        (Mode::PaymentsFailed, 69),
        // Another event had said a dispute, and its own said it again.
        (Mode::PaymentsFailed, 266),
        // The event of a dispute was lost, and its invoice was looked at since.
        (Mode::PaymentsFailed, 372),
        // An invoice fell due, and a part came in of one that its deal did not name, in the last hours: the rules were too strict.
        (Mode::PaymentsFailedHeavily, 70_824),
        (Mode::PaymentsFailedHeavily, 70_703),
        // A deal was deleted, and a clone that has its invoice says that it is paid: the rule was too strict.
        (Mode::NoReconciler, 805),
        (Mode::HeavyFreezes, 704),
    ] {
        let violations = run(Plan::new(seed, mode)).violations;
        assert!(violations.is_empty(), "{} {seed}: {violations:?}", mode.name());
    }
}

/// The same on every machine and under every optimization. After a change of what is played the numbers are others, and are to be
/// taken from `cargo xtask sim --seed S --mode M`; without one, something else than the seed had a say.
#[test]
fn a_history_is_the_same_everywhere() {
    for (mode, seed, hash) in [
        (Mode::All, 1, 0xa886_95ec_fc19_8212),
        (Mode::All, 2, 0x0ca4_99a7_390e_0d34),
        (Mode::HeavyFreezes, 3, 0xd482_baf2_f533_3676),
        (Mode::Restored, 1, 0xfe6c_0b7e_ce25_ded3),
    ] {
        let played = run(Plan::new(seed, mode)).hash;
        assert_eq!(played, hash, "{} {seed}: {played:016x}", mode.name());
    }
}

/// A ledger that says yes to every condition: two workers hold one run, and it shows.
#[test]
fn a_broken_ledger_is_noticed() {
    let broken = |seed| Plan { ledger_forgets_conditions: true, ..Plan::new(seed, Mode::All) };
    let noticed = (1..=10).filter(|seed| !run(broken(*seed)).violations.is_empty()).count();
    assert!(noticed >= 8, "only {noticed} of 10 seeds notice");
}
