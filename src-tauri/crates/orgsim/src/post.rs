//! Posting a change to a relay, as an org does.

use axum::body::{Body, to_bytes};
use http::{Request, header};
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
    let failed = std::io::Error::other::<Box<dyn std::error::Error + Send + Sync>>;
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let stream = TcpStream::connect(host).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| failed(e.into()))?;
    let connection = tokio::spawn(connection);
    let request = Request::post("/services/apexrest/dlhub/delivery/sync")
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(payload.into())
        .map_err(|e| failed(e.into()))?;
    let response = sender.send_request(request).await.map_err(|e| failed(e.into()))?;
    let status = response.status().as_u16();
    let body = to_bytes(Body::new(response.into_body()), 1024 * 1024).await.map_err(|e| failed(e.into()))?;
    drop(sender);
    // The answer is whole; how the connection ended does not matter any more.
    drop(connection.await);
    Ok(Posted { status, body: serde_json::from_slice(&body).unwrap_or_default() })
}
