//! A stand-in for an org: a token server, and an endpoint that takes everything.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// How it answers deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// At once.
    AtOnce,
    /// After so long.
    After(Duration),
    /// With an error that is tried again.
    Down,
}

/// An org at work.
pub struct Target {
    shared: Arc<Shared>,
    address: String,
}

struct Shared {
    org_id: String,
    address: String,
    manner: Manner,
    taken: AtomicU64,
    arrived: Notify,
    /// When each transaction arrived, where that is asked for.
    times: Option<Mutex<HashMap<String, Instant>>>,
}

impl Target {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(org_id: &str, manner: Manner, note_times: bool) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let shared = Arc::new(Shared {
            org_id: org_id.to_owned(),
            address: address.clone(),
            manner,
            taken: AtomicU64::new(0),
            arrived: Notify::new(),
            times: note_times.then(Mutex::default),
        });
        let app = Router::new().fallback(any(answer)).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { shared, address })
    }

    /// What connects the program to it.
    pub fn auth_url(&self) -> String {
        format!("force://bench::refresh@{}", self.address)
    }

    /// How many changes it took.
    pub fn taken(&self) -> u64 {
        self.shared.taken.load(Ordering::Relaxed)
    }

    /// Waits until it took so many; `false` after `patience`.
    pub async fn wait_for(&self, taken: u64, patience: Duration) -> bool {
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
    pub fn arrival(&self, transaction_id: &str) -> Option<Instant> {
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
    match shared.manner {
        Manner::AtOnce => {}
        Manner::After(wait) => tokio::time::timeout(wait, std::future::pending::<()>()).await.unwrap_or(()),
        Manner::Down => return (StatusCode::SERVICE_UNAVAILABLE, "[]".to_owned()),
    }
    if let Some(times) = &shared.times {
        let now = Instant::now();
        if let Some(id) = transaction_id(body) {
            times.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert(now);
        }
    }
    shared.taken.fetch_add(1, Ordering::Relaxed);
    shared.arrived.notify_one();
    (StatusCode::OK, r#"{"success":true,"errors":[]}"#.to_owned())
}

/// The payloads are ours: the ID stands behind its name, in quotes, with nothing escaped.
fn transaction_id(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("\"transactionId\":\"")?;
    rest.split_once('"').map(|(id, _)| id.to_owned())
}
