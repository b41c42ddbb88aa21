//! Jobs of one order key across the recipes of a group.

use std::fmt::Write as _;

use connector::Failure;
use engine::{Command, CommandError, JobId, Status};

use crate::{
    bench::Bench,
    vendor::{Reply, body},
};

fn recipe(what: &str) -> String {
    let mut text = format!("title: {what}\nlabel: \"{{{{ event.name }}}}\"\n");
    write!(
        text,
        "trigger: {{ on: vendor.happened, key: {{ group: people, value: event.name }} }}\nsteps:\n  \
         - action: vendor.upload\n    with: {{ name: {what} }}\n"
    )
    .unwrap();
    text
}

async fn bench() -> Bench {
    Bench::with(&[("hired", &recipe("hired")), ("unhired", &recipe("unhired"))]).await
}

async fn job(bench: &Bench, to: &str, name: &str, fact: &str) -> JobId {
    let event = body(name, fact, &[]).to_string();
    let answer = bench.deliver_to(to, event.as_bytes(), "good").await;
    assert_eq!((answer.status, answer.jobs.len()), (200, 1), "{answer:?}");
    answer.jobs[0]
}

#[tokio::test]
async fn hired_unhired_and_hired_again_go_in_this_order_also_after_a_restart() {
    let bench = bench().await;
    bench.vendor.next("upload", Reply::Fail(Failure::transient("busy", "later")));
    let first = job(&bench, "hired", "Ada", "1").await;
    bench.until(first, Status::Waiting).await;
    let second = job(&bench, "unhired", "Ada", "2").await;
    let third = job(&bench, "hired", "Ada", "3").await;
    // Somebody else waits for nobody.
    let other = job(&bench, "unhired", "Bob", "4").await;
    bench.until(other, Status::Succeeded).await;
    assert_eq!(bench.engine.blocked_by(second), Some(first));
    assert_eq!(bench.engine.blocked_by(third), Some(second));
    let bench = bench.restart().await;
    assert_eq!(bench.engine.blocked_by(third), Some(second));
    bench.pass_wait(first).await;
    bench.until(third, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("upload"), ["unhired", "hired", "unhired", "hired"]);
}

#[tokio::test]
async fn a_job_that_another_recipe_of_its_group_has_overtaken_is_not_retried_by_the_way() {
    let bench = bench().await;
    bench.vendor.next("upload", Reply::Fail(Failure::permanent("no", "no")));
    let first = job(&bench, "hired", "Ada", "1").await;
    bench.until(first, Status::Failed).await;
    let second = job(&bench, "unhired", "Ada", "2").await;
    bench.until(second, Status::Succeeded).await;
    let retry = |force| bench.engine.command(first, "Eve", Command::Retry { newest: false, force });
    let refused = retry(false).await.unwrap_err();
    assert!(matches!(refused, CommandError::Overtaken { later, .. } if later == second));
    retry(true).await.unwrap();
    bench.until(first, Status::Succeeded).await;
}

/// Whatever a job waits for, a person included, those behind it wait too; one that is over keeps nobody.
#[tokio::test]
async fn a_job_that_waits_for_a_person_is_waited_for() {
    let bench = bench().await;
    bench
        .vendor
        .next("upload", Reply::DoneThenFail(Failure::unknown("reset", "the line went dead")));
    bench.vendor.foggy(true);
    let first = job(&bench, "hired", "Ada", "1").await;
    bench.through(first, Status::NeedsAttention).await;
    let second = job(&bench, "unhired", "Ada", "2").await;
    assert_eq!(bench.row(second).await.standing.status, Status::Queued);
    assert_eq!(bench.engine.blocked_by(second), Some(first));
    bench.engine.command(first, "Eve", Command::Cancel).await.unwrap();
    bench.until(second, Status::Succeeded).await;
}

#[tokio::test]
async fn a_job_that_never_began_of_a_recipe_that_is_off_keeps_nobody_waiting() {
    let bench = bench().await;
    bench.engine.switch("hired", false).await.unwrap();
    let first = job(&bench, "hired", "Ada", "1").await;
    let second = job(&bench, "unhired", "Ada", "2").await;
    bench.until(second, Status::Succeeded).await;
    assert_eq!(bench.row(first).await.standing.status, Status::Queued);
    // Switched on, it is the first of its key again.
    bench.vendor.next("upload", Reply::Fail(Failure::transient("busy", "later")));
    bench.engine.switch("hired", true).await.unwrap();
    bench.until(first, Status::Waiting).await;
    let third = job(&bench, "unhired", "Ada", "3").await;
    assert_eq!(bench.engine.blocked_by(third), Some(first));
    // It has begun: switched off, it keeps what it holds.
    bench.engine.switch("hired", false).await.unwrap();
    assert_eq!(bench.engine.blocked_by(third), Some(first));
    bench.engine.switch("hired", true).await.unwrap();
    bench.pass_wait(first).await;
    bench.until(third, Status::Succeeded).await;
    assert_eq!(bench.vendor.made("upload"), ["unhired", "hired", "unhired"]);
}

#[tokio::test]
async fn who_waits_behind_a_job_that_never_began_goes_on_when_its_recipe_is_switched_off() {
    let bench = bench().await;
    bench.vendor.next("upload", Reply::Gate);
    let first = job(&bench, "unhired", "Ada", "1").await;
    bench.until_called("upload", 1).await;
    let second = job(&bench, "hired", "Ada", "2").await;
    let third = job(&bench, "unhired", "Ada", "3").await;
    assert_eq!(bench.engine.blocked_by(third), Some(second));
    bench.engine.switch("hired", false).await.unwrap();
    assert_eq!(bench.engine.blocked_by(third), Some(first));
    bench.vendor.open_gate(1);
    bench.until(third, Status::Succeeded).await;
    assert_eq!(bench.row(second).await.standing.status, Status::Queued);
}

#[tokio::test]
async fn without_a_group_a_key_is_its_recipes_own() {
    let alone = |what: &str| recipe(what).replace("group: people, ", "");
    let bench = Bench::with(&[("hired", &alone("hired")), ("unhired", &alone("unhired"))]).await;
    bench.vendor.next("upload", Reply::Fail(Failure::transient("busy", "later")));
    let first = job(&bench, "hired", "Ada", "1").await;
    bench.until(first, Status::Waiting).await;
    let other = job(&bench, "unhired", "Ada", "2").await;
    bench.until(other, Status::Succeeded).await;
    let second = job(&bench, "hired", "Ada", "3").await;
    assert_eq!(bench.engine.blocked_by(second), Some(first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_many_come_at_the_same_instant_each_waits_for_the_one_before_it() {
    // What is uploaded is named after the event, so that the vendor can tell in which order they came.
    let named = |what: &str| {
        recipe(what).replace(&format!("name: {what} }}"), "name: \"{{ event.fact }}\" }")
    };
    let bench = Bench::with(&[("hired", &named("hired")), ("unhired", &named("unhired"))]).await;
    let mut coming = tokio::task::JoinSet::new();
    for number in 0..120 {
        let (engine, at) = (bench.engine.clone(), connector::Clock::now(&*bench.clock));
        coming.spawn(async move {
            let document = number.to_string();
            let event = body("Ada", &document, &[]).to_string();
            let delivery = connector::Delivery {
                headers: vec![("x-proof".into(), "good".into())],
                query: String::new(),
                body: event.as_bytes().into(),
                received_at: at,
            };
            let to = ["hired", "unhired"][number % 2];
            let answer = engine.deliver(to, delivery).await;
            assert_eq!((answer.status, answer.jobs.len()), (200, 1), "{answer:?}");
            (answer.jobs[0], document)
        });
    }
    let mut all = coming.join_all().await;
    all.sort();
    for (job, _) in &all {
        bench.until(*job, Status::Succeeded).await;
    }
    let accepted: Vec<String> = all.into_iter().map(|(_, document)| document).collect();
    assert_eq!(bench.vendor.made("upload"), accepted);
}
