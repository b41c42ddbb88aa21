//! Drives the machine through a case: replies from the script, time that jumps to whatever is waited for.

use std::{collections::HashMap, sync::Arc};

use connector::{Failure, FailureKind, Warning};
use jiff::Timestamp;
use recipe::{
    ActionSpec, Case, EffectSpec, Fail, FailKind, LookedUp, Recipe, Reply, Scope, Script, Selector,
    Steps,
};
use serde_json::{Value, json};

use super::{Bench, Played, Problem};
use crate::{
    journal::{Choice, Entry, JobId, Kind, Status, StepPath, Verdict},
    machine::{Decision, Due, JobFacts, Machine, What},
};

/// What the job's page would be called; no page exists.
const URL: &str = "http://localhost/jobs/1";

/// What one step did, in one round.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRun {
    /// The step path.
    pub path: StepPath,
    /// What it was called with; `None` for a step that is not an action.
    pub input: Option<Arc<Value>>,
    /// How often it was called.
    pub attempts: u32,
    /// What it gave; `None` when it failed, and for `if` and loops.
    pub output: Option<Arc<Value>>,
    /// Why its last attempt failed.
    pub failure: Option<String>,
}

/// A call that the script does not answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Stuck {
    /// The step path.
    pub path: StepPath,
    /// The action, such as `goco.create_employee`.
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
}

/// Plays a case until the job is over, waits for a person, or has a call without a reply.
pub(super) fn play(
    bench: &Bench<'_>,
    case: &Case,
    recipe: &Arc<Recipe>,
    event: Value,
) -> Result<(Played, Option<Stuck>), Problem> {
    let event = Arc::new(event);
    let tables = bench.tables(case);
    let properties = Arc::new(bench.properties(case));
    let scope = Scope {
        input: None,
        event: event.clone(),
        job: Arc::new(
            json!({ "id": "1", "url": URL, "label": "", "started_at": null, "warnings": [] }),
        ),
        properties: properties.clone(),
        vars: Arc::new(json!({})),
        steps: Arc::new(Steps::default()),
        locals: Arc::default(),
        error: None,
        outcome: None,
        now: case.now,
        tables: tables.clone(),
    };
    let of_recipe = |what: &str, message: String| Problem {
        message: format!("the recipe's `{what}` has no value for this event: {message}"),
        help: Vec::new(),
        span: case.span,
    };
    let label = match &recipe.label {
        None => String::new(),
        Some(label) => {
            match label.evaluate(&scope).map_err(|error| of_recipe("label", error.message))? {
                Value::String(text) => text,
                other => other.to_string(),
            }
        }
    };
    let when = recipe.trigger().and_then(|trigger| trigger.when.as_ref());
    let wanted = when.map_or(Ok(true), |when| when.is_true(&scope));
    if !wanted.map_err(|error| of_recipe("trigger.when", error.message))? {
        return Ok((Played { status: "filtered", label, ..Played::nothing() }, None));
    }
    let job = JobFacts { id: JobId(1), url: URL.into(), label: label.clone(), seed: 1 };
    let machine = Machine::new(recipe.clone(), tables, properties, event, job);
    let mut driver = Driver {
        bench,
        machine,
        journal: Vec::new(),
        now: case.now,
        script: ScriptReader { replies: &case.replies, given: HashMap::new() },
    };
    let end = driver.run(recipe).map_err(|misfit| Problem {
        message: format!("this is a fault of recipe-runner: {misfit}"),
        help: Vec::new(),
        span: case.span,
    })?;
    let (status, outcome, attention, stuck) = match end {
        End::Over => {
            let outcome = driver.machine.outcome().cloned();
            let status = outcome.as_ref().map_or(Status::Failed, |outcome| outcome.status);
            (status.word(), outcome, Vec::new(), None)
        }
        End::Attention(why) => (Status::NeedsAttention.word(), None, why, None),
        End::Stuck(stuck) => (Status::Running.word(), None, Vec::new(), Some(*stuck)),
    };
    let steps = runs(&driver.journal);
    Ok((Played { status, outcome, attention, label, steps, journal: driver.journal }, stuck))
}

enum End {
    Over,
    Attention(Vec<String>),
    Stuck(Box<Stuck>),
}

struct Driver<'a> {
    bench: &'a Bench<'a>,
    machine: Machine,
    journal: Vec<Entry>,
    now: Timestamp,
    script: ScriptReader<'a>,
}

impl Driver<'_> {
    fn run(&mut self, recipe: &Recipe) -> Result<End, String> {
        let pins = Kind::Opened {
            version: recipe.version.clone(),
            tables: String::new(),
            properties: String::new(),
        };
        self.append(&StepPath::root(), pins)?;
        loop {
            let decision = self.machine.decide();
            self.keep_made();
            let (calls, wake_at, attention) = match decision {
                Decision::Finish(outcome) => {
                    self.append(&StepPath::root(), Kind::Finished { outcome })?;
                    return Ok(End::Over);
                }
                Decision::Open { calls, wake_at, attention, .. } => (calls, wake_at, attention),
            };
            // One call at a time, in path order: the machine says again what else is due.
            if let Some(due) = calls.into_iter().next() {
                if let Some(stuck) = self.call(due)? {
                    return Ok(End::Stuck(Box::new(stuck)));
                }
            } else if !attention.is_empty() {
                return Ok(End::Attention(attention.into_iter().map(|one| one.why).collect()));
            } else if wake_at.is_some()
                && let Some((moment, path)) = self.machine.timers().into_iter().next()
            {
                self.now = self.now.max(moment);
                self.append(&path, Kind::Fired)?;
            } else {
                return Err("the job neither goes on nor waits for anything".into());
            }
        }
    }

    fn call(&mut self, due: Due) -> Result<Option<Stuck>, String> {
        let spec = self.spec(&due).cloned();
        let settle = match spec.as_ref().map(|spec| spec.effect) {
            Some(EffectSpec::Write { looks_up: true, settle }) => Some(settle),
            _ => None,
        };
        let reply = match self.script.answer(&due) {
            Ok(reply) => reply,
            Err(why) => return Ok(Some(stuck(due, why, spec.as_ref()))),
        };
        let looking_up = due.what == What::LookUp;
        if !looking_up {
            let (attempt, input) = (due.attempt, due.input.clone());
            self.append(&due.path, Kind::Started { attempt, input, once: None })?;
        }
        let kind = match reply {
            Reply::Output(output, warnings) => {
                let warning = |(code, message)| Warning { code, message };
                let warnings = warnings.into_iter().map(warning).collect();
                Kind::Succeeded { output, recovered: false, warnings }
            }
            Reply::Fail(fail) => {
                self.machine.failed(&due.path, failure(fail), self.now, looking_up, settle)
            }
            Reply::LookUp(found) => Kind::Resolved {
                by: "look-up".into(),
                verdict: match found {
                    LookedUp::Found(output) => Verdict::Happened { output },
                    LookedUp::Absent => Verdict::NotHappened {
                        retry_at: self.machine.next_attempt(&due.path, self.now, None),
                    },
                    LookedUp::Inconclusive(why) => Verdict::Inconclusive { why },
                },
            },
        };
        self.append(&due.path, kind)?;
        Ok(None)
    }

    fn spec(&self, due: &Due) -> Option<&ActionSpec> {
        let of_connector =
            self.bench.connectors.iter().filter(|connector| connector.name == due.connector);
        of_connector
            .flat_map(|connector| &connector.actions)
            .find(|action| action.name == due.action)
            .map(|action| &action.spec)
    }

    fn append(&mut self, path: &StepPath, kind: Kind) -> Result<(), String> {
        let entry = self.machine.entry(path, self.now, kind);
        let applied = self.machine.apply(&entry);
        self.journal.push(entry);
        self.keep_made();
        applied.map_err(|misfit| misfit.to_string())
    }

    fn keep_made(&mut self) {
        self.journal.extend(self.machine.take_made());
    }
}

/// The replies of a case, and how many of each were given.
struct ScriptReader<'a> {
    replies: &'a [(Selector, Script)],
    given: HashMap<usize, usize>,
}

impl ScriptReader<'_> {
    fn answer(&mut self, due: &Due) -> Result<Reply, Why> {
        let (at, (_, script)) = self
            .replies
            .iter()
            .enumerate()
            .filter(|(_, (selector, _))| selector.covers(&due.path.0))
            // The first of equally specific ones: those of the case stand before those of `given`.
            .rev()
            .max_by_key(|(_, (selector, _))| selector.specificity())
            .ok_or(Why::NoReply)?;
        let given = self.given.entry(at).or_default();
        let reply = script.answer(*given).ok_or(Why::UsedUp)?.clone();
        match (&reply, due.what) {
            (Reply::Output(..), What::LookUp) => return Err(Why::NeedsLookUp),
            (Reply::LookUp(_), What::Call) => return Err(Why::NeedsCall),
            _ => *given += 1,
        }
        Ok(reply)
    }
}

impl Played {
    fn nothing() -> Self {
        Self {
            status: "",
            outcome: None,
            attention: Vec::new(),
            label: String::new(),
            steps: Vec::new(),
            journal: Vec::new(),
        }
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

fn stuck(due: Due, why: Why, spec: Option<&ActionSpec>) -> Stuck {
    Stuck {
        action: format!("{}.{}", due.connector, due.action),
        path: due.path,
        input: due.input,
        why,
        example: spec.map_or_else(|| json!({}), |spec| recipe::example(&spec.output)),
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

fn failure(fail: Fail) -> Failure {
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

/// Folds a journal into what each step did.
fn runs(journal: &[Entry]) -> Vec<StepRun> {
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
            });
            runs.len() - 1
        });
        let run = &mut runs[at];
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
            Kind::Failed { failure, .. } => run.failure = Some(failure.message.clone()),
            _ => {}
        }
    }
    runs
}
