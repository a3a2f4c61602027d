//! The store: everything that must survive, in one SQLite file. The only crate with SQL.
//!
//! Writes go to one thread that commits them in groups ([`Store`]'s `async` functions return when their group is synced
//! to the disk); reads run beside it on connections of their own and see the last commit.

mod accept;
mod activity;
mod bulk;
pub mod care;
mod counts;
mod delivery;
mod door;
mod error;
mod hub;
mod letters;
mod list;
pub mod model;
mod open;
mod orgs;
#[cfg(any(test, feature = "past"))]
pub mod past;
mod preflight;
mod queue;
mod reader;
mod relay;
mod retention;
mod routes;
mod rows;
mod runs;
mod stats;
mod tally;
mod tokens;
mod words;
mod work_items;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use sync_monitor_domain::change::Change;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::intake::Reply;
use sync_monitor_domain::remote::{ConnectedOrg, Examination};
use tokio::sync::oneshot;
use uuid::Uuid;

pub use accept::Accepted;
pub use activity::Entry;
pub use bulk::{Action, Batch, BatchDone, NewRun};
pub use delivery::{Claim, Claimed, Completion};
pub use door::{Door, Handed, Place};
pub use error::{Error, Result};
pub use hub::{
    Held, Ledger, Link, LinkPage, Linked, OrgAdapter, Page, PullState, PulledRow, RoundEnd, State, Taken,
    Writing, Wrote,
};
pub use preflight::Meant;

use door::Doors;
use model::{
    ActivityFilter, ActivityPage, Actor, Counts, FailureGroup, Filter, Health, ItemDetail, ItemPage, Org,
    Preflight, Relay, Route, RunDetail, RunPage, Sort, Stats, Token, WorkItemPage,
};
use reader::Readers;
use writer::{Urgency, Writer};

/// The way to the store; cheap to clone. When the last clone is dropped, the database is closed.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Mutex<Option<Arc<Writer>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    readers: Readers,
    doors: Arc<Doors>,
}

impl Store {
    /// Opens the database at `path`, makes it if there is none, and brings it up to date.
    ///
    /// # Errors
    /// When it cannot be opened, is another program's, or comes from a newer version of this one.
    pub fn open(path: &Path) -> Result<Self> {
        let (writer, thread) = Writer::start(path)?;
        let inner = Inner {
            writer: Mutex::new(Some(Arc::new(writer))),
            thread: Mutex::new(Some(thread)),
            readers: Readers::new(path),
            doors: Arc::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Closes the database, after everything that was handed in is written. Later calls answer [`Error::Closed`].
    ///
    /// # Errors
    /// When the writer's thread died.
    pub async fn close(&self) -> Result<()> {
        // The readers go first: SQLite folds its log into the file when the last connection closes, if that one may write.
        self.inner.readers.close();
        drop(self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.inner.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return Ok(()) };
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        if matches!(joined, Ok(Ok(()))) {
            Ok(())
        } else {
            Err(Error::Commit("the writer's thread died".into()))
        }
    }

    fn writer(&self) -> Result<Arc<Writer>> {
        self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Error::Closed)
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut writer::Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer()?.run(work).await
    }

    /// Before what may be a search for a text: everything that was taken in is to be found by its words.
    async fn write_words(&self, text: Option<&str>) -> Result<()> {
        if text.is_none() {
            return Ok(());
        }
        match self.writer()?.write_words().await {
            Err(Error::Closed) => Err(Error::Closed),
            // The disk may be full. What can be found is found, except for what came in last.
            Err(error) => {
                tracing::warn!(%error, "what came in last is not found by its words yet");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Judges a payload by everything known, and stores what is new of it.
    ///
    /// As soon as it is on the disk it is told who asks, and then `told` is called with what came of it, also where nobody
    /// waits for the answer any more: what a sender sent that has hung up must be sent on all the same.
    ///
    /// # Errors
    /// When the store fails; nothing of the payload is kept then.
    pub async fn accept(
        &self,
        change: Change,
        at: Millis,
        first_due: Millis,
        new_id: fn() -> Uuid,
        told: impl FnOnce(Accepted) + Send + 'static,
    ) -> Result<Reply> {
        let intake = accept::Intake {
            change: Arc::new(change),
            at,
            first_due,
            new_id,
            adds: false,
            only: None,
            doors: Some(Arc::clone(&self.inner.doors)),
        };
        let (answer, answered) = oneshot::channel();
        // Whoever asked may have gone away.
        let then = move |result: Result<Accepted>| match result {
            Ok(accepted) => {
                drop(answer.send(Ok(accepted.reply.clone())));
                told(accepted);
            }
            Err(error) => drop(answer.send(Err(error))),
        };
        self.writer()?.hand_in(Urgency::Now, move |tx| accept::accept(tx, &intake), then).await?;
        answered.await.map_err(|_| Error::Closed)?
    }

    /// From now on what comes in for an org may be claimed as it comes in, as far as its door allows: see
    /// [`Accepted::handed`].
    pub fn open_door(&self, org: OrgId, door: Arc<Door>) {
        self.inner.doors.add(org, door);
    }

    /// Claims what is due at `now` for an org, at most `limit`, the longest due first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn claim(&self, target: OrgId, limit: usize, now: Millis) -> Result<Claim> {
        let door = self.inner.doors.of(target);
        self.write(move |tx| {
            let claim = delivery::claim(tx, target, limit, now)?;
            if let Some(door) = &door {
                door.set_clear(claim.items.len() < limit);
            }
            Ok(claim)
        })
        .await
    }

    /// Writes down what came of an attempt; returns every item that changed with it.
    ///
    /// # Errors
    /// When the store fails; the item then is still in flight, and is sent again at the next start.
    pub async fn complete(&self, target: OrgId, done: Arc<Completion>) -> Result<Vec<Uuid>> {
        self.write(move |tx| delivery::complete(tx, target, &done)).await
    }

    /// The same for who does not wait for the disk: returns when the store has taken it, and calls `then` when it is
    /// written, or was not. It is written with what comes next, or else two milliseconds later.
    ///
    /// # Errors
    /// [`Error::Closed`]; `then` is not called then.
    pub async fn complete_then(
        &self,
        target: OrgId,
        done: Arc<Completion>,
        then: impl FnOnce(Result<Vec<Uuid>>) + Send + 'static,
    ) -> Result<()> {
        self.writer()?.hand_in(Urgency::Soon, move |tx| delivery::complete(tx, target, &done), then).await
    }

    /// Puts back what was in flight when the program died; returns how many.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recover(&self, now: Millis) -> Result<u64> {
        self.write(move |tx| delivery::recover(tx, now)).await
    }

    /// The clock was set back by so much: what waits, and what orgs are held until, comes at the same moment by the new
    /// clock. Returns how many items wait.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_back(&self, by: Duration) -> Result<usize> {
        self.write(move |tx| delivery::set_back(tx, by)).await
    }

    /// When the program was last known to run; `None` before its first run.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_seen(&self) -> Result<Option<Millis>> {
        self.inner.readers.run(stats::last_seen).await
    }

    /// Brings due times beyond `latest` back to it; returns how many there were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pull_in(&self, latest: Millis) -> Result<usize> {
        self.write(move |tx| delivery::pull_in(tx, latest)).await
    }

    /// Clears away a batch of what is too old: synced and superseded items last changed before `done`, and transactions
    /// accepted before `transactions` that no item is left of. Returns how many rows went; zero when nothing is left.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn clear(&self, done: Millis, transactions: Millis) -> Result<usize> {
        self.write(move |tx| retention::clear(tx, done, transactions)).await
    }

    /// Does a batch of a run, in one transaction, and writes down how far the run has come; the last one also ends the run
    /// and adds it to the activity log.
    ///
    /// # Errors
    /// When the store fails; nothing of the batch is done then.
    pub async fn apply(&self, batch: Batch) -> Result<BatchDone> {
        self.write(move |tx| bulk::apply(tx, &batch)).await
    }

    /// Marks a run, or all that are marked as running, as interrupted; returns how many.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn interrupt_runs(&self, only: Option<Uuid>, at: Millis) -> Result<usize> {
        self.write(move |tx| runs::interrupt(tx.sql, only, at)).await
    }

    /// What a retry of these items would do, were it asked for at `as_of`. Changes nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn preflight(&self, meant: Meant, as_of: Millis) -> Result<Preflight> {
        if let Meant::Filter(filter) = &meant {
            self.write_words(filter.text.as_deref()).await?;
        }
        self.inner.readers.run(move |sql| preflight::look(sql, &meant, as_of)).await
    }

    /// A page of the runs, `limit` at most, the newest first.
    ///
    /// # Errors
    /// [`Error::Cursor`], or when the store fails.
    pub async fn runs(&self, limit: u32, cursor: Option<String>) -> Result<RunPage> {
        self.inner.readers.run(move |sql| runs::page(sql, limit, cursor.as_deref())).await
    }

    /// A run with what came of it.
    ///
    /// # Errors
    /// [`Error::NotFound`], or when the store fails.
    pub async fn run(&self, id: Uuid) -> Result<RunDetail> {
        self.inner.readers.run(move |sql| runs::detail(sql, id)).await
    }

    /// Adds a line to the activity log.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note(&self, entry: Entry) -> Result<()> {
        self.write(move |tx| activity::add(tx.sql, &entry)).await
    }

    /// Keeps a connected org; what waited for a sign-in there goes on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn connect_org(
        &self,
        new: ConnectedOrg,
        alias: Option<String>,
        endpoint_path: &'static str,
        actor: Actor,
        at: Millis,
    ) -> Result<Org> {
        self.write(move |tx| orgs::connect(tx, &new, alias.as_deref(), endpoint_path, &actor, at)).await
    }

    /// Marks an org as disconnected.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not connected, or when the store fails.
    pub async fn disconnect_org(&self, id: OrgId, actor: Actor, at: Millis) -> Result<()> {
        self.write(move |tx| orgs::disconnect(tx, id, &actor, at)).await
    }

    /// Pauses or resumes an org.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not connected, or when the store fails.
    pub async fn pause_org(&self, id: OrgId, paused: bool, actor: Actor, at: Millis) -> Result<Org> {
        self.write(move |tx| orgs::pause(tx, id, paused, &actor, at)).await
    }

    /// How it stands with the relay as a whole.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn relay(&self) -> Result<Relay> {
        self.inner.readers.run(relay::state).await
    }

    /// Pauses the relay, or changes how long it is paused.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pause_relay(&self, until: Option<Millis>, actor: Actor, at: Millis) -> Result<Relay> {
        self.write(move |tx| relay::pause(tx, until, &actor, at)).await
    }

    /// Ends the relay's pause, if there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resume_relay(&self, actor: Actor, at: Millis) -> Result<Relay> {
        self.write(move |tx| relay::resume(tx, &actor, at)).await
    }

    /// Ends the relay's pause, if its time has come.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_relay_pause(&self, at: Millis) -> Result<Relay> {
        self.write(move |tx| relay::end_pause(tx, at)).await
    }

    /// Writes down how an org's own answers say that it stands with it; a pause is left as it is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_health(
        &self,
        id: OrgId,
        health: Health,
        detail: Option<String>,
        at: Millis,
    ) -> Result<()> {
        self.write(move |tx| orgs::set_health(tx, id, health, detail.as_deref(), at)).await
    }

    /// Changes an org's alias (empty: none) and the path of its endpoint, where they are given.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not connected, or when the store fails.
    pub async fn change_org(
        &self,
        id: OrgId,
        alias: Option<String>,
        endpoint_path: Option<String>,
        actor: Actor,
        at: Millis,
    ) -> Result<Org> {
        self.write(move |tx| orgs::change(tx, id, alias.as_deref(), endpoint_path.as_deref(), &actor, at))
            .await
    }

    /// Writes down what a look at an org found.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_found(&self, id: OrgId, found: Examination) -> Result<()> {
        self.write(move |tx| orgs::set_found(tx, id, &found)).await
    }

    /// Writes down where an org is now. One that is there already, or is not connected, stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`], or when the store fails.
    pub async fn move_org(&self, id: OrgId, instance_url: String, at: Millis) -> Result<()> {
        self.write(move |tx| orgs::move_to(tx, id, &instance_url, at)).await
    }

    /// Writes down that an org's refresh token was used for its own sake.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_kept_alive(&self, id: OrgId, at: Millis) -> Result<()> {
        self.write(move |tx| orgs::set_kept_alive(tx, id, at)).await
    }

    /// One org, connected or not.
    ///
    /// # Errors
    /// [`Error::NotFound`], or when the store fails.
    pub async fn org(&self, id: OrgId) -> Result<Org> {
        self.inner.readers.run(move |sql| orgs::one(sql, id)).await
    }

    /// Makes a route.
    ///
    /// # Errors
    /// [`Error::Refused`] for one that is there already, leads to its own source, or to an org that is not connected.
    pub async fn add_route(
        &self,
        id: Uuid,
        source: OrgId,
        target: OrgId,
        enabled: bool,
        actor: Actor,
        at: Millis,
    ) -> Result<Route> {
        self.write(move |tx| routes::add(tx, id, source, target, enabled, &actor, at)).await
    }

    /// Enables or pauses a route.
    ///
    /// # Errors
    /// [`Error::NotFound`], or when the store fails.
    pub async fn enable_route(&self, id: Uuid, enabled: bool, actor: Actor, at: Millis) -> Result<Route> {
        self.write(move |tx| routes::enable(tx, id, enabled, &actor, at)).await
    }

    /// Removes a route, and returns it as it was.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] for a paused one that items wait on.
    pub async fn remove_route(&self, id: Uuid, actor: Actor, at: Millis) -> Result<Route> {
        self.write(move |tx| routes::remove(tx, id, &actor, at)).await
    }

    /// Keeps a new integration token.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn add_token(&self, token: Token, actor: Actor) -> Result<()> {
        self.write(move |tx| tokens::add(tx, &token, &actor)).await
    }

    /// Revokes an integration token.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is unknown or revoked already.
    pub async fn revoke_token(&self, id: Uuid, actor: Actor, at: Millis) -> Result<()> {
        self.write(move |tx| tokens::revoke(tx, id, &actor, at)).await
    }

    /// Writes down when tokens were last used.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tokens_used(&self, uses: Vec<(Uuid, Millis)>) -> Result<()> {
        self.write(move |tx| tokens::used(tx, &uses)).await
    }

    /// A page of items, `limit` at most; without a `sort` in the order that suits the filter.
    ///
    /// # Errors
    /// [`Error::Cursor`]; [`Error::Refused`] for an order that the filter's items do not have; or when the store fails.
    pub async fn items(
        &self,
        filter: Filter,
        sort: Option<Sort>,
        limit: u32,
        cursor: Option<String>,
    ) -> Result<ItemPage> {
        self.write_words(filter.text.as_deref()).await?;
        self.inner
            .readers
            .run_counting(move |sql, totals| list::page(sql, totals, &filter, sort, limit, cursor.as_deref()))
            .await
    }

    /// What happened from `from` to `to`, in buckets: to what went to all orgs, or to one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stats(
        &self,
        from: Millis,
        to: Millis,
        bucket: Duration,
        target: Option<OrgId>,
    ) -> Result<Stats> {
        self.inner.readers.run(move |sql| stats::read(sql, from, to, bucket, target)).await
    }

    /// A run begins: of the program, or of the machine after a sleep that began at `slept_at`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin_run(&self, slept_at: Option<Millis>, at: Millis) -> Result<()> {
        self.write(move |tx| {
            slept_at.map_or(Ok(()), |slept_at| stats::go_on(tx.sql, slept_at))?;
            stats::begin_run(tx.sql, at)
        })
        .await
    }

    /// The run goes on. What happened before `forget` is forgotten.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn go_on(&self, at: Millis, forget: Millis) -> Result<()> {
        self.write(move |tx| {
            stats::clear(tx.sql, forget)?;
            stats::go_on(tx.sql, at)
        })
        .await
    }

    /// What failed and is not dismissed, by cause.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn failures(&self) -> Result<Vec<FailureGroup>> {
        self.inner.readers.run(counts::failures).await
    }

    /// The names of all items that a filter matches now, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn item_ids(&self, filter: Filter) -> Result<Vec<Uuid>> {
        self.write_words(filter.text.as_deref()).await?;
        self.inner.readers.run(move |sql| list::ids(sql, &filter)).await
    }

    /// One item with its payload and its attempts.
    ///
    /// # Errors
    /// [`Error::NotFound`], or when the store fails.
    pub async fn item(&self, id: Uuid) -> Result<ItemDetail> {
        self.inner.readers.run(move |sql| list::detail(sql, id)).await
    }

    /// A page of the work items, `limit` at most, the one touched last first; with a `text` those that are found by its words
    /// in their names and titles.
    ///
    /// # Errors
    /// [`Error::Cursor`], or when the store fails.
    pub async fn work_items(
        &self,
        text: Option<String>,
        limit: u32,
        cursor: Option<String>,
    ) -> Result<WorkItemPage> {
        self.write_words(text.as_deref()).await?;
        let read = move |sql: &rusqlite::Connection| {
            work_items::page(sql, text.as_deref(), limit, cursor.as_deref())
        };
        self.inner.readers.run(read).await
    }

    /// The counters.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn counts(&self) -> Result<Counts> {
        self.inner.readers.run(counts::counts).await
    }

    /// Every org there is a row for, connected or not.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn orgs(&self) -> Result<Vec<Org>> {
        self.inner.readers.run(orgs::all).await
    }

    /// Every route.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn routes(&self) -> Result<Vec<Route>> {
        self.inner.readers.run(routes::all).await
    }

    /// Every integration token.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        self.inner.readers.run(tokens::all).await
    }

    /// A page of the activity log, newest first.
    ///
    /// # Errors
    /// [`Error::Cursor`], or when the store fails.
    pub async fn activity(
        &self,
        filter: ActivityFilter,
        limit: u32,
        cursor: Option<String>,
    ) -> Result<ActivityPage> {
        self.inner.readers.run(move |sql| activity::page(sql, &filter, limit, cursor.as_deref())).await
    }
}

#[cfg(test)]
mod tests;
