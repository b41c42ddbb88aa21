//! Clocks that jump, leap days, hours that daylight saving leaves out: a wait ends once, at its moment.

use std::time::Duration;

use connector::jiff::Timestamp;
use engine::Status;

use crate::{bench::Bench, vendor::body};

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const REST: &str = "steps:\n  - { id: rest, wait: 2h }\n  - { id: employee, action: vendor.create, with: { name: x } }\n";

#[tokio::test]
async fn a_wait_ends_once_however_the_clock_jumps() {
    let mut bench = Bench::new(REST).await;
    let job = bench.job(&body("Ann", "1", &[])).await;
    let row = bench.until(job, Status::Waiting).await;
    assert_eq!(row.standing.wake_at, Some(moment("2026-11-23T11:00:00Z")));
    // Back by a day: it waits for its moment, also after a restart.
    bench.clock.set(moment("2026-11-22T09:00:00Z"));
    bench = bench.restart().await;
    bench.clock.set(moment("2026-11-23T10:59:59Z"));
    assert_eq!(bench.until(job, Status::Waiting).await.standing, row.standing);
    // Ahead by months: it goes on at once.
    bench.clock.set(moment("2027-03-01T00:00:00Z"));
    bench.until(job, Status::Succeeded).await;
    // Back again: nothing fires anew, and time in a journal does not run backwards.
    bench.clock.set(moment("2026-11-23T09:00:00Z"));
    bench = bench.restart().await;
    let again = bench.job(&body("Bob", "2", &[])).await;
    bench.through(again, Status::Succeeded).await;
    for job in [job, again] {
        let story = bench.story(job).await;
        assert_eq!(story.iter().filter(|word| *word == "rest:fired").count(), 1, "{story:?}");
        let entries = bench.entries(job).await;
        assert!(entries.is_sorted_by_key(|entry| entry.at), "{entries:#?}");
    }
    assert_eq!(bench.vendor.calls("create").len(), 2);
}

#[tokio::test]
async fn a_moment_by_the_clock_on_a_wall_is_the_right_one() {
    for (text, zone, due) in [
        ("2028-02-29T09:00", "Europe/Vienna", "2028-02-29T08:00:00Z"),
        // Clocks go from 2:00 to 3:00: half past two is not there, and is as long after two as it was meant.
        ("2027-03-28T02:30", "Europe/Vienna", "2027-03-28T01:30:00Z"),
        // Clocks go from 3:00 back to 2:00: half past two is there twice, and the first counts.
        ("2027-10-31T02:30", "Europe/Vienna", "2027-10-31T00:30:00Z"),
        ("2027-07-01T09:00", "America/New_York", "2027-07-01T13:00:00Z"),
    ] {
        let steps = format!(
            "steps:\n  - id: rest\n    wait: \"{{{{ '{text}' | datetime('{zone}') }}}}\"\n  - stop: succeeded\n"
        );
        let bench = Bench::new(&steps).await;
        let job = bench.job(&body("Ann", "1", &[])).await;
        let row = bench.until(job, Status::Waiting).await;
        assert_eq!(row.standing.wake_at, Some(moment(due)), "{text} in {zone}");
        let early = moment(due).checked_sub(Duration::from_secs(1)).unwrap();
        bench.clock.set(early);
        assert_eq!(bench.row(job).await.standing.status, Status::Waiting);
        bench.clock.set(moment(due));
        bench.until(job, Status::Succeeded).await;
    }
}
