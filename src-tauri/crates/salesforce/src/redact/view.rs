//! A text as its escapes are read.

/// How many digits of a number are read; leading zeros are allowed.
const MOST_DIGITS: usize = 16;
/// The longest name of a character.
const LONGEST_NAME: usize = 16;

/// The names that HTML has for printable ASCII characters (HTML Living Standard, "Named character references").
#[rustfmt::skip]
const NAMES: [(&str, u8); 42] = [
    ("AMP", b'&'), ("DiacriticalGrave", b'`'), ("GT", b'>'), ("Hat", b'^'), ("LT", b'<'),
    ("QUOT", b'"'), ("UnderBar", b'_'), ("VerticalLine", b'|'), ("amp", b'&'), ("apos", b'\''),
    ("ast", b'*'), ("bsol", b'\\'), ("colon", b':'), ("comma", b','), ("commat", b'@'), ("dollar", b'$'),
    ("equals", b'='), ("excl", b'!'), ("grave", b'`'), ("gt", b'>'), ("lbrace", b'{'), ("lbrack", b'['),
    ("lcub", b'{'), ("lowbar", b'_'), ("lpar", b'('), ("lsqb", b'['), ("lt", b'<'), ("midast", b'*'),
    ("num", b'#'), ("percnt", b'%'), ("period", b'.'), ("plus", b'+'), ("quest", b'?'), ("quot", b'"'),
    ("rbrace", b'}'), ("rbrack", b']'), ("rcub", b'}'), ("rpar", b')'), ("rsqb", b']'), ("semi", b';'),
    ("sol", b'/'), ("verbar", b'|'),
];
/// Those that a browser takes without a semicolon too, whatever follows.
const BARE_NAMES: [(&str, u8); 4] = [("amp", b'&'), ("lt", b'<'), ("gt", b'>'), ("quot", b'"')];

/// A text, read from each of its places: which symbol begins there, and where the next one does.
///
/// From each place, and not from its beginning only, since nobody knows where the reading should begin: in `%00D…` there
/// may be an escaped zero, or a percent sign and then an access token. So the places form a tree whose root is the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    symbols: Vec<u8>,
    next: Vec<usize>,
}

/// What a reference of HTML is whose semicolon is not there. A browser needs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bare {
    /// Nothing follows that belongs to it: `&#33%61` is `!a`.
    IsWhole,
    /// An escape that follows may be its semicolon, or its next digit: `&#33%3B` is `!`.
    MayGoOn,
}

/// What two backslashes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pairs {
    /// One, as JSON writes it.
    AreOne,
    /// One that is written as it is, before the escape that the other begins: a mix may do that.
    AreTwo,
}

/// Goes from symbol to symbol.
#[derive(Clone, Copy)]
struct Reader<'v> {
    view: &'v View,
    at: usize,
}

impl View {
    /// The text as it is.
    pub(super) fn of(text: &str) -> Self {
        Self { symbols: text.as_bytes().to_vec(), next: (1..=text.len()).collect() }
    }

    /// How many places there are.
    pub(super) fn len(&self) -> usize {
        self.symbols.len()
    }

    /// The symbol at a place.
    pub(super) fn symbol(&self, at: usize) -> u8 {
        self.symbols[at]
    }

    /// Where the symbol after the one at a place begins.
    pub(super) fn next(&self, at: usize) -> usize {
        self.next[at]
    }

    /// The first eight symbols from each place on, in one number; of the places from the last one on.
    pub(super) fn beginnings(&self) -> impl Iterator<Item = u64> {
        let mut known = vec![0; self.len() + 1];
        (0..self.len()).rev().map(move |at| {
            known[at] = known[self.next[at]] << 8 | u64::from(self.symbols[at]);
            known[at]
        })
    }

    /// The view in which each escape of this one is what it stands for; `None` where there is none.
    pub(super) fn decoded(&self, bare: Bare, pairs: Pairs) -> Option<Self> {
        let mut decoded = None;
        for at in 0..self.len() {
            if let Some((symbol, next)) = self.escape(at, bare, pairs) {
                let decoded = decoded.get_or_insert_with(|| self.clone());
                decoded.symbols[at] = symbol;
                decoded.next[at] = next;
            }
        }
        decoded
    }

    /// The escape that begins at a place: what it stands for, and where it ends.
    fn escape(&self, at: usize, bare: Bare, pairs: Pairs) -> Option<(u8, usize)> {
        let mut rest = Reader { view: self, at: self.next[at] };
        let symbol = match self.symbols[at] {
            // RFC 3986, 2.1; and `%u0021` of JavaScript's old escape().
            b'%' if rest.skip(b'u') => rest.hexadecimal(4),
            b'%' => rest.hexadecimal(2),
            // RFC 8259, 7; and what JavaScript adds to it.
            b'\\' => match rest.take()? {
                b'u' if rest.skip(b'{') => rest.number(16).filter(|_| rest.skip(b'}')),
                b'u' => rest.hexadecimal(4),
                b'x' => rest.hexadecimal(2),
                b'\\' if pairs == Pairs::AreOne => Some(u32::from(b'\\')),
                itself @ (b'/' | b'"' | b'\'') => Some(u32::from(itself)),
                _ => None,
            },
            b'&' if rest.skip(b'#') => {
                let number =
                    if rest.skip(b'x') || rest.skip(b'X') { rest.number(16) } else { rest.number(10) };
                number.filter(|_| rest.skip(b';') || rest.ends_bare(bare))
            }
            b'&' => rest.name(bare).map(u32::from),
            _ => None,
        };
        // What no token has stays as it is: a control character is most often the half of an escape that goes on, as
        // `&#3` of `&#3%33;`.
        let symbol = u8::try_from(symbol?).ok().filter(|symbol| matches!(symbol, b' '..=b'~'))?;
        Some((symbol, rest.at))
    }
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.view.symbols.get(self.at).copied()
    }

    fn take(&mut self) -> Option<u8> {
        let symbol = self.peek()?;
        self.at = self.view.next[self.at];
        Some(symbol)
    }

    fn take_if(&mut self, fits: impl FnOnce(u8) -> bool) -> Option<u8> {
        self.peek().filter(|symbol| fits(*symbol))?;
        self.take()
    }

    /// Goes past a symbol, if it is this one.
    fn skip(&mut self, symbol: u8) -> bool {
        self.take_if(|next| next == symbol).is_some()
    }

    fn digit(&mut self, radix: u32) -> Option<u32> {
        let digit = self.peek().and_then(|symbol| char::from(symbol).to_digit(radix))?;
        self.take();
        Some(digit)
    }

    /// A number of so many hexadecimal digits.
    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        (0..digits).try_fold(0, |number, _| Some(number * 16 + self.digit(16)?))
    }

    /// A number of one digit or more.
    fn number(&mut self, radix: u32) -> Option<u32> {
        let mut number = self.digit(radix)?;
        for _ in 1..MOST_DIGITS {
            let Some(digit) = self.digit(radix) else { return Some(number) };
            number = number.saturating_mul(radix).saturating_add(digit);
        }
        Some(number)
    }

    /// A character by its name.
    fn name(&mut self, ends: Bare) -> Option<u8> {
        let (mut name, mut length, mut rest) = ([0; LONGEST_NAME], 0, *self);
        while length < LONGEST_NAME
            && let Some(letter) = rest.take_if(|symbol| symbol.is_ascii_alphabetic())
        {
            name[length] = letter;
            length += 1;
        }
        let name = &name[..length];
        if rest.skip(b';')
            && let Ok(at) = NAMES.binary_search_by(|(known, _)| known.as_bytes().cmp(name))
        {
            *self = rest;
            return Some(NAMES[at].1);
        }
        let (bare, symbol) = BARE_NAMES.iter().find(|(bare, _)| name.starts_with(bare.as_bytes()))?;
        for _ in 0..bare.len() {
            self.take();
        }
        self.ends_bare(ends).then_some(*symbol)
    }

    /// May a reference of HTML end here, without its semicolon?
    fn ends_bare(&self, bare: Bare) -> bool {
        bare == Bare::IsWhole || !matches!(self.peek(), Some(b'%' | b'\\' | b'&'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_characters_are_in_their_order() {
        assert!(NAMES.is_sorted());
        assert!(NAMES.iter().all(|(name, _)| name.len() <= LONGEST_NAME));
    }
}
