//! The rounds of a `repeat_while`: the block, then the condition, and again as long as it holds.

use std::sync::Arc;

use recipe::{Step, StepKind};
use serde_json::json;

use super::{
    block::Run,
    ending,
    frame::Frame,
    rounds::{round_over, too_many},
    walk::{Flow, Walk},
};
use crate::journal::{Kind, StepPath};

/// A `repeat_while` in progress.
#[derive(Debug, Default)]
pub(super) struct Repeat {
    /// Rounds that are over.
    rounds: usize,
    round: Option<(Run, Frame)>,
}

impl Repeat {
    pub(super) fn advance(
        &mut self,
        step: &Step,
        path: &StepPath,
        frame: &mut Frame,
        walk: &mut Walk,
    ) -> Flow {
        let StepKind::RepeatWhile { condition, steps, max } = &step.kind else {
            return Flow::Pending;
        };
        while self.rounds < *max as usize {
            let index = self.rounds;
            let (run, inner) =
                self.round.get_or_insert_with(|| (Run::new(steps), frame.round(path, index, None)));
            let over = round_over(run, inner, (path, index), walk, |scope| {
                Ok(json!({ "again": condition.is_true(scope)? }))
            });
            let output = match over {
                Ok(output) => output,
                Err(flow) => return flow,
            };
            frame.warned.append(&mut inner.warned);
            self.round = None;
            self.rounds += 1;
            if output["again"] != true {
                frame.bind(step, Arc::new(json!({ "rounds": self.rounds })));
                return Flow::Done;
            }
        }
        let failure = match walk.memo.remove(path) {
            Some(Kind::Failed { failure, .. }) => failure,
            None if walk.evaluate => {
                let failure = too_many(*max);
                let kind =
                    Kind::Failed { failure: failure.clone(), retry_at: None, looking_up: false };
                walk.make(path, kind);
                failure
            }
            other => {
                walk.memo.extend(other.map(|kind| (path.clone(), kind)));
                return Flow::Pending;
            }
        };
        walk.fails(ending::error_of(&failure, path))
    }

    /// Gives an entry to the round in progress.
    pub(super) fn route(&mut self, path: &StepPath, kind: &Kind, walk: &mut Walk) -> bool {
        let Some((run, frame)) = &mut self.round else { return false };
        run.route(&frame.prefix, path, kind, walk)
    }

    /// Returns the round in progress.
    pub(super) fn round(&self) -> Option<(&str, &Run)> {
        self.round.as_ref().map(|(run, frame)| (frame.prefix.as_str(), run))
    }
}
