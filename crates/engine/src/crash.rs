//! Named moments at which a test lets the process die, to show that nothing is lost and nothing is doubled.
//!
//! Compiled only with the feature `crash-points`; without it a point is nothing.

/// Every point of the engine.
pub const CRASH_POINTS: &[&str] = &[
    "accept.before_commit",
    "accept.after_commit",
    "claim.before_commit",
    "claim.after_commit",
    "end.before_commit",
    "end.after_commit",
    "append.before_commit",
    "append.after_commit",
    "other.before_commit",
    "other.after_commit",
    "job.loaded",
    "call.before",
    "call.after",
    "entries.sent",
    "job.finished",
];

/// Kills the process here when the environment's `RECIPE_RUNNER_CRASH_AT` is `name`, or `name:N` at the Nth time; panics,
/// as a fault of ours would, when it is `name:N:panic`.
#[cfg(feature = "crash-points")]
pub(crate) fn crash_point(name: &str) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    };

    static WANTED: OnceLock<Option<(String, u64, bool)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    debug_assert!(CRASH_POINTS.contains(&name), "`{name}` is missing in CRASH_POINTS");
    #[expect(
        clippy::disallowed_methods,
        reason = "only the test build has this; a setting would be in every build"
    )]
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("RECIPE_RUNNER_CRASH_AT").ok()?;
        let (text, panics) =
            text.strip_suffix(":panic").map_or((text.as_str(), false), |text| (text, true));
        let (point, time) = text.split_once(':').unwrap_or((text, "1"));
        assert!(
            CRASH_POINTS.contains(&point),
            "`RECIPE_RUNNER_CRASH_AT` names no crash point: `{point}`"
        );
        let time =
            time.parse().expect("`RECIPE_RUNNER_CRASH_AT` is a point, or a point and a number");
        Some((point.to_owned(), time, panics))
    });
    if let Some((point, time, panics)) = wanted
        && point == name
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *time
    {
        assert!(!panics, "the crash point `{name}` is reached");
        std::process::abort();
    }
}

/// Does nothing: this build has no crash points.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub(crate) fn crash_point(_name: &str) {}
