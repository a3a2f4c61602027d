//! The ports: what the engine needs of an org and of a keychain, without knowing how either works.

use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::clock::Millis;
use crate::ids::OrgId;
use crate::sign_in::{CliOrg, OrgKind, SignIn, SignInRequest, TokenSource, WaitsForSignIn};

/// Where and as whom to reach a connected org. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgAddress {
    /// The org.
    pub org_id: OrgId,
    /// `https://…my.salesforce.com`, without a path; `http` only for a loopback host.
    pub instance_url: String,
    /// The path of the sync endpoint in the org, from the `/`.
    pub endpoint_path: String,
    /// Where its access tokens come from.
    pub tokens: TokenSource,
}

/// What an org's answer means; what to do about it is [`crate::item`]'s to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The org took the change.
    Synced,
    /// The org knows a newer version (409).
    Superseded,
    /// The org will refuse the same bytes again.
    Refused,
    /// The org may take it later, not before `retry_after` when that is given.
    Retry {
        /// What the org asked for.
        retry_after: Option<Duration>,
    },
    /// No valid token, and none to be had without a person.
    SignInRequired,
    /// The token was refused and renewed; the attempt was repeated with the new one. Never the last of a [`Report`].
    TokenRenewed,
    /// The org takes no requests for now.
    RateLimited {
        /// What the org asked for.
        retry_after: Option<Duration>,
    },
    /// There is no sync endpoint at the address (404, a redirect).
    EndpointMissing,
    /// The work item that it belongs below is not in the org; nothing was sent. It goes when that is there.
    ParentMissing,
    /// No answer at all: time-out, TLS or network error, of the org or of its token server.
    Unreachable,
}

/// One HTTP request made for an item and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// When it began.
    pub started_at: Millis,
    /// How long it took, by a clock that cannot be set.
    pub duration: Duration,
    /// What it means.
    pub meaning: Meaning,
    /// The answer's status; `None` when there was no answer.
    pub http_status: Option<u16>,
    /// Salesforce's or the application's error code, or one of ours for what has none (`TIMEOUT`, `CONNECTION_REFUSED`, …).
    pub error_code: Option<String>,
    /// The answer's message, or ours, for a person. Never holds a token.
    pub message: Option<String>,
    /// The answer's body as text, at most 64 KiB, tokens cut out. `None` when there was none.
    pub response_body: Option<String>,
}

/// What one attempt to deliver brought: normally one try, two when the token was renewed in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// In the order they were made; never empty. The last one decides.
    pub tries: Vec<Try>,
    /// The org's API use, where it was said (`Sforce-Limit-Info`).
    pub api_usage: Option<ApiUsage>,
    /// The org's clock minus this machine's, where it was said (`Date`, whole seconds).
    pub clock_skew_ms: Option<i64>,
    /// Where the org is now, if its token server names another address than it was asked at.
    pub moved_to: Option<String>,
}

/// How a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallMethod {
    /// Reads.
    Get,
    /// Writes.
    Post,
    /// Changes what is there.
    Patch,
}

/// A request to an org's REST API, or to the service of a package in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// How.
    pub method: CallMethod,
    /// Path and query, from the `/`.
    pub path: String,
    /// JSON, where there is a body.
    pub body: Option<bytes::Bytes>,
    /// Is it for Delivery Hub's own service? Then it goes with the key and the signature that are kept for the org, and
    /// what is answered is read as that service means it.
    pub is_service: bool,
    /// Is the answer to be taken as it is, whatever is in it?
    pub is_raw: bool,
}

impl Call {
    /// Reads what is at a path.
    pub fn get(path: String) -> Self {
        Self { method: CallMethod::Get, path, body: None, is_service: false, is_raw: false }
    }

    /// Reads the bytes that are at a path.
    pub fn bytes(path: String) -> Self {
        Self { is_raw: true, ..Self::get(path) }
    }
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// As of a delivery. A success means no more than that the answer was a 2xx with JSON or nothing in it.
    pub report: Report,
    /// The last answer's body, whole.
    pub body: Option<Vec<u8>>,
}

/// The key of Delivery Hub's own service in an org.
#[derive(Debug, Clone)]
pub struct ServiceKey {
    /// Sent as `X-Api-Key`.
    pub api_key: SecretString,
    /// Signs each body (`X-Signature`), where the org wants that.
    pub hmac_secret: Option<SecretString>,
}

/// Requests used of an org's daily allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiUsage {
    /// Used in the last 24 hours.
    pub used: u64,
    /// Allowed in 24 hours.
    pub max: u64,
}

/// An org that has just been connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectedOrg {
    /// From `id` in the token response.
    pub org_id: OrgId,
    /// The signed-in user, where it could be read.
    pub username: Option<String>,
    /// Where the org's API is.
    pub instance_url: String,
    /// What kind of org it says it is, where it could be asked.
    pub kind: Option<OrgKind>,
    /// How its tokens were had, so that they can be had again.
    pub sign_in: SignIn,
}

/// What an org says of itself and of who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// The signed-in user.
    pub username: Option<String>,
    /// What kind of org it is.
    pub kind: Option<OrgKind>,
}

/// What is wrong where an org's sync endpoint should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointTrouble {
    /// In a word.
    pub fault: EndpointFault,
    /// The request that says so.
    pub one: Box<Try>,
}

/// What can be wrong where an org's sync endpoint should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointFault {
    /// There is none at the address (404, a redirect).
    Missing,
    /// The signed-in user may not use it (403).
    Forbidden,
    /// A page, or something else that is no endpoint, answers there.
    SomethingElse,
    /// The org cannot say now (5xx and the like).
    CannotTell,
    /// The org takes no request, does not take the token, or does not answer; the request's meaning says which.
    NotReached,
}

/// What a look at an org found. Nothing of it was a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// Does the org take our token, and let its user use the API? If not, the request that says so; of the meanings
    /// [`Meaning::Refused`] is that the user may not.
    pub sign_in: Result<(), Box<Try>>,
    /// Is there a sync endpoint that the user may use? `None` where that was not asked, since nobody is signed in or
    /// nobody answers.
    pub endpoint: Option<Result<(), EndpointTrouble>>,
    /// The org's API use, where it was said.
    pub api_usage: Option<ApiUsage>,
    /// The org's clock minus this machine's, where it was said.
    pub clock_skew_ms: Option<i64>,
    /// What it says of itself.
    pub identity: Identity,
    /// Where it is now, if its token server names another address than it was asked at.
    pub moved_to: Option<String>,
}

/// Why an org could not be connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The text is not an sfdxAuthUrl; says what is wrong with it, without repeating it.
    #[error("{0}")]
    NotAnAuthUrl(String),
    /// The token server refused; its own words.
    #[error("{0}")]
    Refused(String),
    /// The token server could not be reached or did not make sense.
    #[error("{0}")]
    Unreachable(String),
    /// The login address is none that a sign-in can begin at.
    #[error("{0}")]
    InvalidLogin(String),
    /// The port that the browser comes back to cannot be had.
    #[error("{0}")]
    PortTaken(String),
    /// The Salesforce CLI gave no token.
    #[error(transparent)]
    Cli(#[from] CliError),
    /// The secrets could not be kept.
    #[error(transparent)]
    Secrets(#[from] SecretError),
}

/// Why the Salesforce CLI was of no help. `Display` says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CliError {
    /// Tells the cases apart.
    pub trouble: CliTrouble,
    /// For a person; never holds a token.
    pub message: String,
}

/// What can be wrong with the Salesforce CLI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CliTrouble {
    /// It is not on this machine, or not where it was looked for.
    Missing,
    /// It does not know the command that shows an access token.
    TooOld,
    /// It shows `[REDACTED]` where the token should be.
    Redacted,
    /// It knows the org no more, or its own sign-in has ended.
    SignedOut,
    /// It could not reach the org.
    Offline,
    /// Anything else.
    Failed,
}

/// Orgs, as the engine sees them.
#[async_trait]
pub trait Remote: Send + Sync + 'static {
    /// Sends a payload to an org's sync endpoint, with a token that is renewed once if the org refuses it.
    ///
    /// Never fails: whatever happens is a [`Report`]. Takes no longer than the connect and request time-outs allow.
    /// Dropping the future abandons the request.
    async fn deliver(&self, org: &OrgAddress, body: bytes::Bytes) -> Report;

    /// Does anything answer HTTP at the org's address? Sends no change and no token (`GET {instance_url}/services/data/`,
    /// which Salesforce answers to anyone); whatever the answer's status, it is an answer.
    async fn answers(&self, org: &OrgAddress) -> bool;

    /// Connects an org by an sfdxAuthUrl (`force://clientId:clientSecret:refreshToken@host`): gets a token, learns the
    /// org's ID, stores the secrets.
    ///
    /// # Errors
    /// [`ConnectError`]; nothing is stored then.
    async fn connect_with_auth_url(&self, auth_url: SecretString) -> Result<ConnectedOrg, ConnectError>;

    /// Begins a sign-in in the browser, and returns the URL that a person is to open; the rest is told to `waiting`, once.
    /// Opens nothing itself. Until then the redirect port is listened at.
    ///
    /// # Errors
    /// [`ConnectError::InvalidLogin`], [`ConnectError::PortTaken`], or when secrets cannot be kept here.
    async fn begin_sign_in(
        &self,
        request: SignInRequest,
        waiting: Box<dyn WaitsForSignIn>,
    ) -> Result<String, ConnectError>;

    /// Nobody waits for this sign-in any more; its redirect is refused. What was asked for with
    /// [`Remote::begin_sign_in`] is told nothing.
    fn give_up_sign_in(&self, id: uuid::Uuid);

    /// The orgs that the Salesforce CLI on this machine is signed in to.
    ///
    /// # Errors
    /// [`CliError`].
    async fn cli_orgs(&self) -> Result<Vec<CliOrg>, CliError>;

    /// Connects an org that the Salesforce CLI is signed in to: the CLI stays the owner of its tokens.
    ///
    /// # Errors
    /// [`ConnectError`].
    async fn connect_with_cli(&self, name: &str) -> Result<ConnectedOrg, ConnectError>;

    /// Looks whether the org takes our token, has the endpoint, how much of its API is used, and what its clock says.
    /// Changes nothing there.
    async fn examine(&self, org: &OrgAddress) -> Examination;

    /// Makes any other request, with a token that is renewed once if the org refuses it. Never fails: whatever happens is in
    /// the report.
    async fn call(&self, org: &OrgAddress, call: Call) -> Called;

    /// Keeps the key of Delivery Hub's own service in an org, or forgets it.
    ///
    /// # Errors
    /// [`SecretError`] when the secrets cannot be written; nothing changes then.
    async fn set_service_key(&self, org: OrgId, key: Option<ServiceKey>) -> Result<(), SecretError>;

    /// Uses the org's refresh token, so that it is not taken for idle.
    /// Uses the org's refresh token, so that it is not taken for idle. Returns where the org is now, if its token server
    /// names another address.
    ///
    /// # Errors
    /// The request that failed.
    async fn keep_alive(&self, org: &OrgAddress) -> Result<Option<String>, Box<Try>>;

    /// Revokes the org's tokens, as far as its server can be reached, and forgets its secrets. Tokens that the Salesforce
    /// CLI owns are left to it.
    ///
    /// # Errors
    /// [`SecretError`] when the secrets could not be removed.
    async fn disconnect(&self, org: &OrgAddress) -> Result<(), SecretError>;
}

/// A place for secrets: the OS keychain, or an encrypted file.
#[async_trait]
pub trait SecretStore: Send + Sync + 'static {
    /// The secret under `name`, or `None`.
    ///
    /// # Errors
    /// [`SecretError`] when the store cannot be read.
    async fn get(&self, name: &str) -> Result<Option<SecretString>, SecretError>;

    /// Stores a secret under `name`; on return it survives a power loss as far as the store can promise it.
    ///
    /// # Errors
    /// [`SecretError`] when the store cannot be written; the earlier secret stands then.
    async fn set(&self, name: &str, secret: SecretString) -> Result<(), SecretError>;

    /// Forgets the secret under `name`; forgetting what is not there is no error.
    ///
    /// # Errors
    /// [`SecretError`] when the store cannot be written.
    async fn remove(&self, name: &str) -> Result<(), SecretError>;
}

/// A place for secrets that does not work; says what happened, why, and what to do, never the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SecretError(pub String);
