use std::net::SocketAddr;

use axum::extract::Request as AxumRequest;
use axum::routing::{get, post};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::body::{ReadError, read};

/// A listener with a few simple routes.
struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
    /// Lets `/wait` answer.
    go: Arc<Notify>,
    /// `/wait` has been asked.
    asked: Arc<Notify>,
}

async fn server(limits: Limits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (go, asked) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let wait = {
        let (go, asked) = (Arc::clone(&go), Arc::clone(&asked));
        || async move {
            asked.notify_one();
            go.notified().await;
            "done"
        }
    };
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/wait", get(wait))
        .route("/refuse", post(|| async { http::StatusCode::UNAUTHORIZED }))
        .route(
            "/read",
            post(|request: AxumRequest| async move {
                match read(request.into_body()).await {
                    Ok(body) => (http::StatusCode::OK, body.len().to_string()),
                    Err(ReadError::TooLarge) => (http::StatusCode::PAYLOAD_TOO_LARGE, "too large".into()),
                    Err(_) => (http::StatusCode::BAD_REQUEST, "broken".into()),
                }
            }),
        );
    let stop = CancellationToken::new();
    let task = tokio::spawn(serve(listener, router, stop.clone(), limits));
    Server { address, stop, task, go, asked }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// Reads one answer with a Content-Length; its head in lower case.
async fn answer(stream: &mut TcpStream) -> (String, String) {
    let mut text = Vec::new();
    loop {
        let mut byte = [0];
        assert_eq!(
            stream.read(&mut byte).await.unwrap(),
            1,
            "ended early: {}",
            String::from_utf8_lossy(&text)
        );
        text.push(byte[0]);
        if text.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    let head = String::from_utf8(text).unwrap().to_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

async fn ends(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0; 16]).await, Ok(0) | Err(_))
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let server = server(Limits::default()).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        stream.write_all(GET).await.unwrap();
        assert_eq!(answer(&mut stream).await.1, "hello");
        stream
            .write_all(b"POST /refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello")
            .await
            .unwrap();
        assert!(
            answer(&mut stream).await.0.starts_with("http/1.1 401"),
            "a small unwanted body costs no connection"
        );
        let chunked = b"POST /read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        stream.write_all(chunked).await.unwrap();
        assert_eq!(answer(&mut stream).await.1, "5");
    }
    server.stop().await;
}

/// Like the simplest of clients: sends everything, and only then reads.
#[tokio::test]
async fn a_client_that_sends_too_much_still_gets_to_read_the_answer() {
    let server = server(Limits::default()).await;
    let mut stream = server.connect().await;
    let size = 16 * 1024 * 1024;
    stream
        .write_all(
            format!("POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n").as_bytes(),
        )
        .await
        .unwrap();
    stream.write_all(&vec![b' '; size]).await.unwrap();
    let (head, body) = answer(&mut stream).await;
    assert!(head.starts_with("http/1.1 413") && head.contains("connection: close"), "{head}");
    assert_eq!(body, "too large");
    assert!(ends(&mut stream).await);
    server.stop().await;
}

#[tokio::test]
async fn a_chunked_body_that_grows_too_large_is_answered_too() {
    let server = server(Limits::default()).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"POST /read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await
        .unwrap();
    let chunk =
        [format!("{:x}\r\n", 1024 * 1024).into_bytes(), vec![b' '; 1024 * 1024], b"\r\n".to_vec()].concat();
    for _ in 0..8 {
        stream.write_all(&chunk).await.unwrap();
    }
    assert!(answer(&mut stream).await.0.starts_with("http/1.1 413"));
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_asks_for_leave_is_refused_before_it_sends() {
    let server = server(Limits::default()).await;
    let mut stream = server.connect().await;
    stream
        .write_all(
            b"POST /refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        )
        .await
        .unwrap();
    let (head, _) = answer(&mut stream).await;
    assert!(head.starts_with("http/1.1 401") && head.contains("connection: close"), "{head}");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_drips_its_head_is_cut_off() {
    let server = server(Limits { head: Duration::from_millis(50), ..Limits::default() }).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: loc").await.unwrap();
    assert!(ends(&mut stream).await);
    server.stop().await;
}

#[tokio::test]
async fn idle_connections_make_room_for_new_ones() {
    let server = server(Limits { connections: 4, ..Limits::default() }).await;
    let mut idle = Vec::new();
    for _ in 0..16 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET / HT").await.unwrap();
        idle.push(stream);
    }
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    assert_eq!(answer(&mut stream).await.1, "hello");
    server.stop().await;
}

#[tokio::test]
async fn those_that_were_refused_and_go_on_sending_make_room_for_new_ones() {
    let server = server(Limits { connections: 4, ..Limits::default() }).await;
    let mut dripping = Vec::new();
    for n in 0..16 {
        let mut stream = server.connect().await;
        let head: &[u8] = match n % 2 {
            0 => b"POST /refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{",
            _ => b"no HTTP at all\r\n\r\n",
        };
        stream.write_all(head).await.unwrap();
        assert!(answer(&mut stream).await.0.starts_with("http/1.1 4"));
        dripping.push(stream);
    }
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    assert_eq!(answer(&mut stream).await.1, "hello");
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_request_is_answered_before_the_connection_ends() {
    let server = server(Limits::default()).await;
    let mut stream = server.connect().await;
    let head = [b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ".to_vec(), vec![b'a'; 1024 * 1024]].concat();
    stream.write_all(&head).await.unwrap();
    assert!(answer(&mut stream).await.0.starts_with("http/1.1 431"));
    assert!(ends(&mut stream).await);
    server.stop().await;
}

#[tokio::test]
async fn a_request_in_flight_is_finished_when_the_program_stops() {
    let server = server(Limits::default()).await;
    let (mut busy, mut idle) = (server.connect().await, server.connect().await);
    idle.write_all(GET).await.unwrap();
    answer(&mut idle).await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    server.asked.notified().await;
    server.stop.cancel();
    assert!(ends(&mut idle).await);
    server.go.notify_one();
    assert_eq!(answer(&mut busy).await.1, "done");
    assert!(TcpStream::connect(server.address).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_does_not_finish_does_not_hold_up_the_end() {
    let server = server(Limits { stop: Duration::from_millis(50), ..Limits::default() }).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    server.asked.notified().await;
    server.stop().await;
    assert!(ends(&mut busy).await);
}
