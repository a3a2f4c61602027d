//! `cargo xtask bench`: how fast the program is, beside references that do only part of its work.
//!
//! Every figure is measured against a reference in the same run, in turn, several times; the median counts. Nothing here passes
//! or fails: `docs/performance.md` says what is aimed at.

mod load;
mod program;
mod reference;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use load::{post, quantile};
use program::{Reference, Serve};
use reference::Kind;
use target::{Manner, Target};

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves as a reference
    Reference { kind: Kind, folder: PathBuf },
    /// Accepted and delivered a second
    Throughput {
        /// The released `sync-monitor`
        program: PathBuf,
        #[arg(long, default_value_t = 20_000)]
        messages: u64,
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Args::parse().command {
        Command::Reference { kind, folder } => reference::serve(kind, &folder).await,
        Command::Throughput { program, messages, rounds } => throughput(&program, messages, rounds).await,
    }
}

async fn throughput(program: &std::path::Path, messages: u64, rounds: usize) -> anyhow::Result<()> {
    for clients in [1, 16, 64] {
        for round in 0..rounds {
            let n = if clients == 1 { messages / 10 } else { messages };
            for kind in [Kind::Bare, Kind::Durable] {
                let reference = Reference::start(kind)?;
                let mut done = post(reference.endpoint(), "r", clients, n).await?;
                let cpu = reference.cpu()?;
                println!(
                    "{clients} clients, round {round}, {kind:?}: {:.0}/s, p50 {:?}, p99 {:?}, cpu {:?}/message",
                    n as f64 / done.elapsed.as_secs_f64(),
                    quantile(&mut done.latencies, 0.5)?,
                    quantile(&mut done.latencies, 0.99)?,
                    cpu / u32::try_from(n)?
                );
            }
            let folder = tempfile::tempdir_in(program::root()?)?;
            let serve = Serve::start(program, folder.path())?;
            let target = Target::start("00D000000000002EAA", Manner::AtOnce, false).await?;
            serve.connect(&target.auth_url()).await?;
            let endpoint = serve.endpoint().await?;
            let before = serve.cpu()?;
            let began = std::time::Instant::now();
            let mut done = post(&endpoint, "m", clients, n).await?;
            let all = target.wait_for(n, Duration::from_mins(2)).await;
            let elapsed = began.elapsed();
            println!(
                "{clients} clients, round {round}, program: accepted {:.0}/s, delivered {:.0}/s (all: {all}), p50 {:?}, p99 {:?}, cpu {:?}/message, memory {:?} KiB, started in {:?}",
                n as f64 / done.elapsed.as_secs_f64(),
                n as f64 / elapsed.as_secs_f64(),
                quantile(&mut done.latencies, 0.5)?,
                quantile(&mut done.latencies, 0.99)?,
                (serve.cpu()? - before) / u32::try_from(n)?,
                serve.memory()?,
                serve.started_in(),
            );
        }
    }
    Ok(())
}
