//! An org's own queue, as JSON.

use serde::{Deserialize, Serialize};
use sync_monitor_domain::Millis;
use sync_monitor_domain::hub::row::time;
use sync_monitor_domain::hub::sync_item::{OwnStatus, SyncItem};
use sync_monitor_engine::{OwnDone as Done, OwnReading};
use utoipa::ToSchema;

use crate::schema;

/// What failed or waits in an org by its own package's doing; none of it is an item of this program.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnItems {
    sync_items: Vec<OwnItem>,
    #[schema(value_type = schema::Time)]
    read_at: Millis,
}

impl OwnItems {
    pub(crate) fn new(items: Vec<SyncItem>, read_at: Millis) -> Self {
        Self { sync_items: items.into_iter().map(OwnItem::from).collect(), read_at }
    }
}

/// A row of the package's queue.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnItem {
    id: String,
    object_type: String,
    #[schema(value_type = schema::DirectionWord)]
    direction: &'static str,
    #[schema(value_type = Option<schema::OwnStatusWord>)]
    status: Option<&'static str>,
    retries: u64,
    error: Option<String>,
    record_id: Option<String>,
    parent_ref: Option<String>,
    #[schema(value_type = Option<schema::Time>)]
    created_at: Option<String>,
    /// What it means, and what to do about it.
    explanation: &'static str,
    can_requeue: bool,
    can_dismiss: bool,
}

impl From<SyncItem> for OwnItem {
    fn from(item: SyncItem) -> Self {
        Self {
            direction: if item.is_outbound { "outbound" } else { "inbound" },
            status: item.status.map(|status| match status {
                OwnStatus::Failed => "failed",
                OwnStatus::Staged => "staged",
                OwnStatus::Pending => "pending",
            }),
            explanation: item.explanation(),
            can_requeue: item.can_requeue(),
            can_dismiss: item.can_dismiss(),
            created_at: item.created_at.as_deref().and_then(time).map(|at| at.to_string()),
            id: item.id,
            object_type: item.object_type,
            retries: item.retries,
            error: item.error,
            record_id: item.record_id,
            parent_ref: item.parent_ref,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnSelection {
    #[schema(max_items = 200)]
    pub(crate) ids: Vec<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnDismissal {
    #[schema(max_items = 200)]
    pub(crate) ids: Vec<String>,
    #[schema(min_length = 1, max_length = 1000)]
    pub(crate) reason: String,
}

/// What was changed in the org.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnDone {
    changed: u64,
    refused: Vec<OwnRefusal>,
}

/// A row that was left alone.
#[derive(Serialize, ToSchema)]
struct OwnRefusal {
    id: String,
    /// In words.
    reason: String,
}

impl From<Done> for OwnDone {
    fn from(done: Done) -> Self {
        let refused = done.refused.into_iter().map(|(id, reason)| OwnRefusal { id, reason });
        Self { changed: done.changed, refused: refused.collect() }
    }
}

/// How much an org's own queue held when it was last read.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnQueue {
    /// How many rows that failed or wait, without the dismissed.
    count: u64,
    /// May there be more than were counted?
    more: bool,
    #[schema(value_type = schema::Time)]
    read_at: Millis,
}

impl From<OwnReading> for OwnQueue {
    fn from(reading: OwnReading) -> Self {
        Self { count: reading.rows, more: reading.more, read_at: reading.at }
    }
}
