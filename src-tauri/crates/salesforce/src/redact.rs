//! Cutting tokens, and then the length, out of what an org says, before anybody keeps or shows it.

use secrecy::{ExposeSecret as _, SecretString};

mod pattern;
mod view;

use pattern::Pattern;
use view::{Bare, Pairs, View};

/// What stands in place of a token.
const CUT: &str = "[token removed]";
/// The fewest bytes of something that is looked for: a "secret" of a few letters would cut up every text.
const SHORTEST: usize = 8;
/// How many times a text may be written inside another: a mix of escapes, in JSON, in a page.
const LAYERS: usize = 3;
/// The most of a text that is read, in bytes; half of it comes back, so that no token is cut by the end.
const READ: usize = 256 * 1024;

/// `text` without any of `secrets`, however it writes them: as they are, percent-encoded as in a URL, with the escapes of
/// JSON and JavaScript, with the references of HTML, in any mix of these, and so again inside one another.
///
/// Takes time in proportion to the text, whatever it is: an org may answer anything. A text without a secret comes back
/// as it is; of one of more than 256 KiB comes the beginning, 128 KiB. Escapes that stand for other than printable ASCII
/// are not read, since codes, tokens and client secrets are of that (RFC 6749, appendix A).
pub(crate) fn clean(text: &str, secrets: &[SecretString]) -> String {
    let (text, kept) = match text.len() {
        0..=READ => (text, text),
        _ => (&text[..text.floor_char_boundary(READ)], &text[..text.floor_char_boundary(READ / 2)]),
    };
    let secrets = secrets.iter().map(|secret| secret.expose_secret().as_bytes());
    let mut patterns: Vec<Pattern> =
        secrets.filter(|secret| secret.len() >= SHORTEST).map(Pattern::new).collect();
    if patterns.is_empty() {
        return kept.to_owned();
    }
    patterns.sort_unstable_by_key(|pattern| pattern.beginning);
    let mut cuts = Cuts::none(text);
    // What was meant by a reference without its end is anybody's guess, so it is read both ways.
    for bare in [Bare::IsWhole, Bare::MayGoOn] {
        read(&View::of(text), bare, LAYERS, &patterns, &mut cuts);
    }
    cuts.made(kept)
}

/// Cuts out what is a secret in this view, and in what its escapes stand for.
fn read(view: &View, bare: Bare, layers: usize, patterns: &[Pattern], cuts: &mut Cuts) {
    cut_out(view, patterns, cuts);
    if layers == 0 {
        return;
    }
    // Nor is it known which of two backslashes means the other one.
    let pairs = view.decoded(bare, Pairs::AreOne);
    let singles = view.decoded(bare, Pairs::AreTwo);
    let others = singles.filter(|singles| pairs.as_ref() != Some(singles));
    for decoded in [pairs, others].into_iter().flatten() {
        read(&decoded, bare, layers - 1, patterns, cuts);
    }
}

/// Cuts out what is a secret in this view.
fn cut_out(view: &View, patterns: &[Pattern], cuts: &mut Cuts) {
    // Most texts hold no secret, and are gone through once for all of them.
    let mut begun = vec![false; patterns.len()];
    for beginning in view.beginnings() {
        let from = patterns.partition_point(|pattern| pattern.beginning < beginning);
        let alike = patterns[from..].iter().take_while(|pattern| pattern.beginning == beginning).count();
        begun[from..from + alike].fill(true);
    }
    // By place: how many symbols, from there on, are a secret's.
    let mut lengths = Vec::new();
    for pattern in patterns.iter().zip(begun).filter_map(|(pattern, begun)| begun.then_some(pattern)) {
        lengths.resize(view.len(), 0);
        pattern.find(view, |at| lengths[at] = pattern.len().max(lengths[at]));
    }
    for at in 0..lengths.len() {
        let (length, next) = (lengths[at], view.next(at));
        if length > 0 {
            cuts.cut(at, next);
            if length > 1 && next < view.len() {
                lengths[next] = lengths[next].max(length - 1);
            }
        }
    }
}

/// What is to be cut out of a text.
struct Cuts {
    /// By place: how many cuts begin there, less how many end.
    changes: Vec<isize>,
}

impl Cuts {
    fn none(text: &str) -> Self {
        Self { changes: vec![0; text.len() + 1] }
    }

    fn cut(&mut self, from: usize, to: usize) {
        self.changes[from] += 1;
        self.changes[to] -= 1;
    }

    /// The text, or its beginning, with the cuts made. They begin and end between characters, as secrets and escapes do.
    fn made(&self, text: &str) -> String {
        let mut made = String::with_capacity(text.len());
        let (mut open, mut kept_from) = (0, 0);
        let changes = self.changes.iter().enumerate().take(text.len());
        for (at, change) in changes.filter(|(_, change)| **change != 0) {
            let before = open;
            open += change;
            if before == 0 {
                made.push_str(&text[kept_from..at]);
                made.push_str(CUT);
            }
            if open == 0 {
                kept_from = at;
            }
        }
        if open == 0 {
            made.push_str(&text[kept_from..]);
        }
        made
    }
}

/// The first `longest` characters of a text, with a sign where there were more.
pub(crate) fn shorten(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
