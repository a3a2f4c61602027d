//! The Salesforce CLI on this machine as a broker of access tokens.
//!
//! The CLI stays the owner of its refresh tokens: two holders of one token would log each other out where it rotates. So
//! it is asked for an access token each time one is needed, and nothing of it is stored. Facts about its answers were
//! read in plugin-org 5 and seen with `sf` 2.150.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::{CliError, CliTrouble};
use sync_monitor_domain::sign_in::{CliOrg, OrgKind};
use tokio::process::Command;

use crate::redact::shorten;

/// The CLI's name where no other is set; npm installs a script on Windows.
pub(crate) const PROGRAM: &str = if cfg!(windows) { "sf.cmd" } else { "sf" };
/// How long the CLI may take: it starts slowly, and refreshes a token on the way.
const PATIENCE: Duration = Duration::from_mins(1);
/// The longest words of the CLI's that are passed on, in characters.
const LONGEST: usize = 300;
/// The key of our own encrypted secrets is not for others.
const OUR_KEY: &str = "SYNC_MONITOR_SECRETS_KEY";

/// The Salesforce CLI.
pub(crate) struct Cli {
    program: OsString,
}

/// What the CLI said, where it said JSON.
struct Said {
    result: Value,
    warnings: Vec<String>,
}

/// An entry of `sf org list auth --json` (sfdx-core, `OrgAuthorization`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    aliases: Option<Vec<String>>,
    /// What the command makes of `aliases`.
    #[serde(default)]
    alias: Option<String>,
    #[serde(default)]
    org_id: Option<String>,
    #[serde(default)]
    instance_url: Option<String>,
    #[serde(default)]
    is_sandbox: Option<bool>,
    #[serde(default)]
    is_scratch_org: Option<bool>,
    #[serde(default)]
    error: Option<String>,
    /// A boolean, or the text "unknown".
    #[serde(default)]
    is_expired: Value,
}

fn trouble(trouble: CliTrouble, message: impl Into<String>) -> CliError {
    CliError { trouble, message: message.into() }
}

impl Cli {
    pub(crate) fn new(program: OsString) -> Self {
        Self { program }
    }

    fn name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    /// The orgs that it is signed in to.
    pub(crate) async fn orgs(&self) -> Result<Vec<CliOrg>, CliError> {
        let said = self.run(&["org", "list", "auth"]).await?;
        let listed: Vec<Listed> = match said.result {
            Value::Null => Vec::new(),
            result => serde_json::from_value(result).map_err(|_| {
                trouble(
                    CliTrouble::Failed,
                    "The Salesforce CLI's list of orgs was not understood. Update it: sf update",
                )
            })?,
        };
        Ok(listed.into_iter().filter_map(read_listed).collect())
    }

    /// An access token of a user that it is signed in as; the CLI refreshes it first. `refused` is one that the org has
    /// refused: the same again is of no use.
    pub(crate) async fn access_token(
        &self,
        username: &str,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, CliError> {
        if username.is_empty() || username.starts_with('-') {
            return Err(trouble(CliTrouble::Failed, "That is no name of a user. Pick one from the list."));
        }
        let show = ["org", "auth", "show-access-token", "--target-org", username];
        let said = match self.run(&show).await {
            // Before 2.136 there was no such command, and the org's details had the token.
            Err(error) if error.trouble == CliTrouble::TooOld => self.display(username).await?,
            said => said?,
        };
        let token = read_token(&said, username)?;
        let stale = said.warnings.iter().any(|warning| warning.to_ascii_lowercase().contains("refresh auth"));
        let known_bad = refused.is_some_and(|refused| refused.expose_secret() == token.expose_secret());
        if stale || known_bad {
            // It shows the last token that it has, good or not, and does not say here why it has no newer.
            self.why_stale(username, known_bad).await?;
        }
        Ok(token)
    }

    async fn display(&self, username: &str) -> Result<Said, CliError> {
        let said = self.run(&["org", "display", "--target-org", username]).await?;
        if text(&said.result, "accessToken").is_some_and(is_redacted) {
            return Err(trouble(
                CliTrouble::TooOld,
                "This Salesforce CLI hides access tokens and has no command that shows one. Update it: sf update",
            ));
        }
        Ok(said)
    }

    /// Fails if the CLI could not refresh a token because it may not, or because it could not reach the org.
    async fn why_stale(&self, username: &str, known_bad: bool) -> Result<(), CliError> {
        let said = self.run(&["org", "display", "--target-org", username]).await?;
        let status = text(&said.result, "connectedStatus").unwrap_or_default();
        let words = status.to_ascii_lowercase();
        if ["expired", "refresh token", "invalid_grant", "auth", "inactive"]
            .iter()
            .any(|sign| words.contains(sign))
        {
            return Err(signed_out(username, status));
        }
        match status {
            // A scratch org has no such status; without news of trouble the org itself may judge the token.
            "" | "Connected" if !known_bad => Ok(()),
            "" | "Connected" => Err(signed_out(username, "the org refuses the token that the CLI has")),
            _ => Err(trouble(
                CliTrouble::Offline,
                format!(
                    "The Salesforce CLI could not reach the org of {username}: {}. Check the network connection.",
                    shorten(status, LONGEST)
                ),
            )),
        }
    }

    async fn run(&self, arguments: &[&str]) -> Result<Said, CliError> {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .arg("--json")
            // Nothing that it may want to do on the side: it is to answer and end.
            .envs([
                ("NO_COLOR", "1"),
                ("SF_AUTOUPDATE_DISABLE", "true"),
                ("SF_DISABLE_TELEMETRY", "true"),
                ("SF_SKIP_NEW_VERSION_CHECK", "true"),
            ])
            .env_remove(OUR_KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let ended = match tokio::time::timeout(PATIENCE, command.output()).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Err(trouble(
                    CliTrouble::Missing,
                    format!(
                        "The Salesforce CLI ({}) was not found. Install it, or name it with its path in the setting salesforce.cli; a program that was not started from a terminal may know other paths than you do.",
                        self.name()
                    ),
                ));
            }
            Ok(Err(error)) => {
                return Err(trouble(
                    CliTrouble::Failed,
                    format!(
                        "The Salesforce CLI ({}) cannot be started: {error}. Check the setting salesforce.cli.",
                        self.name()
                    ),
                ));
            }
            Err(_) => {
                return Err(trouble(
                    CliTrouble::Failed,
                    format!(
                        "The Salesforce CLI gave no answer within {} seconds. Try `{} org list auth` in a terminal.",
                        PATIENCE.as_secs(),
                        self.name()
                    ),
                ));
            }
        };
        read(&String::from_utf8_lossy(&ended.stdout), &String::from_utf8_lossy(&ended.stderr))
    }
}

/// Reads what the CLI wrote. Warnings may stand before the JSON; older versions write an error's JSON to stderr.
fn read(stdout: &str, stderr: &str) -> Result<Said, CliError> {
    let Some(json) = json_in(stdout).or_else(|| json_in(stderr)) else {
        let words = stderr.to_ascii_lowercase();
        // oclif's words, of now and before.
        if words.contains("is not a sf command")
            || (words.contains("command org") && words.contains("not found"))
        {
            return Err(trouble(
                CliTrouble::TooOld,
                "This Salesforce CLI does not know the command that shows an access token. Update it: sf update",
            ));
        }
        let last = stderr.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no word");
        return Err(trouble(
            CliTrouble::Failed,
            format!("The Salesforce CLI gave no JSON, but: {}. Try the same in a terminal.", tame(last)),
        ));
    };
    let warnings = json["warnings"].as_array().into_iter().flatten();
    let warnings = warnings.filter_map(Value::as_str).map(str::to_owned).collect();
    if json["status"].as_i64().unwrap_or_default() == 0 {
        return Ok(Said { result: json["result"].clone(), warnings });
    }
    let (name, message) =
        (text(&json, "name").unwrap_or_default(), text(&json, "message").unwrap_or_default());
    let words = message.to_ascii_lowercase();
    let is_signed_out = matches!(
        name,
        "NamedOrgNotFoundError"
            | "NamedOrgNotFound"
            | "NoAuthInfoFound"
            | "RefreshTokenAuthError"
            | "NoOrgFound"
    ) || words.contains("no authorization information")
        || words.contains("expired access/refresh token");
    let why = tame(message);
    Err(if is_signed_out {
        trouble(
            CliTrouble::SignedOut,
            format!(
                "The Salesforce CLI is not signed in there: {why}. Sign in with `sf org login web`, then try again."
            ),
        )
    } else {
        trouble(CliTrouble::Failed, format!("The Salesforce CLI said {name}: {why}"))
    })
}

fn json_in(text: &str) -> Option<Value> {
    let from = text.find('{')?;
    // What follows the first value is of no interest.
    serde_json::Deserializer::from_str(&text[from..]).into_iter::<Value>().next()?.ok()
}

fn read_token(said: &Said, username: &str) -> Result<SecretString, CliError> {
    match text(&said.result, "accessToken") {
        Some(token) if is_redacted(token) => Err(trouble(
            CliTrouble::Redacted,
            "The Salesforce CLI shows [REDACTED] in place of the access token. Update it: sf update",
        )),
        Some(token) if !token.is_empty() && !token.contains(char::is_whitespace) => {
            Ok(SecretString::from(token))
        }
        _ => Err(signed_out(username, "it has no access token")),
    }
}

fn is_redacted(token: &str) -> bool {
    token.contains("REDACTED")
}

fn signed_out(username: &str, why: &str) -> CliError {
    trouble(
        CliTrouble::SignedOut,
        format!(
            "The Salesforce CLI is signed out of the org of {username}: {}. Sign in again with `sf org login web`, then test the org here.",
            tame(why)
        ),
    )
}

fn text<'a>(json: &'a Value, name: &str) -> Option<&'a str> {
    json.get(name)?.as_str()
}

/// One line of a length that a person reads, without a full stop.
fn tame(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(line.trim_end_matches('.'), LONGEST)
}

fn read_listed(listed: Listed) -> Option<CliOrg> {
    let kind = match (listed.is_scratch_org, listed.is_sandbox) {
        (Some(true), _) => Some(OrgKind::Scratch),
        (_, Some(true)) => Some(OrgKind::Sandbox),
        _ => listed.instance_url.as_deref().and_then(kind_of_url),
    };
    let expired = (listed.is_expired == Value::Bool(true)).then(|| "The scratch org has expired.".to_owned());
    Some(CliOrg {
        username: listed.username?,
        aliases: listed.aliases.unwrap_or_else(|| aliases(listed.alias.as_deref())),
        org_id: listed.org_id.and_then(|id| id.parse().ok()),
        instance_url: listed.instance_url,
        kind,
        problem: expired.or_else(|| listed.error.map(|error| tame(&error))),
    })
}

/// The command joins several by commas.
fn aliases(joined: Option<&str>) -> Vec<String> {
    let names = joined.unwrap_or_default().split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn kind_of_url(url: &str) -> Option<OrgKind> {
    OrgKind::of_host(url::Url::parse(url).ok()?.host_str()?)
}

/// The org whose session an access token is: Salesforce's begin with the org's ID and `!`.
pub(crate) fn org_of_token(token: &SecretString) -> Option<OrgId> {
    let (org, _) = token.expose_secret().split_once('!')?;
    org.parse().ok()
}

#[cfg(test)]
mod tests;
