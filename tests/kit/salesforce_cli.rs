//! A stand-in for the Salesforce CLI: a script that says what it was told to say.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sync_monitor_orgsim::OrgSim;
use tempfile::TempDir;

/// Answers from a file named after its arguments, and writes down how it was called. What it was not told to answer, it
/// does not know, as the CLI does.
const SCRIPT: &str = r#"#!/bin/sh
here=$(dirname "$0")
name=$(printf '%s' "$*" | tr -c 'A-Za-z0-9@.\n' '_')
printf '%s\n' "$*" >> "$here/calls"
env > "$here/environment"
if [ -f "$here/$name.out" ]; then
    cat "$here/$name.out"
    exit "$(cat "$here/$name.code")"
fi
printf ' \342\200\272   Warning: %s is not a sf command.\n' "$*" >&2
exit 127
"#;

/// A stand-in for the Salesforce CLI.
pub struct SalesforceCli {
    folder: TempDir,
}

impl Default for SalesforceCli {
    fn default() -> Self {
        Self::new()
    }
}

impl SalesforceCli {
    /// One that knows no command.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn new() -> Self {
        let Ok(folder) = TempDir::new() else { panic!("no folder for the stand-in") };
        let cli = Self { folder };
        write(&cli.program(), SCRIPT);
        if let Err(error) = fs::set_permissions(cli.program(), fs::Permissions::from_mode(0o755)) {
            panic!("the stand-in cannot be made executable: {error}");
        }
        cli
    }

    /// One that is signed in to these orgs, by the users `cli@{n}.example` and the aliases `org{n}`.
    pub fn knowing(orgs: &[&OrgSim]) -> Self {
        let cli = Self::new();
        let listed: Vec<Value> = orgs
            .iter()
            .enumerate()
            .map(|(n, org)| {
                json!({
                    "username": Self::username(n), "orgId": org.id(), "instanceUrl": org.url(), "oauthMethod": "web",
                    "alias": format!("org{n}"), "configs": [], "isScratchOrg": false, "isSandbox": n > 0,
                    "isDevHub": false, "isExpired": "unknown", "accessToken": "[REDACTED] Use 'sf org auth show-access-token' to view",
                })
            })
            .collect();
        cli.answer("org list auth", 0, &json!({ "status": 0, "result": listed, "warnings": [] }));
        for (n, org) in orgs.iter().enumerate() {
            cli.shows_token(n, &org.new_access_token());
        }
        cli
    }

    /// The user of the org with this number.
    pub fn username(n: usize) -> String {
        format!("cli@{n}.example")
    }

    /// Its program.
    pub fn program(&self) -> PathBuf {
        self.folder.path().join("sf")
    }

    /// From now on it shows this access token for an org.
    pub fn shows_token(&self, n: usize, token: &str) {
        let said =
            json!({ "status": 0, "result": { "accessToken": token }, "warnings": ["Handle it with care."] });
        self.answer(&format!("org auth show-access-token --target-org {}", Self::username(n)), 0, &said);
    }

    /// From now on it answers a command (without its `--json`) like this.
    pub fn answer(&self, command: &str, code: i32, json: &Value) {
        self.answer_text(command, code, &json.to_string());
    }

    /// From now on it answers a command with this text.
    pub fn answer_text(&self, command: &str, code: i32, text: &str) {
        write(&self.file(command, "code"), &code.to_string());
        write(&self.file(command, "out"), text);
    }

    /// From now on it does not know a command.
    ///
    /// # Panics
    /// When it never did.
    pub fn forgets(&self, command: &str) {
        if let Err(error) = fs::remove_file(self.file(command, "out")) {
            panic!("{command} was not known: {error}");
        }
    }

    fn file(&self, command: &str, kind: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '@' || c == '.' { c } else { '_' };
        let name: String = format!("{command} --json").chars().map(plain).collect();
        self.folder.path().join(format!("{name}.{kind}"))
    }

    /// How it was called so far.
    pub fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// The environment of its last call.
    pub fn environment(&self) -> String {
        fs::read_to_string(self.folder.path().join("environment")).unwrap_or_default()
    }
}

fn write(path: &Path, text: &str) {
    if let Err(error) = fs::write(path, text) {
        panic!("{} cannot be written: {error}", path.display());
    }
}
