//! Recipes that are refused, each with exactly what it is told, and recipes that are not.
//!
//! A case is a folder: `recipe.yaml`, perhaps `connections.yaml`, `runner.yaml` or a table, and `expected.txt`. Run with
//! `UPDATE=1` to write the latter, then read every line of the difference.

#![expect(
    clippy::disallowed_methods,
    reason = "`UPDATE` is how a person asks for new golden files"
)]

use std::path::{Path, PathBuf};

use recipe::{Severity, check, render};

use crate::support;

#[test]
fn rejected_recipes_are_told_why() {
    let cases = folders("rejected");
    assert!(cases.len() >= 45, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for folder in cases {
        let (project, diagnostics) = check(&support::project(&folder), &support::catalogue());
        let name = folder.file_name().expect("a case has a name").to_string_lossy().into_owned();
        assert!(!diagnostics.is_empty(), "{name} is accepted");
        let errors = diagnostics.iter().any(|one| one.severity == Severity::Error);
        // A file of connections that cannot be read leaves no recipe bound; other mistakes elsewhere leave it right.
        let refused = name == "connections_not_yaml"
            || diagnostics.iter().any(|one| {
                one.severity == Severity::Error && one.source.path == "recipes/hire.yaml"
            });
        assert_eq!(project.recipes.contains_key("hire"), !refused, "{name}");
        assert_eq!(errors, !name.starts_with("warning_"), "{name}: warnings alone are named so");
        let found = render(&diagnostics, false);
        let golden = folder.join("expected.txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &found).expect("the folder can be written");
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        if found != expected {
            wrong.push(format!("{name}\n--- expected\n{expected}--- found\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn accepted_recipes_have_nothing_to_say() {
    let cases = folders("accepted");
    assert!(!cases.is_empty());
    for folder in cases {
        let (project, diagnostics) = check(&support::project(&folder), &support::catalogue());
        assert!(diagnostics.is_empty(), "{}\n{}", folder.display(), render(&diagnostics, false));
        assert!(project.recipes.contains_key("hire"), "{}", folder.display());
    }
}

/// Three mistakes of three kinds in one file, and one in another: each is reported in the same go.
#[test]
fn all_mistakes_are_reported_at_once() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/rejected/three_mistakes");
    let (project, diagnostics) = check(&support::project(&folder), &support::catalogue());
    let places: Vec<(&str, &str)> =
        diagnostics.iter().map(|one| (one.source.path.as_str(), one.code)).collect();
    assert_eq!(
        places,
        [
            ("recipes/hire.yaml", "unknown-action"),
            ("recipes/hire.yaml", "unknown-key"),
            ("recipes/hire.yaml", "unknown-field"),
            ("recipes/other.yaml", "missing-key"),
        ]
    );
    assert_eq!(project.recipe_names, ["hire", "other"]);
    assert!(project.recipes.is_empty());
}

/// Every line drawn of `connections.yaml` hides what may be a secret, whatever is wrong with it.
#[test]
fn no_diagnostic_shows_a_secret() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let texts = [
        "goco:\n  api_key: hunter2\n  company: acme\n",
        "goco:\n  api_kye: hunter2\n  company: acme\n",
        "goco:\n  api_key: \"hunter2\"x\n",
        "goco:\n  api_key: hunter2: x\n",
        "goco:\n  api_key: !hunter2 x\n",
        "goco:\n  api_key: {{ hunter2 }}\n",
        "goco:\n  api_key: hunter2\n  api_key: hunter2\n  company: acme\n",
        "goco: { api_key: hunter2, company: acme }\n",
        "goco: { api_kye: [hunter2], company: acme }\n",
        "goco:\n  api_key: |\n    hunter2\n  company: acme\n",
        "goco:\n  # hunter2\n  api_kye: env:GOCO # was hunter2\n",
        "goco: # hunter2\n  company: acme\n",
        "goco: hunter2\n",
        "hunter: hunter2\ngoco:\n  api_key: [hunter2]\n  company: acme\n",
    ];
    for text in texts {
        std::fs::write(folder.path().join("connections.yaml"), text)
            .expect("the folder can be written");
        let (_, diagnostics) = check(&support::project(folder.path()), &support::catalogue());
        assert!(!diagnostics.is_empty(), "{text}");
        let drawn = render(&diagnostics, false);
        assert!(!drawn.contains("hunter2"), "{text}\n{drawn}");
    }
    for digits in ["0123456789", "123456789012345678901234"] {
        let text = format!("goco:\n  api_key: {digits}\n  company: acme\n");
        std::fs::write(folder.path().join("connections.yaml"), text)
            .expect("the folder can be written");
        let (_, diagnostics) = check(&support::project(folder.path()), &support::catalogue());
        assert!(!diagnostics.is_empty());
        assert!(!render(&diagnostics, false).contains(digits));
    }
}

fn folders(outcome: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(outcome);
    let entries = std::fs::read_dir(&folder).expect("the folder is part of the repository");
    let mut cases: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    cases
}
