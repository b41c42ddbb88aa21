//! How values stand in columns: moments, bodies, hashes, rows of jobs.

use jiff::Timestamp;
use rusqlite::{
    Row,
    types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};
use sha2::{Digest as _, Sha256};

use super::{
    error::StoreError,
    history::JobRow,
    protocol::{DeliveryId, Effect, Parent, Standing},
};
use crate::journal::{JobId, Status, StepPath};

/// The columns [`job_row`] reads, in its order.
pub(super) const JOB_COLUMNS: &str = "jobs.id, jobs.recipe, jobs.version, jobs.delivery, jobs.event_index, \
     jobs.accepted_at, jobs.order_key, jobs.once_key, jobs.label, jobs.attention, jobs.repeats, jobs.entries, \
     jobs.status, jobs.wake_at, jobs.note, jobs.started_at, jobs.finished_at, jobs.parent, jobs.parent_path, jobs.cut";

/// Reads a row selected by [`JOB_COLUMNS`].
pub(super) fn job_row(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    Ok(JobRow {
        id: row.get(0)?,
        recipe: row.get(1)?,
        version: row.get(2)?,
        delivery: row.get(3)?,
        event_index: row.get(4)?,
        accepted_at: moment(row.get(5)?),
        order_key: row.get(6)?,
        once_key: row.get(7)?,
        label: row.get(8)?,
        attention: row.get(9)?,
        repeats: row.get(10)?,
        entries: row.get(11)?,
        standing: Standing {
            status: row.get(12)?,
            wake_at: row.get::<_, Option<i64>>(13)?.map(moment),
            note: row.get(14)?,
            started_at: row.get::<_, Option<i64>>(15)?.map(moment),
            finished_at: row.get::<_, Option<i64>>(16)?.map(moment),
        },
        parent: match row.get::<_, Option<JobId>>(17)? {
            Some(job) => Some(Parent { job, path: StepPath(row.get::<_, String>(18)?.into()) }),
            None => None,
        },
        cut: row.get(19)?,
    })
}

/// Returns a moment as nanoseconds since 1970; what lies beyond the year 2262 becomes its last moment.
pub(super) fn nanos(moment: Timestamp) -> i64 {
    let nanos = moment.as_nanosecond();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// Returns the moment of [`nanos`].
pub(super) fn moment(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into())
        .expect("64 bits of nanoseconds lie within the years of a timestamp")
}

/// How many bits of a row's number in the journal say which entry is its first.
const ENTRY_BITS: u32 = 24;

/// Returns the number of a row in the journal.
pub(super) fn journal_id(job: JobId, first: u32) -> Result<i64, StoreError> {
    if first >> ENTRY_BITS > 0 {
        return Err(StoreError::fault(format_args!(
            "job {job} has more entries than fit a journal"
        )));
    }
    Ok(job.0 << ENTRY_BITS | i64::from(first))
}

/// Returns between which numbers the rows of a job's journal lie.
pub(super) fn journal_of(job: JobId) -> [i64; 2] {
    let none = job.0 << ENTRY_BITS;
    [none, none | ((1 << ENTRY_BITS) - 1)]
}

/// Returns a number of things as a column holds it.
pub(super) fn count(things: usize) -> i64 {
    i64::try_from(things).unwrap_or(i64::MAX)
}

/// Returns the hash of some texts; no other list of texts has it.
pub(super) fn hash(texts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

/// Returns the hash of bytes.
pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Returns the key of an effect's row.
pub(super) fn effect_hash(effect: &Effect) -> [u8; 32] {
    hash(&[&effect.connection, &effect.action, &effect.key])
}

macro_rules! id_column {
    ($($id:ident),*) => {$(
        impl ToSql for $id {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.0.into())
            }
        }

        impl FromSql for $id {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_i64().map(Self)
            }
        }
    )*};
}
id_column!(JobId, DeliveryId);

impl ToSql for Status {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.word().into())
    }
}

impl FromSql for Status {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::from_word(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}
