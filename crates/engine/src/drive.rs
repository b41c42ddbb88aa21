//! Driving one job: asks its machine, calls connectors, appends what happened. The only place that performs.
//!
//! What waits for the disk: the claim before a write, and the end of the drive. Everything else rides along in order.
//! Entries stay in `unconfirmed` until the store confirms them; when a commit fails (disk full) they are appended
//! again, and the calls behind them are never made again.

use std::{collections::VecDeque, pin::Pin, sync::Arc, time::Duration};

use connector::{Action, Call, Connection, Failure, FailureKind, Identity};
use jiff::Timestamp;
use recipe::EffectSpec;
use serde_json::Value;

use crate::{
    crash::crash_point,
    deployment::Pinned,
    dispatch::Parked,
    effect::{declared_settle, hold_key, looks_up},
    journal::{Entry, JobId, Kind, StepPath},
    machine::{Decision, Due, JobFacts, Machine, Misfit, What},
    service::{Notice, Shared},
    store::{Append, Claimed, Effect, JobRow, Standing, StoreError},
};

/// The largest output of a step, in bytes of JSON.
const LARGEST_OUTPUT: usize = 1024 * 1024;

/// How long one attempt may take when its step does not say: a complete read of a large tenant takes minutes.
const LONGEST_CALL: Duration = Duration::from_mins(10);

/// How long to wait before a failed commit is tried again.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Why a drive cannot go on: a fault of the engine. The job waits for a person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DriveError {
    /// The journal and the recipe do not fit each other.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The store refuses what it is asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the store will say of an append.
type Appended = Pin<Box<dyn Future<Output = Result<Claimed, StoreError>> + Send>>;

/// One job being driven.
pub(crate) struct Drive {
    pub(crate) shared: Arc<Shared>,
    pub(crate) row: JobRow,
    pub(crate) machine: Machine,
    pub(crate) pinned: Arc<Pinned>,
    /// Entries that are applied and not sent to the store yet.
    pub(crate) buffer: Vec<Entry>,
    pub(crate) settle: Option<(Effect, Option<Arc<Value>>)>,
    unconfirmed: VecDeque<(Append, Appended)>,
    /// The standing that the store has.
    pub(crate) stored: Option<Standing>,
}

impl Drive {
    pub(crate) fn new(
        shared: Arc<Shared>,
        row: JobRow,
        pinned: Arc<Pinned>,
        event: Arc<Value>,
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
            buffer: Vec::new(),
            settle: None,
            unconfirmed: VecDeque::new(),
            stored: None,
        }
    }

    /// Goes on until the job is over or waits for something; everything is on disk when this returns.
    pub(crate) async fn go(&mut self) -> Result<Parked, DriveError> {
        let parked = self.until_parked().await?;
        self.confirm().await?;
        Ok(parked)
    }

    async fn until_parked(&mut self) -> Result<Parked, DriveError> {
        self.open()?;
        self.take_up_open_calls()?;
        loop {
            if let Some(by) = self.shared.take_cancel(self.row.id) {
                self.record(&StepPath::root(), Kind::CancelRequested { by })?;
            }
            self.fire()?;
            let decision = self.machine.decide();
            self.buffer.extend(self.machine.take_made());
            match decision {
                Decision::Finish(outcome) => {
                    if self.machine.standing().finished_at.is_none() {
                        self.record(&StepPath::root(), Kind::Finished { outcome })?;
                    }
                    self.send_later().await;
                    crash_point("job.finished");
                    return Ok(Parked::Over);
                }
                Decision::Open { calls, wake_at, attention, .. } => {
                    // Only one path is active at a time as long as rounds are sequential.
                    if let Some(due) = calls.into_iter().next() {
                        if !self.shared.may_go_on(&self.row.recipe) {
                            self.send_later().await;
                            return Ok(Parked::Paused);
                        }
                        if let Some(parked) = self.perform(due).await? {
                            self.send_later().await;
                            return Ok(parked);
                        }
                        continue;
                    }
                    self.send_later().await;
                    if !attention.is_empty() {
                        let body_over = self.machine.may_reopen();
                        return Ok(if body_over { Parked::BodyOver } else { Parked::Attention });
                    }
                    let Some(at) = wake_at else { return Ok(Parked::Attention) };
                    if at > self.now() {
                        return Ok(Parked::Until(at));
                    }
                }
            }
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

    /// Makes a call that is due; `Some` when it cannot be made now.
    async fn perform(&mut self, due: Due) -> Result<Option<Parked>, DriveError> {
        let deployment = self.shared.deployment();
        let name = format!("{}.{}", due.connector, due.action);
        let Some(action) = deployment.action(&due.connector, &due.action).cloned() else {
            let failure =
                Failure::permanent("no_action", format!("this version has no action `{name}`"))
                    .hint("Retry the job with its newest recipe.");
            self.begin_and_fail(&due, failure)?;
            return Ok(None);
        };
        let connection = match deployment.connection(due.connection.as_deref()) {
            Ok(connection) => connection,
            Err(failure) => {
                self.begin_and_fail(&due, failure)?;
                return Ok(None);
            }
        };
        let identity = Identity {
            event: self.row.once_key.clone(),
            path: due.path.to_string(),
            cause: due.cause.clone(),
        };
        let call = Call::new(identity, self.shared.clock.clone());
        if due.what == What::LookUp {
            self.look_up(&due, &action, &connection, &call).await?;
            return Ok(None);
        }
        match action.exclusive_key(&due.input) {
            Ok(Some(key)) => {
                let key = hold_key(due.connection.as_deref(), &key);
                if let Err(holder) = self.shared.dispatch().hold(key, self.row.id) {
                    return Ok(Some(Parked::Behind(holder)));
                }
            }
            Ok(None) => {}
            Err(failure) => {
                self.begin_and_fail(&due, failure)?;
                return Ok(None);
            }
        }
        let prepared = match action.prepare(&connection, &call, (*due.input).clone()).await {
            Ok(prepared) => prepared,
            Err(failure) => {
                self.begin_and_fail(&due, failure)?;
                return Ok(None);
            }
        };
        let effect = matches!(action.spec.effect, EffectSpec::Write { .. }).then(|| Effect {
            connection: due.connection.clone().unwrap_or_default(),
            action: name,
            key: prepared.key.clone(),
        });
        if let Some(effect) = &effect {
            if let Some(parked) = self.claim(&due, effect, &action).await? {
                return Ok(parked.0);
            }
        } else {
            let started =
                Kind::Started { attempt: due.attempt, input: due.input.clone(), once: None };
            self.record(&due.path, started)?;
            self.send_later().await;
        }
        crash_point("call.before");
        let limit = due.timeout.unwrap_or(LONGEST_CALL);
        let running = action.run(&connection, &call, (*due.input).clone(), prepared);
        let result = tokio::select! {
            result = running => result,
            () = self.shared.clock.sleep(limit) => Err(timed_out(&action, limit)),
        };
        crash_point("call.after");
        self.end(&due, (&action, &connection), effect, &call, result)?;
        Ok(None)
    }

    /// Journals how an attempt ended.
    fn end(
        &mut self,
        due: &Due,
        (action, connection): (&Action, &Connection),
        effect: Option<Effect>,
        call: &Call,
        result: Result<Value, Failure>,
    ) -> Result<(), Misfit> {
        let at = self.now();
        let writes = effect.is_some();
        let result = result.and_then(|output| {
            let bytes = output.to_string().len();
            if bytes <= LARGEST_OUTPUT {
                return Ok(output);
            }
            Err(Failure::permanent(
                "output_too_large",
                format!("the answer has {bytes} bytes, more than 1 MiB"),
            )
            .hint("Ask for less: fewer items, fewer fields."))
        });
        let kind = match result {
            Ok(output) => {
                let output = Arc::new(output);
                self.settle = effect.map(|effect| (effect, Some(output.clone())));
                let warnings = call.take_warnings();
                Kind::Succeeded { output, recovered: false, warnings }
            }
            Err(mut failure) => {
                if failure.kind == FailureKind::Unknown && !writes {
                    failure.kind = FailureKind::Transient { after: None };
                }
                failure.exchange = failure.exchange.or_else(|| call.take_exchange().map(Box::new));
                let settle = looks_up(action).then(|| action.settle(connection));
                let kind = self.machine.failed(&due.path, failure, at, false, settle);
                if let Kind::Failed { failure, retry_at: None, .. } = &kind
                    && failure.kind != FailureKind::Unknown
                {
                    self.settle = effect.map(|effect| (effect, None));
                }
                kind
            }
        };
        self.record(&due.path, kind)
    }

    /// Journals an attempt that failed before anything was sent.
    fn begin_and_fail(&mut self, due: &Due, failure: Failure) -> Result<(), Misfit> {
        if due.what == What::LookUp {
            let kind = self.machine.failed(&due.path, failure, self.now(), true, None);
            return self.record(&due.path, kind);
        }
        let started = Kind::Started { attempt: due.attempt, input: due.input.clone(), once: None };
        self.record(&due.path, started)?;
        let kind = self.machine.failed(&due.path, failure, self.now(), false, None);
        self.record(&due.path, kind)
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

    fn fire(&mut self) -> Result<(), Misfit> {
        let now = self.now();
        for (at, path) in self.machine.timers() {
            if at <= now {
                self.record(&path, Kind::Fired)?;
            }
        }
        Ok(())
    }

    /// Applies an entry; it is sent with the next [`send_later`](Self::send_later).
    pub(crate) fn record(&mut self, path: &StepPath, kind: Kind) -> Result<(), Misfit> {
        let entry = self.machine.entry(path, self.now(), kind);
        self.machine.apply(&entry)?;
        self.buffer.push(entry);
        Ok(())
    }

    /// Sends what is buffered to the store without waiting for the disk.
    pub(crate) async fn send_later(&mut self) {
        let standing = self.machine.standing();
        if self.buffer.is_empty() && self.stored.as_ref() == Some(&standing) {
            return;
        }
        let entries = std::mem::take(&mut self.buffer);
        self.notify(&entries);
        self.stored = Some(standing.clone());
        let append =
            Append { job: self.row.id, entries, standing, claim: None, settle: self.settle.take() };
        let appended = send(&self.shared, append.clone()).await;
        self.unconfirmed.push_back((append, appended));
        crash_point("entries.sent");
    }

    /// Waits until everything that was sent is on disk; appends again what a failed commit lost.
    pub(crate) async fn confirm(&mut self) -> Result<(), DriveError> {
        while let Some((append, appended)) = self.unconfirmed.pop_front() {
            let Err(error) = appended.await else { continue };
            pause(&self.shared, self.row.id, error).await?;
            let rest = std::mem::take(&mut self.unconfirmed);
            for append in std::iter::once(append).chain(rest.into_iter().map(|(append, _)| append))
            {
                let appended = send(&self.shared, append.clone()).await;
                self.unconfirmed.push_back((append, appended));
            }
        }
        Ok(())
    }

    pub(crate) fn notify(&self, entries: &[Entry]) {
        let standing = self.machine.standing();
        self.shared.notify(Notice {
            job: self.row.id,
            recipe: self.row.recipe.clone(),
            label: self.row.label.clone(),
            status: standing.status,
            note: standing.note,
            entries: entries.into(),
        });
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now().max(self.machine.now())
    }
}

async fn send(shared: &Shared, append: Append) -> Appended {
    match shared.store.append_later(append).await {
        Ok(appended) => Box::pin(appended),
        Err(error) => Box::pin(std::future::ready(Err(error))),
    }
}

/// Waits before the store is asked again; gives the error back when asking again is no use.
pub(crate) async fn pause(
    shared: &Shared,
    job: JobId,
    error: StoreError,
) -> Result<(), StoreError> {
    if !matches!(error, StoreError::Unavailable(_) | StoreError::Gap { .. }) {
        return Err(error);
    }
    tracing::error!(job = job.0, %error, "the store does not take entries; trying again");
    shared.clock.sleep(STORE_PAUSE).await;
    Ok(())
}

fn timed_out(action: &Action, limit: Duration) -> Failure {
    let message = format!("`{}` took longer than {} s", action.name, limit.as_secs());
    Failure::unknown("timeout", message)
        .hint("Raise the step's `timeout` if this is normal for it.")
}

/// Returns where the jitter of a job comes from.
fn seed(row: &JobRow) -> u64 {
    let JobId(id) = row.id;
    id.cast_unsigned().rotate_left(32) ^ row.accepted_at.as_microsecond().cast_unsigned()
}
