//! A look at an org that changes nothing there.

use reqwest::Method;
use serde_json::Value;
use sync_monitor_domain::remote::{ApiUsage, Examination, Identity, Meaning, OrgAddress, Try};

use crate::client::{Ask, Client};
use crate::identity::{self, API};
use crate::session::Token;

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
        };
        let token = match self.limits(org, &mut found).await {
            Ok(token) => token,
            Err(one) => {
                found.sign_in = Err(one);
                return found;
            }
        };
        found.endpoint = Some(self.endpoint(org, &token).await);
        found.identity =
            identity::read(&self.means.http, org.instance_url.trim_end_matches('/'), None, &token.secret)
                .await;
        found
    }

    async fn limits(&self, org: &OrgAddress, found: &mut Examination) -> Result<Token, Box<Try>> {
        let session = self.session(org.org_id);
        let url = format!("{}{API}/limits", org.instance_url.trim_end_matches('/'));
        let mut token = match session.token() {
            Some(token) => token,
            None => self.renewed(&session, &org.tokens, None).await?,
        };
        let mut renewed = false;
        loop {
            let answer = self.ask(Ask::new(Method::GET, &url, None), &token, &session).await;
            found.api_usage = answer.body.as_deref().and_then(daily).or(answer.usage);
            found.clock_skew_ms = answer.skew_ms;
            match answer.one.meaning {
                Meaning::SignInRequired if !renewed => {
                    renewed = true;
                    token = self.renewed(&session, &org.tokens, Some(token.generation)).await?;
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

    async fn endpoint(&self, org: &OrgAddress, token: &Token) -> Result<(), Box<Try>> {
        let session = self.session(org.org_id);
        let url = format!("{}{}", org.instance_url.trim_end_matches('/'), org.endpoint_path);
        let by_get = self.ask(Ask::new(Method::GET, &url, None), token, &session).await;
        if by_get.one.meaning != Meaning::EndpointMissing || by_get.one.http_status != Some(404) {
            return judged(by_get.one);
        }
        // A gateway in between may know nothing but POST. No bytes are no change: an endpoint refuses them.
        let nothing = Some(bytes::Bytes::new());
        let by_post = self.ask(Ask::new(Method::POST, &url, nothing), token, &session).await;
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
