//! What an org remembers of a record's fields before they were changed (field history tracking).
//!
//! The package's service writes whatever a record holds at that moment. Where somebody changed the same field between the
//! look at the record and the write, only the history tells that there was another value in between.

use serde_json::Value;

use super::soql::Select;
use super::{Adapter, Fields, HubObject, Mapping, row};
use crate::conflict::Timestamp;

/// A change of one field, as the org remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    field: String,
    at: Timestamp,
    /// `None` where the org does not keep the values (long texts).
    values: Option<(Value, Value)>,
}

/// What was written over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overwritten {
    /// Members whose value in between is known, with it.
    pub known: Fields,
    /// Members that had a value in between which the org does not keep.
    pub unknown: Vec<String>,
    /// When the last of them was changed, by the org's clock.
    pub at: Option<Timestamp>,
}

/// Asks for what a work item was since a time.
pub fn select(adapter: &Adapter, record_id: &str, since: Timestamp) -> Select {
    let fields = ["Field", "OldValue", "NewValue", "CreatedDate"].map(str::to_owned);
    Select::new(fields, adapter.history_name())
        .equal("ParentId", record_id)
        .created_since(since)
        .order("CreatedDate, Id")
}

/// What somebody wrote between the look at a record that held `before` (at `since`) and the write of `written`.
pub fn overwritten(
    rows: &[Value],
    adapter: &Adapter,
    mapping: &Mapping,
    (before, since): (&Fields, Timestamp),
    written: &Fields,
) -> Overwritten {
    let steps: Vec<Step> = rows.iter().filter_map(step).collect();
    let mut found = Overwritten::default();
    for one in mapping.of_object(HubObject::WorkItem, adapter) {
        let (Some(wrote), Some(name)) =
            (written.get(&one.member), adapter.field(HubObject::WorkItem, &one.field))
        else {
            continue;
        };
        let of_field: Vec<&Step> = steps.iter().filter(|step| step.field == name).collect();
        let looked_at = before.get(&one.member).unwrap_or(&Value::Null);
        let read = |value: &Value| one.conversion.normal(value);
        let last_is_ours = of_field.iter().rposition(|step| {
            step.values.as_ref().is_some_and(|(old, new)| read(new) == *wrote && read(old) != *wrote)
        });
        if let Some(index) = last_is_ours {
            let Some((old, _)) = &of_field[index].values else { continue };
            if read(old) != *looked_at {
                found.known.insert(one.member.clone(), read(old));
                let made = index.checked_sub(1).map_or(of_field[index].at, |before| of_field[before].at);
                found.at = found.at.max(Some(made));
            }
        } else {
            // Times are whole seconds: of that second itself it cannot be told whether it was before the look or after.
            let later: Vec<&&Step> =
                of_field.iter().filter(|step| step.values.is_none() && step.at >= since).collect();
            // One of them is our own.
            if later.len() > 1 {
                found.unknown.push(one.member.clone());
                found.at = found.at.max(later.first().map(|step| step.at));
            }
        }
    }
    found
}

fn step(row: &Value) -> Option<Step> {
    let value = |name: &str| row.get(name).cloned().unwrap_or_default();
    let (old, new) = (value("OldValue"), value("NewValue"));
    Some(Step {
        field: row.get("Field")?.as_str()?.to_owned(),
        at: row::time(row.get("CreatedDate")?.as_str()?)?,
        values: (!old.is_null() || !new.is_null()).then_some((old, new)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::adapter::{Described, Dialect};
    use rstest::rstest;
    use serde_json::json;

    const LOOKED_AT: &str = "2026-02-27T14:30:00.000+0000";
    const LATER: &str = "2026-02-27T14:30:05.000+0000";

    fn adapter() -> Adapter {
        let names = ["BriefDescriptionTxt__c", "EstimatedHoursNumber__c", "DetailsTxt__c"];
        let fields: Vec<Value> = names.iter().map(|f| json!({ "name": format!("delivery__{f}") })).collect();
        let answer = json!({ "name": "delivery__WorkItem__c", "keyPrefix": "a01", "fields": fields });
        Adapter {
            dialect: Dialect::PackageV1,
            prefix: "delivery__".into(),
            api_version: "66.0".into(),
            documented: false,
            service: true,
            objects: [(HubObject::WorkItem, Described::read(&answer, "delivery__").unwrap())].into(),
            ledger: None,
            connections: None,
            history: true,
            package_version: None,
        }
    }

    fn row(field: &str, old: Value, new: Value, at: &str) -> Value {
        json!({ "Field": format!("delivery__{field}"), "OldValue": old, "NewValue": new, "CreatedDate": at })
    }

    fn judge(rows: &[Value], written: Value) -> Overwritten {
        let fields = |value: Value| value.as_object().unwrap().clone();
        let before = fields(json!({ "title": "Old", "estimatedHours": 8, "description": "Old" }));
        let since = row::time(LOOKED_AT).unwrap();
        overwritten(rows, &adapter(), &Mapping::default(), (&before, since), &fields(written))
    }

    #[test]
    fn our_own_write_is_none() {
        let rows = [row("BriefDescriptionTxt__c", json!("Old"), json!("Ours"), LATER)];
        assert_eq!(judge(&rows, json!({ "title": "Ours" })), Overwritten::default());
    }

    #[test]
    fn a_value_in_between_is_found() {
        let rows = [
            row("BriefDescriptionTxt__c", json!("Older"), json!("Old"), LOOKED_AT),
            row("BriefDescriptionTxt__c", json!("Old"), json!("Theirs"), LATER),
            row("BriefDescriptionTxt__c", json!("Theirs"), json!("Ours"), LATER),
            row("EstimatedHoursNumber__c", json!(8.0), json!(9.5), LATER),
            row("EstimatedHoursNumber__c", json!(9.5), json!(3.0), LATER),
        ];
        let found = judge(&rows, json!({ "title": "Ours", "estimatedHours": 3 }));
        assert_eq!(Value::Object(found.known), json!({ "title": "Theirs", "estimatedHours": 9.5 }));
        assert_eq!((found.at, found.unknown.len()), (row::time(LATER), 0));
    }

    #[rstest]
    #[case::ours_alone(1, false)]
    #[case::another_before_it(2, true)]
    fn of_a_long_text_only_that_it_was_is_known(#[case] changes: usize, #[case] told: bool) {
        let rows = vec![row("DetailsTxt__c", Value::Null, Value::Null, LATER); changes];
        let found = judge(&rows, json!({ "description": "Ours" }));
        assert_eq!((found.known.len(), !found.unknown.is_empty()), (0, told));
    }

    #[test]
    fn what_was_changed_after_the_write_is_another_matter() {
        let rows = [
            row("BriefDescriptionTxt__c", json!("Old"), json!("Ours"), LATER),
            row("BriefDescriptionTxt__c", json!("Ours"), json!("Theirs"), LATER),
        ];
        assert_eq!(judge(&rows, json!({ "title": "Ours" })), Overwritten::default());
    }
}
