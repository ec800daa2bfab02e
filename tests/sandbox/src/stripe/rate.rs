//! How fast Stripe may be asked: by the account as a whole, and at each endpoint. Each is a token bucket that holds one second's worth.

use std::collections::BTreeMap;

/// A thousandth of a request, so that a bucket refills by whole numbers at any rate.
const PER_REQUEST: i64 = 1000;

#[derive(Debug)]
pub struct Bucket {
    per_second: i64,
    tokens: i64,
    filled_at_ms: i64,
}

impl Bucket {
    pub fn new(per_second: u32) -> Self {
        let per_second = i64::from(per_second);
        Self { per_second, tokens: per_second * PER_REQUEST, filled_at_ms: 0 }
    }

    pub fn admit(&mut self, now_ms: i64) -> bool {
        let elapsed_ms = (now_ms - self.filled_at_ms).clamp(0, 1000);
        self.tokens = (self.tokens + elapsed_ms * self.per_second).min(self.per_second * PER_REQUEST);
        self.filled_at_ms = now_ms;
        let admitted = self.tokens >= PER_REQUEST;
        if admitted {
            self.tokens -= PER_REQUEST;
        }
        admitted
    }
}

/// Requests to one endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    pub taken: u64,
    /// Answered 429.
    pub refused: u64,
}

/// A bucket for each endpoint, and what came there since they were set up.
#[derive(Debug)]
pub struct Endpoints {
    per_second: u32,
    asked: BTreeMap<String, (Bucket, Asked)>,
}

impl Endpoints {
    pub fn new(per_second: u32) -> Self {
        Self { per_second, asked: BTreeMap::new() }
    }

    pub fn admit(&mut self, endpoint: String, now_ms: i64) -> bool {
        let per_second = self.per_second;
        let (bucket, asked) = self.asked.entry(endpoint).or_insert_with(|| (Bucket::new(per_second), Asked::default()));
        let admitted = bucket.admit(now_ms);
        let count = if admitted { &mut asked.taken } else { &mut asked.refused };
        *count += 1;
        admitted
    }

    pub fn asked(&self) -> BTreeMap<String, Asked> {
        self.asked.iter().map(|(endpoint, (_, asked))| (endpoint.clone(), *asked)).collect()
    }
}
