//! A token server that gives nothing: does that last or pass, and what to tell a person?

use oauth2::RequestTokenError;
use oauth2::basic::BasicErrorResponse;

use super::AskError;

/// What a token server was asked for. What somebody who got nothing can do depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A new access token of a connected org. The program asks again by itself.
    Renewal,
    /// The tokens for a code that a browser brought back. A code is good once, so nobody can ask again.
    Code,
    /// The first access token for an sfdxAuthUrl that somebody gave. Nobody asks again.
    AuthUrl,
}

/// Why the token server gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denied {
    /// Did it say no (and a person must sign in), or could it not be asked?
    pub(crate) refused: bool,
    pub(crate) http_status: Option<u16>,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// An answer by which a token server says that it may give a token later, though it looks like a refusal.
struct Passing {
    sign: Sign,
    /// What is behind it, for a person; a whole sentence.
    why: &'static str,
}

/// How it is known.
enum Sign {
    /// By its code.
    Code(&'static str),
    /// By words in its description.
    Words(&'static str),
    /// By words in its description, where a refresh token was sent.
    WordsForRefresh(&'static str),
}

const FAILED: &str = "Something failed there.";
const SHARED: &str = "Another program may be using the same sign-in.";
const TOO_OFTEN: &str = "The user has signed in too often within an hour, perhaps by another program.";

/// Every answer that passes, with where that is known from. What is not here means that somebody must sign in.
const PASSING: [Passing; 9] = [
    // RFC 6749, 4.1.2.1.
    Passing { sign: Sign::Code("server_error"), why: FAILED },
    Passing { sign: Sign::Code("temporarily_unavailable"), why: FAILED },
    // `unknown_error`, "retry your request", with HTTP 400: seen in amazon-connect-salesforce-lambda #43, and retried by
    // the Salesforce adapter of salto-io/salto.
    Passing { sign: Sign::Code("unknown_error"), why: FAILED },
    Passing { sign: Sign::Words("retry your request"), why: FAILED },
    // More than 3,600 logins of a user in an hour (Salesforce Help 000381578, "Sign In Error 'Login Rate Exceeded'"); in
    // the login history it is LOGIN_RATE_EXCEEDED.
    Passing { sign: Sign::Words("login rate exceeded"), why: TOO_OFTEN },
    Passing { sign: Sign::Words("login_rate_exceeded"), why: TOO_OFTEN },
    // Salesforce's Mobile SDK knows it (SFOAuthCoordinator).
    Passing { sign: Sign::Code("rate_limit_exceeded"), why: TOO_OFTEN },
    // Salesforce takes one request at a time for a refresh token, and answers the others `invalid_grant` with these words
    // (release notes, "Simultaneous Token Requests Are Blocked During the Refresh Token Flow"). A CLI that uses the same
    // token is enough.
    Passing { sign: Sign::Words("already being processed"), why: SHARED },
    // Before Winter '25 it said this instead, which it says of a code too (release notes, rn_security_refresh_token_error;
    // segmentio/action-destinations #2300 takes both).
    Passing { sign: Sign::WordsForRefresh("expired authorization code"), why: SHARED },
];

impl Passing {
    fn of(response: &BasicErrorResponse, asked: Asked) -> Option<&'static Self> {
        let code = response.error().to_string();
        let said = response.error_description().map(|words| words.to_ascii_lowercase()).unwrap_or_default();
        PASSING.iter().find(|passing| match passing.sign {
            Sign::Code(known) => code == known,
            Sign::Words(known) => said.contains(known),
            Sign::WordsForRefresh(known) => asked != Asked::Code && said.contains(known),
        })
    }
}

impl Asked {
    /// The next step, where the token server may give a token later.
    fn later(self) -> &'static str {
        match self {
            Self::Renewal => "It is asked again with the next attempt.",
            Self::Code => "The sign-in came to nothing, and nothing was changed: sign in again later.",
            Self::AuthUrl => "Nothing was stored: give the sfdxAuthUrl again later.",
        }
    }
}

/// What the OAuth library's error means.
pub(super) fn denied(
    error: RequestTokenError<AskError, BasicErrorResponse>,
    status: u16,
    host: &str,
    asked: Asked,
) -> Denied {
    let http_status = (status != 0).then_some(status);
    let no_sense = || Denied {
        refused: false,
        http_status,
        code: "TOKEN_SERVER_ERROR".into(),
        message: format!(
            "The token server {host} answered HTTP {status} and nothing that makes sense. {}",
            asked.later()
        ),
    };
    match error {
        RequestTokenError::Request(AskError::NoAnswer(code, message)) => {
            let message = match asked {
                // The attempt that it was for tells what comes next.
                Asked::Renewal => message,
                Asked::Code | Asked::AuthUrl => format!("{message} {}", asked.later()),
            };
            Denied { refused: false, http_status: None, code: code.into(), message }
        }
        RequestTokenError::Request(AskError::Http(_))
        | RequestTokenError::Other(_)
        | RequestTokenError::Parse(..) => no_sense(),
        RequestTokenError::ServerResponse(_) if status >= 500 || matches!(status, 408 | 425 | 429) => {
            no_sense()
        }
        RequestTokenError::ServerResponse(response) => {
            let said = words(&response);
            match Passing::of(&response, asked) {
                Some(Passing { why, .. }) => Denied {
                    refused: false,
                    http_status,
                    code: "TOKEN_SERVER_BUSY".into(),
                    message: format!(
                        "The token server {host} gives no token for now: {said}. {why} {}",
                        asked.later()
                    ),
                },
                None => Denied {
                    refused: true,
                    http_status,
                    code: response.error().to_string(),
                    message: refusal(host, &said, asked),
                },
            }
        }
    }
}

fn refusal(host: &str, said: &str, asked: Asked) -> String {
    match asked {
        Asked::Renewal => {
            format!("The token server {host} gives no token any more: {said}. Sign in again.")
        }
        Asked::Code => {
            format!("The token server {host} did not accept the sign-in: {said}. Sign in again.")
        }
        Asked::AuthUrl => format!(
            "The token server {host} gives no token for this sfdxAuthUrl: {said}. Sign in there again (`sf org login web`) and give the new one, or sign in with the browser."
        ),
    }
}

fn words(response: &BasicErrorResponse) -> String {
    let said = response.error_description().cloned().unwrap_or_else(|| response.error().to_string());
    said.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use oauth2::basic::BasicErrorResponseType;
    use rstest::rstest;

    use super::*;

    fn answered(asked: Asked, status: u16, code: &str, said: Option<&str>) -> Denied {
        let code = BasicErrorResponseType::Extension(code.to_owned());
        let response = BasicErrorResponse::new(code, said.map(str::to_owned), None);
        denied(RequestTokenError::ServerResponse(response), status, "h", asked)
    }

    #[rstest]
    #[case::retry(400, "unknown_error", Some("retry your request"))]
    #[case::unknown(400, "unknown_error", None)]
    #[case::retry_by_its_words(400, "invalid_grant", Some("unknown_error: retry your request"))]
    #[case::too_often(400, "invalid_grant", Some("login rate exceeded"))]
    #[case::too_often_as_in_the_login_history(400, "invalid_grant", Some("LOGIN_RATE_EXCEEDED"))]
    #[case::too_often_by_its_code(400, "rate_limit_exceeded", Some("number of logins exceeded"))]
    #[case::another_is_at_it(400, "invalid_grant", Some("Token request is already being processed."))]
    #[case::another_is_at_it_as_it_was_said_before(400, "invalid_grant", Some("expired authorization code"))]
    #[case::server_error(400, "server_error", None)]
    #[case::unavailable(400, "temporarily_unavailable", None)]
    #[case::by_its_status(503, "invalid_grant", Some("expired access/refresh token"))]
    #[case::too_many(429, "invalid_grant", None)]
    fn a_refusal_that_passes_is_none(#[case] status: u16, #[case] code: &str, #[case] said: Option<&str>) {
        let denied = answered(Asked::Renewal, status, code, said);
        assert!(!denied.refused, "{denied:?}");
        assert!(denied.code.starts_with("TOKEN_SERVER_"), "{denied:?}");
        assert!(denied.message.ends_with("asked again with the next attempt."), "{denied:?}");
    }

    #[rstest]
    #[case::expired("invalid_grant", Some("expired access/refresh token"))]
    #[case::user("invalid_grant", Some("inactive user"))]
    #[case::org("invalid_grant", Some("inactive organization"))]
    #[case::address("invalid_grant", Some("ip restricted"))]
    #[case::app("invalid_client_id", Some("client identifier invalid"))]
    #[case::without_words("invalid_grant", None)]
    fn a_refusal_that_lasts_asks_for_a_sign_in(#[case] code: &str, #[case] said: Option<&str>) {
        let denied = answered(Asked::Renewal, 400, code, said);
        assert!(denied.refused && denied.code == code, "{denied:?}");
        assert!(denied.message.contains("Sign in again."), "{denied:?}");
    }

    #[rstest]
    #[case::page(503, "server_error", None)]
    #[case::busy(400, "invalid_grant", Some("login rate exceeded"))]
    #[case::refused(400, "invalid_grant", Some("expired authorization code"))]
    fn nobody_is_told_that_a_code_or_an_auth_url_is_asked_for_again(
        #[case] status: u16,
        #[case] code: &str,
        #[case] said: Option<&str>,
    ) {
        for (asked, step) in [(Asked::Code, "sign in again"), (Asked::AuthUrl, "give the")] {
            let denied = answered(asked, status, code, said);
            assert!(!denied.message.contains("asked again"), "{denied:?}");
            assert!(denied.message.to_lowercase().contains(step), "{denied:?}");
        }
        let broken =
            || RequestTokenError::Request(AskError::NoAnswer("CONNECTION_RESET", "It broke off.".into()));
        assert_eq!(
            denied(broken(), 0, "h", Asked::Code).message,
            "It broke off. The sign-in came to nothing, and nothing was changed: sign in again later."
        );
        assert_eq!(denied(broken(), 0, "h", Asked::Renewal).message, "It broke off.");
    }

    #[test]
    fn a_code_that_has_expired_is_refused() {
        assert!(answered(Asked::Code, 400, "invalid_grant", Some("expired authorization code")).refused);
    }
}
