//! The package's own protocol ("v1"): one record a call, and answers that say less than they seem to.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::adapter::Described;
use super::mapping::{Mapping, Member};
use super::{Adapter, Fields, HubObject, document, origin_of};
use crate::change::{Change, Operation};
use crate::ids::{Digest, OrgId};
use crate::remote::Meaning;

/// One record that a change brings, of those that the package takes one a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its object.
    pub object: HubObject,
    /// Its own externalId.
    pub external_id: String,
    /// The externalId of its work item, for a child.
    pub parent: Option<String>,
    /// What it is to hold; members that the change does not name are left alone.
    pub fields: Fields,
    /// Is it to be active? Only `false` for a deletion.
    pub is_active: bool,
    /// The bytes of a file, in base64.
    pub content: Option<String>,
}

/// The parts of a change, parents before children.
pub fn parts(change: &Change, mapping: &Mapping) -> Vec<Part> {
    let body: Value = serde_json::from_slice(change.body()).unwrap_or_default();
    let mut parts = Vec::new();
    for (index, record) in change.records.iter().enumerate() {
        let external_id = &record.external_id;
        let sent = &body["records"][index];
        let is_active = change.operation == Operation::Upsert;
        let children: Vec<Part> = HubObject::ALL
            .into_iter()
            .filter(|_| is_active)
            .flat_map(|object| children(object, external_id, sent, mapping))
            .collect();
        let fields = mapped(HubObject::WorkItem, sent, mapping);
        // A record that says nothing of its work item only adds to it, if what it adds is relayed at all.
        if !fields.is_empty() || children.is_empty() && !change.only_adds() {
            parts.push(Part {
                object: HubObject::WorkItem,
                external_id: external_id.clone(),
                parent: None,
                fields: if is_active { fields } else { Fields::new() },
                is_active,
                content: None,
            });
        }
        parts.extend(children);
    }
    parts.sort_by_key(|part| part.object);
    parts
}

fn children(object: HubObject, parent: &str, record: &Value, mapping: &Mapping) -> Vec<Part> {
    let has_files = || mapping.members().iter().any(|one| one.object == HubObject::Document && one.on);
    let list = object.list().filter(|_| object != HubObject::Document || has_files());
    let elements = list.and_then(|list| record.get(list)).and_then(Value::as_array);
    let part = |element: &Value| {
        let own = element.get("externalId").and_then(Value::as_str).filter(|id| !id.is_empty());
        // One without a name of its own is known by what it says: the same again is the same.
        let by_content = || {
            let digest = Digest::of(&[element.to_string().as_bytes()]);
            format!("{parent}/{}", uuid::Uuid::from_bytes(*digest.as_bytes()).simple())
        };
        Part {
            object,
            external_id: own.map_or_else(by_content, str::to_owned),
            parent: Some(parent.to_owned()),
            fields: match object {
                HubObject::Document => named(element),
                _ => mapped(object, element, mapping),
            },
            is_active: true,
            content: element
                .get("content")
                .and_then(Value::as_str)
                .filter(|_| object == HubObject::Document)
                .map(str::to_owned),
        }
    };
    elements.into_iter().flatten().filter(|element| element.is_object()).map(part).collect()
}

/// How a file is called.
fn named(element: &Value) -> Fields {
    let member = |name: &str| Some((name.to_owned(), element.get(name)?.clone()));
    ["title", "fileName"].into_iter().filter_map(member).collect()
}

/// What a record says in members that the package has fields for.
fn mapped(object: HubObject, record: &Value, mapping: &Mapping) -> Fields {
    let known = mapping.members().iter().filter(|one| one.object == object && one.on && one.is_written());
    known
        .filter_map(|one| Some((one.member.clone(), one.conversion.normal(record.get(&one.member)?))))
        .collect()
}

impl Part {
    /// What must be written so that a record that holds `held` holds this; `None` for one that is not there.
    pub fn to_write(&self, held: Option<&Fields>) -> Fields {
        // The package's service makes files, and changes none.
        if self.object == HubObject::Document && held.is_some() {
            return Fields::new();
        }
        let differs = |(member, value): &(&String, &Value)| match held {
            Some(held) => held.get(*member).unwrap_or(&Value::Null) != *value,
            // What is empty need not be said of a new record.
            None => !value.is_null(),
        };
        self.fields.iter().filter(differs).map(|(member, value)| (member.clone(), value.clone())).collect()
    }

    /// What the org is known to refuse of these values: a code and words. Asked before anything is sent.
    pub fn objection(
        &self,
        write: &Fields,
        target: &Adapter,
        mapping: &Mapping,
    ) -> Option<(&'static str, String)> {
        if self.object == HubObject::Document {
            return self.objection_to_file();
        }
        for one in mapping.of_object(self.object, target) {
            let Some(Value::String(text)) = write.get(&one.member) else { continue };
            let Some(field) = target.objects.get(&self.object).and_then(|o| o.fields.get(&one.field)) else {
                continue;
            };
            let written = one.conversion.write(&Value::String(text.clone()));
            let length = written.as_str().unwrap_or_default().chars().count();
            if let Some(most) = field.length.filter(|most| length > *most as usize) {
                return Some((
                    "STRING_TOO_LONG",
                    format!(
                        "{} has {length} characters, and {} holds {most}. Shorten it where it was written.",
                        one.member, field.name
                    ),
                ));
            }
            if let Some(values) = field.values.as_ref().filter(|values| !values.contains(text)) {
                return Some((
                    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                    format!(
                        "{} is {text:?}, which {} does not take (it takes: {}). Add the value there, or change it where it was written.",
                        one.member,
                        field.name,
                        values.join(", ")
                    ),
                ));
            }
        }
        None
    }
}

impl Part {
    fn objection_to_file(&self) -> Option<(&'static str, String)> {
        let Some(content) = &self.content else {
            return Some((
                "FILE_MISSING",
                "The document has no content, and the org does not have the file. Send it with its content."
                    .into(),
            ));
        };
        let size = document::size_of(content);
        (size > document::MOST_BYTES).then(|| {
            let most = document::MOST_BYTES;
            (
                "FILE_TOO_LARGE",
                format!("The file has {size} bytes, and Delivery Hub takes {most} in a call. Attach it there by hand, or send a link to it."),
            )
        })
    }
}

impl Member {
    /// Is it written, too?
    fn is_written(&self) -> bool {
        !self.field.contains('.')
    }
}

/// Where a record goes, and whose it is.
#[derive(Debug, Clone, Copy)]
pub struct Routing<'a> {
    /// Where the change comes from.
    pub source: OrgId,
    /// The record in the target, where it is known.
    pub target_id: Option<&'a str>,
    /// The record's work item in the target, for a child.
    pub parent_id: Option<&'a str>,
    /// The activation time to set, or to take away; `None` leaves it alone.
    pub activation: Option<Option<&'a str>>,
}

/// The body of a call: fields without a namespace, and the members by which the package finds its record.
pub fn body(part: &Part, write: &Fields, target: &Adapter, mapping: &Mapping, routing: Routing<'_>) -> Bytes {
    let mut body = Map::new();
    let bare = |field: &str| {
        let name = target.field(part.object, field)?;
        Some(name.strip_prefix(&target.prefix).unwrap_or(&name).to_owned())
    };
    for one in mapping.of_object(part.object, target) {
        if let (Some(value), Some(name)) = (write.get(&one.member), bare(&one.field)) {
            body.insert(name, one.conversion.write(value));
        }
    }
    if let (Some(field), Some(id)) = (part.object.parent_field(), routing.parent_id)
        && let Some(name) = bare(field)
    {
        body.insert(name, id.into());
    }
    if part.object == HubObject::Comment
        && routing.target_id.is_none()
        && let Some(name) = bare("SourcePk__c")
    {
        body.insert(name, "API".into());
    }
    if let (HubObject::WorkItem, Some(activation)) = (part.object, routing.activation)
        && let Some(name) = bare("ActivatedDateTime__c")
    {
        // Older packages have a checkbox there.
        let value = match (name.ends_with("Bool__c"), activation) {
            (true, at) => Value::Bool(at.is_some()),
            (false, at) => at.map_or(Value::Null, Value::from),
        };
        body.insert(name, value);
    }
    if let (HubObject::Document, Some(content)) = (part.object, &part.content) {
        body.extend(document::body(write, content));
    }
    let origin = origin_of(&part.external_id);
    body.insert("SourceId".into(), origin.into());
    body.insert("GlobalSourceId".into(), origin.into());
    body.insert("SenderOrgId".into(), routing.source.as_str().into());
    // Of a file it is the work item that it is attached to.
    let target = if part.object == HubObject::Document { routing.parent_id } else { routing.target_id };
    if let Some(id) = target {
        body.insert("TargetId".into(), id.into());
    }
    Value::Object(body).to_string().into()
}

/// What the package's service says to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It wrote this record.
    Wrote(String),
    /// It keeps the record until its work item comes.
    Waits,
    /// It wrote nothing: it takes the record for an echo of something that it sent itself minutes ago. Whether that is so
    /// must be looked up; the package judges by the record alone, and drops edits like this.
    Suppressed,
    /// Nothing of that; in its own words.
    Odd(String),
}

/// Reads the body of a 2xx.
pub fn said(body: &[u8], object: &Described, ledger: Option<&Described>) -> Said {
    let odd = || {
        let text: String = String::from_utf8_lossy(body).chars().take(200).collect();
        Said::Odd(text)
    };
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return odd() };
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    match (text("status"), text("processedId")) {
        ("Echo suppressed", _) => Said::Suppressed,
        ("Success", id) if object.has_id(id) => Said::Wrote(id.to_owned()),
        ("Success", id) if ledger.is_some_and(|ledger| ledger.has_id(id)) => Said::Waits,
        _ => odd(),
    }
}

/// What a refusal means that the platform's own reading does not tell: the package answers 500 to whatever goes wrong in
/// it, 401 to a key and 403 to a connection that it does not know. The code is the database's, where it is named.
pub fn refusal(status: u16, message: &str) -> Option<(Meaning, Option<String>)> {
    let code = dml_code(message);
    match (status, code) {
        (_, Some(code)) if PASSING.contains(&code.as_str()) => {
            Some((Meaning::Retry { retry_after: None }, Some(code)))
        }
        (400.., Some(code)) => Some((Meaning::Refused, Some(code))),
        (401, None) if is_key_trouble(message) => Some((Meaning::Refused, Some("API_KEY_REFUSED".into()))),
        (500, None) if message.starts_with("Invalid Object Type") => Some((Meaning::Refused, None)),
        _ => None,
    }
}

/// Does a 401 speak of the package's own key, not of the session? A new token does not mend that.
pub fn is_key_trouble(message: &str) -> bool {
    message.contains("Invalid API key") || message.contains("Invalid signature")
}

/// Codes of the database that pass by themselves.
const PASSING: [&str; 3] = ["UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "STORAGE_LIMIT_EXCEEDED"];

/// The database's code in the words of an Apex `DmlException`: "… first error: CODE, why: [Field]".
fn dml_code(message: &str) -> Option<String> {
    let rest = message.split_once("first error: ")?.1;
    let code: String =
        rest.chars().take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_').collect();
    code.contains('_').then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::adapter::{Dialect, Field};
    use rstest::rstest;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn adapter() -> Adapter {
        let field = |name: &str, length: Option<u32>, values: Option<&[&str]>| {
            let values = values.map(|list| list.iter().map(|v| (*v).to_owned()).collect());
            (name.to_owned(), Field { name: format!("delivery__{name}"), length, values })
        };
        let object = |name: &str, key: &str, fields: Vec<(String, Field)>| Described {
            name: format!("delivery__{name}"),
            key_prefix: key.into(),
            fields: fields.into_iter().collect(),
        };
        let objects: BTreeMap<_, _> = [
            (
                HubObject::WorkItem,
                object(
                    "WorkItem__c",
                    "a01",
                    vec![
                        field("BriefDescriptionTxt__c", Some(100), None),
                        field("PriorityPk__c", None, Some(&["Low", "High"])),
                        field("DetailsTxt__c", None, None),
                        field("ActivatedDateTime__c", None, None),
                    ],
                ),
            ),
            (
                HubObject::Comment,
                object(
                    "WorkItemComment__c",
                    "a02",
                    vec![
                        field("BodyTxt__c", None, None),
                        field("WorkItemId__c", None, None),
                        field("SourcePk__c", None, None),
                    ],
                ),
            ),
        ]
        .into();
        Adapter {
            dialect: Dialect::PackageV1,
            prefix: "delivery__".into(),
            api_version: "66.0".into(),
            documented: false,
            service: true,
            objects,
            ledger: Some(object("SyncItem__c", "a03", Vec::new())),
            connections: None,
            package_version: None,
            history: false,
        }
    }

    fn change(operation: &str, record: Value) -> Change {
        let payload = json!({
            "transactionId": "t", "sourceOrgId": "00D000000000001", "timestamp": "2026-02-27T14:30:00Z",
            "operation": operation, "records": [record],
        });
        Change::reread(payload.to_string().into()).unwrap()
    }

    #[test]
    fn a_work_item_goes_before_its_comments() {
        let change = change(
            "upsert",
            json!({ "externalId": "W", "comments": [{ "externalId": "C", "body": " hi " }], "title": "T", "unknown": 1 }),
        );
        let parts = parts(&change, &Mapping::default());
        assert_eq!(parts.iter().map(|part| part.external_id.as_str()).collect::<Vec<_>>(), ["W", "C"]);
        assert_eq!(Value::Object(parts[0].fields.clone()), json!({ "title": "T" }));
        assert_eq!(Value::Object(parts[1].fields.clone()), json!({ "body": "hi" }));
        assert_eq!(parts[1].parent.as_deref(), Some("W"));
    }

    #[test]
    fn a_comment_alone_touches_nothing_of_its_work_item() {
        let change =
            change("upsert", json!({ "externalId": "W", "comments": [{ "externalId": "C", "body": "hi" }] }));
        assert_eq!(parts(&change, &Mapping::default()).len(), 1);
    }

    #[test]
    fn a_comment_without_a_name_is_known_by_what_it_says() {
        let of = |body: &str| {
            let change = change("upsert", json!({ "externalId": "W", "comments": [{ "body": body }] }));
            parts(&change, &Mapping::default()).remove(0).external_id
        };
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
    }

    #[test]
    fn a_deletion_takes_the_activation_time_and_nothing_else() {
        let change = change("delete", json!({ "externalId": "W", "title": "T" }));
        let parts = parts(&change, &Mapping::default());
        assert_eq!((parts.len(), parts[0].is_active, parts[0].fields.len()), (1, false, 0));
        let routing = Routing {
            source: "00D000000000001".parse().unwrap(),
            target_id: Some("a01000000000001AAA"),
            parent_id: None,
            activation: Some(None),
        };
        let sent = body(&parts[0], &Fields::new(), &adapter(), &Mapping::default(), routing);
        assert_eq!(
            serde_json::from_slice::<Value>(&sent).unwrap(),
            json!({
                "ActivatedDateTime__c": null, "SourceId": "W", "GlobalSourceId": "W",
                "SenderOrgId": "00D000000000001EAA", "TargetId": "a01000000000001AAA",
            })
        );
    }

    #[test]
    fn only_what_differs_is_written() {
        let change = change(
            "upsert",
            json!({ "externalId": "W", "title": "T", "description": "same", "priority": null }),
        );
        let part = parts(&change, &Mapping::default()).remove(0);
        let held = json!({ "title": "old", "description": "same" });
        let write = part.to_write(held.as_object());
        assert_eq!(
            Value::Object(write),
            json!({ "title": "T" }),
            "formatting of an unchanged text is left alone"
        );
        assert_eq!(Value::Object(part.to_write(None)), json!({ "title": "T", "description": "same" }));
    }

    #[rstest]
    #[case::title(json!({ "title": "x".repeat(101) }), "STRING_TOO_LONG")]
    #[case::picklist(json!({ "priority": "Urgent" }), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")]
    fn what_the_org_cannot_hold_is_known_before(#[case] fields: Value, #[case] code: &str) {
        let mut record = json!({ "externalId": "W" });
        record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let part = parts(&change("upsert", record), &Mapping::default()).remove(0);
        let write = part.to_write(None);
        assert_eq!(part.objection(&write, &adapter(), &Mapping::default()).unwrap().0, code);
    }

    #[rstest]
    #[case::written(r#"{"status":"Success","processedId":"a01000000000001AAA"}"#, Said::Wrote("a01000000000001AAA".into()))]
    #[case::waits(r#"{"status":"Success","processedId":"a03000000000001AAA"}"#, Said::Waits)]
    #[case::another_object(r#"{"status":"Success","processedId":"001000000000001AAA"}"#, Said::Odd(r#"{"status":"Success","processedId":"001000000000001AAA"}"#.into()))]
    #[case::suppressed(r#"{"status":"Echo suppressed","globalSourceId":"x"}"#, Said::Suppressed)]
    #[case::nothing("", Said::Odd(String::new()))]
    #[case::page("<html>", Said::Odd("<html>".into()))]
    fn a_success_is_one_that_names_the_record(#[case] answer: &str, #[case] expected: Said) {
        let adapter = adapter();
        let object = &adapter.objects[&HubObject::WorkItem];
        assert_eq!(said(answer.as_bytes(), object, adapter.ledger.as_ref()), expected);
    }

    #[rstest]
    #[case::validation(
        500,
        "Update failed. First exception on row 0; first error: FIELD_CUSTOM_VALIDATION_EXCEPTION, No: []",
        Some((Meaning::Refused, Some("FIELD_CUSTOM_VALIDATION_EXCEPTION")))
    )]
    #[case::lock(
        500,
        "Update failed. First exception on row 0; first error: UNABLE_TO_LOCK_ROW, busy: []",
        Some((Meaning::Retry { retry_after: None }, Some("UNABLE_TO_LOCK_ROW")))
    )]
    #[case::key(401, "Invalid API key or entity not connected.", Some((Meaning::Refused, Some("API_KEY_REFUSED"))))]
    #[case::session(401, "Session expired or invalid", None)]
    #[case::unknown(500, "Attempt to de-reference a null object", None)]
    fn a_refusal_is_told_from_what_passes(
        #[case] status: u16,
        #[case] message: &str,
        #[case] expected: Option<(Meaning, Option<&str>)>,
    ) {
        let expected = expected.map(|(meaning, code)| (meaning, code.map(str::to_owned)));
        assert_eq!(refusal(status, message), expected);
    }
}
