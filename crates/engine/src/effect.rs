//! Writes that happen once: claimed before they are called, looked up when nobody knows, settled when they are done.

use std::{sync::Arc, time::Duration};

use connector::{Action, Failure, LookUp};
use recipe::EffectSpec;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::{
    drive::{Drive, DriveError},
    flight::{Flight, too_large},
    gather::pause,
    journal::{JobId, Kind, Status, StepPath, Verdict},
    machine::{Due, Misfit, NOT_SENT, names},
    pins,
    service::Shared,
    store::{Append, Claim, Claimed, Effect, Standing},
    worker,
};

/// What became of the claim of a write.
pub(crate) enum Claiming {
    /// It is on disk: the write may be made.
    Granted,
    /// The write is not made now, and the journal says why.
    Settled,
    /// Another step of this job is about to do the same: it is asked for again when that one has ended.
    OwnStep,
    /// Another job is about to do the same.
    Behind(JobId),
}

impl Drive {
    /// Claims a write before it is called and waits until that is on disk.
    pub(crate) async fn claim(
        &mut self,
        due: &Due,
        effect: &Effect,
        action: &Action,
    ) -> Result<Claiming, DriveError> {
        if self.claims.get(effect).is_some_and(|holder| {
            *holder != due.path && self.machine.claimed(holder).as_ref() == Some(effect)
        }) {
            return Ok(Claiming::OwnStep);
        }
        if let Some(holder) = self.held_by.get(effect).copied() {
            if self.shared.dispatch().watch(holder, self.row.id) {
                return Ok(Claiming::Behind(holder));
            }
            self.held_by.remove(effect);
        }
        let started = Kind::Started {
            attempt: due.attempt,
            input: due.input.clone(),
            once: Some(effect.key.clone()),
        };
        if self.gathered.is_urgent() {
            self.send_later().await;
        }
        let entry = self.machine.entry(&due.path, self.now(), started.clone());
        // Reopened while nobody knew whether it had happened: its own claim is no permission to call.
        let in_doubt = self.machine.in_doubt(&due.path);
        let mut take_over = false;
        loop {
            let claim = Claim { effect: effect.clone(), path: due.path.to_string(), take_over };
            let append = Append {
                job: self.row.id,
                // What comes before the claim is appended with it.
                entries: self.gathered.with(&entry),
                standing: Standing {
                    status: Status::Running,
                    wake_at: None,
                    ..self.machine.standing()
                },
                claim: Some(claim),
                settle: None,
            };
            let standing = append.standing.clone();
            self.let_go();
            self.shared.free_slot(self.row.id);
            let claimed = self.shared.store.append(append.clone()).await;
            if !matches!(claimed, Ok(Claimed::Mine)) {
                self.shared.take_slot(self.row.id).await;
            }
            let claimed = match claimed {
                Ok(claimed) => claimed,
                Err(error) => {
                    pause(&self.shared, self.row.id, error).await?;
                    self.confirm().await?;
                    continue;
                }
            };
            match claimed {
                Claimed::Mine => {
                    self.machine.apply(&entry)?;
                    self.tie(&entry);
                    self.gathered.is_stored(None);
                    self.notify(&append.entries, &standing);
                    self.slot_again().await?;
                    if !take_over && !in_doubt {
                        return self.may_send(due, effect).await;
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
                    return Ok(Claiming::Settled);
                }
                Claimed::Done(output) => {
                    self.record(&due.path, started)?;
                    let kind = Kind::Succeeded { output, recovered: true, warnings: Vec::new() };
                    self.record(&due.path, kind)?;
                    return Ok(Claiming::Settled);
                }
                Claimed::HeldBy(holder) if holder != self.row.id => {
                    if self.shared.dispatch().watch(holder, self.row.id) {
                        self.held_by.insert(effect.clone(), holder);
                        return Ok(Claiming::Behind(holder));
                    }
                    // It is over by now, and the store will say so.
                }
                // None of its own calls is open: a step that is over left it unsettled.
                Claimed::HeldBy(_) | Claimed::Unsure(_) => take_over = true,
            }
        }
    }

    /// Returns whether a write whose claim is on disk is still wanted. If not, it is let go of: nothing was sent, so
    /// there is nothing to look up.
    async fn may_send(&mut self, due: &Due, effect: &Effect) -> Result<Claiming, DriveError> {
        let why = if self.machine.ending_now() {
            "the job was ended before this was sent"
        } else if !self.shared.may_go_on(&self.row.recipe) {
            "the recipe or the service was stopped before this was sent"
        } else {
            return Ok(Claiming::Granted);
        };
        let failure = Failure::transient(NOT_SENT, why);
        let kind = self.machine.failed(&due.path, failure, self.now(), false, None);
        self.settle(effect.clone(), None).await;
        self.record(&due.path, kind)?;
        Ok(Claiming::Settled)
    }

    /// Journals what a look-up found.
    pub(crate) async fn looked_up(
        &mut self,
        Flight { due, call, .. }: Flight,
        result: Result<LookUp<Value>, Failure>,
    ) -> Result<(), Misfit> {
        let at = self.now();
        let verdict = match result {
            Ok(LookUp::Found(output)) => match too_large(&output) {
                Some(why) => Verdict::Inconclusive { why: format!("it happened, but {why}") },
                None => Verdict::Happened { output: Arc::new(output) },
            },
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
            self.settle(effect, output).await;
        }
        self.record(path, Kind::Resolved { by: by.into(), verdict })
    }
}

/// Takes the exclusive keys again that jobs held when the process ended: they are held until those jobs are over,
/// whatever happens in between.
pub(crate) async fn take_up_holds(shared: &Arc<Shared>) {
    let begun = shared.dispatch().begun();
    for id in begun {
        let Ok(Some(loaded)) = shared.store.load(id).await else { continue };
        if loaded.row.standing.status == Status::NeedsAttention
            && let Ok(drive) =
                worker::build(shared, loaded.clone(), mpsc::unbounded_channel().1).await
            && drive.machine.may_reopen()
        {
            // Only its `finally` is left: it holds nothing.
            shared.dispatch().let_go(id);
            continue;
        }
        let Ok(pinned) = pins::pinned(shared, &loaded.row, &loaded.entries).await else {
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
