//! The database file: how it is opened, and how an older format becomes today's.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{error::StoreError, writable::Writable};

/// Each format's changes; the format's number is the place in this list, from 1, and stands in `user_version`.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("sources.sql"),
    include_str!("people.sql"),
    include_str!("once.sql"),
    include_str!("pauses.sql"),
    include_str!("cut.sql"),
    include_str!("journal.sql"),
    include_str!("refused.sql"),
    include_str!("lean.sql"),
];

/// A writer waits this long for a checkpoint or a backup to let go.
const BUSY: Duration = Duration::from_secs(10);

/// Creates the database if there is none and brings it to today's format.
pub(super) fn prepare(path: &Path) -> Result<(), StoreError> {
    let mut database =
        open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    migrate(&mut database, path, MIGRATIONS)
}

/// Refuses a file that is no store of this program, whatever its format.
pub(super) fn recognise(path: &Path) -> Result<(), StoreError> {
    let database = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let found: i64 = database.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let ours = database
        .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'dedupe'")?
        .exists([])?;
    if found == 0 || !ours {
        return Err(StoreError::damaged("it is another database"));
    }
    Ok(())
}

/// Opens the connection of the writer: what it commits is on the disk (`synchronous=FULL`).
///
/// It never creates the file: a store that lost its file must say so rather than begin an empty one.
pub(super) fn writer(path: &Path) -> Result<Connection, StoreError> {
    let database = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    database.execute_batch(
        "PRAGMA foreign_keys = ON;
         -- 16 MB: the pages every hire touches are written back once for some hundred hires.
         PRAGMA wal_autocheckpoint = 4000;
         -- After a burst the log gives its space back.
         PRAGMA journal_size_limit = 67108864;
         PRAGMA synchronous = FULL",
    )?;
    database.set_prepared_statement_cache_capacity(64);
    Ok(database)
}

/// Opens a connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let database = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    database.set_prepared_statement_cache_capacity(64);
    Ok(database)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let database = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    database.busy_timeout(BUSY)?;
    // A plan that depends on the values asked for is made anew for each of them.
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // The file is read for the first time here: one that is no database is refused.
    database.query_row("PRAGMA schema_version", [], |_| Ok(()))?;
    Ok(database)
}

fn migrate(database: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), StoreError> {
    let found: i64 = database.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = i64::try_from(migrations.len()).expect("there are few formats");
    let done = usize::try_from(found).ok().filter(|done| *done <= migrations.len());
    let Some(done) = done else {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    };
    if done == 0 {
        // Laid down with the first page.
        database.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
    }
    // Stays with the file, but not with a copy of it.
    database.execute_batch("PRAGMA journal_mode = WAL")?;
    if done < migrations.len() {
        // One transaction for all: a crash leaves the old format or the new one.
        let change = database.transaction()?;
        for migration in &migrations[done..] {
            change.execute_batch(migration)?;
        }
        change.pragma_update(None, "user_version", known)?;
        change.commit()?;
    }
    Ok(())
}

/// Writes something that changes nothing, to see whether the disk takes it.
pub(super) fn touch(database: &Writable) -> Result<(), StoreError> {
    let format: i64 = database.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(database.pragma_update(None, "user_version", format)?)
}

/// Writes the whole log back into the file and empties it.
pub(super) fn write_back(database: &Connection) -> Result<(), StoreError> {
    let busy: bool = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        return Err(StoreError::unavailable("a reader keeps the log from being written back"));
    }
    Ok(())
}
