//! Questions about order keys.

use rusqlite::{Connection, OptionalExtension as _};

use super::error::StoreError;
use crate::journal::JobId;

/// Returns the first later job with the same recipe and order key that has begun.
pub(super) fn overtaken_by(database: &Connection, job: JobId) -> Result<Option<JobId>, StoreError> {
    let later = database
        .prepare_cached(
            "SELECT later.id FROM jobs AS job JOIN jobs AS later
             ON later.recipe = job.recipe AND later.order_key = job.order_key AND later.id > job.id
             WHERE job.id = ?1 AND later.started_at IS NOT NULL ORDER BY later.id LIMIT 1",
        )?
        .query_row([job.0], |row| row.get(0).map(JobId))
        .optional()?;
    Ok(later)
}
