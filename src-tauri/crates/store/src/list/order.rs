//! The orders that lists have, and the places in them.

use sync_monitor_domain::item::Status;

use crate::error::{Error, Result};
use crate::model::{Filter, Sort, SortBy};

/// Where a page begins: behind this place in the order.
pub(super) type Place = (i64, i64);

/// The order of a list, which is also what its cursors hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) key: Key,
    pub(super) descends: bool,
}

/// What a list is ordered by; what is equal is ordered by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// As it was accepted.
    Created,
    Updated,
    /// Only what waits or is in flight has such a time.
    Due,
}

impl Order {
    /// The order that was asked for, or else the one that suits the filter: the newest failure first, the soonest or longest
    /// due first, the last delivered first; of several kinds the newest first.
    pub(super) fn of(filter: &Filter, sort: Option<Sort>) -> Result<Self> {
        let open = !filter.statuses.is_empty() && filter.statuses.iter().all(|status| status.is_open());
        Ok(match sort {
            Some(Sort { by: SortBy::CreatedAt, descends }) => Self { key: Key::Created, descends },
            Some(Sort { by: SortBy::UpdatedAt, descends }) => Self { key: Key::Updated, descends },
            Some(Sort { by: SortBy::NextAttemptAt, descends }) if open => Self { key: Key::Due, descends },
            Some(Sort { by: SortBy::NextAttemptAt, .. }) => {
                return Err(Error::Refused(
                    "Only queued, processing and retrying items have a next attempt. Ask for these statuses, or sort by something else.".into(),
                ));
            }
            None if open => Self { key: Key::Due, descends: false },
            None => match filter.statuses.as_slice() {
                [_] => Self { key: Key::Updated, descends: true },
                _ => Self { key: Key::Created, descends: true },
            },
        })
    }

    pub(super) fn column(self) -> &'static str {
        match self.key {
            Key::Created => "i.id",
            Key::Updated => "i.updated_at",
            Key::Due => "i.due_at",
        }
    }

    /// As SQL.
    pub(super) fn by(self) -> String {
        let (key, direction) = (self.column(), if self.descends { "DESC" } else { "ASC" });
        format!("ORDER BY {key} {direction}, i.id {direction}")
    }

    /// What cursors of this order begin with, so that they are refused by another.
    pub(super) fn mark(self) -> &'static str {
        match (self.key, self.descends) {
            (Key::Created, false) => "c",
            (Key::Created, true) => "-c",
            (Key::Updated, false) => "u",
            (Key::Updated, true) => "-u",
            (Key::Due, false) => "n",
            (Key::Due, true) => "-n",
        }
    }

    /// The statuses to ask for one by one, since each has an index of its own; `None` to ask for all at once.
    pub(super) fn one_by_one(self, filter: &Filter) -> Option<Vec<Status>> {
        let all = if filter.statuses.is_empty() { Status::ALL } else { &filter.statuses };
        (self.key != Key::Created && all.len() > 1).then(|| all.to_vec())
    }

    /// Where a cursor stands.
    pub(super) fn place(self, cursor: &str) -> Result<Place> {
        let rest =
            cursor.strip_prefix(self.mark()).and_then(|rest| rest.strip_prefix('.')).ok_or(Error::Cursor)?;
        let (at, id) = rest.split_once('.').ok_or(Error::Cursor)?;
        Ok((at.parse().map_err(|_| Error::Cursor)?, id.parse().map_err(|_| Error::Cursor)?))
    }
}
