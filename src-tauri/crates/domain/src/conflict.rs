//! Last write wins: which of two versions of a record stays.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::ids::{Digest, OrgId};

/// A moment named by a payload: microseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment, as shown to people.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// One version of a record, as far as deciding between versions needs it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version {
    /// When the source says that it was made.
    pub timestamp: Timestamp,
    /// Who made it.
    pub source: OrgId,
    /// Operation and content.
    pub digest: Digest,
}

/// What a version that arrives is against the newest one known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// It wins and becomes the newest known.
    Wins,
    /// It is the known one once more: nothing to do, nothing lost.
    Repeat,
    /// A newer version is known; it is dropped with a `CONFLICT`.
    Stale,
}

/// Judges `arriving` against the newest version known of the same record.
///
/// The later timestamp wins. At equal timestamps the same content is a repeat; from the same source the later arrival
/// wins; between sources the greater org ID (15 characters) wins, so that every machine that sees both decides alike,
/// in whichever order they come.
pub fn judge(known: Option<&Version>, arriving: &Version) -> Judgement {
    let Some(known) = known else { return Judgement::Wins };
    match arriving.timestamp.cmp(&known.timestamp) {
        std::cmp::Ordering::Greater => Judgement::Wins,
        std::cmp::Ordering::Less => Judgement::Stale,
        std::cmp::Ordering::Equal if arriving.digest == known.digest => Judgement::Repeat,
        std::cmp::Ordering::Equal if arriving.source >= known.source => Judgement::Wins,
        std::cmp::Ordering::Equal => Judgement::Stale,
    }
}

/// The version to remember once `arriving` has been judged.
///
/// A repeat leaves the content as it is, but where it comes from a greater org, that org stands behind it from now on:
/// otherwise a third version of the same moment would win or lose by the order of arrival.
pub fn newest(known: Option<&Version>, arriving: &Version) -> Version {
    match (judge(known, arriving), known) {
        (Judgement::Repeat, Some(known)) => Version { source: known.source.max(arriving.source), ..*known },
        (Judgement::Stale, Some(known)) => *known,
        (Judgement::Wins | Judgement::Repeat | Judgement::Stale, _) => *arriving,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn version(at: i64, org: u8, content: u8) -> Version {
        Version {
            timestamp: Timestamp(at),
            source: format!("00D00000000000{}", char::from(b'A' + org)).parse().unwrap(),
            digest: Digest::of(&[&[content]]),
        }
    }

    #[rstest]
    #[case::nothing_known(None, version(5, 0, 1), Judgement::Wins)]
    #[case::later(Some(version(5, 0, 1)), version(6, 1, 2), Judgement::Wins)]
    #[case::later_with_the_same_content(Some(version(5, 0, 1)), version(6, 1, 1), Judgement::Wins)]
    #[case::earlier(Some(version(5, 0, 1)), version(4, 1, 2), Judgement::Stale)]
    #[case::earlier_with_the_same_content(Some(version(5, 0, 1)), version(4, 0, 1), Judgement::Stale)]
    #[case::equal_time_same_content_same_source(Some(version(5, 0, 1)), version(5, 0, 1), Judgement::Repeat)]
    #[case::equal_time_same_content_other_source(Some(version(5, 0, 1)), version(5, 1, 1), Judgement::Repeat)]
    #[case::equal_time_same_source_later_arrival(Some(version(5, 0, 1)), version(5, 0, 2), Judgement::Wins)]
    #[case::equal_time_greater_org(Some(version(5, 0, 1)), version(5, 1, 2), Judgement::Wins)]
    #[case::equal_time_lesser_org(Some(version(5, 1, 1)), version(5, 0, 2), Judgement::Stale)]
    fn the_last_write_wins(
        #[case] known: Option<Version>,
        #[case] arriving: Version,
        #[case] expected: Judgement,
    ) {
        assert_eq!(judge(known.as_ref(), &arriving), expected);
    }

    proptest! {
        /// Antisymmetric and total: of two different versions of different sources exactly one wins, whichever comes first.
        #[test]
        fn of_two_sources_the_same_one_wins_in_either_order(t1 in 0i64..3, t2 in 0i64..3, o1 in 0u8..3, further in 1u8..3, c1 in 0u8..3, c2 in 0u8..3) {
            let (a, b) = (version(t1, o1, c1), version(t2, (o1 + further) % 3, c2));
            let (ab, ba) = (judge(Some(&a), &b), judge(Some(&b), &a));
            match (ab, ba) {
                (Judgement::Repeat, Judgement::Repeat) => prop_assert!(t1 == t2 && c1 == c2),
                (Judgement::Wins, Judgement::Stale) | (Judgement::Stale, Judgement::Wins) => {}
                other => prop_assert!(false, "no single winner: {other:?}"),
            }
        }

        /// Every order of arrival of the same versions, each from its own source, leaves the same content standing.
        #[test]
        fn every_order_of_arrival_leaves_the_same_content(times in prop::collection::vec(0i64..3, 3), contents in prop::collection::vec(0u8..3, 3)) {
            let versions: Vec<_> = (0..3u8).map(|i| version(times[usize::from(i)], i, contents[usize::from(i)])).collect();
            let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
            let outcomes: Vec<_> = orders.iter().map(|order| {
                let mut known: Option<Version> = None;
                for &i in order {
                    known = Some(newest(known.as_ref(), &versions[i]));
                }
                known.map(|v| (v.timestamp, v.digest))
            }).collect();
            prop_assert!(outcomes.windows(2).all(|w| w[0] == w[1]), "{outcomes:?}");
        }
    }
}
