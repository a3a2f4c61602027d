//! The log: to stderr, with ids, never with tokens or bodies. Its last lines are kept in memory, and more of them in files,
//! both as others may see them. And what is left of a crash.

use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::Context as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

pub(crate) mod crash;
mod file;
mod ring;

pub(crate) use ring::lines;

/// The folder of log files, in the data folder.
pub(crate) const LOGS: &str = "logs";

/// What is logged, which can be changed while the program runs; empty where no log was started.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts the log. `level` is a level, or a filter as `RUST_LOG` takes it (`info,sync_monitor_engine=debug`).
///
/// # Errors
/// When `level` is neither; when a log was started already.
pub fn start(level: &str) -> anyhow::Result<()> {
    let (filter, handle) = reload::Layer::new(filter(level)?);
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    tracing_subscriber::registry()
        .with(filter)
        // Where nobody reads the log any more (a closed terminal, a full disk) there is nobody to complain to either; the
        // layer's own complaint would end the program.
        .with(fmt::layer().with_writer(std::io::stderr).with_ansi(colour).log_internal_errors(false))
        .with(ring::layer())
        .try_init()
        .map_err(|error| anyhow::anyhow!("The log cannot be started: {error}"))?;
    // Only one log can be started, so that this is the first.
    let _ = FILTER.set(handle);
    std::panic::set_hook(Box::new(note_panic));
    Ok(())
}

/// Has what is logged from now on be kept in the data folder too, and reports of crashes; where a log was started. Without
/// a log (in tests, where many programs share a process) only reports that are there already are looked for.
///
/// # Errors
/// When the folders cannot be made.
pub(crate) fn keep_in(data_dir: &Path) -> anyhow::Result<()> {
    if FILTER.get().is_none() {
        return Ok(());
    }
    file::open(&data_dir.join(LOGS)).context("The log cannot be kept in the data folder.")?;
    crash::write_to(data_dir);
    Ok(())
}

/// What is logged now; `None` where no log was started.
pub(crate) fn level() -> Option<String> {
    FILTER.get().and_then(|handle| handle.with_current(ToString::to_string).ok())
}

/// Changes what is logged, until the program ends.
///
/// # Errors
/// When `level` is none; when no log was started.
pub(crate) fn set_level(level: &str) -> anyhow::Result<()> {
    let filter = filter(level)?;
    let handle = FILTER.get().context("This program has no log.")?;
    handle.reload(filter).context("The log cannot be changed.")?;
    tracing::info!(level, "the level of the log was changed; the next start goes back to the usual");
    Ok(())
}

fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::builder()
        .parse(level)
        .with_context(|| format!("{level:?} is not a log level. Use error, warn, info, debug or trace."))
}

/// A panic is logged here, once; whoever catches it says nothing more.
fn note_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("(no message)");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, message, "a part of the program failed; this is a defect");
    crash::report(&place, message);
}
