//! The real window, driven from outside as a user's hands and eyes would.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context as _, bail, ensure};
use fantoccini::elements::Element;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// How long anything in the window may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often what gives no signal is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The program's window.
pub(crate) struct Window {
    client: Client,
    // In this order: the driver ends the program, which then lets go of its folder.
    _driver: Driver,
    folder: TempDir,
}

impl Window {
    /// Starts a demo and waits for its window.
    pub(crate) async fn open() -> anyhow::Result<Self> {
        Self::start(TempDir::new()?, &["--demo"]).await
    }

    /// Starts the program with nothing connected, and these settings, and waits for its window.
    pub(crate) async fn open_empty(settings: &str) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        fs::write(folder.path().join("config.toml"), settings)?;
        Self::start(folder, &[]).await
    }

    async fn start(folder: TempDir, arguments: &[&str]) -> anyhow::Result<Self> {
        let program = path_from("SYNC_MONITOR_DESKTOP")?;
        let driver = Driver::start().await?;
        let mut all =
            vec!["--listen".into(), "127.0.0.1:0".into(), "--data-dir".into(), json!(folder.path())];
        all.extend(arguments.iter().map(|argument| json!(argument)));
        let options = json!({ "application": program, "args": all });
        let mut capabilities = Capabilities::new();
        capabilities.insert("browserName".into(), "wry".into());
        capabilities.insert("tauri:options".into(), options);
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities)
            .connect(&driver.url())
            .await
            .context("the program did not open a window")?;
        Ok(Self { client, _driver: driver, folder })
    }

    /// Asks the program's management API as the command line does.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let api: Value = serde_json::from_slice(&fs::read(self.folder.path().join("api.json"))?)?;
        let (url, token) =
            (api["url"].as_str().unwrap_or_default(), api["token"].as_str().unwrap_or_default());
        let head = format!(
            "{method} /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}"
        );
        let reply = kit::exchange(url, &head, body.to_string().as_bytes()).await;
        ensure!((200..300).contains(&reply.status), "{method} {path}: {} {}", reply.status, reply.text);
        Ok(reply.json())
    }

    /// Where the program listens.
    pub(crate) fn url(&self) -> anyhow::Result<String> {
        let api: Value = serde_json::from_slice(&fs::read(self.folder.path().join("api.json"))?)?;
        Ok(api["url"].as_str().unwrap_or_default().to_owned())
    }

    /// Waits for what an XPath finds.
    pub(crate) async fn see(&self, xpath: &str) -> anyhow::Result<Element> {
        match self.client.wait().at_most(PATIENCE).every(LOOK).for_element(Locator::XPath(xpath)).await {
            Ok(element) => Ok(element),
            Err(error) => {
                self.picture("went-wrong").await?;
                bail!("waited {} s for {xpath}: {error}", PATIENCE.as_secs());
            }
        }
    }

    /// Waits for what an XPath finds, and clicks it.
    pub(crate) async fn click(&self, xpath: &str) -> anyhow::Result<()> {
        self.see(xpath).await?.click().await.with_context(|| format!("{xpath} cannot be clicked"))
    }

    /// Waits until an XPath finds nothing any more.
    pub(crate) async fn see_no_more(&self, xpath: &str) -> anyhow::Result<()> {
        let mut looks = tokio::time::interval(LOOK);
        let waiting = async {
            while !self.client.find_all(Locator::XPath(xpath)).await?.is_empty() {
                looks.tick().await;
            }
            anyhow::Ok(())
        };
        if let Ok(seen) = tokio::time::timeout(PATIENCE, waiting).await {
            return seen;
        }
        self.picture("went-wrong").await?;
        bail!("waited {} s for {xpath} to go away", PATIENCE.as_secs());
    }

    /// Keeps what can be seen, in `target/screenshots/window-NAME.png`.
    pub(crate) async fn picture(&self, name: &str) -> anyhow::Result<()> {
        // What the page holds is painted with the next frame, and is surely there with the one after it.
        let painted = "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))";
        self.client.execute_async(painted, vec![]).await?;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("window-{name}.png")), self.client.screenshot().await?)?;
        Ok(())
    }

    /// Closes the window, and with it the program.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.client.close().await.context("the window cannot be closed")
    }
}

/// The program that drives windows. It ends with this value.
struct Driver {
    process: Child,
    port: u16,
}

impl Driver {
    async fn start() -> anyhow::Result<Self> {
        let program = path_from("TAURI_DRIVER")?;
        let (port, native_port) = (free_port()?, free_port()?);
        let mut command = Command::new(&program);
        command
            .args(["--port", &port.to_string(), "--native-port", &native_port.to_string()])
            .args(["--native-driver", "/usr/bin/WebKitWebDriver"])
            // What the program is started with, too: the driver hands it on.
            .env("SYNC_MONITOR_SECRETS", "file")
            .env("BROWSER", "curl --silent --noproxy * --location --output /dev/null")
            .stdin(Stdio::null());
        let process = command.spawn().with_context(|| format!("{} cannot be started", program.display()))?;
        let mut driver = Self { process, port };
        for port in [port, native_port] {
            driver.wait_for(port).await?;
        }
        Ok(driver)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn wait_for(&mut self, port: u16) -> anyhow::Result<()> {
        let mut looks = tokio::time::interval(LOOK);
        let waiting = async {
            while TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.is_err() {
                if let Some(status) = self.process.try_wait()? {
                    bail!("tauri-driver ended with {status}");
                }
                looks.tick().await;
            }
            Ok(())
        };
        tokio::time::timeout(PATIENCE, waiting).await.context("tauri-driver does not answer")?
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Asked to end, it ends what it has started; killed, it would leave that behind.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

/// A path that `cargo xtask test window` gives.
fn path_from(name: &str) -> anyhow::Result<PathBuf> {
    let path = env::var_os(name).map(PathBuf::from);
    let path = path.with_context(|| format!("{name} is not set: run `cargo xtask test window`"))?;
    if !path.exists() {
        bail!("{name} names {}, which is not there: run `cargo xtask test window`", path.display());
    }
    Ok(path)
}

/// A port that nobody has at this moment.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
