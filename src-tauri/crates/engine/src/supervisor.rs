//! Watches the clock: a jump, or a sleep of the machine, means that due times must be looked at again; and what is to be done
//! from time to time is done.

use std::sync::Arc;
use std::time::Duration;

use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::retry::LONGEST_RETRY_AFTER;
use sync_monitor_store::Entry;

use crate::{Engine, Error, worker};

/// How often the wall clock is held against the other.
const LOOK: Duration = Duration::from_secs(15);
/// A difference that is no jump: clocks are nudged all the time.
const TOLERANCE_MS: i64 = 3_000;
/// How often what is too old is cleared away.
const CLEAR: Duration = Duration::from_hours(6);

/// How often it is written down that the program runs: what is known of its end after a crash is right to so much.
const SEEN: Duration = Duration::from_mins(5);
/// How often it is written down when tokens were last used.
const TOKENS: Duration = Duration::from_mins(1);
/// How long it is remembered what happened in each minute.
const REMEMBERED: Duration = Duration::from_hours(90 * 24);

/// What the wall clock did between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Jump {
    None,
    /// Set forwards, or the machine slept.
    Ahead(i64),
    Back(i64),
}

fn jump(wall: (Millis, Millis), elapsed: (Duration, Duration)) -> Jump {
    let by_wall = wall.1.0.saturating_sub(wall.0.0);
    let by_timer = i64::try_from(elapsed.1.saturating_sub(elapsed.0).as_millis()).unwrap_or(i64::MAX);
    match by_wall.saturating_sub(by_timer) {
        ahead if ahead > TOLERANCE_MS => Jump::Ahead(ahead),
        back if back < -TOLERANCE_MS => Jump::Back(-back),
        _ => Jump::None,
    }
}

impl Engine {
    /// Watches from the moment that the engine started at, by both clocks.
    pub(crate) async fn supervise(self, mut wall: Millis, mut elapsed: Duration) {
        let clock = Arc::clone(self.clock());
        let mut clear_at = wall;
        let mut relay = self.inner.pause.watch();
        let (mut seen_at, mut tokens_at) = (wall.plus(SEEN), wall.plus(TOKENS));
        while !self.inner.tools.stop.is_cancelled() {
            // Both at one moment: what is done about a jump takes its time.
            let (now, passed) = (clock.now(), clock.elapsed());
            match jump((wall, now), (elapsed, passed)) {
                Jump::None => {}
                Jump::Ahead(by) => {
                    self.clock_jumped(now, by, "forwards, or the machine slept").await;
                    self.woke(wall, now).await;
                }
                Jump::Back(by) => {
                    self.set_back(Duration::from_millis(by.unsigned_abs())).await;
                    self.clock_jumped(now, by, "backwards").await;
                    self.pull_in(now).await;
                    // Due times are others now, and so are the countdowns that somebody looks at.
                    self.inner.tools.announce_many();
                    clear_at = clear_at.min(now.plus(CLEAR));
                    (seen_at, tokens_at) = (seen_at.min(now.plus(SEEN)), tokens_at.min(now.plus(TOKENS)));
                }
            }
            (wall, elapsed) = (now, passed);
            self.end_relay_pause(now).await;
            if now >= seen_at {
                self.seen(now).await;
                seen_at = now.plus(SEEN);
            }
            if now >= tokens_at {
                self.save_token_uses().await;
                tokens_at = now.plus(TOKENS);
            }
            if now >= clear_at {
                self.clear_old(now).await;
                clear_at = now.plus(CLEAR);
            }
            let look = clock.now().plus(LOOK);
            // One that was over and could not be ended is looked at again at the next look, not at once.
            let ends = relay.borrow_and_update().paused_until.filter(|end| *end > now);
            tokio::select! {
                () = self.inner.tools.stop.cancelled() => {}
                // Of a pause that was just begun or changed the end is not known here yet. Its sender lives as long as this.
                changed = relay.changed() => drop(changed),
                () = clock.wait_until(ends.map_or(look, |end| end.min(look))) => {}
            }
        }
    }

    /// The program still runs.
    pub(crate) async fn seen(&self, now: Millis) {
        let forget = Millis(now.0.saturating_sub(i64::try_from(REMEMBERED.as_millis()).unwrap_or(i64::MAX)));
        if let Err(error) = self.inner.tools.store.go_on(now, forget).await {
            tracing::error!(%error, "it could not be written down that the program runs");
        }
    }

    async fn woke(&self, slept_at: Millis, now: Millis) {
        if let Err(error) = self.inner.tools.store.begin_run(Some(slept_at), now).await {
            tracing::error!(%error, "it could not be written down that the machine slept");
        }
    }

    /// The clock was set back: what waits is due at the same moment as before, not so much later.
    async fn set_back(&self, by: Duration) {
        match self.inner.tools.store.set_back(by).await {
            Ok(_) => self.tell_all(|| worker::Command::SetBack(by)),
            Err(error) => tracing::error!(%error, "due times could not be set back with the clock"),
        }
    }

    /// At the start: was the clock set back while the program did not run? By how much is known only as far as the program
    /// was seen later than it is now.
    pub(crate) async fn set_back_since_last_run(&self, now: Millis) -> Result<(), Error> {
        let Some(seen) = self.inner.tools.store.last_seen().await? else { return Ok(()) };
        let by = seen.since(now);
        if by > Duration::from_millis(TOLERANCE_MS.unsigned_abs()) {
            self.inner.tools.store.set_back(by).await?;
            tracing::warn!(seconds = by.as_secs(), "the clock was set back since the program last ran");
        }
        Ok(())
    }

    async fn clock_jumped(&self, now: Millis, by_ms: i64, direction: &str) {
        let detail = format!("The clock moved {} seconds {direction}.", by_ms / 1_000);
        tracing::warn!("{detail} Due times are looked at again.");
        if let Err(error) = self.inner.tools.store.note(Entry::relay(now, "clock.jump").detail(&detail)).await
        {
            tracing::error!(%error, "the clock's jump could not be written down");
        }
        self.wake_all();
    }

    /// Nothing waits longer than the longest wait there is, whatever the clock did meanwhile.
    pub(crate) async fn pull_in(&self, now: Millis) {
        let longest =
            self.schedule().waits().iter().max().copied().unwrap_or_default().max(LONGEST_RETRY_AFTER);
        match self.inner.tools.store.pull_in(now.plus(longest)).await {
            Ok(0) => {}
            Ok(items) => {
                tracing::warn!(items, "due times beyond the longest wait were brought back");
                // Who looked before knows of the old times.
                self.wake_all();
                self.inner.tools.announce_many();
            }
            Err(error) => tracing::error!(%error, "due times could not be looked at"),
        }
    }

    async fn clear_old(&self, now: Millis) {
        let settings = &self.inner.tools.settings;
        let before = |keep: Duration| {
            Millis(now.0.saturating_sub(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX)))
        };
        let (synced, transactions) =
            (before(settings.synced_retention), before(settings.transaction_retention));
        loop {
            match self.inner.tools.store.clear(synced, transactions).await {
                Ok(0) => return,
                Ok(rows) => tracing::info!(rows, "what is older than the retention was cleared away"),
                Err(error) => {
                    tracing::error!(%error, "what is too old could not be cleared away");
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::as_it_should(15_000, 15, Jump::None)]
    #[case::nudged(15_900, 15, Jump::None)]
    #[case::slept(3_615_000, 15, Jump::Ahead(3_600_000))]
    #[case::set_back(-3_585_000, 15, Jump::Back(3_600_000))]
    #[case::a_late_look_is_no_jump(40_000, 40, Jump::None)]
    fn a_jump_is_what_the_wall_clock_did_beyond_the_time_that_passed(
        #[case] wall_ms: i64,
        #[case] seconds: u64,
        #[case] expected: Jump,
    ) {
        let wall = (Millis(1_000_000), Millis(1_000_000 + wall_ms));
        assert_eq!(jump(wall, (Duration::ZERO, Duration::from_secs(seconds))), expected);
    }
}
