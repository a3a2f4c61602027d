//! Sign-ins in the browser that somebody waits for: begun, waited for, given up, told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::{ConnectError, ConnectedOrg};
use sync_monitor_domain::sign_in::{Known, SignInRequest, SignedInBy, WaitsForSignIn};
use sync_monitor_store::Entry;
use uuid::Uuid;

use crate::model::{Actor, Org};
use crate::{Engine, Error, new_id};

/// How long a sign-in waits for the browser: time for a password, a second factor and a coffee.
const PATIENCE: Duration = Duration::from_mins(10);
/// How long it is remembered what became of a sign-in.
const REMEMBERED: Duration = Duration::from_hours(1);
/// More waiting at once is a mistake.
const MOST_WAITING: usize = 16;

/// A sign-in, as whoever waits for it sees it.
#[derive(Debug, Clone)]
pub struct SignInProgress {
    /// Names it; `None` for one that needed no browser.
    pub id: Option<Uuid>,
    /// Where it stands.
    pub state: SignInState,
    /// What to open in the browser, while it waits.
    pub authorize_url: Option<String>,
    /// When it is given up.
    pub expires_at: Option<Millis>,
}

/// Where a sign-in stands.
#[derive(Debug, Clone)]
pub enum SignInState {
    /// For the browser to come back.
    Waiting,
    /// This org is connected.
    Connected(OrgId),
    /// It came to nothing.
    Failed(Arc<Error>),
    /// Somebody gave it up.
    Cancelled,
    /// Nobody came back in time.
    Expired,
}

/// The sign-ins of this run.
#[derive(Default)]
pub(crate) struct SignIns(Mutex<HashMap<Uuid, SignInProgress>>);

impl SignIns {
    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, SignInProgress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends one that waits; `false` where it does not.
    fn end(&self, id: Uuid, state: SignInState) -> bool {
        let mut all = self.all();
        let Some(waiting) = all.get_mut(&id).filter(|one| matches!(one.state, SignInState::Waiting)) else {
            return false;
        };
        waiting.state = state;
        waiting.authorize_url = None;
        true
    }
}

impl Engine {
    /// Begins a sign-in in the browser to a new org, or anew to a known one. Whoever asked opens the URL that it tells.
    ///
    /// # Errors
    /// [`Error::Connect`] for a login address that is none, a port that is taken, or a keychain that does not work;
    /// [`Error::Refused`] when too many wait.
    pub async fn begin_sign_in(
        &self,
        login_url: String,
        client_id: Option<String>,
        alias: Option<String>,
        actor: &Actor,
    ) -> Result<SignInProgress, Error> {
        let request = SignInRequest { id: new_id(), login_url, client_id, again: None };
        self.begin(request, alias, actor).await
    }

    /// Signs in to a connected org again, the way it was done before: in the browser, or by the Salesforce CLI.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an org that was never connected; else as [`Engine::begin_sign_in`].
    pub async fn sign_in_again(&self, id: OrgId, actor: &Actor) -> Result<SignInProgress, Error> {
        let org = self.inner.tools.store.org(id).await?;
        let Some(sign_in) = org.sign_in.clone() else {
            return Err(Error::NotFound { what: "org", id: id.to_string() });
        };
        if let (SignedInBy::Cli, Some(username)) = (sign_in.by, &org.username) {
            let connected = self.connect_cli_org(username, None, actor).await?;
            if connected.org_id != id {
                return Err(Error::Refused(format!(
                    "The Salesforce CLI is signed in to another org as {username}: {}. It was connected as a new org; give it the routes, and disconnect this one.",
                    connected.org_id
                )));
            }
            let state = SignInState::Connected(id);
            return Ok(SignInProgress { id: None, state, authorize_url: None, expires_at: None });
        }
        let request = SignInRequest {
            id: new_id(),
            // By the org's own address, where it is not known how it was done.
            login_url: sign_in.login_url.unwrap_or_else(|| org.instance_url.clone()),
            client_id: sign_in.client_id,
            again: Some(known(&org)),
        };
        self.begin(request, None, actor).await
    }

    async fn begin(
        &self,
        request: SignInRequest,
        alias: Option<String>,
        actor: &Actor,
    ) -> Result<SignInProgress, Error> {
        let (id, now) = (request.id, self.clock().now());
        {
            let mut all = self.inner.sign_ins.all();
            all.retain(|_, one| one.expires_at.is_none_or(|end| now < end.plus(REMEMBERED)));
            let waiting = all.values().filter(|one| matches!(one.state, SignInState::Waiting)).count();
            if waiting >= MOST_WAITING {
                return Err(Error::Refused(format!(
                    "{waiting} sign-ins wait for the browser already. Finish or cancel one of them first."
                )));
            }
        }
        let (login_url, again) = (request.login_url.clone(), request.again.clone());
        let waiting = Box::new(Waiting { engine: self.clone(), id, alias, actor: actor.clone() });
        let expires_at = now.plus(PATIENCE);
        let progress = SignInProgress {
            id: Some(id),
            state: SignInState::Waiting,
            authorize_url: None,
            expires_at: Some(expires_at),
        };
        // There before the browser can come back.
        self.inner.sign_ins.all().insert(id, progress.clone());
        let authorize_url = match self.inner.tools.remote.begin_sign_in(request, waiting).await {
            Ok(url) => url,
            Err(error) => {
                self.inner.sign_ins.all().remove(&id);
                return Err(error.into());
            }
        };
        let progress = SignInProgress { authorize_url: Some(authorize_url), ..progress };
        if let Some(kept) = self.inner.sign_ins.all().get_mut(&id) {
            kept.authorize_url.clone_from(&progress.authorize_url);
        }
        let mut entry = Entry::new(now, actor, "org.signIn").detail(&login_url);
        if let Some(known) = again {
            entry = entry.subject(known.org_id);
        }
        self.inner.tools.store.note(entry).await?;
        self.spawn(self.clone().expire(id, expires_at));
        Ok(progress)
    }

    /// Where a sign-in stands.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that is unknown or long over.
    pub fn sign_in(&self, id: Uuid) -> Result<SignInProgress, Error> {
        let known = self.inner.sign_ins.all().get(&id).cloned();
        known.ok_or_else(|| Error::NotFound { what: "sign-in", id: id.to_string() })
    }

    /// Gives a sign-in up; one that is over stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that is unknown or long over.
    pub async fn cancel_sign_in(&self, id: Uuid, actor: &Actor) -> Result<(), Error> {
        self.sign_in(id)?;
        if self.inner.sign_ins.end(id, SignInState::Cancelled) {
            self.given_up(id, actor, "It was cancelled.").await;
        }
        Ok(())
    }

    /// Nobody waits for a sign-in any more.
    async fn given_up(&self, id: Uuid, actor: &Actor, why: &str) {
        self.inner.tools.remote.give_up_sign_in(id);
        self.note_failed_sign_in(actor, why).await;
        self.inner.tools.announce(Vec::new(), true);
    }

    /// Writes down that a sign-in came to nothing. It did that all the same where this fails.
    pub(crate) async fn note_failed_sign_in(&self, actor: &Actor, why: &str) {
        let entry = Entry::new(self.clock().now(), actor, "org.signInFailed").detail(why);
        if let Err(error) = self.inner.tools.store.note(entry).await {
            tracing::error!(%error, "a failed sign-in could not be written down");
        }
    }

    async fn expire(self, id: Uuid, at: Millis) {
        let clock = Arc::clone(self.clock());
        while clock.now() < at {
            tokio::select! {
                () = self.inner.tools.stop.cancelled() => return,
                () = clock.wait_until(at) => {}
            }
            if !self.sign_in(id).is_ok_and(|one| matches!(one.state, SignInState::Waiting)) {
                return;
            }
        }
        if self.inner.sign_ins.end(id, SignInState::Expired) {
            self.given_up(id, &Actor::relay(), "Nobody came back from the browser in time.").await;
        }
    }
}

fn known(org: &Org) -> Known {
    Known { org_id: org.org_id, instance_url: org.instance_url.clone(), username: org.username.clone() }
}

/// Who waits for a sign-in on the engine's behalf.
struct Waiting {
    engine: Engine,
    id: Uuid,
    alias: Option<String>,
    actor: Actor,
}

#[async_trait]
impl WaitsForSignIn for Waiting {
    async fn signed_in(self: Box<Self>, org: ConnectedOrg) -> Result<(), String> {
        let org_id = org.org_id;
        let kept = self.engine.keep_org(org, self.alias.clone(), &self.actor).await;
        match kept {
            Ok(_) => {
                self.end(SignInState::Connected(org_id));
                Ok(())
            }
            Err(error) => {
                tracing::error!(org = %org_id, %error, "an org that was signed in to could not be kept");
                self.end(SignInState::Failed(Arc::new(error)));
                Err("The org could not be kept: the program's database failed. Its log says why; check that the disk has room, and sign in again.".into())
            }
        }
    }

    async fn failed(self: Box<Self>, why: ConnectError) {
        tracing::warn!(%why, "a sign-in failed");
        self.engine.note_failed_sign_in(&self.actor, &why.to_string()).await;
        self.end(SignInState::Failed(Arc::new(why.into())));
    }
}

impl Waiting {
    fn end(&self, state: SignInState) {
        self.engine.inner.sign_ins.end(self.id, state);
        self.engine.inner.tools.announce(Vec::new(), true);
    }
}
