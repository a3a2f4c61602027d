//! The keychain, opened when the first secret is needed.

use async_trait::async_trait;
use secrecy::SecretString;
use sync_monitor_domain::remote::{SecretError, SecretStore};
use sync_monitor_salesforce::secrets::Keychain;
use tokio::sync::OnceCell;

/// A keychain that is not asked before it must: it may be locked, or missing where no org is connected yet, and neither
/// should keep the program from taking changes in.
#[derive(Default)]
pub(crate) struct WhenNeeded(OnceCell<Keychain>);

impl WhenNeeded {
    async fn keychain(&self) -> Result<&Keychain, SecretError> {
        self.0.get_or_try_init(Keychain::open).await
    }
}

#[async_trait]
impl SecretStore for WhenNeeded {
    async fn get(&self, name: &str) -> Result<Option<SecretString>, SecretError> {
        self.keychain().await?.get(name).await
    }

    async fn set(&self, name: &str, secret: SecretString) -> Result<(), SecretError> {
        self.keychain().await?.set(name, secret).await
    }

    async fn remove(&self, name: &str) -> Result<(), SecretError> {
        self.keychain().await?.remove(name).await
    }
}
