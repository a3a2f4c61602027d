//! `sync-monitor route …`.

use serde::Deserialize;
use serde_json::json;

use crate::Session;
use crate::args::Route as Command;
use crate::client::{Failure, escape};
use crate::output::{Cell, Screen, tame, time};

#[derive(Deserialize)]
struct Routes {
    routes: Vec<Route>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Route {
    id: String,
    source_org_id: String,
    target_org_id: String,
    enabled: bool,
    created_at: String,
    queue_depth: u64,
}

pub(crate) async fn run(session: &Session, command: Command) -> Result<(), Failure> {
    let client = &session.client;
    match command {
        Command::List => {
            let answer = client.get("routes").await?;
            session.show(&answer, |list: Routes, screen| show(&list.routes, screen))
        }
        Command::Add { source, target, paused, accept_native_path, accept_sandbox_to_production } => {
            let route = json!({
                "sourceOrgId": source,
                "targetOrgId": target,
                "enabled": !paused,
                "acceptNativePath": accept_native_path,
                "acceptSandboxToProduction": accept_sandbox_to_production,
            });
            told(session, &client.post("routes", Some(&route)).await?)
        }
        Command::Pause { id } => told(session, &enable(session, &id, false).await?),
        Command::Resume { id } => told(session, &enable(session, &id, true).await?),
        Command::Remove { id } => {
            client.delete(&format!("routes/{}", escape(&id))).await?;
            session.say(&format!("Route {} is removed.", tame(&id)))
        }
    }
}

async fn enable(session: &Session, id: &str, enabled: bool) -> Result<crate::client::Answer, Failure> {
    session.client.patch(&format!("routes/{}", escape(id)), &json!({"enabled": enabled})).await
}

fn told(session: &Session, answer: &crate::client::Answer) -> Result<(), Failure> {
    session.show(answer, |route: Route, screen| {
        let Route { id, source_org_id, target_org_id, enabled, .. } = &route;
        let what = if *enabled { "Changes go" } else { "Paused: no changes go" };
        screen.line(&format!("{what} from {source_org_id} to {target_org_id} (route {id})."))
    })
}

fn show(routes: &[Route], screen: &mut Screen) -> std::io::Result<()> {
    if routes.is_empty() {
        return screen.line("There is no route. Add one with `sync-monitor route add SOURCE TARGET`.");
    }
    let rows: Vec<Vec<Cell>> = routes
        .iter()
        .map(|route| {
            vec![
                route.id.as_str().into(),
                route.source_org_id.as_str().into(),
                route.target_org_id.as_str().into(),
                Cell::state(if route.enabled { "enabled" } else { "paused" }),
                route.queue_depth.to_string().into(),
                time(Some(&route.created_at)).into(),
            ]
        })
        .collect();
    screen.table(&["ROUTE", "SOURCE", "TARGET", "STATE", "QUEUE", "MADE"], &rows)
}
