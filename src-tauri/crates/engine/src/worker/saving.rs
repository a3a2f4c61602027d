//! What came of attempts is written down, and the worker does not wait for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sync_monitor_domain::item::Status;
use sync_monitor_store::{Completion, Error as StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{STORE_PAUSE, Worker};

/// What came of attempts and is on its way to the disk, at the most; beyond it nothing more is sent.
const MOST: usize = 256;

/// What came of attempts and is on its way to the disk.
pub(super) struct Saving {
    under_way: AtomicUsize,
    failed: Mutex<Vec<Arc<Completion>>>,
    wake: Arc<Notify>,
    stop: CancellationToken,
}

impl Saving {
    pub(super) fn new(wake: Arc<Notify>, stop: CancellationToken) -> Self {
        Self { under_way: AtomicUsize::new(0), failed: Mutex::default(), wake, stop }
    }

    pub(super) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Acquire)
    }

    /// Is it few enough for more to be sent?
    pub(super) fn has_room(&self) -> bool {
        self.under_way() < MOST
    }

    fn begun(&self) {
        self.under_way.fetch_add(1, Ordering::AcqRel);
    }

    /// One has come to an end, on the disk or not; `matters` to the worker, or it hears of it when it next looks.
    fn ended(&self, failed: Option<Arc<Completion>>, matters: bool) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).extend(failed);
        let before = self.under_way.fetch_sub(1, Ordering::AcqRel);
        // Whoever stops waits for the last of them. Asked after the count went down: then one of the two sees the other.
        if matters || before == MOST || self.stop.is_cancelled() {
            self.wake.notify_one();
        }
    }

    /// What could not be written down since it was last asked.
    fn unsaved(&self) -> Vec<Arc<Completion>> {
        std::mem::take(&mut *self.failed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Worker {
    /// Has the store write down what came of an attempt, and does not wait for it.
    pub(super) async fn save(&mut self, completion: Arc<Completion>) {
        let (tools, saving, done) = (self.tools.clone(), Arc::clone(&self.saving), Arc::clone(&completion));
        saving.begun();
        let ended = move |result: Result<Vec<Uuid>, StoreError>| match result {
            Ok(touched) => {
                // Whoever waited for this item may go now, and one that is tried again has a time.
                let is_over = done.verdict.status == Status::Synced && touched.len() == 1;
                tools.announce(touched, true);
                saving.ended(None, !is_over);
            }
            Err(error) => {
                tracing::error!(item = %done.claimed.id, %error, "what came of an attempt could not be written down; trying again");
                saving.ended(Some(done), true);
            }
        };
        let org = self.address.org_id;
        if let Err(error) = self.tools.store.complete_then(org, Arc::clone(&completion), ended).await {
            tracing::error!(item = %completion.claimed.id, %error, "what came of an attempt could not be written down");
            self.saving.ended(Some(completion), false);
        }
    }

    /// Tries again to write down what could not be, after a pause.
    pub(super) async fn save_unsaved(&mut self) {
        let now = self.tools.clock.now();
        self.unsaved.extend(self.saving.unsaved());
        if self.unsaved.is_empty() {
            self.save_again_at = None;
            return;
        }
        let again_at = *self.save_again_at.get_or_insert(now.plus(STORE_PAUSE));
        if now >= again_at {
            self.save_again_at = None;
            for completion in std::mem::take(&mut self.unsaved) {
                self.save(completion).await;
            }
        } else {
            self.ring(again_at);
        }
    }
}
