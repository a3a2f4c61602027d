//! A simulated org: its server, and what a test may ask and tell it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::sign_in::OrgKind;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::{Answer, Rule};
use crate::hub::HubSpec;
use crate::oauth::{Consent, give_access_token};
use crate::requests::handle;
use crate::state::{Received, State, TokenServer};

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
    /// How long an access token is good; `None` for as long as nobody ends it.
    pub access_token_ttl: Option<Duration>,
    /// Makes its tokens its own.
    pub seed: u64,
    /// What it says it is.
    pub kind: OrgKind,
    /// Does its app lack the scope `refresh_token`?
    pub gives_no_refresh_token: bool,
    /// Does it answer the userinfo endpoint? One whose app lacks the scope `openid` does not.
    pub tells_userinfo: bool,
    /// Does it have Delivery Hub? Without, it has the documented endpoint and no records of its own.
    pub hub: Option<HubSpec>,
}

impl OrgSpec {
    /// An ordinary org.
    pub fn new(org_id: OrgId) -> Self {
        let username = format!("admin@{}.example", org_id.short().to_lowercase());
        let client_id = "PlatformCLI".into();
        Self {
            org_id,
            username,
            client_id,
            rotates: false,
            access_token_ttl: None,
            seed: 1,
            kind: OrgKind::Production,
            gives_no_refresh_token: false,
            tells_userinfo: true,
            hub: None,
        }
    }

    /// The same, with rotating refresh tokens.
    #[must_use]
    pub fn rotating(mut self) -> Self {
        self.rotates = true;
        self
    }

    /// The same, with Delivery Hub.
    #[must_use]
    pub fn with_hub(mut self, hub: HubSpec) -> Self {
        self.hub = Some(hub);
        self
    }

    /// The same, with access tokens that are good for so long.
    #[must_use]
    pub fn with_access_token_ttl(mut self, ttl: Duration) -> Self {
        self.access_token_ttl = Some(ttl);
        self
    }
}

pub(crate) struct Inner {
    pub(crate) spec: OrgSpec,
    /// Where its token server is.
    address: SocketAddr,
    /// Where the org itself is: there too, until it moves. Asked for while the state is held.
    home: Mutex<SocketAddr>,
    state: Mutex<State>,
    version: watch::Sender<u64>,
    listening: Mutex<Listening>,
}

/// Connections that wait to be let in, as of a listener that is made in one go.
const BACKLOG: u32 = 1_024;

/// The listener; a new one is made when the org comes up again.
#[derive(Default)]
struct Listening {
    /// Ends it and every connection.
    up: CancellationToken,
    tasks: TaskTracker,
    /// Keeps the port while the org is down, so that no other connection of this machine gets it. Nothing listens there:
    /// whoever connects is refused.
    kept: Option<TcpSocket>,
}

impl Inner {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.home())
    }

    /// Where the org itself is.
    pub(crate) fn home(&self) -> SocketAddr {
        *self.home.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
    }
}

/// A port, with nobody listening at it yet.
fn keep(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
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
        let refresh_token = format!("5Aep.sim.refresh.{:016x}.0", spec.seed);
        let address = listener.local_addr()?;
        let inner = Arc::new(Inner {
            address,
            home: Mutex::new(address),
            state: Mutex::new(State::new(spec.org_id, refresh_token)),
            spec,
            version: watch::Sender::new(0),
            listening: Mutex::default(),
        });
        let org = Self { inner };
        org.serve(listener);
        Ok(org)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    fn listening(&self) -> MutexGuard<'_, Listening> {
        self.inner.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, listener: TcpListener) {
        let listening = self.listening();
        let (inner, up, tasks) = (Arc::clone(&self.inner), listening.up.clone(), listening.tasks.clone());
        let at = listener.local_addr().unwrap_or(self.inner.address);
        listening.tasks.spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = up.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                // A client that gave up before it was let in is no reason to let in nobody any more.
                let Ok((stream, _)) = accepted else { continue };
                let (inner, up) = (Arc::clone(&inner), up.clone());
                tasks.spawn(async move {
                    let service =
                        service_fn(move |request| handle(Arc::clone(&inner), at, request.map(Body::new)));
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

    /// Closes its port and every connection, very soon: [`OrgSim::wait_down`] waits for it.
    pub fn go_down(&self) {
        self.listening().up.cancel();
    }

    /// Goes down, and returns when the port and every connection are closed: from then on connections are refused.
    pub async fn wait_down(&self) {
        self.go_down();
        let tasks = self.listening().tasks.clone();
        tasks.close();
        tasks.wait().await;
        let mut listening = self.listening();
        if listening.kept.is_none() {
            // Where it cannot be kept, coming up says that it is taken.
            listening.kept = keep(self.inner.address).ok();
        }
    }

    /// Listens again, on the same ports; an org that is up is restarted.
    ///
    /// # Errors
    /// When a port was taken meanwhile.
    pub async fn come_up(&self) -> std::io::Result<()> {
        self.wait_down().await;
        let (address, home) = (self.inner.address, self.inner.home());
        let kept = self.listening().kept.take();
        let listener = kept.map_or_else(|| keep(address), Ok)?.listen(BACKLOG)?;
        let moved = if home == address { None } else { Some(TcpListener::bind(home).await?) };
        *self.listening() = Listening::default();
        for listener in [Some(listener), moved].into_iter().flatten() {
            self.serve(listener);
        }
        Ok(())
    }

    /// Its Organization ID.
    pub fn id(&self) -> OrgId {
        self.inner.state().org_id
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

    /// From now on the REST API answers this to whoever is signed in. Of the answers only those with a status make sense.
    pub fn script_api(&self, answer: Answer) {
        self.inner.state().api = Some(answer);
    }

    /// Forgets the rules for a record.
    pub fn heal_record(&self, external_id: &str) {
        self.inner.state().rules.retain(|rule| rule.external_id.as_deref() != Some(external_id));
    }

    /// Forgets every rule: the org answers normally again.
    pub fn heal(&self) {
        let mut state = self.inner.state();
        state.rules.clear();
        state.api = None;
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

    /// From now on whoever comes to the login page answers like this.
    pub fn consent(&self, consent: Consent) {
        self.inner.state().consent = consent;
    }

    /// An access token, as the Salesforce CLI would show one.
    pub fn new_access_token(&self) -> String {
        give_access_token(&self.inner, &mut self.inner.state())
    }

    /// A sandbox that is refreshed: another org at the same address, where no token of before is good.
    pub fn refresh_sandbox(&self, org_id: OrgId) {
        {
            let mut state = self.inner.state();
            state.org_id = org_id;
            state.hub.refreshed();
        }
        self.revoke_everything();
        self.sign_in_again();
    }

    /// From now on it names another org in its token responses, and its tokens are good as before.
    pub fn answer_as(&self, org_id: OrgId) {
        self.inner.state().org_id = org_id;
    }

    /// Takes over the codes that another org gave, and answers for it: one login server for many orgs, as Salesforce has.
    pub fn take_over(&self, other: &Self) {
        let codes = other.inner.state().codes.clone();
        let org_id = other.id();
        let mut state = self.inner.state();
        state.codes.extend(codes);
        state.answers_for = Some((org_id, other.url()));
    }

    /// Moves to another address, as an org that gets another instance or My Domain: from now on token responses name the new
    /// one. The token server stays where it was; to anything else this is answered there. Of the answers only those with a
    /// status make sense.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn move_away(&self, left_behind: Answer) -> std::io::Result<()> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        *self.inner.home.lock().unwrap_or_else(PoisonError::into_inner) = listener.local_addr()?;
        self.inner.state().left_behind = Some(left_behind);
        self.serve(listener);
        Ok(())
    }

    /// From now on its clock is ahead of the machine's by so many seconds, or behind.
    pub fn set_clock_ahead(&self, seconds: i64) {
        self.inner.state().clock_ahead = seconds;
    }

    /// From now on the token server behaves like this.
    pub fn token_server(&self, behaviour: TokenServer) {
        self.inner.state().token_server = behaviour;
    }

    /// From now on it takes so many requests in 24 hours; beyond them it refuses.
    pub fn set_daily_calls(&self, calls: u64) {
        self.inner.state().daily_calls = calls;
    }

    /// How many requests it got.
    pub fn calls(&self) -> u64 {
        self.inner.state().calls
    }

    /// How often the token server was asked.
    pub fn token_requests(&self) -> u64 {
        self.inner.state().token_requests
    }

    /// How often a token was revoked.
    pub fn revocations(&self) -> u64 {
        self.inner.state().revocations
    }

    /// Every token and code that was ever given: none of them may be found where it does not belong.
    pub fn secrets(&self) -> Vec<String> {
        let state = self.inner.state();
        let codes = state.codes_given.iter().cloned();
        state.access_tokens.keys().cloned().chain(state.refresh_token.clone()).chain(codes).collect()
    }

    /// The body of the last change that it took.
    pub(crate) fn last_taken(&self) -> Option<Bytes> {
        self.inner.state().received.iter().rev().find(|received| received.taken).map(|r| r.body.clone())
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
