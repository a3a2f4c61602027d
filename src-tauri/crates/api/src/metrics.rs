//! Figures for Prometheus (`OpenMetrics` text), named and measured by its conventions.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use sync_monitor_domain::Millis;
use sync_monitor_engine::model::{Counts, Org, Stats};

use crate::App;
use crate::openapi::Refused;
use crate::problem::Problem;

/// A family of gauges, told apart by labels.
type Gauges<const N: usize> = Family<[(&'static str, String); N], Gauge<f64, AtomicU64>>;

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, content_type = "application/openmetrics-text", body = String), Refused))]
pub(crate) async fn handle(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let (counts, orgs) = (app.engine.counts().await?, app.engine.orgs().await?);
    let running = app.started_at.elapsed();
    // Counted from the day of the start on: a counter may begin anywhere, and must not go back.
    let stats = app.engine.stats(running, std::time::Duration::from_hours(24)).await?;
    let mut registry = Registry::with_prefix("sync_monitor");
    registry.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    #[expect(clippy::cast_precision_loss, reason = "a time to the millisecond fits many times")]
    let started = (app.engine.clock().now().0 as f64) / 1_000.0 - running.as_secs_f64();
    registry.register_with_unit(
        "start_time",
        "When the program started, since 1970",
        Unit::Seconds,
        ConstGauge::new(started),
    );
    items(&mut registry, &counts, app.engine.clock().now());
    deliveries(&mut registry, &stats);
    of_orgs(&mut registry, &orgs);
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|error| {
        tracing::error!(%error, "the metrics could not be written");
        Problem::server_error()
    })?;
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

#[expect(clippy::cast_precision_loss, reason = "figures to look at")]
fn items(registry: &mut Registry, counts: &Counts, now: Millis) {
    let items = Gauges::<1>::default();
    for (status, n) in [
        ("queued", counts.queued),
        ("processing", counts.processing),
        ("retrying", counts.retrying),
        ("failed", counts.failed),
        ("dismissed", counts.dismissed),
        ("synced", counts.synced),
        ("superseded", counts.superseded),
    ] {
        items.get_or_create(&[("status", status.to_owned())]).set(n as f64);
    }
    registry.register("items", "Items by status, as far as they are kept", items);
    let held = Gauge::<f64, AtomicU64>::default();
    held.set(counts.held as f64);
    registry.register("held_items", "Items that wait for something other than their time", held);
    let wait = counts.next_attempt_at.map_or(0.0, |at| at.since(now).as_secs_f64());
    registry.register_with_unit(
        "next_attempt",
        "Until the next attempt is due",
        Unit::Seconds,
        ConstGauge::new(wait),
    );
}

fn deliveries(registry: &mut Registry, stats: &Stats) {
    let happened = &stats.total.happened;
    for (name, help, n) in [
        ("accepted_items", "Items that came in, once for each target", happened.accepted),
        ("synced_items", "Items that were delivered", happened.synced),
        ("failed_items", "Items that failed", happened.failed),
        ("retried_attempts", "Attempts that failed and are made again", happened.retried),
        ("superseded_items", "Items that were overtaken", happened.superseded),
        ("suppressed_echoes", "Echoes that were suppressed", happened.echoes),
    ] {
        registry.register(name, help, ConstCounter::new(n));
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures to look at")]
fn of_orgs(registry: &mut Registry, orgs: &[Org]) {
    let (up, queue) = (Gauges::<3>::default(), Gauges::<1>::default());
    let (used, max, skew) = (Gauges::<1>::default(), Gauges::<1>::default(), Gauges::<1>::default());
    for org in orgs {
        let id = || ("org", org.org_id.to_string());
        let health = org.health.as_str();
        let name = org.alias.clone().unwrap_or_default();
        up.get_or_create(&[id(), ("alias", name), ("health", health.to_owned())])
            .set(if health == "connected" { 1.0 } else { 0.0 });
        queue.get_or_create(&[id()]).set(org.queue_depth as f64);
        if let Some(usage) = org.api_usage {
            used.get_or_create(&[id()]).set(usage.used as f64);
            max.get_or_create(&[id()]).set(usage.max as f64);
        }
        if let Some(millis) = org.clock_skew_ms {
            skew.get_or_create(&[id()]).set(millis as f64 / 1_000.0);
        }
    }
    registry.register("org_connected", "Can changes be delivered to the org, and if not why", up);
    registry.register("org_queued_items", "Items on their way to the org", queue);
    registry.register("org_api_calls_used", "API calls of the org used in the last 24 hours", used);
    registry.register("org_api_calls_limit", "API calls that the org allows in 24 hours", max);
    registry.register_with_unit(
        "org_clock_skew",
        "The org's clock minus this machine's",
        Unit::Seconds,
        skew,
    );
}
