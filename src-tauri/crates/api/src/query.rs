//! What a list is asked for: query parameters, and the `filter` of a bulk command, which has the same members.

use std::str::FromStr;
use std::time::Duration;

use axum::extract::FromRequestParts;
use chrono::DateTime;
use http::request::Parts;
use serde_json::{Map, Value};
use sync_monitor_domain::hub::sync_item::OwnStatus;
use sync_monitor_domain::item::Status;
use sync_monitor_domain::{Millis, OrgId};
use sync_monitor_engine::model::{ActivityFilter, Filter, Sort, SortBy};
use uuid::Uuid;

use crate::problem::Problem;

mod described;

pub(crate) use described::{
    FileFormat, ItemFilter, LogFilter, OfOrg, Order, OwnFilter, Paging, Search, Window,
};

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 500;
const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);
/// More bars than these are no chart.
const MOST_BUCKETS: u64 = 2_000;

/// The parameters of a request, each taken out once; what is left over is a mistake.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(pairs)| Self(pairs))
            .map_err(|_| invalid("The query cannot be read: it is not name=value pairs joined by &."))
    }
}

/// A page of a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// 1 to 500.
    pub(crate) limit: u32,
    /// From the page before.
    pub(crate) cursor: Option<String>,
}

impl Query {
    /// The value of a parameter; an empty one is as good as none.
    pub(crate) fn take(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut found = None;
        for (_, value) in self.0.extract_if(.., |(n, _)| n == name) {
            if found.replace(value).is_some() {
                return Err(invalid(format!("{name} is given twice. Give it once.")));
            }
        }
        Ok(found.filter(|value| !value.is_empty()))
    }

    fn take_as<T>(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        read(&text).map(Some).map_err(|why| invalid(format!("{name} cannot be used: {why}.")))
    }

    /// Takes out what selects items.
    pub(crate) fn filter(&mut self) -> Result<Filter, Problem> {
        Ok(Filter {
            statuses: self.take_as("status", statuses)?.unwrap_or_default(),
            target: self.target()?,
            source: self.take_as("sourceOrgId", org_id)?,
            held: self.take_as("held", yes_or_no)?,
            dismissed: self.take_as("dismissed", yes_or_no)?,
            external_id: self.take("externalId")?,
            failure_key: self.take("failureKey")?,
            text: self.take("q")?,
            since: self.take_as("since", time)?,
            until: self.take_as("until", time)?,
            run: self.take_as("runId", uuid)?,
            as_of: self.take_as("asOf", time)?,
        })
    }

    /// Takes out what selects lines of the activity log.
    pub(crate) fn activity(&mut self) -> Result<ActivityFilter, Problem> {
        Ok(ActivityFilter {
            action: self.take_as("action", action)?,
            actor: self.take("actor")?,
            subject: self.take("subject")?,
            since: self.take_as("since", time)?,
            until: self.take_as("until", time)?,
        })
    }

    /// Takes out the window of the charts, and the width of their bars.
    pub(crate) fn window(&mut self) -> Result<(Duration, Duration), Problem> {
        let window = self.take_as("window", span)?.unwrap_or(DAY);
        if !(MINUTE..=90 * DAY).contains(&window) {
            return Err(invalid("window cannot be used: it must be from 1m to 90d."));
        }
        let usual = if window <= DAY / 24 {
            MINUTE
        } else if window <= DAY {
            30 * MINUTE
        } else {
            DAY / 4
        };
        let bucket = self.take_as("bucket", span)?.unwrap_or(usual);
        if bucket < MINUTE || bucket.as_secs() % 60 != 0 || window.as_secs() / bucket.as_secs() > MOST_BUCKETS
        {
            return Err(invalid(format!(
                "bucket cannot be used: it must be whole minutes, and the window at most {MOST_BUCKETS} of it."
            )));
        }
        Ok((window, bucket))
    }

    /// Takes out the one target org that is meant.
    pub(crate) fn target(&mut self) -> Result<Option<OrgId>, Problem> {
        self.take_as("targetOrgId", org_id)
    }

    /// Takes out the one org that is meant.
    pub(crate) fn org_id(&mut self) -> Result<Option<OrgId>, Problem> {
        self.take_as("orgId", org_id)
    }

    /// Takes out the order of a list.
    pub(crate) fn sort(&mut self) -> Result<Option<Sort>, Problem> {
        self.take_as("sort", |text| {
            let (descends, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
            let by = match name {
                "createdAt" => SortBy::CreatedAt,
                "updatedAt" => SortBy::UpdatedAt,
                "nextAttemptAt" => SortBy::NextAttemptAt,
                _ => {
                    return Err(
                        "it must be createdAt, updatedAt or nextAttemptAt, with a - before it for the latest first".into(),
                    );
                }
            };
            Ok(Sort { by, descends })
        })
    }

    /// The statuses of rows of an org's own queue.
    pub(crate) fn own_statuses(&mut self) -> Result<Vec<OwnStatus>, Problem> {
        let Some(text) = self.take("status")? else { return Ok(OwnStatus::ALL.to_vec()) };
        let read = |word: &str| {
            OwnStatus::from_word(word)
                .ok_or_else(|| invalid(format!("status: {word:?} is none of failed, staged, pending.")))
        };
        text.split(',').map(read).collect()
    }

    /// Takes out what selects a page.
    pub(crate) fn page(&mut self) -> Result<Page, Problem> {
        let limit = self.take_as("limit", |text| match text.parse() {
            Ok(limit @ 1..=MAX_LIMIT) => Ok(limit),
            _ => Err(format!("it must be a number from 1 to {MAX_LIMIT}")),
        })?;
        Ok(Page { limit: limit.unwrap_or(DEFAULT_LIMIT), cursor: self.take("cursor")? })
    }

    /// Complains of what is empty: in a list's address that is as good as none, but a command that meant some items is not to
    /// be done to all.
    pub(crate) fn refuse_empty(&self) -> Result<(), Problem> {
        match self.0.iter().find(|(_, value)| value.is_empty()) {
            None => Ok(()),
            Some((name, _)) => Err(invalid(format!(
                "\"{}\" is empty. Give it a value, or leave it out.",
                name.escape_debug()
            ))),
        }
    }

    /// Complains of what nobody took.
    pub(crate) fn end(self) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(invalid(format!(
                "\"{}\" is not known here. Leave it out, or look it up.",
                name.escape_debug()
            ))),
        }
    }
}

impl Query {
    /// The members of a JSON object as the parameters of a query: texts, numbers and booleans, and lists of texts for what
    /// is a comma list there.
    pub(crate) fn from_json(members: &Map<String, Value>) -> Result<Self, &'static str> {
        let mut pairs = Vec::with_capacity(members.len());
        for (name, value) in members {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                Value::Array(list) => {
                    let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
                    texts.ok_or("A list in a filter holds only texts.")?.join(",")
                }
                Value::Object(_) => return Err("A filter holds no objects."),
            };
            pairs.push((name.clone(), text));
        }
        Ok(Self(pairs))
    }
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::bad_request("INVALID_QUERY", detail)
}

fn statuses(text: &str) -> Result<Vec<Status>, String> {
    text.split(',')
        .map(|word| {
            Status::from_str(word.trim()).map_err(|error| {
                let known: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
                format!("{error}; it takes a comma list of {}", known.join(", "))
            })
        })
        .collect()
}

fn org_id(text: &str) -> Result<OrgId, String> {
    text.parse().map_err(|error: sync_monitor_domain::ids::OrgIdError| error.to_string())
}

/// An action, or all of a topic.
fn action(text: &str) -> Result<String, String> {
    let whole = text.strip_suffix('.').unwrap_or(text);
    // An action has one dot in it, so that its topic has none.
    if whole.is_empty() || (whole.len() < text.len() && whole.contains('.')) {
        return Err("it must be an action like item.retry, or a topic with its dot, like item.".into());
    }
    Ok(text.to_owned())
}

/// A span of time, like `5m`, `24h`, `7d`.
fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "it must be a number with m, h or d, like 5m, 24h or 7d".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let number: u32 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    let unit = match unit {
        'm' => MINUTE,
        'h' => 60 * MINUTE,
        'd' => DAY,
        _ => return Err(wrong()),
    };
    unit.checked_mul(number).filter(|span| !span.is_zero()).ok_or_else(wrong)
}

fn uuid(text: &str) -> Result<Uuid, String> {
    Uuid::parse_str(text).map_err(|_| "it must be a UUID, as GET runs tells it".to_owned())
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "it must be true or false".to_owned())
}

/// A time as RFC 3339 writes it.
pub(crate) fn time(text: &str) -> Result<Millis, String> {
    // A `+` that was not escaped arrives as a space.
    DateTime::parse_from_rfc3339(&text.replace(' ', "+"))
        .map(|time| Millis(time.timestamp_millis()))
        .map_err(|_| "it must be a date and time with a zone, like 2026-02-27T14:30:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn query(text: &str) -> Query {
        let uri = format!("/items?{text}").parse().unwrap();
        Query(axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).unwrap().0)
    }

    fn read(text: &str) -> Result<(Filter, Page), Problem> {
        let mut query = query(text);
        let read = (query.filter()?, query.page()?);
        query.end()?;
        Ok(read)
    }

    #[test]
    fn without_parameters_everything_is_meant() {
        let (filter, page) = read("").unwrap();
        assert_eq!(filter, Filter::default());
        assert_eq!(page, Page { limit: 100, cursor: None });
        assert_eq!(read("status=&targetOrgId=&cursor=").unwrap().0, Filter::default());
    }

    #[test]
    fn every_parameter_is_read() {
        let (filter, page) = read(
            "status=failed,retrying&targetOrgId=00D000000000001&sourceOrgId=00D000000000002EAA&held=true&dismissed=false\
             &externalId=WI%2D1&failureKey=abc&q=lock&since=2026-02-27T14:30:00Z&until=2026-02-27T15:30:00+01:00&asOf=2026-02-27T14:30:00Z&runId=00000000-0000-0000-0000-000000000007&limit=500&cursor=c",
        )
        .unwrap();
        let org = |text: &str| text.parse().ok();
        let expected = Filter {
            statuses: vec![Status::Failed, Status::Retrying],
            target: org("00D000000000001"),
            source: org("00D000000000002"),
            held: Some(true),
            dismissed: Some(false),
            external_id: Some("WI-1".into()),
            failure_key: Some("abc".into()),
            text: Some("lock".into()),
            since: Some(Millis(1_772_202_600_000)),
            until: Some(Millis(1_772_202_600_000)),
            run: Some(Uuid::from_u128(7)),
            as_of: Some(Millis(1_772_202_600_000)),
        };
        assert_eq!(filter, expected);
        assert_eq!(page, Page { limit: 500, cursor: Some("c".into()) });
    }

    #[test]
    fn the_log_is_asked_for_actions_topics_people_and_times() {
        let text =
            "action=item.&actor=user:a&subject=x&since=2026-02-27T14:30:00Z&until=2026-02-27T14:30:01Z";
        let expected = ActivityFilter {
            action: Some("item.".into()),
            actor: Some("user:a".into()),
            subject: Some("x".into()),
            since: Some(Millis(1_772_202_600_000)),
            until: Some(Millis(1_772_202_601_000)),
        };
        assert_eq!(query(text).activity().unwrap(), expected);
        assert_eq!(query("action=item.retry").activity().unwrap().action.as_deref(), Some("item.retry"));
        for wrong in [".", "item.retry."] {
            assert!(query(&format!("action={wrong}")).activity().unwrap_err().detail().contains("action"));
        }
    }

    #[rstest]
    #[case("createdAt", Some(Sort { by: SortBy::CreatedAt, descends: false }))]
    #[case("-updatedAt", Some(Sort { by: SortBy::UpdatedAt, descends: true }))]
    #[case("-nextAttemptAt", Some(Sort { by: SortBy::NextAttemptAt, descends: true }))]
    #[case("", None)]
    fn an_order_is_a_member_with_a_sign(#[case] text: &str, #[case] sort: Option<Sort>) {
        assert_eq!(query(&format!("sort={text}")).sort().unwrap(), sort);
        for wrong in ["title", "--createdAt", "createdat", "-"] {
            assert!(query(&format!("sort={wrong}")).sort().unwrap_err().detail().contains("createdAt"));
        }
    }

    #[rstest]
    #[case("", 86_400, 1_800)]
    #[case("window=1h", 3_600, 60)]
    #[case("window=1h&bucket=5m", 3_600, 300)]
    #[case("window=90d", 7_776_000, 21_600)]
    fn a_chart_has_a_window_and_bars(#[case] text: &str, #[case] window: u64, #[case] bucket: u64) {
        let told = query(text).window().unwrap();
        assert_eq!((told.0.as_secs(), told.1.as_secs()), (window, bucket));
    }

    #[rstest]
    #[case("window=91d")]
    #[case("window=0m")]
    #[case("window=h")]
    #[case("window=1y")]
    #[case("window=-1h")]
    #[case("window=5µ")]
    #[case("window=99999999d")]
    #[case("window=7d&bucket=1m")]
    #[case("bucket=30s")]
    fn what_is_no_chart_is_refused(#[case] text: &str) {
        assert!(query(text).window().is_err(), "{text}");
    }

    #[rstest]
    #[case::limit_zero("limit=0", "limit")]
    #[case::limit_too_high("limit=501", "limit")]
    #[case::limit_negative("limit=-1", "limit")]
    #[case::limit_no_number("limit=ten", "limit")]
    #[case::unknown_status("status=failed,lost", "\"lost\"")]
    #[case::status_in_another_case("status=Failed", "\"Failed\"")]
    #[case::no_org("targetOrgId=005000000000001", "targetOrgId")]
    #[case::no_boolean("held=maybe", "held")]
    #[case::no_run("runId=7", "runId")]
    #[case::no_time("since=yesterday", "since")]
    #[case::a_time_without_zone("until=2026-02-27T14:30:00", "until")]
    #[case::unknown_parameter("colour=red", "\"colour\"")]
    #[case::twice("status=failed&status=synced", "status")]
    fn what_cannot_be_used_is_named(#[case] text: &str, #[case] named: &str) {
        let problem = read(text).unwrap_err();
        assert_eq!(problem.status(), http::StatusCode::BAD_REQUEST);
        assert!(problem.detail().contains(named), "{}", problem.detail());
    }

    #[test]
    fn a_filter_in_json_means_the_same_as_in_a_query() {
        let json = r#"{"status": ["failed", "retrying"], "dismissed": true, "targetOrgId": "00D000000000001", "q": null}"#;
        let mut from_json = Query::from_json(&serde_json::from_str(json).unwrap()).unwrap();
        let mut from_query = query("status=failed,retrying&dismissed=true&targetOrgId=00D000000000001");
        assert_eq!(from_json.filter().unwrap(), from_query.filter().unwrap());
        from_json.end().unwrap();
    }
}
