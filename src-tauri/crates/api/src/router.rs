//! Which path leads to which function.

use std::any::Any;
use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, patch, post};
use axum::{Extension, Router, middleware};
use http::{HeaderValue, header};
use sync_monitor_engine::model::Via;
use tower_http::catch_panic::CatchPanicLayer;

use crate::problem::Problem;
use crate::{App, events, export, guard, handlers, metrics, sync, ui};

/// Everything that the listener answers.
pub(crate) fn listener(app: &Arc<App>) -> Router {
    let management = use_cases()
        .route("/events", get(events::handle))
        .fallback(ui::not_found)
        .method_not_allowed_fallback(ui::method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(app), guard::admin));
    let mut endpoint = Router::new();
    for path in sync::PATHS {
        endpoint = endpoint.route(path, post(sync::handle));
    }
    let endpoint = endpoint.layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| sync::panicked()));
    Router::new()
        .nest("/api/v1", management)
        .merge(endpoint)
        .route("/healthz", get(healthz))
        .route(
            "/metrics",
            get(metrics::handle).layer(middleware::from_fn_with_state(Arc::clone(app), guard::admin)),
        )
        .route("/", get(ui::index))
        .route("/open", get(ui::open))
        .fallback(ui::other)
        .method_not_allowed_fallback(ui::method_not_allowed)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(Arc::clone(app), guard::host))
        .with_state(Arc::clone(app))
}

/// What the window asks in this process: the use cases, with nobody to guard against.
pub(crate) fn in_process(app: &Arc<App>) -> Router {
    Router::new()
        .nest("/api/v1", use_cases())
        .fallback(ui::not_found)
        .method_not_allowed_fallback(ui::method_not_allowed)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(Extension(Via::Window))
        .with_state(Arc::clone(app))
}

fn use_cases() -> Router<Arc<App>> {
    Router::new()
        .route("/status", get(handlers::status))
        .route("/relay/pause", post(handlers::pause_relay))
        .route("/relay/resume", post(handlers::resume_relay))
        .route("/orgs", get(handlers::orgs))
        .route("/orgs/import", post(handlers::import_org))
        .route("/orgs/login", post(handlers::login))
        .route("/orgs/login/{id}", get(handlers::sign_in).delete(handlers::cancel_sign_in))
        .route("/orgs/cli", get(handlers::cli_orgs).post(handlers::connect_cli_org))
        .route("/orgs/{id}", delete(handlers::disconnect_org).patch(handlers::change_org))
        .route("/orgs/{id}/login", post(handlers::login_again))
        .route("/orgs/{id}/test", post(handlers::test_org))
        .route("/orgs/{id}/pause", post(handlers::pause_org))
        .route("/orgs/{id}/resume", post(handlers::resume_org))
        .route("/routes", get(handlers::routes).post(handlers::add_route))
        .route("/routes/{id}", patch(handlers::change_route).delete(handlers::remove_route))
        .route("/tokens", get(handlers::tokens).post(handlers::create_token))
        .route("/tokens/{id}", delete(handlers::revoke_token))
        .route("/items", get(handlers::items))
        .route("/items/export", get(export::items))
        .route("/items/{id}", get(handlers::item))
        .route("/items/retry", post(handlers::retry))
        .route("/items/dismiss", post(handlers::dismiss))
        .route("/items/restore", post(handlers::restore))
        .route("/items/send-now", post(handlers::send_now))
        .route("/items/preflight", post(handlers::preflight))
        .route("/work-items", get(handlers::work_items))
        .route("/runs", get(handlers::runs))
        .route("/runs/{id}", get(handlers::run))
        .route("/stats", get(handlers::stats))
        .route("/failures", get(handlers::failures))
        .route("/activity", get(handlers::activity))
        .route("/activity/export", get(export::activity))
        .route("/session/link", post(handlers::link))
}

/// `GET /healthz`: is the program up?
async fn healthz() -> Response {
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ([json], "{\"status\":\"ok\"}").into_response()
}

/// The panic hook has logged it.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::server_error().into_response()
}
