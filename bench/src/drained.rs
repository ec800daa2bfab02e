//! What a backlog came to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use it::Env;

use crate::Plan;

/// How long a message was on its queue before somebody took it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait {
    pub is_first: bool,
    pub waited_ms: i64,
}

#[derive(Debug, Default)]
pub struct Drained {
    pub payments: usize,
    /// What Stripe takes a second at each endpoint.
    pub takes: u64,
    pub took_ms: u64,
    /// The endpoint that was asked most, and what it took.
    pub endpoint: String,
    pub asked: u64,
    pub all_asked: u64,
    /// Answered 429.
    pub refused: u64,
    pub writes: u64,
    pub locked: u64,
    /// Messages that were given back, by the code.
    pub given_back: BTreeMap<String, u64>,
    /// How many went first, and how long all but one in a hundred of them waited.
    pub firsts: usize,
    pub p99_ms: i64,
    /// What is not as it should be.
    pub wrong: Vec<String>,
}

impl Drained {
    pub(crate) fn new(plan: &Plan, took: Duration, waits: Vec<Wait>) -> Self {
        let mut firsts: Vec<_> = waits.iter().filter(|wait| wait.is_first).map(|wait| wait.waited_ms).collect();
        firsts.sort_unstable();
        Self {
            payments: plan.payments,
            takes: u64::from(plan.stripe_takes),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            firsts: firsts.len(),
            p99_ms: firsts.get(firsts.len() * 99 / 100).copied().unwrap_or(i64::MAX),
            ..Self::default()
        }
    }

    /// What both sides counted since they have limits.
    pub(crate) fn count(&mut self, env: &Env) {
        let asked = env.sandbox.stripe.with(|stripe| stripe.asked());
        self.refused = asked.values().map(|asked| asked.refused).sum();
        self.all_asked = asked.values().map(|asked| asked.taken).sum::<u64>() + self.refused;
        if let Some((endpoint, most)) = asked.into_iter().max_by_key(|(_, asked)| asked.taken) {
            (self.endpoint, self.asked) = (endpoint, most.taken);
        }
        let writes = env.sandbox.salesforce.with(|org| org.writes());
        (self.writes, self.locked) = (writes.made, writes.locked);
    }

    /// Of what Stripe takes at that endpoint in the time, how much was used; in thousandths.
    pub fn used(&self) -> u64 {
        self.asked * 1_000_000 / self.takes.max(1) / self.took_ms.max(1)
    }

    /// What was promised of it.
    pub fn violations(&self) -> Vec<String> {
        let mut violations = self.wrong.clone();
        let mut expect = |holds: bool, what: String| violations.extend((!holds).then_some(what));
        let thousandths = |part: u64, of: u64| part * 1000 / of.max(1);
        let (too_many, locked) = (thousandths(self.refused, self.all_asked), thousandths(self.locked, self.writes));
        expect(self.used() >= 950, format!("{} thousandths of what Stripe takes were used", self.used()));
        expect(too_many < 10, format!("{too_many} thousandths of the requests to Stripe were too many"));
        expect(locked < 10, format!("{locked} thousandths of the writes to Salesforce met another one"));
        expect(self.p99_ms < 10_000, format!("what goes first waited for {} ms", self.p99_ms));
        violations
    }
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = |thousandths: u64| format!("{}.{}", thousandths / 10, thousandths % 10);
        let Self { payments, took_ms, asked, all_asked, refused, writes, locked, firsts, p99_ms, .. } = self;
        writeln!(f, "{payments} payments, each told of twice, are on their opportunities after {} s", took_ms / 1000)?;
        writeln!(
            f,
            "  Stripe      {asked} requests {}: {} % of what it takes there",
            self.endpoint,
            tenths(self.used())
        )?;
        writeln!(f, "              {refused} of {all_asked} requests were too many")?;
        writeln!(f, "  Salesforce  {locked} of {writes} writes met another one of the same account")?;
        let given_back: Vec<_> = self.given_back.iter().map(|(code, times)| format!("{times} {code}")).collect();
        writeln!(f, "  given back  {}", given_back.join(", "))?;
        write!(f, "  goes first  {firsts} deals and failed payments; 99 of 100 were taken up within {p99_ms} ms")
    }
}
