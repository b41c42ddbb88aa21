//! One job: its steps on a time-line, what failed and where, and what a person can do about it.

use std::{collections::BTreeMap, time::Duration};

use axum::response::Response;
use engine::{Command, Given, Status, StepPath};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Fault, back,
    render::{self, shown},
};
use crate::{
    http::{
        access::Role,
        extract::{At, Nothing, Posted},
        permission::{Operator, Viewer},
        problem::Problem,
    },
    mask,
    service::{By, Service},
    story::{StepState, StepStory, Story},
};

/// How many steps a page shows; of a job with more, those that matter most are shown and the rest is counted.
const MOST_STEPS: usize = 80;
/// How much of a value is shown; the API gives all of it.
const MOST_LETTERS: usize = 4000;
/// How much of a page all values and failures may take, in bytes of HTML, and what each step takes beside them: no page is
/// larger than 100 KB.
const MOST_SHOWN: usize = 85_000;
const FRAME: usize = 850;
/// How much of that the requests of held writes may take.
const MOST_HELD: usize = 40_000;
/// How long a page waits for what held writes ask before they can be shown. The command line waits for all of it.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many failures of a step are shown, the last ones.
const MOST_FAILURES: usize = 5;

#[derive(Deserialize)]
pub struct JobPath {
    job: i64,
}

#[derive(Deserialize)]
pub struct Retry {
    newest: Option<String>,
    force: Option<String>,
}

#[derive(Deserialize)]
pub struct Resolve {
    step: String,
    verdict: crate::http::Verdict,
    output: Option<String>,
}

pub async fn show(may: Viewer, At(path): At<JobPath>) -> Result<Response, Fault> {
    let service = &may.site.service;
    let mut story = service.story(path.job).await?;
    let viewer = may.person.role == Role::Viewer;
    if viewer {
        story = mask::for_viewer(story);
    }
    let title = format!("Job {}: {}", story.job, story.label);
    let live = !story.status.is_final();
    let left_out = trim(&mut story);
    let target = Some(story.job.to_string());
    let audit =
        if viewer { Vec::new() } else { service.engine.store().audit(target, None, 20).await? };
    let audit: Vec<Value> = audit
        .iter()
        .map(|one| shown! { at => one.at.to_string(), who => one.who, via => one.via, what => one.what, detail => one.detail })
        .collect();
    let unknown: Vec<&str> = story
        .steps
        .iter()
        .filter(|step| step.state == StepState::Unknown)
        .map(|step| step.path.as_str())
        .collect();
    let mut room = MOST_HELD;
    let held = if viewer { Vec::new() } else { held(service, &story, &mut room).await };
    let bars = bars(&story, service.engine.clock().now());
    let shown = steps(&story.steps, MOST_HELD - room);
    let context = shown! {
        story => &story, steps => shown, bars, left_out, audit, unknown, held, viewer,
        can_retry => matches!(story.status, Status::Failed | Status::NeedsAttention | Status::Waiting),
        can_cancel => live,
    };
    let page = render::Page { title: &title, menu: "jobs", template: "job.html", live };
    Ok(render::page(&may.site, &may.person, &page, &context))
}

pub async fn retry(
    may: Operator,
    At(path): At<JobPath>,
    Posted(asked): Posted<Retry>,
) -> Result<Response, Fault> {
    let command = Command::Retry { newest: asked.newest.is_some(), force: asked.force.is_some() };
    act(&may, path.job, command).await
}

pub async fn cancel(
    may: Operator,
    At(path): At<JobPath>,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Fault> {
    act(&may, path.job, Command::Cancel).await
}

pub async fn resolve(
    may: Operator,
    At(path): At<JobPath>,
    Posted(asked): Posted<Resolve>,
) -> Result<Response, Fault> {
    let output = asked.output.as_deref().map(str::trim).filter(|output| !output.is_empty());
    let output = match output {
        None => serde_json::Value::Null,
        // An id alone is what people have at hand; whoever has more writes JSON.
        Some(text) if text.starts_with('{') => serde_json::from_str(text).map_err(|error| {
            Problem::unreadable(format!("the output is not JSON: {error}"))
                .hint("write the id alone, such as 9001, or an object, such as {\"id\": \"9001\"}")
        })?,
        Some(id) => serde_json::json!({ "id": id.trim_matches('"') }),
    };
    let settlement = asked.verdict.settlement(output);
    act(&may, path.job, Command::Resolve { step: StepPath(asked.step.into()), settlement }).await
}

/// The fields of an answer come as `answer.NAME`; those left empty are not given.
pub async fn answer(
    may: Operator,
    At(path): At<JobPath>,
    Posted(asked): Posted<BTreeMap<String, String>>,
) -> Result<Response, Fault> {
    let step = asked.get("step").cloned().unwrap_or_default();
    let words = asked.into_iter().filter_map(|(name, word)| {
        let name = name.strip_prefix("answer.")?.to_owned();
        (!word.trim().is_empty()).then_some((name, word))
    });
    let (step, given) = (StepPath(step.into()), Given::Words(words.collect()));
    act(&may, path.job, Command::Answer { step, given }).await
}

async fn act(may: &Operator, job: i64, command: Command) -> Result<Response, Fault> {
    may.site.service.command(&By::page(&may.person.name), job, command).await?;
    Ok(back(&format!("/jobs/{job}")))
}

/// Leaves the first and the troubled steps when there are too many; returns how many are left out.
fn trim(story: &mut Story) -> usize {
    let all = story.steps.len();
    if all > MOST_STEPS {
        let mut place = 0;
        story.steps.retain(|step| {
            place += 1;
            let calm = matches!(step.state, StepState::Done | StepState::LeftOut)
                && step.warnings.is_empty();
            !calm || place <= MOST_STEPS / 2
        });
        story.steps.truncate(MOST_STEPS);
    }
    all - story.steps.len()
}

/// Returns the held writes of a job with the requests that each would send.
async fn held(service: &Service, story: &Story, room: &mut usize) -> Vec<Value> {
    let held = story.steps.iter().filter(|step| step.state == StepState::Held);
    let paths: Vec<&str> = held.map(|step| step.path.as_str()).collect();
    if paths.is_empty() {
        return Vec::new();
    }
    let command = format!("`recipe-runner jobs show {} --requests` shows it", story.job);
    let (writes, why) = match tokio::time::timeout(PATIENCE, service.held(story.job)).await {
        Ok(Ok(writes)) => (writes, command),
        Ok(Err(trouble)) => (Vec::new(), trouble.message),
        Err(_) => (Vec::new(), format!("what it has to ask before takes long. {command}")),
    };
    let write = |path: &str| {
        let Some(write) = writes.iter().find(|write| write.path == path) else {
            return shown! { path, requests => [(); 0], why };
        };
        let requests: Vec<Value> = write
            .requests
            .iter()
            .map(|one| render::request(one, |text| fitted(text, room)))
            .collect();
        shown! { path, requests, why => write.failure }
    };
    paths.into_iter().map(write).collect()
}

/// Returns the steps as the page shows them, which has used that much of its room already. What there is no room for is
/// said to be elsewhere; the steps that are in trouble come first for it.
fn steps(all: &[StepStory], used: usize) -> Vec<Value> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|place| matches!(all[*place].state, StepState::Done | StepState::LeftOut));
    let mut room = MOST_SHOWN.saturating_sub(all.len() * FRAME + used);
    let mut shown = vec![Value::Null; all.len()];
    for place in order {
        shown[place] = step(&all[place], &mut room);
    }
    shown
}

/// Takes room for a text; one that does not fit gives way to a word that says so.
fn fitted(text: String, room: &mut usize) -> String {
    // What HTML writes in its own way is longer there.
    let takes = text.len() + 5 * text.bytes().filter(|one| b"\"<>&'/`".contains(one)).count();
    if takes <= *room {
        *room -= takes;
        return text;
    }
    "there is no room for it here: the API gives it".into()
}

fn step(step: &StepStory, room: &mut usize) -> Value {
    let (class, state) = words(step.state);
    let earlier = step.failures.len().saturating_sub(MOST_FAILURES);
    let failures: Vec<Value> = step.failures[earlier..]
        .iter()
        .map(|one| {
            let mut one = one.clone();
            one.message = fitted(one.message, room);
            one.hint = one.hint.map(|hint| fitted(hint, room));
            if let Some(exchange) = &mut one.exchange {
                exchange.answer = exchange.answer.take().map(|answer| fitted(answer, room));
            }
            serde_json::to_value(one).expect("our own values serialise")
        })
        .collect();
    let drawn = step.drawn.clone().map(|drawn| fitted(drawn, room));
    let mut value = |value: &Option<serde_json::Value>| {
        let text =
            value.as_ref().filter(|value| !value.is_null()).map(|value| format!("{value:#}"))?;
        let cut = text.char_indices().nth(MOST_LETTERS).map(|(at, _)| at);
        let text = match cut {
            Some(at) => format!(
                "{}\n… {} more bytes: the API gives all of it",
                &text[..at],
                text.len() - at
            ),
            None => text,
        };
        Some(fitted(text, room))
    };
    shown! {
        path => step.path, does => step.does, title => step.title, place => step.place, class, state,
        attempts => step.attempts, began_at => step.began_at.to_string(), last_at => step.last_at.to_string(),
        took => took(step), input => value(&step.input), output => value(&step.output), recovered => step.recovered,
        warnings => &step.warnings, choice => step.choice, failures, earlier, drawn,
        opens => matches!(step.state, StepState::Failed | StepState::Unknown | StepState::Held),
    }
}

/// Returns how long a step took, for people.
fn took(step: &StepStory) -> String {
    let milliseconds = step.last_at.duration_since(step.began_at).as_millis().max(0);
    match milliseconds {
        0..=999 => format!("{milliseconds} ms"),
        1000..=119_999 => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
        _ => format!("{} min", milliseconds / 60_000),
    }
}

/// Returns the steps as bars on a time-line a thousand units wide.
fn bars(story: &Story, now: jiff::Timestamp) -> Vec<Value> {
    let Some(begin) = story.steps.iter().map(|step| step.began_at).min() else { return Vec::new() };
    let running = |step: &StepStory| matches!(step.state, StepState::Calling);
    let ends = |step: &StepStory| if running(step) { now.max(step.last_at) } else { step.last_at };
    let end = story.steps.iter().map(ends).max().unwrap_or(begin);
    let whole = end.duration_since(begin).as_micros().max(1);
    let place =
        |at: jiff::Timestamp| at.duration_since(begin).as_micros().clamp(0, whole) * 1000 / whole;
    let bar = |(row, step): (usize, &StepStory)| {
        let (from, to) = (place(step.began_at), place(ends(step)));
        let (class, state) = words(step.state);
        shown! { path => step.path, class, state, took => took(step), y => row * 22, x => from.min(994), width => (to - from).max(6) }
    };
    story
        .steps
        .iter()
        .filter(|step| step.state != StepState::LeftOut)
        .take(40)
        .enumerate()
        .map(bar)
        .collect()
}

fn words(state: StepState) -> (&'static str, &'static str) {
    match state {
        StepState::Done => ("succeeded", "done"),
        StepState::LeftOut => ("skipped", "left out"),
        StepState::Calling => ("running", "calling"),
        StepState::Waiting => ("waiting", "waiting"),
        StepState::Asking => ("needs_attention", "waits for an answer"),
        StepState::Held => ("needs_attention", "held for a person"),
        StepState::Retrying => ("waiting", "will be tried again"),
        StepState::Unknown => ("needs_attention", "outcome unknown"),
        StepState::Failed => ("failed", "failed"),
    }
}
