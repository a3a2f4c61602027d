//! `sync-monitor org …`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Org {
    /// Sign in to an org in the browser, and wait until that is done
    #[command(after_help = "\
Examples:
  sync-monitor org login --alias prod
  sync-monitor org login --login-url https://test.salesforce.com --alias uat
  sync-monitor org login --login-url acme.my.salesforce.com --client-id 3MVG9.own
  sync-monitor org login 00D000000000001     sign in again, the way it was done before")]
    Login(Login),
    /// Connect an org by its sfdxAuthUrl, read from stdin, or from the Salesforce CLI
    #[command(after_help = "\
Examples:
  sf org auth show-sfdx-auth-url --target-org dev --json | jq -r .result.sfdxAuthUrl | sync-monitor org import --alias dev
  sync-monitor org import --from-cli dev     the Salesforce CLI stays the owner of the token")]
    Import {
        /// What to call it
        #[arg(long)]
        alias: Option<String>,
        /// The user or alias of an org that the Salesforce CLI is signed in to, from `org list --cli`
        #[arg(long, value_name = "NAME")]
        from_cli: Option<String>,
    },
    /// List the connected orgs
    #[command(after_help = "\
Examples:
  sync-monitor org list
  sync-monitor org list --cli")]
    List {
        /// Those that the Salesforce CLI on this machine is signed in to, instead
        #[arg(long)]
        cli: bool,
    },
    /// Test an org: sign-in, endpoint, API usage, clock; exits with 1 where something failed
    #[command(after_help = "\
Example:
  sync-monitor org test 00D000000000001")]
    Test {
        /// The Organization ID
        org_id: String,
    },
    /// Change what an org is called, or the path of its endpoint
    #[command(after_help = "\
Examples:
  sync-monitor org set 00D000000000001 --alias Hub
  sync-monitor org set 00D000000000001 --endpoint-path /services/apexrest/dlhub/delivery/sync")]
    Set {
        /// The Organization ID
        org_id: String,
        /// What to call it; empty for nothing
        #[arg(long, required_unless_present = "endpoint_path")]
        alias: Option<String>,
        /// The path of the sync endpoint in the org
        #[arg(long, value_name = "PATH")]
        endpoint_path: Option<String>,
    },
    #[command(flatten)]
    Package(Package),
    /// Send nothing to an org until it is resumed
    #[command(after_help = "\
Example:
  sync-monitor org pause 00D000000000001     what is for it waits")]
    Pause {
        /// The Organization ID
        org_id: String,
    },
    /// Send to an org again
    Resume {
        /// The Organization ID
        org_id: String,
    },
    /// Disconnect an org: its tokens are revoked and forgotten, its history stays
    #[command(after_help = "\
Example:
  sync-monitor org remove 00D000000000001")]
    Remove {
        /// The Organization ID
        org_id: String,
    },
}

/// Of orgs that have Delivery Hub's package.
#[derive(Debug, Subcommand)]
pub(crate) enum Package {
    /// Read an org's changes now; for orgs that have Delivery Hub's package and do not send their changes themselves
    #[command(after_help = "\
Examples:
  sync-monitor org pull 00D000000000001                           read what changed since the last time
  sync-monitor org pull 00D000000000001 --since 2026-07-01T00:00:00Z   and everything that changed from then on
  sync-monitor org pull 00D000000000001 --off                     read it no more")]
    Pull {
        /// The Organization ID
        org_id: String,
        /// Read again everything that changed from then on (RFC 3339)
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Read it from now on, at its own pace
        #[arg(long, conflicts_with = "off")]
        on: bool,
        /// Read it no more
        #[arg(long, conflicts_with = "since")]
        off: bool,
    },
    /// Say that two records of two orgs are one, before anything is relayed between them
    #[command(after_help = "\
Example:
  sync-monitor org link 00D000000000001 a01000000000001 00D000000000002 a01000000000009")]
    Link {
        /// The one org's Organization ID
        org_id: String,
        /// The ID of its record
        record_id: String,
        /// The other org's Organization ID
        other_org_id: String,
        /// The ID of its record
        other_record_id: String,
        /// What they are
        #[arg(long, value_name = "OBJECT", default_value = "workItem", value_parser = ["workItem", "comment", "workLog"])]
        object: String,
    },
    /// List which records somebody said are one
    #[command(after_help = "\
Examples:
  sync-monitor org links                          of all orgs
  sync-monitor org links 00D000000000001          those that have to do with an org")]
    Links {
        /// Only those of this org, by its Organization ID
        org_id: Option<String>,
        /// How many at most, 1 to 500
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Go on where the last page ended
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Say that two linked records are two; what was delivered stays
    #[command(after_help = "\
Example:
  sync-monitor org unlink 0198c2a4-7b1e-7000-8000-000000000001      its ID, as `sync-monitor org links` shows it")]
    Unlink {
        /// The link's ID
        id: String,
    },
    /// Show which member of the documented record is which field of an org's package, or change that
    #[command(after_help = "\
Examples:
  sync-monitor org mapping 00D000000000001
  sync-monitor org mapping 00D000000000001 --on assignee            relay who a work item is assigned to, too
  sync-monitor org mapping 00D000000000001 --json > mapping.json    take it out, change it, and put it back:
  sync-monitor org mapping 00D000000000001 --file mapping.json
  sync-monitor org mapping 00D000000000001 --default")]
    Mapping {
        /// The Organization ID
        org_id: String,
        #[command(flatten)]
        change: MappingChange,
    },
    /// List what an org's own package failed at, or waits with; none of it is an item of this program
    #[command(after_help = "\
Examples:
  sync-monitor org queue 00D000000000001
  sync-monitor org queue 00D000000000001 --status failed,pending")]
    Queue {
        /// The Organization ID
        org_id: String,
        /// Only these: failed, staged or pending, joined by commas
        #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = ["failed", "staged", "pending"])]
        status: Vec<String>,
    },
    /// Let an org's own package send again what it failed to send; what it failed to take in is refused
    #[command(after_help = "\
Example:
  sync-monitor org requeue 00D000000000001 a04000000000001AAA")]
    Requeue {
        /// The Organization ID
        org_id: String,
        /// The IDs, from `org queue`
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Let an org's own package show no more what it failed to send
    #[command(after_help = "\
Example:
  sync-monitor org dismiss 00D000000000001 a04000000000001AAA --reason 'sent by hand'")]
    Dismiss {
        /// The Organization ID
        org_id: String,
        /// The IDs, from `org queue`
        #[arg(required = true)]
        ids: Vec<String>,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// A connected org to sign in to again, by its Organization ID
    #[arg(conflicts_with_all = ["login_url", "client_id", "alias"])]
    pub(crate) org_id: Option<String>,
    /// Where to sign in: login.salesforce.com, test.salesforce.com (sandboxes), or the org's My Domain
    #[arg(long, value_name = "URL", default_value = "https://login.salesforce.com")]
    pub(crate) login_url: String,
    /// The client ID of your own External Client App [default: the one in the settings]
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// What to call it
    #[arg(long)]
    pub(crate) alias: Option<String>,
    /// Only show the link, and start no browser
    #[arg(long)]
    pub(crate) no_browser: bool,
}

/// What is to become of a mapping.
#[derive(Debug, Args)]
pub(crate) struct MappingChange {
    /// Relay this member, too: assignee, or comment.author, workLog.date; several are joined by commas
    #[arg(long, value_name = "MEMBER", value_delimiter = ',')]
    pub(crate) on: Vec<String>,
    /// Relay this member no more
    #[arg(long, value_name = "MEMBER", value_delimiter = ',')]
    pub(crate) off: Vec<String>,
    /// Put this in its place: a file as `--json` shows it, or - for stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["on", "off", "default"])]
    pub(crate) file: Option<std::path::PathBuf>,
    /// Relay what is relayed by default
    #[arg(long, conflicts_with_all = ["on", "off"])]
    pub(crate) default: bool,
}
