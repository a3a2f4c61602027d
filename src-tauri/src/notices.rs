//! What the desktop is told of: each cause of failures, and each org that needs a sign-in.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sync_monitor_api::InProcess;
use tauri::{AppHandle, Manager as _};
use tokio::time::Instant;

use crate::answers::{Cause, Org, Status};
use crate::memory::Memory;
use crate::notification;
use crate::settings::Settings;

mod causes;
mod sign_ins;

pub(crate) use causes::Told;
use sign_ins::SignIns;

/// How long failures are gathered, so that what fails together is told of together.
const GATHER: Duration = Duration::from_secs(3);
/// How long at most until the next look at causes that may be told of again: timers stand still while a machine sleeps.
const LONGEST_NAP: Duration = Duration::from_mins(1);

/// What was told, and when to look again.
#[derive(Default)]
pub(crate) struct Notices {
    sign_ins: SignIns,
    look_at: Option<Instant>,
}

impl Notices {
    /// Tells what is new. Returns when there may be something to tell, though nothing changes until then.
    pub(crate) async fn tell(
        &mut self,
        app: &AppHandle,
        api: &InProcess,
        status: &Status,
        orgs: &[Org],
    ) -> Option<Instant> {
        let signed_out = self.sign_ins.new_ones(orgs);
        if !signed_out.is_empty() && Settings::ask(api).await.notify_sign_in {
            for org in signed_out {
                notification::show(app, sign_ins::notification(org));
            }
        }
        match self.look_at {
            None => self.look_at = Some(Instant::now() + GATHER),
            Some(at) if at <= Instant::now() => {
                let again = tell_causes(app, api, status, orgs).await;
                self.look_at = again.map(|at| Instant::now() + nap(at, status.server_time));
            }
            // A long nap ends with the next change.
            Some(at) => self.look_at = Some(at.min(Instant::now() + GATHER)),
        }
        self.look_at
    }
}

/// Tells of the causes that are due, and returns when the next may be.
async fn tell_causes(
    app: &AppHandle,
    api: &InProcess,
    status: &Status,
    orgs: &[Org],
) -> Option<DateTime<Utc>> {
    let memory = app.state::<Memory>();
    let causes = if status.counts.failed == 0 { Vec::new() } else { Cause::ask(api).await? };
    let mut told = memory.read(|known| known.told_causes.clone());
    let before = told.clone();
    let verdict = causes::judge(&mut told, &causes, status.server_time);
    if told != before {
        memory.change(|known| known.told_causes = told);
    }
    // What is not told because nobody wants to hear it is not told later either.
    if !verdict.tell.is_empty() && Settings::ask(api).await.notify_failures {
        for notification in causes::notifications(&verdict.tell, orgs) {
            notification::show(app, notification);
        }
    }
    verdict.look_again_at
}

fn nap(until: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (until - now).to_std().unwrap_or_default().min(LONGEST_NAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nap_ends_with_the_wait_and_is_never_long() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = at("2026-02-27T14:00:00Z");
        assert_eq!(nap(at("2026-02-27T14:00:05Z"), now), Duration::from_secs(5));
        assert_eq!(nap(at("2026-02-28T14:00:00Z"), now), LONGEST_NAP);
        assert_eq!(nap(at("2026-02-27T13:00:00Z"), now), Duration::ZERO);
    }
}
