//! The real store and the real engine beside an oracle: whatever happens in whatever order, after each step both say the same
//! of every item, of the counts and of the orgs.
//!
//! The clock stands still until a step moves it, and requests wait until a step answers them, so a run is the same each time.
//! `cargo xtask torture` runs thousands; a failure is shrunk, and kept in `tests/model/regressions.txt`.

#![expect(clippy::unwrap_used, reason = "in a test, what must be there and is not is a failure")]

mod oracle;
mod org;
mod target;
mod world;

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngSeed};
use sync_monitor_domain::remote::Meaning;

use oracle::{Content, Pause, Review};
use world::{Step, World};

fn content() -> impl Strategy<Value = Content> {
    let set = |most: u8| prop::collection::btree_set(0..most, 1..3);
    (set(3), set(3), prop::bool::weighted(0.15)).prop_map(|(records, members, delete)| Content {
        records,
        members,
        delete,
    })
}

fn meaning() -> impl Strategy<Value = Meaning> {
    let retry = |seconds: Option<u64>| Meaning::Retry { retry_after: seconds.map(Duration::from_secs) };
    prop_oneof![
        4 => Just(Meaning::Synced),
        1 => Just(Meaning::Superseded),
        3 => Just(Meaning::Refused),
        3 => Just(retry(None)),
        1 => Just(retry(Some(400))),
        1 => Just(Meaning::RateLimited { retry_after: Some(Duration::from_mins(1)) }),
        1 => Just(Meaning::RateLimited { retry_after: None }),
        1 => Just(Meaning::EndpointMissing),
        4 => Just(Meaning::Unreachable),
    ]
}

fn review() -> impl Strategy<Value = Review> {
    prop_oneof![3 => Just(Review::Retry), 1 => Just(Review::Dismiss), 1 => Just(Review::Restore), 1 => Just(Review::SendNow)]
}

fn step() -> impl Strategy<Value = Step> {
    let pause =
        prop_oneof![(0usize..2).prop_map(Pause::Org), (0usize..2).prop_map(Pause::Route), Just(Pause::Relay)];
    prop_oneof![
        8 => content().prop_map(Step::Accept),
        1 => content().prop_map(Step::Late),
        1 => any::<prop::sample::Index>().prop_map(Step::Repeat),
        16 => (any::<prop::sample::Index>(), meaning()).prop_map(|(which, meaning)| Step::Answer(which, meaning)),
        2 => review().prop_map(Step::Review),
        2 => (review(), prop::collection::vec(any::<prop::sample::Index>(), 1..4))
            .prop_map(|(what, which)| Step::ReviewSome(what, which)),
        3 => pause.prop_map(Step::Toggle),
        1 => Just(Step::Restart),
        4 => (1u16..2_000).prop_map(Step::Wait),
        1 => Just(Step::Clear),
    ]
}

/// So many cases, and more where the tests are to be long (`cargo xtask torture`).
fn cases(short: u32) -> u32 {
    let times = std::env::var("SYNC_MONITOR_TORTURE").ok().and_then(|times| times.parse::<u32>().ok());
    short.saturating_mul(times.unwrap_or(1))
}

fn seed() -> u64 {
    std::env::var("SYNC_MONITOR_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

fn config() -> ProptestConfig {
    let kept = FileFailurePersistence::Direct(concat!(env!("CARGO_MANIFEST_DIR"), "/model/regressions.txt"));
    ProptestConfig {
        cases: cases(200),
        failure_persistence: Some(Box::new(kept)),
        // The same each time; `SYNC_MONITOR_SEED` begins elsewhere.
        rng_seed: RngSeed::Fixed(seed()),
        max_shrink_time: 120_000,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_program_and_the_oracle_agree_after_each_step(steps in prop::collection::vec(step(), 1..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
            }
            world.come_to_rest().await;
        });
    }
}
