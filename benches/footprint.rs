//! What the release binary weighs: its size and what it links, how soon it answers a webhook, what it takes when idle.
//!
//! `cargo bench --bench footprint` prints the table; it ends with 1 when a limit is broken.
#![expect(clippy::unwrap_used, reason = "a measurement may panic")]
#![expect(clippy::print_stdout, reason = "the table is what it is for")]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use connector::{Secret, hmac::sign_sha256_hex, jiff::Timestamp};
use engine::{
    Accepted, Append, Entry, Intake, JobId, Kind, NewJob, Outcome, Standing, Status, StepPath,
    Store,
};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_recipe-runner");
const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// How many jobs the history holds before the service starts.
const JOBS: u32 = 1_000;
const STARTS: usize = 7;

const MOST_BYTES: u64 = 30 * 1024 * 1024;
const SLOWEST_START: Duration = Duration::from_millis(100);
const MOST_RESIDENT_KIB: u64 = 30 * 1024;

fn main() -> ExitCode {
    let folder = tempfile::tempdir().unwrap();
    let address = project(folder.path());
    fill(&folder.path().join(".recipe-runner"));

    let size = fs::metadata(BINARY).unwrap().len();
    let foreign = foreign_libraries();
    let crash_points = contains(&fs::read(BINARY).unwrap(), b"RECIPE_RUNNER_CRASH_AT");
    let mut starts: Vec<Duration> = (0..STARTS).map(|_| start(folder.path(), &address).0).collect();
    starts.sort();
    let (_, resident) = start(folder.path(), &address);

    let start = starts[STARTS / 2];
    let rows = [
        ("binary", format!("{:.1} MB", megabytes(size)), "under 30 MB", size < MOST_BYTES),
        ("links beyond the C runtime", or_nothing(&foreign), "nothing", foreign.is_empty()),
        ("crash points in it", yes(crash_points), "no", !crash_points),
        (
            "start to a webhook's 200, median",
            format!(
                "{:.0} ms ({:.0} to {:.0})",
                millis(start),
                millis(starts[0]),
                millis(starts[STARTS - 1])
            ),
            "within 100 ms",
            start <= SLOWEST_START,
        ),
        (
            "resident when idle",
            format!("{:.1} MB", megabytes(resident * 1024)),
            "under 30 MB",
            resident < MOST_RESIDENT_KIB,
        ),
    ];
    println!("release binary, {JOBS} finished jobs in the history, {STARTS} starts");
    for (what, seen, limit, good) in &rows {
        println!("  {} {what:34} {seen:24} {limit}", if *good { "✓" } else { "✗" });
    }
    if rows.iter().all(|row| row.3) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Makes the shipped project in `folder`, listening on a free port, and returns its address.
fn project(folder: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for part in ["recipes", "tables"] {
        fs::create_dir(folder.join(part)).unwrap();
        for entry in fs::read_dir(root.join(part)).unwrap() {
            let entry = entry.unwrap();
            if !entry.file_name().to_string_lossy().contains(".test.") {
                fs::copy(entry.path(), folder.join(part).join(entry.file_name())).unwrap();
            }
        }
    }
    fs::copy(root.join("connections.yaml"), folder.join("connections.yaml")).unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let settings = fs::read_to_string(root.join("runner.yaml")).unwrap();
    let settings = settings.replace("listen: 127.0.0.1:7117", &format!("listen: {address}"));
    fs::write(folder.join("runner.yaml"), settings).unwrap();
    address
}

/// Puts finished jobs into the store.
#[tokio::main(flavor = "current_thread")]
async fn fill(data: &Path) {
    let store = Store::open(data).unwrap();
    let at: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
    for number in 0..JOBS {
        let key = format!("job {number}");
        let intake = Intake {
            recipe: "greenhouse-hired-to-goco".into(),
            received_at: at,
            headers: Vec::new(),
            query: String::new(),
            body: vec![b'x'; 5_400].into(),
            verdict: "events".into(),
            answered: 200,
            jobs: vec![NewJob {
                parent: None,
                event_index: 0,
                dedupe_key: key.clone(),
                order_key: None,
                once_key: key.clone(),
                label: key.clone(),
                search: String::new(),
                attention: None,
            }],
        };
        let (_, accepted) = store.accept(intake).await.unwrap();
        let Accepted::New(job) = accepted[0] else { panic!("{key} is known already") };
        store.append_later(finished(job, at)).await.unwrap().await.unwrap();
    }
}

fn finished(job: JobId, at: Timestamp) -> Append {
    let root = StepPath::root();
    let opened = Kind::Opened { version: "v".into(), tables: "t".into(), properties: "p".into() };
    let output = Arc::new(json!({ "id": "9001", "full_name": "Johnny Smith" }));
    let outcome = Outcome {
        output: None,
        status: Status::Succeeded,
        message: "done".into(),
        error: None,
        warnings: Vec::new(),
    };
    let kinds = [
        (root.clone(), opened),
        (
            StepPath("employee".into()),
            Kind::Started { attempt: 1, input: output.clone(), once: None },
        ),
        (
            StepPath("employee".into()),
            Kind::Succeeded { output, recovered: false, warnings: Vec::new() },
        ),
        (root, Kind::Finished { outcome }),
    ];
    let entries = kinds
        .into_iter()
        .zip(1..)
        .map(|((path, kind), seq)| Entry { seq, path, at, kind })
        .collect();
    let standing = Standing {
        status: Status::Succeeded,
        wake_at: None,
        note: "done".into(),
        started_at: Some(at),
        finished_at: Some(at),
    };
    Append { job, entries, standing, claim: None, settle: None }
}

/// Starts the service; returns how long until a signed ping is answered 200, and what it takes when idle, in KiB.
fn start(folder: &Path, address: &str) -> (Duration, u64) {
    let body = br#"{"action":"ping","payload":{}}"#;
    let signature = sign_sha256_hex(&Secret::new(SECRET), body);
    let request = format!(
        "POST /hooks/greenhouse-hired-to-goco HTTP/1.1\r\nhost: {address}\r\nsignature: sha256 {signature}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let began = Instant::now();
    let mut service = spawn(folder);
    loop {
        if let Some(status) = post(address, request.as_bytes(), body) {
            assert!(status.starts_with("HTTP/1.1 200"), "{status}");
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "the service does not answer");
        thread::sleep(Duration::from_micros(200));
    }
    let took = began.elapsed();
    thread::sleep(Duration::from_secs(1));
    let resident = resident(&service);
    stop(&mut service);
    (took, resident)
}

fn spawn(folder: &Path) -> Child {
    let names = [
        ("GREENHOUSE_CLIENT_ID", "id"),
        ("GREENHOUSE_CLIENT_SECRET", "secret"),
        ("GREENHOUSE_USER_EMAIL", "admin@example.com"),
        ("GREENHOUSE_WEBHOOK_SECRET", SECRET),
        ("GOCO_API_KEY", "key"),
        ("GOCO_COMPANY", "acme"),
    ];
    Command::new(BINARY)
        .args(["start", "--all", "--project"])
        .arg(folder)
        .envs(names)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn post(address: &str, head: &[u8], body: &[u8]) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(head).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.lines().next().unwrap_or_default().to_string())
}

fn resident(service: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn stop(service: &mut Child) {
    let stopped = Command::new("kill").args(["-TERM", &service.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert!(service.wait().unwrap().success(), "the service does not stop gracefully");
}

/// Returns the shared libraries that do not belong to the C runtime.
fn foreign_libraries() -> Vec<String> {
    let runtime = [
        "linux-vdso",
        "ld-linux",
        "libc.so",
        "libm.so",
        "libgcc_s.so",
        "libpthread.so",
        "libdl.so",
        "librt.so",
    ];
    let output = Command::new("ldd").arg(BINARY).output().unwrap();
    let listing = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(listing.contains("libc.so"), "ldd says nothing: {listing}");
    let names = listing.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| !runtime.iter().any(|own| name.contains(own))).map(str::to_string).collect()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn or_nothing(names: &[String]) -> String {
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}

fn yes(found: bool) -> String {
    if found { "yes".into() } else { "no".into() }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a size for people")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
