//! The words by which items are found: of their transactions, and of their last errors.

use rusqlite::Connection;

use crate::error::Result;

pub(crate) fn add_transaction(
    sql: &Connection,
    txn: i64,
    transaction_id: &str,
    external_ids: &str,
    title: Option<&str>,
) -> Result<()> {
    sql.prepare_cached(
        "INSERT INTO transaction_words (rowid, transaction_id, external_ids, title) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute((txn, transaction_id, external_ids, title))?;
    Ok(())
}

pub(crate) fn forget_transaction(sql: &Connection, txn: i64) -> Result<()> {
    sql.prepare_cached("DELETE FROM transaction_words WHERE rowid = ?1")?.execute([txn])?;
    Ok(())
}

pub(crate) fn set_error(
    sql: &Connection,
    item: i64,
    code: Option<&str>,
    message: Option<&str>,
) -> Result<()> {
    sql.prepare_cached("INSERT OR REPLACE INTO error_words (rowid, code, message) VALUES (?1, ?2, ?3)")?
        .execute((item, code, message))?;
    Ok(())
}

pub(crate) fn forget_error(sql: &Connection, item: i64) -> Result<()> {
    sql.prepare_cached("DELETE FROM error_words WHERE rowid = ?1")?.execute([item])?;
    Ok(())
}

/// What a person typed, as a query of FTS5: every word of it, in any order, the beginning of a word being enough. `None`
/// where there is no word in it.
///
/// Words are what FTS5's own tokenizer takes for words (`unicode61`: letters and digits); what is joined by other signs,
/// like `WI-001`, must stand together.
pub(crate) fn query(text: &str) -> Option<String> {
    let words: Vec<String> = text
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        // In quotes everything is a word, and no operator; a quote in it is doubled.
        .map(|word| format!("\"{}\"*", word.replace('"', "\"\"")))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("WI-001", Some("\"WI-001\"*"))]
    #[case("  revenue  rep ", Some("\"revenue\"* \"rep\"*"))]
    #[case("a OR b", Some("\"a\"* \"OR\"* \"b\"*"))]
    #[case("say \"hi\"", Some("\"say\"* \"\"\"hi\"\"\"*"))]
    #[case("title:x* NEAR(", Some("\"title:x*\"* \"NEAR(\"*"))]
    #[case(" -- \"* ", None)]
    #[case("", None)]
    fn what_a_person_types_is_words_and_nothing_else(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(query(text).as_deref(), expected);
    }
}
