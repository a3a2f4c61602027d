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

struct World {
    app: App,
    orgs: Vec<(&'static str, OrgSim)>,
    chance: Chance,
    edits: u64,
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
        Self { app, orgs, chance: Chance::new(seed), edits: 0 }
    }

    fn any_row(&mut self, org: usize, object: &str) -> Option<String> {
        let rows = self.orgs[org].1.rows(object);
        if rows.is_empty() {
            return None;
        }
        self.chance.pick(&rows)["Id"].as_str().map(str::to_owned)
    }

    async fn step(mut self) -> Self {
        let org = usize::try_from(self.chance.below(self.orgs.len() as u64)).unwrap();
        self.edits += 1;
        let words = format!("Edit {}", self.edits);
        match self.chance.below(12) {
            0 => {
                self.orgs[org].1.create(WORK_ITEM, work_item(&words));
            }
            1..=4 => {
                if let Some(id) = self.any_row(org, WORK_ITEM) {
                    let field =
                        *self.chance.pick(&["BriefDescriptionTxt__c", "DetailsTxt__c", "StageNamePk__c"]);
                    self.orgs[org].1.edit(WORK_ITEM, &id, json!({ field: words }));
                }
            }
            5 => {
                if let Some(id) = self.any_row(org, WORK_ITEM) {
                    let log = json!({
                        "WorkItemLookup__c": id, "HoursLoggedNumber__c": 1.25,
                        "WorkDateDate__c": "2026-02-27", "WorkDescriptionTxt__c": words,
                    });
                    self.orgs[org].1.create("WorkLog__c", log);
                }
            }
            6 => {
                if let Some(id) = self.any_row(org, WORK_ITEM) {
                    let comment = json!({ "WorkItemId__c": id, "BodyTxt__c": words, "AuthorTxt__c": "Ada" });
                    self.orgs[org].1.create("WorkItemComment__c", comment);
                }
            }
            7 => {
                let faults = [Answer::LostAfterCommit, Answer::locked(), Answer::html(503), Answer::Reset];
                let fault = self.chance.pick(&faults).clone();
                self.orgs[org].1.script(Rule::always(fault).times(1));
            }
            8 => {
                let (name, _) = self.orgs[org];
                // An org that does not answer for the moment is read later.
                self.app.ask("POST", &format!("/api/v1/orgs/{}/pull", kit::org_id(name)), None).await;
            }
            9 => self.app.clock.advance(Duration::from_secs(self.chance.below(90))),
            10 => self.orgs[org].1.automate(self.chance.below(2) == 0),
            _ => self.app = self.app.restart(Duration::from_secs(self.chance.below(20))).await,
        }
        self
    }

    /// Everything is mended, and the relay does the rest.
    async fn settle(&self) {
        for (_, org) in &self.orgs {
            org.heal();
        }
        for _ in 0..40 {
            let mut quiet = true;
            for (name, _) in &self.orgs {
                let (status, pulled) =
                    self.app.ask("POST", &format!("/api/v1/orgs/{}/pull", kit::org_id(name)), None).await;
                quiet &= status == 200 && pulled["changes"] == 0;
            }
            let is_done = |status: &Value| {
                ["queued", "processing", "retrying"].iter().all(|count| status["counts"][count] == 0)
            };
            let failed = self.app.get("/api/v1/items?status=failed").await;
            if failed["total"] != 0 {
                self.app.order("POST", "/api/v1/items/retry", json!({ "filter": {} })).await;
                quiet = false;
            }
            self.app.move_until(Duration::from_secs(30), "/api/v1/status", is_done).await;
            quiet &= self.app.count("failed").await == 0;
            if quiet {
                return;
            }
        }
        panic!("the orgs do not come to rest: {:#}", self.app.get("/api/v1/items?limit=20").await);
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

async fn live(seed: u64, names: &[&'static str], skews: &[i64]) {
    let mut world = World::new(seed, names, skews).await;
    for _ in 0..80 {
        world = world.step().await;
    }
    world.settle().await;
    let first = world.content(0);
    assert!(!first.is_empty());
    for other in 1..names.len() {
        let content = world.content(other);
        let differs: Vec<_> = first.symmetric_difference(&content).collect();
        assert!(differs.is_empty(), "seed {seed}: {} and {} differ: {differs:#?}", names[0], names[other]);
    }
    for (_, org) in &world.orgs {
        assert_eq!((org.drained(), org.secrets_asked()), (0, 0));
    }
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
