//! Orgs with the package stay in step, whatever happens in between: random work, faults, restarts, clocks that differ.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kit::hub::{WORK_ITEM, hub_at, work_item};
use kit::{App, MockClock, ORG_A, ORG_B, ORG_C, OrgSim};
use rstest::rstest;
use serde_json::{Value, json};
use sync_monitor_domain::clock::{Clock, Millis};
use sync_monitor_orgsim::{HubSpec, OrgClock, Rule};

mod steps;

use steps::{Happening, Step, faults};

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
    faults: u64,
    restarts: u64,
}

struct World {
    app: App,
    orgs: Vec<(&'static str, OrgSim)>,
    edits: Vec<Edit>,
    figures: Figures,
}

impl World {
    async fn new(wanted: Orgs) -> Self {
        let app = App::start().await;
        let mut orgs = Vec::new();
        for (name, skew) in wanted {
            let clock = OrgClock::of(Arc::new(Skewed(Arc::clone(&app.clock), *skew)));
            let org = hub_at(name, HubSpec { managed: true, clock, ..HubSpec::default() }).await;
            app.connect(&org).await;
            kit::hub::switch_on(&app, name, "documents").await;
            orgs.push((*name, org));
        }
        for (source, _) in wanted {
            for (target, _) in wanted.iter().filter(|(target, _)| target != source) {
                app.route(source, target).await;
            }
        }
        for (name, _) in wanted {
            app.pull(name).await;
        }
        Self { app, orgs, edits: Vec::new(), figures: Figures::default() }
    }

    /// A work item of an org, where it has any.
    fn row(&self, org: usize, which: u64) -> Option<String> {
        let rows = self.orgs[org].1.rows(WORK_ITEM);
        let which = which.checked_rem(rows.len() as u64)?;
        rows[usize::try_from(which).unwrap()]["Id"].as_str().map(str::to_owned)
    }

    fn wrote(&mut self, org: usize, object: &'static str, id: &str, field: &'static str, words: &str) {
        self.edits.push(Edit { org, object, id: id.to_owned(), field, words: words.to_owned() });
    }

    async fn step(mut self, (number, happening): Step) -> Self {
        let words = format!("Edit {number}.");
        match happening {
            Happening::Item { org } => {
                let id = self.orgs[org].1.create(WORK_ITEM, work_item(&words));
                self.wrote(org, WORK_ITEM, &id, "BriefDescriptionTxt__c", &words);
            }
            Happening::Edit { org, which, field } => {
                let Some(id) = self.row(org, which) else { return self };
                self.orgs[org].1.edit(WORK_ITEM, &id, json!({ field: words }));
                self.wrote(org, WORK_ITEM, &id, field, &words);
            }
            Happening::InBetween { org, which, field } => {
                let Some(id) = self.row(org, which) else { return self };
                self.orgs[org].1.edit_in_between(&id, &json!({ field: words }));
                self.wrote(org, WORK_ITEM, &id, field, &words);
            }
            Happening::Log { org, which } => {
                let Some(id) = self.row(org, which) else { return self };
                let log = json!({
                    "WorkItemLookup__c": id, "HoursLoggedNumber__c": 1.25,
                    "WorkDateDate__c": "2026-02-27", "WorkDescriptionTxt__c": words,
                });
                let id = self.orgs[org].1.create("WorkLog__c", log);
                self.wrote(org, "WorkLog__c", &id, "WorkDescriptionTxt__c", &words);
            }
            Happening::Comment { org, which } => {
                let Some(id) = self.row(org, which) else { return self };
                let comment = json!({ "WorkItemId__c": id, "BodyTxt__c": words, "AuthorTxt__c": "Ada" });
                let id = self.orgs[org].1.create("WorkItemComment__c", comment);
                self.wrote(org, "WorkItemComment__c", &id, "BodyTxt__c", &words);
            }
            Happening::File { org, which } => {
                let Some(id) = self.row(org, which) else { return self };
                let id = self.orgs[org].1.attach(&id, &words, "words.txt", words.as_bytes());
                self.wrote(org, "ContentVersion", &id, "Title", &words);
            }
            Happening::TokensEnd { org } => self.fault(org).expire_access_tokens(),
            Happening::Lock { org, which, seconds } => {
                let Some(id) = self.row(org, which) else { return self };
                self.fault(org).lock(&id, Duration::from_secs(seconds));
            }
            Happening::Rule { org, field, not } => self.fault(org).validate(field, not, "Not this."),
            Happening::Answer { org, fault } => {
                self.fault(org).script(Rule::always(faults()[fault].clone()).times(1));
            }
            Happening::Read { org } => {
                let (name, _) = self.orgs[org];
                // An org that does not answer for the moment is read later.
                self.app.ask("POST", &format!("/api/v1/orgs/{}/pull", kit::org_id(name)), None).await;
            }
            Happening::Pass { seconds } => self.app.clock.advance(Duration::from_secs(seconds)),
            Happening::Automate { org, on } => self.orgs[org].1.automate(on),
            Happening::Restart { seconds } => {
                self.figures.restarts += 1;
                self.app = self.app.restart(Duration::from_secs(seconds)).await;
            }
        }
        self
    }

    fn fault(&mut self, org: usize) -> &OrgSim {
        self.figures.faults += 1;
        &self.orgs[org].1
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
        let links: BTreeMap<String, String> = org
            .rows("ContentDocumentLink")
            .iter()
            .map(|link| (text(link, "ContentDocumentId"), text(link, "LinkedEntityId")))
            .collect();
        for row in org.rows("ContentVersion") {
            let item = &items[&links[&text(&row, "ContentDocumentId")]];
            let line = format!("file: {} of {} bytes below {item}", text(&row, "Title"), row["ContentSize"]);
            assert!(all.insert(line.clone()), "there twice: {line}");
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
    async fn assert_nothing_vanished(&self) {
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
                "{} of {} ({} in {}) vanished without a trace; {name}; {traces:?}",
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

    /// What the relay did, for whoever asks why a world failed.
    async fn journal(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for item in pages(&self.app, "/api/v1/items?limit=500", "items").await {
            let item = self.app.get(&format!("/api/v1/items/{}", item["id"].as_str().unwrap())).await;
            let log = item["attemptLog"].as_array().unwrap().iter();
            let tries = log.map(|one| format!("{} {} {}", one["startedAt"], one["outcome"], one["message"]));
            lines.push(format!(
                "{} from {} to {}, {} now, of {}: {}; {}",
                item["createdAt"],
                item["sourceOrgId"],
                item["targetOrgId"],
                item["status"],
                item["payload"]["timestamp"],
                item["payload"]["records"][0],
                tries.collect::<Vec<_>>().join("; ")
            ));
        }
        for line in pages(&self.app, "/api/v1/activity?limit=500", "activity").await {
            lines.push(format!("{} {} {} {}", line["at"], line["action"], line["subject"], line["detail"]));
        }
        lines.sort();
        lines.join("\n")
    }

    async fn assert_in_step(&self) {
        let first = self.content(0);
        for other in 1..self.orgs.len() {
            let content = self.content(other);
            if content != first {
                let (a, b) = (self.orgs[0].0, self.orgs[other].0);
                let here: Vec<_> = first.difference(&content).collect();
                let there: Vec<_> = content.difference(&first).collect();
                panic!("only in {a}: {here:#?}\nonly in {b}: {there:#?}\n{}", self.journal().await);
            }
        }
        for (_, org) in &self.orgs {
            assert_eq!((org.drained(), org.secrets_asked()), (0, 0));
        }
        self.assert_nothing_vanished().await;
    }
}

impl World {
    /// What happened, for whoever reads the figures.
    async fn tell(&self, steps: usize) {
        let status = self.app.get("/api/v1/status").await;
        let log = pages(&self.app, "/api/v1/activity?limit=500", "activity").await;
        let lines = |action: &str| log.iter().filter(|line| line["action"] == action).count();
        let calls: Vec<u64> = self.orgs.iter().map(|(_, org)| org.calls()).collect();
        let rows = |object: &str| self.orgs[0].1.rows(object).len();
        println!(
            "{steps} steps, {} edits, {} faults, {} restarts; {} synced, {} superseded, {} edits that lost, {} seen in the org's history, {} echoes; in each org {} work items, {} comments, {} work logs; API calls {calls:?}",
            self.edits.len(),
            self.figures.faults,
            self.figures.restarts,
            status["counts"]["synced"],
            status["counts"]["superseded"],
            lines("conflict.drop"),
            lines("edit.overwrite"),
            status["suppressedEchoes"],
            rows(WORK_ITEM),
            rows("WorkItemComment__c"),
            rows("WorkLog__c"),
        );
    }
}

/// The orgs of a world, and how far each one's clock is off.
type Orgs = &'static [(&'static str, i64)];

const TWO: Orgs = &[(ORG_A, 0), (ORG_B, 0)];
const TWO_OFF: Orgs = &[(ORG_A, 40), (ORG_B, -25)];
const THREE: Orgs = &[(ORG_A, 0), (ORG_B, 3), (ORG_C, -2)];

/// A world from its beginning to its end; panics where it does not end well.
async fn live(steps: &[Step], orgs: Orgs, tell: bool) {
    let mut world = World::new(orgs).await;
    for step in steps {
        world = world.step(*step).await;
    }
    world.settle().await;
    world.assert_in_step().await;
    if tell {
        world.tell(steps.len()).await;
    }
    let folder = world.app.keep_folder();
    world.app.stop().await;
    let problems = sync_monitor_store::care::check(&folder.path().join("sync-monitor.db")).unwrap();
    assert!(problems.is_empty(), "the store is not sound: {problems:#?}");
}

/// The same in a runtime of its own, so that nothing of a world that failed goes on; tells why it failed.
fn attempt(steps: &[Step], orgs: Orgs, tell: bool) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = AssertUnwindSafe(|| runtime.block_on(live(steps, orgs, tell)));
    let ended = std::panic::catch_unwind(world);
    runtime.shutdown_background();
    ended.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

/// How often a world that failed is lived through again in search of fewer steps.
const TRIES: usize = 60;

/// A world ends well, or the fewest steps are told that spoil it.
fn ends_well(seed: u64, steps: &[Step], orgs: Orgs, tell: bool) {
    if let Err(why) = try_to_end_well(seed, steps, orgs, tell) {
        panic!("{why}");
    }
}

fn try_to_end_well(seed: u64, steps: &[Step], orgs: Orgs, tell: bool) -> Result<(), String> {
    let Err(why) = attempt(steps, orgs, tell) else { return Ok(()) };
    println!("seed {seed} failed: {why}\nIts steps:\n{}Looking for fewer …", steps::told(steps));
    let left = steps::shortest(steps, TRIES, |fewer| attempt(fewer, orgs, false).is_err());
    let names: Vec<&str> = orgs.iter().map(|(name, _)| *name).collect();
    let (what, why) = match attempt(&left, orgs, false) {
        Err(again) => ("are enough", again),
        Ok(()) => ("are left, and did not fail every time: it depends on more than the steps", why),
    };
    Err(format!(
        "seed {seed}, orgs {names:?}: {} of {} steps {what}:\n{}{why}",
        left.len(),
        steps.len(),
        steps::told(&left)
    ))
}

/// An hour of the orgs' and the relay's time, which is longer than anybody wants to wait for at each run of the tests:
/// `cargo test -p sync-monitor-tests --test it -- --ignored --nocapture for_an_hour`.
#[rstest]
#[ignore = "takes a minute; run it by name"]
fn two_orgs_stay_in_step_for_an_hour_of_random_work_and_faults(#[values(101, 102, 103)] seed: u64) {
    let steps = steps::lasting(seed, 2, Duration::from_hours(1));
    println!("seed {seed}:");
    ends_well(seed, &steps, &[(ORG_A, 4), (ORG_B, -3)], true);
}

/// Many worlds, as `cargo xtask torture` does: from `SYNC_MONITOR_SEED` on, five times as many as `SYNC_MONITOR_TORTURE` says.
#[test]
#[ignore = "takes minutes; cargo xtask torture runs it"]
fn many_worlds_end_well() {
    let number = |name: &str, or: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(or);
    let (first, worlds) = (number("SYNC_MONITOR_SEED", 1_000), 5 * number("SYNC_MONITOR_TORTURE", 1));
    let failures: Vec<String> = (first..first + worlds)
        .filter_map(|seed| {
            let orgs = [TWO, TWO_OFF, THREE][usize::try_from(seed % 3).unwrap()];
            try_to_end_well(seed, &steps::some(seed, orgs.len(), 80), orgs, false).err()
        })
        .collect();
    assert!(failures.is_empty(), "{} of {worlds} worlds failed:\n{}", failures.len(), failures.join("\n"));
    println!("staying in step: {worlds} worlds from seed {first} on, all agreed and nothing vanished");
}

#[rstest]
fn two_orgs_agree_in_the_end(#[values(1, 2, 3, 4)] seed: u64) {
    ends_well(seed, &steps::some(seed, 2, 80), TWO, false);
}

#[rstest]
fn two_orgs_whose_clocks_differ_agree_in_the_end(#[values(5, 6, 36, 38)] seed: u64) {
    ends_well(seed, &steps::some(seed, 2, 80), TWO_OFF, false);
}

#[rstest]
fn three_orgs_agree_in_the_end(#[values(7, 8)] seed: u64) {
    ends_well(seed, &steps::some(seed, 3, 80), THREE, false);
}
