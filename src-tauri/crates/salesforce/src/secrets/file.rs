//! An encrypted file, for machines without a keychain, where the admin says so (`secrets = "file"`).
//!
//! XChaCha20-Poly1305 over a JSON map, under a 256-bit key from the environment or a key file that only the user can
//! read. It protects a backup or a copied data folder; whoever can read the key file can read the secrets.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret as _, SecretString};
use sync_monitor_domain::remote::{SecretError, SecretStore};
use tokio::sync::Mutex;

/// The first bytes of the file, with its version.
const MAGIC: &[u8; 8] = b"SMSEC\0\0\x01";
const NONCE: usize = 24;

/// An encrypted file of secrets.
#[derive(Clone)]
pub struct FileStore {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    cipher: XChaCha20Poly1305,
    /// Held while the file is read and written, so that no change is lost.
    turn: Mutex<()>,
}

type Secrets = BTreeMap<String, String>;

impl FileStore {
    /// Opens `secrets.enc` in `folder`, or makes it with its first secret.
    ///
    /// `key` is 32 bytes in hexadecimal or Base64; without it the key file `secrets.key` beside it is used, and made at
    /// the first start.
    ///
    /// # Errors
    /// [`SecretError`] for a key that is none or the wrong one, a key file that others can read, or a file that was
    /// damaged.
    pub fn open(folder: &Path, key: Option<&SecretString>) -> Result<Self, SecretError> {
        let key = match key {
            Some(key) => parse_key(key.expose_secret()).ok_or_else(|| {
                SecretError("SYNC_MONITOR_SECRETS_KEY is no key: it must be 32 bytes, written as 64 hexadecimal digits or in Base64.".into())
            })?,
            None => key_file(&folder.join("secrets.key"))?,
        };
        let inner = Inner {
            path: folder.join("secrets.enc"),
            cipher: XChaCha20Poly1305::new(&key.into()),
            turn: Mutex::new(()),
        };
        inner.read()?;
        Ok(Self { inner: Arc::new(inner) })
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, SecretError> + Send + 'static,
    ) -> Result<T, SecretError> {
        let inner = Arc::clone(&self.inner);
        let task = tokio::task::spawn_blocking(move || {
            let _turn = inner.turn.blocking_lock();
            work(&inner)
        });
        task.await
            .unwrap_or_else(|_| Err(SecretError("The secrets file could not be used. Try again.".into())))
    }
}

fn parse_key(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    let bytes =
        hex::decode(text).ok().or_else(|| base64::engine::general_purpose::STANDARD.decode(text).ok())?;
    bytes.try_into().ok()
}

fn random<const N: usize>() -> Result<[u8; N], SecretError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        SecretError(format!("The system gives no random numbers ({error}), so secrets cannot be encrypted."))
    })?;
    Ok(bytes)
}

/// The key in the key file, which is made if there is none.
fn key_file(path: &Path) -> Result<[u8; 32], SecretError> {
    let failed = |error: io::Error| {
        SecretError(format!(
            "The key file {} cannot be used: {error}. Check that the folder may be written.",
            path.display()
        ))
    };
    match fs::read_to_string(path) {
        Ok(text) => {
            refuse_if_open_to_others(path)?;
            parse_key(&text).ok_or_else(|| {
                SecretError(format!("The key file {} is damaged. Put it back from a backup; without it the orgs must be connected again.", path.display()))
            })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if path.with_file_name("secrets.enc").exists() {
                return Err(SecretError(format!(
                    "The key file {} is gone, and without it secrets.enc cannot be read. Put it back from a backup, or remove secrets.enc and connect the orgs again.",
                    path.display()
                )));
            }
            let key = random::<32>()?;
            write_private(path, hex::encode(key).as_bytes()).map_err(failed)?;
            Ok(key)
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(unix)]
fn refuse_if_open_to_others(path: &Path) -> Result<(), SecretError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path).map_or(0, |m| m.permissions().mode() & 0o777);
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(SecretError(format!(
        "{} can be read by others (mode {mode:o}). Make it private: chmod 600 {}",
        path.display(),
        path.display()
    )))
}

#[cfg(not(unix))]
fn refuse_if_open_to_others(_path: &Path) -> Result<(), SecretError> {
    // The data folder lies in the user's own profile, which other users cannot read.
    Ok(())
}

/// Writes a file that only the user can read, whole or not at all, and synced to the disk with its folder.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    // One that was left behind may be open to others.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

impl Inner {
    fn failed(&self, what: &str) -> SecretError {
        SecretError(format!("The secrets file {} {what}", self.path.display()))
    }

    fn read(&self) -> Result<Secrets, SecretError> {
        let sealed = match fs::read(&self.path) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Secrets::new()),
            Err(error) => return Err(self.failed(&format!("cannot be read: {error}."))),
        };
        refuse_if_open_to_others(&self.path)?;
        let damaged = || {
            self.failed("cannot be decrypted: the key is not the one that it was made with, or the file was damaged. Put both back from a backup, or remove the file and connect the orgs again.")
        };
        let rest =
            sealed.strip_prefix(MAGIC.as_slice()).filter(|rest| rest.len() > NONCE).ok_or_else(damaged)?;
        let (nonce, sealed) = rest.split_at(NONCE);
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| damaged())?;
        let open = self.cipher.decrypt(&XNonce::from(nonce), sealed).map_err(|_| damaged())?;
        serde_json::from_slice(&open).map_err(|_| damaged())
    }

    fn write(&self, secrets: &Secrets) -> Result<(), SecretError> {
        let nonce = random::<NONCE>()?;
        let open = serde_json::to_vec(secrets).map_err(|_| self.failed("could not be written."))?;
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), open.as_slice())
            .map_err(|_| self.failed("could not be encrypted."))?;
        let content = [MAGIC.as_slice(), &nonce, &sealed].concat();
        write_private(&self.path, &content).map_err(|error| {
            self.failed(&format!("could not be written: {error}. Check the space on the disk."))
        })
    }
}

#[async_trait]
impl SecretStore for FileStore {
    async fn get(&self, name: &str) -> Result<Option<SecretString>, SecretError> {
        let name = name.to_owned();
        self.with(move |inner| Ok(inner.read()?.remove(&name).map(SecretString::from))).await
    }

    async fn set(&self, name: &str, secret: SecretString) -> Result<(), SecretError> {
        let name = name.to_owned();
        self.with(move |inner| {
            let mut secrets = inner.read()?;
            secrets.insert(name, secret.expose_secret().to_owned());
            inner.write(&secrets)
        })
        .await
    }

    async fn remove(&self, name: &str) -> Result<(), SecretError> {
        let name = name.to_owned();
        self.with(move |inner| {
            let mut secrets = inner.read()?;
            if secrets.remove(&name).is_some() { inner.write(&secrets) } else { Ok(()) }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path) -> Result<FileStore, SecretError> {
        FileStore::open(folder, None)
    }

    fn refusal(result: Result<FileStore, SecretError>) -> String {
        match result {
            Ok(_) => panic!("must be refused"),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn secrets_survive_and_are_not_readable_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).unwrap();
        store.set("org/1", SecretString::from("5AepREFRESH")).await.unwrap();
        store.set("org/2", SecretString::from("other")).await.unwrap();
        store.remove("org/2").await.unwrap();
        store.remove("org/3").await.unwrap();
        let again = open(folder.path()).unwrap();
        assert_eq!(again.get("org/1").await.unwrap().unwrap().expose_secret(), "5AepREFRESH");
        assert!(again.get("org/2").await.unwrap().is_none());
        let raw = fs::read(folder.path().join("secrets.enc")).unwrap();
        assert!(!String::from_utf8_lossy(&raw).contains("5Aep"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn files_are_private_and_a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).unwrap();
        store.set("a", SecretString::from("b")).await.unwrap();
        for name in ["secrets.key", "secrets.enc"] {
            assert_eq!(
                fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777,
                0o600,
                "{name}"
            );
        }
        fs::set_permissions(folder.path().join("secrets.key"), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(refusal(open(folder.path())).contains("chmod 600"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_that_a_crash_left_behind_neither_hinders_nor_opens_the_next_one() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).unwrap();
        let left = folder.path().join("secrets.new");
        fs::write(&left, "half").unwrap();
        fs::set_permissions(&left, fs::Permissions::from_mode(0o666)).unwrap();
        store.set("a", SecretString::from("b")).await.unwrap();
        let mode = fs::metadata(folder.path().join("secrets.enc")).unwrap().permissions().mode();
        assert_eq!((mode & 0o777, left.exists()), (0o600, false));
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_written_keeps_what_it_had() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).unwrap();
        store.set("a", SecretString::from("before")).await.unwrap();
        // A folder in the place of the new file: nobody can write there, not even root.
        fs::create_dir(folder.path().join("secrets.new")).unwrap();
        let error = store.set("a", SecretString::from("TOPSECRET")).await.unwrap_err().to_string();
        assert!(error.contains("could not be written") && !error.contains("TOPSECRET"), "{error}");
        assert_eq!(store.get("a").await.unwrap().unwrap().expose_secret(), "before");
    }

    #[tokio::test]
    async fn secrets_that_are_written_at_once_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).unwrap();
        let mut writing = tokio::task::JoinSet::new();
        for n in 0..16 {
            let store = store.clone();
            writing.spawn(async move { store.set(&format!("org/{n}"), SecretString::from("s")).await });
        }
        assert!(writing.join_all().await.into_iter().all(|result| result.is_ok()));
        for n in 0..16 {
            assert!(store.get(&format!("org/{n}")).await.unwrap().is_some(), "{n}");
        }
    }

    #[tokio::test]
    async fn a_key_may_be_written_in_base64() {
        let folder = tempfile::tempdir().unwrap();
        let hexadecimal = SecretString::from("07".repeat(32));
        let base64 = SecretString::from(base64::engine::general_purpose::STANDARD.encode([7; 32]) + "\n");
        FileStore::open(folder.path(), Some(&hexadecimal))
            .unwrap()
            .set("a", SecretString::from("b"))
            .await
            .unwrap();
        let again = FileStore::open(folder.path(), Some(&base64)).unwrap();
        assert_eq!(again.get("a").await.unwrap().unwrap().expose_secret(), "b");
        assert!(!folder.path().join("secrets.key").exists(), "no key file where the key is given");
    }

    #[tokio::test]
    async fn a_wrong_key_a_lost_key_and_a_damaged_file_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let key = SecretString::from("00".repeat(32));
        let store = FileStore::open(folder.path(), Some(&key)).unwrap();
        store.set("a", SecretString::from("b")).await.unwrap();
        assert!(
            refusal(FileStore::open(folder.path(), Some(&SecretString::from("01".repeat(32)))))
                .contains("cannot be decrypted")
        );
        assert!(
            refusal(FileStore::open(folder.path(), Some(&SecretString::from("short"))))
                .contains("64 hexadecimal")
        );
        assert!(refusal(open(folder.path())).contains("is gone"));
        let path = folder.path().join("secrets.enc");
        let mut raw = fs::read(&path).unwrap();
        *raw.last_mut().unwrap() ^= 1;
        fs::write(&path, raw).unwrap();
        assert!(refusal(FileStore::open(folder.path(), Some(&key))).contains("damaged"));
    }
}
