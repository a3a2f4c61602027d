//! Delivery Hub in a simulated org: its objects, what a user does with them, and the package's own service.
//!
//! As faithful as the relay can tell: times in whole seconds, errors where the package has them, and the quirks of its
//! protocol (`processedId` that is none, echoes that are none, a destructive `GET`).

mod objects;
mod rest;
mod service;
mod soql;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use sync_monitor_domain::clock::{Clock, Millis};
use sync_monitor_domain::ids::record_id;

use crate::{OrgSim, wall_clock};

pub(crate) use rest::{answer, is_ours};
pub(crate) use service::BYTES;

/// The clock that an org goes by: the machine's, or one that a test moves.
#[derive(Clone, Default)]
pub struct OrgClock(Option<Arc<dyn Clock>>);

impl OrgClock {
    /// A clock that a test moves.
    pub fn of(clock: Arc<dyn Clock>) -> Self {
        Self(Some(clock))
    }

    pub(crate) fn now(&self) -> Millis {
        self.0.as_ref().map_or_else(wall_clock, |clock| clock.now())
    }
}

impl fmt::Debug for OrgClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "a test's clock" } else { "the machine's clock" })
    }
}

/// What makes an org one with Delivery Hub.
#[derive(Debug, Clone, Default)]
pub struct HubSpec {
    /// Is the package managed, with the namespace `delivery`?
    pub managed: bool,
    /// Does the org have the documented endpoint besides?
    pub documented: bool,
    /// The clock that its rows are stamped by.
    pub clock: OrgClock,
    /// The values that `PriorityPk__c` takes, where it takes no others.
    pub priorities: Option<Vec<&'static str>>,
    /// The most rows in a page of a query; 0 for Salesforce's 2,000.
    pub page: usize,
    /// The most calls of the package's service within an hour (`SyncApiRateLimitNumber__c`).
    pub rate_limit: Option<usize>,
    /// Is the history of work items' fields not tracked?
    pub untracked: bool,
}

/// What an org's Delivery Hub holds.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    /// Rows by object and ID; fields without a namespace.
    tables: BTreeMap<&'static str, BTreeMap<String, Map<String, Value>>>,
    /// Numbers given to rows.
    given: u64,
    /// Pages of queries that were not asked for yet.
    cursors: HashMap<String, Vec<Value>>,
    /// Does automation touch every record that a sync wrote?
    automation: bool,
    /// How often the destructive `GET …/sync/changes` was called.
    drained: u64,
    /// How often a key or secret field was asked for.
    secrets_asked: u64,
    /// How many queries were answered.
    queries: u64,
    /// The values that `PriorityPk__c` takes from now on, where it takes no others.
    priorities: Option<Vec<&'static str>>,
    /// Validation rules: what a text field must not contain, and the words of the refusal.
    rules: Vec<(&'static str, &'static str, &'static str)>,
    /// Rows that something else holds, until when.
    locks: HashMap<String, String>,
    /// When the package's service was called.
    service_calls: Vec<Millis>,
    /// What a user does in the moment before the next write of a record by the package's service.
    in_between: Vec<(String, Record)>,
    /// Bodies that came to the package's service and were taken, with the object.
    written: Vec<(String, Value)>,
}

/// A row as the org holds it; fields without a namespace.
type Record = Map<String, Value>;

impl Hub {
    fn priorities<'a>(&'a self, spec: &'a HubSpec) -> Option<&'a Vec<&'static str>> {
        self.priorities.as_ref().or(spec.priorities.as_ref())
    }

    fn table(&self, object: &str) -> impl Iterator<Item = &Record> {
        self.tables.get(object).into_iter().flat_map(BTreeMap::values)
    }

    fn live<'a>(&'a self, object: &str, id: &str) -> Option<&'a Record> {
        self.tables.get(object)?.get(id).filter(|row| row.get("IsDeleted") != Some(&Value::Bool(true)))
    }

    /// Writes a row, a new one where `id` is `None`; stamps it. No trigger runs.
    fn put(&mut self, place: &Place<'_>, object: &'static str, id: Option<&str>, fields: Record) -> String {
        if let Some(id) = id {
            self.remember(place, object, id, &fields);
        }
        let id = id.map_or_else(|| self.new_id(place, object), str::to_owned);
        let row = self.tables.entry(object).or_default().entry(id.clone()).or_insert_with(|| {
            let mut row: Record =
                objects::fields(object).map(|field| (field.name.to_owned(), Value::Null)).collect();
            row.insert("Id".into(), id.as_str().into());
            row.insert("IsDeleted".into(), false.into());
            row.insert("CreatedDate".into(), place.now.as_str().into());
            row
        });
        row.extend(fields);
        row.insert("SystemModstamp".into(), place.now.as_str().into());
        id
    }

    /// Field history tracking: what a record's fields were. Of long texts only that they were changed.
    fn remember(&mut self, place: &Place<'_>, object: &str, id: &str, fields: &Record) {
        if object != "WorkItem__c" || place.spec.untracked {
            return;
        }
        let Some(row) = self.tables.get(object).and_then(|rows| rows.get(id)) else { return };
        let prefix = if place.spec.managed { "delivery__" } else { "" };
        let tracked = objects::fields(object).filter_map(|field| {
            let (old, new) = (row.get(field.name)?, fields.get(field.name)?);
            let is_long = field.length > 255;
            let shown = |value: &Value| if is_long { Value::Null } else { value.clone() };
            (old != new).then(|| {
                json!({
                    "ParentId": id, "Field": format!("{prefix}{}", field.name),
                    "OldValue": shown(old), "NewValue": shown(new),
                })
            })
        });
        for step in tracked.collect::<Vec<_>>() {
            self.put(place, "WorkItem__History", None, step.as_object().cloned().unwrap_or_default());
        }
    }

    /// A refresh copies production's records, and wipes the package's connections and queue.
    pub(crate) fn refreshed(&mut self) {
        self.tables.remove("NetworkEntity__c");
        self.tables.remove("SyncItem__c");
    }

    fn new_id(&mut self, place: &Place<'_>, object: &str) -> String {
        self.given += 1;
        let short = format!("{}{}{:08}", objects::key_prefix(object), &place.org[11..15], self.given);
        record_id(&short).unwrap_or(short)
    }
}

/// Where and when something happens.
struct Place<'a> {
    /// The org's ID.
    org: &'a str,
    /// Now, as rows are stamped.
    now: String,
    spec: &'a HubSpec,
}

/// A time as Salesforce writes it, to the second.
fn stamp(at: Millis) -> String {
    at.to_utc().format("%Y-%m-%dT%H:%M:%S.000+0000").to_string()
}

impl OrgSim {
    /// Does something to the org's Delivery Hub, here and now.
    ///
    /// # Panics
    /// Where the org has none.
    fn in_hub<T>(&self, work: impl FnOnce(&mut Hub, &Place<'_>) -> T) -> T {
        let inner = self.inner();
        let Some(spec) = &inner.spec.hub else { panic!("this org has no Delivery Hub") };
        let mut state = inner.state();
        let org = state.org_id;
        let place = Place { org: org.as_str(), now: stamp(spec.clock.now()), spec };
        work(&mut state.hub, &place)
    }

    /// A user makes a record; returns its ID. Fields go without a namespace.
    pub fn create(&self, object: &str, fields: Value) -> String {
        self.in_hub(|hub, place| {
            let mut row = objects::defaults(object, &place.now);
            row.extend(fields.as_object().cloned().unwrap_or_default());
            let id = hub.put(place, objects::known(object), None, row);
            hub.capture(place, object, &id);
            id
        })
    }

    /// A user attaches a file to a record; returns the ID of its version.
    pub fn attach(&self, record: &str, title: &str, path: &str, bytes: &[u8]) -> String {
        self.in_hub(|hub, place| hub.attach(place, record, (title, path), bytes))
    }

    /// A user changes a record.
    pub fn edit(&self, object: &str, id: &str, fields: Value) {
        self.in_hub(|hub, place| {
            let fields = fields.as_object().cloned().unwrap_or_default();
            hub.put(place, objects::known(object), Some(id), fields);
            hub.capture(place, object, id);
        });
    }

    /// A validation rule: a field whose text contains this is refused with these words. What users see of it is theirs to
    /// heed; here only syncs meet it.
    pub fn validate(&self, field: &'static str, not: &'static str, words: &'static str) {
        self.in_hub(|hub, _| hub.rules.push((field, not, words)));
    }

    /// From now on `PriorityPk__c` takes these values and no others.
    pub fn restrict_priorities(&self, values: &[&'static str]) {
        self.in_hub(|hub, _| hub.priorities = Some(values.to_vec()));
    }

    /// No validation rule is left, no row is locked, and nobody changes anything in between.
    pub fn calm(&self) {
        self.in_hub(|hub, _| {
            hub.rules.clear();
            hub.locks.clear();
            hub.in_between.clear();
        });
    }

    /// Something else, a batch job say, holds a row for so long: no sync can write it meanwhile.
    pub fn lock(&self, id: &str, span: Duration) {
        self.in_hub(|hub, place| {
            let until = stamp(place.spec.clock.now().plus(span));
            hub.locks.insert(id.to_owned(), until);
        });
    }

    /// A user changes a record in the moment before the next write of it by the package's service.
    pub fn edit_in_between(&self, id: &str, fields: &Value) {
        self.in_hub(|hub, _| {
            hub.in_between.push((id.to_owned(), fields.as_object().cloned().unwrap_or_default()));
        });
    }

    /// A user deletes a record: it goes to the recycle bin.
    pub fn remove(&self, object: &str, id: &str) {
        self.in_hub(|hub, place| {
            let deleted = json!({ "IsDeleted": true }).as_object().cloned().unwrap_or_default();
            hub.put(place, objects::known(object), Some(id), deleted);
        });
    }

    /// A record as it is now; `None` where it is not, or was deleted.
    pub fn row(&self, object: &str, id: &str) -> Option<Value> {
        self.in_hub(|hub, _| hub.live(object, id).cloned().map(Value::Object))
    }

    /// Every record of an object that was not deleted, by its ID.
    pub fn rows(&self, object: &str) -> Vec<Value> {
        self.in_hub(|hub, _| {
            let live = |row: &&Record| row.get("IsDeleted") != Some(&Value::Bool(true));
            hub.table(object).filter(live).cloned().map(Value::Object).collect()
        })
    }

    /// From now on automation touches every record that a sync wrote: its time moves, its fields stay.
    pub fn automate(&self, on: bool) {
        self.in_hub(|hub, _| hub.automation = on);
    }

    /// How often the package's destructive `GET …/sync/changes` was called: never, if all is well.
    pub fn drained(&self) -> u64 {
        self.in_hub(|hub, _| hub.drained)
    }

    /// How often a query asked for a key or a secret: never, if all is well.
    pub fn secrets_asked(&self) -> u64 {
        self.in_hub(|hub, _| hub.secrets_asked)
    }

    /// How many queries were answered.
    pub fn queries(&self) -> u64 {
        self.in_hub(|hub, _| hub.queries)
    }

    /// What the package's service wrote: object and body, in order.
    pub fn written(&self) -> Vec<(String, Value)> {
        self.in_hub(|hub, _| hub.written.clone())
    }
}
