//! The store's contract, shown on real files.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod accept;
mod backup;
mod batch;
#[cfg(feature = "crash-points")]
mod crash;
mod cut;
mod damage;
mod durability;
mod effects;
mod formats;
mod history;
mod journal;
mod purge;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    Accepted, Append, Claim, Claimed, Effect, Intake, JobRow, NewJob, Standing, Store, StoreError,
    writable::Writable,
};
use crate::journal::{Choice, Entry, JobId, Kind, Outcome, Status, StepPath};

/// Letters without a pattern: they take as much room as they are long.
fn noise(length: usize) -> String {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    std::iter::repeat_with(|| char::from(b'a' + u8::try_from(random.below(26)).unwrap()))
        .take(length)
        .collect()
}

/// Numbers that follow from a seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % limit
    }
}

/// A store in a directory of its own.
fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

/// The moment so many seconds after the tests began.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(1_764_000_000_123_456_789 + i128::from(seconds) * 1_000_000_000)
        .unwrap()
}

fn new_job(key: &str) -> NewJob {
    NewJob {
        event_index: 0,
        dedupe_key: key.into(),
        order_key: Some(format!("order of {key}")),
        once_key: format!("once {key}"),
        label: format!("Label {key}"),
        search: format!("{key}@example.com"),
        attention: None,
        parent: None,
    }
}

fn intake(recipe: &str, jobs: Vec<NewJob>) -> Intake {
    Intake {
        recipe: recipe.into(),
        received_at: at(0),
        headers: vec![("content-type".into(), "application/json".into())],
        query: "a=1".into(),
        body: b"{\"payload\": true}".as_slice().into(),
        verdict: "events".into(),
        answered: 200,
        jobs,
    }
}

/// Accepts one job.
async fn job(store: &Store, recipe: &str, key: &str) -> JobId {
    match store.accept(intake(recipe, vec![new_job(key)])).await.unwrap().1[..] {
        [Accepted::New(id)] => id,
        ref other => panic!("{other:?}"),
    }
}

fn standing(status: Status) -> Standing {
    Standing {
        status,
        wake_at: (status == Status::Waiting).then(|| at(1000)),
        note: format!("it is {}", status.word()),
        started_at: Some(at(1)),
        finished_at: status.is_final().then(|| at(9)),
    }
}

fn entry(seq: u32, path: &str, kind: Kind) -> Entry {
    Entry { seq, path: StepPath(path.into()), at: at(seq.into()), kind }
}

fn started() -> Kind {
    Kind::Started { attempt: 1, input: Arc::new(json!({"name": "Zoë", "n": 1.5})), once: None }
}

fn finished(status: Status) -> Kind {
    Kind::Finished {
        outcome: Outcome {
            status,
            message: "done".into(),
            error: None,
            warnings: Vec::new(),
            output: None,
        },
    }
}

fn running(job: JobId, entries: Vec<Entry>) -> Append {
    Append {
        job,
        entries: entries.into(),
        standing: standing(Status::Running),
        claim: None,
        settle: None,
    }
}

/// Ends a job whose journal has so many entries.
async fn finish(store: &Store, job: JobId, entries: u32, status: Status) {
    let append = Append {
        standing: standing(status),
        ..running(job, vec![entry(entries + 1, "", finished(status))])
    };
    assert_eq!(store.append(append).await, Ok(Claimed::Mine));
}

fn effect(key: &str) -> Effect {
    Effect { connection: "goco".into(), action: "goco.create_employee".into(), key: key.into() }
}

fn claim(key: &str, path: &str) -> Claim {
    Claim { effect: effect(key), path: path.into(), take_over: false }
}

async fn row(store: &Store, job: JobId) -> JobRow {
    store.job(job).await.unwrap().unwrap()
}
