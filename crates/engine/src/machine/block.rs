//! Blocks in progress: which step each has reached, rounds within rounds, and the walk over them.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use recipe::{ActionStep, Block, Retry, Scope, Step, StepKind};
use serde_json::{Value, json};

use super::{
    Attention, Due,
    action::ActionState,
    begin::{Begun, begin},
    ending,
    frame::Frame,
};
use crate::journal::{Choice, JobError, Kind, StepPath, StepWarning};

/// A block being run.
#[derive(Debug)]
pub(super) struct Run {
    steps: Block,
    at: usize,
    current: Option<State>,
}

/// The step that a block has reached.
#[derive(Debug)]
pub(super) enum State {
    Action(Box<ActionState>),
    If(Box<Run>),
    Loop(Box<Rounds>),
    Try(Box<Run>),
    Catch(Box<Run>, Arc<Value>, String),
}

/// A loop in progress.
#[derive(Debug)]
pub(super) struct Rounds {
    items: Arc<Vec<Arc<Value>>>,
    next: usize,
    round: Option<(Run, Frame, usize)>,
}

/// How far a block got.
#[derive(Debug)]
pub(super) enum Flow {
    /// It waits for the outside world (or, without evaluation, for the next entry).
    Pending,
    Done,
    Failed(Box<JobError>),
    Stopped(Choice),
}

/// What a walk carries with it.
pub(super) struct Walk {
    /// What expressions see, but for what each frame adds.
    pub(super) scope: Scope,
    /// Entries at paths that the tree has not reached yet.
    pub(super) memo: HashMap<StepPath, Kind>,
    pub(super) warnings: Vec<StepWarning>,
    /// What was decided on this walk.
    pub(super) made: Vec<(StepPath, Kind)>,
    pub(super) due: Vec<Due>,
    /// Whether expressions may be evaluated; otherwise only the memo decides.
    pub(super) evaluate: bool,
    pub(super) seed: u64,
    pub(super) retry: Option<Retry>,
}

/// What is in progress, seen from outside.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Something is due or open.
    pub(super) active: bool,
    /// A call is open.
    pub(super) open: bool,
    pub(super) wake_at: Option<Timestamp>,
    pub(super) timers: Vec<(Timestamp, StepPath)>,
    pub(super) attention: Vec<Attention>,
    /// What is going on, in a line.
    pub(super) note: String,
}

impl Survey {
    pub(super) fn timer(&mut self, at: Timestamp, path: StepPath) {
        self.wake_at = Some(self.wake_at.map_or(at, |wake| wake.min(at)));
        self.timers.push((at, path));
    }
}

impl Run {
    pub(super) fn new(steps: &Block) -> Self {
        Self { steps: steps.clone(), at: 0, current: None }
    }

    /// Goes on as far as it can.
    pub(super) fn advance(&mut self, frame: &mut Frame, walk: &mut Walk) -> Flow {
        let steps = self.steps.clone();
        while let Some(step) = steps.get(self.at) {
            let path = frame.path(step);
            let mut state = match self.current.take() {
                Some(state) => state,
                None => match begin(step, &path, frame, walk) {
                    Begun::Waits => return Flow::Pending,
                    Begun::Over => {
                        self.at += 1;
                        continue;
                    }
                    Begun::As(state) => state,
                    Begun::Ends(flow) => return flow,
                },
            };
            match state.advance(step, &path, frame, walk) {
                Flow::Done => self.at += 1,
                flow => {
                    self.current = Some(state);
                    return flow;
                }
            }
        }
        Flow::Done
    }

    /// Gives an entry to the action it is about; `false` when the tree has not reached that path.
    pub(super) fn route(
        &mut self,
        prefix: &str,
        path: &StepPath,
        kind: &Kind,
        walk: &Walk,
    ) -> bool {
        let (Some(step), Some(state)) = (self.steps.get(self.at), &mut self.current) else {
            return false;
        };
        match state {
            State::Action(state) => {
                let StepKind::Action(action) = &step.kind else { return false };
                let here = path.0.strip_prefix(prefix) == Some(&*step.name);
                if here {
                    state.apply(action, path, kind, walk);
                }
                here
            }
            State::If(run) | State::Try(run) | State::Catch(run, ..) => {
                run.route(prefix, path, kind, walk)
            }
            State::Loop(rounds) => match &mut rounds.round {
                Some((run, frame, _)) => run.route(&frame.prefix, path, kind, walk),
                None => false,
            },
        }
    }

    /// Returns the action in progress at `path`.
    pub(super) fn leaf(
        &self,
        prefix: &str,
        path: &StepPath,
    ) -> Option<(&ActionStep, &ActionState)> {
        let (step, state) = (self.steps.get(self.at)?, self.current.as_ref()?);
        match (state, &step.kind) {
            (State::Action(state), StepKind::Action(action)) => {
                (path.0.strip_prefix(prefix) == Some(&*step.name)).then_some((action, &**state))
            }
            (State::If(run) | State::Try(run) | State::Catch(run, ..), _) => run.leaf(prefix, path),
            (State::Loop(rounds), _) => {
                let (run, frame, _) = rounds.round.as_ref()?;
                run.leaf(&frame.prefix, path)
            }
            (State::Action(_), _) => None,
        }
    }

    /// Collects calls that were begun and have no end.
    pub(super) fn open_calls(&self, prefix: &str, open: &mut Vec<Due>) {
        let (Some(step), Some(state)) = (self.steps.get(self.at), &self.current) else { return };
        match (state, &step.kind) {
            (State::Action(state), StepKind::Action(action)) => {
                open.extend(
                    state.open_call(action, StepPath(format!("{prefix}{}", step.name).into())),
                );
            }
            (State::If(run) | State::Try(run) | State::Catch(run, ..), _) => {
                run.open_calls(prefix, open);
            }
            (State::Loop(rounds), _) => {
                if let Some((run, frame, _)) = &rounds.round {
                    run.open_calls(&frame.prefix, open);
                }
            }
            (State::Action(_), _) => {}
        }
    }

    /// Looks at what is in progress.
    pub(super) fn survey(&self, prefix: &str, survey: &mut Survey) {
        let Some(step) = self.steps.get(self.at) else { return };
        match &self.current {
            None => survey.active = true,
            Some(State::Action(state)) => {
                state.survey(StepPath(format!("{prefix}{}", step.name).into()), survey);
            }
            Some(State::If(run) | State::Try(run) | State::Catch(run, ..)) => {
                run.survey(prefix, survey);
            }
            Some(State::Loop(rounds)) => match &rounds.round {
                Some((run, frame, _)) => run.survey(&frame.prefix, survey),
                None => survey.active = true,
            },
        }
    }
}

impl State {
    fn advance(
        &mut self,
        step: &Step,
        path: &StepPath,
        frame: &mut Frame,
        walk: &mut Walk,
    ) -> Flow {
        loop {
            match self {
                Self::Action(state) => {
                    let StepKind::Action(action) = &step.kind else { return Flow::Pending };
                    let flow = state.advance(action, path, frame, walk);
                    if let Flow::Done = flow {
                        let (output, warnings) = state.result();
                        walk.warnings.extend(step_warnings(path, warnings));
                        frame.bind(step, output.clone());
                    }
                    return flow;
                }
                Self::If(run) => return run.advance(frame, walk),
                Self::Loop(rounds) => return rounds.advance(step, path, frame, walk),
                Self::Try(run) => match (run.advance(frame, walk), &step.kind) {
                    (Flow::Failed(error), StepKind::Try { catch, .. }) => {
                        let cause = format!("{}@{}", error.code, error.step);
                        *self = Self::Catch(
                            Box::new(Run::new(catch)),
                            Arc::new(ending::error_value(&error)),
                            cause,
                        );
                    }
                    (flow, _) => return flow,
                },
                Self::Catch(run, error, cause) => {
                    let outer = frame.catch(error, cause);
                    let flow = run.advance(frame, walk);
                    frame.leave(outer);
                    return flow;
                }
            }
        }
    }
}

impl Rounds {
    pub(super) fn new(items: Arc<Vec<Arc<Value>>>) -> Self {
        Self { items, next: 0, round: None }
    }

    fn advance(
        &mut self,
        step: &Step,
        path: &StepPath,
        frame: &mut Frame,
        walk: &mut Walk,
    ) -> Flow {
        let StepKind::ForEach { variable, steps, .. } = &step.kind else { return Flow::Pending };
        while let Some(item) = self.items.get(self.next) {
            let index = self.next;
            let (run, inner, warned) = self.round.get_or_insert_with(|| {
                let frame = frame.round(path, index, variable, item);
                (Run::new(steps), frame, walk.warnings.len())
            });
            match run.advance(inner, walk) {
                Flow::Done => {}
                flow => return flow,
            }
            let over = StepPath(format!("{path}[{index}]").into());
            if walk.memo.remove(&over).is_none() {
                if !walk.evaluate {
                    return Flow::Pending;
                }
                let warning = |one: &StepWarning| connector::Warning {
                    code: one.code.clone(),
                    message: one.message.clone(),
                };
                let warnings = walk.warnings[*warned..].iter().map(warning).collect();
                let output = Arc::new(Value::Null);
                walk.made.push((over, Kind::Succeeded { output, recovered: false, warnings }));
            }
            self.round = None;
            self.next += 1;
        }
        frame.bind(step, Arc::new(json!({ "results": [] })));
        Flow::Done
    }
}

/// Returns warnings of a step as the job shows them.
fn step_warnings(path: &StepPath, warnings: &[connector::Warning]) -> Vec<StepWarning> {
    let with_step = |warning: &connector::Warning| StepWarning {
        step: path.clone(),
        code: warning.code.clone(),
        message: warning.message.clone(),
    };
    warnings.iter().map(with_step).collect()
}
