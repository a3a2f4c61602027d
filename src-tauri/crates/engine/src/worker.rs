//! One worker an org: it alone sends there, and it alone knows how things stand with the org.
//!
//! So a slow or dead org can delay no other, and nobody competes for an org's items. The worker looks for what is due
//! only when something tells it that there may be something: a new item, a landed request, a due time, a command.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use sync_monitor_domain::clock::{Clock, Millis};
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::item::{Outcome, after_try};
use sync_monitor_domain::remote::{Examination, Meaning, OrgAddress, Remote, Report, Try};
use sync_monitor_store::model::{Health, Org, OrgHold};
use sync_monitor_store::{Claimed, Completion, Door, Handed, Place, Store};
use tokio::sync::{Notify, broadcast, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::health;
use crate::hub::{self, Adapters, OwnReadings};
use crate::{Changed, Settings};

mod saving;
mod sign_in;

use saving::Saving;
use sign_in::{Look, keep_alive_after};

/// How long a stopping worker waits for its requests to land. What has not landed by then is sent again at the next
/// start; that costs no attempt.
const GRACE: Duration = Duration::from_secs(3);
/// How long until the store is asked again after it failed.
const STORE_PAUSE: Duration = Duration::from_secs(2);

/// What a worker is told from outside.
#[derive(Debug)]
pub(crate) enum Command {
    /// Somebody paused or resumed the org.
    Pause(bool),
    /// Somebody paused or resumed the whole relay, or it is told how that stands.
    RelayPaused(bool),
    /// Somebody signed in, perhaps to another address; when its refresh token was last used for its own sake.
    Connected(OrgAddress, Option<Millis>),
    /// The endpoint has another path, or the org another address.
    Moved(OrgAddress),
    /// Somebody had a look at the org; told when what was found is in force.
    Looked(Box<Examination>, oneshot::Sender<()>),
    /// Somebody disconnected the org.
    Disconnected,
    /// The clock was set back by so much; the store has taken it into account.
    SetBack(Duration),
}

/// The way to a worker.
pub(crate) struct Handle {
    pub(crate) commands: mpsc::UnboundedSender<Command>,
    /// There may be something due.
    pub(crate) wake: Arc<Notify>,
    /// Items that were claimed as they came in.
    pub(crate) handed: mpsc::UnboundedSender<Handed>,
}

/// What a worker works with.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) store: Store,
    pub(crate) remote: Arc<dyn Remote>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) changes: broadcast::Sender<Changed>,
    pub(crate) stop: CancellationToken,
    pub(crate) adapters: Arc<Adapters>,
    pub(crate) own_readings: Arc<OwnReadings>,
    pub(crate) wakes: Arc<Wakes>,
}

/// What wakes each org's worker.
#[derive(Default)]
pub(crate) struct Wakes(Mutex<HashMap<OrgId, Arc<Notify>>>);

impl Wakes {
    pub(crate) fn add(&self, org: OrgId, wake: Arc<Notify>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(org, wake);
    }
}

/// What a request in flight comes back with.
enum Landed {
    Item(Box<Landing>),
    Ping { answers: bool },
    KeptAlive(Result<Option<String>, Box<Try>>),
    Looked(Box<Examination>),
}

/// What an item's attempt brought.
struct Landing {
    claimed: Claimed,
    report: Report,
    decisive: Try,
    ended: Millis,
    probe: bool,
}

/// What waits for an org, as far as the store was asked.
#[derive(Debug, Clone, Copy)]
enum Waiting {
    /// Something may be due: the store is to be asked.
    Unknown,
    /// Nothing before this time.
    Until(Millis),
    Nothing,
}

struct Worker {
    tools: Tools,
    address: OrgAddress,
    health: Health,
    /// Requests in a row that got no answer at all.
    unanswered: u32,
    /// Is a probe under way?
    probing: bool,
    /// When something is to be done that is not now.
    alarm: Option<Millis>,
    /// How many requests may be made at once, and whether what comes in may go at once.
    door: Arc<Door>,
    /// What waits, as far as the store was asked.
    waiting: Waiting,
    /// What came of attempts and is on its way to the disk. A request's place is free as soon as its answer is there: the
    /// next one does not wait for the disk.
    saving: Arc<Saving>,
    /// What came of attempts and could not be written down yet,
    unsaved: Vec<Arc<Completion>>,
    /// and when that is tried again.
    save_again_at: Option<Millis>,
    /// When its refresh token is to be used for its own sake; `None` while that is under way.
    keep_alive_at: Option<Millis>,
    /// While a new sign-in is wanted.
    look: Look,
}

/// Starts the worker of an org.
pub(crate) fn start(tools: Tools, org: &Org, tasks: &mut JoinSet<()>) -> Handle {
    let (commands, inbox) = mpsc::unbounded_channel();
    let (handed, handed_in) = mpsc::unbounded_channel();
    let wake = Arc::<Notify>::default();
    let door = Arc::new(Door::new(tools.settings.concurrency_per_org));
    tools.store.open_door(org.org_id, Arc::clone(&door));
    let worker = Worker {
        saving: Arc::new(Saving::new(Arc::clone(&wake), tools.stop.clone())),
        tools,
        address: org.address(),
        health: org.health,
        unanswered: 0,
        probing: false,
        alarm: None,
        door,
        waiting: Waiting::Unknown,
        unsaved: Vec::new(),
        save_again_at: None,
        keep_alive_at: Some(keep_alive_after(org.kept_alive_at)),
        look: if org.connected { Look::Unplanned { looks: 0 } } else { Look::Never },
    };
    tasks.spawn(worker.run(inbox, handed_in, Arc::clone(&wake)));
    Handle { commands, wake, handed }
}

impl Worker {
    async fn run(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<Command>,
        mut handed_in: mpsc::UnboundedReceiver<Handed>,
        wake: Arc<Notify>,
    ) {
        let mut flights: JoinSet<Landed> = JoinSet::new();
        let stop = self.tools.stop.clone();
        while !stop.is_cancelled() {
            // Told before looking, so that what comes in while it looks is not missed; and each time, since what lands and
            // what is handed in may leave the wake below no turn.
            if wake.notified().now_or_never().is_some() {
                self.waiting = Waiting::Unknown;
            }
            self.launch(&mut flights).await;
            let (clock, alarm) = (Arc::clone(&self.tools.clock), self.alarm);
            tokio::select! {
                // What somebody told it comes before what it does by itself.
                biased;
                () = stop.cancelled() => {}
                Some(command) = inbox.recv() => {
                    self.obey(command).await;
                    self.waiting = Waiting::Unknown;
                }
                Some(landed) = flights.join_next(), if !flights.is_empty() => {
                    self.landed(landed).await;
                    while let Some(landed) = flights.try_join_next() {
                        self.landed(landed).await;
                    }
                }
                Some(handed) = handed_in.recv() => {
                    self.send(&mut flights, handed.claimed, handed.place, false);
                    while let Ok(handed) = handed_in.try_recv() {
                        self.send(&mut flights, handed.claimed, handed.place, false);
                    }
                }
                () = wake.notified() => self.waiting = Waiting::Unknown,
                () = until(clock.as_ref(), alarm), if alarm.is_some() => {}
            }
        }
        let landing = async {
            while let Some(landed) = flights.join_next().await {
                self.landed(landed).await;
            }
            while self.saving.under_way() > 0 {
                wake.notified().await;
            }
        };
        if tokio::time::timeout(GRACE, landing).await.is_err() {
            tracing::info!(org = %self.address.org_id, "requests still in flight; they are sent again at the next start");
        }
    }

    /// Sends what is due, as far as the org's health and the number in flight allow.
    async fn launch(&mut self, flights: &mut JoinSet<Landed>) {
        let now = self.tools.clock.now();
        self.alarm = None;
        self.save_unsaved().await;
        let may_save = self.unsaved.is_empty() && self.saving.has_room();
        let is_well = self.health.hold.is_none() && !self.health.is_paused() && !self.health.sign_in_required;
        self.door.set_open(is_well && may_save);
        if self.health.sign_in_required {
            self.look_again(flights, now);
            return;
        }
        self.keep_alive(flights, now);
        if self.health.is_paused() {
            return;
        }
        match self.health.hold {
            Some(OrgHold::RateLimited { until }) if now < until => self.ring(until),
            Some(OrgHold::Unreachable { probe_at } | OrgHold::EndpointMissing { probe_at, .. })
                if now < probe_at =>
            {
                self.ring(probe_at);
            }
            Some(OrgHold::Unreachable { .. } | OrgHold::EndpointMissing { .. }) => {
                if !self.probing && may_save {
                    self.probe(flights, now).await;
                }
            }
            Some(OrgHold::RateLimited { .. }) => {
                self.set_health(Health { hold: None, ..self.health }, None, now).await;
                self.send_due(flights, may_save, now).await;
            }
            None => self.send_due(flights, may_save, now).await,
        }
    }

    async fn send_due(&mut self, flights: &mut JoinSet<Landed>, may_save: bool, now: Millis) {
        match self.waiting {
            Waiting::Nothing => return,
            Waiting::Until(due) if now < due => return self.ring(due),
            Waiting::Until(_) | Waiting::Unknown => {}
        }
        if may_save {
            let places = self.door.take(self.tools.settings.concurrency_per_org);
            for (claimed, place) in self.claim(places, now).await {
                self.send(flights, claimed, place, false);
            }
        }
    }

    /// Tries a held org: with an item that is due, or where there is none by asking whether anything answers there.
    async fn probe(&mut self, flights: &mut JoinSet<Landed>, now: Millis) {
        let place = self.door.take(1);
        if place.is_empty() {
            // What is in flight will tell.
        } else if let Some((claimed, place)) = self.claim(place, now).await.pop() {
            self.probing = true;
            self.send(flights, claimed, place, true);
        } else if matches!(self.health.hold, Some(OrgHold::Unreachable { .. })) {
            self.probing = true;
            let (remote, address) = (Arc::clone(&self.tools.remote), self.address.clone());
            flights.spawn(async move { Landed::Ping { answers: remote.answers(&address).await } });
        }
    }

    /// Claims what is due, as much as there are places for it.
    async fn claim(&mut self, places: Vec<Place>, now: Millis) -> Vec<(Claimed, Place)> {
        if places.is_empty() {
            return Vec::new();
        }
        match self.tools.store.claim(self.address.org_id, places.len(), now).await {
            Ok(claim) => {
                self.waiting = match claim.next_due {
                    _ if claim.items.len() == places.len() => Waiting::Unknown,
                    Some(due) => Waiting::Until(due),
                    None => Waiting::Nothing,
                };
                if let Waiting::Until(due) = self.waiting {
                    self.ring(due);
                }
                if !claim.items.is_empty() {
                    self.tools.announce(claim.items.iter().map(|c| c.id).collect(), false);
                }
                claim.items.into_iter().zip(places).collect()
            }
            Err(error) => {
                tracing::error!(org = %self.address.org_id, %error, "nothing could be claimed; trying again");
                self.ring(now.plus(STORE_PAUSE));
                Vec::new()
            }
        }
    }

    fn send(&self, flights: &mut JoinSet<Landed>, claimed: Claimed, place: Place, probe: bool) {
        let (tools, address) = (self.tools.clone(), self.address.clone());
        flights.spawn(async move {
            let _place = place;
            let began = (tools.clock.now(), tools.clock.elapsed());
            let delivery = AssertUnwindSafe(tools.deliver(&address, &claimed)).catch_unwind();
            let report = delivery.await.ok();
            let (report, decisive) = match report.map(|report| (report.tries.last().cloned(), report)) {
                Some((Some(decisive), report)) => (report, decisive),
                _ => broken(began.0, tools.clock.elapsed().saturating_sub(began.1)),
            };
            Landed::Item(Box::new(Landing { claimed, report, decisive, ended: tools.clock.now(), probe }))
        });
    }

    async fn landed(&mut self, landed: Result<Landed, tokio::task::JoinError>) {
        match landed {
            Ok(Landed::Item(landing)) => self.item_landed(*landing).await,
            Ok(Landed::Ping { answers }) => {
                self.probing = false;
                let now = self.tools.clock.now();
                let (health, detail) =
                    health::after_ping(self.health, answers, now, self.tools.settings.probe_interval);
                self.set_health(health, detail, now).await;
            }
            Ok(Landed::KeptAlive(result)) => self.kept_alive(result).await,
            Ok(Landed::Looked(found)) => {
                // Somebody may have signed in meanwhile, and knows better.
                if let Look::UnderWay { .. } = self.look {
                    self.move_to(found.moved_to.clone(), self.tools.clock.now()).await;
                    self.looked(&found).await;
                }
            }
            Err(error) => {
                tracing::error!(org = %self.address.org_id, %error, "a request was lost; its item is sent again at the next start");
            }
        }
    }

    async fn item_landed(&mut self, landing: Landing) {
        let Landing { claimed, report, decisive, ended, probe } = landing;
        if probe {
            self.probing = false;
        }
        self.unanswered = match decisive.meaning {
            Meaning::Unreachable => self.unanswered + 1,
            Meaning::ParentMissing => self.unanswered,
            _ => 0,
        };
        // What was in flight when the org was found unreachable is held like the rest, uncounted.
        let held = matches!(self.health.hold, Some(OrgHold::Unreachable { .. }));
        let schedule = &self.tools.settings.schedule;
        let verdict = after_try(claimed.in_flight(held), decisive.meaning, ended, schedule);
        let (org, item) = (self.address.org_id, claimed.id);
        tracing::debug!(%item, %org, outcome = %verdict.outcome, "attempt ended");
        if verdict.outcome == Outcome::Failed {
            tracing::warn!(%item, transaction = %claimed.transaction_id, %org, status = decisive.http_status, code = decisive.error_code, "item failed");
        }
        let Report { tries, api_usage, clock_skew_ms, moved_to } = report;
        let completion = Arc::new(Completion { claimed, tries, verdict, ended, api_usage, clock_skew_ms });
        self.save(completion).await;
        self.move_to(moved_to, ended).await;
        self.look = match decisive.meaning {
            Meaning::SignInRequired => self.look.after(&decisive),
            Meaning::Unreachable => self.look,
            // The tokens are good. A look that found them so is not enough: what takes a look may refuse a change.
            _ => self.look.proved_needless(),
        };
        let (health, detail) = health::after_answer(
            self.health,
            &decisive,
            verdict.hold,
            self.unanswered,
            ended,
            &self.tools.settings,
        );
        self.set_health(health, detail, ended).await;
    }

    /// From now on the org is asked at another address, where it has one.
    async fn move_to(&mut self, moved_to: Option<String>, at: Millis) {
        let Some(instance_url) = moved_to.filter(|address| *address != self.address.instance_url) else {
            return;
        };
        let org = self.address.org_id;
        match self.tools.store.move_org(org, instance_url.clone(), at).await {
            Ok(()) => {
                tracing::info!(%org, from = self.address.instance_url, to = instance_url, "the org has another address");
                self.address.instance_url = instance_url;
                self.tools.announce(Vec::new(), true);
            }
            // The next request that finds it out tells it again.
            Err(error) => tracing::error!(%org, %error, "the org's new address could not be written down"),
        }
    }

    async fn set_health(&mut self, health: Health, detail: Option<String>, at: Millis) {
        if health == self.health {
            return;
        }
        if health.as_str() != self.health.as_str() {
            tracing::info!(org = %self.address.org_id, health = health.as_str(), detail, "the org's health changed");
        }
        self.health = health;
        self.waiting = Waiting::Unknown;
        if let Err(error) = self.tools.store.set_health(self.address.org_id, health, detail, at).await {
            tracing::error!(org = %self.address.org_id, %error, "the org's health could not be written down");
        }
        self.tools.announce(Vec::new(), true);
    }

    async fn obey(&mut self, command: Command) {
        let now = self.tools.clock.now();
        self.unanswered = 0;
        match command {
            // A pause is written by whoever asked for it; here it is only obeyed. After a resume the org is tried at once.
            Command::Pause(paused) => {
                self.health.paused = paused;
                self.try_at_once_after(paused, now).await;
            }
            Command::RelayPaused(paused) if self.health.relay_paused == paused => {}
            Command::RelayPaused(paused) => {
                self.health.relay_paused = paused;
                self.try_at_once_after(paused, now).await;
            }
            Command::Connected(address, kept_alive_at) => {
                self.address = address;
                let Health { paused, relay_paused, .. } = self.health;
                self.health = Health { paused, relay_paused, ..Health::default() };
                self.keep_alive_at = Some(keep_alive_after(kept_alive_at));
                self.look = Look::Unplanned { looks: 0 };
            }
            Command::Moved(address) => {
                self.address = address;
                if let Some(OrgHold::EndpointMissing { .. }) = self.health.hold {
                    let hold = health::tried_at_once(self.health.hold, now);
                    self.set_health(Health { hold, ..self.health }, None, now).await;
                }
            }
            Command::Looked(found, done) => {
                self.looked(&found).await;
                // Whoever asked may have gone away.
                let _ = done.send(());
            }
            Command::Disconnected => {
                self.health.sign_in_required = true;
                self.look = Look::Never;
            }
            Command::SetBack(by) => {
                self.health.hold = health::set_back(self.health.hold, by);
                self.look = self.look.planned_anew();
            }
        }
    }

    async fn try_at_once_after(&mut self, paused: bool, now: Millis) {
        if !paused {
            let hold = health::tried_at_once(self.health.hold, now);
            self.set_health(Health { hold, ..self.health }, None, now).await;
        }
    }

    fn ring(&mut self, at: Millis) {
        self.alarm = Some(self.alarm.map_or(at, |alarm| alarm.min(at)));
    }
}

impl Tools {
    /// Sends an item in what its target speaks.
    async fn deliver(&self, address: &OrgAddress, claimed: &Claimed) -> Report {
        match self.adapters.of_package(address.org_id) {
            Some(known) => hub::deliver(self, address, &known, claimed).await,
            None => self.remote.deliver(address, claimed.body.clone()).await,
        }
    }

    /// There may be something to be sent to these orgs.
    pub(crate) fn wake(&self, orgs: &[OrgId]) {
        let wakes = self.wakes.0.lock().unwrap_or_else(PoisonError::into_inner);
        for wake in orgs.iter().filter_map(|org| wakes.get(org)) {
            wake.notify_one();
        }
    }

    /// Tells whoever shows things that these items changed, and the orgs' figures with them.
    pub(crate) fn announce(&self, items: Vec<Uuid>, orgs: bool) {
        // Nobody may be listening.
        drop(self.changes.send(Changed { items: Some(items), orgs, routes: false }));
    }

    /// Tells them that more changed than is worth naming.
    pub(crate) fn announce_many(&self) {
        drop(self.changes.send(Changed { items: None, orgs: true, routes: false }));
    }
}

/// Waits until the wall clock shows `alarm`, however timers behave.
pub(crate) async fn until(clock: &dyn Clock, alarm: Option<Millis>) {
    if let Some(alarm) = alarm {
        while clock.now() < alarm {
            clock.wait_until(alarm).await;
        }
    }
}

/// What is written down when the delivery itself broke: the program's fault, but the item must not be lost over it.
fn broken(started_at: Millis, duration: Duration) -> (Report, Try) {
    let one = Try {
        started_at,
        duration,
        meaning: Meaning::Retry { retry_after: None },
        http_status: None,
        error_code: Some("INTERNAL_ERROR".into()),
        message: Some(
            "Sync Monitor failed while sending this item; it is tried again. Its log says more.".into(),
        ),
        response_body: None,
    };
    (Report { tries: vec![one.clone()], api_usage: None, clock_skew_ms: None, moved_to: None }, one)
}
