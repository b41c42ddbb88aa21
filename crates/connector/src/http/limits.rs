//! The limits of one connection: how many requests at once, how far apart, and not before a vendor's "later".

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    clock::Clock,
    failure::{Failure, FailureKind},
};

/// The limits of one connection, shared by all its requests.
#[derive(Debug)]
pub(super) struct Limits {
    in_flight: Arc<Semaphore>,
    most: usize,
    min_interval: SignedDuration,
    pace: Mutex<Pace>,
}

/// When the next request may start, after the starts already given out and the pauses learnt.
#[derive(Debug)]
struct Pace {
    next_start: Timestamp,
    /// The longest distance that was ever set. A start further away than this is no limit but a clock that was set
    /// back; it must not close the connection for as long as it was set back.
    longest: SignedDuration,
}

impl Pace {
    fn next_start(&mut self, now: Timestamp) -> Timestamp {
        self.next_start = self.next_start.min(later(now, self.longest));
        self.next_start
    }

    fn not_before(&mut self, now: Timestamp, wait: SignedDuration) {
        self.longest = self.longest.max(wait);
        self.next_start = self.next_start(now).max(later(now, wait));
    }
}

impl Limits {
    pub(super) fn new(max_in_flight: usize, min_interval: Duration) -> Self {
        Self {
            in_flight: Arc::new(Semaphore::new(max_in_flight.max(1))),
            most: max_in_flight.max(1),
            min_interval: signed(min_interval),
            pace: Mutex::new(Pace { next_start: Timestamp::MIN, longest: SignedDuration::ZERO }),
        }
    }

    /// Returns a permit to start now, having waited for it no longer than `patience`. A longer wait is a failure that
    /// says how long, for the engine to make a durable wait of it.
    pub(super) async fn permit(
        &self,
        clock: &dyn Clock,
        patience: Duration,
    ) -> Result<OwnedSemaphorePermit, Failure> {
        let give_up = later(clock.now(), signed(patience));
        // Told at once, not after having waited for a place.
        self.wait_before(clock.now(), give_up)?;
        let permit = tokio::select! {
            biased;
            permit = self.in_flight.clone().acquire_owned() => permit.expect("the semaphore is never closed"),
            () = clock.sleep_until(give_up) => return Err(rate_limited(patience)),
        };
        loop {
            let now = clock.now();
            let start = {
                let mut pace = self.pace.lock().expect("no panic while the lock is held");
                let start = pace.next_start(now).max(now);
                if start <= now {
                    pace.not_before(now, self.min_interval);
                }
                start
            };
            if start <= now {
                return Ok(permit);
            }
            self.wait_before(now, give_up)?;
            clock.sleep_until(start).await;
        }
    }

    /// Lets nothing start for that long.
    pub(super) fn pause(&self, now: Timestamp, wait: Duration) {
        self.pace.lock().expect("no panic while the lock is held").not_before(now, signed(wait));
    }

    /// Returns how many requests are under way.
    pub(super) fn in_flight(&self) -> usize {
        self.most.saturating_sub(self.in_flight.available_permits())
    }

    /// Returns how many may be.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Returns until when nothing starts, when that is further away than the distance between two starts.
    pub(super) fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        let next = self.pace.lock().expect("no panic while the lock is held").next_start(now);
        (next > later(now, self.min_interval)).then_some(next)
    }

    fn wait_before(&self, now: Timestamp, give_up: Timestamp) -> Result<(), Failure> {
        let next = self.pace.lock().expect("no panic while the lock is held").next_start(now);
        if next <= give_up {
            return Ok(());
        }
        Err(rate_limited(Duration::try_from(next.duration_since(now)).unwrap_or_default()))
    }
}

fn rate_limited(after: Duration) -> Failure {
    Failure {
        kind: FailureKind::Transient { after: Some(after) },
        ..Failure::transient(
            "rate_limited",
            "the connection's rate limit is used up; nothing was sent",
        )
    }
}

fn signed(time: Duration) -> SignedDuration {
    SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::{future::Future, task::Poll};

    use futures_util::poll;

    use super::*;
    use crate::ManualClock;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    async fn is_ready<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
        match poll!(future) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_closes_nothing_for_longer_than_the_longest_pause() {
        let clock = ManualClock::new(at(3_600_000));
        let limits = Limits::new(9, Duration::from_millis(500));
        limits.pause(clock.now(), Duration::from_secs(3));
        clock.set(at(0));
        let mut permit = Box::pin(limits.permit(&clock, PATIENCE));
        assert!(is_ready(&mut permit).await.is_none(), "the pause itself is kept");
        clock.set(at(3_000));
        assert!(is_ready(&mut permit).await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn starts_keep_their_distance() {
        let clock = ManualClock::new(at(0));
        let limits = Limits::new(9, Duration::from_millis(500));
        let _first = limits.permit(&clock, PATIENCE).await.unwrap();
        let mut second = Box::pin(limits.permit(&clock, PATIENCE));
        let mut third = Box::pin(limits.permit(&clock, PATIENCE));
        assert!(is_ready(&mut second).await.is_none() && is_ready(&mut third).await.is_none());
        clock.set(at(499));
        assert!(is_ready(&mut second).await.is_none());
        clock.set(at(500));
        assert!(is_ready(&mut second).await.unwrap().is_ok());
        assert!(is_ready(&mut third).await.is_none());
        clock.set(at(1000));
        assert!(is_ready(&mut third).await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn only_so_many_are_under_way_and_the_rest_gives_up_after_its_patience() {
        let clock = ManualClock::new(at(0));
        let limits = Limits::new(2, Duration::ZERO);
        let first = limits.permit(&clock, PATIENCE).await.unwrap();
        let _second = limits.permit(&clock, PATIENCE).await.unwrap();
        let mut third = Box::pin(limits.permit(&clock, PATIENCE));
        assert!(is_ready(&mut third).await.is_none());
        drop(first);
        let _third = is_ready(&mut third).await.unwrap().unwrap();
        let mut fourth = Box::pin(limits.permit(&clock, PATIENCE));
        assert!(is_ready(&mut fourth).await.is_none());
        clock.set(at(5000));
        let failure = is_ready(&mut fourth).await.unwrap().unwrap_err();
        assert_eq!(failure.code, "rate_limited");
        assert_eq!(failure.kind, FailureKind::Transient { after: Some(PATIENCE) });
    }

    #[tokio::test]
    async fn a_pause_is_waited_for_when_short_and_told_at_once_when_long() {
        let clock = ManualClock::new(at(0));
        let limits = Limits::new(2, Duration::ZERO);
        limits.pause(at(0), Duration::from_secs(3));
        let mut short = Box::pin(limits.permit(&clock, PATIENCE));
        assert!(is_ready(&mut short).await.is_none());
        // A longer pause learnt meanwhile counts for those who wait already.
        limits.pause(at(1000), Duration::from_secs(29));
        clock.set(at(3000));
        let failure = is_ready(&mut short).await.unwrap().unwrap_err();
        assert_eq!(failure.kind, FailureKind::Transient { after: Some(Duration::from_secs(27)) });
        let failure = limits.permit(&clock, PATIENCE).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Transient { after: Some(Duration::from_secs(27)) });
        // The pages of a read have more patience.
        let mut patient = Box::pin(limits.permit(&clock, Duration::from_mins(1)));
        assert!(is_ready(&mut patient).await.is_none());
        clock.set(at(30_000));
        assert!(is_ready(&mut patient).await.unwrap().is_ok());
    }
}
