//! Driving one job: asks its machine, has connectors called, appends what happened. The only place that performs.
//!
//! Everything the machine says is due is under way at the same time: each call is a task of its own that sends back what
//! happened. This loop alone touches the machine and the journal, one happening after the other.
//!
//! What waits for the disk: the claim before a write, and the end of the drive. Everything else rides along in order,
//! as [`gather`](crate::gather) says.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use connector::Failure;
use jiff::{SignedDuration, Timestamp};
use recipe::{EffectSpec, Payload};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    crash::crash_point,
    deployment::Pinned,
    dispatch::{Parked, Waiting},
    effect::{declared_settle, looks_up},
    flight::{Flight, Happened, Only, Stage},
    gather::Gathered,
    gather::pause,
    journal::{Entry, JobId, Kind, StepPath},
    machine::{ChildStage, Decision, JobFacts, Machine, Misfit},
    service::Shared,
    store::{Effect, JobRow, StoreError},
    worker::{self, Mail},
};

/// Why a drive cannot go on: a fault of the engine. The job waits for a person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DriveError {
    /// The journal and the recipe do not fit each other.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The store refuses what it is asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A call panicked.
    #[error("a call ended without an answer: {0}")]
    Call(String),
}

/// One job being driven.
pub(crate) struct Drive {
    pub(crate) shared: Arc<Shared>,
    pub(crate) row: JobRow,
    pub(crate) machine: Machine,
    pub(crate) pinned: Arc<Pinned>,
    pub(crate) gathered: Gathered,
    /// The calls under way, by their step.
    pub(crate) flights: BTreeMap<StepPath, Box<Flight>>,
    /// The call under way when there is one alone.
    pub(crate) only: Option<Only>,
    /// The tasks of several. A happening names its flight by number: one that is nobody's any more is passed over.
    pub(crate) happenings: JoinSet<(u64, StepPath, Happened)>,
    pub(crate) flown: u64,
    /// Which step of this job has claimed an effect, the last that did.
    pub(crate) claims: HashMap<Effect, StepPath>,
    /// Which other job holds an effect that a step here needs.
    pub(crate) held_by: HashMap<Effect, JobId>,
    /// The jobs that are waited for, by the step that called them.
    pub(crate) children: BTreeMap<StepPath, JobId>,
    /// What people answered, and which steps are over: neither is asked again.
    pub(crate) answered: HashSet<StepPath>,
    pub(crate) over: HashSet<StepPath>,
    mail: mpsc::UnboundedReceiver<Mail>,
}

/// What a round of driving found to wait for.
#[derive(Debug, Default)]
struct Found {
    /// Something was journaled: the machine is asked again first.
    moved: bool,
    /// Something is due that must not start now.
    held_up: bool,
    behind: BTreeSet<JobId>,
}

impl Drive {
    pub(crate) fn new(
        shared: Arc<Shared>,
        row: JobRow,
        pinned: Arc<Pinned>,
        event: Arc<Payload>,
        mail: mpsc::UnboundedReceiver<Mail>,
    ) -> Self {
        let facts = JobFacts {
            id: row.id,
            url: shared.job_url(row.id),
            label: row.label.clone(),
            seed: seed(&row),
        };
        let machine = Machine::new(
            pinned.recipe.clone(),
            pinned.tables.clone(),
            pinned.properties.clone(),
            event,
            facts,
        );
        Self {
            shared,
            row,
            machine,
            pinned,
            gathered: Gathered::default(),
            flights: BTreeMap::new(),
            only: None,
            happenings: JoinSet::new(),
            flown: 0,
            claims: HashMap::new(),
            held_by: HashMap::new(),
            children: BTreeMap::new(),
            answered: HashSet::new(),
            over: HashSet::new(),
            mail,
        }
    }

    /// Goes on until the job is over or waits for something; everything is on disk when this returns.
    pub(crate) async fn go(&mut self) -> Result<Parked, DriveError> {
        let parked = self.until_parked().await?;
        // Only the disk is waited for, so another job may begin.
        self.shared.free_slot(self.row.id);
        self.confirm().await?;
        Ok(parked)
    }

    async fn until_parked(&mut self) -> Result<Parked, DriveError> {
        self.open()?;
        self.take_up_open_calls()?;
        loop {
            self.read_mail().await?;
            self.fire().await?;
            let decision = self.machine.decide();
            self.gathered.add(self.machine.take_made());
            let found = match &decision {
                Decision::Finish(outcome) => {
                    if self.machine.standing().finished_at.is_none() {
                        let outcome = outcome.clone();
                        self.record(&StepPath::root(), Kind::Finished { outcome })?;
                    }
                    self.send_later().await;
                    crash_point("job.finished");
                    // A look-up may still be under way; nobody needs its answer any more.
                    self.only = None;
                    self.happenings.abort_all();
                    return Ok(Parked::Over);
                }
                Decision::Open { .. } => self.start_due(&decision).await?,
            };
            if found.moved {
                continue;
            }
            let Decision::Open { wake_at, .. } = decision else { continue };
            if self.flights.values().any(|flight| flight.is_under_way()) {
                self.wait(wake_at).await?;
                continue;
            }
            self.send_later().await;
            if found.held_up {
                return Ok(Parked::Paused);
            } else if self.machine.may_reopen() {
                return Ok(Parked::BodyOver);
            } else if wake_at.is_none() && found.behind.is_empty() {
                return Ok(Parked::Attention);
            } else if wake_at.is_none_or(|at| at > self.now()) {
                return Ok(Parked::Waiting(Waiting { until: wake_at, behind: found.behind }));
            }
        }
    }

    /// Starts what is due and not under way, in the machine's order.
    async fn start_due(&mut self, decision: &Decision) -> Result<Found, DriveError> {
        let Decision::Open { calls, children, .. } = decision else { return Ok(Found::default()) };
        let due: HashSet<&StepPath> = calls.iter().map(|due| &due.path).collect();
        // What was being prepared or looked up and is not due any more is nobody's.
        self.flights
            .retain(|path, flight| matches!(flight.stage, Stage::Calling) || due.contains(path));
        let may = self.shared.may_go_on(&self.row.recipe);
        let mut found = Found::default();
        let before = self.machine.last_seq();
        for due in calls {
            if !may {
                found.held_up = true;
                continue;
            }
            let seq = self.machine.last_seq();
            let holder = self.begin(due).await?;
            found.behind.extend(holder);
            // It has ended already, which may change what is due.
            if self.machine.last_seq() > seq && !self.flights.contains_key(&due.path) {
                found.moved = true;
                return Ok(found);
            }
        }
        for child in children {
            if may || matches!(child.stage, ChildStage::Running(_)) {
                found.behind.extend(self.attend(child).await?);
            } else {
                found.held_up = true;
            }
        }
        // A call that began changes nothing for the others.
        let begun = self.flights.values().filter(|flight| flight.just_begun).count();
        self.flights.values_mut().for_each(|flight| flight.just_begun = false);
        found.moved = (self.machine.last_seq() - before) as usize != begun;
        Ok(found)
    }

    /// Waits until something happens, a timer is due, or there is mail.
    async fn wait(&mut self, wake_at: Option<Timestamp>) -> Result<(), DriveError> {
        let clock = self.shared.clock.clone();
        let moment = async {
            match wake_at {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(moment);
        if self.gathered.is_urgent() {
            self.send_later().await;
        }
        if self.only.is_none() && self.happenings.is_empty() {
            return Ok(());
        }
        loop {
            let stale = self.gathered.stale(&clock);
            tokio::select! {
                happened = Only::happened(&mut self.only) => {
                    let (number, path, happened) = happened?;
                    return self.happened(number, &path, happened).await;
                }
                happened = self.happenings.join_next(), if !self.happenings.is_empty() => return match happened {
                    Some(Ok((number, path, happened))) => {
                        self.happened(number, &path, happened).await
                    }
                    Some(Err(fault)) => Err(DriveError::Call(fault.to_string())),
                    None => Ok(()),
                },
                mail = self.mail.recv() => return match mail {
                    Some(mail) => self.take_mail(mail).await,
                    None => Ok(()),
                },
                () = &mut moment => return Ok(()),
                // What could not be stored is stored once it can be, not only when the next call ends.
                outcome = self.gathered.first_sent() => {
                    if let Err(error) = outcome {
                        self.not_stored(error).await?;
                    }
                }
                () = stale => self.send_later().await,
            }
        }
    }

    /// Waits for the slot that was given back while the disk was waited for, and hears meanwhile what people ask. A job
    /// that is ended makes no call any more, and needs none.
    pub(crate) async fn slot_again(&mut self) -> Result<(), DriveError> {
        let mut free = self.shared.dispatch().take_slot(self.row.id);
        loop {
            self.read_mail().await?;
            let Some(heard) = free.as_mut().filter(|_| !self.machine.ending_now()) else {
                return Ok(());
            };
            tokio::select! {
                _ = heard => free = None,
                Some(mail) = self.mail.recv() => self.take_mail(mail).await?,
            }
        }
    }

    async fn read_mail(&mut self) -> Result<(), DriveError> {
        while let Ok(mail) = self.mail.try_recv() {
            self.take_mail(mail).await?;
        }
        Ok(())
    }

    async fn take_mail(&mut self, mail: Mail) -> Result<(), DriveError> {
        match mail {
            Mail::Asked(asked) => worker::answer(self, asked).await.map(drop),
            // Who was waited for is over: looked at again with the next round.
            Mail::Freed => Ok(()),
        }
    }

    /// Has a drive that rested hear what comes from now on.
    pub(crate) fn hears(&mut self, mail: mpsc::UnboundedReceiver<Mail>) {
        self.mail = mail;
    }

    /// Gives up the drive of a job that cannot be read.
    pub(crate) fn into_mail(self) -> mpsc::UnboundedReceiver<Mail> {
        self.mail
    }

    /// Takes the mail that came after the last look.
    pub(crate) fn late_mail(&mut self) -> Vec<Mail> {
        std::iter::from_fn(|| self.mail.try_recv().ok()).collect()
    }

    /// Takes an entry into account that the machine was given.
    pub(crate) fn tie(&mut self, entry: &Entry) {
        let path = &entry.path;
        match &entry.kind {
            Kind::Started { once: Some(_), .. } => {
                if let Some(effect) = self.machine.claimed(path) {
                    self.claims.insert(effect, path.clone());
                }
            }
            Kind::Child { job } => {
                self.children.insert(path.clone(), *job);
            }
            Kind::Signalled { .. } => {
                self.answered.insert(path.clone());
            }
            Kind::Succeeded { .. } | Kind::Failed { .. } | Kind::Fired => {
                self.children.remove(path);
                self.over.insert(path.clone());
            }
            Kind::Reopened { .. } => {
                self.children.clear();
                self.over.clear();
            }
            _ => {}
        }
    }

    /// Begins the journal with what the job pins, unless it has begun.
    pub(crate) fn open(&mut self) -> Result<(), Misfit> {
        if self.machine.last_seq() > 0 {
            return Ok(());
        }
        let opened = Kind::Opened {
            version: self.pinned.version.clone(),
            tables: self.pinned.tables_hash.clone(),
            properties: self.pinned.properties_hash.clone(),
        };
        self.record(&StepPath::root(), opened)
    }

    /// Journals that calls which were begun have no end: the process died during them. A read is made again; nobody
    /// knows about a write.
    fn take_up_open_calls(&mut self) -> Result<(), Misfit> {
        for due in self.machine.open_calls() {
            let at = self.now();
            let deployment = self.shared.deployment();
            let action = deployment.action(&due.connector, &due.action);
            let kind = match action {
                Some(action) if !matches!(action.spec.effect, EffectSpec::Write { .. }) => {
                    Kind::Failed {
                        failure: Failure::transient(
                            "interrupted",
                            "the service ended during the call",
                        ),
                        retry_at: Some(at),
                        looking_up: false,
                    }
                }
                action => {
                    let failure =
                        Failure::unknown("interrupted", "the service ended during the call");
                    let connection = deployment.connection(due.connection.as_deref());
                    let settle = match (action, connection) {
                        (Some(action), Ok(connection)) if looks_up(action) => {
                            Some(action.settle(&connection))
                        }
                        _ => action.and_then(declared_settle),
                    };
                    self.machine.failed(&due.path, failure, at, false, settle)
                }
            };
            self.record(&due.path, kind)?;
        }
        Ok(())
    }

    async fn fire(&mut self) -> Result<(), DriveError> {
        let now = self.now();
        for (at, path) in self.machine.timers() {
            if at > now {
                continue;
            }
            let paused = if path.0.is_empty() { self.paused(now).await? } else { None };
            self.record(&path, paused.map_or(Kind::Fired, |time| Kind::Paused { time }))?;
        }
        Ok(())
    }

    /// Returns how long the job's time stood still because its recipe or the service was off.
    async fn paused(&mut self, now: Timestamp) -> Result<Option<SignedDuration>, DriveError> {
        let Some(after) = self.machine.pauses_until() else { return Ok(None) };
        let pauses = loop {
            match self.shared.store.pauses(&self.row.recipe, after, now).await {
                Ok(pauses) => break pauses,
                Err(error) => pause(&self.shared, self.row.id, error).await?,
            }
        };
        Ok(Some(self.machine.paused(&pauses, now)).filter(SignedDuration::is_positive))
    }

    /// Applies an entry; it is sent with the next [`send_later`](Self::send_later).
    pub(crate) fn record(&mut self, path: &StepPath, kind: Kind) -> Result<(), Misfit> {
        let entry = self.machine.entry(path, self.now(), kind);
        self.machine.apply(&entry)?;
        self.tie(&entry);
        self.gathered.add([entry]);
        Ok(())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now().max(self.machine.now())
    }
}

/// Returns where the jitter of a job comes from.
fn seed(row: &JobRow) -> u64 {
    let JobId(id) = row.id;
    id.cast_unsigned().rotate_left(32) ^ row.accepted_at.as_microsecond().cast_unsigned()
}
