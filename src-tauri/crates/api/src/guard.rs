//! Who may ask: `Host`, tokens, sessions, `Origin`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq as _;
use sync_monitor_domain::Millis;
use sync_monitor_engine::model::Via;

use crate::problem::Problem;
use crate::session::{Sessions, cookie, hash};
use crate::{App, asker, sync};

/// The header that a request with the cookie must bring: another site's page cannot set it.
const OWN_HEADER: &str = "x-sync-monitor";

/// Who may make use of an answer without reading it (Fetch standard).
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The names by which this machine may be asked.
#[derive(Debug, Clone)]
pub(crate) struct Hosts(Vec<String>);

impl Hosts {
    /// Loopback names and these.
    pub(crate) fn new(configured: &[String]) -> Self {
        Self(configured.iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    /// The configured names.
    pub(crate) fn configured(&self) -> &[String] {
        &self.0
    }

    /// Was the request meant for this machine? A page of another site whose name was made to point here (DNS rebinding)
    /// gives itself away by its name in `Host`.
    pub(crate) fn judge(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(refused_host("The request has not one Host header"));
        };
        let is_allowed = |host: &str| host.parse::<Authority>().is_ok_and(|name| self.allows(&name));
        if !host.to_str().is_ok_and(is_allowed) || uri.authority().is_some_and(|name| !self.allows(name)) {
            return Err(refused_host("The request was meant for another host"));
        }
        Ok(())
    }

    fn allows(&self, authority: &Authority) -> bool {
        if authority.as_str().contains('@') {
            return false;
        }
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            || name.eq_ignore_ascii_case("localhost")
            || self.0.iter().any(|allowed| name.eq_ignore_ascii_case(allowed))
    }
}

fn refused_host(what: &str) -> Problem {
    Problem::forbidden(
        "HOST_REFUSED",
        format!("{what}. Ask 127.0.0.1 or localhost, or add the name to listener.allowed_hosts."),
    )
}

/// Refuses what was meant for another host, on every route. Another site may neither read an answer (nothing here ever
/// allows it to) nor show it as a picture or run it as a script.
pub(crate) async fn host(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = match app.hosts.judge(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) if sync::is_path(request.uri().path()) => sync::refused_host(&problem),
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// Lets only the admin through, by token or by cookie, and says by which way he came. What the admin is told is kept by
/// nobody in between.
pub(crate) async fn admin(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let claim = Claim { method: request.method(), headers: request.headers(), now: app.engine.clock().now() };
    match claim.judge(&app.admin_token, &app.sessions, |secret| app.engine.authenticate(secret).is_some()) {
        Ok(via) => {
            request.extensions_mut().insert(via);
            let mut response = next.run(request).await;
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(problem) => problem.into_response(),
    }
}

/// The admin token, as its hash.
pub(crate) struct AdminToken([u8; 32]);

impl AdminToken {
    /// The token with this secret.
    pub(crate) fn new(secret: &SecretString) -> Self {
        Self(hash(secret.expose_secret()))
    }

    /// Is it this? Takes as long for one that is nearly right as for any other.
    fn is(&self, secret: &str) -> bool {
        self.0.ct_eq(&hash(secret)).into()
    }
}

/// The secret of a request's one bearer token.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return None };
    let (scheme, secret) = value.to_str().ok()?.split_once(' ')?;
    let secret = secret.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty()).then_some(secret)
}

/// What a request of the management API says of who asks.
struct Claim<'a> {
    method: &'a Method,
    headers: &'a HeaderMap,
    now: Millis,
}

impl Claim<'_> {
    fn judge(
        &self,
        admin: &AdminToken,
        sessions: &Sessions,
        is_integration: impl Fn(&str) -> bool,
    ) -> Result<Via, Problem> {
        if self.headers.contains_key(header::AUTHORIZATION) {
            return match bearer(self.headers) {
                Some(secret) if admin.is(secret) => Ok(asker::with_token(self.headers)),
                Some(secret) if is_integration(secret) => Err(Problem::forbidden(
                    "ADMIN_TOKEN_REQUIRED",
                    "An integration token may only send changes. Use the admin token, which is in api.json in the data folder.",
                )),
                _ => Err(Problem::unauthorized(
                    "The token is not known. The admin token is new at each start: read it from api.json in the data folder.",
                )),
            };
        }
        if !cookie(self.headers).is_some_and(|session| sessions.use_now(session, self.now)) {
            return Err(Problem::unauthorized(
                "The request has no token, and no session that is still good. Send the admin token from api.json in the data folder, or sign in with `sync-monitor open`.",
            ));
        }
        if self.headers.get(OWN_HEADER).is_none_or(|value| value != "1") {
            return Err(Problem::forbidden(
                "HEADER_REQUIRED",
                "A request with the session cookie also needs the header X-Sync-Monitor: 1.",
            ));
        }
        if !self.method.is_safe() && !self.is_same_origin() {
            return Err(Problem::forbidden(
                "ORIGIN_REFUSED",
                "The request comes from a page of another site. Nothing was changed.",
            ));
        }
        Ok(Via::Browser)
    }

    /// A request without `Origin` does not come from a page of another site: browsers send it with every such request
    /// that could change something.
    fn is_same_origin(&self) -> bool {
        let Some(origin) = self.headers.get(header::ORIGIN) else { return true };
        let host = self.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let origin = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
        origin.zip(host).is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host))
    }
}

#[cfg(test)]
mod tests;
