//! The scenarios that others publish figures of, measured their way.

use std::{sync::Arc, time::Duration};

use crate::{
    Size,
    event::webhook,
    load::{self, Make},
    process::{self, Process},
    recipes::small_project,
    table,
};

const WAITS: &str =
    "trigger: { on: webhook.received, answer_within: 30s }\noutput: { done: true }\nsteps:\n";
const STEP: &str =
    "  - action: log.write\n    with: { message: \"{{ event.body.text | default('none') }}\" }\n";

pub(crate) fn run(size: Size) -> bool {
    let two = format!(
        "trigger: webhook.received\nsettings: {{ concurrency: 64 }}\nsteps:\n{}",
        STEP.repeat(2)
    );
    let one = format!("settings: {{ concurrency: 64 }}\n{WAITS}{STEP}");
    let forty = format!("{WAITS}{}", STEP.repeat(40));
    let rounds = format!(
        "{WAITS}  - for_each: event.body.items\n    as: one\n    steps:\n      - action: log.write\n        with: {{ message: a round }}\n"
    );
    let folder = tempfile::tempdir().unwrap();
    small_project(
        folder.path(),
        &[("two", two), ("one", one), ("forty", forty), ("rounds", rounds)],
    );
    let token = process::token(folder.path());
    let process = Process::runner(folder.path());
    let good = [two_steps(size, &process, &token), whole(size, &process)];
    process.stop();
    good.iter().all(|good| *good)
}

fn make(recipe: &'static str) -> Make {
    let items: Vec<u32> = (0..160).collect();
    let body = serde_json::json!({ "text": "hello", "items": items }).to_string();
    Arc::new(move |number| webhook(recipe, number, &body))
}

/// A webhook with two steps, at so many a minute.
fn two_steps(size: Size, process: &Process, token: &str) -> bool {
    let mut rows = Vec::new();
    let mut sent = 0;
    let mut slowest: f64 = 0.0;
    let rates = size.of(vec![250, 500, 1_000, 3_000, 30_000, 90_000], vec![3_000, 30_000]);
    for a_minute in rates {
        let rate = f64::from(a_minute) / 60.0;
        let jobs = (rate * size.of(12.0, 2.0)) as usize;
        let processor = process.processor();
        let found = load::open(&process.address, sent..sent + jobs, rate, &make("two"));
        sent += jobs;
        let done = wait_for_succeeded(process, token, sent);
        assert!(done, "not all of {sent} jobs ended");
        slowest = slowest.max(found.percentile(0.99));
        rows.push(vec![
            a_minute.to_string(),
            format!("{:.0}", found.per_second() * 60.0),
            found.refused.to_string(),
            format!("{:.1}", found.percentile(0.5)),
            format!("{:.1}", found.percentile(0.99)),
            format!("{:.2}", (process.processor() - processor) * 1000.0 / jobs as f64),
        ]);
    }
    table::print(
        "A webhook with two steps",
        &[
            "asked for a minute",
            "answered a minute",
            "refused",
            "p50, ms",
            "p99, ms",
            "processor a job, ms",
        ],
        &rows,
    );
    table::limit(
        &format!("the slowest p99 is {slowest:.0} ms"),
        slowest < size.of(1_000.0, 20_000.0),
    )
}

fn wait_for_succeeded(process: &Process, token: &str, jobs: usize) -> bool {
    for _ in 0..600 {
        let metric = "recipe_runner_jobs{recipe=\"two\",status=\"succeeded\"}";
        if process.metric(token, metric) >= jobs as f64 {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}

/// Whole jobs, from the request to the recipe's output.
fn whole(size: Size, process: &Process) -> bool {
    let mut rows = Vec::new();
    let mut refused = 0;
    for (what, recipe, jobs, connections) in [
        ("40 steps in sequence, one job after the other", "forty", size.of(200, 20), 1),
        ("a loop of 160 rounds, one job after the other", "rounds", size.of(100, 10), 1),
        ("a synchronous recipe of one step, `-n 5000 -c 25`", "one", size.of(5_000, 500), 25),
    ] {
        let found = load::closed(&process.address, 0..jobs, connections, &make(recipe));
        refused += found.refused;
        rows.push(vec![
            what.into(),
            format!("{:.0}", found.per_second()),
            format!("{:.1}", found.percentile(0.5)),
            format!("{:.1}", found.percentile(0.99)),
            found.refused.to_string(),
        ]);
    }
    table::print(
        "Whole jobs, from the request to the output",
        &["scenario", "a second", "p50, ms", "p99, ms", "not answered in time"],
        &rows,
    );
    table::limit("every sender got its recipe's output", refused == 0)
}
