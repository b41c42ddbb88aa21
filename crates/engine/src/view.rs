//! What people look at: one job with its journal, the version it runs, what it asks and called; how connections do.

use std::sync::Arc;

use connector::{
    Delivery,
    http::{CircuitState, Health},
};
use recipe::Recipe;
use serde::{Deserialize, Serialize};

use crate::{
    deployment::StoredText,
    journal::{Entry, JobId},
    pins,
    question::{Question, questions},
    service::Engine,
    store::{JobRow, StoreError},
    worker,
};

/// One job with its journal.
#[derive(Debug, Clone)]
pub struct JobView {
    /// The job.
    pub row: JobRow,
    /// The delivery it was made of.
    pub delivery: Delivery,
    /// Its journal.
    pub entries: Vec<Entry>,
    /// The version it runs, when it still checks.
    pub recipe: Option<Arc<Recipe>>,
    /// The text of that version.
    pub(crate) source: Option<StoredText>,
    /// The job it waits for.
    pub blocked_by: Option<JobId>,
    /// What people are asked and have not answered.
    pub asks: Vec<Question>,
    /// The jobs that its steps called, in order; what called it stands in its row.
    pub children: Vec<JobRow>,
}

impl JobView {
    /// Returns the path and text of the version it runs.
    pub fn source(&self) -> Option<(&str, &str)> {
        self.source.as_ref().map(|source| (source.path.as_str(), source.text.as_str()))
    }
}

/// How the hosts of a connection do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ConnectionHealth {
    /// The connection.
    pub connection: String,
    /// Its hosts; most have one.
    pub hosts: Vec<Health>,
}

impl ConnectionHealth {
    /// Returns whether requests are refused, or wait for longer than usual.
    pub fn is_held_up(&self) -> bool {
        let held =
            |host: &Health| host.state != CircuitState::Closed || host.paused_until.is_some();
        self.hosts.iter().any(held)
    }
}

impl Engine {
    /// Returns how the open connections do, by name, as this process has seen it: their circuits, recent failures, and
    /// what of their rate limits is used.
    pub fn health(&self) -> Vec<ConnectionHealth> {
        let deployment = self.shared.deployment();
        let open = deployment.connections.iter();
        let mut all: Vec<_> = open
            .filter_map(|(name, connection)| {
                let hosts = connection.as_ref().ok()?.health();
                Some(ConnectionHealth { connection: name.clone(), hosts })
            })
            .collect();
        all.sort_by(|one, other| one.connection.cmp(&other.connection));
        all
    }

    /// Returns one job with its journal; `None` when there is no such job.
    pub async fn job(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        let Some(mut loaded) = self.shared.store.load(id).await? else { return Ok(None) };
        self.shared.dispatch().say_when(&mut loaded.row);
        let pinned = pins::pinned(&self.shared, &loaded.row, &loaded.entries).await.ok();
        let blocked_by = self.shared.dispatch().blocked_by(id);
        Ok(Some(JobView {
            source: pinned.as_ref().map(|pinned| StoredText {
                path: pinned.recipe.source.path.clone(),
                text: pinned.recipe.source.text.clone(),
            }),
            asks: pinned
                .as_ref()
                .filter(|_| !loaded.row.standing.status.is_final())
                .map(|pinned| questions(&pinned.recipe, &loaded.entries))
                .unwrap_or_default(),
            recipe: pinned.map(|pinned| pinned.recipe.clone()),
            children: self.shared.store.children(id).await?,
            blocked_by,
            delivery: worker::as_sent(loaded.delivery),
            row: loaded.row,
            entries: loaded.entries,
        }))
    }
}
