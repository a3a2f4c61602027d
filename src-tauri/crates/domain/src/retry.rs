//! When a failed attempt is tried again.

use std::time::Duration;

use crate::clock::Millis;

/// The waits before each attempt of a cycle; the first is normally zero ("at once").
///
/// Each wait counts from the end of the failed attempt before it. The number of entries is the number of attempts that
/// an item gets before it is `failed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

/// The longest that an org's `Retry-After` may put off an attempt: a day. A longer one is a mistake or an attack, and
/// would hide the item from its admin.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Why a schedule is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// No attempt at all.
    #[error("a retry schedule needs at least one entry, the wait before the first attempt")]
    Empty,
    /// More attempts than anyone means.
    #[error("a retry schedule has at most 20 entries, this has {0}")]
    TooLong(usize),
    /// A wait longer than 30 days.
    #[error("a wait in a retry schedule is at most 30 days")]
    WaitTooLong,
}

impl Schedule {
    /// A schedule with these waits.
    ///
    /// # Errors
    /// [`ScheduleError`] when there are none, more than 20, or one is longer than 30 days.
    pub fn new(waits: Vec<Duration>) -> Result<Self, ScheduleError> {
        match waits.len() {
            0 => Err(ScheduleError::Empty),
            n if n > 20 => Err(ScheduleError::TooLong(n)),
            _ if waits.iter().any(|w| *w > Duration::from_hours(720)) => Err(ScheduleError::WaitTooLong),
            _ => Ok(Self(waits)),
        }
    }

    /// The waits, one an attempt.
    pub fn waits(&self) -> &[Duration] {
        &self.0
    }

    /// When the first attempt of a cycle that starts `now` is due.
    pub fn first_due(&self, now: Millis) -> Millis {
        now.plus(self.0[0])
    }

    /// When the next attempt is due after the `failed`-th counted one ended at `ended`, or `None` when it was the last.
    ///
    /// `retry_after` is what the org asked for; it can only put the attempt off, at most by [`LONGEST_RETRY_AFTER`].
    pub fn next_due(&self, failed: u32, ended: Millis, retry_after: Option<Duration>) -> Option<Millis> {
        let wait = *self.0.get(usize::try_from(failed).ok()?)?;
        let asked = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
        Some(ended.plus(wait.max(asked)))
    }
}

impl Default for Schedule {
    /// At once, 30 s, 2 min, 10 min, 1 h: the documented five attempts.
    fn default() -> Self {
        Self([0, 30, 120, 600, 3600].map(Duration::from_secs).to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(1, None, Some(30_000))]
    #[case(2, None, Some(120_000))]
    #[case(3, None, Some(600_000))]
    #[case(4, None, Some(3_600_000))]
    #[case(5, None, None)]
    #[case(17, None, None)]
    #[case::retry_after_longer(1, Some(45), Some(45_000))]
    #[case::retry_after_shorter(2, Some(5), Some(120_000))]
    #[case::retry_after_absurd(1, Some(u64::MAX), Some(86_400_000))]
    #[case::retry_after_does_not_add_an_attempt(5, Some(60), None)]
    fn the_next_attempt_is_due_by_the_documented_schedule(
        #[case] failed: u32,
        #[case] retry_after: Option<u64>,
        #[case] due_after_ms: Option<i64>,
    ) {
        let ended = Millis(1_000_000);
        let due = Schedule::default().next_due(failed, ended, retry_after.map(Duration::from_secs));
        assert_eq!(due, due_after_ms.map(|ms| Millis(1_000_000 + ms)));
    }

    #[test]
    fn the_first_attempt_is_at_once() {
        assert_eq!(Schedule::default().first_due(Millis(77)), Millis(77));
    }

    #[rstest]
    #[case(vec![], ScheduleError::Empty)]
    #[case(vec![Duration::ZERO; 21], ScheduleError::TooLong(21))]
    #[case(vec![Duration::MAX], ScheduleError::WaitTooLong)]
    fn what_is_no_schedule_is_refused(#[case] waits: Vec<Duration>, #[case] why: ScheduleError) {
        assert_eq!(Schedule::new(waits), Err(why));
    }
}
