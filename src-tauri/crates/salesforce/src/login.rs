//! Sign-ins in the browser: begun here, finished when the browser comes back.
//!
//! Authorization code with PKCE and `state` (RFC 6749 4.1, RFC 7636), no client secret, a redirect to this machine (RFC
//! 8252). The port is fixed, since Salesforce wants the redirect exactly as it was registered.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use oauth2::PkceCodeVerifier;
use secrecy::SecretString;
use sync_monitor_domain::clock::Clock;
use sync_monitor_domain::remote::{ConnectError, ConnectedOrg};
use sync_monitor_domain::sign_in::{Known, SignInRequest, WaitsForSignIn};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::oauth;
use crate::redact::shorten;

mod address;
mod redirect;

pub use address::login_host;
use redirect::Judge;
pub use redirect::{Brought, Page, Redirected};

/// How long the port is still listened at after the last sign-in: a page that is loaded again is told what became of it.
const LINGER: Duration = Duration::from_secs(5);
/// The longest words of a login page that are shown, in characters.
const LONGEST: usize = 300;

/// A sign-in that waits for the browser.
pub(crate) struct Login {
    id: Uuid,
    verifier: PkceCodeVerifier,
    waiting: Box<dyn WaitsForSignIn>,
    pub(crate) host: String,
    pub(crate) client_id: String,
    pub(crate) again: Option<Known>,
}

/// Whoever makes a connected org of what the browser brought.
#[async_trait]
pub(crate) trait Finish: Send + Sync + 'static {
    async fn finish(&self, came: Came) -> Result<ConnectedOrg, ConnectError>;
}

/// A sign-in whose browser came back with a code.
pub(crate) struct Came {
    pub(crate) host: String,
    pub(crate) client_id: String,
    pub(crate) redirect_url: String,
    pub(crate) code: SecretString,
    pub(crate) verifier: PkceCodeVerifier,
    pub(crate) again: Option<Known>,
}

/// The sign-ins that wait.
pub(crate) struct Logins {
    inner: Arc<Inner>,
}

struct Inner {
    port: u16,
    clock: Arc<dyn Clock>,
    finish: Arc<dyn Finish>,
    state: Mutex<State>,
    /// Held while the port is being opened.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// By the `state` that the browser must bring back.
    waiting: HashMap<String, Login>,
    /// Ends the listener, while there is one.
    listening: Option<CancellationToken>,
    /// Counts sign-ins, so that a listener does not end on a new one.
    begun: u64,
}

impl Drop for Logins {
    fn drop(&mut self) {
        if let Some(end) = self.inner.state().listening.take() {
            end.cancel();
        }
    }
}

impl Logins {
    pub(crate) fn new(port: u16, clock: Arc<dyn Clock>, finish: Arc<dyn Finish>) -> Self {
        let inner =
            Inner { port, clock, finish, state: Mutex::default(), opening: tokio::sync::Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// Begins a sign-in; returns the URL to open.
    pub(crate) async fn begin(
        &self,
        request: SignInRequest,
        client_id: String,
        waiting: Box<dyn WaitsForSignIn>,
    ) -> Result<String, ConnectError> {
        let host = login_host(&request.login_url).map_err(ConnectError::InvalidLogin)?;
        let hint = request.again.as_ref().and_then(|known| known.username.as_deref());
        let begun = oauth::begin(&host, &client_id, &self.inner.redirect_url(), hint)
            .map_err(|denied| ConnectError::InvalidLogin(denied.message))?;
        self.inner.open().await?;
        let login = Login {
            id: request.id,
            verifier: begun.verifier,
            waiting,
            host,
            client_id,
            again: request.again,
        };
        let mut state = self.inner.state();
        state.begun += 1;
        state.waiting.insert(begun.state, login);
        Ok(begun.authorize_url)
    }

    /// Nobody waits for it any more.
    pub(crate) fn give_up(&self, id: Uuid) {
        let before = {
            let mut state = self.inner.state();
            let before = state.waiting.len();
            state.waiting.retain(|_, login| login.id != id);
            before - state.waiting.len()
        };
        if before > 0 {
            self.inner.close_if_idle();
        }
    }
}

impl Inner {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn redirect_url(&self) -> String {
        format!("http://localhost:{}{}", self.port, redirect::PATH)
    }

    async fn open(self: &Arc<Self>) -> Result<(), ConnectError> {
        let _one = self.opening.lock().await;
        {
            let mut state = self.state();
            // Before the listener that lingers looks whether it is still needed.
            state.begun += 1;
            if state.listening.is_some() {
                return Ok(());
            }
        }
        let end = CancellationToken::new();
        let judge = Arc::new(Redirects(Arc::downgrade(self)));
        redirect::listen(self.port, judge, end.clone()).await.map_err(|error| self.cannot_listen(&error))?;
        self.state().listening = Some(end);
        Ok(())
    }

    fn cannot_listen(&self, error: &io::Error) -> ConnectError {
        let port = self.port;
        ConnectError::PortTaken(if error.kind() == io::ErrorKind::AddrInUse {
            format!(
                "Port {port} of this machine is taken, so the browser could not come back after the sign-in. Another sign-in may be under way, of `sf org login web` for one: finish or end it, or choose another port in the setting oauth.redirect_port (it must be registered with the app)."
            )
        } else {
            format!(
                "Port {port} of this machine cannot be listened at ({error}), so the browser could not come back after the sign-in. Choose another in the setting oauth.redirect_port (it must be registered with the app)."
            )
        })
    }

    /// Ends the listener soon, unless somebody waits or begins meanwhile.
    fn close_if_idle(self: &Arc<Self>) {
        let begun = {
            let state = self.state();
            if !state.waiting.is_empty() {
                return;
            }
            state.begun
        };
        let (weak, clock) = (Arc::downgrade(self), Arc::clone(&self.clock));
        let end = clock.now().plus(LINGER);
        tokio::spawn(async move {
            while clock.now() < end {
                clock.wait_until(end).await;
            }
            let Some(inner) = weak.upgrade() else { return };
            let mut state = inner.state();
            if state.begun == begun
                && state.waiting.is_empty()
                && let Some(listening) = state.listening.take()
            {
                listening.cancel();
            }
        });
    }

    fn take(&self, state: Option<&str>) -> Option<Login> {
        self.state().waiting.remove(state?)
    }
}

/// Judges what browsers bring back.
struct Redirects(Weak<Inner>);

#[async_trait]
impl Judge for Redirects {
    async fn judge(&self, redirected: Redirected) -> Page {
        let unknown = Page::bad(
            "This sign-in is not waited for",
            "It was finished or given up before, it took too long, or it was not begun here. A sign-in that waits goes on waiting.",
        );
        let Some(inner) = self.0.upgrade() else { return unknown };
        if matches!(redirected.brought, Brought::Nothing) {
            return Page::bad(
                "The sign-in brought nothing back",
                "The login page sent the browser here without a code and without an error. The sign-in goes on waiting: open its page again from Sync Monitor.",
            );
        }
        // Taken out at once: the same redirect again is refused, and spends no code twice.
        let Some(login) = inner.take(redirected.state.as_deref()) else { return unknown };
        // A task of its own: a page that is closed must not take a refresh token with it.
        let judged = tokio::spawn(async move {
            let page = inner.finish_login(login, redirected.brought).await;
            inner.close_if_idle();
            page
        });
        judged.await.unwrap_or_else(|_| {
            Page::bad(
                "The sign-in broke off",
                "Sync Monitor failed while it finished the sign-in. Its log says more; sign in again.",
            )
        })
    }
}

impl Inner {
    async fn finish_login(&self, login: Login, brought: Brought) -> Page {
        let Login { verifier, waiting, host, client_id, again, .. } = login;
        let result = match brought {
            Brought::Code(code) => {
                let redirect_url = self.redirect_url();
                self.finish.finish(Came { host, client_id, redirect_url, code, verifier, again }).await
            }
            Brought::Error { code, words } => Err(ConnectError::Refused(refusal(&code, words.as_deref()))),
            Brought::Nothing => Err(ConnectError::Refused(refusal("nothing", None))),
        };
        let failed = |why: String| Page::bad("The sign-in did not work", &why);
        match result {
            Ok(org) => {
                let who = org.username.clone();
                match waiting.signed_in(org).await {
                    Ok(()) => Page::good(
                        "You are signed in",
                        &who.map_or_else(
                            || "The org is connected.".to_owned(),
                            |who| format!("The org is connected as {who}."),
                        ),
                    ),
                    Err(why) => failed(why),
                }
            }
            Err(why) => {
                let text = why.to_string();
                waiting.failed(why).await;
                failed(text)
            }
        }
    }
}

/// What the login page's error means, for a person (RFC 6749 4.1.2.1; Salesforce, "OAuth 2.0 Authorization Errors").
pub fn refusal(code: &str, words: Option<&str>) -> String {
    let said = shorten(words.unwrap_or(code), LONGEST);
    match code {
        "access_denied" => format!(
            "Access was denied at the login page ({said}). Whoever signed in did not allow it, or may not use the app; sign in again and choose Allow, or ask an admin of the org to allow the app for the user."
        ),
        "redirect_uri_mismatch" => format!(
            "The app does not know the address that the browser comes back to ({said}). Add it to the app's callback URLs exactly as the setting oauth.redirect_port makes it."
        ),
        "invalid_scope" => format!(
            "The app does not give what is needed ({said}). Allow it the scopes api and refresh_token."
        ),
        "invalid_client_id"
        | "invalid_client"
        | "unauthorized_client"
        | "OAUTH_APPROVAL_ERROR_GENERIC"
        | "OAUTH_APP_BLOCKED" => format!(
            "The org does not take this app ({code}: {said}). Check the client ID, and that an admin of the org has installed and not blocked the app."
        ),
        _ => format!("The login page said {}: {said}. Sign in again.", shorten(code, LONGEST)),
    }
}

#[cfg(test)]
mod tests;
