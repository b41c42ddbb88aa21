//! How long the check of a large project takes: 1,000 recipes made from the shipped one, each with its cases.
//!
//! `cargo bench --bench check` prints the table; it ends with 1 when a limit is broken. `-- --smoke` takes 100 recipes.
#![expect(clippy::unwrap_used, reason = "a measurement may panic")]
#![expect(clippy::print_stdout, reason = "the table is what it is for")]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
    sync::Arc,
    time::{Duration, Instant},
};

use recipe::{ProjectFiles, Source};

const BINARY: &str = env!("CARGO_BIN_EXE_recipe-runner");
const NAME: &str = "greenhouse-hired-to-goco";
const REPETITIONS: usize = 7;
/// What 1,000 recipes may take, in memory and through the program with their cases.
const SLOWEST: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let smoke = std::env::args().any(|argument| argument == "--smoke");
    let recipes = if smoke { 100 } else { 1_000 };
    let folder = tempfile::tempdir().unwrap();
    project(folder.path(), recipes);
    let files = read(folder.path(), recipes);
    let mut connectors = vec![connector_greenhouse::connector(), connector_goco::connector()];
    connectors.extend(connector_standard::connectors());
    let catalogue = connector::catalogue(&connectors);

    let bytes: usize = files.recipes.iter().map(|source| source.text.len()).sum();
    let check = times(|| {
        let (project, diagnostics) = recipe::check(&files, &catalogue);
        assert_eq!(project.recipes.len(), recipes);
        assert!(diagnostics.is_empty(), "{}", recipe::render(&diagnostics, false));
    });
    let command = times(|| {
        let checked =
            Command::new(BINARY).args(["check", "--project"]).arg(folder.path()).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    });
    println!(
        "{recipes} recipes of {} lines, {} KB together; {REPETITIONS} repetitions",
        lines(&files),
        bytes / 1024
    );
    println!("{:<44} {:>8} {:>8} {:>8}", "", "least", "median", "most");
    for (what, times) in
        [("the recipes, in memory", &check), ("`recipe-runner check`, with their cases", &command)]
    {
        let [least, median, most] =
            [0, REPETITIONS / 2, REPETITIONS - 1].map(|at| times[at].as_millis());
        println!("{what:<44} {least:>5} ms {median:>5} ms {most:>5} ms");
    }
    let allowed = SLOWEST.mul_f64(f64::from(u32::try_from(recipes).unwrap()) / 1000.0);
    let mut fast = true;
    // Of a few recipes, the program's start would be most of what is measured.
    for (what, times) in
        [("the recipes", Some(&check)), ("the program", (!smoke).then_some(&command))]
    {
        let Some(times) = times else { continue };
        let within = times[REPETITIONS / 2] < allowed;
        println!("{what} within {} ms: {}", allowed.as_millis(), if within { "yes" } else { "NO" });
        fast &= within;
    }
    if fast { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Writes the project: the shipped recipe in many variations, each with the shipped cases.
fn project(folder: &Path, recipes: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for inner in ["recipes", "tables"] {
        fs::create_dir(folder.join(inner)).unwrap();
    }
    for file in ["runner.yaml", "connections.yaml", "tables/employment_types.csv"] {
        fs::copy(root.join(file), folder.join(file)).unwrap();
    }
    let recipe = fs::read_to_string(root.join(format!("recipes/{NAME}.yaml"))).unwrap();
    let cases = fs::read_to_string(root.join(format!("recipes/{NAME}.test.yaml"))).unwrap();
    for number in 0..recipes {
        let varied = varied(&recipe, number);
        fs::write(folder.join(format!("recipes/sync-{number}.yaml")), varied).unwrap();
        // Of every tenth the cases, so that they weigh about as much as people write.
        if number.is_multiple_of(10) {
            fs::write(folder.join(format!("recipes/sync-{number}.test.yaml")), &cases).unwrap();
        }
    }
}

/// Another title, other times, sometimes another condition, sometimes more steps.
fn varied(recipe: &str, number: usize) -> String {
    let mut text = recipe
        .replace("title: Sync", &format!("title: {number}. sync"))
        .replace("minutes_old > 60", &format!("minutes_old > {}", 30 + number % 60));
    if number.is_multiple_of(3) {
        text = text.replace(
            "where(terminated=false) | length > 0",
            "where(terminated=false) | length >= 1",
        );
    }
    for step in 0..number % 5 {
        let more = format!(
            "\nsteps:\n  - id: more_{step}\n    when: event.job.departments | length > {step}\n    action: log.write\n    with:\n      \
             message: \"{{{{ event.candidate.first_name }}}} {number}\"\n"
        );
        text = text.replacen("\nsteps:\n", &more, 1);
    }
    text
}

fn read(folder: &Path, recipes: usize) -> ProjectFiles {
    let one = |name: &str| Source::new(name, fs::read_to_string(folder.join(name)).unwrap());
    ProjectFiles {
        runner: Some(one("runner.yaml")),
        connections: Some(one("connections.yaml")),
        recipes: (0..recipes).map(|number| one(&format!("recipes/sync-{number}.yaml"))).collect(),
        tables: vec![one("tables/employment_types.csv")],
    }
}

fn times(mut work: impl FnMut()) -> Vec<Duration> {
    // The first time warms caches and is not counted.
    work();
    let mut times: Vec<Duration> = (0..REPETITIONS)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        })
        .collect();
    times.sort();
    times
}

/// The lines of a recipe in the middle.
fn lines(files: &ProjectFiles) -> usize {
    let mut lines: Vec<usize> =
        files.recipes.iter().map(|source: &Arc<Source>| source.text.lines().count()).collect();
    lines.sort_unstable();
    lines[lines.len() / 2]
}
