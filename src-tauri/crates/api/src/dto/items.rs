//! Items, and what is done with them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sync_monitor_domain::cause::{Explanation, explain};
use sync_monitor_domain::change::Operation;
use sync_monitor_domain::item::{HeldBy, Outcome, Status};
use sync_monitor_domain::{Millis, OrgId};
use sync_monitor_engine::model;
use utoipa::ToSchema;
use uuid::Uuid;

use super::runs::HistoryEntry;
use crate::query::ItemFilter;
use crate::schema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Items {
    pub(crate) items: Vec<Item>,
    pub(crate) next_cursor: Option<String>,
    pub(crate) total: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item {
    id: Uuid,
    transaction_id: String,
    #[schema(value_type = schema::OrgId)]
    source_org_id: OrgId,
    #[schema(value_type = schema::OrgId)]
    target_org_id: OrgId,
    #[schema(value_type = schema::Operation)]
    operation: Operation,
    external_ids: Vec<String>,
    title: Option<String>,
    #[schema(value_type = schema::ItemStatus)]
    status: Status,
    #[schema(value_type = Option<schema::HeldBy>)]
    held_by: Option<HeldBy>,
    attempts: u32,
    cycle: u32,
    #[schema(value_type = schema::Time)]
    created_at: Millis,
    #[schema(value_type = schema::Time)]
    updated_at: Millis,
    #[schema(value_type = Option<schema::Time>)]
    next_attempt_at: Option<Millis>,
    last_error: Option<LastError>,
    failure_key: Option<String>,
    #[schema(value_type = Option<schema::Time>)]
    dismissed_at: Option<Millis>,
    dismiss_reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LastError {
    http_status: Option<u16>,
    error_code: Option<String>,
    message: Option<String>,
}

impl From<model::Item> for Item {
    fn from(item: model::Item) -> Self {
        let last_error = item.last_error.map(|model::LastError { http_status, error_code, message }| {
            LastError { http_status, error_code, message }
        });
        Self {
            id: item.id,
            transaction_id: item.transaction_id,
            source_org_id: item.source,
            target_org_id: item.target,
            operation: item.operation,
            external_ids: item.external_ids,
            title: item.title,
            status: item.status,
            held_by: item.held_by,
            attempts: item.attempts,
            cycle: item.cycle,
            created_at: item.created_at,
            updated_at: item.updated_at,
            next_attempt_at: item.next_attempt_at,
            last_error,
            failure_key: item.failure_key,
            dismissed_at: item.dismissed_at,
            dismiss_reason: item.dismiss_reason,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ItemDetail {
    #[serde(flatten)]
    item: Item,
    /// As it is sent, so that no number is rounded on the way.
    #[schema(value_type = schema::AnyJson)]
    payload: Option<Box<RawValue>>,
    payload_text: String,
    attempt_log: Vec<Attempt>,
    /// What people did with it, the oldest first.
    history: Vec<HistoryEntry>,
    /// What is known of the error that stands.
    #[schema(value_type = Option<Cause>)]
    cause: Option<&'static Explanation>,
}

/// A failure in plain words, as `docs/causes.md` has it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "says how the domain's Explanation looks in JSON")]
struct Cause {
    title: String,
    text: String,
    #[schema(value_type = schema::FixerWord)]
    fixer: String,
    /// Can a retry alone help, with nothing changed?
    retry_helps: bool,
    /// What to do, in order.
    steps: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkItems {
    pub(crate) work_items: Vec<WorkItem>,
    pub(crate) next_cursor: Option<String>,
}

/// A record as people know it, with its newest change.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkItem {
    external_id: String,
    title: Option<String>,
    last_item_id: Uuid,
    #[schema(value_type = schema::ItemStatus)]
    last_status: Status,
    #[schema(value_type = schema::Time)]
    last_at: Millis,
    items: u64,
    #[schema(value_type = Vec<schema::OrgId>)]
    orgs: Vec<OrgId>,
}

impl From<model::WorkItem> for WorkItem {
    fn from(item: model::WorkItem) -> Self {
        Self {
            external_id: item.external_id,
            title: item.title,
            last_item_id: item.last_item,
            last_status: item.last_status,
            last_at: item.last_at,
            items: item.items,
            orgs: item.orgs,
        }
    }
}

/// What failed and is not dismissed, by cause.
#[derive(Serialize, ToSchema)]
pub(crate) struct Failures {
    pub(crate) failures: Vec<FailureGroup>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FailureGroup {
    failure_key: String,
    #[schema(value_type = schema::OrgId)]
    target_org_id: OrgId,
    http_status: Option<u16>,
    error_code: Option<String>,
    count: u64,
    #[schema(value_type = schema::Time)]
    first_seen_at: Millis,
    #[schema(value_type = schema::Time)]
    last_seen_at: Millis,
    sample_message: Option<String>,
    sample_item_id: Uuid,
    #[schema(value_type = Cause)]
    cause: &'static Explanation,
}

impl From<model::FailureGroup> for FailureGroup {
    fn from(group: model::FailureGroup) -> Self {
        let model::LastError { http_status, error_code, message } = group.error;
        Self {
            cause: explain(http_status, error_code.as_deref()),
            failure_key: group.key,
            target_org_id: group.target,
            http_status,
            error_code,
            count: group.count,
            first_seen_at: group.first_seen,
            last_seen_at: group.last_seen,
            sample_message: message,
            sample_item_id: group.sample,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Attempt {
    number: u32,
    cycle: u32,
    #[schema(value_type = schema::Time)]
    started_at: Millis,
    duration_ms: u64,
    #[schema(value_type = schema::Outcome)]
    outcome: Outcome,
    http_status: Option<u16>,
    error_code: Option<String>,
    message: Option<String>,
    response_body: Option<String>,
    counted: bool,
}

impl From<model::ItemDetail> for ItemDetail {
    fn from(detail: model::ItemDetail) -> Self {
        let standing = detail.item.last_error.as_ref().filter(|_| {
            matches!(
                detail.item.status,
                Status::Failed | Status::Retrying | Status::Queued | Status::Processing
            )
        });
        Self {
            cause: standing.map(|error| explain(error.http_status, error.error_code.as_deref())),
            item: detail.item.into(),
            payload: RawValue::from_string(detail.payload.clone()).ok(),
            payload_text: detail.payload,
            attempt_log: detail.attempts.into_iter().map(Attempt::from).collect(),
            history: detail.history.into_iter().map(HistoryEntry::from).collect(),
        }
    }
}

impl From<model::Attempt> for Attempt {
    fn from(attempt: model::Attempt) -> Self {
        Self {
            number: attempt.number,
            cycle: attempt.cycle,
            started_at: attempt.started_at,
            duration_ms: u64::try_from(attempt.duration.as_millis()).unwrap_or(u64::MAX),
            outcome: attempt.outcome,
            http_status: attempt.http_status,
            error_code: attempt.error_code,
            message: attempt.message,
            response_body: attempt.response_body,
            counted: attempt.counted,
        }
    }
}

/// A bulk command: which items, and for dismissing why. [`Selection`] and [`Dismissal`] say how it looks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkCommand {
    pub(crate) ids: Option<Vec<String>>,
    pub(crate) filter: Option<Map<String, Value>>,
    pub(crate) reason: Option<String>,
}

/// Which items: these, or all that a filter matches now.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, clippy::large_enum_variant, reason = "says how a BulkCommand looks; there never is one")]
pub(crate) enum Selection {
    Ids { ids: Vec<String> },
    Filter { filter: ItemFilter },
}

/// Which items, and why they are dismissed.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, clippy::large_enum_variant, reason = "says how a BulkCommand looks; there never is one")]
pub(crate) enum Dismissal {
    Ids {
        ids: Vec<String>,
        #[schema(min_length = 1, max_length = 1000)]
        reason: String,
    },
    Filter {
        filter: ItemFilter,
        #[schema(min_length = 1, max_length = 1000)]
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> model::Item {
        model::Item {
            id: Uuid::from_u128(7),
            transaction_id: "txn_1".into(),
            source: "00D000000000001".parse().unwrap(),
            target: "00D000000000002".parse().unwrap(),
            operation: Operation::Upsert,
            external_ids: vec!["WI-1".into()],
            title: None,
            status: Status::Failed,
            held_by: None,
            attempts: 5,
            cycle: 1,
            created_at: Millis(0),
            updated_at: Millis(1),
            next_attempt_at: None,
            last_error: Some(model::LastError {
                http_status: Some(500),
                error_code: None,
                message: Some("no".into()),
            }),
            failure_key: Some("k".into()),
            dismissed_at: None,
            dismiss_reason: None,
        }
    }

    #[test]
    fn an_item_has_the_contracts_members_and_no_other() {
        let json = serde_json::to_value(Item::from(item())).unwrap();
        let expected = serde_json::json!({
            "id": "00000000-0000-0000-0000-000000000007", "transactionId": "txn_1",
            "sourceOrgId": "00D000000000001EAA", "targetOrgId": "00D000000000002EAA", "operation": "upsert",
            "externalIds": ["WI-1"], "title": null, "status": "failed", "heldBy": null, "attempts": 5, "cycle": 1,
            "createdAt": "1970-01-01T00:00:00.000Z", "updatedAt": "1970-01-01T00:00:00.001Z", "nextAttemptAt": null,
            "lastError": {"httpStatus": 500, "errorCode": null, "message": "no"}, "failureKey": "k",
            "dismissedAt": null, "dismissReason": null,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn a_payload_is_shown_to_the_letter() {
        let payload =
            r#"{"big": 12345678901234567890.123456789012345678, "b":1,  "a":1e400, "text":"\u00e9"}"#;
        let detail = model::ItemDetail {
            item: item(),
            payload: payload.into(),
            attempts: Vec::new(),
            history: Vec::new(),
        };
        let json = serde_json::to_string(&ItemDetail::from(detail)).unwrap();
        assert!(json.contains(&format!("\"payload\":{payload}")), "{json}");
        assert!(json.contains("\"attemptLog\":[]") && json.contains("\"transactionId\":\"txn_1\""), "{json}");
    }
}
