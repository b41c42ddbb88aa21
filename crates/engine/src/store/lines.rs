//! How entries stand in a row of the journal: a line each, so that one append is one row.

use std::sync::Arc;

use super::{
    error::StoreError,
    rows::{moment, nanos},
};
use crate::journal::{Entry, StepPath};

/// Returns the line of an entry, without its end.
pub(super) fn line(entry: &Entry) -> Result<String, StoreError> {
    let mut line = Vec::with_capacity(256);
    write(&mut line, entry)?;
    String::from_utf8(line).map_err(StoreError::fault)
}

/// Returns the lines of entries that follow each other.
pub(super) fn lines(entries: &[Entry]) -> Result<String, StoreError> {
    let mut lines = Vec::with_capacity(entries.len() * 256);
    for (at, entry) in entries.iter().enumerate() {
        if at > 0 {
            lines.push(b'\n');
        }
        write(&mut lines, entry)?;
    }
    String::from_utf8(lines).map_err(StoreError::fault)
}

fn write(line: &mut Vec<u8>, entry: &Entry) -> Result<(), StoreError> {
    use std::io::Write as _;
    // The names in a path have neither tabs nor line ends, and JSON writes both in other letters.
    write!(line, "{}\t{}\t", entry.path, nanos(entry.at)).map_err(StoreError::fault)?;
    serde_json::to_writer(line, &entry.kind)
        .map_err(|error| StoreError::fault(format_args!("an entry cannot be written: {error}")))
}

/// Reads the lines of a row whose first entry has that number.
pub(super) fn entries(first: u32, body: &str) -> impl Iterator<Item = Result<Entry, String>> {
    // Paths repeat: each is kept once.
    let mut last: Option<Arc<str>> = None;
    body.split('\n').zip(first..).map(move |(line, seq)| {
        let mut parts = line.splitn(3, '\t');
        let (Some(path), Some(at), Some(kind)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(format!("entry {seq} has no path, moment and kind"));
        };
        let at = at.parse().map_err(|_| format!("the moment of entry {seq} is no number"))?;
        let kind = serde_json::from_str(kind)
            .map_err(|error| format!("entry {seq} is damaged: {error}"))?;
        let path = match &last {
            Some(last) if **last == *path => last.clone(),
            _ => last.insert(path.into()).clone(),
        };
        Ok(Entry { seq, path: StepPath(path), at: moment(at), kind })
    })
}

/// Shows the path and the JSON of each line of a row; a damaged line is passed over.
pub(super) fn told(body: &str) -> impl Iterator<Item = (&str, &str)> {
    body.split('\n').filter_map(|line| {
        let (path, rest) = line.split_once('\t')?;
        Some((path, rest.split_once('\t')?.1))
    })
}
