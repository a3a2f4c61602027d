//! What people do: connect, pause, route, make tokens. Each is in the activity log with who did it.

use secrecy::{ExposeSecret as _, SecretString};
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::{ConnectError, ConnectedOrg};
use sync_monitor_domain::sign_in::CliOrg;
use uuid::Uuid;

use crate::model::{Actor, Org, Route, Token};
use crate::worker::Command;
use crate::{Changed, Consent, ENDPOINT_PATH, Engine, Error, ends_ahead, new_id, tokens};

impl Engine {
    /// Connects an org by an sfdxAuthUrl; one that is connected already is connected anew.
    ///
    /// # Errors
    /// [`Error::Connect`] with what the sign-in said, or when the store fails.
    pub async fn import_org(
        &self,
        auth_url: SecretString,
        alias: Option<String>,
        actor: &Actor,
    ) -> Result<Org, Error> {
        let connected = match self.inner.tools.remote.connect_with_auth_url(auth_url).await {
            Ok(connected) => connected,
            // Nothing was tried.
            Err(error @ ConnectError::NotAnAuthUrl(_)) => return Err(error.into()),
            Err(error) => {
                self.note_failed_sign_in(actor, &error.to_string()).await;
                return Err(error.into());
            }
        };
        self.keep_org(connected, alias, actor).await
    }

    /// The orgs that the Salesforce CLI on this machine is signed in to.
    ///
    /// # Errors
    /// [`Error::Connect`] with what is wrong with the CLI.
    pub async fn cli_orgs(&self) -> Result<Vec<CliOrg>, Error> {
        Ok(self.inner.tools.remote.cli_orgs().await.map_err(ConnectError::from)?)
    }

    /// Connects an org that the Salesforce CLI is signed in to, by user or alias. The CLI stays the owner of its tokens.
    ///
    /// # Errors
    /// [`Error::Connect`] with what the CLI said, or when the store fails.
    pub async fn connect_cli_org(
        &self,
        name: &str,
        alias: Option<String>,
        actor: &Actor,
    ) -> Result<Org, Error> {
        let connected = match self.inner.tools.remote.connect_with_cli(name).await {
            Ok(connected) => connected,
            Err(error) => {
                self.note_failed_sign_in(actor, &error.to_string()).await;
                return Err(error.into());
            }
        };
        self.keep_org(connected, alias, actor).await
    }

    /// What every way of connecting ends in.
    pub(crate) async fn keep_org(
        &self,
        connected: ConnectedOrg,
        alias: Option<String>,
        actor: &Actor,
    ) -> Result<Org, Error> {
        let alias = alias.map(|alias| alias.trim().to_owned()).filter(|alias| !alias.is_empty());
        let now = self.clock().now();
        let org =
            self.inner.tools.store.connect_org(connected, alias, ENDPOINT_PATH, actor.clone(), now).await?;
        // Before anything is sent there: a good answer may come from the wrong door.
        self.find_adapter_soon(org.org_id).await?;
        self.start_worker(&org);
        self.inner.tools.announce(Vec::new(), true);
        Ok(self.inner.tools.store.org(org.org_id).await?)
    }

    /// Changes an org's alias (empty: none) and the path of its endpoint, where they are given.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not connected; [`Error::Invalid`] for a path that is none.
    pub async fn change_org(
        &self,
        org: OrgId,
        alias: Option<String>,
        endpoint_path: Option<String>,
        actor: &Actor,
    ) -> Result<Org, Error> {
        let alias = alias.map(|alias| alias.trim().to_owned());
        let endpoint_path = endpoint_path.map(|path| judge_path(&path)).transpose()?;
        let now = self.clock().now();
        let row = self.inner.tools.store.change_org(org, alias, endpoint_path, actor.clone(), now).await?;
        self.tell(org, Command::Moved(row.address()));
        self.find_adapter_soon(org).await?;
        self.inner.tools.announce(Vec::new(), true);
        Ok(self.inner.tools.store.org(org).await?)
    }

    /// Pauses or resumes an org. A resumed one is tried at once.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not connected, or when the store fails.
    pub async fn pause_org(&self, org: OrgId, paused: bool, actor: &Actor) -> Result<Org, Error> {
        let row = self.inner.tools.store.pause_org(org, paused, actor.clone(), self.clock().now()).await?;
        self.tell(org, Command::Pause(paused));
        self.wake_puller(org);
        self.inner.tools.announce(Vec::new(), true);
        Ok(row)
    }

    /// Disconnects an org: revokes its tokens as far as it can be reached, forgets its secrets, keeps its history. Items
    /// on their way there are held until it is connected again.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not connected; [`Error::Connect`] when its secrets could not be removed.
    pub async fn disconnect_org(&self, org: OrgId, actor: &Actor) -> Result<(), Error> {
        let address = self.inner.tools.store.org(org).await?.address();
        self.inner.tools.store.disconnect_org(org, actor.clone(), self.clock().now()).await?;
        self.tell(org, Command::Disconnected);
        self.inner.tools.own_readings.forget(org);
        self.inner.tools.announce(Vec::new(), true);
        self.inner.tools.remote.disconnect(&address).await.map_err(|error| Error::Connect(error.into()))
    }

    /// Makes a route.
    ///
    /// # Errors
    /// [`Error::Refused`] for one that is there already, leads to its own source, or to an org that is not connected; and
    /// where there is a reason against it that nobody has accepted.
    pub async fn add_route(
        &self,
        source: OrgId,
        target: OrgId,
        enabled: bool,
        consent: Consent,
        actor: &Actor,
    ) -> Result<Route, Error> {
        self.judge_route(source, target, consent, actor).await?;
        let route = self
            .inner
            .tools
            .store
            .add_route(new_id(), source, target, enabled, actor.clone(), self.clock().now())
            .await?;
        self.routes_changed(&route);
        Ok(route)
    }

    /// Enables or pauses a route.
    ///
    /// # Errors
    /// [`Error::NotFound`], or when the store fails.
    pub async fn enable_route(&self, id: Uuid, enabled: bool, actor: &Actor) -> Result<Route, Error> {
        let route =
            self.inner.tools.store.enable_route(id, enabled, actor.clone(), self.clock().now()).await?;
        self.routes_changed(&route);
        Ok(route)
    }

    /// Removes a route: it takes no more changes; those that it took are still delivered.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] for a paused one that items wait on.
    pub async fn remove_route(&self, id: Uuid, actor: &Actor) -> Result<(), Error> {
        let route = self.inner.tools.store.remove_route(id, actor.clone(), self.clock().now()).await?;
        self.routes_changed(&route);
        Ok(())
    }

    fn routes_changed(&self, route: &Route) {
        self.wake([&route.target]);
        self.wake_puller(route.source);
        // Nobody may be listening.
        drop(self.inner.tools.changes.send(Changed { items: Some(Vec::new()), orgs: true, routes: true }));
    }

    /// Makes an integration token; its secret is told this once.
    ///
    /// # Errors
    /// [`Error::Invalid`] without a name or an org, or with an end in the past; or when the store fails.
    pub async fn create_token(
        &self,
        name: String,
        sources: Vec<OrgId>,
        expires_at: Option<Millis>,
        actor: &Actor,
    ) -> Result<(Uuid, SecretString), Error> {
        let now = self.clock().now();
        ends_ahead(expires_at, now)?;
        let name = name.trim().to_owned();
        if name.is_empty() {
            return Err(Error::Invalid(
                "A token needs a name, so that it can be told from others when it is to be revoked.".into(),
            ));
        }
        if sources.is_empty() {
            return Err(Error::Invalid("A token needs at least one org that it may speak for.".into()));
        }
        let secret = tokens::new_secret()?;
        let secret_hash = tokens::hash(secret.expose_secret());
        let token = Token {
            id: new_id(),
            name,
            sources,
            secret_hash,
            created_at: now,
            expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        let id = token.id;
        self.inner.tools.store.add_token(token, actor.clone()).await?;
        self.reload_tokens().await?;
        Ok((id, secret))
    }

    /// Revokes an integration token, at once.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is unknown or revoked already.
    pub async fn revoke_token(&self, id: Uuid, actor: &Actor) -> Result<(), Error> {
        self.inner.tools.store.revoke_token(id, actor.clone(), self.clock().now()).await?;
        self.reload_tokens().await
    }

    async fn reload_tokens(&self) -> Result<(), Error> {
        self.save_token_uses().await;
        self.inner.tokens.load(self.inner.tools.store.tokens().await?);
        Ok(())
    }
}

/// The path of an endpoint in an org.
fn judge_path(path: &str) -> Result<String, Error> {
    let path = path.trim();
    let is_path = path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 255
        && path.bytes().all(|c| c.is_ascii_graphic() && !b"?#\\\"<>".contains(&c))
        && !path.split('/').any(|part| part == "..");
    if is_path {
        return Ok(path.to_owned());
    }
    Err(Error::Invalid(format!(
        "The endpoint's path must begin with one / and be a plain path, without ? or #. The documented one is {ENDPOINT_PATH}."
    )))
}
