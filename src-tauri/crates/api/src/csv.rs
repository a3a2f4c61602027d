//! CSV files (RFC 4180) that a spreadsheet takes for text, whatever is in them.

/// What a spreadsheet may take for the beginning of a formula (OWASP, "CSV Injection").
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// One record of a file, with its end.
pub fn record(fields: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut line = fields.map(|field| escape(field.as_ref())).collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

/// A field: in quotes where it must be, and with a sign before it where a spreadsheet would take it for a formula: what an
/// org sent is not to be run.
fn escape(text: &str) -> String {
    let text = if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("Add revenue report", "Add revenue report")]
    #[case::comma("a, b", "\"a, b\"")]
    #[case::quote("say \"hi\"", "\"say \"\"hi\"\"\"")]
    #[case::lines("a\nb", "\"a\nb\"")]
    #[case::formula("=HYPERLINK(\"http://evil\")", "\"'=HYPERLINK(\"\"http://evil\"\")\"")]
    #[case::plus("+1", "'+1")]
    #[case::minus("-1", "'-1")]
    #[case::at("@SUM(A1)", "'@SUM(A1)")]
    #[case::tab("\t=1", "'\t=1")]
    #[case::full_width("＝1+1", "'＝1+1")]
    #[case::inside("a=1", "a=1")]
    #[case::empty("", "")]
    fn a_field_is_text_and_never_a_formula(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(escape(text), expected);
    }
}
