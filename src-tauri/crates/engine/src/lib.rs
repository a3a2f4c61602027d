//! The engine: takes changes in, sends them out, and lets people decide about those that failed.
//!
//! [`Engine`] is the one handle that the API, the command line and the window use. Behind it a worker per connected org
//! sends what is due there, and a supervisor watches the clock. What waits, waits in the store.

mod clock;
mod commands;
mod examine;
mod health;
mod hub;
mod notes;
mod relay;
mod runs;
mod sign_in;
mod supervisor;
mod tokens;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sync_monitor_domain::change::Change;
use sync_monitor_domain::clock::{Clock, Millis};
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::intake::Reply;
use sync_monitor_domain::remote::{ConnectError, Remote};
use sync_monitor_domain::retry::Schedule;
use sync_monitor_store::{Accepted, Handed, Store};
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use clock::SystemClock;
pub use examine::{Check, CheckName, CheckResult};
pub use hub::{Consent, OwnAction, OwnDone, OwnReading, Pulled};
pub use sign_in::{SignInProgress, SignInState};
pub use sync_monitor_store::model;

use model::{
    ActivityFilter, ActivityPage, Counts, FailureGroup, Filter, ItemDetail, ItemPage, Org, Route, Sort,
    Stats, Token, WorkItemPage,
};
use tokens::Tokens;
use worker::{Handle, Tools};

/// The path of the documented endpoint in an org.
pub const ENDPOINT_PATH: &str = "/services/apexrest/dlhub/delivery/sync";
/// Announcements that a slow listener may lag behind before it is told to look at everything.
const ANNOUNCEMENTS: usize = 1_024;

/// How the engine behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The waits before each attempt.
    pub schedule: Schedule,
    /// Requests in flight to one org at the most.
    pub concurrency_per_org: usize,
    /// Between two probes of an org that does not answer.
    pub probe_interval: Duration,
    /// How long synced and superseded items are kept.
    pub synced_retention: Duration,
    /// How long a processed `transactionId` is remembered.
    pub transaction_retention: Duration,
    /// The share of an org's daily API allowance, in percent, at which reading its changes stops.
    pub pull_share: u32,
}

impl Default for Settings {
    fn default() -> Self {
        let month = Duration::from_hours(720);
        Self {
            schedule: Schedule::default(),
            concurrency_per_org: 4,
            probe_interval: Duration::from_secs(30),
            synced_retention: month,
            transaction_retention: month,
            pull_share: 80,
        }
    }
}

/// Why the engine could not do what it was asked to. `Display` is for a person.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing: what, and its name.
    #[error("There is no {what} {id} here.")]
    NotFound {
        /// "org", "route", "token", "item".
        what: &'static str,
        /// As asked for.
        id: String,
    },
    /// It cannot be done as things stand.
    #[error("{0}")]
    Refused(String),
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// An org could not be connected.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The store failed; for the log, the sender is told no more than that.
    #[error("the store failed: {0}")]
    Store(String),
}

impl From<sync_monitor_store::Error> for Error {
    fn from(error: sync_monitor_store::Error) -> Self {
        use sync_monitor_store::Error as Store;
        match error {
            Store::NotFound { what, id } => Self::NotFound { what, id },
            Store::Refused(why) => Self::Refused(why),
            Store::Cursor => Self::Invalid(error.to_string()),
            other => Self::Store(other.to_string()),
        }
    }
}

/// What a token may do, found by its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The token.
    pub id: Uuid,
    /// The orgs that it may speak for.
    pub sources: Vec<OrgId>,
}

/// What changed, for those who show it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// These items; `None`: many.
    pub items: Option<Vec<Uuid>>,
    /// Something about orgs.
    pub orgs: bool,
    /// Something about routes.
    pub routes: bool,
}

/// The engine's handle; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    tools: Tools,
    workers: Mutex<HashMap<OrgId, Handle>>,
    pullers: Mutex<HashMap<OrgId, hub::Handle>>,
    tasks: Mutex<JoinSet<()>>,
    tokens: Tokens,
    sign_ins: sign_in::SignIns,
    pause: relay::Pause,
}

impl Engine {
    /// Starts the engine on an open store: puts back what was in flight when the program died, then starts a worker for
    /// each connected org. What is overdue is sent at once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn start(
        settings: Settings,
        store: Store,
        remote: Arc<dyn Remote>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let (changes, _) = broadcast::channel(ANNOUNCEMENTS);
        let tools = Tools {
            store,
            remote,
            clock,
            settings: Arc::new(settings),
            changes,
            stop: CancellationToken::new(),
            adapters: Arc::default(),
            own_readings: Arc::default(),
            wakes: Arc::default(),
        };
        let inner = Inner {
            tools,
            workers: Mutex::default(),
            pullers: Mutex::default(),
            tasks: Mutex::default(),
            tokens: Tokens::default(),
            sign_ins: sign_in::SignIns::default(),
            pause: relay::Pause::default(),
        };
        let engine = Self { inner: Arc::new(inner) };
        let (now, elapsed) = (engine.clock().now(), engine.clock().elapsed());
        let recovered = engine.inner.tools.store.recover(now).await?;
        if recovered > 0 {
            tracing::info!(
                items = recovered,
                "items that were in flight when the program ended are sent again"
            );
        }
        engine.set_back_since_last_run(now).await?;
        let interrupted = engine.inner.tools.store.interrupt_runs(None, now).await?;
        if interrupted > 0 {
            tracing::warn!(
                runs = interrupted,
                "the program had ended in a bulk run; what it had done stays done, the rest is as it was"
            );
        }
        engine.pull_in(now).await;
        engine.inner.tools.store.begin_run(None, now).await?;
        engine.load_relay().await?;
        engine.end_relay_pause(now).await;
        engine.inner.tokens.load(engine.inner.tools.store.tokens().await?);
        engine.inner.tools.adapters.load(engine.inner.tools.store.adapters().await?);
        for org in engine.inner.tools.store.orgs().await?.iter().filter(|org| org.connected) {
            engine.start_worker(org);
        }
        engine.spawn(engine.clone().supervise(now, elapsed));
        Ok(engine)
    }

    /// Stops sending, lets what is in flight land for a few seconds, and closes the store.
    ///
    /// # Errors
    /// When the store does not close cleanly; nothing is lost then, it is recovered at the next start.
    pub async fn stop(&self) -> Result<(), Error> {
        self.inner.tools.stop.cancel();
        let mut tasks = std::mem::take(&mut *self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        while tasks.join_next().await.is_some() {}
        self.seen(self.clock().now()).await;
        self.save_token_uses().await;
        Ok(self.inner.tools.store.close().await?)
    }

    /// Starts a task that is waited for when the engine stops.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that are done are forgotten; what went wrong in one was logged where it did.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    fn start_worker(&self, org: &Org) {
        let mut workers = self.inner.workers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = workers.get(&org.org_id) {
            // The worker outlives its channel only while the engine stops.
            drop(handle.commands.send(worker::Command::Connected(org.address(), org.kept_alive_at)));
            self.wake_puller(org.org_id);
            return;
        }
        let mut tasks = self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = worker::start(self.inner.tools.clone(), org, &mut tasks);
        self.inner.tools.wakes.add(org.org_id, Arc::clone(&handle.wake));
        // What the org's row says of the pause may be old by now.
        drop(handle.commands.send(worker::Command::RelayPaused(self.relay().paused)));
        workers.insert(org.org_id, handle);
        let puller = hub::start(self.clone(), org.org_id, &mut tasks);
        self.inner.pullers.lock().unwrap_or_else(PoisonError::into_inner).insert(org.org_id, puller);
    }

    fn tell(&self, org: OrgId, command: worker::Command) {
        if let Some(handle) = self.inner.workers.lock().unwrap_or_else(PoisonError::into_inner).get(&org) {
            // The worker outlives its channel only while the engine stops.
            drop(handle.commands.send(command));
        }
    }

    fn tell_all(&self, command: impl Fn() -> worker::Command) {
        for handle in self.inner.workers.lock().unwrap_or_else(PoisonError::into_inner).values() {
            // The worker outlives its channel only while the engine stops.
            drop(handle.commands.send(command()));
        }
    }

    fn wake<'a>(&self, orgs: impl IntoIterator<Item = &'a OrgId>) {
        let workers = self.inner.workers.lock().unwrap_or_else(PoisonError::into_inner);
        for org in orgs {
            if let Some(handle) = workers.get(org) {
                handle.wake.notify_one();
            }
        }
    }

    fn hand_over(&self, handed: Vec<Handed>) {
        let workers = self.inner.workers.lock().unwrap_or_else(PoisonError::into_inner);
        for one in handed {
            if let Some(handle) = workers.get(&one.org) {
                // A worker that stops takes no more; the next start sends what was in flight.
                drop(handle.handed.send(one));
            }
        }
    }

    fn wake_all(&self) {
        for handle in self.inner.workers.lock().unwrap_or_else(PoisonError::into_inner).values() {
            handle.wake.notify_one();
        }
    }

    /// Judges and stores a payload. When this returns `Ok`, what the reply says is true on the disk.
    ///
    /// # Errors
    /// When the store fails; nothing of the payload is kept then.
    pub async fn accept(&self, change: Change) -> Result<Reply, Error> {
        let now = self.clock().now();
        let engine = self.clone();
        let told = move |accepted: Accepted| {
            engine.hand_over(accepted.handed);
            engine.wake(&accepted.targets);
            // An echo or a conflict changes an org's figures, and nothing else.
            engine.inner.tools.announce(accepted.items, true);
        };
        let first_due = self.schedule().first_due(now);
        Ok(self.inner.tools.store.accept(change, now, first_due, new_id, told).await?)
    }

    /// The clock that the engine goes by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.tools.clock
    }

    /// The retry schedule in force.
    pub fn schedule(&self) -> &Schedule {
        &self.inner.tools.settings.schedule
    }

    /// What a secret may do; `None` when it is unknown, revoked or expired. Looks into memory only.
    pub fn authenticate(&self, secret: &str) -> Option<Grant> {
        self.inner.tokens.find(secret, self.clock().now())
    }

    /// What changes, as it changes. A receiver that lags should look at everything again.
    pub fn changes(&self) -> broadcast::Receiver<Changed> {
        self.inner.tools.changes.subscribe()
    }

    /// The counters.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn counts(&self) -> Result<Counts, Error> {
        Ok(self.inner.tools.store.counts().await?)
    }

    /// A page of items, without a `sort` in the order that suits the filter; `cursor` from the page before.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that this list did not give out, or an order that it does not have; or when the
    /// store fails.
    pub async fn items(
        &self,
        filter: Filter,
        sort: Option<Sort>,
        limit: u32,
        cursor: Option<String>,
    ) -> Result<ItemPage, Error> {
        match self.inner.tools.store.items(filter, sort, limit, cursor).await {
            Err(sync_monitor_store::Error::Refused(why)) => Err(Error::Invalid(why)),
            page => Ok(page?),
        }
    }

    /// What happened in the last `window`, in buckets of `bucket`, which begin at its multiples: to what went to all
    /// orgs, or to one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stats(
        &self,
        window: Duration,
        bucket: Duration,
        target: Option<OrgId>,
    ) -> Result<Stats, Error> {
        let now = self.clock().now();
        let from = Millis(now.0.saturating_sub(i64::try_from(window.as_millis()).unwrap_or(i64::MAX)));
        Ok(self.inner.tools.store.stats(from, now, bucket, target).await?)
    }

    /// What failed and is not dismissed, by cause; the cause that was seen last first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn failures(&self) -> Result<Vec<FailureGroup>, Error> {
        Ok(self.inner.tools.store.failures().await?)
    }

    /// One item with its payload and its attempts.
    ///
    /// # Errors
    /// [`Error::NotFound`], or when the store fails.
    pub async fn item(&self, id: Uuid) -> Result<ItemDetail, Error> {
        Ok(self.inner.tools.store.item(id).await?)
    }

    /// A page of the work items, the one touched last first; with a `text` those that are found by its words in their names
    /// and titles. `cursor` from the page before.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that this list did not give out, or when the store fails.
    pub async fn work_items(
        &self,
        text: Option<String>,
        limit: u32,
        cursor: Option<String>,
    ) -> Result<WorkItemPage, Error> {
        Ok(self.inner.tools.store.work_items(text, limit, cursor).await?)
    }

    /// Connected orgs, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn orgs(&self) -> Result<Vec<Org>, Error> {
        let orgs = self.inner.tools.store.orgs().await?;
        Ok(orgs.into_iter().filter(|org| org.connected).collect())
    }

    /// Routes, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn routes(&self) -> Result<Vec<Route>, Error> {
        Ok(self.inner.tools.store.routes().await?)
    }

    /// Integration tokens, revoked ones included.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        let mut tokens = self.inner.tools.store.tokens().await?;
        self.inner.tokens.complete(&mut tokens);
        Ok(tokens)
    }

    /// A page of the activity log, newest first; `cursor` from the page before.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that no list gave out, or when the store fails.
    pub async fn activity(
        &self,
        filter: ActivityFilter,
        limit: u32,
        cursor: Option<String>,
    ) -> Result<ActivityPage, Error> {
        Ok(self.inner.tools.store.activity(filter, limit, cursor).await?)
    }
}

/// A name that sorts by the time it was given.
#[expect(clippy::disallowed_methods, reason = "this is the one place that names things")]
fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// The moment a token ends must lie ahead.
fn ends_ahead(expires_at: Option<Millis>, now: Millis) -> Result<(), Error> {
    match expires_at {
        Some(end) if end <= now => Err(Error::Invalid(format!(
            "The token would have expired already ({end}). Name a later time, or none."
        ))),
        _ => Ok(()),
    }
}
