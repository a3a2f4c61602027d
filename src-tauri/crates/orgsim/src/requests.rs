//! What a simulated org does with a request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use serde_json::json;
use sync_monitor_domain::change::Change;
use sync_monitor_domain::sign_in::OrgKind;

use crate::answer::Answer;
use crate::http::{Outcome, answer, broken_off, closed, drip, flood, json as json_answer};
use crate::hub;
use crate::oauth::{self, Consent, USER};
use crate::org::Inner;
use crate::state::{Received, TokenServer};
use crate::wall_clock;

/// The path of the documented endpoint.
const ENDPOINT: &str = "/services/apexrest/dlhub/delivery/sync";

/// What an org says to a token that is not good.
const SESSION_ENDED: &str = r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;

/// What an org says that has no requests left.
const LIMIT_EXCEEDED: &str =
    r#"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;

/// Answers a request that came in `at` an address.
pub(crate) async fn handle(org: Arc<Inner>, at: SocketAddr, request: Request<Body>) -> Outcome {
    let (parts, body) = request.into_parts();
    if at != org.home() && !parts.uri.path().starts_with("/services/oauth2/") {
        let left_behind = org.state().left_behind.clone();
        let Some(Answer::Http { status, headers, body }) = left_behind else { return Err(closed()) };
        return Ok(scripted_answer(status, headers, body));
    }
    let Ok(body) = to_bytes(body, 32 * 1024 * 1024).await else { return Err(closed()) };
    let bearer = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.strip_prefix("Bearer "));
    let authorized = bearer.is_some_and(|token| org.state().accepts(token));
    let form = || String::from_utf8_lossy(&body).into_owned();
    let mut outcome = match (parts.method, parts.uri.path()) {
        (Method::POST, "/services/oauth2/token") => {
            let behaviour = org.state().token_server;
            if let TokenServer::Delayed(pause) = behaviour {
                wait(pause).await;
            }
            oauth::token(&org, &form())
        }
        (Method::GET, path @ ("/services/oauth2/authorize" | oauth::ALLOW | oauth::DENY)) => {
            let consent = match path {
                oauth::ALLOW => Consent::Allow,
                oauth::DENY => Consent::Deny,
                _ => org.state().consent,
            };
            Ok(oauth::authorize(&org, parts.uri.query().unwrap_or_default(), consent))
        }
        (Method::POST, "/services/oauth2/revoke") => Ok(oauth::revoke(&org, &form())),
        (Method::GET, "/services/oauth2/userinfo") => Ok(oauth::userinfo(&org, authorized)),
        (Method::GET, "/services/data/") => {
            Ok(json_answer(200, r#"[{"label":"Spring '26","url":"/services/data/v66.0","version":"66.0"}]"#))
        }
        (method, path) if hub::is_ours(&org, &method, path, parts.uri.query().unwrap_or_default()) => {
            let query = parts.uri.query().unwrap_or_default();
            package(&org, &method, path, query, &parts.headers, &body, authorized).await
        }
        (Method::GET, path) if path.starts_with("/id/") => Ok(oauth::identity(&org, authorized)),
        (Method::GET, path) if path.starts_with("/services/data/v") => {
            Ok(data(&org, path, parts.uri.query().unwrap_or_default(), authorized))
        }
        (_, ENDPOINT) if org.spec.hub.as_ref().is_some_and(|hub| !hub.documented) => Ok(no_match()),
        (Method::POST, ENDPOINT) => sync(&org, body, authorized).await,
        (Method::GET, ENDPOINT) => Ok(look(&org, authorized)),
        _ => Ok(no_match()),
    };
    if let Ok(response) = &mut outcome {
        let (calls, most) = {
            let mut state = org.state();
            state.calls += 1;
            (state.calls, state.daily_calls)
        };
        if let Ok(info) = HeaderValue::from_str(&format!("api-usage={calls}/{most}")) {
            response.headers_mut().insert("sforce-limit-info", info);
        }
        // A scripted answer may tell a time of its own.
        if let (false, Some(date)) = (response.headers().contains_key(header::DATE), date(&org)) {
            response.headers_mut().insert(header::DATE, date);
        }
    }
    outcome
}

fn no_match() -> Response {
    json_answer(404, r#"[{"errorCode":"NOT_FOUND","message":"Could not find a match for URL"}]"#)
}

/// A request for Delivery Hub. A rule for a record fits a call of the package's service that names it as its source.
async fn package(
    org: &Inner,
    method: &Method,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    body: &Bytes,
    authorized: bool,
) -> Outcome {
    if !authorized {
        return Ok(json_answer(401, SESSION_ENDED));
    }
    if org.state().is_used_up() {
        return Ok(json_answer(403, LIMIT_EXCEEDED));
    }
    let source = serde_json::from_slice::<serde_json::Value>(body).ok();
    let source = source.as_ref().and_then(|sent| sent["SourceId"].as_str()).map(str::to_owned);
    let answer = match (method, &source) {
        (&Method::POST, Some(source)) => org.state().answer_for(std::slice::from_ref(source)),
        _ => Answer::Normal,
    };
    let normal = || {
        let (status, value) = hub::answer(org, method, path, query, headers, body);
        if let (200, Some(text)) = (status, value.as_str().filter(|_| path.ends_with(hub::BYTES))) {
            return Response::new(Body::from(STANDARD.decode(text).unwrap_or_default()));
        }
        let mut response = json_answer(status, value.to_string());
        if status == 429 {
            // As the package says it, whatever is left of the hour.
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("3600"));
        }
        response
    };
    let outcome = scripted(answer, normal).await;
    org.changed();
    outcome
}

/// What a rule makes of an answer that would be `normal`.
async fn scripted(rule: Answer, normal: impl FnOnce() -> Response) -> Outcome {
    match rule {
        Answer::Normal => Ok(normal()),
        Answer::Delayed(pause) => {
            wait(pause).await;
            Ok(normal())
        }
        Answer::Http { status, headers, body } => {
            let mut response = answer(status, "application/octet-stream", body);
            for (name, value) in headers {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    response.headers_mut().insert(name, value);
                }
            }
            Ok(response)
        }
        Answer::Reset => Err(closed()),
        Answer::LostAfterCommit => {
            normal();
            Err(closed())
        }
        Answer::ResetInBody => Ok(broken_off()),
        Answer::Drip(pause) => Ok(drip(pause)),
        Answer::Flood => Ok(flood()),
        Answer::Hang => {
            std::future::pending::<()>().await;
            Err(closed())
        }
    }
}

/// The parts of the REST API that an org has: its limits, its record `Organization`, its only user. It is enough for the
/// Salesforce CLI to sign in.
fn data(org: &Inner, path: &str, query: &str, authorized: bool) -> Response {
    if !authorized {
        return json_answer(401, SESSION_ENDED);
    }
    let scripted = org.state().api.clone();
    if let Some(Answer::Http { status, headers, body }) = scripted {
        return scripted_answer(status, headers, body);
    }
    // The list of resources of a version: what the Salesforce CLI asks for to see whether its token is good.
    if path.matches('/').count() == 3 {
        return json_answer(200, json!({ "limits": format!("{path}/limits") }).to_string());
    }
    if path.ends_with("/limits") {
        let (calls, most) = {
            let state = org.state();
            (state.calls, state.daily_calls)
        };
        let remaining = most.saturating_sub(calls);
        return json_answer(
            200,
            json!({ "DailyApiRequests": { "Max": most, "Remaining": remaining } }).to_string(),
        );
    }
    if path.ends_with("/query") && query.contains("FROM+Organization") {
        let (is_sandbox, ends, kind) = match org.spec.kind {
            OrgKind::Production => (false, None, "Enterprise Edition"),
            OrgKind::Sandbox => (true, None, "Enterprise Edition"),
            OrgKind::Scratch => (true, Some("2027-01-01T00:00:00.000+0000"), "Developer Edition"),
            OrgKind::Developer => (false, None, "Developer Edition"),
        };
        let record =
            json!({ "IsSandbox": is_sandbox, "TrialExpirationDate": ends, "OrganizationType": kind });
        return json_answer(200, json!({ "totalSize": 1, "done": true, "records": [record] }).to_string());
    }
    if path.ends_with(&format!("/sobjects/User/{USER}")) {
        return json_answer(200, json!({ "Id": USER, "Username": org.spec.username }).to_string());
    }
    json_answer(404, r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#)
}

/// A `GET` at the sync endpoint, which has no such method: Apex REST says so where there is a class.
fn look(org: &Inner, authorized: bool) -> Response {
    if !authorized {
        return json_answer(401, SESSION_ENDED);
    }
    let scripted = org.state().answer_to_all();
    match scripted {
        Some(Answer::Http { status, headers, body }) if comes_before_the_class(status, &headers) => {
            scripted_answer(status, headers, body)
        }
        _ => json_answer(
            405,
            r#"[{"errorCode":"METHOD_NOT_ALLOWED","message":"HTTP Method 'GET' not allowed. Allowed are POST"}]"#,
        ),
    }
}

/// Is this answered whatever the method? A page, and what is judged before a class is asked, or in its place.
fn comes_before_the_class(status: u16, headers: &[(&'static str, String)]) -> bool {
    let is_page = headers.iter().any(|(name, value)| *name == "content-type" && value == "text/html");
    is_page || matches!(status, 300..400 | 403 | 404 | 500..)
}

fn scripted_answer(status: u16, headers: Vec<(&'static str, String)>, body: String) -> Response {
    let mut response = answer(status, "application/octet-stream", body);
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The org's time, as its answers tell it.
fn date(org: &Inner) -> Option<HeaderValue> {
    let now = org.spec.hub.as_ref().map_or_else(wall_clock, |hub| hub.clock.now());
    let time = now.to_utc() + chrono::TimeDelta::seconds(org.state().clock_ahead);
    HeaderValue::from_str(&time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

#[expect(clippy::disallowed_methods, reason = "a slow org is slow in real time")]
async fn wait(pause: Duration) {
    tokio::time::sleep(pause).await;
}

async fn sync(org: &Inner, body: Bytes, authorized: bool) -> Outcome {
    let at = Instant::now();
    if !authorized {
        return Ok(json_answer(401, SESSION_ENDED));
    }
    let change = Change::reread(body.clone()).ok();
    let external_ids: Vec<String> =
        change.iter().flat_map(|c| c.records.iter().map(|r| r.external_id.clone())).collect();
    let _in_flight = InFlight::begin(org);
    let scripted = org.state().answer_for(&external_ids);
    let take = || match &change {
        Some(change) => org.state().take(change),
        None => (
            400,
            r#"{"success":false,"errors":[{"code":"INVALID_JSON","message":"not a payload"}]}"#.to_owned(),
        ),
    };
    let normal = |(status, text): (u16, String)| {
        (Some(status), (200..300).contains(&status), Ok(json_answer(status, text)))
    };
    let (status, taken, outcome) = match scripted {
        Answer::Normal => normal(take()),
        Answer::Delayed(pause) => {
            wait(pause).await;
            normal(take())
        }
        Answer::Http { status, headers, body } => {
            (Some(status), false, Ok(scripted_answer(status, headers, body)))
        }
        Answer::Reset => (None, false, Err(closed())),
        Answer::LostAfterCommit => {
            take();
            (None, true, Err(closed()))
        }
        Answer::ResetInBody => (Some(200), false, Ok(broken_off())),
        Answer::Drip(pause) => (Some(200), false, Ok(drip(pause))),
        Answer::Flood => (Some(200), false, Ok(flood())),
        Answer::Hang => {
            record(org, change.as_ref(), external_ids, body, (None, false), at);
            std::future::pending::<()>().await;
            return Err(closed());
        }
    };
    record(org, change.as_ref(), external_ids, body, (status, taken), at);
    outcome
}

/// A request at the sync endpoint, until it is answered or the client gives up.
struct InFlight<'a>(&'a Inner);

impl<'a> InFlight<'a> {
    fn begin(org: &'a Inner) -> Self {
        let mut state = org.state();
        state.in_flight += 1;
        state.most_in_flight = state.most_in_flight.max(state.in_flight);
        Self(org)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
    }
}

fn record(
    org: &Inner,
    change: Option<&Change>,
    external_ids: Vec<String>,
    body: Bytes,
    result: (Option<u16>, bool),
    at: Instant,
) {
    let mut state = org.state();
    let transaction_id = change.map(|c| c.transaction_id.clone());
    state.received.push(Received {
        transaction_id,
        source_org_id: change.map(|c| c.source),
        external_ids,
        body,
        status: result.0,
        taken: result.1,
        at,
    });
    drop(state);
    org.changed();
}
