//! SOQL, put together so that nothing from outside can be taken for a part of the query.

use chrono::SecondsFormat;

use crate::conflict::Timestamp;

/// A query on one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    fields: Vec<String>,
    object: String,
    conditions: Vec<String>,
    order: Option<&'static str>,
    limit: Option<u32>,
}

impl Select {
    /// These fields of this object, by their API names. A field twice is asked for once: SOQL refuses doubles.
    pub fn new(fields: impl IntoIterator<Item = String>, object: String) -> Self {
        let mut asked: Vec<String> = Vec::new();
        for field in fields {
            if !asked.iter().any(|known| known.eq_ignore_ascii_case(&field)) {
                asked.push(field);
            }
        }
        Self { fields: asked, object, conditions: Vec::new(), order: None, limit: None }
    }

    /// Only rows that were last changed at `from` or later.
    #[must_use]
    pub fn changed_since(mut self, from: Timestamp) -> Self {
        let from = from.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true);
        self.conditions.push(format!("SystemModstamp >= {from}"));
        self
    }

    /// Only rows that were made at `from` or later.
    #[must_use]
    pub fn created_since(mut self, from: Timestamp) -> Self {
        let from = from.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true);
        self.conditions.push(format!("CreatedDate >= {from}"));
        self
    }

    /// Only rows whose field has one of these values; with none of them, no row.
    #[must_use]
    pub fn one_of<'a>(mut self, field: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let values: Vec<String> = values.into_iter().map(literal).collect();
        // An empty list is no SOQL, and an ID is never empty.
        let list = if values.is_empty() { "''".to_owned() } else { values.join(",") };
        self.conditions.push(format!("{field} IN ({list})"));
        self
    }

    /// Only rows whose field has this value.
    #[must_use]
    pub fn equal(mut self, field: &str, value: &str) -> Self {
        self.conditions.push(format!("{field} = {}", literal(value)));
        self
    }

    /// Only rows whose checkbox is ticked.
    #[must_use]
    pub fn is_true(mut self, field: &str) -> Self {
        self.conditions.push(format!("{field} = true"));
        self
    }

    /// Only rows whose field is empty, or only those where it is not.
    #[must_use]
    pub fn empty(mut self, field: &str, empty: bool) -> Self {
        self.conditions.push(format!("{field} {} null", if empty { "=" } else { "!=" }));
        self
    }

    /// In this order.
    #[must_use]
    pub fn order(mut self, order: &'static str) -> Self {
        self.order = Some(order);
        self
    }

    /// At most so many.
    #[must_use]
    pub fn limit(mut self, rows: u32) -> Self {
        self.limit = Some(rows);
        self
    }

    /// The query.
    pub fn text(&self) -> String {
        let mut text = format!("SELECT {} FROM {}", self.fields.join(", "), self.object);
        if !self.conditions.is_empty() {
            text.push_str(" WHERE ");
            text.push_str(&self.conditions.join(" AND "));
        }
        if let Some(order) = self.order {
            text.push_str(" ORDER BY ");
            text.push_str(order);
        }
        let limit = self.limit.map(|rows| format!(" LIMIT {rows}"));
        text + &limit.unwrap_or_default()
    }

    /// The query as the value of a parameter in a URL.
    pub fn escaped(&self) -> String {
        percent(&self.text())
    }
}

/// A text as a SOQL literal (SOQL and SOSL Reference, "Quoted String Escape Sequences").
fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            '\'' => quoted.push_str("\\'"),
            '"' => quoted.push_str("\\\""),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// A text as the value of a parameter in a URL.
fn percent(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            b' ' => escaped.push('+'),
            _ => {
                escaped.push('%');
                for digit in [byte >> 4, byte & 15] {
                    escaped.extend(char::from_digit(u32::from(digit), 16).map(|c| c.to_ascii_uppercase()));
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn a_query_is_put_together() {
        let select =
            Select::new(["Id", "SystemModstamp", "id"].map(String::from), "delivery__WorkItem__c".into())
                .changed_since(Timestamp(1_772_202_600_999_999))
                .one_of("Id", ["a", "b"])
                .empty("DismissedDateTime__c", true)
                .order("SystemModstamp, Id")
                .limit(200);
        assert_eq!(
            select.text(),
            "SELECT Id, SystemModstamp FROM delivery__WorkItem__c WHERE SystemModstamp >= 2026-02-27T14:30:00Z AND Id IN ('a','b') AND DismissedDateTime__c = null ORDER BY SystemModstamp, Id LIMIT 200"
        );
    }

    #[rstest]
    #[case("O'Brien", r"'O\'Brien'")]
    #[case("a\\' OR Id != '", r"'a\\\' OR Id != \''")]
    #[case("line\nbreak", r"'line\nbreak'")]
    #[case("", "''")]
    fn no_value_gets_out_of_its_quotes(#[case] value: &str, #[case] quoted: &str) {
        assert_eq!(literal(value), quoted);
    }

    #[test]
    fn a_list_of_nothing_matches_nothing() {
        let select = Select::new(["Id".to_owned()], "X".into()).one_of("Id", []);
        assert_eq!(select.text(), "SELECT Id FROM X WHERE Id IN ('')");
    }

    #[test]
    fn a_query_fits_into_a_url() {
        assert_eq!(percent("Id = 'ä+b' & c"), "Id+%3D+%27%C3%A4%2Bb%27+%26+c");
    }
}
