//! A write whose claim is on disk and that waits for a slot: it is not sent once nobody wants it any more.

use std::time::Duration;

use engine::{Command, Effect, JobId, Kind, Status};

use crate::{
    bench::Bench,
    vendor::{Reply, body},
};

const ONE_AT_A_TIME: &str = r#"
settings: { concurrency: 1 }
steps:
  - id: employee
    action: vendor.create
    with: { name: "{{ event.name }}" }
"#;

/// Returns a bench on which one job's call holds the only slot, and another job, which is returned, has its claim on disk
/// and waits for it. Who waits for the disk has given its slot back, so that usually both claims get there; where the
/// first was quicker, it is tried with the next.
async fn one_calls_and_one_waits() -> (Bench, JobId) {
    let bench = Bench::new(ONE_AT_A_TIME).await;
    for pair in 0..50 {
        let calls = bench.vendor.calls("create").len();
        bench.vendor.next("create", Reply::Gate);
        let mut jobs = Vec::new();
        for number in 2 * pair..2 * pair + 2 {
            let event = body(&format!("P{number}"), &number.to_string(), &[]);
            jobs.push(bench.job(&event).await);
        }
        bench.until_called("create", calls + 1).await;
        let called = bench.vendor.calls("create").pop().unwrap();
        let first = bench.row(jobs[0]).await.label == called;
        let other = jobs[usize::from(first)];
        let claimed = async {
            while !bench.story(other).await.contains(&"employee:started".to_owned()) {
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(Duration::from_millis(200), claimed).await.is_ok() {
            return (bench, other);
        }
        bench.vendor.open_gate(1);
        for job in jobs {
            bench.until(job, Status::Succeeded).await;
        }
    }
    panic!("no claim ever waited for a slot")
}

async fn is_claimed(bench: &Bench, job: &engine::JobRow) -> bool {
    let (connection, action) = ("vendor".to_owned(), "vendor.create".to_owned());
    let effect = Effect { connection, action, key: job.once_key.clone() };
    bench.engine.store().find_effect(effect).await.unwrap().is_some()
}

#[tokio::test]
async fn a_cancelled_job_that_waits_for_a_slot_sends_nothing_and_lets_go_of_its_claim() {
    let (bench, job) = one_calls_and_one_waits().await;
    let calls = bench.vendor.calls("create").len();
    let row = bench.row(job).await;
    assert!(is_claimed(&bench, &row).await, "it is claimed");
    // Nobody has to wait for the other job's call.
    bench.engine.command(job, "Grace", Command::Cancel).await.unwrap();
    bench.until(job, Status::Cancelled).await;
    let story = bench.story(job).await;
    assert_eq!(
        story,
        ["opened", "employee:started", "cancel", "employee:failed", "finished"],
        "{story:?}"
    );
    assert!(!is_claimed(&bench, &row).await, "it is let go of");
    // Who does the same later need not look whether it happened; the slot is still good for one.
    let again = bench.engine.submit_again(job).await.unwrap();
    bench.vendor.open_gate(1);
    bench.until(again, Status::Succeeded).await;
    assert_eq!(bench.vendor.calls("create").len(), calls + 1);
    assert_eq!(bench.vendor.calls("look_up"), [""; 0]);
}

#[tokio::test]
async fn a_recipe_or_service_that_is_stopped_sends_nothing_that_waits_for_a_slot_until_it_goes_on()
{
    let (bench, job) = one_calls_and_one_waits().await;
    let calls = bench.vendor.calls("create").len();
    bench.engine.switch("test", false).await.unwrap();
    bench.vendor.open_gate(1);
    while bench.story(job).await.len() < 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.vendor.calls("create").len(), calls);
    bench.engine.switch("test", true).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    not_an_attempt(&bench, job).await;

    let (bench, job) = one_calls_and_one_waits().await;
    let calls = bench.vendor.calls("create").len();
    let open = async { bench.vendor.open_gate(1) };
    tokio::join!(bench.engine.stop(), open);
    assert_eq!(bench.vendor.calls("create").len(), calls);
    let bench = bench.restart().await;
    bench.until(job, Status::Succeeded).await;
    not_an_attempt(&bench, job).await;
}

/// What was not sent is no attempt, and nobody looks whether it happened.
async fn not_an_attempt(bench: &Bench, job: JobId) {
    let mut attempts = Vec::new();
    for entry in bench.entries(job).await {
        match entry.kind {
            Kind::Started { attempt, .. } => attempts.push(attempt),
            Kind::Failed { failure, .. } => assert_eq!(failure.code, "not_sent"),
            _ => {}
        }
    }
    assert_eq!(attempts, [1, 1]);
    assert_eq!(bench.vendor.calls("look_up"), [""; 0]);
}
