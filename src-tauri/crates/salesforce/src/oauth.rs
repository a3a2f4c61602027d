//! The token server: codes, refresh and revoke (RFC 6749, 7636, 7009; Salesforce's "OAuth 2.0 Web Server Flow" and
//! "OAuth 2.0 Refresh Token Flow").

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl as AuthorizationUrl, AuthorizationCode, ClientId, ClientSecret,
    CsrfToken, EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, StandardRevocableToken, StandardTokenResponse,
    TokenResponse as _, TokenUrl,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sync_monitor_domain::ids::OrgId;

use crate::auth_url::AuthUrl;
use crate::http::{Http, base_url, read_body};
use crate::network::no_answer;

mod denied;

use denied::denied;
pub(crate) use denied::{Asked, Denied};

/// How long something may take that is good to have and not needed.
pub(crate) const BEST_EFFORT: Duration = Duration::from_secs(10);

/// What Salesforce adds to a token response.
#[derive(Debug, Clone, Deserialize, Serialize)]
struct Extras {
    instance_url: Option<String>,
    /// `https://login.salesforce.com/id/{organization}/{user}`.
    id: Option<String>,
}

impl ExtraTokenFields for Extras {}

type Response = StandardTokenResponse<Extras, BasicTokenType>;
type OauthClient<Authorization = EndpointNotSet, Token = EndpointNotSet> = oauth2::Client<
    BasicErrorResponse,
    Response,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    Authorization,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    Token,
>;

/// What we ask for: the REST API, and a refresh token. More would have to be allowed in each admin's own app.
const SCOPES: [&str; 2] = ["api", "refresh_token"];

/// What it takes to get an access token of an org.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<SecretString>,
    pub(crate) refresh_token: SecretString,
    /// The token server's host, with its port where one was named.
    pub(crate) host: String,
}

/// The form in which credentials are kept in a secret store.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    refresh_token: String,
    #[serde(alias = "host")]
    token_host: String,
}

impl Credentials {
    /// As kept in a secret store.
    pub(crate) fn to_secret(&self) -> SecretString {
        let kept = Kept {
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.as_ref().map(|s| s.expose_secret().to_owned()),
            refresh_token: self.refresh_token.expose_secret().to_owned(),
            token_host: self.host.clone(),
        };
        // Four texts always have a JSON form.
        SecretString::from(serde_json::to_string(&kept).unwrap_or_default())
    }

    /// As read back from a secret store.
    pub(crate) fn from_secret(secret: &SecretString) -> Option<Self> {
        let kept: Kept = serde_json::from_str(secret.expose_secret()).ok()?;
        Some(Self {
            client_id: kept.client_id,
            client_secret: kept.client_secret.map(SecretString::from),
            refresh_token: SecretString::from(kept.refresh_token),
            host: kept.token_host,
        })
    }

    /// What of them must not be found in what anybody says.
    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        let refresh_token = Some(self.refresh_token.clone());
        [refresh_token, self.client_secret.clone()].into_iter().flatten().collect()
    }
}

impl From<AuthUrl> for Credentials {
    fn from(url: AuthUrl) -> Self {
        Self {
            client_id: url.client_id,
            client_secret: url.client_secret,
            refresh_token: url.refresh_token,
            host: url.host,
        }
    }
}

/// What the token server gave.
pub(crate) struct Granted {
    pub(crate) access_token: SecretString,
    /// A new refresh token: after a sign-in, or where the server rotates them and the old one is dead by now.
    pub(crate) refresh_token: Option<SecretString>,
    pub(crate) instance_url: Option<String>,
    pub(crate) org_id: Option<OrgId>,
    /// Where the org tells who is signed in.
    pub(crate) identity_url: Option<String>,
}

impl From<Response> for Granted {
    fn from(response: Response) -> Self {
        let extras = response.extra_fields();
        Self {
            access_token: SecretString::from(response.access_token().secret().clone()),
            refresh_token: response.refresh_token().map(|new| SecretString::from(new.secret().clone())),
            instance_url: extras.instance_url.clone(),
            org_id: extras.id.as_deref().and_then(org_of_identity),
            identity_url: extras.id.clone(),
        }
    }
}

/// Why a request to the token server brought no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("{1}")]
    NoAnswer(&'static str, String),
    #[error(transparent)]
    Http(#[from] oauth2::http::Error),
}

/// The adapter between the OAuth library and our HTTP client.
struct Adapter {
    http: Arc<Http>,
    host: String,
    /// The last answer's status, which the library does not tell.
    status: AtomicU16,
}

impl<'c> AsyncHttpClient<'c> for Adapter {
    type Error = AskError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, AskError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

impl Adapter {
    fn new(http: &Arc<Http>, host: &str) -> Self {
        Self { http: Arc::clone(http), host: host.to_owned(), status: AtomicU16::new(0) }
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, AskError> {
        let said = |error: &reqwest::Error| {
            let no = no_answer(error, &self.host);
            AskError::NoAnswer(no.code, no.message)
        };
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        let client = self.http.for_url(&url).map_err(|error| said(&error))?;
        let request = client.request(parts.method, url).headers(parts.headers).body(body);
        let mut response = request.send().await.map_err(|error| said(&error))?;
        self.status.store(response.status().as_u16(), Ordering::Relaxed);
        let body = read_body(&mut response).await.map_err(|error| said(&error))?;
        let mut answer = oauth2::http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            answer = answer.header(name, value);
        }
        Ok(answer.body(with_token_type(body))?)
    }
}

/// A token response that does not say of what type its token is says it now. There is one type, and a server that leaves
/// it out (which RFC 6749, 5.1, does not allow) means that one; the library would refuse its token.
fn with_token_type(body: Vec<u8>) -> Vec<u8> {
    match serde_json::from_slice(&body) {
        Ok(serde_json::Value::Object(mut members))
            if members.contains_key("access_token") && !members.contains_key("token_type") =>
        {
            members.insert("token_type".into(), "Bearer".into());
            serde_json::Value::Object(members).to_string().into_bytes()
        }
        _ => body,
    }
}

/// A client of the token server of `host`.
fn client(host: &str, client_id: &str) -> Result<OauthClient<EndpointSet, EndpointSet>, Denied> {
    let base = base_url(host);
    let unusable = || Denied {
        refused: true,
        http_status: None,
        code: "INVALID_TOKEN_SERVER".into(),
        message: format!("{base} is no address of a token server. Connect the org again."),
    };
    let token_url = TokenUrl::new(format!("{base}/services/oauth2/token")).map_err(|_| unusable())?;
    let login_url =
        AuthorizationUrl::new(format!("{base}/services/oauth2/authorize")).map_err(|_| unusable())?;
    Ok(OauthClient::new(ClientId::new(client_id.to_owned()))
        .set_auth_type(AuthType::RequestBody)
        .set_auth_uri(login_url)
        .set_token_uri(token_url))
}

/// A sign-in in the browser that was begun: what must be remembered until the browser comes back.
pub(crate) struct Begun {
    /// Where the browser goes.
    pub(crate) authorize_url: String,
    /// What it must bring back.
    pub(crate) state: String,
    /// Proves that whoever comes with the code is who began.
    pub(crate) verifier: PkceCodeVerifier,
}

/// Begins a sign-in in the browser. `login_hint` is the user whom the page suggests.
pub(crate) fn begin(
    host: &str,
    client_id: &str,
    redirect_url: &str,
    login_hint: Option<&str>,
) -> Result<Begun, Denied> {
    let redirect = RedirectUrl::new(redirect_url.to_owned()).map_err(|_| Denied {
        refused: true,
        http_status: None,
        code: "INVALID_REDIRECT".into(),
        message: "The address that the browser is to come back to is none. Check oauth.redirect_port.".into(),
    })?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let client = client(host, client_id)?.set_redirect_uri(redirect);
    // 256 bits: whoever can guess it can guess anything.
    let mut request = client
        .authorize_url(|| CsrfToken::new_random_len(32))
        .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
        .set_pkce_challenge(challenge)
        // Who is signed in to one org in the browser wants to choose here, not to be taken for that.
        .add_extra_param("prompt", "login");
    if let Some(hint) = login_hint {
        request = request.add_extra_param("login_hint", hint);
    }
    let (url, state) = request.url();
    Ok(Begun { authorize_url: url.into(), state: state.into_secret(), verifier })
}

/// Exchanges the code that the browser brought back.
pub(crate) async fn exchange(
    http: &Arc<Http>,
    host: &str,
    client_id: &str,
    redirect_url: &str,
    code: SecretString,
    verifier: PkceCodeVerifier,
) -> Result<Granted, Denied> {
    let redirect = RedirectUrl::new(redirect_url.to_owned()).ok();
    let mut client = client(host, client_id)?;
    if let Some(redirect) = redirect {
        client = client.set_redirect_uri(redirect);
    }
    let adapter = Adapter::new(http, host);
    let code = AuthorizationCode::new(code.expose_secret().to_owned());
    let answered = client.exchange_code(code).set_pkce_verifier(verifier).request_async(&adapter).await;
    let status = adapter.status.load(Ordering::Relaxed);
    Ok(answered.map_err(|error| denied(error, status, host, Asked::Code))?.into())
}

/// Asks the token server for an access token: for `asked`, a renewal or an sfdxAuthUrl.
pub(crate) async fn refresh(
    http: &Arc<Http>,
    credentials: &Credentials,
    asked: Asked,
) -> Result<Granted, Denied> {
    let mut client = client(&credentials.host, &credentials.client_id)?;
    if let Some(secret) = &credentials.client_secret {
        client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
    }
    let adapter = Adapter::new(http, &credentials.host);
    let refresh_token = RefreshToken::new(credentials.refresh_token.expose_secret().to_owned());
    let answered = client.exchange_refresh_token(&refresh_token).request_async(&adapter).await;
    let status = adapter.status.load(Ordering::Relaxed);
    let mut granted =
        Granted::from(answered.map_err(|error| denied(error, status, &credentials.host, asked))?);
    granted.refresh_token =
        granted.refresh_token.filter(|new| new.expose_secret() != credentials.refresh_token.expose_secret());
    Ok(granted)
}

/// The org in an identity URL, `…/id/{organization}/{user}`.
fn org_of_identity(id: &str) -> Option<OrgId> {
    let segments =
        url::Url::parse(id).ok()?.path().trim_matches('/').split('/').map(str::to_owned).collect::<Vec<_>>();
    let at = segments.iter().rposition(|s| s == "id")?;
    segments.get(at + 1)?.parse().ok()
}

/// Tells the token server to forget a token; with a refresh token its access tokens go too. Best effort: returns whether it did.
pub(crate) async fn revoke(http: &Http, host: &str, token: &SecretString) -> bool {
    let url = format!("{}/services/oauth2/revoke", base_url(host));
    let Ok(client) = http.for_url(&url) else { return false };
    let form = [("token", token.expose_secret())];
    let request = client.post(url).form(&form).timeout(BEST_EFFORT);
    request.send().await.is_ok_and(|response| response.status().is_success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "https://login.salesforce.com/id/00D000000000001EAA/005000000000001AAA",
        Some("00D000000000001EAA")
    )]
    #[case("http://127.0.0.1:4711/id/00D000000000001/005000000000001", Some("00D000000000001EAA"))]
    #[case("https://login.salesforce.com/id/", None)]
    #[case("https://login.salesforce.com/00D000000000001EAA", None)]
    #[case("nonsense", None)]
    fn the_org_is_read_from_the_identity_url(#[case] id: &str, #[case] org: Option<&str>) {
        assert_eq!(org_of_identity(id).map(|o| o.to_string()).as_deref(), org);
    }

    #[rstest]
    #[case::left_out(r#"{"access_token":"t"}"#, r#"{"access_token":"t","token_type":"Bearer"}"#)]
    #[case::said(
        r#"{"access_token":"t","token_type":"bearer"}"#,
        r#"{"access_token":"t","token_type":"bearer"}"#
    )]
    #[case::refused(r#"{"error":"invalid_grant"}"#, r#"{"error":"invalid_grant"}"#)]
    #[case::no_json("<html>", "<html>")]
    fn a_token_without_a_type_is_a_bearer_token(#[case] body: &str, #[case] read_as: &str) {
        assert_eq!(String::from_utf8(with_token_type(body.into())).unwrap(), read_as);
    }

    #[test]
    fn credentials_are_read_back_as_they_were_kept() {
        let kept = Credentials {
            client_id: "app".into(),
            client_secret: Some(SecretString::from("s")),
            refresh_token: SecretString::from("r"),
            host: "h:1".into(),
        };
        let read = Credentials::from_secret(&kept.to_secret()).unwrap();
        assert_eq!(read.refresh_token.expose_secret(), "r");
        assert_eq!(read.client_secret.unwrap().expose_secret(), "s");
        assert_eq!((read.client_id.as_str(), read.host.as_str()), ("app", "h:1"));
        assert!(Credentials::from_secret(&SecretString::from("{}")).is_none());
        let fields: serde_json::Value = serde_json::from_str(kept.to_secret().expose_secret()).unwrap();
        let expected = serde_json::json!({ "clientId": "app", "clientSecret": "s", "refreshToken": "r", "tokenHost": "h:1" });
        assert_eq!(fields, expected);
    }
}
