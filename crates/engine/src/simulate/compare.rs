//! Holds what happened against what a case expects.

use std::fmt::Display;

use recipe::{Case, Expected, ExpectedStep, ExpectedWarning, Mismatch, Range, Selector, Span};
use serde_json::Value;

use super::{Played, StepRun};
use crate::journal::{Choice, Kind, StepWarning};

/// Returns everything that is not as expected, in the order of the test file.
pub(super) fn differences(case: &Case, played: &Played) -> Vec<Mismatch> {
    let mut found = Vec::new();
    let expect = &case.expect;
    if let Some((status, span)) = &expect.status
        && status != played.status
    {
        let mut got = played.status.to_owned();
        let why = played.outcome.as_ref().map(|outcome| outcome.message.clone());
        if let Some(why) = why.or_else(|| played.attention.first().cloned()) {
            got = format!("{got}: {why}");
        }
        found.push(mismatch("status", status, got, *span));
    }
    let text = |text: Option<&str>| text.map(Value::from);
    let mut words = |path: &str, expected: Option<&Expected>, got: Option<&str>| {
        if let Some(expected) = expected {
            expected.compare(path, text(got).as_ref(), &mut found);
        }
    };
    words("label", expect.label.as_ref(), Some(&played.label));
    words("reason", expect.reason.as_ref(), reason(played));
    let message = played.outcome.as_ref().map(|outcome| outcome.message.as_str());
    words("message", expect.message.as_ref(), message);
    if let Some(expected) = &expect.error {
        let got = played.outcome.as_ref().and_then(|outcome| outcome.error.as_ref());
        match got {
            None => found.push(mismatch("error", "an error", "none".into(), expected.span)),
            Some(got) => {
                words("error.code", expected.code.as_ref(), Some(&got.code));
                words("error.message", expected.message.as_ref(), Some(&got.message));
                words("error.hint", expected.hint.as_ref(), Some(&got.hint));
                if let Some((step, span)) = &expected.step
                    && !step.covers(&got.step.0)
                {
                    found.push(at_step("error.step", step, &got.step.0, *span));
                }
            }
        }
    }
    let keys = &played.keys;
    for (path, expected, key) in [
        ("key", &expect.key, &keys.order),
        ("key_group", &expect.key_group, &keys.group),
        ("dedupe", &expect.dedupe, &keys.dedupe),
    ] {
        if let Some(expected) = expected {
            key.compare(path, expected, &mut found);
        }
    }
    if let Some(expected) = &expect.output {
        let got = played.outcome.as_ref().and_then(|outcome| outcome.output.as_deref());
        expected.compare("output", got, &mut found);
    }
    for step in &expect.steps {
        compare_step(step, played, &mut found);
    }
    compare_order(&expect.order, played, &mut found);
    if let Some((span, expected)) = &expect.warnings {
        let got: &[StepWarning] =
            played.outcome.as_ref().map_or(&[], |outcome| outcome.warnings.as_slice());
        if expected.len() == got.len() {
            for (at, (expected, got)) in expected.iter().zip(got).enumerate() {
                compare_warning(&format!("warnings[{at}]"), expected, got, &mut found);
            }
        } else {
            let listed: Vec<String> =
                got.iter().map(|one| format!("`{}` of `{}`", one.code, one.step)).collect();
            let got = if listed.is_empty() { "none".into() } else { listed.join(", ") };
            found.push(mismatch("warnings", &count(expected.len(), "warning"), got, *span));
        }
    }
    found.sort_by_key(|mismatch| mismatch.span);
    found
}

fn compare_warning(
    path: &str,
    expected: &ExpectedWarning,
    got: &StepWarning,
    found: &mut Vec<Mismatch>,
) {
    let parts = [("code", &expected.code, &got.code), ("message", &expected.message, &got.message)];
    for (name, expected, got) in parts {
        if let Some(expected) = expected {
            expected.compare(&format!("{path}.{name}"), Some(&got.as_str().into()), found);
        }
    }
    if let Some((step, span)) = &expected.step
        && !step.covers(&got.step.0)
    {
        found.push(at_step(&format!("{path}.step"), step, &got.step.0, *span));
    }
}

fn compare_step(step: &ExpectedStep, played: &Played, found: &mut Vec<Mismatch>) {
    let path = format!("steps.{}", step.name);
    let runs: Vec<&StepRun> =
        played.steps.iter().filter(|run| step.step.covers(&run.path.0)).collect();
    let times = u32::try_from(runs.len()).unwrap_or(u32::MAX);
    if let Some(expected) = &step.count
        && !expected.holds(times)
    {
        found.push(mismatch(&path, &runs_within(expected), got_runs(&runs), expected.span));
        return;
    }
    let expects_run = !step.with.is_empty()
        || step.output.is_some()
        || step.attempts.is_some()
        || step.at.is_some()
        || step.waited.is_some()
        || step.ask.is_some();
    if runs.is_empty() && expects_run {
        found.push(mismatch(&path, "that it runs", "that it does not run".into(), step.span));
        return;
    }
    if let Some(expected) = &step.attempts {
        let got = runs.iter().map(|run| run.attempts).sum();
        outside(&format!("{path}.attempts"), expected, got, |one| one, found);
    }
    if let (Some(expected), Some(run)) = (&step.at, runs.first()) {
        outside(&format!("{path}.at"), expected, run.began, |one| one, found);
    }
    for run in &runs {
        // A step that runs once is named as the test names it; one of several by its whole path.
        let path = if runs.len() == 1 { path.clone() } else { format!("steps.{}", run.path) };
        for (name, expected) in &step.with {
            let got = run.input.as_ref().and_then(|input| input.get(name));
            expected.compare(&format!("{path}.with.{name}"), got, found);
        }
        if let Some(expected) = &step.waited {
            let got = run.ended.duration_since(run.began);
            outside(&format!("{path}.waited"), expected, got, |one| format!("{one:#}"), found);
        }
        if let Some(expected) = &step.ask {
            let got = run.ask.as_deref().map(Value::from);
            expected.compare(&format!("{path}.ask"), got.as_ref(), found);
        }
        if let Some(expected) = &step.output {
            let got = run.output.as_deref();
            expected.compare(&format!("{path}.output"), got, found);
        }
    }
}

/// Finds the first step that does not begin after the one before it.
fn compare_order(order: &[(Selector, Span)], played: &Played, found: &mut Vec<Mismatch>) {
    let mut after = 0;
    for (at, (step, span)) in order.iter().enumerate() {
        let path = format!("order[{at}]");
        let mut places =
            played.steps.iter().enumerate().filter(|(_, run)| step.covers(&run.path.0));
        let Some((first, _)) = places.clone().next() else {
            found.push(mismatch(
                &path,
                &format!("that `{step}` runs"),
                "that it does not run".into(),
                *span,
            ));
            return;
        };
        if let Some((place, _)) = places.find(|(place, _)| *place >= after) {
            after = place + 1;
            continue;
        }
        let expected = format!("`{step}` after `{}`", order[at - 1].0);
        let listed: Vec<String> =
            played.steps[first..after].iter().map(|run| format!("`{}`", run.path)).collect();
        found.push(mismatch(&path, &expected, listed.join(", "), *span));
        return;
    }
}

/// Returns the reason of the `stop` that ended the job.
fn reason(played: &Played) -> Option<&str> {
    played.journal.iter().find_map(|entry| match &entry.kind {
        Kind::Chose { choice: Choice::Stop { reason, .. } } => reason.as_deref(),
        _ => None,
    })
}

/// Adds a value that does not fit a range.
fn outside<T: PartialOrd + Copy, D: Display>(
    path: &str,
    expected: &Range<T>,
    got: T,
    shown: impl Fn(T) -> D,
    found: &mut Vec<Mismatch>,
) {
    if !expected.holds(got) {
        found.push(mismatch(path, &expected.said(&shown), shown(got).to_string(), expected.span));
    }
}

fn mismatch(path: &str, expected: &str, got: String, span: Span) -> Mismatch {
    Mismatch { path: path.into(), expected: expected.into(), got, diff: Vec::new(), span }
}

fn at_step(path: &str, expected: &Selector, got: &str, span: Span) -> Mismatch {
    let got = if got.is_empty() { "the job as a whole".to_owned() } else { format!("`{got}`") };
    mismatch(path, &format!("`{expected}`"), got, span)
}

fn runs_of(times: u32) -> String {
    match times {
        0 => "that it does not run".into(),
        1 => "that it runs once".into(),
        times => format!("that it runs {times} times"),
    }
}

fn runs_within(times: &Range<u32>) -> String {
    match times.only() {
        Some(times) => runs_of(times),
        None => format!("that it runs {} times", times.said(|times| times)),
    }
}

fn got_runs(runs: &[&StepRun]) -> String {
    let Some(first) = runs.first() else { return "that it does not run".into() };
    let times = u32::try_from(runs.len()).unwrap_or(u32::MAX);
    match &first.input {
        Some(input) => format!("{}, called with {input}", runs_of(times)),
        None => runs_of(times),
    }
}

fn count(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
