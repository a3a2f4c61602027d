//! The table `activity`: what people and the program did, append-only.

use rusqlite::Connection;
use sync_monitor_domain::clock::Millis;

use crate::error::{Error, Result};
use crate::model::{Activity, ActivityPage, Actor};

/// A line of the activity log, to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    at: Millis,
    actor: String,
    action: &'static str,
    subject: Option<String>,
    reason: Option<String>,
    count: Option<u64>,
    detail: Option<String>,
}

impl Entry {
    /// What somebody did.
    pub fn new(at: Millis, actor: &Actor, action: &'static str) -> Self {
        Self { at, actor: actor.0.clone(), action, subject: None, reason: None, count: None, detail: None }
    }

    /// What the program does by itself.
    pub fn relay(at: Millis, action: &'static str) -> Self {
        Self::new(at, &Actor("relay".into()), action)
    }

    /// To what.
    #[must_use]
    pub fn subject(mut self, subject: impl ToString) -> Self {
        self.subject = Some(subject.to_string());
        self
    }

    /// Why, in the actor's words.
    #[must_use]
    pub fn reason(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    /// To how many.
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// More, for a person.
    #[must_use]
    pub fn detail(mut self, detail: &str) -> Self {
        self.detail = Some(detail.to_owned());
        self
    }
}

pub(crate) fn add(sql: &Connection, entry: &Entry) -> Result<()> {
    sql.prepare_cached(
        "INSERT INTO activity (at, actor, action, subject, reason, count, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute((entry.at.0, &entry.actor, entry.action, &entry.subject, &entry.reason, entry.count, &entry.detail))?;
    Ok(())
}

/// A page, newest first.
pub(crate) fn page(sql: &Connection, limit: u32, cursor: Option<&str>) -> Result<ActivityPage> {
    let before: i64 = cursor.map_or(Ok(i64::MAX), str::parse).map_err(|_| Error::Cursor)?;
    let mut statement = sql.prepare_cached(
        "SELECT id, at, actor, action, subject, reason, count, detail FROM activity WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let rows = statement.query_map((before, limit), |row| {
        Ok(Activity {
            id: row.get(0)?,
            at: Millis(row.get(1)?),
            actor: row.get(2)?,
            action: row.get(3)?,
            subject: row.get(4)?,
            reason: row.get(5)?,
            count: row.get(6)?,
            detail: row.get(7)?,
        })
    })?;
    let activity: Vec<Activity> = rows.collect::<rusqlite::Result<_>>()?;
    let full = u32::try_from(activity.len()).is_ok_and(|n| n == limit);
    let next_cursor = activity.last().filter(|_| full).map(|last| last.id.to_string());
    Ok(ActivityPage { activity, next_cursor })
}
