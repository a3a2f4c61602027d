//! `cargo xtask bench`: how fast the program is, beside references that do only part of its work.
//!
//! Every figure is measured against a reference in the same run, in turn, several times; the median counts. Nothing here passes
//! or fails: `docs/performance.md` says what is aimed at.

mod beside;
mod chart;
mod load;
mod measure;
mod parts;
mod process;
mod reference;
mod report;
mod serve;
mod target;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::{Parser, Subcommand, ValueEnum};

use reference::Kind;
use report::Report;

/// How fast the program is, beside references that do only part of its work.
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// What to measure; without any, everything
    parts: Vec<Part>,
    /// A tenth of everything, once: to see whether it runs, and nothing more
    #[arg(long)]
    quick: bool,
    /// Put the figures into docs/performance.md, and the chart beside it
    #[arg(long)]
    write: bool,
    /// The released `sync-monitor`
    #[arg(long, env = "SYNC_MONITOR_PROGRAM")]
    program: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves as a reference; the bench starts this itself
    #[command(hide = true)]
    Reference { kind: Kind, folder: PathBuf },
}

/// Something to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Accepted and delivered a second with 1, 16 and 64 clients, CPU a message
    Throughput,
    /// From sent to at the target, at ten a second
    Latency,
    /// A slow or dead org beside a fast one
    Neighbours,
    /// A hundred thousand failed items retried, and waiting
    People,
    /// A million items waiting: costs, memory, size
    Backlog,
}

/// How much is done of everything.
#[derive(Debug, Clone, Copy)]
struct Effort {
    /// Messages in a round.
    messages: u32,
    rounds: usize,
    /// Items that fail, to be retried and to wait.
    failed: u32,
    /// How long idleness is watched.
    idle: Duration,
    /// How many items wait.
    backlogs: [u32; 3],
}

impl Effort {
    const WHOLE: Self = Self {
        messages: 20_000,
        rounds: 3,
        failed: 100_000,
        idle: Duration::from_mins(1),
        backlogs: [1_000, 100_000, 1_000_000],
    };
    const QUICK: Self = Self {
        messages: 2_000,
        rounds: 1,
        failed: 2_000,
        idle: Duration::from_secs(6),
        backlogs: [1_000, 10_000, 20_000],
    };
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(Command::Reference { kind, folder }) = args.command {
        return reference::serve(kind, &folder).await;
    }
    let program = args.program.context("--program must name the released sync-monitor")?;
    ensure!(program.is_file(), "{} is not there; build it first", program.display());
    let effort = if args.quick { Effort::QUICK } else { Effort::WHOLE };
    let parts = if args.parts.is_empty() { Part::value_variants().to_vec() } else { args.parts };
    let mut report = Report::default();
    for part in parts {
        match part {
            Part::Throughput => parts::throughput::run(&program, effort, &mut report).await?,
            Part::Latency => parts::latency::run(&program, effort, &mut report).await?,
            Part::Neighbours => parts::neighbours::run(&program, effort, &mut report).await?,
            Part::People => parts::people::run(&program, effort, &mut report).await?,
            Part::Backlog => {
                let picture = docs().join("pictures/backlog.svg");
                let picture = args.write.then_some(picture.as_path());
                parts::backlog::run(&program, effort, &mut report, picture).await?;
            }
        }
    }
    if args.write {
        report.write(&docs().join("performance.md"))?;
    }
    Ok(())
}

/// The project's documents.
fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../docs")
}

/// Where everything is kept: beside the program, so that it is on a disk, and not in memory.
///
/// # Errors
/// When it cannot be made.
fn root() -> anyhow::Result<PathBuf> {
    let root = std::env::current_exe()?.parent().context("no folder")?.join("bench");
    fs::create_dir_all(&root)?;
    Ok(root)
}
