//! A job's time stands still while its recipe or the service is off.

use std::time::Duration;

use connector::Failure;
use engine::{Command, Kind, Settlement, Status, StepPath};

use crate::{
    bench::Bench,
    vendor::{Reply, body},
};

const HOUR: Duration = Duration::from_hours(1);
/// Two waits of half an hour, and an hour for all.
const LONG: &str = "settings: { timeout: 61m }\nsteps:\n  - wait: 30m\n  - wait: 30m\n  \
                    - { id: employee, action: vendor.create, with: { name: x } }\n";

/// Returns how many hours were taken off a job's time; whether at once or in parts is a matter of when it is looked at.
fn hours_off(entries: &[engine::Entry]) -> i64 {
    let time = |entry: &engine::Entry| match &entry.kind {
        Kind::Paused { time } => Some(time.as_hours()),
        _ => None,
    };
    entries.iter().filter_map(time).sum()
}

#[tokio::test]
async fn time_in_which_the_recipe_is_off_is_not_the_jobs() {
    let bench = Bench::new(LONG).await;
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Waiting).await;
    bench.pass(HOUR / 6);
    bench.engine.switch("test", false).await.unwrap();
    bench.pass(HOUR * 5);
    bench.engine.switch("test", true).await.unwrap();
    // The first wait is over; the second ends ten minutes before the hour is.
    bench.through(job, Status::Succeeded).await;
    assert_eq!(hours_off(&bench.entries(job).await), 5);
    assert_eq!(bench.vendor.made("create"), ["x"]);
}

#[tokio::test]
async fn time_in_which_the_service_is_off_is_not_the_jobs_and_what_is_left_is_kept_to() {
    let steps = LONG.replacen("30m", "3h", 1);
    let bench = Bench::new(&steps).await;
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Waiting).await;
    bench.pass(HOUR / 2);
    let bench = bench.restart_after(HOUR).await;
    bench.pass(HOUR / 4);
    // A pause within a pause counts once.
    bench.engine.switch("test", false).await.unwrap();
    let bench = bench.restart_after(HOUR).await;
    bench.engine.switch("test", true).await.unwrap();
    let row = bench.through(job, Status::Failed).await;
    let over = row.standing.finished_at.unwrap().duration_since(row.standing.started_at.unwrap());
    assert_eq!(over.as_mins(), 61 + 120, "{:?}", bench.story(job).await);
    assert_eq!(hours_off(&bench.entries(job).await), 2);
}

#[tokio::test]
async fn time_that_is_a_persons_is_not_taken_off_twice() {
    let bench = Bench::new(
        "settings: { timeout: 61m }\nsteps:\n  - { id: employee, action: vendor.create, with: { name: x } }\n  \
         - wait: 3h\n",
    )
    .await;
    bench.vendor.foggy(true);
    bench.vendor.next("create", Reply::Fail(Failure::unknown("reset", "reset")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    let begun = connector::Clock::now(&*bench.clock);
    bench.pass_wait(job).await;
    bench.until(job, Status::NeedsAttention).await;
    bench.pass(HOUR);
    let bench = bench.restart_after(HOUR).await;
    let step = StepPath("employee".into());
    let resolve = Command::Resolve { step, settlement: Settlement::NotHappened };
    bench.engine.command(job, "a person", resolve).await.unwrap();
    let row = bench.through(job, Status::Failed).await;
    let over = row.standing.finished_at.unwrap().duration_since(begun);
    assert_eq!(over.as_mins(), 61 + 120, "{:?}", bench.story(job).await);
}
