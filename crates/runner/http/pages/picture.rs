//! The picture of a recipe: a box for each step, blocks inside each other, each box linked to its line.

use recipe::{Recipe, Step, StepKind};
use serde_json::Value;

use super::render::shown;

/// How far a block is moved in, and how high a row is.
const INDENT: usize = 34;
const ROW: usize = 46;
/// How many letters fit into a box.
const LETTERS: usize = 52;

/// Returns the boxes and the words between them, from top to bottom.
pub fn of(recipe: &Recipe) -> Value {
    let mut rows = Rows { recipe, all: Vec::new(), deepest: 0 };
    match recipe.trigger() {
        Some(trigger) => {
            let does = format!("{}.{}", trigger.connector, trigger.name);
            rows.push(0, "trigger", &does, "starts a job", Some(trigger.span.start));
        }
        None => rows.push(0, "trigger", "called", "by other recipes", None),
    }
    rows.block(&recipe.steps, 0);
    if !recipe.finally.is_empty() {
        rows.push(0, "word", "finally", "however it ended", None);
        rows.block(&recipe.finally, 1);
    }
    let (height, width) = (rows.all.len() * ROW + 4, 470 + rows.deepest * INDENT);
    shown! { rows => rows.all, height, width }
}

struct Rows<'a> {
    recipe: &'a Recipe,
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
            self.push(depth, kind, name, &words, Some(step.span.start));
            let between = match &step.kind {
                StepKind::If { .. } => "else",
                StepKind::Try { .. } => "catch",
                _ => "",
            };
            for (place, block) in step.kind.blocks().enumerate() {
                if place == 1 && !block.is_empty() {
                    self.push(depth, "word", between, "", None);
                }
                self.block(block, depth + 1);
            }
        }
    }

    fn push(&mut self, depth: usize, kind: &str, name: &str, words: &str, start: Option<usize>) {
        let depth = depth.min(12);
        self.deepest = self.deepest.max(depth);
        let line = start.map(|start| self.recipe.source.line_col(start).0);
        let name = if name.chars().count() > LETTERS {
            name.chars().take(LETTERS - 1).chain(['…']).collect()
        } else {
            name.to_owned()
        };
        let y = self.all.len() * ROW;
        self.all.push(shown! { kind, name, words, line, x => depth * INDENT, y });
    }
}
