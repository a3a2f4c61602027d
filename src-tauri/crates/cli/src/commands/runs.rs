//! `sync-monitor runs …`.

use serde::Deserialize;
use serde_json::Value;

use crate::Session;
use crate::args::Runs as Command;
use crate::client::{Failure, escape, query};
use crate::output::{Cell, Colour, Screen, shorten, time};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Runs {
    runs: Vec<Run>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    id: String,
    at: String,
    ended_at: Option<String>,
    state: String,
    actor: String,
    via: Option<String>,
    action: String,
    reason: Option<String>,
    selected: u64,
    changed: u64,
    refused: u64,
    filter: Option<Value>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(flatten)]
    run: Run,
    refusals: Vec<Refused>,
    now: Now,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refused {
    id: String,
    message: String,
    title: Option<String>,
    external_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Now {
    queued: u64,
    processing: u64,
    retrying: u64,
    failed: u64,
    dismissed: u64,
    synced: u64,
    superseded: u64,
}

pub(crate) async fn run(session: &Session, command: Command) -> Result<(), Failure> {
    let client = &session.client;
    match command {
        Command::List { limit, cursor } => {
            let limit = limit.to_string();
            let mut parameters = vec![("limit", limit.as_str())];
            parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let answer = client.get(&format!("runs{}", query(&parameters))).await?;
            session.show(&answer, |page: Runs, screen| show_page(&page, screen))
        }
        Command::Show { id } => {
            let answer = client.get(&format!("runs/{}", escape(&id))).await?;
            session.show(&answer, |detail: Detail, screen| show_detail(&detail, screen))
        }
    }
}

fn show_page(page: &Runs, screen: &mut Screen) -> std::io::Result<()> {
    if page.runs.is_empty() {
        return screen.line("Nothing was retried, sent early, dismissed or restored yet.");
    }
    let rows: Vec<Vec<Cell>> = page
        .runs
        .iter()
        .map(|run| {
            vec![
                run.id.as_str().into(),
                time(Some(&run.at)).into(),
                run.who().into(),
                run.action.as_str().into(),
                run.selected.to_string().into(),
                run.changed.to_string().into(),
                number(run.refused, Colour::Bad),
                state(&run.state),
                shorten(run.reason.as_deref().unwrap_or(""), 60).into(),
            ]
        })
        .collect();
    let names = ["RUN", "AT", "WHO", "WHAT", "MEANT", "CHANGED", "REFUSED", "STATE", "REASON"];
    screen.table(&names, &rows)?;
    match &page.next_cursor {
        Some(cursor) => screen.line(&format!("More with --cursor {cursor}")),
        None => Ok(()),
    }
}

fn show_detail(detail: &Detail, screen: &mut Screen) -> std::io::Result<()> {
    let run = &detail.run;
    let mut rows = vec![
        vec!["Run".into(), run.id.as_str().into()],
        vec!["What".into(), run.action.as_str().into()],
        vec!["Who".into(), run.who().into()],
        vec!["Began".into(), time(Some(&run.at)).into()],
        vec!["Ended".into(), time(run.ended_at.as_deref()).into()],
        vec!["State".into(), state(&run.state)],
        vec!["Items meant".into(), run.selected.to_string().into()],
        vec!["Changed".into(), run.changed.to_string().into()],
        vec!["Refused".into(), number(run.refused, Colour::Bad)],
    ];
    let filter = run.filter.as_ref().map(Value::to_string);
    let optional = [("Reason", run.reason.clone()), ("Filter", filter)];
    rows.extend(optional.into_iter().filter_map(|(name, text)| Some(vec![name.into(), text?.into()])));
    screen.table(&["", ""], &rows)?;
    screen.line("\nThe items that it changed are now:")?;
    let now = &detail.now;
    let standing = [
        ("synced", now.synced),
        ("queued", now.queued),
        ("processing", now.processing),
        ("retrying", now.retrying),
        ("failed", now.failed),
        ("dismissed", now.dismissed),
        ("superseded", now.superseded),
    ];
    let rows: Vec<Vec<Cell>> = standing
        .into_iter()
        .filter(|(_, n)| *n > 0)
        .map(|(status, n)| vec![Cell::state(status), n.to_string().into()])
        .collect();
    if rows.is_empty() {
        screen.line("None.")?;
    } else {
        screen.table(&["", ""], &rows)?;
    }
    if detail.refusals.is_empty() {
        return Ok(());
    }
    screen.line("")?;
    let rows: Vec<Vec<Cell>> = detail
        .refusals
        .iter()
        .map(|refused| {
            vec![
                refused.id.as_str().into(),
                shorten(&refused.external_ids.join(" "), 32).into(),
                shorten(refused.title.as_deref().unwrap_or(""), 32).into(),
                refused.message.as_str().into(),
            ]
        })
        .collect();
    screen.table(&["REFUSED", "RECORD", "TITLE", "WHY"], &rows)?;
    let more = run.refused.saturating_sub(u64::try_from(rows.len()).unwrap_or(u64::MAX));
    if more > 0 { screen.line(&format!("and {more} more.")) } else { Ok(()) }
}

fn number(n: u64, colour: Colour) -> Cell {
    if n == 0 { "0".into() } else { Cell::coloured(n.to_string(), colour) }
}

fn state(word: &str) -> Cell {
    let colour = match word {
        "done" => Colour::Good,
        "running" => Colour::Busy,
        _ => Colour::Bad,
    };
    Cell::coloured(word, colour)
}

impl Run {
    fn who(&self) -> String {
        super::who(&self.actor, self.via.as_deref())
    }
}
