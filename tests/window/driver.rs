//! The real window, driven from outside as a user's hands and eyes would.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use fantoccini::elements::Element;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::program::path_from;
use crate::session::Session;
use crate::waiting::{LOOK, PATIENCE, until};

/// The program's window.
pub(crate) struct Window {
    client: Client,
    // The driver ends the program.
    _driver: Driver,
}

impl Window {
    /// Starts the program in a session and waits for its window.
    pub(crate) async fn open(session: &Session, arguments: &[&str]) -> anyhow::Result<Self> {
        let program = path_from("SYNC_MONITOR_DESKTOP")?;
        let driver = Driver::start(session).await?;
        let all = [&["--listen", "127.0.0.1:0"], arguments].concat();
        let options = json!({ "application": program, "args": all });
        let mut capabilities = Capabilities::new();
        capabilities.insert("browserName".into(), "wry".into());
        capabilities.insert("tauri:options".into(), options);
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities)
            .connect(&driver.url())
            .await
            .context("the program did not open a window")?;
        Ok(Self { client, _driver: driver })
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
        let is_gone = async || {
            let found = self.client.find_all(Locator::XPath(xpath)).await?;
            Ok(found.is_empty().then_some(()))
        };
        let gone = until(&format!("{xpath} to go away"), is_gone).await;
        if gone.is_err() {
            self.picture("went-wrong").await?;
        }
        gone
    }

    /// Goes to another screen of the page.
    pub(crate) async fn go_to(&self, hash: &str) -> anyhow::Result<()> {
        self.client.execute("location.hash = arguments[0]", vec![json!(hash)]).await?;
        Ok(())
    }

    /// Waits until the page is at an address that ends like this.
    pub(crate) async fn is_at(&self, end: &str) -> anyhow::Result<()> {
        until(&format!("the page to be at {end}"), async || {
            Ok(self.client.current_url().await?.as_str().ends_with(end).then_some(()))
        })
        .await
    }

    /// Calls a command of the desktop's, as the page does, and returns what it answers.
    pub(crate) async fn call(&self, command: &str, arguments: Value) -> anyhow::Result<Value> {
        let script = "const [command, given, done] = arguments;
            window.__TAURI_INTERNALS__.invoke(command, given).then((ok) => done({ ok }), (error) => done({ error }))";
        let answer = self.client.execute_async(script, vec![json!(command), arguments]).await?;
        match answer.get("error") {
            Some(error) => bail!("{command}: {error}"),
            None => Ok(answer["ok"].clone()),
        }
    }

    /// Waits until the page knows that it has this size: then the program knows where its window is.
    pub(crate) async fn is_of_size(&self, width: u32, height: u32) -> anyhow::Result<()> {
        until(&format!("the page to be {width} by {height}"), async || {
            let size = self.client.execute("return [innerWidth, innerHeight]", vec![]).await?;
            Ok((size == json!([width, height])).then_some(()))
        })
        .await
    }

    /// Leaves a mark in the page, which is lost when the page is loaded anew.
    pub(crate) async fn mark(&self) -> anyhow::Result<()> {
        self.client.execute("window.marked = true", vec![]).await?;
        Ok(())
    }

    /// Whether the mark is still there.
    pub(crate) async fn is_marked(&self) -> anyhow::Result<bool> {
        Ok(self.client.execute("return window.marked === true", vec![]).await? == json!(true))
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
    async fn start(session: &Session) -> anyhow::Result<Self> {
        let program = path_from("TAURI_DRIVER")?;
        let (port, native_port) = (free_port()?, free_port()?);
        let mut command = Command::new(&program);
        command
            .args(["--port", &port.to_string(), "--native-port", &native_port.to_string()])
            .args(["--native-driver", "/usr/bin/WebKitWebDriver"])
            // The driver hands it on to the program.
            .envs(session.environment())
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
        until("tauri-driver", async || {
            if let Some(status) = self.process.try_wait()? {
                bail!("tauri-driver ended with {status}");
            }
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            Ok(TcpStream::connect(address).await.is_ok().then_some(()))
        })
        .await
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Asked to end, it ends what it has started; killed, it would leave that behind.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

/// A port that nobody has at this moment.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
