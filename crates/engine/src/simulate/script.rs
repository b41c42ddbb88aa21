//! The replies of a case, and what is said when there is none.

use std::{collections::HashMap, sync::Arc};

use connector::{Failure, FailureKind};
use recipe::{Case, Fail, FailKind, Reply, Script, Selector, Shape};
use serde_json::{Value, json};

use super::Problem;
use crate::{
    journal::StepPath,
    machine::{Ask, Child, Due, What},
};

/// A call that the script does not answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Stuck {
    /// The step path.
    pub path: StepPath,
    /// The action, such as `goco.create_employee`; for a call `call NAME`, for a question `wait_for`.
    pub action: String,
    /// What it was called with.
    pub input: Arc<Value>,
    /// What is wrong with the script.
    pub why: Why,
    /// What a reply could look like.
    pub example: Value,
}

/// Why a call has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There is no reply for the step.
    NoReply,
    /// The list of replies is shorter than the list of calls.
    UsedUp,
    /// The unknown outcome is looked up, and the reply is one to a call.
    NeedsLookUp,
    /// The step is called, and the reply is one to a look-up.
    NeedsCall,
    /// A person is asked without a time-out, and the reply is that nobody answers in time.
    NeverTimesOut,
}

/// The replies of a case, and how many of each were given.
#[derive(Clone)]
pub(super) struct ScriptReader<'a> {
    pub(super) replies: &'a [(Selector, Script)],
    pub(super) given: Given,
}

/// How many replies of each script were given.
pub(super) type Given = HashMap<usize, usize>;

impl ScriptReader<'_> {
    /// Returns the next answer to a call or look-up, and the script it is from; [`used`](Self::used) says that it is
    /// given.
    pub(super) fn answer(&self, due: &Due) -> Result<(usize, Reply), Why> {
        let (at, reply) = self.next(&due.path)?;
        match (&reply, due.what) {
            (Reply::Output(..) | Reply::Http(_), What::LookUp) => Err(Why::NeedsLookUp),
            (Reply::LookUp(_), What::Call) => Err(Why::NeedsCall),
            _ => Ok((at, reply)),
        }
    }

    /// Returns the next answer of the step at a path, and the script it is from.
    pub(super) fn next(&self, path: &StepPath) -> Result<(usize, Reply), Why> {
        let (at, (_, script)) = self
            .replies
            .iter()
            .enumerate()
            .filter(|(_, (selector, _))| selector.covers(&path.0))
            // The first of equally specific ones: those of the case stand before those of `given`.
            .rev()
            .max_by_key(|(_, (selector, _))| selector.specificity())
            .ok_or(Why::NoReply)?;
        let given = self.given.get(&at).copied().unwrap_or(0);
        Ok((at, script.answer(given).ok_or(Why::UsedUp)?.clone()))
    }

    /// Counts an answer as given.
    pub(super) fn used(&mut self, script: usize) {
        *self.given.entry(script).or_default() += 1;
    }
}

impl Stuck {
    /// Says which reply to add, with the input the step was called with.
    pub(super) fn problem(&self, case: &Case) -> Problem {
        let Self { path, action, input, .. } = self;
        let name = path.0.rsplit('.').next().unwrap_or_default();
        let with = format!("it was called with {input}");
        let (message, help) = match self.why {
            Why::NoReply => (
                format!("step `{path}` (`{action}`) has no reply"),
                vec![with, format!("add under `replies`: `{name}: {}`", flow(&self.example))],
            ),
            Why::UsedUp => (
                format!("step `{path}` (`{action}`) is called again after its last reply"),
                vec![
                    with,
                    format!(
                        "add another reply to the list of `{name}`, such as `{}`",
                        flow(&self.example)
                    ),
                    "a reply that is not in a list answers every call".into(),
                ],
            ),
            Why::NeedsLookUp => (
                format!(
                    "step `{path}` (`{action}`) is looked up after an unknown outcome, and its next reply is that of a call"
                ),
                vec![format!(
                    "add to the list of `{name}`: `look_up: absent`, `look_up: {{ found: {} }}` or `look_up: {{ inconclusive: why }}`",
                    flow(&self.example)
                )],
            ),
            Why::NeverTimesOut => (
                format!("step `{path}` asks without a `timeout`, so it waits for ever"),
                vec![format!("answer it: `{name}: {}`", flow(&self.example))],
            ),
            Why::NeedsCall => (
                format!(
                    "step `{path}` (`{action}`) is called, and its next reply is that of a look-up"
                ),
                vec![with, "a `look_up` reply follows a failure of `kind: unknown`".into()],
            ),
        };
        Problem { message, help, span: case.span }
    }
}

/// Says that a call or look-up has no answer.
pub(super) fn stuck(due: Due, why: Why, output: Option<&Shape>) -> Stuck {
    Stuck {
        action: format!("{}.{}", due.connector, due.action),
        path: due.path,
        input: due.input,
        why,
        example: output.map_or_else(|| json!({}), recipe::example),
    }
}

/// Says that a called recipe has no answer.
pub(super) fn stuck_child(child: Child, why: Why, output: Option<&Shape>) -> Stuck {
    Stuck {
        action: format!("call {}", child.recipe),
        path: child.path,
        input: child.input,
        why,
        example: output.map_or_else(|| json!({}), recipe::example),
    }
}

/// Says that a question has no answer.
pub(super) fn stuck_ask(ask: Ask, why: Why, answer: &Shape) -> Stuck {
    Stuck {
        action: "wait_for".into(),
        path: ask.path,
        input: Arc::new(ask.ask.into()),
        why,
        example: recipe::example(answer),
    }
}

/// Writes a value as YAML on one line, as it can be pasted into a test file.
fn flow(value: &Value) -> String {
    let plain = |key: &str| {
        key.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') && !key.is_empty()
    };
    match value {
        Value::Object(map) if map.is_empty() => "{}".into(),
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| {
                let key =
                    if plain(key) { key.clone() } else { Value::from(key.as_str()).to_string() };
                format!("{key}: {}", flow(value))
            };
            format!("{{ {} }}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Returns the failure that a case writes.
pub(super) fn failure(fail: Fail) -> Failure {
    Failure {
        kind: match fail.kind {
            FailKind::Permanent => FailureKind::Permanent,
            FailKind::Transient { after } => FailureKind::Transient { after },
            FailKind::Unknown => FailureKind::Unknown,
        },
        code: fail.code,
        message: fail.message,
        hint: fail.hint,
        exchange: None,
    }
}
