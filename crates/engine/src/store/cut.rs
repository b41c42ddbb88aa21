//! Cutting what finished jobs held to its hashes: read and made ready beside the writer, which only puts it in place.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params, types::Value as Sql};

use super::{
    append::taken_by,
    error::StoreError,
    lines,
    pack::{pack, pack_row},
    purge::{Over, over, recipes},
    reads,
    rows::{count, journal_id, nanos},
    writable::Writable,
};
use crate::{
    cut::{CUT, cut},
    journal::{Entry, JobId},
};

/// At most so many jobs at a time, and none after so many bytes, so that a delivery that comes meanwhile waits a moment
/// only.
const SLICE: u32 = 20;
const SLICE_BYTES: i64 = 256 << 10;

/// What is left of a job.
pub(super) struct Left {
    job: JobId,
    delivery: i64,
    /// How long its journal was when it was read.
    entries: u32,
    /// The rows of its journal that change, by the numbers of their first entries.
    bodies: Vec<(u32, Sql)>,
    bytes: usize,
    /// The hash of the delivery's body.
    body: Vec<u8>,
}

/// Makes ready some jobs that were over before a moment and are whole, the oldest first.
pub(super) fn prepare(database: &Connection, before: Timestamp) -> Result<Vec<Left>, StoreError> {
    let mut jobs = Vec::new();
    for recipe in recipes(database)? {
        over(database, &recipe, false, nanos(before), SLICE, &mut jobs)?;
    }
    jobs.sort_unstable();
    jobs.truncate(SLICE as usize);
    let mut bytes = 0;
    let fits = jobs.into_iter().take_while(|over| {
        let fits = bytes < SLICE_BYTES;
        bytes += over.bytes;
        fits
    });
    fits.map(|over| left(database, &over)).collect()
}

fn left(database: &Connection, over: &Over) -> Result<Left, StoreError> {
    let Over { job, delivery, entries, .. } = *over;
    let mut left = Left { job, delivery, entries, bodies: Vec::new(), bytes: 0, body: Vec::new() };
    let read = reads::for_rows(database, job, "ORDER BY id", |first, body| {
        let whole = lines::entries(first, body).collect::<Result<Vec<_>, _>>();
        let whole = whole.map_err(StoreError::damaged)?;
        let less: Vec<_> =
            whole.into_iter().map(|entry| Entry { kind: cut(entry.kind), ..entry }).collect();
        let less = lines::lines(&less)?;
        let changed = less != body;
        let row = pack_row(less);
        left.bytes += taken_by(&row);
        if changed {
            left.bodies.push((first, row));
        }
        Ok(())
    });
    match read {
        Ok(()) => {}
        // It cannot go on either way, and the others should not wait for it.
        Err(StoreError::Damaged(why)) => {
            tracing::warn!(job = job.0, %why, "what a job held cannot be read, and stays until the job goes");
            left.bodies.clear();
        }
        Err(error) => return Err(error),
    }
    let found = reads::delivery(database, super::protocol::DeliveryId(delivery))?;
    let body = found.map(|found| found.body).unwrap_or_default();
    left.body = super::rows::digest(&body).to_vec();
    Ok(left)
}

/// Puts in place what is left of these jobs; one that has gone on since it was read stays whole. Returns how many were
/// cut.
pub(super) fn apply(database: &Writable, all: &[Left]) -> Result<u64, StoreError> {
    let mut done = 0;
    for left in all {
        let whole = database
            .prepare_cached(
                "SELECT recipe, status, bytes FROM jobs
                 WHERE id = ?1 AND entries = ?2 AND cut = 0 AND finished_at IS NOT NULL",
            )?
            .query_row(params![left.job, left.entries], |row| {
                Ok((row.get::<_, String>(0)?, row.get(1)?, row.get::<_, i64>(2)?))
            })
            .optional()?;
        let Some((recipe, status, bytes)) = whole else { continue };
        database
            .prepare_cached(
                "UPDATE jobs SET cut = 1, bytes = ?2, note = iif(note = '', '', ?3) WHERE id = ?1",
            )?
            .execute(params![left.job, count(left.bytes), CUT])?;
        database.count(&recipe, status, 0, count(left.bytes) - bytes);
        done += 1;
        for (first, body) in &left.bodies {
            database
                .prepare_cached("UPDATE journal SET body = ?2 WHERE id = ?1")?
                .execute(params![journal_id(left.job, *first)?, body])?;
        }
        // A body of which another job may still be worked stays.
        database
            .prepare_cached(
                "UPDATE deliveries SET cut = ?2, body = ?3, headers = '[]', query = ''
                 WHERE id = ?1 AND cut IS NULL AND NOT EXISTS (SELECT 1 FROM jobs WHERE delivery = ?1 AND cut = 0)",
            )?
            .execute(params![left.delivery, left.body, pack(b"")])?;
    }
    Ok(done)
}
