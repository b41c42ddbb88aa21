//! What goes into the store and what comes back: plain data, each field by what it means.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::journal::{Entry, JobId, Status, StepPath};

/// A delivery to keep, with the jobs that come of it.
#[derive(Debug, Clone)]
pub struct Intake {
    /// The recipe it was sent to.
    pub recipe: String,
    /// When it came.
    pub received_at: Timestamp,
    /// The headers without credentials or signatures.
    pub headers: Vec<(String, String)>,
    /// The query string.
    pub query: String,
    /// The body, byte for byte; kept compressed.
    pub body: Arc<[u8]>,
    /// What became of it: `events`, `ping`, `other`, or a refusal's reason.
    pub verdict: String,
    /// The HTTP status of the answer.
    pub answered: u16,
    /// The jobs to make.
    pub jobs: Vec<NewJob>,
}

/// A job to make of one event of a delivery.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Which event of the delivery.
    pub event_index: u32,
    /// Unique for the recipe, for ever.
    pub dedupe_key: String,
    /// What no two jobs share at the same time, with its scope: a recipe or a group of them.
    pub order_key: Option<String>,
    /// The identity of its once keys.
    pub once_key: String,
    /// Its name in lists.
    pub label: String,
    /// Words it is found by beside the label: e-mail addresses and ids of the event.
    pub search: String,
    /// Why a person must look at it at once (an event that could not be read); normally `None`.
    pub attention: Option<String>,
    /// The step of another job that called it.
    pub parent: Option<Parent>,
}

/// The step that called a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// Its job.
    pub job: JobId,
    /// Its path there.
    pub path: StepPath,
}

/// Identifies a kept delivery; given out in order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(pub i64);

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What became of one [`NewJob`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// A new job.
    New(JobId),
    /// Its event is known: this job has it. The repeat was counted.
    Repeat {
        /// The job.
        job: JobId,
        /// Where it stands.
        status: Status,
    },
}

/// A change of one job, applied whole or not at all.
#[derive(Debug, Clone)]
pub struct Append {
    /// The job.
    pub job: JobId,
    /// New entries; their `seq` follows the journal's last. Entries that are there already, equal in every part, are
    /// passed over: whoever is told [`Unavailable`](super::StoreError::Unavailable) appends the same again.
    pub entries: Arc<[Entry]>,
    /// Where the job stands after them.
    pub standing: Standing,
    /// An effect to claim before a write is called.
    pub claim: Option<Claim>,
    /// An effect that is done, with its output; or, without an output, one that certainly did not happen. The output
    /// of an effect that is done already stays; only the job that claimed an effect can give it back.
    pub settle: Option<(Effect, Option<Arc<Value>>)>,
}

/// The cached fold of a job's journal, kept beside it for queries;
/// [`Store::rebuild_standings`](super::Store::rebuild_standings) makes it anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The status.
    pub status: Status,
    /// When it goes on by itself.
    pub wake_at: Option<Timestamp>,
    /// What it is doing or why it stands, in a line for lists: the step, the error, the question.
    pub note: String,
    /// The first entry's moment.
    pub started_at: Option<Timestamp>,
    /// The moment it became final.
    pub finished_at: Option<Timestamp>,
}

/// A write that is made once, ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Effect {
    /// The connection's name.
    pub connection: String,
    /// The action, such as `goco.create_employee`.
    pub action: String,
    /// Its once key.
    pub key: String,
}

/// An effect claimed for a job's step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Which.
    pub effect: Effect,
    /// The step path.
    pub path: String,
    /// Whether to take it over from a job that is over, or from another step of this job: after looking, or on a
    /// person's word.
    pub take_over: bool,
}

/// What a claim met. Unless it is [`Mine`](Self::Mine), nothing of the append was written.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    /// It is this step's, for the first time or again.
    Mine,
    /// It is done already; this is its output.
    Done(Arc<Value>),
    /// A job that is not over holds it; it may be this one, when another of its steps has claimed it.
    HeldBy(JobId),
    /// A job that is over claimed it and never settled it: it may or may not have been done.
    Unsure(JobId),
}
