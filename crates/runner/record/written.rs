//! The files of a recorded case: its event, its exchanges, and its lines in the test file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use engine::simulate::record::{RecordedCall, RecordedEvent, Recording};
use recipe::{Case, EffectSpec, Recipe, Reply, Script, Source, StepKind};
use serde_json::{Value, json};

use crate::exit::Trouble;

/// Where a recorded case is written.
pub struct Written<'a> {
    dir: &'a Path,
    name: &'a str,
    /// The test file, relative to the project folder.
    pub tests: String,
    /// The folder of the exchanges, relative to the project folder.
    pub folder: String,
}

impl<'a> Written<'a> {
    /// Returns where the case `name` of a recipe belongs.
    pub fn new(dir: &'a Path, recipe: &str, name: &'a str) -> Self {
        let folder = format!("recordings/{recipe}/{}", plain(name));
        let tests = format!("recipes/{recipe}.test.yaml");
        Self { dir, name, tests, folder }
    }

    /// Says what to do when the folder is there already.
    pub fn is_free(&self) -> Result<(), Trouble> {
        if self.path(&self.folder).exists() {
            return Err(Trouble::usage(format!("there is a recording `{}` already", self.folder))
                .cure("remove that folder, or give this one another name: `--as NAME`"));
        }
        Ok(())
    }

    /// Returns the lines of the case.
    pub fn case(&self, recipe: &Recipe, case: &Case, recording: &Recording) -> String {
        let mut text = format!("- name: {}\n", quoted(self.name));
        match &recording.event {
            RecordedEvent::Body(_) => {
                line(
                    &mut text,
                    2,
                    &format!("event: {{ file: {} }}", quoted(&self.beside("event.json"))),
                );
            }
            RecordedEvent::Payload(payload) if recipe.trigger().is_none() => {
                line(&mut text, 2, "input:");
                block(&mut text, 4, payload);
            }
            RecordedEvent::Payload(payload) => {
                line(&mut text, 2, "event:");
                line(&mut text, 4, "payload:");
                block(&mut text, 6, payload);
            }
        }
        line(&mut text, 2, &format!("now: {}", case.now));
        if !case.properties.is_empty() {
            line(&mut text, 2, "properties:");
            block(&mut text, 4, &json!(case.properties));
        }
        let calls = self.answers(&recording.calls);
        if !calls.is_empty() || !recording.replies.is_empty() {
            line(&mut text, 2, "replies:");
        }
        for (path, answers) in calls {
            let answers = match answers.as_slice() {
                [one] => one.clone(),
                several => format!("[{}]", several.join(", ")),
            };
            line(&mut text, 4, &format!("{path}: {answers}"));
        }
        for (selector, script) in &recording.replies {
            line(&mut text, 4, &format!("{selector}: {}", script_text(script)));
        }
        line(&mut text, 2, "expect:");
        line(&mut text, 4, &format!("status: {}", recording.played.status));
        let writes = writes(recipe, recording);
        if !writes.is_empty() {
            line(&mut text, 4, "steps:");
        }
        for (step, count) in writes {
            let ran = if count == 0 { "not_run".into() } else { format!("{{ count: {count} }}") };
            line(&mut text, 6, &format!("{step}: {ran}"));
        }
        text
    }

    /// Writes all files; returns the test file as it is now.
    pub fn write(
        &self,
        recording: &Recording,
        before: Option<&str>,
        case: &str,
    ) -> Result<Arc<Source>, Trouble> {
        let folder = self.path(&self.folder);
        fs::create_dir_all(&folder).map_err(|error| Trouble::file("make", &folder, &error))?;
        let put = |name: &str, content: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, content).map_err(|error| Trouble::file("write", &path, &error))
        };
        if let RecordedEvent::Body(body) = &recording.event {
            put("event.json", body)?;
        }
        for (name, call) in file_names(&recording.calls).into_iter().zip(&recording.calls) {
            if !call.exchanges.is_empty() {
                let text = serde_json::to_string_pretty(&call.exchanges).expect("JSON is text");
                put(&name, format!("{text}\n").as_bytes())?;
            }
        }
        let text = appended(before, case);
        let path = self.path(&self.tests);
        fs::write(&path, &text).map_err(|error| Trouble::file("write", &path, &error))?;
        Ok(Source::new(&self.tests, &text))
    }

    /// Takes everything away again that was written; `before` is what the test file was.
    pub fn take_back(&self, before: Option<&str>) {
        drop(fs::remove_dir_all(self.path(&self.folder)));
        let tests = self.path(&self.tests);
        drop(match before {
            Some(text) => fs::write(tests, text),
            None => fs::remove_file(tests),
        });
    }

    /// Returns the replies by step path, in order.
    fn answers(&self, calls: &[RecordedCall]) -> Vec<(String, Vec<String>)> {
        let mut answers: Vec<(String, Vec<String>)> = Vec::new();
        for (name, call) in file_names(calls).into_iter().zip(calls) {
            let answer = match &call.gave {
                _ if !call.exchanges.is_empty() => {
                    format!("{{ http: {} }}", quoted(&self.beside(&name)))
                }
                Ok(output) => output.to_string(),
                Err((code, message)) => {
                    json!({ "fail": { "code": code, "message": message } }).to_string()
                }
            };
            match answers.iter_mut().find(|(path, _)| *path == call.path) {
                Some((_, several)) => several.push(answer),
                None => answers.push((call.path.clone(), vec![answer])),
            }
        }
        answers
    }

    /// Returns the name of a file of the recording, as the test file says it.
    fn beside(&self, name: &str) -> String {
        format!("../{}/{name}", self.folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// Returns the names of the files of the calls, each once: `documents-0-upload.json`, `documents-0-upload-2.json`.
fn file_names(calls: &[RecordedCall]) -> Vec<String> {
    let mut taken = BTreeSet::from(["event.json".to_owned()]);
    let name = |call: &RecordedCall| {
        let stem = plain(&call.path);
        let numbered = |number: usize| match number {
            1 => format!("{stem}.json"),
            number => format!("{stem}-{number}.json"),
        };
        let free = (1..=calls.len() + 1)
            .map(numbered)
            .find(|name| !taken.contains(name))
            .unwrap_or_default();
        taken.insert(free.clone());
        free
    };
    calls.iter().map(name).collect()
}

/// Returns how often each write ran, in all rounds.
fn writes<'r>(recipe: &'r Recipe, recording: &Recording) -> Vec<(&'r str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for run in recording.played.steps.iter().filter(|run| run.input.is_some()) {
        let name = run.path.0.rsplit('.').next().unwrap_or_default();
        *counts.entry(name).or_default() += 1;
    }
    let write = |step: &'r recipe::Step| match &step.kind {
        StepKind::Action(action) if action.effect != EffectSpec::Read => {
            let id = step.id.as_deref()?;
            Some((id, counts.get(&*step.name).copied().unwrap_or(0)))
        }
        _ => None,
    };
    recipe.all_steps().filter_map(write).collect()
}

/// Returns a test file with the case at its end.
fn appended(before: Option<&str>, case: &str) -> String {
    let mut text = match before {
        Some(before) => format!("{}\n", before.trim_end()),
        None => "cases:\n".into(),
    };
    // As deep as the last case before it.
    let items = text.lines().rev().find(|line| line.trim_start().starts_with("- name:"));
    let indent = items.map_or(2, |line| line.len() - line.trim_start().len());
    for one in case.lines() {
        writeln!(text, "{:indent$}{one}", "").expect("a text takes what is written");
    }
    text
}

fn script_text(script: &Script) -> String {
    let reply = |reply: &Reply| match reply {
        Reply::Output(output, _) => output.to_string(),
        Reply::Fail(fail) => {
            json!({ "fail": { "code": fail.code, "message": fail.message } }).to_string()
        }
        Reply::Timeout | Reply::LookUp(_) | Reply::Http(_) => "timeout".into(),
    };
    match script.replies.as_slice() {
        [one] if script.every_call => reply(one),
        several => format!("[{}]", several.iter().map(reply).collect::<Vec<_>>().join(", ")),
    }
}

fn line(text: &mut String, indent: usize, line: &str) {
    writeln!(text, "{:indent$}{line}", "").expect("a text takes what is written");
}

/// Writes a value as JSON, which is YAML too, line by line.
fn block(text: &mut String, indent: usize, value: &Value) {
    let value = serde_json::to_string_pretty(value).expect("JSON is text");
    for one in value.lines() {
        line(text, indent, one);
    }
}

/// Returns a text that YAML reads as that text.
fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || " _./-".contains(letter);
    let begins = text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '.');
    if begins
        && text.chars().all(plain)
        && !text.ends_with(' ')
        && text.contains(' ') | text.contains('/')
    {
        text.into()
    } else {
        Value::from(text).to_string()
    }
}

/// Returns a text as the name of a file: letters, digits and single dashes.
fn plain(text: &str) -> String {
    let words =
        text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}
