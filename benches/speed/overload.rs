//! Ten thousand hires at once and a slow vendor: all taken, all made, each candidate's in order, and how much memory that
//! takes. And more than there is room for: the sender is asked to come again, and is taken then.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use engine::{JobQuery, JobRow, Store};

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
/// How long the vendor keeps an answer, so that nothing ends while there is no room.
const KEPT: Duration = Duration::from_secs(5);
/// How many are hired twice: the second must wait for the first.
const TWICE: usize = 10;

pub(crate) fn run(size: Size) -> bool {
    flood(size) & no_room(size)
}

fn flood(size: Size) -> bool {
    let hires = Hires::new();
    let jobs = size.of(10_000, 1_000);
    let vendor = Vendor::start(Duration::from_millis(200));
    // Whom the company had before does not count.
    vendor.forget();
    let folder = tempfile::tempdir().unwrap();
    hire_project(folder.path(), &vendor.url(), 256);
    // Every tenth hire is of the candidate of the one before.
    let candidate = |number: usize| number - usize::from(number % TWICE == 1);
    let requests: Make = Arc::new(move |number| hires.request_of(number, candidate(number), HIRE));
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
    let taken =
        table::limit(&format!("all are taken and hired once, within {MOST_RESIDENT} MB"), good);
    let (twice, early) = order(&rows(folder.path()));
    let words = format!("of {twice} candidates hired twice none was hired before the first time");
    taken & table::limit(&words, twice == jobs / TWICE && early == 0)
}

/// Sends more than unfinished jobs may take while the vendor keeps its answers, and sends again what was refused.
fn no_room(size: Size) -> bool {
    let hires = Hires::new();
    let jobs = size.of(4_000, 2_000);
    let vendor = Vendor::start(KEPT);
    // Whom the company had before does not count.
    vendor.forget();
    let folder = tempfile::tempdir().unwrap();
    hire_project(folder.path(), &vendor.url(), 256);
    let settings = folder.path().join("runner.yaml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text.replace("megabytes: 8192", "megabytes: 1")).unwrap();
    let requests: Make = Arc::new(move |number| hires.request(number, HIRE));
    let process = Process::runner(folder.path());
    let found = load::closed(&process.address, 0..jobs, 64, &requests);
    vendor.set_latency(Duration::ZERO);
    let began = Instant::now();
    let mut rounds = 0;
    while load::closed(&process.address, 0..jobs, 64, &requests).refused > 0 {
        rounds += 1;
        assert!(began.elapsed() < LONGEST, "there is no room after {rounds} rounds");
    }
    let all = vendor.wait_for(jobs, LONGEST);
    process.stop();
    let doubled = vendor.doubled();
    vendor.end();
    table::print(
        "No room: hires at once, a vendor that keeps its answers, 1 MB for unfinished jobs",
        &["hires", "acknowledged", "503 with Retry-After", "refused otherwise"],
        &[vec![
            jobs.to_string(),
            found.times.len().to_string(),
            found.asked_to_wait.to_string(),
            (found.refused - found.asked_to_wait).to_string(),
        ]],
    );
    let told = found.asked_to_wait > 0 && found.refused == found.asked_to_wait;
    table::limit("what has no room is asked to come again", told && !found.times.is_empty())
        & table::limit("it is taken then, and hired once", all && doubled == 0)
}

fn rows(folder: &Path) -> Vec<JobRow> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = Store::open(&folder.join(".recipe-runner")).unwrap();
    let query = JobQuery { limit: 100_000, ..JobQuery::default() };
    let mut rows = runtime.block_on(store.jobs(query)).unwrap();
    rows.sort_by_key(|row| row.id);
    rows
}

/// Returns how many jobs have one of the same order key before them, and how many of these began before that had ended.
fn order(rows: &[JobRow]) -> (usize, usize) {
    let mut last: HashMap<&str, &JobRow> = HashMap::new();
    let (mut behind, mut early) = (0, 0);
    for row in rows {
        let Some(before) = last.insert(row.order_key.as_deref().unwrap_or_default(), row) else {
            continue;
        };
        behind += 1;
        let ended = before.standing.finished_at;
        let began = row.standing.started_at;
        early += usize::from(began.is_some_and(|at| ended.is_none_or(|ended| at < ended)));
    }
    (behind, early)
}
