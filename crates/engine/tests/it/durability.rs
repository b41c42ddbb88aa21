//! What must be true when the process dies, the store fails, or time jumps.

use std::sync::Arc;

use connector::Failure;
use engine::{Machine, Status};

use crate::{
    bench::{Bench, word},
    vendor::{Reply, body},
};

const LETTERS: &str = r#"
steps:
  - id: employee
    action: vendor.create
    with: { name: "{{ event.name }}" }
  - for_each: event.documents
    as: document
    steps:
      - id: upload
        action: vendor.note
        with: { name: "{{ document }}" }
"#;

#[tokio::test]
async fn a_waiting_job_goes_on_after_a_restart_when_its_moment_comes() {
    let bench = Bench::new(LETTERS).await;
    bench.vendor.next("create", Reply::Fail(Failure::transient("busy", "later")));
    let job = bench.job(&body("Ada", "1", &["a", "b"])).await;
    bench.until(job, Status::Waiting).await;
    let bench = bench.restart().await;
    assert_eq!(bench.row(job).await.standing.status, Status::Waiting);
    bench.pass_wait(job).await;
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("note"), ["a", "b"]);
}

#[tokio::test]
async fn what_was_held_exclusively_is_held_after_a_restart() {
    let bench = Bench::new(LETTERS).await;
    bench.vendor.next("create", Reply::Fail(Failure::transient("busy", "later")));
    let first = bench.job(&body("Ada Byron", "1", &[])).await;
    bench.until(first, Status::Waiting).await;
    let bench = bench.restart().await;
    // Another order key, the same name.
    let second = bench.job(&body("ADA BYRON", "2", &[])).await;
    while bench.engine.job(second).await.unwrap().unwrap().blocked_by != Some(first) {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.vendor.made("create"), [""; 0]);
    bench.pass_wait(first).await;
    bench.until(second, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("create"), ["Ada Byron", "ADA BYRON"]);
}

#[tokio::test]
async fn old_jobs_leave_the_history_and_their_events_stay_known() {
    let bench = Bench::new(LETTERS).await;
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Succeeded).await;
    bench.pass(std::time::Duration::from_hours(24 * 400));
    while bench.engine.store().job(job).await.unwrap().is_some() {
        tokio::task::yield_now().await;
    }
    let again = bench.deliver(&body("Ada", "1", &[])).await;
    assert_eq!((again.status, again.jobs), (200, vec![job]));
    assert_eq!(bench.vendor.made("create"), ["Ada"]);
}

#[tokio::test]
async fn a_stop_lets_the_call_in_flight_end_and_nothing_new_start() {
    let bench = Bench::new(LETTERS).await;
    let job = bench.job(&body("Ada", "1", &["a", "b", "c"])).await;
    // The stop comes while the job is under way, wherever it is.
    let bench = bench.restart().await;
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("create"), ["Ada"]);
    assert_eq!(bench.vendor.made("note"), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_status_is_the_fold_of_its_journal() {
    let bench = Bench::new(LETTERS).await;
    bench.vendor.next("create", Reply::Fail(Failure::permanent("no", "no")));
    bench.vendor.next("create", Reply::Fail(Failure::transient("busy", "later")));
    let mut jobs = Vec::new();
    for (fact, status) in [("1", Status::Failed), ("2", Status::Waiting), ("3", Status::Succeeded)]
    {
        let job = bench.job(&body(&format!("P{fact}"), fact, &["a"])).await;
        jobs.push((job, bench.until(job, status).await.standing));
    }
    for (job, stored) in jobs {
        let view = bench.engine.job(job).await.unwrap().unwrap();
        let mut machine = replay(&bench, &view);
        for entry in &view.entries {
            machine.apply(entry).unwrap();
        }
        assert_eq!(machine.standing(), stored);
    }
}

#[tokio::test]
async fn every_prefix_of_a_journal_is_a_place_to_go_on_from() {
    let bench = Bench::new(LETTERS).await;
    bench.vendor.next("note", Reply::Fail(Failure::transient("busy", "later")));
    let job = bench.job(&body("Ada", "1", &["a", "b"])).await;
    bench.pass_wait(job).await;
    bench.until(job, Status::Succeeded).await;
    let view = bench.engine.job(job).await.unwrap().unwrap();
    let words: Vec<_> = view.entries.iter().map(word).collect();
    assert!(words.len() > 10, "{words:?}");
    for cut in 1..view.entries.len() {
        let mut machine = replay(&bench, &view);
        for entry in &view.entries[..cut] {
            machine.apply(entry).unwrap();
        }
        // What the machine makes by itself is exactly what the journal has next.
        machine.decide();
        let made = machine.take_made();
        for (made, stored) in made.iter().zip(&view.entries[cut..]) {
            assert_eq!(
                (&made.path, &made.kind),
                (&stored.path, &stored.kind),
                "cut at {cut} of {words:?}"
            );
        }
        for entry in &view.entries[cut + made.len()..] {
            machine.apply(entry).unwrap();
        }
        assert_eq!(machine.outcome().unwrap().status, Status::Succeeded);
    }
}

fn replay(bench: &Bench, view: &engine::JobView) -> Machine {
    let recipe = view.recipe.clone().unwrap();
    let facts = engine::JobFacts {
        id: view.row.id,
        url: format!("http://127.0.0.1/jobs/{}", view.row.id),
        label: view.row.label.clone(),
        seed: 0,
    };
    let name = view.row.label.clone();
    let documents: Vec<&str> = if name == "Ada" { vec!["a", "b"] } else { vec!["a"] };
    let event = body(&name, &view.row.once_key, &documents);
    let project = bench.engine.deployment().project.clone();
    let properties = project.runner.property_values();
    Machine::new(recipe, project.tables.clone(), properties.into(), Arc::new(event.into()), facts)
}
