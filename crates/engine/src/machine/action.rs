//! One action in progress: attempts, waits, unknown outcomes, and how it ended.

use std::sync::Arc;

use connector::{Failure, FailureKind, Warning};
use jiff::Timestamp;
use recipe::{ActionStep, EffectSpec, OnUnknown, Step, StepKind, Template};
use serde_json::Value;

use super::{
    Attention, CIRCUIT_OPEN, Due, NO_PERMIT, NOT_SENT, What,
    begin::failure_of,
    ending,
    frame::Frame,
    walk::{Flow, Survey, Walk},
};
use crate::{
    journal::{Choice, JobError, Kind, StepPath, Verdict},
    retry,
};

/// An action in progress.
#[derive(Debug, Default)]
pub(super) struct ActionState {
    /// Attempts begun.
    attempts: u32,
    pub(super) first_at: Option<Timestamp>,
    /// Evaluated once; every attempt sends the same.
    input: Option<Arc<Value>>,
    stage: Stage,
    last: Option<Failure>,
    /// The once key it has claimed.
    pub(super) once: Option<String>,
    output: Arc<Value>,
    warnings: Vec<Warning>,
    /// A person let a held write go.
    released: bool,
    /// How it ended follows from a decision about an unknown outcome.
    settled: bool,
}

#[derive(Debug, Default, Clone, PartialEq)]
enum Stage {
    /// May be called now.
    #[default]
    Ready,
    /// A call is open.
    Open,
    /// Is called again then.
    Waiting(Timestamp),
    /// Nobody knows whether the write happened; it is looked up then.
    Unsettled(Timestamp),
    /// Is looked up now.
    LookUpDue,
    /// Only a person can say whether the write happened.
    Attention(String),
    /// It is a write, and a person says whether it is to be sent.
    Held,
    Done,
    Failed,
}

impl ActionState {
    /// Takes an entry about this step into account.
    pub(super) fn apply(&mut self, action: &ActionStep, path: &StepPath, kind: &Kind, walk: &Walk) {
        let at = walk.scope.now;
        let coming = |then: Timestamp, wait: fn(Timestamp) -> Stage, now: Stage| {
            if then <= at { now } else { wait(then) }
        };
        let held = self.stage == Stage::Held;
        self.stage = match kind {
            Kind::Chose { choice: Choice::Held { input } } => {
                self.input = Some(input.clone());
                Stage::Held
            }
            Kind::Started { attempt, input, once } => {
                if once.is_some() {
                    self.once.clone_from(once);
                }
                self.attempts = *attempt;
                self.first_at.get_or_insert(at);
                self.input = Some(input.clone());
                Stage::Open
            }
            Kind::Succeeded { output, warnings, .. } => {
                self.output = output.clone();
                self.warnings.clone_from(warnings);
                Stage::Done
            }
            Kind::Failed { failure, retry_at, looking_up: false } => {
                self.last = Some(failure.clone());
                if [NO_PERMIT, CIRCUIT_OPEN, NOT_SENT].contains(&&*failure.code) {
                    self.attempts = self.attempts.saturating_sub(1);
                }
                match (failure.kind, retry_at) {
                    (FailureKind::Unknown, Some(then)) => {
                        coming(*then, Stage::Unsettled, Stage::LookUpDue)
                    }
                    (FailureKind::Unknown, None) => {
                        self.unknown(action, path, "it cannot be looked up", walk)
                    }
                    (_, Some(then)) => coming(*then, Stage::Waiting, Stage::Ready),
                    (_, None) => self.failed(action),
                }
            }
            Kind::Failed { failure, retry_at, looking_up: true } => match retry_at {
                Some(then) => coming(*then, Stage::Unsettled, Stage::LookUpDue),
                None => self.unknown(action, path, &failure.message, walk),
            },
            Kind::Fired => match self.stage {
                Stage::Waiting(_) => Stage::Ready,
                // A person's plain retry looks up first.
                Stage::Unsettled(_) | Stage::Attention(_) => Stage::LookUpDue,
                _ => return,
            },
            Kind::Resolved { verdict, .. } if held => match verdict {
                Verdict::Happened { output } => {
                    self.output = output.clone();
                    Stage::Done
                }
                Verdict::NotHappened { retry_at } => {
                    self.released = true;
                    coming(retry_at.unwrap_or(at), Stage::Waiting, Stage::Ready)
                }
                Verdict::GivenUp => {
                    let message = format!("a person did not want `{}` to be sent", name(action));
                    self.last = Some(Failure::permanent("not_wanted", message));
                    self.failed(action)
                }
                Verdict::Inconclusive { .. } => return,
            },
            Kind::Resolved { verdict, .. } => match verdict {
                Verdict::Happened { output } => {
                    self.output = output.clone();
                    Stage::Done
                }
                Verdict::NotHappened { retry_at: Some(then) } => {
                    coming(*then, Stage::Waiting, Stage::Ready)
                }
                Verdict::NotHappened { retry_at: None } => self.failed(action),
                Verdict::Inconclusive { why } => self.unknown(action, path, why, walk),
                Verdict::GivenUp => self.unknown_outcome(action, "a person gave up on it"),
            },
            _ => return,
        };
        let says_so = match kind {
            Kind::Succeeded { .. } | Kind::Resolved { verdict: Verdict::Happened { .. }, .. } => {
                true
            }
            Kind::Failed { failure, looking_up, .. } => {
                !looking_up && failure.kind != FailureKind::Unknown
            }
            _ => false,
        };
        self.settled = !says_so && matches!(self.stage, Stage::Done | Stage::Failed);
    }

    /// Goes on as far as it can.
    pub(super) fn advance(
        &mut self,
        step: &Step,
        path: &StepPath,
        frame: &mut Frame,
        walk: &mut Walk,
    ) -> Flow {
        let StepKind::Action(action) = &step.kind else { return Flow::Pending };
        match &self.stage {
            Stage::Done | Stage::Failed => return self.end(step, action, path, frame, walk),
            Stage::Ready | Stage::LookUpDue if walk.evaluate => {}
            _ => return Flow::Pending,
        }
        let input = match self.input.clone().map_or_else(|| inputs(action, frame, walk), Ok) {
            Ok(input) => input,
            Err(failure) => {
                let kind = Kind::Failed { failure, retry_at: None, looking_up: false };
                walk.make(path, kind.clone());
                self.apply(action, path, &kind, walk);
                return self.advance(step, path, frame, walk);
            }
        };
        self.input = Some(input.clone());
        let looks_up = self.stage == Stage::LookUpDue;
        if walk.holds && !looks_up && !self.released && action.effect != EffectSpec::Read {
            let kind = Kind::Chose { choice: Choice::Held { input } };
            walk.make(path, kind.clone());
            self.apply(action, path, &kind, walk);
            return Flow::Pending;
        }
        walk.due.push(Due {
            path: path.clone(),
            connector: action.connector.clone(),
            action: action.action.clone(),
            connection: action.connection.clone(),
            attempt: if looks_up { self.attempts } else { self.attempts + 1 },
            input,
            what: if looks_up { What::LookUp } else { What::Call },
            timeout: action.timeout,
            cause: frame.cause(&walk.scope),
        });
        Flow::Pending
    }

    fn end(
        &self,
        step: &Step,
        action: &ActionStep,
        path: &StepPath,
        frame: &mut Frame,
        walk: &mut Walk,
    ) -> Flow {
        let done = self.stage == Stage::Done;
        if self.settled {
            let warnings = self.warnings.clone();
            let kind = match &self.last {
                Some(failure) if !done => {
                    Kind::Failed { failure: failure.clone(), retry_at: None, looking_up: false }
                }
                _ => Kind::Succeeded { output: self.output.clone(), recovered: true, warnings },
            };
            walk.settled.push((path.clone(), kind));
        }
        if !done {
            return walk.fails(self.error(action, path));
        }
        walk.warn(path, &self.warnings, frame);
        frame.bind(step, self.output.clone());
        Flow::Done
    }

    /// Returns what an action that is done warns of.
    pub(super) fn leftover(&self) -> &[Warning] {
        if self.stage == Stage::Done { &self.warnings } else { &[] }
    }

    /// Returns the code of the last failure.
    pub(super) fn last_code(&self) -> Option<&str> {
        self.last.as_ref().map(|last| last.code.as_str())
    }

    /// Returns when it is tried again after failing now; `code` is that of the failure, if its policy may look at it.
    pub(super) fn next_attempt(
        &self,
        action: &ActionStep,
        path: &StepPath,
        at: Timestamp,
        (code, after): (Option<&str>, Option<std::time::Duration>),
        walk: &Walk,
    ) -> Option<Timestamp> {
        let policy = action.retry.as_ref().or(walk.retry.as_ref());
        if let Some(only) = policy.and_then(|policy| policy.on.as_ref())
            && code.is_some_and(|code| !only.iter().any(|one| one == code))
        {
            return None;
        }
        let attempt = retry::Attempt {
            seed: walk.seed,
            path,
            number: self.attempts.max(1),
            first_at: self.first_at.unwrap_or(at),
            at,
            after,
        };
        retry::next(policy, attempt)
    }

    /// Returns the call if it was begun and has no end.
    pub(super) fn open_call(
        &self,
        action: &ActionStep,
        path: impl FnOnce() -> StepPath,
    ) -> Option<Due> {
        (self.stage == Stage::Open).then(|| Due {
            path: path(),
            connector: action.connector.clone(),
            action: action.action.clone(),
            connection: action.connection.clone(),
            attempt: self.attempts,
            input: self.input.clone().unwrap_or_default(),
            what: What::Call,
            timeout: action.timeout,
            cause: String::new(),
        })
    }

    /// Looks at what is in progress.
    pub(super) fn survey(
        &self,
        action: &ActionStep,
        path: impl FnOnce() -> StepPath,
        survey: &mut Survey,
    ) {
        match &self.stage {
            Stage::Ready | Stage::LookUpDue | Stage::Done | Stage::Failed => survey.active = true,
            Stage::Open => {
                survey.active = true;
                survey.open = true;
            }
            Stage::Waiting(then) | Stage::Unsettled(then) => {
                let path = path();
                survey.say(|| {
                    let last = self.last.as_ref().map(|last| last.message.as_str());
                    let last = last.unwrap_or("a person had it sent");
                    if matches!(self.stage, Stage::Unsettled(_)) {
                        return format!(
                            "`{path}` is looked up, as nobody knows whether it happened: {last}"
                        );
                    }
                    format!("`{path}` is tried again: {last}")
                });
                survey.timer(*then, path);
            }
            Stage::Attention(why) => {
                survey.attention.push(Attention { path: path(), why: why.clone() });
            }
            Stage::Held => {
                let why = format!(
                    "`{}` is held. `jobs show --requests` shows what would be sent; `jobs resolve` has it sent with \
                     `--not-happened`, counts it as done with `--happened`, and does not want it with `--give-up`",
                    name(action)
                );
                survey.attention.push(Attention { path: path(), why });
            }
        }
    }

    /// Ends in failure, or with a warning when the step says so.
    fn failed(&mut self, action: &ActionStep) -> Stage {
        if !action.warn_on_failure {
            return Stage::Failed;
        }
        let (code, message) = match &self.last {
            Some(last) => (
                last.code.clone(),
                ending::sentences([&*last.message, last.hint.as_deref().unwrap_or_default()]),
            ),
            None => ("failed".into(), format!("{} failed.", name(action))),
        };
        self.output = Arc::default();
        self.warnings = vec![Warning { code, message }];
        Stage::Done
    }

    /// Decides what an outcome that nobody can know means, by the step's `on_unknown`.
    fn unknown(&mut self, action: &ActionStep, path: &StepPath, why: &str, walk: &Walk) -> Stage {
        let name = name(action);
        let last = self.last.as_ref().map(|last| last.message.clone()).unwrap_or_default();
        match action.on_unknown {
            OnUnknown::Attention => Stage::Attention(format!(
                "nobody can say whether `{name}` happened: {last}; {why}. Look there, then settle it with `jobs resolve`"
            )),
            OnUnknown::Fail => self.unknown_outcome(action, why),
            OnUnknown::AssumeDone => {
                let message = format!(
                    "Nobody can say whether {name} happened ({last}); the recipe assumes that it did."
                );
                self.output = Arc::default();
                self.warnings = vec![Warning { code: "unknown_outcome".into(), message }];
                Stage::Done
            }
            OnUnknown::Retry => {
                match self.next_attempt(action, path, walk.scope.now, (None, None), walk) {
                    Some(then) => Stage::Waiting(then),
                    None => self.failed(action),
                }
            }
        }
    }

    fn unknown_outcome(&mut self, action: &ActionStep, why: &str) -> Stage {
        let last = self.last.as_ref().map(|last| last.message.clone()).unwrap_or_default();
        let name = name(action);
        let message = format!("nobody can say whether `{name}` happened: {last}; {why}");
        let hint = "Look whether it is there before it is done again.";
        self.last = Some(Failure::permanent("unknown_outcome", message).hint(hint));
        self.failed(action)
    }

    fn error(&self, action: &ActionStep, path: &StepPath) -> JobError {
        let last = self.last.as_ref();
        JobError {
            code: last.map_or_else(|| "failed".into(), |last| last.code.clone()),
            message: last.map_or_else(|| "it failed".into(), |last| last.message.clone()),
            hint: last.and_then(|last| last.hint.clone()).unwrap_or_default(),
            step: path.clone(),
            action: Some(name(action)),
            attempts: self.attempts.max(1),
            others: Vec::new(),
            exchange: last.and_then(|last| last.exchange.clone()),
        }
    }
}

fn name(action: &ActionStep) -> String {
    format!("{}.{}", action.connector, action.action)
}

/// Evaluates the inputs. What is null is not sent, unless the recipe says `clear`.
fn inputs(action: &ActionStep, frame: &Frame, walk: &Walk) -> Result<Arc<Value>, Failure> {
    let scope = frame.scope(&walk.scope);
    let mut inputs = serde_json::Map::new();
    for (name, template) in &action.with {
        let value = template.evaluate(&scope).map_err(failure_of)?;
        if !value.is_null() || matches!(template, Template::Clear) {
            inputs.insert(name.clone(), value);
        }
    }
    Ok(Arc::new(Value::Object(inputs)))
}
