//! A slow or dead org beside a fast one.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::Effort;
use crate::load::post;
use crate::measure::{median, number, per_second};
use crate::report::Report;
use crate::serve::{SOURCE, Serve};
use crate::target::{Manner, Target};

/// The source whose changes go to the other org.
const OTHER_SOURCE: &str = "00D000000000003EAA";
/// How many changes wait for the other org.
const WAITING: u32 = 5_000;

/// What the other org is like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Other {
    Idle,
    Slow,
    Dead,
}

/// Measures what the fast org gets, beside each.
///
/// # Errors
/// When a program fails.
pub(crate) async fn run(program: &Path, effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let others = [
        (Other::Idle, "idle"),
        (Other::Slow, "slow, 50 ms an answer"),
        (Other::Dead, "dead, nobody listens"),
    ];
    let mut rates = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..effort.rounds {
        for ((other, _), rates) in others.iter().zip(&mut rates) {
            rates.push(one(program, *other, effort.messages).await?);
        }
        eprintln!("neighbours: round {} of {}", round + 1, effort.rounds);
    }
    report.table(
        "A slow or dead org beside a fast one",
        &["the other org", "delivered/s to the fast one", "loss"],
    );
    let alone = median(rates[0].clone());
    for ((_, name), rates) in others.iter().zip(rates) {
        let rate = median(rates);
        report.row(&[name, &number(rate), &format!("{:.0} %", (1.0 - rate / alone) * 100.0)]);
    }
    report.say(&format!(
        "64 clients post for the fast org; {} changes from another source wait for the other. Aim: a loss under 10 %.",
        number(f64::from(WAITING))
    ));
    Ok(())
}

async fn one(program: &Path, other: Other, n: u32) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir_in(crate::root()?)?;
    let serve = Serve::start(program, folder.path())?;
    let fast = Target::start("00D000000000002EAA", Manner::AtOnce, false).await?;
    let manner = if other == Other::Slow { Manner::After(Duration::from_millis(50)) } else { Manner::AtOnce };
    let neighbour = Target::start("00D000000000004EAA", manner, false).await?;
    serve.connect(&fast.auth_url(), SOURCE).await?;
    let id = serve.connect(&neighbour.auth_url(), OTHER_SOURCE).await?;
    let endpoint = serve.endpoint(SOURCE).await?;
    if other != Other::Idle {
        serve.ask("POST", &format!("orgs/{id}/pause"), None).await?;
        post(&serve.endpoint(OTHER_SOURCE).await?, "w", 64, WAITING).await?;
        if other == Other::Dead {
            neighbour.die();
        }
        serve.ask("POST", &format!("orgs/{id}/resume"), None).await?;
    }
    let began = Instant::now();
    post(&endpoint, "m", 64, n).await?;
    ensure!(fast.wait_for(n, Duration::from_mins(2)).await, "not everything was delivered");
    Ok(per_second(n, began.elapsed()))
}
