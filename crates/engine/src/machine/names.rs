//! The names of a recipe's steps: which write, which stand in `finally`, and whether another version has them too.

use std::collections::{HashMap, HashSet};

use recipe::{ActionStep, EffectSpec, Recipe, Step, StepKind, steps_in};

use crate::journal::{Entry, Kind, StepPath};

/// Says why `newest` cannot take over from `old` after these entries, if it cannot.
pub(super) fn fits<'a>(
    old: &Recipe,
    newest: &Recipe,
    done: impl Iterator<Item = &'a Entry>,
) -> Result<(), String> {
    let (old, newest) = (what_steps_do(old), what_steps_do(newest));
    for entry in done {
        let name = last_name(&entry.path);
        let Some(was) = old.get(name) else { continue };
        match newest.get(name) {
            Some(is) if is == was => {}
            Some(is) => return Err(format!("`{name}` is done as `{was}`, but is `{is}` there")),
            None if matches!(entry.kind, Kind::Succeeded { .. }) && was.contains('.') => {
                return Err(format!("`{name}` (`{was}`) is done, but is not there any more"));
            }
            // A choice of a step that is gone is nobody's.
            None => {}
        }
    }
    Ok(())
}

/// Returns what each step does: the action it calls, or its kind.
fn what_steps_do(recipe: &Recipe) -> HashMap<&str, String> {
    recipe.all_steps().map(|step| (&*step.name, step.kind.does())).collect()
}

/// Returns the names of the body's steps that write, or call a recipe that may.
pub(super) fn writes_of_body(recipe: &Recipe) -> HashSet<&str> {
    let writes = |step: &&Step| match &step.kind {
        StepKind::Action(action) => action.effect != EffectSpec::Read,
        StepKind::Call(_) => true,
        _ => false,
    };
    steps_in(&recipe.steps).filter(writes).map(|step| &*step.name).collect()
}

/// Returns the names of the steps in `finally`.
pub(super) fn names_of_finally(recipe: &Recipe) -> HashSet<&str> {
    steps_in(&recipe.finally).map(|step| &*step.name).collect()
}

/// Returns the names of steps that wait: for a moment or for a person.
pub(super) fn waits(recipe: &Recipe) -> HashSet<&str> {
    let waits = |step: &&Step| matches!(step.kind, StepKind::Wait(_) | StepKind::WaitFor(_));
    recipe.all_steps().filter(waits).map(|step| &*step.name).collect()
}

/// Returns whether the step at a path asks a person.
pub(super) fn asks(recipe: &Recipe, path: &StepPath) -> bool {
    let name = last_name(path);
    recipe.all_steps().any(|step| matches!(step.kind, StepKind::WaitFor(_)) && &*step.name == name)
}

/// Returns the action at a path, if the recipe has one there.
pub(crate) fn action_at<'a>(recipe: &'a Recipe, path: &StepPath) -> Option<&'a ActionStep> {
    recipe.all_steps().find_map(|step| match &step.kind {
        StepKind::Action(action) if &*step.name == last_name(path) => Some(action),
        _ => None,
    })
}

/// Returns the first step name of a path: `documents` of `documents[2].upload`.
pub(super) fn first_name(path: &StepPath) -> &str {
    path.0.split(['[', '.']).next().unwrap_or_default()
}

/// Returns the last step name of a path: `upload` of `documents[2].upload`.
pub(crate) fn last_name(path: &StepPath) -> &str {
    path.0.rsplit('.').next().unwrap_or_default()
}
