//! The writer: one thread, one connection, group commits.
//!
//! Whatever is queued when the writer is free becomes one transaction; all are answered after the one commit. A request
//! that is refused leaves the others alone: the batch is rolled back and performed again, each request in a savepoint of
//! its own. (Savepoints for all would cost half of the writer's time: refusals are rare.) What the requests of a batch add
//! up, counts and moments and words, is [written once](Writable::settle), before the commit. When the disk fails a batch,
//! everything of it is rolled back and answered [`StoreError::Unavailable`], and the database is opened anew before the
//! next.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

use super::{error::StoreError, schema, writable::Writable};
use crate::crash::crash_point;

/// At most this many requests in one transaction: the first of them should not wait for more.
const BATCH: usize = 256;
/// At most this many requests in the queue; whoever comes then waits for room.
const QUEUE: usize = 1024;

/// The writer, as its callers see it.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Request>>>,
    thread: Option<thread::JoinHandle<()>>,
    counters: Arc<Counters>,
}

/// What the writer has done since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests that were answered.
    pub requests: u64,
    /// Transactions that were committed.
    pub commits: u64,
    /// Requests whose callers waited for the disk.
    pub waits: u64,
    /// Batches that failed as a whole.
    pub failures: u64,
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    commits: AtomicU64,
    waits: AtomicU64,
    failures: AtomicU64,
    /// Why the last batch was not stored; `None` when it was.
    trouble: Mutex<Option<StoreError>>,
}

/// From so many requests in a batch on, the writer is busy, and waits a moment before the next one: whoever comes in that
/// moment shares its commit, which costs as much for thirty as for three. Nobody who comes alone ever waits for it.
const BUSY: usize = 6;
/// How long that moment is.
const MOMENT: Duration = Duration::from_millis(1);

/// What a request is to the writer's crash points and to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A delivery.
    Accept,
    /// An append with a claim.
    Claim,
    /// An append that ends a step.
    End,
    /// Any other append.
    Append,
    /// Anything else.
    Other,
}

impl Writer {
    /// Starts the writer on a database that is [prepared](schema::prepare).
    pub(super) fn start(path: PathBuf) -> Result<Self, StoreError> {
        let counters = Arc::new(Counters::default());
        let (queue, requests) = mpsc::channel(QUEUE);
        let database = schema::writer(&path).map_err(|error| error.about(&path))?;
        let database = Some(Writable::new(database));
        let mut desk = Desk { database, path, counters: counters.clone() };
        let thread = thread::Builder::new()
            .name("store".into())
            .spawn(move || desk.serve(requests))
            .map_err(|error| {
                StoreError::unavailable(format_args!("no thread for the writer: {error}"))
            })?;
        Ok(Self { queue: Some(queue), thread: Some(thread), counters })
    }

    /// Queues `work`; once this returns, it comes before everything that is queued later. The receiver hears of it
    /// after the commit.
    pub(super) async fn send<T, W>(&self, mark: Mark, work: W) -> Result<Answer<T>, StoreError>
    where
        T: Send + 'static,
        W: Fn(&Writable) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, receiver) = oneshot::channel();
        let request = Box::new(Pending { mark, work, outcome: None, answer });
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.send(request).await.map_err(|_| stopped())?;
        Ok(Answer { receiver })
    }

    /// Queues `work` and waits until it is on the disk.
    pub(super) async fn write<T, W>(&self, mark: Mark, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Fn(&Writable) -> Result<T, StoreError> + Send + 'static,
    {
        self.counters.waits.fetch_add(1, Ordering::Relaxed);
        self.send(mark, work).await?.committed().await
    }

    /// Returns why the last batch was not stored; `None` when it was.
    pub(super) fn trouble(&self) -> Option<StoreError> {
        self.counters.trouble().clone()
    }

    pub(super) fn stats(&self) -> Stats {
        let Counters { requests, commits, waits, failures, .. } = &*self.counters;
        Stats {
            requests: requests.load(Ordering::Relaxed),
            commits: commits.load(Ordering::Relaxed),
            waits: waits.load(Ordering::Relaxed),
            failures: failures.load(Ordering::Relaxed),
        }
    }
}

impl Counters {
    fn trouble(&self) -> MutexGuard<'_, Option<StoreError>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Writer {
    /// Waits until everything that is queued is committed and the file is closed.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
    }
}

/// The outcome of a queued request. It happens whether or not anybody waits for this.
#[derive(Debug)]
pub(super) struct Answer<T> {
    receiver: oneshot::Receiver<Result<T, StoreError>>,
}

impl<T> Answer<T> {
    /// Returns the outcome once it is committed.
    pub(super) async fn committed(self) -> Result<T, StoreError> {
        self.receiver.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn stopped() -> StoreError {
    StoreError::unavailable("its writer has stopped")
}

/// A queued request, whatever it returns.
trait Request: Send {
    fn mark(&self) -> Mark;
    /// Does it inside the open transaction and keeps the outcome; done again after a rollback, it does the same. `alone`:
    /// what is written once a batch is written with it.
    fn perform(&mut self, database: &Writable, alone: bool) -> Result<(), StoreError>;
    /// Tells whoever waits: the kept outcome, or why the whole batch failed.
    fn answer(self: Box<Self>, batch: Result<(), StoreError>);
}

struct Pending<T, W> {
    mark: Mark,
    work: W,
    outcome: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> Request for Pending<T, W>
where
    T: Send,
    W: Fn(&Writable) -> Result<T, StoreError> + Send,
{
    fn mark(&self) -> Mark {
        self.mark
    }

    fn perform(&mut self, database: &Writable, alone: bool) -> Result<(), StoreError> {
        let mut outcome = (self.work)(database);
        if alone && outcome.is_ok() {
            outcome = database.settle().and(outcome);
        }
        let told = outcome.as_ref().map(|_| ()).map_err(Clone::clone);
        self.outcome = Some(outcome);
        told
    }

    fn answer(self: Box<Self>, batch: Result<(), StoreError>) {
        let outcome = match (batch, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(stopped()),
            (Err(error), _) => Err(error),
        };
        // Nobody waits for an outcome that rides along.
        drop(self.answer.send(outcome));
    }
}

/// The writer's side of the queue.
struct Desk {
    path: PathBuf,
    database: Option<Writable>,
    counters: Arc<Counters>,
}

impl Desk {
    fn serve(&mut self, mut requests: mpsc::Receiver<Box<dyn Request>>) {
        let mut batch = Vec::with_capacity(BATCH);
        while requests.blocking_recv_many(&mut batch, BATCH) > 0 {
            let outcome = self.commit(&mut batch).map_err(|error| error.about(&self.path));
            if outcome.is_err() {
                self.counters.failures.fetch_add(1, Ordering::Relaxed);
                if let Err(error) = self.reopen() {
                    tracing::debug!("the database could not be opened again: {error}");
                }
            }
            self.tell(outcome.as_ref().err());
            self.counters.requests.fetch_add(batch.len() as u64, Ordering::Relaxed);
            let busy = batch.len() >= BUSY;
            for request in batch.drain(..) {
                request.answer(outcome.clone());
            }
            if busy && requests.len() < BATCH / 2 {
                thread::sleep(MOMENT);
            }
        }
    }

    /// Keeps how the disk is, and says so when it changes: who waits tries again and again.
    fn tell(&self, error: Option<&StoreError>) {
        let mut known = self.counters.trouble();
        match (&*known, error) {
            (_, Some(error)) if known.as_ref() != Some(error) => {
                tracing::error!("nothing can be stored: {error}");
            }
            (Some(_), None) => tracing::info!("the store takes what comes again"),
            _ => return,
        }
        *known = error.cloned();
    }

    /// Performs the batch in one transaction. On an error nothing of it is stored.
    fn commit(&mut self, batch: &mut [Box<dyn Request>]) -> Result<(), StoreError> {
        if self.database.is_none() {
            self.reopen()?;
        }
        let Some(database) = &self.database else { return Err(stopped()) };
        database.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        database.forget();
        if !perform_all(database, batch)? {
            database.forget();
            database.prepare_cached("ROLLBACK")?.execute([])?;
            database.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            perform_each(database, batch)?;
        }
        crash(batch, "before_commit");
        database.prepare_cached("COMMIT")?.execute([]).map_err(not_committed)?;
        crash(batch, "after_commit");
        self.counters.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Opens the database anew and has the log written back, so that nothing rests on a sync that failed.
    fn reopen(&mut self) -> Result<(), StoreError> {
        // The new connection comes before the old one goes: were none open, SQLite would read the log from the disk
        // again and could find the commit that was just reported as failed.
        let opened = schema::writer(&self.path).and_then(|database| {
            if let Some(old) = self.database.take() {
                if !old.is_autocommit() {
                    old.execute_batch("ROLLBACK")?;
                }
                drop(old);
            }
            schema::write_back(&database)?;
            Ok(database)
        });
        match opened {
            Ok(database) => {
                self.database = Some(Writable::new(database));
                Ok(())
            }
            Err(error) => {
                self.database = None;
                Err(error)
            }
        }
    }
}

/// Performs a batch that nobody expects to be refused; `false` when one was, and the batch must be performed with care.
fn perform_all(database: &Writable, batch: &mut [Box<dyn Request>]) -> Result<bool, StoreError> {
    let mut requests = batch.iter_mut();
    let all = requests.try_for_each(|request| request.perform(database, false));
    match all.and_then(|()| database.settle()) {
        Ok(()) => Ok(true),
        Err(error @ StoreError::Unavailable(_)) => Err(error),
        Err(error) if database.is_autocommit() => Err(StoreError::unavailable(error)),
        Err(_) => Ok(false),
    }
}

/// Performs each request in a savepoint of its own: one that is refused leaves no trace.
fn perform_each(database: &Writable, batch: &mut [Box<dyn Request>]) -> Result<(), StoreError> {
    for request in batch {
        database.prepare_cached("SAVEPOINT request")?.execute([])?;
        match request.perform(database, true) {
            Ok(()) => {}
            Err(error @ StoreError::Unavailable(_)) => return Err(error),
            // SQLite may give up the whole transaction on its own.
            Err(error) if database.is_autocommit() => return Err(StoreError::unavailable(error)),
            Err(_) => {
                database.forget();
                database.prepare_cached("ROLLBACK TO request")?.execute([])?;
            }
        }
        database.prepare_cached("RELEASE request")?.execute([])?;
    }
    Ok(())
}

/// Whatever the commit met, nothing of the batch is there.
fn not_committed(error: rusqlite::Error) -> StoreError {
    match StoreError::from(error) {
        StoreError::Fault(why) => StoreError::Unavailable(why),
        other => other,
    }
}

fn crash(batch: &[Box<dyn Request>], moment: &str) {
    if cfg!(feature = "crash-points") {
        for request in batch {
            let what = match request.mark() {
                Mark::Accept => "accept",
                Mark::Claim => "claim",
                Mark::End => "end",
                Mark::Append => "append",
                Mark::Other => "other",
            };
            crash_point(&format!("{what}.{moment}"));
        }
    }
}
