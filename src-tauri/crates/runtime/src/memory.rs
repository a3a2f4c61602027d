//! Memory that the program does not use goes back to the system.
//!
//! glibc gives back what is free at the end of its heap, and keeps what is free in between: what the start needed once (the
//! description of the API, of the command line, the schema), and what a burst of changes did. That is about a sixth of an
//! idle `serve`, for as long as it runs.

use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

/// How often memory is given back.
const PAUSE: Duration = Duration::from_mins(1);

/// Gives memory back now and then, until it is dropped.
pub(crate) struct Keeper(
    #[expect(dead_code, reason = "ends the task when it is dropped")] AbortOnDropHandle<()>,
);

impl Keeper {
    pub(crate) fn start() -> Self {
        Self(AbortOnDropHandle::new(tokio::spawn(async {
            let mut turns = tokio::time::interval(PAUSE);
            loop {
                turns.tick().await;
                give_back();
            }
        })))
    }
}

/// Gives back what is free.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_back() {
    #[expect(unsafe_code, reason = "there is no other way to ask glibc for it")]
    // SAFETY: `malloc_trim` may be called at any time, from any thread (malloc_trim(3): MT-Safe).
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other systems' allocators do it by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
const fn give_back() {}
