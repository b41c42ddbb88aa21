//! Appending to a job's journal, together with the effects claimed or settled by it.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;

use super::{
    error::StoreError,
    protocol::{Append, Claim, Claimed, Effect, Standing},
    rows::{count, effect_hash, nanos},
    writer::Mark,
};
use crate::journal::{Entry, FORMAT, JobId, Kind};

/// An append made ready outside the writer, whose time belongs to the disk.
pub(super) struct Packed {
    append: Append,
    /// The JSON of each entry.
    bodies: Vec<String>,
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
        let bodies =
            append.entries.iter().map(|entry| json(&entry.kind)).collect::<Result<_, _>>()?;
        let output = match &append.settle {
            Some((_, Some(output))) => Some(json(output)?),
            _ => None,
        };
        Ok(Self { append, bodies, output })
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
pub(super) fn append(database: &Connection, packed: &Packed) -> Result<Claimed, StoreError> {
    let Packed { append, bodies, output } = packed;
    let journal = Journal::of(database, append.job)?;
    let kept = journal.kept(database, packed)?;
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
    let mut insert = database.prepare_cached(
        "INSERT INTO entries (job, seq, path, at, format, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut bytes = 0;
    for (entry, body) in append.entries.iter().zip(bodies).skip(kept) {
        insert.execute(params![
            append.job,
            entry.seq,
            entry.path.0,
            nanos(entry.at),
            FORMAT,
            body
        ])?;
        bytes += entry.path.0.len() + body.len() + 24;
    }
    // A repeated append must not take the job back to where it stood then.
    if kept == 0 || kept < append.entries.len() {
        restate(database, append, bytes)?;
    }
    Ok(Claimed::Mine)
}

/// Sets the cached fold alone, if the journal still has that many entries.
pub(super) fn set_standing(
    database: &Connection,
    job: JobId,
    entries: u32,
    standing: &Standing,
) -> Result<bool, StoreError> {
    let changed = database
        .prepare_cached(
            "UPDATE jobs SET status = ?3, wake_at = ?4, note = ?5, started_at = ?6, finished_at = ?7
             WHERE id = ?1 AND entries = ?2",
        )?
        .execute(params![
            job,
            entries,
            standing.status,
            standing.wake_at.map(nanos),
            standing.note,
            standing.started_at.map(nanos),
            standing.finished_at.map(nanos)
        ])?;
    Ok(changed == 1)
}

fn restate(database: &Connection, append: &Append, bytes: usize) -> Result<(), StoreError> {
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
            count(bytes),
            standing.status,
            standing.wake_at.map(nanos),
            standing.note,
            standing.started_at.map(nanos),
            standing.finished_at.map(nanos)
        ])?;
    Ok(())
}

/// What a job's row says of its journal.
struct Journal {
    last: u32,
    last_at: Option<i64>,
}

impl Journal {
    fn of(database: &Connection, job: JobId) -> Result<Self, StoreError> {
        database
            .prepare_cached("SELECT entries, last_at FROM jobs WHERE id = ?1")?
            .query_row([job], |row| Ok(Self { last: row.get(0)?, last_at: row.get(1)? }))
            .optional()?
            .ok_or_else(|| {
                StoreError::fault(format_args!("an append to job {job}, which is not kept"))
            })
    }

    /// Returns how many of the append's first entries are in the journal already; the rest follow it.
    fn kept(&self, database: &Connection, packed: &Packed) -> Result<usize, StoreError> {
        let Packed { append, bodies, .. } = packed;
        let Some(first) = append.entries.first() else { return Ok(0) };
        if first.seq > self.last + 1 {
            return Err(StoreError::Gap { job: append.job, last: self.last, found: first.seq });
        }
        let mut kept = 0;
        for (entry, body) in append.entries.iter().zip(bodies) {
            if entry.seq > self.last {
                if self.last_at.is_some_and(|last| nanos(entry.at) < last) {
                    return Err(StoreError::fault(format_args!(
                        "entry {} of job {} is earlier than the one before it",
                        entry.seq, append.job
                    )));
                }
                break;
            }
            let same = database
                .prepare_cached(
                    "SELECT path = ?3 AND at = ?4 AND body = ?5 FROM entries WHERE job = ?1 AND seq = ?2",
                )?
                .query_row(
                    params![append.job, entry.seq, entry.path.0, nanos(entry.at), body],
                    |row| row.get::<_, bool>(0),
                )
                .optional()?;
            if same != Some(true) {
                return Err(StoreError::fault(format_args!(
                    "job {} has another entry {} already",
                    append.job, entry.seq
                )));
            }
            kept += 1;
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
        .map_err(|error| StoreError::fault(format_args!("an entry cannot be written: {error}")))
}
