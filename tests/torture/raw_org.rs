//! An org over a bare connection, so that its answers can be any bytes.

use std::sync::{Arc, Mutex, PoisonError};

use kit::{ORG_B, org_id};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const TAKEN: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n{\"success\":true,\"errors\":[]}\n";

/// What the next request gets.
#[derive(Clone)]
pub(crate) enum Next {
    /// These bytes, and then an orderly end or a reset.
    Bytes { bytes: Vec<u8>, reset: bool },
    /// This head, and then bytes without an end, as fast as they are read.
    Endless(Vec<u8>),
    /// Nothing at all.
    Silence,
}

/// An org that answers byte by byte as it is told, once each; otherwise it takes everything.
pub(crate) struct RawOrg {
    address: String,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    sync: Option<Next>,
    token: Option<Next>,
}

impl RawOrg {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let told: Arc<Mutex<Told>> = Arc::default();
        let org = Self { address: address.clone(), told: Arc::clone(&told) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A broken connection is what is tried here.
                tokio::spawn(serve(stream, address.clone(), Arc::clone(&told)));
            }
        });
        org
    }

    /// What the next request at the sync endpoint gets.
    pub(crate) fn answer_next(&self, next: Next) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).sync = Some(next);
    }

    /// What the next request at the token server gets.
    pub(crate) fn answer_next_token(&self, next: Next) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).token = Some(next);
    }

    pub(crate) fn auth_url(&self) -> String {
        format!("force://torture::refresh@{}", self.address)
    }
}

async fn serve(mut stream: TcpStream, address: String, told: Arc<Mutex<Told>>) -> std::io::Result<()> {
    while let Some(head) = read_request(&mut stream).await? {
        let is_token = head.starts_with("POST /services/oauth2/token");
        if !is_token && !head.starts_with("POST ") {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n[]").await?;
            continue;
        }
        let next = {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if is_token { told.token.take() } else { told.sync.take() }
        };
        match next {
            None if is_token => stream.write_all(&signed_in(&address)).await?,
            None => stream.write_all(TAKEN).await?,
            Some(Next::Bytes { bytes, reset }) => {
                stream.write_all(&bytes).await?;
                if reset {
                    stream.set_zero_linger()?;
                }
                return Ok(());
            }
            Some(Next::Endless(head)) => {
                stream.write_all(&head).await?;
                let more = vec![b'x'; 64 * 1024];
                loop {
                    stream.write_all(&more).await?;
                }
            }
            Some(Next::Silence) => {
                // Until the program gives up.
                drop(stream.read(&mut [0]).await);
                return Ok(());
            }
        }
    }
    Ok(())
}

/// What a token server answers when all is well.
fn signed_in(address: &str) -> Vec<u8> {
    let org = org_id(ORG_B);
    let body = json!({
        "access_token": "torture-access-token", "instance_url": format!("http://{address}"),
        "id": format!("http://{address}/id/{org}/005000000000001AAA"), "token_type": "Bearer",
    })
    .to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:";
    format!("{head} {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Reads a request to its end; returns its head, or nothing where there is none any more.
async fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let lower = head.to_ascii_lowercase();
        let length =
            lower.split_once("content-length: ").and_then(|(_, rest)| rest.lines().next()?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Ok(Some(head.to_owned()));
        }
    }
}
