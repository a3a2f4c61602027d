//! Payloads, as short as a test can say them.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;

/// An org.
pub const ORG_A: &str = "00D00000000000A";
/// Another org; its ID is greater than that of [`ORG_A`].
pub const ORG_B: &str = "00D00000000000B";
/// A third org.
pub const ORG_C: &str = "00D00000000000C";

/// The ID that a text is.
///
/// # Panics
/// When it is none.
pub fn org_id(text: &str) -> OrgId {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A payload that is being made up.
#[derive(Debug, Clone)]
pub struct Payload {
    transaction_id: String,
    source: String,
    at: Millis,
    operation: &'static str,
    records: Vec<Value>,
}

impl Payload {
    /// An upsert by `source` at `at`, with a transaction ID of its own and no record yet.
    pub fn from(source: &str, at: Millis) -> Self {
        let transaction_id = format!("txn_{:05}", NEXT.fetch_add(1, Ordering::Relaxed));
        Self { transaction_id, source: source.to_owned(), at, operation: "upsert", records: Vec::new() }
    }

    /// With this transaction ID.
    #[must_use]
    pub fn transaction(mut self, id: impl Into<String>) -> Self {
        self.transaction_id = id.into();
        self
    }

    /// Made so many milliseconds later (or earlier).
    #[must_use]
    pub fn later(mut self, ms: i64) -> Self {
        self.at = Millis(self.at.0 + ms);
        self
    }

    /// A deletion.
    #[must_use]
    pub fn delete(mut self) -> Self {
        self.operation = "delete";
        self
    }

    /// With a record of this name and title.
    #[must_use]
    pub fn record(self, external_id: &str, title: &str) -> Self {
        self.with(json!({ "externalId": external_id, "title": title }))
    }

    /// With this record.
    #[must_use]
    pub fn with(mut self, record: Value) -> Self {
        self.records.push(record);
        self
    }

    /// Its transaction ID.
    pub fn id(&self) -> &str {
        &self.transaction_id
    }

    /// As it is sent.
    pub fn text(&self) -> String {
        let records: Vec<String> = self.records.iter().map(Value::to_string).collect();
        format!(
            r#"{{"transactionId":{},"sourceOrgId":"{}","timestamp":"{}","operation":"{}","records":[{}]}}"#,
            json!(self.transaction_id),
            self.source,
            self.at,
            self.operation,
            records.join(",")
        )
    }
}
