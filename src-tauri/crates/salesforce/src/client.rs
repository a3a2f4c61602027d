//! The port [`Remote`], over HTTP.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use secrecy::{ExposeSecret as _, SecretString};
use sync_monitor_domain::clock::{Clock, Millis};
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::{
    ApiUsage, ConnectError, ConnectedOrg, Meaning, OrgAddress, Remote, Report, SecretError, SecretStore, Try,
};

use crate::auth_url::AuthUrl;
use crate::http::{Http, is_allowed, read_body};
use crate::network::no_answer;
use crate::oauth::{self, Credentials};
use crate::outcome;
use crate::redact::{clean, shorten};
use crate::session::{NoToken, Session, Token};

/// The most of an answer's body that is kept, in bytes.
const KEPT_BODY: usize = 64 * 1024;
/// The longest error code that is kept, in characters.
const LONGEST_CODE: usize = 100;
/// The longest message that is kept, in characters.
const LONGEST_MESSAGE: usize = 1_000;
/// The name under which it is tried whether secrets can be kept.
const TRIAL: &str = "trial";
/// `api-usage=used/max` (REST API Developer Guide, "Limit Info Header").
const LIMIT_INFO: HeaderName = HeaderName::from_static("sforce-limit-info");

/// How the client behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a request may take as a whole.
    pub request_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(10), request_timeout: Duration::from_mins(2) }
    }
}

/// Why the client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("The HTTP client could not be made: {0}. Check the system's certificates.")]
pub struct ClientError(String);

/// Salesforce, as the engine sees it.
pub struct Client {
    http: Arc<Http>,
    secrets: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    sessions: Mutex<HashMap<OrgId, Arc<Session>>>,
}

/// What came of one request, before it is known whether it decides.
struct Answer {
    one: Try,
    usage: Option<ApiUsage>,
    skew_ms: Option<i64>,
}

impl Client {
    /// A client that keeps its secrets in `secrets`.
    ///
    /// # Errors
    /// None today: what can fail (reading certificates) is done when it is first needed, and told then.
    pub fn new(
        settings: Settings,
        secrets: Arc<dyn SecretStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ClientError> {
        if settings.request_timeout.is_zero() || settings.connect_timeout.is_zero() {
            return Err(ClientError("a time-out of zero leaves no time for an answer".into()));
        }
        let http = Arc::new(Http::new(settings.connect_timeout, settings.request_timeout));
        Ok(Self { http, secrets, clock, sessions: Mutex::default() })
    }

    fn session(&self, org: OrgId) -> Arc<Session> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sessions.entry(org).or_insert_with(|| Arc::new(Session::new(org))))
    }

    async fn renewed(&self, session: &Arc<Session>, stale: Option<u64>) -> Result<Token, Try> {
        let began = (self.clock.now(), self.clock.elapsed());
        let renewed = session.renewed(stale, Arc::clone(&self.http), Arc::clone(&self.secrets)).await;
        renewed.map_err(|why| {
            let mut one = no_token(&why, began.0, self.clock.elapsed().saturating_sub(began.1));
            let known = session.known();
            one.error_code = one.error_code.map(|code| shorten(&clean(&code, &known), LONGEST_CODE));
            one.message = one.message.map(|message| shorten(&clean(&message, &known), LONGEST_MESSAGE));
            one
        })
    }

    async fn post(&self, org: &OrgAddress, body: Bytes, token: &Token, session: &Session) -> Answer {
        let url = format!("{}{}", org.instance_url.trim_end_matches('/'), org.endpoint_path);
        let host = host_of(&url);
        let (started_at, began) = (self.clock.now(), self.clock.elapsed());
        let answer = self.exchange(&url, &host, body, token).await;
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
                }
            }
        }
    }

    async fn exchange(
        &self,
        url: &str,
        host: &str,
        body: Bytes,
        token: &Token,
    ) -> Result<(u16, HeaderMap, Vec<u8>, Millis), (&'static str, String)> {
        let said = |error: &reqwest::Error| {
            let no = no_answer(error, host);
            (no.code, no.message)
        };
        if !is_allowed(url) {
            return Err((
                "INSECURE_URL",
                format!(
                    "{host} would be asked without TLS, which would show its token to everyone in between. Connect the org again."
                ),
            ));
        }
        let client = self.http.for_url(url).map_err(|error| said(&error))?;
        let request = client
            .post(url)
            .bearer_auth(token.secret.expose_secret())
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let mut response = request.send().await.map_err(|error| said(&error))?;
        let answered_at = self.clock.now();
        let headers = response.headers().clone();
        let body = read_body(&mut response).await.map_err(|error| said(&error))?;
        Ok((response.status().as_u16(), headers, body, answered_at))
    }

    /// Writes something and removes it: a server that rotates refresh tokens kills the one that we were given with its
    /// first use, so a keychain that is locked must be found out before.
    async fn can_keep_secrets(&self) -> Result<(), SecretError> {
        self.secrets.set(TRIAL, SecretString::from("trial")).await?;
        self.secrets.remove(TRIAL).await
    }

    /// The signed-in user's name, where the org tells it.
    async fn username(&self, instance_url: &str, token: &Token) -> Option<String> {
        let url = format!("{instance_url}/services/oauth2/userinfo");
        let request = self.http.for_url(&url).ok()?.get(&url).bearer_auth(token.secret.expose_secret());
        let mut response = request.timeout(oauth::BEST_EFFORT).send().await.ok()?;
        let body = read_body(&mut response).await.ok()?;
        let info: serde_json::Value = serde_json::from_slice(&body).ok()?;
        info.get("preferred_username")?.as_str().map(str::to_owned)
    }
}

#[async_trait]
impl Remote for Client {
    async fn deliver(&self, org: &OrgAddress, body: Bytes) -> Report {
        let session = self.session(org.org_id);
        let mut report = Report { tries: Vec::new(), api_usage: None, clock_skew_ms: None };
        let mut renewed = false;
        let mut token = session.token();
        loop {
            let current = match token.take() {
                Some(token) => token,
                None => match self.renewed(&session, None).await {
                    Ok(token) => {
                        renewed = true;
                        token
                    }
                    Err(one) => {
                        report.tries.push(one);
                        return report;
                    }
                },
            };
            let Answer { mut one, usage, skew_ms } = self.post(org, body.clone(), &current, &session).await;
            report.api_usage = usage.or(report.api_usage);
            report.clock_skew_ms = skew_ms.or(report.clock_skew_ms);
            if one.meaning != Meaning::SignInRequired || renewed {
                report.tries.push(one);
                return report;
            }
            one.meaning = Meaning::TokenRenewed;
            report.tries.push(one);
            renewed = true;
            match self.renewed(&session, Some(current.generation)).await {
                Ok(new) => token = Some(new),
                Err(one) => {
                    report.tries.push(one);
                    return report;
                }
            }
        }
    }

    async fn answers(&self, org: &OrgAddress) -> bool {
        let url = format!("{}/services/data/", org.instance_url.trim_end_matches('/'));
        if !is_allowed(&url) {
            return false;
        }
        match self.http.for_url(&url) {
            Ok(client) => client.get(url).send().await.is_ok(),
            Err(_) => false,
        }
    }

    async fn connect_with_auth_url(&self, auth_url: SecretString) -> Result<ConnectedOrg, ConnectError> {
        let parsed =
            AuthUrl::parse(&auth_url).map_err(|error| ConnectError::NotAnAuthUrl(error.to_string()))?;
        let mut credentials = Credentials::from(parsed);
        self.can_keep_secrets().await?;
        let granted = oauth::refresh(&self.http, &credentials).await.map_err(|denied| {
            let message = shorten(&clean(&denied.message, &credentials.secrets()), LONGEST_MESSAGE);
            if denied.refused { ConnectError::Refused(message) } else { ConnectError::Unreachable(message) }
        })?;
        let (Some(org_id), Some(instance_url)) = (granted.org_id, granted.instance_url) else {
            let message = format!(
                "The token server {} did not say which org it signed in to. Check the host in the sfdxAuthUrl.",
                credentials.host
            );
            return Err(ConnectError::Unreachable(message));
        };
        let instance_url = instance_url.trim_end_matches('/').to_owned();
        if !is_allowed(&instance_url) {
            return Err(ConnectError::Unreachable(
                "The token server named an address of the org that is not https. Nothing was stored.".into(),
            ));
        }
        if let Some(rotated) = granted.rotated {
            credentials.refresh_token = rotated;
        }
        let session = self.session(org_id);
        let token = session.sign_in(&credentials, granted.access_token, self.secrets.as_ref()).await?;
        let username = self.username(&instance_url, &token).await;
        Ok(ConnectedOrg { org_id, username, instance_url })
    }

    async fn disconnect(&self, org: OrgId) -> Result<(), SecretError> {
        if let Some(credentials) = self.session(org).sign_out(self.secrets.as_ref()).await?
            && !oauth::revoke(&self.http, &credentials).await
        {
            tracing::warn!(%org, "the org's token could not be revoked; revoke it in Setup, Connected Apps OAuth Usage");
        }
        Ok(())
    }
}

/// The try that stands for a request that could not be made for want of a token.
fn no_token(why: &NoToken, started_at: Millis, duration: Duration) -> Try {
    let (meaning, http_status, code, message) = match why {
        NoToken::Denied(denied) => {
            let meaning = if denied.refused { Meaning::SignInRequired } else { Meaning::Unreachable };
            (meaning, denied.http_status, denied.code.clone(), denied.message.clone())
        }
        NoToken::Secrets(error) => {
            (Meaning::Retry { retry_after: None }, None, "SECRETS_UNAVAILABLE".to_owned(), error.to_string())
        }
        NoToken::SignedOut => {
            let message = "There are no credentials for this org. Connect it again.".to_owned();
            (Meaning::SignInRequired, None, "SIGNED_OUT".to_owned(), message)
        }
    };
    Try {
        started_at,
        duration,
        meaning,
        http_status,
        error_code: Some(code),
        message: Some(message),
        response_body: None,
    }
}

fn host_of(url: &str) -> String {
    url::Url::parse(url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| "the org".to_owned())
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
mod tests;
