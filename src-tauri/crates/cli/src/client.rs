//! Asking the running program over its API.

use std::fmt::Write as _;
use std::future::poll_fn;
use std::io::Write as _;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use hyper::body::{Body as _, Incoming};
use hyper_util::rt::TokioIo;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sync_monitor_runtime::data_dir::Announcement;
use tokio::net::TcpStream;
use tokio::time::timeout;

const CONNECT: Duration = Duration::from_secs(5);
/// Connecting an org waits for its token server, which may take as long as the program's own time-outs.
const WHOLE: Duration = Duration::from_mins(5);

/// The program that runs on a data folder.
pub(crate) struct Client {
    running: Announcement,
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nobody answers; says what to do.
    NotRunning(String),
    /// The program said no: the problem's JSON.
    Refused(Problem),
    /// Something else; says what.
    Failed(String),
}

/// A problem as the API tells it.
#[derive(Debug)]
pub(crate) struct Problem {
    /// For a person.
    pub(crate) detail: String,
    /// As it came.
    pub(crate) json: String,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(format!("{error:#}"))
    }
}

/// An answer with a 2xx status.
pub(crate) struct Answer(String);

impl Answer {
    /// What the program would have answered, had it run.
    pub(crate) fn of(answer: &impl Serialize) -> Result<Self, Failure> {
        serde_json::to_string(answer)
            .map(Self)
            .map_err(|error| Failure::Failed(format!("The answer cannot be written: {error}.")))
    }

    /// The JSON as it came.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The JSON as something to show.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.0).map_err(|error| {
            let advice = "Does the running program have another version than this command? Restart it.";
            Failure::Failed(format!("The answer was not understood ({error}). {advice}"))
        })
    }
}

impl Client {
    /// The program that announced itself in the data folder.
    pub(crate) fn find(data_dir: &Path) -> Result<Self, Failure> {
        match Announcement::read(data_dir)? {
            Some(running) if is_alive(running.pid) => Ok(Self { running }),
            _ => Err(not_running(&format!("it has left no address in {}", data_dir.display()))),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.call(Method::GET, path, None).await
    }

    /// Copies the answer to stdout as it comes.
    pub(crate) async fn copy(&self, path: &str) -> Result<(), Failure> {
        let (host, request) = self.request(Method::GET, path, None)?;
        let (status, mut body) = begin(&host, request).await?;
        if !status.is_success() {
            let text =
                String::from_utf8_lossy(&read(body).await.map_err(|error| broke_off(&error))?).into_owned();
            return Err(self.refused(status, text));
        }
        let mut out = std::io::stdout().lock();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            let bytes = frame.map_err(|error| broke_off(&error))?.into_data().unwrap_or_default();
            match out.write_all(&bytes) {
                // Whoever reads only the beginning is served as well.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => break,
                Err(error) => return Err(Failure::Failed(format!("The output cannot be written: {error}."))),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// The events of the program, from now on.
    pub(crate) async fn events(&self) -> Result<Events, Failure> {
        let (host, request) = self.request(Method::GET, "events", None)?;
        let (status, body) = begin(&host, request).await?;
        if status.is_success() {
            return Ok(Events { body, rest: Vec::new() });
        }
        let text =
            String::from_utf8_lossy(&read(body).await.map_err(|error| broke_off(&error))?).into_owned();
        Err(self.refused(status, text))
    }

    /// The program has ended.
    pub(crate) fn gone(&self) -> Failure {
        not_running(&format!("it has stopped answering at {}", self.running.url))
    }

    pub(crate) async fn post(&self, path: &str, body: Option<&Value>) -> Result<Answer, Failure> {
        self.call(Method::POST, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Answer, Failure> {
        self.call(Method::DELETE, path, None).await
    }

    /// Asks `/api/v1/{path}`.
    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Failure> {
        let (host, request) = self.request(method, path, body)?;
        let exchange = async {
            let (status, body) = begin(&host, request).await?;
            let body = read(body).await.map_err(|error| broke_off(&error))?;
            Ok::<_, Failure>((status, String::from_utf8_lossy(&body).into_owned()))
        };
        let (status, text) = match timeout(WHOLE, exchange).await {
            Ok(answered) => answered?,
            Err(_) => {
                return Err(Failure::Failed(format!("The program at {host} took too long. See its log.")));
            }
        };
        if status.is_success() { Ok(Answer(text)) } else { Err(self.refused(status, text)) }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(String, Request<String>), Failure> {
        let host = self.running.url.strip_prefix("http://").unwrap_or(&self.running.url);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/{path}"))
            .header(header::HOST, host)
            .header(header::USER_AGENT, concat!("sync-monitor-cli/", env!("CARGO_PKG_VERSION")))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.running.token.expose_secret()));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(String::new, Value::to_string);
        let request =
            request.body(body).map_err(|error| Failure::Failed(format!("This cannot be asked: {error}.")))?;
        Ok((host.to_owned(), request))
    }

    fn refused(&self, status: StatusCode, text: String) -> Failure {
        match status {
            // The program takes its own token: whoever answers is another.
            StatusCode::UNAUTHORIZED => {
                not_running(&format!("something else answers at {}", self.running.url))
            }
            _ => Failure::Refused(Problem::read(status, text)),
        }
    }
}

/// A stream of events.
pub(crate) struct Events {
    body: Incoming,
    /// What came after the last whole line.
    rest: Vec<u8>,
}

impl Events {
    /// Waits for the next event; `false` when there are no more.
    pub(crate) async fn next(&mut self) -> Result<bool, Failure> {
        loop {
            while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                if line.starts_with(b"data:") {
                    return Ok(true);
                }
            }
            let body = &mut self.body;
            let Some(frame) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await else {
                return Ok(false);
            };
            // A connection that breaks is a program that has ended.
            let Ok(frame) = frame else { return Ok(false) };
            self.rest.extend_from_slice(&frame.into_data().unwrap_or_default());
        }
    }
}

fn broke_off(error: &hyper::Error) -> Failure {
    Failure::Failed(format!("The answer broke off: {error}. See the program's log."))
}

/// Sends a request on a connection of its own: one command asks only once or twice.
async fn begin(host: &str, request: Request<String>) -> Result<(StatusCode, Incoming), Failure> {
    let nobody = || not_running(&format!("nobody answers at {host}"));
    let failed = |error: hyper::Error| {
        Failure::Failed(format!("The program at {host} did not answer: {error}. See its log."))
    };
    let stream =
        timeout(CONNECT, TcpStream::connect(host)).await.map_err(|_| nobody())?.map_err(|_| nobody())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    // Drives the request and its answer; what goes wrong is told to whoever waits for them.
    tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(failed)?;
    Ok((response.status(), response.into_body()))
}

async fn read(mut body: Incoming) -> hyper::Result<Vec<u8>> {
    let mut whole = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        whole.extend_from_slice(&frame?.into_data().unwrap_or_else(|_| Bytes::new()));
    }
    Ok(whole)
}

impl Problem {
    fn read(status: StatusCode, json: String) -> Self {
        let detail = serde_json::from_str(&json)
            .ok()
            .and_then(|problem: Value| Some(problem.get("detail")?.as_str()?.to_owned()))
            .unwrap_or_else(|| format!("The program answered {status}."));
        Self { detail, json }
    }
}

fn not_running(why: &str) -> Failure {
    Failure::NotRunning(format!(
        "Sync Monitor is not running: {why}. Start it with `sync-monitor` or `sync-monitor serve`; name its data folder with --data-dir if it is not the usual one."
    ))
}

/// Is there a process with this number? Where that cannot be told, there may be.
fn is_alive(pid: u32) -> bool {
    !Path::new("/proc/self").exists() || Path::new(&format!("/proc/{pid}")).exists()
}

/// A query of these parameters, with its `?`.
pub(crate) fn query(parameters: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in parameters {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        text.push_str(&escape(value));
    }
    text
}

/// A text as a part of a path or a query.
pub(crate) fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_types_stays_one_part_of_the_path() {
        assert_eq!(escape("../orgs?x=1#é"), "..%2Forgs%3Fx%3D1%23%C3%A9");
        assert_eq!(
            query(&[("q", "a b&c"), ("status", "failed,queued")]),
            "?q=a%20b%26c&status=failed%2Cqueued"
        );
        assert_eq!(query(&[]), "");
    }

    #[test]
    fn a_program_that_never_ran_is_not_running() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Client::find(folder.path()), Err(Failure::NotRunning(_))));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_that_died_is_not_running() {
        let folder = tempfile::tempdir().unwrap();
        let stale = r#"{"url": "http://127.0.0.1:9", "token": "t", "pid": 4294967295}"#;
        std::fs::write(folder.path().join("api.json"), stale).unwrap();
        assert!(matches!(Client::find(folder.path()), Err(Failure::NotRunning(_))));
    }

    #[tokio::test]
    async fn a_refused_connection_means_that_it_is_not_running() {
        let folder = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let stale = format!(r#"{{"url": "http://{free}", "token": "t", "pid": {}}}"#, std::process::id());
        std::fs::write(folder.path().join("api.json"), stale).unwrap();
        let client = Client::find(folder.path()).unwrap();
        assert!(matches!(client.get("status").await, Err(Failure::NotRunning(_))));
    }

    #[test]
    fn a_problem_without_detail_still_says_something() {
        let problem = Problem::read(StatusCode::BAD_GATEWAY, "<html>".into());
        assert_eq!(problem.detail, "The program answered 502 Bad Gateway.");
    }
}
