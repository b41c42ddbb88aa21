//! How long what jobs held is kept, and what can be done with a job afterwards.

use std::time::Duration;

use connector::Failure;
use engine::{Command, CommandError, Kind, Status};

use crate::{
    bench::{Bench, deployment},
    vendor::{Reply, body},
};

const CREATE: &str =
    "steps:\n  - { id: employee, action: vendor.create, with: { name: \"{{ event.name }}\" } }\n";
const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn what_a_job_held_is_cut_after_its_days_and_it_cannot_go_on_from_it() {
    let bench = Bench::new(CREATE).await;
    let mut settings = deployment(&bench.vendor, CREATE);
    let mut project = (*settings.project).clone();
    project.runner.keep_payload_days = Some(30);
    settings.project = project.into();
    bench.engine.deploy(settings).await.unwrap();
    bench.vendor.next("create", Reply::Fail(Failure::permanent("no", "never")));
    let event = body("Ada", "1", &[]);
    let failed = bench.job(&event).await;
    bench.until(failed, Status::Failed).await;
    // Within its days it is whole, and can be looked at and worked again.
    bench.pass(DAY * 29);
    let young = bench.job(&body("Bob", "2", &[])).await;
    bench.until(young, Status::Succeeded).await;
    assert!(!bench.row(failed).await.cut);
    bench.pass(DAY * 2);
    let cut = tokio::time::timeout(Duration::from_secs(10), async {
        // Whoever cuts may have looked just before the days passed, and looks again after an hour.
        for look in 0.. {
            if bench.row(failed).await.cut {
                break;
            }
            if look % 50 == 0 && look < 1000 {
                bench.pass(DAY / 24);
            }
            tokio::task::yield_now().await;
        }
    });
    cut.await.unwrap();
    assert!(!bench.row(young).await.cut);
    let entries = bench.entries(failed).await;
    let input = entries.iter().find_map(|entry| match &entry.kind {
        Kind::Started { input, .. } => Some(input.clone()),
        _ => None,
    });
    assert_eq!(input.unwrap()["cut"]["bytes"], r#"{"name":"Ada"}"#.len());

    let retry = Command::Retry { newest: false, force: false };
    let refused = bench.engine.command(failed, "Grace", retry).await.unwrap_err();
    assert!(matches!(refused, CommandError::Cut(job) if job == failed), "{refused}");
    assert!(refused.to_string().contains("retention.payload_days"), "{refused}");
    let refused = bench.engine.submit_again(failed).await.unwrap_err();
    assert!(matches!(refused, CommandError::Cut(_)), "{refused}");
    // The recruiter presses the button again: it is worked anew, and the other is there to be seen.
    let again = bench.job(&event).await;
    assert_ne!(again, failed);
    bench.until(again, Status::Succeeded).await;
    assert_eq!(bench.row(failed).await.standing.status, Status::Failed);
}

#[tokio::test]
async fn the_budget_of_the_history_is_kept_while_jobs_come_and_go() {
    const BUDGET: u64 = 1 << 20;
    let bench = Bench::new(CREATE).await;
    let mut settings = deployment(&bench.vendor, CREATE);
    let mut project = (*settings.project).clone();
    project.runner.keep_megabytes = 1;
    settings.project = project.into();
    bench.engine.deploy(settings).await.unwrap();
    let mut state = 7_u64;
    let mut noise = || {
        let digits = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            format!("{:x}", state >> 32)
        });
        digits.take(8000).collect::<String>()
    };
    // Four times the budget, and the clock stands still: nothing waits for the next look.
    let mut most = 0;
    for number in 0..120 {
        let job = bench.job(&body("Ada", &number.to_string(), &[&noise()])).await;
        bench.until(job, Status::Succeeded).await;
        most = most.max(bench.engine.store().size().await.unwrap().finished);
    }
    assert!(most > BUDGET / 2 && most < 2 * BUDGET, "{most}");
}

#[tokio::test]
async fn the_age_of_the_history_is_kept_while_jobs_come_and_go() {
    const DAYS: u32 = 3;
    let bench = Bench::new(CREATE).await;
    let mut settings = deployment(&bench.vendor, CREATE);
    let mut project = (*settings.project).clone();
    project.runner.keep_days = DAYS;
    settings.project = project.into();
    bench.engine.deploy(settings).await.unwrap();
    // Eight days, a job every six hours; one of them is never over.
    let open = bench.deliver_bytes(b"<html>", "good").await.jobs[0];
    bench.until(open, Status::NeedsAttention).await;
    let mut known = Vec::new();
    for number in 0..32 {
        let job = bench.job(&body("Ada", &number.to_string(), &[])).await;
        bench.until(job, Status::Succeeded).await;
        known.push(job);
        bench.pass(DAY / 4);
        // Those that ended more than so many days ago are gone by the next look, and no others.
        let old = (known.len()).saturating_sub(DAYS as usize * 4);
        let gone = tokio::time::timeout(Duration::from_secs(10), async {
            for job in &known[..old.saturating_sub(1)] {
                while bench.engine.store().job(*job).await.unwrap().is_some() {
                    tokio::task::yield_now().await;
                }
            }
        });
        assert!(gone.await.is_ok(), "job {number}: {old} are too old");
        for job in &known[old..] {
            assert!(bench.engine.store().job(*job).await.unwrap().is_some(), "{job} went early");
        }
    }
    assert_eq!(bench.row(open).await.standing.status, Status::NeedsAttention);
}

#[tokio::test]
async fn of_refused_deliveries_the_newest_are_kept_and_a_flood_of_them_is_one_write() {
    let bench = Bench::new(CREATE).await;
    let refused = async |bench: &Bench| bench.engine.refused(Some("test")).await.unwrap();
    let before = bench.engine.store().stats();
    for size in 0..500 {
        bench.pass(Duration::from_millis(1));
        assert_eq!(bench.deliver_bytes(&vec![b'x'; size], "bad").await.status, 401);
    }
    let after = bench.engine.store().stats();
    assert_eq!(after.waits, before.waits, "nobody waits");
    assert!(after.requests < before.requests + 5, "{before:?} {after:?}");
    let seen = refused(&bench).await;
    let sizes: Vec<_> = seen.iter().map(|one| one.size.unwrap()).collect();
    assert_eq!(sizes, (480..500).rev().collect::<Vec<_>>());
    assert_eq!((seen[0].answered, seen[0].reason.as_str()), (401, "no proof"));
    // Whether there was a proof is told, and never what it was.
    assert!(!format!("{seen:?}").contains("bad"), "{seen:?}");
    assert_eq!(bench.engine.refused(Some("another")).await.unwrap(), []);
    let bench = bench.restart().await;
    assert_eq!(refused(&bench).await, seen, "they outlive a restart");

    // Later ones are written by themselves, all at once, and what was there before gives way.
    bench.pass(Duration::from_secs(1));
    for _ in 0..15 {
        bench.deliver_bytes(b"", "bad").await;
    }
    let before = bench.engine.store().stats().requests;
    let written = tokio::time::timeout(Duration::from_secs(10), async {
        while bench.engine.store().stats().requests == before {
            bench.pass(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    });
    written.await.unwrap();
    assert!(bench.engine.store().stats().requests < before + 10, "not one each");
    let bench = bench.restart().await;
    let seen = refused(&bench).await;
    let newer = seen.iter().filter(|one| one.size == Some(0)).count();
    assert_eq!((seen.len(), newer), (20, 15));
}
