//! A checked recipe: it cannot be wrong. This is what the machine runs.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    catalogue::EffectSpec,
    diagnostic::{Source, Span},
    expression::{Expression, Template},
};

/// A recipe that passed every check.
#[derive(Debug)]
pub struct Recipe {
    /// Its file name without `.yaml`; its name everywhere.
    pub name: String,
    /// The hash of its text: the first 16 hex digits of its SHA-256.
    pub version: String,
    /// For people.
    pub title: String,
    /// Names a job in lists and search; evaluates to text.
    pub label: Option<Template>,
    /// What starts a job.
    pub trigger: Trigger,
    /// How jobs of this recipe run.
    pub settings: Settings,
    /// The body.
    pub steps: Block,
    /// What runs once the body has ended, however it ended, except on cancel.
    pub finally: Block,
    /// The text it was read from.
    pub source: Arc<Source>,
}

/// Steps in order.
pub type Block = Arc<[Step]>;

/// What starts a job.
#[derive(Debug)]
pub struct Trigger {
    /// The connector, such as `greenhouse`.
    pub connector: String,
    /// The trigger, such as `hired`.
    pub name: String,
    /// The connection whose secret verifies the webhook; `None` when the connector has none.
    pub connection: Option<String>,
    /// Its settings (constants; no expressions).
    pub with: serde_json::Value,
    /// An event for which this is false is recorded and makes no job.
    pub when: Option<Expression>,
    /// The order key, when the recipe sets its own. `None` means the connector's.
    pub key: Option<Expression>,
    /// The dedupe key, when the recipe sets its own.
    pub dedupe: Option<Expression>,
    /// Where it stands in the recipe.
    pub span: Span,
}

/// How jobs of a recipe run.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How many of its jobs may have a call open at the same time.
    pub concurrency: u32,
    /// How long a job may take from its first step on; none by default.
    pub timeout: Option<Duration>,
    /// The retry policy of steps that have none of their own; `None` means the patient default.
    pub retry: Option<Retry>,
    /// Paths (such as `event.candidate.email_addresses`) hidden wherever history is read.
    pub mask: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { concurrency: 16, timeout: None, retry: None, mask: Vec::new() }
    }
}

/// How often and how long a failed step is tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// The greatest number of attempts, the first included; `None` means as many as fit in `within`.
    pub attempts: Option<u32>,
    /// The wait before the second attempt.
    pub wait: Duration,
    /// What each wait is multiplied by to get the next.
    pub factor: f64,
    /// The longest wait.
    pub max_wait: Duration,
    /// How long after the first attempt a new one may still start (key `for`).
    pub within: Option<Duration>,
}

/// One step.
#[derive(Debug)]
pub struct Step {
    /// The name other steps refer to; unique in the recipe.
    pub id: Option<String>,
    /// Its segment in a step path: the id, else a name made from the kind and its place (`stop_1`).
    pub name: Arc<str>,
    /// For people.
    pub title: Option<String>,
    /// The step is left out when this is false.
    pub when: Option<Expression>,
    /// What it does.
    pub kind: StepKind,
    /// Where it stands in the recipe: its leading key and value.
    pub span: Span,
}

/// What a step does.
#[derive(Debug)]
pub enum StepKind {
    /// Calls a connector.
    Action(ActionStep),
    /// Chooses one of two blocks.
    If {
        /// Must be boolean.
        condition: Expression,
        /// Runs when it is true.
        then: Block,
        /// Runs when it is false.
        otherwise: Block,
    },
    /// Runs a block once for each item of a list.
    ForEach {
        /// The list; null is an empty list.
        items: Expression,
        /// The name of the item inside the block.
        variable: String,
        /// What runs for each item.
        steps: Block,
    },
    /// Runs a block, and another one if it fails.
    Try {
        /// What may fail.
        steps: Block,
        /// What runs when it failed; sees `error`.
        catch: Block,
    },
    /// Sets job variables.
    Set(Vec<(String, Template)>),
    /// Ends the job.
    Stop {
        /// How.
        status: StopStatus,
        /// Why, for people.
        reason: Option<Template>,
        /// What a person should do.
        hint: Option<Template>,
    },
}

/// A call of a connector's action.
#[derive(Debug)]
pub struct ActionStep {
    /// The connector, such as `goco`.
    pub connector: String,
    /// The action, such as `create_employee`.
    pub action: String,
    /// The connection; `None` when the connector needs none.
    pub connection: Option<String>,
    /// The inputs by name. An input whose value is null is not sent unless its template is [`Template::Clear`].
    pub with: BTreeMap<String, Template>,
    /// The step's own retry policy.
    pub retry: Option<Retry>,
    /// How long one attempt may take, over connector time.
    pub timeout: Option<Duration>,
    /// Whether a failure after its retries becomes a warning and the output null.
    pub warn_on_failure: bool,
    /// What happens when nobody can say whether a write happened.
    pub on_unknown: OnUnknown,
    /// What a second call would do, by the connector's word.
    pub effect: EffectSpec,
}

/// What happens when nobody can say whether a write happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUnknown {
    /// The job waits for a person.
    #[default]
    Attention,
    /// It is called again.
    Retry,
    /// The step fails with the code `unknown_outcome`.
    Fail,
    /// The step counts as done; its output is null.
    AssumeDone,
}

/// How a `stop` step ends the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopStatus {
    /// All is well.
    Succeeded,
    /// It failed.
    Failed,
    /// There was nothing to do.
    Skipped,
}

impl StopStatus {
    /// Returns the word used in recipes and history.
    pub fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}
