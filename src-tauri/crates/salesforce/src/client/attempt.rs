//! A request to an org with a token that is good: renewed before it, or once after an answer that wants that.

use std::sync::Arc;
use std::time::Duration;

use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::remote::{
    Called, CliError, CliTrouble, Meaning, OrgAddress, Report, SecretError, Try,
};
use sync_monitor_domain::sign_in::TokenSource;

use super::Client;
use super::ask::{Answer, Ask, LONGEST_CODE, LONGEST_MESSAGE};
use crate::redact::{clean, shorten};
use crate::session::{NoToken, Session, Token};

impl Client {
    pub(crate) async fn renewed(
        &self,
        session: &Arc<Session>,
        source: &TokenSource,
        stale: Option<u64>,
    ) -> Result<Token, Box<Try>> {
        let began = (self.clock.now(), self.clock.elapsed());
        let renewed = session.renewed(stale, source, &self.means).await;
        renewed.map_err(|why| {
            let mut one = no_token(&why, began.0, self.clock.elapsed().saturating_sub(began.1));
            let known = session.known();
            one.error_code = one.error_code.map(|code| shorten(&clean(&code, &known), LONGEST_CODE));
            one.message = one.message.map(|message| shorten(&clean(&message, &known), LONGEST_MESSAGE));
            Box::new(one)
        })
    }

    /// The try that stands for a call that could not be made for want of the service's key.
    pub(crate) fn no_key(&self, error: &SecretError) -> Try {
        no_token(&NoToken::Secrets(error.clone()), self.clock.now(), Duration::ZERO)
    }

    /// Sends what `ask` makes for a URL, and once more where a new token may help. `judge` may read more in an answer than
    /// its status says.
    pub(crate) async fn attempt(
        &self,
        org: &OrgAddress,
        path: &str,
        ask: impl Fn(&str) -> Ask<'_> + Send + Sync,
        judge: impl Fn(&mut Try) + Send + Sync,
    ) -> Called {
        let session = &self.session(org.org_id);
        let report = Report { tries: Vec::new(), api_usage: None, clock_skew_ms: None, moved_to: None };
        let mut called = Called { report, body: None };
        let mut renewed = false;
        let mut token = session.token();
        loop {
            let current = match token.take() {
                Some(token) => token,
                None => match self.renewed(session, &org.tokens, None).await {
                    Ok(token) => token,
                    Err(one) => {
                        called.report.tries.push(*one);
                        break;
                    }
                },
            };
            let url = format!("{}{path}", session.address(&org.instance_url));
            let Answer { mut one, usage, skew_ms, body } = self.ask(ask(&url), &current, session).await;
            called.report.api_usage = usage.or(called.report.api_usage);
            called.report.clock_skew_ms = skew_ms.or(called.report.clock_skew_ms);
            called.body = body;
            judge(&mut one);
            if one.meaning != Meaning::SignInRequired || renewed {
                called.report.tries.push(one);
                break;
            }
            one.meaning = Meaning::TokenRenewed;
            called.report.tries.push(one);
            renewed = true;
            match self.renewed(session, &org.tokens, Some(current.generation)).await {
                Ok(new) => token = Some(new),
                Err(one) => {
                    called.report.tries.push(*one);
                    break;
                }
            }
        }
        called.report.moved_to = session.moved_from(&org.instance_url);
        called
    }
}

/// The try that stands for a request that could not be made for want of a token.
fn no_token(why: &NoToken, started_at: Millis, duration: Duration) -> Try {
    let (meaning, http_status, code, message) = match why {
        NoToken::Denied(denied) => {
            let meaning = if denied.refused { Meaning::SignInRequired } else { Meaning::Unreachable };
            (meaning, denied.http_status, denied.code.clone(), denied.message.clone())
        }
        NoToken::Secrets(error) => {
            (Meaning::Retry { retry_after: None }, None, "SECRETS_UNAVAILABLE".to_owned(), error.to_string())
        }
        NoToken::SignedOut => {
            let message = "There are no credentials for this org. Connect it again.".to_owned();
            (Meaning::SignInRequired, None, "SIGNED_OUT".to_owned(), message)
        }
        NoToken::Cli(CliError { trouble, message }) => {
            let (meaning, code) = match trouble {
                CliTrouble::Missing => (Meaning::SignInRequired, "CLI_MISSING"),
                CliTrouble::TooOld => (Meaning::SignInRequired, "CLI_TOO_OLD"),
                CliTrouble::Redacted => (Meaning::SignInRequired, "CLI_REDACTED"),
                CliTrouble::SignedOut => (Meaning::SignInRequired, "CLI_SIGNED_OUT"),
                CliTrouble::Offline => (Meaning::Unreachable, "CLI_OFFLINE"),
                CliTrouble::Failed => (Meaning::Retry { retry_after: None }, "CLI_FAILED"),
            };
            (meaning, None, code.to_owned(), message.clone())
        }
        NoToken::OtherOrg(other) => {
            let message = format!(
                "At this address there is another org now: {other}. A sandbox that is refreshed becomes a new org under its old name. Connect it as a new org, give it the routes, and disconnect this one."
            );
            (Meaning::SignInRequired, None, "OTHER_ORG".to_owned(), message)
        }
    };
    Try {
        started_at,
        duration,
        meaning,
        http_status,
        error_code: Some(code),
        message: Some(message),
        response_body: None,
    }
}
