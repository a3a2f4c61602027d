//! Delivery Hub as its package has it: objects, fields, and the protocol that it speaks itself ("package v1").
//!
//! An org with the documented endpoint needs none of this: changes come from it and go to it as payloads. An org that has
//! only the package is read by SOQL and written to record by record; here is what its rows mean, and what is said to it.
//! Pure, as the whole crate.

pub mod adapter;
mod convert;
pub mod document;
pub mod history;
pub mod mapping;
pub mod row;
pub mod soql;
pub mod sync_item;
pub mod v1;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use adapter::{Adapter, Dialect};
pub use mapping::Mapping;
pub use row::Row;

/// The objects of the package whose rows are relayed, parents before children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HubObject {
    /// A work item: the documented record.
    WorkItem,
    /// A comment on one: an element of `comments`.
    Comment,
    /// Hours worked on one: an element of `timeLogs`.
    WorkLog,
    /// A file attached to one: an element of `documents`. The platform's own object, so it has no namespace.
    Document,
}

impl HubObject {
    /// All of them, parents before children.
    pub const ALL: [Self; 4] = [Self::WorkItem, Self::Comment, Self::WorkLog, Self::Document];

    /// Its API name, without a namespace.
    pub fn name(self) -> &'static str {
        match self {
            Self::WorkItem => "WorkItem__c",
            Self::Comment => "WorkItemComment__c",
            Self::WorkLog => "WorkLog__c",
            Self::Document => "ContentVersion",
        }
    }

    /// What comes before its name in an org whose package has this namespace prefix.
    pub fn prefix(self, prefix: &str) -> &str {
        if self == Self::Document { "" } else { prefix }
    }

    /// The member of the documented record that holds it; `None` for the record itself.
    pub fn list(self) -> Option<&'static str> {
        match self {
            Self::WorkItem => None,
            Self::Comment => Some("comments"),
            Self::WorkLog => Some("timeLogs"),
            Self::Document => Some("documents"),
        }
    }

    /// The field that names its work item, without a namespace; `None` for files, which are linked by rows of their own.
    pub fn parent_field(self) -> Option<&'static str> {
        match self {
            Self::WorkItem | Self::Document => None,
            Self::Comment => Some("WorkItemId__c"),
            Self::WorkLog => Some("WorkItemLookup__c"),
        }
    }
}

impl fmt::Display for HubObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HubObject {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|object| object.name() == name).ok_or(())
    }
}

/// The documented members of a record, by name; whatever order they came in.
pub type Fields = serde_json::Map<String, serde_json::Value>;

/// The record that an externalId stands for where it was made by the relay itself (`{org18}:{record18}`), else the
/// externalId: what the package's own `SourceId` and `GlobalSourceId` are in every delivery, so that they never change.
pub fn origin_of(external_id: &str) -> &str {
    match external_id.split_once(':') {
        Some((org, record)) if org.parse::<crate::OrgId>().is_ok() && record.len() == 18 => record,
        _ => external_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("00D000000000001EAA:a0RE000000IJmcNMAT", "a0RE000000IJmcNMAT")]
    #[case("WI-001", "WI-001")]
    #[case("a:b", "a:b")]
    #[case("a0RE000000IJmcNMAT", "a0RE000000IJmcNMAT")]
    fn the_origin_of_a_record_is_where_it_was_born(#[case] external_id: &str, #[case] origin: &str) {
        assert_eq!(origin_of(external_id), origin);
    }
}
