//! Files made to hurt, through the real binary with a limit on its memory: each is refused with a message.
//!
//! The limit is on what the process may allocate (`ulimit -d`), 100 MB; the time is one second.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

const LIMIT: Duration = Duration::from_secs(1);
const KILOBYTES: u32 = 100 * 1024;

/// What one hostile project holds, and what the answer names.
struct Hostile {
    what: &'static str,
    file: &'static str,
    text: String,
    said: &'static str,
}

fn hostile() -> Vec<Hostile> {
    let trigger = "trigger: greenhouse.hired\nsteps:\n";
    let recipe = |what, text: String, said| Hostile { what, file: "recipes/bomb.yaml", text, said };
    let laughs: Vec<String> = (1..9)
        .map(|level| {
            let inner = vec![format!("*a{}", level - 1); 9].join(", ");
            format!("a{level}: &a{level} [{inner}]")
        })
        .collect();
    let nested: Vec<String> = (0..3000)
        .map(|depth| format!("{0}- if: true\n{0}  then:", " ".repeat(2 + depth * 2)))
        .collect();
    let keys: Vec<String> = (0..200_000).map(|number| format!("k{number}: 1")).collect();
    let braces =
        |depth: usize| format!("{trigger}  - if: {}1{}\n", "(".repeat(depth), ")".repeat(depth));
    let rows = |count: usize| format!("a,b\n{}", "x,y\n".repeat(count));
    vec![
        recipe("aliases", format!("a0: &a0 [lol]\n{}\n", laughs.join("\n")), "error[anchor]"),
        recipe("brackets", "[".repeat(500_000), "error["),
        recipe("dashes", "- ".repeat(300_000), "error["),
        recipe("steps in steps", format!("{trigger}{}\n", nested.join("\n")), "bomb.yaml"),
        recipe("keys", keys.join("\n"), "bomb.yaml"),
        recipe(
            "ten megabytes",
            format!("title: {}\n", "x".repeat(10 << 20)),
            "bomb.yaml` is 10 MB long",
        ),
        recipe(
            "ten megabytes of steps",
            format!("{trigger}{}", "  - stop: skipped\n".repeat(560_000)),
            "MB long",
        ),
        recipe(
            "one long line",
            format!("{trigger}  - stop: skipped\n    reason: {}\n", "word ".repeat(150_000)),
            "error[",
        ),
        recipe("brackets in an expression", braces(20_000), "error[too-long]"),
        recipe(
            "a chain of filters",
            format!("{trigger}  - if: x{}\n", " | lower".repeat(50_000)),
            "error[too-long]",
        ),
        recipe(
            "nots",
            format!("{trigger}  - if: {}true\n", "not ".repeat(100_000)),
            "error[too-long]",
        ),
        recipe(
            "templates",
            format!("label: \"{}\"\n{trigger}  - stop: skipped\n", "{{ 1 }}".repeat(50_000)),
            "error[too-long]",
        ),
        recipe(
            "an expression that multiplies",
            format!("{trigger}  - if: '{}' * 9999999 * 9999999 == 'x'\n", "x".repeat(900)),
            "error[",
        ),
        recipe("no text at all", "\u{0}".repeat(1 << 20), "error["),
        Hostile {
            what: "many rows",
            file: "tables/bomb.csv",
            text: rows(8_000_000),
            said: "bomb.csv",
        },
        Hostile {
            what: "many columns",
            file: "tables/bomb.csv",
            text: format!("{}\n", "a,".repeat(400_000)),
            said: "bomb.csv",
        },
        Hostile {
            what: "rows that do not fit",
            file: "tables/bomb.csv",
            text: format!("a,b\n{}", "x\n".repeat(400_000)),
            said: "bomb.csv",
        },
        Hostile {
            what: "one long cell",
            file: "tables/bomb.csv",
            text: format!("a,b\n\"{}", "x".repeat(70 << 20)),
            said: "bomb.csv",
        },
        Hostile {
            what: "test aliases",
            file: "recipes/right.test.yaml",
            text: format!("a0: &a0 [lol]\n{}\n", laughs.join("\n")),
            said: "error[anchor]",
        },
        Hostile {
            what: "test nesting",
            file: "recipes/right.test.yaml",
            text: format!("cases:\n  - name: {}\n", "[".repeat(300_000)),
            said: "error[",
        },
        Hostile {
            what: "many cases",
            file: "recipes/right.test.yaml",
            text: format!("cases:\n{}", "  - name: x\n".repeat(80_000)),
            said: "right.test.yaml",
        },
        Hostile {
            what: "connections",
            file: "connections.yaml",
            text: "[".repeat(500_000),
            said: "error[",
        },
        Hostile {
            what: "settings",
            file: "runner.yaml",
            text: format!("{}1", "a: {".repeat(100_000)),
            said: "error[",
        },
    ]
}

#[test]
fn hostile_files_are_refused_within_a_second_and_a_hundred_megabytes() {
    let mut wrong = Vec::new();
    for Hostile { what, file, text, said } in hostile() {
        let project = tempfile::tempdir().unwrap();
        write(project.path(), "recipes/right.yaml", "input: {}\nsteps:\n  - stop: skipped\n");
        write(project.path(), file, &text);
        let (output, taken) = check(project.path());
        let answer = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let refused = matches!(output.status.code(), Some(1 | 3));
        if !refused || taken > LIMIT || !answer.contains(said) || answer.len() > 200_000 {
            let beginning: String = answer.chars().take(300).collect();
            wrong.push(format!(
                "{what}: {} in {taken:?}, {} bytes: {beginning}",
                output.status,
                answer.len()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The limit is one: a table that is allowed to be large does not fit into a tenth of it.
#[test]
fn the_limit_of_memory_is_real() {
    let output = Command::new("sh")
        .args(["-c", "ulimit -d 2048 && exec \"$0\" check --explain anchor"])
        .arg(env!("CARGO_BIN_EXE_recipe-runner"))
        .output()
        .unwrap();
    assert!(!output.status.success() || cfg!(not(target_os = "linux")), "{output:?}");
}

fn write(project: &Path, file: &str, text: &str) {
    let path = project.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "how long a refusal takes is what is tested")]
fn check(project: &Path) -> (Output, Duration) {
    let begun = Instant::now();
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -d {KILOBYTES} && exec \"$0\" check --project \"$1\"")])
        .arg(env!("CARGO_BIN_EXE_recipe-runner"))
        .arg(project)
        .output()
        .unwrap();
    (output, begun.elapsed())
}
