//! The pauses that the tray offers.

use chrono::{DateTime, Days, Local, NaiveTime, SecondsFormat, TimeDelta, TimeZone, Utc};
use serde::Deserialize;
use serde_json::json;
use sync_monitor_api::InProcess;
use tauri::AppHandle;

use crate::answers::Status;
use crate::notification::{self, Notification};

/// When a day begins for who pauses until tomorrow.
const MORNING: NaiveTime = NaiveTime::from_hms_opt(8, 0, 0).expect("a time of day");

/// How long nothing is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// A quarter of an hour.
    Quarter,
    /// An hour.
    Hour,
    /// Until the morning of the next day, by the clock on the wall.
    Tomorrow,
    /// Until somebody resumes.
    Open,
}

impl Pause {
    /// Those that there are, in the order of the menu.
    pub(crate) const ALL: [Self; 4] = [Self::Quarter, Self::Hour, Self::Tomorrow, Self::Open];

    /// Its entry's id in the menu.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Quarter => "pause-quarter",
            Self::Hour => "pause-hour",
            Self::Tomorrow => "pause-tomorrow",
            Self::Open => "pause-open",
        }
    }

    /// Its entry's words.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Quarter => "For 15 minutes",
            Self::Hour => "For 1 hour",
            Self::Tomorrow => "Until tomorrow, 08:00",
            Self::Open => "Until resumed",
        }
    }

    /// When it ends, if it ends by itself.
    fn until<Z: TimeZone>(self, now: DateTime<Z>) -> Option<DateTime<Utc>> {
        match self {
            Self::Quarter => Some(now.to_utc() + TimeDelta::minutes(15)),
            Self::Hour => Some(now.to_utc() + TimeDelta::hours(1)),
            Self::Tomorrow => {
                let morning = (now.date_naive() + Days::new(1)).and_time(MORNING);
                // Where clocks are put forward at that moment, there is no such time; an hour later there is.
                let zone = now.timezone();
                let at = zone.from_local_datetime(&morning).earliest();
                let at = at.or_else(|| zone.from_local_datetime(&(morning + TimeDelta::hours(1))).earliest());
                at.map(|at| at.to_utc())
            }
            Self::Open => None,
        }
    }
}

/// Pauses the relay; says so where that is refused.
pub(crate) async fn pause(app: AppHandle, api: InProcess, pause: Pause) {
    let Some(status) = Status::ask(&api).await else { return };
    let until = pause.until(status.server_time.with_timezone(&Local));
    let until = until.map(|until| until.to_rfc3339_opts(SecondsFormat::Millis, true));
    let answer = api.call("POST", "/api/v1/relay/pause", Some(json!({ "until": until }).to_string())).await;
    tell_if_refused(&app, "The relay could not be paused", answer);
}

/// Resumes the relay; says so where that is refused.
pub(crate) async fn resume(app: AppHandle, api: InProcess) {
    let answer = api.call("POST", "/api/v1/relay/resume", Some("{}".to_owned())).await;
    tell_if_refused(&app, "The relay could not be resumed", answer);
}

/// What is accepted shows in the tray by itself.
fn tell_if_refused(app: &AppHandle, title: &str, answer: sync_monitor_api::Answer) {
    if (200..300).contains(&answer.status) {
        return;
    }
    tracing::warn!(status = answer.status, "{title}");
    notification::show(app, Notification { title: title.to_owned(), text: why(&answer.body), place: None });
}

/// The words of a problem.
fn why(body: &str) -> String {
    #[derive(Deserialize)]
    struct Problem {
        detail: String,
    }
    let problem: Option<Problem> = serde_json::from_str(body).ok();
    problem.map_or_else(|| "The program's log says why.".to_owned(), |problem| problem.detail)
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::*;

    fn until(pause: Pause, now: &str) -> Option<String> {
        let now: DateTime<FixedOffset> = now.parse().unwrap();
        pause.until(now).map(|until| until.to_rfc3339_opts(SecondsFormat::Millis, true))
    }

    #[test]
    fn a_pause_ends_after_its_time_or_in_the_morning_of_the_next_day_where_the_user_is() {
        for (pause, now, expected) in [
            (Pause::Quarter, "2026-02-27T23:50:00+01:00", Some("2026-02-27T23:05:00.000Z")),
            (Pause::Hour, "2026-02-27T23:50:00+01:00", Some("2026-02-27T23:50:00.000Z")),
            (Pause::Tomorrow, "2026-02-27T23:50:00+01:00", Some("2026-02-28T07:00:00.000Z")),
            (Pause::Tomorrow, "2026-02-28T00:10:00+01:00", Some("2026-03-01T07:00:00.000Z")),
            (Pause::Tomorrow, "2026-02-28T22:00:00-08:00", Some("2026-03-01T16:00:00.000Z")),
            (Pause::Open, "2026-02-27T12:00:00Z", None),
        ] {
            assert_eq!(until(pause, now).as_deref(), expected, "{pause:?} at {now}");
        }
    }

    #[test]
    fn every_pause_has_an_entry_of_its_own() {
        let ids: std::collections::HashSet<_> = Pause::ALL.iter().map(|pause| pause.id()).collect();
        assert_eq!(ids.len(), Pause::ALL.len());
    }

    #[test]
    fn a_refusal_is_told_in_its_own_words() {
        let problem = r#"{"type":"about:blank","title":"Not found","status":404,"detail":"There is nothing at relay/pause."}"#;
        assert_eq!(why(problem), "There is nothing at relay/pause.");
        assert_eq!(why("<html>"), "The program's log says why.");
    }
}
