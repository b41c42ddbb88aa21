//! Rounds side by side: their calls are under way together, and whatever dies, each write is made once.

use std::sync::Arc;

use connector::Failure;
use engine::{Append, Claim, Command, Effect, Entry, JobId, Kind, Standing, Status};
use serde_json::Value;

use crate::{
    bench::Bench,
    vendor::{Reply, body},
};

const UPLOADS: &str = r#"
steps:
  - id: documents
    for_each: event.documents
    as: document
    at_once: 3
    steps:
      - id: upload
        action: vendor.upload
        with: { name: "{{ document }}" }
"#;

#[tokio::test]
async fn calls_of_rounds_are_under_way_at_the_same_time() {
    let bench = Bench::new(UPLOADS).await;
    (0..3).for_each(|_| bench.vendor.next("upload", Reply::Gate));
    let job = bench.job(&body("Ada", "1", &["a", "b", "c", "d"])).await;
    bench.until_called("upload", 3).await;
    assert_eq!(bench.vendor.made("upload"), [""; 0], "none of the three has ended");
    bench.vendor.open_gate(3);
    bench.until(job, Status::Succeeded).await;
    let mut made = bench.vendor.made("upload");
    made.sort();
    assert_eq!(made, ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn a_job_of_one_write_waits_for_the_disk_twice() {
    let bench = Bench::new("steps:\n  - action: vendor.upload\n    with: { name: a }\n").await;
    let mut waits = Vec::new();
    for fact in ["1", "2", "3", "4", "5"] {
        let before = bench.engine.store().stats().waits;
        let job = bench.job(&body("Ada", fact, &[])).await;
        bench.until(job, Status::Succeeded).await;
        waits.push(bench.engine.store().stats().waits - before);
    }
    // Before the 200 and before the write. Upkeep, which begins with the engine, has waits of its own.
    assert_eq!(waits.iter().min(), Some(&2), "{waits:?}");
    assert_eq!(waits[4], 2, "{waits:?}");
}

#[tokio::test]
async fn a_cancel_lets_calls_in_flight_end_and_starts_no_other() {
    let bench = Bench::new(UPLOADS).await;
    (0..3).for_each(|_| bench.vendor.next("upload", Reply::Gate));
    let job = bench.job(&body("Ada", "1", &["a", "b", "c", "d"])).await;
    bench.until_called("upload", 3).await;
    bench.engine.command(job, "Eve", Command::Cancel).await.unwrap();
    bench.vendor.open_gate(3);
    bench.until(job, Status::Cancelled).await;
    assert_eq!(bench.vendor.calls("upload").len(), 3);
    let story = bench.story(job).await;
    let ended = story.iter().filter(|word| word.ends_with("upload:succeeded")).count();
    assert_eq!(ended, 3, "{story:?}");
}

#[tokio::test]
async fn the_same_write_of_two_rounds_is_made_once_and_the_other_takes_its_output() {
    let bench = Bench::new(UPLOADS).await;
    bench.vendor.next("upload", Reply::Gate);
    let job = bench.job(&body("Ada", "1", &["a", "a", "b"])).await;
    bench.until_called("upload", 2).await;
    bench.vendor.open_gate(1);
    bench.until(job, Status::Succeeded).await;
    let mut calls = bench.vendor.calls("upload");
    calls.sort();
    assert_eq!(calls, ["a", "b"]);
    assert!(bench.story(job).await.contains(&"documents[1].upload:recovered".into()));
}

#[tokio::test]
async fn a_round_that_waits_keeps_no_other_from_going_on() {
    let bench = Bench::new(UPLOADS).await;
    bench.vendor.next("upload", Reply::Fail(Failure::transient("busy", "later")));
    let job = bench.job(&body("Ada", "1", &["a", "b", "c", "d"])).await;
    bench.until(job, Status::Waiting).await;
    assert_eq!(bench.vendor.made("upload").len(), 3);
    bench.pass_wait(job).await;
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("upload").len(), 4);
}

#[tokio::test]
async fn wherever_the_process_dies_every_round_has_its_write_once() {
    let bench = Bench::new(UPLOADS).await;
    bench.vendor.next("upload", Reply::Fail(Failure::transient("busy", "later")));
    let event = body("Ada", "1", &["a", "b", "c", "d"]);
    let job = bench.job(&event).await;
    bench.through(job, Status::Succeeded).await;
    let entries = bench.entries(job).await;
    assert!(entries.len() > 12, "{:?}", bench.story(job).await);
    for cut in 1..entries.len() {
        for happened in [true, false] {
            let bench = Bench::off(UPLOADS).await;
            let again = bench.job(&event).await;
            assert_eq!(again, job);
            for at in 0..cut {
                keep(&bench, job, &entries[..=at], happened && at + 1 == cut).await;
            }
            // Another process finds what is on the disk.
            let bench = bench.restart().await;
            bench.engine.switch("test", true).await.unwrap();
            bench.through(job, Status::Succeeded).await;
            let mut made = bench.vendor.made("upload");
            made.sort();
            assert_eq!(
                made,
                ["a", "b", "c", "d"],
                "cut at {cut}, in flight it happened: {happened}"
            );
        }
    }
}

/// Writes the last of these entries as the dead process did, with what it did at the vendor. With `in_flight`, every
/// write that was begun and has no end has happened all the same.
async fn keep(bench: &Bench, job: JobId, entries: &[Entry], in_flight: bool) {
    let entry = entries.last().unwrap();
    let name = |input: &Value| input["name"].as_str().unwrap().to_string();
    let begun = |path| {
        entries.iter().rev().find_map(|one| match &one.kind {
            Kind::Started { input, once: Some(once), .. } if one.path == path => {
                Some((name(input), once.clone()))
            }
            _ => None,
        })
    };
    let effect = |key| Effect { connection: "vendor".into(), action: "vendor.upload".into(), key };
    let mut claim = None;
    let mut settle = None;
    match &entry.kind {
        Kind::Started { once: Some(once), .. } => {
            let path = entry.path.to_string();
            claim = Some(Claim { effect: effect(once.clone()), path, take_over: false });
        }
        Kind::Succeeded { output, .. } if entry.path.0.ends_with("upload") => {
            let (name, once) = begun(entry.path.clone()).unwrap();
            bench.vendor.has("upload", &name);
            settle = Some((effect(once), Some(Arc::clone(output))));
        }
        _ => {}
    }
    let standing = Standing {
        status: Status::Running,
        wake_at: None,
        note: String::new(),
        started_at: Some(entries[0].at),
        finished_at: None,
    };
    let append = Append { job, entries: vec![entry.clone()].into(), standing, claim, settle };
    bench.engine.store().append(append).await.unwrap();
    if in_flight {
        for one in entries {
            let Kind::Started { input, .. } = &one.kind else { continue };
            let ended = entries.iter().any(|other| {
                other.path == one.path
                    && other.seq > one.seq
                    && matches!(other.kind, Kind::Succeeded { .. } | Kind::Failed { .. })
            });
            if !ended {
                bench.vendor.has("upload", &name(input));
            }
        }
    }
}
