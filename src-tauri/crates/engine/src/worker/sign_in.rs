//! What a worker does so that nobody must sign in again who need not: tokens are used before they end of age, and an org that
//! refused a sign-in is looked at again.

use std::sync::Arc;
use std::time::Duration;

use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::remote::{Examination, Meaning, Try};
use sync_monitor_store::model::Health;
use tokio::task::JoinSet;

use super::{Landed, Worker};
use crate::health;

/// How often an org's refresh token is used for its own sake. Orgs end tokens that nobody used for 30 days (or what their
/// admin set; "Manage OAuth Access Policies"), and a workstation may be off for weeks.
const KEEP_ALIVE: Duration = Duration::from_hours(7 * 24);
/// How long until it is tried again after that failed.
const KEEP_ALIVE_AGAIN: Duration = Duration::from_hours(1);

/// How long until an org that wants a new sign-in is looked at again. What refused the old one may pass without anybody here:
/// a computer that is back in the network that the org trusts, a session rule that an admin relaxed, a login by `sf`.
const LOOK_AGAIN: Duration = Duration::from_mins(15);
/// The pause doubles from look to look, up to this.
const LONGEST_LOOK_PAUSE: Duration = Duration::from_hours(1);

/// The looks at an org that wants a new sign-in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Look {
    /// Not wanted, or not planned yet.
    Unplanned {
        /// Looks since the sign-in was refused.
        looks: u32,
    },
    Planned {
        at: Millis,
        looks: u32,
    },
    UnderWay {
        looks: u32,
    },
    /// Only a sign-in helps.
    Never,
}

impl Look {
    /// After this answer, which wants a new sign-in.
    pub(super) fn after(self, refusal: &Try) -> Self {
        match self {
            _ if !may_pass(refusal) => Self::Never,
            Self::Never => Self::Unplanned { looks: 0 },
            other => other.landed(),
        }
    }

    /// After a look that found nothing out about the sign-in.
    const fn landed(self) -> Self {
        match self {
            Self::UnderWay { looks } => Self::Unplanned { looks: looks.saturating_add(1) },
            other => other,
        }
    }

    /// After an answer that no sign-in could better.
    pub(super) const fn proved_needless(self) -> Self {
        match self {
            Self::Never => Self::Never,
            _ => Self::Unplanned { looks: 0 },
        }
    }

    /// After the clock was set, or where no sign-in is wanted for now: the pause begins anew when the next look is planned.
    pub(super) const fn planned_anew(self) -> Self {
        match self {
            Self::Planned { looks, .. } => Self::Unplanned { looks },
            other => other,
        }
    }
}

impl Worker {
    /// A paused org is kept alive too: nothing is sent to it, but nobody wants to sign in again over that.
    pub(super) fn keep_alive(&mut self, flights: &mut JoinSet<Landed>, now: Millis) {
        match self.keep_alive_at {
            Some(at) if now >= at => {
                self.keep_alive_at = None;
                let (remote, address) = (Arc::clone(&self.tools.remote), self.address.clone());
                flights.spawn(async move { Landed::KeptAlive(remote.keep_alive(&address).await) });
            }
            Some(at) => self.ring(at),
            None => {}
        }
    }

    /// Looks at an org that wants a new sign-in, now and then: what is good again releases what it held.
    pub(super) fn look_again(&mut self, flights: &mut JoinSet<Landed>, now: Millis) {
        if self.health.is_paused() {
            return;
        }
        if let Look::Unplanned { looks } = self.look {
            self.look = Look::Planned { at: now.plus(pause(looks)), looks };
        }
        match self.look {
            Look::Planned { at, looks } if now >= at => {
                self.look = Look::UnderWay { looks };
                let (remote, address) = (Arc::clone(&self.tools.remote), self.address.clone());
                flights.spawn(async move { Landed::Looked(Box::new(remote.examine(&address).await)) });
            }
            Look::Planned { at, .. } => self.ring(at),
            Look::Unplanned { .. } | Look::UnderWay { .. } | Look::Never => {}
        }
    }

    /// Somebody had a look at the org, or the worker itself.
    pub(super) async fn looked(&mut self, found: &Examination) {
        let now = self.tools.clock.now();
        match &found.sign_in {
            Err(one) if one.meaning == Meaning::SignInRequired => self.look = self.look.after(one),
            // It works, or nothing was found out about it.
            _ => self.look = self.look.landed(),
        }
        let (health, detail) = health::after_look(self.health, found, now, &self.tools.settings);
        if !health.sign_in_required {
            // What was planned was for the sign-in that was wanted until now, and not for the next one.
            self.look = self.look.planned_anew();
        }
        self.set_health(health, detail, now).await;
    }

    pub(super) async fn kept_alive(&mut self, result: Result<Option<String>, Box<Try>>) {
        let now = self.tools.clock.now();
        match result {
            Ok(moved_to) => {
                self.move_to(moved_to, now).await;
                self.keep_alive_at = Some(keep_alive_after(Some(now)));
                if let Err(error) = self.tools.store.set_kept_alive(self.address.org_id, now).await {
                    tracing::error!(org = %self.address.org_id, %error, "it could not be written down that the sign-in was kept alive");
                }
                self.tools.announce(Vec::new(), true);
            }
            Err(one) => {
                tracing::warn!(org = %self.address.org_id, message = one.message, "the sign-in could not be kept alive");
                self.keep_alive_at = Some(now.plus(KEEP_ALIVE_AGAIN));
                if one.meaning == Meaning::SignInRequired {
                    self.look = self.look.after(&one);
                    let health = Health { sign_in_required: true, ..self.health };
                    self.set_health(health, one.message, now).await;
                }
            }
        }
    }
}

/// May what refused a sign-in pass without a person here? An org that refuses a token which the token server gave a moment ago,
/// and the CLI that is logged out: yes. A token server that refuses the refresh token refuses it for good; it tells so by
/// 400, and by 401 only with `invalid_client` (RFC 6749, 5.2).
fn may_pass(refusal: &Try) -> bool {
    let code = refusal.error_code.as_deref().unwrap_or_default();
    code.starts_with("CLI_") || (refusal.http_status == Some(401) && code != "invalid_client")
}

/// The pause before the next look, after so many.
fn pause(looks: u32) -> Duration {
    LOOK_AGAIN.saturating_mul(2u32.saturating_pow(looks)).min(LONGEST_LOOK_PAUSE)
}

/// When a refresh token that was last used then is to be used again. One that never was, at once.
pub(super) fn keep_alive_after(last: Option<Millis>) -> Millis {
    last.map_or(Millis(0), |last| last.plus(KEEP_ALIVE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn refusal(http_status: Option<u16>, code: &str) -> Try {
        Try {
            started_at: Millis(0),
            duration: Duration::ZERO,
            meaning: Meaning::SignInRequired,
            http_status,
            error_code: Some(code.to_owned()),
            message: None,
            response_body: None,
        }
    }

    #[test]
    fn an_org_that_wants_a_sign_in_is_looked_at_ever_more_rarely() {
        let pauses: Vec<u64> = (0..5).map(|looks| pause(looks).as_secs() / 60).collect();
        assert_eq!(pauses, [15, 30, 60, 60, 60]);
        assert_eq!(pause(u32::MAX), LONGEST_LOOK_PAUSE);
    }

    #[rstest]
    #[case::by_the_org(Some(401), "INVALID_SESSION_ID", true)]
    #[case::by_the_cli(None, "CLI_SIGNED_OUT", true)]
    #[case::by_the_token_server(Some(400), "invalid_grant", false)]
    #[case::of_the_app(Some(401), "invalid_client", false)]
    #[case::for_want_of_credentials(None, "SIGNED_OUT", false)]
    #[case::at_another_org(None, "OTHER_ORG", false)]
    fn only_what_may_pass_by_itself_is_looked_at_again(
        #[case] status: Option<u16>,
        #[case] code: &str,
        #[case] passes: bool,
    ) {
        for before in [Look::Unplanned { looks: 1 }, Look::UnderWay { looks: 1 }, Look::Never] {
            let after = before.after(&refusal(status, code));
            assert_eq!(matches!(after, Look::Unplanned { .. }), passes, "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_refusal_that_comes_while_a_look_is_planned_does_not_put_it_off() {
        let planned = Look::Planned { at: Millis(900_000), looks: 2 };
        let after = planned.after(&refusal(Some(401), "INVALID_SESSION_ID"));
        assert!(matches!(after, Look::Planned { at: Millis(900_000), looks: 2 }), "{after:?}");
    }
}
