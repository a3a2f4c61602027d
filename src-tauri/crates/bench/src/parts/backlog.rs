//! What things cost with a thousand, a hundred thousand and a million items waiting: nothing may grow with the backlog.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use sync_monitor_domain::change::Change;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_store::Store;
use sync_monitor_store::model::Actor;
use tempfile::TempDir;
use uuid::Uuid;

use crate::Effort;
use crate::chart::{self, Line};
use crate::load::{Client, now, payload};
use crate::measure::{mib, number, quantile, rest, time};
use crate::process;
use crate::report::Report;
use crate::serve::{SOURCE, Serve};
use crate::target::{Manner, Target};

/// How many changes are handed to the store at once while a backlog is made.
const AT_ONCE: u32 = 512;
/// How often each thing is done; the median counts.
const TIMES: usize = 25;
/// How often what is written goes round all backlogs.
const ROUNDS: usize = 5;
/// How long memory is watched while a backlog is sent, or while nobody takes it.
const WATCHED: Duration = Duration::from_secs(15);
/// Far beyond any retention.
const CENTURY: i64 = 100 * 365 * 24 * 3_600_000;

/// What is asked for, and how it is called. LAST stands for the number of the last item, whose name begins no other; the names
/// that begin like the 777th are a thousandth of all, and one at least.
const LOOKS: [(&str, &str); 14] = [
    ("counts", "status"),
    ("first page, all", "items?limit=50"),
    ("first page, queued", "items?status=queued&limit=50"),
    ("first page, failed", "items?status=failed&limit=50"),
    ("first page, synced", "items?status=synced&limit=50"),
    ("failures", "failures"),
    ("work items", "work-items?limit=50"),
    ("activity", "activity?limit=50"),
    ("search, one found", "items?q=WI-m-LAST&limit=50"),
    ("search, a thousandth found", "items?q=WI-m-777&limit=50"),
    ("search, all found", "items?q=revenue&limit=50"),
    (FIRST_SEARCH, "items?q=revenue&limit=50"),
    ("work items, one found", "work-items?q=WI-m-LAST&limit=50"),
    ("work items, all found", "work-items?q=revenue&limit=50"),
];

/// The total of a search is remembered until something is written, so something is, each time before this is asked.
const FIRST_SEARCH: &str = "search, all found, just changed";

/// Data folders with more and more items waiting for an org that is paused.
struct Backlogs {
    _folder: TempDir,
    target: Target,
    org: String,
    folders: Vec<(u32, PathBuf)>,
}

/// Measures costs at each backlog, then memory with the largest, then what becomes of space.
///
/// # Errors
/// When a program fails.
pub(crate) async fn run(
    program: &Path,
    effort: Effort,
    report: &mut Report,
    picture: Option<&Path>,
) -> anyhow::Result<()> {
    let backlogs = Backlogs::make(program, effort).await?;
    let mut lines: Vec<Line> = Vec::new();
    for (n, folder) in &backlogs.folders {
        for (name, cost) in looks(program, folder, *n).await? {
            match lines.iter_mut().find(|line| line.name == name) {
                Some(line) => line.costs.push(cost),
                None => lines.push(Line { name: name.to_owned(), costs: vec![cost] }),
            }
        }
        eprintln!("backlog: looked at with {n}");
    }
    lines.extend(writes(program, &backlogs).await?);
    let names: Vec<String> =
        backlogs.folders.iter().map(|(n, _)| format!("{} waiting", number(f64::from(*n)))).collect();
    let mut heads = vec!["p50"];
    heads.extend(names.iter().map(String::as_str));
    heads.push("last ÷ first");
    report.table("Cost against backlog", &heads);
    for line in &lines {
        let mut cells = vec![line.name.clone()];
        cells.extend(line.costs.iter().map(|cost| time(*cost)));
        let growth = match (line.costs.first(), line.costs.last()) {
            (Some(first), Some(last)) => last.as_secs_f64() / first.as_secs_f64(),
            _ => 0.0,
        };
        cells.push(format!("{growth:.1}"));
        report.row(&cells.iter().map(String::as_str).collect::<Vec<_>>());
    }
    report.say("Aim: nothing grows by more than 2 ×; the next 64 due in 0.1 ms, a page of 50 in 1 ms, counts in 1 ms, the start in 100 ms. Pages are asked for over HTTP, each on a new connection.");
    if let Some(picture) = picture {
        let at: Vec<u32> = backlogs.folders.iter().map(|(n, _)| *n).collect();
        fs::write(picture, chart::draw(&at, &lines))
            .with_context(|| format!("{} cannot be written", picture.display()))?;
    }
    memory(program, &backlogs, report).await?;
    space(program, &backlogs, report).await
}

impl Backlogs {
    async fn make(program: &Path, effort: Effort) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(crate::root()?)?;
        let target = Target::start("00D000000000002EAA", Manner::AtOnce, false).await?;
        let growing = folder.path().join("growing");
        let serve = Serve::start(program, &growing)?;
        let org = serve.connect(&target.auth_url(), SOURCE).await?;
        serve.ask("POST", &format!("orgs/{org}/pause"), None).await?;
        serve.stop()?;
        let mut folders = Vec::new();
        let mut waiting = 0;
        for n in effort.backlogs {
            fill(&growing.join("sync-monitor.db"), waiting, n).await?;
            waiting = n;
            let copy = folder.path().join(n.to_string());
            fs::create_dir_all(&copy)?;
            for entry in fs::read_dir(&growing)? {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    let to = copy.join(entry.file_name());
                    fs::copy(entry.path(), &to)?;
                    // What is still on its way to the disk would be paid for by whoever syncs next.
                    fs::File::open(&to)?.sync_all()?;
                }
            }
            folders.push((n, copy));
            eprintln!("backlog: {n} items wait");
        }
        Ok(Self { _folder: folder, target, org, folders })
    }

    fn last(&self) -> anyhow::Result<(u32, &Path)> {
        let (n, folder) = self.folders.last().context("no backlog was made")?;
        Ok((*n, folder))
    }
}

/// Takes changes into a store until so many wait, as the program does.
async fn fill(database: &Path, from: u32, to: u32) -> anyhow::Result<()> {
    let store = Store::open(database)?;
    let timestamp = now();
    for first in (from..to).step_by(AT_ONCE as usize) {
        let mut tasks = tokio::task::JoinSet::new();
        for index in first..(first + AT_ONCE).min(to) {
            let (store, change) = (store.clone(), change(&format!("m-{index}"), &timestamp)?);
            let at = moment();
            tasks.spawn(async move { store.accept(change, at, at, new_id, |_| ()).await });
        }
        while let Some(accepted) = tasks.join_next().await {
            ensure!(accepted??.records_processed == 1, "a change was not taken");
        }
    }
    Ok(store.close().await?)
}

fn change(id: &str, timestamp: &str) -> anyhow::Result<Change> {
    let body = payload(SOURCE, id, timestamp).into_bytes();
    Change::parse(body.into(), moment()).map_err(|why| anyhow::anyhow!("{:?}", why.faults))
}

fn moment() -> Millis {
    Millis::from(chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()))
}

#[expect(clippy::disallowed_methods, reason = "the names of these items mean nothing")]
fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// What it costs to start in this folder, and to look at what is there.
async fn looks(program: &Path, folder: &Path, n: u32) -> anyhow::Result<Vec<(&'static str, Duration)>> {
    let mut costs = Vec::new();
    let mut starts = Vec::new();
    for _ in 0..5 {
        let serve = Serve::start(program, folder)?;
        starts.push(serve.started_in());
        serve.stop()?;
    }
    costs.push(("start-up", quantile(&mut starts, 0.5)?));

    let serve = Serve::start(program, folder)?;
    for (name, path) in LOOKS {
        let path = &path.replace("LAST", &(n - 1).to_string());
        let mut times = Vec::new();
        // The first one opens a connection to the database, and is not counted.
        let answer = serve.ask("GET", path, None).await?;
        ensure!(
            name != "search, one found" || answer["total"] == 1,
            "{path} finds {} items",
            answer["total"]
        );
        let patience = Instant::now();
        while times.is_empty() || (times.len() < TIMES && patience.elapsed() < Duration::from_secs(10)) {
            if name == FIRST_SEARCH {
                // A token more.
                serve.endpoint(SOURCE).await?;
            }
            let began = Instant::now();
            serve.ask("GET", path, None).await?;
            times.push(began.elapsed());
        }
        costs.push((name, quantile(&mut times, 0.5)?));
    }
    serve.stop()?;
    Ok(costs)
}

/// What is written, with a sync of the disk each, in turn with each backlog: a disk is not as quick at one moment as at
/// another.
async fn writes(program: &Path, backlogs: &Backlogs) -> anyhow::Result<[Line; 3]> {
    let mut accepts = vec![Vec::new(); backlogs.folders.len()];
    let mut looks = accepts.clone();
    let mut claims = accepts.clone();
    for round in 0..ROUNDS {
        for (at, (n, folder)) in backlogs.folders.iter().enumerate() {
            let serve = Serve::start(program, folder)?;
            let mut client = Client::connect(serve.endpoint(SOURCE).await?).await?;
            for index in 0..TIMES {
                let began = Instant::now();
                client.post(&format!("more-{round}-{index}"), &now()).await?;
                accepts[at].push(began.elapsed());
            }
            serve.stop()?;

            let org: OrgId = "00D000000000002EAA".parse().map_err(|_| anyhow::anyhow!("no org ID"))?;
            let store = Store::open(&folder.join("sync-monitor.db"))?;
            // Of a paused org nothing is claimed, and nobody else is there to send it.
            store.pause_org(org, false, Actor::relay(), moment()).await?;
            for _ in 0..TIMES {
                // Nothing was due in 1970: the next 64 are looked up, and left.
                let began = Instant::now();
                ensure!(store.claim(org, 64, Millis(0)).await?.items.is_empty(), "something was claimed");
                looks[at].push(began.elapsed());
                let began = Instant::now();
                ensure!(!store.claim(org, 1, moment()).await?.items.is_empty(), "nothing was claimed");
                claims[at].push(began.elapsed());
            }
            store.pause_org(org, true, Actor::relay(), moment()).await?;
            store.close().await?;
            eprintln!("backlog: written to with {n}, round {} of {ROUNDS}", round + 1);
        }
    }
    let line = |name: &str, mut times: Vec<Vec<Duration>>| -> anyhow::Result<Line> {
        let costs = times.iter_mut().map(|times| quantile(times, 0.5)).collect::<anyhow::Result<_>>()?;
        Ok(Line { name: name.to_owned(), costs })
    };
    Ok([
        line("accept one", accepts)?,
        line("look for the next 64", looks)?,
        line("claim one, to the disk", claims)?,
    ])
}

/// Memory: with nothing, and with the largest backlog while the org takes it, and while it is dead.
async fn memory(program: &Path, backlogs: &Backlogs, report: &mut Report) -> anyhow::Result<()> {
    let (n, folder) = backlogs.last()?;
    let quiet = tempfile::tempdir_in(crate::root()?)?;
    let serve = Serve::start(program, quiet.path())?;
    serve.connect(&backlogs.target.auth_url(), SOURCE).await?;
    rest(Duration::from_secs(3)).await;
    let (idle, _) = serve.process().memory()?;
    serve.stop()?;

    let n = number(f64::from(n));
    report.table("Memory", &["`serve`", "in use", "÷ idle", "aim"]);
    report.row(&["idle, an org connected", &mib(idle), "1.00", "20 MiB"]);
    for (what, dead) in [("the org takes them", false), ("the org is dead", true)] {
        if dead {
            backlogs.target.die();
        }
        let serve = Serve::start(program, folder)?;
        serve.ask("POST", &format!("orgs/{}/resume", backlogs.org), None).await?;
        rest(WATCHED).await;
        let (used, _) = serve.process().memory()?;
        serve.ask("POST", &format!("orgs/{}/pause", backlogs.org), None).await?;
        serve.stop()?;
        report.row(&[
            &format!("{n} waiting, {what}"),
            &mib(used),
            &format!("{:.2}", ratio(used, idle)),
            "1.3 × idle",
        ]);
    }
    Ok(())
}

/// Bytes an item, and whether space comes back when items are too old to be kept.
async fn space(program: &Path, backlogs: &Backlogs, report: &mut Report) -> anyhow::Result<()> {
    let sizes: Vec<(u32, u64)> = backlogs
        .folders
        .iter()
        .map(|(n, folder)| Ok((*n, fs::metadata(folder.join("sync-monitor.db"))?.len())))
        .collect::<anyhow::Result<_>>()?;
    let (Some(first), Some(last)) = (sizes.first(), sizes.last()) else { return Ok(()) };
    report.table("The store", &["figure", "measured"]);
    let waiting = (last.1 - first.1) / u64::from((last.0 - first.0).max(1));
    report.row(&["bytes an item that waits, payload of about 600 bytes included", &waiting.to_string()]);

    // What was delivered grows by its attempt, and shrinks by its place in the line.
    let folder = tempfile::tempdir_in(crate::root()?)?;
    let n = 50_000;
    let serve = Serve::start(program, folder.path())?;
    let target = Target::start("00D000000000002EAA", Manner::AtOnce, false).await?;
    serve.connect(&target.auth_url(), SOURCE).await?;
    crate::load::post(&serve.endpoint(SOURCE).await?, "m", 64, n).await?;
    serve.until("all to be delivered", |counts| counts["synced"] == n).await?;
    serve.stop()?;
    let database = folder.path().join("sync-monitor.db");
    let full = fs::metadata(&database)?.len();
    report.row(&["bytes an item that was delivered", &(full / u64::from(n)).to_string()]);

    let store = Store::open(&database)?;
    let later = Millis(moment().0 + CENTURY);
    let began = Instant::now();
    while store.clear(later, later).await? > 0 {}
    let took = began.elapsed();
    store.close().await?;
    report.row(&[
        &format!(
            "file with {} delivered items, before and after all were cleared away",
            number(f64::from(n))
        ),
        &format!("{} → {} in {}", mib(full / 1_024), mib(process::size(folder.path())? / 1_024), time(took)),
    ]);
    Ok(())
}

fn ratio(one: u64, other: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "sizes of programs")]
    let ratio = one as f64 / other.max(1) as f64;
    ratio
}
