//! What support may know.

use axum::Json;
use http::{HeaderName, header};

use sync_monitor_engine::model::ActivityFilter;

use super::{App_, of_program};
use crate::dto::Diagnostics;
use crate::openapi::Refused;
use crate::problem::Problem;

/// How many of the last things done are told.
const ACTIONS: u32 = 100;

/// A file for support: how things stand, without tokens, users, hosts and payloads.
#[utoipa::path(get, path = "/diagnostics", tag = "status", responses((status = 200, body = Diagnostics), Refused))]
pub(crate) async fn diagnostics(
    app: App_,
) -> Result<([(HeaderName, String); 1], Json<Diagnostics>), Problem> {
    let counts = app.engine.counts().await?;
    let orgs = app.engine.orgs().await?;
    let names = Diagnostics::names(&orgs, app.hosts.configured());
    let program = of_program(&app, move |program| Ok(program.diagnostics(names))).await?;
    let now = app.engine.clock().now();
    let bundle = Diagnostics {
        made_at: now,
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: app.started_at.elapsed().as_secs(),
        demo: app.demo,
        is_loopback: app.listen_address.ip().is_loopback(),
        counts: (&counts).into(),
        held: counts.held,
        dismissed: counts.dismissed,
        suppressed_echoes: counts.suppressed_echoes,
        next_attempt_at: counts.next_attempt_at,
        orgs: orgs.iter().map(Into::into).collect(),
        routes: app.engine.routes().await?.iter().map(Into::into).collect(),
        tokens: app.engine.tokens().await?.len(),
        failures: app.engine.failures().await?.iter().map(Into::into).collect(),
        actions: app
            .engine
            .activity(ActivityFilter::default(), ACTIONS, None)
            .await?
            .activity
            .iter()
            .map(Into::into)
            .collect(),
        program,
    };
    let name = format!("attachment; filename=\"sync-monitor-diagnostics-{}.json\"", &now.to_string()[..10]);
    Ok(([(header::CONTENT_DISPOSITION, name)], Json(bundle)))
}
