//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

mod items;
mod log;
mod orgs;

pub(crate) use items::{Filter, Items, Selection};
pub(crate) use log::{Activity, Runs, WorkItems};
pub(crate) use orgs::{Login, MappingChange, Org, Package};

/// Keeps Salesforce orgs in sync, and shows what did not arrive.
///
/// Without a command the window is started.
#[derive(Debug, Parser)]
#[command(name = "sync-monitor", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// Everything is tried with simulated orgs, in a folder that is thrown away
    #[arg(long)]
    pub(crate) demo: bool,

    #[command(flatten)]
    pub(crate) place: Place,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  sync-monitor serve --demo --open     try everything, with no Salesforce org
  sync-monitor serve                   run without a window
  sync-monitor status                  how is it?
  sync-monitor items list --status failed
  sync-monitor items retry --status failed --target 00D000000000002

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the program is not running.";

/// Where the program's data is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// The data folder, which also holds config.toml then [default: the user's]
    #[arg(long, global = true, value_name = "DIR", env = "SYNC_MONITOR_DATA_DIR", hide_env_values = true)]
    pub(crate) data_dir: Option<PathBuf>,

    /// The address to listen at; port 0 picks one [default: 127.0.0.1:7437]
    #[arg(long, global = true, value_name = "ADDR", value_parser = address)]
    pub(crate) listen: Option<String>,

    /// The file of settings [default: config.toml in the data folder or the user's folder of settings]
    #[arg(long, global = true, value_name = "FILE", env = "SYNC_MONITOR_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,

    /// What is logged to stderr: error, warn, info, debug or trace
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        env = "SYNC_MONITOR_LOG",
        hide_env_values = true,
        default_value = "info"
    )]
    pub(crate) log_level: String,

    /// The API's JSON instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// An address that can be listened at, as it was typed.
fn address(text: &str) -> Result<String, String> {
    sync_monitor_runtime::config::listen_address(text).map(|_| text.to_owned())
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run without a window; SIGTERM and Ctrl-C stop it cleanly
    Serve(Serve),
    /// Show the window of the running program in a browser
    #[command(after_help = "\
Example:
  sync-monitor open        prints a link that is good once and for a minute, and opens it")]
    Open,
    /// How is it?
    #[command(after_help = "\
Examples:
  sync-monitor status
  sync-monitor status --json | jq .counts.failed")]
    Status,
    /// Connected orgs
    #[command(subcommand)]
    Org(Org),
    /// Which org's changes go where
    #[command(subcommand)]
    Route(Route),
    /// Tokens for integrations, which may send changes and nothing else
    #[command(subcommand)]
    Token(Token),
    /// Changes on their way, and those that failed
    #[command(subcommand)]
    Items(Items),
    /// What was done to items, one or many at once, and what came of it
    #[command(subcommand)]
    Runs(Runs),
    /// The records, each with its newest change
    #[command(subcommand)]
    WorkItems(WorkItems),
    /// Who did what, when and why
    #[command(subcommand)]
    Activity(Activity),
    /// Send nothing to anybody for a while, and go on
    #[command(subcommand)]
    Relay(Relay),
    /// Look after the store; works without a running program too
    #[command(subcommand)]
    Db(Db),
    /// Write what support may know, without tokens, users, hosts and payloads
    #[command(after_help = "\
Examples:
  sync-monitor diagnostics --output sync-monitor-diagnostics.json
  sync-monitor diagnostics | jq .log")]
    Diagnostics {
        /// The file, which must not be there yet [default: to stdout]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// The last lines of the log, or another level for it
    #[command(after_help = "\
Examples:
  sync-monitor log
  sync-monitor log --level debug     until the program ends")]
    Log {
        /// What is to be logged from now on: error, warn, info, debug or trace
        #[arg(long, value_name = "LEVEL")]
        level: Option<String>,
    },
    /// The report of the last crash, if nobody has seen it
    #[command(after_help = "\
Examples:
  sync-monitor crash
  sync-monitor crash --seen     it is not told of any more")]
    Crash {
        /// It was seen, and need not be told of any more
        #[arg(long)]
        seen: bool,
    },
    /// What an error code means: what happened, why, what to do
    #[command(after_help = "\
Examples:
  sync-monitor explain NO_ROUTE
  sync-monitor explain UNABLE_TO_LOCK_ROW")]
    Explain {
        /// The code: one that this program answers with, or an org's; none lists those of this program
        code: Option<String>,
    },
    /// Write what a shell needs to complete these commands
    #[command(after_help = "\
Examples:
  sync-monitor completions bash > ~/.local/share/bash-completion/completions/sync-monitor
  sync-monitor completions zsh > ~/.zfunc/_sync-monitor")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the manual page: `sync-monitor man | man -l -`
    Man,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Db {
    /// Look whether the store is sound; exits with 1 where it is not
    #[command(after_help = "\
Examples:
  sync-monitor db check
  sync-monitor db check --json | jq -r '.problems[]'")]
    Check,
    /// Copy the store to a file, whole and checked, while the program goes on
    #[command(after_help = "\
Examples:
  sync-monitor db backup
  sync-monitor db backup /mnt/backup/sync-monitor-$(date +%F).db")]
    Backup {
        /// The file, which must not be there yet [default: backups/sync-monitor-TIME.db in the data folder]
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Everything is tried with simulated orgs, in a folder that is thrown away
    #[arg(long)]
    pub(crate) demo: bool,

    /// Show the window in a browser
    #[arg(long)]
    pub(crate) open: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Relay {
    /// Send nothing to any org; changes are taken as ever, and wait
    #[command(after_help = "\
Examples:
  sync-monitor relay pause                 until it is resumed
  sync-monitor relay pause --for 15m
  sync-monitor relay pause --until 2026-02-27T18:00:00Z")]
    Pause {
        /// How long, like 90s, 15m, 2h or 1d
        #[arg(long = "for", value_name = "SPAN", value_parser = span, conflicts_with = "until")]
        span: Option<Duration>,
        /// Until when, like 2026-02-27T18:00:00Z
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// Send again; orgs that are paused themselves stay so
    Resume,
}

/// A span of time, like `15m`.
fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "it must be a number with s, m, h or d, like 90s, 15m, 2h or 1d".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let number: u32 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let span = Duration::from_secs(u64::from(number) * seconds);
    if span.is_zero() { Err(wrong()) } else { Ok(span) }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Route {
    /// Send the changes of SOURCE to TARGET; for both directions add two
    #[command(after_help = "\
Examples:
  sync-monitor route add 00D000000000001 00D000000000002
  sync-monitor route add 00D000000000002 00D000000000001 --paused")]
    Add {
        /// Whose changes: an Organization ID
        source: String,
        /// Where they go: the Organization ID of a connected org
        target: String,
        /// Paused at first
        #[arg(long)]
        paused: bool,
        /// The orgs exchange records by Delivery Hub's own connection, too, and that is meant
        #[arg(long)]
        accept_native_path: bool,
        /// The source is a sandbox and the target production, and that is meant
        #[arg(long)]
        accept_sandbox_to_production: bool,
    },
    /// List the routes
    List,
    /// Send nothing by a route until it is resumed
    Pause {
        /// The route's ID, from `route list`
        id: String,
    },
    /// Send by a route again
    Resume {
        /// The route's ID, from `route list`
        id: String,
    },
    /// Remove a route
    Remove {
        /// The route's ID, from `route list`
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token; its secret is shown this once
    #[command(after_help = "\
Example:
  sync-monitor token create --name \"nightly import\" --source-org 00D000000000001")]
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// The orgs that it may speak for
        #[arg(long = "source-org", value_name = "ID", required = true, num_args = 1..)]
        source_orgs: Vec<String>,
        /// When it ends, like 2027-01-01T00:00:00Z [default: never]
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
    },
    /// List the tokens, without their secrets
    List,
    /// Take a token out of use, at once
    Revoke {
        /// The token's ID, from `token list`
        id: String,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Cli::command().debug_assert();
    }

    #[rstest]
    #[case::nothing("")]
    #[case::demo_window("--demo")]
    #[case::serve("serve")]
    #[case::serve_demo("serve --demo --open --listen 127.0.0.1:0")]
    #[case::global_before("--data-dir /d --config /c.toml status --json")]
    #[case::global_after("status --data-dir /d --json")]
    #[case::import("org import --alias dev")]
    #[case::import_from_cli("org import --from-cli dev")]
    #[case::login("org login --login-url https://test.salesforce.com --client-id C --alias uat --no-browser")]
    #[case::login_default("org login")]
    #[case::login_again("org login 00D000000000001")]
    #[case::list_cli("org list --cli")]
    #[case::test("org test 00D000000000001")]
    #[case::set("org set 00D000000000001 --alias prod --endpoint-path /services/apexrest/x")]
    #[case::pause("org pause 00D000000000001")]
    #[case::route("route add 00D000000000001 00D000000000002 --paused")]
    #[case::token("token create --name n --source-org 00D000000000001 00D000000000002")]
    #[case::token_repeated("token create --name n --source-org 00D000000000001 --source-org 00D000000000002")]
    #[case::list("items list --status failed,retrying --target 00D000000000002 --held --limit 5 -q lock")]
    #[case::list_on("items list --cursor -c.13.13")]
    #[case::list_sorted("items list --sort -updatedAt --as-of 2026-02-27T14:30:00Z")]
    #[case::failures("items failures")]
    #[case::watch("items watch --status failed")]
    #[case::db_check("db check --json")]
    #[case::db_backup("db backup")]
    #[case::db_backup_to("db backup /mnt/backup.db")]
    #[case::diagnostics("diagnostics")]
    #[case::diagnostics_to_a_file("diagnostics --output d.json")]
    #[case::completions("completions fish")]
    #[case::man("man")]
    #[case::export("items export --status failed --format csv")]
    #[case::show("items show a b c")]
    #[case::retry_ids("items retry a b c")]
    #[case::retry_filter("items retry --status failed")]
    #[case::preflight("items retry --run 0198c8a2 --preflight")]
    #[case::send_now("items send-now --target 00D000000000002")]
    #[case::runs("runs list --limit 5")]
    #[case::run("runs show 0198c8a2")]
    #[case::work_items("work-items list -q revenue --limit 5")]
    #[case::activity("activity list --action item. --actor user:a --subject x --since 2026-02-27T14:30:00Z")]
    #[case::activity_export("activity export --action org.health --format csv")]
    #[case::relay_pause("relay pause")]
    #[case::relay_pause_for("relay pause --for 15m")]
    #[case::relay_pause_until("relay pause --until 2026-02-27T18:00:00Z")]
    #[case::relay_resume("relay resume")]
    #[case::dismiss("items dismiss a b --reason known")]
    #[case::restore("items restore --dismissed")]
    fn what_the_documentation_says_is_understood(#[case] line: &str) {
        Cli::try_parse_from(std::iter::once("sync-monitor").chain(line.split_whitespace())).unwrap();
    }

    #[rstest]
    #[case::unknown_command("retry")]
    #[case::no_address("serve --listen nonsense")]
    #[case::an_address_without_a_port("serve --listen 127.0.0.1")]
    #[case::preflight_of_nothing("items retry --preflight")]
    #[case::both_ends("relay pause --for 15m --until 2026-02-27T18:00:00Z")]
    #[case::no_span("relay pause --for soon")]
    #[case::no_time_at_all("relay pause --for 0m")]
    #[case::no_unit("relay pause --for 15")]
    #[case::org_without_command("org")]
    #[case::an_auth_url_as_argument("org import force://a:b:c@d")]
    #[case::set_nothing("org set 00D000000000001")]
    #[case::login_again_elsewhere("org login 00D000000000001 --client-id C")]
    #[case::route_to_nowhere("route add 00D000000000001")]
    #[case::token_without_name("token create --source-org 00D000000000001")]
    #[case::token_without_org("token create --name n")]
    #[case::show_nothing("items show")]
    #[case::retry_nothing("items retry")]
    #[case::retry_ids_and_filter("items retry a --status failed")]
    #[case::dismiss_without_reason("items dismiss a")]
    #[case::limit_as_word("items list --limit many")]
    fn what_is_not_complete_is_wrong_usage(#[case] line: &str) {
        let error =
            Cli::try_parse_from(std::iter::once("sync-monitor").chain(line.split_whitespace())).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
    }

    #[test]
    fn a_filter_becomes_the_apis_conditions() {
        let filter = Filter {
            status: Some("failed".into()),
            held: true,
            search: Some("x".into()),
            ..Filter::default()
        };
        assert_eq!(filter.conditions(), [("status", "failed"), ("held", "true"), ("q", "x")]);
    }
}
