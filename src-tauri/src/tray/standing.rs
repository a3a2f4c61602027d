//! How things stand, in one look and one line.

use chrono::{DateTime, TimeZone};

use crate::answers::{Health, Org, Status, counted};

/// What the icon shows: a shape and a colour for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nothing waits and nothing failed.
    Ok,
    /// Something is still to be sent.
    Working,
    /// Somebody has to do something.
    Attention,
    /// Somebody has said stop.
    Paused,
    /// No org answers.
    Offline,
}

/// What the tray says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) look: Look,
    /// One sentence without a full stop.
    pub(crate) line: String,
    /// Items that need somebody.
    pub(crate) failed: u64,
    /// Items that are still to be sent.
    pub(crate) waiting: u64,
    /// Whether the relay is paused as a whole.
    pub(crate) paused: bool,
}

impl Standing {
    /// Judges how things stand, for a user in the time zone `zone`.
    ///
    /// What a person has said comes first, then what nobody here can change, then what somebody has to do: a failed item
    /// cannot be mended while no org answers.
    pub(crate) fn of<Z: TimeZone>(status: &Status, orgs: &[Org], zone: &Z) -> Self
    where
        Z::Offset: std::fmt::Display,
    {
        let waiting = status.waiting();
        let look = Self::look(status, orgs);
        let line = match look {
            Look::Paused => and_waiting(paused(status, zone), waiting),
            Look::Offline => and_waiting(unreachable(orgs), waiting),
            Look::Attention => needs(status, orgs),
            Look::Working => match waiting.saturating_sub(status.held) {
                0 => counted(waiting, "change is held", "changes are held"),
                moving => counted(moving, "change is on its way", "changes are on their way"),
            },
            Look::Ok if orgs.is_empty() => "No org is connected yet".to_owned(),
            Look::Ok => "Everything is in sync".to_owned(),
        };
        Self { look, line, failed: status.counts.failed, waiting, paused: status.relay.paused }
    }

    fn look(status: &Status, orgs: &[Org]) -> Look {
        let all = |health| !orgs.is_empty() && orgs.iter().all(|org| org.health == health);
        // Whoever is paused or signed out is not asked, and so cannot be silent.
        let mut asked = orgs
            .iter()
            .filter(|org| !matches!(org.health, Health::Paused | Health::SignInRequired))
            .peekable();
        if status.relay.paused || all(Health::Paused) {
            Look::Paused
        } else if asked.peek().is_some() && asked.all(|org| org.health == Health::OrgUnreachable) {
            Look::Offline
        } else if status.counts.failed > 0 || orgs.iter().any(|org| wants(org.health).is_some()) {
            Look::Attention
        } else if status.waiting() > 0 {
            Look::Working
        } else {
            Look::Ok
        }
    }
}

/// What somebody has to do for an org, if anything.
fn wants(health: Health) -> Option<&'static str> {
    match health {
        Health::SignInRequired => Some("needs a sign-in"),
        Health::EndpointMissing => Some("has no sync endpoint"),
        Health::Connected | Health::Paused | Health::OrgUnreachable | Health::RateLimited | Health::Other => {
            None
        }
    }
}

fn needs(status: &Status, orgs: &[Org]) -> String {
    let failed = status.counts.failed;
    let items = (failed > 0).then(|| counted(failed, "item needs you", "items need you"));
    let wanting: Vec<_> = orgs.iter().filter_map(|org| Some((org, wants(org.health)?))).collect();
    let orgs = match wanting[..] {
        [] => None,
        [(org, want)] => Some(format!("{} {want}", org.name())),
        _ => Some(format!("{} orgs need you", wanting.len())),
    };
    items.into_iter().chain(orgs).collect::<Vec<_>>().join(", ")
}

fn paused<Z: TimeZone>(status: &Status, zone: &Z) -> String
where
    Z::Offset: std::fmt::Display,
{
    if !status.relay.paused {
        return "Every org is paused".to_owned();
    }
    match status.relay.paused_until {
        Some(until) => {
            let until = until.with_timezone(zone);
            format!("Paused until {}", moment(&until, &status.server_time.with_timezone(zone)))
        }
        None => "Paused until resumed".to_owned(),
    }
}

/// A time of today by the clock alone, another with its day.
fn moment<Z: TimeZone>(at: &DateTime<Z>, now: &DateTime<Z>) -> String
where
    Z::Offset: std::fmt::Display,
{
    let days = at.date_naive().signed_duration_since(now.date_naive()).num_days();
    match days {
        0 => at.format("%H:%M").to_string(),
        1 => at.format("tomorrow, %H:%M").to_string(),
        _ => at.format("%Y-%m-%d, %H:%M").to_string(),
    }
}

fn unreachable(orgs: &[Org]) -> String {
    match orgs {
        [org] => format!("{} cannot be reached", org.name()),
        _ => "No org can be reached".to_owned(),
    }
}

fn and_waiting(line: String, waiting: u64) -> String {
    match waiting {
        0 => line,
        _ => format!("{line}; {}", counted(waiting, "change waits", "changes wait")),
    }
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::*;
    use crate::answers::{Counts, Relay};

    const NOW: &str = "2026-02-27T14:30:00Z";

    fn status(failed: u64, waiting: u64, held: u64) -> Status {
        Status {
            counts: Counts { failed, retrying: waiting, ..Counts::default() },
            held,
            server_time: NOW.parse().unwrap(),
            relay: Relay::default(),
        }
    }

    fn orgs(healths: &[Health]) -> Vec<Org> {
        let org = |(n, health): (usize, &Health)| Org {
            org_id: format!("00D{n}"),
            alias: Some(format!("Org {n}")),
            username: None,
            health: *health,
            queue_depth: 0,
        };
        healths.iter().enumerate().map(org).collect()
    }

    fn judge(status: &Status, healths: &[Health]) -> (Look, String) {
        let zone = FixedOffset::east_opt(3_600).unwrap();
        let Standing { look, line, .. } = Standing::of(status, &orgs(healths), &zone);
        (look, line)
    }

    #[test]
    fn the_line_names_what_matters_most() {
        use Health::{Connected, EndpointMissing, OrgUnreachable, Paused, RateLimited, SignInRequired};
        for (counts, healths, look, line) in [
            ((0, 0, 0), &[][..], Look::Ok, "No org is connected yet"),
            ((0, 0, 0), &[Connected], Look::Ok, "Everything is in sync"),
            ((0, 0, 0), &[Connected, RateLimited], Look::Ok, "Everything is in sync"),
            ((0, 1, 0), &[Connected], Look::Working, "1 change is on its way"),
            ((0, 7, 0), &[Connected], Look::Working, "7 changes are on their way"),
            ((0, 7, 3), &[Connected], Look::Working, "4 changes are on their way"),
            ((0, 7, 7), &[Connected, Paused], Look::Working, "7 changes are held"),
            ((0, 1, 1), &[RateLimited], Look::Working, "1 change is held"),
            ((0, 7, 7), &[Connected, OrgUnreachable], Look::Working, "7 changes are held"),
            ((1, 7, 0), &[Connected], Look::Attention, "1 item needs you"),
            ((12, 0, 0), &[Connected], Look::Attention, "12 items need you"),
            ((0, 2, 2), &[Connected, SignInRequired], Look::Attention, "Org 1 needs a sign-in"),
            ((0, 0, 0), &[EndpointMissing], Look::Attention, "Org 0 has no sync endpoint"),
            (
                (1, 0, 0),
                &[SignInRequired, EndpointMissing],
                Look::Attention,
                "1 item needs you, 2 orgs need you",
            ),
            ((0, 0, 0), &[OrgUnreachable], Look::Offline, "Org 0 cannot be reached"),
            (
                (3, 2, 2),
                &[OrgUnreachable, OrgUnreachable],
                Look::Offline,
                "No org can be reached; 2 changes wait",
            ),
            ((0, 1, 1), &[OrgUnreachable, Paused], Look::Offline, "No org can be reached; 1 change waits"),
            (
                (0, 1, 1),
                &[SignInRequired, OrgUnreachable],
                Look::Offline,
                "No org can be reached; 1 change waits",
            ),
            ((0, 2, 2), &[Paused, Paused], Look::Paused, "Every org is paused; 2 changes wait"),
        ] {
            let (failed, waiting, held) = counts;
            assert_eq!(judge(&status(failed, waiting, held), healths), (look, line.to_owned()));
        }
    }

    #[test]
    fn a_pause_is_shown_whatever_else_there_is_and_says_when_it_ends() {
        for (until, line) in [
            (None, "Paused until resumed; 2 changes wait"),
            (Some("2026-02-27T14:45:00Z"), "Paused until 15:45; 2 changes wait"),
            (Some("2026-02-28T07:00:00Z"), "Paused until tomorrow, 08:00; 2 changes wait"),
            (Some("2026-03-04T07:00:00Z"), "Paused until 2026-03-04, 08:00; 2 changes wait"),
        ] {
            let mut status = status(3, 2, 2);
            status.relay = Relay { paused: true, paused_until: until.map(|until| until.parse().unwrap()) };
            assert_eq!(judge(&status, &[Health::SignInRequired]), (Look::Paused, line.to_owned()));
        }
    }
}
