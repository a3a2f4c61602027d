//! Time, as something that is handed in.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, TimeZone, Utc};
use serde::{Serialize, Serializer};

/// A moment: milliseconds since 1970-01-01 UTC by the wall clock.
///
/// Due times are wall-clock times because they must mean the same after a restart and after sleep.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Millis(pub i64);

impl Millis {
    /// This moment and `later` more, saturating.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(later.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long from `earlier` to this moment; zero when it lies before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The moment as a calendar time; times beyond the calendar become its ends.
    pub fn to_utc(self) -> DateTime<Utc> {
        Utc.timestamp_millis_opt(self.0).single().unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl From<DateTime<Utc>> for Millis {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_millis())
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Millis {
    /// RFC 3339, UTC, with milliseconds: the form of every time in the management API.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where the program gets the time from, so that a test can move it.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The wall clock now.
    fn now(&self) -> Millis;

    /// Time since some fixed moment, by a clock that nobody can set and that may stand still while the machine sleeps.
    fn elapsed(&self) -> Duration;

    /// Returns when the wall clock shows `at` or later, or earlier as a hint: timers stop while a machine sleeps and
    /// lie when a clock is set, so a caller looks at [`Clock::now`] again when this returns.
    async fn wait_until(&self, at: Millis);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_utc_with_milliseconds() {
        assert_eq!(Millis(1_772_202_600_000).to_string(), "2026-02-27T14:30:00.000Z");
        assert_eq!(Millis(1_772_202_600_007).to_string(), "2026-02-27T14:30:00.007Z");
    }

    #[test]
    fn a_time_before_another_is_no_time_since_it() {
        assert_eq!(Millis(5).since(Millis(7)), Duration::ZERO);
        assert_eq!(Millis(7).since(Millis(5)), Duration::from_millis(2));
    }
}
