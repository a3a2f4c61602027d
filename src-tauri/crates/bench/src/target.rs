//! A stand-in for an org: a token server, and an endpoint that takes everything.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
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
    /// How many somebody waits for.
    awaited: AtomicU32,
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
            awaited: AtomicU32::new(0),
            arrived: Notify::new(),
            times: note_times.then(Mutex::default),
        });
        let attending = Arc::clone(&shared);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(attend(Arc::clone(&attending), stream));
            }
        })
        .abort_handle();
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
        self.shared.awaited.store(taken, Ordering::Relaxed);
        let waiting = async {
            while self.taken() < taken {
                // What arrives between the look and the wait is seen by the next look.
                let _ = tokio::time::timeout(Duration::from_millis(20), self.shared.arrived.notified()).await;
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

/// Answers the requests of a connection, one after the other, until it is closed.
///
/// Written by hand, as the clients are: what a server's framework costs would be taken from the program's share of the machine.
async fn attend(shared: Arc<Shared>, mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut read = Vec::with_capacity(4_096);
    let mut answer = Vec::with_capacity(512);
    loop {
        let request = loop {
            if let Some(request) = Request::of(&read) {
                break request;
            }
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        let (status, body) = judge(&shared, &request).await;
        answer.clear();
        write!(
            answer,
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let end = request.end;
        read.drain(..end);
        stream.write_all(&answer).await?;
    }
}

/// A request that came in whole.
struct Request<'a> {
    path: &'a str,
    body: &'a [u8],
    /// Where the next one begins.
    end: usize,
}

impl<'a> Request<'a> {
    /// The first one of what was read; `None` while a part of it is missing.
    fn of(read: &'a [u8]) -> Option<Self> {
        let head = crate::load::head(read)?;
        let text = std::str::from_utf8(&read[..head]).ok()?;
        let path = text.split(' ').nth(1)?;
        let end = head + crate::load::content_length(text).unwrap_or(0);
        let body = read.get(head..end)?;
        Some(Self { path, body, end })
    }
}

async fn judge(shared: &Shared, request: &Request<'_>) -> (&'static str, Cow<'static, str>) {
    const OK: &str = "200 OK";
    if request.path == "/services/oauth2/token" {
        let Shared { org_id, address, .. } = shared;
        let body = format!(
            r#"{{"access_token":"bench","instance_url":"http://{address}","id":"http://{address}/id/{org_id}/005000000000001AAA","token_type":"Bearer"}}"#
        );
        return (OK, body.into());
    }
    if !request.path.ends_with("/delivery/sync") {
        return ("404 Not Found", "[]".into());
    }
    let manner = *shared.manner.lock().unwrap_or_else(PoisonError::into_inner);
    match manner {
        Manner::AtOnce => {}
        Manner::After(wait) => crate::measure::rest(wait).await,
        Manner::Busy => return ("503 Service Unavailable", "[]".into()),
        Manner::Refuses => {
            let error = r#"[{"message":"Title is too long","errorCode":"STRING_TOO_LONG"}]"#;
            return ("400 Bad Request", error.into());
        }
    }
    if let Some(times) = &shared.times {
        let now = Instant::now();
        if let Some(id) = transaction_id(request.body) {
            times.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert(now);
        }
    }
    // Who only looks whether there is an endpoint sends nothing.
    if !request.body.is_empty() {
        let taken = shared.taken.fetch_add(1, Ordering::Relaxed) + 1;
        if taken == shared.awaited.load(Ordering::Relaxed) {
            shared.arrived.notify_one();
        }
    }
    (OK, r#"{"success":true,"errors":[]}"#.into())
}

/// The payloads are ours: the ID stands behind its name, in quotes, with nothing escaped.
fn transaction_id(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("\"transactionId\":\"")?;
    rest.split_once('"').map(|(id, _)| id.to_owned())
}
