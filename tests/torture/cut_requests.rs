//! A sender's connection breaks at any byte, drips, or stands still.

use kit::{App, ORG_A, ORG_B, Payload};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_request_that_breaks_off_at_any_byte_leaves_nothing_and_stops_nobody() {
    let (app, pair) = App::with_two_orgs().await;
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    let body = payload.text();
    let host = app.url().trim_start_matches("http://").to_owned();
    let request = format!(
        "POST /delivery/sync HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        pair.token_a,
        body.len()
    );
    for (reset, cut) in
        [true, false].into_iter().flat_map(|reset| (0..request.len()).map(move |cut| (reset, cut)))
    {
        let mut stream = TcpStream::connect(&host).await.unwrap();
        stream.write_all(&request.as_bytes()[..cut]).await.unwrap();
        if reset {
            // Ends with a reset instead of an orderly close.
            stream.set_zero_linger().unwrap();
            continue;
        }
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // Whether it answers a half request or just closes is its own affair; a 200 it must not be.
        drop(stream.read_to_end(&mut answer).await);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(!answer.contains(" 200 "), "after {cut} bytes: {answer}");
    }
    assert_eq!(app.get("/api/v1/items").await["total"], 0, "something was kept of a broken request");
    let answer = app.accept(&pair.token_a, &payload).await;
    assert_eq!((&answer["recordsProcessed"], &answer["suppressed"]), (&1.into(), &serde_json::Value::Null));
    app.wait_status(payload.id(), ORG_B, "synced").await;
    println!("requests broken off: {}, kept of them: 0", 2 * request.len());
    app.stop().await;
}

#[tokio::test]
async fn a_sender_that_goes_away_without_its_answer_has_sent_all_the_same() {
    let (app, pair) = App::with_two_orgs().await;
    let host = app.url().trim_start_matches("http://").to_owned();
    let mut ids = Vec::new();
    for n in 0..20 {
        let payload = Payload::from(ORG_A, app.now()).record(&format!("WI-{n}"), "x");
        let body = payload.text();
        let request = format!(
            "POST /delivery/sync HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            pair.token_a,
            body.len()
        );
        let mut stream = TcpStream::connect(&host).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        drop(stream);
        ids.push(payload);
    }
    // Each was taken or was not; sent again, it is there once.
    for payload in &ids {
        app.accept(&pair.token_a, payload).await;
        app.wait_status(payload.id(), ORG_B, "synced").await;
    }
    assert_eq!(pair.b.received().len(), ids.len(), "each once");
    app.stop().await;
}
