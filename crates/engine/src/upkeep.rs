//! Upkeep of the history: finished jobs go when they are older than the project keeps them, or when they take more
//! room than it gives them; what they held may be cut before.

use std::{sync::Arc, time::Duration};

use crate::{retry, service::Shared, store::Keep};

/// How often the history is looked through: a budget of days and megabytes is not missed by minutes.
const EVERY: Duration = Duration::from_mins(10);

/// Looks through the history until the service stops.
pub(crate) async fn keep_up(shared: Arc<Shared>) {
    while !shared.stopping() {
        let settings = &shared.deployment().project.runner;
        let age = Duration::from_hours(24 * u64::from(settings.keep_days));
        let keep = Keep {
            since: Some(retry::before(shared.clock.now(), age)),
            recipes: shared.kept_by_recipes(),
            bytes: Some(settings.keep_megabytes.saturating_mul(1024 * 1024)),
        };
        match shared.store.purge(keep).await {
            Ok(purged) if purged.jobs > 0 => {
                tracing::info!(jobs = purged.jobs, "old jobs left the history");
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the history could not be looked through"),
        }
        if let Some(days) = settings.keep_payload_days {
            let age = Duration::from_hours(24 * u64::from(days));
            match shared.store.cut(retry::before(shared.clock.now(), age)).await {
                Ok(0) => {}
                Ok(jobs) => tracing::info!(jobs, "what old jobs held was cut"),
                Err(error) => tracing::error!(%error, "what old jobs held could not be cut"),
            }
        }
        tokio::select! {
            () = shared.clock.sleep(EVERY) => {}
            // Under load the budget is not left for minutes.
            () = shared.over_budget.notified() => {}
            () = shared.stop_asked.notified() => return,
        }
    }
}
