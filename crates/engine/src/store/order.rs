//! Questions about jobs that depend on others: order keys, and steps that called a job.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    error::StoreError,
    history::JobRow,
    reads,
    rows::{JOB_COLUMNS, job_row},
};
use crate::journal::{JobId, Kind, Outcome, StepPath};

/// Returns the first later job with the same order key that has begun.
pub(super) fn overtaken_by(database: &Connection, job: JobId) -> Result<Option<JobId>, StoreError> {
    let later = database
        .prepare_cached(
            "SELECT later.id FROM jobs AS job JOIN jobs AS later
             ON later.order_key = job.order_key AND later.id > job.id
             WHERE job.id = ?1 AND later.started_at IS NOT NULL ORDER BY later.id LIMIT 1",
        )?
        .query_row([job.0], |row| row.get(0).map(JobId))
        .optional()?;
    Ok(later)
}

/// Returns those of these jobs whose steps called others.
pub(super) fn callers(database: &Connection, jobs: &[JobId]) -> Result<HashSet<JobId>, StoreError> {
    let mut calls = database.prepare_cached("SELECT 1 FROM jobs WHERE parent = ?1 LIMIT 1")?;
    let mut callers = HashSet::new();
    for job in jobs {
        if calls.exists([job])? {
            callers.insert(*job);
        }
    }
    Ok(callers)
}

/// Returns the jobs that steps of this job called, in order.
pub(super) fn children(database: &Connection, job: JobId) -> Result<Vec<JobRow>, StoreError> {
    let sql = format!("SELECT {JOB_COLUMNS} FROM jobs WHERE parent = ?1 ORDER BY id");
    let mut select = database.prepare_cached(&sql)?;
    Ok(select.query_map([job], job_row)?.collect::<Result<_, _>>()?)
}

/// Returns the last job that the step at `path` called.
pub(super) fn child(
    database: &Connection,
    job: JobId,
    path: &StepPath,
) -> Result<Option<JobRow>, StoreError> {
    let sql = format!(
        "SELECT {JOB_COLUMNS} FROM jobs WHERE parent = ?1 AND parent_path = ?2 ORDER BY id DESC LIMIT 1"
    );
    Ok(database.prepare_cached(&sql)?.query_row(params![job, path.0], job_row).optional()?)
}

/// Returns how a job ended; `None` when it has not, or is not kept.
pub(super) fn outcome(database: &Connection, job: JobId) -> Result<Option<Outcome>, StoreError> {
    let over = database
        .prepare_cached("SELECT 1 FROM jobs WHERE id = ?1 AND finished_at IS NOT NULL")?
        .exists([job])?;
    if !over {
        return Ok(None);
    }
    Ok(reads::last_entry(database, job)?.and_then(|entry| match entry.kind {
        Kind::Finished { outcome } => Some(outcome),
        _ => None,
    }))
}
