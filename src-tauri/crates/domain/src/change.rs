//! A payload, read once. Past this file nobody handles half-valid input.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use serde::{Serialize, Serializer};

use crate::clock::Millis;
use crate::conflict::Timestamp;
use crate::error_code::{ErrorCode, Fault};
use crate::ids::{Digest, OrgId};
use crate::json::{Element, JsonError, Kind, Member, Reader};

/// The longest `transactionId` or `externalId`, in code points.
pub const MAX_ID_LENGTH: usize = 255;
/// The most records in one payload.
pub const MAX_RECORDS: usize = 2_000;
/// How far ahead of this machine's clock a `timestamp` may lie, in milliseconds.
pub const MAX_AHEAD_MS: i64 = 5 * 60 * 1_000;
/// At most this many faults are told at once; a sender who repairs those gets the next.
const MAX_FAULTS: usize = 100;

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
            rejection(
                None,
                Fault::new(
                    ErrorCode::InvalidJson,
                    format!("The body is not valid UTF-8 (byte {at}). Send it encoded as UTF-8."),
                ),
            )
        })?;
        let mut envelope = Envelope::default();
        let mut reader = Reader::new(text);
        if let Err(error) = envelope.read(&mut reader) {
            let transaction_id = envelope.transaction_id;
            return Err(rejection(transaction_id, not_json(text, &error)));
        }
        let fields = Fields { now, faults: Vec::new() }.judge(envelope)?;
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
                    }
                }
            })
        })
    }
}

fn rejection(transaction_id: Option<String>, fault: Fault) -> Rejection {
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
struct Judged {
    transaction_id: String,
    source: OrgId,
    timestamp: Timestamp,
    operation: Operation,
    records: Vec<Record>,
    digest: Digest,
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
        let Some(timestamp) = parse_timestamp(text) else {
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

/// Reads a date and time in ISO 8601's extended calendar form, with a zone: `Z`, `+00:00`, `+0000` (Salesforce's own) or
/// `+00`. Seconds may be left out; digits beyond microseconds are cut off.
fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(['T', 't'])?;
    let date = parse_date(date)?;
    let zone_at = time.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = time.split_at(zone_at);
    let moment = NaiveDateTime::new(date, parse_time(time)?).and_utc().timestamp_micros();
    Some(Timestamp(moment - parse_zone(zone)? * 1_000_000))
}

fn number(text: &str, digits: usize) -> Option<u32> {
    (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(number(year, 4)?).ok()?, number(month, 2)?, number(day, 2)?)
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    let (whole, fraction) = text.split_once(['.', ',']).map_or((text, None), |(w, f)| (w, Some(f)));
    let mut parts = whole.split(':');
    let (hour, minute, second) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?, parts.next());
    if parts.next().is_some() || (fraction.is_some() && second.is_none()) {
        return None;
    }
    let second = second.map_or(Some(0), |s| number(s, 2))?;
    let micros = match fraction {
        None => 0,
        Some(digits) if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) => return None,
        Some(digits) => format!("{:0<6}", &digits[..digits.len().min(6)]).parse().ok()?,
    };
    // A leap second, which few clocks show, is taken as the second after it.
    let (second, leap) = if second == 60 { (59, 1) } else { (second, 0) };
    NaiveTime::from_hms_micro_opt(hour, minute, second, micros + leap * 1_000_000)
}

/// Seconds east of UTC.
fn parse_zone(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        _ => (-1, &text[1..]),
    };
    let (hours, minutes) = match rest.len() {
        2 => (number(rest, 2)?, 0),
        4 if rest.is_ascii() => (number(&rest[..2], 2)?, number(&rest[2..], 2)?),
        5 => {
            let (hours, minutes) = rest.split_once(':')?;
            (number(hours, 2)?, number(minutes, 2)?)
        }
        _ => return None,
    };
    (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 3600 + minutes * 60))
}

impl Timestamp {
    /// The moment, as shown to people.
    pub fn to_utc(self) -> DateTime<chrono::Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
