//! Which causes of failures to tell of, and when again.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::answers::{Cause, Org, counted};
use crate::notification::Notification;
use crate::place::Place;

/// How long a cause that goes on failing is not told of again, after it was told of once, twice, and more often.
const WAITS: [TimeDelta; 3] = [TimeDelta::hours(1), TimeDelta::hours(4), TimeDelta::hours(24)];
/// More new causes than these are told of in one sentence.
const MANY: usize = 3;

/// The causes that were told of and are still there, by their key.
pub(crate) type Told = BTreeMap<String, Telling>;

/// When and how often a cause was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Telling {
    /// The last time.
    at: DateTime<Utc>,
    /// Since it began.
    times: usize,
    /// The newest failure at that time: a later one makes it news.
    last_seen_at: DateTime<Utc>,
}

/// What to do about the causes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict<'a> {
    /// Those to tell of now.
    pub(super) tell: Vec<&'a Cause>,
    /// When there may be more to tell, though nothing else happens until then.
    pub(super) look_again_at: Option<DateTime<Utc>>,
}

impl Telling {
    fn due(&self) -> DateTime<Utc> {
        self.at + WAITS[(self.times - 1).min(WAITS.len() - 1)]
    }
}

/// Judges the causes that there are at the time `now`, and keeps in mind what is told.
///
/// A cause is told of when it begins, and again when it has failed more since and the wait is over. One that was gone
/// begins anew.
pub(super) fn judge<'a>(told: &mut Told, causes: &'a [Cause], now: DateTime<Utc>) -> Verdict<'a> {
    told.retain(|key, telling| {
        // A clock that was put back must not make the wait longer, nor a damaged note end the program.
        telling.at = telling.at.min(now);
        telling.times = telling.times.max(1);
        causes.iter().any(|cause| cause.failure_key == *key)
    });
    let mut verdict = Verdict { tell: Vec::new(), look_again_at: None };
    for cause in causes {
        let before = told.get(&cause.failure_key);
        if let Some(telling) = before {
            if cause.last_seen_at <= telling.last_seen_at {
                continue;
            }
            let due = telling.due();
            if now < due {
                verdict.look_again_at = Some(verdict.look_again_at.map_or(due, |at| at.min(due)));
                continue;
            }
        }
        let times = before.map_or(0, |telling| telling.times) + 1;
        let telling = Telling { at: now, times, last_seen_at: cause.last_seen_at };
        told.insert(cause.failure_key.clone(), telling);
        verdict.tell.push(cause);
    }
    verdict
}

/// What is told of these causes: one sentence for each, or one for all where they are many.
pub(super) fn notifications(causes: &[&Cause], orgs: &[Org]) -> Vec<Notification> {
    if causes.len() <= MANY {
        return causes.iter().map(|cause| notification(cause, orgs)).collect();
    }
    let items = causes.iter().map(|cause| cause.count).sum();
    vec![Notification {
        title: format!("{}, for {} causes", counted(items, "item failed", "items failed"), causes.len()),
        text: "Sync Monitor shows what happened, who can mend it, and whether a retry helps.".to_owned(),
        place: Some(Place::Causes),
    }]
}

fn notification(cause: &Cause, orgs: &[Org]) -> Notification {
    let org =
        orgs.iter().find(|org| org.org_id == cause.target_org_id).map_or(&*cause.target_org_id, Org::name);
    let who = match cause.cause.fixer.as_str() {
        "targetAdmin" => " An admin of that org can mend it.",
        "sourceAdmin" => " An admin of the org where the change was made can mend it.",
        "wait" => " It passes; then a retry helps.",
        "developer" => " A developer has to look at it.",
        _ => "",
    };
    Notification {
        title: format!("{} at {org}", counted(cause.count, "item failed", "items failed")),
        text: format!("{}.{who}", cause.cause.title),
        place: Some(Place::of_cause(&cause.failure_key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::{Explanation, Health};

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
    }

    /// A cause whose newest failure was at this minute.
    fn cause(key: &str, last_seen: i64) -> Cause {
        Cause {
            failure_key: key.into(),
            target_org_id: "00D1".into(),
            count: 2,
            last_seen_at: at(last_seen),
            cause: Explanation { title: "The record was busy".into(), fixer: "wait".into() },
        }
    }

    /// At a minute there are these causes; told are these, and looked at again is at this minute.
    type Step<'a> = (i64, &'a [(&'a str, i64)], &'a [&'a str], Option<i64>);

    fn play(steps: &[Step<'_>]) {
        let mut told = Told::new();
        for (index, (now, causes, expected, again)) in steps.iter().enumerate() {
            let causes: Vec<_> = causes.iter().map(|(key, last_seen)| cause(key, *last_seen)).collect();
            let verdict = judge(&mut told, &causes, at(*now));
            let keys: Vec<_> = verdict.tell.iter().map(|cause| cause.failure_key.as_str()).collect();
            assert_eq!((keys.as_slice(), verdict.look_again_at), (*expected, again.map(at)), "step {index}");
        }
    }

    #[test]
    fn a_cause_is_told_of_once_and_not_for_each_item() {
        play(&[
            (0, &[], &[], None),
            (1, &[("a", 1)], &["a"], None),
            (2, &[("a", 1)], &[], None),
            (3, &[("a", 3)], &[], Some(61)),
            (4, &[("a", 4), ("b", 4)], &["b"], Some(61)),
        ]);
    }

    #[test]
    fn one_that_goes_on_failing_is_told_of_again_after_an_hour_four_hours_and_then_daily() {
        const HOUR: i64 = 60;
        play(&[
            (0, &[("a", 0)], &["a"], None),
            (HOUR - 1, &[("a", HOUR - 1)], &[], Some(HOUR)),
            (HOUR, &[("a", HOUR - 1)], &["a"], None),
            (3 * HOUR, &[("a", 2 * HOUR)], &[], Some(5 * HOUR)),
            (5 * HOUR, &[("a", 2 * HOUR)], &["a"], None),
            (28 * HOUR, &[("a", 28 * HOUR)], &[], Some(29 * HOUR)),
            (30 * HOUR, &[("a", 30 * HOUR)], &["a"], None),
            (53 * HOUR, &[("a", 53 * HOUR)], &[], Some(54 * HOUR)),
            (54 * HOUR, &[("a", 53 * HOUR)], &["a"], None),
        ]);
    }

    #[test]
    fn one_that_lasts_and_does_not_grow_is_not_told_of_again() {
        play(&[(0, &[("a", 0)], &["a"], None), (10_000, &[("a", 0)], &[], None)]);
    }

    #[test]
    fn one_that_was_gone_is_told_of_anew() {
        play(&[
            (0, &[("a", 0)], &["a"], None),
            (1, &[], &[], None),
            (2, &[("a", 2)], &["a"], None),
            (3, &[("a", 3)], &[], Some(62)),
        ]);
    }

    #[test]
    fn a_clock_that_is_put_back_does_not_silence_a_cause() {
        play(&[
            (10_000, &[("a", 10_000)], &["a"], None),
            (0, &[("a", 10_001)], &[], Some(60)),
            (60, &[("a", 10_001)], &["a"], None),
        ]);
    }

    #[test]
    fn what_was_told_is_kept_over_a_restart_and_a_damaged_note_does_no_harm() {
        let mut told = Told::new();
        judge(&mut told, &[cause("a", 0)], at(0));
        let mut read: Told = serde_json::from_str(&serde_json::to_string(&told).unwrap()).unwrap();
        assert!(judge(&mut read, &[cause("a", 1)], at(1)).tell.is_empty());
        for telling in read.values_mut() {
            telling.times = 0;
        }
        assert_eq!(judge(&mut read, &[cause("a", 61)], at(61)).tell.len(), 1);
    }

    #[test]
    fn a_notification_says_how_many_failed_where_why_and_what_helps() {
        let orgs = [Org {
            org_id: "00D1".into(),
            alias: Some("Acme UAT".into()),
            username: None,
            health: Health::Connected,
            queue_depth: 0,
        }];
        let expected = Notification {
            title: "2 items failed at Acme UAT".into(),
            text: "The record was busy. It passes; then a retry helps.".into(),
            place: Some(Place::of_cause("a")),
        };
        assert_eq!(notifications(&[&cause("a", 0)], &orgs), [expected]);
        assert_eq!(notifications(&[&cause("a", 0)], &[])[0].title, "2 items failed at 00D1");
    }

    #[test]
    fn many_causes_at_once_are_one_notification() {
        let causes = ["a", "b", "c", "d"].map(|key| cause(key, 0));
        let all: Vec<_> = causes.iter().collect();
        assert_eq!(notifications(&all[..3], &[]).len(), 3);
        let [one] = &notifications(&all, &[])[..] else { panic!("more than one") };
        assert_eq!((one.title.as_str(), &one.place), ("8 items failed, for 4 causes", &Some(Place::Causes)));
    }
}
