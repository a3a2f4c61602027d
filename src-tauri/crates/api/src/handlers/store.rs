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

/// How much there is in the store.
#[utoipa::path(get, path = "/store", tag = "store", responses((status = 200, body = StoreFacts), Refused))]
pub(crate) async fn store(app: App_) -> Answer<StoreFacts> {
    of_program(&app, |program| program.store()).await.map(Json)
}

/// Look whether the store is sound; the program goes on meanwhile.
#[utoipa::path(post, path = "/store/check", tag = "store", responses((status = 200, body = StoreCheck), Refused))]
pub(crate) async fn check_store(app: App_) -> Answer<StoreCheck> {
    of_program(&app, |program| program.check_store()).await.map(Json)
}

/// Where a backup is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackupPlace {
    /// The whole path of a file; left out, it is named by the time in the data folder.
    #[schema(value_type = Option<String>)]
    path: Option<PathBuf>,
}

/// Copy the store to a file that is not there yet, whole and checked; the program goes on meanwhile.
#[utoipa::path(post, path = "/store/backup", tag = "store", request_body = BackupPlace, responses((status = 200, body = Backup), Refused, BadBody, Conflict, NoRoom))]
pub(crate) async fn back_up_store(
    app: App_,
    Asker(actor): Asker,
    body::Json(place): body::Json<BackupPlace>,
) -> Answer<Backup> {
    let backup = of_program(&app, move |program| program.back_up_store(place.path.as_deref())).await?;
    app.engine.note("store.backup", &backup.path, &actor).await?;
    Ok(Json(backup))
}
