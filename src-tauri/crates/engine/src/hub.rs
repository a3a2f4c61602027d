//! Orgs with Delivery Hub's package: finding out what each speaks, reading its changes, writing to it record by record.

mod deliver;
mod find;
mod hand_in;
mod mend;
mod own;
mod pull;
mod reading;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;
use sync_monitor_domain::conflict::Timestamp;
use sync_monitor_domain::hub::soql::Select;
use sync_monitor_domain::hub::{Adapter, Dialect, HubObject, Mapping, Row, row};
use sync_monitor_domain::ids::{OrgId, record_id};
use sync_monitor_domain::remote::{ApiUsage, Call, Called, Meaning, OrgAddress, Remote, ServiceKey, Try};
use sync_monitor_store::Ledger;
use uuid::Uuid;

use crate::model::{Actor, Link, LinkPage, OrgAdapter, PullState};
use crate::{Engine, Error, new_id};

pub(crate) use deliver::deliver;
pub use own::{Consent, OwnAction, OwnDone};
pub use pull::Pulled;
pub(crate) use pull::{Handle, start};
pub use reading::OwnReading;
pub(crate) use reading::OwnReadings;

/// The most IDs in one query: a URL has room for so many.
const IDS_AT_ONCE: usize = 100;

/// An org's dialect and mapping, as they are in force.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub(crate) adapter: Adapter,
    pub(crate) mapping: Mapping,
}

/// What is in force for each org, in memory: every delivery asks.
#[derive(Default)]
pub(crate) struct Adapters(RwLock<HashMap<OrgId, Arc<Known>>>);

impl Adapters {
    pub(crate) fn load(&self, list: Vec<OrgAdapter>) {
        let known = list
            .into_iter()
            .map(|one| (one.org_id, Arc::new(Known { adapter: one.adapter, mapping: one.mapping })));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = known.collect();
    }

    pub(crate) fn of(&self, org: OrgId) -> Option<Arc<Known>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&org).cloned()
    }

    /// What an org is written to with that speaks the package's own protocol.
    pub(crate) fn of_package(&self, org: OrgId) -> Option<Arc<Known>> {
        self.of(org).filter(|known| known.adapter.dialect == Dialect::PackageV1)
    }
}

/// A call that went through, with its JSON; or the request that says why not.
fn json(called: &Called) -> Result<Value, Box<Try>> {
    let Some(last) = called.report.tries.last() else { return Ok(Value::Null) };
    if last.meaning != Meaning::Synced {
        return Err(Box::new(last.clone()));
    }
    serde_json::from_slice(called.body.as_deref().unwrap_or_default()).map_err(|_| {
        let message = "The org's answer is cut off or no JSON. It is asked again later.".to_owned();
        Box::new(Try {
            meaning: Meaning::Retry { retry_after: None },
            error_code: Some("UNREADABLE_ANSWER".into()),
            message: Some(message),
            ..last.clone()
        })
    })
}

/// Reads of an org.
struct Reader<'a> {
    remote: &'a dyn Remote,
    address: &'a OrgAddress,
    known: &'a Known,
    /// As the last answer told it.
    api_usage: Option<ApiUsage>,
}

/// A page of rows.
struct Rows {
    rows: Vec<Value>,
    next: Option<String>,
}

impl Reader<'_> {
    async fn get(&mut self, path: String) -> Result<Value, Box<Try>> {
        let called = self.remote.call(self.address, Call::get(path)).await;
        self.api_usage = called.report.api_usage.or(self.api_usage);
        json(&called)
    }

    async fn page(&mut self, path: String) -> Result<Rows, Box<Try>> {
        let answer = self.get(path).await?;
        let rows = answer.get("records").and_then(Value::as_array).cloned().unwrap_or_default();
        let next = answer.get("nextRecordsUrl").and_then(Value::as_str).map(str::to_owned);
        Ok(Rows { rows, next })
    }

    /// Every row, deleted ones included, over as many pages as it takes.
    async fn all(&mut self, select: &Select) -> Result<Vec<Value>, Box<Try>> {
        let mut page = self.page(self.query_path(select)).await?;
        let mut rows = std::mem::take(&mut page.rows);
        while let Some(next) = page.next.take() {
            page = self.page(next).await?;
            rows.append(&mut page.rows);
        }
        Ok(rows)
    }

    fn query_path(&self, select: &Select) -> String {
        format!("{}/queryAll?q={}", self.known.adapter.data_path(), select.escaped())
    }

    /// The rows with these IDs, as far as they are there.
    async fn by_id(&mut self, object: HubObject, ids: &[String]) -> Result<Vec<Row>, Box<Try>> {
        let (adapter, mapping) = (&self.known.adapter, &self.known.mapping);
        let Some(select) = row::select(object, adapter, mapping) else { return Ok(Vec::new()) };
        let mut rows = Vec::new();
        for some in ids.chunks(IDS_AT_ONCE) {
            let select = select.clone().one_of("Id", some.iter().map(String::as_str));
            for record in self.all(&select).await? {
                rows.push(read(&record, object, self.known)?);
            }
        }
        Ok(rows)
    }

    /// What the package's own ledger says of where these records came from; of those that came from nowhere, nothing.
    async fn ledger(&mut self, ids: &[String]) -> Result<HashMap<String, Ledger>, Box<Try>> {
        let mut found = HashMap::new();
        let Some(table) = &self.known.adapter.ledger else { return Ok(found) };
        let names =
            ["LocalRecordIdTxt__c", "GlobalSourceIdTxt__c", "RemoteExternalIDTxt__c", "DirectionPk__c"]
                .map(|name| table.field(name));
        let [Some(local), Some(global), Some(source), Some(direction)] = names else { return Ok(found) };
        for some in ids.chunks(IDS_AT_ONCE) {
            let select = Select::new([local.clone(), global.clone(), source.clone()], table.name.clone())
                .equal(&direction, "Inbound")
                .one_of(&local, some.iter().map(String::as_str))
                .order("CreatedDate");
            for record in self.all(&select).await? {
                let text =
                    |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                if let Some(id) = record_id(&text(&local)) {
                    found.insert(id, Ledger { global_id: text(&global), source_id: text(&source) });
                }
            }
        }
        Ok(found)
    }
}

fn read(record: &Value, object: HubObject, known: &Known) -> Result<Row, Box<Try>> {
    Row::read(record, object, &known.adapter, &known.mapping).map_err(|error| {
        Box::new(Try {
            started_at: sync_monitor_domain::Millis(0),
            duration: std::time::Duration::ZERO,
            meaning: Meaning::Retry { retry_after: None },
            http_status: None,
            error_code: Some("UNREADABLE_ROW".into()),
            message: Some(format!("The org's answer cannot be used: {error}.")),
            response_body: None,
        })
    })
}

impl Engine {
    /// What each org was found to be, as far as that is known.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn adapters(&self) -> Result<Vec<OrgAdapter>, Error> {
        Ok(self.inner.tools.store.adapters().await?)
    }

    async fn reload_adapters(&self) -> Result<(), Error> {
        self.inner.tools.adapters.load(self.inner.tools.store.adapters().await?);
        Ok(())
    }

    /// What an org is to be spoken to in; `None` for what was found.
    ///
    /// # Errors
    /// [`Error::Refused`] where nothing was found yet, or where the org does not have the package; or when the store fails.
    pub async fn want_dialect(
        &self,
        org: OrgId,
        wanted: Option<Dialect>,
        actor: &Actor,
    ) -> Result<(), Error> {
        let known = self.inner.tools.adapters.of(org);
        let has_package = known.is_some_and(|known| known.adapter.objects.contains_key(&HubObject::WorkItem));
        if wanted == Some(Dialect::PackageV1) && !has_package {
            return Err(Error::Refused(format!(
                "{org} has no Delivery Hub that the signed-in user may see. Install the package, or give the user its permission set, then test the org."
            )));
        }
        self.inner.tools.store.want_dialect(org, wanted, actor.clone(), self.clock().now()).await?;
        self.reload_adapters().await?;
        self.org_moved(org).await
    }

    /// Which member is which field in an org; `None` for the default.
    ///
    /// # Errors
    /// [`Error::Invalid`] for fields that the org does not have; [`Error::Refused`] where it is not known what it has; or
    /// when the store fails.
    pub async fn set_mapping(
        &self,
        org: OrgId,
        mapping: Option<Mapping>,
        actor: &Actor,
    ) -> Result<(), Error> {
        let known = self.inner.tools.adapters.of(org);
        if known.as_ref().is_some_and(|known| known.adapter.objects.is_empty()) {
            return Err(Error::Refused(format!(
                "{org} has no Delivery Hub that the signed-in user may see, so there is nothing to map. Test the org after that has changed."
            )));
        }
        if let (Some(known), Some(mapping)) = (known, &mapping)
            && let Some(missing) = mapping.misses(&known.adapter).into_iter().next()
        {
            return Err(Error::Invalid(missing));
        }
        self.inner.tools.store.set_mapping(org, mapping, actor.clone(), self.clock().now()).await?;
        self.reload_adapters().await?;
        self.inner.tools.announce(Vec::new(), true);
        Ok(())
    }

    /// Keeps the key of Delivery Hub's own service in an org, or forgets it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not connected; [`Error::Connect`] where secrets cannot be kept; or when the store fails.
    pub async fn set_service_key(
        &self,
        org: OrgId,
        key: Option<ServiceKey>,
        actor: &Actor,
    ) -> Result<(), Error> {
        let action = if key.is_some() { "org.serviceKey.set" } else { "org.serviceKey.forget" };
        let known = self.inner.tools.store.org(org).await?;
        if !known.connected {
            return Err(Error::NotFound { what: "org", id: org.to_string() });
        }
        let kept = self.inner.tools.remote.set_service_key(org, key).await;
        kept.map_err(|error| Error::Connect(error.into()))?;
        let entry = sync_monitor_store::Entry::new(self.clock().now(), actor, action).subject(org);
        Ok(self.inner.tools.store.note(entry).await?)
    }

    /// How the pulling of an org stands; `None` where it never began.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pull_state(&self, org: OrgId) -> Result<Option<PullState>, Error> {
        Ok(self.inner.tools.store.pull_state(org).await?)
    }

    /// Switches pulling on or off, or lets it ask again from another time on; what is `None` stays.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not connected, or when the store fails.
    pub async fn set_pull(
        &self,
        org: OrgId,
        enabled: Option<bool>,
        since: Option<Timestamp>,
        actor: &Actor,
    ) -> Result<(), Error> {
        let known = self.inner.tools.store.org(org).await?;
        if !known.connected {
            return Err(Error::NotFound { what: "org", id: org.to_string() });
        }
        self.inner.tools.store.set_pull(org, enabled, since, actor.clone(), self.clock().now()).await?;
        self.wake_puller(org);
        self.inner.tools.announce(Vec::new(), true);
        Ok(())
    }

    /// From now on these records of two orgs are one; returns the name that both have.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no record's ID, or two of one org; [`Error::NotFound`] for an org that was never heard of;
    /// [`Error::Refused`] where one is another already; or when the store fails.
    pub async fn link_records(
        &self,
        object: HubObject,
        one: (OrgId, &str),
        other: (OrgId, &str),
        actor: &Actor,
    ) -> Result<String, Error> {
        if one.0 == other.0 {
            return Err(Error::Invalid(
                "Two records of one org are never the same. Name one in each of two orgs.".into(),
            ));
        }
        let id = |member: &str, text: &str| {
            record_id(text).ok_or_else(|| {
                Error::Invalid(format!(
                    "{member} {text:?} is no record's ID: it has 15 or 18 letters and digits, and of 18 the last three fit the others. Copy it from the address of the record's page."
                ))
            })
        };
        let one = (one.0, id("one.recordId", one.1)?);
        let other = (other.0, id("other.recordId", other.1)?);
        let link = Link { id: new_id(), object, one, other };
        let orgs = [link.one.0, link.other.0];
        let name = self.inner.tools.store.link_records(link, actor.clone(), self.clock().now()).await?;
        // A comment may wait for what is known there now.
        self.inner.tools.wake(&orgs);
        Ok(name)
    }

    /// From now on the records of a link are two again: the next change of either goes its own way.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such link; [`Error::Refused`] while something is written there; or when the store
    /// fails.
    pub async fn unlink_records(&self, id: Uuid, actor: &Actor) -> Result<(), Error> {
        Ok(self.inner.tools.store.unlink_records(id, actor.clone(), self.clock().now()).await?)
    }

    /// Which records admins said are one: those of an org, or all, the newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that is none, or when the store fails.
    pub async fn links(
        &self,
        org: Option<OrgId>,
        limit: u32,
        cursor: Option<String>,
    ) -> Result<LinkPage, Error> {
        Ok(self.inner.tools.store.links(org, limit, cursor).await?)
    }
}
