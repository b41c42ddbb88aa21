//! The writer's connection, and what of a batch is written once for all of its requests: sums, moments and words.

use std::{cell::RefCell, mem, ops::Deref};

use rusqlite::{Connection, params};

use super::error::StoreError;
use crate::journal::Status;

/// The writer's connection. What was not [settled](Self::settle) yet is of the open transaction.
pub(super) struct Writable {
    database: Connection,
    along: RefCell<Along>,
}

/// What is written once.
#[derive(Default)]
struct Along {
    counts: Vec<Sum>,
    /// The newest event of a recipe.
    events: Vec<(String, i64)>,
    /// What new jobs are found by.
    words: Vec<(i64, String)>,
}

/// By how much the jobs of a recipe in a status, and their bytes, become more.
struct Sum {
    recipe: String,
    status: Status,
    jobs: i64,
    bytes: i64,
}

impl Deref for Writable {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.database
    }
}

impl Writable {
    pub(super) fn new(database: Connection) -> Self {
        Self { database, along: RefCell::default() }
    }

    /// Counts jobs that came to a status with their bytes; those that left it are negative. Whoever makes, changes or takes
    /// away a job says so here.
    pub(super) fn count(&self, recipe: &str, status: Status, jobs: i64, bytes: i64) {
        let counts = &mut self.along.borrow_mut().counts;
        match counts.iter_mut().find(|sum| sum.status == status && sum.recipe == recipe) {
            Some(sum) => {
                sum.jobs += jobs;
                sum.bytes += bytes;
            }
            None => counts.push(Sum { recipe: recipe.into(), status, jobs, bytes }),
        }
    }

    /// Keeps that an event of a recipe came.
    pub(super) fn event(&self, recipe: &str, at: i64) {
        let events = &mut self.along.borrow_mut().events;
        match events.iter_mut().find(|(known, _)| known == recipe) {
            Some((_, last)) => *last = at.max(*last),
            None => events.push((recipe.into(), at)),
        }
    }

    /// Has a new job found by words.
    pub(super) fn words(&self, job: i64, words: String) {
        self.along.borrow_mut().words.push((job, words));
    }

    /// Writes what was kept: before a commit, and before anything of the same transaction asks for it.
    pub(super) fn settle(&self) -> Result<(), StoreError> {
        let Along { counts, events, words } = mem::take(&mut *self.along.borrow_mut());
        for Sum { recipe, status, jobs, bytes } in counts {
            if (jobs, bytes) == (0, 0) {
                continue;
            }
            let known = self
                .prepare_cached(
                    "UPDATE counts SET jobs = jobs + ?3, bytes = bytes + ?4 WHERE recipe = ?1 AND status = ?2",
                )?
                .execute(params![recipe, status, jobs, bytes])?;
            if known == 0 {
                self.prepare_cached("INSERT INTO counts VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![recipe, status, jobs, bytes])?;
            }
        }
        for (recipe, at) in events {
            self.prepare_cached(
                "INSERT INTO recipes (name, last_event_at) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET last_event_at = max(ifnull(last_event_at, ?2), ?2)",
            )?
            .execute(params![recipe, at])?;
        }
        // One after the other, with nothing between them: the index gathers them until something else is begun.
        if !words.is_empty() {
            let mut insert =
                self.prepare_cached("INSERT INTO search (rowid, words) VALUES (?1, ?2)")?;
            for (job, words) in words {
                insert.execute(params![job, words])?;
            }
        }
        Ok(())
    }

    /// Forgets what belongs to a transaction that is rolled back.
    pub(super) fn forget(&self) {
        *self.along.borrow_mut() = Along::default();
    }
}
