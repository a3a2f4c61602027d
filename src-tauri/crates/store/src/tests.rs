//! Whatever is done in whatever order, the bookkeeping stays true.

use proptest::prelude::*;
use rusqlite::Connection;
use sync_monitor_domain::change::Change;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::item::{Status, after_try};
use sync_monitor_domain::remote::{ConnectedOrg, Meaning, Try};
use sync_monitor_domain::retry::Schedule;
use sync_monitor_domain::sign_in::{SignIn, SignedInBy};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::model::RunState;

const A: &str = "00D00000000000A";
const B: &str = "00D00000000000B";

fn org(text: &str) -> OrgId {
    text.parse().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the names of a test's items mean nothing")]
fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// So many cases, and more where the tests are to be long (`cargo xtask torture`).
fn cases(short: u32) -> u32 {
    let times = std::env::var("SYNC_MONITOR_TORTURE").ok().and_then(|times| times.parse::<u32>().ok());
    short.saturating_mul(times.unwrap_or(1))
}

/// What may happen, in any order.
#[derive(Debug, Clone)]
enum Step {
    /// A change of these records, with this member (so that some changes cover others and some do not).
    Accept { records: Vec<u8>, member: u8, delete: bool },
    /// What is due is claimed, up to this many.
    Claim(usize),
    /// The oldest claimed item's answer comes in.
    Answer(u8),
    /// Failed items are retried, dismissed or restored, retrying ones are sent now.
    Review(u8),
    /// The org, the relay or the route is paused, or resumed if it is.
    Pause(u8),
    /// The program dies and starts again.
    Restart,
    /// Time passes.
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (prop::collection::btree_set(0u8..3, 1..3), 0u8..3, prop::bool::weighted(0.15))
            .prop_map(|(records, member, delete)| Step::Accept { records: records.into_iter().collect(), member, delete }),
        3 => (1usize..4).prop_map(Step::Claim),
        4 => (0u8..7).prop_map(Step::Answer),
        2 => (0u8..4).prop_map(Step::Review),
        1 => (0u8..3).prop_map(Step::Pause),
        1 => Just(Step::Restart),
        2 => (0u16..2_000).prop_map(Step::Wait),
    ]
}

struct World {
    folder: TempDir,
    store: Store,
    now: Millis,
    sent: u32,
    in_flight: Vec<Claimed>,
    /// The org, the relay and the route.
    paused: [bool; 3],
    route: Uuid,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Self::opened(&folder);
        let me = Actor { name: "test".into(), via: None };
        let b = ConnectedOrg {
            org_id: org(B),
            username: None,
            instance_url: "http://localhost".into(),
            kind: None,
            sign_in: SignIn { by: SignedInBy::AuthUrl, login_url: None, client_id: None },
        };
        store.connect_org(b, None, "/", me.clone(), Millis(0)).await.unwrap();
        let route = store.add_route(new_id(), org(A), org(B), true, me, Millis(0)).await.unwrap().id;
        Self {
            folder,
            store,
            now: Millis(1_772_000_000_000),
            sent: 0,
            in_flight: Vec::new(),
            paused: [false; 3],
            route,
        }
    }

    /// The store, with a worker's door that two at a time may go through.
    fn opened(folder: &TempDir) -> Store {
        let store = Store::open(&folder.path().join("test.db")).unwrap();
        let door = Door::new(2);
        door.set_open(true);
        store.open_door(org(B), Arc::new(door));
        store
    }

    fn sql(&self) -> Connection {
        Connection::open(self.folder.path().join("test.db")).unwrap()
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Accept { records, member, delete } => {
                self.sent += 1;
                self.now = Millis(self.now.0 + 1);
                let records: Vec<String> = records
                    .iter()
                    .map(|r| format!(r#"{{"externalId":"R{r}","m{member}":{}}}"#, self.sent))
                    .collect();
                let body = format!(
                    r#"{{"transactionId":"t{}","sourceOrgId":"{A}","timestamp":"{}","operation":"{}","records":[{}]}}"#,
                    self.sent,
                    self.now,
                    if delete { "delete" } else { "upsert" },
                    records.join(",")
                );
                let change = Change::parse(body.into(), self.now).unwrap();
                let (told, handed) = std::sync::mpsc::channel();
                let told = move |accepted: Accepted| told.send(accepted.handed).unwrap();
                let reply = self.store.accept(change, self.now, self.now, new_id, told).await.unwrap();
                assert_eq!(reply.status, 200);
                // Its place is free again at once: as many may be in flight as there is time for.
                self.in_flight.extend(handed.recv().unwrap().into_iter().map(|handed| handed.claimed));
            }
            Step::Claim(limit) => {
                let claim = self.store.claim(org(B), limit, self.now).await.unwrap();
                self.in_flight.extend(claim.items);
            }
            Step::Answer(kind) if !self.in_flight.is_empty() => {
                let claimed = self.in_flight.remove(0);
                let retry = Meaning::Retry { retry_after: None };
                let meaning = [
                    Meaning::Synced,
                    Meaning::Superseded,
                    Meaning::Refused,
                    retry,
                    Meaning::EndpointMissing,
                    Meaning::Unreachable,
                    Meaning::ParentMissing,
                ][usize::from(kind)];
                let verdict =
                    after_try(claimed.in_flight(kind == 5), meaning, self.now, &Schedule::default());
                let one = Try {
                    started_at: self.now,
                    duration: std::time::Duration::ZERO,
                    meaning,
                    http_status: None,
                    error_code: None,
                    message: None,
                    response_body: None,
                };
                let done = Completion {
                    claimed,
                    tries: vec![one],
                    verdict,
                    ended: self.now,
                    api_usage: None,
                    clock_skew_ms: None,
                };
                self.store.complete(org(B), done.into()).await.unwrap();
            }
            Step::Answer(_) => {}
            Step::Review(kind) => self.review(kind).await,
            Step::Pause(what) => self.pause(what).await,
            Step::Restart => {
                self.store.close().await.unwrap();
                self.store = Self::opened(&self.folder);
                self.store.recover(self.now).await.unwrap();
                self.in_flight.clear();
            }
            Step::Wait(seconds) => self.now = Millis(self.now.0 + i64::from(seconds) * 1_000),
        }
    }

    async fn review(&self, kind: u8) {
        let about = Filter {
            statuses: vec![if kind == 3 { Status::Retrying } else { Status::Failed }],
            dismissed: Some(kind == 2),
            ..Filter::default()
        };
        let ids = self.store.item_ids(about.clone()).await.unwrap();
        let expected = self.store.preflight(Meant::Filter(Box::new(about)), self.now).await.unwrap();
        assert_eq!(
            self.store.preflight(Meant::Ids(ids.clone()), self.now).await.unwrap(),
            expected,
            "by name and by filter the same is meant"
        );
        let action = match kind {
            0 => Action::Retry { first_due: self.now },
            1 => Action::Dismiss { reason: "test".into() },
            2 => Action::Restore,
            _ => Action::SendNow,
        };
        self.run(ids.clone(), action).await;
        if kind == 0 {
            let (mut sent, mut superseded) = (0, 0);
            for id in ids {
                // One that is failed was refused.
                match self.store.item(id).await.unwrap().item.status {
                    Status::Queued => sent += 1,
                    Status::Superseded | Status::Failed => superseded += 1,
                    other => panic!("retried and {other}"),
                }
            }
            assert_eq!((expected.send, expected.superseded), (sent, superseded), "what was told");
        }
    }

    async fn pause(&mut self, what: u8) {
        let paused = !self.paused[usize::from(what)];
        self.paused[usize::from(what)] = paused;
        let me = Actor { name: "test".into(), via: None };
        match what {
            0 => drop(self.store.pause_org(org(B), paused, me, self.now).await.unwrap()),
            1 if paused => drop(self.store.pause_relay(None, me, self.now).await.unwrap()),
            1 => drop(self.store.resume_relay(me, self.now).await.unwrap()),
            _ => drop(self.store.enable_route(self.route, !paused, me, self.now).await.unwrap()),
        }
    }

    fn new_run(&self, action: Action, selected: u64) -> Arc<NewRun> {
        Arc::new(NewRun {
            id: new_id(),
            at: self.now,
            actor: Actor { name: "test".into(), via: None },
            action,
            filter: None,
            selected,
            unknown: Vec::new(),
        })
    }

    /// Does something to items, in batches of two.
    async fn run(&self, ids: Vec<Uuid>, action: Action) {
        let run = self.new_run(action, ids.len() as u64);
        let batches = ids.chunks(2).map(<[Uuid]>::to_vec).collect::<Vec<_>>();
        let count = batches.len();
        for (index, ids) in batches.into_iter().enumerate() {
            let (first, last) = (index == 0, index + 1 == count);
            let batch = Batch { run: Arc::clone(&run), ids, first, last, at: self.now };
            self.store.apply(batch).await.unwrap();
        }
    }

    /// How many items are on their way.
    async fn open(&self) -> u64 {
        let counts = self.store.counts().await.unwrap();
        counts.queued + counts.processing + counts.retrying
    }

    /// What is held is counted, listed and told alike.
    async fn audit_holds(&self) {
        let list = async |held| {
            let filter = Filter { held: Some(held), ..Filter::default() };
            self.store.items(filter, None, 500, None).await.unwrap()
        };
        let (held, free) = (list(true).await, list(false).await);
        let counts = self.store.counts().await.unwrap();
        assert_eq!((counts.held, held.total + free.total), (held.total, counts.queued + counts.retrying));
        assert!(held.items.iter().all(|item| item.held_by.is_some()), "{:?}", held.items);
        assert!(free.items.iter().all(|item| item.held_by.is_none()), "{:?}", free.items);
        if self.paused.contains(&true) {
            assert_eq!(free.total, 0, "there is one org, one route and one relay");
        }
    }

    /// There must be no such row.
    fn none(&self, what: &str, query: &str) {
        let query = format!("SELECT count(*) FROM ({query})");
        let n: i64 = self.sql().query_row(&query, [], |row| row.get(0)).unwrap();
        assert_eq!(n, 0, "{what}");
    }

    /// What must hold of runs until what is too old is cleared away.
    fn audit_runs(&self) {
        self.none(
            "a run does not know how many items it changed, or how many it left alone",
            "SELECT 1 FROM bulk_runs r WHERE ended_at IS NULL OR selected <> changed + refused
                OR changed <> (SELECT count(*) FROM run_items WHERE run = r.id)
                OR refused <> (SELECT count(*) FROM run_refusals WHERE run = r.id)",
        );
    }

    /// What must hold at any time.
    fn audit(&self) {
        for (what, query) in care::INVARIANTS {
            self.none(what, query);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(64), ..ProptestConfig::default() })]

    #[test]
    fn counters_and_lines_are_true_whatever_happens(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
                world.audit();
                world.audit_runs();
                world.audit_holds().await;
            }
            for what in (0..3).filter(|what| world.paused[usize::from(*what)]).collect::<Vec<_>>() {
                world.take(Step::Pause(what)).await;
            }
            // In the end nothing is stuck: with an org that takes everything, whatever is open gets there.
            while !world.in_flight.is_empty() {
                world.take(Step::Answer(0)).await;
            }
            let mut rounds = 0;
            while world.open().await > 0 {
                rounds += 1;
                assert!(rounds < 200, "something is stuck");
                world.take(Step::Wait(4_000)).await;
                world.take(Step::Claim(4)).await;
                while !world.in_flight.is_empty() {
                    world.take(Step::Answer(0)).await;
                }
            }
            world.audit();
            world.store.close().await.unwrap();
        });
    }
}

/// Changes of a few records; of each, whether it is sent, and what the target says to it.
fn failures() -> impl Strategy<Value = Vec<(Step, Option<u8>)>> {
    let change = (prop::collection::btree_set(0u8..2, 1..3), 0u8..2, prop::bool::weighted(0.2)).prop_map(
        |(records, member, delete)| Step::Accept { records: records.into_iter().collect(), member, delete },
    );
    // Synced, refused, to be retried, or left in the queue or in flight.
    let answer = prop_oneof![1 => Just(Some(0)), 5 => Just(Some(2)), 1 => Just(Some(3)), 1 => Just(Some(9)), 1 => Just(None)];
    prop::collection::vec((change, answer), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(128), ..ProptestConfig::default() })]

    #[test]
    fn a_preflight_tells_what_a_retry_does(changes in failures()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for (change, answer) in changes {
                world.take(change).await;
                if let Some(answer) = answer {
                    world.take(Step::Claim(1)).await;
                    if answer < 9 {
                        world.take(Step::Answer(answer)).await;
                    }
                }
            }
            world.take(Step::Review(0)).await;
            world.store.close().await.unwrap();
        });
    }
}

#[tokio::test]
async fn a_write_that_fails_leaves_nothing_and_touches_no_other_of_its_group() {
    let world = World::new().await;
    let note = |n: i64| world.store.note(Entry::relay(Millis(n), "test.note"));
    let bad = world.store.write(|tx| {
        tx.sql.execute("INSERT INTO activity (at, actor, action) VALUES (0, 'x', 'test.bad')", [])?;
        tx.sql.execute("INSERT INTO nowhere VALUES (1)", [])?;
        Ok(())
    });
    let (first, failed, second) = tokio::join!(note(1), bad, note(2));
    assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    assert!(matches!(failed, Err(Error::Sqlite(_))), "{failed:?}");
    let actions: Vec<String> = world
        .store
        .activity(ActivityFilter::default(), 100, None)
        .await
        .unwrap()
        .activity
        .into_iter()
        .map(|a| a.action)
        .collect();
    assert_eq!(actions.iter().filter(|a| *a == "test.note").count(), 2);
    assert!(!actions.contains(&"test.bad".to_owned()));
}

#[tokio::test]
async fn what_comes_in_goes_at_once_and_overtakes_nothing() {
    let mut world = World::new().await;
    let come = |record| Step::Accept { records: vec![record], member: 0, delete: false };
    let in_flight = async |world: &World| world.store.counts().await.unwrap().processing;
    world.take(come(0)).await;
    assert_eq!(in_flight(&world).await, 0, "nobody has looked yet whether anything waits");
    world.take(Step::Claim(4)).await;
    world.take(come(1)).await;
    assert_eq!(in_flight(&world).await, 2, "nothing waits");
    world.take(come(1)).await;
    world.take(come(2)).await;
    assert_eq!(
        in_flight(&world).await,
        2,
        "one waits for an older one of its record, and the next not to overtake it"
    );
    world.take(Step::Claim(4)).await;
    let mut before = in_flight(&world).await;
    for (paused, record) in [(0, 3), (1, 4), (2, 5)] {
        world.take(Step::Pause(paused)).await;
        world.take(come(record)).await;
        assert_eq!(in_flight(&world).await, before, "the org, the relay or the route is paused: {paused}");
        world.take(Step::Pause(paused)).await;
        world.take(Step::Claim(4)).await;
        assert_eq!(in_flight(&world).await, before + 1);
        before += 1;
    }
    world.take(come(6)).await;
    assert_eq!(in_flight(&world).await, before + 1, "nothing waits again but what waits for its own record");
    world.audit();
}

#[tokio::test]
async fn what_came_in_last_is_found_by_its_words_at_once_and_after_the_program_ended() {
    let mut world = World::new().await;
    let found = async |store: &Store, text: &str| {
        let filter = Filter { text: Some(text.into()), ..Filter::default() };
        let page = store.items(filter, None, 10, None).await.unwrap();
        let works = store.work_items(Some(text.into()), 10, None).await.unwrap();
        (page.total, works.work_items.len())
    };
    let come = |record| Step::Accept { records: vec![record], member: 0, delete: false };
    world.take(come(0)).await;
    assert_eq!(found(&world.store, "R0").await, (1, 1));
    world.take(come(1)).await;
    world.take(come(2)).await;
    let written = |world: &World| -> i64 {
        world.sql().query_row("SELECT count(*) FROM transaction_words_docsize", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(written(&world), 1, "the others are kept until somebody searches");
    world.store.close().await.unwrap();
    world.store = World::opened(&world.folder);
    assert_eq!(written(&world), 1, "a start writes nothing");
    for text in ["R0", "R1", "R2"] {
        assert_eq!(found(&world.store, text).await, (1, 1), "{text}");
    }
}

#[test]
fn a_door_lets_in_no_more_than_there_are_places_and_nobody_past_who_waits() {
    let door = Door::new(1);
    door.set_clear(true);
    assert!(door.enter().is_none(), "it is shut");
    door.set_open(true);
    assert!(door.enter().is_none(), "somebody was turned away, and waits");
    door.set_clear(true);
    let place = door.enter().unwrap();
    assert!(door.take(4).is_empty(), "there is one place");
    assert!(door.enter().is_none());
    drop(place);
    assert!(door.enter().is_none(), "who waits goes first");
    assert_eq!(door.take(4).len(), 1);
}

#[tokio::test]
async fn nothing_is_claimed_once_a_pause_is_written() {
    let mut world = World::new().await;
    world.take(Step::Accept { records: vec![0], member: 0, delete: false }).await;
    for what in 0..3 {
        world.take(Step::Pause(what)).await;
        assert_eq!(world.store.claim(org(B), 1, world.now).await.unwrap().items, [], "paused: {what}");
        world.take(Step::Pause(what)).await;
    }
    assert_eq!(world.store.claim(org(B), 1, world.now).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn what_is_too_old_goes_and_what_failed_or_waits_stays() {
    let mut world = World::new().await;
    // One that a run changed goes too.
    world.take(Step::Accept { records: vec![3], member: 0, delete: false }).await;
    for step in [Step::Claim(1), Step::Answer(2), Step::Review(0), Step::Claim(1), Step::Answer(0)] {
        world.take(step).await;
    }
    for (record, answer) in [(0, 0), (1, 2), (2, 3)] {
        world.take(Step::Accept { records: vec![record], member: 0, delete: false }).await;
        world.take(Step::Claim(1)).await;
        world.take(Step::Answer(answer)).await;
    }
    let later = Millis(world.now.0 + 1);
    assert!(world.store.clear(later, later).await.unwrap() > 0);
    assert_eq!(world.store.clear(later, later).await.unwrap(), 0);
    world.audit();
    let counts = world.store.counts().await.unwrap();
    assert_eq!((counts.synced, counts.failed, counts.retrying), (0, 1, 1));
    let kept: i64 = world.sql().query_row("SELECT count(*) FROM transactions", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 2, "a transaction whose item is there is remembered");
}

#[tokio::test]
async fn a_run_that_has_no_end_is_marked_and_told_once() {
    let world = World::new().await;
    let run = world.new_run(Action::Restore, 1);
    let batch = |ids, first, last| Batch { run: Arc::clone(&run), ids, first, last, at: world.now };
    world.store.apply(batch(Vec::new(), true, false)).await.unwrap();
    assert_eq!(world.store.run(run.id).await.unwrap().run.state, RunState::Running);
    assert_eq!(world.store.interrupt_runs(None, world.now).await.unwrap(), 1);
    assert_eq!(world.store.run(run.id).await.unwrap().run.state, RunState::Interrupted);
    assert_eq!(world.store.interrupt_runs(None, world.now).await.unwrap(), 0);
    let done = world.new_run(Action::Restore, 0);
    world
        .store
        .apply(Batch { run: done.clone(), ids: vec![], first: true, last: true, at: world.now })
        .await
        .unwrap();
    assert_eq!(world.store.interrupt_runs(Some(done.id), world.now).await.unwrap(), 0, "it has ended");
    assert_eq!(world.store.run(done.id).await.unwrap().run.state, RunState::Done(world.now));
}

#[tokio::test]
async fn the_first_thousand_that_a_run_left_alone_are_kept_by_name_and_all_are_counted() {
    let world = World::new().await;
    let run = world.new_run(Action::Restore, 1_200);
    let ids: Vec<Uuid> = (0..1_200).map(|_| new_id()).collect();
    for (index, part) in ids.chunks(400).enumerate() {
        let (first, last) = (index == 0, index == 2);
        let batch = Batch { run: Arc::clone(&run), ids: part.to_vec(), first, last, at: world.now };
        assert_eq!(world.store.apply(batch).await.unwrap().refused.len(), 400);
    }
    let detail = world.store.run(run.id).await.unwrap();
    assert_eq!((detail.run.refused, detail.run.changed), (1_200, 0));
    let kept: Vec<String> = detail.refusals.into_iter().map(|refused| refused.refusal.id).collect();
    assert_eq!(kept, ids[..1_000].iter().map(ToString::to_string).collect::<Vec<_>>());
    // Until they are too old.
    let later = Millis(world.now.0 + 1);
    while world.store.clear(later, later).await.unwrap() > 0 {}
    let detail = world.store.run(run.id).await.unwrap();
    assert_eq!((detail.run.refused, detail.refusals.len()), (1_200, 0));
}
