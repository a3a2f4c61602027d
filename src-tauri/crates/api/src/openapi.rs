//! The description of the API (`OpenAPI` 3.1), made from the handlers and their types.

use std::collections::BTreeMap;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};
use utoipa::openapi::response::{Response as Described, ResponseBuilder};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, Ref, RefOr, Schema};
use utoipa::{IntoResponses, PartialSchema as _, ToSchema as _};

use crate::problem::Problem;
use crate::schema;
use crate::sync::Envelope;

/// What a bearer token is called in the description.
const ADMIN: &str = "adminToken";
/// The same for the sync endpoint.
const INTEGRATION: &str = "integrationToken";

/// Answers that are problems, by their statuses.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident { $($status:literal $what:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Described>> {
                BTreeMap::from([$((stringify!($status).to_owned(), RefOr::T(problem($what))),)*])
            }
        }
    )*};
}

problems! {
    /// What any call of the management API may answer.
    Refused {
        401 "No token, or one that is not known",
        403 "A token that may not, or a request from another site",
        500 "Something unexpected; nothing was changed",
    }
    /// What a call that reads its query may answer.
    BadQuery { 400 "A parameter that cannot be used" }
    /// What a call that takes a body may answer.
    BadBody {
        400 "A body that cannot be used",
        413 "A body over 6 MiB",
        415 "A body that is not said to be JSON",
    }
    /// What a call that names something may answer.
    NotFound { 404 "There is nothing of that name" }
    /// What a command may answer.
    Conflict { 409 "It cannot be done as things stand" }
    /// What a call that writes a file may answer.
    NoRoom { 507 "There is not enough room on the disk" }
    /// What connecting an org may answer.
    Connecting {
        409 "The port that the browser comes back to is taken",
        422 "The org, or the Salesforce CLI, refused the sign-in",
        502 "The org does not answer, or the Salesforce CLI failed",
        503 "There is no keychain, or no Salesforce CLI that can be used",
    }
}

fn problem(description: &str) -> Described {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

/// What is said of the API as a whole, and of what every call has in common.
pub(crate) fn complete(mut api: OpenApi) -> OpenApi {
    api.info = InfoBuilder::new()
        .title("Sync Monitor")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The sync endpoint, and the management API of the program on this machine. The admin token is in `api.json` in the data folder.",
        ))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build()))
        .build();
    let components = api.components.get_or_insert_default();
    for (name, what) in [
        (ADMIN, "From `api.json` in the data folder; another one at each start"),
        (INTEGRATION, "Made by `POST /api/v1/tokens`; may send changes of its orgs and nothing else"),
    ] {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some(what.to_owned());
        components.add_security_scheme(name, SecurityScheme::Http(scheme));
    }
    // What only answers name is not found by itself.
    for (name, schema) in [
        (Problem::name(), Problem::schema()),
        (Envelope::name(), Envelope::schema()),
        (schema::Fault::name(), schema::Fault::schema()),
        (schema::ErrorCodeWord::name(), schema::ErrorCodeWord::schema()),
    ] {
        components.schemas.insert(name.into_owned(), schema);
    }
    // utoipa takes a member that may be null for one that may be missing. Here answers have every member, always.
    let sent = sent_by_clients(&components.schemas);
    for (name, schema) in &mut components.schemas {
        if !sent.contains(name) {
            require_everything(schema);
        }
    }
    for (path, item) in &mut api.paths.paths {
        let scheme = if path.starts_with("/api/") || path == "/metrics" {
            ADMIN
        } else if crate::sync::is_path(path) {
            INTEGRATION
        } else {
            continue;
        };
        for operation in operations(item) {
            operation.security = Some(vec![SecurityRequirement::new(scheme, Vec::<String>::new())]);
        }
    }
    api
}

fn operations(
    item: &mut utoipa::openapi::PathItem,
) -> impl Iterator<Item = &mut utoipa::openapi::path::Operation> {
    let utoipa::openapi::PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// The schemas of what clients send: those that take nothing that they do not know, and what is left out on purpose.
fn sent_by_clients(schemas: &BTreeMap<String, RefOr<Schema>>) -> Vec<String> {
    let is_sent = |schema: &RefOr<Schema>| match schema {
        RefOr::T(Schema::Object(object)) => object.additional_properties.is_some(),
        _ => false,
    };
    let sent = schemas.iter().filter(|(_, schema)| is_sent(schema)).map(|(name, _)| name.clone());
    sent.chain(["Fault", "Envelope", "Payload"].map(str::to_owned)).collect()
}

fn require_everything(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => object.required = object.properties.keys().cloned().collect(),
        RefOr::T(Schema::AllOf(all)) => all.items.iter_mut().for_each(require_everything),
        _ => {}
    }
}

/// `GET /openapi.json`.
pub(crate) async fn handle() -> Response {
    // Made anew each time: it is asked for so rarely that it is not worth keeping.
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ([json], crate::router::description()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_snapshot_is_made_from_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/openapi.json");
        let now = crate::router::description() + "\n";
        if std::env::var_os("SYNC_MONITOR_CODEGEN").is_some() {
            std::fs::write(path, &now).unwrap();
        }
        assert!(
            std::fs::read_to_string(path).unwrap() == now,
            "docs/openapi.json is not what the code says. Run `cargo xtask codegen` and look at what changed."
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let text = crate::router::description();
        let api: serde_json::Value = serde_json::from_str(&text).unwrap();
        for reference in text.split("\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(api.pointer(reference).is_some(), "{reference} is not there");
        }
    }

    #[test]
    fn every_call_of_the_management_api_needs_the_admin_token_and_says_what_else_it_may_answer() {
        let api: serde_json::Value = serde_json::from_str(&crate::router::description()).unwrap();
        let paths = api["paths"].as_object().unwrap();
        assert!(paths.len() > 25, "{} paths", paths.len());
        for (path, item) in paths.iter().filter(|(path, _)| path.starts_with("/api/v1/")) {
            for (method, operation) in item.as_object().unwrap() {
                let answers = operation["responses"].as_object().unwrap();
                for status in ["401", "403", "500"] {
                    assert!(answers.contains_key(status), "{method} {path} does not say {status}");
                }
                assert_eq!(operation["security"][0].as_object().unwrap().keys().next().unwrap(), ADMIN);
                assert!(operation["summary"].is_string(), "{method} {path} says nothing of itself");
            }
        }
        assert_eq!(
            api["paths"]["/delivery/sync"]["post"]["security"][0].as_object().unwrap().keys().next().unwrap(),
            INTEGRATION
        );
    }
}
