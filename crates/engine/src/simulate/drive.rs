//! Drives the machine through a case: replies from the script, time that jumps to whatever is waited for.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use connector::{Action, Warning};
use jiff::Timestamp;
use recipe::{
    Case, EffectSpec, LookedUp, Payload, Recipe, Reply, Scope, Shape, StepKind, Steps, Tables, Type,
};
use serde_json::{Value, json};

use super::{
    Bench, Played, Problem,
    keys::{Keys, OfTrigger},
    placeholder::placeholder,
    runs::{runs, unanswered},
    script::{Given, ScriptReader, Stuck, Why, failure, stuck, stuck_ask, stuck_child},
    wires,
};
use crate::{
    journal::{Choice, Entry, JobId, Kind, Status, StepPath, Verdict},
    machine::{Ask, Child, ChildStage, Decision, Due, JobFacts, Machine, What, names},
};

/// What the job's page would be called; no page exists.
const URL: &str = "http://localhost/jobs/1";

/// Plays a case until the job is over, waits for a person, or has a call without a reply.
pub(super) fn play(
    bench: &Bench<'_>,
    case: &Case,
    recipe: &Arc<Recipe>,
    event: Value,
    given_keys: Option<OfTrigger>,
) -> Result<(Played, Option<Stuck>), Problem> {
    let event = Arc::new(Payload::from(event));
    let tables = bench.tables(case);
    let properties = Arc::new(bench.properties(case));
    let called = recipe.trigger().is_none();
    let scope = Scope {
        input: called.then(|| Arc::new(event.view().to_value())),
        event: if called { Arc::default() } else { event.clone() },
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
    let keys =
        Keys::of(recipe, &scope, given_keys).map_err(|(what, message)| of_recipe(what, message))?;
    let job = JobFacts { id: JobId(1), url: URL.into(), label: label.clone(), seed: 1 };
    let stage = Stage { recipe: recipe.clone(), tables, properties, event, job };
    let fault = |misfit| Problem {
        message: format!("this is a fault of recipe-runner: {misfit}"),
        help: Vec::new(),
        span: case.span,
    };
    let mut driver = Driver::new(bench, case, &stage);
    let end = driver.run().map_err(fault)?;
    let (status, outcome, attention, stuck) = match end {
        End::Over => {
            let outcome = driver.machine.outcome().cloned();
            let status = outcome.as_ref().map_or(Status::Failed, |outcome| outcome.status);
            (status.word(), outcome, Vec::new(), None)
        }
        End::Attention(why) => (Status::NeedsAttention.word(), None, why, None),
        End::Stuck(stuck) => (Status::Running.word(), None, Vec::new(), Some(*stuck)),
        End::Broken(problem) => return Err(problem),
    };
    if bench.crash && stuck.is_none() {
        super::crash::cut(bench, case, &stage, &driver).map_err(|message| Problem {
            message,
            help: vec!["this is a fault of recipe-runner: please report it".into()],
            span: case.span,
        })?;
    }
    let mut steps = runs(&driver.journal);
    unanswered(&mut steps, recipe);
    let mut rows = stage.tables.watch.as_ref().map(|watch| watch.rows()).unwrap_or_default();
    rows.retain(|(table, _)| !case.tables.contains_key(table));
    let (journal, event) = (driver.journal, stage.event.view().to_value());
    Ok((Played { status, outcome, attention, label, keys, steps, journal, event, rows }, stuck))
}

/// What a machine of the case is made with.
pub(super) struct Stage {
    recipe: Arc<Recipe>,
    tables: Arc<Tables>,
    properties: Arc<Value>,
    event: Arc<Payload>,
    job: JobFacts,
}

impl Stage {
    fn machine(&self) -> Machine {
        Machine::new(
            self.recipe.clone(),
            self.tables.clone(),
            self.properties.clone(),
            self.event.clone(),
            self.job.clone(),
        )
    }
}

/// Where playing ended.
pub(super) enum End {
    /// The job is over.
    Over,
    /// It waits for a person, and why.
    Attention(Vec<String>),
    /// A call has no answer.
    Stuck(Box<Stuck>),
    /// A recording cannot be used, or a call cannot be made.
    Broken(Problem),
}

/// Plays one job of a case.
pub(super) struct Driver<'a> {
    bench: &'a Bench<'a>,
    recipe: &'a Arc<Recipe>,
    pub(super) machine: Machine,
    pub(super) journal: Vec<Entry>,
    /// How many replies were given when each entry was appended.
    pub(super) given: Vec<Given>,
    /// What each call was caused by. The journal does not say it, and a call that is made again must be the same.
    causes: HashMap<StepPath, String>,
    now: Timestamp,
    script: ScriptReader<'a>,
}

impl<'a> Driver<'a> {
    fn new(bench: &'a Bench<'a>, case: &'a Case, stage: &'a Stage) -> Self {
        Driver {
            bench,
            recipe: &stage.recipe,
            machine: stage.machine(),
            journal: Vec::new(),
            given: Vec::new(),
            causes: HashMap::new(),
            now: case.now,
            script: ScriptReader { replies: &case.replies, given: HashMap::new() },
        }
    }

    /// Returns a driver that goes on where the process died: after the first `at` entries of `before`.
    pub(super) fn resume(
        bench: &'a Bench<'a>,
        case: &'a Case,
        stage: &'a Stage,
        before: &Driver<'_>,
        at: usize,
    ) -> Result<Self, String> {
        let mut driver = Self::new(bench, case, stage);
        for entry in &before.journal[..at] {
            driver.machine.apply(entry).map_err(|misfit| misfit.to_string())?;
            driver.now = entry.at;
            driver.journal.push(entry.clone());
        }
        driver.given = before.given[..at].to_vec();
        driver.causes.clone_from(&before.causes);
        driver.script.given = driver.given.last().cloned().unwrap_or_default();
        Ok(driver)
    }

    pub(super) fn run(&mut self) -> Result<End, String> {
        if self.journal.is_empty() {
            let pins = Kind::Opened {
                version: self.recipe.version.clone(),
                tables: String::new(),
                properties: String::new(),
            };
            self.append(&StepPath::root(), pins)?;
        }
        // Calls that were under way when the process died: the look-up finds what they did, reads are made again.
        for mut due in self.machine.open_calls() {
            due.cause = self.causes.get(&due.path).cloned().unwrap_or_default();
            if let Some(end) = self.call(due, true)? {
                return Ok(end);
            }
        }
        loop {
            let decision = self.machine.decide();
            self.keep_made();
            let (calls, children, asks, wake_at, attention) = match decision {
                Decision::Finish(outcome) => {
                    if self.machine.standing().finished_at.is_none() {
                        self.append(&StepPath::root(), Kind::Finished { outcome })?;
                    }
                    return Ok(End::Over);
                }
                Decision::Open { calls, children, asks, wake_at, attention } => {
                    (calls, children, asks, wake_at, attention)
                }
            };
            let end = if let Some(due) = calls.into_iter().next() {
                // One call at a time, in path order: the machine says again what else is due.
                self.call(due, false)?
            } else if let Some(child) = children.into_iter().next() {
                self.child(child)?
            } else if let Some(path) =
                attention.iter().map(|one| &one.path).find(|path| self.is_held(path))
            {
                self.release(&path.clone())?
            } else if let Some(ask) = asks.into_iter().find(|ask| !self.times_out(ask)) {
                self.ask(ask)?
            } else if wake_at.is_some()
                && let Some((moment, path)) = self.machine.timers().into_iter().next()
            {
                self.now = self.now.max(moment);
                self.append(&path, Kind::Fired)?;
                None
            } else if attention.is_empty() {
                return Err("the job neither goes on nor waits for anything".into());
            } else {
                return Ok(End::Attention(attention.into_iter().map(|one| one.why).collect()));
            };
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    /// Answers a call or a look-up. `begun` says that its `Started` is in the journal already.
    fn call(&mut self, due: Due, begun: bool) -> Result<Option<End>, String> {
        let action = self.bench.action(&due.connector, &due.action).cloned();
        let settle = action.as_ref().and_then(settle_of);
        let (script, reply) = match self.script.answer(&due) {
            Ok(found) => found,
            Err(why) => {
                if let (Some(live), Some(action), What::Call) = (self.bench.live, &action, due.what)
                {
                    self.begin(&due)?;
                    let kind = match live(&due, action, self.now) {
                        Err(problem) => return Ok(Some(End::Broken(problem))),
                        Ok(Ok((output, warnings))) => {
                            let output = Arc::new(output);
                            Kind::Succeeded { output, recovered: false, warnings }
                        }
                        Ok(Err(failure)) => {
                            self.machine.failed(&due.path, failure, self.now, false, settle)
                        }
                    };
                    self.append(&due.path, kind)?;
                    return Ok(None);
                }
                let output = self.recipe.action_output(names::last_name(&due.path)).cloned();
                return Ok(Some(End::Stuck(Box::new(stuck(due, why, output.as_ref())))));
            }
        };
        let looking_up = due.what == What::LookUp;
        if !looking_up && !begun {
            self.begin(&due)?;
        }
        let kind = match reply {
            Reply::Output(output, warnings) => {
                let warning = |(code, message)| Warning { code, message };
                let warnings = warnings.into_iter().map(warning).collect();
                Kind::Succeeded { output, recovered: begun, warnings }
            }
            Reply::Fail(fail) => {
                self.machine.failed(&due.path, failure(fail), self.now, looking_up, settle)
            }
            Reply::Http(recording) => {
                let Some(action) = &action else { return Err("the action is gone".into()) };
                match wires::replay(self.bench, &recording, action, &due, self.now) {
                    Ok(Ok((output, warnings))) => {
                        Kind::Succeeded { output: Arc::new(output), recovered: begun, warnings }
                    }
                    Ok(Err(failure)) => {
                        self.machine.failed(&due.path, failure, self.now, looking_up, settle)
                    }
                    Err(broken) => return Ok(Some(End::Broken(broken))),
                }
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
            Reply::Timeout => return Err("an action is answered as if it were a question".into()),
        };
        self.script.used(script);
        self.append(&due.path, kind)?;
        Ok(None)
    }

    fn begin(&mut self, due: &Due) -> Result<(), String> {
        let (attempt, input) = (due.attempt, due.input.clone());
        self.causes.insert(due.path.clone(), due.cause.clone());
        self.append(&due.path, Kind::Started { attempt, input, once: None })
    }

    /// Answers a call of another recipe: its output, or how it fails.
    fn child(&mut self, child: Child) -> Result<Option<End>, String> {
        let (script, reply) = match self.script.next(&child.path) {
            // What runs in the background is the other recipe's to test.
            Err(Why::NoReply) if child.background => {
                if let Some(stand_ins) = self.bench.placeholders {
                    stand_ins.note(names::last_name(&child.path));
                }
                (None, Reply::Output(Arc::new(json!({ "job": CHILD.to_string() })), Vec::new()))
            }
            Err(why) => {
                let called = self.bench.project.recipes.get(&child.recipe);
                let output = called.map(|called| &called.output_shape);
                if let (Some(stand_ins), Some(output)) = (self.bench.placeholders, output) {
                    stand_ins.note(names::last_name(&child.path));
                    let output = placeholder(names::last_name(&child.path), output);
                    return self.give(&child, Reply::Output(Arc::new(output), Vec::new()));
                }
                return Ok(Some(End::Stuck(Box::new(stuck_child(child, why, output)))));
            }
            Ok((script, reply)) => (Some(script), reply),
        };
        if let Some(script) = script {
            self.script.used(script);
        }
        self.give(&child, reply)
    }

    fn give(&mut self, child: &Child, reply: Reply) -> Result<Option<End>, String> {
        let (path, attempt) = (&child.path, child.attempt);
        if child.stage == ChildStage::Due {
            let input = child.input.clone();
            self.append(path, Kind::Started { attempt, input, once: None })?;
        }
        if !matches!(child.stage, ChildStage::Running(_)) {
            self.append(path, Kind::Child { job: CHILD })?;
        }
        let kind = match reply {
            Reply::Fail(fail) => {
                Kind::Failed { failure: failure(fail), retry_at: None, looking_up: false }
            }
            Reply::Output(output, _) => {
                Kind::Succeeded { output, recovered: false, warnings: Vec::new() }
            }
            _ => return Err("a called recipe has a reply of another kind".into()),
        };
        self.append(path, kind)?;
        Ok(None)
    }

    /// Returns whether nobody answers a question until its time is over.
    fn times_out(&self, ask: &Ask) -> bool {
        ask.until.is_some() && matches!(self.script.next(&ask.path), Ok((_, Reply::Timeout)))
    }

    fn ask(&mut self, ask: Ask) -> Result<Option<End>, String> {
        let why = match self.script.next(&ask.path) {
            Ok((script, Reply::Output(answer, _))) => {
                self.script.used(script);
                self.append(&ask.path, Kind::Signalled { by: "the test".into(), answer })?;
                return Ok(None);
            }
            Ok(_) => Why::NeverTimesOut,
            Err(why) => why,
        };
        let asked = self.recipe.all_steps().find_map(|step| match &step.kind {
            StepKind::WaitFor(wait) if *step.name == *names::last_name(&ask.path) => {
                Some(Shape::of(Type::Object(wait.answer.clone())))
            }
            _ => None,
        });
        let shape = asked.unwrap_or_else(Shape::any);
        if let Some(stand_ins) = self.bench.placeholders {
            stand_ins.note(names::last_name(&ask.path));
            let answer = Arc::new(placeholder(names::last_name(&ask.path), &shape));
            self.append(&ask.path, Kind::Signalled { by: "the plan".into(), answer })?;
            return Ok(None);
        }
        Ok(Some(End::Stuck(Box::new(stuck_ask(ask, why, &shape)))))
    }

    fn is_held(&self, path: &StepPath) -> bool {
        let last = self.journal.iter().rev().find(|entry| entry.path == *path);
        last.is_some_and(|entry| matches!(entry.kind, Kind::Chose { choice: Choice::Held { .. } }))
    }

    /// Has a held write sent, as a person would.
    fn release(&mut self, path: &StepPath) -> Result<Option<End>, String> {
        let verdict = Verdict::NotHappened { retry_at: Some(self.now) };
        self.append(path, Kind::Resolved { by: "the test".into(), verdict })?;
        Ok(None)
    }

    fn append(&mut self, path: &StepPath, kind: Kind) -> Result<(), String> {
        let entry = self.machine.entry(path, self.now, kind);
        let applied = self.machine.apply(&entry);
        self.journal.push(entry);
        self.given.push(self.script.given.clone());
        self.keep_made();
        applied.map_err(|misfit| misfit.to_string())
    }

    fn keep_made(&mut self) {
        self.journal.extend(self.machine.take_made());
        self.given.resize_with(self.journal.len(), || self.script.given.clone());
    }
}

/// The job that every call of a case makes.
const CHILD: JobId = JobId(2);

/// Returns how long a vendor may take to show this write, if it can be looked up.
fn settle_of(action: &Action) -> Option<Duration> {
    match action.spec.effect {
        EffectSpec::Write { looks_up: true, settle } => Some(settle),
        _ => None,
    }
}

impl Played {
    fn nothing() -> Self {
        Self {
            status: "",
            outcome: None,
            attention: Vec::new(),
            label: String::new(),
            keys: Keys::default(),
            steps: Vec::new(),
            journal: Vec::new(),
            event: Value::Null,
            rows: BTreeSet::new(),
        }
    }
}
