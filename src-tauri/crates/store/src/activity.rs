//! The table `activity`: what people and the program did, append-only.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use sync_monitor_domain::clock::Millis;

use crate::error::{Error, Result};
use crate::model::{Activity, ActivityFilter, ActivityPage, Actor, RELAY, Via};
use crate::rows;

/// A line of the activity log, to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    at: Millis,
    actor: Actor,
    action: &'static str,
    subject: Option<String>,
    reason: Option<String>,
    count: Option<u64>,
    detail: Option<String>,
}

impl Entry {
    /// What somebody did.
    pub fn new(at: Millis, actor: &Actor, action: &'static str) -> Self {
        Self { at, actor: actor.clone(), action, subject: None, reason: None, count: None, detail: None }
    }

    /// What the program does by itself.
    pub fn relay(at: Millis, action: &'static str) -> Self {
        Self::new(at, &Actor::relay(), action)
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
        "INSERT INTO activity (at, actor, via, action, subject, reason, count, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute((
        entry.at.0,
        &entry.actor.name,
        entry.actor.via.map(Via::as_str),
        entry.action,
        &entry.subject,
        &entry.reason,
        entry.count,
        &entry.detail,
    ))?;
    Ok(())
}

/// The conditions of a filter. One of them is looked up in its index, the most telling first; the others (those with a
/// `+`, which keeps SQLite from their index) are looked at line by line. The log has no statistics from which SQLite could
/// tell by itself that there are a million lines of one topic and three of one subject.
fn conditions(filter: &ActivityFilter) -> (Vec<&'static str>, Vec<Value>) {
    let ActivityFilter { action, actor, subject, since, until } = filter;
    let (mut sql, mut values) = (Vec::new(), Vec::new());
    let mut add = |condition: &'static str, value: Value| {
        sql.push(condition);
        values.push(value);
    };
    if let Some(subject) = subject {
        add("subject = ?", Value::Text(subject.clone()));
    }
    let somebody = actor.as_deref().is_some_and(|actor| actor != RELAY);
    let by_actor = subject.is_none() && somebody;
    if let Some(actor) = actor {
        let condition = if by_actor { "actor <> 'relay' AND actor = ?" } else { "+actor = ?" };
        add(condition, Value::Text(actor.clone()));
    }
    if let Some(action) = action {
        let topic = action.find('.').map_or("", |dot| &action[..=dot]);
        let condition = if subject.is_none() && !by_actor {
            "substr(action, 1, instr(action, '.')) = ?"
        } else {
            "+substr(action, 1, instr(action, '.')) = ?"
        };
        add(condition, Value::Text(topic.to_owned()));
        if topic != action {
            add("action = ?", Value::Text(action.clone()));
        }
    }
    if let Some(since) = since {
        add("at >= ?", Value::Integer(since.0));
    }
    if let Some(until) = until {
        add("at < ?", Value::Integer(until.0));
    }
    (sql, values)
}

/// A page, newest first; lines of one moment as they were written.
pub(crate) fn page(
    sql: &Connection,
    filter: &ActivityFilter,
    limit: u32,
    cursor: Option<&str>,
) -> Result<ActivityPage> {
    let (query, values) = query(filter, limit, cursor)?;
    let mut statement = sql.prepare_cached(&query)?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        Ok(Activity {
            id: row.get(0)?,
            at: Millis(row.get(1)?),
            actor: rows::actor(row, 2)?,
            action: row.get(4)?,
            subject: row.get(5)?,
            reason: row.get(6)?,
            count: row.get(7)?,
            detail: row.get(8)?,
        })
    })?;
    let mut activity: Vec<Activity> = rows.collect::<rusqlite::Result<_>>()?;
    let more = activity.len() > limit as usize;
    activity.truncate(limit as usize);
    let next_cursor = activity.last().filter(|_| more).map(|last| format!("{}.{}", last.at.0, last.id));
    Ok(ActivityPage { activity, next_cursor })
}

/// One line more than `limit`, so that it is known whether there are more.
fn query(filter: &ActivityFilter, limit: u32, cursor: Option<&str>) -> Result<(String, Vec<Value>)> {
    let (mut conditions, mut values) = conditions(filter);
    if let Some(cursor) = cursor {
        let (at, id) = cursor.split_once('.').ok_or(Error::Cursor)?;
        let place = |text: &str| text.parse().map(Value::Integer).map_err(|_| Error::Cursor);
        conditions.push("(at, id) < (?, ?)");
        values.extend([place(at)?, place(id)?]);
    }
    let conditions = if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") };
    let query = format!(
        "SELECT id, at, actor, via, action, subject, reason, count, detail FROM activity
          WHERE {conditions} ORDER BY at DESC, id DESC LIMIT {}",
        u64::from(limit) + 1
    );
    Ok((query, values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn filter(text: &str) -> ActivityFilter {
        let mut filter = ActivityFilter::default();
        for part in text.split_whitespace() {
            let (name, value) = part.split_once('=').unwrap();
            match name {
                "action" => filter.action = Some(value.into()),
                "actor" => filter.actor = Some(value.into()),
                "subject" => filter.subject = Some(value.into()),
                "since" => filter.since = Some(Millis(value.parse().unwrap())),
                _ => filter.until = Some(Millis(value.parse().unwrap())),
            }
        }
        filter
    }

    #[rstest]
    #[case::nothing("", "activity_at")]
    #[case::a_span("since=1 until=2", "activity_at")]
    #[case::the_relay("actor=relay since=1", "activity_at")]
    #[case::a_topic("action=item.", "activity_topic")]
    #[case::an_action("action=item.retry since=1 until=2", "activity_topic")]
    #[case::no_action("action=item", "activity_topic")]
    #[case::of_the_relay("action=org.health actor=relay", "activity_topic")]
    #[case::somebody("actor=user:a", "activity_actor")]
    #[case::what_somebody_did("actor=user:a action=echo.suppress since=1", "activity_actor")]
    #[case::something("subject=x", "activity_subject")]
    #[case::everything("subject=x actor=user:a action=item.retry since=1 until=2", "activity_subject")]
    fn every_filter_walks_one_index_in_its_order(#[case] text: &str, #[case] index: &str) {
        let folder = tempfile::tempdir().unwrap();
        let sql = crate::open::writer(&folder.path().join("test.db")).unwrap();
        for cursor in [None, Some("5.5")] {
            let (query, values) = query(&filter(text), 100, cursor).unwrap();
            let plan: Vec<String> = sql
                .prepare(&format!("EXPLAIN QUERY PLAN {query}"))
                .unwrap()
                .query_map(params_from_iter(values), |row| row.get(3))
                .unwrap()
                .collect::<rusqlite::Result<_>>()
                .unwrap();
            let [only] = plan.as_slice() else { panic!("{text}: {plan:?}") };
            assert!(only.contains(&format!("USING INDEX {index}")), "{text}: {plan:?}");
        }
    }
}
