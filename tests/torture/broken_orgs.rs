//! An org's answer breaks off at any byte, has a wrong length, is a page, a bomb, or has no end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kit::{App, ORG_A, ORG_B, Payload, Setup, org_id};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const TAKEN: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n{\"success\":true,\"errors\":[]}\n";

/// What the next request at the sync endpoint gets.
#[derive(Clone)]
enum Next {
    /// These bytes, and then an orderly end or a reset.
    Bytes { bytes: Vec<u8>, reset: bool },
    /// This head, and then bytes without an end, as fast as they are read.
    Endless(Vec<u8>),
    /// Nothing at all.
    Silence,
}

/// An org that answers byte by byte as it is told, once each; otherwise it takes everything.
struct Org {
    address: String,
    next: Arc<Mutex<Option<Next>>>,
}

impl Org {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let next: Arc<Mutex<Option<Next>>> = Arc::default();
        let org = Self { address: address.clone(), next: Arc::clone(&next) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A broken connection is what is tried here.
                tokio::spawn(serve(stream, address.clone(), Arc::clone(&next)));
            }
        });
        org
    }

    fn answer_next(&self, next: Next) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
    }

    fn auth_url(&self) -> String {
        format!("force://torture::refresh@{}", self.address)
    }
}

async fn serve(
    mut stream: TcpStream,
    address: String,
    next: Arc<Mutex<Option<Next>>>,
) -> std::io::Result<()> {
    while let Some(head) = read_request(&mut stream).await? {
        if head.starts_with("POST /services/oauth2/token") {
            let org = org_id(ORG_B);
            let body = json!({
                "access_token": "torture-access-token", "instance_url": format!("http://{address}"),
                "id": format!("http://{address}/id/{org}/005000000000001AAA"), "token_type": "Bearer",
            })
            .to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            continue;
        }
        if !head.starts_with("POST ") {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n[]").await?;
            continue;
        }
        let told = next.lock().unwrap_or_else(PoisonError::into_inner).take();
        match told {
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

struct World {
    app: App,
    org: Org,
    token: String,
}

async fn world() -> World {
    // What never answers is given up soon, and an org is never held: each answer is looked at by itself.
    let setup = Setup::default().set("delivery.request_timeout", "1s");
    let app = setup.start().await;
    let org = Org::start().await;
    app.order("POST", "/api/v1/orgs/import", json!({ "sfdxAuthUrl": org.auth_url() })).await;
    app.route(ORG_A, ORG_B).await;
    let token = app.token(&[ORG_A]).await;
    World { app, org, token }
}

impl World {
    /// Sends a change that gets this answer first; returns what became of the first attempt.
    async fn send(&self, next: Next) -> String {
        self.org.answer_next(next);
        let payload = Payload::from(ORG_A, self.app.now());
        let payload = payload.clone().record(payload.id(), "x");
        self.app.accept(&self.token, &payload).await;
        let id = self.app.items("sort=-createdAt").await[0]["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/items/{id}");
        self.app.wait(&path, "an attempt", |item| !item["attemptLog"].as_array().unwrap().is_empty()).await;
        let item = self.app.wait(&path, "its end", |item| item["status"] != "processing").await;
        if item["status"] == "retrying" {
            self.app.move_until(Duration::from_secs(31), &path, |item| item["status"] == "synced").await;
        }
        item["status"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_at_any_byte_is_tried_again() {
    let world = world().await;
    let step = if crate::times() > 1 { 1 } else { 3 };
    let mut tried = 0;
    for reset in [false, true] {
        for cut in (0..TAKEN.len()).step_by(step) {
            let bytes = TAKEN[..cut].to_vec();
            assert_eq!(
                world.send(Next::Bytes { bytes, reset }).await,
                "retrying",
                "{cut} bytes, reset: {reset}"
            );
            tried += 1;
        }
    }
    assert_eq!(world.app.count("synced").await, tried);
    println!("answers broken off: {tried}, lost: 0, sent again: {tried}");
    world.app.stop().await;
}

#[tokio::test]
async fn no_answer_however_odd_loses_a_change_or_stops_the_program() {
    let world = world().await;
    let page = "<html><body>We are down for maintenance</body></html>";
    let whole = |head: &str, body: &str| format!("{head}\r\n\r\n{body}").into_bytes();
    // A gzip of 10 MiB of spaces would be about 10 KiB; a few bytes of one do as well, where nothing is unpacked.
    let bomb = "\u{1f}\u{8b}\u{8}\u{0}".repeat(10);
    let odd: [(&str, Vec<u8>); 10] = [
        (
            "a page",
            whole(
                &format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}", page.len()),
                page,
            ),
        ),
        ("longer than it is", whole("HTTP/1.1 200 OK\r\nContent-Length: 500", "{}")),
        ("two lengths", whole("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5", "{}")),
        ("no length that is a number", whole("HTTP/1.1 200 OK\r\nContent-Length: -1", "{}")),
        (
            "packed",
            whole(
                &format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}", bomb.len()),
                &bomb,
            ),
        ),
        (
            "chunks that are none",
            whole("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "zz\r\n{}\r\n0\r\n\r\n"),
        ),
        ("chunks without an end", whole("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "2\r\n{}\r\n")),
        ("no HTTP", b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        ("nothing but zeros", vec![0; 4_096]),
        ("a head without an end", [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 512 * 1024]].concat()),
    ];
    let n = odd.len();
    for (what, bytes) in odd {
        assert_eq!(world.send(Next::Bytes { bytes, reset: false }).await, "retrying", "{what}");
    }
    // An answer of any size: it is read as far as is useful, and no further.
    let endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n".to_vec();
    assert_eq!(world.send(Next::Endless(endless)).await, "retrying", "an answer of 1 GiB");
    assert_eq!(world.send(Next::Silence).await, "retrying", "no answer");
    assert_eq!(world.app.count("synced").await, n as u64 + 2);
    println!("odd answers: {}, lost: 0", n + 2);
    world.app.stop().await;
}
