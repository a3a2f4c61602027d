//! What happened when, as JSON.

use std::time::Duration;

use serde::Serialize;
use sync_monitor_domain::Millis;
use sync_monitor_engine::model;
use utoipa::ToSchema;

use super::duration;
use crate::schema;

#[derive(Serialize, ToSchema)]
pub(crate) struct Stats {
    window: String,
    bucket: String,
    buckets: Vec<Bucket>,
    total: Bucket,
    gaps: Vec<Gap>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Bucket {
    #[schema(value_type = schema::Time)]
    at: Millis,
    accepted: u64,
    synced: u64,
    failed: u64,
    retried: u64,
    superseded: u64,
    echoes: u64,
    /// From acceptance to delivery.
    p50_ms: Option<u64>,
    p95_ms: Option<u64>,
    running_seconds: u64,
}

#[derive(Serialize, ToSchema)]
struct Gap {
    #[schema(value_type = schema::Time)]
    from: Millis,
    #[schema(value_type = schema::Time)]
    to: Millis,
}

impl From<model::Bucket> for Bucket {
    fn from(bucket: model::Bucket) -> Self {
        let model::Bucket { at, happened, p50_ms, p95_ms, running } = bucket;
        let model::Happened { accepted, synced, failed, retried, superseded, echoes } = happened;
        let running_seconds = running.as_secs();
        Self { at, accepted, synced, failed, retried, superseded, echoes, p50_ms, p95_ms, running_seconds }
    }
}

impl Stats {
    pub(crate) fn new(window: Duration, bucket: Duration, stats: model::Stats) -> Self {
        Self {
            window: duration(window),
            bucket: duration(bucket),
            buckets: stats.buckets.into_iter().map(Bucket::from).collect(),
            total: stats.total.into(),
            gaps: stats.gaps.into_iter().map(|gap| Gap { from: gap.from, to: gap.to }).collect(),
        }
    }
}
