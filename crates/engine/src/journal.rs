//! The journal of a job: what happened, in order. It is the truth; everything else about a job is a fold of it.

use std::{fmt, sync::Arc};

use connector::{Exchange, Failure, Warning};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The number of this format, written with every entry. Add to it; never change what a number means.
pub const FORMAT: u8 = 1;

/// Identifies a job; given out in order of acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where in a recipe something happened: `employee`, `documents[2]`, `documents[2].upload`. Empty for the whole job.
///
/// Only loops add a segment; the branches of `if` and `try` are transparent.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct StepPath(pub Arc<str>);

impl StepPath {
    /// Returns the path of the job itself.
    pub fn root() -> Self {
        Self("".into())
    }
}

impl fmt::Display for StepPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place in the journal, from 1 without gaps.
    pub seq: u32,
    /// Where in the recipe.
    pub path: StepPath,
    /// When; never earlier than the entry before.
    pub at: Timestamp,
    /// What.
    pub kind: Kind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// The job began: what it pinned, by content hash.
    Opened {
        /// The recipe's version.
        version: String,
        /// The tables.
        tables: String,
        /// The properties.
        properties: String,
    },
    /// The machine decided something from what was known.
    Chose {
        /// What.
        choice: Choice,
    },
    /// An attempt of an action began.
    Started {
        /// From 1.
        attempt: u32,
        /// The evaluated inputs.
        input: Arc<Value>,
        /// The once key of a write.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        once: Option<String>,
    },
    /// A step ended well. At a round's path (`documents[2]`): the round is over, and what lies under it may be skipped.
    Succeeded {
        /// Its output; for `set` the variables it set; for a round what it collected, or whether another follows.
        output: Arc<Value>,
        /// Whether it was found done rather than done now (once key, look-up, a person).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        recovered: bool,
        /// What a person should know all the same.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        warnings: Vec<Warning>,
    },
    /// An attempt, a look-up or an expression failed.
    Failed {
        /// How.
        failure: Failure,
        /// When it is tried again (for an unknown outcome: looked up); `None` means not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
        /// Whether it was a look-up of an unknown outcome that failed, not the call.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        looking_up: bool,
    },
    /// The moment a step waited for has come. At the job's path: its time-out.
    Fired,
    /// At the job's path, when its time-out would have come: so long its recipe or the service was off, which does not
    /// count.
    Paused {
        /// How long.
        time: SignedDuration,
    },
    /// A person answered a `wait_for`, perhaps before the job got there. The first answer counts; a second is refused.
    Signalled {
        /// Who.
        by: String,
        /// The answer.
        answer: Arc<Value>,
    },
    /// The job that a `call` step began, or found begun. How it ended is told by a `Succeeded` or `Failed` here.
    Child {
        /// The job.
        job: JobId,
    },
    /// An unknown outcome was settled.
    Resolved {
        /// Who settled it.
        by: String,
        /// How.
        verdict: Verdict,
    },
    /// A person asked to end the job.
    CancelRequested {
        /// Who.
        by: String,
    },
    /// A person, or a repeat of its event, had a failed job go on.
    Reopened {
        /// Who.
        by: String,
        /// What it pins from here on.
        version: String,
        /// The tables.
        tables: String,
        /// The properties.
        properties: String,
    },
    /// The job is over.
    Finished {
        /// How.
        outcome: Outcome,
    },
}

/// What the machine decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The step's `when` is false.
    LeftOut,
    /// The condition of an `if` is true.
    Then,
    /// The condition of an `if` is false.
    Else,
    /// The items of a loop; with `batch`, the lists of items.
    Items(Arc<Vec<Arc<Value>>>),
    /// A `repeat_while` begins.
    Repeats,
    /// A `wait` ends at that moment.
    Until(Timestamp),
    /// A `wait_for` asks a person.
    Asked {
        /// The question.
        ask: String,
        /// Until when an answer is waited for.
        until: Option<Timestamp>,
    },
    /// A write is shown and waits for a person (`writes: hold`): `Resolved` says that it is to be sent
    /// (`NotHappened`), that it is done elsewhere (`Happened`), or that it is not wanted (`GivenUp`).
    Held {
        /// What would be sent.
        input: Arc<Value>,
    },
    /// A `stop` ends the job.
    Stop {
        /// How.
        status: Status,
        /// Why.
        reason: Option<String>,
        /// What a person should do.
        hint: Option<String>,
    },
}

/// How an unknown outcome was settled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The write happened; this is its output.
    Happened {
        /// The output.
        output: Arc<Value>,
    },
    /// The write did not happen.
    NotHappened {
        /// When it is called again; `None` means that its retries are used up.
        retry_at: Option<Timestamp>,
    },
    /// The look-up cannot say.
    Inconclusive {
        /// Why.
        why: String,
    },
    /// A person gave up on it: the step fails.
    GivenUp,
}

/// Where a job stands: a fold of its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted, not begun.
    Queued,
    /// A call is open or due.
    Running,
    /// It waits for a moment.
    Waiting,
    /// It waits for a person.
    NeedsAttention,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// There was nothing to do.
    Skipped,
    /// Ended by a person.
    Cancelled,
}

impl Status {
    /// Returns whether nothing will happen any more by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Skipped | Self::Cancelled)
    }

    /// Returns the word used in history, SQL and recipes.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::NeedsAttention => "needs_attention",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns the status with that word.
    pub fn from_word(word: &str) -> Option<Self> {
        use Status::{
            Cancelled, Failed, NeedsAttention, Queued, Running, Skipped, Succeeded, Waiting,
        };
        [Queued, Running, Waiting, NeedsAttention, Succeeded, Failed, Skipped, Cancelled]
            .into_iter()
            .find(|status| status.word() == word)
    }
}

/// How a job, or its body, ended. Expressions in `finally` see it as `outcome`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// `succeeded`, `failed`, `skipped` or `cancelled`.
    pub status: Status,
    /// The reason, or the error with its hint, then the warnings: fit for a note.
    pub message: String,
    /// What went wrong, if it failed.
    pub error: Option<JobError>,
    /// What a person should know.
    pub warnings: Vec<StepWarning>,
    /// What a caller gets; only of a called recipe whose body ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Arc<Value>>,
}

/// The error a job failed with. Expressions in `catch` see it as `error`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobError {
    /// A stable word.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What a person should do; empty when there is nothing better than trying again.
    pub hint: String,
    /// The path of the step.
    pub step: StepPath,
    /// The action, such as `goco.create_employee`; `None` for a step that is none.
    pub action: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// What else failed beside it, in rounds that ran at the same time; in the journal's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<JobError>,
    /// The redacted HTTP exchange it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Box<Exchange>>,
}

/// A warning with the step it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepWarning {
    /// The path of the step.
    pub step: StepPath,
    /// A stable word.
    pub code: String,
    /// What it is.
    pub message: String,
}
