//! Faults: the program is killed, its disk is full, its network breaks, its orgs fail, its input is nonsense; and nothing
//! that got a 200 is lost.
//!
//! ```sh
//! cargo xtask test faults     # the short form
//! cargo xtask torture         # the long one: the same, many more times
//! ```
//!
//! Each test prints how often it tried, how much was lost (nothing, or it fails) and how much was sent twice.

#![expect(clippy::unwrap_used, reason = "in a test, what must be there and is not is a failure")]

#[cfg(target_os = "linux")]
mod bombs;
mod broken_orgs;
mod cut_requests;
mod full_disk;
mod kills;
mod local_time;
#[cfg(target_os = "linux")]
mod migrations;
mod raw_org;
#[cfg(target_os = "linux")]
mod read_only;
mod simulation;
mod sleeping;
#[cfg(target_os = "linux")]
mod strace;
#[cfg(target_os = "linux")]
mod syncs;
mod world;

/// How much longer than the short form this run is (`SYNC_MONITOR_TORTURE`).
fn times() -> u64 {
    std::env::var("SYNC_MONITOR_TORTURE").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// Where chance begins (`SYNC_MONITOR_SEED`), so that a run can be had again.
fn seed() -> u64 {
    std::env::var("SYNC_MONITOR_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}
