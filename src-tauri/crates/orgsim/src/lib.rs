//! Simulated Salesforce orgs on loopback: the same one for `--demo` and for the tests.
//!
//! An [`OrgSim`] signs in (a login page with PKCE, refresh tokens, rotation, revocation), tells who it is, takes changes at the documented endpoint by last write
//! wins, and can be told to answer anything that an org, a proxy or a network ever answered ([`Answer`]). Time comes
//! from the machine; chance from a seed.

mod answer;
pub mod demo;
mod http;
mod hub;
mod oauth;
mod org;
mod post;
mod requests;
mod state;

pub use answer::{Answer, Rule};
pub use demo::Demo;
pub use hub::{HubSpec, OrgClock};
pub use oauth::Consent;
pub use org::{OrgSim, OrgSpec};
pub use post::{Posted, post};
pub use state::{Received, TokenServer};

/// The machine's wall clock, by which simulated orgs stamp their changes.
#[expect(clippy::disallowed_methods, reason = "a simulated org has a clock of its own")]
pub fn wall_clock() -> sync_monitor_domain::Millis {
    chrono::Utc::now().into()
}

/// A small generator of chance (`SplitMix64`), so that a seed means the same in every version.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// A sequence that depends on the seed alone.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `list`, which must not be empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let n = self.below(list.len() as u64);
        &list[usize::try_from(n).unwrap_or_default()]
    }

    /// A number below `end`; zero when `end` is.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.bits() % end }
    }
}

#[cfg(test)]
mod tests;
