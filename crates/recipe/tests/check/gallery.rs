//! Recipes that are refused, each with exactly what it is told, and recipes that are not.
//!
//! A case is a folder: `recipe.yaml`, perhaps `connections.yaml`, `runner.yaml` or a table, and `expected.txt`. Run with
//! `UPDATE=1` to write the latter, then read every line of the difference.

#![expect(
    clippy::disallowed_methods,
    reason = "`UPDATE` is how a person asks for new golden files"
)]

use std::path::{Path, PathBuf};

use recipe::{
    Diagnostic, Project, ProjectFiles, Severity, Source, check, check_again, fixed, read_cases,
    render,
};

use crate::support;

#[test]
fn rejected_recipes_are_told_why() {
    let cases = folders("rejected");
    assert!(cases.len() >= 45, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for folder in cases {
        let (project, diagnostics) = found_in(&folder, &support::project(&folder));
        let name = folder.file_name().expect("a case has a name").to_string_lossy().into_owned();
        assert!(!diagnostics.is_empty(), "{name} is accepted");
        let errors = diagnostics.iter().any(|one| one.severity == Severity::Error);
        // A file of connections that cannot be read leaves no recipe bound; other mistakes elsewhere leave it right.
        let refused = name == "connections_not_yaml"
            || diagnostics.iter().any(|one| {
                one.severity == Severity::Error && one.source.path == "recipes/hire.yaml"
            });
        assert_eq!(project.recipes.contains_key("hire"), !refused, "{name}");
        let milder = ["warning_", "hint_"].iter().any(|begin| name.starts_with(begin));
        assert_eq!(errors, !milder, "{name}: warnings and hints alone are named so");
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

/// What can be put right by itself is: `fixed.yaml` is the recipe afterwards. Nothing else changes, and once is enough.
#[test]
fn what_is_fixed_is_fixed_once_and_changes_nothing_else() {
    let mut with_fixes = 0;
    for folder in folders("rejected") {
        let files = support::project(&folder);
        let Some(recipe) = files.recipes.first() else { continue };
        let fixed = fixed_by_rounds(&folder, &files);
        let golden = folder.join("fixed.yaml");
        if fixed == recipe.text {
            assert!(!golden.exists(), "{} is no longer fixed", folder.display());
            continue;
        }
        with_fixes += 1;
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &fixed).expect("the folder can be written");
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(fixed, expected, "{}", folder.display());
        assert_eq!(fixed.lines().count(), recipe.text.lines().count(), "{}", folder.display());
        assert_eq!(comments(&fixed), comments(&recipe.text), "{}", folder.display());
        let again = with_recipe(&files, &fixed);
        assert_eq!(fixed_by_rounds(&folder, &again), fixed, "{}: twice", folder.display());
    }
    assert!(with_fixes >= 20, "{with_fixes} cases have something to fix");
}

/// Fixes and checks again until nothing is left to fix, as `check --fix` does.
fn fixed_by_rounds(folder: &Path, files: &ProjectFiles) -> String {
    let mut files = files.clone();
    for _ in 0..10 {
        let recipe = files.recipes[0].clone();
        let (_, diagnostics) = found_in(folder, &files);
        let here = diagnostics.iter().filter(|one| one.source.path == recipe.path);
        let (text, made) = fixed(&recipe, here);
        if made.is_empty() {
            return text;
        }
        let errors = |diagnostics: &[Diagnostic]| {
            let broken = ["yaml-syntax", "duplicate-key", "indentation"];
            diagnostics.iter().filter(|one| broken.contains(&one.code)).count()
        };
        files = with_recipe(&files, &text);
        let after = found_in(folder, &files).1;
        assert!(errors(&after) <= errors(&diagnostics), "{} breaks the text", folder.display());
    }
    panic!("{} is never done", folder.display());
}

fn with_recipe(files: &ProjectFiles, text: &str) -> ProjectFiles {
    let mut files = files.clone();
    files.recipes[0] = Source::new(files.recipes[0].path.clone(), text);
    files
}

fn comments(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.split_once('#').map(|(_, comment)| comment)).collect()
}

/// Checks a project and, where the case has one, the test file of its recipe.
fn found_in(folder: &Path, files: &ProjectFiles) -> (Project, Vec<Diagnostic>) {
    let catalogue = support::catalogue();
    let (project, mut diagnostics) = check(files, &catalogue);
    if let Ok(text) = std::fs::read_to_string(folder.join("recipe.test.yaml")) {
        let source = Source::new("recipes/hire.test.yaml", text);
        let recipe = &project.recipes["hire"];
        diagnostics.append(&mut read_cases(&source, recipe, &catalogue, &project).1);
    }
    (project, diagnostics)
}

#[test]
fn accepted_recipes_have_nothing_to_say() {
    let cases = folders("accepted");
    assert!(!cases.is_empty());
    for folder in cases {
        let (project, diagnostics) = found_in(&folder, &support::project(&folder));
        assert!(diagnostics.is_empty(), "{}\n{}", folder.display(), render(&diagnostics, false));
        assert!(project.recipes.contains_key("hire"), "{}", folder.display());
    }
}

/// A job holds on to the version it began with, whatever `connections.yaml` declares since.
#[test]
fn what_is_declared_later_makes_no_earlier_version_wrong() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/rejected");
    let files = support::project(&cases.join("undeclared_custom_field"));
    let catalogue = support::catalogue();
    assert!(check(&files, &catalogue).0.recipes.is_empty());
    let (project, found) = check_again(&files, &catalogue);
    assert!(found.is_empty(), "{}", render(&found, false));
    assert!(project.recipes.contains_key("hire"));
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
