//! How soon the pages come, and how large they are, when a long history lies behind them.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Size,
    event::Hires,
    history,
    load::{self, Make},
    process::{self, Process},
    recipes::{HIRE, hire_project},
    table,
    vendor::Vendor,
};

/// The first byte of a page comes within this, on loopback.
const FIRST_BYTE: f64 = 50.0;
/// No page is larger.
const LARGEST: usize = 100_000;
/// How often each page is asked for.
const TIMES: usize = 25;

pub(crate) fn run(size: Size) -> bool {
    let jobs = size.of(1_000_000_i64, 20_000);
    let vendor = Vendor::start(Duration::ZERO);
    let folder = tempfile::tempdir().unwrap();
    hire_project(folder.path(), &vendor.url(), 16);
    one_job(folder.path(), &vendor);
    let began = Instant::now();
    history::fill(&folder.path().join(".recipe-runner/store.db"), jobs);
    println!("\n{jobs} jobs made in {:.0} s", began.elapsed().as_secs_f64());

    let process = Process::runner(folder.path());
    let token = process::token(folder.path());
    let recipe = format!("/recipes/{HIRE}");
    let (mut rows, mut good) = (Vec::new(), true);
    for path in [
        "/",
        recipe.as_str(),
        "/jobs",
        "/jobs/1",
        "/deliveries",
        "/connections",
        "/jobs?status=failed",
        "/jobs?status=succeeded&before=1000",
        "/jobs?search=1234",
        "/jobs?search=nobody",
        "/audit",
        "/api/v1/status",
        "/api/v1/jobs?limit=200",
    ] {
        let answers: Vec<_> =
            (0..TIMES).map(|_| first_byte(&process.address, &token, path)).collect();
        let waits: Vec<f64> = answers.iter().map(|(wait, _)| *wait).collect();
        let largest = answers.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0);
        let is_page = !path.starts_with("/api/");
        // One of them may meet the disk, or another process.
        let slow = waits.iter().filter(|wait| **wait > FIRST_BYTE).count();
        good &= slow <= 1 && (!is_page || largest < LARGEST);
        rows.push(vec![
            format!("`{path}`"),
            format!("{:.1}", waits[0]),
            table::spread(&waits, 1),
            format!("{:.0}", largest as f64 / 1000.0),
        ]);
    }
    process.stop();
    vendor.end();
    let columns = ["page", "first byte, asked first, ms", "first byte, ms", "size, KB"];
    table::print(&format!("Pages before {jobs} jobs"), &columns, &rows);
    table::limit(
        &format!("every page begins within {FIRST_BYTE} ms and is smaller than 100 KB"),
        good,
    )
}

/// Has the service work one job, which is then copied.
fn one_job(folder: &Path, vendor: &Vendor) {
    let process = Process::runner(folder);
    let hires = Hires::new();
    let requests: Make = Arc::new(move |number| hires.request(number, HIRE));
    load::closed(&process.address, 0..1, 1, &requests);
    assert!(vendor.wait_for(1, Duration::from_mins(1)));
    process.stop();
}

/// Returns after how many milliseconds the first byte of an answer comes, and how many bytes its body has.
fn first_byte(address: &str, token: &str, path: &str) -> (f64, usize) {
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    );
    let mut stream = TcpStream::connect(address).unwrap();
    let began = Instant::now();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = vec![0];
    stream.read_exact(&mut answer).unwrap();
    let wait = began.elapsed().as_secs_f64() * 1000.0;
    stream.read_to_end(&mut answer).unwrap();
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let text = String::from_utf8_lossy(&answer[..head]);
    assert!(text.starts_with("HTTP/1.1 200"), "{path}: {text}");
    (wait, answer.len() - head)
}
