//! The store: jobs, journals, deliveries and effects in one database file. The only module that knows SQL.
//!
//! All writes go to one writer thread, in order, in group commits: whatever is queued when the writer is free becomes
//! one transaction. A request that is refused leaves the others alone; what they add up to is written once. Reads use
//! connections of their own and see everything that was answered before they were asked. What is hashed, serialised or
//! compressed is so before it reaches the writer.

mod accept;
mod append;
mod backup;
mod cut;
mod error;
mod health;
mod history;
mod lines;
mod lock;
mod order;
mod pack;
mod pauses;
mod protocol;
mod purge;
mod queries;
mod reads;
mod recipes;
mod refused;
mod restore;
mod rows;
mod schema;
mod sources;
mod tally;
#[cfg(test)]
mod tests;
mod writable;
mod writer;

use std::{
    collections::HashSet,
    fs,
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;

pub use backup::Backup;
pub use error::StoreError;
pub use history::{Count, DeliveryRow, EffectRow, JobQuery, JobRow};
pub(crate) use pauses::Pause;
pub use protocol::{
    Accepted, Append, Claim, Claimed, DeliveryId, Effect, Intake, NewJob, Parent, Standing,
};
pub use purge::{Keep, Purged, Size};
pub use queries::{Audit, DayCount, VersionRow};
pub(crate) use reads::CALL;
pub use reads::{Loaded, StoredDelivery};
pub use recipes::{Pin, RecipeState, content_hash};
pub(crate) use refused::MOST_REFUSED;
pub use refused::Refused;
pub use restore::{Holding, InPlace, Restoring};
pub use sources::{Reading, Source, Taken};
pub(crate) use tally::Went;
pub use writer::Stats;

use crate::journal::{Entry, JobId, Outcome, StepPath};
use lock::Lock;
use reads::Readers;
use writable::Writable;
use writer::{Mark, Writer};

/// The store of a data directory. Clones are the same store; it closes when the last is dropped, after everything
/// that is queued is on the disk.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// In the order of closing: the readers first, so that the writer leaves a file without a log; the lock last.
#[derive(Debug)]
struct Inner {
    path: PathBuf,
    readers: Readers,
    writer: Writer,
    refused: health::Refused,
    _lock: Lock,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.readers.close();
    }
}

impl Store {
    /// Opens the store in `dir`, creating both where they are missing. The directory is this process's from here on.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(dir).map_err(|error| {
            StoreError::unavailable(format_args!("`{}` cannot be created: {error}", dir.display()))
        })?;
        let lock = Lock::take(dir)?;
        let path = dir.join("store.db");
        schema::prepare(&path).map_err(|error| error.about(&path))?;
        let writer = Writer::start(path.clone())?;
        let readers = Readers::new(path.clone());
        let refused = health::Refused::default();
        Ok(Self { inner: Arc::new(Inner { path, readers, writer, refused, _lock: lock }) })
    }

    /// Keeps a delivery and makes its jobs. On the disk once this returns.
    ///
    /// An event of which the recipe has a job is not made again: its repeat is counted and its job returned. Only a
    /// failed job that was purged gives way to a new one. The answers are in the order of `intake.jobs`.
    pub async fn accept(&self, intake: Intake) -> Result<(DeliveryId, Vec<Accepted>), StoreError> {
        let packed = accept::Packed::new(intake);
        let bytes = packed.bytes();
        let work = move |db: &_| accept::accept(db, &packed);
        let accepted = self.inner.writer.write(Mark::Accept, work).await;
        self.inner.refused.note(&accepted, bytes);
        accepted
    }

    /// Changes a job. On the disk once this returns [`Claimed::Mine`]; after any other answer nothing is changed.
    pub async fn append(&self, append: Append) -> Result<Claimed, StoreError> {
        let packed = append::Packed::new(append)?;
        self.inner.writer.write(packed.mark(), move |db| append::append(db, &packed)).await
    }

    /// Changes a job without waiting for the disk. Once this returns, the change comes before everything that is asked
    /// for later; what it returns may be awaited, to hear the outcome once reads see it, or dropped.
    pub async fn append_later(
        &self,
        append: Append,
    ) -> Result<impl Future<Output = Result<Claimed, StoreError>> + Send + use<>, StoreError> {
        let packed = append::Packed::new(append)?;
        let mark = packed.mark();
        let answer = self.inner.writer.send(mark, move |db| append::append(db, &packed)).await?;
        Ok(answer.committed())
    }

    /// Changes a job and makes the one job of `call` that a step of it calls, in one transaction. On the disk once this
    /// returns. A job that is there already is returned, and nothing but the entries is added.
    pub async fn call(&self, append: Append, call: Intake) -> Result<Accepted, StoreError> {
        let append = append::Packed::new(append)?;
        let call = accept::Packed::new(call);
        self.inner.writer.write(Mark::Claim, move |db| accept::call(db, &append, &call)).await
    }

    /// Returns once everything that was asked for before is on the disk.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.inner.writer.write(Mark::Other, |_| Ok(())).await
    }

    /// Keeps what a job pins and returns its hash. On the disk no later than anything that is asked for afterwards.
    pub async fn save_pin(&self, pin: Pin, content: &[u8]) -> Result<String, StoreError> {
        let (hash, content) = (content_hash(content), content.to_vec());
        let key = hash.clone();
        let work = move |db: &Writable| recipes::save_pin(db, pin, &key, &content);
        self.inner.writer.send(Mark::Other, work).await?;
        Ok(hash)
    }

    /// Returns what was pinned under that hash.
    pub async fn load_pin(&self, pin: Pin, hash: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        let hash = hash.to_owned();
        self.read(move |db| recipes::load_pin(db, pin, &hash)).await
    }

    /// Keeps the text of a recipe as its last good version, which it returns. On the disk once this returns.
    pub async fn save_version(&self, recipe: &str, text: &str) -> Result<String, StoreError> {
        let (recipe, text) = (recipe.to_owned(), text.as_bytes().to_vec());
        let version = content_hash(&text);
        let key = version.clone();
        let work = move |db: &Writable| {
            recipes::save_pin(db, Pin::Recipe, &key, &text)?;
            recipes::set_version(db, &recipe, &key)
        };
        self.inner.writer.write(Mark::Other, work).await?;
        Ok(version)
    }

    /// Sets a recipe on. On the disk once this returns; its first start keeps its moment.
    pub async fn start_recipe(&self, name: &str, at: Timestamp) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.inner.writer.write(Mark::Other, move |db| recipes::start(db, &name, at)).await
    }

    /// Sets a recipe off. On the disk once this returns.
    pub async fn stop_recipe(&self, name: &str, at: Timestamp) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.inner.writer.write(Mark::Other, move |db| recipes::stop(db, &name, at)).await
    }

    /// Keeps that the service begins: what was off since the last sign of life counts for no job's time-out.
    pub async fn begin(&self, at: Timestamp) -> Result<(), StoreError> {
        self.inner.writer.write(Mark::Other, move |db| pauses::end_all(db, at)).await
    }

    /// Keeps that the service ends.
    pub async fn end(&self, at: Timestamp) -> Result<(), StoreError> {
        self.inner.writer.write(Mark::Other, move |db| pauses::begin_all(db, at)).await
    }

    /// Returns when nothing was done for jobs of a recipe after a moment, in order; one pause may lie in another.
    pub(crate) async fn pauses(
        &self,
        recipe: &str,
        after: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Pause>, StoreError> {
        let recipe = recipe.to_owned();
        self.read(move |db| pauses::of(db, &recipe, after, now)).await
    }

    /// Drops the state of a recipe whose file is gone, and returns whether there was one; its jobs and the events it
    /// knows stay. On the disk once this returns.
    pub async fn forget_recipe(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.inner.writer.write(Mark::Other, move |db| recipes::forget(db, &name)).await
    }

    /// Returns what is kept of every recipe, by name.
    pub async fn recipe_states(&self) -> Result<Vec<RecipeState>, StoreError> {
        self.read(recipes::states).await
    }

    /// Returns where the sources of events stand, by recipe.
    pub async fn sources(&self) -> Result<Vec<Source>, StoreError> {
        self.read(sources::all).await
    }

    /// Keeps where a source stands. On the disk once this returns.
    pub async fn put_source(&self, source: Source) -> Result<(), StoreError> {
        self.inner.writer.write(Mark::Other, move |db| sources::put(db, &source)).await
    }

    /// Keeps what is new of what a source gave, and where it stands now, in one commit. On the disk once this returns.
    ///
    /// What is known already is neither stored nor counted as a repeat. The answers are in the order of the readings'
    /// jobs.
    pub async fn take_in(
        &self,
        source: Option<Source>,
        readings: Vec<Reading>,
    ) -> Result<Vec<Vec<Taken>>, StoreError> {
        let work = move |db: &_| sources::take_in(db, source.as_ref(), &readings);
        self.inner.writer.write(Mark::Accept, work).await
    }

    /// Returns, for the jobs of each reading, those that are there already.
    pub async fn known(
        &self,
        readings: Vec<Reading>,
    ) -> Result<Vec<Vec<Option<Taken>>>, StoreError> {
        self.read(move |db| readings.iter().map(|reading| sources::known(db, reading)).collect())
            .await
    }

    /// Returns the jobs of a recipe with this once key that succeeded, oldest first.
    pub async fn succeeded_with(
        &self,
        recipe: &str,
        once_key: &str,
    ) -> Result<Vec<JobId>, StoreError> {
        let (recipe, once_key) = (recipe.to_owned(), once_key.to_owned());
        self.read(move |db| sources::succeeded_with(db, &recipe, &once_key)).await
    }

    /// Returns a job with its delivery and journal, all of one moment; `None` when it is unknown or purged.
    pub async fn load(&self, job: JobId) -> Result<Option<Loaded>, StoreError> {
        self.read(move |db| reads::load(db, job)).await
    }

    /// Returns the jobs that are not over, in order of acceptance.
    pub async fn unfinished(&self) -> Result<Vec<JobRow>, StoreError> {
        self.read(history::unfinished).await
    }

    /// Returns a job without its journal; `None` when it is unknown or purged.
    pub async fn job(&self, id: JobId) -> Result<Option<JobRow>, StoreError> {
        self.read(move |db| history::job(db, id)).await
    }

    /// Returns how a job ended; `None` when it has not, or is unknown or purged.
    pub async fn outcome(&self, job: JobId) -> Result<Option<Outcome>, StoreError> {
        self.read(move |db| order::outcome(db, job)).await
    }

    /// Returns those of these jobs whose steps called others.
    pub async fn callers(&self, jobs: Vec<JobId>) -> Result<HashSet<JobId>, StoreError> {
        self.read(move |db| order::callers(db, &jobs)).await
    }

    /// Returns the jobs that steps of this job called, in order.
    pub async fn children(&self, job: JobId) -> Result<Vec<JobRow>, StoreError> {
        self.read(move |db| order::children(db, job)).await
    }

    /// Returns the last job that the step at `path` of this job called; `None` when it called none that is kept.
    pub async fn child(&self, job: JobId, path: &StepPath) -> Result<Option<JobRow>, StoreError> {
        let path = path.clone();
        self.read(move |db| order::child(db, job, &path)).await
    }

    /// Returns the first later job with the same order key that has begun; `None` when there is none.
    pub async fn overtaken_by(&self, id: JobId) -> Result<Option<JobId>, StoreError> {
        self.read(move |db| order::overtaken_by(db, id)).await
    }

    /// Returns a page of jobs, newest first.
    pub async fn jobs(&self, query: JobQuery) -> Result<Vec<JobRow>, StoreError> {
        self.read(move |db| history::jobs(db, &query)).await
    }

    /// Returns how many jobs there are by recipe and status, without those of which there are none.
    pub async fn counts(&self) -> Result<Vec<Count>, StoreError> {
        self.read(history::counts).await
    }

    /// Returns a delivery with its body; `None` when it is unknown or purged.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<StoredDelivery>, StoreError> {
        self.read(move |db| reads::delivery(db, id)).await
    }

    /// Returns a page of a recipe's deliveries, newest first, those before `before`.
    pub async fn deliveries(
        &self,
        recipe: &str,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let recipe = recipe.to_owned();
        self.read(move |db| history::deliveries(db, &recipe, before, limit)).await
    }

    /// Returns the effects a job has claimed, also when it is purged.
    pub async fn effects(&self, job: JobId) -> Result<Vec<EffectRow>, StoreError> {
        self.read(move |db| history::effects(db, job)).await
    }

    /// Returns what is known of an effect; `None` when nobody claimed it.
    pub async fn find_effect(&self, effect: Effect) -> Result<Option<EffectRow>, StoreError> {
        self.read(move |db| history::effect(db, &effect)).await
    }

    /// Returns a page of all deliveries, newest first, those before `before`, each with its recipe.
    pub async fn all_deliveries(
        &self,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<(String, DeliveryRow)>, StoreError> {
        self.read(move |db| queries::all_deliveries(db, before, limit)).await
    }

    /// Keeps what a person did. On the disk once this returns; never purged.
    pub async fn add_audit(&self, audit: Audit) -> Result<(), StoreError> {
        self.inner.writer.write(Mark::Other, move |db| queries::add_audit(db, &audit)).await
    }

    /// Returns a page of what people did, newest first, those before `before`; only to `target`, if there is one.
    pub async fn audit(
        &self,
        target: Option<String>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Audit>, StoreError> {
        self.read(move |db| queries::audit(db, target.as_deref(), before, limit)).await
    }

    /// Keeps these texts of recipes, by name, as their last good versions, which take effect now if it is their first
    /// time. All in one commit; on the disk once this returns.
    pub async fn keep_versions(
        &self,
        texts: Vec<(String, String)>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.inner
            .writer
            .write(Mark::Other, move |db| {
                for (recipe, text) in &texts {
                    let version = content_hash(text.as_bytes());
                    recipes::save_pin(db, Pin::Recipe, &version, text.as_bytes())?;
                    recipes::set_version(db, recipe, &version)?;
                    queries::keep_version(db, recipe, &version, at)?;
                }
                Ok(())
            })
            .await
    }

    /// Returns the versions that a recipe has had, the newest first.
    pub async fn versions(&self, recipe: &str) -> Result<Vec<VersionRow>, StoreError> {
        let recipe = recipe.to_owned();
        self.read(move |db| queries::versions(db, &recipe)).await
    }

    /// Takes away what is not to be kept: finished jobs, oldest first, and deliveries without jobs. It goes in small
    /// slices, between which others write; once it returns, the space is given back.
    pub async fn purge(&self, keep: Keep) -> Result<Purged, StoreError> {
        let mut all = Purged::default();
        loop {
            let purged = self
                .inner
                .writer
                .write(Mark::Other, {
                    let keep = keep.clone();
                    move |db| purge::purge_slice(db, &keep)
                })
                .await?;
            all.jobs += purged.jobs;
            all.deliveries += purged.deliveries;
            if purged == Purged::default() {
                break;
            }
        }
        while self.inner.writer.write(Mark::Other, purge::give_back).await? {}
        Ok(all)
    }

    /// Cuts what jobs held that were over before a moment to sizes and hashes, and returns how many. It goes in small
    /// slices, between which others write.
    pub async fn cut(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut all = 0;
        loop {
            let left = self.read(move |db| cut::prepare(db, before)).await?;
            if left.is_empty() {
                break;
            }
            let cut = self.inner.writer.write(Mark::Other, move |db| cut::apply(db, &left)).await?;
            all += cut;
            // All of them went on in between: they are not over any more.
            if cut == 0 {
                break;
            }
        }
        while self.inner.writer.write(Mark::Other, purge::give_back).await? {}
        Ok(all)
    }

    /// Writes a copy of all that is stored at this moment to `to`, which must not be there yet; looks whether it is whole.
    pub async fn backup(&self, to: PathBuf) -> Result<Backup, StoreError> {
        let path = self.inner.path.clone();
        tokio::task::spawn_blocking(move || backup::copy(&path, &to))
            .await
            .map_err(StoreError::fault)?
    }

    /// Returns how much is kept.
    pub async fn size(&self) -> Result<Size, StoreError> {
        let mut size = self.read(purge::size).await?;
        let log = self.inner.path.with_extension("db-wal");
        size.file += fs::metadata(log).map_or(0, |log| log.len());
        Ok(size)
    }

    /// Makes every job's [`Standing`] anew with `fold`, and returns the jobs whose cached one was another.
    pub async fn rebuild_standings(
        &self,
        fold: impl Fn(&JobRow, &[Entry]) -> Standing,
    ) -> Result<Vec<JobId>, StoreError> {
        let mut changed = Vec::new();
        let mut query = JobQuery { limit: 100, ..JobQuery::default() };
        loop {
            let page = self.jobs(query.clone()).await?;
            let Some(last) = page.last() else { break };
            query.before = Some(last.id);
            for row in page {
                let id = row.id;
                let entries = self.read(move |db| reads::entries(db, id)).await?;
                // What was appended since the row was read has set its own.
                let standing = fold(&row, &entries);
                if entries.len() == row.entries as usize && standing != row.standing {
                    let set = move |db: &_| append::set_standing(db, id, row.entries, &standing);
                    if self.inner.writer.write(Mark::Other, set).await? {
                        changed.push(id);
                    }
                }
            }
        }
        Ok(changed)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.readers.read(work).await
    }
}
