//! What stays when a job is reopened: what is done, and which writes nobody knows about.

use std::sync::Arc;

use connector::FailureKind;
use serde_json::json;

use super::{Machine, Phase, block::Run, frame::Frame, names};
use crate::journal::{Entry, Kind, Verdict};

impl Machine {
    pub(super) fn keep(&mut self, entry: &Entry) {
        let done = match &entry.kind {
            Kind::Succeeded { .. } | Kind::Chose { .. } | Kind::Failed { retry_at: None, .. } => {
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
        self.kept.push(done);
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
    /// of them; reads after it are made again. When only `finally` had failed, the body stays as it ended.
    pub(super) fn reopen(&mut self) {
        self.in_doubt = self.unsettled.clone();
        let stands = match &self.phase {
            Phase::FinallyFailed(outcome, _) => Some(outcome.clone()),
            _ => None,
        };
        let body_stands = stands.is_some();
        let writes = names::writes_of_body(&self.recipe);
        let in_finally = names::names_of_finally(&self.recipe);
        let is_write = |entry: &Entry| {
            matches!(entry.kind, Kind::Succeeded { .. })
                && writes.contains(names::last_name(&entry.path))
        };
        let last_write = self
            .kept
            .iter()
            .filter(|entry| is_write(entry))
            .map(|entry| entry.seq)
            .max()
            .unwrap_or(0);
        self.kept.retain(|entry| {
            if in_finally.contains(names::first_name(&entry.path)) {
                // It runs again after a new end of the body; once keys keep its writes from being doubled.
                body_stands && !matches!(entry.kind, Kind::Failed { .. })
            } else {
                body_stands || entry.seq <= last_write
            }
        });
        self.walk.memo =
            self.kept.iter().map(|entry| (entry.path.clone(), entry.kind.clone())).collect();
        self.finally = Run::new(&self.recipe.finally);
        self.finished_at = None;
        if let Some(outcome) = stands {
            // The body is over, however it ended; its outputs and variables are there still.
            self.walk.warnings.clone_from(&outcome.warnings);
            self.phase = Phase::Finally(outcome);
            return;
        }
        self.walk.warnings.clear();
        self.walk.scope.vars = Arc::new(json!({}));
        self.walk.scope.outcome = None;
        self.frame = Frame::default();
        self.body = Run::new(&self.recipe.steps);
        self.ending = None;
        self.phase = Phase::Body;
    }
}
