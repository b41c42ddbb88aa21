//! What a job costs: processor, rows and bytes, memory; idle, and with a thousand jobs in flight.

use std::{sync::Arc, time::Duration};

use rusqlite::Connection;

use crate::{
    Size,
    event::Hires,
    load::{self, Make},
    process::{self, Process},
    recipes::{HIRE, hire_project},
    table,
    vendor::Vendor,
};

const LONGEST: Duration = Duration::from_mins(2);
/// The tables that a hire has rows in.
const TABLES: [&str; 5] = ["deliveries", "jobs", "journal", "dedupe", "effects"];

pub(crate) fn run(size: Size) -> bool {
    let people = Hires::new();
    let vendor = Vendor::start(Duration::ZERO);
    let folder = tempfile::tempdir().unwrap();
    let in_flight = size.of(1_000, 100);
    hire_project(folder.path(), &vendor.url(), in_flight as u32);
    let requests: Make = {
        let people = people.clone();
        Arc::new(move |number| people.request(number, HIRE))
    };
    let process = Process::runner(folder.path());
    let idle = process.resident(false);

    let jobs = size.of(4_000, 400);
    let (processor, written) = (process.processor(), process.written());
    // 200 hires a second: neither idle nor full, so that commits are shared as on a busy day.
    load::open(&process.address, 0..jobs, 200.0, &requests);
    assert!(vendor.wait_for(jobs, LONGEST));
    let processor = (process.processor() - processor) * 1000.0 / jobs as f64;
    let written = (process.written() - written) / jobs as f64;
    let after = process.resident(false);
    process.stop();
    let data = folder.path().join(".recipe-runner");
    let kept = process::bytes_in(&data) as f64 / jobs as f64;
    let rows_of = rows(&data.join("store.db"), jobs);
    let entries: i64 = Connection::open(data.join("store.db"))
        .unwrap()
        .query_row("SELECT sum(last - first + 1) FROM journal", [], |row| row.get(0))
        .unwrap();
    let entries = entries as f64;

    vendor.set_latency(Duration::from_secs(4));
    vendor.forget();
    let process = Process::runner(folder.path());
    load::closed(&process.address, jobs..jobs + in_flight, 64, &requests);
    std::thread::sleep(Duration::from_secs(2));
    let busy = process.resident(false);
    vendor.set_latency(Duration::ZERO);
    assert!(vendor.wait_for(in_flight, LONGEST), "{} of {in_flight}", vendor.made());
    let most = process.resident(true);
    process.stop();
    vendor.end();

    let one = |what: &str, figure: String| vec![what.to_owned(), figure];
    let mut table_rows = vec![
        one("processor a hire", format!("{processor:.2} ms")),
        one("kept on the disk a hire, body included", format!("{kept:.0} bytes")),
        one("written to the disk a hire, log included", format!("{written:.0} bytes")),
    ];
    table_rows.extend(
        rows_of
            .iter()
            .map(|(name, rows)| one(&format!("rows in `{name}` a hire"), format!("{rows:.2}"))),
    );
    table_rows.extend([
        one("resident when idle", format!("{idle:.1} MB")),
        one(&format!("resident after {jobs} hires"), format!("{after:.1} MB")),
        one(&format!("resident with {in_flight} hires in flight"), format!("{busy:.1} MB")),
        one("most that was resident then", format!("{most:.1} MB")),
    ]);
    table::print(
        &format!("What a hire costs (body of {} bytes)", people.bytes()),
        &["", ""],
        &table_rows,
    );
    let entries = entries / jobs as f64;
    let few =
        table::limit(&format!("a hire has at most 30 entries: {entries:.1}"), entries <= 30.0);
    let journal =
        rows_of.iter().find(|(name, _)| *name == "journal").map_or(f64::NAN, |found| found.1);
    few & table::limit(&format!("in at most 3 rows, each an append: {journal:.2}"), journal <= 3.0)
}

/// Returns how many rows of each table a hire has.
fn rows(database: &std::path::Path, jobs: usize) -> Vec<(&'static str, f64)> {
    let database = Connection::open(database).unwrap();
    TABLES
        .map(|table| {
            let rows: i64 = database
                .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
                .unwrap();
            (table, rows as f64 / jobs as f64)
        })
        .to_vec()
}
