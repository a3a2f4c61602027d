//! The sync endpoint: the order of judgement, and the envelope of every answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use sync_monitor_domain::change::Rejection;
use sync_monitor_domain::error_code::Fault;
use sync_monitor_domain::intake::Reply;
use sync_monitor_domain::{Change, ErrorCode, Millis};
use sync_monitor_engine::{Engine, Error, Grant};
use utoipa::{IntoResponses, ToSchema};

use crate::body::{self, ReadError};
use crate::guard::bearer;
use crate::limiter::Limiter;
use crate::problem::Problem;
use crate::{App, help, schema};

/// The path of the documented Salesforce endpoint, and a short one.
pub(crate) const PATHS: [&str; 2] = ["/services/apexrest/dlhub/delivery/sync", "/delivery/sync"];

/// A larger body is read as JSON on a thread that may block.
const LARGE_BODY: usize = 64 * 1024;

/// Is it the endpoint's path?
pub(crate) fn is_path(path: &str) -> bool {
    PATHS.contains(&path)
}

/// What the endpoint needs of the engine.
pub(crate) trait Intake: Send + Sync {
    /// What a secret may do, if it is a token's.
    fn authenticate(&self, secret: &str) -> Option<Grant>;
    /// The time.
    fn now(&self) -> Millis;
    /// Takes a payload, durably.
    fn accept(&self, change: Change) -> impl Future<Output = Result<Reply, Error>> + Send;
}

impl Intake for Engine {
    fn authenticate(&self, secret: &str) -> Option<Grant> {
        Engine::authenticate(self, secret)
    }

    fn now(&self) -> Millis {
        self.clock().now()
    }

    async fn accept(&self, change: Change) -> Result<Reply, Error> {
        Engine::accept(self, change).await
    }
}

/// Take a change, at the path of the documented Salesforce endpoint.
#[utoipa::path(post, path = "/services/apexrest/dlhub/delivery/sync", tag = "sync", request_body = schema::Payload, responses(Answers))]
pub(crate) async fn documented(State(app): State<Arc<App>>, request: Request) -> Response {
    judge(&app.engine, &app.limiter, request).await.into_response()
}

/// Take a change.
#[utoipa::path(post, path = "/delivery/sync", tag = "sync", request_body = schema::Payload, responses(Answers))]
pub(crate) async fn short(State(app): State<Arc<App>>, request: Request) -> Response {
    judge(&app.engine, &app.limiter, request).await.into_response()
}

/// What the endpoint may answer: always the same envelope.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "says how the answers look")]
enum Answers {
    /// Stored durably and queued for every target; or an echo or a repeat, and suppressed.
    #[response(status = 200, content_type = "application/json")]
    Taken(#[to_schema] Envelope),
    /// A payload that cannot be used, or that no route starts from.
    #[response(status = 400, content_type = "application/json")]
    Refused(#[to_schema] Envelope),
    /// No token, one that is not known, or one that may not speak for this org.
    #[response(status = 401, content_type = "application/json")]
    Unauthorized(#[to_schema] Envelope),
    /// Another method than `POST`.
    #[response(status = 405, content_type = "application/json")]
    MethodNotAllowed(#[to_schema] Envelope),
    /// A newer version is known of every record.
    #[response(status = 409, content_type = "application/json")]
    Conflict(#[to_schema] Envelope),
    /// Over 6 MiB.
    #[response(status = 413, content_type = "application/json")]
    TooLarge(#[to_schema] Envelope),
    /// Not JSON.
    #[response(status = 415, content_type = "application/json")]
    NotJson(#[to_schema] Envelope),
    /// Over the token's rate.
    #[response(status = 429, content_type = "application/json", headers(("Retry-After" = u64, description = "Seconds")))]
    TooMany(#[to_schema] Envelope),
    /// Something unexpected: nothing of the payload is kept.
    #[response(status = 500, content_type = "application/json")]
    ServerError(#[to_schema] Envelope),
}

/// The contract's order of judgement, line by line.
async fn judge(intake: &impl Intake, limiter: &Limiter, request: Request) -> Answer {
    let (head, body) = request.into_parts();
    let Some(grant) = bearer(&head.headers).and_then(|secret| intake.authenticate(secret)) else {
        return Answer::refusal(
            ErrorCode::Unauthorized,
            "The request has no token that is known here: it is missing, mistyped, revoked or expired. Send an integration token as Authorization: Bearer ….",
        );
    };
    if let Err(wait) = limiter.take(grant.id, Instant::now()) {
        return Answer::rate_limited(wait);
    }
    if body::is_announced_too_large(&body) {
        return too_large();
    }
    if let Err(why) = body::judge_type(&head.headers) {
        return Answer::refusal(ErrorCode::UnsupportedMediaType, why);
    }
    let body = match read(body).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let change = match parse(body, intake.now()).await {
        Ok(change) => change,
        Err(answer) => return answer,
    };
    let transaction_id = change.transaction_id.clone();
    if !grant.sources.contains(&change.source) {
        let fault = Fault::new(
            ErrorCode::Unauthorized,
            format!(
                "This token may not speak for {}. Use a token made for that org, or send its own org's ID.",
                change.source
            ),
        );
        return Answer::faults(Some(transaction_id), vec![fault.at("/sourceOrgId")]);
    }
    match intake.accept(change).await {
        Ok(reply) => Answer::reply(transaction_id, reply),
        Err(error) => {
            tracing::error!(transaction_id, %error, "a payload could not be taken");
            Answer::server_error(Some(transaction_id))
        }
    }
}

async fn read(body: Body) -> Result<Bytes, Answer> {
    body::read(body).await.map_err(|error| match error {
        ReadError::TooLarge => too_large(),
        ReadError::Stalled | ReadError::Broken => Answer::refusal(
            ErrorCode::InvalidJson,
            "The body did not arrive whole: the connection broke or stood still. Nothing of it is kept; send it again.",
        ),
    })
}

async fn parse(body: Bytes, now: Millis) -> Result<Change, Answer> {
    let parsed = if body.len() > LARGE_BODY {
        // A panic over there is caught and told about like one over here.
        tokio::task::spawn_blocking(move || Change::parse(body, now)).await.ok()
    } else {
        catch_unwind(AssertUnwindSafe(|| Change::parse(body, now))).ok()
    };
    match parsed {
        Some(Ok(change)) => Ok(change),
        Some(Err(Rejection { transaction_id, faults })) => Err(Answer::faults(transaction_id, faults)),
        None => Err(Answer::server_error(None)),
    }
}

fn too_large() -> Answer {
    Answer::refusal(
        ErrorCode::PayloadTooLarge,
        "The body is larger than 6 MiB. Send the records in several payloads, each with its own transactionId.",
    )
}

/// What a request gets that was meant for another host.
pub(crate) fn refused_host(problem: &Problem) -> Response {
    let mut answer = Answer::refusal(ErrorCode::Unauthorized, problem.detail());
    answer.status = problem.status();
    answer.into_response()
}

/// What a request gets that is no `POST`.
pub(crate) async fn method_not_allowed() -> Response {
    Answer::refusal(
        ErrorCode::MethodNotAllowed,
        "The sync endpoint takes changes by POST and nothing else. To see whether the program is up, ask GET /healthz.",
    )
    .into_response()
}

/// What a request gets whose handler panicked; the panic hook has logged it.
pub(crate) fn panicked() -> Response {
    Answer::server_error(None).into_response()
}

/// The body of every answer, in this order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    success: bool,
    transaction_id: Option<String>,
    records_processed: usize,
    #[schema(value_type = Vec<schema::Fault>)]
    errors: Vec<Fault>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    suppressed: bool,
}

/// An answer before it is put into bytes.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    envelope: Envelope,
}

impl Answer {
    fn reply(transaction_id: String, reply: Reply) -> Self {
        let Reply { status, success, records_processed, suppressed, faults } = reply;
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let transaction_id = Some(transaction_id);
        Self {
            status,
            retry_after: None,
            envelope: Envelope { success, transaction_id, records_processed, errors: faults, suppressed },
        }
    }

    /// A refusal for these reasons, of which there is at least one; the first says the status.
    fn faults(transaction_id: Option<String>, errors: Vec<Fault>) -> Self {
        let code = errors.first().map_or(ErrorCode::ServerError, |fault| fault.code);
        let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let envelope =
            Envelope { success: false, transaction_id, records_processed: 0, errors, suppressed: false };
        Self { status, retry_after: None, envelope }
    }

    fn refusal(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::faults(None, vec![Fault::new(code, message)])
    }

    fn rate_limited(wait: Duration) -> Self {
        let message = "This token has sent more requests than its rate allows. Send this one again after the time in Retry-After.";
        Self { retry_after: Some(wait), ..Self::refusal(ErrorCode::RateLimited, message) }
    }

    fn server_error(transaction_id: Option<String>) -> Self {
        let message = "Something unexpected happened here. Nothing of the payload is kept: send it again as it is. The program's log says more.";
        Self::faults(transaction_id, vec![Fault::new(ErrorCode::ServerError, message)])
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        // Strings, numbers and booleans: this cannot fail.
        let body = serde_json::to_vec(&self.envelope).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let mut codes: Vec<_> = self.envelope.errors.iter().map(|fault| fault.code).collect();
        codes.dedup();
        for (n, code) in codes.iter().enumerate() {
            // Each once, however the faults are mixed.
            if !codes[..n].contains(code) {
                headers.append(header::LINK, help::link(code.as_str()));
            }
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_millis().div_ceil(1_000).max(1);
            headers
                .insert(header::RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)));
        }
        response
    }
}

#[cfg(test)]
mod tests;
