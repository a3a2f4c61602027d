//! A look at an org that changes nothing there.

use std::sync::Arc;

use reqwest::Method;
use serde_json::Value;
use sync_monitor_domain::remote::{ApiUsage, Examination, Identity, Meaning, OrgAddress, Try};

use crate::client::{Ask, Client};
use crate::identity::{self, API};
use crate::session::{Session, Token};

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
            let answer = self.ask(Ask { method: Method::GET, url: &url, body: None }, &token, session).await;
            found.api_usage = answer.body.as_deref().and_then(daily).or(answer.usage);
            found.clock_skew_ms = answer.skew_ms;
            match answer.one.meaning {
                Meaning::SignInRequired if !renewed => {
                    renewed = true;
                    token = self.renewed(session, &org.tokens, Some(token.generation)).await?;
                }
                // Who is signed in and may not see limits is signed in.
                Meaning::Synced | Meaning::Superseded | Meaning::Refused | Meaning::EndpointMissing => {
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

    async fn endpoint(&self, org: &OrgAddress, session: &Session, token: &Token) -> Result<(), Box<Try>> {
        let url = format!("{}{}", session.address(&org.instance_url), org.endpoint_path);
        let by_get = self.ask(Ask { method: Method::GET, url: &url, body: None }, token, session).await;
        if by_get.one.meaning != Meaning::EndpointMissing || by_get.one.http_status != Some(404) {
            return judged(by_get.one);
        }
        // A gateway in between may know nothing but POST. No bytes are no change: an endpoint refuses them.
        let nothing = Some(bytes::Bytes::new());
        let by_post = self.ask(Ask { method: Method::POST, url: &url, body: nothing }, token, session).await;
        judged(by_post.one)
    }
}

fn judged(one: Try) -> Result<(), Box<Try>> {
    match one.meaning {
        Meaning::EndpointMissing
        | Meaning::Unreachable
        | Meaning::SignInRequired
        | Meaning::RateLimited { .. } => Err(Box::new(one)),
        Meaning::Synced
        | Meaning::Superseded
        | Meaning::Refused
        | Meaning::Retry { .. }
        | Meaning::TokenRenewed => Ok(()),
    }
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
    use super::*;

    #[test]
    fn the_use_of_the_api_is_read_from_the_limits() {
        let limits = br#"{"DailyApiRequests":{"Max":15000,"Remaining":14998},"DataStorageMB":{"Max":5,"Remaining":5}}"#;
        assert_eq!(daily(limits), Some(ApiUsage { used: 2, max: 15_000 }));
        assert_eq!(daily(b"[]"), None);
        assert_eq!(daily(br#"{"DailyApiRequests":{"Max":1}}"#), None);
    }
}
