//! What FTS5's tokenizer makes of letters, so that words can be looked for in a text as the index would.
//!
//! Its tables of Unicode are its own: not of the edition that Rust has, and with an idea of their own of which marks to leave off.
//! So it is asked, once for each letter beyond ASCII that is met.

use std::collections::{BTreeSet, HashMap};
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
    let letter_of =
        |letter: char| known.letters.get(&letter).copied().unwrap_or_else(|| Letter::ascii(letter));
    write(text, words, letter_of);
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
            "CREATE VIRTUAL TABLE asked USING fts5 (text, content = '');
             CREATE VIRTUAL TABLE words USING fts5vocab (asked, instance);",
        )?;
        Ok(Self { letters: HashMap::new(), asked })
    }

    fn learn(&mut self, text: &str) -> Result<()> {
        let is_new = |letter: &char| !letter.is_ascii() && !self.letters.contains_key(letter);
        let new: BTreeSet<char> = text.chars().filter(is_new).collect();
        if !new.is_empty() {
            let new: Vec<char> = new.into_iter().collect();
            let found = self.ask(&new)?;
            self.letters.extend(new.into_iter().zip(found));
        }
        Ok(())
    }

    /// Has the index take each letter alone and between two others: all at once, since it writes its pages out each time.
    fn ask(&self, letters: &[char]) -> Result<Vec<Letter>> {
        let asking = self.asked.unchecked_transaction()?;
        let texts = letters.iter().flat_map(|letter| [letter.to_string(), format!("a{letter}b")]);
        for (at, text) in (0i64..).zip(texts) {
            asking.prepare_cached("INSERT INTO asked (rowid, text) VALUES (?1, ?2)")?.execute((at, text))?;
        }
        let mut words = vec![Vec::new(); letters.len() * 2];
        {
            let mut statement = asking.prepare_cached("SELECT doc, term FROM words")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                words[row.get::<_, usize>(0)?].push(row.get::<_, String>(1)?);
            }
        }
        // Nothing of it is kept.
        asking.rollback()?;
        let letter = |words: &[Vec<String>]| Letter {
            begins: !words[0].is_empty(),
            within: match words[1].as_slice() {
                [one] => match one.chars().collect::<Vec<_>>().as_slice() {
                    ['a', written, 'b'] => Within::WrittenAs(*written),
                    _ => Within::LeftOff,
                },
                _ => Within::EndsIt,
            },
        };
        Ok(words.chunks(2).map(letter).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those of all alphabets, and their marks.
    #[test]
    fn a_text_of_any_letters_is_taken_apart_as_the_index_does_it() {
        let sql = Connection::open_in_memory().unwrap();
        sql.execute_batch(
            "CREATE VIRTUAL TABLE texts USING fts5 (text, content = '');
             CREATE VIRTUAL TABLE words USING fts5vocab (texts, instance);
             BEGIN;",
        )
        .unwrap();
        let all: Vec<char> =
            ('\0'..'\u{2000}').chain('\u{a640}'..'\u{ac00}').chain('\u{ff00}'..'\u{10400}').collect();
        let texts: Vec<String> = all.chunks(600).map(String::from_iter).collect();
        for (at, text) in texts.iter().enumerate() {
            sql.execute("INSERT INTO texts (rowid, text) VALUES (?1, ?2)", (at, text)).unwrap();
        }
        let mut words = sql.prepare("SELECT doc, term FROM words ORDER BY doc, offset").unwrap();
        let mut expected = vec![String::new(); texts.len()];
        let mut rows = words.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let written = &mut expected[row.get::<_, usize>(0).unwrap()];
            written.push(BEFORE_A_WORD);
            written.push_str(&row.get::<_, String>(1).unwrap());
        }
        for (text, expected) in texts.iter().zip(expected) {
            let mut written = String::new();
            write_words(text, &mut written).unwrap();
            assert_eq!(written, expected, "{text}");
        }
    }
}
