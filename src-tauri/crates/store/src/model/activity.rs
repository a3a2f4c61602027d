//! Who did what, and when.

use std::str::FromStr;

use sync_monitor_domain::clock::Millis;

/// Who did something, and by which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// `user:NAME`, `demo`, or `relay` for what the program does by itself.
    pub name: String,
    /// How it was asked for; `None` for what nobody asked for.
    pub via: Option<Via>,
}

impl Actor {
    /// The program itself.
    pub fn relay() -> Self {
        Self { name: RELAY.into(), via: None }
    }
}

/// The name of the program among the actors.
pub(crate) const RELAY: &str = "relay";

/// The way that somebody asked for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The window.
    Window,
    /// The window's page in a browser.
    Browser,
    /// The command line.
    Cli,
    /// Another program, with the admin token.
    Api,
}

impl Via {
    /// The API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Browser => "browser",
            Self::Cli => "cli",
            Self::Api => "api",
        }
    }
}

impl FromStr for Via {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::Window, Self::Browser, Self::Cli, Self::Api]
            .into_iter()
            .find(|via| via.as_str() == word)
            .ok_or(())
    }
}

/// One line of the activity log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Its number; greater is later.
    pub id: i64,
    /// When.
    pub at: Millis,
    /// Who.
    pub actor: Actor,
    /// What, as `item.retry`.
    pub action: String,
    /// To what: an item, an org, a route, a token.
    pub subject: Option<String>,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// To how many.
    pub count: Option<u64>,
    /// More, for a person.
    pub detail: Option<String>,
}

/// Which lines of the activity log, all conditions together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActivityFilter {
    /// This action; what ends in a dot means all that begin with it: `item.`.
    pub action: Option<String>,
    /// Done by: the name of an [`Actor`].
    pub actor: Option<String>,
    /// Done to.
    pub subject: Option<String>,
    /// At or after.
    pub since: Option<Millis>,
    /// Before.
    pub until: Option<Millis>,
}

/// A page of the activity log, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityPage {
    /// Newest first.
    pub activity: Vec<Activity>,
    /// Asks for the next page.
    pub next_cursor: Option<String>,
}
