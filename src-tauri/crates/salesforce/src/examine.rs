//! A look at an org that changes nothing there.

use std::sync::Arc;

use reqwest::Method;
use serde_json::Value;
use sync_monitor_domain::remote::{
    ApiUsage, EndpointFault, EndpointTrouble, Examination, Identity, Meaning, OrgAddress, Try,
};
use sync_monitor_domain::sign_in::TokenSource;

use crate::client::{Answer, Ask, Client};
use crate::identity::{self, API};
use crate::session::{Session, Token};

/// Codes by which an org says that the signed-in user may not use its API at all: its edition has none, or the user lacks
/// *API Enabled* (SOAP API Developer Guide, "`ExceptionCode`").
const NO_API: [&str; 2] = ["API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"];

impl Client {
    /// Asks for the org's limits, which takes a token; then for the endpoint, by a method that it does not have: Apex REST
    /// answers 405 where there is a class for the path and 404 where there is none, and runs nothing for either.
    pub(crate) async fn look_at(&self, org: &OrgAddress) -> Examination {
        let mut found = Examination {
            sign_in: Ok(()),
            endpoint: None,
            api_usage: None,
            clock_skew_ms: None,
            identity: Identity::default(),
            moved_to: None,
        };
        let session = self.session(org.org_id);
        match self.limits(org, &session, &mut found).await {
            Ok(token) => {
                let address = session.address(&org.instance_url);
                found.endpoint = Some(self.endpoint(org, &session, &token).await);
                found.identity = identity::read(&self.means.http, &address, None, &token.secret).await;
            }
            Err(one) => found.sign_in = Err(one),
        }
        found.moved_to = session.moved_from(&org.instance_url);
        found
    }

    async fn limits(
        &self,
        org: &OrgAddress,
        session: &Arc<Session>,
        found: &mut Examination,
    ) -> Result<Token, Box<Try>> {
        let mut token = match session.token() {
            Some(token) => token,
            None => self.renewed(session, &org.tokens, None).await?,
        };
        let mut renewed = false;
        loop {
            let url = format!("{}{API}/limits", session.address(&org.instance_url));
            let answer = self.ask(Ask::new(Method::GET, &url, None), &token, session).await;
            found.api_usage = answer.body.as_deref().and_then(daily).or(answer.usage);
            found.clock_skew_ms = answer.skew_ms;
            // The Salesforce CLI does not tell of a move with a token.
            if !renewed && org.tokens == TokenSource::Stored && may_have_moved(&answer.one) {
                renewed = true;
                if let Some(new) = self.token_elsewhere(org, session, token.generation).await {
                    token = new;
                    continue;
                }
            }
            match answer.one.meaning {
                Meaning::SignInRequired if !renewed => {
                    renewed = true;
                    token = self.renewed(session, &org.tokens, Some(token.generation)).await?;
                }
                Meaning::Refused if answer.one.error_code.as_deref().is_some_and(|c| NO_API.contains(&c)) => {
                    return Err(Box::new(answer.one));
                }
                // Who is signed in and may not see limits is signed in.
                Meaning::Synced
                | Meaning::Superseded
                | Meaning::Refused
                | Meaning::ParentMissing
                | Meaning::EndpointMissing => {
                    return Ok(token);
                }
                Meaning::SignInRequired
                | Meaning::TokenRenewed
                | Meaning::RateLimited { .. }
                | Meaning::Retry { .. }
                | Meaning::Unreachable => return Err(Box::new(answer.one)),
            }
        }
    }

    /// A new token of an org that is somewhere else by now, as its token server says; `None` for any other.
    async fn token_elsewhere(&self, org: &OrgAddress, session: &Arc<Session>, stale: u64) -> Option<Token> {
        let before = session.address(&org.instance_url);
        // Why there is none is not what was asked.
        let token = self.renewed(session, &org.tokens, Some(stale)).await.ok()?;
        (session.address(&org.instance_url) != before).then_some(token)
    }

    async fn endpoint(
        &self,
        org: &OrgAddress,
        session: &Session,
        token: &Token,
    ) -> Result<(), EndpointTrouble> {
        let url = format!("{}{}", session.address(&org.instance_url), org.endpoint_path);
        let by_get = self.ask(Ask::new(Method::GET, &url, None), token, session).await;
        if by_get.one.meaning != Meaning::EndpointMissing || by_get.one.http_status != Some(404) {
            return judged(by_get);
        }
        // A gateway in between may know nothing but POST. No bytes are no change: an endpoint refuses them.
        let nothing = Some(bytes::Bytes::new());
        let by_post = self.ask(Ask::new(Method::POST, &url, nothing), token, session).await;
        judged(by_post)
    }
}

/// Is the org perhaps no longer where it was? An old My Domain redirects for a while, and then its name is gone.
fn may_have_moved(one: &Try) -> bool {
    one.meaning == Meaning::Unreachable || one.http_status.is_some_and(|status| (300..400).contains(&status))
}

/// What an answer to a request that means nothing says of the endpoint.
fn judged(answer: Answer) -> Result<(), EndpointTrouble> {
    let page = answer.body.as_deref().is_some_and(is_page);
    match fault(&answer.one, page) {
        Some(fault) => Err(EndpointTrouble { fault, one: Box::new(answer.one) }),
        None => Ok(()),
    }
}

fn fault(one: &Try, page: bool) -> Option<EndpointFault> {
    match (one.meaning, one.http_status) {
        (Meaning::EndpointMissing, _) => Some(EndpointFault::Missing),
        (Meaning::Unreachable | Meaning::SignInRequired | Meaning::RateLimited { .. }, _) => {
            Some(EndpointFault::NotReached)
        }
        // A success that is no JSON.
        (Meaning::Retry { .. }, Some(200..300)) => Some(EndpointFault::SomethingElse),
        (Meaning::Retry { .. }, _) => Some(EndpointFault::CannotTell),
        (_, Some(403)) => Some(EndpointFault::Forbidden),
        // An org says in JSON what it does not allow.
        (Meaning::Refused | Meaning::Superseded, _) if page => Some(EndpointFault::SomethingElse),
        (
            Meaning::Synced
            | Meaning::Superseded
            | Meaning::Refused
            | Meaning::ParentMissing
            | Meaning::TokenRenewed,
            _,
        ) => None,
    }
}

/// Is this a page for a browser?
fn is_page(body: &[u8]) -> bool {
    let beginning = String::from_utf8_lossy(&body[..body.len().min(1_024)]).to_ascii_lowercase();
    let beginning = beginning.trim_start_matches('\u{feff}').trim_start();
    beginning.starts_with("<!doctype html") || beginning.contains("<html")
}

/// `DailyApiRequests` of an org's limits.
fn daily(body: &[u8]) -> Option<ApiUsage> {
    let limits: Value = serde_json::from_slice(body).ok()?;
    let daily = limits.get("DailyApiRequests")?;
    let (max, remaining) = (daily.get("Max")?.as_u64()?, daily.get("Remaining")?.as_u64()?);
    Some(ApiUsage { used: max.saturating_sub(remaining), max })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;
    use sync_monitor_domain::clock::Millis;

    use super::*;
    use crate::outcome;

    #[test]
    fn the_use_of_the_api_is_read_from_the_limits() {
        let limits = br#"{"DailyApiRequests":{"Max":15000,"Remaining":14998},"DataStorageMB":{"Max":5,"Remaining":5}}"#;
        assert_eq!(daily(limits), Some(ApiUsage { used: 2, max: 15_000 }));
        assert_eq!(daily(b"[]"), None);
        assert_eq!(daily(br#"{"DailyApiRequests":{"Max":1}}"#), None);
    }

    #[rstest]
    #[case::not_allowed(405, r#"[{"errorCode":"METHOD_NOT_ALLOWED"}]"#, None)]
    #[case::not_allowed_in_plain_text(405, "Method Not Allowed", None)]
    #[case::a_class_that_answers(200, r#"{"status":"ok"}"#, None)]
    #[case::nothing_was_sent(400, r#"{"success":false,"errors":[{"code":"INVALID_JSON"}]}"#, None)]
    #[case::a_conflict(409, "{}", None)]
    #[case::no_class(404, r#"[{"errorCode":"NOT_FOUND"}]"#, Some(EndpointFault::Missing))]
    #[case::a_redirect(302, "", Some(EndpointFault::Missing))]
    #[case::no_access(
        403,
        r#"[{"errorCode":"FORBIDDEN","message":"You do not have access to the Apex class named: DeliverySync"}]"#,
        Some(EndpointFault::Forbidden)
    )]
    #[case::no_access_by_a_page(403, "<html><title>Forbidden</title></html>", Some(EndpointFault::Forbidden))]
    #[case::at_its_limit(403, r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#, Some(EndpointFault::NotReached))]
    #[case::no_token(401, r#"[{"errorCode":"INVALID_SESSION_ID"}]"#, Some(EndpointFault::NotReached))]
    #[case::maintenance(503, "<html>Down for maintenance</html>", Some(EndpointFault::CannotTell))]
    #[case::unavailable(500, r#"[{"errorCode":"SERVER_UNAVAILABLE"}]"#, Some(EndpointFault::CannotTell))]
    #[case::locked(400, r#"[{"errorCode":"UNABLE_TO_LOCK_ROW"}]"#, Some(EndpointFault::CannotTell))]
    #[case::a_page(200, "\u{feff} <!DOCTYPE HTML><p>Log in", Some(EndpointFault::SomethingElse))]
    #[case::a_page_without_a_doctype(
        200,
        "<?xml version='1.0'?><html xmlns='x'></html>",
        Some(EndpointFault::SomethingElse)
    )]
    #[case::a_text(200, "It works!", Some(EndpointFault::SomethingElse))]
    #[case::a_page_that_refuses(405, "<html>nginx</html>", Some(EndpointFault::SomethingElse))]
    fn an_answer_says_what_stands_where_the_endpoint_should_be(
        #[case] status: u16,
        #[case] body: &str,
        #[case] expected: Option<EndpointFault>,
    ) {
        let reading = outcome::read(status, None, body.as_bytes());
        let one = Try {
            started_at: Millis(0),
            duration: Duration::ZERO,
            meaning: reading.meaning,
            http_status: Some(status),
            error_code: reading.error_code,
            message: reading.message,
            response_body: None,
        };
        assert_eq!(fault(&one, is_page(body.as_bytes())), expected);
    }
}
