//! Ends of steps and jobs at odd moments: answers that are too large, holds in `finally`, time that runs out while several
//! calls are under way, jobs that cannot be built any more.

use std::time::Duration;

use engine::{Choice, Command, JobId, Kind, Settlement, Status, StepPath};
use serde_json::json;

use crate::{
    bench::Bench,
    vendor::{Reply, SETTLE, body},
};

const CREATE: &str =
    "steps:\n  - { id: employee, action: vendor.create, with: { name: \"{{ event.name }}\" } }\n";

async fn resolve(bench: &Bench, job: JobId, step: &str, settlement: Settlement) {
    let step = StepPath(step.into());
    bench.engine.command(job, "Grace", Command::Resolve { step, settlement }).await.unwrap();
}

#[tokio::test]
async fn a_read_that_is_answered_with_too_much_fails_and_says_so() {
    let name = "x".repeat(1024 * 1024);
    let bench = Bench::new(&CREATE.replace("vendor.create", "vendor.find")).await;
    bench.vendor.has("create", &name);
    let job = bench.job(&body(&name, "1", &[])).await;
    let row = bench.until(job, Status::Failed).await;
    assert!(row.standing.note.contains("more than 1 MiB"), "{}", row.standing.note);
}

#[tokio::test]
async fn a_write_that_is_answered_with_too_much_is_done_and_not_done_again() {
    for (action, looks_up) in [("vendor.create", true), ("vendor.send", false)] {
        let bench = Bench::new(&CREATE.replace("vendor.create", action)).await;
        let word = action.trim_start_matches("vendor.");
        let job = bench.job(&body(&"x".repeat(1024 * 1024), "1", &[])).await;
        if looks_up {
            bench.until(job, Status::Waiting).await;
            bench.pass(SETTLE);
        }
        let row = bench.until(job, Status::NeedsAttention).await;
        assert!(row.standing.note.contains("more than 1 MiB"), "{}", row.standing.note);
        // A plain retry calls nothing, and the same event of another job neither.
        let retry = Command::Retry { newest: false, force: false };
        bench.engine.command(job, "Grace", retry).await.unwrap();
        bench.until(job, Status::NeedsAttention).await;
        assert_eq!(bench.vendor.calls(word).len(), 1);
        resolve(&bench, job, "employee", Settlement::Happened(json!({ "id": "7" }).into())).await;
        bench.until(job, Status::Succeeded).await;
        assert_eq!(bench.vendor.calls(word).len(), 1);
    }
}

#[tokio::test]
async fn a_write_of_finally_is_held_like_any_other() {
    let steps = "settings: { writes: hold }\n".to_owned()
        + CREATE
        + "finally:\n  - { id: note, action: vendor.note, with: { name: \"{{ outcome.status }}\" } }\n";
    for (settlement, noted, status) in [
        (Settlement::NotHappened, 1, Status::Succeeded),
        (Settlement::Happened(json!({ "id": "n" }).into()), 0, Status::Succeeded),
        // A note that nobody wants is a `finally` that failed: a person looks.
        (Settlement::GiveUp, 0, Status::NeedsAttention),
    ] {
        let bench = Bench::new(&steps).await;
        let job = bench.job(&body("Ada", "1", &[])).await;
        bench.until(job, Status::NeedsAttention).await;
        resolve(&bench, job, "employee", Settlement::NotHappened).await;
        bench.until_called("create", 1).await;
        let held = tokio::time::timeout(Duration::from_secs(10), async {
            while !bench.story(job).await.contains(&"note:chose".to_owned()) {
                tokio::task::yield_now().await;
            }
        });
        held.await.unwrap();
        let row = bench.until(job, Status::NeedsAttention).await;
        assert!(row.standing.note.contains("is held"), "{}", row.standing.note);
        let input = bench.entries(job).await.iter().rev().find_map(|entry| match &entry.kind {
            Kind::Chose { choice: Choice::Held { input } } => Some(input.clone()),
            _ => None,
        });
        assert_eq!(input.unwrap()["name"], "succeeded");
        assert_eq!(bench.vendor.calls("note").len(), 0);
        let bench = bench.restart().await;
        resolve(&bench, job, "note", settlement).await;
        bench.until(job, status).await;
        assert_eq!(
            (bench.vendor.made("create").len(), bench.vendor.made("note").len()),
            (1, noted)
        );
    }
}

#[tokio::test]
async fn time_that_runs_out_lets_calls_under_way_end_and_finally_follows() {
    let bench = Bench::new(
        "settings: { timeout: 5m }\nsteps:\n  - id: documents\n    for_each: event.documents\n    as: document\n    \
         at_once: 2\n    steps:\n      - { id: upload, action: vendor.upload, with: { name: \"{{ document }}\" } }\n\
         finally:\n  - { id: note, action: vendor.note, with: { name: \"{{ outcome.status }}\" } }\n",
    )
    .await;
    for _ in 0..2 {
        bench.vendor.next("upload", Reply::Gate);
    }
    let job = bench.job(&body("Ada", "1", &["a", "b", "c"])).await;
    bench.until_called("upload", 2).await;
    bench.pass(Duration::from_mins(6));
    // One ends, the other is still under way: the job is not over.
    bench.vendor.open_gate(1);
    let ended = tokio::time::timeout(Duration::from_secs(10), async {
        while bench
            .story(job)
            .await
            .iter()
            .filter(|word| word.ends_with("upload:succeeded"))
            .count()
            < 1
        {
            tokio::task::yield_now().await;
        }
    });
    ended.await.unwrap();
    assert_eq!(bench.vendor.calls("note").len(), 0);
    bench.vendor.open_gate(1);
    let row = bench.until(job, Status::Failed).await;
    assert!(row.standing.note.contains("300 s"), "{}", row.standing.note);
    assert_eq!(bench.vendor.made("upload").len(), 2, "nothing new starts");
    assert_eq!(bench.vendor.made("note"), ["failed"]);
    let story = bench.story(job).await;
    assert_eq!(
        story.iter().filter(|word| word.ends_with("upload:succeeded")).count(),
        2,
        "{story:?}"
    );
}

#[tokio::test]
async fn a_job_that_cannot_be_built_any_more_can_be_cancelled() {
    let bench = Bench::off(CREATE).await;
    let job = bench.job(&body("Ada", "1", &[])).await;
    let next = bench.job(&body("Ada", "2", &[])).await;
    // Its journal holds what this recipe has no place for.
    let entry = engine::Entry {
        seq: 1,
        path: StepPath("elsewhere".into()),
        at: connector::Clock::now(&*bench.clock),
        kind: engine::Kind::Fired,
    };
    let standing = bench.row(job).await.standing;
    let append =
        engine::Append { job, entries: vec![entry].into(), standing, claim: None, settle: None };
    bench.engine.store().append(append).await.unwrap();
    let bench = bench.restart().await;
    bench.engine.switch("test", true).await.unwrap();
    let row = bench.until(job, Status::NeedsAttention).await;
    assert!(!row.standing.note.is_empty());
    let retry = Command::Retry { newest: false, force: false };
    let refused = bench.engine.command(job, "Grace", retry).await.unwrap_err();
    assert!(refused.to_string().contains("cannot be loaded"), "{refused}");
    bench.engine.command(job, "Grace", Command::Cancel).await.unwrap();
    bench.until(job, Status::Cancelled).await;
    // Who waited behind it goes on.
    bench.until(next, Status::Succeeded).await;
}

/// A time-out is no failure of a step: nobody catches it, what waits is dropped, and only `finally` follows.
#[tokio::test]
async fn time_that_runs_out_in_a_try_is_not_caught() {
    const STEPS: &str = "settings: { timeout: 1h }\nsteps:\n  - try:\n      - { id: rest, wait: 2h }\n    catch:\n      \
        - { id: caught, action: vendor.send, with: { name: caught } }\n  - { id: after, action: vendor.send, with: { name: after } }\n\
        finally:\n  - { id: note, action: vendor.note, with: { name: \"{{ outcome.status }}\" } }\n";
    let bench = Bench::new(STEPS).await;
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Waiting).await;
    bench.pass(Duration::from_mins(61));
    bench.until(job, Status::Failed).await;
    assert_eq!(bench.vendor.calls("send"), [""; 0]);
    assert_eq!(bench.vendor.made("note"), ["failed"]);
    let story = bench.story(job).await;
    assert!(!story.contains(&"rest:fired".to_owned()), "{story:?}");

    // Nor is a cancel, and nothing at all follows it.
    let bench = Bench::new(STEPS).await;
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Waiting).await;
    bench.engine.command(job, "Grace", Command::Cancel).await.unwrap();
    bench.until(job, Status::Cancelled).await;
    assert_eq!((bench.vendor.calls("send").len(), bench.vendor.calls("note").len()), (0, 0));
}
