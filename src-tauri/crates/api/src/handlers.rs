//! One function for each use case of the management API, the same for HTTP and for the window.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use sync_monitor_domain::OrgId;
use uuid::Uuid;

use crate::asker::Asker;
use crate::problem::Problem;
use crate::query::{self, Query};
use crate::{App, body, dto};

mod bulk;

pub(crate) use bulk::{dismiss, preflight, restore, retry, run, runs, send_now};

type App_ = State<Arc<App>>;
type Answer<T> = Result<Json<T>, Problem>;

/// The longest name, alias or reason, in characters.
const MAX_TEXT: usize = 1_000;

/// `GET status`.
pub(crate) async fn status(State(app): App_) -> Answer<dto::Status> {
    let counts = app.engine.counts().await?;
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
    }))
}

/// `POST relay/pause`.
pub(crate) async fn pause_relay(
    State(app): App_,
    Asker(actor): Asker,
    body::MaybeJson(pause): body::MaybeJson<dto::RelayPause>,
) -> Answer<dto::Relay> {
    let until = pause.until.as_deref().map(query::time).transpose();
    let until = until.map_err(|why| invalid(format!("until cannot be used: {why}.")))?;
    Ok(Json(app.engine.pause_relay(until, &actor).await?.into()))
}

/// `POST relay/resume`.
pub(crate) async fn resume_relay(State(app): App_, Asker(actor): Asker) -> Answer<dto::Relay> {
    Ok(Json(app.engine.resume_relay(&actor).await?.into()))
}

/// `GET orgs`.
pub(crate) async fn orgs(State(app): App_) -> Answer<dto::Orgs> {
    let orgs = app.engine.orgs().await?.into_iter().map(dto::Org::from).collect();
    Ok(Json(dto::Orgs { orgs }))
}

/// `POST orgs/import`.
pub(crate) async fn import_org(
    State(app): App_,
    Asker(actor): Asker,
    body::Json(org): body::Json<dto::ImportOrg>,
) -> Result<(StatusCode, Json<dto::Org>), Problem> {
    let alias = optional("alias", org.alias)?;
    // Pasted and piped texts end in a line break.
    let auth_url = SecretString::from(org.sfdx_auth_url.expose_secret().trim());
    let org = app.engine.import_org(auth_url, alias, &actor).await?;
    Ok((StatusCode::CREATED, Json(org.into())))
}

/// `POST orgs/login`.
pub(crate) async fn login(
    State(app): App_,
    Asker(actor): Asker,
    body::Json(login): body::Json<dto::Login>,
) -> Answer<dto::SignIn> {
    let alias = optional("alias", login.alias)?;
    let client_id = optional("clientId", login.client_id)?;
    Ok(Json(app.engine.begin_sign_in(login.login_url, client_id, alias, &actor).await?.into()))
}

/// `POST orgs/{id}/login`.
pub(crate) async fn login_again(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Answer<dto::SignIn> {
    Ok(Json(app.engine.sign_in_again(named_org(&id)?, &actor).await?.into()))
}

/// `GET orgs/login/{id}`.
pub(crate) async fn sign_in(State(app): App_, Path(id): Path<String>) -> Answer<dto::SignIn> {
    Ok(Json(app.engine.sign_in(named("sign-in", &id)?)?.into()))
}

/// `DELETE orgs/login/{id}`.
pub(crate) async fn cancel_sign_in(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.engine.cancel_sign_in(named("sign-in", &id)?, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET orgs/cli`.
pub(crate) async fn cli_orgs(State(app): App_) -> Answer<dto::CliOrgs> {
    let known = app.engine.cli_orgs().await?;
    let connected = app.engine.orgs().await?.into_iter().map(|org| org.org_id).collect();
    Ok(Json(dto::CliOrgs::new(known, &connected)))
}

/// `POST orgs/cli`.
pub(crate) async fn connect_cli_org(
    State(app): App_,
    Asker(actor): Asker,
    body::Json(org): body::Json<dto::ConnectCliOrg>,
) -> Result<(StatusCode, Json<dto::Org>), Problem> {
    let username = text("username", &org.username)?;
    let alias = optional("alias", org.alias)?;
    let org = app.engine.connect_cli_org(&username, alias, &actor).await?;
    Ok((StatusCode::CREATED, Json(org.into())))
}

/// `POST orgs/{id}/test`.
pub(crate) async fn test_org(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Answer<dto::Tested> {
    let (org, checks) = app.engine.test_org(named_org(&id)?, &actor).await?;
    Ok(Json(dto::Tested { org: org.into(), checks: checks.into_iter().map(Into::into).collect() }))
}

/// `PATCH orgs/{id}`.
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
    Ok(Json(app.engine.change_org(named_org(&id)?, alias, change.endpoint_path, &actor).await?.into()))
}

/// `POST orgs/{id}/pause`.
pub(crate) async fn pause_org(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Answer<dto::Org> {
    Ok(Json(app.engine.pause_org(named_org(&id)?, true, &actor).await?.into()))
}

/// `POST orgs/{id}/resume`.
pub(crate) async fn resume_org(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Answer<dto::Org> {
    Ok(Json(app.engine.pause_org(named_org(&id)?, false, &actor).await?.into()))
}

/// `DELETE orgs/{id}`.
pub(crate) async fn disconnect_org(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.engine.disconnect_org(named_org(&id)?, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET routes`.
pub(crate) async fn routes(State(app): App_) -> Answer<dto::Routes> {
    let routes = app.engine.routes().await?.into_iter().map(dto::Route::from).collect();
    Ok(Json(dto::Routes { routes }))
}

/// `POST routes`.
pub(crate) async fn add_route(
    State(app): App_,
    Asker(actor): Asker,
    body::Json(route): body::Json<dto::NewRoute>,
) -> Result<(StatusCode, Json<dto::Route>), Problem> {
    let source = org_member("sourceOrgId", &route.source_org_id)?;
    let target = org_member("targetOrgId", &route.target_org_id)?;
    let route = app.engine.add_route(source, target, route.enabled.unwrap_or(true), &actor).await?;
    Ok((StatusCode::CREATED, Json(route.into())))
}

/// `PATCH routes/{id}`.
pub(crate) async fn change_route(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
    body::Json(change): body::Json<dto::RouteChange>,
) -> Answer<dto::Route> {
    Ok(Json(app.engine.enable_route(named("route", &id)?, change.enabled, &actor).await?.into()))
}

/// `DELETE routes/{id}`.
pub(crate) async fn remove_route(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.engine.remove_route(named("route", &id)?, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET tokens`.
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

/// `POST tokens`.
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

/// `DELETE tokens/{id}`.
pub(crate) async fn revoke_token(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.engine.revoke_token(named("token", &id)?, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET items`.
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

/// `GET items/{id}`.
pub(crate) async fn item(State(app): App_, Path(id): Path<String>) -> Answer<dto::ItemDetail> {
    Ok(Json(app.engine.item(named("item", &id)?).await?.into()))
}

/// `GET work-items`.
pub(crate) async fn work_items(State(app): App_, mut query: Query) -> Answer<dto::WorkItems> {
    let (text, page) = (query.take("q")?, query.page()?);
    query.end()?;
    let page = app.engine.work_items(text, page.limit, page.cursor).await?;
    Ok(Json(dto::WorkItems {
        work_items: page.work_items.into_iter().map(dto::WorkItem::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

/// `GET failures`.
pub(crate) async fn failures(State(app): App_) -> Answer<dto::Failures> {
    let failures = app.engine.failures().await?.into_iter().map(dto::FailureGroup::from).collect();
    Ok(Json(dto::Failures { failures }))
}

/// `GET stats`.
pub(crate) async fn stats(State(app): App_, mut query: Query) -> Answer<dto::Stats> {
    let (window, bucket) = query.window()?;
    query.end()?;
    let stats = app.engine.stats(window, bucket).await?;
    Ok(Json(dto::Stats::new(window, bucket, stats)))
}

/// `GET activity`.
pub(crate) async fn activity(State(app): App_, mut query: Query) -> Answer<dto::Activities> {
    let (filter, page) = (query.activity()?, query.page()?);
    query.end()?;
    let page = app.engine.activity(filter, page.limit, page.cursor).await?;
    Ok(Json(dto::Activities {
        activity: page.activity.into_iter().map(dto::Activity::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

/// `POST session/link`.
pub(crate) async fn link(State(app): App_) -> Answer<dto::Link> {
    let (secret, expires_at) = app.sessions.make_link(app.engine.clock().now()).map_err(|error| {
        tracing::error!(%error, "a link to the window could not be made");
        Problem::server_error()
    })?;
    let url = format!("{}/open?link={}", app.url, secret.expose_secret());
    Ok(Json(dto::Link { url, expires_at }))
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::bad_request("INVALID_BODY", detail)
}

/// A text that may be left out, and says something where it is not; an empty one is left out.
fn optional(name: &str, value: Option<String>) -> Result<Option<String>, Problem> {
    value.filter(|value| !value.trim().is_empty()).map(|value| text(name, &value)).transpose()
}

/// A text that says something, without the spaces around it.
fn text(name: &str, value: &str) -> Result<String, Problem> {
    let value = value.trim();
    if value.is_empty() {
        return Err(invalid(format!("{name} is missing or empty. Give it a text.")));
    }
    if value.chars().count() > MAX_TEXT {
        return Err(invalid(format!("{name} is too long: at most {MAX_TEXT} characters are allowed.")));
    }
    Ok(value.to_owned())
}

fn org_member(name: &str, id: &str) -> Result<OrgId, Problem> {
    id.parse().map_err(|why| {
        invalid(format!("{name} is not an Organization ID: {why}. Copy it from Setup, Company Information."))
    })
}

/// What is named in a path and cannot be a name of anything is not there.
fn named_org(id: &str) -> Result<OrgId, Problem> {
    id.parse().map_err(|_| no_such("org", id))
}

fn named(what: &str, id: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(id).map_err(|_| no_such(what, id))
}

fn no_such(what: &str, id: &str) -> Problem {
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
