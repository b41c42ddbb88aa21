//! What a person can ask of a job, and why it may not be possible.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    journal::{JobId, Status, StepPath},
    store::StoreError,
};

/// What a person asks of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Go on from the failed step; try again now what waits; look up again what nobody knows.
    Retry {
        /// With the newest version of the recipe.
        newest: bool,
        /// Although a later job with the same order key is past it.
        force: bool,
    },
    /// End it. `finally` does not run.
    Cancel,
    /// Settle a write whose outcome is unknown.
    Resolve {
        /// The step.
        step: StepPath,
        /// How.
        settlement: Settlement,
    },
}

/// How a person settles an unknown outcome.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// It happened; this is its output.
    Happened(Arc<Value>),
    /// It did not happen: it is called again.
    NotHappened,
    /// Nobody will ever know: the step fails.
    GiveUp,
}

/// Why a command cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no such recipe.
    #[error("there is no recipe `{0}`; `recipe-runner status` lists them")]
    NoRecipe(String),
    /// The recipe has never been right.
    #[error("`{0}` has never been right; `recipe-runner check` says what is wrong with it")]
    NeverGood(String),
    /// There is no such job.
    #[error("there is no job {0}; `recipe-runner jobs list` lists them")]
    NoJob(JobId),
    /// A call of the job is open.
    #[error("job {0} is in the middle of a call; try again in a moment")]
    Busy(JobId),
    /// The job is over and this cannot change it.
    #[error("job {job} is {}, so there is nothing to {what}", status.word())]
    Over {
        /// The job.
        job: JobId,
        /// How it ended.
        status: Status,
        /// What was asked.
        what: &'static str,
    },
    /// A later job with the same order key is past it.
    #[error(
        "job {later} for the same person is already past job {job}; if it may still go on, use `--force`"
    )]
    Overtaken {
        /// The job.
        job: JobId,
        /// The later one.
        later: JobId,
    },
    /// Nothing is unknown at that step.
    #[error("nothing is unknown at `{step}` of job {job}{}", waiting_list(.waiting))]
    NotUnknown {
        /// The job.
        job: JobId,
        /// The step.
        step: StepPath,
        /// Where something is.
        waiting: Vec<StepPath>,
    },
    /// The newest version does not fit what the job has done.
    #[error("job {job} cannot take the newest version: {why}")]
    DoesNotFit {
        /// The job.
        job: JobId,
        /// Why.
        why: String,
    },
    /// What was given cannot be read as an event.
    #[error("this is not an event of the recipe's trigger: {0}")]
    NoEvent(String),
    /// The job cannot be loaded.
    #[error("job {0} cannot be loaded: {1}")]
    Broken(JobId, String),
    /// The service is stopping.
    #[error("the service is stopping")]
    Stopping,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn waiting_list(waiting: &[StepPath]) -> String {
    match waiting {
        [] => String::new(),
        steps => {
            let names: Vec<_> = steps.iter().map(|step| format!("`{step}`")).collect();
            format!("; it waits at {}", names.join(", "))
        }
    }
}
