//! Recordings: a case played on real connections, and played again with stand-ins for what is secret or a person's.
//!
//! Of the first time only what the vendors answered is kept. The requests are those of the second time: made by the
//! connectors from stand-ins, with settings in which every secret is replaced, they cannot hold what the stand-ins
//! replace, and they are what a test will send.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use connector::{
    Action, Clock, Connection, Connector, Failure, FailureKind, ManualClock, Opening,
    http::{Found, Recorded, StandIns, Wire},
};
use jiff::Timestamp;
use recipe::{Case, EventFrom, Project, Recipe, Reply, Script, Selector, Span, Step, StepKind};
use serde_json::Value;
use tokio::runtime::Handle;

use super::{
    Bench, Called, Played, Problem, Stuck, called,
    wires::{SECRET, is_of_recording, placeholder, without_references},
};
use crate::machine::Due;

/// What a recording is made with.
pub struct Recorder<'a> {
    /// The project.
    pub project: &'a Project,
    /// The connectors.
    pub connectors: &'a [Connector],
    /// Reads a file, named relative to the project folder.
    pub files: &'a dyn Fn(&str) -> Result<Vec<u8>, String>,
    /// The settings of each connection, its references replaced by what they refer to.
    pub settings: &'a BTreeMap<String, Value>,
    /// Names under which nothing is replaced.
    pub keep: &'a [String],
    /// Texts that are replaced, wherever they stand.
    pub replace: &'a [String],
    /// The clock of the real calls.
    pub clock: Arc<dyn Clock>,
    /// Where the real calls are made; it has threads of its own.
    pub runtime: Handle,
}

/// A recording.
#[derive(Debug)]
pub struct Recording {
    /// The event: the body of the case's file, or the decoded event or input.
    pub event: RecordedEvent,
    /// The calls of actions, in order.
    pub calls: Vec<RecordedCall>,
    /// What called recipes and people answered.
    pub replies: Vec<(Selector, Script)>,
    /// What happened, with stand-ins.
    pub played: Played,
    /// What was replaced, such as `2 names`.
    pub replaced: Vec<String>,
}

/// The event of a recording.
#[derive(Debug)]
pub enum RecordedEvent {
    /// A body as the vendor sends it.
    Body(Vec<u8>),
    /// What the body says.
    Payload(Value),
}

/// What a call of an action came to.
#[derive(Debug)]
pub struct RecordedCall {
    /// The step path.
    pub path: String,
    /// What was said; nothing when the action asks no vendor.
    pub exchanges: Vec<Recorded>,
    /// What the action gave, or the code and the message of its failure.
    pub gave: Result<Value, (String, String)>,
}

/// A real call, as long as it is real.
struct Taken {
    path: String,
    exchanges: Vec<Recorded>,
}

impl Recorder<'_> {
    /// Plays a case on real connections: what it writes is written.
    pub fn record(&self, case: &Case, recipe: &Arc<Recipe>) -> Result<Recording, Problem> {
        let bench = Bench::new(self.project, self.connectors, self.files);
        let (event, _) = bench.event(case, recipe)?;
        let body = match &case.event.from {
            EventFrom::File { path, .. } if case.event.changes.is_empty() => {
                Some((self.files)(path).map_err(|why| problem(case.span, why))?)
            }
            _ => None,
        };
        let replies = answered_by_others(case, recipe);
        let real = of_payload(case, event.clone(), replies.clone());
        let (taken, before) = self.take(&bench, &real, recipe)?;

        let stand_ins = self.stand_ins(&event, body.as_deref(), &replies, &taken);
        let event = match body {
            Some(body) => RecordedEvent::Body(replaced_body(&body, &stand_ins)),
            None => RecordedEvent::Payload(stand_ins.value(&event)),
        };
        let replies: Vec<_> = replies
            .into_iter()
            .map(|(selector, script)| (selector, replaced_script(script, &stand_ins)))
            .collect();
        let payload = match &event {
            RecordedEvent::Payload(payload) => payload.clone(),
            RecordedEvent::Body(body) => {
                let files = |_: &str| Ok(body.clone());
                let bench = Bench::new(self.project, self.connectors, &files);
                bench.event(case, recipe)?.0
            }
        };
        let stand_in = of_payload(case, payload, replies.clone());
        let taken = taken.into_iter().map(|one| one.replaced(&stand_ins)).collect();
        let (calls, played) = self.rehearse(&bench, &stand_in, recipe, taken)?;
        if played.status != before.status || paths(&played) != paths(&before) {
            let message = format!(
                "with stand-ins the job ends as {}, and with real data as {}",
                played.status, before.status
            );
            return Err(astray(case.span, message));
        }
        Ok(Recording { event, calls, replies, played, replaced: stand_ins.counted() })
    }

    /// Plays a case with real calls.
    fn take(
        &self,
        bench: &Bench<'_>,
        case: &Case,
        recipe: &Arc<Recipe>,
    ) -> Result<(Vec<Taken>, Played), Problem> {
        let taken: RefCell<Vec<Taken>> = RefCell::default();
        let live = |due: &Due, action: &Action, _: Timestamp| -> Result<Called, Problem> {
            let wire = Wire::recording();
            let connection = self.open(due).map_err(|failure| problem_of(case.span, &failure))?;
            let clock = self.clock.clone();
            let result = self.runtime.block_on(called(action, &connection, due, &wire, clock));
            let (path, exchanges) = (due.path.to_string(), wire.recorded());
            taken.borrow_mut().push(Taken { path, exchanges });
            match result {
                // What passes by itself, and what nobody knows the outcome of, is nothing that a test could begin with.
                Err(failure) if failure.kind != FailureKind::Permanent => {
                    let mut found = problem_of(case.span, &failure);
                    let path = &due.path;
                    found.message = format!("step `{path}` did not end: {}", found.message);
                    found.help.push(format!(
                        "the job was left at `{path}`; what it wrote before is written"
                    ));
                    Err(found)
                }
                other => Ok(other),
            }
        };
        let bench =
            Bench { live: Some(&live), ..Bench::new(bench.project, bench.connectors, bench.files) };
        let (played, stuck) = bench.play(case, recipe)?;
        if let Some(stuck) = stuck {
            return Err(unanswered(case.span, &stuck));
        }
        if played.status == "filtered" {
            let message = "the recipe's `trigger.when` does not want this event, so there is nothing to record";
            return Err(problem(case.span, message));
        }
        Ok((taken.into_inner(), played))
    }

    /// Plays a case again on what was taken; returns the calls with their requests.
    fn rehearse(
        &self,
        bench: &Bench<'_>,
        case: &Case,
        recipe: &Arc<Recipe>,
        taken: Vec<Taken>,
    ) -> Result<(Vec<RecordedCall>, Played), Problem> {
        let (rest, calls) = (RefCell::new(taken), RefCell::new(Vec::new()));
        let live = |due: &Due, action: &Action, now: Timestamp| -> Result<Called, Problem> {
            let path = due.path.to_string();
            let at = rest.borrow().iter().position(|one| one.path == path);
            let Some(at) = at else {
                return Err(astray(
                    case.span,
                    format!("with stand-ins `{path}` is called, and with real data not"),
                ));
            };
            let wire = Wire::rehearsing(rest.borrow_mut().remove(at).exchanges);
            let clock: Arc<dyn Clock> = Arc::new(ManualClock::jumping(now));
            let connection = placeholder(bench, due, &clock)
                .map_err(|failure| problem_of(case.span, &failure))?;
            let result = self.runtime.block_on(called(action, &connection, due, &wire, clock));
            let unused = wire.unused();
            let differs = match &result {
                Err(failure) if is_of_recording(failure) => Some(failure.message.clone()),
                Ok(_) if !unused.is_empty() => {
                    Some(format!("it does not ask for `{}`", unused.join("`, `")))
                }
                _ => None,
            };
            if let Some(how) = differs {
                return Err(astray(
                    case.span,
                    format!("with stand-ins `{path}` goes another way: {how}"),
                ));
            }
            let gave = match &result {
                Ok((output, _)) => Ok(output.clone()),
                Err(failure) => Err((failure.code.clone(), failure.message.clone())),
            };
            calls.borrow_mut().push(RecordedCall { path, exchanges: wire.recorded(), gave });
            Ok(result)
        };
        let bench =
            Bench { live: Some(&live), ..Bench::new(bench.project, bench.connectors, bench.files) };
        let (played, stuck) = bench.play(case, recipe)?;
        if let Some(stuck) = stuck {
            return Err(unanswered(case.span, &stuck));
        }
        Ok((calls.into_inner(), played))
    }

    /// Opens the connection of one call. Each call has its own, as it has in a test: none has another's token.
    fn open(&self, due: &Due) -> Result<Connection, Failure> {
        let Some(name) = &due.connection else { return Ok(Connection::new("", ())) };
        let connector = self.connectors.iter().find(|one| one.name == due.connector);
        let (Some(connector), Some(settings)) = (connector, self.settings.get(name)) else {
            return Err(Failure::permanent(
                "no_connection",
                format!("there is no connection `{name}`"),
            ));
        };
        connector.open(settings.clone(), &Opening::new(name.clone(), self.clock.clone()))
    }

    fn stand_ins(
        &self,
        event: &Value,
        body: Option<&[u8]>,
        replies: &[(Selector, Script)],
        taken: &[Taken],
    ) -> StandIns {
        let mut found = Found::default();
        for (name, connection) in &self.project.connections {
            let connector = self.connectors.iter().find(|one| one.name == connection.connector);
            let (Some(connector), Some(real)) = (connector, self.settings.get(name)) else {
                continue;
            };
            let stand_in = without_references(connector, &connection.settings);
            differing(real, &stand_in, &mut |real, stand_in| found.exactly(real, stand_in));
            // What stands in the project is there for everybody to read.
            differing(&stand_in, &Value::Null, &mut |known, _| found.keep(known));
        }
        for name in self.keep {
            found.keep_under(name);
        }
        for text in self.replace {
            found.name(text);
        }
        let exchanges = || taken.iter().flat_map(|one| &one.exchanges);
        let secrets: BTreeSet<&str> = exchanges()
            .flat_map(|one| &one.secrets)
            .map(connector::Secret::expose)
            // A short one is more likely a word, such as a user's name.
            .filter(|secret| secret.len() >= 8)
            .collect();
        for secret in secrets {
            found.exactly(secret, SECRET);
        }
        found.look_through(event);
        if let Some(body) = body.and_then(|body| serde_json::from_slice(body).ok()) {
            found.look_through(&body);
        }
        for (_, script) in replies {
            for reply in &script.replies {
                if let Reply::Output(output, _) = reply {
                    found.look_through(output);
                }
            }
        }
        for exchange in exchanges() {
            found.look_through(&exchange.response.body);
            for header in exchange.response.headers.values() {
                found.look_through(header);
            }
        }
        found.stand_ins()
    }
}

impl Taken {
    fn replaced(self, stand_ins: &StandIns) -> Self {
        let replaced = |mut one: Recorded| {
            one.request.path = stand_ins.text(&one.request.path);
            one.request.body = None;
            one.secrets.clear();
            one.response.body = stand_ins.value(&one.response.body);
            for header in one.response.headers.values_mut() {
                *header = stand_ins.value(header);
            }
            one
        };
        Self { exchanges: self.exchanges.into_iter().map(replaced).collect(), ..self }
    }
}

/// Returns what of a case's replies comes from called recipes and people, and not from the vendors that are asked.
fn answered_by_others(case: &Case, recipe: &Recipe) -> Vec<(Selector, Script)> {
    let is_action = |selector: &Selector| {
        recipe.all_steps().any(|step: &Step| {
            *step.name == *selector.step && matches!(step.kind, StepKind::Action(_))
        })
    };
    case.replies.iter().filter(|(selector, _)| !is_action(selector)).cloned().collect()
}

fn of_payload(case: &Case, payload: Value, replies: Vec<(Selector, Script)>) -> Case {
    let mut played = Case::of_event(&case.name, payload, case.now);
    played.span = case.span;
    played.event.received_at = case.event.received_at;
    played.replies = replies;
    played.properties.clone_from(&case.properties);
    played.tables.clone_from(&case.tables);
    played
}

fn replaced_body(body: &[u8], stand_ins: &StandIns) -> Vec<u8> {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => {
            let text =
                serde_json::to_string_pretty(&stand_ins.value(&value)).expect("JSON is text");
            format!("{text}\n").into_bytes()
        }
        Err(_) => stand_ins.text(&String::from_utf8_lossy(body)).into_bytes(),
    }
}

fn replaced_script(mut script: Script, stand_ins: &StandIns) -> Script {
    for reply in &mut script.replies {
        match reply {
            Reply::Output(output, _) => *output = Arc::new(stand_ins.value(output)),
            Reply::Fail(fail) => fail.message = stand_ins.text(&fail.message),
            Reply::LookUp(_) | Reply::Http(_) | Reply::Timeout => {}
        }
    }
    script
}

/// Names every text of `one` that is another one in `other`.
fn differing(one: &Value, other: &Value, found: &mut dyn FnMut(&str, &str)) {
    match (one, other) {
        (Value::String(one), other) => {
            let other = other.as_str().unwrap_or_default();
            if one != other {
                found(one, other);
            }
        }
        (Value::Object(map), other) => {
            for (key, one) in map {
                differing(one, other.get(key).unwrap_or(&Value::Null), found);
            }
        }
        (Value::Array(list), other) => {
            for (at, one) in list.iter().enumerate() {
                differing(one, other.get(at).unwrap_or(&Value::Null), found);
            }
        }
        _ => {}
    }
}

fn paths(played: &Played) -> Vec<&str> {
    played.steps.iter().map(|step| &*step.path.0).collect()
}

fn unanswered(span: Span, stuck: &Stuck) -> Problem {
    let Stuck { path, action, .. } = stuck;
    let message = if let Some(called) = action.strip_prefix("call ") {
        format!("step `{path}` calls the recipe `{called}`, and a recording calls none")
    } else if action == "wait_for" {
        format!("step `{path}` asks a person, and a recording asks none")
    } else {
        format!("step `{path}` (`{action}`) has to be looked up, and a recording looks nothing up")
    };
    let mut found = problem(span, message);
    let name = path.0.rsplit('.').next().unwrap_or_default();
    found.help.push(format!(
        "write a case with a reply for `{name}`, and record that case: `--record --filter NAME`"
    ));
    found
}

/// Says that stand-ins change what the job does.
fn astray(span: Span, message: String) -> Problem {
    let mut found = problem(span, message);
    found
        .help
        .push("something that is replaced decides what the job does; nothing is recorded".into());
    found.help.push("leave it as it is, by the name it stands under: `--keep NAME`".into());
    found
}

fn problem(span: Span, message: impl Into<String>) -> Problem {
    Problem { message: message.into(), help: Vec::new(), span }
}

fn problem_of(span: Span, failure: &Failure) -> Problem {
    let help = failure.hint.clone().into_iter().collect();
    Problem { message: failure.message.clone(), help, span }
}
