//! Handing rows of an org to the store, as changes like any other.

use std::collections::HashMap;
use std::time::Duration;

use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::conflict::Timestamp;
use sync_monitor_domain::hub::{HubObject, Row};
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::{Meaning, OrgAddress, Try};
use sync_monitor_store::{Page, PulledRow, Taken};

use super::{Known, Reader};
use crate::worker::Tools;
use crate::{Error, new_id};

/// Why rows could not be read, or not be handed in.
pub(super) enum Trouble {
    Org(Box<Try>),
    Store(Error),
}

impl From<Box<Try>> for Trouble {
    fn from(one: Box<Try>) -> Self {
        Self::Org(one)
    }
}

impl From<sync_monitor_store::Error> for Trouble {
    fn from(error: sync_monitor_store::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<Trouble> for Box<Try> {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Org(one) => one,
            Trouble::Store(error) => Self::new(Try {
                started_at: Millis(0),
                duration: Duration::ZERO,
                meaning: Meaning::Retry { retry_after: None },
                http_status: None,
                error_code: Some("INTERNAL_ERROR".into()),
                message: Some(format!("Sync Monitor could not write down what it read in the org: {error}")),
                response_body: None,
            }),
        }
    }
}

/// Takes rows in as changes of their org; those that were never heard of are looked up in the package's own ledger first.
pub(super) async fn hand_in(
    tools: &Tools,
    reader: &mut Reader<'_>,
    rows: Vec<Row>,
    watermark: Option<(HubObject, Timestamp)>,
    for_delivery: bool,
) -> Result<Taken, Trouble> {
    let org: OrgId = reader.address.org_id;
    let ids = rows.iter().filter(|row| !row.is_deleted).map(|row| row.id.clone()).collect();
    let unknown = tools.store.unknown_records(org, ids).await?;
    let mut ledger = if unknown.is_empty() { HashMap::default() } else { reader.ledger(&unknown).await? };
    let object = rows.first().map(|row| row.object);
    let rows =
        rows.into_iter().map(|row| PulledRow { ledger: ledger.remove(&row.id), row }).collect::<Vec<_>>();
    let at = tools.clock.now();
    let first_due = tools.settings.schedule.first_due(at);
    let page = Page { org, rows, for_delivery, is_confirmed: false, watermark, at, first_due, new_id };
    let mut taken = tools.store.take_rows(page).await?;
    if let Some(object) = object.filter(|_| !taken.outdated.is_empty()) {
        let rows = reader.by_id(object, &taken.outdated).await?;
        let rows = rows.into_iter().map(|row| PulledRow { ledger: None, row }).collect();
        let again =
            Page { org, rows, for_delivery, is_confirmed: true, watermark: None, at, first_due, new_id };
        let more = tools.store.take_rows(again).await?;
        taken.changes += more.changes;
        taken.conflicts += more.conflicts;
        taken.echoes += more.echoes;
        taken.deleted += more.deleted;
        taken.targets.extend(more.targets);
        taken.items.extend(more.items);
    }
    tools.wake(&taken.targets);
    tools.announce(taken.items.clone(), true);
    Ok(taken)
}

/// Rows that were read for a delivery are changes like any other.
pub(super) async fn hand_in_one(
    tools: &Tools,
    remote_address: &OrgAddress,
    known: &Known,
    row: Row,
) -> Result<(), Box<Try>> {
    let mut reader =
        Reader { remote: tools.remote.as_ref(), address: remote_address, known, api_usage: None };
    hand_in(tools, &mut reader, vec![row], None, true).await.map_err(Box::<Try>::from)?;
    Ok(())
}
