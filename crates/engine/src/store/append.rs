//! Appending to a job's journal, together with the effects claimed or settled by it.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params, types::Value as Sql};
use serde_json::Value;

use super::{
    error::StoreError,
    lines::{line, lines},
    pack::pack_row,
    protocol::{Append, Claim, Claimed, Effect, Standing},
    reads,
    rows::{count, effect_hash, journal_id, nanos},
    writable::Writable,
    writer::Mark,
};
use crate::journal::{Entry, FORMAT, JobId, Kind, Status};

/// An append made ready outside the writer, whose time belongs to the disk.
pub(super) struct Packed {
    append: Append,
    /// What its row of the journal holds.
    body: Sql,
    /// The JSON of the settled output.
    output: Option<String>,
}

impl Packed {
    /// Serialises the entries and checks what the journal must be whatever it holds.
    pub(super) fn new(append: Append) -> Result<Self, StoreError> {
        for pair in append.entries.windows(2) {
            if pair[1].seq != pair[0].seq + 1 || pair[1].at < pair[0].at {
                return Err(StoreError::fault(format_args!(
                    "entry {} of job {} does not follow entry {} in number and time",
                    pair[1].seq, append.job, pair[0].seq
                )));
            }
        }
        let body = pack_row(lines(&append.entries)?);
        let output = match &append.settle {
            Some((_, Some(output))) => Some(json(output)?),
            _ => None,
        };
        Ok(Self { append, body, output })
    }

    pub(super) fn mark(&self) -> Mark {
        let ends =
            |entry: &Entry| matches!(entry.kind, Kind::Succeeded { .. } | Kind::Failed { .. });
        if self.append.claim.is_some() {
            Mark::Claim
        } else if self.append.entries.iter().any(ends) {
            Mark::End
        } else {
            Mark::Append
        }
    }
}

/// Claims, settles, appends and restates the job; all of it, or, unless the claim is [`Claimed::Mine`], nothing.
pub(super) fn append(database: &Writable, packed: &Packed) -> Result<Claimed, StoreError> {
    let Packed { append, body, output } = packed;
    let journal = Journal::of(database, append.job)?.ok_or_else(|| {
        StoreError::fault(format_args!("an append to job {}, which is not kept", append.job))
    })?;
    let kept = journal.kept(database, append)?;
    if let Some(claim) = &append.claim {
        let claimed = claim_effect(database, append.job, claim)?;
        if claimed != Claimed::Mine {
            return Ok(claimed);
        }
    }
    if let Some((effect, _)) = &append.settle {
        let path = append.entries.last().map_or("", |entry| &*entry.path.0);
        settle_effect(database, append.job, effect, path, output.as_deref())?;
    }
    let new = &append.entries[kept..];
    // A repeated append must not take the job back to where it stood then.
    if new.is_empty() && kept > 0 {
        return Ok(Claimed::Mine);
    }
    let bytes = match kept {
        0 => add(database, append.job, new, body)?,
        _ => add(database, append.job, new, &pack_row(lines(new)?))?,
    };
    restate(database, append, &journal, count(bytes))?;
    Ok(Claimed::Mine)
}

/// Adds a row to the journal, and returns what it takes.
fn add(
    database: &Connection,
    job: JobId,
    entries: &[Entry],
    body: &Sql,
) -> Result<usize, StoreError> {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(0) };
    database
        .prepare_cached("INSERT INTO journal (id, last, format, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![journal_id(job, first.seq)?, last.seq, FORMAT, body])?;
    Ok(taken_by(body))
}

/// Returns how many bytes a row of the journal takes.
pub(super) fn taken_by(body: &Sql) -> usize {
    let length = match body {
        Sql::Text(lines) => lines.len(),
        Sql::Blob(packed) => packed.len(),
        _ => 0,
    };
    length + 24
}

/// Sets the cached fold alone, if the journal still has that many entries.
pub(super) fn set_standing(
    database: &Writable,
    job: JobId,
    entries: u32,
    standing: &Standing,
) -> Result<bool, StoreError> {
    let journal = Journal::of(database, job)?.filter(|journal| journal.last == entries);
    let Some(journal) = journal else { return Ok(false) };
    database
        .prepare_cached(
            "UPDATE jobs SET status = ?2, wake_at = ?3, note = ?4, started_at = ?5, finished_at = ?6 WHERE id = ?1",
        )?
        .execute(params![
            job,
            standing.status,
            standing.wake_at.map(nanos),
            standing.note,
            standing.started_at.map(nanos),
            standing.finished_at.map(nanos)
        ])?;
    journal.count(database, standing.status, 0);
    Ok(true)
}

fn restate(
    database: &Writable,
    append: &Append,
    journal: &Journal,
    bytes: i64,
) -> Result<(), StoreError> {
    let standing = &append.standing;
    let last = append.entries.last();
    let version = append.entries.iter().rev().find_map(|entry| match &entry.kind {
        Kind::Opened { version, .. } | Kind::Reopened { version, .. } => Some(version),
        _ => None,
    });
    database
        .prepare_cached(
            "UPDATE jobs SET entries = ifnull(?2, entries), last_at = ifnull(?3, last_at),
                 version = ifnull(?4, version), bytes = bytes + ?5,
                 status = ?6, wake_at = ?7, note = ?8, started_at = ?9, finished_at = ?10
             WHERE id = ?1",
        )?
        .execute(params![
            append.job,
            last.map(|entry| entry.seq),
            last.map(|entry| nanos(entry.at)),
            version,
            bytes,
            standing.status,
            standing.wake_at.map(nanos),
            standing.note,
            standing.started_at.map(nanos),
            standing.finished_at.map(nanos)
        ])?;
    journal.count(database, standing.status, bytes);
    Ok(())
}

/// What a job's row says of its journal, and what it counts as.
struct Journal {
    last: u32,
    last_at: Option<i64>,
    recipe: String,
    status: Status,
    bytes: i64,
}

impl Journal {
    /// Returns it of a job that is kept.
    fn of(database: &Connection, job: JobId) -> Result<Option<Self>, StoreError> {
        Ok(database
            .prepare_cached(
                "SELECT entries, last_at, recipe, status, bytes FROM jobs WHERE id = ?1",
            )?
            .query_row([job], |row| {
                Ok(Self {
                    last: row.get(0)?,
                    last_at: row.get(1)?,
                    recipe: row.get(2)?,
                    status: row.get(3)?,
                    bytes: row.get(4)?,
                })
            })
            .optional()?)
    }

    /// Counts the job where it stands now, with so many bytes more.
    fn count(&self, database: &Writable, status: Status, more: i64) {
        database.count(&self.recipe, self.status, -1, -self.bytes);
        database.count(&self.recipe, status, 1, self.bytes + more);
    }

    /// Returns how many of the append's first entries are in the journal already; the rest follow it.
    fn kept(&self, database: &Connection, append: &Append) -> Result<usize, StoreError> {
        let Some(first) = append.entries.first() else { return Ok(0) };
        if first.seq > self.last + 1 {
            return Err(StoreError::Gap { job: append.job, last: self.last, found: first.seq });
        }
        let kept = (self.last + 1 - first.seq) as usize;
        let new = append.entries.get(kept);
        if let (Some(new), Some(last_at)) = (new, self.last_at)
            && nanos(new.at) < last_at
        {
            return Err(StoreError::fault(format_args!(
                "entry {} of job {} is earlier than the one before it",
                new.seq, append.job
            )));
        }
        let kept = kept.min(append.entries.len());
        if kept > 0 {
            let there = reads::entries(database, append.job)?;
            let there = there.iter().filter(|entry| entry.seq >= first.seq);
            for (entry, there) in append.entries[..kept].iter().zip(there) {
                if line(entry)? != line(there)? {
                    return Err(StoreError::fault(format_args!(
                        "job {} has another entry {} already",
                        append.job, entry.seq
                    )));
                }
            }
        }
        Ok(kept)
    }
}

fn claim_effect(database: &Connection, job: JobId, claim: &Claim) -> Result<Claimed, StoreError> {
    let hash = effect_hash(&claim.effect);
    let known = database
        .prepare_cached("SELECT job, path, output FROM effects WHERE hash = ?1")?
        .query_row([hash], |row| {
            Ok((
                row.get::<_, JobId>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, Option<String>>(2)?,
            ))
        })
        .optional()?;
    let Some((holder, path, output)) = known else {
        database
            .prepare_cached(
                "INSERT INTO effects (hash, connection, action, job, path) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![hash, claim.effect.connection, claim.effect.action, job, claim.path])?;
        return Ok(Claimed::Mine);
    };
    if let Some(output) = output {
        return Ok(Claimed::Done(value(&output)?));
    }
    if holder == job && path == claim.path {
        return Ok(Claimed::Mine);
    }
    // A holder that is not kept any more was over when it was purged.
    let over = database
        .prepare_cached("SELECT finished_at IS NOT NULL FROM jobs WHERE id = ?1")?
        .query_row([holder], |row| row.get(0))
        .optional()?
        .unwrap_or(true);
    match (over, claim.take_over) {
        (true, false) => return Ok(Claimed::Unsure(holder)),
        (false, false) => return Ok(Claimed::HeldBy(holder)),
        (false, true) if holder != job => return Ok(Claimed::HeldBy(holder)),
        (_, true) => {}
    }
    database
        .prepare_cached("UPDATE effects SET job = ?2, path = ?3 WHERE hash = ?1")?
        .execute(params![hash, job, claim.path])?;
    Ok(Claimed::Mine)
}

fn settle_effect(
    database: &Connection,
    job: JobId,
    effect: &Effect,
    path: &str,
    output: Option<&str>,
) -> Result<(), StoreError> {
    let hash = effect_hash(effect);
    if let Some(output) = output {
        let settled = database
            .prepare_cached(
                "UPDATE effects SET output = ?3 WHERE job = ?1 AND hash = ?2 AND output IS NULL",
            )?
            .execute(params![job, hash, output])?;
        if settled == 1 {
            return Ok(());
        }
        // The first output stays. A look-up or a person may know of an effect that nobody claimed.
        database
            .prepare_cached(
                "INSERT INTO effects (hash, connection, action, job, path, output) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO UPDATE SET output = excluded.output WHERE output IS NULL",
            )?
            .execute(params![hash, effect.connection, effect.action, job, path, output])?;
    } else {
        database
            .prepare_cached("DELETE FROM effects WHERE hash = ?1 AND job = ?2 AND output IS NULL")?
            .execute(params![hash, job])?;
    }
    Ok(())
}

/// Reads a stored output.
pub(super) fn value(text: &str) -> Result<Arc<Value>, StoreError> {
    serde_json::from_str(text)
        .map(Arc::new)
        .map_err(|error| StoreError::damaged(format_args!("a stored output is damaged: {error}")))
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::fault(format_args!("an output cannot be written: {error}")))
}
