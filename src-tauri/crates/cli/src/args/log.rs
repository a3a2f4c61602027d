//! The commands that tell what was done, and what is known.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Runs {
    /// List the runs, newest first
    #[command(after_help = "\
Example:
  sync-monitor runs list --limit 10")]
    List {
        /// How many at most, 1 to 500
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Go on where the last page ended
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show a run: what it refused and why, and where the items that it changed stand now
    #[command(after_help = "\
Examples:
  sync-monitor runs show 0198c8a2-7c11-7abc-8def-0123456789ab
To list the items that a run changed:
  sync-monitor items list --run 0198c8a2-7c11-7abc-8def-0123456789ab")]
    Show {
        /// The run's ID, from `runs list`
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkItems {
    /// List the records, the one touched last first
    #[command(after_help = "\
To follow one through all orgs:
  sync-monitor items list --external-id WI-001 --sort createdAt")]
    List {
        /// With these words, or beginnings of words, in externalId or title
        #[arg(long, short = 'q', value_name = "TEXT")]
        search: Option<String>,
        /// How many at most, 1 to 500
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Go on where the last page ended
        #[arg(long)]
        cursor: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Activity {
    /// List what was done, newest first
    #[command(after_help = "\
Examples:
  sync-monitor activity list --action item.
  sync-monitor activity list --action org.health --subject 00D000000000002AAC --since 2026-02-27T00:00:00Z")]
    List {
        #[command(flatten)]
        filter: ActivityFilter,
        /// How many at most, 1 to 500
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Go on where the last page ended
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Write it to stdout, for a spreadsheet or a program
    #[command(after_help = "\
Example:
  sync-monitor activity export --since 2026-02-01T00:00:00Z --format csv > february.csv")]
    Export {
        #[command(flatten)]
        filter: ActivityFilter,
        /// ndjson (a JSON object a line) or csv
        #[arg(long, default_value = "ndjson")]
        format: String,
    },
}

/// Which lines of the activity log; all conditions together.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ActivityFilter {
    /// An action like item.retry, or a topic with its dot, like item.
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// By whom: user:NAME, or relay for what the program did by itself
    #[arg(long, value_name = "WHO")]
    pub(crate) actor: Option<String>,
    /// To what: the ID of an item or an org, the name of a token
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// At or after, like 2026-02-27T14:30:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Before
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

impl ActivityFilter {
    /// The conditions, as the API names them.
    pub(crate) fn conditions(&self) -> Vec<(&'static str, &str)> {
        [
            ("action", self.action.as_deref()),
            ("actor", self.actor.as_deref()),
            ("subject", self.subject.as_deref()),
            ("since", self.since.as_deref()),
            ("until", self.until.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}
