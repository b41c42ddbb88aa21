//! What stays when a job is reopened: what is done, and which writes nobody knows about.

use std::{collections::HashSet, sync::Arc};

use connector::FailureKind;
use serde_json::json;

use super::{Machine, Phase, block::Run, frame::Frame, names, rounds::TOO_MANY_ROUNDS};
use crate::journal::{Choice, Entry, Kind, StepPath, Verdict};

impl Machine {
    /// Remembers an entry that may stay when the job is reopened.
    pub(super) fn keep(&mut self, entry: &Entry) {
        let kept = match &entry.kind {
            // What a held write would send, and what a called recipe gives, is decided anew.
            Kind::Chose { choice: Choice::Held { .. } } => return,
            Kind::Succeeded { .. } | Kind::Failed { .. } if self.is_output(&entry.path) => return,
            // The rounds before it stay, so it comes up again by itself.
            Kind::Failed { failure, .. } if failure.code == TOO_MANY_ROUNDS => return,
            Kind::Failed { failure, retry_at: None, looking_up: false }
                if failure.kind != FailureKind::Unknown =>
            {
                entry.clone()
            }
            Kind::Succeeded { .. } | Kind::Chose { .. } | Kind::Fired | Kind::Signalled { .. } => {
                entry.clone()
            }
            Kind::Resolved { verdict: Verdict::Happened { output }, .. } => {
                let output = output.clone();
                Entry {
                    kind: Kind::Succeeded { output, recovered: true, warnings: Vec::new() },
                    ..entry.clone()
                }
            }
            _ => return,
        };
        self.kept.push(kept);
    }

    /// Keeps account of writes of which nobody knows whether they happened.
    pub(super) fn doubt(&mut self, entry: &Entry) {
        match &entry.kind {
            Kind::Started { .. } => {
                self.in_doubt.remove(&entry.path);
            }
            Kind::Failed { looking_up: true, .. } => {}
            Kind::Failed { failure, .. } if failure.kind == FailureKind::Unknown => {
                self.unsettled.insert(entry.path.clone());
            }
            Kind::Succeeded { .. }
            | Kind::Failed { .. }
            | Kind::Resolved {
                verdict: Verdict::Happened { .. } | Verdict::NotHappened { .. },
                ..
            } => {
                self.unsettled.remove(&entry.path);
            }
            _ => {}
        }
    }

    /// Starts the tree anew. Every write of the body that succeeded stays done, and so does everything before the last
    /// of them; reads after it are made again. A person's answer counts like a write: what it was given on stays. What
    /// failed the job begins anew. When only `finally` had failed, the body stays as it ended.
    pub(super) fn reopen(&mut self) {
        self.in_doubt = self.unsettled.clone();
        let stands = match &self.phase {
            Phase::FinallyFailed(outcome, _) => Some(outcome.clone()),
            _ => None,
        };
        let body_stands = stands.is_some();
        let failed: HashSet<StepPath> = match &self.phase {
            Phase::Over(outcome) => outcome
                .error
                .iter()
                .flat_map(|error| {
                    std::iter::once(error).chain(&error.others).map(|error| error.step.clone())
                })
                .collect(),
            _ => HashSet::new(),
        };
        let waits = names::waits(&self.recipe);
        let writes = names::writes_of_body(&self.recipe);
        let in_finally = names::names_of_finally(&self.recipe);
        let is_write = |entry: &Entry| match entry.kind {
            Kind::Succeeded { .. } => writes.contains(names::last_name(&entry.path)),
            Kind::Signalled { .. } => !in_finally.contains(names::first_name(&entry.path)),
            _ => false,
        };
        let last_write = self
            .kept
            .iter()
            .filter(|entry| is_write(entry))
            .map(|entry| entry.seq)
            .max()
            .unwrap_or(0);
        self.kept.retain(|entry| {
            if failed.contains(&entry.path)
                || entry.kind == Kind::Fired && !waits.contains(names::last_name(&entry.path))
            {
                return false;
            }
            if in_finally.contains(names::first_name(&entry.path)) {
                // It runs again after a new end of the body; once keys keep its writes from being doubled.
                body_stands && !matches!(entry.kind, Kind::Failed { .. })
            } else {
                body_stands || entry.seq <= last_write
            }
        });
        self.walk.memo.clear();
        self.walk.answers.clear();
        for Entry { path, kind, at, .. } in &self.kept {
            match (kind, self.walk.memo.get(path)) {
                (Kind::Signalled { answer, .. }, _) => {
                    self.walk.answers.entry(path.clone()).or_insert_with(|| answer.clone());
                }
                // A person's plain retry before the moment, which ended nothing.
                (Kind::Fired, Some(Kind::Chose { choice: Choice::Until(until) })) if at < until => {
                }
                (Kind::Fired, Some(Kind::Chose { choice: Choice::Asked { until, .. } }))
                    if until.is_none_or(|until| *at < until) => {}
                _ => {
                    self.walk.memo.insert(path.clone(), kind.clone());
                }
            }
        }
        self.finally = Run::new(&self.recipe.finally);
        self.finished_at = None;
        if let Some(outcome) = stands {
            // The body is over, however it ended; its outputs and variables are there still.
            self.walk.warnings.clone_from(&outcome.warnings);
            self.show_job();
            self.phase = Phase::Finally(outcome);
            return;
        }
        self.walk.warnings.clear();
        self.show_job();
        self.walk.scope.vars = Arc::new(json!({}));
        self.walk.scope.outcome = None;
        self.frame = Frame::default();
        self.body = Run::new(&self.recipe.steps);
        self.ending = None;
        self.phase = Phase::Body;
    }
}
