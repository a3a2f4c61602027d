//! Clients that post payloads, each on a connection that is kept open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::bail;
use chrono::{DateTime, SecondsFormat, Utc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Where to post, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// `127.0.0.1:PORT`
    pub(crate) address: String,
    /// The integration token.
    pub(crate) token: String,
    /// The org that the payloads come from.
    pub(crate) source: String,
}

/// What a load came to.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// How long each request took.
    pub(crate) latencies: Vec<Duration>,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
}

/// The documented payload, about 600 bytes, with a record of its own.
pub(crate) fn payload(source: &str, id: &str, timestamp: &str) -> String {
    format!(
        r#"{{"transactionId":"{id}","sourceOrgId":"{source}","timestamp":"{timestamp}","operation":"upsert","records":[{{"externalId":"WI-{id}","title":"Add revenue report","status":"In Development","priority":"High","estimatedHours":8,"assignee":"developer@example.com","description":"The sales team wants to see revenue by region and month, with a chart and an export, and a filter for the current fiscal year.","acceptanceCriteria":"Given a closed opportunity, when the report is opened, then its amount is counted in the month of its close date.","comments":[],"timeLogs":[]}}]}}"#
    )
}

/// Posts `total` payloads from `clients` connections, as fast as they are answered; all must be taken.
///
/// # Errors
/// When a connection breaks, or a payload is not taken.
pub(crate) async fn post(
    endpoint: &Endpoint,
    name: &str,
    clients: usize,
    total: u32,
) -> anyhow::Result<Done> {
    let timestamp = now();
    let next = Arc::new(AtomicU32::new(0));
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let (endpoint, next, name, timestamp) =
            (endpoint.clone(), Arc::clone(&next), name.to_owned(), timestamp.clone());
        tasks.spawn(async move {
            let mut client = Client::connect(endpoint).await?;
            let mut latencies = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= total {
                    return anyhow::Ok(latencies);
                }
                let sent = Instant::now();
                client.post(&format!("{name}-{n}"), &timestamp).await?;
                latencies.push(sent.elapsed());
            }
        });
    }
    let mut done = Done::default();
    while let Some(latencies) = tasks.join_next().await {
        done.latencies.extend(latencies??);
    }
    done.elapsed = began.elapsed();
    Ok(done)
}

/// A connection.
pub(crate) struct Client {
    stream: TcpStream,
    endpoint: Endpoint,
    answer: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) async fn connect(endpoint: Endpoint) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(&endpoint.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, endpoint, answer: Vec::with_capacity(4_096) })
    }

    /// Posts a payload and waits for its 200.
    ///
    /// # Errors
    /// When the connection breaks, or the answer is another.
    pub(crate) async fn post(&mut self, id: &str, timestamp: &str) -> anyhow::Result<()> {
        let Endpoint { address, token, source } = &self.endpoint;
        let body = payload(source, id, timestamp);
        let request = format!(
            "POST /delivery/sync HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the connection was closed");
            }
            if let Some(end) = whole(&self.answer) {
                if self.answer.len() < end {
                    continue;
                }
                if !self.answer.starts_with(b"HTTP/1.1 200") {
                    bail!("not taken: {}", String::from_utf8_lossy(&self.answer));
                }
                return Ok(());
            }
        }
    }
}

/// Where an answer ends, once its head is there.
fn whole(answer: &[u8]) -> Option<usize> {
    let head = head(answer)?;
    let text = std::str::from_utf8(&answer[..head]).ok()?;
    Some(head + content_length(text)?)
}

/// Where the head of a message ends, with the empty line.
pub(crate) fn head(message: &[u8]) -> Option<usize> {
    Some(message.windows(4).position(|window| window == b"\r\n\r\n")? + 4)
}

/// How long its body is, by its head.
pub(crate) fn content_length(head: &str) -> Option<usize> {
    let mut headers = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let (_, length) = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    length.trim().parse().ok()
}

/// The time, as payloads tell it.
pub(crate) fn now() -> String {
    DateTime::<Utc>::from(SystemTime::now()).to_rfc3339_opts(SecondsFormat::Millis, true)
}
