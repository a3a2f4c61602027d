//! What the desktop keeps in mind from one start to the next: `desktop.json` in the data folder.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::notices::Told;
use crate::window::Bounds;

const FILE: &str = "desktop.json";

/// What is known. Losing it costs comfort only.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Known {
    /// Where the window was.
    pub(crate) window: Option<Bounds>,
    /// Whether the user knows that a closed window leaves the program in the tray.
    pub(crate) told_of_tray: bool,
    /// The causes of failures that were told of.
    pub(crate) told_causes: Told,
}

/// The file and what is in it.
pub(crate) struct Memory {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    known: Known,
    is_open: bool,
}

impl Memory {
    /// Reads what is in the data folder. What cannot be read is logged and forgotten.
    pub(crate) fn open(data_dir: &Path) -> Self {
        let path = data_dir.join(FILE);
        let known = read(&path).unwrap_or_else(|error| {
            tracing::warn!(path = %path.display(), %error, "what the desktop knew is not readable; it starts anew");
            Known::default()
        });
        Self { path, state: Mutex::new(State { known, is_open: true }) }
    }

    /// Looks something up.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.state().known)
    }

    /// Changes something, and writes it down.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Known)) {
        let mut state = self.state();
        change(&mut state.known);
        if !state.is_open {
            return;
        }
        if let Err(error) = write(&self.path, &state.known) {
            tracing::warn!(path = %self.path.display(), %error, "what the desktop knows cannot be written down");
        }
    }

    /// Writes nothing any more: the data folder is about to be somebody else's, or thrown away.
    pub(crate) fn close(&self) {
        self.state().is_open = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> io::Result<Known> {
    match fs::read(path) {
        Ok(json) => Ok(serde_json::from_slice(&json)?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Known::default()),
        Err(error) => Err(error),
    }
}

/// All at once, so that a power failure leaves the old or the new.
fn write(path: &Path, known: &Known) -> io::Result<()> {
    let unfinished = path.with_extension("json.new");
    fs::write(&unfinished, serde_json::to_vec_pretty(known)?)?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_learned_is_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let bounds = Bounds { x: -10, y: 20, width: 1_000, height: 700, maximised: true };
        let memory = Memory::open(folder.path());
        assert!(memory.read(|known| known.window.is_none() && !known.told_of_tray));
        memory.change(|known| known.window = Some(bounds));
        memory.change(|known| known.told_of_tray = true);
        let again = Memory::open(folder.path());
        assert!(again.read(|known| known.window == Some(bounds) && known.told_of_tray));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_file_is_forgotten_and_one_of_another_version_read_as_far_as_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        for (text, told) in [("{", false), ("", false), (r#"{"toldOfTray":true,"later":{}}"#, true)] {
            fs::write(folder.path().join(FILE), text).unwrap();
            assert_eq!(Memory::open(folder.path()).read(|known| known.told_of_tray), told, "{text:?}");
        }
    }

    #[test]
    fn nothing_is_written_into_a_folder_that_was_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(folder.path());
        memory.close();
        memory.change(|known| known.told_of_tray = true);
        assert!(memory.read(|known| known.told_of_tray));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
