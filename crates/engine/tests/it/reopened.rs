//! Jobs that go on after they were over, or nearly: nothing is done twice, and time starts anew.

use std::time::Duration;

use connector::{Failure, FailureKind};
use engine::{Command, CommandError, JobId, Settlement, Status, StepPath};

use crate::{
    bench::Bench,
    vendor::{Reply, SETTLE, body},
};

const CREATE: &str = r#"
settings: { timeout: 30s }
steps:
  - { id: employee, action: vendor.create, with: { name: "{{ event.name }}" } }
finally:
  - { id: note, action: vendor.note, with: { name: "{{ outcome.status }}" } }
"#;

async fn retry(bench: &Bench, job: JobId) -> Result<(), CommandError> {
    bench.engine.command(job, "a person", Command::Retry { newest: false, force: false }).await
}

fn busy_for_a_minute() -> Failure {
    let kind = FailureKind::Transient { after: Some(Duration::from_mins(1)) };
    Failure { kind, ..Failure::permanent("busy", "later") }
}

#[tokio::test]
async fn a_write_that_may_have_happened_before_the_time_ran_out_is_looked_up() {
    let bench = Bench::new(CREATE).await;
    let lost = Failure::unknown("reset", "the connection was reset");
    bench.vendor.next("create", Reply::DoneThenFail(lost));
    let job = bench.job(&body("Ada", "1", &[])).await;
    // The job's time runs out before the vendor shows the write.
    bench.pass_wait(job).await;
    bench.until(job, Status::Failed).await;
    let bench = bench.restart().await;
    retry(&bench, job).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("create"), ["Ada"]);
}

#[tokio::test]
async fn a_write_that_a_person_gave_up_on_is_looked_up_when_the_job_goes_on() {
    let steps = "\nsteps:\n  - { id: employee, action: vendor.create, with: { name: x } }\n";
    let bench = Bench::new(steps).await;
    bench.vendor.foggy(true);
    let lost = Failure::unknown("reset", "the connection was reset");
    bench.vendor.next("create", Reply::DoneThenFail(lost));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.pass_wait(job).await;
    bench.until(job, Status::NeedsAttention).await;
    let step = StepPath("employee".into());
    let resolve = Command::Resolve { step, settlement: Settlement::GiveUp };
    bench.engine.command(job, "a person", resolve).await.unwrap();
    bench.until(job, Status::Failed).await;
    retry(&bench, job).await.unwrap();
    bench.until(job, Status::NeedsAttention).await;
    assert_eq!(bench.vendor.calls("create").len(), 1, "never called in the fog");
    bench.vendor.foggy(false);
    retry(&bench, job).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("create"), ["x"]);
}

#[tokio::test]
async fn a_job_whose_time_ran_out_has_it_anew_when_it_is_reopened() {
    let bench = Bench::new(CREATE).await;
    bench.vendor.next("create", Reply::Fail(busy_for_a_minute()));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.pass_wait(job).await;
    bench.until(job, Status::Failed).await;
    retry(&bench, job).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("create"), ["Ada"]);
}

#[tokio::test]
async fn time_that_a_job_waits_for_a_person_is_not_its_own() {
    let steps = CREATE.replace("30s", "2m");
    let bench = Bench::new(&steps).await;
    bench.vendor.foggy(true);
    bench.vendor.next("create", Reply::Fail(Failure::unknown("reset", "reset")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.pass_wait(job).await;
    bench.until(job, Status::NeedsAttention).await;
    bench.pass(SETTLE * 60);
    let step = StepPath("employee".into());
    let resolve = Command::Resolve { step, settlement: Settlement::NotHappened };
    bench.engine.command(job, "a person", resolve).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("create"), ["Ada"]);
}

#[tokio::test]
async fn a_retry_of_finally_does_not_begin_a_body_again_whose_time_ran_out() {
    let bench = Bench::new(CREATE).await;
    bench.vendor.next("create", Reply::Fail(busy_for_a_minute()));
    bench.vendor.next("note", Reply::Fail(Failure::permanent("forbidden", "no")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.pass_wait(job).await;
    bench.until(job, Status::NeedsAttention).await;
    let bench = bench.restart().await;
    retry(&bench, job).await.unwrap();
    bench.until(job, Status::Failed).await;
    assert_eq!(bench.vendor.calls("create").len(), 1);
    assert_eq!(bench.vendor.made("note"), ["failed"]);
}

#[tokio::test]
async fn a_job_whose_finally_failed_can_be_cancelled() {
    let bench = Bench::new(CREATE).await;
    bench.vendor.next("note", Reply::Fail(Failure::permanent("forbidden", "no")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::NeedsAttention).await;
    bench.engine.command(job, "Grace", Command::Cancel).await.unwrap();
    bench.until(job, Status::Cancelled).await;
    // Its order key is free.
    let next = bench.job(&body("Ada", "2", &[])).await;
    bench.until(next, Status::Succeeded).await;
}

#[tokio::test]
async fn a_version_in_which_a_name_is_another_kind_of_step_cannot_take_over() {
    let steps = r#"
steps:
  - { id: greeting, set: { words: "dear" } }
  - { id: employee, action: vendor.create, with: { name: "{{ event.name }}" } }
  - { id: letter, action: vendor.send, with: { name: "{{ vars.words }}" } }
"#;
    let mut bench = Bench::new(steps).await;
    bench.vendor.next("send", Reply::Fail(Failure::permanent("no", "no")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Failed).await;
    let changed = steps.replace(
        r#"id: greeting, set: { words: "dear" }"#,
        r#"id: greeting, for_each: event.documents, steps: [{ set: { words: "dear" } }]"#,
    );
    bench.deploy(&changed.replace("{{ vars.words }}", "dear")).await;
    let newest = Command::Retry { newest: true, force: false };
    let refused = bench.engine.command(job, "p", newest.clone()).await.unwrap_err().to_string();
    assert!(refused.contains("`greeting` is done as `set`, but is `for_each` there"), "{refused}");
    // The failed step itself may change what it does.
    bench.deploy(&steps.replace("vendor.send", "vendor.note")).await;
    bench.engine.command(job, "p", newest).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!(
        (bench.vendor.made("note"), bench.vendor.calls("create").len()),
        (vec!["dear".into()], 1)
    );
}
