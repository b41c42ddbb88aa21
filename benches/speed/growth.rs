//! What becomes dearer as things grow: rounds in a job, jobs in the history, recipes in a project, unfinished jobs.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Size,
    event::{Hires, webhook},
    history,
    load::{self, Make},
    process::{self, Process},
    recipes::{HIRE, hire_project, small_project},
    table,
    vendor::Vendor,
};

const LONGEST: Duration = Duration::from_secs(150);
const WAITS: &str = "trigger: { on: webhook.received, answer_within: 60s }\n";

/// Rounds of a light step, one after the other, and rounds that each wait, 100 at once.
pub(crate) fn rounds(size: Size) -> bool {
    let light = format!(
        "{WAITS}output: {{ rounds: \"{{{{ steps.all.results | length }}}}\" }}
steps:
  - id: all
    for_each: event.body.items
    as: one
    collect: one
    steps:
      - action: log.write
        with: {{ message: a round }}
"
    );
    let waits =
        light.replace("    as: one\n", "    as: one\n    at_once: 100\n") + "      - wait: 10ms\n";
    let folder = tempfile::tempdir().unwrap();
    small_project(folder.path(), &[("light", light), ("waits", waits)]);
    let process = Process::runner(folder.path());
    let mut rows = Vec::new();
    let mut good = true;
    let mut key = 0;
    for recipe in ["light", "waits"] {
        let mut a_round = Vec::new();
        for rounds in size.of(vec![10, 100, 1_000, 10_000], vec![10, 100, 1_000]) {
            let items: Vec<usize> = (0..rounds).collect();
            let body = serde_json::json!({ "items": items }).to_string();
            let mut times = Vec::new();
            for _ in 0..3 {
                key += 1;
                let request = webhook(recipe, key, &body);
                let began = Instant::now();
                let (status, answer) = load::once(&process.address, &request);
                let took = began.elapsed().as_secs_f64() * 1000.0;
                assert_eq!(status, 200, "{recipe} with {rounds} rounds: {answer}");
                times.push(took / rounds as f64);
            }
            rows.push(vec![recipe.into(), rounds.to_string(), table::spread(&times, 3)]);
            a_round.push(table::median(&times));
        }
        let [.., before, last] = a_round.as_slice() else { unreachable!("there are some sizes") };
        let grows = last / before;
        good &= table::limit(
            &format!("`{recipe}`: ten times the rounds cost {grows:.2} times as much each"),
            grows <= size.of(1.2, 5.0),
        );
    }
    process.stop();
    table::print("Rounds in one job", &["recipe", "rounds", "a round, ms"], &rows);
    good
}

pub(crate) fn run(size: Size) -> bool {
    [past(size), many_recipes(size), unfinished(size)].iter().all(|good| *good)
}

/// Intake and claims with an empty history and with a long one.
fn past(size: Size) -> bool {
    let hires = Hires::new();
    let vendor = Vendor::start(Duration::ZERO);
    let folder = tempfile::tempdir().unwrap();
    hire_project(folder.path(), &vendor.url(), 16);
    let requests: Make = {
        let hires = hires.clone();
        Arc::new(move |number| hires.request(number, HIRE))
    };
    let jobs = size.of(2_000, 200);
    let mut rows = Vec::new();
    let mut speeds = Vec::new();
    let mut sent = 0;
    for past in [0, size.of(1_000_000_i64, 10_000)] {
        if past > 0 {
            let began = Instant::now();
            history::fill(&folder.path().join(".recipe-runner/store.db"), past);
            println!("\n{past} jobs made in {:.0} s", began.elapsed().as_secs_f64());
        }
        let process = Process::runner(folder.path());
        let started = process.started_in.as_secs_f64() * 1000.0;
        let (mut answers, mut speed) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            vendor.forget();
            let found = load::open(&process.address, sent..sent + jobs / 4, 100.0, &requests);
            assert!(vendor.wait_for(jobs / 4, LONGEST));
            answers.push(found.percentile(0.5));
            vendor.forget();
            let began = Instant::now();
            load::closed(&process.address, sent + jobs / 4..sent + jobs, 64, &requests);
            assert!(vendor.wait_for(jobs - jobs / 4, LONGEST));
            speed.push((jobs - jobs / 4) as f64 / began.elapsed().as_secs_f64());
            sent += jobs;
        }
        rows.push(vec![
            past.max(1).to_string(),
            format!("{started:.0}"),
            table::spread(&answers, 2),
            table::spread(&speed, 0),
            format!("{:.1}", process.resident(false)),
        ]);
        speeds.push(table::median(&speed));
        process.stop();
    }
    vendor.end();
    table::print(
        "Jobs in the history",
        &[
            "jobs before",
            "start, ms",
            "answer p50 at 100/s, ms",
            "hires a second, saturated",
            "resident, MB",
        ],
        &rows,
    );
    let share = speeds[1] / speeds[0];
    table::limit(
        &format!("with a long history {share:.2} of the speed without one"),
        share >= size.of(0.8, 0.2),
    )
}

/// The start and the memory of a project with one recipe and with many.
fn many_recipes(size: Size) -> bool {
    let mut rows = Vec::new();
    let mut last = 0.0;
    for recipes in size.of(vec![1, 10, 100, 1_000], vec![1, 100]) {
        let folder = tempfile::tempdir().unwrap();
        hire_project(folder.path(), "http://127.0.0.1:9", 16);
        let text = fs::read_to_string(folder.path().join(format!("recipes/{HIRE}.yaml"))).unwrap();
        for number in 1..recipes {
            let other = text.replace("title: Sync", &format!("title: {number}. Sync"));
            fs::write(folder.path().join(format!("recipes/hire-{number}.yaml")), other).unwrap();
        }
        // The first start keeps the versions; later ones find them.
        let first = Process::runner(folder.path());
        let first_start = first.started_in.as_secs_f64() * 1000.0;
        first.stop();
        let mut starts = Vec::new();
        for _ in 0..3 {
            let process = Process::runner(folder.path());
            starts.push(process.started_in.as_secs_f64() * 1000.0);
            last = process.resident(false);
            process.stop();
        }
        rows.push(vec![
            recipes.to_string(),
            format!("{first_start:.0}"),
            table::spread(&starts, 0),
            format!("{last:.1}"),
        ]);
    }
    table::print(
        "Recipes in a project, each of the hire sync's size",
        &["recipes", "first start, ms", "later starts, ms", "resident, MB"],
        &rows,
    );
    table::limit(&format!("memory with many recipes: {last:.0} MB"), last < 400.0)
}

/// The start with unfinished jobs that had begun: killed in the middle, started again.
fn unfinished(size: Size) -> bool {
    let hires = Hires::new();
    let vendor = Vendor::start(Duration::from_mins(1));
    let folder = tempfile::tempdir().unwrap();
    let jobs = size.of(1_000, 100);
    hire_project(folder.path(), &vendor.url(), 256);
    let requests: Make = {
        let hires = hires.clone();
        Arc::new(move |number| hires.request(number, HIRE))
    };
    let process = Process::runner(folder.path());
    load::closed(&process.address, 0..jobs, 64, &requests);
    process.kill();
    vendor.set_latency(Duration::ZERO);
    let token = process::token(folder.path());
    let process = Process::runner(folder.path());
    let began = Instant::now();
    let started = process.started_in.as_secs_f64() * 1000.0;
    let found = load::open(&process.address, jobs..jobs + 20, 100.0, &requests);
    let hired = vendor.wait_for(jobs + 20, LONGEST);
    let took = began.elapsed().as_secs_f64();
    table::print(
        "A start with unfinished jobs, after a kill",
        &[
            "unfinished jobs",
            "start, ms",
            "answer p50 right after, ms",
            "all hired after, s",
            "resident, MB",
        ],
        &[vec![
            jobs.to_string(),
            format!("{started:.0}"),
            format!("{:.1}", found.percentile(0.5)),
            format!("{took:.1}"),
            format!("{:.1}", process.resident(false)),
        ]],
    );
    let doubled = vendor.doubled();
    let metric = format!("recipe_runner_jobs{{recipe=\"{HIRE}\",status=\"needs_attention\"}}");
    let lost = process.metric(&token, &metric);
    process.stop();
    vendor.end();
    table::limit(
        &format!("everybody is hired, {doubled} twice, {lost} wait for a person"),
        hired && doubled == 0,
    )
}
