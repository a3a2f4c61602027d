//! Rows that come in while a delivery to their org is on its way.

use sync_monitor_domain::change::Change;
use sync_monitor_domain::hub::Fields;
use sync_monitor_domain::hub::row::Row;
use sync_monitor_domain::remote::ConnectedOrg;
use sync_monitor_domain::sign_in::{SignIn, SignedInBy};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

const A: &str = "00D00000000000A";
const B: &str = "00D00000000000B";
const RECORD: &str = "a01000000000001AAA";
const NOW: Millis = Millis(1_772_000_000_000);

#[expect(clippy::disallowed_methods, reason = "the names of a test's items mean nothing")]
fn new_id() -> Uuid {
    Uuid::now_v7()
}

fn org(text: &str) -> OrgId {
    text.parse().unwrap()
}

/// A and B, routed both ways; B holds the record R as a delivery left it, and a change of A for it is in flight.
async fn in_flight() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("test.db")).unwrap();
    let me = Actor { name: "test".into(), via: None };
    for name in [A, B] {
        let connected = ConnectedOrg {
            org_id: org(name),
            username: None,
            instance_url: "http://localhost".into(),
            kind: None,
            sign_in: SignIn { by: SignedInBy::AuthUrl, login_url: None, client_id: None },
        };
        store.connect_org(connected, None, "/", me.clone(), NOW).await.unwrap();
    }
    for (from, to) in [(A, B), (B, A)] {
        store.add_route(new_id(), org(from), org(to), true, me.clone(), NOW).await.unwrap();
    }
    let wrote = Wrote {
        object: HubObject::WorkItem,
        external_id: "R".into(),
        record_id: RECORD.into(),
        fields: fields("Before"),
        stamp: Timestamp(0),
        is_active: true,
    };
    store.note_wrote(org(B), wrote).await.unwrap();
    let body = format!(
        r#"{{"transactionId":"t","sourceOrgId":"{A}","timestamp":"{NOW}","operation":"upsert","records":[{{"externalId":"R","title":"Newest"}}]}}"#,
    );
    let change = Change::parse(body.into(), NOW).unwrap();
    store.accept(change, NOW, NOW, new_id, |_| ()).await.unwrap();
    assert_eq!(store.claim(org(B), 1, NOW).await.unwrap().items.len(), 1);
    (folder, store)
}

fn fields(title: &str) -> Fields {
    [("title".to_owned(), title.into())].into_iter().collect()
}

/// B's row, with an edit that is older than A's.
fn older_edit(for_delivery: bool) -> Page {
    let row = Row {
        object: HubObject::WorkItem,
        id: RECORD.into(),
        stamp: Timestamp(NOW.0 * 1_000 - 5_000_000),
        is_deleted: false,
        is_active: true,
        parent: None,
        created_at: None,
        fields: fields("Older"),
        document: None,
        content: None,
    };
    Page {
        org: org(B),
        rows: vec![PulledRow { row, ledger: None }],
        for_delivery,
        is_confirmed: false,
        watermark: None,
        at: NOW,
        first_due: NOW,
        new_id,
    }
}

/// What is in flight may have been written before the row was read, and would mend nothing any more.
#[tokio::test]
async fn an_edit_that_lost_while_the_newer_is_in_flight_has_that_sent_once_more() {
    let (_folder, store) = in_flight().await;
    let taken = store.take_rows(older_edit(false)).await.unwrap();
    assert_eq!((taken.conflicts, taken.items.len(), &taken.targets[..]), (1, 1, &[org(B)][..]));
    // Once is enough, however often the row is read.
    let mut again = older_edit(false);
    again.rows[0].row.fields = fields("Older still");
    assert_eq!(store.take_rows(again).await.unwrap().items.len(), 0);
}

#[tokio::test]
async fn an_edit_that_is_met_by_the_newer_itself_has_it_not_sent_twice() {
    let (_folder, store) = in_flight().await;
    let taken = store.take_rows(older_edit(true)).await.unwrap();
    assert_eq!((taken.conflicts, taken.items.len()), (1, 0));
}

/// Otherwise what the delivery wrote would be undone by what was there before it.
#[tokio::test]
async fn a_row_of_before_a_delivery_is_no_edit_unless_it_is_read_again() {
    let (_folder, store) = in_flight().await;
    let wrote = Wrote {
        object: HubObject::WorkItem,
        external_id: "R".into(),
        record_id: RECORD.into(),
        fields: fields("Newest"),
        stamp: Timestamp(NOW.0 * 1_000),
        is_active: true,
    };
    store.note_wrote(org(B), wrote).await.unwrap();
    let taken = store.take_rows(older_edit(false)).await.unwrap();
    assert_eq!((taken.changes, taken.outdated), (0, vec![RECORD.to_owned()]));
    // Of an org whose clock was set back it is one.
    let taken = store.take_rows(Page { is_confirmed: true, ..older_edit(false) }).await.unwrap();
    assert_eq!((taken.changes, taken.outdated.len()), (1, 0));
}
