//! The pages that explain codes, for whoever got one, with a token or without.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};
use sync_monitor_domain::help;

use crate::problem::Problem;

/// Every code that the program answers with.
#[utoipa::path(get, path = "/errors", tag = "health", responses((status = 200, content_type = "text/markdown", body = String)))]
pub(crate) async fn list() -> Response {
    page(help::list())
}

/// What a code means: what happened, why, what to do. Of an org's codes too, as failed items show them.
#[utoipa::path(get, path = "/errors/{code}", tag = "health", params(("code" = String, Path, description = "The code")), responses((status = 200, content_type = "text/markdown", body = String), (status = 404, content_type = "application/problem+json", body = Problem)))]
pub(crate) async fn code(Path(code): Path<String>) -> Result<Response, Problem> {
    let found = help::page(&code).map(page);
    found.ok_or_else(|| {
        Problem::not_found("No code of this name is known. GET /errors lists those that there are.")
    })
}

fn page(text: String) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/markdown; charset=utf-8"))], text).into_response()
}

/// The header that leads to the page of a code.
pub(crate) fn link(code: &str) -> HeaderValue {
    // Codes are capitals and underscores.
    HeaderValue::try_from(format!("</errors/{code}>; rel=\"help\""))
        .unwrap_or_else(|_| HeaderValue::from_static("</errors>; rel=\"help\""))
}
