//! The tokens of one org, in memory: renewed by one for all who wait.

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::{SecretError, SecretStore};

use crate::http::Http;
use crate::oauth::{self, Credentials, Denied};

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
    known: Vec<SecretString>,
    ended: u64,
}

impl State {
    fn remember(&mut self, secret: &SecretString) {
        if self.known.iter().any(|known| known.expose_secret() == secret.expose_secret()) {
            return;
        }
        self.known.push(secret.clone());
        // An org that renews every hour would pile them up; what is older than a few renewals is dead.
        let surplus = self.known.len().saturating_sub(KNOWN_AT_MOST);
        self.known.drain(..surplus);
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
    pub(crate) fn known(&self) -> Vec<SecretString> {
        self.state().known.clone()
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
        self.remember(credentials);
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
        self.state().token = None;
        let unstored = std::mem::take(&mut *renewals).unstored;
        Ok(unstored.or_else(|| stored.as_ref().and_then(Credentials::from_secret)))
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
        http: Arc<Http>,
        secrets: Arc<dyn SecretStore>,
    ) -> Result<Token, NoToken> {
        let session = Arc::clone(self);
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
            let result = session.renew(&mut renewals, &http, secrets.as_ref()).await;
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
        let granted = oauth::refresh(http, &credentials).await.map_err(NoToken::Denied)?;
        // The server has killed the old one: the new one is stored before anything else is done with the answer.
        if let Some(refresh_token) = granted.rotated {
            let rotated = Credentials { refresh_token, ..credentials };
            self.remember(&rotated);
            if let Err(error) = secrets.set(&name, rotated.to_secret()).await {
                renewals.unstored = Some(rotated);
                return Err(NoToken::Secrets(error));
            }
        }
        Ok(self.adopt(granted.access_token))
    }
}
