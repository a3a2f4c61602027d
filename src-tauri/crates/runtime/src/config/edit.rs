//! Changing single settings in the text of the file. Everything else of it stays as it is: comments, order, spaces.

use toml_edit::{Document, DocumentMut, Item, Table, TableLike, TomlError, Value};

/// `text` with this setting. A comment behind an old value stays.
pub(super) fn set(text: &str, name: &str, value: &Value) -> Result<String, TomlError> {
    if let Some(old) = find(Document::parse(text)?.as_table(), name).and_then(Item::span) {
        return Ok(format!("{}{}{}", &text[..old.start], value.to_string().trim(), &text[old.end..]));
    }
    let mut document: DocumentMut = text.parse()?;
    let (group, key) = split(name);
    let table: Option<&mut dyn TableLike> = match group {
        None => Some(document.as_table_mut()),
        Some(group) => document.get_mut(group).and_then(Item::as_table_like_mut),
    };
    if let Some(table) = table {
        table.insert(key, Item::Value(value.clone()));
        return Ok(document.to_string());
    }
    // Behind everything, comments included: those at the end belong to what they follow.
    Ok(format!("{}[{}]\n{key} = {value}\n", spaced(text), group.unwrap_or_default()))
}

/// `text`, and an empty line behind it.
fn spaced(text: &str) -> String {
    match text {
        "" => String::new(),
        text if text.ends_with('\n') => format!("{text}\n"),
        text => format!("{text}\n\n"),
    }
}

/// `text` without this setting. Comments before it and behind it stay.
pub(super) fn unset(text: &str, name: &str) -> Result<String, TomlError> {
    let document = Document::parse(text)?;
    let Some(span) = find(document.as_table(), name).and_then(Item::span) else { return Ok(text.to_owned()) };
    let (group, key) = split(name);
    if group.and_then(|group| document.get(group)).is_some_and(Item::is_inline_table) {
        let mut document: DocumentMut = text.parse()?;
        if let Some(table) = group.and_then(|group| document.get_mut(group)?.as_table_like_mut()) {
            table.remove(key);
        }
        return Ok(document.to_string());
    }
    // A key stands on the line on which its value begins.
    let start = text[..span.start].rfind('\n').map_or(0, |end| end + 1);
    let end = text[span.end..].find('\n').map_or(text.len(), |end| span.end + end + 1);
    let comment = text[span.end..end].find('#').map_or("", |at| &text[span.end + at..end]);
    Ok(format!("{}{comment}{}", &text[..start], &text[end..]))
}

fn find<'a>(root: &'a Table, name: &str) -> Option<&'a Item> {
    match split(name) {
        (None, key) => root.get(key),
        (Some(group), key) => root.get(group)?.as_table_like()?.get(key),
    }
}

/// The group that a setting is in, and its name there.
fn split(name: &str) -> (Option<&str>, &str) {
    name.split_once('.').map_or((None, name), |(group, key)| (Some(group), key))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn one() -> Value {
        Value::from("1s")
    }

    #[rstest]
    #[case::empty("", "[retry]\nwait = \"1s\"\n")]
    #[case::in_its_group(
        "[retry]\n# why\nwait = '9s' # slow\n\n[x]\n",
        "[retry]\n# why\nwait = \"1s\" # slow\n\n[x]\n"
    )]
    #[case::into_its_group("[retry]\na = 1\n\n[x]\nb = 2\n", "[retry]\na = 1\nwait = \"1s\"\n\n[x]\nb = 2\n")]
    #[case::a_new_group("# mine\n[x]\nb = 2 # two\n", "# mine\n[x]\nb = 2 # two\n\n[retry]\nwait = \"1s\"\n")]
    #[case::a_comment_at_the_end("[x]\n# two\n", "[x]\n# two\n\n[retry]\nwait = \"1s\"\n")]
    #[case::dotted("retry.wait = '9s' # slow\n", "retry.wait = \"1s\" # slow\n")]
    #[case::dotted_beside("retry.a = 1\n[x]\n", "retry.a = 1\nretry.wait = \"1s\"\n[x]\n")]
    #[case::inline("retry = { wait = '9s', a = 1 }\n", "retry = { wait = \"1s\", a = 1 }\n")]
    #[case::into_inline("retry = { a = 1 }\n", "retry = { a = 1 , wait = \"1s\" }\n")]
    #[case::a_list("[retry]\nwait = [\n  \"a\", # first\n]\n", "[retry]\nwait = \"1s\"\n")]
    #[case::no_last_line_break("[retry]\nwait = '9s'", "[retry]\nwait = \"1s\"")]
    fn one_setting_is_written_and_the_rest_stays(#[case] before: &str, #[case] after: &str) {
        assert_eq!(set(before, "retry.wait", &one()).unwrap(), after);
    }

    #[test]
    fn a_setting_without_a_group_stands_before_the_groups() {
        assert_eq!(set("[x]\nb = 2\n", "wait", &one()).unwrap(), "wait = \"1s\"\n[x]\nb = 2\n");
        assert_eq!(
            set("# mine\nwait = '9s'\n[x]\n", "wait", &one()).unwrap(),
            "# mine\nwait = \"1s\"\n[x]\n"
        );
    }

    #[rstest]
    #[case::not_there("[x]\nb = 2\n", "[x]\nb = 2\n")]
    #[case::alone("[retry]\nwait = '9s'\n", "[retry]\n")]
    #[case::with_comments("[retry]\n# why\nwait = '9s' # slow\na = 1\n", "[retry]\n# why\n# slow\na = 1\n")]
    #[case::dotted("a = 1\nretry.wait = '9s'\n[x]\n", "a = 1\n[x]\n")]
    #[case::inline("retry = { wait = '9s', a = 1 }\n", "retry = { a = 1 }\n")]
    #[case::a_list("[retry]\nwait = [\n  \"a\",\n]\na = 1\n", "[retry]\na = 1\n")]
    #[case::the_last_line("[retry]\nwait = '9s'", "[retry]\n")]
    fn one_setting_is_taken_out_and_the_rest_stays(#[case] before: &str, #[case] after: &str) {
        assert_eq!(unset(before, "retry.wait").unwrap(), after);
    }
}
