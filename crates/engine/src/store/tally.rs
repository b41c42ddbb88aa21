//! How the steps of some jobs went, read without reading what they were given and gave.

use rusqlite::Connection;

use super::{Store, error::StoreError, lines, reads};
use crate::journal::{JobId, Kind, StepPath};

/// How much of an entry tells what it is: `kind` comes first, then the choice.
const TELLING: usize = 60;
/// After so many bytes of journals no further job is read: somebody waits for the page.
const MOST_BYTES: usize = 16 << 20;

/// What an entry says of how a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Went {
    /// It began, or goes on.
    Open,
    /// It ended well, or decided something.
    Passed,
    /// It failed, and is not tried again by itself.
    Failed,
    /// It was left out.
    LeftOut,
}

impl Store {
    /// Returns what the entries of these jobs say of their steps: the job, the step's path, and how it went; a job's in
    /// their order. Of very large jobs the last are left out.
    pub(crate) async fn marks(
        &self,
        jobs: Vec<JobId>,
    ) -> Result<Vec<(JobId, StepPath, Went)>, StoreError> {
        self.read(move |db| {
            let (mut marks, mut read) = (Vec::new(), 0);
            for job in jobs {
                if read > MOST_BYTES {
                    break;
                }
                read += of(db, job, &mut marks)?;
            }
            Ok(marks)
        })
        .await
    }
}

/// Adds what a job's journal says, and returns how many bytes were read.
fn of(
    database: &Connection,
    job: JobId,
    marks: &mut Vec<(JobId, StepPath, Went)>,
) -> Result<usize, StoreError> {
    let mut read = 0;
    reads::for_rows(database, job, "ORDER BY id", |_, body| {
        read += body.len();
        for (path, kind) in lines::told(body).filter(|(path, _)| !path.is_empty()) {
            if let Some(mark) = mark(kind) {
                marks.push((job, StepPath(path.into()), mark));
            }
        }
        Ok(())
    })?;
    Ok(read)
}

/// Returns what the beginning of an entry says; `None` when it says nothing of how the step went.
fn mark(body: &str) -> Option<Went> {
    let rest = body.strip_prefix("{\"kind\":\"")?;
    let (kind, more) = rest.split_once('"')?;
    // What comes later is what the step was given or gave.
    let more = &more[..more.floor_char_boundary(TELLING)];
    match kind {
        "failed" => match serde_json::from_str(body).ok()? {
            Kind::Failed { retry_at: Some(_), .. } => Some(Went::Open),
            _ => Some(Went::Failed),
        },
        "resolved" if more.contains("\"happened\"") => Some(Went::Passed),
        "started" | "fired" | "child" | "resolved" => Some(Went::Open),
        "chose" if more.contains("\"left_out\"") => Some(Went::LeftOut),
        "chose" if ["\"until\"", "\"asked\"", "\"held\""].iter().any(|one| more.contains(one)) => {
            Some(Went::Open)
        }
        // Of a choice: a branch, a loop's items, a stop.
        "succeeded" | "signalled" | "chose" => Some(Went::Passed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::sync::Arc;

    use connector::Failure;
    use jiff::Timestamp;
    use serde_json::Value;

    use super::*;
    use crate::journal::{Choice, Status, Verdict};

    #[test]
    fn the_beginning_of_an_entry_tells_how_its_step_went() {
        let long: Arc<Value> = Arc::new("x".repeat(500).into());
        let chose = |choice| Kind::Chose { choice };
        let failed = |retry_at| Kind::Failed {
            failure: Failure::permanent("no", "x".repeat(500)),
            retry_at,
            looking_up: false,
        };
        let resolved = |verdict| Kind::Resolved { by: "Ann".into(), verdict };
        let stop = Choice::Stop { status: Status::Skipped, reason: None, hint: None };
        let table = [
            (Kind::Started { attempt: 1, input: long.clone(), once: None }, Went::Open),
            (
                Kind::Succeeded { output: long.clone(), recovered: false, warnings: Vec::new() },
                Went::Passed,
            ),
            (failed(None), Went::Failed),
            (failed(Some(Timestamp::UNIX_EPOCH)), Went::Open),
            (Kind::Fired, Went::Open),
            (Kind::Child { job: JobId(7) }, Went::Open),
            (Kind::Signalled { by: "Ann".into(), answer: long.clone() }, Went::Passed),
            (resolved(Verdict::Happened { output: long.clone() }), Went::Passed),
            (resolved(Verdict::NotHappened { retry_at: None }), Went::Open),
            (chose(Choice::LeftOut), Went::LeftOut),
            (chose(Choice::Then), Went::Passed),
            (chose(Choice::Items(Arc::new(vec![long.clone()]))), Went::Passed),
            (chose(Choice::Held { input: long }), Went::Open),
            (chose(stop), Went::Passed),
        ];
        for (kind, expected) in table {
            let body = serde_json::to_string(&kind).unwrap();
            assert_eq!(mark(&body), Some(expected), "{body}");
        }
    }
}
