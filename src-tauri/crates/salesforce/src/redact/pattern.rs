//! Looking for a secret in a view.

use super::view::View;

/// A secret to look for: Knuth, Morris and Pratt's search, from the end of the text to its beginning.
///
/// That way each place of a [`View`] has one place before it, however many ways there are to read up to it. The strong
/// form of the fallbacks bounds the steps at a single place by the logarithm of the secret's length, which a search along
/// a tree needs: where two ways part, both would pay for the steps that they had saved together.
pub(super) struct Pattern {
    /// The first eight symbols, as [`View::beginnings`] has them.
    pub(super) beginning: u64,
    backwards: Vec<u8>,
    /// By the number of symbols that were found: how many of them are found all the same where the next one is another.
    fallbacks: Vec<Option<usize>>,
}

impl Pattern {
    pub(super) fn new(secret: &[u8]) -> Self {
        let backwards: Vec<u8> = secret.iter().rev().copied().collect();
        let beginning =
            secret.iter().take(8).rev().fold(0, |beginning, symbol| beginning << 8 | u64::from(*symbol));
        let mut fallbacks = vec![None];
        // The most of the end of what was found that is its beginning too.
        let mut border = None;
        for found in 1..=backwards.len() {
            border = match border {
                None => Some(0),
                Some(mut border) => {
                    let last = backwards[found - 1];
                    loop {
                        if backwards[border] == last {
                            break Some(border + 1);
                        }
                        match fallbacks[border] {
                            Some(shorter) => border = shorter,
                            None => break Some(0),
                        }
                    }
                }
            };
            let same_again = |border: &usize| backwards.get(found) == backwards.get(*border);
            fallbacks.push(match border {
                Some(border) if found < backwards.len() && same_again(&border) => fallbacks[border],
                border => border,
            });
        }
        Self { beginning, backwards, fallbacks }
    }

    pub(super) fn len(&self) -> usize {
        self.backwards.len()
    }

    /// Tells each place at which the secret begins, from the last one on.
    pub(super) fn find(&self, view: &View, mut found_at: impl FnMut(usize)) {
        let mut found = vec![0; view.len() + 1];
        for at in (0..view.len()).rev() {
            found[at] = self.step(found[view.next(at)], view.symbol(at));
            if found[at] == self.len() {
                found_at(at);
            }
        }
    }

    fn step(&self, mut found: usize, symbol: u8) -> usize {
        loop {
            if self.backwards.get(found) == Some(&symbol) {
                return found + 1;
            }
            match self.fallbacks[found] {
                Some(fewer) => found = fewer,
                None => return 0,
            }
        }
    }
}
