//! A copy of the store as it is at one moment, made while it is in use.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rusqlite::Connection;

use super::{error::StoreError, schema};

/// A copy that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backup {
    /// How many jobs it holds.
    pub jobs: u64,
    /// How large it is.
    pub bytes: u64,
}

/// Writes a copy of the store at `path` to `to`, which must not be there yet, and looks whether it is whole. Deliveries
/// are taken meanwhile.
pub(super) fn copy(path: &Path, to: &Path) -> Result<Backup, StoreError> {
    let failed = |error: std::io::Error| {
        StoreError::unavailable(format_args!("the copy `{}` failed: {error}", to.display()))
    };
    // For its owner's eyes from the first byte on.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(failed)?;
    let made = write(path, to).and_then(|jobs| {
        let file = File::open(to).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        Ok(Backup { jobs, bytes: file.metadata().map_err(failed)?.len() })
    });
    if made.is_err() {
        // Half a copy is none.
        drop(fs::remove_file(to));
    }
    made
}

/// Refuses a database in which anything does not fit together.
pub(super) fn examine(database: &Connection) -> Result<(), StoreError> {
    let found: String = database.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(StoreError::damaged(found));
    }
    let loose = database.prepare("PRAGMA foreign_key_check")?.exists([])?
        || database
            .prepare("SELECT 1 FROM journal WHERE job NOT IN (SELECT id FROM jobs)")?
            .exists([])?;
    if loose {
        return Err(StoreError::damaged("a job or an entry has lost what it belongs to"));
    }
    Ok(())
}

fn write(path: &Path, to: &Path) -> Result<u64, StoreError> {
    let name = to.to_str().ok_or_else(|| {
        StoreError::fault(format_args!("`{}` is not a name for a copy", to.display()))
    })?;
    schema::reader(path)?
        .execute("VACUUM INTO ?1", [name])
        .map_err(|error| StoreError::from(error).about(to))?;
    let copied = schema::reader(to)?;
    examine(&copied)?;
    Ok(copied
        .query_row("SELECT count(*) FROM jobs", [], |row| row.get::<_, i64>(0))?
        .unsigned_abs())
}
