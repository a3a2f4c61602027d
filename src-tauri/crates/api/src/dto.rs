//! What the management API takes and gives, as JSON.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize};
use sync_monitor_domain::sign_in::OrgKind;
use sync_monitor_domain::{Millis, OrgId};
use sync_monitor_engine::{Changed, OwnReading, model};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::schema;

mod diagnostics;
mod hub;
mod items;
mod own;
mod runs;
mod sign_in;
mod stats;

pub(crate) use diagnostics::Diagnostics;
pub(crate) use hub::{
    Adapter, AdapterChange, Linked, Mapping, NewKey, Pull, PullChange, Pulled, RecordLink, RecordLinks,
};
pub(crate) use items::{
    BulkCommand, Dismissal, FailureGroup, Failures, Item, ItemDetail, Items, Selection, WorkItem, WorkItems,
};
pub(crate) use own::{OwnDismissal, OwnDone, OwnItems, OwnQueue, OwnSelection};
pub(crate) use runs::{Bulk, Preflight, Refusal, Run, RunDetail, Runs};
pub(crate) use sign_in::{CliOrgs, ConnectCliOrg, Login, OrgChange, SignIn, Tested};
pub(crate) use stats::Stats;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    pub(crate) version: &'static str,
    pub(crate) uptime_seconds: u64,
    pub(crate) counts: Counts,
    pub(crate) held: u64,
    pub(crate) dismissed: u64,
    pub(crate) suppressed_echoes: u64,
    #[schema(value_type = Option<schema::Time>)]
    pub(crate) next_attempt_at: Option<Millis>,
    pub(crate) orgs: u64,
    pub(crate) demo: bool,
    pub(crate) listen_address: String,
    pub(crate) schedule: Vec<String>,
    #[schema(value_type = schema::Time)]
    pub(crate) server_time: Millis,
    /// In a demo, where a simulated org waits to be signed in to.
    pub(crate) demo_login_url: Option<String>,
    pub(crate) relay: Relay,
    /// A part of the program failed, now or in an earlier run, and nobody has seen the report of it.
    pub(crate) crash: Option<Crash>,
}

/// What is left of a crash: what failed, and the file of the report.
#[derive(Serialize, ToSchema)]
pub(crate) struct Crash {
    path: String,
    summary: String,
}

impl From<crate::program::Crash> for Crash {
    fn from(crash: crate::program::Crash) -> Self {
        Self { path: crash.path, summary: crash.summary }
    }
}

/// How it stands with the relay as a whole.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Relay {
    paused: bool,
    /// None while it is paused: until somebody resumes it.
    #[schema(value_type = Option<schema::Time>)]
    paused_until: Option<Millis>,
}

impl From<model::Relay> for Relay {
    fn from(relay: model::Relay) -> Self {
        Self { paused: relay.paused, paused_until: relay.paused_until }
    }
}

#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RelayPause {
    #[schema(value_type = Option<schema::Time>)]
    pub(crate) until: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Counts {
    pub(crate) queued: u64,
    pub(crate) processing: u64,
    pub(crate) retrying: u64,
    pub(crate) failed: u64,
    pub(crate) synced: u64,
    pub(crate) superseded: u64,
}

impl From<&model::Counts> for Counts {
    fn from(counts: &model::Counts) -> Self {
        let &model::Counts { queued, processing, retrying, failed, synced, superseded, .. } = counts;
        Self { queued, processing, retrying, failed, synced, superseded }
    }
}

/// A wait as the settings write it: `30s`, `2m`, `1h`, `500ms`.
pub(crate) fn duration(wait: Duration) -> String {
    let (seconds, millis) = (wait.as_secs(), wait.subsec_millis());
    match seconds {
        _ if millis > 0 => format!("{}ms", wait.as_millis()),
        s if s > 0 && s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s > 0 && s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Orgs {
    pub(crate) orgs: Vec<Org>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Org {
    #[schema(value_type = schema::OrgId)]
    org_id: OrgId,
    alias: Option<String>,
    username: Option<String>,
    instance_url: String,
    #[schema(value_type = schema::OrgHealth)]
    health: &'static str,
    /// Is it paused itself, whatever the relay is?
    paused: bool,
    health_detail: Option<String>,
    api_usage: Option<ApiUsage>,
    clock_skew_ms: Option<i64>,
    #[schema(value_type = Option<schema::Time>)]
    last_delivered_at: Option<Millis>,
    #[schema(value_type = Option<schema::Time>)]
    last_received_at: Option<Millis>,
    suppressed_echoes: u64,
    queue_depth: u64,
    #[schema(value_type = schema::OrgKindWord)]
    kind: &'static str,
    #[schema(value_type = Option<schema::SignedInByWord>)]
    signed_in_by: Option<&'static str>,
    #[schema(value_type = Option<schema::Time>)]
    signed_in_at: Option<Millis>,
    login_url: Option<String>,
    client_id: Option<String>,
    endpoint_path: String,
    #[schema(value_type = Option<schema::OrgId>)]
    replaced_by: Option<OrgId>,
    /// What it speaks; null until that is found out.
    adapter: Option<Adapter>,
    /// How the reading of its changes stands; null for an org that sends them itself.
    pull: Option<Pull>,
    /// What its own package failed at or waits with, as last read; null where it was not since the program began.
    own_queue: Option<OwnQueue>,
}

#[derive(Serialize, ToSchema)]
struct ApiUsage {
    used: u64,
    max: u64,
}

impl From<sync_monitor_domain::remote::ApiUsage> for ApiUsage {
    fn from(usage: sync_monitor_domain::remote::ApiUsage) -> Self {
        Self { used: usage.used, max: usage.max }
    }
}

impl Org {
    /// An org, with what was last read in its package's own queue.
    pub(crate) fn new(org: model::Org, own: Option<OwnReading>) -> Self {
        Self {
            own_queue: own.map(OwnQueue::from),
            org_id: org.org_id,
            kind: org_kind(&org),
            adapter: org.hub.as_ref().map(|hub| Adapter::from(&hub.adapter)),
            pull: org.hub.as_ref().and_then(|hub| hub.pull.as_ref()).map(Pull::from),
            signed_in_by: org.sign_in.as_ref().map(|sign_in| sign_in.by.as_str()),
            signed_in_at: org.signed_in_at,
            login_url: org.sign_in.as_ref().and_then(|sign_in| sign_in.login_url.clone()),
            client_id: org.sign_in.and_then(|sign_in| sign_in.client_id),
            endpoint_path: org.endpoint_path,
            replaced_by: org.replaced_by,
            alias: org.alias,
            username: org.username,
            instance_url: org.instance_url,
            health: org.health.as_str(),
            paused: org.health.paused,
            health_detail: org.health_detail,
            api_usage: org.api_usage.map(ApiUsage::from),
            clock_skew_ms: org.clock_skew_ms,
            last_delivered_at: org.last_delivered_at,
            last_received_at: org.last_received_at,
            suppressed_echoes: org.suppressed_echoes,
            queue_depth: org.queue_depth,
        }
    }
}

/// What the org says it is, or else what its address looks like.
fn org_kind(org: &model::Org) -> &'static str {
    let host = url_host(&org.instance_url);
    org.kind.or_else(|| OrgKind::of_host(host)).map_or("unknown", OrgKind::as_str)
}

fn url_host(url: &str) -> &str {
    url.split("://").nth(1).unwrap_or_default().split(['/', ':']).next().unwrap_or_default()
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ImportOrg {
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, pattern = "^force://")]
    pub(crate) sfdx_auth_url: SecretString,
    pub(crate) alias: Option<String>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Routes {
    pub(crate) routes: Vec<Route>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Route {
    id: Uuid,
    #[schema(value_type = schema::OrgId)]
    source_org_id: OrgId,
    #[schema(value_type = schema::OrgId)]
    target_org_id: OrgId,
    enabled: bool,
    #[schema(value_type = schema::Time)]
    created_at: Millis,
    queue_depth: u64,
}

impl From<model::Route> for Route {
    fn from(route: model::Route) -> Self {
        let model::Route { id, source, target, enabled, created_at, queue_depth } = route;
        Self { id, source_org_id: source, target_org_id: target, enabled, created_at, queue_depth }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewRoute {
    #[schema(value_type = schema::OrgId)]
    pub(crate) source_org_id: String,
    #[schema(value_type = schema::OrgId)]
    pub(crate) target_org_id: String,
    pub(crate) enabled: Option<bool>,
    /// The two orgs exchange records by the package's own connection, too, and that is meant.
    pub(crate) accept_native_path: Option<bool>,
    /// The source is a sandbox and the target production, and that is meant.
    pub(crate) accept_sandbox_to_production: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteChange {
    pub(crate) enabled: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Tokens {
    pub(crate) tokens: Vec<Token>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Token {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    #[schema(value_type = Vec<schema::OrgId>)]
    pub(crate) source_org_ids: Vec<OrgId>,
    #[schema(value_type = schema::Time)]
    pub(crate) created_at: Millis,
    #[schema(value_type = Option<schema::Time>)]
    pub(crate) expires_at: Option<Millis>,
    #[schema(value_type = Option<schema::Time>)]
    pub(crate) last_used_at: Option<Millis>,
    #[schema(value_type = Option<schema::Time>)]
    pub(crate) revoked_at: Option<Millis>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewToken {
    #[schema(min_length = 1, max_length = 1000)]
    pub(crate) name: String,
    #[schema(value_type = Vec<schema::OrgId>, min_items = 1)]
    pub(crate) source_org_ids: Vec<String>,
    #[schema(value_type = Option<schema::Time>)]
    pub(crate) expires_at: Option<String>,
}

/// A new token; the only time that its secret is told.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedToken {
    pub(crate) id: Uuid,
    pub(crate) token: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Activities {
    pub(crate) activity: Vec<Activity>,
    pub(crate) next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Activity {
    id: i64,
    #[schema(value_type = schema::Time)]
    at: Millis,
    actor: String,
    action: String,
    subject: Option<String>,
    reason: Option<String>,
    count: Option<u64>,
    detail: Option<String>,
    via: Option<&'static str>,
}

impl From<model::Activity> for Activity {
    fn from(line: model::Activity) -> Self {
        let model::Activity { id, at, actor, action, subject, reason, count, detail } = line;
        let via = actor.via.map(model::Via::as_str);
        Self { id, at, actor: actor.name, action, subject, reason, count, detail, via }
    }
}

/// A one-time link to the UI.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Link {
    pub(crate) url: String,
    #[schema(value_type = schema::Time)]
    pub(crate) expires_at: Millis,
}

/// The data of a `changed` event.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangedEvent<'a> {
    items: Option<&'a [Uuid]>,
    orgs: bool,
    routes: bool,
}

impl<'a> ChangedEvent<'a> {
    /// What an event says.
    pub(crate) fn json(changed: &'a Changed) -> String {
        let event = Self { items: changed.items.as_deref(), orgs: changed.orgs, routes: changed.routes };
        // UUIDs and booleans: this cannot fail.
        serde_json::to_string(&event).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
