//! The history keeps to its budget while deliveries come: they wait a moment at most, and the log stays small.

use std::{
    fmt::Write as _,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use engine::{
    Accepted, Append, Entry, Intake, JobQuery, Keep, Kind, NewJob, Outcome, Standing, Status,
    StepPath, Store,
};
use jiff::Timestamp;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

/// How many finished jobs come at once, and how large each is: a hire with all that its steps gave.
const JOBS: usize = 600;
const BYTES: usize = 30_000;
/// What a purge leaves of them.
const LEFT: u64 = 4 << 20;
/// No more than one delivery of a hundred waits longer because of a purge.
const WAIT: Duration = Duration::from_millis(50);
/// The log never takes more, whoever reads: twice what is written back at once, and what comes meanwhile.
const LARGEST_LOG: u64 = 64 << 20;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_764_000_000 + seconds).unwrap()
}

fn delivery(key: &str) -> Intake {
    Intake {
        recipe: "hires".into(),
        received_at: at(0),
        headers: Vec::new(),
        query: String::new(),
        body: noise(key.len() as u64 + 7, 3000).into_bytes().into(),
        verdict: "events".into(),
        answered: 200,
        jobs: vec![NewJob {
            event_index: 0,
            dedupe_key: key.into(),
            order_key: None,
            once_key: key.into(),
            label: format!("Person {key}"),
            search: format!("{key}@example.com"),
            attention: None,
            parent: None,
        }],
    }
}

/// Makes a job that is over and takes some room.
async fn finish_one(store: Store, number: usize) {
    let accepted = store.accept(delivery(&format!("old {number}"))).await.unwrap().1;
    let [Accepted::New(job)] = accepted[..] else { panic!("{accepted:?}") };
    let outcome = Outcome {
        status: Status::Succeeded,
        message: "done".into(),
        error: None,
        warnings: Vec::new(),
        output: None,
    };
    let output = Arc::new(json!(noise(number as u64, BYTES)));
    let kinds = [
        Kind::Succeeded { output, recovered: false, warnings: Vec::new() },
        Kind::Finished { outcome },
    ];
    let entries = (1..).zip(kinds).map(|(seq, kind)| Entry {
        seq,
        path: StepPath("step".into()),
        at: at(1),
        kind,
    });
    let standing = Standing {
        status: Status::Succeeded,
        wake_at: None,
        note: "done".into(),
        started_at: Some(at(1)),
        finished_at: Some(at(1)),
    };
    let append = Append { job, entries: entries.collect(), standing, claim: None, settle: None };
    store.append(append).await.unwrap();
}

/// Makes the jobs of a round, many at once.
async fn finish_many(store: &Store, round: usize) {
    let mut all = JoinSet::new();
    for number in 0..JOBS {
        all.spawn(finish_one(store.clone(), round * JOBS + number));
    }
    all.join_all().await;
}

fn log_bytes(dir: &TempDir) -> u64 {
    fs::metadata(dir.path().join("store.db-wal")).map_or(0, |log| log.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_delays_no_delivery_by_more_than_a_moment_and_gives_the_space_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let mut missed = Vec::new();
    // A machine that is busy with something else may spoil a round, but not each of five.
    for round in 0..5 {
        finish_many(&store, round).await;
        // As many with nothing else going on, for what the machine itself takes just now.
        let (_, alone) = wait_times(&store, &format!("alone {round}"), |done| done == 100).await;
        let before = store.size().await.unwrap();
        let purge = tokio::spawn({
            let store = store.clone();
            async move { store.purge(Keep { bytes: Some(LEFT), ..Keep::default() }).await.unwrap() }
        });
        let (p50, p99) =
            wait_times(&store, &format!("beside {round}"), |_| purge.is_finished()).await;
        let purged = purge.await.unwrap();
        let after = store.size().await.unwrap();
        assert!(purged.jobs > 100 && after.finished <= LEFT, "{purged:?} {after:?}");
        assert!(after.file - log_bytes(&dir) < before.file / 2, "{before:?} {after:?}");
        let line = format!("waited {p50:?} (p50), {p99:?} (p99); alone {alone:?} (p99)");
        if p99 <= alone + WAIT {
            told(&line);
            return;
        }
        missed.push(line);
    }
    panic!("{missed:#?}");
}

/// Delivers one after the other until it is over, at least twenty; returns how long half and all but a hundredth of them
/// waited at most.
#[expect(clippy::disallowed_methods, reason = "it measures")]
async fn wait_times(
    store: &Store,
    name: &str,
    over: impl Fn(usize) -> bool,
) -> (Duration, Duration) {
    let mut waits = Vec::new();
    while waits.len() < 20 || !over(waits.len()) {
        let begun = Instant::now();
        store.accept(delivery(&format!("{name} {}", waits.len()))).await.unwrap();
        waits.push(begun.elapsed());
    }
    waits.sort();
    (waits[waits.len() / 2], waits[waits.len() * 99 / 100])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_stays_small_though_somebody_always_reads() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (store, over) = (store.clone(), over.clone());
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    store.jobs(JobQuery { limit: 500, ..JobQuery::default() }).await.unwrap();
                }
            })
        })
        .collect();
    let mut largest = 0;
    for round in 0..5 {
        finish_many(&store, round).await;
        largest = largest.max(log_bytes(&dir));
    }
    over.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(store.size().await.unwrap().finished > LARGEST_LOG, "too little was written");
    assert!(largest <= LARGEST_LOG, "{largest}");
}

#[expect(clippy::print_stdout, reason = "the measurement is the test's report")]
fn told(line: &str) {
    println!("{line}");
}

/// Returns hexadecimal digits that do not compress to less than half.
fn noise(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut text = String::with_capacity(length + 16);
    while text.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        write!(text, "{state:016x}").unwrap();
    }
    text
}
