//! Orgs with Delivery Hub's package, as JSON.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sync_monitor_domain::hub::mapping::Member;
use sync_monitor_domain::hub::{Dialect, HubObject, document};
use sync_monitor_domain::{Millis, OrgId};
use sync_monitor_engine::Pulled as Brought;
use sync_monitor_engine::model::{Link, LinkPage, Linked as Made, OrgAdapter, PullState};
use utoipa::ToSchema;
use uuid::Uuid;

use super::secret;
use crate::schema;

/// What an org speaks, and what its package has.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Adapter {
    #[schema(value_type = schema::DialectWord)]
    dialect: &'static str,
    /// The dialect that its admin wants, whatever was found.
    #[schema(value_type = Option<schema::DialectWord>)]
    wanted_dialect: Option<&'static str>,
    /// The namespace of the package, empty where it has none; null where there is no package.
    namespace: Option<String>,
    api_version: String,
    /// The package's version, where it is a managed one and the signed-in user may see it.
    package_version: Option<String>,
    /// The fields that have names of an older package; nothing where the schema is the newest.
    old_field_names: Vec<String>,
    /// Does it have the documented endpoint?
    documented_endpoint: bool,
    /// Does the package's own service say that it is well?
    package_service: bool,
    /// The work objects that the signed-in user may see.
    objects: Vec<&'static str>,
    #[schema(value_type = schema::Time)]
    checked_at: Millis,
    /// Is the mapping the admin's own, not the default?
    own_mapping: bool,
    /// What is not relayed or cannot be seen, and why.
    warnings: Vec<String>,
}

const NO_HISTORY: &str = "The org keeps no history of work items that the signed-in user may read: an edit of the same field in the moment in which a delivery is written cannot be seen there. Switch on field history tracking for work items (Setup, Object Manager, Fields & Relationships, Set History Tracking).";

const SMALL_FILES: &str = "Files of work items are relayed up to 64 KiB each, because Delivery Hub takes no larger ones in a call. Of each that is larger the activity log tells (document.skip).";

impl From<&OrgAdapter> for Adapter {
    fn from(known: &OrgAdapter) -> Self {
        let found = &known.adapter;
        let mut warnings = if found.is_pulled() { known.mapping.misses(found) } else { Vec::new() };
        if found.dialect == Dialect::PackageV1 && !found.history {
            warnings.push(NO_HISTORY.to_owned());
        }
        if found.is_pulled() && document::are_relayed(found, &known.mapping) {
            warnings.push(SMALL_FILES.to_owned());
        }
        Self {
            dialect: found.dialect.as_str(),
            wanted_dialect: known.wanted.map(Dialect::as_str),
            namespace: found.ledger.is_some().then(|| found.prefix.trim_end_matches("__").to_owned()),
            api_version: found.api_version.clone(),
            package_version: found.package_version.clone(),
            old_field_names: found.old_names(),
            documented_endpoint: found.documented,
            package_service: found.service,
            objects: found.objects.keys().map(|object| object.name()).collect(),
            checked_at: known.found_at,
            own_mapping: known.own_mapping,
            warnings,
        }
    }
}

/// How the reading of an org's changes stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pull {
    enabled: bool,
    /// What changed before is never asked for.
    #[schema(value_type = schema::Time)]
    since: String,
    /// When a round last went through.
    #[schema(value_type = Option<schema::Time>)]
    pulled_at: Option<Millis>,
    /// When a round last brought a change.
    #[schema(value_type = Option<schema::Time>)]
    changed_at: Option<Millis>,
    #[schema(value_type = Option<schema::Time>)]
    next_pull_at: Option<Millis>,
    /// Why nothing is read, where that is so.
    detail: Option<String>,
}

impl From<&PullState> for Pull {
    fn from(state: &PullState) -> Self {
        Self {
            enabled: state.enabled,
            since: state.since.to_string(),
            pulled_at: state.pulled_at,
            changed_at: state.changed_at,
            next_pull_at: state.next_at,
            detail: state.detail.clone(),
        }
    }
}

/// What a round of reading brought.
#[derive(Serialize, ToSchema)]
pub(crate) struct Pulled {
    /// Rows that were edits, whoever won.
    changes: u64,
    /// Edits that lost against a newer version.
    conflicts: u64,
    /// Rows that changed only because a delivery came.
    echoes: u64,
    /// Records that were deleted for good.
    deleted: u64,
}

impl From<Brought> for Pulled {
    fn from(brought: Brought) -> Self {
        let Brought { changes, conflicts, echoes, deleted } = brought;
        Self { changes, conflicts, echoes, deleted }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PullChange {
    pub(crate) enabled: Option<bool>,
    /// Ask again for everything that changed from then on.
    #[schema(value_type = Option<schema::Time>)]
    pub(crate) since: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AdapterChange {
    /// Null for what is found.
    #[schema(value_type = Option<schema::DialectWord>)]
    pub(crate) dialect: Option<String>,
}

/// Which member of the documented record is which field of the package.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapping {
    #[schema(value_type = Vec<schema::MappedMember>)]
    pub(crate) members: Vec<Member>,
}

/// The key of the package's own service.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewKey {
    /// Sent as `X-Api-Key`.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, min_length = 1)]
    pub(crate) api_key: SecretString,
    /// Signs each body, where the org wants that.
    #[serde(default, deserialize_with = "optional_secret")]
    #[schema(value_type = Option<String>)]
    pub(crate) hmac_secret: Option<SecretString>,
}

fn optional_secret<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| text.map(SecretString::from))
}

/// A record of an org.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RecordName {
    #[schema(value_type = schema::OrgId)]
    pub(crate) org_id: String,
    /// 15 or 18 characters.
    pub(crate) record_id: String,
}

/// Two records that are one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordLink {
    /// Work items where it is left out.
    #[schema(value_type = Option<schema::HubObjectWord>)]
    pub(crate) object: Option<HubObject>,
    pub(crate) one: RecordName,
    pub(crate) other: RecordName,
}

/// The name that both have from now on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Linked {
    pub(crate) external_id: String,
    #[schema(value_type = Vec<schema::OrgId>)]
    pub(crate) org_ids: [OrgId; 2],
}

/// A record of an org that was linked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LinkedRecord {
    #[schema(value_type = schema::OrgId)]
    org_id: OrgId,
    record_id: String,
}

impl From<(OrgId, String)> for LinkedRecord {
    fn from((org_id, record_id): (OrgId, String)) -> Self {
        Self { org_id, record_id }
    }
}

/// Two records that somebody said are one.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MadeLink {
    id: Uuid,
    #[schema(value_type = schema::HubObjectWord)]
    object: HubObject,
    /// The name that both have.
    external_id: String,
    /// The record that had it.
    one: LinkedRecord,
    /// The record that was given it.
    other: LinkedRecord,
    #[schema(value_type = schema::Time)]
    linked_at: Millis,
    /// Who said so.
    actor: String,
}

impl From<Made> for MadeLink {
    fn from(made: Made) -> Self {
        let Link { id, object, one, other } = made.link;
        Self {
            id,
            object,
            external_id: made.external_id,
            one: one.into(),
            other: other.into(),
            linked_at: made.at,
            actor: made.actor.name,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecordLinks {
    links: Vec<MadeLink>,
    next_cursor: Option<String>,
}

impl From<LinkPage> for RecordLinks {
    fn from(page: LinkPage) -> Self {
        Self { links: page.links.into_iter().map(MadeLink::from).collect(), next_cursor: page.next_cursor }
    }
}
