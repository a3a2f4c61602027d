//! What failed or waits in an org by its own package's doing.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use sync_monitor_engine::OwnAction;

use crate::asker::Asker;
use crate::handlers::{named_org, text};
use crate::openapi::{BadBody, BadQuery, Conflict, NotFound, Refused};
use crate::problem::Problem;
use crate::query::{self, Query};
use crate::{App, body, dto, schema};

type App_ = State<Arc<App>>;
type Answer<T> = Result<Json<T>, Problem>;

/// What an org's own queue holds that somebody should see; 200 at most, the newest first, without the dismissed.
#[utoipa::path(get, path = "/orgs/{id}/sync-items", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org"), query::OwnFilter), responses((status = 200, body = dto::OwnItems), Refused, NotFound, BadQuery, Conflict))]
pub(crate) async fn items(
    State(app): App_,
    Path(id): Path<String>,
    mut query: Query,
) -> Answer<dto::OwnItems> {
    let org = named_org(&id)?;
    let statuses = query.own_statuses()?;
    query.end()?;
    let (items, read_at) = app.engine.own_items(org, &statuses).await?;
    Ok(Json(dto::OwnItems::new(items, read_at)))
}

/// Let an org send again what it failed to send.
#[utoipa::path(post, path = "/orgs/{id}/sync-items/requeue", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), request_body = dto::OwnSelection, responses((status = 200, body = dto::OwnDone), Refused, NotFound, BadBody, Conflict))]
pub(crate) async fn requeue(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
    body::Json(wanted): body::Json<dto::OwnSelection>,
) -> Answer<dto::OwnDone> {
    let org = named_org(&id)?;
    Ok(Json(app.engine.change_own_items(org, &wanted.ids, OwnAction::Requeue, &actor).await?.into()))
}

/// Let an org show no more what it failed to send, for a reason.
#[utoipa::path(post, path = "/orgs/{id}/sync-items/dismiss", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), request_body = dto::OwnDismissal, responses((status = 200, body = dto::OwnDone), Refused, NotFound, BadBody, Conflict))]
pub(crate) async fn dismiss(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
    body::Json(wanted): body::Json<dto::OwnDismissal>,
) -> Answer<dto::OwnDone> {
    let org = named_org(&id)?;
    let reason = text("reason", &wanted.reason)?;
    let action = OwnAction::Dismiss { reason };
    Ok(Json(app.engine.change_own_items(org, &wanted.ids, action, &actor).await?.into()))
}
