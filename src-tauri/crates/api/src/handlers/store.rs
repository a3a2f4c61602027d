//! The store as a file.

use std::path::PathBuf;

use axum::Json;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Answer, App_, of_program};
use crate::asker::Asker;
use crate::body;
use crate::openapi::{BadBody, Conflict, NoRoom, Refused};
use crate::program::{Backup, StoreCheck, StoreFacts};

/// The store as a file: where it is, how large it is, how much it holds.
#[utoipa::path(get, path = "/store", tag = "store", responses((status = 200, body = StoreFacts), Refused))]
pub(crate) async fn facts(app: App_) -> Answer<StoreFacts> {
    of_program(&app, |program| program.store()).await.map(Json)
}

/// Look for what is wrong with the store.
#[utoipa::path(post, path = "/store/check", tag = "store", responses((status = 200, body = StoreCheck), Refused))]
pub(crate) async fn check(app: App_) -> Answer<StoreCheck> {
    of_program(&app, |program| program.check_store()).await.map(Json)
}

/// Where a backup is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    #[schema(value_type = Option<String>)]
    path: Option<PathBuf>,
}

/// Copy the store to a file while the program runs; what is there is never written over.
#[utoipa::path(post, path = "/store/backup", tag = "store", request_body = Place, responses((status = 200, body = Backup), Refused, BadBody, Conflict, NoRoom))]
pub(crate) async fn back_up(
    app: App_,
    Asker(actor): Asker,
    body::Json(place): body::Json<Place>,
) -> Answer<Backup> {
    let backup = of_program(&app, move |program| program.back_up_store(place.path.as_deref())).await?;
    app.engine.note("store.backup", &backup.path, &actor).await?;
    Ok(Json(backup))
}
