//! How much is played, and under which limits.

use std::time::Duration;

use it::Options;

/// As `template.yaml` has them by default, but for the workers: some 30 of them use all that Stripe takes.
const SETTLE_SECONDS: i64 = 5;
pub const WORKERS: usize = 30;

#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub payments: usize,
    /// What Stripe takes a second at each endpoint.
    pub stripe_takes: u16,
    /// Whether requests wait for their turn, as those of the product do.
    pub is_in_line: bool,
    /// Nobody watches for longer.
    pub longest: Duration,
}

impl Plan {
    /// Under the limits of an account that Stripe gave no others.
    pub fn new(payments: usize) -> Self {
        Self { payments, stripe_takes: 25, is_in_line: true, longest: Duration::from_secs(30 * 60) }
    }

    /// So many payments fail while the others are worked off, and as many deals are won: more than any backlog lasts.
    pub fn first(&self) -> usize {
        self.payments / 20 + 10
    }

    pub(crate) fn options(&self) -> Options {
        let mut options = Options { time_goes_by: true, ..Options::default() };
        options.settle = jiff::SignedDuration::from_secs(SETTLE_SECONDS);
        options.stripe_takes = self.is_in_line.then_some(self.stripe_takes);
        options
    }
}
