//! What the store tells: rows as the rest of the program sees them.

use std::time::Duration;

use sync_monitor_domain::change::Operation;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::item::{HeldBy, Outcome, Status};
use uuid::Uuid;

mod activity;
mod orgs;
mod runs;

pub use crate::hub::{Link, LinkPage, Linked, OrgAdapter, PullState};
pub(crate) use activity::RELAY;
pub use activity::{Activity, ActivityFilter, ActivityPage, Actor, Via};
pub use orgs::{Health, Org, OrgHold, OrgHub};
pub use runs::{
    Bulk, HistoryEntry, Preflight, PreflightOrg, Refusal, RefusalReason, Refused, Run, RunAction, RunDetail,
    RunPage, RunState, Selection, StatusCounts,
};

/// How it stands with the relay as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relay {
    /// Is nothing sent to any org?
    pub paused: bool,
    /// When that ends by itself; `None` while it is paused: when somebody ends it.
    pub paused_until: Option<Millis>,
}

/// "Changes from one org go to another."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Names it.
    pub id: Uuid,
    /// Whose changes.
    pub source: OrgId,
    /// Where to.
    pub target: OrgId,
    /// Or paused.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Millis,
    /// Items on their way by it.
    pub queue_depth: u64,
}

/// An integration token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Names it.
    pub id: Uuid,
    /// What its admin calls it.
    pub name: String,
    /// The orgs that it may speak for.
    pub sources: Vec<OrgId>,
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// When it was made.
    pub created_at: Millis,
    /// When it ends, if it does.
    pub expires_at: Option<Millis>,
    /// When it was last used.
    pub last_used_at: Option<Millis>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Millis>,
}

/// An item as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Names it.
    pub id: Uuid,
    /// Its transaction.
    pub transaction_id: String,
    /// Where the change comes from.
    pub source: OrgId,
    /// Where it goes.
    pub target: OrgId,
    /// What it does.
    pub operation: Operation,
    /// The records in it.
    pub external_ids: Vec<String>,
    /// The first record's title.
    pub title: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// Why it is not being sent, for one that waits.
    pub held_by: Option<HeldBy>,
    /// Counted attempts of this cycle.
    pub attempts: u32,
    /// 1, and one more for each manual retry.
    pub cycle: u32,
    /// When it was accepted.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
    /// When the next attempt is due; of a held one, when the hold ends, if that is known.
    pub next_attempt_at: Option<Millis>,
    /// What the last failed attempt said.
    pub last_error: Option<LastError>,
    /// Names the cause that it shares with others, for a failed one.
    pub failure_key: Option<String>,
    /// When it was dismissed.
    pub dismissed_at: Option<Millis>,
    /// Why it was dismissed.
    pub dismiss_reason: Option<String>,
}

/// What the last failed attempt said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastError {
    /// The answer's status, if there was an answer.
    pub http_status: Option<u16>,
    /// The error code, the org's or ours.
    pub error_code: Option<String>,
    /// For a person.
    pub message: Option<String>,
}

/// One row of an item's attempt log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Number within the cycle, from 1; an uncounted try has the number of the attempt it would have been.
    pub number: u32,
    /// The cycle.
    pub cycle: u32,
    /// When it began.
    pub started_at: Millis,
    /// How long it took.
    pub duration: Duration,
    /// What came of it.
    pub outcome: Outcome,
    /// Did it count?
    pub counted: bool,
    /// The answer's status, if there was an answer.
    pub http_status: Option<u16>,
    /// The error code, the org's or ours.
    pub error_code: Option<String>,
    /// For a person.
    pub message: Option<String>,
    /// The answer's body, at most 64 KiB, tokens cut out.
    pub response_body: Option<String>,
}

/// An item with everything known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemDetail {
    /// As in lists.
    pub item: Item,
    /// What is sent to the target, byte for byte.
    pub payload: String,
    /// Oldest first.
    pub attempts: Vec<Attempt>,
    /// What people did with it, oldest first.
    pub history: Vec<HistoryEntry>,
}

/// Which items, all conditions together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Any of these; empty: all.
    pub statuses: Vec<Status>,
    /// Going there.
    pub target: Option<OrgId>,
    /// Coming from there.
    pub source: Option<OrgId>,
    /// Only those held, or only those not, among the waiting.
    pub held: Option<bool>,
    /// Only the dismissed, or only the others; `None`: the others, but for the items of a run.
    pub dismissed: Option<bool>,
    /// With this record.
    pub external_id: Option<String>,
    /// Sharing this cause.
    pub failure_key: Option<String>,
    /// With these words, or their beginnings, in externalId, title and transactionId together, or in the last error.
    pub text: Option<String>,
    /// Accepted at or after.
    pub since: Option<Millis>,
    /// Accepted before.
    pub until: Option<Millis>,
    /// Changed by this run, the dismissed included unless `dismissed` says otherwise.
    pub run: Option<Uuid>,
    /// Last changed by then: a bulk command on a list that was opened then leaves alone what failed later.
    pub as_of: Option<Millis>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub by: SortBy,
    /// The latest first?
    pub descends: bool,
}

/// What a list is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// When they were accepted.
    CreatedAt,
    /// When they last changed.
    UpdatedAt,
    /// When their next attempt is due; of those that wait or are in flight.
    NextAttemptAt,
}

/// Failed items with one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureGroup {
    /// Names the cause.
    pub key: String,
    /// Where they should have gone.
    pub target: OrgId,
    /// What the newest of them was answered.
    pub error: LastError,
    /// How many.
    pub count: u64,
    /// When the first of them failed.
    pub first_seen: Millis,
    /// When the last of them failed.
    pub last_seen: Millis,
    /// The newest of them.
    pub sample: Uuid,
}

/// A page of a list of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemPage {
    /// In the list's order.
    pub items: Vec<Item>,
    /// Asks for the next page.
    pub next_cursor: Option<String>,
    /// How many the filter matches in all.
    pub total: u64,
}

/// A record as people know it, with its newest change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkItem {
    /// Names it in every org.
    pub external_id: String,
    /// As the newest change says, if it says.
    pub title: Option<String>,
    /// The newest item.
    pub last_item: Uuid,
    /// Where that stands.
    pub last_status: Status,
    /// When that was accepted.
    pub last_at: Millis,
    /// How many items there are of it.
    pub items: u64,
    /// The orgs that its newest items (200) come from and go to.
    pub orgs: Vec<OrgId>,
}

/// A page of the work items, the one touched last first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkItemPage {
    /// In order. A page of a search may be short, or empty, and not the last.
    pub work_items: Vec<WorkItem>,
    /// Asks for the next page.
    pub next_cursor: Option<String>,
}

/// The counters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Waiting.
    pub queued: u64,
    /// In flight.
    pub processing: u64,
    /// Waiting for another attempt.
    pub retrying: u64,
    /// Failed and not dismissed.
    pub failed: u64,
    /// Delivered.
    pub synced: u64,
    /// Overtaken.
    pub superseded: u64,
    /// Failed and dismissed.
    pub dismissed: u64,
    /// Echoes suppressed since the store was made.
    pub suppressed_echoes: u64,
    /// Waiting and held, whyever.
    pub held: u64,
    /// When the soonest attempt is due.
    pub next_attempt_at: Option<Millis>,
    /// Connected orgs.
    pub orgs: u64,
}

/// What happened in a span of time, in numbers of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Happened {
    /// Came in, once for each target.
    pub accepted: u64,
    /// Were delivered.
    pub synced: u64,
    /// Failed.
    pub failed: u64,
    /// Attempts that failed and are made again.
    pub retried: u64,
    /// Were overtaken.
    pub superseded: u64,
    /// Echoes that were suppressed.
    pub echoes: u64,
}

impl Happened {
    /// What happened there as well.
    pub fn add(&mut self, more: &Self) {
        self.accepted += more.accepted;
        self.synced += more.synced;
        self.failed += more.failed;
        self.retried += more.retried;
        self.superseded += more.superseded;
        self.echoes += more.echoes;
    }
}

/// What happened in one bucket of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// When it begins.
    pub at: Millis,
    /// What happened.
    pub happened: Happened,
    /// Half of the deliveries took at most so long from acceptance, in milliseconds, to about a tenth.
    pub p50_ms: Option<u64>,
    /// 95 % of them did.
    pub p95_ms: Option<u64>,
    /// How long the program ran, awake.
    pub running: Duration,
}

/// What happened in a window of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// In order, without a hole.
    pub buckets: Vec<Bucket>,
    /// All of them together.
    pub total: Bucket,
    /// When the program did not run, or the machine slept.
    pub gaps: Vec<Gap>,
}

/// A time when the program did not run, or the machine slept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// From.
    pub from: Millis,
    /// To.
    pub to: Millis,
}
