//! Totals that were counted once, and are right until something is written.

use rusqlite::Connection;

use crate::error::Result;
use crate::model::Filter;

/// How many are kept: of the lists that somebody goes through at the moment.
const KEPT: usize = 16;

/// What was counted by a connection since something was last written by another.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    /// Of the database, as this connection numbers its states.
    version: i64,
    /// The oldest first.
    known: Vec<(Filter, u64)>,
}

impl Totals {
    /// Forgets what was counted in another state of the database than the one that is read now.
    pub(super) fn look(&mut self, sql: &Connection) -> Result<()> {
        let version = sql.pragma_query_value(None, "data_version", |row| row.get(0))?;
        if self.version != version {
            self.known.clear();
            self.version = version;
        }
        Ok(())
    }

    pub(super) fn of(&self, filter: &Filter) -> Option<u64> {
        self.known.iter().find(|(of, _)| of == filter).map(|(_, total)| *total)
    }

    pub(super) fn keep(&mut self, filter: &Filter, total: u64) {
        if self.of(filter).is_none() {
            if self.known.len() == KEPT {
                self.known.remove(0);
            }
            self.known.push((filter.clone(), total));
        }
    }
}
