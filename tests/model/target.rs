//! How it must stand with an org, by the contract alone: paused, held, probed.

use std::time::Duration;

use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::remote::Meaning;

/// Contract, 3: between two probes; of a missing endpoint growing, up to 15 minutes.
const PROBE: u64 = 30;
const LONGEST_PROBE: u64 = 15 * 60;
/// How long an org is left alone that is at its limit and does not say until when.
const LIMIT: Duration = Duration::from_mins(15);

pub(crate) fn after(now: Millis, seconds: u64) -> Millis {
    now.plus(Duration::from_secs(seconds))
}

/// Until when nothing is sent; of a missing endpoint also how often it was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    Unreachable(Millis),
    Limited(Millis),
    Missing(Millis, u32),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Target {
    pub(crate) paused: bool,
    pub(crate) route_paused: bool,
    pub(crate) hold: Option<Hold>,
    /// The item that is its probe.
    pub(crate) probe: Option<usize>,
    /// Requests in a row that got no answer.
    unanswered: u32,
}

impl Target {
    /// What an answer to an item says of the org; returns whether it was held as unreachable before.
    pub(crate) fn answered(&mut self, index: usize, meaning: Meaning, now: Millis) -> bool {
        self.probe = self.probe.filter(|probe| *probe != index);
        self.unanswered = if meaning == Meaning::Unreachable { self.unanswered + 1 } else { 0 };
        let was_held = matches!(self.hold, Some(Hold::Unreachable(_)));
        let limited = self.hold.filter(|hold| matches!(hold, Hold::Limited(_)));
        self.hold = match (meaning, self.hold) {
            (Meaning::RateLimited { retry_after }, hold) => {
                let until = now.plus(retry_after.unwrap_or(LIMIT));
                let earlier = if let Some(Hold::Limited(at)) = hold { at } else { until };
                Some(Hold::Limited(until.max(earlier)))
            }
            // Those that were in flight together tell one thing, not several.
            (Meaning::EndpointMissing, Some(Hold::Missing(at, _))) if now < at => self.hold,
            (Meaning::EndpointMissing, Some(Hold::Missing(_, probes))) => {
                let pause = (PROBE << (probes + 1).min(10)).min(LONGEST_PROBE);
                Some(Hold::Missing(after(now, pause), probes + 1))
            }
            (Meaning::EndpointMissing, _) => Some(Hold::Missing(after(now, PROBE), 0)),
            (Meaning::Unreachable, Some(Hold::Unreachable(_))) => Some(Hold::Unreachable(after(now, PROBE))),
            (Meaning::Unreachable, None) if self.unanswered >= 3 => {
                Some(Hold::Unreachable(after(now, PROBE)))
            }
            (Meaning::Unreachable, Some(Hold::Missing(at, probes))) => {
                Some(Hold::Missing(at.max(after(now, PROBE)), probes))
            }
            (Meaning::Unreachable, hold) => hold,
            // An answer: the org is there. A limit ends by its time.
            _ => limited,
        };
        was_held
    }

    /// Somebody paused or resumed it: who resumes wants to know at once whether it is there.
    pub(crate) fn told(&mut self, paused: bool, now: Millis) {
        self.unanswered = 0;
        self.hold = self.hold.map(|hold| match hold {
            Hold::Unreachable(_) if !paused => Hold::Unreachable(now),
            Hold::Missing(_, probes) if !paused => Hold::Missing(now, probes),
            other => other,
        });
    }

    pub(crate) fn restarted(&mut self) {
        (self.unanswered, self.probe) = (0, None);
    }
}
