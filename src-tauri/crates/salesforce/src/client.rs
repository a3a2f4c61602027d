//! The port [`Remote`], over HTTP.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use secrecy::{ExposeSecret as _, SecretString};
use sync_monitor_domain::clock::{Clock, Millis};
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::{
    ApiUsage, Call, Called, CliError, CliTrouble, ConnectError, ConnectedOrg, Examination, Meaning,
    OrgAddress, Remote, Report, SecretError, SecretStore, ServiceKey, Try,
};
use sync_monitor_domain::sign_in::{CliOrg, SignIn, SignInRequest, SignedInBy, TokenSource, WaitsForSignIn};
use url::Url;

use crate::auth_url::AuthUrl;
use crate::call;
use crate::http::{self, Http, READ_AT_MOST, base_url, is_allowed, is_allowed_url, read_body_up_to};
use crate::identity;
use crate::login::{Came, Finish, Logins};
use crate::network::no_answer;
use crate::oauth::{self, Asked, Credentials, Granted};
use crate::outcome;
use crate::redact::{clean, shorten};
use crate::session::{Means, NoToken, Session, Token};
use crate::sf_cli::{self, Cli, org_of_token};

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

/// The app of the Salesforce CLI, which most orgs have allowed already. Its callback is the one that we listen at.
pub const DEFAULT_CLIENT_ID: &str = "PlatformCLI";

/// How the client behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a request may take as a whole.
    pub request_timeout: Duration,
    /// The port of this machine that the browser comes back to after a sign-in.
    pub redirect_port: u16,
    /// The app to sign in with where no other is named.
    pub client_id: String,
    /// The Salesforce CLI's program, by name or path.
    pub cli: OsString,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_mins(2),
            redirect_port: 1717,
            client_id: DEFAULT_CLIENT_ID.to_owned(),
            cli: OsString::from(sf_cli::PROGRAM),
        }
    }
}

/// Why the client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("The HTTP client could not be made: {0}. Check the system's certificates.")]
pub struct ClientError(String);

/// Salesforce, as the engine sees it.
pub struct Client {
    pub(crate) means: Arc<Means>,
    sessions: Arc<Sessions>,
    clock: Arc<dyn Clock>,
    logins: Logins,
    client_id: String,
}

/// The tokens of each org.
#[derive(Default)]
struct Sessions(Mutex<HashMap<OrgId, Arc<Session>>>);

impl Sessions {
    fn of(&self, org: OrgId) -> Arc<Session> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sessions.entry(org).or_insert_with(|| Arc::new(Session::new(org))))
    }
}

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
        let means = Arc::new(Means {
            http: Arc::new(Http::new(settings.connect_timeout, settings.request_timeout)),
            secrets,
            cli: Cli::new(settings.cli),
        });
        let sessions = Arc::<Sessions>::default();
        let finish = Finisher { means: Arc::clone(&means), sessions: Arc::clone(&sessions) };
        let logins = Logins::new(settings.redirect_port, Arc::clone(&clock), Arc::new(finish));
        Ok(Self { means, sessions, clock, logins, client_id: settings.client_id })
    }

    pub(crate) fn session(&self, org: OrgId) -> Arc<Session> {
        self.sessions.of(org)
    }

    pub(crate) async fn renewed(
        &self,
        session: &Arc<Session>,
        source: &TokenSource,
        stale: Option<u64>,
    ) -> Result<Token, Box<Try>> {
        let began = (self.clock.now(), self.clock.elapsed());
        let renewed = session.renewed(stale, source, &self.means).await;
        renewed.map_err(|why| {
            let mut one = no_token(&why, began.0, self.clock.elapsed().saturating_sub(began.1));
            let known = session.known();
            one.error_code = one.error_code.map(|code| shorten(&clean(&code, &known), LONGEST_CODE));
            one.message = one.message.map(|message| shorten(&clean(&message, &known), LONGEST_MESSAGE));
            Box::new(one)
        })
    }

    /// Makes a request with a token; whatever happens is an answer.
    pub(crate) async fn ask(&self, ask: Ask<'_>, token: &Token, session: &Session) -> Answer {
        let url = Url::parse(ask.url).ok();
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
        let headers = response.headers().clone();
        let body = read_body_up_to(&mut response, ask.longest).await.map_err(|error| said(&error))?;
        Ok((response.status().as_u16(), headers, body, answered_at))
    }
}

/// Makes a connected org of what a token server gave.
struct Finisher {
    means: Arc<Means>,
    sessions: Arc<Sessions>,
}

#[async_trait]
impl Finish for Finisher {
    async fn finish(&self, came: Came) -> Result<ConnectedOrg, ConnectError> {
        let Came { host, client_id, redirect_url, code, verifier, again } = came;
        let http = &self.means.http;
        let sent = [code.clone(), SecretString::from(verifier.secret().clone())];
        let mut granted = oauth::exchange(http, &host, &client_id, &redirect_url, code, verifier)
            .await
            .map_err(|denied| {
                let message = shorten(&clean(&denied.message, &sent), LONGEST_MESSAGE);
                if denied.refused {
                    ConnectError::Refused(message)
                } else {
                    ConnectError::Unreachable(message)
                }
            })?;
        let Some(refresh_token) = granted.refresh_token.take() else {
            oauth::revoke(http, &host, &granted.access_token).await;
            return Err(ConnectError::Refused(
                "The app gives no refresh token, so the sign-in would end within hours. Allow it the scope refresh_token (\"Perform requests at any time\"), then sign in again.".into(),
            ));
        };
        let credentials = Credentials { client_id, client_secret: None, refresh_token, host };
        if let (Some(known), Some(org_id)) = (&again, granted.org_id)
            && known.org_id != org_id
            && granted.instance_url.as_deref().and_then(http::address) != http::address(&known.instance_url)
        {
            // Not kept, and not left lying around either.
            oauth::revoke(http, &credentials.host, &credentials.refresh_token).await;
            return Err(ConnectError::Refused(format!(
                "This is another org: you signed in to {org_id}, and {} was to be signed in to again. Nothing was changed. Sign in once more, as a user of the right org; to connect this one too, add it as a new org.",
                known.org_id
            )));
        }
        let sign_in = SignIn {
            by: SignedInBy::Browser,
            login_url: Some(base_url(&credentials.host)),
            client_id: Some(credentials.client_id.clone()),
        };
        self.keep(&credentials, granted, sign_in).await
    }
}

impl Finisher {
    /// Keeps the credentials of an org, and asks it who it is.
    async fn keep(
        &self,
        credentials: &Credentials,
        granted: Granted,
        sign_in: SignIn,
    ) -> Result<ConnectedOrg, ConnectError> {
        let (Some(org_id), Some(instance_url)) = (granted.org_id, granted.instance_url) else {
            return Err(ConnectError::Unreachable(format!(
                "The token server {} did not say which org it signed in to. Check its address.",
                credentials.host
            )));
        };
        let Some(instance_url) = http::address(&instance_url) else {
            return Err(ConnectError::Unreachable(
                "The token server named an address of the org that is not https. Nothing was stored.".into(),
            ));
        };
        let secrets = self.means.secrets.as_ref();
        let token = self.sessions.of(org_id).sign_in(credentials, granted.access_token, secrets).await?;
        let identity_url = granted.identity_url.as_deref();
        let identity = identity::read(&self.means.http, &instance_url, identity_url, &token.secret).await;
        Ok(ConnectedOrg { org_id, username: identity.username, instance_url, kind: identity.kind, sign_in })
    }

    /// Writes something and removes it: a server that rotates refresh tokens kills the one that we were given with its
    /// first use, so a keychain that is locked must be found out before.
    async fn can_keep_secrets(&self) -> Result<(), SecretError> {
        self.means.secrets.set(TRIAL, SecretString::from("trial")).await?;
        self.means.secrets.remove(TRIAL).await
    }
}

#[async_trait]
impl Remote for Client {
    async fn deliver(&self, org: &OrgAddress, body: Bytes) -> Report {
        self.attempt(org, &org.endpoint_path, |url| Ask::new(Method::POST, url, Some(body.clone())), |_| ())
            .await
            .report
    }

    async fn answers(&self, org: &OrgAddress) -> bool {
        let url = format!("{}/services/data/", org.instance_url.trim_end_matches('/'));
        if !is_allowed(&url) {
            return false;
        }
        match self.means.http.for_url(&url) {
            Ok(client) => client.get(url).send().await.is_ok(),
            Err(_) => false,
        }
    }

    async fn connect_with_auth_url(&self, auth_url: SecretString) -> Result<ConnectedOrg, ConnectError> {
        let parsed =
            AuthUrl::parse(&auth_url).map_err(|error| ConnectError::NotAnAuthUrl(error.to_string()))?;
        let mut credentials = Credentials::from(parsed);
        let finisher = self.finisher();
        finisher.can_keep_secrets().await?;
        let granted = oauth::refresh(&self.means.http, &credentials, Asked::AuthUrl).await;
        let mut granted = granted.map_err(|denied| {
            let message = shorten(&clean(&denied.message, &credentials.secrets()), LONGEST_MESSAGE);
            if denied.refused { ConnectError::Refused(message) } else { ConnectError::Unreachable(message) }
        })?;
        if let Some(rotated) = granted.refresh_token.take() {
            credentials.refresh_token = rotated;
        }
        let sign_in = SignIn {
            by: SignedInBy::AuthUrl,
            login_url: Some(base_url(&credentials.host)),
            client_id: Some(credentials.client_id.clone()),
        };
        finisher.keep(&credentials, granted, sign_in).await
    }

    async fn begin_sign_in(
        &self,
        request: SignInRequest,
        waiting: Box<dyn WaitsForSignIn>,
    ) -> Result<String, ConnectError> {
        self.finisher().can_keep_secrets().await?;
        let client_id = request.client_id.clone().unwrap_or_else(|| self.client_id.clone());
        self.logins.begin(request, client_id, waiting).await
    }

    fn give_up_sign_in(&self, id: uuid::Uuid) {
        self.logins.give_up(id);
    }

    async fn cli_orgs(&self) -> Result<Vec<CliOrg>, CliError> {
        self.means.cli.orgs().await
    }

    async fn connect_with_cli(&self, name: &str) -> Result<ConnectedOrg, ConnectError> {
        let orgs = self.means.cli.orgs().await?;
        let named = |org: &&CliOrg| org.username == name || org.aliases.iter().any(|alias| alias == name);
        let Some(found) = orgs.iter().find(named) else {
            return Err(ConnectError::Cli(CliError {
                trouble: CliTrouble::SignedOut,
                message: format!(
                    "The Salesforce CLI is signed in to no org by the name {name}. Sign in with `sf org login web`, or pick another."
                ),
            }));
        };
        let unusable = |what: &str| {
            ConnectError::Cli(CliError {
                trouble: CliTrouble::Failed,
                message: format!("The Salesforce CLI does not say {what} of {name}. Update it: sf update"),
            })
        };
        let token = self.means.cli.access_token(&found.username, None).await?;
        let org_id = org_of_token(&token).or(found.org_id).ok_or_else(|| unusable("the ID of the org"))?;
        let instance_url = found.instance_url.as_deref().ok_or_else(|| unusable("the address of the org"))?;
        let instance_url =
            http::address(instance_url).ok_or_else(|| unusable("an https address of the org"))?;
        let had_stored =
            self.means.secrets.get(&crate::session::secret_name(org_id)).await.is_ok_and(|s| s.is_some());
        let secrets = self.means.secrets.as_ref();
        let token = self.session(org_id).sign_in_with_cli(token, secrets, had_stored).await?;
        let identity = identity::read(&self.means.http, &instance_url, None, &token.secret).await;
        Ok(ConnectedOrg {
            org_id,
            username: Some(found.username.clone()),
            instance_url,
            kind: identity.kind.or(found.kind),
            sign_in: SignIn { by: SignedInBy::Cli, login_url: None, client_id: None },
        })
    }

    async fn examine(&self, org: &OrgAddress) -> Examination {
        self.look_at(org).await
    }

    async fn call(&self, org: &OrgAddress, call: Call) -> Called {
        self.call_org(org, call).await
    }

    async fn set_service_key(&self, org: OrgId, key: Option<ServiceKey>) -> Result<(), SecretError> {
        call::set_key(self.means.secrets.as_ref(), org, key).await
    }

    async fn keep_alive(&self, org: &OrgAddress) -> Result<Option<String>, Box<Try>> {
        if org.tokens != TokenSource::Stored {
            // The CLI's tokens are its own to look after.
            return Ok(None);
        }
        let session = self.session(org.org_id);
        let stale = session.token().map(|token| token.generation);
        self.renewed(&session, &org.tokens, stale).await?;
        Ok(session.moved_from(&org.instance_url))
    }

    async fn disconnect(&self, org: &OrgAddress) -> Result<(), SecretError> {
        call::forget_key(self.means.secrets.as_ref(), org.org_id).await?;
        let session = self.session(org.org_id);
        if org.tokens != TokenSource::Stored {
            session.forget();
            return Ok(());
        }
        if let Some(credentials) = session.sign_out(self.means.secrets.as_ref()).await?
            && !oauth::revoke(&self.means.http, &credentials.host, &credentials.refresh_token).await
        {
            tracing::warn!(org = %org.org_id, "the org's token could not be revoked; revoke it in Setup, Connected Apps OAuth Usage");
        }
        Ok(())
    }
}

impl Client {
    /// The try that stands for a call that could not be made for want of the service's key.
    pub(crate) fn no_key(&self, error: &SecretError) -> Try {
        no_token(&NoToken::Secrets(error.clone()), self.clock.now(), Duration::ZERO)
    }

    /// Sends what `ask` makes for a URL, and once more where a new token may help. `judge` may read more in an answer than
    /// its status says.
    pub(crate) async fn attempt(
        &self,
        org: &OrgAddress,
        path: &str,
        ask: impl Fn(&str) -> Ask<'_> + Send + Sync,
        judge: impl Fn(&mut Try) + Send + Sync,
    ) -> Called {
        let session = &self.session(org.org_id);
        let report = Report { tries: Vec::new(), api_usage: None, clock_skew_ms: None, moved_to: None };
        let mut called = Called { report, body: None };
        let mut renewed = false;
        let mut token = session.token();
        loop {
            let current = match token.take() {
                Some(token) => token,
                None => match self.renewed(session, &org.tokens, None).await {
                    Ok(token) => token,
                    Err(one) => {
                        called.report.tries.push(*one);
                        break;
                    }
                },
            };
            let url = format!("{}{path}", session.address(&org.instance_url));
            let Answer { mut one, usage, skew_ms, body } = self.ask(ask(&url), &current, session).await;
            called.report.api_usage = usage.or(called.report.api_usage);
            called.report.clock_skew_ms = skew_ms.or(called.report.clock_skew_ms);
            called.body = body;
            judge(&mut one);
            if one.meaning != Meaning::SignInRequired || renewed {
                called.report.tries.push(one);
                break;
            }
            one.meaning = Meaning::TokenRenewed;
            called.report.tries.push(one);
            renewed = true;
            match self.renewed(session, &org.tokens, Some(current.generation)).await {
                Ok(new) => token = Some(new),
                Err(one) => {
                    called.report.tries.push(*one);
                    break;
                }
            }
        }
        called.report.moved_to = session.moved_from(&org.instance_url);
        called
    }

    fn finisher(&self) -> Finisher {
        Finisher { means: Arc::clone(&self.means), sessions: Arc::clone(&self.sessions) }
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
        NoToken::Cli(CliError { trouble, message }) => {
            let (meaning, code) = match trouble {
                CliTrouble::Missing => (Meaning::SignInRequired, "CLI_MISSING"),
                CliTrouble::TooOld => (Meaning::SignInRequired, "CLI_TOO_OLD"),
                CliTrouble::Redacted => (Meaning::SignInRequired, "CLI_REDACTED"),
                CliTrouble::SignedOut => (Meaning::SignInRequired, "CLI_SIGNED_OUT"),
                CliTrouble::Offline => (Meaning::Unreachable, "CLI_OFFLINE"),
                CliTrouble::Failed => (Meaning::Retry { retry_after: None }, "CLI_FAILED"),
            };
            (meaning, None, code.to_owned(), message.clone())
        }
        NoToken::OtherOrg(other) => {
            let message = format!(
                "At this address there is another org now: {other}. A sandbox that is refreshed becomes a new org under its old name. Connect it as a new org, give it the routes, and disconnect this one."
            );
            (Meaning::SignInRequired, None, "OTHER_ORG".to_owned(), message)
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
mod tests;
