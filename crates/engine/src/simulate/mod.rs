//! Plays the cases of a test file: the real machine, scripted replies, a journal in memory, and a clock that jumps.
//!
//! Nothing here reads a file; files come through a function of the caller. A step without a reply ends the case, and a
//! connector that works on a recorded exchange gets a wire that leads nowhere else, so that a test can never reach a
//! real system. Only `test --record` gives the bench a function that makes real calls.

mod compare;
pub mod coverage;
mod crash;
mod drive;
mod keys;
pub(crate) mod placeholder;
pub mod record;
mod report;
pub(crate) mod runs;
mod script;
mod wires;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use connector::{Action, Connector, Delivery};
use jiff::Timestamp;
use recipe::{Case, Cases, EventFrom, Mismatch, Project, Recipe, RowWatch, Source, Span, Tables};
use serde_json::Value;

use crate::{
    deployment,
    journal::{Entry, Outcome},
    machine::Due,
    stand_ins::StandIns,
};

use keys::OfTrigger;

pub use keys::{Key, Keys};
pub use report::{junit, lines, summary};
pub use runs::StepRun;
pub use script::{Stuck, Why};
pub use wires::{Called, called};

/// Makes a call in the place of a reply, at a moment of the case: a real one, a planned one. The error says why the case
/// is not played any further.
pub type Live<'a> = dyn Fn(&Due, &Action, Timestamp) -> Result<Called, Problem> + 'a;

/// What cases are played with.
pub struct Bench<'a> {
    /// The project: its properties and tables.
    pub project: &'a Project,
    /// The connectors: their triggers decode raw events, their schemas say what a second call would do.
    pub connectors: &'a [Connector],
    /// Reads a file, named relative to the project folder; the error says why it cannot be read.
    pub files: &'a dyn Fn(&str) -> Result<Vec<u8>, String>,
    /// Makes calls in the place of replies: those of plans and recordings.
    pub live: Option<&'a Live<'a>>,
    /// Where called recipes and questions without a reply get a placeholder, as they do in plans: who got one.
    pub placeholders: Option<&'a StandIns>,
    /// Whether every case is cut at each of its entries as well (`--crash`).
    pub crash: bool,
}

impl<'a> Bench<'a> {
    /// Returns a bench that plays with replies only.
    pub fn new(
        project: &'a Project,
        connectors: &'a [Connector],
        files: &'a dyn Fn(&str) -> Result<Vec<u8>, String>,
    ) -> Self {
        Self { project, connectors, files, live: None, placeholders: None, crash: false }
    }
}

/// How the cases of one test file went.
#[derive(Debug)]
pub struct Tested {
    /// The test file.
    pub source: Arc<Source>,
    /// The recipe.
    pub recipe: String,
    /// Its cases, in the order of the text.
    pub cases: Vec<Checked>,
}

/// How one case went.
#[derive(Debug)]
pub struct Checked {
    /// The case's name.
    pub name: String,
    /// Where the name stands in the test file.
    pub span: Span,
    /// What kept the case from being played to its end.
    pub problem: Option<Problem>,
    /// What was not as expected.
    pub differences: Vec<Mismatch>,
    /// What happened, as far as it was played.
    pub played: Option<Played>,
}

/// Why a case could not be played to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// What to do about it, line by line.
    pub help: Vec<String>,
    /// Where in the test file.
    pub span: Span,
}

/// What happened in a case.
#[derive(Debug)]
pub struct Played {
    /// The status: that of the outcome, `needs_attention`, or `filtered` for an event that makes no job.
    pub status: &'static str,
    /// The outcome of a job that is over.
    pub outcome: Option<Outcome>,
    /// Why a person would have to look, for a job that is not over.
    pub attention: Vec<String>,
    /// The job's label.
    pub label: String,
    /// The job's keys.
    pub keys: Keys,
    /// What the steps did, in order.
    pub steps: Vec<StepRun>,
    /// The whole journal.
    pub journal: Vec<Entry>,
    /// The event, decoded and changed; the input of a recipe that is called.
    pub event: Value,
    /// The rows of the project's tables that were found.
    pub rows: BTreeSet<(String, usize)>,
}

impl Checked {
    /// Returns whether everything was as expected.
    pub fn is_ok(&self) -> bool {
        self.problem.is_none() && self.differences.is_empty()
    }
}

impl Tested {
    /// Returns how many cases were not as expected.
    pub fn failures(&self) -> usize {
        self.cases.iter().filter(|case| !case.is_ok()).count()
    }
}

/// Plays all cases of a test file whose name holds `only`.
pub fn test(cases: &Cases, recipe: &Arc<Recipe>, bench: &Bench<'_>, only: Option<&str>) -> Tested {
    let wanted = |case: &&Case| only.is_none_or(|only| case.name.contains(only));
    Tested {
        source: cases.source.clone(),
        recipe: cases.recipe.clone(),
        cases: cases.cases.iter().filter(wanted).map(|case| bench.check(case, recipe)).collect(),
    }
}

impl Bench<'_> {
    fn check(&self, case: &Case, recipe: &Arc<Recipe>) -> Checked {
        let mut checked = Checked {
            name: case.name.clone(),
            span: case.span,
            problem: None,
            differences: Vec::new(),
            played: None,
        };
        match self.play(case, recipe) {
            Ok((played, None)) => {
                checked.differences = compare::differences(case, &played);
                checked.played = Some(played);
            }
            // What comes after a step without a reply says nothing about the recipe.
            Ok((played, Some(stuck))) => {
                checked.problem = Some(stuck.problem(case));
                checked.played = Some(played);
            }
            Err(problem) => checked.problem = Some(problem),
        }
        checked
    }

    /// Plays a case; says too which call has no reply, if one has none.
    pub fn play(
        &self,
        case: &Case,
        recipe: &Arc<Recipe>,
    ) -> Result<(Played, Option<Stuck>), Problem> {
        let (event, keys) = self.event(case, recipe)?;
        drive::play(self, case, recipe, event, keys)
    }

    /// Returns the event of a case, decoded and changed, with the keys that the trigger gives it.
    fn event(&self, case: &Case, recipe: &Recipe) -> Result<(Value, Option<OfTrigger>), Problem> {
        let problem = |span, message: String| Problem { message, help: Vec::new(), span };
        let mut keys = None;
        let decoded = match &case.event.from {
            EventFrom::Payload(payload) => payload.clone(),
            EventFrom::File { path, span } => {
                let body = (self.files)(path).map_err(|reason| {
                    problem(*span, format!("`{path}` cannot be read: {reason}"))
                })?;
                let name = match recipe.trigger() {
                    Some(trigger) => format!("{}.{}", trigger.connector, trigger.name),
                    None => recipe.name.clone(),
                };
                let delivery = Delivery {
                    headers: vec![("content-type".into(), "application/json".into())],
                    query: String::new(),
                    body: body.into(),
                    received_at: case.event.received_at,
                };
                let decoded = deployment::decode(self.connectors, recipe, &delivery);
                let mut events = decoded.map_err(|failure| {
                    let help = failure.hint.clone().into_iter().collect();
                    let message = format!("`{path}` does not decode: {}", failure.message);
                    Problem { message, help, span: *span }
                })?;
                match (events.pop(), events.len()) {
                    (Some(event), 0) => {
                        let (order, dedupe) = (event.order_key, event.dedupe_key);
                        keys = Some(OfTrigger { order, dedupe });
                        event.payload.into()
                    }
                    (None, _) => {
                        let message = format!("`{path}` holds no event for `{name}`");
                        return Err(problem(*span, message));
                    }
                    (Some(_), more) => {
                        let message = format!("`{path}` holds {} events, expected one", more + 1);
                        return Err(problem(*span, message));
                    }
                }
            }
        };
        let changed = case.event.changed(decoded);
        changed.map(|event| (event, keys)).map_err(|(span, message)| problem(span, message))
    }

    fn properties(&self, case: &Case) -> Value {
        let mut properties = self.project.runner.property_values();
        if let Value::Object(map) = &mut properties {
            map.extend(case.properties.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        properties
    }

    fn action(&self, connector: &str, action: &str) -> Option<&Action> {
        let connector = self.connectors.iter().find(|one| one.name == connector)?;
        connector.actions.iter().find(|one| one.name == action)
    }

    fn tables(&self, case: &Case) -> Arc<Tables> {
        let mut tables: BTreeMap<_, _> = self.project.tables.tables.clone();
        tables.extend(case.tables.iter().map(|(name, table)| (name.clone(), table.clone())));
        Arc::new(Tables { tables, watch: Some(Arc::new(RowWatch::default())) })
    }
}
