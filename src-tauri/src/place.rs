//! Places of the UI that the desktop leads to: from a notification, from the tray, from a link.

use std::str::FromStr;

/// What a link to a place starts with; the bundle registers it with the desktop (`tauri.conf.json`).
const SCHEME: &str = "sync-monitor://";
/// The longest name in a link. IDs and keys are shorter.
const MAX_NAME: usize = 64;

/// A place of the UI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// What failed, by cause.
    Causes,
    /// The items that failed for one cause.
    Cause(Name),
    /// One item.
    Item(Name),
    /// All orgs.
    Orgs,
    /// One org.
    Org(Name),
}

/// An ID or a key: letters, digits and hyphens, so that it means nothing but itself wherever it is put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

/// A link from outside, like `sync-monitor://item/0198…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link(pub(crate) Place);

/// Why a text leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// It has another form than those known.
    #[error("this is no place in Sync Monitor; one is written failed, item/ID, cause/KEY or org/ID")]
    Unknown,
    /// The ID or key cannot be one.
    #[error("this is no ID: it must be 1 to {MAX_NAME} letters, digits and hyphens")]
    Name,
    /// It is a link to something else.
    #[error("this is no link to Sync Monitor; one starts with {SCHEME}")]
    Scheme,
}

impl Place {
    /// The items of one cause; all causes where the key is no name.
    pub(crate) fn of_cause(key: &str) -> Self {
        key.parse().map_or(Self::Causes, Self::Cause)
    }

    /// Its address in the UI: what comes after the `#`.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Causes => "/failed/causes".to_owned(),
            Self::Cause(Name(key)) => format!("/failed/items?failureKey={key}"),
            Self::Item(Name(id)) => format!("/item/{id}"),
            Self::Orgs => "/orgs".to_owned(),
            Self::Org(Name(id)) => format!("/orgs/cards?targetOrgId={id}"),
        }
    }
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if is_plain && (1..=MAX_NAME).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::Name)
        }
    }
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.strip_suffix('/').unwrap_or(text) == "failed" {
            return Ok(Self::Causes);
        }
        let (kind, name) = text.split_once('/').ok_or(Error::Unknown)?;
        let make = match kind {
            "item" => Self::Item,
            "cause" => Self::Cause,
            "org" => Self::Org,
            _ => return Err(Error::Unknown),
        };
        // Some programs end an address in a slash.
        name.strip_suffix('/').unwrap_or(name).parse().map(make)
    }
}

impl FromStr for Link {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // The scheme of an address may be written in either case (RFC 3986, 3.1).
        match text.split_at_checked(SCHEME.len()) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => rest.parse().map(Self),
            _ => Err(Error::Scheme),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &str = "0198c2a4-7b1e-7000-8000-000000000001";

    #[test]
    fn a_link_leads_to_an_item_a_cause_or_an_org() {
        for (link, address) in [
            (format!("sync-monitor://item/{ITEM}"), format!("/item/{ITEM}")),
            (format!("Sync-Monitor://item/{ITEM}/"), format!("/item/{ITEM}")),
            ("sync-monitor://failed".into(), "/failed/causes".into()),
            ("sync-monitor://failed/".into(), "/failed/causes".into()),
            (
                "sync-monitor://cause/00ff00ff00ff00ff".into(),
                "/failed/items?failureKey=00ff00ff00ff00ff".into(),
            ),
            (
                "sync-monitor://org/00D5g000004Xy9AEAS".into(),
                "/orgs/cards?targetOrgId=00D5g000004Xy9AEAS".into(),
            ),
        ] {
            let Link(place) = link.parse().unwrap();
            assert_eq!(place.address(), address, "{link}");
        }
    }

    #[test]
    fn a_link_to_anything_else_leads_nowhere() {
        for (link, error) in [
            ("", Error::Scheme),
            ("https://example.com/item/1", Error::Scheme),
            ("sync-monitor:item/1", Error::Scheme),
            ("--demo", Error::Scheme),
            ("sync-monitor://", Error::Unknown),
            ("sync-monitor://item", Error::Unknown),
            ("sync-monitor://Item/1", Error::Unknown),
            ("sync-monitor://retry/1", Error::Unknown),
            ("sync-monitor:///item/1", Error::Unknown),
            ("sync-monitor://item/", Error::Name),
            ("sync-monitor://item//", Error::Name),
            ("sync-monitor://item/1/2", Error::Name),
            ("sync-monitor://item/1?x=y", Error::Name),
            ("sync-monitor://item/1#x", Error::Name),
            ("sync-monitor://item/%27%29", Error::Name),
            ("sync-monitor://item/');alert(1)//", Error::Name),
            ("sync-monitor://item/ä", Error::Name),
            ("sync-monitor://item/1\n", Error::Name),
        ] {
            assert_eq!(link.parse::<Link>(), Err(error), "{link:?}");
        }
        assert_eq!(format!("item/{}", "1".repeat(65)).parse::<Place>(), Err(Error::Name));
    }

    #[test]
    fn a_cause_that_cannot_be_named_leads_to_all_causes() {
        assert_eq!(Place::of_cause("00ff").address(), "/failed/items?failureKey=00ff");
        assert_eq!(Place::of_cause("a b").address(), "/failed/causes");
    }
}
