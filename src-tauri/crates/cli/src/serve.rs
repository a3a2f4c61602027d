//! `sync-monitor serve`: the program without a window.

use std::process::ExitCode;

use sync_monitor_runtime::{Options, Running, browser, start, telemetry};

use crate::args::Place;
use crate::client::Failure;
use crate::{FAILED, commands};

/// Runs until SIGTERM or Ctrl-C.
pub(crate) fn serve(place: Place, demo: bool, open: bool) -> Result<ExitCode, Failure> {
    telemetry::start(&place.log_level)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("The system gives no event loop: {error}.")))?;
    let code = runtime.block_on(run(place, demo, open));
    // What still runs in the background has nothing left to finish, or was told to end at once.
    runtime.shutdown_background();
    code
}

async fn run(place: Place, demo: bool, open: bool) -> Result<ExitCode, Failure> {
    let mut signals = Signals::new()?;
    let Place { data_dir, listen, config, .. } = place;
    let options = Options { data_dir, listen, config, demo, ..Options::default() };
    let running = tokio::select! {
        running = start(options) => running?,
        () = signals.next() => return Ok(ExitCode::SUCCESS),
    };
    tracing::info!(url = running.url(), data_dir = %running.data_dir().display(), "ready");
    if demo {
        tracing::info!(
            "this is a demo with simulated orgs; ask it with `sync-monitor --data-dir {} status`",
            running.data_dir().display()
        );
    }
    if open {
        show(&running).await;
    }
    signals.next().await;
    tracing::info!("stopping; once more to stop at once");
    tokio::select! {
        stopped = running.stop() => stopped?,
        () = signals.next() => {
            tracing::warn!("stopped at once; what was in flight is sent again at the next start");
            return Ok(ExitCode::from(FAILED));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows the UI in a browser, and tells the link in any case: a browser that starts and then fails says nothing. It is
/// good once and for a minute, so it may stand on a terminal. The program goes on if all of it fails.
async fn show(running: &Running) {
    let answer = running.api().call("POST", "/api/v1/session/link", None).await;
    let Ok(link) = serde_json::from_str::<commands::Link>(&answer.body) else {
        tracing::warn!("no link to the UI could be made; run `sync-monitor open` for one");
        return;
    };
    println!("Open this link within a minute, it is good once:\n{}", link.url);
    if browser::open(&link.url).is_err() {
        tracing::warn!("no browser could be started here; `sync-monitor open` gives another link");
    }
}

/// The signals that ask the program to end.
#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::Failed(format!("The system gives no signals: {error}.")))
        };
        Ok(Self([
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        ]))
    }

    /// Returns at the next one.
    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
    fn new() -> Result<Self, Failure> {
        Ok(Self)
    }

    /// Returns at the next Ctrl-C; never where there is no such thing.
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
