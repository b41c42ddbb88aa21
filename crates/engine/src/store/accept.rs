//! Taking a delivery in: the delivery, its jobs, and the events that are known already.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    append,
    error::StoreError,
    pack::pack,
    protocol::{Accepted, DeliveryId, Intake, NewJob},
    rows::{count, hash, nanos},
    writable::Writable,
};
use crate::journal::{JobId, Status};

/// A delivery made ready outside the writer, whose time belongs to the disk.
pub(super) struct Packed {
    intake: Intake,
    headers: String,
    body: Vec<u8>,
}

impl Packed {
    pub(super) fn new(intake: Intake) -> Self {
        let headers = serde_json::to_string(&intake.headers).expect("pairs of texts are JSON");
        Self { headers, body: pack(&intake.body), intake }
    }

    /// Returns how much of it is to be stored.
    pub(super) fn bytes(&self) -> usize {
        self.headers.len() + self.body.len()
    }
}

/// Keeps the delivery and makes its jobs.
pub(super) fn accept(
    database: &Writable,
    packed: &Packed,
) -> Result<(DeliveryId, Vec<Accepted>), StoreError> {
    let Packed { intake, headers, body } = packed;
    database
        .prepare_cached(
            "INSERT INTO deliveries (recipe, received_at, headers, query, body, size, verdict, answered, alone)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            intake.recipe,
            nanos(intake.received_at),
            headers,
            intake.query,
            body,
            count(intake.body.len()),
            intake.verdict,
            intake.answered,
            intake.jobs.is_empty()
        ])?;
    let delivery = DeliveryId(database.last_insert_rowid());
    if !intake.jobs.is_empty() {
        database.event(&intake.recipe, nanos(intake.received_at));
    }
    // A body is paid for by the jobs that were made of it.
    let share = (headers.len() + body.len()) / intake.jobs.len().max(1);
    let accepted = intake
        .jobs
        .iter()
        .map(|job| accept_job(database, intake, delivery, job, share))
        .collect::<Result<Vec<_>, _>>()?;
    let repeats = |accepted: &Accepted| matches!(accepted, Accepted::Repeat { .. });
    if !accepted.is_empty() && accepted.iter().all(repeats) {
        database
            .prepare_cached("UPDATE deliveries SET alone = 1 WHERE id = ?1")?
            .execute([delivery])?;
    }
    Ok((delivery, accepted))
}

/// Makes the job that a step calls, together with the entry that says so. Made once: whoever asks again is told the same.
pub(super) fn call(
    database: &Writable,
    entry: &append::Packed,
    call: &Packed,
) -> Result<Accepted, StoreError> {
    append::append(database, entry)?;
    let job = call.intake.jobs.first().ok_or_else(|| StoreError::fault("a call without a job"))?;
    if let Some((id, status)) = known(database, &call.intake.recipe, job)? {
        return Ok(Accepted::Repeat { job: id, status });
    }
    let (_, mut accepted) = accept(database, call)?;
    accepted.pop().ok_or_else(|| StoreError::fault("a call without a job"))
}

/// Returns the job that the recipe has of this event, and where it stands or how it ended.
pub(super) fn known(
    database: &Connection,
    recipe: &str,
    job: &NewJob,
) -> Result<Option<(JobId, Status)>, StoreError> {
    Ok(database
        .prepare_cached(
            "SELECT dedupe.job, ifnull(jobs.status, dedupe.status)
             FROM dedupe LEFT JOIN jobs ON jobs.id = dedupe.job
             WHERE dedupe.recipe = ?1 AND dedupe.hash = ?2",
        )?
        .query_row(params![recipe, hash(&[&job.dedupe_key])], |row| {
            Ok((row.get::<_, JobId>(0)?, row.get::<_, Status>(1)?))
        })
        .optional()?)
}

fn accept_job(
    database: &Writable,
    intake: &Intake,
    delivery: DeliveryId,
    job: &NewJob,
    bytes: usize,
) -> Result<Accepted, StoreError> {
    let key = hash(&[&job.dedupe_key]);
    if let Some((id, status)) = known(database, &intake.recipe, job)? {
        let counted = database
            .prepare_cached(
                "UPDATE jobs SET repeats = repeats + 1 WHERE id = ?1 AND NOT (cut AND status = 'failed')",
            )?
            .execute([id])?;
        // A repeat has a failed job go on. Where its journal is purged or cut there is nothing to go on with: it becomes a
        // new job, whose once keys find what the old one did.
        if counted == 1 || status != Status::Failed {
            return Ok(Accepted::Repeat { job: id, status });
        }
    }
    let status = if job.attention.is_some() { Status::NeedsAttention } else { Status::Queued };
    database
        .prepare_cached(
            "INSERT INTO jobs (recipe, delivery, event_index, accepted_at, order_key, once_key, label, attention,
                 dedupe, bytes, status, note, parent, parent_path)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            intake.recipe,
            delivery,
            job.event_index,
            nanos(intake.received_at),
            job.order_key,
            job.once_key,
            job.label,
            job.attention,
            key,
            count(bytes),
            status,
            job.attention.as_deref().unwrap_or_default(),
            job.parent.as_ref().map(|parent| parent.job),
            job.parent.as_ref().map(|parent| &*parent.path.0)
        ])?;
    let id = JobId(database.last_insert_rowid());
    database
        .prepare_cached(
            "INSERT INTO dedupe (recipe, hash, job) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET job = excluded.job, status = NULL",
        )?
        .execute(params![intake.recipe, key, id])?;
    database.count(&intake.recipe, status, 1, count(bytes));
    database.words(id.0, format!("{} {}", job.label, job.search));
    Ok(Accepted::New(id))
}
