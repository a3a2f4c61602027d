//! Signing in to orgs, and testing them, as JSON.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use sync_monitor_domain::sign_in::{CliOrg as KnownToCli, OrgKind};
use sync_monitor_domain::{Millis, OrgId};
use sync_monitor_engine::{Check, CheckName, CheckResult, SignInProgress, SignInState};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Org;
use crate::problem::Problem;
use crate::schema;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Login {
    /// A host, or an https address of one.
    #[schema(min_length = 1)]
    pub(crate) login_url: String,
    pub(crate) client_id: Option<String>,
    pub(crate) alias: Option<String>,
}

/// A sign-in in the browser, and where it stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignIn {
    id: Option<Uuid>,
    #[schema(value_type = schema::SignInStateWord)]
    state: &'static str,
    authorize_url: Option<String>,
    #[schema(value_type = Option<schema::Time>)]
    expires_at: Option<Millis>,
    #[schema(value_type = Option<schema::OrgId>)]
    org_id: Option<OrgId>,
    problem: Option<Trouble>,
}

/// Why it failed.
#[derive(Serialize, ToSchema)]
struct Trouble {
    code: &'static str,
    detail: String,
}

impl From<SignInProgress> for SignIn {
    fn from(progress: SignInProgress) -> Self {
        let SignInProgress { id, state, authorize_url, expires_at } = progress;
        let (state, org_id, problem) = match state {
            SignInState::Waiting => ("waiting", None, None),
            SignInState::Connected(org) => ("connected", Some(org), None),
            SignInState::Failed(why) => {
                let problem = Problem::of(&why);
                ("failed", None, Some(Trouble { code: problem.code(), detail: problem.detail().to_owned() }))
            }
            SignInState::Cancelled => ("cancelled", None, None),
            SignInState::Expired => ("expired", None, None),
        };
        Self { id, state, authorize_url, expires_at, org_id, problem }
    }
}

/// An org after its test.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tested {
    #[serde(flatten)]
    pub(crate) org: Org,
    pub(crate) checks: Vec<Finding>,
}

/// What one part of the test found.
#[derive(Serialize, ToSchema)]
pub(crate) struct Finding {
    #[schema(value_type = schema::CheckWord)]
    check: &'static str,
    #[schema(value_type = schema::CheckResultWord)]
    result: &'static str,
    message: String,
}

impl From<Check> for Finding {
    fn from(check: Check) -> Self {
        Self {
            check: match check.name {
                CheckName::SignIn => "signIn",
                CheckName::Endpoint => "endpoint",
                CheckName::ApiUsage => "apiUsage",
                CheckName::Clock => "clock",
            },
            result: match check.result {
                CheckResult::Ok => "ok",
                CheckResult::Warning => "warning",
                CheckResult::Failed => "failed",
                CheckResult::Skipped => "skipped",
            },
            message: check.message,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OrgChange {
    pub(crate) alias: Option<String>,
    pub(crate) endpoint_path: Option<String>,
}

/// The orgs that the Salesforce CLI is signed in to.
#[derive(Serialize, ToSchema)]
pub(crate) struct CliOrgs {
    orgs: Vec<CliOrg>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CliOrg {
    username: String,
    aliases: Vec<String>,
    #[schema(value_type = Option<schema::OrgId>)]
    org_id: Option<OrgId>,
    instance_url: Option<String>,
    #[schema(value_type = schema::OrgKindWord)]
    kind: &'static str,
    connected: bool,
    problem: Option<String>,
}

impl CliOrgs {
    /// Those that the CLI knows, marked where they are connected here already.
    pub(crate) fn new(known: Vec<KnownToCli>, connected: &HashSet<OrgId>) -> Self {
        let orgs = known.into_iter().map(|org| CliOrg {
            connected: org.org_id.is_some_and(|id| connected.contains(&id)),
            username: org.username,
            aliases: org.aliases,
            org_id: org.org_id,
            instance_url: org.instance_url,
            kind: org.kind.map_or("unknown", OrgKind::as_str),
            problem: org.problem,
        });
        Self { orgs: orgs.collect() }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectCliOrg {
    #[schema(min_length = 1, max_length = 1000)]
    pub(crate) username: String,
    pub(crate) alias: Option<String>,
}
