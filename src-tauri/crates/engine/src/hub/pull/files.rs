//! Files attached to work items, where they are relayed. The platform tells what is attached only for files that are named; so
//! new files are asked for first, then what they are attached to, and only then their bytes.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sync_monitor_domain::hub::document::{self, MOST_BYTES};
use sync_monitor_domain::hub::{HubObject, Row};
use sync_monitor_domain::remote::{Call, Meaning, Try};
use sync_monitor_store::Entry;

use super::Puller;
use crate::hub::hand_in::Trouble;
use crate::hub::{IDS_AT_ONCE, Reader};

impl Reader<'_> {
    /// The bytes of a file, in base64.
    async fn bytes(&mut self, version: &str) -> Result<String, Box<Try>> {
        let call = Call::bytes(document::bytes_path(&self.known.adapter, version));
        let called = self.remote.call(self.address, call).await;
        self.api_usage = called.report.api_usage.or(self.api_usage);
        match called.report.tries.last() {
            Some(last) if last.meaning != Meaning::Synced => Err(Box::new(last.clone())),
            _ => Ok(STANDARD.encode(called.body.unwrap_or_default())),
        }
    }

    /// Those of these files that are attached to a work item, with that as their parent.
    pub(super) async fn attached(&mut self, rows: Vec<Row>) -> Result<Vec<Row>, Box<Try>> {
        let Some(work_item) = self.known.adapter.objects.get(&HubObject::WorkItem) else {
            return Ok(Vec::new());
        };
        let documents: Vec<String> = rows.iter().filter_map(|row| row.document.clone()).collect();
        let mut parents: HashMap<String, String> = HashMap::new();
        for some in documents.chunks(IDS_AT_ONCE) {
            for link in self.all(&document::links(some.iter().map(String::as_str))).await? {
                let text = |name: &str| link.get(name).and_then(Value::as_str).map(str::to_owned);
                if let (Some(file), Some(record)) = (text("ContentDocumentId"), text("LinkedEntityId"))
                    && work_item.has_id(&record)
                {
                    // Of several work items the first: it is one file there, too.
                    let first = parents.entry(file).or_insert_with(|| record.clone());
                    if record < *first {
                        *first = record;
                    }
                }
            }
        }
        let with_parent = |row: Row| {
            let parent = parents.get(row.document.as_deref()?)?.clone();
            Some(Row { parent: Some(parent), ..row })
        };
        Ok(rows.into_iter().filter_map(with_parent).collect())
    }
}

impl Puller {
    /// The same files with the bytes of those that were never heard of. What is too large, or cannot be read, is told, and belongs
    /// below nothing: so it is known from then on, and goes nowhere.
    pub(super) async fn with_bytes(
        &self,
        reader: &mut Reader<'_>,
        rows: Vec<Row>,
    ) -> Result<Vec<Row>, Trouble> {
        let store = &self.engine.inner.tools.store;
        let ids = rows.iter().filter(|row| !row.is_deleted).map(|row| row.id.clone()).collect();
        let unknown = store.unknown_records(self.org, ids).await?;
        let mut whole = Vec::new();
        for mut row in rows {
            if unknown.contains(&row.id) {
                let size = row.fields.get("size").and_then(Value::as_u64).unwrap_or(0);
                let content = if size > MOST_BYTES {
                    Err(format!("it has {size} bytes, and Delivery Hub takes {MOST_BYTES} in a call"))
                } else {
                    match reader.bytes(&row.id).await {
                        Ok(content) => Ok(content),
                        Err(one) if matches!(one.meaning, Meaning::Refused | Meaning::EndpointMissing) => {
                            Err(one.message.unwrap_or_else(|| "the org does not give its bytes".to_owned()))
                        }
                        Err(one) => return Err(one.into()),
                    }
                };
                match content {
                    Ok(content) => row.content = Some(content),
                    Err(why) => {
                        self.skip(&row, &why).await?;
                        row.parent = None;
                    }
                }
            }
            whole.push(row);
        }
        Ok(whole)
    }

    async fn skip(&self, row: &Row, why: &str) -> Result<(), Trouble> {
        let tools = &self.engine.inner.tools;
        let title = row.fields.get("title").and_then(Value::as_str).unwrap_or("?");
        let detail = format!(
            "The file {title:?} of the work item {} in {} is not relayed: {why}. Attach it in the other orgs by hand where it is wanted there.",
            row.parent.as_deref().unwrap_or("?"),
            self.org
        );
        let entry = Entry::relay(tools.clock.now(), "document.skip").subject(&row.id).detail(&detail);
        Ok(tools.store.note(entry).await?)
    }
}
