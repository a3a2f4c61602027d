//! `sync-monitor items retry … --preflight`.

use serde::Deserialize;
use serde_json::Value;

use super::body;
use crate::Session;
use crate::args::Selection;
use crate::client::Failure;
use crate::output::{Cell, Screen, tame};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Preflight {
    as_of: String,
    selected: u64,
    send: u64,
    superseded: u64,
    not_failed: u64,
    not_found: u64,
    orgs: Vec<Org>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Org {
    org_id: String,
    send: u64,
    superseded: u64,
    held_by: Option<String>,
    api_calls: u64,
    api_usage: Option<ApiUsage>,
}

#[derive(Deserialize)]
struct ApiUsage {
    used: u64,
    max: u64,
}

/// Shows what a retry would do, and how to do exactly that.
pub(super) async fn run(session: &Session, selection: &Selection) -> Result<(), Failure> {
    let by_filter = selection.ids.is_empty();
    let body = Value::Object(body(selection));
    let answer = session.client.post("items/preflight", Some(&body)).await?;
    session.show(&answer, |told: Preflight, screen| show(&told, by_filter, screen))
}

fn show(told: &Preflight, by_filter: bool, screen: &mut Screen) -> std::io::Result<()> {
    screen.line(&sentence(told))?;
    if !told.orgs.is_empty() {
        screen.line("")?;
        let rows: Vec<Vec<Cell>> = told.orgs.iter().map(Org::row).collect();
        let names = ["ORG", "SENT", "SUPERSEDED", "HELD BY", "API CALLS", "API CALLS USED"];
        screen.table(&names, &rows)?;
    }
    if by_filter && told.send > 0 {
        screen.line("")?;
        screen.line(&format!("To leave alone what fails later, retry with --as-of {}", tame(&told.as_of)))?;
    }
    Ok(())
}

fn sentence(told: &Preflight) -> String {
    let others = [
        (told.superseded, "covered by a newer change"),
        (told.not_failed, "not failed"),
        (told.not_found, "unknown"),
    ];
    let others: Vec<String> =
        others.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let others = if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
    format!("Of {} items {} would be sent{others}. Nothing was changed.", told.selected, told.send)
}

impl Org {
    fn row(&self) -> Vec<Cell> {
        let usage = self.api_usage.as_ref();
        vec![
            self.org_id.as_str().into(),
            self.send.to_string().into(),
            self.superseded.to_string().into(),
            self.held_by.as_deref().map_or_else(|| "-".into(), Cell::state),
            self.api_calls.to_string().into(),
            usage.map_or_else(|| "-".to_owned(), |usage| format!("{} of {}", usage.used, usage.max)).into(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_done_is_one_sentence() {
        let told = |superseded, not_failed, not_found| Preflight {
            as_of: String::new(),
            selected: 5,
            send: 2,
            superseded,
            not_failed,
            not_found,
            orgs: Vec::new(),
        };
        assert_eq!(sentence(&told(0, 0, 0)), "Of 5 items 2 would be sent. Nothing was changed.");
        assert_eq!(
            sentence(&told(1, 1, 1)),
            "Of 5 items 2 would be sent (1 covered by a newer change, 1 not failed, 1 unknown). Nothing was changed."
        );
    }
}
