//! Writes that happen once: claimed before they are called, looked up when nobody knows, settled when they are done.

use std::{sync::Arc, time::Duration};

use connector::{Action, Call, Connection, Failure, LookUp};
use recipe::EffectSpec;

use crate::{
    dispatch::Parked,
    drive::{Drive, DriveError, pause},
    journal::{Kind, Status, StepPath, Verdict},
    machine::{Due, Misfit, names},
    service::Shared,
    store::{Append, Claim, Claimed, Effect, Standing},
    worker,
};

impl Drive {
    /// Claims a write before it is called and waits until that is on disk. `Some` when it must not be called now: the
    /// inner value then says where the drive ends, if it does.
    pub(crate) async fn claim(
        &mut self,
        due: &Due,
        effect: &Effect,
        action: &Action,
    ) -> Result<Option<(Option<Parked>,)>, DriveError> {
        let started = Kind::Started {
            attempt: due.attempt,
            input: due.input.clone(),
            once: Some(effect.key.clone()),
        };
        self.send_later().await;
        self.confirm().await?;
        let entry = self.machine.entry(&due.path, self.now(), started.clone());
        // Reopened while nobody knew whether it had happened: its own claim is no permission to call.
        let in_doubt = self.machine.in_doubt(&due.path);
        let mut take_over = false;
        loop {
            let claim = Claim { effect: effect.clone(), path: due.path.to_string(), take_over };
            let append = Append {
                job: self.row.id,
                entries: vec![entry.clone()],
                standing: Standing {
                    status: Status::Running,
                    wake_at: None,
                    ..self.machine.standing()
                },
                claim: Some(claim),
                settle: None,
            };
            let claimed = match self.shared.store.append(append).await {
                Ok(claimed) => claimed,
                Err(error) => {
                    pause(&self.shared, self.row.id, error).await?;
                    continue;
                }
            };
            match claimed {
                Claimed::Mine => {
                    self.machine.apply(&entry)?;
                    self.stored = None;
                    self.notify(&[entry]);
                    if !take_over && !in_doubt {
                        return Ok(None);
                    }
                    // Somebody else may have done it: look before calling.
                    let why = if in_doubt {
                        "it may have happened before the job was reopened"
                    } else {
                        "an earlier job may have done this already"
                    };
                    let failure = Failure::unknown("claimed_before", why);
                    let settle = looks_up(action).then_some(Duration::ZERO);
                    let kind = self.machine.failed(&due.path, failure, self.now(), false, settle);
                    self.record(&due.path, kind)?;
                    return Ok(Some((None,)));
                }
                Claimed::Done(output) => {
                    self.record(&due.path, started)?;
                    let kind = Kind::Succeeded { output, recovered: true, warnings: Vec::new() };
                    self.record(&due.path, kind)?;
                    return Ok(Some((None,)));
                }
                Claimed::HeldBy(holder) if holder != self.row.id => {
                    return Ok(Some((Some(Parked::Behind(holder)),)));
                }
                // Steps of one job are called one after the other, so none of its own calls is open here.
                Claimed::HeldBy(_) | Claimed::Unsure(_) => take_over = true,
            }
        }
    }

    pub(crate) async fn look_up(
        &mut self,
        due: &Due,
        action: &Action,
        connection: &Connection,
        call: &Call,
    ) -> Result<(), Misfit> {
        let result = action.look_up_outcome(connection, call, (*due.input).clone()).await;
        let at = self.now();
        let verdict = match result {
            Ok(LookUp::Found(output)) => Verdict::Happened { output: Arc::new(output) },
            Ok(LookUp::Absent) => {
                Verdict::NotHappened { retry_at: self.machine.next_attempt(&due.path, at, None) }
            }
            Ok(LookUp::Inconclusive(why)) => Verdict::Inconclusive { why },
            Err(mut failure) => {
                failure.exchange = failure.exchange.or_else(|| call.take_exchange().map(Box::new));
                let kind = self.machine.failed(&due.path, failure, at, true, None);
                return self.record(&due.path, kind);
            }
        };
        self.resolve(&due.path, "look-up", verdict).await
    }

    /// Journals how an unknown outcome was settled, and settles its effect with it.
    pub(crate) async fn resolve(
        &mut self,
        path: &StepPath,
        by: &str,
        verdict: Verdict,
    ) -> Result<(), Misfit> {
        let settled = match &verdict {
            Verdict::Happened { output } => Some(Some(output.clone())),
            Verdict::NotHappened { retry_at: None } => Some(None),
            _ => None,
        };
        if let (Some(output), Some(effect)) = (settled, self.machine.claimed(path)) {
            self.settle = Some((effect, output));
        }
        self.record(path, Kind::Resolved { by: by.into(), verdict })?;
        self.send_later().await;
        Ok(())
    }
}

/// Takes the exclusive keys again that jobs held when the process ended: they are held until those jobs are over,
/// whatever happens in between.
pub(crate) async fn take_up_holds(shared: &Arc<Shared>) {
    let begun = shared.dispatch().begun();
    for id in begun {
        let Ok(Some(loaded)) = shared.store.load(id).await else { continue };
        if loaded.row.standing.status == Status::NeedsAttention
            && let Ok(drive) = worker::build(shared, loaded.clone()).await
            && drive.machine.may_reopen()
        {
            // Only its `finally` is left: it holds nothing.
            shared.dispatch().let_go(id);
            continue;
        }
        let Ok(pinned) = worker::pinned(shared, &loaded.row, &loaded.entries).await else {
            continue;
        };
        let deployment = shared.deployment();
        for entry in &loaded.entries {
            let Kind::Started { input, .. } = &entry.kind else { continue };
            let Some(step) = names::action_at(&pinned.recipe, &entry.path) else { continue };
            let Some(action) = deployment.action(&step.connector, &step.action) else { continue };
            if let Ok(Some(key)) = action.exclusive_key(input) {
                let held = shared.dispatch().hold(hold_key(step.connection.as_deref(), &key), id);
                if let Err(other) = held {
                    tracing::warn!(
                        job = id.0,
                        other = other.0,
                        "two unfinished jobs have touched the same name"
                    );
                }
            }
        }
    }
}

/// Returns an exclusive key as the dispatch knows it: keys are per connection.
pub(crate) fn hold_key(connection: Option<&str>, key: &str) -> String {
    format!("{}\0{key}", connection.unwrap_or_default())
}

/// Returns how long the vendor may take to show this write, if it can be looked up; the connection may say otherwise.
pub(crate) fn declared_settle(action: &Action) -> Option<Duration> {
    match action.spec.effect {
        EffectSpec::Write { looks_up: true, settle } => Some(settle),
        _ => None,
    }
}

pub(crate) fn looks_up(action: &Action) -> bool {
    declared_settle(action).is_some()
}
