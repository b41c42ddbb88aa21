//! What each step did: a fold of the journal.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use recipe::{Recipe, StepKind};
use serde_json::Value;

use crate::{
    journal::{Choice, Entry, Kind, StepPath, Verdict},
    machine::names,
};

/// What one step did, in one round.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRun {
    /// The step path.
    pub path: StepPath,
    /// What it was called with; `None` for a step that calls nothing.
    pub input: Option<Arc<Value>>,
    /// How often it was called.
    pub attempts: u32,
    /// What it gave; `None` when it failed, and for `if` and loops.
    pub output: Option<Arc<Value>>,
    /// Why its last attempt failed.
    pub failure: Option<String>,
    /// When it began.
    pub began: Timestamp,
    /// When it ended, as far as it got.
    pub ended: Timestamp,
    /// What it asked a person.
    pub ask: Option<String>,
}

/// Gives questions that nobody answered in time the output that the recipe has for that; the journal does not say it.
pub(super) fn unanswered(runs: &mut [StepRun], recipe: &Recipe) {
    for run in runs.iter_mut().filter(|run| run.ask.is_some() && run.output.is_none()) {
        let name = names::last_name(&run.path);
        let step = recipe.all_steps().find(|step| *step.name == *name);
        if let Some(StepKind::WaitFor(wait)) = step.map(|step| &step.kind) {
            run.output = wait.default.clone().map(Arc::new);
        }
    }
}

/// Folds a journal into what each step did.
pub(crate) fn runs(journal: &[Entry]) -> Vec<StepRun> {
    let mut runs: Vec<StepRun> = Vec::new();
    let mut places: HashMap<&StepPath, usize> = HashMap::new();
    for entry in journal {
        // The job itself, and the end of a round, are not steps.
        if entry.path.0.is_empty() || entry.path.0.ends_with(']') {
            continue;
        }
        if matches!(entry.kind, Kind::Chose { choice: Choice::LeftOut }) {
            continue;
        }
        let at = *places.entry(&entry.path).or_insert_with(|| {
            runs.push(StepRun {
                path: entry.path.clone(),
                input: None,
                attempts: 0,
                output: None,
                failure: None,
                began: entry.at,
                ended: entry.at,
                ask: None,
            });
            runs.len() - 1
        });
        let run = &mut runs[at];
        run.ended = entry.at;
        match &entry.kind {
            Kind::Started { attempt, input, .. } => {
                run.attempts = *attempt;
                run.input = Some(input.clone());
            }
            Kind::Succeeded { output, .. }
            | Kind::Resolved { verdict: Verdict::Happened { output }, .. } => {
                run.output = Some(output.clone());
                run.failure = None;
            }
            Kind::Signalled { answer, .. } => run.output = Some(answer.clone()),
            Kind::Chose { choice: Choice::Asked { ask, .. } } => run.ask = Some(ask.clone()),
            Kind::Chose { choice: Choice::Held { input } } => run.input = Some(input.clone()),
            Kind::Failed { failure, .. } => run.failure = Some(failure.message.clone()),
            _ => {}
        }
    }
    runs
}
