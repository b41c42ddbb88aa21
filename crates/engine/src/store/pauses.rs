//! When nothing was done for jobs, because their recipe or the service was off: a job's time stands still meanwhile.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

use super::{
    error::StoreError,
    history, purge,
    rows::{moment, nanos},
    writable::Writable,
};

/// From when to when nothing was done.
pub(crate) type Pause = (Timestamp, Timestamp);

/// The name under which the service's own pauses are kept.
const SERVICE: &str = "";
/// No time-out is longer than a year, so what is older is asked for by nobody.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 400);

/// Keeps that a recipe goes off, unless it is.
pub(super) fn begin(database: &Connection, recipe: &str, at: Timestamp) -> Result<(), StoreError> {
    database
        .prepare_cached(
            "INSERT INTO pauses (recipe, since) SELECT ?1, ?2
             WHERE NOT EXISTS (SELECT 1 FROM pauses WHERE recipe = ?1 AND until IS NULL)
             ON CONFLICT DO UPDATE SET until = NULL",
        )?
        .execute(params![recipe, nanos(at)])?;
    Ok(())
}

/// Keeps that a recipe is on again; returns whether it was off.
pub(super) fn end(database: &Connection, recipe: &str, at: Timestamp) -> Result<bool, StoreError> {
    let ended = database
        .prepare_cached(
            "UPDATE pauses SET until = max(since, ?2) WHERE recipe = ?1 AND until IS NULL",
        )?
        .execute(params![recipe, nanos(at)])?;
    Ok(ended > 0)
}

/// Keeps that the service ends.
pub(super) fn begin_all(database: &Connection, at: Timestamp) -> Result<(), StoreError> {
    begin(database, SERVICE, at)
}

/// Keeps that the service begins: where its end is not known, it was off since the last that is.
pub(super) fn end_all(database: &Writable, at: Timestamp) -> Result<(), StoreError> {
    database
        .prepare_cached("DELETE FROM pauses WHERE until < ?1")?
        .execute([nanos(at.checked_sub(KEPT).unwrap_or(Timestamp::MIN))])?;
    if end(database, SERVICE, at)? {
        return Ok(());
    }
    database.settle()?;
    if let Some(last) = last_sign(database)?.filter(|last| *last < at) {
        begin(database, SERVICE, last)?;
        end(database, SERVICE, at)?;
    }
    Ok(())
}

/// Returns when anything was last stored.
fn last_sign(database: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let mut last: Option<i64> = database.query_row(
        "SELECT max(at) FROM (SELECT max(accepted_at) AS at FROM jobs
         UNION ALL SELECT * FROM (SELECT received_at FROM deliveries ORDER BY id DESC LIMIT 1))",
        [],
        |row| row.get(0),
    )?;
    let mut over = database.prepare_cached(
        "SELECT max(finished_at) FROM jobs WHERE recipe = ?1 AND cut = ?2 AND finished_at IS NOT NULL",
    )?;
    for recipe in purge::recipes(database)? {
        for cut in [false, true] {
            let found: Option<i64> = over.query_row(params![recipe, cut], |row| row.get(0))?;
            last = last.max(found);
        }
    }
    let mut of_jobs = database
        .prepare_cached("SELECT max(last_at) FROM jobs WHERE recipe = ?1 AND status = ?2")?;
    for count in history::counts(database)?.iter().filter(|count| !count.status.is_final()) {
        let found: Option<i64> =
            of_jobs.query_row(params![count.recipe, count.status], |row| row.get(0))?;
        last = last.max(found);
    }
    Ok(last.map(moment))
}

/// Returns when jobs of a recipe were left alone after a moment, in order; one pause may lie in another.
pub(super) fn of(
    database: &Connection,
    recipe: &str,
    after: Timestamp,
    now: Timestamp,
) -> Result<Vec<Pause>, StoreError> {
    let mut select = database.prepare_cached(
        "SELECT since, ifnull(until, ?3) FROM pauses
         WHERE recipe IN (?1, '') AND ifnull(until, ?3) > ?2 ORDER BY since",
    )?;
    let found = select.query_map(params![recipe, nanos(after), nanos(now)], |row| {
        Ok((moment(row.get(0)?), moment(row.get(1)?)))
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Drops what is known of a recipe that is gone.
pub(super) fn forget(database: &Connection, recipe: &str) -> Result<(), StoreError> {
    database.prepare_cached("DELETE FROM pauses WHERE recipe = ?1")?.execute([recipe])?;
    Ok(())
}
