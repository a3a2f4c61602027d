//! Which path leads to which function.

use std::any::Any;
use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router, middleware};
use http::{HeaderValue, header};
use sync_monitor_engine::model::Via;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::Problem;
use crate::{App, events, export, guard, handlers, help, hub, metrics, openapi, own, sync, ui};

/// Everything that the listener answers.
pub(crate) fn listener(app: &Arc<App>) -> Router {
    let admin = || middleware::from_fn_with_state(Arc::clone(app), guard::admin);
    let management = Router::from(management())
        .fallback(ui::not_found)
        .method_not_allowed_fallback(ui::method_not_allowed)
        .layer(admin());
    let endpoint = Router::from(endpoint())
        .method_not_allowed_fallback(sync::method_not_allowed)
        .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| sync::panicked()));
    Router::new()
        .nest("/api/v1", management)
        .merge(endpoint)
        .merge(Router::from(figures()).layer(admin()))
        .merge(Router::from(health()))
        .route("/openapi.json", get(openapi::handle))
        .route("/", get(ui::index))
        .route("/open", get(ui::open))
        .fallback(ui::other)
        .method_not_allowed_fallback(ui::method_not_allowed)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(Arc::clone(app), guard::host))
        .with_state(Arc::clone(app))
}

/// The API described in `OpenAPI`, as JSON.
pub(crate) fn description() -> String {
    let all = OpenApiRouter::default()
        .nest("/api/v1", management())
        .merge(endpoint())
        .merge(figures())
        .merge(health());
    // Our own types, whose keys are texts: this cannot fail.
    serde_json::to_string_pretty(&openapi::complete(all.into_openapi())).unwrap_or_default()
}

/// What the window asks in this process: the use cases, with nobody to guard against.
pub(crate) fn in_process(app: &Arc<App>) -> Router {
    Router::new()
        .nest("/api/v1", use_cases().into())
        .fallback(ui::not_found)
        .method_not_allowed_fallback(ui::method_not_allowed)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(Extension(Via::Window))
        .with_state(Arc::clone(app))
}

fn management() -> OpenApiRouter<Arc<App>> {
    use_cases().routes(routes!(events::handle))
}

fn endpoint() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default().routes(routes!(sync::documented)).routes(routes!(sync::short))
}

fn figures() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default().routes(routes!(metrics::handle))
}

fn health() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default().routes(routes!(healthz)).routes(routes!(help::list)).routes(routes!(help::code))
}

fn use_cases() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(handlers::status))
        .routes(routes!(handlers::pause_relay))
        .routes(routes!(handlers::resume_relay))
        .routes(routes!(handlers::orgs))
        .routes(routes!(handlers::import_org))
        .routes(routes!(handlers::login))
        .routes(routes!(handlers::sign_in, handlers::cancel_sign_in))
        .routes(routes!(handlers::cli_orgs, handlers::connect_cli_org))
        .routes(routes!(handlers::disconnect_org, handlers::change_org))
        .routes(routes!(handlers::login_again))
        .routes(routes!(handlers::test_org))
        .routes(routes!(hub::pull_now, hub::change_pull))
        .routes(routes!(hub::change_adapter))
        .routes(routes!(hub::mapping, hub::set_mapping, hub::forget_mapping))
        .routes(routes!(hub::set_key, hub::forget_key))
        .routes(routes!(hub::link))
        .routes(routes!(hub::links))
        .routes(routes!(hub::unlink))
        .routes(routes!(own::items))
        .routes(routes!(own::requeue))
        .routes(routes!(own::dismiss))
        .routes(routes!(handlers::pause_org))
        .routes(routes!(handlers::resume_org))
        .routes(routes!(handlers::routes, handlers::add_route))
        .routes(routes!(handlers::change_route, handlers::remove_route))
        .routes(routes!(handlers::tokens, handlers::create_token))
        .routes(routes!(handlers::revoke_token))
        .routes(routes!(handlers::items))
        .routes(routes!(export::items))
        .routes(routes!(handlers::item))
        .routes(routes!(handlers::bulk::retry))
        .routes(routes!(handlers::bulk::dismiss))
        .routes(routes!(handlers::bulk::restore))
        .routes(routes!(handlers::bulk::send_now))
        .routes(routes!(handlers::bulk::preflight))
        .routes(routes!(handlers::work_items))
        .routes(routes!(handlers::bulk::runs))
        .routes(routes!(handlers::bulk::run))
        .routes(routes!(handlers::stats))
        .routes(routes!(handlers::failures))
        .routes(routes!(handlers::activity))
        .routes(routes!(export::activity))
        .routes(routes!(handlers::link))
        .routes(routes!(handlers::settings::settings, handlers::settings::change_settings))
        .routes(routes!(handlers::diagnostics::diagnostics))
        .routes(routes!(handlers::log::log, handlers::log::change_log))
        .routes(routes!(handlers::log::see_crash))
        .routes(routes!(handlers::store::store))
        .routes(routes!(handlers::store::check_store))
        .routes(routes!(handlers::store::back_up_store))
}

/// Is the program up?
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, content_type = "application/json", body = Health)))]
async fn healthz() -> Response {
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ([json], "{\"status\":\"ok\"}").into_response()
}

/// The answer of `GET /healthz`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "says how the answer looks")]
struct Health {
    status: String,
}

/// The panic hook has logged it.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::server_error().into_response()
}
