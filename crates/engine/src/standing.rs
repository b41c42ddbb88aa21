//! How the recipes stand: on or off, their files, their events, their jobs.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    journal::Status,
    service::{Engine, FileState},
    sources::{SourceStatus, Statuses},
    store::StoreError,
};

/// Among how many of the latest deliveries a ping is looked for.
const LATEST: usize = 50;

/// How a recipe stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecipeStatus {
    /// Its name.
    pub name: String,
    /// Its title; empty when no good version is known.
    pub title: String,
    /// Whether it is on.
    pub on: bool,
    /// The version new jobs take; `None` when there never was a good one.
    pub version: Option<String>,
    /// Whether its file is there and right.
    pub file: FileState,
    /// When the last genuine event came.
    pub last_event_at: Option<Timestamp>,
    /// When the last ping came, among the latest deliveries.
    pub last_ping_at: Option<Timestamp>,
    /// When the last delivery was refused since the service began, and why.
    pub last_refusal: Option<(Timestamp, String)>,
    /// Where its events come from when nobody sends them, or were missed.
    pub source: Option<SourceStatus>,
    /// Its jobs by status.
    pub jobs: HashMap<Status, u64>,
}

impl Engine {
    /// Returns how every recipe stands, by name.
    pub async fn recipes(&self) -> Result<Vec<RecipeStatus>, StoreError> {
        let states = self.shared.store.recipe_states().await?;
        let counts = self.shared.store.counts().await?;
        let sources = Statuses::read(&self.shared).await?;
        let known = self.shared.recipes.read().expect("no panic while the lock is held").clone();
        let refusals =
            self.shared.refusals.lock().expect("no panic while the lock is held").clone();
        let mut all = Vec::new();
        for (name, known) in known {
            let state = states.iter().find(|state| state.name == name);
            let deliveries = self.shared.store.deliveries(&name, None, LATEST).await?;
            let ping = deliveries.iter().find(|delivery| delivery.verdict == "ping");
            let title = known.current.as_ref().map(|recipe| recipe.title.clone());
            all.push(RecipeStatus {
                title: title.unwrap_or_default(),
                on: known.on,
                version: known.current.as_ref().map(|recipe| recipe.version.clone()),
                file: known.file,
                last_event_at: state.and_then(|state| state.last_event_at),
                last_ping_at: ping.map(|ping| ping.received_at),
                last_refusal: refusals.get(&name).cloned(),
                source: sources.of(&known),
                jobs: counts
                    .iter()
                    .filter(|count| count.recipe == name)
                    .map(|count| (count.status, count.jobs))
                    .collect(),
                name,
            });
        }
        all.sort_by(|one, two| one.name.cmp(&two.name));
        Ok(all)
    }
}
