//! How an org is signed in to, and what is remembered of it so that it can be done again. Nothing here is a secret.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use uuid::Uuid;

use crate::ids::OrgId;
use crate::remote::{ConnectError, ConnectedOrg};

/// What kind of org it is; an admin treats them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrgKind {
    /// What people work in.
    Production,
    /// A copy of a production org.
    Sandbox,
    /// Made from source, for some days.
    Scratch,
    /// A Developer Edition org.
    Developer,
}

/// How an org's tokens were had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedInBy {
    /// Somebody signed in in a browser.
    Browser,
    /// The Salesforce CLI owns them.
    Cli,
    /// An sfdxAuthUrl was given.
    AuthUrl,
}

/// A word that is none of those known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not known here")]
pub struct UnknownWord(String);

impl OrgKind {
    /// The word for it in the API and the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Sandbox => "sandbox",
            Self::Scratch => "scratch",
            Self::Developer => "developer",
        }
    }

    /// Judges by what the org's record `Organization` says. Scratch orgs are sandboxes with an end; that is how the
    /// Salesforce CLI tells them apart too (sfdx-core, `determineOrg`).
    pub fn of_organization(is_sandbox: bool, ends: bool, organization_type: &str) -> Self {
        match (is_sandbox, ends) {
            (true, true) => Self::Scratch,
            (true, false) => Self::Sandbox,
            (false, _) if organization_type == "Developer Edition" => Self::Developer,
            (false, _) => Self::Production,
        }
    }

    /// Judges by the host alone, by Salesforce's forms of My Domain hosts ("My Domain URL Formats", enhanced domains, and
    /// `--` for the older form of a sandbox's). `None` for any other host.
    pub fn of_host(host: &str) -> Option<Self> {
        let name = host.strip_suffix(".my.salesforce.com")?;
        match name.split_once('.').map(|(_, partition)| partition) {
            Some("sandbox") => Some(Self::Sandbox),
            Some("scratch") => Some(Self::Scratch),
            Some("develop" | "trailblaze") => Some(Self::Developer),
            Some(_) => None,
            None if name.contains("--") => Some(Self::Sandbox),
            None if name.ends_with("-dev-ed") => Some(Self::Developer),
            None => Some(Self::Production),
        }
    }
}

impl fmt::Display for OrgKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OrgKind {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Production, Self::Sandbox, Self::Scratch, Self::Developer]
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}

impl SignedInBy {
    /// The word for it in the API and the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Cli => "cli",
            Self::AuthUrl => "authUrl",
        }
    }
}

impl FromStr for SignedInBy {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Browser, Self::Cli, Self::AuthUrl]
            .into_iter()
            .find(|by| by.as_str() == word)
            .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}

/// How an org was signed in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// By which way.
    pub by: SignedInBy,
    /// Where its login page is; `None` for the CLI, which knows.
    pub login_url: Option<String>,
    /// The app that the tokens were given to; `None` for the CLI's.
    pub client_id: Option<String>,
}

/// Where an org's access tokens come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// From its token server, for the refresh token in the secret store.
    Stored,
    /// From the Salesforce CLI, which is asked by the name of the user.
    Cli {
        /// The user that the CLI is signed in as.
        username: String,
    },
}

/// A sign-in in the browser, to be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInRequest {
    /// Names it.
    pub id: Uuid,
    /// `https://login.salesforce.com`, `https://test.salesforce.com`, or an org's own address (My Domain).
    pub login_url: String,
    /// The app to sign in with; `None` for the default.
    pub client_id: Option<String>,
    /// The org that is to be signed in to again; another is refused then, unless it stands at the same address.
    pub again: Option<Known>,
}

/// An org that is signed in to again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The org.
    pub org_id: OrgId,
    /// Where its API was.
    pub instance_url: String,
    /// Who was signed in, for the login page to suggest.
    pub username: Option<String>,
}

/// Somebody who waits for a sign-in in the browser. Told one thing, once; the page in the browser waits for it.
#[async_trait]
pub trait WaitsForSignIn: Send + Sync {
    /// The org is signed in to, and its secrets are stored.
    ///
    /// # Errors
    /// Why it could not be kept, for the page in the browser.
    async fn signed_in(self: Box<Self>, org: ConnectedOrg) -> Result<(), String>;

    /// It came to nothing.
    async fn failed(self: Box<Self>, why: ConnectError);
}

/// An org that the Salesforce CLI is signed in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliOrg {
    /// Who is signed in.
    pub username: String,
    /// What the CLI calls it.
    pub aliases: Vec<String>,
    /// The org; `None` where the CLI does not say.
    pub org_id: Option<OrgId>,
    /// Where its API is.
    pub instance_url: Option<String>,
    /// What kind of org it is, as far as the CLI says.
    pub kind: Option<OrgKind>,
    /// Why the CLI could give no token for it, in its own words.
    pub problem: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::production(false, false, "Enterprise Edition", OrgKind::Production)]
    #[case::trial(false, true, "Enterprise Edition", OrgKind::Production)]
    #[case::sandbox(true, false, "Enterprise Edition", OrgKind::Sandbox)]
    #[case::developer_sandbox(true, false, "Developer Edition", OrgKind::Sandbox)]
    #[case::scratch(true, true, "Developer Edition", OrgKind::Scratch)]
    #[case::developer(false, false, "Developer Edition", OrgKind::Developer)]
    fn an_orgs_kind_is_what_its_record_says(
        #[case] is_sandbox: bool,
        #[case] ends: bool,
        #[case] organization_type: &str,
        #[case] kind: OrgKind,
    ) {
        assert_eq!(OrgKind::of_organization(is_sandbox, ends, organization_type), kind);
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }

    #[rstest]
    #[case("acme.my.salesforce.com", Some(OrgKind::Production))]
    #[case("acme--uat.sandbox.my.salesforce.com", Some(OrgKind::Sandbox))]
    #[case("acme--uat.my.salesforce.com", Some(OrgKind::Sandbox))]
    #[case("acme-dev-ed.develop.my.salesforce.com", Some(OrgKind::Developer))]
    #[case("acme-dev-ed.my.salesforce.com", Some(OrgKind::Developer))]
    #[case("test-abc.scratch.my.salesforce.com", Some(OrgKind::Scratch))]
    #[case("acme.somethingnew.my.salesforce.com", None)]
    #[case("127.0.0.1", None)]
    #[case("acme.my.salesforce.com.example.com", None)]
    fn an_orgs_kind_is_known_from_its_host(#[case] host: &str, #[case] kind: Option<OrgKind>) {
        assert_eq!(OrgKind::of_host(host), kind);
    }
}
