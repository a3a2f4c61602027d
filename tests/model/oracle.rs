//! What must be, by the contract alone: a list of items, and a rule for everything that can happen. It knows no database, no
//! task and no time but the one it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::item::{HeldBy, Status};
use sync_monitor_domain::remote::Meaning;

use crate::target::{Hold, Target, after};

/// Contract, 3: at once, 30 s, 2 min, 10 min, 1 h.
const WAITS: [u64; 5] = [0, 30, 120, 600, 3_600];

/// What a change says: of which records, which members, or that they are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) records: BTreeSet<u8>,
    pub(crate) members: BTreeSet<u8>,
    pub(crate) delete: bool,
}

impl Content {
    fn covers(&self, older: &Self) -> bool {
        let same = older.records.is_subset(&self.records);
        same && (self.delete || (!older.delete && older.members.is_subset(&self.members)))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) txn: String,
    pub(crate) target: usize,
    content: Content,
    pub(crate) status: Status,
    /// The status before it was sent, while it is in flight.
    from: Status,
    due: Millis,
    attempts: u32,
    cycle: u32,
    pub(crate) dismissed: bool,
}

impl Item {
    fn waits(&self) -> bool {
        matches!(self.status, Status::Queued | Status::Retrying)
    }
}

/// What an item is to look like from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) status: Status,
    pub(crate) held_by: Option<HeldBy>,
    pub(crate) attempts: u32,
    pub(crate) cycle: u32,
    pub(crate) next: Option<Millis>,
    pub(crate) dismissed: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Oracle {
    pub(crate) now: Millis,
    /// In the order in which they were accepted.
    pub(crate) items: Vec<Item>,
    pub(crate) targets: [Target; 2],
    pub(crate) relay_paused: bool,
    newest: BTreeMap<u8, Millis>,
}

impl Oracle {
    pub(crate) fn new(now: Millis) -> Self {
        Self {
            now,
            items: Vec::new(),
            targets: Default::default(),
            relay_paused: false,
            newest: BTreeMap::new(),
        }
    }

    /// A change that says to be of `at`; true where something of it goes on.
    pub(crate) fn accept(&mut self, txn: &str, content: &Content, at: Millis) -> bool {
        let wins = |record: &u8| self.newest.get(record).is_none_or(|newest| at > *newest);
        let kept: BTreeSet<u8> = content.records.iter().copied().filter(wins).collect();
        if kept.is_empty() {
            return false;
        }
        self.newest.extend(kept.iter().map(|record| (*record, at)));
        for target in 0..self.targets.len() {
            self.items.push(Item {
                txn: txn.to_owned(),
                target,
                content: Content { records: kept.clone(), ..content.clone() },
                status: Status::Queued,
                from: Status::Queued,
                due: self.now,
                attempts: 0,
                cycle: 1,
                dismissed: false,
            });
            self.wait(self.items.len() - 1);
        }
        self.dispatch();
        true
    }

    /// The other items of its records on their way to its target.
    fn company(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        let item = &self.items[index];
        (0..self.items.len()).filter(move |other| {
            let other_item = &self.items[*other];
            *other != index
                && other_item.status.is_open()
                && other_item.target == item.target
                && !other_item.content.records.is_disjoint(&item.content.records)
        })
    }

    /// An item begins to wait: a newer one may make it needless, or it older ones.
    fn wait(&mut self, index: usize) {
        let company: Vec<usize> = self.company(index).collect();
        let covers =
            |newer: usize, older: usize| self.items[newer].content.covers(&self.items[older].content);
        if company.iter().any(|other| *other > index && covers(*other, index)) {
            self.items[index].status = Status::Superseded;
            return;
        }
        for other in company {
            if other < index
                && self.items[other].waits()
                && self.items[index].content.covers(&self.items[other].content)
            {
                self.items[other].status = Status::Superseded;
            }
        }
    }

    fn blocked(&self, index: usize) -> bool {
        self.company(index).any(|other| other < index || self.items[other].status == Status::Processing)
    }

    fn paused(&self, target: usize) -> bool {
        self.relay_paused || self.targets[target].paused
    }

    /// Whatever may be sent is sent.
    fn dispatch(&mut self) {
        for target in 0..self.targets.len() {
            if self.paused(target) {
                continue;
            }
            match self.targets[target].hold {
                Some(Hold::Limited(at) | Hold::Unreachable(at) | Hold::Missing(at, _)) if self.now < at => {}
                Some(Hold::Unreachable(_) | Hold::Missing(..)) if self.targets[target].probe.is_some() => {}
                Some(hold @ (Hold::Unreachable(_) | Hold::Missing(..))) => {
                    if let Some(first) = self.ready(target).into_iter().next() {
                        self.send(first);
                        self.targets[target].probe = Some(first);
                    } else if matches!(hold, Hold::Unreachable(_)) {
                        // It is asked whether it is there, and here it always is then.
                        self.targets[target].hold = None;
                    }
                }
                Some(Hold::Limited(_)) | None => {
                    self.targets[target].hold = None;
                    for index in self.ready(target) {
                        self.send(index);
                    }
                }
            }
        }
    }

    /// What is due there and waits for nothing else, the longest due first.
    fn ready(&self, target: usize) -> Vec<usize> {
        let is_ready = |index: &usize| {
            let item = &self.items[*index];
            item.target == target && item.waits() && item.due <= self.now && !self.blocked(*index)
        };
        let mut ready: Vec<usize> = (0..self.items.len()).filter(is_ready).collect();
        if self.targets[target].route_paused {
            ready.clear();
        }
        ready.sort_by_key(|index| (self.items[*index].due, *index));
        ready
    }

    fn send(&mut self, index: usize) {
        let item = &mut self.items[index];
        (item.from, item.status) = (item.status, Status::Processing);
    }

    /// What is in flight.
    pub(crate) fn in_flight(&self) -> Vec<usize> {
        (0..self.items.len()).filter(|index| self.items[*index].status == Status::Processing).collect()
    }

    /// An answer comes in.
    pub(crate) fn answer(&mut self, index: usize, meaning: Meaning) {
        let (now, item) = (self.now, &mut self.items[index]);
        let was_held = self.targets[item.target].answered(index, meaning, now);
        let asked =
            if let Meaning::Retry { retry_after: Some(asked) } = meaning { asked.as_secs() } else { 0 };
        let counted = match meaning {
            Meaning::Synced => Some(Status::Synced),
            Meaning::Superseded => Some(Status::Superseded),
            Meaning::Refused => Some(Status::Failed),
            Meaning::Retry { .. } => Some(Status::Retrying),
            Meaning::Unreachable => Some(Status::Retrying).filter(|_| !was_held),
            _ => None,
        };
        if let Some(status) = counted {
            item.attempts += 1;
            item.status = status;
            match (status, WAITS.get(item.attempts as usize)) {
                (Status::Retrying, Some(wait)) => item.due = after(now, asked.max(*wait)),
                (Status::Retrying, None) => item.status = Status::Failed,
                _ => {}
            }
        } else if meaning == Meaning::Unreachable {
            item.status = item.from;
        } else {
            (item.status, item.due) = (Status::Queued, now);
        }
        if self.items[index].waits() {
            self.wait(index);
        }
        self.dispatch();
    }

    /// A retry by hand; false where it is refused.
    fn retry(&mut self, index: usize) -> bool {
        let item = &self.items[index];
        let covered = self.items.iter().skip(index + 1).any(|newer| {
            newer.status == Status::Synced
                && newer.target == item.target
                && newer.content.covers(&item.content)
        });
        if item.status != Status::Failed || covered {
            return false;
        }
        let item = &mut self.items[index];
        (item.status, item.due, item.attempts, item.dismissed) = (Status::Queued, self.now, 0, false);
        item.cycle += 1;
        self.wait(index);
        true
    }

    /// What somebody does to these items; returns how many it changed.
    pub(crate) fn review(&mut self, indexes: &[usize], what: Review) -> u64 {
        let mut changed = 0;
        for index in indexes.iter().copied() {
            let (now, item) = (self.now, &mut self.items[index]);
            let is_failed = item.status == Status::Failed;
            let done = match what {
                Review::Retry => self.retry(index),
                Review::Dismiss if is_failed => !std::mem::replace(&mut item.dismissed, true),
                Review::Restore if is_failed => std::mem::replace(&mut item.dismissed, false),
                Review::SendNow if item.status == Status::Retrying => {
                    item.due = item.due.min(now);
                    true
                }
                _ => false,
            };
            changed += u64::from(done);
        }
        self.dispatch();
        changed
    }

    /// Somebody pauses or resumes: an org, a route, or everything.
    pub(crate) fn toggle(&mut self, what: Pause) -> bool {
        let now = self.now;
        let (paused, of) = match what {
            Pause::Org(target) => (&mut self.targets[target].paused, target..target + 1),
            Pause::Route(target) => (&mut self.targets[target].route_paused, 0..0),
            Pause::Relay => (&mut self.relay_paused, 0..self.targets.len()),
        };
        *paused = !*paused;
        let paused = *paused;
        for target in &mut self.targets[of] {
            target.told(paused, now);
        }
        self.dispatch();
        paused
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
        self.dispatch();
    }

    /// Whatever is done has become too old.
    pub(crate) fn clear(&mut self) {
        let probed = self.targets.clone().map(|target| target.probe.map(|index| self.name(index)));
        self.items.retain(|item| item.status.is_open() || item.status == Status::Failed);
        for (target, probed) in probed.into_iter().enumerate() {
            self.targets[target].probe =
                probed.and_then(|name| (0..self.items.len()).find(|i| self.name(*i) == name));
        }
    }

    /// The program dies and is started again: what was in flight is sent again.
    pub(crate) fn restart(&mut self) {
        for target in &mut self.targets {
            target.restarted();
        }
        for index in self.in_flight() {
            (self.items[index].status, self.items[index].due) = (self.items[index].from, self.now);
            self.wait(index);
        }
        self.dispatch();
    }

    pub(crate) fn name(&self, index: usize) -> (String, usize) {
        (self.items[index].txn.clone(), self.items[index].target)
    }

    /// Everything, as it is to look from outside.
    pub(crate) fn seen(&self) -> BTreeMap<(String, usize), Seen> {
        (0..self.items.len()).map(|index| (self.name(index), self.look(index))).collect()
    }

    fn look(&self, index: usize) -> Seen {
        let item = &self.items[index];
        let target = &self.targets[item.target];
        let held_by = if !item.waits() {
            None
        } else if self.paused(item.target) {
            Some(HeldBy::OrgPaused)
        } else if let Some(hold) = target.hold {
            Some(match hold {
                Hold::Unreachable(_) => HeldBy::OrgUnreachable,
                Hold::Limited(_) => HeldBy::RateLimited,
                Hold::Missing(..) => HeldBy::EndpointMissing,
            })
        } else if target.route_paused {
            Some(HeldBy::RoutePaused)
        } else {
            self.blocked(index).then_some(HeldBy::OlderItem)
        };
        let next = match (held_by, target.hold) {
            _ if !item.waits() => None,
            (None, _) => Some(item.due),
            (Some(HeldBy::RateLimited), Some(Hold::Limited(until))) => Some(until),
            _ => None,
        };
        Seen {
            status: item.status,
            held_by,
            attempts: item.attempts,
            cycle: item.cycle,
            next,
            dismissed: item.dismissed,
        }
    }
}

/// What a person does to items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Review {
    Retry,
    Dismiss,
    Restore,
    SendNow,
}

/// What a person pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    Org(usize),
    Route(usize),
    Relay,
}
