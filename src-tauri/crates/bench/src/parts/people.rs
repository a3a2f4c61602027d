//! A hundred thousand failed items: retried at once, and waiting for their time.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::oneshot;

use crate::Effort;
use crate::load::{Client, Endpoint, now, post};
use crate::measure::{number, quantile, rest, time};
use crate::report::Report;
use crate::serve::{SOURCE, Serve};
use crate::target::{Manner, Target};

/// After the first failed attempt nothing is due for an hour.
const PATIENT: &str = "retry.schedule = [\"0s\", \"1h\"]\n";

/// Measures a retry by filter beside a client that posts, then what it costs to wait.
///
/// # Errors
/// When a program fails.
pub(crate) async fn run(program: &Path, effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(crate::root()?)?;
    let serve = Serve::start_with(program, folder.path(), PATIENT)?;
    let target = Target::start("00D000000000002EAA", Manner::Refuses, false).await?;
    serve.connect(&target.auth_url(), SOURCE).await?;
    let endpoint = serve.endpoint(SOURCE).await?;
    let n = effort.failed;
    post(&endpoint, "m", 64, n).await?;
    serve.until("all to fail", |counts| counts["failed"] == n).await?;
    eprintln!("people: {n} failed");

    // The org goes on to answer, with what is tried again later.
    target.answer(Manner::Busy);
    let (stop, stopped) = oneshot::channel();
    let posting = tokio::spawn(post_until(endpoint, stopped));
    let began = Instant::now();
    let answer = serve.ask("POST", "items/retry", Some(json!({ "filter": { "status": "failed" } }))).await?;
    let took = began.elapsed();
    // Whoever posts has failed before, if it does not listen any more; that is told below.
    let _ = stop.send(());
    let mut times = posting.await??;
    report.table("People, and waiting", &["figure", "measured", "aim"]);
    report.row(&[
        &format!(
            "retry of {} failed items by filter",
            number(answer["changed"].as_f64().unwrap_or_default())
        ),
        &time(took),
        "under 5 s",
    ]);
    report.row(&["accept p99 meanwhile", &time(quantile(&mut times, 0.99)?), "under 50 ms"]);

    serve.until("all to wait", |counts| counts["queued"] == 0 && counts["processing"] == 0).await?;
    rest(Duration::from_secs(3)).await;
    let before = serve.process().cpu()?;
    rest(effort.idle).await;
    let used = serve.process().cpu()?.saturating_sub(before);
    report.row(&[
        &format!(
            "CPU, idle for {} s with {} retrying items due later",
            effort.idle.as_secs(),
            number(f64::from(n))
        ),
        &format!("{:.2} % of a core", used.as_secs_f64() / effort.idle.as_secs_f64() * 100.0),
        "under 0.5 %",
    ]);
    serve.stop()
}

/// Posts one change after the other until it is told to stop; returns how long each took.
async fn post_until(endpoint: Endpoint, mut stopped: oneshot::Receiver<()>) -> anyhow::Result<Vec<Duration>> {
    let mut client = Client::connect(endpoint).await?;
    let mut times = Vec::new();
    while stopped.try_recv().is_err() {
        let began = Instant::now();
        client.post(&format!("beside-{}", times.len()), &now()).await?;
        times.push(began.elapsed());
    }
    Ok(times)
}
