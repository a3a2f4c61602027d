//! The settings.

use std::collections::BTreeMap;

use axum::Json;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Answer, App_, invalid, of_program};
use crate::asker::Asker;
use crate::openapi::{BadBody, Conflict, Refused};
use crate::program::Settings;
use crate::{body, schema};

/// Every setting: what it is, what it may be, where it comes from, when a change takes effect.
#[utoipa::path(get, path = "/settings", tag = "settings", responses((status = 200, body = Settings), Refused, Conflict))]
pub(crate) async fn settings(app: App_) -> Answer<Settings> {
    of_program(&app, |program| program.settings()).await.map(Json)
}

/// Changes by the settings' names; `null` takes one back to its default.
#[derive(Deserialize, ToSchema)]
#[schema(value_type = BTreeMap<String, schema::AnyJson>)]
pub(crate) struct SettingsChange(BTreeMap<String, Value>);

/// Change settings in the file, all that are named or none.
#[utoipa::path(patch, path = "/settings", tag = "settings", request_body = SettingsChange, responses((status = 200, body = Settings), Refused, BadBody, Conflict))]
pub(crate) async fn change_settings(
    app: App_,
    Asker(actor): Asker,
    body::Json(SettingsChange(changes)): body::Json<SettingsChange>,
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
