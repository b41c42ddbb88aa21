//! Questions to people: answered before they are asked, after, twice, wrongly, too late.

use std::time::Duration;

use engine::{Choice, Command, CommandError, Given, JobId, Kind, Status, StepPath};
use serde_json::{Value, json};

use crate::{bench::Bench, vendor::body};

const APPROVAL: &str = r#"
steps:
  - id: first
    action: vendor.upload
    with: { name: a }
  - id: approval
    wait_for: { approved: boolean, comment: text? }
    ask: May {{ event.name }} start?
    timeout: 1h
  - action: vendor.note
    with: { name: "{{ steps.approval.comment | default('nothing') }}" }
"#;

async fn answer(bench: &Bench, job: JobId, step: &str, given: Value) -> Result<(), CommandError> {
    let command = Command::Answer { step: StepPath(step.into()), given: Given::Json(given) };
    bench.engine.command(job, "Eve", command).await
}

async fn until_asked(bench: &Bench, job: JobId) {
    while !bench
        .entries(job)
        .await
        .iter()
        .any(|entry| matches!(&entry.kind, Kind::Chose { choice: Choice::Asked { .. } }))
    {
        tokio::task::yield_now().await;
    }
    bench.until(job, Status::Waiting).await;
}

#[tokio::test]
async fn an_answer_is_the_output_of_its_question_also_after_a_restart() {
    let bench = Bench::new(APPROVAL).await;
    let job = bench.job(&body("Ada", "1", &[])).await;
    until_asked(&bench, job).await;
    let bench = bench.restart().await;
    let asks = bench.engine.job(job).await.unwrap().unwrap().asks;
    assert_eq!((asks.len(), asks[0].ask.as_str()), (1, "May Ada start?"));
    let fields: Vec<_> = asks[0].answer.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(fields, ["approved", "comment"]);
    let words = [("approved", "true"), ("comment", "yes, true")];
    let words = words.map(|(name, word)| (name.to_string(), word.to_string())).into();
    let command = Command::Answer { step: StepPath("approval".into()), given: Given::Words(words) };
    bench.engine.command(job, "Eve", command).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("note"), ["yes, true"]);
    assert_eq!(bench.engine.job(job).await.unwrap().unwrap().asks.len(), 0);
}

#[tokio::test]
async fn an_answer_may_come_before_the_question_even_before_the_first_step() {
    let bench = Bench::off(APPROVAL).await;
    let job = bench.job(&body("Ada", "1", &[])).await;
    answer(&bench, job, "approval", json!({ "approved": true, "comment": "early" })).await.unwrap();
    assert_eq!(bench.vendor.calls("upload"), [""; 0], "its recipe is off");
    bench.engine.switch("test", true).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("note"), ["early"]);
}

#[tokio::test]
async fn what_is_no_answer_is_refused_and_says_why() {
    let bench = Bench::new(APPROVAL).await;
    let job = bench.job(&body("Ada", "1", &[])).await;
    until_asked(&bench, job).await;
    let refused = |step: &'static str, given: Value| {
        let bench = &bench;
        async move { answer(bench, job, step, given).await.unwrap_err().to_string() }
    };
    assert_eq!(
        refused("approvall", json!({})).await,
        format!("job {job} has no question `approvall`; its recipe asks `approval`")
    );
    assert_eq!(
        refused("approval", json!({ "approved": "perhaps" })).await,
        "this is no answer to `approval`: `approved` is true or false, found the text `perhaps`"
    );
    assert_eq!(
        refused("approval", json!({ "comment": "x" })).await,
        "this is no answer to `approval`: `approved` is missing: it is true or false"
    );
    assert_eq!(bench.row(job).await.standing.status, Status::Waiting, "and it still waits");
    answer(&bench, job, "approval", json!({ "approved": true })).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!(
        refused("approval", json!({ "approved": true })).await,
        format!("job {job} is succeeded, so there is nothing to answer")
    );
}

#[tokio::test]
async fn the_first_of_two_answers_counts() {
    let bench = Bench::off(APPROVAL).await;
    let job = bench.job(&body("Ada", "1", &[])).await;
    answer(&bench, job, "approval", json!({ "approved": true, "comment": "one" })).await.unwrap();
    let second = answer(&bench, job, "approval", json!({ "approved": false })).await;
    assert!(matches!(second, Err(CommandError::Answered { .. })), "{second:?}");
    bench.engine.switch("test", true).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("note"), ["one"]);
}

#[tokio::test]
async fn when_time_and_answer_race_one_of_them_counts_and_the_job_ends() {
    for step in 0..12 {
        let bench = Bench::new(APPROVAL).await;
        let job = bench.job(&body("Ada", "1", &[])).await;
        until_asked(&bench, job).await;
        bench.pass(Duration::from_hours(1));
        for _ in 0..step {
            tokio::task::yield_now().await;
        }
        let answered = answer(&bench, job, "approval", json!({ "approved": true })).await;
        let status = if answered.is_ok() { Status::Succeeded } else { Status::Failed };
        let row = bench.until(job, status).await;
        if status == Status::Failed {
            assert!(row.standing.note.contains("Nobody answered"), "{}", row.standing.note);
        }
    }
}
