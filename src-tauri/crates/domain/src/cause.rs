//! What makes two failures one cause, and what is known of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::ids::{Digest, OrgId};

mod table;

/// Who can do something about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Fixer {
    /// An admin of the org that refused.
    TargetAdmin,
    /// An admin of the org where the change was made.
    SourceAdmin,
    /// Nobody has to: it passes.
    Wait,
    /// A developer.
    Developer,
}

/// A failure in plain words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// What it is called.
    pub title: &'static str,
    /// What happened.
    pub text: &'static str,
    /// Who can mend it.
    pub fixer: Fixer,
    /// Can a retry alone help, with nothing changed?
    pub retry_helps: bool,
    /// What to do, in order.
    pub steps: &'static [&'static str],
}

/// Explains an error: by its code if that is known, else by its status, else as no answer at all.
pub fn explain(http_status: Option<u16>, error_code: Option<&str>) -> &'static Explanation {
    let by_code = table::BY_CODE.iter().find(|row| Some(row.code) == error_code);
    if let Some(row) = by_code {
        return &row.explanation;
    }
    match http_status {
        None | Some(0) => &table::NO_ANSWER,
        Some(status) => table::BY_STATUS
            .iter()
            .find(|row| (row.from..=row.to).contains(&status))
            .map_or(&table::UNKNOWN, |row| &row.explanation),
    }
}

/// The table as a page of the documentation.
pub fn page() -> String {
    let mut page = String::from(
        "# Causes of failures\n\nWhat Sync Monitor says of a failed delivery, by the error code of the answer, or else by its HTTP status. Made by\n`cargo xtask codegen` from `domain/src/cause/table.rs`; change it there.\n",
    );
    let mut add = |name: &str, one: &Explanation| {
        let who = match one.fixer {
            Fixer::TargetAdmin => "an admin of the target org",
            Fixer::SourceAdmin => "an admin of the source org",
            Fixer::Wait => "nobody has to: it passes",
            Fixer::Developer => "a developer",
        };
        let helps = if one.retry_helps { "can help" } else { "does not help before something is changed" };
        // Writing to a String does not fail.
        let _ = write!(
            page,
            "\n## {name}\n\n**{}.** {}\nWho can mend it: {who}. A retry alone {helps}.\n",
            one.title, one.text
        );
        for (index, step) in one.steps.iter().enumerate() {
            let _ = writeln!(page, "{}{}. {step}", if index == 0 { "\n" } else { "" }, index + 1);
        }
    };
    for row in table::BY_CODE {
        add(&format!("`{}`", row.code), &row.explanation);
    }
    for row in table::BY_STATUS {
        let name = if row.from == row.to {
            row.from.to_string()
        } else {
            format!("{} to {}, others", row.from, row.to)
        };
        add(&name, &row.explanation);
    }
    add("No answer", &table::NO_ANSWER);
    add("Anything else", &table::UNKNOWN);
    page
}

/// The titles of the table, as the window reads them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Titles {
    by_code: BTreeMap<&'static str, &'static str>,
    by_status: Vec<StatusTitle>,
    no_answer: &'static str,
    unknown: &'static str,
}

#[derive(Serialize)]
struct StatusTitle {
    from: u16,
    to: u16,
    title: &'static str,
}

/// The titles of the table as JSON: what the window's lists call a failure in a few words.
pub fn titles() -> String {
    let by_status =
        |row: &table::ByStatus| StatusTitle { from: row.from, to: row.to, title: row.explanation.title };
    let titles = Titles {
        by_code: table::BY_CODE.iter().map(|row| (row.code, row.explanation.title)).collect(),
        by_status: table::BY_STATUS.iter().map(by_status).collect(),
        no_answer: table::NO_ANSWER.title,
        unknown: table::UNKNOWN.title,
    };
    // Texts and numbers: this cannot fail.
    serde_json::to_string_pretty(&titles).unwrap_or_default() + "\n"
}

/// Names the cause of a failure: the target, the status, the error code, and the message with everything taken out that
/// differs from one record to the next.
pub fn failure_key(
    target: OrgId,
    http_status: Option<u16>,
    error_code: Option<&str>,
    message: Option<&str>,
) -> String {
    let status = http_status.map_or_else(String::new, |s| s.to_string());
    let shape = shape(message.unwrap_or_default());
    let parts = [target.as_str(), &status, error_code.unwrap_or_default(), &shape];
    let digest = Digest::of(&[parts.join("\n").as_bytes()]);
    let head: [u8; 8] = std::array::from_fn(|i| digest.as_bytes()[i]);
    format!("{:016x}", u64::from_be_bytes(head))
}

/// The message without quoted values, and without words that hold a digit (IDs, numbers, times).
fn shape(message: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut quote: Option<char> = None;
    for word in message.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let starts = word.chars().next().filter(|c| matches!(c, '"' | '\'' | '“' | '«'));
        let inside = quote.is_some() || starts.is_some();
        if quote.is_none() {
            quote = starts;
        }
        let rest =
            if starts.is_some() { &word[word.chars().next().map_or(0, char::len_utf8)..] } else { word };
        if quote.is_some_and(|q| rest.contains(closing(q))) {
            quote = None;
        }
        if inside || bare.chars().any(|c| c.is_ascii_digit()) {
            if words.last() != Some(&"…") {
                words.push("…");
            }
        } else {
            words.push(word);
        }
    }
    words.join(" ")
}

fn closing(quote: char) -> char {
    match quote {
        '“' => '”',
        '«' => '»',
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn key(org: &str, status: u16, code: &str, message: &str) -> String {
        failure_key(org.parse().unwrap(), Some(status), Some(code), Some(message))
    }

    const A: &str = "00D00000000000A";
    const B: &str = "00D00000000000B";

    #[rstest]
    #[case("record 42 is locked", "record 43 is locked")]
    #[case("unable to lock a0RE000000IJmcN now", "unable to lock a0RE000000IJmdX now")]
    #[case("bad value \"In Development\" for status", "bad value \"Done\" for status")]
    #[case("at 2026-02-27T14:30:00Z it was late", "at 2026-03-01T00:00:00Z it was late")]
    fn messages_that_differ_in_ids_numbers_and_quoted_values_are_one_cause(
        #[case] one: &str,
        #[case] other: &str,
    ) {
        assert_eq!(key(A, 400, "X", one), key(A, 400, "X", other));
    }

    #[rstest]
    #[case::target(key(B, 400, "X", "locked"))]
    #[case::status(key(A, 500, "X", "locked"))]
    #[case::code(key(A, 400, "Y", "locked"))]
    #[case::words(key(A, 400, "X", "unlocked"))]
    fn what_an_admin_would_mend_apart_is_another_cause(#[case] other: String) {
        assert_ne!(key(A, 400, "X", "locked"), other);
    }

    #[rstest]
    #[case::by_code(Some(400), Some("UNABLE_TO_LOCK_ROW"), "The record was busy")]
    #[case::code_before_status(Some(500), Some("DUPLICATE_VALUE"), "The target org already has this value")]
    #[case::by_status(Some(403), Some("NEVER_HEARD_OF"), "Access was denied")]
    #[case::the_narrower_status_first(Some(503), None, "The target org is in maintenance or overloaded")]
    #[case::any_of_a_kind(Some(418), None, "The target org refused the payload")]
    #[case::a_page_for_an_answer(Some(200), None, "The target org answered something else than expected")]
    #[case::no_answer(None, Some("NEVER_HEARD_OF"), "The target org could not be reached")]
    #[case::no_kind(Some(999), None, "The target org answered something unknown")]
    fn a_failure_is_explained(#[case] status: Option<u16>, #[case] code: Option<&str>, #[case] title: &str) {
        assert_eq!(explain(status, code).title, title);
    }

    #[test]
    fn every_explanation_says_something_and_no_code_is_explained_twice() {
        let mut codes = std::collections::HashSet::new();
        assert!(table::BY_CODE.iter().all(|row| codes.insert(row.code)));
        let all = table::BY_CODE
            .iter()
            .map(|row| &row.explanation)
            .chain(table::BY_STATUS.iter().map(|row| &row.explanation));
        for one in all.chain([&table::NO_ANSWER, &table::UNKNOWN]) {
            assert!(one.text.ends_with('.') && !one.title.ends_with('.'), "{one:?}");
            assert!(one.title == "The target org has a newer version" || !one.steps.is_empty(), "{one:?}");
        }
    }

    #[rstest]
    #[case::documentation("docs/causes.md", page())]
    #[case::lists_of_the_window("ui/src/lib/items/cause-titles.json", titles())]
    fn what_explains_failures_elsewhere_is_made_from_the_table(#[case] file: &str, #[case] made: String) {
        let path = format!("{}/../../../{file}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("SYNC_MONITOR_CODEGEN").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        assert!(
            std::fs::read_to_string(&path).unwrap() == made,
            "{file} is out of date: cargo xtask codegen"
        );
    }
}
