//! Orgs with Delivery Hub's package.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sync_monitor_orgsim::{HubSpec, OrgClock, OrgSim, OrgSpec};

use crate::app::App;
use crate::payload::org_id;

/// The package's work item.
pub const WORK_ITEM: &str = "WorkItem__c";

/// Fields of a work item.
pub fn work_item(title: &str) -> Value {
    json!({ "BriefDescriptionTxt__c": title, "DetailsTxt__c": "<p>One</p><p>Two</p>", "EstimatedHoursNumber__c": 8.0 })
}

/// A simulated org with Delivery Hub.
///
/// # Panics
/// When no port can be had.
pub async fn hub_at(id: &str, hub: HubSpec) -> OrgSim {
    match OrgSim::start(OrgSpec::new(org_id(id)).with_hub(hub)).await {
        Ok(org) => org,
        Err(error) => panic!("no simulated org: {error}"),
    }
}

/// A simulated org with the managed package, whose clock is the program's.
pub async fn hub(app: &App, id: &str) -> OrgSim {
    let clock = OrgClock::of(Arc::clone(&app.clock) as _);
    hub_at(id, HubSpec { managed: true, clock, ..HubSpec::default() }).await
}

/// The program with two orgs that have the package, routed both ways.
pub struct Hubs {
    /// The program.
    pub app: App,
    /// The org with the lesser ID.
    pub a: OrgSim,
    /// The org with the greater ID.
    pub b: OrgSim,
}

impl Hubs {
    /// Starts them; both are read from now on.
    pub async fn start() -> Self {
        let app = App::start().await;
        let (a, b) = (hub(&app, crate::ORG_A).await, hub(&app, crate::ORG_B).await);
        app.connect(&a).await;
        app.connect(&b).await;
        app.route(crate::ORG_A, crate::ORG_B).await;
        app.route(crate::ORG_B, crate::ORG_A).await;
        app.pull(crate::ORG_A).await;
        app.pull(crate::ORG_B).await;
        Self { app, a, b }
    }

    /// Starts them with a work item in each, called like this, that were there before anything was relayed from A to B; returns
    /// their IDs too. B sends nothing back.
    pub async fn each_with_its_own(title_a: &str, title_b: &str) -> (Self, String, String) {
        let app = App::start().await;
        let (a, b) = (hub(&app, crate::ORG_A).await, hub(&app, crate::ORG_B).await);
        let (a_id, b_id) = (a.create(WORK_ITEM, work_item(title_a)), b.create(WORK_ITEM, work_item(title_b)));
        app.clock.advance(Duration::from_mins(10));
        app.connect(&a).await;
        app.connect(&b).await;
        app.route(crate::ORG_A, crate::ORG_B).await;
        app.pull(crate::ORG_A).await;
        (Self { app, a, b }, a_id, b_id)
    }

    /// Waits until so many items are synced.
    pub async fn synced(&self, n: u64) {
        let what = format!("{n} deliveries");
        self.app.wait("/api/v1/status", &what, |status| status["counts"]["synced"] == n).await;
    }
}

/// The program with an org B that has the package, and the token of an integration that sends to it for A.
pub async fn integrated() -> (App, OrgSim, String) {
    let app = App::start().await;
    let b = hub(&app, crate::ORG_B).await;
    app.connect(&b).await;
    app.route(crate::ORG_A, crate::ORG_B).await;
    let token = app.token(&[crate::ORG_A]).await;
    (app, b, token)
}

/// Where it is said that two records are one.
pub const LINK: &str = "/api/v1/identities/link";

/// What is said there: the orgs and IDs of two records.
pub fn link(one: (&str, &str), other: (&str, &str)) -> Value {
    json!({
        "one": { "orgId": org_id(one.0), "recordId": one.1 },
        "other": { "orgId": org_id(other.0), "recordId": other.1 },
    })
}

/// Lets a member of an org's mapping be relayed, which is off.
///
/// # Panics
/// Where there is no such member, or it is on already.
pub async fn switch_on(app: &App, org: &str, member: &str) {
    let path = format!("/api/v1/orgs/{}/mapping", org_id(org));
    let mut members = app.get(&path).await["members"].as_array().cloned().unwrap_or_default();
    match members.iter_mut().find(|one| one["member"] == member && one["on"] == false) {
        Some(one) => one["on"] = true.into(),
        None => panic!("no {member} that is off: {members:?}"),
    }
    app.order("PUT", &path, json!({ "members": members })).await;
}

impl App {
    /// Reads an org's changes now, and tells what that brought.
    pub async fn pull(&self, org: &str) -> Value {
        self.order("POST", &format!("/api/v1/orgs/{}/pull", org_id(org)), Value::Null).await
    }

    /// Is there such a line in the activity log?
    pub async fn has_activity(&self, action: &str, subject: &str) -> bool {
        let log = self.get("/api/v1/activity?limit=500").await;
        let lines = log["activity"].as_array().cloned().unwrap_or_default();
        lines.iter().any(|line| line["action"] == action && line["subject"] == subject)
    }
}
