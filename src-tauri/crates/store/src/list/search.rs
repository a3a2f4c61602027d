//! Pages of what a search finds, and how many it finds.
//!
//! A word may be in one of a million items or in all of them. What is in many is soon met by going through the list in its
//! order and looking into each item; what is in few is told by the index of words. Nobody knows beforehand which it is, so
//! each way is given up after some steps.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use sync_monitor_domain::item::Status;

use super::{Conditions, FROM, Key, NOT_DISMISSED, Order, Place, asks_of_orgs, indexed, status_in};
use crate::error::Result;
use crate::model::Filter;
use crate::words::Search;

/// How far each way is gone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// So many items of the list are looked into for each that is wanted, before the index is asked.
    looked_into: usize,
    /// So many matches of the index are few.
    few: usize,
    /// So many matches are looked up in the time in which an item is looked into.
    matches_an_item: u64,
}

impl Effort {
    pub(super) const USUAL: Self = Self { looked_into: 10, few: 2_000, matches_an_item: 3 };
}

/// What is looked into, of an item that is called i and its transaction t.
const TEXTS: &str = "t.transaction_id, t.external_ids, t.title, i.error_code, i.error_message";

/// Where the items of a match stand. The order of the tables is that of this text: SQLite does not know how few matches there
/// may be. Nor does it know that the items of a transaction are fewer than those of a status.
const ITEMS_OF_MATCHES: &str =
    "transaction_words CROSS JOIN items i INDEXED BY items_txn ON i.txn = transaction_words.rowid";
const ITEMS_OF_ERRORS: &str = "error_words CROSS JOIN items i ON i.id = error_words.rowid";
const ORGS: &str = " CROSS JOIN routes r ON r.id = i.route CROSS JOIN orgs s ON s.id = r.source CROSS JOIN orgs g ON g.id = r.target";

/// A search under way.
pub(super) struct Searching<'a> {
    pub(super) sql: &'a Connection,
    pub(super) search: &'a Search,
    /// What is asked for besides.
    pub(super) besides: &'a Filter,
    pub(super) order: Order,
    /// Where the page begins.
    pub(super) after: Option<Place>,
    /// How many places are wanted.
    pub(super) most: usize,
    /// The total, if it was counted before and nothing was written since.
    pub(super) counted: Option<u64>,
}

/// What came of going through the list from where the page begins.
enum Walked {
    /// The end of the list was met.
    All(Vec<Place>),
    /// So many were found as are wanted.
    Enough(Vec<Place>),
    GivenUp,
}

impl Searching<'_> {
    /// The places that are wanted, and how many there are in the whole list.
    pub(super) fn run(&self, effort: Effort) -> Result<(Vec<Place>, u64)> {
        let page = match self.walk(effort.looked_into)? {
            Walked::All(places) if self.after.is_none() => return Ok(self.whole(places)),
            Walked::All(places) | Walked::Enough(places) => Some(places),
            Walked::GivenUp => None,
        };
        if let (Some(page), Some(total)) = (&page, self.counted) {
            return Ok((self.cut(page.clone()), total));
        }
        if page.is_none()
            && let Some(all) = self.gather(effort.few)?
        {
            return Ok(self.whole(all));
        }
        if self.is_list_shorter(effort)? {
            return Ok(self.whole(self.sift()?));
        }
        let page = page.map_or_else(|| self.first(), Ok)?;
        Ok((self.cut(page), self.counted.map_or_else(|| self.count(), Ok)?))
    }

    /// Of everything that is found, what is wanted.
    fn whole(&self, all: Vec<Place>) -> (Vec<Place>, u64) {
        let total = all.len() as u64;
        (self.cut(all), total)
    }

    fn cut(&self, mut places: Vec<Place>) -> Vec<Place> {
        let descends = self.order.descends;
        if let Some(after) = self.after {
            places.retain(|place| if descends { *place < after } else { *place > after });
        }
        places.sort_unstable_by(|one, other| if descends { other.cmp(one) } else { one.cmp(other) });
        places.truncate(self.most);
        places
    }

    /// Goes through the list in its order. It is the steps that are counted, whatever else the filter asks for: few items may
    /// pass it.
    fn walk(&self, looked_into: usize) -> Result<Walked> {
        let steps = looked_into.saturating_mul(self.most);
        // Each status has an index of its own, if it is not in the order of acceptance.
        let asked = &self.besides.statuses;
        let statuses = if asked.is_empty() { Status::ALL } else { asked };
        let parts: Vec<Option<Status>> = match self.order.key {
            Key::Created => vec![None],
            // What is open is in the order in which it is due, and would have to be sorted for this one.
            Key::Updated if statuses.iter().any(|status| status.is_open()) => return Ok(Walked::GivenUp),
            Key::Updated | Key::Due => statuses.iter().copied().map(Some).collect(),
        };
        let (mut places, mut ended) = (Vec::new(), true);
        for status in parts {
            match self.walk_through(status, steps)? {
                Walked::All(found) => places.extend(found),
                Walked::Enough(found) => {
                    places.extend(found);
                    ended = false;
                }
                Walked::GivenUp => return Ok(Walked::GivenUp),
            }
        }
        Ok(if ended { Walked::All(places) } else { Walked::Enough(places) })
    }

    fn walk_through(&self, status: Option<Status>, steps: usize) -> Result<Walked> {
        let asked = Conditions::new(self.besides)?;
        let mut way = Conditions { sql: vec!["1".into()], values: asked.values };
        if let Some(status) = status {
            way.sql.push(status_in("i.status", &[status]));
            way.sql.extend(indexed(&[status]).map(str::to_owned));
        }
        way.begin(self.order, self.after);
        let query = format!(
            "SELECT {}, i.id, {TEXTS}, {} FROM items i CROSS JOIN transactions t ON t.id = i.txn {ORGS} {} {} LIMIT {}",
            self.order.column(),
            all_of(&asked.sql),
            way.clause(),
            self.order.by(),
            steps.saturating_add(1),
        );
        let mut statement = self.sql.prepare_cached(&query)?;
        let mut rows = statement.query(params_from_iter(way.values))?;
        let (mut places, mut n) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            n += 1;
            if n > steps {
                return Ok(Walked::GivenUp);
            }
            if row.get(7)? && self.is_in(row)? {
                places.push(place(row)?);
                if places.len() == self.most {
                    return Ok(Walked::Enough(places));
                }
            }
        }
        Ok(Walked::All(places))
    }

    /// Does the search find this row of [`TEXTS`]?
    fn is_in(&self, row: &Row<'_>) -> Result<bool> {
        Ok(self.is_in_transaction(row)? || self.search.is_in(&[text(row, 5)?, text(row, 6)?])?)
    }

    fn is_in_transaction(&self, row: &Row<'_>) -> Result<bool> {
        self.search.is_in(&[text(row, 2)?, text(row, 3)?, text(row, 4)?])
    }

    /// All that is found, if the index tells of few matches.
    fn gather(&self, few: usize) -> Result<Option<Vec<Place>>> {
        let key = self.order.column();
        let mut all = Vec::new();
        for (words, items) in [
            ("transaction_words", "items i INDEXED BY items_txn ON i.txn = w.found"),
            ("error_words", "items i ON i.id = w.found"),
        ] {
            let conditions = Conditions::new(self.besides)?;
            let query = format!(
                "SELECT {key}, i.id, w.found, {} FROM (SELECT rowid AS found FROM {words} WHERE {words} MATCH ? LIMIT {}) w
                   LEFT JOIN {items} LEFT JOIN routes r ON r.id = i.route LEFT JOIN orgs s ON s.id = r.source
                   LEFT JOIN orgs g ON g.id = r.target",
                all_of(&conditions.sql),
                few.saturating_add(1),
            );
            // The condition is told before the match.
            let values = conditions.values.into_iter().chain([self.query()]);
            let mut statement = self.sql.prepare_cached(&query)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let (mut n, mut last) = (0, None);
            while let Some(row) = rows.next()? {
                let found: Option<i64> = row.get(2)?;
                if last != found {
                    (n, last) = (n + 1, found);
                }
                if n > few {
                    return Ok(None);
                }
                // Of some transactions no item is left.
                if row.get::<_, Option<i64>>(1)?.is_some() && row.get(3)? {
                    all.push(place(row)?);
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        Ok(Some(all))
    }

    /// Is it less to look into each item of the list than to look up each match? Only where the list is read off an index.
    fn is_list_shorter(&self, effort: Effort) -> Result<bool> {
        let one = |query: &str, values: &[Value]| -> Result<u64> {
            Ok(self.sql.prepare_cached(query)?.query_row(params_from_iter(values), |row| row.get(0))?)
        };
        let items = if let Some(id) = &self.besides.external_id {
            one("SELECT count(*) FROM item_records WHERE external_id = ?", &[id.clone().into()])?
        } else if let Some(run) = self.besides.run {
            let run = run.as_bytes().to_vec().into();
            one(
                "SELECT count(*) FROM run_items WHERE run = (SELECT id FROM bulk_runs WHERE uuid = ?)",
                &[run],
            )?
        } else if self.besides.statuses.is_empty() {
            return Ok(false);
        } else {
            let of_these = status_in("status", &self.besides.statuses);
            one(&format!("SELECT coalesce(sum(n), 0) FROM tallies WHERE {of_these}"), &[])?
        };
        let matches = items.saturating_mul(effort.matches_an_item);
        if items <= self.most as u64 {
            return Ok(true);
        }
        if matches >= one("SELECT coalesce(max(id), 0) FROM transactions", &[])? {
            return Ok(false);
        }
        let found = one(
            "SELECT count(*) FROM (SELECT 1 FROM transaction_words WHERE transaction_words MATCH ? LIMIT ?)",
            &[self.query(), Value::Integer(i64::try_from(matches).map_or(i64::MAX, |n| n.saturating_add(1)))],
        )?;
        Ok(found > matches)
    }

    /// All that is found, by looking into each item that is asked for besides.
    fn sift(&self) -> Result<Vec<Place>> {
        let conditions = Conditions::new(self.besides)?;
        let query = format!("SELECT {}, i.id, {TEXTS} {FROM} {}", self.order.column(), conditions.clause());
        let mut statement = self.sql.prepare_cached(&query)?;
        let mut rows = statement.query(params_from_iter(conditions.values))?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            if self.is_in(row)? {
                all.push(place(row)?);
            }
        }
        Ok(all)
    }

    /// The first ones that the index tells of.
    fn first(&self) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        for (words, items) in [("transaction_words", ITEMS_OF_MATCHES), ("error_words", ITEMS_OF_ERRORS)] {
            let mut conditions = self.found_in(words)?;
            conditions.begin(self.order, self.after);
            let query = format!(
                "SELECT {}, i.id FROM {items} {ORGS} {} {} LIMIT {}",
                self.order.column(),
                conditions.clause(),
                self.order.by(),
                self.most,
            );
            let mut statement = self.sql.prepare_cached(&query)?;
            let found = statement.query_map(params_from_iter(conditions.values), place)?;
            places.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }

    /// How many the index tells of.
    fn count(&self) -> Result<u64> {
        let orgs = if asks_of_orgs(self.besides) { ORGS } else { "" };
        let conditions = self.found_in("transaction_words")?;
        let query = format!("SELECT count(*) FROM {ITEMS_OF_MATCHES} {orgs} {}", conditions.clause());
        let by_transactions: u64 = self
            .sql
            .prepare_cached(&query)?
            .query_row(params_from_iter(conditions.values), |row| row.get(0))?;
        let conditions = self.found_in("error_words")?;
        let query = format!(
            "SELECT {}, i.id, {TEXTS} FROM {ITEMS_OF_ERRORS} CROSS JOIN transactions t ON t.id = i.txn {orgs} {}",
            self.order.column(),
            conditions.clause(),
        );
        let mut statement = self.sql.prepare_cached(&query)?;
        let mut rows = statement.query(params_from_iter(conditions.values))?;
        let mut by_errors_alone = 0;
        while let Some(row) = rows.next()? {
            // Where no transaction is found, none is found twice.
            if by_transactions == 0 || !self.is_in_transaction(row)? {
                by_errors_alone += 1;
            }
        }
        Ok(by_transactions + by_errors_alone)
    }

    /// What is asked for, of what an index finds.
    fn found_in(&self, words: &str) -> Result<Conditions> {
        let mut conditions = Conditions::new(self.besides)?;
        // Each item would be looked up for it, and usually there are none.
        let dismissed: bool = self
            .sql
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM tallies WHERE dismissed = 1 AND n > 0)")?
            .query_row([], |row| row.get(0))?;
        if !dismissed {
            conditions.sql.retain(|condition| condition != NOT_DISMISSED);
        }
        conditions.add(&format!("{words} MATCH ?"), self.query());
        Ok(conditions)
    }

    fn query(&self) -> Value {
        Value::Text(self.search.query().to_owned())
    }
}

/// Conditions as one that is true or false.
fn all_of(conditions: &[String]) -> String {
    format!("coalesce({}, 0)", if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") })
}

fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok((row.get(0)?, row.get(1)?))
}

fn text<'a>(row: &'a Row<'_>, at: usize) -> rusqlite::Result<&'a str> {
    Ok(row.get_ref(at)?.as_str_or_null()?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
