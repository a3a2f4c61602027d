//! A clock that stands still until it is moved.

use std::time::Duration;

use async_trait::async_trait;
use sync_monitor_domain::clock::{Clock, Millis};
use tokio::sync::watch;

#[derive(Debug, Clone, Copy)]
struct Time {
    wall: Millis,
    elapsed: Duration,
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct MockClock(watch::Sender<Time>);

impl MockClock {
    /// Noon of an ordinary day.
    pub fn new() -> Self {
        Self::at(Millis(1_772_193_600_000))
    }

    /// A clock that shows `wall`.
    pub fn at(wall: Millis) -> Self {
        Self(watch::Sender::new(Time { wall, elapsed: Duration::ZERO }))
    }

    /// Time passes.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|time| {
            time.wall = time.wall.plus(by);
            time.elapsed += by;
        });
    }

    /// Somebody sets the clock; no time passes.
    pub fn set(&self, wall: Millis) {
        self.0.send_modify(|time| time.wall = wall);
    }
}

impl Default for MockClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for MockClock {
    fn now(&self) -> Millis {
        self.0.borrow().wall
    }

    fn elapsed(&self) -> Duration {
        self.0.borrow().elapsed
    }

    async fn wait_until(&self, at: Millis) {
        let mut time = self.0.subscribe();
        if time.borrow_and_update().wall < at {
            // Any move is a hint, as it is with a real timer; the clock outlives whoever waits for it.
            drop(time.changed().await);
        }
    }
}
