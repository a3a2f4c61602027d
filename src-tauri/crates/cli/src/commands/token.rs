//! `sync-monitor token …`.

use serde::Deserialize;
use serde_json::json;

use crate::Session;
use crate::args::Token as Command;
use crate::client::{Failure, escape};
use crate::output::{Cell, Colour, Screen, tame, time};

#[derive(Deserialize)]
struct Tokens {
    tokens: Vec<Token>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    id: String,
    name: String,
    source_org_ids: Vec<String>,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    revoked_at: Option<String>,
}

#[derive(Deserialize)]
struct Created {
    id: String,
    token: String,
}

pub(crate) async fn run(session: &Session, command: Command) -> Result<(), Failure> {
    let client = &session.client;
    match command {
        Command::List => {
            let answer = client.get("tokens").await?;
            session.show(&answer, |list: Tokens, screen| show(&list.tokens, screen))
        }
        Command::Create { name, source_orgs, expires_at } => {
            let token = json!({"name": name, "sourceOrgIds": source_orgs, "expiresAt": expires_at});
            let answer = client.post("tokens", Some(&token)).await?;
            session.show(&answer, |created: Created, screen| {
                screen.line(&created.token)?;
                // For a person only, so that the token alone can be piped.
                eprintln!(
                    "This is shown once. To take it out of use: sync-monitor token revoke {}",
                    created.id
                );
                Ok(())
            })
        }
        Command::Revoke { id } => {
            client.delete(&format!("tokens/{}", escape(&id))).await?;
            session.say(&format!("Token {} is revoked.", tame(&id)))
        }
    }
}

fn show(tokens: &[Token], screen: &mut Screen) -> std::io::Result<()> {
    if tokens.is_empty() {
        return screen.line("There is no token. Make one with `sync-monitor token create`.");
    }
    let rows: Vec<Vec<Cell>> = tokens
        .iter()
        .map(|token| {
            let state = match &token.revoked_at {
                Some(at) => Cell::coloured(format!("revoked {}", time(Some(at))), Colour::Faint),
                None => Cell::state("enabled"),
            };
            vec![
                token.id.as_str().into(),
                token.name.as_str().into(),
                token.source_org_ids.join(" ").into(),
                state,
                time(Some(&token.created_at)).into(),
                time(token.expires_at.as_deref()).into(),
                time(token.last_used_at.as_deref()).into(),
            ]
        })
        .collect();
    screen.table(&["TOKEN", "NAME", "SPEAKS FOR", "STATE", "MADE", "EXPIRES", "LAST USED"], &rows)
}
