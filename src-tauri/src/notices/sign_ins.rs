//! Which orgs to tell of because they need a sign-in.

use std::collections::HashSet;

use crate::answers::{Health, Org, counted};
use crate::notification::Notification;
use crate::place::Place;

/// The orgs that need a sign-in, and were told of.
#[derive(Default)]
pub(super) struct SignIns(HashSet<String>);

impl SignIns {
    /// The orgs that need a sign-in and were not told of since they do.
    pub(super) fn new_ones<'a>(&mut self, orgs: &'a [Org]) -> Vec<&'a Org> {
        let need = |org: &&Org| org.health == Health::SignInRequired;
        let new = orgs.iter().filter(need).filter(|org| !self.0.contains(&org.org_id)).collect();
        self.0 = orgs.iter().filter(need).map(|org| org.org_id.clone()).collect();
        new
    }
}

/// What is told of an org that needs a sign-in.
pub(super) fn notification(org: &Org) -> Notification {
    let waiting = match org.queue_depth {
        0 => "Nothing waits for it yet".to_owned(),
        n => format!("{} for it", counted(n, "change waits", "changes wait")),
    };
    Notification {
        title: format!("{} needs a sign-in", org.name()),
        text: format!("{waiting}. Nothing is lost: what comes in is sent when somebody has signed in again."),
        place: Some(Place::Orgs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org(id: &str, health: Health) -> Org {
        Org { org_id: id.into(), alias: Some("Acme".into()), username: None, health, queue_depth: 2 }
    }

    #[test]
    fn an_org_that_needs_a_sign_in_is_told_once_each_time_it_begins_to() {
        use Health::{Connected, SignInRequired};
        let mut told = SignIns::default();
        let mut tell = |health: [Health; 2]| {
            let orgs = [org("a", health[0]), org("b", health[1])];
            told.new_ones(&orgs).iter().map(|org| org.org_id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(tell([Connected, SignInRequired]), ["b"]);
        assert_eq!(tell([Connected, SignInRequired]), [""; 0]);
        assert_eq!(tell([SignInRequired, SignInRequired]), ["a"]);
        assert_eq!(tell([Connected, SignInRequired]), [""; 0]);
        assert_eq!(tell([SignInRequired, SignInRequired]), ["a"]);
    }

    #[test]
    fn a_notification_says_which_org_and_what_waits() {
        let Notification { title, text, place } = notification(&org("a", Health::SignInRequired));
        assert_eq!(title, "Acme needs a sign-in");
        assert!(text.starts_with("2 changes wait for it."), "{text}");
        assert_eq!(place, Some(Place::Orgs));
    }
}
