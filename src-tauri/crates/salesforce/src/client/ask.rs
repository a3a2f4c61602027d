//! One request to an org, and what can be told of its answer without knowing what it was for.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use secrecy::ExposeSecret as _;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::remote::{ApiUsage, Meaning, Try};
use url::Url;

use super::Client;
use crate::http::{READ_AT_MOST, is_allowed_url, read_body_up_to};
use crate::network::no_answer;
use crate::outcome;
use crate::redact::{clean, shorten};
use crate::session::{Session, Token};

/// The most of an answer's body that is kept, in bytes.
pub(super) const KEPT_BODY: usize = 64 * 1024;
/// The longest error code that is kept, in characters.
pub(super) const LONGEST_CODE: usize = 100;
/// The longest message that is kept, in characters.
pub(super) const LONGEST_MESSAGE: usize = 1_000;
/// `api-usage=used/max` (REST API Developer Guide, "Limit Info Header").
const LIMIT_INFO: HeaderName = HeaderName::from_static("sforce-limit-info");

/// A request to an org.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a str,
    pub(crate) body: Option<Bytes>,
    /// More headers.
    pub(crate) headers: Vec<(HeaderName, String)>,
    /// The most of the answer that is read, in bytes.
    pub(crate) longest: usize,
}

impl<'a> Ask<'a> {
    pub(crate) fn new(method: Method, url: &'a str, body: Option<Bytes>) -> Self {
        Self { method, url, body, headers: Vec::new(), longest: READ_AT_MOST }
    }
}

/// What came of one request, before it is known whether it decides.
pub(crate) struct Answer {
    pub(crate) one: Try,
    pub(crate) usage: Option<ApiUsage>,
    pub(crate) skew_ms: Option<i64>,
    /// The body as it came; it may hold what it should not.
    pub(crate) body: Option<Vec<u8>>,
}

impl Client {
    /// Makes a request with a token; whatever happens is an answer.
    pub(crate) async fn ask(&self, ask: Ask<'_>, token: &Token, session: &Session) -> Answer {
        let url = session.url(ask.url);
        let host = host_of(url.as_ref()).to_owned();
        let (started_at, began) = (self.clock.now(), self.clock.elapsed());
        let answer = self.exchange(ask, url, &host, token).await;
        let duration = self.clock.elapsed().saturating_sub(began);
        let known = session.known();
        let clean = |text: String| clean(&text, &known);
        match answer {
            Err((code, message)) => Answer {
                one: Try {
                    started_at,
                    duration,
                    meaning: Meaning::Unreachable,
                    http_status: None,
                    error_code: Some(code.to_owned()),
                    message: Some(clean(message)),
                    response_body: None,
                },
                usage: None,
                skew_ms: None,
                body: None,
            },
            Ok((status, headers, body, answered_at)) => {
                let header = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
                let reading = outcome::read(
                    status,
                    outcome::retry_after(header(&RETRY_AFTER), self.clock.now()),
                    &body,
                );
                Answer {
                    one: Try {
                        started_at,
                        duration,
                        meaning: reading.meaning,
                        http_status: Some(status),
                        // Tokens go first: a text that was cut through a token would keep half of it.
                        error_code: reading.error_code.map(|code| shorten(&clean(code), LONGEST_CODE)),
                        message: reading.message.map(|message| shorten(&clean(message), LONGEST_MESSAGE)),
                        response_body: (!body.is_empty())
                            .then(|| kept(&clean(String::from_utf8_lossy(&body).into_owned()))),
                    },
                    usage: header(&LIMIT_INFO).and_then(usage),
                    skew_ms: header(&DATE).and_then(|date| skew_ms(date, started_at, answered_at)),
                    body: Some(body),
                }
            }
        }
    }

    async fn exchange(
        &self,
        ask: Ask<'_>,
        url: Option<Url>,
        host: &str,
        token: &Token,
    ) -> Result<(u16, HeaderMap, Vec<u8>, Millis), (&'static str, String)> {
        let said = |error: &reqwest::Error| {
            let no = no_answer(error, host);
            (no.code, no.message)
        };
        let Some(url) = url.filter(is_allowed_url) else {
            return Err((
                "INSECURE_URL",
                format!(
                    "{host} would be asked without TLS, which would show its token to everyone in between. Connect the org again."
                ),
            ));
        };
        let client = self.means.http.for_parsed(&url).map_err(|error| said(&error))?;
        let mut request = client.request(ask.method, url).bearer_auth(token.secret.expose_secret());
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        if let Some(body) = ask.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let mut response = request.send().await.map_err(|error| said(&error))?;
        let answered_at = self.clock.now();
        let headers = std::mem::take(response.headers_mut());
        let body = read_body_up_to(&mut response, ask.longest).await.map_err(|error| said(&error))?;
        Ok((response.status().as_u16(), headers, body, answered_at))
    }
}

fn host_of(url: Option<&Url>) -> &str {
    url.and_then(Url::host_str).unwrap_or("the org")
}

/// The beginning of a body, cut between two characters.
fn kept(body: &str) -> String {
    let mut end = body.len().min(KEPT_BODY);
    while !body.is_char_boundary(end) {
        end -= 1;
    }
    body[..end].to_owned()
}

fn usage(header: &str) -> Option<ApiUsage> {
    let figures = header.split(',').find_map(|part| part.trim().strip_prefix("api-usage="))?;
    let (used, max) = figures.split_once('/')?;
    Some(ApiUsage { used: used.trim().parse().ok()?, max: max.trim().parse().ok()? })
}

/// The org's clock minus this machine's, at the middle of the exchange. An HTTP date is cut to whole seconds, so half of
/// one is added: the result is right to about half a second and half the time of the exchange.
fn skew_ms(date: &str, sent: Millis, answered: Millis) -> Option<i64> {
    let date = Millis::from(chrono::DateTime::<chrono::Utc>::from(httpdate::parse_http_date(date).ok()?));
    Some(date.0 + 500 - i64::midpoint(sent.0, answered.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::time::Duration;

    #[rstest]
    #[case("api-usage=18/5000", Some((18, 5000)))]
    #[case("api-usage=25/5000, per-app-api-usage=17/250(appName=sample)", Some((25, 5000)))]
    #[case("api-usage=25", None)]
    #[case("", None)]
    fn the_api_use_is_read_from_its_header(#[case] header: &str, #[case] expected: Option<(u64, u64)>) {
        assert_eq!(usage(header), expected.map(|(used, max)| ApiUsage { used, max }));
    }

    #[test]
    fn an_org_that_is_ahead_has_a_positive_skew() {
        let now = Millis(1_772_202_600_000);
        assert_eq!(
            skew_ms("Fri, 27 Feb 2026 14:31:00 GMT", now, now.plus(Duration::from_secs(1))),
            Some(60_000)
        );
        assert_eq!(skew_ms("Fri, 27 Feb 2026 14:29:00 GMT", now, now), Some(-59_500));
    }

    #[test]
    fn a_body_is_cut_between_characters() {
        let body = "é".repeat(KEPT_BODY);
        assert_eq!(kept(&body).len(), KEPT_BODY);
        assert_eq!(kept(&format!("x{body}")).len(), KEPT_BODY - 1);
    }
}
