//! Between a field of the package and a member of the documented record.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// How a field's value becomes a member's, and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Conversion {
    /// As it is.
    Text,
    /// Rich text there, plain text here. Formatting that an org has is left alone as long as its text is the same.
    Html,
    /// A number with at most two decimals.
    Number,
    /// `YYYY-MM-DD`.
    Date,
    /// The e-mail address of a user; read, never written: users are not the same in two orgs.
    UserEmail,
    /// Files, as a list of documents.
    File,
}

impl Conversion {
    /// The member's value of a field's value. What is empty is null, as Salesforce has it.
    pub(crate) fn read(self, value: &Value) -> Value {
        match (self, value) {
            (Self::Html, Value::String(html)) => text(&from_html(html)),
            _ => self.normal(value),
        }
    }

    /// The field's value of a member's value.
    pub(crate) fn write(self, value: &Value) -> Value {
        match (self, self.normal(value)) {
            (Self::Html, Value::String(text)) => Value::String(to_html(&text)),
            (_, normal) => normal,
        }
    }

    /// The one form of a value that all its forms have in common, so that an org that stores it another way is not taken
    /// to have changed it.
    pub(crate) fn normal(self, value: &Value) -> Value {
        match (self, value) {
            (_, Value::Null) => Value::Null,
            (Self::Number, Value::Number(number)) => rounded(number),
            (Self::Number, Value::String(digits)) => {
                digits.trim().parse().map_or_else(|_| value.clone(), |number: Number| rounded(&number))
            }
            (_, Value::String(plain)) => text(plain),
            (_, other) => other.clone(),
        }
    }
}

/// Salesforce cuts white space at the ends of texts, and holds an empty one as null.
fn text(plain: &str) -> Value {
    let unified = plain.replace("\r\n", "\n").replace('\r', "\n");
    // A space before a line break is nothing to look at, and browsers and editors drop it.
    let lines: Vec<&str> = unified.split('\n').map(str::trim_end).collect();
    match lines.join("\n").trim() {
        "" => Value::Null,
        trimmed => Value::String(trimmed.to_owned()),
    }
}

/// Two decimals, as the package's number fields have; whole numbers without any.
fn rounded(number: &Number) -> Value {
    let Some(float) = number.as_f64() else { return Value::Number(number.clone()) };
    let hundredths = (float * 100.0).round();
    if hundredths.abs() >= 9.0e15 {
        return Value::Number(number.clone());
    }
    #[expect(clippy::cast_possible_truncation, reason = "smaller than 9e15, and rounded")]
    let hundredths = hundredths as i64;
    if hundredths % 100 == 0 {
        return Value::from(hundredths / 100);
    }
    #[expect(clippy::cast_precision_loss, reason = "smaller than 9e15")]
    let float = hundredths as f64 / 100.0;
    Value::from(float)
}

/// Plain text as rich text.
fn to_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    let mut after_space = true;
    for c in text.chars() {
        match c {
            // Of several spaces a browser shows one, and of those at the beginning of a line none.
            ' ' if after_space => html.push_str("&nbsp;"),
            '\t' => html.push_str("&#9;"),
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\n' => html.push_str("<br>"),
            c => html.push(c),
        }
        after_space = matches!(c, ' ' | '\n');
    }
    html
}

/// Rich text as plain text: blocks become lines, everything else that is no text goes.
fn from_html(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '<' => tag(rest, &mut text),
            '&' => entity(rest, &mut text),
            // A line break in the source of a page is a space.
            c if c.is_ascii_whitespace() => {
                if !text.is_empty() && !text.ends_with([' ', '\n']) {
                    text.push(' ');
                }
                c.len_utf8()
            }
            c => {
                text.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    text
}

/// Reads a tag; returns how long it is.
fn tag(rest: &str, text: &mut String) -> usize {
    let Some(end) = rest.find('>') else {
        // No tag at all: a sign that nobody escaped.
        text.push('<');
        return 1;
    };
    let name: String =
        rest[1..end].trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
    let closes = rest[1..].starts_with('/');
    let begins_line = text.is_empty() || text.ends_with('\n');
    match (name.to_ascii_lowercase().as_str(), closes) {
        ("br", _) => text.push('\n'),
        (
            "p" | "div" | "tr" | "ul" | "ol" | "table" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6"
            | "blockquote",
            _,
        ) if !begins_line => {
            text.push('\n');
        }
        ("li", false) => {
            if !begins_line {
                text.push('\n');
            }
            text.push_str("- ");
        }
        _ => {}
    }
    end + 1
}

/// Reads an entity; returns how long it is.
fn entity(rest: &str, text: &mut String) -> usize {
    let end = rest.bytes().take(12).position(|byte| byte == b';');
    let decoded = end.and_then(|end| {
        let name = &rest[1..end];
        let code = name.strip_prefix('#').and_then(|digits| match digits.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        });
        match (name, code) {
            ("amp", _) => Some('&'),
            ("lt", _) => Some('<'),
            ("gt", _) => Some('>'),
            ("quot", _) => Some('"'),
            ("apos", _) => Some('\''),
            ("nbsp", _) => Some(' '),
            (_, Some(code)) => char::from_u32(code),
            _ => None,
        }
    });
    if let (Some(end), Some(c)) = (end, decoded) {
        text.push(c);
        end + 1
    } else {
        text.push('&');
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::paragraphs("<p>One</p><p>Two <b>bold</b></p>", "One\nTwo bold")]
    #[case::breaks("One<br/>Two<br>\nThree", "One\nTwo\nThree")]
    #[case::entities("a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#x27; &nbsp;e", "a <b> & \"c\" 'd'  e")]
    #[case::unknown_entity("fish &chips; &", "fish &chips; &")]
    #[case::list("<ul><li>One</li><li>Two</li></ul>End", "- One\n- Two\nEnd")]
    #[case::not_html("a < b", "a < b")]
    #[case::source_line_breaks("one\n  two", "one two")]
    fn rich_text_is_read_as_plain_text(#[case] html: &str, #[case] plain: &str) {
        assert_eq!(Conversion::Html.read(&json!(html)), json!(plain));
    }

    #[rstest]
    #[case::whole(json!(8.0), json!(8))]
    #[case::decimals(json!(7.25), json!(7.25))]
    #[case::more_than_there_is(json!(1.005_000_1), json!(1.01))]
    #[case::as_text(json!("8"), json!(8))]
    #[case::nothing(json!(null), json!(null))]
    fn a_number_has_one_form(#[case] sent: Value, #[case] normal: Value) {
        assert_eq!(Conversion::Number.normal(&sent), normal);
    }

    #[rstest]
    #[case("  title \r\n", json!("title"))]
    #[case("   ", json!(null))]
    #[case("one  \ntwo", json!("one\ntwo"))]
    fn a_text_is_held_as_salesforce_holds_it(#[case] sent: &str, #[case] normal: Value) {
        assert_eq!(Conversion::Text.normal(&json!(sent)), normal);
    }

    proptest! {
        /// Otherwise each delivery would come back as an edit.
        #[test]
        fn what_is_written_is_read_back_the_same(words in "[ -~éß\t\n]{0,60}") {
            for conversion in [Conversion::Text, Conversion::Html] {
                let normal = conversion.normal(&json!(words));
                let stored = conversion.write(&normal);
                let read = conversion.read(&stored);
                prop_assert_eq!(read, normal);
            }
        }

        #[test]
        fn no_rich_text_makes_it_panic(html in "[<>/&;#a-z\"é ]{0,40}") {
            Conversion::Html.read(&json!(html));
        }
    }
}
