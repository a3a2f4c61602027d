//! The port [`Remote`], over HTTP.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::Method;
use secrecy::SecretString;
use sync_monitor_domain::clock::Clock;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::{
    Call, Called, CliError, ConnectError, ConnectedOrg, Examination, OrgAddress, Remote, Report, SecretError,
    SecretStore, ServiceKey, Try,
};
use sync_monitor_domain::sign_in::{CliOrg, SignInRequest, TokenSource, WaitsForSignIn};

use crate::http::{Http, is_allowed};
use crate::login::Logins;
use crate::session::{Means, Session};
use crate::sf_cli::{self, Cli};
use crate::{call, oauth};

mod ask;
mod attempt;
mod connecting;

pub(crate) use ask::{Answer, Ask};
use connecting::Finisher;

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
        self.by_auth_url(&auth_url).await
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
        self.by_cli(name).await
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

#[cfg(test)]
mod tests;
