//! Work items: the records as people know them, each with its newest change. The one touched last comes first.
//!
//! A page walks an index from its place on, so that it costs the same on the first page and on the thousandth, and a change
//! that comes in meanwhile moves its record to the front and nothing else.

use rusqlite::{Connection, OptionalExtension, Statement};
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;

use crate::error::{Error, Result};
use crate::model::{WorkItem, WorkItemPage};
use crate::rows;
use crate::words::Search;

/// How many transactions that a search finds are looked at for one page: most may be older changes of a few records. The page
/// then is short, and the next one goes on from there.
const MOST_LOOKED_AT: usize = 5_000;
/// How many work items are looked into for each that is to be shown, before the index of words is asked: what is in many is met
/// soon, and the index has to gather it first.
const LOOKED_INTO: usize = 10;
/// Of how many of its newest items a work item's orgs are told.
const ITEMS_LOOKED_AT: u32 = 200;

/// A place in the order: behind the record of this name whose newest item is this.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    item: i64,
    external_id: String,
}

impl Place {
    /// Before everything.
    fn start() -> Self {
        Self { item: i64::MAX, external_id: String::new() }
    }

    /// Behind everything that has this item or a newer one.
    fn behind(item: i64) -> Self {
        Self { item, external_id: String::new() }
    }

    /// As a cursor: names hold any character, so they are told in hexadecimal.
    fn cursor(&self) -> String {
        use std::fmt::Write as _;
        self.external_id.bytes().fold(format!("{}.", self.item), |mut text, byte| {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    fn read(cursor: &str) -> Result<Self> {
        let (item, name) = cursor.split_once('.').ok_or(Error::Cursor)?;
        if name.len() % 2 != 0 || !name.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Error::Cursor);
        }
        let bytes = (0..name.len()).step_by(2).map(|at| u8::from_str_radix(&name[at..at + 2], 16));
        let bytes: Vec<u8> = bytes.collect::<std::result::Result<_, _>>().map_err(|_| Error::Cursor)?;
        Ok(Self {
            item: item.parse().map_err(|_| Error::Cursor)?,
            external_id: String::from_utf8(bytes).map_err(|_| Error::Cursor)?,
        })
    }
}

/// A page of the work items, or of those that a search finds by their names and titles.
pub(crate) fn page(
    sql: &Connection,
    text: Option<&str>,
    limit: u32,
    cursor: Option<&str>,
) -> Result<WorkItemPage> {
    let after = cursor.map_or_else(|| Ok(Place::start()), Place::read)?;
    let (places, next) = match text {
        None => all(sql, limit as usize, &after)?,
        Some(text) => match Search::read(text)? {
            None => (Vec::new(), None),
            Some(search) => searched(sql, &search, limit as usize, &after)?,
        },
    };
    let mut details = Details::prepare(sql)?;
    let work_items = places.iter().map(|place| details.read(place)).collect::<Result<_>>()?;
    Ok(WorkItemPage { work_items, next_cursor: next.map(|place| place.cursor()) })
}

/// At most `limit` places, and the one to go on from if there may be more.
type Places = (Vec<Place>, Option<Place>);

const ALL: &str = "
    SELECT last_item, external_id FROM records
     WHERE last_item IS NOT NULL AND (last_item, external_id) < (?1, ?2)
     ORDER BY last_item DESC, external_id DESC LIMIT ?3";

fn all(sql: &Connection, limit: usize, after: &Place) -> Result<Places> {
    let mut statement = sql.prepare_cached(ALL)?;
    let places = statement.query_map((after.item, &after.external_id, limit + 1), |row| {
        Ok(Place { item: row.get(0)?, external_id: row.get(1)? })
    })?;
    Ok(cut(places.collect::<rusqlite::Result<_>>()?, limit))
}

fn cut(mut places: Vec<Place>, limit: usize) -> Places {
    let more = places.len() > limit;
    places.truncate(limit);
    let next = places.last().filter(|_| more).cloned();
    (places, next)
}

fn searched(sql: &Connection, search: &Search, limit: usize, after: &Place) -> Result<Places> {
    match walked(sql, search, limit, after, LOOKED_INTO.saturating_mul(limit + 1))? {
        Some(places) => Ok(places),
        None => found(sql, search, limit, after, MOST_LOOKED_AT),
    }
}

/// Goes through all, looking into so many; `None` if that was not enough.
fn walked(
    sql: &Connection,
    search: &Search,
    limit: usize,
    after: &Place,
    steps: usize,
) -> Result<Option<Places>> {
    let mut statement = sql.prepare_cached(
        "SELECT w.last_item, w.external_id, w.title, t.external_ids, t.title, json_array_length(t.external_ids)
           FROM records w CROSS JOIN items i ON i.id = w.last_item CROSS JOIN transactions t ON t.id = i.txn
          WHERE w.last_item IS NOT NULL AND (w.last_item, w.external_id) < (?1, ?2)
          ORDER BY w.last_item DESC, w.external_id DESC LIMIT ?3",
    )?;
    let mut rows = statement.query((after.item, &after.external_id, steps + 1))?;
    let (mut places, mut n) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        n += 1;
        if n > steps {
            return Ok(None);
        }
        let text =
            |at| -> rusqlite::Result<&str> { Ok(row.get_ref(at)?.as_str_or_null()?.unwrap_or_default()) };
        // The words are those of the whole payload, which may be about others.
        if search.is_in(&[text(3)?, text(4)?])?
            && (row.get::<_, i64>(5)? == 1 || search.is_in(&[text(1)?, text(2)?])?)
        {
            places.push(Place { item: row.get(0)?, external_id: row.get(1)? });
            if places.len() > limit {
                break;
            }
        }
    }
    Ok(Some(cut(places, limit)))
}

/// Searches the words of transactions, newest first. A record is told at its newest change: if that is an older one of the
/// record, it is passed over.
fn found(sql: &Connection, search: &Search, limit: usize, after: &Place, most: usize) -> Result<Places> {
    // A transaction has the more recent items the later it came. Of the item itself nothing is left without a name.
    let newest_item = after.item.saturating_sub(i64::from(after.external_id.is_empty()));
    let newest: Option<i64> = sql
        .prepare_cached("SELECT txn FROM items WHERE id <= ?1 ORDER BY id DESC LIMIT 1")?
        .query_row([newest_item], |row| row.get(0))
        .optional()?;
    let mut transactions = sql.prepare_cached(
        "SELECT rowid FROM transaction_words WHERE transaction_words MATCH ?1 AND rowid <= ?2 ORDER BY rowid DESC",
    )?;
    let mut records = sql.prepare_cached(
        "SELECT w.last_item, w.external_id, w.title,
                (SELECT json_array_length(t.external_ids) FROM transactions t WHERE t.id = i.txn)
           FROM items i JOIN records w ON w.last_item = i.id WHERE i.txn = ?1
            AND (w.last_item, w.external_id) < (?2, ?3) ORDER BY w.last_item DESC, w.external_id DESC",
    )?;
    let mut before =
        sql.prepare_cached("SELECT id + 1 FROM items WHERE txn < ?1 ORDER BY txn DESC, id DESC LIMIT 1")?;
    let mut places: Vec<Place> = Vec::new();
    let query = format!("{{external_ids title}} : ({})", search.query());
    let mut looked_at = transactions.query((query, newest))?;
    let mut n = 0;
    while let Some(row) = looked_at.next()? {
        let txn: i64 = row.get(0)?;
        let mut rows = records.query((txn, after.item, &after.external_id))?;
        while let Some(row) = rows.next()? {
            let (external_id, title): (String, Option<String>) = (row.get(1)?, row.get(2)?);
            // The words are those of the whole payload, which may be about others.
            let alone = row.get::<_, i64>(3)? == 1;
            if alone || search.is_in(&[&external_id, title.as_deref().unwrap_or_default()])? {
                places.push(Place { item: row.get(0)?, external_id });
            }
        }
        if places.len() > limit {
            break;
        }
        n += 1;
        if n == most {
            let next: Option<i64> = before.query_row([txn], |row| row.get(0)).optional()?;
            return Ok((places, next.map(Place::behind)));
        }
    }
    Ok(cut(places, limit))
}

/// Reads what is shown of a record.
struct Details<'a> {
    record: Statement<'a>,
    orgs: Statement<'a>,
}

impl<'a> Details<'a> {
    fn prepare(sql: &'a Connection) -> Result<Self> {
        let record = sql.prepare(
            "SELECT w.title, i.uuid, i.status, i.created_at,
                    (SELECT count(*) FROM item_records n WHERE n.external_id = w.external_id)
               FROM records w JOIN items i ON i.id = w.last_item WHERE w.external_id = ?1",
        )?;
        let orgs = sql.prepare(
            "SELECT DISTINCT o.org_id FROM (
                SELECT i.route FROM item_records n JOIN items i ON i.id = n.item
                 WHERE n.external_id = ?1 ORDER BY n.item DESC LIMIT ?2) newest
               JOIN routes r ON r.id = newest.route JOIN orgs o ON o.id IN (r.source, r.target)
              ORDER BY o.org_id",
        )?;
        Ok(Self { record, orgs })
    }

    fn read(&mut self, place: &Place) -> Result<WorkItem> {
        let orgs = self
            .orgs
            .query_map((&place.external_id, ITEMS_LOOKED_AT), |row| rows::org(row, 0))?
            .collect::<rusqlite::Result<Vec<OrgId>>>()?;
        Ok(self.record.query_row([&place.external_id], |row| {
            Ok(WorkItem {
                external_id: place.external_id.clone(),
                title: row.get(0)?,
                last_item: rows::uuid(row, 1)?,
                last_status: rows::status(row, 2)?,
                last_at: Millis(row.get(3)?),
                items: row.get(4)?,
                orgs,
            })
        })?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    proptest! {
        #[test]
        fn a_cursor_is_read_as_it_was_written(item: i64, external_id: String) {
            let place = Place { item, external_id };
            prop_assert_eq!(Place::read(&place.cursor()).unwrap(), place);
        }
    }

    #[test]
    fn a_page_walks_an_index_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let sql = crate::open::writer(&folder.path().join("test.db")).unwrap();
        let plan: Vec<String> = sql
            .prepare(&format!("EXPLAIN QUERY PLAN {ALL}"))
            .unwrap()
            .query_map((5, "x", 100), |row| row.get(3))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        let [only] = plan.as_slice() else { panic!("{plan:?}") };
        assert!(only.contains("USING COVERING INDEX records_touched"), "{plan:?}");
    }

    fn store() -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let sql = crate::open::writer(&folder.path().join("test.db")).unwrap();
        sql.execute_batch(
            "INSERT INTO orgs (id, org_id) VALUES (1, '00D00000000000AAAA'), (2, '00D00000000000BAAA');
             INSERT INTO routes (id, uuid, source, target, enabled, created_at) VALUES (1, randomblob(16), 1, 2, 1, 0);",
        )
        .unwrap();
        (folder, sql)
    }

    /// A transaction with a row for each record in it, as far as a search looks at them.
    fn accept(sql: &Connection, id: i64, records: &[&str], title: &str) {
        let external_ids = serde_json::to_string(records).unwrap();
        sql.execute(
            "INSERT INTO transactions (id, transaction_id, source, timestamp_us, operation, digest, external_ids, title, accepted_at)
             VALUES (?1, ?1, 1, 0, 'upsert', zeroblob(16), ?2, ?3, 0)",
            (id, &external_ids, title),
        )
        .unwrap();
        let mut words = crate::words::Pending::default();
        words.add_transaction(id, "t", &external_ids, Some(title));
        words.write(sql).unwrap();
        sql.execute(
            "INSERT INTO items (id, uuid, txn, route, status, created_at, updated_at) VALUES (?1 * 10, randomblob(16), ?1, 1, 4, 0, 0)",
            [id],
        )
        .unwrap();
        for record in records {
            sql.execute(
                "INSERT INTO records (external_id, timestamp_us, source, digest, last_item, title)
                 VALUES (?1, 0, 1, zeroblob(16), ?2, ?3)
                 ON CONFLICT DO UPDATE SET last_item = excluded.last_item, title = excluded.title",
                // Of the others the titles are not those of the transaction.
                (record, id * 10, (*record == records[0]).then_some(title)),
            )
            .unwrap();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn a_search_finds_the_same_by_going_through_all_as_by_the_index(
            changes in prop::collection::vec(
                (prop::sample::subsequence(vec!["WI-1", "WI-2", "XX-3", "Report"], 1..3), prop::sample::select(vec!["Report", "Größe", "wi"])),
                0..12,
            ),
            limit in 1usize..4,
        ) {
            let (_folder, sql) = store();
            for (id, (records, title)) in (1..).zip(&changes) {
                accept(&sql, id, records, title);
            }
            for text in ["wi", "re", "gross", "größe", "wi-1", "rep 1", "3 wi", "nowhere"] {
                let search = Search::read(text).unwrap().unwrap();
                let mut after = Place::start();
                loop {
                    let by_index = found(&sql, &search, limit, &after, MOST_LOOKED_AT).unwrap();
                    let walked_through = walked(&sql, &search, limit, &after, 100).unwrap();
                    prop_assert_eq!(walked_through.as_ref(), Some(&by_index), "{}", text);
                    match by_index.1 {
                        Some(next) => after = next,
                        None => break,
                    }
                }
                let all = walked(&sql, &search, 100, &Place::start(), 100).unwrap().unwrap().0;
                for steps in 0..4 {
                    // Given up, or right.
                    let first = walked(&sql, &search, 1, &Place::start(), steps).unwrap();
                    prop_assert!(first.is_none_or(|(first, _)| first.first() == all.first()), "{} in {}", text, steps);
                }
            }
        }
    }

    #[test]
    fn a_search_that_finds_old_changes_only_gives_up_for_this_page_and_goes_on_in_the_next() {
        let (_folder, sql) = store();
        accept(&sql, 1, &["WI-1"], "Report");
        for id in 2..=8 {
            accept(&sql, id, &["WI-2", "XX-3"], "Report");
        }
        accept(&sql, 9, &["XX-3"], "Report");
        sql.execute("DELETE FROM records WHERE external_id = 'XX-3'", []).unwrap();
        let search = Search::read("wi").unwrap().unwrap();
        for (most, expected) in [
            (3, ["WI-2", "", "WI-1"].as_slice()),
            (1, &["WI-2", "", "", "", "", "", "", "WI-1"]),
            (9, &["WI-2 WI-1"]),
        ] {
            let (mut pages, mut after) = (Vec::new(), Place::start());
            loop {
                let (places, next) = found(&sql, &search, 10, &after, most).unwrap();
                pages.push(places.into_iter().map(|place| place.external_id).collect::<Vec<_>>().join(" "));
                match next {
                    Some(place) => after = Place::read(&place.cursor()).unwrap(),
                    None => break,
                }
            }
            assert_eq!(pages, expected, "{most} at a time");
        }
    }

    #[rstest]
    #[case("")]
    #[case("7")]
    #[case("x.57")]
    #[case("7.5")]
    #[case("7.5x")]
    #[case("7.é")]
    #[case("7.ff")]
    fn a_cursor_of_nobody_is_refused(#[case] cursor: &str) {
        assert!(matches!(Place::read(cursor), Err(Error::Cursor)));
    }
}
