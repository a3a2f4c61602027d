//! What people do to items, one or many at once: a run each.

use std::str::FromStr;

use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::item::{HeldBy, Status};
use sync_monitor_domain::remote::ApiUsage;
use uuid::Uuid;

use super::{Actor, Filter};

/// Which items a bulk command means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// These, by their names as somebody wrote them, each answered for.
    Ids(Vec<String>),
    /// All that match when the command arrives.
    Filter {
        /// The conditions.
        filter: Box<Filter>,
        /// The same as they were sent, in JSON, for the record.
        sent: String,
    },
}

/// What a bulk command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulk {
    /// The run that is kept of it.
    pub run: Uuid,
    /// How many it changed.
    pub changed: u64,
    /// Which it did not, and why.
    pub refused: Vec<Refusal>,
}

/// What a retry would do, if it were asked for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preflight {
    /// Now: what changed later is not looked at, and should be left alone by the retry that follows.
    pub as_of: Millis,
    /// How many items are meant.
    pub selected: u64,
    /// How many would be sent, at once or when nothing holds them any more.
    pub send: u64,
    /// How many need not be sent: a newer change leaves nothing of theirs standing. It is synced, on its way, or meant too.
    pub superseded: u64,
    /// How many are not failed.
    pub not_failed: u64,
    /// How many there are not.
    pub not_found: u64,
    /// By the org that they go to, the one with the most to be sent first.
    pub orgs: Vec<PreflightOrg>,
}

/// What a retry would do to one org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreflightOrg {
    /// The org.
    pub org_id: OrgId,
    /// How many items would be sent there, each by a request.
    pub send: u64,
    /// How many need not be sent there.
    pub superseded: u64,
    /// What would keep them all from being sent.
    pub held_by: Option<HeldBy>,
    /// Requests used of the org's daily allowance, as last told.
    pub api_usage: Option<ApiUsage>,
}

/// Why a bulk command left an item alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// As asked for.
    pub id: String,
    /// Why.
    pub reason: RefusalReason,
}

/// Why a bulk command left an item alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalReason {
    /// There is no such item.
    NotFound,
    /// It is not failed, but this.
    NotFailed(Status),
    /// It is not retrying, but this.
    NotRetrying(Status),
    /// A newer change of the same record is synced and covers it.
    Superseded,
    /// It is dismissed already.
    Dismissed,
    /// It is not dismissed.
    NotDismissed,
}

impl RefusalReason {
    /// The API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "notFound",
            Self::NotFailed(_) => "notFailed",
            Self::NotRetrying(_) => "notRetrying",
            Self::Superseded => "superseded",
            Self::Dismissed => "dismissed",
            Self::NotDismissed => "notDismissed",
        }
    }

    /// What the item is instead, where that is why.
    pub fn status(self) -> Option<Status> {
        match self {
            Self::NotFailed(status) | Self::NotRetrying(status) => Some(status),
            Self::NotFound | Self::Superseded | Self::Dismissed | Self::NotDismissed => None,
        }
    }

    /// The reason of a word and a status, if they make one.
    pub fn from_parts(word: &str, status: Option<Status>) -> Option<Self> {
        Some(match (word, status) {
            ("notFound", None) => Self::NotFound,
            ("notFailed", Some(status)) => Self::NotFailed(status),
            ("notRetrying", Some(status)) => Self::NotRetrying(status),
            ("superseded", None) => Self::Superseded,
            ("dismissed", None) => Self::Dismissed,
            ("notDismissed", None) => Self::NotDismissed,
            _ => return None,
        })
    }
}

/// What a run does to each of its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunAction {
    /// A new cycle of attempts.
    Retry,
    /// Out of view.
    Dismiss,
    /// Back into view.
    Restore,
    /// The next attempt at once.
    SendNow,
}

impl RunAction {
    const ALL: [Self; 4] = [Self::Retry, Self::Dismiss, Self::Restore, Self::SendNow];

    /// The API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Dismiss => "dismiss",
            Self::Restore => "restore",
            Self::SendNow => "sendNow",
        }
    }

    /// What the activity log calls it.
    pub(crate) fn activity(self) -> &'static str {
        match self {
            Self::Retry => "item.retry",
            Self::Dismiss => "item.dismiss",
            Self::Restore => "item.restore",
            Self::SendNow => "item.sendNow",
        }
    }
}

impl FromStr for RunAction {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|action| action.as_str() == word).ok_or(())
    }
}

/// A bulk command that was given, and how far it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Names it.
    pub id: Uuid,
    /// When it began.
    pub at: Millis,
    /// Where it stands.
    pub state: RunState,
    /// Who gave it.
    pub actor: Actor,
    /// What it does.
    pub action: RunAction,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// How many items it is about.
    pub selected: u64,
    /// How many of them it changed so far.
    pub changed: u64,
    /// How many it left alone so far.
    pub refused: u64,
    /// The filter as it was sent, in JSON; `None` for a list of items.
    pub filter: Option<String>,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// At work.
    Running,
    /// Done, at this time.
    Done(Millis),
    /// The program ended in it. What it had changed stays changed, the rest is as it was.
    Interrupted,
}

impl RunState {
    /// The API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done(_) => "done",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A page of the list of runs, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPage {
    /// Newest first.
    pub runs: Vec<Run>,
    /// Asks for the next page.
    pub next_cursor: Option<String>,
}

/// A run with what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDetail {
    /// As in lists.
    pub run: Run,
    /// The first thousand items that it left alone.
    pub refusals: Vec<Refused>,
    /// Where the items that it changed stand now, as far as they are kept.
    pub now: StatusCounts,
}

/// An item that a run left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which, and why.
    pub refusal: Refusal,
    /// The first record's title.
    pub title: Option<String>,
    /// The records in it; none where there is no such item.
    pub external_ids: Vec<String>,
}

/// How many items stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatusCounts {
    /// Waiting.
    pub queued: u64,
    /// In flight.
    pub processing: u64,
    /// Waiting for another attempt.
    pub retrying: u64,
    /// Failed and not dismissed.
    pub failed: u64,
    /// Failed and dismissed.
    pub dismissed: u64,
    /// Delivered.
    pub synced: u64,
    /// Overtaken.
    pub superseded: u64,
}

/// Something that somebody did with an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// When.
    pub at: Millis,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: RunAction,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// In which run.
    pub run: Uuid,
}
