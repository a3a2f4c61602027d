//! Somebody changed a field between the look at a record and the write over it: the package's service writes whatever is
//! there, so this can only be seen afterwards, in the org's own history of the field. The edit then is one like any other;
//! where it is the later one, it is put back.

use serde_json::Value;
use sync_monitor_domain::hub::history::{self, Overwritten};
use sync_monitor_domain::hub::v1::{self, Part, Routing, Said};
use sync_monitor_domain::hub::{Fields, Row};
use sync_monitor_domain::remote::Try;
use sync_monitor_store::{Entry, Writing};

use super::Reader;
use super::deliver::{Courier, stored};
use super::pull::hand_in_one;

impl Courier<'_> {
    /// Was something written over that nobody had seen? Returns whether the org's own edit stands in its place now.
    pub(super) async fn mend(
        &mut self,
        part: &Part,
        written: &Fields,
        before: &Row,
        after: &Row,
    ) -> Result<bool, Box<Try>> {
        if !self.known.adapter.history {
            return Ok(false);
        }
        let found = self.overwritten(written, before).await?;
        let Some(at) = found.at else { return Ok(false) };
        self.tell(part, &found).await?;
        if found.known.is_empty() {
            return Ok(false);
        }
        let mut fields = after.fields.clone();
        fields.extend(found.known.clone());
        let edit = Row { fields, stamp: at, ..after.clone() };
        hand_in_one(self.tools, self.address, self.known, edit).await?;
        if !self.is_overtaken(&part.external_id).await? {
            return Ok(false);
        }
        self.put_back(part, &found.known, after).await?;
        Ok(true)
    }

    async fn overwritten(&mut self, written: &Fields, before: &Row) -> Result<Overwritten, Box<Try>> {
        let known = self.known;
        let mut reader = Reader {
            remote: self.tools.remote.as_ref(),
            address: self.address,
            known,
            api_usage: self.report.api_usage,
        };
        let select = history::select(&known.adapter, &before.id, before.stamp);
        let rows: Vec<Value> = reader.all(&select).await?;
        self.report.api_usage = reader.api_usage;
        let looked_at = (&before.fields, before.stamp);
        Ok(history::overwritten(&rows, &known.adapter, &known.mapping, looked_at, written))
    }

    async fn tell(&self, part: &Part, found: &Overwritten) -> Result<(), Box<Try>> {
        let members: Vec<&str> =
            found.known.keys().map(String::as_str).chain(found.unknown.iter().map(String::as_str)).collect();
        let words = if found.unknown.is_empty() {
            "the org remembers what it was, so that the later edit wins"
        } else {
            "of long texts the org does not remember what they were; ask who changed it there"
        };
        let detail = format!(
            "{} was changed in {} in the moment before a delivery wrote over it ({}): {words}.",
            part.external_id,
            self.address.org_id,
            members.join(", ")
        );
        let entry = Entry::relay(self.tools.clock.now(), "edit.overwrite").subject(&part.external_id);
        stored(self.tools.store.note(entry.detail(&detail)).await)
    }

    /// Writes what the org's own user had written.
    async fn put_back(&mut self, part: &Part, fields: &Fields, row: &Row) -> Result<(), Box<Try>> {
        let known = self.known;
        let routing = Routing {
            source: self.address.org_id,
            target_id: Some(&row.id),
            parent_id: None,
            activation: None,
        };
        let body = v1::body(part, fields, &known.adapter, &known.mapping, routing);
        let writing = Writing {
            object: part.object,
            external_id: part.external_id.clone(),
            fields: fields.clone(),
            is_active: row.is_active,
        };
        stored(self.tools.store.begin_write(self.address.org_id, writing).await)?;
        let called = self.post(part, body).await?;
        let Some(described) = known.adapter.objects.get(&part.object) else { return Ok(()) };
        let answer = called.body.as_deref().unwrap_or_default();
        if let Said::Wrote(id) = v1::said(answer, described, known.adapter.ledger.as_ref())
            && let Some(now) = self.look(part.object, &id).await?
        {
            // What differs from the edit is read as an edit of its own.
            let mut expected = row.fields.clone();
            expected.extend(fields.clone());
            self.note(part, &now, expected).await?;
        }
        Ok(())
    }
}
