//! Orgs with the package stay in step, whatever happens in between: random work, faults, restarts, clocks that differ.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kit::hub::{WORK_ITEM, hub_at, work_item};
use kit::{App, MockClock, ORG_A, ORG_B, ORG_C, OrgSim};
use rstest::rstest;
use serde_json::{Value, json};
use sync_monitor_domain::clock::{Clock, Millis};
use sync_monitor_orgsim::{Answer, Chance, HubSpec, OrgClock, Rule};

/// A clock that is ahead of the program's, or behind.
struct Skewed(Arc<MockClock>, i64);

#[async_trait]
impl Clock for Skewed {
    fn now(&self) -> Millis {
        Millis(self.0.now().0 + self.1 * 1_000)
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn wait_until(&self, at: Millis) {
        self.0.wait_until(Millis(at.0 - self.1 * 1_000)).await;
    }
}

/// What a user wrote: where, into which record's field.
struct Edit {
    org: usize,
    object: &'static str,
    id: String,
    field: &'static str,
    words: String,
}

/// What happened in a world, for whoever reads the figures.
#[derive(Default)]
struct Figures {
    edits: u64,
    faults: u64,
    restarts: u64,
}

struct World {
    app: App,
    orgs: Vec<(&'static str, OrgSim)>,
    chance: Chance,
    edits: Vec<Edit>,
    figures: Figures,
}

impl World {
    async fn new(seed: u64, names: &[&'static str], skews: &[i64]) -> Self {
        let app = App::start().await;
        let mut orgs = Vec::new();
        for (name, skew) in names.iter().zip(skews) {
            let clock = OrgClock::of(Arc::new(Skewed(Arc::clone(&app.clock), *skew)));
            let org = hub_at(name, HubSpec { managed: true, clock, ..HubSpec::default() }).await;
            app.connect(&org).await;
            orgs.push((*name, org));
        }
        for source in names {
            for target in names.iter().filter(|target| *target != source) {
                app.route(source, target).await;
            }
        }
        for name in names {
            app.pull(name).await;
        }
        Self { app, orgs, chance: Chance::new(seed), edits: Vec::new(), figures: Figures::default() }
    }

    fn any_row(&mut self, org: usize, object: &str) -> Option<String> {
        let rows = self.orgs[org].1.rows(object);
        if rows.is_empty() {
            return None;
        }
        self.chance.pick(&rows)["Id"].as_str().map(str::to_owned)
    }

    fn wrote(&mut self, org: usize, object: &'static str, id: &str, field: &'static str, words: &str) {
        self.edits.push(Edit { org, object, id: id.to_owned(), field, words: words.to_owned() });
    }

    async fn step(mut self) -> Self {
        let org = usize::try_from(self.chance.below(self.orgs.len() as u64)).unwrap();
        match self.chance.below(14) {
            0..=7 => self.work(org),
            8 | 9 => self.fault(org),
            10 => {
                let (name, _) = self.orgs[org];
                // An org that does not answer for the moment is read later.
                self.app.ask("POST", &format!("/api/v1/orgs/{}/pull", kit::org_id(name)), None).await;
            }
            11 => self.app.clock.advance(Duration::from_secs(self.chance.below(90))),
            12 => self.orgs[org].1.automate(self.chance.below(2) == 0),
            _ => {
                self.figures.restarts += 1;
                self.app = self.app.restart(Duration::from_secs(self.chance.below(20))).await;
            }
        }
        self
    }

    /// A user works in an org.
    fn work(&mut self, org: usize) {
        self.figures.edits += 1;
        let words = format!("Edit {}.", self.figures.edits);
        let kind = self.chance.below(9);
        if kind == 0 {
            let id = self.orgs[org].1.create(WORK_ITEM, work_item(&words));
            return self.wrote(org, WORK_ITEM, &id, "BriefDescriptionTxt__c", &words);
        }
        let Some(id) = self.any_row(org, WORK_ITEM) else { return };
        match kind {
            1..=5 => {
                let field = *self.chance.pick(&["BriefDescriptionTxt__c", "DetailsTxt__c", "StageNamePk__c"]);
                self.orgs[org].1.edit(WORK_ITEM, &id, json!({ field: words }));
                self.wrote(org, WORK_ITEM, &id, field, &words);
            }
            6 => {
                let log = json!({
                    "WorkItemLookup__c": id, "HoursLoggedNumber__c": 1.25,
                    "WorkDateDate__c": "2026-02-27", "WorkDescriptionTxt__c": words,
                });
                let id = self.orgs[org].1.create("WorkLog__c", log);
                self.wrote(org, "WorkLog__c", &id, "WorkDescriptionTxt__c", &words);
            }
            7 => {
                let comment = json!({ "WorkItemId__c": id, "BodyTxt__c": words, "AuthorTxt__c": "Ada" });
                let id = self.orgs[org].1.create("WorkItemComment__c", comment);
                self.wrote(org, "WorkItemComment__c", &id, "BodyTxt__c", &words);
            }
            // In the very moment in which the relay writes, if it does.
            _ => {
                let field = *self.chance.pick(&["BriefDescriptionTxt__c", "StageNamePk__c"]);
                self.orgs[org].1.edit_in_between(&id, &json!({ field: words }));
                self.wrote(org, WORK_ITEM, &id, field, &words);
            }
        }
    }

    fn fault(&mut self, org: usize) {
        self.figures.faults += 1;
        let locked = self.any_row(org, WORK_ITEM);
        let sim = &self.orgs[org].1;
        match self.chance.below(7) {
            0 => sim.expire_access_tokens(),
            1 => {
                if let Some(id) = locked {
                    sim.lock(&id, Duration::from_secs(self.chance.below(120)));
                }
            }
            2 => sim.validate("StageNamePk__c", "7.", "Not this stage."),
            _ => {
                let faults = [Answer::LostAfterCommit, Answer::locked(), Answer::html(503), Answer::Reset];
                sim.script(Rule::always(self.chance.pick(&faults).clone()).times(1));
            }
        }
    }

    /// Everything is mended, and the relay does the rest.
    async fn settle(&self) {
        for (_, org) in &self.orgs {
            org.heal();
            org.calm();
        }
        let mut last = Value::Null;
        for _ in 0..40 {
            let mut quiet = true;
            for (name, _) in &self.orgs {
                let (status, pulled) =
                    self.app.ask("POST", &format!("/api/v1/orgs/{}/pull", kit::org_id(name)), None).await;
                if status != 200 {
                    // It may have refused a new token at once, and is looked at again then.
                    self.app.clock.advance(Duration::from_mins(15));
                }
                quiet &= status == 200 && pulled["changes"] == 0;
                last = pulled;
            }
            let is_done = |status: &Value| {
                ["queued", "processing", "retrying"].iter().all(|count| status["counts"][count] == 0)
            };
            let failed = self.app.get("/api/v1/items?status=failed").await;
            if failed["total"] != 0 {
                let ids: Vec<&Value> =
                    failed["items"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
                let retried = self.app.order("POST", "/api/v1/items/retry", json!({ "ids": ids })).await;
                // A newer change that is there covers what is refused; nobody need do anything about it but to say so.
                let refused = retried["refused"].as_array().unwrap();
                assert!(refused.iter().all(|one| one["reason"] == "superseded"), "{retried}");
                let ids: Vec<&Value> = refused.iter().map(|one| &one["id"]).collect();
                if !ids.is_empty() {
                    let why = json!({ "ids": ids, "reason": "a newer one is there" });
                    self.app.order("POST", "/api/v1/items/dismiss", why).await;
                }
                quiet = false;
            }
            self.app.move_until(Duration::from_secs(30), "/api/v1/status", is_done).await;
            quiet &= self.app.count("failed").await == 0;
            if quiet {
                return;
            }
        }
        panic!("the orgs do not come to rest: {last}; {:#}", self.app.get("/api/v1/items?limit=20").await);
    }

    /// What an org holds, without anything that is its own: work items, and comments and logs below them.
    fn content(&self, org: usize) -> BTreeSet<String> {
        let org = &self.orgs[org].1;
        let text = |row: &Value, name: &str| {
            row[name].as_str().unwrap_or_default().replace("<p>One</p><p>Two</p>", "One<br>Two")
        };
        let items: BTreeMap<String, String> = org
            .rows(WORK_ITEM)
            .iter()
            .map(|row| {
                let fields =
                    ["BriefDescriptionTxt__c", "DetailsTxt__c", "StageNamePk__c"].map(|name| text(row, name));
                (text(row, "Id"), fields.join(" | "))
            })
            .collect();
        assert_eq!(items.values().collect::<BTreeSet<_>>().len(), items.len(), "no work item is there twice");
        let mut all: BTreeSet<String> = items.values().cloned().collect();
        for (object, parent, words) in [
            ("WorkItemComment__c", "WorkItemId__c", "BodyTxt__c"),
            ("WorkLog__c", "WorkItemLookup__c", "WorkDescriptionTxt__c"),
        ] {
            for row in org.rows(object) {
                let line = format!("{object}: {} below {}", text(&row, words), items[&text(&row, parent)]);
                assert!(all.insert(line.clone()), "there twice: {line}");
            }
        }
        all
    }
}

/// Everything that was ever told of a record, in every payload that the relay took.
async fn told(app: &App) -> String {
    let mut told = String::new();
    for item in pages(app, "/api/v1/items?limit=500", "items").await {
        let item = app.get(&format!("/api/v1/items/{}", item["id"].as_str().unwrap())).await;
        told.push_str(&item["payload"].to_string());
    }
    told
}

async fn pages(app: &App, path: &str, list: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("{path}{cursor}")).await;
        all.extend(page[list].as_array().unwrap().iter().cloned());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

impl World {
    /// No edit vanished without a trace: the relay took it as a change, or its user wrote over it before, or the activity log
    /// tells that an edit of its record lost.
    async fn assert_nothing_vanished(&self, seed: u64) {
        let told = told(&self.app).await;
        let log = pages(&self.app, "/api/v1/activity?limit=500", "activity").await;
        let traces: BTreeSet<&str> = log
            .iter()
            .filter(|line| ["conflict.drop", "edit.overwrite"].contains(&line["action"].as_str().unwrap()))
            .filter_map(|line| line["subject"].as_str())
            .collect();
        for (index, edit) in self.edits.iter().enumerate() {
            if told.contains(&edit.words) || !self.happened(edit) {
                continue;
            }
            let written_over = self.edits[index + 1..]
                .iter()
                .any(|later| (later.org, &later.id, later.field) == (edit.org, &edit.id, edit.field));
            let name = self.name(edit);
            assert!(
                written_over || traces.contains(name.as_str()),
                "seed {seed}: {} of {} ({} in {}) vanished without a trace; {name}; {traces:?}",
                edit.words,
                edit.field,
                edit.id,
                self.orgs[edit.org].0,
            );
        }
    }

    /// What a user would have done in the moment of a write that never came, was not done.
    fn happened(&self, edit: &Edit) -> bool {
        let org = &self.orgs[edit.org].1;
        let is_now = org.row(edit.object, &edit.id).is_some_and(|row| row[edit.field] == edit.words);
        let was = org.rows("WorkItem__History").iter().any(|step| {
            step["ParentId"] == edit.id && (step["NewValue"] == edit.words || step["OldValue"] == edit.words)
        });
        // Of long texts the history does not keep the words; those are never written in between.
        is_now || was || edit.field == "DetailsTxt__c"
    }

    /// The name that a record has everywhere.
    fn name(&self, edit: &Edit) -> String {
        let here = &self.orgs[edit.org].1;
        let ledger = here.rows("SyncItem__c");
        let origin = ledger
            .iter()
            .find(|row| row["LocalRecordIdTxt__c"] == edit.id && row["DirectionPk__c"] == "Inbound")
            .and_then(|row| row["RemoteExternalIDTxt__c"].as_str());
        let id = origin.unwrap_or(&edit.id);
        let home = self.orgs.iter().find(|(_, org)| org.row(edit.object, id).is_some());
        format!("{}:{id}", home.map_or(here, |(_, org)| org).id())
    }

    async fn assert_in_step(&self, seed: u64) {
        let first = self.content(0);
        assert!(!first.is_empty());
        for other in 1..self.orgs.len() {
            let content = self.content(other);
            let differs: Vec<_> = first.symmetric_difference(&content).collect();
            assert!(
                differs.is_empty(),
                "seed {seed}: {} and {} differ: {differs:#?}",
                self.orgs[0].0,
                self.orgs[other].0
            );
        }
        for (_, org) in &self.orgs {
            assert_eq!((org.drained(), org.secrets_asked()), (0, 0));
        }
        self.assert_nothing_vanished(seed).await;
    }
}

async fn live(seed: u64, names: &[&'static str], skews: &[i64]) {
    let mut world = World::new(seed, names, skews).await;
    for _ in 0..80 {
        world = world.step().await;
    }
    world.settle().await;
    world.assert_in_step(seed).await;
    let folder = world.app.keep_folder();
    world.app.stop().await;
    let problems = sync_monitor_store::care::check(&folder.path().join("sync-monitor.db")).unwrap();
    assert!(problems.is_empty(), "seed {seed}: the store is not sound: {problems:#?}");
}

/// An hour of the orgs' and the relay's time, which is longer than anybody wants to wait for at each run of the tests:
/// `cargo test -p sync-monitor-tests --test it -- --ignored --nocapture for_an_hour`.
#[rstest]
#[tokio::test]
#[ignore = "takes a minute; run it by name"]
async fn two_orgs_stay_in_step_for_an_hour_of_random_work_and_faults(#[values(101, 102, 103)] seed: u64) {
    let mut world = World::new(seed, &[ORG_A, ORG_B], &[4, -3]).await;
    let began = world.app.clock.now();
    let mut steps = 0;
    while world.app.clock.now().0 - began.0 < 3_600_000 {
        world = world.step().await;
        world.app.clock.advance(Duration::from_secs(world.chance.below(15)));
        steps += 1;
    }
    world.settle().await;
    world.assert_in_step(seed).await;
    let status = world.app.get("/api/v1/status").await;
    let log = pages(&world.app, "/api/v1/activity?limit=500", "activity").await;
    let lines = |action: &str| log.iter().filter(|line| line["action"] == action).count();
    let calls: Vec<u64> = world.orgs.iter().map(|(_, org)| org.calls()).collect();
    let rows = |object: &str| world.orgs[0].1.rows(object).len();
    println!(
        "seed {seed}: {steps} steps, {} edits, {} faults, {} restarts; {} synced, {} superseded, {} edits that lost, {} seen in the org's history, {} echoes; in each org {} work items, {} comments, {} work logs; API calls {calls:?}",
        world.figures.edits,
        world.figures.faults,
        world.figures.restarts,
        status["counts"]["synced"],
        status["counts"]["superseded"],
        lines("conflict.drop"),
        lines("edit.overwrite"),
        status["suppressedEchoes"],
        rows(WORK_ITEM),
        rows("WorkItemComment__c"),
        rows("WorkLog__c"),
    );
    world.app.stop().await;
}

#[rstest]
#[tokio::test]
async fn two_orgs_agree_in_the_end(#[values(1, 2, 3, 4)] seed: u64) {
    live(seed, &[ORG_A, ORG_B], &[0, 0]).await;
}

#[rstest]
#[tokio::test]
async fn two_orgs_whose_clocks_differ_agree_in_the_end(#[values(5, 6, 36, 38)] seed: u64) {
    live(seed, &[ORG_A, ORG_B], &[40, -25]).await;
}

#[rstest]
#[tokio::test]
async fn three_orgs_agree_in_the_end(#[values(7, 8)] seed: u64) {
    live(seed, &[ORG_A, ORG_B, ORG_C], &[0, 3, -2]).await;
}
