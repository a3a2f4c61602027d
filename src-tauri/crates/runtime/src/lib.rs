//! Composition root: what is plugged into what, and the order of start and stop.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sync_monitor_api::program::Program as _;
use sync_monitor_api::{Api, InProcess};
use sync_monitor_domain::Millis;
use sync_monitor_domain::clock::Clock;
use sync_monitor_domain::remote::SecretStore;
use sync_monitor_engine::{Engine, SystemClock};
use sync_monitor_salesforce::{Client, secrets::FileStore};
use sync_monitor_store::Store;
use tokio::net::TcpListener;

pub mod browser;
pub mod care;
pub mod config;
pub mod data_dir;
mod demo;
mod keychain;
mod memory;
mod program;
mod redact;
pub mod telemetry;

use care::StoreFile;
use config::{Config, Secrets, Sources};
use data_dir::{Announcement, DataDir};
use demo::Demo;
use program::Surroundings;

/// How the program is to be started. The default is that of a user who says nothing.
#[derive(Clone, Default)]
pub struct Options {
    /// The data folder; `None`: the user's, or for a demo one that is thrown away.
    pub data_dir: Option<PathBuf>,
    /// The file of settings; `None`: the usual one, or none.
    pub config: Option<PathBuf>,
    /// Where to listen, instead of `listener.address`.
    pub listen: Option<String>,
    /// Other settings that beat the environment and the file: name and value, as in `("retry.schedule", "0s,1s")`.
    pub settings: Vec<(String, String)>,
    /// With simulated orgs.
    pub demo: bool,
    /// Where the time comes from; `None`: the machine.
    pub clock: Option<Arc<dyn Clock>>,
}

/// The program at work. It goes on until [`Running::stop`].
pub struct Running {
    data_dir: DataDir,
    engine: Engine,
    api: Api,
    demo: Option<Demo>,
    admin_token: SecretString,
    _memory: memory::Keeper,
}

/// Starts the program: settings → lock → store → secrets → Salesforce → engine → listener → `api.json`.
///
/// # Errors
/// When one of them cannot be had; says what happened, why, and what to do. Nothing is left running then.
pub async fn start(options: Options) -> anyhow::Result<Running> {
    let stage = if options.demo { Some(demo::Stage::set(options.data_dir.as_deref())?) } else { None };
    let folder = match (&stage, &options.data_dir) {
        (Some(stage), _) => stage.path().to_owned(),
        (None, Some(folder)) => folder.clone(),
        (None, None) => data_dir::usual()?,
    };
    let sources = sources(&options, stage.as_ref())?;
    let config = sources.load()?;
    let data_dir = DataDir::take(&folder)?;
    demo::judge(&data_dir, options.demo)?;
    telemetry::keep_in(data_dir.path())?;
    tell_of_the_last_run(&data_dir);
    // Bound first, so that a port that is taken is told before anything is touched; answered last.
    let listener = bind(&config, options.demo).await?;
    let clock = options.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
    let store = open_store(&data_dir, clock.now()).await?;
    let secrets = secrets(config.secrets, &data_dir)?;
    let client = Client::new(salesforce_settings(&config), secrets, Arc::clone(&clock))?;
    let engine = Engine::start(engine_settings(&config), store, Arc::new(client), Arc::clone(&clock)).await?;
    let admin_token = new_token()?;
    let scene = match stage {
        Some(stage) => Some((stage, demo::Cast::start().await?)),
        None => None,
    };
    let login_url = scene.as_ref().map(|(_, cast)| cast.login_url());
    let surroundings = Surroundings {
        store: StoreFile::of(data_dir.path()),
        clock,
        sources,
        in_force: config,
        changing: Mutex::new(()),
    };
    let settings = api_settings(surroundings, &admin_token, login_url);
    let api = Api::start(engine.clone(), settings, listener)?;
    let mut running =
        Running { data_dir, engine, api, demo: None, admin_token, _memory: memory::Keeper::start() };
    if let Err(error) = running.open(scene).await {
        running.stop().await?;
        return Err(error);
    }
    Ok(running)
}

impl Running {
    /// Where the program answers, like `http://127.0.0.1:7437`.
    pub fn url(&self) -> &str {
        self.api.url()
    }

    /// The management API, without HTTP.
    pub fn api(&self) -> InProcess {
        self.api.in_process()
    }

    /// The admin token, good until the program stops.
    pub fn admin_token(&self) -> &SecretString {
        &self.admin_token
    }

    /// The data folder.
    pub fn data_dir(&self) -> &std::path::Path {
        self.data_dir.path()
    }

    /// The last steps of the start: a demo's orgs, and `api.json`.
    async fn open(&mut self, scene: Option<(demo::Stage, demo::Cast)>) -> anyhow::Result<()> {
        if let Some((stage, cast)) = scene {
            self.demo = Some(Demo::start(stage, cast, &self.engine, self.api.url()).await?);
        }
        let url = self.api.url().to_owned();
        self.data_dir.announce(&Announcement {
            url,
            token: self.admin_token.clone(),
            pid: std::process::id(),
        })
    }

    /// Stops in the reverse order. Requests in flight get a few seconds.
    ///
    /// # Errors
    /// When the store does not close cleanly. Nothing is lost then.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.data_dir.withdraw().context("api.json cannot be removed from the data folder.")?;
        if let Some(demo) = &self.demo {
            demo.end();
        }
        self.api.stop().await;
        self.engine.stop().await.context("The store did not close cleanly.")?;
        if let Some(demo) = self.demo {
            demo.clear(&self.data_dir).await?;
        }
        Ok(())
    }
}

/// What somebody who looks at the log now should know of the run before.
fn tell_of_the_last_run(data_dir: &DataDir) {
    if data_dir.was_abandoned() {
        tracing::warn!(
            "the program did not end cleanly the last time: it was killed, or the machine lost its power. Nothing is lost; what was in flight is sent again"
        );
    }
    if let Some(crash) = telemetry::crash::unseen(data_dir.path()) {
        tracing::warn!(
            path = crash.path,
            "a part of the program failed in an earlier run, at {}. This is a defect: send the makers the report, or `sync-monitor diagnostics`; `sync-monitor crash --seen` ends this message",
            crash.summary
        );
    }
}

/// What support may know of a program that does not run, perhaps because it cannot.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stopped {
    made_at: Millis,
    version: &'static str,
    running: bool,
    #[serde(flatten)]
    surroundings: sync_monitor_api::program::Surroundings,
}

/// Looks at the settings and the store where no program runs; changes nothing.
///
/// # Errors
/// When there is no place to look for them.
pub fn diagnostics_without_program(options: &Options) -> anyhow::Result<Stopped> {
    let folder = match &options.data_dir {
        Some(folder) => folder.clone(),
        None => data_dir::usual()?,
    };
    let surroundings = Surroundings {
        store: StoreFile::of(&folder),
        clock: Arc::new(SystemClock::new()),
        sources: sources(options, None)?,
        in_force: Config::default(),
        changing: Mutex::new(()),
    };
    Ok(Stopped {
        made_at: care::now(),
        version: env!("CARGO_PKG_VERSION"),
        running: false,
        surroundings: surroundings.diagnostics(Vec::new()),
    })
}

fn sources(options: &Options, stage: Option<&demo::Stage>) -> anyhow::Result<Sources> {
    let folder = stage.map(demo::Stage::path).or(options.data_dir.as_deref());
    let mut flags = options.settings.clone();
    flags.extend(options.listen.iter().map(|address| ("listener.address".to_owned(), address.clone())));
    if options.demo {
        // A simulated org's secrets have no place in somebody's keychain.
        flags.push(("secrets".to_owned(), "file".to_owned()));
    }
    Ok(Sources {
        defaults: if options.demo { demo::defaults()? } else { Config::default() },
        file: config::File::find(options.config.as_deref(), folder)?,
        environment: Box::new(|name| std::env::var(name).ok()),
        flags,
    })
}

async fn bind(config: &Config, demo: bool) -> anyhow::Result<TcpListener> {
    let address = config.address;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "the listener can be reached by other machines, and its tokens can be read on the way: put a proxy with TLS in front of it");
    }
    match TcpListener::bind(address).await {
        // Whoever tries a demo beside the real program should not have to think of ports.
        Err(error) if demo && error.kind() == ErrorKind::AddrInUse && address == Config::default().address => {
            TcpListener::bind(SocketAddr::new(address.ip(), 0)).await.context("No port can be had on this machine.")
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(error).with_context(|| {
            format!("The address {address} is taken, perhaps by Sync Monitor with another data folder. Stop what listens there, or choose another address with --listen or listener.address.")
        }),
        bound => bound.with_context(|| {
            format!("The program cannot listen at {address}. Choose another address with --listen or listener.address.")
        }),
    }
}

async fn open_store(data_dir: &DataDir, now: Millis) -> anyhow::Result<Store> {
    let database = data_dir.database().context("The database cannot be made in the data folder.")?;
    let file = StoreFile::of(data_dir.path());
    // Copying an old database and bringing it up to date may take a while.
    tokio::task::spawn_blocking(move || {
        if let Err(error) = file.remove_unfinished() {
            tracing::warn!(%error, "what is left of a backup that broke off cannot be taken away");
        }
        if let Some(backup) = file.back_up_before_upgrade(now)? {
            tracing::info!(
                path = backup.path,
                bytes = backup.bytes,
                "the database is of an older version; this is a copy of it as it was"
            );
        }
        Ok(Store::open(&database)?)
    })
    .await?
}

fn secrets(place: Secrets, data_dir: &DataDir) -> anyhow::Result<Arc<dyn SecretStore>> {
    Ok(match place {
        Secrets::Keychain => Arc::new(keychain::WhenNeeded::new(data_dir.path())),
        Secrets::File => {
            let key = std::env::var("SYNC_MONITOR_SECRETS_KEY").ok().map(SecretString::from);
            Arc::new(FileStore::open(data_dir.path(), key.as_ref())?)
        }
    })
}

fn engine_settings(config: &Config) -> sync_monitor_engine::Settings {
    sync_monitor_engine::Settings {
        pull_share: config.pull_share,
        schedule: config.schedule.clone(),
        concurrency_per_org: usize::try_from(config.concurrency_per_org).unwrap_or(usize::MAX),
        probe_interval: config.probe_interval,
        synced_retention: config.synced_retention,
        transaction_retention: config.transaction_retention,
    }
}

fn salesforce_settings(config: &Config) -> sync_monitor_salesforce::Settings {
    sync_monitor_salesforce::Settings {
        connect_timeout: config.connect_timeout,
        request_timeout: config.request_timeout,
        redirect_port: config.redirect_port,
        client_id: config.client_id.clone(),
        cli: config.cli.clone().into(),
    }
}

fn api_settings(
    surroundings: Surroundings,
    admin_token: &SecretString,
    demo_login_url: Option<String>,
) -> sync_monitor_api::Settings {
    let config = &surroundings.in_force;
    let mut allowed_hosts = config.allowed_hosts.clone();
    // Whoever has the program listen at an address means it to be asked by that.
    if !config.address.ip().is_unspecified() {
        allowed_hosts.push(config.address.ip().to_string());
    }
    sync_monitor_api::Settings {
        admin_token: SecretString::from(admin_token.expose_secret()),
        user: user(),
        allowed_hosts,
        rate_limit_per_minute: config.rate_limit_per_minute,
        demo: demo_login_url.is_some(),
        demo_login_url,
        program: Arc::new(surroundings),
    }
}

/// A new admin token: 256 random bits.
fn new_token() -> anyhow::Result<SecretString> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .context("The operating system gives no random numbers, so there can be no token.")?;
    Ok(hex::encode(bytes).into())
}

/// The operating system's name of the user, whatever the environment says; the number where there is no name.
fn user() -> String {
    whoami::username().ok().filter(|name| !name.is_empty()).unwrap_or_else(|| {
        #[cfg(unix)]
        if let Ok(process) = std::fs::metadata("/proc/self") {
            return format!("uid {}", std::os::unix::fs::MetadataExt::uid(&process));
        }
        "unknown".to_owned()
    })
}
