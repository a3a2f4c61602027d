//! How much an org's own queue holds, as last read: kept in memory, because each look costs the org a call.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::hub::sync_item::OwnStatus;
use sync_monitor_domain::ids::OrgId;

use crate::Engine;

/// How long a reading serves where nobody asks for a newer one: about a hundred calls a day and org.
const SERVES: Duration = Duration::from_mins(15);

/// How much an org's own queue held that somebody should see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnReading {
    /// How many rows that failed or wait, without the dismissed.
    pub rows: u64,
    /// May there be more than were read?
    pub more: bool,
    /// When it was read.
    pub at: Millis,
}

/// The last reading of each org's own queue.
#[derive(Default)]
pub(crate) struct OwnReadings(RwLock<HashMap<OrgId, Kept>>);

#[derive(Default, Clone, Copy)]
struct Kept {
    last: Option<OwnReading>,
    /// When it was last asked for, with or without an answer.
    asked_at: Option<Millis>,
}

impl OwnReadings {
    fn kept(&self, org: OrgId) -> Kept {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&org).copied().unwrap_or_default()
    }

    fn change(&self, org: OrgId, change: impl FnOnce(&mut Kept)) {
        change(self.0.write().unwrap_or_else(PoisonError::into_inner).entry(org).or_default());
    }

    /// It is being asked for.
    pub(super) fn asked(&self, org: OrgId, at: Millis) {
        self.change(org, |kept| kept.asked_at = Some(at));
    }

    /// It was read.
    pub(super) fn note(&self, org: OrgId, reading: OwnReading) {
        self.change(org, |kept| kept.last = Some(reading));
    }

    /// So many rows of it were mended or dismissed.
    pub(super) fn mended(&self, org: OrgId, rows: u64) {
        self.change(org, |kept| {
            if let Some(last) = &mut kept.last {
                last.rows = last.rows.saturating_sub(rows);
            }
        });
    }

    /// What is known of an org that is gone says nothing of it when it comes back.
    pub(crate) fn forget(&self, org: OrgId) {
        self.change(org, |kept| *kept = Kept::default());
    }
}

impl Engine {
    /// How much an org's own queue held when it was last read; `None` where it was not since the program began.
    pub fn own_reading(&self, org: OrgId) -> Option<OwnReading> {
        self.inner.tools.own_readings.kept(org).last
    }

    /// Reads an org's own queue beside its changes: where somebody `asked` for those, or the last reading is old.
    pub(super) async fn look_at_own_queue(&self, org: OrgId, asked: bool) {
        let now = self.clock().now();
        let asked_at = self.inner.tools.own_readings.kept(org).asked_at;
        // A clock that was set back says nothing of how old it is.
        let is_fresh = asked_at.is_some_and(|at| at <= now && now < at.plus(SERVES));
        if is_fresh && !asked {
            return;
        }
        if let Err(error) = self.own_items(org, &OwnStatus::ALL).await {
            tracing::warn!(%org, %error, "an org's own queue could not be read beside its changes");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_counts_down_what_is_mended_and_ends_with_the_connection() {
        let readings = OwnReadings::default();
        let org: OrgId = "00D000000000001".parse().unwrap();
        readings.mended(org, 1);
        assert_eq!(readings.kept(org).last, None, "of what was never read nothing is known");
        let read = OwnReading { rows: 2, more: false, at: Millis(1) };
        readings.note(org, read);
        readings.mended(org, 1);
        assert_eq!(readings.kept(org).last, Some(OwnReading { rows: 1, ..read }));
        readings.mended(org, 5);
        assert_eq!(readings.kept(org).last, Some(OwnReading { rows: 0, ..read }));
        readings.forget(org);
        assert_eq!(readings.kept(org).last, None);
    }
}
