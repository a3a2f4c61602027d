//! The log: to stderr, with ids, never with tokens or bodies; its last lines are kept in memory.

use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;

use anyhow::Context as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

mod ring;

pub(crate) use ring::lines;

/// Starts the log. `level` is a level, or a filter as `RUST_LOG` takes it (`info,sync_monitor_engine=debug`).
///
/// # Errors
/// When `level` is neither; when a log was started already.
pub fn start(level: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .parse(level)
        .with_context(|| format!("{level:?} is not a log level. Use error, warn, info, debug or trace."))?;
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    tracing_subscriber::registry()
        .with(filter)
        // Where nobody reads the log any more (a closed terminal, a full disk) there is nobody to complain to either; the
        // layer's own complaint would end the program.
        .with(fmt::layer().with_writer(std::io::stderr).with_ansi(colour).log_internal_errors(false))
        .with(ring::layer())
        .try_init()
        .map_err(|error| anyhow::anyhow!("The log cannot be started: {error}"))?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// A panic is logged here, once; whoever catches it says nothing more.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("(no message)");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, message, "a part of the program failed; this is a defect");
}
