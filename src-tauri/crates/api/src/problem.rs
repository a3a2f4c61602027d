//! Errors of the management API: RFC 9457 `application/problem+json`.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use sync_monitor_domain::help;
use sync_monitor_domain::remote::{CliError, CliTrouble, ConnectError};
use sync_monitor_engine::Error;
use utoipa::ToSchema;

use crate::program::Trouble;

/// What an error answer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The status says what kind of problem it is, so `type` is RFC 9457's default.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = u16)]
    status: StatusCode,
    detail: String,
    /// For programs; never changes once published.
    code: &'static str,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem; `detail` says what happened, why, and what to do.
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        debug_assert!(
            help::management(code).is_some(),
            "{code} is not explained in docs/errors/management-api.md"
        );
        let title = status.canonical_reason().unwrap_or("Error");
        Self { kind: "about:blank", title, status, detail: detail.into(), code }
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// For programs.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// What happened, why, and what to do.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The request makes no sense.
    pub(crate) fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// There is nothing of that name.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail)
    }

    /// Nobody, or nobody known, asks.
    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", detail)
    }

    /// Whoever asks may not.
    pub(crate) fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// Something that the caller is not to blame for; the log has the reason.
    pub(crate) fn server_error() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "SERVER_ERROR",
            "The program could not do this; nothing was changed. Its log says why. Try again, and if it stays so, check that the disk has room.",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // Plain strings and a number: this cannot fail.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::LINK, crate::help::link(self.code));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::of(&error)
    }
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Wrong(why) => Self::bad_request("INVALID_REQUEST", why),
            Trouble::Refused(why) => Self::new(StatusCode::CONFLICT, "REFUSED", why),
            Trouble::NoRoom(why) => Self::new(StatusCode::INSUFFICIENT_STORAGE, "NO_ROOM", why),
            Trouble::Failed(why) => {
                tracing::error!(%why, "the program could not do what it was asked to");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "SERVER_ERROR", why)
            }
        }
    }
}

impl Problem {
    /// The problem that an error of the engine is to whoever asked.
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::NotFound { .. } => Self::not_found(error.to_string()),
            Error::Refused(why) => Self::new(StatusCode::CONFLICT, "REFUSED", why),
            Error::Invalid(why) => Self::bad_request("INVALID_REQUEST", why),
            Error::Connect(why) => {
                let (status, code) = connect(why);
                Self::new(status, code, why.to_string())
            }
            Error::Store(why) => {
                tracing::error!(%why, "a request of the management API failed");
                Self::server_error()
            }
        }
    }
}

fn connect(error: &ConnectError) -> (StatusCode, &'static str) {
    match error {
        ConnectError::NotAnAuthUrl(_) => (StatusCode::BAD_REQUEST, "INVALID_AUTH_URL"),
        ConnectError::InvalidLogin(_) => (StatusCode::BAD_REQUEST, "INVALID_LOGIN_URL"),
        ConnectError::Refused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "SIGN_IN_REFUSED"),
        ConnectError::Unreachable(_) => (StatusCode::BAD_GATEWAY, "ORG_UNREACHABLE"),
        ConnectError::Secrets(_) => (StatusCode::SERVICE_UNAVAILABLE, "SECRETS_UNAVAILABLE"),
        ConnectError::PortTaken(_) => (StatusCode::CONFLICT, "REDIRECT_PORT_TAKEN"),
        ConnectError::Cli(CliError { trouble, .. }) => match trouble {
            CliTrouble::Missing => (StatusCode::SERVICE_UNAVAILABLE, "CLI_MISSING"),
            CliTrouble::TooOld => (StatusCode::SERVICE_UNAVAILABLE, "CLI_TOO_OLD"),
            CliTrouble::Redacted => (StatusCode::SERVICE_UNAVAILABLE, "CLI_REDACTED"),
            CliTrouble::SignedOut => (StatusCode::UNPROCESSABLE_ENTITY, "CLI_SIGNED_OUT"),
            CliTrouble::Offline => (StatusCode::BAD_GATEWAY, "ORG_UNREACHABLE"),
            CliTrouble::Failed => (StatusCode::BAD_GATEWAY, "CLI_FAILED"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn a_problem_is_told_as_rfc_9457_says() {
        let response = Problem::bad_request("INVALID_QUERY", "limit must be 1 to 500.").into_response();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        let json =
            serde_json::to_value(Problem::bad_request("INVALID_QUERY", "limit must be 1 to 500.")).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"type": "about:blank", "title": "Bad Request", "status": 400,
                "detail": "limit must be 1 to 500.", "code": "INVALID_QUERY"})
        );
    }

    #[test]
    fn a_401_says_how_to_sign_in() {
        let response = Problem::unauthorized("who?").into_response();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
    }

    #[rstest]
    #[case(Error::NotFound { what: "org", id: "x".into() }, 404, "NOT_FOUND")]
    #[case(Error::Refused("no".into()), 409, "REFUSED")]
    #[case(Error::Invalid("no".into()), 400, "INVALID_REQUEST")]
    #[case(Error::Connect(ConnectError::NotAnAuthUrl("no".into())), 400, "INVALID_AUTH_URL")]
    #[case(Error::Connect(ConnectError::Refused("no".into())), 422, "SIGN_IN_REFUSED")]
    #[case(Error::Connect(ConnectError::Unreachable("no".into())), 502, "ORG_UNREACHABLE")]
    #[case(Error::Connect(ConnectError::InvalidLogin("no".into())), 400, "INVALID_LOGIN_URL")]
    #[case(Error::Connect(ConnectError::PortTaken("no".into())), 409, "REDIRECT_PORT_TAKEN")]
    #[case(cli(CliTrouble::Missing), 503, "CLI_MISSING")]
    #[case(cli(CliTrouble::TooOld), 503, "CLI_TOO_OLD")]
    #[case(cli(CliTrouble::Redacted), 503, "CLI_REDACTED")]
    #[case(cli(CliTrouble::SignedOut), 422, "CLI_SIGNED_OUT")]
    #[case(cli(CliTrouble::Failed), 502, "CLI_FAILED")]
    #[case(Error::Store("disk full at sector 7".into()), 500, "SERVER_ERROR")]
    fn the_engines_errors_become_problems(#[case] error: Error, #[case] status: u16, #[case] code: &str) {
        let problem = Problem::from(error);
        assert_eq!((problem.status.as_u16(), problem.code), (status, code));
        assert!(!problem.detail.contains("sector 7"), "the store's own words are for the log");
    }

    fn cli(trouble: CliTrouble) -> Error {
        Error::Connect(ConnectError::Cli(CliError { trouble, message: "no".into() }))
    }
}
