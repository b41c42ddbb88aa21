//! Many waits that ended while nothing ran do not all end at once.

use std::{collections::BTreeSet, time::Duration};

use connector::{Clock as _, jiff::Timestamp};
use engine::{JobId, JobQuery, JobRow, Status};

use crate::{bench::Bench, vendor::body};

/// How many wait: sixteen go on at once anyway, and each one more makes it 25 ms longer.
const JOBS: usize = 76;
const WINDOW: Duration = Duration::from_millis((76 - 16) * 25);

const REST: &str = r#"
settings: { concurrency: 200 }
steps:
  - id: rest
    if: "event.name != 'new'"
    then:
      - { wait: 1h }
  - id: employee
    action: vendor.send
    with: { name: "{{ event.fact }}" }
"#;

async fn rows(bench: &Bench) -> Vec<JobRow> {
    bench.engine.jobs(JobQuery { limit: 500, ..JobQuery::default() }).await.unwrap()
}

fn done(rows: &[JobRow]) -> BTreeSet<JobId> {
    let succeeded = rows.iter().filter(|row| row.standing.status == Status::Succeeded);
    succeeded.map(|row| row.id).collect()
}

#[tokio::test]
async fn overdue_waits_are_spread_after_a_start_and_nothing_else_is_delayed() {
    let bench = Bench::new(REST).await;
    let mut jobs = Vec::new();
    for number in 0..JOBS {
        jobs.push(bench.job(&body(&format!("P{number}"), &number.to_string(), &[])).await);
    }
    for job in &jobs {
        bench.until(*job, Status::Waiting).await;
    }
    // Of the same person as the first: it comes after it.
    let behind = bench.job(&body("P0", "behind", &[])).await;
    let bench = bench.restart_after(Duration::from_hours(2)).await;
    let now = bench.clock.now();

    let new = bench.job(&body("new", "new", &[])).await;
    bench.until(new, Status::Succeeded).await;
    // Each says when it really goes on.
    let moments: Vec<(Timestamp, JobId)> = {
        let rows = rows(&bench).await;
        let waiting = rows.iter().filter(|row| row.standing.status == Status::Waiting);
        waiting.filter_map(|row| Some((row.standing.wake_at?, row.id))).collect()
    };
    let all: BTreeSet<Timestamp> = moments.iter().map(|(at, _)| *at).collect();
    assert!(moments.len() >= JOBS - 2 && all.len() > JOBS * 3 / 4, "{moments:?}");
    let end = now + WINDOW;
    assert!(all.iter().all(|at| (now..end).contains(at)), "{moments:?}");
    let shown = bench.engine.job(moments[0].1).await.unwrap().unwrap();
    assert_eq!(shown.row.standing.wake_at, Some(moments[0].0));

    // Half of the time wakes whoever is due by then, and nobody else.
    let middle = now + WINDOW / 2;
    bench.clock.set(middle);
    let due: BTreeSet<JobId> =
        moments.iter().filter(|(at, _)| *at <= middle).map(|(_, job)| *job).collect();
    assert!((JOBS / 4..JOBS * 3 / 4).contains(&due.len()), "{due:?}");
    for job in &due {
        bench.until(*job, Status::Succeeded).await;
    }
    let early: Vec<_> =
        moments.iter().filter(|(at, _)| *at > middle).map(|(_, job)| *job).collect();
    let over = done(&rows(&bench).await);
    assert!(early.iter().all(|job| !over.contains(job)), "{over:?}");
    bench.clock.set(end);
    for job in &jobs {
        bench.until(*job, Status::Succeeded).await;
    }
    bench.through(behind, Status::Succeeded).await;
    let sent = bench.vendor.calls("send");
    let place = |fact: &str| sent.iter().position(|sent| sent == fact);
    assert!(place("0") < place("behind"), "{sent:?}");
}

#[tokio::test]
async fn a_few_overdue_waits_end_at_once() {
    let bench = Bench::new(REST).await;
    let mut jobs = Vec::new();
    for number in 0..16 {
        jobs.push(bench.job(&body(&format!("P{number}"), &number.to_string(), &[])).await);
    }
    for job in &jobs {
        bench.until(*job, Status::Waiting).await;
    }
    let bench = bench.restart_after(Duration::from_hours(2)).await;
    for job in jobs {
        bench.until(job, Status::Succeeded).await;
    }
}
