//! What the shell asks the engine, and the part of the answers that it needs.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sync_monitor_api::InProcess;

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    pub(crate) counts: Counts,
    /// Waiting items that something holds.
    pub(crate) held: u64,
    /// What the engine's clock says.
    pub(crate) server_time: DateTime<Utc>,
    /// Whether the relay is paused as a whole.
    #[serde(default)]
    pub(crate) relay: Relay,
}

/// How many items there are, by status; failed ones without the dismissed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Counts {
    pub(crate) queued: u64,
    pub(crate) processing: u64,
    pub(crate) retrying: u64,
    pub(crate) failed: u64,
}

/// Whether anything is sent at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Relay {
    pub(crate) paused: bool,
    /// When the pause ends by itself.
    pub(crate) paused_until: Option<DateTime<Utc>>,
}

/// A connected org.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Org {
    pub(crate) org_id: String,
    pub(crate) alias: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) health: Health,
    pub(crate) queue_depth: u64,
}

/// How an org is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Health {
    Connected,
    Paused,
    SignInRequired,
    OrgUnreachable,
    RateLimited,
    EndpointMissing,
    /// One that a later engine may know.
    #[serde(other)]
    Other,
}

/// What failed for one cause in one org.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cause {
    pub(crate) failure_key: String,
    pub(crate) target_org_id: String,
    pub(crate) count: u64,
    pub(crate) last_seen_at: DateTime<Utc>,
    pub(crate) cause: Explanation,
}

/// A failure in plain words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Explanation {
    pub(crate) title: String,
    /// Who can mend it: `targetAdmin`, `sourceAdmin`, `wait` or `developer`.
    pub(crate) fixer: String,
}

impl Status {
    /// Asks how things stand; `None`, and logged, where the engine does not say.
    pub(crate) async fn ask(api: &InProcess) -> Option<Self> {
        ask(api, "/api/v1/status").await
    }

    /// Items that are still to be sent.
    pub(crate) fn waiting(&self) -> u64 {
        let Counts { queued, processing, retrying, .. } = self.counts;
        queued + processing + retrying
    }
}

impl Org {
    /// Asks for all orgs; `None`, and logged, where the engine does not say.
    pub(crate) async fn ask(api: &InProcess) -> Option<Vec<Self>> {
        #[derive(Deserialize)]
        struct Orgs {
            orgs: Vec<Org>,
        }
        ask(api, "/api/v1/orgs").await.map(|Orgs { orgs }| orgs)
    }

    /// What people call it.
    pub(crate) fn name(&self) -> &str {
        self.alias.as_ref().or(self.username.as_ref()).unwrap_or(&self.org_id)
    }
}

impl Cause {
    /// Asks for all causes; `None`, and logged, where the engine does not say.
    pub(crate) async fn ask(api: &InProcess) -> Option<Vec<Self>> {
        #[derive(Deserialize)]
        struct Failures {
            failures: Vec<Cause>,
        }
        ask(api, "/api/v1/failures").await.map(|Failures { failures }| failures)
    }
}

async fn ask<T: DeserializeOwned>(api: &InProcess, path: &str) -> Option<T> {
    let answer = api.call("GET", path, None).await;
    serde_json::from_str(&answer.body)
        .inspect_err(|error| tracing::error!(path, status = answer.status, %error, "the engine's answer is not readable"))
        .ok()
}

/// `3 changes`, `1 change`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_say_more_or_less_than_is_needed() {
        let status: Status = serde_json::from_str(
            r#"{"version":"0.1.0","counts":{"queued":1,"processing":1,"retrying":0,"failed":0,"synced":9,"superseded":0},
                "held":1,"serverTime":"2026-02-27T14:30:00.000Z"}"#,
        )
        .unwrap();
        assert_eq!((status.waiting(), status.held), (2, 1));
        assert_eq!(status.relay, Relay::default(), "a relay that is not spoken of is not paused");
        let org: Org = serde_json::from_str(
            r#"{"orgId":"00D","alias":null,"username":"a@b.example","health":"aNewOne","queueDepth":0,"kind":"unknown"}"#,
        )
        .unwrap();
        assert_eq!((org.name(), org.health), ("a@b.example", Health::Other));
    }
}
