//! What an org speaks, and what its package has: found by asking it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::HubObject;

/// How changes come from an org and go to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Dialect {
    /// The documented API: the org posts its changes here, and takes payloads at its sync endpoint.
    DeliverySync,
    /// The package alone: its changes are read by SOQL, and it takes one record a call at its own service.
    PackageV1,
}

impl Dialect {
    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeliverySync => "deliverySync",
            Self::PackageV1 => "packageV1",
        }
    }
}

/// A field as the org describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Its API name, namespace included.
    pub name: String,
    /// The most characters that it holds, where it is a text.
    pub length: Option<u32>,
    /// The values that it takes, where it takes no others.
    pub values: Option<Vec<String>>,
}

/// An object as the org describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Described {
    /// Its API name, namespace included.
    pub name: String,
    /// How the IDs of its records begin.
    pub key_prefix: String,
    /// Its fields, by their names in the newest package, without a namespace.
    pub fields: BTreeMap<String, Field>,
}

/// What an org was found to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Adapter {
    /// What it speaks.
    pub dialect: Dialect,
    /// `delivery__`, or nothing where the package has no namespace (a scratch org).
    pub prefix: String,
    /// The newest version of the REST API that it has: `66.0`.
    pub api_version: String,
    /// Does it have the documented endpoint?
    pub documented: bool,
    /// Does the package's service say that it is well?
    pub service: bool,
    /// The work objects, as far as it has them.
    pub objects: BTreeMap<HubObject, Described>,
    /// The package's own ledger and queue.
    pub ledger: Option<Described>,
    /// The package's own connections.
    pub connections: Option<Described>,
    /// Does the org keep, for the signed-in user to read, what work items were before they were changed?
    #[serde(default)]
    pub history: bool,
    /// The package's version, where it is a managed one and the signed-in user may see it: `1.42.0.3`.
    #[serde(default)]
    pub package_version: Option<String>,
}

/// Fields that had other names in older packages (Delivery Hub #549 and #590, April 2026); the newest name first.
const ALIASES: &[(&str, &[&str])] = &[
    ("ActivatedDateTime__c", &["ActivatedBool__c", "IsActiveBool__c"]),
    ("EnableVendorPushDateTime__c", &["EnableVendorPushBool__c"]),
    ("DismissedDateTime__c", &["DismissedBool__c", "IsDismissedBool__c"]),
    ("RequestLookup__c", &["RequestId__c"]),
    ("WorkItemLookup__c", &["WorkItemId__c"]),
    ("ClientNetworkEntityLookup__c", &["ClientNetworkEntityId__c"]),
];

impl Described {
    /// Reads the answer of `…/sobjects/X/describe`; `None` where it is none.
    pub fn read(answer: &Value, prefix: &str) -> Option<Self> {
        let name = answer.get("name")?.as_str()?.to_owned();
        let key_prefix = answer.get("keyPrefix")?.as_str()?.to_owned();
        let mut found: BTreeMap<String, Field> = BTreeMap::new();
        for field in answer.get("fields")?.as_array()? {
            let Some(name) = field.get("name").and_then(Value::as_str) else { continue };
            let bare = name.strip_prefix(prefix).unwrap_or(name);
            let restricted = field.get("restrictedPicklist").and_then(Value::as_bool) == Some(true);
            let values =
                field.get("picklistValues").and_then(Value::as_array).filter(|_| restricted).map(|list| {
                    let active = |one: &&Value| one.get("active").and_then(Value::as_bool) != Some(false);
                    let value = |one: &Value| one.get("value")?.as_str().map(str::to_owned);
                    list.iter().filter(active).filter_map(value).collect()
                });
            let length = field.get("length").and_then(Value::as_u64).filter(|length| *length > 0);
            let length = length.and_then(|length| u32::try_from(length).ok());
            found.insert(bare.to_owned(), Field { name: name.to_owned(), length, values });
        }
        for (newest, older) in ALIASES {
            if found.contains_key(*newest) {
                continue;
            }
            // A comment's work item has kept the old name: there it is no alias, and stays beside the new one.
            if let Some(field) = older.iter().find_map(|name| found.get(*name)).cloned() {
                found.insert((*newest).to_owned(), field);
            }
        }
        Some(Self { name, key_prefix, fields: found })
    }

    /// The API name of a field, by its newest name without a namespace; one of a looked-up record (`XLookup__r.Email`) by
    /// its lookup.
    pub fn field(&self, bare: &str) -> Option<String> {
        let Some((relation, rest)) = bare.split_once('.') else {
            let exact = self.fields.get(bare);
            // SOQL does not care about case, and the package's own metadata is of two minds (`RemoteExternalID`).
            let found = exact.or_else(|| self.fields.values().find(|field| ends_like(&field.name, bare)));
            return Some(found?.name.clone());
        };
        let lookup = relation.strip_suffix("__r")?;
        let name = &self.fields.get(&format!("{lookup}__c"))?.name;
        Some(format!("{}__r.{rest}", name.strip_suffix("__c")?))
    }

    /// Is this the ID of a record of this object?
    pub fn has_id(&self, id: &str) -> bool {
        matches!(id.len(), 15 | 18) && id.starts_with(&self.key_prefix)
    }
}

/// Is this the field's name, whatever its namespace and case?
fn ends_like(name: &str, bare: &str) -> bool {
    let rest = name.len().checked_sub(bare.len()).and_then(|at| name.split_at_checked(at));
    rest.is_some_and(|(before, end)| {
        end.eq_ignore_ascii_case(bare) && (before.is_empty() || before.ends_with("__"))
    })
}

impl Adapter {
    /// The API name of a field of an object that the org has.
    pub fn field(&self, object: HubObject, bare: &str) -> Option<String> {
        self.objects.get(&object)?.field(bare)
    }

    /// The object that holds what work items were before.
    pub fn history_name(&self) -> String {
        format!("{}WorkItem__History", self.prefix)
    }

    /// The fields that have names here which newer packages have given up: what the org's schema is older by.
    pub fn old_names(&self) -> Vec<String> {
        let object = |object: HubObject| self.objects.get(&object);
        // The work item of a comment and the request of a work log were never renamed everywhere.
        let telling = [
            (object(HubObject::WorkItem), "ActivatedDateTime__c"),
            (object(HubObject::WorkLog), "WorkItemLookup__c"),
            (self.ledger.as_ref(), "WorkItemLookup__c"),
            (self.ledger.as_ref(), "DismissedDateTime__c"),
            (self.connections.as_ref(), "EnableVendorPushDateTime__c"),
        ];
        let old = telling.into_iter().filter_map(|(described, newest)| {
            let described = described?;
            let name = &described.fields.get(newest)?.name;
            (!ends_like(name, newest)).then(|| format!("{}.{name}", described.name))
        });
        old.collect()
    }

    /// The path of the REST API.
    pub fn data_path(&self) -> String {
        format!("/services/data/v{}", self.api_version)
    }

    /// The path of the package's service; the object's name comes behind it.
    pub fn service_path(&self) -> String {
        service_path(&self.prefix)
    }

    /// Can its changes be read? It takes the package, and an org that does not send them itself.
    pub fn is_pulled(&self) -> bool {
        self.dialect == Dialect::PackageV1 && self.objects.contains_key(&HubObject::WorkItem)
    }
}

/// The path of the package's service in an org with this namespace.
pub fn service_path(prefix: &str) -> String {
    let namespace = prefix.trim_end_matches("__");
    let namespace = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
    format!("/services/apexrest/{namespace}deliveryhub/v1/sync")
}

/// The newest version in the answer of `/services/data/`; `None` where it names none.
pub fn newest_version(answer: &Value) -> Option<String> {
    let versions = answer.as_array()?.iter().filter_map(|one| one.get("version")?.as_str());
    let number = |version: &&str| version.split_once('.').and_then(|(major, _)| major.parse::<u32>().ok());
    versions.filter(|version| number(version).is_some()).max_by_key(number).map(str::to_owned)
}

/// The version of the package with this namespace prefix in the answer of a query of `InstalledSubscriberPackage`.
pub fn package_version(answer: &Value, prefix: &str) -> Option<String> {
    let namespace = prefix.strip_suffix("__")?;
    let ours = |one: &&Value| {
        one.pointer("/SubscriberPackage/NamespacePrefix").and_then(Value::as_str) == Some(namespace)
    };
    let version = answer.get("records")?.as_array()?.iter().find(ours)?.get("SubscriberPackageVersion")?;
    let parts = ["MajorVersion", "MinorVersion", "PatchVersion", "BuildNumber"]
        .map(|part| version.get(part).and_then(Value::as_u64).map(|number| number.to_string()));
    Some(parts.into_iter().collect::<Option<Vec<String>>>()?.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[test]
    fn the_packages_version_is_told_by_its_namespace() {
        let package = |namespace: Value, build: Value| {
            json!({
                "SubscriberPackage": { "NamespacePrefix": namespace },
                "SubscriberPackageVersion": { "MajorVersion": 1, "MinorVersion": 42, "PatchVersion": 0, "BuildNumber": build },
            })
        };
        let answer =
            json!({ "records": [package(json!(null), json!(9)), package(json!("delivery"), json!(3))] });
        assert_eq!(package_version(&answer, "delivery__").as_deref(), Some("1.42.0.3"));
        assert_eq!(package_version(&answer, ""), None);
        let torn = json!({ "records": [package(json!("delivery"), json!(null))] });
        assert_eq!(package_version(&torn, "delivery__"), None);
    }

    fn described(prefix: &str, fields: &[&str]) -> Described {
        let fields: Vec<Value> =
            fields.iter().map(|name| json!({ "name": format!("{prefix}{name}"), "length": 0 })).collect();
        let answer = json!({ "name": format!("{prefix}WorkLog__c"), "keyPrefix": "a0L", "fields": fields });
        Described::read(&answer, prefix).unwrap()
    }

    #[rstest]
    #[case::managed("delivery__")]
    #[case::scratch("")]
    fn fields_are_found_with_and_without_a_namespace(#[case] prefix: &str) {
        let object = described(prefix, &["WorkItemLookup__c", "DeveloperLookup__c"]);
        assert_eq!(object.field("WorkItemLookup__c"), Some(format!("{prefix}WorkItemLookup__c")));
        assert_eq!(
            object.field("DeveloperLookup__r.Email"),
            Some(format!("{prefix}DeveloperLookup__r.Email"))
        );
        assert_eq!(object.field("workitemlookup__c"), Some(format!("{prefix}WorkItemLookup__c")));
        assert_eq!(object.field("Lookup__c"), None);
        assert_eq!(object.field("Nothing__c"), None);
    }

    #[rstest]
    #[case("WorkItemId__c", "WorkItemLookup__c")]
    #[case("IsActiveBool__c", "ActivatedDateTime__c")]
    fn an_older_packages_field_is_known_by_its_newest_name(#[case] old: &str, #[case] newest: &str) {
        let object = described("delivery__", &[old]);
        assert_eq!(object.field(newest), Some(format!("delivery__{old}")));
    }

    #[test]
    fn only_a_restricted_picklist_limits_its_values() {
        let answer = json!({ "name": "X", "keyPrefix": "a00", "fields": [
            { "name": "Open__c", "restrictedPicklist": false, "picklistValues": [{ "value": "a", "active": true }] },
            { "name": "Closed__c", "restrictedPicklist": true, "picklistValues": [
                { "value": "a", "active": true }, { "value": "b", "active": false }] },
            { "name": "Text__c", "length": 100 },
        ] });
        let object = Described::read(&answer, "").unwrap();
        assert_eq!(object.fields["Open__c"].values, None);
        assert_eq!(object.fields["Closed__c"].values, Some(vec!["a".to_owned()]));
        assert_eq!(object.fields["Text__c"].length, Some(100));
    }

    #[test]
    fn the_newest_version_is_the_greatest_number() {
        let answer =
            json!([{ "version": "9.0" }, { "version": "66.0" }, { "version": "65.0" }, { "version": "x" }]);
        assert_eq!(newest_version(&answer).as_deref(), Some("66.0"));
        assert_eq!(newest_version(&json!({})), None);
    }

    #[rstest]
    #[case("delivery__", "/services/apexrest/delivery/deliveryhub/v1/sync")]
    #[case("", "/services/apexrest/deliveryhub/v1/sync")]
    fn the_packages_service_is_below_its_namespace(#[case] prefix: &str, #[case] path: &str) {
        assert_eq!(service_path(prefix), path);
    }
}
