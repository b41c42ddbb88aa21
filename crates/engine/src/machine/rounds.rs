//! The rounds of a `for_each`: one after the other, or several side by side.
//!
//! A round counts as begun once the journal has a word of it. When one fails, no new round begins: those that have only
//! been got ready are left alone, whatever this machine or the one before it had prepared.

use std::{collections::BTreeMap, sync::Arc};

use connector::Failure;
use recipe::{EvalError, Scope, Step, StepKind};
use serde_json::{Value, json};

use super::{
    begin::failure_of,
    block::Run,
    ending,
    frame::Frame,
    walk::{Failures, Flow, Walk},
};
use crate::journal::{Kind, StepPath};

/// A loop in progress.
#[derive(Debug)]
pub(super) struct Rounds {
    items: Arc<Vec<Arc<Value>>>,
    /// The first that is not begun.
    next: usize,
    active: BTreeMap<usize, Round>,
    failures: Failures,
    /// What rounds gave that are over, without nulls.
    results: BTreeMap<usize, Arc<Value>>,
}

/// A round in progress.
#[derive(Debug)]
struct Round {
    run: Run,
    frame: Frame,
    /// Whether the journal has a word of it.
    begun: bool,
}

impl Rounds {
    pub(super) fn new(items: Arc<Vec<Arc<Value>>>) -> Self {
        Self {
            items,
            next: 0,
            active: BTreeMap::new(),
            failures: Failures::default(),
            results: BTreeMap::new(),
        }
    }

    pub(super) fn advance(
        &mut self,
        step: &Step,
        path: &StepPath,
        frame: &mut Frame,
        walk: &mut Walk,
    ) -> Flow {
        let StepKind::ForEach { at_once, collect, .. } = &step.kind else { return Flow::Pending };
        let mut from = 0;
        loop {
            self.begin_rounds(step, path, frame, (*at_once).max(1) as usize);
            let goes_on = self.failures.is_empty();
            let mut rest = self.active.range_mut(from..);
            let Some((&index, round)) = rest.find(|(_, round)| goes_on || round.begun) else {
                break;
            };
            from = index + 1;
            let before = (walk.made.len(), walk.memo.len());
            let over = round_over(&mut round.run, &mut round.frame, (path, index), walk, |scope| {
                collect.as_ref().map_or(Ok(Value::Null), |collect| collect.evaluate(scope))
            });
            round.begun |= (walk.made.len(), walk.memo.len()) != before;
            match over {
                Ok(output) => {
                    self.end(index, frame);
                    if !output.is_null() {
                        self.results.insert(index, output);
                    }
                }
                Err(Flow::Failed(failures)) => {
                    self.end(index, frame);
                    self.failures.add(failures);
                    // What was found due in rounds that will not begin now.
                    walk.again |= self.active.values().any(|round| !round.begun);
                }
                Err(Flow::Stopped(choice)) => {
                    // The job ends as the recipe says, but what had failed is not passed over.
                    for error in self.failures.iter() {
                        let words = ending::sentences([error.message.as_str(), &error.hint]);
                        walk.warn_job(&error.step, error.code.clone(), words);
                    }
                    return Flow::Stopped(choice);
                }
                Err(_) => {}
            }
        }
        if !self.failures.is_empty() {
            if self.active.values().any(|round| round.begun) {
                return Flow::Pending;
            }
            return Flow::Failed(std::mem::take(&mut self.failures));
        }
        if !self.active.is_empty() {
            return Flow::Pending;
        }
        let results: Vec<_> =
            std::mem::take(&mut self.results).into_values().map(Arc::unwrap_or_clone).collect();
        frame.bind(step, Arc::new(json!({ "results": results })));
        Flow::Done
    }

    /// Gives an entry to the round it is about; `false` when that one has not reached its path.
    pub(super) fn route(
        &mut self,
        prefix: &str,
        step: &Step,
        path: &StepPath,
        kind: &Kind,
        walk: &mut Walk,
    ) -> bool {
        let round = index_of(prefix, step, path).and_then(|index| self.active.get_mut(&index));
        let Some(round) = round else { return false };
        round.begun = true;
        round.run.route(&round.frame.prefix, path, kind, walk)
    }

    /// Returns the round in which `path` lies.
    pub(super) fn round_of(
        &self,
        prefix: &str,
        step: &Step,
        path: &StepPath,
    ) -> Option<(&str, &Run)> {
        let round = self.active.get(&index_of(prefix, step, path)?)?;
        Some((&round.frame.prefix, &round.run))
    }

    /// Returns the rounds in progress.
    pub(super) fn in_progress(&self) -> impl Iterator<Item = (&str, &Run)> {
        let goes_on = self.failures.is_empty();
        self.active
            .values()
            .filter(move |round| goes_on || round.begun)
            .map(|round| (round.frame.prefix.as_str(), &round.run))
    }

    fn begin_rounds(&mut self, step: &Step, path: &StepPath, frame: &Frame, at_once: usize) {
        let StepKind::ForEach { variable, steps, .. } = &step.kind else { return };
        while self.failures.is_empty()
            && self.active.len() < at_once
            && let Some(item) = self.items.get(self.next)
        {
            let frame = frame.round(path, self.next, Some((variable, item)));
            self.active.insert(self.next, Round { run: Run::new(steps), frame, begun: false });
            self.next += 1;
        }
    }

    fn end(&mut self, index: usize, outer: &mut Frame) {
        if let Some(round) = self.active.remove(&index) {
            outer.warned.extend(round.frame.warned);
        }
    }
}

/// Takes a round to its end and its last word: what it gives, from the memo or by evaluating.
pub(super) fn round_over(
    run: &mut Run,
    frame: &mut Frame,
    (path, index): (&StepPath, usize),
    walk: &mut Walk,
    gives: impl FnOnce(&Scope) -> Result<Value, EvalError>,
) -> Result<Arc<Value>, Flow> {
    match run.advance(frame, walk) {
        Flow::Done => {}
        flow => return Err(flow),
    }
    let over = StepPath(format!("{path}[{index}]").into());
    let kind = match walk.memo.remove(&over) {
        Some(kind) => kind,
        None if !walk.evaluate => return Err(Flow::Pending),
        None => {
            let kind = match gives(&frame.scope(&walk.scope)) {
                Ok(output) => Kind::Succeeded {
                    output: Arc::new(output),
                    recovered: false,
                    warnings: frame.warned.clone(),
                },
                Err(error) => {
                    Kind::Failed { failure: failure_of(error), retry_at: None, looking_up: false }
                }
            };
            walk.make(&over, kind.clone());
            kind
        }
    };
    match kind {
        Kind::Succeeded { output, .. } => Ok(output),
        Kind::Failed { failure, .. } => Err(walk.fails(ending::error_of(&failure, &over))),
        // Not the word of a round: left in the memo, where `apply` finds it and says so.
        other => {
            walk.memo.insert(over, other);
            Err(Flow::Pending)
        }
    }
}

/// Returns the failure of a loop that goes round too often.
pub(super) fn too_many(max: u32) -> Failure {
    let message = format!("its condition still holds after {max} rounds");
    Failure::permanent(TOO_MANY_ROUNDS, message)
        .hint("Raise `max`, or look why the condition does not become false.")
}

/// The code of that failure.
pub(super) const TOO_MANY_ROUNDS: &str = "too_many_rounds";

/// Returns the index in a path that lies in a round of `step`: 2 for `documents[2].upload` and for `documents[2]`.
fn index_of(prefix: &str, step: &Step, path: &StepPath) -> Option<usize> {
    let rest = path.0.strip_prefix(prefix)?.strip_prefix(&*step.name)?.strip_prefix('[')?;
    rest.split_once(']')?.0.parse().ok()
}
