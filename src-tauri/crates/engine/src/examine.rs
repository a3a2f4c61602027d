//! The test of an org: a look at it, each finding in words.

use std::time::Duration;

use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::hub::Dialect;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::{EndpointFault, EndpointTrouble, Examination, Meaning, Try};
use sync_monitor_store::Entry;
use tokio::sync::oneshot;

use crate::model::{Actor, Org, OrgHold};
use crate::worker::Command;
use crate::{Engine, Error};

/// More of the daily allowance used than this is worth a word, in percent.
const MUCH_USED: u64 = 80;
/// The clocks of two machines that are looked after differ by less.
const SKEW: Duration = Duration::from_secs(5);

/// What one part of the test found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which part.
    pub name: CheckName,
    /// How it went.
    pub result: CheckResult,
    /// In words; where something is wrong with what to do.
    pub message: String,
}

/// A part of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckName {
    /// Does the org take our token?
    SignIn,
    /// Is there a sync endpoint?
    Endpoint,
    /// How much of its API is used?
    ApiUsage,
    /// Does its clock agree with ours?
    Clock,
}

/// How a part of the test went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckResult {
    /// As it should be.
    Ok,
    /// It works, but somebody should look.
    Warning,
    /// Nothing can be delivered like this.
    Failed,
    /// It could not be found out.
    Skipped,
}

impl Engine {
    /// Tests an org: sign-in, endpoint, API usage, clock. What is found is in force when this returns: a sign-in that works
    /// again releases what it held, and one that does not holds it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not connected, or when the store fails.
    pub async fn test_org(&self, id: OrgId, actor: &Actor) -> Result<(Org, Vec<Check>), Error> {
        let store = &self.inner.tools.store;
        let org = store.org(id).await?;
        if !org.connected {
            return Err(Error::NotFound { what: "org", id: id.to_string() });
        }
        let mut found = self.inner.tools.remote.examine(&org.address()).await;
        if found.sign_in.is_ok() {
            self.find_adapter(id).await?;
        }
        if self.inner.tools.adapters.of_package(id).is_some() {
            // Changes go to the package's own service there, and that one was found.
            found.endpoint = found.endpoint.map(|_| Ok(()));
        }
        store.set_found(id, found.clone()).await?;
        if let Some(instance_url) = found.moved_to.clone() {
            store.move_org(id, instance_url, self.clock().now()).await?;
            self.tell(id, Command::Moved(store.org(id).await?.address()));
        }
        let (told, in_force) = oneshot::channel();
        self.tell(id, Command::Looked(Box::new(found.clone()), told));
        // The worker may be gone, if the engine stops.
        drop(in_force.await);
        let org = store.org(id).await?;
        let checks = checks(&found, &org);
        let failed = checks.iter().filter(|check| check.result == CheckResult::Failed).count();
        let word = if failed == 0 { "passed" } else { "failed" };
        store.note(Entry::new(self.clock().now(), actor, "org.test").subject(id).reason(word)).await?;
        self.inner.tools.announce(Vec::new(), true);
        Ok((org, checks))
    }
}

fn checks(found: &Examination, org: &Org) -> Vec<Check> {
    let (sign_in, sign_in_words) = sign_in(found, org);
    let (endpoint, endpoint_words) = endpoint(found, org);
    let (usage, usage_words) = usage(found, org);
    let (clock, clock_words) = clock(found.clock_skew_ms);
    [
        (CheckName::SignIn, sign_in, sign_in_words),
        (CheckName::Endpoint, endpoint, endpoint_words),
        (CheckName::ApiUsage, usage, usage_words),
        (CheckName::Clock, clock, clock_words),
    ]
    .map(|(name, result, message)| Check { name, result, message })
    .into()
}

fn who(org: &Org) -> &str {
    org.username.as_deref().unwrap_or("an unknown user")
}

fn sign_in(found: &Examination, org: &Org) -> (CheckResult, String) {
    let who = who(org);
    let Err(one) = &found.sign_in else { return (CheckResult::Ok, format!("Signed in as {who}.")) };
    match one.meaning {
        Meaning::RateLimited { .. } => (CheckResult::Ok, format!("Signed in as {who}.")),
        Meaning::SignInRequired => (CheckResult::Failed, words(one, "The sign-in has ended. Sign in again.")),
        Meaning::Refused => (
            CheckResult::Failed,
            format!(
                "{who} may not use the org's API{}. Give the user the permission \"API Enabled\", in its profile or by a permission set. If every user is refused, the org's edition has no API: ask Salesforce for it.",
                said(one)
            ),
        ),
        Meaning::Retry { .. } if one.http_status.is_some_and(|status| status < 300) => (
            CheckResult::Failed,
            format!(
                "Something else answers at {}{}. A proxy or a login page may stand in between: see what a browser on this computer shows there, and sign in again if the org has another address.",
                org.instance_url,
                said(one)
            ),
        ),
        Meaning::Retry { .. } => (
            CheckResult::Failed,
            format!(
                "The org cannot take requests now{}. Whether the sign-in is good cannot be told; look at status.salesforce.com, and test again later.",
                said(one)
            ),
        ),
        Meaning::Unreachable
        | Meaning::Synced
        | Meaning::Superseded
        | Meaning::EndpointMissing
        | Meaning::ParentMissing
        | Meaning::TokenRenewed => (CheckResult::Failed, words(one, "The org does not answer as it should.")),
    }
}

fn endpoint(found: &Examination, org: &Org) -> (CheckResult, String) {
    let path = &org.endpoint_path;
    let EndpointTrouble { fault, one } = match &found.endpoint {
        None => {
            let words = "Not looked for: that takes an org that answers and a sign-in that may use its API.";
            return (CheckResult::Skipped, words.to_owned());
        }
        Some(Ok(())) => {
            let words = match &org.hub {
                Some(hub) if hub.adapter.adapter.dialect == Dialect::PackageV1 => format!(
                    "Delivery Hub's package is there, and takes changes at {}; its own changes are read.",
                    hub.adapter.adapter.service_path()
                ),
                _ => format!("The sync endpoint is there, at {path}."),
            };
            return (CheckResult::Ok, words);
        }
        Some(Err(trouble)) => trouble,
    };
    match fault {
        EndpointFault::Missing => (
            CheckResult::Failed,
            format!(
                "There is no sync endpoint at {path}. Install Delivery Hub in the org, let the signed-in user use its Apex classes, or set the path that it has."
            ),
        ),
        EndpointFault::Forbidden => (
            CheckResult::Failed,
            format!(
                "{} may not use the sync endpoint{}. Give the user the Delivery Hub permission set, or access to that Apex class (Setup, Permission Sets, Apex Class Access).",
                who(org),
                said(one)
            ),
        ),
        EndpointFault::SomethingElse => (
            CheckResult::Failed,
            format!(
                "Something else than a sync endpoint answers at {path}{}. A login page, a site or a proxy may stand there: check the path, and what stands between this computer and the org.",
                said(one)
            ),
        ),
        EndpointFault::CannotTell => (
            CheckResult::Warning,
            format!(
                "Whether the sync endpoint is there cannot be told now{}. Look at status.salesforce.com, and test again later.",
                said(one)
            ),
        ),
        EndpointFault::NotReached => {
            (CheckResult::Failed, words(one, "The endpoint does not answer as it should."))
        }
    }
}

/// What the org said, to be put into a sentence: its status, its code and its words, as far as there are any.
fn said(one: &Try) -> String {
    let status = one.http_status.map(|status| format!("HTTP {status}"));
    let message = one.message.as_deref().map(|message| message.trim().trim_end_matches('.').to_owned());
    let parts: Vec<String> = [status, one.error_code.clone(), message].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn usage(found: &Examination, org: &Org) -> (CheckResult, String) {
    if let Some(OrgHold::RateLimited { until }) = org.health.hold {
        return (
            CheckResult::Failed,
            format!("The org takes no requests for now; it is left alone until {}.", minute(until)),
        );
    }
    let Some(usage) = found.api_usage else {
        return (CheckResult::Skipped, "The org did not say how much of its API is used.".to_owned());
    };
    let percent = usage.used.saturating_mul(100).checked_div(usage.max).unwrap_or_default();
    let said =
        format!("{} of {} API calls of the last 24 hours are used ({percent} %).", usage.used, usage.max);
    if usage.used >= usage.max {
        (
            CheckResult::Failed,
            format!("{said} The org will refuse more; see in Setup, Company Information, who uses them."),
        )
    } else if percent >= MUCH_USED {
        (
            CheckResult::Warning,
            format!(
                "{said} At the limit nothing is delivered any more; see in Setup, Company Information, who uses them."
            ),
        )
    } else {
        (CheckResult::Ok, said)
    }
}

fn clock(skew_ms: Option<i64>) -> (CheckResult, String) {
    let Some(skew) = skew_ms else {
        return (CheckResult::Skipped, "The org did not say what time it is there.".to_owned());
    };
    let off = Duration::from_millis(skew.unsigned_abs());
    if off < SKEW {
        return (CheckResult::Ok, "Its clock and this computer's agree.".to_owned());
    }
    let direction = if skew > 0 { "ahead of" } else { "behind" };
    (
        CheckResult::Warning,
        format!(
            "Its clock is {} {direction} this computer's. The newer change wins, so a clock that is wrong lets the wrong one win: set this computer's clock by the network.",
            span(off)
        ),
    )
}

fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds < 120 => format!("{seconds} seconds"),
        seconds if seconds < 7_200 => format!("{} minutes", seconds / 60),
        seconds => format!("{} hours", seconds / 3_600),
    }
}

fn minute(at: Millis) -> String {
    at.to_utc().format("%Y-%m-%d %H:%M UTC").to_string()
}

fn words(one: &Try, otherwise: &str) -> String {
    one.message.clone().unwrap_or_else(|| otherwise.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use sync_monitor_domain::remote::{ApiUsage, Identity};

    fn found(usage: Option<(u64, u64)>) -> Examination {
        Examination {
            sign_in: Ok(()),
            endpoint: Some(Ok(())),
            api_usage: usage.map(|(used, max)| ApiUsage { used, max }),
            clock_skew_ms: Some(0),
            identity: Identity::default(),
            moved_to: None,
        }
    }

    #[rstest]
    #[case::agree(4_900, CheckResult::Ok, "agree")]
    #[case::ahead(95_000, CheckResult::Warning, "95 seconds ahead of")]
    #[case::behind(-400_000, CheckResult::Warning, "6 minutes behind")]
    #[case::hours(9_000_000, CheckResult::Warning, "2 hours ahead of")]
    fn a_clock_that_is_off_is_told_with_the_direction(
        #[case] skew: i64,
        #[case] result: CheckResult,
        #[case] words: &str,
    ) {
        let (got, message) = clock(Some(skew));
        assert_eq!(got, result);
        assert!(message.contains(words), "{message}");
    }

    #[rstest]
    #[case::little(Some((10, 1_000)), CheckResult::Ok)]
    #[case::much(Some((800, 1_000)), CheckResult::Warning)]
    #[case::all(Some((1_000, 1_000)), CheckResult::Failed)]
    #[case::no_allowance(Some((0, 0)), CheckResult::Failed)]
    #[case::not_said(None, CheckResult::Skipped)]
    fn the_use_of_the_api_is_judged(#[case] usage_: Option<(u64, u64)>, #[case] result: CheckResult) {
        assert_eq!(usage(&found(usage_), &org()).0, result);
    }

    fn org() -> Org {
        Org {
            org_id: "00D000000000001".parse().unwrap(),
            alias: None,
            username: Some("ada@acme.example".into()),
            instance_url: String::new(),
            endpoint_path: "/x".into(),
            connected: true,
            health: crate::model::Health::default(),
            health_detail: None,
            api_usage: None,
            clock_skew_ms: None,
            last_delivered_at: None,
            last_received_at: None,
            suppressed_echoes: 0,
            queue_depth: 0,
            kind: None,
            sign_in: None,
            signed_in_at: None,
            kept_alive_at: None,
            replaced_by: None,
            hub: None,
        }
    }

    fn trouble(meaning: Meaning) -> Try {
        Try {
            started_at: Millis(0),
            duration: Duration::ZERO,
            meaning,
            http_status: None,
            error_code: None,
            message: Some("as it said".into()),
            response_body: None,
        }
    }

    const RETRY: Meaning = Meaning::Retry { retry_after: None };

    fn at_the_endpoint(fault: EndpointFault) -> EndpointTrouble {
        EndpointTrouble { fault, one: Box::new(trouble(RETRY)) }
    }

    #[test]
    fn what_the_org_said_is_told_as_far_as_it_said_it() {
        let bare = Try { message: None, ..trouble(RETRY) };
        assert_eq!(said(&bare), "");
        let full = Try {
            http_status: Some(403),
            error_code: Some("FORBIDDEN".into()),
            message: Some("No access. ".into()),
            ..trouble(RETRY)
        };
        assert_eq!(said(&full), " (HTTP 403, FORBIDDEN, No access)");
    }

    #[rstest]
    #[case::good(Ok(()), Some(Ok(())), [CheckResult::Ok, CheckResult::Ok])]
    #[case::signed_out(Err(trouble(Meaning::SignInRequired).into()), None, [CheckResult::Failed, CheckResult::Skipped])]
    #[case::away(Err(trouble(Meaning::Unreachable).into()), None, [CheckResult::Failed, CheckResult::Skipped])]
    #[case::no_api(Err(trouble(Meaning::Refused).into()), None, [CheckResult::Failed, CheckResult::Skipped])]
    #[case::no_answer_now(Err(trouble(RETRY).into()), None, [CheckResult::Failed, CheckResult::Skipped])]
    #[case::missing(Ok(()), Some(Err(at_the_endpoint(EndpointFault::Missing))), [CheckResult::Ok, CheckResult::Failed])]
    #[case::forbidden(Ok(()), Some(Err(at_the_endpoint(EndpointFault::Forbidden))), [CheckResult::Ok, CheckResult::Failed])]
    #[case::a_page(Ok(()), Some(Err(at_the_endpoint(EndpointFault::SomethingElse))), [CheckResult::Ok, CheckResult::Failed])]
    #[case::maintenance(Ok(()), Some(Err(at_the_endpoint(EndpointFault::CannotTell))), [CheckResult::Ok, CheckResult::Warning])]
    #[case::away_meanwhile(Ok(()), Some(Err(at_the_endpoint(EndpointFault::NotReached))), [CheckResult::Ok, CheckResult::Failed])]
    fn each_part_of_the_test_says_what_it_found(
        #[case] sign_in: Result<(), Box<Try>>,
        #[case] endpoint: Option<Result<(), EndpointTrouble>>,
        #[case] results: [CheckResult; 2],
    ) {
        let found = Examination { sign_in, endpoint, ..found(Some((1, 100))) };
        let checks = checks(&found, &org());
        assert_eq!(
            checks.iter().map(|check| check.name).collect::<Vec<_>>(),
            [CheckName::SignIn, CheckName::Endpoint, CheckName::ApiUsage, CheckName::Clock]
        );
        assert_eq!([checks[0].result, checks[1].result], results);
        assert!(checks.iter().all(|check| check.message.ends_with('.') || check.message == "as it said"));
    }
}
