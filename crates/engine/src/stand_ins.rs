//! What of a plan rests on outputs that nobody knows: those of writes that were not sent, of recipes that were not called,
//! of people who were not asked.
//!
//! A text that stands in for one can be told wherever it turns up; a number, true or false and a list cannot. So what an
//! expression rests on is told from what it reads: the step itself, a variable that was set from it, the items of a loop
//! over it. What is set or given under a condition that rests on one does so, too, whichever way the plan goes.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Mutex,
};

use recipe::{Expression, Read, Recipe, Step, StepKind, Wait};
use serde_json::Value;

use crate::{
    journal::{Choice, Entry, Kind, StepPath},
    machine::names,
    simulate::placeholder::is_marked,
};

/// The steps whose output stands in for one that nobody knows, by name.
#[derive(Debug, Default)]
pub struct StandIns(Mutex<BTreeSet<String>>);

impl StandIns {
    pub(crate) fn note(&self, step: &str) {
        self.0.lock().expect("no panic while the lock is held").insert(step.into());
    }

    fn holds(&self, step: &str) -> bool {
        self.0.lock().expect("no panic while the lock is held").contains(step)
    }
}

/// The steps of a recipe with what is around them.
pub(crate) struct Rests<'r> {
    stand_ins: &'r StandIns,
    steps: HashMap<&'r str, Placed<'r>>,
}

struct Placed<'r> {
    step: &'r Step,
    /// Its place in the order of the text.
    at: usize,
    /// The steps around it, the outermost first, each with which of its blocks this is in.
    around: Vec<(&'r Step, usize)>,
}

/// What was looked at on the way: steps, each as seen from another. Variables may be set from themselves.
type Seen<'r> = BTreeSet<(&'r str, &'r str)>;

impl<'r> Rests<'r> {
    pub(crate) fn new(recipe: &'r Recipe, stand_ins: &'r StandIns) -> Self {
        let mut rests = Self { stand_ins, steps: HashMap::new() };
        for block in [&recipe.steps, &recipe.finally] {
            rests.place(block, &[]);
        }
        rests
    }

    fn place(&mut self, block: &'r [Step], around: &[(&'r Step, usize)]) {
        for step in block {
            let placed = Placed { step, at: self.steps.len(), around: around.to_vec() };
            self.steps.insert(&step.name, placed);
            for (which, block) in step.kind.blocks().enumerate() {
                let mut inside = around.to_vec();
                inside.push((step, which));
                self.place(block, &inside);
            }
        }
    }

    /// Says what of a step is undecided, as it rests on an output that nobody knows, and what is taken instead.
    pub(crate) fn undecided(&self, path: &StepPath, journal: &[Entry]) -> Vec<String> {
        let name = names::last_name(path);
        let Some(step) = self.steps.get(name).map(|placed| placed.step) else { return Vec::new() };
        let here = || journal.iter().filter(|entry| entry.path == *path).map(|entry| &entry.kind);
        let chose = || {
            here().find_map(|kind| match kind {
                Kind::Chose { choice } => Some(choice),
                _ => None,
            })
        };
        let mut said = Vec::new();
        let mut tell = |key: &str, expression: &Expression, taken: String| {
            if let Some(by) = self.on(name, &expression.reads()) {
                let text = expression.text.split_whitespace().collect::<Vec<_>>().join(" ");
                said.push(format!("`{key}: {text}` rests on what `{by}` gives: {taken}"));
            }
        };
        if let Some(when) = &step.when {
            let left_out = matches!(chose(), Some(Choice::LeftOut));
            let taken =
                if left_out { "taken as false, so it is left out" } else { "taken as true" };
            tell("when", when, taken.into());
            if left_out {
                said.extend(self.may_end(name).filter(|_| !said.is_empty()));
                return said;
            }
        }
        match &step.kind {
            StepKind::If { condition, .. } => {
                let then = matches!(chose(), Some(Choice::Then));
                let taken = if then { "taken as true (`then`)" } else { "taken as false (`else`)" };
                tell("if", condition, taken.into());
            }
            StepKind::ForEach { items, .. } => {
                let rounds = match chose() {
                    Some(Choice::Items(items)) => items.len(),
                    _ => 0,
                };
                let noun = if rounds == 1 { "round" } else { "rounds" };
                tell("for_each", items, format!("shown with {rounds} {noun}"));
            }
            StepKind::RepeatWhile { condition, .. } => {
                tell("repeat_while", condition, "there may be other rounds".into());
            }
            StepKind::Wait(Wait::Until(moment)) => {
                if let Some(by) = self.on(name, &moment.reads()) {
                    said.push(format!("its end rests on what `{by}` gives"));
                }
            }
            StepKind::Action(_) | StepKind::Call(_) => {
                let input = here().find_map(|kind| match kind {
                    Kind::Started { input, .. }
                    | Kind::Chose { choice: Choice::Held { input } } => Some(&**input),
                    _ => None,
                });
                for (key, by) in self.inputs(name) {
                    // What stands in for a text is seen to do so.
                    if !input.and_then(|input| input.get(key)).is_some_and(is_marked) {
                        let value = input.and_then(|input| input.get(key)).unwrap_or(&Value::Null);
                        said.push(format!("`{key}` rests on what `{by}` gives: shown as {value}"));
                    }
                }
            }
            _ => {}
        }
        let end = self.may_end(name).filter(|_| !said.is_empty());
        said.extend(end);
        said
    }

    /// Says that a step, whose condition is undecided, may end the job: it is a `stop`, or there is one in it.
    pub(crate) fn may_end(&self, name: &str) -> Option<String> {
        fn stop(step: &Step) -> Option<&Step> {
            match step.kind {
                StepKind::Stop { .. } => Some(step),
                _ => step.kind.blocks().flat_map(|block| block.iter()).find_map(stop),
            }
        }
        let stop = stop(self.steps.get(name)?.step)?;
        Some(format!("`{}` may end the job here: nothing after it is certain", stop.name))
    }

    /// Returns the inputs of a step that rest on such an output, each with the step that would give it.
    pub(crate) fn inputs(&self, name: &str) -> Vec<(&'r str, String)> {
        let with = match self.steps.get(name).map(|placed| &placed.step.kind) {
            Some(StepKind::Action(action)) => &action.with,
            Some(StepKind::Call(call)) => &call.with,
            _ => return Vec::new(),
        };
        with.iter()
            .filter_map(|(input, value)| Some((input.as_str(), self.on(name, &value.reads())?)))
            .collect()
    }

    fn on(&self, name: &str, reads: &[Read]) -> Option<String> {
        self.found(name, reads, &mut BTreeSet::new())
    }

    fn found(&self, name: &str, reads: &[Read], seen: &mut Seen<'r>) -> Option<String> {
        let from = self.steps.get(name)?;
        reads.iter().find_map(|read| match (read.name.as_str(), &read.member) {
            ("steps", Some(step)) => self.output(from, step, seen),
            ("steps", None) => self.steps.keys().find_map(|step| self.output(from, step, seen)),
            ("vars", variable) => self.variable(from, variable.as_deref(), seen),
            (local, _) => from.around.iter().rev().find_map(|(around, _)| match &around.kind {
                StepKind::ForEach { variable, items, .. } if variable == local => {
                    self.found(&around.name, &items.reads(), seen)
                }
                _ => None,
            }),
        })
    }

    /// Returns on whose output that of a step rests, read elsewhere: its own, that which decides whether it runs, or, of a
    /// loop, that which it goes over or collects.
    fn output(&self, from: &Placed<'r>, name: &str, seen: &mut Seen<'r>) -> Option<String> {
        if self.stand_ins.holds(name) {
            return Some(name.into());
        }
        let placed = self.steps.get(name)?;
        let step = placed.step;
        if !seen.insert((&step.name, &from.step.name)) {
            return None;
        }
        if let Some(found) = self.guarded(from, placed, seen) {
            return Some(found);
        }
        let reads = match &step.kind {
            StepKind::ForEach { items, collect, .. } => {
                // What a round gives is read inside the loop.
                let inside = step.kind.blocks().flat_map(|block| block.iter()).next();
                let collected = collect.as_ref().zip(inside);
                if let Some((collect, inside)) = collected
                    && let Some(found) = self.found(&inside.name, &collect.reads(), seen)
                {
                    return Some(found);
                }
                items.reads()
            }
            StepKind::RepeatWhile { condition, .. } => condition.reads(),
            _ => return None,
        };
        self.found(&step.name, &reads, seen)
    }

    /// Returns on whose output it rests whether a step has run, seen from another: by its own condition, and those around
    /// it that are not around the other as well.
    fn guarded(&self, from: &Placed<'r>, step: &Placed<'r>, seen: &mut Seen<'r>) -> Option<String> {
        let own = step.step.when.iter().map(|when| (step.step, when.reads()));
        let shared = |around: &Step| from.around.iter().any(|(other, _)| other.name == around.name);
        let outside = step.around.iter().filter(|(around, _)| !shared(around));
        let around = outside.flat_map(|&(around, _)| {
            let condition = match &around.kind {
                StepKind::If { condition, .. } | StepKind::RepeatWhile { condition, .. } => {
                    condition.reads()
                }
                StepKind::ForEach { items, .. } => items.reads(),
                _ => Vec::new(),
            };
            let when = around.when.iter().flat_map(Expression::reads);
            [(around, condition), (around, when.collect())]
        });
        own.chain(around).find_map(|(step, reads)| self.found(&step.name, &reads, seen))
    }

    /// Returns on whose output a variable rests that was set before, or in an earlier round of a loop around both.
    fn variable(
        &self,
        from: &Placed<'r>,
        variable: Option<&str>,
        seen: &mut Seen<'r>,
    ) -> Option<String> {
        let sets = |set: &Placed<'r>| match &set.step.kind {
            StepKind::Set(values) => {
                values.iter().any(|(name, _)| variable.is_none_or(|one| one == name))
            }
            _ => false,
        };
        let mut before: Vec<&Placed<'r>> = self
            .steps
            .values()
            .filter(|set| {
                let again = |one: &Step| {
                    matches!(one.kind, StepKind::ForEach { .. } | StepKind::RepeatWhile { .. })
                        && from.around.iter().any(|(other, _)| other.name == one.name)
                };
                let earlier = set.at < from.at || set.around.iter().any(|(one, _)| again(one));
                earlier && sets(set)
            })
            .collect();
        before.sort_by_key(|set| set.at);
        // What was set before a value that it surely has by now is nothing to it.
        let surely = |set: &&Placed<'r>| {
            let in_all =
                |((one, block), (other, other_block)): (&(&Step, usize), &(&Step, usize))| {
                    one.name == other.name && block == other_block
                };
            variable.is_some()
                && set.at < from.at
                && set.step.when.is_none()
                && set.around.len() <= from.around.len()
                && set.around.iter().zip(&from.around).all(in_all)
        };
        let last = before.iter().rposition(surely).unwrap_or(0);
        before.into_iter().skip(last).find_map(|set| {
            let StepKind::Set(values) = &set.step.kind else { return None };
            let wanted = values.iter().filter(|(name, _)| variable.is_none_or(|one| one == name));
            let reads: Vec<Read> = wanted.flat_map(|(_, value)| value.reads()).collect();
            if !seen.insert((&set.step.name, &from.step.name)) {
                return None;
            }
            let value = self.found(&set.step.name, &reads, seen);
            value.or_else(|| self.guarded(from, set, seen))
        })
    }
}
