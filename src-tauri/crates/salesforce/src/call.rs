//! Requests of any kind to an org: queries, descriptions, and calls of the package's own service with its own key.

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use reqwest::header::HeaderName;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use sync_monitor_domain::hub::v1;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::{
    Call, CallMethod, Called, Meaning, OrgAddress, Report, SecretError, SecretStore, ServiceKey, Try,
};
use sync_monitor_domain::sign_in::TokenSource;

use crate::client::{Ask, Client};

/// The longest answer of a query that is read: a page of rows with rich text.
const LONGEST_PAGE: usize = 32 * 1024 * 1024;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const SIGNATURE: HeaderName = HeaderName::from_static("x-signature");
/// Rows in a page of a query: few, because each may be long. Salesforce gives no fewer than 200.
const QUERY_OPTIONS: (HeaderName, &str) = (HeaderName::from_static("sforce-query-options"), "batchSize=200");

/// A key as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    api_key: String,
    hmac_secret: Option<String>,
}

fn name(org: OrgId) -> String {
    format!("org/{org}/service-key")
}

/// Stores an org's key for the package's service, or forgets it.
pub(crate) async fn set_key(
    secrets: &dyn SecretStore,
    org: OrgId,
    key: Option<ServiceKey>,
) -> Result<(), SecretError> {
    let Some(key) = key else { return secrets.remove(&name(org)).await };
    let stored = Stored {
        api_key: key.api_key.expose_secret().to_owned(),
        hmac_secret: key.hmac_secret.map(|secret| secret.expose_secret().to_owned()),
    };
    // Two texts: this cannot fail.
    secrets.set(&name(org), SecretString::from(serde_json::to_string(&stored).unwrap_or_default())).await
}

/// Forgets an org's key for the package's service, if one was kept. Where secrets cannot be read, none was.
pub(crate) async fn forget_key(secrets: &dyn SecretStore, org: OrgId) -> Result<(), SecretError> {
    match secrets.get(&name(org)).await {
        Ok(Some(_)) => secrets.remove(&name(org)).await,
        Ok(None) | Err(_) => Ok(()),
    }
}

async fn key(secrets: &dyn SecretStore, org: OrgId) -> Result<Option<ServiceKey>, SecretError> {
    let Some(stored) = secrets.get(&name(org)).await? else { return Ok(None) };
    let stored: Stored = serde_json::from_str(stored.expose_secret()).map_err(|_| {
        SecretError("The stored key of the org's service cannot be read. Set it again.".to_owned())
    })?;
    Ok(Some(ServiceKey {
        api_key: stored.api_key.into(),
        hmac_secret: stored.hmac_secret.map(SecretString::from),
    }))
}

/// Lower-case hex of HMAC-SHA256 over the body as it is sent (`DeliveryHubSyncService`, `X-Signature`).
fn signature(secret: &str, body: &[u8]) -> String {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

impl Client {
    pub(crate) async fn call_org(&self, org: &OrgAddress, call: Call) -> Called {
        let session = self.session(org.org_id);
        let mut headers = Vec::new();
        if call.is_service {
            match key(self.means.secrets.as_ref(), org.org_id).await {
                Ok(Some(key)) => {
                    session.keep_out(&key.api_key);
                    headers.push((API_KEY, key.api_key.expose_secret().to_owned()));
                    if let Some(secret) = &key.hmac_secret {
                        session.keep_out(secret);
                        let body = call.body.as_deref().unwrap_or_default();
                        headers.push((SIGNATURE, signature(secret.expose_secret(), body)));
                    }
                }
                Ok(None) => {}
                // An org of the Salesforce CLI works where no secrets can be kept, and then has no key.
                Err(_) if org.tokens != TokenSource::Stored => {}
                Err(error) => {
                    let tries = vec![self.no_key(&error)];
                    let moved_to = session.moved_from(&org.instance_url);
                    let report = Report { tries, api_usage: None, clock_skew_ms: None, moved_to };
                    return Called { report, body: None };
                }
            }
        } else {
            headers.push((QUERY_OPTIONS.0, QUERY_OPTIONS.1.to_owned()));
        }
        let method = match call.method {
            CallMethod::Get => Method::GET,
            CallMethod::Post => Method::POST,
            CallMethod::Patch => Method::PATCH,
        };
        let judge = |one: &mut Try| {
            if call.is_raw && one.http_status == Some(200) {
                one.meaning = Meaning::Synced;
            }
            if call.is_service
                && let (Some(status), Some(message)) = (one.http_status, &one.message)
                && let Some((meaning, code)) = v1::refusal(status, message)
            {
                one.meaning = meaning;
                one.error_code = code.or(one.error_code.take());
            }
        };
        self.attempt(
            org,
            &call.path,
            |url| Ask {
                headers: headers.clone(),
                longest: LONGEST_PAGE,
                ..Ask::new(method.clone(), url, call.body.clone())
            },
            judge,
        )
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_the_package_signs_it() {
        assert_eq!(
            signature("secret", br#"{"a":1}"#),
            "aa9e2e3575f5d7098b6caccd790888c36d5fdb63342a73bada2d6a51747a8494"
        );
    }
}
