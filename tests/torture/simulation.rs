//! Three orgs that edit the same records, on a clock that is moved by hand, with faults and restarts: in the end all agree,
//! nothing is lost and nothing is invented. A seed means the same world every time.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use kit::{App, ORG_A, ORG_B, ORG_C, Payload, org_id};
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, Chance, OrgSim, Rule};

use crate::world::waits;

const ORGS: [&str; 3] = [ORG_A, ORG_B, ORG_C];
const RECORDS: [&str; 4] = ["WI-1", "WI-2", "WI-3", "WI-4"];

/// An edit that was taken: when it was made, where, and which it was.
type Edit = (i64, &'static str, u64);

struct World {
    app: App,
    orgs: Vec<OrgSim>,
    tokens: Vec<String>,
    chance: Chance,
    edits: u64,
    /// The newest edit of each record.
    newest: HashMap<&'static str, Edit>,
    /// No two edits of a record are of the same moment here; that case has its own tests.
    moments: HashSet<(&'static str, i64)>,
    /// The orgs whose own edit of a record lost: what they hold of it is theirs, and going on from it is no echo.
    lost: HashSet<(usize, &'static str)>,
}

impl World {
    async fn new(seed: u64) -> Self {
        let app = App::start().await;
        let (mut orgs, mut tokens) = (Vec::new(), Vec::new());
        for org in ORGS {
            let sim = kit::sim(org).await;
            app.connect(&sim).await;
            orgs.push(sim);
        }
        for from in ORGS {
            for to in ORGS.into_iter().filter(|to| *to != from) {
                app.route(from, to).await;
            }
            tokens.push(app.token(&[from]).await);
        }
        let chance = Chance::new(seed);
        Self {
            app,
            orgs,
            tokens,
            chance,
            edits: 0,
            newest: HashMap::new(),
            moments: HashSet::new(),
            lost: HashSet::new(),
        }
    }

    fn any(&mut self) -> usize {
        usize::try_from(self.chance.below(3)).unwrap()
    }

    /// Somebody edits a record in one of the orgs, whose clock is not quite right.
    async fn edit(&mut self) {
        let (org, record) = (self.any(), *self.chance.pick(&RECORDS));
        let off = i64::try_from(self.chance.below(4_000)).unwrap() - 2_000;
        let at = self.app.now().0 + off;
        if !self.moments.insert((record, at)) {
            return;
        }
        self.edits += 1;
        let payload =
            Payload::from(ORGS[org], self.app.now()).later(off).record(record, &self.edits.to_string());
        let reply = self.app.post(&self.tokens[org], &payload.text()).await;
        assert!(matches!(reply.status, 200 | 409), "{}", reply.text);
        let edit = (at, ORGS[org], self.edits);
        let newest = self.newest.entry(record).or_insert(edit);
        // The relay and this test go by the same rule, each by itself.
        assert_eq!(reply.status == 200, edit >= *newest, "{edit:?} after {newest:?}: {}", reply.text);
        *newest = edit.max(*newest);
        if reply.status == 409 {
            self.lost.insert((org, record));
        }
        assert_ne!(reply.json()["suppressed"], true, "an edit was taken for an echo: {}", reply.text);
    }

    /// Something goes wrong in one of the orgs.
    async fn fault(&mut self) {
        let org = self.any();
        let answers = [
            Answer::html(503),
            Answer::Reset,
            Answer::LostAfterCommit,
            Answer::ResetInBody,
            Answer::locked(),
            Answer::platform(400, "STRING_TOO_LONG", "too long"),
            Answer::platform(403, "REQUEST_LIMIT_EXCEEDED", "too many"),
            Answer::status(404),
        ];
        match self.chance.below(10) {
            0 => self.orgs[org].expire_access_tokens(),
            1 => {
                self.orgs[org].wait_down().await;
                self.app.clock.advance(Duration::from_secs(self.chance.below(90)));
                self.orgs[org].come_up().await.unwrap();
            }
            _ => {
                let (answer, times) = (self.chance.pick(&answers).clone(), 1 + self.chance.below(3));
                self.orgs[org].script(Rule::always(answer).times(u32::try_from(times).unwrap()));
            }
        }
    }

    /// Everything is mended, and whatever failed is retried, until nothing is left to do.
    async fn settle(&mut self) {
        for org in &self.orgs {
            org.heal();
        }
        for round in 0.. {
            assert!(round < 20, "it does not come to rest: {}", self.app.get("/api/v1/status").await);
            let idle = |status: &Value| !waits(&status["counts"]);
            self.app.move_until(Duration::from_secs(20), "/api/v1/status", idle).await;
            let all = json!({ "filter": { "status": "failed" } });
            if self.app.order("POST", "/api/v1/items/retry", all).await["changed"] == 0 {
                return;
            }
        }
    }

    /// Every org but the one that made the newest edit of a record was told of it, and nothing else is there.
    fn assert_agreed(&self, seed: u64) {
        for (record, (_, source, edit)) in &self.newest {
            for (org, sim) in ORGS.iter().zip(&self.orgs).filter(|(org, _)| *org != source) {
                let held = sim.record(record).unwrap_or_default();
                assert_eq!(held["title"], edit.to_string(), "seed {seed}: {org} of {record}");
            }
        }
        for (org, sim) in ORGS.iter().zip(&self.orgs) {
            let own = sim.received().into_iter().filter(|one| one.source_org_id == Some(org_id(org))).count();
            assert_eq!(own, 0, "seed {seed}: {org} was sent its own edit");
        }
    }

    /// Automation in an org sends on what was put there, as if it were its own.
    async fn echo(&mut self) {
        let before = self.app.get("/api/v1/status").await["counts"].clone();
        for (index, sim) in self.orgs.iter().enumerate() {
            for (record, (_, source, _)) in &self.newest {
                let Some(held) = sim
                    .record(record)
                    .filter(|_| *source != ORGS[index] && !self.lost.contains(&(index, *record)))
                else {
                    continue;
                };
                let echo = Payload::from(ORGS[index], self.app.now()).later(3_000).with(held);
                let answer = self.app.accept(&self.tokens[index], &echo).await;
                assert_eq!(answer["suppressed"], true, "an echo went on: {answer}");
            }
        }
        assert_eq!(self.app.get("/api/v1/status").await["counts"], before, "an echo made something");
    }
}

#[tokio::test]
async fn three_orgs_agree_in_the_end_whatever_happens_on_the_way() {
    let worlds = 3 * crate::times();
    let (mut edits, mut requests) = (0, 0);
    for seed in crate::seed()..crate::seed() + worlds {
        let mut world = World::new(seed).await;
        for _ in 0..3 {
            for _ in 0..25 {
                match world.chance.below(10) {
                    0..=5 => world.edit().await,
                    6 | 7 => world.fault().await,
                    8 => world.app.clock.advance(Duration::from_secs(world.chance.below(700))),
                    _ => {
                        let meanwhile = Duration::from_secs(world.chance.below(7_000));
                        world.app = world.app.restart(meanwhile).await;
                    }
                }
            }
            world.settle().await;
            world.assert_agreed(seed);
            world.echo().await;
            // What echoes are dated is past before the next edits.
            world.app.clock.advance(Duration::from_secs(10));
        }
        edits += world.edits;
        requests += world.orgs.iter().map(|org| org.received().len()).sum::<usize>();
        world.app.stop().await;
    }
    println!("simulation: {worlds} worlds, {edits} edits, {requests} requests, all agreed");
}
