//! The log, and what is left of a crash.

use axum::Json;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Answer, App_, of_program};
use crate::asker::Asker;
use crate::body;
use crate::openapi::{BadBody, Refused};
use crate::problem::Problem;
use crate::program::Log;

/// The last lines of the log, and what is logged.
#[utoipa::path(get, path = "/log", tag = "status", responses((status = 200, body = Log), Refused))]
pub(crate) async fn log(app: App_) -> Answer<Log> {
    of_program(&app, |program| Ok(program.log())).await.map(Json)
}

/// What is to be logged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogLevel {
    /// `error`, `warn`, `info`, `debug` or `trace`; or a filter like `info,sync_monitor_engine=debug`.
    level: String,
}

/// Change what is logged, until the program ends.
#[utoipa::path(patch, path = "/log", tag = "status", request_body = LogLevel, responses((status = 200, body = Log), Refused, BadBody))]
pub(crate) async fn change_log(
    app: App_,
    Asker(actor): Asker,
    body::Json(LogLevel { level }): body::Json<LogLevel>,
) -> Answer<Log> {
    let wanted = level.clone();
    let log = of_program(&app, move |program| {
        program.set_log_level(&wanted)?;
        Ok(program.log())
    })
    .await?;
    app.engine.note("log.level", &level, &actor).await?;
    Ok(Json(log))
}

/// The report of the last crash was seen, and need not be told of any more.
#[utoipa::path(delete, path = "/crash", tag = "status", responses((status = 204, description = "It is not told of any more"), Refused))]
pub(crate) async fn see_crash(app: App_, Asker(actor): Asker) -> Result<StatusCode, Problem> {
    let crash = of_program(&app, |program| {
        let crash = program.crash();
        program.see_crash()?;
        Ok(crash)
    })
    .await?;
    if let Some(crash) = crash {
        app.engine.note("crash.seen", &crash.summary, &actor).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
