//! The picture of a recipe: a box for each step, blocks inside each other, each box linked to its line, with how the last
//! jobs went there.

use engine::{StepTally, Tally};
use recipe::{Recipe, Step, StepKind};
use serde_json::Value;

use super::render::shown;

/// How far a block is moved in, and how high a row is.
const INDENT: usize = 34;
const ROW: usize = 46;
/// How wide a box is, how many letters of a name fit into it beside its counts, and how many of the words below.
const WIDTH: usize = 500;
const LETTERS: usize = 48;
const SMALL_LETTERS: usize = 56;

/// Returns the boxes and the words between them, from top to bottom.
pub fn of(recipe: &Recipe, tally: &Tally) -> Value {
    let mut rows = Rows { recipe, tally, all: Vec::new(), deepest: 0 };
    let came = StepTally { passed: tally.jobs, ..StepTally::default() };
    match recipe.trigger() {
        Some(trigger) => {
            let does = format!("{}.{}", trigger.connector, trigger.name);
            rows.push(0, "trigger", &does, "starts a job", Some(trigger.span.start), came);
        }
        None => rows.push(0, "trigger", "called", "by other recipes", None, came),
    }
    rows.block(&recipe.steps, 0);
    if !recipe.finally.is_empty() {
        rows.push(0, "word", "finally", "however it ended", None, StepTally::default());
        rows.block(&recipe.finally, 1);
    }
    let (height, width) = (rows.all.len() * ROW + 4, WIDTH + 6 + rows.deepest * INDENT);
    shown! { rows => rows.all, height, width, wide => WIDTH, jobs => tally.jobs }
}

struct Rows<'a> {
    recipe: &'a Recipe,
    tally: &'a Tally,
    all: Vec<Value>,
    deepest: usize,
}

impl Rows<'_> {
    fn block(&mut self, steps: &[Step], depth: usize) {
        for step in steps {
            let kind = match &step.kind {
                StepKind::Action(_) => "action",
                StepKind::Stop { .. } => "stop",
                StepKind::If { .. } | StepKind::Try { .. } => "choice",
                StepKind::ForEach { .. } | StepKind::RepeatWhile { .. } => "loop",
                _ => "calm",
            };
            let does = step.kind.does();
            let name = step.title.as_deref().unwrap_or(&step.name);
            let words = if step.when.is_some() { format!("{does}, if …") } else { does };
            let went = self.tally.steps.get(&*step.name).copied().unwrap_or_default();
            self.push(depth, kind, name, &words, Some(step.span.start), went);
            let between = match &step.kind {
                StepKind::If { .. } => "else",
                StepKind::Try { .. } => "catch",
                _ => "",
            };
            for (place, block) in step.kind.blocks().enumerate() {
                if place == 1 && !block.is_empty() {
                    self.push(depth, "word", between, "", None, StepTally::default());
                }
                self.block(block, depth + 1);
            }
        }
    }

    fn push(
        &mut self,
        depth: usize,
        kind: &str,
        name: &str,
        words: &str,
        start: Option<usize>,
        went: StepTally,
    ) {
        let depth = depth.min(12);
        self.deepest = self.deepest.max(depth);
        let line = start.map(|start| self.recipe.source.line_col(start).0);
        let (name, words) = (fitted(name, LETTERS), fitted(words, SMALL_LETTERS));
        let y = self.all.len() * ROW;
        let (passed, failed) = (went.passed, went.failed);
        self.all.push(shown! { kind, name, words, line, x => depth * INDENT, y, passed, failed });
    }
}

fn fitted(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.into();
    }
    text.chars().take(letters - 1).chain(['…']).collect()
}
