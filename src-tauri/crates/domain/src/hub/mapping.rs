//! Which member of the documented record is which field of the package: data, not code, so that an admin can change it.

use serde::{Deserialize, Serialize};

use super::HubObject;
use super::adapter::Adapter;
use super::convert::Conversion;

/// One member and its field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Member {
    /// The object that has the field.
    pub object: HubObject,
    /// The documented name: of the record, or of an element of `comments` or `timeLogs`.
    pub member: String,
    /// The field's name in the newest package, without a namespace.
    pub field: String,
    /// How one becomes the other.
    pub conversion: Conversion,
    /// Is it relayed?
    pub on: bool,
}

/// Every member there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping {
    members: Vec<Member>,
}

/// Why a mapping cannot be used. `Display` is for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MappingError(String);

/// What the package's own engine syncs of a work item (`DeliveryWorkItemTriggerHandler`, its sync set), and of its
/// children, but for money.
const ALLOWED: &[(HubObject, &str)] = &[
    (HubObject::WorkItem, "BriefDescriptionTxt__c"),
    (HubObject::WorkItem, "DetailsTxt__c"),
    (HubObject::WorkItem, "StageNamePk__c"),
    (HubObject::WorkItem, "StatusPk__c"),
    (HubObject::WorkItem, "PriorityPk__c"),
    (HubObject::WorkItem, "PriorityGroupPk__c"),
    (HubObject::WorkItem, "DeveloperDaysSizeNumber__c"),
    (HubObject::WorkItem, "EstimatedHoursNumber__c"),
    (HubObject::WorkItem, "ClientPreApprovedHoursNumber__c"),
    (HubObject::WorkItem, "CalculatedETADate__c"),
    (HubObject::WorkItem, "ProjectedUATReadyDate__c"),
    (HubObject::WorkItem, "AcceptanceCriteriaTxt__c"),
    (HubObject::WorkItem, "StepsToReproduceTxt__c"),
    (HubObject::WorkItem, "SLATargetDate__c"),
    (HubObject::WorkItem, "EstimatedStartDevDate__c"),
    (HubObject::WorkItem, "EstimatedEndDevDate__c"),
    (HubObject::WorkItem, "RequestTypePk__c"),
    (HubObject::WorkItem, "WorkflowTypeTxt__c"),
    (HubObject::WorkItem, "SortOrderNumber__c"),
    (HubObject::WorkItem, "BountyDeadlineDate__c"),
    (HubObject::WorkItem, "BountyDifficultyPk__c"),
    (HubObject::WorkItem, "BountyMaxClaimsNumber__c"),
    (HubObject::WorkItem, "BountySkillsTxt__c"),
    (HubObject::WorkItem, "BountyStatusPk__c"),
    (HubObject::Comment, "BodyTxt__c"),
    (HubObject::Comment, "AuthorTxt__c"),
    (HubObject::WorkLog, "HoursLoggedNumber__c"),
    (HubObject::WorkLog, "WorkDateDate__c"),
    (HubObject::WorkLog, "WorkDescriptionTxt__c"),
    (HubObject::WorkLog, "StatusPk__c"),
];

/// People, who are relayed only where somebody switches that on.
const PEOPLE: &[(HubObject, &str)] = &[(HubObject::WorkItem, "DeveloperLookup__r.Email")];

/// Money, too: every amount that the three objects have of their own. The bounty is in the package's sync set, the rate is
/// not. What is sums of others (and rates of requests and companies, which are other objects) cannot be relayed.
const MONEY: &[(HubObject, &str)] =
    &[(HubObject::WorkItem, "BillableRateCurrency__c"), (HubObject::WorkItem, "BountyAmountCurrency__c")];

/// Files, too: one switch for all of them.
const FILES: &[(HubObject, &str)] = &[(HubObject::Document, "VersionData")];

/// The name of that switch.
const DOCUMENTS: &str = "documents";

impl Default for Mapping {
    fn default() -> Self {
        use Conversion::{Date, File, Html, Number, Text, UserEmail};
        use HubObject::{Comment, Document, WorkItem, WorkLog};
        let members = [
            (WorkItem, "title", "BriefDescriptionTxt__c", Text),
            (WorkItem, "status", "StageNamePk__c", Text),
            (WorkItem, "priority", "PriorityPk__c", Text),
            (WorkItem, "estimatedHours", "EstimatedHoursNumber__c", Number),
            (WorkItem, "description", "DetailsTxt__c", Html),
            (WorkItem, "acceptanceCriteria", "AcceptanceCriteriaTxt__c", Html),
            (WorkItem, "assignee", "DeveloperLookup__r.Email", UserEmail),
            (WorkItem, "billableRate", "BillableRateCurrency__c", Number),
            (WorkItem, "bountyAmount", "BountyAmountCurrency__c", Number),
            (Comment, "author", "AuthorTxt__c", Text),
            (Comment, "body", "BodyTxt__c", Html),
            (WorkLog, "hours", "HoursLoggedNumber__c", Number),
            (WorkLog, "date", "WorkDateDate__c", Date),
            (WorkLog, "description", "WorkDescriptionTxt__c", Text),
            (Document, DOCUMENTS, "VersionData", File),
        ];
        let members = members.map(|(object, member, field, conversion)| Member {
            object,
            member: member.to_owned(),
            field: field.to_owned(),
            conversion,
            on: !PEOPLE.iter().chain(MONEY).chain(FILES).any(|(_, off)| *off == field),
        });
        Self { members: members.into() }
    }
}

impl Mapping {
    /// A mapping of an admin's own, judged: no member or field twice, and only fields that may be relayed.
    ///
    /// # Errors
    /// [`MappingError`], naming the first member that cannot be.
    pub fn of(members: Vec<Member>) -> Result<Self, MappingError> {
        for (index, one) in members.iter().enumerate() {
            let known = |list: &[(HubObject, &str)]| {
                list.iter().any(|(object, field)| *object == one.object && *field == one.field)
            };
            if ![ALLOWED, PEOPLE, MONEY, FILES].into_iter().any(known) {
                return Err(MappingError(format!(
                    "{} of {} may not be relayed: it is none of the fields that Delivery Hub itself keeps in step. Take it out of the mapping.",
                    one.field, one.object
                )));
            }
            if known(PEOPLE) != (one.conversion == Conversion::UserEmail) {
                return Err(MappingError(format!(
                    "{} of {} cannot be converted like this: userEmail is for people, and for people alone.",
                    one.field, one.object
                )));
            }
            if known(FILES) != (one.conversion == Conversion::File)
                || known(FILES) != (one.member == DOCUMENTS)
            {
                return Err(MappingError(format!(
                    "{} of {} cannot be {} by {:?}: documents are the files of a work item, by the conversion \"file\", and nothing else is. Give it another name.",
                    one.field, one.object, one.member, one.conversion
                )));
            }
            let reserved = ["externalId", "comments", "timeLogs", "createdAt"];
            if one.member.is_empty() || one.member.len() > 100 || reserved.contains(&one.member.as_str()) {
                return Err(MappingError(format!(
                    "{:?} cannot be the name of a member. Give it another.",
                    one.member
                )));
            }
            let twice = members[..index].iter().any(|other| {
                other.object == one.object && (other.member == one.member || other.field == one.field)
            });
            if twice {
                return Err(MappingError(format!(
                    "{} of {} is mapped twice, by its member or by its field. Keep one of the two.",
                    one.member, one.object
                )));
            }
        }
        Ok(Self { members })
    }

    /// The same with what the default has besides, off: so that an admin's mapping of an older version can be switched on for
    /// what is new.
    #[must_use]
    pub fn completed(mut self) -> Self {
        for one in Self::default().members {
            let known = |own: &Member| {
                own.object == one.object && (own.member == one.member || own.field == one.field)
            };
            if !self.members.iter().any(known) {
                self.members.push(Member { on: false, ..one });
            }
        }
        self
    }

    /// Every member, those that are off included.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The members of an object that are relayed, as far as the org has their fields.
    pub fn of_object<'a>(
        &'a self,
        object: HubObject,
        adapter: &'a Adapter,
    ) -> impl Iterator<Item = &'a Member> + 'a {
        self.members
            .iter()
            .filter(move |one| one.object == object && one.on && adapter.field(object, &one.field).is_some())
    }

    /// What of it the org does not have, in words.
    pub fn misses(&self, adapter: &Adapter) -> Vec<String> {
        let missing =
            self.members.iter().filter(|one| one.on && adapter.field(one.object, &one.field).is_none());
        missing
            .map(|one| {
                format!(
                    "{} has no field {}, or the signed-in user may not read it: {} is not relayed.",
                    one.object, one.field, one.member
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn member(field: &str, member: &str, conversion: Conversion) -> Member {
        Member {
            object: HubObject::WorkItem,
            member: member.to_owned(),
            field: field.to_owned(),
            conversion,
            on: true,
        }
    }

    #[rstest]
    #[case::rate("BillableRateCurrency__c", "billableRate")]
    #[case::bounty("BountyAmountCurrency__c", "bountyAmount")]
    fn money_can_be_switched_on(#[case] field: &str, #[case] name: &str) {
        let amount = member(field, name, Conversion::Number);
        assert!(Mapping::default().members().contains(&Member { on: false, ..amount.clone() }));
        assert!(Mapping::of(vec![amount]).is_ok());
    }

    #[test]
    fn an_older_mapping_has_what_is_new_and_has_it_off() {
        let own = Mapping::of(vec![member("StatusPk__c", "status", Conversion::Text)]).unwrap().completed();
        assert_eq!(own.members().len(), Mapping::default().members().len());
        assert_eq!(own.members().iter().filter(|one| one.on).count(), 1);
        assert_eq!(own.clone().completed(), own);
        assert_eq!(Mapping::of(own.members().to_vec()), Ok(own));
    }

    #[test]
    fn people_and_money_are_off_by_default() {
        let mapping = Mapping::default();
        assert_eq!(Mapping::of(mapping.members().to_vec()), Ok(mapping.clone()), "the default is a good one");
        let on: Vec<&str> =
            mapping.members().iter().filter(|one| one.on).map(|one| one.member.as_str()).collect();
        assert_eq!(
            on,
            [
                "title",
                "status",
                "priority",
                "estimatedHours",
                "description",
                "acceptanceCriteria",
                "author",
                "body",
                "hours",
                "date",
                "description"
            ]
        );
    }

    #[rstest]
    #[case::a_rollup(vec![member("TotalLoggedHoursNumber__c", "logged", Conversion::Number)], "may not be relayed")]
    #[case::a_secret(vec![member("ApiKeyTxt__c", "key", Conversion::Text)], "may not be relayed")]
    #[case::a_user_as_text(vec![member("DeveloperLookup__r.Email", "assignee", Conversion::Text)], "userEmail")]
    #[case::a_reserved_name(vec![member("StatusPk__c", "comments", Conversion::Text)], "another")]
    #[case::no_name(vec![member("StatusPk__c", "", Conversion::Text)], "another")]
    #[case::twice(
        vec![member("StatusPk__c", "a", Conversion::Text), member("PriorityPk__c", "a", Conversion::Text)],
        "twice"
    )]
    fn a_mapping_that_cannot_be_is_refused(#[case] members: Vec<Member>, #[case] words: &str) {
        let error = Mapping::of(members).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
