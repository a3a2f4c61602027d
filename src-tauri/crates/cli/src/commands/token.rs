//! `sync-monitor token …`.

use serde::Deserialize;
use serde_json::json;

use crate::Session;
use crate::args::Token as Command;
use crate::client::{Failure, escape};
use crate::output::{Cell, Colour, Screen, has_passed, tame, time};

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

impl Token {
    /// Is it good, and if not, why?
    fn state(&self) -> Cell {
        match (&self.revoked_at, self.expires_at.as_deref().is_some_and(has_passed)) {
            (Some(at), _) => Cell::coloured(format!("revoked {}", time(Some(at))), Colour::Faint),
            (None, true) => Cell::state("expired"),
            (None, false) => Cell::state("enabled"),
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
            vec![
                token.id.as_str().into(),
                token.name.as_str().into(),
                token.source_org_ids.join(" ").into(),
                token.state(),
                time(Some(&token.created_at)).into(),
                time(token.expires_at.as_deref()).into(),
                time(token.last_used_at.as_deref()).into(),
            ]
        })
        .collect();
    screen.table(&["TOKEN", "NAME", "SPEAKS FOR", "STATE", "MADE", "EXPIRES", "LAST USED"], &rows)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::for_good(None, None, Cell::state("enabled"))]
    #[case::for_long(Some("2999-01-01T00:00:00.000Z"), None, Cell::state("enabled"))]
    #[case::ended(Some("2020-01-01T00:00:00.000Z"), None, Cell::state("expired"))]
    #[case::revoked(
        Some("2020-01-01T00:00:00.000Z"),
        Some("then"),
        Cell::coloured("revoked then", Colour::Faint)
    )]
    fn a_token_that_is_good_no_more_is_not_shown_as_good(
        #[case] expires_at: Option<&str>,
        #[case] revoked_at: Option<&str>,
        #[case] shown: Cell,
    ) {
        let token = Token {
            id: "t".into(),
            name: "nightly".into(),
            source_org_ids: Vec::new(),
            created_at: "2019-01-01T00:00:00.000Z".into(),
            expires_at: expires_at.map(Into::into),
            last_used_at: None,
            revoked_at: revoked_at.map(Into::into),
        };
        assert_eq!(token.state(), shown);
    }
}
