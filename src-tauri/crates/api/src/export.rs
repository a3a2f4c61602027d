//! Items and the activity log as files: CSV for spreadsheets, NDJSON for programs. Streamed, however long they are.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use serde::Serialize;
use serde_json::Value;
use sync_monitor_engine::model::{ActivityFilter, Filter, Sort, SortBy};
use utoipa::openapi::response::{Response as Described, ResponseBuilder};
use utoipa::openapi::{ContentBuilder, RefOr};
use utoipa::{IntoResponses, PartialSchema as _};

use crate::openapi::{BadQuery, Refused};
use crate::problem::Problem;
use crate::query::{FileFormat, ItemFilter, LogFilter, Query};
use crate::{App, csv, dto};

/// How much is read from the store at once.
const PAGE: u32 = 500;
/// The columns of items, by their JSON Pointers.
const ITEM: [&str; 20] = [
    "/id",
    "/transactionId",
    "/sourceOrgId",
    "/targetOrgId",
    "/operation",
    "/externalIds",
    "/title",
    "/status",
    "/heldBy",
    "/attempts",
    "/cycle",
    "/createdAt",
    "/updatedAt",
    "/nextAttemptAt",
    "/lastError/httpStatus",
    "/lastError/errorCode",
    "/lastError/message",
    "/failureKey",
    "/dismissedAt",
    "/dismissReason",
];
/// The columns of the activity log.
const ACTIVITY: [&str; 9] =
    ["/id", "/at", "/actor", "/action", "/subject", "/reason", "/count", "/detail", "/via"];

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Ndjson,
}

impl Format {
    fn of(query: &mut Query) -> Result<Self, Problem> {
        match query.take("format")?.as_deref() {
            None | Some("ndjson") => Ok(Self::Ndjson),
            Some("csv") => Ok(Self::Csv),
            Some(_) => {
                Err(Problem::bad_request("INVALID_QUERY", "format cannot be used: it must be csv or ndjson."))
            }
        }
    }

    fn head(self, columns: &[&str]) -> String {
        match self {
            Self::Csv => {
                csv::record(columns.iter().map(|column| column.rsplit('/').next().unwrap_or_default()))
            }
            Self::Ndjson => String::new(),
        }
    }

    fn line(self, row: &Value, columns: &[&str]) -> String {
        match self {
            Self::Csv => csv::record(columns.iter().map(|column| field(row.pointer(column)))),
            Self::Ndjson => format!("{row}\n"),
        }
    }

    fn response(self, name: &str, body: Body) -> Response {
        let (kind, ending) = match self {
            Self::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
            Self::Ndjson => ("application/x-ndjson", "ndjson"),
        };
        let mut response = body.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}.{ending}\"")) {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
        response
    }
}

/// A value as the text of a field.
fn field(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        Some(other) => other.to_string(),
    }
}

/// A file, as it is described.
struct File;

impl IntoResponses for File {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        let text = || ContentBuilder::new().schema(Some(String::schema())).build();
        let file = ResponseBuilder::new()
            .description("A file, streamed")
            .content("application/x-ndjson", text())
            .content("text/csv", text());
        BTreeMap::from([("200".to_owned(), RefOr::T(file.build()))])
    }
}

/// Where a stream has got to.
struct Reader {
    app: Arc<App>,
    what: What,
    format: Format,
    cursor: Option<String>,
    /// Lines that are ready.
    ready: VecDeque<String>,
    ended: bool,
}

enum What {
    Items(Box<Filter>),
    Activity(ActivityFilter),
}

impl Reader {
    fn columns(&self) -> &'static [&'static str] {
        match self.what {
            What::Items(_) => &ITEM,
            What::Activity(_) => &ACTIVITY,
        }
    }

    async fn read(&mut self) -> Result<(), Problem> {
        let (rows, next) = match &self.what {
            What::Items(filter) => {
                // The order in which nothing moves while it is read.
                let sort = Some(Sort { by: SortBy::CreatedAt, descends: false });
                let page = self.app.engine.items((**filter).clone(), sort, PAGE, self.cursor.take()).await?;
                (rows(page.items.into_iter().map(dto::Item::from)), page.next_cursor)
            }
            What::Activity(filter) => {
                let page = self.app.engine.activity(filter.clone(), PAGE, self.cursor.take()).await?;
                (rows(page.activity.into_iter().map(dto::Activity::from)), page.next_cursor)
            }
        };
        let columns = self.columns();
        self.ready.push_back(rows.iter().map(|row| self.format.line(row, columns)).collect());
        self.ended = next.is_none();
        self.cursor = next;
        Ok(())
    }

    /// The first page is read before anything is said, so that what cannot be read is told as a problem.
    async fn response(mut self, name: &str) -> Result<Response, Problem> {
        let head = self.format.head(self.columns());
        self.ready.push_back(head);
        self.read().await?;
        let format = self.format;
        let lines = stream::unfold(self, |mut reader| async move {
            loop {
                if let Some(lines) = reader.ready.pop_front() {
                    return Some((Ok::<_, Infallible>(Bytes::from(lines)), reader));
                }
                if reader.ended {
                    return None;
                }
                if let Err(problem) = reader.read().await {
                    // Too late for a status: a file that breaks off is all that can be said.
                    tracing::error!(why = problem.detail(), "an export broke off");
                    return None;
                }
            }
        });
        Ok(format.response(name, Body::from_stream(lines)))
    }
}

fn rows(list: impl Iterator<Item = impl Serialize>) -> Vec<Value> {
    // Our own types, whose keys are texts: this cannot fail.
    list.map(|row| serde_json::to_value(row).unwrap_or_default()).collect()
}

fn reader(app: Arc<App>, what: What, format: Format) -> Reader {
    Reader { app, what, format, cursor: None, ready: VecDeque::new(), ended: false }
}

/// Items for a spreadsheet or a program, in the order of acceptance; what comes in meanwhile is left out.
#[utoipa::path(
    get,
    path = "/items/export",
    tag = "items",
    params(ItemFilter, FileFormat),
    responses(File, Refused, BadQuery)
)]
pub(crate) async fn items(State(app): State<Arc<App>>, mut query: Query) -> Result<Response, Problem> {
    let format = Format::of(&mut query)?;
    let mut filter = query.filter()?;
    query.end()?;
    let now = app.engine.clock().now().plus(std::time::Duration::from_millis(1));
    filter.until = Some(filter.until.map_or(now, |until| until.min(now)));
    reader(app, What::Items(Box::new(filter)), format).response("items").await
}

/// The lines of the activity log that a filter matches, for a spreadsheet or a program, newest first.
#[utoipa::path(
    get,
    path = "/activity/export",
    tag = "activity",
    params(LogFilter, FileFormat),
    responses(File, Refused, BadQuery)
)]
pub(crate) async fn activity(State(app): State<Arc<App>>, mut query: Query) -> Result<Response, Problem> {
    let format = Format::of(&mut query)?;
    let filter = query.activity()?;
    query.end()?;
    reader(app, What::Activity(filter), format).response("activity").await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_kind_have_a_text() {
        let row = serde_json::json!({ "a": null, "b": ["x", "y"], "c": 5, "d": true, "e": "t" });
        let line = Format::Csv.line(&row, &["/a", "/b", "/c", "/d", "/e", "/none"]);
        assert_eq!(line, ",x y,5,true,t,\r\n");
    }
}
