//! Finding out what an org speaks: what it has is asked, not assumed, since packages and permissions differ.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use sync_monitor_domain::hub::adapter::{Described, newest_version, package_version, service_path};
use sync_monitor_domain::hub::soql::Select;
use sync_monitor_domain::hub::{Adapter, Dialect, HubObject};
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::{
    Call, CallMethod, Examination, Identity, Meaning, OrgAddress, Remote, Try,
};

use super::json;
use crate::worker::Command;
use crate::{Engine, Error};

/// Namespaces that the package may have: managed, or none in a scratch org.
const PREFIXES: [&str; 2] = ["delivery__", ""];
/// The version of the REST API that is asked where the org does not name its newest.
const VERSION: &str = "62.0";

/// How long somebody who connects an org waits for it.
const PATIENCE: Duration = Duration::from_secs(15);

/// Looks at an org; changes nothing there. Tells, too, its clock minus this machine's, where it has the package.
///
/// # Errors
/// The request that could not be answered for now; what is not there is no error.
async fn look(remote: &dyn Remote, address: &OrgAddress) -> Result<(Adapter, Option<i64>), Box<Try>> {
    let get = async |path: String| -> Result<Option<Value>, Box<Try>> {
        let called = remote.call(address, Call::get(path)).await;
        match json(&called) {
            Ok(value) => Ok(Some(value)),
            // Not there, or not for this user.
            Err(one) if matches!(one.meaning, Meaning::EndpointMissing | Meaning::Refused) => Ok(None),
            Err(one) => Err(one),
        }
    };
    let called = remote.call(address, Call::get("/services/data/".into())).await;
    let clock_skew_ms = called.report.clock_skew_ms;
    let versions = json(&called).ok();
    let api_version = versions.as_ref().and_then(newest_version).unwrap_or_else(|| VERSION.to_owned());
    let describe = async |prefix: &str, name: &str| -> Result<Option<Described>, Box<Try>> {
        let path = format!("/services/data/v{api_version}/sobjects/{prefix}{name}/describe");
        Ok(get(path).await?.and_then(|answer| Described::read(&answer, prefix)))
    };
    let mut found = None;
    for prefix in PREFIXES {
        if let Some(ledger) = describe(prefix, "SyncItem__c").await? {
            found = Some((prefix, ledger));
            break;
        }
    }
    let documented = is_there(remote, address).await?;
    let Some((prefix, ledger)) = found else {
        let adapter = Adapter {
            dialect: Dialect::DeliverySync,
            prefix: String::new(),
            api_version,
            documented,
            service: false,
            objects: BTreeMap::new(),
            ledger: None,
            connections: None,
            package_version: None,
            history: false,
        };
        return Ok((adapter, None));
    };
    let mut objects = BTreeMap::new();
    for object in HubObject::ALL {
        if let Some(described) = describe(object.prefix(prefix), object.name()).await? {
            objects.insert(object, described);
        }
    }
    let connections = describe(prefix, "NetworkEntity__c").await?;
    let history = describe(prefix, "WorkItem__History").await?.is_some();
    let service = get(format!("{}/health", service_path(prefix))).await?.is_some();
    // Who may not see what is installed may well use it.
    let installed = get(format!("/services/data/v{api_version}/tooling/query?q={}", installed())).await?;
    let package_version = installed.as_ref().and_then(|answer| package_version(answer, prefix));
    // The documented endpoint promises more: whole payloads, times, conflicts.
    let speaks_package = !documented && service && objects.contains_key(&HubObject::WorkItem);
    let adapter = Adapter {
        dialect: if speaks_package { Dialect::PackageV1 } else { Dialect::DeliverySync },
        prefix: prefix.to_owned(),
        api_version,
        documented,
        service,
        objects,
        ledger: Some(ledger),
        connections,
        package_version,
        history,
    };
    Ok((adapter, clock_skew_ms))
}

/// Asks which packages are installed, in which versions.
fn installed() -> String {
    let version = ["Major", "Minor", "Patch", "Build"].map(|part| {
        format!("SubscriberPackageVersion.{part}{}", if part == "Build" { "Number" } else { "Version" })
    });
    let fields = std::iter::once("SubscriberPackage.NamespacePrefix".to_owned()).chain(version);
    Select::new(fields, "InstalledSubscriberPackage".to_owned()).escaped()
}

/// Nothing was found but what the org's clock says.
fn of_clock(clock_skew_ms: Option<i64>) -> Examination {
    Examination {
        sign_in: Ok(()),
        endpoint: None,
        api_usage: None,
        clock_skew_ms,
        identity: Identity::default(),
        moved_to: None,
    }
}

/// Is there a documented endpoint? Asked by a method that it does not have, which runs nothing.
async fn is_there(remote: &dyn Remote, address: &OrgAddress) -> Result<bool, Box<Try>> {
    let call = Call { method: CallMethod::Get, ..Call::get(address.endpoint_path.clone()) };
    let called = remote.call(address, call).await;
    let Some(last) = called.report.tries.last() else { return Ok(false) };
    match last.meaning {
        Meaning::EndpointMissing => Ok(false),
        Meaning::Unreachable | Meaning::SignInRequired | Meaning::RateLimited { .. } => {
            Err(Box::new(last.clone()))
        }
        _ => Ok(true),
    }
}

impl Engine {
    /// As [`Engine::find_adapter`], but somebody waits: an org that is slow to tell is asked again later.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn find_adapter_soon(&self, org: OrgId) -> Result<(), Error> {
        tokio::time::timeout(PATIENCE, self.find_adapter(org)).await.unwrap_or(Ok(()))
    }

    /// Finds out what an org speaks, and goes by it from now on. Where the org cannot be asked, what was known stands.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn find_adapter(&self, org: OrgId) -> Result<(), Error> {
        let tools = &self.inner.tools;
        let address = tools.store.org(org).await?.address();
        match look(tools.remote.as_ref(), &address).await {
            Ok((adapter, clock_skew_ms)) => {
                if clock_skew_ms.is_some() {
                    // From when on it is read is a time of its own clock.
                    tools.store.set_found(org, of_clock(clock_skew_ms)).await?;
                }
                let before = tools.adapters.of(org).map(|known| known.adapter.dialect);
                tools.store.set_adapter(org, adapter, self.clock().now()).await?;
                self.reload_adapters().await?;
                if before != tools.adapters.of(org).map(|known| known.adapter.dialect) {
                    self.org_moved(org).await?;
                }
            }
            Err(one) => {
                tracing::info!(%org, message = one.message, "what the org speaks could not be found out");
            }
        }
        Ok(())
    }

    /// What is sent to an org, and whether it is pulled, may be decided anew.
    pub(super) async fn org_moved(&self, org: OrgId) -> Result<(), Error> {
        let address = self.inner.tools.store.org(org).await?.address();
        self.tell(org, Command::Moved(address));
        self.wake_puller(org);
        self.inner.tools.announce(Vec::new(), true);
        Ok(())
    }
}
