//! What FTS5's tokenizer makes of letters, so that words can be looked for in a text as the index would.
//!
//! Its tables of Unicode are its own (not the edition that Rust has, and with an idea of its own of which marks to leave off). So it is
//! asked, once for each letter beyond ASCII that is met.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use rusqlite::Connection;

use crate::error::Result;

/// Stands before each word of a text as the index sees it. It is in no word.
pub(crate) const BEFORE_A_WORD: char = '\0';

/// What a letter is to the tokenizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Letter {
    /// Can a word begin with it?
    begins: bool,
    /// What it is written as within a word: nothing, if it is a mark that is left off. `None`: it ends the word.
    within: Option<Option<char>>,
}

impl Letter {
    fn ascii(letter: char) -> Self {
        let is_in_words = letter.is_ascii_alphanumeric();
        Self { begins: is_in_words, within: is_in_words.then_some(Some(letter.to_ascii_lowercase())) }
    }
}

/// A text as the index sees it, at the end of `words`: its words in their order, [`BEFORE_A_WORD`] before each.
pub(crate) fn write_words(text: &str, words: &mut String) -> Result<()> {
    if text.is_ascii() {
        write(text, words, Letter::ascii);
        return Ok(());
    }
    let mut known = Known::lock();
    known.learn(text)?;
    write(
        text,
        words,
        |letter| {
            if letter.is_ascii() { Letter::ascii(letter) } else { known.letters[&letter] }
        },
    );
    Ok(())
}

fn write(text: &str, words: &mut String, letter_of: impl Fn(char) -> Letter) {
    let mut in_word = false;
    for char in text.chars() {
        let letter = letter_of(char);
        if !in_word && letter.begins {
            in_word = true;
            words.push(BEFORE_A_WORD);
        }
        if in_word {
            match letter.within {
                Some(written) => words.extend(written),
                None => in_word = false,
            }
        }
    }
}

/// The letters beyond ASCII that were met so far.
#[derive(Default)]
struct Known {
    letters: HashMap<char, Letter>,
    /// An index of nothing, to be asked.
    asked: Option<Connection>,
}

impl Known {
    fn lock() -> std::sync::MutexGuard<'static, Self> {
        static KNOWN: OnceLock<Mutex<Known>> = OnceLock::new();
        KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&mut self, text: &str) -> Result<()> {
        for letter in text.chars().filter(|letter| !letter.is_ascii()) {
            if !self.letters.contains_key(&letter) {
                let found = self.ask(letter)?;
                self.letters.insert(letter, found);
            }
        }
        Ok(())
    }

    fn ask(&mut self, letter: char) -> Result<Letter> {
        let sql = match &self.asked {
            Some(sql) => sql,
            None => {
                let sql = Connection::open_in_memory()?;
                sql.execute_batch(
                    "CREATE VIRTUAL TABLE asked USING fts5 (text, content = '', contentless_delete = 1);
                     CREATE VIRTUAL TABLE words USING fts5vocab (asked, instance);",
                )?;
                self.asked.insert(sql)
            }
        };
        let words_of = |text: String| -> Result<Vec<String>> {
            sql.prepare_cached("INSERT OR REPLACE INTO asked (rowid, text) VALUES (1, ?1)")?
                .execute([text])?;
            let mut words = sql.prepare_cached("SELECT term FROM words ORDER BY offset")?;
            let words = words.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            Ok(words)
        };
        let begins = !words_of(letter.to_string())?.is_empty();
        let within = match words_of(format!("a{letter}b"))?.as_slice() {
            // Between the two others.
            [one] => Some(one.chars().nth(1).filter(|_| one.chars().count() > 2)),
            _ => None,
        };
        Ok(Letter { begins, within })
    }
}
