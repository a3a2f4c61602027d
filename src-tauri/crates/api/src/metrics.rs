//! Figures for Prometheus, named and measured by its conventions: in its own text format, or as `OpenMetrics` for those that
//! ask for it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, header};
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
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, content((String = "text/plain"), (String = "application/openmetrics-text"))), Refused))]
pub(crate) async fn handle(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    let (counts, orgs) = (app.engine.counts().await?, app.engine.orgs().await?);
    let running = app.started_at.elapsed();
    // Counted from the day of the start on: a counter may begin anywhere, and must not go back.
    let stats = app.engine.stats(running, std::time::Duration::from_hours(24), None).await?;
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
    let (kind, text) = if takes_openmetrics(&headers) {
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", text)
    } else {
        ("text/plain; version=0.0.4; charset=utf-8", as_prometheus_text(&text))
    };
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response())
}

/// Does the asker say that it reads `OpenMetrics`? Prometheus does.
fn takes_openmetrics(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|value| value.split(','))
        .any(|kind| kind.trim().starts_with("application/openmetrics-text"))
}

/// The same figures in Prometheus' own text format, 0.0.4: there a counter is described under the name of its sample, there is
/// no type for what only informs, and neither units nor an end.
fn as_prometheus_text(openmetrics: &str) -> String {
    let typed = |line| str::strip_prefix(line, "# TYPE ").and_then(|rest| rest.split_once(' '));
    let types: HashMap<&str, &str> = openmetrics.lines().filter_map(typed).collect();
    let mut text = String::with_capacity(openmetrics.len());
    for line in openmetrics.lines() {
        let comment = line.strip_prefix("# ").and_then(|rest| rest.split_once(' '));
        match comment.map(|(word, rest)| (word, rest.split_once(' ').unwrap_or((rest, "")))) {
            Some((word @ ("HELP" | "TYPE"), (name, rest))) => {
                let (suffix, kind) = match types.get(name).copied() {
                    Some("counter") => ("_total", "counter"),
                    Some("info") => ("_info", "gauge"),
                    Some(kind) => ("", kind),
                    None => ("", "untyped"),
                };
                let rest = if word == "TYPE" { kind } else { rest };
                // Writing to a String does not fail.
                let _ = writeln!(text, "# {word} {name}{suffix} {rest}");
            }
            Some(_) => {}
            None if line == "# EOF" => {}
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn prometheus_text_names_counters_by_their_samples_and_ends_without_a_word() {
        let openmetrics = "# HELP x_build The program.\n# TYPE x_build info\nx_build_info{version=\"1\"} 1\n\
            # HELP x_start_seconds When.\n# TYPE x_start_seconds gauge\n# UNIT x_start_seconds seconds\nx_start_seconds 5.0\n\
            # HELP x_items Items.\n# TYPE x_items counter\nx_items_total 7\n# EOF\n";
        assert_eq!(
            as_prometheus_text(openmetrics),
            "# HELP x_build_info The program.\n# TYPE x_build_info gauge\nx_build_info{version=\"1\"} 1\n\
             # HELP x_start_seconds When.\n# TYPE x_start_seconds gauge\nx_start_seconds 5.0\n\
             # HELP x_items_total Items.\n# TYPE x_items_total counter\nx_items_total 7\n"
        );
    }

    #[rstest]
    #[case::prometheus(
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
        true
    )]
    #[case::text("text/plain;version=0.0.4", false)]
    #[case::curl("*/*", false)]
    fn openmetrics_goes_to_those_that_ask_for_it(#[case] accept: &str, #[case] expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        assert_eq!(takes_openmetrics(&headers), expected);
    }
}
