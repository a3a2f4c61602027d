//! The one writer: a thread that runs what is handed to it, and commits whatever waits as one group.
//!
//! A commit costs a sync of the disk, which takes longer than everything else together; so many requests share one.
//! Nobody is answered before the commit that holds his request has been synced.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rusqlite::Connection;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::ApiUsage;
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::stats::Event;
use crate::tally::{Slot, Tally};
use crate::{open, orgs, routes, words};

mod inbox;

use inbox::Inbox;
pub(crate) use inbox::Urgency;

/// A piece of work, and whom to tell what came of it.
trait Job: Send {
    /// Does it; says whether what it wrote is to be kept. May be done again after everything it wrote was undone.
    fn work(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Tells what came of it, or why the group that it was in could not be committed.
    fn answer(self: Box<Self>, failed: Option<&str>);
}

struct Asked<T, F, G> {
    work: F,
    result: Option<Result<T>>,
    then: G,
}

impl<T, F, G> Job for Asked<T, F, G>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> Result<T> + Send,
    G: FnOnce(Result<T>) + Send,
{
    fn work(&mut self, tx: &mut Tx<'_>) -> bool {
        let result = (self.work)(tx);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, failed: Option<&str>) {
        let result = match (self.result, failed) {
            (Some(Err(error)), _) => Err(error),
            (_, Some(why)) => Err(Error::Commit(why.to_owned())),
            (Some(Ok(done)), None) => Ok(done),
            (None, None) => Err(Error::Commit("it was not tried".into())),
        };
        (self.then)(result);
    }
}

/// The way to the writer's thread. When it is dropped the thread ends, after everything handed in is done.
pub(crate) struct Writer {
    inbox: Arc<Inbox<Box<dyn Job>>>,
    words_wait: Arc<AtomicBool>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.inbox.close();
    }
}

impl Writer {
    /// Opens the database and starts the thread.
    pub(crate) fn start(path: &Path) -> Result<(Self, JoinHandle<()>)> {
        let connection = open::writer(path)?;
        let inbox = Arc::new(Inbox::new());
        let own = Arc::clone(&inbox);
        let words = words::Backlog::left(&connection)?;
        let words_wait = words.is_waiting();
        let spawned = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(connection, &own, words));
        let thread = spawned.map_err(|error| Error::Commit(format!("its thread did not start: {error}")))?;
        Ok((Self { inbox, words_wait }, thread))
    }

    /// Has everything that was committed found by its words.
    ///
    /// # Errors
    /// As [`Self::run`]; the rest is found all the same.
    pub(crate) async fn write_words(&self) -> Result<()> {
        if self.words_wait.load(Ordering::Acquire) {
            self.run(|tx| {
                tx.words.write_at_once();
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// Runs `work` on the writer's thread, in a group with others; returns when it is committed and synced.
    ///
    /// A `work` that fails leaves nothing behind, and does not touch the others of its group: they are undone with it, and
    /// done again without it. So `work` may be called twice.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        // Whoever asked may have gone away (a client that hung up); what he asked for is done all the same.
        self.hand_in(Urgency::Now, work, move |result| drop(answer.send(result))).await?;
        answered.await.map_err(|_| Error::Closed)?
    }

    /// The same for who does not wait: returns when there is room for it. `then` is called on the writer's thread, whatever
    /// became of who handed it in; everybody else's answer waits meanwhile. What is for soon has a commit of its own only where
    /// nothing else comes within two milliseconds.
    ///
    /// # Errors
    /// [`Error::Closed`]; `then` is not called then.
    pub(crate) async fn hand_in<T: Send + 'static>(
        &self,
        urgency: Urgency,
        work: impl FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
        then: impl FnOnce(Result<T>) + Send + 'static,
    ) -> Result<()> {
        self.inbox.hand_in(Box::new(Asked { work, result: None, then }), urgency).await
    }
}

/// What a piece of work may use: the open transaction, and what the writer keeps between transactions.
pub(crate) struct Tx<'a> {
    pub(crate) sql: &'a Connection,
    pub(crate) orgs: &'a mut orgs::Keys,
    pub(crate) routes: &'a mut routes::BySource,
    pub(crate) tally: &'a mut Tally,
    pub(crate) contacts: &'a mut Contacts,
    pub(crate) words: &'a mut words::Pending,
}

/// What the writer keeps between groups, all of it only to spare looking it up. Row numbers that were rolled back are given
/// again, so that it is forgotten with each rollback.
#[derive(Default)]
struct Kept {
    orgs: orgs::Keys,
    routes: routes::BySource,
}

impl Kept {
    fn tx<'a>(&'a mut self, sql: &'a Connection, later: &'a mut Later) -> Tx<'a> {
        Tx {
            sql,
            orgs: &mut self.orgs,
            routes: &mut self.routes,
            tally: &mut later.tally,
            contacts: &mut later.contacts,
            words: &mut later.words,
        }
    }
}

/// What a group writes once, at its end.
#[derive(Default)]
struct Later {
    tally: Tally,
    contacts: Contacts,
    words: words::Pending,
}

impl Later {
    fn add(&mut self, other: Self) {
        self.tally.add(other.tally);
        self.contacts.add(other.contacts);
        self.words.add(other.words);
    }

    /// Writes it, except for the words.
    fn write(self, sql: &Connection) -> Result<words::Pending> {
        self.tally.write(sql)?;
        self.contacts.write(sql)?;
        Ok(self.words)
    }
}

/// What every message tells of an org besides (that it sent or took something, its API use, its clock): written once a
/// group.
#[derive(Default)]
pub(crate) struct Contacts {
    received: HashMap<i64, Millis>,
    delivered: HashMap<i64, Millis>,
    usage: HashMap<i64, ApiUsage>,
    skew: HashMap<i64, i64>,
}

impl Contacts {
    pub(crate) fn received(&mut self, org: i64, at: Millis) {
        self.received.insert(org, at);
    }

    pub(crate) fn delivered(&mut self, org: i64, at: Millis) {
        self.delivered.insert(org, at);
    }

    pub(crate) fn vitals(&mut self, org: i64, usage: Option<ApiUsage>, clock_skew_ms: Option<i64>) {
        self.usage.extend(usage.map(|usage| (org, usage)));
        self.skew.extend(clock_skew_ms.map(|skew| (org, skew)));
    }

    fn add(&mut self, later: Self) {
        self.received.extend(later.received);
        self.delivered.extend(later.delivered);
        self.usage.extend(later.usage);
        self.skew.extend(later.skew);
    }

    fn write(self, sql: &Connection) -> Result<()> {
        for (org, at) in self.received {
            sql.prepare_cached("UPDATE orgs SET last_received_at = ?2 WHERE id = ?1")?
                .execute((org, at.0))?;
        }
        for (org, at) in self.delivered {
            sql.prepare_cached("UPDATE orgs SET last_delivered_at = ?2 WHERE id = ?1")?
                .execute((org, at.0))?;
        }
        for (org, usage) in self.usage {
            sql.prepare_cached("UPDATE orgs SET api_used = ?2, api_max = ?3 WHERE id = ?1")?
                .execute((org, usage.used, usage.max))?;
        }
        for (org, skew) in self.skew {
            sql.prepare_cached("UPDATE orgs SET clock_skew_ms = ?2 WHERE id = ?1")?.execute((org, skew))?;
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// The row of an org, made if there is none.
    pub(crate) fn org(&mut self, id: OrgId) -> Result<i64> {
        self.orgs.ensure(self.sql, id)
    }

    /// Something happened to an item that goes to an org, for the charts.
    pub(crate) fn happened(&mut self, at: Millis, target: i64, event: Event) {
        self.tally.happenings.note(at, target, event, 1);
    }

    /// An item moves from one place of the counters to another.
    pub(crate) fn shift(&mut self, from: Option<Slot>, to: Option<Slot>) {
        self.tally.shift(from, to);
    }
}

/// Nobody is left waiting by a thread that broke.
struct Abandoning<'a>(&'a Inbox<Box<dyn Job>>);

impl Drop for Abandoning<'_> {
    fn drop(&mut self) {
        drop(self.0.abandon());
    }
}

fn run(connection: Connection, inbox: &Inbox<Box<dyn Job>>, mut words: words::Backlog) {
    let _abandoning = Abandoning(inbox);
    let mut kept = Kept::default();
    while let Some(mut group) = inbox.take() {
        let failed = commit(&connection, &mut kept, &mut words, &mut group).err().map(|error| match error {
            Error::Sqlite(error) => error.to_string(),
            Error::Commit(why) => why,
            other => other.to_string(),
        });
        if failed.is_some() {
            undo(&connection, &mut kept);
        }
        for job in group {
            job.answer(failed.as_deref());
        }
    }
    if let Err((_, error)) = connection.close() {
        tracing::error!(%error, "the database did not close cleanly; it will be recovered at the next start");
    }
}

/// Undoes everything since the last commit.
fn undo(sql: &Connection, kept: &mut Kept) {
    if !sql.is_autocommit()
        && let Err(error) = sql.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "a failed group of writes could not be rolled back");
    }
    *kept = Kept::default();
}

/// Does a group and commits it.
///
/// Jobs hardly ever fail, and a savepoint for each costs more than the job itself: SQLite then keeps a copy of each page
/// before each job, and writes out its index of words. So all are done together at first; where one fails, everything is
/// undone and done again, each job with a savepoint.
fn commit(
    sql: &Connection,
    kept: &mut Kept,
    backlog: &mut words::Backlog,
    group: &mut [Box<dyn Job>],
) -> Result<()> {
    begin(sql, group)?;
    let mut later = Later::default();
    let well = group.iter_mut().all(|job| job.work(&mut kept.tx(sql, &mut later)) && !sql.is_autocommit());
    let words = if well {
        later.write(sql)?
    } else if let [_] = group {
        if sql.is_autocommit() {
            return Err(rolled_back());
        }
        // Nobody else is in the group; what it left is undone, and it knows itself why.
        undo(sql, kept);
        return Ok(());
    } else {
        undo(sql, kept);
        one_by_one(sql, kept, group)?.write(sql)?
    };
    let keep = backlog.or_write(&words, sql)?;
    sql.prepare_cached("COMMIT")?.execute([])?;
    backlog.committed(words, keep);
    Ok(())
}

/// Begins a transaction for a group; where there can be none, each job makes its answer.
fn begin(sql: &Connection, group: &mut [Box<dyn Job>]) -> Result<()> {
    let begun = sql.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([]));
    if begun.is_err() {
        refuse(sql, group);
    }
    begun?;
    Ok(())
}

/// Does each job of a group by itself, so that one that fails leaves the others alone.
fn one_by_one(sql: &Connection, kept: &mut Kept, group: &mut [Box<dyn Job>]) -> Result<Later> {
    begin(sql, group)?;
    let mut later = Later::default();
    for index in 0..group.len() {
        sql.execute_batch("SAVEPOINT job")?;
        let mut own = Later::default();
        let keep = group[index].work(&mut kept.tx(sql, &mut own));
        if sql.is_autocommit() {
            // The transaction is gone: a full disk rolls it back.
            refuse(sql, &mut group[index + 1..]);
            return Err(rolled_back());
        }
        if keep {
            sql.execute_batch("RELEASE job")?;
            later.add(own);
        } else {
            sql.execute_batch("ROLLBACK TO job; RELEASE job")?;
            *kept = Kept::default();
        }
    }
    Ok(later)
}

fn rolled_back() -> Error {
    Error::Commit("the disk is full or failed, and the transaction was rolled back".into())
}

/// Does jobs for their answers alone, where there is no transaction: against a connection that refuses to write, so that each
/// makes its own answer of the right type.
fn refuse(sql: &Connection, group: &mut [Box<dyn Job>]) {
    drop(sql.pragma_update(None, "query_only", "ON"));
    for job in group {
        job.work(&mut Kept::default().tx(sql, &mut Later::default()));
    }
    drop(sql.pragma_update(None, "query_only", "OFF"));
}
