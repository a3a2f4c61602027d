//! Connections: how many, how slow, and how they end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderValue, Request, Response, header};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::returned::Returned;
use crate::slots::{Slot, Slots};

/// How much a listener bears.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at once. At the limit the connection that has waited longest without a request makes room.
    pub(crate) connections: usize,
    /// For a request's head to arrive, and for a connection to wait for its next request.
    pub(crate) head: Duration,
    /// For requests in flight to finish when the program stops.
    pub(crate) stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 512, head: Duration::from_secs(30), stop: Duration::from_secs(5) }
    }
}

/// A head that is not whole by then is refused (431).
const MAX_HEAD: usize = 64 * 1024;
/// How much of a refused body is read away after the answer, so that the sender gets to read the answer: closing a
/// connection with unread bytes resets it, and the answer is lost.
const LINGER_BYTES: usize = 32 * 1024 * 1024;
const LINGER_TIME: Duration = Duration::from_secs(5);

/// Answers connections until `stop`, and then until the last of them has ended.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken, limits: Limits) {
    let slots = Slots::new(limits.connections);
    let connections = TaskTracker::new();
    let abort = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            accepted = async { (slots.take().await, listener.accept().await) } => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            (slot, Ok((stream, _))) => {
                let connection = Connection {
                    router: router.clone(),
                    slot: Arc::new(slot),
                    limits,
                    stop: stop.clone(),
                    abort: abort.clone(),
                };
                connections.spawn(connection.answer(stream));
            }
            (_, Err(error)) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Too many open files, most likely: some time may free one.
                let _ = timeout(Duration::from_millis(100), stop.cancelled()).await;
            }
        }
    }
    drop(listener);
    connections.close();
    if timeout(limits.stop, connections.wait()).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests in flight did not finish in time");
        abort.cancel();
        connections.wait().await;
    }
}

struct Connection {
    router: Router,
    slot: Arc<Slot>,
    limits: Limits,
    stop: CancellationToken,
    abort: CancellationToken,
}

impl Connection {
    async fn answer(self, stream: TcpStream) {
        // An answer is one write; waiting to fill a packet only delays it.
        let _ = stream.set_nodelay(true);
        let unread = Arc::new(AtomicBool::new(false));
        let service = service_fn(|request: Request<Incoming>| {
            respond(self.router.clone(), Arc::clone(&self.slot), Arc::clone(&unread), request).boxed()
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), service);
        let mut stopping = false;
        loop {
            tokio::select! {
                ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => {
                    // After what was no request there may be more of it.
                    if ended.is_err() || unread.load(Ordering::Relaxed) {
                        tokio::select! {
                            () = linger(connection.into_parts().io.into_inner()) => {}
                            () = self.slot.evicted() => {}
                            () = self.stop.cancelled() => {}
                        }
                    }
                    return;
                }
                () = self.stop.cancelled(), if !stopping => {
                    if self.slot.is_idle() {
                        return;
                    }
                    stopping = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
                () = self.slot.evicted() => return,
                () = self.abort.cancelled() => return,
            }
        }
    }
}

/// Answers one request. A body that the handler did not want is read away if it is small; otherwise the connection ends.
async fn respond(
    router: Router,
    slot: Arc<Slot>,
    unread: Arc<AtomicBool>,
    request: Request<Incoming>,
) -> Result<Response<Occupied>, Infallible> {
    slot.begin();
    let occupied = Occupation(slot);
    let waits_for_leave = request.headers().contains_key(header::EXPECT);
    let (head, body) = request.into_parts();
    let (body, returned) = Returned::new(body);
    let mut response = match router.oneshot(Request::from_parts(head, Body::new(body))).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if !returned.read_away(waits_for_leave).await {
        unread.store(true, Ordering::Relaxed);
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| Occupied { body, _occupation: occupied }))
}

/// Ends our side of a connection, and reads on for a while.
async fn linger(mut stream: TcpStream) {
    let drain = async {
        stream.shutdown().await?;
        let mut buffer = vec![0; 64 * 1024];
        let mut left = LINGER_BYTES;
        while left > 0 {
            match stream.read(&mut buffer).await? {
                0 => break,
                n => left = left.saturating_sub(n),
            }
        }
        std::io::Result::Ok(())
    };
    // However it goes, the connection has served its purpose.
    let _ = timeout(LINGER_TIME, drain).await;
}

/// While it lives, its connection has a request in flight.
struct Occupation(Arc<Slot>);

impl Drop for Occupation {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A response's body; its request is in flight until it is sent.
struct Occupied {
    body: Body,
    _occupation: Occupation,
}

impl HttpBody for Occupied {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
