//! An org's answer breaks off at any byte, has a wrong length, is a page, a bomb, or has no end.

use std::time::Duration;

use kit::{App, ORG_A, ORG_B, Payload, Setup};
use serde_json::json;

use crate::raw_org::{Next, RawOrg, TAKEN};

struct World {
    app: App,
    org: RawOrg,
    token: String,
}

async fn world() -> World {
    // What never answers is given up soon, and an org is never held: each answer is looked at by itself.
    let setup = Setup::default().set("delivery.request_timeout", "1s");
    let app = setup.start().await;
    let org = RawOrg::start().await;
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
    let odd: [(&str, Vec<u8>); 9] = [
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
