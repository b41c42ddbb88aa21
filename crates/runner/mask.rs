//! Masking: what `settings.mask` of a recipe names is hidden wherever a job is read. The journal keeps it whole.

use engine::JobError;
use serde_json::{Value, json};

use crate::{
    request::{JobLine, RecipeLine},
    story::{Story, without_rounds},
};

/// What stands where a masked value was.
pub const MASKED: &str = "***";
/// What stands where a viewer sees nothing.
const UNSEEN: &str = "not shown to the role viewer";
/// Shorter texts are hidden where they stand alone only; in longer ones they would hide too much, every `a` of a word.
const SHORTEST: usize = 3;

/// Returns the story without the hidden texts, wherever they went: inputs, outputs, messages, the label.
pub fn apply(story: Story, hidden: &[String]) -> Story {
    if hidden.is_empty() {
        return story;
    }
    let mut value = serde_json::to_value(&story).expect("our own values serialise");
    for part in ["label", "note", "steps", "questions", "outcome"] {
        if let Some(part) = value.get_mut(part) {
            hide(part, hidden);
        }
    }
    // Rather too little is shown than what is to be hidden.
    serde_json::from_value(value).unwrap_or_else(|_| for_viewer(story))
}

/// Returns the texts that the paths of a recipe's `mask` name in a job.
pub fn hidden(story: &Story, event: &Value, paths: &[String]) -> Vec<String> {
    let mut hidden = of_event(event, paths);
    for step in &story.steps {
        if let Some(output) = &step.output {
            hidden.extend(of_step(&step.path, &step.does, output, paths));
        }
    }
    longest_first(&mut hidden);
    hidden
}

/// Returns the texts that the paths of a recipe's `mask` name in what a job begins with: its event, or the input of a
/// called one.
pub fn of_event(event: &Value, paths: &[String]) -> Vec<String> {
    let mut hidden = Vec::new();
    for (root, rest) in paths.iter().map(|path| split(path)) {
        if matches!(root, "event" | "input") {
            reach(event, rest, &mut |value| texts(value, &mut hidden));
        }
    }
    hidden
}

/// Returns every text in a body, which is JSON.
pub fn all_of(body: &[u8]) -> Vec<String> {
    let mut hidden = Vec::new();
    texts(&serde_json::from_slice(body).unwrap_or_default(), &mut hidden);
    hidden
}

/// Returns the texts that the paths of a recipe's `mask` name in what a step gave: its output, or the variables it set.
pub fn of_step(step: &str, does: &str, output: &Value, paths: &[String]) -> Vec<String> {
    let name = without_rounds(step);
    let own = name.rsplit('.').next().unwrap_or_default();
    let mut hidden = Vec::new();
    for (root, rest) in paths.iter().map(|path| split(path)) {
        let (id, within) = split(rest);
        match root {
            "steps" if id == own => reach(output, within, &mut |value| texts(value, &mut hidden)),
            "vars" if does == "set" => reach(output, rest, &mut |value| texts(value, &mut hidden)),
            _ => {}
        }
    }
    hidden
}

/// Returns whether a path is one into what a job begins with.
pub fn is_of_event(path: &str) -> bool {
    matches!(split(path).0, "event" | "input")
}

fn split(path: &str) -> (&str, &str) {
    path.split_once('.').unwrap_or((path, ""))
}

/// Puts the longest first: a part of a hidden text must not break up the whole.
pub fn longest_first(hidden: &mut [String]) {
    hidden.sort_by_key(|text| std::cmp::Reverse(text.len()));
}

/// Returns the story as a viewer sees it: which steps there were, how they went and when, and no value at all.
///
/// Nothing is searched and replaced: what a vendor answers may hold a name in a form that the event has not. So every
/// text that can come from data is left out, and what remains are the recipe's own words, codes and moments.
pub fn for_viewer(mut story: Story) -> Story {
    story.label = initials(&story.label);
    story.note = if story.note.is_empty() { String::new() } else { UNSEEN.into() };
    for step in &mut story.steps {
        (step.input, step.output, step.drawn, step.choice) = (None, None, None, None);
        for warning in &mut step.warnings {
            warning.message = UNSEEN.into();
        }
        for failure in &mut step.failures {
            failure.message = UNSEEN.into();
            (failure.hint, failure.exchange) = (None, None);
        }
    }
    for question in &mut story.questions {
        question.ask = UNSEEN.into();
    }
    for one in &mut story.interventions {
        if let Some((words, _)) = one.what.split_once("could not say") {
            one.what = format!("{words}could not say whether it happened");
        }
    }
    if let Some(outcome) = &mut story.outcome {
        outcome.message = UNSEEN.into();
        outcome.output = None;
        outcome.error = outcome.error.take().map(error_for_viewer);
        for warning in &mut outcome.warnings {
            warning.message = UNSEEN.into();
        }
    }
    story
}

/// Returns a job in a list as a viewer sees it.
pub fn line_for_viewer(mut line: JobLine) -> JobLine {
    line.label = initials(&line.label);
    line.note = if line.note.is_empty() { String::new() } else { UNSEEN.into() };
    line
}

/// Returns how a recipe stands as a viewer sees it: without what a vendor said.
pub fn recipe_for_viewer(mut line: RecipeLine) -> RecipeLine {
    if let Some(error) = line.source.as_mut().and_then(|source| source.error.as_mut()) {
        *error = UNSEEN.into();
    }
    line
}

fn error_for_viewer(mut error: JobError) -> JobError {
    error.message = UNSEEN.into();
    error.hint = String::new();
    error.exchange = None;
    error.others = error.others.into_iter().map(error_for_viewer).collect();
    error
}

/// Returns the first letters of a name: enough to talk about it, too little to know whose it is.
fn initials(label: &str) -> String {
    let letters =
        label.split_whitespace().filter_map(|word| word.chars().find(|one| one.is_alphabetic()));
    let letters: Vec<String> = letters.take(3).map(|letter| format!("{letter}.")).collect();
    letters.join(" ")
}

/// Returns the story with the queries of links cut off: a link to an attachment is a secret as long as it lives.
pub fn links(mut story: Story) -> Story {
    for step in &mut story.steps {
        for value in [&mut step.input, &mut step.output].into_iter().flatten() {
            cut_queries(value);
        }
    }
    story
}

/// Cuts the queries of links off.
pub fn cut_queries(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with("https://") || text.starts_with("http://") => {
            if let Some((address, _)) = text.split_once('?') {
                *text = format!("{address}?{MASKED}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(cut_queries),
        Value::Object(fields) => fields.values_mut().for_each(cut_queries),
        _ => {}
    }
}

/// Visits what a path reaches; a list on the way stands for each of its items.
fn reach(value: &Value, path: &str, visit: &mut dyn FnMut(&Value)) {
    if path.is_empty() {
        return visit(value);
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| reach(item, path, visit)),
        Value::Object(fields) => {
            let (name, rest) = path.split_once('.').unwrap_or((path, ""));
            if let Some(value) = fields.get(name) {
                reach(value, rest, visit);
            }
        }
        _ => {}
    }
}

/// Collects every text and number in a value.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.is_empty() => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, found)),
        _ => {}
    }
}

/// Hides texts in a part of a story. Our own words around values stay: names and places of steps are the recipe's,
/// moments and counts are nobody's secret.
pub fn hide(value: &mut Value, hidden: &[String]) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match name.as_str() {
                    "path" | "does" | "place" | "state" | "status" | "at" => {}
                    name if name.ends_with("_at") => {}
                    "input" | "output" | "answer" | "items" => hide_values(field, hidden),
                    _ => hide(field, hidden),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, hidden)),
        Value::String(text) => hide_text(text, hidden),
        _ => {}
    }
}

/// Hides texts and numbers wherever they are in a value of an event or a vendor.
pub fn hide_values(value: &mut Value, hidden: &[String]) {
    match value {
        Value::String(text) => hide_text(text, hidden),
        Value::Number(number) if hidden.contains(&number.to_string()) => *value = json!(MASKED),
        Value::Array(items) => items.iter_mut().for_each(|item| hide_values(item, hidden)),
        Value::Object(fields) => fields.values_mut().for_each(|field| hide_values(field, hidden)),
        _ => {}
    }
}

/// Hides texts that another one is, or holds.
pub fn hide_text(text: &mut String, hidden: &[String]) {
    if hidden.contains(text) {
        *text = MASKED.into();
        return;
    }
    for one in hidden.iter().filter(|one| one.chars().count() >= SHORTEST) {
        if text.contains(one.as_str()) {
            *text = text.replace(one.as_str(), MASKED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_through_lists_reaches_every_item() {
        let event =
            json!({ "mails": [{ "value": "ann@a.example" }, { "value": "bob@b.example" }] });
        let mut found = Vec::new();
        reach(&event, "mails.value", &mut |value| texts(value, &mut found));
        assert_eq!(found, ["ann@a.example", "bob@b.example"]);
    }

    #[test]
    fn every_root_of_a_masked_path_reaches_its_values() {
        let of = |paths: &[&str]| paths.iter().map(|&path| path.to_owned()).collect::<Vec<_>>();
        let event = json!({ "candidate": { "mail": "ann@a.example" }, "salary": 80_000 });
        assert_eq!(of_event(&event, &of(&["event.candidate"])), ["ann@a.example"]);
        assert_eq!(of_event(&event, &of(&["input.salary"])), ["80000"]);
        assert_eq!(of_event(&event, &of(&["event"])), ["ann@a.example", "80000"]);
        assert!(of_event(&event, &of(&["steps.salary", "vars.salary"])).is_empty());
        let output = json!({ "id": "9001", "whom": "Ann" });
        let found = |step, does, paths: &[&str]| of_step(step, does, &output, &of(paths));
        assert_eq!(found("documents[2].upload", "goco.upload", &["steps.upload.id"]), ["9001"]);
        assert_eq!(found("upload", "goco.upload", &["steps.upload"]), ["9001", "Ann"]);
        assert_eq!(found("set_1", "set", &["vars.whom"]), ["Ann"]);
        assert!(found("upload", "goco.upload", &["steps.other.id", "vars.id"]).is_empty());
        assert!(is_of_event("event") && is_of_event("input.a") && !is_of_event("steps.a"));
    }

    #[test]
    fn links_are_shown_without_what_opens_them() {
        let mut value = json!([{ "url": "https://a.example/f.pdf?sig=1" }, "why? because"]);
        cut_queries(&mut value);
        assert_eq!(value, json!([{ "url": "https://a.example/f.pdf?***" }, "why? because"]));
    }

    #[test]
    fn what_is_masked_is_hidden_inside_other_texts_too() {
        let mut value = json!({
            "input": { "mail": "ann@a.example", "salary": 80_000, "grade": "7", "of": ["7a"] },
            "message": "nobody at ann@a.example, 7", "path": "ann@a.example", "at": 80_000,
            "attempts": 7, "exchange": { "status": 80_000 },
        });
        hide(&mut value, &["ann@a.example".into(), "80000".into(), "7".into()]);
        assert_eq!(
            value,
            json!({
                "input": { "mail": "***", "salary": "***", "grade": "***", "of": ["7a"] },
                "message": "nobody at ***, 7", "path": "ann@a.example", "at": 80_000,
                "attempts": 7, "exchange": { "status": 80_000 },
            })
        );
    }
}
