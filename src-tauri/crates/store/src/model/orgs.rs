//! Orgs, and what keeps their items from being sent.

use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::item::HeldBy;
use sync_monitor_domain::remote::{ApiUsage, OrgAddress};
use sync_monitor_domain::sign_in::{OrgKind, SignIn, SignedInBy, TokenSource};

use super::{OrgAdapter, PullState};

/// A connected org, or one that was: rows stay for the sake of history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    /// The org.
    pub org_id: OrgId,
    /// What its admin calls it.
    pub alias: Option<String>,
    /// The signed-in user.
    pub username: Option<String>,
    /// Where its API is.
    pub instance_url: String,
    /// Path of its sync endpoint.
    pub endpoint_path: String,
    /// Are there credentials for it?
    pub connected: bool,
    /// What keeps its items from being sent.
    pub health: Health,
    /// The last words on its health, for a person.
    pub health_detail: Option<String>,
    /// Requests used of its daily allowance, as last told.
    pub api_usage: Option<ApiUsage>,
    /// Its clock minus this machine's.
    pub clock_skew_ms: Option<i64>,
    /// When it last took a change.
    pub last_delivered_at: Option<Millis>,
    /// When it last sent a change.
    pub last_received_at: Option<Millis>,
    /// Echoes from it that were suppressed.
    pub suppressed_echoes: u64,
    /// Items on their way to it.
    pub queue_depth: u64,
    /// What kind of org it says it is.
    pub kind: Option<OrgKind>,
    /// How it was signed in to; `None` for one that never was.
    pub sign_in: Option<SignIn>,
    /// When somebody last signed in.
    pub signed_in_at: Option<Millis>,
    /// When its refresh token was last used for its own sake.
    pub kept_alive_at: Option<Millis>,
    /// The org that stands at its address now.
    pub replaced_by: Option<OrgId>,
    /// What it speaks, where that was found out.
    pub hub: Option<OrgHub>,
}

/// What an org speaks, and how far its changes were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgHub {
    /// What was found.
    pub adapter: OrgAdapter,
    /// How pulling stands, where it ever began.
    pub pull: Option<PullState>,
}

impl Org {
    /// Where it is reached, and where its tokens come from.
    pub fn address(&self) -> OrgAddress {
        let by_cli = self.sign_in.as_ref().is_some_and(|sign_in| sign_in.by == SignedInBy::Cli);
        let tokens = match (&self.username, by_cli) {
            (Some(username), true) => TokenSource::Cli { username: username.clone() },
            _ => TokenSource::Stored,
        };
        OrgAddress {
            org_id: self.org_id,
            instance_url: self.instance_url.clone(),
            endpoint_path: self.endpoint_path.clone(),
            tokens,
        }
    }
}

/// How it stands with an org. What is worst for delivery is told first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// Somebody paused it.
    pub paused: bool,
    /// Somebody paused the whole relay.
    pub relay_paused: bool,
    /// Nothing can be sent until somebody signs in.
    pub sign_in_required: bool,
    /// What the org's own answers say.
    pub hold: Option<OrgHold>,
}

/// A hold that ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrgHold {
    /// Does not answer; tried again at `probe_at`.
    Unreachable {
        /// When the next probe is due.
        probe_at: Millis,
    },
    /// Takes no requests until `until`.
    RateLimited {
        /// When it may be asked again.
        until: Millis,
    },
    /// Has no sync endpoint at its address; tried again at `probe_at`.
    EndpointMissing {
        /// When the next probe is due.
        probe_at: Millis,
        /// Probes made so far.
        probes: u32,
    },
}

impl Health {
    /// Why a waiting item of the org is not being sent, if so.
    pub fn held_by(&self) -> Option<HeldBy> {
        if self.is_paused() {
            Some(HeldBy::OrgPaused)
        } else if self.sign_in_required {
            Some(HeldBy::SignInRequired)
        } else {
            self.hold.map(|hold| match hold {
                OrgHold::Unreachable { .. } => HeldBy::OrgUnreachable,
                OrgHold::RateLimited { .. } => HeldBy::RateLimited,
                OrgHold::EndpointMissing { .. } => HeldBy::EndpointMissing,
            })
        }
    }

    /// As it would be if nobody had paused it.
    #[must_use]
    pub fn unpaused(self) -> Self {
        Self { paused: false, relay_paused: false, ..self }
    }

    /// Is nothing to be sent to it because somebody wants it so?
    pub fn is_paused(self) -> bool {
        self.paused || self.relay_paused
    }

    /// The contract's word for the org's health.
    pub fn as_str(&self) -> &'static str {
        match self.held_by() {
            None | Some(HeldBy::OlderItem | HeldBy::RoutePaused) => "connected",
            Some(HeldBy::OrgPaused) => "paused",
            Some(held) => held.as_str(),
        }
    }
}
