//! How much room unfinished jobs take, which nothing may purge: intake stops when they take all of it.

use std::time::Duration;

use jiff::Timestamp;

use crate::{retry, service::Shared};

/// How long what unfinished jobs take is not read again.
const READ_ROOM: Duration = Duration::from_secs(2);

/// How much room unfinished jobs take.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// In bytes: as last read, and what was accepted since.
    taken: u64,
    read_at: Option<Timestamp>,
}

impl Shared {
    /// Returns whether unfinished jobs, which nothing may purge, take more than the whole budget of the history.
    ///
    /// What they take is read now and then; in between, every delivery counts as if its jobs never ended. So nobody is
    /// refused but after a fresh look.
    pub(crate) async fn is_full(&self, coming: usize) -> bool {
        let budget = self.deployment().project.runner.keep_megabytes.saturating_mul(1024 * 1024);
        let now = self.clock.now();
        {
            let mut room = self.room.lock().expect("no panic while the lock is held");
            room.taken = room.taken.saturating_add(coming as u64);
            let fresh = room.read_at.is_some_and(|at| retry::later(at, READ_ROOM) > now);
            if fresh && room.taken <= budget {
                return false;
            }
        }
        // A store that does not answer says so when it is asked to accept.
        let Ok(size) = self.store.size().await else { return false };
        if size.finished > budget {
            self.over_budget.notify_one();
        }
        let mut room = self.room.lock().expect("no panic while the lock is held");
        *room = Room { taken: size.unfinished.saturating_add(coming as u64), read_at: Some(now) };
        size.unfinished > budget
    }
}
