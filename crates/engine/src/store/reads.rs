//! The reading side: a few connections of its own, and loading a job to go on with.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, types::ValueRef};
use tokio::sync::Semaphore;

use super::{
    error::StoreError,
    history::{self, JobRow},
    lines,
    pack::{unpack, unpack_row},
    protocol::DeliveryId,
    rows::{journal_of, moment},
    schema,
};
use crate::journal::{Entry, FORMAT, JobId};

/// At most this many reads at the same time; they read beside the writer, but the processors are shared.
const READERS: usize = 4;

/// A job with all that a machine is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// Its row.
    pub row: JobRow,
    /// The delivery it came of.
    pub delivery: StoredDelivery,
    /// Its journal.
    pub entries: Vec<Entry>,
}

/// A delivery as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The recipe it was sent to.
    pub recipe: String,
    /// When it came.
    pub received_at: Timestamp,
    /// The headers without credentials or signatures.
    pub headers: Vec<(String, String)>,
    /// The query string.
    pub query: String,
    /// The body, byte for byte.
    pub body: Arc<[u8]>,
    /// What became of it.
    pub verdict: String,
    /// The HTTP status of the answer.
    pub answered: u16,
    /// Whether its body is cut.
    pub cut: bool,
}

impl StoredDelivery {
    /// Whether a step of another job gave it, and nobody sent it.
    pub fn is_call(&self) -> bool {
        self.verdict == CALL
    }
}

/// The verdict of what a step of another job gave.
pub(crate) const CALL: &str = "call";

/// The connections that read. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Readers {
    path: PathBuf,
    free: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, free: Arc::default(), permits: Arc::new(Semaphore::new(READERS)) }
    }

    /// Runs `work` in one read transaction: all it sees is of one moment, not before this call.
    pub(super) async fn read<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = self.permits.clone().acquire_owned().await.map_err(StoreError::unavailable)?;
        let Self { path, free, .. } = self.clone();
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let named = |error: StoreError| error.about(&path);
            let database = match pop(&free) {
                Some(database) => database,
                None => schema::reader(&path).map_err(named)?,
            };
            let outcome = database
                .unchecked_transaction()
                .map_err(StoreError::from)
                .and_then(|moment| work(&moment))
                .map_err(named);
            // One that failed may be of a file that is gone: the next read opens its own.
            if !matches!(outcome, Err(StoreError::Unavailable(_))) {
                free.lock().unwrap_or_else(PoisonError::into_inner).push(database);
            }
            outcome
        })
        .await
        .map_err(StoreError::fault)?
    }

    /// Closes the connections that are free.
    pub(super) fn close(&self) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn pop(free: &Mutex<Vec<Connection>>) -> Option<Connection> {
    free.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

pub(super) fn load(database: &Connection, job: JobId) -> Result<Option<Loaded>, StoreError> {
    let Some(row) = history::job(database, job)? else { return Ok(None) };
    let delivery = delivery(database, row.delivery)?.ok_or_else(|| {
        StoreError::damaged(format_args!("delivery {} of job {job} is missing", row.delivery))
    })?;
    Ok(Some(Loaded { entries: entries(database, job)?, row, delivery }))
}

/// Returns the journal of a job.
pub(super) fn entries(database: &Connection, job: JobId) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    for_rows(database, job, "ORDER BY id", |first, body| {
        for entry in lines::entries(first, body) {
            entries.push(entry.map_err(|why| damaged(job, &why))?);
        }
        Ok(())
    })?;
    Ok(entries)
}

/// Returns the last entry of a job's journal.
pub(super) fn last_entry(database: &Connection, job: JobId) -> Result<Option<Entry>, StoreError> {
    let mut last = None;
    for_rows(database, job, "ORDER BY id DESC LIMIT 1", |first, body| {
        last = lines::entries(first, body).last().transpose().map_err(|why| damaged(job, &why))?;
        Ok(())
    })?;
    Ok(last)
}

/// Shows rows of a job's journal: the number of the first entry, and the lines.
pub(super) fn for_rows(
    database: &Connection,
    job: JobId,
    which: &str,
    mut see: impl FnMut(u32, &str) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let sql = format!("SELECT first, format, body FROM journal WHERE id BETWEEN ?1 AND ?2 {which}");
    let mut select = database.prepare_cached(&sql)?;
    let mut rows = select.query(journal_of(job))?;
    while let Some(row) = rows.next()? {
        let format: u8 = row.get(1)?;
        if format > FORMAT {
            return Err(StoreError::damaged(format_args!(
                "job {job} was journaled in format {format} by a newer program, and this one knows formats up to \
                 {FORMAT}"
            )));
        }
        match row.get_ref(2)? {
            ValueRef::Blob(packed) => {
                let body = unpack_row(packed).map_err(|why| damaged(job, &why))?;
                see(row.get(0)?, &body)?;
            }
            text => see(row.get(0)?, text.as_str().map_err(rusqlite::Error::from)?)?,
        }
    }
    Ok(())
}

fn damaged(job: JobId, why: &str) -> StoreError {
    StoreError::damaged(format_args!("the journal of job {job} cannot be read: {why}"))
}

pub(super) fn delivery(
    database: &Connection,
    id: DeliveryId,
) -> Result<Option<StoredDelivery>, StoreError> {
    let found = database
        .prepare_cached(
            "SELECT recipe, received_at, headers, query, body, verdict, answered, cut IS NOT NULL FROM deliveries WHERE id = ?1",
        )?
        .query_row([id], |row| {
            let delivery = StoredDelivery {
                id,
                recipe: row.get(0)?,
                received_at: moment(row.get(1)?),
                headers: Vec::new(),
                query: row.get(3)?,
                body: Arc::default(),
                verdict: row.get(5)?,
                answered: row.get(6)?,
                cut: row.get(7)?,
            };
            Ok((delivery, row.get::<_, String>(2)?, row.get::<_, Vec<u8>>(4)?))
        })
        .optional()?;
    let Some((mut delivery, headers, body)) = found else { return Ok(None) };
    delivery.headers = serde_json::from_str(&headers).map_err(|error| {
        StoreError::damaged(format_args!("the headers of delivery {id} are damaged: {error}"))
    })?;
    delivery.body = unpack(&body)?;
    Ok(Some(delivery))
}
