//! The package's objects, as far as anybody here uses them; names without a namespace.

use serde_json::{Map, Value, json};

/// A field.
pub(super) struct Field {
    pub(super) name: &'static str,
    /// The most characters of a text.
    pub(super) length: u32,
}

struct Object {
    name: &'static str,
    key_prefix: &'static str,
    fields: &'static [Field],
}

const fn text(name: &'static str, length: u32) -> Field {
    Field { name, length }
}

const fn plain(name: &'static str) -> Field {
    Field { name, length: 0 }
}

const OBJECTS: &[Object] = &[
    Object {
        name: "WorkItem__c",
        key_prefix: "a01",
        fields: &[
            text("BriefDescriptionTxt__c", 100),
            text("DetailsTxt__c", 100_000),
            text("AcceptanceCriteriaTxt__c", 32_768),
            plain("StageNamePk__c"),
            plain("StatusPk__c"),
            plain("PriorityPk__c"),
            plain("EstimatedHoursNumber__c"),
            plain("ActivatedDateTime__c"),
            plain("ParentWorkItemLookup__c"),
            plain("DeveloperLookup__c"),
            plain("BillableRateCurrency__c"),
            plain("BountyAmountCurrency__c"),
        ],
    },
    Object {
        name: "WorkItemComment__c",
        key_prefix: "a02",
        fields: &[
            plain("WorkItemId__c"),
            text("BodyTxt__c", 130_768),
            text("AuthorTxt__c", 255),
            plain("SourcePk__c"),
        ],
    },
    Object {
        name: "WorkLog__c",
        key_prefix: "a03",
        fields: &[
            plain("RequestLookup__c"),
            plain("WorkItemLookup__c"),
            plain("HoursLoggedNumber__c"),
            plain("WorkDateDate__c"),
            text("WorkDescriptionTxt__c", 255),
            plain("StatusPk__c"),
        ],
    },
    Object {
        name: "SyncItem__c",
        key_prefix: "a04",
        fields: &[
            plain("ObjectTypePk__c"),
            plain("DirectionPk__c"),
            plain("StatusPk__c"),
            plain("RetryCountNumber__c"),
            text("ErrorLogTxt__c", 32_768),
            text("PayloadTxt__c", 131_072),
            text("GlobalSourceIdTxt__c", 255),
            text("RemoteExternalIDTxt__c", 255),
            text("LocalRecordIdTxt__c", 18),
            text("ParentRefTxt__c", 255),
            plain("WorkItemLookup__c"),
            plain("DismissedDateTime__c"),
        ],
    },
    Object {
        name: "ContentVersion",
        key_prefix: "068",
        fields: &[
            text("Title", 255),
            text("PathOnClient", 500),
            plain("FileType"),
            plain("ContentSize"),
            plain("Checksum"),
            plain("ContentDocumentId"),
            plain("IsLatest"),
            plain("VersionData"),
        ],
    },
    Object { name: "ContentDocument", key_prefix: "069", fields: &[] },
    Object {
        name: "ContentDocumentLink",
        key_prefix: "06A",
        fields: &[plain("ContentDocumentId"), plain("LinkedEntityId")],
    },
    Object { name: "WorkItem__History", key_prefix: "017", fields: &[] },
    Object {
        name: "NetworkEntity__c",
        key_prefix: "a05",
        fields: &[
            text("OrgIdTxt__c", 100),
            plain("EntityTypePk__c"),
            plain("StatusPk__c"),
            plain("ConnectionStatusPk__c"),
            text("IntegrationEndpointUrlTxt__c", 255),
            text("RemoteExternalIdTxt__c", 255),
            text("ApiKeyTxt__c", 255),
            text("HmacSecretTxt__c", 128),
            plain("EnableVendorPushDateTime__c"),
        ],
    },
];

fn object(name: &str) -> Option<&'static Object> {
    OBJECTS.iter().find(|object| object.name.eq_ignore_ascii_case(name))
}

/// The object's own name.
///
/// # Panics
/// Where the package has no such object.
pub(super) fn known(name: &str) -> &'static str {
    match object(name) {
        Some(object) => object.name,
        None => panic!("the package has no object {name}"),
    }
}

/// The object's own name, where the package has it.
pub(super) fn find(name: &str) -> Option<&'static str> {
    object(name).map(|object| object.name)
}

/// Is it the platform's own, without a namespace?
pub(super) fn is_standard(name: &str) -> bool {
    name.starts_with("Content")
}

pub(super) fn key_prefix(name: &str) -> &'static str {
    object(name).map_or("a00", |object| object.key_prefix)
}

pub(super) fn fields(name: &str) -> impl Iterator<Item = &'static Field> {
    object(name).into_iter().flat_map(|object| object.fields)
}

/// What a new record has that nobody said.
pub(super) fn defaults(name: &str, now: &str) -> Map<String, Value> {
    let defaults = match name {
        "WorkItem__c" => {
            json!({ "StageNamePk__c": "Backlog", "StatusPk__c": "New", "ActivatedDateTime__c": now })
        }
        "WorkItemComment__c" => json!({ "SourcePk__c": "Salesforce" }),
        "WorkLog__c" => json!({ "StatusPk__c": "Draft", "WorkDateDate__c": now[..10] }),
        "SyncItem__c" => json!({ "RetryCountNumber__c": 0 }),
        _ => json!({}),
    };
    defaults.as_object().cloned().unwrap_or_default()
}
