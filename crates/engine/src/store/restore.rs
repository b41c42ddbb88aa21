//! Putting a copy of the store back in its place, while nobody uses it.
//!
//! What the store in place knows of writes and events that are over goes into the copy first: what was done after the
//! copy was made stays done, also when its event comes again. The store in place is kept beside.

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rusqlite::Connection;

use super::{backup::examine, error::StoreError, lock::Lock, rows::moment, schema};
use crate::journal::JobId;

/// What a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// Its jobs.
    pub jobs: u64,
    /// Those that are not over.
    pub unfinished: u64,
    /// The last that came, and when.
    pub last: Option<(JobId, Timestamp)>,
}

/// What is in place of a copy that is to be put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InPlace {
    /// There is no store yet.
    Nothing,
    /// A store, with what the copy does not have of it.
    Store {
        /// What it holds.
        holding: Holding,
        /// The jobs that came after the copy was made.
        came: u64,
        /// The jobs of the copy that have gone on since.
        went_on: u64,
    },
    /// A store that cannot be read, and why.
    Damaged(StoreError),
}

/// A copy that is ready to be put back. It owns the data directory until it is, or is dropped.
#[derive(Debug)]
pub struct Restoring {
    /// What the copy holds.
    pub copy: Holding,
    /// What it replaces.
    pub in_place: InPlace,
    dir: PathBuf,
    part: PathBuf,
    _lock: Lock,
}

impl Restoring {
    /// Takes the data directory `dir` and makes ready to put the copy at `file` back. Changes nothing of the store.
    pub fn prepare(dir: &Path, file: &Path) -> Result<Self, StoreError> {
        let failed = |what: &Path, error: &io::Error| {
            StoreError::unavailable(format_args!("`{}`: {error}", what.display()))
        };
        fs::create_dir_all(dir).map_err(|error| failed(dir, &error))?;
        let lock = Lock::take(dir)?;
        let part = dir.join("restore.part");
        remove(&part);
        let nothing = Holding { jobs: 0, unfinished: 0, last: None };
        // From here on what was begun is cleared away when it fails.
        let mut restoring = Self {
            copy: nothing,
            in_place: InPlace::Nothing,
            dir: dir.into(),
            part: part.clone(),
            _lock: lock,
        };
        for (from, to) in [(file.to_owned(), part.clone()), (log_of(file), log_of(&part))] {
            if from == file || from.exists() {
                fs::copy(&from, &to).map_err(|error| failed(&from, &error))?;
                fs::set_permissions(&to, Permissions::from_mode(0o600))
                    .map_err(|error| failed(&to, &error))?;
            }
        }
        restoring.copy = open_copy(&part).map_err(|error| match error {
            StoreError::Newer { found, known, .. } => {
                StoreError::Newer { path: file.into(), found, known }
            }
            StoreError::Damaged(why) | StoreError::Unavailable(why) | StoreError::Fault(why) => {
                StoreError::damaged(format_args!(
                    "`{}` is no whole copy of a store: {why}",
                    file.display()
                ))
            }
            other => other,
        })?;
        let place = restoring.place();
        if place.exists() {
            restoring.in_place = match restoring.compare(&place) {
                Ok(in_place) => in_place,
                Err(error @ StoreError::Newer { .. }) => return Err(error),
                Err(error) => InPlace::Damaged(error.about(&place)),
            };
        }
        Ok(restoring)
    }

    /// Puts the copy in place and returns where the store that was there is kept now.
    pub fn replace(self, at: Timestamp) -> Result<Option<PathBuf>, StoreError> {
        let place = self.place();
        let failed = |error: io::Error| {
            StoreError::unavailable(format_args!(
                "`{}` cannot be replaced: {error}",
                place.display()
            ))
        };
        {
            let copy = schema::writer(&self.part)?;
            if matches!(self.in_place, InPlace::Store { .. }) {
                take_over(&copy, &place)?;
            }
            schema::write_back(&copy)?;
        }
        File::open(&self.part).and_then(|file| file.sync_all()).map_err(failed)?;
        let beside = self.dir.join(format!("store-before-{}.db", at.strftime("%Y%m%dT%H%M%SZ")));
        let kept = place.exists();
        if kept {
            // A log that could not be written back stays with its file.
            if log_of(&place).exists() {
                fs::rename(log_of(&place), log_of(&beside)).map_err(failed)?;
            }
            fs::hard_link(&place, &beside).map_err(failed)?;
        }
        drop(fs::remove_file(shared_memory_of(&place)));
        // In one step: whatever happens, there is one store or the other.
        fs::rename(&self.part, &place).map_err(failed)?;
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(failed)?;
        Ok(kept.then_some(beside))
    }

    fn place(&self) -> PathBuf {
        self.dir.join("store.db")
    }

    fn compare(&self, place: &Path) -> Result<InPlace, StoreError> {
        let holding = open_copy(place)?;
        let copy = schema::reader(&self.part)?;
        attach(&copy, place)?;
        let number = |sql: &str| -> Result<u64, StoreError> {
            Ok(copy.query_row(sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
        };
        let came = number(
            "SELECT count(*) FROM place.jobs AS now WHERE NOT EXISTS
                 (SELECT 1 FROM main.jobs AS old WHERE old.id = now.id AND old.dedupe = now.dedupe)",
        )?;
        let went_on = number(
            "SELECT count(*) FROM place.jobs AS now JOIN main.jobs AS old
             ON old.id = now.id AND old.dedupe = now.dedupe AND old.entries < now.entries",
        )?;
        Ok(InPlace::Store { holding, came, went_on })
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        remove(&self.part);
    }
}

/// Opens a database, brings it to today's format, and has it without a log; returns what it holds.
fn open_copy(path: &Path) -> Result<Holding, StoreError> {
    schema::recognise(path)?;
    schema::prepare(path)?;
    let database = schema::writer(path)?;
    examine(&database)?;
    schema::write_back(&database)?;
    holding(&database)
}

fn holding(database: &Connection) -> Result<Holding, StoreError> {
    let sql = "SELECT count(*), count(*) FILTER (WHERE finished_at IS NULL), max(id), max(accepted_at) FROM jobs";
    Ok(database.query_row(sql, [], |row| {
        let (id, at) = (row.get::<_, Option<JobId>>(2)?, row.get::<_, Option<i64>>(3)?);
        Ok(Holding {
            jobs: row.get::<_, i64>(0)?.unsigned_abs(),
            unfinished: row.get::<_, i64>(1)?.unsigned_abs(),
            last: id.zip(at.map(moment)),
        })
    })?)
}

/// Takes over what the store in place knows: writes, events that are over, what people did, which numbers are taken.
fn take_over(copy: &Connection, place: &Path) -> Result<(), StoreError> {
    attach(copy, place)?;
    let change = copy.unchecked_transaction()?;
    // A write that nobody settled belongs to no job of the copy: whoever needs it looks first whether it happened.
    change.execute(
        "INSERT INTO main.effects (hash, connection, action, job, path, output)
         SELECT hash, connection, action, iif(output IS NULL, 0, job), path, output FROM place.effects WHERE true
         ON CONFLICT DO UPDATE SET output = excluded.output
             WHERE effects.output IS NULL AND excluded.output IS NOT NULL",
        [],
    )?;
    // Of a job that was not over its event may come again, and a called job is asked for by the one that called it.
    change.execute(
        "INSERT INTO main.dedupe (recipe, hash, job, status)
         SELECT known.recipe, known.hash, known.job, jobs.status
         FROM place.dedupe AS known JOIN place.jobs ON jobs.id = known.job
         WHERE jobs.finished_at IS NOT NULL AND jobs.parent IS NULL
         ON CONFLICT DO NOTHING",
        [],
    )?;
    change.execute("INSERT OR IGNORE INTO main.audit SELECT * FROM place.audit", [])?;
    // A number is never given out twice: notes in Greenhouse name jobs by it.
    change.execute(
        "INSERT INTO main.sqlite_sequence (name, seq)
         SELECT name, 0 FROM place.sqlite_sequence
         WHERE name NOT IN (SELECT name FROM main.sqlite_sequence)",
        [],
    )?;
    change.execute(
        "UPDATE main.sqlite_sequence SET seq = max(seq, ifnull(
             (SELECT seq FROM place.sqlite_sequence AS now WHERE now.name = main.sqlite_sequence.name), 0))",
        [],
    )?;
    change.commit()?;
    copy.execute_batch("DETACH place")?;
    Ok(())
}

fn attach(database: &Connection, place: &Path) -> Result<(), StoreError> {
    let name = place.to_str().ok_or_else(|| {
        StoreError::fault(format_args!("`{}` is not a name for a store", place.display()))
    })?;
    database.execute("ATTACH ?1 AS place", [name])?;
    Ok(())
}

/// Takes a copy away with all that belongs to it.
fn remove(path: &Path) {
    for path in [path.to_owned(), log_of(path), shared_memory_of(path)] {
        drop(fs::remove_file(path));
    }
}

fn log_of(path: &Path) -> PathBuf {
    beside(path, "-wal")
}

fn shared_memory_of(path: &Path) -> PathBuf {
    beside(path, "-shm")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
