//! Items, and what is done with them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sync_monitor_domain::cause::{Explanation, explain};
use sync_monitor_domain::change::Operation;
use sync_monitor_domain::item::{HeldBy, Outcome, Status};
use sync_monitor_domain::{Millis, OrgId};
use sync_monitor_engine::model;
use uuid::Uuid;

use super::runs::HistoryEntry;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Items {
    pub(crate) items: Vec<Item>,
    pub(crate) next_cursor: Option<String>,
    pub(crate) total: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item {
    id: Uuid,
    transaction_id: String,
    source_org_id: OrgId,
    target_org_id: OrgId,
    operation: Operation,
    external_ids: Vec<String>,
    title: Option<String>,
    status: Status,
    held_by: Option<HeldBy>,
    attempts: u32,
    cycle: u32,
    created_at: Millis,
    updated_at: Millis,
    next_attempt_at: Option<Millis>,
    last_error: Option<LastError>,
    failure_key: Option<String>,
    dismissed_at: Option<Millis>,
    dismiss_reason: Option<String>,
}

#[derive(Serialize)]
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ItemDetail {
    #[serde(flatten)]
    item: Item,
    /// As it is sent, so that no number is rounded on the way.
    payload: Option<Box<RawValue>>,
    payload_text: String,
    attempt_log: Vec<Attempt>,
    /// What people did with it, the oldest first.
    history: Vec<HistoryEntry>,
    /// What is known of the error that stands.
    cause: Option<&'static Explanation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkItems {
    pub(crate) work_items: Vec<WorkItem>,
    pub(crate) next_cursor: Option<String>,
}

/// A record as people know it, with its newest change.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkItem {
    external_id: String,
    title: Option<String>,
    last_item_id: Uuid,
    last_status: Status,
    last_at: Millis,
    items: u64,
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
#[derive(Serialize)]
pub(crate) struct Failures {
    pub(crate) failures: Vec<FailureGroup>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FailureGroup {
    failure_key: String,
    target_org_id: OrgId,
    http_status: Option<u16>,
    error_code: Option<String>,
    count: u64,
    first_seen_at: Millis,
    last_seen_at: Millis,
    sample_message: Option<String>,
    sample_item_id: Uuid,
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attempt {
    number: u32,
    cycle: u32,
    started_at: Millis,
    duration_ms: u64,
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

/// A bulk command: which items, and for dismissing why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkCommand {
    pub(crate) ids: Option<Vec<String>>,
    pub(crate) filter: Option<Map<String, Value>>,
    pub(crate) reason: Option<String>,
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
