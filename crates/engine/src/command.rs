//! What a person can ask of a job, and why it may not be possible.

use std::{collections::BTreeMap, sync::Arc};

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
    /// Answer a question (`wait_for`), perhaps before the job gets there.
    Answer {
        /// The step.
        step: StepPath,
        /// The answer.
        given: Given,
    },
    /// Settle a write whose outcome is unknown, or one that is held.
    Resolve {
        /// The step.
        step: StepPath,
        /// How.
        settlement: Settlement,
    },
}

/// An answer as a person gives it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// Its fields as words (a command line, a form): each is read as what the recipe declares.
    Words(BTreeMap<String, String>),
    /// The answer itself.
    Json(Value),
}

/// How a person settles an unknown outcome or a held write.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// It happened; this is its output.
    Happened(Arc<Value>),
    /// It did not happen: it is called again. A held write is sent now.
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
    /// The recipe's file is there, so it is not forgotten.
    #[error(
        "`{0}` has its file: `recipe-runner stop {0}` switches it off; take `recipes/{0}.yaml` away before it is forgotten"
    )]
    NotGone(String),
    /// Jobs of the recipe would be left for ever.
    #[error("{jobs} {} of `{recipe}` {} not over", plural(*jobs, "job", "jobs"), plural(*jobs, "is", "are"))]
    JobsLeft {
        /// The recipe.
        recipe: String,
        /// How many.
        jobs: u64,
    },
    /// Nobody can be asked for what was missed.
    #[error("`{0}` cannot catch up: its trigger cannot be read back")]
    NoCatchUp(String),
    /// The vendor cannot tell what was missed.
    #[error("the vendor cannot be asked: {0}")]
    Vendor(String),
    /// There is no such job.
    #[error("there is no job {0}; `recipe-runner jobs list` lists them")]
    NoJob(JobId),
    /// What the job held is cut.
    #[error(
        "what job {0} held is cut, for `retention.payload_days` of runner.yaml is over: it cannot be done again from it"
    )]
    Cut(JobId),
    /// Its drive is just ending.
    #[error("job {0} is just ending; try again in a moment")]
    Busy(JobId),
    /// A job cannot be planned.
    #[error("it cannot be planned: {0}")]
    NoPlan(String),
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
    /// The recipe asks nothing there.
    #[error("job {job} has no question `{step}`{}", asked_list(.questions))]
    NoQuestion {
        /// The job.
        job: JobId,
        /// What was named.
        step: StepPath,
        /// The questions of its recipe.
        questions: Vec<String>,
    },
    /// Somebody was first.
    #[error("`{step}` of job {job} is answered already; the first answer counts")]
    Answered {
        /// The job.
        job: JobId,
        /// The question.
        step: StepPath,
    },
    /// The job does not wait for an answer any more.
    #[error("`{step}` of job {job} is over: nobody had answered in time")]
    TooLate {
        /// The job.
        job: JobId,
        /// The question.
        step: StepPath,
    },
    /// The answer is not what the recipe declares.
    #[error("this is no answer to `{step}`: {why}")]
    WrongAnswer {
        /// The question.
        step: StepPath,
        /// What is wrong with it.
        why: String,
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
    /// What was given is not what the recipe takes.
    #[error("`{recipe}` does not take this: {why}")]
    WrongInput {
        /// The recipe.
        recipe: String,
        /// What is wrong with it.
        why: String,
    },
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

fn plural(number: u64, one: &'static str, more: &'static str) -> &'static str {
    if number == 1 { one } else { more }
}

fn asked_list(questions: &[String]) -> String {
    match questions {
        [] => ": its recipe asks nobody anything".into(),
        all => {
            let names: Vec<_> = all.iter().map(|name| format!("`{name}`")).collect();
            format!("; its recipe asks {}", names.join(", "))
        }
    }
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
