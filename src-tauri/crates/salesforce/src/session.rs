//! The tokens of one org, in memory: renewed by one for all who wait.

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::{CliError, SecretError, SecretStore};
use sync_monitor_domain::sign_in::TokenSource;
use url::Url;

use crate::http::{self, Http};
use crate::oauth::{self, Asked, Credentials, Denied};
use crate::sf_cli::{Cli, org_of_token};

/// The most tokens of an org that are looked for in what it says.
const KNOWN_AT_MOST: usize = 32;

/// An access token, and which one in the row.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) secret: SecretString,
    pub(crate) generation: u64,
}

/// Why there is no access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoToken {
    /// The token server gave none.
    Denied(Denied),
    /// The secrets cannot be read or written.
    Secrets(SecretError),
    /// There are none for this org.
    SignedOut,
    /// The Salesforce CLI gave none.
    Cli(CliError),
    /// The token that came is another org's, which stands at this one's address now.
    OtherOrg(OrgId),
}

/// What it takes to get a token.
pub(crate) struct Means {
    pub(crate) http: Arc<Http>,
    pub(crate) secrets: Arc<dyn SecretStore>,
    pub(crate) cli: Cli,
}

/// The tokens of one org.
pub(crate) struct Session {
    org: OrgId,
    state: Mutex<State>,
    /// Held by whoever renews; counts renewals that ended, so that those who waited take the same result.
    renewing: tokio::sync::Mutex<Renewals>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    generation: u64,
    /// Every token of this run, so that they can be cut out of what the org says.
    known: Arc<Vec<SecretString>>,
    ended: u64,
    /// Where the org is, as its token server said in this run with the last renewal.
    address: Option<String>,
    /// The URL that it was asked for last, as it was written and as it was read.
    url: Option<(String, Url)>,
}

impl State {
    fn remember(&mut self, secret: &SecretString) {
        if self.known.iter().any(|known| known.expose_secret() == secret.expose_secret()) {
            return;
        }
        let known = Arc::make_mut(&mut self.known);
        known.push(secret.clone());
        // An org that renews every hour would pile them up; what is older than a few renewals is dead.
        let surplus = known.len().saturating_sub(KNOWN_AT_MOST);
        known.drain(..surplus);
    }
}

#[derive(Default)]
struct Renewals {
    last: Option<Result<Token, NoToken>>,
    /// A rotated refresh token that could not be stored: the stored one is dead.
    unstored: Option<Credentials>,
}

/// The name under which an org's credentials are kept.
pub(crate) fn secret_name(org: OrgId) -> String {
    format!("org/{org}")
}

impl Session {
    pub(crate) fn new(org: OrgId) -> Self {
        Self { org, state: Mutex::default(), renewing: tokio::sync::Mutex::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token in use, if there is one.
    pub(crate) fn token(&self) -> Option<Token> {
        self.state().token.clone()
    }

    /// Every token of this run.
    pub(crate) fn known(&self) -> Arc<Vec<SecretString>> {
        Arc::clone(&self.state().known)
    }

    /// The URL that a text is; `None` where it is none. The last one is remembered: what is delivered to an org goes to one.
    pub(crate) fn url(&self, text: &str) -> Option<Url> {
        if let Some((last, url)) = &self.state().url
            && last == text
        {
            return Some(url.clone());
        }
        let url = Url::parse(text).ok()?;
        self.state().url = Some((text.to_owned(), url.clone()));
        Some(url)
    }

    /// Where the org is: where it was `known` to be, unless its token server has said something else since.
    pub(crate) fn address(&self, known: &str) -> String {
        let moved = self.state().address.clone();
        moved.unwrap_or_else(|| known.trim_end_matches('/').to_owned())
    }

    /// Where the org is now, if that is not where it was `known` to be.
    pub(crate) fn moved_from(&self, known: &str) -> Option<String> {
        self.state().address.clone().filter(|address| address != known.trim_end_matches('/'))
    }

    /// From now on the org is signed in with these: they are stored, and only then is their access token used.
    ///
    /// Waits for a renewal that is on, which would otherwise write the credentials before over the new ones.
    ///
    /// # Errors
    /// [`SecretError`] when they could not be stored; nothing changes then.
    pub(crate) async fn sign_in(
        &self,
        credentials: &Credentials,
        access_token: SecretString,
        secrets: &dyn SecretStore,
    ) -> Result<Token, SecretError> {
        let mut renewals = self.renewing.lock().await;
        secrets.set(&secret_name(self.org), credentials.to_secret()).await?;
        *renewals = Renewals::default();
        // Whoever signs in says where.
        self.state().address = None;
        self.remember(credentials);
        Ok(self.adopt(access_token))
    }

    /// From now on the org's tokens are the Salesforce CLI's: what was stored of it before is forgotten.
    ///
    /// # Errors
    /// [`SecretError`] when that could not be removed; nothing changes then.
    pub(crate) async fn sign_in_with_cli(
        &self,
        access_token: SecretString,
        secrets: &dyn SecretStore,
        had_stored: bool,
    ) -> Result<Token, SecretError> {
        let mut renewals = self.renewing.lock().await;
        if had_stored {
            secrets.remove(&secret_name(self.org)).await?;
        }
        *renewals = Renewals::default();
        self.state().address = None;
        Ok(self.adopt(access_token))
    }

    /// From now on the org is signed out; returns the credentials that it had, the last ones that are good.
    ///
    /// # Errors
    /// [`SecretError`] when they could not be removed; nothing changes then.
    pub(crate) async fn sign_out(
        &self,
        secrets: &dyn SecretStore,
    ) -> Result<Option<Credentials>, SecretError> {
        let mut renewals = self.renewing.lock().await;
        let name = secret_name(self.org);
        let stored = secrets.get(&name).await?;
        secrets.remove(&name).await?;
        {
            let mut state = self.state();
            state.token = None;
            state.address = None;
        }
        let unstored = std::mem::take(&mut *renewals).unstored;
        Ok(unstored.or_else(|| stored.as_ref().and_then(Credentials::from_secret)))
    }

    /// From now on there is no token; what is stored stays.
    pub(crate) fn forget(&self) {
        self.state().token = None;
    }

    /// From now on this is cut out of what the org says, too.
    pub(crate) fn keep_out(&self, secret: &SecretString) {
        self.state().remember(secret);
    }

    fn adopt(&self, access_token: SecretString) -> Token {
        let mut state = self.state();
        state.generation += 1;
        let token = Token { secret: access_token, generation: state.generation };
        state.token = Some(token.clone());
        state.remember(&token.secret);
        token
    }

    /// Before anybody is told these: the answer may repeat them.
    fn remember(&self, credentials: &Credentials) {
        let mut state = self.state();
        for secret in credentials.secrets() {
            state.remember(&secret);
        }
    }

    /// A token newer than `stale`. One request to the token server serves all who wait here.
    ///
    /// Runs in a task of its own: a request that is given up must not take a rotated refresh token with it.
    pub(crate) async fn renewed(
        self: &Arc<Self>,
        stale: Option<u64>,
        source: &TokenSource,
        means: &Arc<Means>,
    ) -> Result<Token, NoToken> {
        let (session, source, means) = (Arc::clone(self), source.clone(), Arc::clone(means));
        let ended = self.state().ended;
        let renewal = tokio::spawn(async move {
            let mut renewals = session.renewing.lock().await;
            if let Some(current) = session.token().filter(|token| Some(token.generation) != stale) {
                return Ok(current);
            }
            if session.state().ended != ended
                && let Some(Err(last)) = &renewals.last
            {
                return Err(last.clone());
            }
            let result = match &source {
                TokenSource::Stored => {
                    session.renew(&mut renewals, &means.http, means.secrets.as_ref()).await
                }
                TokenSource::Cli { username } => session.ask_cli(&means.cli, username, stale).await,
            };
            renewals.last = Some(result.clone());
            session.state().ended += 1;
            result
        });
        renewal.await.unwrap_or(Err(NoToken::Secrets(SecretError(
            "The renewal of the token broke off; it is tried again.".into(),
        ))))
    }

    async fn renew(
        &self,
        renewals: &mut Renewals,
        http: &Arc<Http>,
        secrets: &dyn SecretStore,
    ) -> Result<Token, NoToken> {
        let name = secret_name(self.org);
        let credentials = if let Some(unstored) = renewals.unstored.clone() {
            secrets.set(&name, unstored.to_secret()).await.map_err(NoToken::Secrets)?;
            renewals.unstored = None;
            unstored
        } else {
            let secret = secrets.get(&name).await.map_err(NoToken::Secrets)?.ok_or(NoToken::SignedOut)?;
            Credentials::from_secret(&secret).ok_or(NoToken::SignedOut)?
        };
        self.remember(&credentials);
        let granted = oauth::refresh(http, &credentials, Asked::Renewal).await.map_err(NoToken::Denied)?;
        // The server has killed the old one: the new one is stored before anything else is done with the answer.
        if let Some(refresh_token) = granted.refresh_token {
            let rotated = Credentials { refresh_token, ..credentials };
            self.remember(&rotated);
            if let Err(error) = secrets.set(&name, rotated.to_secret()).await {
                renewals.unstored = Some(rotated);
                return Err(NoToken::Secrets(error));
            }
        }
        self.judge(granted.org_id)?;
        if granted.org_id.is_some() {
            self.take_address(granted.instance_url.as_deref());
        }
        Ok(self.adopt(granted.access_token))
    }

    /// An org that was moved to another instance, or got another My Domain, is found where its token server says.
    fn take_address(&self, instance_url: Option<&str>) {
        match instance_url.map(http::address) {
            Some(Some(address)) => self.state().address = Some(address),
            Some(None) => {
                tracing::warn!(org = %self.org, "the token server names an address of the org that is not https; the one before stands");
            }
            None => {}
        }
    }

    async fn ask_cli(&self, cli: &Cli, username: &str, stale: Option<u64>) -> Result<Token, NoToken> {
        let refused = self.token().filter(|token| Some(token.generation) == stale);
        let token = cli.access_token(username, refused.as_ref().map(|token| &token.secret)).await;
        let token = token.map_err(NoToken::Cli)?;
        self.judge(org_of_token(&token))?;
        Ok(self.adopt(token))
    }

    /// A sandbox that was refreshed is another org at the same address, and must not get what was meant for the old one.
    fn judge(&self, granted: Option<OrgId>) -> Result<(), NoToken> {
        match granted {
            Some(other) if other != self.org => Err(NoToken::OtherOrg(other)),
            _ => Ok(()),
        }
    }
}
