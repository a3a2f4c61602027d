//! The commands about items, and how items are chosen.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Items {
    /// List items
    #[command(after_help = "\
Examples:
  sync-monitor items list --status failed
  sync-monitor items list --target 00D000000000002 --since 2026-02-27T00:00:00Z --sort=-updatedAt
  sync-monitor items list -q UNABLE_TO_LOCK_ROW --json | jq -r '.items[].id'")]
    List {
        #[command(flatten)]
        filter: Filter,
        /// createdAt, updatedAt or nextAttemptAt; with a - before it the latest first [default: what suits the status]
        #[arg(long, allow_hyphen_values = true)]
        sort: Option<String>,
        /// How many at most, 1 to 500
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Go on where the last page ended
        #[arg(long, allow_hyphen_values = true)]
        cursor: Option<String>,
    },
    /// Follow items as they change, until Ctrl-C
    #[command(after_help = "\
Examples:
  sync-monitor items watch
  sync-monitor items watch --status failed --json | jq -r .lastError.message")]
    Watch {
        #[command(flatten)]
        filter: Filter,
    },
    /// Write items to stdout, for a spreadsheet or a program
    #[command(after_help = "\
Examples:
  sync-monitor items export --status failed --format csv > failed.csv
  sync-monitor items export | jq -r .transactionId")]
    Export {
        #[command(flatten)]
        filter: Filter,
        /// ndjson (a JSON object a line) or csv
        #[arg(long, default_value = "ndjson")]
        format: String,
    },
    /// What failed, by cause: how many, where, why, and whether a retry can help
    #[command(after_help = "\
Examples:
  sync-monitor items failures
  sync-monitor items retry --failure-key 3aa67ec320842d2b     one cause at once")]
    Failures,
    /// Show items with their attempts and payload
    #[command(after_help = "\
Example:
  sync-monitor items show 0198c8a2-7c11-7abc-8def-0123456789ab")]
    Show {
        /// The items' IDs
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Try failed items again, from attempt 1
    #[command(after_help = "\
Examples:
  sync-monitor items retry 0198c8a2-7c11-7abc-8def-0123456789ab
  sync-monitor items retry --status failed --target 00D000000000002 --preflight
  sync-monitor items retry --status failed --target 00D000000000002")]
    Retry {
        #[command(flatten)]
        selection: Selection,
        /// Only show what it would do
        #[arg(long)]
        preflight: bool,
    },
    /// Make the next attempt of retrying items at once
    #[command(after_help = "\
Examples:
  sync-monitor items send-now 0198c8a2-7c11-7abc-8def-0123456789ab
  sync-monitor items send-now --target 00D000000000002")]
    SendNow(Selection),
    /// Take failed items out of view
    #[command(after_help = "\
Examples:
  sync-monitor items dismiss 0198c8a2-7c11-7abc-8def-0123456789ab --reason 'entered by hand'
  sync-monitor items dismiss --failure-key 3aa67ec320842d2b --reason 'the field is gone'")]
    Dismiss {
        #[command(flatten)]
        selection: Selection,
        /// Why, for the activity log
        #[arg(long)]
        reason: String,
    },
    /// Bring dismissed items back
    #[command(after_help = "\
Examples:
  sync-monitor items restore 0198c8a2-7c11-7abc-8def-0123456789ab
  sync-monitor items restore --dismissed")]
    Restore(Selection),
}

/// Items by their IDs, or by a filter.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// The items' IDs
    #[arg(required_unless_present_any = FILTERS, conflicts_with_all = FILTERS)]
    pub(crate) ids: Vec<String>,

    #[command(flatten)]
    pub(crate) filter: Filter,
}

/// The arguments of [`Filter`].
const FILTERS: [&str; 12] = [
    "status",
    "target",
    "source",
    "dismissed",
    "held",
    "external_id",
    "failure_key",
    "search",
    "since",
    "until",
    "run",
    "as_of",
];

/// Which items; all conditions together.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Filter {
    /// queued, processing, retrying, failed, synced, superseded; several joined by commas
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// Going to this org
    #[arg(long, value_name = "ORGID")]
    pub(crate) target: Option<String>,
    /// Coming from this org
    #[arg(long, value_name = "ORGID")]
    pub(crate) source: Option<String>,
    /// Only the dismissed
    #[arg(long)]
    pub(crate) dismissed: bool,
    /// Only those that wait for something other than their time
    #[arg(long)]
    pub(crate) held: bool,
    /// With this record
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    /// Failed for this cause
    #[arg(long, value_name = "KEY")]
    pub(crate) failure_key: Option<String>,
    /// With these words, or beginnings of words, in externalId, title, transactionId or error
    #[arg(long, short = 'q', value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Accepted at or after, like 2026-02-27T14:30:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Accepted before
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Changed by this run, from `runs list`
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<String>,
    /// Last changed by then: what failed later is left alone
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<String>,
}

impl Filter {
    /// The conditions, as the API names them.
    pub(crate) fn conditions(&self) -> Vec<(&'static str, &str)> {
        let yes = |flag: bool| flag.then_some("true");
        [
            ("status", self.status.as_deref()),
            ("targetOrgId", self.target.as_deref()),
            ("sourceOrgId", self.source.as_deref()),
            ("dismissed", yes(self.dismissed)),
            ("held", yes(self.held)),
            ("externalId", self.external_id.as_deref()),
            ("failureKey", self.failure_key.as_deref()),
            ("q", self.search.as_deref()),
            ("since", self.since.as_deref()),
            ("until", self.until.as_deref()),
            ("runId", self.run.as_deref()),
            ("asOf", self.as_of.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}
