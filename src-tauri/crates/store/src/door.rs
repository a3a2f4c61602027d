//! The way straight from the store to an org's worker.
//!
//! A change that comes in while nothing waits for its org and a request to it may be made is claimed in the transaction that
//! takes it in: one commit less until it is on its way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sync_monitor_domain::ids::OrgId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::delivery::Claimed;

/// The right to make a request to an org; given back when it is dropped.
#[derive(Debug)]
pub struct Place(#[expect(dead_code, reason = "holds the permit")] OwnedSemaphorePermit);

/// An item that was claimed as it came in.
#[derive(Debug)]
pub struct Handed {
    /// Where it goes.
    pub org: OrgId,
    /// The item.
    pub claimed: Claimed,
    /// The right to send it.
    pub place: Place,
}

/// How many requests may be made to an org, and whether what comes in may be sent at once.
#[derive(Debug)]
pub struct Door {
    places: Arc<Semaphore>,
    /// Does the org take anything now? Its worker says.
    is_open: AtomicBool,
    /// Does nothing wait that is due? Only then nothing is overtaken by what comes in. The writer's thread says.
    is_clear: AtomicBool,
}

impl Door {
    /// The way to an org that so many requests may be made to at once. Shut until its worker opens it.
    pub fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            is_open: AtomicBool::new(false),
            is_clear: AtomicBool::new(false),
        }
    }

    /// Whether the org takes anything now.
    pub fn set_open(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Release);
    }

    /// Takes up to `limit` places.
    pub fn take(&self, limit: usize) -> Vec<Place> {
        std::iter::from_fn(|| self.place()).take(limit).collect()
    }

    fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(Place)
    }

    /// A place for what comes in, if it may be sent at once. If not, it waits, and what comes behind it must not overtake it.
    pub(crate) fn enter(&self) -> Option<Place> {
        let may_enter = self.is_open.load(Ordering::Acquire) && self.is_clear.load(Ordering::Acquire);
        let place = may_enter.then(|| self.place()).flatten();
        if place.is_none() {
            self.set_clear(false);
        }
        place
    }

    pub(crate) fn set_clear(&self, is_clear: bool) {
        self.is_clear.store(is_clear, Ordering::Release);
    }
}

/// The doors of all orgs that have a worker.
#[derive(Debug, Default)]
pub(crate) struct Doors(Mutex<HashMap<OrgId, Arc<Door>>>);

impl Doors {
    pub(crate) fn add(&self, org: OrgId, door: Arc<Door>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(org, door);
    }

    pub(crate) fn of(&self, org: OrgId) -> Option<Arc<Door>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&org).cloned()
    }
}
