//! The program and the oracle, and what happens to both.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kit::{MockClock, ORG_A, ORG_B, ORG_C, org_id};
use proptest::sample::Index;
use serde_json::json;
use sync_monitor_domain::change::Change;
use sync_monitor_domain::clock::{Clock as _, Millis};
use sync_monitor_domain::item::Status;
use sync_monitor_domain::remote::{ConnectedOrg, Meaning};
use sync_monitor_domain::sign_in::{SignIn, SignedInBy};
use sync_monitor_engine::model::{Actor, Filter, Item, OrgHold, Selection};
use sync_monitor_engine::{Engine, Settings};
use sync_monitor_store::{Store, care};
use tempfile::TempDir;
use uuid::Uuid;

use crate::oracle::{self, Content, Oracle, Pause, Review, Seen};
use crate::org::Orgs;
use crate::target::Hold;

const TARGETS: [&str; 2] = [ORG_B, ORG_C];
/// Longer than all waits of a run together, and shorter than what one step lets pass that has everything become old.
const RETENTION: Duration = Duration::from_hours(200);
const OLD: Duration = Duration::from_hours(300);
/// At least as long as between two looks for what is too old.
const LOOK: Duration = Duration::from_secs(20);
/// A step that is not done by then never will be.
const PATIENCE: Duration = Duration::from_secs(20);
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What may happen, in any order.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Accept(Content),
    /// A change that says to be a day old.
    Late(Content),
    /// A payload that was sent before comes again.
    Repeat(Index),
    /// One of the requests in flight is answered.
    Answer(Index, Meaning),
    /// To all that it may be done to, by filter.
    Review(Review),
    /// To some, by name, whatever they are.
    ReviewSome(Review, Vec<Index>),
    Toggle(Pause),
    Restart,
    Wait(u16),
    /// What is done becomes too old.
    Clear,
}

fn actor() -> Actor {
    Actor { name: "test".into(), via: None }
}

/// What both must agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct View {
    items: BTreeMap<(String, usize), Seen>,
    holds: Vec<Option<Hold>>,
    /// By status, with the dismissed apart, and those held.
    counts: BTreeMap<String, u64>,
}

pub(crate) struct World {
    folder: TempDir,
    clock: Arc<MockClock>,
    orgs: Arc<Orgs>,
    engine: Engine,
    oracle: Oracle,
    routes: Vec<Uuid>,
    sent: Vec<Change>,
}

impl World {
    pub(crate) async fn new() -> Self {
        // In memory, where there is such a place: what is tried is not the disk.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory).unwrap()
        } else {
            tempfile::tempdir().unwrap()
        };
        let clock = Arc::new(MockClock::new());
        let store = Store::open(&folder.path().join("model.db")).unwrap();
        let mut routes = Vec::new();
        for (n, target) in TARGETS.iter().enumerate() {
            let org = ConnectedOrg {
                org_id: org_id(target),
                username: None,
                instance_url: "http://localhost".into(),
                kind: None,
                sign_in: SignIn { by: SignedInBy::AuthUrl, login_url: None, client_id: None },
            };
            store.connect_org(org, None, "/", actor(), clock.now()).await.unwrap();
            let id = Uuid::from_u128(n as u128 + 1);
            store.add_route(id, org_id(ORG_A), org_id(target), true, actor(), clock.now()).await.unwrap();
            routes.push(id);
        }
        let orgs = Arc::new(Orgs::default());
        let oracle = Oracle::new(clock.now());
        let engine = start(store, &orgs, &clock).await;
        Self { folder, clock, orgs, engine, oracle, routes, sent: Vec::new() }
    }

    pub(crate) async fn take(&mut self, step: Step) {
        match step {
            Step::Accept(content) => {
                self.pass(Duration::from_millis(1));
                self.accept(content, self.oracle.now).await;
            }
            Step::Late(content) => {
                self.pass(Duration::from_millis(1));
                self.accept(content, Millis(self.oracle.now.0 - DAY_MS)).await;
            }
            Step::Repeat(which) if !self.sent.is_empty() => {
                let change = which.get(&self.sent).clone();
                let reply = self.engine.accept(change).await.unwrap();
                assert_eq!((reply.status, reply.suppressed), (200, true));
            }
            Step::Answer(which, meaning) => {
                let in_flight = self.oracle.in_flight();
                if !in_flight.is_empty() {
                    self.answer(*which.get(&in_flight), meaning).await;
                }
            }
            Step::Review(what) => {
                let about = |item: &oracle::Item| match what {
                    Review::SendNow => item.status == Status::Retrying,
                    Review::Restore => item.status == Status::Failed && item.dismissed,
                    Review::Retry | Review::Dismiss => item.status == Status::Failed && !item.dismissed,
                };
                let items = &self.oracle.items;
                let meant: Vec<usize> = (0..items.len()).filter(|index| about(&items[*index])).collect();
                let filter = Selection::Filter { filter: Box::default(), sent: "{}".into() };
                self.review(what, &meant, filter).await;
            }
            Step::ReviewSome(what, which) if !self.oracle.items.is_empty() => {
                let mut indexes: Vec<usize> =
                    which.iter().map(|one| one.index(self.oracle.items.len())).collect();
                let mut seen = BTreeSet::new();
                indexes.retain(|index| seen.insert(*index));
                let ids = self.ids().await;
                let names = indexes.iter().map(|index| ids[&self.oracle.name(*index)].to_string()).collect();
                self.review(what, &indexes, Selection::Ids(names)).await;
            }
            Step::Repeat(_) | Step::ReviewSome(..) => {}
            Step::Toggle(what) => {
                let paused = self.oracle.toggle(what);
                match what {
                    Pause::Org(target) => {
                        drop(self.engine.pause_org(org_id(TARGETS[target]), paused, &actor()).await.unwrap());
                    }
                    Pause::Route(target) => {
                        self.engine.enable_route(self.routes[target], !paused, &actor()).await.unwrap();
                    }
                    Pause::Relay if paused => drop(self.engine.pause_relay(None, &actor()).await.unwrap()),
                    Pause::Relay => drop(self.engine.resume_relay(&actor()).await.unwrap()),
                }
            }
            Step::Restart => {
                self.engine.stop().await.unwrap();
                let store = Store::open(&self.folder.path().join("model.db")).unwrap();
                self.oracle.restart();
                self.engine = start(store, &self.orgs, &self.clock).await;
            }
            Step::Wait(seconds) => self.pass(Duration::from_secs(seconds.into())),
            Step::Clear => {
                self.pass(OLD);
                self.oracle.clear();
                // It is looked for from time to time, and not just when the clock is moved.
                let begun = Instant::now();
                while !self.agrees_soon().await && begun.elapsed() < PATIENCE {
                    self.pass(LOOK);
                }
            }
        }
        self.agree().await;
    }

    fn pass(&mut self, time: Duration) {
        self.oracle.pass(time);
        self.clock.advance(time);
    }

    async fn accept(&mut self, content: Content, at: Millis) {
        self.agree().await;
        let n = self.sent.len();
        let record = |record: &u8| {
            let members = content.members.iter().map(|member| (format!("m{member}"), json!(n)));
            let mut record = json!({ "externalId": format!("R{record}") });
            record.as_object_mut().unwrap().extend(members);
            record
        };
        let txn = format!("t{n}");
        let body = json!({
            "transactionId": txn, "sourceOrgId": ORG_A, "timestamp": at.to_string(),
            "operation": if content.delete { "delete" } else { "upsert" },
            "records": content.records.iter().map(record).collect::<Vec<_>>(),
        });
        let change = Change::parse(body.to_string().into(), self.clock.now()).unwrap();
        let goes_on = self.oracle.accept(&txn, &content, at);
        let reply = self.engine.accept(change.clone()).await.unwrap();
        assert_eq!(reply.status, if goes_on { 200 } else { 409 }, "{reply:?}");
        if goes_on {
            self.sent.push(change);
        }
    }

    async fn answer(&mut self, index: usize, meaning: Meaning) {
        let (txn, target) = self.oracle.name(index);
        let name = (txn, org_id(TARGETS[target]));
        let begun = Instant::now();
        while !self.orgs.answer(&name, meaning) {
            assert!(begun.elapsed() < PATIENCE, "{name:?} is in flight and was not sent");
            tokio::task::yield_now().await;
        }
        self.oracle.answer(index, meaning);
    }

    async fn review(&mut self, what: Review, meant: &[usize], selection: Selection) {
        let expected = self.oracle.review(meant, what);
        let bulk = match what {
            Review::Retry => self.engine.retry(selection, &actor()).await,
            Review::Dismiss => self.engine.dismiss(selection, "test".into(), &actor()).await,
            Review::Restore => self.engine.restore(selection, &actor()).await,
            Review::SendNow => self.engine.send_now(selection, &actor()).await,
        };
        let bulk = bulk.unwrap();
        assert_eq!((bulk.changed, bulk.refused.len() as u64), (expected, meant.len() as u64 - expected));
    }

    async fn listed(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for dismissed in [false, true] {
            let filter = Filter { dismissed: Some(dismissed), ..Filter::default() };
            items.extend(self.engine.items(filter, None, 500, None).await.unwrap().items);
        }
        items
    }

    async fn ids(&self) -> BTreeMap<(String, usize), Uuid> {
        let target = |item: &Item| TARGETS.iter().position(|target| org_id(target) == item.target).unwrap();
        self.listed()
            .await
            .iter()
            .map(|item| ((item.transaction_id.clone(), target(item)), item.id))
            .collect()
    }

    /// What the program says.
    async fn told(&self) -> View {
        let mut items = BTreeMap::new();
        for item in self.listed().await {
            let target = TARGETS.iter().position(|target| org_id(target) == item.target).unwrap();
            let seen = Seen {
                status: item.status,
                held_by: item.held_by,
                attempts: item.attempts,
                cycle: item.cycle,
                next: item.next_attempt_at,
                dismissed: item.dismissed_at.is_some(),
            };
            items.insert((item.transaction_id, target), seen);
        }
        let orgs = self.engine.orgs().await.unwrap();
        let hold = |target: &&str| {
            let org = orgs.iter().find(|org| org.org_id == org_id(target)).unwrap();
            org.health.hold.map(|hold| match hold {
                OrgHold::Unreachable { probe_at } => Hold::Unreachable(probe_at),
                OrgHold::RateLimited { until } => Hold::Limited(until),
                OrgHold::EndpointMissing { probe_at, probes } => Hold::Missing(probe_at, probes),
            })
        };
        let counts = self.engine.counts().await.unwrap();
        let counts = [
            ("queued", counts.queued),
            ("processing", counts.processing),
            ("retrying", counts.retrying),
            ("failed", counts.failed),
            ("synced", counts.synced),
            ("superseded", counts.superseded),
            ("dismissed", counts.dismissed),
            ("held", counts.held),
        ];
        let counts =
            counts.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| (name.to_owned(), n)).collect();
        View { items, holds: TARGETS.iter().map(hold).collect(), counts }
    }

    /// What the oracle says.
    fn expected(&self) -> View {
        let items = self.oracle.seen();
        let mut counts = BTreeMap::<String, u64>::new();
        for item in items.values() {
            let name = if item.dismissed { "dismissed" } else { item.status.as_str() };
            *counts.entry(name.to_owned()).or_default() += 1;
            if item.held_by.is_some() {
                *counts.entry("held".to_owned()).or_default() += 1;
            }
        }
        View { items, holds: self.oracle.targets.iter().map(|target| target.hold).collect(), counts }
    }

    /// Does the program come to agree, without any more time?
    async fn agrees_soon(&self) -> bool {
        for _ in 0..20 {
            if self.told().await == self.expected() {
                return true;
            }
            self.rest().await;
        }
        false
    }

    /// Lets the program do something: until something changed, or all is at rest, since the time of this runtime only goes on
    /// while nothing else does.
    async fn rest(&self) {
        drop(tokio::time::timeout(Duration::from_millis(1), self.engine.changes().recv()).await);
    }

    /// Waits until the program has done what must come of a step.
    async fn agree(&self) {
        let (expected, begun) = (self.expected(), Instant::now());
        loop {
            let told = self.told().await;
            if told == expected {
                return;
            }
            if begun.elapsed() > PATIENCE {
                // Shows where they differ.
                assert_eq!(told, expected);
            }
            self.rest().await;
        }
    }

    /// Everything is resumed and taken, and then nothing is left to do.
    pub(crate) async fn come_to_rest(&mut self) {
        for target in 0..TARGETS.len() {
            if self.oracle.targets[target].paused {
                self.take(Step::Toggle(Pause::Org(target))).await;
            }
            if self.oracle.targets[target].route_paused {
                self.take(Step::Toggle(Pause::Route(target))).await;
            }
        }
        if self.oracle.relay_paused {
            self.take(Step::Toggle(Pause::Relay)).await;
        }
        let mut rounds = 0;
        while self.oracle.items.iter().any(|item| item.status.is_open()) {
            rounds += 1;
            assert!(rounds < 200, "something is stuck: {:?}", self.oracle);
            while let Some(index) = self.oracle.in_flight().first() {
                self.answer(*index, Meaning::Synced).await;
                self.agree().await;
            }
            self.take(Step::Wait(1_000)).await;
        }
        let taken = self.orgs.taken();
        assert!(taken.values().all(|times| *times == 1), "taken more than once: {taken:?}");
        for (index, item) in self.oracle.items.iter().enumerate() {
            let (txn, target) = self.oracle.name(index);
            let is_taken = taken.contains_key(&(txn, org_id(TARGETS[target])));
            assert_eq!(is_taken, item.status == Status::Synced, "{item:?}");
        }
        self.engine.stop().await.unwrap();
        assert_eq!(care::check(&self.folder.path().join("model.db")).unwrap(), [""; 0]);
    }
}

async fn start(store: Store, orgs: &Arc<Orgs>, clock: &Arc<MockClock>) -> Engine {
    let settings = Settings {
        // Whatever is due is sent: how many at a time has its own tests.
        concurrency_per_org: 1_000,
        synced_retention: RETENTION,
        transaction_retention: 100 * OLD,
        ..Settings::default()
    };
    Engine::start(settings, store, Arc::clone(orgs) as _, Arc::clone(clock) as _).await.unwrap()
}
