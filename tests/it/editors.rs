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
    answer.as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap()).collect()
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
