//! When a failed step is tried again: the patient default, or the step's own policy, with jitter from the job's seed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use recipe::Retry;

use crate::journal::StepPath;

/// The waits of the patient default; the last one repeats.
const PATIENT: [u64; 8] = [2, 5, 20, 60, 300, 900, 1800, 3600];

/// How long the patient default goes on after the first attempt.
pub(crate) const PATIENCE: Duration = Duration::from_hours(24);

/// An attempt that failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    /// The job's seed.
    pub(crate) seed: u64,
    /// The step.
    pub(crate) path: &'a StepPath,
    /// Which attempt it was, from 1.
    pub(crate) number: u32,
    /// When the first attempt began.
    pub(crate) first_at: Timestamp,
    /// When this one failed.
    pub(crate) at: Timestamp,
    /// The least wait, if the vendor named one.
    pub(crate) after: Option<Duration>,
}

/// Returns when the next attempt may begin, or `None` when there is none.
pub(crate) fn next(policy: Option<&Retry>, attempt: Attempt<'_>) -> Option<Timestamp> {
    let (wait, within, attempts) = match policy {
        None => {
            let place = (attempt.number.max(1) as usize - 1).min(PATIENT.len() - 1);
            (Duration::from_secs(PATIENT[place]), Some(PATIENCE), None)
        }
        Some(policy) => {
            let grown = policy.wait.as_secs_f64()
                * policy.factor.powi(attempt.number.max(1).cast_signed() - 1);
            (
                Duration::from_secs_f64(grown.min(policy.max_wait.as_secs_f64())),
                policy.within,
                policy.attempts,
            )
        }
    };
    if attempts.is_some_and(|most| attempt.number >= most) {
        return None;
    }
    let own = later(attempt.at, wait.mul_f64(jitter(attempt)));
    let next = own.max(later(attempt.at, attempt.after.unwrap_or_default()));
    let end = within.map_or(Timestamp::MAX, |within| later(attempt.first_at, within));
    if next <= end {
        Some(next)
    } else {
        // A vendor that asks for more than our patience is asked once more when it ends.
        (policy.is_none() && own < end).then_some(end)
    }
}

/// Returns the moment `wait` after `at`.
pub(crate) fn later(at: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// Returns the moment `time` before `at`.
pub(crate) fn before(at: Timestamp, time: Duration) -> Timestamp {
    let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    at.checked_sub(time).unwrap_or(Timestamp::MIN)
}

/// Returns a factor from 1.0 to 1.2, the same for the same attempt of the same job: many jobs that failed together
/// do not come back together.
fn jitter(attempt: Attempt<'_>) -> f64 {
    let mut hash = attempt.seed ^ u64::from(attempt.number);
    for byte in attempt.path.0.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    1.0 + f64::from(per_mille(hash)) / 5000.0
}

/// Returns a number below a thousand, the same for the same seed and another for its neighbour.
pub(crate) fn per_mille(seed: u64) -> u32 {
    // The finaliser of splitmix64.
    let mut hash = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((hash ^ (hash >> 31)) % 1000) as u32
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn failing(number: u32, at: i64, path: &StepPath) -> Attempt<'_> {
        let at = Timestamp::from_second(at).unwrap();
        Attempt { seed: 7, path, number, first_at: Timestamp::UNIX_EPOCH, at, after: None }
    }

    fn waits(policy: Option<&Retry>) -> Vec<i64> {
        let path = StepPath("employee".into());
        let mut at = 0;
        let mut waits = Vec::new();
        for number in 1.. {
            let Some(next) = next(policy, failing(number, at, &path)) else { return waits };
            waits.push(next.as_second() - at);
            at = next.as_second();
        }
        waits
    }

    #[test]
    fn the_patient_default_goes_on_for_a_day() {
        let waits = waits(None);
        let floor = [2, 5, 20, 60, 300, 900, 1800, 3600, 3600];
        for (wait, least) in waits.iter().zip(floor) {
            assert!((least..=least + least / 5 + 1).contains(wait), "{wait} for {least}");
        }
        let total: i64 = waits.iter().sum();
        assert!((20 * 3600..=24 * 3600).contains(&total), "{total}");
    }

    #[test]
    fn a_policy_says_how_often_how_long_and_how_far_apart() {
        let policy = Retry {
            on: None,
            attempts: Some(4),
            wait: Duration::from_secs(10),
            factor: 3.0,
            max_wait: Duration::from_mins(1),
            within: None,
        };
        let waits = waits(Some(&policy));
        assert_eq!(waits.len(), 3);
        assert!(
            (10..=12).contains(&waits[0])
                && (30..=36).contains(&waits[1])
                && (60..=72).contains(&waits[2])
        );
        let short = Retry { attempts: None, within: Some(Duration::from_secs(35)), ..policy };
        assert_eq!(super::tests::waits(Some(&short)).len(), 1);
    }

    #[test]
    fn a_vendors_word_is_the_least_wait() {
        let path = StepPath::root();
        let attempt = Attempt { after: Some(Duration::from_secs(500)), ..failing(1, 0, &path) };
        assert_eq!(next(None, attempt).unwrap().as_second(), 500);
    }

    #[test]
    fn a_vendor_that_asks_for_too_much_is_asked_once_more_at_the_end() {
        let path = StepPath::root();
        let day = Duration::from_hours(24);
        let attempt = Attempt { after: Some(day * 3), ..failing(1, 60, &path) };
        assert_eq!(next(None, attempt).unwrap().as_second(), 86_400);
        let attempt = Attempt { after: Some(day), ..failing(2, 86_400, &path) };
        assert_eq!(next(None, attempt), None);
    }

    #[test]
    fn jitter_depends_on_the_job_the_step_and_the_attempt_and_on_nothing_else() {
        let (one, two) = (StepPath("one".into()), StepPath("two".into()));
        let jitters = [
            jitter(failing(1, 0, &one)),
            jitter(failing(2, 0, &one)),
            jitter(failing(1, 0, &two)),
            jitter(Attempt { seed: 8, ..failing(1, 0, &one) }),
        ];
        assert!(jitters.iter().all(|factor| (1.0..=1.2).contains(factor)));
        for (place, factor) in jitters.iter().enumerate() {
            assert!(jitters[..place].iter().all(|other| (other - factor).abs() > 1e-9));
        }
        assert!((jitter(failing(1, 0, &one)) - jitter(failing(1, 99, &one))).abs() < 1e-12);
    }
}
