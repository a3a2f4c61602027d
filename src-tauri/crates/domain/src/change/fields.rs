//! From text to members, and from members to a payload: everything that can be wrong with one is found here.

use std::collections::HashMap;

use super::{MAX_AHEAD_MS, MAX_ID_LENGTH, MAX_RECORDS, Operation, Record, Rejection, timestamp};
use crate::clock::Millis;
use crate::conflict::Timestamp;
use crate::error_code::{ErrorCode, Fault};
use crate::ids::{Digest, OrgId};
use crate::json::{Element, JsonError, Kind, Member, Reader};

/// At most this many faults are told at once; a sender who repairs those gets the next.
const MAX_FAULTS: usize = 100;

/// Reads a text and judges what it says.
pub(super) fn read(text: &str, now: Option<Millis>) -> Result<Judged, Rejection> {
    let mut envelope = Envelope::default();
    match envelope.read(&mut Reader::new(text)) {
        Ok(()) => Fields { now, faults: Vec::new() }.judge(envelope),
        Err(error) => Err(rejection(envelope.transaction_id, not_json(text, &error))),
    }
}

pub(super) fn rejection(transaction_id: Option<String>, fault: Fault) -> Rejection {
    Rejection { transaction_id, faults: vec![fault] }
}

fn not_json(text: &str, error: &JsonError) -> Fault {
    let before = &text.as_bytes()[..error.offset.min(text.len())];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
    Fault::new(
        ErrorCode::InvalidJson,
        format!(
            "The body cannot be read as JSON: {} (line {line}, column {column}). Mend the body and send it again.",
            error.what
        ),
    )
}

/// The members of the envelope that mean something, with the rest in the digest.
#[derive(Default)]
struct Envelope {
    is_object: bool,
    members: Vec<Member>,
    transaction_id: Option<String>,
    records: Vec<Element>,
    /// The canonical forms of the other members, which are relayed without being understood.
    rest: Vec<Vec<u8>>,
}

impl Envelope {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), JsonError> {
        reader.skip_space();
        if reader.kind()? != Kind::Object {
            reader.value(1)?;
            return reader.end();
        }
        self.is_object = true;
        let mut seen: Vec<String> = Vec::new();
        let members = reader.object(1, |reader, name, level| {
            if seen.iter().any(|s| s == name) {
                let what = format!("the member \"{}\" stands twice in the envelope", name.escape_debug());
                return Err(JsonError { offset: reader.offset(), what: what.into() });
            }
            seen.push(name.to_owned());
            let start = reader.canonical().len();
            let kind = reader.kind()?;
            if name == "records" && kind == Kind::Array {
                self.records = reader.elements(level)?;
                for (index, record) in self.records.iter().enumerate() {
                    if record.members.iter().filter(|m| m.name == "externalId").count() > 1 {
                        let what = format!("\"externalId\" stands twice in record {index}");
                        return Err(JsonError { offset: record.span.start, what: what.into() });
                    }
                }
                return Ok(());
            }
            reader.value(level)?;
            match name {
                "transactionId" if kind == Kind::String => self.transaction_id = Some(reader.decoded(start)),
                "transactionId" | "sourceOrgId" | "timestamp" | "operation" | "records" => {}
                _ => self.rest_member(name, &reader.canonical()[start..]),
            }
            Ok(())
        })?;
        self.members = members;
        reader.end()
    }

    fn rest_member(&mut self, name: &str, canonical: &[u8]) {
        self.rest.push([name.len().to_string().as_bytes(), b":", name.as_bytes(), canonical].concat());
    }
}

/// The members of a valid payload.
pub(super) struct Judged {
    pub(super) transaction_id: String,
    pub(super) source: OrgId,
    pub(super) timestamp: Timestamp,
    pub(super) operation: Operation,
    pub(super) records: Vec<Record>,
    pub(super) digest: Digest,
}

/// Judges the members of an envelope, and gathers what is wrong with them.
struct Fields {
    now: Option<Millis>,
    faults: Vec<Fault>,
}

impl Fields {
    fn judge(mut self, mut envelope: Envelope) -> Result<Judged, Rejection> {
        if !envelope.is_object {
            let fault = Fault::new(
                ErrorCode::InvalidField,
                "The body is JSON, but not an object. Send one object with transactionId, sourceOrgId, timestamp, operation and records.",
            );
            return Err(rejection(None, fault));
        }
        let transaction_id =
            self.text(&envelope, "transactionId").and_then(|id| self.id_length(id, "/transactionId", None));
        let source = self.text(&envelope, "sourceOrgId").and_then(|text| self.org_id(&text));
        let timestamp = self.text(&envelope, "timestamp").and_then(|text| self.timestamp(&text));
        let operation = self.text(&envelope, "operation").and_then(|text| self.operation(&text));
        let records = self.records(&envelope, operation);
        let (Some(transaction_id), Some(source), Some(timestamp), Some(operation), true) =
            (transaction_id, source, timestamp, operation, self.faults.is_empty())
        else {
            self.faults.truncate(MAX_FAULTS);
            return Err(Rejection { transaction_id: envelope.transaction_id, faults: self.faults });
        };
        let mut parts: Vec<&[u8]> = records.iter().map(|r| r.digest.as_bytes().as_slice()).collect();
        parts.sort_unstable();
        envelope.rest.sort_unstable();
        parts.push(operation.as_str().as_bytes());
        parts.extend(envelope.rest.iter().map(Vec::as_slice));
        let digest = Digest::of(&parts);
        Ok(Judged { transaction_id, source, timestamp, operation, records, digest })
    }

    fn fault(&mut self, code: ErrorCode, pointer: &str, record: Option<&str>, message: impl Into<String>) {
        let fault = Fault::new(code, message).at(pointer);
        self.faults.push(match record {
            Some(id) => fault.of_record(id),
            None => fault,
        });
    }

    /// A required text of the envelope.
    fn text(&mut self, envelope: &Envelope, name: &str) -> Option<String> {
        let member = envelope.members.iter().find(|m| m.name == name);
        self.required_text(member, name, &format!("/{name}"))
    }

    fn required_text(&mut self, member: Option<&Member>, name: &str, pointer: &str) -> Option<String> {
        match member {
            Some(Member { string: Some(text), .. }) if !text.is_empty() => Some(text.clone()),
            None => {
                self.fault(
                    ErrorCode::MissingField,
                    pointer,
                    None,
                    format!("{name} is missing. Add it and send the payload again."),
                );
                None
            }
            Some(Member { kind: Kind::Null | Kind::String, .. }) => {
                self.fault(
                    ErrorCode::MissingField,
                    pointer,
                    None,
                    format!("{name} is null or empty. Give it a value and send the payload again."),
                );
                None
            }
            Some(_) => {
                self.fault(
                    ErrorCode::InvalidField,
                    pointer,
                    None,
                    format!("{name} must be a text in double quotes."),
                );
                None
            }
        }
    }

    fn id_length(&mut self, id: String, pointer: &str, record: Option<&str>) -> Option<String> {
        let length = id.chars().count();
        if length <= MAX_ID_LENGTH {
            return Some(id);
        }
        let name = pointer.rsplit('/').next().unwrap_or_default();
        self.fault(
            ErrorCode::InvalidField,
            pointer,
            record,
            format!("{name} has {length} characters; at most {MAX_ID_LENGTH} are allowed."),
        );
        None
    }

    fn org_id(&mut self, text: &str) -> Option<OrgId> {
        match text.parse() {
            Ok(id) => Some(id),
            Err(error) => {
                self.fault(ErrorCode::InvalidField, "/sourceOrgId", None, format!("sourceOrgId is not an Organization ID: {error}. Copy it from Setup, Company Information."));
                None
            }
        }
    }

    fn operation(&mut self, text: &str) -> Option<Operation> {
        let operation = Operation::from_word(text);
        if operation.is_none() {
            self.fault(
                ErrorCode::InvalidField,
                "/operation",
                None,
                "operation must be \"upsert\" or \"delete\".",
            );
        }
        operation
    }

    fn timestamp(&mut self, text: &str) -> Option<Timestamp> {
        let Some(timestamp) = timestamp::parse(text) else {
            self.fault(
                ErrorCode::InvalidField,
                "/timestamp",
                None,
                "timestamp must be a date and time in ISO 8601 with a zone, like 2026-02-27T14:30:00.000Z.",
            );
            return None;
        };
        if let Some(now) = self.now
            && timestamp.0 > (now.0 + MAX_AHEAD_MS) * 1_000
        {
            self.fault(
                ErrorCode::InvalidField,
                "/timestamp",
                None,
                format!("timestamp lies more than 5 minutes ahead of this machine's clock ({now}). Set the clock of the sender, or of this machine, right."),
            );
            return None;
        }
        Some(timestamp)
    }

    fn records(&mut self, envelope: &Envelope, operation: Option<Operation>) -> Vec<Record> {
        match envelope.members.iter().find(|m| m.name == "records").map(|m| m.kind) {
            Some(Kind::Array) => {}
            None | Some(Kind::Null) => {
                self.fault(
                    ErrorCode::MissingField,
                    "/records",
                    None,
                    "records is missing or null. Add a list with at least one record.",
                );
                return Vec::new();
            }
            Some(Kind::String)
                if envelope
                    .members
                    .iter()
                    .any(|m| m.name == "records" && m.string.as_deref() == Some("")) =>
            {
                self.fault(
                    ErrorCode::MissingField,
                    "/records",
                    None,
                    "records is empty. Add a list with at least one record.",
                );
                return Vec::new();
            }
            Some(_) => {
                self.fault(ErrorCode::InvalidField, "/records", None, "records must be a list.");
                return Vec::new();
            }
        }
        let count = envelope.records.len();
        if count == 0 {
            self.fault(
                ErrorCode::EmptyRecords,
                "/records",
                None,
                "records holds no record, so there is nothing to sync. Send at least one.",
            );
        } else if count > MAX_RECORDS {
            self.fault(
                ErrorCode::InvalidField,
                "/records",
                None,
                format!(
                    "records holds {count} records; at most {MAX_RECORDS} are allowed. Split the payload."
                ),
            );
            return Vec::new();
        }
        let mut records = Vec::with_capacity(count);
        let mut first_at: HashMap<String, usize> = HashMap::with_capacity(count);
        for (index, element) in envelope.records.iter().enumerate() {
            let Some(record) = self.record(index, element, operation) else { continue };
            if let Some(first) = first_at.get(&record.external_id) {
                let message = format!(
                    "externalId stands here and in record {first}. Send one record for each externalId."
                );
                self.fault(
                    ErrorCode::DuplicateExternalId,
                    &format!("/records/{index}/externalId"),
                    Some(&record.external_id),
                    message,
                );
            } else {
                first_at.insert(record.external_id.clone(), index);
                records.push(record);
            }
        }
        records
    }

    fn record(&mut self, index: usize, element: &Element, operation: Option<Operation>) -> Option<Record> {
        if element.kind != Kind::Object {
            let code =
                if element.kind == Kind::Null { ErrorCode::MissingField } else { ErrorCode::InvalidField };
            self.fault(
                code,
                &format!("/records/{index}"),
                None,
                format!("record {index} must be an object with an externalId."),
            );
            return None;
        }
        let pointer = format!("/records/{index}/externalId");
        let member = element.members.iter().find(|m| m.name == "externalId");
        let external_id = self.required_text(member, "externalId", &pointer)?;
        let external_id = self.id_length(external_id.clone(), &pointer, Some(&external_id))?;
        let title = element.members.iter().find(|m| m.name == "title").and_then(|m| m.string.clone());
        let mut members: Vec<String> = element.members.iter().map(|m| m.name.clone()).collect();
        members.sort_unstable();
        members.dedup();
        let word = operation.map_or("", Operation::as_str);
        let digest = Digest::of(&[word.as_bytes(), &element.canonical]);
        Some(Record { external_id, digest, title, members, span: element.span.clone() })
    }
}
