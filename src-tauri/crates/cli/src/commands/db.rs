//! `sync-monitor db …`: asks the running program, or does it itself where none runs.

use std::path::Path;
use std::process::ExitCode;

use serde::Deserialize;
use serde_json::json;
use sync_monitor_runtime::care::{self, StoreFile};

use super::ask_running;
use crate::args::Db as Command;
use crate::client::{Answer, Failure};
use crate::output::tame;
use crate::{FAILED, shown};

#[derive(Deserialize)]
struct Check {
    ok: bool,
    problems: Vec<String>,
}

#[derive(Deserialize)]
struct Backup {
    path: String,
    bytes: u64,
}

pub(crate) async fn run(data_dir: &Path, json: bool, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Check => check(data_dir, json).await,
        Command::Backup { file } => back_up(data_dir, json, file.as_deref()).await,
    }
}

async fn check(data_dir: &Path, json: bool) -> Result<ExitCode, Failure> {
    let answer = match ask_running(data_dir, async |client| client.post("store/check", None).await).await? {
        Some(answer) => answer,
        None => alone(data_dir, |store| Answer::of(&store.check()?))?,
    };
    let Check { ok, .. } = answer.read()?;
    shown(json, &answer, |Check { ok, problems }, screen| {
        if ok {
            return screen.line(&format!("The store in {} is sound.", data_dir.display()));
        }
        screen.line(&format!("The store in {} is not sound:", data_dir.display()))?;
        for problem in problems {
            screen.line(&format!("  {}", tame(&problem)))?;
        }
        screen.line(care::ADVICE)
    })?;
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

async fn back_up(data_dir: &Path, json: bool, file: Option<&Path>) -> Result<ExitCode, Failure> {
    // The program may have been started elsewhere.
    let file = file
        .map(std::path::absolute)
        .transpose()
        .map_err(|error| Failure::Failed(format!("This is no name of a file: {error}.")))?;
    let place = match &file {
        Some(file) => json!({ "path": file.to_str().ok_or_else(|| not_unicode(file))? }),
        None => json!({}),
    };
    let asked = ask_running(data_dir, async |client| client.post("store/backup", Some(&place)).await).await?;
    let answer = match asked {
        Some(answer) => answer,
        None => alone(data_dir, |store| Answer::of(&store.back_up(file.as_deref(), care::now())?))?,
    };
    shown(json, &answer, |backup: Backup, screen| {
        screen.line(&format!("The store is copied to {} ({} KiB).", backup.path, backup.bytes.div_ceil(1024)))
    })?;
    Ok(ExitCode::SUCCESS)
}

fn not_unicode(file: &Path) -> Failure {
    Failure::Failed(format!("The name of {} is not Unicode. Choose another.", file.display()))
}

/// Does something with the store while no program runs.
fn alone(
    data_dir: &Path,
    work: impl FnOnce(&StoreFile) -> Result<Answer, Failure>,
) -> Result<Answer, Failure> {
    let (store, _lock) = StoreFile::without_program(data_dir)?;
    eprintln!("The program is not running; the store in {} is looked at as it is.", data_dir.display());
    work(&store)
}

impl From<care::Trouble> for Failure {
    fn from(trouble: care::Trouble) -> Self {
        Self::Failed(trouble.into_text())
    }
}
