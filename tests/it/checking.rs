//! `check` through the real binary: what it writes for whom, what it puts right, and what hostile files cost it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

const MISSPELT: &str = "\
title: Notes   # who is hired
trigger: greenhouse.hierd
steps:
  - action: log.wirte
    with: { message: {{ event.candidate.frist_name }} }
    when: \"{{ event.offer is not none }}\"
";

const RIGHT: &str = "\
title: Notes   # who is hired
trigger: greenhouse.hired
steps:
  - action: log.write
    with: { message: \"{{ event.candidate.first_name }}\" }
    when: event.offer is not none
";

#[test]
fn fix_puts_right_what_is_clear_and_nothing_else() {
    let project = project(MISSPELT);
    let recipe = project.path().join("recipes/notes.yaml");
    let output = check(project.path(), &["--fix"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(fs::read_to_string(&recipe).unwrap(), RIGHT, "{said}");
    assert_eq!(output.status.code(), Some(0), "{said}");
    for change in [
        "recipes/notes.yaml:2:21: `hierd` → `hired`",
        "recipes/notes.yaml:4:17: `wirte` → `write`",
        "`frist_name` → `first_name`",
        "fixed 5 mistakes",
    ] {
        assert!(said.contains(change), "{change}: {said}");
    }
    let before = fs::metadata(&recipe).unwrap().modified().unwrap();
    let output = check(project.path(), &["--fix"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("nothing to fix"));
    assert_eq!(fs::read_to_string(&recipe).unwrap(), RIGHT);
    assert_eq!(fs::metadata(&recipe).unwrap().modified().unwrap(), before, "not even written");
}

#[test]
fn what_cannot_be_fixed_is_reported_and_ends_with_one() {
    let project =
        project("trigger: greenhouse.hired\nsteps:\n  - stop: skiped\n  - action: log.nothing\n");
    let output = check(project.path(), &["--fix", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let codes: Vec<&str> = found["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["unreachable", "unknown-action"]);
    let text = fs::read_to_string(project.path().join("recipes/notes.yaml")).unwrap();
    assert!(text.contains("stop: skipped"));
}

#[test]
fn programs_get_each_mistake_in_their_form() {
    let project = project(MISSPELT);
    let json: Value =
        serde_json::from_slice(&check(project.path(), &["--format", "json"]).stdout).unwrap();
    let first = &json["diagnostics"][2];
    assert_eq!(
        (first["file"].as_str(), first["line"].as_u64(), first["column"].as_u64()),
        (Some("recipes/notes.yaml"), Some(5), Some(22))
    );
    assert_eq!(first["end"]["column"], 54);
    assert_eq!(first["fix"]["text"], "\"{{ event.candidate.frist_name }}\"");

    let output = check(project.path(), &["--format", "sarif"]);
    assert_eq!(output.status.code(), Some(1));
    let sarif: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let result = &sarif["runs"][0]["results"][2];
    assert_eq!(result["ruleId"], "unquoted-expression");
    let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str();
    assert_eq!(uri, Some("recipes/notes.yaml"), "as seen from the working folder");

    let output = check(project.path(), &["--format", "github"]);
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(
        lines.lines().nth(2).unwrap().starts_with("::error file=recipes/notes.yaml,line=5,col=22,endColumn=54,title=unquoted-expression::YAML reads"),
        "{lines}"
    );
}

#[test]
fn a_hint_is_told_to_everybody_and_changes_no_exit_code() {
    let project = project(
        "trigger: greenhouse.hired\nsteps:\n  - action: log.write\n    with: { message: \"{{ event.job.custom_fields.team.value | default('') }}\" }\n",
    );
    let output = check(project.path(), &[]);
    let (drawn, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{drawn}");
    assert!(
        drawn.starts_with("hint[undeclared-field]: nothing declares the type of `team`"),
        "{drawn}"
    );
    assert!(said.ends_with("no mistakes, 1 hint\n"), "{said}");

    // The lines that it shows are the ones to add.
    let lines = drawn.lines().skip_while(|line| !line.contains("= help")).skip(1).take(3);
    let lines: Vec<&str> = lines.collect();
    let indent = lines[0].len() - lines[0].trim_start().len();
    let lines: Vec<&str> = lines.into_iter().map(|line| &line[indent..]).collect();
    let connections = fs::read_to_string(project.path().join("connections.yaml")).unwrap();
    assert_eq!(lines, ["greenhouse:", "  custom_fields:", "    job: { team: TYPE }"]);
    let added = lines[1..].join("\n").replace("TYPE", "short_text");
    fs::write(project.path().join("connections.yaml"), connections.clone() + &added + "\n")
        .unwrap();
    assert!(text(&check(project.path(), &[]).stderr).ends_with("no mistakes\n"));
    fs::write(project.path().join("connections.yaml"), connections).unwrap();

    let json = check(project.path(), &["--format", "json"]);
    let found: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        (&found["errors"], &found["warnings"], &found["hints"]),
        (&0.into(), &0.into(), &1.into())
    );
    assert_eq!(found["diagnostics"][0]["severity"], "hint");
    let sarif = check(project.path(), &["--format", "sarif"]);
    let found: Value = serde_json::from_slice(&sarif.stdout).unwrap();
    assert_eq!(found["runs"][0]["results"][0]["level"], "note");
    let github = check(project.path(), &["--format", "github"]);
    assert!(text(&github.stdout).starts_with("::notice file=recipes/notes.yaml,line=4,"));
    assert!([json, sarif, github].iter().all(|output| output.status.success()));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_code_is_explained() {
    let project = project(RIGHT);
    let output = check(project.path(), &["--explain", "maybe-null"]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("maybe-null\n\nA value may be null here"), "{text}");
    assert!(text.contains("error[maybe-null]: ") && text.contains("= help: "), "{text}");
    let output = check(project.path(), &["--explain", "maybe-nul"]);
    assert_eq!(output.status.code(), Some(2));
}

fn project(recipe: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("recipes")).unwrap();
    fs::write(dir.path().join("recipes/notes.yaml"), recipe).unwrap();
    fs::write(
        dir.path().join("connections.yaml"),
        "greenhouse:\n  webhook_secret: env:GREENHOUSE_WEBHOOK_SECRET\n",
    )
    .unwrap();
    dir
}

/// Checks a project from inside its folder.
fn check(project: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_recipe-runner"))
        .arg("check")
        .args(more)
        .current_dir(project)
        .output()
        .unwrap()
}
