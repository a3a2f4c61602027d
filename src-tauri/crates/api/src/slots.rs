//! How many connections there may be at once, and who makes room.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A number of places for connections. When all are taken, the connection that has waited longest without a request
/// must go; when every one has a request in flight, the newcomer waits until one ends. So neither idle clients nor
/// clients that drip their heads can keep others out.
#[derive(Clone)]
pub(crate) struct Slots(Arc<Shared>);

struct Shared {
    most: usize,
    taken: Mutex<Taken>,
    /// A place may have become free, or a connection idle.
    freed: Notify,
}

#[derive(Default)]
struct Taken {
    next: u64,
    slots: HashMap<u64, Entry>,
}

struct Entry {
    /// Since when it has had no request in flight; `None` while it has one.
    idle_since: Option<Instant>,
    evict: CancellationToken,
}

/// A connection's place; free again when dropped.
pub(crate) struct Slot {
    number: u64,
    evict: CancellationToken,
    slots: Slots,
}

impl Slots {
    /// Places for `most` connections.
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Shared { most, taken: Mutex::default(), freed: Notify::new() }))
    }

    /// Takes a place, as soon as there is one.
    pub(crate) async fn take(&self) -> Slot {
        loop {
            // Registered before looking, so that nothing is missed in between.
            let freed = self.0.freed.notified();
            if let Some(slot) = self.try_take() {
                return slot;
            }
            freed.await;
        }
    }

    fn try_take(&self) -> Option<Slot> {
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.slots.len() >= self.0.most {
            let waiting = taken.slots.values().filter(|entry| !entry.evict.is_cancelled());
            if let Some((_, longest)) =
                waiting.filter_map(|entry| Some((entry.idle_since?, entry))).min_by_key(|(since, _)| *since)
            {
                longest.evict.cancel();
            }
            return None;
        }
        let number = taken.next;
        taken.next += 1;
        let evict = CancellationToken::new();
        taken.slots.insert(number, Entry { idle_since: Some(Instant::now()), evict: evict.clone() });
        Some(Slot { number, evict, slots: self.clone() })
    }

    fn set_idle(&self, number: u64, idle_since: Option<Instant>) {
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = taken.slots.get_mut(&number) {
            entry.idle_since = idle_since;
        }
    }
}

impl Slot {
    /// A request has come in.
    pub(crate) fn begin(&self) {
        self.slots.set_idle(self.number, None);
    }

    /// The request is answered.
    pub(crate) fn end(&self) {
        self.slots.set_idle(self.number, Some(Instant::now()));
        self.slots.0.freed.notify_one();
    }

    /// Has it no request in flight?
    pub(crate) fn is_idle(&self) -> bool {
        let taken = self.slots.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.slots.get(&self.number).is_some_and(|entry| entry.idle_since.is_some())
    }

    /// Returns when the connection must make room for another.
    pub(crate) async fn evicted(&self) {
        self.evict.cancelled().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.0.taken.lock().unwrap_or_else(PoisonError::into_inner).slots.remove(&self.number);
        self.slots.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_connection_that_has_waited_longest_makes_room() {
        let slots = Slots::new(2);
        let (busy, idle) = (slots.take().await, slots.take().await);
        busy.begin();
        let newcomer = tokio::spawn({
            let slots = slots.clone();
            async move { slots.take().await }
        });
        idle.evicted().await;
        assert!(!busy.evict.is_cancelled());
        drop(idle);
        newcomer.await.unwrap();
    }

    #[tokio::test]
    async fn a_newcomer_waits_while_all_are_busy() {
        let slots = Slots::new(1);
        let busy = slots.take().await;
        busy.begin();
        let newcomer = tokio::spawn({
            let slots = slots.clone();
            async move { slots.take().await }
        });
        tokio::task::yield_now().await;
        assert!(!newcomer.is_finished() && !busy.evict.is_cancelled());
        busy.end();
        busy.evicted().await;
        drop(busy);
        newcomer.await.unwrap();
    }
}
