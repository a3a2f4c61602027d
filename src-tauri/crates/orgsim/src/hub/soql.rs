//! SOQL, as far as anybody here uses it.

use std::cmp::Ordering;

use serde_json::Value;

/// A query, read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    pub(crate) fields: Vec<String>,
    pub(crate) object: String,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) order: Vec<String>,
    /// The last first?
    pub(crate) descends: bool,
    pub(crate) limit: Option<usize>,
}

/// One condition; all must hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) field: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Is(Value),
    IsNot(Value),
    AtLeast(Value),
    OneOf(Vec<Value>),
    StartsWith(String),
}

impl Condition {
    /// Does a field with this value meet it?
    pub(crate) fn holds(&self, value: &Value) -> bool {
        match &self.test {
            Test::Is(wanted) => same(value, wanted),
            Test::IsNot(unwanted) => !same(value, unwanted),
            Test::AtLeast(least) => !value.is_null() && compare(value, least) != Ordering::Less,
            Test::OneOf(list) => list.iter().any(|wanted| same(value, wanted)),
            Test::StartsWith(start) => value.as_str().is_some_and(|text| text.starts_with(start)),
        }
    }
}

/// IDs are the same by their first 15 characters.
fn same(value: &Value, wanted: &Value) -> bool {
    match (value.as_str(), wanted.as_str()) {
        (Some(a), Some(b)) if a.len() == 18 && b.len() == 15 => a.starts_with(b),
        _ => value == wanted,
    }
}

/// Times are compared as they are written: all alike, in UTC.
pub(crate) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal)
        }
        _ => a.as_str().unwrap_or_default().cmp(b.as_str().unwrap_or_default()),
    }
}

/// Reads a query.
///
/// # Errors
/// In words, where it is none that is known here.
pub(crate) fn read(text: &str) -> Result<Query, String> {
    let mut words = Words { tokens: tokens(text)?, at: 0 };
    words.expect("SELECT")?;
    let fields = words.list()?;
    words.expect("FROM")?;
    let object = words.name()?;
    let mut query =
        Query { fields, object, conditions: Vec::new(), order: Vec::new(), descends: false, limit: None };
    if words.take("WHERE") {
        query.conditions.push(words.condition()?);
        while words.take("AND") {
            query.conditions.push(words.condition()?);
        }
    }
    if words.take("ORDER") {
        words.expect("BY")?;
        query.order = words.list()?;
        query.descends = words.take("DESC");
    }
    if words.take("LIMIT") {
        query.limit = Some(words.name()?.parse().map_err(|_| "no number after LIMIT".to_owned())?);
    }
    match words.next() {
        None => Ok(query),
        Some(token) => Err(format!("unexpected token: {token:?}")),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(String),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '\'' => {
                let mut literal = String::new();
                loop {
                    match chars.next() {
                        None => return Err("a text without its end".into()),
                        Some('\'') => break,
                        Some('\\') => match chars.next() {
                            Some('n') => literal.push('\n'),
                            Some('r') => literal.push('\r'),
                            Some('t') => literal.push('\t'),
                            Some(c @ ('\\' | '\'' | '"')) => literal.push(c),
                            other => return Err(format!("illegal escape {other:?}")),
                        },
                        Some(c) => literal.push(c),
                    }
                }
                tokens.push(Token::Text(literal));
            }
            ',' | '(' | ')' | '=' => tokens.push(Token::Sign(c.into())),
            '!' | '>' if chars.peek() == Some(&'=') => {
                chars.next();
                tokens.push(Token::Sign(format!("{c}=")));
            }
            c if c.is_alphanumeric() || c == '-' || c == '_' => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| c.is_alphanumeric() || "-_.:+".contains(*c)) {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
            other => return Err(format!("unexpected sign {other:?}")),
        }
    }
    Ok(tokens)
}

struct Words {
    tokens: Vec<Token>,
    at: usize,
}

impl Words {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, word: &str) -> bool {
        let is = match self.tokens.get(self.at) {
            Some(Token::Word(found) | Token::Sign(found)) => found.eq_ignore_ascii_case(word),
            _ => false,
        };
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        if self.take(word) { Ok(()) } else { Err(format!("expected {word}")) }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Word(name)) => Ok(name),
            other => Err(format!("expected a name, found {other:?}")),
        }
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        let mut names = vec![self.name()?];
        while self.take(",") {
            names.push(self.name()?);
        }
        Ok(names)
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Value::String(text)),
            Some(Token::Word(word)) => Ok(match word.as_str() {
                "null" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                number if number.parse::<f64>().is_ok() => number.parse().unwrap_or_default(),
                // A time: as rows have it.
                time => Value::String(time.replace('Z', ".000+0000")),
            }),
            other => Err(format!("expected a value, found {other:?}")),
        }
    }

    fn condition(&mut self) -> Result<Condition, String> {
        let field = self.name()?;
        let test = if self.take("IN") {
            self.expect("(")?;
            let mut list = vec![self.value()?];
            while self.take(",") {
                list.push(self.value()?);
            }
            self.expect(")")?;
            Test::OneOf(list)
        } else if self.take("LIKE") {
            let pattern = self.value()?;
            let pattern = pattern.as_str().unwrap_or_default();
            Test::StartsWith(pattern.trim_end_matches('%').to_owned())
        } else if self.take("=") {
            Test::Is(self.value()?)
        } else if self.take("!=") {
            Test::IsNot(self.value()?)
        } else {
            self.expect(">=")?;
            Test::AtLeast(self.value()?)
        };
        Ok(Condition { field, test })
    }
}
