//! A checked recipe: it cannot be wrong. This is what the machine runs.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    catalogue::EffectSpec,
    diagnostic::{Source, Span},
    expression::{Expression, Template},
    schema::{Object, Shape},
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
    pub start: Start,
    /// What a caller gets, or a sender that waits for it: names to values, evaluated when the body has ended by itself. Empty when it gives nothing.
    pub output: Vec<(String, Template)>,
    /// The type of what a caller gets; null too when the body may end by a `stop`.
    pub output_shape: Shape,
    /// How jobs of this recipe run.
    pub settings: Settings,
    /// The body.
    pub steps: Block,
    /// What runs once the body has ended, however it ended, except on cancel.
    pub finally: Block,
    /// The text it was read from.
    pub source: Arc<Source>,
}

impl Recipe {
    /// Returns the trigger; `None` for a recipe that only others call.
    pub fn trigger(&self) -> Option<&Trigger> {
        match &self.start {
            Start::Trigger(trigger) => Some(trigger),
            Start::Called { .. } => None,
        }
    }
}

impl Recipe {
    /// Returns what the action of the step with that name gives.
    pub fn action_output(&self, step: &str) -> Option<&Shape> {
        self.all_steps().find(|one| &*one.name == step).and_then(|one| match &one.kind {
            StepKind::Action(action) => Some(&action.output),
            _ => None,
        })
    }

    /// Returns every step, those inside others too, in the order of the text.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        steps_in(&self.steps).chain(steps_in(&self.finally))
    }
}

/// Steps in order.
pub type Block = Arc<[Step]>;

/// Returns every step of a block, those inside others too, in the order of the text.
pub fn steps_in(block: &[Step]) -> impl Iterator<Item = &Step> {
    fn walk<'a>(block: &'a [Step], all: &mut Vec<&'a Step>) {
        for step in block {
            all.push(step);
            for inner in step.kind.blocks() {
                walk(inner, all);
            }
        }
    }
    let mut all = Vec::new();
    walk(block, &mut all);
    all.into_iter()
}

/// What starts a job.
#[derive(Debug)]
pub enum Start {
    /// An event of a connector; expressions see it as `event`.
    Trigger(Box<Trigger>),
    /// A `call` step of another recipe, or a person; expressions see what was given as `input`.
    Called {
        /// What a caller gives.
        input: Arc<Object>,
    },
}

/// Which events start a job, and what is the same.
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
    /// What expressions see as `event`, with what the project declares about it.
    pub event: Shape,
    /// An event for which this is false is recorded and makes no job.
    pub when: Option<Expression>,
    /// The order key, when the recipe sets its own. `None` means the connector's.
    pub key: Option<OrderKey>,
    /// The dedupe key, when the recipe sets its own.
    pub dedupe: Option<Expression>,
    /// How often events that were missed are read back from the vendor; `None` means never.
    pub catch_up: Option<Duration>,
    /// How long the sender waits for the recipe's output; `None` means that it is answered once its event is on disk.
    pub answer_within: Option<Duration>,
    /// Where it stands in the recipe.
    pub span: Span,
}

/// The order key that a recipe sets itself.
#[derive(Debug)]
pub struct OrderKey {
    /// The group of recipes that share the key; `None` means this recipe alone.
    pub group: Option<String>,
    /// The key; null means that the job waits for nobody.
    pub value: Expression,
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
    /// How long its finished jobs are kept; `None` means as long as `retention` in `runner.yaml` says.
    pub keep: Option<Duration>,
    /// Whether every write waits for a person: the recipe runs in the shadow of an older integration.
    pub hold_writes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 16,
            timeout: None,
            retry: None,
            mask: Vec::new(),
            keep: None,
            hold_writes: false,
        }
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
    /// The codes of failures that are tried again (key `on`); `None` means every transient one.
    pub on: Option<Vec<String>>,
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
        /// The name of the item inside the block; with `batch`, of a list of items.
        variable: String,
        /// What runs for each item, or for each batch.
        steps: Block,
        /// How many items one round gets at most, as a list; `None` means one item, not in a list.
        batch: Option<u32>,
        /// How many rounds may be in progress at the same time.
        at_once: u32,
        /// What each round gives; those that are not null become `steps.ID.results`, in the order of the items.
        collect: Option<Expression>,
    },
    /// Runs a block, and again as long as a condition holds after it.
    RepeatWhile {
        /// Evaluated after each round, with what the round sees.
        condition: Expression,
        /// What runs in each round.
        steps: Block,
        /// The greatest number of rounds; one more fails with `too_many_rounds`.
        max: u32,
    },
    /// Runs another recipe as a job of its own.
    Call(CallStep),
    /// Waits for a moment, without a slot.
    Wait(Wait),
    /// Waits for a person's answer.
    WaitFor(WaitFor),
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

impl StepKind {
    /// Returns the blocks inside, in the order of the text.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        let (one, two) = match self {
            Self::If { then: one, otherwise: two, .. } | Self::Try { steps: one, catch: two } => {
                (Some(one), Some(two))
            }
            Self::ForEach { steps, .. } | Self::RepeatWhile { steps, .. } => (Some(steps), None),
            Self::Action(_)
            | Self::Set(_)
            | Self::Stop { .. }
            | Self::Call(_)
            | Self::Wait(_)
            | Self::WaitFor(_) => (None, None),
        };
        one.into_iter().chain(two)
    }

    /// Returns what it does in a word: the action it calls, or its leading key.
    pub fn does(&self) -> String {
        match self {
            Self::Action(action) => format!("{}.{}", action.connector, action.action),
            other => other.word().into(),
        }
    }

    /// Returns the leading key.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Action(_) => "action",
            Self::If { .. } => "if",
            Self::ForEach { .. } => "for_each",
            Self::RepeatWhile { .. } => "repeat_while",
            Self::Try { .. } => "try",
            Self::Set(_) => "set",
            Self::Call(_) => "call",
            Self::Wait(_) => "wait",
            Self::WaitFor(_) => "wait_for",
            Self::Stop { .. } => "stop",
        }
    }
}

/// A call of another recipe.
#[derive(Debug)]
pub struct CallStep {
    /// The recipe's name.
    pub recipe: String,
    /// What it is given, by name; what is null is left out.
    pub with: BTreeMap<String, Template>,
    /// Whether the step is over as soon as the job exists; its output is then `{ job: ID }`.
    pub background: bool,
}

/// What a `wait` waits for.
#[derive(Debug)]
pub enum Wait {
    /// So long, from when the step begins.
    For(Duration),
    /// A moment, or a duration as text, evaluated when the step begins. A moment that has passed is no wait.
    Until(Template),
}

/// A question to a person; the step's id is its name.
#[derive(Debug)]
pub struct WaitFor {
    /// What an answer holds; the step's output.
    pub answer: Arc<Object>,
    /// The question, for people.
    pub ask: Option<Template>,
    /// How long an answer is waited for.
    pub timeout: Option<Duration>,
    /// The output when nobody answered in time; without it the step fails with `no_answer`.
    pub default: Option<serde_json::Value>,
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
    /// What it gives, with what the project declares about it.
    pub output: Shape,
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
