//! What an org's answers say of the org itself. Pure.

use std::time::Duration;

use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::item::Hold;
use sync_monitor_domain::remote::{Examination, Meaning, Try};
use sync_monitor_domain::retry::LONGEST_RETRY_AFTER;
use sync_monitor_store::model::{Health, OrgHold};

use crate::Settings;

/// Requests without an answer, in a row, after which an org counts as unreachable.
const UNANSWERED: u32 = 3;
/// How long an org is left alone that is at its limit and does not say until when.
const RATE_LIMIT_PAUSE: Duration = Duration::from_mins(15);
/// The longest pause between two probes for a missing endpoint.
const LONGEST_PROBE_PAUSE: Duration = Duration::from_mins(15);

/// How it stands with an org after an answer, and in words why.
///
/// `unanswered` counts the requests in a row that got no answer, this one included.
pub(crate) fn after_answer(
    before: Health,
    answer: &Try,
    hold: Option<Hold>,
    unanswered: u32,
    now: Millis,
    settings: &Settings,
) -> (Health, Option<String>) {
    let words = || answer.message.clone();
    match hold {
        Some(Hold::SignInRequired) => (Health { sign_in_required: true, ..before }, words()),
        Some(Hold::RateLimited { retry_after }) => {
            let until =
                now.plus(retry_after.map_or(RATE_LIMIT_PAUSE, |asked| asked.min(LONGEST_RETRY_AFTER)));
            // Several answers of one moment may name different times: the latest holds.
            let until = match before.hold {
                Some(OrgHold::RateLimited { until: earlier }) => until.max(earlier),
                _ => until,
            };
            (Health { hold: Some(OrgHold::RateLimited { until }), ..before }, words())
        }
        Some(Hold::EndpointMissing) => {
            let hold = match before.hold {
                // Those that were in flight together tell one thing, not several.
                Some(OrgHold::EndpointMissing { probe_at, probes }) if now < probe_at => {
                    OrgHold::EndpointMissing { probe_at, probes }
                }
                Some(OrgHold::EndpointMissing { probes, .. }) => OrgHold::EndpointMissing {
                    probe_at: now.plus(probe_pause(settings.probe_interval, probes + 1)),
                    probes: probes + 1,
                },
                _ => OrgHold::EndpointMissing { probe_at: now.plus(settings.probe_interval), probes: 0 },
            };
            (Health { hold: Some(hold), ..before }, words())
        }
        None if answer.meaning == Meaning::Unreachable => {
            let held = matches!(before.hold, Some(OrgHold::Unreachable { .. }));
            let hold = if held || (unanswered >= UNANSWERED && before.hold.is_none()) {
                Some(OrgHold::Unreachable { probe_at: now.plus(settings.probe_interval) })
            } else {
                match before.hold {
                    Some(OrgHold::EndpointMissing { probe_at, probes }) => Some(OrgHold::EndpointMissing {
                        probe_at: probe_at.max(now.plus(settings.probe_interval)),
                        probes,
                    }),
                    other => other,
                }
            };
            (Health { hold, ..before }, words())
        }
        // Nothing was sent, so nothing was found out.
        None if answer.meaning == Meaning::ParentMissing => (before, None),
        // An answer: the org is there. A limit ends by its time, not by one request that slipped through.
        None => {
            let hold = before.hold.filter(|hold| matches!(hold, OrgHold::RateLimited { .. }));
            (Health { hold, ..before }, None)
        }
    }
}

/// How it stands with an unreachable org after it was asked whether anything answers.
pub(crate) fn after_ping(
    before: Health,
    answers: bool,
    now: Millis,
    probe_interval: Duration,
) -> (Health, Option<String>) {
    match before.hold {
        Some(OrgHold::Unreachable { .. }) if answers => (Health { hold: None, ..before }, None),
        Some(OrgHold::Unreachable { .. }) => {
            let hold = Some(OrgHold::Unreachable { probe_at: now.plus(probe_interval) });
            (Health { hold, ..before }, Some("The org did not answer a probe either.".into()))
        }
        _ => (before, None),
    }
}

/// How it stands with an org after it was looked at, and in words why. A limit ends by its time.
pub(crate) fn after_look(
    before: Health,
    found: &Examination,
    now: Millis,
    settings: &Settings,
) -> (Health, Option<String>) {
    let probe_at = now.plus(settings.probe_interval);
    let endpoint = found.endpoint.as_ref().map(|endpoint| endpoint.as_ref().map_err(|trouble| &trouble.one));
    let ((Err(trouble), _) | (Ok(()), Some(Err(trouble)))) = (&found.sign_in, endpoint) else {
        let hold = before.hold.filter(|hold| matches!(hold, OrgHold::RateLimited { .. }));
        return (Health { sign_in_required: false, hold, ..before }, None);
    };
    let words = trouble.message.clone();
    let sign_in_required = match (&found.sign_in, trouble.meaning) {
        (_, Meaning::SignInRequired) => true,
        (Ok(()), _) => false,
        // Nothing was found out about it.
        (Err(_), _) => before.sign_in_required,
    };
    let hold = match trouble.meaning {
        Meaning::RateLimited { retry_after } => Some(OrgHold::RateLimited {
            until: now.plus(retry_after.map_or(RATE_LIMIT_PAUSE, |asked| asked.min(LONGEST_RETRY_AFTER))),
        }),
        Meaning::EndpointMissing => match before.hold {
            held @ Some(OrgHold::EndpointMissing { .. }) => held,
            _ => Some(OrgHold::EndpointMissing { probe_at, probes: 0 }),
        },
        Meaning::Unreachable => Some(OrgHold::Unreachable { probe_at }),
        Meaning::SignInRequired => before.hold,
        // An answer: the org is there, and if it is the endpoint's, so is that. What is wrong holds nothing.
        Meaning::Synced
        | Meaning::Superseded
        | Meaning::Refused
        | Meaning::Retry { .. }
        | Meaning::ParentMissing
        | Meaning::TokenRenewed => before.hold.filter(|hold| match hold {
            OrgHold::RateLimited { .. } => true,
            OrgHold::Unreachable { .. } => false,
            OrgHold::EndpointMissing { .. } => found.sign_in.is_err(),
        }),
    };
    (Health { sign_in_required, hold, ..before }, words)
}

/// The same hold after the clock was set back: it ends at the same moment.
pub(crate) fn set_back(hold: Option<OrgHold>, by: Duration) -> Option<OrgHold> {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    let earlier = |at: Millis| Millis(at.0.saturating_sub(by));
    hold.map(|hold| match hold {
        OrgHold::Unreachable { probe_at } => OrgHold::Unreachable { probe_at: earlier(probe_at) },
        OrgHold::RateLimited { until } => OrgHold::RateLimited { until: earlier(until) },
        OrgHold::EndpointMissing { probe_at, probes } => {
            OrgHold::EndpointMissing { probe_at: earlier(probe_at), probes }
        }
    })
}

/// The same hold, with its next probe due now.
pub(crate) fn tried_at_once(hold: Option<OrgHold>, now: Millis) -> Option<OrgHold> {
    hold.map(|hold| match hold {
        OrgHold::Unreachable { .. } => OrgHold::Unreachable { probe_at: now },
        OrgHold::EndpointMissing { probes, .. } => OrgHold::EndpointMissing { probe_at: now, probes },
        limited @ OrgHold::RateLimited { .. } => limited,
    })
}

/// The pause after the `probes`-th probe that found no endpoint: doubling, to 15 minutes.
fn probe_pause(interval: Duration, probes: u32) -> Duration {
    interval.saturating_mul(2u32.saturating_pow(probes.min(16))).min(LONGEST_PROBE_PAUSE.max(interval))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use sync_monitor_domain::remote::{EndpointFault, EndpointTrouble, Identity};

    const NOW: Millis = Millis(1_000_000);

    fn settings() -> Settings {
        Settings::default()
    }

    fn answer(meaning: Meaning) -> Try {
        Try {
            started_at: NOW,
            duration: Duration::ZERO,
            meaning,
            http_status: None,
            error_code: None,
            message: Some("why".into()),
            response_body: None,
        }
    }

    fn held(hold: OrgHold) -> Health {
        Health { hold: Some(hold), ..Health::default() }
    }

    #[rstest]
    #[case::first(1, None)]
    #[case::second(2, None)]
    #[case::third(3, Some(OrgHold::Unreachable { probe_at: Millis(1_030_000) }))]
    #[case::the_fourth_in_flight(4, Some(OrgHold::Unreachable { probe_at: Millis(1_030_000) }))]
    fn three_requests_without_an_answer_make_an_org_unreachable(
        #[case] unanswered: u32,
        #[case] hold: Option<OrgHold>,
    ) {
        let (health, _) = after_answer(
            Health::default(),
            &answer(Meaning::Unreachable),
            None,
            unanswered,
            NOW,
            &settings(),
        );
        assert_eq!(health.hold, hold);
    }

    #[rstest]
    #[case::synced(Meaning::Synced)]
    #[case::refused(Meaning::Refused)]
    #[case::server_error(Meaning::Retry { retry_after: None })]
    fn any_answer_ends_unreachable_and_missing(#[case] meaning: Meaning) {
        for hold in
            [OrgHold::Unreachable { probe_at: NOW }, OrgHold::EndpointMissing { probe_at: NOW, probes: 3 }]
        {
            assert_eq!(
                after_answer(held(hold), &answer(meaning), None, 0, NOW, &settings()),
                (Health::default(), None)
            );
        }
    }

    #[test]
    fn what_was_not_sent_for_want_of_its_work_item_says_nothing_of_the_org() {
        let before = held(OrgHold::Unreachable { probe_at: NOW });
        let missing = answer(Meaning::ParentMissing);
        assert_eq!(after_answer(before, &missing, None, 3, NOW, &settings()), (before, None));
    }

    #[rstest]
    #[case::said(Some(60), 1_060_000)]
    #[case::not_said(None, 1_900_000)]
    #[case::absurd(Some(u64::MAX), 87_400_000)]
    fn an_org_at_its_limit_is_left_alone(#[case] retry_after: Option<u64>, #[case] until: i64) {
        let hold = Hold::RateLimited { retry_after: retry_after.map(Duration::from_secs) };
        let meaning = Meaning::RateLimited { retry_after: None };
        let (health, words) =
            after_answer(Health::default(), &answer(meaning), Some(hold), 0, NOW, &settings());
        assert_eq!(health.hold, Some(OrgHold::RateLimited { until: Millis(until) }));
        assert_eq!(words.as_deref(), Some("why"));
        let (after, _) = after_answer(health, &answer(Meaning::Synced), None, 0, NOW, &settings());
        assert_eq!(after.hold, health.hold, "a request that slipped through does not end the limit");
    }

    #[test]
    fn a_missing_endpoint_is_looked_for_at_growing_steps_up_to_15_minutes() {
        let mut health = Health::default();
        let mut now = NOW;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            health = after_answer(
                health,
                &answer(Meaning::EndpointMissing),
                Some(Hold::EndpointMissing),
                0,
                now,
                &settings(),
            )
            .0;
            let Some(OrgHold::EndpointMissing { probe_at, .. }) = health.hold else { panic!("{health:?}") };
            pauses.push(probe_at.since(now).as_secs());
            now = probe_at;
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 900, 900, 900]);
    }

    #[test]
    fn answers_of_requests_sent_together_count_as_one_probe() {
        let first = after_answer(
            Health::default(),
            &answer(Meaning::EndpointMissing),
            Some(Hold::EndpointMissing),
            0,
            NOW,
            &settings(),
        )
        .0;
        let second = after_answer(
            first,
            &answer(Meaning::EndpointMissing),
            Some(Hold::EndpointMissing),
            0,
            NOW,
            &settings(),
        )
        .0;
        assert_eq!(first, second);
    }

    #[rstest]
    #[case::not_allowed(Meaning::Refused)]
    #[case::maintenance(Meaning::Retry { retry_after: None })]
    fn a_look_that_finds_a_fault_of_the_endpoint_holds_nothing_and_ends_what_it_disproves(
        #[case] meaning: Meaning,
    ) {
        let away = held(OrgHold::Unreachable { probe_at: NOW });
        let missing = held(OrgHold::EndpointMissing { probe_at: NOW, probes: 3 });
        let limited = held(OrgHold::RateLimited { until: NOW.plus(Duration::from_mins(1)) });
        let look = |sign_in, endpoint: Option<Meaning>| Examination {
            sign_in,
            endpoint: endpoint.map(|meaning| {
                Err(EndpointTrouble { fault: EndpointFault::Forbidden, one: Box::new(answer(meaning)) })
            }),
            api_usage: None,
            clock_skew_ms: None,
            identity: Identity::default(),
            moved_to: None,
        };
        let at_the_endpoint = look(Ok(()), Some(meaning));
        for (before, after) in
            [(Health::default(), None), (away, None), (missing, None), (limited, limited.hold)]
        {
            let (health, words) = after_look(before, &at_the_endpoint, NOW, &settings());
            assert_eq!((health.hold, health.sign_in_required), (after, false), "{before:?}");
            assert_eq!(words.as_deref(), Some("why"));
        }
        let at_the_sign_in = look(Err(Box::new(answer(meaning))), None);
        for (before, after) in [(away, None), (missing, missing.hold), (limited, limited.hold)] {
            let (health, _) = after_look(before, &at_the_sign_in, NOW, &settings());
            assert_eq!(health.hold, after, "{before:?}");
        }
    }

    #[rstest]
    #[case(true, None)]
    #[case(false, Some(OrgHold::Unreachable { probe_at: Millis(1_030_000) }))]
    fn a_ping_tells_whether_an_unreachable_org_is_back(#[case] answers: bool, #[case] hold: Option<OrgHold>) {
        let before = held(OrgHold::Unreachable { probe_at: NOW });
        assert_eq!(after_ping(before, answers, NOW, Duration::from_secs(30)).0.hold, hold);
    }
}
