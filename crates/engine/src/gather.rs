//! What a drive gives the store: entries are gathered and appended together, in order, and kept until they are on disk.
//!
//! A job of a dozen steps would otherwise cost a dozen appends. What was read and decided goes with the next claim or
//! the job's end, whichever comes first; the end of a write goes at once, and whatever waits longer than a moment goes
//! by itself, so that people see what a job is doing. A crash loses what was not sent: reads are then made again, and
//! no write is called before its claim, with all that comes before it, is on disk.
//!
//! What was sent stays here until the store confirms it; when a commit fails (disk full) it is appended again, and the
//! calls behind it are never made again.

use std::{collections::VecDeque, pin::Pin, sync::Arc, time::Duration};

use connector::Clock;
use serde_json::Value;

use crate::{
    crash::crash_point,
    drive::{Drive, DriveError},
    journal::{Entry, JobId},
    service::{Notice, Shared},
    store::{Append, Claimed, Effect, Standing, StoreError},
};

/// How long entries may wait to be sent while a call is under way.
const MOMENT: Duration = Duration::from_millis(50);

/// How long to wait before a failed commit is tried again.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// What the store will say of an append.
type Appended = Pin<Box<dyn Future<Output = Result<Claimed, StoreError>> + Send>>;

/// Entries on their way to the disk.
#[derive(Default)]
pub(crate) struct Gathered {
    /// Applied and not sent yet.
    entries: Vec<Entry>,
    /// The effect that one of them settles.
    settle: Option<(Effect, Option<Arc<Value>>)>,
    /// Sent and not confirmed yet, in order.
    sent: VecDeque<(Append, Appended)>,
    /// The standing that the store has.
    stored: Option<Standing>,
}

impl Gathered {
    pub(crate) fn add(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.entries.extend(entries);
    }

    /// Returns whether there is something that a crash must not lose for long: how a write ended.
    pub(crate) fn is_urgent(&self) -> bool {
        self.settle.is_some()
    }

    /// Returns whether all of it is on disk.
    pub(crate) fn is_stored_whole(&self) -> bool {
        self.entries.is_empty() && self.settle.is_none() && self.sent.is_empty()
    }

    /// Returns what waits until something has waited long enough: for ever when there is nothing.
    pub(crate) fn stale(&self, clock: &Arc<dyn Clock>) -> impl Future<Output = ()> + use<> {
        let nap = (!self.entries.is_empty()).then(|| clock.nap(MOMENT));
        async move {
            match nap {
                Some(nap) => nap.await,
                None => std::future::pending().await,
            }
        }
    }

    /// Returns what the store says of the first append that was sent; never when there is none. A failed one stays the
    /// first.
    pub(crate) async fn first_sent(&mut self) -> Result<Claimed, StoreError> {
        let Some((_, appended)) = self.sent.front_mut() else {
            return std::future::pending().await;
        };
        let outcome = appended.await;
        if outcome.is_ok() {
            self.sent.pop_front();
        }
        outcome
    }

    /// Returns what is not sent yet, followed by an entry that waits for the disk.
    pub(crate) fn with(&self, entry: &Entry) -> Arc<[Entry]> {
        self.entries.iter().chain([entry]).cloned().collect()
    }

    /// Notes that all is on disk, and where the job stands there, if that is where it stands.
    pub(crate) fn is_stored(&mut self, standing: Option<Standing>) {
        self.entries.clear();
        self.stored = standing;
    }
}

impl Drive {
    /// Has an effect settled with what is recorded next.
    pub(crate) async fn settle(&mut self, effect: Effect, output: Option<Arc<Value>>) {
        if self.gathered.is_urgent() {
            self.send_later().await;
        }
        self.gathered.settle = Some((effect, output));
    }

    /// Sends what is gathered to the store without waiting for the disk.
    pub(crate) async fn send_later(&mut self) {
        let standing = self.machine.standing();
        if self.gathered.entries.is_empty() && self.gathered.stored.as_ref() == Some(&standing) {
            return;
        }
        let entries: Arc<[Entry]> = std::mem::take(&mut self.gathered.entries).into();
        self.notify(&entries, &standing);
        self.gathered.stored = Some(standing.clone());
        let settle = self.gathered.settle.take();
        let append = Append { job: self.row.id, entries, standing, claim: None, settle };
        let appended = send(&self.shared, append.clone()).await;
        self.gathered.sent.push_back((append, appended));
        crash_point("entries.sent");
    }

    /// Waits until everything that was sent is on disk; appends again what a failed commit lost.
    pub(crate) async fn confirm(&mut self) -> Result<(), DriveError> {
        while !self.gathered.sent.is_empty() {
            if let Err(error) = self.gathered.first_sent().await {
                self.not_stored(error).await?;
            }
        }
        Ok(())
    }

    /// Waits a moment and appends again what was sent: the first of it is not stored, so nothing behind it is.
    pub(crate) async fn not_stored(&mut self, error: StoreError) -> Result<(), DriveError> {
        pause(&self.shared, self.row.id, error).await?;
        for (append, _) in std::mem::take(&mut self.gathered.sent) {
            let appended = send(&self.shared, append.clone()).await;
            self.gathered.sent.push_back((append, appended));
        }
        Ok(())
    }

    /// Tells whoever listens what was added to the journal.
    pub(crate) fn notify(&self, entries: &Arc<[Entry]>, standing: &Standing) {
        self.shared.notify(|| Notice {
            job: self.row.id,
            recipe: self.row.recipe.clone(),
            label: self.row.label.clone(),
            status: standing.status,
            note: standing.note.clone(),
            entries: entries.clone(),
        });
    }
}

async fn send(shared: &Shared, append: Append) -> Appended {
    match shared.store.append_later(append).await {
        Ok(appended) => Box::pin(appended),
        Err(error) => Box::pin(std::future::ready(Err(error))),
    }
}

/// Waits before the store is asked again; gives the error back when asking again is no use, or the service has to end.
pub(crate) async fn pause(
    shared: &Shared,
    job: JobId,
    error: StoreError,
) -> Result<(), StoreError> {
    if !matches!(error, StoreError::Unavailable(_) | StoreError::Gap { .. }) {
        return Err(error);
    }
    if shared.is_overdue() {
        tracing::error!(
            job = job.0,
            "the service ends, and what this job did last is not stored; what it wrote is looked up at the next start"
        );
        return Err(error);
    }
    tracing::debug!(job = job.0, %error, "the store does not take entries; trying again");
    shared.clock.sleep(STORE_PAUSE).await;
    Ok(())
}
