//! Jobs that were accepted a moment ago: their event is at hand, and need not be read back and decoded again.
//!
//! Only a shortcut: what is not here (after a restart, behind a long queue, for another version) is loaded from the
//! store, and is the same.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use recipe::Payload;
use tokio::sync::mpsc;

use crate::{
    crash::crash_point, deployment::Pinned, drive::Drive, journal::JobId, pins::pinned_first,
    service::Shared, store::JobRow, worker::Mail,
};

/// At most so many bytes of events and what a job takes beside its event, roughly: some two thousand hires.
const BYTES: usize = 24 << 20;
const A_JOB: usize = 1 << 10;

/// A job with its event.
#[derive(Debug)]
pub(crate) struct Fresh {
    /// Its row, as it was accepted.
    pub(crate) row: JobRow,
    /// What the event was decoded with; a job that begins with anything else decodes it anew.
    pub(crate) pinned: Arc<Pinned>,
    pub(crate) event: Arc<Payload>,
}

impl Fresh {
    fn size(&self) -> usize {
        A_JOB + self.event.size()
    }
}

/// The jobs that are at hand.
#[derive(Debug, Default)]
pub(crate) struct FreshJobs(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    jobs: HashMap<JobId, Fresh>,
    bytes: usize,
}

impl FreshJobs {
    /// Keeps a job, if there is room.
    pub(crate) fn put(&self, fresh: Fresh) {
        let mut kept = self.kept();
        if kept.bytes + fresh.size() <= BYTES {
            kept.bytes += fresh.size();
            kept.jobs.insert(fresh.row.id, fresh);
        }
    }

    /// Takes a job out.
    pub(crate) fn take(&self, job: JobId) -> Option<Fresh> {
        let mut kept = self.kept();
        let fresh = kept.jobs.remove(&job)?;
        kept.bytes -= fresh.size();
        Some(fresh)
    }

    /// Forgets all: recipes were switched or changed.
    pub(crate) fn clear(&self) {
        *self.kept() = Kept::default();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins the drive of a job whose event is at hand; gives the mail back when it is not.
pub(crate) async fn begin(
    shared: &Arc<Shared>,
    id: JobId,
    mail: mpsc::UnboundedReceiver<Mail>,
) -> Result<Box<Drive>, mpsc::UnboundedReceiver<Mail>> {
    let Some(Fresh { row, pinned, event, .. }) = shared.fresh.take(id) else { return Err(mail) };
    // What it would pin now: the same recipe, tables and properties as when it was accepted.
    match pinned_first(shared, &row, &[]).await {
        Ok(now) if Arc::ptr_eq(&now, &pinned) => {
            crash_point("job.loaded");
            Ok(Box::new(Drive::new(shared.clone(), row, pinned, event, mail)))
        }
        _ => Err(mail),
    }
}
