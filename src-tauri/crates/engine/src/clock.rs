//! The machine's clock.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::Utc;
use sync_monitor_domain::clock::{Clock, Millis};

/// The longest that a wait goes without a look at the wall clock: timers stand still while a machine sleeps, so a due
/// time that passed in sleep is noticed at most this long after waking.
const LONGEST_NAP: Duration = Duration::from_secs(30);

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose elapsed time starts now.
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn now(&self) -> Millis {
        Utc::now().into()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that waits for time to pass")]
    async fn wait_until(&self, at: Millis) {
        tokio::time::sleep(at.since(self.now()).min(LONGEST_NAP)).await;
    }
}
