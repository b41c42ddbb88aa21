//! Time, as an argument: the system's clock in production, a hand-set one in tests.

use std::{future::Future, pin::Pin, sync::Mutex, time::Duration};

use jiff::Timestamp;

/// Where time comes from.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Returns the present moment.
    fn now(&self) -> Timestamp;
    /// Returns once that moment has come.
    fn sleep_until(&self, moment: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>>;
    /// Returns after that long.
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let time = jiff::SignedDuration::try_from(time).unwrap_or(jiff::SignedDuration::MAX);
        self.sleep_until(self.now().checked_add(time).unwrap_or(Timestamp::MAX))
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

    #[expect(clippy::disallowed_methods, reason = "this is the one place that sleeps")]
    fn sleep_until(&self, moment: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let time = Duration::try_from(moment.duration_since(self.now())).unwrap_or(Duration::ZERO);
        // A year at most: tokio's timer wheel refuses more, and no caller relies on one long sleep.
        Box::pin(tokio::time::sleep(time.min(Duration::from_hours(8_760))))
    }
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
