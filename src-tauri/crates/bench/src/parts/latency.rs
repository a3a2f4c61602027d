//! From sent to at the target, on a quiet day.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::Effort;
use crate::beside::Reference;
use crate::load::{Client, now};
use crate::measure::{quantile, time};
use crate::reference::Kind;
use crate::report::Report;
use crate::serve::{SOURCE, Serve};
use crate::target::{Manner, Target};

/// Between two messages.
const PACE: Duration = Duration::from_millis(100);

/// Measures at ten messages a second, with a bare round trip before each.
///
/// # Errors
/// When a program fails.
pub(crate) async fn run(program: &Path, effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let reference = Reference::start(Kind::Bare)?;
    let folder = tempfile::tempdir_in(crate::root()?)?;
    let serve = Serve::start(program, folder.path())?;
    let target = Target::start("00D000000000002EAA", Manner::AtOnce, true).await?;
    serve.connect(&target.auth_url(), SOURCE).await?;
    let mut bare = Client::connect(reference.endpoint().clone()).await?;
    let mut client = Client::connect(serve.endpoint(SOURCE).await?).await?;
    let (mut trips, mut accepts, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    let n = effort.messages / 20;
    let mut ticks = tokio::time::interval(PACE);
    for index in 0..n {
        ticks.tick().await;
        let timestamp = now();
        let id = format!("m-{index}");
        let began = Instant::now();
        bare.post(&id, &timestamp).await?;
        trips.push(began.elapsed());
        let began = Instant::now();
        client.post(&id, &timestamp).await?;
        accepts.push(began.elapsed());
        sent.push((id, began));
    }
    ensure!(target.wait_for(n, Duration::from_mins(1)).await, "not everything was delivered");
    let mut arrivals = Vec::new();
    for (id, began) in sent {
        let arrived = target.arrival(&id).context("a change did not arrive")?;
        arrivals.push(arrived.saturating_duration_since(began));
    }
    report.table("From sent to at the target", &["at 10 a second", "p50", "p99"]);
    let trip = quantile(&mut trips, 0.5)?;
    for (what, times) in
        [("bare round trip", &mut trips), ("accepted", &mut accepts), ("at the target", &mut arrivals)]
    {
        report.row(&[what, &time(quantile(times, 0.5)?), &time(quantile(times, 0.99)?)]);
    }
    let ratio = quantile(&mut arrivals, 0.5)?.as_secs_f64() / trip.as_secs_f64();
    report.say(&format!("At the target after {ratio:.1} bare round trips (p50; aim: at most 6), {n} messages. A bare round trip writes nothing to the disk; this one waits for it once."));
    Ok(())
}
