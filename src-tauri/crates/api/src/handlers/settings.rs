//! The settings.

use std::collections::BTreeMap;

use axum::Json;
use serde_json::Value;

use super::{Answer, App_, invalid, of_program};
use crate::asker::Asker;
use crate::openapi::{BadBody, Conflict, Refused};
use crate::program::Settings;
use crate::{body, schema};

/// The settings: what each is, what it is for, where its value comes from.
#[utoipa::path(get, path = "/settings", tag = "settings", responses((status = 200, body = Settings), Refused))]
pub(crate) async fn list(app: App_) -> Answer<Settings> {
    of_program(&app, |program| program.settings()).await.map(Json)
}

/// Change settings, all of them or none; null takes one back to its default.
#[utoipa::path(patch, path = "/settings", tag = "settings", request_body = schema::AnyObject, responses((status = 200, body = Settings), Refused, BadBody, Conflict))]
pub(crate) async fn change(
    app: App_,
    Asker(actor): Asker,
    body::Json(changes): body::Json<BTreeMap<String, Value>>,
) -> Answer<Settings> {
    if changes.is_empty() {
        return Err(invalid(
            "There is nothing to change. Name a setting and its value, or null for its default.",
        ));
    }
    let names = changes.keys().cloned().collect::<Vec<_>>().join(", ");
    let settings = of_program(&app, move |program| program.change_settings(&changes)).await?;
    app.engine.note("settings.change", &names, &actor).await?;
    Ok(Json(settings))
}
