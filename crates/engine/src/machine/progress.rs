//! How a job goes on: the body, what ends it, `finally`, and the entries the machine makes on the way.

use std::sync::Arc;

use connector::{Failure, Warning};
use serde_json::Value;

use super::{
    Ending, Machine, Phase,
    begin::failure_of,
    block::State,
    ending,
    walk::{Flow, Walk},
};
use crate::journal::{Entry, Kind, Outcome, StepPath};

/// Where it is journaled what a called recipe gives.
const OUTPUT: &str = "output";

impl Machine {
    /// Returns whether nothing new may begin.
    pub(crate) fn ending_now(&self) -> bool {
        match self.phase {
            Phase::Body => self.ending.is_some(),
            _ => matches!(self.ending, Some(Ending::Cancelled(_))),
        }
    }

    /// Walks as far as it goes: with `evaluate` everything, without it only what the memo already decides.
    pub(super) fn proceed(&mut self, evaluate: bool) {
        loop {
            self.walk.evaluate = evaluate;
            self.walk.due.clear();
            self.walk.children.clear();
            self.walk.again = false;
            match &self.phase {
                Phase::Finally(_) | Phase::FinallyFailed(..)
                    if let Some(Ending::Cancelled(by)) = &self.ending =>
                {
                    if !self.survey().open {
                        let by = by.clone();
                        self.finally_leaves();
                        self.phase = Phase::Over(ending::cancelled(&by, &self.walk.warnings));
                    }
                    return;
                }
                Phase::Queued | Phase::Over(_) | Phase::FinallyFailed(..) => return,
                Phase::Body => {
                    if !self.body() {
                        return;
                    }
                }
                Phase::Finally(outcome) => {
                    let outcome = outcome.clone();
                    let flow = self.finally.advance(&mut self.frame, &mut self.walk);
                    self.take_in_made();
                    match flow {
                        Flow::Pending if self.walk.again => continue,
                        Flow::Pending => {}
                        Flow::Failed(failures) => {
                            let error = Box::new(failures.into_error());
                            self.phase = Phase::FinallyFailed(outcome, error);
                        }
                        // The checker refuses `stop` in `finally`.
                        Flow::Done | Flow::Stopped(_) => {
                            let warnings = self.walk.warnings.clone();
                            self.phase = Phase::Over(Outcome { warnings, ..outcome });
                        }
                    }
                    return;
                }
            }
        }
    }

    /// Goes on with the body; `false` when nothing more can be done now.
    fn body(&mut self) -> bool {
        if let Some(ending) = self.ending.clone() {
            if self.survey().open {
                // Nothing new starts; what is open may end.
                return false;
            }
            self.body_leaves();
            match ending {
                Ending::Cancelled(by) => {
                    self.phase = Phase::Over(ending::cancelled(&by, &self.walk.warnings));
                }
                Ending::TimedOut => self.body_is_over(None, None),
                Ending::Stopped(choice) => self.body_is_over(Some(Flow::Stopped(choice)), None),
            }
            return true;
        }
        let flow = self.body.advance(&mut self.frame, &mut self.walk);
        match flow {
            Flow::Pending => {
                self.take_in_made();
                return self.walk.again;
            }
            Flow::Stopped(choice) => {
                self.take_in_made();
                self.ending = Some(Ending::Stopped(choice));
            }
            Flow::Failed(_) => {
                self.take_in_made();
                self.body_is_over(Some(flow), None);
            }
            Flow::Done => {
                let output = self.output();
                self.take_in_made();
                match output {
                    None => return false,
                    Some(Ok(output)) => self.body_is_over(Some(Flow::Done), output),
                    Some(Err(failure)) => {
                        let error = ending::error_of(&failure, &StepPath(OUTPUT.into()));
                        self.body_is_over(Some(self.walk.fails(error)), None);
                    }
                }
            }
        }
        true
    }

    fn body_is_over(&mut self, flow: Option<Flow>, output: Option<Arc<Value>>) {
        let timeout = self.recipe.settings.timeout;
        let outcome = ending::outcome(flow, timeout, &self.walk.warnings);
        let outcome = Outcome { output, ..outcome };
        self.walk.scope.outcome = Some(Arc::new(ending::outcome_value(&outcome)));
        self.phase = Phase::Finally(outcome);
    }

    /// Returns what a called recipe gives now that its body has ended by itself; `None` when it is not decided yet.
    fn output(&mut self) -> Option<Result<Option<Arc<Value>>, Failure>> {
        if self.recipe.output.is_empty() {
            return Some(Ok(None));
        }
        let path = StepPath(OUTPUT.into());
        let kind = match self.walk.memo.remove(&path) {
            Some(kind) => kind,
            None if !self.walk.evaluate => return None,
            None => {
                let scope = self.frame.scope(&self.walk.scope);
                let each = self.recipe.output.iter().map(|(name, template)| {
                    template.evaluate(&scope).map(|value| (name.clone(), value))
                });
                let kind = match each.collect::<Result<serde_json::Map<_, _>, _>>() {
                    Ok(output) => Kind::Succeeded {
                        output: Arc::new(Value::Object(output)),
                        recovered: false,
                        warnings: Vec::new(),
                    },
                    Err(error) => Kind::Failed {
                        failure: failure_of(error),
                        retry_at: None,
                        looking_up: false,
                    },
                };
                self.walk.make(&path, kind.clone());
                kind
            }
        };
        match kind {
            Kind::Succeeded { output, .. } => Some(Ok(Some(output))),
            Kind::Failed { failure, .. } => Some(Err(failure)),
            other => {
                self.walk.memo.insert(path, other);
                None
            }
        }
    }

    /// Returns whether an entry at this path tells what a called recipe gives.
    pub(super) fn is_output(&self, path: &StepPath) -> bool {
        &*path.0 == OUTPUT && !self.recipe.output.is_empty() && self.body.is_over()
    }

    /// Numbers the entries that the walk made; they happen at the moment of the last entry.
    fn take_in_made(&mut self) {
        let made = std::mem::take(&mut self.walk.made);
        let any = !made.is_empty();
        for (path, kind) in made {
            let entry = self.entry(&path, self.walk.scope.now, kind);
            self.seq = entry.seq;
            self.walk.seq = entry.seq;
            self.keep(&entry);
            self.made.push(entry);
        }
        for (path, kind) in std::mem::take(&mut self.walk.settled) {
            self.kept.push(Entry { seq: self.seq, path, at: self.walk.scope.now, kind });
        }
        if any {
            self.count_time();
        }
    }

    /// Shows the warnings of calls that ended after nothing more was to begin.
    fn body_leaves(&mut self) {
        let (body, walk) = (&self.body, &mut self.walk);
        leftovers(&self.frame.prefix, body, walk);
    }

    fn finally_leaves(&mut self) {
        let (finally, walk) = (&self.finally, &mut self.walk);
        leftovers(&self.frame.prefix, finally, walk);
    }
}

fn leftovers(prefix: &str, run: &super::block::Run, walk: &mut Walk) {
    run.visit(prefix, &mut |prefix, step, state| {
        let Some(State::Action(state)) = state else { return };
        let path = StepPath(format!("{prefix}{}", step.name).into());
        for Warning { code, message } in state.leftover() {
            walk.warn_job(&path, code.clone(), message.clone());
        }
    });
}
