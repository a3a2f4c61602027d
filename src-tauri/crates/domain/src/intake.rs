//! What happens to a payload that arrives: the whole decision, from what is known to what is done.

use crate::change::Change;
use crate::conflict::{Judgement, Timestamp, Version, judge};
use crate::echo::Holding;
use crate::error_code::{ErrorCode, Fault};
use crate::ids::{Digest, OrgId};

/// What is known of a `transactionId` that was processed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownTransaction {
    /// The org that sent it first.
    pub source: OrgId,
    /// Its content, see [`Change::digest`].
    pub digest: Digest,
}

/// What is known of one record of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KnownRecord {
    /// The newest version, whoever made it.
    pub newest: Option<Version>,
    /// What the payload's source is known to hold of it.
    pub held_by_source: Holding,
}

/// What becomes of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The source sends the same transaction again: it is known, nothing more to do.
    Repeat,
    /// The transaction comes back from an org that got it through a sync.
    TransactionEcho,
    /// The source sends a known `transactionId` with other content.
    TransactionReused,
    /// No route starts at the source.
    NoRoute,
    /// A newer version of every record is known.
    Conflict {
        /// Indexes of the records: all of them.
        stale: Vec<usize>,
    },
    /// Something of it is new, or was at least no conflict: it is remembered, and what is new goes on.
    Accept(Split),
}

/// The records of an accepted payload, by what becomes of them (indexes, ascending).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// Go on to every target.
    pub kept: Vec<usize>,
    /// Come back only because a sync put them there.
    pub echoes: Vec<usize>,
    /// Known to the microsecond and the letter.
    pub repeats: Vec<usize>,
    /// Older than the newest known.
    pub stale: Vec<usize>,
}

/// Decides what becomes of `change`; `records` are what is known of each of its records, in order.
pub fn decide(
    change: &Change,
    transaction: Option<&KnownTransaction>,
    has_route: bool,
    records: &[KnownRecord],
) -> Decision {
    if let Some(known) = transaction {
        return if known.source != change.source {
            Decision::TransactionEcho
        } else if known.digest == change.digest {
            Decision::Repeat
        } else {
            Decision::TransactionReused
        };
    }
    if !has_route {
        return Decision::NoRoute;
    }
    let mut split = Split::default();
    for (index, (record, known)) in change.records.iter().zip(records).enumerate() {
        // An echo is looked for before the timestamps: a copy that comes back late is no conflict to bother anyone with.
        if known.held_by_source.is_echo(record.digest) {
            split.echoes.push(index);
            continue;
        }
        match judge(known.newest.as_ref(), &version(change, index)) {
            Judgement::Wins => split.kept.push(index),
            Judgement::Repeat => split.repeats.push(index),
            Judgement::Stale => split.stale.push(index),
        }
    }
    if split.stale.len() == change.records.len() {
        Decision::Conflict { stale: split.stale }
    } else {
        Decision::Accept(split)
    }
}

/// The version that a record of `change` is.
pub fn version(change: &Change, index: usize) -> Version {
    Version { timestamp: change.timestamp, source: change.source, digest: change.records[index].digest }
}

/// What the sender is told: the answer's status and the parts of its envelope that depend on the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Is everything that was sent taken or known?
    pub success: bool,
    /// Records that go on.
    pub records_processed: usize,
    /// Was all of it an echo or a repeat?
    pub suppressed: bool,
    /// Why not, record by record.
    pub faults: Vec<Fault>,
}

impl Reply {
    fn refusal(code: ErrorCode, faults: Vec<Fault>) -> Self {
        Self { status: code.http_status(), success: false, records_processed: 0, suppressed: false, faults }
    }

    /// What to answer for `decision`. `newest` tells the timestamp of the newest known version of a record by index.
    pub fn to(decision: &Decision, change: &Change, newest: impl Fn(usize) -> Option<Timestamp>) -> Self {
        let conflicts =
            |stale: &[usize]| stale.iter().map(|i| conflict(change, *i, newest(*i))).collect::<Vec<_>>();
        match decision {
            Decision::Repeat | Decision::TransactionEcho => {
                Self { status: 200, success: true, records_processed: 0, suppressed: true, faults: Vec::new() }
            }
            Decision::TransactionReused => Self::refusal(
                ErrorCode::TransactionReused,
                vec![
                    Fault::new(
                        ErrorCode::TransactionReused,
                        "This transactionId was sent before with other content. Give every change its own transactionId; send the first content to repeat a request.",
                    )
                    .at("/transactionId"),
                ],
            ),
            Decision::NoRoute => Self::refusal(
                ErrorCode::NoRoute,
                vec![
                    Fault::new(
                        ErrorCode::NoRoute,
                        format!("No route starts at {}, so the change would go nowhere. Add a route from this org, then send it again.", change.source),
                    )
                    .at("/sourceOrgId"),
                ],
            ),
            Decision::Conflict { stale } => Self::refusal(ErrorCode::Conflict, conflicts(stale)),
            Decision::Accept(split) => Self {
                status: 200,
                success: split.stale.is_empty(),
                records_processed: split.kept.len(),
                suppressed: split.kept.is_empty() && split.stale.is_empty(),
                faults: conflicts(&split.stale),
            },
        }
    }
}

fn conflict(change: &Change, index: usize, newest: Option<Timestamp>) -> Fault {
    let known = newest.map_or_else(String::new, |t| {
        format!(" ({})", t.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
    });
    Fault::new(
        ErrorCode::Conflict,
        format!("A newer version of this record is known{known}, so this one was dropped. Read the record again before changing it."),
    )
    .at(format!("/records/{index}"))
    .of_record(&change.records[index].external_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Millis;
    use crate::echo::Origin;
    use proptest::prelude::*;
    use rstest::rstest;

    const A: &str = "00D00000000000A";
    const B: &str = "00D00000000000B";
    const NOW: Millis = Millis(1_772_202_600_000);

    fn change(source: &str, minute: u8, records: &[(&str, u8)]) -> Change {
        let records: Vec<String> =
            records.iter().map(|(id, n)| format!(r#"{{"externalId":"{id}","n":{n}}}"#)).collect();
        let body = format!(
            r#"{{"transactionId":"t","sourceOrgId":"{source}","timestamp":"2026-02-27T14:{minute:02}:00Z","operation":"upsert","records":[{}]}}"#,
            records.join(",")
        );
        Change::parse(body.into(), NOW).unwrap()
    }

    fn known(source: &str, minute: u8, n: u8) -> KnownRecord {
        let change = change(source, minute, &[("R", n)]);
        KnownRecord { newest: Some(version(&change, 0)), held_by_source: Holding::default() }
    }

    fn holds(n: u8, origin: Origin) -> Holding {
        Holding { known: Some((change(A, 0, &[("R", n)]).records[0].digest, origin)), delivering: None }
    }

    #[rstest]
    #[case::repeat(A, 1, Decision::Repeat, 200)]
    #[case::reused(A, 2, Decision::TransactionReused, 400)]
    #[case::echo(B, 1, Decision::TransactionEcho, 200)]
    #[case::echo_with_other_content(B, 2, Decision::TransactionEcho, 200)]
    fn a_known_transaction_goes_nowhere(
        #[case] from: &str,
        #[case] n: u8,
        #[case] expected: Decision,
        #[case] status: u16,
    ) {
        let first = change(A, 0, &[("R", 1)]);
        let transaction = KnownTransaction { source: first.source, digest: first.digest };
        let arriving = change(from, 0, &[("R", n)]);
        let decision = decide(&arriving, Some(&transaction), false, &[KnownRecord::default()]);
        assert_eq!(decision, expected);
        let reply = Reply::to(&decision, &arriving, |_| None);
        assert_eq!((reply.status, reply.suppressed, reply.records_processed), (status, status == 200, 0));
    }

    #[test]
    fn without_a_route_a_change_is_refused_even_where_it_is_stale() {
        let arriving = change(A, 0, &[("R", 1)]);
        assert_eq!(decide(&arriving, None, false, &[known(B, 9, 2)]), Decision::NoRoute);
    }

    #[test]
    fn a_batch_is_split_record_by_record() {
        let arriving = change(A, 5, &[("R", 1), ("S", 2), ("T", 3), ("U", 4)]);
        let held_by_source =
            Holding { known: Some((arriving.records[1].digest, Origin::Delivered)), delivering: None };
        let echo = KnownRecord { newest: None, held_by_source };
        let repeat = KnownRecord { newest: Some(version(&arriving, 3)), ..KnownRecord::default() };
        let decision = decide(&arriving, None, true, &[KnownRecord::default(), echo, known(B, 9, 9), repeat]);
        assert_eq!(
            decision,
            Decision::Accept(Split { kept: vec![0], echoes: vec![1], repeats: vec![3], stale: vec![2] })
        );
        let reply = Reply::to(&decision, &arriving, |_| None);
        assert_eq!(
            (reply.status, reply.success, reply.suppressed, reply.records_processed),
            (200, false, false, 1)
        );
        assert_eq!(reply.faults[0].field.as_deref(), Some("/records/2"));
        assert_eq!(reply.faults[0].external_id.as_deref(), Some("T"));
    }

    #[rstest]
    #[case::all_new(KnownRecord::default(), 200, true, false, 1)]
    #[case::all_stale(known(B, 9, 9), 409, false, false, 0)]
    #[case::delivered_there(KnownRecord { newest: known(B, 9, 1).newest, held_by_source: holds(1, Origin::Delivered) }, 200, true, true, 0)]
    #[case::sent_by_itself_before(KnownRecord { newest: known(A, 1, 1).newest, held_by_source: holds(1, Origin::Sent) }, 200, true, false, 1)]
    fn the_sender_is_told_what_became_of_it(
        #[case] known: KnownRecord,
        #[case] status: u16,
        #[case] success: bool,
        #[case] suppressed: bool,
        #[case] processed: usize,
    ) {
        let arriving = change(A, 5, &[("R", 1)]);
        let decision = decide(&arriving, None, true, &[known]);
        let reply = Reply::to(&decision, &arriving, |_| known.newest.map(|v| v.timestamp));
        assert_eq!(
            (reply.status, reply.success, reply.suppressed, reply.records_processed),
            (status, success, suppressed, processed)
        );
    }

    /// Three orgs in a ring, each of which sends on everything that it is given as if it were its own change: with the
    /// relay between them, every edit comes to rest.
    #[derive(Default)]
    struct Ring {
        newest: Option<Version>,
        held: [Holding; 3],
        at: [Option<u8>; 3],
        minute: u8,
    }

    impl Ring {
        const ORGS: [&'static str; 3] = ["00D00000000000A", "00D00000000000B", "00D00000000000C"];

        /// `org` sends content `n`; returns how many deliveries follow from it until nothing moves any more.
        fn send(&mut self, org: usize, n: u8, limit: usize) -> usize {
            let mut moves = vec![(org, n)];
            let mut deliveries = 0;
            while let Some((from, n)) = moves.pop() {
                self.minute = (self.minute + 1) % 30;
                let change = change(Self::ORGS[from], self.minute, &[("R", n)]);
                let known = KnownRecord { newest: self.newest, held_by_source: self.held[from] };
                let Decision::Accept(split) = decide(&change, None, true, &[known]) else { continue };
                if split.kept.is_empty() {
                    continue;
                }
                self.newest = Some(version(&change, 0));
                self.held[from] = self.held[from].sent(change.records[0].digest);
                for to in (0..3).filter(|to| *to != from) {
                    let digest = change.records[0].digest;
                    self.held[to] = self.held[to].delivery_begun(digest).delivered(digest);
                    self.at[to] = Some(n);
                    deliveries += 1;
                    assert!(deliveries <= limit, "the ring does not come to rest");
                    moves.push((to, n));
                }
            }
            deliveries
        }
    }

    proptest! {
        #[test]
        fn three_orgs_in_a_ring_come_to_rest(edits in prop::collection::vec((0usize..3, 0u8..4), 1..9)) {
            let mut ring = Ring::default();
            for (org, n) in edits {
                ring.at[org] = Some(n);
                ring.minute = 0;
                ring.newest = None;
                ring.send(org, n, 64);
                prop_assert!(ring.at.iter().flatten().all(|held| *held == n), "{:?}", ring.at);
            }
        }
    }
}
