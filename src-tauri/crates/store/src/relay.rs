//! The table `relay`: the pause of the whole relay.

use rusqlite::Connection;
use sync_monitor_domain::clock::Millis;

use crate::activity::{self, Entry};
use crate::error::Result;
use crate::model::{Actor, Relay};
use crate::writer::Tx;

/// Is an org held by the pause of the relay? As SQL, of a row of orgs as `org`. One that is not connected waits for a sign-in,
/// and goes on doing so.
pub(crate) fn holds(org: &str) -> String {
    format!("({org}.connected = 1 AND (SELECT paused FROM relay))")
}

/// How it stands with the relay.
pub(crate) fn state(sql: &Connection) -> Result<Relay> {
    Ok(sql.prepare_cached("SELECT paused, paused_until FROM relay")?.query_row([], |row| {
        Ok(Relay { paused: row.get(0)?, paused_until: row.get::<_, Option<i64>>(1)?.map(Millis) })
    })?)
}

/// Pauses the relay, or changes how long it is paused.
pub(crate) fn pause(tx: &mut Tx<'_>, until: Option<Millis>, actor: &Actor, at: Millis) -> Result<Relay> {
    tx.sql
        .prepare_cached("UPDATE relay SET paused = 1, paused_until = ?1")?
        .execute([until.map(|until| until.0)])?;
    tx.routes.forget();
    let mut entry = Entry::new(at, actor, "relay.pause");
    if let Some(until) = until {
        entry = entry.detail(&format!("until {until}"));
    }
    activity::add(tx.sql, &entry)?;
    state(tx.sql)
}

/// Ends the pause, if there is one.
pub(crate) fn resume(tx: &mut Tx<'_>, actor: &Actor, at: Millis) -> Result<Relay> {
    if unpause(tx, "paused = 1", None)? {
        activity::add(tx.sql, &Entry::new(at, actor, "relay.resume"))?;
    }
    state(tx.sql)
}

/// Ends a pause whose time has come.
pub(crate) fn end_pause(tx: &mut Tx<'_>, at: Millis) -> Result<Relay> {
    if unpause(tx, "paused = 1 AND paused_until <= ?1", Some(at))? {
        let entry = Entry::relay(at, "relay.resume").detail("The time of the pause was over.");
        activity::add(tx.sql, &entry)?;
    }
    state(tx.sql)
}

fn unpause(tx: &mut Tx<'_>, condition: &str, at: Option<Millis>) -> Result<bool> {
    tx.routes.forget();
    let mut statement = tx
        .sql
        .prepare_cached(&format!("UPDATE relay SET paused = 0, paused_until = NULL WHERE {condition}"))?;
    let changed = match at {
        Some(at) => statement.execute([at.0])?,
        None => statement.execute([])?,
    };
    Ok(changed > 0)
}
