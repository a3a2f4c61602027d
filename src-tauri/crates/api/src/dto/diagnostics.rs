//! What support may know: how things stand, without who and where. Orgs are told apart by their IDs.

use std::net::IpAddr;

use serde::Serialize;
use sync_monitor_domain::{Millis, OrgId};
use sync_monitor_engine::{ENDPOINT_PATH, model};
use utoipa::ToSchema;

use super::{Counts, org_kind, url_host};
use crate::program::Surroundings;
use crate::schema;

/// What support may know.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Diagnostics {
    #[schema(value_type = schema::Time)]
    pub(crate) made_at: Millis,
    pub(crate) version: &'static str,
    pub(crate) uptime_seconds: u64,
    pub(crate) demo: bool,
    /// Does it listen for this machine only?
    pub(crate) is_loopback: bool,
    pub(crate) counts: Counts,
    pub(crate) held: u64,
    pub(crate) dismissed: u64,
    pub(crate) suppressed_echoes: u64,
    #[schema(value_type = Option<schema::Time>)]
    pub(crate) next_attempt_at: Option<Millis>,
    pub(crate) orgs: Vec<Org>,
    pub(crate) routes: Vec<Route>,
    /// How many integration tokens were made.
    pub(crate) tokens: usize,
    pub(crate) failures: Vec<Failure>,
    /// What was done last, the newest first.
    pub(crate) actions: Vec<Action>,
    #[serde(flatten)]
    pub(crate) program: Surroundings,
}

impl Diagnostics {
    /// What is private of orgs, and of the names by which this machine is asked: nothing of it may stand in the bundle.
    pub(crate) fn names(orgs: &[model::Org], hosts: &[String]) -> Vec<String> {
        let of_orgs = orgs.iter().flat_map(names);
        of_orgs
            .chain(hosts.iter().map(String::as_str))
            .filter(|name| is_name(name))
            .map(str::to_owned)
            .collect()
    }
}

fn names(org: &model::Org) -> impl Iterator<Item = &str> {
    let login_url = org.sign_in.as_ref().and_then(|sign_in| sign_in.login_url.as_deref());
    let hosts = [Some(org.instance_url.as_str()), login_url].into_iter().flatten().map(url_host);
    // Of acme--uat.sandbox.my.salesforce.com the first label is the customer's name.
    let labels = hosts.clone().filter_map(|host| host.split('.').next());
    let parts = labels.clone().flat_map(|label| label.split("--"));
    let names = [org.alias.as_deref(), org.username.as_deref()].into_iter().flatten();
    names.chain(hosts).chain(labels).chain(parts)
}

/// Does it say more than that something is on this machine, or at the usual place?
fn is_name(name: &str) -> bool {
    let usual = ["login.salesforce.com", "login", "test.salesforce.com", "test", "localhost"];
    !usual.contains(&name) && !name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DiagnosedOrg)]
pub(crate) struct Org {
    #[schema(value_type = schema::OrgId)]
    org_id: OrgId,
    #[schema(value_type = schema::OrgKindWord)]
    kind: &'static str,
    #[schema(value_type = schema::OrgHealth)]
    health: &'static str,
    #[schema(value_type = Option<schema::SignedInByWord>)]
    signed_in_by: Option<&'static str>,
    #[schema(value_type = Option<schema::Time>)]
    signed_in_at: Option<Millis>,
    has_usual_endpoint: bool,
    is_replaced: bool,
    queue_depth: u64,
    suppressed_echoes: u64,
    api_calls_used: Option<u64>,
    api_calls_max: Option<u64>,
    clock_skew_ms: Option<i64>,
    #[schema(value_type = Option<schema::Time>)]
    last_delivered_at: Option<Millis>,
    #[schema(value_type = Option<schema::Time>)]
    last_received_at: Option<Millis>,
}

impl From<&model::Org> for Org {
    fn from(org: &model::Org) -> Self {
        Self {
            org_id: org.org_id,
            kind: org_kind(org),
            health: org.health.as_str(),
            signed_in_by: org.sign_in.as_ref().map(|sign_in| sign_in.by.as_str()),
            signed_in_at: org.signed_in_at,
            has_usual_endpoint: org.endpoint_path == ENDPOINT_PATH,
            is_replaced: org.replaced_by.is_some(),
            queue_depth: org.queue_depth,
            suppressed_echoes: org.suppressed_echoes,
            api_calls_used: org.api_usage.map(|usage| usage.used),
            api_calls_max: org.api_usage.map(|usage| usage.max),
            clock_skew_ms: org.clock_skew_ms,
            last_delivered_at: org.last_delivered_at,
            last_received_at: org.last_received_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DiagnosedRoute)]
pub(crate) struct Route {
    #[schema(value_type = schema::OrgId)]
    source_org_id: OrgId,
    #[schema(value_type = schema::OrgId)]
    target_org_id: OrgId,
    enabled: bool,
    queue_depth: u64,
}

impl From<&model::Route> for Route {
    fn from(route: &model::Route) -> Self {
        Self {
            source_org_id: route.source,
            target_org_id: route.target,
            enabled: route.enabled,
            queue_depth: route.queue_depth,
        }
    }
}

/// Failed items of one cause, without what the org said.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DiagnosedFailure)]
pub(crate) struct Failure {
    #[schema(value_type = schema::OrgId)]
    target_org_id: OrgId,
    http_status: Option<u16>,
    error_code: Option<String>,
    count: u64,
    #[schema(value_type = schema::Time)]
    first_seen_at: Millis,
    #[schema(value_type = schema::Time)]
    last_seen_at: Millis,
}

impl From<&model::FailureGroup> for Failure {
    fn from(group: &model::FailureGroup) -> Self {
        Self {
            target_org_id: group.target,
            http_status: group.error.http_status,
            error_code: group.error.error_code.as_deref().map(code),
            count: group.count,
            first_seen_at: group.first_seen,
            last_seen_at: group.last_seen,
        }
    }
}

/// A code, if it is written like one: an org may put anything there.
fn code(text: &str) -> String {
    let is_code = text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if is_code { text.to_owned() } else { "[not a code]".to_owned() }
}

/// Something that was done, without who did it and to what.
#[derive(Serialize, ToSchema)]
#[schema(as = DiagnosedAction)]
pub(crate) struct Action {
    #[schema(value_type = schema::Time)]
    at: Millis,
    action: String,
    count: Option<u64>,
}

impl From<&model::Activity> for Action {
    fn from(line: &model::Activity) -> Self {
        Self { at: line.at, action: line.action.clone(), count: line.count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_like_a_code_is_told() {
        assert_eq!(code("UNABLE_TO_LOCK_ROW"), "UNABLE_TO_LOCK_ROW");
        assert_eq!(code("Budget of Acme"), "[not a code]");
    }
}
