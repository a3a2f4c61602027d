//! What is done to items, one or many at once, and the runs that are kept of it.

use axum::Json;
use axum::extract::{Path, State};
use sync_monitor_engine::model::{Bulk, Selection};

use super::{Answer, App_, invalid, named, text};
use crate::asker::Asker;
use crate::openapi::{BadBody, BadQuery, NotFound, Refused};
use crate::problem::Problem;
use crate::query::{self, Query};
use crate::{body, dto};

/// Try failed items again, from attempt 1.
#[utoipa::path(post, path = "/items/retry", tag = "items", request_body = dto::Selection, responses((status = 200, body = dto::Bulk), Refused, BadBody))]
pub(crate) async fn retry(
    State(app): App_,
    Asker(actor): Asker,
    body::Json(command): body::Json<dto::BulkCommand>,
) -> Answer<dto::Bulk> {
    let selection = select_without_reason(command)?;
    Ok(Json(answer(app.engine.retry(selection, &actor).await?)))
}

/// What a retry would do now, changing nothing.
#[utoipa::path(post, path = "/items/preflight", tag = "items", request_body = dto::Selection, responses((status = 200, body = dto::Preflight), Refused, BadBody))]
pub(crate) async fn preflight(
    State(app): App_,
    body::Json(command): body::Json<dto::BulkCommand>,
) -> Answer<dto::Preflight> {
    let selection = select_without_reason(command)?;
    Ok(Json(app.engine.preflight(selection).await?.into()))
}

/// Take failed items out of view, for a reason.
#[utoipa::path(post, path = "/items/dismiss", tag = "items", request_body = dto::Dismissal, responses((status = 200, body = dto::Bulk), Refused, BadBody))]
pub(crate) async fn dismiss(
    State(app): App_,
    Asker(actor): Asker,
    body::Json(command): body::Json<dto::BulkCommand>,
) -> Answer<dto::Bulk> {
    let (selection, reason) = select(command)?;
    let reason = text("reason", reason.as_deref().unwrap_or_default())?;
    Ok(Json(answer(app.engine.dismiss(selection, reason, &actor).await?)))
}

/// Bring dismissed items back.
#[utoipa::path(post, path = "/items/restore", tag = "items", request_body = dto::Selection, responses((status = 200, body = dto::Bulk), Refused, BadBody))]
pub(crate) async fn restore(
    State(app): App_,
    Asker(actor): Asker,
    body::Json(command): body::Json<dto::BulkCommand>,
) -> Answer<dto::Bulk> {
    let selection = select_without_reason(command)?;
    Ok(Json(answer(app.engine.restore(selection, &actor).await?)))
}

/// Make the next attempt of retrying items due now.
#[utoipa::path(post, path = "/items/send-now", tag = "items", request_body = dto::Selection, responses((status = 200, body = dto::Bulk), Refused, BadBody))]
pub(crate) async fn send_now(
    State(app): App_,
    Asker(actor): Asker,
    body::Json(command): body::Json<dto::BulkCommand>,
) -> Answer<dto::Bulk> {
    let selection = select_without_reason(command)?;
    Ok(Json(answer(app.engine.send_now(selection, &actor).await?)))
}

/// Bulk runs, the newest first.
#[utoipa::path(get, path = "/runs", tag = "runs", params(query::Paging), responses((status = 200, body = dto::Runs), Refused, BadQuery))]
pub(crate) async fn runs(State(app): App_, mut query: Query) -> Answer<dto::Runs> {
    let page = query.page()?;
    query.end()?;
    let page = app.engine.runs(page.limit, page.cursor).await?;
    Ok(Json(dto::Runs {
        runs: page.runs.into_iter().map(dto::Run::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

/// A bulk run: what it left alone and why, and where its items stand now.
#[utoipa::path(get, path = "/runs/{id}", tag = "runs", params(("id" = uuid::Uuid, Path, description = "The run")), responses((status = 200, body = dto::RunDetail), Refused, NotFound))]
pub(crate) async fn run(State(app): App_, Path(id): Path<String>) -> Answer<dto::RunDetail> {
    Ok(Json(app.engine.run(named("run", &id)?).await?.into()))
}

/// What a bulk command selects, and why it is given.
fn select(command: dto::BulkCommand) -> Result<(Selection, Option<String>), Problem> {
    let selection = match (command.ids, command.filter) {
        (Some(ids), None) => Selection::Ids(ids),
        (None, Some(sent)) => {
            let mut query = Query::from_json(&sent).map_err(invalid)?;
            query.refuse_empty()?;
            let filter = Box::new(query.filter()?);
            query.end()?;
            Selection::Filter { filter, sent: serde_json::Value::Object(sent).to_string() }
        }
        _ => return Err(invalid("The body must have either ids or filter.")),
    };
    Ok((selection, command.reason))
}

fn select_without_reason(command: dto::BulkCommand) -> Result<Selection, Problem> {
    match select(command)? {
        (selection, None) => Ok(selection),
        (_, Some(_)) => Err(invalid("reason belongs to dismiss only. Leave it out.")),
    }
}

fn answer(bulk: Bulk) -> dto::Bulk {
    dto::Bulk {
        changed: bulk.changed,
        refused: bulk.refused.into_iter().map(dto::Refusal::from).collect(),
        run_id: bulk.run,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;
    use rstest::rstest;

    fn command(json: &str) -> dto::BulkCommand {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_filter_is_kept_as_it_was_sent() {
        let sent = r#"{"failureKey":"k","status":["failed"]}"#;
        let (selection, _) = select(command(&format!(r#"{{"filter": {sent}}}"#))).unwrap();
        let Selection::Filter { filter, sent: kept } = selection else { panic!("{selection:?}") };
        assert_eq!((filter.failure_key.as_deref(), kept.as_str()), (Some("k"), sent));
    }

    #[rstest]
    #[case::neither("{}")]
    #[case::both(r#"{"ids": [], "filter": {}}"#)]
    #[case::an_unknown_filter(r#"{"filter": {"colour": "red"}}"#)]
    #[case::an_empty_filter_member(r#"{"filter": {"targetOrgId": ""}}"#)]
    #[case::a_bad_filter(r#"{"filter": {"status": "lost"}}"#)]
    #[case::an_object_in_a_filter(r#"{"filter": {"status": {}}}"#)]
    #[case::a_list_of_numbers_in_a_filter(r#"{"filter": {"status": [1]}}"#)]
    fn a_bulk_command_that_is_not_clear_is_refused(#[case] json: &str) {
        let refused = select(command(json)).err().map(|problem| problem.status());
        assert_eq!(refused, Some(StatusCode::BAD_REQUEST));
    }

    #[test]
    fn a_reason_is_not_dropped_silently() {
        assert!(select_without_reason(command(r#"{"ids": [], "reason": "why"}"#)).is_err());
    }
}
