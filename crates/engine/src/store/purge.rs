//! Keeping the history within its budget: the oldest finished jobs go first, a few at a time.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{error::StoreError, rows::nanos};

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
pub(super) fn purge_slice(database: &Connection, keep: &Keep) -> Result<Purged, StoreError> {
    let mut purged = Purged::default();
    let mut left = SLICE_BYTES;
    let mut before = keep.since.map(nanos);
    let mut old = old(database, keep)?.into_iter();
    while purged.jobs < u64::from(SLICE) && left > 0 {
        // What there is no room for goes first, the oldest of all.
        let over = keep
            .bytes
            .is_some_and(|limit| bytes(database).is_ok_and(|(finished, _)| finished > limit));
        let next = if over { oldest(database)? } else { old.next() };
        let Some(oldest) = next else { break };
        if purge_job(database, oldest.job)? == 0 {
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
                     SELECT id FROM deliveries WHERE received_at < ?1
                         AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.delivery = deliveries.id)
                     LIMIT ?2)",
            )?
            .execute(params![before, SLICE])?;
        purged.deliveries += gone as u64;
    }
    Ok(purged)
}

/// Gives some free pages back to the disk and returns whether there are more.
pub(super) fn give_back(database: &Connection) -> Result<bool, StoreError> {
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

/// A job that may go.
struct Oldest {
    job: i64,
    delivery: i64,
    bytes: i64,
    finished_at: i64,
}

/// What keeps a job whatever its age: the one that called it is not over and will ask how it ended.
pub(super) const NOT_WAITED_FOR: &str = "(parent IS NULL OR NOT EXISTS \
     (SELECT 1 FROM jobs AS caller WHERE caller.id = jobs.parent AND caller.finished_at IS NULL))";

/// Returns the oldest job that may go.
fn oldest(database: &Connection) -> Result<Option<Oldest>, StoreError> {
    let sql = format!(
        "SELECT id, delivery, bytes, finished_at FROM jobs
         WHERE finished_at IS NOT NULL AND {NOT_WAITED_FOR} ORDER BY finished_at LIMIT 1"
    );
    Ok(database.prepare_cached(&sql)?.query_row([], Oldest::read).optional()?)
}

/// Returns jobs that are older than they are kept, at most a slice of each recipe.
fn old(database: &Connection, keep: &Keep) -> Result<Vec<Oldest>, StoreError> {
    if keep.since.is_none() && keep.recipes.is_empty() {
        return Ok(Vec::new());
    }
    let recipes = database
        .prepare_cached("SELECT DISTINCT recipe FROM counts WHERE jobs > 0")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<Vec<String>, _>>()?;
    let sql = format!(
        "SELECT id, delivery, bytes, finished_at FROM jobs
         WHERE recipe = ?1 AND finished_at < ?2 AND {NOT_WAITED_FOR} ORDER BY finished_at LIMIT ?3"
    );
    let mut select = database.prepare_cached(&sql)?;
    let mut old = Vec::new();
    for recipe in recipes {
        let own = keep.recipes.iter().find(|(name, _)| *name == recipe).map(|(_, since)| *since);
        let Some(since) = own.or(keep.since) else { continue };
        let room = i64::from(SLICE) - i64::try_from(old.len()).unwrap_or(i64::MAX);
        if room <= 0 {
            break;
        }
        for job in select.query_map(params![recipe, nanos(since), room], Oldest::read)? {
            old.push(job?);
        }
    }
    Ok(old)
}

impl Oldest {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            job: row.get(0)?,
            delivery: row.get(1)?,
            bytes: row.get(2)?,
            finished_at: row.get(3)?,
        })
    }
}

/// Takes a job away and returns how many rows that were: none when it is gone already. Its dedupe row keeps how it ended; its effects stay.
fn purge_job(database: &Connection, job: i64) -> Result<usize, StoreError> {
    let mut gone = 0;
    for sql in [
        "UPDATE dedupe SET status = (SELECT status FROM jobs WHERE id = ?1)
         WHERE job = ?1 AND (recipe, hash) = (SELECT recipe, dedupe FROM jobs WHERE id = ?1)",
        "DELETE FROM search WHERE rowid = ?1",
        "DELETE FROM journal WHERE job = ?1",
        "DELETE FROM jobs WHERE id = ?1",
    ] {
        gone = database.prepare_cached(sql)?.execute([job])?;
    }
    Ok(gone)
}
