//! Orgs with Delivery Hub's package: what they speak, reading their changes, which of their records is which.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use secrecy::ExposeSecret as _;
use sync_monitor_domain::conflict::Timestamp;
use sync_monitor_domain::hub::{Dialect, HubObject, Mapping};
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::ServiceKey;

use crate::asker::Asker;
use crate::handlers::{invalid, named, named_org, no_such, org_member, told};
use crate::openapi::{BadBody, BadQuery, Conflict, Connecting, NotFound, Refused};
use crate::problem::Problem;
use crate::query::{self, Query};
use crate::{App, body, dto, schema};

type App_ = State<Arc<App>>;
type Answer<T> = Result<Json<T>, Problem>;

/// The longest key or secret, in characters.
const LONGEST_KEY: usize = 255;

async fn shown(app: &App, org: OrgId) -> Answer<dto::Org> {
    let known = app.engine.orgs().await?.into_iter().find(|known| known.org_id == org);
    known.map(|org| Json(told(app, org))).ok_or_else(|| no_such("org", org.as_str()))
}

async fn connected(app: &App, id: &str) -> Result<OrgId, Problem> {
    let org = named_org(id)?;
    shown(app, org).await.map(|_| org)
}

/// Read an org's changes now.
#[utoipa::path(post, path = "/orgs/{id}/pull", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), responses((status = 200, body = dto::Pulled), Refused, NotFound, Conflict))]
pub(crate) async fn pull_now(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Answer<dto::Pulled> {
    Ok(Json(app.engine.pull_now(named_org(&id)?, &actor).await?.into()))
}

/// Switch the reading of an org's changes on or off, or ask again from another time on.
#[utoipa::path(patch, path = "/orgs/{id}/pull", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), request_body = dto::PullChange, responses((status = 200, body = dto::Org), Refused, NotFound, BadBody))]
pub(crate) async fn change_pull(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
    body::Json(change): body::Json<dto::PullChange>,
) -> Answer<dto::Org> {
    let org = named_org(&id)?;
    if change.enabled.is_none() && change.since.is_none() {
        return Err(invalid("There is nothing to change. Give enabled or since."));
    }
    let since = change.since.as_deref().map(query::time).transpose();
    let since = since.map_err(|why| invalid(format!("since cannot be used: {why}.")))?;
    let since = since.map(|at| Timestamp(at.0.saturating_mul(1_000)));
    app.engine.set_pull(org, change.enabled, since, &actor).await?;
    shown(&app, org).await
}

/// Say what an org is to be spoken to in.
#[utoipa::path(patch, path = "/orgs/{id}/adapter", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), request_body = dto::AdapterChange, responses((status = 200, body = dto::Org), Refused, NotFound, BadBody, Conflict))]
pub(crate) async fn change_adapter(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
    body::Json(change): body::Json<dto::AdapterChange>,
) -> Answer<dto::Org> {
    let org = connected(&app, &id).await?;
    let wanted = change.dialect.as_deref().map(|word| {
        [Dialect::DeliverySync, Dialect::PackageV1]
            .into_iter()
            .find(|dialect| dialect.as_str() == word)
            .ok_or_else(|| invalid("dialect must be deliverySync or packageV1, or null for what is found."))
    });
    app.engine.want_dialect(org, wanted.transpose()?, &actor).await?;
    shown(&app, org).await
}

/// Which member of the documented record is which field of an org's package.
#[utoipa::path(get, path = "/orgs/{id}/mapping", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), responses((status = 200, body = dto::Mapping), Refused, NotFound))]
pub(crate) async fn mapping(State(app): App_, Path(id): Path<String>) -> Answer<dto::Mapping> {
    let org = connected(&app, &id).await?;
    let known = app.engine.adapters().await?.into_iter().find(|known| known.org_id == org);
    let mapping = known.map(|known| known.mapping).unwrap_or_default();
    Ok(Json(dto::Mapping { members: mapping.members().to_vec() }))
}

/// Relay other members or fields of an org's package.
#[utoipa::path(put, path = "/orgs/{id}/mapping", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), request_body = dto::Mapping, responses((status = 200, body = dto::Mapping), Refused, NotFound, BadBody, Conflict))]
pub(crate) async fn set_mapping(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
    body::Json(wanted): body::Json<dto::Mapping>,
) -> Answer<dto::Mapping> {
    let org = connected(&app, &id).await?;
    let judged = Mapping::of(wanted.members).map_err(|error| invalid(error.to_string()))?;
    app.engine.set_mapping(org, Some(judged.clone()), &actor).await?;
    Ok(Json(dto::Mapping { members: judged.members().to_vec() }))
}

/// Relay what is relayed by default.
#[utoipa::path(delete, path = "/orgs/{id}/mapping", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), responses((status = 204), Refused, NotFound, Conflict))]
pub(crate) async fn forget_mapping(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let org = connected(&app, &id).await?;
    app.engine.set_mapping(org, None, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keep the key of the package's own service in an org.
#[utoipa::path(put, path = "/orgs/{id}/service-key", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), request_body = dto::NewKey, responses((status = 204), Refused, NotFound, BadBody, Connecting))]
pub(crate) async fn set_key(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
    body::Json(key): body::Json<dto::NewKey>,
) -> Result<StatusCode, Problem> {
    let org = named_org(&id)?;
    // What goes into a header must be able to.
    let usable = |text: &str| {
        !text.is_empty() && text.len() <= LONGEST_KEY && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let secret = key.hmac_secret.as_ref();
    if !usable(key.api_key.expose_secret()) || secret.is_some_and(|secret| !usable(secret.expose_secret())) {
        return Err(invalid("apiKey and hmacSecret must have 1 to 255 visible ASCII characters."));
    }
    let key = ServiceKey { api_key: key.api_key, hmac_secret: key.hmac_secret };
    app.engine.set_service_key(org, Some(key), &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forget the key of the package's own service in an org.
#[utoipa::path(delete, path = "/orgs/{id}/service-key", tag = "orgs", params(("id" = schema::OrgId, Path, description = "The org")), responses((status = 204), Refused, NotFound, Connecting))]
pub(crate) async fn forget_key(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.engine.set_service_key(named_org(&id)?, None, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say that two records of two orgs are one.
#[utoipa::path(post, path = "/identities/link", tag = "orgs", request_body = dto::RecordLink, responses((status = 200, body = dto::Linked), Refused, NotFound, BadBody, Conflict))]
pub(crate) async fn link(
    State(app): App_,
    Asker(actor): Asker,
    body::Json(link): body::Json<dto::RecordLink>,
) -> Answer<dto::Linked> {
    let one = org_member("one.orgId", &link.one.org_id)?;
    let other = org_member("other.orgId", &link.other.org_id)?;
    let object = link.object.unwrap_or(HubObject::WorkItem);
    let (first, second) = (link.one.record_id.as_str(), link.other.record_id.as_str());
    let external_id = app.engine.link_records(object, (one, first), (other, second), &actor).await?;
    Ok(Json(dto::Linked { external_id, org_ids: [one, other] }))
}

/// Which records somebody said are one, the newest first.
#[utoipa::path(get, path = "/identities/links", tag = "orgs", params(query::OfOrg, query::Paging), responses((status = 200, body = dto::RecordLinks), Refused, BadQuery))]
pub(crate) async fn links(State(app): App_, mut query: Query) -> Answer<dto::RecordLinks> {
    let org = query.org_id()?;
    let page = query.page()?;
    query.end()?;
    Ok(Json(app.engine.links(org, page.limit, page.cursor).await?.into()))
}

/// Say that two linked records are two: the next change of either goes its own way.
#[utoipa::path(delete, path = "/identities/links/{id}", tag = "orgs", params(("id" = uuid::Uuid, Path, description = "The link")), responses((status = 204), Refused, NotFound, Conflict))]
pub(crate) async fn unlink(
    State(app): App_,
    Asker(actor): Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.engine.unlink_records(named("link", &id)?, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
