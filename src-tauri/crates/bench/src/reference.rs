//! The references: servers that do part of what the program does, as well as it can be done. What the program costs is told
//! as a multiple of theirs, measured in the same run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// The most rows in one commit, as in the program.
const GROUP: usize = 256;
const ANSWER: &str = r#"{"success":true,"transactionId":"x","recordsProcessed":1,"errors":[]}"#;

/// What a reference does with a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Parses it and answers.
    Bare,
    /// Parses it, writes a row, and answers when the row is synced to the disk, in groups.
    Durable,
}

/// The documented payload, as far as a handler must look at it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    transaction_id: &'a str,
    source_org_id: &'a str,
    timestamp: &'a str,
    operation: &'a str,
    #[serde(borrow)]
    records: Vec<&'a RawValue>,
}

type Row = (String, Bytes, oneshot::Sender<bool>);

/// Serves until the process ends; prints its URL first.
///
/// # Errors
/// When it cannot listen or cannot open its database.
pub(crate) async fn serve(kind: Kind, folder: &Path) -> anyhow::Result<()> {
    let writer = match kind {
        Kind::Bare => None,
        Kind::Durable => Some(writer(folder.join("reference.db"))?),
    };
    let app = Router::new().route("/delivery/sync", post(handle)).with_state(Arc::new(writer));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn handle(
    State(writer): State<Arc<Option<mpsc::Sender<Row>>>>,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let Ok(payload) = serde_json::from_slice::<Payload<'_>>(&body) else {
        return (StatusCode::BAD_REQUEST, "");
    };
    let said = [payload.source_org_id, payload.timestamp, payload.operation];
    if payload.records.is_empty() || said.iter().any(|member| member.is_empty()) {
        return (StatusCode::BAD_REQUEST, "");
    }
    if let Some(writer) = writer.as_ref() {
        let (answer, written) = oneshot::channel();
        let row = (payload.transaction_id.to_owned(), body.clone(), answer);
        if writer.send(row).await.is_err() || written.await != Ok(true) {
            return (StatusCode::INTERNAL_SERVER_ERROR, "");
        }
    }
    (StatusCode::OK, ANSWER)
}

/// A thread that writes rows and commits whatever waits as one group.
fn writer(path: PathBuf) -> anyhow::Result<mpsc::Sender<Row>> {
    let sql = Connection::open(&path).with_context(|| format!("{} cannot be opened", path.display()))?;
    sql.pragma_update(None, "journal_mode", "WAL")?;
    sql.pragma_update(None, "synchronous", "FULL")?;
    sql.execute_batch("CREATE TABLE payloads (id INTEGER PRIMARY KEY, transaction_id TEXT NOT NULL UNIQUE, body BLOB NOT NULL) STRICT")?;
    let (rows, mut inbox) = mpsc::channel::<Row>(4_096);
    std::thread::spawn(move || {
        while let Some(first) = inbox.blocking_recv() {
            let mut group = vec![first];
            while group.len() < GROUP
                && let Ok(row) = inbox.try_recv()
            {
                group.push(row);
            }
            let written = write(&sql, &group);
            if let Err(error) = &written {
                eprintln!("the reference could not write: {error}");
            }
            for (_, _, answer) in group {
                // A client that went away is not waited for.
                let _ = answer.send(written.is_ok());
            }
        }
    });
    Ok(rows)
}

fn write(sql: &Connection, group: &[Row]) -> rusqlite::Result<()> {
    sql.execute_batch("BEGIN IMMEDIATE")?;
    for (transaction_id, body, _) in group {
        sql.prepare_cached("INSERT INTO payloads (transaction_id, body) VALUES (?1, ?2)")?
            .execute((transaction_id, body.as_ref()))?;
    }
    sql.execute_batch("COMMIT")
}
