//! What FTS5's tokenizer makes of letters, so that words can be looked for in a text as the index would.
//!
//! Its tables of Unicode are its own (not the edition that Rust has, and with an idea of its own of which marks to leave off). So it is
//! asked, once for each letter beyond ASCII that is met.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use crate::error::Result;

/// Stands before each word of a text as the index sees it. It is in no word.
pub(crate) const BEFORE_A_WORD: char = '\0';

/// What a letter is to the tokenizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Letter {
    /// Can a word begin with it?
    begins: bool,
    /// What becomes of it within a word.
    within: Within,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    WrittenAs(char),
    /// It is a mark.
    LeftOff,
    EndsIt,
}

impl Letter {
    fn ascii(letter: char) -> Self {
        let begins = letter.is_ascii_alphanumeric();
        let within = if begins { Within::WrittenAs(letter.to_ascii_lowercase()) } else { Within::EndsIt };
        Self { begins, within }
    }
}

/// A text as the index sees it, at the end of `words`: its words in their order, [`BEFORE_A_WORD`] before each.
pub(crate) fn write_words(text: &str, words: &mut String) -> Result<()> {
    if text.is_ascii() {
        write(text, words, Letter::ascii);
        return Ok(());
    }
    let mut all = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = all.take().map_or_else(Known::none, Ok)?;
    let known = all.insert(known);
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
                Within::WrittenAs(letter) => words.push(letter),
                Within::LeftOff => {}
                Within::EndsIt => in_word = false,
            }
        }
    }
}

/// The letters beyond ASCII that were met so far.
static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

struct Known {
    letters: HashMap<char, Letter>,
    /// An index of nothing, to be asked.
    asked: Connection,
}

impl Known {
    fn none() -> Result<Self> {
        let asked = Connection::open_in_memory()?;
        asked.execute_batch(
            "CREATE VIRTUAL TABLE asked USING fts5 (text, content = '', contentless_delete = 1);
             CREATE VIRTUAL TABLE words USING fts5vocab (asked, instance);",
        )?;
        Ok(Self { letters: HashMap::new(), asked })
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

    fn ask(&self, letter: char) -> Result<Letter> {
        let begins = !self.words_of(&letter.to_string())?.is_empty();
        let within = match self.words_of(&format!("a{letter}b"))?.as_slice() {
            [one] => match one.chars().collect::<Vec<_>>().as_slice() {
                ['a', written, 'b'] => Within::WrittenAs(*written),
                _ => Within::LeftOff,
            },
            _ => Within::EndsIt,
        };
        Ok(Letter { begins, within })
    }

    fn words_of(&self, text: &str) -> Result<Vec<String>> {
        self.asked
            .prepare_cached("INSERT OR REPLACE INTO asked (rowid, text) VALUES (1, ?1)")?
            .execute([text])?;
        let mut words = self.asked.prepare_cached("SELECT term FROM words ORDER BY offset")?;
        Ok(words.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
    }
}
