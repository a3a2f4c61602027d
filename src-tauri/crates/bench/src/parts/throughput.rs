//! Accepted and delivered a second, and what a message costs.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::Effort;
use crate::beside::Reference;
use crate::load::post;
use crate::measure::{median, mib, number, per_second, quantile, time};
use crate::reference::Kind;
use crate::report::Report;
use crate::serve::{SOURCE, Serve};
use crate::target::{Manner, Target};

/// What the rounds with so many clients came to.
#[derive(Default)]
struct Rounds {
    bare: Vec<f64>,
    durable: Vec<f64>,
    durable_cpu: Vec<f64>,
    durable_p50: Vec<f64>,
    syncs: Vec<f64>,
    accepted: Vec<f64>,
    delivered: Vec<f64>,
    accepted_share: Vec<f64>,
    delivered_share: Vec<f64>,
    cpu: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    most_memory: u64,
}

/// Measures with 1, 16 and 64 clients.
///
/// # Errors
/// When a program fails.
pub(crate) async fn run(program: &Path, effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let mut all = Vec::new();
    for clients in [1, 16, 64] {
        let n = if clients == 1 { effort.messages / 10 } else { effort.messages };
        let mut rounds = Rounds::default();
        for round in 0..effort.rounds {
            one(program, clients, n, &mut rounds).await?;
            eprintln!("throughput: {clients} clients, round {} of {}", round + 1, effort.rounds);
        }
        all.push((clients, rounds));
    }
    report.table(
        "Throughput",
        &[
            "clients",
            "(a) bare",
            "(b) durable",
            "accepted/s",
            "delivered/s",
            "accepted ÷ (b)",
            "delivered ÷ (b)",
            "CPU/message (b)",
            "CPU/message",
            "accept p50",
            "accept p99",
            "p50 ÷ (b)'s",
            "memory, most",
        ],
    );
    for (clients, rounds) in &mut all {
        let seconds = |figures: &Vec<f64>| time(Duration::from_secs_f64(median(figures.clone())));
        report.row(&[
            &clients.to_string(),
            &number(median(rounds.bare.clone())),
            &number(median(rounds.durable.clone())),
            &number(median(rounds.accepted.clone())),
            &number(median(rounds.delivered.clone())),
            &format!("{:.2}", median(rounds.accepted_share.clone())),
            &format!("{:.2}", median(rounds.delivered_share.clone())),
            &seconds(&rounds.durable_cpu),
            &seconds(&rounds.cpu),
            &seconds(&rounds.p50),
            &seconds(&rounds.p99),
            &format!("{:.2}", median(rounds.p50.clone()) / median(rounds.durable_p50.clone())),
            &mib(rounds.most_memory),
        ]);
    }
    let syncs = median(all.iter().flat_map(|(_, rounds)| rounds.syncs.clone()).collect());
    report.say(&format!(
        "(c) `fdatasync` after each 4 KiB in a loop: {} a second. Medians of {} rounds; {} messages a round, a tenth of it with one client. Aim: delivered ÷ (b) at least 0.4 with 16 and 64 clients, CPU/message at most 80 µs, p50 with one client at most 1.5 × (b)'s, memory under full load at most 60 MiB.",
        number(syncs),
        effort.rounds,
        number(f64::from(effort.messages))
    ));
    Ok(())
}

/// Every contestant once, one after the other.
async fn one(program: &Path, clients: usize, n: u32, rounds: &mut Rounds) -> anyhow::Result<()> {
    rounds.syncs.push(syncs_per_second(300)?);
    let mut durable = 0.0;
    for kind in [Kind::Bare, Kind::Durable] {
        let reference = Reference::start(kind)?;
        let mut done = post(reference.endpoint(), "r", clients, n).await?;
        let rate = per_second(n, done.elapsed);
        if kind == Kind::Bare {
            rounds.bare.push(rate);
            continue;
        }
        durable = rate;
        rounds.durable.push(rate);
        rounds.durable_p50.push(quantile(&mut done.latencies, 0.5)?.as_secs_f64());
        rounds.durable_cpu.push((reference.process().cpu()? / n).as_secs_f64());
    }
    let folder = tempfile::tempdir_in(crate::root()?)?;
    let serve = Serve::start(program, folder.path())?;
    let target = Target::start("00D000000000002EAA", Manner::AtOnce, false).await?;
    serve.connect(&target.auth_url(), SOURCE).await?;
    let endpoint = serve.endpoint(SOURCE).await?;
    let before = serve.process().cpu()?;
    let began = Instant::now();
    let mut done = post(&endpoint, "m", clients, n).await?;
    ensure!(target.wait_for(n, Duration::from_mins(2)).await, "not everything was delivered");
    let elapsed = began.elapsed();
    let (accepted, delivered) = (per_second(n, done.elapsed), per_second(n, elapsed));
    rounds.accepted.push(accepted);
    rounds.delivered.push(delivered);
    rounds.accepted_share.push(accepted / durable);
    rounds.delivered_share.push(delivered / durable);
    rounds.cpu.push((serve.process().cpu()?.saturating_sub(before) / n).as_secs_f64());
    rounds.p50.push(quantile(&mut done.latencies, 0.5)?.as_secs_f64());
    rounds.p99.push(quantile(&mut done.latencies, 0.99)?.as_secs_f64());
    rounds.most_memory = rounds.most_memory.max(serve.process().memory()?.1);
    Ok(())
}

/// How often a second the disk can be asked to keep 4 KiB, one after the other.
fn syncs_per_second(n: u32) -> anyhow::Result<f64> {
    use std::io::Write as _;
    let mut file = tempfile::tempfile_in(crate::root()?)?;
    let began = Instant::now();
    for _ in 0..n {
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
    }
    Ok(per_second(n, began.elapsed()))
}
