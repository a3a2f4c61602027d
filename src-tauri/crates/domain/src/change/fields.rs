//! From text to members, and from members to a payload: everything that can be wrong with one is found here.

use std::borrow::Cow;
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
        Err(error) => Err(rejection(envelope.transaction_id.map(Cow::into_owned), not_json(text, &error))),
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
struct Envelope<'a> {
    is_object: bool,
    members: Vec<Member<'a>>,
    /// For who sent it, where it is read no further.
    transaction_id: Option<Cow<'a, str>>,
    records: Vec<Element<'a>>,
    /// The canonical forms of the other members, sorted, which are relayed without being understood.
    rest: Vec<Vec<u8>>,
}

impl<'a> Envelope<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), JsonError> {
        reader.skip_space();
        if reader.kind()? != Kind::Object {
            reader.value(1)?;
            return reader.end();
        }
        self.is_object = true;
        let mut seen: Vec<Cow<'a, str>> = Vec::new();
        let members = reader.object(1, |reader, name, level| {
            if seen.contains(name) {
                let what = format!("the member \"{}\" stands twice in the envelope", name.escape_debug());
                return Err(JsonError { offset: reader.offset(), what: what.into() });
            }
            seen.push(name.clone());
            let (from, start) = (reader.offset(), reader.canonical().len());
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
            match name.as_ref() {
                "transactionId" if kind == Kind::String => {
                    self.transaction_id = Some(reader.read_string(from, start));
                }
                "transactionId" | "sourceOrgId" | "timestamp" | "operation" | "records" => {}
                _ => self.rest_member(name, &reader.canonical()[start..]),
            }
            Ok(())
        })?;
        self.members = members;
        self.rest.sort_unstable();
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
    fn judge(mut self, envelope: Envelope<'_>) -> Result<Judged, Rejection> {
        if !envelope.is_object {
            let fault = Fault::new(
                ErrorCode::InvalidField,
                "The body is JSON, but not an object. Send one object with transactionId, sourceOrgId, timestamp, operation and records.",
            );
            return Err(rejection(None, fault));
        }
        let transaction_id =
            self.text(&envelope, "transactionId").filter(|id| self.has_length(id, "transactionId", None));
        let source = self.text(&envelope, "sourceOrgId").and_then(|text| self.org_id(text));
        let timestamp = self.text(&envelope, "timestamp").and_then(|text| self.timestamp(text));
        let operation = self.text(&envelope, "operation").and_then(|text| self.operation(text));
        let records = self.records(&envelope, operation);
        let (Some(transaction_id), Some(source), Some(timestamp), Some(operation), true) =
            (transaction_id, source, timestamp, operation, self.faults.is_empty())
        else {
            self.faults.truncate(MAX_FAULTS);
            let transaction_id = envelope.transaction_id.map(Cow::into_owned);
            return Err(Rejection { transaction_id, faults: self.faults });
        };
        let mut parts: Vec<&[u8]> = records.iter().map(|r| r.digest.as_bytes().as_slice()).collect();
        parts.sort_unstable();
        parts.push(operation.as_str().as_bytes());
        parts.extend(envelope.rest.iter().map(Vec::as_slice));
        let digest = Digest::of(&parts);
        Ok(Judged {
            transaction_id: transaction_id.to_owned(),
            source,
            timestamp,
            operation,
            records,
            digest,
        })
    }

    fn fault(&mut self, code: ErrorCode, pointer: &str, record: Option<&str>, message: impl Into<String>) {
        let fault = Fault::new(code, message).at(pointer);
        self.faults.push(match record {
            Some(id) => fault.of_record(id),
            None => fault,
        });
    }

    /// A required text of the envelope.
    fn text<'e>(&mut self, envelope: &'e Envelope<'_>, name: &str) -> Option<&'e str> {
        self.required_text(&envelope.members, name, None)
    }

    /// A required text, of the envelope or of the record at `index`.
    fn required_text<'e>(
        &mut self,
        members: &'e [Member<'_>],
        name: &str,
        index: Option<usize>,
    ) -> Option<&'e str> {
        let pointer = || pointer(name, index);
        match members.iter().find(|m| m.name == name) {
            Some(Member { string: Some(text), .. }) if !text.is_empty() => Some(text),
            None => {
                self.fault(
                    ErrorCode::MissingField,
                    &pointer(),
                    None,
                    format!("{name} is missing. Add it and send the payload again."),
                );
                None
            }
            Some(Member { kind: Kind::Null | Kind::String, .. }) => {
                self.fault(
                    ErrorCode::MissingField,
                    &pointer(),
                    None,
                    format!("{name} is null or empty. Give it a value and send the payload again."),
                );
                None
            }
            Some(_) => {
                self.fault(
                    ErrorCode::InvalidField,
                    &pointer(),
                    None,
                    format!("{name} must be a text in double quotes."),
                );
                None
            }
        }
    }

    /// Is an ID, of the envelope or of the record at `index`, short enough?
    fn has_length(&mut self, id: &str, name: &str, index: Option<usize>) -> bool {
        // A text has no more characters than bytes.
        let length = if id.len() <= MAX_ID_LENGTH { id.len() } else { id.chars().count() };
        if length > MAX_ID_LENGTH {
            self.fault(
                ErrorCode::InvalidField,
                &pointer(name, index),
                index.map(|_| id),
                format!("{name} has {length} characters; at most {MAX_ID_LENGTH} are allowed."),
            );
        }
        length <= MAX_ID_LENGTH
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

    fn records(&mut self, envelope: &Envelope<'_>, operation: Option<Operation>) -> Vec<Record> {
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
        let mut first_at: HashMap<&str, usize> = HashMap::with_capacity(count);
        for (index, element) in envelope.records.iter().enumerate() {
            let Some(external_id) = self.external_id(index, element) else { continue };
            if let Some(first) = first_at.get(external_id) {
                let message = format!(
                    "externalId stands here and in record {first}. Send one record for each externalId."
                );
                self.fault(
                    ErrorCode::DuplicateExternalId,
                    &pointer("externalId", Some(index)),
                    Some(external_id),
                    message,
                );
            } else {
                first_at.insert(external_id, index);
                records.push(record(external_id, element, operation));
            }
        }
        records
    }

    fn external_id<'e>(&mut self, index: usize, element: &'e Element<'_>) -> Option<&'e str> {
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
        let external_id = self.required_text(&element.members, "externalId", Some(index))?;
        self.has_length(external_id, "externalId", Some(index)).then_some(external_id)
    }
}

/// Where a member of the envelope stands, or of the record at `index`.
fn pointer(name: &str, index: Option<usize>) -> String {
    index.map_or_else(|| format!("/{name}"), |index| format!("/records/{index}/{name}"))
}

fn record(external_id: &str, element: &Element<'_>, operation: Option<Operation>) -> Record {
    let title = element.members.iter().find(|m| m.name == "title").and_then(|m| m.string.as_deref());
    let mut members: Vec<String> = element.members.iter().map(|m| m.name.as_ref().to_owned()).collect();
    members.sort_unstable();
    members.dedup();
    let word = operation.map_or("", Operation::as_str);
    let digest = Digest::of(&[word.as_bytes(), &element.canonical]);
    Record {
        external_id: external_id.to_owned(),
        digest,
        title: title.map(str::to_owned),
        members,
        span: element.span.clone(),
    }
}
