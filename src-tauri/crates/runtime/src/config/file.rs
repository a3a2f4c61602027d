//! The file of settings: where it is, and writing it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Error;
use crate::data_dir;

/// The file's name, in the folder of settings or in the data folder.
const NAME: &str = "config.toml";
/// The folder of settings, in the platform's.
const FOLDER: &str = "sync-monitor";

/// Where the file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    path: PathBuf,
    /// A file that was asked for must be there; one in the usual place need not.
    required: bool,
}

impl File {
    /// The file that was asked for, else the one in the data folder that was asked for, else the user's.
    ///
    /// # Errors
    /// [`Error::NoHome`]
    pub fn find(asked: Option<&Path>, data_dir: Option<&Path>) -> Result<Self, Error> {
        if let Some(path) = asked {
            return Ok(Self { path: path.to_owned(), required: true });
        }
        let folder = if let Some(folder) = data_dir {
            folder.to_owned()
        } else {
            use etcetera::BaseStrategy as _;
            etcetera::base_strategy::choose_native_strategy()
                .map_err(|_| Error::NoHome)?
                .config_dir()
                .join(FOLDER)
        };
        Ok(Self { path: folder.join(NAME), required: false })
    }

    /// Where it is, or would be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn read(&self) -> Result<String, Error> {
        match std::fs::read_to_string(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !self.required => Ok(String::new()),
            read => read.map_err(|source| Error::Read { path: self.path.clone(), source }),
        }
    }

    /// Puts `text` in the place of the file, all at once, readable for this user only.
    ///
    /// # Errors
    /// [`Error::Write`]; the file is as it was then.
    pub(super) fn write(&self, text: &str) -> Result<(), Error> {
        self.try_write(text).map_err(|source| Error::Write { path: self.path.clone(), source })
    }

    fn try_write(&self, text: &str) -> std::io::Result<()> {
        // A link stays a link: it may lead to where somebody keeps all his settings.
        let path = match std::fs::canonicalize(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.path.clone(),
            found => found?,
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        data_dir::make_private_folder(folder)?;
        // Made readable for this user only.
        let mut unfinished = tempfile::Builder::new().prefix(".config-").tempfile_in(folder)?;
        unfinished.write_all(text.as_bytes())?;
        unfinished.as_file().sync_all()?;
        unfinished.persist(&path).map_err(|error| error.error)?;
        data_dir::sync_folder(folder)
    }
}
