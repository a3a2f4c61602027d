//! The package's own service (`DeliveryHubSyncService`): `POST …/deliveryhub/v1/sync/{ObjectType}` and its siblings, in
//! the order in which the package judges.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Method};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use sync_monitor_domain::hub::adapter::service_path;
use sync_monitor_domain::hub::row::time;

use super::{Hub, HubSpec, Place, Record, objects};

/// How long after it sent a record the package takes whatever comes of it for an echo.
const ECHO_WINDOW_SECONDS: i64 = 300;

/// How the path ends where the bytes of a file are.
pub(crate) const BYTES: &str = "/VersionData";

const HOUR: Duration = Duration::from_hours(1);

/// Where the service is.
pub(super) fn path(spec: &HubSpec) -> String {
    service_path(if spec.managed { "delivery__" } else { "" })
}

/// Why a call failed: a status and the text of `error`.
type Refused = (u16, String);

pub(super) fn answer(
    hub: &mut Hub,
    place: &Place<'_>,
    method: &Method,
    rest: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> (u16, Value) {
    let object = rest.rsplit('/').next().unwrap_or_default();
    match (method, object) {
        (&Method::GET, "health") => (200, hub.health()),
        (&Method::GET, "changes") => {
            hub.drained += 1;
            (200, json!([]))
        }
        (&Method::GET, _) => (404, json!({ "error": "Endpoint not found. Please use /sync/changes" })),
        (&Method::POST, object) => match hub.post(place, object, headers, body) {
            Ok(answer) => (200, answer),
            Err((status, message)) => (status, json!({ "error": message })),
        },
        _ => (405, json!([{ "errorCode": "METHOD_NOT_ALLOWED", "message": "HTTP Method not allowed" }])),
    }
}

fn text<'a>(row: &'a Record, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn dml(code: &str, why: &str) -> Refused {
    (500, format!("Upsert failed. First exception on row 0; first error: {code}, {why}: []"))
}

impl Hub {
    fn health(&self) -> Value {
        let hours: f64 =
            self.table("WorkLog__c").filter_map(|row| row.get("HoursLoggedNumber__c")?.as_f64()).sum();
        let count =
            |status: &str| self.table("SyncItem__c").filter(|row| text(row, "StatusPk__c") == status).count();
        json!({
            "workItems": self.table("WorkItem__c").count(), "workLogs": self.table("WorkLog__c").count(),
            "totalHours": hours,
            "syncItems": { "queued": count("Queued"), "synced": count("Synced"), "failed": count("Failed"), "staged": count("Staged") },
        })
    }

    fn post(
        &mut self,
        place: &Place<'_>,
        object: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Value, Refused> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        self.count_call(place)?;
        if let Some(key) = header("x-api-key") {
            let connected = |row: &&Record| {
                text(row, "ApiKeyTxt__c") == key && text(row, "ConnectionStatusPk__c") == "Connected"
            };
            let Some(entity) = self.table("NetworkEntity__c").find(connected) else {
                return Err((401, "Invalid API key or entity not connected.".into()));
            };
            let secret = text(entity, "HmacSecretTxt__c");
            if !secret.is_empty()
                && !header("x-signature")
                    .is_some_and(|sent| signature(secret, body).eq_ignore_ascii_case(sent))
            {
                return Err((401, "Invalid signature".into()));
            }
        }
        if body.is_empty() {
            return Err((400, "Empty Payload".into()));
        }
        if let Some(global) = header("x-global-source-id").filter(|global| self.sent_lately(place, global)) {
            return Ok(json!({ "status": "Echo suppressed", "globalSourceId": global }));
        }
        let Ok(Value::Object(sent)) = serde_json::from_slice(body) else {
            return Err((500, "Unexpected character: expected a JSON object".into()));
        };
        let sender = text(&sent, "SenderOrgId").get(..15).unwrap_or_default();
        let pending = |row: &&Record| {
            !sender.is_empty()
                && text(row, "OrgIdTxt__c").starts_with(sender)
                && text(row, "ConnectionStatusPk__c") == "Pending Approval"
        };
        if self.table("NetworkEntity__c").any(|row| pending(&row)) {
            return Err((403, "Connection pending approval".into()));
        }
        let Some(object) = objects::find(object) else {
            return Err((500, format!("Invalid Object Type: {object}")));
        };
        let id = match object {
            "ContentVersion" => self.ingest_file(place, &sent)?,
            object => self.ingest(place, object, &sent)?,
        };
        self.written.push((object.to_owned(), Value::Object(sent)));
        Ok(json!({ "status": "Success", "processedId": id, "orgId": place.org }))
    }

    /// The package's own limit: so many calls within any hour.
    fn count_call(&mut self, place: &Place<'_>) -> Result<(), Refused> {
        let Some(most) = place.spec.rate_limit else { return Ok(()) };
        let now = place.spec.clock.now();
        self.service_calls.retain(|at| at.plus(HOUR) > now);
        if self.service_calls.len() >= most {
            return Err((429, "Rate limit exceeded".into()));
        }
        self.service_calls.push(now);
        Ok(())
    }

    /// Did the org send this record itself within the echo window, whatever it was?
    fn sent_lately(&self, place: &Place<'_>, global: &str) -> bool {
        let age = |row: &Record| {
            let seconds = |text: &str| time(text).map_or(0, |at| at.0 / 1_000_000);
            seconds(&place.now) - seconds(text(row, "CreatedDate"))
        };
        self.table("SyncItem__c").any(|row| {
            text(row, "GlobalSourceIdTxt__c") == global
                && text(row, "DirectionPk__c") == "Outbound"
                && age(row) <= ECHO_WINDOW_SECONDS
        })
    }

    /// The record that a ledger row of this column leads to, the newest first.
    fn by_ledger(&self, object: &str, column: &str, id: &str) -> Option<String> {
        if id.is_empty() {
            return None;
        }
        let inbound = |row: &&Record| {
            text(row, "DirectionPk__c") == "Inbound"
                && text(row, "ObjectTypePk__c") == object
                && text(row, column) == id
        };
        let rows: Vec<&Record> = self.table("SyncItem__c").filter(inbound).collect();
        let local = rows.iter().rev().map(|row| text(row, "LocalRecordIdTxt__c"));
        local.into_iter().find(|id| self.live(object, id).is_some()).map(str::to_owned)
    }

    fn ingest(&mut self, place: &Place<'_>, object: &'static str, sent: &Record) -> Result<String, Refused> {
        let (source, global, target) =
            (text(sent, "SourceId"), text(sent, "GlobalSourceId"), text(sent, "TargetId"));
        let mut known = self
            .by_ledger(object, "RemoteExternalIDTxt__c", source)
            .or_else(|| self.by_ledger(object, "GlobalSourceIdTxt__c", global))
            .or_else(|| self.live(object, target).map(|_| target.to_owned()));
        // Field by field; what is no field of the object is skipped, and what is wrong with one is swallowed.
        let known_field = |(name, value): (&String, &Value)| {
            let field = objects::fields(object).find(|field| field.name.eq_ignore_ascii_case(name))?;
            Some((field.name.to_owned(), value.clone()))
        };
        let mut fields: Record = sent.iter().filter_map(known_field).collect();
        if let Some(link) = parent_field(object) {
            let named = text(&fields, link).to_owned();
            let parent = self
                .by_ledger("WorkItem__c", "RemoteExternalIDTxt__c", &named)
                .or_else(|| self.live("WorkItem__c", &named).map(|_| named.clone()));
            let Some(parent) = parent else { return Ok(self.wait(place, object, sent, &named)) };
            fields.insert(link.into(), parent.into());
        }
        if object == "WorkLog__c" && known.is_none() {
            let key =
                ["WorkItemLookup__c", "WorkDateDate__c", "HoursLoggedNumber__c", "WorkDescriptionTxt__c"];
            let same = |row: &&Record| key.iter().all(|name| row.get(*name) == fields.get(*name));
            known = self.table(object).find(same).map(|row| text(row, "Id").to_owned());
        }
        let locked = known.as_ref().and_then(|id| self.locks.get(id)).is_some_and(|until| *until > place.now);
        if locked {
            return Err(dml("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"));
        }
        let broken = self.rules.iter().find(|(field, not, _)| text(&fields, field).contains(not));
        if let Some((_, _, words)) = broken {
            return Err(dml("FIELD_CUSTOM_VALIDATION_EXCEPTION", words));
        }
        judge(self.priorities(place.spec), object, &fields, known.is_none())?;
        if let Some(id) = &known {
            let (now, later) =
                std::mem::take(&mut self.in_between).into_iter().partition(|(one, _)| one == id);
            self.in_between = later;
            for (id, fields) in now {
                self.put(place, object, Some(&id), fields);
                self.capture(place, object, &id);
            }
        }
        let id = if let Some(id) = known {
            self.put(place, object, Some(&id), fields)
        } else {
            let mut row = objects::defaults(object, &place.now);
            row.extend(fields);
            self.put(place, object, None, row)
        };
        if self.by_ledger(object, "RemoteExternalIDTxt__c", source).is_none() {
            let row = json!({
                "ObjectTypePk__c": object, "DirectionPk__c": "Inbound", "StatusPk__c": "Synced",
                "RemoteExternalIDTxt__c": source, "GlobalSourceIdTxt__c": global, "LocalRecordIdTxt__c": id,
                "PayloadTxt__c": "Ledger Mapping Created",
            });
            self.put(place, "SyncItem__c", None, row.as_object().cloned().unwrap_or_default());
        }
        if self.automation {
            self.put(place, object, Some(&id), Map::new());
        }
        Ok(id)
    }

    /// The older form of a file, with its bytes; it is attached to the work item that `TargetId` names.
    fn ingest_file(&mut self, place: &Place<'_>, sent: &Record) -> Result<String, Refused> {
        let source = text(sent, "SourceId");
        if let Some(known) = self.by_ledger("ContentVersion", "RemoteExternalIDTxt__c", source) {
            return Err(dml(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                &format!("unable to update fields of {known}: VersionData"),
            ));
        }
        let named = text(sent, "TargetId").to_owned();
        let parent = self
            .by_ledger("WorkItem__c", "RemoteExternalIDTxt__c", &named)
            .or_else(|| self.live("WorkItem__c", &named).map(|_| named.clone()));
        let Some(parent) = parent else { return Ok(self.wait(place, "ContentVersion", sent, &named)) };
        let Ok(bytes) = STANDARD.decode(text(sent, "VersionData")) else {
            return Err((500, "Unable to decode base64".into()));
        };
        if bytes.is_empty() {
            return Err(dml("REQUIRED_FIELD_MISSING", "Required fields are missing: [VersionData]"));
        }
        let id = self.attach(place, &parent, (text(sent, "Title"), text(sent, "PathOnClient")), &bytes);
        let row = json!({
            "ObjectTypePk__c": "ContentVersion", "DirectionPk__c": "Inbound", "StatusPk__c": "Synced",
            "RemoteExternalIDTxt__c": source, "GlobalSourceIdTxt__c": text(sent, "GlobalSourceId"),
            "LocalRecordIdTxt__c": id, "PayloadTxt__c": "Ledger Mapping Created",
        });
        self.put(place, "SyncItem__c", None, row.as_object().cloned().unwrap_or_default());
        Ok(id)
    }

    /// Makes a file, and attaches it to a record; returns the ID of its version.
    pub(super) fn attach(
        &mut self,
        place: &Place<'_>,
        record: &str,
        (title, path): (&str, &str),
        bytes: &[u8],
    ) -> String {
        let document = self.put(place, "ContentDocument", None, Record::new());
        let version = json!({
            "Title": title, "PathOnClient": path, "FileType": path.rsplit('.').next().unwrap_or_default().to_uppercase(),
            "ContentSize": bytes.len(), "Checksum": hex::encode(&Sha256::digest(bytes)[..16]),
            "ContentDocumentId": document, "IsLatest": true, "VersionData": STANDARD.encode(bytes),
        });
        let link = json!({ "ContentDocumentId": document, "LinkedEntityId": record });
        self.put(place, "ContentDocumentLink", None, link.as_object().cloned().unwrap_or_default());
        self.put(place, "ContentVersion", None, version.as_object().cloned().unwrap_or_default())
    }

    /// A child whose work item is not there waits in the queue; its place in the queue is what the sender is told.
    fn wait(&mut self, place: &Place<'_>, object: &'static str, sent: &Record, parent: &str) -> String {
        let source = text(sent, "SourceId");
        let waiting = |row: &&Record| {
            text(row, "StatusPk__c") == "Pending" && text(row, "RemoteExternalIDTxt__c") == source
        };
        if let Some(row) = self.table("SyncItem__c").find(waiting) {
            return text(row, "Id").to_owned();
        }
        let row = json!({
            "ObjectTypePk__c": object, "DirectionPk__c": "Inbound", "StatusPk__c": "Pending",
            "RemoteExternalIDTxt__c": source, "ParentRefTxt__c": parent,
        });
        self.put(place, "SyncItem__c", None, row.as_object().cloned().unwrap_or_default())
    }

    /// What the package's trigger does when a user changes a record: it queues it for every org that it is connected to.
    pub(super) fn capture(&mut self, place: &Place<'_>, object: &str, id: &str) {
        let connected = |row: &&Record| {
            text(row, "ConnectionStatusPk__c") == "Connected"
                && !text(row, "IntegrationEndpointUrlTxt__c").is_empty()
        };
        if objects::find(object) != Some("WorkItem__c")
            || !self.table("NetworkEntity__c").any(|row| connected(&row))
        {
            return;
        }
        let ledger = self
            .table("SyncItem__c")
            .find(|row| text(row, "LocalRecordIdTxt__c") == id && text(row, "DirectionPk__c") == "Inbound");
        let global = ledger.map_or(id, |row| text(row, "GlobalSourceIdTxt__c")).to_owned();
        let row = json!({
            "ObjectTypePk__c": object, "DirectionPk__c": "Outbound", "StatusPk__c": "Queued",
            "GlobalSourceIdTxt__c": global, "LocalRecordIdTxt__c": id, "WorkItemLookup__c": id,
            "RetryCountNumber__c": 0,
        });
        self.put(place, "SyncItem__c", None, row.as_object().cloned().unwrap_or_default());
    }
}

fn parent_field(object: &str) -> Option<&'static str> {
    match object {
        "WorkItemComment__c" => Some("WorkItemId__c"),
        "WorkLog__c" => Some("WorkItemLookup__c"),
        _ => None,
    }
}

/// What the database says to a record.
fn judge(
    priorities: Option<&Vec<&'static str>>,
    object: &str,
    fields: &Record,
    is_new: bool,
) -> Result<(), Refused> {
    if object == "WorkItem__c" && is_new && text(fields, "BriefDescriptionTxt__c").is_empty() {
        return Err((500, "A work item needs a brief description.".into()));
    }
    for field in objects::fields(object).filter(|field| field.length > 0) {
        if text(fields, field.name).chars().count() > field.length as usize {
            return Err(dml("STRING_TOO_LONG", &format!("{}: data value too large", field.name)));
        }
    }
    if let (Some(values), Some(value)) = (priorities, fields.get("PriorityPk__c").and_then(Value::as_str))
        && !values.contains(&value)
    {
        return Err(dml("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", &format!("bad value: {value}")));
    }
    Ok(())
}

/// Lower-case hex of HMAC-SHA256.
fn signature(secret: &str, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}
