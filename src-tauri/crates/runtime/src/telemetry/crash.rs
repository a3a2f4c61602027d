//! What is left of a crash: a file with what failed, where, and what was logged last, as others may see it.

use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sync_monitor_api::program::Crash;
use sync_monitor_domain::Millis;

use super::ring;
use crate::{care, data_dir, redact};

/// The folder of reports, in the data folder.
const FOLDER: &str = "crashes";
/// The file in it with the name of the newest report that somebody has seen.
const SEEN: &str = "seen";
/// How many are kept: a part that fails at each start must not fill the disk.
const KEPT: usize = 10;
/// What a report begins with; the place and the message follow in the second line.
const FAILED_AT: &str = "failed at ";

/// Where reports of this process are written to.
static REPORTS: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Has crashes of this process be reported in this data folder.
pub(super) fn write_to(data_dir: &Path) {
    *REPORTS.lock().unwrap_or_else(PoisonError::into_inner) = Some(data_dir.to_owned());
}

/// Writes the report of a part of the program that has just failed. Called while it fails, so that nothing in here may.
pub(super) fn report(place: &str, message: &str) {
    let Some(data_dir) = REPORTS.lock().unwrap_or_else(PoisonError::into_inner).clone() else { return };
    let trace = Backtrace::force_capture().to_string();
    match write(&data_dir, &text(place, message, &trace)) {
        Ok(path) => tracing::error!(path = %path.display(), "a report of it was written"),
        Err(error) => tracing::error!(%error, "no report of it could be written"),
    }
}

fn text(place: &str, message: &str, trace: &str) -> String {
    let thread = std::thread::current();
    let mut text = format!(
        "Sync Monitor {} on {} {}, {}, thread {}\n{FAILED_AT}{place}: {}\n\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        care::now(),
        thread.name().unwrap_or("without a name"),
        message.replace('\n', " ")
    );
    // Writing to a String does not fail.
    let _ = write!(text, "{trace}\nThe last lines of the log:\n");
    for line in ring::lines() {
        let _ = writeln!(text, "{line}");
    }
    let private = redact::this_machines();
    text.lines().map(|line| private.hide(&redact::line(line)) + "\n").collect()
}

fn write(data_dir: &Path, text: &str) -> io::Result<PathBuf> {
    let folder = data_dir.join(FOLDER);
    data_dir::make_private_folder(&folder)?;
    let reports = reports(&folder);
    for old in reports.iter().rev().skip(KEPT - 1) {
        fs::remove_file(folder.join(old))?;
    }
    // Of two at one moment both are kept, in their order.
    let now = care::now();
    let mut names = (0..).map(|later| name(Millis(now.0 + later)));
    let newest = reports.last();
    let name = names.find(|name| newest.is_none_or(|newest| name > newest)).unwrap_or_default();
    let path = folder.join(name);
    let mut file = data_dir::private_file(OpenOptions::new().create_new(true), &path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(path)
}

/// The name of a report, by its time to the millisecond.
fn name(at: Millis) -> String {
    format!("crash-{}-{:03}.txt", care::compact(at), at.0.rem_euclid(1_000))
}

/// The newest report that nobody has seen.
pub(crate) fn unseen(data_dir: &Path) -> Option<Crash> {
    let folder = data_dir.join(FOLDER);
    let newest = reports(&folder).pop()?;
    let seen = fs::read_to_string(folder.join(SEEN)).unwrap_or_default();
    if newest.as_str() <= seen.trim() {
        return None;
    }
    let path = folder.join(newest);
    let text = fs::read_to_string(&path).unwrap_or_default();
    let summary = text.lines().nth(1).unwrap_or_default();
    Some(Crash {
        path: path.display().to_string(),
        summary: summary.strip_prefix(FAILED_AT).unwrap_or(summary).to_owned(),
        report: text,
    })
}

/// Notes that somebody has seen the newest report.
///
/// # Errors
/// When that cannot be written down.
pub(crate) fn see(data_dir: &Path) -> io::Result<()> {
    let folder = data_dir.join(FOLDER);
    match reports(&folder).pop() {
        Some(newest) => fs::write(folder.join(SEEN), newest),
        None => Ok(()),
    }
}

/// The names of the reports, the oldest first: they are named by their time. None where the folder cannot be read, for
/// then there is nothing to be told of.
fn reports(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut reports: Vec<_> = names.filter(|name| name.starts_with("crash-")).collect();
    reports.sort();
    reports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_told_of_until_it_was_seen_and_few_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(unseen(folder.path()), None);
        see(folder.path()).unwrap();
        for n in 0..KEPT + 3 {
            write(folder.path(), &text("worker.rs:7:1", &format!("failure {n}"), "trace\n")).unwrap();
        }
        assert_eq!(reports(&folder.path().join(FOLDER)).len(), KEPT);
        let crash = unseen(folder.path()).unwrap();
        assert_eq!(crash.summary, format!("worker.rs:7:1: failure {}", KEPT + 2));
        assert!(crash.report.contains("trace"), "{}", crash.report);
        see(folder.path()).unwrap();
        assert_eq!(unseen(folder.path()), None);
    }

    #[test]
    fn a_report_says_nothing_that_is_nobodys_business() {
        let token = "00D5g000004Xy9A!AQEAQ.abc_DEF";
        let report = text("a.rs:1:1", &format!("no answer for {token}\nfrom acme.my.salesforce.com"), "");
        assert!(report.contains("no answer for [secret] from [host]"), "{report}");
        assert!(!report.contains(token));
    }

    /// Not a test of its own: what the next one has another process do.
    #[test]
    #[ignore = "run by the next test, in a process of its own"]
    fn a_part_that_fails() {
        let Some(folder) = std::env::var_os("SYNC_MONITOR_TEST_FOLDER") else { return };
        super::super::start("info").unwrap();
        super::super::keep_in(Path::new(&folder)).unwrap();
        tracing::info!(target: "sync_monitor::test", "all is well so far");
        let failed =
            std::thread::Builder::new().name("a-part".into()).spawn(|| panic!("this cannot be")).unwrap();
        assert!(failed.join().is_err());
    }

    #[test]
    fn a_panic_anywhere_leaves_a_report_and_lines_in_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let ended = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "telemetry::crash::tests::a_part_that_fails", "--ignored"])
            .env("SYNC_MONITOR_TEST_FOLDER", folder.path())
            .output()
            .unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
        let crash = unseen(folder.path()).unwrap();
        assert!(
            crash.summary.contains("crash.rs:") && crash.summary.ends_with(": this cannot be"),
            "{crash:?}"
        );
        assert!(crash.report.contains("thread a-part"), "{}", crash.report);
        assert!(crash.report.contains("a_part_that_fails"), "the way to it: {}", crash.report);
        assert!(crash.report.contains("all is well so far"), "{}", crash.report);
        let log = fs::read_to_string(folder.path().join("logs/sync-monitor.log")).unwrap();
        assert!(log.contains("this is a defect") && log.contains("all is well so far"), "{log}");
    }
}
