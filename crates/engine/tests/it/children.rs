//! Recipes that call others: one job each, whatever dies; how it ends is how the step ends.

use connector::Failure;
use engine::{Command, CommandError, JobId, Settlement, Status, StepPath};
use serde_json::json;

use crate::{
    bench::Bench,
    vendor::{Reply, body},
};

const PARENT: &str = r#"
title: The caller
label: "{{ event.name }}"
trigger: vendor.happened
steps:
  - id: child
    call: child
    with: { name: "{{ event.name }}" }
  - id: after
    action: vendor.note
    with: { name: "{{ steps.child.id }}" }
"#;

const CHILD: &str = r#"
title: The called one
input: { name: text }
output: { id: "{{ steps.made.id }}" }
steps:
  - id: made
    action: vendor.upload
    with: { name: "{{ input.name }}" }
"#;

async fn bench() -> Bench {
    Bench::with(&[("test", PARENT), ("child", CHILD)]).await
}

async fn child_of(bench: &Bench, job: JobId) -> JobId {
    let path = StepPath("child".into());
    loop {
        if let Some(row) = bench.engine.store().child(job, &path).await.unwrap() {
            return row.id;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_step_calls_a_recipe_and_has_its_output() {
    let bench = bench().await;
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("upload"), ["Ada"]);
    assert_eq!(bench.vendor.made("note"), ["upload:Ada"]);
    let view = bench.engine.job(job).await.unwrap().unwrap();
    assert_eq!(view.children.len(), 1);
    let child = &view.children[0];
    assert_eq!((child.recipe.as_str(), child.label.as_str()), ("child", "Ada"));
    assert_eq!(child.once_key, "1/child");
    let parent = child.parent.clone().unwrap();
    assert_eq!((parent.job, &*parent.path.0), (job, "child"));
}

#[tokio::test]
async fn a_caller_sleeps_through_a_restart_until_the_called_job_is_over() {
    let bench = bench().await;
    bench.vendor.next("upload", Reply::Fail(Failure::transient("busy", "later")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    let child = child_of(&bench, job).await;
    bench.until(child, Status::Waiting).await;
    bench.until(job, Status::Waiting).await;
    let bench = bench.restart().await;
    assert_eq!(bench.engine.job(job).await.unwrap().unwrap().row.standing.wake_at, None);
    bench.pass_wait(child).await;
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.engine.store().children(job).await.unwrap().len(), 1);
    assert_eq!(bench.vendor.made("upload"), ["Ada"]);
}

#[tokio::test]
async fn a_failed_called_job_fails_the_step_and_goes_on_with_a_retry_of_its_caller() {
    let bench = bench().await;
    bench.vendor.next("upload", Reply::Fail(Failure::permanent("full", "the folder is full")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    let row = bench.until(job, Status::Failed).await;
    let child = child_of(&bench, job).await;
    let told = format!("Job {child} of `child` failed: the folder is full.");
    assert!(row.standing.note.starts_with(&told), "{}", row.standing.note);
    let outcome = bench.engine.store().outcome(job).await.unwrap().unwrap();
    assert_eq!(outcome.error.unwrap().code, "full");
    bench.engine.command(job, "Eve", Command::Retry { newest: false, force: false }).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.row(child).await.standing.status, Status::Succeeded);
    assert_eq!(bench.engine.store().children(job).await.unwrap().len(), 1);
    assert_eq!(bench.vendor.made("note"), ["upload:Ada"]);
}

#[tokio::test]
async fn a_called_job_that_a_person_repaired_is_taken_as_it_is() {
    let bench = bench().await;
    bench.vendor.next("upload", Reply::Fail(Failure::permanent("full", "the folder is full")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Failed).await;
    let child = child_of(&bench, job).await;
    let retry = || Command::Retry { newest: false, force: false };
    bench.engine.command(child, "Eve", retry()).await.unwrap();
    bench.until(child, Status::Succeeded).await;
    assert_eq!(bench.row(job).await.standing.status, Status::Failed);
    bench.engine.command(job, "Eve", retry()).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.calls("upload"), ["Ada", "Ada"], "one failed and one repaired call");
}

#[tokio::test]
async fn a_cancel_of_the_caller_ends_the_called_job_too() {
    let bench = bench().await;
    bench.vendor.next("upload", Reply::Fail(Failure::transient("busy", "later")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Waiting).await;
    let child = child_of(&bench, job).await;
    bench.until(child, Status::Waiting).await;
    bench.engine.command(job, "Eve", Command::Cancel).await.unwrap();
    bench.until(job, Status::Cancelled).await;
    let row = bench.until(child, Status::Cancelled).await;
    assert!(row.standing.note.contains(&format!("with job {job}")), "{}", row.standing.note);
}

#[tokio::test]
async fn a_recipe_that_is_off_is_waited_for() {
    let bench = bench().await;
    bench.engine.switch("child", false).await.unwrap();
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Waiting).await;
    let child = child_of(&bench, job).await;
    assert_eq!(bench.row(child).await.standing.status, Status::Queued);
    bench.engine.switch("child", true).await.unwrap();
    bench.until(job, Status::Succeeded).await;
}

#[tokio::test]
async fn in_the_background_the_step_is_over_when_the_job_is_there() {
    let parent = PARENT
        .replace("    call: child\n", "    call: child\n    background: true\n")
        .replace("steps.child.id", "steps.child.job");
    let bench = Bench::with(&[("test", &parent), ("child", CHILD)]).await;
    bench.engine.switch("child", false).await.unwrap();
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Succeeded).await;
    let child = child_of(&bench, job).await;
    assert_eq!(bench.vendor.made("note"), [child.to_string()]);
    assert_eq!(bench.row(child).await.standing.status, Status::Queued);
}

#[tokio::test]
async fn a_called_recipe_begun_by_hand_has_its_input_checked() {
    let bench = bench().await;
    let submit = |input: serde_json::Value| {
        let engine = bench.engine.clone();
        async move { engine.submit("child", input.to_string().into_bytes()).await }
    };
    let job = submit(json!({ "name": "Ada" })).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    let wrong = submit(json!({ "name": 7 })).await.unwrap_err();
    assert_eq!(wrong.to_string(), "`child` does not take this: `name` is text, found `7`");
    assert!(matches!(submit(json!({})).await, Err(CommandError::WrongInput { .. })));
}

#[tokio::test]
async fn while_a_called_job_waits_for_a_person_its_caller_waits_for_it() {
    let child = CHILD.replace("vendor.upload", "vendor.send");
    let bench = Bench::with(&[("test", PARENT), ("child", &child)]).await;
    let lost = Failure::unknown("reset", "the line went dead");
    bench.vendor.next("send", Reply::DoneThenFail(lost));
    let job = bench.job(&body("Ada", "1", &[])).await;
    let child = child_of(&bench, job).await;
    bench.until(child, Status::NeedsAttention).await;
    bench.until(job, Status::Waiting).await;
    let bench = bench.restart().await;
    assert_eq!(bench.row(job).await.standing.status, Status::Waiting);
    let happened = Settlement::Happened(json!({ "id": "by hand" }).into());
    let resolve = Command::Resolve { step: StepPath("made".into()), settlement: happened };
    bench.engine.command(child, "Eve", resolve).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("note"), ["by hand"]);
}

/// A `stop` ends the job that it stands in, and no other.
#[tokio::test]
async fn a_stop_in_a_called_recipe_ends_that_job_alone() {
    for (stop, caller) in [
        ("succeeded", Status::Succeeded),
        ("skipped", Status::Succeeded),
        ("failed", Status::Failed),
    ] {
        let steps = format!(
            "steps:\n  - stop: {stop}\n    when: input.name == 'Ada'\n    reason: enough\n"
        );
        let child =
            CHILD.replace("{{ steps.made.id }}", "{{ input.name }}").replace("steps:\n", &steps);
        // After a `stop` there is no output.
        let parent = PARENT.replace("steps.child.id", "steps.child.id | default('nothing')");
        let bench = Bench::with(&[("test", &parent), ("child", &child)]).await;
        let job = bench.job(&body("Ada", "1", &[])).await;
        bench.until(job, caller).await;
        let row = bench.row(child_of(&bench, job).await).await;
        assert_eq!(row.standing.status.word(), stop);
        assert_eq!(
            bench.vendor.made("upload"),
            [""; 0],
            "what stands behind the stop is not worked"
        );
        assert_eq!(bench.vendor.made("note").len(), usize::from(caller == Status::Succeeded));
    }
}
