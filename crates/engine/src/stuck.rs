//! Jobs that cannot go on: their journal cannot be read, or does not fit their recipe any more. They wait for a person,
//! who can at least end them.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    command::{Command, CommandError},
    dispatch::Parked,
    journal::{Entry, JobId, Kind, Outcome, Status, StepPath},
    service::{Notice, Shared},
    store::{Append, JobRow, Standing, StoreError},
    worker::{Asked, Reply},
};

/// Ends a job that cannot go on, because a person says so.
pub(crate) async fn cancel(shared: &Shared, row: &JobRow, by: &str, reply: Reply) -> Parked {
    let ended = end(shared, row, by).await;
    let parked = if ended.is_ok() { Parked::Over } else { Parked::Attention };
    drop(reply.send(ended.map_err(CommandError::Store)));
    parked
}

async fn end(shared: &Shared, row: &JobRow, by: &str) -> Result<(), StoreError> {
    // Its journal is perhaps what cannot be read: how long it is stands in its row.
    let loaded = shared.store.load(row.id).await.ok().flatten();
    let last = loaded.and_then(|loaded| loaded.entries.last().map(|entry| entry.at));
    let (seq, at) = (row.entries, shared.clock.now().max(last.unwrap_or(Timestamp::UNIX_EPOCH)));
    let outcome = Outcome {
        status: Status::Cancelled,
        message: format!("Cancelled by {by}."),
        error: None,
        warnings: Vec::new(),
        output: None,
    };
    let standing = Standing {
        status: Status::Cancelled,
        wake_at: None,
        note: outcome.message.clone(),
        started_at: row.standing.started_at,
        finished_at: Some(at),
    };
    let kinds = [Kind::CancelRequested { by: by.into() }, Kind::Finished { outcome }];
    let entries: Arc<[Entry]> = (seq + 1..)
        .zip(kinds)
        .map(|(seq, kind)| Entry { seq, path: StepPath::root(), at, kind })
        .collect();
    shared.notify(|| Notice {
        job: row.id,
        recipe: row.recipe.clone(),
        label: row.label.clone(),
        status: standing.status,
        note: standing.note.clone(),
        entries: entries.clone(),
    });
    let append = Append { job: row.id, entries, standing, claim: None, settle: None };
    shared.store.append(append).await.map(drop)
}

/// Has a job wait for a person whose journal cannot be read.
pub(crate) async fn unreadable(
    shared: &Shared,
    id: JobId,
    asked: Option<Asked>,
    error: &StoreError,
) -> Parked {
    tracing::error!(job = id.0, %error, "a job cannot be read and waits for a person");
    let row = shared.store.job(id).await.ok().flatten();
    match (asked, row) {
        (Some(Asked { command: Command::Cancel, by, reply }), Some(row)) => {
            cancel(shared, &row, &by, reply).await
        }
        (asked, row) => {
            let broken = || Err(CommandError::Broken(id, error.to_string()));
            drop(asked.map(|asked| asked.reply.send(broken())));
            let Some(row) = row else { return Parked::Attention };
            stand_still(shared, &row, error.to_string()).await
        }
    }
}

/// Has a job wait for a person without a word in its journal.
pub(crate) async fn stand_still(shared: &Shared, row: &JobRow, why: String) -> Parked {
    let standing = Standing {
        status: Status::NeedsAttention,
        wake_at: None,
        note: why,
        started_at: row.standing.started_at,
        finished_at: None,
    };
    let append =
        Append { job: row.id, entries: Arc::default(), standing, claim: None, settle: None };
    if let Err(error) = shared.store.append(append).await {
        tracing::error!(job = row.id.0, %error, "the store does not take why the job stands still");
    }
    Parked::Attention
}
