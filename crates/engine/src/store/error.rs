//! How the store fails: who can do what about it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::ErrorCode;

use crate::journal::JobId;

/// Why the store did not do what it was asked. Whatever the reason, nothing of the request was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process owns the data directory.
    #[error(
        "the data directory `{}` is in use by {}: stop that process, or use another directory",
        dir.display(),
        holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
    )]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// The process that has it, if it said so.
        holder: Option<u32>,
    },
    /// A newer program wrote it.
    #[error(
        "`{}` has format {found}, and this program knows formats up to {known}: use the program that wrote it, or a \
         newer one",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format this program knows.
        known: i64,
    },
    /// The disk or the file failed it: full, not writable, gone, damaged. Ask again; the store tries anew each time.
    #[error("the store is unavailable: {0}")]
    Unavailable(Arc<str>),
    /// What is stored cannot be read: by this program, or at all. Asking again will not help; a person must look.
    #[error("what is stored cannot be read: {0}")]
    Damaged(Arc<str>),
    /// Entries between the journal and these are missing: an append before this one failed. Send those first.
    #[error(
        "the journal of job {job} ends with entry {last}, and entry {found} does not follow it"
    )]
    Gap {
        /// The job.
        job: JobId,
        /// The last entry that is kept; 0 when there is none.
        last: u32,
        /// The first entry that was given.
        found: u32,
    },
    /// The engine asked for something that must not be: a fault of this program, to be reported.
    #[error("{0} (a fault of this program: please report it)")]
    Fault(Arc<str>),
}

impl StoreError {
    pub(super) fn unavailable(why: impl std::fmt::Display) -> Self {
        Self::Unavailable(why.to_string().into())
    }

    /// Says which file it is about.
    #[must_use]
    pub(super) fn about(self, path: &Path) -> Self {
        match self {
            Self::Unavailable(why) => {
                Self::unavailable(format_args!("`{}`: {why}", path.display()))
            }
            other => other,
        }
    }

    /// Whether the file is damaged where it was read or written; elsewhere it may be whole.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(self, Self::Unavailable(why) if why.contains(DAMAGE))
    }

    pub(super) fn damaged(why: impl std::fmt::Display) -> Self {
        Self::Damaged(why.to_string().into())
    }

    pub(super) fn fault(why: impl std::fmt::Display) -> Self {
        Self::Fault(why.to_string().into())
    }
}

impl From<rusqlite::Error> for StoreError {
    /// Tells the disk's failures, after which the database is opened anew, from ours, which spare the rest of a batch.
    fn from(error: rusqlite::Error) -> Self {
        // Text that is no text was not written by us: its page was written over.
        if matches!(
            error,
            rusqlite::Error::Utf8Error(..) | rusqlite::Error::FromSqlConversionFailure(..)
        ) {
            return Self::damaged(error);
        }
        match error.sqlite_error_code() {
            Some(
                ErrorCode::ConstraintViolation
                | ErrorCode::Unknown
                | ErrorCode::TypeMismatch
                | ErrorCode::TooBig
                | ErrorCode::ParameterOutOfRange
                | ErrorCode::ApiMisuse,
            )
            | None => Self::fault(format_args!("the store refused a statement: {error}")),
            Some(code) => Self::unavailable(words(code, &error)),
        }
    }
}

/// `SQLITE_IOERR_SHMSIZE`: the file that readers and the writer share could not be made larger.
const NO_ROOM_BESIDE: i32 = 4874;

/// What is said of a damaged file.
const DAMAGE: &str = "it is damaged";

/// Returns what to do about a failure of a file beside the database, to be put behind it.
pub(super) fn cure(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ": make room",
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            ": look at the owner and the rights of its folder, and whether its disk is mounted read-only"
        }
        _ => "",
    }
}

/// Returns what a failure of the disk or the file is, and what to do about it.
fn words(code: ErrorCode, error: &rusqlite::Error) -> String {
    match code {
        ErrorCode::DiskFull => {
            "the disk is full: make room, and what waits is stored by itself".into()
        }
        // The file beside it that readers and the writer share does not say whether there is no room.
        ErrorCode::SystemIoFailure if error.sqlite_extended_error_code() == Some(NO_ROOM_BESIDE) => {
            "the disk is full or fails: make room, and look at quotas and limits on the size of files".into()
        }
        ErrorCode::SystemIoFailure => format!(
            "the disk fails ({error}): look at the disk, and at quotas and limits on the size of files"
        ),
        ErrorCode::ReadOnly => {
            "it cannot be written: look at the owner and the rights of the file, and \
                                whether its disk is mounted read-only"
                .into()
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            format!(
                "{DAMAGE} ({error}): put a backup in its place with `recipe-runner restore FILE`"
            )
        }
        ErrorCode::CannotOpen | ErrorCode::PermissionDenied => format!(
            "it cannot be opened ({error}): look whether it is there, and at the owner and the rights of its folder"
        ),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            "another program holds it, such as a backup: it goes on once that program lets go"
                .into()
        }
        _ => error.to_string(),
    }
}
