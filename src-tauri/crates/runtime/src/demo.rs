//! A demo: simulated orgs, in a folder that is thrown away.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use sync_monitor_domain::OrgId;
use sync_monitor_domain::conflict::Timestamp;
use sync_monitor_domain::retry::Schedule;
use sync_monitor_engine::model::Actor;
use sync_monitor_engine::{Consent, Engine};
use sync_monitor_orgsim::demo::Relay;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::data_dir::DataDir;

/// Says that what is in a folder belongs to a demo.
const MARK: &str = "demo";
/// What is in a folder before it is anybody's, and stays when a demo is cleared away.
const KEPT: [&str; 2] = ["config.toml", "lock"];
/// The same demo each time.
const SEED: u64 = 7;

/// The settings of a demo where nothing else is said: waits so short that a newcomer sees what they are for.
pub(crate) fn defaults() -> anyhow::Result<Config> {
    let schedule = Schedule::new([0, 5, 15, 30, 60].map(Duration::from_secs).to_vec())?;
    Ok(Config { schedule, probe_interval: Duration::from_secs(5), ..Config::default() })
}

/// Where a demo takes place.
pub(crate) struct Stage {
    path: PathBuf,
    /// Removed when dropped; `None` for a folder that was asked for.
    _thrown_away: Option<tempfile::TempDir>,
}

impl Stage {
    /// The folder that was asked for, or a new one.
    pub(crate) fn set(asked: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(path) = asked {
            return Ok(Self { path: path.to_owned(), _thrown_away: None });
        }
        let folder = tempfile::Builder::new()
            .prefix("sync-monitor-demo-")
            .tempdir()
            .context("No folder can be made for the demo. Name one with --data-dir.")?;
        Ok(Self { path: folder.path().to_owned(), _thrown_away: Some(folder) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Keeps a demo out of a folder with real data, and real orgs out of what a demo has left behind.
pub(crate) fn judge(data_dir: &DataDir, demo: bool) -> anyhow::Result<()> {
    let path = data_dir.path();
    let marked = path.join(MARK).exists();
    match (demo, marked) {
        (false, false) => return Ok(()),
        (false, true) => bail!(
            "The data folder {} holds what a demo left behind. Start the demo there again (--demo), delete the folder, or choose another with --data-dir.",
            path.display()
        ),
        (true, true) => {
            clear(path).with_context(|| format!("{} cannot be cleared of the last demo.", path.display()))?;
        }
        (true, false) if !things_in(path)?.is_empty() => bail!(
            "The data folder {} is in use, and a demo would mix its simulated orgs with what is there. Leave out --data-dir to get a folder that is thrown away, or name a new one.",
            path.display()
        ),
        (true, false) => {}
    }
    fs::write(path.join(MARK), "").with_context(|| format!("{} cannot be written.", path.display()))
}

/// The simulated orgs of a demo, before it is on.
pub(crate) struct Cast(Arc<sync_monitor_orgsim::Demo>);

impl Cast {
    /// Starts them; they do nothing yet.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let orgs =
            sync_monitor_orgsim::Demo::start(SEED).await.context("The simulated orgs cannot start.")?;
        Ok(Self(Arc::new(orgs)))
    }

    /// Where the one is that can be signed in to.
    pub(crate) fn login_url(&self) -> String {
        self.0.newcomer.url()
    }
}

/// A demo that is on.
pub(crate) struct Demo {
    stage: Stage,
    stop: CancellationToken,
    play: JoinHandle<()>,
    /// They answer until the engine has stopped.
    orgs: Arc<sync_monitor_orgsim::Demo>,
}

impl Demo {
    /// Connects the simulated orgs both ways, and lets them act.
    pub(crate) async fn start(stage: Stage, cast: Cast, engine: &Engine, url: &str) -> anyhow::Result<Self> {
        let Cast(orgs) = cast;
        let actor = Actor { name: "demo".to_owned(), via: None };
        let [production, sandbox] = [orgs.production.id(), orgs.sandbox.id()];
        for (org, alias) in [(&orgs.production, "Acme (prod)"), (&orgs.sandbox, "Acme UAT (sandbox)")] {
            engine.import_org(SecretString::from(org.auth_url()), Some(alias.to_owned()), &actor).await?;
        }
        let [agency, client] = [orgs.agency.id(), orgs.client.id()];
        for (org, alias) in
            [(&orgs.agency, "Globex agency (package)"), (&orgs.client, "Globex client (package)")]
        {
            engine.import_org(SecretString::from(org.auth_url()), Some(alias.to_owned()), &actor).await?;
        }
        for (source, target) in
            [(production, sandbox), (sandbox, production), (agency, client), (client, agency)]
        {
            engine.add_route(source, target, true, Consent::default(), &actor).await?;
        }
        orgs.open();
        // What was there before is read with the first look, as an admin would have it.
        let from = engine.clock().now().0.saturating_sub(3_600_000).saturating_mul(1_000);
        for org in [agency, client] {
            engine.set_pull(org, None, Some(Timestamp(from)), &actor).await?;
        }
        let token = async |name: &str, org: OrgId| {
            let (_, secret) = engine.create_token(name.to_owned(), vec![org], None, &actor).await?;
            anyhow::Ok(secret.expose_secret().to_owned())
        };
        let relay = Relay {
            url: url.to_owned(),
            production_token: token("Acme", production).await?,
            sandbox_token: token("Acme UAT", sandbox).await?,
        };
        let stop = CancellationToken::new();
        let play = tokio::spawn({
            let (orgs, stop) = (Arc::clone(&orgs), stop.clone());
            async move { orgs.act(relay, stop).await }
        });
        Ok(Self { stage, stop, play, orgs })
    }

    /// The orgs make no more changes.
    pub(crate) fn end(&self) {
        self.stop.cancel();
    }

    /// Throws away what the demo has made.
    pub(crate) async fn clear(self, data_dir: &DataDir) -> anyhow::Result<()> {
        if let Err(error) = self.play.await {
            tracing::error!(%error, "the demo ended badly");
        }
        drop(self.orgs);
        let path = data_dir.path();
        clear(path).with_context(|| format!("{} cannot be cleared of the demo.", path.display()))?;
        drop(self.stage);
        Ok(())
    }
}

/// Removes everything of a demo, its mark last: a clearing that is broken off is taken up again.
fn clear(folder: &Path) -> io::Result<()> {
    for path in things_in(folder)? {
        if path.file_name().is_some_and(|name| name == MARK) {
            continue;
        }
        // A folder is one of backups; a link is only a link, wherever it leads.
        if path.symlink_metadata()?.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    match fs::remove_file(folder.join(MARK)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn things_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let paths =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    let is_kept = |path: &PathBuf| KEPT.iter().any(|kept| path.file_name().is_some_and(|name| name == *kept));
    Ok(paths.into_iter().filter(|path| !is_kept(path)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_does_not_touch_real_data() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir::take(folder.path()).unwrap();
        fs::write(data_dir.database().unwrap(), "real").unwrap();
        let error = judge(&data_dir, true).unwrap_err().to_string();
        assert!(error.contains("is in use"), "{error}");
        assert_eq!(fs::read_to_string(data_dir.database().unwrap()).unwrap(), "real");
        judge(&data_dir, false).unwrap();
    }

    #[test]
    fn what_a_demo_left_behind_is_cleared_by_the_next_and_refused_to_others() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.toml"), "").unwrap();
        let data_dir = DataDir::take(folder.path()).unwrap();
        judge(&data_dir, true).unwrap();
        fs::write(data_dir.database().unwrap(), "simulated").unwrap();
        fs::create_dir(folder.path().join("backups")).unwrap();
        fs::write(folder.path().join("backups/old.db"), "simulated").unwrap();
        assert!(judge(&data_dir, false).unwrap_err().to_string().contains("demo"));
        judge(&data_dir, true).unwrap();
        assert_eq!(things_in(folder.path()).unwrap(), [folder.path().join(MARK)]);
        clear(folder.path()).unwrap();
        judge(&data_dir, false).unwrap();
        assert!(folder.path().join("config.toml").exists());
    }

    #[test]
    fn a_demos_waits_are_short() {
        assert_eq!(defaults().unwrap().schedule.waits().iter().sum::<Duration>(), Duration::from_secs(110));
    }
}
