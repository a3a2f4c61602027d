//! A request's body that comes back when the handler is done with it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::timeout;

/// A body that nobody wanted is read away if it is no larger, since a connection costs more than that.
const WORTH_READING: u64 = 64 * 1024;
const WORTH_WAITING: Duration = Duration::from_secs(1);

/// The body, for the handler.
pub(crate) struct Returned(Arc<Mutex<Shared>>);

/// The body, for the connection.
pub(crate) struct Rest(Arc<Mutex<Shared>>);

struct Shared {
    body: Incoming,
    /// A chunked body does not say of itself that it was read to its end.
    ended: bool,
}

impl Returned {
    /// The two sides of a body.
    pub(crate) fn new(body: Incoming) -> (Self, Rest) {
        let body = Arc::new(Mutex::new(Shared { body, ended: false }));
        (Self(Arc::clone(&body)), Rest(body))
    }
}

impl Rest {
    /// Is there nothing left of the body? A small rest is read away first, unless its sender waits for leave to send it
    /// (`Expect: 100-continue`).
    pub(crate) async fn read_away(self, waits_for_leave: bool) -> bool {
        let mut body = Returned(self.0);
        if body.is_end_stream() {
            return true;
        }
        if waits_for_leave || body.size_hint().upper().is_none_or(|size| size > WORTH_READING) {
            return false;
        }
        let to_the_end = async {
            loop {
                match std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                    Some(Ok(_)) => {}
                    Some(Err(_)) => return false,
                    None => return true,
                }
            }
        };
        timeout(WORTH_WAITING, to_the_end).await.unwrap_or(false)
    }
}

impl Body for Returned {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let polled = Pin::new(&mut shared.body).poll_frame(cx);
        shared.ended |= matches!(polled, Poll::Ready(None));
        polled
    }

    fn is_end_stream(&self) -> bool {
        let shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shared.ended || shared.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).body.size_hint()
    }
}
