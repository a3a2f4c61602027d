//! Whichever way a search goes, it finds what the index finds, in the list's order.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::model::{Sort, SortBy};
use crate::rows;

const ORGS: [&str; 4] = ["00D00000000000A", "00D00000000000B", "00D00000000000C", "00D00000000000D"];
const TITLES: [Option<&str>; 5] =
    [Some("Add revenue report"), Some("Revenue, at last"), Some("Größe der Anlage"), Some("WI"), None];
const ERRORS: [(Option<&str>, Option<&str>); 4] = [
    (None, None),
    (Some("FIELD_MISSING"), Some("The revenue is missing: Größe")),
    (Some("REVENUE"), None),
    (None, Some("Report WI-1 was not taken")),
];
const SEARCHES: [&str; 12] = [
    "revenue",
    "rev",
    "r",
    "WI-1",
    "wi",
    "report wi",
    "größe",
    "grosse",
    "missing revenue",
    "t1",
    "at last add",
    "nowhere",
];

/// An item as far as lists ask for it.
#[derive(Debug, Clone)]
struct One {
    route: i64,
    status: Status,
    blocked: bool,
    dismissed: bool,
    error: usize,
    created: i64,
    updated: i64,
    due: i64,
    in_run: bool,
}

/// A transaction: of which record, with which title, and its items.
type Change = (u8, usize, Vec<One>);

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let status = select(Status::ALL.to_vec());
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let one = (1i64..=3, status, flags, 0..ERRORS.len(), 0i64..3, 0i64..3, 0i64..3).prop_map(
        |(route, status, (blocked, dismissed, in_run), error, created, updated, due)| One {
            route,
            status,
            blocked,
            dismissed: dismissed && status == Status::Failed,
            error,
            created,
            updated,
            due,
            in_run,
        },
    );
    // Some have no item any more.
    prop::collection::vec((0u8..3, 0..TITLES.len(), prop::collection::vec(one, 0..4)), 0..14)
}

fn filter() -> impl Strategy<Value = Filter> {
    let org = || prop::option::weighted(0.2, select(ORGS.map(|org| org.parse::<OrgId>().unwrap()).to_vec()));
    let flag = || prop::option::weighted(0.3, any::<bool>());
    let time = || prop::option::weighted(0.2, (0i64..3).prop_map(Millis));
    let record = prop::option::weighted(0.2, (0u8..3).prop_map(|record| format!("WI-{record}")));
    let cause = prop::option::weighted(0.1, (1i64..=3).prop_map(|route| format!("cause {route}")));
    let run = prop::option::weighted(0.2, Just(Uuid::from_u128(7)));
    (
        subsequence(Status::ALL.to_vec(), 0..=3),
        (org(), org(), flag(), flag()),
        (record, cause, run),
        select(SEARCHES.to_vec()),
        (time(), time(), time()),
    )
        .prop_map(
            |(statuses, (target, source, held, dismissed), (external_id, failure_key, run), text, times)| {
                Filter {
                    statuses,
                    target,
                    source,
                    held,
                    dismissed,
                    external_id,
                    failure_key,
                    text: Some(text.to_owned()),
                    since: times.0,
                    until: times.1,
                    run,
                    as_of: times.2,
                }
            },
        )
}

fn sort() -> impl Strategy<Value = Option<Sort>> {
    let by = select(vec![SortBy::CreatedAt, SortBy::UpdatedAt, SortBy::NextAttemptAt]);
    prop::option::of((by, any::<bool>()).prop_map(|(by, descends)| Sort { by, descends }))
}

/// Efforts so small that each way is given up in some case, and gone in another.
fn effort() -> impl Strategy<Value = Effort> {
    (0usize..4, 0usize..6, 0u64..3).prop_map(|(looked_into, few, matches_an_item)| Effort {
        looked_into,
        few,
        matches_an_item,
    })
}

fn store(changes: &[Change]) -> (TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let sql = crate::open::writer(&folder.path().join("test.db")).unwrap();
    sql.pragma_update(None, "synchronous", "OFF").unwrap();
    let all = sql.unchecked_transaction().unwrap();
    for (at, org) in (1..).zip(ORGS) {
        let org: OrgId = org.parse().unwrap();
        sql.execute("INSERT INTO orgs (id, org_id, paused) VALUES (?1, ?2, ?1 = 3)", (at, org.as_str()))
            .unwrap();
    }
    sql.execute_batch(
        "INSERT INTO routes (id, uuid, source, target, enabled, created_at)
           VALUES (1, x'00000000000000000000000000000001', 1, 2, 1, 0), (2, x'00000000000000000000000000000002', 1, 3, 1, 0),
                  (3, x'00000000000000000000000000000003', 4, 2, 0, 0);",
    )
    .unwrap();
    sql.execute(
        "INSERT INTO bulk_runs (id, uuid, at, actor, action, selected) VALUES (1, ?1, 0, 'test', 'retry', 0)",
        [Uuid::from_u128(7).as_bytes()],
    )
    .unwrap();
    let mut words = crate::words::Pending::default();
    for (txn, (record, title, items)) in (1i64..).zip(changes) {
        let (name, external_ids) = (format!("t{txn}"), format!(r#"["WI-{record}"]"#));
        let title = TITLES[*title];
        sql.execute(
            "INSERT INTO transactions (id, transaction_id, source, timestamp_us, operation, digest, external_ids, title, accepted_at)
             VALUES (?1, ?2, 1, 0, 'upsert', zeroblob(16), ?3, ?4, 0)",
            (txn, &name, &external_ids, title),
        )
        .unwrap();
        words.add_transaction(txn, &name, &external_ids, title);
        for one in items {
            let (code, message) = ERRORS[one.error];
            sql.execute(
                "INSERT INTO items (uuid, txn, route, status, blocked, due_at, created_at, updated_at, error_code, error_message,
                                    failure_key, dismissed_at, dismiss_reason)
                 VALUES (randomblob(16), ?1, ?2, ?3, ?4, iif(?3 < 3, ?5, NULL), ?6, ?7, ?8, ?9, iif(?3 = 3, 'cause ' || ?2, NULL),
                         iif(?10, 1, NULL), iif(?10, 'test', NULL))",
                (
                    txn,
                    one.route,
                    rows::status_code(one.status),
                    one.blocked,
                    one.due,
                    one.created,
                    one.updated,
                    code,
                    message,
                    one.dismissed,
                ),
            )
            .unwrap();
            let item = sql.last_insert_rowid();
            sql.execute("INSERT INTO item_records VALUES (?1, ?2)", (format!("WI-{record}"), item)).unwrap();
            if one.in_run {
                sql.execute("INSERT INTO run_items VALUES (1, ?1, 0)", [item]).unwrap();
            }
            if code.is_some() || message.is_some() {
                words.set_error(item, code, message);
            }
        }
    }
    sql.execute_batch(
        "INSERT INTO tallies SELECT route, status, blocked, dismissed_at IS NOT NULL, count(*) FROM items GROUP BY 1, 2, 3, 4",
    )
    .unwrap();
    words.write(&sql).unwrap();
    all.commit().unwrap();
    (folder, sql)
}

/// What is meant: what the filter matches, the index being asked for each item, in the list's order.
fn meant(sql: &Connection, filter: &Filter, order: Order) -> Vec<Place> {
    let conditions = Conditions::new(filter).unwrap();
    let query = format!("SELECT {}, i.id {FROM} {} {}", order.column(), conditions.clause(), order.by());
    let mut statement = sql.prepare(&query).unwrap();
    let places = statement.query_map(params_from_iter(conditions.values), place).unwrap();
    places.collect::<rusqlite::Result<_>>().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_search_finds_what_is_meant_in_order_and_its_cursors_meet_each_once_whichever_way_it_goes(
        changes in changes(),
        asked in prop::collection::vec((filter(), sort(), effort(), 1usize..6, any::<bool>()), 16),
    ) {
        let (_folder, sql) = store(&changes);
        for (filter, sort, effort, most, is_remembered) in asked {
            let Ok(order) = Order::of(&filter, sort) else { continue };
            let expected = meant(&sql, &filter, order);
            let search = &Search::read(filter.text.as_deref().unwrap()).unwrap().unwrap();
            let besides = &Filter { text: None, ..filter.clone() };
            for effort in [effort, Effort::USUAL] {
                let (mut found, mut after, mut counted) = (Vec::new(), None, None);
                loop {
                    let (places, total) =
                        Searching { sql: &sql, search, besides, order, after, most, counted }.run(effort).unwrap();
                    prop_assert_eq!(total, expected.len() as u64, "total of {:?} {:?} by {:?}", filter, order, effort);
                    // Every page counts by itself, or every second one.
                    counted = if is_remembered && counted.is_none() { Some(total) } else { None };
                    after = places.last().copied();
                    let ended = places.len() < most;
                    found.extend(places);
                    if ended {
                        break;
                    }
                }
                prop_assert_eq!(&found, &expected, "{:?} {:?} by {:?}, {} at a time", filter, order, effort, most);
            }
        }
    }
}

#[test]
fn a_total_is_remembered_until_something_is_written() {
    let one = One {
        route: 1,
        status: Status::Queued,
        blocked: false,
        dismissed: false,
        error: 0,
        created: 0,
        updated: 0,
        due: 0,
        in_run: false,
    };
    let (folder, writer) = store(&[(1, 0, vec![one.clone(), one])]);
    let reader = crate::open::reader(&folder.path().join("test.db")).unwrap();
    let (mut totals, filter) =
        (crate::list::Totals::default(), Filter { text: Some("revenue".into()), ..Filter::default() });
    let mut page = |most| {
        let reading = reader.unchecked_transaction().unwrap();
        let page = crate::list::page(&reading, &mut totals, &filter, None, most, None).unwrap();
        reading.finish().unwrap();
        (page.items.len(), page.total, totals.of(&filter))
    };
    assert_eq!(page(1), (1, 2, Some(2)));
    writer
        .execute_batch(
            "UPDATE items SET status = 3, due_at = NULL, dismissed_at = 0, dismiss_reason = 'x' WHERE id = 1",
        )
        .unwrap();
    assert_eq!(page(5), (1, 1, Some(1)));
    assert_eq!(page(1), (1, 1, Some(1)));
    let other = Filter { statuses: vec![Status::Failed], ..filter.clone() };
    assert_eq!(totals.of(&other), None, "another filter has another total");
    for n in 0..100 {
        totals.keep(&Filter { text: Some(n.to_string()), ..Filter::default() }, n);
    }
    assert_eq!(
        (totals.of(&filter), totals.of(&Filter { text: Some("99".into()), ..Filter::default() })),
        (None, Some(99))
    );
}
