//! How often a token may ask.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

/// A bucket of requests for each token: holds a minute's worth, and is filled evenly.
pub(crate) struct Limiter {
    per_minute: u32,
    tokens: Mutex<HashMap<Uuid, Bucket>>,
}

struct Bucket {
    left: f64,
    filled_at: Instant,
}

impl Limiter {
    /// At most `per_minute` requests a minute for each token.
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute: per_minute.max(1), tokens: Mutex::default() }
    }

    /// Takes one request of the token's allowance; otherwise says how long to wait for the next.
    pub(crate) fn take(&self, token: Uuid, now: Instant) -> Result<(), Duration> {
        let full = f64::from(self.per_minute);
        let per_second = full / 60.0;
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = tokens.entry(token).or_insert(Bucket { left: full, filled_at: now });
        let passed = now.saturating_duration_since(bucket.filled_at).as_secs_f64();
        bucket.left = (bucket.left + passed * per_second).min(full);
        bucket.filled_at = now;
        if bucket.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.left) / per_second));
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    #[test]
    fn a_token_over_its_rate_is_told_how_long_to_wait() {
        let limiter = Limiter::new(60);
        let start = Instant::now();
        for n in 0..60 {
            assert_eq!(limiter.take(ONE, start), Ok(()), "request {n}");
        }
        let wait = limiter.take(ONE, start).unwrap_err();
        assert_eq!(wait.as_millis(), 1_000);
        assert_eq!(limiter.take(ONE, start + Duration::from_millis(1_001)), Ok(()));
        assert!(limiter.take(ONE, start + Duration::from_millis(1_001)).is_err());
    }

    #[test]
    fn one_token_does_not_use_up_anothers_rate() {
        let limiter = Limiter::new(1);
        let start = Instant::now();
        assert_eq!(limiter.take(ONE, start), Ok(()));
        assert!(limiter.take(ONE, start).is_err());
        assert_eq!(limiter.take(OTHER, start), Ok(()));
    }

    #[test]
    fn a_rest_saves_up_no_more_than_a_minutes_worth() {
        let limiter = Limiter::new(2);
        let start = Instant::now();
        assert_eq!(limiter.take(ONE, start), Ok(()));
        let later = start + Duration::from_hours(1);
        assert_eq!(limiter.take(ONE, later), Ok(()));
        assert_eq!(limiter.take(ONE, later), Ok(()));
        assert!(limiter.take(ONE, later).is_err());
    }
}
