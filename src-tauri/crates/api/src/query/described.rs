//! The parameters as the description of the API tells them (`docs/openapi.json`); [`super::Query`] reads them.

use utoipa::{IntoParams, ToSchema};

use crate::schema;

/// What selects items, in a query and in the `filter` of a bulk command; all conditions together.
#[derive(IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(rename_all = "camelCase")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "says what Query::filter takes")]
pub(crate) struct ItemFilter {
    /// Any of these, joined by commas.
    #[param(
        pattern = "^(queued|processing|retrying|failed|synced|superseded)(,(queued|processing|retrying|failed|synced|superseded))*$"
    )]
    #[schema(
        pattern = "^(queued|processing|retrying|failed|synced|superseded)(,(queued|processing|retrying|failed|synced|superseded))*$"
    )]
    status: Option<String>,
    /// Going to this org.
    #[param(value_type = Option<schema::OrgId>)]
    #[schema(value_type = Option<schema::OrgId>)]
    target_org_id: Option<String>,
    /// Coming from this org.
    #[param(value_type = Option<schema::OrgId>)]
    #[schema(value_type = Option<schema::OrgId>)]
    source_org_id: Option<String>,
    /// Only those that wait for something other than their time, or only those that wait for their time alone.
    held: Option<bool>,
    /// Only the dismissed, or only the others; left out: the others.
    dismissed: Option<bool>,
    /// With this record.
    #[schema(min_length = 1)]
    external_id: Option<String>,
    /// Failed for this cause.
    #[schema(min_length = 1)]
    failure_key: Option<String>,
    /// With these words, or beginnings of words, in externalId, title and transactionId together, or in the last error.
    #[schema(min_length = 1)]
    q: Option<String>,
    /// Accepted at or after.
    #[param(value_type = Option<schema::Time>)]
    #[schema(value_type = Option<schema::Time>)]
    since: Option<String>,
    /// Accepted before.
    #[param(value_type = Option<schema::Time>)]
    #[schema(value_type = Option<schema::Time>)]
    until: Option<String>,
    /// Last changed by then: what failed later is left alone.
    #[param(value_type = Option<schema::Time>)]
    #[schema(value_type = Option<schema::Time>)]
    as_of: Option<String>,
    /// Changed by this bulk run.
    #[param(value_type = Option<Uuid>)]
    #[schema(value_type = Option<Uuid>)]
    run_id: Option<String>,
}

/// What selects lines of the activity log; all conditions together.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "says what Query::activity takes")]
pub(crate) struct LogFilter {
    /// What was done, like `item.retry`, or the beginning of it up to a dot, like `item.`.
    action: Option<String>,
    /// Who did it.
    actor: Option<String>,
    /// To what.
    subject: Option<String>,
    /// At or after.
    #[param(value_type = Option<schema::Time>)]
    since: Option<String>,
    /// Before.
    #[param(value_type = Option<schema::Time>)]
    until: Option<String>,
}

/// The order of a list of items.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "says what Query::sort takes")]
pub(crate) struct Order {
    /// With a - before it the latest first; left out: what suits the status.
    #[param(pattern = "^-?(createdAt|updatedAt|nextAttemptAt)$")]
    sort: Option<String>,
}

/// What is looked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "says what a list takes that is searched")]
pub(crate) struct Search {
    /// With these words, or beginnings of words, in their names and titles.
    q: Option<String>,
}

/// Which page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "says what Query::page takes")]
pub(crate) struct Paging {
    /// How many at most; left out: 100.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// From the page before.
    cursor: Option<String>,
}

/// The window of the charts.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "says what Query::window and Query::target take")]
pub(crate) struct Window {
    /// From now back, 1m to 90d; left out: 24h.
    #[param(pattern = "^[1-9][0-9]{0,4}[mhd]$")]
    window: Option<String>,
    /// The width of a bar, in whole minutes.
    #[param(pattern = "^[1-9][0-9]{0,4}[mhd]$")]
    bucket: Option<String>,
    /// Only what went to this org, and the echoes that came back from it.
    #[param(value_type = Option<schema::OrgId>)]
    target_org_id: Option<String>,
}

/// Of which org.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "says what Query::org_id takes")]
pub(crate) struct OfOrg {
    /// Only what has to do with this org.
    #[param(value_type = Option<schema::OrgId>)]
    org_id: Option<String>,
}

/// Which rows of an org's own queue.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "says what Query::own_statuses takes")]
pub(crate) struct OwnFilter {
    /// Any of these, with commas between; left out: all three.
    #[param(pattern = "^(failed|staged|pending)(,(failed|staged|pending))*$")]
    status: Option<String>,
}

/// How a file is written.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "says what an export takes")]
pub(crate) struct FileFormat {
    /// ndjson (a JSON object a line) or csv; left out: ndjson.
    #[param(pattern = "^(ndjson|csv)$")]
    format: Option<String>,
}
