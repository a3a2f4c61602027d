//! The counters: how many items stand where, kept as items move.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::error::Result;
use crate::stats::Happenings;

/// A place that items are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) route: i64,
    pub(crate) status: u8,
    pub(crate) blocked: bool,
    pub(crate) dismissed: bool,
}

/// How the counters change by one group of writes.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    slots: HashMap<Slot, i64>,
    pub(crate) happenings: Happenings,
}

impl Tally {
    pub(crate) fn shift(&mut self, from: Option<Slot>, to: Option<Slot>) {
        if let Some(slot) = from {
            *self.slots.entry(slot).or_default() -= 1;
        }
        if let Some(slot) = to {
            *self.slots.entry(slot).or_default() += 1;
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (slot, n) in other.slots {
            *self.slots.entry(slot).or_default() += n;
        }
        self.happenings.add(other.happenings);
    }

    pub(crate) fn write(self, sql: &Connection) -> Result<()> {
        self.happenings.write(sql)?;
        for (slot, n) in self.slots.into_iter().filter(|(_, n)| *n != 0) {
            sql.prepare_cached(
                "INSERT INTO tallies (route, status, blocked, dismissed, n) VALUES (?1, ?2, ?3, ?4, max(?5, 0))
                 ON CONFLICT DO UPDATE SET n = n + ?5",
            )?
            .execute((slot.route, slot.status, slot.blocked, slot.dismissed, n))?;
        }
        Ok(())
    }
}
