//! The OS keychain: Secret Service, macOS Keychain, Windows Credential Manager.

use std::time::Duration;

use async_trait::async_trait;
use keyring::v1::{Entry, Error};
use secrecy::{ExposeSecret as _, SecretString};
use sync_monitor_domain::remote::{SecretError, SecretStore};
use tokio::sync::Mutex;

/// The name that the keychain shows for our secrets.
const SERVICE: &str = "sync-monitor";
/// How long a keychain may take: a locked one waits for a prompt that nobody may see.
const PATIENCE: Duration = Duration::from_secs(30);

/// The OS keychain.
#[derive(Debug, Clone)]
pub struct Keychain(());

impl Keychain {
    /// The keychain, if there is one.
    ///
    /// # Errors
    /// [`SecretError`] where there is none, with what can be done about it.
    pub async fn open() -> Result<Self, SecretError> {
        blocking(|| match Entry::store_status() {
            Ok(()) => Ok(Self(())),
            Err(error) => Err(SecretError(format!(
                "There is no keychain here that could keep tokens ({error}). Start one (on Linux a Secret Service such as GNOME Keyring), or set secrets = \"file\" in config.toml to keep them in an encrypted file."
            ))),
        })
        .await
    }
}

/// Held by whoever talks to the keychain, until it answers. A locked keychain answers when somebody unlocks it, which may
/// be never: one thread waits for that, and not one more with each attempt. It also keeps a write that was given up, and
/// is done all the same, from overtaking a later one. There is one for the process, as there is one keychain.
static TURN: Mutex<()> = Mutex::const_new(());

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SecretError> + Send + 'static,
) -> Result<T, SecretError> {
    within(PATIENCE, &TURN, work).await
}

async fn within<T: Send + 'static>(
    patience: Duration,
    turn: &'static Mutex<()>,
    work: impl FnOnce() -> Result<T, SecretError> + Send + 'static,
) -> Result<T, SecretError> {
    let answer = async {
        let turn = turn.lock().await;
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
    };
    match tokio::time::timeout(patience, answer).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(SecretError("The keychain's library failed. Try again; if it goes on, use secrets = \"file\".".into())),
        Err(_) => Err(SecretError("The keychain did not answer. It may be locked and waiting for its password: unlock it, then try again.".into())),
    }
}

fn entry(name: &str) -> Result<Entry, SecretError> {
    Entry::new(SERVICE, name).map_err(|error| failed("cannot be opened", &error))
}

fn failed(what: &str, error: &Error) -> SecretError {
    SecretError(format!("The keychain {what}: {error}. Unlock it, then try again."))
}

#[async_trait]
impl SecretStore for Keychain {
    async fn get(&self, name: &str) -> Result<Option<SecretString>, SecretError> {
        let name = name.to_owned();
        blocking(move || match entry(&name)?.get_password() {
            Ok(secret) => Ok(Some(SecretString::from(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(failed("cannot be read", &error)),
        })
        .await
    }

    async fn set(&self, name: &str, secret: SecretString) -> Result<(), SecretError> {
        let name = name.to_owned();
        blocking(move || {
            entry(&name)?
                .set_password(secret.expose_secret())
                .map_err(|error| failed("cannot be written", &error))
        })
        .await
    }

    async fn remove(&self, name: &str) -> Result<(), SecretError> {
        let name = name.to_owned();
        blocking(move || match entry(&name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(failed("cannot be written", &error)),
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_keychain_that_does_not_answer_keeps_one_thread_and_is_used_again_when_it_does() {
        static TURN: Mutex<()> = Mutex::const_new(());
        let (unlock, locked) = mpsc::channel::<()>();
        let waiting = within(SHORT, &TURN, move || {
            // Ends when the other side is dropped.
            let _ = locked.recv();
            Ok(())
        });
        assert!(waiting.await.unwrap_err().to_string().contains("unlock it"));
        let (began, begun) = mpsc::channel();
        let next = within(SHORT, &TURN, move || {
            let _ = began.send(());
            Ok(())
        });
        assert!(next.await.is_err());
        assert!(begun.try_recv().is_err(), "no second thread was sent into the wait");
        drop(unlock);
        assert_eq!(within(PATIENCE, &TURN, || Ok(7)).await, Ok(7));
    }

    #[tokio::test]
    async fn a_keychain_library_that_panics_is_an_error_and_is_used_again() {
        static TURN: Mutex<()> = Mutex::const_new(());
        let broken = within(PATIENCE, &TURN, || -> Result<(), SecretError> { panic!("on purpose") });
        assert!(broken.await.is_err());
        assert_eq!(within(PATIENCE, &TURN, || Ok(7)).await, Ok(7));
    }
}
