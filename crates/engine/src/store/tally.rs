//! How the steps of some jobs went, read without reading what they were given and gave.

use rusqlite::Connection;

use super::{Store, error::StoreError};
use crate::journal::{JobId, Kind, StepPath};

/// How much of an entry tells what it is: `kind` comes first, then the choice.
const TELLING: usize = 60;

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
    /// their order.
    pub(crate) async fn marks(
        &self,
        jobs: Vec<JobId>,
    ) -> Result<Vec<(JobId, StepPath, Went)>, StoreError> {
        self.read(move |db| {
            let mut marks = Vec::new();
            for job in jobs {
                of(db, job, &mut marks)?;
            }
            Ok(marks)
        })
        .await
    }
}

fn of(
    database: &Connection,
    job: JobId,
    marks: &mut Vec<(JobId, StepPath, Went)>,
) -> Result<(), StoreError> {
    // Of a failure all is read: whether it is tried again comes after the failure itself.
    let mut select = database.prepare_cached(
        "SELECT path, CASE WHEN body LIKE '{\"kind\":\"failed\"%' THEN body ELSE substr(body, 1, ?2) END
         FROM entries WHERE job = ?1 AND path <> '' ORDER BY seq",
    )?;
    let telling = i64::try_from(TELLING).unwrap_or(i64::MAX);
    let mut rows = select.query((job, telling))?;
    while let Some(row) = rows.next()? {
        let body = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        if let Some(mark) = mark(body) {
            let path = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            marks.push((job, StepPath(path.into()), mark));
        }
    }
    Ok(())
}

/// Returns what the beginning of an entry says; `None` when it says nothing of how the step went.
fn mark(body: &str) -> Option<Went> {
    let rest = body.strip_prefix("{\"kind\":\"")?;
    let (kind, more) = rest.split_once('"')?;
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
            let told = if matches!(kind, Kind::Failed { .. }) {
                body.clone()
            } else {
                body.chars().take(TELLING).collect()
            };
            assert_eq!(mark(&told), Some(expected), "{body}");
        }
    }
}
