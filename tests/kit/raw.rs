//! HTTP by hand: what a well-behaved client would never send can be sent, and nothing is followed or retried.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub text: String,
}

impl Reply {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The codes of `errors`.
    pub fn codes(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|e| e["code"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// Sends `head` (request line and headers, without the blank line and without `Content-Length`) and `body` to
/// `http://HOST:PORT`, and reads the answer to its end.
///
/// # Panics
/// When there is no answer within 30 seconds, or none that is HTTP.
pub async fn exchange(url: &str, head: &str, body: &[u8]) -> Reply {
    let host = url.trim_start_matches("http://");
    let head = format!("{}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", head.trim_end(), body.len());
    let talk = async {
        let mut stream = TcpStream::connect(host).await?;
        stream.write_all(head.as_bytes()).await?;
        // A server that has seen enough may answer and close before it has read everything.
        let (mut reader, mut writer) = stream.split();
        let mut answer = Vec::new();
        let write = async {
            drop(writer.write_all(body).await);
            drop(writer.flush().await);
        };
        let (read, ()) = tokio::join!(reader.read_to_end(&mut answer), write);
        // A reset after the answer is the server's way of not reading the rest.
        drop(read);
        Ok::<_, std::io::Error>(answer)
    };
    let answer = match tokio::time::timeout(std::time::Duration::from_secs(30), talk).await {
        Ok(Ok(answer)) => answer,
        other => panic!("no answer from {url}: {other:?}"),
    };
    parse(&answer)
}

/// Sends `bytes` as they are to `http://HOST:PORT`, and reads every answer until the server ends the connection.
///
/// # Panics
/// When it does not within 30 seconds, or what comes is no HTTP.
pub async fn raw(url: &str, bytes: &[u8]) -> Vec<Reply> {
    let talk = async {
        let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await?;
        let (mut reader, mut writer) = stream.split();
        let mut answers = Vec::new();
        // A server that has seen enough may answer and close before it has read everything.
        let write = async { drop(writer.write_all(bytes).await) };
        let (read, ()) = tokio::join!(reader.read_to_end(&mut answers), write);
        drop(read);
        Ok::<_, std::io::Error>(answers)
    };
    let answers = match tokio::time::timeout(std::time::Duration::from_secs(30), talk).await {
        Ok(Ok(answers)) => answers,
        other => panic!("no end from {url}: {other:?}"),
    };
    let mut replies = Vec::new();
    let mut rest = &answers[..];
    while !rest.is_empty() {
        let head = rest.windows(4).position(|window| window == b"\r\n\r\n").map_or(rest.len(), |at| at + 4);
        let length = parse(&rest[..head]).header("content-length").and_then(|length| length.parse().ok());
        let end = length.map_or(rest.len(), |length: usize| rest.len().min(head + length));
        replies.push(parse(&rest[..end]));
        rest = &rest[end..];
    }
    replies
}

fn parse(answer: &[u8]) -> Reply {
    let text = String::from_utf8_lossy(answer).into_owned();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { panic!("no HTTP answer: {text:?}") };
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(k, v)| (k.to_lowercase(), v.trim().to_owned()))
        .collect();
    let chunked = headers.iter().any(|(k, v)| k == "transfer-encoding" && v == "chunked");
    let text = if chunked { unchunk(body) } else { body.to_owned() };
    Reply { status: status.unwrap_or_else(|| panic!("no status: {head}")), headers, text }
}

fn unchunk(mut rest: &str) -> String {
    let mut text = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else { break };
        if size == 0 || after.len() < size {
            break;
        }
        text.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    text
}
