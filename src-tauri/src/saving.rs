//! Files that the user asks for. The web view on Linux would put them where the program was started, and say nothing.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, ensure};

/// How many files of one name there may be.
const SAME_NAME: u32 = 1_000;

/// Writes a text into a file of this name in a folder, and tells where it is. A file that is there already is left as
/// it is: the new one has a number behind its name.
///
/// # Errors
/// When the name is more than a name, or the file cannot be written. Half a file is not left behind.
pub(crate) fn save(folder: &Path, name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let mut parts = Path::new(name).components();
    let is_a_name = matches!((parts.next(), parts.next()), (Some(Component::Normal(only)), None) if only == name)
        && !name.starts_with('.')
        && !name.contains(['/', '\\', ':']);
    ensure!(is_a_name, "{name:?} is no name of a file");
    fs::create_dir_all(folder).with_context(|| format!("{} is not there", folder.display()))?;
    let (mut file, path) = create(folder, name)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        // What is told is why it could not be written.
        let _ = fs::remove_file(&path);
        anyhow::Error::new(error).context(format!("{} cannot be written", path.display()))
    })?;
    Ok(path)
}

/// The first file of this name that is not there yet.
fn create(folder: &Path, name: &str) -> anyhow::Result<(File, PathBuf)> {
    for n in 0..SAME_NAME {
        let path = folder.join(numbered(name, n));
        match File::create_new(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be written", path.display()));
            }
        }
    }
    Err(io::Error::from(ErrorKind::AlreadyExists))
        .with_context(|| format!("{} holds {SAME_NAME} files called {name}: tidy it up", folder.display()))
}

/// A name with a number before its extension, as browsers do it.
fn numbered(name: &str, n: u32) -> String {
    match (n, name.rsplit_once('.')) {
        (0, _) => name.to_owned(),
        (n, Some((stem, extension))) => format!("{stem} ({n}).{extension}"),
        (n, None) => format!("{name} ({n})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_where_it_is_told_to_be_and_another_of_its_name_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let downloads = folder.path().join("Downloads");
        let first = save(&downloads, "audit.csv", "one").unwrap();
        let second = save(&downloads, "audit.csv", "two").unwrap();
        assert_eq!(first, downloads.join("audit.csv"));
        assert_eq!(second, downloads.join("audit (1).csv"));
        assert_eq!(fs::read_to_string(first).unwrap(), "one");
        assert_eq!(fs::read_to_string(second).unwrap(), "two");
        assert_eq!(save(&downloads, "notes", "").unwrap(), downloads.join("notes"));
        assert_eq!(save(&downloads, "notes", "").unwrap(), downloads.join("notes (1)"));
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let names =
            ["", ".", "..", "../a.csv", "/etc/a.csv", "a/b.csv", "a/", ".profile", "C:\\a.csv", "a\\b.csv"];
        for name in names {
            let error = save(folder.path(), name, "x").unwrap_err().to_string();
            assert!(error.ends_with("is no name of a file"), "{name}: {error}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a-file");
        fs::write(&file, "").unwrap();
        let error = format!("{:#}", save(&file.join("Downloads"), "audit.csv", "x").unwrap_err());
        assert!(error.contains("a-file/Downloads is not there"), "{error}");
    }
}
