//! An item's states, and what moves it from one to another. `docs/delivery-lifecycle.md` draws this file.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::clock::Millis;
use crate::remote::Meaning;
use crate::retry::Schedule;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every one there is, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The contract's word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text { $($text => Ok(Self::$variant),)* other => Err(UnknownWord(other.to_owned())) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

/// A word that is none of the contract's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not known here")]
pub struct UnknownWord(pub String);

words! {
    /// Where an item stands.
    Status {
        /// Waiting to be sent.
        Queued = "queued",
        /// In flight.
        Processing = "processing",
        /// An attempt failed; the next one is planned.
        Retrying = "retrying",
        /// Needs a person.
        Failed = "failed",
        /// The target has it.
        Synced = "synced",
        /// A newer version made it needless.
        Superseded = "superseded",
    }
}

impl Status {
    /// Is the item still on its way? Only such an item can hold back a newer one.
    pub fn is_open(self) -> bool {
        match self {
            Self::Queued | Self::Processing | Self::Retrying => true,
            Self::Failed | Self::Synced | Self::Superseded => false,
        }
    }
}

words! {
    /// Why a waiting item is not being sent.
    HeldBy {
        /// The target org is paused.
        OrgPaused = "orgPaused",
        /// The route is paused.
        RoutePaused = "routePaused",
        /// The target org needs a person to sign in.
        SignInRequired = "signInRequired",
        /// The target org does not answer.
        OrgUnreachable = "orgUnreachable",
        /// The target org takes no requests for now.
        RateLimited = "rateLimited",
        /// The target org has no sync endpoint at its address.
        EndpointMissing = "endpointMissing",
        /// An older change of the same record is still on its way there.
        OlderItem = "olderItem",
    }
}

words! {
    /// What an attempt came to, as its log says.
    Outcome {
        /// The target took it.
        Synced = "synced",
        /// The target has something newer.
        Superseded = "superseded",
        /// It failed and will be tried again.
        Retrying = "retrying",
        /// It failed for good, or was the last attempt of its cycle.
        Failed = "failed",
        /// The token was refused and renewed; the attempt was repeated.
        TokenRenewed = "tokenRenewed",
        /// The target needs a person to sign in.
        SignInRequired = "signInRequired",
        /// The target takes no requests for now.
        RateLimited = "rateLimited",
        /// The target has no sync endpoint at its address.
        EndpointMissing = "endpointMissing",
        /// A probe of an unreachable org found it still so.
        Unreachable = "unreachable",
    }
}

/// Why a whole org's items are held, from what it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Until somebody signs in.
    SignInRequired,
    /// Until the time the org named, or a while.
    RateLimited {
        /// What the org asked for.
        retry_after: Option<Duration>,
    },
    /// Until a probe finds the endpoint.
    EndpointMissing,
}

/// What becomes of an item after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The item's next status.
    pub status: Status,
    /// When it is due again, for an open one.
    pub due: Option<Millis>,
    /// Did the attempt count?
    pub counted: bool,
    /// What the attempt log says.
    pub outcome: Outcome,
    /// What it means for the org, if anything.
    pub hold: Option<Hold>,
}

/// An item on its way, at the moment an answer comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlight {
    /// Counted attempts of this cycle before this one.
    pub attempts: u32,
    /// The status before it was claimed: `queued` or `retrying`.
    pub claimed_from: Status,
    /// When it was due before it was claimed.
    pub was_due: Millis,
    /// Is the org held as unreachable by now? Then it is its probe, or was in flight when that was found out.
    pub held: bool,
    /// Since when the work item that it belongs below is missed in the org, if it is.
    pub orphan_since: Option<Millis>,
}

/// How long a comment or log waits for its work item; then somebody is to know of it.
pub const ORPHAN_PATIENCE: Duration = Duration::from_hours(24);
/// Between two looks for the work item, where nothing tells that it came.
const ORPHAN_LOOK: Duration = Duration::from_mins(15);

/// Decides what becomes of an item whose attempt ended at `ended` and means `meaning`.
pub fn after_try(item: InFlight, meaning: Meaning, ended: Millis, schedule: &Schedule) -> Verdict {
    let done = |status, outcome| Verdict { status, due: None, counted: true, outcome, hold: None };
    let back = |outcome, hold| Verdict {
        status: Status::Queued,
        due: Some(ended),
        counted: false,
        outcome,
        hold: Some(hold),
    };
    match meaning {
        Meaning::Synced => done(Status::Synced, Outcome::Synced),
        Meaning::Superseded => done(Status::Superseded, Outcome::Superseded),
        Meaning::Refused => done(Status::Failed, Outcome::Failed),
        Meaning::SignInRequired | Meaning::TokenRenewed => {
            back(Outcome::SignInRequired, Hold::SignInRequired)
        }
        Meaning::RateLimited { retry_after } => back(Outcome::RateLimited, Hold::RateLimited { retry_after }),
        Meaning::EndpointMissing => back(Outcome::EndpointMissing, Hold::EndpointMissing),
        // Waiting for another item costs no attempt; but what waits for ever is seen by nobody.
        Meaning::ParentMissing
            if item.orphan_since.is_none_or(|since| ended < since.plus(ORPHAN_PATIENCE)) =>
        {
            Verdict {
                status: item.claimed_from,
                due: Some(ended.plus(ORPHAN_LOOK)),
                counted: false,
                outcome: Outcome::Retrying,
                hold: None,
            }
        }
        Meaning::ParentMissing => done(Status::Failed, Outcome::Failed),
        // The rest of an unreachable org's items are held uncounted, and the probe and what is still in flight are of
        // them: an outage of any length must not use up an item's attempts.
        Meaning::Unreachable if item.held => Verdict {
            status: item.claimed_from,
            due: Some(item.was_due),
            counted: false,
            outcome: Outcome::Unreachable,
            hold: None,
        },
        Meaning::Retry { .. } | Meaning::Unreachable => {
            let retry_after = match meaning {
                Meaning::Retry { retry_after } => retry_after,
                _ => None,
            };
            match schedule.next_due(item.attempts + 1, ended, retry_after) {
                Some(due) => Verdict { due: Some(due), ..done(Status::Retrying, Outcome::Retrying) },
                None => done(Status::Failed, Outcome::Failed),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const ENDED: Millis = Millis(1_000_000);

    fn in_flight(attempts: u32) -> InFlight {
        let claimed_from = if attempts == 0 { Status::Queued } else { Status::Retrying };
        InFlight { attempts, claimed_from, was_due: Millis(7), held: false, orphan_since: None }
    }

    #[rstest]
    #[case::taken(0, Meaning::Synced, Status::Synced, None, true, Outcome::Synced)]
    #[case::taken_at_the_fifth(4, Meaning::Synced, Status::Synced, None, true, Outcome::Synced)]
    #[case::newer_there(0, Meaning::Superseded, Status::Superseded, None, true, Outcome::Superseded)]
    #[case::refused(0, Meaning::Refused, Status::Failed, None, true, Outcome::Failed)]
    #[case::first_failure(0, Meaning::Retry { retry_after: None }, Status::Retrying, Some(30_000), true, Outcome::Retrying)]
    #[case::second_failure(1, Meaning::Unreachable, Status::Retrying, Some(120_000), true, Outcome::Retrying)]
    #[case::third_failure(2, Meaning::Unreachable, Status::Retrying, Some(600_000), true, Outcome::Retrying)]
    #[case::fourth_failure(3, Meaning::Retry { retry_after: None }, Status::Retrying, Some(3_600_000), true, Outcome::Retrying)]
    #[case::fifth_failure(4, Meaning::Retry { retry_after: None }, Status::Failed, None, true, Outcome::Failed)]
    #[case::fifth_failure_by_network(4, Meaning::Unreachable, Status::Failed, None, true, Outcome::Failed)]
    #[case::asked_to_wait(0, Meaning::Retry { retry_after: Some(Duration::from_secs(50)) }, Status::Retrying, Some(50_000), true, Outcome::Retrying)]
    #[case::too_early(4, Meaning::ParentMissing, Status::Retrying, Some(900_000), false, Outcome::Retrying)]
    #[case::sign_in(2, Meaning::SignInRequired, Status::Queued, Some(0), false, Outcome::SignInRequired)]
    #[case::rate_limited(2, Meaning::RateLimited { retry_after: None }, Status::Queued, Some(0), false, Outcome::RateLimited)]
    #[case::no_endpoint(
        4,
        Meaning::EndpointMissing,
        Status::Queued,
        Some(0),
        false,
        Outcome::EndpointMissing
    )]
    fn an_answer_moves_an_item_as_the_contract_says(
        #[case] attempts: u32,
        #[case] meaning: Meaning,
        #[case] status: Status,
        #[case] due_after_ms: Option<i64>,
        #[case] counted: bool,
        #[case] outcome: Outcome,
    ) {
        let verdict = after_try(in_flight(attempts), meaning, ENDED, &Schedule::default());
        assert_eq!(verdict.status, status);
        assert_eq!(verdict.due, due_after_ms.map(|ms| Millis(ENDED.0 + ms)));
        assert_eq!((verdict.counted, verdict.outcome), (counted, outcome));
        assert_eq!(verdict.due.is_some(), verdict.status.is_open());
    }

    #[rstest]
    #[case::never_tried(0)]
    #[case::one_attempt_left(4)]
    fn what_is_held_and_finds_nobody_costs_no_attempt_and_leaves_the_item_as_it_was(#[case] attempts: u32) {
        let item = InFlight { held: true, ..in_flight(attempts) };
        let verdict = after_try(item, Meaning::Unreachable, ENDED, &Schedule::default());
        assert_eq!((verdict.status, verdict.due), (item.claimed_from, Some(item.was_due)));
        assert!(!verdict.counted);
        assert_eq!(verdict.hold, None);
    }

    #[rstest]
    fn words_are_read_as_they_are_written() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(*status));
        }
        for held in HeldBy::ALL {
            assert_eq!(held.as_str().parse(), Ok(*held));
        }
        assert_eq!("Queued".parse::<Status>(), Err(UnknownWord("Queued".into())));
    }
}
