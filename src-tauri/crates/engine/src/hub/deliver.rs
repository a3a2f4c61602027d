//! Delivering to an org that speaks the package's own protocol: record by record, each looked at before it is written and
//! read back after, because the package's answers say less than they seem to.
//!
//! What is done of a change is known by what the org is known to hold; so a retry does the rest, and nothing twice.

use std::time::Duration;

use sync_monitor_domain::change::Change;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::conflict::{Judgement, judge};
use sync_monitor_domain::hub::history::Overwritten;
use sync_monitor_domain::hub::v1::{self, Part, Routing, Said};
use sync_monitor_domain::hub::{Fields, HubObject, Row, document};
use sync_monitor_domain::intake::version;
use sync_monitor_domain::remote::{Call, CallMethod, Called, Meaning, OrgAddress, Report, Try};
use sync_monitor_store::{Claimed, Held, State, Writing, Wrote};

use super::hand_in::hand_in_one;
use super::{Known, Reader};
use crate::worker::Tools;

/// How long the package takes whatever comes of a record that it sent itself for an echo.
const ECHO_WINDOW: Duration = Duration::from_mins(5);

/// What came of one part.
enum Done {
    /// The org holds it.
    There,
    /// The org has something newer.
    Newer,
    /// There was nothing to remove.
    Nothing,
}

pub(super) struct Courier<'a> {
    pub(super) tools: &'a Tools,
    pub(super) address: &'a OrgAddress,
    pub(super) known: &'a Known,
    change: &'a Change,
    /// The last request that wrote.
    last: Option<Try>,
    pub(super) report: Report,
}

/// Delivers what was claimed; whatever happens is a report, as of any delivery.
pub(crate) async fn deliver(tools: &Tools, address: &OrgAddress, known: &Known, claimed: &Claimed) -> Report {
    let began = (tools.clock.now(), tools.clock.elapsed());
    let report = Report { tries: Vec::new(), api_usage: None, clock_skew_ms: None, moved_to: None };
    let Ok(change) = Change::reread(claimed.body.clone()) else {
        let one = said(Meaning::Refused, "INVALID_JSON", "The stored payload cannot be read.");
        return Report { tries: vec![one], ..report };
    };
    let mut courier = Courier { tools, address, known, change: &change, last: None, report };
    let outcome = courier.all().await;
    let Courier { last, mut report, .. } = courier;
    let one = match outcome {
        Ok(meaning_and_words) => {
            let (meaning, words) = meaning_and_words;
            let wrote = last.unwrap_or_else(|| said(meaning, "", ""));
            Try { meaning, error_code: None, message: words, ..wrote }
        }
        Err(one) => *one,
    };
    let duration = tools.clock.elapsed().saturating_sub(began.1);
    report.tries = vec![Try { started_at: began.0, duration, ..one }];
    report
}

/// A request that was not made, and what that means.
fn said(meaning: Meaning, code: &str, message: &str) -> Try {
    Try {
        started_at: Millis(0),
        duration: Duration::ZERO,
        meaning,
        http_status: None,
        error_code: (!code.is_empty()).then(|| code.to_owned()),
        message: (!message.is_empty()).then(|| message.to_owned()),
        response_body: None,
    }
}

fn stop<T>(meaning: Meaning, code: &str, message: &str) -> Result<T, Box<Try>> {
    Err(Box::new(said(meaning, code, message)))
}

/// What the store answered, or that it failed.
pub(super) fn stored<T>(answer: Result<T, sync_monitor_store::Error>) -> Result<T, Box<Try>> {
    answer.or_else(|error| {
        let again = Meaning::Retry { retry_after: None };
        stop(again, "INTERNAL_ERROR", &format!("Sync Monitor could not write down what it did: {error}"))
    })
}

impl Courier<'_> {
    async fn all(&mut self) -> Result<(Meaning, Option<String>), Box<Try>> {
        let (mut newer, mut nothing) = (0, 0);
        let parts = v1::parts(self.change, &self.known.mapping);
        let count = parts.len();
        for part in parts {
            match self.part(&part).await? {
                Done::There => {}
                Done::Newer => newer += 1,
                Done::Nothing => nothing += 1,
            }
        }
        Ok(match (newer, nothing) {
            (0, 0) if count == 0 => {
                let words = "Nothing of it is relayed to this org: see its mapping.";
                (Meaning::Synced, Some(words.to_owned()))
            }
            (0, 0) => (Meaning::Synced, None),
            (0, _) => {
                let words = "The org does not have this record, so there was nothing to give up.";
                (Meaning::Synced, Some(words.to_owned()))
            }
            (newer, _) if newer == count => {
                let words =
                    "The record was changed in the org later than this; that change goes the other way.";
                (Meaning::Superseded, Some(words.to_owned()))
            }
            (newer, _) => {
                let words = format!("{newer} of {count} records were changed in the org later than this.");
                (Meaning::Synced, Some(words))
            }
        })
    }

    pub(super) async fn held(&self, object: HubObject, external_id: &str) -> Result<Option<Held>, Box<Try>> {
        stored(self.tools.store.held(self.address.org_id, object, external_id.to_owned()).await)
    }

    /// A record as the org holds it now.
    pub(super) async fn look(&mut self, object: HubObject, id: &str) -> Result<Option<Row>, Box<Try>> {
        let mut reader = Reader {
            remote: self.tools.remote.as_ref(),
            address: self.address,
            known: self.known,
            api_usage: self.report.api_usage,
        };
        let rows = reader.by_id(object, &[id.to_owned()]).await;
        self.report.api_usage = reader.api_usage;
        Ok(rows?.pop())
    }

    async fn part(&mut self, part: &Part) -> Result<Done, Box<Try>> {
        let known = self.known;
        let Some(described) = known.adapter.objects.get(&part.object) else {
            let message = format!("The org has no {}, or the signed-in user may not see it.", part.object);
            return stop(Meaning::Refused, "OBJECT_MISSING", &message);
        };
        let mut held = self.held(part.object, &part.external_id).await?;
        if held.is_none() && described.has_id(&part.external_id) {
            held = self.born_there(part).await?;
        }
        if held.is_none() {
            held = self.made_there(part).await?;
        }
        if held.as_ref().is_some_and(|held| held.state == State::Gone) {
            return gone(part);
        }
        let row = match &held {
            Some(held) => Some(self.meet(part, held).await?),
            None => None,
        };
        let row = match row {
            Some(row) => Some(self.take_up(part, row).await?),
            None => None,
        };
        if part.object == HubObject::WorkItem && self.is_overtaken(&part.external_id).await? {
            // Of what is not there, an older version is better than none; a newer one may have no way to this org.
            let is_made = row.is_none()
                && part.is_active
                && !stored(self.tools.store.is_given_up(part.external_id.clone()).await)?;
            if !is_made {
                return Ok(Done::Newer);
            }
        }
        if row.is_none() && !part.is_active {
            return Ok(Done::Nothing);
        }
        let write = part.to_write(row.as_ref().map(|row| &row.fields));
        let activation = match (&row, part.is_active) {
            _ if part.object != HubObject::WorkItem => None,
            (Some(row), true) if row.is_active => None,
            (Some(row), false) if !row.is_active => None,
            (_, true) => Some(Some(self.change.timestamp.to_string())),
            (Some(_) | None, false) => Some(None),
        };
        if let (Some(row), true, None) = (&row, write.is_empty(), &activation) {
            self.note(part, row, row.fields.clone()).await?;
            return Ok(Done::There);
        }
        if let Some((code, message)) = part.objection(&write, &known.adapter, &known.mapping) {
            return stop(Meaning::Refused, code, &message);
        }
        let parent_id = self.parent_id(part).await?;
        let routing = Routing {
            source: self.change.source,
            target_id: row.as_ref().map(|row| row.id.as_str()),
            parent_id: parent_id.as_deref(),
            activation: activation.as_ref().map(Option::as_deref),
        };
        let body = v1::body(part, &write, &known.adapter, &known.mapping, routing);
        let writing = Writing {
            object: part.object,
            external_id: part.external_id.clone(),
            fields: write.clone(),
            is_active: part.is_active,
            put_back: false,
            before: row.as_ref().map(|row| (row.fields.clone(), row.stamp)),
        };
        stored(self.tools.store.begin_write(self.address.org_id, writing).await)?;
        let called = self.post(part, body).await?;
        match v1::said(called.body.as_deref().unwrap_or_default(), described, known.adapter.ledger.as_ref()) {
            Said::Wrote(id) => self.check(part, &write, row, &id).await,
            Said::Waits => stop(
                Meaning::Retry { retry_after: None },
                "PARENT_PENDING",
                "The org keeps this until its work item comes; it is sent again until it is there.",
            ),
            Said::Suppressed => self.suppressed(part, row).await,
            Said::Odd(text) => stop(
                Meaning::Retry { retry_after: None },
                "UNEXPECTED_ANSWER",
                &format!("The org answered with success, but not with the record that it wrote: {text}"),
            ),
        }
    }

    /// A record that came from the package's own ledger is named by the record that it was born as; the target may be where
    /// that was.
    async fn born_there(&mut self, part: &Part) -> Result<Option<Held>, Box<Try>> {
        match self.look(part.object, &part.external_id).await? {
            Some(row) if !row.is_deleted => {
                hand_in_one(self.tools, self.address, self.known, row).await?;
                self.held(part.object, &part.external_id).await
            }
            _ => Ok(None),
        }
    }

    /// Looks at the record that is to be written: what somebody changed there meanwhile is a change like any other, and who
    /// wins is decided before anything is overwritten.
    async fn meet(&mut self, part: &Part, held: &Held) -> Result<Row, Box<Try>> {
        let Some(row) = self.look(part.object, &held.record_id).await? else { return gone(part) };
        let is_known = held.fields.as_ref() == Some(&row.fields)
            && (held.state == State::Active) == row.is_active
            && !row.is_deleted;
        if !is_known {
            hand_in_one(self.tools, self.address, self.known, row.clone()).await?;
        }
        if row.is_deleted { gone(part) } else { Ok(row) }
    }

    /// Is a newer version of the record known than the one that is to be delivered?
    pub(super) async fn is_overtaken(&self, external_id: &str) -> Result<bool, Box<Try>> {
        let newest = stored(self.tools.store.newest(external_id.to_owned()).await)?;
        let index = self.change.records.iter().position(|record| record.external_id == external_id);
        Ok(index
            .is_some_and(|index| judge(newest.as_ref(), &version(self.change, index)) == Judgement::Stale))
    }

    async fn parent_id(&self, part: &Part) -> Result<Option<String>, Box<Try>> {
        let Some(parent) = &part.parent else { return Ok(None) };
        match self.held(HubObject::WorkItem, parent).await? {
            Some(held) if held.state == State::Gone => stop(
                Meaning::Refused,
                "RECORD_DELETED",
                &format!(
                    "Its work item {parent} was deleted in the org, and is not made again. Restore it there from the recycle bin and retry, or dismiss this."
                ),
            ),
            Some(held) => Ok(Some(held.record_id)),
            None => stop(
                Meaning::ParentMissing,
                "PARENT_MISSING",
                &format!(
                    "Its work item {parent} is not in the org. This is sent as soon as the work item is there, and waits for it for a day: look for a failed item of the work item, or change it once in its own org."
                ),
            ),
        }
    }

    pub(super) async fn post(&mut self, part: &Part, body: bytes::Bytes) -> Result<Called, Box<Try>> {
        let call = Call {
            method: CallMethod::Post,
            path: format!("{}/{}", self.known.adapter.service_path(), part.object.name()),
            body: Some(body),
            is_service: true,
            is_raw: false,
        };
        let called = self.tools.remote.call(self.address, call).await;
        self.report.api_usage = called.report.api_usage.or(self.report.api_usage);
        self.report.clock_skew_ms = called.report.clock_skew_ms.or(self.report.clock_skew_ms);
        self.report.moved_to = called.report.moved_to.clone().or(self.report.moved_to.take());
        let Some(last) = called.report.tries.last().cloned() else {
            return stop(Meaning::Unreachable, "NO_ANSWER", "Nothing came back.");
        };
        self.last = Some(last.clone());
        if last.meaning == Meaning::Synced {
            return Ok(called);
        }
        // Whatever got an answer that is no success was not written; without one it is open.
        if last.http_status.is_some() {
            let ended =
                self.tools.store.end_write(self.address.org_id, part.object, part.external_id.clone());
            stored(ended.await)?;
        }
        Err(Box::new(last))
    }

    /// The org says that it wrote a record: what does it hold now?
    async fn check(
        &mut self,
        part: &Part,
        write: &Fields,
        before: Option<Row>,
        id: &str,
    ) -> Result<Done, Box<Try>> {
        let Some(after) = self.look(part.object, id).await?.filter(|row| !row.is_deleted) else {
            return stop(
                Meaning::Retry { retry_after: None },
                "NOT_WRITTEN",
                &format!("The org says that it wrote {id}, and there is no such record. It is sent again."),
            );
        };
        let unchanged = |member: &String| match &before {
            Some(before) => after.fields.get(member) == before.fields.get(member),
            None => after.fields.get(member).is_none_or(serde_json::Value::is_null),
        };
        // The package swallows what it cannot write of a record, and says "Success".
        let differs = part.to_write(Some(&after.fields));
        let left: Vec<&str> = differs.keys().filter(|member| unchanged(member)).map(String::as_str).collect();
        if !left.is_empty() {
            self.note(part, &after, after.fields.clone()).await?;
            return stop(
                Meaning::Refused,
                "FIELD_NOT_WRITTEN",
                &format!(
                    "The org answered with success and did not write: {}. Check that the signed-in user may edit these fields, and that they take such values.",
                    left.join(", ")
                ),
            );
        }
        let sent = part.content.as_deref().map(document::size_of);
        if sent.is_some_and(|sent| after.fields.get("size").and_then(serde_json::Value::as_u64) != Some(sent))
        {
            return stop(
                Meaning::Refused,
                "FIELD_NOT_WRITTEN",
                "The org answered with success, and the file that it has there is not as long as the one that was sent. Compare them there.",
            );
        }
        // What differs besides was done by somebody else in between, or by automation: it comes back as a change of its own.
        let mut expected =
            before.as_ref().map_or_else(|| after.fields.clone(), |before| before.fields.clone());
        expected.extend(write.clone());
        let found = match before.filter(|_| part.object == HubObject::WorkItem) {
            Some(before) => self.overwritten(write, &before.id, (&before.fields, before.stamp)).await?,
            None => Overwritten::default(),
        };
        self.note(part, &after, expected).await?;
        Ok(if self.mend(part, &found, &after).await? { Done::Newer } else { Done::There })
    }

    pub(super) async fn note(&self, part: &Part, row: &Row, fields: Fields) -> Result<(), Box<Try>> {
        let wrote = Wrote {
            object: part.object,
            external_id: part.external_id.clone(),
            record_id: row.id.clone(),
            fields,
            stamp: row.stamp,
            is_active: row.is_active,
        };
        stored(self.tools.store.note_wrote(self.address.org_id, wrote).await)
    }

    /// The package took the call for an echo and wrote nothing. It judges by the record alone, so that says nothing: the
    /// record is looked at.
    async fn suppressed(&mut self, part: &Part, before: Option<Row>) -> Result<Done, Box<Try>> {
        let ended = self.tools.store.end_write(self.address.org_id, part.object, part.external_id.clone());
        stored(ended.await)?;
        if let Some(before) = before
            && let Some(row) = self.look(part.object, &before.id).await?
            && part.to_write(Some(&row.fields)).is_empty()
            && row.is_active == part.is_active
        {
            self.note(part, &row, row.fields.clone()).await?;
            return Ok(Done::There);
        }
        stop(
            Meaning::Retry { retry_after: Some(ECHO_WINDOW) },
            "ECHO_SUPPRESSED",
            "The org takes this for an echo of what it sent itself in the last minutes, and it is not: the org holds something else. It is sent again when that time has passed.",
        )
    }
}

fn gone<T>(part: &Part) -> Result<T, Box<Try>> {
    stop(
        Meaning::Refused,
        "RECORD_DELETED",
        &format!(
            "The {} was deleted in the org, and is not made again. Restore it there from the recycle bin and retry, or dismiss this.",
            part.object
        ),
    )
}
