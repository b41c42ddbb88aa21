//! What a machine tells its driver: what to call, when to come back, what waits for a person.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

use crate::journal::{JobId, Outcome, StepPath};

/// What a machine knows about its job beside the journal.
#[derive(Debug, Clone)]
pub struct JobFacts {
    /// The job.
    pub id: JobId,
    /// Where people can look at it.
    pub url: String,
    /// Its name in lists.
    pub label: String,
    /// Where its jitter comes from.
    pub seed: u64,
}

/// What to do next.
#[derive(Debug)]
pub enum Decision {
    /// The whole frontier: calls to make now, when to come back by itself, and what waits for a person.
    Open {
        /// Calls that are due. A call stays due until its `Started` (or, for a look-up, its result) is applied. What
        /// has not begun when another entry is applied may be taken back by it (a round that failed, a `stop`): ask
        /// again before it begins.
        calls: Vec<Due>,
        /// Recipes to call, and called ones that are waited for.
        children: Vec<Child>,
        /// What people are asked.
        asks: Vec<Ask>,
        /// The earliest moment at which a `Fired` is due.
        wake_at: Option<Timestamp>,
        /// What only a person can settle.
        attention: Vec<Attention>,
    },
    /// Nothing is left to do: append `Finished`.
    Finish(Outcome),
}

/// A call that is due.
#[derive(Debug, Clone)]
pub struct Due {
    /// The step.
    pub path: StepPath,
    /// The connector, such as `goco`.
    pub connector: String,
    /// The action, such as `create_employee`.
    pub action: String,
    /// The connection, if the connector needs one.
    pub connection: Option<String>,
    /// From 1.
    pub attempt: u32,
    /// The evaluated inputs.
    pub input: Arc<Value>,
    /// Whether to call it or to look it up.
    pub what: What,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// The error or outcome in scope, for once keys.
    pub cause: String,
}

/// Another recipe, to be called or waited for. It stays here until its `Succeeded` or `Failed` is applied.
#[derive(Debug, Clone)]
pub struct Child {
    /// The step.
    pub path: StepPath,
    /// The recipe.
    pub recipe: String,
    /// Whether the step is over as soon as the job exists.
    pub background: bool,
    /// What it is given.
    pub input: Arc<Value>,
    /// From 1; an attempt after the first comes after a `Reopened` and takes up the same job.
    pub attempt: u32,
    /// How far the call is.
    pub stage: ChildStage,
}

/// How far the call of another recipe is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildStage {
    /// It is to begin: a `Started`, together with the job, then a `Child`.
    Due,
    /// It has begun, but the journal does not say with which job: the process ended in between.
    Begun,
    /// It is waited for.
    Running(JobId),
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The step; its id is the question's name.
    pub path: StepPath,
    /// The question.
    pub ask: String,
    /// Until when an answer is waited for.
    pub until: Option<Timestamp>,
}

/// Whether to call or to look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Call the action.
    Call,
    /// Look up whether an earlier call happened.
    LookUp,
}

/// What waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attention {
    /// The step; the job's path when it is the job as a whole.
    pub path: StepPath,
    /// Why, and what to do, in a sentence.
    pub why: String,
}

/// An entry that does not fit the job: an engine fault, or a journal of another recipe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq} at `{path}` does not fit this job: {why}")]
pub struct Misfit {
    /// The entry.
    pub seq: u32,
    /// Its path.
    pub path: StepPath,
    /// What is wrong with it.
    pub why: &'static str,
}
