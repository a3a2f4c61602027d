//! Reading an org's changes: a task an org, which asks for what changed since it last asked.
//!
//! How far was read is written with the rows, in one transaction; so a crash reads rows twice, and never skips one. Rows
//! that were read before are known by their content.

use std::sync::Arc;
use std::time::Duration;

use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::conflict::Timestamp;
use sync_monitor_domain::ids::OrgId;
use tokio::sync::{Notify, mpsc, oneshot};

use super::Known;
use crate::model::{Actor, Org, OrgHold};
use crate::worker::until;
use crate::{Engine, Error};

mod files;
mod round;

/// Between two rounds while there are changes.
const SOONEST: Duration = Duration::from_secs(30);
/// Between two rounds while there are none.
const LATEST: Duration = Duration::from_mins(5);
/// Between two looks at an org that has used up what the relay may use.
const BUDGET_PAUSE: Duration = Duration::from_mins(15);
/// How often it is found out anew what an org has: packages are upgraded, sandboxes refreshed.
const FIND_EVERY: Duration = Duration::from_hours(24);
/// How long until that is tried again after it failed.
const FIND_AGAIN: Duration = Duration::from_mins(15);
/// An org's clock is known to about a second.
const SKEW_MARGIN_MS: i64 = 2_000;

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

/// Is there anything to be read now, and if not, until when?
enum Turn {
    Pull(Box<(Org, Arc<Known>)>),
    Wait(Option<Millis>, &'static str),
}

struct Puller {
    engine: Engine,
    org: OrgId,
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
}

/// This moment by the org's clock, as far as it is known; rather a bit too early than too late.
fn from_now(now: Millis, clock_skew_ms: Option<i64>) -> Timestamp {
    let there = now.0 + clock_skew_ms.unwrap_or_default() - SKEW_MARGIN_MS;
    Timestamp(there.saturating_mul(1_000))
}
