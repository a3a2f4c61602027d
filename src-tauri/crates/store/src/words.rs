//! The words by which items are found: of their transactions, and of their last errors.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use crate::error::Result;
use crate::letters;

/// Words that change with a group of writes. They are written at its end, before its commit, or kept for later ([`Backlog`]):
/// FTS5 gathers what is written in one go, and would write its index out at each statement in between.
///
/// So a job does not find by words what its own group wrote.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    words: Vec<Word>,
    at_once: bool,
}

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
        self.words.push(Word::Transaction {
            txn,
            transaction_id: transaction_id.to_owned(),
            external_ids: external_ids.to_owned(),
            title: title.map(str::to_owned),
        });
    }

    /// A transaction is cleared away.
    pub(crate) fn forget_transaction(&mut self, txn: i64) {
        self.words.push(Word::ForgetTransaction(txn));
    }

    /// The words of an item's last error, instead of those of the one before.
    pub(crate) fn set_error(&mut self, item: i64, code: Option<&str>, message: Option<&str>) {
        self.words.push(Word::Error {
            item,
            code: code.map(str::to_owned),
            message: message.map(str::to_owned),
        });
    }

    /// An item has no error any more.
    pub(crate) fn forget_error(&mut self, item: i64) {
        self.words.push(Word::ForgetError(item));
    }

    /// Nothing is to be kept for later: somebody searches.
    pub(crate) fn write_at_once(&mut self) {
        self.at_once = true;
    }

    /// What was done later.
    pub(crate) fn add(&mut self, later: Self) {
        self.words.extend(later.words);
        self.at_once |= later.at_once;
    }

    /// Writes it all, in the order in which it was done.
    pub(crate) fn write(&self, sql: &Connection) -> Result<()> {
        write(&self.words, sql)
    }
}

fn write(words: &[Word], sql: &Connection) -> Result<()> {
    for word in words {
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

/// The words of transactions that are on the disk, kept until there are many: FTS5 makes a piece of index of whatever it is given
/// in one go, and merges the pieces later, so that a few at each commit cost several times as much as many at once.
///
/// Whoever searches has them written first. They may be lost with the program: words are written in the order of their
/// transactions, so that what the index lacks is known at the next start.
#[derive(Debug)]
pub(crate) struct Backlog {
    words: Vec<Word>,
    is_waiting: Arc<AtomicBool>,
}

/// As many transactions are worth a piece of index.
const WORTH_WRITING: usize = 256;

impl Backlog {
    /// The words that were kept when the program ended last. They are only read: a start must not need room on the disk.
    pub(crate) fn left(sql: &Connection) -> Result<Self> {
        // What stood in a payload that went nowhere is found by nothing.
        let mut missing = sql.prepare(
            "SELECT id, transaction_id, external_ids, title FROM transactions
              WHERE id > (SELECT coalesce(max(id), 0) FROM transaction_words_docsize) AND body IS NOT NULL ORDER BY id",
        )?;
        let words = missing
            .query_map([], |row| {
                Ok(Word::Transaction {
                    txn: row.get(0)?,
                    transaction_id: row.get(1)?,
                    external_ids: row.get(2)?,
                    title: row.get(3)?,
                })
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let is_waiting = Arc::new(AtomicBool::new(!words.is_empty()));
        Ok(Self { words, is_waiting })
    }

    /// Whether anything is kept.
    pub(crate) fn is_waiting(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_waiting)
    }

    /// Are these words to be kept, too, when their group is committed? If not, they have been written, and what was kept
    /// before them.
    pub(crate) fn or_write(&self, group: &Pending, sql: &Connection) -> Result<bool> {
        let is_new = |word: &Word| matches!(word, Word::Transaction { .. });
        let few = self.words.len() + group.words.len() < WORTH_WRITING;
        if few && !group.at_once && group.words.iter().all(is_new) {
            return Ok(true);
        }
        write(&self.words, sql)?;
        group.write(sql)?;
        Ok(false)
    }

    /// A group was committed, whose words are to be kept or, with all others, were written.
    pub(crate) fn committed(&mut self, group: Pending, keep: bool) {
        if keep {
            self.words.extend(group.words);
        } else {
            self.words.clear();
        }
        self.is_waiting.store(!self.words.is_empty(), Ordering::Release);
    }
}

/// What a person typed to search by: every word of it, in any order, the beginning of a word being enough.
///
/// Words are what FTS5's own tokenizer takes for words (`unicode61`: letters and digits, without most marks); what is joined by
/// other signs, like `WI-001`, must stand together.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    query: String,
    /// What must be in the words of a text, as [`letters::write_words`] writes them.
    phrases: Vec<String>,
}

impl Search {
    /// `None` where there is no word in it, so that nothing is found by it.
    pub(crate) fn read(text: &str) -> Result<Option<Self>> {
        let words = text
            .split(|c: char| c.is_whitespace() || c == '\0')
            .filter(|word| word.chars().any(char::is_alphanumeric));
        let (mut query, mut phrases) = (Vec::new(), Vec::new());
        for word in words {
            // In quotes everything is a word, and no operator; a quote in it is doubled.
            query.push(format!("\"{}\"*", word.replace('"', "\"\"")));
            let mut phrase = String::new();
            letters::write_words(word, &mut phrase)?;
            phrases.push(phrase);
        }
        // FTS5 passes over words in which its own tokenizer finds no letter.
        phrases.retain(|phrase| !phrase.is_empty());
        Ok((!phrases.is_empty()).then(|| Self { query: query.join(" "), phrases }))
    }

    /// As a query of FTS5.
    pub(crate) fn query(&self) -> &str {
        &self.query
    }

    /// Are all words in these texts, some in one and some in another? So says the index of a row with these texts.
    pub(crate) fn is_in(&self, texts: &[&str]) -> Result<bool> {
        let mut words = String::new();
        for text in texts {
            // One more, so that no phrase reaches from one text into the next.
            words.push(letters::BEFORE_A_WORD);
            letters::write_words(text, &mut words)?;
        }
        Ok(self.phrases.iter().all(|phrase| words.contains(phrase.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn query(text: &str) -> Option<String> {
        Search::read(text).unwrap().map(|search| search.query().to_owned())
    }

    #[rstest]
    #[case("WI-001", Some("\"WI-001\"*"))]
    #[case("  revenue  rep ", Some("\"revenue\"* \"rep\"*"))]
    #[case("a OR b", Some("\"a\"* \"OR\"* \"b\"*"))]
    #[case("say \"hi\"", Some("\"say\"* \"\"\"hi\"\"\"*"))]
    #[case("title:x* NEAR(", Some("\"title:x*\"* \"NEAR(\"*"))]
    #[case("one\0two", Some("\"one\"* \"two\"*"))]
    #[case(" -- \"* ", None)]
    #[case("", None)]
    // A mark, which Rust counts among the letters, and the index does not.
    #[case("\u{345}", None)]
    fn what_a_person_types_is_words_and_nothing_else(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(query(text).as_deref(), expected);
    }

    /// An index of one row with these texts.
    fn index(name: &str, title: &str) -> Connection {
        let sql = Connection::open_in_memory().unwrap();
        sql.execute_batch("CREATE VIRTUAL TABLE w USING fts5 (name, title, content = '', prefix = '3')")
            .unwrap();
        sql.execute("INSERT INTO w (rowid, name, title) VALUES (1, ?1, ?2)", [name, title]).unwrap();
        sql
    }

    fn is_in_index(sql: &Connection, text: &str) -> bool {
        query(text).is_some_and(|query| {
            sql.query_row("SELECT count(*) FROM w WHERE w MATCH ?1", [query], |row| row.get::<_, i64>(0))
                .unwrap()
                == 1
        })
    }

    fn is_in(text: &str, name: &str, title: &str) -> bool {
        Search::read(text).unwrap().is_some_and(|search| search.is_in(&[name, title]).unwrap())
    }

    #[rstest]
    #[case::the_name("WI-101", true)]
    #[case::its_beginning("wi-10", true)]
    #[case::not_its_end("101", true)]
    #[case::in_order("101-WI", false)]
    #[case::a_word_of_the_title("REV", true)]
    #[case::words_of_both("rep wi", true)]
    #[case::one_of_another("report WI-102", false)]
    #[case::no_word_of_both("101-Add", false)]
    #[case::nothing_but_signs("-- report", true)]
    #[case::nothing("--", false)]
    #[case::marks("größ", true)]
    #[case::without_marks("GROSS grös gros", false)]
    #[case::the_base_of_marked_letters("gro", true)]
    #[case::joined("revenue-rep", true)]
    #[case::joined_and_not_whole("rev-report", false)]
    fn words_are_looked_for_as_the_index_does(#[case] text: &str, #[case] found: bool) {
        let (name, title) = ("WI-101", "Add revenue report, Größe");
        assert_eq!(is_in(text, name, title), found);
        assert_eq!(is_in_index(&index(name, title), text), found);
    }

    /// Letters of many kinds: with marks before and behind them, cased oddly, of several scripts, of no script.
    const LETTERS: &str =
        "[abAB1 \\-\",'éÉöẞßıİſΣςЖжا\u{301}\u{308}\u{345}中文½²ǅ\u{e000}\u{1e900}🎉\u{0}\n]{0,6}";

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_typed_and_whatever_the_text_it_is_found_as_by_the_index(
            searches in prop::collection::vec(LETTERS, 8),
            name in LETTERS,
            title in LETTERS,
            // Any letter there is, and the text with it.
            any in "\\PC{1,3}",
        ) {
            let title = format!("{title}{any}");
            let sql = index(&name, &title);
            // What stands there, and parts of it, are found more often than what is random.
            let parts = title.char_indices().map(|(at, _)| title[at..].to_owned());
            for text in searches.into_iter().chain([name.clone(), any.clone()]).chain(parts) {
                prop_assert_eq!(is_in(&text, &name, &title), is_in_index(&sql, &text), "{:?}", text);
            }
        }
    }
}
