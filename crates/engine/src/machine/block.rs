//! Blocks in progress: which step each has reached, and the walk over them.

use std::sync::Arc;

use recipe::{Block, Step, StepKind};
use serde_json::Value;

use super::{
    action::ActionState,
    begin::{Begun, begin},
    call::CallState,
    ending,
    frame::Frame,
    repeat::Repeat,
    rounds::Rounds,
    wait::{Question, Waiting},
    walk::{Flow, Survey, Walk},
};
use crate::journal::{Kind, StepPath};

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
    Call(Box<CallState>),
    Wait(Waiting),
    Question(Box<Question>),
    If(Box<Run>),
    Rounds(Box<Rounds>),
    Repeat(Box<Repeat>),
    Try(Box<Run>),
    Catch(Box<Run>, Arc<Value>, String),
}

impl Run {
    pub(super) fn new(steps: &Block) -> Self {
        Self { steps: steps.clone(), at: 0, current: None }
    }

    /// Returns whether every step is done.
    pub(super) fn is_over(&self) -> bool {
        self.at == self.steps.len()
    }

    /// Goes on as far as it can.
    pub(super) fn advance(&mut self, frame: &mut Frame, walk: &mut Walk) -> Flow {
        let steps = self.steps.clone();
        while let Some(step) = steps.get(self.at) {
            let path = frame.path(step);
            let mut state = match self.current.take() {
                Some(state) => state,
                None => match begin(step, &path, walk, frame) {
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

    /// Gives an entry to the step it is about; `false` when the tree has not reached that path.
    pub(super) fn route(
        &mut self,
        prefix: &str,
        path: &StepPath,
        kind: &Kind,
        walk: &mut Walk,
    ) -> bool {
        let (Some(step), Some(state)) = (self.steps.get(self.at), &mut self.current) else {
            return false;
        };
        match state {
            State::If(run) | State::Try(run) | State::Catch(run, ..) => {
                return run.route(prefix, path, kind, walk);
            }
            State::Rounds(rounds) => return rounds.route(prefix, step, path, kind, walk),
            State::Repeat(repeat) => return repeat.route(path, kind, walk),
            _ if path.0.strip_prefix(prefix) != Some(&*step.name) => return false,
            State::Action(state) => {
                if let StepKind::Action(action) = &step.kind {
                    state.apply(action, path, kind, walk);
                }
            }
            State::Call(state) => return state.apply(path, kind, walk),
            State::Wait(state) => return state.apply(kind, walk),
            State::Question(state) => return state.apply(kind, walk),
        }
        true
    }

    /// Returns the step in progress at `path`.
    pub(super) fn find(&self, prefix: &str, path: &StepPath) -> Option<(&Step, &State)> {
        let (step, state) = (self.steps.get(self.at)?, self.current.as_ref()?);
        match state {
            State::If(run) | State::Try(run) | State::Catch(run, ..) => run.find(prefix, path),
            State::Rounds(rounds) => {
                let (prefix, run) = rounds.round_of(prefix, step, path)?;
                run.find(prefix, path)
            }
            State::Repeat(repeat) => {
                let (prefix, run) = repeat.round()?;
                run.find(prefix, path)
            }
            leaf => (path.0.strip_prefix(prefix) == Some(&*step.name)).then_some((step, leaf)),
        }
    }

    /// Shows every step in progress, in the order of their paths; `None` for one that is about to begin.
    pub(super) fn visit(&self, prefix: &str, see: &mut dyn FnMut(&str, &Step, Option<&State>)) {
        let Some(step) = self.steps.get(self.at) else { return };
        match &self.current {
            Some(State::If(run) | State::Try(run) | State::Catch(run, ..)) => {
                run.visit(prefix, see);
            }
            Some(State::Rounds(rounds)) => {
                let mut any = false;
                for (inner, run) in rounds.in_progress() {
                    any = true;
                    if run.is_over() {
                        see(prefix, step, None);
                    } else {
                        run.visit(inner, see);
                    }
                }
                if !any {
                    see(prefix, step, None);
                }
            }
            Some(State::Repeat(repeat)) => match repeat.round() {
                Some((prefix, run)) if !run.is_over() => run.visit(prefix, see),
                _ => see(prefix, step, None),
            },
            leaf => see(prefix, step, leaf.as_ref()),
        }
    }

    /// Looks at what is in progress.
    pub(super) fn survey(&self, prefix: &str, survey: &mut Survey) {
        self.visit(prefix, &mut |prefix, step, state| {
            let path = || StepPath(format!("{prefix}{}", step.name).into());
            match state {
                Some(State::Action(state)) => {
                    if let StepKind::Action(action) = &step.kind {
                        state.survey(action, path, survey);
                    }
                }
                Some(State::Call(state)) => {
                    if let StepKind::Call(call) = &step.kind {
                        state.survey(call, path, survey);
                    }
                }
                Some(State::Wait(state)) => state.survey(path, survey),
                Some(State::Question(state)) => state.survey(path, survey),
                _ => survey.active = true,
            }
        });
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
                Self::Action(state) => return state.advance(step, path, frame, walk),
                Self::Call(state) => return state.advance(step, path, frame, walk),
                Self::Wait(state) => return state.advance(),
                Self::Question(state) => return state.advance(step, path, frame, walk),
                Self::If(run) => return run.advance(frame, walk),
                Self::Rounds(rounds) => return rounds.advance(step, path, frame, walk),
                Self::Repeat(repeat) => return repeat.advance(step, path, frame, walk),
                Self::Try(run) => match (run.advance(frame, walk), &step.kind) {
                    (Flow::Failed(failures), StepKind::Try { catch, .. }) => {
                        let error = failures.into_error();
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
