//! The daily budget of API calls, over a rolling window of 24 hours.

use std::collections::BTreeMap;

const HOUR_MS: i64 = 3_600_000;

#[derive(Debug)]
pub struct Usage {
    pub max: u64,
    by_hour: BTreeMap<i64, u64>,
}

impl Usage {
    pub fn new(max: u64) -> Self {
        Self { max, by_hour: BTreeMap::new() }
    }

    pub fn used(&self) -> u64 {
        self.by_hour.values().sum()
    }

    /// Counts one call; `false` if the budget was already spent.
    pub fn count(&mut self, now_ms: i64) -> bool {
        let hour = now_ms.div_euclid(HOUR_MS);
        self.by_hour.retain(|counted, _| *counted > hour - 24);
        if self.used() >= self.max {
            return false;
        }
        *self.by_hour.entry(hour).or_default() += 1;
        true
    }

    /// The value of `Sforce-Limit-Info`.
    pub fn header(&self) -> String {
        format!("api-usage={}/{}", self.used(), self.max)
    }
}
