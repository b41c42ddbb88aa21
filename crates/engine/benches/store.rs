//! What a hire costs in the store: processor of its writer and of the process, bytes written and kept.
//!
//! `cargo bench -p engine --bench store` takes 5,000 hires five times, each time into a new store; `-- HIRES AT_ONCE`
//! takes so many, so many at once. A hire is what the shipped sync makes of it without documents: a delivery, the append
//! that claims the create, and the one that settles it and ends the job, as `hire.txt` has them. Processor time is looked
//! at, not the clock: others may use the machine.
#![expect(clippy::unwrap_used, reason = "a measurement may panic")]
#![expect(clippy::print_stdout, reason = "the table is what it is for")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use engine::{
    Accepted, Append, Claim, Claimed, Effect, Entry, Intake, JobId, NewJob, Standing, Status,
    StepPath, Store,
};
use jiff::Timestamp;
use serde_json::json;

/// The allocator of the service, which its database uses, too.
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const TURNS: usize = 5;
/// The journal of a hire, the rows of which an empty line parts: path, moment and what happened, with tabs between them.
const HIRE: &str = include_str!("hire.txt");
/// The body that Greenhouse sent for it.
const BODY: &str = include_str!("hire.json");
const RECIPE: &str = "greenhouse-hired-to-goco";

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse().ok());
    let hires = numbers.next().unwrap_or(5_000);
    let at_once = numbers.next().unwrap_or(24);
    println!("{hires} hires, {at_once} at once; a hire:");
    let turns: Vec<Cost> = (0..TURNS).map(|_| turn(hires, at_once)).collect();
    let least = |of: Figure| turns.iter().map(of).fold(f64::INFINITY, f64::min);
    let most = |of: Figure| turns.iter().map(of).fold(0.0, f64::max);
    let rows: [(&str, Figure); 6] = [
        ("writer's processor, µs", |cost| cost.writer),
        ("whole processor, µs", |cost| cost.process),
        ("bytes written", |cost| cost.written),
        ("writes", |cost| cost.writes),
        ("bytes kept", |cost| cost.kept),
        ("hires a commit", |cost| cost.shared),
    ];
    for (name, of) in rows {
        println!("{name:24} {:9.1} to {:9.1}", least(of), most(of));
    }
}

/// What a hire cost.
struct Cost {
    writer: f64,
    process: f64,
    written: f64,
    writes: f64,
    kept: f64,
    shared: f64,
}

/// One of them.
type Figure = fn(&Cost) -> f64;

fn turn(hires: u32, at_once: u32) -> Cost {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let rows: Arc<[Vec<Entry>]> = journal().into();
    // The file has its first pages, and every statement is prepared.
    runtime.block_on(many(&store, &rows, 0..100, at_once));
    let before = (processor(true), processor(false), written(), store.stats());
    runtime.block_on(many(&store, &rows, 100..100 + hires, at_once));
    let commits = store.stats().commits - before.3.commits;
    let (bytes, writes) = written();
    let each = |figure: u64| figure as f64 / f64::from(hires);
    let mut cost = Cost {
        writer: each(processor(true) - before.0) / 1000.0,
        process: each(processor(false) - before.1) / 1000.0,
        written: each(bytes - before.2.0),
        writes: each(writes - before.2.1),
        kept: 0.0,
        shared: f64::from(hires) / commits as f64,
    };
    let counts = runtime.block_on(store.counts()).unwrap();
    assert_eq!(counts.len(), 1, "{counts:?}");
    assert_eq!(counts[0].jobs, u64::from(100 + hires));
    drop(store);
    let kept = fs::metadata(folder.path().join("store.db")).unwrap().len();
    cost.kept = each(kept);
    cost
}

/// Makes hires from many tasks at once, each after the other.
async fn many(store: &Store, rows: &Arc<[Vec<Entry>]>, hires: std::ops::Range<u32>, at_once: u32) {
    let next = Arc::new(AtomicU32::new(hires.start));
    let tasks: Vec<_> = (0..at_once)
        .map(|_| {
            let (store, rows, next) = (store.clone(), rows.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= hires.end {
                        break;
                    }
                    hire(&store, &rows, number).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    store.flush().await.unwrap();
}

async fn hire(store: &Store, rows: &[Vec<Entry>], number: u32) {
    let person = format!("P{number:07}");
    let body = BODY.replace("P0000019", &person);
    // Nobody is hired in the order of application.
    let application = number.wrapping_mul(2_654_435_761);
    let job = NewJob {
        event_index: 0,
        dedupe_key: format!("hired:{application}:1"),
        order_key: Some(format!("goco employee {person} smith")),
        once_key: format!("{application}/1"),
        label: format!("{person} Smith"),
        search: format!("{person}@example.com {application}"),
        attention: None,
        parent: None,
    };
    let intake = Intake {
        recipe: RECIPE.into(),
        received_at: moment(number),
        headers: vec![
            ("host".into(), "bench".into()),
            ("content-type".into(), "application/json".into()),
            ("content-length".into(), body.len().to_string()),
        ],
        query: String::new(),
        body: body.into_bytes().into(),
        verdict: "events".into(),
        answered: 200,
        jobs: vec![job],
    };
    let accepted = store.accept(intake).await.unwrap().1;
    let [Accepted::New(job)] = accepted[..] else { panic!("{accepted:?}") };
    let effect = Effect {
        connection: "goco".into(),
        action: "goco.create_employee".into(),
        key: format!("{application}/1/employee"),
    };
    let mut claim = append(job, rows[0].clone(), Status::Running, number);
    claim.claim = Some(Claim { effect: effect.clone(), path: "employee".into(), take_over: false });
    assert_eq!(store.append(claim).await, Ok(Claimed::Mine));
    let mut end = append(job, rows[1].clone(), Status::Succeeded, number);
    end.settle = Some((effect, Some(Arc::new(json!({ "id": number, "url": null })))));
    // The engine goes on once it is queued; here the task is the next hire's.
    drop(store.append_later(end).await.unwrap());
}

fn append(job: JobId, mut entries: Vec<Entry>, status: Status, number: u32) -> Append {
    for entry in &mut entries {
        entry.at = moment(number);
    }
    let standing = Standing {
        status,
        wake_at: None,
        note: if status.is_final() { "hired".into() } else { "employee".into() },
        started_at: Some(moment(number)),
        finished_at: status.is_final().then(|| moment(number)),
    };
    Append { job, entries: entries.into(), standing, claim: None, settle: None }
}

/// The moment of a hire: a thousand come each second.
fn moment(number: u32) -> Timestamp {
    let nanos = 1_764_000_000_123_456_789 + i128::from(number) * 1_000_000;
    Timestamp::from_nanosecond(nanos).unwrap()
}

/// Returns the rows of a hire's journal.
fn journal() -> Vec<Vec<Entry>> {
    let mut seq = 0;
    let mut entry = |line: &str| {
        let mut parts = line.splitn(3, '\t');
        let path = StepPath(parts.next().unwrap().into());
        let at = moment(0);
        parts.next().unwrap();
        seq += 1;
        Entry { seq, path, at, kind: serde_json::from_str(parts.next().unwrap()).unwrap() }
    };
    HIRE.split("\n\n").map(|row| row.lines().map(&mut entry).collect()).collect()
}

/// Returns the nanoseconds of processor that the writer has taken, or every thread of this process.
fn processor(writer_alone: bool) -> u64 {
    let mut all = 0;
    for thread in fs::read_dir("/proc/self/task").unwrap() {
        let thread = thread.unwrap().path();
        let read = |name: &str| fs::read_to_string(Path::new(&thread).join(name)).unwrap();
        if !writer_alone || read("comm").trim() == "store" {
            all += read("schedstat").split(' ').next().unwrap().parse::<u64>().unwrap();
        }
    }
    all
}

/// Returns how many bytes this process has written to files, and how often.
fn written() -> (u64, u64) {
    let io = fs::read_to_string("/proc/self/io").unwrap();
    let figure = |name: &str| {
        let line = io.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().parse::<u64>().unwrap()
    };
    (figure("wchar:"), figure("syscw:"))
}
