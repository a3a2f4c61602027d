//! What makes two failures one cause.

use crate::ids::{Digest, OrgId};

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
}
