//! Every key that a recipe, a test file or `runner.yaml` may have stands in a case that is accepted.
//!
//! The keys are those that editors are told, which are those that are read.

use std::{collections::BTreeSet, fs, path::Path};

use recipe::{recipe_schema, runner_schema, test_schema};
use serde_json::Value;

use crate::support;

#[test]
fn every_key_has_an_accepted_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/accepted");
    let texts = |ending: &str| {
        let mut all = String::new();
        for case in fs::read_dir(&folder).expect("there are cases") {
            let files = fs::read_dir(case.expect("a case can be read").path());
            for file in files.expect("a case is a folder") {
                let path = file.expect("a file can be read").path();
                let name =
                    path.file_name().expect("a file has a name").to_string_lossy().into_owned();
                let test = name.contains(".test.");
                if name.ends_with(ending) && test == ending.contains(".test.") {
                    all += &fs::read_to_string(path).expect("a case is text");
                }
            }
        }
        all
    };
    let mut missing = Vec::new();
    for (ending, schema, least) in [
        (".yaml", recipe_schema(&support::catalogue()), 50),
        (".test.yaml", test_schema(), 40),
        ("runner.yaml", runner_schema(), 15),
    ] {
        let (mut keys, text) = (BTreeSet::new(), texts(ending));
        collect(&schema, &mut keys);
        assert!(keys.len() >= least, "{} keys of {ending}", keys.len());
        missing.extend(keys.into_iter().filter(|key| !stands(key, &text)).map(|key| (ending, key)));
    }
    assert!(missing.is_empty(), "these stand in no accepted case: {missing:?}");
}

/// Collects the keys of all maps but the inputs of actions, which are the connectors'.
fn collect(schema: &Value, keys: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            for (key, inner) in map {
                let properties = inner.as_object().filter(|_| key == "properties");
                for (name, property) in properties.into_iter().flatten() {
                    keys.insert(name.clone());
                    if name != "with" {
                        collect(property, keys);
                    }
                }
                if properties.is_none() {
                    collect(inner, keys);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, keys)),
        _ => {}
    }
}

/// Whether a key stands somewhere, at the begin of a line or of a map in braces.
fn stands(key: &str, text: &str) -> bool {
    text.match_indices(&format!("{key}:")).any(|(at, _)| {
        text[..at].chars().next_back().is_none_or(|before| before.is_whitespace() || before == '{')
    })
}
