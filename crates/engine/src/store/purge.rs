//! Keeping the history within its budget: the oldest finished jobs go first, a few at a time.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    error::StoreError,
    rows::{journal_of, nanos},
    writable::Writable,
};
use crate::journal::JobId;

/// At most so many jobs, deliveries or bytes in one go, so that a delivery that comes meanwhile waits a moment only.
const SLICE: u32 = 20;
const SLICE_BYTES: i64 = 256 << 10;
/// At most so many free pages are given back in one go.
const SLICE_PAGES: u32 = 64;

/// What to keep of the history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keep {
    /// Jobs that became final before this moment go; `None` keeps them whatever their age.
    pub since: Option<Timestamp>,
    /// Recipes that say for themselves since when their jobs stay.
    pub recipes: Vec<(String, Timestamp)>,
    /// While finished jobs take more bytes, the oldest go, whatever their age; `None` sets no limit.
    pub bytes: Option<u64>,
}

/// What a purge took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Finished jobs with their journals.
    pub jobs: u64,
    /// Deliveries no job is left of.
    pub deliveries: u64,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// The database file with its log.
    pub file: u64,
    /// Journals and deliveries of finished jobs: what a purge can take away.
    pub finished: u64,
    /// Journals and deliveries of jobs that are not over.
    pub unfinished: u64,
}

/// Takes a slice away. There is nothing left to take when both numbers are zero.
pub(super) fn purge_slice(database: &Writable, keep: &Keep) -> Result<Purged, StoreError> {
    // What it asks for must be there.
    database.settle()?;
    let mut purged = Purged::default();
    let mut left = SLICE_BYTES;
    let mut before = keep.since.map(nanos);
    let mut old = old(database, keep)?.into_iter();
    let mut oldest = None;
    while purged.jobs < u64::from(SLICE) && left > 0 {
        // What there is no room for goes first, the oldest of all.
        let over = match keep.bytes {
            Some(limit) => {
                database.settle()?;
                bytes(database)?.0 > limit
            }
            None => false,
        };
        let next = if over {
            if oldest.is_none() {
                oldest = Some(oldest_of_all(database)?.into_iter());
            }
            oldest.as_mut().and_then(Iterator::next)
        } else {
            old.next()
        };
        let Some(oldest) = next else { break };
        if !purge_job(database, oldest.job)? {
            continue;
        }
        purged.jobs += 1;
        left -= oldest.bytes;
        if over {
            before = before.max(Some(oldest.finished_at));
        }
        let gone = database
            .prepare_cached(
                "DELETE FROM deliveries WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM jobs WHERE delivery = ?1)",
            )?
            .execute([oldest.delivery])?;
        purged.deliveries += gone as u64;
    }
    if let Some(before) = before {
        // Pings, refusals and repeats never had a job: they go with the jobs of their time.
        let gone = database
            .prepare_cached(
                "DELETE FROM deliveries WHERE id IN (
                     SELECT id FROM deliveries WHERE alone = 1 AND received_at < ?1 LIMIT ?2)",
            )?
            .execute(params![before, SLICE])?;
        purged.deliveries += gone as u64;
    }
    Ok(purged)
}

/// Gives some free pages back to the disk and returns whether there are more.
pub(super) fn give_back(database: &Writable) -> Result<bool, StoreError> {
    let free = || database.query_row("PRAGMA freelist_count", [], |row| row.get::<_, i64>(0));
    let before = free()?;
    if before > 0 {
        let mut vacuum = database.prepare(&format!("PRAGMA incremental_vacuum({SLICE_PAGES})"))?;
        let mut rows = vacuum.query([])?;
        while rows.next()?.is_some() {}
    }
    let after = free()?;
    Ok(after > 0 && after < before)
}

pub(super) fn size(database: &Connection) -> Result<Size, StoreError> {
    let pages: i64 = database.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    let page: i64 = database.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let (finished, unfinished) = bytes(database)?;
    Ok(Size { file: (pages * page).unsigned_abs(), finished, unfinished })
}

fn bytes(database: &Connection) -> Result<(u64, u64), StoreError> {
    Ok(database
        .prepare_cached(
            "SELECT ifnull(sum(bytes) FILTER (WHERE final), 0), ifnull(sum(bytes) FILTER (WHERE NOT final), 0)
             FROM (SELECT bytes, status IN ('succeeded', 'failed', 'skipped', 'cancelled') AS final FROM counts)",
        )?
        .query_row([], |row| {
            Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs()))
        })?)
}

/// A job that is over and may go, or be cut; in order of its end, then of its acceptance.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Over {
    pub(super) finished_at: i64,
    pub(super) job: JobId,
    pub(super) delivery: i64,
    pub(super) entries: u32,
    pub(super) bytes: i64,
}

/// What keeps a job whatever its age: the one that called it is not over and will ask how it ended.
const NOT_WAITED_FOR: &str = "(parent IS NULL OR NOT EXISTS \
     (SELECT 1 FROM jobs AS caller WHERE caller.id = jobs.parent AND caller.finished_at IS NULL))";

/// Returns the recipes that have jobs.
pub(super) fn recipes(database: &Connection) -> Result<Vec<String>, StoreError> {
    Ok(database
        .prepare_cached("SELECT DISTINCT recipe FROM counts WHERE jobs > 0")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?)
}

/// Adds the oldest jobs of a recipe that were over before a moment, at most so many of those that are cut, or whole.
pub(super) fn over(
    database: &Connection,
    recipe: &str,
    cut: bool,
    before: i64,
    most: u32,
    found: &mut Vec<Over>,
) -> Result<(), StoreError> {
    let mut select = database.prepare_cached(&over_sql())?;
    let rows = select.query_map(params![recipe, cut, before, most], |row| {
        Ok(Over {
            finished_at: row.get(0)?,
            job: row.get(1)?,
            delivery: row.get(2)?,
            entries: row.get(3)?,
            bytes: row.get(4)?,
        })
    })?;
    for row in rows {
        found.push(row?);
    }
    Ok(())
}

/// Returns what [`over`] asks.
pub(super) fn over_sql() -> String {
    format!(
        "SELECT finished_at, id, delivery, entries, bytes FROM jobs
         WHERE recipe = ?1 AND cut = ?2 AND finished_at < ?3 AND {NOT_WAITED_FOR}
         ORDER BY finished_at LIMIT ?4"
    )
}

/// Returns the oldest jobs that may go, enough for a slice.
fn oldest_of_all(database: &Connection) -> Result<Vec<Over>, StoreError> {
    let mut found = Vec::new();
    for recipe in recipes(database)? {
        for cut in [false, true] {
            over(database, &recipe, cut, i64::MAX, SLICE, &mut found)?;
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Returns jobs that are older than they are kept, at most a slice of each recipe.
fn old(database: &Connection, keep: &Keep) -> Result<Vec<Over>, StoreError> {
    let mut old = Vec::new();
    if keep.since.is_none() && keep.recipes.is_empty() {
        return Ok(old);
    }
    for recipe in recipes(database)? {
        let own = keep.recipes.iter().find(|(name, _)| *name == recipe).map(|(_, since)| *since);
        let Some(since) = own.or(keep.since) else { continue };
        for cut in [false, true] {
            over(database, &recipe, cut, nanos(since), SLICE, &mut old)?;
        }
        if old.len() >= SLICE as usize {
            break;
        }
    }
    Ok(old)
}

/// Takes a job away and returns whether it was there. Its dedupe row keeps how it ended; its effects stay.
fn purge_job(database: &Writable, job: JobId) -> Result<bool, StoreError> {
    for sql in [
        "UPDATE dedupe SET status = (SELECT status FROM jobs WHERE id = ?1)
         WHERE job = ?1 AND (recipe, hash) = (SELECT recipe, dedupe FROM jobs WHERE id = ?1)",
        "DELETE FROM search WHERE rowid = ?1",
    ] {
        database.prepare_cached(sql)?.execute([job])?;
    }
    database
        .prepare_cached("DELETE FROM journal WHERE id BETWEEN ?1 AND ?2")?
        .execute(journal_of(job))?;
    let gone = database
        .prepare_cached("DELETE FROM jobs WHERE id = ?1 RETURNING recipe, status, bytes")?
        .query_row([job], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get::<_, i64>(2)?)))
        .optional()?;
    if let Some((recipe, status, bytes)) = &gone {
        database.count(recipe, *status, -1, -bytes);
    }
    Ok(gone.is_some())
}
