//! Time, as an argument: the system's clock in production, a hand-set one in tests.

use std::{future::Future, pin::Pin, sync::Mutex, time::Duration};

use jiff::Timestamp;

/// Where time comes from.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Returns the present moment.
    fn now(&self) -> Timestamp;
    /// Returns once that moment has come, also when the clock jumped there. A clock that is set back keeps nobody
    /// waiting: it returns at the latest after the time that was left when it was asked, and who needs the moment itself
    /// looks again.
    fn sleep_until(&self, moment: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>>;
    /// Returns after that long.
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let time = jiff::SignedDuration::try_from(time).unwrap_or(jiff::SignedDuration::MAX);
        self.sleep_until(self.now().checked_add(time).unwrap_or(Timestamp::MAX))
    }
    /// Returns after that long in the world, whatever this clock says: for what is no part of any job's time.
    fn nap(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(nap(time))
    }
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where time enters")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep_until(&self, moment: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let left = Duration::try_from(moment.duration_since(self.now())).unwrap_or(Duration::ZERO);
        Box::pin(wait(left, nap, move || SystemClock.now() >= moment))
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // However the clock is set meanwhile, so long is so long.
        Box::pin(nap(time))
    }
}

/// How often a long wait looks at the clock: it may have been set, or the machine may have slept.
const LOOK: Duration = Duration::from_secs(10);

/// Waits until the moment has come, and no longer than was left.
async fn wait<N: Future<Output = ()>>(
    mut left: Duration,
    nap: impl Fn(Duration) -> N,
    has_come: impl Fn() -> bool,
) {
    while !left.is_zero() && !has_come() {
        let some = left.min(LOOK);
        nap(some).await;
        left -= some;
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that sleeps")]
fn nap(time: Duration) -> tokio::time::Sleep {
    // A year at most: tokio's timer wheel refuses more, and no caller relies on one long sleep.
    tokio::time::sleep(time.min(Duration::from_hours(8_760)))
}

/// A clock that moves only when told to, or that jumps over every sleep.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Timestamp>,
    jumps: bool,
    moved: tokio::sync::watch::Sender<Timestamp>,
}

impl ManualClock {
    /// Returns a clock that stands at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { now: Mutex::new(now), jumps: false, moved: tokio::sync::watch::channel(now).0 }
    }

    /// Returns a clock that stands at `now`; whoever sleeps moves it to where they wake.
    pub fn jumping(now: Timestamp) -> Self {
        Self { jumps: true, ..Self::new(now) }
    }

    /// Sets the clock and wakes whoever waited for that moment.
    pub fn set(&self, now: Timestamp) {
        *self.now.lock().expect("no panic while the lock is held") = now;
        self.moved.send_replace(now);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().expect("no panic while the lock is held")
    }

    fn sleep_until(&self, moment: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        if self.jumps {
            self.set(self.now().max(moment));
        }
        let mut moved = self.moved.subscribe();
        Box::pin(async move {
            // The sender lives in the clock; when the clock is gone nobody waits for it any more.
            drop(moved.wait_for(|now| *now >= moment).await);
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::ready};

    use super::*;

    /// Waits for so many seconds while the clock is moved by `jump` after the first look; returns how long it took.
    async fn waited(left: u64, jump: i64) -> i64 {
        let (passed, clock) = (Cell::new(0), Cell::new(0));
        let nap = |time: Duration| {
            let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
            clock.set(clock.get() + seconds + if passed.get() == 0 { jump } else { 0 });
            passed.set(passed.get() + seconds);
            ready(())
        };
        wait(Duration::from_secs(left), nap, || {
            clock.get() >= i64::try_from(left).unwrap_or(i64::MAX)
        })
        .await;
        passed.get()
    }

    #[tokio::test]
    async fn a_clock_that_jumps_ahead_ends_a_wait_and_one_that_is_set_back_does_not_prolong_it() {
        assert_eq!(waited(3600, 0).await, 3600);
        assert_eq!(waited(3600, 7200).await, 10);
        assert_eq!(waited(3600, -7200).await, 3600);
        assert_eq!(waited(3, 0).await, 3);
        assert_eq!(waited(0, 0).await, 0);
    }
}
