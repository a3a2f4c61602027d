//! The one writer: a thread that runs what is handed to it, and commits whatever waits as one group.
//!
//! A commit costs a sync of the disk, which takes longer than everything else together; so many requests share one.
//! Nobody is answered before the commit that holds his request has been synced.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;
use sync_monitor_domain::change::Change;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::ApiUsage;
use tokio::sync::{mpsc, oneshot};

use crate::error::{Error, Result};
use crate::stats::Event;
use crate::tally::{Slot, Tally};
use crate::{open, orgs, queue, routes};

/// The most requests in one commit: enough to share the sync, few enough that nobody waits long for the others.
const GROUP: usize = 256;
/// The most requests that wait; beyond it a sender waits in turn.
const QUEUE: usize = 4_096;
/// How many payloads are kept as they were read, and how large they are together.
const KEPT: usize = 1_024;
const KEPT_BYTES: usize = 2 * 1024 * 1024;

type Answer = Box<dyn FnOnce(Option<&str>) + Send>;
type Job = Box<dyn FnOnce(&mut Tx<'_>) -> (bool, Answer) + Send>;

/// The way to the writer's thread. When the last one is dropped the thread ends, after everything handed in is done.
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// Opens the database and starts the thread.
    pub(crate) fn start(path: &Path) -> Result<(Self, JoinHandle<()>)> {
        let connection = open::writer(path)?;
        let (jobs, inbox) = mpsc::channel(QUEUE);
        let spawned =
            std::thread::Builder::new().name("store-writer".into()).spawn(move || run(connection, inbox));
        let thread = spawned.map_err(|error| Error::Commit(format!("its thread did not start: {error}")))?;
        Ok((Self { jobs }, thread))
    }

    /// Runs `work` on the writer's thread, in a group with others; returns when it is committed and synced.
    ///
    /// A `work` that fails leaves nothing behind, and does not touch the others of its group.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel::<Result<T>>();
        let job: Job = Box::new(move |tx| {
            let result = work(tx);
            let keep = result.is_ok();
            let reply: Answer = Box::new(move |failed| {
                let result = match failed {
                    Some(why) if result.is_ok() => Err(Error::Commit(why.to_owned())),
                    _ => result,
                };
                // Whoever asked may have gone away (a client that hung up); what he asked for is done all the same.
                drop(answer.send(result));
            });
            (keep, reply)
        });
        self.jobs.send(job).await.map_err(|_| Error::Closed)?;
        answered.await.map_err(|_| Error::Closed)?
    }
}

/// What a piece of work may use: the open transaction, and what the writer keeps between transactions.
pub(crate) struct Tx<'a> {
    pub(crate) sql: &'a Connection,
    pub(crate) orgs: &'a mut orgs::Keys,
    pub(crate) routes: &'a mut routes::BySource,
    pub(crate) tally: &'a mut Tally,
    pub(crate) contacts: &'a mut Contacts,
    pub(crate) changes: &'a mut Changes,
}

/// What the writer keeps between groups, all of it only to spare looking it up. Row numbers that were rolled back are given
/// again, so that it is forgotten with each rollback.
#[derive(Default)]
struct Kept {
    orgs: orgs::Keys,
    routes: routes::BySource,
    changes: Changes,
}

impl Kept {
    fn tx<'a>(&'a mut self, sql: &'a Connection, tally: &'a mut Tally, contacts: &'a mut Contacts) -> Tx<'a> {
        Tx {
            sql,
            orgs: &mut self.orgs,
            routes: &mut self.routes,
            tally,
            contacts,
            changes: &mut self.changes,
        }
    }
}

/// The payloads that were read last, so that one that comes in and goes on at once is read a single time.
#[derive(Default)]
pub(crate) struct Changes {
    read: HashMap<i64, Arc<Change>>,
    order: VecDeque<i64>,
    bytes: usize,
}

impl Changes {
    pub(crate) fn keep(&mut self, txn: i64, change: Arc<Change>) {
        self.bytes += change.body().len();
        if let Some(before) = self.read.insert(txn, change) {
            self.bytes -= before.body().len();
            return;
        }
        self.order.push_back(txn);
        while (self.bytes > KEPT_BYTES || self.order.len() > KEPT)
            && let Some(oldest) = self.order.pop_front()
        {
            if let Some(change) = self.read.remove(&oldest) {
                self.bytes -= change.body().len();
            }
        }
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
    /// The payload that goes to the targets of a transaction.
    pub(crate) fn change(&mut self, txn: i64) -> Result<Arc<Change>> {
        if let Some(change) = self.changes.read.get(&txn) {
            return Ok(Arc::clone(change));
        }
        let change = Arc::new(queue::change(self.sql, txn)?);
        self.changes.keep(txn, Arc::clone(&change));
        Ok(change)
    }

    /// The row of an org, made if there is none.
    pub(crate) fn org(&mut self, id: OrgId) -> Result<i64> {
        self.orgs.ensure(self.sql, id)
    }

    /// Something happened, for the charts.
    pub(crate) fn happened(&mut self, at: Millis, event: Event) {
        self.tally.happenings.note(at, event, 1);
    }

    /// An item moves from one place of the counters to another.
    pub(crate) fn shift(&mut self, from: Option<Slot>, to: Option<Slot>) {
        self.tally.shift(from, to);
    }
}

fn run(connection: Connection, mut inbox: mpsc::Receiver<Job>) {
    let mut kept = Kept::default();
    while let Some(first) = inbox.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(job) = inbox.try_recv()
        {
            group.push(job);
        }
        let mut answers = Vec::with_capacity(group.len());
        let outcome = commit_group(&connection, &mut kept, group, &mut answers);
        let failed = outcome.err().map(|error| match error {
            Error::Sqlite(error) => error.to_string(),
            Error::Commit(why) => why,
            other => other.to_string(),
        });
        if failed.is_some() {
            if !connection.is_autocommit()
                && let Err(error) = connection.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "a failed group of writes could not be rolled back");
            }
            kept = Kept::default();
        }
        for answer in answers {
            answer(failed.as_deref());
        }
    }
    if let Err((_, error)) = connection.close() {
        tracing::error!(%error, "the database did not close cleanly; it will be recovered at the next start");
    }
}

fn commit_group(sql: &Connection, kept: &mut Kept, group: Vec<Job>, answers: &mut Vec<Answer>) -> Result<()> {
    let begun = sql.execute_batch("BEGIN IMMEDIATE");
    let mut tally = Tally::default();
    let mut contacts = Contacts::default();
    for job in group {
        // Where the transaction is gone (a full disk rolls it back), or never began, the rest of the group is run for
        // its answers alone: each is told that nothing was kept.
        if begun.is_err() || sql.is_autocommit() {
            answers.push(refuse(job, sql));
            continue;
        }
        sql.prepare_cached("SAVEPOINT job")?.execute([])?;
        let mut own_tally = Tally::default();
        let mut own_contacts = Contacts::default();
        let (keep, answer) = job(&mut kept.tx(sql, &mut own_tally, &mut own_contacts));
        answers.push(answer);
        if sql.is_autocommit() {
            continue;
        }
        if keep {
            sql.prepare_cached("RELEASE job")?.execute([])?;
            tally.add(own_tally);
            contacts.add(own_contacts);
        } else {
            sql.execute_batch("ROLLBACK TO job; RELEASE job")?;
            *kept = Kept::default();
        }
    }
    begun?;
    if sql.is_autocommit() {
        return Err(Error::Commit("the disk is full or failed, and the transaction was rolled back".into()));
    }
    tally.write(sql)?;
    contacts.write(sql)?;
    sql.execute_batch("COMMIT")?;
    Ok(())
}

/// Answers a job that cannot be run. It is run against a connection in autocommit mode that refuses to write, so that
/// it makes its own answer of the right type.
fn refuse(job: Job, sql: &Connection) -> Answer {
    let mut kept = Kept::default();
    let mut tally = Tally::default();
    let mut contacts = Contacts::default();
    drop(sql.pragma_update(None, "query_only", "ON"));
    let (_, answer) = job(&mut kept.tx(sql, &mut tally, &mut contacts));
    drop(sql.pragma_update(None, "query_only", "OFF"));
    answer
}
