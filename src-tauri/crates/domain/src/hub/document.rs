//! Files attached to work items: what is asked of them, and what is sent.
//!
//! The platform keeps a file as a `ContentDocument` with versions (`ContentVersion`), linked to records by
//! `ContentDocumentLink`. Here each version is a document of its own: the package's service makes files, and changes none.

use serde_json::{Map, Value};

use super::soql::Select;
use super::{Adapter, Fields, HubObject, Mapping};

/// The most bytes of a file that is relayed. The package keeps what it is sent in a text of 131,072 characters, and broke at
/// files of about 95 KB (Delivery Hub #672): as base64, this many bytes take 87,384.
pub const MOST_BYTES: u64 = 65_536;

/// Members and fields of a file, but for its bytes.
const FIELDS: [(&str, &str); 5] = [
    ("title", "Title"),
    ("fileName", "PathOnClient"),
    ("fileType", "FileType"),
    ("size", "ContentSize"),
    ("checksum", "Checksum"),
];

/// The object that says which file is attached to which record.
const LINK: &str = "ContentDocumentLink";

/// The fields that are asked for.
pub(super) fn fields() -> impl Iterator<Item = String> {
    std::iter::once("ContentDocumentId").chain(FIELDS.map(|(_, field)| field)).map(str::to_owned)
}

/// What a row of a file says.
pub(super) fn read(record: &Value) -> Fields {
    let member = |(member, field): &(&str, &str)| {
        let value = record.get(*field).cloned().unwrap_or_default();
        ((*member).to_owned(), value)
    };
    FIELDS.iter().map(member).collect()
}

/// Are files relayed from this org, or to it?
pub fn are_relayed(adapter: &Adapter, mapping: &Mapping) -> bool {
    mapping.of_object(HubObject::Document, adapter).next().is_some()
}

/// Asks to which records these files are attached, by the files' IDs. The platform answers this only for files or records that
/// are named.
pub fn links<'a>(documents: impl IntoIterator<Item = &'a str>) -> Select {
    let fields = ["ContentDocumentId", "LinkedEntityId"].map(str::to_owned);
    Select::new(fields, LINK.to_owned()).one_of("ContentDocumentId", documents)
}

/// Where the bytes of a file are.
pub fn bytes_path(adapter: &Adapter, version: &str) -> String {
    format!("{}/sobjects/ContentVersion/{version}/VersionData", adapter.data_path())
}

/// How many bytes a text in base64 stands for.
pub fn size_of(base64: &str) -> u64 {
    let padding = base64.bytes().rev().take_while(|byte| *byte == b'=').count().min(2);
    (base64.len() / 4 * 3).saturating_sub(padding) as u64
}

/// The members of the package's call that makes a file; its work item is named by `TargetId`.
pub(super) fn body(fields: &Fields, content: &str) -> Map<String, Value> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let title = text("title").or(text("fileName")).unwrap_or("file");
    let mut body = Map::new();
    body.insert("Title".into(), title.into());
    body.insert("PathOnClient".into(), text("fileName").unwrap_or(title).into());
    body.insert("VersionData".into(), content.into());
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("", 0)]
    #[case("YQ==", 1)]
    #[case("YWI=", 2)]
    #[case("YWJj", 3)]
    fn a_files_size_is_told_by_its_text(#[case] base64: &str, #[case] size: u64) {
        assert_eq!(size_of(base64), size);
    }

    #[test]
    fn the_largest_file_fits_into_what_the_package_keeps() {
        assert!(MOST_BYTES.div_ceil(3) * 4 < 131_072 - 4_096);
    }

    #[test]
    fn a_file_without_a_name_has_its_title_for_one() {
        let fields = json!({ "title": "Plan" }).as_object().unwrap().clone();
        assert_eq!(
            Value::Object(body(&fields, "YQ==")),
            json!({ "Title": "Plan", "PathOnClient": "Plan", "VersionData": "YQ==" })
        );
    }

    #[test]
    fn links_are_asked_for_by_the_files() {
        assert_eq!(
            links(["069000000000001AAA"]).text(),
            "SELECT ContentDocumentId, LinkedEntityId FROM ContentDocumentLink WHERE ContentDocumentId IN ('069000000000001AAA')"
        );
    }
}
