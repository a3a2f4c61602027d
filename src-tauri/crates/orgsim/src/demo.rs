//! Two orgs that work on their own, so that a newcomer sees the program do its job: changes both ways, an echo, a
//! conflict, locks that clear, validation errors that do not. Two more have only Delivery Hub's package, and are read. A fifth
//! waits to be signed in to.

use std::time::Duration;

use serde_json::{Value, json};
use sync_monitor_domain::ids::{OrgId, OrgIdError};
use sync_monitor_domain::sign_in::OrgKind;
use tokio_util::sync::CancellationToken;

use crate::answer::{Answer, Rule};
use crate::hub::HubSpec;
use crate::org::{OrgSim, OrgSpec};
use crate::post::post;
use crate::{Chance, wall_clock};

/// The pause between two changes, on average.
const PACE: Duration = Duration::from_secs(3);
/// The record that no validation rule of its target lets through.
const NEVER_VALID: &str = "WI-103";

/// The production org's ID.
const PRODUCTION: &str = "00D5g000004Xy9A";
/// The sandbox's ID.
const SANDBOX: &str = "00D7Q000008Kw2b";
/// The ID of the org that is not connected yet.
const NEWCOMER: &str = "00D8d000003Nwnd";

const TITLES: [&str; 16] = [
    "Add revenue report",
    "Fix rounding on quotes",
    "Approval flow for discounts above 20 %",
    "Merge duplicate accounts",
    "Nightly export to the data warehouse",
    "Case escalation after 48 hours",
    "Partner portal: reset password",
    "Currency field on opportunity products",
    "Archive closed projects",
    "Permission set for field engineers",
    "Dashboard for renewals",
    "Validate VAT numbers",
    "Rename stage Negotiation",
    "Bulk change of owners",
    "Calendar sync for visits",
    "Clean up unused fields",
];
const STAGES: [&str; 8] = [
    "Backlog",
    "Ready for Sizing",
    "Ready for Development",
    "In Development",
    "Dev Blocked",
    "Ready for QA",
    "In Client UAT",
    "Deployed to Prod",
];
const PRIORITIES: [&str; 3] = ["Low", "Medium", "High"];

/// The ID of an org that has only Delivery Hub's package.
const AGENCY: &str = "00D6g000008Hb1x";
/// The ID of another.
const CLIENT: &str = "00D6g000008Hb2y";

/// The orgs of the demo.
pub struct Demo {
    /// "Acme", a production org.
    pub production: OrgSim,
    /// "Acme UAT", a sandbox.
    pub sandbox: OrgSim,
    /// "Globex agency", which has only Delivery Hub's package: its changes are read, not sent.
    pub agency: OrgSim,
    /// "Globex client", the same.
    pub client: OrgSim,
    /// "Northwind", which nobody has connected yet.
    pub newcomer: OrgSim,
    seed: u64,
    pace: Duration,
}

/// Where the orgs of the demo send their changes, and with which tokens.
#[derive(Clone)]
pub struct Relay {
    /// `http://HOST:PORT`.
    pub url: String,
    /// Speaks for the production org.
    pub production_token: String,
    /// Speaks for the sandbox.
    pub sandbox_token: String,
}

impl Demo {
    /// Starts the orgs; they do nothing until [`Demo::act`].
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(seed: u64) -> std::io::Result<Self> {
        let id = |text: &str| text.parse::<OrgId>().map_err(|error: OrgIdError| std::io::Error::other(error));
        let production = OrgSpec {
            username: "admin@acme.example".into(),
            rotates: true,
            seed,
            ..OrgSpec::new(id(PRODUCTION)?)
        };
        let sandbox = OrgSpec {
            username: "admin@acme.example.uat".into(),
            seed: seed.wrapping_add(1),
            kind: OrgKind::Sandbox,
            ..OrgSpec::new(id(SANDBOX)?)
        };
        let newcomer = OrgSpec {
            username: "admin@northwind.example".into(),
            rotates: true,
            seed: seed.wrapping_add(2),
            ..OrgSpec::new(id(NEWCOMER)?)
        };
        let package = |username: &str, org: &str, more: u64| {
            let hub = HubSpec { managed: true, ..HubSpec::default() };
            let spec = OrgSpec::new(id(org)?).with_hub(hub);
            Ok::<_, std::io::Error>(OrgSpec {
                username: username.into(),
                seed: seed.wrapping_add(more),
                ..spec
            })
        };
        let agency = package("admin@agency.globex.example", AGENCY, 3)?;
        let client = package("admin@client.globex.example", CLIENT, 4)?;
        Ok(Self {
            agency: OrgSim::start(agency).await?,
            client: OrgSim::start(client).await?,
            production: OrgSim::start(production).await?,
            sandbox: OrgSim::start(sandbox).await?,
            newcomer: OrgSim::start(newcomer).await?,
            seed,
            pace: PACE,
        })
    }

    /// The same demo, with this pause on average between two changes after the opening scene.
    #[must_use]
    pub fn with_pace(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// Somebody mends the validation rule that nobody mends: a retry of the item that keeps failing helps from now on.
    pub fn fix_validation(&self) {
        self.production.heal_record(NEVER_VALID);
    }

    /// Work items that are read with the first look, and something that the package failed at by itself.
    pub fn open(&self) {
        for title in ["Roll out the partner portal", "Invoice dispute workflow", "Quarterly access review"] {
            let item = json!({ "BriefDescriptionTxt__c": title, "DetailsTxt__c": "<p>As agreed.</p>", "PriorityPk__c": "High" });
            let id = self.agency.create("WorkItem__c", item);
            let comment = json!({ "WorkItemId__c": id, "BodyTxt__c": "<p>Estimate follows.</p>", "AuthorTxt__c": "Grace" });
            self.agency.create("WorkItemComment__c", comment);
        }
        for (direction, error) in
            [("Outbound", "Read timed out"), ("Inbound", "Parent WorkItem did not arrive")]
        {
            let row = json!({
                "ObjectTypePk__c": "WorkLog__c", "DirectionPk__c": direction, "StatusPk__c": "Failed",
                "RetryCountNumber__c": 3, "ErrorLogTxt__c": error,
            });
            self.client.create("SyncItem__c", row);
        }
    }

    /// Works until `stop`: first a scene in which everything happens once, then changes now and then.
    pub async fn act(&self, relay: Relay, stop: CancellationToken) {
        let mut actor = Actor { demo: self, relay, chance: Chance::new(self.seed), sent: 0 };
        tokio::select! {
            () = stop.cancelled() => {}
            () = actor.play() => {}
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Production,
    Sandbox,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Production => Self::Sandbox,
            Self::Sandbox => Self::Production,
        }
    }
}

struct Actor<'a> {
    demo: &'a Demo,
    relay: Relay,
    chance: Chance,
    sent: u64,
}

impl Actor<'_> {
    fn org(&self, side: Side) -> &OrgSim {
        match side {
            Side::Production => &self.demo.production,
            Side::Sandbox => &self.demo.sandbox,
        }
    }

    fn work_item(&mut self, external_id: &str) -> Value {
        let number: usize =
            external_id.bytes().filter(u8::is_ascii_digit).fold(0, |n, d| n * 10 + usize::from(d - b'0'));
        json!({
            "externalId": external_id,
            "title": TITLES[number % TITLES.len()],
            "status": self.chance.pick(&STAGES),
            "priority": self.chance.pick(&PRIORITIES),
            "estimatedHours": self.chance.below(40) + 1,
            "assignee": "developer@acme.example",
            "description": "As agreed in the last planning.",
            "acceptanceCriteria": "The report shows the figures of the last closed quarter.",
            "comments": [],
            "timeLogs": [],
        })
    }

    /// Sends one record as `side`; `age` is how long ago the change was made.
    async fn send(&mut self, side: Side, record: Value, age: chrono::TimeDelta) {
        self.sent += 1;
        let (token, prefix) = match side {
            Side::Production => (self.relay.production_token.clone(), "prod"),
            Side::Sandbox => (self.relay.sandbox_token.clone(), "uat"),
        };
        let payload = json!({
            "transactionId": format!("txn_{prefix}_{:04}", self.sent),
            "sourceOrgId": self.org(side).id(),
            "timestamp": (wall_clock().to_utc() - age).to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            "operation": "upsert",
            "records": [record],
        });
        match post(&self.relay.url, &token, payload.to_string()).await {
            Ok(posted) => tracing::debug!(status = posted.status, "the demo sent a change"),
            Err(error) => tracing::debug!(%error, "the demo's change did not arrive"),
        }
    }

    /// Somebody changes a work item in one of the orgs that are read.
    fn somebody_works(&mut self) {
        let org = if self.chance.below(2) == 0 { &self.demo.agency } else { &self.demo.client };
        let rows = org.rows("WorkItem__c");
        if rows.is_empty() {
            return;
        }
        let id = self.chance.pick(&rows)["Id"].as_str().unwrap_or_default().to_owned();
        let stage = *self.chance.pick(&STAGES);
        org.edit("WorkItem__c", &id, json!({ "StageNamePk__c": stage }));
    }

    async fn edit(&mut self, side: Side, external_id: &str) {
        let record = self.work_item(external_id);
        self.send(side, record, chrono::TimeDelta::zero()).await;
    }

    async fn play(&mut self) {
        self.opening().await;
        loop {
            self.pause().await;
            if self.chance.below(4) == 0 {
                self.somebody_works();
                continue;
            }
            let side = if self.chance.below(2) == 0 { Side::Production } else { Side::Sandbox };
            let external_id = format!("WI-{:03}", 200 + self.chance.below(40));
            match self.chance.below(10) {
                0 => self
                    .org(side.other())
                    .script(Rule::always(Answer::locked()).for_record(external_id.clone()).times(2)),
                1 => {
                    self.echo(side).await;
                    continue;
                }
                2 => {
                    let record = self.work_item(&external_id);
                    self.send(side, record, chrono::TimeDelta::hours(1)).await;
                    continue;
                }
                _ => {}
            }
            self.edit(side, &external_id).await;
        }
    }

    /// Everything happens once.
    async fn opening(&mut self) {
        let lock = |id: &str, times| Rule::always(Answer::locked()).for_record(id).times(times);
        let rule = |id: &str, message: &str| {
            Rule::always(Answer::platform(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", message)).for_record(id)
        };
        // A lock that clears after two attempts, and one that takes longer.
        self.demo.sandbox.script(lock("WI-004", 2));
        self.demo.sandbox.script(lock("WI-006", 4));
        // Validation rules: their admins mend these right after the first refusal, so that a retry helps …
        for id in ["WI-005", "WI-007", "WI-008"] {
            self.demo
                .sandbox
                .script(rule(id, "Estimated hours are required before development starts.").times(1));
        }
        // … and nobody mends this one, until [`Demo::fix_validation`].
        self.demo.production.script(rule(NEVER_VALID, "A work item in production needs a release date."));
        self.demo.production.script(Rule::always(Answer::html(503)).for_record("WI-104").times(3));
        for n in 1..=9 {
            self.edit(Side::Production, &format!("WI-{n:03}")).await;
        }
        for n in 101..=106 {
            self.edit(Side::Sandbox, &format!("WI-{n}")).await;
        }
        let arrived =
            self.demo.sandbox.wait_for("the first change", |received| received.iter().any(|r| r.taken));
        if tokio::time::timeout(Duration::from_secs(20), arrived).await.is_ok() {
            self.echo(Side::Sandbox).await;
        }
        // A conflict: this edit is older than the one that is known.
        let record = self.work_item("WI-001");
        self.send(Side::Production, record, chrono::TimeDelta::hours(2)).await;
    }

    /// Sends back the last thing that the org was given, as automation does.
    async fn echo(&mut self, side: Side) {
        let Some(last) = self.org(side).last_taken() else { return };
        let body: Value = serde_json::from_slice(&last).unwrap_or_default();
        if let Some(record) = body["records"].get(0) {
            self.send(side, record.clone(), chrono::TimeDelta::zero()).await;
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the demo runs in real time")]
    async fn pause(&mut self) {
        let average = u64::try_from(self.demo.pace.as_millis()).unwrap_or(u64::MAX);
        let pause = (average / 2).saturating_add(self.chance.below(average));
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}
