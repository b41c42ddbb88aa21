//! How soon a webhook is answered, and what its answer costs the disk.

use std::{sync::Arc, time::Duration};

use crate::{
    Size,
    event::Hires,
    load::{self, Make},
    process::{self, Process},
    recipes::{HIRE, hire_project},
    table,
    vendor::Vendor,
};

/// At 100/s, 1,000/s and as fast as 64 senders can.
pub(crate) fn run(size: Size) -> bool {
    let hires = Hires::new();
    let vendor = Vendor::start(Duration::ZERO);
    let mut rows = Vec::new();
    let mut waits_a_job = 0.0;
    for (what, rate, jobs) in [
        ("100 a second", Some(100.0), size.of(1_000, 200)),
        ("1,000 a second", Some(1_000.0), size.of(5_000, 500)),
        ("64 senders without a pause", None, size.of(5_000, 500)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        hire_project(folder.path(), &vendor.url(), 16);
        let token = process::token(folder.path());
        let process = Process::runner(folder.path());
        let requests: Make = {
            let hires = hires.clone();
            Arc::new(move |number| hires.request(number, HIRE))
        };
        vendor.forget();
        load::closed(&process.address, 0..50, 4, &requests);
        vendor.wait_for(50, Duration::from_mins(1));
        let before = ["commits", "waits"].map(|name| counter(&process, &token, name));
        let found = match rate {
            Some(rate) => load::open(&process.address, 50..50 + jobs, rate, &requests),
            None => load::closed(&process.address, 50..50 + jobs, 64, &requests),
        };
        assert_eq!(found.refused, 0);
        assert!(vendor.wait_for(50 + jobs, Duration::from_secs(100)));
        let after = ["commits", "waits"].map(|name| counter(&process, &token, name));
        let [commits, waits] = [0, 1].map(|at| (after[at] - before[at]) / jobs as f64);
        waits_a_job = waits;
        rows.push(vec![
            what.into(),
            format!("{:.0}", found.per_second()),
            format!("{:.2}", found.percentile(0.5)),
            format!("{:.2}", found.percentile(0.99)),
            format!("{:.2}", found.percentile(0.999)),
            format!("{waits:.2}"),
            format!("{:.2}", 1.0 / commits),
        ]);
        process.stop();
    }
    vendor.end();
    table::print(
        "The answer to a webhook, with its hires made meanwhile",
        &[
            "load",
            "answered a second",
            "p50, ms",
            "p99, ms",
            "p99.9, ms",
            "waits for the disk a hire",
            "hires a commit",
        ],
        &rows,
    );
    table::limit(
        &format!(
            "a hire waits for the disk twice, before its 200 and before its write: {waits_a_job:.2}"
        ),
        waits_a_job <= size.of(2.05, 2.5),
    )
}

fn counter(process: &Process, token: &str, name: &str) -> f64 {
    process.metric(token, &format!("recipe_runner_store_{name}"))
}
