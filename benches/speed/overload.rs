//! Ten thousand hires at once and a slow vendor: all taken, all made, and how much memory that takes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Size,
    event::Hires,
    load::{self, Make},
    process::Process,
    recipes::{HIRE, hire_project},
    table,
    vendor::Vendor,
};

const LONGEST: Duration = Duration::from_secs(200);
/// What the service may take at most meanwhile, in megabytes.
const MOST_RESIDENT: f64 = 150.0;

pub(crate) fn run(size: Size) -> bool {
    let hires = Hires::new();
    let jobs = size.of(10_000, 1_000);
    let vendor = Vendor::start(Duration::from_millis(200));
    let folder = tempfile::tempdir().unwrap();
    hire_project(folder.path(), &vendor.url(), 256);
    let requests: Make = Arc::new(move |number| hires.request(number, HIRE));
    let process = Process::runner(folder.path());
    let idle = process.resident(false);
    let began = Instant::now();
    // More connections than are served at once: the rest wait in the listener's queue.
    let found = load::closed(&process.address, 0..jobs, size.of(1_000, 200), &requests);
    let behind = jobs - vendor.made().min(jobs);
    let all = vendor.wait_for(jobs, LONGEST);
    let took = began.elapsed().as_secs_f64();
    let most = process.resident(true);
    process.stop();
    table::print(
        "Overload: hires at once, a vendor that takes 200 ms for each answer, 256 jobs at once",
        &[
            "hires",
            "acknowledged",
            "refused",
            "all acknowledged after, s",
            "ack p50, ms",
            "ack p99, ms",
            "not hired then",
            "all hired after, s",
            "resident idle, MB",
            "at most, MB",
        ],
        &[vec![
            jobs.to_string(),
            found.times.len().to_string(),
            found.refused.to_string(),
            format!("{:.1}", found.took.as_secs_f64()),
            format!("{:.0}", found.percentile(0.5)),
            format!("{:.0}", found.percentile(0.99)),
            behind.to_string(),
            format!("{took:.1}"),
            format!("{idle:.1}"),
            format!("{most:.1}"),
        ]],
    );
    let doubled = vendor.doubled();
    vendor.end();
    let good = all && doubled == 0 && found.refused == 0 && most < MOST_RESIDENT;
    table::limit(&format!("all are taken and hired once, within {MOST_RESIDENT} MB"), good)
}
