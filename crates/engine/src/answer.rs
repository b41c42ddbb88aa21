//! What a sender gets that waits for its recipe's output: the output, why there is none, or where the job is.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    journal::{JobId, Outcome, Status},
    service::Engine,
};

/// An answer with what became of a job. No field of it holds anything of the event but the recipe's own `output`.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The HTTP status: 200 with the output, 202 when the job is not over, 500 when it failed or was cancelled, 410 when
    /// what it gave is not kept any more.
    pub status: u16,
    /// The body.
    pub body: Arc<Value>,
    /// The job.
    pub job: JobId,
    /// Where people see it.
    pub url: String,
}

impl Engine {
    /// Answers every sender that waits, now and from now on, with 202 and its job: the service is about to stop.
    pub fn stop_replying(&self) {
        self.shared.dispatch().stop_listening();
    }

    /// Waits until a job is over, or needs a person, or `until`; returns what its sender is answered. What is answered
    /// is on disk: the same question gets the same answer, also after a crash.
    pub async fn reply(&self, job: JobId, until: Timestamp) -> Reply {
        let shared = &self.shared;
        let heard = if shared.stopping() { None } else { shared.dispatch().listen(job) };
        if let Some(heard) = heard {
            tokio::select! {
                // An error means that the service stops: the job goes on with the next start.
                _ = heard => {}
                () = shared.clock.sleep_until(until) => {}
            }
        }
        let (status, body) = match shared.store.outcome(job).await {
            Ok(Some(outcome)) => ended(job, outcome),
            Ok(None) => match shared.store.job(job).await {
                Ok(None) => (410, json!({ "error": "gone", "job": job.to_string() }).into()),
                // It ended and goes on again, because its event came once more or a person wants it to.
                Ok(Some(row)) => (202, under_way(job, row.standing.status)),
                Err(_) => (202, under_way(job, Status::Queued)),
            },
            // It is accepted, and that is all that is known just now.
            Err(_) => (202, under_way(job, Status::Queued)),
        };
        Reply { status, body, job, url: shared.job_url(job) }
    }
}

fn ended(job: JobId, outcome: Outcome) -> (u16, Arc<Value>) {
    match outcome.status {
        // Messages and hints may name the person it is about: they stay in the history.
        Status::Failed => {
            let code = outcome.error.map_or_else(|| "failed".into(), |error| error.code);
            (500, json!({ "error": code, "job": job.to_string() }).into())
        }
        Status::Cancelled => (500, json!({ "error": "cancelled", "job": job.to_string() }).into()),
        _ => (200, outcome.output.unwrap_or_else(|| Arc::new(Value::Null))),
    }
}

fn under_way(job: JobId, status: Status) -> Arc<Value> {
    json!({ "job": job.to_string(), "status": status.word() }).into()
}
