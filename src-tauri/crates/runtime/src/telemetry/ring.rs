//! The last lines of the log in memory, for whoever is asked for them by support; each goes to the log's file too.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};

use tracing::Subscriber;
use tracing::field::Field;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use super::file;
use crate::redact;

/// How many lines are kept.
const KEPT: usize = 400;
/// How much of a line is kept, in bytes.
const LONGEST: usize = 1_000;
/// Fields with the words of an org, which may repeat what it was sent.
const OF_ORGS: [&str; 2] = ["detail", "why"];

static LINES: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// The last lines, the oldest first.
pub(crate) fn lines() -> Vec<String> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
}

/// Keeps what this program itself logs: other crates are not bound to our rules for what may stand in a log.
pub(super) fn layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fmt::layer()
        .with_ansi(false)
        .fmt_fields(debug_fn(field))
        .with_writer(Ring)
        .with_filter(filter_fn(|event| event.target().starts_with("sync_monitor")))
}

fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn std::fmt::Debug) -> std::fmt::Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        name if OF_ORGS.contains(&name) => write!(writer, " {name}=[left out]"),
        // An org's too, but where it is written like a code it is one.
        "code" if !is_code(&format!("{value:?}")) => write!(writer, " code=[not a code]"),
        name => write!(writer, " {name}={value:?}"),
    }
}

/// A text in quotes, in capitals.
fn is_code(text: &str) -> bool {
    text.trim_matches('"').chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[derive(Clone, Copy)]
struct Ring;

impl<'a> MakeWriter<'a> for Ring {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

impl io::Write for Ring {
    /// Takes an event as a whole, as the layer writes it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let text = redact::line(text.trim_end()).replace('\n', " ");
        let end =
            text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= LONGEST).last();
        let line = &text[..end.unwrap_or(0)];
        file::write(line);
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn the_last_lines_are_kept_as_they_may_be_shown_and_those_of_others_are_not() {
        let subscriber = tracing_subscriber::registry().with(layer());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "sync_monitor::test", "the first line");
            for n in 0..KEPT - 3 {
                tracing::debug!(target: "sync_monitor::test", n, "a line between");
            }
            tracing::warn!(target: "hyper::proto", "another crate's line");
            tracing::warn!(target: "sync_monitor::test", org = "00D", detail = "an org's words", code = "A_CODE", "failed\nagain");
            tracing::warn!(target: "sync_monitor::test", code = "no code", url = "https://acme.example/x", "failed");
            tracing::info!(target: "sync_monitor::test", "{}", "long ".repeat(LONGEST));
        });
        let lines = lines();
        assert_eq!(lines.len(), KEPT);
        assert!(lines[0].ends_with("a line between n=0"), "the first made room: {}", lines[0]);
        assert!(
            lines[KEPT - 3].ends_with("failed again org=\"00D\" detail=[left out] code=\"A_CODE\""),
            "{}",
            lines[KEPT - 3]
        );
        assert!(
            lines[KEPT - 2].ends_with("failed code=[not a code] url=\"https://[host]/x\""),
            "{}",
            lines[KEPT - 2]
        );
        assert_eq!(lines[KEPT - 1].len(), LONGEST);
        assert!(!lines.iter().any(|line| line.contains("another crate")));
    }
}
