//! The standard REST API, for the package's objects.

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::{Hub, HubSpec, Place, Record, objects, service, soql, stamp};
use crate::org::Inner;

/// What work items were before; its fields have no namespace.
const HISTORY: &str = "WorkItem__History";

/// Fields that nobody who monitors asks for.
const SECRET: [&str; 2] = ["ApiKeyTxt__c", "HmacSecretTxt__c"];

/// Is this a request for Delivery Hub, in an org that has it?
pub(crate) fn is_ours(org: &Inner, method: &Method, path: &str, query: &str) -> bool {
    let Some(spec) = &org.spec.hub else { return false };
    path.starts_with(&service::path(spec))
        || path.contains("/sobjects/") && (path.ends_with("/describe") || path.ends_with(service::BYTES))
        || path.contains("/query/")
        || path.ends_with("/queryAll")
        || path.ends_with("/query") && !query.contains("FROM+Organization")
        || *method == Method::PATCH && path.ends_with("/composite/sobjects")
}

/// Answers it: a status and a body.
pub(crate) fn answer(
    org: &Inner,
    method: &Method,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> (u16, Value) {
    let Some(spec) = &org.spec.hub else { return not_found() };
    let mut state = org.state();
    let org_id = state.org_id;
    let place = Place { org: org_id.as_str(), now: stamp(spec.clock.now()), spec };
    let hub = &mut state.hub;
    if let Some(rest) = path.strip_prefix(&service::path(spec)) {
        return service::answer(hub, &place, method, rest, headers, body);
    }
    if let Some((_, rest)) = path.split_once("/sobjects/")
        && let Some(name) = rest.strip_suffix("/describe")
    {
        return describe(hub, spec, name);
    }
    if let Some((_, rest)) = path.split_once("/sobjects/ContentVersion/")
        && let Some(id) = rest.strip_suffix(service::BYTES)
    {
        return hub
            .live("ContentVersion", id)
            .map_or_else(not_found, |row| (200, row["VersionData"].clone()));
    }
    if let Some((_, locator)) = path.split_once("/query/") {
        let rows = hub.cursors.remove(locator).unwrap_or_default();
        return (200, page(hub, spec, rows));
    }
    if path.ends_with("/tooling/query") {
        return (200, installed(spec));
    }
    if *method == Method::PATCH {
        return update(hub, &place, body);
    }
    hub.queries += 1;
    run(hub, spec, query, path.ends_with("/queryAll"))
}

/// What is installed: packages of others, too.
fn installed(spec: &HubSpec) -> Value {
    let package = |namespace: Option<&str>, build: u32| {
        json!({
            "SubscriberPackage": { "NamespacePrefix": namespace },
            "SubscriberPackageVersion": { "MajorVersion": 1, "MinorVersion": 42, "PatchVersion": 0, "BuildNumber": build },
        })
    };
    let ours = spec.managed.then(|| package(Some("delivery"), 3));
    let packages: Vec<Value> = std::iter::once(package(None, 7)).chain(ours).collect();
    json!({ "totalSize": packages.len(), "done": true, "records": packages })
}

fn not_found() -> (u16, Value) {
    (404, json!([{ "errorCode": "NOT_FOUND", "message": "The requested resource does not exist" }]))
}

fn prefix(spec: &HubSpec) -> &'static str {
    if spec.managed { "delivery__" } else { "" }
}

/// The object of a name, as the org has it.
fn object_of(spec: &HubSpec, name: &str) -> Option<&'static str> {
    if objects::is_standard(name) {
        return objects::find(name);
    }
    bare(spec, name).and_then(objects::find)
}

/// The name without the namespace; `None` where the namespace is missing, or there is one too many.
fn bare<'a>(spec: &HubSpec, name: &'a str) -> Option<&'a str> {
    match prefix(spec) {
        "" => (!name.starts_with("delivery__")).then_some(name),
        prefix => name.strip_prefix(prefix),
    }
}

fn describe(hub: &Hub, spec: &HubSpec, name: &str) -> (u16, Value) {
    let Some(object) = object_of(spec, name) else { return not_found() };
    let prefix = if objects::is_standard(object) { "" } else { prefix(spec) };
    if object == HISTORY && spec.untracked {
        return not_found();
    }
    let field = |field: &objects::Field| {
        let values = hub.priorities(spec).filter(|_| field.name == "PriorityPk__c");
        let list: Vec<Value> =
            values.into_iter().flatten().map(|value| json!({ "value": value, "active": true })).collect();
        json!({
            "name": format!("{prefix}{}", field.name), "length": field.length,
            "restrictedPicklist": values.is_some(), "picklistValues": list,
        })
    };
    let mut fields: Vec<Value> = objects::fields(object).map(field).collect();
    fields.extend(["Id", "IsDeleted", "CreatedDate", "SystemModstamp"].map(|name| json!({ "name": name })));
    let answer = json!({
        "name": format!("{prefix}{object}"),
        "keyPrefix": objects::key_prefix(object),
        "fields": fields,
    });
    (200, answer)
}

fn bad(code: &str, message: String) -> (u16, Value) {
    (400, json!([{ "errorCode": code, "message": message }]))
}

fn run(hub: &mut Hub, spec: &HubSpec, query: &str, with_deleted: bool) -> (u16, Value) {
    let text = query.split('&').find_map(|part| part.strip_prefix("q=")).unwrap_or_default();
    let query = match soql::read(&unescaped(text)) {
        Ok(query) => query,
        Err(why) => return bad("MALFORMED_QUERY", why),
    };
    let Some(object) = object_of(spec, &query.object) else {
        return bad("INVALID_TYPE", format!("sObject type '{}' is not supported.", query.object));
    };
    // The platform answers this only for files or records that are named.
    let named = |one: &soql::Condition| matches!(one.field.as_str(), "ContentDocumentId" | "LinkedEntityId");
    if object == "ContentDocumentLink" && !query.conditions.iter().any(named) {
        return bad(
            "MALFORMED_QUERY",
            "Implementation restriction: ContentDocumentLink requires a filter".into(),
        );
    }
    let mut standard = vec!["Id", "IsDeleted", "CreatedDate", "SystemModstamp"];
    if object == HISTORY {
        standard.extend(["ParentId", "Field", "OldValue", "NewValue"]);
    }
    let column = |name: &str| {
        if let Some((relation, "Email")) = name.split_once("__r.") {
            return column_of(spec, object, &format!("{relation}__c"));
        }
        let standard = || standard.contains(&name).then(|| name.to_owned());
        column_of(spec, object, name).or_else(standard)
    };
    let names = query.fields.iter().chain(query.conditions.iter().map(|c| &c.field)).chain(&query.order);
    if let Some(unknown) = names.clone().find(|name| column(name).is_none()) {
        return bad("INVALID_FIELD", format!("No such column '{unknown}' on entity '{}'.", query.object));
    }
    let is_secret = |name: &&String| SECRET.iter().any(|secret| name.ends_with(secret));
    hub.secrets_asked += query.fields.iter().filter(is_secret).count() as u64;
    let value = |row: &Record, name: &str| {
        let is_email = name.ends_with("__r.Email");
        let name = column(name).unwrap_or_default();
        row.iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(&name))
            .map(|(_, v)| if is_email { email(v) } else { v.clone() })
            .unwrap_or_default()
    };
    let mut rows: Vec<&Record> = hub
        .table(object)
        .filter(|row| with_deleted || row.get("IsDeleted") != Some(&Value::Bool(true)))
        .filter(|row| query.conditions.iter().all(|one| one.holds(&value(row, &one.field))))
        .collect();
    rows.sort_by(|a, b| {
        let mut by = query.order.iter().map(|name| soql::compare(&value(a, name), &value(b, name)));
        by.find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
    if query.descends {
        rows.reverse();
    }
    rows.truncate(query.limit.unwrap_or(usize::MAX));
    let rows = rows.into_iter().map(|row| {
        let field = |name: &String| match name.split_once('.') {
            // What a lookup leads to comes as an object of its own, or as nothing.
            Some((relation, rest)) => match value(row, name) {
                Value::Null => (relation.to_owned(), Value::Null),
                found => (relation.to_owned(), json!({ rest: found })),
            },
            None => (name.clone(), value(row, name)),
        };
        Value::Object(query.fields.iter().map(field).collect())
    });
    let rows: Vec<Value> = rows.collect();
    (200, page(hub, spec, rows))
}

fn column_of(spec: &HubSpec, object: &str, name: &str) -> Option<String> {
    let known = if objects::is_standard(object) { name } else { bare(spec, name)? };
    objects::fields(object).any(|field| field.name.eq_ignore_ascii_case(known)).then(|| known.to_owned())
}

/// The e-mail address of a user.
fn email(user: &Value) -> Value {
    user.as_str().map_or(Value::Null, |id| format!("{}@example.com", id.to_lowercase()).into())
}

/// The first rows, and the way to the others.
fn page(hub: &mut Hub, spec: &HubSpec, mut rows: Vec<Value>) -> Value {
    let total = rows.len();
    let most = if spec.page == 0 { 2_000 } else { spec.page };
    let rest = rows.split_off(most.min(total));
    if rest.is_empty() {
        return json!({ "totalSize": total, "done": true, "records": rows });
    }
    hub.given += 1;
    let locator = format!("01g{:012}-{most}", hub.given);
    hub.cursors.insert(locator.clone(), rest);
    let next = format!("/services/data/v66.0/query/{locator}");
    json!({ "totalSize": total, "done": false, "nextRecordsUrl": next, "records": rows })
}

/// sObject collections: up to 200 records, each for itself.
fn update(hub: &mut Hub, place: &Place<'_>, body: &[u8]) -> (u16, Value) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut answers = Vec::new();
    for record in body["records"].as_array().into_iter().flatten() {
        let object = record["attributes"]["type"].as_str().and_then(|name| bare(place.spec, name));
        let id = record["id"].as_str().unwrap_or_default();
        let Some(object) = object.and_then(objects::find).filter(|object| hub.live(object, id).is_some())
        else {
            let error =
                json!({ "statusCode": "ENTITY_IS_DELETED", "message": "entity is deleted", "fields": [] });
            answers.push(json!({ "id": id, "success": false, "errors": [error] }));
            continue;
        };
        let fields = record.as_object().into_iter().flatten();
        let fields =
            fields.filter_map(|(name, value)| Some((bare(place.spec, name)?.to_owned(), value.clone())));
        let fields: Record =
            fields.filter(|(name, _)| objects::fields(object).any(|f| f.name == name)).collect();
        hub.put(place, object, Some(id), fields);
        answers.push(json!({ "id": id, "success": true, "errors": [] }));
    }
    (200, Value::Array(answers))
}

/// A parameter of a URL as it was before it was escaped.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = tail;
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
