//! A payload, read once. Past this file nobody handles half-valid input.

mod fields;
mod timestamp;

use std::ops::Range;

use bytes::Bytes;
use serde::{Serialize, Serializer};

use crate::clock::Millis;
use crate::conflict::Timestamp;
use crate::error_code::{ErrorCode, Fault};
use crate::ids::{Digest, OrgId};

/// The longest `transactionId` or `externalId`, in code points.
pub const MAX_ID_LENGTH: usize = 255;
/// The most records in one payload.
pub const MAX_RECORDS: usize = 2_000;
/// How far ahead of this machine's clock a `timestamp` may lie, in milliseconds.
pub const MAX_AHEAD_MS: i64 = 5 * 60 * 1_000;

/// Members of a record that add up instead of being replaced.
const LISTS: [&str; 3] = ["comments", "timeLogs", "documents"];

/// What a payload does to its records.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Operation {
    /// Create or change.
    Upsert,
    /// Remove.
    Delete,
}

impl Operation {
    /// The contract's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upsert => "upsert",
            Self::Delete => "delete",
        }
    }

    /// The operation of the contract's word.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "upsert" => Some(Self::Upsert),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One record of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Names the record in every org.
    pub external_id: String,
    /// Operation and content, whatever the order of the members.
    pub digest: Digest,
    /// The record's `title`, where it is a text.
    pub title: Option<String>,
    /// The names of its members, sorted, each once.
    members: Vec<String>,
    span: Range<usize>,
}

/// A whole, valid payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// As sent.
    pub transaction_id: String,
    /// Whose change it is.
    pub source: OrgId,
    /// When the source says that it happened.
    pub timestamp: Timestamp,
    /// What it does.
    pub operation: Operation,
    /// At least one; no externalId twice.
    pub records: Vec<Record>,
    /// Tells this content from another under the same `transactionId`: everything but the two IDs and the timestamp,
    /// whatever the order of members and records.
    pub digest: Digest,
    body: Bytes,
}

/// Why a body is no valid payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The `transactionId` as sent, where it could be read.
    pub transaction_id: Option<String>,
    /// At least one.
    pub faults: Vec<Fault>,
}

impl Change {
    /// Reads a payload that arrived at `now`.
    ///
    /// # Errors
    /// [`Rejection`] with `INVALID_JSON`, or with every fault of the fields (at most 100).
    pub fn parse(body: Bytes, now: Millis) -> Result<Self, Rejection> {
        Self::read(body, Some(now))
    }

    /// Reads a payload that was accepted before, and so is not judged against the clock again.
    ///
    /// # Errors
    /// [`Rejection`], when it is not one: a store that was tampered with.
    pub fn reread(body: Bytes) -> Result<Self, Rejection> {
        Self::read(body, None)
    }

    fn read(body: Bytes, now: Option<Millis>) -> Result<Self, Rejection> {
        let text = std::str::from_utf8(&body).map_err(|error| {
            let at = error.valid_up_to();
            fields::rejection(
                None,
                Fault::new(
                    ErrorCode::InvalidJson,
                    format!("The body is not valid UTF-8 (byte {at}). Send it encoded as UTF-8."),
                ),
            )
        })?;
        let fields = fields::read(text, now)?;
        Ok(Self {
            transaction_id: fields.transaction_id,
            source: fields.source,
            timestamp: fields.timestamp,
            operation: fields.operation,
            records: fields.records,
            digest: fields.digest,
            body,
        })
    }

    /// The payload as sent.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The payload with only the records at these indexes (ascending), everything else byte for byte as sent.
    #[must_use]
    pub fn body_with(&self, kept: &[usize]) -> Bytes {
        let (Some(first), Some(last)) = (self.records.first(), self.records.last()) else {
            return self.body.clone();
        };
        if kept.len() == self.records.len() {
            return self.body.clone();
        }
        let mut body = Vec::with_capacity(self.body.len());
        body.extend_from_slice(&self.body[..first.span.start]);
        for (n, index) in kept.iter().enumerate() {
            if n > 0 {
                body.push(b',');
            }
            body.extend_from_slice(&self.body[self.records[*index].span.clone()]);
        }
        body.extend_from_slice(&self.body[last.span.end..]);
        body.into()
    }

    /// Does this change leave nothing of `older` standing, so that `older` need not be sent before it?
    ///
    /// It does where it has each of the older one's records and deletes it, or covers every member of it. A deletion is
    /// only covered by a deletion: members that the newer upsert does not name would come back.
    pub fn covers(&self, older: &Self) -> bool {
        older.records.iter().all(|old| {
            self.records.iter().find(|new| new.external_id == old.external_id).is_some_and(|new| {
                match (self.operation, older.operation) {
                    (Operation::Delete, _) => true,
                    (Operation::Upsert, Operation::Delete) => false,
                    (Operation::Upsert, Operation::Upsert) => {
                        old.members.iter().all(|m| new.members.binary_search(m).is_ok())
                            && self.has_elements_of(older, &old.external_id)
                    }
                }
            })
        })
    }

    /// Does it say nothing of its records themselves, but only add comments or time logs below them?
    pub fn only_adds(&self) -> bool {
        let adds = |record: &Record| {
            record.members.len() > 1
                && record.members.iter().all(|m| m == "externalId" || LISTS.iter().any(|list| m == list))
        };
        self.operation == Operation::Upsert && self.records.iter().all(adds)
    }

    /// Does this change name every comment and time log that `older` names for a record? They add up: one that is left out
    /// is no statement, so the older one must still arrive.
    fn has_elements_of(&self, older: &Self, external_id: &str) -> bool {
        let lists = |change: &Self| {
            let body: serde_json::Value = serde_json::from_slice(&change.body).unwrap_or_default();
            let records =
                body.get("records").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
            records.into_iter().find(|record| record.get("externalId").is_some_and(|id| id == external_id))
        };
        let has_lists = |record: &Record| LISTS.iter().any(|list| record.members.iter().any(|m| m == list));
        if !older.records.iter().any(|record| record.external_id == external_id && has_lists(record)) {
            return true;
        }
        let (Some(new), Some(old)) = (lists(self), lists(older)) else { return false };
        LISTS.iter().all(|list| {
            let elements = |record: &serde_json::Value| {
                record.get(*list).and_then(serde_json::Value::as_array).cloned().unwrap_or_default()
            };
            let newer = elements(&new);
            elements(&old).iter().all(|element| match element.get("externalId") {
                Some(id) => newer.iter().any(|other| other.get("externalId") == Some(id)),
                None => newer.contains(element),
            })
        })
    }
}

#[cfg(test)]
mod tests;
