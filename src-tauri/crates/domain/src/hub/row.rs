//! A row of the package, as SOQL tells it, and the documented payload that it becomes.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

use super::mapping::Mapping;
use super::soql::Select;
use super::{Adapter, Fields, HubObject, document};
use crate::change::Operation;
use crate::conflict::Timestamp;
use crate::ids::OrgId;

/// A row of one of the work objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its object.
    pub object: HubObject,
    /// Its ID, 18 characters.
    pub id: String,
    /// `SystemModstamp`: when it last changed, by the org's clock.
    pub stamp: Timestamp,
    /// Is it in the recycle bin?
    pub is_deleted: bool,
    /// Does it count? A work item that was given up has no activation time; that is how the package deletes.
    pub is_active: bool,
    /// The ID of its work item, for a child.
    pub parent: Option<String>,
    /// When it was made, as the org writes it; of children.
    pub created_at: Option<String>,
    /// What is relayed of it.
    pub fields: Fields,
    /// The `ContentDocument` of a file: what its versions have in common.
    pub document: Option<String>,
    /// The bytes of a file, in base64, where they were read.
    pub content: Option<String>,
}

/// Why something is no row; for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoRow(String);

/// Asks for the rows of an object, with everything that [`Row::read`] wants; `None` where the org has no such object.
pub fn select(object: HubObject, adapter: &Adapter, mapping: &Mapping) -> Option<Select> {
    let described = adapter.objects.get(&object)?;
    let mut fields = vec!["Id".to_owned(), "SystemModstamp".to_owned(), "IsDeleted".to_owned()];
    if object == HubObject::WorkItem {
        fields.extend(described.field("ActivatedDateTime__c"));
    } else if object == HubObject::Document {
        if !document::are_relayed(adapter, mapping) {
            return None;
        }
        fields.push("CreatedDate".to_owned());
        fields.extend(document::fields());
        return Some(Select::new(fields, described.name.clone()));
    } else {
        fields.push("CreatedDate".to_owned());
        // A child whose work item cannot be told cannot be relayed.
        fields.push(described.field(object.parent_field()?)?);
    }
    fields.extend(mapping.of_object(object, adapter).filter_map(|one| described.field(&one.field)));
    Some(Select::new(fields, described.name.clone()))
}

impl Row {
    /// Reads a record of a query's answer.
    ///
    /// # Errors
    /// [`NoRow`] where it lacks its ID or its time.
    pub fn read(
        record: &Value,
        object: HubObject,
        adapter: &Adapter,
        mapping: &Mapping,
    ) -> Result<Self, NoRow> {
        let text = |name: &str| record.get(name).and_then(Value::as_str);
        let id = text("Id").filter(|id| id.len() == 18).ok_or_else(|| NoRow("a row has no ID".into()))?;
        let stamp = text("SystemModstamp")
            .and_then(time)
            .ok_or_else(|| NoRow(format!("the row {id} does not say when it changed")))?;
        let field = |bare: &str| adapter.field(object, bare).map(|name| value(record, &name));
        let is_active = match (object, field("ActivatedDateTime__c")) {
            (HubObject::WorkItem, Some(activated)) => !matches!(activated, Value::Null | Value::Bool(false)),
            _ => true,
        };
        let parent = object.parent_field().and_then(field);
        let parent = parent.and_then(|id| id.as_str().map(str::to_owned));
        let mut fields = if object == HubObject::Document { document::read(record) } else { Fields::new() };
        for one in mapping.of_object(object, adapter).filter(|_| object != HubObject::Document) {
            if let Some(found) = field(&one.field) {
                fields.insert(one.member.clone(), one.conversion.read(&found));
            }
        }
        Ok(Self {
            object,
            id: id.to_owned(),
            stamp,
            is_deleted: record.get("IsDeleted").and_then(Value::as_bool) == Some(true),
            is_active,
            parent,
            created_at: text("CreatedDate").and_then(time).map(iso),
            fields,
            document: text("ContentDocumentId").map(str::to_owned),
            content: None,
        })
    }

    /// The name of the transaction that says what this row is now: the same however often it is read. `revision` counts the
    /// row's contents, since Salesforce tells times to the second.
    pub fn transaction(&self, source: OrgId, revision: u32) -> String {
        let id = self.id.get(..15).unwrap_or(&self.id);
        format!("pull-{}-{id}-{}-{revision}", source.short(), self.stamp.0 / 1_000_000)
    }

    /// The documented payload that says what this row is now: the whole record, so that the last writer's version is the
    /// same everywhere; of a child the child alone, below its work item.
    ///
    /// `external_id` is the row's own; `parent` that of a child's work item.
    pub fn payload(
        &self,
        source: OrgId,
        transaction_id: &str,
        operation: Operation,
        external_id: &str,
        parent: Option<&str>,
    ) -> Bytes {
        let mut own = Map::new();
        own.insert("externalId".into(), external_id.into());
        if operation == Operation::Upsert {
            own.extend(self.fields.clone());
            if self.object == HubObject::Document {
                own.remove("checksum");
            }
            if let Some(content) = &self.content {
                own.insert("content".into(), content.as_str().into());
            }
            if let (Some(_), Some(created_at)) = (self.object.list(), &self.created_at) {
                own.insert("createdAt".into(), created_at.as_str().into());
            }
        }
        let record = match (self.object.list(), parent) {
            (Some(list), Some(parent)) => json!({ "externalId": parent, list: [own] }),
            _ => Value::Object(own),
        };
        let payload = json!({
            "transactionId": transaction_id,
            "sourceOrgId": source,
            "timestamp": iso(self.stamp),
            "operation": operation,
            "records": [record],
        });
        payload.to_string().into()
    }
}

/// The value of a field, of a looked-up record too.
fn value(record: &Value, name: &str) -> Value {
    name.split('.').try_fold(record, |inner, part| inner.get(part)).cloned().unwrap_or_default()
}

/// A time as Salesforce writes it: `2026-02-27T14:30:00.000+0000`.
pub fn time(text: &str) -> Option<Timestamp> {
    let parsed = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok()?;
    Some(Timestamp(parsed.timestamp_micros()))
}

fn iso(time: Timestamp) -> String {
    time.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Change;
    use crate::hub::adapter::{Described, Dialect};
    use rstest::rstest;

    const ID: &str = "a01000000000001AAA";

    fn adapter() -> Adapter {
        let object = |name: &str, fields: &[&str]| {
            let fields: Vec<Value> =
                fields.iter().map(|f| json!({ "name": format!("delivery__{f}") })).collect();
            let answer = json!({ "name": format!("delivery__{name}"), "keyPrefix": "a01", "fields": fields });
            Described::read(&answer, "delivery__").unwrap()
        };
        let objects = [
            (
                HubObject::WorkItem,
                object(
                    "WorkItem__c",
                    &[
                        "BriefDescriptionTxt__c",
                        "DetailsTxt__c",
                        "EstimatedHoursNumber__c",
                        "ActivatedDateTime__c",
                    ],
                ),
            ),
            (
                HubObject::Comment,
                object("WorkItemComment__c", &["BodyTxt__c", "AuthorTxt__c", "WorkItemId__c"]),
            ),
        ];
        Adapter {
            dialect: Dialect::PackageV1,
            prefix: "delivery__".into(),
            api_version: "66.0".into(),
            documented: false,
            service: true,
            objects: objects.into(),
            ledger: None,
            connections: None,
            package_version: None,
            history: false,
        }
    }

    fn record(activated: Value) -> Value {
        json!({
            "attributes": { "type": "delivery__WorkItem__c" },
            "Id": ID,
            "SystemModstamp": "2026-02-27T14:30:00.000+0000",
            "IsDeleted": false,
            "delivery__ActivatedDateTime__c": activated,
            "delivery__BriefDescriptionTxt__c": "Add revenue report",
            "delivery__DetailsTxt__c": "<p>One</p><p>Two</p>",
            "delivery__EstimatedHoursNumber__c": 8.0,
        })
    }

    #[test]
    fn a_row_is_asked_for_with_what_the_org_has_and_nothing_else() {
        let select = select(HubObject::WorkItem, &adapter(), &Mapping::default()).unwrap();
        assert_eq!(
            select.text(),
            "SELECT Id, SystemModstamp, IsDeleted, delivery__ActivatedDateTime__c, delivery__BriefDescriptionTxt__c, delivery__EstimatedHoursNumber__c, delivery__DetailsTxt__c FROM delivery__WorkItem__c"
        );
        assert_eq!(super::select(HubObject::WorkLog, &adapter(), &Mapping::default()), None);
    }

    #[test]
    fn a_row_becomes_a_payload_of_the_documented_form() {
        let mapping = Mapping::default();
        let row = Row::read(
            &record(json!("2026-01-01T00:00:00.000+0000")),
            HubObject::WorkItem,
            &adapter(),
            &mapping,
        )
        .unwrap();
        let body = row.payload("00D000000000001".parse().unwrap(), "t-1", Operation::Upsert, "WI-001", None);
        let change = Change::reread(body.clone()).unwrap();
        assert_eq!(change.timestamp, row.stamp);
        assert_eq!(change.records[0].title.as_deref(), Some("Add revenue report"));
        let sent: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            sent["records"][0],
            json!({ "externalId": "WI-001", "title": "Add revenue report", "estimatedHours": 8, "description": "One\nTwo" })
        );
    }

    #[test]
    fn a_comment_comes_below_its_work_item() {
        let record = json!({
            "Id": ID, "SystemModstamp": "2026-02-27T14:30:00.000+0000", "CreatedDate": "2026-02-27T14:29:00.000+0000",
            "delivery__WorkItemId__c": "a01000000000009AAA", "delivery__BodyTxt__c": "Done", "delivery__AuthorTxt__c": "Ada",
        });
        let row = Row::read(&record, HubObject::Comment, &adapter(), &Mapping::default()).unwrap();
        assert_eq!(row.parent.as_deref(), Some("a01000000000009AAA"));
        let source = "00D000000000001".parse().unwrap();
        let body = row.payload(source, "t-2", Operation::Upsert, "C-1", Some("WI-001"));
        let sent: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            sent["records"][0],
            json!({ "externalId": "WI-001", "comments": [
                { "externalId": "C-1", "author": "Ada", "body": "Done", "createdAt": "2026-02-27T14:29:00.000Z" }
            ] })
        );
    }

    #[rstest]
    #[case::active(json!("2026-01-01T00:00:00.000+0000"), true)]
    #[case::given_up(json!(null), false)]
    #[case::given_up_in_an_older_package(json!(false), false)]
    #[case::active_in_an_older_package(json!(true), true)]
    fn a_work_item_without_an_activation_time_is_given_up(#[case] activated: Value, #[case] active: bool) {
        let row =
            Row::read(&record(activated), HubObject::WorkItem, &adapter(), &Mapping::default()).unwrap();
        assert_eq!(row.is_active, active);
    }

    #[rstest]
    #[case::no_id(json!({ "SystemModstamp": "2026-02-27T14:30:00.000+0000" }))]
    #[case::no_time(json!({ "Id": ID }))]
    #[case::no_object(json!(null))]
    fn what_lacks_its_id_or_its_time_is_no_row(#[case] record: Value) {
        assert!(Row::read(&record, HubObject::WorkItem, &adapter(), &Mapping::default()).is_err());
    }
}
