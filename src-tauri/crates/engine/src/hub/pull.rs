//! Reading an org's changes: a task an org, which asks for what changed since it last asked.
//!
//! How far was read is written with the rows, in one transaction; so a crash reads rows twice, and never skips one. Rows
//! that were read before are known by their content.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::conflict::Timestamp;
use sync_monitor_domain::hub::soql::Select;
use sync_monitor_domain::hub::{HubObject, Row, row};
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::{ApiUsage, Call, Examination, Identity, Meaning, OrgAddress, Try};
use sync_monitor_store::{Page, PulledRow, RoundEnd};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{Known, Reader, mend, read};
use crate::model::{Actor, Org, OrgHold, PullState};
use crate::worker::{Command, until};
use crate::{Engine, Error, new_id};

/// Commits may appear out of order, so what changed shortly before the last row is asked for again.
const OVERLAP_US: i64 = 5 * 60 * 1_000_000;
/// Between two rounds while there are changes.
const SOONEST: Duration = Duration::from_secs(30);
/// Between two rounds while there are none.
const LATEST: Duration = Duration::from_mins(5);
/// Between two looks at an org that has used up what the relay may use.
const BUDGET_PAUSE: Duration = Duration::from_mins(15);
/// How often it is found out anew what an org has: packages are upgraded, sandboxes refreshed.
const FIND_EVERY: Duration = Duration::from_hours(24);
/// An org's clock is known to about a second.
const SKEW_MARGIN_MS: i64 = 2_000;
/// How long until that is tried again after it failed.
const FIND_AGAIN: Duration = Duration::from_mins(15);

/// What a round of pulling brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pulled {
    /// Rows that were edits, whoever won.
    pub changes: u64,
    /// Edits that lost against a newer version.
    pub conflicts: u64,
    /// Rows that changed only because a delivery came.
    pub echoes: u64,
    /// Records that were deleted for good.
    pub deleted: u64,
}

/// The way to a puller.
pub(crate) struct Handle {
    pub(crate) wake: Arc<Notify>,
    requests: mpsc::UnboundedSender<oneshot::Sender<Result<Pulled, Error>>>,
}

/// Why a round did not go through.
pub(super) enum Trouble {
    Org(Box<Try>),
    Store(Error),
}

impl From<Box<Try>> for Trouble {
    fn from(one: Box<Try>) -> Self {
        Self::Org(one)
    }
}

impl From<sync_monitor_store::Error> for Trouble {
    fn from(error: sync_monitor_store::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Is there anything to be read now, and if not, until when?
enum Turn {
    Pull(Box<(Org, Arc<Known>)>),
    Wait(Option<Millis>, &'static str),
}

pub(super) struct Puller {
    pub(super) engine: Engine,
    pub(super) org: OrgId,
    /// The pause before the next round.
    pause: Duration,
    /// When it is to be found out what the org has, after that failed.
    find_at: Millis,
}

/// Starts the puller of an org.
pub(crate) fn start(engine: Engine, org: OrgId, tasks: &mut tokio::task::JoinSet<()>) -> Handle {
    let (requests, inbox) = mpsc::unbounded_channel();
    let wake = Arc::new(Notify::new());
    let puller = Puller { engine, org, pause: SOONEST, find_at: Millis(0) };
    tasks.spawn(puller.run(inbox, Arc::clone(&wake)));
    Handle { wake, requests }
}

impl Engine {
    pub(crate) fn wake_puller(&self, org: OrgId) {
        let pullers = self.inner.pullers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(handle) = pullers.get(&org) {
            handle.wake.notify_one();
        }
    }

    /// Reads an org's changes now, and returns when they are taken in.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not connected; [`Error::Refused`] where nothing can be read there, with the reason; or
    /// when the store fails.
    pub async fn pull_now(&self, org: OrgId, actor: &Actor) -> Result<Pulled, Error> {
        let known = self.inner.tools.store.org(org).await?;
        if !known.connected {
            return Err(Error::NotFound { what: "org", id: org.to_string() });
        }
        let (told, answer) = oneshot::channel();
        {
            let pullers = self.inner.pullers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(handle) = pullers.get(&org) {
                // The puller outlives its channel only while the engine stops.
                drop(handle.requests.send(told));
            }
        }
        let stopping = || Error::Refused("The program is stopping. Ask again when it runs.".into());
        let pulled = answer.await.map_err(|_| stopping())??;
        let entry = sync_monitor_store::Entry::new(self.clock().now(), actor, "org.pullNow").subject(org);
        self.inner.tools.store.note(entry.count(pulled.changes)).await?;
        Ok(pulled)
    }
}

impl Puller {
    async fn run(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<oneshot::Sender<Result<Pulled, Error>>>,
        wake: Arc<Notify>,
    ) {
        let stop = self.engine.inner.tools.stop.clone();
        let clock = Arc::clone(self.engine.clock());
        while !stop.is_cancelled() {
            // Registered before looking, so that what comes in while it looks is not missed.
            let woken = wake.notified();
            let next = tokio::select! {
                () = stop.cancelled() => return,
                next = self.turn() => next,
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = woken => {}
                Some(told) = inbox.recv() => {
                    let pulled = tokio::select! {
                        () = stop.cancelled() => return,
                        pulled = self.asked() => pulled,
                    };
                    // Whoever asked may have gone away.
                    drop(told.send(pulled));
                }
                () = until(clock.as_ref(), next), if next.is_some() => {}
            }
        }
    }

    /// Does what is due, and says when to look again; `None`: when something happens.
    async fn turn(&mut self) -> Option<Millis> {
        let now = self.engine.clock().now();
        match self.due(now, false).await {
            Ok(Turn::Pull(what)) => {
                let (org, known) = *what;
                if self.round(&org, &known).await.is_ok() {
                    self.engine.look_at_own_queue(self.org, false).await;
                }
                Some(self.engine.clock().now().plus(self.pause))
            }
            Ok(Turn::Wait(until, _)) => until,
            Err(error) => {
                tracing::error!(org = %self.org, %error, "it could not be seen whether an org is to be read");
                Some(now.plus(LATEST))
            }
        }
    }

    /// Somebody wants it now.
    async fn asked(&mut self) -> Result<Pulled, Error> {
        let now = self.engine.clock().now();
        match self.due(now, true).await? {
            Turn::Pull(what) => {
                let (org, known) = *what;
                let pulled = self.round(&org, &known).await?;
                self.engine.look_at_own_queue(self.org, true).await;
                Ok(pulled)
            }
            Turn::Wait(_, why) => Err(Error::Refused(why.to_owned())),
        }
    }

    async fn due(&mut self, now: Millis, asked: bool) -> Result<Turn, Error> {
        let store = self.engine.inner.tools.store.clone();
        let org = store.org(self.org).await?;
        if !org.connected {
            return Ok(Turn::Wait(None, "The org is not connected."));
        }
        if org.health.sign_in_required {
            return Ok(Turn::Wait(None, "The sign-in to the org has ended. Sign in again, then pull."));
        }
        let find_at = self.refind(&org, now).await?;
        let Some(known) = self.engine.inner.tools.adapters.of(self.org).filter(|k| k.adapter.is_pulled())
        else {
            return Ok(Turn::Wait(
                Some(find_at),
                "This org sends its changes itself, or has no Delivery Hub that the signed-in user may see; there is nothing to pull.",
            ));
        };
        let starts_here = |route: &crate::Route| route.source == self.org && route.enabled;
        if !store.routes().await?.iter().any(starts_here) {
            return Ok(Turn::Wait(
                Some(find_at),
                "No enabled route starts at this org, so its changes would go nowhere. Add one, then pull.",
            ));
        }
        if org.health.paused {
            return Ok(Turn::Wait(Some(find_at), "The org is paused. Resume it, then pull."));
        }
        match org.health.hold {
            Some(OrgHold::RateLimited { until }) if now < until => {
                return Ok(Turn::Wait(
                    Some(until),
                    "The org takes no requests for now. It is read when it does again.",
                ));
            }
            Some(OrgHold::Unreachable { probe_at }) if !asked => {
                return Ok(Turn::Wait(Some(probe_at.max(now.plus(SOONEST))), "The org does not answer."));
            }
            _ => {}
        }
        let begun = store.begin_pull(self.org, from_now(now, org.clock_skew_ms), now).await?;
        if !begun.enabled {
            return Ok(Turn::Wait(
                Some(find_at),
                "Pulling is switched off for this org. Switch it on, then pull.",
            ));
        }
        if let Some(next_at) =
            begun.next_at.filter(|next_at| !asked && now < *next_at && *next_at <= now.plus(BUDGET_PAUSE))
        {
            return Ok(Turn::Wait(Some(next_at.min(find_at)), ""));
        }
        Ok(Turn::Pull(Box::new((org, known))))
    }

    /// Finds out what the org has where that was long ago; returns when to do so again.
    async fn refind(&mut self, org: &Org, now: Millis) -> Result<Millis, Error> {
        let found_at = async |engine: &Engine| {
            let adapters = engine.adapters().await?;
            Ok::<_, Error>(
                adapters.iter().find(|known| known.org_id == org.org_id).map(|known| known.found_at),
            )
        };
        let fresh_until = found_at(&self.engine).await?.map(|at| at.plus(FIND_EVERY));
        if let Some(until) = fresh_until.filter(|until| now < *until) {
            return Ok(until);
        }
        if now < self.find_at {
            return Ok(self.find_at);
        }
        self.find_at = now.plus(FIND_AGAIN);
        self.engine.find_adapter(self.org).await?;
        self.engine.look_for_native_paths(self.org).await?;
        Ok(found_at(&self.engine).await?.map_or(self.find_at, |at| at.plus(FIND_EVERY).max(self.find_at)))
    }

    async fn round(&mut self, org: &Org, known: &Known) -> Result<Pulled, Error> {
        let mut pulled = Pulled::default();
        let outcome = self.read_all(org, known, &mut pulled).await;
        let now = self.engine.clock().now();
        let changed = pulled.changes > 0;
        let (trouble, answer) = match outcome {
            Ok(None) => (None, Ok(pulled)),
            Ok(Some(budget)) => (Some(budget.clone()), Err(Error::Refused(budget))),
            Err(Trouble::Org(one)) => {
                let words =
                    one.message.clone().unwrap_or_else(|| "The org did not answer as it should.".to_owned());
                self.tell_trouble(&one);
                (Some(words.clone()), Err(Error::Refused(words)))
            }
            Err(Trouble::Store(error)) => {
                tracing::error!(org = %self.org, %error, "what an org's changes brought could not be taken in; they are read again");
                (Some("What was read could not be stored; it is read again.".to_owned()), Err(error))
            }
        };
        self.pause = match &trouble {
            None if changed => SOONEST,
            Some(why) if why.starts_with(BUDGET) => BUDGET_PAUSE,
            _ => (self.pause * 2).clamp(SOONEST, LATEST),
        };
        let end = RoundEnd { at: now, next_at: now.plus(self.pause), changed, trouble };
        self.engine.inner.tools.store.end_round(self.org, end).await?;
        self.engine.inner.tools.announce(Vec::new(), true);
        answer
    }

    /// What an answer says of the org itself is the worker's to act on.
    fn tell_trouble(&mut self, one: &Try) {
        tracing::warn!(org = %self.org, code = one.error_code, message = one.message, "an org's changes could not be read");
        match one.meaning {
            Meaning::SignInRequired | Meaning::RateLimited { .. } | Meaning::Unreachable => {
                let found = Examination {
                    sign_in: Err(Box::new(one.clone())),
                    endpoint: None,
                    api_usage: None,
                    clock_skew_ms: None,
                    identity: Identity::default(),
                    moved_to: None,
                };
                let (told, _) = oneshot::channel();
                self.engine.tell(self.org, Command::Looked(Box::new(found), told));
            }
            // A field that is there no more, perhaps: the package was changed.
            Meaning::Refused => self.find_at = Millis(0),
            _ => {}
        }
    }

    /// Reads every object once, as far as the org's allowance lets it; says why it stopped.
    async fn read_all(
        &self,
        org: &Org,
        known: &Known,
        pulled: &mut Pulled,
    ) -> Result<Option<String>, Trouble> {
        let tools = &self.engine.inner.tools;
        let address = org.address();
        let mut reader =
            Reader { remote: tools.remote.as_ref(), address: &address, known, api_usage: org.api_usage };
        let now = tools.clock.now();
        let state = tools.store.begin_pull(self.org, from_now(now, org.clock_skew_ms), now).await?;
        if self.is_spent(reader.api_usage) {
            // What was used is forgotten over the day, and the org tells so only when it is asked.
            let path = format!("{}/limits", known.adapter.data_path());
            let called = tools.remote.call(&address, Call::get(path)).await;
            reader.api_usage = called.report.api_usage.or(reader.api_usage);
        }
        for object in HubObject::ALL {
            if self.is_spent(reader.api_usage) {
                self.note_usage(&reader).await?;
                return Ok(Some(self.spent(reader.api_usage)));
            }
            self.read_object(&mut reader, object, &state, pulled).await?;
        }
        mend::close_writes(tools, &mut reader).await?;
        self.note_usage(&reader).await?;
        Ok(None)
    }

    async fn note_usage(&self, reader: &Reader<'_>) -> Result<(), Trouble> {
        let found = Examination {
            sign_in: Ok(()),
            endpoint: None,
            api_usage: reader.api_usage,
            clock_skew_ms: None,
            identity: Identity::default(),
            moved_to: None,
        };
        Ok(self.engine.inner.tools.store.set_found(self.org, found).await?)
    }

    fn is_spent(&self, usage: Option<ApiUsage>) -> bool {
        let share = self.engine.inner.tools.settings.pull_share;
        usage
            .is_some_and(|usage| usage.used.saturating_mul(100) >= usage.max.saturating_mul(u64::from(share)))
    }

    fn spent(&self, usage: Option<ApiUsage>) -> String {
        let (used, max) = usage.map_or((0, 0), |usage| (usage.used, usage.max));
        let share = self.engine.inner.tools.settings.pull_share;
        format!(
            "{BUDGET}: {used} of {max} API calls of the last 24 hours are used, and reading stops at {share} %, so that deliveries still go through. It goes on by itself; nothing is lost meanwhile."
        )
    }

    async fn read_object(
        &self,
        reader: &mut Reader<'_>,
        object: HubObject,
        state: &PullState,
        pulled: &mut Pulled,
    ) -> Result<(), Trouble> {
        let known = reader.known;
        let read_to =
            state.watermarks.iter().find(|(marked, _)| *marked == object).map(|(_, at)| at.0 - OVERLAP_US);
        let from = Timestamp(read_to.unwrap_or(i64::MIN).max(state.since.0));
        if object == HubObject::Document {
            return self.read_files(reader, from, pulled).await;
        }
        let Some(select) = row::select(object, &known.adapter, &known.mapping) else { return Ok(()) };
        let select: Select = select.changed_since(from).order("SystemModstamp, Id");
        let mut next = Some(reader.query_path(&select));
        while let Some(path) = next {
            let page = reader.page(path).await?;
            next = page.next;
            let rows: Result<Vec<Row>, _> =
                page.rows.iter().map(|record: &Value| read(record, object, known)).collect();
            let rows: Vec<Row> = rows?;
            let Some(last) = rows.last().map(|row| row.stamp) else { continue };
            if object != HubObject::WorkItem {
                self.read_parents(reader, &rows, pulled).await?;
            }
            self.hand_in(reader, rows, Some((object, last)), pulled).await?;
        }
        Ok(())
    }

    /// The work items of children must be known before their children, to each org that these go to.
    pub(super) async fn read_parents(
        &self,
        reader: &mut Reader<'_>,
        children: &[Row],
        pulled: &mut Pulled,
    ) -> Result<(), Trouble> {
        let mut parents: Vec<String> = children.iter().filter_map(|row| row.parent.clone()).collect();
        parents.sort_unstable();
        parents.dedup();
        let wanted = self.engine.inner.tools.store.parents_to_read(self.org, parents).await?;
        if wanted.is_empty() {
            return Ok(());
        }
        let rows = reader.by_id(HubObject::WorkItem, &wanted).await?;
        self.hand_in(reader, rows, None, pulled).await
    }

    pub(super) async fn hand_in(
        &self,
        reader: &mut Reader<'_>,
        rows: Vec<Row>,
        watermark: Option<(HubObject, Timestamp)>,
        pulled: &mut Pulled,
    ) -> Result<(), Trouble> {
        let tools = &self.engine.inner.tools;
        let taken = hand_in(tools, reader, rows, watermark, false).await?;
        pulled.changes += taken.changes;
        pulled.conflicts += taken.conflicts;
        pulled.echoes += taken.echoes;
        pulled.deleted += taken.deleted;
        Ok(())
    }
}

/// This moment by the org's clock, as far as it is known; rather a bit too early than too late.
fn from_now(now: Millis, clock_skew_ms: Option<i64>) -> Timestamp {
    let there = now.0 + clock_skew_ms.unwrap_or_default() - SKEW_MARGIN_MS;
    Timestamp(there.saturating_mul(1_000))
}

/// How the words begin that say that the allowance is used up.
const BUDGET: &str = "The org's API allowance is nearly used up";

impl From<Trouble> for Box<Try> {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Org(one) => one,
            Trouble::Store(error) => Self::new(Try {
                started_at: Millis(0),
                duration: Duration::ZERO,
                meaning: Meaning::Retry { retry_after: None },
                http_status: None,
                error_code: Some("INTERNAL_ERROR".into()),
                message: Some(format!("Sync Monitor could not write down what it read in the org: {error}")),
                response_body: None,
            }),
        }
    }
}

/// Takes rows in as changes of their org; those that were never heard of are looked up in the package's own ledger first.
async fn hand_in(
    tools: &crate::worker::Tools,
    reader: &mut Reader<'_>,
    rows: Vec<Row>,
    watermark: Option<(HubObject, Timestamp)>,
    for_delivery: bool,
) -> Result<sync_monitor_store::Taken, Trouble> {
    let org: OrgId = reader.address.org_id;
    let ids = rows.iter().filter(|row| !row.is_deleted).map(|row| row.id.clone()).collect();
    let unknown = tools.store.unknown_records(org, ids).await?;
    let mut ledger = if unknown.is_empty() { HashMap::default() } else { reader.ledger(&unknown).await? };
    let rows =
        rows.into_iter().map(|row| PulledRow { ledger: ledger.remove(&row.id), row }).collect::<Vec<_>>();
    let at = tools.clock.now();
    let first_due = tools.settings.schedule.first_due(at);
    let taken =
        tools.store.take_rows(Page { org, rows, for_delivery, watermark, at, first_due, new_id }).await?;
    tools.wake(&taken.targets);
    tools.announce(taken.items.clone(), true);
    Ok(taken)
}

/// Rows that were read for a delivery are changes like any other.
pub(super) async fn hand_in_one(
    tools: &crate::worker::Tools,
    remote_address: &OrgAddress,
    known: &Known,
    row: Row,
) -> Result<(), Box<Try>> {
    let mut reader =
        Reader { remote: tools.remote.as_ref(), address: remote_address, known, api_usage: None };
    hand_in(tools, &mut reader, vec![row], None, true).await.map_err(Box::<Try>::from)?;
    Ok(())
}
