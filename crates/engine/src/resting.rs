//! The drives of jobs that wait: taken up again as they are, so that a job which waits ten thousand times is not read
//! ten thousand times.
//!
//! Only a shortcut: what is not here (after a restart, beside many others) is loaded from the store, and is the same.
//! Nobody but its drive appends to a job's journal, so nothing here grows old.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{drive::Drive, journal::JobId};

/// At most so many bytes, as they are guessed.
const BYTES: usize = 32 << 20;
/// What a job takes beside its event, and what each entry of its journal adds, roughly.
const A_JOB: usize = 16 << 10;
const AN_ENTRY: usize = 512;

/// The drives that rest.
#[derive(Default)]
pub(crate) struct Resting(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    drives: HashMap<JobId, Box<Drive>>,
    bytes: usize,
}

impl Resting {
    /// Keeps the drive of a job that waits, if there is room.
    pub(crate) fn put(&self, drive: Box<Drive>) {
        let mut kept = self.kept();
        let bytes = kept.bytes + size(&drive);
        if bytes <= BYTES {
            kept.bytes = bytes;
            kept.drives.insert(drive.row.id, drive);
        }
    }

    /// Takes a drive out.
    pub(crate) fn take(&self, job: JobId) -> Option<Box<Drive>> {
        let mut kept = self.kept();
        let drive = kept.drives.remove(&job)?;
        kept.bytes -= size(&drive);
        Some(drive)
    }

    /// Lets all of them go.
    pub(crate) fn clear(&self) {
        let drives = std::mem::take(&mut *self.kept());
        drop(drives);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(drive: &Drive) -> usize {
    A_JOB + drive.machine.event_size() + AN_ENTRY * drive.machine.last_seq() as usize
}
