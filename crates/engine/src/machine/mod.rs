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
mod decision;
mod ending;
mod frame;
pub(crate) mod names;
mod reopen;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use connector::{Failure, FailureKind};
use jiff::Timestamp;
use recipe::{Recipe, Scope, Tables};
use serde_json::{Value, json};

use crate::{
    journal::{Entry, Kind, Outcome, Status, StepPath},
    retry,
    store::{Effect, Standing},
};
pub use decision::{Ask, Attention, Child, ChildStage, Decision, Due, JobFacts, Misfit, What};

use block::{Flow, Run, Survey, Walk};
use frame::Frame;

/// The code of a failure that means "there was no permit within the connection's limits, nothing was sent".
const NO_PERMIT: &str = "rate_limited";

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
    /// How many warnings `job` shows to expressions.
    shown: Option<usize>,
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
}

impl Machine {
    /// Returns the machine of a job that has no entry yet.
    pub fn new(
        recipe: Arc<Recipe>,
        tables: Arc<Tables>,
        properties: Arc<Value>,
        event: Arc<Value>,
        job: JobFacts,
    ) -> Self {
        let called = recipe.trigger().is_none();
        let scope = Scope {
            input: called.then(|| event.clone()),
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
            warnings: Vec::new(),
            made: Vec::new(),
            due: Vec::new(),
            evaluate: false,
            seed: job.seed,
            retry: recipe.settings.retry.clone(),
        };
        let (body, finally) = (Run::new(&recipe.steps), Run::new(&recipe.finally));
        let mut machine = Self {
            recipe,
            job,
            seq: 0,
            started_at: None,
            counts_from: None,
            stands_since: None,
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
            shown: None,
        };
        machine.show_job();
        machine
    }

    /// Replaces what the job pinned; the driver calls it with what a `Reopened` names, before applying it.
    pub fn repin(&mut self, recipe: Arc<Recipe>, tables: Arc<Tables>, properties: Arc<Value>) {
        self.walk.retry.clone_from(&recipe.settings.retry);
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
        let stands = !self.survey().attention.is_empty();
        match (self.stands_since, stands) {
            (None, true) => self.stands_since = Some(entry.at),
            (Some(since), false) => {
                self.stands_since = None;
                let stood = Duration::try_from(entry.at.duration_since(since)).unwrap_or_default();
                self.counts_from = self.counts_from.map(|from| retry::later(from, stood));
            }
            _ => {}
        }
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
        self.walk.scope.now = entry.at;
        let root = entry.path.0.is_empty();
        match &entry.kind {
            Kind::Opened { .. } => {
                self.started_at = Some(entry.at);
                self.counts_from = Some(entry.at);
                self.phase = Phase::Body;
                self.show_job();
            }
            Kind::CancelRequested { by } => self.ending = Some(Ending::Cancelled(by.clone())),
            Kind::Fired if root => self.ending = Some(Ending::TimedOut),
            Kind::Reopened { .. } => {
                self.stands_since = None;
                self.counts_from = Some(entry.at);
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
                let active = if matches!(self.phase, Phase::Body) {
                    &mut self.body
                } else {
                    &mut self.finally
                };
                if !active.route(&self.frame.prefix, &entry.path, kind, &self.walk) {
                    self.walk.memo.insert(entry.path.clone(), kind.clone());
                }
                self.proceed(false);
                if self.walk.memo.remove(&entry.path).is_some() {
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
        let calls = if self.ending_now() { Vec::new() } else { std::mem::take(&mut self.walk.due) };
        Decision::Open {
            calls,
            children: Vec::new(),
            asks: Vec::new(),
            wake_at: survey.wake_at,
            attention: survey.attention,
        }
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
            // Waiting for a permit is no attempt: it uses up no retries.
            (FailureKind::Transient { after }, _) if failure.code == NO_PERMIT => {
                Some(retry::later(at, after.unwrap_or(Duration::from_secs(1))))
            }
            (FailureKind::Unknown, false) => settle.map(|settle| retry::later(at, settle)),
            (FailureKind::Permanent, _) => None,
            (FailureKind::Unknown, true) => self.next_attempt(path, at, None),
            (FailureKind::Transient { after }, _) => self.next_attempt(path, at, *after),
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
        let active = if matches!(self.phase, Phase::Body) { &self.body } else { &self.finally };
        let (step, state) = active.leaf(&self.frame.prefix, path)?;
        state.next_attempt(step, path, at.max(self.walk.scope.now), after, &self.walk)
    }

    /// Returns the effect that the step in progress at `path` has claimed.
    pub fn claimed(&self, path: &StepPath) -> Option<Effect> {
        let active = if matches!(self.phase, Phase::Body) { &self.body } else { &self.finally };
        let (step, state) = active.leaf(&self.frame.prefix, path)?;
        Some(Effect {
            connection: step.connection.clone().unwrap_or_default(),
            action: format!("{}.{}", step.connector, step.action),
            key: state.once.clone()?,
        })
    }

    /// Returns whether the step's write may have happened before the job was reopened: it is looked up before it is
    /// called again.
    pub fn in_doubt(&self, path: &StepPath) -> bool {
        self.in_doubt.contains(path)
    }

    /// Returns the calls that were begun and have no end: after a restart, their outcome is unknown.
    pub fn open_calls(&self) -> Vec<Due> {
        let mut open = Vec::new();
        self.body.open_calls(&self.frame.prefix, &mut open);
        self.finally.open_calls(&self.frame.prefix, &mut open);
        open
    }

    /// Returns what waits for a moment, the earliest first: a `Fired` is due there once it has come.
    pub fn timers(&self) -> Vec<(Timestamp, StepPath)> {
        let mut timers = self.survey().timers;
        timers.sort();
        timers
    }

    /// Returns where the job stands: the fold that is kept beside the journal.
    pub fn standing(&self) -> Standing {
        let survey = self.survey();
        let (status, note) = match &self.phase {
            Phase::Queued => (Status::Queued, String::new()),
            Phase::Over(outcome) if self.finished_at.is_some() => {
                (outcome.status, outcome.message.clone())
            }
            // Over, but not said so in the journal yet.
            Phase::Over(_) => (Status::Running, survey.note),
            _ if let Some(attention) = survey.attention.first() => {
                (Status::NeedsAttention, attention.why.clone())
            }
            _ if survey.active || survey.timers.is_empty() => (Status::Running, survey.note),
            _ => (Status::Waiting, survey.note),
        };
        Standing {
            status,
            wake_at: if status == Status::Waiting { survey.wake_at } else { None },
            note,
            started_at: self.started_at,
            finished_at: if status.is_final() { self.finished_at } else { None },
        }
    }

    /// Returns what waits for a person.
    pub fn attention(&self) -> Vec<Attention> {
        self.survey().attention
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

    /// Returns the number of the last entry.
    pub fn last_seq(&self) -> u32 {
        self.seq
    }

    /// Returns the moment of the last entry.
    pub fn now(&self) -> Timestamp {
        self.walk.scope.now
    }

    /// Returns the outcome of a job that is over.
    pub fn outcome(&self) -> Option<&Outcome> {
        if let Phase::Over(outcome) = &self.phase { Some(outcome) } else { None }
    }

    fn ending_now(&self) -> bool {
        match self.phase {
            Phase::Body => self.ending.is_some(),
            _ => matches!(self.ending, Some(Ending::Cancelled(_))),
        }
    }

    /// Walks as far as it goes: with `evaluate` everything, without it only what the memo already decides.
    fn proceed(&mut self, evaluate: bool) {
        loop {
            self.walk.evaluate = evaluate;
            self.walk.due.clear();
            match &self.phase {
                Phase::Finally(_) | Phase::FinallyFailed(..)
                    if let Some(Ending::Cancelled(by)) = &self.ending =>
                {
                    if !self.survey().open {
                        self.phase = Phase::Over(ending::cancelled(by, &self.walk.warnings));
                    }
                    return;
                }
                Phase::Queued | Phase::Over(_) | Phase::FinallyFailed(..) => return,
                Phase::Body => {
                    if self.ending.is_some() && self.survey().open {
                        // Nothing new starts; what is open may end.
                        return;
                    }
                    let flow = if self.ending.is_some() {
                        None
                    } else {
                        match self.body.advance(&mut self.frame, &mut self.walk) {
                            Flow::Pending => None,
                            flow => Some(flow),
                        }
                    };
                    self.collect_made();
                    if flow.is_none() && self.ending.is_none() {
                        return;
                    }
                    if let (None, Some(Ending::Cancelled(by))) = (&flow, &self.ending) {
                        self.phase = Phase::Over(ending::cancelled(by, &self.walk.warnings));
                        return;
                    }
                    let outcome =
                        ending::outcome(flow, self.recipe.settings.timeout, &self.walk.warnings);
                    self.walk.scope.outcome = Some(Arc::new(ending::outcome_value(&outcome)));
                    self.phase = Phase::Finally(outcome);
                }
                Phase::Finally(outcome) => {
                    let flow = self.finally.advance(&mut self.frame, &mut self.walk);
                    let outcome = outcome.clone();
                    self.collect_made();
                    match flow {
                        Flow::Pending => return,
                        Flow::Failed(error) => self.phase = Phase::FinallyFailed(outcome, error),
                        // The checker refuses `stop` in `finally`.
                        Flow::Done | Flow::Stopped(_) => {
                            let warnings = self.walk.warnings.clone();
                            self.phase = Phase::Over(Outcome { warnings, ..outcome });
                        }
                    }
                    return;
                }
            }
        }
    }

    /// Numbers the entries that the walk made; they happen at the moment of the last entry.
    fn collect_made(&mut self) {
        for (path, kind) in std::mem::take(&mut self.walk.made) {
            let entry = self.entry(&path, self.walk.scope.now, kind);
            self.seq = entry.seq;
            self.keep(&entry);
            self.made.push(entry);
        }
        if self.shown != Some(self.walk.warnings.len()) {
            self.show_job();
        }
    }

    fn survey(&self) -> Survey {
        let mut survey = Survey::default();
        match &self.phase {
            Phase::Body => self.body.survey(&self.frame.prefix, &mut survey),
            Phase::Finally(_) => self.finally.survey(&self.frame.prefix, &mut survey),
            Phase::FinallyFailed(outcome, error) => survey.attention.push(Attention {
                path: error.step.clone(),
                why: format!(
                    "the job itself {}{}: {} But `{}` in `finally` failed: {}",
                    if outcome.status == Status::Skipped { "was " } else { "" },
                    outcome.status.word(),
                    outcome.message,
                    error.step,
                    ending::sentences([error.message.as_str(), &error.hint])
                ),
            }),
            Phase::Queued | Phase::Over(_) => {}
        }
        let timeout = self.recipe.settings.timeout;
        if let (Phase::Body, Some(start), Some(timeout), None) =
            (&self.phase, self.counts_from, timeout, &self.ending)
            && survey.attention.is_empty()
        {
            survey.timer(retry::later(start, timeout), StepPath::root());
        }
        survey
    }

    fn show_job(&mut self) {
        self.shown = Some(self.walk.warnings.len());
        self.walk.scope.job = Arc::new(json!({
            "id": self.job.id.to_string(),
            "url": self.job.url,
            "label": self.job.label,
            "started_at": self.started_at.map(|at| at.to_string()),
            "warnings": self.walk.warnings,
        }));
    }
}
