//! recipe-runner against the bare loop: the same hires, turn and turn about, each time with a fresh store.

use std::{sync::Arc, time::Duration};

use crate::{
    Size,
    event::Hires,
    load::{self, Make},
    process::Process,
    recipes::{HIRE, hire_project},
    table,
    vendor::Vendor,
};

const LONGEST: Duration = Duration::from_secs(100);
/// The least share of the bare loop's throughput.
const SHARE: f64 = 0.8;
/// What the smoke test lets pass: it guards against getting much slower, on a machine that others may use as well.
const SMOKE_SHARE: f64 = 0.4;
/// What may be added to the bare loop's p50, in milliseconds.
const ADDED: f64 = 1.0;
/// How many times the bare loop's p50 the smoke test lets pass: a busy machine slows both down.
const SMOKE_TIMES: f64 = 6.0;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Who {
    Bare,
    Runner,
}

/// One turn: how fast, what an answer took, what a whole hire took, and what it cost.
struct Turn {
    per_second: f64,
    answer: f64,
    hire: f64,
    calls: f64,
    processor: f64,
}

fn turn(
    who: Who,
    hires: &Hires,
    vendor: &Vendor,
    jobs: usize,
    at_once: u32,
    rate: Option<f64>,
) -> Turn {
    let folder = tempfile::tempdir().unwrap();
    let process = match who {
        Who::Bare => Process::bare(folder.path(), &vendor.url()),
        Who::Runner => {
            hire_project(folder.path(), &vendor.url(), at_once);
            Process::runner(folder.path())
        }
    };
    let requests: Make = {
        let hires = hires.clone();
        Arc::new(move |number| hires.request(number, HIRE))
    };
    // The first hires fill caches and connections, and are not counted.
    let warm = 200.min(jobs / 4);
    vendor.forget();
    load::closed(&process.address, 0..warm, 8, &requests);
    assert!(vendor.wait_for(warm, LONGEST), "{who:?} does not hire");
    vendor.forget();
    let (calls, processor) = (vendor.requests(), process.processor());
    let began = std::time::Instant::now();
    let found = match rate {
        Some(rate) => load::open(&process.address, warm..warm + jobs, rate, &requests),
        None => load::closed(&process.address, warm..warm + jobs, 64, &requests),
    };
    assert_eq!(found.refused, 0, "{who:?} refused hires");
    assert!(vendor.wait_for(jobs, LONGEST), "{who:?}: {} of {jobs} hires", vendor.made());
    let took = began.elapsed();
    assert_eq!(vendor.doubled(), 0, "{who:?} hired somebody twice");
    let whole: Vec<f64> = found
        .sent
        .iter()
        .map(|(number, sent)| {
            let made = vendor.made_at(&Hires::name(*number)).unwrap();
            made.duration_since(*sent).as_secs_f64() * 1000.0
        })
        .collect();
    let turn = Turn {
        per_second: jobs as f64 / took.as_secs_f64(),
        answer: found.percentile(0.5),
        hire: table::median(&whole),
        calls: (vendor.requests() - calls) as f64 / jobs as f64,
        processor: (process.processor() - processor) * 1000.0 / jobs as f64,
    };
    process.stop();
    turn
}

fn turns(size: Size, jobs: usize, rate: Option<f64>) -> [Vec<Turn>; 2] {
    let hires = Hires::new();
    let vendor = Vendor::start(Duration::ZERO);
    let (mut bare, mut runner) = (Vec::new(), Vec::new());
    for _ in 0..size.of(7, 3) {
        bare.push(turn(Who::Bare, &hires, &vendor, jobs, 16, rate));
        runner.push(turn(Who::Runner, &hires, &vendor, jobs, 16, rate));
    }
    vendor.end();
    println!("\nbody of {} bytes, {} turns each, turn and turn about", hires.bytes(), bare.len());
    [bare, runner]
}

fn row(
    what: &str,
    [bare, runner]: &[Vec<Turn>; 2],
    digits: usize,
    figure: fn(&Turn) -> f64,
) -> Vec<String> {
    let (bare, runner): (Vec<f64>, Vec<f64>) =
        (bare.iter().map(figure).collect(), runner.iter().map(figure).collect());
    vec![
        what.into(),
        table::spread(&bare, digits),
        table::spread(&runner, digits),
        table::spread(&ratios(&bare, &runner), 2),
    ]
}

fn ratios(bare: &[f64], runner: &[f64]) -> Vec<f64> {
    bare.iter().zip(runner).map(|(bare, runner)| runner / bare).collect()
}

/// Saturated: 64 senders, each sends its next hire once the last is answered.
pub(crate) fn run(size: Size) -> bool {
    let jobs = size.of(3_000, 600);
    let turns = turns(size, jobs, None);
    let rows = [
        row("hires a second", &turns, 0, |turn| turn.per_second),
        row("answer p50, ms", &turns, 1, |turn| turn.answer),
        row("calls of the vendor a hire", &turns, 2, |turn| turn.calls),
        row("processor a hire, ms", &turns, 2, |turn| turn.processor),
    ];
    table::print(
        &format!("The bare loop, saturated ({jobs} hires, 64 senders, vendor 0 ms)"),
        &["", "bare loop", "recipe-runner", "ratio"],
        &rows,
    );
    let [bare, runner] =
        turns.map(|turns| turns.iter().map(|turn| turn.per_second).collect::<Vec<_>>());
    let share = table::median(&ratios(&bare, &runner));
    let goal = table::limit(
        &format!("at least {SHARE} of the bare loop's throughput: {share:.2}"),
        share >= SHARE,
    );
    // Small sizes do not decide about the goal; it is printed all the same.
    size.of(goal, share >= SMOKE_SHARE)
}

/// Not saturated: 50 hires a second.
pub(crate) fn quiet(size: Size) -> bool {
    let jobs = size.of(400, 50);
    let turns = turns(size, jobs, Some(50.0));
    let rows = [
        row("answer p50, ms", &turns, 2, |turn| turn.answer),
        row("whole hire p50, ms", &turns, 2, |turn| turn.hire),
    ];
    table::print(
        &format!("The bare loop, not saturated ({jobs} hires, 50 a second, vendor 0 ms)"),
        &["", "bare loop", "recipe-runner", "ratio"],
        &rows,
    );
    let middle = |turns: &[Turn], figure: fn(&Turn) -> f64| {
        table::median(&turns.iter().map(figure).collect::<Vec<_>>())
    };
    let [bare, runner] = [0, 1].map(|who| middle(&turns[who], |turn| turn.answer));
    let added = runner - bare;
    let goal = table::limit(
        &format!("adds at most {ADDED} ms to the p50 of the answer: {added:.2} ms"),
        added <= ADDED,
    );
    size.of(goal, runner <= bare * SMOKE_TIMES)
}

/// A vendor that takes 50 ms for each answer: the more jobs at once, the more hires, until the processor is full.
pub(crate) fn latency(size: Size) -> bool {
    let hires = Hires::new();
    let vendor = Vendor::start(Duration::from_millis(50));
    let mut rows = Vec::new();
    let mut speeds = Vec::new();
    for at_once in size.of(vec![4_u32, 16, 64, 256], vec![4, 16]) {
        let jobs = size.of((at_once as usize * 30).clamp(200, 3_000), 100);
        let turn = turn(Who::Runner, &hires, &vendor, jobs, at_once, None);
        speeds.push(turn.per_second);
        let ideal = f64::from(at_once) * 1000.0 / (turn.calls * 50.0);
        rows.push(vec![
            at_once.to_string(),
            format!("{:.0}", turn.per_second),
            format!("{ideal:.0}"),
            format!("{:.2}", turn.processor),
            format!("{:.0} %", turn.per_second * turn.processor / 10.0 / 2.0),
        ]);
    }
    vendor.end();
    table::print(
        "A vendor that takes 50 ms for each answer",
        &[
            "jobs at once",
            "hires a second",
            "what the vendor's time allows",
            "processor a hire, ms",
            "of two cores",
        ],
        &rows,
    );
    table::limit(
        "throughput grows with the jobs at once",
        speeds.is_sorted_by(|one, two| *two > *one * size.of(0.95, 0.7)),
    )
}
