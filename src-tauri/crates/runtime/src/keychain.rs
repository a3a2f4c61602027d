//! The keychain, opened when the first secret is needed.

use std::path::Path;

use async_trait::async_trait;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use sync_monitor_domain::remote::{SecretError, SecretStore};
use sync_monitor_salesforce::secrets::Keychain;
use tokio::sync::OnceCell;

/// A keychain that is not asked before it must: it may be locked, or missing where no org is connected yet, and neither
/// should keep the program from taking changes in.
pub(crate) struct WhenNeeded {
    /// Whose secrets they are.
    owner: Owner,
    keychain: OnceCell<Keychain>,
}

/// The data folder that secrets belong to. A user has one keychain, and may have several data folders: two that know the
/// same org must not use, rotate and revoke each other's token.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Owner {
    /// The folder of a user who names none.
    Usual,
    /// Another one, by a digest of its path: names in a keychain are short on some systems, and paths may be long.
    Other(String),
}

impl Owner {
    /// The owner for the program on `folder`; `usual` is the one that it has without being told.
    fn of(folder: &Path, usual: Option<&Path>) -> Self {
        let (folder, usual) = (resolved(folder), usual.map(resolved));
        if usual.as_deref() == Some(folder.as_path()) {
            return Self::Usual;
        }
        let digest = Sha256::digest(folder.as_os_str().as_encoded_bytes());
        Self::Other(hex::encode(&digest[..8]))
    }

    /// The name in the keychain of what this owner calls `name`.
    fn name(&self, name: &str) -> String {
        match self {
            Self::Usual => name.to_owned(),
            Self::Other(digest) => format!("folder/{digest}/{name}"),
        }
    }
}

/// A path without links and detours. One that is not there stays as it is.
fn resolved(path: &Path) -> std::path::PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

impl WhenNeeded {
    /// The keychain, for the program on this data folder.
    pub(crate) fn new(folder: &Path) -> Self {
        let usual = crate::data_dir::usual().ok();
        Self { owner: Owner::of(folder, usual.as_deref()), keychain: OnceCell::new() }
    }

    async fn keychain(&self) -> Result<&Keychain, SecretError> {
        self.keychain.get_or_try_init(Keychain::open).await
    }
}

#[async_trait]
impl SecretStore for WhenNeeded {
    async fn get(&self, name: &str) -> Result<Option<SecretString>, SecretError> {
        self.keychain().await?.get(&self.owner.name(name)).await
    }

    async fn set(&self, name: &str, secret: SecretString) -> Result<(), SecretError> {
        self.keychain().await?.set(&self.owner.name(name), secret).await
    }

    async fn remove(&self, name: &str) -> Result<(), SecretError> {
        self.keychain().await?.remove(&self.owner.name(name)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_folder_has_plain_names_and_each_other_one_names_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let folders = ["usual", "first", "second"].map(|name| home.path().join(name));
        for folder in &folders {
            std::fs::create_dir(folder).unwrap();
        }
        let [usual, first, second] = &folders;
        let name = |folder: &Path| Owner::of(folder, Some(usual)).name("org/00D000000000001EAA");
        assert_eq!(name(usual), "org/00D000000000001EAA");
        assert_ne!(name(first), name(usual));
        assert_ne!(name(first), name(second));
        assert!(name(first).ends_with("/org/00D000000000001EAA"), "{}", name(first));
        assert_eq!(
            Owner::of(usual, None),
            Owner::of(usual, Some(first)),
            "a user without a home has no usual folder"
        );
    }

    #[test]
    fn a_folder_is_the_same_however_its_path_is_written() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("data");
        std::fs::create_dir(&folder).unwrap();
        let detour = home.path().join("data/../data/.");
        assert_eq!(Owner::of(&detour, None), Owner::of(&folder, None));
        assert_eq!(Owner::of(&detour, Some(&folder)), Owner::Usual);
        #[cfg(unix)]
        {
            let link = home.path().join("link");
            std::os::unix::fs::symlink(&folder, &link).unwrap();
            assert_eq!(Owner::of(&link, None), Owner::of(&folder, None));
        }
    }
}
