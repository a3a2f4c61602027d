//! Names of things: org IDs and content digests.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A Salesforce Organization ID, always held in its 18-character form.
///
/// Two IDs are equal when their first 15 characters are, case-sensitive; the last three are a checksum of the case of
/// the others, so equality of the 18 is the same thing. Ordering is that of the 15 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrgId([u8; 18]);

/// Why a text is not an org ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrgIdError {
    /// Neither 15 nor 18 characters.
    #[error("an org ID has 15 or 18 characters, this has {0}")]
    Length(usize),
    /// Does not start with `00D`.
    #[error("an org ID starts with 00D")]
    Prefix,
    /// Holds something else than letters and digits.
    #[error("an org ID has only the letters A-Z, a-z and the digits 0-9")]
    Character,
    /// The last three of 18 characters do not fit the first 15.
    #[error("the last three characters do not fit the first fifteen: expected {expected}")]
    Checksum {
        /// What the last three characters would have to be.
        expected: String,
    },
}

impl OrgId {
    /// The 18-character form, the one that is stored and shown.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The first 15 characters, by which org IDs are compared.
    pub fn short(&self) -> &str {
        &self.as_str()[..15]
    }
}

/// The three characters that make an 18-character ID of a 15-character one.
///
/// Each block of five characters gives one: bit `i` is set where character `i` is an upper-case letter, and the number
/// picks from `A`–`Z`, `0`–`5` (Salesforce's published algorithm).
fn checksum(id: &[u8]) -> [u8; 3] {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let mut suffix = [0; 3];
    for (slot, block) in suffix.iter_mut().zip(id.chunks_exact(5)) {
        let bits = block
            .iter()
            .enumerate()
            .filter(|(_, c)| c.is_ascii_uppercase())
            .map(|(i, _)| 1usize << i)
            .sum::<usize>();
        *slot = ALPHABET[bits];
    }
    suffix
}

/// The 18 characters of a record's ID, from 15 or 18 of them; `None` where it is none.
pub fn record_id(text: &str) -> Option<String> {
    let id = text.as_bytes();
    if !matches!(id.len(), 15 | 18) || !id.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let suffix = checksum(&id[..15]);
    (id.len() == 15 || id[15..] == suffix)
        .then(|| format!("{}{}", &text[..15], String::from_utf8_lossy(&suffix)))
}

impl FromStr for OrgId {
    type Err = OrgIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.chars().count();
        if length != 15 && length != 18 {
            return Err(OrgIdError::Length(length));
        }
        if !text.bytes().all(|c| c.is_ascii_alphanumeric()) {
            return Err(OrgIdError::Character);
        }
        if !text.starts_with("00D") {
            return Err(OrgIdError::Prefix);
        }
        let bytes = text.as_bytes();
        let suffix = checksum(&bytes[..15]);
        if bytes.len() == 18 && bytes[15..] != suffix {
            return Err(OrgIdError::Checksum { expected: String::from_utf8_lossy(&suffix).into_owned() });
        }
        let mut id = [0; 18];
        id[..15].copy_from_slice(&bytes[..15]);
        id[15..].copy_from_slice(&suffix);
        Ok(Self(id))
    }
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for OrgId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for OrgId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The first 128 bits of a SHA-256: enough to tell contents apart, small enough to keep one per record and org.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Digest([u8; 16]);

impl Digest {
    /// Digests the concatenation of `parts`.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        let full = hasher.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&full[..16]);
        Self(bytes)
    }

    /// The digest as stored.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The digest as read back from a store; `None` when it does not have 16 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::documented_example("00D000000000001", "00D000000000001EAA")]
    #[case::mixed_case("00DRE000000IJmc", "00DRE000000IJmc2AG")]
    #[case::already_long("00D000000000001EAA", "00D000000000001EAA")]
    fn an_org_id_is_shown_with_18_characters(#[case] sent: &str, #[case] shown: &str) {
        let id: OrgId = sent.parse().unwrap();
        assert_eq!(id.as_str(), shown);
        assert_eq!(id.short(), &sent[..15]);
    }

    #[rstest]
    #[case::too_short("00D00000000001", OrgIdError::Length(14))]
    #[case::between("00D0000000000011", OrgIdError::Length(16))]
    #[case::empty("", OrgIdError::Length(0))]
    #[case::a_user_id("005000000000001", OrgIdError::Prefix)]
    #[case::lower_case_prefix("00d000000000001", OrgIdError::Prefix)]
    #[case::a_dash("00D00000000000-", OrgIdError::Character)]
    #[case::fifteen_letters_not_bytes("00D00000000000é", OrgIdError::Character)]
    #[case::bad_checksum("00D000000000001EAB", OrgIdError::Checksum { expected: "EAA".into() })]
    #[case::lower_case_checksum("00D000000000001eaa", OrgIdError::Checksum { expected: "EAA".into() })]
    fn what_is_no_org_id_is_refused_with_its_reason(#[case] sent: &str, #[case] why: OrgIdError) {
        assert_eq!(sent.parse::<OrgId>(), Err(why));
    }

    #[test]
    fn the_checksum_is_salesforces() {
        // `a0RE000000IJmcN` → `…MAT` is the published example of the algorithm (for a record ID, not an org).
        assert_eq!(&checksum(b"a0RE000000IJmcN"), b"MAT");
    }

    #[rstest]
    #[case("a0RE000000IJmcN", Some("a0RE000000IJmcNMAT"))]
    #[case("a0RE000000IJmcNMAT", Some("a0RE000000IJmcNMAT"))]
    #[case("a0RE000000IJmcNMAU", None)]
    #[case("WI-001", None)]
    #[case("a0RE000000IJmcé", None)]
    fn a_records_id_has_18_characters(#[case] text: &str, #[case] id: Option<&str>) {
        assert_eq!(record_id(text).as_deref(), id);
    }

    #[test]
    fn org_ids_differing_in_case_are_different_orgs() {
        let lower: OrgId = "00D00000000000a".parse().unwrap();
        let upper: OrgId = "00D00000000000A".parse().unwrap();
        assert_ne!(lower, upper);
    }
}
