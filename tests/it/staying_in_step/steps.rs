//! What happens in a world, as data: so that what made one fail can be told, and told in as few words as will do.

use std::fmt::Write as _;
use std::time::Duration;

use sync_monitor_orgsim::{Answer, Chance};

/// Something that happens. `org` is a place in the list of orgs; `which` names a row, of as many as there are by then.
#[derive(Debug, Clone, Copy)]
pub(super) enum Happening {
    /// A user makes a work item.
    Item { org: usize },
    /// A user changes a field of one.
    Edit { org: usize, which: u64, field: &'static str },
    /// The same, in the very moment in which the relay writes it, if it does.
    InBetween { org: usize, which: u64, field: &'static str },
    /// A user logs hours.
    Log { org: usize, which: u64 },
    /// A user comments.
    Comment { org: usize, which: u64 },
    /// A user attaches a file.
    File { org: usize, which: u64 },
    /// An org's access tokens end.
    TokensEnd { org: usize },
    /// Something holds a row.
    Lock { org: usize, which: u64, seconds: u64 },
    /// A validation rule: a field must not hold this.
    Rule { org: usize, field: &'static str, not: &'static str },
    /// The next request to an org gets this answer.
    Answer { org: usize, fault: usize },
    /// Somebody has an org read now.
    Read { org: usize },
    /// Time passes.
    Pass { seconds: u64 },
    /// Automation in an org touches whatever a sync wrote, or no longer does.
    Automate { org: usize, on: bool },
    /// The relay is stopped and started again.
    Restart { seconds: u64 },
}

/// A happening, and its number: what a user writes is named after it, also where others are left out.
pub(super) type Step = (usize, Happening);

const FIELDS: [&str; 3] = ["BriefDescriptionTxt__c", "DetailsTxt__c", "StageNamePk__c"];
/// Of long texts the history does not keep the words, so nobody could tell what was written over.
const SHORT: [&str; 2] = ["BriefDescriptionTxt__c", "StageNamePk__c"];

/// What may go wrong with a request.
pub(super) fn faults() -> [Answer; 4] {
    [Answer::LostAfterCommit, Answer::locked(), Answer::html(503), Answer::Reset]
}

impl Happening {
    fn any(chance: &mut Chance, orgs: usize) -> Self {
        let org = usize::try_from(chance.below(orgs as u64)).unwrap();
        match chance.below(14) {
            0..=7 => Self::work(chance, org),
            8 | 9 => Self::fault(chance, org),
            10 => Self::Read { org },
            11 => Self::Pass { seconds: chance.below(90) },
            12 => Self::Automate { org, on: chance.below(2) == 0 },
            _ => Self::Restart { seconds: chance.below(20) },
        }
    }

    /// A user works.
    fn work(chance: &mut Chance, org: usize) -> Self {
        let (kind, which) = (chance.below(10), chance.bits());
        match kind {
            0 => Self::Item { org },
            1..=5 => Self::Edit { org, which, field: chance.pick::<&str>(&FIELDS) },
            6 => Self::Log { org, which },
            7 => Self::Comment { org, which },
            8 => Self::File { org, which },
            _ => Self::InBetween { org, which, field: chance.pick::<&str>(&SHORT) },
        }
    }

    fn fault(chance: &mut Chance, org: usize) -> Self {
        match chance.below(8) {
            0 => Self::TokensEnd { org },
            1 => Self::Lock { org, which: chance.bits(), seconds: chance.below(120) },
            2 => Self::Rule { org, field: "StageNamePk__c", not: "7." },
            3 => Self::Rule { org, field: "BriefDescriptionTxt__c", not: "3." },
            _ => Self::Answer { org, fault: usize::try_from(chance.below(4)).unwrap() },
        }
    }

    /// How much time passes in it.
    fn lasts(self) -> Duration {
        match self {
            Self::Pass { seconds } | Self::Restart { seconds } => Duration::from_secs(seconds),
            _ => Duration::ZERO,
        }
    }
}

/// So many steps, which depend on the seed alone.
pub(super) fn some(seed: u64, orgs: usize, count: usize) -> Vec<Step> {
    let mut chance = Chance::new(seed);
    let rest = (1..count).map(|number| (number, Happening::any(&mut chance, orgs)));
    // Most of what happens, happens to a work item.
    std::iter::once((0, Happening::Item { org: 0 })).chain(rest).collect()
}

/// Steps until so much time has passed, with pauses between them.
pub(super) fn lasting(seed: u64, orgs: usize, time: Duration) -> Vec<Step> {
    let mut chance = Chance::new(seed);
    let (mut steps, mut passed) = (Vec::new(), Duration::ZERO);
    while passed < time {
        let pause = Happening::Pass { seconds: chance.below(15) };
        for one in [Happening::any(&mut chance, orgs), pause] {
            passed += one.lasts();
            steps.push((steps.len(), one));
        }
    }
    steps
}

/// Steps, one a line.
pub(super) fn told(steps: &[Step]) -> String {
    steps.iter().fold(String::new(), |mut lines, (number, one)| {
        // Writing to a text does not fail.
        let _ = writeln!(lines, "{number:5}  {one:?}");
        lines
    })
}

/// The shortest list that still fails that leaving out a half, a quarter and so on, down to single steps, comes to; with at
/// most so many tries.
pub(super) fn shortest(steps: &[Step], mut tries: usize, fails: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut left = steps.to_vec();
    let mut size = left.len().div_ceil(2);
    while size > 0 {
        let mut from = 0;
        while from < left.len() {
            if tries == 0 {
                return left;
            }
            tries -= 1;
            let to = (from + size).min(left.len());
            let fewer = [&left[..from], &left[to..]].concat();
            if fails(&fewer) {
                left = fewer;
            } else {
                from = to;
            }
        }
        size /= 2;
    }
    left
}

#[test]
fn what_makes_a_world_fail_is_found_among_much_else() {
    let steps = some(1, 2, 80);
    let needed = [17, 41];
    let fails = |steps: &[Step]| needed.iter().all(|n| steps.iter().any(|(number, _)| number == n));
    let left: Vec<usize> = shortest(&steps, 200, fails).iter().map(|(number, _)| *number).collect();
    assert_eq!(left, needed);
}

#[test]
fn a_seed_means_the_same_steps_every_time() {
    assert_eq!(told(&some(7, 3, 80)), told(&some(7, 3, 80)));
    assert_ne!(told(&some(7, 3, 80)), told(&some(8, 3, 80)));
}
