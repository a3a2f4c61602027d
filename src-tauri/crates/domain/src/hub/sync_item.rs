//! The package's own queue and ledger (`SyncItem__c`): what failed or waits there, by its own doing, and what may be done
//! about it from outside.

use serde_json::Value;

use super::Adapter;
use super::soql::Select;
use crate::ids::record_id;

/// Where a row of the package's queue stands, of those that somebody should see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnStatus {
    /// Its retries are used up.
    Failed,
    /// It waits to be fetched.
    Staged,
    /// It waits for its work item.
    Pending,
}

impl OwnStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Failed, Self::Staged, Self::Pending];

    /// The package's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Staged => "Staged",
            Self::Pending => "Pending",
        }
    }

    /// The status of a word, in whatever case.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(word))
    }
}

/// A row of the package's queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncItem {
    /// Its ID.
    pub id: String,
    /// What it is about: `WorkItem__c`.
    pub object_type: String,
    /// Does the org send it?
    pub is_outbound: bool,
    /// Where it stands; `None` for a status that needs nobody.
    pub status: Option<OwnStatus>,
    /// How often it was tried.
    pub retries: u64,
    /// The org's words.
    pub error: Option<String>,
    /// The record in the org, where it is known.
    pub record_id: Option<String>,
    /// The work item that it waits for, by the sender's name for it.
    pub parent_ref: Option<String>,
    /// When it was made, as the org writes it.
    pub created_at: Option<String>,
    /// When it was dismissed there, as the org writes it.
    pub dismissed_at: Option<String>,
}

/// The fields that are read, by their names in the newest package; no payload, and nothing secret.
const FIELDS: [&str; 9] = [
    "ObjectTypePk__c",
    "DirectionPk__c",
    "StatusPk__c",
    "RetryCountNumber__c",
    "ErrorLogTxt__c",
    "LocalRecordIdTxt__c",
    "ParentRefTxt__c",
    "DismissedDateTime__c",
    "CreatedDate",
];

/// Asks for rows of the queue; `None` where the org has none, or the user may not see it.
pub fn select(adapter: &Adapter) -> Option<Select> {
    let table = adapter.ledger.as_ref()?;
    let fields = FIELDS.iter().filter_map(|name| field(adapter, name));
    Some(Select::new(std::iter::once("Id".to_owned()).chain(fields), table.name.clone()))
}

/// The API name of a field of the queue.
pub fn field(adapter: &Adapter, bare: &str) -> Option<String> {
    if bare == "CreatedDate" {
        return Some(bare.to_owned());
    }
    adapter.ledger.as_ref()?.field(bare)
}

impl SyncItem {
    /// Reads a record of a query's answer; `None` for one without an ID.
    pub fn read(record: &Value, adapter: &Adapter) -> Option<Self> {
        let value =
            |bare: &str| field(adapter, bare).and_then(|name| record.get(&name).cloned()).unwrap_or_default();
        let text = |bare: &str| value(bare).as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        Some(Self {
            id: record.get("Id")?.as_str().and_then(record_id)?,
            object_type: text("ObjectTypePk__c").unwrap_or_default(),
            is_outbound: text("DirectionPk__c").as_deref() == Some("Outbound"),
            status: text("StatusPk__c").as_deref().and_then(OwnStatus::from_word),
            // SOQL tells whole numbers as `3.0`.
            retries: value("RetryCountNumber__c")
                .as_f64()
                .and_then(|count| format!("{count:.0}").parse().ok())
                .unwrap_or_default(),
            error: text("ErrorLogTxt__c"),
            record_id: text("LocalRecordIdTxt__c"),
            parent_ref: text("ParentRefTxt__c"),
            created_at: text("CreatedDate"),
            dismissed_at: text("DismissedDateTime__c"),
        })
    }

    /// May it be queued again? Only what the org sends itself: the package never takes up an inbound row from there.
    pub fn can_requeue(&self) -> bool {
        self.is_outbound && self.status == Some(OwnStatus::Failed)
    }

    /// May it be dismissed?
    pub fn can_dismiss(&self) -> bool {
        self.is_outbound && self.status == Some(OwnStatus::Failed) && self.dismissed_at.is_none()
    }

    /// What it means, and what to do about it.
    pub fn explanation(&self) -> &'static str {
        match (self.status, self.is_outbound) {
            (Some(OwnStatus::Failed), true) => {
                "The org could not send this by its own connection. See its error, mend the cause there, then queue it again; the org sends it within 15 minutes."
            }
            (Some(OwnStatus::Failed), false) if self.parent_ref.is_some() => {
                "The work item that this belongs to did not come. The org takes it up by itself when the work item is there; send the work item from where it was made."
            }
            (Some(OwnStatus::Failed), false) => {
                "The org could not take this in. Queueing it again here would strand it for good: the package never takes an inbound row up again. Mend the cause, then send it once more from where it was made."
            }
            (Some(OwnStatus::Staged), _) => {
                "This waits to be fetched by the other org. If that one never polls, give its connection an endpoint, or end the connection."
            }
            (Some(OwnStatus::Pending), _) => {
                "This waits for its work item. It is taken in when that comes, or fails after ten looks, 15 minutes apart."
            }
            (None, _) => "The org is at work on this, or done with it.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn item(status: OwnStatus, is_outbound: bool) -> SyncItem {
        SyncItem {
            id: "a04000000000001AAA".into(),
            object_type: "WorkItem__c".into(),
            is_outbound,
            status: Some(status),
            retries: 3,
            error: None,
            record_id: None,
            parent_ref: None,
            created_at: None,
            dismissed_at: None,
        }
    }

    #[rstest]
    #[case::outbound(OwnStatus::Failed, true, true)]
    #[case::inbound(OwnStatus::Failed, false, false)]
    #[case::staged(OwnStatus::Staged, true, false)]
    #[case::pending(OwnStatus::Pending, false, false)]
    fn only_what_the_org_sends_and_failed_may_be_queued_again(
        #[case] status: OwnStatus,
        #[case] is_outbound: bool,
        #[case] may: bool,
    ) {
        let item = item(status, is_outbound);
        assert_eq!((item.can_requeue(), item.can_dismiss()), (may, may));
        assert!(item.explanation().ends_with('.'));
    }
}
