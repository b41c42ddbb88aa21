//! The schemas in editors: the real `yaml-language-server` is asked what an editor would ask it.
//!
//! `scripts/set-up` installs the server (a pinned version, from npm) into the target folder; `tests/editor/session.mjs`
//! talks to it over stdio.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

/// A place in a text: where `|` stands, which is taken out.
fn place(text: &str) -> (String, usize, usize) {
    let at = text.find('|').expect("the text marks a place");
    let before = &text[..at];
    let line = before.matches('\n').count();
    (text.replacen('|', "", 1), line, before.rsplit('\n').next().unwrap().chars().count())
}

/// Asks about texts: name, schema, text, what is asked.
fn ask(asked: &[(&str, &str, &str, &str)]) -> Value {
    let server = server();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let requests: Vec<Value> = asked
        .iter()
        .map(|(name, schema, text, ask)| {
            let (text, line, character) = place(text);
            let schema = root.join("schemas").join(schema);
            json!({
                "name": name,
                "uri": format!("file:///project/recipes/{name}.yaml"),
                "text": format!("# yaml-language-server: $schema=file://{}\n{text}", schema.display()),
                "ask": ask,
                "line": line + 1,
                "character": character,
            })
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requests.json");
    fs::write(&file, Value::from(requests).to_string()).unwrap();
    let output = Command::new("node")
        .arg(root.join("tests/editor/session.mjs"))
        .arg(&server)
        .arg(&file)
        .output()
        .expect("node is there: see scripts/set-up");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
}

/// The server as `scripts/set-up` installs it: beside the build, so that the tree stays clean.
fn server() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_recipe-runner"));
    let target = binary.ancestors().nth(2).expect("a binary lies in target/debug");
    let server = target.join("editor/node_modules/yaml-language-server/bin/yaml-language-server");
    assert!(server.exists(), "{} is not there: scripts/set-up installs it", server.display());
    server
}

fn labels(answer: &Value) -> Vec<&str> {
    let labels: Vec<&str> =
        answer.as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap()).collect();
    // So the server calls a map that has no title.
    assert!(!labels.iter().any(|label| label.starts_with("object(")), "{labels:?}");
    labels
}

#[test]
fn an_editor_completes_explains_and_marks_recipes() {
    let answers = ask(&[
        ("keys", "recipe.schema.json", "title: x\n|\n", "completion"),
        (
            "actions",
            "recipe.schema.json",
            "trigger: greenhouse.hired\nsteps:\n  - action: |\n",
            "completion",
        ),
        (
            "inputs",
            "recipe.schema.json",
            "trigger: greenhouse.hired\nsteps:\n  - action: goco.create_employee\n    with:\n      first_name: a\n      |\n",
            "completion",
        ),
        ("triggers", "recipe.schema.json", "trigger: |\n", "completion"),
        ("steps", "recipe.schema.json", "trigger: greenhouse.hired\nsteps:\n  - |\n", "completion"),
        (
            "hover",
            "recipe.schema.json",
            "trigger: greenhouse.hired\nsteps:\n  - for_|each: event.candidate.attachments\n    as: document\n    steps: []\n",
            "hover",
        ),
        (
            "hover_input",
            "recipe.schema.json",
            "trigger: greenhouse.hired\nsteps:\n  - action: goco.create_employee\n    with:\n      first_name: a\n      last_name: b\n      start_|date: 2027-01-04\n",
            "hover",
        ),
        (
            "unknown",
            "recipe.schema.json",
            "titel: Hire|\ntrigger: greenhouse.hired\nsteps:\n  - stop: skipped\n",
            "diagnostics",
        ),
        (
            "right",
            "recipe.schema.json",
            "title: Hire|\ntrigger: greenhouse.hired\nsteps:\n  - stop: skipped\n",
            "diagnostics",
        ),
    ]);
    for key in ["trigger", "steps", "finally", "label"] {
        assert!(labels(&answers["keys"]).contains(&key), "{key}: {}", answers["keys"]);
    }
    for action in ["goco.create_employee", "greenhouse.add_note", "log.write"] {
        assert!(labels(&answers["actions"]).contains(&action), "{action}: {}", answers["actions"]);
    }
    for step in ["action: goco.find_employees", "a for_each step", "set"] {
        assert!(labels(&answers["steps"]).contains(&step), "{step}: {}", answers["steps"]);
    }
    let inputs = labels(&answers["inputs"]);
    for input in ["last_name", "start_date", "department_id"] {
        assert!(inputs.contains(&input), "{input}: {inputs:?}");
    }
    assert!(!inputs.contains(&"first_name"), "what is there is not offered again: {inputs:?}");
    assert!(!inputs.contains(&"application_id"), "another action's input: {inputs:?}");
    assert!(labels(&answers["triggers"]).contains(&"greenhouse.hired"), "{}", answers["triggers"]);
    for hover in ["hover", "hover_input"] {
        assert!(answers[hover].as_str().unwrap().len() > 20, "{hover}: {}", answers[hover]);
    }
    let unknown = answers["unknown"].as_array().unwrap();
    assert!(
        unknown
            .iter()
            .any(|one| one["line"] == 1 && one["message"].as_str().unwrap().contains("titel")),
        "{unknown:?}"
    );
    assert_eq!(answers["right"], json!([]));
}

#[test]
fn an_editor_completes_explains_and_marks_tests() {
    const SCHEMA: &str = "test.schema.json";
    let cases = "cases:\n  - name: it works\n    ";
    let answers = ask(&[
        ("keys", SCHEMA, "|\n", "completion"),
        ("case", SCHEMA, &format!("{cases}|\n"), "completion"),
        ("statuses", SCHEMA, &format!("{cases}expect:\n      status: |\n"), "completion"),
        (
            "step",
            SCHEMA,
            &format!("{cases}expect:\n      steps:\n        employee:\n          |\n"),
            "completion",
        ),
        (
            "fail",
            SCHEMA,
            &format!("{cases}replies:\n      note:\n        fail:\n          |\n"),
            "completion",
        ),
        (
            "matchers",
            SCHEMA,
            &format!(
                "{cases}expect:\n      steps:\n        note:\n          with:\n            body:\n              |\n"
            ),
            "completion",
        ),
        (
            "hover",
            SCHEMA,
            &format!("{cases}expect:\n      steps: {{ employee: {{ wai|ted: 2h }} }}\n"),
            "hover",
        ),
        (
            "unknown",
            SCHEMA,
            "cases:\n  - name: it works|\n    expect: { state: succeeded }\n",
            "diagnostics",
        ),
        (
            "unknown_step_key",
            SCHEMA,
            &format!("{cases}expect: {{ steps: {{ note: {{ cuont: 1 }} }} }}|\n"),
            "diagnostics",
        ),
    ]);
    offers(&answers, "keys", &["given", "cases"]);
    offers(&answers, "case", &["expect", "replies", "event", "now"]);
    offers(&answers, "statuses", &["succeeded", "failed", "filtered"]);
    offers(&answers, "step", &["with", "count", "waited"]);
    offers(&answers, "fail", &["code", "message", "kind"]);
    offers(&answers, "matchers", &["matches", "one_of"]);
    assert!(answers["hover"].as_str().unwrap().contains("How long it takes"), "{answers}");
    marks(&answers, "unknown", 3, "state");
    marks(&answers, "unknown_step_key", 3, "cuont");
}

#[test]
fn an_editor_completes_explains_and_marks_connections() {
    const SCHEMA: &str = "connections.schema.json";
    let answers = ask(&[
        ("names", SCHEMA, "|\n", "completion"),
        ("settings", SCHEMA, "goco:\n  |\n", "completion"),
        ("connectors", SCHEMA, "chat:\n  connector: |\n", "completion"),
        (
            "named",
            SCHEMA,
            "chat:\n  connector: http\n  base_url: env:CHAT_URL\n  |\n",
            "completion",
        ),
        (
            "fields",
            SCHEMA,
            "greenhouse:\n  client_id: a\n  custom_fields:\n    offer:\n      start_bonus: |\n",
            "completion",
        ),
        ("hover", SCHEMA, "goco:\n  api_|key: env:GOCO_API_KEY\n  company: acme\n", "hover"),
        (
            "unknown",
            SCHEMA,
            "goco:\n  api_key: env:KEY\n  company: acme\n  compnay: x|\n",
            "diagnostics",
        ),
        ("secret", SCHEMA, "goco:\n  api_key: 0a1b2c|\n  company: acme\n", "diagnostics"),
    ]);
    offers(&answers, "names", &["goco", "greenhouse", "http"]);
    offers(&answers, "settings", &["api_key", "company"]);
    offers(&answers, "connectors", &["goco", "http"]);
    offers(&answers, "named", &["bearer"]);
    offers(&answers, "fields", &["currency", "single_select"]);
    assert!(!labels(&answers["settings"]).contains(&"bearer"), "another connector's setting");
    assert!(answers["hover"].as_str().unwrap().len() > 20, "{}", answers["hover"]);
    marks(&answers, "unknown", 4, "compnay");
    marks(&answers, "secret", 2, "env");
}

#[test]
fn an_editor_completes_explains_and_marks_the_settings_of_a_project() {
    const SCHEMA: &str = "runner.schema.json";
    let answers = ask(&[
        ("keys", SCHEMA, "|\n", "completion"),
        ("retention", SCHEMA, "retention:\n  |\n", "completion"),
        ("property", SCHEMA, "properties:\n  success_note:\n    type: |\n", "completion"),
        ("hover", SCHEMA, "retention:\n  payload_|days: 90\n", "hover"),
        ("unknown", SCHEMA, "listn: 127.0.0.1:7117|\n", "diagnostics"),
    ]);
    offers(&answers, "keys", &["listen", "retention", "properties"]);
    offers(&answers, "retention", &["days", "payload_days", "megabytes"]);
    offers(&answers, "property", &["boolean", "text"]);
    assert!(answers["hover"].as_str().unwrap().contains("cut"), "{}", answers["hover"]);
    marks(&answers, "unknown", 1, "listn");
}

/// Nothing in a shipped file is marked: what the checker accepts, the schemas accept.
#[test]
fn an_editor_marks_nothing_in_the_shipped_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in std::iter::once(root.to_owned()).chain(inside(&root.join("examples"))) {
        for (inner, ending, schema) in [
            ("recipes", ".test.yaml", "test.schema.json"),
            ("recipes", ".yaml", "recipe.schema.json"),
            ("", "connections.yaml", "connections.schema.json"),
            ("", "runner.yaml", "runner.schema.json"),
        ] {
            for path in inside(&folder.join(inner)) {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                let test = name.ends_with(".test.yaml") && ending == ".yaml";
                if name.ends_with(ending) && !test {
                    files.push((name.replace('/', "-"), schema, fs::read_to_string(path).unwrap()));
                }
            }
        }
    }
    assert!(files.len() >= 25, "{} files", files.len());
    let texts: Vec<_> = files
        .iter()
        .map(|(name, schema, text)| {
            // The question names the schema; where it is asked does not matter.
            let (_, text) = text.split_once('\n').unwrap();
            (name.as_str(), *schema, format!("|{text}"))
        })
        .collect();
    let asked: Vec<_> =
        texts.iter().map(|(name, schema, text)| (*name, *schema, &**text, "diagnostics")).collect();
    let answers = ask(&asked);
    for (name, ..) in &files {
        assert_eq!(answers[name], json!([]), "{name}");
    }
}

fn inside(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| {
        path.extension().is_some_and(|ending| ending == "yaml") || path.join("recipes").is_dir()
    });
    all.sort();
    all
}

fn offers(answers: &Value, name: &str, expected: &[&str]) {
    let offered = labels(&answers[name]);
    for one in expected {
        assert!(offered.contains(one), "{name}: `{one}` is not among {offered:?}");
    }
}

/// The line counts from 1, behind the one that names the schema.
fn marks(answers: &Value, name: &str, line: usize, word: &str) {
    let marked = answers[name].as_array().unwrap();
    let here = |one: &Value| one["line"] == line && one["message"].as_str().unwrap().contains(word);
    assert!(marked.iter().any(here), "{name}: {marked:?}");
}
