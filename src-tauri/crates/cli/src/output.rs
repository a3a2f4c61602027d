//! Showing things to a person: tables, times, colours.

use std::io::{self, IsTerminal as _, Write};

use chrono::{DateTime, Local};

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    colour: Option<Colour>,
}

/// What a colour says; it never says anything alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    /// As it should be.
    Good,
    /// Being worked on, or waiting.
    Busy,
    /// Needs a person.
    Bad,
    /// Of no weight.
    Faint,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Busy => "33",
            Self::Bad => "31",
            Self::Faint => "2",
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: tame(&text.into()), colour: None }
    }
}

impl Cell {
    pub(crate) fn coloured(text: impl Into<String>, colour: Colour) -> Self {
        Self { colour: Some(colour), ..Self::from(text) }
    }

    /// An item's status or an org's health.
    pub(crate) fn state(word: &str) -> Self {
        let colour = match word {
            "synced" | "connected" | "enabled" | "ok" => Colour::Good,
            "queued" | "processing" | "retrying" | "rateLimited" | "orgUnreachable" | "warning" => {
                Colour::Busy
            }
            "failed" | "signInRequired" | "endpointMissing" => Colour::Bad,
            _ => Colour::Faint,
        };
        Self::coloured(word, colour)
    }
}

/// A text from elsewhere, so that it can do nothing to the terminal.
pub(crate) fn tame(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A text of at most so many characters.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A time of the API's in this machine's zone; `-` for none.
pub(crate) fn time(text: Option<&str>) -> String {
    let Some(text) = text else { return "-".to_owned() };
    DateTime::parse_from_rfc3339(text).map_or_else(
        |_| text.to_owned(),
        |time| time.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// Does a time of the API's lie behind, by this machine's clock?
#[expect(clippy::disallowed_methods, reason = "a command has no other clock")]
pub(crate) fn has_passed(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok_and(|time| time <= chrono::Utc::now())
}

/// Where a person reads.
pub(crate) struct Screen {
    out: Box<dyn Write>,
    colours: bool,
}

impl Screen {
    /// stdout, with colours on a terminal whose user has nothing against them.
    pub(crate) fn stdout() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let able = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { out: Box::new(io::stdout().lock()), colours: wanted && able && io::stdout().is_terminal() }
    }

    /// One line.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Aligned columns under their names, if they have any.
    pub(crate) fn table(&mut self, names: &[&str], rows: &[Vec<Cell>]) -> io::Result<()> {
        let head: Vec<Cell> = names.iter().map(|name| Cell::coloured(*name, Colour::Faint)).collect();
        let has_names = names.iter().any(|name| !name.is_empty());
        let all: Vec<&Vec<Cell>> = has_names.then_some(&head).into_iter().chain(rows).collect();
        let width = |column: usize| {
            all.iter().filter_map(|row| row.get(column)).map(|c| c.text.chars().count()).max()
        };
        let widths: Vec<usize> = (0..names.len()).map(|column| width(column).unwrap_or(0)).collect();
        for row in all {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                // Padded by characters, outside of the colour.
                let padding = width.saturating_sub(cell.text.chars().count());
                line.push_str(&self.paint(cell));
                line.extend(std::iter::repeat_n(' ', padding));
            }
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn paint(&self, cell: &Cell) -> String {
        match cell.colour {
            Some(colour) if self.colours => format!("\u{1b}[{}m{}\u{1b}[0m", colour.code(), cell.text),
            _ => cell.text.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn shown(colours: bool) -> String {
        let paper = Paper::default();
        let mut screen = Screen { out: Box::new(paper.clone()), colours };
        let rows = [
            vec![Cell::state("failed"), "é".into(), "x".into()],
            vec![Cell::state("queued"), "long".into(), "y".into()],
        ];
        screen.table(&["STATUS", "NAME", "X"], &rows).unwrap();
        let bytes = paper.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn columns_are_aligned_with_and_without_colours() {
        assert_eq!(shown(false), "STATUS  NAME  X\nfailed  é     x\nqueued  long  y\n");
        let coloured = shown(true);
        assert!(coloured.contains("\u{1b}[31mfailed\u{1b}[0m  é     x"), "{coloured:?}");
    }

    #[test]
    fn a_time_has_passed_or_has_not() {
        assert!(has_passed("2020-01-01T00:00:00.000Z"));
        assert!(!has_passed("2999-01-01T00:00:00.000Z"));
    }

    #[test]
    fn a_text_from_elsewhere_does_nothing_to_the_terminal() {
        assert_eq!(Cell::from("a\u{1b}[2Jb\nc").text, "a [2Jb c");
    }

    #[test]
    fn a_long_text_is_shortened_by_characters() {
        assert_eq!(shorten("héllo", 5), "héllo");
        assert_eq!(shorten("héllo!", 5), "héll…");
    }
}
