//! `sync-monitor work-items …`.

use serde::Deserialize;

use crate::Session;
use crate::args::WorkItems as Command;
use crate::client::{Failure, query};
use crate::output::{Cell, Screen, shorten, time};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WorkItems {
    work_items: Vec<WorkItem>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WorkItem {
    external_id: String,
    title: Option<String>,
    last_item_id: String,
    last_status: String,
    last_at: String,
    items: u64,
    orgs: Vec<String>,
}

pub(crate) async fn run(session: &Session, command: Command) -> Result<(), Failure> {
    let Command::List { search, limit, cursor } = command;
    let limit = limit.to_string();
    let mut parameters = vec![("limit", limit.as_str())];
    parameters.extend(search.as_deref().map(|text| ("q", text)));
    parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
    let answer = session.client.get(&format!("work-items{}", query(&parameters))).await?;
    session.show(&answer, |page: WorkItems, screen| show(&page, screen))
}

fn show(page: &WorkItems, screen: &mut Screen) -> std::io::Result<()> {
    if page.work_items.is_empty() {
        screen.line("There is no such work item here.")?;
    } else {
        let rows: Vec<Vec<Cell>> = page
            .work_items
            .iter()
            .map(|item| {
                vec![
                    shorten(&item.external_id, 40).into(),
                    shorten(item.title.as_deref().unwrap_or(""), 40).into(),
                    time(Some(&item.last_at)).into(),
                    Cell::state(&item.last_status),
                    item.items.to_string().into(),
                    item.orgs.join(" ").into(),
                    item.last_item_id.as_str().into(),
                ]
            })
            .collect();
        let names = ["RECORD", "TITLE", "LAST CHANGE", "ITS STATUS", "CHANGES", "ORGS", "LAST ITEM"];
        screen.table(&names, &rows)?;
    }
    match &page.next_cursor {
        Some(cursor) => screen.line(&format!("More with --cursor {cursor}")),
        None => Ok(()),
    }
}
