//! The words by which items are found: of their transactions, and of their last errors.

use rusqlite::Connection;

use crate::error::Result;

/// Words that change with a group of writes. They are written at its end, before its commit: FTS5 gathers what is written in
/// one go, and would write its index out at each statement in between.
///
/// So a job does not find by words what its own group wrote.
#[derive(Debug, Default)]
pub(crate) struct Pending(Vec<Word>);

#[derive(Debug)]
enum Word {
    Transaction { txn: i64, transaction_id: String, external_ids: String, title: Option<String> },
    ForgetTransaction(i64),
    Error { item: i64, code: Option<String>, message: Option<String> },
    ForgetError(i64),
}

impl Pending {
    /// The words of a new transaction.
    pub(crate) fn add_transaction(
        &mut self,
        txn: i64,
        transaction_id: &str,
        external_ids: &str,
        title: Option<&str>,
    ) {
        self.0.push(Word::Transaction {
            txn,
            transaction_id: transaction_id.to_owned(),
            external_ids: external_ids.to_owned(),
            title: title.map(str::to_owned),
        });
    }

    /// A transaction is cleared away.
    pub(crate) fn forget_transaction(&mut self, txn: i64) {
        self.0.push(Word::ForgetTransaction(txn));
    }

    /// The words of an item's last error, instead of those of the one before.
    pub(crate) fn set_error(&mut self, item: i64, code: Option<&str>, message: Option<&str>) {
        self.0.push(Word::Error { item, code: code.map(str::to_owned), message: message.map(str::to_owned) });
    }

    /// An item has no error any more.
    pub(crate) fn forget_error(&mut self, item: i64) {
        self.0.push(Word::ForgetError(item));
    }

    /// What was done later.
    pub(crate) fn add(&mut self, later: Self) {
        self.0.extend(later.0);
    }

    /// Writes it all, in the order in which it was done.
    pub(crate) fn write(self, sql: &Connection) -> Result<()> {
        for word in self.0 {
            match word {
                Word::Transaction { txn, transaction_id, external_ids, title } => sql
                    .prepare_cached(
                        "INSERT INTO transaction_words (rowid, transaction_id, external_ids, title) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute((txn, transaction_id, external_ids, title))?,
                Word::ForgetTransaction(txn) => {
                    sql.prepare_cached("DELETE FROM transaction_words WHERE rowid = ?1")?.execute([txn])?
                }
                Word::Error { item, code, message } => sql
                    .prepare_cached(
                        "INSERT OR REPLACE INTO error_words (rowid, code, message) VALUES (?1, ?2, ?3)",
                    )?
                    .execute((item, code, message))?,
                Word::ForgetError(item) => {
                    sql.prepare_cached("DELETE FROM error_words WHERE rowid = ?1")?.execute([item])?
                }
            };
        }
        Ok(())
    }
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

/// Are all words of what a person typed in one of these texts each, or their beginnings, as [`query`] means it?
///
/// It differs from FTS5 in that letters are compared with their marks: `größe` is found by `größe` alone.
pub(crate) fn are_in(text: &str, texts: &[&str]) -> bool {
    let texts: Vec<Vec<String>> = texts.iter().map(|text| tokens(text)).collect();
    text.split_whitespace().map(tokens).filter(|phrase| !phrase.is_empty()).all(|phrase| {
        texts.iter().any(|text| text.windows(phrase.len()).any(|window| begins(window, &phrase)))
    })
}

fn tokens(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Is it the same but for the end of the last word?
fn begins(window: &[String], phrase: &[String]) -> bool {
    match (window.split_last(), phrase.split_last()) {
        (Some((last, first)), Some((beginning, same))) => first == same && last.starts_with(beginning),
        _ => false,
    }
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

    #[rstest]
    #[case::the_name("WI-101", true)]
    #[case::its_beginning("wi-10", true)]
    #[case::not_its_end("101", true)]
    #[case::in_order("101-WI", false)]
    #[case::a_word_of_the_title("REV", true)]
    #[case::words_of_both("rep wi", true)]
    #[case::one_of_another("report WI-102", false)]
    #[case::nothing_but_signs("-- report", true)]
    #[case::marks("größ", true)]
    #[case::joined("revenue-rep", true)]
    #[case::joined_and_not_whole("rev-report", false)]
    fn words_are_looked_for_as_the_index_does(#[case] text: &str, #[case] found: bool) {
        assert_eq!(are_in(text, &["WI-101", "Add revenue report, Größe"]), found);
        // The index says the same.
        let sql = Connection::open_in_memory().unwrap();
        sql.execute_batch("CREATE VIRTUAL TABLE w USING fts5 (name, title); INSERT INTO w VALUES ('WI-101', 'Add revenue report, Größe')")
            .unwrap();
        let n: i64 = sql
            .query_row("SELECT count(*) FROM w WHERE w MATCH ?1", [query(text)], |row| row.get(0))
            .unwrap();
        assert_eq!(n == 1, found);
    }
}
