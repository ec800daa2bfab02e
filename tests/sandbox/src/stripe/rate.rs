//! The account's request rate: a token bucket that holds one second's worth.

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
