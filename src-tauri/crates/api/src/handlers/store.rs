//! The store as a file.

use std::path::PathBuf;

use axum::Json;
use serde::Deserialize;

use super::{Answer, App_, of_program};
use crate::body;
use crate::program::{Backup, StoreCheck, StoreFacts};

/// `GET store`.
pub(crate) async fn facts(app: App_) -> Answer<StoreFacts> {
    of_program(&app, |program| program.store()).await.map(Json)
}

/// `POST store/check`.
pub(crate) async fn check(app: App_) -> Answer<StoreCheck> {
    of_program(&app, |program| program.check_store()).await.map(Json)
}

/// Where a backup is to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    path: Option<PathBuf>,
}

/// `POST store/backup`.
pub(crate) async fn back_up(app: App_, body::Json(place): body::Json<Place>) -> Answer<Backup> {
    let backup = of_program(&app, move |program| program.back_up_store(place.path.as_deref())).await?;
    app.engine.note("store.backup", &backup.path, &app.actor).await?;
    Ok(Json(backup))
}
