//! Who is signed in, and to what kind of org: asked right after a sign-in and at each test, good to have and not needed.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sync_monitor_domain::remote::Identity;
use sync_monitor_domain::sign_in::OrgKind;

use crate::http::{Http, is_allowed, read_body};
use crate::oauth::BEST_EFFORT;
use crate::redact::clean;

/// The version of the REST API that is asked. Salesforce keeps each for years ("API End-of-Life").
pub(crate) const API: &str = "/services/data/v62.0";
/// What tells kinds of orgs apart; every user who may use the API may read it.
const ORGANIZATION: &str = "query?q=SELECT+IsSandbox,TrialExpirationDate,OrganizationType+FROM+Organization";

/// An answer of the userinfo endpoint, or of the identity URL.
#[derive(Deserialize)]
struct Person {
    /// `OpenID` Connect's name for it.
    preferred_username: Option<String>,
    /// The identity URL's.
    username: Option<String>,
}

#[derive(Deserialize)]
struct Rows {
    records: Vec<Organization>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Organization {
    is_sandbox: bool,
    trial_expiration_date: Option<String>,
    organization_type: Option<String>,
}

/// What the org tells. `identity_url` is from the token response, where there was one.
pub(crate) async fn read(
    http: &Http,
    instance_url: &str,
    identity_url: Option<&str>,
    token: &SecretString,
) -> Identity {
    let (username, kind) =
        tokio::join!(username(http, instance_url, identity_url, token), kind(http, instance_url, token));
    Identity { username, kind }
}

async fn username(
    http: &Http,
    instance_url: &str,
    identity_url: Option<&str>,
    token: &SecretString,
) -> Option<String> {
    let userinfo = format!("{instance_url}/services/oauth2/userinfo");
    // An app without the scope openid may not ask for the first, one without id not for the second.
    for url in [Some(userinfo.as_str()), identity_url].into_iter().flatten() {
        if let Some(person) = get::<Person>(http, url, token).await
            && let Some(name) = person.preferred_username.or(person.username)
        {
            // It is stored and shown, like anything else that an org says.
            return Some(clean(&name, std::slice::from_ref(token)));
        }
    }
    None
}

async fn kind(http: &Http, instance_url: &str, token: &SecretString) -> Option<OrgKind> {
    let rows: Rows = get(http, &format!("{instance_url}{API}/{ORGANIZATION}"), token).await?;
    let org = rows.records.into_iter().next()?;
    let organization_type = org.organization_type.unwrap_or_default();
    Some(OrgKind::of_organization(org.is_sandbox, org.trial_expiration_date.is_some(), &organization_type))
}

async fn get<T: DeserializeOwned>(http: &Http, url: &str, token: &SecretString) -> Option<T> {
    if !is_allowed(url) {
        return None;
    }
    let request = http.for_url(url).ok()?.get(url).bearer_auth(token.expose_secret());
    let mut response = request.timeout(BEST_EFFORT).send().await.ok()?;
    if !response.status().is_success() {
        return None;
    }
    serde_json::from_slice(&read_body(&mut response).await.ok()?).ok()
}
