//! Where events come from that nobody sends: the cursor of each recipe's source, moved in one commit with what was read.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;

use super::{
    accept::{self, Packed},
    error::StoreError,
    protocol::{Accepted, Intake, NewJob},
    rows::{moment, nanos},
    writable::Writable,
};
use crate::journal::{JobId, Status};

/// How a recipe's source stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The recipe.
    pub recipe: String,
    /// Which trigger with which settings the cursor belongs to.
    pub identity: String,
    /// Where reading goes on; `None` before anything was read.
    pub cursor: Option<Value>,
    /// When it is looked at next.
    pub next_at: Option<Timestamp>,
    /// When it was last looked at with success.
    pub last_at: Option<Timestamp>,
    /// How often it failed since.
    pub failures: u32,
    /// Why it failed last.
    pub error: Option<String>,
}

/// Something that was read, with the jobs that come of it unless they are known.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What is stored.
    pub intake: Intake,
    /// A job whose once key is this text, or begins with it and `/`, accepted at this moment or later, is the same.
    pub same_as: Option<(String, Timestamp)>,
}

/// What became of one job of a [`Reading`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// A new job.
    New(JobId),
    /// It is known by its key; the job may be purged.
    Known(JobId, Status),
    /// It came another way.
    Same(JobId, Status),
}

pub(super) fn all(database: &Connection) -> Result<Vec<Source>, StoreError> {
    let mut select = database.prepare_cached(
        "SELECT recipe, identity, cursor, next_at, last_at, failures, error FROM sources ORDER BY recipe",
    )?;
    let sources = select.query_map([], |row| {
        let cursor: Option<String> = row.get(2)?;
        Ok(Source {
            recipe: row.get(0)?,
            identity: row.get(1)?,
            cursor: cursor.and_then(|text| serde_json::from_str(&text).ok()),
            next_at: row.get::<_, Option<i64>>(3)?.map(moment),
            last_at: row.get::<_, Option<i64>>(4)?.map(moment),
            failures: row.get(5)?,
            error: row.get(6)?,
        })
    })?;
    Ok(sources.collect::<Result<_, _>>()?)
}

pub(super) fn put(database: &Connection, source: &Source) -> Result<(), StoreError> {
    database
        .prepare_cached(
            "INSERT OR REPLACE INTO sources (recipe, identity, cursor, next_at, last_at, failures, error)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            source.recipe,
            source.identity,
            source.cursor.as_ref().map(Value::to_string),
            source.next_at.map(nanos),
            source.last_at.map(nanos),
            source.failures,
            source.error
        ])?;
    Ok(())
}

pub(super) fn forget(database: &Connection, recipe: &str) -> Result<(), StoreError> {
    database.prepare_cached("DELETE FROM sources WHERE recipe = ?1")?.execute([recipe])?;
    Ok(())
}

/// Keeps what is new of what was read and moves the cursor. What is known is neither stored nor counted: an overlap is
/// no repeat by the vendor, and has no failed job go on.
pub(super) fn take_in(
    database: &Writable,
    source: Option<&Source>,
    readings: &[Reading],
) -> Result<Vec<Vec<Taken>>, StoreError> {
    let mut all = Vec::with_capacity(readings.len());
    for reading in readings {
        let known = known(database, reading)?;
        let new = |(job, known): (&NewJob, &Option<Taken>)| known.is_none().then(|| job.clone());
        let jobs: Vec<NewJob> = reading.intake.jobs.iter().zip(&known).filter_map(new).collect();
        let mut made = if jobs.is_empty() {
            Vec::new()
        } else {
            let packed = Packed::new(Intake { jobs, ..reading.intake.clone() });
            accept::accept(database, &packed)?.1
        }
        .into_iter();
        let mut taken = Vec::with_capacity(known.len());
        for known in known {
            taken.extend(known.or_else(|| match made.next()? {
                Accepted::New(id) => Some(Taken::New(id)),
                Accepted::Repeat { job, status } => Some(Taken::Known(job, status)),
            }));
        }
        all.push(taken);
    }
    if let Some(source) = source {
        put(database, source)?;
    }
    Ok(all)
}

/// Returns, for each job of a reading, the one that is there already.
pub(super) fn known(
    database: &Connection,
    reading: &Reading,
) -> Result<Vec<Option<Taken>>, StoreError> {
    let recipe = &reading.intake.recipe;
    let same = match &reading.same_as {
        Some((subject, since)) => same(database, recipe, subject, *since)?,
        None => None,
    };
    let mut all = Vec::with_capacity(reading.intake.jobs.len());
    for job in &reading.intake.jobs {
        let known = accept::known(database, recipe, job)?;
        let known = known.map(|(job, status)| Taken::Known(job, status));
        all.push(known.or(same));
    }
    Ok(all)
}

fn same(
    database: &Connection,
    recipe: &str,
    subject: &str,
    since: Timestamp,
) -> Result<Option<Taken>, StoreError> {
    Ok(database
        .prepare_cached(
            // '0' is what follows '/': every key that begins with the subject and a slash lies before it.
            "SELECT id, status FROM (
                 SELECT id, status, accepted_at FROM jobs INDEXED BY jobs_of_once
                 WHERE recipe = ?2 AND once_key = ?3
                 UNION ALL
                 SELECT id, status, accepted_at FROM jobs INDEXED BY jobs_of_once
                 WHERE recipe = ?2 AND once_key > ?3 || '/' AND once_key < ?3 || '0'
             ) WHERE accepted_at >= ?1 ORDER BY accepted_at LIMIT 1",
        )?
        .query_row(params![nanos(since), recipe, subject], |row| {
            Ok(Taken::Same(row.get(0)?, row.get(1)?))
        })
        .optional()?)
}

/// Returns the jobs of a recipe with this once key that succeeded, oldest first.
pub(super) fn succeeded_with(
    database: &Connection,
    recipe: &str,
    once_key: &str,
) -> Result<Vec<JobId>, StoreError> {
    let mut select = database.prepare_cached(
        "SELECT id FROM jobs INDEXED BY jobs_of_once
         WHERE recipe = ?1 AND once_key = ?2 AND status = 'succeeded' AND parent IS NULL ORDER BY id",
    )?;
    let found = select.query_map([recipe, once_key], |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}
