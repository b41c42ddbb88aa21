//! What a job is worked with: the version, tables and properties that it began with, and connections as they are now; and
//! what goes on when a file is broken or gone.

use connector::Failure;
use engine::{Command, CommandError, FileState, Status};

use crate::{
    bench::Bench,
    vendor::{Reply, body},
};

/// Looks up a word in a table, asks how loud to be, and sends both.
const SAYS: &str = r#"
title: Says
label: "{{ event.name }}"
trigger: vendor.happened
steps:
  - id: first
    action: vendor.upload
    with: { name: "{{ event.name }}" }
  - id: said
    action: vendor.send
    with: { name: "{{ lookup('words', name=event.name).word }}{{ properties.sign }}" }
"#;

const RUNNER: &str = "properties:\n  sign: { type: text, default: '.' }\n";
const WORDS: &str = "name,word\nAda,Hello\n";

async fn bench() -> Bench {
    Bench::with(&[("runner.yaml", RUNNER), ("tables/words.csv", WORDS), ("test", SAYS)]).await
}

/// Everything is another than it was.
async fn change(bench: &mut Bench) {
    bench.write("runner.yaml", Some(&RUNNER.replace("'.'", "'!'"))).await;
    bench.write("tables/words.csv", Some(&WORDS.replace("Hello", "Hi"))).await;
    bench.write("test", Some(&SAYS.replace("\"{{ lookup", "\"Oh, {{ lookup"))).await;
}

#[tokio::test]
async fn a_job_takes_what_there_is_at_its_first_step_and_not_when_it_was_accepted() {
    let mut bench = bench().await;
    bench.engine.switch("test", false).await.unwrap();
    let job = bench.job(&body("Ada", "1", &[])).await;
    assert_eq!(bench.row(job).await.standing.status, Status::Queued);
    change(&mut bench).await;
    bench.engine.switch("test", true).await.unwrap();
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.calls("send"), ["Oh, Hi!"]);
}

#[tokio::test]
async fn a_job_keeps_what_it_began_with_through_changes_and_a_restart() {
    let mut bench = bench().await;
    bench.vendor.next("upload", Reply::Fail(Failure::transient("busy", "later")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Waiting).await;
    change(&mut bench).await;
    let bench = bench.restart().await;
    bench.pass_wait(job).await;
    bench.until(job, Status::Succeeded).await;
    assert_eq!(bench.vendor.calls("send"), ["Hello."]);
}

#[tokio::test]
async fn a_retry_takes_tables_and_properties_anew_and_the_version_only_when_it_is_asked_for() {
    let mut bench = bench().await;
    bench.vendor.next("send", Reply::Fail(Failure::permanent("no", "no")));
    bench.vendor.next("send", Reply::Fail(Failure::permanent("no", "no")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Failed).await;
    change(&mut bench).await;
    for (newest, status) in [(false, Status::Failed), (true, Status::Succeeded)] {
        let times = bench.vendor.calls("send").len();
        let retry = Command::Retry { newest, force: false };
        bench.engine.command(job, "Grace", retry).await.unwrap();
        bench.until_called("send", times + 1).await;
        bench.until(job, status).await;
    }
    assert_eq!(bench.vendor.calls("send"), ["Hello.", "Hi!", "Oh, Hi!"]);
    assert_eq!(bench.vendor.calls("upload"), ["Ada"], "what has succeeded stays");
}

#[tokio::test]
async fn connections_are_always_those_of_now() {
    let mut bench = bench().await;
    bench.vendor.next("upload", Reply::Fail(Failure::transient("busy", "later")));
    let job = bench.job(&body("Ada", "1", &[])).await;
    bench.until(job, Status::Waiting).await;
    let before = std::mem::take(&mut bench.vendor);
    bench.write("test", Some(SAYS)).await;
    bench.pass_wait(job).await;
    bench.until(job, Status::Succeeded).await;
    assert_eq!((before.made("upload").len(), bench.vendor.made("upload").len()), (0, 1));
}

#[tokio::test]
async fn with_a_broken_file_the_last_good_version_goes_on_also_after_a_cold_start() {
    let mut bench = bench().await;
    bench.write("test", Some("title: Says\ntrigger: vendor.happened\nsteps: nothing\n")).await;
    for (fact, cold) in [("1", false), ("2", true)] {
        if cold {
            bench = bench.restart().await;
        }
        let job = bench.job(&body("Ada", fact, &[])).await;
        bench.until(job, Status::Succeeded).await;
        let status = bench.engine.recipes().await.unwrap().remove(0);
        assert_eq!((status.on, status.file), (true, FileState::Broken), "it is said");
    }
    assert_eq!(bench.vendor.calls("send"), ["Hello.", "Hello."]);
}

#[tokio::test]
async fn a_recipe_whose_file_is_gone_stops_and_goes_on_accepting() {
    let mut bench = bench().await;
    bench.write("test", None).await;
    for cold in [false, true] {
        if cold {
            bench = bench.restart().await;
        }
        let status = bench.engine.recipes().await.unwrap().remove(0);
        assert_eq!((status.on, status.file), (false, FileState::Missing));
        let fact = if cold { "2" } else { "1" };
        let job = bench.job(&body("Ada", fact, &[])).await;
        assert_eq!(bench.row(job).await.standing.status, Status::Queued);
    }
    assert_eq!(bench.vendor.calls("upload"), [""; 0]);
    // It is back, and what came meanwhile is worked.
    bench.write("test", Some(SAYS)).await;
    bench.engine.switch("test", true).await.unwrap();
    bench.until_called("send", 2).await;
}

#[tokio::test]
async fn a_recipe_is_forgotten_once_its_file_is_gone_and_its_jobs_are_over_or_may_end() {
    let mut bench = bench().await;
    bench.vendor.next("upload", Reply::Fail(Failure::transient("busy", "later")));
    let begun = bench.job(&body("Ada", "1", &[])).await;
    bench.until(begun, Status::Waiting).await;
    let refused = bench.engine.forget("test", "Grace", true).await;
    assert!(matches!(refused, Err(CommandError::NotGone(_))), "{refused:?}");
    bench.write("test", None).await;
    let held = bench.job(&body("Bob", "2", &[])).await;
    let refused = bench.engine.forget("test", "Grace", false).await;
    assert!(matches!(refused, Err(CommandError::JobsLeft { jobs: 2, .. })), "{refused:?}");
    assert_eq!(bench.engine.forget("test", "Grace", true).await.unwrap(), 2);
    for cold in [false, true] {
        if cold {
            bench = bench.restart().await;
        }
        assert_eq!(bench.deliver(&body("Ada", "3", &[])).await.status, 404);
        for job in [begun, held] {
            assert_eq!(bench.row(job).await.standing.note, "Cancelled by Grace.");
        }
    }
    // What it knows it knows: neither event makes a job again.
    bench.write("test", Some(SAYS)).await;
    bench.engine.switch("test", true).await.unwrap();
    let repeat = bench.deliver(&body("Bob", "2", &[])).await;
    assert_eq!((repeat.status, repeat.jobs), (200, vec![held]));
    assert_eq!(bench.vendor.calls("send"), [""; 0]);
}
