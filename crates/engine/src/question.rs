//! Questions to people (`wait_for`): which a recipe has, which a job asks now, and how an answer gets to its step.

use std::sync::Arc;

use jiff::Timestamp;
use recipe::{Block, Object, Recipe, StepKind, WaitFor, fit, read_words};

use crate::{
    command::{CommandError, Given},
    drive::Drive,
    journal::{Choice, Entry, Kind, StepPath},
};

/// A question that a job asks and nobody has answered.
#[derive(Debug, Clone)]
pub struct Question {
    /// The step.
    pub path: StepPath,
    /// The question.
    pub ask: String,
    /// Until when an answer is waited for.
    pub until: Option<Timestamp>,
    /// What an answer holds.
    pub answer: Arc<Object>,
}

/// Returns the questions that a journal leaves open.
pub(crate) fn questions(recipe: &Recipe, entries: &[Entry]) -> Vec<Question> {
    let mut open: Vec<Question> = Vec::new();
    for entry in entries {
        match &entry.kind {
            Kind::Chose { choice: Choice::Asked { ask, until } } => {
                if let Some(question) = question_at(recipe, &entry.path) {
                    open.push(Question {
                        path: entry.path.clone(),
                        ask: ask.clone(),
                        until: *until,
                        answer: question.answer.clone(),
                    });
                }
            }
            // A time-out, a cancel or a reopening ends everything that was asked.
            Kind::Fired | Kind::CancelRequested { .. } | Kind::Reopened { .. }
                if entry.path.0.is_empty() =>
            {
                open.clear();
            }
            Kind::Signalled { .. } | Kind::Fired | Kind::Succeeded { .. } | Kind::Failed { .. } => {
                open.retain(|question| question.path != entry.path);
            }
            _ => {}
        }
    }
    // What was answered before it was asked is not asked.
    let answered = |path: &StepPath| {
        let signal = |entry: &&Entry| matches!(entry.kind, Kind::Signalled { .. });
        entries.iter().filter(signal).any(|entry| entry.path == *path)
    };
    open.retain(|question| !answered(&question.path));
    open
}

impl Drive {
    /// Takes a person's answer, whether the job has got to its question or not.
    pub(crate) fn take_answer(
        &mut self,
        step: &StepPath,
        given: Given,
        by: &str,
    ) -> Result<(), CommandError> {
        let job = self.row.id;
        let recipe = self.pinned.recipe.clone();
        let Some(question) = question_at(&recipe, step) else {
            let questions = names(&recipe);
            return Err(CommandError::NoQuestion { job, step: step.clone(), questions });
        };
        if self.answered.contains(step) {
            return Err(CommandError::Answered { job, step: step.clone() });
        }
        if self.over.contains(step) {
            return Err(CommandError::TooLate { job, step: step.clone() });
        }
        let answer = match given {
            Given::Words(words) => read_words(&words, &question.answer),
            Given::Json(value) => fit(value, &question.answer),
        };
        let answer = answer.map_err(|why| CommandError::WrongAnswer { step: step.clone(), why })?;
        let signal = Kind::Signalled { by: by.into(), answer: Arc::new(answer) };
        self.open()
            .and_then(|()| self.record(step, signal))
            .map_err(|misfit| CommandError::Broken(job, misfit.to_string()))
    }
}

/// Returns the question at a path, if the recipe has one there.
fn question_at<'a>(recipe: &'a Recipe, path: &StepPath) -> Option<&'a WaitFor> {
    let wanted = without_rounds(&path.0)?;
    let mut all = Vec::new();
    collect(&recipe.steps, "", &mut all);
    all.into_iter().find(|(name, _)| *name == wanted).map(|(_, question)| question)
}

/// Returns the questions of a recipe as people name them: `approval`, `documents[…].approval`.
fn names(recipe: &Recipe) -> Vec<String> {
    let mut all = Vec::new();
    collect(&recipe.steps, "", &mut all);
    all.into_iter().map(|(name, _)| name.replace("[]", "[…]")).collect()
}

/// Collects questions with their paths, rounds without their numbers.
fn collect<'a>(block: &'a Block, prefix: &str, all: &mut Vec<(String, &'a WaitFor)>) {
    for step in &**block {
        let path = format!("{prefix}{}", step.name);
        match &step.kind {
            StepKind::WaitFor(question) => all.push((path, question)),
            StepKind::ForEach { steps, .. } | StepKind::RepeatWhile { steps, .. } => {
                collect(steps, &format!("{path}[]."), all);
            }
            kind => kind.blocks().for_each(|block| collect(block, prefix, all)),
        }
    }
}

/// Returns `documents[].approval` of `documents[2].approval`; `None` where a round has no number.
fn without_rounds(path: &str) -> Option<String> {
    let mut plain = String::new();
    let mut rest = path;
    while let Some((before, round)) = rest.split_once('[') {
        let (number, after) = round.split_once(']')?;
        number.parse::<u32>().ok()?;
        plain.push_str(before);
        plain.push_str("[]");
        rest = after;
    }
    plain.push_str(rest);
    Some(plain)
}
