//! The program in this process, on a free port and a folder of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sync_monitor_domain::clock::{Clock as _, Millis};
use sync_monitor_orgsim::{OrgSim, OrgSpec};
use sync_monitor_runtime::{Options, Running};
use tempfile::TempDir;

use crate::clock::MockClock;
use crate::payload::{Payload, org_id};
use crate::raw::{Reply, exchange};

/// How an app is to be started.
pub struct Setup {
    settings: Vec<(String, String)>,
    folder: Option<Arc<TempDir>>,
    clock: Arc<MockClock>,
}

impl Default for Setup {
    fn default() -> Self {
        let settings = vec![
            ("oauth.redirect_port".to_owned(), free_port().to_string()),
            // No test asks a Salesforce CLI that happens to be there.
            ("salesforce.cli".to_owned(), "/nonexistent/sf".to_owned()),
        ];
        Self { settings, folder: None, clock: Arc::new(MockClock::new()) }
    }
}

/// A port below those that the system gives out by itself, so that nobody takes it until the browser is waited for: each
/// test has another, and tests in another process others.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let of_this_process = u16::try_from(std::process::id().wrapping_mul(64) % 12_000).unwrap_or_default();
    loop {
        let port = 20_000 + (of_this_process + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Setup {
    /// With a setting.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// On a clock that shows `wall`.
    #[must_use]
    pub fn at(mut self, wall: Millis) -> Self {
        self.clock = Arc::new(MockClock::at(wall));
        self
    }

    /// On a data folder that is there already.
    #[must_use]
    pub fn on(mut self, folder: Arc<TempDir>) -> Self {
        self.folder = Some(folder);
        self
    }

    /// Starts the program.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(self) -> App {
        match self.try_start().await {
            Ok(app) => app,
            Err(error) => panic!("the program does not start: {error:#}"),
        }
    }

    /// Starts the program, or says why it does not start.
    ///
    /// # Errors
    /// As the program.
    pub async fn try_start(self) -> anyhow::Result<App> {
        let folder = match self.folder {
            Some(folder) => folder,
            None => Arc::new(TempDir::new()?),
        };
        let mut settings = vec![("secrets".to_owned(), "file".to_owned())];
        settings.extend(self.settings.iter().cloned());
        let options = Options {
            data_dir: Some(folder.path().to_owned()),
            listen: Some("127.0.0.1:0".into()),
            settings,
            clock: Some(Arc::clone(&self.clock) as _),
            ..Options::default()
        };
        let running = sync_monitor_runtime::start(options).await?;
        Ok(App { running, folder, clock: self.clock, settings: self.settings })
    }
}

/// The program at work.
pub struct App {
    running: Running,
    folder: Arc<TempDir>,
    /// Its clock.
    pub clock: Arc<MockClock>,
    settings: Vec<(String, String)>,
}

impl App {
    /// The program with default settings.
    pub async fn start() -> Self {
        Setup::default().start().await
    }

    /// Where the browser comes back to after a sign-in.
    pub fn redirect_url(&self) -> String {
        let port = self.settings.iter().rfind(|(name, _)| name == "oauth.redirect_port");
        format!("http://localhost:{}/OauthRedirect", port.map_or("1717", |(_, port)| port))
    }

    /// The program with two orgs that exchange changes, and a token for each.
    pub async fn with_two_orgs() -> (Self, Pair) {
        Setup::default().start_with_two_orgs().await
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        self.running.url()
    }

    /// Its data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its data folder, to be looked into after it has stopped.
    pub fn keep_folder(&self) -> Arc<TempDir> {
        Arc::clone(&self.folder)
    }

    /// The admin token.
    pub fn admin_token(&self) -> &str {
        self.running.admin_token().expose_secret()
    }

    /// Its clock's time.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Stops it cleanly.
    ///
    /// # Panics
    /// When it does not stop cleanly.
    pub async fn stop(self) {
        if let Err(error) = self.running.stop().await {
            panic!("the program does not stop cleanly: {error:#}");
        }
    }

    /// Stops it cleanly and starts it again on the same folder; `meanwhile` passes in between.
    pub async fn restart(self, meanwhile: Duration) -> Self {
        self.restart_after(|clock| clock.advance(meanwhile)).await
    }

    /// Stops it cleanly and starts it again on the same folder; in between this happens to its clock.
    pub async fn restart_after(self, meanwhile: impl FnOnce(&MockClock)) -> Self {
        let (folder, clock, settings) =
            (Arc::clone(&self.folder), Arc::clone(&self.clock), self.settings.clone());
        self.stop().await;
        meanwhile(&clock);
        Setup { settings, folder: Some(folder), clock }.start().await
    }

    /// Another program on the same folder.
    ///
    /// # Errors
    /// Always, if all is well: a folder has one program.
    pub async fn second(&self) -> anyhow::Result<Self> {
        Setup {
            settings: self.settings.clone(),
            folder: Some(Arc::clone(&self.folder)),
            clock: Arc::clone(&self.clock),
        }
        .try_start()
        .await
    }

    /// Asks the management API.
    pub async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let answer = self.running.api().call(method, path, body.map(|b| b.to_string())).await;
        (answer.status, serde_json::from_str(&answer.body).unwrap_or_default())
    }

    /// Asks the management API for what must be there.
    ///
    /// # Panics
    /// When the answer is no success.
    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, None).await;
        assert!((200..300).contains(&status), "GET {path}: {status} {body}");
        body
    }

    /// Tells the management API to do something.
    ///
    /// # Panics
    /// When the answer is no success.
    pub async fn order(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(method, path, Some(body)).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Connects a simulated org.
    pub async fn connect(&self, org: &OrgSim) -> Value {
        self.order("POST", "/api/v1/orgs/import", json!({ "sfdxAuthUrl": org.auth_url() })).await
    }

    /// Makes a route.
    pub async fn route(&self, source: &str, target: &str) -> Value {
        let body = json!({ "sourceOrgId": org_id(source), "targetOrgId": org_id(target), "enabled": true });
        self.order("POST", "/api/v1/routes", body).await
    }

    /// Makes a token that speaks for `sources`.
    pub async fn token(&self, sources: &[&str]) -> String {
        let sources: Vec<_> = sources.iter().map(|s| org_id(s)).collect();
        let made =
            self.order("POST", "/api/v1/tokens", json!({ "name": "test", "sourceOrgIds": sources })).await;
        made["token"].as_str().unwrap_or_default().to_owned()
    }

    /// Posts a body to the sync endpoint.
    pub async fn post(&self, token: &str, body: &str) -> Reply {
        let head = format!(
            "POST /services/apexrest/dlhub/delivery/sync HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}"
        );
        exchange(self.url(), &head, body.as_bytes()).await
    }

    /// Posts a payload that must be taken, and returns the answer's body.
    ///
    /// # Panics
    /// When it is not taken.
    pub async fn accept(&self, token: &str, payload: &Payload) -> Value {
        let reply = self.post(token, &payload.text()).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()
    }

    /// The items of a list.
    pub async fn items(&self, query: &str) -> Vec<Value> {
        self.get(&format!("/api/v1/items?limit=500&{query}")).await["items"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// The item of a transaction and target, with payload and attempts.
    ///
    /// # Panics
    /// When there is none.
    pub async fn item(&self, transaction_id: &str, target: &str) -> Value {
        let target = org_id(target);
        let items = self.items(&format!("targetOrgId={target}")).await;
        let item = items.into_iter().find(|item| item["transactionId"] == transaction_id);
        let item = item.unwrap_or_else(|| panic!("no item of {transaction_id} to {target}"));
        self.get(&format!("/api/v1/items/{}", item["id"].as_str().unwrap_or_default())).await
    }

    /// Waits until `condition` holds of the answer to `GET path`; looks whenever something changes.
    ///
    /// # Panics
    /// After 30 seconds, with the last answer.
    pub async fn wait(&self, path: &str, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let api = self.running.api();
        let mut last = Value::Null;
        let waiting = async {
            loop {
                let mut changes = api.changes();
                last = self.get(path).await;
                if condition(&last) {
                    return;
                }
                // A receiver that lags has missed something, and looks again all the same.
                drop(changes.recv().await);
            }
        };
        assert!(
            tokio::time::timeout(Duration::from_secs(30), waiting).await.is_ok(),
            "waited 30 s for {what}; last: {last:#}"
        );
        last
    }

    /// Moves the clock on, `step` by `step`, until `condition` holds of the answer to `GET path`.
    ///
    /// # Panics
    /// After 30 seconds of the machine's time, with the last answer.
    pub async fn move_until(&self, step: Duration, path: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let moving = async {
            loop {
                last = self.get(path).await;
                if condition(&last) {
                    return;
                }
                self.clock.advance(step);
            }
        };
        assert!(
            tokio::time::timeout(Duration::from_secs(30), moving).await.is_ok(),
            "moved the clock for 30 s; last: {last:#}"
        );
        last
    }

    /// Waits until the item of a transaction and target has this status, and returns it whole.
    pub async fn wait_status(&self, transaction_id: &str, target: &str, status: &str) -> Value {
        let id = self.item(transaction_id, target).await["id"].as_str().unwrap_or_default().to_owned();
        self.wait(&format!("/api/v1/items/{id}"), &format!("{transaction_id} to be {status}"), |item| {
            item["status"] == status
        })
        .await
    }

    /// Waits until an org has this health.
    pub async fn wait_health(&self, org: &str, health: &str) -> Value {
        let id = org_id(org).to_string();
        let orgs = self
            .wait("/api/v1/orgs", &format!("{id} to be {health}"), |body| {
                body["orgs"].as_array().is_some_and(|orgs| {
                    orgs.iter().any(|o| o["orgId"] == id.as_str() && o["health"] == health)
                })
            })
            .await;
        orgs["orgs"]
            .as_array()
            .and_then(|orgs| orgs.iter().find(|o| o["orgId"] == id.as_str()))
            .cloned()
            .unwrap_or_default()
    }

    /// One of the counters.
    pub async fn count(&self, name: &str) -> u64 {
        self.get("/api/v1/status").await["counts"][name].as_u64().unwrap_or(u64::MAX)
    }
}

/// Two simulated orgs, connected and routed both ways.
pub struct Pair {
    /// The org with the lesser ID.
    pub a: OrgSim,
    /// The org with the greater ID.
    pub b: OrgSim,
    /// Speaks for `a`.
    pub token_a: String,
    /// Speaks for `b`.
    pub token_b: String,
}

impl Setup {
    /// Starts the program with two orgs that exchange changes, and a token for each.
    ///
    /// # Panics
    /// When something does not start.
    pub async fn start_with_two_orgs(self) -> (App, Pair) {
        let app = self.start().await;
        let (a, b) = (sim(crate::ORG_A).await, sim(crate::ORG_B).await);
        app.connect(&a).await;
        app.connect(&b).await;
        app.route(crate::ORG_A, crate::ORG_B).await;
        app.route(crate::ORG_B, crate::ORG_A).await;
        let (token_a, token_b) = (app.token(&[crate::ORG_A]).await, app.token(&[crate::ORG_B]).await);
        (app, Pair { a, b, token_a, token_b })
    }
}

/// A simulated org.
///
/// # Panics
/// When no port can be had.
pub async fn sim(id: &str) -> OrgSim {
    match OrgSim::start(OrgSpec::new(org_id(id))).await {
        Ok(org) => org,
        Err(error) => panic!("no simulated org: {error}"),
    }
}
