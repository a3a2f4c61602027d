//! A simulated org: its server, and what a test may ask and tell it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use http::{HeaderValue, Method, Request, header};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sync_monitor_domain::change::Change;
use sync_monitor_domain::ids::OrgId;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::answer::{Answer, Rule};
use crate::http::{Outcome, answer, broken_off, closed, drip, flood, json};
use crate::oauth;
use crate::state::{Received, State, TokenServer};

/// The path of the documented endpoint.
const ENDPOINT: &str = "/services/apexrest/dlhub/delivery/sync";
/// Requests that an org may get in 24 hours, as it tells.
const DAILY_CALLS: u64 = 100_000;

/// What makes an org.
#[derive(Debug, Clone)]
pub struct OrgSpec {
    /// Its Organization ID.
    pub org_id: OrgId,
    /// The user who signs in.
    pub username: String,
    /// The app that its refresh token was given to.
    pub client_id: String,
    /// Does each refresh bring a new refresh token and kill the old one?
    pub rotates: bool,
    /// Makes its tokens its own.
    pub seed: u64,
}

impl OrgSpec {
    /// An ordinary org.
    pub fn new(org_id: OrgId) -> Self {
        let username = format!("admin@{}.example", org_id.short().to_lowercase());
        Self { org_id, username, client_id: "PlatformCLI".into(), rotates: false, seed: 1 }
    }

    /// The same, with rotating refresh tokens.
    #[must_use]
    pub fn rotating(mut self) -> Self {
        self.rotates = true;
        self
    }
}

pub(crate) struct Inner {
    pub(crate) spec: OrgSpec,
    address: SocketAddr,
    state: Mutex<State>,
    version: watch::Sender<u64>,
    /// Ends the listener and every connection; a new one is made when the org comes up again.
    up: Mutex<CancellationToken>,
}

impl Inner {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
    }
}

/// A simulated org. Dropping it ends its server.
pub struct OrgSim {
    inner: Arc<Inner>,
}

impl Drop for OrgSim {
    fn drop(&mut self) {
        self.go_down();
    }
}

impl OrgSim {
    /// Starts an org on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(spec: OrgSpec) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let refresh_token = Some(format!("5Aep.sim.refresh.{:016x}.0", spec.seed));
        let inner = Arc::new(Inner {
            spec,
            address: listener.local_addr()?,
            state: Mutex::new(State { refresh_token, ..State::default() }),
            version: watch::Sender::new(0),
            up: Mutex::new(CancellationToken::new()),
        });
        let org = Self { inner };
        org.serve(listener);
        Ok(org)
    }

    fn up(&self) -> MutexGuard<'_, CancellationToken> {
        self.inner.up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, listener: TcpListener) {
        let (inner, up) = (Arc::clone(&self.inner), self.up().clone());
        tokio::spawn(async move {
            loop {
                let stream = tokio::select! {
                    () = up.cancelled() => return,
                    Ok((stream, _)) = listener.accept() => stream,
                };
                let (inner, up) = (Arc::clone(&inner), up.clone());
                tokio::spawn(async move {
                    let service =
                        service_fn(move |request| handle(Arc::clone(&inner), request.map(Body::new)));
                    let connection = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service);
                    tokio::select! {
                        () = up.cancelled() => {}
                        // A connection that broke was broken on purpose, or by the client.
                        _ = connection => {}
                    }
                });
            }
        });
    }

    /// Closes its port and every connection.
    pub fn go_down(&self) {
        self.up().cancel();
    }

    /// Listens again, on the same port.
    ///
    /// # Errors
    /// When the port was taken meanwhile.
    pub async fn come_up(&self) -> std::io::Result<()> {
        let listener = TcpListener::bind(self.inner.address).await?;
        *self.up() = CancellationToken::new();
        self.serve(listener);
        Ok(())
    }

    /// Its Organization ID.
    pub fn id(&self) -> OrgId {
        self.inner.spec.org_id
    }

    /// Where it is, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.inner.url()
    }

    /// An sfdxAuthUrl with the refresh token that is good now.
    pub fn auth_url(&self) -> String {
        let token = self.inner.state().refresh_token.clone().unwrap_or_else(|| "5Aep.sim.revoked".into());
        format!("force://{}::{token}@{}", self.inner.spec.client_id, self.inner.address)
    }

    /// Adds a rule; those that were there before go first.
    pub fn script(&self, rule: Rule) {
        self.inner.state().rules.push(rule);
    }

    /// Forgets every rule: the org answers normally again.
    pub fn heal(&self) {
        self.inner.state().rules.clear();
    }

    /// No access token is good any more; a refresh brings a new one.
    pub fn expire_access_tokens(&self) {
        self.inner.state().access_tokens.clear();
    }

    /// No token is good any more: somebody must sign in.
    pub fn revoke_everything(&self) {
        let mut state = self.inner.state();
        state.access_tokens.clear();
        state.refresh_token = None;
    }

    /// Somebody signed in again: there is a new refresh token, in [`OrgSim::auth_url`].
    pub fn sign_in_again(&self) {
        let mut state = self.inner.state();
        state.tokens_given += 1;
        state.refresh_token =
            Some(format!("5Aep.sim.refresh.{:016x}.{}", self.inner.spec.seed, state.tokens_given));
    }

    /// From now on the token server behaves like this.
    pub fn token_server(&self, behaviour: TokenServer) {
        self.inner.state().token_server = behaviour;
    }

    /// How often the token server was asked.
    pub fn token_requests(&self) -> u64 {
        self.inner.state().token_requests
    }

    /// How often a token was revoked.
    pub fn revocations(&self) -> u64 {
        self.inner.state().revocations
    }

    /// Every token that was ever given: none of them may be found where it does not belong.
    pub fn secrets(&self) -> Vec<String> {
        let state = self.inner.state();
        state.access_tokens.iter().cloned().chain(state.refresh_token.clone()).collect()
    }

    /// Everything that arrived at the sync endpoint, in order.
    pub fn received(&self) -> Vec<Received> {
        self.inner.state().received.clone()
    }

    /// The most requests that were in flight at the sync endpoint at once.
    pub fn most_in_flight(&self) -> usize {
        self.inner.state().most_in_flight
    }

    /// A record as the org holds it; `None` where it has none, or deleted it.
    pub fn record(&self, external_id: &str) -> Option<Value> {
        self.inner.state().records.get(external_id).and_then(|held| held.value.clone())
    }

    /// The transactions that it took.
    pub fn has_transaction(&self, transaction_id: &str) -> bool {
        self.inner.state().transactions.contains(transaction_id)
    }

    /// Waits until `condition` holds of what arrived; looks whenever something does.
    ///
    /// # Panics
    /// After 30 seconds, with what did arrive.
    pub async fn wait_for(&self, what: &str, condition: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let mut version = self.inner.version.subscribe();
        let waiting = async {
            loop {
                version.mark_unchanged();
                let received = self.received();
                if condition(&received) {
                    return received;
                }
                if version.changed().await.is_err() {
                    return received;
                }
            }
        };
        match tokio::time::timeout(Duration::from_secs(30), waiting).await {
            Ok(received) => received,
            Err(_) => panic!("waited 30 s for {what}; arrived: {:#?}", self.received()),
        }
    }

    /// Waits until `n` requests have arrived and been answered.
    pub async fn wait_received(&self, n: usize) -> Vec<Received> {
        self.wait_for(&format!("{n} requests"), |received| received.len() >= n).await
    }
}

async fn handle(org: Arc<Inner>, request: Request<Body>) -> Outcome {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, 32 * 1024 * 1024).await else { return Err(closed()) };
    let bearer = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.strip_prefix("Bearer "));
    let authorized = bearer.is_some_and(|token| org.state().access_tokens.contains(token));
    let form = || String::from_utf8_lossy(&body).into_owned();
    let mut outcome = match (parts.method, parts.uri.path()) {
        (Method::POST, "/services/oauth2/token") => oauth::token(&org, &form()),
        (Method::POST, "/services/oauth2/revoke") => Ok(oauth::revoke(&org, &form())),
        (Method::GET, "/services/oauth2/userinfo") => Ok(oauth::userinfo(&org, authorized)),
        (Method::GET, "/services/data/") => {
            Ok(json(200, r#"[{"label":"Spring '26","url":"/services/data/v66.0","version":"66.0"}]"#))
        }
        (Method::POST, ENDPOINT) => sync(&org, body, authorized).await,
        _ => Ok(json(404, r#"[{"errorCode":"NOT_FOUND","message":"Could not find a match for URL"}]"#)),
    };
    if let Ok(response) = &mut outcome {
        let calls = {
            let mut state = org.state();
            state.calls += 1;
            state.calls
        };
        if let Ok(info) = HeaderValue::from_str(&format!("api-usage={calls}/{DAILY_CALLS}")) {
            response.headers_mut().insert("sforce-limit-info", info);
        }
    }
    outcome
}

#[expect(clippy::disallowed_methods, reason = "a slow org is slow in real time")]
async fn sync(org: &Inner, body: Bytes, authorized: bool) -> Outcome {
    let at = Instant::now();
    if !authorized {
        let text = r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;
        return Ok(json(401, text));
    }
    let change = Change::reread(body.clone()).ok();
    let external_ids: Vec<String> =
        change.iter().flat_map(|c| c.records.iter().map(|r| r.external_id.clone())).collect();
    let scripted = {
        let mut state = org.state();
        state.in_flight += 1;
        state.most_in_flight = state.most_in_flight.max(state.in_flight);
        state.answer_for(&external_ids)
    };
    let take = || match &change {
        Some(change) => org.state().take(change),
        None => (
            400,
            r#"{"success":false,"errors":[{"code":"INVALID_JSON","message":"not a payload"}]}"#.to_owned(),
        ),
    };
    let normal =
        |(status, text): (u16, String)| (Some(status), (200..300).contains(&status), Ok(json(status, text)));
    let (status, taken, outcome) = match scripted {
        Answer::Normal => normal(take()),
        Answer::Delayed(pause) => {
            tokio::time::sleep(pause).await;
            normal(take())
        }
        Answer::Http { status, headers, body } => {
            let mut response = answer(status, "application/octet-stream", body);
            for (name, value) in headers {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    response.headers_mut().insert(name, value);
                }
            }
            (Some(status), false, Ok(response))
        }
        Answer::Reset => (None, false, Err(closed())),
        Answer::LostAfterCommit => {
            take();
            (None, true, Err(closed()))
        }
        Answer::ResetInBody => (Some(200), false, Ok(broken_off())),
        Answer::Drip(pause) => (Some(200), false, Ok(drip(pause))),
        Answer::Flood => (Some(200), false, Ok(flood())),
        Answer::Hang => {
            record(org, change.as_ref(), external_ids, body, (None, false), at);
            std::future::pending::<()>().await;
            return Err(closed());
        }
    };
    record(org, change.as_ref(), external_ids, body, (status, taken), at);
    outcome
}

fn record(
    org: &Inner,
    change: Option<&Change>,
    external_ids: Vec<String>,
    body: Bytes,
    result: (Option<u16>, bool),
    at: Instant,
) {
    let mut state = org.state();
    state.in_flight -= 1;
    let transaction_id = change.map(|c| c.transaction_id.clone());
    state.received.push(Received {
        transaction_id,
        external_ids,
        body,
        status: result.0,
        taken: result.1,
        at,
    });
    drop(state);
    org.changed();
}
