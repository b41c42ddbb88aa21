//! Deliveries that were refused: the newest of each recipe, and nothing that could fill the disk.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{
    Store,
    error::StoreError,
    rows::{count, moment, nanos},
    writable::Writable,
    writer::Mark,
};

/// How many refused deliveries are kept of each recipe: enough to see what somebody tries, too few to fill a disk.
pub(crate) const MOST_REFUSED: usize = 20;

/// A delivery that was refused. Nobody has verified it, so no job can be made of it, and its body is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The recipe it was sent to.
    pub recipe: String,
    /// When it came.
    pub at: Timestamp,
    /// The HTTP status of the answer.
    pub answered: u16,
    /// Why.
    pub reason: String,
    /// The bytes of its body; `None` when it was not read to its end.
    pub size: Option<u64>,
    /// The program that sent it, as it calls itself.
    pub sender: String,
    /// What it says its body is: `Content-Type`.
    pub kind: String,
    /// The names of its headers, with spaces between them: whether a signature was there, never what it was.
    pub headers: String,
}

impl Store {
    /// Keeps refused deliveries, and drops those that are older than the newest of their recipe.
    pub(crate) async fn keep_refused(&self, refused: Vec<Refused>) -> Result<(), StoreError> {
        let work = move |db: &Writable| refused.iter().try_for_each(|one| keep(db, one));
        // Nobody waits for the disk because of it, so it is not counted as who does.
        self.inner.writer.send(Mark::Other, work).await?.committed().await
    }

    /// Returns the refused deliveries that are kept, newest first; only of a recipe, if there is one.
    pub(crate) async fn refused(&self, recipe: Option<String>) -> Result<Vec<Refused>, StoreError> {
        self.read(move |db| of(db, recipe.as_deref())).await
    }
}

fn keep(database: &Connection, one: &Refused) -> Result<(), StoreError> {
    database
        .prepare_cached(
            "INSERT INTO refused (recipe, at, answered, reason, size, sender, kind, headers)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            one.recipe,
            nanos(one.at),
            one.answered,
            one.reason,
            one.size.map(|size| i64::try_from(size).unwrap_or(i64::MAX)),
            one.sender,
            one.kind,
            one.headers
        ])?;
    database
        .prepare_cached(
            "DELETE FROM refused WHERE recipe = ?1 AND id <=
                 (SELECT id FROM refused WHERE recipe = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![one.recipe, count(MOST_REFUSED)])?;
    Ok(())
}

fn of(database: &Connection, recipe: Option<&str>) -> Result<Vec<Refused>, StoreError> {
    let mut select = database.prepare_cached(
        "SELECT recipe, at, answered, reason, size, sender, kind, headers FROM refused
         WHERE ?1 IS NULL OR recipe = ?1 ORDER BY id DESC",
    )?;
    let rows = select.query_map([recipe], |row| {
        Ok(Refused {
            recipe: row.get(0)?,
            at: moment(row.get(1)?),
            answered: row.get(2)?,
            reason: row.get(3)?,
            size: row.get::<_, Option<i64>>(4)?.map(i64::unsigned_abs),
            sender: row.get(5)?,
            kind: row.get(6)?,
            headers: row.get(7)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
