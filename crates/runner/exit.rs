//! How the program ends: the exit codes, and the one form of every error a command stops with.

use std::{fmt, io, path::Path, process::ExitCode};

use crate::code::Code;

/// The exit codes; stable, and listed in `recipe-runner --help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for is done, and nothing is wrong.
    Good = 0,
    /// The command did its work and found something wrong: a diagnostic, a failed case, a job that needs attention.
    Found = 1,
    /// The command line does not say what to do: an unknown option, recipe or job.
    Usage = 2,
    /// The command could not do its work: a file, a lock, a missing secret, no service.
    Cannot = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What `--help` says about exit codes.
pub const HELP: &str = "\
Exit codes:
  0  done, nothing wrong
  1  done, and something is wrong (a diagnostic, a failed case, a job that needs attention)
  2  the command line is wrong
  3  it could not be done (files, lock, missing secret, no service)";

/// Why a command stopped: what happened, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The exit code.
    pub exit: Exit,
    /// The word for programs.
    pub code: Code,
    /// What happened, in lower case, without a full stop; may have several lines.
    pub message: String,
    /// What to do, one line each.
    pub cures: Vec<String>,
}

impl Trouble {
    /// Returns a trouble that programs can tell from others.
    pub fn of(code: Code, message: impl Into<String>) -> Self {
        Self { exit: code.exit(), code, message: message.into(), cures: Vec::new() }
    }

    /// Returns the trouble of a command line that asks for what is not there.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::of(Code::NotFound, message)
    }

    /// Returns the trouble of something that could not be done.
    pub fn cannot(message: impl Into<String>) -> Self {
        Self::of(Code::Cannot, message)
    }

    /// Returns the trouble of something found to be wrong.
    pub fn found(message: impl Into<String>) -> Self {
        Self::of(Code::FoundWrong, message)
    }

    /// Returns the trouble of a file that cannot be read or written.
    pub fn file(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::cannot(format!("cannot {doing} `{}`: {}", path.display(), reason(error)))
    }

    /// Says what to do about it.
    #[must_use]
    pub fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cures.push(cure.into());
        self
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Trouble {}

/// Returns the words for an I/O error that people know.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::AlreadyExists => "it exists already".into(),
        io::ErrorKind::StorageFull => "the disk is full".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_documented_ones() {
        let codes = [Exit::Good, Exit::Found, Exit::Usage, Exit::Cannot];
        let documented: Vec<u8> =
            HELP.lines().filter_map(|line| line.trim().split(' ').next()?.parse().ok()).collect();
        assert_eq!(codes.map(|code| code as u8).to_vec(), documented);
    }

    #[test]
    fn a_file_error_names_the_file_and_the_reason() {
        let trouble = Trouble::file("read", Path::new("a/b.yaml"), &io::ErrorKind::NotFound.into());
        assert_eq!(trouble.message, "cannot read `a/b.yaml`: it does not exist");
        assert_eq!(trouble.exit, Exit::Cannot);
    }
}
