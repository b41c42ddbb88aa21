//! What the pages and the API ask beyond jobs: deliveries of all recipes, versions, days, and who did what.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{
    Store,
    error::StoreError,
    history::DeliveryRow,
    protocol::DeliveryId,
    rows::{count, moment, nanos},
};
use crate::journal::Status;

/// How long a day is, in the store's unit.
const DAY: i64 = 86_400 * 1_000_000_000;

/// Something a person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Its number; 0 before it is kept.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who: the name of a token, or of a user at the command line.
    pub who: String,
    /// Which door they came through: `page`, `api` or `command line`.
    pub via: String,
    /// What, as a stable word: `job.retry`.
    pub what: String,
    /// What it was done to: the number of a job, a recipe, a token.
    pub target: String,
    /// More, in words; never a value of an event.
    pub detail: String,
}

/// A version of a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// Its hash.
    pub version: String,
    /// When it first took effect.
    pub since: Timestamp,
}

/// How many jobs of a recipe came on a day (in UTC) and stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayCount {
    /// The recipe.
    pub recipe: String,
    /// Days since 1970.
    pub day: i64,
    /// The status.
    pub status: Status,
    /// How many.
    pub jobs: u64,
}

impl Store {
    /// Returns how many jobs came on each day since a moment, by recipe and status. It reads every job of that time.
    pub async fn days(&self, since: Timestamp) -> Result<Vec<DayCount>, StoreError> {
        self.read(move |db| days(db, since)).await
    }
}

pub(super) fn add_audit(database: &Connection, audit: &Audit) -> Result<(), StoreError> {
    database
        .prepare_cached(
            "INSERT INTO audit (at, who, via, what, target, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            nanos(audit.at),
            audit.who,
            audit.via,
            audit.what,
            audit.target,
            audit.detail
        ])?;
    Ok(())
}

/// Returns a page of the audit, newest first.
pub(super) fn audit(
    database: &Connection,
    target: Option<&str>,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<Audit>, StoreError> {
    let mut select = database.prepare_cached(
        "SELECT id, at, who, via, what, target, detail FROM audit
         WHERE id < ?1 AND (?2 IS NULL OR target = ?2) ORDER BY id DESC LIMIT ?3",
    )?;
    let rows =
        select.query_map(params![before.unwrap_or(i64::MAX), target, count(limit)], |row| {
            Ok(Audit {
                id: row.get(0)?,
                at: moment(row.get(1)?),
                who: row.get(2)?,
                via: row.get(3)?,
                what: row.get(4)?,
                target: row.get(5)?,
                detail: row.get(6)?,
            })
        })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn keep_version(
    database: &Connection,
    recipe: &str,
    version: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    database
        .prepare_cached(
            "INSERT INTO versions (recipe, version, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )?
        .execute(params![recipe, version, nanos(at)])?;
    Ok(())
}

/// Returns the versions of a recipe, the newest first.
pub(super) fn versions(database: &Connection, recipe: &str) -> Result<Vec<VersionRow>, StoreError> {
    let mut select = database.prepare_cached(
        "SELECT version, since FROM versions WHERE recipe = ?1 ORDER BY since DESC LIMIT 200",
    )?;
    let rows = select.query_map([recipe], |row| {
        Ok(VersionRow { version: row.get(0)?, since: moment(row.get(1)?) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns a page of all recipes' deliveries, newest first, each with its recipe.
pub(super) fn all_deliveries(
    database: &Connection,
    before: Option<DeliveryId>,
    limit: usize,
) -> Result<Vec<(String, DeliveryRow)>, StoreError> {
    let mut select = database.prepare_cached(
        "SELECT id, received_at, size, verdict, answered, recipe FROM deliveries
         WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let before = before.map_or(i64::MAX, |id| id.0);
    let rows = select.query_map(params![before, count(limit)], |row| {
        let delivery = DeliveryRow {
            id: row.get(0)?,
            received_at: moment(row.get(1)?),
            size: row.get::<_, i64>(2)?.unsigned_abs(),
            verdict: row.get(3)?,
            answered: row.get(4)?,
            jobs: Vec::new(),
        };
        Ok((row.get(5)?, delivery))
    })?;
    let mut deliveries = rows.collect::<Result<Vec<(String, DeliveryRow)>, _>>()?;
    let mut jobs =
        database.prepare_cached("SELECT id FROM jobs WHERE delivery = ?1 ORDER BY id")?;
    for (_, delivery) in &mut deliveries {
        delivery.jobs =
            jobs.query_map([delivery.id], |row| row.get(0))?.collect::<Result<_, _>>()?;
    }
    Ok(deliveries)
}

fn days(database: &Connection, since: Timestamp) -> Result<Vec<DayCount>, StoreError> {
    let mut select = database.prepare_cached(
        "SELECT recipe, accepted_at / ?2, status, count(*) FROM jobs WHERE accepted_at >= ?1
         GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    )?;
    let rows = select.query_map(params![nanos(since), DAY], |row| {
        Ok(DayCount {
            recipe: row.get(0)?,
            day: row.get(1)?,
            status: row.get(2)?,
            jobs: row.get::<_, i64>(3)?.unsigned_abs(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
