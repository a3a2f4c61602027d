//! What an org's package failed at by itself, and its own connections: read, shown, and where that is safe, mended.

use serde_json::{Value, json};
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::hub::Adapter;
use sync_monitor_domain::hub::soql::Select;
use sync_monitor_domain::hub::sync_item::{self, OwnStatus, SyncItem};
use sync_monitor_domain::ids::{OrgId, record_id};
use sync_monitor_domain::remote::{Call, CallMethod, Try};
use sync_monitor_domain::sign_in::OrgKind;
use sync_monitor_store::Entry;

use super::{Known, OwnReading, Reader, json as answered};
use crate::model::Actor;
use crate::{Engine, Error};

/// The most rows that are shown, and changed at once (sObject collections take 200).
const AT_ONCE: u32 = 200;

/// What becomes of rows of an org's own queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnAction {
    /// The org tries them again.
    Requeue,
    /// The org shows them no more.
    Dismiss {
        /// Why.
        reason: String,
    },
}

/// What was done to rows of an org's own queue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnDone {
    /// How many were changed.
    pub changed: u64,
    /// Which were not, and why.
    pub refused: Vec<(String, String)>,
}

/// What an admin knows of a route and wants it all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Consent {
    /// The two orgs exchange records by the package's own connection, too.
    pub native_path: bool,
    /// Changes of a sandbox go to production.
    pub sandbox_to_production: bool,
}

fn said(one: &Try) -> Error {
    Error::Refused(one.message.clone().unwrap_or_else(|| "The org did not answer as it should.".to_owned()))
}

/// The package's own connections of an org to `peer` that are in use, by their names.
///
/// # Errors
/// The request that could not be answered.
async fn connections(reader: &mut Reader<'_>, peer: OrgId) -> Result<Vec<String>, Box<Try>> {
    let Some(table) = &reader.known.adapter.connections else { return Ok(Vec::new()) };
    let (Some(org), Some(status)) = (table.field("OrgIdTxt__c"), table.field("ConnectionStatusPk__c")) else {
        return Ok(Vec::new());
    };
    let select = Select::new(["Id".to_owned(), org.clone()], table.name.clone()).equal(&status, "Connected");
    let names_peer = |row: &&Value| {
        row.get(&org).and_then(Value::as_str).is_some_and(|id| id.trim().starts_with(peer.short()))
    };
    let rows = reader.all(&select).await?;
    Ok(rows.iter().filter(names_peer).filter_map(|row| row.get("Id")?.as_str()).map(str::to_owned).collect())
}

impl Engine {
    /// The package's own connections between two orgs, as the orgs that can be asked tell it: by org and record.
    pub(super) async fn native_paths(&self, one: OrgId, other: OrgId) -> Vec<(OrgId, String)> {
        let tools = &self.inner.tools;
        let mut found = Vec::new();
        for (org, peer) in [(one, other), (other, one)] {
            let Some(known) = tools.adapters.of(org) else { continue };
            let Ok(address) = tools.store.org(org).await.map(|org| org.address()) else { continue };
            let mut reader =
                Reader { remote: tools.remote.as_ref(), address: &address, known: &known, api_usage: None };
            match connections(&mut reader, peer).await {
                Ok(ids) => found.extend(ids.into_iter().map(|id| (org, id))),
                Err(one) => {
                    tracing::warn!(%org, message = one.message, "an org's own connections could not be read");
                }
            }
        }
        found
    }

    /// Says where an org with routes exchanges records with the same orgs by the package's own connection.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn look_for_native_paths(&self, org: OrgId) -> Result<(), Error> {
        let routes = self.inner.tools.store.routes().await?;
        for route in routes.iter().filter(|route| route.source == org && route.enabled) {
            for (at, id) in self.native_paths(route.source, route.target).await {
                let detail = format!(
                    "Delivery Hub's own connection (NetworkEntity__c {id} in {at}) exchanges records between the same orgs. Set it to Disabled there, or remove the route."
                );
                let entry = Entry::relay(self.clock().now(), "route.nativePath")
                    .subject(format!("{} → {}", route.source, route.target));
                self.inner.tools.store.note(entry.detail(&detail)).await?;
            }
        }
        Ok(())
    }

    /// Is there a reason not to make this route, which nobody has accepted?
    ///
    /// # Errors
    /// [`Error::Refused`] with the reason and what to do; or when the store fails.
    pub(crate) async fn judge_route(
        &self,
        source: OrgId,
        target: OrgId,
        consent: Consent,
        actor: &Actor,
    ) -> Result<(), Error> {
        let tools = &self.inner.tools;
        let has_package =
            |org: OrgId| tools.adapters.of(org).is_some_and(|known| known.adapter.ledger.is_some());
        if !has_package(source) && !has_package(target) {
            return Ok(());
        }
        let kind = async |org: OrgId| tools.store.org(org).await.ok().and_then(|org| org.kind);
        let (from, to) = (kind(source).await, kind(target).await);
        let upwards =
            to == Some(OrgKind::Production) && matches!(from, Some(OrgKind::Sandbox | OrgKind::Scratch));
        if upwards && !consent.sandbox_to_production {
            return Err(Error::Refused(format!(
                "{source} is a sandbox and {target} is production: what somebody tries out there would become real here. If that is meant, say so: acceptSandboxToProduction in the request, --accept-sandbox-to-production on the command line."
            )));
        }
        let paths = self.native_paths(source, target).await;
        if let (Some((org, id)), false) = (paths.first(), consent.native_path) {
            return Err(Error::Refused(format!(
                "{source} and {target} exchange records by Delivery Hub's own connection already (NetworkEntity__c {id} in {org}): by two ways each record would come twice. Set that connection to Disabled in both orgs, or, if the two ways carry different records, say so: acceptNativePath in the request, --accept-native-path on the command line."
            )));
        }
        let accepted =
            [(upwards, "sandbox to production"), (!paths.is_empty(), "beside the package's own connection")];
        for (_, what) in accepted.into_iter().filter(|(is, _)| *is) {
            let entry =
                Entry::new(self.clock().now(), actor, "route.accept").subject(format!("{source} → {target}"));
            tools.store.note(entry.reason(what)).await?;
        }
        Ok(())
    }

    async fn package_of(&self, org: OrgId) -> Result<(std::sync::Arc<Known>, crate::model::Org), Error> {
        let row = self.inner.tools.store.org(org).await?;
        if !row.connected {
            return Err(Error::NotFound { what: "org", id: org.to_string() });
        }
        let known = self.inner.tools.adapters.of(org).filter(|known| known.adapter.ledger.is_some());
        let known = known.ok_or_else(|| {
            Error::Refused(format!(
                "{org} has no Delivery Hub that the signed-in user may see. Test the org after that has changed."
            ))
        })?;
        Ok((known, row))
    }

    /// What an org's own queue holds that somebody should see, the newest first, 200 at most, and when it was read; the
    /// dismissed are left out.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not connected; [`Error::Refused`] where it has no package, or does not answer, with its
    /// words; or when the store fails.
    pub async fn own_items(
        &self,
        org: OrgId,
        statuses: &[OwnStatus],
    ) -> Result<(Vec<SyncItem>, Millis), Error> {
        let readings = &self.inner.tools.own_readings;
        let everything = OwnStatus::ALL.iter().all(|status| statuses.contains(status));
        if everything {
            readings.asked(org, self.clock().now());
        }
        let (known, row) = self.package_of(org).await?;
        let words = statuses.iter().map(|status| status.as_str());
        let adapter = &known.adapter;
        let (Some(select), Some(status)) =
            (sync_item::select(adapter), sync_item::field(adapter, "StatusPk__c"))
        else {
            return Ok((Vec::new(), self.clock().now()));
        };
        let mut select = select.one_of(&status, words);
        if let Some(dismissed) = sync_item::field(adapter, "DismissedDateTime__c") {
            select = select.empty(&dismissed, true);
        }
        let select = select.order("CreatedDate DESC").limit(AT_ONCE);
        let address = row.address();
        let mut reader = Reader {
            remote: self.inner.tools.remote.as_ref(),
            address: &address,
            known: &known,
            api_usage: None,
        };
        let rows = reader.all(&select).await.map_err(|one| said(&one))?;
        let items: Vec<SyncItem> = rows.iter().filter_map(|record| SyncItem::read(record, adapter)).collect();
        let at = self.clock().now();
        if everything {
            let (rows, more) = (items.len() as u64, rows.len() >= AT_ONCE as usize);
            readings.note(org, OwnReading { rows, more, at });
            self.inner.tools.announce(Vec::new(), true);
        }
        Ok((items, at))
    }

    /// Queues rows of an org's own queue again, or dismisses them, in the org. Only what the org sends and failed at.
    ///
    /// # Errors
    /// As [`Engine::own_items`]; [`Error::Invalid`] for more than 200.
    pub async fn change_own_items(
        &self,
        org: OrgId,
        ids: &[String],
        action: OwnAction,
        actor: &Actor,
    ) -> Result<OwnDone, Error> {
        if ids.len() > AT_ONCE as usize {
            return Err(Error::Invalid(format!(
                "At most {AT_ONCE} can be changed at once. Send them in parts."
            )));
        }
        let (known, row) = self.package_of(org).await?;
        let address = row.address();
        let mut reader = Reader {
            remote: self.inner.tools.remote.as_ref(),
            address: &address,
            known: &known,
            api_usage: None,
        };
        let mut done = OwnDone::default();
        let mut wanted = Vec::new();
        for id in ids {
            match record_id(id) {
                Some(id) => wanted.push(id),
                None => done.refused.push((id.clone(), "This is no record's ID.".to_owned())),
            }
        }
        let Some(select) = sync_item::select(&known.adapter) else { return Ok(done) };
        let select = select.one_of("Id", wanted.iter().map(String::as_str));
        let rows = reader.all(&select).await.map_err(|one| said(&one))?;
        let there: Vec<SyncItem> =
            rows.iter().filter_map(|record| SyncItem::read(record, &known.adapter)).collect();
        let mut chosen = Vec::new();
        for id in wanted {
            let may = |item: &&SyncItem| match action {
                OwnAction::Requeue => item.can_requeue(),
                OwnAction::Dismiss { .. } => item.can_dismiss(),
            };
            match there.iter().find(|item| item.id == id) {
                None => done.refused.push((id, "There is no such row in the org's queue.".to_owned())),
                Some(item) if may(&item) => chosen.push(id),
                Some(item) => done.refused.push((id, item.explanation().to_owned())),
            }
        }
        self.write_own_items(&reader, &chosen, &action, &mut done).await?;
        let (name, reason) = match &action {
            OwnAction::Requeue => ("syncItem.requeue", None),
            OwnAction::Dismiss { reason } => ("syncItem.dismiss", Some(reason)),
        };
        if done.changed > 0 {
            self.inner.tools.own_readings.mended(org, done.changed);
            self.inner.tools.announce(Vec::new(), true);
            let mut entry = Entry::new(self.clock().now(), actor, name).subject(org).count(done.changed);
            if let Some(reason) = reason {
                entry = entry.reason(reason);
            }
            self.inner.tools.store.note(entry).await?;
        }
        Ok(done)
    }

    async fn write_own_items(
        &self,
        reader: &Reader<'_>,
        ids: &[String],
        action: &OwnAction,
        done: &mut OwnDone,
    ) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let adapter = &reader.known.adapter;
        let records: Vec<Value> = ids.iter().map(|id| self.own_record(adapter, id, action)).collect();
        let call = Call {
            method: CallMethod::Patch,
            path: format!("{}/composite/sobjects", adapter.data_path()),
            body: Some(json!({ "allOrNone": false, "records": records }).to_string().into()),
            is_service: false,
            is_raw: false,
        };
        let called = reader.remote.call(reader.address, call).await;
        let answers = answered(&called).map_err(|one| said(&one))?;
        for (id, answer) in ids.iter().zip(answers.as_array().into_iter().flatten()) {
            if answer.get("success") == Some(&Value::Bool(true)) {
                done.changed += 1;
            } else {
                let why = answer.pointer("/errors/0/message").and_then(Value::as_str);
                done.refused.push((id.clone(), why.unwrap_or("The org refused the change.").to_owned()));
            }
        }
        Ok(())
    }

    fn own_record(&self, adapter: &Adapter, id: &str, action: &OwnAction) -> Value {
        let object = adapter.ledger.as_ref().map(|table| table.name.clone());
        let mut record = json!({ "attributes": { "type": object }, "id": id });
        let fields = match action {
            OwnAction::Requeue => {
                vec![("StatusPk__c", Value::from("Queued")), ("RetryCountNumber__c", Value::from(0))]
            }
            OwnAction::Dismiss { .. } => {
                vec![("DismissedDateTime__c", Value::from(self.clock().now().to_string()))]
            }
        };
        for (bare, value) in fields {
            if let Some(name) = sync_item::field(adapter, bare) {
                record[name] = value;
            }
        }
        record
    }
}
