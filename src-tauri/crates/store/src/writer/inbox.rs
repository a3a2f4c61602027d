//! What the writer's thread is to do: handed in by many, taken in groups by one.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// The most pieces of work in one group that somebody waits for: enough to share a sync of the disk, few enough that nobody
/// waits long for the others.
const GROUP: usize = 256;
/// The most that wait; beyond it whoever hands something in waits in turn.
const ROOM: usize = 4_096;
/// How long what nobody waits for waits for company.
const PATIENCE: Duration = Duration::from_millis(2);

/// Whether somebody waits for a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Somebody waits.
    Now,
    /// Nobody waits: it shares the group of what comes next, and waits a moment for it.
    Soon,
}

/// Pieces of work that wait.
pub(super) struct Inbox<T> {
    waiting: Mutex<Waiting<T>>,
    arrived: Condvar,
    room: Semaphore,
}

struct Waiting<T> {
    now: VecDeque<T>,
    soon: Vec<T>,
    taker: Taker,
    is_closed: bool,
}

/// What the thread that takes groups does, and so what it is to be woken for: a wake that is not needed costs more than
/// handing in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taker {
    /// It works, and will look by itself.
    Busy,
    /// It waits for anything.
    Idle,
    /// It has something that is for soon, and waits for what somebody waits for.
    Patient,
}

impl<T> Inbox<T> {
    pub(super) fn new() -> Self {
        let waiting =
            Waiting { now: VecDeque::new(), soon: Vec::new(), taker: Taker::Busy, is_closed: false };
        Self { waiting: Mutex::new(waiting), arrived: Condvar::new(), room: Semaphore::new(ROOM) }
    }

    /// Hands a piece of work in; returns when there was room for it.
    ///
    /// # Errors
    /// [`Error::Closed`]
    pub(super) async fn hand_in(&self, job: T, urgency: Urgency) -> Result<()> {
        // Given back when it is taken.
        self.room.acquire().await.map_err(|_| Error::Closed)?.forget();
        let mut waiting = self.lock();
        if waiting.is_closed {
            return Err(Error::Closed);
        }
        let wakes = match urgency {
            Urgency::Now => {
                waiting.now.push_back(job);
                waiting.taker != Taker::Busy
            }
            Urgency::Soon => {
                waiting.soon.push(job);
                waiting.taker == Taker::Idle
                    || (waiting.taker == Taker::Patient && waiting.soon.len() == GROUP)
            }
        };
        if wakes {
            waiting.taker = Taker::Busy;
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// The next group: everything that was for soon, and in their order those that somebody waits for. Waits until there is one;
    /// `None` when it is closed and all were taken.
    pub(super) fn take(&self) -> Option<Vec<T>> {
        let mut waiting = self.lock();
        let mut until = None;
        while waiting.now.is_empty() && waiting.soon.len() < GROUP && !waiting.is_closed {
            if waiting.soon.is_empty() {
                waiting.taker = Taker::Idle;
                waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            } else {
                let left =
                    until.get_or_insert_with(|| Instant::now() + PATIENCE).duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                waiting.taker = Taker::Patient;
                waiting = self.arrived.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        waiting.taker = Taker::Busy;
        let mut group = std::mem::take(&mut waiting.soon);
        let urgent = waiting.now.len().min(GROUP);
        group.extend(waiting.now.drain(..urgent));
        drop(waiting);
        self.room.add_permits(group.len());
        (!group.is_empty()).then_some(group)
    }

    /// Nothing more is handed in. What was is taken still.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.room.close();
        self.arrived.notify_one();
    }

    /// What was handed in and will not be taken any more.
    pub(super) fn abandon(&self) -> Vec<T> {
        self.close();
        let mut waiting = self.lock();
        let mut left = std::mem::take(&mut waiting.soon);
        left.extend(waiting.now.drain(..));
        left
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    async fn with(jobs: &[(i32, Urgency)]) -> Arc<Inbox<i32>> {
        let inbox = Arc::new(Inbox::new());
        for (job, urgency) in jobs {
            inbox.hand_in(*job, *urgency).await.unwrap();
        }
        inbox
    }

    #[tokio::test]
    async fn what_is_for_soon_shares_the_group_of_what_somebody_waits_for() {
        let inbox = with(&[(1, Urgency::Now), (2, Urgency::Soon), (3, Urgency::Now)]).await;
        assert_eq!(inbox.take(), Some(vec![2, 1, 3]));
    }

    #[tokio::test]
    async fn what_is_for_soon_is_not_left_when_nothing_else_comes() {
        let inbox = with(&[(1, Urgency::Soon), (2, Urgency::Soon)]).await;
        assert_eq!(inbox.take(), Some(vec![1, 2]));
    }

    #[tokio::test]
    async fn what_comes_while_it_waits_for_company_is_taken_too() {
        let inbox = with(&[(1, Urgency::Soon)]).await;
        let taking = Arc::clone(&inbox);
        let taken = tokio::task::spawn_blocking(move || {
            taking.take().into_iter().chain(taking.take()).flatten().collect::<Vec<_>>()
        });
        inbox.hand_in(2, Urgency::Now).await.unwrap();
        inbox.close();
        assert_eq!(taken.await.unwrap(), [1, 2]);
    }

    #[tokio::test]
    async fn a_group_has_its_limit_and_the_rest_comes_next() {
        let many: Vec<_> = (0..300).map(|n| (n, Urgency::Now)).collect();
        let inbox = with(&many).await;
        assert_eq!(inbox.take(), Some((0..256).collect()));
        assert_eq!(inbox.take(), Some((256..300).collect()));
    }

    #[tokio::test]
    async fn who_finds_no_room_waits_until_a_group_was_taken() {
        let inbox = with(&(0..4_096).map(|n| (n, Urgency::Now)).collect::<Vec<_>>()).await;
        let handing = Arc::clone(&inbox);
        let handed = tokio::spawn(async move { handing.hand_in(-1, Urgency::Now).await });
        tokio::task::yield_now().await;
        assert!(!handed.is_finished());
        assert_eq!(inbox.take().unwrap().len(), 256);
        handed.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_closed_one_gives_out_what_it_has_and_takes_nothing_more() {
        let inbox = with(&[(1, Urgency::Soon), (2, Urgency::Now)]).await;
        inbox.close();
        assert!(matches!(inbox.hand_in(3, Urgency::Now).await, Err(Error::Closed)));
        assert_eq!(inbox.take(), Some(vec![1, 2]));
        assert_eq!(inbox.take(), None);
    }

    #[tokio::test]
    async fn what_is_abandoned_is_handed_back() {
        let inbox = with(&[(1, Urgency::Now), (2, Urgency::Soon)]).await;
        assert_eq!(inbox.abandon(), [2, 1]);
        assert_eq!(inbox.take(), None);
    }
}
