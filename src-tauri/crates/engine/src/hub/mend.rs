//! Somebody changed a field between the look at a record and the write over it: the package's service writes whatever is
//! there, so this can only be seen afterwards, in the org's own history of the field. The edit then is one like any other;
//! where it is the later one, it is put back.

use serde_json::Value;
use sync_monitor_domain::conflict::Timestamp;
use sync_monitor_domain::hub::history::{self, Overwritten};
use sync_monitor_domain::hub::origin_of;
use sync_monitor_domain::hub::soql::Select;
use sync_monitor_domain::hub::v1::{self, Part, Routing, Said};
use sync_monitor_domain::hub::{Fields, HubObject, Row};
use sync_monitor_domain::ids::{OrgId, record_id};
use sync_monitor_domain::remote::Try;
use sync_monitor_store::{Entry, Held, Writing};

use super::Reader;
use super::deliver::{Courier, stored};
use super::hand_in::{Trouble, hand_in_one};
use crate::worker::Tools;

impl Courier<'_> {
    /// An earlier write of this record got no answer, or nobody came to look at what it was written over: does that now.
    /// Returns the record as it is then.
    pub(super) async fn take_up(&mut self, part: &Part, row: Row) -> Result<Row, Box<Try>> {
        let org = self.address.org_id;
        let open = stored(self.tools.store.writing(org, part.object, part.external_id.clone()).await)?;
        let Some(open) = open else { return Ok(row) };
        let again = async |this: &mut Self| Ok(this.look(part.object, &row.id).await?.unwrap_or(row.clone()));
        if open.put_back {
            if open.before.as_ref().is_some_and(|(before, _)| *before == row.fields) {
                self.put_back(part, &open.fields, &row).await?;
                return again(self).await;
            }
            stored(self.tools.store.end_write(org, part.object, part.external_id.clone()).await)?;
            return Ok(row);
        }
        let mut found = Overwritten::default();
        if let Some((before, since)) = &open.before
            && part.object == HubObject::WorkItem
        {
            found = self.overwritten(&open.fields, &row.id, (before, *since)).await?;
        }
        stored(self.tools.store.end_write(org, part.object, part.external_id.clone()).await)?;
        if self.mend(part, &found, &row).await? { again(self).await } else { Ok(row) }
    }

    /// A call that was to make this record got no answer: where the org took it all the same, the package's own ledger leads
    /// to the record, and somebody may have changed it since.
    pub(super) async fn made_there(&mut self, part: &Part) -> Result<Option<Held>, Box<Try>> {
        let org = self.address.org_id;
        if stored(self.tools.store.writing(org, part.object, part.external_id.clone()).await)?.is_none() {
            return Ok(None);
        }
        let known = self.known;
        let Some(table) = &known.adapter.ledger else { return Ok(None) };
        let names = ["LocalRecordIdTxt__c", "RemoteExternalIDTxt__c", "DirectionPk__c"];
        let [Some(local), Some(source), Some(direction)] = names.map(|name| table.field(name)) else {
            return Ok(None);
        };
        let select = Select::new([local.clone()], table.name.clone())
            .equal(&source, origin_of(&part.external_id))
            .equal(&direction, "Inbound")
            .order("CreatedDate");
        let mut reader = Reader {
            remote: self.tools.remote.as_ref(),
            address: self.address,
            known,
            api_usage: self.report.api_usage,
        };
        let rows = reader.all(&select).await;
        self.report.api_usage = reader.api_usage;
        let is_its = |id: &String| known.adapter.objects.get(&part.object).is_some_and(|one| one.has_id(id));
        let ids = rows?.into_iter().filter_map(|row| row.get(&local)?.as_str().and_then(record_id));
        for id in ids.filter(is_its).collect::<Vec<_>>().into_iter().rev() {
            if let Some(row) = self.look(part.object, &id).await?.filter(|row| !row.is_deleted) {
                hand_in_one(self.tools, self.address, known, row).await?;
                return self.held(part.object, &part.external_id).await;
            }
        }
        Ok(None)
    }

    /// Something was written over that nobody had seen: it is an edit like any other. Returns whether it stands in the
    /// write's place now.
    pub(super) async fn mend(
        &mut self,
        part: &Part,
        found: &Overwritten,
        after: &Row,
    ) -> Result<bool, Box<Try>> {
        let Some(at) = found.at else { return Ok(false) };
        stored(tell(self.tools, self.address.org_id, &part.external_id, found).await)?;
        if found.known.is_empty() {
            return Ok(false);
        }
        let mut fields = after.fields.clone();
        fields.extend(found.known.clone());
        let edit = Row { fields, stamp: at, ..after.clone() };
        // Said first: whoever reads the org before the edit is back must not take what is there now for another edit.
        self.begin_put_back(part, &found.known, after).await?;
        hand_in_one(self.tools, self.address, self.known, edit).await?;
        if !self.is_overtaken(&part.external_id).await? {
            let (org, store) = (self.address.org_id, &self.tools.store);
            stored(store.end_write(org, part.object, part.external_id.clone()).await)?;
            return Ok(false);
        }
        self.put_back(part, &found.known, after).await?;
        Ok(true)
    }

    /// What was written over between the look at a record, which held `before` since then, and the write of `written`.
    pub(super) async fn overwritten(
        &mut self,
        written: &Fields,
        record_id: &str,
        before: (&Fields, Timestamp),
    ) -> Result<Overwritten, Box<Try>> {
        let known = self.known;
        let mut reader = Reader {
            remote: self.tools.remote.as_ref(),
            address: self.address,
            known,
            api_usage: self.report.api_usage,
        };
        let found = look_back(&mut reader, record_id, before, written).await;
        self.report.api_usage = reader.api_usage;
        found
    }

    async fn begin_put_back(&self, part: &Part, fields: &Fields, row: &Row) -> Result<(), Box<Try>> {
        let writing = Writing {
            object: part.object,
            external_id: part.external_id.clone(),
            fields: fields.clone(),
            is_active: row.is_active,
            put_back: true,
            before: Some((row.fields.clone(), row.stamp)),
        };
        stored(self.tools.store.begin_write(self.address.org_id, writing).await)
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
        let called = match self.post(part, body).await {
            Ok(called) => called,
            Err(one) => {
                // It is put back when the item is tried again.
                self.begin_put_back(part, fields, row).await?;
                return Err(one);
            }
        };
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

/// What was written over between the look at a record, which held `before` since then, and the write of `written`.
async fn look_back(
    reader: &mut Reader<'_>,
    record_id: &str,
    before: (&Fields, Timestamp),
    written: &Fields,
) -> Result<Overwritten, Box<Try>> {
    let known = reader.known;
    if !known.adapter.history {
        return Ok(Overwritten::default());
    }
    let rows: Vec<Value> = reader.all(&history::select(&known.adapter, record_id, before.1)).await?;
    Ok(history::overwritten(&rows, &known.adapter, &known.mapping, before, written))
}

async fn tell(
    tools: &Tools,
    org: OrgId,
    external_id: &str,
    found: &Overwritten,
) -> Result<(), sync_monitor_store::Error> {
    let members: Vec<&str> =
        found.known.keys().map(String::as_str).chain(found.unknown.iter().map(String::as_str)).collect();
    let (was, words) = if found.unknown.is_empty() {
        ("was", "the org's field history tells what it was, and of the two the later edit wins")
    } else {
        (
            "was or may have been",
            "of long texts the org's field history does not tell what they were; ask who changed it there",
        )
    };
    let detail = format!(
        "{external_id} {was} changed in {org} in the moment before a delivery wrote over it ({}): {words}.",
        members.join(", ")
    );
    let entry = Entry::relay(tools.clock.now(), "edit.overwrite").subject(external_id);
    tools.store.note(entry.detail(&detail)).await
}

/// Deliveries that got no answer, and that nothing newer came after: tells what they wrote over, if anything.
pub(super) async fn close_writes(tools: &Tools, reader: &mut Reader<'_>) -> Result<(), Trouble> {
    let org = reader.address.org_id;
    for (record_id, open) in tools.store.left_open(org).await? {
        if let Some((before, since)) = &open.before
            && open.object == HubObject::WorkItem
            && !open.put_back
        {
            let found = look_back(reader, &record_id, (before, *since), &open.fields).await?;
            if found.at.is_some() {
                tell(tools, org, &open.external_id, &found).await?;
            }
        }
        tools.store.end_write(org, open.object, open.external_id).await?;
    }
    Ok(())
}
