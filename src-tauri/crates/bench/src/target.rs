//! A stand-in for an org: a token server, and an endpoint that takes everything.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{StatusCode, Uri};
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// How it answers deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// At once.
    AtOnce,
    /// After so long.
    After(Duration),
    /// With an error that is tried again.
    Busy,
    /// With an error that is for a person.
    Refuses,
}

/// An org at work.
pub(crate) struct Target {
    shared: Arc<Shared>,
    address: String,
    serving: AbortHandle,
}

struct Shared {
    org_id: String,
    address: String,
    manner: Mutex<Manner>,
    taken: AtomicU32,
    arrived: Notify,
    /// When each transaction arrived, where that is asked for.
    times: Option<Mutex<HashMap<String, Instant>>>,
}

impl Target {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When no port can be had.
    pub(crate) async fn start(org_id: &str, manner: Manner, note_times: bool) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let shared = Arc::new(Shared {
            org_id: org_id.to_owned(),
            address: address.clone(),
            manner: Mutex::new(manner),
            taken: AtomicU32::new(0),
            arrived: Notify::new(),
            times: note_times.then(Mutex::default),
        });
        let app = Router::new().fallback(any(answer)).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await }).abort_handle();
        Ok(Self { shared, address, serving })
    }

    /// From now on it answers like this.
    pub(crate) fn answer(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }

    /// Nobody listens any more at its address. Connections that are open go on.
    pub(crate) fn die(&self) {
        self.serving.abort();
    }

    /// What connects the program to it.
    pub(crate) fn auth_url(&self) -> String {
        format!("force://bench::refresh@{}", self.address)
    }

    /// How many changes it took.
    pub(crate) fn taken(&self) -> u32 {
        self.shared.taken.load(Ordering::Relaxed)
    }

    /// Waits until it took so many; `false` after `patience`.
    pub(crate) async fn wait_for(&self, taken: u32, patience: Duration) -> bool {
        let waiting = async {
            loop {
                let arrived = self.shared.arrived.notified();
                if self.taken() >= taken {
                    return;
                }
                // What arrives between the look and the wait is seen by the next look.
                let _ = tokio::time::timeout(Duration::from_millis(20), arrived).await;
            }
        };
        tokio::time::timeout(patience, waiting).await.is_ok()
    }

    /// When a transaction arrived.
    pub(crate) fn arrival(&self, transaction_id: &str) -> Option<Instant> {
        let times = self.shared.times.as_ref()?;
        times.lock().unwrap_or_else(PoisonError::into_inner).get(transaction_id).copied()
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    body: Bytes,
) -> (StatusCode, [(HeaderName, &'static str); 1], String) {
    let (status, body) = judge(&shared, &uri, &body).await;
    (status, [(CONTENT_TYPE, "application/json")], body)
}

async fn judge(shared: &Shared, uri: &Uri, body: &[u8]) -> (StatusCode, String) {
    if uri.path() == "/services/oauth2/token" {
        let Shared { org_id, address, .. } = shared;
        return (
            StatusCode::OK,
            format!(
                r#"{{"access_token":"bench","instance_url":"http://{address}","id":"http://{address}/id/{org_id}/005000000000001AAA","token_type":"Bearer"}}"#
            ),
        );
    }
    if !uri.path().ends_with("/delivery/sync") {
        return (StatusCode::NOT_FOUND, "[]".to_owned());
    }
    let manner = *shared.manner.lock().unwrap_or_else(PoisonError::into_inner);
    match manner {
        Manner::AtOnce => {}
        Manner::After(wait) => crate::measure::rest(wait).await,
        Manner::Busy => return (StatusCode::SERVICE_UNAVAILABLE, "[]".to_owned()),
        Manner::Refuses => {
            let error = r#"[{"message":"Title is too long","errorCode":"STRING_TOO_LONG"}]"#;
            return (StatusCode::BAD_REQUEST, error.to_owned());
        }
    }
    if let Some(times) = &shared.times {
        let now = Instant::now();
        if let Some(id) = transaction_id(body) {
            times.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert(now);
        }
    }
    // Who only looks whether there is an endpoint sends nothing.
    if !body.is_empty() {
        shared.taken.fetch_add(1, Ordering::Relaxed);
        shared.arrived.notify_one();
    }
    (StatusCode::OK, r#"{"success":true,"errors":[]}"#.to_owned())
}

/// The payloads are ours: the ID stands behind its name, in quotes, with nothing escaped.
fn transaction_id(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("\"transactionId\":\"")?;
    rest.split_once('"').map(|(id, _)| id.to_owned())
}
