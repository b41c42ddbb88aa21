//! Calls of other recipes: a job of its own for each, made with the step's `Started`, waited for, taken up again.

use std::sync::Arc;

use connector::Failure;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::{
    command::Command,
    dispatch::Place,
    drive::{Drive, DriveError},
    gather::pause,
    intake,
    journal::{Entry, JobId, Kind, Outcome, Status, StepPath},
    machine::{Child, ChildStage, Misfit},
    service::Notice,
    store::{Accepted, Append, Intake, JobRow, NewJob, StoreError},
    worker,
};

impl Drive {
    /// Takes the call of a recipe as far as it goes. Returns the job that it waits for.
    pub(crate) async fn attend(&mut self, child: &Child) -> Result<Option<JobId>, DriveError> {
        let job = match child.stage {
            ChildStage::Due => return self.begin_child(child).await.map(|()| None),
            ChildStage::Begun => {
                match self.find_child(&child.path).await? {
                    Some(row) => self.record(&child.path, Kind::Child { job: row.id })?,
                    None => self.fail_child(child, gone())?,
                }
                return Ok(None);
            }
            ChildStage::Running(job) => job,
        };
        if child.background {
            let output = Arc::new(json!({ "job": job.to_string() }));
            let kind = Kind::Succeeded { output, recovered: false, warnings: Vec::new() };
            self.record(&child.path, kind)?;
            return Ok(None);
        }
        if self.shared.dispatch().watch(job, self.row.id) {
            return Ok(Some(job));
        }
        let kind = match self.ended(job).await? {
            Some(outcome) => kind_of(job, &child.recipe, outcome),
            None => Kind::Failed { failure: gone(), retry_at: None, looking_up: false },
        };
        self.record(&child.path, kind)?;
        Ok(None)
    }

    /// Asks that the jobs this one waits for end with it.
    pub(crate) async fn cancel_children(&mut self, by: &str) {
        for job in self.children.values().copied().collect::<Vec<_>>() {
            let (reply, answer) = oneshot::channel();
            let by = format!("{by}, with job {}", self.row.id);
            let sent = worker::command(&self.shared, job, &by, Command::Cancel, reply).await;
            let told = match sent {
                Ok(()) => answer.await.unwrap_or(Ok(())),
                Err(error) => Err(error),
            };
            if let Err(error) = told {
                // It may have ended in the meantime.
                tracing::info!(job = job.0, %error, "a called job is not cancelled with its caller");
            }
        }
    }

    async fn begin_child(&mut self, child: &Child) -> Result<(), DriveError> {
        let known = if child.attempt > 1 { self.find_child(&child.path).await? } else { None };
        match known {
            // Begun before this job was reopened: it goes on, or is taken as a person left it.
            Some(row) if row.standing.status != Status::Cancelled => {
                if row.standing.status == Status::Failed {
                    self.reopen_child(row.id).await;
                }
                self.record(&child.path, started(child))?;
                self.record(&child.path, Kind::Child { job: row.id })?;
                Ok(())
            }
            _ => self.make_child(child).await,
        }
    }

    async fn make_child(&mut self, child: &Child) -> Result<(), DriveError> {
        let called = intake::call(&self.shared, &self.row, child, self.shared.clock.now());
        let call = match called {
            Ok(call) => call,
            Err(failure) => {
                self.record(&child.path, started(child))?;
                self.fail_child(child, failure)?;
                return Ok(());
            }
        };
        self.send_later().await;
        let entry = self.machine.entry(&child.path, self.now(), started(child));
        self.machine.apply(&entry)?;
        self.tie(&entry);
        let standing = self.machine.standing();
        let entries: Arc<[Entry]> = [entry].into();
        self.notify(&entries, &standing);
        let append = Append {
            job: self.row.id,
            entries,
            standing: standing.clone(),
            claim: None,
            settle: None,
        };
        let accepted = loop {
            match self.shared.store.call(append.clone(), call.clone()).await {
                Ok(accepted) => break accepted,
                Err(error) => {
                    pause(&self.shared, self.row.id, error).await?;
                    self.confirm().await?;
                }
            }
        };
        self.gathered.is_stored(Some(standing));
        let job = match accepted {
            Accepted::New(job) => {
                self.announce(job, &call);
                job
            }
            Accepted::Repeat { job, .. } => job,
        };
        self.record(&child.path, Kind::Child { job })?;
        Ok(())
    }

    /// Has the new job driven.
    fn announce(&self, job: JobId, call: &Intake) {
        let Some(NewJob { label, attention, .. }) = call.jobs.first() else { return };
        let (place, status) = match attention {
            Some(_) => (Place::Attention, Status::NeedsAttention),
            None => (Place::Ready, Status::Queued),
        };
        self.shared.dispatch().add(job, &call.recipe, None, false, place);
        self.shared.notify(|| Notice {
            job,
            recipe: call.recipe.clone(),
            label: label.clone(),
            status,
            note: attention.clone().unwrap_or_default(),
            entries: Arc::new([]),
        });
        self.shared.changed.notify_one();
    }

    async fn reopen_child(&mut self, job: JobId) {
        let (reply, answer) = oneshot::channel();
        let by = format!("a retry of job {}", self.row.id);
        let command = Command::Retry { newest: false, force: true };
        let sent = worker::command(&self.shared, job, &by, command, reply).await;
        let told = match sent {
            Ok(()) => answer.await.unwrap_or(Ok(())),
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::warn!(job = job.0, %error, "a called job does not go on with its caller");
        }
    }

    fn fail_child(&mut self, child: &Child, failure: Failure) -> Result<(), Misfit> {
        self.record(&child.path, Kind::Failed { failure, retry_at: None, looking_up: false })
    }

    async fn find_child(&mut self, path: &StepPath) -> Result<Option<JobRow>, StoreError> {
        loop {
            match self.shared.store.child(self.row.id, path).await {
                Err(error) => pause(&self.shared, self.row.id, error).await?,
                found => return found,
            }
        }
    }

    async fn ended(&mut self, job: JobId) -> Result<Option<Outcome>, StoreError> {
        loop {
            match self.shared.store.outcome(job).await {
                Err(error) => pause(&self.shared, self.row.id, error).await?,
                found => return found,
            }
        }
    }
}

fn started(child: &Child) -> Kind {
    Kind::Started { attempt: child.attempt, input: child.input.clone(), once: None }
}

/// Returns what the end of a called job means for the step that called it.
fn kind_of(job: JobId, recipe: &str, outcome: Outcome) -> Kind {
    let failed = |code: &str, message: String, hint: &str| Kind::Failed {
        failure: Failure::permanent(code, message).hint(hint),
        retry_at: None,
        looking_up: false,
    };
    match outcome.status {
        Status::Failed => {
            let (code, why) = match outcome.error {
                Some(error) => (error.code, error.message),
                None => ("failed".into(), outcome.message),
            };
            failed(
                &code,
                format!("job {job} of `{recipe}` failed: {why}"),
                &format!("Retry this job: job {job} then goes on from where it failed."),
            )
        }
        Status::Cancelled => failed(
            "cancelled",
            format!("job {job} of `{recipe}` was cancelled"),
            "Retry this job: it then calls the recipe anew.",
        ),
        _ => {
            let output = outcome.output.unwrap_or_else(|| Arc::new(Value::Null));
            Kind::Succeeded { output, recovered: false, warnings: Vec::new() }
        }
    }
}

fn gone() -> Failure {
    Failure::permanent("no_job", "the job it called is not in the history any more")
        .hint("Retry this job: it then calls the recipe anew.")
}
