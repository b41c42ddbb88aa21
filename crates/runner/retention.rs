//! Retention: finished jobs go when they are older, or take more, than `runner.yaml` says. Unfinished ones never do.

use std::{sync::Arc, time::Duration};

use engine::Keep;
use jiff::{SignedDuration, Timestamp};
use recipe::RunnerSettings;

use crate::service::Service;

/// How often it is looked; a budget of days and megabytes is not missed by minutes.
const INTERVAL: Duration = Duration::from_mins(10);

/// Keeps the budget until the service stops.
pub async fn keep(service: Arc<Service>) {
    loop {
        tokio::select! {
            () = service.stop.cancelled() => return,
            () = service.engine.clock().sleep(INTERVAL) => {}
        }
        let runner = &service.engine.deployment().project.runner;
        let budget = budget(runner, service.engine.clock().now());
        match service.engine.store().purge(budget).await {
            Ok(purged) if purged.jobs > 0 => {
                tracing::info!(jobs = purged.jobs, "finished jobs beyond the budget were removed");
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the history could not be cut to its budget"),
        }
    }
}

fn budget(runner: &RunnerSettings, now: Timestamp) -> Keep {
    let age = SignedDuration::from_hours(24 * i64::from(runner.keep_days));
    Keep { since: now.checked_sub(age).ok(), bytes: Some(runner.keep_megabytes << 20) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_that_of_the_settings() {
        let now = Timestamp::from_second(1_000_000).unwrap_or_default();
        let runner =
            RunnerSettings { keep_days: 2, keep_megabytes: 3, ..RunnerSettings::default() };
        let keep = budget(&runner, now);
        assert_eq!(keep.since.map(Timestamp::as_second), Some(1_000_000 - 2 * 86_400));
        assert_eq!(keep.bytes, Some(3 * 1024 * 1024));
    }
}
