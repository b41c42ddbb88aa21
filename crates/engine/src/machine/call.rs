//! One call of another recipe in progress: the job it began, and how that one ended.

use std::sync::Arc;

use connector::Failure;
use recipe::{CallStep, Step, StepKind};
use serde_json::Value;

use super::{
    Child, ChildStage,
    begin::failure_of,
    ending,
    frame::Frame,
    walk::{Flow, Survey, Walk},
};
use crate::journal::{JobError, Kind, StepPath};

/// A call of another recipe in progress.
#[derive(Debug, Default)]
pub(super) struct CallState {
    /// Which attempt was begun last; 0 before the first since the job began or was reopened.
    attempt: u32,
    input: Arc<Value>,
    /// Whether the input is known.
    ready: bool,
    stage: Stage,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Due,
    Begun(ChildStage),
    Done(Arc<Value>),
    Failed(Failure),
}

impl CallState {
    /// Takes an entry about this step into account; `false` when it is none of a call.
    pub(super) fn apply(&mut self, path: &StepPath, kind: &Kind, walk: &mut Walk) -> bool {
        match kind {
            Kind::Started { attempt, input, .. } => {
                self.attempt = *attempt;
                (self.input, self.ready) = (input.clone(), true);
                walk.calls.insert(path.clone(), *attempt);
                self.stage = Stage::Begun(ChildStage::Begun);
            }
            Kind::Child { job } => self.stage = Stage::Begun(ChildStage::Running(*job)),
            Kind::Succeeded { output, .. } => self.stage = Stage::Done(output.clone()),
            Kind::Failed { failure, .. } => self.stage = Stage::Failed(failure.clone()),
            // A person's plain retry: the job is waited for all the same.
            Kind::Fired => {}
            _ => return false,
        }
        true
    }

    pub(super) fn advance(
        &mut self,
        step: &Step,
        path: &StepPath,
        frame: &mut Frame,
        walk: &mut Walk,
    ) -> Flow {
        let StepKind::Call(call) = &step.kind else { return Flow::Pending };
        match &self.stage {
            Stage::Done(output) => {
                frame.bind(step, output.clone());
                return Flow::Done;
            }
            Stage::Failed(failure) => {
                let error = ending::error_of(failure, path);
                return walk.fails(JobError { attempts: self.attempt.max(1), ..error });
            }
            Stage::Due if walk.evaluate => {}
            _ => return Flow::Pending,
        }
        if !self.ready {
            match inputs(call, frame, walk) {
                Ok(input) => (self.input, self.ready) = (input, true),
                Err(failure) => {
                    let kind = Kind::Failed { failure, retry_at: None, looking_up: false };
                    walk.make(path, kind.clone());
                    self.apply(path, &kind, walk);
                    return self.advance(step, path, frame, walk);
                }
            }
        }
        let attempt = walk.calls.get(path).copied().unwrap_or(0) + 1;
        let child = self.child(call, path.clone(), ChildStage::Due);
        walk.children.push(Child { attempt, ..child });
        Flow::Pending
    }

    pub(super) fn survey(
        &self,
        call: &CallStep,
        path: impl FnOnce() -> StepPath,
        survey: &mut Survey,
    ) {
        let Stage::Begun(stage) = &self.stage else {
            survey.active = true;
            return;
        };
        let path = path();
        if let ChildStage::Running(job) = stage {
            survey.waits = true;
            survey.say(|| format!("`{path}` waits for job {job} of `{}`", call.recipe));
        } else {
            survey.active = true;
            survey.open = true;
        }
        survey.children.push(self.child(call, path, *stage));
    }

    fn child(&self, call: &CallStep, path: StepPath, stage: ChildStage) -> Child {
        Child {
            path,
            recipe: call.recipe.clone(),
            background: call.background,
            input: self.input.clone(),
            attempt: self.attempt,
            stage,
        }
    }
}

/// Evaluates what the recipe is given; what is null is left out.
fn inputs(call: &CallStep, frame: &Frame, walk: &Walk) -> Result<Arc<Value>, Failure> {
    let scope = frame.scope(&walk.scope);
    let mut inputs = serde_json::Map::new();
    for (name, template) in &call.with {
        let value = template.evaluate(&scope).map_err(failure_of)?;
        if !value.is_null() {
            inputs.insert(name.clone(), value);
        }
    }
    Ok(Arc::new(Value::Object(inputs)))
}
