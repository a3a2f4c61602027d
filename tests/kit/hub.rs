//! Orgs with Delivery Hub's package.

use std::sync::Arc;

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

    /// Waits until so many items are synced.
    pub async fn synced(&self, n: u64) {
        let what = format!("{n} deliveries");
        self.app.wait("/api/v1/status", &what, |status| status["counts"]["synced"] == n).await;
    }
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
