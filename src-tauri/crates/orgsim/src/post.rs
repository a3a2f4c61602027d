//! Posting a change to a relay, as an org does.

use axum::body::{Body, Bytes, to_bytes};
use http::response::Parts;
use http::{HeaderValue, Request, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A relay's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    /// The HTTP status.
    pub status: u16,
    /// The body; null where it was no JSON.
    pub body: Value,
}

/// Posts a payload to the relay at `url` (`http://HOST:PORT`).
///
/// # Errors
/// When the relay cannot be reached, or breaks off.
pub async fn post(url: &str, token: &str, payload: impl Into<Body>) -> std::io::Result<Posted> {
    let request = Request::post("/services/apexrest/dlhub/delivery/sync")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(payload.into())
        .map_err(std::io::Error::other)?;
    let (parts, body) = exchange(url, request).await?;
    Ok(Posted { status: parts.status.as_u16(), body: serde_json::from_slice(&body).unwrap_or_default() })
}

/// One request and its whole answer, on a connection of its own.
pub(crate) async fn exchange(url: &str, mut request: Request<Body>) -> std::io::Result<(Parts, Bytes)> {
    let failed = std::io::Error::other::<Box<dyn std::error::Error + Send + Sync>>;
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    request.headers_mut().insert(header::HOST, HeaderValue::from_str(host).map_err(|e| failed(e.into()))?);
    let stream = TcpStream::connect(host).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| failed(e.into()))?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(|e| failed(e.into()))?;
    let (parts, body) = response.into_parts();
    let body = to_bytes(Body::new(body), 1024 * 1024).await.map_err(|e| failed(e.into()))?;
    drop(sender);
    // The answer is whole; how the connection ended does not matter any more.
    drop(connection.await);
    Ok((parts, body))
}
