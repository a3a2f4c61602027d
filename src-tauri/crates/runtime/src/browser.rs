//! The user's browser.

use std::ffi::OsString;
use std::io;
use std::process::{Command, Stdio};

/// Shows a URL in the user's browser: the first of those in `BROWSER` that starts, or else the system's.
///
/// `BROWSER` is a list of commands, joined by `:` (`;` on Windows), in which `%s` stands for the URL, or else the URL
/// comes last (`xdg-open(1)`, Python's `webbrowser`).
///
/// # Errors
/// When it is not the address of a page, or none starts. One that starts and then fails tells nobody: show the URL as well.
pub fn open(url: &str) -> io::Result<()> {
    // Nothing but a page: no file, and no flag of the browser's.
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no address of a page"));
    }
    let chosen = std::env::var_os("BROWSER").filter(|browser| !browser.is_empty());
    let commands = match chosen {
        Some(list) => commands(&list, url),
        None => vec![systems(url)],
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "BROWSER names no command");
    for command in commands {
        match start(command) {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Each command as its words.
fn commands(list: &OsString, url: &str) -> Vec<Vec<OsString>> {
    // A path may hold spaces and colons.
    if std::path::Path::new(list).is_file() {
        return vec![vec![list.clone(), url.into()]];
    }
    let Some(list) = list.to_str() else { return vec![vec![list.clone(), url.into()]] };
    let between = if cfg!(windows) { ';' } else { ':' };
    list.split(between)
        .map(|command| {
            let mut words: Vec<OsString> =
                command.split_whitespace().map(|word| word.replace("%s", url).into()).collect();
            if !command.contains("%s") {
                words.push(url.into());
            }
            words
        })
        .filter(|words| words.len() > 1)
        .collect()
}

fn systems(url: &str) -> Vec<OsString> {
    match std::env::consts::OS {
        "macos" => vec!["open".into(), url.into()],
        // Not through cmd, which would take the & of a query for its own.
        "windows" => vec!["rundll32".into(), "url.dll,FileProtocolHandler".into(), url.into()],
        _ => vec!["xdg-open".into(), url.into()],
    }
}

fn start(words: Vec<OsString>) -> io::Result<()> {
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    // The key of our encrypted secrets is not for others.
    command.args(words).env_remove("SYNC_MONITOR_SECRETS_KEY");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // Waited for, so that it is not left as a zombie for as long as this program runs.
    std::thread::spawn(move || child.wait());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::one("firefox", "firefox U")]
    #[case::in_its_place("chrome --app=%s --new", "chrome --app=U --new")]
    #[cfg_attr(not(windows), case::several("a:b %s:", "a U | b U"))]
    #[case::nothing("  ", "")]
    fn the_users_choice_is_a_list_of_commands(#[case] list: &str, #[case] expected: &str) {
        let commands = commands(&list.into(), "U");
        let lines = commands.iter().map(|words| words.join(" ".as_ref()).into_string().unwrap());
        assert_eq!(lines.collect::<Vec<_>>().join(" | "), expected);
    }

    #[rstest]
    #[case("file:///etc/passwd")]
    #[case("--profile=/tmp/x")]
    #[case("javascript:alert(1)")]
    #[case("")]
    fn nothing_but_a_page_is_shown(#[case] url: &str) {
        assert_eq!(open(url).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_file_is_one_command_whatever_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("my browser:2");
        std::fs::write(&file, "").unwrap();
        assert_eq!(commands(&file.clone().into(), "U"), [[file.into_os_string(), "U".into()]]);
    }
}
