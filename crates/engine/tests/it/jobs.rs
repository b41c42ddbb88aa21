//! The rules of a job while nothing dies: retries, order, slots, holds, unknown outcomes, people.

use std::{sync::Arc, time::Duration};

use connector::{Clock, Failure, FailureKind};
use engine::{Command, CommandError, JobId, Kind, Settlement, Status, StepPath};
use serde_json::json;

use crate::{
    bench::Bench,
    vendor::{Reply, SETTLE, body},
};

const CREATE: &str = r#"
steps:
  - id: employee
    action: vendor.create
    with: { name: "{{ event.name }}" }
"#;

/// Creates, then sends; whatever happens, a note says how it ended.
const NOTED: &str = r#"
steps:
  - id: employee
    action: vendor.create
    with: { name: "{{ event.name }}" }
  - id: letter
    action: vendor.send
    with: { name: "{{ steps.employee.id }}" }
finally:
  - id: note
    action: vendor.note
    with: { name: "{{ outcome.status }}: {{ outcome.message }}" }
"#;

async fn retry(bench: &Bench, job: JobId) -> Result<(), CommandError> {
    bench.engine.command(job, "a person", Command::Retry { newest: false, force: false }).await
}

async fn resolve(bench: &Bench, job: JobId, settlement: Settlement) -> Result<(), CommandError> {
    let step = StepPath("employee".into());
    bench.engine.command(job, "a person", Command::Resolve { step, settlement }).await
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_may_not_is_not() {
    let bench = Bench::new(CREATE).await;
    bench.vendor.next("create", Reply::Fail(Failure::transient("busy", "try later")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    let wait = bench.until(job, Status::Waiting).await;
    assert!(wait.standing.note.contains("try later"), "{}", wait.standing.note);
    bench.pass_wait(job).await;
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.calls("create").len(), 2);

    bench.vendor.next("create", Reply::Fail(Failure::permanent("no", "never")));
    let job = bench.job(&body("Bob", "2", &[])).await;
    assert_eq!(bench.until(job, Status::Failed).await.standing.note, "Never.");
}

#[tokio::test]
async fn a_vendors_wish_to_wait_is_granted() {
    let bench = Bench::new(CREATE).await;
    let kind = FailureKind::Transient { after: Some(Duration::from_secs(90)) };
    bench
        .vendor
        .next("create", Reply::Fail(Failure { kind, ..Failure::permanent("limit", "slow down") }));
    let before = connector::Clock::now(&*bench.clock);
    let job = bench.job(&body("Ada", "1", &[])).await;
    let at = bench.pass_wait(job).await;
    assert_eq!(at.duration_since(before).as_secs(), 90);
    bench.until(job, Status::Succeeded).await;
}

#[tokio::test]
async fn retries_end_after_a_day_and_the_note_says_why() {
    let bench = Bench::new(NOTED).await;
    for _ in 0..99 {
        bench
            .vendor
            .next("create", Reply::Fail(Failure::transient("down", "GoCo is down").hint("Wait.")));
    }
    let job = bench.job(&body("Ada", "1", &[])).await;
    let mut waits = 0;
    while bench.row(job).await.standing.status != Status::Failed {
        bench.pass_wait(job).await;
        waits += 1;
        assert!(waits < 60, "it never gives up");
        let calls = waits + 1;
        while bench.vendor.calls("create").len() < calls
            && !bench.row(job).await.standing.status.is_final()
        {
            tokio::task::yield_now().await;
        }
        bench.until_settled(job).await;
    }
    assert!(waits > 20, "{waits}");
    assert_eq!(bench.vendor.made("note"), ["failed: GoCo is down. Wait."]);
}

#[tokio::test]
async fn a_time_out_whose_write_happened_makes_one_employee() {
    let bench = Bench::new(CREATE).await;
    bench.vendor.next("create", Reply::DoneThenFail(Failure::unknown("timeout", "no answer")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    let before = connector::Clock::now(&*bench.clock);
    let at = bench.pass_wait(job).await;
    assert_eq!(
        at.duration_since(before).unsigned_abs(),
        SETTLE,
        "absence counts only once it has settled"
    );
    bench.until(job, Status::Succeeded).await;
    assert_eq!((bench.vendor.calls("create").len(), bench.vendor.calls("look_up").len()), (1, 1));
}

#[tokio::test]
async fn a_time_out_whose_write_did_not_happen_is_called_again() {
    let bench = Bench::new(CREATE).await;
    bench.vendor.next("create", Reply::Fail(Failure::unknown("timeout", "no answer")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.pass_wait(job).await;
    while !bench.story(job).await.contains(&"employee:resolved".to_string()) {
        tokio::task::yield_now().await;
    }
    bench.pass_wait(job).await;
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("create"), ["Ada"]);
}

#[tokio::test]
async fn what_nobody_can_know_waits_for_a_person_who_settles_it() {
    for (settlement, status, made) in [
        (Settlement::Happened(Arc::new(json!({ "id": "77" }))), Status::Succeeded, 1),
        (Settlement::NotHappened, Status::Succeeded, 2),
        (Settlement::GiveUp, Status::Failed, 1),
    ] {
        let bench = Bench::new(CREATE).await;
        bench.vendor.foggy(true);
        bench.vendor.next("create", Reply::DoneThenFail(Failure::unknown("timeout", "no answer")));
        let job = bench.job(&body("Ada", "1", &[])).await;
        bench.pass_wait(job).await;
        let row = bench.until(job, Status::NeedsAttention).await;
        assert!(row.standing.note.contains("nobody can say whether `vendor.create` happened"));
        resolve(&bench, job, settlement).await.unwrap();
        bench.until(job, status).await;
        assert_eq!(bench.vendor.made("create").len(), made);
    }
}

#[tokio::test]
async fn a_plain_retry_of_an_unknown_outcome_looks_first_and_never_calls_in_the_fog() {
    let bench = Bench::new(CREATE).await;
    bench.vendor.foggy(true);
    bench.vendor.next("create", Reply::DoneThenFail(Failure::unknown("timeout", "no answer")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.pass_wait(job).await;
    bench.until(job, Status::NeedsAttention).await;
    retry(&bench, job).await.unwrap();
    while bench.vendor.calls("look_up").len() < 2 {
        tokio::task::yield_now().await;
    }
    bench.until(job, Status::NeedsAttention).await;
    bench.vendor.foggy(false);
    retry(&bench, job).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.calls("create").len(), 1);
}

#[tokio::test]
async fn a_write_that_cannot_be_looked_up_waits_for_a_person_at_once() {
    let bench = Bench::new(NOTED).await;
    bench.vendor.next("send", Reply::DoneThenFail(Failure::unknown("reset", "the line went dead")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::NeedsAttention).await;
    assert_eq!(bench.vendor.calls("send").len(), 1);
    let wrong = resolve(&bench, job, Settlement::NotHappened).await.unwrap_err();
    assert_eq!(
        wrong.to_string(),
        format!("nothing is unknown at `employee` of job {job}; it waits at `letter`")
    );
}

#[tokio::test]
async fn a_call_that_never_answers_is_cut_off() {
    let steps = CREATE.replace("with:", "timeout: 30s\n    with:");
    let bench = Bench::new(&steps).await;
    bench.vendor.next("create", Reply::DoneThenHang);
    let job = bench.job(&body("Ada", "1", &[])).await;
    while bench.vendor.calls("create").is_empty() {
        tokio::task::yield_now().await;
    }
    bench.pass(Duration::from_secs(31));
    bench.pass_wait(job).await;
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.calls("create").len(), 1);
}

#[tokio::test]
async fn each_attempt_has_the_whole_time_of_its_step() {
    let bench = Bench::new(&CREATE.replace("with:", "timeout: 30s\n    with:")).await;
    bench.vendor.next("create", Reply::Gate);
    bench.vendor.next("create", Reply::Gate);
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until_called("create", 1).await;
    bench.pass(Duration::from_secs(31));
    // It is looked up, has not happened, and is called again, after the waits for both.
    while bench.vendor.calls("create").len() < 2 {
        if let Some(at) = bench.row(job).await.standing.wake_at.filter(|at| *at > bench.clock.now())
        {
            bench.clock.set(at);
        }
        tokio::task::yield_now().await;
    }
    bench.pass(Duration::from_secs(29));
    assert_eq!(bench.row(job).await.standing.status, Status::Running);
    bench.vendor.open_gate(1);
    bench.until(job, Status::Succeeded).await;
    assert_eq!((bench.vendor.calls("create").len(), bench.vendor.made("create").len()), (2, 1));
}

#[tokio::test]
async fn a_failed_job_goes_on_from_its_failed_step_with_what_it_has() {
    let bench = Bench::new(NOTED).await;
    bench.vendor.next(
        "send",
        Reply::Fail(Failure::permanent("no_stamp", "no stamp left").hint("Buy stamps.")),
    );
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Failed).await;
    assert_eq!(bench.vendor.made("note"), ["failed: No stamp left. Buy stamps."]);
    retry(&bench, job).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.calls("create").len(), 1, "what succeeded is not called again");
    assert_eq!(bench.vendor.made("send"), ["create:Ada"]);
    let over = retry(&bench, job).await.unwrap_err();
    assert_eq!(over.to_string(), format!("job {job} is succeeded, so there is nothing to retry"));
}

#[tokio::test]
async fn reads_since_the_last_write_are_made_again_and_those_before_are_not() {
    let steps = r#"
steps:
  - { id: before, action: vendor.find, with: { name: "{{ event.name }}" } }
  - { id: employee, action: vendor.create, with: { name: "{{ event.name }}" } }
  - { id: after, action: vendor.find, with: { name: "{{ event.name }}" } }
  - { id: letter, action: vendor.send, with: { name: "{{ steps.after.ids | join(', ') }}" } }
"#;
    let bench = Bench::new(steps).await;
    bench.vendor.next("send", Reply::Fail(Failure::permanent("no", "no")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Failed).await;
    assert_eq!(bench.vendor.calls("find").len(), 2);
    retry(&bench, job).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!((bench.vendor.calls("find").len(), bench.vendor.calls("create").len()), (3, 1));
    assert_eq!(bench.vendor.made("send"), ["Ada"]);
}

#[tokio::test]
async fn what_an_ended_job_may_have_done_is_looked_up_before_another_does_it() {
    let bench = Bench::new(CREATE).await;
    bench.vendor.foggy(true);
    bench.vendor.next("create", Reply::DoneThenFail(Failure::unknown("timeout", "no answer")));
    let event = body("Ada", "1", &[]);
    let job = bench.job(&event).await;
    bench.pass_wait(job).await;
    bench.until(job, Status::NeedsAttention).await;
    resolve(&bench, job, Settlement::GiveUp).await.unwrap();
    bench.until(job, Status::Failed).await;
    bench.vendor.foggy(false);
    let again = bench.engine.submit("test", event.to_string().into_bytes()).await.unwrap();
    bench.until(again, Status::Succeeded).await;
    assert_eq!(bench.vendor.calls("create").len(), 1, "it was found, not made again");
    let told = ["opened", "employee:started", "employee:failed", "employee:resolved", "finished"];
    assert_eq!(bench.story(again).await, told);
}

#[tokio::test]
async fn the_same_failure_is_noted_once_ever_and_another_one_again() {
    let bench = Bench::new(NOTED).await;
    for code in ["no_stamp", "no_stamp", "no_paper"] {
        bench.vendor.next("send", Reply::Fail(Failure::permanent(code, format!("{code} left"))));
    }
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Failed).await;
    for _ in 0..2 {
        retry(&bench, job).await.unwrap();
        bench.until(job, Status::Failed).await;
    }
    assert_eq!(bench.vendor.made("note"), ["failed: No_stamp left.", "failed: No_paper left."]);
}

#[tokio::test]
async fn jobs_about_one_person_go_one_after_the_other() {
    let bench = Bench::new(CREATE).await;
    bench.vendor.next("create", Reply::Fail(Failure::transient("busy", "later")));
    let first = bench.job(&body("Ada", "1", &[])).await;
    bench.until(first, Status::Waiting).await;
    let second = bench.job(&body("Ada", "2", &[])).await;
    let other = bench.job(&body("Bob", "3", &[])).await;
    bench.until(other, Status::Succeeded).await;
    assert_eq!(bench.row(second).await.standing.status, Status::Queued);
    assert_eq!(bench.engine.blocked_by(second), Some(first));
    assert_eq!(bench.engine.blocked_long().await.unwrap(), []);
    bench.pass_wait(first).await;
    bench.until(second, Status::Succeeded).await;
    let failed =
        bench.engine.command(first, "p", Command::Retry { newest: false, force: false }).await;
    assert!(matches!(failed, Err(CommandError::Over { .. })));
}

#[tokio::test]
async fn a_job_that_waits_for_another_for_an_hour_is_for_a_person() {
    let bench = Bench::new(NOTED).await;
    bench.vendor.next("send", Reply::DoneThenFail(Failure::unknown("reset", "the line went dead")));
    let first = bench.job(&body("Ada", "1", &[])).await;
    bench.until(first, Status::NeedsAttention).await;
    let second = bench.job(&body("Ada", "2", &[])).await;
    bench.pass(Duration::from_mins(61));
    let blocked = bench.engine.blocked_long().await.unwrap();
    assert_eq!((blocked.len(), blocked[0].0.id, blocked[0].1), (1, second, first));
}

#[tokio::test]
async fn a_failed_job_that_a_later_one_has_overtaken_needs_force() {
    let bench = Bench::new(CREATE).await;
    bench.vendor.next("create", Reply::Fail(Failure::permanent("no", "no")));
    let first = bench.job(&body("Ada", "1", &[])).await;
    bench.until(first, Status::Failed).await;
    let second = bench.job(&body("Ada", "2", &[])).await;
    bench.until(second, Status::Succeeded).await;
    let refused = retry(&bench, first).await.unwrap_err();
    assert!(matches!(refused, CommandError::Overtaken { later, .. } if later == second));
    bench.engine.command(first, "p", Command::Retry { newest: false, force: true }).await.unwrap();
    bench.until(first, Status::Succeeded).await;
}

#[tokio::test]
async fn two_jobs_cannot_both_find_nobody_and_both_create() {
    let steps = r#"
steps:
  - id: existing
    action: vendor.find
    with: { name: "{{ event.name }}" }
  - stop: skipped
    when: steps.existing.ids | length > 0
    reason: "there already"
  - id: employee
    action: vendor.create
    with: { name: "{{ event.name }}" }
"#;
    let bench = Bench::new(steps).await;
    bench.vendor.next("create", Reply::Fail(Failure::transient("busy", "later")));
    let first = bench.job(&body("Ada Byron", "1", &[])).await;
    bench.until(first, Status::Waiting).await;
    // Another order key, the same name but for its case: only the exclusive key keeps them apart.
    let second = bench.job(&body("ADA BYRON", "2", &[])).await;
    while bench.engine.job(second).await.unwrap().unwrap().blocked_by != Some(first) {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.vendor.calls("find"), ["Ada Byron"]);
    bench.pass_wait(first).await;
    bench.until(first, Status::Succeeded).await;
    bench.until(second, Status::Succeeded).await;
    assert_eq!(bench.vendor.calls("find").len(), 2);
}

#[tokio::test]
async fn a_cancelled_job_ends_without_finally() {
    let bench = Bench::new(NOTED).await;
    bench.vendor.next("create", Reply::Fail(Failure::transient("busy", "later")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Waiting).await;
    bench.engine.command(job, "Grace", Command::Cancel).await.unwrap();
    assert_eq!(bench.until(job, Status::Cancelled).await.standing.note, "Cancelled by Grace.");
    assert_eq!(bench.vendor.calls("note"), [""; 0]);
}

#[tokio::test]
async fn a_job_in_the_middle_of_a_call_is_cancelled_when_the_call_has_ended() {
    let steps = NOTED.replacen("with:", "timeout: 30s\n    with:", 1);
    let bench = Bench::new(&steps).await;
    bench.vendor.next("create", Reply::DoneThenHang);
    let job = bench.job(&body("Ada", "1", &[])).await;
    while bench.vendor.calls("create").is_empty() {
        tokio::task::yield_now().await;
    }
    bench.engine.command(job, "Grace", Command::Cancel).await.unwrap();
    bench.pass(Duration::from_secs(31));
    bench.until(job, Status::Cancelled).await;
    assert!(
        bench.story(job).await.contains(&"employee:failed".to_string()),
        "its end is journaled"
    );
    assert_eq!(bench.vendor.calls("send"), [""; 0]);
}

#[tokio::test]
async fn a_job_that_has_not_begun_can_be_cancelled() {
    let bench = Bench::off(CREATE).await;
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.engine.command(job, "Grace", Command::Cancel).await.unwrap();
    bench.until(job, Status::Cancelled).await;
    bench.engine.switch("test", true).await.unwrap();
    let other = bench.job(&body("Ada", "2", &[])).await;
    bench.until(other, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("create"), ["Ada"]);
}

#[tokio::test]
async fn when_finally_fails_a_person_looks_and_a_retry_repeats_only_finally() {
    let bench = Bench::new(NOTED).await;
    bench
        .vendor
        .next("note", Reply::Fail(Failure::permanent("forbidden", "no permission to write notes")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    let row = bench.until(job, Status::NeedsAttention).await;
    let why = "the job itself succeeded: All steps are done. But `note` in `finally` failed: No permission to write notes.";
    assert_eq!(row.standing.note, why);
    retry(&bench, job).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!((bench.vendor.calls("create").len(), bench.vendor.calls("send").len()), (1, 1));
    assert_eq!(bench.vendor.made("note").len(), 1);
}

#[tokio::test]
async fn a_job_whose_finally_failed_keeps_nobody_waiting() {
    let bench = Bench::new(NOTED).await;
    bench
        .vendor
        .next("note", Reply::Fail(Failure::permanent("forbidden", "no permission to write notes")));
    let first = bench.job(&body("Ada", "1", &[])).await;
    bench.until(first, Status::NeedsAttention).await;
    let second = bench.job(&body("Ada", "2", &[])).await;
    bench.until(second, Status::Succeeded).await;
    let bench = bench.restart().await;
    let third = bench.job(&body("Ada", "3", &[])).await;
    bench.until(third, Status::Succeeded).await;
    assert_eq!(bench.row(first).await.standing.status, Status::NeedsAttention);
}

#[tokio::test]
async fn a_job_keeps_its_version_and_a_person_can_move_it_on() {
    let mut bench = Bench::new(NOTED).await;
    bench.vendor.next("send", Reply::Fail(Failure::permanent("no", "no")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    let version = bench.until(job, Status::Failed).await.version;
    bench.deploy(&NOTED.replace("{{ steps.employee.id }}", "dear {{ steps.employee.id }}")).await;
    bench.vendor.next("send", Reply::Fail(Failure::permanent("no", "no")));
    retry(&bench, job).await.unwrap();
    bench.until(job, Status::Failed).await;
    let newest = Command::Retry { newest: true, force: false };
    bench.engine.command(job, "p", newest).await.unwrap();
    let row = bench.until(job, Status::Succeeded).await;
    assert_ne!(row.version, version);
    assert_eq!(bench.vendor.calls("send"), ["create:Ada", "create:Ada", "dear create:Ada"]);
}

#[tokio::test]
async fn a_version_that_lost_what_is_done_cannot_take_over() {
    let mut bench = Bench::new(NOTED).await;
    bench.vendor.next("send", Reply::Fail(Failure::permanent("no", "no")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Failed).await;
    bench.deploy(&NOTED.replace("employee", "person")).await;
    let newest = Command::Retry { newest: true, force: false };
    let refused = bench.engine.command(job, "p", newest).await.unwrap_err().to_string();
    assert!(
        refused.contains("`employee` (`vendor.create`) is done, but is not there any more"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_slow_recipe_keeps_its_jobs_within_its_slots() {
    let steps = format!(
        "settings:\n  concurrency: 2\n{}",
        CREATE.replace("with:", "timeout: 30s\n    with:")
    );
    let bench = Bench::new(&steps).await;
    for _ in 0..5 {
        bench.vendor.next("create", Reply::DoneThenHang);
    }
    for number in 0..5 {
        bench.job(&body(&format!("P{number}"), &number.to_string(), &[])).await;
    }
    while bench.vendor.calls("create").len() < 2 {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.vendor.calls("create").len(), 2);
    // Cut off, they wait for their look-up, and a wait holds no slot.
    bench.pass(Duration::from_secs(31));
    while bench.vendor.calls("create").len() < 4 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn warnings_reach_the_outcome() {
    let bench = Bench::new(NOTED).await;
    let job = bench.job(&body("Zoë", "1", &[])).await;
    bench.until(job, Status::Succeeded).await;
    assert_eq!(
        bench.vendor.made("note"),
        ["succeeded: All steps are done. The name has an accent."]
    );
    let finished = bench.entries(job).await.pop().unwrap();
    let Kind::Finished { outcome } = finished.kind else { panic!("{finished:?}") };
    assert_eq!(outcome.warnings[0].step, StepPath("employee".into()));
}
