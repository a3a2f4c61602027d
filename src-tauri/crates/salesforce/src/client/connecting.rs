//! Connecting an org: what a sign-in gave becomes credentials that are kept, and an org whose name is known.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use sync_monitor_domain::remote::{CliError, CliTrouble, ConnectError, ConnectedOrg, SecretError};
use sync_monitor_domain::sign_in::{CliOrg, SignIn, SignedInBy};

use super::ask::LONGEST_MESSAGE;
use super::{Client, Sessions};
use crate::auth_url::AuthUrl;
use crate::http::{self, base_url};
use crate::identity;
use crate::login::{Came, Finish};
use crate::oauth::{self, Asked, Credentials, Granted};
use crate::redact::{clean, shorten};
use crate::session::Means;
use crate::sf_cli::org_of_token;

/// The name under which it is tried whether secrets can be kept.
const TRIAL: &str = "trial";
impl Client {
    pub(super) fn finisher(&self) -> Finisher {
        Finisher { means: Arc::clone(&self.means), sessions: Arc::clone(&self.sessions) }
    }

    /// With an sfdxAuthUrl.
    pub(super) async fn by_auth_url(&self, auth_url: &SecretString) -> Result<ConnectedOrg, ConnectError> {
        let parsed =
            AuthUrl::parse(auth_url).map_err(|error| ConnectError::NotAnAuthUrl(error.to_string()))?;
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

    /// With what the Salesforce CLI is signed in to by this name.
    pub(super) async fn by_cli(&self, name: &str) -> Result<ConnectedOrg, ConnectError> {
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
}

/// Makes a connected org of what a token server gave.
pub(super) struct Finisher {
    pub(super) means: Arc<Means>,
    pub(super) sessions: Arc<Sessions>,
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
    pub(super) async fn can_keep_secrets(&self) -> Result<(), SecretError> {
        self.means.secrets.set(TRIAL, SecretString::from("trial")).await?;
        self.means.secrets.remove(TRIAL).await
    }
}
