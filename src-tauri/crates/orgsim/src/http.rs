//! Bodies that behave badly on purpose.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};

/// An answer, or the order to close the connection without one.
pub(crate) type Outcome = Result<Response, io::Error>;

/// The connection is closed without an answer.
pub(crate) fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "closed on purpose")
}

pub(crate) fn answer(status: u16, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(crate) fn json(status: u16, body: impl Into<Body>) -> Response {
    answer(status, "application/json;charset=UTF-8", body)
}

/// Half of an answer, then nothing but a broken connection.
pub(crate) fn broken_off() -> Response {
    let half = stream::iter([Ok(Bytes::from_static(b"{\"success\":tr")), Err(closed())]);
    let mut response = json(200, Body::from_stream(half));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("81"));
    response
}

/// A byte at a time, without end.
#[expect(clippy::disallowed_methods, reason = "a slow server is slow in real time")]
pub(crate) fn drip(pause: Duration) -> Response {
    let bytes = stream::unfold((), move |()| async move {
        tokio::time::sleep(pause).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
    });
    json(200, Body::from_stream(bytes))
}

/// As much as anyone reads.
pub(crate) fn flood() -> Response {
    let spaces = Bytes::from(vec![b' '; 64 * 1024]);
    json(200, Body::from_stream(stream::repeat_with(move || Ok::<_, Infallible>(spaces.clone()))))
}
