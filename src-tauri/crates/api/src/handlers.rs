//! One function for each use case of the management API, the same for HTTP and for the window.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use sync_monitor_domain::OrgId;
use sync_monitor_engine::{Consent, model};
use uuid::Uuid;

use crate::asker::Asker;
use crate::openapi::{BadBody, BadQuery, Conflict, Connecting, NotFound, Refused};
use crate::problem::Problem;
use crate::program::{Program, Trouble};
use crate::query::{self, Query};
use crate::{App, body, dto, schema};

pub(crate) mod bulk;
pub(crate) mod diagnostics;
pub(crate) mod log;
pub(crate) mod settings;
pub(crate) mod store;

type App_ = State<Arc<App>>;
type Answer<T> = Result<Json<T>, Problem>;

/// The longest name, alias or reason, in characters.
const MAX_TEXT: usize = 1_000;

/// How the program is: counters, what is held, when the next attempt is due.
#[utoipa::path(get, path = "/status", tag = "status", responses((status = 200, body = dto::Status), Refused))]
pub(crate) async fn status(State(app): App_) -> Answer<dto::Status> {
    let counts = app.engine.counts().await?;
    let crash = of_program(&app, |program| Ok(program.crash())).await?;
    Ok(Json(dto::Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: app.started_at.elapsed().as_secs(),
        counts: (&counts).into(),
        held: counts.held,
        dismissed: counts.dismissed,
        suppressed_echoes: counts.suppressed_echoes,
        next_attempt_at: counts.next_attempt_at,
        orgs: counts.orgs,
        demo: app.demo,
        listen_address: app.listen_address.to_string(),
        schedule: app.engine.schedule().waits().iter().copied().map(dto::duration).collect(),
        server_time: app.engine.clock().now(),
        demo_login_url: app.demo_login_url.clone(),
        relay: app.engine.relay().into(),
        crash: crash.map(Into::into),
    }))
}

/// Send nothing to any org until a time, or until resumed.
#[utoipa::path(post, path = "/relay/pause", tag = "relay", request_body = Option<dto::RelayPause>, responses((status = 200, body = dto::Relay), Refused, BadBody))]
pub(crate) async fn pause_relay(
    State(app): App_,
    Asker(actor): Asker,
    body::MaybeJson(pause): body::MaybeJson<dto::RelayPause>,
) -> Answer<dto::Relay> {
    let until = pause.until.as_deref().map(query::time).transpose();
    let until = until.map_err(|why| invalid(format!("until cannot be used: {why}.")))?;
    Ok(Json(app.engine.pause_relay(until, &actor).await?.into()))
}

/// Send again; orgs keep the pauses of their own.
#[utoipa::path(post, path = "/relay/resume", tag = "relay", responses((status = 200, body = dto::Relay), Refused))]
pub(crate) async fn resume_relay(State(app): App_, Asker(actor): Asker) -> Answer<dto::Relay> {
    Ok(Json(app.engine.resume_relay(&actor).await?.into()))
}

/// An org as the engine knows it.
pub(crate) fn told(app: &App, org: model::Org) -> dto::Org {
    let own = app.engine.own_reading(org.org_id);
    dto::Org::new(org, own)
}

/// Connected orgs, with their health.
#[utoipa::path(get, path = "/orgs", tag = "orgs", responses((status = 200, body = dto::Orgs), Refused))]
pub(crate) async fn orgs(State(app): App_) -> Answer<dto::Orgs> {
    let orgs = app.engine.orgs().await?.into_iter().map(|org| told(&app, org)).collect();
    Ok(Json(dto::Orgs { orgs }))
}

/// Connect an org by its sfdxAuthUrl.
#[utoipa::path(post, path = "/orgs/import", tag = "orgs", request_body = dto::ImportOrg, responses((status = 201, body = dto::Org), Refused, BadBody, Connecting))]
pub(crate) async fn import_org(
    State(app): App_,
    Asker(actor): Asker,
    body::Json(org): body::Json<dto::ImportOrg>,
) -> Result<(StatusCode, Json<dto::Org>), Problem> {
    let alias = optional("alias", org.alias)?;
    // Pasted and piped texts end in a line break.
    let auth_url = SecretString::from(org.sfdx_auth_url.expose_secret().trim());
    let org = app.engine.import_org(auth_url, alias, &actor).await?;
    Ok((StatusCode::CREATED, Json(told(&app, org))))
}

/// Begin a sign-in in the browser; opens nothing itself.
#[utoipa::path(post, path = "/orgs/login", tag = "orgs", request_body = dto::Login, responses((status = 200, body = dto::SignIn), Refused, BadBody, Connecting))]
pub(crate) async fn login(
    State(app): App_,
    Asker(actor): Asker,
    body::Json(login): body::Json<dto::Login>,
) -> Answer<dto::SignIn> {
    let alias = optional("alias", login.alias)?;
    let client_id = optional("clientId", login.client_id)?;
    Ok(Json(app.engine.begin_sign_in(login.login_url, client_id, alias, &actor).await?.into()))
}

/// Begin to sign in to a connected org again, the way it was done before.
#[utoipa::path(post, path = "/orgs/{id}/login", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), responses((status = 200, body = dto::SignIn), Refused, NotFound, Connecting))]
pub(crate) async fn login_again(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Answer<dto::SignIn> {
    Ok(Json(app.engine.sign_in_again(named_org(&id)?, &actor).await?.into()))
}

/// How a sign-in stands.
#[utoipa::path(get, path = "/orgs/login/{id}", tag = "orgs", params(("id" = Uuid, Path, description = "The sign-in")), responses((status = 200, body = dto::SignIn), Refused, NotFound))]
pub(crate) async fn sign_in(State(app): App_, Path(id): Path<String>) -> Answer<dto::SignIn> {
    Ok(Json(app.engine.sign_in(named("sign-in", &id)?)?.into()))
}

/// Give up a sign-in.
#[utoipa::path(delete, path = "/orgs/login/{id}", tag = "orgs", params(("id" = Uuid, Path, description = "The sign-in")), responses((status = 204), Refused, NotFound))]
pub(crate) async fn cancel_sign_in(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.engine.cancel_sign_in(named("sign-in", &id)?, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The orgs that the Salesforce CLI on this machine is signed in to.
#[utoipa::path(get, path = "/orgs/cli", tag = "orgs", responses((status = 200, body = dto::CliOrgs), Refused, Connecting))]
pub(crate) async fn cli_orgs(State(app): App_) -> Answer<dto::CliOrgs> {
    let known = app.engine.cli_orgs().await?;
    let connected = app.engine.orgs().await?.into_iter().map(|org| org.org_id).collect();
    Ok(Json(dto::CliOrgs::new(known, &connected)))
}

/// Connect an org through the Salesforce CLI, which stays the owner of its token.
#[utoipa::path(post, path = "/orgs/cli", tag = "orgs", request_body = dto::ConnectCliOrg, responses((status = 201, body = dto::Org), Refused, BadBody, Connecting))]
pub(crate) async fn connect_cli_org(
    State(app): App_,
    Asker(actor): Asker,
    body::Json(org): body::Json<dto::ConnectCliOrg>,
) -> Result<(StatusCode, Json<dto::Org>), Problem> {
    let username = text("username", &org.username)?;
    let alias = optional("alias", org.alias)?;
    let org = app.engine.connect_cli_org(&username, alias, &actor).await?;
    Ok((StatusCode::CREATED, Json(told(&app, org))))
}

/// Test an org: sign-in, endpoint, API usage, clock.
#[utoipa::path(post, path = "/orgs/{id}/test", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), responses((status = 200, body = dto::Tested), Refused, NotFound))]
pub(crate) async fn test_org(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Answer<dto::Tested> {
    let (org, checks) = app.engine.test_org(named_org(&id)?, &actor).await?;
    Ok(Json(dto::Tested { org: told(&app, org), checks: checks.into_iter().map(Into::into).collect() }))
}

/// Change what an org is called, or the path of its endpoint.
#[utoipa::path(patch, path = "/orgs/{id}", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), request_body = dto::OrgChange, responses((status = 200, body = dto::Org), Refused, NotFound, BadBody))]
pub(crate) async fn change_org(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
    body::Json(change): body::Json<dto::OrgChange>,
) -> Answer<dto::Org> {
    if change.alias.is_none() && change.endpoint_path.is_none() {
        return Err(invalid("There is nothing to change. Give alias or endpointPath."));
    }
    // An empty alias takes the alias away.
    let alias = match change.alias {
        Some(alias) if alias.trim().is_empty() => Some(String::new()),
        alias => optional("alias", alias)?,
    };
    let org = app.engine.change_org(named_org(&id)?, alias, change.endpoint_path, &actor).await?;
    Ok(Json(told(&app, org)))
}

/// Send nothing to an org until it is resumed.
#[utoipa::path(post, path = "/orgs/{id}/pause", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), responses((status = 200, body = dto::Org), Refused, NotFound))]
pub(crate) async fn pause_org(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Answer<dto::Org> {
    Ok(Json(told(&app, app.engine.pause_org(named_org(&id)?, true, &actor).await?)))
}

/// Send to an org again.
#[utoipa::path(post, path = "/orgs/{id}/resume", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), responses((status = 200, body = dto::Org), Refused, NotFound))]
pub(crate) async fn resume_org(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Answer<dto::Org> {
    Ok(Json(told(&app, app.engine.pause_org(named_org(&id)?, false, &actor).await?)))
}

/// Disconnect an org: its tokens are revoked and forgotten, its history stays.
#[utoipa::path(delete, path = "/orgs/{id}", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), responses((status = 204), Refused, NotFound))]
pub(crate) async fn disconnect_org(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.engine.disconnect_org(named_org(&id)?, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which org's changes go where.
#[utoipa::path(get, path = "/routes", tag = "routes", responses((status = 200, body = dto::Routes), Refused))]
pub(crate) async fn routes(State(app): App_) -> Answer<dto::Routes> {
    let routes = app.engine.routes().await?.into_iter().map(dto::Route::from).collect();
    Ok(Json(dto::Routes { routes }))
}

/// Send the changes of one org to another.
#[utoipa::path(post, path = "/routes", tag = "routes", request_body = dto::NewRoute, responses((status = 201, body = dto::Route), Refused, BadBody, Conflict))]
pub(crate) async fn add_route(
    State(app): App_,
    Asker(actor): Asker,
    body::Json(route): body::Json<dto::NewRoute>,
) -> Result<(StatusCode, Json<dto::Route>), Problem> {
    let source = org_member("sourceOrgId", &route.source_org_id)?;
    let target = org_member("targetOrgId", &route.target_org_id)?;
    let consent = Consent {
        native_path: route.accept_native_path.unwrap_or_default(),
        sandbox_to_production: route.accept_sandbox_to_production.unwrap_or_default(),
    };
    let route = app.engine.add_route(source, target, route.enabled.unwrap_or(true), consent, &actor).await?;
    Ok((StatusCode::CREATED, Json(route.into())))
}

/// Pause a route, or send by it again.
#[utoipa::path(patch, path = "/routes/{id}", tag = "routes", params(("id" = Uuid, Path, description = "The route")), request_body = dto::RouteChange, responses((status = 200, body = dto::Route), Refused, NotFound, BadBody))]
pub(crate) async fn change_route(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
    body::Json(change): body::Json<dto::RouteChange>,
) -> Answer<dto::Route> {
    Ok(Json(app.engine.enable_route(named("route", &id)?, change.enabled, &actor).await?.into()))
}

/// Remove a route; what it took before is still delivered.
#[utoipa::path(delete, path = "/routes/{id}", tag = "routes", params(("id" = Uuid, Path, description = "The route")), responses((status = 204), Refused, NotFound, Conflict))]
pub(crate) async fn remove_route(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.engine.remove_route(named("route", &id)?, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Integration tokens, without their secrets.
#[utoipa::path(get, path = "/tokens", tag = "tokens", responses((status = 200, body = dto::Tokens), Refused))]
pub(crate) async fn tokens(State(app): App_) -> Answer<dto::Tokens> {
    let tokens = app.engine.tokens().await?.into_iter().map(|token| dto::Token {
        id: token.id,
        name: token.name,
        source_org_ids: token.sources,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.last_used_at,
        revoked_at: token.revoked_at,
    });
    Ok(Json(dto::Tokens { tokens: tokens.collect() }))
}

/// Make an integration token; its secret is told this once.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = dto::NewToken, responses((status = 201, body = dto::CreatedToken), Refused, BadBody))]
pub(crate) async fn create_token(
    State(app): App_,
    Asker(actor): Asker,
    body::Json(token): body::Json<dto::NewToken>,
) -> Result<(StatusCode, Json<dto::CreatedToken>), Problem> {
    let name = text("name", &token.name)?;
    if token.source_org_ids.is_empty() {
        return Err(invalid("sourceOrgIds is empty. Name the orgs that the token may speak for."));
    }
    let sources = token
        .source_org_ids
        .iter()
        .map(|id| org_member("sourceOrgIds", id))
        .collect::<Result<Vec<_>, _>>()?;
    let expires_at = token.expires_at.as_deref().map(query::time).transpose();
    let expires_at = expires_at.map_err(|why| invalid(format!("expiresAt cannot be used: {why}.")))?;
    if expires_at.is_some_and(|at| at <= app.engine.clock().now()) {
        return Err(invalid("expiresAt has passed. Give a time to come, or leave it out."));
    }
    let (id, secret) = app.engine.create_token(name, sources, expires_at, &actor).await?;
    let created = dto::CreatedToken { id, token: secret.expose_secret().to_owned() };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Take a token out of use, at once.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens", params(("id" = Uuid, Path, description = "The token")), responses((status = 204), Refused, NotFound))]
pub(crate) async fn revoke_token(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.engine.revoke_token(named("token", &id)?, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A page of items.
#[utoipa::path(get, path = "/items", tag = "items", params(query::ItemFilter, query::Order, query::Paging), responses((status = 200, body = dto::Items), Refused, BadQuery))]
pub(crate) async fn items(State(app): App_, mut query: Query) -> Answer<dto::Items> {
    let (filter, sort, page) = (query.filter()?, query.sort()?, query.page()?);
    query.end()?;
    let page = app.engine.items(filter, sort, page.limit, page.cursor).await?;
    Ok(Json(dto::Items {
        items: page.items.into_iter().map(dto::Item::from).collect(),
        next_cursor: page.next_cursor,
        total: page.total,
    }))
}

/// An item with its payload and its attempts.
#[utoipa::path(get, path = "/items/{id}", tag = "items", params(("id" = Uuid, Path, description = "The item")), responses((status = 200, body = dto::ItemDetail), Refused, NotFound))]
pub(crate) async fn item(State(app): App_, Path(id): Path<String>) -> Answer<dto::ItemDetail> {
    Ok(Json(app.engine.item(named("item", &id)?).await?.into()))
}

/// Records as people know them, the one touched last first.
#[utoipa::path(get, path = "/work-items", tag = "items", params(query::Search, query::Paging), responses((status = 200, body = dto::WorkItems), Refused, BadQuery))]
pub(crate) async fn work_items(State(app): App_, mut query: Query) -> Answer<dto::WorkItems> {
    let (text, page) = (query.take("q")?, query.page()?);
    query.end()?;
    let page = app.engine.work_items(text, page.limit, page.cursor).await?;
    Ok(Json(dto::WorkItems {
        work_items: page.work_items.into_iter().map(dto::WorkItem::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

/// What failed and is not dismissed, by cause.
#[utoipa::path(get, path = "/failures", tag = "failures", responses((status = 200, body = dto::Failures), Refused))]
pub(crate) async fn failures(State(app): App_) -> Answer<dto::Failures> {
    let failures = app.engine.failures().await?.into_iter().map(dto::FailureGroup::from).collect();
    Ok(Json(dto::Failures { failures }))
}

/// What happened when, in buckets: to what went to all orgs, or to one. Echoes count with the org that they came back from.
#[utoipa::path(get, path = "/stats", tag = "stats", params(query::Window), responses((status = 200, body = dto::Stats), Refused, BadQuery))]
pub(crate) async fn stats(State(app): App_, mut query: Query) -> Answer<dto::Stats> {
    let (window, bucket) = query.window()?;
    let target = query.target()?;
    query.end()?;
    let stats = app.engine.stats(window, bucket, target).await?;
    Ok(Json(dto::Stats::new(window, bucket, stats)))
}

/// The activity log, newest first.
#[utoipa::path(get, path = "/activity", tag = "activity", params(query::LogFilter, query::Paging), responses((status = 200, body = dto::Activities), Refused, BadQuery))]
pub(crate) async fn activity(State(app): App_, mut query: Query) -> Answer<dto::Activities> {
    let (filter, page) = (query.activity()?, query.page()?);
    query.end()?;
    let page = app.engine.activity(filter, page.limit, page.cursor).await?;
    Ok(Json(dto::Activities {
        activity: page.activity.into_iter().map(dto::Activity::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

/// A link that shows the window in a browser, once, within a minute.
#[utoipa::path(post, path = "/session/link", tag = "session", responses((status = 200, body = dto::Link), Refused))]
pub(crate) async fn link(State(app): App_) -> Answer<dto::Link> {
    let (secret, expires_at) = app.sessions.make_link(app.engine.clock().now()).map_err(|error| {
        tracing::error!(%error, "a link to the window could not be made");
        Problem::server_error()
    })?;
    let url = format!("{}/open?link={}", app.url, secret.expose_secret());
    Ok(Json(dto::Link { url, expires_at }))
}

/// Asks the program around the listener, where looking at files holds nobody up.
async fn of_program<T: Send + 'static>(
    app: &Arc<App>,
    ask: impl FnOnce(&dyn Program) -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Problem> {
    let program = Arc::clone(&app.program);
    let asked = tokio::task::spawn_blocking(move || ask(&*program)).await;
    // The panic hook has logged it.
    asked.map_err(|_| Problem::server_error())?.map_err(Problem::from)
}

pub(crate) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::bad_request("INVALID_BODY", detail)
}

/// A text that may be left out, and says something where it is not; an empty one is left out.
fn optional(name: &str, value: Option<String>) -> Result<Option<String>, Problem> {
    value.filter(|value| !value.trim().is_empty()).map(|value| text(name, &value)).transpose()
}

/// A text that says something, without the spaces around it.
pub(crate) fn text(name: &str, value: &str) -> Result<String, Problem> {
    let value = value.trim();
    if value.is_empty() {
        return Err(invalid(format!("{name} is missing or empty. Give it a text.")));
    }
    if value.chars().count() > MAX_TEXT {
        return Err(invalid(format!("{name} is too long: at most {MAX_TEXT} characters are allowed.")));
    }
    Ok(value.to_owned())
}

pub(crate) fn org_member(name: &str, id: &str) -> Result<OrgId, Problem> {
    id.parse().map_err(|why| {
        invalid(format!("{name} is not an Organization ID: {why}. Copy it from Setup, Company Information."))
    })
}

/// What is named in a path and cannot be a name of anything is not there.
pub(crate) fn named_org(id: &str) -> Result<OrgId, Problem> {
    id.parse().map_err(|_| no_such("org", id))
}

pub(crate) fn named(what: &str, id: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(id).map_err(|_| no_such(what, id))
}

pub(crate) fn no_such(what: &str, id: &str) -> Problem {
    let shown: String = id.chars().take(64).collect();
    Problem::not_found(format!("There is no {what} {} here.", shown.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", false)]
    #[case("  ", false)]
    #[case(" known, harmless ", true)]
    #[case(&"x".repeat(1_000), true)]
    #[case(&"x".repeat(1_001), false)]
    fn a_reason_must_say_something(#[case] reason: &str, #[case] taken: bool) {
        assert_eq!(text("reason", reason).is_ok(), taken);
    }
}
