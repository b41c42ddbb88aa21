//! What a walk over the tree carries with it, how far a block got, and what failed beside what.

use std::{collections::HashMap, sync::Arc};

use connector::Warning;
use jiff::Timestamp;
use recipe::{Retry, Scope};
use serde_json::{Value, json};

use super::{Ask, Attention, Child, Due, frame::Frame};
use crate::journal::{Choice, JobError, Kind, StepPath, StepWarning};

/// What a walk carries with it.
pub(super) struct Walk {
    /// What expressions see, but for what each frame adds.
    pub(super) scope: Scope,
    /// Entries at paths that the tree has not reached yet.
    pub(super) memo: HashMap<StepPath, Kind>,
    /// What people answered, whether the question was reached or not.
    pub(super) answers: HashMap<StepPath, Arc<Value>>,
    /// How often each `call` step has begun, reopening or not.
    pub(super) calls: HashMap<StepPath, u32>,
    pub(super) warnings: Vec<StepWarning>,
    /// What was decided on this walk.
    pub(super) made: Vec<(StepPath, Kind)>,
    /// Ends of actions that follow from a decision about an unknown outcome, as a reopened job takes them up.
    pub(super) settled: Vec<(StepPath, Kind)>,
    pub(super) due: Vec<Due>,
    pub(super) children: Vec<Child>,
    /// Something came up that takes back what this walk found due: it must be walked again.
    pub(super) again: bool,
    /// Whether expressions may be evaluated; otherwise only the memo decides.
    pub(super) evaluate: bool,
    /// The number of the last entry before this walk.
    pub(super) seq: u32,
    pub(super) seed: u64,
    pub(super) retry: Option<Retry>,
    /// Whether every write waits for a person.
    pub(super) holds: bool,
}

/// How far a block got.
#[derive(Debug)]
pub(super) enum Flow {
    /// It waits for the outside world (or, without evaluation, for the next entry).
    Pending,
    Done,
    Failed(Failures),
    Stopped(Choice),
}

/// What failed, with the number of the entry that said so; more than one in rounds side by side.
#[derive(Debug, Default)]
pub(super) struct Failures(Vec<(u32, JobError)>);

/// What is in progress, seen from outside.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Something is due or open.
    pub(super) active: bool,
    /// A call is open.
    pub(super) open: bool,
    /// Something waits for a moment of its own or for another job, not for a person.
    pub(super) waits: bool,
    pub(super) timers: Vec<(Timestamp, StepPath)>,
    pub(super) attention: Vec<Attention>,
    pub(super) asks: Vec<Ask>,
    /// Called recipes that have begun.
    pub(super) children: Vec<Child>,
    /// What is going on, in a line.
    note: Option<String>,
}

impl Walk {
    /// Journals a decision.
    pub(super) fn make(&mut self, path: &StepPath, kind: Kind) {
        self.made.push((path.clone(), kind));
    }

    /// Returns the number of the entry that what happens now follows from, the same in a replay.
    fn place(&self) -> u32 {
        self.seq + u32::try_from(self.made.len()).unwrap_or(u32::MAX)
    }

    /// Returns a failure that happens now.
    pub(super) fn fails(&self, error: JobError) -> Flow {
        Flow::Failed(Failures(vec![(self.place(), error)]))
    }

    /// Shows warnings of a step to the job, and to its round.
    pub(super) fn warn(&mut self, path: &StepPath, warnings: &[Warning], frame: &mut Frame) {
        frame.warned.extend_from_slice(warnings);
        for Warning { code, message } in warnings {
            self.warn_job(path, code.clone(), message.clone());
        }
    }

    pub(super) fn warn_job(&mut self, path: &StepPath, code: String, message: String) {
        let warning = StepWarning { step: path.clone(), code, message };
        // Nobody else holds it between evaluations, so this adds and does not copy.
        let job = Arc::make_mut(&mut self.scope.job);
        if let Some(shown) = job.get_mut("warnings").and_then(Value::as_array_mut) {
            shown.push(json!(warning));
        }
        self.warnings.push(warning);
    }
}

impl Failures {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &JobError> {
        self.0.iter().map(|(_, error)| error)
    }

    /// Returns the first failure in the journal's order; the rest are its `others`.
    pub(super) fn into_error(mut self) -> JobError {
        self.0.sort_by_key(|(place, _)| *place);
        let mut errors = self.0.into_iter().map(|(_, error)| error);
        let first = errors.next().expect("a failure is made of at least one");
        JobError { others: errors.collect(), ..first }
    }
}

impl Survey {
    /// Adds a moment that something of the job itself waits for.
    pub(super) fn timer(&mut self, at: Timestamp, path: StepPath) {
        self.waits = true;
        self.timers.push((at, path));
    }

    /// Says what is going on; what is said first stands.
    pub(super) fn say(&mut self, words: impl FnOnce() -> String) {
        if self.note.is_none() {
            self.note = Some(words());
        }
    }

    /// Returns what is going on, in a line: a question goes before everything else.
    pub(super) fn note(&self) -> String {
        match self.asks.first() {
            Some(ask) => format!("`{}` asks: {}", ask.path, ask.ask),
            None => self.note.clone().unwrap_or_default(),
        }
    }

    /// Returns the earliest moment at which something is to be done.
    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        self.timers.iter().map(|(at, _)| *at).min()
    }

    /// Returns whether it waits for people and for nothing else.
    pub(super) fn stands(&self) -> bool {
        let people = !self.attention.is_empty() || !self.asks.is_empty();
        people && !self.active && !self.open && !self.waits
    }

    /// Forgets what is not waited for any more once the job is ending; what is open stays.
    pub(super) fn drop_waits(&mut self) {
        self.timers.clear();
        self.attention.clear();
        self.asks.clear();
        self.children.retain(|child| matches!(child.stage, super::ChildStage::Begun));
        self.waits = false;
        self.note = None;
    }
}
