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

/// At most so many jobs, and at most so many bytes of bodies: decoded, an event takes some ten times its body, so this
/// is some 30 MB when very many come at once, and nothing when few do.
const JOBS: usize = 1024;
const BYTES: usize = 3 << 20;

/// A job with its event.
#[derive(Debug)]
pub(crate) struct Fresh {
    /// Its row, as it was accepted.
    pub(crate) row: JobRow,
    /// What the event was decoded with; a job that begins with anything else decodes it anew.
    pub(crate) pinned: Arc<Pinned>,
    pub(crate) event: Arc<Payload>,
    /// The length of its body.
    pub(crate) bytes: usize,
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
        if kept.jobs.len() < JOBS && kept.bytes + fresh.bytes <= BYTES {
            kept.bytes += fresh.bytes;
            kept.jobs.insert(fresh.row.id, fresh);
        }
    }

    /// Takes a job out.
    pub(crate) fn take(&self, job: JobId) -> Option<Fresh> {
        let mut kept = self.kept();
        let fresh = kept.jobs.remove(&job)?;
        kept.bytes -= fresh.bytes;
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
