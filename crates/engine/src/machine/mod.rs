//! The machine: reads a job's journal and says what to do next. Pure: no clock, no I/O, no async.
//!
//! How it works. The machine holds a tree of what is in progress: a `Run` for each block being run, down
//! to the actions at the leaves. [`Machine::apply`] takes an entry (from the journal, or one the driver just appended)
//! and changes the tree; it never evaluates an expression. [`Machine::decide`] walks the tree in path order, evaluates
//! what can be evaluated, makes entries for what it decided, and goes on until nothing moves without the outside
//! world. So replaying a journal evaluates nothing, and gives the same tree whatever happened to the functions since.
//!
//! An entry at a path that the tree has not reached yet waits in a memo, where the walk finds it. `Reopened` uses the
//! same memo: it starts the tree anew and remembers what stays done.

mod action;
mod begin;
mod block;
mod call;
mod decision;
mod ending;
mod frame;
pub(crate) mod names;
mod progress;
mod reopen;
mod repeat;
mod rounds;
mod standing;
mod wait;
mod walk;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use connector::{Failure, FailureKind};
use jiff::Timestamp;
use recipe::{ActionStep, Payload, Recipe, Scope, Step, StepKind, Tables};
use serde_json::{Value, json};

use crate::{
    journal::{Choice, Entry, Kind, Outcome, Status, StepPath},
    retry,
    store::{Effect, Pause},
};
pub use decision::{Ask, Attention, Child, ChildStage, Decision, Due, JobFacts, Misfit, What};

use action::ActionState;
use block::{Run, State};
use frame::Frame;
use walk::Walk;

/// The code of a failure that means "there was no permit within the connection's limits, nothing was sent".
const NO_PERMIT: &str = "rate_limited";
/// The code of failures that say that a connection's circuit is open; nothing was sent.
const CIRCUIT_OPEN: &str = "circuit_open";
/// The code of a failure that says that nothing was sent because the job, its recipe or the service was stopped.
pub(crate) const NOT_SENT: &str = "not_sent";

/// One job in progress.
pub struct Machine {
    recipe: Arc<Recipe>,
    job: JobFacts,
    seq: u32,
    started_at: Option<Timestamp>,
    /// Where the job's time-out counts from: its first step or its reopening, later by the time it was for a person.
    counts_from: Option<Timestamp>,
    /// Since when it is for a person.
    stands_since: Option<Timestamp>,
    /// When it was for a person before.
    stood: Vec<Pause>,
    /// Up to when pauses of the recipe and the service are taken off its time.
    pauses_until: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    phase: Phase,
    ending: Option<Ending>,
    body: Run,
    frame: Frame,
    finally: Run,
    /// What may stay done when the job is reopened: choices and how steps ended, in order.
    kept: Vec<Entry>,
    /// Writes whose last attempt has an unknown outcome.
    unsettled: HashSet<StepPath>,
    /// Those of them that the job was reopened with and that have not begun again.
    in_doubt: HashSet<StepPath>,
    made: Vec<Entry>,
    walk: Walk,
}

#[derive(Debug)]
enum Phase {
    Queued,
    Body,
    Finally(Outcome),
    /// `finally` failed: a person must look; the body's outcome stands.
    FinallyFailed(Outcome, Box<crate::journal::JobError>),
    Over(Outcome),
}

#[derive(Debug, Clone)]
enum Ending {
    Cancelled(String),
    TimedOut,
    /// A `stop`, which waits for calls that are open beside it.
    Stopped(Choice),
}

impl Machine {
    /// Returns the machine of a job that has no entry yet.
    pub fn new(
        recipe: Arc<Recipe>,
        tables: Arc<Tables>,
        properties: Arc<Value>,
        event: Arc<Payload>,
        job: JobFacts,
    ) -> Self {
        let called = recipe.trigger().is_none();
        let scope = Scope {
            input: called.then(|| Arc::new(event.view().to_value())),
            event: if called { Arc::default() } else { event },
            job: Arc::new(Value::Null),
            properties,
            vars: Arc::new(json!({})),
            steps: Arc::default(),
            locals: Arc::default(),
            error: None,
            outcome: None,
            now: Timestamp::UNIX_EPOCH,
            tables,
        };
        let walk = Walk {
            scope,
            memo: HashMap::new(),
            answers: HashMap::new(),
            calls: HashMap::new(),
            warnings: Vec::new(),
            made: Vec::new(),
            settled: Vec::new(),
            due: Vec::new(),
            children: Vec::new(),
            again: false,
            evaluate: false,
            seq: 0,
            seed: job.seed,
            retry: recipe.settings.retry.clone(),
            holds: recipe.settings.hold_writes,
        };
        let (body, finally) = (Run::new(&recipe.steps), Run::new(&recipe.finally));
        Self {
            recipe,
            job,
            seq: 0,
            started_at: None,
            counts_from: None,
            stands_since: None,
            stood: Vec::new(),
            pauses_until: None,
            finished_at: None,
            phase: Phase::Queued,
            ending: None,
            body,
            frame: Frame::default(),
            finally,
            kept: Vec::new(),
            unsettled: HashSet::new(),
            in_doubt: HashSet::new(),
            made: Vec::new(),
            walk,
        }
    }

    /// Replaces what the job pinned; the driver calls it with what a `Reopened` names, before applying it.
    pub fn repin(&mut self, recipe: Arc<Recipe>, tables: Arc<Tables>, properties: Arc<Value>) {
        self.walk.retry.clone_from(&recipe.settings.retry);
        self.walk.holds = recipe.settings.hold_writes;
        self.recipe = recipe;
        self.walk.scope.tables = tables;
        self.walk.scope.properties = properties;
    }

    /// Returns the next entry of the journal, numbered, and not before the one before it.
    pub fn entry(&self, path: &StepPath, at: Timestamp, kind: Kind) -> Entry {
        Entry { seq: self.seq + 1, path: path.clone(), at: at.max(self.walk.scope.now), kind }
    }

    /// Takes an entry into account: one from the journal, or one that was just appended.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Misfit> {
        self.take_in(entry)?;
        self.count_time();
        Ok(())
    }

    fn take_in(&mut self, entry: &Entry) -> Result<(), Misfit> {
        let misfit = |why| Misfit { seq: entry.seq, path: entry.path.clone(), why };
        if entry.seq != self.seq + 1 {
            return Err(misfit("its number does not follow the one before"));
        }
        if self.seq > 0 && entry.at < self.walk.scope.now {
            return Err(misfit("it is earlier than the one before"));
        }
        self.seq = entry.seq;
        self.walk.seq = entry.seq;
        self.walk.scope.now = entry.at;
        let root = entry.path.0.is_empty();
        match &entry.kind {
            Kind::Opened { .. } => {
                self.started_at = Some(entry.at);
                self.begin_time(entry.at);
                self.phase = Phase::Body;
                self.show_job();
            }
            Kind::CancelRequested { by } => self.ending = Some(Ending::Cancelled(by.clone())),
            Kind::Fired if root => {
                self.ending.get_or_insert(Ending::TimedOut);
            }
            Kind::Paused { time } => {
                self.counts_from = self.counts_from.map(|from| from + *time);
                self.pauses_until = Some(entry.at);
            }
            Kind::Reopened { .. } => {
                self.begin_time(entry.at);
                self.reopen();
            }
            Kind::Finished { outcome } => {
                self.finished_at = Some(entry.at);
                self.phase = Phase::Over(outcome.clone());
                return Ok(());
            }
            kind => {
                self.keep(entry);
                self.doubt(entry);
                let answer = match kind {
                    Kind::Signalled { answer, .. } => Some(answer),
                    _ => None,
                };
                if let Some(answer) = answer {
                    if !names::asks(&self.recipe, &entry.path) {
                        return Err(misfit("the recipe asks nothing there"));
                    }
                    self.walk.answers.entry(entry.path.clone()).or_insert_with(|| answer.clone());
                }
                let active = if matches!(self.phase, Phase::Body) {
                    &mut self.body
                } else {
                    &mut self.finally
                };
                let taken = active.route(&self.frame.prefix, &entry.path, kind, &mut self.walk);
                // An answer may come before its question.
                if !taken && answer.is_none() {
                    self.walk.memo.insert(entry.path.clone(), kind.clone());
                }
                self.proceed(false);
                if !taken && answer.is_none() && self.walk.memo.remove(&entry.path).is_some() {
                    return Err(misfit("the recipe does not get there"));
                }
                return Ok(());
            }
        }
        self.proceed(false);
        Ok(())
    }

    /// Runs to quiescence and returns what to do next. Append [`take_made`](Self::take_made) first.
    pub fn decide(&mut self) -> Decision {
        self.proceed(true);
        if let Phase::Over(outcome) = &self.phase {
            return Decision::Finish(outcome.clone());
        }
        let survey = self.survey();
        let (mut calls, mut children) = (Vec::new(), survey.children);
        if !self.ending_now() {
            calls = std::mem::take(&mut self.walk.due);
            children.append(&mut self.walk.children);
        }
        let wake_at = survey.timers.iter().map(|(at, _)| *at).min();
        Decision::Open { calls, children, asks: survey.asks, wake_at, attention: survey.attention }
    }

    /// Takes the entries that the machine itself made, already applied, to be appended before anything else.
    pub fn take_made(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.made)
    }

    /// Returns how a failed attempt (or look-up) is journaled: with the moment of the next attempt by the step's
    /// policy. `settle` is how long the vendor may take to show a write whose outcome is unknown, if it can be looked
    /// up.
    pub fn failed(
        &self,
        path: &StepPath,
        failure: Failure,
        at: Timestamp,
        looking_up: bool,
        settle: Option<Duration>,
    ) -> Kind {
        let at = at.max(self.walk.scope.now);
        let retry_at = match (&failure.kind, looking_up) {
            // What was stopped is no attempt, and may be sent as soon as it goes on.
            (FailureKind::Transient { .. }, _) if failure.code == NOT_SENT => Some(at),
            // Waiting for a permit is no attempt: it uses up no retries.
            (FailureKind::Transient { after }, _) if failure.code == NO_PERMIT => {
                Some(retry::later(at, after.unwrap_or(Duration::from_secs(1))))
            }
            // Nor does waiting for a vendor that is left alone, as long as it is not for ever.
            (FailureKind::Transient { after }, _) if failure.code == CIRCUIT_OPEN => {
                let next = retry::later(at, after.unwrap_or(Duration::from_secs(5)));
                let first = self.action(path).and_then(|(_, state)| state.first_at).unwrap_or(at);
                (next <= retry::later(first, retry::PATIENCE)).then_some(next)
            }
            (FailureKind::Unknown, false) => settle.map(|settle| retry::later(at, settle)),
            (FailureKind::Permanent, _) => None,
            (FailureKind::Unknown, true) => self.next_after(path, at, (None, None)),
            (FailureKind::Transient { after }, true) => self.next_after(path, at, (None, *after)),
            (FailureKind::Transient { after }, false) => {
                self.next_after(path, at, (Some(&failure.code), *after))
            }
        };
        Kind::Failed { failure, retry_at, looking_up }
    }

    /// Returns when the step at `path` is tried again after failing at `at`; `None` when its retries are used up.
    pub fn next_attempt(
        &self,
        path: &StepPath,
        at: Timestamp,
        after: Option<Duration>,
    ) -> Option<Timestamp> {
        let code = self.action(path)?.1.last_code();
        self.next_after(path, at, (code, after))
    }

    fn next_after(
        &self,
        path: &StepPath,
        at: Timestamp,
        why: (Option<&str>, Option<Duration>),
    ) -> Option<Timestamp> {
        let (step, state) = self.action(path)?;
        state.next_attempt(step, path, at.max(self.walk.scope.now), why, &self.walk)
    }

    /// Returns the effect that the step in progress at `path` has claimed.
    pub fn claimed(&self, path: &StepPath) -> Option<Effect> {
        let (step, state) = self.action(path)?;
        Some(Effect {
            connection: step.connection.clone().unwrap_or_default(),
            action: format!("{}.{}", step.connector, step.action),
            key: state.once.clone()?,
        })
    }

    /// Returns the action in progress at `path`.
    fn action(&self, path: &StepPath) -> Option<(&ActionStep, &ActionState)> {
        let active = if matches!(self.phase, Phase::Body) { &self.body } else { &self.finally };
        match active.find(&self.frame.prefix, path)? {
            (Step { kind: StepKind::Action(step), .. }, State::Action(state)) => {
                Some((step, state))
            }
            _ => None,
        }
    }

    /// Returns whether the step's write may have happened before the job was reopened: it is looked up before it is
    /// called again.
    pub fn in_doubt(&self, path: &StepPath) -> bool {
        self.in_doubt.contains(path)
    }

    /// Returns whether a `Reopened` makes sense: the job failed, or its `finally` did.
    pub fn may_reopen(&self) -> bool {
        match &self.phase {
            Phase::FinallyFailed(..) => true,
            Phase::Over(outcome) => outcome.status == Status::Failed,
            _ => false,
        }
    }

    /// Returns whether another version can take over: every step that succeeded must exist there with the same action,
    /// and no name may belong to another kind of step.
    pub fn fits(&self, newest: &Recipe) -> Result<(), String> {
        let done = self.kept.iter().filter(|entry| !matches!(entry.kind, Kind::Failed { .. }));
        names::fits(&self.recipe, newest, done)
    }
}
