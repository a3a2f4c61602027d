//! Bulk runs, and what came of them.

use serde::Serialize;
use serde_json::value::RawValue;
use sync_monitor_domain::item::HeldBy;
use sync_monitor_domain::{Millis, OrgId};
use sync_monitor_engine::model;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ApiUsage;
use crate::schema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bulk {
    pub(crate) changed: u64,
    pub(crate) refused: Vec<Refusal>,
    pub(crate) run_id: Uuid,
}

/// An item that was left alone.
#[derive(Serialize, ToSchema)]
pub(crate) struct Refusal {
    id: String,
    /// For programs.
    #[schema(value_type = schema::RefusalWord)]
    reason: &'static str,
    /// For a person.
    message: String,
}

impl From<model::Refusal> for Refusal {
    fn from(refusal: model::Refusal) -> Self {
        use model::RefusalReason as Reason;
        let message = match refusal.reason {
            Reason::NotFound => "There is no such item.".to_owned(),
            Reason::NotFailed(status) => format!("The item is not failed, it is {status}."),
            Reason::NotRetrying(status) => format!("The item is not retrying, it is {status}."),
            Reason::Superseded => "A newer change of the same record is synced already.".to_owned(),
            Reason::Dismissed => "The item is dismissed. Restore it first.".to_owned(),
            Reason::NotDismissed => "The item is not dismissed.".to_owned(),
        };
        Self { id: refusal.id, reason: refusal.reason.as_str(), message }
    }
}

/// What a retry would do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Preflight {
    #[schema(value_type = schema::Time)]
    as_of: Millis,
    selected: u64,
    send: u64,
    superseded: u64,
    not_failed: u64,
    not_found: u64,
    orgs: Vec<PreflightOrg>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PreflightOrg {
    #[schema(value_type = schema::OrgId)]
    org_id: OrgId,
    send: u64,
    superseded: u64,
    #[schema(value_type = Option<schema::HeldBy>)]
    held_by: Option<HeldBy>,
    /// Requests that the first attempts cost.
    api_calls: u64,
    api_usage: Option<ApiUsage>,
}

impl From<model::Preflight> for Preflight {
    fn from(told: model::Preflight) -> Self {
        let orgs = told.orgs.into_iter().map(|org| PreflightOrg {
            org_id: org.org_id,
            send: org.send,
            superseded: org.superseded,
            held_by: org.held_by,
            api_calls: org.send,
            api_usage: org.api_usage.map(ApiUsage::from),
        });
        Self {
            as_of: told.as_of,
            selected: told.selected,
            send: told.send,
            superseded: told.superseded,
            not_failed: told.not_failed,
            not_found: told.not_found,
            orgs: orgs.collect(),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Runs {
    pub(crate) runs: Vec<Run>,
    pub(crate) next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run {
    id: Uuid,
    #[schema(value_type = schema::Time)]
    at: Millis,
    #[schema(value_type = Option<schema::Time>)]
    ended_at: Option<Millis>,
    /// Tells one that runs from one that the program ended in.
    #[schema(value_type = schema::RunStateWord)]
    state: &'static str,
    actor: String,
    #[schema(value_type = Option<schema::ViaWord>)]
    via: Option<&'static str>,
    #[schema(value_type = schema::RunActionWord)]
    action: &'static str,
    reason: Option<String>,
    selected: u64,
    changed: u64,
    refused: u64,
    /// As it was sent.
    #[schema(value_type = Option<schema::AnyObject>)]
    filter: Option<Box<RawValue>>,
}

impl From<model::Run> for Run {
    fn from(run: model::Run) -> Self {
        Self {
            id: run.id,
            at: run.at,
            ended_at: match run.state {
                model::RunState::Done(at) => Some(at),
                model::RunState::Running | model::RunState::Interrupted => None,
            },
            state: run.state.as_str(),
            via: run.actor.via.map(model::Via::as_str),
            actor: run.actor.name,
            action: run.action.as_str(),
            reason: run.reason,
            selected: run.selected,
            changed: run.changed,
            refused: run.refused,
            // Written by us, as JSON.
            filter: run.filter.and_then(|filter| RawValue::from_string(filter).ok()),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RunDetail {
    #[serde(flatten)]
    run: Run,
    refusals: Vec<Refused>,
    now: StatusCounts,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Refused {
    #[serde(flatten)]
    refusal: Refusal,
    title: Option<String>,
    external_ids: Vec<String>,
}

/// Where the items that a run changed stand now.
#[derive(Serialize, ToSchema)]
struct StatusCounts {
    queued: u64,
    processing: u64,
    retrying: u64,
    failed: u64,
    dismissed: u64,
    synced: u64,
    superseded: u64,
}

impl From<model::RunDetail> for RunDetail {
    fn from(detail: model::RunDetail) -> Self {
        let model::StatusCounts { queued, processing, retrying, failed, dismissed, synced, superseded } =
            detail.now;
        let refusals = detail.refusals.into_iter().map(|refused| Refused {
            refusal: refused.refusal.into(),
            title: refused.title,
            external_ids: refused.external_ids,
        });
        Self {
            run: detail.run.into(),
            refusals: refusals.collect(),
            now: StatusCounts { queued, processing, retrying, failed, dismissed, synced, superseded },
        }
    }
}

/// What somebody did with an item.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryEntry {
    #[schema(value_type = schema::Time)]
    at: Millis,
    actor: String,
    #[schema(value_type = Option<schema::ViaWord>)]
    via: Option<&'static str>,
    #[schema(value_type = schema::RunActionWord)]
    action: &'static str,
    reason: Option<String>,
    run_id: Uuid,
}

impl From<model::HistoryEntry> for HistoryEntry {
    fn from(entry: model::HistoryEntry) -> Self {
        Self {
            at: entry.at,
            via: entry.actor.via.map(model::Via::as_str),
            actor: entry.actor.name,
            action: entry.action.as_str(),
            reason: entry.reason,
            run_id: entry.run,
        }
    }
}
