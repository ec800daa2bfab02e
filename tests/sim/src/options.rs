//! What is asked for on the command line.

use planted::Bug;

use crate::guards::Guard;

/// Which faults there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// No fault at all.
    Calm,
    All,
    NoReconciler,
    KeysIgnored,
    HeavyFreezes,
    /// The ledger is restored again and again, while Salesforce is away for hours.
    Restored,
    /// All faults, and deals that are sold for a term.
    Subscriptions,
    /// The same, with many times more standstills and late landings.
    SubscriptionsHeavily,
    /// All faults, and deals that are changed after billing are billed anew.
    Amendments,
    /// The same, with many times more standstills and late landings.
    AmendmentsHeavily,
    /// The same as amendments, and what is paid is credited.
    Credits,
    /// The same, with many times more standstills and late landings.
    CreditsHeavily,
    /// All faults, and deals whose term ends while others renew their subscriptions.
    Renewals,
    /// The same, with many times more standstills and late landings.
    RenewalsHeavily,
    /// All faults, deals that are sold for a term, and payments that fail before they come in, if they do.
    PaymentsFailed,
    /// The same, with many times more standstills and late landings.
    PaymentsFailedHeavily,
    /// Both: what was sent lands late, again and again, and no key tells that it had been sent before.
    KeysIgnoredHeavily,
    /// All faults, and one guard of ours is off.
    Without(Guard),
}

impl Mode {
    pub const ALL: &'static [Mode] = &[
        Self::Calm,
        Self::All,
        Self::NoReconciler,
        Self::KeysIgnored,
        Self::HeavyFreezes,
        Self::Restored,
        Self::Subscriptions,
        Self::SubscriptionsHeavily,
        Self::Amendments,
        Self::AmendmentsHeavily,
        Self::Credits,
        Self::CreditsHeavily,
        Self::Renewals,
        Self::RenewalsHeavily,
        Self::PaymentsFailed,
        Self::PaymentsFailedHeavily,
        Self::KeysIgnoredHeavily,
        Self::Without(Guard::Leases),
        Self::Without(Guard::Fence),
        Self::Without(Guard::Links),
        Self::Without(Guard::Ownership),
        Self::Without(Guard::Intents),
        Self::Without(Guard::ReadingAgain),
        Self::Without(Guard::NewKeys),
        Self::Without(Guard::Keys),
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::All => "all",
            Self::NoReconciler => "no-reconciler",
            Self::KeysIgnored => "keys-ignored",
            Self::HeavyFreezes => "heavy-freezes",
            Self::Restored => "restored",
            Self::Subscriptions => "subscriptions",
            Self::SubscriptionsHeavily => "subscriptions-heavily",
            Self::Amendments => "amendments",
            Self::AmendmentsHeavily => "amendments-heavily",
            Self::Credits => "credits",
            Self::CreditsHeavily => "credits-heavily",
            Self::Renewals => "renewals",
            Self::RenewalsHeavily => "renewals-heavily",
            Self::PaymentsFailed => "payments-failed",
            Self::PaymentsFailedHeavily => "payments-failed-heavily",
            Self::KeysIgnoredHeavily => "keys-ignored-heavily",
            Self::Without(guard) => guard.name(),
        }
    }

    /// Whether the reconciler runs. Where one guard is off, it would hide what the others let through.
    pub fn is_reconciled(self) -> bool {
        match self {
            Self::Calm | Self::All | Self::KeysIgnored | Self::HeavyFreezes | Self::Restored => true,
            Self::Subscriptions | Self::SubscriptionsHeavily => true,
            Self::Amendments | Self::AmendmentsHeavily | Self::Credits | Self::CreditsHeavily => true,
            Self::Renewals | Self::RenewalsHeavily => true,
            Self::PaymentsFailed | Self::PaymentsFailedHeavily => true,
            Self::NoReconciler | Self::KeysIgnoredHeavily | Self::Without(_) => false,
        }
    }

    /// Whether Stripe forgets every key at once.
    pub fn ignores_keys(self) -> bool {
        matches!(self, Self::KeysIgnored | Self::KeysIgnoredHeavily)
    }

    /// Whether deals are sold for a term.
    pub fn has_terms(self) -> bool {
        matches!(self, Self::Subscriptions | Self::SubscriptionsHeavily) || self.renews() || self.fails()
    }

    /// Whether payments fail, and are looked after.
    pub fn fails(self) -> bool {
        matches!(self, Self::PaymentsFailed | Self::PaymentsFailedHeavily)
    }

    /// Whether terms end, and deals renew them.
    pub fn renews(self) -> bool {
        matches!(self, Self::Renewals | Self::RenewalsHeavily)
    }

    /// Whether an unpaid invoice is voided and its deal billed anew when that is changed.
    pub fn amends(self) -> bool {
        matches!(self, Self::Amendments | Self::AmendmentsHeavily) || self.credits()
    }

    /// Whether one that is paid is credited, too.
    pub fn credits(self) -> bool {
        matches!(self, Self::Credits | Self::CreditsHeavily)
    }

    /// Whether processes stand still, and requests land late, far more often.
    pub fn is_heavy(self) -> bool {
        matches!(
            self,
            Self::HeavyFreezes
                | Self::KeysIgnoredHeavily
                | Self::SubscriptionsHeavily
                | Self::AmendmentsHeavily
                | Self::CreditsHeavily
                | Self::RenewalsHeavily
                | Self::PaymentsFailedHeavily
        )
    }

    pub fn guard_off(self) -> Option<Guard> {
        match self {
            Self::Without(guard) => Some(guard),
            _ => None,
        }
    }

    /// Whether what breaks this rule is a violation under this mode.
    pub fn judges(self, rule: &str) -> bool {
        // A process that stands still for longer than the ten minutes of quiet sends under a key that another one has given up a day
        // after it was made. What is open already is mailed once more; nothing is billed twice.
        // And one whose first request lies about that long makes a draft that nobody sends.
        if self.is_heavy() && ["an_invoice_is_mailed_once", "one_key_for_one_request"].contains(&rule) {
            return false;
        }
        self.guard_off().is_none_or(|guard| !guard.not_judged().contains(&rule))
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.name() == text)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub mode: Mode,
    /// A mistake that the code that ships is to make, to see that it is found.
    pub bug: Option<Bug>,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// So many seeds from this one on.
    Many { from: u64, seeds: u64 },
    /// One seed, with its whole history.
    One { seed: u64 },
    /// Every pair of crash points: each in all ways, or in one of them.
    Crashes { is_in_turn: bool },
    /// Every planted bug, until it shows or so many seeds are played.
    Matrix { seeds: u64 },
    /// A backlog of so many payments.
    Drain { payments: u64 },
    /// Every so-manieth order in which one object's events can come.
    Orders { every: usize },
}

/// How many seeds a bug may hide in, if nobody says.
const MATRIX_SEEDS: u64 = 2000;

pub const USAGE: &str = "sim --seeds N [--mode M] [--from S]   plays N histories
sim --seed S [--mode M]               plays one, and prints it
--bug SLUG                            with a planted bug
sim --kill-matrix [--seeds MAX]       plays every planted bug under its mode until it shows
sim --crash-pairs [--in-turn]         plays small stories with every pair of deaths; in turn: each pair in one of its
                                      four ways, which are at once or a day later, and told once or twice
sim --orders [--every N]              tells of one object in every order that there is, or in every Nth of them
sim --drain N                         works off N payments that come in at once, with both vendors' limits enforced

modes: calm, all, no-reconciler, keys-ignored, heavy-freezes, restored, subscriptions, subscriptions-heavily, amendments, amendments-heavily, credits, credits-heavily, renewals, renewals-heavily, payments-failed, payments-failed-heavily, keys-ignored-heavily; with one guard off: without-leases, without-fence,
without-links, without-ownership, without-intents, without-reading-again, without-new-keys, without-keys";

impl Options {
    pub fn parse(arguments: &[String]) -> Result<Self, String> {
        let (mut mode, mut bug, mut seeds, mut seed, mut from, mut drain) = (Mode::All, None, None, None, 1, None);
        let (mut is_matrix, mut is_crashes, mut is_in_turn, mut is_orders, mut every) =
            (false, false, false, false, None);
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            match name.as_str() {
                "--kill-matrix" => is_matrix = true,
                "--crash-pairs" => is_crashes = true,
                "--in-turn" => is_in_turn = true,
                "--orders" => is_orders = true,
                _ => (),
            }
            if ["--kill-matrix", "--crash-pairs", "--in-turn", "--orders"].contains(&name.as_str()) {
                continue;
            }
            let value = rest.next().ok_or_else(|| format!("{name} needs a value"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("{name} needs a number, not {value}"));
            match name.as_str() {
                "--mode" => mode = Mode::parse(value).ok_or_else(|| format!("there is no mode {value}"))?,
                "--bug" => bug = Some(bug_called(value)?),
                "--seeds" => seeds = Some(number()?),
                "--seed" => seed = Some(number()?),
                "--from" => from = number()?,
                "--drain" => drain = Some(number()?),
                "--every" => every = Some(number()?),
                _ => return Err(format!("there is no option {name}")),
            }
        }
        let every = every.map(|every| usize::try_from(every).unwrap_or(usize::MAX));
        let what = match (seeds, seed) {
            (None, None) if is_orders && every != Some(0) && !is_matrix && !is_crashes => {
                What::Orders { every: every.unwrap_or(1) }
            }
            _ if is_orders || every.is_some() => {
                return Err("orders are played alone, every one or every so-manieth".to_owned());
            }
            (None, None) if drain.is_some_and(|payments| payments > 0) => What::Drain { payments: drain.unwrap_or(1) },
            (None, None) if is_crashes => What::Crashes { is_in_turn },
            (Some(_), _) | (_, Some(_)) if drain.is_some() => return Err("a backlog is played alone".to_owned()),
            _ if is_in_turn => return Err("--in-turn goes with --crash-pairs".to_owned()),
            (None | Some(1..), None) if is_matrix => What::Matrix { seeds: seeds.unwrap_or(MATRIX_SEEDS) },
            (Some(seeds), None) if seeds > 0 && !is_matrix => What::Many { from, seeds },
            (None, Some(seed)) if !is_matrix => What::One { seed },
            _ => return Err("say either how many seeds or which one".to_owned()),
        };
        Ok(Self { mode, bug, what })
    }
}

fn bug_called(slug: &str) -> Result<Bug, String> {
    let bug = Bug::ALL.iter().copied().find(|bug| bug.slug() == slug);
    bug.ok_or_else(|| format!("there is no bug {slug}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_say_what_is_played() {
        let many = |mode, from, seeds| Ok(Options { mode, bug: None, what: What::Many { from, seeds } });
        for (line, expected) in [
            ("--seeds 5", many(Mode::All, 1, 5)),
            ("--mode keys-ignored --seeds 5 --from 7", many(Mode::KeysIgnored, 7, 5)),
            ("--seed 9 --mode calm", Ok(Options { mode: Mode::Calm, bug: None, what: What::One { seed: 9 } })),
        ] {
            assert_eq!(parse(line), expected, "{line}");
        }
        let matrix = |seeds| Ok(Options { mode: Mode::All, bug: None, what: What::Matrix { seeds } });
        assert_eq!((parse("--kill-matrix"), parse("--kill-matrix --seeds 7")), (matrix(2000), matrix(7)));
        let crashes = |is_in_turn| Ok(Options { mode: Mode::All, bug: None, what: What::Crashes { is_in_turn } });
        assert_eq!((parse("--crash-pairs"), parse("--crash-pairs --in-turn")), (crashes(false), crashes(true)));
        assert_eq!(parse("--drain 7").expect("a backlog").what, What::Drain { payments: 7 });
        let orders = |line| parse(line).expect("orders").what;
        assert_eq!(orders("--orders"), What::Orders { every: 1 });
        assert_eq!(orders("--orders --every 4"), What::Orders { every: 4 });
        let with_bug = parse("--seeds 1 --bug no-fence").expect("a bug");
        assert_eq!(with_bug.bug, Some(Bug::NoFence));
        for line in [
            "--seeds 1 --bug none",
            "",
            "--seeds",
            "--seeds x",
            "--seeds 0",
            "--seed 1 --seeds 2",
            "--mode none --seeds 1",
            "--kill-matrix --seed 1",
            "--loud 1",
            "--seeds 1 --in-turn",
            "--drain 0",
            "--drain 5 --seeds 1",
            "--orders --seeds 1",
            "--orders --every 0",
            "--every 4",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn every_mode_has_a_name_of_its_own() {
        for mode in Mode::ALL {
            assert_eq!(Mode::parse(mode.name()), Some(*mode));
            assert!(USAGE.contains(mode.name()), "{}", mode.name());
        }
    }
}
