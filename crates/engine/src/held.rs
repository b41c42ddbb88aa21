//! Held writes: the exact requests that each would send if a person let it go.

use connector::{
    Call, Identity,
    http::{PLANNED, Planned, Wire},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::{
    command::CommandError,
    drive::Drive,
    journal::{Choice, Entry, JobId, Kind, StepPath, Verdict},
    machine::{Decision, Due},
    service::Engine,
    store::Loaded,
    worker,
};

/// A write that is held.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct HeldWrite {
    /// The step's path.
    pub path: String,
    /// The action.
    pub does: String,
    /// The requests it would send, and that were not sent.
    pub requests: Vec<Planned>,
    /// Why that cannot be told: what it has to ask before failed.
    pub failure: Option<String>,
}

impl Engine {
    /// Returns what the held writes of a job would send now. What they ask before they write is asked.
    pub async fn held(&self, id: JobId) -> Result<Vec<HeldWrite>, CommandError> {
        let loaded = self.shared.store.load(id).await?.ok_or(CommandError::NoJob(id))?;
        if loaded.row.standing.status.is_final() {
            return Ok(Vec::new());
        }
        let paths = held_paths(&loaded.entries);
        let event = loaded.row.once_key.clone();
        let mut held = Vec::new();
        for due in self.due_if_let_go(id, loaded, &paths).await? {
            held.push(self.would_send(&event, &due).await);
        }
        Ok(held)
    }

    /// Asks the machine what it would do if somebody let these writes go; the journal hears nothing of it.
    async fn due_if_let_go(
        &self,
        id: JobId,
        loaded: Loaded,
        paths: &[StepPath],
    ) -> Result<Vec<Due>, CommandError> {
        let (_, mail) = mpsc::unbounded_channel();
        let drive = worker::build(&self.shared, loaded, mail).await;
        let mut drive = drive.map_err(|(why, _)| CommandError::Broken(id, why))?;
        Ok(paths.iter().filter_map(|path| let_go(&mut drive, path)).collect())
    }

    async fn would_send(&self, event: &str, due: &Due) -> HeldWrite {
        let deployment = self.shared.deployment();
        let does = format!("{}.{}", due.connector, due.action);
        let mut held = HeldWrite {
            path: due.path.to_string(),
            does: does.clone(),
            requests: Vec::new(),
            failure: None,
        };
        let (action, connection) = match (
            deployment.action(&due.connector, &due.action),
            deployment.connection(due.connection.as_deref()),
        ) {
            (Some(action), Ok(connection)) => (action, connection),
            (None, _) => {
                held.failure = Some(format!("there is no action `{does}` any more"));
                return held;
            }
            (_, Err(failure)) => {
                held.failure = Some(failure.message);
                return held;
            }
        };
        let identity =
            Identity { event: event.into(), path: due.path.to_string(), cause: due.cause.clone() };
        let wire = Wire::planning(&[]);
        let call = Call::new(identity, self.shared.clock.clone()).over(wire.clone());
        let input = due.input.clone();
        let done = async {
            let prepared = action.prepare(&connection, &call, input.clone()).await?;
            action.run(&connection, &call, input, prepared).await
        };
        held.failure = done
            .await
            .err()
            .filter(|failure| failure.code != PLANNED)
            .map(|failure| failure.message);
        held.requests = wire.planned();
        held
    }
}

/// Returns the steps that are held, in the order they came to be.
fn held_paths(entries: &[Entry]) -> Vec<StepPath> {
    let is_held =
        |entry: &&Entry| matches!(entry.kind, Kind::Chose { choice: Choice::Held { .. } });
    let settled = |held: &Entry| {
        entries.iter().any(|other| {
            other.seq > held.seq
                && other.path == held.path
                && matches!(other.kind, Kind::Resolved { .. } | Kind::Started { .. })
        })
    };
    let held = entries.iter().filter(is_held).filter(|entry| !settled(entry));
    let mut paths: Vec<StepPath> = held.map(|entry| entry.path.clone()).collect();
    // One that was held, reopened and held again is held once.
    let mut seen = std::collections::HashSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    paths
}

fn let_go(drive: &mut Drive, path: &StepPath) -> Option<Due> {
    let now = drive.shared.clock.now();
    let verdict = Verdict::NotHappened { retry_at: Some(now) };
    let entry = drive.machine.entry(path, now, Kind::Resolved { by: String::new(), verdict });
    drive.machine.apply(&entry).ok()?;
    match drive.machine.decide() {
        Decision::Open { calls, .. } => calls.into_iter().find(|due| due.path == *path),
        Decision::Finish(_) => None,
    }
}
