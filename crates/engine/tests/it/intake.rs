//! From a delivery to jobs: what is refused, what is kept, what is the same event again.

use connector::Failure;
use engine::{Command, JobQuery, Status};

use crate::{
    bench::{Bench, deployment},
    vendor::{Reply, body},
};

const CREATE: &str = r#"
steps:
  - id: employee
    action: vendor.create
    with: { name: "{{ event.name }}" }
"#;

#[tokio::test]
async fn an_event_becomes_a_job_that_runs_to_its_end() {
    let bench = Bench::new(CREATE).await;
    let job = bench.job(&body("Ada", "1", &[])).await;
    let row = bench.until(job, Status::Succeeded).await;
    assert_eq!((row.label.as_str(), row.standing.note.as_str()), ("Ada", "All steps are done."));
    assert_eq!(bench.vendor.made("create"), ["Ada"]);
    assert_eq!(
        bench.story(job).await,
        ["opened", "employee:started", "employee:succeeded", "finished"]
    );
}

#[tokio::test]
async fn a_delivery_without_a_proof_is_refused_and_makes_nothing() {
    let bench = Bench::new(CREATE).await;
    let answer = bench.deliver_bytes(body("Ada", "1", &[]).to_string().as_bytes(), "bad").await;
    assert_eq!((answer.status, answer.jobs), (401, Vec::new()));
    assert_eq!(bench.engine.jobs(JobQuery { limit: 9, ..JobQuery::default() }).await.unwrap(), []);
    let status = bench.engine.recipes().await.unwrap().remove(0);
    assert_eq!(status.last_refusal.unwrap().1, "no proof");
}

#[tokio::test]
async fn a_ping_is_answered_and_remembered() {
    let bench = Bench::new(CREATE).await;
    assert_eq!(bench.deliver_bytes(b"ping", "good").await.status, 200);
    assert!(bench.engine.recipes().await.unwrap()[0].last_ping_at.is_some());
    assert_eq!(bench.engine.jobs(JobQuery { limit: 9, ..JobQuery::default() }).await.unwrap(), []);
}

#[tokio::test]
async fn the_same_event_again_is_the_same_job_and_another_fact_is_another() {
    let bench = Bench::new(CREATE).await;
    let first = bench.job(&body("Ada", "1", &[])).await;
    bench.until(first, Status::Succeeded).await;
    assert_eq!(bench.job(&body("Ada", "1", &[])).await, first);
    assert_eq!(bench.row(first).await.repeats, 1);
    let second = bench.job(&body("Ada", "2", &[])).await;
    assert_ne!(second, first);
    bench.until(second, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("create"), ["Ada", "Ada"]);
}

#[tokio::test]
async fn a_repeat_of_a_failed_event_has_its_job_go_on() {
    let bench = Bench::new(CREATE).await;
    bench.vendor.next("create", Reply::Fail(Failure::permanent("no", "not today")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Failed).await;
    assert_eq!(bench.job(&body("Ada", "1", &[])).await, job);
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("create"), ["Ada"]);
}

#[tokio::test]
async fn a_genuine_delivery_that_cannot_be_read_waits_for_a_person() {
    let bench = Bench::new(CREATE).await;
    let answer = bench.deliver_bytes(b"<html>", "good").await;
    assert_eq!(answer.status, 200);
    let row = bench.until(answer.jobs[0], Status::NeedsAttention).await;
    assert!(
        row.standing.note.contains("cannot be read: the body is no event"),
        "{}",
        row.standing.note
    );
    // Nobody is bound to it for ever.
    let job = answer.jobs[0];
    bench.engine.command(job, "Grace", Command::Cancel).await.unwrap();
    let row = bench.until(job, Status::Cancelled).await;
    assert_eq!(row.standing.note, "Cancelled by Grace.");
    let bench = bench.restart().await;
    assert_eq!(bench.row(job).await.standing.status, Status::Cancelled);
}

#[tokio::test]
async fn a_recipe_that_is_off_holds_its_events_and_loses_none() {
    let bench = Bench::off(CREATE).await;
    let jobs = [bench.job(&body("Ada", "1", &[])).await, bench.job(&body("Bob", "2", &[])).await];
    let bench = bench.restart().await;
    assert_eq!(bench.row(jobs[0]).await.standing.status, Status::Queued);
    assert_eq!(bench.vendor.calls("create"), [""; 0]);
    bench.engine.switch("test", true).await.unwrap();
    for job in jobs {
        bench.until(job, Status::Succeeded).await;
    }
    assert_eq!(bench.vendor.made("create").len(), 2);
}

#[tokio::test]
async fn an_unknown_recipe_is_not_found() {
    let bench = Bench::new(CREATE).await;
    let delivery = connector::Delivery {
        headers: Vec::new(),
        query: String::new(),
        body: b"{}".as_slice().into(),
        received_at: connector::Clock::now(&*bench.clock),
    };
    assert_eq!(bench.engine.deliver("other", delivery).await.status, 404);
}

#[tokio::test]
async fn a_job_made_by_hand_does_not_do_again_what_is_done() {
    let bench = Bench::new(CREATE).await;
    let event = body("Ada", "1", &[]);
    let job = bench.job(&event).await;
    bench.until(job, Status::Succeeded).await;
    let again = bench.engine.submit("test", event.to_string().into_bytes()).await.unwrap();
    assert_ne!(again, job);
    bench.until(again, Status::Succeeded).await;
    assert_eq!(bench.vendor.calls("create"), ["Ada"]);
    assert_eq!(bench.story(again).await[2], "employee:recovered");
}

#[tokio::test]
async fn when_unfinished_jobs_take_all_the_room_the_sender_is_asked_to_try_again() {
    let bench = Bench::off(CREATE).await;
    let mut small = deployment(&bench.vendor, CREATE);
    let mut project = (*small.project).clone();
    project.runner.keep_megabytes = 0;
    small.project = project.into();
    bench.engine.deploy(small).await.unwrap();
    bench.job(&body("Ada", "1", &[])).await;
    let answer = bench.deliver(&body("Bob", "2", &[])).await;
    assert_eq!((answer.status, answer.retry_after, answer.jobs), (503, Some(30), Vec::new()));
    assert_eq!(bench.deliver_bytes(b"ping", "good").await.status, 200);
    bench.engine.deploy(deployment(&bench.vendor, CREATE)).await.unwrap();
    bench.job(&body("Bob", "2", &[])).await;
}

/// What is genuine is not lost because an expression of the trigger cannot deal with it.
#[tokio::test]
async fn an_event_whose_key_cannot_be_worked_out_waits_for_a_person() {
    for key in [
        "key: event.name | int | text",
        "dedupe: event.name | int | text",
        "when: (event.name | int) > 0",
    ] {
        let recipe = format!(
            "title: A test\ntrigger: {{ on: vendor.happened, {key} }}\nsteps:\n  \
             - {{ id: note, action: vendor.note, with: {{ name: x }} }}\n"
        );
        let bench = Bench::with(&[("test", &recipe)]).await;
        let answer = bench.deliver(&body("Ada", "1", &[])).await;
        assert_eq!((answer.status, answer.jobs.len()), (200, 1), "{key}: {answer:?}");
        let row = bench.until(answer.jobs[0], Status::NeedsAttention).await;
        assert!(row.standing.note.contains("Ada"), "{key}: {}", row.standing.note);
        let good = bench.deliver(&body("7", "2", &[])).await;
        bench.until(good.jobs[0], Status::Succeeded).await;
    }
}
